// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of PASIDs (pasid_pool.c) and looking them up (pasid_map.c), without hardware:
 * what is given to whom and when again, what readers and notifiers see in which order,
 * and readers against writers.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/notifier.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "object.h"
#include "pasid_map.h"
#include "pasid_pool.h"

#define FIRST	10
#define LAST	17
#define NUM	(LAST - FIRST + 1)

/* What a notifier saw */
struct heard {
	struct notifier_block nb;
	struct iommufd_ctx *ictx;
	unsigned int num;
	struct iommufd_pasid_binding last;
	/* The vPASID could still be looked up in the callback */
	bool too_early;
};

struct pasid_test {
	struct iommufd_ctx ictx[2];
	struct device *dev;
	struct iommu_group *group;
	struct iommufd_pasid_pool *own;
	struct iommufd_pasid_pool *global;
	struct iommufd_pasid_account *account[2];
	struct iommufd_pasid_account *shared[2];
	struct heard heard[2];
};

static int hear(struct notifier_block *nb, unsigned long event, void *data)
{
	struct heard *heard = container_of(nb, struct heard, nb);
	struct iommufd_pasid_binding *binding = data;
	u32 ppasid;

	if (event != IOMMUFD_PASID_GONE)
		return NOTIFY_BAD;
	heard->num++;
	heard->last = *binding;
	if (!iommufd_pasid_translate(heard->ictx, binding->dev_id,
				     binding->vpasid, &ppasid) &&
	    ppasid == binding->ppasid)
		heard->too_early = true;
	return NOTIFY_OK;
}

static int pasid_test_init(struct kunit *test)
{
	struct pasid_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct dev_iommu *iommu;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->dev = kunit_device_register(test, "pasid-parent");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->dev));
	iommu = kunit_kzalloc(test, sizeof(*iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu);
	iommu->max_pasids = 1024;
	t->group = iommu_group_alloc();
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->group));
	t->dev->iommu = iommu;
	t->dev->iommu_group = t->group;

	t->own = iommufd_pasid_pool_create(t->dev, FIRST, LAST, 6);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->own));
	t->global = iommufd_pasid_pool_global();
	for (i = 0; i < 2; i++) {
		iommufd_ctx_init(&t->ictx[i]);
		t->account[i] = iommufd_pasid_account_get(&t->ictx[i], t->own);
		KUNIT_ASSERT_FALSE(test, IS_ERR(t->account[i]));
		t->shared[i] = iommufd_pasid_account_get(&t->ictx[i],
							 t->global);
		KUNIT_ASSERT_FALSE(test, IS_ERR(t->shared[i]));
		t->heard[i].nb.notifier_call = hear;
		t->heard[i].ictx = &t->ictx[i];
		KUNIT_ASSERT_EQ(test, 0,
				iommufd_pasid_notifier_register(&t->ictx[i],
								&t->heard[i].nb));
	}
	return 0;
}

static void pasid_test_exit(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	int i;

	if (!t || IS_ERR_OR_NULL(t->dev))
		return;
	for (i = 0; i < 2; i++) {
		if (!IS_ERR_OR_NULL(t->account[i]))
			iommufd_pasid_account_put(t->account[i]);
		if (IS_ERR_OR_NULL(t->shared[i]))
			continue;
		iommufd_pasid_account_put(t->shared[i]);
		KUNIT_EXPECT_TRUE(test, xa_empty(&t->ictx[i].pasid_maps));
		KUNIT_EXPECT_TRUE(test, list_empty(&t->ictx[i].pasid_accounts));
		iommufd_pasid_notifier_unregister(&t->ictx[i], &t->heard[i].nb);
		KUNIT_EXPECT_FALSE(test, t->heard[i].too_early);
	}
	if (!IS_ERR_OR_NULL(t->own))
		iommufd_pasid_pool_put(t->own);
	if (t->global)
		iommufd_pasid_pool_put(t->global);
	t->dev->iommu = NULL;
	t->dev->iommu_group = NULL;
	if (!IS_ERR_OR_NULL(t->group))
		iommu_group_put(t->group);
	/* Maps are freed by RCU, and readers of this test have ended */
	rcu_barrier();
}

