/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue that the unit writes and the driver reads (IHI 0070 3.5): the event queue
 * and the page request queue are two of them.
 */
#ifndef __IOMMUFD_SMMUV3_RING_H
#define __IOMMUFD_SMMUV3_RING_H

#include "unit.h"

/*
 * Slots are given back in groups of so many, so that a long pass makes room as it
 * goes, without a register write for each record.
 */
#define SMMUV3_RING_FREE_EVERY	32

/**
 * struct smmuv3_ring - a queue of records
 * @unit: the unit
 * @base: the records, little-endian
 * @dma: where the unit finds them
 * @log2: of the number of slots
 * @words: 64-bit words of a record
 * @base_reg: base register
 * @prod_reg: register with the index the unit writes next, and its overflow flag
 * @cons_reg: register with the index of the next record to take, and the flag that
 *	acknowledges
 * @prod: index, with the wrap bit, up to which records can be taken
 * @cons: index, with the wrap bit, of the next record to take
 * @acked: what the unit has to know of the overflow flag: 0 or SMMU_QUEUE_OVERFLOW
 * @unfreed: taken since @cons_reg was written
 * @taken: since smmuv3_ring_look()
 * @overflow: at the last look there was an overflow nobody had acknowledged
 * @full: at some time since the look before the last one the queue may have had no
 *	room
 *
 * Guarded by the lock of the queue it is in.
 */
struct smmuv3_ring {
	struct smmuv3_unit *unit;
	__le64 *base;
	dma_addr_t dma;
	u8 log2;
	u8 words;
	u32 base_reg;
	u32 prod_reg;
	u32 cons_reg;
	u32 prod;
	u32 cons;
	u32 acked;
	u32 unfreed;
	u32 taken;
	bool overflow;
	bool full;
};

int smmuv3_ring_alloc(struct smmuv3_ring *ring);
void smmuv3_ring_free(struct smmuv3_ring *ring);
void smmuv3_ring_setup(struct smmuv3_ring *ring);
bool smmuv3_ring_look(struct smmuv3_ring *ring);
bool smmuv3_ring_take(struct smmuv3_ring *ring, u64 *qw);
void smmuv3_ring_release(struct smmuv3_ring *ring);
void smmuv3_ring_acknowledge(struct smmuv3_ring *ring);
void smmuv3_ring_discard(struct smmuv3_ring *ring);

#endif
