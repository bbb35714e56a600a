// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 tables with S2FWB: descriptors against literal ones (4 KiB granule), how
 * tables go, and random mappings against an array.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/prandom.h>
#include <uapi/linux/iommufd.h>

#include "../smmuv3/domain.h"
#include "smmuv3_fake.h"

#define SID	0x42
/* Entry 1 of each level */
#define IOVA	0x8040201000ULL
#define PADDR	0x123400000ULL

/**
 * struct rig - a unit, and a nest parent
 * @test: for failures
 * @fake: the unit
 * @domain: the parent
 */
struct rig {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct smmuv3_domain *domain;
};

static void free_domain(void *data)
{
	struct smmuv3_domain *domain = data;

	domain->domain.ops->free(&domain->domain);
}

static struct smmuv3_domain *new_parent(struct rig *rig)
{
	struct smmuv3_domain *domain;

	domain = smmuv3_paging_alloc(&rig->fake->unit,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(domain));
	KUNIT_ASSERT_EQ(rig->test,
			kunit_add_action_or_reset(rig->test, free_domain,
						  domain), 0);
	return domain;
}

static int rig_init(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	test->priv = rig;
	rig->test = test;
	rig->fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	smmuv3_fake_start_cmdq(rig->fake);
	rig->domain = new_parent(rig);
	return 0;
}

static int map_prot(struct smmuv3_domain *domain, u64 iova, u64 paddr,
		    size_t pgsize, size_t num, int prot)
{
	size_t mapped = 0;
	int rc;

	rc = domain->domain.ops->map_pages(&domain->domain, iova, paddr, pgsize,
					   num, prot, GFP_KERNEL, &mapped);
	return rc ?: mapped == pgsize * num ? 0 : -EIO;
}

static int map(struct smmuv3_domain *domain, u64 iova, u64 paddr, size_t pgsize,
	       size_t num)
{
	return map_prot(domain, iova, paddr, pgsize, num,
			IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE);
}

static size_t unmap(struct smmuv3_domain *domain, u64 iova, size_t pgsize,
		    size_t num)
{
	struct iommu_iotlb_gather gather;
	size_t done;

	iommu_iotlb_gather_init(&gather);
	done = domain->domain.ops->unmap_pages(&domain->domain, iova, pgsize,
					       num, &gather);
	iommu_iotlb_sync(&domain->domain, &gather);
	return done;
}

static u64 phys(struct smmuv3_domain *domain, u64 iova)
{
	return domain->domain.ops->iova_to_phys(&domain->domain, iova);
}

/* As the unit walks; @level's descriptor, or what ended the walk. */
static u64 walk(struct smmuv3_domain *domain, u64 iova, unsigned int level)
{
	u64 *table = phys_to_virt(domain->pgtbl_cfg.arm_lpae_s2_cfg.vttbr);
	unsigned int at;
	u64 desc = 0;

	for (at = 0; at <= level; at++) {
		desc = table[iova >> (39 - 9 * at) & 511];
		if ((desc & 3) != 3)
			break;
		table = phys_to_virt(desc & GENMASK_ULL(47, 12));
	}
	return desc;
}

static void test_config(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_stage2 target = {};

	KUNIT_EXPECT_TRUE(test, rig->domain->fwb);
	smmuv3_paging_stage2(rig->domain, &target);
	KUNIT_EXPECT_TRUE(test, target.fwb);
	KUNIT_EXPECT_FALSE(test, target.hw_access || target.hw_dirty);
	/* T0SZ 16, level 0, write-back, inner, 4K, 48 bits */
	KUNIT_EXPECT_EQ(test, target.vtcr,
			16U | 2 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 0 << 14 |
			5 << 16);
	KUNIT_EXPECT_EQ(test, target.vttb & 0xfff, 0ULL);
	KUNIT_EXPECT_EQ(test, rig->domain->domain.pgsize_bitmap,
			(unsigned long)(SZ_4K | SZ_2M | SZ_1G));
}

