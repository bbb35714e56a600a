// SPDX-License-Identifier: GPL-2.0-only
/*
 * Context descriptors of the SMMUv3 driver: what is in them, each change from one to
 * another (IHI 0070 3.21.3, 5.4), in linear and two-level tables.
 */
#include <linux/log2.h>

#include "smmuv3_tables_kunit.h"

#define TTB_A	0x0000123456789000ULL
#define TTB_B	0x0000abcdef012000ULL
/* T0SZ 16, IR0, OR0 write-back, SH0 inner; IPS 48 bits */
#define TCR	(16ULL | 1 << 8 | 1 << 10 | 3 << 12 | 5ULL << 32)
#define MAIR	0xf404ff44ULL

#define ABSENT	NULL
#define CD(...)	(&(const struct smmuv3_context_target){ __VA_ARGS__ })

static const struct smmuv3_context_target *const targets[] = {
	ABSENT,
	/* 1: A, B, A with stall, A under another ASID, A with dirty tracking */
	CD(.asid = 7, .ttb = TTB_A, .tcr = TCR, .mair = MAIR),
	CD(.asid = 8, .ttb = TTB_B, .tcr = TCR, .mair = MAIR),
	CD(.asid = 7, .ttb = TTB_A, .tcr = TCR, .mair = MAIR, .stall = true),
	CD(.asid = 9, .ttb = TTB_A, .tcr = TCR, .mair = MAIR),
	CD(.asid = 7, .ttb = TTB_A, .tcr = TCR, .mair = MAIR,
	   .hw_access = true, .hw_dirty = true),
	/* 6: B's table under A's ASID; A with other attributes */
	CD(.asid = 7, .ttb = TTB_B, .tcr = TCR, .mair = MAIR),
	CD(.asid = 7, .ttb = TTB_A, .tcr = TCR, .mair = 0x44),
};

#define NUM_TARGETS	ARRAY_SIZE(targets)

/*
 * SYNCs of each change; every one is hitless.
 *
 * 1  word 0 alone differs (V; ASID; S; HA, HD, AFFD), or word 1 (TTB0), or word 3
 *    (MAIR)
 * 2  from absent: words 1 and 3 first, then V with the rest of word 0
 * c  one SYNC, too, in a copy of the table: two or three of the words 0, 1 and 3
 *    differ, which are always read
 */
static const char *const syncs[NUM_TARGETS] = {
	/*- A B S I D T M */
	"02222222",
	"10c11111",
	"1c0ccc1c",
	"11c011cc",
	"11c101cc",
	"11c110cc",
	"111ccc0c",
	"11ccccc0",
};

static void put(u64 *val, unsigned int lsb, unsigned int width, u64 bits)
{
	val[lsb / 64] |= (bits & GENMASK_ULL(width - 1, 0)) << lsb % 64;
}

static void expected(struct tables *t,
		     const struct smmuv3_context_target *target, u64 *val)
{
	u32 model = t->unit->idr[0] >> 24 & 3;

	memset(val, 0, 8 * sizeof(*val));
	if (!target)
		return;
	val[0] = target->tcr;
	put(val, 30, 1, 1);			/* EPD1 */
	put(val, 31, 1, 1);			/* V */
	put(val, 35, 1, !target->hw_access);	/* AFFD */
	put(val, 41, 1, 1);			/* AA64 */
	put(val, 42, 1, target->hw_dirty);	/* HD */
	put(val, 43, 1, target->hw_access);	/* HA */
	put(val, 44, 1, model == 2 || (!model && target->stall));
	put(val, 45, 3, 7);			/* R, A, ASET */
	put(val, 48, 16, target->asid);
	put(val, 68, 48, target->ttb >> 4);
	put(val, 192, 64, target->mair);
}