static struct iommufd_pasid_grant *take(struct kunit *test,
					struct iommufd_pasid_account *account,
					u32 vpasid)
{
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_grant *grant;

	grant = iommufd_pasid_grant_get(account, t->dev, vpasid);
	KUNIT_ASSERT_FALSE(test, IS_ERR(grant));
	iommufd_pasid_grant_publish(account, grant);
	return grant;
}

static void give_back(struct iommufd_pasid_account *account,
		      struct iommufd_pasid_grant *grant)
{
	iommufd_pasid_grant_retire(account, grant);
	iommufd_pasid_grant_put(account, grant);
}

/* --- a pool of a device --- */

static void own_pool_limits(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_grant *grant[NUM];
	struct iommufd_pasid_grant *more;
	unsigned long seen = 0;
	int i;

	/* The quota is each context's, the pool is all contexts' */
	for (i = 0; i < NUM; i++) {
		grant[i] = take(test, t->account[i / 6], i % 6);
		KUNIT_ASSERT_GE(test, grant[i]->ppasid, FIRST);
		KUNIT_ASSERT_LE(test, grant[i]->ppasid, LAST);
		KUNIT_EXPECT_FALSE(test, __test_and_set_bit(grant[i]->ppasid,
							    &seen));
	}
	more = iommufd_pasid_grant_get(t->account[0], t->dev, 99);
	KUNIT_EXPECT_EQ(test, -EDQUOT, PTR_ERR(more));
	more = iommufd_pasid_grant_get(t->account[1], t->dev, 99);
	KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR(more));
	give_back(t->account[0], grant[2]);
	grant[2] = take(test, t->account[1], 99);
	for (i = 0; i < NUM; i++)
		give_back(t->account[i == 2 ? 1 : i / 6], grant[i]);
}

/* Between detach and drain it is nobody's. */
static void own_pool_not_before_the_drain(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_grant *first, *grant;
	u32 ppasid;
	int i;

	first = take(test, t->account[0], 5);
	ppasid = first->ppasid;
	iommufd_pasid_grant_retire(t->account[0], first);
	for (i = 0; i < 3 * NUM; i++) {
		grant = take(test, t->account[1], 6);
		KUNIT_EXPECT_NE(test, ppasid, grant->ppasid);
		give_back(t->account[1], grant);
	}
	iommufd_pasid_grant_put(t->account[0], first);
	for (i = 0; i < NUM; i++) {
		bool again;

		grant = take(test, t->account[1], 6);
		again = grant->ppasid == ppasid;
		give_back(t->account[1], grant);
		if (again)
			break;
	}
	KUNIT_EXPECT_LT(test, i, NUM);
}

static void own_pool_as_late_as_can_be(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	int last[LAST + 1] = {};
	int i;

	for (i = 1; i <= 4 * NUM; i++) {
		struct iommufd_pasid_grant *grant;
		u32 ppasid;

		grant = take(test, t->account[0], i);
		ppasid = grant->ppasid;
		give_back(t->account[0], grant);
		if (last[ppasid])
			KUNIT_EXPECT_EQ(test, NUM, i - last[ppasid]);
		last[ppasid] = i;
	}
}

static void bad_pools(struct kunit *test)
{
	static const struct {
		u32 first, last, quota;
	} bad[] = {
		{ 0, 1, 1 }, { 2, 1, 1 }, { 1, 1024, 1 }, { 1, 1, 0 },
		{ 1, U32_MAX, 1 },
	};
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_pool *pool;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pool = iommufd_pasid_pool_create(t->dev, bad[i].first,
						 bad[i].last, bad[i].quota);
		KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(pool));
	}
	pool = iommufd_pasid_pool_create(t->dev, 1, 1023, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	iommufd_pasid_pool_put(pool);
	t->dev->iommu->max_pasids = 0;
	pool = iommufd_pasid_pool_create(t->dev, 1, 1, 1);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, PTR_ERR(pool));
}

