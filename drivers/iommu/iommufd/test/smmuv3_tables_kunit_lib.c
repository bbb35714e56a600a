// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder of smmuv3_tables_kunit.h. The walk and the rules are IHI 0070's
 * (3.3, chapter 5), written down here again, not the driver's.
 */
#include <linux/bits.h>
#include <linux/bug.h>

#include "smmuv3_tables_kunit.h"

__le64 *rec_ste(struct tables *t, u32 sid)
{
	u64 base = smmuv3_fake_reg64(t->fake, FAKE_STRTAB_BASE);
	u32 cfg = smmuv3_fake_reg32(t->fake, FAKE_STRTAB_BASE_CFG);
	unsigned int log2size = cfg & 0x3f, split = cfg >> 6 & 0x1f;
	__le64 *table = smmuv3_fake_mem(t->fake, base & GENMASK_ULL(51, 6));
	unsigned int span;
	u64 desc;

	if ((u64)sid >> log2size)
		return NULL;
	/* 6.3.24: FMT */
	if (!(cfg >> 16 & 3))
		return table + 8 * sid;
	/* 5.1 */
	desc = le64_to_cpu(READ_ONCE(table[sid >> split]));
	span = desc & 0x1f;
	if (!span || (sid & ((1U << split) - 1)) >= 1U << (span - 1))
		return NULL;
	table = smmuv3_fake_mem(t->fake, desc & GENMASK_ULL(51, 6));
	return table + 8 * (sid & ((1U << split) - 1));
}

__le64 *rec_cd(struct tables *t, u32 sid, u32 ssid)
{
	static const unsigned int splits[] = { 0, 6, 10 };
	__le64 *ste = rec_ste(t, sid), *table;
	unsigned int fmt, cdmax, split;
	u64 low, desc;

	if (!ste)
		return NULL;
	low = le64_to_cpu(READ_ONCE(ste[0]));
	/* V, and Config 0b1x1 */
	if ((low & 0xb) != 0xb)
		return NULL;
	cdmax = low >> 59;
	if (ssid >> cdmax)
		return NULL;
	table = smmuv3_fake_mem(t->fake, low & GENMASK_ULL(51, 6));
	fmt = cdmax ? low >> 4 & 3 : 0;
	if (fmt >= ARRAY_SIZE(splits))
		return NULL;
	if (!fmt)
		return table + 8 * ssid;
	/* 5.3 */
	split = splits[fmt];
	desc = le64_to_cpu(READ_ONCE(table[ssid >> split]));
	if (!(desc & 1))
		return NULL;
	table = smmuv3_fake_mem(t->fake, desc & GENMASK_ULL(51, 12));
	return table + 8 * (ssid & ((1U << split) - 1));
}

static void fetch(struct tables *t, const struct track *track,
		  struct state *state)
{
	unsigned int q;

	state->at = track->cd ? rec_cd(t, track->sid, track->ssid) :
				rec_ste(t, track->sid);
	for (q = 0; q < 8; q++)
		state->val[q] = state->at ?
			le64_to_cpu(READ_ONCE(state->at[q])) : 0;
	state->log = t->fake->num_log;
	state->synced = false;
}

static void look(struct tables *t, struct track *track)
{
	struct state now;

	fetch(t, track, &now);
	if (track->num) {
		struct state *last = &track->states[track->num - 1];

		if (now.at == last->at &&
		    !memcmp(now.val, last->val, sizeof(now.val)))
			return;
	}
	if (track->num == MAX_STATES) {
		KUNIT_FAIL(t->test, "more states than the track holds");
		return;
	}
	track->states[track->num++] = now;
}

void rec_look(struct tables *t)
{
	unsigned int i;

	for (i = 0; i < t->num_tracks; i++)
		look(t, &t->tracks[i]);
}

/* A fetch that began before the SYNC may still read the place it was sent to. */
static void synced(struct tables *t, struct track *track)
{
	struct state *last = &track->states[track->num - 1];
	unsigned int q;

	if (!last->synced && track->num > 1 && last[-1].at &&
	    last[-1].at != last->at)
		for (q = 0; q < 8; q++)
			KUNIT_EXPECT_EQ_MSG(t->test,
					    le64_to_cpu(last[-1].at[q]),
					    last[-1].val[q],
					    "word %u of the old place changed before the SYNC",
					    q);
	last->synced = true;
}

