/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bound devices and their groups: bind, attach, replace, detach of a device and
 * of its PASIDs, reserved regions and MSI windows.
 *
 * Lock order: iommufd_device::pasid_lock -> iommufd_ioas::hwpt_lock ->
 * iommufd_group::lock -> the iommu core's and map/'s own.
 */
#ifndef __IOMMUFD_DEVICE_H
#define __IOMMUFD_DEVICE_H

#include "fault/event.h"
#include "hwpt.h"
#include "msi.h"
#include "pasid_map.h"
#include "pasid_pool.h"
#include "vdevice.h"
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
 * @pasids: attached PASIDs of the group's devices. Only a group of one device
 *	has any
 * @msi: where its MSI doorbells are mapped
 */
struct iommufd_group {
	struct iommufd_ctx *ictx;
	struct iommu_group *group;
	unsigned int users;
	unsigned int bound;

	struct mutex lock;	/* hwpt, attached, pasids, msi */
	struct iommufd_hwpt *hwpt;
	struct list_head attached;
	unsigned int pasids;
	struct iommufd_group_msi msi;
};

/**
 * struct iommufd_route - the routing of page faults of one attachment
 * @now: as it is, or NULL: attached to nothing, or to a HWPT without a fault
 *	queue
 * @next: what is going to be @now, while a replace is under way
 * @translated: user space calls the PASID @vpasid. Set before it is installed
 * @vpasid: see @translated; IOMMU_NO_PASID: it is a mediated device itself
 * @part: with @translated: counts the requests of the mediated device
 */
struct iommufd_route {
	struct iommufd_fault_attach *now;
	struct iommufd_fault_attach *next;
	bool translated;
	u32 vpasid;
	struct iommufd_fault_part *part;
};

/**
 * struct iommufd_pasid - an attached PASID of a device
 * @handle: what the iommu core keeps of the attachment
 * @hwpt: where it is attached; holds a holder reference
 * @route: its page faults
 * @ppasid: what is on the wire. Never changes
 * @grant: of a mediated device: @ppasid, from the pool; else NULL. Guarded by
 *	iommufd_device::pasid_lock
 * @event: of a mediated device: by which faults that cannot be answered find it and
 *	the vPASID
 * @rcu: who has found @event may still use it
 *
 * All guarded by iommufd_group::lock where nothing else is said; @hwpt changes with
 * the xa_lock of iommufd_device::pasids held as well.
 */
struct iommufd_pasid {
	struct iommu_attach_handle handle;
	struct iommufd_hwpt *hwpt;
	struct iommufd_route route;
	u32 ppasid;
	struct iommufd_pasid_grant *grant;
	struct iommufd_event_pasid event;
	struct rcu_head rcu;
};

/**
 * struct iommufd_device - a device bound to a context
 * @obj: its id; the driver that bound the device is the holder
 * @dev: the physical device
 * @group: the iommu_group it shares its address space with
 * @group_item: in iommufd_group::attached while attached, else empty; guarded by
 *	its lock
 * @route: its page faults, those with a PASID of their own excepted; guarded by
 *	the group's lock
 * @hwpt_id: id of the HWPT it is attached to, or 0. Written under the group's
 *	lock, for fdinfo to read without
 * @holds_ctx: binding took a reference on the context. Not so for a device
 *	that is itself owned by an object of the context.
 * @events: by which faults that cannot be answered find its id. Never changes
 * @account: of a mediated device: where its pPASIDs come from, with a use of it;
 *	else NULL. Never changes
 * @parts: of a mediated device: by which faults that cannot be answered find it and
 *	its siblings, with a use of it; else NULL. Never changes
 * @part: of a mediated device: its page requests
 * @map: its vPASIDs, for who looks them up. Never changes
 * @vdev: how a guest calls it, or NULL; guarded by iommufd_ctx::vdev_lock
 * @pri: user space's use of page requests (IOMMU_DEVICE_PRI), or NULL; guarded by
 *	@pasid_lock
 * @pasid_lock: one change of a PASID, or of @pri, at a time
 * @leaving: it is being unbound: no PASID is attached any more; guarded by
 *	@pasid_lock
 * @pasids: vPASID to struct iommufd_pasid; changed under the group's lock. At most
 *	as many as the device and its IOMMU have. IOMMU_NO_PASID is there for a
 *	mediated device only: the address space of the device itself
 * @num_pasids: how many; written under the group's lock, for fdinfo to read without
 * @pasid_spaces: id of an IOAS to how many of @pasids translate to it in the end:
 *	as long as there is one, the device's regions are reserved there with the
 *	address of @pasids as the owner. Guarded by the group's lock
 */
struct iommufd_device {
	struct iommufd_object obj;
	struct device *dev;
	struct iommufd_group *group;
	struct list_head group_item;
	struct iommufd_route route;
	u32 hwpt_id;
	bool holds_ctx;
	struct iommufd_event_device events;
	struct iommufd_pasid_account *account;
	struct iommufd_event_parent *parts;
	struct iommufd_fault_part part;
	struct iommufd_pasid_map *map;
	struct iommufd_vdevice *vdev;
	struct iommufd_fault_hold *pri;

