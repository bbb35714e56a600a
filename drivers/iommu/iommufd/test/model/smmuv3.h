/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of an SMMUv3: registers, queues, stream table, context descriptors,
 * walks of both stages, caches, event records, stalls, ATS and PRI of the
 * Non-secure state. Written from the specification alone (Arm IHI 0070); it
 * includes no header of a driver.
 *
 * StreamIDs are the requester ids of struct model_port, 16 bits.
 */
#ifndef __IOMMUFD_MODEL_SMMUV3_H
#define __IOMMUFD_MODEL_SMMUV3_H

#include "port.h"

struct smmuv3_model;

/*
 * page_private() of a page that DMA may go to while the unit is made to make a
 * mistake (smmuv3_mutant.h). Not needed otherwise.
 */
#define SMMUV3_MODEL_PAGE	0x7e

/* Bytes of register space: pages 0 and 1, of 64 KiB each. */
#define SMMUV3_MODEL_MMIO	0x20000

/* Interrupts of the unit: wired, edge triggered (3.18). */
enum smmuv3_model_irq {
	SMMUV3_MODEL_IRQ_GERROR,
	SMMUV3_MODEL_IRQ_EVTQ,
	SMMUV3_MODEL_IRQ_PRIQ,
	SMMUV3_MODEL_IRQ_CMD_SYNC,
	SMMUV3_MODEL_NUM_IRQS,
};

/**
 * struct smmuv3_model_config - a unit to make
 * @idr0: SMMU_IDR0 (6.3.1) as it is to read
 * @idr1: SMMU_IDR1
 * @idr3: SMMU_IDR3
 * @idr5: SMMU_IDR5; STALL_MAX is the number of stalls the unit can hold
 * @iidr: SMMU_IIDR
 * @aidr: SMMU_AIDR: 0x3 for SMMUv3.3
 * @raise: a wired interrupt: an edge. Called with interrupts off and without a lock of
 *	the unit, maybe from within a write of a register or an operation of the port.
 *	CMD_SYNC's comes with every CMD_SYNC that signals by interrupt, MSI or not
 * @msi: a write of @val to an address that is no memory: what a driver set up for
 *	an MSI. Called as @raise. NULL: nothing answers there, and the write aborts
 * @data: for @raise and @msi
 */
struct smmuv3_model_config {
	u32 idr0;
	u32 idr1;
	u32 idr3;
	u32 idr5;
	u32 iidr;
	u32 aidr;
	void (*raise)(void *data, enum smmuv3_model_irq which);
	void (*msi)(void *data, u64 addr, u32 val);
	void *data;
};

/*
 * Registers of a modern unit: both stages and nesting, 16-bit ASIDs and VMIDs,
 * 48-bit addresses, two-level stream table and CD tables, 16-bit StreamIDs, 20-bit
 * substreams, ATS, PRI, stall and terminate, HTTU of access and dirty state, range
 * invalidation, SEV, MSIs, coherent walks, S2FWB, granules of 4, 16 and 64 KiB,
 * queues of 2^19 entries at most.
 */
extern const u32 smmuv3_model_idr0;
extern const u32 smmuv3_model_idr1;
extern const u32 smmuv3_model_idr3;
extern const u32 smmuv3_model_idr5;

struct smmuv3_model *smmuv3_model_create(const struct smmuv3_model_config *config);
/* Complains of anything that is still switched on, and of stalls nobody ended. */
void smmuv3_model_destroy(struct smmuv3_model *model);
struct model_port *smmuv3_model_port(struct smmuv3_model *model);

/*
 * Registers: @offset from the base of page 0, and 0x10000 more for page 1; @size 4
 * or 8 bytes as the register is wide. Writing SMMU_CMDQ_PROD carries out what is
 * in the queue before it returns, unless another CPU is at it, which does so then.
 */
u64 smmuv3_model_read(struct smmuv3_model *model, u32 offset, unsigned int size);
void smmuv3_model_write(struct smmuv3_model *model, u32 offset, unsigned int size,
			u64 val);

/**
 * enum smmuv3_model_inject - errors to make
 * @SMMUV3_MODEL_INJECT_DROP: consume the nth command from now without doing
 *	anything
 * @SMMUV3_MODEL_INJECT_DROP_TYPES: nth is a mask: commands of these are dropped;
 *	SMMUV3_MODEL_DROP_*; 0 to stop
 * @SMMUV3_MODEL_INJECT_CERROR_ILL: the nth command from now is illegal; it stays so
 *	until another one is in its place. CMD_SYNC without a signal is legal again
 *	when it is fetched again
 * @SMMUV3_MODEL_INJECT_CERROR_ABT: fetching the nth command from now aborts, once
 * @SMMUV3_MODEL_INJECT_CERROR_ATC_INV_SYNC: the nth CMD_ATC_INV from now is not
 *	answered, so that the CMD_SYNC behind it fails
 * @SMMUV3_MODEL_INJECT_DELAY: nth counts microseconds by which each interrupt of
 *	the event and PRI queues comes late; 0 to stop, and what is late comes now
 * @SMMUV3_MODEL_INJECT_MISS_LEAF: the nth TLBI from now leaves cached tables alone,
 *	as if it were for the last level only
 * @SMMUV3_MODEL_INJECT_EVENT_ABT: the nth event record from now cannot be written
 *	(SMMU_GERROR.EVENTQ_ABT_ERR)
 * @SMMUV3_MODEL_INJECT_PRI_ABT: the nth PRI record from now likewise
 * @SMMUV3_MODEL_INJECT_EVENT_ASYNC: writing the nth event record from now aborts when
 *	the index has moved on (7.2.2): the record is lost, and something else in its
 *	place; a transaction that it told of stays stalled
 * @SMMUV3_MODEL_INJECT_PRI_ASYNC: the nth PRI record likewise (8.2): nobody answers
 * @SMMUV3_MODEL_INJECT_WITHHOLD: nth is a StreamID and one more: its function withholds
 *	the completions of CMD_ATC_INV, and goes on with what it has cached; a CMD_SYNC
 *	behind one waits, and the queue with it. 0: the completions come, and what they
 *	are for is done
 * @SMMUV3_MODEL_INJECT_ATC_TIMEOUT: not 0: the unit waits no longer for completions
 *	that are withheld now: CMD_SYNC fails (3.9.1.4)
 * @SMMUV3_MODEL_INJECT_LOSE_IRQS: nth is a mask, bits of enum smmuv3_model_irq: what the
 *	unit raises of these is lost on its way, by wire and by MSI; 0 to stop. It is an
 *	edge (3.18), so it does not come later, and there is none until there is another
 *	cause: a queue that was empty has a record (3.18.1), another error is active
 */
