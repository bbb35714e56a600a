// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation for user space: of what hardware caches of a HWPT, and by commands
 * of a guest to its vIOMMU. Bounds are checked here, the rest is the driver's.
 *
 * No lock: a call reference keeps the object, and that its domain or vIOMMU.
 */
#include <linux/iommu.h>
#include <uapi/linux/iommufd.h>

#include "hwpt.h"
#include "invalidate.h"
#include "viommu.h"

/*
 * Bounds of one invalidation call. Far above what a guest's queue holds, but one
 * call must not keep a CPU for minutes, nor have a driver scan megabytes of
 * zeroes behind each entry.
 */
#define INVALIDATE_ENTRIES_MAX		BIT(19)
#define INVALIDATE_ENTRY_LEN_MAX	PAGE_SIZE

/*
 * Of a table that the kernel fills. A driver that knows nothing of ranges flushes
 * everything: what it makes of a gather that no unmap has made is its own affair.
 */
static int invalidate_paging(struct iommufd_hwpt *hwpt,
			     struct iommu_user_data_array *array)
{
	struct iommu_domain *domain = hwpt->domain;
	u64 first, last;
	int rc;

	if (domain->ops->cache_invalidate_user)
		return domain->ops->cache_invalidate_user(domain, array);

	rc = iommufd_invalidate_union(array, &first, &last);
	/* What no device was ever attached to is not cached */
	if (array->entry_num && READ_ONCE(iommufd_hwpt_bottom(hwpt)->filled))
		iommu_flush_iotlb_all(domain);
	return rc;
}

static int invalidate_hwpt(struct iommufd_hwpt *hwpt,
			   struct iommu_user_data_array *array)
{
	struct iommu_domain *domain = hwpt->domain;

	if (!iommufd_hwpt_is_paging(hwpt)) {
		if (domain->ops->cache_invalidate_user)
			return domain->ops->cache_invalidate_user(domain,
								  array);
		array->entry_num = 0;
		return -EOPNOTSUPP;
	}
	if (array->type == IOMMU_HWPT_INVALIDATE_DATA_RANGE)
		return invalidate_paging(hwpt, array);
	/* As other kernels say of a HWPT that is not nested */
	array->entry_num = 0;
	return -ENOENT;
}

/* Sets entry_num to what was done, on failure too. */
static int invalidate_object(struct iommufd_object *obj,
			     struct iommu_user_data_array *array)
{
	struct iommufd_viommu *viommu;

	switch (obj->ops->type) {
	case IOMMUFD_OBJ_HWPT_PAGING:
	case IOMMUFD_OBJ_HWPT_NESTED:
		return invalidate_hwpt(container_of(obj, struct iommufd_hwpt,
						    obj), array);
	case IOMMUFD_OBJ_VIOMMU:
		viommu = container_of(obj, struct iommufd_viommu, obj);
		if (viommu->ops->cache_invalidate)
			return viommu->ops->cache_invalidate(viommu, array);
		array->entry_num = 0;
		return -EOPNOTSUPP;
	default:
		array->entry_num = 0;
		return -ENOENT;
	}
}

static int invalidate(struct iommufd_call *call,
		      const struct iommu_hwpt_invalidate *cmd, u32 *done)
{
	struct iommu_user_data_array array = {
		.type = cmd->data_type,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
		.entry_len = cmd->entry_len,
		.entry_num = cmd->entry_num,
	};
	struct iommufd_object *obj;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->entry_num &&
	    (!cmd->data_uptr || !cmd->entry_len ||
	     cmd->entry_len > INVALIDATE_ENTRY_LEN_MAX ||
	     cmd->entry_num > INVALIDATE_ENTRIES_MAX))
		return -EINVAL;

	obj = iommufd_object_get(call->ictx, cmd->hwpt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = invalidate_object(obj, &array);
	*done = array.entry_num;
	iommufd_object_put(obj);
	return rc;
}

/**
 * iommufd_hwpt_invalidate_ioctl() - IOMMU_HWPT_INVALIDATE
 * @call: with struct iommu_hwpt_invalidate
 *
 * How many entries were carried out is written back on failure too.
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_hwpt_invalidate_ioctl(struct iommufd_call *call)
{
	struct iommu_hwpt_invalidate *cmd = call->cmd;
	u32 done = 0;
	int rc;

	rc = invalidate(call, cmd, &done);
	cmd->entry_num = done;
	if (iommufd_call_respond(call, sizeof(*cmd)))
		return -EFAULT;
	return rc;
}
