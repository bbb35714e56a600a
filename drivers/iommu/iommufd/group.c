// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu_groups: the devices that can only be switched from one address space to
 * another together, and what has to be right in an IOAS, in the fault routing
 * and in the MSI set-up when they are.
 *
 * The first device of a group that is attached takes the group's hardware along;
 * the others follow by being attached to the same HWPT. Each brings its reserved
 * regions and its share of the fault routing. All of it happens under
 * iommufd_group::lock.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "device.h"
#include "failpoint.h"
#include "trace.h"

/* Guards iommufd_hwpt_paging::msi_start, which several groups may come to set */
static DEFINE_MUTEX(msi_cookie_lock);

/**
 * iommufd_group_get() - find or make what a context keeps of a device's group
 * @ictx: the context
 * @dev: a device in the group
 *
 * Return: the group, for iommufd_group_put(); ERR_PTR(-ENODEV): @dev is in none;
 * ERR_PTR(-ENOMEM).
 */
struct iommufd_group *iommufd_group_get(struct iommufd_ctx *ictx,
					struct device *dev)
{
	struct iommufd_group *group, *new = NULL;
	struct iommu_group *core_group;
	int id, rc;

	core_group = iommu_group_get(dev);
	if (!core_group)
		return ERR_PTR(-ENODEV);
	id = iommu_group_id(core_group);

	do {
		xa_lock(&ictx->groups);
		group = xa_load(&ictx->groups, id);
		if (group)
			group->users++;
		xa_unlock(&ictx->groups);
		if (group) {
			/* Its reference keeps the id from being used again */
			WARN_ON(group->group != core_group);
			rc = 0;
			break;
		}

		if (!new) {
			new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
			if (!new) {
				rc = -ENOMEM;
				break;
			}
			new->ictx = ictx;
			new->group = core_group;
			new->users = 1;
			mutex_init(&new->lock);
			INIT_LIST_HEAD(&new->attached);
		}
		rc = xa_insert(&ictx->groups, id, new, GFP_KERNEL_ACCOUNT);
		if (!rc)
			return new;
	} while (rc == -EBUSY);

	if (new) {
		mutex_destroy(&new->lock);
		kfree(new);
	}
	iommu_group_put(core_group);
	return rc ? ERR_PTR(rc) : group;
}

/**
 * iommufd_group_put() - undo iommufd_group_get()
 * @group: may be gone when this returns
 */
void iommufd_group_put(struct iommufd_group *group)
{
	struct xarray *groups = &group->ictx->groups;
	bool last;

	xa_lock(groups);
	last = !--group->users;
	if (last)
		WARN_ON(__xa_erase(groups, iommu_group_id(group->group)) !=
			group);
	xa_unlock(groups);
	if (!last)
		return;

	WARN_ON(group->hwpt || group->bound || group->pasids);
	iommufd_msi_release(group);
	iommu_group_put(group->group);
	mutex_destroy(&group->lock);
	kfree(group);
}

/**
 * iommufd_group_note_bound() - count the devices whose DMA the context owns
 * @group: their group
 * @bound: one more or one less
 */
void iommufd_group_note_bound(struct iommufd_group *group, bool bound)
{
	xa_lock(&group->ictx->groups);
	if (bound)
		group->bound++;
	else
		group->bound--;
	xa_unlock(&group->ictx->groups);
}

/**
 * iommufd_ctx_has_group() - does a context own the DMA of a group?
 * @ictx: the context, may be NULL
 * @group: the group, may be NULL
 *
 * VFIO asks before it resets a slot or bus on behalf of somebody who holds the
 * context. A bind that is going to fail does not count.
 *
 * Return: true if a device of @group is bound to @ictx.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group)
{
	struct iommufd_group *found;
	bool has;

	if (!ictx || !group)
		return false;

	xa_lock(&ictx->groups);
	found = xa_load(&ictx->groups, iommu_group_id(group));
	has = found && found->group == group && found->bound;
	xa_unlock(&ictx->groups);
	return has;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_has_group, IOMMUFD);

/**
 * iommufd_group_reserve() - keep mappings out of what a device cannot be given
 * @idev: the device; its group's lock is held
 * @ioas: where
 * @table: that the device is going to be attached to; NULL: only PASIDs of it, which
 *	do not interrupt
 * @owner: for iova_space_unreserve()
 *
 * That is: windows its bus takes for itself, regions its firmware uses, and the window
 * for MSI doorbells, whose place is chosen now if it has none. Regions that are only
 * needed until a driver takes over (direct relaxable) are free.
 *
 * Return: 0, or with nothing reserved: -EADDRINUSE: something is mapped there;
 * -EINVAL: the IOMMU driver contradicts itself; -ENOMEM.
 */
