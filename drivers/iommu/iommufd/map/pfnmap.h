/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a process that has no pages: a BAR of a device, say (VM_PFNMAP). It is
 * mapped as long as its process has it, and is not pinned.
 */
#ifndef __IOMMUFD_MAP_PFNMAP_H
#define __IOMMUFD_MAP_PFNMAP_H

#include <linux/types.h>

struct iommu_domain;
struct iova_area;
struct iova_space;
struct map_pages;
struct map_pfnmap;

int map_pfnmap_find(struct map_pages *pages);
void map_pfnmap_free(struct map_pages *pages);
bool map_pfnmap_revoked(const struct map_pages *pages);

int map_pfnmap_fill(struct iova_space *space, struct iova_area *area,
		    struct iommu_domain *domain);
void map_pfnmap_clear(struct iova_area *area, struct iommu_domain *domain);

#endif
