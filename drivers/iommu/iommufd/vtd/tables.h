/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scalable-mode root, context and PASID tables (VT-d specification 3.4, 9.1 to
 * 9.6): which translation the requests of a device go through.
 *
 * Everything here runs under vtd_unit::lock. Each change of an entry that the
 * unit may be reading is one atomic 128-bit store, or one of the pointer to the table
 * that it is in; with the invalidations that 6.5.3.3 prescribes.
 */
#ifndef __IOMMUFD_VTD_TABLES_H
#define __IOMMUFD_VTD_TABLES_H

#include "unit.h"

struct vtd_device;

/**
 * struct vtd_pasid_entry - scalable-mode PASID table entry (9.6)
 * @val: 512 bits, of which the first 192 are in use
 */
struct vtd_pasid_entry {
	u64 val[8];
} __aligned(64);

/**
 * struct vtd_context_entry - scalable-mode context entry (9.4)
 * @val: 256 bits, of which the first 128 are in use
 */
struct vtd_context_entry {
	u64 val[4];
} __aligned(32);

/**
 * enum vtd_target_type - where requests go
 * @VTD_TARGET_BLOCKED: nowhere: not present
 * @VTD_TARGET_IDENTITY: to the address they carry (PGTT 100b)
 * @VTD_TARGET_SECOND_STAGE: through a second-stage table (PGTT 010b)
 * @VTD_TARGET_NESTED: through a first-stage table, itself in and with results in
 *	the input space of a second-stage table (PGTT 011b)
 */
enum vtd_target_type {
	VTD_TARGET_BLOCKED,
	VTD_TARGET_IDENTITY,
	VTD_TARGET_SECOND_STAGE,
	VTD_TARGET_NESTED,
};

/**
 * struct vtd_target - contents of a PASID table entry
 * @type: which of the other members count
 * @did: domain id
 * @ss_levels: levels of the second stage, 3 to 5
 * @ss_root: physical address of the second stage
 * @snoop: force DMA to snoop (PGSNP)
 * @dirty: the unit sets accessed and dirty bits of the second stage (SSADE)
 * @fs_root: address of the first-stage table, in the second stage's input space
 * @fs_levels: 4 or 5
 * @supervisor: supervisor requests are allowed (SRE); all but blocked
 * @write_protect: supervisor writes obey the R/W bit (WPE)
 * @extended_access: the unit sets the extended accessed flag (EAFE)
 */
struct vtd_target {
	enum vtd_target_type type;
	u16 did;
	u8 ss_levels;
	phys_addr_t ss_root;
	bool snoop;
	bool dirty;
	u64 fs_root;
	u8 fs_levels;
	bool supervisor;
	bool write_protect;
	bool extended_access;
};

/* The root table. No device has an entry. May sleep. */
int vtd_root_alloc(struct vtd_unit *unit);
void vtd_root_free(struct vtd_unit *unit);
/* What goes into the root table address register, mode bits included (11.4.5). */
u64 vtd_root_address(struct vtd_unit *unit);

/*
 * alloc    a PASID directory for @device; the unit does not know of it. Its width
 *          is from device->max_pasids
 * install  context entries for the device and every alias: present, RID blocked
 * remove   context entries not present; with the invalidations. Every PASID is
 *          blocked already
 * free     the directory and its tables
 * All but install cannot fail. May sleep.
 */
int vtd_pasid_dir_alloc(struct vtd_device *device);
void vtd_pasid_dir_free(struct vtd_device *device);
int vtd_context_install(struct vtd_device *device);
void vtd_context_remove(struct vtd_device *device);
/*
 * Device-TLB enable and page-request enable of the context entries, from
 * device->ats, device->pri and device->pri_kin. Hitless. 0 or an error of the
 * invalidation.
 */
int vtd_context_update(struct vtd_device *device);
void vtd_context_stop_ats(struct vtd_device *device);

/*
 * prepare  have the table that holds the entry of @pasid (0 for RID), and if it goes
 *          somewhere already, one to copy that to: then the next set cannot fail for
 *          lack of memory. Tables stay until the directory goes
 * set      make @pasid go where @target says, whatever it was before; no request
 *          meets anything else. On return the unit, and with ATS the device, have
 *          nothing cached of what was before.
 *          0; -ETIMEDOUT: as 0, but the device did not answer an invalidation
 * get      where it goes now
 * next     the first PASID from @pasid on that was prepared, or shares a table with one
 *          that was; max_pasids if there is none
 */
int vtd_pasid_prepare(struct vtd_device *device, u32 pasid);
int vtd_pasid_set(struct vtd_device *device, u32 pasid,
		  const struct vtd_target *target);
void vtd_pasid_get(struct vtd_device *device, u32 pasid,
		   struct vtd_target *target);
u32 vtd_pasid_next(struct vtd_device *device, u32 pasid);
/*
 * Change SSADE of a present entry; the domain id stays. As vtd_pasid_set().
 */
int vtd_pasid_set_dirty(struct vtd_device *device, u32 pasid, bool on);

#endif
