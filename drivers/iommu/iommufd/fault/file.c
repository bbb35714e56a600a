// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a fault queue: read, write, poll, what /proc shows of it.
 *
 * A read returns whole groups. The groups to be copied are claimed (READING)
 * but stay at the head of the readers' list until the copy has succeeded, so
 * that a copy that fails leaves them as they were. Detach does not wait for a
 * copy: it takes the groups over and leaves the reader their slots.
 *
 * Fit for io_uring without its worker threads: FMODE_NOWAIT, and wake-ups say
 * EPOLLIN. With IOCB_NOWAIT neither direction waits for a fault, for another
 * thread or for memory to be reclaimed. Two things it does wait for: the caller's
 * own buffer, if that has to be brought in; and, when answering, the IOMMU until it
 * has taken the answers. The latter is bounded by hardware, and the device stands
 * still until then: a worker thread would wait as long and begin later.
 */
#include <linux/anon_inodes.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "internal.h"
#include "../trace.h"

#define FAULT_RECORD_SIZE	sizeof(struct iommu_hwpt_pgfault)
#define FAULT_RESPONSE_SIZE	sizeof(struct iommu_hwpt_page_response)

/* Answers that a write can claim without an allocation. */
#define FAULT_BATCH_SMALL	8

static_assert(sizeof(struct iommu_hwpt_pgfault) == 40);
static_assert(sizeof(struct iommu_hwpt_page_response) == 8);

/**
 * struct fault_reader - one read in progress
 * @queue: its @read_lock is held
 * @to: where the records go
 * @fill: records in the queue's scratch
 * @copied: bytes that user space has got
 * @done: of them, in groups that count as read
 * @claimed: groups in READING
 * @told_lost: the first record says that requests were refused
 */
struct fault_reader {
	struct iommufd_fault_queue *queue;
	struct iov_iter *to;
	unsigned int fill;
	size_t copied;
	size_t done;
	unsigned int claimed;
	bool told_lost;
};

static struct fault_slot *fault_first_staged(struct iommufd_fault_queue *queue)
{
	return list_first_entry_or_null(&queue->staged, struct fault_slot,
					staged);
}

/* The groups that user space has got whole are read. */
static void fault_reader_commit(struct fault_reader *r)
{
	struct iommufd_fault_queue *queue = r->queue;

	while (r->claimed) {
		struct fault_slot *slot = fault_first_staged(queue);
		u32 count = slot->count;

		if (r->done + count * FAULT_RECORD_SIZE > r->copied)
			return;
		r->done += count * FAULT_RECORD_SIZE;
		r->claimed--;
		list_del_init(&slot->staged);
		WRITE_ONCE(queue->delivered, queue->delivered + count);
		WRITE_ONCE(queue->delivered_groups,
			   queue->delivered_groups + 1);
		trace_iopf_read(slot->rec.dev_id, queue->obj.id, slot->id,
				slot->rec.cookie, count);
		/* From here on it can be answered, and is not ours. */
		if (!fault_slot_move(slot, FAULT_SLOT_READING, FAULT_SLOT_READ))
			fault_queue_free_chain(queue,
					       fault_slot_index(queue, slot));
	}
}

/* The claimed groups that user space has not got are still to be read. */
static void fault_reader_restore(struct fault_reader *r)
{
	struct iommufd_fault_queue *queue = r->queue;
	struct fault_slot *slot, *next;

	iov_iter_revert(r->to, r->copied - r->done);
	list_for_each_entry_safe(slot, next, &queue->staged, staged) {
		if (!r->claimed--)
			break;
		if (fault_slot_move(slot, FAULT_SLOT_READING,
				    FAULT_SLOT_PUBLISHED))
			continue;
		list_del_init(&slot->staged);
		fault_queue_free_chain(queue, fault_slot_index(queue, slot));
	}
	r->claimed = 0;
}

/* Copy the scratch out. Returns false if not all of it could be. */
static bool fault_reader_flush(struct fault_reader *r)
{
	size_t size = r->fill * FAULT_RECORD_SIZE;
	size_t copied;

	if (!size)
		return true;
	fault_point(FAULT_POINT_READ_CLAIMED);
	copied = copy_to_iter(r->queue->scratch, size, r->to);
	fault_point(FAULT_POINT_READ_COPIED);
	r->fill = 0;
	r->copied += copied;
	fault_reader_commit(r);
	return copied == size;
}

