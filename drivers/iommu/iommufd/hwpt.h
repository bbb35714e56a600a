/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware page tables (HWPTs): an iommu_domain with an id. A paging one is
 * filled by the kernel from an IOAS; a nested one is the guest's own table over
 * a paging parent.
 */
#ifndef __IOMMUFD_HWPT_H
#define __IOMMUFD_HWPT_H

#include <linux/iommu.h>

#include "fault/fault.h"
#include "ioas.h"
#include "object.h"

/**
 * struct iommufd_hwpt - what both kinds share
 * @obj: its id
 * @domain: owned; freed with the object
 * @fault: queue that takes the page faults of devices attached here, or NULL;
 *	holds a holder reference on it. Never changes.
 */
struct iommufd_hwpt {
	struct iommufd_object obj;
	struct iommu_domain *domain;
	struct iommufd_fault_queue *fault;
};

/**
 * struct iommufd_hwpt_paging - a table filled from an IOAS
 * @hwpt: common part
 * @ioas: the source of its mappings; holds a holder reference
 * @item: in iommufd_ioas::hwpts
 * @is_auto: made by attaching a device to an IOAS; goes with its last user
 * @nest_parent: may be the parent of nested HWPTs
 * @enforce_cache_coherency: no-snoop transactions are snooped
 * @msi_cookie: the software MSI window has been set up in @domain
 */
struct iommufd_hwpt_paging {
	struct iommufd_hwpt hwpt;
	struct iommufd_ioas *ioas;
	struct list_head item;
	bool is_auto : 1;
	bool nest_parent : 1;
	bool enforce_cache_coherency : 1;
	bool msi_cookie : 1;
};

/**
 * struct iommufd_hwpt_nested - a table in guest memory
 * @hwpt: common part
 * @parent: translates what the guest's table yields; holds a holder reference
 */
struct iommufd_hwpt_nested {
	struct iommufd_hwpt hwpt;
	struct iommufd_hwpt_paging *parent;
};

static inline bool iommufd_hwpt_is_paging(const struct iommufd_hwpt *hwpt)
{
	return hwpt->obj.ops->type == IOMMUFD_OBJ_HWPT_PAGING;
}

/* The table that translates to physical addresses: itself or its parent. */
static inline struct iommufd_hwpt_paging *
iommufd_hwpt_bottom(struct iommufd_hwpt *hwpt)
{
	if (iommufd_hwpt_is_paging(hwpt))
		return container_of(hwpt, struct iommufd_hwpt_paging, hwpt);
	return container_of(hwpt, struct iommufd_hwpt_nested, hwpt)->parent;
}

/*
 * Make a paging HWPT for @dev and fill it from @ioas; the caller finalizes or
 * destroys it. Holds: @ioas->hwpt_lock must be held.
 */
struct iommufd_hwpt_paging *
iommufd_hwpt_paging_new(struct iommufd_ioas *ioas, struct device *dev,
			u32 flags, struct iommufd_fault_queue *fault);

/* Returns with a call reference on hwpt->obj; any = paging or nested. */
struct iommufd_hwpt *iommufd_hwpt_get(struct iommufd_ctx *ictx, u32 id);
struct iommufd_hwpt_paging *iommufd_hwpt_paging_get(struct iommufd_ctx *ictx,
						    u32 id);
/* An attachment's holder reference goes; the last one frees an automatic HWPT. */
void iommufd_hwpt_drop(struct iommufd_hwpt *hwpt);

int iommufd_hwpt_invalidate_ioctl(struct iommufd_call *call);

/*
 * The work of HWPT_ALLOC below device.c: @dev is the bound device, @dev_serial
 * its object's serial.
 */
struct iommu_hwpt_alloc;
int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd,
		       struct device *dev, u64 dev_serial);

#endif