enum smmuv3_model_inject {
	SMMUV3_MODEL_INJECT_DROP,
	SMMUV3_MODEL_INJECT_DROP_TYPES,
	SMMUV3_MODEL_INJECT_CERROR_ILL,
	SMMUV3_MODEL_INJECT_CERROR_ABT,
	SMMUV3_MODEL_INJECT_CERROR_ATC_INV_SYNC,
	SMMUV3_MODEL_INJECT_DELAY,
	SMMUV3_MODEL_INJECT_MISS_LEAF,
	SMMUV3_MODEL_INJECT_EVENT_ABT,
	SMMUV3_MODEL_INJECT_PRI_ABT,
	SMMUV3_MODEL_INJECT_EVENT_ASYNC,
	SMMUV3_MODEL_INJECT_PRI_ASYNC,
	SMMUV3_MODEL_INJECT_WITHHOLD,
	SMMUV3_MODEL_INJECT_ATC_TIMEOUT,
	SMMUV3_MODEL_INJECT_LOSE_IRQS,
	SMMUV3_MODEL_NUM_INJECTS,
};

/* For SMMUV3_MODEL_INJECT_DROP_TYPES: families of commands, by section 4.3 to 4.7 */
#define SMMUV3_MODEL_DROP_CFGI_STE	BIT(0)
#define SMMUV3_MODEL_DROP_CFGI_CD	BIT(1)
#define SMMUV3_MODEL_DROP_TLBI_S1	BIT(2)
#define SMMUV3_MODEL_DROP_TLBI_S2	BIT(3)
#define SMMUV3_MODEL_DROP_TLBI_ALL	BIT(4)
#define SMMUV3_MODEL_DROP_ATC_INV	BIT(5)
#define SMMUV3_MODEL_DROP_PRI_RESP	BIT(6)
#define SMMUV3_MODEL_DROP_RESUME	BIT(7)

void smmuv3_model_inject(struct smmuv3_model *model, enum smmuv3_model_inject what,
			 unsigned long nth);

/**
 * struct smmuv3_model_counts - what the unit has done
 * @submits: writes of SMMU_CMDQ_PROD that brought commands
 * @commands: commands consumed, by opcode, without those that were dropped
 * @dropped: those that were, because a test wanted it, by opcode
 * @kept: cached tables that a TLBI was for, and that stayed because a test wanted it
 *	(SMMUV3_MODEL_INJECT_MISS_LEAF), by opcode
 * @errors: commands that stopped the queue, by CERROR_*
 * @msis: MSIs written, CMD_SYNC's too
 * @sevs: events sent to PEs by CMD_SYNC
 * @ste_fetches: STEs read from memory; @cd_fetches: CDs
 * @tlb_hits: translations answered by the TLB
 * @walks: translations that read tables
 * @events: records written to the event queue, by type
 * @event_overflows: that found no room
 * @pri_records: written to the PRI queue
 * @pri_overflows: that found no room
 * @pri_auto: answers the unit gave by itself
 * @responses: CMD_PRI_RESP sent on, by code: 0 failure, 1 invalid, 2 success
 * @stalls: transactions stalled
 * @stall_full: that would have been, but for room; they wait in front of the unit,
 *	and are retried
 * @resumes: CMD_RESUME by what it asked for, enum model_resume
 * @stall_terms: stalls ended by CMD_STALL_TERM
 */
struct smmuv3_model_counts {
	u64 submits;
	u64 commands[256];
	u64 dropped[256];
	u64 kept[256];
	u64 errors[4];
	u64 msis;
	u64 sevs;
	u64 ste_fetches;
	u64 cd_fetches;
	u64 tlb_hits;
	u64 walks;
	u64 events[256];
	u64 event_overflows;
	u64 pri_records;
	u64 pri_overflows;
	u64 pri_auto;
	u64 responses[3];
	u64 stalls;
	u64 stall_full;
	u64 resumes[3];
	u64 stall_terms;
};

void smmuv3_model_counts(struct smmuv3_model *model,
			 struct smmuv3_model_counts *counts);

#endif