/* Bring the records of a claimed group to the scratch, copying it when full. */
static bool fault_reader_add(struct fault_reader *r, struct fault_slot *slot)
{
	struct iommufd_fault_queue *queue = r->queue;
	struct iommu_hwpt_pgfault *rec;
	u32 left = slot->count;

	for (;;) {
		if (r->fill == FAULT_SCRATCH_RECORDS && !fault_reader_flush(r))
			return false;
		rec = &queue->scratch[r->fill++];
		*rec = slot->rec;
		/* A plain look first: the line is the reporters'. */
		if (queue->params.extended && !r->copied && r->fill == 1 &&
		    READ_ONCE(queue->lost) && xchg(&queue->lost, false)) {
			rec->flags |= IOMMU_PGFAULT_FLAGS_LOST;
			r->told_lost = true;
		}
		if (!--left)
			return true;
		slot = &queue->slots[slot->next];
	}
}

/* @read_lock is held. */
static ssize_t fault_queue_read_locked(struct iommufd_fault_queue *queue,
				       struct iov_iter *to)
{
	struct fault_reader r = { .queue = queue, .to = to };
	size_t room = iov_iter_count(to);
	struct fault_slot *slot, *next;
	bool too_big = false;
	bool ok = true;

	fault_queue_stage(queue);
	list_for_each_entry_safe(slot, next, &queue->staged, staged) {
		if (!room)
			break;
		if (!fault_slot_move(slot, FAULT_SLOT_PUBLISHED,
				     FAULT_SLOT_READING)) {
			/* GONE; fault_queue_clear_gone() frees it. */
			list_del_init(&slot->staged);
			continue;
		}
		r.claimed++;
		too_big = slot->count * FAULT_RECORD_SIZE > room;
		if (too_big)
			break;
		room -= slot->count * FAULT_RECORD_SIZE;
		ok = fault_reader_add(&r, slot);
		if (!ok)
			break;
	}
	if (ok)
		ok = fault_reader_flush(&r);
	fault_reader_restore(&r);

	/* The group that would have told it is not read. */
	if (r.told_lost && !r.done)
		WRITE_ONCE(queue->lost, true);
	if (r.done)
		return r.done;
	if (!ok)
		return -EFAULT;
	return too_big ? -EINVAL : 0;
}

/**
 * fault_queue_read - read whole groups
 * @queue: the queue
 * @to: where to
 * @nowait: do not wait for another reader, nor for a fault
 *
 * Return: the bytes read; 0 if the queue is empty and not BLOCKING, or no byte
 * was asked for; or: -ESPIPE if the size is not one of whole records, -EINVAL
 * if the first group does not fit, -EFAULT if it could not be copied, -EAGAIN,
 * -ERESTARTSYS. Nothing is lost by an error.
 */
ssize_t fault_queue_read(struct iommufd_fault_queue *queue, struct iov_iter *to,
			 bool nowait)
{
	bool blocking = queue->params.policy & IOMMU_FAULT_POLICY_BLOCKING;
	ssize_t rc;

	if (iov_iter_count(to) % FAULT_RECORD_SIZE)
		return -ESPIPE;
	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		if (fault_queue_readable(queue)) {
			if (nowait) {
				if (!mutex_trylock(&queue->read_lock))
					return -EAGAIN;
			} else {
				rc = mutex_lock_interruptible(&queue->read_lock);
				if (rc)
					return -ERESTARTSYS;
			}
			rc = fault_queue_read_locked(queue, to);
			fault_queue_read_unlock(queue);
			if (rc)
				return rc;
		}
		if (!blocking)
			return 0;
		if (nowait)
			return -EAGAIN;
		/* Joining the queue is a full barrier; see the door. */
		rc = wait_event_interruptible(queue->wait,
					      fault_queue_readable(queue));
		if (rc)
			return rc;
	}
}

/*
 * Reads whole answers up to the first that cannot be read; returns their bytes,
 * and leaves @from behind them.
 */
