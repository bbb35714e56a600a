// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's container calls (type1 and type1v2) on top of an IOAS.
 *
 * The calls name no address space, so a context has one that they mean:
 * iommufd_ctx::vfio_ioas, guarded by the xa_lock of the objects. User space sets
 * it, or VFIO makes one when the first group comes, which goes with the last. The
 * calls work on whatever file /dev/iommu is open as; with CONFIG_IOMMUFD_VFIO_CONTAINER that is
 * /dev/vfio/vfio as well.
 *
 * Left out are calls that cannot be done safely, or that later interfaces do
 * better: VFIO_UPDATE_VADDR, nesting by VFIO_TYPE1_NESTING_IOMMU.
 *
 * Dirty pages are all that devices may write to, each time, as VFIO's own container
 * has it for devices with an IOMMU: the page tables that are made for a group keep no
 * record, and one that is kept belongs to a HWPT, which these calls do not name.
 */
#include <linux/align.h>
#include <linux/capability.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/iova_bitmap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <uapi/linux/iommufd.h>
#include <uapi/linux/vfio.h>

#include "hwpt.h"
#include "ioas.h"
#include "vfio_compat.h"

/*
 * Which IOAS the container calls mean
 */

/* Returns with a call reference; -ENODEV if there is none. */
static struct iommufd_ioas *compat_ioas_get(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;

	xa_lock(&ictx->objects);
	ioas = ictx->vfio_ioas;
	if (!ioas || !iommufd_object_tryget(&ioas->obj))
		ioas = ERR_PTR(-ENODEV);
	xa_unlock(&ictx->objects);
	return ioas;
}

/* Who knows the id may use it for as long as it likes: no group takes it along. */
static void compat_ioas_tell(struct iommufd_ctx *ictx)
{
	xa_lock(&ictx->objects);
	ictx->vfio_made = false;
	xa_unlock(&ictx->objects);
}

/* The caller has a reference on @ioas, if it is not NULL. */
static void compat_ioas_set(struct iommufd_ctx *ictx, struct iommufd_ioas *ioas)
{
	xa_lock(&ictx->objects);
	if (ioas)
		iommufd_object_hold(&ioas->obj);
	/* Inside the lock: DESTROY must not find a hold that is on its way */
	if (ictx->vfio_ioas)
		iommufd_object_drop(&ictx->vfio_ioas->obj);
	ictx->vfio_ioas = ioas;
	ictx->vfio_made = false;
	xa_unlock(&ictx->objects);
}

/**
 * iommufd_vfio_compat_ioas_get_id() - which IOAS a VFIO group is to use
 * @ictx: the group's container
 * @out_ioas_id: set on success
 *
 * Return: 0; -ENODEV if there is none.
 */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id)
{
	struct iommufd_ioas *ioas = compat_ioas_get(ictx);

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	*out_ioas_id = ioas->obj.id;
	iommufd_object_put(&ioas->obj);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_get_id, IOMMUFD_VFIO);

/**
 * iommufd_vfio_compat_ioas_create() - see that there is an IOAS for VFIO
 * @ictx: container that a group is being added to
 *
 * Makes one unless there is one. It is the user's like any other: it can be
 * destroyed, and then there is none. It goes with the last group, unless the user has
 * asked for its id: VFIO's own container maps nothing then.
 *
 * Return: 0; -EINVAL if the container has groups without an IOMMU; -ENOMEM,
 * -ENOSPC.
 */
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;
	bool used = false;
	int rc = 0;

	/* First, because under the lock it cannot be */
	ioas = iommufd_ioas_new(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	xa_lock(&ictx->objects);
	if (ictx->no_iommu) {
		rc = -EINVAL;
	} else if (!ictx->vfio_ioas) {
		iommufd_object_hold(&ioas->obj);
		ictx->vfio_ioas = ioas;
		ictx->vfio_made = true;
		used = true;
	}
	xa_unlock(&ictx->objects);

	if (used)
		iommufd_object_finalize(&ioas->obj);
	else
		iommufd_ioas_abort(ioas);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_create, IOMMUFD_VFIO);