/* Nothing but the STE says that it is a table of another kind. */
static void test_without_fwb(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_caps *caps = &rig->fake->unit.caps;

	caps->s2fwb = false;
	KUNIT_EXPECT_FALSE(test, new_parent(rig)->fwb);
	KUNIT_EXPECT_FALSE(test, smmuv3_paging_suits(rig->domain, caps));
	caps->s2fwb = true;
	KUNIT_EXPECT_TRUE(test, smmuv3_paging_suits(rig->domain, caps));
	caps->coherent = false;
	KUNIT_EXPECT_FALSE(test, new_parent(rig)->fwb);
}

static void test_descriptors(struct kunit *test)
{
	static const struct {
		int prot;
		u64 bits;
	} cases[] = {
		{ IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE, 6 << 2 | 3 << 6 },
		{ IOMMU_READ | IOMMU_CACHE, 6 << 2 | 1 << 6 },
		{ IOMMU_WRITE | IOMMU_CACHE, 6 << 2 | 2 << 6 },
		/* It is forced, so there is no other memory */
		{ IOMMU_READ, 6 << 2 | 1 << 6 },
		{ IOMMU_WRITE | IOMMU_MMIO, 1 << 2 | 2 << 6 },
		{ IOMMU_READ | IOMMU_CACHE | IOMMU_NOEXEC,
		  6 << 2 | 1 << 6 | BIT_ULL(54) },
	};
	struct rig *rig = test->priv;
	struct smmuv3_domain *domain = rig->domain;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		/* AF, inner shareable */
		u64 bits = cases[i].bits | 1 << 10 | 3 << 8;

		KUNIT_EXPECT_EQ(test, map_prot(domain, IOVA, PADDR, SZ_4K, 1,
					       cases[i].prot), 0);
		KUNIT_EXPECT_EQ(test, walk(domain, IOVA, 3), PADDR | bits | 3);
		KUNIT_EXPECT_EQ(test, unmap(domain, IOVA, SZ_4K, 1),
				(size_t)SZ_4K);
		KUNIT_EXPECT_EQ(test, walk(domain, IOVA, 3), 0ULL);

		KUNIT_EXPECT_EQ(test, map_prot(domain, SZ_1G, SZ_2M, SZ_2M, 1,
					       cases[i].prot), 0);
		KUNIT_EXPECT_EQ(test, walk(domain, SZ_1G, 3), SZ_2M | bits | 1);
		KUNIT_EXPECT_EQ(test, unmap(domain, SZ_1G, SZ_2M, 1),
				(size_t)SZ_2M);
	}
	KUNIT_EXPECT_EQ(test, map(domain, SZ_1G, SZ_1G, SZ_1G, 1), 0);
	KUNIT_EXPECT_EQ(test, walk(domain, SZ_1G, 3) & GENMASK_ULL(47, 0),
			SZ_1G | 6 << 2 | 3 << 6 | 3 << 8 | 1 << 10 | 1ULL);
	KUNIT_EXPECT_EQ(test, phys(domain, SZ_1G + 0x12345678),
			SZ_1G + 0x12345678ULL);
}

/* 40 bits: two tables of level 1 side by side, no level 0 (D8.2.2). */
static void test_concatenated(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_stage2 target = {};
	struct smmuv3_domain *domain;
	u64 *root;

	rig->fake->unit.caps.ias = 40;
	domain = new_parent(rig);
	smmuv3_paging_stage2(domain, &target);
	KUNIT_EXPECT_EQ(test, target.vtcr & 0xff, 24U | 1 << 6);
	KUNIT_EXPECT_EQ(test, target.vttb & 0x1fff, 0ULL);
	KUNIT_EXPECT_EQ(test, map(domain, BIT_ULL(39) + SZ_1G, SZ_1G, SZ_1G, 1),
			0);
	root = phys_to_virt(target.vttb);
	KUNIT_EXPECT_EQ(test, root[513] & 1, 1ULL);
	KUNIT_EXPECT_EQ(test, root[1], 0ULL);
	KUNIT_EXPECT_EQ(test, phys(domain, BIT_ULL(39) + SZ_1G), (u64)SZ_1G);
	KUNIT_EXPECT_EQ(test, map(domain, BIT_ULL(40), 0, SZ_4K, 1), -ERANGE);
}

