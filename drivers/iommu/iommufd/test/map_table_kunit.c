// SPDX-License-Identifier: GPL-2.0-only
/*
 * What map/ does without the core: page sizes, beside iommu_map(), which chooses them
 * too; and flushes of several ranges, beside a bitmap. Then whole calls, on a page
 * table that gathers: one flush, before anything is given back.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "map/iova_space.h"
#include "map/table.h"
#include "map_kunit.h"

#define BASE 0x1000000UL
#define RW (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)

/* --- page sizes --- */

#define STEPS	64

/**
 * struct scribe - a domain that notes what it is asked for
 * @domain: base
 * @iova: of each call
 * @size: of a page in each call
 * @count: of pages in each call
 * @num: calls
 */
struct scribe {
	struct iommu_domain domain;
	unsigned long iova[STEPS];
	size_t size[STEPS];
	size_t count[STEPS];
	unsigned int num;
};

static int scribe_map(struct iommu_domain *domain, unsigned long iova,
		      phys_addr_t paddr, size_t pgsize, size_t pgcount,
		      int prot, gfp_t gfp, size_t *mapped)
{
	struct scribe *s = container_of(domain, struct scribe, domain);

	if (s->num == STEPS)
		return -ENOSPC;
	s->iova[s->num] = iova;
	s->size[s->num] = pgsize;
	s->count[s->num++] = pgcount;
	*mapped += pgsize * pgcount;
	return 0;
}

static size_t scribe_unmap(struct iommu_domain *domain, unsigned long iova,
			   size_t pgsize, size_t pgcount,
			   struct iommu_iotlb_gather *gather)
{
	return pgsize * pgcount;
}

static const struct iommu_domain_ops scribe_ops = {
	.map_pages = scribe_map,
	.unmap_pages = scribe_unmap,
};

static const struct map_table_ops scribe_table = { .domain_ops = &scribe_ops };

