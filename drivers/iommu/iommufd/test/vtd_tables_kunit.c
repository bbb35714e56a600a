// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions of context and PASID table entries, recorded.
 *
 * The unit does not snoop tables, so it sees of a store what was cleaned: each
 * clean of an entry is a state that the unit can fetch. A fetch is of 128 bits at
 * a time, so it can also see halves of two states, unless the PASID cache was
 * invalidated in between. Every entry that can be seen has to mean, in the bits
 * that its translation type uses, what it meant before or what it is to mean, or
 * nothing. What has to be invalidated when is the table of 6.5.3.3; the layouts
 * are those of 9.1 to 9.6, as plain numbers.
 */
#include <asm/cmpxchg.h>
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/kthread.h>

#include "../vtd/tables.h"
#include "vtd_fake.h"

/* 11.4.2: 65536 domain ids, RWBF, CM, 39 to 57 bits, MGAW 57, PSI, MAMV 18 */
#define CAP_RWBF	BIT_ULL(4)
#define CAP_CM		BIT_ULL(7)
#define CAP_BASE	(6ULL | 0xeULL << 8 | 56ULL << 16 | 0x3ULL << 34 | \
			 BIT_ULL(39) | 18ULL << 48)
/*
 * 11.4.3: no C, so tables are cleaned; DT, PT, SC, NEST, PRS, SRS, EAFS, PSS of
 * 20 bits, PASID, SMTS, SSADS, SSTS, FSTS, SMPWC
 */
#define ECAP_BASE	(BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(6) | BIT_ULL(7) | \
			 BIT_ULL(26) | BIT_ULL(29) | BIT_ULL(31) | \
			 BIT_ULL(34) | 19ULL << 35 | BIT_ULL(40) | \
			 BIT_ULL(43) | BIT_ULL(45) | BIT_ULL(46) | \
			 BIT_ULL(47) | BIT_ULL(48))
#define GCMD_WBF	BIT(27)

#define RID		0x0108
#define ALIAS		0x02f9
#define ADDRESS		GENMASK_ULL(63, 12)

/* PASID table entry, 9.6: what a translation type uses of the first 128 bits */
#define PGTT(val0)	((val0) >> 6 & 7)
#define PGTT_SS		2
#define PGTT_NESTED	3
#define PGTT_PT		4
#define LOW0_SS		(ADDRESS | 0x3ff)
#define LOW0_PT		(7ULL << 6 | 3)
#define LOW1_SS		(0xffffULL | BIT_ULL(23) | BIT_ULL(24))
#define LOW1_PT		(0xffffULL | BIT_ULL(24))
/* Supervisor requests: bit 0 of the second half, with every type */
#define SRE		1ULL
/* Walks: free where nothing walks */
#define FREE0_PT	(7ULL << 2)
#define FREE1_PT	BIT_ULL(23)

#define SS_A		0x0001234567890000ULL
#define SS_B		0x000abcdef0123000ULL
#define FS_A		0x0000111122223000ULL
#define FS_B		0x0000444455556000ULL

static const struct vtd_target targets[] = {
	{ .type = VTD_TARGET_BLOCKED },
	{ .type = VTD_TARGET_IDENTITY, .did = VTD_DID_PASS_THROUGH },
	{ .type = VTD_TARGET_IDENTITY, .did = VTD_DID_PASS_THROUGH,
	  .supervisor = true },
	{ .type = VTD_TARGET_SECOND_STAGE, .did = 10, .ss_levels = 4,
	  .ss_root = SS_A },
	{ .type = VTD_TARGET_SECOND_STAGE, .did = 11, .ss_levels = 4,
	  .ss_root = SS_B },
	/* the same domain, dirty bits on */
	{ .type = VTD_TARGET_SECOND_STAGE, .did = 10, .ss_levels = 4,
	  .ss_root = SS_A, .dirty = true },
	{ .type = VTD_TARGET_SECOND_STAGE, .did = 12, .ss_levels = 5,
	  .ss_root = SS_B, .snoop = true, .dirty = true, .supervisor = true },
	{ .type = VTD_TARGET_SECOND_STAGE, .did = 13, .ss_levels = 3,
	  .ss_root = SS_B },
	/* A on parent A, B on parent A, A on parent B */
	{ .type = VTD_TARGET_NESTED, .did = 20, .ss_levels = 4,
	  .ss_root = SS_A, .fs_root = FS_A, .fs_levels = 4 },
	{ .type = VTD_TARGET_NESTED, .did = 21, .ss_levels = 4,
	  .ss_root = SS_A, .fs_root = FS_B, .fs_levels = 5 },
	{ .type = VTD_TARGET_NESTED, .did = 22, .ss_levels = 4,
	  .ss_root = SS_B, .fs_root = FS_A, .fs_levels = 4 },
	/* only the first stage differs from the first; only the domain id */
	{ .type = VTD_TARGET_NESTED, .did = 20, .ss_levels = 4,
	  .ss_root = SS_A, .fs_root = FS_B, .fs_levels = 4,
	  .supervisor = true, .write_protect = true, .extended_access = true },
	{ .type = VTD_TARGET_NESTED, .did = 23, .ss_levels = 4,
	  .ss_root = SS_A, .fs_root = FS_A, .fs_levels = 4, .snoop = true },
};

