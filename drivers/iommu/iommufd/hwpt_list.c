// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_HWPT_ALLOC for a list of devices: what they have in common, who of them
 * prevents it, and a domain made of it.
 *
 * What is in common is found by taking one device after the other; it does not depend
 * on their order, but who is named as the one that prevents it does.
 */
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "describe.h"
#include "device.h"

/**
 * struct hwpt_list - the devices, and what is known of them
 * @idevs: with a call reference each
 * @devs: the same
 * @facts: of paging HWPTs with the flags wanted, one for each device
 * @num: how many
 * @held: of the first so many, the windows for MSI doorbells stay where they are
 * @common: of all of them
 * @doorbells: where the HWPT has them, of a driver without proxies; 0: not known yet
 * @flags: IOMMU_HWPT_ALLOC_*
 * @cmd: the call; gets who and what prevents it
 */
struct hwpt_list {
	struct iommufd_device **idevs;
	struct device **devs;
	struct iommufd_paging_facts *facts;
	unsigned int num;
	unsigned int held;
	struct iommufd_paging_facts common;
	u64 doorbells;
	u32 flags;
	struct iommu_hwpt_alloc *cmd;
};

static int blame(struct hwpt_list *list, unsigned int nth, u32 property, int rc)
{
	list->cmd->out_dev_id = list->idevs[nth]->obj.id;
	list->cmd->out_property = property;
	return rc;
}

static void free_list(struct hwpt_list *list)
{
	while (list->num)
		iommufd_object_put(&list->idevs[--list->num]->obj);
	kvfree(list->idevs);
	kvfree(list->devs);
	kvfree(list->facts);
}

static int find_devices(struct iommufd_call *call, struct hwpt_list *list)
{
	u32 __user *ids = u64_to_user_ptr(list->cmd->devs_uptr);
	unsigned int i, num = list->cmd->num_devs + 1;
	struct iommufd_device *idev;
	u32 id = list->cmd->dev_id;

	list->idevs = kvcalloc(num, sizeof(*list->idevs), GFP_KERNEL_ACCOUNT);
	list->devs = kvcalloc(num, sizeof(*list->devs), GFP_KERNEL_ACCOUNT);
	list->facts = kvcalloc(num, sizeof(*list->facts), GFP_KERNEL_ACCOUNT);
	if (!list->idevs || !list->devs || !list->facts)
		return -ENOMEM;
	for (i = 0; i < num; i++) {
		if (i && get_user(id, ids + i - 1))
			return -EFAULT;
		idev = iommufd_device_get(call->ictx, id);
		if (IS_ERR(idev))
			return PTR_ERR(idev);
		list->idevs[i] = idev;
		list->devs[i] = idev->dev;
		list->num++;
	}
	return 0;
}

static int describe_devices(struct hwpt_list *list)
{
	u32 kind = list->flags & IOMMUFD_PAGING_FLAGS;
	struct iommufd_description *description;
	unsigned int i;
	int rc = 0;

	description = kmalloc(sizeof(*description), GFP_KERNEL_ACCOUNT);
	if (!description)
		return -ENOMEM;
	for (i = 0; !rc && i < list->num; i++) {
		rc = iommufd_describe(list->idevs[i], description);
		list->facts[i] = description->paging[kind];
	}
	kfree(description);
	return rc;
}

/* The same driver, and what can only be the same or not. */
static u32 differs(struct device *first, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(first);

	if (dev_iommu_ops(dev) != ops)
		return IOMMU_PROBE_DRIVER;
	if (!iommufd_describer_find(ops) &&
	    dev->iommu->iommu_dev != first->iommu->iommu_dev)
		return IOMMU_PROBE_UNIT;
	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY) !=
	    device_iommu_capable(first, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return IOMMU_PROBE_SNOOP;
	return 0;
}

static int find_common(struct hwpt_list *list)
{
	unsigned int i;
	u32 property;

	for (i = 0; i < list->num; i++) {
		property = differs(list->devs[0], list->devs[i]);
		if (property)
			return blame(list, i, property, -EXDEV);
		if (!list->facts[i].offered)
			return blame(list, i, IOMMU_PROBE_IOVA_RANGES,
				     -EOPNOTSUPP);
		if ((list->flags & IOMMU_HWPT_ALLOC_PASID) &&
		    (!list->devs[i]->iommu->max_pasids ||
		     !dev_iommu_ops(list->devs[i])->remove_dev_pasid))
			return blame(list, i, IOMMU_PROBE_PASIDS, -EOPNOTSUPP);
		if ((list->flags & IOMMU_HWPT_FAULT_ID_VALID) &&
		    !iommufd_fault_supported(list->devs[i]))
			return blame(list, i, IOMMU_PROBE_CAPABILITIES,
				     -EOPNOTSUPP);
		if (!i) {
			list->common = list->facts[0];
			continue;
		}
		property = iommufd_paging_restrict(&list->common,
						   &list->facts[i]);
		if (property)
			return blame(list, i, property, -EXDEV);
	}
	return 0;
}

