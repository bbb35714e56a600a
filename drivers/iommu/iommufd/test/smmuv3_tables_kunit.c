// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stream table entries of the SMMUv3 driver: what is in them, and each change from
 * one to another (IHI 0070 3.21.3, 5.2). The recorder says what is allowed
 * (smmuv3_tables_kunit_lib.c).
 */
#include <linux/prandom.h>

#include "smmuv3_legal.h"
#include "smmuv3_tables_kunit.h"

#define S2_A	{ .vmid = 0x11, .vttb = 0x0000234567890000ULL, .vtcr = 0x53594 }
#define S2_B	{ .vmid = 0x22, .vttb = 0x0000222222220000ULL, .vtcr = 0x53594 }
/* A with hardware that sets access flags and dirty state */
#define S2_D	{ .vmid = 0x11, .vttb = 0x0000234567890000ULL, .vtcr = 0x53594, \
		  .hw_access = true, .hw_dirty = true }
/*
 * Words of a user: V, Config 0b101, S1Fmt 0b10, S1CDMax 10; S1DSS, S1CIR, S1COR,
 * S1CSH. Users 1 and 2 differ in S1ContextPtr; 3 is 2 with another S1DSS.
 */
#define USER_STAGE1(ptr)	(0xbULL | 2 << 4 | 10ULL << 59 | (ptr))
#define USER_1	{ USER_STAGE1(0x0000111100000000ULL), 0xd4 | 2 }
#define USER_2	{ USER_STAGE1(0x0000222200000000ULL), 0xd4 | 2 }
#define USER_3	{ USER_STAGE1(0x0000222200000000ULL), 0xd4 | 0 }
#define USER_BYPASS	{ 0x9 }
#define USER_ABORT	{ 0x1 }

static const struct smmuv3_stream_target targets[] = {
	/* 0: abort, bypass */
	{ .type = SMMUV3_STREAM_ABORT },
	{ .type = SMMUV3_STREAM_BYPASS },
	/* 2: stage 1 with each of what may happen without PASID; ATS; stall */
	{ .type = SMMUV3_STREAM_STAGE1, .no_pasid = SMMUV3_NO_PASID_TERMINATE },
	{ .type = SMMUV3_STREAM_STAGE1, .no_pasid = SMMUV3_NO_PASID_BYPASS },
	{ .type = SMMUV3_STREAM_STAGE1, .no_pasid = SMMUV3_NO_PASID_CD0 },
	{ .type = SMMUV3_STREAM_STAGE1, .no_pasid = SMMUV3_NO_PASID_CD0,
	  .ats = true },
	{ .type = SMMUV3_STREAM_STAGE1, .no_pasid = SMMUV3_NO_PASID_CD0,
	  .stall = true },
	/* 7: stage 2; with ATS; with stall; dirty tracking; another table */
	{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_A },
	{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_A, .ats = true },
	{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_A, .stall = true },
	{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_D },
	{ .type = SMMUV3_STREAM_STAGE2, .s2 = S2_B },
	/* 12: nested bypass; users 1, 2, 3; 1 with ATS; 1 over B; abort */
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_BYPASS },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_1 },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_2 },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_3 },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_1,
	  .ats = true },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_B, .user = USER_1 },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = USER_ABORT },
};

/* What a user may put there besides: V=0; stages that are not his; no Config */
static const struct smmuv3_stream_target odd_targets[] = {
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = { 0xa } },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = { 0xd } },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = { 0xf } },
	{ .type = SMMUV3_STREAM_NESTED, .s2 = S2_A, .user = { 0x3 } },
};

#define NUM_TARGETS	ARRAY_SIZE(targets)