static size_t fault_copy_answers(struct iommu_hwpt_page_response *to,
				 size_t size, struct iov_iter *from)
{
	size_t copied = copy_from_iter(to, size, from);
	size_t whole = copied - copied % FAULT_RESPONSE_SIZE;

	iov_iter_revert(from, copied - whole);
	/* A long copy may give up well before the address that faults. */
	while (whole < size) {
		copied = copy_from_iter((void *)to + whole, FAULT_RESPONSE_SIZE,
					from);
		if (copied < FAULT_RESPONSE_SIZE) {
			iov_iter_revert(from, copied);
			break;
		}
		whole += FAULT_RESPONSE_SIZE;
	}
	return whole;
}

/**
 * fault_queue_write - answer groups
 * @queue: the queue
 * @from: struct iommu_hwpt_page_response, any number
 * @nowait: do not reclaim memory to work in
 *
 * Answers go to hardware by batches, and each batch waits until hardware has
 * taken it, with @nowait too.
 *
 * Return: the bytes accepted, or the error of the first answer: -ESPIPE if the
 * size is not one of whole answers, -EFAULT, -EINVAL if the code is unknown or no
 * group waits under that cookie.
 */
ssize_t fault_queue_write(struct iommufd_fault_queue *queue,
			  struct iov_iter *from, bool nowait)
{
	gfp_t gfp = (nowait ? GFP_NOWAIT : GFP_KERNEL) | __GFP_NOWARN;
	struct iommu_hwpt_page_response small_responses[FAULT_BATCH_SMALL] __uninitialized;
	struct iommufd_page_answer small_answers[FAULT_BATCH_SMALL] __uninitialized;
	struct iommufd_fault_attach *small_attaches[FAULT_BATCH_SMALL] __uninitialized;
	struct iommu_hwpt_page_response *responses = small_responses;
	struct fault_batch batch = {
		.max = FAULT_BATCH_SMALL,
		.answers = small_answers,
		.attaches = small_attaches,
	};
	struct {
		struct iommu_hwpt_page_response responses[IOMMUFD_FAULT_BATCH];
		struct iommufd_page_answer answers[IOMMUFD_FAULT_BATCH];
		struct iommufd_fault_attach *attaches[IOMMUFD_FAULT_BATCH];
	} *large = NULL;
	size_t size = iov_iter_count(from);
	size_t done = 0;
	ssize_t rc = 0;

	if (size % FAULT_RESPONSE_SIZE)
		return -ESPIPE;
	if (size > sizeof(small_responses))
		large = kmalloc(sizeof(*large), gfp);
	/* Without it the same is done in smaller steps. */
	if (large) {
		responses = large->responses;
		batch.max = IOMMUFD_FAULT_BATCH;
		batch.answers = large->answers;
		batch.attaches = large->attaches;
	}

	while (done < size) {
		size_t want = min_t(size_t, size - done,
				    batch.max * FAULT_RESPONSE_SIZE);
		size_t copied = fault_copy_answers(responses, want, from);
		unsigned int num = copied / FAULT_RESPONSE_SIZE;
		size_t used;

		rc = fault_queue_answer(queue, responses, num, &batch);
		used = rc > 0 ? rc * FAULT_RESPONSE_SIZE : 0;
		done += used;
		if (used < want) {
			iov_iter_revert(from, copied - used);
			/* What was not accepted, or what could not be read? */
			if (!rc)
				rc = -EFAULT;
			break;
		}
		cond_resched();
	}
	kfree(large);
	return done ?: rc;
}

static ssize_t fault_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iommufd_fault_queue *queue = iocb->ki_filp->private_data;
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;

	/* O_NONBLOCK means something only where a read would block. */
	if (queue->params.policy & IOMMU_FAULT_POLICY_BLOCKING &&
	    iocb->ki_filp->f_flags & O_NONBLOCK)
		nowait = true;
	return fault_queue_read(queue, to, nowait);
}

static ssize_t fault_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return fault_queue_write(iocb->ki_filp->private_data, from,
				 iocb->ki_flags & IOCB_NOWAIT);
}

static __poll_t fault_file_poll(struct file *file,
				struct poll_table_struct *wait)
{
	struct iommufd_fault_queue *queue = file->private_data;
	__poll_t events = EPOLLOUT;

