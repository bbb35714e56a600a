// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many CPUs at once: the store of free slots by itself, then everything
 * together, with a ledger at the end.
 *
 * Reporters and units agree, for each group index, whether an answer is due: a
 * unit that is told of a group nobody waits for, or a group that is never
 * answered, is seen at once, whatever the counters say.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/uio.h>

#include "fault_kunit.h"

/* --- the store of free slots --- */

/* Against a list, through several rounds of a store of every small size. */
static void ring_test_order(struct kunit *test)
{
	u32 list[40], num, size, step, value;
	struct fault_ring ring = {};
	struct rnd_state rnd;
	u32 held[40], nr_held;

	prandom_seed_state(&rnd, 20261121);
	for (size = 1; size <= 33; size++) {
		KUNIT_ASSERT_EQ(test, fault_ring_init(&ring, size), 0);
		num = size;
		nr_held = 0;
		for (value = 0; value < size; value++)
			list[value] = value;
		local_bh_disable();
		for (step = 0; step < 1000; step++) {
			u32 r = prandom_u32_state(&rnd);

			if (r % 2 && nr_held) {
				/* Put back in any order. */
				u32 at = (r >> 8) % nr_held;

				fault_ring_put(&ring, held[at]);
				list[num++] = held[at];
				held[at] = held[--nr_held];
				continue;
			}
			KUNIT_EXPECT_EQ(test, fault_ring_take(&ring, &value),
					num > 0);
			if (!num)
				continue;
			KUNIT_EXPECT_EQ(test, value, list[0]);
			held[nr_held++] = list[0];
			memmove(&list[0], &list[1], --num * sizeof(list[0]));
		}
		local_bh_enable();
		KUNIT_EXPECT_EQ(test, fault_ring_count(&ring), num);
		fault_ring_exit(&ring);
	}
}

#define RING_THREADS	4
#define RING_SIZE	5
#define RING_ROUNDS	20000

/**
 * struct ring_stress - threads that take and put
 * @ring: under test
 * @owner: of each number: how many have it
 * @bad: times that was not one
 * @empty: times there was none
 * @running: threads that have not finished
 * @done: the last one has
 */
struct ring_stress {
	struct fault_ring ring;
	atomic_t owner[RING_SIZE];
	atomic_t bad;
	atomic_t empty;
	atomic_t running;
	struct completion done;
};

static int ring_thread(void *data)
{
	struct ring_stress *rs = data;
	u32 i, value;

	for (i = 0; i < RING_ROUNDS; i++) {
		local_bh_disable();
		if (!fault_ring_take(&rs->ring, &value)) {
			atomic_inc(&rs->empty);
		} else {
			if (value >= RING_SIZE ||
			    atomic_inc_return(&rs->owner[value]) != 1)
				atomic_inc(&rs->bad);
			/* Long enough for another to want it. */
			if (i % 16 == 0)
				udelay(1);
			if (value < RING_SIZE) {
				atomic_dec(&rs->owner[value]);
				fault_ring_put(&rs->ring, value);
			}
		}
		local_bh_enable();
		if (i % 64 == 0)
			cond_resched();
	}
	if (atomic_dec_and_test(&rs->running))
		complete(&rs->done);
	return 0;
}

static void ring_test_threads(struct kunit *test)
{
	struct ring_stress *rs = kunit_kzalloc(test, sizeof(*rs), GFP_KERNEL);
	u32 value, seen = 0;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, rs);
	KUNIT_ASSERT_EQ(test, fault_ring_init(&rs->ring, RING_SIZE), 0);
	init_completion(&rs->done);
	atomic_set(&rs->running, RING_THREADS);
	for (i = 0; i < RING_THREADS; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(ring_thread, rs,
							       "ring/%d", i));
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&rs->done, 60 * HZ));
	KUNIT_EXPECT_EQ(test, atomic_read(&rs->bad), 0);
	/* There are more numbers than threads. */
	KUNIT_EXPECT_EQ(test, atomic_read(&rs->empty), 0);
	KUNIT_EXPECT_EQ(test, fault_ring_count(&rs->ring), RING_SIZE);
	local_bh_disable();
	while (fault_ring_take(&rs->ring, &value))
		seen |= BIT(value);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, seen, BIT(RING_SIZE) - 1);
	fault_ring_exit(&rs->ring);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(ring_test_order),
	KUNIT_CASE(ring_test_threads),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "iommufd_fault_ring",
	.test_cases = ring_cases,
};

