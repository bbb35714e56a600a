// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of PASID tables (VT-d specification 9.6): where the requests of a
 * PASID go, and how that is changed while they come.
 *
 * A request meets what the entry was, or what it is to be, and nothing else. An
 * entry is changed by 128-bit stores, in steps: bits 127:0, which have the type of
 * translation, the domain id and the second stage, and bits 255:128, which have
 * the first stage. Each step is followed by the invalidations that 6.5.3.3 asks
 * for a change of what the entry was before it. One of them at most may change
 * what the unit looks at; between two first stages with domain ids of their own
 * both do. But each table is found by one 64-bit pointer, in the directory (9.5):
 * such a change is made in a copy of the table, and the pointer turned to the
 * copy; what was the table is the next copy.
 *
 * Nobody but the driver writes entries: a unit sets accessed and dirty bits in page
 * tables alone (3.6.2, 3.7.2), so that a copy is what the table is.
 */
#include <linux/bitfield.h>

#include "../failpoint.h"
#include "device.h"
#include "invalidate.h"
#include "tables.h"
#include "tables_internal.h"

/* val[0] */
#define PE_AW		GENMASK_ULL(4, 2)
#define PE_PGTT		GENMASK_ULL(8, 6)
#define PE_SSADE	BIT_ULL(9)
#define PE_SSPTPTR	GENMASK_ULL(51, 12)
/* val[1] */
#define PE_DID		GENMASK_ULL(15, 0)
#define PE_PWSNP	BIT_ULL(23)
#define PE_PGSNP	BIT_ULL(24)
/* val[2] */
#define PE_SRE		BIT_ULL(0)
#define PE_ERE		BIT_ULL(1)
#define PE_FSPM		GENMASK_ULL(3, 2)
#define PE_WPE		BIT_ULL(4)
#define PE_EAFE		BIT_ULL(7)
#define PE_FSPTPTR	GENMASK_ULL(63, 12)

#define PE_FIRST_STAGE	(PE_ERE | PE_FSPM | PE_WPE | PE_EAFE | PE_FSPTPTR)

/* AW and FSPM code 3 and 4 levels so. */
#define AW_LEVELS	2
#define FSPM_LEVELS	4

/* A PASID table entry of 0 is that of requests without PASID (RID_PASID). */
static_assert(IOMMU_NO_PASID == 0);

/**
 * struct format - what a kind of entry is made of
 * @pgtt: type of translation, 0 if not present
 * @val2: bits of val[2] that the unit looks at
 * @second: it has a second stage, and so IOTLB entries by domain id; else they
 *	are by domain id and PASID (6.5.3.3)
 */
struct format {
	u8 pgtt;
	u64 val2;
	bool second;
};

static const struct format formats[] = {
	[VTD_TARGET_BLOCKED] = { 0, 0, false },
	[VTD_TARGET_IDENTITY] = { 4, PE_SRE, false },
	[VTD_TARGET_SECOND_STAGE] = { 2, PE_SRE, true },
	[VTD_TARGET_NESTED] = { 3, PE_SRE | PE_FIRST_STAGE, true },
};

static enum vtd_target_type entry_type(const struct vtd_pasid_entry *entry)
{
	enum vtd_target_type type;

	if (!(entry->val[0] & VTD_PASID_PRESENT))
		return VTD_TARGET_BLOCKED;
	for (type = VTD_TARGET_IDENTITY; type < VTD_TARGET_NESTED; type++)
		if (formats[type].pgtt == FIELD_GET(PE_PGTT, entry->val[0]))
			break;
	return type;
}

static u16 entry_did(const struct vtd_pasid_entry *entry)
{
	return FIELD_GET(PE_DID, entry->val[1]);
}

static struct vtd_pasid_entry encode(const struct vtd_unit *unit,
				     const struct vtd_target *target)
{
	const struct format *format = &formats[target->type];
	struct vtd_pasid_entry entry = {};
	/* Identity: the widest there is, beyond which requests are blocked. */
	unsigned int levels = fls(unit->caps.ss_levels) - 1;

	if (!format->pgtt)
		return entry;

	entry.val[0] = VTD_PASID_PRESENT |
		       FIELD_PREP(PE_PGTT, format->pgtt);
	entry.val[1] = FIELD_PREP(PE_DID, target->did);
	/* Reserved without SMPWC */
	if (unit->caps.coherent_walks)
		entry.val[1] |= PE_PWSNP;
	if (target->snoop)
		entry.val[1] |= PE_PGSNP;
	if (format->second) {
		levels = target->ss_levels;
		entry.val[0] |= target->ss_root & PE_SSPTPTR;
		if (target->dirty)
			entry.val[0] |= PE_SSADE;
	}
	entry.val[0] |= FIELD_PREP(PE_AW, levels - AW_LEVELS);

	if (target->supervisor)
		entry.val[2] |= PE_SRE;
	if (format->val2 & PE_FIRST_STAGE) {
		entry.val[2] |= target->fs_root & PE_FSPTPTR;
		entry.val[2] |= FIELD_PREP(PE_FSPM,
					   target->fs_levels - FSPM_LEVELS);
		if (target->write_protect)
			entry.val[2] |= PE_WPE;
		if (target->extended_access)
			entry.val[2] |= PE_EAFE;
		/* The XD bits of the guest's table say what may be executed */
		if (unit->caps.execute)
			entry.val[2] |= PE_ERE;
	}
	return entry;
}

