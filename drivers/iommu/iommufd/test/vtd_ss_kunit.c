// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: VT-d second-stage tables. Each step is checked by vtd_ss_kunit_lib.c. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "../../iommu-pages.h"
#include "map/extents.h"
#include "vtd_ss_kunit.h"

#define RW		(IOMMU_READ | IOMMU_WRITE)
/* Not aligned to anything more than its size; up to bit 51. */
#define PHYS		0x000c765440000000ULL

static const struct ss_param params[] = {
	{ 3, 1, SS_SHADOW }, { 3, 2, SS_SHADOW }, { 3, 3, SS_SHADOW },
	{ 4, 1, SS_SHADOW }, { 4, 2, SS_SHADOW }, { 4, 3, SS_SHADOW },
	{ 5, 1, SS_SHADOW }, { 5, 2, SS_SHADOW }, { 5, 3, SS_SHADOW },
	{ 3, 3, SS_COHERENT }, { 4, 3, SS_COHERENT }, { 5, 3, SS_COHERENT },
	{ 3, 3, SS_HOOK }, { 4, 2, SS_HOOK }, { 5, 3, SS_HOOK },
};

static void param_desc(const struct ss_param *param, char *desc)
{
	static const char * const modes[] = { "coherent", "shadow", "hook" };

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u levels, leaf %u, %s",
		 param->levels, param->leaf, modes[param->mode]);
}

KUNIT_ARRAY_PARAM(ss, params, param_desc);

/* Where the size of the largest leaf does not count. */
static const struct ss_param small_params[] = {
	{ 3, 3, SS_SHADOW }, { 4, 3, SS_SHADOW }, { 5, 3, SS_SHADOW },
	{ 4, 3, SS_COHERENT },
};

KUNIT_ARRAY_PARAM(small, small_params, param_desc);

static u64 leaf_size(unsigned int leaf)
{
	return 1ULL << (12 + 9 * (leaf - 1));
}

/* An address where tables of level 1, 2, .. end; the last is the end of all. */
static u64 border(const struct ss_param *param, unsigned int n)
{
	return 1ULL << (12 + 9 * n);
}

/* Every run of pages around every border, less every run of them. */
static void test_small(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	unsigned int n, a, b, c, d;
	const u64 p = SZ_4K;

	for (n = 1; n < param->levels; n++) {
		u64 base = border(param, n) - 2 * p;

		for (a = 0; a < 4; a++)
			for (b = a + 1; b <= 4; b++)
				for (c = 0; c < 4; c++)
					for (d = c + 1; d <= 4; d++) {
						ss_map(ctx, base + a * p, PHYS,
						       p, b - a, RW);
						ss_unmap(ctx, base + c * p, p,
							 d - c);
						ss_unmap(ctx, base + a * p, p,
							 b - a);
						/* What a hole had left */
						ss_unmap(ctx, base + d * p, p,
							 4 - d ?: 1);
						KUNIT_ASSERT_EQ(test, ctx->num, 0);
					}
	}
	ss_end(ctx);
}

/* A leaf of each size, less every piece of it, whole again, and gone. */
static void test_split(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	unsigned int leaf, i, j;

	for (leaf = 2; leaf <= param->leaf; leaf++) {
		u64 size = leaf_size(leaf), base = 3 * size;
		u64 cuts[] = { 0, SZ_4K, SZ_2M, SZ_2M + SZ_4K, size / 2,
			       size - SZ_2M, size - SZ_4K, size };

		for (i = 0; i < ARRAY_SIZE(cuts); i++)
			for (j = 0; j < ARRAY_SIZE(cuts); j++) {
				if (cuts[i] >= cuts[j] || cuts[j] > size)
					continue;
				ss_map(ctx, base, PHYS, size, 1, IOMMU_READ);
				KUNIT_EXPECT_EQ(test, ctx->leaves, 1);
				ss_unmap(ctx, base + cuts[i], SZ_4K,
					 (cuts[j] - cuts[i]) / SZ_4K);
				ss_map(ctx, base + cuts[i], PHYS + cuts[i],
				       SZ_4K, 1, RW);
				ss_map(ctx, base, PHYS, size, 1, RW);
				ss_unmap(ctx, base + cuts[i], SZ_4K, 1);
				ss_unmap(ctx, base, size, 1);
				ss_unmap(ctx, base + cuts[j], SZ_4K,
					 (size - cuts[j]) / SZ_4K ?: 1);
				KUNIT_ASSERT_EQ(test, ctx->num, 0);
			}
	}
	ss_end(ctx);
}

