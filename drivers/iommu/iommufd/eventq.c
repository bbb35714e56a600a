// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues: an object and a file for the faults of a HWPT that nobody can
 * answer. (Those that can be answered come through a fault queue.)
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "eventq.h"
#include "fault/event.h"
#include "hwpt.h"

#define RECORD_SIZE	sizeof(struct iommu_hwpt_event)
/* Records copied to user space at a time. */
#define COPY_MAX	16

static_assert(sizeof(struct iommu_hwpt_event) == 32);

/**
 * struct iommufd_eventq - an event queue
 * @obj: its id
 * @hwpt: whose faults these are; holds a holder reference
 * @ring: what came and was not read
 * @read_lock: one reader at a time, so that records are read in order
 */
struct iommufd_eventq {
	struct iommufd_object obj;
	struct iommufd_hwpt *hwpt;
	struct iommufd_event_ring ring;
	struct mutex read_lock;		/* keeps the order */
};

/* @read_lock is held. What is not copied whole stays. */
static ssize_t read_some(struct iommufd_eventq *queue, struct iov_iter *to)
{
	struct iommu_hwpt_event records[COPY_MAX];
	size_t done = 0, copied;
	unsigned int num, whole;

	while (iov_iter_count(to) >= RECORD_SIZE) {
		num = min_t(size_t, iov_iter_count(to) / RECORD_SIZE, COPY_MAX);
		num = iommufd_event_ring_peek(&queue->ring, records, num);
		if (!num)
			break;
		copied = copy_to_iter(records, num * RECORD_SIZE, to);
		whole = copied / RECORD_SIZE;
		iov_iter_revert(to, copied % RECORD_SIZE);
		iommufd_event_ring_drop(&queue->ring, records, whole);
		done += whole * RECORD_SIZE;
		if (whole < num)
			return done ?: -EFAULT;
	}
	return done;
}

static ssize_t eventq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iommufd_eventq *queue = iocb->ki_filp->private_data;
	bool nowait = (iocb->ki_flags & IOCB_NOWAIT) ||
		      (iocb->ki_filp->f_flags & O_NONBLOCK);
	ssize_t rc;

	if (iov_iter_count(to) % RECORD_SIZE)
		return -ESPIPE;
	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		if (nowait) {
			if (!mutex_trylock(&queue->read_lock))
				return -EAGAIN;
		} else if (mutex_lock_interruptible(&queue->read_lock)) {
			return -ERESTARTSYS;
		}
		rc = read_some(queue, to);
		mutex_unlock(&queue->read_lock);
		if (rc)
			return rc;
		if (nowait)
			return -EAGAIN;
		rc = wait_event_interruptible(queue->ring.wait,
					      iommufd_event_ring_readable(&queue->ring));
		if (rc)
			return rc;
	}
}

static __poll_t eventq_poll(struct file *file, struct poll_table_struct *wait)
{
	struct iommufd_eventq *queue = file->private_data;

	poll_wait(file, &queue->ring.wait, wait);
	return iommufd_event_ring_readable(&queue->ring) ?
		       EPOLLIN | EPOLLRDNORM : 0;
}

static void eventq_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iommufd_eventq *queue = file->private_data;

	seq_printf(m, "eventq-id:\t%u\n", queue->obj.id);
	seq_printf(m, "hwpt-id:\t%u\n", queue->hwpt->obj.id);
	spin_lock_irq(&queue->ring.lock);
	seq_printf(m, "depth:\t%u\n", queue->ring.depth);
	seq_printf(m, "pending:\t%u\n", queue->ring.tail - queue->ring.head);
	seq_printf(m, "events:\t%u\n", queue->ring.sequence);
	seq_printf(m, "lost:\t%llu\n", queue->ring.lost_total);
	spin_unlock_irq(&queue->ring.lock);
}

static int eventq_release(struct inode *inode, struct file *file)
{
	struct iommufd_eventq *queue = file->private_data;
	struct iommufd_ctx *ictx;

	/* Never connected: its ioctl failed */
	if (!queue)
		return 0;
	ictx = queue->obj.ictx;
	iommufd_object_drop(&queue->obj);
	iommufd_ctx_put(ictx);
	return 0;
}

static const struct file_operations eventq_fops = {
	.owner = THIS_MODULE,
	.read_iter = eventq_read_iter,
	.poll = eventq_poll,
	.show_fdinfo = eventq_show_fdinfo,
	.release = eventq_release,
};

static void eventq_destroy(struct iommufd_object *obj)
{
	struct iommufd_eventq *queue =
		container_of(obj, struct iommufd_eventq, obj);

	iommufd_event_ring_exit(&queue->ring);
	mutex_destroy(&queue->read_lock);
	iommufd_hwpt_drop(queue->hwpt);
}

static void eventq_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_eventq *queue =
		container_of(obj, struct iommufd_eventq, obj);

	seq_printf(m, " hwpt=%u depth=%u events=%u lost=%llu",
		   queue->hwpt->obj.id, queue->ring.depth,
		   READ_ONCE(queue->ring.sequence),
		   READ_ONCE(queue->ring.lost_total));
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

	queue = iommufd_object_alloc(ictx, struct iommufd_eventq, obj,
				     &eventq_ops);
	if (IS_ERR(queue))
		return queue;
	rc = iommufd_event_ring_init(&queue->ring, hwpt->domain, ictx, depth);
	if (rc) {
		iommufd_object_abort(&queue->obj);
		return ERR_PTR(rc);
	}
	mutex_init(&queue->read_lock);
	queue->hwpt = hwpt;
	iommufd_object_hold(&hwpt->obj);
	return queue;
}

static int eventq_publish(struct iommufd_call *call,
			  struct iommu_hwpt_eventq_alloc *cmd,
			  struct iommufd_eventq *queue)
{
	struct file *file;
	int fd, rc;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[iommufd-event]", &eventq_fops, NULL,
				  O_RDONLY);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_fd;
	}
	file->f_mode |= FMODE_STREAM | FMODE_NOWAIT;

	cmd->out_eventq_id = queue->obj.id;
	cmd->out_eventq_fd = fd;
	cmd->depth = queue->ring.depth;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_file;

	/* From here on nothing fails; the file's release does the rest */
	iommufd_object_hold(&queue->obj);
	iommufd_ctx_get(call->ictx);
	file->private_data = queue;
	iommufd_object_finalize(&queue->obj);
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return rc;
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
