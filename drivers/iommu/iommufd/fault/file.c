// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a fault queue: read, write, poll, what /proc shows of it.
 *
 * A read returns whole groups, one after the other. A group to be copied is claimed
 * (READING) but stays at the head of the readers' list until the copy has succeeded,
 * so that a copy that fails leaves it as it was. Detach does not wait for a copy:
 * it takes the group over and leaves the reader its slots.
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
#include <linux/fault-inject-usercopy.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "internal.h"
#include "../trace.h"

#define FAULT_RECORD_SIZE	sizeof(struct iommu_hwpt_pgfault)
#define FAULT_RESPONSE_SIZE	sizeof(struct iommu_hwpt_page_response)

/* Answers that a write can claim without an allocation. */
#define FAULT_BATCH_SMALL	8

/* So many records are read between two looks at the scheduler */
#define FAULT_READ_STEP		128

static_assert(sizeof(struct iommu_hwpt_pgfault) == 40);
static_assert(offsetof(struct iommu_hwpt_pgfault, dev_id) == 4);
static_assert(sizeof(struct iommu_hwpt_page_response) == 8);

/**
 * struct fault_reader - one read in progress
 * @queue: its @read_lock is held
 * @to: where the records go
 * @user: where the next one goes, in memory of the user; NULL: as @to says
 * @done: records of the groups that are read
 * @flags: what else the first record is to say
 */
struct fault_reader {
	struct iommufd_fault_queue *queue;
	struct iov_iter *to;
	struct iommu_hwpt_pgfault __user *user;
	size_t done;
	u32 flags;
};

static struct fault_slot *fault_first_staged(struct iommufd_fault_queue *queue)
{
	return list_first_entry_or_null(&queue->staged, struct fault_slot,
					staged);
}

static noinline void fault_reader_free(struct iommufd_fault_queue *queue,
				       struct fault_slot *slot)
{
	local_bh_disable();
	fault_queue_free_chain(queue, fault_slot_index(queue, slot));
	local_bh_enable();
}

/* The user has got the group, which was READING under @gen. */
static __always_inline void fault_reader_commit(struct fault_reader *r,
						struct fault_slot *slot,
						u32 gen)
{
	struct iommufd_fault_queue *queue = r->queue;
	int old = fault_word(gen, FAULT_SLOT_READING);
	u32 count = slot->count;

	r->done += count;
	r->flags = 0;
	/* Nobody looks at the item before the slot is published anew. */
	__list_del_entry(&slot->staged);
	WRITE_ONCE(queue->delivered, queue->delivered + count);
	WRITE_ONCE(queue->delivered_groups, queue->delivered_groups + 1);
	if (trace_iopf_read_enabled())
		trace_iopf_read(slot->rec.dev_id, queue->obj.id, slot->id,
				slot->rec.cookie, count);
	/* From here on it can be answered, and is not ours. */
	if (!atomic_try_cmpxchg(&slot->word, &old,
				fault_word(gen, FAULT_SLOT_READ)))
		fault_reader_free(queue, slot);
}

/* The user has not got the group: it is still to be read. */
static noinline void fault_reader_restore(struct iommufd_fault_queue *queue,
					  struct fault_slot *slot)
{
	if (fault_slot_move(slot, FAULT_SLOT_READING, FAULT_SLOT_PUBLISHED))
		return;
	list_del_init(&slot->staged);
	fault_reader_free(queue, slot);
}

/*
 * Copy a group to memory of the user. One call of copy_to_user() for each record would
 * be dearer than all else that a read does for it. @left: its number of records.
 */
static __always_inline bool fault_copy_group(struct fault_reader *r,
					     const struct fault_slot *slot,
					     u32 left)
{
	struct iommu_hwpt_pgfault __user *user = r->user;
	u32 flags = r->flags;

	if (should_fail_usercopy() ||
	    !user_access_begin(user, left * FAULT_RECORD_SIZE))
		return false;
	for (;;) {
		const struct iommu_hwpt_pgfault *rec = &slot->rec;
		u64 __user *to = (u64 __user *)user;
		const u64 *from = (const u64 *)rec;

		unsafe_put_user(rec->flags | flags, &user->flags, err_end);
		unsafe_put_user(rec->dev_id, &user->dev_id, err_end);
		unsafe_put_user(from[1], to + 1, err_end);
		unsafe_put_user(from[2], to + 2, err_end);
		unsafe_put_user(from[3], to + 3, err_end);
		unsafe_put_user(from[4], to + 4, err_end);
		user++;
		if (!--left)
			break;
		flags = 0;
		slot = &r->queue->slots[slot->next];
	}
	user_access_end();
	r->user = user;
	return true;

err_end:
	user_access_end();
	return false;
}

/* The same to whatever else there is to read to; @flags are for the first record. */
static noinline bool fault_copy_group_iter(struct iommufd_fault_queue *queue,
					   const struct fault_slot *slot,
					   struct iov_iter *to, u32 flags)
{
	size_t copied = 0;
	u32 left = slot->count;

	for (;;) {
		struct iommu_hwpt_pgfault rec = slot->rec;
		size_t n;

		if (!copied)
			rec.flags |= flags;
		n = copy_to_iter(&rec, sizeof(rec), to);
		copied += n;
		if (n < sizeof(rec)) {
			iov_iter_revert(to, copied);
			return false;
		}
		if (!--left)
			return true;
		slot = &queue->slots[slot->next];
	}
}

