// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the command queue, one submitter. Rings are small and wrap, commands are
 * refused at each place, the unit hangs: a submitter hears of its own commands, of
 * all of them, and of no other's.
 */
#include "smmuv3_cmdq_kunit.h"

/* 6.3.25: base, size, and an empty queue. */
static void cmdq_setup(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	u64 base = smmuv3_fake_reg64(rig->fake, FAKE_CMDQ_BASE);

	/* Read allocate, 2^5 entries; nothing else but the address */
	KUNIT_EXPECT_EQ(test, base & 0xfff000000000001fULL,
			0x4000000000000005ULL);
	KUNIT_EXPECT_EQ(test, base & 0x1e0, 0);
	/* 64 KiB are the most */
	rig = smmuv3_rig_new(test, 19);
	base = smmuv3_fake_reg64(rig->fake, FAKE_CMDQ_BASE);
	KUNIT_EXPECT_EQ(test, base & 0xfff0000000000fffULL,
			0x400000000000000cULL);
}

/* Batches of each size, so that each place of a small ring is where it wraps. */
static void cmdq_wrap(struct kunit *test)
{
	struct smmuv3_cmd cmds[BATCH_MAX];
	unsigned int log2, i, num, batch;
	struct smmuv3_rig *rig;

	for (log2 = 4; log2 <= 6; log2++) {
		rig = smmuv3_rig_new(test, log2);
		for (i = 0, batch = 0; i < 40; i++) {
			num = 1 + i * 5 % BATCH_MAX;
			smmuv3_rig_cmds(cmds, num, 1, batch++);
			smmuv3_rig_expect(test, rig, cmds, num, 0, 0, false);
		}
		KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), batch);
		KUNIT_EXPECT_EQ(test, rig->fake->num_prods, batch);
		KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.submits),
				batch);
	}
}

/* More than the ring holds goes in parts, and an error is told of the right one. */
static void cmdq_parts(struct kunit *test)
{
	struct smmuv3_cmd cmds[20];
	struct smmuv3_rig *rig;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		rig = smmuv3_rig_new(test, 2);
		smmuv3_rig_cmds(cmds, 20, 1, 0);
		smmuv3_rig_expect(test, rig, cmds, 20, 0, 0, false);
		/* 3 commands each, and 2 */
		KUNIT_EXPECT_EQ(test, rig->fake->num_syncs, 7);
		KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, 1), 20);
		cmds[i].qw[1] |= TAG_ILL;
		smmuv3_rig_expect(test, rig, cmds, 20, -EIO, i, false);
		KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, 1), 40);
	}
}

/* Each place of a batch, each error; each is acknowledged once. */
static void cmdq_errors(struct kunit *test)
{
	static const u64 tags[] = { TAG_ILL, TAG_ABT };
	struct smmuv3_cmd cmds[BATCH_MAX];
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 4);
	unsigned int num, place, k, errors = 0, batches = 0;

	for (num = 1; num <= BATCH_MAX; num++) {
		for (place = 0; place < num; place++) {
			for (k = 0; k < ARRAY_SIZE(tags); k++) {
				smmuv3_rig_cmds(cmds, num, 1, batches++);
				cmds[place].qw[1] |= tags[k];
				smmuv3_rig_expect(test, rig, cmds, num, -EIO,
						  place, false);
				errors++;
			}
		}
		/* The SYNC, and after that all is well */
		smmuv3_rig_cmds(cmds, num, 1, batches++);
		rig->sync_error = true;
		smmuv3_rig_expect(test, rig, cmds, num, 0, 0, true);
		errors++;
		smmuv3_rig_cmds(cmds, num, 1, batches++);
		smmuv3_rig_expect(test, rig, cmds, num, 0, 0, false);
	}
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), batches);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), errors);
}

/* All of them, and the SYNC too: the first is told. */
static void cmdq_errors_all(struct kunit *test)
{
	struct smmuv3_cmd cmds[BATCH_MAX];
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 4);
	unsigned int i;

	smmuv3_rig_cmds(cmds, BATCH_MAX, 1, 0);
	for (i = 2; i < BATCH_MAX; i++)
		cmds[i].qw[1] |= i & 1 ? TAG_ILL : TAG_ABT;
	smmuv3_rig_expect(test, rig, cmds, BATCH_MAX, -EIO, 2, false);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN),
			BATCH_MAX - 2);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 1);
}

