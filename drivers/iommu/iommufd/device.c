// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices for VFIO and other drivers: bind, attach, replace, detach, unbind; and
 * the choice of a HWPT for a device, or a PASID, that is attached to an IOAS.
 *
 * The driver that bound a device calls these functions one at a time for it; its
 * PASIDs are user space's, one at a time by iommufd_device::pasid_lock. What
 * devices of one group share is group.c's.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <uapi/linux/iommufd.h>

#include "describe.h"
#include "device.h"

/* Here are the functions of these names; elsewhere there may be a PASID as well. */
#undef iommufd_device_attach
#undef iommufd_device_replace
#undef iommufd_device_detach

/* PASIDs that fdinfo shows one by one; beyond that it only counts them */
#define FDINFO_PASIDS_MAX	32

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Bind devices whose DMA can forge interrupts, where the platform cannot prevent it. Only for users trusted with the whole machine.");

static void device_destroy_object(struct iommufd_object *obj)
{
	struct iommufd_device *idev =
		container_of(obj, struct iommufd_device, obj);

	WARN_ON(!list_empty(&idev->group_item));
	WARN_ON(!xa_empty(&idev->pasids));
	iommufd_vdevice_evict(obj->ictx, &idev->vdev);
	WARN_ON(!xa_empty(&idev->pasid_spaces));
	iommufd_pasid_map_destroy(idev->map);
	iommufd_fault_hold_drop(idev->pri);
	mutex_destroy(&idev->pasid_lock);
	if (iommufd_device_is_mediated(idev)) {
		iommufd_event_parent_put(idev->parts);
		iommufd_pasid_account_put(idev->account);
	} else {
		iommufd_group_note_bound(idev->group, false);
		iommu_device_release_dma_owner(idev->dev);
	}
	iommufd_group_put(idev->group);
	/* The file's last reference is never put synchronously */
	if (idev->holds_ctx)
		iommufd_ctx_put(obj->ictx);
}

static void show_pasids(struct iommufd_device *idev, struct seq_file *m)
{
	unsigned int num = READ_ONCE(idev->num_pasids), shown = 0;
	struct iommufd_pasid *entry;
	unsigned long pasid;

	if (!num)
		return;
	seq_printf(m, " pasids=%u", num);
	/* An entry leaves the array before it and its HWPT go */
	xa_lock(&idev->pasids);
	xa_for_each(&idev->pasids, pasid, entry) {
		if (shown++ == FDINFO_PASIDS_MAX)
			break;
		seq_printf(m, " pasid=%lu", pasid);
		if (iommufd_device_is_mediated(idev))
			seq_printf(m, "/%u", entry->ppasid);
		seq_printf(m, ":hwpt=%u", entry->hwpt->obj.id);
	}
	xa_unlock(&idev->pasids);
}

static void show_part(struct iommufd_device *idev, struct seq_file *m)
{
	u32 outstanding = iommufd_fault_part_outstanding(&idev->part);

	seq_puts(m, " mediated");
	if (outstanding)
		seq_printf(m, " outstanding=%u", outstanding);
}

static void device_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_device *idev =
		container_of(obj, struct iommufd_device, obj);
	u32 hwpt_id = READ_ONCE(idev->hwpt_id);

	seq_printf(m, " name=%s group=%d", dev_name(idev->dev),
		   iommu_group_id(idev->group->group));
	if (iommufd_device_is_mediated(idev))
		show_part(idev, m);
	if (hwpt_id)
		seq_printf(m, " hwpt=%u", hwpt_id);
	if (READ_ONCE(idev->group->msi.last) &&
	    (hwpt_id || READ_ONCE(idev->group->msi.set)))
		seq_printf(m, " msi=%#llx-%#llx",
			   READ_ONCE(idev->group->msi.start),
			   READ_ONCE(idev->group->msi.last));
	show_pasids(idev, m);
}

static const struct iommufd_object_ops device_ops = {
	.type = IOMMUFD_OBJ_DEVICE,
	.name = "device",
	.destroy = device_destroy_object,
	.show = device_show,
};

/**
 * iommufd_device_get() - find a bound device
 * @ictx: where the id is valid
 * @id: from user space
 *
 * Return: the device, with a call reference on its object; ERR_PTR(-ENOENT).
 */
struct iommufd_device *iommufd_device_get(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_DEVICE);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	return container_of(obj, struct iommufd_device, obj);
}

/*
 * A DMA write to the right address is an interrupt. Where the platform does not
 * check which device may raise which, a device given to user space can raise any
 * interrupt of the host.
 */
