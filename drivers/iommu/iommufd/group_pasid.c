// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of a device: each is attached to an address space of its own. What has
 * to be right in an IOAS and in the fault routing for that, as group.c does it for
 * the device itself; under the same lock.
 *
 * A PASID is an address space of the device that sends it. In a group of several
 * devices they could reach each other without passing the IOMMU, or are not told
 * apart by it: such a group has no PASIDs.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/slab.h>

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

static int second_device(struct device *dev, void *data)
{
	unsigned int *num = data;

	return ++*num > 1;
}

/**
 * iommufd_group_is_alone() - is there one device in the group?
 * @group: any
 *
 * Return: whether it is.
 */
bool iommufd_group_is_alone(struct iommufd_group *group)
{
	unsigned int num = 0;

	return !iommu_group_for_each_dev(group->group, &num, second_device);
}

/*
 * The reserved regions of a device are the same for all its PASIDs. With many in
 * one IOAS they are entered once, so that an attach costs the same each time.
 */
static int reserve_space(struct iommufd_device *idev, struct iommufd_ioas *ioas)
{
	void *entry = xa_load(&idev->pasid_spaces, ioas->obj.id);
	unsigned long users = entry ? xa_to_value(entry) : 0;
	int rc;

	if (!users) {
		rc = iommufd_group_reserve(idev, ioas, NULL,
					   &idev->pasids);
		if (rc)
			return rc;
	}
	rc = xa_err(xa_store(&idev->pasid_spaces, ioas->obj.id,
			     xa_mk_value(users + 1), GFP_KERNEL_ACCOUNT));
	if (rc && !users)
		iova_space_unreserve(&ioas->space, &idev->pasids);
	return rc;
}

static void release_space(struct iommufd_device *idev,
			  struct iommufd_ioas *ioas)
{
	void *entry = xa_load(&idev->pasid_spaces, ioas->obj.id);
	unsigned long users = entry ? xa_to_value(entry) : 0;

	if (WARN_ON(!users))
		return;
	if (users > 1) {
		/* Where there is an entry, nothing is allocated */
		xa_store(&idev->pasid_spaces, ioas->obj.id,
			 xa_mk_value(users - 1), GFP_KERNEL_ACCOUNT);
		return;
	}
	xa_erase(&idev->pasid_spaces, ioas->obj.id);
	iova_space_unreserve(&ioas->space, &idev->pasids);
}

static int check_hwpt(struct iommufd_device *idev, struct iommufd_hwpt *hwpt)
{
	if (!iommufd_hwpt_suits(hwpt, idev->dev))
		return -EINVAL;
	return hwpt->domain->ops->set_dev_pasid ? 0 : -EOPNOTSUPP;
}

static int check_attach(struct iommufd_device *idev, ioasid_t pasid,
			struct iommufd_hwpt *hwpt)
{
	struct iommufd_group *group = idev->group;

	if (xa_load(&idev->pasids, pasid))
		return -EBUSY;
	if (group->hwpt && iommufd_hwpt_owns_pasids(idev, group->hwpt))
		return refuse(idev, pasid,
			      "a guest's table on the device has all PASIDs",
			      -EBUSY);
	if (!iommufd_group_is_alone(group))
		return refuse(idev, pasid, "its group has other devices",
			      -EINVAL);
	return check_hwpt(idev, hwpt);
}

static struct iommufd_pasid *entry_new(struct iommufd_device *idev,
				       ioasid_t pasid, ioasid_t ppasid)
{
	struct iommufd_pasid *entry;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return NULL;
	entry->ppasid = ppasid;
	if (iommufd_device_is_mediated(idev)) {
		entry->route.translated = true;
		entry->route.vpasid = pasid;
		entry->route.part = &idev->part;
		entry->event.ictx = idev->obj.ictx;
		entry->event.dev_id = idev->obj.id;
		entry->event.vpasid = pasid;
	}
	return entry;
}

/* Faults without an answer find a mediated device by the PASID on the wire. */
static int listen(struct iommufd_pasid *entry, struct iommufd_device *idev)
{
	if (!iommufd_device_is_mediated(idev))
		return 0;
	return iommufd_event_pasid_add(idev->parts, entry->ppasid,
				       &entry->event);
}

