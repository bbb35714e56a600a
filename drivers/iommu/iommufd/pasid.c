// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that give a PASID of a device an address space of its own. The
 * PASID that the user names is the one on the wire.
 *
 * One change of a device's PASIDs runs at a time, from the choice of a HWPT until
 * the answer has reached the caller: what must be undone then is still as it was
 * made.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "device.h"

static int check_pasid(struct iommufd_device *idev, u32 pasid)
{
	u32 max = idev->dev->iommu->max_pasids;

	if (!max || !dev_iommu_ops(idev->dev)->remove_dev_pasid)
		return -EOPNOTSUPP;
	/* What has no PASID is not PASID 0's, but the device's own attach */
	return pasid == IOMMU_NO_PASID || pasid >= max ? -EINVAL : 0;
}

/* With iommufd_device::pasid_lock held, for as long as the caller undoes. */
static int attach(struct iommufd_call *call, struct iommu_device_pasid *cmd,
		  struct iommufd_device *idev)
{
	int rc;

	rc = iommufd_device_pasid_attach(idev, cmd->pasid, &cmd->pt_id);
	if (rc)
		return rc;
	cmd->out_pasid = cmd->pasid;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		iommufd_device_pasid_detach(idev, cmd->pasid);
	return rc;
}

/*
 * It cannot be undone without the risk that undoing fails. So the structure is
 * written before as well: it will do so again, unless it is taken away meanwhile.
 */
static int replace(struct iommufd_call *call, struct iommu_device_pasid *cmd,
		   struct iommufd_device *idev)
{
	int rc;

	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		return rc;
	rc = iommufd_device_pasid_replace(idev, cmd->pasid, &cmd->pt_id);
	if (rc)
		return rc;
	cmd->out_pasid = cmd->pasid;
	return iommufd_call_respond(call, sizeof(*cmd));
}

typedef int (*change_fn)(struct iommufd_call *call,
			 struct iommu_device_pasid *cmd,
			 struct iommufd_device *idev);

static int change(struct iommufd_call *call, change_fn how)
{
	struct iommu_device_pasid *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = check_pasid(idev, cmd->pasid);
	if (!rc) {
		mutex_lock(&idev->pasid_lock);
		rc = how(call, cmd, idev);
		mutex_unlock(&idev->pasid_lock);
	}
	iommufd_object_put(&idev->obj);
	return rc;
}

/**
 * iommufd_pasid_attach_ioctl() - IOMMU_DEVICE_PASID_ATTACH
 * @call: with struct iommu_device_pasid
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_pasid_attach_ioctl(struct iommufd_call *call)
{
	return change(call, attach);
}

/**
 * iommufd_pasid_replace_ioctl() - IOMMU_DEVICE_PASID_REPLACE
 * @call: with struct iommu_device_pasid
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_pasid_replace_ioctl(struct iommufd_call *call)
{
	return change(call, replace);
}

/**
 * iommufd_pasid_detach_ioctl() - IOMMU_DEVICE_PASID_DETACH
 * @call: with struct iommu_device_pasid_detach
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_pasid_detach_ioctl(struct iommufd_call *call)
{
	struct iommu_device_pasid_detach *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = check_pasid(idev, cmd->pasid);
	if (!rc) {
		mutex_lock(&idev->pasid_lock);
		rc = iommufd_device_pasid_detach(idev, cmd->pasid);
		mutex_unlock(&idev->pasid_lock);
	}
	iommufd_object_put(&idev->obj);
	return rc;
}