/*
 * Every granule, whatever this kernel's is: levels that must not be first with so few
 * bits of physical addresses are not (D8.2).
 */
static void test_shapes(struct kunit *test)
{
	static const struct {
		unsigned int page_shift;
		unsigned int ias;
		unsigned int start;
		unsigned int root_bits;
	} cases[] = {
		{ 12, 32, 1, 2 }, { 12, 36, 1, 6 }, { 12, 40, 1, 10 },
		{ 12, 42, 1, 12 }, { 12, 44, 0, 5 }, { 12, 48, 0, 9 },
		/* 16 tables of level 2; at 48 bits two of level 1 */
		{ 14, 32, 2, 7 }, { 14, 36, 2, 11 }, { 14, 40, 2, 15 },
		{ 14, 42, 1, 6 }, { 14, 44, 1, 8 }, { 14, 48, 1, 12 },
		{ 16, 32, 2, 3 }, { 16, 36, 2, 7 }, { 16, 40, 2, 11 },
		{ 16, 42, 2, 13 }, { 16, 44, 1, 2 }, { 16, 48, 1, 6 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int page_shift = cases[i].page_shift;
		struct smmuv3_stage2_shape shape;

		smmuv3_stage2_shape(page_shift, cases[i].ias, &shape);
		KUNIT_EXPECT_EQ_MSG(test, shape.start, cases[i].start,
				    "%u, %u", page_shift, cases[i].ias);
		KUNIT_EXPECT_EQ_MSG(test, shape.root_bits, cases[i].root_bits,
				    "%u, %u", page_shift, cases[i].ias);
		/* All bits, and each but the first once */
		KUNIT_EXPECT_EQ(test,
				page_shift + shape.root_bits +
				(3 - shape.start) * (page_shift - 3),
				cases[i].ias);
	}
}

static void test_refused(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_domain *domain = rig->domain;

	KUNIT_ASSERT_EQ(test, map(domain, SZ_2M, SZ_2M, SZ_2M, 1), 0);
	/* There is a leaf, of any size */
	KUNIT_EXPECT_EQ(test, map(domain, SZ_2M, SZ_2M, SZ_2M, 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(domain, SZ_2M + SZ_4K, 0, SZ_4K, 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(domain, 0, 0, SZ_1G, 1), -EEXIST);
	/* Part of a leaf; no leaf; not aligned; no such size, no access */
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_2M, SZ_4K, 1), (size_t)0);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_4M, SZ_4K, 1), (size_t)0);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_2M + SZ_4K, SZ_2M, 1),
			(size_t)0);
	KUNIT_EXPECT_EQ(test, map(domain, SZ_1G + SZ_4K, 0, SZ_2M, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(domain, SZ_1G, SZ_4K, SZ_2M, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(domain, SZ_1G, 0, SZ_64K, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_prot(domain, SZ_1G, 0, SZ_4K, 1, IOMMU_CACHE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, phys(domain, SZ_2M + 5), SZ_2M + 5ULL);
	/* It stops at a gap */
	KUNIT_ASSERT_EQ(test, map(domain, SZ_1G, 0, SZ_4K, 3), 0);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_1G, SZ_4K, 8),
			(size_t)3 * SZ_4K);
}

/* A table goes behind a flush that is not of leaves alone. */
static void test_tables_go(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_fake *fake = rig->fake;
	struct smmuv3_domain *domain = rig->domain;
	struct smmuv3_tag *tag;

	mutex_lock(&fake->unit.lock);
	tag = smmuv3_tag_get(domain, &fake->unit, NULL, TAG_IDS_OWN);
	mutex_unlock(&fake->unit.lock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(tag));

	KUNIT_ASSERT_EQ(test, map(domain, SZ_2M, SZ_2M, SZ_4K, 512), 0);
	KUNIT_EXPECT_EQ(test, fake->num_log, 0U);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_2M, SZ_2M, 1), (size_t)SZ_2M);
	KUNIT_ASSERT_GT(test, fake->num_log, 0U);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_op(&fake->log[0].cmd),
			FAKE_TLBI_S2_IPA);
	KUNIT_EXPECT_EQ(test, fake->log[0].cmd.qw[1] & 1, 0ULL);

	/* An empty one makes room for a block */
	KUNIT_ASSERT_EQ(test, map(domain, SZ_2M, SZ_2M, SZ_4K, 1), 0);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_2M, SZ_4K, 1), (size_t)SZ_4K);
	smmuv3_fake_forget(fake);
	KUNIT_EXPECT_EQ(test, map(domain, SZ_2M, SZ_4M, SZ_2M, 1), 0);
	KUNIT_ASSERT_GT(test, fake->num_log, 0U);
	KUNIT_EXPECT_EQ(test, fake->log[0].cmd.qw[1] & 1, 0ULL);
	KUNIT_EXPECT_EQ(test, phys(domain, SZ_2M), (u64)SZ_4M);

	mutex_lock(&fake->unit.lock);
	smmuv3_tag_put(domain, tag);
	mutex_unlock(&fake->unit.lock);
}