/* @ppasid is attached by another part of the device, or by a driver of the kernel. */
static int refuse_taken(struct iommufd_device *idev, ioasid_t pasid)
{
	return refuse(idev, pasid, "others have what it is on the wire",
		      -EBUSY);
}

static int attach_hardware(struct iommufd_device *idev, ioasid_t pasid,
			   struct iommufd_pasid *entry,
			   struct iommufd_hwpt *hwpt)
{
	int rc;

	rc = iommu_attach_device_pasid(hwpt->domain, idev->dev, entry->ppasid,
				       &entry->handle);
	if (rc != -EBUSY)
		return rc;
	/* The core's word, or the driver's? */
	if (!IS_ERR(iommu_attach_handle_get(idev->group->group, entry->ppasid,
					    0)))
		return refuse_taken(idev, pasid);
	return refuse(idev, pasid,
		      "not beside what the device itself is attached to, or not yet after what was",
		      rc);
}

static void unlisten(struct iommufd_pasid *entry, struct iommufd_device *idev)
{
	if (iommufd_device_is_mediated(idev))
		iommufd_event_pasid_del(idev->parts, entry->ppasid);
}

/**
 * iommufd_group_attach_pasid() - attach a PASID
 * @idev: its device
 * @pasid: as user space calls it
 * @ppasid: on the wire: from 1, below what the device and its IOMMU have
 * @hwpt: to this; the caller has a call reference or made it
 *
 * Takes the group's lock, and a hold on @hwpt.
 *
 * Return: 0; -EBUSY: the PASID is attached, or the table attached to the RID
 * decides for all PASIDs; -EINVAL: @hwpt does not suit the device, or its group
 * has other devices; -EADDRINUSE: the IOAS has a mapping where the device cannot
 * have any; -EOPNOTSUPP: no PASIDs with this kind of HWPT, no fault queue with
 * this device; -ENOMEM; what the IOMMU driver returns. Nothing has changed then.
 */
int iommufd_group_attach_pasid(struct iommufd_device *idev, ioasid_t pasid,
			       ioasid_t ppasid, struct iommufd_hwpt *hwpt)
{
	struct iommufd_ioas *ioas = iommufd_hwpt_ioas(hwpt);
	struct iommufd_group *group = idev->group;
	struct iommufd_pasid *entry;
	int rc;

	mutex_lock(&group->lock);
	rc = check_attach(idev, pasid, hwpt);
	if (rc)
		goto out_unlock;

	entry = entry_new(idev, pasid, ppasid);
	if (!entry) {
		rc = -ENOMEM;
		goto out_unlock;
	}
	rc = xa_reserve(&idev->pasids, pasid, GFP_KERNEL_ACCOUNT);
	if (rc)
		goto err_free;
	rc = reserve_space(idev, ioas);
	if (rc)
		goto err_release;
	rc = listen(entry, idev);
	if (rc == -EBUSY)
		refuse_taken(idev, pasid);
	if (rc)
		goto err_space;
	rc = iommufd_route_install(&entry->route, idev, ppasid, hwpt);
	if (rc)
		goto err_listen;
	rc = attach_hardware(idev, pasid, entry, hwpt);
	if (rc)
		goto err_route;

	iommufd_object_hold(&hwpt->obj);
	entry->hwpt = hwpt;
	/* Reserved: cannot fail */
	xa_store(&idev->pasids, pasid, entry, GFP_KERNEL_ACCOUNT);
	group->pasids++;
	WRITE_ONCE(idev->num_pasids, idev->num_pasids + 1);
	goto out_unlock;

err_route:
	iommufd_route_remove(&entry->route);
err_listen:
	unlisten(entry, idev);
err_space:
	release_space(idev, ioas);
err_release:
	xa_release(&idev->pasids, pasid);
err_free:
	kfree_rcu(entry, rcu);
out_unlock:
	trace_hwpt_attach(dev_name(idev->dev), idev->obj.id, pasid,
			  hwpt->obj.id, rc);
	mutex_unlock(&group->lock);
	return rc;
}

