// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading of dirty marks from stage 1 tables, at every page size of every granule: random
 * ranges, compared after each with a list that says of each leaf whether it is dirty.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/io-pgtable.h>
#include <linux/iommu.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "smmuv3/domain.h"

#define LEAVES_MAX	64
#define STEPS		400

/**
 * struct dirty_leaf - what is known of a leaf
 * @iova: of its first byte
 * @size: bytes
 * @dirty: written since it was last read as a whole
 */
struct dirty_leaf {
	u64 iova;
	u64 size;
	bool dirty;
};

/**
 * struct dirty_table - a table, and the list
 * @test: where a difference is reported
 * @domain: has the table
 * @rnd: what is done next
 * @page: bytes of the smallest page
 * @leaves: in ascending order, without a gap
 * @num: how many
 */
struct dirty_table {
	struct kunit *test;
	struct smmuv3_domain *domain;
	struct rnd_state rnd;
	u64 page;
	struct dirty_leaf leaves[LEAVES_MAX];
	unsigned int num;
};

static void no_flush_all(void *cookie)
{
}

static void no_flush_walk(unsigned long iova, size_t size, size_t granule,
			  void *cookie)
{
}

static const struct iommu_flush_ops no_flush = {
	.tlb_flush_all = no_flush_all,
	.tlb_flush_walk = no_flush_walk,
};

static u64 rand_to(struct dirty_table *t, u64 last)
{
	u64 value = (u64)prandom_u32_state(&t->rnd) << 32 |
		    prandom_u32_state(&t->rnd);

	return value % (last + 1);
}

/* Writable leaves are dirty from the start (3.13.3). */
static void map_leaf(struct dirty_table *t, struct dirty_leaf *leaf)
{
	struct io_pgtable_ops *ops = t->domain->pgtbl;
	size_t mapped = 0;

	KUNIT_ASSERT_EQ(t->test, 0,
			ops->map_pages(ops, leaf->iova, leaf->iova, leaf->size,
				       1, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL,
				       &mapped));
	KUNIT_ASSERT_EQ(t->test, leaf->size, mapped);
	leaf->dirty = true;
}

static void unmap_leaf(struct dirty_table *t, struct dirty_leaf *leaf)
{
	struct io_pgtable_ops *ops = t->domain->pgtbl;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(t->test, leaf->size,
			ops->unmap_pages(ops, leaf->iova, leaf->size, 1,
					 &gather));
}

/* From where to where there were marks; false: there were none. */
static bool read_marks(struct dirty_table *t, u64 iova, u64 size,
		       unsigned long flags, u64 *start, u64 *last)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	smmuv3_read_dirty(t->domain, iova, size, flags, &dirty);
	*start = gather.start;
	*last = gather.end;
	return gather.start <= gather.end;
}

/* Pages, blocks, pages */
static void make_leaves(struct dirty_table *t, u64 block, u64 base)
{
	u64 iova = base + block - 7 * t->page;
	unsigned int i;

	while (t->num < 60) {
		struct dirty_leaf *leaf = &t->leaves[t->num++];

		leaf->iova = iova;
		leaf->size = t->page;
		if (IS_ALIGNED(iova, block) && t->num % 16 > 4)
			leaf->size = block;
		map_leaf(t, leaf);
		iova += leaf->size;
	}
	for (i = 1; i < t->num; i++)
		KUNIT_ASSERT_EQ(t->test, t->leaves[i].iova,
				t->leaves[i - 1].iova + t->leaves[i - 1].size);
}

static void make_table(struct dirty_table *t, struct device *dev, u64 page,
		       u64 block, unsigned int ias)
{
	struct io_pgtable_cfg *cfg = &t->domain->pgtbl_cfg;

	memset(cfg, 0, sizeof(*cfg));
	cfg->pgsize_bitmap = page | block;
	cfg->ias = ias;
	cfg->oas = 48;
	cfg->coherent_walk = true;
	cfg->tlb = &no_flush;
	cfg->quirks = IO_PGTABLE_QUIRK_ARM_HD;
	cfg->iommu_dev = dev;
	t->domain->pgtbl = alloc_io_pgtable_ops(ARM_64_LPAE_S1, cfg, t->domain);
	KUNIT_ASSERT_NOT_NULL(t->test, t->domain->pgtbl);
	t->page = page;
	t->num = 0;
	make_leaves(t, block, BIT_ULL(ias - 2));
}

