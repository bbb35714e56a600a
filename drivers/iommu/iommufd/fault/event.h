/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: faults that cannot be answered, told to who owns the table they hit.
 *
 * A backend says which domain and device; whoever listens to the domain gets a
 * record. Nobody waits: what finds no room is lost, counted, and told.
 */
#ifndef __IOMMUFD_EVENT_H
#define __IOMMUFD_EVENT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "event_ring.h"

struct device;
struct iommu_domain;
struct iommufd_ctx;

/**
 * struct iommufd_event - a fault as the backend decoded it
 * @addr: address the device used; low 12 bits may be 0
 * @pasid: valid if @flags has IOMMU_HWPT_EVENT_PASID_VALID
 * @perm: IOMMU_PGFAULT_PERM_*
 * @reason: the hardware's own code
 * @flags: IOMMU_HWPT_EVENT_PASID_VALID or 0
 */
struct iommufd_event {
	u64 addr;
	u32 pasid;
	u32 perm;
	u32 reason;
	u32 flags;
};

/**
 * struct iommufd_event_device - how user space knows a device
 * @node: among all devices
 * @dev: the device; not referenced, it is there as long as this is listed
 * @ictx: context it is bound to
 * @dev_id: its id there
 */
struct iommufd_event_device {
	struct hlist_node node;
	struct device *dev;
	struct iommufd_ctx *ictx;
	u32 dev_id;
};

/**
 * struct iommufd_event_pasid - how user space knows a PASID of a mediated device
 * @ictx: context it is bound to
 * @dev_id: its id there
 * @vpasid: as user space calls the PASID; IOMMU_NO_PASID: it is the device itself
 *
 * Memory of the caller's, freed an RCU grace period after it was taken out.
 */
struct iommufd_event_pasid {
	struct iommufd_ctx *ictx;
	u32 dev_id;
	u32 vpasid;
};

struct iommufd_event_parent;

/**
 * struct iommufd_event_listener - who listens to a domain
 * @node: among all listeners
 * @domain: whose faults these are. Never changes
 * @ictx: context that owns @domain; faults of devices elsewhere are not told
 * @ring: gets a struct iommu_hwpt_event for each
 */
struct iommufd_event_listener {
	struct hlist_node node;
	const struct iommu_domain *domain;
	struct iommufd_ctx *ictx;
	struct iommufd_event_ring ring;
};

/* Any context, interrupts on or off. */
void iommufd_event_report(const struct iommu_domain *domain,
			  const struct device *dev,
			  const struct iommufd_event *event);

/* del: nobody uses it when it returns. May sleep. */
void iommufd_event_device_add(struct iommufd_event_device *edev);
void iommufd_event_device_del(struct iommufd_event_device *edev);

/* A device of which there are mediated ones, found by PASID. May sleep. */
struct iommufd_event_parent *iommufd_event_parent_get(struct device *dev);
void iommufd_event_parent_put(struct iommufd_event_parent *parent);
int iommufd_event_pasid_add(struct iommufd_event_parent *parent, u32 ppasid,
			    struct iommufd_event_pasid *epasid);
void iommufd_event_pasid_del(struct iommufd_event_parent *parent, u32 ppasid);
void iommufd_event_pasids_gone(void);

int iommufd_event_listen(struct iommufd_event_listener *listener,
			 const struct iommu_domain *domain,
			 struct iommufd_ctx *ictx, u32 depth);
void iommufd_event_unlisten(struct iommufd_event_listener *listener);

#endif
