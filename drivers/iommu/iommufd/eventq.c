// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues: an object and a file for the faults of a HWPT that nobody can
 * answer (those that can be answered come through a fault queue), and what such
 * files have in common.
 *
 * The file holds the object and the context, so both are there for as long as
 * somebody may read. The ring has its own locks.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <uapi/linux/iommufd.h>

#include "eventq.h"
#include "fault/event.h"
#include "hwpt.h"

#define RECORD_SIZE	sizeof(struct iommu_hwpt_event)

static_assert(sizeof(struct iommu_hwpt_event) == 32);

/* --- what both kinds of queue share --- */

/**
 * iommufd_eventq_open() - a file for a queue that is being made
 * @ef: set up on success
 * @name: as /proc/PID/fd shows it
 * @fops: release is iommufd_eventq_release()
 *
 * Return: 0; -EMFILE; -ENFILE; -ENOMEM.
 */
int iommufd_eventq_open(struct iommufd_eventq_file *ef, const char *name,
			const struct file_operations *fops)
{
	ef->fd = get_unused_fd_flags(O_CLOEXEC);
	if (ef->fd < 0)
		return ef->fd;
	ef->file = anon_inode_getfile(name, fops, NULL, O_RDONLY);
	if (IS_ERR(ef->file)) {
		put_unused_fd(ef->fd);
		return PTR_ERR(ef->file);
	}
	ef->file->f_mode |= FMODE_STREAM | FMODE_NOWAIT;
	return 0;
}

/**
 * iommufd_eventq_publish() - user space gets the queue
 * @ef: from iommufd_eventq_open()
 * @obj: the queue, complete but for iommufd_object_finalize()
 *
 * Any thread may use and close the file from here on.
 */
void iommufd_eventq_publish(struct iommufd_eventq_file *ef,
			    struct iommufd_object *obj)
{
	iommufd_object_hold(obj);
	iommufd_ctx_get(obj->ictx);
	ef->file->private_data = obj;
	iommufd_object_finalize(obj);
	fd_install(ef->fd, ef->file);
}

/**
 * iommufd_eventq_abandon() - undo iommufd_eventq_open()
 * @ef: not published
 */
void iommufd_eventq_abandon(struct iommufd_eventq_file *ef)
{
	fput(ef->file);
	put_unused_fd(ef->fd);
}

/**
 * iommufd_eventq_release() - the file of a queue goes
 * @inode: not looked at
 * @file: of iommufd_eventq_open()
 *
 * Return: 0.
 */
int iommufd_eventq_release(struct inode *inode, struct file *file)
{
	struct iommufd_object *obj = file->private_data;
	struct iommufd_ctx *ictx;

	/* Never published: its ioctl failed */
	if (!obj)
		return 0;
	ictx = obj->ictx;
	iommufd_object_drop(obj);
	iommufd_ctx_put(ictx);
	return 0;
}

/**
 * iommufd_eventq_show_ring() - a ring in the fdinfo of its file
 * @m: where to
 * @ring: the ring
 */
void iommufd_eventq_show_ring(struct seq_file *m,
			      struct iommufd_event_ring *ring)
{
	u64 total, lost;
	u32 pending;

	spin_lock_irq(&ring->lock);
	pending = ring->tail - ring->head;
	total = ring->total;
	lost = ring->lost_total;
	spin_unlock_irq(&ring->lock);

	seq_printf(m, "depth:\t%u\n", ring->depth);
	seq_printf(m, "pending:\t%u\n", pending);
	seq_printf(m, "events:\t%llu\n", total);
	seq_printf(m, "lost:\t%llu\n", lost);
}

/**
 * iommufd_eventq_show_counts() - a ring in an object's line
 * @m: where to
 * @ring: the ring
 */
void iommufd_eventq_show_counts(struct seq_file *m,
				const struct iommufd_event_ring *ring)
{
	seq_printf(m, " depth=%u events=%llu lost=%llu", ring->depth,
		   READ_ONCE(ring->total), READ_ONCE(ring->lost_total));
}

/* --- faults of a HWPT --- */

/**
 * struct iommufd_eventq - an event queue of a HWPT
 * @obj: its id
 * @hwpt: whose faults these are; holds a holder reference
 * @listener: what came and was not read
 */
struct iommufd_eventq {
	struct iommufd_object obj;
	struct iommufd_hwpt *hwpt;
	struct iommufd_event_listener listener;
};