/* --- random mappings against an array --- */

#define BLOCKS		4
#define PAGES		(BLOCKS * 512)
#define ROUNDS		300

/**
 * struct model - what should be mapped, by page
 * @phys: where to
 * @mapped: whether
 * @block: as part of a block
 */
struct model {
	u64 phys[PAGES];
	bool mapped[PAGES];
	bool block[PAGES];
};

static bool all(const bool *what, unsigned int first, unsigned int num,
		bool value)
{
	unsigned int i;

	for (i = first; i < first + num; i++)
		if (what[i] != value)
			return false;
	return true;
}

static void note(struct model *model, unsigned int first, unsigned int num,
		 u64 paddr, bool mapped, bool block)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		model->phys[first + i] = mapped ? paddr + i * SZ_4K : 0;
		model->mapped[first + i] = mapped;
		model->block[first + i] = block;
	}
}

static void one_round(struct rig *rig, struct model *model,
		      struct rnd_state *rnd)
{
	struct smmuv3_domain *domain = rig->domain;
	bool large = prandom_u32_state(rnd) & 1;
	unsigned int num = large ? 512 : prandom_u32_state(rnd) % 600 + 1;
	unsigned int first = prandom_u32_state(rnd) % PAGES;
	u64 paddr = (u64)(prandom_u32_state(rnd) % 1000 + 1) * SZ_2M;
	size_t size = large ? SZ_2M : SZ_4K, got;

	if (large)
		first &= ~511U;
	num = min(num, PAGES - first);
	if (all(model->mapped, first, num, false)) {
		KUNIT_EXPECT_EQ(rig->test,
				map(domain, (u64)first * SZ_4K, paddr, size,
				    large ? 1 : num), 0);
		note(model, first, num, paddr, true, large);
		return;
	}
	/* Of pages, some of which may not be there, or parts of blocks */
	got = unmap(domain, (u64)first * SZ_4K, size, large ? 1 : num);
	if (large) {
		KUNIT_EXPECT_EQ(rig->test, got, (size_t)SZ_2M);
		note(model, first, num, 0, false, false);
		return;
	}
	num = got / SZ_4K;
	KUNIT_EXPECT_TRUE(rig->test, all(model->mapped, first, num, true));
	KUNIT_EXPECT_TRUE(rig->test, all(model->block, first, num, false));
	note(model, first, num, 0, false, false);
}

static void test_random(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int round, i;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 5);
	for (round = 0; round < ROUNDS; round++) {
		one_round(rig, model, &rnd);
		for (i = 0; i < PAGES; i++)
			if (phys(rig->domain, (u64)i * SZ_4K) != model->phys[i])
				break;
		KUNIT_ASSERT_EQ_MSG(test, i, PAGES, "round %u", round);
	}
}

static struct kunit_case stage2_cases[] = {
	KUNIT_CASE(test_config),
	KUNIT_CASE(test_without_fwb),
	KUNIT_CASE(test_descriptors),
	KUNIT_CASE(test_concatenated),
	KUNIT_CASE(test_shapes),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_tables_go),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite stage2_suite = {
	.name = "iommufd_smmuv3_stage2",
	.init = rig_init,
	.test_cases = stage2_cases,
};

kunit_test_suite(stage2_suite);
