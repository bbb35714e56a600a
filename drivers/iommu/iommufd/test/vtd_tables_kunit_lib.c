// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder of context and PASID table entries.
 *
 * The unit does not snoop tables, so it sees of a store what was cleaned: each
 * clean of an entry, or of the pointer to the table that it is in, is a state that the
 * unit can fetch. A fetch is of 128 bits at a time, so it can also see halves of two
 * states, unless the PASID cache was invalidated in between, or they are in two
 * tables. Every entry that can be seen has to mean, in the bits that its translation
 * type uses, what it meant before or what it is to mean. What has to be invalidated
 * when is the table of 6.5.3.3; the layouts are those of 9.1 to 9.6, as plain numbers.
 */
#include <linux/delay.h>
#include <linux/io.h>

#include "vtd_tables_kunit.h"

/* PASID table entry, 9.6: what a translation type uses of the first 128 bits */
#define PGTT(val0)	((val0) >> 6 & 7)
#define PGTT_SS		2
#define PGTT_NESTED	3
#define PGTT_PT		4
#define LOW0_SS		(ADDRESS | 0x3ff)
#define LOW0_PT		(7ULL << 6 | 3)
#define LOW1_SS		(0xffffULL | BIT_ULL(23) | BIT_ULL(24))
#define LOW1_PT		(0xffffULL | BIT_ULL(24))
/* Supervisor requests: bit 0 of the second half, with every type that is present */
#define SRE		1ULL
/* Walks: free where nothing walks */
#define FREE0_PT	(7ULL << 2)
#define FREE1_PT	BIT_ULL(23)

static u64 *root_slot(struct tables *t, u16 rid)
{
	u64 *root = phys_to_virt(vtd_root_address(t->unit) & ADDRESS);

	/* 9.1: two pointers for each bus, devices 0 to 15 and 16 to 31 */
	return root + (rid >> 8) * 2 + (rid >> 7 & 1);
}

u64 *rec_context_entry(struct tables *t, u16 rid)
{
	u64 slot = *root_slot(t, rid);

	return slot & 1 ? (u64 *)phys_to_virt(slot & ADDRESS) + (rid & 0x7f) * 4
			: NULL;
}

u64 *rec_pasid_entry(struct tables *t, u32 pasid)
{
	u64 slot = t->device->pasid_dir[pasid >> 6];

	return slot & 1 ? (u64 *)phys_to_virt(slot & ADDRESS) + (pasid & 63) * 8
			: NULL;
}

static u64 *pasid_slot(struct tables *t)
{
	return t->device->pasid_dir + (t->pasid >> 6);
}

static u64 *recorded_entry(struct tables *t, size_t *size)
{
	*size = t->record_pasid ? 64 : 32;
	if (t->record_pasid)
		return rec_pasid_entry(t, t->pasid);
	if (t->record_context)
		return rec_context_entry(t, t->rid);
	return NULL;
}