/*
 * SYNCs of each change in place, from the row to the column, in an entry with nothing
 * left of earlier ones.
 *
 * 0  the two are the same words: nested bypass is stage 2 alone, nested abort is
 *    abort.
 * 1  all that is read of both, and differs, is in one word, and the new one reads
 *    nothing more. To abort, whatever it was, and to bypass: word 0 (Config). From
 *    nested stage 1 to its stage 2 alone: likewise. Between stage 1 with each
 *    no_pasid, ATS, stall: word 1 (S1DSS, EATS, S1STALLD). ATS on and off: word 1.
 *    Stall and dirty tracking of a stage 2: word 2 (S2S, S2HA, S2HD, S2AFFD).
 *    Another user table: word 0 (S1ContextPtr); another S1DSS: word 1.
 * 2  the same, but the new one reads more, which has to be there before: from abort
 *    and bypass; from stage 2 to stage 1 nested over it.
 * 3  not hitless in place; with two levels it is made in a copy of the level 2 table,
 *    hitless and with one SYNC. Between stage 1 and anything over a stage 2: word 0
 *    (Config) and word 2 (S2VMID, which tags the TLB entries of stage 1 alone, too).
 *    Between two stage 2: word 2 (S2VMID) and word 3 (S2TTB). Over one stage 2: ATS
 *    and stall together (words 1 and 2), or one of them together with a change of
 *    stage 1 (word 0), or another user table with another S1DSS (words 0 and 1).
 */
static const char *const syncs[NUM_TARGETS] = {
	/*ab tbcAS -ASDB b123ABa */
	/* abort */
	"02 22222 22222 2222220",
	/* bypass */
	"10 22222 22222 2222221",
	/* stage 1 */
	"11 01111 33333 3333331",
	"11 10111 33333 3333331",
	"11 11011 33333 3333331",
	"11 11101 33333 3333331",
	"11 11110 33333 3333331",
	/* stage 2 A, with ATS, stall, dirty tracking; B */
	"11 33333 01113 0222331",
	"11 33333 10333 1333231",
	"11 33333 13013 1333331",
	"11 33333 13103 1333331",
	"11 33333 33330 3333321",
	/* nested: bypass, users 1, 2, 3, 1 with ATS, 1 over B, abort */
	"11 33333 01113 0222331",
	"11 33333 13333 1013131",
	"11 33333 13333 1101331",
	"11 33333 13333 1310331",
	"11 33333 31333 3133031",
	"11 33333 33331 3333301",
	"02 22222 22222 2222220",
};

static unsigned int want_syncs(unsigned int from, unsigned int to)
{
	return syncs[from][to + (to > 1) + (to > 6) + (to > 11)] - '0';
}

static void put(u64 *val, unsigned int lsb, unsigned int width, u64 bits)
{
	val[lsb / 64] |= (bits & GENMASK_ULL(width - 1, 0)) << lsb % 64;
}

/* Linear; level 2 tables of 4 KiB; of 64 KiB, unless that is too much at once */
static unsigned int s1fmt(u32 max_pasids, bool snoop)
{
	if (max_pasids <= 64)
		return 0;
	return max_pasids <= 1 << 15 || (!snoop && PAGE_SIZE < SZ_64K) ? 1 : 2;
}

