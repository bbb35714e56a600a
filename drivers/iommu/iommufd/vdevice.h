/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vDEVICEs, and the queues that a vIOMMU's events go to: what the core does of
 * viommu.h. Below devices and HWPTs, which use this.
 */
#ifndef __IOMMUFD_VDEVICE_H
#define __IOMMUFD_VDEVICE_H

#include "fault/event_ring.h"
#include "viommu.h"

/**
 * struct iommufd_vdevice - how the guest of a vIOMMU calls a device
 * @obj: its id
 * @viommu: whose guest; holds a holder reference. Never changes
 * @virt_id: what the guest calls it. Never changes
 * @dev_id: id of the device. Never changes
 * @dev: the device
 * @slot: where the bound device keeps its vDEVICE; NULL once it is no longer bound,
 *	or the vDEVICE is on its way out. Guarded by iommufd_ctx::vdev_lock
 * @node: in iommufd_viommu::by_dev, as long as @slot is set
 */
struct iommufd_vdevice {
	struct iommufd_object obj;
	struct iommufd_viommu *viommu;
	u64 virt_id;
	u32 dev_id;
	struct device *dev;
	struct iommufd_vdevice **slot;
	struct hlist_node node;
};

/**
 * struct iommufd_viommu_queue - where a vIOMMU's events of one type go
 * @item: in iommufd_viommu::veventqs
 * @type: one of enum iommu_veventq_type. Never changes
 * @id: of the queue, for the trace. Never changes
 * @len: bytes of an event. Never changes
 * @ring: takes them
 */
struct iommufd_viommu_queue {
	struct list_head item;
	u32 type;
	u32 id;
	u32 len;
	struct iommufd_event_ring ring;
};

/* viommu.c */
const struct iommufd_viommu_driver *
iommufd_viommu_find_driver(const struct iommu_ops *iommu_ops);
void iommufd_viommu_setup(struct iommufd_viommu *viommu);
int iommufd_viommu_add_queue(struct iommufd_viommu *viommu,
			     struct iommufd_viommu_queue *queue);
void iommufd_viommu_del_queue(struct iommufd_viommu *viommu,
			      struct iommufd_viommu_queue *queue);

/*
 * vdevice.c. The first two with iommufd_ctx::vdev_lock held. evict: the device
 * that keeps its vDEVICE in @slot is no longer bound; without that lock, and no
 * call on the device is under way. May sleep, all of them.
 */
int iommufd_vdevice_link(struct iommufd_vdevice *vdev,
			 struct iommufd_vdevice **slot);
void iommufd_vdevice_unlink(struct iommufd_vdevice *vdev);
void iommufd_vdevice_evict(struct iommufd_ctx *ictx,
			   struct iommufd_vdevice **slot);

#endif
