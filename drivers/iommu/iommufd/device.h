/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bound devices and their groups: bind, attach, replace, detach, reserved
 * regions and MSI windows.
 */
#ifndef __IOMMUFD_DEVICE_H
#define __IOMMUFD_DEVICE_H

#include "hwpt.h"
#include "object.h"

struct iommufd_group;

/**
 * struct iommufd_device - a device bound to a context
 * @obj: its id; the driver that bound the device is the holder
 * @dev: the physical device
 * @group: the iommu_group it shares its address space with
 * @group_item: in iommufd_group::attached while attached; guarded by its lock
 * @fault: its share in the routing of page faults while it is attached to a
 *	HWPT with a fault queue, else NULL; guarded by the group's lock
 * @holds_ctx: binding took a reference on the context. Not so for a device
 *	that is itself owned by an object of the context.
 */
struct iommufd_device {
	struct iommufd_object obj;
	struct device *dev;
	struct iommufd_group *group;
	struct list_head group_item;
	struct iommufd_fault_attach *fault;
	bool holds_ctx;
};

/* Returns with a call reference: iommufd_object_put(&idev->obj). */
struct iommufd_device *iommufd_device_get(struct iommufd_ctx *ictx, u32 id);

/*
 * iommufd_device_bind() for a device whose owner is an object of @ictx itself:
 * no reference on the context is taken, since closing it must be able to end
 * the binding.
 */
struct iommufd_device *iommufd_device_bind_owned(struct iommufd_ctx *ictx,
						 struct device *dev, u32 *id);

int iommufd_hwpt_alloc_ioctl(struct iommufd_call *call);	/* device.c */
int iommufd_get_hw_info_ioctl(struct iommufd_call *call);	/* probe.c */

#endif