/* What the entry of a target has to be, but S1ContextPtr of the kernel's. */
static void expected(struct tables *t,
		     const struct smmuv3_stream_target *target, u64 *val)
{
	bool stage1 = target->type == SMMUV3_STREAM_STAGE1;
	bool stage2 = target->type == SMMUV3_STREAM_STAGE2 ||
		      target->type == SMMUV3_STREAM_NESTED;
	u32 idr0 = t->unit->idr[0], model = idr0 >> 24 & 3;
	bool snoop = idr0 & FAKE_IDR0_COHACC, user = false, stalls;

	memset(val, 0, 8 * sizeof(*val));
	put(val, 0, 1, 1);
	if (target->type == SMMUV3_STREAM_ABORT)
		return;
	if (target->type == SMMUV3_STREAM_NESTED) {
		/* V=0, or Config says so */
		if (!(target->user[0] & 1) || !(target->user[0] & 8))
			return;
		user = target->user[0] & 2;
	}
	put(val, 1, 3, 4 | (stage1 || user) | stage2 << 1);
	put(val, 82, 1,
	    t->device->prg_pasid && idr0 & FAKE_IDR0_PRI &&
	    t->unit->idr[1] & FAKE_IDR1_SSIDSIZE);
	put(val, 83, 1, 1);
	if (t->unit->idr[1] & FAKE_IDR1_TYPES_OVR)
		put(val, 108, 2, 1);
	if (target->type == SMMUV3_STREAM_BYPASS)
		return;
	stalls = stage2 && (model == 2 || (!model && target->stall));
	put(val, 92, 2, target->ats && !stalls);
	/* 5.5: S1STALLD is for units that leave the choice */
	if ((stage1 || user) && !model)
		put(val, 91, 1, !target->stall);
	if (stage1) {
		put(val, 4, 2, s1fmt(t->device->max_pasids, snoop));
		put(val, 59, 5, ilog2(t->device->max_pasids));
		put(val, 64, 2, target->no_pasid);
		put(val, 66, 2, snoop ? 1 : 0);
		put(val, 68, 2, snoop ? 1 : 0);
		put(val, 70, 2, snoop ? 3 : 2);
	}
	if (user) {
		val[0] |= target->user[0] & ~0xfULL;
		val[1] |= target->user[1] & 0xff;
		if (!model)
			val[1] |= target->user[1] & BIT_ULL(27);
	}
	if (!stage2)
		return;
	put(val, 89, 1, target->s2.fwb);
	put(val, 128, 16, target->s2.vmid);
	put(val, 160, 19, target->s2.vtcr);
	put(val, 179, 1, 1);
	put(val, 181, 1, !target->s2.hw_access);
	put(val, 182, 1, 1);
	put(val, 183, 1, target->s2.hw_dirty);
	put(val, 184, 1, target->s2.hw_access);
	put(val, 185, 1, stalls);
	put(val, 186, 1, 1);
	val[3] |= target->s2.vttb;
}

/*
 * What is read of the entry is what it has to be; or all of it, if there is nothing
 * left of earlier ones (@exact), and the model finds it legal.
 */
static void check_final(struct tables *t, struct track *track,
			const struct smmuv3_stream_target *target, bool exact)
{
	struct smmuv3_stream_target got;
	u64 want[8], val[8];
	unsigned int q;

	for (q = 0; q < 8; q++)
		val[q] = le64_to_cpu(rec_ste(t, track->sid)[q]);
	KUNIT_EXPECT_TRUE_MSG(t->test,
			      !exact || smmuv3_legal_ste(t->unit->idr, val),
			      "entry %llx %llx %llx %llx is illegal", val[0],
			      val[1], val[2], val[3]);
	expected(t, target, want);
	if (target->type == SMMUV3_STREAM_STAGE1) {
		want[0] |= val[0] & GENMASK_ULL(51, 6);
		KUNIT_EXPECT_NE(t->test, val[0] & GENMASK_ULL(51, 6), 0);
	}
	KUNIT_EXPECT_TRUE_MSG(t->test,
			      exact ? !memcmp(val, want, sizeof(val)) :
				      rec_same(track, val, want),
			      "entry is %llx %llx %llx %llx, not %llx %llx %llx %llx",
			      val[0], val[1], val[2], val[3], want[0],
			      want[1], want[2], want[3]);
	smmuv3_stream_get(t->device, &got);
	KUNIT_EXPECT_EQ(t->test, got.type, target->type);
	KUNIT_EXPECT_EQ(t->test, got.s2.vmid, target->s2.vmid);
	KUNIT_EXPECT_EQ(t->test, got.ats, target->ats);
}

/* Nothing is left of what was. */
static void wipe(struct tables *t, const struct smmuv3_stream_target *target)
{
	unsigned int i;

	smmuv3_stream_clear(t->device);
	for (i = 0; i < t->device->num_streams; i++)
		memset(rec_ste(t, t->device->streams[i].sid), 0, 64);
	smmuv3_stream_set(t->device, target, NULL);
}

/* Somebody else whose entry is in the same table; the last track */
static void add_neighbour(struct tables *t)
{
	struct smmuv3_device *device;

	device = smmuv3_fake_device(t->fake, SID - 1, 1, 1);
	rec_track_ste(t, SID - 1);
	mutex_lock(&t->unit->lock);
	KUNIT_EXPECT_EQ(t->test, smmuv3_stream_prepare(device), 0);
	smmuv3_stream_set(device, &targets[11], NULL);
	mutex_unlock(&t->unit->lock);
}

