// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of a device, each with an address space of its own: the commands for user
 * space, and the functions for drivers.
 *
 * Who may have which PASID is decided here, and what it is on the wire: what user
 * space names is the vPASID. Of a device that somebody has as a whole it is the
 * PASID itself; a mediated device gets one from a pool.
 *
 * One change of a device's PASIDs runs at a time, from the choice of a HWPT until
 * the answer has reached the caller: what must be undone then is still as it was
 * made.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/pci.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "device.h"
#include "trace.h"

static int refuse(struct iommufd_device *idev, ioasid_t pasid,
		  const char *reason, int rc)
{
	trace_pasid_refused(dev_name(idev->dev), idev->obj.id, pasid, reason,
			    rc);
	return rc;
}

/*
 * A request with a PASID has an address that only the IOMMU can tell the meaning of:
 * every bridge has to send it up there (PCIe 6.0, 6.12), whatever other function may
 * have that address. Drivers go on without PASIDs if that is not so, or if a bridge
 * takes no prefixes (2.2.10); some turn them on only when one is attached.
 */
static bool path_is_open(struct device *dev)
{
	/* What tells is not for modules; the driver refuses, without a reason */
	return IS_BUILTIN(CONFIG_IOMMUFD) &&
	       !pci_acs_path_enabled(pci_physfn(to_pci_dev(dev)), NULL,
				     PCI_ACS_RR | PCI_ACS_UF);
}

/* Of a device that has PASIDs as its capabilities and its IOMMU go. */
static bool are_off(struct device *dev)
{
#ifdef CONFIG_PCI_PASID
	return dev_is_pci(dev) && !pci_physfn(to_pci_dev(dev))->pasid_enabled;
#else
	return false;
#endif
}

static int check_wire(struct iommufd_device *idev, ioasid_t pasid)
{
	struct device *dev = idev->dev;

	if (!dev->iommu->max_pasids)
		return refuse(idev, pasid, "the device or its IOMMU has none",
			      -EOPNOTSUPP);
	if (!dev_iommu_ops(dev)->remove_dev_pasid)
		return refuse(idev, pasid, "the IOMMU driver has none",
			      -EOPNOTSUPP);
	if (!are_off(dev))
		return 0;
	if (path_is_open(dev))
		return refuse(idev, pasid, "a bridge on the path has no ACS",
			      -EOPNOTSUPP);
	/* Drivers of ours turn them on when they probe the device, or never */
	if (device_iommu_capable(dev,
				 (enum iommu_cap)IOMMUFD_CAP_PASID_REPLACE))
		return refuse(idev, pasid, "PASIDs could not be turned on",
			      -EOPNOTSUPP);
	return 0;
}

/* @by_user: not by the device's driver, whose it is to attach the device itself. */
static int check_pasid(struct iommufd_device *idev, ioasid_t pasid,
		       bool by_user)
{
	u32 max = idev->dev->iommu->max_pasids;
	int rc;

	rc = check_wire(idev, pasid);
	if (rc)
		return rc;
	/* Nothing of it goes on the wire */
	if (iommufd_device_is_mediated(idev))
		max = BIT(IOMMUFD_PASID_BITS);
	/* What has no PASID is not PASID 0's, but the device's own attach */
	if (pasid == IOMMU_NO_PASID && by_user)
		return refuse(idev, pasid, "0 is no PASID", -EINVAL);
	if (pasid >= max)
		return refuse(idev, pasid, "more than the device can have",
			      -EINVAL);
	return 0;
}

/* A pPASID for a vPASID: a grant, NULL for none that is needed, or an error. */
static struct iommufd_pasid_grant *get_grant(struct iommufd_device *idev,
					     ioasid_t pasid)
{
	struct iommufd_pasid_grant *grant;

	if (!iommufd_device_is_mediated(idev))
		return NULL;
	grant = iommufd_pasid_grant_get(idev->account, idev->dev, pasid);
	if (grant == ERR_PTR(-EDQUOT))
		refuse(idev, pasid, "the file has all it may have", -EDQUOT);
	else if (grant == ERR_PTR(-ENOSPC))
		refuse(idev, pasid, "the pool is empty", -ENOSPC);
	return grant;
}

