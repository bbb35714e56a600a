/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An SMMUv3 (Arm IHI 0070): what is known of it, and the door through which
 * everything else here reaches its registers. Queues, stream table, context
 * descriptors and page tables are memory that the unit reads by itself.
 *
 * A test build puts a hardware model behind the door.
 */
#ifndef __IOMMUFD_SMMUV3_UNIT_H
#define __IOMMUFD_SMMUV3_UNIT_H

#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "../fault/fault.h"
#include "../map/owed.h"
#include "../tag_ids.h"

struct smmuv3_cmdq;
struct smmuv3_evtq;
struct smmuv3_priq;
struct smmuv3_strtab;
struct smmuv3_unit;

/**
 * enum smmuv3_irq - interrupts of a unit (3.18)
 * @SMMUV3_IRQ_GERROR: a global error became active
 * @SMMUV3_IRQ_EVTQ: the event queue is no longer empty, or had no room
 * @SMMUV3_IRQ_PRIQ: the same of the page request queue
 */
enum smmuv3_irq {
	SMMUV3_IRQ_GERROR,
	SMMUV3_IRQ_EVTQ,
	SMMUV3_IRQ_PRIQ,
	SMMUV3_NUM_IRQS,
};

/**
 * struct smmuv3_door_ops - how to reach a unit
 * @read32: read a register at byte offset @reg (page 1 from 0x10000). Any context
 * @read64: read a 64-bit register. Any context
 * @write32: write a register; memory written before is visible to the unit first.
 *	Any context
 * @write64: write a 64-bit register. As @write32
 * @irq_request: connect an interrupt, as MSI or by wire: @hard runs with interrupts
 *	off and may be NULL, @thread in a thread and may be NULL (as
 *	request_threaded_irq(), with IRQF_ONESHOT when @hard is NULL). Where several
 *	share a wire each handler is called. IRQ_CTRL is the caller's. May sleep.
 *	Returns 0 or an errno
 * @irq_free: undo @irq_request; waits for handlers. May sleep
 */
struct smmuv3_door_ops {
	u32 (*read32)(struct smmuv3_unit *unit, unsigned int reg);
	u64 (*read64)(struct smmuv3_unit *unit, unsigned int reg);
	void (*write32)(struct smmuv3_unit *unit, unsigned int reg, u32 val);
	void (*write64)(struct smmuv3_unit *unit, unsigned int reg, u64 val);
	int (*irq_request)(struct smmuv3_unit *unit, enum smmuv3_irq which,
			   irq_handler_t hard, irq_handler_t thread,
			   void *data);
	void (*irq_free)(struct smmuv3_unit *unit, enum smmuv3_irq which,
			 void *data);
};

/* What firmware says beside the registers: smmuv3_unit::firmware. */
/* Memory that the unit reads is coherent, whatever IDR0.COHACC says */
#define SMMUV3_FW_COHERENT	BIT(0)
/* IORT CANWBS: nested walks are coherent, a guest's attributes do no harm */
#define SMMUV3_FW_CANWBS	BIT(1)
/* Memory that the unit reads is not coherent, whatever IDR0.COHACC says */
#define SMMUV3_FW_NONCOHERENT	BIT(2)
/* IORT: the next two count, IDR0.HTTU does not */
#define SMMUV3_FW_HTTU		BIT(3)
#define SMMUV3_FW_HTTU_ACCESS	BIT(4)
#define SMMUV3_FW_HTTU_DIRTY	BIT(5)

