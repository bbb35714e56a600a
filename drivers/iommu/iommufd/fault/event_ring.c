// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of an event queue: pushing in any context, reading in order.
 *
 * iommufd_event_ring::lock is held for the time of a few records. What is read
 * leaves the ring only after it has reached the reader; what comes meanwhile
 * changes none of it, and readers are alone by iommufd_event_ring::read_lock. A reader
 * that does not wait for it is woken when it is released.
 */
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "event_ring.h"

/* Bytes copied to user space at a time; a few records of any format */
#define COPY_MAX	(4 * IOMMUFD_EVENT_RECORD_MAX)

/**
 * iommufd_event_ring_init() - an empty ring
 * @ring: to be set up
 * @format: how its records look
 * @record_len: bytes of a record, its head included; a multiple of 4
 * @depth: records to hold, from 1
 *
 * The memory is taken at once and charged to the caller's memory cgroup. May
 * sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int iommufd_event_ring_init(struct iommufd_event_ring *ring,
			    const struct iommufd_event_format *format,
			    u32 record_len, u32 depth)
{
	if (WARN_ON_ONCE(record_len > IOMMUFD_EVENT_RECORD_MAX ||
			 record_len < sizeof(struct iommufd_event_head) ||
			 !IS_ALIGNED(record_len, sizeof(u32))))
		return -EINVAL;
	ring->mask = roundup_pow_of_two(depth) - 1;
	ring->records = kvcalloc(ring->mask + 1, record_len,
				 GFP_KERNEL_ACCOUNT);
	if (!ring->records)
		return -ENOMEM;
	ring->format = format;
	ring->record_len = record_len;
	ring->depth = depth;
	ring->head = 0;
	ring->tail = 0;
	ring->sequence = (format->first - 1) & format->sequence_mask;
	ring->lost = false;
	ring->missed = false;
	ring->total = 0;
	ring->lost_total = 0;
	init_waitqueue_head(&ring->wait);
	mutex_init(&ring->read_lock);
	spin_lock_init(&ring->lock);
	return 0;
}

/**
 * iommufd_event_ring_exit() - free what iommufd_event_ring_init() allocated
 * @ring: nobody uses it any more
 */
void iommufd_event_ring_exit(struct iommufd_event_ring *ring)
{
	mutex_destroy(&ring->read_lock);
	kvfree(ring->records);
	ring->records = NULL;
}

static struct iommufd_event_head *ring_record(struct iommufd_event_ring *ring,
					      u32 at)
{
	return (void *)(ring->records +
			(size_t)(at & ring->mask) * ring->record_len);
}

/**
 * iommufd_event_ring_push() - an event happened
 * @ring: the ring
 * @flags: of its record
 * @data: what follows the head
 * @len: bytes of it, at most what a record has room for; the rest is 0
 *
 * Any context.
 *
 * Return: false if there was no room and the event is lost.
 */
bool iommufd_event_ring_push(struct iommufd_event_ring *ring, u32 flags,
			     const void *data, size_t len)
{
	const struct iommufd_event_format *format = ring->format;
	struct iommufd_event_head *head;
	unsigned long irq_flags;
	bool kept;

	spin_lock_irqsave(&ring->lock, irq_flags);
	ring->sequence = (ring->sequence + 1) & format->sequence_mask;
	WRITE_ONCE(ring->total, ring->total + 1);
	kept = ring->tail - ring->head != ring->depth;
	if (kept) {
		head = ring_record(ring, ring->tail);
		WRITE_ONCE(ring->tail, ring->tail + 1);
		head->flags = flags | (ring->lost ? format->after_loss : 0);
		head->sequence = ring->sequence;
		memcpy(head + 1, data, len);
		memset((u8 *)(head + 1) + len, 0,
		       ring->record_len - sizeof(*head) - len);
		WRITE_ONCE(ring->lost, false);
	} else {
		WRITE_ONCE(ring->lost, true);
		WRITE_ONCE(ring->lost_total, ring->lost_total + 1);
	}
	spin_unlock_irqrestore(&ring->lock, irq_flags);

	wake_up_interruptible_poll(&ring->wait, EPOLLIN | EPOLLRDNORM);
	return kept;
}

/*
 * True for a record, or for a loss with no record behind it. Without the lock: whoever
 * pushes wakes those who looked too soon, and a reader looks again under the lock.
 */
static bool ring_readable(struct iommufd_event_ring *ring)
{
	return READ_ONCE(ring->head) != READ_ONCE(ring->tail) ||
	       READ_ONCE(ring->lost);
}

/* Bytes of a record that tells of nothing but a loss */
static size_t loss_len(const struct iommufd_event_ring *ring)
{
	return ring->format->loss_len ?: ring->record_len;
}

static bool is_loss(const struct iommufd_event_ring *ring,
		    const struct iommufd_event_head *head)
{
	return (head->flags & ring->format->loss) == ring->format->loss;
}

/*
 * Copy the oldest records, as many as there is room for; a loss that no event has
 * followed yet is one of its own, without data. They all stay. Returns bytes; or
 * -EINVAL: there is one, but not even one fits.
 */
