// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving the quarantine: one user's memory that cannot be given back, since its locks
 * are taken, is in nobody else's way. And waiting until nothing is kept.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "../../iommu-pages.h"
#include "map/owed.h"
#include "map/pages.h"
#include "map/quarantine.h"
#include "map_kunit.h"

static struct map_quarantine_stat kept(void)
{
	struct map_quarantine_stat stat;

	map_quarantine_get_stat(&stat);
	return stat;
}

static void wait_until_empty(struct kunit *test)
{
	unsigned long end = jiffies + 60 * HZ;

	while (kept().items && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_EQ(test, kept().items, 0);
}

/* A page of its own, held, and then kept. */
static struct map_pages *keep_page(struct kunit *test, struct user_memory *mem,
				   unsigned long index, enum map_charge charge)
{
	unsigned long addr = mem->addr + index * PAGE_SIZE;
	struct map_hold hold = {};
	struct map_pages *pages;

	pages = map_pages_alloc(sizeof(*pages), charge, (void __user *)addr,
				PAGE_SIZE, true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pages));
	mutex_lock(&pages->lock);
	KUNIT_ASSERT_EQ(test, 0, map_pages_hold(pages, &hold));
	map_pages_keep(pages, &hold);
	mutex_unlock(&pages->lock);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[index]), 1);
	return pages;
}

/* Somebody is at work on the first, for as long as their memory takes to appear. */
static void quarantine_busy_pages(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 2);
	struct map_pages *pages[2];
	unsigned int i;
	void *table;

	if (!mem)
		return;
	map_quarantine_begin();
	for (i = 0; i < 2; i++)
		pages[i] = keep_page(test, mem, i, MAP_CHARGE_USER);
	table = iommu_alloc_page(GFP_KERNEL_ACCOUNT);
	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_EXPECT_TRUE(test, map_quarantine_pages(table, 0));
	KUNIT_EXPECT_EQ(test, kept().items, 2);
	KUNIT_EXPECT_EQ(test, kept().tables, 1);

	mutex_lock(&pages[0]->lock);
	map_quarantine_end();
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 1);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[1]), 0);
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	KUNIT_EXPECT_EQ(test, kept().tables, 0);

	/* It is owed again before the first can go: it stays */
	map_quarantine_begin();
	mutex_unlock(&pages[0]->lock);
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 1);
	map_quarantine_end();
	wait_until_empty(test);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 0);
	for (i = 0; i < 2; i++)
		map_pages_put(pages[i]);
	user_memory_free(mem);
}

/* By the work alone, without anybody's end of owing. */
static void quarantine_retries(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 1);
	struct map_pages *pages;

	if (!mem)
		return;
	map_quarantine_begin();
	pages = keep_page(test, mem, 0, MAP_CHARGE_USER);
	mutex_lock(&pages->lock);
	map_quarantine_end();
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	mutex_unlock(&pages->lock);
	wait_until_empty(test);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 0);
	map_pages_put(pages);
	user_memory_free(mem);
}

/* What is charged to a process needs the lock of its address space. */
static void quarantine_busy_process(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 2);
	struct charges before = {}, after;
	struct map_pages *pages[2];

	if (!mem)
		return;
	become_ordinary(test, SZ_1M);
	before = charges_now();
	map_quarantine_begin();
	pages[0] = keep_page(test, mem, 0, MAP_CHARGE_PROCESS);
	pages[1] = keep_page(test, mem, 1, MAP_CHARGE_USER);
	KUNIT_EXPECT_EQ(test, charges_now().process, before.process + 1);
	mmap_read_lock(current->mm);
	map_quarantine_end();
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[0]), 0);
	KUNIT_EXPECT_EQ(test, page_pins(mem->pages[1]), 0);
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	mmap_read_unlock(current->mm);
	wait_until_empty(test);
	after = charges_now();
	KUNIT_EXPECT_EQ(test, after.process, before.process);
	KUNIT_EXPECT_EQ(test, after.user, before.user);
	KUNIT_EXPECT_EQ(test, after.pinned, before.pinned);
	map_pages_put(pages[0]);
	map_pages_put(pages[1]);
	user_memory_free(mem);
}

/**
 * struct kept_waiter - an IOMMU's driver that is unloaded
 * @kept: what it waits for
 * @work: waits
 * @done: nothing refers to its IOMMUs any more
 */
struct kept_waiter {
	struct map_kept kept;
	struct work_struct work;
	struct completion done;
};

static void wait_for_kept(struct work_struct *work)
{
	struct kept_waiter *waiter = container_of(work, struct kept_waiter, work);

	map_kept_wait(&waiter->kept);
	complete(&waiter->done);
}

/* Who waits until nothing is kept goes on when the last of it has left. */
static void quarantine_kept(struct kunit *test)
{
	struct kept_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter),
						   GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	init_completion(&waiter->done);
	INIT_WORK(&waiter->work, wait_for_kept);
	atomic_set(&waiter->kept.num, 2);
	queue_work(system_long_wq, &waiter->work);
	/* It waits by then, or finds nothing to wait for */
	msleep(100);
	map_kept_left(&waiter->kept);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&waiter->done, HZ / 10),
			0);
	map_kept_left(&waiter->kept);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&waiter->done, 20 * HZ),
			0);
	/* If nobody has */
	wake_up_var(&waiter->kept.num);
	flush_work(&waiter->work);
}

static struct kunit_case quarantine_cases[] = {
	KUNIT_CASE(quarantine_busy_pages),
	KUNIT_CASE(quarantine_retries),
	KUNIT_CASE(quarantine_busy_process),
	KUNIT_CASE(quarantine_kept),
	{}
};

static struct kunit_suite quarantine_suite = {
	.name = "iommufd_quarantine",
	.test_cases = quarantine_cases,
};

kunit_test_suite(quarantine_suite);