static bool overlaps(void *a, size_t a_size, void *b, size_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Cache lines hold 64 bytes. */
bool rec_was_cleaned(struct tables *t, void *addr, size_t size)
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

static struct seen *find_seen(struct tables *t, u64 *table)
{
	unsigned int i;

	for (i = 0; i < t->num_seen; i++)
		if (t->seen[i].table == table)
			return &t->seen[i];
	return NULL;
}

/* Cache lines of @addr are written back. */
static void note_seen(struct tables *t, void *addr, size_t size)
{
	u64 *table = PTR_ALIGN_DOWN(addr, PAGE_SIZE);
	struct seen *seen = find_seen(t, table);
	size_t line, end;

	if (!seen && (addr != table || size != PAGE_SIZE))
		return;
	if (!seen && t->num_seen == MAX_SEEN) {
		KUNIT_FAIL(t->test, "more tables than can be recorded");
		return;
	}
	if (!seen) {
		seen = &t->seen[t->num_seen++];
		seen->table = table;
	}
	line = offset_in_page(addr) / 64;
	end = DIV_ROUND_UP(offset_in_page(addr) + size, 64);
	for (; line < min(end, PAGE_SIZE / 64); line++)
		memcpy(&seen->val[line * 8], &table[line * 8], 64);
}

/*
 * The pointer to the PASID table is there: of the table all can be seen, and of a
 * table that takes the place of another one, the other entries are the same.
 */
static void check_table(struct tables *t)
{
	u64 slot = *pasid_slot(t), *table;
	unsigned int i, own = (t->pasid & 63) * 8;
	struct seen *seen;

	if (!(slot & 1))
		return;
	table = phys_to_virt(slot & ADDRESS);
	seen = find_seen(t, table);
	KUNIT_EXPECT_TRUE_MSG(t->test,
			      seen && !memcmp(seen->val, table, PAGE_SIZE),
			      "a table was not written back");
	for (i = 0; t->table && i < PAGE_SIZE / sizeof(u64); i++)
		if (i < own || i >= own + 8)
			KUNIT_EXPECT_EQ(t->test, table[i], t->table[i]);
	t->table = table;
}

/* Of what @slot points to, @size bytes can be seen, if the pointer can be. */
static void check_pointer(struct tables *t, u64 *slot, size_t size)
{
	if (*slot & 1)
		KUNIT_EXPECT_TRUE(t->test,
				  rec_was_cleaned(t,
						  phys_to_virt(*slot & ADDRESS),
						  size));
}

/* @addr is being cleaned: pointers in it get to be seen. */
static void check_published(struct tables *t, void *addr, size_t size)
{
	u64 *slot;

	if (t->record_context) {
		slot = root_slot(t, t->rid);
		if (overlaps(slot, 8, addr, size))
			check_pointer(t, slot, PAGE_SIZE);
		slot = rec_context_entry(t, t->rid);
		if (slot && overlaps(slot, 32, addr, size))
			check_pointer(t, slot, 1024UL << (*slot >> 9 & 7));
	}
	if (t->record_pasid && overlaps(pasid_slot(t), 8, addr, size))
		check_table(t);
}

void rec_snapshot(struct tables *t)
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
	state->at = entry;
	state->log = t->fake->num_log;
}

static void tables_on_clean(struct vtd_fake *fake, void *addr, size_t size)
{
	struct tables *t = fake->priv;
	size_t entry_size;
	u64 *entry = recorded_entry(t, &entry_size);

	note_seen(t, addr, size);
	check_published(t, addr, size);
	if (t->num_cleaned < MAX_CLEANED) {
		t->cleaned[t->num_cleaned].addr = addr;
		t->cleaned[t->num_cleaned++].size = size;
	}
	if (entry && (overlaps(entry, entry_size, addr, size) ||
		      (t->record_pasid &&
		       overlaps(pasid_slot(t), 8, addr, size))))
		rec_snapshot(t);
}

/* What was stored and not cleaned is a bug, whoever comes to see it first. */
void rec_check_clean(struct tables *t)
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

/* Who has begun to fetch by a pointer that is gone has done so in the end. */
static void wait_for_fetches(struct tables *t)
{
	unsigned long since = READ_ONCE(*t->fetches);

	/* Asleep: the one CPU there may be is the reader's */
	while (READ_ONCE(*t->fetches) - since < 2)
		usleep_range(20, 100);
}