#define MAX_STATES	32
#define MAX_CLEANED	4096

/**
 * struct state - an entry as the unit can fetch it
 * @val: the entry
 * @log: descriptors submitted before it appeared
 */
struct state {
	u64 val[8];
	unsigned int log;
};

/* A unit with a device, and the recorder */
struct tables {
	struct kunit *test;
	struct vtd_fake *fake;
	struct vtd_unit *unit;
	struct vtd_device *device;
	/* PASID entry being recorded; or context entry of this requester */
	bool record_pasid;
	bool record_context;
	u32 pasid;
	u16 rid;
	struct state states[MAX_STATES];
	unsigned int num_states;
	/* What was ever cleaned */
	struct {
		void *addr;
		size_t size;
	} cleaned[MAX_CLEANED];
	unsigned int num_cleaned;
	/* Submissions with a device TLB's time out */
	bool dead;
	int rcs[256];
};

static u64 *root_slot(struct tables *t, u16 rid)
{
	u64 *root = phys_to_virt(vtd_root_address(t->unit) & ADDRESS);

	/* 9.1: two pointers for each bus, devices 0 to 15 and 16 to 31 */
	return root + (rid >> 8) * 2 + (rid >> 7 & 1);
}

static u64 *context_entry(struct tables *t, u16 rid)
{
	u64 slot = *root_slot(t, rid);

	return slot & 1 ? (u64 *)phys_to_virt(slot & ADDRESS) + (rid & 0x7f) * 4
			: NULL;
}

static u64 *pasid_entry(struct tables *t, u32 pasid)
{
	u64 slot = t->device->pasid_dir[pasid >> 6];

	return slot & 1 ? (u64 *)phys_to_virt(slot & ADDRESS) + (pasid & 63) * 8
			: NULL;
}

static u64 *recorded_entry(struct tables *t, size_t *size)
{
	*size = t->record_pasid ? 64 : 32;
	if (t->record_pasid)
		return pasid_entry(t, t->pasid);
	if (t->record_context)
		return context_entry(t, t->rid);
	return NULL;
}

static bool overlaps(void *a, size_t a_size, void *b, size_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Cache lines hold 64 bytes. */
static bool was_cleaned(struct tables *t, void *addr, size_t size)
{
	void *line;
	unsigned int i;

	for (line = addr; line < addr + size; line += 64) {
		for (i = 0; i < t->num_cleaned; i++)
			if (overlaps(line, 64, t->cleaned[i].addr,
				     t->cleaned[i].size))
				break;
		if (i == t->num_cleaned)
			return false;
	}
	return true;
}

/* A pointer that the unit can see leads to what it can see. */
static void check_published(struct tables *t, void *addr, size_t size)
{
	u64 *slot;

	if (t->record_context) {
		slot = root_slot(t, t->rid);
		if (overlaps(slot, 8, addr, size) && (*slot & 1))
			KUNIT_EXPECT_TRUE(t->test,
					  was_cleaned(t,
						      phys_to_virt(*slot & ADDRESS),
						      PAGE_SIZE));
		slot = context_entry(t, t->rid);
		if (slot && overlaps(slot, 32, addr, size) && (*slot & 1))
			KUNIT_EXPECT_TRUE(t->test,
					  was_cleaned(t,
						      phys_to_virt(*slot & ADDRESS),
						      (size_t)1024 << (*slot >> 9 & 7)));
	}
	if (t->record_pasid) {
		slot = t->device->pasid_dir + (t->pasid >> 6);
		if (overlaps(slot, 8, addr, size) && (*slot & 1))
			KUNIT_EXPECT_TRUE(t->test,
					  was_cleaned(t,
						      phys_to_virt(*slot & ADDRESS),
						      PAGE_SIZE));
	}
}

static void snapshot(struct tables *t)
{
	struct state *state;
	size_t size;
	u64 *entry = recorded_entry(t, &size);

	if (!entry)
		return;
	if (t->num_states == MAX_STATES) {
		KUNIT_FAIL(t->test, "more states than can be recorded");
		return;
	}
	state = &t->states[t->num_states++];
	memset(state, 0, sizeof(*state));
	memcpy(state->val, entry, size);
	state->log = t->fake->num_log;
}

static void tables_on_clean(struct vtd_fake *fake, void *addr, size_t size)
{
	struct tables *t = fake->priv;
	size_t entry_size;
	u64 *entry = recorded_entry(t, &entry_size);

	check_published(t, addr, size);
	if (t->num_cleaned < MAX_CLEANED) {
		t->cleaned[t->num_cleaned].addr = addr;
		t->cleaned[t->num_cleaned++].size = size;
	}
	if (entry && overlaps(entry, entry_size, addr, size))
		snapshot(t);
}

/* What was stored and not cleaned is a bug, whoever comes to see it first. */
static void check_clean(struct tables *t)
{
	size_t size;
	u64 *entry = recorded_entry(t, &size);

	if (entry && t->num_states)
		KUNIT_EXPECT_TRUE_MSG(t->test,
				      !memcmp(entry,
					      t->states[t->num_states - 1].val,
					      size),
				      "a store was not written back");
}

static u8 type_of(const struct qi_desc *desc)
{
	return desc->qw0 & 0xf;
}

static int tables_on_submit(struct vtd_fake *fake, const struct qi_desc *descs,
			    unsigned int num, bool drain)
{
	struct tables *t = fake->priv;
	unsigned int i;
	int rc = 0;

	check_clean(t);
	for (i = 0; i < num && t->dead; i++)
		if (type_of(descs + i) == 3 || type_of(descs + i) == 8)
			rc = -ETIMEDOUT;
	if (fake->num_submits < ARRAY_SIZE(t->rcs))
		t->rcs[fake->num_submits] = rc;
	return rc;
}

static void tables_free(void *arg)
{
	struct tables *t = arg;

	t->record_context = false;
	t->record_pasid = false;
	vtd_pasid_dir_free(t->device);
	vtd_root_free(t->unit);
}

static struct tables *tables_new(struct kunit *test, u64 cap, u64 ecap,
				 u32 max_pasids)
{
	struct tables *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->fake = vtd_fake_new(test, cap, ecap);
	t->fake->priv = t;
	t->fake->on_clean = tables_on_clean;
	t->fake->on_submit = tables_on_submit;
	t->unit = &t->fake->unit;
	t->device = vtd_fake_device(t->fake, RID, max_pasids);
	t->rid = RID;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(t->unit), 0);
	KUNIT_ASSERT_EQ(test, vtd_pasid_dir_alloc(t->device), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tables_free, t),
			0);
	mutex_unlock(&t->unit->lock);
	return t;
}