/**
 * struct smmuv3_caps - what a unit can do (IDR0 to IDR5, 6.3), decoded
 * @sid_bits: width of StreamIDs
 * @ssid_bits: width of SubstreamIDs (PASIDs), 0 without
 * @asid_bits: 8 or 16
 * @vmid_bits: 8 or 16
 * @ias: bits of an input address of stage 2, and of stage 1's output
 * @oas: bits of an output address
 * @va_bits: bits of a stage 1 input address: 48 or 52
 * @cmdq_log2: log2 of the most entries of the command queue
 * @evtq_log2: likewise, event queue
 * @priq_log2: likewise, page request queue; 0 without PRI
 * @stall_max: transactions that may be stalled at once, 0 if none can
 * @granules: page sizes of translation granules: SZ_4K, SZ_16K, SZ_64K
 * @aarch64: has tables in AArch64 format, the only ones we write
 * @preset: queues or stream table are where hardware wants them
 * @stage1: stage 1 translation
 * @stage2: stage 2 translation
 * @two_level_streams: two-level stream tables
 * @two_level_contexts: two-level context descriptor tables
 * @coherent: tables and queues are read with snooping
 * @hw_access: hardware sets access flags (HTTU)
 * @hw_dirty: hardware sets dirty state (HTTU)
 * @ats: address translation service
 * @pri: page request interface
 * @stall: transactions can be stalled
 * @stall_always: STALL_MODEL 0b10: they are always stalled where it is allowed
 * @range_inval: range based TLB invalidation (RIL)
 * @msi: interrupts can be MSIs
 * @sev: completion of CMD_SYNC can signal an event
 * @s2fwb: stage 2 can force write-back (S2FWB)
 * @attr_override: incoming attributes can be overridden (ATTR_TYPES_OVR)
 * @hyp: EL2-E2H stage 1 contexts
 * @table_big_endian: walks can be big-endian only (TTENDIAN)
 * @broadcast: takes part in broadcast TLB maintenance (BTM)
 * @term_abort: a terminated transaction is always aborted (TERM_MODEL)
 * @no_nest: it has errata for which both stages are not used at once
 * @one_kind: it has errata for which between commands of different kinds there is a SYNC
 */
struct smmuv3_caps {
	u8 sid_bits;
	u8 ssid_bits;
	u8 asid_bits;
	u8 vmid_bits;
	u8 ias;
	u8 oas;
	u8 va_bits;
	u8 cmdq_log2;
	u8 evtq_log2;
	u8 priq_log2;
	u16 stall_max;
	unsigned long granules;
	bool aarch64:1;
	bool preset:1;
	bool stage1:1;
	bool stage2:1;
	bool two_level_streams:1;
	bool two_level_contexts:1;
	bool coherent:1;
	bool hw_access:1;
	bool hw_dirty:1;
	bool ats:1;
	bool pri:1;
	bool stall:1;
	bool stall_always:1;
	bool range_inval:1;
	bool msi:1;
	bool sev:1;
	bool s2fwb:1;
	bool attr_override:1;
	bool hyp:1;
	bool table_big_endian:1;
	bool broadcast:1;
	bool term_abort:1;
	bool no_nest:1;
	bool one_kind:1;
};

/* Both stages, one after the other */
static inline bool smmuv3_can_nest(const struct smmuv3_caps *caps)
{
	return caps->stage1 && caps->stage2 && !caps->no_nest;
}

/**
 * struct smmuv3_unit - an SMMUv3
 * @door: constant
 * @door_data: the door's own
 * @dev: the platform device: queues are allocated for it with dma_alloc_coherent(),
 *	and tables too if it does not snoop
 * @name: for messages and sysfs, "smmuv3.0"
 * @idr: IDR0 to IDR5 as read
 * @iidr: implementation identification, as read
 * @aidr: architecture revision, as read
 * @firmware: SMMUV3_FW_*
 * @caps: decoded
 * @iommu: what the iommu core knows
 * @fault_unit: what the fault door knows; its ops are in respond.c
 * @item: in the list of units; guarded by its lock (unit.c)
 * @lock: guards the stream table, the context descriptors of all devices of the
 *	unit, and attaching. Taken under the group's mutex of the iommu core; no
 *	spinlock may be held
 * @streams: struct smmuv3_stream by StreamID. Written under @lock, read under RCU;
 *	a device is freed a grace period after it left
 * @asids: ASIDs; 0 is not used
 * @vmids: VMIDs; 0 is the kernel's stage 1 tables', and no other's
 * @contexts: how many vIOMMUs each iommufd context has, as values, by its address;
 *	viommu.c's, under @lock
 * @strtab: stream table; constant while the unit is on
 * @cmdq: command queue; constant from init to free
 * @evtq: event queue; constant from start to stop
 * @priq: page request queue, NULL without PRI, or an interrupt for it; as @evtq
 * @users: domains and vIOMMUs of user space that name it, or -1: it is about to go,
 *	and there will be none
 * @enables: CR0 as last written; unit.c's
 * @gerror_irq: global errors have an interrupt; unit.c's
 * @one_irq: both queues have the same interrupt, and so one thread. The door's, before it
 *	connects the first
 * @broken: it has given up (service failure mode), or was turned off because it did
 *	nothing any more: nothing that it is told will be done, and all DMA is aborted.
 *	Only ever set
 * @owed: invalidations that it did not carry out (owed.c)
 * @owed_patience: how long the command queue may stand still before the unit is turned
 *	off, ms. Set once
 * @gerrors: global errors seen
 * @submits: submissions to the command queue, for tests and tracing
 * @timeouts: ATC invalidations that a device did not answer
 * @faults: unrecoverable faults seen
 * @event_overflows: times the event queue had no room
 * @queue_aborts: times the event queue or the page request queue could not be
 *	written
 */
