// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream table itself: registers, what is allocated when, StreamIDs that there
 * are not (IHI 0070 3.3.1, 5.1, 6.3.23); and entries and descriptors that change
 * while somebody reads them all the time.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "smmuv3_tables_kunit.h"

/* Linear or not, as large as it can be, and no larger than it may be */
static void strtab_registers(struct kunit *test)
{
	static const struct {
		u32 sidsize;
		bool two_level;
		u32 cfg;
		size_t align;
	} units[] = {
		/* FMT, SPLIT, LOG2SIZE */
		{ 16, true, 1 << 16 | 8 << 6 | 16, 2048 },
		{ 9, true, 1 << 16 | 8 << 6 | 9, 64 },
		{ 8, true, 8, 64 << 8 },
		{ 0, true, 0, 64 },
		{ 10, false, 10, 64 << 10 },
		{ 32, true, 1 << 16 | 8 << 6 | 25, 8 << 17 },
		{ 32, false, 16, 64 << 16 },
	};
	struct smmuv3_fake *fake;
	unsigned int i;
	u32 idr[6];
	u64 base;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		memcpy(idr, smmuv3_fake_idr, sizeof(idr));
		idr[1] = (idr[1] & ~FAKE_IDR1_SIDSIZE) | units[i].sidsize;
		if (!units[i].two_level)
			idr[0] &= ~FAKE_IDR0_ST_LEVEL;
		fake = smmuv3_fake_new(test, idr, 0);
		KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(&fake->unit), 0);
		KUNIT_EXPECT_EQ(test, fake->num_writes, 0);
		smmuv3_strtab_setup(&fake->unit);
		KUNIT_EXPECT_EQ(test, fake->num_writes, 2);
		KUNIT_EXPECT_EQ(test, fake->writes[0].size, 8);
		KUNIT_EXPECT_EQ(test,
				smmuv3_fake_reg32(fake, FAKE_STRTAB_BASE_CFG),
				units[i].cfg);
		base = smmuv3_fake_reg64(fake, FAKE_STRTAB_BASE);
		/* RA */
		KUNIT_EXPECT_EQ(test, base >> 52, 1 << 10);
		base &= GENMASK_ULL(51, 0);
		KUNIT_EXPECT_TRUE(test, base && IS_ALIGNED(base, units[i].align));
		KUNIT_EXPECT_EQ(test, *(u64 *)smmuv3_fake_mem(fake, base), 0);
		smmuv3_strtab_free(&fake->unit);
		KUNIT_EXPECT_NULL(test, fake->unit.strtab);
		smmuv3_strtab_free(&fake->unit);
	}
}

/* StreamIDs that cross a level 2 table; others stay unknown */
static void strtab_prepare(struct kunit *test)
{
	static const u64 zeroes[8];
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1);
	struct smmuv3_device *device;
	struct track *track;
	unsigned int i;

	device = smmuv3_fake_device(t->fake, 0x12fe, 4, 1);
	mutex_lock(&t->unit->lock);
	track = rec_track_ste(t, 0x1300);
	rec_start(t);
	KUNIT_EXPECT_NULL(test, track->states[0].at);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(device), 0);
	smmuv3_fake_expect(t->fake, FAKE_CMD_CFGI_STE(0x12fe, false),
			   FAKE_CMD_CFGI_STE(0x1300, false), FAKE_CMD_SYNC);
	/* When the unit is told it finds an entry of nobody, V=0 */
	KUNIT_EXPECT_EQ(test, track->num, 2);
	KUNIT_EXPECT_NOT_NULL(test, track->states[1].at);
	KUNIT_EXPECT_MEMEQ(test, track->states[1].val, zeroes, 64);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_NOT_NULL(test, rec_ste(t, 0x12fe + i));
	KUNIT_EXPECT_NULL(test, rec_ste(t, 0x11ff));
	KUNIT_EXPECT_NULL(test, rec_ste(t, 0x1400));

	smmuv3_fake_forget(t->fake);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(device), 0);
	KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	mutex_unlock(&t->unit->lock);
}

/* None of the StreamIDs gets anything if one does not exist */
static void strtab_range(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1);
	struct smmuv3_device *device, *top;
	struct smmuv3_fake *linear;
	u32 idr[6];

	device = smmuv3_fake_device(t->fake, 0xffff, 2, 1);
	top = smmuv3_fake_device(t->fake, 0xfffe, 1, 1);
	smmuv3_fake_forget(t->fake);
	mutex_lock(&t->unit->lock);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(device), -ERANGE);
	KUNIT_EXPECT_NULL(test, rec_ste(t, 0xffff));
	KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(top), 0);
	KUNIT_EXPECT_NOT_NULL(test, rec_ste(t, 0xffff));
	mutex_unlock(&t->unit->lock);

	/* 32 bits of StreamID, of which a linear table has 16 */
	memcpy(idr, smmuv3_fake_idr, sizeof(idr));
	idr[0] &= ~FAKE_IDR0_ST_LEVEL;
	idr[1] = (idr[1] & ~FAKE_IDR1_SIDSIZE) | 32;
	linear = smmuv3_fake_new(test, idr, 0);
	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(&linear->unit), 0);
	device = smmuv3_fake_device(linear, 0x10000, 1, 1);
	top = smmuv3_fake_device(linear, 0xffffffff, 1, 1);
	mutex_lock(&linear->unit.lock);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(device), -ERANGE);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(top), -ERANGE);
	mutex_unlock(&linear->unit.lock);
	smmuv3_strtab_free(&linear->unit);
}

