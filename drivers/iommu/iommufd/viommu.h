/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual IOMMUs (vIOMMUs), as an IOMMU driver sees them: a guest's share of one
 * physical unit, over one nest parent. User space makes it, tells it which device
 * the guest knows by which id (vDEVICEs), sends the guest's invalidation commands
 * to it, and reads from its event queues (vEVENTQs) what the guest's own event
 * queue should show.
 *
 * A driver registers once what it offers and never takes it back, so it has to be
 * built in. The core makes, finds and frees the objects; the driver is called with
 * objects that stay for the call and need no reference of its own.
 *
 * Lock order: iommufd_ctx::vdev_lock -> iommufd_viommu::vdev_lock -> a driver's.
 */
#ifndef __IOMMUFD_VIOMMU_H
#define __IOMMUFD_VIOMMU_H

#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "object.h"

struct device;
struct iommufd_hwpt_paging;
struct iommufd_viommu;

/* Most bytes that an event of any driver has, the header not counted */
#define IOMMUFD_VEVENT_LEN_MAX	120

#define IOMMUFD_VIOMMU_DEV_BITS	5

/**
 * struct iommufd_viommu_ops - What a driver does for a vIOMMU
 * @destroy: Optional: undo &iommufd_viommu_driver.init. No vDEVICE, nested domain
 *	or queue of the vIOMMU is left. The core frees the memory
 * @alloc_domain_nested: Optional: a domain of type IOMMU_DOMAIN_NESTED from the
 *	user's @data, with its ops set, for any device behind the unit. @flags is 0
 *	for now. The domain is freed before the vIOMMU, so it may keep the pointer.
 *	ERR_PTR() of -EOPNOTSUPP: @data->type or @flags; -EINVAL or -EIO: values in
 *	the data; -EFAULT; -E2BIG; -ENOMEM
 * @cache_invalidate: Optional: carry out the guest's commands, in order; they are
 *	done with on return. Sets entry_num to how many were, on failure too: the
 *	first one not counted is the one at fault; in the end, since the kernel's
 *	helpers that copy an entry check against it. The core has seen to it that
 *	entry_num and entry_len are in bounds; entry_num 0 asks whether the type is
 *	known. Called by any number of threads at once, with no lock held. May sleep
 * @vdevice_init: Optional: the guest calls @dev by @virt_id from now on. The core
 *	has made sure that @dev is behind the vIOMMU's unit, and that neither has a
 *	partner yet in this vIOMMU. Called with iommufd_viommu::vdev_lock held for
 *	writing, before look-ups find the pair. -EINVAL: no such @virt_id can be;
 *	-ENOMEM
 * @vdevice_destroy: Optional: undo @vdevice_init. The device may still be attached
 *	to a nested domain of the vIOMMU if user space wants it so. Called with
 *	iommufd_viommu::vdev_lock held for writing, when look-ups no longer find the
 *	pair, and none that found it is still under way
 * @event_len: Optional: bytes of an event for queues of @type, a multiple of 4 up to
 *	IOMMUFD_VEVENT_LEN_MAX; 0: the driver reports no such events
 *
 * Constant.
 */
struct iommufd_viommu_ops {
	void (*destroy)(struct iommufd_viommu *viommu);
	struct iommu_domain *
	(*alloc_domain_nested)(struct iommufd_viommu *viommu, u32 flags,
			       const struct iommu_user_data *data);
	int (*cache_invalidate)(struct iommufd_viommu *viommu,
				struct iommu_user_data_array *array);
	int (*vdevice_init)(struct iommufd_viommu *viommu, struct device *dev,
			    u64 virt_id);
	void (*vdevice_destroy)(struct iommufd_viommu *viommu,
				struct device *dev, u64 virt_id);
	size_t (*event_len)(struct iommufd_viommu *viommu, u32 type);
};

/**
 * struct iommufd_viommu - A vIOMMU; a driver puts it first in its own structure
 * @obj: its id
 * @ops: set by &iommufd_viommu_driver.init, never changes
 * @parent: the nest parent's domain, made by the same driver; stays as long as the
 *	vIOMMU. Never changes
 * @iommu: the unit. Never changes
 * @type: one of enum iommu_viommu_type. Never changes
 * @hwpt: the nest parent; holds a holder reference. The core's alone
 * @vdev_lock: who holds it for reading keeps every vDEVICE and its device where
 *	they are; guards changes of @vdevs and @by_dev
 * @vdevs: virtual id to struct iommufd_vdevice. Read under RCU
 * @by_dev: struct iommufd_vdevice by the address of the device. Read under RCU
 * @veventq_lock: guards changes of @veventqs
 * @veventqs: struct iommufd_veventq, one of each type at most. Read under RCU
 */
struct iommufd_viommu {
	struct iommufd_object obj;
	const struct iommufd_viommu_ops *ops;
	struct iommu_domain *parent;
	struct iommu_device *iommu;
	u32 type;

	struct iommufd_hwpt_paging *hwpt;
	struct rw_semaphore vdev_lock;
	struct xarray vdevs;
	DECLARE_HASHTABLE(by_dev, IOMMUFD_VIOMMU_DEV_BITS);
	struct mutex veventq_lock;	/* changes of veventqs */
	struct list_head veventqs;
};

/**
 * struct iommufd_viommu_driver - What a driver registers
 * @node: the registry's
 * @iommu_ops: of the devices it makes vIOMMUs for
 * @size: bytes of the driver's structure for a vIOMMU of @type, which begins with
 *	struct iommufd_viommu; 0: the unit of @dev has no vIOMMUs of this type
 * @init: the rest of a new vIOMMU: sets its ops. All of struct iommufd_viommu but
 *	ops is filled in, the driver's part is zero. @dev is bound and stays for the
 *	call only. @data is the user's type-specific structure, or NULL if there is
 *	none; it may be written back. -EOPNOTSUPP: data where none is known, or what
 *	the unit cannot do; -EINVAL; -EFAULT; -E2BIG; -ENOMEM; then destroy is not
 *	called
 *
 * Constant once registered, but for @node.
 */
struct iommufd_viommu_driver {
	struct list_head node;
	const struct iommu_ops *iommu_ops;
	size_t (*size)(struct device *dev, u32 type);
	int (*init)(struct iommufd_viommu *viommu, struct device *dev,
		    const struct iommu_user_data *data);
};

/* Once for each iommu_ops, before or after its units; for ever. */
void iommufd_viommu_driver_register(struct iommufd_viommu_driver *driver);

/*
 * Between these two no vDEVICE of @viommu comes or goes, so that no device found
 * does: to be held from the look-up of a command's device until hardware has the
 * command. May sleep. Not to be taken in vdevice_init() and vdevice_destroy(),
 * which have it.
 */
void iommufd_viommu_lock_vdevs(struct iommufd_viommu *viommu);
void iommufd_viommu_unlock_vdevs(struct iommufd_viommu *viommu);

/*
 * Under iommufd_viommu_lock_vdevs() or rcu_read_lock(), for which the result
 * stays. The first: NULL if the guest knows no device by @virt_id. The second:
 * -ENOENT if it does not know @dev.
 */
struct device *iommufd_viommu_find_dev(struct iommufd_viommu *viommu,
				       u64 virt_id);
int iommufd_viommu_get_vdev_id(struct iommufd_viommu *viommu,
			       const struct device *dev, u64 *virt_id);

/* Any context, interrupts on or off. */
int iommufd_viommu_report_event(struct iommufd_viommu *viommu, u32 type,
				const void *data, size_t len);

#endif