static int check_interrupts(struct iommufd_group *group, struct device *dev)
{
	if (iommu_group_has_isolated_msi(group->group))
		return 0;
	if (!allow_unsafe_interrupts) {
		dev_warn_ratelimited(dev,
				     "not given to user space: its interrupts cannot be isolated. Turn interrupt remapping on in the firmware and the kernel, or accept the risk with iommufd.allow_unsafe_interrupts=1\n");
		return -EPERM;
	}
	dev_warn_ratelimited(dev,
			     "given to user space although it can forge any interrupt (allow_unsafe_interrupts)\n");
	return 0;
}

/**
 * iommufd_device_new() - the memory of a bound device
 * @ictx: the context
 * @dev: the device
 * @group: its group; the caller's use of it becomes the device's when it is published
 *
 * Return: the device, for iommufd_device_publish() or iommufd_device_abort();
 * ERR_PTR(-ENOMEM).
 */
struct iommufd_device *iommufd_device_new(struct iommufd_ctx *ictx,
					  struct device *dev,
					  struct iommufd_group *group)
{
	struct iommufd_device *idev;

	idev = iommufd_object_alloc(ictx, struct iommufd_device, obj,
				    &device_ops);
	if (IS_ERR(idev))
		return idev;
	idev->map = iommufd_pasid_map_create(ictx, idev->obj.id);
	if (IS_ERR(idev->map)) {
		iommufd_object_abort(&idev->obj);
		return ERR_PTR(-ENOMEM);
	}
	idev->dev = dev;
	idev->group = group;
	INIT_LIST_HEAD(&idev->group_item);
	mutex_init(&idev->pasid_lock);
	xa_init_flags(&idev->pasids, XA_FLAGS_ACCOUNT);
	xa_init_flags(&idev->pasid_spaces, XA_FLAGS_ACCOUNT);
	return idev;
}

/**
 * iommufd_device_publish() - user space may use a device
 * @idev: all of it set up. The caller is its holder until unbind
 * @id: set to its id
 */
void iommufd_device_publish(struct iommufd_device *idev, u32 *id)
{
	/* User space cannot destroy it */
	iommufd_object_hold(&idev->obj);
	*id = idev->obj.id;
	iommufd_object_finalize(&idev->obj);
}

/**
 * iommufd_device_abort() - instead of iommufd_device_publish()
 * @idev: freed
 */
void iommufd_device_abort(struct iommufd_device *idev)
{
	iommufd_pasid_map_destroy(idev->map);
	mutex_destroy(&idev->pasid_lock);
	iommufd_object_abort(&idev->obj);
}

static struct iommufd_device *device_bind(struct iommufd_ctx *ictx,
					  struct device *dev, u32 *id,
					  bool owned_by_ctx)
{
	struct iommufd_device *idev;
	struct iommufd_group *group;
	int rc;

	/* User space has no means to make memory and caches agree afterwards */
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		return ERR_PTR(-EINVAL);

	group = iommufd_group_get(ictx, dev);
	if (IS_ERR(group))
		return ERR_CAST(group);

	if (!owned_by_ctx) {
		rc = check_interrupts(group, dev);
		if (rc)
			goto err_put_group;
	}

	rc = iommu_device_claim_dma_owner(dev, ictx);
	if (rc) {
		/* The core's word for: the group has another owner */
		if (rc == -EPERM)
			rc = -EBUSY;
		goto err_put_group;
	}

	idev = iommufd_device_new(ictx, dev, group);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto err_release_owner;
	}
	if (!owned_by_ctx) {
		idev->holds_ctx = true;
		iommufd_ctx_get(ictx);
	}
	iommufd_group_note_bound(group, true);
	idev->events.dev = dev;
	idev->events.ictx = ictx;
	idev->events.dev_id = idev->obj.id;
	iommufd_event_device_add(&idev->events);
	iommufd_device_publish(idev, id);
	return idev;

err_release_owner:
	iommu_device_release_dma_owner(dev);
err_put_group:
	iommufd_group_put(group);
	return ERR_PTR(rc);
}

/**
 * iommufd_device_bind() - give a device into a context's hands
 * @ictx: the context; a reference is taken until unbind
 * @dev: a device that the caller is the driver of, and whose driver has
 *	driver_managed_dma set
 * @id: set to the device's id, by which user space names it
 *
 * From here on the device's DMA is blocked until it is attached. No other context
 * or user can have a device of the same iommu_group. The caller undoes this by
 * iommufd_device_unbind().
 *
 * Return: the device; ERR_PTR() of -EINVAL: no IOMMU translates its DMA, or that
 * is not coherent with the CPUs' caches; -ENODEV: it is leaving its iommu_group;
 * -EPERM: its interrupts cannot be isolated; -EBUSY: a device of the group belongs
 * to somebody else; -ENOMEM.
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id)
{
	return device_bind(ictx, dev, id, false);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind, IOMMUFD);

/**
 * iommufd_device_bind_owned() - bind a device owned by an object of the context
 * @ictx: the context; no reference is taken
 * @dev: the device; it has no interrupts
 * @id: set to the device's id
 *
 * Return: as iommufd_device_bind(), but never -EPERM.
 */
