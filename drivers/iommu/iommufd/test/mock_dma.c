// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine of the mock's devices. A DMA runs until it has moved all its
 * bytes or finds no translation. Then it sends page requests and is parked: no
 * thread waits for it, and the answer sets it going again. It is a DMA of the
 * device, not of the process that asked for it: it goes on when that process is
 * killed, and ends at the latest when the device is detached.
 *
 * Locking: each piece is translated and moved with mock_dev::lock held, and a
 * request for a missing page enters the request FIFO in the same section. So
 * one that saw the old domain is in the FIFO before an attach returns.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "fault/event.h"
#include "mock.h"

/* How long a device waits before it repeats a request that found no room */
#define MOCK_RETRY_DELAY_MS	2

/**
 * struct mock_dma_handle - a DMA as user space may wait for it
 * @obj: its id
 * @dma: a reference on it
 * @fetched: somebody has got the result, or is about to
 */
struct mock_dma_handle {
	struct iommufd_object obj;
	struct mock_dma *dma;
	atomic_t fetched;
};

static void dma_release(struct kref *ref)
{
	struct mock_dma *dma = container_of(ref, struct mock_dma, ref);

	put_device(&dma->mdev->dev);
	kvfree(dma->buf);
	kfree(dma);
}

static void dma_put(struct mock_dma *dma)
{
	kref_put(&dma->ref, dma_release);
}

static void dma_end(struct mock_dma *dma, u32 status)
{
	struct mock_dev *mdev = dma->mdev;

	spin_lock(&mdev->lock);
	dma->status = status;
	list_del(&dma->item);
	if (!--mdev->num_dmas)
		wake_up_all(&mdev->idle);
	spin_unlock(&mdev->lock);
	mock_part_dma_end(&dma->args);

	complete_all(&dma->done);
	dma_put(dma);
}

/*
 * Ask for the page at the next address, and for those behind it that this DMA
 * is going to miss as well. With the device's lock held.
 */
static void dma_request(struct mock_dma *dma, struct iommu_domain *domain)
{
	u64 page = ALIGN_DOWN(dma->args.iova + dma->moved, MOCK_S1_PAGE_SIZE);
	u64 last = dma->args.iova + dma->args.length - 1;
	struct mock_group *group = &dma->group;
	unsigned int num = 0;

	group->grpid = mock_fault_free_grpid(dma->mdev, dma->args.pasid_valid,
					     dma->args.pasid);
	do {
		group->requests[num++] = (struct iommufd_page_request){
			.addr = page,
			.pasid = dma->args.pasid,
			.pasid_valid = dma->args.pasid_valid,
			.grpid = group->grpid,
			.perm = dma->args.write ? IOMMU_PGFAULT_PERM_WRITE :
						  IOMMU_PGFAULT_PERM_READ,
		};
		/* It cannot run over the end: last is at or above page. */
		if (last - page < MOCK_S1_PAGE_SIZE)
			break;
		page += MOCK_S1_PAGE_SIZE;
	} while (num < MOCK_GROUP_REQUESTS &&
		 mock_domain_access(domain, page, NULL, 0, dma->args.write) ==
			 MOCK_XLAT_MISS);
	group->requests[num - 1].last = true;
	group->num = num;
	dma->faults += num;
	mock_fault_submit(group);
}

/* Nobody can answer it: whoever listens to the domain is told. */
static void dma_tell(struct mock_dma *dma, struct iommu_domain *domain,
		     u64 iova, enum mock_xlat why)
{
	struct iommufd_event event = {
		.addr = iova & ~(u64)(MOCK_ACCESS_GRANULE - 1),
		.perm = dma->args.write ? IOMMU_PGFAULT_PERM_WRITE :
					  IOMMU_PGFAULT_PERM_READ,
		.reason = why == MOCK_XLAT_RANGE ? MOCK_EVENT_RANGE :
						   MOCK_EVENT_NOT_PRESENT,
	};

	if (dma->args.pasid_valid) {
		event.pasid = dma->args.pasid;
		event.flags = IOMMU_HWPT_EVENT_PASID_VALID;
	}
	iommufd_event_report(domain, &dma->mdev->dev, &event);
}

/*
 * One piece further. MOCK_DMA_PENDING: there may be more; anything else is how
 * it ends. *@parked: it has sent a request and waits.
 */