static void forget(struct tables *t)
{
	vtd_fake_forget(t->fake);
	t->num_states = 0;
	vtd_fake_set32(t->fake, DMAR_GSTS_REG, 0);
}

/* Was descriptor @i carried out? */
static bool good(struct tables *t, unsigned int i)
{
	return !t->rcs[t->fake->log[i].submit];
}

#define NOT_FOUND	UINT_MAX

/* 6.5.2.2: first invalidation from @from on of the PASID-cache entry */
static unsigned int find_pasid_cache(struct tables *t, unsigned int from,
				     u16 did, u32 pasid)
{
	unsigned int i;

	for (i = from; i < t->fake->num_log; i++) {
		u64 qw0 = t->fake->log[i].desc.qw0, g = qw0 >> 4 & 3;

		if ((qw0 & 0xf) != 7 || !good(t, i))
			continue;
		if (g == 3 || (g == 0 && (u16)(qw0 >> 16) == did) ||
		    (g == 1 && (u16)(qw0 >> 16) == did &&
		     (qw0 >> 32 & 0xfffff) == pasid))
			return i;
	}
	return NOT_FOUND;
}

/*
 * 6.5.2.3, 6.5.2.4: of the whole domain, or where nothing walks (@narrow) of the
 * PASID
 */
static unsigned int find_iotlb(struct tables *t, unsigned int from, u16 did,
			       u32 pasid, bool narrow)
{
	unsigned int i;

	for (i = from; i < t->fake->num_log; i++) {
		u64 qw0 = t->fake->log[i].desc.qw0, g = qw0 >> 4 & 3;

		if (!good(t, i))
			continue;
		if ((qw0 & 0xf) == 2 &&
		    (g == 1 || (g == 2 && (u16)(qw0 >> 16) == did)))
			return i;
		if (narrow && (qw0 & 0xf) == 6 && g == 2 &&
		    (u16)(qw0 >> 16) == did && (qw0 >> 32 & 0xfffff) == pasid)
			return i;
	}
	return NOT_FOUND;
}

/* 6.5.2.5, 6.5.2.6: everything of the device, or of its PASID; tried is enough */
static unsigned int find_devtlb(struct tables *t, unsigned int from, u32 pasid)
{
	unsigned int i;

	for (i = from; i < t->fake->num_log; i++) {
		const struct qi_desc *desc = &t->fake->log[i].desc;

		if (!pasid && type_of(desc) == 3 &&
		    (u16)(desc->qw0 >> 32) == RID &&
		    desc->qw1 == 0x7ffffffffffff001ULL)
			return i;
		if (pasid && type_of(desc) == 8 &&
		    (u16)(desc->qw0 >> 16) == RID &&
		    ((desc->qw0 >> 32 & 0xfffff) == pasid || desc->qw1 & 1) &&
		    (desc->qw1 & ~1ULL) == 0x7ffffffffffff800ULL)
			return i;
	}
	return NOT_FOUND;
}

/* 6.5.2.1: of a requester, or all */
static unsigned int find_context_cache(struct tables *t, unsigned int from,
				       u16 rid)
{
	unsigned int i;

	for (i = from; i < t->fake->num_log; i++) {
		u64 qw0 = t->fake->log[i].desc.qw0, g = qw0 >> 4 & 3;

		/* FM 0: no bit of the id is masked */
		if ((qw0 & 0xf) == 1 && good(t, i) &&
		    (g == 1 || (g == 3 && (u16)(qw0 >> 32) == rid &&
				!(qw0 >> 48))))
			return i;
	}
	return NOT_FOUND;
}