static u8 on_cmd(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct tables *t = fake->priv;
	unsigned int i, seen;

	rec_look(t);
	if (smmuv3_fake_op(cmd) != FAKE_SYNC)
		return FAKE_CERROR_NONE;
	for (i = 0; i < t->num_tracks; i++)
		synced(t, &t->tracks[i]);
	/* 4.7.3: fetches that may have seen the old are over */
	seen = smp_load_acquire(&t->fetching);	/* by the reader's end */
	if (seen & 1)
		smp_cond_load_acquire(&t->fetching, VAL != seen);
	return FAKE_CERROR_NONE;
}

void rec_start(struct tables *t)
{
	unsigned int i;

	smmuv3_fake_forget(t->fake);
	for (i = 0; i < t->num_tracks; i++)
		t->tracks[i].num = 0;
	rec_look(t);
	for (i = 0; i < t->num_tracks; i++)
		t->tracks[i].states[0].synced = true;
}

static struct track *new_track(struct tables *t, u32 sid, bool cd, u32 ssid)
{
	struct track *track = &t->tracks[t->num_tracks];

	KUNIT_ASSERT_LT(t->test, t->num_tracks, MAX_TRACKS);
	track->sid = sid;
	track->cd = cd;
	track->ssid = ssid;
	track->num = 0;
	t->num_tracks++;
	return track;
}

struct track *rec_track_ste(struct tables *t, u32 sid)
{
	return new_track(t, sid, false, 0);
}

struct track *rec_track_cd(struct tables *t, u32 sid, u32 ssid)
{
	return new_track(t, sid, true, ssid);
}

/* When fields of an entry are read, each with what the specification says of it. */
enum when {
	ALWAYS,
	/* V */
	IF_VALID,
	/* STE: Config[2]: nothing else says what becomes of a request */
	IF_NOT_ABORT,
	/* STE: Config[0], Config[1], either, and either not */
	IF_STAGE1,
	IF_STAGE2,
	IF_ANY_STAGE,
	/* STE: the same, and EATS not 0: S2S is checked, even if there is no stage 2 */
	IF_ATS,
	/* STE: Config[0] and S1CDMax not 0: there are SubstreamIDs */
	IF_SUBSTREAMS,
	/* STE: Config[0] off, or for some requests as S1DSS is 0b01 (13.5) */
	IF_STAGE1_BYPASS,
	/* CD: EPD0 off, EPD1 off */
	IF_TTB0,
	IF_TTB1,
};

/* @lsb and @msb as the specification counts the bits of the structure */
struct rule {
	unsigned int lsb;
	unsigned int msb;
	enum when when;
};

/* 5.2 */
static const struct rule ste_rules[] = {
	{ 0, 0, ALWAYS },			/* V */
	{ 1, 3, IF_VALID },			/* Config */
	{ 4, 5, IF_SUBSTREAMS },		/* S1Fmt */
	{ 6, 51, IF_STAGE1 },			/* S1ContextPtr */
	{ 59, 63, IF_STAGE1 },			/* S1CDMax */
	{ 64, 65, IF_SUBSTREAMS },		/* S1DSS */
	{ 66, 71, IF_STAGE1 },			/* S1CIR, S1COR, S1CSH */
	{ 76, 76, IF_NOT_ABORT },		/* DRE */
	{ 77, 80, IF_NOT_ABORT },		/* CONT */
	{ 81, 81, IF_NOT_ABORT },		/* DCP */
	{ 82, 82, IF_NOT_ABORT },		/* PPAR */
	{ 83, 83, IF_NOT_ABORT },		/* MEV */
	{ 89, 89, IF_STAGE2 },			/* S2FWB */
	{ 91, 91, IF_STAGE1 },			/* S1STALLD */
	{ 92, 93, IF_ANY_STAGE },		/* EATS */
	{ 94, 95, IF_STAGE1 },			/* STRW */
	{ 96, 100, IF_STAGE1_BYPASS },		/* MemAttr, MTCFG */
	{ 101, 104, IF_NOT_ABORT },		/* ALLOCCFG */
	{ 108, 109, IF_STAGE1_BYPASS },		/* SHCFG */
	{ 110, 115, IF_NOT_ABORT },		/* NSCFG, PRIVCFG, INSTCFG */
	{ 128, 143, IF_ANY_STAGE },		/* S2VMID: tags stage 1 too */
	{ 160, 178, IF_STAGE2 },		/* S2T0SZ to S2PS */
	{ 179, 186, IF_STAGE2 },		/* S2AA64 to S2R */
	{ 185, 185, IF_ATS },			/* S2S */
	{ 196, 243, IF_STAGE2 },		/* S2TTB */
};

