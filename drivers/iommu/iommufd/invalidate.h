/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invalidation requests that do not depend on the IOMMU
 * (IOMMU_HWPT_INVALIDATE_DATA_RANGE), as the core and the backends read them.
 */
#ifndef __IOMMUFD_INVALIDATE_H
#define __IOMMUFD_INVALIDATE_H

#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
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

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_RANGE ||
	    array->entry_len < offsetofend(typeof(req), length))
		return -EINVAL;
	rc = copy_struct_from_user(&req, sizeof(req),
				   array->uptr + array->entry_len * index,
				   array->entry_len);
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

/**
 * iommufd_invalidate_union() - read and check a whole array
 * @array: as above; entry_num is set to how many requests are good before the
 *	first that is not
 * @first: set to the lowest address of those
 * @last: set to the highest, inclusive; below @first if there is none
 *
 * One flush of all between costs one round to the hardware, and nobody sees the
 * difference but in time. May sleep.
 *
 * Return: 0 or what iommufd_invalidate_range() says of the first bad one.
 */
static inline int iommufd_invalidate_union(struct iommu_user_data_array *array,
					   u64 *first, u64 *last)
{
	u64 from, to;
	int rc = 0;
	u32 i;

	*first = U64_MAX;
	*last = 0;
	for (i = 0; i < array->entry_num; i++) {
		rc = iommufd_invalidate_range(array, i, &from, &to);
		if (rc)
			break;
		*first = min(*first, from);
		*last = max(*last, to);
		if (!(i % 1024))
			cond_resched();
	}
	array->entry_num = i;
	return rc;
}

#endif