static u32 dma_step(struct mock_dma *dma, bool *parked)
{
	u64 iova = dma->args.iova + dma->moved;
	size_t piece = MOCK_ACCESS_GRANULE - iova % MOCK_ACCESS_GRANULE;
	struct mock_dev *mdev = dma->mdev;
	struct iommu_domain *domain;
	enum mock_xlat rc;

	lockdep_assert_held(&mdev->lock);

	piece = min(piece, dma->args.length - dma->moved);
	if (!mock_part_dma_goes_on(&dma->args))
		return MOCK_DMA_BLOCKED;
	domain = mock_dev_domain(mdev, dma->args.pasid_valid, dma->args.pasid);
	if (!domain)
		return MOCK_DMA_BLOCKED;
	rc = mock_domain_access(domain, iova, dma->buf + dma->moved, piece,
				dma->args.write);
	if (rc == MOCK_XLAT_OK) {
		dma->moved += piece;
		return dma->moved == dma->args.length ? MOCK_DMA_OK :
							MOCK_DMA_PENDING;
	}

	if (rc == MOCK_XLAT_NOWHERE || rc == MOCK_XLAT_RANGE ||
	    !mdev->requests_on)
		dma_tell(dma, domain, iova, rc);
	if (rc == MOCK_XLAT_NOWHERE || !mdev->requests_on)
		return MOCK_DMA_BLOCKED;
	if (rc == MOCK_XLAT_RANGE)
		return MOCK_DMA_FAULTED;
	if (mdev->halted)
		return MOCK_DMA_HALTED;

	dma->outcome = MOCK_OUTCOME_NONE;
	dma_request(dma, domain);
	*parked = true;
	return MOCK_DMA_PENDING;
}

/* Until it ends or is parked; the caller's hands are off @dma afterwards. */
static void dma_run(struct mock_dma *dma)
{
	struct mock_dev *mdev = dma->mdev;
	bool parked = false;
	u32 status;

	do {
		cond_resched();
		spin_lock(&mdev->lock);
		status = dma_step(dma, &parked);
		spin_unlock(&mdev->lock);
	} while (status == MOCK_DMA_PENDING && !parked);

	if (!parked)
		dma_end(dma, status);
}

static void dma_work(struct work_struct *work)
{
	struct mock_dma *dma =
		container_of(to_delayed_work(work), struct mock_dma, work);

	switch (dma->outcome) {
	case MOCK_OUTCOME_NONE:
	case MOCK_OUTCOME_SUCCESS:
	case MOCK_OUTCOME_OVERFLOW:
		dma_run(dma);
		break;
	case MOCK_OUTCOME_INVALID:
		dma_end(dma, MOCK_DMA_FAULTED);
		break;
	case MOCK_OUTCOME_FAILURE:
		dma_end(dma, MOCK_DMA_HALTED);
		break;
	case MOCK_OUTCOME_REFUSED:
		dma_end(dma, READ_ONCE(dma->mdev->halted) ? MOCK_DMA_HALTED :
							    MOCK_DMA_BLOCKED);
		break;
	}
}

/**
 * mock_dma_resume() - the group that a DMA waits for is done with
 * @dma: the DMA
 * @outcome: what became of the group
 */
void mock_dma_resume(struct mock_dma *dma, enum mock_outcome outcome)
{
	unsigned long delay = 0;

	if (outcome == MOCK_OUTCOME_OVERFLOW)
		delay = msecs_to_jiffies(MOCK_RETRY_DELAY_MS);
	dma->outcome = outcome;
	queue_delayed_work(system_unbound_wq, &dma->work, delay);
}

/**
 * mock_dma_wait_all() - wait until no DMA of a device is left
 * @mdev: the device, detached: each DMA finds that out by itself
 */
void mock_dma_wait_all(struct mock_dev *mdev)
{
	bool idle;

	idle = wait_event_timeout(mdev->idle, !READ_ONCE(mdev->num_dmas),
				  30 * HZ);
	if (!WARN(!idle, "%s: detached, and a DMA still waits for an answer\n",
		  dev_name(&mdev->dev)))
		return;
	wait_event(mdev->idle, !READ_ONCE(mdev->num_dmas));
}

