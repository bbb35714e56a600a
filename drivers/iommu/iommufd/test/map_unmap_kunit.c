// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmapping where it meets others: in-kernel users that pin and are slow to let
 * go, mappings that are made meanwhile, areas that do not adjoin.
 */
#include <linux/delay.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/sizes.h>

#include "map/iova_space.h"
#include "map_kunit.h"

#define BASE 0x1000000UL
#define RW (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)

/**
 * struct holder - an in-kernel user with the first page at BASE pinned
 * @user: base
 * @space: where
 * @mem: memory to map at @also
 * @also: IOVA that @user's unmap callback maps, 0: none
 * @silent: it is being destroyed: it cannot be asked
 * @asked: calls of the unmap callback
 * @rc: of the callback's map
 */
struct holder {
	struct iova_space_user user;
	struct iova_space *space;
	struct user_memory *mem;
	unsigned long also;
	bool silent;
	unsigned int asked;
	int rc;
};

static bool holder_get(struct iova_space_user *user)
{
	return !container_of(user, struct holder, user)->silent;
}

static void holder_put(struct iova_space_user *user)
{
}

static void holder_unmap(struct iova_space_user *user, unsigned long iova,
			 unsigned long length)
{
	struct holder *holder = container_of(user, struct holder, user);

	if (holder->asked++)
		return;
	if (holder->also)
		holder->rc = iova_space_map_user(holder->space, MAP_CHARGE_USER,
						 &holder->also,
						 (void __user *)holder->mem->addr,
						 PAGE_SIZE, RW, 0);
	iova_space_unpin(holder->space, BASE, PAGE_SIZE);
}

static int holder_unpin_late(void *arg)
{
	struct holder *holder = arg;

	msleep(100);
	iova_space_unpin(holder->space, BASE, PAGE_SIZE);
	return 0;
}

/* Two areas of a page each, with a page between them; the first is pinned. */
static void holder_start(struct kunit *test, struct holder *holder)
{
	unsigned long iova;
	struct page *page;

	holder->user = (struct iova_space_user){
		.alignment = PAGE_SIZE,
		.get = holder_get,
		.put = holder_put,
		.unmap = holder_unmap,
	};
	for (iova = BASE; iova <= BASE + 2 * PAGE_SIZE; iova += 2 * PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, 0,
				iova_space_map_user(holder->space,
						    MAP_CHARGE_USER, &iova,
						    (void __user *)holder->mem->addr,
						    PAGE_SIZE, RW, 0));
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_add_user(holder->space, &holder->user));
	KUNIT_ASSERT_EQ(test, 0, iova_space_pin(holder->space, BASE, PAGE_SIZE,
						&page, 0));
}

/* What is mapped where the unmap has been already is nothing to do with it. */
static void unmap_leaves_later_mapping(struct kunit *test)
{
	struct iova_space space;
	struct holder holder = { .space = &space, .also = BASE + 2 * PAGE_SIZE };
	struct soft_domain *soft;
	unsigned long unmapped;

	holder.mem = user_memory_new(test, 1);
	if (!holder.mem)
		return;
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, SZ_1G - 1);
	holder_start(test, &holder);

	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE, 3 * PAGE_SIZE,
						  &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, holder.asked, 1);
	KUNIT_EXPECT_EQ(test, holder.rc, 0);
	KUNIT_EXPECT_EQ(test, 0, soft_domain_lookup(soft, BASE));
	KUNIT_EXPECT_NE(test, 0, soft_domain_lookup(soft, holder.also));

	iova_space_remove_user(&space, &holder.user);
	iova_space_destroy_all(&space, &soft->domain);
	user_memory_free(holder.mem);
}

/* A user on its way out cannot be asked; it is waited for all the same. */
static void unmap_waits_for_silent_user(struct kunit *test)
{
	struct iova_space space;
	struct holder holder = { .space = &space, .silent = true };
	struct task_struct *late;
	struct soft_domain *soft;
	unsigned long unmapped;

	holder.mem = user_memory_new(test, 1);
	if (!holder.mem)
		return;
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, SZ_1G - 1);
	holder_start(test, &holder);

	late = kthread_create(holder_unpin_late, &holder, "iommufd-unpin");
	KUNIT_ASSERT_FALSE(test, IS_ERR(late));
	get_task_struct(late);
	wake_up_process(late);
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE, 3 * PAGE_SIZE,
						  &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, holder.asked, 0);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	kthread_stop(late);
	put_task_struct(late);

	iova_space_remove_user(&space, &holder.user);
	iova_space_destroy_all(&space, &soft->domain);
	user_memory_free(holder.mem);
}

/**
 * struct slow - an in-kernel user whose second pin is in progress
 * @user: base
 * @space: where
 * @asked: calls of the unmap callback; it lets go of what it is asked for
 * @rc: of the pin
 * @unmap_rc: of the unmap
 * @done: of the unmap, ranges
 * @unmapped: of the unmap, bytes
 */
struct slow {
	struct iova_space_user user;
	struct iova_space *space;
	unsigned int asked;
	int rc;
	int unmap_rc;
	unsigned int done;
	unsigned long unmapped;
};

static bool slow_get(struct iova_space_user *user)
{
	return true;
}

