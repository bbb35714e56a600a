// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: VT-d second-stage tables against a naive reference, a list of what is
 * mapped where. After each step a walker that knows the specification (9.8) and
 * nothing of the code under test decodes every entry there is.
 *
 * Where the unit does not snoop, the walker sees only what was written back.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../../iommu-pages.h"
#include "map/extents.h"
#include "vtd/second_stage.h"
#include "vtd_ss_kunit.h"

/* An entry, bit by bit; not from the driver's header. */
#define E_R		BIT_ULL(0)
#define E_W		BIT_ULL(1)
#define E_PS		BIT_ULL(7)
#define E_A		BIT_ULL(8)
#define E_D		BIT_ULL(9)
#define E_ADDR		GENMASK_ULL(51, 12)

static u64 level_size(unsigned int level)
{
	return 1ULL << (12 + 9 * (level - 1));
}

/* Written back: the unit sees it. A table begins as garbage to it. */
static void shadow_clean(void *data, void *addr, size_t size)
{
	struct ss_ctx *ctx = data;
	unsigned long page = (unsigned long)addr & PAGE_MASK;
	u8 *copy = xa_load(&ctx->shadow, page >> PAGE_SHIFT);

	if (!copy) {
		copy = kmalloc(PAGE_SIZE, GFP_ATOMIC);
		if (!copy)
			return;
		memset(copy, 0xa5, PAGE_SIZE);
		xa_store(&ctx->shadow, page >> PAGE_SHIFT, copy, GFP_ATOMIC);
	}
	if (offset_in_page(addr) + size > PAGE_SIZE) {
		SS_FAIL(ctx, "%zu bytes beyond a table written back", size);
		return;
	}
	memcpy(copy + offset_in_page(addr), addr, size);
}

static void hook_clean(void *data, void *addr, size_t size)
{
	struct ss_ctx *ctx = data;

	if (ctx->on_clean)
		ctx->on_clean(ctx);
}

static const u64 *view(struct ss_ctx *ctx, u64 phys)
{
	void *table = phys_to_virt(phys);

	if (ctx->mode != SS_SHADOW)
		return table;
	return xa_load(&ctx->shadow, (unsigned long)table >> PAGE_SHIFT);
}

static const struct ss_piece *piece_at(struct ss_ctx *ctx, u64 iova)
{
	unsigned int i;

	for (i = 0; i < ctx->num; i++)
		if (ctx->pieces[i].start <= iova && iova < ctx->pieces[i].end)
			return &ctx->pieces[i];
	return NULL;
}

static void ref_remove(struct ss_ctx *ctx, u64 start, u64 end)
{
	unsigned int i = 0;

	while (i < ctx->num) {
		struct ss_piece *p = &ctx->pieces[i];
		struct ss_piece tail = *p;

		if (p->end <= start || p->start >= end) {
			i++;
			continue;
		}
		tail.start = min(end, p->end);
		tail.phys += tail.start - p->start;
		p->end = max(start, p->start);
		if (p->start == p->end)
			*p = ctx->pieces[--ctx->num];
		if (tail.start < tail.end)
			ctx->pieces[ctx->num++] = tail;
		KUNIT_ASSERT_LT(ctx->test, ctx->num, SS_PIECES - 1);
	}
	for (i = 0; i < ctx->num_writes; i++)
		if (ctx->writes[i].iova >= start && ctx->writes[i].iova < end)
			ctx->writes[i].gone = true;
}

static bool may_be_dirty(struct ss_ctx *ctx, u64 iova, u64 size)
{
	unsigned int i;

	for (i = 0; i < ctx->num_writes; i++)
		if (ctx->writes[i].leaf <= iova &&
		    iova + size <= ctx->writes[i].leaf + ctx->writes[i].size)
			return true;
	return false;
}

