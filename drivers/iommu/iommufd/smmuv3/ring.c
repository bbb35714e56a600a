// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue that the unit writes and the driver reads (IHI 0070 3.5, 7.2, 8.1).
 *
 * The unit writes records at PROD, a pass takes them at CONS. Both indices have one
 * bit more than the number of slots needs, which turns over with each lap: equal
 * indices are an empty queue, indices that differ in that bit alone a full one
 * (3.5.1). Bit 31 is the overflow flag; there is one whenever it differs between
 * the two registers (7.4).
 */
#include <linux/dma-mapping.h>

#include "regs.h"
#include "ring.h"

static u32 ring_slots(const struct smmuv3_ring *ring)
{
	return BIT(ring->log2);
}

/* An index and its wrap bit. */
static u32 ring_mask(const struct smmuv3_ring *ring)
{
	return 2 * ring_slots(ring) - 1;
}

static size_t ring_bytes(const struct smmuv3_ring *ring)
{
	return (size_t)ring_slots(ring) * ring->words * sizeof(*ring->base);
}

/**
 * smmuv3_ring_alloc() - the memory of a queue
 * @ring: unit, log2, words and registers are filled in, the rest is 0
 *
 * It is aligned to its size, as the unit wants it. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int smmuv3_ring_alloc(struct smmuv3_ring *ring)
{
	ring->base = dma_alloc_coherent(ring->unit->dev, ring_bytes(ring),
					&ring->dma, GFP_KERNEL);
	return ring->base ? 0 : -ENOMEM;
}

/**
 * smmuv3_ring_free() - undo smmuv3_ring_alloc()
 * @ring: the unit does not write it any more
 *
 * May sleep.
 */
void smmuv3_ring_free(struct smmuv3_ring *ring)
{
	dma_free_coherent(ring->unit->dev, ring_bytes(ring), ring->base,
			  ring->dma);
}

/**
 * smmuv3_ring_setup() - tell the unit of an empty queue
 * @ring: the queue, which is off (CR0)
 */
void smmuv3_ring_setup(struct smmuv3_ring *ring)
{
	struct smmuv3_unit *unit = ring->unit;

	ring->prod = 0;
	ring->cons = 0;
	ring->acked = 0;
	ring->unfreed = 0;
	ring->taken = 0;
	ring->overflow = false;
	ring->full = false;
	unit->door->write64(unit, ring->base_reg,
			    SMMU_QUEUE_BASE_WA |
			    (ring->dma & SMMU_QUEUE_BASE_ADDR) | ring->log2);
	unit->door->write32(unit, ring->prod_reg, 0);
	unit->door->write32(unit, ring->cons_reg, 0);
}

/**
 * smmuv3_ring_look() - see how far the unit has come
 * @ring: the queue; smmuv3_ring_release() was called since the last look
 *
 * An overflow and the end of what came in before it are seen in one read.
 *
 * Return: false if the unit has gone: there would be no end of records.
 */
bool smmuv3_ring_look(struct smmuv3_ring *ring)
{
	struct smmuv3_unit *unit = ring->unit;
	u32 prod = unit->door->read32(unit, ring->prod_reg);
	u32 waiting;

	if (prod == U32_MAX)
		return false;
	/* Records after the index. */
	dma_rmb();
	ring->prod = prod & ring_mask(ring);
	ring->overflow = (prod & SMMU_QUEUE_OVERFLOW) != ring->acked;
	/*
	 * At any time since the look before this there were at most those in it
	 * that were taken since and those that are in it now.
	 */
	waiting = (ring->prod - ring->cons) & ring_mask(ring);
	ring->full = ring->taken + waiting >= ring_slots(ring);
	ring->taken = 0;
	return true;
}

/**
 * smmuv3_ring_take() - take a record out
 * @ring: the queue
 * @qw: receives it
 *
 * Return: false if all that the last look has seen is taken.
 */
bool smmuv3_ring_take(struct smmuv3_ring *ring, u64 *qw)
{
	__le64 *slot;
	unsigned int i;

	if (ring->cons == ring->prod)
		return false;
	slot = &ring->base[(ring->cons & (ring_slots(ring) - 1)) *
			   ring->words];
	for (i = 0; i < ring->words; i++)
		qw[i] = le64_to_cpu(READ_ONCE(slot[i]));
	ring->cons = (ring->cons + 1) & ring_mask(ring);
	ring->taken++;
	if (++ring->unfreed == SMMUV3_RING_FREE_EVERY)
		smmuv3_ring_release(ring);
	return true;
}

static void ring_write_cons(struct smmuv3_ring *ring)
{
	struct smmuv3_unit *unit = ring->unit;

	/* The unit may write to a slot as soon as it is given back. */
	dma_mb();
	unit->door->write32(unit, ring->cons_reg, ring->acked | ring->cons);
	ring->unfreed = 0;
}

/**
 * smmuv3_ring_release() - give back the slots of what was taken
 * @ring: the queue
 */
void smmuv3_ring_release(struct smmuv3_ring *ring)
{
	if (ring->unfreed)
		ring_write_cons(ring);
}

/**
 * smmuv3_ring_acknowledge() - say that the overflow was seen
 * @ring: the queue, with an overflow
 *
 * Also gives back slots.
 */
void smmuv3_ring_acknowledge(struct smmuv3_ring *ring)
{
	ring->acked ^= SMMU_QUEUE_OVERFLOW;
	ring->overflow = false;
	ring_write_cons(ring);
}

/**
 * smmuv3_ring_discard() - empty the queue, unseen
 * @ring: the queue; the unit writes nothing to it now
 *
 * Acknowledges an overflow, too.
 */
void smmuv3_ring_discard(struct smmuv3_ring *ring)
{
	if (!smmuv3_ring_look(ring))
		return;
	ring->cons = ring->prod;
	if (ring->overflow)
		smmuv3_ring_acknowledge(ring);
	else
		ring_write_cons(ring);
}