static void check_neighbour(struct tables *t, const char *what)
{
	const struct track *track = &t->tracks[t->num_tracks - 1];
	unsigned int k;

	KUNIT_EXPECT_TRUE(t->test, track->states[0].val[0] & 1);
	for (k = 1; k < track->num; k++)
		KUNIT_EXPECT_TRUE_MSG(t->test,
				      !memcmp(track->states[k].val,
					      track->states[0].val, 64),
				      "%s: neighbour", what);
	rec_check(t, track, true, what);
}

static bool can_copy(struct tables *t)
{
	return t->unit->idr[0] & FAKE_IDR0_ST_LEVEL;
}

static void transition(struct tables *t, unsigned int from, unsigned int to)
{
	unsigned int i, want = want_syncs(from, to);
	bool copy = want == 3 && can_copy(t), hitless = want == 3 && !copy;
	const __le64 *at;
	char what[32];

	snprintf(what, sizeof(what), "%u to %u", from, to);
	wipe(t, &targets[from]);
	rec_start(t);
	at = rec_ste(t, SID);
	KUNIT_EXPECT_EQ(t->test,
			smmuv3_stream_set(t->device, &targets[to], &hitless),
			0);
	rec_look(t);
	KUNIT_EXPECT_EQ_MSG(t->test, hitless, want < 3 || copy, "%s: hitless",
			    what);
	KUNIT_EXPECT_EQ_MSG(t->test, rec_syncs(t), copy ? 1 : want,
			    "%s: SYNCs", what);
	KUNIT_EXPECT_EQ_MSG(t->test, rec_ste(t, SID) != at, copy, "%s: copy",
			    what);
	for (i = 0; i < t->num_tracks - 1; i++) {
		rec_check(t, &t->tracks[i], want < 3 || copy, what);
		check_final(t, &t->tracks[i], &targets[to], false);
	}
	check_neighbour(t, what);
}

/* Each target to each, or, with many streams, to every third */
static void all_pairs(struct kunit *test, const u32 *idr,
		      unsigned int num_streams)
{
	struct tables *t = smmuv3_rec_new(test, idr, num_streams, 1 << 10);
	unsigned int from, to, step = num_streams > 2 ? 3 : 1;

	rec_track_ste(t, SID);
	if (num_streams > 1)
		rec_track_ste(t, SID + num_streams - 1);
	add_neighbour(t);
	mutex_lock(&t->unit->lock);
	for (from = 0; from < NUM_TARGETS; from++)
		for (to = from % step; to < NUM_TARGETS; to += step)
			transition(t, from, to);
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

static void ste_pairs(struct kunit *test)
{
	all_pairs(test, smmuv3_fake_idr, 1);
}

/* All that a device can have, in as many SYNCs as one */
static void ste_pairs_streams(struct kunit *test)
{
	all_pairs(test, smmuv3_fake_idr, SMMUV3_STREAMS_MAX);
}

static void linear_idr(u32 idr[6])
{
	memcpy(idr, smmuv3_fake_idr, 6 * sizeof(*idr));
	idr[0] &= ~FAKE_IDR0_ST_LEVEL;
}

static void ste_pairs_linear(struct kunit *test)
{
	u32 idr[6];

	linear_idr(idr);
	all_pairs(test, idr, 1);
	all_pairs(test, idr, SMMUV3_STREAMS_MAX);
}

/* Entries in two level 2 tables, of which no one pointer can be turned */
static void ste_two_tables(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1);
	struct smmuv3_device *device;
	unsigned int i, from, to;
	bool hitless;

	device = smmuv3_fake_device(t->fake, 0x12fe, 4, 1);
	for (i = 0; i < 4; i++)
		rec_track_ste(t, 0x12fe + i);
	mutex_lock(&t->unit->lock);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(device), 0);
	for (from = 7; from < NUM_TARGETS; from++) {
		for (to = 7; to < NUM_TARGETS; to++) {
			if (want_syncs(from, to) != 3)
				continue;
			smmuv3_stream_set(device, &targets[from], NULL);
			rec_start(t);
			smmuv3_stream_set(device, &targets[to], &hitless);
			rec_look(t);
			KUNIT_EXPECT_FALSE(test, hitless);
			KUNIT_EXPECT_LE(test, rec_syncs(t), 3);
			for (i = 0; i < 4; i++)
				rec_check(t, &t->tracks[i], false, "two tables");
		}
	}
	smmuv3_stream_clear(device);
	mutex_unlock(&t->unit->lock);
}