static void check_final(struct tables *t, const struct track *track,
			const struct smmuv3_context_target *target)
{
	__le64 *cd = rec_cd(t, track->sid, track->ssid);
	struct smmuv3_context_target got;
	u64 want[8], val[8];
	unsigned int q;
	bool valid;

	if (!cd) {
		KUNIT_FAIL(t->test, "no descriptor");
		return;
	}
	for (q = 0; q < 8; q++)
		val[q] = le64_to_cpu(cd[q]);
	expected(t, target, want);
	KUNIT_EXPECT_TRUE_MSG(t->test, rec_same(track, val, want),
			      "descriptor is %llx %llx %llx %llx, not %llx %llx %llx %llx",
			      val[0], val[1], val[2], val[3], want[0],
			      want[1], want[2], want[3]);
	valid = smmuv3_context_get(t->device, track->ssid, &got);
	KUNIT_EXPECT_EQ(t->test, valid, !!target);
	if (!valid || !target)
		return;
	KUNIT_EXPECT_EQ(t->test, got.asid, target->asid);
	KUNIT_EXPECT_EQ(t->test, got.ttb, target->ttb);
	KUNIT_EXPECT_EQ(t->test, got.mair, target->mair);
	KUNIT_EXPECT_EQ(t->test, got.tcr, target->tcr | BIT(30));
	KUNIT_EXPECT_EQ(t->test, got.hw_dirty, target->hw_dirty);
	KUNIT_EXPECT_EQ(t->test, got.hw_access, target->hw_access);
}

static bool same_words(const struct track *track)
{
	unsigned int k;

	for (k = 1; k < track->num; k++)
		if (memcmp(track->states[k].val, track->states[0].val, 64))
			return false;
	return true;
}

static void transition(struct tables *t, u32 ssid, unsigned int from,
		       unsigned int to)
{
	struct track *cd = &t->tracks[0], *ste = &t->tracks[3];
	char want = syncs[from][to], what[48];
	const __le64 *before;
	bool hitless = false;
	unsigned int i;

	snprintf(what, sizeof(what), "PASID %x: %u to %u", ssid, from, to);
	smmuv3_context_set(t->device, ssid, NULL, NULL);
	memset(rec_cd(t, SID, ssid), 0, 64);
	smmuv3_context_set(t->device, ssid, targets[from], NULL);
	rec_start(t);
	before = cd->states[0].at;
	KUNIT_EXPECT_EQ(t->test, smmuv3_context_set(t->device, ssid,
						    targets[to], &hitless), 0);
	rec_look(t);
	KUNIT_EXPECT_TRUE_MSG(t->test, hitless, "%s: hitless", what);
	KUNIT_EXPECT_EQ_MSG(t->test, rec_syncs(t),
			    want == 'c' ? 1 : want - '0', "%s: SYNCs", what);
	KUNIT_EXPECT_EQ_MSG(t->test, rec_cd(t, SID, ssid) != before,
			    want == 'c', "%s: copy", what);
	/* The descriptor, by the first and the last stream, and what led there */
	for (i = 0; i < t->num_tracks; i++)
		if (i != 2)
			rec_check(t, &t->tracks[i], true, what);
	check_final(t, cd, targets[to]);
	check_final(t, &t->tracks[1], targets[to]);
	/* Its neighbour notices nothing */
	KUNIT_EXPECT_TRUE_MSG(t->test, same_words(&t->tracks[2]),
			      "%s: neighbour", what);
	KUNIT_EXPECT_LE(t->test, ste->num, 2);
}

static const struct smmuv3_stream_target stage1 = {
	.type = SMMUV3_STREAM_STAGE1,
	.no_pasid = SMMUV3_NO_PASID_CD0,
	.stall = true,
};

static void all_pairs(struct kunit *test, const u32 *idr, u32 max_pasids,
		      unsigned int num_streams)
{
	const u32 pasids[] = { max_pasids - 1, 0, max_pasids / 2 + 1 };
	struct tables *t = smmuv3_rec_new(test, idr, num_streams, max_pasids);
	unsigned int i, from, to, num = ARRAY_SIZE(pasids);
	u32 neighbour;

	/* The others are the same, or take too long */
	if (max_pasids == 1 || num_streams > 2)
		num = 1;
	mutex_lock(&t->unit->lock);
	smmuv3_stream_set(t->device, &stage1, NULL);
	for (i = 0; i < num; i++) {
		neighbour = max_pasids > 1 ? pasids[i] ^ 1 : 0;
		t->num_tracks = 0;
		rec_track_cd(t, SID, pasids[i]);
		rec_track_cd(t, SID + num_streams - 1, pasids[i]);
		rec_track_cd(t, SID, max_pasids > 1 ? neighbour : 1);
		rec_track_ste(t, SID);
		rec_start(t);
		KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device,
							     pasids[i]), 0);
		if (max_pasids > 1)
			smmuv3_context_set(t->device, neighbour, targets[1],
					   NULL);
		for (from = 0; from < NUM_TARGETS; from++)
			for (to = 0; to < NUM_TARGETS; to++)
				transition(t, pasids[i], from, to);
	}
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