static bool present(const u64 *val)
{
	return val[0] & 1;
}

static u16 did_of(const u64 *val)
{
	return val[1];
}

/* Do the two mean the same translation, whoever may use it? */
static bool same(const u64 *a, const u64 *b)
{
	u64 low0 = LOW0_SS, low1 = LOW1_SS;

	if (!present(a) || !present(b))
		return present(a) == present(b);
	if (PGTT(a[0]) != PGTT(b[0]))
		return false;
	if (PGTT(a[0]) == PGTT_PT) {
		low0 = LOW0_PT;
		low1 = LOW1_PT;
	}
	if ((a[0] ^ b[0]) & low0 || (a[1] ^ b[1]) & low1)
		return false;
	return PGTT(a[0]) != PGTT_NESTED ||
	       (!((a[2] ^ b[2]) & ~SRE) && a[3] == b[3]);
}

static bool identical(const u64 *a, const u64 *b)
{
	return same(a, b) && (!present(a) || !((a[2] ^ b[2]) & SRE));
}

/* What the entry of @target has to be; *free* are bits that do not matter. */
static void expected(const struct vtd_target *target, u64 val[8], u64 free[8])
{
	memset(val, 0, 64);
	memset(free, 0, 64);
	/* Without a first stage its half is not looked at */
	free[2] = target->type == VTD_TARGET_BLOCKED ? ~0ULL : ~SRE;
	if (target->type == VTD_TARGET_BLOCKED) {
		free[0] = ~1ULL;
		free[1] = ~0ULL;
		return;
	}
	val[0] = 1;
	val[1] = target->did | (u64)target->snoop << 24;
	val[2] = target->supervisor;
	if (target->type == VTD_TARGET_IDENTITY) {
		val[0] |= PGTT_PT << 6;
		free[0] = FREE0_PT;
		free[1] = FREE1_PT;
		return;
	}
	val[0] |= target->ss_root | (target->ss_levels - 2) << 2 |
		  (u64)target->dirty << 9;
	/* SMPWC: walks snoop */
	val[1] |= BIT_ULL(23);
	if (target->type == VTD_TARGET_SECOND_STAGE) {
		val[0] |= PGTT_SS << 6;
		return;
	}
	val[0] |= PGTT_NESTED << 6;
	free[2] = 0;
	val[2] |= target->fs_root | (target->fs_levels - 4) << 2 |
		  (u64)target->write_protect << 4 |
		  (u64)target->extended_access << 7;
}

static void check_final(struct tables *t, const struct vtd_target *target)
{
	u64 val[8], free[8], *entry = pasid_entry(t, t->pasid);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(t->test, entry);
	expected(target, val, free);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(t->test, entry[i] & ~free[i],
				val[i] & ~free[i]);
}

/* @a first, then @b: could one fetch see halves of both? */
static bool mixable(struct tables *t, unsigned int a, unsigned int b)
{
	const u64 *val = t->states[a].val;

	/* It would have stopped at the first half (6.2.3.1) */
	if (!present(val))
		return false;
	return find_pasid_cache(t, t->states[a + 1].log, did_of(val),
				t->pasid) >= t->states[b].log;
}

/*
 * Whether supervisor requests are let through is a question of its own: it may
 * change before or after the translation.
 */
static void check_meaning(struct tables *t, const u64 *low, const u64 *high,
			  const char *what)
{
	const u64 *old = t->states[0].val;
	const u64 *new = t->states[t->num_states - 1].val;
	u64 val[8] = { low[0], low[1], high[2], high[3] };

	KUNIT_EXPECT_TRUE_MSG(t->test,
			      !present(val) || same(val, old) || same(val, new),
			      "%s: %llx %llx %llx", what, val[0], val[1],
			      val[2]);
	KUNIT_EXPECT_TRUE_MSG(t->test,
			      !present(val) || !((val[2] ^ new[2]) & SRE) ||
			      (present(old) && !((val[2] ^ old[2]) & SRE)),
			      "%s: supervisor requests", what);
}

/* A first stage uses the second half as well */
static bool can_be_hitless(const u64 *old, const u64 *new)
{
	bool low = (old[0] ^ new[0]) || (old[1] ^ new[1]);
	bool high = ((old[2] ^ new[2]) & ~SRE) || (old[3] ^ new[3]);

	return !(low && high && PGTT(old[0]) == PGTT_NESTED &&
		 PGTT(new[0]) == PGTT_NESTED);
}

