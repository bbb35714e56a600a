/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools that the PASIDs of mediated devices come from.
 *
 *   pool     pPASIDs of one requester id, or the global one; the drivers of
 *            mediated devices have references
 *   account  what one context has of a pool
 *   grant    one pPASID in use for one vPASID
 *
 * Lock order: iommufd_device::pasid_lock -> iommufd_ctx::pasid_accounts_lock ->
 * iommufd_pasid_account::lock -> the pool's own.
 */
#ifndef __IOMMUFD_PASID_POOL_H
#define __IOMMUFD_PASID_POOL_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct device;
struct iommufd_ctx;
struct iommufd_pasid_map;

/* Bits of a PASID (PCIe 6.0, 6.20) */
#define IOMMUFD_PASID_BITS	20

/**
 * struct iommufd_pasid_pool - where pPASIDs come from
 * @refs: its creator, and each account. The global one is never freed
 * @parent: the device whose PASIDs these are, with a reference; NULL: global.
 *	Never changes
 * @first: smallest pPASID. Never changes
 * @last: largest one. Never changes
 * @quota: most that one context may have. Never changes
 * @used: pPASID to struct iommufd_pasid_grant; has its own lock. Not used by the
 *	global pool, whose PASIDs the iommu core gives out
 * @next: guarded by the xa_lock of @used: where to look next. Going round makes the
 *	time until a pPASID is used again as long as can be
 */
struct iommufd_pasid_pool {
	refcount_t refs;
	struct device *parent;
	u32 first;
	u32 last;
	u32 quota;
	struct xarray used;
	u32 next;
};

/**
 * struct iommufd_pasid_account - what one context has of a pool
 * @item: in iommufd_ctx::pasid_accounts
 * @users: mediated devices of the context; guarded by
 *	iommufd_ctx::pasid_accounts_lock, as @item
 * @ictx: the context. Never changes
 * @pool: the pool, with a reference. Never changes
 * @map: (global pool) the vPASIDs of the context, whatever the device; else NULL
 * @lock: guards what follows
 * @num: pPASIDs it has
 * @shared: (global pool) vPASID to the struct iommufd_pasid_grant that all devices
 *	of the context share
 */
struct iommufd_pasid_account {
	struct list_head item;
	unsigned int users;
	struct iommufd_ctx *ictx;
	struct iommufd_pasid_pool *pool;
	struct iommufd_pasid_map *map;

	struct mutex lock;	/* num, shared, and the counts of grants */
	u32 num;
	struct xarray shared;
};

/**
 * struct iommufd_pasid_grant - one pPASID in use
 * @vpasid: what it stands for; IOMMU_NO_PASID: a mediated device itself
 * @ppasid: on the wire
 * @live: devices that have it attached, or are attaching it
 * @refs: those, and the ones that are detaching it. With the last the pPASID goes
 *	back to the pool
 *
 * Guarded by iommufd_pasid_account::lock.
 */
struct iommufd_pasid_grant {
	u32 vpasid;
	u32 ppasid;
	unsigned int live;
	unsigned int refs;
};

struct iommufd_pasid_account *
iommufd_pasid_account_get(struct iommufd_ctx *ictx,
			  struct iommufd_pasid_pool *pool);
void iommufd_pasid_account_put(struct iommufd_pasid_account *account);

/*
 * get      a pPASID for a vPASID, for @parent
 * publish  it is attached: (global pool) all of the kernel may find it
 * retire   it is going to be detached, or was not attached: nobody is to begin
 *          to use it. Tells those who found it
 * put      nothing on the wire has it any more, all of it is drained
 */
struct iommufd_pasid_grant *
iommufd_pasid_grant_get(struct iommufd_pasid_account *account,
			struct device *parent, u32 vpasid);
void iommufd_pasid_grant_publish(struct iommufd_pasid_account *account,
				 struct iommufd_pasid_grant *grant);
void iommufd_pasid_grant_retire(struct iommufd_pasid_account *account,
				struct iommufd_pasid_grant *grant);
void iommufd_pasid_grant_put(struct iommufd_pasid_account *account,
			     struct iommufd_pasid_grant *grant);

#endif
