// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the command queue, many submitters: threads, with interrupts off, and from
 * interrupts that hit others. Each hears of its own commands, and of no other's.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "smmuv3_cmdq_kunit.h"

#define THREADS		8
#define BATCHES		60
#define DEAD_SID	0xdead

/**
 * struct worker - a thread that submits
 * @rig: to whom
 * @test: for failures
 * @task: the thread
 * @owner: its number
 * @errors: it has commands refused
 * @failed: results that were not what they had to be
 * @done: batches submitted
 * @stop: go on until then, if not NULL
 */
struct worker {
	struct smmuv3_rig *rig;
	struct kunit *test;
	struct task_struct *task;
	unsigned int owner;
	bool errors;
	unsigned int failed;
	unsigned int done;
	bool *stop;
};

/* A batch with or without something wrong in it; true if the result says so. */
static bool work_once(struct worker *w, struct rnd_state *rnd)
{
	unsigned int num = 1 + prandom_u32_state(rnd) % BATCH_MAX, place = num;
	struct smmuv3_cmdq_result result;
	struct smmuv3_cmd cmds[BATCH_MAX];
	bool dead = false;

	smmuv3_rig_cmds(cmds, num, w->owner, w->done);
	if (w->errors) {
		switch (prandom_u32_state(rnd) % 4) {
		case 0:
			place = prandom_u32_state(rnd) % num;
			cmds[place].qw[1] |= prandom_u32_state(rnd) & 1 ?
						     TAG_ILL : TAG_ABT;
			break;
		case 1:
			cmds[0].qw[0] = FAKE_ATC_INV | (u64)DEAD_SID << 32;
			dead = true;
		}
	}
	result = smmuv3_rig_run(w->rig, cmds, num);
	w->done++;
	if (result.unanswered != dead)
		return false;
	if (place == num)
		return !result.rc;
	return result.rc == -EIO && result.failed == place;
}

static int worker_fn(void *data)
{
	struct worker *w = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, w->owner);
	while (w->stop ? !READ_ONCE(*w->stop) : w->done < BATCHES) {
		w->failed += !work_once(w, &rnd);
		cond_resched();
	}
	/* Till who has started us looks */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void workers_start(struct kunit *test, struct smmuv3_rig *rig,
			  struct worker *workers, bool errors, bool *stop)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.rig = rig, .test = test, .owner = i + 1,
			.errors = errors, .stop = stop,
		};
		workers[i].task = kthread_run(worker_fn, &workers[i],
					      "smmuv3-cmdq/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(workers[i].task));
	}
}

static unsigned int workers_finish(struct kunit *test, struct worker *workers)
{
	unsigned int i, done = 0;

	for (i = 0; i < THREADS; i++) {
		while (!workers[i].stop && READ_ONCE(workers[i].done) < BATCHES)
			usleep_range(1000, 2000);
		kthread_stop(workers[i].task);
		KUNIT_EXPECT_EQ_MSG(test, workers[i].failed, 0, "thread %u", i);
		done += workers[i].done;
	}
	return done;
}

static void threads(struct kunit *test, unsigned int log2, bool slow,
		    bool errors)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, log2);
	struct worker workers[THREADS];
	unsigned int i, acks = 0;

	rig->fake->dead = errors;
	rig->fake->dead_sid = DEAD_SID;
	if (slow)
		smmuv3_rig_start(rig, 100, 5, UINT_MAX);
	workers_start(test, rig, workers, errors, NULL);
	KUNIT_EXPECT_EQ(test, workers_finish(test, workers), THREADS * BATCHES);
	if (slow)
		smmuv3_rig_stop(rig);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig),
			THREADS * BATCHES);
	KUNIT_EXPECT_LE(test, rig->fake->num_prods, THREADS * BATCHES);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.submits),
			rig->fake->num_prods);
	for (i = 0; i < rig->fake->num_log; i++)
		acks += !!rig->fake->log[i].cerror;
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), acks);
	if (errors)
		KUNIT_EXPECT_GT(test, acks, 0);
	kunit_info(test, "%u batches, %u writes of PROD, %u errors\n",
		   THREADS * BATCHES, rig->fake->num_prods, acks);
}