/* 5.4 */
static const struct rule cd_rules[] = {
	{ 31, 31, ALWAYS },			/* V */
	{ 0, 13, IF_TTB0 },			/* T0SZ, TG0, IR0, OR0, SH0 */
	{ 14, 15, IF_VALID },			/* EPD0, ENDI */
	{ 16, 29, IF_TTB1 },			/* T1SZ, TG1, IR1, OR1, SH1 */
	{ 30, 30, IF_VALID },			/* EPD1 */
	{ 32, 63, IF_VALID },			/* IPS to ASID */
	{ 64, 115, IF_TTB0 },			/* HAD0, TTB0 */
	{ 128, 179, IF_TTB1 },			/* HAD1, TTB1 */
	{ 192, 255, IF_VALID },			/* MAIR0, MAIR1 */
	{ 256, 319, IF_VALID },			/* AMAIR0, AMAIR1 */
};

static bool holds(enum when when, const u64 *val, bool valid)
{
	bool abort = !(val[0] & BIT(3));
	bool stage1 = val[0] & BIT(1), stage2 = val[0] & BIT(2);

	if (when == ALWAYS)
		return true;
	if (!valid)
		return false;
	switch (when) {
	case ALWAYS:
	case IF_VALID:
		return true;
	case IF_NOT_ABORT:
		return !abort;
	case IF_STAGE1:
		return !abort && stage1;
	case IF_STAGE2:
		return !abort && stage2;
	case IF_ANY_STAGE:
		return !abort && (stage1 || stage2);
	case IF_ATS:
		return !abort && (stage1 || stage2) && val[1] & GENMASK(29, 28);
	case IF_SUBSTREAMS:
		return !abort && stage1 && val[0] >> 59;
	case IF_STAGE1_BYPASS:
		return !abort && (!stage1 || (val[0] >> 59 &&
					      (val[1] & 3) == 1));
	case IF_TTB0:
		return !(val[0] & BIT(14));
	case IF_TTB1:
		return !(val[0] & BIT(30));
	}
	return true;
}

static void apply(const struct rule *rules, unsigned int num, const u64 *val,
		  bool valid, u64 *mask)
{
	unsigned int i, bit;

	memset(mask, 0, 8 * sizeof(*mask));
	for (i = 0; i < num; i++)
		if (holds(rules[i].when, val, valid))
			for (bit = rules[i].lsb; bit <= rules[i].msb; bit++)
				mask[bit / 64] |= BIT_ULL(bit % 64);
}

void rec_ste_read(const u64 *val, u64 *mask)
{
	apply(ste_rules, ARRAY_SIZE(ste_rules), val, val[0] & BIT(0), mask);
}

void rec_cd_read(const u64 *val, u64 *mask)
{
	apply(cd_rules, ARRAY_SIZE(cd_rules), val, val[0] & BIT_ULL(31), mask);
}

static void read_of(const struct track *track, const u64 *val, u64 *mask)
{
	if (track->cd)
		rec_cd_read(val, mask);
	else
		rec_ste_read(val, mask);
}

static bool valid(const struct track *track, const u64 *val)
{
	return val[0] & (track->cd ? BIT_ULL(31) : BIT_ULL(0));
}

bool rec_same(const struct track *track, const u64 *a, const u64 *b)
{
	u64 of_a[8], of_b[8];
	unsigned int q;

	read_of(track, a, of_a);
	read_of(track, b, of_b);
	for (q = 0; q < 8; q++)
		if (of_a[q] != of_b[q] || (a[q] ^ b[q]) & of_a[q])
			return false;
	return true;
}

unsigned int rec_conflicts(const struct track *track, const u64 *old,
			   const u64 *new)
{
	u64 of_old[8], of_new[8];
	unsigned int q, words = 0;

	read_of(track, old, of_old);
	read_of(track, new, of_new);
	for (q = 0; q < 8; q++)
		if ((old[q] ^ new[q]) & of_old[q] & of_new[q])
			words |= BIT(q);
	return words;
}

