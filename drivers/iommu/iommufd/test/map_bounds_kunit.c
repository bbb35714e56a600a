// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces that user space has made as unpleasant as it can: what a call costs,
 * counted in steps, and that it ends when its caller is killed.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "map/iova_space.h"
#include "map/pages.h"
#include "map_kunit.h"

#define RW		(IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define BASE		SZ_16M
#define ENTRIES		4096U
/* Enough for some tries of a search that does not begin at the beginning */
#define STEPS_EACH	100UL

static struct iova_map *maps_new(struct kunit *test, struct user_memory *mem,
				 unsigned long length)
{
	struct iova_map *maps;
	unsigned int i;

	maps = kunit_kcalloc(test, ENTRIES, sizeof(*maps), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, maps);
	for (i = 0; i < ENTRIES; i++)
		maps[i] = (struct iova_map){
			.uptr = (void __user *)ALIGN(mem->addr, length),
			.length = length,
			.prot = RW,
			.flags = IOVA_SPACE_CHOOSE_IOVA,
		};
	return maps;
}

/* 65535 ranges of two bytes, and one that is large above them */
static void allow_crumbs(struct kunit *test, struct iova_space *space)
{
	const unsigned int num = 65536;
	struct iova_range *ranges;
	unsigned int i;

	ranges = vmalloc_array(num, sizeof(*ranges));
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < num - 1; i++) {
		ranges[i].start = BASE + i * PAGE_SIZE;
		ranges[i].last = ranges[i].start + 1;
	}
	ranges[i].start = SZ_1T;
	ranges[i].last = 2 * SZ_1T;
	KUNIT_EXPECT_EQ(test, 0, iova_space_set_allowed(space, ranges, num));
	vfree(ranges);
}

/* One call for many looks once at what is of no use, not once for each. */
static void choose_over_crumbs(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct iova_space space;
	struct iova_map *maps;
	unsigned int done;

	if (!mem)
		return;
	iova_space_init(&space);
	allow_crumbs(test, &space);
	maps = maps_new(test, mem, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, iova_space_map_many(&space, MAP_CHARGE_USER,
						     maps, ENTRIES, &done));
	KUNIT_EXPECT_EQ(test, done, ENTRIES);
	KUNIT_EXPECT_EQ(test, maps[0].iova, SZ_1T);
	KUNIT_EXPECT_EQ(test, maps[ENTRIES - 1].iova,
			SZ_1T + (ENTRIES - 1) * 2 * PAGE_SIZE);
	/* Each crumb, and the hole behind it */
	KUNIT_EXPECT_LE(test, space.searched,
			2 * 65536 + ENTRIES * STEPS_EACH);
	iova_space_destroy(&space);
	user_memory_free(mem);
}

/* Gaps that are large enough, none of them aligned; there is room above. */
static void choose_over_gaps(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct iova_space space;
	struct iova_map *maps;
	unsigned long iova;
	unsigned int i, done;

	if (!mem)
		return;
	iova_space_init(&space);
	for (i = 0; i <= ENTRIES; i++) {
		/* Odd pages from which two are free, then two are not */
		iova = BASE + (4 * i + 3) * PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, 0,
				iova_space_map_user(&space, MAP_CHARGE_USER,
						    &iova,
						    (void __user *)mem->addr,
						    2 * PAGE_SIZE, RW, 0));
	}
	/* Nothing below the first */
	iova = PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_map_user(&space, MAP_CHARGE_USER, &iova,
					    (void __user *)mem->addr,
					    BASE + 2 * PAGE_SIZE, RW, 0));
	maps = maps_new(test, mem, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, iova_space_map_many(&space, MAP_CHARGE_USER,
						     maps, ENTRIES, &done));
	KUNIT_EXPECT_EQ(test, done, ENTRIES);
	KUNIT_EXPECT_GT(test, maps[0].iova, BASE + 4 * ENTRIES * PAGE_SIZE);
	KUNIT_EXPECT_LE(test, space.searched,
			2 * ENTRIES + ENTRIES * STEPS_EACH);
	iova_space_destroy(&space);
	user_memory_free(mem);
}

/* What is remembered within a call changes nothing of what is chosen. */
static void choose_alike(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct iova_space many, single;
	struct rnd_state rnd;
	struct iova_map *maps;
	unsigned int i, done;

	if (!mem)
		return;
	prandom_seed_state(&rnd, 20260711);
	iova_space_init(&many);
	iova_space_init(&single);
	maps = maps_new(test, mem, PAGE_SIZE);
	for (i = 0; i < ENTRIES; i++) {
		unsigned int order = prandom_u32_state(&rnd) % 14;

		maps[i].uptr += (prandom_u32_state(&rnd) % 2048) * PAGE_SIZE;
		maps[i].length = PAGE_SIZE << order;
		if (prandom_u32_state(&rnd) % 2)
			maps[i].length -= PAGE_SIZE * (BIT(order) / 4);
		/* In the way, at times */
		if (prandom_u32_state(&rnd) % 16 == 0) {
			maps[i].flags = 0;
			maps[i].iova = (prandom_u32_state(&rnd) % SZ_4M) *
				       PAGE_SIZE;
		}
	}
	for (i = 0; i < ENTRIES;) {
		struct iova_map alone[16];
		unsigned int k;

		/* The first of several that are free may be where another one wants to be */
		memcpy(alone, maps + i, sizeof(alone));
		iova_space_map_many(&many, MAP_CHARGE_USER, maps + i, 16,
				    &done);
		for (k = 0; k < done; k++) {
			KUNIT_ASSERT_EQ(test, 0,
					iova_space_map_user(&single,
							    MAP_CHARGE_USER,
							    &alone[k].iova,
							    alone[k].uptr,
							    alone[k].length, RW,
							    alone[k].flags));
			KUNIT_ASSERT_EQ(test, maps[i + k].iova, alone[k].iova);
		}
		i += 16;
	}
	iova_space_destroy(&many);
	iova_space_destroy(&single);
	user_memory_free(mem);
}

