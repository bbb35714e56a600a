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

/* Guards iommufd_hwpt_paging::msi_cookie, which several groups may come to set */
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
			new->sw_msi_start = PHYS_ADDR_MAX;
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
 * @owner: for iova_space_unreserve()
 *
 * That is: windows its bus takes for itself, regions its firmware uses. Regions
 * that are only needed until a driver takes over (direct relaxable) are free.
 *
 * Return: 0, or with nothing reserved: -EADDRINUSE: something is mapped there;
 * -EINVAL: the IOMMU driver contradicts itself; -ENOMEM.
 */
int iommufd_group_reserve(struct iommufd_device *idev,
			  struct iommufd_ioas *ioas, const void *owner)
{
	phys_addr_t sw_msi_start = PHYS_ADDR_MAX;
	unsigned int hw_msi = 0, sw_msi = 0;
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int rc = 0;

	if (iommufd_should_fail())
		return -EINVAL;

	iommu_get_resv_regions(idev->dev, &regions);
	list_for_each_entry(region, &regions, list) {
		switch (region->type) {
		case IOMMU_RESV_DIRECT_RELAXABLE:
			continue;
		case IOMMU_RESV_MSI:
			hw_msi++;
			break;
		case IOMMU_RESV_SW_MSI:
			sw_msi++;
			sw_msi_start = region->start;
			break;
		default:
			break;
		}
		rc = iova_space_reserve(&ioas->space, region->start,
					region->start + region->length - 1,
					owner);
		if (rc)
			break;
	}
	iommu_put_resv_regions(idev->dev, &regions);

	/* MSI writes are either caught by hardware or mapped, in one place */
	if (!rc && WARN_ON(sw_msi > 1 || (sw_msi && hw_msi)))
		rc = -EINVAL;
	if (rc) {
		iova_space_unreserve(&ioas->space, owner);
		return rc;
	}
	if (sw_msi)
		idev->group->sw_msi_start = sw_msi_start;
	return 0;
}

/*
 * Where the IOMMU driver asks for a software MSI window, the interrupt code maps
 * doorbells into the domain as interrupts are requested; it has to be told the
 * place first, once per domain. A nested table's doorbells go through its parent.
 */
static int set_up_msi_window(struct iommufd_group *group,
			     struct iommufd_hwpt_paging *bottom)
{
	int rc = 0;

	if (group->sw_msi_start == PHYS_ADDR_MAX)
		return 0;

	mutex_lock(&msi_cookie_lock);
	if (!bottom->msi_cookie) {
		rc = iommu_get_msi_cookie(bottom->hwpt.domain,
					  group->sw_msi_start);
		bottom->msi_cookie = !rc;
	}
	mutex_unlock(&msi_cookie_lock);
	return rc;
}

/*
 * A table that its driver has only decided on now, with the first device attached. The
 * device meets an empty one until this is done, in a replace too.
 */
static int fill_late(struct iommufd_hwpt *hwpt)
{
	struct iommufd_hwpt_paging *bottom = iommufd_hwpt_bottom(hwpt);

	return READ_ONCE(bottom->filled) ? 0 : iommufd_hwpt_paging_fill(bottom);
}

static int attach_first(struct iommufd_group *group, struct iommufd_hwpt *hwpt)
{
	int rc;

	rc = set_up_msi_window(group, iommufd_hwpt_bottom(hwpt));
	if (rc)
		return rc;
	rc = iommu_attach_group(hwpt->domain, group->group);
	if (rc)
		return rc;
	group->hwpt = hwpt;
	rc = fill_late(hwpt);
	if (rc) {
		iommu_detach_group(hwpt->domain, group->group);
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
	    hwpt->domain->owner != dev_iommu_ops(idev->dev))
		goto out_unlock;
	if (group->pasids && iommufd_hwpt_owns_pasids(idev, hwpt)) {
		rc = -EBUSY;
		goto out_unlock;
	}

	rc = iommufd_group_reserve(idev, ioas, idev->dev);
	if (rc)
		goto out_unlock;

	rc = iommufd_route_install(&idev->route, idev, IOMMU_NO_PASID, hwpt);
	if (rc)
		goto err_unreserve;

	if (!group->hwpt) {
		rc = attach_first(group, hwpt);
		if (rc)
			goto err_route;
	}

	iommufd_object_hold(&hwpt->obj);
	list_add_tail(&idev->group_item, &group->attached);
	WRITE_ONCE(idev->hwpt_id, hwpt->obj.id);
	goto out_unlock;

err_route:
	iommufd_route_remove(&idev->route);
err_unreserve:
	iova_space_unreserve(&ioas->space, idev->dev);
out_unlock:
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
		iommu_detach_group(hwpt->domain, group->group);
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

static int reserve_all(struct iommufd_group *group, struct iommufd_ioas *ioas)
{
	struct iommufd_device *cur;
	int rc;

	list_for_each_entry(cur, &group->attached, group_item) {
		rc = iommufd_group_reserve(cur, ioas, cur->dev);
		if (rc) {
			unreserve_all(group, ioas);
			return rc;
		}
	}
	return 0;
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
	struct iommu_domain *old = group->hwpt->domain;
	int rc;

	rc = iommu_group_replace_domain(group->group, hwpt->domain);
	if (rc)
		return rc;
	rc = fill_late(hwpt);
	if (rc && iommu_group_replace_domain(group->group, old)) {
		/* It must not stay where it is either */
		iommu_detach_group(hwpt->domain, group->group);
		dev_err(dev, "blocked: its IOMMU does not take it back to where it was\n");
	}
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
	struct iommufd_ioas *from, *to = iommufd_hwpt_ioas(hwpt);
	struct iommufd_group *group = idev->group;
	int rc = -EINVAL;

	*old = NULL;

	mutex_lock(&group->lock);
	if (list_empty(&idev->group_item) ||
	    hwpt->domain->owner != dev_iommu_ops(idev->dev))
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
	if (to != from) {
		rc = reserve_all(group, to);
		if (rc)
			goto out_unlock;
	}
	rc = set_up_msi_window(group, iommufd_hwpt_bottom(hwpt));
	if (rc)
		goto err_unreserve;
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