/* A table of one descriptor; of as many as fit a page; of all a unit can */
static void cd_pairs_linear(struct kunit *test)
{
	u32 idr[6];

	all_pairs(test, smmuv3_fake_idr, 1, 1);
	all_pairs(test, smmuv3_fake_idr, 64, 2);
	memcpy(idr, smmuv3_fake_idr, sizeof(idr));
	idr[0] &= ~FAKE_IDR0_CD2L;
	all_pairs(test, idr, 1024, 1);
}

static void cd_pairs_4k(struct kunit *test)
{
	all_pairs(test, smmuv3_fake_idr, 1 << 10, 2);
}

static void cd_pairs_64k(struct kunit *test)
{
	all_pairs(test, smmuv3_fake_idr, 1 << 17, 1);
}

static void cd_pairs_streams(struct kunit *test)
{
	all_pairs(test, smmuv3_fake_idr, 256, SMMUV3_STREAMS_MAX);
}

static void cd_encoding(struct kunit *test)
{
	static const u32 models[] = {
		0, FAKE_IDR0_STALL_NONE, FAKE_IDR0_STALL_ALWAYS,
	};
	unsigned int i, k;
	struct tables *t;
	u32 idr[6];

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		memcpy(idr, smmuv3_fake_idr, sizeof(idr));
		idr[0] |= models[i];
		t = smmuv3_rec_new(test, idr, 1, 64);
		rec_track_cd(t, SID, 5);
		mutex_lock(&t->unit->lock);
		smmuv3_stream_set(t->device, &stage1, NULL);
		KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, 5), 0);
		for (k = 0; k < NUM_TARGETS; k++) {
			smmuv3_context_set(t->device, 5, targets[k], NULL);
			check_final(t, &t->tracks[0], targets[k]);
		}
		smmuv3_stream_clear(t->device);
		mutex_unlock(&t->unit->lock);
	}
}

/* As long as no stream refers to them the unit is told nothing */
static void cd_unused(struct kunit *test)
{
	static const struct smmuv3_stream_target others[] = {
		{ .type = SMMUV3_STREAM_ABORT },
		{ .type = SMMUV3_STREAM_BYPASS },
		{ .type = SMMUV3_STREAM_STAGE2, .s2 = { .vmid = 3 } },
		{ .type = SMMUV3_STREAM_NESTED, .s2 = { .vmid = 3 },
		  .user = { 0xb | 0x100000000ULL } },
	};
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 1, 1 << 10);
	unsigned int i, k, num;
	bool hitless;

	rec_track_cd(t, SID, 700);
	mutex_lock(&t->unit->lock);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		smmuv3_stream_set(t->device, &others[i], NULL);
		smmuv3_fake_forget(t->fake);
		KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, 700),
				0);
		for (k = 0; k < NUM_TARGETS; k++) {
			KUNIT_EXPECT_EQ(test,
					smmuv3_context_set(t->device, 700,
							   targets[k],
							   &hitless), 0);
			KUNIT_EXPECT_TRUE(test, hitless);
		}
		num = t->fake->num_log;
		KUNIT_EXPECT_EQ(test, num, 0);
		smmuv3_stream_set(t->device, &stage1, NULL);
		check_final(t, &t->tracks[0], targets[NUM_TARGETS - 1]);
	}
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

