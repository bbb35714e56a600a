/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VT-d remapping unit, and the door to it.
 *
 * Everything that reaches hardware goes through struct vtd_door_ops: registers,
 * invalidation descriptors, interrupts, CPU cache lines that a unit without
 * snooped walks has to see. dmar.c has the door to real units; a test build has
 * another to a model. Nothing else here knows which of the two it talks to.
 *
 * Section numbers are of the Intel VT-d specification, revision 4.1.
 */
#ifndef __IOMMUFD_VTD_UNIT_H
#define __IOMMUFD_VTD_UNIT_H

#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "../../intel/iommu.h"
#include "../fault/fault.h"
#include "../map/owed.h"
#include "../tag_ids.h"

struct pci_dev;
struct vtd_device;
struct vtd_prq;
struct vtd_root;
struct vtd_unit;

/* Descriptors in one submission: the base tree's ring has 256 entries. */
#define VTD_SUBMIT_MAX		128

/*
 * Domain ids that no domain gets: 0 is reserved where the unit has caching mode
 * (6.1), 1 tags pass-through entries.
 */
#define VTD_DID_PASS_THROUGH	1
#define VTD_DID_FIRST		2

/**
 * enum vtd_irq - interrupts of a unit
 * @VTD_IRQ_FAULT: a fault was recorded (11.4.7)
 * @VTD_IRQ_PAGE_REQUEST: a page request was queued (11.4.11)
 */
enum vtd_irq {
	VTD_IRQ_FAULT,
	VTD_IRQ_PAGE_REQUEST,
};

/**
 * struct vtd_door_ops - how to reach a unit
 * @read32: read a register at byte offset @reg. Any context
 * @read64: read a 64-bit register. Any context
 * @write32: write a register. Any context
 * @write64: write a 64-bit register. Any context
 * @command: set or clear a bit of the global command register (11.4.4) and wait
 *	until the status register (11.4.4.2) says the same; for a bit that only
 *	starts something (SRTP, WBF) @on is true. Any context.
 *	Returns 0 or -ETIMEDOUT
 * @submit: hand 1 to VTD_SUBMIT_MAX descriptors to the invalidation queue and
 *	wait until all are done, with a wait descriptor of the door's own behind
 *	them; @drain sets its page-request drain bit (6.5.2.8). Any context; spins.
 *	0; -EINVAL: a descriptor was refused, nothing is known of the others;
 *	-ETIMEDOUT: a device did not answer a device-TLB invalidation, here or in
 *	somebody else's submission, and nothing is known of the others
 * @clean: write back CPU cache lines of @size bytes at @addr, so that a walk
 *	that does not snoop sees them. Any context
 * @irq_request: connect an interrupt: @hard runs with interrupts off and may be
 *	NULL, @thread in a thread and may be NULL (as request_threaded_irq(), with
 *	IRQF_ONESHOT when @hard is NULL). The interrupt is unmasked. May sleep.
 *	Returns 0 or an errno
 * @irq_free: undo @irq_request; waits for handlers. May sleep
 * @owns: is the unit the one in front of @pdev? (8.3, 8.4). May sleep
 */
struct vtd_door_ops {
	u32 (*read32)(struct vtd_unit *unit, unsigned int reg);
	u64 (*read64)(struct vtd_unit *unit, unsigned int reg);
	void (*write32)(struct vtd_unit *unit, unsigned int reg, u32 val);
	void (*write64)(struct vtd_unit *unit, unsigned int reg, u64 val);
	int (*command)(struct vtd_unit *unit, u32 bit, bool on);
	int (*submit)(struct vtd_unit *unit, struct qi_desc *descs,
		      unsigned int num, bool drain);
	void (*clean)(struct vtd_unit *unit, void *addr, size_t size);
	int (*irq_request)(struct vtd_unit *unit, enum vtd_irq which,
			   irq_handler_t hard, irq_handler_t thread,
			   void *data);
	void (*irq_free)(struct vtd_unit *unit, enum vtd_irq which, void *data);
	bool (*owns)(struct vtd_unit *unit, struct pci_dev *pdev);
};

/**
 * struct vtd_caps - what a unit can do (11.4.2, 11.4.3), decoded
 * @mgaw: bits of a guest address the second stage takes
 * @num_dids: domain ids, 0 and 1 included
 * @max_mask: largest address mask of a page-selective invalidation: 2^n pages
 * @ss_levels: bit n: second stage tables with n levels (3 to 5)
 * @pasid_bits: width of the PASIDs the unit takes, 0 without PASID support
 * @ss_2m: second-stage leaves of 2 MiB
 * @ss_1g: second-stage leaves of 1 GiB
 * @fs_5level: first stage with 5 levels
 * @fs_1g: first-stage leaves of 1 GiB
 * @page_selective: IOTLB invalidation of a range
 * @read_drain: IOTLB invalidation can drain reads (DRD)
 * @write_drain: the same for writes (DWD)
 * @caching_mode: not-present entries may be cached (6.1)
 * @write_buffer: write buffers have to be flushed (6.8)
 * @coherent_tables: root, context and PASID tables are read with snooping
 * @coherent_walks: page tables are read with snooping (SMPWC)
 * @snoop_control: DMA can be forced to snoop
 * @second_stage: second-stage translation
 * @first_stage: first-stage translation
 * @nested: both, one after the other
 * @pass_through: PASID entries without translation
 * @device_tlb: ATS
 * @throttle: device-TLB invalidations are throttled by physical function (DIT)
 * @page_requests: PRS
 * @drain: page-request drain bit of the wait descriptor
 * @supervisor: supervisor requests (SRS)
 * @execute: execute requests (ERS)
 * @extended_access: extended accessed flag of the first stage (EAFS)
 * @no_write_flag: NWFS: translation requests can say that they only read
 * @dirty: accessed/dirty bits of the second stage (SSADS)
 */
