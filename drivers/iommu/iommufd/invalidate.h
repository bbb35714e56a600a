/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invalidation requests that do not depend on the IOMMU
 * (IOMMU_HWPT_INVALIDATE_DATA_RANGE), as the core and the backends read them.
 */
#ifndef __IOMMUFD_INVALIDATE_H
#define __IOMMUFD_INVALIDATE_H

#include <linux/iommu.h>
#include <linux/overflow.h>
#include <uapi/linux/iommufd.h>

/**
 * iommufd_invalidate_range() - read and check one request
 * @array: from user space, of IOMMU_HWPT_INVALIDATE_DATA_RANGE
 * @index: which, below the entry_num of @array
 * @first: set to the first address
 * @last: set to the last address, inclusive; 0 to U64_MAX is everything
 *
 * Return: 0; -EFAULT; -E2BIG: a longer entry with something in it; -EINVAL: a
 * shorter one, another type, no length, or everything and a range; -EOVERFLOW;
 * -EOPNOTSUPP: an unknown flag.
 */
static inline int
iommufd_invalidate_range(const struct iommu_user_data_array *array, u32 index,
			 u64 *first, u64 *last)
{
	struct iommu_hwpt_invalidate_range req;
	int rc;

	rc = iommu_copy_struct_from_user_array(&req, array,
					       IOMMU_HWPT_INVALIDATE_DATA_RANGE,
					       index, length);
	if (rc)
		return rc;
	if (req.__reserved || req.flags & ~IOMMU_INVALIDATE_RANGE_ALL)
		return -EOPNOTSUPP;
	if (req.flags & IOMMU_INVALIDATE_RANGE_ALL) {
		*first = 0;
		*last = U64_MAX;
		return req.iova || req.length ? -EINVAL : 0;
	}
	if (!req.length)
		return -EINVAL;
	*first = req.iova;
	return check_add_overflow(req.iova, req.length - 1, last) ?
		       -EOVERFLOW : 0;
}

#endif
