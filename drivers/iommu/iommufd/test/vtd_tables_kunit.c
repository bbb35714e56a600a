// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions of context and PASID table entries: each to each, with what can go
 * wrong. The recorder says what is allowed (vtd_tables_kunit_lib.c).
 */
#include <asm/cmpxchg.h>
#include <linux/io.h>
#include <linux/kthread.h>

#include "vtd_tables_kunit.h"

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

/* Others of the same table, which are not to be touched */
static void set_neighbours(struct tables *t, bool on)
{
	static const struct {
		u32 pasid;
		unsigned int target;
	} others[] = { { 1, 6 }, { 2, 8 }, { 62, 11 } };
	unsigned int i;
	u32 pasid;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		pasid = t->pasid ^ others[i].pasid;
		KUNIT_ASSERT_EQ(t->test, vtd_pasid_prepare(t->device, pasid),
				0);
		vtd_pasid_set(t->device, pasid,
			      &targets[on ? others[i].target : 0]);
	}
}

static void all_pairs(struct kunit *test, u64 cap, bool ats, bool dead)
{
	static const u32 pasids[] = { 0, 5, 0x12345 };
	struct tables *t = rec_new(test, cap, ECAP_BASE, 1 << 17);
	unsigned int i, from, to;

	t->device->ats = ats;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	t->dead = dead;
	for (i = 0; i < ARRAY_SIZE(pasids); i++) {
		t->pasid = pasids[i];
		set_neighbours(t, true);
		t->record_pasid = true;
		for (from = 0; from < ARRAY_SIZE(targets); from++) {
			for (to = 0; to < ARRAY_SIZE(targets); to++) {
				rec_transition(t, &targets[from], &targets[to]);
				if (test->status == KUNIT_FAILURE) {
					kunit_info(test,
						   "PASID %x: from %u to %u\n",
						   t->pasid, from, to);
					goto out;
				}
			}
		}
		t->dead = false;
		vtd_pasid_set(t->device, t->pasid, &targets[0]);
		set_neighbours(t, false);
		t->dead = dead;
		rec_forget(t);
		t->record_pasid = false;
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

/* Without a table to copy to, what would need it is refused, and nothing is done. */
static void tables_no_spare(struct kunit *test)
{
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 64);

	mutex_lock(&t->unit->lock);
	t->pasid = 7;
	t->record_pasid = true;
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 7, &targets[8]), -EINVAL);
	rec_set(t, &targets[8]);
	rec_forget(t);
	rec_snapshot(t);
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 7, &targets[9]), -EINVAL);
	rec_check_final(t, &targets[8]);
	KUNIT_EXPECT_EQ(test, t->num_states, 1);
	KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, 7), 0);
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 7, &targets[9]), 0);
	rec_check_final(t, &targets[9]);
	rec_check_transition(t);
	/* The one that was used last serves again */
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 7, &targets[8]), 0);
	vtd_pasid_set(t->device, 7, &targets[0]);
	mutex_unlock(&t->unit->lock);
}