struct vtd_caps {
	u8 mgaw;
	u32 num_dids;
	u8 max_mask;
	u8 ss_levels;
	u8 pasid_bits;
	bool ss_2m:1;
	bool ss_1g:1;
	bool fs_5level:1;
	bool fs_1g:1;
	bool page_selective:1;
	bool read_drain:1;
	bool write_drain:1;
	bool caching_mode:1;
	bool write_buffer:1;
	bool coherent_tables:1;
	bool coherent_walks:1;
	bool snoop_control:1;
	bool second_stage:1;
	bool first_stage:1;
	bool nested:1;
	bool pass_through:1;
	bool device_tlb:1;
	bool throttle:1;
	bool page_requests:1;
	bool drain:1;
	bool supervisor:1;
	bool execute:1;
	bool extended_access:1;
	bool no_write_flag:1;
	bool dirty:1;
};

/**
 * struct vtd_unit - a remapping unit
 * @door: constant
 * @door_data: the door's own
 * @name: for messages and sysfs, "dmar0"
 * @rw_parents: an erratum (Intel document 772415, SPR17): with a first stage over it, a
 *	second stage is written to where it is read-only, accessed and dirty bits of the
 *	first one; so it must have no such mappings. The door's, as no register tells;
 *	constant
 * @cap: capability register as read
 * @ecap: extended capability register as read
 * @caps: decoded
 * @iommu: what the iommu core knows
 * @fault_unit: what the fault door knows; its ops are in prq.c
 * @item: in the list of units; guarded by its lock (unit.c)
 * @lock: guards the root, context and PASID tables of the unit and of all its
 *	devices, and attaching. Taken under the group's mutex of the iommu core;
 *	no spinlock may be held
 * @events_lock: one reader of the fault records at a time, until what was read has
 *	been reported; taken under @lock where both are
 * @context_lock: guards the bits of context entries, and vtd_device::late; taken in any
 *	context, below @lock where both are
 * @root: root table; constant while translation is on
 * @dids: domain ids; under @lock
 * @devices: &struct vtd_device by RID, every alias included. Written under @lock,
 *	read under RCU; a device is freed a grace period after it left
 * @prq: page request queue, NULL if there is none; constant after start
 * @users: domains of user space that name it, or -1: it is about to go, and there
 *	will be none
 * @owed: invalidations that it did not carry out (owed.c)
 * @faults: unrecoverable faults seen, for fdinfo and sysfs
 * @fault_overflows: times the fault recording registers were full
 * @submits: submissions to the invalidation queue, for tests and tracing
 * @timeouts: device-TLB invalidations that a device did not answer
 */
struct vtd_unit {
	const struct vtd_door_ops *door;
	void *door_data;
	char name[16];
	bool rw_parents;
	u64 cap;
	u64 ecap;
	struct vtd_caps caps;
	struct iommu_device iommu;
	struct iommufd_fault_unit fault_unit;
	struct list_head item;
	struct mutex lock;
	struct mutex events_lock;	/* one reader of the fault records */
	spinlock_t context_lock;
	struct vtd_root *root;
	struct tag_ids dids;
	struct xarray devices;
	struct vtd_prq *prq;
	atomic_t users;
	struct map_owed owed;
	atomic64_t faults;
	atomic64_t fault_overflows;
	atomic64_t submits;
	atomic64_t timeouts;
};

void vtd_caps_decode(struct vtd_caps *caps, u64 cap, u64 ecap);

/*
 * What user space makes and keeps while no device is there any more. Any context.
 * hold    before @unit is named by it; false: @unit is about to go
 * drop    undo
 * retire  may @unit go? If so nothing holds it from now on
 */
static inline bool vtd_unit_hold(struct vtd_unit *unit)
{
	return atomic_inc_unless_negative(&unit->users);
}

static inline void vtd_unit_drop(struct vtd_unit *unit)
{
	atomic_dec(&unit->users);
}

static inline bool vtd_unit_retire(struct vtd_unit *unit)
{
	return !atomic_cmpxchg(&unit->users, 0, -1);
}

/*
 * init   decode, allocate the tables; nothing reaches the unit's registers but
 *        reads. The caller has set door, door_data and name
 * block  instead of init and start: translate, with tables that let nothing
 *        through, also without scalable mode
 * start  root pointer, interrupts
 * translate  translation on, when the devices there have their domains
 * stop   translation off, interrupts gone. No device is left
 */
int vtd_unit_init(struct vtd_unit *unit);
void vtd_unit_free(struct vtd_unit *unit);
int vtd_unit_block(struct vtd_unit *unit);
int vtd_unit_start(struct vtd_unit *unit);
int vtd_unit_translate(struct vtd_unit *unit);
void vtd_unit_stop(struct vtd_unit *unit);

/*
 * All units that were added. The lock is taken before that of a unit.
 */
extern struct list_head vtd_units;
void vtd_units_lock(void);
void vtd_units_unlock(void);
#define vtd_for_each_unit(unit)	list_for_each_entry(unit, &vtd_units, item)

/* Page tables, context entries: what the unit reads without snooping. */
static inline void vtd_clean(struct vtd_unit *unit, void *addr, size_t size)
{
	if (!unit->caps.coherent_tables)
		unit->door->clean(unit, addr, size);
}

#endif