/* Level 2 comes into being: nothing in it is valid when the unit finds it */
static void cd_prepare(struct kunit *test)
{
	struct tables *t = smmuv3_rec_new(test, smmuv3_fake_idr, 2, 1 << 12);
	struct smmuv3_context_target got;
	static const u64 zeroes[8];
	struct track *track;

	mutex_lock(&t->unit->lock);
	smmuv3_stream_set(t->device, &stage1, NULL);
	track = rec_track_cd(t, SID, 0x765);
	rec_start(t);
	KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, 1 << 12),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, smmuv3_context_set(t->device, 1 << 12, targets[1],
						 NULL), -EINVAL);
	/* No table yet */
	KUNIT_EXPECT_EQ(test, smmuv3_context_set(t->device, 0x765, targets[1],
						 NULL), -EINVAL);
	KUNIT_EXPECT_FALSE(test, smmuv3_context_get(t->device, 0x765, &got));
	KUNIT_EXPECT_FALSE(test, smmuv3_context_get(t->device, 1 << 12, &got));
	KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	KUNIT_EXPECT_NULL(test, track->states[0].at);

	KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, 0x765), 0);
	smmuv3_fake_expect(t->fake, FAKE_CMD_CFGI_CD_ALL(SID),
			   FAKE_CMD_CFGI_CD_ALL(SID + 1), FAKE_CMD_SYNC);
	KUNIT_EXPECT_EQ(test, track->num, 2);
	KUNIT_EXPECT_NOT_NULL(test, track->states[1].at);
	KUNIT_EXPECT_MEMEQ(test, track->states[1].val, zeroes, 64);
	KUNIT_EXPECT_FALSE(test, smmuv3_context_get(t->device, 0x765, &got));

	/* Its neighbours have it, too; those of the next table do not */
	smmuv3_fake_forget(t->fake);
	KUNIT_EXPECT_EQ(test, smmuv3_context_prepare(t->device, 0x77f), 0);
	KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	KUNIT_EXPECT_NOT_NULL(test, rec_cd(t, SID, 0x740));
	KUNIT_EXPECT_NULL(test, rec_cd(t, SID, 0x780));
	KUNIT_EXPECT_NULL(test, rec_cd(t, SID, 0x73f));

	/* One descriptor: both streams, leaves only */
	KUNIT_EXPECT_EQ(test, smmuv3_context_set(t->device, 0x765, targets[1],
						 NULL), 0);
	smmuv3_fake_expect(t->fake,
			   FAKE_CMD_CFGI_CD(SID, 0x765, true),
			   FAKE_CMD_CFGI_CD(SID + 1, 0x765, true),
			   FAKE_CMD_SYNC,
			   FAKE_CMD_CFGI_CD(SID, 0x765, true),
			   FAKE_CMD_CFGI_CD(SID + 1, 0x765, true),
			   FAKE_CMD_SYNC);
	smmuv3_stream_clear(t->device);
	mutex_unlock(&t->unit->lock);
}

/* How many PASIDs there can be, and what is not a number of them */
static void cd_limits(struct kunit *test)
{
	static const struct {
		u32 ssidsize;
		bool two_level;
		u32 max;
	} units[] = {
		{ 0, true, 1 }, { 6, false, 64 }, { 20, false, 1024 },
		{ 16, true, 1 << 16 }, { 20, true, 1 << 20 },
	};
	struct smmuv3_device *device;
	struct smmuv3_fake *fake;
	unsigned int i;
	u32 idr[6];

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		memcpy(idr, smmuv3_fake_idr, sizeof(idr));
		idr[1] = (idr[1] & ~FAKE_IDR1_SSIDSIZE) |
			 units[i].ssidsize << 6;
		if (!units[i].two_level)
			idr[0] &= ~FAKE_IDR0_CD2L;
		fake = smmuv3_fake_new(test, idr, 0);
		KUNIT_EXPECT_EQ(test, smmuv3_contexts_max(&fake->unit),
				units[i].max);
		device = smmuv3_fake_device(fake, SID, 1, units[i].max + 1);
		mutex_lock(&fake->unit.lock);
		KUNIT_EXPECT_EQ(test, smmuv3_contexts_alloc(device), -EINVAL);
		device->max_pasids = 0;
		KUNIT_EXPECT_EQ(test, smmuv3_contexts_alloc(device), -EINVAL);
		KUNIT_EXPECT_NULL(test, device->contexts);
		device->max_pasids = units[i].max;
		KUNIT_EXPECT_EQ(test, smmuv3_contexts_alloc(device), 0);
		smmuv3_contexts_free(device);
		KUNIT_EXPECT_NULL(test, device->contexts);
		smmuv3_contexts_free(device);
		mutex_unlock(&fake->unit.lock);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cd_encoding),
	KUNIT_CASE(cd_limits),
	KUNIT_CASE(cd_pairs_4k),
	KUNIT_CASE(cd_pairs_64k),
	KUNIT_CASE(cd_pairs_linear),
	KUNIT_CASE_SLOW(cd_pairs_streams),
	KUNIT_CASE(cd_prepare),
	KUNIT_CASE(cd_unused),
	{}
};

static struct kunit_suite suite = {
	.name = "iommufd_smmuv3_cd",
	.test_cases = cases,
};

kunit_test_suite(suite);