/* A leaf takes the place of tables in which nothing is left. */
static void test_over_empty(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	unsigned int leaf;

	for (leaf = 2; leaf <= param->leaf; leaf++) {
		u64 size = leaf_size(leaf), base = 5 * size;

		ss_map(ctx, base, PHYS, SZ_4K, 2, RW);
		ss_map(ctx, base + size - SZ_4K, PHYS, SZ_4K, 1, RW);
		ss_unmap(ctx, base, SZ_4K, 2);
		/* One page is in the way still */
		ss_map(ctx, base, PHYS, size, 1, RW);
		KUNIT_EXPECT_EQ(test, ctx->num, 1);
		ss_unmap(ctx, base + size - SZ_4K, SZ_4K, 1);
		ss_map(ctx, base, PHYS, size, 1, RW);
		KUNIT_EXPECT_EQ(test, ctx->leaves, 1);
		ss_unmap(ctx, base, size, 1);
	}
	ss_end(ctx);
}

static void expect_refused(struct ss_ctx *ctx, u64 iova, u64 phys, u64 pgsize,
			   u64 pgcount)
{
	size_t mapped = 1;
	LIST_HEAD(stale);

	KUNIT_EXPECT_EQ(ctx->test, -EINVAL,
			vtd_ss_map(&ctx->ss, iova, phys, pgsize, pgcount, RW,
				   GFP_KERNEL, &mapped, &stale));
	KUNIT_EXPECT_EQ(ctx->test, mapped, 0);
	KUNIT_EXPECT_TRUE(ctx->test, list_empty(&stale));
	ss_check(ctx);
}

static void test_refused(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	u64 end = border(param, param->levels);
	unsigned int leaf;

	expect_refused(ctx, 0, 0, SZ_8K, 1);
	expect_refused(ctx, 0, 0, SZ_2K, 1);
	expect_refused(ctx, 0, 0, 0, 1);
	expect_refused(ctx, SZ_2K, 0, SZ_4K, 1);
	expect_refused(ctx, 0, SZ_2K, SZ_4K, 1);
	expect_refused(ctx, end, 0, SZ_4K, 1);
	expect_refused(ctx, end - SZ_4K, 0, SZ_4K, 2);
	expect_refused(ctx, end << 1, 0, SZ_4K, 1);
	for (leaf = 2; leaf <= 3; leaf++) {
		u64 size = leaf_size(leaf);

		if (leaf > param->leaf) {
			expect_refused(ctx, 0, 0, size, 1);
			continue;
		}
		expect_refused(ctx, size / 2, 0, size, 1);
		expect_refused(ctx, 0, size / 2, size, 1);
	}
	expect_refused(ctx, 0, 0, 1ULL << 39, 1);

	/* The last page is good */
	ss_map(ctx, end - SZ_4K, PHYS, SZ_4K, 1, RW);
	ss_unmap(ctx, end - SZ_4K, SZ_4K, 1);
	ss_end(ctx);
}

static void random_step(struct ss_ctx *ctx, const struct ss_param *param,
			struct rnd_state *rnd)
{
	unsigned int leaf = 1 + prandom_u32_state(rnd) % param->leaf;
	unsigned int n = 1 + prandom_u32_state(rnd) % (param->levels - 1);
	u64 size = leaf_size(leaf), span = leaf == 3 ? 2 : 6;
	u64 count = 1 + prandom_u32_state(rnd) % (span / 2);
	u64 iova, phys;

	/* Neighbours of a border, in units of the leaf */
	iova = ALIGN(border(param, n), size) - min(border(param, n), size) /
	       size * size;
	iova += (prandom_u32_state(rnd) % span) * size;
	phys = (PHYS ^ ((u64)prandom_u32_state(rnd) << 16)) & ~(size - 1);

	switch (prandom_u32_state(rnd) % 8) {
	case 0 ... 3:
		if (ctx->num < SS_PIECES / 2) {
			ss_map(ctx, iova, phys, size, count,
			       1 + prandom_u32_state(rnd) % 3);
			break;
		}
		fallthrough;
	case 4 ... 5:
		ss_unmap(ctx, iova, size, count);
		break;
	case 6:
		/* Pages of what may be larger leaves */
		ss_unmap(ctx, iova + (prandom_u32_state(rnd) % 512) * SZ_4K,
			 SZ_4K, 1 + prandom_u32_state(rnd) % 1024);
		break;
	case 7:
		if (ctx->mode != SS_HOOK)
			break;
		if (ctx->num_writes > SS_WRITES / 2)
			ss_check_dirty(ctx);
		ss_hw_write(ctx, iova);
		ss_hw_write(ctx, iova + (prandom_u32_state(rnd) % 512) * SZ_4K);
		break;
	}
}