struct iommufd_device *iommufd_device_bind_owned(struct iommufd_ctx *ictx,
						 struct device *dev, u32 *id)
{
	return device_bind(ictx, dev, id, true);
}

/**
 * iommufd_device_unbind() - undo iommufd_device_bind()
 * @idev: a device that is not attached; gone when this returns
 *
 * Waits for ioctls that use the device. What user space attached to its PASIDs is
 * detached, its page faults answered; a guest that knows it knows it no more. Its
 * DMA goes back to the kernel.
 */
void iommufd_device_unbind(struct iommufd_device *idev)
{
	/* First all that says its id: from the last line on it may be another's */
	iommufd_device_pasid_detach_all(idev);
	if (iommufd_device_is_mediated(idev))
		iommufd_event_pasids_gone();
	else
		iommufd_event_device_del(&idev->events);
	iommufd_pasid_map_hide(idev->map);
	iommufd_object_destroy_owner(&idev->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_unbind, IOMMUFD);

/**
 * iommufd_device_to_ictx() - the context a device is bound to
 * @idev: a bound device
 *
 * Return: the context, valid until unbind.
 */
struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev)
{
	return idev->obj.ictx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_ictx, IOMMUFD);

/**
 * iommufd_device_to_id() - how user space names a device
 * @idev: a bound device
 *
 * Return: its id.
 */
u32 iommufd_device_to_id(struct iommufd_device *idev)
{
	return idev->obj.id;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_id, IOMMUFD);

/**
 * struct change - one attach or replace under way
 * @idev: the device
 * @pasid: of its PASIDs, or IOMMU_NO_PASID: of the device itself
 * @ppasid: on the wire, for an attach; IOMMU_NO_PASID: none
 * @replace: it is attached and moves; else it is attached
 * @left: replace: the HWPT it left, with a hold to drop; else NULL
 */
struct change {
	struct iommufd_device *idev;
	ioasid_t pasid;
	ioasid_t ppasid;
	bool replace;
	struct iommufd_hwpt *left;
};

/* By a PASID on the wire, as a mediated device itself is too. */
static bool by_pasid(const struct change *change)
{
	return change->pasid != IOMMU_NO_PASID ||
	       iommufd_device_is_mediated(change->idev);
}

static int change_to_hwpt(struct change *change, struct iommufd_hwpt *hwpt)
{
	struct iommufd_device *idev = change->idev;

	if (by_pasid(change)) {
		if (change->replace)
			return iommufd_group_replace_pasid(idev, change->pasid,
							   hwpt, &change->left);
		return iommufd_group_attach_pasid(idev, change->pasid,
						  change->ppasid, hwpt);
	}
	if (change->replace)
		return iommufd_group_replace(idev, hwpt, &change->left);
	return iommufd_group_attach(idev, hwpt);
}

/*
 * To an automatic HWPT that the IOAS has already: one that would be made like it. The
 * IOMMU driver may still say that it does not suit, by returning -EINVAL.
 *
 * Returns the HWPT's id; 0 if none is suitable; another error of the driver.
 */
static s64 change_to_old_auto(struct change *change, struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	list_for_each_entry(paging, &ioas->hwpts, item) {
		struct iommufd_object *obj = &paging->hwpt.obj;
		u32 id = obj->id;

		/* They come before all others */
		if (!paging->is_auto)
			break;
		/* It may be on its way out, waiting for the lock we hold */
		if (!iommufd_domain_alike(paging->hwpt.domain,
					  change->idev->dev) ||
		    !iommufd_object_tryget(obj))
			continue;
		rc = change_to_hwpt(change, &paging->hwpt);
		iommufd_object_put(obj);
		if (!rc)
			return id;
		if (rc != -EINVAL)
			return rc;
	}
	return 0;
}

/* Before a PASID comes to a table: where it reaches has been decided. */
static int fill_for_pasid(struct iommufd_hwpt_paging *paging)
{
	if (!paging->filled && iommufd_domain_undecided(paging->hwpt.domain))
		return -EINVAL;
	return iommufd_hwpt_paging_fill(paging);
}