#define READER_MAX	8

/**
 * struct reader - somebody who fetches like a unit, all the time
 * @t: from where
 * @track: what
 * @allowed: the meanings the entry may have
 * @num_allowed: how many
 * @change: number of the change that is made, or was the last
 * @from: @allowed it was before that, and
 * @to: after it
 * @fetches: so far
 * @torn: of these, with a meaning that was none of the two
 * @bad: the last such
 */
struct reader {
	struct tables *t;
	struct track track;
	u64 allowed[READER_MAX][8];
	unsigned int num_allowed;
	unsigned int change;
	unsigned int from;
	unsigned int to;
	unsigned long fetches;
	unsigned long torn;
	u64 bad[8];
};

/* Word by word from a random one on, as nothing says in which order. */
static void fetch_once(struct reader *reader, u64 *val, u32 random)
{
	struct tables *t = reader->t;
	unsigned int i, q;
	__le64 *at;

	memset(val, 0, 64);
	preempt_disable();
	WRITE_ONCE(t->fetching, t->fetching + 1);
	/* The fetch begins after it is known that there is one */
	smp_mb();
	at = reader->track.cd ?
		     rec_cd(t, reader->track.sid, reader->track.ssid) :
		     rec_ste(t, reader->track.sid);
	for (i = 0; at && i < 8; i++) {
		q = (random & 1 ? i : 7 - i) ^ (random >> 1 & 7);
		val[q] = le64_to_cpu(READ_ONCE(at[q]));
		if (random & BIT(4 + i))
			udelay(1);
	}
	/* All of it was read: a SYNC may complete */
	smp_store_release(&t->fetching, t->fetching + 1);
	preempt_enable();
}

/* The next change will be from what there is to this. */
static void announce(struct reader *reader, unsigned int to)
{
	WRITE_ONCE(reader->from, reader->to);
	WRITE_ONCE(reader->to, to);
	/* Whoever sees the number sees the two; and it precedes all stores */
	smp_store_mb(reader->change, reader->change + 1);
}

/* One that saw the beginning of a change may be of that or of the one before. */
static bool means_allowed(const struct reader *reader, const u64 *val,
			  bool certain, unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = 0; i < reader->num_allowed; i++)
		if ((!certain || i == from || i == to) &&
		    rec_same(&reader->track, val, reader->allowed[i]))
			return true;
	return false;
}

static int read_on(void *data)
{
	struct reader *reader = data;
	unsigned int change, from, to;
	struct rnd_state rnd;
	u64 val[8];

	prandom_seed_state(&rnd, 5);
	while (!kthread_should_stop()) {
		change = smp_load_acquire(&reader->change); /* announce() */
		from = READ_ONCE(reader->from);
		to = READ_ONCE(reader->to);
		fetch_once(reader, val, prandom_u32_state(&rnd));
		/* The fetch is over when it is looked whether it still was so */
		smp_mb();
		if (!means_allowed(reader, val,
				   READ_ONCE(reader->change) == change, from,
				   to)) {
			reader->torn++;
			memcpy(reader->bad, val, 64);
		}
		reader->fetches++;
		cond_resched();
	}
	return 0;
}

static void allow(struct reader *reader, const __le64 *at)
{
	unsigned int q;

	for (q = 0; q < 8; q++)
		reader->allowed[reader->num_allowed][q] = le64_to_cpu(at[q]);
	reader->num_allowed++;
}

static struct task_struct *start_reader(struct reader *reader)
{
	struct task_struct *task = kthread_run(read_on, reader, "smmuv3-reader");

	KUNIT_EXPECT_FALSE(reader->t->test, IS_ERR(task));
	while (!IS_ERR(task) && !READ_ONCE(reader->fetches))
		usleep_range(100, 1000);
	return task;
}

static void stop_reader(struct reader *reader, struct task_struct *task)
{
	struct kunit *test = reader->t->test;

	if (IS_ERR(task))
		return;
	kthread_stop(task);
	KUNIT_EXPECT_EQ_MSG(test, reader->torn, 0,
			    "of %lu, last: %llx %llx %llx %llx",
			    reader->fetches, reader->bad[0], reader->bad[1],
			    reader->bad[2], reader->bad[3]);
	kunit_info(test, "%lu fetches\n", reader->fetches);
}

/* Both have to get their turn. */
#define NUM_CHANGES	2000
#define NUM_CHANGES_MAX	100000
#define NUM_FETCHES	5000