static void check_leaf(struct ss_ctx *ctx, u64 iova, unsigned int level,
		       u64 entry, u64 perm)
{
	const struct ss_piece *p = piece_at(ctx, iova);
	u64 size = level_size(level), phys = entry & E_ADDR;

	if (phys & (size - 1))
		SS_FAIL(ctx, "%llx: reserved address bits: %llx", iova, entry);
	if (!p || p->end - iova < size)
		SS_FAIL(ctx, "%llx: a leaf of %llx too many", iova, size);
	else if (p->phys + (iova - p->start) != phys)
		SS_FAIL(ctx, "%llx: leads to %llx", iova, phys);
	else if ((perm & E_R) != (p->prot & IOMMU_READ ? E_R : 0) ||
		 (perm & E_W) != (p->prot & IOMMU_WRITE ? E_W : 0))
		SS_FAIL(ctx, "%llx: permissions %llx", iova, perm);
	if ((entry & E_D) && !may_be_dirty(ctx, iova, size))
		SS_FAIL(ctx, "%llx: dirty, and nobody wrote", iova);
	ctx->bytes += size;
	ctx->leaves++;
}

static void walk(struct ss_ctx *ctx, u64 phys, unsigned int level, u64 base,
		 u64 perm)
{
	const u64 *table = view(ctx, phys);
	unsigned int i;

	if (!table) {
		SS_FAIL(ctx, "a table that was never written back");
		return;
	}
	if (xa_to_value(xa_load(&ctx->tables, phys >> 12)) == ctx->gen)
		SS_FAIL(ctx, "%llx: a table twice", base);
	xa_store(&ctx->tables, phys >> 12, xa_mk_value(ctx->gen), GFP_KERNEL);

	for (i = 0; i < 512 && !ctx->failed; i++) {
		u64 entry = READ_ONCE(table[i]);
		u64 iova = base + i * level_size(level);
		bool leaf = level == 1 || (entry & E_PS);
		u64 allowed = E_R | E_W | E_ADDR;

		if (!entry)
			continue;
		if (leaf && level > 1)
			allowed |= E_PS;
		if (ctx->mode == SS_HOOK)
			allowed |= leaf ? E_A | E_D : E_A;
		if (!(entry & (E_R | E_W)) || (entry & ~allowed))
			SS_FAIL(ctx, "%llx: level %u entry %llx", iova, level,
				entry);
		else if (!leaf)
			walk(ctx, entry & E_ADDR, level - 1, iova, perm & entry);
		else if (level > 3 || (level == 3 && !ctx->ss.config.leaf_1g) ||
			 (level == 2 && !ctx->ss.config.leaf_2m))
			SS_FAIL(ctx, "%llx: leaf of level %u", iova, level);
		else
			check_leaf(ctx, iova, level, entry, perm & entry);
	}
}

static void check_lookup(struct ss_ctx *ctx, u64 iova)
{
	const struct ss_piece *p = piece_at(ctx, iova);
	u64 expected = p ? p->phys + (iova - p->start) : 0;

	if (vtd_ss_iova_to_phys(&ctx->ss, iova) != expected)
		SS_FAIL(ctx, "%llx: iova_to_phys()", iova);
}

/* All of the table, and that @freed are the tables that are not in it any more. */
static void check(struct ss_ctx *ctx, struct list_head *freed)
{
	unsigned long reachable = 0, seen = 0, pfn;
	struct page *page;
	u64 bytes = 0;
	unsigned int i;
	void *entry;

	ctx->gen++;
	ctx->bytes = 0;
	ctx->leaves = 0;
	walk(ctx, vtd_ss_root(&ctx->ss), ctx->ss.config.levels, 0, E_R | E_W);
	for (i = 0; i < ctx->num; i++) {
		const struct ss_piece *p = &ctx->pieces[i];

		bytes += p->end - p->start;
		check_lookup(ctx, p->start);
		check_lookup(ctx, p->end - 1);
		check_lookup(ctx, p->start + (p->end - p->start) / 2 + 5);
		if (p->start)
			check_lookup(ctx, p->start - 1);
		if (p->end < 1ULL << vtd_ss_bits(&ctx->ss))
			check_lookup(ctx, p->end);
	}
	if (ctx->bytes != bytes)
		SS_FAIL(ctx, "%llx bytes mapped, not %llx", ctx->bytes, bytes);

	list_for_each_entry(page, freed, lru) {
		pfn = page_to_pfn(page);
		entry = xa_erase(&ctx->tables, pfn);
		if (!entry || xa_to_value(entry) == ctx->gen)
			SS_FAIL(ctx, "freed a table that is %s use",
				entry ? "in" : "not in");
		kfree(xa_erase(&ctx->shadow, (unsigned long)page_address(page) >>
					     PAGE_SHIFT));
	}
	iommu_put_pages_list(freed);
	xa_for_each(&ctx->tables, pfn, entry) {
		reachable++;
		if (xa_to_value(entry) != ctx->gen)
			SS_FAIL(ctx, "a table is out of use and was not freed");
	}
	/* A table that is neither in use nor freed was written back, once. */
	xa_for_each(&ctx->shadow, pfn, entry)
		seen++;
	if (ctx->mode == SS_SHADOW && seen != reachable)
		SS_FAIL(ctx, "%lu tables made, %lu in use", seen, reachable);
	KUNIT_ASSERT_FALSE(ctx->test, ctx->failed);
}