static void decode(const struct vtd_pasid_entry *entry,
		   struct vtd_target *target)
{
	enum vtd_target_type type = entry_type(entry);

	*target = (struct vtd_target){ .type = type };
	if (type == VTD_TARGET_BLOCKED)
		return;
	target->did = entry_did(entry);
	target->snoop = entry->val[1] & PE_PGSNP;
	target->supervisor = entry->val[2] & PE_SRE;
	if (formats[type].second) {
		target->ss_levels = FIELD_GET(PE_AW, entry->val[0]) + AW_LEVELS;
		target->ss_root = entry->val[0] & PE_SSPTPTR;
		target->dirty = entry->val[0] & PE_SSADE;
	}
	if (formats[type].val2 & PE_FIRST_STAGE) {
		target->fs_root = entry->val[2] & PE_FSPTPTR;
		target->fs_levels = FIELD_GET(PE_FSPM, entry->val[2]) +
				    FSPM_LEVELS;
		target->write_protect = entry->val[2] & PE_WPE;
		target->extended_access = entry->val[2] & PE_EAFE;
	}
}

static void batch_mappings(struct vtd_batch *batch, enum vtd_target_type type,
			   u16 did, u32 pasid)
{
	if (formats[type].second)
		vtd_batch_iotlb(batch, did, 0, U64_MAX, false);
	else
		vtd_batch_piotlb(batch, did, pasid, 0, U64_MAX, false);
}

/* An entry that was @was has been changed, in bits that the unit looks at. */
static int flush_changed(struct vtd_device *device, u32 pasid,
			 const struct vtd_pasid_entry *was)
{
	DEFINE_VTD_BATCH(batch, device->unit);

	vtd_batch_pasid(&batch, entry_did(was), pasid);
	vtd_batch_barrier(&batch);
	batch_mappings(&batch, entry_type(was), entry_did(was), pasid);
	/* Else the device could refill its cache from ours. */
	vtd_batch_barrier(&batch);
	vtd_batch_devtlb(&batch, device, pasid, 0, U64_MAX);
	return vtd_batch_submit(&batch);
}

/*
 * Bits that the unit does not look at have been changed: whoever puts them to
 * use next wants no copy of the entry with the bits as they were.
 */
static int flush_unused(struct vtd_device *device, u32 pasid,
			const struct vtd_pasid_entry *was)
{
	DEFINE_VTD_BATCH(batch, device->unit);

	vtd_batch_pasid(&batch, entry_did(was), pasid);
	return vtd_batch_submit(&batch);
}

/* An entry that was not present is: a cached absence has domain id 0 (6.1). */
static int flush_present(struct vtd_device *device, u32 pasid,
			 const struct vtd_pasid_entry *now)
{
	DEFINE_VTD_BATCH(batch, device->unit);

	if (!device->unit->caps.caching_mode)
		return 0;
	vtd_batch_pasid(&batch, 0, pasid);
	vtd_batch_pasid(&batch, entry_did(now), pasid);
	vtd_batch_barrier(&batch);
	batch_mappings(&batch, entry_type(now), entry_did(now), pasid);
	return vtd_batch_submit(&batch);
}

/* A step: bits 127:0 of @next. */
static int change_low(struct vtd_device *device, u32 pasid,
		      struct vtd_pasid_entry *entry,
		      const struct vtd_pasid_entry *next)
{
	struct vtd_pasid_entry was = *entry;

	if (was.val[0] == next->val[0] && was.val[1] == next->val[1])
		return 0;
	vtd_store128(device->unit, &entry->val[0], next->val[0], next->val[1]);
	if (was.val[0] & VTD_PASID_PRESENT)
		return flush_changed(device, pasid, &was);
	return flush_present(device, pasid, entry);
}

/* A step: bits 255:128. */
static int change_high(struct vtd_device *device, u32 pasid,
		       struct vtd_pasid_entry *entry, u64 val2)
{
	struct vtd_pasid_entry was = *entry;

	if (was.val[2] == val2)
		return 0;
	vtd_store128(device->unit, &entry->val[2], val2, 0);
	if (!(was.val[0] & VTD_PASID_PRESENT))
		return 0;
	if ((was.val[2] ^ val2) & formats[entry_type(&was)].val2)
		return flush_changed(device, pasid, &was);
	return flush_unused(device, pasid, &was);
}

