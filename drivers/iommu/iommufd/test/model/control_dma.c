// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA by command of a program, and waiting for it.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "stall_master.h"

/**
 * struct control_dma - a DMA: one of the two
 * @function: of a PCI function
 * @master: of a master that is none
 */
struct control_dma {
	struct model_dma *function;
	struct stall_dma *master;
};

static unsigned long dma_timeout(u32 ms)
{
	return ms ? msecs_to_jiffies(ms) : MAX_SCHEDULE_TIMEOUT;
}

static int dma_wait(struct control_dma *dma, unsigned long timeout,
		    struct model_dma_result *result)
{
	struct stall_dma_result stalled;
	int rc;

	if (dma->function)
		return model_dma_wait(dma->function, timeout, true, result);
	rc = stall_dma_wait(dma->master, timeout, true, &stalled);
	*result = (struct model_dma_result){
		.status = stalled.status,
		.groups = stalled.stalls,
		.requests = stalled.retries,
		.done = stalled.done,
	};
	return rc;
}

static bool dma_writes(struct control_dma *dma)
{
	return dma->function ? model_dma_writes(dma->function) :
			       stall_dma_writes(dma->master);
}

static const void *dma_data(struct control_dma *dma)
{
	return dma->function ? model_dma_data(dma->function) :
			       stall_dma_data(dma->master);
}

static void dma_put(struct control_dma *dma)
{
	if (dma->function)
		model_dma_put(dma->function);
	else
		stall_dma_put(dma->master);
	kfree(dma);
}

static void dma_drop(struct control_dma *dma)
{
	if (dma->function)
		model_dma_cancel(dma->function);
	else
		stall_dma_cancel(dma->master);
	dma_put(dma);
}

/* The result for the program, and what a read brought. */
static int dma_report(struct iommufd_model_dma *cmd, struct control_dma *dma,
		      const struct model_dma_result *result)
{
	BUILD_BUG_ON((int)IOMMUFD_MODEL_DMA_DISABLED != (int)MODEL_DMA_DISABLED ||
		     (int)IOMMUFD_MODEL_DMA_PENDING != (int)MODEL_DMA_PENDING);

	cmd->out_status = result->status;
	cmd->out_groups = result->groups;
	cmd->out_requests = result->requests;
	cmd->out_done = result->done;
	if (result->status == MODEL_DMA_PENDING || dma_writes(dma))
		return 0;
	if (copy_to_user(u64_to_user_ptr(cmd->data), dma_data(dma),
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

static int dma_of_master(const struct iommufd_model_dma *cmd,
			 const struct model_dma_params *params,
			 struct control_dma *dma)
{
	void *buf;

	if (cmd->group)
		return -EINVAL;
	buf = dma_buffer(cmd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma->master = model_control_master_dma(cmd->domain, cmd->rid, params,
					       buf);
	return PTR_ERR_OR_ZERO(dma->master);
}

static int dma_of_function(const struct iommufd_model_dma *cmd,
			   const struct model_dma_params *params,
			   struct control_dma *dma)
{
	struct model_pci_function *f;
	void *buf;

	BUILD_BUG_ON(IOMMUFD_MODEL_DMA_UNTRANSLATED ^ MODEL_DMA_UNTRANSLATED);
	BUILD_BUG_ON(IOMMUFD_MODEL_DMA_PASID ^ MODEL_DMA_PASID);
	f = model_control_function(cmd->domain, cmd->rid);
	if (!f)
		return -ENODEV;
	buf = dma_buffer(cmd);
	if (IS_ERR(buf))
		dma->function = ERR_CAST(buf);
	else
		dma->function = model_dma_start(f, params, buf);
	model_pci_put(f);
	return PTR_ERR_OR_ZERO(dma->function);
}

static struct control_dma *dma_start(const struct iommufd_model_dma *cmd)
{
	struct model_dma_params params = {
		.flags = cmd->flags & MODEL_DMA_FLAGS,
		.pasid = cmd->pasid,
		.iova = cmd->iova,
		.length = cmd->length,
		.group = cmd->group ?: MODEL_DMA_MAX_GROUP,
	};
	struct control_dma *dma;
	int rc;

	dma = kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT);
	if (!dma)
		return ERR_PTR(-ENOMEM);
	if (cmd->flags & IOMMUFD_MODEL_DMA_MASTER)
		rc = dma_of_master(cmd, &params, dma);
	else
		rc = dma_of_function(cmd, &params, dma);
	if (rc) {
		kfree(dma);
		return ERR_PTR(rc);
	}
	return dma;
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
	struct control_dma *dma;
	u32 handle;
	int rc;

	if ((cmd->flags & ~(MODEL_DMA_FLAGS | IOMMUFD_MODEL_DMA_ASYNC |
			    IOMMUFD_MODEL_DMA_MASTER)) ||
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
	dma_wait(dma, cmd->flags & IOMMUFD_MODEL_DMA_ASYNC ? 0 :
		 dma_timeout(cmd->timeout_ms), &result);
	if (result.status != MODEL_DMA_PENDING) {
		xa_release(&file->dmas, handle);
		rc = dma_report(cmd, dma, &result);
		dma_put(dma);
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
	struct control_dma *dma;
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

	rc = dma_wait(dma, cmd->flags & IOMMUFD_MODEL_DMA_ASYNC ? 0 :
		      dma_timeout(cmd->timeout_ms), &result);
	report = dma_report(cmd, dma, &result);
	if (result.status == MODEL_DMA_PENDING) {
		xa_store(&file->dmas, cmd->handle, dma, GFP_KERNEL_ACCOUNT);
		return rc == -ERESTARTSYS ? -EINTR : 0;
	}
	xa_release(&file->dmas, cmd->handle);
	cmd->handle = 0;
	dma_put(dma);
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
	struct control_dma *dma;
	unsigned long handle;

	xa_for_each(&file->dmas, handle, dma)
		dma_drop(dma);
	xa_destroy(&file->dmas);
}