static struct mock_dma *dma_alloc(struct mock_dev *mdev,
				  const struct mock_dma_args *args)
{
	struct mock_dma *dma;

	dma = kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT);
	if (!dma)
		return ERR_PTR(-ENOMEM);
	kref_init(&dma->ref);
	init_completion(&dma->done);
	INIT_DELAYED_WORK(&dma->work, dma_work);
	dma->args = *args;
	dma->mdev = mdev;
	dma->group.mdev = mdev;
	dma->group.dma = dma;
	dma->group.pasid = args->pasid;
	dma->group.pasid_valid = args->pasid_valid;
	get_device(&mdev->dev);

	dma->buf = kvzalloc(args->length, GFP_KERNEL_ACCOUNT);
	if (!dma->buf) {
		dma_put(dma);
		return ERR_PTR(-ENOMEM);
	}
	if (args->write && copy_from_user(dma->buf, args->uptr, args->length)) {
		dma_put(dma);
		return ERR_PTR(-EFAULT);
	}
	return dma;
}

static int dma_start(struct mock_dma *dma, bool async)
{
	struct mock_dev *mdev = dma->mdev;

	spin_lock(&mdev->lock);
	if (mdev->num_dmas >= MOCK_MAX_DMAS) {
		spin_unlock(&mdev->lock);
		return -EBUSY;
	}
	mdev->num_dmas++;
	list_add_tail(&dma->item, &mdev->dmas);
	kref_get(&dma->ref);
	spin_unlock(&mdev->lock);

	if (async)
		mock_dma_resume(dma, MOCK_OUTCOME_NONE);
	else
		dma_run(dma);
	return 0;
}

/* 0 with the status of now, which is MOCK_DMA_PENDING after a time-out. */
static int dma_wait(struct mock_dma *dma, u32 timeout_ms, u32 *status)
{
	long left;

	if (timeout_ms)
		left = wait_for_completion_killable_timeout(&dma->done,
							    msecs_to_jiffies(timeout_ms));
	else
		left = wait_for_completion_killable(&dma->done) ?: 1;
	if (left < 0)
		return left;
	*status = left ? dma->status : MOCK_DMA_PENDING;
	return 0;
}

/* The result of a DMA that has ended, and for a read its bytes. */
static int dma_result(struct mock_dma *dma, struct iommu_test_cmd *cmd)
{
	cmd->dma.out_status = dma->status;
	cmd->dma.out_faults = dma->faults;
	cmd->dma.out_done = dma->moved;
	cmd->dma.handle = 0;
	if (!dma->args.write &&
	    copy_to_user(dma->args.uptr, dma->buf, dma->moved))
		return -EFAULT;
	return 0;
}

static void handle_destroy(struct iommufd_object *obj)
{
	dma_put(container_of(obj, struct mock_dma_handle, obj)->dma);
}

static const struct iommufd_object_ops handle_ops = {
	.type = IOMMUFD_OBJ_SELFTEST,
	.name = "mock-dma",
	.destroy = handle_destroy,
};

static int dma_parse(const struct iommu_test_cmd *cmd,
		     struct mock_dma_args *args)
{
	u64 last;

	if (cmd->dma.__reserved ||
	    cmd->dma.flags & ~(MOCK_DMA_WRITE | MOCK_DMA_PASID_VALID |
			       MOCK_DMA_ASYNC))
		return -EOPNOTSUPP;
	if (!cmd->dma.length || cmd->dma.length > MOCK_DMA_LENGTH_MAX)
		return -EINVAL;
	if (check_add_overflow(cmd->dma.iova, cmd->dma.length - 1, &last))
		return -EOVERFLOW;

	*args = (struct mock_dma_args){
		.iova = cmd->dma.iova,
		.length = cmd->dma.length,
		.uptr = u64_to_user_ptr(cmd->dma.uptr),
		.pasid_valid = cmd->dma.flags & MOCK_DMA_PASID_VALID,
		.write = cmd->dma.flags & MOCK_DMA_WRITE,
	};
	if (args->pasid_valid)
		args->pasid = cmd->dma.pasid;
	if (args->pasid >= BIT(MOCK_PASID_WIDTH))
		return -EINVAL;
	return 0;
}