/* Nothing of entry @val is cached: what there was went behind descriptor @gone. */
static void check_forgotten(struct tables *t, const u64 *val, unsigned int gone)
{
	struct kunit *test = t->test;
	unsigned int cache, iotlb;

	cache = find_pasid_cache(t, gone, did_of(val), t->pasid);
	KUNIT_ASSERT_NE_MSG(test, cache, NOT_FOUND,
			    "no PASID cache invalidation");
	iotlb = find_iotlb(t, cache, did_of(val), t->pasid,
			   PGTT(val[0]) == PGTT_PT);
	KUNIT_ASSERT_NE_MSG(test, iotlb, NOT_FOUND,
			    "no IOTLB invalidation after the PASID cache's");
	KUNIT_EXPECT_GT_MSG(test, t->fake->log[iotlb].submit,
			    t->fake->log[cache].submit,
			    "no barrier behind the PASID cache");
	if (t->device->ats)
		KUNIT_EXPECT_NE_MSG(test, find_devtlb(t, iotlb, t->pasid),
				    NOT_FOUND,
				    "no device TLB invalidation after the IOTLB's");
	else
		KUNIT_EXPECT_EQ(test, find_devtlb(t, 0, t->pasid), NOT_FOUND);
}

/* States from the one before to the last, against what was invalidated when. */
static void check_transition(struct tables *t, bool hitless)
{
	struct state *first = &t->states[0];
	struct state *last = &t->states[t->num_states - 1];
	bool cm = t->fake->unit.cap & CAP_CM, blocked = false;
	struct kunit *test = t->test;
	unsigned int i, k, cache, iotlb;

	for (i = 0; i < t->num_states; i++) {
		check_meaning(t, t->states[i].val, t->states[i].val, "state");
		blocked |= !present(t->states[i].val);
		for (k = i + 1; k < t->num_states; k++) {
			if (!mixable(t, i, k))
				continue;
			check_meaning(t, t->states[i].val, t->states[k].val,
				      "fetch of old and new half");
			check_meaning(t, t->states[k].val, t->states[i].val,
				      "fetch of new and old half");
		}
	}

	if (present(first->val) && present(last->val)) {
		KUNIT_EXPECT_EQ(test, hitless,
				can_be_hitless(first->val, last->val));
		KUNIT_EXPECT_EQ(test, hitless, !blocked);
	}

	if (identical(first->val, last->val))
		return;

	/* 6.5.3.3: whatever was there and is not any more */
	for (i = 0; i + 1 < t->num_states; i++) {
		const u64 *val = t->states[i].val;

		if (!present(val) || identical(val, t->states[i + 1].val) ||
		    identical(val, last->val))
			continue;
		check_forgotten(t, val, t->states[i + 1].log);
	}

	/* 6.1: what was not present may be cached, as of domain 0 */
	if (blocked && present(last->val) && cm) {
		u16 did = did_of(last->val);

		cache = min(find_pasid_cache(t, last->log, did, t->pasid),
			    find_pasid_cache(t, last->log, 0, t->pasid));
		KUNIT_ASSERT_NE(test, cache, NOT_FOUND);
		iotlb = min(find_iotlb(t, cache, did, t->pasid, true),
			    find_iotlb(t, cache, 0, t->pasid, true));
		KUNIT_EXPECT_NE(test, iotlb, NOT_FOUND);
	}
	if (!present(first->val) && !cm)
		KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
}

static void check_get(struct tables *t, const struct vtd_target *want)
{
	struct vtd_target got;

	memset(&got, 0xff, sizeof(got));
	vtd_pasid_get(t->device, t->pasid, &got);
	KUNIT_EXPECT_EQ(t->test, got.type, want->type);
	if (want->type == VTD_TARGET_BLOCKED)
		return;
	KUNIT_EXPECT_EQ(t->test, got.did, want->did);
	KUNIT_EXPECT_EQ(t->test, got.snoop, want->snoop);
	KUNIT_EXPECT_EQ(t->test, got.supervisor, want->supervisor);
	if (want->type == VTD_TARGET_IDENTITY)
		return;
	KUNIT_EXPECT_EQ(t->test, got.ss_levels, want->ss_levels);
	KUNIT_EXPECT_EQ(t->test, got.ss_root, want->ss_root);
	KUNIT_EXPECT_EQ(t->test, got.dirty, want->dirty);
	if (want->type == VTD_TARGET_SECOND_STAGE)
		return;
	KUNIT_EXPECT_EQ(t->test, got.fs_root, want->fs_root);
	KUNIT_EXPECT_EQ(t->test, got.fs_levels, want->fs_levels);
	KUNIT_EXPECT_EQ(t->test, got.write_protect, want->write_protect);
	KUNIT_EXPECT_EQ(t->test, got.extended_access, want->extended_access);
}

static void transition(struct tables *t, const struct vtd_target *from,
		       const struct vtd_target *to)
{
	bool hitless = false, dead = t->dead;
	int rc;

	t->dead = false;
	vtd_pasid_set(t->device, t->pasid, from, NULL);
	t->dead = dead;
	forget(t);
	snapshot(t);

	rc = vtd_pasid_set(t->device, t->pasid, to, &hitless);
	if (!t->dead)
		KUNIT_EXPECT_EQ(t->test, rc, 0);
	else
		KUNIT_EXPECT_EQ(t->test, rc,
				find_devtlb(t, 0, t->pasid) == NOT_FOUND ?
					0 : -ETIMEDOUT);
	check_clean(t);
	check_final(t, to);
	check_get(t, to);
	check_transition(t, hitless);
}