/* Units of @pgsize before the first in which something is mapped. */
static u64 free_units(struct ss_ctx *ctx, u64 iova, u64 pgsize, u64 pgcount)
{
	u64 n = pgcount;
	unsigned int i;

	for (i = 0; i < ctx->num; i++) {
		const struct ss_piece *p = &ctx->pieces[i];

		if (p->end > iova && p->start < iova + n * pgsize)
			n = p->start > iova ? (p->start - iova) / pgsize : 0;
	}
	return n;
}

void ss_map(struct ss_ctx *ctx, u64 iova, u64 phys, u64 pgsize, u64 pgcount,
	    int prot)
{
	u64 n = free_units(ctx, iova, pgsize, pgcount);
	size_t mapped = 1;
	LIST_HEAD(stale);
	int rc;

	rc = vtd_ss_map(&ctx->ss, iova, phys, pgsize, pgcount, prot, GFP_KERNEL,
			&mapped, &stale);
	if (rc != (n < pgcount ? -EEXIST : 0) || mapped != n * pgsize)
		SS_FAIL(ctx, "map %llx + %llu x %llx: %d, %zx, not %llx", iova,
			pgcount, pgsize, rc, mapped, n * pgsize);
	if (mapped)
		ctx->pieces[ctx->num++] = (struct ss_piece){
			.start = iova,
			.end = iova + mapped,
			.phys = phys,
			.prot = prot,
		};
	check(ctx, &stale);
}

void ss_map_runs(struct ss_ctx *ctx, u64 iova, const u64 *runs, unsigned int nr,
		 int prot)
{
	size_t mapped = 1, total = 0;
	LIST_HEAD(stale);
	unsigned int i;
	u64 npages = 0;
	int rc;

	for (i = 0; i < nr; i++)
		npages += map_run_npages(runs[i]);
	if (free_units(ctx, iova, SZ_4K, npages) < npages)
		return;
	rc = vtd_ss_map_runs(&ctx->ss, iova, runs, nr, prot, GFP_KERNEL,
			     &mapped, &stale);
	if (rc || mapped != npages * SZ_4K)
		SS_FAIL(ctx, "map %llx, %u runs, %llu pages: %d, %zx", iova,
			nr, npages, rc, mapped);
	for (i = 0; i < nr && !rc; i++) {
		u64 size = map_run_npages(runs[i]) * SZ_4K;

		/* check_leaf() wants a leaf to be in one piece */
		if (i && map_run_pfn(runs[i - 1]) + map_run_npages(runs[i - 1]) ==
				 map_run_pfn(runs[i]))
			ctx->pieces[ctx->num - 1].end += size;
		else
			ctx->pieces[ctx->num++] = (struct ss_piece){
				.start = iova + total,
				.end = iova + total + size,
				.phys = map_run_pfn(runs[i]) * SZ_4K,
				.prot = prot,
			};
		total += size;
	}
	check(ctx, &stale);
}

