// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault routing of one attachment, of a device's RID or of one of its PASIDs,
 * as it is made, moved and ended together with the hardware's. All under
 * iommufd_group::lock.
 */
#include <linux/iommu.h>

#include "../iommu-priv.h"
#include "device.h"

/**
 * iommufd_hwpt_owns_pasids() - does a table decide for all PASIDs of a device?
 * @idev: the device
 * @hwpt: the table, to be attached to its RID
 *
 * Return: true for a guest's table of a driver where that is the table of PASIDs
 * (SMMUv3: IHI 0070, 5.2, STE.S1ContextPtr).
 */
bool iommufd_hwpt_owns_pasids(struct iommufd_device *idev,
			      struct iommufd_hwpt *hwpt)
{
	return !iommufd_hwpt_is_paging(hwpt) &&
	       dev_iommu_ops(idev->dev)->user_pasid_table;
}

/* NULL if @hwpt has no fault queue. */
static struct iommufd_fault_attach *
new_fault_attach(const struct iommufd_route *route, struct iommufd_device *idev,
		 ioasid_t pasid, struct iommufd_hwpt *hwpt)
{
	struct iommufd_fault_identity who = {
		.dev_id = idev->obj.id,
		.dev_serial = idev->obj.serial,
		.owns_pasid_table = pasid == IOMMU_NO_PASID &&
				    iommufd_hwpt_owns_pasids(idev, hwpt),
		.translated = route->translated,
		.vpasid = route->vpasid,
		.part = route->part,
	};

	if (!hwpt->fault)
		return NULL;
	return iommufd_fault_attach_alloc(idev->dev, pasid, hwpt->fault, &who);
}

/**
 * iommufd_route_install() - route the faults of a new attachment
 * @route: empty
 * @idev: the device
 * @pasid: the PASID on the wire, or IOMMU_NO_PASID for its RID
 * @hwpt: what is going to be attached. Without a fault queue nothing happens
 *
 * Called before the hardware is told: its first fault must find somebody
 * listening.
 *
 * Return: 0; -EOPNOTSUPP: no fault queue with this device; -EINVAL: not this
 * one; -ENOMEM; what the IOMMU driver returns. Nothing has changed then.
 */
int iommufd_route_install(struct iommufd_route *route,
			  struct iommufd_device *idev, ioasid_t pasid,
			  struct iommufd_hwpt *hwpt)
{
	struct iommufd_fault_attach *fault;
	int rc;

	fault = new_fault_attach(route, idev, pasid, hwpt);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	if (fault) {
		rc = iommufd_fault_attach_install(fault);
		if (rc) {
			iommufd_fault_attach_free(fault);
			return rc;
		}
	}
	route->now = fault;
	return 0;
}

/**
 * iommufd_route_remove() - end the routing, answer all that is outstanding
 * @route: installed or empty; empty afterwards
 *
 * Called after the hardware has dropped the table.
 */
void iommufd_route_remove(struct iommufd_route *route)
{
	iommufd_fault_attach_remove(route->now);
	route->now = NULL;
}

/**
 * iommufd_route_prepare() - all that may fail of moving to another HWPT
 * @route: as it is for the HWPT of now
 * @idev: the device
 * @pasid: as installed
 * @hwpt: where the attachment is going to be
 *
 * A device that had no fault queue gets its route now, as with an attach: once
 * the hardware has switched, the first fault must find somebody listening.
 *
 * Return: as iommufd_route_install().
 */
int iommufd_route_prepare(struct iommufd_route *route,
			  struct iommufd_device *idev, ioasid_t pasid,
			  struct iommufd_hwpt *hwpt)
{
	struct iommufd_fault_attach *next;
	int rc;

	next = new_fault_attach(route, idev, pasid, hwpt);
	if (IS_ERR(next))
		return PTR_ERR(next);
	if (route->now)
		rc = iommufd_fault_attach_prepare_replace(route->now, next);
	else
		rc = next ? iommufd_fault_attach_install(next) : 0;
	if (rc) {
		iommufd_fault_attach_free(next);
		return rc;
	}
	route->next = next;
	return 0;
}

/**
 * iommufd_route_cancel() - undo iommufd_route_prepare()
 * @route: prepared
 */
void iommufd_route_cancel(struct iommufd_route *route)
{
	struct iommufd_fault_attach *next = route->next;

	route->next = NULL;
	if (route->now) {
		iommufd_fault_attach_cancel_replace(route->now, next);
		iommufd_fault_attach_free(next);
	} else {
		iommufd_fault_attach_remove(next);
	}
}

/**
 * iommufd_route_switch() - the hardware has moved, the routing follows
 * @route: prepared
 *
 * What is outstanding on the old HWPT is answered such that the device asks
 * again.
 */
void iommufd_route_switch(struct iommufd_route *route)
{
	if (route->now)
		iommufd_fault_attach_replace(route->now, route->next);
	route->now = route->next;
	route->next = NULL;
}
