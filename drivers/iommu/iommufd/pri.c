// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_DEVICE_PRI: a device's page request interface, for a VMM that shows its
 * guest one. What is done with it is the door's business (fault/pri.c); here is
 * who may have it done, and when it ends.
 */
#include <linux/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "trace.h"

static int enable(struct iommufd_device *idev, u32 allocation)
{
	struct iommufd_fault_hold *hold;

	if (idev->pri)
		return -EBUSY;
	hold = iommufd_fault_hold_new(idev->dev, allocation);
	if (IS_ERR(hold))
		return PTR_ERR(hold);
	idev->pri = hold;
	return 0;
}

static int disable(struct iommufd_device *idev)
{
	if (!idev->pri)
		return -EINVAL;
	iommufd_fault_hold_drop(idev->pri);
	idev->pri = NULL;
	return 0;
}

static int operate(struct iommufd_device *idev, u32 op, u32 allocation)
{
	switch (op) {
	case IOMMU_DEVICE_PRI_QUERY:
		return 0;
	case IOMMU_DEVICE_PRI_ENABLE:
		return enable(idev, allocation);
	case IOMMU_DEVICE_PRI_DISABLE:
		return disable(idev);
	case IOMMU_DEVICE_PRI_RESET:
		return iommufd_fault_pri_reset(idev->dev);
	default:
		return -EOPNOTSUPP;
	}
}

static int report(struct iommufd_call *call, struct iommu_device_pri *cmd,
		  struct iommufd_device *idev)
{
	struct iommufd_fault_pri pri;
	int rc;

	rc = iommufd_fault_pri_query(idev->dev, &pri);
	if (rc)
		return rc;
	cmd->out_allocation = pri.allocation;
	cmd->out_capacity = pri.hw.capacity;
	cmd->out_attaches = pri.attaches;
	cmd->out_outstanding = pri.outstanding;
	cmd->out_state = 0;
	if (pri.enabled)
		cmd->out_state |= IOMMU_DEVICE_PRI_ENABLED;
	if (pri.held)
		cmd->out_state |= IOMMU_DEVICE_PRI_BY_USER;
	if (pri.hw.resp_pasid)
		cmd->out_state |= IOMMU_DEVICE_PRI_RESP_PASID;
	if (pri.hw.failed)
		cmd->out_state |= IOMMU_DEVICE_PRI_FAILED;
	return iommufd_call_respond(call, sizeof(*cmd));
}

/* With iommufd_device::pasid_lock. Written before too: what cannot be told is not done. */
static int pri(struct iommufd_call *call, struct iommu_device_pri *cmd,
	       struct iommufd_device *idev)
{
	int rc;

	rc = report(call, cmd, idev);
	if (rc || cmd->op == IOMMU_DEVICE_PRI_QUERY)
		return rc;
	rc = operate(idev, cmd->op, cmd->allocation);
	trace_device_pri(dev_name(idev->dev), idev->obj.id, cmd->op,
			 cmd->allocation, rc);
	if (rc)
		return rc;
	rc = report(call, cmd, idev);
	if (rc && cmd->op == IOMMU_DEVICE_PRI_ENABLE)
		disable(idev);
	return rc;
}

/**
 * iommufd_device_pri_ioctl() - IOMMU_DEVICE_PRI
 * @call: with struct iommu_device_pri
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_device_pri_ioctl(struct iommufd_call *call)
{
	struct iommu_device_pri *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags || cmd->op > IOMMU_DEVICE_PRI_RESET)
		return -EOPNOTSUPP;
	if (cmd->allocation && cmd->op != IOMMU_DEVICE_PRI_ENABLE)
		return -EINVAL;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	mutex_lock(&idev->pasid_lock);
	/* The interface belongs to the parent, and so to others too */
	rc = iommufd_device_is_mediated(idev) ? -EOPNOTSUPP :
						pri(call, cmd, idev);
	mutex_unlock(&idev->pasid_lock);
	iommufd_object_put(&idev->obj);
	return rc;
}