void ss_unmap(struct ss_ctx *ctx, u64 iova, u64 pgsize, u64 pgcount)
{
	u64 end = iova + pgsize * pgcount, at = iova;
	const struct ss_piece *p;
	LIST_HEAD(freed);
	size_t done;

	while (at < end && (p = piece_at(ctx, at)))
		at = min(p->end, end);
	done = vtd_ss_unmap(&ctx->ss, iova, pgsize, pgcount, &freed);
	if (done != at - iova)
		SS_FAIL(ctx, "unmap %llx + %llu x %llx: %zx, not %llx", iova,
			pgcount, pgsize, done, at - iova);
	ref_remove(ctx, iova, iova + done);
	check(ctx, &freed);
}

/* What the unit does to an entry when a device writes; false: it may not. */
bool ss_hw_write(struct ss_ctx *ctx, u64 iova)
{
	u64 *table = phys_to_virt(vtd_ss_root(&ctx->ss));
	unsigned int level;

	for (level = ctx->ss.config.levels; level; level--) {
		u64 *entry = &table[(iova / level_size(level)) % 512];
		u64 old = READ_ONCE(*entry);

		if (!(old & E_W))
			return false;
		if (level > 1 && !(old & E_PS)) {
			table = phys_to_virt(old & E_ADDR);
			continue;
		}
		/* It repeats the walk if the entry has changed meanwhile. */
		if (cmpxchg64(entry, old, old | E_A | E_D) != old)
			return ss_hw_write(ctx, iova);
		KUNIT_ASSERT_LT(ctx->test, ctx->num_writes, SS_WRITES);
		ctx->writes[ctx->num_writes++] = (struct ss_write){
			.iova = iova,
			.leaf = ALIGN_DOWN(iova, level_size(level)),
			.size = level_size(level),
		};
		return true;
	}
	return false;
}

/* Is a leaf in the range dirty? */
bool ss_dirty(struct ss_ctx *ctx, u64 iova, u64 size, unsigned long flags)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	if (vtd_ss_read_and_clear_dirty(&ctx->ss, iova, size, flags, &dirty))
		SS_FAIL(ctx, "%llx: reading dirty bits failed", iova);
	if (gather.start > gather.end)
		return false;
	if (gather.start > iova + size - 1 || gather.end < iova)
		SS_FAIL(ctx, "%llx: dirty outside of what was asked", iova);
	return true;
}

void ss_check_dirty(struct ss_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->num_writes; i++) {
		struct ss_write *w = &ctx->writes[i];

		if (!w->gone &&
		    !ss_dirty(ctx, ALIGN_DOWN(w->iova, SZ_4K), SZ_4K,
			      IOMMU_DIRTY_NO_CLEAR))
			SS_FAIL(ctx, "%llx: a write was lost", w->iova);
	}
	for (i = 0; i < ctx->num; i++)
		ss_dirty(ctx, ctx->pieces[i].start,
			 ctx->pieces[i].end - ctx->pieces[i].start, 0);
	/* None is dirty any more: the walker complains otherwise. */
	ctx->num_writes = 0;
	ss_check(ctx);
}

void ss_check(struct ss_ctx *ctx)
{
	LIST_HEAD(none);

	check(ctx, &none);
}

struct ss_ctx *ss_new(struct kunit *test, const struct ss_param *param)
{
	struct ss_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct vtd_ss_config config = {
		.levels = param->levels,
		.leaf_2m = param->leaf >= 2,
		.leaf_1g = param->leaf >= 3,
		.nid = NUMA_NO_NODE,
	};

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->mode = param->mode;
	xa_init(&ctx->tables);
	xa_init(&ctx->shadow);
	config.clean_data = ctx;
	if (param->mode == SS_SHADOW)
		config.clean = shadow_clean;
	if (param->mode == SS_HOOK)
		config.clean = hook_clean;
	KUNIT_ASSERT_EQ(test, vtd_ss_init(&ctx->ss, &config), 0);
	KUNIT_ASSERT_EQ(test, vtd_ss_bits(&ctx->ss), 12 + 9 * param->levels);
	ss_check(ctx);
	return ctx;
}

void ss_end(struct ss_ctx *ctx)
{
	unsigned long pfn;
	void *copy;

	vtd_ss_free(&ctx->ss);
	xa_for_each(&ctx->shadow, pfn, copy)
		kfree(copy);
	xa_destroy(&ctx->shadow);
	xa_destroy(&ctx->tables);
}