	poll_wait(file, &queue->wait, wait);
	/* Pairs with llist_add() in fault_group_publish(). */
	smp_mb();
	if (fault_queue_readable(queue))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static void fault_file_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iommufd_fault_queue *queue = file->private_data;
	const struct iommufd_fault_source *last = NULL;
	struct iommufd_fault_attach *attach;
	struct fault_queue_stats stats;

	fault_queue_get_stats(queue, &stats);
	seq_printf(m, "fault-id:\t%u\n", queue->obj.id);
	seq_printf(m, "depth:\t%u\n", queue->params.depth);
	seq_printf(m, "policy:\t%s\n",
		   queue->params.policy & IOMMU_FAULT_POLICY_BLOCKING ?
			   "blocking" : "none");
	seq_printf(m, "dev-id:\t%u\n", queue->params.dev_id);
	seq_printf(m, "reported:\t%llu\n", stats.counts.reported);
	seq_printf(m, "published:\t%llu groups %llu\n", stats.counts.published,
		   stats.counts.published_groups);
	seq_printf(m, "pending:\t%llu groups %llu\n", stats.pending,
		   stats.pending_groups);
	seq_printf(m, "delivered:\t%llu groups %llu\n", stats.delivered,
		   stats.delivered_groups);
	seq_printf(m, "answered-user:\t%llu groups %llu success %llu invalid %llu failure\n",
		   stats.answered,
		   stats.answered_groups[FAULT_ANSWERED_SUCCESS],
		   stats.answered_groups[FAULT_ANSWERED_INVALID],
		   stats.answered_groups[FAULT_ANSWERED_FAILURE]);
	seq_printf(m, "answered-drain:\t%llu groups %llu\n", stats.drained,
		   stats.drained_groups);
	seq_printf(m, "lost:\t%llu groups %llu\n", stats.counts.lost,
		   stats.counts.lost_groups);
	seq_printf(m, "discarded:\t%llu\n", stats.counts.discarded);
	seq_printf(m, "oldest-ms:\t%u\n", stats.oldest_ms);

	spin_lock(&queue->lock);
	list_for_each_entry(attach, &queue->attaches, queue_item) {
		/* The attaches of a source are next to each other. */
		if (attach->source == last)
			continue;
		last = attach->source;
		seq_printf(m, "source:\t%s dev-id %u outstanding %u cap %u\n",
			   dev_name(last->dev), attach->who.dev_id,
			   fault_source_outstanding(last),
			   last->max_outstanding);
	}
	spin_unlock(&queue->lock);
}

static int fault_file_release(struct inode *inode, struct file *file)
{
	struct iommufd_fault_queue *queue = file->private_data;
	struct iommufd_ctx *ictx;

	/* Never connected: its ioctl failed. */
	if (!queue)
		return 0;
	ictx = queue->obj.ictx;
	fault_queue_close(queue);
	iommufd_fault_queue_drop(queue);
	iommufd_ctx_put(ictx);
	return 0;
}

static const struct file_operations fault_file_fops = {
	.owner = THIS_MODULE,
	.read_iter = fault_file_read_iter,
	.write_iter = fault_file_write_iter,
	.poll = fault_file_poll,
	.show_fdinfo = fault_file_show_fdinfo,
	.release = fault_file_release,
};

/**
 * fault_file_new - a file that is not a queue's yet
 *
 * Return: the file or ERR_PTR. Until it is connected it can be put like any.
 */
struct file *fault_file_new(void)
{
	struct file *file;

	file = anon_inode_getfile("[iommufd-pgfault]", &fault_file_fops, NULL,
				  O_RDWR);
	if (!IS_ERR(file))
		file->f_mode |= FMODE_STREAM | FMODE_NOWAIT;
	return file;
}

/**
 * fault_file_connect - make a file a queue's
 * @file: from fault_file_new()
 * @queue: the queue; the file holds it and its context until it is released,
 *	and closes it then
 */
void fault_file_connect(struct file *file, struct iommufd_fault_queue *queue)
{
	iommufd_object_hold(&queue->obj);
	iommufd_ctx_get(queue->obj.ictx);
	file->private_data = queue;
}
