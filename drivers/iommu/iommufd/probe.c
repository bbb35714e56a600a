// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space may ask about the IOMMU in front of a device. No lock: what is
 * reported does not change while a device is bound, but for PASIDs, which are as
 * the device has them at the moment of the call.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "describe.h"
#include "device.h"
#include "hwpt.h"

/**
 * iommufd_hw_info_get() - what the IOMMU driver says of itself
 * @dev: a bound device
 * @out: filled in; the caller frees the data with kfree()
 *
 * Return: 0; -ENODEV: the driver contradicts itself; what the driver returns.
 */
int iommufd_hw_info_get(struct device *dev, struct iommufd_hw_info *out)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	void *data;

	*out = (struct iommufd_hw_info){ .type = IOMMU_HW_INFO_TYPE_NONE };
	if (!ops->hw_info)
		return 0;

	data = ops->hw_info(dev, &out->len, &out->type);
	if (IS_ERR(data))
		return PTR_ERR(data);
	if (WARN_ON_ONCE(out->type == IOMMU_HW_INFO_TYPE_NONE)) {
		kfree(data);
		return -ENODEV;
	}
	out->data = data;
	return 0;
}

static int copy_description(const struct iommufd_hw_info *description,
			    u64 uptr, u32 room)
{
	void __user *to = u64_to_user_ptr(uptr);
	u32 len = min(room, description->len);

	if (copy_to_user(to, description->data, len) ||
	    clear_user(to + len, room - len))
		return -EFAULT;
	return 0;
}

/**
 * iommufd_pasid_capabilities() - what a device may do with PASIDs
 * @dev: a bound device
 * @max_pasid_log2: set to their width in bits, 0 to 20; 0: it has none
 *
 * The core's max_pasids says how many there could be, from the capabilities of
 * the device and its IOMMU. Whether a PCI device may send one is for its control
 * register to say: some drivers turn PASIDs on only when one is attached, others
 * go on if turning them on failed.
 *
 * Return: IOMMU_HW_CAP_PCI_PASID_EXEC, IOMMU_HW_CAP_PCI_PASID_PRIV.
 */
u64 iommufd_pasid_capabilities(struct device *dev, u8 *max_pasid_log2)
{
	u32 max_pasids = dev->iommu->max_pasids;
	int status = PCI_PASID_CTRL_ENABLE;
	u64 caps = 0;

	*max_pasid_log2 = 0;
	if (!max_pasids)
		return 0;
	if (dev_is_pci(dev))
		status = pci_pasid_status(to_pci_dev(dev));
	if (status < 0 || !(status & PCI_PASID_CTRL_ENABLE))
		return 0;

	*max_pasid_log2 = ilog2(max_pasids);
	if (status & PCI_PASID_CTRL_EXEC)
		caps |= IOMMU_HW_CAP_PCI_PASID_EXEC;
	if (status & PCI_PASID_CTRL_PRIV)
		caps |= IOMMU_HW_CAP_PCI_PASID_PRIV;
	return caps;
}

static int hw_info(struct iommufd_call *call, struct iommu_hw_info *cmd,
		   struct iommufd_device *idev)
{
	struct device *dev = idev->dev;
	u32 wanted = IOMMU_HW_INFO_TYPE_DEFAULT;
	struct iommufd_hw_info description;
	int rc, no_ats;

	/* Without the flag, older programs may have left anything in there */
	if (cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		wanted = cmd->in_data_type;

	rc = iommufd_hw_info_get(dev, &description);
	if (rc)
		return rc;
	if (wanted != IOMMU_HW_INFO_TYPE_DEFAULT && wanted != description.type) {
		rc = -EOPNOTSUPP;
		goto out_free;
	}

	rc = copy_description(&description, cmd->data_uptr, cmd->data_len);
	if (rc)
		goto out_free;
	no_ats = iommufd_describe_lacks_ats(dev);
	if (no_ats < 0) {
		rc = no_ats;
		goto out_free;
	}

	cmd->data_len = description.len;
	cmd->out_data_type = description.type;
	cmd->out_capabilities =
		iommufd_pasid_capabilities(dev, &cmd->out_max_pasid_log2);
	/* What its user calls PASIDs never reaches the hardware */
	if (iommufd_device_is_mediated(idev))
		cmd->out_max_pasid_log2 = IOMMUFD_PASID_BITS;
	if (iommufd_dirty_capable(dev))
		cmd->out_capabilities |= IOMMU_HW_CAP_DIRTY_TRACKING;
	if (no_ats)
		cmd->out_capabilities |= IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	rc = iommufd_call_respond(call, sizeof(*cmd));
out_free:
	kfree(description.data);
	return rc;
}

/**
 * iommufd_get_hw_info_ioctl() - IOMMU_GET_HW_INFO
 * @call: with struct iommu_hw_info
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_get_hw_info_ioctl(struct iommufd_call *call)
{
	struct iommu_hw_info *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if ((cmd->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE) ||
	    memchr_inv(cmd->__reserved, 0, sizeof(cmd->__reserved)))
		return -EOPNOTSUPP;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = hw_info(call, cmd, idev);
	iommufd_object_put(&idev->obj);
	return rc;
}
