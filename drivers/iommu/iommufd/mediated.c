// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: parts of a device that the device's own driver hands to
 * different users. They all use the requester id of the device, their parent. What
 * keeps them apart is that each request has a PASID, which the parent's driver sets
 * and this user's kernel chose: see pasid_pool.c.
 *
 * The address space of the parent itself stays its driver's. So has a mediated
 * device a PASID also for what a device of its own would do without one.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>

#include "../iommu-priv.h"
#include "device.h"
#include "trace.h"

static int refuse(struct device *parent, const char *reason, int rc)
{
	trace_pasid_refused(dev_name(parent), 0, IOMMU_NO_PASID, reason, rc);
	return rc;
}

static int check_parent(struct iommufd_group *group, struct device *parent,
			struct iommufd_pasid_pool *pool)
{
	if (pool->parent && pool->parent != parent)
		return -EINVAL;
	if (!device_iommu_capable(parent, IOMMU_CAP_CACHE_COHERENCY))
		return -EINVAL;
	if (!parent->iommu->max_pasids ||
	    !dev_iommu_ops(parent)->remove_dev_pasid)
		return refuse(parent, "the device or its IOMMU has none",
			      -EOPNOTSUPP);
	if (!iommufd_group_is_alone(group))
		return refuse(parent, "its group has other devices", -EINVAL);
	return 0;
}

static struct iommufd_device *bind_part(struct iommufd_ctx *ictx,
					struct device *parent,
					struct iommufd_pasid_pool *pool,
					u32 *id, bool owned_by_ctx)
{
	struct iommufd_device *idev;
	struct iommufd_group *group;
	int rc;

	group = iommufd_group_get(ictx, parent);
	if (IS_ERR(group))
		return ERR_CAST(group);
	rc = check_parent(group, parent, pool);
	if (rc)
		goto err_group;

	idev = iommufd_device_new(ictx, parent, group);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto err_group;
	}
	idev->parts = iommufd_event_parent_get(parent);
	if (IS_ERR(idev->parts)) {
		rc = PTR_ERR(idev->parts);
		goto err_abort;
	}
	idev->account = iommufd_pasid_account_get(ictx, pool);
	if (IS_ERR(idev->account)) {
		rc = PTR_ERR(idev->account);
		goto err_parts;
	}
	if (!owned_by_ctx) {
		idev->holds_ctx = true;
		iommufd_ctx_get(ictx);
	}
	iommufd_device_publish(idev, id);
	return idev;

err_parts:
	iommufd_event_parent_put(idev->parts);
err_abort:
	iommufd_device_abort(idev);
err_group:
	iommufd_group_put(group);
	return ERR_PTR(rc);
}

/**
 * iommufd_device_bind_mediated() - give a part of a device into a context's hands
 * @ictx: the context; a reference is taken until unbind
 * @parent: the device. The caller is its driver, or that driver's, and stays bound to
 *	it as long as there are parts: nobody can have it as a whole meanwhile
 * @pool: where PASIDs for the wire come from: @parent's own, or the global one
 * @id: set to the device's id, by which user space names it
 *
 * The caller makes sure that each request of the part has the PASID that
 * iommufd_pasid_translate() gives for the vPASID that its user has set, or, where the
 * user means no PASID, for IOMMU_NO_PASID; and none where there is no answer.
 *
 * iommufd_device_attach() and its like work on the address space of the part itself.
 * What has to do with the requester id as a whole (vDEVICEs, IOMMU_DEVICE_PRI) does
 * not work. Undone by iommufd_device_unbind().
 *
 * Return: the device; ERR_PTR() of -EINVAL: @pool is another device's, the parent's
 * DMA is not coherent with the CPUs' caches, or its group has other devices;
 * -ENODEV: it has no iommu_group; -EOPNOTSUPP: no PASIDs; -ENOMEM.
 */
struct iommufd_device *
iommufd_device_bind_mediated(struct iommufd_ctx *ictx, struct device *parent,
			     struct iommufd_pasid_pool *pool, u32 *id)
{
	return bind_part(ictx, parent, pool, id, false);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind_mediated, IOMMUFD);

/**
 * iommufd_device_bind_mediated_owned() - one that an object of the context owns
 * @ictx: the context; no reference is taken
 * @parent: as iommufd_device_bind_mediated()
 * @pool: likewise
 * @id: likewise
 *
 * Return: as iommufd_device_bind_mediated().
 */
struct iommufd_device *
iommufd_device_bind_mediated_owned(struct iommufd_ctx *ictx,
				   struct device *parent,
				   struct iommufd_pasid_pool *pool, u32 *id)
{
	return bind_part(ictx, parent, pool, id, true);
}