static void all_pairs(struct kunit *test, u64 cap, bool ats, bool dead)
{
	static const u32 pasids[] = { 0, 5, 0x12345 };
	struct tables *t = tables_new(test, cap, ECAP_BASE, 1 << 17);
	unsigned int i, from, to;

	t->device->ats = ats;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	t->dead = dead;
	for (i = 0; i < ARRAY_SIZE(pasids); i++) {
		t->pasid = pasids[i];
		t->record_pasid = true;
		KUNIT_ASSERT_EQ(test, vtd_pasid_prepare(t->device, t->pasid),
				0);
		for (from = 0; from < ARRAY_SIZE(targets); from++) {
			for (to = 0; to < ARRAY_SIZE(targets); to++) {
				transition(t, &targets[from], &targets[to]);
				if (test->status == KUNIT_FAILURE) {
					kunit_info(test,
						   "PASID %x: from %u to %u\n",
						   t->pasid, from, to);
					goto out;
				}
			}
		}
		t->dead = false;
		vtd_pasid_set(t->device, t->pasid, &targets[0], NULL);
		t->dead = dead;
		forget(t);
	}
out:
	t->record_pasid = false;
	vtd_context_remove(t->device);
	mutex_unlock(&t->unit->lock);
}

static void tables_pairs(struct kunit *test)
{
	all_pairs(test, CAP_BASE, false, false);
}

static void tables_pairs_ats(struct kunit *test)
{
	all_pairs(test, CAP_BASE, true, false);
}

static void tables_pairs_caching(struct kunit *test)
{
	all_pairs(test, CAP_BASE | CAP_CM, true, false);
}

/* A device that does not answer changes nothing of the rest. */
static void tables_pairs_dead(struct kunit *test)
{
	all_pairs(test, CAP_BASE, true, true);
}

/* Dirty bits on and off: one store, everything of the domain invalidated */
static void tables_dirty(struct kunit *test)
{
	struct tables *t = tables_new(test, CAP_BASE, ECAP_BASE, 64);
	unsigned int i, on;

	t->device->ats = true;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	t->pasid = 7;
	t->record_pasid = true;
	KUNIT_ASSERT_EQ(test, vtd_pasid_prepare(t->device, t->pasid), 0);
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		struct vtd_target target = targets[i];

		if (target.type != VTD_TARGET_SECOND_STAGE &&
		    target.type != VTD_TARGET_NESTED)
			continue;
		vtd_pasid_set(t->device, t->pasid, &target, NULL);
		for (on = 0; on < 4; on++) {
			forget(t);
			snapshot(t);
			target.dirty = !(on % 2);
			KUNIT_EXPECT_EQ(test,
					vtd_pasid_set_dirty(t->device, t->pasid,
							    target.dirty), 0);
			check_clean(t);
			check_final(t, &target);
			check_transition(t, true);
		}
		t->dead = true;
		target.dirty = true;
		KUNIT_EXPECT_EQ(test,
				vtd_pasid_set_dirty(t->device, t->pasid, true),
				-ETIMEDOUT);
		check_final(t, &target);
		t->dead = false;
	}
	t->record_pasid = false;
	vtd_pasid_set(t->device, t->pasid, &targets[0], NULL);
	vtd_context_remove(t->device);
	mutex_unlock(&t->unit->lock);
}

/* 9.4: P, DTE bit 2, PASIDE bit 3, PRE bit 4, PDTS from bit 9 on, directory */
static u64 context_want(struct tables *t, unsigned int pdts)
{
	return 1 | (u64)t->device->ats << 2 |
	       (u64)t->device->pasid_enabled << 3 |
	       (u64)t->device->pri << 4 | pdts << 9 |
	       virt_to_phys(t->device->pasid_dir);
}

static void check_context(struct tables *t, u16 rid, unsigned int pdts)
{
	u64 *entry = context_entry(t, rid);

	KUNIT_ASSERT_NOT_NULL(t->test, entry);
	KUNIT_EXPECT_EQ(t->test, entry[0], context_want(t, pdts));
	/* RID_PASID 0, RID_PRIV 0 */
	KUNIT_EXPECT_EQ(t->test, entry[1], 0ULL);
	KUNIT_EXPECT_EQ(t->test, entry[2], 0ULL);
	KUNIT_EXPECT_EQ(t->test, entry[3], 0ULL);
}

/* Each state is the old or the new entry, in full. */
static void check_context_states(struct tables *t, u64 old, u64 new)
{
	unsigned int i;
	bool seen = false;

	KUNIT_EXPECT_GT(t->test, t->num_states, 0);
	for (i = 0; i < t->num_states; i++) {
		u64 val = t->states[i].val[0];

		seen |= val == new;
		/* Not present is nothing, whatever else is in there. */
		if (!(old & 1) && !(val & 1))
			continue;
		if (!(new & 1) && !(val & 1))
			continue;
		KUNIT_EXPECT_EQ(t->test, val, seen ? new : old);
	}
	if (new & 1)
		KUNIT_EXPECT_TRUE(t->test, seen);
}

/* The first state in which the entry was not @old */
static unsigned int context_changed(struct tables *t, u64 old)
{
	unsigned int i;

	for (i = 0; i < t->num_states; i++)
		if (t->states[i].val[0] != old)
			return t->states[i].log;
	return NOT_FOUND;
}

