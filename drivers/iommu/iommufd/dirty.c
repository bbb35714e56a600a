// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking of paging HWPTs: which pages devices have written to.
 *
 * The IOMMU marks it in the page table, the driver reads the marks, and
 * iova_bitmap.c brings them to user space. A domain that can do this has
 * dirty_ops; that of a HWPT made without IOMMU_HWPT_ALLOC_DIRTY_TRACKING has
 * none.
 *
 * Marks are read with iova_space's locks held for reading, by iova_space_walk():
 * nothing is unmapped meanwhile, so that a driver never meets a table that is
 * being freed. The HWPT cannot go because the call has a reference on it.
 */
#include <linux/iommu.h>
#include <linux/iova_bitmap.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <uapi/linux/iommufd.h>

#include "dirty.h"
#include "hwpt.h"
#include "map/table.h"

/**
 * struct dirty_walk - one pass over the marks of a table
 * @space: what is mapped
 * @domain: the table
 * @flags: IOMMU_DIRTY_NO_CLEAR or 0
 * @dirty: where to report, and what to flush from the IOTLB
 * @gather: what @dirty points to
 */
struct dirty_walk {
	struct iova_space *space;
	struct iommu_domain *domain;
	unsigned long flags;
	struct iommu_dirty_bitmap dirty;
	struct iommu_iotlb_gather gather;
};

static int dirty_piece(unsigned long iova, unsigned long length, void *opaque)
{
	struct dirty_walk *walk = opaque;

	return walk->domain->dirty_ops->read_and_clear_dirty(walk->domain, iova,
							     length,
							     walk->flags,
							     &walk->dirty);
}

static int no_piece(unsigned long iova, unsigned long length, void *opaque)
{
	return 0;
}

/*
 * A mark that was cleared is set again only when the IOMMU looks at the table
 * again, so the IOTLB must not answer for it. Do this before user space may act
 * on what was read. -EIO: it may answer still, also for a mark that an earlier
 * call has cleared: that nothing is dirty means nothing then.
 */
static int dirty_sync(struct dirty_walk *walk)
{
	if (walk->flags & IOMMU_DIRTY_NO_CLEAR)
		return 0;
	return map_domain_sync(walk->domain, &walk->gather);
}

static void dirty_walk_init(struct dirty_walk *walk,
			    struct iommufd_hwpt_paging *paging,
			    struct iova_bitmap *bitmap, unsigned long flags)
{
	walk->space = &paging->ioas->space;
	walk->domain = paging->hwpt.domain;
	walk->flags = flags;
	iommu_dirty_bitmap_init(&walk->dirty, bitmap, &walk->gather);
}

/* Where what drivers report goes nowhere, a clean bitmap would be a lie. */
static bool dirty_supported(struct iommufd_hwpt_paging *paging)
{
	const struct iommu_dirty_ops *ops = paging->hwpt.domain->dirty_ops;

	return iommufd_dirty_reported() && ops &&
	       ops->set_dirty_tracking && ops->read_and_clear_dirty;
}

static int dirty_set(struct iommufd_hwpt_paging *paging, bool enable)
{
	struct iommu_domain *domain = paging->hwpt.domain;
	struct dirty_walk walk;
	int rc, err;

	/*
	 * Marks may be left from the last time, or be made by the hardware
	 * while nobody is interested.
	 */
	if (enable) {
		dirty_walk_init(&walk, paging, NULL, 0);
		rc = iova_space_walk_all(walk.space, dirty_piece, &walk);
		err = dirty_sync(&walk);
		rc = rc ?: err;
		if (rc)
			return rc;
	}
	return domain->dirty_ops->set_dirty_tracking(domain, enable);
}

/**
 * iommufd_hwpt_set_dirty_tracking_ioctl() - IOMMU_HWPT_SET_DIRTY_TRACKING
 * @call: with struct iommu_hwpt_set_dirty_tracking
 *
 * Starting clears all marks of the table first. When that fails tracking is as
 * it was, but marks may be gone.
 *
 * Return: 0; -EOPNOTSUPP for unknown flags and HWPTs without dirty tracking;
 * -ENOENT for an unknown HWPT; -EIO if an IOMMU did not forget what it had cached; what
 * the driver returns.
 */