static void test_random(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 0x5eed + param->levels * 16 + param->leaf);
	for (i = 0; i < 600; i++)
		random_step(ctx, param, &rnd);
	if (ctx->mode == SS_HOOK)
		ss_check_dirty(ctx);
	ss_end(ctx);
}

/* Up to 1500 pages before an address, if there are so many. */
static u64 before(u64 addr, struct rnd_state *rnd)
{
	return addr - min(addr, (prandom_u32_state(rnd) % 1500) * (u64)SZ_4K);
}

/*
 * Runs of one page and of many, that continue each other or do not, at IOVAs that
 * are aligned as the memory is or not, across every border; less what is random.
 */
static void test_runs(struct kunit *test)
{
	const struct ss_param *param = test->param_value;
	struct ss_ctx *ctx = ss_new(test, param);
	struct rnd_state rnd;
	unsigned int round, i;
	u64 runs[12];

	prandom_seed_state(&rnd, 0x5ca7 + param->levels * 16 + param->leaf);
	for (round = 0; round < 300; round++) {
		unsigned int n = 1 + prandom_u32_state(&rnd) % (param->levels - 1);
		unsigned int nr = 1 + prandom_u32_state(&rnd) % ARRAY_SIZE(runs);
		bool aligned = prandom_u32_state(&rnd) % 2;
		u64 iova = before(border(param, n), &rnd);
		u64 pfn = PHYS / SZ_4K + (prandom_u32_state(&rnd) & 0xffff);

		if (aligned)
			pfn = ALIGN_DOWN(pfn, 512) + (iova / SZ_4K) % 512;
		for (i = 0; i < nr; i++) {
			u64 npages = prandom_u32_state(&rnd) % 3 ?
					     1 : 1 + prandom_u32_state(&rnd) % 1100;

			runs[i] = map_run_pack(pfn, npages);
			pfn += npages + (prandom_u32_state(&rnd) % 3 ? 0 : 5);
		}
		if (ctx->num < SS_PIECES / 2)
			ss_map_runs(ctx, iova, runs, nr,
				    1 + prandom_u32_state(&rnd) % 3);
		if (round % 3)
			ss_unmap(ctx, before(border(param, n), &rnd), SZ_4K,
				 1 + prandom_u32_state(&rnd) % 3000);
	}
	ss_end(ctx);
}

/* What a run may not be: nothing is changed, and what was before it is there. */
static void test_runs_refused(struct kunit *test)
{
	const struct ss_param param = { 4, 3, SS_SHADOW };
	struct ss_ctx *ctx = ss_new(test, &param);
	u64 end = border(&param, param.levels);
	size_t mapped;
	LIST_HEAD(stale);
	u64 runs[3];

	/* Its second page is taken */
	ss_map(ctx, SZ_2M + SZ_4K, PHYS, SZ_4K, 1, RW);
	runs[0] = map_run_pack(PHYS / SZ_4K + 10, 1);
	runs[1] = map_run_pack(PHYS / SZ_4K + 20, 1);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			vtd_ss_map_runs(&ctx->ss, SZ_2M, runs, 2, RW,
					GFP_KERNEL, &mapped, &stale));
	KUNIT_EXPECT_EQ(test, mapped, SZ_4K);
	KUNIT_EXPECT_EQ(test, SZ_4K, vtd_ss_unmap(&ctx->ss, SZ_2M, SZ_4K, 1,
						  &stale));
	/* Beyond the width; beyond what an entry holds; no permission */
	runs[2] = map_run_pack(PHYS / SZ_4K + 30, 2);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vtd_ss_map_runs(&ctx->ss, end - SZ_4K, runs + 2, 1, RW,
					GFP_KERNEL, &mapped, &stale));
	KUNIT_EXPECT_EQ(test, mapped, 0);
	runs[2] = map_run_pack(BIT_ULL(40) - 1, 2);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vtd_ss_map_runs(&ctx->ss, 0, runs + 2, 1, RW,
					GFP_KERNEL, &mapped, &stale));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vtd_ss_map_runs(&ctx->ss, 0, runs, 1, 0, GFP_KERNEL,
					&mapped, &stale));
	KUNIT_EXPECT_TRUE(test, list_empty(&stale));
	ss_check(ctx);
	ss_unmap(ctx, SZ_2M + SZ_4K, SZ_4K, 1);
	ss_end(ctx);
}

