// SPDX-License-Identifier: GPL-2.0-only
/* Indices of the SMMUv3 model's queues (3.5.1); one bit says on which lap it is. */
#include "smmuv3_internal.h"

/* SMMU_*Q_BASE (6.3.26 and others) */
#define BASE_ADDR		GENMASK_ULL(55, 5)
#define BASE_LOG2SIZE		MUT_MASK(Q_LOG2SIZE, 4, 0, 2, 0)

/* SMMU_*Q_PROD.OVFLG and SMMU_*Q_CONS.OVACKFLG */
#define OVERFLOW		MUT(Q_OVFLG, BIT(31), BIT(30))

/**
 * smmuv3_queue_bits() - how large a queue is
 * @queue: it
 *
 * Return: log2 of its entries.
 */
u32 smmuv3_queue_bits(const struct smmuv3_queue *queue)
{
	return smmuv3_get(BASE_LOG2SIZE, queue->base);
}

static u32 index_mask(const struct smmuv3_queue *queue)
{
	return (2U << smmuv3_queue_bits(queue)) - 1;
}

/**
 * smmuv3_queue_used() - entries between consumer and producer
 * @queue: it
 *
 * Return: how many; more than the queue has if an index is wrong.
 */
u32 smmuv3_queue_used(const struct smmuv3_queue *queue)
{
	return (queue->prod - queue->cons) & index_mask(queue);
}

/**
 * smmuv3_queue_full() - no room is left
 * @queue: it
 *
 * Return: true if so.
 */
bool smmuv3_queue_full(const struct smmuv3_queue *queue)
{
	return smmuv3_queue_used(queue) >=
	       (1U << smmuv3_queue_bits(queue)) - MUT(Q_FULL, 0, 1);
}

/**
 * smmuv3_queue_entry() - where an entry is
 * @queue: it
 * @index: PROD or CONS
 * @bytes: of an entry
 *
 * Return: physical address. The base is aligned to the size of the queue.
 */
u64 smmuv3_queue_entry(const struct smmuv3_queue *queue, u32 index,
		       unsigned int bytes)
{
	u64 size = (u64)bytes << smmuv3_queue_bits(queue);
	u64 offset = (u64)index * bytes & (size - 1);

	return (queue->base & BASE_ADDR & ~(size - 1)) + offset;
}

/**
 * smmuv3_queue_next() - the index behind one
 * @queue: it
 * @index: PROD or CONS
 *
 * Return: the same with its flags, moved on.
 */
u32 smmuv3_queue_next(const struct smmuv3_queue *queue, u32 index)
{
	u32 mask = index_mask(queue);

	return (index & ~mask) | ((index + 1) & mask);
}

/**
 * smmuv3_queue_overflow() - an entry found no room
 * @queue: it
 *
 * Return: true if that is news; false if it had not been acknowledged.
 */
bool smmuv3_queue_overflow(struct smmuv3_queue *queue)
{
	if ((queue->prod ^ queue->cons) & OVERFLOW)
		return false;
	queue->prod ^= OVERFLOW;
	return true;
}
