// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of PASID tables (VT-d specification 9.6): where the requests of a
 * PASID go, and how that is changed while they come.
 *
 * An entry is changed by 128-bit stores, in steps: bits 127:0, which have the
 * type of translation, the domain id and the second stage, and bits 255:128,
 * which have the first stage. Each step is followed by the invalidations that
 * 6.5.3.3 asks for a change of what the entry was before it.
 */
#include <linux/bitfield.h>

#include "../failpoint.h"
#include "device.h"
#include "invalidate.h"
#include "tables.h"
#include "tables_internal.h"

/* val[0] */
#define PE_PRESENT	BIT_ULL(0)
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

	if (!(entry->val[0] & PE_PRESENT))
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

	entry.val[0] = PE_PRESENT | FIELD_PREP(PE_PGTT, format->pgtt);
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
	if (was.val[0] & PE_PRESENT)
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
	if (!(was.val[0] & PE_PRESENT))
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
 * Can @entry become @next by steps each of which leaves the old or the new
 * translation? Not if the new low half would meet the old first stage. Whether
 * supervisor requests are allowed (SRE) can change by itself.
 */
static bool is_hitless(const struct vtd_pasid_entry *entry,
		       const struct vtd_pasid_entry *next)
{
	u64 wrong = beforehand(entry, next) ^ next->val[2];

	if (entry->val[0] == next->val[0] && entry->val[1] == next->val[1])
		return true;
	return !(wrong & formats[entry_type(next)].val2 & PE_FIRST_STAGE);
}

/**
 * vtd_pasid_set() - make a PASID go somewhere, whatever was before
 * @device: whose; its unit's lock is held
 * @pasid: prepared; 0 for requests without PASID
 * @target: where; the unit is capable of it. The caller has checked it
 * @hitless: if not NULL, false is returned in it if requests were blocked in
 *	between, else true
 *
 * On return nothing of what was before is cached, if 0 is returned. What the
 * device has cached is invalidated if ATS is on. May sleep.
 *
 * Return: 0; -EINVAL: @pasid is not prepared, nothing was changed (not so for
 * blocking: it is blocked already, 0); -ETIMEDOUT: @pasid goes to @target and the
 * unit has nothing else cached, but the device did not answer; -EIO: @pasid goes
 * to @target, but the unit refused an invalidation.
 */
int vtd_pasid_set(struct vtd_device *device, u32 pasid,
		  const struct vtd_target *target, bool *hitless)
{
	struct vtd_pasid_entry *entry = vtd_pasid_entry(device, pasid);
	struct vtd_pasid_entry next = encode(device->unit, target);
	static const struct vtd_pasid_entry blocked;
	bool direct;
	int rcs[4];

	lockdep_assert_held(&device->unit->lock);
	if (hitless)
		*hitless = true;
	if (!entry)
		return target->type == VTD_TARGET_BLOCKED ? 0 : -EINVAL;

	if (iommufd_mutant(IOMMUFD_MUTANT_VTD_NO_INSTALL))
		return 0;
	direct = is_hitless(entry, &next);
	if (hitless)
		*hitless = direct;
	rcs[0] = direct ? 0 : change_low(device, pasid, entry, &blocked);
	rcs[1] = change_high(device, pasid, entry, beforehand(entry, &next));
	rcs[2] = change_low(device, pasid, entry, &next);
	rcs[3] = change_high(device, pasid, entry, next.val[2]);
	return rcs[0] ?: rcs[1] ?: rcs[2] ?: rcs[3];
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
 * Hitless. May sleep.
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
	return vtd_pasid_set(device, pasid, &target, NULL);
}
