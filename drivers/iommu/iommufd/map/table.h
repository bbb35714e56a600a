/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver's page tables can do for a whole call, beyond struct
 * iommu_domain_ops: take many runs of pages in one go, and forget several ranges
 * in one flush. The core's gather knows one range; a driver that is given another
 * one, not next to it, has to flush what it has.
 *
 * A driver that registers promises, for all domains with these operations:
 *
 *  - &iommu_domain_ops.map_pages may be called without iommu_map() around it, and
 *    @sync_map, if there is one, once for all that a call has mapped;
 *  - &iommu_domain_ops.unmap_pages with &iommu_iotlb_gather.queued set flushes
 *    nothing that @flush would, and frees no table that a unit may still walk.
 *
 * Domains of other drivers (the base tree's) go through the core, range by range.
 */
#ifndef __IOMMUFD_MAP_TABLE_H
#define __IOMMUFD_MAP_TABLE_H

#include <linux/iommu.h>
#include <linux/list.h>

#include "iova_space.h"

/**
 * struct map_table_ops - a driver's page tables
 * @item: private
 * @domain_ops: tells the domains that these are
 * @map_runs: map @nr runs of pages (map_run_pack()), one after the other from @iova
 *	on, which is a multiple of PAGE_SIZE, by pages of whatever size fits.
 *	*@mapped is increased by the bytes done, on error too. Does not flush.
 *	May sleep; allocates with GFP_KERNEL_ACCOUNT. Returns 0 or an errno of
 *	&iommu_domain_ops.map_pages. NULL: run by run
 * @unmap: take what is mapped out of @size bytes from @iova on, whatever sizes the pages
 *	have, and add it to @gather, which is queued, as &iommu_domain_ops.unmap_pages
 *	does. Any context. Returns the bytes taken out. NULL: by way of the core
 * @sync_map: @num ranges, at least one, have been mapped: let devices see them, if
 *	absence is cached. Before it returns nobody is told of them. NULL: it never is
 * @flush: forget what is cached of @num ranges, at least one, in which leaves and,
 *	if @gather has tables, tables were taken out; then free those. Returns when
 *	no device can use any of it any more, unless that is @owed then. May sleep
 * @owed: may something that was taken out of @domain, and flushed, still be reached,
 *	since a unit did not carry the flush out? Asked while the quarantine is open.
 *	Any context. NULL: never
 */
struct map_table_ops {
	struct list_head item;
	const struct iommu_domain_ops *domain_ops;
	int (*map_runs)(struct iommu_domain *domain, unsigned long iova,
			const u64 *runs, unsigned int nr, int prot,
			size_t *mapped);
	size_t (*unmap)(struct iommu_domain *domain, unsigned long iova,
			size_t size, struct iommu_iotlb_gather *gather);
	void (*sync_map)(struct iommu_domain *domain,
			 const struct iova_range *ranges, unsigned int num);
	void (*flush)(struct iommu_domain *domain,
		      const struct iova_range *ranges, unsigned int num,
		      struct iommu_iotlb_gather *gather);
	bool (*owed)(struct iommu_domain *domain);
};

void map_table_register(struct map_table_ops *ops);
void map_table_unregister(struct map_table_ops *ops);
const struct map_table_ops *map_table_find(const struct iommu_domain *domain);
bool map_domain_owed(struct iommu_domain *domain);
int map_domain_sync(struct iommu_domain *domain,
		    struct iommu_iotlb_gather *gather);

/*
 * Ranges that one flush is asked for at most. Two descriptors each, at most, and as
 * many for each device with a TLB of its own; beyond it one around all of them costs
 * less than its parts.
 */
#define MAP_FLUSH_RANGES	32

/**
 * struct map_flush - the ranges that a call has taken out of page tables
 * @num: how many, up to MAP_FLUSH_RANGES
 * @ranges: neither overlap nor touch, in the order in which they came
 */
struct map_flush {
	unsigned int num;
	struct iova_range ranges[MAP_FLUSH_RANGES];
};

void map_flush_add(struct map_flush *flush, unsigned long start,
		   unsigned long last);

int map_table_map(const struct map_table_ops *ops, struct iommu_domain *domain,
		  unsigned long iova, phys_addr_t paddr, size_t size, int prot,
		  size_t *mapped);
size_t map_table_unmap(const struct map_table_ops *ops,
		       struct iommu_domain *domain, unsigned long iova,
		       size_t size, struct iommu_iotlb_gather *gather);

#endif