/* One after the other, where each leaves something of itself in the entry */
static void walk(struct kunit *test, const u32 *idr)
{
	struct tables *t = smmuv3_rec_new(test, idr, 2, 1 << 10);
	unsigned int i, k, to, conflicts;
	struct rnd_state rnd;
	u64 old[8], want[8];
	char what[32];
	bool hitless;

	prandom_seed_state(&rnd, 4);
	rec_track_ste(t, SID);
	rec_track_ste(t, SID + 1);
	mutex_lock(&t->unit->lock);
	smmuv3_stream_set(t->device, &targets[0], NULL);
	for (i = 0; i < 1000; i++) {
		to = prandom_u32_state(&rnd) % NUM_TARGETS;
		snprintf(what, sizeof(what), "step %u: to %u", i, to);
		/* Two that were not the same before become so */
		if (i % 16 == 0)
			memset(rec_ste(t, SID + 1), 0, 64);
		rec_start(t);
		smmuv3_stream_set(t->device, &targets[to], &hitless);
		rec_look(t);
		conflicts = 0;
		for (k = 0; k < 2; k++) {
			struct track *track = &t->tracks[k];

			memcpy(old, track->states[0].val, sizeof(old));
			memcpy(want, track->states[track->num - 1].val,
			       sizeof(want));
			conflicts = max(conflicts,
					hweight32(rec_conflicts(track, old,
								want)));
			rec_check(t, track, hitless, what);
			check_final(t, track, &targets[to], false);
		}
		KUNIT_EXPECT_EQ_MSG(test, hitless,
				    conflicts < 2 || can_copy(t), "%s", what);
		KUNIT_EXPECT_LE_MSG(test, rec_syncs(t), hitless ? 2 : 3, "%s",
				    what);
	}
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

static void ste_walk(struct kunit *test)
{
	u32 idr[6];

	linear_idr(idr);
	walk(test, idr);
	walk(test, smmuv3_fake_idr);
}

/* What is in the entries of units that can less, or want it otherwise */
static void ste_encoding(struct kunit *test)
{
	static const struct {
		u32 clear0;
		u32 set0;
		u32 clear1;
		u32 pasids;
	} units[] = {
		{ .pasids = 64 },
		{ .set0 = FAKE_IDR0_STALL_NONE, .pasids = 128 },
		{ .set0 = FAKE_IDR0_STALL_ALWAYS, .pasids = 1 << 15 },
		{ .clear0 = FAKE_IDR0_COHACC, .pasids = 1 << 16 },
		{ .clear1 = FAKE_IDR1_TYPES_OVR, .pasids = 1 << 20 },
		{ .clear0 = FAKE_IDR0_PRI, .pasids = 64 },
	};
	struct smmuv3_stream_target target;
	unsigned int i, k;
	struct tables *t;
	u32 idr[6];

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		memcpy(idr, smmuv3_fake_idr, sizeof(idr));
		idr[0] = (idr[0] & ~units[i].clear0) | units[i].set0;
		idr[1] &= ~units[i].clear1;
		t = smmuv3_rec_new(test, idr, 1, units[i].pasids);
		t->device->prg_pasid = i % 2;
		rec_track_ste(t, SID);
		mutex_lock(&t->unit->lock);
		for (k = 0; k < NUM_TARGETS; k++) {
			rec_start(t);
			wipe(t, &targets[k]);
			check_final(t, &t->tracks[0], &targets[k], true);
			target = targets[k];
			target.s2.fwb = true;
			target.stall = !target.stall;
			/* A user asks for the opposite; and for what is not his */
			target.user[1] |= BIT_ULL(27) | 3ULL << 28 | 1ULL << 44;
			target.user[0] |= 0x7ULL << 52;
			wipe(t, &target);
			target.user[0] &= ~(0x7ULL << 52);
			check_final(t, &t->tracks[0], &target, true);
		}
		/* Nothing gets through */
		for (k = 0; k < ARRAY_SIZE(odd_targets); k++) {
			rec_start(t);
			wipe(t, &odd_targets[k]);
			KUNIT_EXPECT_EQ(test, le64_to_cpu(*rec_ste(t, SID)), 1);
		}
		smmuv3_stream_clear(t->device);
		mutex_unlock(&t->unit->lock);
	}
}