static void cmdq_threads(struct kunit *test)
{
	threads(test, 8, false, false);
}

/* A ring of one batch: all but one wait for room. */
static void cmdq_threads_full(struct kunit *test)
{
	threads(test, 4, true, false);
}

static void cmdq_threads_errors(struct kunit *test)
{
	threads(test, 7, false, true);
}

static void cmdq_threads_full_errors(struct kunit *test)
{
	threads(test, 4, true, true);
}

/* Whose commands are in the queue or wait for room: who reads has submitted before. */
static struct task_struct *submitters[THREADS];
static unsigned long submitted;

static bool note_submitter(struct smmuv3_fake *fake, unsigned int reg,
			   unsigned int size, u64 *val)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		if (READ_ONCE(submitters[i]) == current)
			set_bit(i, &submitted);
	return false;
}

static void submitters_start(struct smmuv3_rig *rig)
{
	memset(submitters, 0, sizeof(submitters));
	submitted = 0;
	rig->fake->hold = true;
	rig->fake->on_read = note_submitter;
}

/* @done: or until it is through already, as it must not be */
static void submitter_wait(unsigned int i, const bool *done)
{
	while (!test_bit(i, &submitted) && !READ_ONCE(*done))
		usleep_range(1000, 2000);
}

/* Who waits for room is served together once there is some: PROD is written once. */
static void cmdq_combine(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct worker workers[THREADS];
	unsigned int i, prods;
	bool stop = false;

	submitters_start(rig);
	workers_start(test, rig, workers, false, &stop);
	for (i = 0; i < THREADS; i++)
		WRITE_ONCE(submitters[i], workers[i].task);
	/* They submit again and again until they are told */
	for (i = 0; i < THREADS; i++)
		submitter_wait(i, &stop);
	WRITE_ONCE(stop, true);
	prods = rig->fake->num_prods;
	smmuv3_rig_start(rig, 5000, 32, UINT_MAX);
	workers_finish(test, workers);
	smmuv3_rig_stop(rig);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), THREADS);
	/* Not all had room, and those that had not go in at once */
	KUNIT_EXPECT_EQ(test, rig->fake->num_prods, prods + 1);
}

/**
 * struct single - a thread that submits one batch
 * @rig: to whom
 * @num: commands
 * @batch: its number
 * @rc: of the batch; valid once @done
 * @done: it is through
 */
struct single {
	struct smmuv3_rig *rig;
	unsigned int num;
	unsigned int batch;
	int rc;
	bool done;
};

static int single_fn(void *data)
{
	struct smmuv3_cmd cmds[12];
	struct single *single = data;
	struct smmuv3_cmdq_result result;

	WRITE_ONCE(submitters[single->batch], current);
	smmuv3_rig_cmds(cmds, single->num, 1, single->batch);
	result = smmuv3_rig_run(single->rig, cmds, single->num);
	single->rc = result.rc;
	/* @rc is there for who sees @done, in cmdq_fair(). */
	smp_store_release(&single->done, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* One that would fit does not overtake one that came before and does not. */
static void cmdq_fair(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 4);
	struct single singles[3] = {
		{ .num = 10 }, { .num = 9 }, { .num = 1 },
	};
	struct task_struct *tasks[3];
	unsigned int i;

	submitters_start(rig);
	for (i = 0; i < 3; i++) {
		singles[i].rig = rig;
		singles[i].batch = i;
		tasks[i] = kthread_run(single_fn, &singles[i], "smmuv3-single");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
		submitter_wait(i, &singles[i].done);
		/* Of 16 places the first has 11; the third would need 2 */
		KUNIT_EXPECT_EQ(test, rig->fake->num_prods, 1);
	}
	smmuv3_rig_start(rig, 1000, 1, UINT_MAX);
	for (i = 0; i < 3; i++) {
		/* Of single_fn(): its rc is there, too. */
		while (!smp_load_acquire(&singles[i].done))
			usleep_range(1000, 2000);
		kthread_stop(tasks[i]);
		KUNIT_EXPECT_EQ(test, singles[i].rc, 0);
	}
	smmuv3_rig_stop(rig);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 3);
	KUNIT_EXPECT_EQ(test,
			FIELD_GET(TAG_BATCH, rig->fake->log[11].cmd.qw[1]), 1);
	KUNIT_EXPECT_EQ(test,
			FIELD_GET(TAG_BATCH, rig->fake->log[21].cmd.qw[1]), 2);
}