/**
 * iommufd_vfio_compat_set_no_iommu() - a group without an IOMMU is being added
 * @ictx: the container
 *
 * From then on the container is for such groups alone.
 *
 * Return: 0; -EINVAL if there is an IOAS for VFIO.
 */
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	int rc = 0;

	xa_lock(&ictx->objects);
	if (ictx->vfio_ioas)
		rc = -EINVAL;
	else
		WRITE_ONCE(ictx->no_iommu, true);
	xa_unlock(&ictx->objects);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_set_no_iommu, IOMMUFD_VFIO);

/**
 * iommufd_vfio_ioas_ioctl() - IOMMU_VFIO_IOAS
 * @call: with struct iommu_vfio_ioas
 *
 * Return: 0; -EOPNOTSUPP for an unknown operation or a reserved field that is
 * not 0; -ENOENT for SET of an unknown IOAS; -ENODEV for GET without one;
 * -EFAULT.
 */
int iommufd_vfio_ioas_ioctl(struct iommufd_call *call)
{
	struct iommu_vfio_ioas *cmd = call->cmd;
	struct iommufd_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	switch (cmd->op) {
	case IOMMU_VFIO_IOAS_GET:
		/* First: from here on it cannot go between the look and the answer */
		compat_ioas_tell(call->ictx);
		rc = iommufd_vfio_compat_ioas_get_id(call->ictx, &cmd->ioas_id);
		if (rc)
			return rc;
		return iommufd_call_respond(call, sizeof(*cmd));

	case IOMMU_VFIO_IOAS_SET:
		ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
		if (IS_ERR(ioas))
			return PTR_ERR(ioas);
		compat_ioas_set(call->ictx, ioas);
		iommufd_object_put(&ioas->obj);
		return 0;

	case IOMMU_VFIO_IOAS_CLEAR:
		compat_ioas_set(call->ictx, NULL);
		return 0;

	default:
		return -EOPNOTSUPP;
	}
}

/*
 * The container's calls
 */

/*
 * Is every transaction snooped, whatever the device asks for? Before there is a group
 * nobody can tell, which is no error: a program may take any answer but 0 for a yes.
 */
static int compat_all_coherent(struct iommufd_ctx *ictx)
{
	struct iommufd_hwpt_paging *paging;
	struct iommufd_ioas *ioas;
	int rc = 1;

	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return 0;
	mutex_lock(&ioas->hwpt_lock);
	list_for_each_entry(paging, &ioas->hwpts, item)
		if (!paging->enforce_cache_coherency)
			rc = 0;
	mutex_unlock(&ioas->hwpt_lock);
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int compat_check_extension(struct iommufd_ctx *ictx, unsigned long what)
{
	switch (what) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return !READ_ONCE(ictx->no_iommu);
	case VFIO_NOIOMMU_IOMMU:
		return IS_ENABLED(CONFIG_VFIO_NOIOMMU);
	case VFIO_DMA_CC_IOMMU:
		return compat_all_coherent(ictx);
	default:
		return 0;
	}
}

/*
 * Type1 may unmap any part of what it mapped, v2 only what was mapped in whole.
 * An area can be cut anywhere if the hardware table has it in small pages, so
 * that is what type1 gets.
 */