/* --- the global pool --- */

static void global_one_for_all_devices(struct kunit *test)
{
	struct iommufd_pasid_grant *a, *b, *other, *itself[2];
	struct pasid_test *t = test->priv;
	u32 ppasid, found;

	a = take(test, t->shared[0], 7);
	b = take(test, t->shared[0], 7);
	other = take(test, t->shared[1], 7);
	KUNIT_EXPECT_PTR_EQ(test, a, b);
	KUNIT_EXPECT_NE(test, a->ppasid, other->ppasid);
	/* What has no name is not shared */
	itself[0] = take(test, t->shared[0], IOMMU_NO_PASID);
	itself[1] = take(test, t->shared[0], IOMMU_NO_PASID);
	KUNIT_EXPECT_NE(test, itself[0]->ppasid, itself[1]->ppasid);
	KUNIT_EXPECT_EQ(test, 3, t->shared[0]->num);

	ppasid = a->ppasid;
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 0, 7,
							 &found));
	KUNIT_EXPECT_EQ(test, ppasid, found);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[1], 0, 7,
							 &found));
	KUNIT_EXPECT_EQ(test, other->ppasid, found);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 0, 0, &found));

	give_back(t->shared[0], a);
	KUNIT_EXPECT_EQ(test, 0, t->heard[0].num);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 0, 7,
							 &found));
	give_back(t->shared[0], b);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
	KUNIT_EXPECT_EQ(test, 0, t->heard[0].last.dev_id);
	KUNIT_EXPECT_EQ(test, 7, t->heard[0].last.vpasid);
	KUNIT_EXPECT_EQ(test, ppasid, t->heard[0].last.ppasid);
	KUNIT_EXPECT_EQ(test, 0, t->heard[1].num);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 0, 7, &found));
	give_back(t->shared[0], itself[0]);
	give_back(t->shared[0], itself[1]);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
	give_back(t->shared[1], other);
}

/* A vPASID that comes again while its last device is still detaching it */
static void global_new_life_beside_the_old(struct kunit *test)
{
	struct iommufd_pasid_grant *old, *new;
	struct pasid_test *t = test->priv;
	u32 found, ppasid;

	old = take(test, t->shared[0], 7);
	ppasid = old->ppasid;
	iommufd_pasid_grant_retire(t->shared[0], old);
	new = take(test, t->shared[0], 7);
	KUNIT_EXPECT_NE(test, ppasid, new->ppasid);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 0, 7,
							 &found));
	KUNIT_EXPECT_EQ(test, new->ppasid, found);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
	iommufd_pasid_grant_put(t->shared[0], old);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 0, 7,
							 &found));
	give_back(t->shared[0], new);
	KUNIT_EXPECT_EQ(test, 2, t->heard[0].num);
}

/* What was never attached was never found, and nobody is told. */
static void global_not_attached_after_all(struct kunit *test)
{
	struct iommufd_pasid_grant *grant, *good;
	struct pasid_test *t = test->priv;
	u32 found;

	grant = iommufd_pasid_grant_get(t->shared[0], t->dev, 3);
	KUNIT_ASSERT_FALSE(test, IS_ERR(grant));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 0, 3, &found));
	give_back(t->shared[0], grant);
	KUNIT_EXPECT_EQ(test, 0, t->heard[0].num);

	/* The first attach is not done yet, the second is, the first fails */
	grant = iommufd_pasid_grant_get(t->shared[0], t->dev, 3);
	KUNIT_ASSERT_FALSE(test, IS_ERR(grant));
	good = take(test, t->shared[0], 3);
	give_back(t->shared[0], grant);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 0, 3,
							 &found));
	KUNIT_EXPECT_EQ(test, 0, t->heard[0].num);
	give_back(t->shared[0], good);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
}

/* --- looking up --- */