/* Every page of every leaf says what the list says. */
static void check_marks(struct dirty_table *t, unsigned int step)
{
	unsigned int i;
	u64 start, last;

	for (i = 0; i < t->num; i++) {
		const struct dirty_leaf *leaf = &t->leaves[i];
		u64 offset = rand_to(t, leaf->size / t->page - 1) * t->page;
		u64 iova = leaf->iova + offset;
		bool found = read_marks(t, iova, t->page, IOMMU_DIRTY_NO_CLEAR,
					&start, &last);

		KUNIT_ASSERT_EQ_MSG(t->test, leaf->dirty, found,
				    "step %u: leaf %u of %llx bytes at %llx",
				    step, i, leaf->size, leaf->iova);
		if (!found)
			continue;
		/* As far as it was asked for, and no further */
		KUNIT_ASSERT_EQ(t->test, iova, start);
		KUNIT_ASSERT_EQ(t->test, iova + t->page - 1, last);
	}
}

static void random_range(struct dirty_table *t, unsigned int step)
{
	const struct dirty_leaf *end = &t->leaves[t->num - 1];
	u64 base = t->leaves[0].iova;
	u64 pages = (end->iova + end->size - base) / t->page;
	u64 first = rand_to(t, pages - 1);
	u64 num = 1 + rand_to(t, pages - 1 - first);
	bool clear = rand_to(t, 2);
	u64 from, to, start, last;
	u64 want_start = U64_MAX, want_last = 0;
	unsigned int i;

	/* As often about few pages: of one block, or around its end */
	if (rand_to(t, 1)) {
		const struct dirty_leaf *leaf = &t->leaves[rand_to(t, t->num - 1)];

		first = (leaf->iova - base) / t->page;
		first -= min(first, rand_to(t, 2));
		num = min(rand_to(t, 1) ? leaf->size / t->page : 1 + rand_to(t, 4),
			  pages - first);
	}
	from = base + first * t->page;
	to = from + num * t->page - 1;
	for (i = 0; i < t->num; i++) {
		struct dirty_leaf *leaf = &t->leaves[i];
		u64 leaf_last = leaf->iova + leaf->size - 1;

		if (!leaf->dirty || leaf->iova > to || leaf_last < from)
			continue;
		want_start = min(want_start, max(from, leaf->iova));
		want_last = max(want_last, min(to, leaf_last));
		if (clear && leaf->iova >= from && leaf_last <= to)
			leaf->dirty = false;
	}
	KUNIT_ASSERT_EQ_MSG(t->test, want_start <= want_last,
			    read_marks(t, from, to - from + 1,
				       clear ? 0 : IOMMU_DIRTY_NO_CLEAR,
				       &start, &last),
			    "step %u: %llx to %llx", step, from, to);
	if (want_start > want_last)
		return;
	KUNIT_ASSERT_EQ_MSG(t->test, want_start, start,
			    "step %u: %llx to %llx", step, from, to);
	KUNIT_ASSERT_EQ_MSG(t->test, want_last, last,
			    "step %u: %llx to %llx", step, from, to);
}

static void one_table(struct dirty_table *t, u64 seed)
{
	unsigned int step;

	prandom_seed_state(&t->rnd, seed);
	for (step = 0; step < STEPS; step++) {
		struct dirty_leaf *leaf = &t->leaves[rand_to(t, t->num - 1)];

		if (rand_to(t, 1)) {
			random_range(t, step);
		} else {
			/* Written again: as a leaf that is new is */
			unmap_leaf(t, leaf);
			map_leaf(t, leaf);
		}
		check_marks(t, step);
	}
}

static void every_page_size(struct kunit *test)
{
	static const struct {
		u64 page, block;
		unsigned int ias;
	} sizes[] = {
		{ SZ_4K, SZ_2M, 48 }, { SZ_4K, SZ_1G, 48 },
		{ SZ_4K, SZ_2M, 39 }, { SZ_4K, SZ_2M, 32 },
		{ SZ_16K, SZ_32M, 48 }, { SZ_16K, SZ_32M, 36 },
		{ SZ_64K, SZ_512M, 48 }, { SZ_64K, SZ_512M, 42 },
	};
	struct dirty_table *t;
	struct device *dev;
	unsigned int i, j;

	dev = kunit_device_register(test, "iommufd-smmuv3-dirty");
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->domain = kunit_kzalloc(test, sizeof(*t->domain), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->domain);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_table(t, dev, sizes[i].page, sizes[i].block, sizes[i].ias);
		one_table(t, i + 1);
		for (j = 0; j < t->num; j++)
			unmap_leaf(t, &t->leaves[j]);
		free_io_pgtable_ops(t->domain->pgtbl);
	}
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE(every_page_size),
	{}
};

static struct kunit_suite dirty_suite = {
	.name = "iommufd_smmuv3_dirty",
	.test_cases = dirty_cases,
};

kunit_test_suite(dirty_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's SMMUv3 driver: dirty marks");
MODULE_LICENSE("GPL");