struct smmuv3_unit {
	const struct smmuv3_door_ops *door;
	void *door_data;
	struct device *dev;
	char name[16];
	u32 idr[6];
	u32 iidr;
	u32 aidr;
	u32 firmware;
	struct smmuv3_caps caps;
	struct iommu_device iommu;
	struct iommufd_fault_unit fault_unit;
	struct list_head item;
	struct mutex lock;		/* see above */
	struct xarray streams;
	struct tag_ids asids;
	struct tag_ids vmids;
	struct xarray contexts;
	struct smmuv3_strtab *strtab;
	struct smmuv3_cmdq *cmdq;
	struct smmuv3_evtq *evtq;
	struct smmuv3_priq *priq;
	atomic_t users;
	u32 enables;
	bool gerror_irq;
	bool one_irq;
	bool broken;
	struct map_owed owed;
	unsigned int owed_patience;
	atomic64_t gerrors;
	atomic64_t submits;
	atomic64_t timeouts;
	atomic64_t faults;
	atomic64_t event_overflows;
	atomic64_t queue_aborts;
};

void smmuv3_caps_decode(struct smmuv3_caps *caps, const u32 idr[6],
			u32 firmware);
void smmuv3_caps_errata(struct smmuv3_caps *caps, u32 iidr);

/*
 * What user space makes and keeps while no device is there any more. Any context.
 * hold    before @unit is named by it; false: @unit is about to go
 * drop    undo
 * retire  may @unit go? If so nothing holds it from now on
 */
static inline bool smmuv3_unit_hold(struct smmuv3_unit *unit)
{
	return atomic_inc_unless_negative(&unit->users);
}

static inline void smmuv3_unit_drop(struct smmuv3_unit *unit)
{
	atomic_dec(&unit->users);
}

static inline bool smmuv3_unit_retire(struct smmuv3_unit *unit)
{
	return !atomic_cmpxchg(&unit->users, 0, -1);
}

/*
 * (unit.c)
 * init   read and decode, allocate queues and stream table: nothing reaches the
 *        unit's registers but reads. The caller has set door, door_data, dev,
 *        firmware and name. -ENODEV: it lacks what we need
 * start  all DMA aborted, then queues, interrupts, and the stream table in which
 *        every stream aborts or is unknown; translation is on afterwards
 * stop   everything off, DMA aborted (GBPA.ABORT). No device is left
 * off    the same for a machine that goes down: devices and interrupts stay as they
 *        are, the unit is of no use afterwards
 * block  of that, what keeps DMA out: queues stay on
 * free   undo init
 * All may sleep.
 */
int smmuv3_unit_init(struct smmuv3_unit *unit);
int smmuv3_unit_start(struct smmuv3_unit *unit);
void smmuv3_unit_stop(struct smmuv3_unit *unit);
int smmuv3_unit_off(struct smmuv3_unit *unit);
int smmuv3_unit_block(struct smmuv3_unit *unit);
void smmuv3_unit_free(struct smmuv3_unit *unit);

/*
 * Global errors (6.3.18), SMMU_GERROR_*: those that are active; acknowledge @errors.
 * Any context.
 */
u32 smmuv3_gerror_active(struct smmuv3_unit *unit);
void smmuv3_gerror_ack(struct smmuv3_unit *unit, u32 errors);

/*
 * All units that were added. The lock is taken before that of a unit.
 */
extern struct list_head smmuv3_units;
void smmuv3_units_lock(void);
void smmuv3_units_unlock(void);
#define smmuv3_for_each_unit(unit) \
	list_for_each_entry(unit, &smmuv3_units, item)

#endif