/* Run for either requester id of the device, as only one is recorded at a time. */
static void context_life(struct kunit *test, u16 record, u64 cap)
{
	struct tables *t = tables_new(test, cap, ECAP_BASE, 1 << 15);
	struct vtd_device *device = t->device;
	static const struct {
		bool ats, pri;
	} steps[] = { {1, 0}, {1, 1}, {1, 0}, {0, 0} };
	unsigned int i, changed, at;
	u64 old, new;

	device->rids[1] = ALIAS;
	device->num_rids = 2;
	t->rid = record;
	t->record_context = true;
	mutex_lock(&t->unit->lock);

	/* 2^15 PASIDs are 512 directory entries: 2^(2 + 7) */
	KUNIT_ASSERT_EQ(test, vtd_context_install(device), 0);
	new = context_want(t, 2);
	check_clean(t);
	check_context_states(t, 0, new);
	check_context(t, RID, 2);
	check_context(t, ALIAS, 2);
	at = find_context_cache(t, t->states[t->num_states - 1].log, record);
	if (cap & CAP_CM)
		KUNIT_EXPECT_NE(test, at, NOT_FOUND);
	else
		KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	/* No other requester of either bus */
	for (i = 0; i < 0x100; i++) {
		u64 *entry = context_entry(t, 0x100 | i);

		if (entry && (0x100 | i) != RID)
			KUNIT_EXPECT_EQ(test, entry[0], 0ULL);
		entry = context_entry(t, 0x200 | i);
		if (entry && (0x200 | i) != ALIAS)
			KUNIT_EXPECT_EQ(test, entry[0], 0ULL);
	}

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		old = new;
		forget(t);
		device->ats = steps[i].ats;
		device->pri = steps[i].pri;
		KUNIT_EXPECT_EQ(test, vtd_context_update(device), 0);
		new = context_want(t, 2);
		check_clean(t);
		check_context_states(t, old, new);
		check_context(t, RID, 2);
		check_context(t, ALIAS, 2);
		changed = context_changed(t, old);
		KUNIT_ASSERT_NE(test, changed, NOT_FOUND);
		KUNIT_EXPECT_NE(test, find_context_cache(t, changed, record),
				NOT_FOUND);
	}

	old = new;
	forget(t);
	vtd_context_remove(device);
	check_clean(t);
	check_context_states(t, old, 0);
	changed = context_changed(t, old);
	KUNIT_ASSERT_NE(test, changed, NOT_FOUND);
	KUNIT_EXPECT_EQ(test, context_entry(t, RID)[0] & 1, 0ULL);
	KUNIT_EXPECT_EQ(test, context_entry(t, ALIAS)[0] & 1, 0ULL);
	KUNIT_EXPECT_NE(test, find_context_cache(t, changed, record),
			NOT_FOUND);
	t->record_context = false;
	mutex_unlock(&t->unit->lock);
}

static void tables_context(struct kunit *test)
{
	context_life(test, RID, CAP_BASE);
}

static void tables_context_alias(struct kunit *test)
{
	context_life(test, ALIAS, CAP_BASE);
}

static void tables_context_caching(struct kunit *test)
{
	context_life(test, RID, CAP_BASE | CAP_CM);
}

/*
 * A device without PASIDs. What it had cached went when its last PASID was
 * blocked; a time-out of it does not keep the context cache from being flushed.
 */
static void tables_context_ats(struct kunit *test)
{
	struct tables *t = tables_new(test, CAP_BASE, ECAP_BASE, 1);
	u64 entry;

	t->device->ats = true;
	t->record_context = true;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	check_context(t, RID, 0);
	entry = context_want(t, 0);
	forget(t);
	t->dead = true;
	vtd_context_remove(t->device);
	KUNIT_EXPECT_NE(test,
			find_context_cache(t, context_changed(t, entry), RID),
			NOT_FOUND);
	t->record_context = false;
	mutex_unlock(&t->unit->lock);
}

/* The directory for every width: PDTS is the smallest that holds all PASIDs. */
static void tables_directory(struct kunit *test)
{
	static const struct {
		u32 max_pasids;
		unsigned int pdts;
	} widths[] = {
		{ 1, 0 }, { 64, 0 }, { 1 << 13, 0 }, { (1 << 13) + 1, 1 },
		{ 1 << 14, 1 }, { 1 << 16, 3 }, { 1 << 20, 7 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		u32 max_pasids = widths[i].max_pasids;
		struct tables *t = tables_new(test, CAP_BASE, ECAP_BASE,
					      max_pasids);

		mutex_lock(&t->unit->lock);
		KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
		check_context(t, RID, widths[i].pdts);
		t->pasid = max_pasids - 1;
		t->record_pasid = true;
		KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, t->pasid),
				0);
		KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, t->pasid),
				0);
		KUNIT_ASSERT_NOT_NULL(test, pasid_entry(t, t->pasid));
		KUNIT_EXPECT_EQ(test,
				t->device->pasid_dir[t->pasid >> 6] & 0xffe,
				0ULL);
		KUNIT_EXPECT_FALSE(test, present(pasid_entry(t, t->pasid)));
		transition(t, &targets[0], &targets[3]);
		transition(t, &targets[3], &targets[0]);
		t->record_pasid = false;
		vtd_context_remove(t->device);
		mutex_unlock(&t->unit->lock);
	}
}