/* A queue may be for one device alone. */
static int check_queue(struct iommufd_call *call, struct hwpt_list *list)
{
	struct iommufd_fault_queue *fault;
	unsigned int i;
	int rc = 0;

	if (!(list->flags & IOMMU_HWPT_FAULT_ID_VALID))
		return 0;
	fault = iommufd_fault_queue_hold(call->ictx, list->cmd->fault_id);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	for (i = 0; i < list->num && !rc; i++)
		if (!iommufd_fault_queue_accepts(fault,
						 list->idevs[i]->obj.serial))
			rc = -EINVAL;
	iommufd_fault_queue_drop(fault);
	return rc;
}

/*
 * Nobody can enter mappings into the table of a driver that decides on it when a device
 * is attached first, which is what a list is promised.
 */
static struct iommu_domain *make_decided(struct hwpt_list *list, u32 kind)
{
	struct iommu_domain *domain;

	domain = iommufd_hwpt_trial_domain(list->devs[0], kind);
	if (IS_ERR(domain) || !iommufd_domain_undecided(domain))
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(blame(list, 0, IOMMU_PROBE_IOVA_RANGES, -EOPNOTSUPP));
}

/*
 * Blame the first device that does not go with those before it, for what it did not
 * state. If that cannot be found out it is nobody.
 */
static int blame_other(struct hwpt_list *list,
		       const struct iommufd_describer *describer, u32 kind)
{
	struct iommu_domain *domain;
	unsigned int num;

	for (num = 2; num < list->num; num++) {
		domain = describer->alloc_common(list->devs, num, kind);
		if (domain == ERR_PTR(-EXDEV))
			break;
		if (IS_ERR(domain))
			return PTR_ERR(domain);
		iommu_domain_free(domain);
	}
	return blame(list, num - 1, IOMMU_PROBE_UNIT, -EXDEV);
}

static struct iommu_domain *make_domain(struct hwpt_list *list)
{
	const struct iommu_ops *ops = dev_iommu_ops(list->devs[0]);
	const struct iommufd_describer *describer = iommufd_describer_find(ops);
	u32 kind = list->flags &
		   (IOMMUFD_PAGING_FLAGS | IOMMU_HWPT_ALLOC_PASID);
	struct iommu_domain *domain;

	/* One unit then: what is made for one is made for all */
	if (!describer)
		return make_decided(list, kind);

	domain = describer->alloc_common(list->devs, list->num, kind);
	if (domain == ERR_PTR(-EXDEV))
		return ERR_PTR(blame_other(list, describer, kind));
	if (IS_ERR(domain))
		return domain;
	domain->owner = ops;
	domain->geometry.aperture_start = max(domain->geometry.aperture_start,
					      list->common.start);
	domain->geometry.aperture_end = min(domain->geometry.aperture_end,
					    list->common.last);
	return domain;
}

static int reserve_outside(struct iova_space *space, u64 start, u64 last,
			   const void *owner)
{
	int rc = 0;

	if (start)
		rc = iova_space_reserve(space, 0, start - 1, owner);
	if (!rc && last < ULONG_MAX)
		rc = iova_space_reserve(space, last + 1, ULONG_MAX, owner);
	return rc;
}

/*
 * Drivers without proxies have the doorbells of a HWPT in one window, so that only who
 * has that one could be attached.
 */
static int check_doorbells(struct hwpt_list *list,
			   const struct iommufd_device *idev)
{
	const struct iommufd_msi_window *window = idev->group->msi.window;

	if (!window || iommufd_msi_can_proxy(idev->dev))
		return 0;
	if (list->doorbells && list->doorbells != window->start)
		return -EADDRINUSE;
	list->doorbells = window->start;
	return 0;
}

/* Else another device could be attached first, and have them elsewhere for good. */
static int place_doorbells(const struct hwpt_list *list,
			   struct iommu_domain *domain)
{
	return list->doorbells ? iommu_get_msi_cookie(domain, list->doorbells) :
				 0;
}

/*
 * What the group of one device cannot have. Once its window for MSI doorbells is kept
 * free in @ioas it has to stay where it is, whatever others do with the group meanwhile.
 */
static int reserve_regions(struct hwpt_list *list, unsigned int nth,
			   struct iommufd_ioas *ioas,
			   const struct iommu_domain *owner)
{
	struct iommufd_device *idev = list->idevs[nth];
	struct iommufd_group *group = idev->group;
	int rc;

	guard(mutex)(&group->lock);
	rc = iommufd_group_reserve(idev, ioas, owner, owner);
	if (!rc)
		rc = check_doorbells(list, idev);
	if (rc) {
		iommufd_msi_forget(group);
		return rc;
	}
	iommufd_msi_list_begin(group);
	list->held++;
	return 0;
}