/* To an automatic HWPT made for the purpose; returns its id or an error. */
static s64 change_to_new_auto(struct change *change, struct iommufd_ioas *ioas)
{
	struct iommufd_device *idev = change->idev;
	struct iommufd_hwpt_paging *paging;
	struct iommufd_object *obj;
	u32 id;
	int rc;

	paging = iommufd_hwpt_paging_new(ioas, idev->dev, 0, NULL);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	paging->is_auto = true;
	obj = &paging->hwpt.obj;
	id = obj->id;
	/*
	 * As soon as the group is here, another of its devices may take it elsewhere: who
	 * drops the last hold has to wait until there is an id to take back.
	 */
	WARN_ON(!iommufd_object_tryget(obj));

	/*
	 * Where translation goes on meanwhile the new table has to be complete, if the
	 * driver lets us; and drivers that have PASIDs know the table from the device.
	 * Else it is filled once it is attached.
	 */
	rc = 0;
	if (by_pasid(change))
		rc = fill_for_pasid(paging);
	else if (change->replace &&
		 !iommufd_domain_undecided(paging->hwpt.domain))
		rc = iommufd_hwpt_paging_fill(paging);
	if (!rc)
		rc = change_to_hwpt(change, &paging->hwpt);
	if (!rc) {
		iommufd_hwpt_paging_settle(paging);
		iommufd_object_finalize(obj);
	}
	iommufd_object_put(obj);
	if (!rc)
		return id;
	iommufd_hwpt_paging_abort(paging);
	return rc;
}

/* To a HWPT of the user's, which is filled now if it has had no device yet */
static int change_to_user_hwpt(struct change *change, struct iommufd_hwpt *hwpt)
{
	struct iommufd_hwpt_paging *bottom = iommufd_hwpt_bottom(hwpt);
	struct iommufd_ioas *ioas = bottom->ioas;
	int rc = 0;

	if (READ_ONCE(bottom->stays_filled))
		return change_to_hwpt(change, hwpt);
	mutex_lock(&ioas->hwpt_lock);
	if (by_pasid(change))
		rc = fill_for_pasid(bottom);
	if (!rc)
		rc = change_to_hwpt(change, hwpt);
	if (!rc)
		iommufd_hwpt_paging_settle(bottom);
	else
		iommufd_hwpt_paging_unfill(bottom);
	mutex_unlock(&ioas->hwpt_lock);
	return rc;
}

static s64 change_to_ioas(struct change *change, struct iommufd_ioas *ioas)
{
	s64 id;

	mutex_lock(&ioas->hwpt_lock);
	id = change_to_old_auto(change, ioas);
	if (!id)
		id = change_to_new_auto(change, ioas);
	mutex_unlock(&ioas->hwpt_lock);
	return id;
}

static int change_page_table(struct change *change, u32 *pt_id)
{
	struct iommufd_object *obj;
	s64 id;

	obj = iommufd_object_get(change->idev->obj.ictx, *pt_id,
				 IOMMUFD_OBJ_ANY);
	if (IS_ERR(obj))
		return PTR_ERR(obj);

	switch (obj->ops->type) {
	case IOMMUFD_OBJ_HWPT_PAGING:
	case IOMMUFD_OBJ_HWPT_NESTED:
		id = change_to_user_hwpt(change,
					 container_of(obj, struct iommufd_hwpt, obj));
		if (!id)
			id = obj->id;
		break;
	case IOMMUFD_OBJ_IOAS:
		id = change_to_ioas(change,
				    container_of(obj, struct iommufd_ioas, obj));
		break;
	default:
		id = -EINVAL;
	}
	iommufd_object_put(obj);

	if (id < 0)
		return id;
	if (change->left)
		iommufd_hwpt_drop(change->left);
	*pt_id = id;
	return 0;
}

/**
 * iommufd_device_attach() - let a bound device do DMA
 * @idev: a device that is not attached
 * @pt_id: in: an IOAS or a HWPT; out: the HWPT the device is attached to
 *
 * For an IOAS a HWPT is found among those made the same way, or made; it goes
 * with the last device that uses it. All devices of a group must be attached to
 * the same HWPT or not at all; the hardware follows the first.
 *
 * Return: 0; -ENOENT: no such @pt_id; -EINVAL: it is something else, or does not
 * suit the device, or the group is attached elsewhere; -EADDRINUSE: the IOAS has
 * a mapping, or a promise, where the device cannot have any, or the HWPT does not
 * reach its window for MSI doorbells; -EOPNOTSUPP: the device's faults cannot go to
 * the HWPT's fault queue; -EBUSY: the HWPT decides for all PASIDs, and some are
 * attached one by one; -ENOMEM; what the IOMMU driver returns. Nothing has changed
 * then, @pt_id neither.
 */