static void page_sizes(struct kunit *test)
{
	static const unsigned long sizes[] = {
		SZ_4K, SZ_4K | SZ_2M, SZ_4K | SZ_2M | SZ_1G, SZ_2K,
		SZ_2K | SZ_2M, SZ_4K | SZ_64K | SZ_2M,
	};
	struct scribe *core = kunit_kzalloc(test, sizeof(*core), GFP_KERNEL);
	struct scribe *own = kunit_kzalloc(test, sizeof(*own), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int round;

	KUNIT_ASSERT_NOT_NULL(test, core);
	KUNIT_ASSERT_NOT_NULL(test, own);
	prandom_seed_state(&rnd, 0x517e);
	for (round = 0; round < 20000; round++) {
		unsigned long bitmap = sizes[round % ARRAY_SIZE(sizes)];
		unsigned long unit = 1UL << __ffs(bitmap);
		unsigned int order = prandom_u32_state(&rnd) % 20;
		unsigned long iova, size;
		phys_addr_t paddr;
		size_t mapped = 0;

		/* Near each other's alignment, or not at all */
		iova = (prandom_u32_state(&rnd) % 0x200000) * unit;
		paddr = iova ^ ((prandom_u32_state(&rnd) % 3) ?
				0 : (unit << order));
		paddr += (u64)(prandom_u32_state(&rnd) % 2) * SZ_4G;
		size = (1 + prandom_u32_state(&rnd) % (1UL << order)) * unit;
		if (round % 97 == 0) {
			iova = 0;
			paddr = 0;
		}

		memset(core, 0, sizeof(*core));
		core->domain.type = IOMMU_DOMAIN_UNMANAGED;
		core->domain.ops = &scribe_ops;
		core->domain.pgsize_bitmap = bitmap;
		*own = *core;
		KUNIT_ASSERT_EQ(test, 0, iommu_map(&core->domain, iova, paddr,
						   size, RW, GFP_KERNEL));
		KUNIT_ASSERT_EQ(test, 0, map_table_map(&scribe_table,
						       &own->domain, iova,
						       paddr, size, RW,
						       &mapped));
		KUNIT_ASSERT_EQ(test, mapped, size);
		KUNIT_ASSERT_EQ_MSG(test, core->num, own->num,
				    "%lx to %llx, %lx, sizes %lx", iova,
				    (u64)paddr, size, bitmap);
		KUNIT_ASSERT_MEMEQ(test, core->iova, own->iova,
				   sizeof(core->iova));
		KUNIT_ASSERT_MEMEQ(test, core->size, own->size,
				   sizeof(core->size));
		KUNIT_ASSERT_MEMEQ(test, core->count, own->count,
				   sizeof(core->count));
	}
}

/* --- ranges --- */

#define BITS	512

static void flush_ranges(struct kunit *test)
{
	DECLARE_BITMAP(want, BITS);
	DECLARE_BITMAP(got, BITS);
	struct rnd_state rnd;
	struct map_flush flush;
	unsigned int round, i, n;

	prandom_seed_state(&rnd, 0xf1a5);
	for (round = 0; round < 2000; round++) {
		bool joined = false;

		flush.num = 0;
		bitmap_zero(want, BITS);
		n = 1 + prandom_u32_state(&rnd) % (2 * MAP_FLUSH_RANGES);
		for (i = 0; i < n; i++) {
			unsigned int start = prandom_u32_state(&rnd) % (BITS - 4);
			unsigned int last = start + prandom_u32_state(&rnd) % 4;

			joined |= flush.num == MAP_FLUSH_RANGES;
			bitmap_set(want, start, last - start + 1);
			map_flush_add(&flush, start, last);
			KUNIT_ASSERT_LE(test, flush.num, MAP_FLUSH_RANGES);
		}
		bitmap_zero(got, BITS);
		for (i = 0; i < flush.num; i++) {
			KUNIT_ASSERT_LE(test, flush.ranges[i].start,
					flush.ranges[i].last);
			bitmap_set(got, flush.ranges[i].start,
				   flush.ranges[i].last -
					   flush.ranges[i].start + 1);
		}
		KUNIT_ASSERT_TRUE(test, bitmap_subset(want, got, BITS));
		/* Not a bit more as long as there was room */
		if (!joined)
			KUNIT_ASSERT_TRUE(test, bitmap_equal(want, got, BITS));
	}

	/* Up and down, next to each other: one range */
	flush.num = 0;
	map_flush_add(&flush, 100, 199);
	map_flush_add(&flush, 200, 299);
	map_flush_add(&flush, 0, 99);
	KUNIT_EXPECT_EQ(test, flush.num, 1);
	KUNIT_EXPECT_EQ(test, flush.ranges[0].start, 0);
	KUNIT_EXPECT_EQ(test, flush.ranges[0].last, 299);
	/* The whole space */
	map_flush_add(&flush, 300, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, flush.num, 1);
	KUNIT_EXPECT_EQ(test, flush.ranges[0].last, ULONG_MAX);

	/* Both ends of it do not touch */
	flush.num = 0;
	map_flush_add(&flush, ULONG_MAX - 9, ULONG_MAX);
	map_flush_add(&flush, 0, 9);
	KUNIT_EXPECT_EQ(test, flush.num, 2);
	flush.num = 0;
	map_flush_add(&flush, 0, 9);
	map_flush_add(&flush, ULONG_MAX - 9, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, flush.num, 2);
}

/* --- whole calls --- */

#define PIECES	10

struct many {
	struct iova_space space;
	struct soft_domain *soft;
	struct user_memory *mem;
	struct iova_map maps[PIECES];
	struct iova_range ranges[PIECES];
};

/* One page each, with room in between. */
static struct many *many_new(struct kunit *test)
{
	struct many *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->mem = user_memory_new(test, PIECES);
	if (!m->mem)
		return NULL;
	m->soft = soft_domain_new(test, PAGE_SIZE, 0, SZ_1G - 1);
	soft_domain_gathers(m->soft);
	iova_space_init(&m->space);
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_add_domain(&m->space, &m->soft->domain));
	for (i = 0; i < PIECES; i++) {
		m->maps[i] = (struct iova_map){
			.iova = BASE + 2 * i * PAGE_SIZE,
			.uptr = (void __user *)(m->mem->addr + i * PAGE_SIZE),
			.length = PAGE_SIZE,
			.prot = RW,
		};
		m->ranges[i].start = m->maps[i].iova;
		m->ranges[i].last = m->maps[i].iova + PAGE_SIZE - 1;
	}
	return m;
}

static void many_end(struct many *m)
{
	iova_space_destroy_all(&m->space, &m->soft->domain);
	user_memory_free(m->mem);
	soft_domain_gathers_not(m->soft);
}

/* What is mapped, pinned and charged is exactly the first @n. */
static void expect_mapped(struct kunit *test, struct many *m, unsigned int n,
			  const struct charges *before)
{
	struct charges now = charges_now();
	unsigned int i;

	for (i = 0; i < PIECES; i++) {
		phys_addr_t want = i < n ? page_to_phys(m->mem->pages[i]) : 0;

		KUNIT_EXPECT_EQ(test, want,
				soft_domain_lookup(m->soft, m->maps[i].iova));
		KUNIT_EXPECT_EQ(test, page_pins(m->mem->pages[i]), i < n);
	}
	KUNIT_EXPECT_EQ(test, now.pinned, before->pinned + n);
}

static void many_at_once(struct kunit *test)
{
	struct many *m = many_new(test);
	struct charges before;
	unsigned long unmapped;
	unsigned int done;

	if (!m)
		return;
	before = charges_now();
	KUNIT_EXPECT_EQ(test, 0, iova_space_map_many(&m->space, MAP_CHARGE_USER,
						     m->maps, PIECES, &done));
	KUNIT_EXPECT_EQ(test, done, PIECES);
	expect_mapped(test, m, PIECES, &before);

	m->soft->syncs = 0;
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_many(&m->space, m->ranges,
						       PIECES, &done,
						       &unmapped));
	KUNIT_EXPECT_EQ(test, done, PIECES);
	KUNIT_EXPECT_EQ(test, unmapped, PIECES * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, m->soft->syncs, 1);
	expect_mapped(test, m, 0, &before);
	many_end(m);
}