static struct mock_dma *dma_create(struct iommufd_call *call,
				   struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct mock_dma_args args;
	struct mock_dma *dma;
	struct mock_dev *mdev;
	int rc;

	rc = dma_parse(cmd, &args);
	if (rc)
		return ERR_PTR(rc);
	args.dev_id = cmd->dma.dev_id;
	idev = mock_get_device(call->ictx, args.dev_id, &mdev);
	if (IS_ERR(idev))
		return ERR_CAST(idev);

	mock_part_dma_begin(idev, &args);
	dma = mdev->flags & MOCK_FLAGS_DEVICE_PLAIN ? ERR_PTR(-EINVAL) :
						      dma_alloc(mdev, &args);
	if (!IS_ERR(dma)) {
		rc = dma_start(dma, cmd->dma.flags & MOCK_DMA_ASYNC);
		if (rc) {
			dma_put(dma);
			dma = ERR_PTR(rc);
		}
	}
	if (IS_ERR(dma))
		mock_part_dma_end(&args);
	/* From here on the DMA is the device's: it may be detached meanwhile. */
	iommufd_object_put(&idev->obj);
	return dma;
}

/**
 * mock_op_dma() - IOMMU_TEST_OP_DMA
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0 with a result or a handle; -EOPNOTSUPP for a flag; -EINVAL for a
 * length, a PASID, or a device that is not the mock's or a plain one; -EOVERFLOW;
 * -ENOENT; -EBUSY for too many DMAs of the device at once; -EFAULT; -ENOMEM.
 */
int mock_op_dma(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_dma_handle *handle;
	u32 status = MOCK_DMA_PENDING;
	struct mock_dma *dma;
	int rc;

	handle = iommufd_object_alloc(call->ictx, struct mock_dma_handle, obj,
				      &handle_ops);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	dma = dma_create(call, cmd);
	if (IS_ERR(dma)) {
		rc = PTR_ERR(dma);
		goto err_abort;
	}
	if (!(cmd->dma.flags & MOCK_DMA_ASYNC)) {
		rc = dma_wait(dma, cmd->dma.timeout_ms, &status);
		if (rc)
			goto err_put;
	}

	if (status != MOCK_DMA_PENDING) {
		rc = dma_result(dma, cmd);
		if (!rc)
			rc = iommufd_call_respond(call, sizeof(*cmd));
		goto err_put;
	}

	cmd->dma.out_status = MOCK_DMA_PENDING;
	cmd->dma.out_faults = 0;
	cmd->dma.out_done = 0;
	cmd->dma.handle = handle->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_put;
	handle->dma = dma;
	iommufd_object_finalize(&handle->obj);
	return 0;

err_put:
	dma_put(dma);
err_abort:
	iommufd_object_abort(&handle->obj);
	return rc;
}

/* The result goes to one caller, which then takes the handle away. */
static int fetch(struct mock_dma_handle *handle, struct iommufd_call *call,
		 struct iommu_test_cmd *cmd)
{
	int rc;

	if (atomic_xchg(&handle->fetched, 1))
		return -ENOENT;
	rc = dma_result(handle->dma, cmd);
	if (!rc)
		rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		atomic_set(&handle->fetched, 0);
	return rc;
}

/**
 * mock_op_dma_wait() - IOMMU_TEST_OP_DMA_WAIT
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0 with a result, or with MOCK_DMA_PENDING after the time-out; -ENOENT
 * if there is no such handle, or somebody else has just fetched the result;
 * -EFAULT, and the handle stays.
 */
int mock_op_dma_wait(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_dma_handle *handle;
	struct iommufd_object *obj;
	u32 status;
	int rc;

	obj = iommufd_object_get(call->ictx, cmd->dma.handle,
				 IOMMUFD_OBJ_SELFTEST);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->ops != &handle_ops) {
		rc = -ENOENT;
		goto out_put;
	}
	handle = container_of(obj, struct mock_dma_handle, obj);

	rc = dma_wait(handle->dma, cmd->dma.timeout_ms, &status);
	if (rc)
		goto out_put;
	if (status == MOCK_DMA_PENDING) {
		cmd->dma.out_status = status;
		rc = iommufd_call_respond(call, sizeof(*cmd));
		goto out_put;
	}

	rc = fetch(handle, call, cmd);
	if (rc)
		goto out_put;
	iommufd_object_hold(obj);
	iommufd_object_put(obj);
	iommufd_object_drop_last_destroys(obj);
	return 0;

out_put:
	iommufd_object_put(obj);
	return rc;
}