int iommufd_group_reserve(struct iommufd_device *idev,
			  struct iommufd_ioas *ioas,
			  const struct iommu_domain *table, const void *owner)
{
	unsigned int hw_msi = 0, sw_msi = 0;
	struct iommu_resv_region *region;
	u64 sw_start = 0, sw_last = 0;
	LIST_HEAD(regions);
	int rc = 0;

	if (iommufd_should_fail())
		return -EINVAL;

	iommu_get_resv_regions(idev->dev, &regions);
	list_for_each_entry(region, &regions, list) {
		u64 last = region->start + region->length - 1;

		switch (region->type) {
		case IOMMU_RESV_DIRECT_RELAXABLE:
			continue;
		case IOMMU_RESV_MSI:
			hw_msi++;
			break;
		case IOMMU_RESV_SW_MSI:
			sw_msi++;
			sw_start = region->start;
			sw_last = last;
			continue;
		default:
			break;
		}
		rc = iova_space_reserve(&ioas->space, region->start, last,
					owner);
		if (rc)
			break;
	}
	iommu_put_resv_regions(idev->dev, &regions);

	/* MSI writes are either caught by hardware or mapped, in one place */
	if (!rc && WARN_ON(sw_msi > 1 || (sw_msi && hw_msi)))
		rc = -EINVAL;
	/*
	 * A part of a device has no interrupts of its own. The doorbells of a group's
	 * window are in whatever table it has, for whichever of its devices that is.
	 */
	if (!rc && (sw_msi || iommufd_msi_is_fixed(idev->group)) &&
	    !iommufd_device_is_mediated(idev))
		rc = iommufd_msi_reserve(idev->group, &ioas->space, table,
					 sw_start, sw_last, owner);
	if (rc)
		iova_space_unreserve(&ioas->space, owner);
	return rc;
}

/*
 * As other IOMMU drivers have it: the interrupt code maps doorbells into the domain as
 * interrupts are requested; it has to be told the place, once per domain and for good. A
 * nested table's doorbells go through its parent.
 */
static int check_msi_place(const struct iommufd_group *group,
			   const struct iommufd_hwpt_paging *bottom)
{
	const struct iommufd_msi_window *window = group->msi.window;
	u64 place = READ_ONCE(bottom->msi_start);

	return window && place && place != window->start ? -EADDRINUSE : 0;
}

/* The last step of an attach: one that fails ties @bottom to nothing. */
static int note_msi_place(struct iommufd_group *group, struct device *dev,
			  struct iommufd_hwpt_paging *bottom)
{
	const struct iommufd_msi_window *window = group->msi.window;
	struct iova_space *space = &bottom->ioas->space;
	int rc;

	if (!window || iommufd_msi_can_proxy(dev))
		return 0;

	guard(mutex)(&msi_cookie_lock);
	if (bottom->msi_start)
		return check_msi_place(group, bottom);
	if (iommufd_should_fail())
		return -ENOMEM;
	/* A doorbell once mapped is there until the domain is freed, without a device too */
	rc = iova_space_reserve(space, window->start, window->last,
				&bottom->msi_start);
	if (rc)
		return rc;
	rc = iommu_get_msi_cookie(bottom->hwpt.domain, window->start);
	if (rc)
		iova_space_unreserve(space, &bottom->msi_start);
	else
		WRITE_ONCE(bottom->msi_start, window->start);
	return rc;
}