static void map_of_a_device(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_map *map;
	u32 found;

	map = iommufd_pasid_map_create(&t->ictx[0], 44);
	KUNIT_ASSERT_FALSE(test, IS_ERR(map));
	KUNIT_ASSERT_EQ(test, 0, iommufd_pasid_map_reserve(map, 0xfffff));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 44, 0xfffff,
						&found));
	iommufd_pasid_map_set(map, 0xfffff, 3);
	KUNIT_EXPECT_EQ(test, 0, iommufd_pasid_translate(&t->ictx[0], 44,
							 0xfffff, &found));
	KUNIT_EXPECT_EQ(test, 3, found);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[1], 44, 0xfffff,
						&found));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 45, 0xfffff,
						&found));
	KUNIT_EXPECT_TRUE(test, iommufd_pasid_map_clear(map, 0xfffff));
	KUNIT_EXPECT_FALSE(test, iommufd_pasid_map_clear(map, 0xfffff));
	KUNIT_ASSERT_EQ(test, 0, iommufd_pasid_map_reserve(map, 1));
	iommufd_pasid_map_unreserve(map, 1);
	iommufd_pasid_map_destroy(map);
}

/*
 * A device goes: its id is free before its map is. Nothing is found by the id any
 * more, and what the next device puts there stays.
 */
static void map_hidden_before_it_goes(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_map *map, *next;
	u32 found;

	map = iommufd_pasid_map_create(&t->ictx[0], 44);
	KUNIT_ASSERT_FALSE(test, IS_ERR(map));
	KUNIT_ASSERT_EQ(test, 0, iommufd_pasid_map_reserve(map, 6));
	iommufd_pasid_map_set(map, 6, 600);
	iommufd_pasid_map_hide(map);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 44, 6, &found));

	next = iommufd_pasid_map_create(&t->ictx[0], 44);
	KUNIT_ASSERT_FALSE(test, IS_ERR(next));
	KUNIT_ASSERT_EQ(test, 0, iommufd_pasid_map_reserve(next, 7));
	iommufd_pasid_map_set(next, 7, 700);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasid_translate(&t->ictx[0], 44, 6, &found));

	/* Those who found it are told, and by that nothing of the next one goes */
	KUNIT_EXPECT_TRUE(test, iommufd_pasid_map_clear(map, 6));
	iommufd_pasid_map_gone(map, 6, 600);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
	KUNIT_EXPECT_EQ(test, 44, t->heard[0].last.dev_id);
	KUNIT_EXPECT_EQ(test, 600, t->heard[0].last.ppasid);
	iommufd_pasid_map_destroy(map);
	KUNIT_EXPECT_EQ(test, 0,
			iommufd_pasid_translate(&t->ictx[0], 44, 7, &found));
	KUNIT_EXPECT_EQ(test, 700, found);
	iommufd_pasid_map_clear(next, 7);
	iommufd_pasid_map_destroy(next);
}

static unsigned int stops;

static int hear_and_stop(struct notifier_block *nb, unsigned long event,
			 void *data)
{
	return stops++ % 2 ? NOTIFY_BAD : NOTIFY_STOP;
}

/* Whatever one of them returns, the next one is told. */
static void notifiers_are_all_told(struct kunit *test)
{
	struct notifier_block before = {
		.notifier_call = hear_and_stop,
		.priority = 1,
	};
	struct notifier_block behind = {
		.notifier_call = hear_and_stop,
		.priority = -1,
	};
	struct pasid_test *t = test->priv;
	struct iommufd_pasid_map *map;

	map = iommufd_pasid_map_create(&t->ictx[0], 44);
	KUNIT_ASSERT_FALSE(test, IS_ERR(map));
	iommufd_pasid_notifier_register(&t->ictx[0], &before);
	iommufd_pasid_notifier_register(&t->ictx[0], &behind);
	stops = 0;
	iommufd_pasid_map_gone(map, 6, 600);
	KUNIT_EXPECT_EQ(test, 2, stops);
	KUNIT_EXPECT_EQ(test, 1, t->heard[0].num);
	iommufd_pasid_map_gone(map, 6, 600);
	KUNIT_EXPECT_EQ(test, 4, stops);
	KUNIT_EXPECT_EQ(test, 2, t->heard[0].num);
	iommufd_pasid_notifier_unregister(&t->ictx[0], &before);
	iommufd_pasid_notifier_unregister(&t->ictx[0], &behind);
	iommufd_pasid_map_destroy(map);
}

