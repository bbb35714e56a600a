// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA by command of a program, and waiting for it.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"

static unsigned long dma_timeout(u32 ms)
{
	return ms ? msecs_to_jiffies(ms) : MAX_SCHEDULE_TIMEOUT;
}

/* The result for the program, and what a read brought. */
static int dma_report(struct iommufd_model_dma *cmd, struct model_dma *dma,
		      const struct model_dma_result *result)
{
	BUILD_BUG_ON((int)IOMMUFD_MODEL_DMA_DISABLED != (int)MODEL_DMA_DISABLED ||
		     (int)IOMMUFD_MODEL_DMA_PENDING != (int)MODEL_DMA_PENDING);

	cmd->out_status = result->status;
	cmd->out_groups = result->groups;
	cmd->out_requests = result->requests;
	cmd->out_done = result->done;
	if (result->status == MODEL_DMA_PENDING || model_dma_writes(dma))
		return 0;
	if (copy_to_user(u64_to_user_ptr(cmd->data), model_dma_data(dma),
			 result->done))
		return -EFAULT;
	return 0;
}

static void *dma_buffer(const struct iommufd_model_dma *cmd)
{
	void *buf = kvzalloc(cmd->length, GFP_KERNEL_ACCOUNT);

	if (!buf)
		return ERR_PTR(-ENOMEM);
	if ((cmd->flags & IOMMUFD_MODEL_DMA_WRITE) &&
	    copy_from_user(buf, u64_to_user_ptr(cmd->data), cmd->length)) {
		kvfree(buf);
		return ERR_PTR(-EFAULT);
	}
	return buf;
}

static struct model_dma *dma_start(const struct iommufd_model_dma *cmd)
{
	struct model_dma_params params = {
		.flags = cmd->flags & ~IOMMUFD_MODEL_DMA_ASYNC,
		.pasid = cmd->pasid,
		.iova = cmd->iova,
		.length = cmd->length,
		.group = cmd->group ?: MODEL_DMA_MAX_GROUP,
	};
	struct model_pci_function *f;
	struct model_dma *dma;
	void *buf;

	BUILD_BUG_ON(IOMMUFD_MODEL_DMA_UNTRANSLATED ^ MODEL_DMA_UNTRANSLATED);
	BUILD_BUG_ON(IOMMUFD_MODEL_DMA_PASID ^ MODEL_DMA_PASID);
	f = model_control_function(cmd->domain, cmd->rid);
	if (!f)
		return ERR_PTR(-ENODEV);
	buf = dma_buffer(cmd);
	if (IS_ERR(buf))
		dma = ERR_CAST(buf);
	else
		dma = model_dma_start(f, &params, buf);
	model_pci_put(f);
	return dma;
}

static void dma_drop(struct model_dma *dma)
{
	model_dma_cancel(dma);
	model_dma_put(dma);
}

/**
 * model_control_dma() - ioctl(IOMMUFD_MODEL_DMA)
 * @file: open file
 * @arg: struct iommufd_model_dma
 *
 * Return: see there.
 */
int model_control_dma(struct control_file *file, void *arg)
{
	struct iommufd_model_dma *cmd = arg;
	struct model_dma_result result;
	struct model_dma *dma;
	u32 handle;
	int rc;

	if ((cmd->flags & ~(MODEL_DMA_FLAGS | IOMMUFD_MODEL_DMA_ASYNC)) ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->length || cmd->length > MODEL_DMA_MAX_LENGTH || cmd->handle)
		return -EINVAL;

	/* The handle first: a DMA that is started cannot be taken back. */
	rc = xa_alloc(&file->dmas, &handle, NULL,
		      XA_LIMIT(1, IOMMUFD_MODEL_HANDLES), GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc == -EBUSY ? -EBUSY : -ENOMEM;
	dma = dma_start(cmd);
	if (IS_ERR(dma)) {
		xa_release(&file->dmas, handle);
		return PTR_ERR(dma);
	}

	/* A signal ends the wait like a time-out: the handle is the program's. */
	model_dma_wait(dma, cmd->flags & IOMMUFD_MODEL_DMA_ASYNC ? 0 :
		       dma_timeout(cmd->timeout_ms), true, &result);
	if (result.status != MODEL_DMA_PENDING) {
		xa_release(&file->dmas, handle);
		rc = dma_report(cmd, dma, &result);
		model_dma_put(dma);
		return rc;
	}
	dma_report(cmd, dma, &result);
	cmd->handle = handle;
	xa_store(&file->dmas, handle, dma, GFP_KERNEL_ACCOUNT);
	return 0;
}

/**
 * model_control_dma_wait() - ioctl(IOMMUFD_MODEL_DMA_WAIT)
 * @file: open file
 * @arg: struct iommufd_model_dma
 *
 * Return: see there.
 */
int model_control_dma_wait(struct control_file *file, void *arg)
{
	struct iommufd_model_dma *cmd = arg;
	struct model_dma_result result;
	struct model_dma *dma;
	int rc, report;

	if ((cmd->flags & ~IOMMUFD_MODEL_DMA_ASYNC) || cmd->domain ||
	    cmd->rid || cmd->pasid || cmd->group || cmd->iova || cmd->length ||
	    cmd->__reserved)
		return -EOPNOTSUPP;

	/* Taken out, so that nobody else gets it; its place stays ours. */
	dma = xa_load(&file->dmas, cmd->handle);
	if (!dma || xa_cmpxchg(&file->dmas, cmd->handle, dma, XA_ZERO_ENTRY,
			       GFP_KERNEL_ACCOUNT) != dma)
		return -ENOENT;

	rc = model_dma_wait(dma, cmd->flags & IOMMUFD_MODEL_DMA_ASYNC ? 0 :
			    dma_timeout(cmd->timeout_ms), true, &result);
	report = dma_report(cmd, dma, &result);
	if (result.status == MODEL_DMA_PENDING) {
		xa_store(&file->dmas, cmd->handle, dma, GFP_KERNEL_ACCOUNT);
		return rc == -ERESTARTSYS ? -EINTR : 0;
	}
	xa_release(&file->dmas, cmd->handle);
	cmd->handle = 0;
	model_dma_put(dma);
	return report;
}

/**
 * model_control_dma_end() - the file is closed
 * @file: open file
 *
 * Its DMAs end: their buffers are charged to whoever had it open.
 */
void model_control_dma_end(struct control_file *file)
{
	struct model_dma *dma;
	unsigned long handle;

	xa_for_each(&file->dmas, handle, dma)
		dma_drop(dma);
	xa_destroy(&file->dmas);
}