/* With iommufd_device::pasid_lock held. */
static int attach(struct iommufd_device *idev, ioasid_t pasid, u32 *pt_id,
		  u32 *ppasid)
{
	struct iommufd_pasid_grant *grant;
	struct iommufd_pasid *entry;
	int rc;

	/* Who found the device before it was unbound is as late as who did not */
	if (idev->leaving)
		return -ENOENT;
	if (xa_load(&idev->pasids, pasid))
		return -EBUSY;
	rc = iommufd_pasid_map_reserve(idev->map, pasid);
	if (rc)
		return rc;
	grant = get_grant(idev, pasid);
	if (IS_ERR(grant)) {
		rc = PTR_ERR(grant);
		goto err_map;
	}
	*ppasid = grant ? grant->ppasid : pasid;
	/* The global pool's: it was chosen for another device that has more of them */
	if (*ppasid >= idev->dev->iommu->max_pasids)
		rc = refuse(idev, pasid,
			    "what it is on the wire is more than the device can have",
			    -ERANGE);
	else
		rc = iommufd_device_pasid_attach(idev, pasid, *ppasid, pt_id);
	if (rc)
		goto err_grant;

	entry = xa_load(&idev->pasids, pasid);
	entry->grant = grant;
	iommufd_pasid_map_set(idev->map, pasid, *ppasid);
	if (grant)
		iommufd_pasid_grant_publish(idev->account, grant);
	return 0;

err_grant:
	if (grant) {
		iommufd_pasid_grant_retire(idev->account, grant);
		iommufd_pasid_grant_put(idev->account, grant);
	}
err_map:
	iommufd_pasid_map_unreserve(idev->map, pasid);
	return rc;
}

/*
 * Undo an attach, with iommufd_device::pasid_lock held. First whoever looked the PASID
 * up is told, and stops using it; then the hardware lets go of it, and is drained; and
 * then what was on the wire may be another's. On return DMA with the PASID is blocked,
 * and every page fault of it answered. -ENOENT: it is not attached.
 */
static int detach(struct iommufd_device *idev, ioasid_t pasid)
{
	struct iommufd_pasid *entry = xa_load(&idev->pasids, pasid);
	struct iommufd_pasid_grant *grant = NULL;
	struct iommufd_hwpt *hwpt;

	if (entry) {
		grant = entry->grant;
		iommufd_pasid_map_clear(idev->map, pasid);
		iommufd_pasid_map_gone(idev->map, pasid, entry->ppasid);
	}
	if (grant)
		iommufd_pasid_grant_retire(idev->account, grant);
	hwpt = iommufd_group_detach_pasid(idev, pasid);
	if (!hwpt)
		return -ENOENT;
	if (grant)
		iommufd_pasid_grant_put(idev->account, grant);
	iommufd_hwpt_drop(hwpt);
	return 0;
}

/**
 * iommufd_device_pasid_detach_all() - a device is going to be unbound
 * @idev: the device
 *
 * The driver that bound it knows nothing of its PASIDs. What is attached is detached,
 * and nothing is attached any more. Takes iommufd_device::pasid_lock.
 */
void iommufd_device_pasid_detach_all(struct iommufd_device *idev)
{
	struct iommufd_pasid *entry;
	unsigned long pasid;

	mutex_lock(&idev->pasid_lock);
	idev->leaving = true;
	xa_for_each(&idev->pasids, pasid, entry) {
		detach(idev, pasid);
		cond_resched();
	}
	mutex_unlock(&idev->pasid_lock);
}

/* --- for drivers --- */

/**
 * iommufd_device_attach_pasid() - let a PASID of a bound device do DMA
 * @idev: the device
 * @pasid: its PASID, or IOMMU_NO_PASID: as iommufd_device_attach()
 * @pt_id: in: an IOAS or a HWPT; out: the HWPT the PASID is attached to
 *
 * What IOMMU_DEVICE_PASID_ATTACH does, for the driver that has bound the device;
 * PASIDs that are not detached go when the device is unbound. Which PASID is on the
 * wire for one of a mediated device says iommufd_pasid_translate().
 *
 * Return: 0, or with nothing changed: what IOMMU_DEVICE_PASID_ATTACH returns.
 */