static bool go_on(struct reader *reader, unsigned int changes)
{
	cond_resched();
	return changes < NUM_CHANGES ||
	       (changes < NUM_CHANGES_MAX &&
		READ_ONCE(reader->fetches) < NUM_FETCHES);
}

/* From each target to the next; all of it is hitless. */
static void ste_reader(struct kunit *test, unsigned int num_streams,
		       const struct smmuv3_stream_target *targets,
		       unsigned int num)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, num_streams, 64);
	struct reader *reader = kunit_kzalloc(test, sizeof(*reader),
					      GFP_KERNEL);
	struct task_struct *task;
	unsigned int i;
	bool hitless;

	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->t = t;
	reader->track.sid = SID + num_streams - 1;
	mutex_lock(&t->unit->lock);
	for (i = 0; i < num; i++) {
		smmuv3_stream_set(t->device, &targets[i], NULL);
		allow(reader, rec_ste(t, reader->track.sid));
	}
	reader->to = num - 1;
	task = start_reader(reader);
	for (i = 0; go_on(reader, i); i++) {
		announce(reader, i % num);
		smmuv3_stream_set(t->device, &targets[i % num], &hitless);
		KUNIT_EXPECT_TRUE(test, hitless);
		smmuv3_fake_forget(t->fake);
	}
	stop_reader(reader, task);
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

#define S2_A	{ .vmid = 5, .vttb = 0x123456000, .vtcr = 0x1234 }
#define S2_B	{ .vmid = 6, .vttb = 0x654321000, .vtcr = 0x5432, .fwb = true }

static void strtab_reader(struct kunit *test)
{
	/* In place, but from the fourth to the fifth, to the sixth */
	static const struct smmuv3_stream_target targets[] = {
		{ .type = SMMUV3_STREAM_ABORT },
		{ .type = SMMUV3_STREAM_BYPASS },
		{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_A, .ats = true },
		{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .ats = true,
		  .user = { 0x123450000b, 0xd6 } },
		{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_B },
		{ .type = SMMUV3_STREAM_STAGE1,
		  .no_pasid = SMMUV3_NO_PASID_CD0 },
	};

	ste_reader(test, 1, targets, ARRAY_SIZE(targets));
}

/* In copies alone, and so many entries that it takes a while */
static void strtab_reader_copy(struct kunit *test)
{
	static const struct smmuv3_stream_target targets[] = {
		{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_A },
		{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_B },
	};

	ste_reader(test, SMMUV3_STREAMS_MAX, targets, ARRAY_SIZE(targets));
}

static void cd_reader(struct kunit *test, u32 max_pasids)
{
	static const struct smmuv3_stream_target stage1 = {
		.type = SMMUV3_STREAM_STAGE1,
		.no_pasid = SMMUV3_NO_PASID_CD0,
	};
	static const struct smmuv3_context_target targets[] = {
		{ .asid = 1, .ttb = 0x111111000, .mair = 0x11 },
		{ .asid = 2, .ttb = 0x222222000, .mair = 0x22 },
		{ .asid = 3, .ttb = 0x333333000, .mair = 0x33 },
	};
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, max_pasids);
	struct reader *reader = kunit_kzalloc(test, sizeof(*reader),
					      GFP_KERNEL);
	u32 pasid = max_pasids - 1;
	struct task_struct *task;
	unsigned int i;
	bool hitless;

	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->t = t;
	reader->track.sid = SID;
	reader->track.cd = true;
	reader->track.ssid = pasid;
	mutex_lock(&t->unit->lock);
	smmuv3_stream_set(t->device, &stage1, NULL);
	KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, pasid), 0);
	allow(reader, rec_cd(t, SID, pasid));
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		smmuv3_context_set(t->device, pasid, &targets[i], NULL);
		allow(reader, rec_cd(t, SID, pasid));
	}
	reader->to = ARRAY_SIZE(targets);
	task = start_reader(reader);
	for (i = 0; go_on(reader, i); i++) {
		announce(reader, i % 4 == 3 ? 0 : i % 4 + 1);
		smmuv3_context_set(t->device, pasid,
				   i % 4 == 3 ? NULL : &targets[i % 4],
				   &hitless);
		KUNIT_EXPECT_TRUE(test, hitless);
		smmuv3_fake_forget(t->fake);
	}
	stop_reader(reader, task);
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

static void cd_reader_linear(struct kunit *test)
{
	cd_reader(test, 1);
}

static void cd_reader_two_level(struct kunit *test)
{
	cd_reader(test, 1 << 10);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(strtab_registers),
	KUNIT_CASE(strtab_prepare),
	KUNIT_CASE(strtab_range),
	KUNIT_CASE_SLOW(strtab_reader),
	KUNIT_CASE_SLOW(strtab_reader_copy),
	KUNIT_CASE_SLOW(cd_reader_linear),
	KUNIT_CASE_SLOW(cd_reader_two_level),
	{}
};

static struct kunit_suite suite = {
	.name = "iommufd_smmuv3_tables",
	.test_cases = cases,
};

kunit_test_suite(suite);