/* A unit that stops for good, at each place of a batch. */
static void cmdq_timeout(struct kunit *test)
{
	struct smmuv3_cmd cmds[4];
	struct smmuv3_rig *rig;
	unsigned int place;
	ktime_t start;
	s64 us;

	for (place = 0; place <= 4; place++) {
		rig = smmuv3_rig_new(test, 5);
		smmuv3_cmdq_set_timeout(&rig->fake->unit, 200);
		smmuv3_rig_cmds(cmds, 4, 1, 0);
		smmuv3_rig_start(rig, 1000, 1, place);
		start = ktime_get();
		smmuv3_rig_expect(test, rig, cmds, 4, -EIO, min(place, 3U),
				  false);
		us = ktime_us_delta(ktime_get(), start);
		KUNIT_EXPECT_GE(test, us, 200000);
		KUNIT_EXPECT_LT(test, us, 2000000);

		/* It is known to be stuck: others do not wait as long */
		start = ktime_get();
		smmuv3_rig_expect(test, rig, cmds, 4, -EIO, 0, false);
		KUNIT_EXPECT_LT(test, ktime_us_delta(ktime_get(), start),
				200000);

		/* It comes back: what nobody waits for is done, too */
		smmuv3_rig_stop(rig);
		smmuv3_fake_consume(rig->fake, UINT_MAX);
		smmuv3_rig_cmds(cmds, 4, 1, 2);
		smmuv3_rig_expect(test, rig, cmds, 4, 0, 0, false);
		KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 3);
	}
}

/* Slow is not stuck: the time is that of one command. */
static void cmdq_slow(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[12];
	ktime_t start = ktime_get();

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 300);
	smmuv3_rig_start(rig, 40000, 1, UINT_MAX);
	smmuv3_rig_cmds(cmds, 12, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 12, 0, 0, false);
	KUNIT_EXPECT_GT(test, ktime_ms_delta(ktime_get(), start), 300);
	smmuv3_rig_stop(rig);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 1);
}

/* At the SYNC behind an ATC_INV it is a device that is waited for. */
static void cmdq_timeout_device(struct kunit *test)
{
	struct smmuv3_cmd cmds[3];
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 100);
	smmuv3_rig_cmds(cmds, 3, 1, 0);
	cmds[1].qw[0] = FAKE_ATC_INV;
	smmuv3_rig_start(rig, 1000, 1, 3);
	smmuv3_rig_expect(test, rig, cmds, 3, 0, 0, true);
	smmuv3_rig_stop(rig);
	smmuv3_fake_consume(rig->fake, UINT_MAX);

	/* Not if it does not come to the SYNC */
	smmuv3_rig_start(rig, 1000, 1, 2);
	smmuv3_rig_expect(test, rig, cmds, 3, -EIO, 2, false);
	smmuv3_rig_stop(rig);
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	smmuv3_rig_expect(test, rig, cmds, 3, 0, 0, false);
}

/* One that waits for room gives up as well; what it had is never carried out. */
static void cmdq_timeout_full(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 2);
	struct smmuv3_cmd cmds[3];

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 50);
	rig->fake->hold = true;
	smmuv3_rig_cmds(cmds, 3, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 3, -EIO, 0, false);
	smmuv3_rig_cmds(cmds, 3, 1, 1);
	smmuv3_rig_expect(test, rig, cmds, 3, -EIO, 0, false);
	rig->fake->hold = false;
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	smmuv3_rig_cmds(cmds, 3, 1, 2);
	smmuv3_rig_expect(test, rig, cmds, 3, 0, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 2);
}

/* What fits with its SYNC goes in, and nothing over what the unit has not done yet. */
static void cmdq_room(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 2);
	struct smmuv3_cmd cmds[2];

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 20);
	rig->fake->hold = true;
	smmuv3_rig_cmds(cmds, 1, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 1, -EIO, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CMDQ_PROD), 2);
	smmuv3_rig_cmds(cmds, 2, 1, 1);
	smmuv3_rig_expect(test, rig, cmds, 2, -EIO, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CMDQ_PROD), 2);
	smmuv3_rig_cmds(cmds, 1, 1, 2);
	smmuv3_rig_expect(test, rig, cmds, 1, -EIO, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CMDQ_PROD), 4);
	rig->fake->hold = false;
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 2);
}

/* An error of what was given up is not that of who comes next. */
static void cmdq_abandoned(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[4];

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 20);
	rig->fake->hold = true;
	smmuv3_rig_cmds(cmds, 4, 1, 0);
	cmds[2].qw[1] |= TAG_ILL;
	smmuv3_rig_expect(test, rig, cmds, 4, -EIO, 0, false);
	rig->fake->hold = false;
	smmuv3_rig_cmds(cmds, 4, 1, 1);
	smmuv3_rig_expect(test, rig, cmds, 4, 0, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), 1);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 2);
}

static bool read_nonsense(struct smmuv3_fake *fake, unsigned int reg,
			  unsigned int size, u64 *val)
{
	if (reg != FAKE_CMDQ_CONS)
		return false;
	*val = smmuv3_fake_reg32(fake, FAKE_CMDQ_PROD) + 3;
	return true;
}