/**
 * iommufd_group_replace_pasid() - move a PASID to another HWPT
 * @idev: its device
 * @pasid: an attached PASID
 * @hwpt: to this; the caller has a call reference or made it
 * @old: set to the HWPT left, with a hold for the caller to drop when it has no
 *	lock; to NULL if @hwpt is where the PASID was
 *
 * Translation changes without a blocked moment in between if the IOMMU driver
 * can do that. Faults outstanding on the old HWPT are answered such that the
 * device asks again. Takes the group's lock.
 *
 * The iommu core attaches and detaches PASIDs, but cannot replace them: it keeps
 * our handle and nothing else, so the driver is asked to put one domain in the
 * place of another, and the handle told. Drivers that do not look at the old
 * domain would leave the device on its books: this is only for those that say
 * they do (IOMMUFD_CAP_PASID_REPLACE).
 *
 * Return: as iommufd_group_attach_pasid(), but -EBUSY only if page requests cannot be
 * turned on; -ENOENT: the PASID is not attached; -EOPNOTSUPP also if the driver cannot
 * replace. All is as it was then.
 */
int iommufd_group_replace_pasid(struct iommufd_device *idev, ioasid_t pasid,
				struct iommufd_hwpt *hwpt,
				struct iommufd_hwpt **old)
{
	struct iommufd_ioas *from, *to = iommufd_hwpt_ioas(hwpt);
	struct iommufd_group *group = idev->group;
	struct iommufd_pasid *entry;
	int rc;

	*old = NULL;

	mutex_lock(&group->lock);
	entry = xa_load(&idev->pasids, pasid);
	rc = entry ? check_hwpt(idev, hwpt) : -ENOENT;
	if (rc || hwpt == entry->hwpt)
		goto out_unlock;
	if (!device_iommu_capable(idev->dev, IOMMUFD_CAP_PASID_REPLACE)) {
		rc = -EOPNOTSUPP;
		goto out_unlock;
	}

	from = iommufd_hwpt_ioas(entry->hwpt);
	rc = reserve_space(idev, to);
	if (rc)
		goto out_unlock;
	rc = iommufd_route_prepare(&entry->route, idev, entry->ppasid, hwpt);
	if (rc)
		goto err_space;
	rc = hwpt->domain->ops->set_dev_pasid(hwpt->domain, idev->dev,
					      entry->ppasid,
					      entry->hwpt->domain);
	if (rc)
		goto err_cancel;

	WRITE_ONCE(entry->handle.domain, hwpt->domain);
	iommufd_route_switch(&entry->route);
	release_space(idev, from);
	iommufd_object_hold(&hwpt->obj);
	*old = entry->hwpt;
	xa_lock(&idev->pasids);
	entry->hwpt = hwpt;
	xa_unlock(&idev->pasids);
	goto out_unlock;

err_cancel:
	iommufd_route_cancel(&entry->route);
err_space:
	release_space(idev, to);
out_unlock:
	trace_hwpt_replace(dev_name(idev->dev), idev->obj.id, pasid,
			   hwpt->obj.id, rc);
	mutex_unlock(&group->lock);
	return rc;
}

/**
 * iommufd_group_detach_pasid() - detach a PASID
 * @idev: its device
 * @pasid: the PASID
 *
 * The device's accesses with it are blocked, and on return no page fault of it is
 * outstanding. Takes the group's lock.
 *
 * Return: the HWPT it was attached to, with its hold, for the caller to drop when
 * it has no lock; NULL if it was not attached.
 */
struct iommufd_hwpt *iommufd_group_detach_pasid(struct iommufd_device *idev,
						ioasid_t pasid)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_hwpt *hwpt = NULL;
	struct iommufd_pasid *entry;

	mutex_lock(&group->lock);
	entry = xa_load(&idev->pasids, pasid);
	if (!entry)
		goto out_unlock;

	hwpt = entry->hwpt;
	iommu_detach_device_pasid(hwpt->domain, idev->dev, entry->ppasid);
	/* What a route's end does: page requests may be on for other PASIDs */
	if (!entry->route.now)
		iommufd_fault_drain(idev->dev, entry->ppasid);
	iommufd_route_remove(&entry->route);
	unlisten(entry, idev);
	release_space(idev, iommufd_hwpt_ioas(hwpt));
	xa_erase(&idev->pasids, pasid);
	kfree_rcu(entry, rcu);
	group->pasids--;
	WRITE_ONCE(idev->num_pasids, idev->num_pasids - 1);
out_unlock:
	trace_hwpt_detach(dev_name(idev->dev), idev->obj.id, pasid,
			  hwpt ? hwpt->obj.id : 0, hwpt ? 0 : -ENOENT);
	mutex_unlock(&group->lock);
	return hwpt;
}