static int compat_set_iommu(struct iommufd_ctx *ictx, unsigned long type)
{
	struct iommufd_ioas *ioas;
	int rc = 0;

	if (READ_ONCE(ictx->no_iommu)) {
		if (!IS_ENABLED(CONFIG_VFIO_NOIOMMU) ||
		    type != VFIO_NOIOMMU_IOMMU)
			return -EINVAL;
		return capable(CAP_SYS_RAWIO) ? 0 : -EPERM;
	}
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;

	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (type == VFIO_TYPE1_IOMMU)
		rc = iova_space_disable_large_pages(&ioas->space);
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int compat_map_dma(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t size = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	struct iommufd_ioas *ioas;
	unsigned long iova;
	int prot = 0;
	int rc;

	if (copy_from_user(&map, arg, size))
		return -EFAULT;
	if (map.argsz < size ||
	    map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	if (!prot)
		return -EINVAL;

	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (map.iova > ULONG_MAX || map.size > ULONG_MAX) {
		rc = -EOVERFLOW;
	} else {
		iova = map.iova;
		rc = iova_space_map_user(&ioas->space, iommufd_charge(ictx),
					 &iova, u64_to_user_ptr(map.vaddr),
					 map.size, prot | IOMMU_CACHE, 0);
	}
	iommufd_object_put(&ioas->obj);
	return rc;
}

/* Whatever lies across an end of the range becomes two areas. */
static int compat_cut(struct iommufd_ioas *ioas, u64 iova, u64 size)
{
	/* Before 0 there is nothing to be cut from */
	const unsigned long ends[] = { iova + size - 1, iova - 1 };

	return iova_space_cut(&ioas->space, ends, iova ? 2 : 1);
}

static int compat_check_unmap(const struct vfio_iommu_type1_dma_unmap *unmap)
{
	u64 last;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return unmap->iova || unmap->size ? -EINVAL : 0;
	if (!unmap->size)
		return -EINVAL;
	if (check_add_overflow(unmap->iova, unmap->size - 1, &last) ||
	    last > ULONG_MAX || unmap->size > ULONG_MAX)
		return -EOVERFLOW;
	return 0;
}

/*
 * The page sizes that all hardware tables of the IOAS share. As VFIO always did,
 * all below PAGE_SIZE are summed up as PAGE_SIZE: that much alignment is enough.
 */
static u64 compat_page_sizes(struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	unsigned long sizes = ULONG_MAX;

	mutex_lock(&ioas->hwpt_lock);
	list_for_each_entry(paging, &ioas->hwpts, item)
		sizes &= paging->hwpt.domain->pgsize_bitmap;
	mutex_unlock(&ioas->hwpt_lock);

	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	return sizes ?: iova_space_alignment(&ioas->space);
}

/*
 * Dirty pages
 */

/* As many as VFIO's own container has in one bitmap */
#define DIRTY_PAGES_MAX		((u64)INT_MAX)
#define DIRTY_BYTES(npages)	(ALIGN(npages, 64) / 8)

static int dirty_piece(unsigned long iova, unsigned long length, void *opaque)
{
	iova_bitmap_set(opaque, iova, length);
	return 0;
}

static int dirty_range(struct iova_bitmap *bitmap, unsigned long iova,
		       size_t length, void *opaque)
{
	struct iommufd_ioas *ioas = opaque;

	return iova_space_walk_writable(&ioas->space, iova, length, dirty_piece,
					bitmap);
}

/* Adds to @to a bit for each page of the range that a device may have written to. */
static int compat_dirty_report(struct iommufd_ctx *ictx,
			       struct iommufd_ioas *ioas, u64 iova, u64 size,
			       const struct vfio_bitmap *to)
{
	u64 page = BIT_ULL(__ffs64(compat_page_sizes(ioas)));
	struct iova_bitmap *bitmap;
	u64 npages, last;
	int rc;

	if (!READ_ONCE(ictx->vfio_dirty) || to->pgsize != page || !size ||
	    (iova | size) & (page - 1) ||
	    check_add_overflow(iova, size - 1, &last) || last > ULONG_MAX ||
	    size > SIZE_MAX)
		return -EINVAL;
	npages = size >> __ffs64(page);
	if (npages > DIRTY_PAGES_MAX || to->size < DIRTY_BYTES(npages) ||
	    to->size > DIRTY_BYTES(DIRTY_PAGES_MAX))
		return -EINVAL;

	bitmap = iova_bitmap_alloc(iova, size, page, (u64 __user *)to->data);
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	rc = iova_bitmap_for_each(bitmap, ioas, dirty_range);
	iova_bitmap_free(bitmap);
	return rc;
}

static int compat_dirty_get(struct iommufd_ctx *ictx, struct iommufd_ioas *ioas,
			    void __user *arg, size_t room)
{
	struct vfio_iommu_type1_dirty_bitmap_get get;

	if (room < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg, sizeof(get)))
		return -EFAULT;
	return compat_dirty_report(ictx, ioas, get.iova, get.size, &get.bitmap);
}

static int compat_dirty_pages(struct iommufd_ctx *ictx, void __user *arg)
{
	struct vfio_iommu_type1_dirty_bitmap dirty;
	struct iommufd_ioas *ioas;
	int rc = 0;

	if (!iommufd_dirty_reported())
		return -ENOIOCTLCMD;
	if (copy_from_user(&dirty, arg, sizeof(dirty)))
		return -EFAULT;
	if (dirty.argsz < sizeof(dirty))
		return -EINVAL;
	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		WRITE_ONCE(ictx->vfio_dirty, true);
		break;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		WRITE_ONCE(ictx->vfio_dirty, false);
		break;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		rc = compat_dirty_get(ictx, ioas, arg + sizeof(dirty),
				      dirty.argsz - sizeof(dirty));
		break;
	default:
		rc = -EINVAL;
	}
	iommufd_object_put(&ioas->obj);
	return rc;
}