/* Dirty bits on and off: one store, everything of the domain invalidated */
static void tables_dirty(struct kunit *test)
{
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 64);
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
		rec_set(t, &target);
		for (on = 0; on < 4; on++) {
			rec_forget(t);
			rec_snapshot(t);
			target.dirty = !(on % 2);
			KUNIT_EXPECT_EQ(test,
					vtd_pasid_set_dirty(t->device, t->pasid,
							    target.dirty), 0);
			rec_check_clean(t);
			rec_check_final(t, &target);
			rec_check_transition(t);
		}
		t->dead = true;
		target.dirty = true;
		KUNIT_EXPECT_EQ(test,
				vtd_pasid_set_dirty(t->device, t->pasid, true),
				-ETIMEDOUT);
		rec_check_final(t, &target);
		t->dead = false;
	}
	t->record_pasid = false;
	vtd_pasid_set(t->device, t->pasid, &targets[0]);
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
	u64 *entry = rec_context_entry(t, rid);

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
	struct tables *t = rec_new(test, cap, ECAP_BASE, 1 << 15);
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
	rec_check_clean(t);
	check_context_states(t, 0, new);
	check_context(t, RID, 2);
	check_context(t, ALIAS, 2);
	at = rec_find_context_cache(t, t->states[t->num_states - 1].log, record);
	if (cap & CAP_CM)
		KUNIT_EXPECT_NE(test, at, NOT_FOUND);
	else
		KUNIT_EXPECT_EQ(test, t->fake->num_log, 0);
	/* No other requester of either bus */
	for (i = 0; i < 0x100; i++) {
		u64 *entry = rec_context_entry(t, 0x100 | i);

		if (entry && (0x100 | i) != RID)
			KUNIT_EXPECT_EQ(test, entry[0], 0ULL);
		entry = rec_context_entry(t, 0x200 | i);
		if (entry && (0x200 | i) != ALIAS)
			KUNIT_EXPECT_EQ(test, entry[0], 0ULL);
	}

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		old = new;
		rec_forget(t);
		device->ats = steps[i].ats;
		device->pri = steps[i].pri;
		KUNIT_EXPECT_EQ(test, vtd_context_update(device), 0);
		new = context_want(t, 2);
		rec_check_clean(t);
		check_context_states(t, old, new);
		check_context(t, RID, 2);
		check_context(t, ALIAS, 2);
		changed = context_changed(t, old);
		KUNIT_ASSERT_NE(test, changed, NOT_FOUND);
		KUNIT_EXPECT_NE(test, rec_find_context_cache(t, changed, record),
				NOT_FOUND);
	}

	old = new;
	rec_forget(t);
	vtd_context_remove(device);
	rec_check_clean(t);
	check_context_states(t, old, 0);
	changed = context_changed(t, old);
	KUNIT_ASSERT_NE(test, changed, NOT_FOUND);
	KUNIT_EXPECT_EQ(test, rec_context_entry(t, RID)[0] & 1, 0ULL);
	KUNIT_EXPECT_EQ(test, rec_context_entry(t, ALIAS)[0] & 1, 0ULL);
	KUNIT_EXPECT_NE(test, rec_find_context_cache(t, changed, record),
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
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 1);
	u64 entry;

	t->device->ats = true;
	t->record_context = true;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	check_context(t, RID, 0);
	entry = context_want(t, 0);
	rec_forget(t);
	t->dead = true;
	vtd_context_remove(t->device);
	KUNIT_EXPECT_NE(test,
			rec_find_context_cache(t, context_changed(t, entry), RID),
			NOT_FOUND);
	t->record_context = false;
	mutex_unlock(&t->unit->lock);
}

/* What did not answer does not translate by itself (DTE), whatever it has on. */
static void tables_context_suspect(struct kunit *test)
{
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 1);
	const u64 dte = BIT_ULL(2);

	t->device->ats = true;
	mutex_lock(&t->unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	KUNIT_EXPECT_EQ(test, rec_context_entry(t, RID)[0] & dte, dte);
	t->device->suspect = true;
	KUNIT_EXPECT_EQ(test, vtd_context_update(t->device), 0);
	KUNIT_EXPECT_EQ(test, rec_context_entry(t, RID)[0] & dte, 0);
	vtd_context_remove(t->device);
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
		struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE,
					      max_pasids);

		mutex_lock(&t->unit->lock);
		KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
		check_context(t, RID, widths[i].pdts);
		KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, max_pasids),
				-EINVAL);
		t->pasid = max_pasids - 1;
		t->record_pasid = true;
		KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, t->pasid),
				0);
		KUNIT_EXPECT_EQ(test, vtd_pasid_prepare(t->device, t->pasid),
				0);
		KUNIT_ASSERT_NOT_NULL(test, rec_pasid_entry(t, t->pasid));
		KUNIT_EXPECT_EQ(test,
				t->device->pasid_dir[t->pasid >> 6] & 0xffe,
				0ULL);
		KUNIT_EXPECT_FALSE(test, present(rec_pasid_entry(t, t->pasid)));
		rec_transition(t, &targets[0], &targets[3]);
		rec_transition(t, &targets[3], &targets[0]);
		t->record_pasid = false;
		vtd_context_remove(t->device);
		mutex_unlock(&t->unit->lock);
	}
}

/* 11.4.5: the root pointer, translation table mode 01 */
static void tables_root(struct kunit *test)
{
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 1);
	u64 address = vtd_root_address(t->unit), *root;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, address & 0xfff, 0x400ULL);
	root = phys_to_virt(address & ADDRESS);
	for (i = 0; i < 512; i++)
		KUNIT_EXPECT_EQ(test, root[i], 0ULL);
	KUNIT_EXPECT_TRUE(test, rec_was_cleaned(t, root, PAGE_SIZE));
}

/* 6.8: where stores wait in a buffer, it is flushed */
static void tables_write_buffer(struct kunit *test)
{
	struct tables *t = rec_new(test, CAP_BASE | CAP_RWBF, ECAP_BASE, 64);

	mutex_lock(&t->unit->lock);
	rec_forget(t);
	KUNIT_ASSERT_EQ(test, vtd_context_install(t->device), 0);
	KUNIT_EXPECT_NE(test, vtd_fake_reg32(t->fake, DMAR_GSTS_REG) & GCMD_WBF,
			0);
	KUNIT_ASSERT_EQ(test, vtd_pasid_prepare(t->device, 3), 0);
	rec_forget(t);
	KUNIT_EXPECT_EQ(test, vtd_pasid_set(t->device, 3, &targets[2]), 0);
	KUNIT_EXPECT_NE(test, vtd_fake_reg32(t->fake, DMAR_GSTS_REG) & GCMD_WBF,
			0);
	vtd_pasid_set(t->device, 3, &targets[0]);
	vtd_context_remove(t->device);
	mutex_unlock(&t->unit->lock);
}