/* The interrupt and all who wait see each error. */
static void cmdq_interrupt_races(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 7);
	struct worker workers[THREADS];
	unsigned int i, acks = 0;
	bool running = true;

	rig->fake->dead = true;
	rig->fake->dead_sid = DEAD_SID;
	workers_start(test, rig, workers, true, NULL);
	while (running) {
		smmuv3_cmdq_error(&rig->fake->unit);
		cond_resched();
		for (running = false, i = 0; i < THREADS; i++)
			running |= READ_ONCE(workers[i].done) < BATCHES;
	}
	workers_finish(test, workers);
	for (i = 0; i < rig->fake->num_log; i++)
		acks += !!rig->fake->log[i].cerror;
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), acks);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig),
			THREADS * BATCHES);
}

/**
 * struct hard - submits in hard interrupt context
 * @work: raises the interrupt
 * @rig: to whom
 * @result: of its batch
 * @num: times it ran
 */
struct hard {
	struct irq_work work;
	struct smmuv3_rig *rig;
	struct smmuv3_cmdq_result result;
	unsigned int num;
};

static void hard_fn(struct irq_work *work)
{
	struct hard *hard = container_of(work, struct hard, work);
	struct smmuv3_cmd cmds[2];

	smmuv3_rig_cmds(cmds, 2, THREADS + 1, hard->num++);
	cmds[1].qw[1] |= TAG_ILL;
	hard->result = smmuv3_rig_run(hard->rig, cmds, 2);
}

/*
 * With interrupts off, and in interrupts that may hit anybody who submits: who holds
 * the lock cannot be hit.
 */
static void cmdq_atomic(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 7);
	struct worker workers[THREADS];
	struct hard hard = { .rig = rig };
	struct smmuv3_cmd cmds[BATCH_MAX];
	unsigned int i, others = 0;
	unsigned long flags;

	hard.work = IRQ_WORK_INIT_HARD(hard_fn);
	workers_start(test, rig, workers, false, NULL);
	for (i = 0; i < 50; i++) {
		struct smmuv3_cmdq_result result;

		irq_work_queue(&hard.work);
		irq_work_sync(&hard.work);
		KUNIT_EXPECT_EQ(test, hard.result.rc, -EIO);
		KUNIT_EXPECT_EQ(test, hard.result.failed, 1);
		KUNIT_EXPECT_FALSE(test, hard.result.unanswered);

		smmuv3_rig_cmds(cmds, 3, THREADS + 2, others++);
		rcu_read_lock();
		local_irq_save(flags);
		result = smmuv3_rig_run(rig, cmds, 3);
		local_irq_restore(flags);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, result.rc, 0);
		KUNIT_EXPECT_FALSE(test, result.unanswered);
	}
	workers_finish(test, workers);
	KUNIT_EXPECT_EQ(test, hard.num, 50);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig),
			THREADS * BATCHES + 100);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE(cmdq_threads),
	KUNIT_CASE(cmdq_threads_full),
	KUNIT_CASE(cmdq_threads_errors),
	KUNIT_CASE(cmdq_threads_full_errors),
	KUNIT_CASE(cmdq_combine),
	KUNIT_CASE(cmdq_fair),
	KUNIT_CASE(cmdq_interrupt_races),
	KUNIT_CASE(cmdq_atomic),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "iommufd_smmuv3_cmdq_stress",
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
