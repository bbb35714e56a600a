/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of records of one size, from any context to a file: what a queue of
 * events is, whoever reports them.
 *
 * Nobody waits for the reader. What finds no room is lost, counted, and told in
 * the stream: by the numbers of the records and by what the format adds.
 */
#ifndef __IOMMUFD_FAULT_EVENT_RING_H
#define __IOMMUFD_FAULT_EVENT_RING_H

#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct iov_iter;
struct kiocb;

/* Most bytes of a record, its head included */
#define IOMMUFD_EVENT_RECORD_MAX	128

/**
 * struct iommufd_event_head - how a record of any format begins
 * @flags: the format's
 * @sequence: number of the event
 */
struct iommufd_event_head {
	u32 flags;
	u32 sequence;
};

/**
 * struct iommufd_event_format - how a user ABI writes events
 * @first: number of the first event
 * @sequence_mask: 0 follows this number; a power of two - 1
 * @after_loss: flags that the next record after a loss gets besides its own
 * @loss: flags of a record that tells of nothing but a loss; no other record has
 *	all of them
 * @loss_len: bytes of such a record, its head included; 0: as any other
 *
 * Constant.
 */
struct iommufd_event_format {
	u32 first;
	u32 sequence_mask;
	u32 after_loss;
	u32 loss;
	u32 loss_len;
};

/**
 * struct iommufd_event_ring - a ring
 * @format: never changes
 * @wait: readers and pollers
 * @read_lock: one reader at a time, so that records are read in order
 * @missed: who does not wait has found @read_lock taken: to be woken when it is
 *	released. Set and cleared without any lock
 * @lock: guards what follows; taken with interrupts off
 * @records: owned; as many as @mask says
 * @record_len: bytes of each, a multiple of 4, at most IOMMUFD_EVENT_RECORD_MAX
 * @depth: records to hold at most
 * @mask: a power of two - 1, not below @depth - 1
 * @head: first record in use, counted on without wrapping
 * @tail: next record to be used
 * @sequence: number of the last event, lost ones included
 * @lost: events were lost since the last record
 * @total: events so far, lost ones included
 * @lost_total: events lost so far
 */
struct iommufd_event_ring {
	const struct iommufd_event_format *format;
	wait_queue_head_t wait;
	struct mutex read_lock;		/* keeps the order */
	bool missed;
	spinlock_t lock;		/* guards what follows */
	u8 *records;
	u32 record_len;
	u32 depth;
	u32 mask;
	u32 head;
	u32 tail;
	u32 sequence;
	bool lost;
	u64 total;
	u64 lost_total;
};

int iommufd_event_ring_init(struct iommufd_event_ring *ring,
			    const struct iommufd_event_format *format,
			    u32 record_len, u32 depth);
void iommufd_event_ring_exit(struct iommufd_event_ring *ring);

/* Any context, interrupts on or off. */
bool iommufd_event_ring_push(struct iommufd_event_ring *ring, u32 flags,
			     const void *data, size_t len);

/* For the file of a queue */
ssize_t iommufd_event_ring_read(struct iommufd_event_ring *ring,
				struct kiocb *iocb, struct iov_iter *to);
__poll_t iommufd_event_ring_poll(struct iommufd_event_ring *ring,
				 struct file *file,
				 struct poll_table_struct *wait);

#endif
