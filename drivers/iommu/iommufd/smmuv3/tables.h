/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stream table and context descriptors (IHI 0070 3.3, 5.2 to 5.5): which
 * translation the requests of a device go through.
 *
 * Everything here runs under smmuv3_unit::lock. Each change of an entry that the
 * unit may be reading goes through steps in each of which the entry means what it
 * did before or what it is to mean, if such steps exist (hitless); if not it is made
 * in a copy of the table that the entry is in; or through an entry that is not valid
 * (3.21.3.1), if that table is not found by one pointer. Each step has its
 * invalidations.
 */
#ifndef __IOMMUFD_SMMUV3_TABLES_H
#define __IOMMUFD_SMMUV3_TABLES_H

#include "unit.h"

struct smmuv3_batch;
struct smmuv3_device;

/**
 * struct smmuv3_ste - stream table entry (5.2)
 * @qw: 512 bits, little-endian
 */
struct smmuv3_ste {
	__le64 qw[8];
} __aligned(64);

/**
 * struct smmuv3_cd - context descriptor (5.4)
 * @qw: 512 bits, little-endian
 */
struct smmuv3_cd {
	__le64 qw[8];
} __aligned(64);

/**
 * enum smmuv3_stream_type - where the requests of a stream go
 * @SMMUV3_STREAM_ABORT: nowhere
 * @SMMUV3_STREAM_BYPASS: to the address they carry, both stages bypassed
 * @SMMUV3_STREAM_STAGE1: by the device's own context descriptors
 * @SMMUV3_STREAM_STAGE2: through a stage 2 table, PASIDs are refused
 * @SMMUV3_STREAM_NESTED: by a user's STE over a stage 2 table: its words say
 *	bypass or stage 1 with the user's context descriptors
 */
enum smmuv3_stream_type {
	SMMUV3_STREAM_ABORT,
	SMMUV3_STREAM_BYPASS,
	SMMUV3_STREAM_STAGE1,
	SMMUV3_STREAM_STAGE2,
	SMMUV3_STREAM_NESTED,
};

/**
 * enum smmuv3_no_pasid - requests without PASID of a stage 1 stream (S1DSS)
 * @SMMUV3_NO_PASID_TERMINATE: are refused
 * @SMMUV3_NO_PASID_BYPASS: bypass stage 1
 * @SMMUV3_NO_PASID_CD0: go through context descriptor 0
 */
enum smmuv3_no_pasid {
	SMMUV3_NO_PASID_TERMINATE = 0,
	SMMUV3_NO_PASID_BYPASS = 1,
	SMMUV3_NO_PASID_CD0 = 2,
};

/**
 * struct smmuv3_stage2 - a stage 2 table, as an STE tells of it
 * @vmid: VMID
 * @vttb: address of its top
 * @vtcr: S2T0SZ, S2SL0, S2IR0, S2OR0, S2SH0, S2TG, S2PS in the layout of STE word
 *	5 bits 18:0 (that is, STE bits 178:160)
 * @fwb: force write-back (S2FWB)
 * @hw_access: S2HA
 * @hw_dirty: S2HD
 */
struct smmuv3_stage2 {
	u16 vmid;
	u64 vttb;
	u32 vtcr;
	bool fwb;
	bool hw_access;
	bool hw_dirty;
};

/**
 * struct smmuv3_stream_target - contents of a stream table entry
 * @type: which of the other members count
 * @no_pasid: (stage 1)
 * @s2: (stage 2, nested)
 * @user: (nested) STE words 0 and 1 of the user, with nothing in them but what
 *	nested.c has allowed
 * @stall: faults of the stream may stall: else S1STALLD, and S2S is 0
 * @ats: translation and translated requests are let in (EATS)
 */
struct smmuv3_stream_target {
	enum smmuv3_stream_type type;
	enum smmuv3_no_pasid no_pasid;
	struct smmuv3_stage2 s2;
	u64 user[2];
	bool stall;
	bool ats;
};

/**
 * struct smmuv3_context_target - contents of a context descriptor
 * @asid: ASID
 * @ttb: address of the top of the table (TTB0)
 * @mair: memory attributes
 * @tcr: T0SZ, TG0, IR0, OR0, SH0, IPS in the layout of CD word 0 (5.4), EPD1 set
 * @stall: a fault stalls (S); else it is terminated and recorded (R, A)
 * @hw_access: HA
 * @hw_dirty: HD
 */
struct smmuv3_context_target {
	u16 asid;
	u64 ttb;
	u64 mair;
	u64 tcr;
	bool stall;
	bool hw_access;
	bool hw_dirty;
};

/* The stream table of a unit, linear or of two levels. May sleep. */
int smmuv3_strtab_alloc(struct smmuv3_unit *unit);
void smmuv3_strtab_free(struct smmuv3_unit *unit);
/* Registers STRTAB_BASE and STRTAB_BASE_CFG; the unit is off. */
void smmuv3_strtab_setup(struct smmuv3_unit *unit);

/*
 * prepare  have the level 2 tables of all StreamIDs of @device: then set cannot fail
 *          for lack of memory. Entries that are nobody's are not valid. -ERANGE: a
 *          StreamID does not exist on this unit; -ENOMEM. May sleep
 * set      make all streams of @device go where @target says, whatever it was
 *          before. On return the unit has nothing cached of what was before, of
 *          entries; ATC invalidation, and TLBs of a VMID or ASID that nobody uses
 *          any more, are the caller's. 0 or an error of the invalidation. Returns
 *          in *hitless, if not NULL, whether it was
 * clear    entries that are nobody's, not valid: before @device goes. No error of a
 *          working unit
 * get      where it goes now
 */
int smmuv3_stream_prepare(struct smmuv3_device *device);
int smmuv3_stream_set(struct smmuv3_device *device,
		      const struct smmuv3_stream_target *target, bool *hitless);
int smmuv3_stream_clear(struct smmuv3_device *device);
void smmuv3_stream_get(struct smmuv3_device *device,
		       struct smmuv3_stream_target *target);

/*
 * The context descriptors of a device that the kernel fills, linear or of two
 * levels, for PASIDs 0 (none) to device->max_pasids less 1.
 *
 * max      the most that device->max_pasids may be, for whoever sets it
 * alloc    the table, or its first level; no stream refers to it yet. May sleep
 * free     no stream refers to it any more
 * prepare  have the memory of the descriptor of @pasid: then set cannot fail for
 *          lack of it. May sleep
 * set      make @pasid (IOMMU_NO_PASID: descriptor 0) go where @target says; NULL:
 *          not valid. As smmuv3_stream_set()
 * get      false: it is not valid
 * next     the first PASID from @pasid on that was prepared, or shares a table with one
 *          that was; max_pasids if there is none
 */
u32 smmuv3_contexts_max(const struct smmuv3_unit *unit);
int smmuv3_contexts_alloc(struct smmuv3_device *device);
void smmuv3_contexts_free(struct smmuv3_device *device);
int smmuv3_context_prepare(struct smmuv3_device *device, ioasid_t pasid);
int smmuv3_context_set(struct smmuv3_device *device, ioasid_t pasid,
		       const struct smmuv3_context_target *target,
		       bool *hitless);
bool smmuv3_context_get(struct smmuv3_device *device, ioasid_t pasid,
			struct smmuv3_context_target *target);
ioasid_t smmuv3_context_next(struct smmuv3_device *device, ioasid_t pasid);

#endif