int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id)
{
	struct change change = { .idev = idev, .pasid = IOMMU_NO_PASID };
	int rc;

	if (iommufd_device_is_mediated(idev))
		return iommufd_device_attach_pasid(idev, IOMMU_NO_PASID, pt_id);

	rc = change_page_table(&change, pt_id);
	if (rc)
		return rc;
	/* Unbinding a device that is still attached is noticed by this */
	iommufd_object_hold(&idev->obj);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach, IOMMUFD);

/**
 * iommufd_device_replace() - move an attached device, and its group
 * @idev: an attached device
 * @pt_id: as iommufd_device_attach()
 *
 * As a detach and an attach, but all devices of the group move, DMA is never
 * blocked in between if the IOMMU driver can do that, and after a failure the
 * device is still attached where it was.
 *
 * Return: as iommufd_device_attach(); -EINVAL also if it is not attached.
 */
int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id)
{
	struct change change = {
		.idev = idev,
		.pasid = IOMMU_NO_PASID,
		.replace = true,
	};

	if (iommufd_device_is_mediated(idev))
		return iommufd_device_replace_pasid(idev, IOMMU_NO_PASID,
						    pt_id);

	return change_page_table(&change, pt_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace, IOMMUFD);

/**
 * iommufd_device_detach() - undo iommufd_device_attach()
 * @idev: an attached device
 *
 * On return the device's DMA is blocked, unless other devices of its group are
 * still attached, and every page fault of it is answered.
 */
void iommufd_device_detach(struct iommufd_device *idev)
{
	struct iommufd_hwpt *hwpt;

	if (iommufd_device_is_mediated(idev)) {
		iommufd_device_detach_pasid(idev, IOMMU_NO_PASID);
		return;
	}

	hwpt = iommufd_group_detach(idev);
	if (!hwpt)
		return;
	iommufd_hwpt_drop(hwpt);
	iommufd_object_drop(&idev->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach, IOMMUFD);

/**
 * iommufd_device_pasid_attach() - let a PASID of a bound device do DMA
 * @idev: the device; its pasid_lock is held
 * @pasid: as user space calls it; IOMMU_NO_PASID for a mediated device only
 * @ppasid: on the wire: one that the device and its IOMMU have, not IOMMU_NO_PASID
 * @pt_id: as iommufd_device_attach()
 *
 * Whether the device itself is attached makes no difference.
 *
 * Return: as iommufd_group_attach_pasid(); -ENOENT: no such @pt_id; -EINVAL also
 * if it is something else. Nothing has changed then, @pt_id neither.
 */
int iommufd_device_pasid_attach(struct iommufd_device *idev, ioasid_t pasid,
				ioasid_t ppasid, u32 *pt_id)
{
	struct change change = {
		.idev = idev,
		.pasid = pasid,
		.ppasid = ppasid,
	};

	lockdep_assert_held(&idev->pasid_lock);
	return change_page_table(&change, pt_id);
}

/**
 * iommufd_device_pasid_replace() - move an attached PASID
 * @idev: the device; its pasid_lock is held
 * @pasid: as iommufd_device_pasid_attach()
 * @pt_id: as iommufd_device_attach()
 *
 * Return: as iommufd_group_replace_pasid(); -ENOENT also: no such @pt_id; -EINVAL
 * also if it is something else. All is as it was then, @pt_id too.
 */
int iommufd_device_pasid_replace(struct iommufd_device *idev, ioasid_t pasid,
				 u32 *pt_id)
{
	struct change change = {
		.idev = idev,
		.pasid = pasid,
		.replace = true,
	};

	lockdep_assert_held(&idev->pasid_lock);
	return change_page_table(&change, pt_id);
}

/**
 * iommufd_hwpt_alloc_ioctl() - IOMMU_HWPT_ALLOC
 * @call: with struct iommu_hwpt_alloc
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_hwpt_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	bool typed = cmd->data_type != IOMMU_HWPT_DATA_NONE;
	struct iommufd_device *idev;
	int rc;

	if (cmd->__reserved || cmd->__reserved2 || cmd->__reserved3)
		return -EOPNOTSUPP;
	cmd->out_dev_id = 0;
	cmd->out_property = 0;
	if (cmd->num_devs)
		return iommufd_hwpt_alloc_list(call, cmd);
	if (typed != !!cmd->data_len)
		return -EINVAL;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = iommufd_hwpt_alloc(call, cmd, idev->dev, idev->obj.serial, NULL);
	iommufd_object_put(&idev->obj);
	return rc;
}