/* --- everything together --- */

#define ST_DEVS		3
#define ST_REPORTERS	2	/* of each device */
#define ST_PASIDS	2	/* 0: none */
#define ST_INDEXES	8	/* of each reporter */
#define ST_READERS	2
#define ST_WRITERS	2
#define ST_DEPTH	24
#define ST_CAP		10
#define ST_MS		4000
#define ST_COOKIES	1024

struct stress;

/**
 * struct st_dev - a device and its unit
 * @unit: of its own
 * @st: the test
 * @index: in &stress.dev
 * @dev: the device
 * @source: its source
 * @part: of its PASIDs
 * @due: for each (PASID, index): 1: an answer is to come
 * @unexpected: answers that were not to come
 * @answers: answers that came
 * @by_code: of them, with success and with invalid
 */
struct st_dev {
	struct iommufd_fault_unit unit;
	struct stress *st;
	int index;
	struct device *dev;
	struct iommufd_fault_source *source;
	struct iommufd_fault_part part;
	atomic_t due[ST_PASIDS][ST_REPORTERS * ST_INDEXES];
	atomic_t unexpected;
	atomic64_t answers;
	atomic64_t by_code[2];
};

/**
 * struct stress - the test
 * @test: the case
 * @queue: the one queue
 * @dev: the devices
 * @attach: of each device and PASID; the mover's
 * @stop_report: reporters finish their group and end
 * @stop: all others end
 * @reported: requests that reporters sent
 * @taken: groups that were taken
 * @retried: groups that were refused with a retry
 * @refused: groups that were refused
 * @read_groups: groups that readers got
 * @read_requests: requests that readers got
 * @wrong: reads or verdicts that cannot be
 * @written: answers accepted
 * @stale: answers refused
 * @lock: guards @cookies
 * @cookies: read, to be answered
 * @nr_cookies: how many
 * @reporters: reporters that have not finished
 * @running: threads that have not finished
 */
struct stress {
	struct kunit *test;
	struct iommufd_fault_queue queue;
	struct st_dev dev[ST_DEVS];
	struct iommufd_fault_attach *attach[ST_DEVS][ST_PASIDS];
	bool stop_report;
	bool stop;
	atomic64_t reported;
	atomic64_t taken;
	atomic64_t retried;
	atomic64_t refused;
	atomic64_t read_groups;
	atomic64_t read_requests;
	atomic_t wrong;
	atomic64_t written;
	atomic64_t stale;
	spinlock_t lock;
	u32 cookies[ST_COOKIES];
	u32 nr_cookies;
	atomic_t reporters;
	atomic_t running;
};

/**
 * struct st_thread - one thread
 * @st: the test
 * @index: among its kind
 * @rnd: its own
 */
struct st_thread {
	struct stress *st;
	int index;
	struct rnd_state rnd;
};

static void st_respond(struct iommufd_fault_unit *unit,
		       const struct iommufd_page_answer *answers,
		       unsigned int num)
{
	struct st_dev *dev = container_of(unit, struct st_dev, unit);
	unsigned int i;

	for (i = 0; i < num; i++) {
		u32 pasid = answers[i].pasid_valid ? answers[i].pasid : 0;

		atomic64_inc(&dev->answers);
		atomic64_inc(&dev->by_code[!!answers[i].code]);
		if (answers[i].source != dev->source || pasid >= ST_PASIDS ||
		    atomic_cmpxchg(&dev->due[pasid][answers[i].grpid], 1, 0) != 1)
			atomic_inc(&dev->unexpected);
	}
	if (num % 3 == 0)
		usleep_range(10, 200);
}

static const struct iommufd_fault_unit_ops st_unit_ops = {
	.respond = st_respond,
};

static u32 st_random(struct st_thread *t, u32 below)
{
	return prandom_u32_state(&t->rnd) % below;
}