static void test_dirty(struct kunit *test)
{
	static const struct ss_param param = { 4, 3, SS_HOOK };
	struct ss_ctx *ctx = ss_new(test, &param);
	const u64 base = SZ_1G;

	ss_map(ctx, base, PHYS, SZ_4K, 4, RW);
	ss_map(ctx, base + SZ_4K * 4, PHYS, SZ_4K, 1, IOMMU_READ);
	ss_map(ctx, base + SZ_2M, PHYS, SZ_2M, 1, RW);
	ss_map(ctx, base + SZ_1G, PHYS, SZ_1G, 1, RW);
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base, 2ULL * SZ_1G, 0));

	KUNIT_EXPECT_TRUE(test, ss_hw_write(ctx, base + SZ_4K));
	KUNIT_EXPECT_FALSE(test, ss_hw_write(ctx, base + SZ_4K * 4));
	KUNIT_EXPECT_TRUE(test, ss_hw_write(ctx, base + SZ_2M + SZ_4K));
	KUNIT_EXPECT_TRUE(test, ss_hw_write(ctx, base + SZ_1G + SZ_64K));
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base, SZ_4K,
					  IOMMU_DIRTY_NO_CLEAR));
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base + SZ_4K, SZ_4K,
					 IOMMU_DIRTY_NO_CLEAR));
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base + SZ_4K * 2, SZ_8K,
					  IOMMU_DIRTY_NO_CLEAR));
	/* A range with holes */
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base + SZ_8K, SZ_1G - SZ_8K, 0));
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base + SZ_2M, SZ_2M, 0));
	/* Outside of what was cleared */
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base, SZ_8K, 0));
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base, SZ_8K, 0));
	/* A part of a leaf does not make the rest of it clean */
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base + SZ_1G, SZ_1G - SZ_4K, 0));
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base + SZ_1G + SZ_4K,
					 SZ_1G - SZ_4K, 0));
	KUNIT_EXPECT_TRUE(test, ss_dirty(ctx, base + SZ_1G, SZ_1G, 0));
	KUNIT_EXPECT_FALSE(test, ss_dirty(ctx, base + SZ_1G, SZ_1G, 0));
	ctx->num_writes = 0;
	ss_check(ctx);
	ss_end(ctx);
}

static void write_at_call(struct ss_ctx *ctx)
{
	/* What stays mapped is reachable at every moment */
	if (ctx->calls++ == ctx->at && !ss_hw_write(ctx, ctx->iova))
		SS_FAIL(ctx, "%llx: not mapped during a split", ctx->iova);
}

/* A device writes at each moment of a split. */
static void test_dirty_split(struct kunit *test)
{
	static const struct ss_param param = { 4, 3, SS_HOOK };
	struct ss_ctx *ctx = ss_new(test, &param);
	unsigned int leaf;

	for (leaf = 2; leaf <= 3; leaf++) {
		u64 size = leaf_size(leaf), base = 2 * size;

		ctx->at = 0;
		do {
			ss_map(ctx, base, PHYS, size, 1, RW);
			ctx->iova = base + size / 2 + SZ_4K;
			ctx->calls = 0;
			ctx->on_clean = write_at_call;
			ss_unmap(ctx, base + size / 2, SZ_4K, 1);
			ctx->on_clean = NULL;
			ss_check_dirty(ctx);
			ss_unmap(ctx, base, SZ_4K, size / SZ_4K / 2);
			ss_unmap(ctx, base + size / 2 + SZ_4K, SZ_4K,
				 size / SZ_4K / 2 - 1);
			KUNIT_ASSERT_EQ(test, ctx->num, 0);
		} while (ctx->calls > ctx->at++);
		/* The new table, its entry in the old one, the page at least */
		KUNIT_EXPECT_GT(test, ctx->at, 3);
	}
	ss_end(ctx);
}

#define RACERS		4
/* The pages of all fit one table and SS_PIECES, if two in three are mapped. */
#define RACER_PAGES	96

/**
 * struct racer - a thread that changes a range of its own
 * @ss: the table that all share
 * @base: of its range
 * @rnd: its dice
 * @mapped: by page
 * @only_unmap: all is mapped; take it out
 * @bad: something went wrong
 * @go: all begin at once
 * @done: it is over
 */
struct racer {
	struct vtd_ss *ss;
	u64 base;
	struct rnd_state rnd;
	bool mapped[RACER_PAGES];
	bool only_unmap;
	bool bad;
	atomic_t *go;
	struct completion done;
};