/* Each step of a map can fail; what is before it is done, and nothing else. */
static void many_until_it_fails(struct kunit *test)
{
	struct many *m = many_new(test);
	struct charges before;
	unsigned long unmapped;
	unsigned int i, done;

	if (!m)
		return;
	before = charges_now();
	for (i = 0; i < PIECES; i++) {
		struct iova_map good = m->maps[i];
		struct { unsigned long iova, uptr, length; int rc; } bad[] = {
			{ good.iova, (unsigned long)good.uptr, 0, -EINVAL },
			{ good.iova + 1, (unsigned long)good.uptr, PAGE_SIZE,
			  -EINVAL },
			{ SZ_1G, (unsigned long)good.uptr, PAGE_SIZE, -EINVAL },
			{ good.iova, 0, PAGE_SIZE, -EFAULT },
			/* Over the one before it */
			{ BASE, (unsigned long)good.uptr, PAGE_SIZE, -EEXIST },
		};
		unsigned int k;

		for (k = 0; k < ARRAY_SIZE(bad); k++) {
			if (bad[k].rc == -EEXIST && !i)
				continue;
			m->maps[i].iova = bad[k].iova;
			m->maps[i].uptr = (void __user *)bad[k].uptr;
			m->maps[i].length = bad[k].length;
			KUNIT_EXPECT_EQ(test, bad[k].rc,
					iova_space_map_many(&m->space,
							    MAP_CHARGE_USER,
							    m->maps, PIECES,
							    &done));
			m->maps[i] = good;
			KUNIT_EXPECT_EQ(test, done, i);
			expect_mapped(test, m, i, &before);
			iova_space_unmap_all(&m->space, &unmapped);
			KUNIT_EXPECT_EQ(test, unmapped, i * PAGE_SIZE);
		}

		/* The page table itself */
		m->soft->maps = 0;
		m->soft->fail_at = i + 1;
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				iova_space_map_many(&m->space, MAP_CHARGE_USER,
						    m->maps, PIECES, &done));
		m->soft->fail_at = 0;
		KUNIT_EXPECT_EQ(test, done, i);
		expect_mapped(test, m, i, &before);
		iova_space_unmap_all(&m->space, NULL);
	}
	many_end(m);
}

static void unmap_until_it_fails(struct kunit *test)
{
	struct many *m = many_new(test);
	struct charges before;
	unsigned long unmapped;
	unsigned int i, done;

	if (!m)
		return;
	before = charges_now();
	for (i = 0; i < PIECES; i++) {
		struct iova_range good = m->ranges[i];

		KUNIT_ASSERT_EQ(test, 0,
				iova_space_map_many(&m->space, MAP_CHARGE_USER,
						    m->maps, PIECES, &done));
		/* Nothing is there; then, part of a mapping */
		m->ranges[i].start = SZ_512M;
		m->ranges[i].last = SZ_512M + PAGE_SIZE - 1;
		m->soft->syncs = 0;
		KUNIT_EXPECT_EQ(test, -ENOENT,
				iova_space_unmap_many(&m->space, m->ranges,
						      PIECES, &done,
						      &unmapped));
		KUNIT_EXPECT_EQ(test, done, i);
		KUNIT_EXPECT_EQ(test, unmapped, i * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, m->soft->syncs, !!i);
		m->ranges[i] = good;
		m->ranges[i].last--;
		KUNIT_EXPECT_EQ(test, -ENOENT,
				iova_space_unmap_many(&m->space, m->ranges + i,
						      PIECES - i, &done,
						      &unmapped));
		KUNIT_EXPECT_EQ(test, done, 0);
		m->ranges[i] = good;
		KUNIT_EXPECT_EQ(test, 0,
				iova_space_unmap_many(&m->space, m->ranges + i,
						      PIECES - i, &done,
						      &unmapped));
		KUNIT_EXPECT_EQ(test, done, PIECES - i);
		expect_mapped(test, m, 0, &before);
	}
	many_end(m);
}

static struct kunit_case map_table_cases[] = {
	KUNIT_CASE(page_sizes),
	KUNIT_CASE(flush_ranges),
	KUNIT_CASE(many_at_once),
	KUNIT_CASE(many_until_it_fails),
	KUNIT_CASE(unmap_until_it_fails),
	{}
};

static struct kunit_suite map_table_suite = {
	.name = "iommufd_map_table",
	.test_cases = map_table_cases,
};

kunit_test_suite(map_table_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's page tables for whole calls");
MODULE_LICENSE("GPL");