static void slow_unmap(struct iova_space_user *user, unsigned long iova,
		       unsigned long length)
{
	struct slow *slow = container_of(user, struct slow, user);

	slow->asked++;
	iova_space_unpin(slow->space, iova, length);
}

static int slow_pin_thread(void *arg)
{
	struct slow *slow = arg;
	struct page *page;

	slow->rc = iova_space_pin(slow->space, BASE + 2 * PAGE_SIZE, PAGE_SIZE,
				  &page, 0);
	return 0;
}

static int slow_unmap_thread(void *arg)
{
	const struct iova_range range = {
		.start = BASE, .last = BASE + 3 * PAGE_SIZE - 1,
	};
	struct slow *slow = arg;

	slow->unmap_rc = iova_space_unmap_many(slow->space, &range, 1,
					       &slow->done, &slow->unmapped);
	return 0;
}

/*
 * Two areas of one range: one is pinned, the other is about to be, and waits for mmap_lock.
 * Its user is asked for that, too, and nothing of the range is left.
 */
static void unmap_many_waits_for_each(struct kunit *test)
{
	int (*const call[])(void *) = { slow_pin_thread, slow_unmap_thread };
	struct task_struct *thread[ARRAY_SIZE(call)];
	struct iova_space space;
	struct slow slow = {
		.user = {
			.alignment = PAGE_SIZE,
			.get = slow_get,
			.put = holder_put,
			.unmap = slow_unmap,
		},
		.space = &space,
	};
	struct user_memory *mem;
	unsigned long iova;
	struct page *page;
	unsigned int i;

	mem = user_memory_new(test, 1);
	if (!mem)
		return;
	/* No page table: what is pinned is looked up then */
	iova_space_init(&space);
	for (iova = BASE; iova <= BASE + 2 * PAGE_SIZE; iova += 2 * PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, 0,
				iova_space_map_user(&space, MAP_CHARGE_USER,
						    &iova,
						    (void __user *)mem->addr,
						    PAGE_SIZE, RW, 0));
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_user(&space, &slow.user));
	KUNIT_ASSERT_EQ(test, 0, iova_space_pin(&space, BASE, PAGE_SIZE, &page,
						0));
	for (i = 0; i < ARRAY_SIZE(call); i++) {
		thread[i] = kthread_create(call[i], &slow, "iommufd-slow");
		KUNIT_ASSERT_FALSE(test, IS_ERR(thread[i]));
		get_task_struct(thread[i]);
	}
	mmap_write_lock(current->mm);
	for (i = 0; i < ARRAY_SIZE(call); i++) {
		wake_up_process(thread[i]);
		msleep(100);
	}
	mmap_write_unlock(current->mm);
	for (i = 0; i < ARRAY_SIZE(call); i++) {
		kthread_stop(thread[i]);
		put_task_struct(thread[i]);
	}
	KUNIT_EXPECT_EQ(test, slow.rc, 0);
	KUNIT_EXPECT_EQ(test, slow.asked, 2);
	KUNIT_EXPECT_EQ(test, slow.unmap_rc, 0);
	KUNIT_EXPECT_EQ(test, slow.done, 1);
	KUNIT_EXPECT_EQ(test, slow.unmapped, 2 * PAGE_SIZE);

	/* Nothing, if it is as it should be */
	if (slow.unmapped != 2 * PAGE_SIZE)
		iova_space_unpin(&space, BASE + 2 * PAGE_SIZE, PAGE_SIZE);
	iova_space_remove_user(&space, &slow.user);
	iova_space_unmap_all(&space, NULL);
	iova_space_destroy(&space);
	user_memory_free(mem);
}

/*
 * Areas that do not adjoin, in one call: each has to be among what is flushed
 * when it is flushed. The page table checks that.
 */
static void unmap_flushes_each(struct kunit *test)
{
	static const unsigned long at[] = { 0, 3, 4, 9 };
	struct user_memory *mem;
	struct iova_space space;
	struct soft_domain *soft;
	unsigned long iova;
	int i, round;

	mem = user_memory_new(test, 4);
	if (!mem)
		return;
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, SZ_1G - 1);

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			iova = BASE + at[i] * PAGE_SIZE;
			KUNIT_ASSERT_EQ(test, 0,
					iova_space_map_user(&space,
							    MAP_CHARGE_USER, &iova,
							    (void __user *)mem->addr +
								    i * PAGE_SIZE,
							    PAGE_SIZE, RW, 0));
		}
		if (!round)
			KUNIT_EXPECT_EQ(test, 0,
					iova_space_unmap_all(&space, NULL));
		else
			iova_space_remove_domain(&space, &soft->domain);
		KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
		KUNIT_EXPECT_EQ(test, 0, page_pins(mem->pages[0]));
	}
	iova_space_destroy(&space);
	user_memory_free(mem);
}

static struct kunit_case map_unmap_cases[] = {
	KUNIT_CASE(unmap_leaves_later_mapping),
	KUNIT_CASE(unmap_waits_for_silent_user),
	KUNIT_CASE(unmap_many_waits_for_each),
	KUNIT_CASE(unmap_flushes_each),
	{}
};

static struct kunit_suite map_unmap_suite = {
	.name = "iommufd_map_unmap",
	.test_cases = map_unmap_cases,
};

kunit_test_suite(map_unmap_suite);