int iommufd_hwpt_set_dirty_tracking_ioctl(struct iommufd_call *call)
{
	struct iommu_hwpt_set_dirty_tracking *cmd = call->cmd;
	struct iommufd_hwpt_paging *paging;
	int rc = -EOPNOTSUPP;

	if ((cmd->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE) || cmd->__reserved)
		return -EOPNOTSUPP;

	paging = iommufd_hwpt_paging_get(call->ictx, cmd->hwpt_id);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	if (dirty_supported(paging))
		rc = dirty_set(paging,
			       cmd->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
	iommufd_object_put(&paging->hwpt.obj);
	return rc;
}

static int dirty_check_range(const struct iommu_hwpt_get_dirty_bitmap *cmd,
			     unsigned long alignment)
{
	u64 last;

	if (!cmd->length)
		return -EINVAL;
	if (check_add_overflow(cmd->iova, cmd->length - 1, &last) ||
	    last > ULONG_MAX || cmd->length > SIZE_MAX)
		return -EOVERFLOW;
	if (!is_power_of_2(cmd->page_size) || cmd->page_size > ULONG_MAX)
		return -EINVAL;
	/* Both are powers of two, and last + 1 may be 0 */
	alignment = max_t(unsigned long, alignment, cmd->page_size);
	if ((cmd->iova | (last + 1)) & (alignment - 1))
		return -EINVAL;
	return 0;
}

static int dirty_report(struct iova_bitmap *bitmap, unsigned long iova,
			size_t length, void *opaque)
{
	struct dirty_walk *walk = opaque;
	int rc;

	/* A gap must be found before the first mark is cleared */
	rc = iova_space_walk(walk->space, iova, length, no_piece, NULL);
	if (!rc)
		rc = iova_space_walk(walk->space, iova, length, dirty_piece,
				     walk);
	return rc == -ENOENT ? -EINVAL : rc;
}

static int dirty_get(struct iommufd_hwpt_paging *paging,
		     const struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	struct iova_bitmap *bitmap;
	struct dirty_walk walk;
	unsigned long flags = 0;
	int rc, err;

	bitmap = iova_bitmap_alloc(cmd->iova, cmd->length, cmd->page_size,
				   u64_to_user_ptr(cmd->data));
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);

	if (cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
		flags |= IOMMU_DIRTY_NO_CLEAR;
	dirty_walk_init(&walk, paging, bitmap, flags);
	rc = iova_bitmap_for_each(bitmap, &walk, dirty_report);
	err = dirty_sync(&walk);
	iova_bitmap_free(bitmap);
	return rc ?: err;
}

/**
 * iommufd_hwpt_get_dirty_bitmap_ioctl() - IOMMU_HWPT_GET_DIRTY_BITMAP
 * @call: with struct iommu_hwpt_get_dirty_bitmap
 *
 * A bad range, a gap in it, user memory that cannot be written and tracking that
 * is not enabled are found before a mark is cleared. Only what another thread
 * unmaps meanwhile, from either address space, is found later: then some marks
 * are gone that were not reported.
 *
 * Return: 0; -EOPNOTSUPP for unknown flags and HWPTs without dirty tracking;
 * -ENOENT for an unknown HWPT; -EINVAL for a length of 0, a page size that is
 * not a power of two, a range that is not aligned to it or to the IOAS's
 * alignment or is not wholly mapped; -EOVERFLOW for a range past the end of the
 * address space; -EFAULT; -ENOMEM; -EINTR when the process is being killed; -EIO
 * if an IOMMU did not forget what it had cached: marks are gone that were reported,
 * and writes since may leave none; what the driver returns: -EINVAL if tracking is
 * not enabled.
 */
int iommufd_hwpt_get_dirty_bitmap_ioctl(struct iommufd_call *call)
{
	struct iommu_hwpt_get_dirty_bitmap *cmd = call->cmd;
	struct iommufd_hwpt_paging *paging;
	int rc;

	if ((cmd->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) ||
	    cmd->__reserved)
		return -EOPNOTSUPP;

	paging = iommufd_hwpt_paging_get(call->ictx, cmd->hwpt_id);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	rc = dirty_check_range(cmd, iova_space_alignment(&paging->ioas->space));
	if (!rc)
		rc = dirty_supported(paging) ? dirty_get(paging, cmd) :
					       -EOPNOTSUPP;
	iommufd_object_put(&paging->hwpt.obj);
	return rc;
}
