/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which PASID is on the wire for which vPASID: what others in the kernel look up,
 * and how they hear that it is so no more (iommufd_pasid_translate() and
 * iommufd_pasid_notifier_register()).
 *
 * Written by pasid_pool.c and device.c, one writer of a device's map at a time.
 */
#ifndef __IOMMUFD_PASID_MAP_H
#define __IOMMUFD_PASID_MAP_H

#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct iommufd_ctx;

/**
 * struct iommufd_pasid_map - the vPASIDs of one device, or those that a context has
 *	in the global pool
 * @ictx: the context. Never changes
 * @dev_id: the device's id there; 0: no device, the global pool. Never changes
 * @table: vPASID to pPASID, as a value. Found by readers under RCU; a slot is
 *	reserved before it is set, so that setting it cannot fail
 * @rcu: frees it after the last reader
 */
struct iommufd_pasid_map {
	struct iommufd_ctx *ictx;
	u32 dev_id;
	struct xarray table;
	struct rcu_head rcu;
};

struct iommufd_pasid_map *iommufd_pasid_map_create(struct iommufd_ctx *ictx,
						   u32 dev_id);
void iommufd_pasid_map_hide(struct iommufd_pasid_map *map);
void iommufd_pasid_map_destroy(struct iommufd_pasid_map *map);

/*
 * reserve    make sure that set cannot fail
 * unreserve  instead of that
 * set        readers find it from here on
 * clear      they do not; returns whether there was one
 * gone       tell those who may still use what they found. After clear, with
 *            nothing held that they may want
 */
int iommufd_pasid_map_reserve(struct iommufd_pasid_map *map, u32 vpasid);
void iommufd_pasid_map_unreserve(struct iommufd_pasid_map *map, u32 vpasid);
void iommufd_pasid_map_set(struct iommufd_pasid_map *map, u32 vpasid,
			   u32 ppasid);
bool iommufd_pasid_map_clear(struct iommufd_pasid_map *map, u32 vpasid);
void iommufd_pasid_map_gone(struct iommufd_pasid_map *map, u32 vpasid,
			    u32 ppasid);

#endif