#define BARRIER_ROUNDS	20000
/* A machine whose processors take turns needs a turn for each round */
#define BARRIER_SECONDS	20

/* One registers and looks up, the other one clears and tells who is registered. */
struct barrier_race {
	struct iommufd_pasid_map *map;
	struct notifier_block nb;
	atomic_t turn;
	atomic_t done;
	bool heard;
	bool stop;
};

static int barrier_hear(struct notifier_block *nb, unsigned long event,
			void *data)
{
	WRITE_ONCE(container_of(nb, struct barrier_race, nb)->heard, true);
	return NOTIFY_OK;
}

/* The two are to meet within a few instructions, in either order. */
static void barrier_delay(struct rnd_state *rnd)
{
	unsigned int n = prandom_u32_state(rnd) % 64;

	while (n--)
		cpu_relax();
}

static int barrier_clear(void *arg)
{
	struct barrier_race *race = arg;
	struct rnd_state rnd;
	int turn = 0;

	prandom_seed_state(&rnd, 2);
	while (!READ_ONCE(race->stop)) {
		if (atomic_read_acquire(&race->turn) == turn) {
			cond_resched();
			cpu_relax();
			continue;
		}
		turn++;
		barrier_delay(&rnd);
		if (iommufd_pasid_map_clear(race->map, 5))
			iommufd_pasid_map_gone(race->map, 5, 500);
		atomic_set_release(&race->done, turn);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Who found it after registering hears that it is gone. */
static void notifier_against_the_last_look(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct barrier_race race = { .nb.notifier_call = barrier_hear };
	unsigned long end = jiffies + BARRIER_SECONDS * HZ;
	unsigned int wrong = 0, both = 0, rounds = 0, rc = 0;
	struct task_struct *task;
	struct rnd_state rnd;
	int round;
	u32 found;

	if (num_online_cpus() < 2)
		kunit_skip(test, "there is one CPU");
	/* Alone: the chain is empty but for it */
	iommufd_pasid_notifier_unregister(&t->ictx[0], &t->heard[0].nb);
	race.map = iommufd_pasid_map_create(&t->ictx[0], 44);
	KUNIT_ASSERT_FALSE(test, IS_ERR(race.map));
	task = kthread_run(barrier_clear, &race, "pasid-clear");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	prandom_seed_state(&rnd, 1);
	for (round = 1; round <= BARRIER_ROUNDS; round++) {
		bool have;

		if (time_after(jiffies, end))
			break;

		rc = iommufd_pasid_map_reserve(race.map, 5);
		if (rc)
			break;
		iommufd_pasid_map_set(race.map, 5, 500);
		WRITE_ONCE(race.heard, false);
		atomic_set_release(&race.turn, round);
		barrier_delay(&rnd);
		iommufd_pasid_notifier_register(&t->ictx[0], &race.nb);
		have = !iommufd_pasid_translate(&t->ictx[0], 44, 5, &found);
		while (atomic_read_acquire(&race.done) != round) {
			cond_resched();
			cpu_relax();
		}
		iommufd_pasid_notifier_unregister(&t->ictx[0], &race.nb);
		wrong += have && !READ_ONCE(race.heard);
		both += have;
		rounds++;
	}
	WRITE_ONCE(race.stop, true);
	kthread_stop(task);
	iommufd_pasid_map_destroy(race.map);
	iommufd_pasid_notifier_register(&t->ictx[0], &t->heard[0].nb);
	KUNIT_EXPECT_EQ(test, 0, rc);
	KUNIT_EXPECT_EQ(test, 0, wrong);
	/* Or they have not met, and nothing was tried */
	KUNIT_EXPECT_GT(test, both, 0);
	KUNIT_EXPECT_LT(test, both, rounds);
	kunit_info(test, "%u of %u found it\n", both, rounds);
}

#define READERS	3
#define ROUNDS	20000

struct race {
	struct iommufd_ctx *ictx;
	bool stop;
	atomic_t wrong;
	atomic_t found;
};

/* vPASID v is always PASID v + 1000 of device 44, or not there. */
static int race_read(void *arg)
{
	struct race *race = arg;
	struct rnd_state rnd;
	u32 vpasid, found;

	prandom_seed_state(&rnd, (uintptr_t)current);
	while (!READ_ONCE(race->stop)) {
		vpasid = prandom_u32_state(&rnd) % 200;
		if (!iommufd_pasid_translate(race->ictx, 44, vpasid, &found)) {
			atomic_inc(&race->found);
			if (found != vpasid + 1000)
				atomic_inc(&race->wrong);
		}
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Readers, against vPASIDs that come and go and a device that does so too */
static void map_readers_against_a_writer(struct kunit *test)
{
	struct pasid_test *t = test->priv;
	struct race race = { .ictx = &t->ictx[0] };
	struct task_struct *reader[READERS];
	struct iommufd_pasid_map *map;
	struct rnd_state rnd;
	unsigned int round;
	int i, rc = 0;
	u32 vpasid;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < READERS; i++) {
		reader[i] = kthread_run(race_read, &race, "pasid-reader/%d", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(reader[i]));
	}
	for (round = 0; round < ROUNDS || (!atomic_read(&race.found) &&
					   round < 100 * ROUNDS);) {
		map = iommufd_pasid_map_create(&t->ictx[0], 44);
		if (IS_ERR(map)) {
			rc = PTR_ERR(map);
			break;
		}
		for (i = 0; i < 400; i++, round++) {
			vpasid = prandom_u32_state(&rnd) % 200;
			if (iommufd_pasid_map_clear(map, vpasid))
				continue;
			rc = iommufd_pasid_map_reserve(map, vpasid);
			if (rc)
				break;
			iommufd_pasid_map_set(map, vpasid, vpasid + 1000);
		}
		cond_resched();
		for (vpasid = 0; vpasid < 200; vpasid++)
			iommufd_pasid_map_clear(map, vpasid);
		iommufd_pasid_map_destroy(map);
	}
	WRITE_ONCE(race.stop, true);
	for (i = 0; i < READERS; i++)
		kthread_stop(reader[i]);
	KUNIT_EXPECT_EQ(test, 0, rc);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&race.wrong));
	KUNIT_EXPECT_GT(test, atomic_read(&race.found), 0);
}

static struct kunit_case pasid_cases[] = {
	KUNIT_CASE(own_pool_limits),
	KUNIT_CASE(own_pool_not_before_the_drain),
	KUNIT_CASE(own_pool_as_late_as_can_be),
	KUNIT_CASE(bad_pools),
	KUNIT_CASE(global_one_for_all_devices),
	KUNIT_CASE(global_new_life_beside_the_old),
	KUNIT_CASE(global_not_attached_after_all),
	KUNIT_CASE(map_of_a_device),
	KUNIT_CASE(map_hidden_before_it_goes),
	KUNIT_CASE(notifiers_are_all_told),
	KUNIT_CASE_SLOW(notifier_against_the_last_look),
	KUNIT_CASE_SLOW(map_readers_against_a_writer),
	{}
};

static struct kunit_suite pasid_suite = {
	.name = "iommufd_pasid",
	.init = pasid_test_init,
	.exit = pasid_test_exit,
	.test_cases = pasid_cases,
};

kunit_test_suite(pasid_suite);

MODULE_DESCRIPTION("KUnit of pools of PASIDs");
MODULE_LICENSE("GPL");