static ssize_t eventq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iommufd_eventq *queue = iocb->ki_filp->private_data;

	if (iov_iter_count(to) % RECORD_SIZE)
		return -ESPIPE;
	return iommufd_event_ring_read(&queue->listener.ring, iocb, to);
}

static __poll_t eventq_poll(struct file *file, struct poll_table_struct *wait)
{
	struct iommufd_eventq *queue = file->private_data;

	return iommufd_event_ring_poll(&queue->listener.ring, file, wait);
}

static void eventq_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iommufd_eventq *queue = file->private_data;

	seq_printf(m, "eventq-id:\t%u\n", queue->obj.id);
	seq_printf(m, "hwpt-id:\t%u\n", queue->hwpt->obj.id);
	iommufd_eventq_show_ring(m, &queue->listener.ring);
}

static const struct file_operations eventq_fops = {
	.owner = THIS_MODULE,
	.read_iter = eventq_read_iter,
	.poll = eventq_poll,
	.show_fdinfo = eventq_show_fdinfo,
	.release = iommufd_eventq_release,
};

static void eventq_destroy(struct iommufd_object *obj)
{
	struct iommufd_eventq *queue =
		container_of(obj, struct iommufd_eventq, obj);

	iommufd_event_unlisten(&queue->listener);
	iommufd_hwpt_drop(queue->hwpt);
}

static void eventq_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_eventq *queue =
		container_of(obj, struct iommufd_eventq, obj);

	seq_printf(m, " hwpt=%u", queue->hwpt->obj.id);
	iommufd_eventq_show_counts(m, &queue->listener.ring);
}

static const struct iommufd_object_ops eventq_ops = {
	.type = IOMMUFD_OBJ_EVENTQ,
	.name = "event-queue",
	.destroy = eventq_destroy,
	.show = eventq_show,
};

/* On success the queue has a hold on @hwpt. */
static struct iommufd_eventq *eventq_new(struct iommufd_ctx *ictx,
					 struct iommufd_hwpt *hwpt, u32 depth)
{
	struct iommufd_eventq *queue;
	int rc;

	/* file_operations take the file's private data for the queue */
	BUILD_BUG_ON(offsetof(struct iommufd_eventq, obj) != 0);
	queue = iommufd_object_alloc(ictx, struct iommufd_eventq, obj,
				     &eventq_ops);
	if (IS_ERR(queue))
		return queue;
	rc = iommufd_event_listen(&queue->listener, hwpt->domain, ictx, depth);
	if (rc) {
		iommufd_object_abort(&queue->obj);
		return ERR_PTR(rc);
	}
	queue->hwpt = hwpt;
	iommufd_object_hold(&hwpt->obj);
	return queue;
}

static int eventq_publish(struct iommufd_call *call,
			  struct iommu_hwpt_eventq_alloc *cmd,
			  struct iommufd_eventq *queue)
{
	struct iommufd_eventq_file ef;
	int rc;

	rc = iommufd_eventq_open(&ef, "[iommufd-event]", &eventq_fops);
	if (rc)
		return rc;
	cmd->out_eventq_id = queue->obj.id;
	cmd->out_eventq_fd = ef.fd;
	cmd->depth = queue->listener.ring.depth;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		iommufd_eventq_abandon(&ef);
		return rc;
	}
	iommufd_eventq_publish(&ef, &queue->obj);
	return 0;
}

/**
 * iommufd_eventq_alloc_ioctl() - IOMMU_HWPT_EVENTQ_ALLOC
 * @call: with struct iommu_hwpt_eventq_alloc
 *
 * Return: 0 or the errno of the user ABI; no id or fd is left then.
 */
int iommufd_eventq_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_hwpt_eventq_alloc *cmd = call->cmd;
	struct iommufd_eventq *queue;
	struct iommufd_hwpt *hwpt;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (!cmd->depth || cmd->depth > IOMMU_HWPT_EVENTQ_DEPTH_MAX)
		return -EINVAL;
	hwpt = iommufd_hwpt_get(call->ictx, cmd->hwpt_id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (hwpt->events)
		queue = eventq_new(call->ictx, hwpt, cmd->depth);
	else
		queue = ERR_PTR(-EOPNOTSUPP);
	iommufd_object_put(&hwpt->obj);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	rc = eventq_publish(call, cmd, queue);
	if (rc) {
		eventq_destroy(&queue->obj);
		iommufd_object_abort(&queue->obj);
	}
	return rc;
}
