/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bound devices and their groups: bind, attach, replace, detach, reserved
 * regions and MSI windows.
 *
 * Lock order: iommufd_ioas::hwpt_lock -> iommufd_group::lock -> the iommu core's
 * and map/'s own.
 */
#ifndef __IOMMUFD_DEVICE_H
#define __IOMMUFD_DEVICE_H

#include "hwpt.h"
#include "object.h"

/**
 * struct iommufd_group - what a context keeps of an iommu_group
 * @ictx: the context; the devices bound keep it
 * @group: holds a reference on it, so its id stays taken
 * @users: bound devices and those being bound; guarded by the xa_lock of
 *	iommufd_ctx::groups
 * @bound: devices whose DMA the context owns; guarded likewise
 * @lock: guards all that follows, and what struct iommufd_device says of it
 * @hwpt: what the group's hardware is attached to, or NULL. The whole group has
 *	one address space
 * @attached: struct iommufd_device, those that user space attached to @hwpt;
 *	each has a hold on it
 * @sw_msi_start: where the IOMMU driver wants MSI doorbells mapped, or
 *	PHYS_ADDR_MAX if it needs no such window
 */
struct iommufd_group {
	struct iommufd_ctx *ictx;
	struct iommu_group *group;
	unsigned int users;
	unsigned int bound;

	struct mutex lock;	/* hwpt, attached, sw_msi_start */
	struct iommufd_hwpt *hwpt;
	struct list_head attached;
	phys_addr_t sw_msi_start;
};

/**
 * struct iommufd_device - a device bound to a context
 * @obj: its id; the driver that bound the device is the holder
 * @dev: the physical device
 * @group: the iommu_group it shares its address space with
 * @group_item: in iommufd_group::attached while attached, else empty; guarded by
 *	its lock
 * @fault: its share in the routing of page faults while it is attached to a
 *	HWPT with a fault queue, else NULL; guarded by the group's lock
 * @next_fault: what is going to be @fault, while a replace is under way; guarded
 *	by the group's lock
 * @hwpt_id: id of the HWPT it is attached to, or 0. Written under the group's
 *	lock, for fdinfo to read without
 * @holds_ctx: binding took a reference on the context. Not so for a device
 *	that is itself owned by an object of the context.
 */
struct iommufd_device {
	struct iommufd_object obj;
	struct device *dev;
	struct iommufd_group *group;
	struct list_head group_item;
	struct iommufd_fault_attach *fault;
	struct iommufd_fault_attach *next_fault;
	u32 hwpt_id;
	bool holds_ctx;
};

/* Returns with a call reference: iommufd_object_put(&idev->obj). */
struct iommufd_device *iommufd_device_get(struct iommufd_ctx *ictx, u32 id);

/*
 * iommufd_device_bind() for a device whose owner is an object of @ictx itself:
 * no reference on the context is taken, since closing it must be able to end
 * the binding. The owner answers for the device having no interrupts.
 */
struct iommufd_device *iommufd_device_bind_owned(struct iommufd_ctx *ictx,
						 struct device *dev, u32 *id);

int iommufd_hwpt_alloc_ioctl(struct iommufd_call *call);	/* device.c */
int iommufd_get_hw_info_ioctl(struct iommufd_call *call);	/* probe.c */

/* group.c: the hardware's side of it, for device.c */
struct iommufd_group *iommufd_group_get(struct iommufd_ctx *ictx,
					struct device *dev);
void iommufd_group_put(struct iommufd_group *group);
void iommufd_group_note_bound(struct iommufd_group *group, bool bound);
int iommufd_group_attach(struct iommufd_device *idev,
			 struct iommufd_hwpt *hwpt);
int iommufd_group_replace(struct iommufd_device *idev,
			  struct iommufd_hwpt *hwpt,
			  struct iommufd_hwpt **old);
struct iommufd_hwpt *iommufd_group_detach(struct iommufd_device *idev);

#endif