/* Without SubstreamIDs S1DSS is ignored: the entry says it otherwise (5.2) */
static void ste_no_substreams(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1);
	struct smmuv3_stream_target target = { .type = SMMUV3_STREAM_STAGE1 };
	static const unsigned int configs[] = { 0, 4, 5 };
	unsigned int i;

	mutex_lock(&t->unit->lock);
	for (i = 0; i < ARRAY_SIZE(configs); i++) {
		target.no_pasid = i;
		KUNIT_EXPECT_EQ(test, smmuv3_stream_set(t->device, &target,
							NULL), 0);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(rec_ste(t, SID)[0]) & 0xf,
				configs[i] << 1 | 1);
	}
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

/* Who goes leaves an entry that is not valid, in one SYNC */
static void ste_clear(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 3, 1 << 10);
	unsigned int i, k;

	for (k = 0; k < 3; k++)
		rec_track_ste(t, SID + k);
	mutex_lock(&t->unit->lock);
	for (i = 0; i < NUM_TARGETS; i++) {
		smmuv3_stream_set(t->device, &targets[i], NULL);
		rec_start(t);
		KUNIT_EXPECT_EQ(test, smmuv3_stream_clear(t->device), 0);
		rec_look(t);
		KUNIT_EXPECT_EQ(test, rec_syncs(t), 1);
		smmuv3_fake_expect(t->fake, FAKE_CMD_CFGI_STE(SID, true),
				   FAKE_CMD_CFGI_STE(SID + 1, true),
				   FAKE_CMD_CFGI_STE(SID + 2, true),
				   FAKE_CMD_SYNC);
		for (k = 0; k < 3; k++) {
			rec_check(t, &t->tracks[k], true, "clear");
			KUNIT_EXPECT_FALSE(test, le64_to_cpu(*rec_ste(t, SID + k)) & 1);
		}
		KUNIT_EXPECT_EQ(test, t->device->stream.type,
				SMMUV3_STREAM_ABORT);
	}
	mutex_unlock(&t->unit->lock);
}

/* A queue that does not work: the error comes back, the entry is right anyway */
static u8 refuse(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	u8 op = smmuv3_fake_op(cmd);

	return op == FAKE_CFGI_STE || op == FAKE_CFGI_ALL ? FAKE_CERROR_ILL : 0;
}

static void ste_refused(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1 << 10);
	unsigned int i;

	rec_track_ste(t, SID);
	mutex_lock(&t->unit->lock);
	wipe(t, &targets[0]);
	t->fake->on_cmd = refuse;
	for (i = 1; i < NUM_TARGETS; i++) {
		KUNIT_EXPECT_EQ(test, smmuv3_stream_set(t->device, &targets[i],
							NULL), -EIO);
		check_final(t, &t->tracks[0], &targets[i], false);
	}
	mutex_unlock(&t->unit->lock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(ste_encoding),
	KUNIT_CASE(ste_no_substreams),
	KUNIT_CASE(ste_pairs),
	KUNIT_CASE_SLOW(ste_pairs_linear),
	KUNIT_CASE_SLOW(ste_pairs_streams),
	KUNIT_CASE(ste_two_tables),
	KUNIT_CASE(ste_walk),
	KUNIT_CASE(ste_clear),
	KUNIT_CASE(ste_refused),
	{}
};

static struct kunit_suite suite = {
	.name = "iommufd_smmuv3_ste",
	.test_cases = cases,
};

kunit_test_suite(suite);
