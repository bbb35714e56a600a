/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware page tables (HWPTs): an iommu_domain with an id. A paging one is
 * filled by the kernel from an IOAS; a nested one is the guest's own table over
 * a paging parent.
 */
#ifndef __IOMMUFD_HWPT_H
#define __IOMMUFD_HWPT_H

#include <linux/iommu.h>

#include "failpoint.h"
#include "fault/fault.h"
#include "ioas.h"
#include "object.h"
#include "viommu.h"

/**
 * struct iommufd_hwpt - what both kinds share
 * @obj: its id
 * @domain: owned; freed with the object
 * @fault: queue that takes the page faults of devices attached here, or NULL;
 *	holds a holder reference on it. Never changes.
 * @events: the IOMMU driver tells of accesses that fail for good. Never changes
 */
struct iommufd_hwpt {
	struct iommufd_object obj;
	struct iommu_domain *domain;
	struct iommufd_fault_queue *fault;
	bool events;
};

/**
 * struct iommufd_hwpt_paging - a table filled from an IOAS
 * @hwpt: common part
 * @ioas: the source of its mappings; holds a holder reference. Never changes
 * @item: in iommufd_ioas::hwpts, guarded by its hwpt_lock; empty unless @filled
 * @filled: @item is there. Changes under that lock
 * @stays_filled: and remains there, for those without the lock. Never becomes false
 * @is_auto: made by attaching a device to an IOAS; goes with its last user. Set
 *	before the id is published
 * @nest_parent: may be the parent of nested HWPTs. Never changes
 * @enforce_cache_coherency: no-snoop transactions are snooped. Never changes
 * @msi_start: where the domain has a software MSI window of its own, or 0. Guarded
 *	by a lock of group.c. The window is kept free in @ioas, by the address of this
 *	member or the domain's
 */
struct iommufd_hwpt_paging {
	struct iommufd_hwpt hwpt;
	struct iommufd_ioas *ioas;
	struct list_head item;
	bool filled;
	bool stays_filled;
	bool is_auto;
	bool nest_parent;
	bool enforce_cache_coherency;
	u64 msi_start;
};

/**
 * struct iommufd_hwpt_nested - a table in guest memory
 * @hwpt: common part
 * @parent: translates what the guest's table yields; holds a holder reference
 * @viommu: what it was made through, with a holder reference, or NULL. Never changes
 */
struct iommufd_hwpt_nested {
	struct iommufd_hwpt hwpt;
	struct iommufd_hwpt_paging *parent;
	struct iommufd_viommu *viommu;
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

/* Whose mappings a HWPT translates to in the end. */
static inline struct iommufd_ioas *iommufd_hwpt_ioas(struct iommufd_hwpt *hwpt)
{
	return iommufd_hwpt_bottom(hwpt)->ioas;
}

/*
 * Some drivers decide on a table when a device is attached first. Nothing can be mapped
 * before, and how far it reaches is not known.
 */
static inline bool iommufd_domain_undecided(const struct iommu_domain *domain)
{
	return !domain->geometry.aperture_end || !domain->pgsize_bitmap;
}

/*
 * new      a paging HWPT for @dev, empty
 * fill     give it the mappings of its IOAS, now and from now on, if it has them not yet
 * settle   it has had a device, or never needed one: it stays filled
 * unfill   undo fill, unless it is settled
 * abort    instead of iommufd_object_finalize(): undo both; nothing attached
 * Each with iommufd_ioas::hwpt_lock held. For an automatic HWPT it stays held
 * from new until finalize or abort, so that no other device takes it half done.
 */
struct iommufd_hwpt_paging *
iommufd_hwpt_paging_new(struct iommufd_ioas *ioas, struct device *dev,
			u32 flags, struct iommufd_fault_queue *fault);
int iommufd_hwpt_paging_fill(struct iommufd_hwpt_paging *paging);
void iommufd_hwpt_paging_settle(struct iommufd_hwpt_paging *paging);
void iommufd_hwpt_paging_unfill(struct iommufd_hwpt_paging *paging);
void iommufd_hwpt_paging_abort(struct iommufd_hwpt_paging *paging);

/* What a paging HWPT would be made of, to look at and free. */
struct iommu_domain *iommufd_hwpt_trial_domain(struct device *dev, u32 flags);

/* Does what drivers read of dirty pages come here? See iommufd_dirty_capable(). */
static inline bool iommufd_dirty_reported(void)
{
	return IS_ENABLED(CONFIG_IOMMUFD_DRIVER) &&
	       !iommufd_mutant(IOMMUFD_MUTANT_NO_DRIVER);
}

bool iommufd_dirty_capable(struct device *dev);

/* Return with a call reference on hwpt->obj; the first: paging or nested. */
struct iommufd_hwpt *iommufd_hwpt_get(struct iommufd_ctx *ictx, u32 id);
struct iommufd_hwpt_paging *iommufd_hwpt_paging_get(struct iommufd_ctx *ictx,
						    u32 id);
/* May @dev be attached there, as far as the IOMMU driver does not have to say? */
bool iommufd_hwpt_suits(struct iommufd_hwpt *hwpt, struct device *dev);
/* An attachment's holder reference goes; the last one frees an automatic HWPT. */
void iommufd_hwpt_drop(struct iommufd_hwpt *hwpt);

int iommufd_hwpt_invalidate_ioctl(struct iommufd_call *call);

/**
 * struct iommufd_domain_made - what a paging HWPT is to be made of
 * @domain: the HWPT's on success
 * @msi_start: as in struct iommufd_hwpt_paging; the window is kept free by the domain's
 *	address
 */
struct iommufd_domain_made {
	struct iommu_domain *domain;
	u64 msi_start;
};

/*
 * The work of HWPT_ALLOC below device.c: @dev is the bound device, @dev_serial
 * its object's serial. @made: for a paging HWPT; NULL: made by @dev's driver.
 */
struct iommu_hwpt_alloc;
int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd,
		       struct device *dev, u64 dev_serial,
		       const struct iommufd_domain_made *made);

#endif