static void racer_flip(struct racer *r, unsigned int page)
{
	u64 iova = r->base + page * SZ_4K;
	size_t mapped = SZ_4K;
	LIST_HEAD(list);
	int rc = 0;

	if (r->mapped[page])
		mapped = vtd_ss_unmap(r->ss, iova, SZ_4K, 1, &list);
	else
		rc = vtd_ss_map(r->ss, iova, PHYS + iova, SZ_4K, 1, RW,
				GFP_KERNEL, &mapped, &list);
	r->mapped[page] = !r->mapped[page];
	if (rc || mapped != SZ_4K || !list_empty(&list) ||
	    vtd_ss_iova_to_phys(r->ss, iova) !=
		    (r->mapped[page] ? PHYS + iova : 0))
		r->bad = true;
	iommu_put_pages_list(&list);
}

static int racer_thread(void *arg)
{
	struct racer *r = arg;
	unsigned int i;

	atomic_dec(r->go);
	while (atomic_read(r->go) > 0)
		cond_resched();
	for (i = 0; i < RACER_PAGES; i++)
		racer_flip(r, r->only_unmap ? i :
				prandom_u32_state(&r->rnd) % RACER_PAGES);
	complete(&r->done);
	return 0;
}

static void race(struct kunit *test, const struct ss_param *param,
		 unsigned int round, bool only_unmap)
{
	/* Ranges of one 2 MiB leaf; or around the end of a table of each level */
	u64 base = only_unmap ? SZ_2M :
			border(param, 1 + round % (param->levels - 1)) -
				(RACERS / 2) * RACER_PAGES * SZ_4K;
	struct ss_ctx *ctx = ss_new(test, param);
	atomic_t go = ATOMIC_INIT(RACERS);
	struct racer *racers;
	unsigned int i, j;

	racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, racers);
	if (only_unmap)
		ss_map(ctx, base, PHYS + base, SZ_2M, 1, RW);
	for (i = 0; i < RACERS; i++) {
		struct racer *r = &racers[i];

		r->ss = &ctx->ss;
		r->base = base + (u64)i * RACER_PAGES * SZ_4K;
		r->only_unmap = only_unmap;
		memset(r->mapped, only_unmap, sizeof(r->mapped));
		prandom_seed_state(&r->rnd, round * RACERS + i);
		r->go = &go;
		init_completion(&r->done);
		if (IS_ERR(kthread_run(racer_thread, r, "vtd_ss/%u", i))) {
			KUNIT_FAIL(test, "no thread");
			atomic_dec(&go);
			complete(&r->done);
		}
	}
	for (i = 0; i < RACERS; i++) {
		wait_for_completion(&racers[i].done);
		KUNIT_EXPECT_FALSE(test, racers[i].bad);
	}
	/* What no racer has touched stays */
	if (only_unmap) {
		ctx->pieces[0].start = base + (u64)RACERS * RACER_PAGES * SZ_4K;
		ctx->pieces[0].phys = PHYS + ctx->pieces[0].start;
	}
	for (i = 0; i < RACERS; i++)
		for (j = 0; j < RACER_PAGES; j++) {
			u64 iova = racers[i].base + j * SZ_4K;

			if (!racers[i].mapped[j])
				continue;
			KUNIT_ASSERT_LT(test, ctx->num, SS_PIECES);
			ctx->pieces[ctx->num++] = (struct ss_piece){
				.start = iova,
				.end = iova + SZ_4K,
				.phys = PHYS + iova,
				.prot = RW,
			};
		}
	ss_check(ctx);
	ss_end(ctx);
	kunit_kfree(test, racers);
	kunit_kfree(test, ctx);
}

static void test_race(struct kunit *test)
{
	static const struct ss_param param = { 4, 3, SS_COHERENT };
	unsigned int round;

	for (round = 0; round < 30; round++) {
		race(test, &param, round, false);
		race(test, &param, round, true);
	}
}

static struct kunit_case vtd_ss_cases[] = {
	KUNIT_CASE_PARAM(test_small, small_gen_params),
	KUNIT_CASE_PARAM(test_split, ss_gen_params),
	KUNIT_CASE_PARAM(test_over_empty, ss_gen_params),
	KUNIT_CASE_PARAM(test_refused, ss_gen_params),
	KUNIT_CASE_PARAM(test_random, ss_gen_params),
	KUNIT_CASE_PARAM(test_runs, ss_gen_params),
	KUNIT_CASE(test_runs_refused),
	KUNIT_CASE(test_dirty),
	KUNIT_CASE(test_dirty_split),
	KUNIT_CASE(test_race),
	{}
};

static struct kunit_suite vtd_ss_suite = {
	.name = "iommufd_vtd_ss",
	.test_cases = vtd_ss_cases,
};

kunit_test_suite(vtd_ss_suite);