static int st_reporter(void *data)
{
	struct st_thread *t = data;
	struct stress *st = t->st;
	struct st_dev *dev = &st->dev[t->index % ST_DEVS];
	u32 base = t->index / ST_DEVS * ST_INDEXES;

	while (!READ_ONCE(st->stop_report)) {
		u32 pasid = st_random(t, ST_PASIDS);
		u32 index = base + st_random(t, ST_INDEXES);
		struct iommufd_page_request req = {
			.pasid = pasid,
			.pasid_valid = pasid,
			.grpid = index,
		};
		u32 size = 1 + st_random(t, 3);
		enum iommufd_fault_verdict verdict;

		cond_resched();
		if (atomic_read(&dev->due[pasid][index])) {
			usleep_range(10, 50);
			continue;
		}
		/* Before the last request: the answer may be there at once. */
		atomic_set(&dev->due[pasid][index], 1);
		while (size--) {
			req.addr = (u64)t->index << 32 | size;
			req.last = !size;
			atomic64_inc(&st->reported);
			verdict = iommufd_fault_report(dev->source, &req);
			if (!req.last) {
				if (verdict != IOMMUFD_FAULT_DROPPED &&
				    verdict != IOMMUFD_FAULT_TAKEN)
					atomic_inc(&st->wrong);
				if (st_random(t, 8) == 0)
					usleep_range(10, 50);
			}
		}
		switch (verdict) {
		case IOMMUFD_FAULT_TAKEN:
			atomic64_inc(&st->taken);
			break;
		case IOMMUFD_FAULT_RETRY:
			atomic64_inc(&st->retried);
			atomic_set(&dev->due[pasid][index], 0);
			break;
		case IOMMUFD_FAULT_REFUSED:
			atomic64_inc(&st->refused);
			atomic_set(&dev->due[pasid][index], 0);
			break;
		default:
			atomic_inc(&st->wrong);
		}
	}
	atomic_dec(&st->reporters);
	atomic_dec(&st->running);
	kfree(t);
	return 0;
}