static int tables_on_submit(struct vtd_fake *fake, const struct qi_desc *descs,
			    unsigned int num, bool drain)
{
	struct tables *t = fake->priv;
	unsigned int i;
	int rc = 0;

	rec_check_clean(t);
	if (t->fetches)
		wait_for_fetches(t);
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

struct tables *rec_new(struct kunit *test, u64 cap, u64 ecap,
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

void rec_forget(struct tables *t)
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

/* 6.5.2.2: first invalidation from @from on of the whole PASID cache */
static unsigned int find_pasid_cache_all(struct tables *t, unsigned int from)
{
	unsigned int i;

	for (i = from; i < t->fake->num_log; i++)
		if ((t->fake->log[i].desc.qw0 & 0x3f) == 0x37 && good(t, i))
			return i;
	return NOT_FOUND;
}

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
unsigned int rec_find_context_cache(struct tables *t, unsigned int from,
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

void rec_check_final(struct tables *t, const struct vtd_target *target)
{
	u64 val[8], free[8], *entry = rec_pasid_entry(t, t->pasid);
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

	if (t->states[a].at != t->states[b].at)
		return false;
	/* It would have stopped at the first half (6.2.3.1) */
	if (!present(val))
		return false;
	return find_pasid_cache(t, t->states[a + 1].log, did_of(val),
				t->pasid) >= t->states[b].log;
}

static void check_meaning(struct tables *t, const u64 *low, const u64 *high,
			  const char *what)
{
	const u64 *old = t->states[0].val;
	const u64 *new = t->states[t->num_states - 1].val;
	u64 val[8] = { low[0], low[1], high[2], high[3] };

	KUNIT_EXPECT_TRUE_MSG(t->test,
			      identical(val, old) || identical(val, new),
			      "%s: %llx %llx %llx", what, val[0], val[1],
			      val[2]);
}

/*
 * One half changes, or the other one is not looked at before or after: then the table
 * stays where it is.
 */
static bool can_be_one_step(const u64 *old, const u64 *new)
{
	bool low = (old[0] ^ new[0]) || (old[1] ^ new[1]);
	bool high = ((old[2] ^ new[2]) & ~SRE) || (old[3] ^ new[3]);

	if (!low || !present(old) || !present(new))
		return true;
	return !((old[2] ^ new[2]) & SRE) &&
	       !(high && PGTT(old[0]) == PGTT_NESTED &&
		 PGTT(new[0]) == PGTT_NESTED);
}

/*
 * Nothing of the entry of state @i is cached: what there was went when state @i + 1
 * appeared. If it went with its table, nothing of that is cached: of any entry.
 */
static void check_forgotten(struct tables *t, unsigned int i)
{
	const u64 *val = t->states[i].val;
	unsigned int gone = t->states[i + 1].log;
	struct kunit *test = t->test;
	unsigned int cache, iotlb;

	cache = find_pasid_cache(t, gone, did_of(val), t->pasid);
	if (t->states[i].at != t->states[i + 1].at)
		cache = find_pasid_cache_all(t, gone);
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
void rec_check_transition(struct tables *t)
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

	/* Also at the moment of a submission, when the unit is sure to look */
	if (present(first->val) && present(last->val))
		KUNIT_EXPECT_FALSE(test, blocked);
	if (can_be_one_step(first->val, last->val))
		KUNIT_EXPECT_PTR_EQ(test, first->at, last->at);

	if (identical(first->val, last->val))
		return;

	/* 6.5.3.3: whatever was there and is not any more */
	for (i = 0; i + 1 < t->num_states; i++) {
		const u64 *val = t->states[i].val;

		if (!present(val) || identical(val, t->states[i + 1].val) ||
		    identical(val, last->val))
			continue;
		check_forgotten(t, i);
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

void rec_set(struct tables *t, const struct vtd_target *target)
{
	t->table = NULL;
	KUNIT_ASSERT_EQ(t->test, vtd_pasid_prepare(t->device, t->pasid), 0);
	vtd_pasid_set(t->device, t->pasid, target);
}

void rec_transition(struct tables *t, const struct vtd_target *from,
		    const struct vtd_target *to)
{
	bool dead = t->dead;
	int rc;

	t->dead = false;
	rec_set(t, from);
	t->dead = dead;
	KUNIT_ASSERT_EQ(t->test, vtd_pasid_prepare(t->device, t->pasid), 0);
	t->table = PTR_ALIGN_DOWN(rec_pasid_entry(t, t->pasid), PAGE_SIZE);
	rec_forget(t);
	rec_snapshot(t);

	rc = vtd_pasid_set(t->device, t->pasid, to);
	if (!t->dead)
		KUNIT_EXPECT_EQ(t->test, rc, 0);
	else
		KUNIT_EXPECT_EQ(t->test, rc,
				find_devtlb(t, 0, t->pasid) == NOT_FOUND ?
					0 : -ETIMEDOUT);
	rec_check_clean(t);
	rec_check_final(t, to);
	check_get(t, to);
	rec_check_transition(t);
}