/* 11.4.6: the root pointer, translation table mode 01 */
static void tables_root(struct kunit *test)
{
	struct tables *t = tables_new(test, CAP_BASE, ECAP_BASE, 1);
	u64 address = vtd_root_address(t->unit), *root;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, address & 0xfff, 0x400ULL);
	root = phys_to_virt(address & ADDRESS);
	for (i = 0; i < 512; i++)
		KUNIT_EXPECT_EQ(test, root[i], 0ULL);
	KUNIT_EXPECT_TRUE(test, was_cleaned(t, root, PAGE_SIZE));
}

/* 6.8: where stores wait in a buffer, it is flushed */
static void tables_write_buffer(struct kunit *test)
{
	struct tables *t = tables_new(test, CAP_BASE | CAP_RWBF, ECAP_BASE, 64);

	mutex_lock(&t->unit->lock);
	forget(t);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	KUNIT_EXPECT_NE(test, vtd_fake_reg32(t->fake, DMAR_GSTS_REG) & GCMD_WBF,
			0);
	KUNIT_ASSERT_EQ(test, vtd_pasid_prepare(t->device, 3), 0);
	forget(t);
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 3, &targets[2], NULL), 0);
	KUNIT_EXPECT_NE(test, vtd_fake_reg32(t->fake, DMAR_GSTS_REG) & GCMD_WBF,
			0);
	vtd_pasid_set(t->device, 3, &targets[0], NULL);
	vtd_context_remove(t->device);
	mutex_unlock(&t->unit->lock);
}

#ifdef CONFIG_X86_64
/* Reads an entry's first half the way a unit does, while it changes. */
struct observer {
	u64 *entry;
	u64 want[4][2];
	unsigned long reads;
	unsigned long torn;
};

static int observe(void *arg)
{
	struct observer *seen = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		/* Changes nothing, whatever is there */
		u128 val = cmpxchg128((u128 *)seen->entry, 0, 0);

		for (i = 0; i < ARRAY_SIZE(seen->want); i++)
			if ((u64)val == seen->want[i][0] &&
			    (u64)(val >> 64) == seen->want[i][1])
				break;
		/* Not present: nothing else counts. */
		if (i == ARRAY_SIZE(seen->want) && ((u64)val & 1))
			seen->torn++;
		seen->reads++;
		cond_resched();
	}
	return 0;
}

static void tables_atomic(struct kunit *test)
{
	static const unsigned int which[] = { 1, 3, 4, 6 };
	struct tables *t = tables_new(test, CAP_BASE, ECAP_BASE, 64);
	struct observer *seen = kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);
	struct task_struct *thread;
	unsigned long end;
	unsigned int i;

	if (!system_has_cmpxchg128())
		kunit_skip(test, "no 128-bit exchange");
	KUNIT_ASSERT_NOT_NULL(test, seen);
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_pasid_prepare(t->device, 9), 0);
	seen->entry = pasid_entry(t, 9);
	KUNIT_ASSERT_NOT_NULL(test, seen->entry);
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		vtd_pasid_set(t->device, 9, &targets[which[i]], NULL);
		seen->want[i][0] = seen->entry[0];
		seen->want[i][1] = seen->entry[1];
	}
	thread = kthread_run(observe, seen, "vtd_observer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	end = jiffies + HZ;
	for (i = 0; time_before(jiffies, end); i++) {
		vtd_fake_forget(t->fake);
		vtd_pasid_set(t->device, 9,
			      &targets[which[i % ARRAY_SIZE(which)]], NULL);
		cond_resched();
	}
	kthread_stop(thread);
	vtd_pasid_set(t->device, 9, &targets[0], NULL);
	mutex_unlock(&t->unit->lock);
	KUNIT_EXPECT_GT(test, seen->reads, 100UL);
	KUNIT_EXPECT_EQ(test, seen->torn, 0UL);
	kunit_info(test, "%u changes, %lu reads\n", i, seen->reads);
}
#endif

static struct kunit_case tables_cases[] = {
	KUNIT_CASE(tables_root),
	KUNIT_CASE(tables_directory),
	KUNIT_CASE(tables_context),
	KUNIT_CASE(tables_context_alias),
	KUNIT_CASE(tables_context_caching),
	KUNIT_CASE(tables_context_ats),
	KUNIT_CASE_SLOW(tables_pairs),
	KUNIT_CASE_SLOW(tables_pairs_ats),
	KUNIT_CASE_SLOW(tables_pairs_caching),
	KUNIT_CASE_SLOW(tables_pairs_dead),
	KUNIT_CASE(tables_dirty),
	KUNIT_CASE(tables_write_buffer),
#ifdef CONFIG_X86_64
	KUNIT_CASE_SLOW(tables_atomic),
#endif
	{}
};

static struct kunit_suite tables_suite = {
	.name = "iommufd_vtd_tables",
	.test_cases = tables_cases,
};

kunit_test_suite(tables_suite);
