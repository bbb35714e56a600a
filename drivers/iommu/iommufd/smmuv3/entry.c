// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing an entry that a unit may be reading: a stream table entry or a context
 * descriptor. Everything is under smmuv3_unit::lock.
 *
 * A unit reads an entry in pieces of 64 bits, in any order, and keeps what it has
 * read until it is invalidated (IHI 0070 3.21.3). So what is stored between two
 * SYNCs may be seen in any mix with what was there before. Of an entry it reads some
 * bits, which ones being told by others of them; the rest is ignored. Two entries
 * that agree in what is read of one of them mean the same.
 *
 * From old to new there is therefore a hitless way exactly if one 64-bit store can
 * turn the meaning, with all other words holding at once what old and what new has
 * in the bits read of each: if the bits that are read of both, and differ, are of one
 * word. The way is:
 *
 *   fill    the bits that new alone reads, in all words but that one: still old. SYNC
 *   switch  that one word: new. SYNC
 *
 * A step that stores nothing has no SYNC. What only old has read is left where it
 * is: nothing reads it, and to clear it would take one more SYNC before the next
 * change. With differences in more words the entry is made not valid before: of such
 * a one V alone is read, so that there always is a way from there.
 */
#include <linux/bitops.h>

#include "tables_internal.h"

enum step {
	STEP_BREAK,
	STEP_FILL,
	STEP_SWITCH,
	NUM_STEPS,
};

static void load(const __le64 *entry, u64 *val)
{
	unsigned int q;

	for (q = 0; q < SMMUV3_ENTRY_QWORDS; q++)
		val[q] = le64_to_cpu(READ_ONCE(entry[q]));
}

/* The unit sees all of the old or all of the new 64 bits. */
static bool store(__le64 *at, u64 val)
{
	__le64 le = cpu_to_le64(val);

	if (READ_ONCE(*at) == le)
		return false;
	WRITE_ONCE(*at, le);
	return true;
}

/* Words, as bits, in which @old and @new differ where both are read. */
static unsigned long conflicts(const struct smmuv3_edit *edit, const u64 *old,
			       const u64 *new)
{
	u64 old_mask[SMMUV3_ENTRY_QWORDS], new_mask[SMMUV3_ENTRY_QWORDS];
	unsigned long words = 0;
	unsigned int q;

	edit->read(old, old_mask);
	edit->read(new, new_mask);
	for (q = 0; q < SMMUV3_ENTRY_QWORDS; q++)
		if ((old[q] ^ new[q]) & old_mask[q] & new_mask[q])
			words |= BIT(q);
	return words;
}

/* Nothing but V is read of an entry that is all zeroes; it is in word 0. */
static u64 valid_bit(const struct smmuv3_edit *edit)
{
	static const u64 zeroes[SMMUV3_ENTRY_QWORDS];
	u64 mask[SMMUV3_ENTRY_QWORDS];

	edit->read(zeroes, mask);
	return mask[0];
}

/* One step of one entry; was anything stored? */
static bool do_step(const struct smmuv3_edit *edit, enum step step,
		    __le64 *entry, const u64 *new)
{
	u64 old[SMMUV3_ENTRY_QWORDS], mask[SMMUV3_ENTRY_QWORDS];
	unsigned long words;
	bool stored = false;
	unsigned int q;

	load(entry, old);
	words = conflicts(edit, old, new);
	switch (step) {
	case STEP_BREAK:
		if (hweight_long(words) > 1)
			stored = store(entry, old[0] & ~valid_bit(edit));
		break;
	case STEP_FILL:
		edit->read(new, mask);
		for (q = 0; q < SMMUV3_ENTRY_QWORDS; q++)
			if (!(words & BIT(q)))
				stored |= store(&entry[q],
						(old[q] & ~mask[q]) |
						(new[q] & mask[q]));
		break;
	case STEP_SWITCH:
		for_each_set_bit(q, &words, SMMUV3_ENTRY_QWORDS)
			stored |= store(&entry[q], new[q]);
		break;
	case NUM_STEPS:
		break;
	}
	return stored;
}

/**
 * smmuv3_entry_hitless() - could the entries become something hitless?
 * @edit: the entries
 * @want: the words they would have
 *
 * Return: whether smmuv3_entry_write() would say so.
 */
bool smmuv3_entry_hitless(const struct smmuv3_edit *edit, const u64 *want)
{
	u64 old[SMMUV3_ENTRY_QWORDS];
	unsigned int i;

	for (i = 0; i < edit->num; i++) {
		load(edit->at(edit, i), old);
		if (hweight_long(conflicts(edit, old, want)) > 1)
			return false;
	}
	return true;
}

/**
 * smmuv3_entry_write() - make entries mean what @want does
 * @edit: the entries; they may mean different things before
 * @want: the words; what is read of them is in the entries afterwards
 * @hitless: set to whether none went through not being valid
 *
 * All entries go through each step together, and a step has one SYNC. May sleep.
 *
 * Return: 0, or the first error of smmuv3_batch_submit(). The entries are @want
 * anyway.
 */
int smmuv3_entry_write(const struct smmuv3_edit *edit, const u64 *want,
		       bool *hitless)
{
	struct smmuv3_unit *unit = edit->device->unit;
	struct smmuv3_batch batch;
	enum step step;
	unsigned int i;
	int err, rc = 0;
	bool stored;

	lockdep_assert_held(&unit->lock);
	*hitless = true;
	/*
	 * What the entries are going to point to was written before: descriptors, or a
	 * table. A SYNC has the same barrier, but a step that stores nothing has no SYNC
	 */
	dma_wmb();
	for (step = STEP_BREAK; step < NUM_STEPS; step++) {
		stored = false;
		smmuv3_table_batch(unit, &batch);
		for (i = 0; i < edit->num; i++) {
			if (!do_step(edit, step, edit->at(edit, i), want))
				continue;
			stored = true;
			edit->invalidate(edit, i, &batch);
		}
		if (!stored)
			continue;
		if (step == STEP_BREAK)
			*hitless = false;
		err = smmuv3_batch_submit(&batch);
		rc = rc ?: err;
	}
	return rc;
}