static void choose_killed(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct iova_space_stat st;
	struct iova_space space;
	struct iova_map *maps;
	unsigned int done;
	int rc;

	if (!mem)
		return;
	iova_space_init(&space);
	maps = maps_new(test, mem, 2 * PAGE_SIZE);
	kill_test();
	rc = iova_space_map_many(&space, MAP_CHARGE_USER, maps, ENTRIES, &done);
	kill_undo();
	KUNIT_EXPECT_EQ(test, rc, -EINTR);
	KUNIT_EXPECT_EQ(test, done, 0);
	KUNIT_EXPECT_EQ(test, space.searched, 0);
	KUNIT_EXPECT_TRUE(test, iova_space_get_stat(&space, 1, &st));
	KUNIT_EXPECT_EQ(test, st.areas, 0);
	iova_space_destroy(&space);
	user_memory_free(mem);
}

/**
 * struct held - memory with many holds
 * @pages: the memory
 * @holds: of @mem, in use or not
 * @mem: user memory
 */
struct held {
	struct map_pages *pages;
	struct map_hold *holds;
	struct user_memory *mem;
};

static bool held_init(struct kunit *test, struct held *held,
		      unsigned long npages, unsigned int max)
{
	held->mem = user_memory_new(test, npages);
	if (!held->mem)
		return false;
	held->pages = map_pages_alloc(sizeof(*held->pages), MAP_CHARGE_USER,
				      (void __user *)held->mem->addr,
				      npages * PAGE_SIZE, true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(held->pages));
	held->holds = vcalloc(max, sizeof(*held->holds));
	KUNIT_ASSERT_NOT_NULL(test, held->holds);
	return true;
}

static void held_exit(struct held *held)
{
	map_pages_put(held->pages);
	vfree(held->holds);
	user_memory_free(held->mem);
}

static void hold(struct kunit *test, struct held *held, unsigned int i,
		 unsigned long first, unsigned long last)
{
	held->holds[i].node.start = first;
	held->holds[i].node.last = last;
	mutex_lock(&held->pages->lock);
	KUNIT_ASSERT_EQ(test, 0, map_pages_hold(held->pages, &held->holds[i]));
	mutex_unlock(&held->pages->lock);
}

static void release(struct held *held, unsigned int i)
{
	mutex_lock(&held->pages->lock);
	map_pages_release(held->pages, &held->holds[i]);
	mutex_unlock(&held->pages->lock);
}

/* What a hold, a pin, and their ends look at when @num others have the same page. */
static unsigned long hold_steps(struct kunit *test, unsigned int num)
{
	unsigned long steps;
	struct page *page;
	struct held held;
	unsigned int i;

	if (!held_init(test, &held, 1, num + 1))
		return 0;
	for (i = 0; i < num; i++)
		hold(test, &held, i, 0, 0);
	steps = held.pages->searched;
	hold(test, &held, i, 0, 0);
	release(&held, i);
	mutex_lock(&held.pages->lock);
	KUNIT_EXPECT_EQ(test, 0, map_pages_pin(held.pages, 0, 0, &page));
	KUNIT_EXPECT_EQ(test, 0, map_pages_unpin(held.pages, 0, 0));
	mutex_unlock(&held.pages->lock);
	steps = held.pages->searched - steps;
	while (i--)
		release(&held, i);
	held_exit(&held);
	return steps;
}

static void hold_one_page(struct kunit *test)
{
	unsigned long steps = hold_steps(test, 1000);

	KUNIT_EXPECT_GT(test, steps, 0);
	KUNIT_EXPECT_LE(test, steps, 8);
	KUNIT_EXPECT_EQ(test, steps, hold_steps(test, 10000));
}

/* Each ends a page later than the one before, so that any but the last is too short. */
static void hold_nested(struct kunit *test)
{
	const unsigned int num = 512;
	unsigned long before;
	struct held held;
	unsigned int i;

	if (!held_init(test, &held, num, num + 1))
		return;
	for (i = 0; i < num; i++)
		hold(test, &held, i, 0, i);
	for (i = num; i--;) {
		before = held.pages->searched;
		hold(test, &held, num, 0, i);
		release(&held, num);
		/* Twice a way down the tree, or two */
		KUNIT_EXPECT_LE(test, held.pages->searched - before, 4 * 20);
		before = held.pages->searched;
		release(&held, i);
		KUNIT_EXPECT_LE(test, held.pages->searched - before, 4 * 20);
		KUNIT_EXPECT_EQ(test, held.pages->extents.npages, i);
	}
	held_exit(&held);
}

