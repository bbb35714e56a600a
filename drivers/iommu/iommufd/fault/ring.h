/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A first-in-first-out store of slot numbers that any number of CPUs put into
 * and take from at once, without a lock.
 *
 * Each cell carries a sequence number that says whose turn it is: equal to a
 * position: the putter of that position may fill the cell; one more: the taker
 * of that position may empty it. A position is claimed by moving @tail or @head
 * over it, the cell is handed on by storing its sequence number.
 *
 * The store never holds more numbers than it has cells, because the caller puts
 * in only what it took out (or the initial filling). Hence a put cannot fail;
 * at most it waits for the taker of one round before, who is between claiming
 * and handing on. Both are a few instructions apart, with preemption and bottom
 * halves off, so these waits are as short as those of a spinlock with an empty
 * critical section.
 *
 * First in, first out is what makes the cookies good: a slot comes up again only
 * after all the others that are free, so a cookie does after about 2^32 groups, or as
 * many times as there are generations if no other gets free.
 */
#ifndef __IOMMUFD_FAULT_RING_H
#define __IOMMUFD_FAULT_RING_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>

/**
 * struct fault_ring_cell - place for one number
 * @seq: whose turn it is, see above
 * @value: the number; belongs to the one whose turn it is
 */
struct fault_ring_cell {
	u32 seq;
	u32 value;
};

/**
 * struct fault_ring - the store
 * @cells: a power of two of them; owned
 * @mask: number of cells - 1; never changes
 * @head: next position to take from
 * @tail: next position to put into
 */
struct fault_ring {
	struct fault_ring_cell *cells;
	u32 mask;
	atomic_t head ____cacheline_aligned_in_smp;
	atomic_t tail ____cacheline_aligned_in_smp;
};

/**
 * fault_ring_init - make a store that holds the numbers 0 to @num - 1
 * @ring: to set up
 * @num: how many, 1 to 2^30; never more are in it
 *
 * Return: 0 or -ENOMEM. The memory is charged to the caller's memory cgroup.
 */
static inline int fault_ring_init(struct fault_ring *ring, u32 num)
{
	u32 size = roundup_pow_of_two(num);
	u32 i;

	ring->cells = kvcalloc(size, sizeof(*ring->cells), GFP_KERNEL_ACCOUNT);
	if (!ring->cells)
		return -ENOMEM;
	ring->mask = size - 1;
	for (i = 0; i < size; i++) {
		ring->cells[i].seq = i < num ? i + 1 : i;
		ring->cells[i].value = i;
	}
	atomic_set(&ring->head, 0);
	atomic_set(&ring->tail, num);
	return 0;
}

/**
 * fault_ring_exit - free what fault_ring_init() allocated
 * @ring: nobody uses it any more
 */
static inline void fault_ring_exit(struct fault_ring *ring)
{
	kvfree(ring->cells);
	ring->cells = NULL;
}

/**
 * fault_ring_count - how many numbers are in the store
 * @ring: the store
 *
 * Return: their number; exact while nobody puts or takes.
 */
static inline u32 fault_ring_count(struct fault_ring *ring)
{
	return atomic_read(&ring->tail) - atomic_read(&ring->head);
}

/**
 * fault_ring_take - take the oldest number out
 * @ring: the store
 * @value: receives it
 *
 * Bottom halves must be off.
 *
 * Return: false if the store is empty.
 */
static inline bool fault_ring_take(struct fault_ring *ring, u32 *value)
{
	struct fault_ring_cell *cell;
	int pos;
	u32 seq;

	lockdep_assert_in_softirq();
	preempt_disable();
	pos = atomic_read(&ring->head);
	for (;;) {
		cell = &ring->cells[pos & ring->mask];
		/* Pairs with the release in fault_ring_fill(). */
		seq = smp_load_acquire(&cell->seq);
		if (seq == (u32)pos + 1) {
			if (atomic_try_cmpxchg_relaxed(&ring->head, &pos,
						       pos + 1))
				break;
			continue;
		}
		/* Not filled: empty, or its putter is about to hand it on. */
		if ((s32)(seq - ((u32)pos + 1)) < 0) {
			if (atomic_read(&ring->tail) == pos) {
				preempt_enable();
				return false;
			}
			cpu_relax();
		}
		pos = atomic_read(&ring->head);
	}
	*value = cell->value;
	/* Pairs with the acquire in fault_ring_fill(). */
	smp_store_release(&cell->seq, (u32)pos + ring->mask + 1);
	preempt_enable();
	return true;
}

/* Fill the cell of @pos, which the caller has claimed. */
static inline void fault_ring_fill(struct fault_ring *ring, u32 pos, u32 value)
{
	struct fault_ring_cell *cell = &ring->cells[pos & ring->mask];

	/* Pairs with the release in fault_ring_take(), one round before. */
	while (smp_load_acquire(&cell->seq) != pos)
		cpu_relax();
	cell->value = value;
	/* Pairs with the acquire in fault_ring_take(). */
	smp_store_release(&cell->seq, pos + 1);
}

/**
 * fault_ring_put - put one number back
 * @ring: the store
 * @value: taken before
 *
 * Bottom halves must be off.
 */
static inline void fault_ring_put(struct fault_ring *ring, u32 value)
{
	lockdep_assert_in_softirq();
	preempt_disable();
	fault_ring_fill(ring, atomic_fetch_inc_relaxed(&ring->tail), value);
	preempt_enable();
}

#endif