static ssize_t ring_peek(struct iommufd_event_ring *ring, u8 *buf, size_t room)
{
	struct iommufd_event_head loss = { .flags = ring->format->loss };
	bool no_room = false;
	size_t done = 0;
	u32 at;

	spin_lock_irq(&ring->lock);
	for (at = ring->head; at != ring->tail; at++) {
		no_room = room - done < ring->record_len;
		if (no_room)
			break;
		memcpy(buf + done, ring_record(ring, at), ring->record_len);
		done += ring->record_len;
	}
	if (!no_room && ring->lost) {
		no_room = room - done < loss_len(ring);
		if (!no_room) {
			loss.sequence = ring->sequence;
			memset(buf + done, 0, loss_len(ring));
			memcpy(buf + done, &loss, sizeof(loss));
			done += loss_len(ring);
		}
	}
	spin_unlock_irq(&ring->lock);
	return done ?: no_room ? -EINVAL : 0;
}

/* Up to event @sequence it is known that they were lost. */
static void ring_told_lost(struct iommufd_event_ring *ring, u32 sequence)
{
	const struct iommufd_event_format *format = ring->format;
	struct iommufd_event_head *next = ring_record(ring, ring->head);

	if (ring->sequence == sequence)
		WRITE_ONCE(ring->lost, false);
	else if (ring->head != ring->tail &&
		 next->sequence == ((sequence + 1) & format->sequence_mask))
		next->flags &= ~format->after_loss;
}

/* Of what was peeked, @len bytes are read: drop the records that are whole. */
static size_t ring_drop(struct iommufd_event_ring *ring, const u8 *buf,
			size_t len)
{
	const struct iommufd_event_head *head;
	size_t done = 0, step;

	spin_lock_irq(&ring->lock);
	while (len - done >= sizeof(*head)) {
		head = (const void *)(buf + done);
		step = is_loss(ring, head) ? loss_len(ring) : ring->record_len;
		if (len - done < step)
			break;
		if (is_loss(ring, head))
			ring_told_lost(ring, head->sequence);
		else
			WRITE_ONCE(ring->head, ring->head + 1);
		done += step;
	}
	spin_unlock_irq(&ring->lock);
	return done;
}

/* @read_lock is held. What is not copied whole stays. */
static ssize_t read_some(struct iommufd_event_ring *ring, struct iov_iter *to)
{
	u8 buf[COPY_MAX] __aligned(__alignof__(struct iommufd_event_head));
	size_t limit = COPY_MAX, done = 0, copied, whole;
	ssize_t len;

	for (;;) {
		len = ring_peek(ring, buf, min(iov_iter_count(to), limit));
		if (len <= 0)
			return done ?: len;
		copied = copy_to_iter(buf, len, to);
		whole = ring_drop(ring, buf, copied);
		iov_iter_revert(to, copied - whole);
		done += whole;
		if (whole == len)
			continue;
		if (limit == ring->record_len)
			return done ?: -EFAULT;
		/* A long copy may stop well before the bad address: one by one */
		limit = ring->record_len;
	}
}

/*
 * For readers that do not wait. One that finds another may not look again before it is
 * woken, although the other leaves something, or has looked before it came.
 */
static bool ring_read_trylock(struct iommufd_event_ring *ring)
{
	if (mutex_trylock(&ring->read_lock))
		return true;
	WRITE_ONCE(ring->missed, true);
	/* Pairs with the barrier in ring_read_unlock(): one sees the other. */
	smp_mb();
	return mutex_trylock(&ring->read_lock);
}

static void ring_read_unlock(struct iommufd_event_ring *ring)
{
	mutex_unlock(&ring->read_lock);
	/* Before @missed is looked at: see ring_read_trylock(). */
	smp_mb();
	if (likely(!READ_ONCE(ring->missed)))
		return;
	/* A full barrier: who comes after this finds another holder, or none. */
	if (xchg(&ring->missed, false) && ring_readable(ring))
		wake_up_interruptible_poll(&ring->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * iommufd_event_ring_read() - read_iter of a queue's file
 * @ring: the ring
 * @iocb: the read
 * @to: where to
 *
 * Whole records, as many as are there and fit; a file that is neither O_NONBLOCK
 * nor asked by IOCB_NOWAIT waits for the first. One that is does not wait for another
 * reader either; whoever polls is woken when that one is done and has left something.
 *
 * Return: bytes; -EAGAIN; -EINVAL: not even the first fits; -EFAULT;
 * -ERESTARTSYS. What was not read is still there.
 */
ssize_t iommufd_event_ring_read(struct iommufd_event_ring *ring,
				struct kiocb *iocb, struct iov_iter *to)
{
	bool nowait = (iocb->ki_flags & IOCB_NOWAIT) ||
		      (iocb->ki_filp->f_flags & O_NONBLOCK);
	ssize_t rc;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		if (nowait) {
			if (!ring_read_trylock(ring))
				return -EAGAIN;
		} else if (mutex_lock_interruptible(&ring->read_lock)) {
			return -ERESTARTSYS;
		}
		rc = read_some(ring, to);
		ring_read_unlock(ring);
		if (rc)
			return rc;
		if (nowait)
			return -EAGAIN;
		rc = wait_event_interruptible(ring->wait, ring_readable(ring));
		if (rc)
			return rc;
	}
}

/**
 * iommufd_event_ring_poll() - poll of a queue's file
 * @ring: the ring
 * @file: its file
 * @wait: the poller
 *
 * Return: EPOLLIN | EPOLLRDNORM if a read would return something, or 0.
 */
__poll_t iommufd_event_ring_poll(struct iommufd_event_ring *ring,
				 struct file *file,
				 struct poll_table_struct *wait)
{
	poll_wait(file, &ring->wait, wait);
	return ring_readable(ring) ? EPOLLIN | EPOLLRDNORM : 0;
}