/* The new val[2] where the unit does not look at it yet, the old elsewhere. */
static u64 beforehand(const struct vtd_pasid_entry *entry,
		      const struct vtd_pasid_entry *next)
{
	u64 used = formats[entry_type(entry)].val2;

	return (entry->val[2] & used) | (next->val[2] & ~used);
}

/*
 * Can @entry become @next by steps of which one at most changes what the unit looks
 * at? Not if the new low half would meet the old high half, or the other way round.
 */
static bool is_one_step(const struct vtd_pasid_entry *entry,
			const struct vtd_pasid_entry *next)
{
	u64 wrong = beforehand(entry, next) ^ next->val[2];

	if (entry->val[0] == next->val[0] && entry->val[1] == next->val[1])
		return true;
	return !(wrong & formats[entry_type(next)].val2);
}

/*
 * In a copy of the table. The unit may be reading any entry of what was the table,
 * on behalf of whatever domain: of its PASID cache nothing is left. But the other
 * entries are the same as before, and so is what was translated by them.
 */
static int change_copy(struct vtd_device *device, u32 pasid,
		       const struct vtd_pasid_entry *next)
{
	struct vtd_pasid_entry was = *vtd_pasid_entry(device, pasid);
	DEFINE_VTD_BATCH(batch, device->unit);
	int rc;

	vtd_pasid_table_turn(device, pasid, next);
	vtd_batch_pasid_all(&batch);
	vtd_batch_barrier(&batch);
	batch_mappings(&batch, entry_type(&was), entry_did(&was), pasid);
	vtd_batch_barrier(&batch);
	vtd_batch_devtlb(&batch, device, pasid, 0, U64_MAX);
	rc = vtd_batch_submit(&batch);
	vtd_pasid_table_turned(device);
	return rc;
}

/**
 * vtd_pasid_set() - make a PASID go somewhere, whatever was before
 * @device: whose; its unit's lock is held
 * @pasid: prepared since it was set last; 0 for requests without PASID
 * @target: where; the unit is capable of it. The caller has checked it
 *
 * Each request goes where it went before, or to @target. On return nothing of what
 * was before is cached, if 0 is returned. What the device has cached is invalidated
 * if ATS is on. May sleep.
 *
 * Return: 0; -EINVAL: @pasid is not prepared, nothing was changed (not so for
 * blocking: it is blocked already, 0); -ETIMEDOUT: @pasid goes to @target and the
 * unit has nothing else cached, but the device did not answer; -EIO: @pasid goes
 * to @target, but the unit refused an invalidation.
 */
int vtd_pasid_set(struct vtd_device *device, u32 pasid,
		  const struct vtd_target *target)
{
	struct vtd_pasid_entry *entry = vtd_pasid_entry(device, pasid);
	struct vtd_pasid_entry next = encode(device->unit, target);
	int rcs[3];

	lockdep_assert_held(&device->unit->lock);
	if (!entry)
		return target->type == VTD_TARGET_BLOCKED ? 0 : -EINVAL;

	if (iommufd_mutant(IOMMUFD_MUTANT_VTD_NO_INSTALL))
		return 0;
	if (!is_one_step(entry, &next))
		return device->pasid_spare ? change_copy(device, pasid, &next) :
					     -EINVAL;
	rcs[0] = change_high(device, pasid, entry, beforehand(entry, &next));
	rcs[1] = change_low(device, pasid, entry, &next);
	rcs[2] = change_high(device, pasid, entry, next.val[2]);
	return rcs[0] ?: rcs[1] ?: rcs[2];
}

/**
 * vtd_pasid_get() - where a PASID goes
 * @device: whose; its unit's lock is held
 * @pasid: any
 * @target: filled in: what vtd_pasid_set() was given last, members that do not
 *	count 0
 */
void vtd_pasid_get(struct vtd_device *device, u32 pasid,
		   struct vtd_target *target)
{
	static const struct vtd_pasid_entry blocked;

	lockdep_assert_held(&device->unit->lock);
	decode(vtd_pasid_entry(device, pasid) ?: &blocked, target);
}

/**
 * vtd_pasid_set_dirty() - switch accessed and dirty bits of the second stage
 * @device: whose; its unit's lock is held
 * @pasid: on a second stage, nested or not
 * @on: the unit sets them (SSADE)
 *
 * In place: nothing has to be prepared. May sleep.
 *
 * Return: 0; -EINVAL: @pasid has no second stage; as vtd_pasid_set().
 */
int vtd_pasid_set_dirty(struct vtd_device *device, u32 pasid, bool on)
{
	struct vtd_target target;

	vtd_pasid_get(device, pasid, &target);
	if (!formats[target.type].second)
		return -EINVAL;
	target.dirty = on;
	return vtd_pasid_set(device, pasid, &target);
}