/* One after the other, so that the first that cannot is known. */
static int reserve(struct hwpt_list *list, struct iommufd_ioas *ioas,
		   const struct iommu_domain *owner)
{
	const struct iommu_domain_geometry *table = &owner->geometry;
	unsigned int i;
	int rc;

	for (i = 0; i < list->num; i++) {
		rc = reserve_regions(list, i, ioas, owner);
		if (rc == -EADDRINUSE)
			return blame(list, i, IOMMU_PROBE_RESV_REGIONS, rc);
		if (rc)
			return rc;
		rc = reserve_outside(&ioas->space, list->facts[i].start,
				     list->facts[i].last, owner);
		if (rc == -EADDRINUSE)
			return blame(list, i, IOMMU_PROBE_IOVA_RANGES, rc);
		if (rc)
			return rc;
	}
	/* No one device's own */
	rc = reserve_outside(&ioas->space, table->aperture_start,
			     table->aperture_end, owner);
	if (rc == -EADDRINUSE)
		return blame(list, 0, IOMMU_PROBE_TABLE_WIDTHS, rc);
	return rc;
}

/* Their windows for MSI doorbells are where they are from now on, or are forgotten. */
static void settle_windows(struct hwpt_list *list, bool made)
{
	struct iommufd_group *group;

	while (list->held) {
		group = list->idevs[--list->held]->group;
		mutex_lock(&group->lock);
		iommufd_msi_list_end(group, made);
		mutex_unlock(&group->lock);
	}
}

/* All is where it may be, but not aligned as the smallest page is. */
static void blame_alignment(struct hwpt_list *list)
{
	unsigned int i = 0;

	while (i + 1 < list->num &&
	       list->facts[i].alignment < list->common.alignment)
		i++;
	blame(list, i, IOMMU_PROBE_ALIGNMENT, 0);
}

static int alloc_hwpt(struct iommufd_call *call, struct hwpt_list *list,
		      struct iommufd_ioas *ioas)
{
	struct iommufd_device *first = list->idevs[0];
	struct iommufd_domain_made made;
	struct iommu_domain *domain;
	int rc;

	domain = make_domain(list);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	/* Under the domain's name: with it they go */
	rc = reserve(list, ioas, domain) ?: place_doorbells(list, domain);
	if (!rc) {
		made.domain = domain;
		made.msi_start = list->doorbells;
		rc = iommufd_hwpt_alloc(call, list->cmd, first->dev,
					first->obj.serial, &made);
		if (rc == -EADDRINUSE)
			blame_alignment(list);
	}
	settle_windows(list, !rc);
	if (!rc)
		return 0;
	iova_space_unreserve(&ioas->space, domain);
	iommu_domain_free(domain);
	return rc;
}

static int alloc_list(struct iommufd_call *call, struct hwpt_list *list)
{
	struct iommufd_object *pt;
	int rc;

	rc = find_devices(call, list) ?: describe_devices(list) ?:
	     find_common(list) ?: check_queue(call, list);
	if (rc)
		return rc;
	pt = iommufd_object_get(call->ictx, list->cmd->pt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(pt))
		return -EINVAL;
	switch (pt->ops->type) {
	case IOMMUFD_OBJ_IOAS:
		rc = alloc_hwpt(call, list,
				container_of(pt, struct iommufd_ioas, obj));
		break;
	case IOMMUFD_OBJ_HWPT_PAGING:
	case IOMMUFD_OBJ_VIOMMU:
		rc = -EOPNOTSUPP;
		break;
	default:
		rc = -EINVAL;
	}
	iommufd_object_put(pt);
	return rc;
}

/**
 * iommufd_hwpt_alloc_list() - IOMMU_HWPT_ALLOC, with a list of devices
 * @call: with @cmd
 * @cmd: the caller's parameters; reserved members are 0, there is a list
 *
 * Takes the groups' locks, and iommufd_ioas::hwpt_lock. Who prevents it is told the
 * caller although the call fails.
 *
 * Return: 0 or the errno of the user ABI; nothing was made unless 0.
 */
int iommufd_hwpt_alloc_list(struct iommufd_call *call,
			    struct iommu_hwpt_alloc *cmd)
{
	struct hwpt_list list = { .cmd = cmd, .flags = cmd->flags };
	bool typed = cmd->data_type != IOMMU_HWPT_DATA_NONE;
	int rc;

	if (cmd->num_devs > IOMMU_HWPT_DEVICES_MAX || typed != !!cmd->data_len)
		return -EINVAL;
	rc = alloc_list(call, &list);
	free_list(&list);
	if (rc && iommufd_call_respond(call, sizeof(*cmd)))
		return -EFAULT;
	return rc;
}