	struct mutex pasid_lock;	/* held across a change of a PASID */
	bool leaving;
	struct xarray pasids;
	unsigned int num_pasids;
	struct xarray pasid_spaces;
};

/* A part of a device, whose PASIDs are translated. */
static inline bool iommufd_device_is_mediated(const struct iommufd_device *idev)
{
	return idev->account;
}

/* Returns with a call reference: iommufd_object_put(&idev->obj). */
struct iommufd_device *iommufd_device_get(struct iommufd_ctx *ictx, u32 id);

/*
 * iommufd_device_bind() for a device whose owner is an object of @ictx itself:
 * no reference on the context is taken, since closing it must be able to end
 * the binding. The owner answers for the device having no interrupts.
 */
struct iommufd_device *iommufd_device_bind_owned(struct iommufd_ctx *ictx,
						 struct device *dev, u32 *id);

/* mediated.c */
struct iommufd_device *
iommufd_device_bind_mediated_owned(struct iommufd_ctx *ictx,
				   struct device *parent,
				   struct iommufd_pasid_pool *pool, u32 *id);

int iommufd_hwpt_alloc_ioctl(struct iommufd_call *call);	/* device.c */
/* hwpt_list.c: the same for several devices */
int iommufd_hwpt_alloc_list(struct iommufd_call *call,
			    struct iommu_hwpt_alloc *cmd);

/**
 * struct iommufd_hw_info - what an IOMMU driver says of itself
 * @data: its structure; owned, may be NULL
 * @len: bytes in @data
 * @type: enum iommu_hw_info_type
 */
struct iommufd_hw_info {
	void *data;
	u32 len;
	u32 type;
};

/* probe.c */
int iommufd_get_hw_info_ioctl(struct iommufd_call *call);
int iommufd_hw_info_get(struct device *dev, struct iommufd_hw_info *out);
u64 iommufd_pasid_capabilities(struct device *dev, u8 *max_pasid_log2);

int iommufd_device_probe_ioctl(struct iommufd_call *call);	/* props.c */

int iommufd_device_pri_ioctl(struct iommufd_call *call);	/* pri.c */

/* pasid.c */
int iommufd_pasid_attach_ioctl(struct iommufd_call *call);
int iommufd_pasid_replace_ioctl(struct iommufd_call *call);
int iommufd_pasid_detach_ioctl(struct iommufd_call *call);

/*
 * device.c, for pasid.c: with iommufd_device::pasid_lock held. In the place of
 * vPASIDs that are not translated @ppasid is @pasid.
 */
int iommufd_device_pasid_attach(struct iommufd_device *idev, ioasid_t pasid,
				ioasid_t ppasid, u32 *pt_id);
int iommufd_device_pasid_replace(struct iommufd_device *idev, ioasid_t pasid,
				 u32 *pt_id);

/* device.c, for mediated.c */
struct iommufd_device *iommufd_device_new(struct iommufd_ctx *ictx,
					  struct device *dev,
					  struct iommufd_group *group);
void iommufd_device_publish(struct iommufd_device *idev, u32 *id);
void iommufd_device_abort(struct iommufd_device *idev);

/* pasid.c, for device.c */
void iommufd_device_pasid_detach_all(struct iommufd_device *idev);

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
int iommufd_group_reserve(struct iommufd_device *idev,
			  struct iommufd_ioas *ioas,
			  const struct iommu_domain *table, const void *owner);

/* group_pasid.c: the same for one PASID */
bool iommufd_group_is_alone(struct iommufd_group *group);
int iommufd_group_attach_pasid(struct iommufd_device *idev, ioasid_t pasid,
			       ioasid_t ppasid, struct iommufd_hwpt *hwpt);
int iommufd_group_replace_pasid(struct iommufd_device *idev, ioasid_t pasid,
				struct iommufd_hwpt *hwpt,
				struct iommufd_hwpt **old);
struct iommufd_hwpt *iommufd_group_detach_pasid(struct iommufd_device *idev,
						ioasid_t pasid);

/* route.c */
bool iommufd_hwpt_owns_pasids(struct iommufd_device *idev,
			      struct iommufd_hwpt *hwpt);
int iommufd_route_install(struct iommufd_route *route,
			  struct iommufd_device *idev, ioasid_t pasid,
			  struct iommufd_hwpt *hwpt);
int iommufd_route_prepare(struct iommufd_route *route,
			  struct iommufd_device *idev, ioasid_t pasid,
			  struct iommufd_hwpt *hwpt);
void iommufd_route_cancel(struct iommufd_route *route);
void iommufd_route_switch(struct iommufd_route *route);
void iommufd_route_remove(struct iommufd_route *route);

#endif