#ifdef CONFIG_X86_64
/* Reads an entry the way a unit does, by the directory, while it changes. */
struct observer {
	u64 *slot;
	unsigned int index;
	u64 want[4][3];
	unsigned long reads;
	unsigned long torn;
};

/* Changes nothing, whatever is there */
static u128 fetch(u64 *at)
{
	return cmpxchg128((u128 *)at, 0, 0);
}

static int observe(void *arg)
{
	struct observer *seen = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		u64 *table = phys_to_virt(READ_ONCE(*seen->slot) & ADDRESS);
		u128 low = fetch(table + seen->index * 8);
		u128 high = fetch(table + seen->index * 8 + 2);

		for (i = 0; i < ARRAY_SIZE(seen->want); i++)
			if ((u64)low == seen->want[i][0] &&
			    (u64)(low >> 64) == seen->want[i][1] &&
			    (u64)high == seen->want[i][2])
				break;
		if (i == ARRAY_SIZE(seen->want))
			seen->torn++;
		/* Behind the fetches: who waits for it changes what they read */
		smp_store_release(&seen->reads, seen->reads + 1);
		cond_resched();
	}
	return 0;
}

/* One after the other of @which, of which there are as many as an observer knows */
static void change_observed(struct kunit *test, const unsigned int *which)
{
	struct tables *t = rec_new(test, CAP_BASE, ECAP_BASE, 64);
	struct observer *seen = kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);
	unsigned int i, num = ARRAY_SIZE(seen->want);
	struct task_struct *thread;
	unsigned long end;

	if (!system_has_cmpxchg128())
		kunit_skip(test, "no 128-bit exchange");
	KUNIT_ASSERT_NOT_NULL(test, seen);
	mutex_lock(&t->unit->lock);
	t->pasid = 9;
	seen->slot = t->device->pasid_dir;
	seen->index = 9;
	for (i = 0; i < num; i++) {
		rec_set(t, &targets[which[i]]);
		memcpy(seen->want[i], rec_pasid_entry(t, 9),
		       sizeof(seen->want[i]));
	}
	thread = kthread_run(observe, seen, "vtd_observer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	t->fetches = &seen->reads;
	end = jiffies + HZ;
	for (i = 0; time_before(jiffies, end); i++) {
		vtd_fake_forget(t->fake);
		rec_set(t, &targets[which[i % num]]);
		cond_resched();
	}
	t->fetches = NULL;
	kthread_stop(thread);
	vtd_pasid_set(t->device, 9, &targets[0]);
	mutex_unlock(&t->unit->lock);
	KUNIT_EXPECT_GT(test, seen->reads, 100UL);
	KUNIT_EXPECT_EQ(test, seen->torn, 0UL);
	kunit_info(test, "%u changes, %lu reads\n", i, seen->reads);
}

/* In place: one store */
static void tables_atomic(struct kunit *test)
{
	static const unsigned int which[] = { 1, 3, 4, 7 };

	change_observed(test, which);
}

/* In a copy of the table, but for the last to the first: one store of the high half */
static void tables_atomic_copy(struct kunit *test)
{
	static const unsigned int which[] = { 8, 9, 10, 11 };

	change_observed(test, which);
}
#endif

static struct kunit_case tables_cases[] = {
	KUNIT_CASE(tables_root),
	KUNIT_CASE(tables_directory),
	KUNIT_CASE(tables_context),
	KUNIT_CASE(tables_context_alias),
	KUNIT_CASE(tables_context_caching),
	KUNIT_CASE(tables_context_ats),
	KUNIT_CASE(tables_context_suspect),
	KUNIT_CASE_SLOW(tables_pairs),
	KUNIT_CASE_SLOW(tables_pairs_ats),
	KUNIT_CASE_SLOW(tables_pairs_caching),
	KUNIT_CASE_SLOW(tables_pairs_dead),
	KUNIT_CASE(tables_no_spare),
	KUNIT_CASE(tables_dirty),
	KUNIT_CASE(tables_write_buffer),
#ifdef CONFIG_X86_64
	KUNIT_CASE_SLOW(tables_atomic),
	KUNIT_CASE_SLOW(tables_atomic_copy),
#endif
	{}
};

static struct kunit_suite tables_suite = {
	.name = "iommufd_vtd_tables",
	.test_cases = tables_cases,
};

kunit_test_suite(tables_suite);
