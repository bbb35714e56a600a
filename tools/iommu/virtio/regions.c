// SPDX-License-Identifier: GPL-2.0
/*
 * RESV_MEM properties (virtio 1.3, 5.13.6.8) from what IOMMU_DEVICE_PROBE says.
 *
 * What cannot be mapped is what IOVA_RANGES leaves out, whatever the reason: a
 * device's own regions, or that its IOMMU does not reach so far. That is all the guest
 * has to know of it. One kind is different, as a write there is an interrupt and comes
 * out as it went in.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_iommu.h"

/* A region may be split by the one for interrupts, which is one more. */
static struct vio_region *room_for(size_t ranges)
{
	return calloc(ranges + 3, sizeof(struct vio_region));
}

static void add(struct vio_regions *regions, __u64 start, __u64 last, __u8 subtype)
{
	regions->list[regions->num++] = (struct vio_region){
		.start = start,
		.last = last,
		.subtype = subtype,
	};
}

/* Of the reserved @start to @last what is not for interrupts */
static void add_around(struct vio_regions *regions, __u64 start, __u64 last,
		       const struct iommu_iova_range *msi)
{
	if (!msi || msi->last < start || msi->start > last) {
		add(regions, start, last, VIRTIO_IOMMU_RESV_MEM_T_RESERVED);
		return;
	}
	if (msi->start > start)
		add(regions, start, msi->start - 1,
		    VIRTIO_IOMMU_RESV_MEM_T_RESERVED);
	if (msi->last < last)
		add(regions, msi->last + 1, last,
		    VIRTIO_IOMMU_RESV_MEM_T_RESERVED);
}

/* What @ranges, which ascend, leave of @first to @last */
static void add_gaps(struct vio_regions *regions, __u64 first, __u64 last,
		     const struct iommu_iova_range *ranges, size_t num,
		     const struct iommu_iova_range *msi)
{
	size_t i;

	for (i = 0; i < num; i++) {
		if (ranges[i].start > last)
			break;
		if (ranges[i].last < first)
			continue;
		if (ranges[i].start > first)
			add_around(regions, first, ranges[i].start - 1, msi);
		if (ranges[i].last >= last)
			return;
		first = ranges[i].last + 1;
	}
	add_around(regions, first, last, msi);
}

static int by_start(const void *a, const void *b)
{
	const struct vio_region *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* The window of hardware: more than one would be more than the guest can be told. */
static bool hardware_msi(const struct probe *p, struct iommu_iova_range *msi)
{
	const struct iommu_probe_property *property =
		probe_find(p, IOMMU_PROBE_RESV_REGIONS, 0);
	const struct iommu_probe_region *region;
	size_t i;

	if (!property)
		return false;
	region = probe_value(property);
	for (i = 0; i < property->length / sizeof(*region); i++) {
		if (region[i].kind != IOMMU_PROBE_REGION_MSI)
			continue;
		msi->start = region[i].start;
		msi->last = region[i].last;
		return true;
	}
	return false;
}

int vio_regions_of(const struct probe *p, __u64 first, __u64 last,
		   const struct iommu_iova_range *msi, struct vio_regions *regions)
{
	const struct iommu_probe_property *property =
		probe_find(p, IOMMU_PROBE_IOVA_RANGES, 0);
	struct iommu_iova_range window;
	size_t num;

	*regions = (struct vio_regions){ 0 };
	if (!property)
		return -EOPNOTSUPP;
	if (first > last || (msi && msi->start > msi->last))
		return -EINVAL;
	if (!msi && hardware_msi(p, &window))
		msi = &window;
	num = property->length / sizeof(struct iommu_iova_range);
	regions->list = room_for(num);
	if (!regions->list)
		return -ENOMEM;
	add_gaps(regions, first, last, probe_value(property), num, msi);
	if (msi)
		add(regions, msi->start, msi->last, VIRTIO_IOMMU_RESV_MEM_T_MSI);
	qsort(regions->list, regions->num, sizeof(*regions->list), by_start);
	return 0;
}

void vio_regions_free(struct vio_regions *regions)
{
	free(regions->list);
	*regions = (struct vio_regions){ 0 };
}

const struct vio_region *vio_regions_meet(const struct vio_regions *regions,
					  __u64 start, __u64 last)
{
	unsigned int i;

	for (i = 0; i < regions->num; i++)
		if (regions->list[i].start <= last && regions->list[i].last >= start)
			return &regions->list[i];
	return NULL;
}

size_t vio_regions_size(const struct vio_regions *regions)
{
	return regions->num * sizeof(struct virtio_iommu_probe_resv_mem);
}

size_t vio_regions_put(const struct vio_regions *regions, void *to)
{
	struct virtio_iommu_probe_resv_mem mem = { 0 };
	unsigned int i;

	mem.head.type = htole16(VIRTIO_IOMMU_PROBE_T_RESV_MEM);
	mem.head.length = htole16(sizeof(mem) - sizeof(mem.head));
	for (i = 0; i < regions->num; i++) {
		mem.subtype = regions->list[i].subtype;
		mem.start = htole64(regions->list[i].start);
		mem.end = htole64(regions->list[i].last);
		memcpy((char *)to + i * sizeof(mem), &mem, sizeof(mem));
	}
	return vio_regions_size(regions);
}
