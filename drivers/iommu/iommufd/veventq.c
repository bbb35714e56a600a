// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues of a vIOMMU (vEVENTQs): the object, its file, and how later kernels'
 * user ABI writes an event.
 *
 * The queue is in its vIOMMU's list from before user space knows it until it is
 * destroyed; the file reads the ring, which has its own locks.
 */
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <uapi/linux/iommufd.h>

#include "eventq.h"
#include "vdevice.h"

static_assert(sizeof(struct iommufd_vevent_header) ==
	      sizeof(struct iommufd_event_head));
static_assert(offsetof(struct iommufd_vevent_header, flags) ==
	      offsetof(struct iommufd_event_head, flags));
static_assert(offsetof(struct iommufd_vevent_header, sequence) ==
	      offsetof(struct iommufd_event_head, sequence));
static_assert(sizeof(struct iommufd_vevent_header) + IOMMUFD_VEVENT_LEN_MAX <=
	      IOMMUFD_EVENT_RECORD_MAX);

/* A loss at the end is a header alone; one with an event behind it shows anyway. */
static const struct iommufd_event_format veventq_format = {
	.first = 0,
	.sequence_mask = INT_MAX,
	.loss = IOMMU_VEVENTQ_FLAG_LOST_EVENTS,
	.loss_len = sizeof(struct iommufd_vevent_header),
};

/**
 * struct iommufd_veventq - an event queue of a vIOMMU
 * @obj: its id
 * @viommu: whose events; holds a holder reference
 * @queue: what came and was not read
 */
struct iommufd_veventq {
	struct iommufd_object obj;
	struct iommufd_viommu *viommu;
	struct iommufd_viommu_queue queue;
};

static ssize_t veventq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iommufd_veventq *veventq = iocb->ki_filp->private_data;

	/* Nothing ever fits */
	if (iov_iter_count(to) < sizeof(struct iommufd_vevent_header))
		return -EINVAL;
	return iommufd_event_ring_read(&veventq->queue.ring, iocb, to);
}

static __poll_t veventq_poll(struct file *file, struct poll_table_struct *wait)
{
	struct iommufd_veventq *veventq = file->private_data;

	return iommufd_event_ring_poll(&veventq->queue.ring, file, wait);
}

static void veventq_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iommufd_veventq *veventq = file->private_data;

	seq_printf(m, "veventq-id:\t%u\n", veventq->obj.id);
	seq_printf(m, "viommu-id:\t%u\n", veventq->viommu->obj.id);
	seq_printf(m, "type:\t%#x\n", veventq->queue.type);
	iommufd_eventq_show_ring(m, &veventq->queue.ring);
}

static const struct file_operations veventq_fops = {
	.owner = THIS_MODULE,
	.read_iter = veventq_read_iter,
	.poll = veventq_poll,
	.show_fdinfo = veventq_show_fdinfo,
	.release = iommufd_eventq_release,
};

static void veventq_destroy(struct iommufd_object *obj)
{
	struct iommufd_veventq *veventq =
		container_of(obj, struct iommufd_veventq, obj);

	iommufd_viommu_del_queue(veventq->viommu, &veventq->queue);
	iommufd_event_ring_exit(&veventq->queue.ring);
	iommufd_object_drop(&veventq->viommu->obj);
}

static void veventq_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_veventq *veventq =
		container_of(obj, struct iommufd_veventq, obj);

	seq_printf(m, " viommu=%u type=%#x", veventq->viommu->obj.id,
		   veventq->queue.type);
	iommufd_eventq_show_counts(m, &veventq->queue.ring);
}

static const struct iommufd_object_ops veventq_ops = {
	.type = IOMMUFD_OBJ_VEVENTQ,
	.name = "viommu-eventq",
	.destroy = veventq_destroy,
	.show = veventq_show,
};

/* On success the queue is in the vIOMMU's list and has a hold on it. */
static struct iommufd_veventq *veventq_new(struct iommufd_viommu *viommu,
					   u32 type, u32 depth)
{
	struct iommufd_veventq *veventq;
	size_t len = 0;
	int rc;

	BUILD_BUG_ON(offsetof(struct iommufd_veventq, obj) != 0);
	if (viommu->ops->event_len)
		len = viommu->ops->event_len(viommu, type);
	if (!len || WARN_ON_ONCE(len > IOMMUFD_VEVENT_LEN_MAX))
		return ERR_PTR(-EOPNOTSUPP);

	veventq = iommufd_object_alloc(viommu->obj.ictx, struct iommufd_veventq,
				       obj, &veventq_ops);
	if (IS_ERR(veventq))
		return veventq;
	rc = iommufd_event_ring_init(&veventq->queue.ring, &veventq_format,
				     sizeof(struct iommufd_event_head) + len,
				     depth);
	if (rc)
		goto err_abort;
	veventq->queue.type = type;
	veventq->queue.id = veventq->obj.id;
	veventq->queue.len = len;
	rc = iommufd_viommu_add_queue(viommu, &veventq->queue);
	if (rc)
		goto err_ring;
	veventq->viommu = viommu;
	iommufd_object_hold(&viommu->obj);
	return veventq;

err_ring:
	iommufd_event_ring_exit(&veventq->queue.ring);
err_abort:
	iommufd_object_abort(&veventq->obj);
	return ERR_PTR(rc);
}

static int veventq_publish(struct iommufd_call *call,
			   struct iommu_veventq_alloc *cmd,
			   struct iommufd_veventq *veventq)
{
	struct iommufd_eventq_file ef;
	int rc;

	rc = iommufd_eventq_open(&ef, "[iommufd-viommu-event]", &veventq_fops);
	if (rc)
		return rc;
	cmd->out_veventq_id = veventq->obj.id;
	cmd->out_veventq_fd = ef.fd;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		iommufd_eventq_abandon(&ef);
		return rc;
	}
	iommufd_eventq_publish(&ef, &veventq->obj);
	return 0;
}

/**
 * iommufd_veventq_alloc_ioctl() - IOMMU_VEVENTQ_ALLOC
 * @call: with struct iommu_veventq_alloc
 *
 * Return: 0 or the errno of the user ABI; no id or fd is left then.
 */
int iommufd_veventq_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_veventq_alloc *cmd = call->cmd;
	struct iommufd_veventq *veventq;
	struct iommufd_object *obj;
	int rc;

	if (cmd->flags || cmd->__reserved ||
	    cmd->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth ||
	    cmd->veventq_depth > IOMMU_VEVENTQ_DEPTH_MAX)
		return -EINVAL;

	obj = iommufd_object_get(call->ictx, cmd->viommu_id,
				 IOMMUFD_OBJ_VIOMMU);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	veventq = veventq_new(container_of(obj, struct iommufd_viommu, obj),
			      cmd->type, cmd->veventq_depth);
	iommufd_object_put(obj);
	if (IS_ERR(veventq))
		return PTR_ERR(veventq);

	rc = veventq_publish(call, cmd, veventq);
	if (rc) {
		veventq_destroy(&veventq->obj);
		iommufd_object_abort(&veventq->obj);
	}
	return rc;
}