/* Copy a claimed group, and tell whether that was done. */
static __always_inline bool fault_reader_add(struct fault_reader *r,
					     struct fault_slot *slot, u32 gen)
{
	bool ok;

	fault_point(FAULT_POINT_READ_CLAIMED);
	if (unlikely(!r->user))
		ok = fault_copy_group_iter(r->queue, slot, r->to, r->flags);
	else if (likely(slot->count == 1))
		ok = fault_copy_group(r, slot, 1);
	else
		ok = fault_copy_group(r, slot, slot->count);
	fault_point(FAULT_POINT_READ_COPIED);
	if (likely(ok))
		fault_reader_commit(r, slot, gen);
	else
		fault_reader_restore(r->queue, slot);
	return ok;
}

/* @read_lock is held. */
static ssize_t fault_queue_read_locked(struct iommufd_fault_queue *queue,
				       struct iov_iter *to)
{
	size_t room = iov_iter_count(to) / FAULT_RECORD_SIZE;
	struct fault_reader r = { .queue = queue, .to = to };
	size_t pause = FAULT_READ_STEP;
	struct fault_slot *slot;
	int rc = 0;

	if (iter_is_ubuf(to))
		r.user = to->ubuf + to->iov_offset;
	/* A plain look first: the line is the reporters'. */
	if (queue->params.extended && READ_ONCE(queue->lost) &&
	    xchg(&queue->lost, false))
		r.flags = IOMMU_PGFAULT_FLAGS_LOST;

	fault_queue_stage(queue);
	while (r.done < room && (slot = fault_first_staged(queue))) {
		int word = atomic_read(&slot->word);
		u32 gen = (u32)word >> FAULT_SLOT_GEN_SHIFT;
		int old = fault_word(gen, FAULT_SLOT_PUBLISHED);

		if (word != old ||
		    !atomic_try_cmpxchg(&slot->word, &old,
					fault_word(gen, FAULT_SLOT_READING))) {
			/* GONE; fault_queue_clear_gone() frees it. */
			list_del_init(&slot->staged);
			continue;
		}
		if (unlikely(slot->count > room - r.done)) {
			fault_reader_restore(queue, slot);
			rc = -EINVAL;
			break;
		}
		if (!fault_reader_add(&r, slot, gen)) {
			rc = -EFAULT;
			break;
		}
		if (r.done >= pause) {
			pause = r.done + FAULT_READ_STEP;
			cond_resched();
		}
	}
	/* No record has told it. */
	if (r.flags)
		WRITE_ONCE(queue->lost, true);
	if (r.user && r.done)
		iov_iter_advance(to, r.done * FAULT_RECORD_SIZE);
	return r.done ? (ssize_t)(r.done * FAULT_RECORD_SIZE) : rc;
}

/**
 * fault_queue_read - read whole groups
 * @queue: the queue
 * @to: where to
 * @nowait: do not wait for another reader, nor for a detach that has the lock, nor for a
 *	fault; whoever polls is woken when the former are done
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
			/* Nobody else reads, as a rule */
			if (!mutex_trylock(&queue->read_lock)) {
				if (nowait && !fault_queue_read_trylock(queue))
					return -EAGAIN;
				if (!nowait && mutex_lock_interruptible(&queue->read_lock))
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
	size_t copied, whole;
	u64 one;

	/* Most come alone: no more than a load. */
	if (size == FAULT_RESPONSE_SIZE && iter_is_ubuf(from)) {
		const void __user *user = from->ubuf + from->iov_offset;

		if (should_fail_usercopy() ||
		    get_user(one, (const u64 __user *)user))
			return 0;
		memcpy(to, &one, sizeof(one));
		iov_iter_advance(from, sizeof(one));
		return sizeof(one);
	}

	copied = copy_from_iter(to, size, from);
	whole = copied - copied % FAULT_RESPONSE_SIZE;
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
		if (done < size)
			cond_resched();
	}
	if (responses != small_responses)
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
	const struct iommufd_fault_part *last_part = NULL;
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
	seq_printf(m, "discarded:\t%llu groups %llu\n", stats.counts.discarded,
		   stats.counts.discarded_groups);
	seq_printf(m, "oldest-ms:\t%u\n", stats.oldest_ms);

	spin_lock(&queue->lock);
	list_for_each_entry(attach, &queue->attaches, queue_item) {
		const struct iommufd_fault_part *part = attach->who.part;

		/*
		 * The attaches of the same source and part are next to each other. Of a
		 * part only what is its own is shown: the rest of the device is others'.
		 */
		if (attach->source == last && part == last_part)
			continue;
		last = attach->source;
		last_part = part;
		seq_printf(m, "source:\t%s dev-id %u outstanding %u cap %u\n",
			   dev_name(last->dev), attach->who.dev_id,
			   part ? iommufd_fault_part_outstanding(part) :
				  fault_source_outstanding(last),
			   part ? min(READ_ONCE(last->limit), FAULT_PART_ROOM) :
				  READ_ONCE(last->limit));
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
 * It has no name that anybody could watch, so reads and writes notify nobody, as those of
 * all such files in later kernels.
 *
 * Return: the file or ERR_PTR. Until it is connected it can be put like any.
 */
struct file *fault_file_new(void)
{
	struct file *file;

	file = anon_inode_getfile("[iommufd-pgfault]", &fault_file_fops, NULL,
				  O_RDWR);
	if (!IS_ERR(file))
		file->f_mode |= FMODE_STREAM | FMODE_NOWAIT | FMODE_NONOTIFY;
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