/* Against a count for each page. */
static void hold_random(struct kunit *test)
{
	enum { PAGES = 24, MAX = 40 };
	unsigned int count[PAGES] = {};
	unsigned int i, k, round;
	struct rnd_state rnd;
	struct held held;

	if (!held_init(test, &held, PAGES, MAX))
		return;
	prandom_seed_state(&rnd, 20260712);
	for (round = 0; round < 4000; round++) {
		struct map_hold *one;

		i = prandom_u32_state(&rnd) % MAX;
		one = &held.holds[i];
		if (!one->node.last) {
			unsigned long first = prandom_u32_state(&rnd) % (PAGES - 1);
			unsigned long last = 1 + first +
				prandom_u32_state(&rnd) % (PAGES - 1 - first);

			hold(test, &held, i, first, last);
			for (k = first; k <= last; k++)
				count[k]++;
		} else {
			release(&held, i);
			for (k = one->node.start; k <= one->node.last; k++)
				count[k]--;
			one->node.last = 0;
		}
		for (k = 0; k < PAGES; k++)
			KUNIT_ASSERT_EQ(test, page_pins(held.mem->pages[k]),
					!!count[k]);
		/* All of them go at times */
		for (i = 0; round % 1000 == 999 && i < MAX; i++) {
			one = &held.holds[i];
			if (!one->node.last)
				continue;
			release(&held, i);
			one->node.last = 0;
			memset(count, 0, sizeof(count));
		}
	}
	KUNIT_EXPECT_EQ(test, held.pages->extents.npages, 0);
	held_exit(&held);
}

/* Copies of copies: who is killed gets none of them, and does not wait for all. */
static void copy_killed(struct kunit *test)
{
	const unsigned int num = 1024;
	struct user_memory *mem = user_memory_new(test, 1);
	unsigned long iova = BASE, unmapped;
	struct soft_domain *soft;
	struct iova_space space;
	unsigned int i;
	int rc;

	if (!mem)
		return;
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, ULONG_MAX);
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_map_user(&space, MAP_CHARGE_USER, &iova,
					    (void __user *)mem->addr, PAGE_SIZE,
					    RW, 0));
	for (i = 1; i < num; i *= 2) {
		iova = BASE + i * PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, 0,
				iova_space_copy(&space, &space, BASE,
						i * PAGE_SIZE, &iova, RW, 0));
	}
	KUNIT_EXPECT_EQ(test, soft->maps, num);
	iova = BASE + num * PAGE_SIZE;
	kill_test();
	rc = iova_space_copy(&space, &space, BASE, num * PAGE_SIZE, &iova, RW,
			     0);
	kill_undo();
	KUNIT_EXPECT_EQ(test, rc, -EINTR);
	KUNIT_EXPECT_EQ(test, soft->maps, num);

	/* In the midst of it */
	soft->kill_at = num + 10;
	rc = iova_space_copy(&space, &space, BASE, num * PAGE_SIZE, &iova, RW,
			     0);
	kill_undo();
	KUNIT_EXPECT_EQ(test, rc, -EINTR);
	KUNIT_EXPECT_EQ(test, soft->maps, num + 10);
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, num * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 0);
	iova_space_destroy_all(&space, &soft->domain);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	user_memory_free(mem);
}

/* An array: what has been mapped until then is, and no more. */
static void array_killed(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 1);
	unsigned long unmapped;
	struct soft_domain *soft;
	struct iova_space space;
	struct iova_map *maps;
	unsigned int done;
	int rc;

	if (!mem)
		return;
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, ULONG_MAX);
	maps = maps_new(test, mem, PAGE_SIZE);
	soft->kill_at = 5;
	rc = iova_space_map_many(&space, MAP_CHARGE_USER, maps, ENTRIES, &done);
	kill_undo();
	KUNIT_EXPECT_EQ(test, rc, -EINTR);
	KUNIT_EXPECT_EQ(test, done, 5);
	KUNIT_EXPECT_EQ(test, soft->maps, 5);
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 5 * PAGE_SIZE);
	iova_space_destroy_all(&space, &soft->domain);
	user_memory_free(mem);
}

static struct kunit_case bounds_cases[] = {
	KUNIT_CASE(choose_over_crumbs),
	KUNIT_CASE(choose_over_gaps),
	KUNIT_CASE(choose_alike),
	KUNIT_CASE(choose_killed),
	KUNIT_CASE(hold_one_page),
	KUNIT_CASE(hold_nested),
	KUNIT_CASE(hold_random),
	KUNIT_CASE(copy_killed),
	KUNIT_CASE(array_killed),
	{}
};

static struct kunit_suite bounds_suite = {
	.name = "iommufd_map_bounds",
	.test_cases = bounds_cases,
};

kunit_test_suite(bounds_suite);