/* The record of what is about to be unmapped, if it is asked for */
static int compat_unmap_dirty(struct iommufd_ctx *ictx,
			      struct iommufd_ioas *ioas, void __user *arg,
			      const struct vfio_iommu_type1_dma_unmap *unmap)
{
	const size_t size = offsetofend(struct vfio_iommu_type1_dma_unmap,
					size);
	struct vfio_bitmap bitmap;

	if (!(unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP))
		return 0;
	if (unmap->argsz - size < sizeof(bitmap))
		return -EINVAL;
	if (copy_from_user(&bitmap, arg + size, sizeof(bitmap)))
		return -EFAULT;
	return compat_dirty_report(ictx, ioas, unmap->iova, unmap->size,
				   &bitmap);
}

static int compat_unmap_dma(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t size = offsetofend(struct vfio_iommu_type1_dma_unmap,
					size);
	struct vfio_iommu_type1_dma_unmap unmap;
	unsigned long unmapped = 0;
	struct iommufd_ioas *ioas;
	int rc;

	if (copy_from_user(&unmap, arg, size))
		return -EFAULT;
	if (unmap.argsz < size)
		return -EINVAL;
	switch (unmap.flags) {
	case 0:
	case VFIO_DMA_UNMAP_FLAG_ALL:
		break;
	case VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP:
		if (iommufd_dirty_reported())
			break;
		fallthrough;
	default:
		return -EINVAL;
	}

	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = compat_check_unmap(&unmap);
	if (!rc)
		rc = compat_unmap_dirty(ictx, ioas, arg, &unmap);
	if (rc)
		goto out_put;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		rc = iova_space_unmap_all(&ioas->space, &unmapped);
	} else {
		/* A space that once was type1's stays so */
		if (READ_ONCE(ioas->space.no_large_pages)) {
			rc = compat_cut(ioas, unmap.iova, unmap.size);
			if (rc)
				goto out_put;
		}
		rc = iova_space_unmap(&ioas->space, unmap.iova, unmap.size,
				      &unmapped);
	}
	/* Also on failure: it may have been done in part */
	unmap.size = unmapped;
	if (copy_to_user(arg, &unmap, size))
		rc = -EFAULT;

out_put:
	iommufd_object_put(&ioas->obj);
	return rc;
}

/* The usable ranges; those beyond @room are only counted. */
struct range_list {
	struct vfio_iova_range *ranges;
	size_t room;
	size_t num;
};

static int range_list_add(unsigned long start, unsigned long last, void *opaque)
{
	struct range_list *list = opaque;

	if (list->num < list->room) {
		list->ranges[list->num].start = start;
		list->ranges[list->num].end = last;
	}
	list->num++;
	return 0;
}

/* What follows struct vfio_iommu_type1_info, as user space sees it */
struct info_caps {
	struct vfio_iommu_type1_info_dma_avail avail;
	__u32 pad;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_cap_iova_range iova;
};