/* What the iommu core has for the group is @hwpt's from here on, or nothing. */
static int attach_hardware(struct iommufd_group *group, struct device *dev,
			   struct iommufd_hwpt *hwpt)
{
	int rc;

	if (iommufd_msi_has_proxy(group, dev))
		return iommufd_msi_attach(group, dev, hwpt);
	rc = check_msi_place(group, iommufd_hwpt_bottom(hwpt));
	return rc ?: iommu_attach_group(hwpt->domain, group->group);
}

static int replace_hardware(struct iommufd_group *group, struct device *dev,
			    struct iommufd_hwpt *hwpt)
{
	int rc;

	if (iommufd_msi_has_proxy(group, dev))
		return iommufd_msi_attach(group, dev, hwpt);
	rc = check_msi_place(group, iommufd_hwpt_bottom(hwpt));
	return rc ?: iommu_group_replace_domain(group->group, hwpt->domain);
}

static void detach_hardware(struct iommufd_group *group, struct device *dev)
{
	if (iommufd_msi_has_proxy(group, dev))
		iommufd_msi_detach(group, dev);
	else
		iommu_detach_group(group->hwpt->domain, group->group);
}

/*
 * A table that its driver has only decided on now, with the first device attached. The
 * device meets an empty one until this is done, in a replace too. If the attach fails
 * after all, who holds the lock empties it again.
 */
static int fill_late(struct iommufd_hwpt *hwpt)
{
	struct iommufd_hwpt_paging *bottom = iommufd_hwpt_bottom(hwpt);

	return READ_ONCE(bottom->stays_filled) ? 0 :
						 iommufd_hwpt_paging_fill(bottom);
}

/* @dev: any of the group */
static int attach_first(struct iommufd_group *group, struct device *dev,
			struct iommufd_hwpt *hwpt)
{
	int rc;

	rc = attach_hardware(group, dev, hwpt);
	if (rc)
		return rc;
	group->hwpt = hwpt;
	rc = fill_late(hwpt) ?:
	     note_msi_place(group, dev, iommufd_hwpt_bottom(hwpt));
	if (rc) {
		detach_hardware(group, dev);
		group->hwpt = NULL;
	}
	return rc;
}

/**
 * iommufd_group_attach() - attach a device
 * @idev: a device that is not attached
 * @hwpt: to this; the caller has a call reference or made it. If it has not been filled
 *	yet it is now; iommufd_ioas::hwpt_lock is held then
 *
 * Takes the group's lock, and a hold on @hwpt.
 *
 * Return: 0; -EINVAL: @hwpt does not suit the device, or its group is attached
 * elsewhere, or it is attached already; -EADDRINUSE: the IOAS has a mapping where
 * the device cannot have any; -EOPNOTSUPP: no fault queue with this device;
 * -EBUSY: @hwpt decides for all PASIDs, and some are attached one by one;
 * -ENOMEM; what the IOMMU driver returns. Nothing has changed then.
 */
int iommufd_group_attach(struct iommufd_device *idev, struct iommufd_hwpt *hwpt)
{
	struct iommufd_ioas *ioas = iommufd_hwpt_ioas(hwpt);
	struct iommufd_group *group = idev->group;
	int rc = -EINVAL;

	mutex_lock(&group->lock);
	if (!list_empty(&idev->group_item) ||
	    (group->hwpt && group->hwpt != hwpt) ||
	    !iommufd_hwpt_suits(hwpt, idev->dev))
		goto out_unlock;
	if (group->pasids && iommufd_hwpt_owns_pasids(idev, hwpt)) {
		rc = -EBUSY;
		goto out_unlock;
	}

	rc = iommufd_group_reserve(idev, ioas,
				   iommufd_hwpt_bottom(hwpt)->hwpt.domain,
				   idev->dev);
	if (rc)
		goto out_unlock;

	rc = iommufd_route_install(&idev->route, idev, IOMMU_NO_PASID, hwpt);
	if (rc)
		goto err_unreserve;

	if (!group->hwpt) {
		rc = attach_first(group, idev->dev, hwpt);
		if (rc)
			goto err_route;
	}

	iommufd_msi_note_used(group);
	iommufd_object_hold(&hwpt->obj);
	list_add_tail(&idev->group_item, &group->attached);
	WRITE_ONCE(idev->hwpt_id, hwpt->obj.id);
	goto out_unlock;

err_route:
	iommufd_route_remove(&idev->route);
err_unreserve:
	iova_space_unreserve(&ioas->space, idev->dev);
out_unlock:
	if (rc)
		iommufd_msi_forget(group);
	trace_hwpt_attach(dev_name(idev->dev), idev->obj.id, IOMMU_NO_PASID,
			  hwpt->obj.id, rc);
	mutex_unlock(&group->lock);
	return rc;
}