/* Words of @high are read where @which has a bit, else of @low. */
static void mix(const u64 *low, const u64 *high, unsigned int which, u64 *val)
{
	unsigned int q;

	for (q = 0; q < 8; q++)
		val[q] = which & BIT(q) ? high[q] : low[q];
}

static bool allowed(const struct track *track, const u64 *val, bool hitless)
{
	return rec_same(track, val, track->states[0].val) ||
	       rec_same(track, val, track->states[track->num - 1].val) ||
	       (!hitless && !valid(track, val));
}

/* 4.3: does it forget the entry? A CFGI_STE does so for its descriptors too. */
static bool forgets(const struct track *track, const struct smmuv3_cmd *cmd,
		    bool moved)
{
	u8 op = smmuv3_fake_op(cmd);

	if (op == FAKE_CFGI_ALL)
		return true;
	if (smmuv3_fake_sid(cmd) != track->sid)
		return false;
	if (op == FAKE_CFGI_STE)
		return track->cd || !moved || !(cmd->qw[1] & 1);
	if (!track->cd)
		return false;
	if (op == FAKE_CFGI_CD_ALL)
		return true;
	return op == FAKE_CFGI_CD && smmuv3_fake_ssid(cmd) == track->ssid &&
	       (!moved || !(cmd->qw[1] & 1));
}

/* The state was made known before anything else changed. */
static void check_invalidated(struct tables *t, const struct track *track,
			      unsigned int k, const char *what)
{
	const struct state *state = &track->states[k];
	unsigned int end = k + 1 < track->num ? state[1].log :
						t->fake->num_log;
	unsigned int i;
	bool forgotten = false, moved = state->at != state[-1].at;

	for (i = state->log; i < end; i++) {
		const struct smmuv3_cmd *cmd = &t->fake->log[i].cmd;

		forgotten |= forgets(track, cmd, moved);
		if (forgotten && smmuv3_fake_op(cmd) == FAKE_SYNC)
			return;
	}
	KUNIT_FAIL(t->test, "%s: stream %x: change %u was not invalidated",
		   what, track->sid, k);
}

void rec_check(struct tables *t, const struct track *track, bool hitless,
	       const char *what)
{
	const struct state *state;
	unsigned int k, which;
	u64 val[8];

	for (k = 0; k < track->num; k++) {
		state = &track->states[k];
		/* Pieces of two entries are never of one fetch */
		for (which = 0; which < BIT(8); which++) {
			if (which && (k + 1 == track->num ||
				      state->at != state[1].at))
				break;
			mix(state->val, which ? state[1].val : state->val,
			    which, val);
			if (allowed(track, val, hitless))
				continue;
			KUNIT_FAIL(t->test,
				   "%s: stream %x: state %u of %u mixed by %x: %llx %llx %llx %llx",
				   what, track->sid, k, track->num, which,
				   val[0], val[1], val[2], val[3]);
			return;
		}
		if (k)
			check_invalidated(t, track, k, what);
	}
}

unsigned int rec_syncs(struct tables *t)
{
	return smmuv3_fake_count(t->fake, FAKE_SYNC);
}

static void free_tables(void *data)
{
	struct tables *t = data;

	t->fake->on_cmd = NULL;
	mutex_lock(&t->unit->lock);
	smmuv3_contexts_free(t->device);
	mutex_unlock(&t->unit->lock);
	smmuv3_strtab_free(t->unit);
}

struct tables *smmuv3_rec_new(struct kunit *test, const u32 idr[6],
			      unsigned int num_streams, u32 max_pasids)
{
	struct tables *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int rc;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->fake = smmuv3_fake_new(test, idr, 0);
	t->unit = &t->fake->unit;
	smmuv3_fake_start_cmdq(t->fake);
	t->device = smmuv3_fake_device(t->fake, SID, num_streams, max_pasids);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_tables, t),
			0);
	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(t->unit), 0);
	smmuv3_strtab_setup(t->unit);
	t->fake->priv = t;
	t->fake->on_cmd = on_cmd;
	mutex_lock(&t->unit->lock);
	rc = smmuv3_stream_prepare(t->device) ?:
	     smmuv3_contexts_alloc(t->device);
	mutex_unlock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, rc, 0);
	smmuv3_fake_forget(t->fake);
	return t;
}