/*
 * Write the capabilities to @arg, right behind struct vfio_iommu_type1_info, if
 * @argsz has room for them all. Returns the bytes that it takes, header
 * included.
 */
static ssize_t compat_put_caps(struct iommufd_ioas *ioas, void __user *arg,
			       size_t argsz)
{
	const size_t head = sizeof(struct vfio_iommu_type1_info);
	struct range_list list = {};
	struct info_caps *caps;
	size_t num, size;
	ssize_t rc;

	/* Ranges may be reserved between the counting and the writing */
	do {
		list = (struct range_list){};
		rc = iova_space_for_each_usable(&ioas->space, range_list_add,
						&list);
		if (rc)
			return rc;
		num = list.num;
		size = sizeof(*caps) + num * sizeof(*list.ranges);
		if (head + size > U32_MAX)
			return -EOVERFLOW;
		if (argsz < head + size)
			return head + size;

		caps = kvzalloc(size, GFP_KERNEL_ACCOUNT);
		if (!caps)
			return -ENOMEM;
		list.ranges = caps->iova.iova_ranges;
		list.room = num;
		list.num = 0;
		rc = iova_space_for_each_usable(&ioas->space, range_list_add,
						&list);
		if (!rc && list.num == num)
			break;
		kvfree(caps);
	} while (!rc);
	if (rc)
		return rc;

	caps->avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	caps->avail.header.version = 1;
	caps->avail.header.next = head + offsetof(struct info_caps, iova);
	if (iommufd_dirty_reported()) {
		caps->avail.header.next = head + offsetof(struct info_caps,
							  migration);
		caps->migration.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION;
		caps->migration.header.version = 1;
		caps->migration.header.next = head + offsetof(struct info_caps,
							      iova);
		caps->migration.pgsize_bitmap =
			BIT_ULL(__ffs64(compat_page_sizes(ioas)));
		caps->migration.max_dirty_bitmap_size =
			DIRTY_BYTES(DIRTY_PAGES_MAX);
	}
	/* Memory is what bounds the number of mappings, not a counter */
	caps->avail.avail = U32_MAX;
	caps->iova.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	caps->iova.header.version = 1;
	caps->iova.nr_iovas = num;

	rc = head + size;
	if (copy_to_user(arg + head, caps, size))
		rc = -EFAULT;
	kvfree(caps);
	return rc;
}

static int compat_get_info(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t min_size = offsetofend(struct vfio_iommu_type1_info,
					    iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct iommufd_ioas *ioas;
	size_t argsz;
	ssize_t rc;

	if (copy_from_user(&info, arg, min_size))
		return -EFAULT;
	argsz = info.argsz;
	if (argsz < min_size)
		return -EINVAL;

	ioas = compat_ioas_get(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info.iova_pgsizes = compat_page_sizes(ioas);
	rc = compat_put_caps(ioas, arg, argsz);
	iommufd_object_put(&ioas->obj);
	if (rc < 0)
		return rc;

	info.argsz = rc;
	if (argsz >= info.argsz)
		info.cap_offset = sizeof(info);
	if (copy_to_user(arg, &info, min(argsz, sizeof(info))))
		return -EFAULT;
	return 0;
}

/**
 * iommufd_vfio_container_ioctl() - one of VFIO's container calls
 * @ictx: the container
 * @cmd: VFIO_*
 * @arg: a number or a user pointer, as @cmd has it
 *
 * Return: what VFIO documents for @cmd, -ENODEV where the call needs an IOAS and
 * there is none; -ENOIOCTLCMD if it is not one of the calls served here.
 */
int iommufd_vfio_container_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
				 unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return compat_check_extension(ictx, arg);
	case VFIO_SET_IOMMU:
		return compat_set_iommu(ictx, arg);
	case VFIO_IOMMU_GET_INFO:
		return compat_get_info(ictx, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return compat_map_dma(ictx, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return compat_unmap_dma(ictx, uarg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return compat_dirty_pages(ictx, uarg);
	default:
		return -ENOIOCTLCMD;
	}
}