/**
 * iommufd_group_detach() - detach a device
 * @idev: an attached device
 *
 * With the last device the group goes back to the blocked state that binding
 * left it in. On return no page fault of the device is outstanding. Takes the
 * group's lock.
 *
 * Return: the HWPT it was attached to, with the device's hold, for the caller to
 * drop when it has no lock; NULL if it was not attached.
 */
struct iommufd_hwpt *iommufd_group_detach(struct iommufd_device *idev)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_hwpt *hwpt;

	mutex_lock(&group->lock);
	if (WARN_ON(list_empty(&idev->group_item))) {
		mutex_unlock(&group->lock);
		return NULL;
	}

	hwpt = group->hwpt;
	list_del_init(&idev->group_item);
	if (list_empty(&group->attached)) {
		detach_hardware(group, idev->dev);
		group->hwpt = NULL;
	}
	iommufd_route_remove(&idev->route);
	WRITE_ONCE(idev->hwpt_id, 0);
	iova_space_unreserve(&iommufd_hwpt_ioas(hwpt)->space, idev->dev);
	trace_hwpt_detach(dev_name(idev->dev), idev->obj.id, IOMMU_NO_PASID,
			  hwpt->obj.id, 0);
	mutex_unlock(&group->lock);
	return hwpt;
}

static void unreserve_all(struct iommufd_group *group,
			  struct iommufd_ioas *ioas)
{
	struct iommufd_device *cur;

	list_for_each_entry(cur, &group->attached, group_item)
		iova_space_unreserve(&ioas->space, cur->dev);
}

static int reserve_all(struct iommufd_group *group, struct iommufd_ioas *ioas,
		       const struct iommu_domain *table)
{
	struct iommufd_device *cur;
	int rc;

	list_for_each_entry(cur, &group->attached, group_item) {
		rc = iommufd_group_reserve(cur, ioas, table, cur->dev);
		if (rc) {
			unreserve_all(group, ioas);
			return rc;
		}
	}
	return 0;
}

/* They move together, whichever of them is asked for. */
static bool suits_all(struct iommufd_group *group, struct iommufd_hwpt *hwpt)
{
	struct iommufd_device *cur;

	list_for_each_entry(cur, &group->attached, group_item)
		if (!iommufd_hwpt_suits(hwpt, cur->dev))
			return false;
	return true;
}

/* For the devices before @end, or all if it is NULL. */
static void cancel_faults(struct iommufd_group *group,
			  struct iommufd_device *end)
{
	struct iommufd_device *cur;

	list_for_each_entry(cur, &group->attached, group_item) {
		if (cur == end)
			break;
		iommufd_route_cancel(&cur->route);
	}
}

static int prepare_faults(struct iommufd_group *group,
			  struct iommufd_hwpt *hwpt)
{
	struct iommufd_device *cur;
	int rc;

	list_for_each_entry(cur, &group->attached, group_item) {
		rc = iommufd_route_prepare(&cur->route, cur, IOMMU_NO_PASID,
					   hwpt);
		if (rc) {
			cancel_faults(group, cur);
			return rc;
		}
	}
	return 0;
}

static void switch_faults(struct iommufd_group *group)
{
	struct iommufd_device *cur;

	list_for_each_entry(cur, &group->attached, group_item)
		iommufd_route_switch(&cur->route);
}

