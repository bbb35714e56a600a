/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device can do, as IOMMU_DEVICE_PROBE tells it: reading, finding a property,
 * combining those of several devices, and foretelling from the combination what a
 * HWPT for all of them is going to be. Functions return 0 or what they say, or a
 * negative errno, and never print.
 */
#ifndef TOOLS_IOMMU_LIB_PROBE_H
#define TOOLS_IOMMU_LIB_PROBE_H

#include "iommu.h"

/**
 * struct probe - the properties of a device, or of several
 * @data: one after the other, each with its head; probe_free() frees it
 * @len: bytes of @data
 */
struct probe {
	unsigned char *data;
	size_t len;
};

int probe_read(int fd, __u32 dev, struct probe *p);
void probe_free(struct probe *p);

/* The first one, or that behind @last; NULL at the end. The value is behind it. */
const struct iommu_probe_property *
probe_next(const struct probe *p, const struct iommu_probe_property *last);
/* NULL: there is none. @hwpt_flags: 0 where the type does not depend on them. */
const struct iommu_probe_property *
probe_find(const struct probe *p, __u16 type, __u32 hwpt_flags);

static inline const void *
probe_value(const struct iommu_probe_property *property)
{
	return property + 1;
}

/* The @nth __u64 of a property, or @missing. */
__u64 probe_u64(const struct probe *p, __u16 type, __u32 hwpt_flags,
		unsigned int nth, __u64 missing);

/*
 * What two devices, or two combinations, have together if they share a HWPT, by the
 * rule that each property states, whatever its type is. -EXDEV: they cannot share
 * one, because of property *@why.
 */
int probe_combine(const struct probe *a, const struct probe *b,
		  struct probe *both, __u16 *why);

/**
 * struct probe_hwpt - a paging HWPT that could be made
 * @ranges: IOVAs it can map, ascending; probe_hwpt_free() frees them
 * @num: how many
 * @page_sizes: page sizes it can have
 * @alignment: of its mappings, at most; 0: not known
 */
struct probe_hwpt {
	struct iommu_iova_range *ranges;
	__u32 num;
	__u64 page_sizes;
	__u64 alignment;
};

/*
 * The HWPT that is made with @hwpt_flags for what @p is of. -EOPNOTSUPP: such a one
 * is not offered, or not for all; -EXDEV: none serves all, because of *@why.
 */
int probe_hwpt(const struct probe *p, __u32 hwpt_flags, struct probe_hwpt *hwpt,
	       __u16 *why);
void probe_hwpt_free(struct probe_hwpt *hwpt);

const char *probe_type_name(__u16 type);
const char *probe_combine_name(__u16 combine);
const char *probe_region_name(__u32 kind);

#endif