int iommufd_device_attach_pasid(struct iommufd_device *idev, u32 pasid,
				u32 *pt_id)
{
	u32 ppasid;
	int rc;

	if (pasid == IOMMU_NO_PASID && !iommufd_device_is_mediated(idev))
		return iommufd_device_attach(idev, pt_id);
	rc = check_pasid(idev, pasid, false);
	if (rc)
		return rc;
	mutex_lock(&idev->pasid_lock);
	rc = attach(idev, pasid, pt_id, &ppasid);
	mutex_unlock(&idev->pasid_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach_pasid, IOMMUFD);

/**
 * iommufd_device_replace_pasid() - move an attached PASID
 * @idev: the device
 * @pasid: its PASID, or IOMMU_NO_PASID: as iommufd_device_replace()
 * @pt_id: as iommufd_device_attach_pasid()
 *
 * There is no moment in which its DMA is blocked, and what is on the wire stays.
 *
 * Return: 0, or with nothing changed: what IOMMU_DEVICE_PASID_REPLACE returns.
 */
int iommufd_device_replace_pasid(struct iommufd_device *idev, u32 pasid,
				 u32 *pt_id)
{
	int rc;

	if (pasid == IOMMU_NO_PASID && !iommufd_device_is_mediated(idev))
		return iommufd_device_replace(idev, pt_id);
	rc = check_pasid(idev, pasid, false);
	if (rc)
		return rc;
	mutex_lock(&idev->pasid_lock);
	rc = iommufd_device_pasid_replace(idev, pasid, pt_id);
	mutex_unlock(&idev->pasid_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace_pasid, IOMMUFD);

/**
 * iommufd_device_detach_pasid() - undo iommufd_device_attach_pasid()
 * @idev: the device
 * @pasid: its PASID, or IOMMU_NO_PASID: as iommufd_device_detach(). One that user
 *	space has detached meanwhile is no error
 */
void iommufd_device_detach_pasid(struct iommufd_device *idev, u32 pasid)
{
	if (pasid == IOMMU_NO_PASID && !iommufd_device_is_mediated(idev)) {
		iommufd_device_detach(idev);
		return;
	}
	mutex_lock(&idev->pasid_lock);
	detach(idev, pasid);
	mutex_unlock(&idev->pasid_lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach_pasid, IOMMUFD);

/* --- for user space --- */

/* With iommufd_device::pasid_lock held, for as long as the caller undoes. */
static int user_attach(struct iommufd_call *call,
		       struct iommu_device_pasid *cmd,
		       struct iommufd_device *idev)
{
	int rc;

	rc = attach(idev, cmd->pasid, &cmd->pt_id, &cmd->out_pasid);
	if (rc)
		return rc;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		detach(idev, cmd->pasid);
	return rc;
}

/*
 * It cannot be undone without the risk that undoing fails. So the structure is
 * written before as well: it will do so again, unless it is taken away meanwhile.
 */
static int user_replace(struct iommufd_call *call,
			struct iommu_device_pasid *cmd,
			struct iommufd_device *idev)
{
	struct iommufd_pasid *entry;
	int rc;

	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		return rc;
	rc = iommufd_device_pasid_replace(idev, cmd->pasid, &cmd->pt_id);
	if (rc)
		return rc;
	entry = xa_load(&idev->pasids, cmd->pasid);
	cmd->out_pasid = entry->ppasid;
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
	rc = check_pasid(idev, cmd->pasid, true);
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
	return change(call, user_attach);
}

/**
 * iommufd_pasid_replace_ioctl() - IOMMU_DEVICE_PASID_REPLACE
 * @call: with struct iommu_device_pasid
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_pasid_replace_ioctl(struct iommufd_call *call)
{
	return change(call, user_replace);
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
	rc = check_pasid(idev, cmd->pasid, true);
	if (!rc) {
		mutex_lock(&idev->pasid_lock);
		rc = detach(idev, cmd->pasid);
		mutex_unlock(&idev->pasid_lock);
	}
	iommufd_object_put(&idev->obj);
	return rc;
}