/* Each attached device's hold moves, but for one on @old, left to the caller. */
static void move_holds(struct iommufd_group *group, struct iommufd_hwpt *old,
		       struct iommufd_hwpt *new)
{
	struct iommufd_device *cur;
	bool first = true;

	list_for_each_entry(cur, &group->attached, group_item) {
		iommufd_object_hold(&new->obj);
		if (!first)
			iommufd_object_drop(&old->obj);
		first = false;
		WRITE_ONCE(cur->hwpt_id, new->obj.id);
	}
}

/* @dev: any of the group */
static int replace_domain(struct iommufd_group *group, struct device *dev,
			  struct iommufd_hwpt *hwpt)
{
	struct iommufd_hwpt *old = group->hwpt;
	int rc;

	/* No driver has both, and the way back would lose the doorbells. */
	if (iommufd_msi_has_proxy(group, dev) &&
	    !READ_ONCE(iommufd_hwpt_bottom(hwpt)->filled))
		return -EOPNOTSUPP;
	rc = replace_hardware(group, dev, hwpt);
	if (rc)
		return rc;
	rc = fill_late(hwpt) ?:
	     note_msi_place(group, dev, iommufd_hwpt_bottom(hwpt));
	if (!rc)
		return 0;
	group->hwpt = hwpt;
	if (replace_hardware(group, dev, old)) {
		/* It must not stay where it is either */
		detach_hardware(group, dev);
		dev_err(dev, "blocked: its IOMMU does not take it back to where it was\n");
	}
	group->hwpt = old;
	return rc;
}

/**
 * iommufd_group_replace() - move a device, and its whole group, to another HWPT
 * @idev: an attached device
 * @hwpt: to this; as iommufd_group_attach()
 * @old: set to the HWPT left, with a hold for the caller to drop when it has no
 *	lock; to NULL if @hwpt is where the group was
 *
 * Translation changes without a blocked moment in between if the IOMMU driver
 * can do that. Faults outstanding on the old HWPT are answered such that the
 * device asks again. Takes the group's lock.
 *
 * Return: as iommufd_group_attach(); -EINVAL also if @idev is not attached. All
 * is as it was then.
 */
int iommufd_group_replace(struct iommufd_device *idev,
			  struct iommufd_hwpt *hwpt, struct iommufd_hwpt **old)
{
	const struct iommu_domain *table =
		iommufd_hwpt_bottom(hwpt)->hwpt.domain;
	struct iommufd_ioas *from, *to = iommufd_hwpt_ioas(hwpt);
	struct iommufd_group *group = idev->group;
	int rc = -EINVAL;

	*old = NULL;

	mutex_lock(&group->lock);
	if (list_empty(&idev->group_item) || !suits_all(group, hwpt))
		goto out_unlock;
	if (hwpt == group->hwpt) {
		rc = 0;
		goto out_unlock;
	}
	if (group->pasids && iommufd_hwpt_owns_pasids(idev, hwpt)) {
		rc = -EBUSY;
		goto out_unlock;
	}

	from = iommufd_hwpt_ioas(group->hwpt);
	/* In the same IOAS the regions are kept free already, whatever the table */
	rc = to != from ? reserve_all(group, to, table) :
			  iommufd_msi_check_table(group, table);
	if (rc)
		goto out_unlock;
	rc = prepare_faults(group, hwpt);
	if (rc)
		goto err_unreserve;
	rc = replace_domain(group, idev->dev, hwpt);
	if (rc)
		goto err_cancel;

	switch_faults(group);
	if (to != from)
		unreserve_all(group, from);
	*old = group->hwpt;
	group->hwpt = hwpt;
	move_holds(group, *old, hwpt);
	goto out_unlock;

err_cancel:
	cancel_faults(group, NULL);
err_unreserve:
	if (to != from)
		unreserve_all(group, to);
out_unlock:
	trace_hwpt_replace(dev_name(idev->dev), idev->obj.id, IOMMU_NO_PASID,
			   hwpt->obj.id, rc);
	mutex_unlock(&group->lock);
	return rc;
}