/* A position that is not between ours, as after a reset, means nothing is done. */
static void cmdq_nonsense(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[4];

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 20);
	rig->fake->hold = true;
	rig->fake->on_read = read_nonsense;
	smmuv3_rig_cmds(cmds, 4, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 4, -EIO, 0, false);
}

static bool read_gone(struct smmuv3_fake *fake, unsigned int reg, unsigned int size,
		      u64 *val)
{
	*val = size == 8 ? U64_MAX : U32_MAX;
	return true;
}

/*
 * A unit that is gone reads as all ones: also a position, and it is ours when the ring has
 * come there. Nothing is done for that.
 */
static void cmdq_gone(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[4];
	unsigned int i;

	/* 60 with their SYNCs; two more, and theirs, come to 63 */
	for (i = 0; i < 12; i++) {
		smmuv3_rig_cmds(cmds, 4, 1, i);
		smmuv3_rig_expect(test, rig, cmds, 4, 0, 0, false);
	}
	KUNIT_ASSERT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CMDQ_PROD), 60);
	smmuv3_cmdq_set_timeout(&rig->fake->unit, 20);
	rig->fake->hold = true;
	rig->fake->on_read = read_gone;
	smmuv3_rig_cmds(cmds, 2, 1, i);
	smmuv3_rig_expect(test, rig, cmds, 2, -EIO, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CMDQ_PROD), 63);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), 0);
	rig->fake->on_read = NULL;
}

/* An error of what nobody waits for: the interrupt deals with it. */
static void cmdq_interrupt(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[4];

	smmuv3_cmdq_set_timeout(&rig->fake->unit, 20);
	rig->fake->hold = true;
	smmuv3_rig_cmds(cmds, 4, 1, 0);
	cmds[2].qw[1] |= TAG_ILL;
	smmuv3_rig_expect(test, rig, cmds, 4, -EIO, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_consume(rig->fake, UINT_MAX), 2);
	KUNIT_EXPECT_TRUE(test, rig->fake->stopped);

	smmuv3_cmdq_error(&rig->fake->unit);
	KUNIT_EXPECT_FALSE(test, rig->fake->stopped);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), 1);
	/* Once more, and there is nothing */
	smmuv3_cmdq_error(&rig->fake->unit);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_writes(rig, FAKE_GERRORN), 1);
	rig->fake->hold = false;
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 1);
}

/* One that is about nothing is acknowledged, or the interrupt would not end. */
static void cmdq_interrupt_empty(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[1];

	smmuv3_fake_set32(rig->fake, FAKE_GERROR, FAKE_GERROR_CMDQ);
	smmuv3_cmdq_error(&rig->fake->unit);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_GERRORN),
			FAKE_GERROR_CMDQ);
	smmuv3_rig_cmds(cmds, 1, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 1, 0, 0, false);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_check_log(test, rig), 1);
}

/* A unit that has given up is not waited for. */
static void cmdq_broken(struct kunit *test)
{
	struct smmuv3_rig *rig = smmuv3_rig_new(test, 5);
	struct smmuv3_cmd cmds[2];
	ktime_t start = ktime_get();

	rig->fake->hold = true;
	WRITE_ONCE(rig->fake->unit.broken, true);
	smmuv3_rig_cmds(cmds, 2, 1, 0);
	smmuv3_rig_expect(test, rig, cmds, 2, -EIO, 0, false);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 2000);
	/* What it had is in the ring, and is forgotten with it */
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);
}

static struct kunit_case cmdq_cases[] = {
	KUNIT_CASE(cmdq_setup),
	KUNIT_CASE(cmdq_wrap),
	KUNIT_CASE(cmdq_parts),
	KUNIT_CASE(cmdq_errors),
	KUNIT_CASE(cmdq_errors_all),
	KUNIT_CASE(cmdq_timeout),
	KUNIT_CASE(cmdq_slow),
	KUNIT_CASE(cmdq_timeout_device),
	KUNIT_CASE(cmdq_timeout_full),
	KUNIT_CASE(cmdq_room),
	KUNIT_CASE(cmdq_abandoned),
	KUNIT_CASE(cmdq_nonsense),
	KUNIT_CASE(cmdq_gone),
	KUNIT_CASE(cmdq_interrupt),
	KUNIT_CASE(cmdq_interrupt_empty),
	KUNIT_CASE(cmdq_broken),
	{}
};

static struct kunit_suite cmdq_suite = {
	.name = "iommufd_smmuv3_cmdq",
	.test_cases = cmdq_cases,
};

kunit_test_suite(cmdq_suite);