static int st_reader(void *data)
{
	struct iommu_hwpt_pgfault recs[8];
	struct st_thread *t = data;
	struct stress *st = t->st;

	while (!READ_ONCE(st->stop)) {
		u32 want = 1 + st_random(t, ARRAY_SIZE(recs));
		struct kvec vec = {
			.iov_base = recs,
			.iov_len = want * sizeof(recs[0]),
		};
		struct iov_iter iter;
		ssize_t rc;
		u32 i, from = 0;

		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		rc = fault_queue_read(&st->queue, &iter, st_random(t, 2));
		if (rc <= 0) {
			if (rc && rc != -EINVAL && rc != -EAGAIN)
				atomic_inc(&st->wrong);
			usleep_range(10, 50);
			continue;
		}
		if (rc % sizeof(recs[0]))
			atomic_inc(&st->wrong);
		for (i = 0; i < rc / sizeof(recs[0]); i++) {
			atomic64_inc(&st->read_requests);
			/* One group from its first record to its last. */
			if (recs[i].cookie != recs[from].cookie ||
			    recs[i].grpid != recs[from].grpid ||
			    (i > from && (u32)recs[i].addr != (u32)recs[i - 1].addr - 1))
				atomic_inc(&st->wrong);
			if (!(recs[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
				continue;
			if ((u32)recs[i].addr)
				atomic_inc(&st->wrong);
			from = i + 1;
			atomic64_inc(&st->read_groups);
			spin_lock(&st->lock);
			if (st->nr_cookies < ST_COOKIES)
				st->cookies[st->nr_cookies++] = recs[i].cookie;
			spin_unlock(&st->lock);
		}
		if (from * sizeof(recs[0]) != rc)
			atomic_inc(&st->wrong);
	}
	atomic_dec(&st->running);
	kfree(t);
	return 0;
}

static int st_writer(void *data)
{
	struct iommu_hwpt_page_response resp[24];
	struct st_thread *t = data;
	struct stress *st = t->st;
	u32 stale = 0;

	while (!READ_ONCE(st->stop)) {
		struct kvec vec = { .iov_base = resp };
		struct iov_iter iter;
		u32 num = 0, want = 1 + st_random(t, ARRAY_SIZE(resp));

		spin_lock(&st->lock);
		/* Any of them, now and then one that has been used before. */
		while (num < want && st->nr_cookies) {
			u32 at = st_random(t, st->nr_cookies);

			resp[num].code = st_random(t, 2);
			if (stale && st_random(t, 16) == 0) {
				resp[num++].cookie = stale;
				continue;
			}
			resp[num++].cookie = st->cookies[at];
			st->cookies[at] = st->cookies[--st->nr_cookies];
		}
		spin_unlock(&st->lock);
		if (!num) {
			usleep_range(10, 100);
			continue;
		}
		stale = resp[num - 1].cookie;
		vec.iov_len = num * sizeof(resp[0]);
		iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
		while (iov_iter_count(&iter)) {
			ssize_t rc = fault_queue_write(&st->queue, &iter, false);

			if (rc > 0 && rc % sizeof(resp[0]) == 0) {
				atomic64_add(rc / sizeof(resp[0]), &st->written);
				continue;
			}
			if (rc != -EINVAL)
				atomic_inc(&st->wrong);
			/* Detach was first, or it was the stale one. */
			atomic64_inc(&st->stale);
			iov_iter_advance(&iter, sizeof(resp[0]));
		}
	}
	atomic_dec(&st->running);
	kfree(t);
	return 0;
}

static struct iommufd_fault_attach *st_alloc(struct stress *st, int dev,
					     ioasid_t pasid)
{
	struct iommufd_fault_identity who = {
		.dev_id = 1 + dev,
		/* The second half of the PASIDs is a part of the device */
		.part = pasid >= ST_PASIDS / 2 ? &st->dev[dev].part : NULL,
	};

	return iommufd_fault_attach_alloc(st->dev[dev].dev, pasid, &st->queue,
					  &who);
}

/* Attaches, replaces and detaches PASIDs, all the while. */
static int st_mover(void *data)
{
	struct st_thread *t = data;
	struct stress *st = t->st;

	while (!READ_ONCE(st->stop)) {
		u32 dev = st_random(t, ST_DEVS);
		struct iommufd_fault_attach **slot = &st->attach[dev][1];
		struct iommufd_fault_attach *new = NULL;

		if (!*slot || st_random(t, 2)) {
			new = st_alloc(st, dev, 1);
			if (IS_ERR(new) ||
			    iommufd_fault_attach_prepare_replace(*slot, new)) {
				atomic_inc(&st->wrong);
				break;
			}
			iommufd_fault_attach_replace(*slot, new);
		} else {
			iommufd_fault_attach_remove(*slot);
		}
		*slot = new;
		if (st_random(t, 4) == 0)
			iommufd_fault_source_discard_partial(st->dev[dev].source);
		usleep_range(100, 1000);
	}
	atomic_dec(&st->running);
	kfree(t);
	return 0;
}

static void st_run(struct stress *st, int (*fn)(void *data), const char *name,
		   int num)
{
	int i;

	for (i = 0; i < num; i++) {
		struct st_thread *t = kzalloc(sizeof(*t), GFP_KERNEL);
		struct task_struct *task;

		KUNIT_ASSERT_NOT_NULL(st->test, t);
		t->st = st;
		t->index = i;
		prandom_seed_state(&t->rnd, 1000 * i + (uintptr_t)fn % 1000);
		if (fn == st_reporter)
			atomic_inc(&st->reporters);
		atomic_inc(&st->running);
		task = kthread_run(fn, t, "%s/%d", name, i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(st->test, task);
	}
}

static bool st_wait(struct stress *st, atomic_t *running)
{
	unsigned long end = jiffies + 60 * HZ;

	while (atomic_read(running) && time_before(jiffies, end))
		msleep(20);
	return !atomic_read(running);
}

static void stress_test_all(struct kunit *test)
{
	struct fault_queue_params params = { .depth = ST_DEPTH };
	struct stress *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	u64 answers = 0, nobody = 0, nobody_groups = 0, held = 0;
	struct fault_queue_stats s;
	int i, j, k;

	KUNIT_ASSERT_NOT_NULL(test, st);
	st->test = test;
	spin_lock_init(&st->lock);
	refcount_set(&st->queue.obj.holders, 1);
	KUNIT_ASSERT_EQ(test, fault_queue_init(&st->queue, &params), 0);
	for (i = 0; i < ST_DEVS; i++) {
		struct st_dev *dev = &st->dev[i];
		char name[] = "fault-stress-0";

		name[sizeof(name) - 2] += i;
		dev->unit.ops = &st_unit_ops;
		dev->dev = kunit_device_register(test, name);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev->dev);
		dev->source = iommufd_fault_source_register(dev->dev, &dev->unit,
							    ST_CAP, dev);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev->source);
		for (j = 0; j < ST_PASIDS; j++) {
			st->attach[i][j] = st_alloc(st, i, j);
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, st->attach[i][j]);
			KUNIT_ASSERT_EQ(test,
					iommufd_fault_attach_install(st->attach[i][j]),
					0);
		}
	}

	st_run(st, st_reporter, "iopf-report", ST_DEVS * ST_REPORTERS);
	st_run(st, st_reader, "iopf-read", ST_READERS);
	st_run(st, st_writer, "iopf-write", ST_WRITERS);
	st_run(st, st_mover, "iopf-move", 1);
	msleep(ST_MS);
	WRITE_ONCE(st->stop_report, true);
	KUNIT_EXPECT_TRUE(test, st_wait(st, &st->reporters));
	msleep(100);
	WRITE_ONCE(st->stop, true);
	KUNIT_ASSERT_TRUE(test, st_wait(st, &st->running));

	for (i = 0; i < ST_DEVS; i++) {
		/* The last one's going would take what nobody heard with it. */
		nobody += st->dev[i].source->nobody;
		nobody_groups += st->dev[i].source->nobody_groups;
		for (j = 0; j < ST_PASIDS; j++)
			iommufd_fault_attach_remove(st->attach[i][j]);
		KUNIT_EXPECT_EQ(test,
				fault_source_outstanding(st->dev[i].source), 0);
		KUNIT_EXPECT_EQ(test,
				iommufd_fault_part_outstanding(&st->dev[i].part),
				0);
		for (j = 0; j < ST_PASIDS; j++)
			for (k = 0; k < ST_REPORTERS * ST_INDEXES; k++)
				held += atomic_read(&st->dev[i].due[j][k]);
		KUNIT_EXPECT_EQ(test, atomic_read(&st->dev[i].unexpected), 0);
		answers += atomic64_read(&st->dev[i].answers);
	}
	fault_queue_get_stats(&st->queue, &s);
	kunit_info(test, "%lld requests: %lld groups taken, %lld retried, %lld refused; %llu by users, %llu by drain, %lld stale, %llu discarded\n",
		   atomic64_read(&st->reported), atomic64_read(&st->taken),
		   atomic64_read(&st->retried), atomic64_read(&st->refused),
		   s.answered_groups[0] + s.answered_groups[1], s.drained_groups,
		   atomic64_read(&st->stale), s.counts.discarded);

	/* The reporters', the readers', the units' and the kernel's books. */
	KUNIT_EXPECT_EQ(test, atomic_read(&st->wrong), 0);
	KUNIT_EXPECT_EQ(test, held, 0);
	KUNIT_EXPECT_EQ(test, s.pending, 0);
	KUNIT_EXPECT_EQ(test, s.pending_groups, 0);
	KUNIT_EXPECT_EQ(test, answers, atomic64_read(&st->taken));
	KUNIT_EXPECT_EQ(test, s.counts.published_groups, atomic64_read(&st->taken));
	KUNIT_EXPECT_EQ(test, s.counts.lost_groups + s.counts.discarded_groups,
			atomic64_read(&st->retried));
	KUNIT_EXPECT_EQ(test, nobody_groups, atomic64_read(&st->refused));
	KUNIT_EXPECT_EQ(test, s.counts.reported + nobody,
			atomic64_read(&st->reported));
	KUNIT_EXPECT_EQ(test, s.counts.reported,
			s.answered + s.drained + s.counts.lost +
				s.counts.discarded);
	KUNIT_EXPECT_EQ(test, s.answered_groups[0] + s.answered_groups[1],
			atomic64_read(&st->written));
	KUNIT_EXPECT_EQ(test, s.delivered_groups, atomic64_read(&st->read_groups));
	KUNIT_EXPECT_EQ(test, s.delivered, atomic64_read(&st->read_requests));
	/* It was a test of something. */
	KUNIT_EXPECT_GT(test, s.answered, 0);
	KUNIT_EXPECT_GT(test, s.drained, 0);
	KUNIT_EXPECT_GT(test, s.counts.lost, 0);

	for (i = 0; i < ST_DEVS; i++)
		iommufd_fault_source_unregister(st->dev[i].source);
	KUNIT_EXPECT_EQ(test, fault_ring_count(&st->queue.free), ST_DEPTH);
	KUNIT_EXPECT_EQ(test, refcount_read(&st->queue.obj.holders), 1);
	fault_queue_exit(&st->queue);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_SLOW(stress_test_all),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "iommufd_fault_stress",
	.test_cases = stress_cases,
};

kunit_test_suites(&ring_suite, &stress_suite);
