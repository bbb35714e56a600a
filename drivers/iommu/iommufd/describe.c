// SPDX-License-Identifier: GPL-2.0-only
/*
 * The facts of a device: from its IOMMU driver if that states them, from the iommu
 * core and a page table made on trial if it does not.
 *
 * Drivers are found by their iommu_ops in a list that only grows, under RCU.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "../iommu-priv.h"
#include "describe.h"
#include "device.h"

static DEFINE_SPINLOCK(describer_lock);
static LIST_HEAD(describers);

/**
 * iommufd_describer_register() - a driver states facts about its devices
 * @describer: of built-in code; stays for ever
 *
 * Once for each iommu_ops.
 */
void iommufd_describer_register(struct iommufd_describer *describer)
{
	if (WARN_ON(iommufd_describer_find(describer->iommu_ops)))
		return;
	spin_lock(&describer_lock);
	list_add_tail_rcu(&describer->node, &describers);
	spin_unlock(&describer_lock);
}

/**
 * iommufd_describer_find() - who states facts about a driver's devices
 * @iommu_ops: of the devices
 *
 * Return: what was registered, or NULL.
 */
const struct iommufd_describer *
iommufd_describer_find(const struct iommu_ops *iommu_ops)
{
	const struct iommufd_describer *describer, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(describer, &describers, node) {
		if (describer->iommu_ops == iommu_ops) {
			found = describer;
			break;
		}
	}
	rcu_read_unlock();
	/* Nobody is ever taken from the list */
	return found;
}

/**
 * iommufd_domain_alike() - is a domain what would be made for a device?
 * @domain: paging, made without flags for a device of the same IOMMU driver
 * @dev: a bound device
 *
 * So that which devices share a domain does not depend on who comes first: a table
 * that only suits is not enough. May sleep.
 *
 * Return: whether it is; true if the driver states no facts, which then has to say
 * when the device is attached.
 */
bool iommufd_domain_alike(struct iommu_domain *domain, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	const struct iommufd_describer *describer = iommufd_describer_find(ops);

	if (domain->owner != ops)
		return false;
	return !describer || describer->alike(domain, dev);
}

static void describe_domain(const struct iommu_domain *domain,
			    struct iommufd_paging_facts *facts)
{
	if (iommufd_domain_undecided(domain))
		return;
	*facts = (struct iommufd_paging_facts){
		.offered = true,
		.start = domain->geometry.aperture_start,
		.last = domain->geometry.aperture_end,
		.page_sizes = domain->pgsize_bitmap,
		.alignment = BIT_ULL(__ffs(domain->pgsize_bitmap)),
	};
}

static void describe_attached(struct iommufd_device *idev,
			      struct iommufd_paging_facts *facts)
{
	struct iommufd_group *group = idev->group;

	mutex_lock(&group->lock);
	if (group->hwpt)
		describe_domain(iommufd_hwpt_bottom(group->hwpt)->hwpt.domain,
				facts);
	mutex_unlock(&group->lock);
}

/*
 * No other way to learn what a driver that says nothing would make. One that has no memory
 * for it does not say that it does not offer it.
 */
static int describe_on_trial(struct iommufd_device *idev,
			     struct iommufd_description *description)
{
	struct iommu_domain *domain;
	u32 flags;

	for (flags = 0; flags < IOMMUFD_PAGING_KINDS; flags++) {
		domain = iommufd_hwpt_trial_domain(idev->dev, flags);
		if (PTR_ERR_OR_ZERO(domain) == -ENOMEM)
			return -ENOMEM;
		if (IS_ERR(domain))
			continue;
		describe_domain(domain, &description->paging[flags]);
		iommu_domain_free(domain);
	}
	if (!description->paging[0].offered)
		describe_attached(idev, &description->paging[0]);
	return 0;
}

/* A virtual function's invalidations wait in the queue of the physical one. */
static u32 ats_depth(struct pci_dev *pdev)
{
	struct pci_dev *owner = pci_physfn(pdev);
	u16 cap = 0;

	pci_read_config_word(owner, owner->ats_cap + PCI_ATS_CAP, &cap);
	return PCI_ATS_CAP_QDEP(cap) ?: PCI_ATS_MAX_QDEP;
}

/**
 * iommufd_describe_ats() - a function caches translations
 * @pdev: has the ATS capability
 * @faults: where to say so
 */
void iommufd_describe_ats(struct pci_dev *pdev,
			  struct iommu_probe_faults *faults)
{
	faults->flags |= IOMMU_PROBE_FAULTS_ATS;
	faults->ats_depth = ats_depth(pdev);
}

static void describe_faults(struct device *dev,
			    struct iommu_probe_faults *faults)
{
	struct iommufd_fault_pri pri;
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return;
	pdev = to_pci_dev(dev);
	if (pdev->ats_enabled)
		iommufd_describe_ats(pdev, faults);
	if (iommufd_fault_pri_query(dev, &pri))
		return;
	faults->flags |= IOMMU_PROBE_FAULTS_PRI;
	faults->pri_capacity = pri.hw.capacity;
	if (pri.hw.resp_pasid)
		faults->flags |= IOMMU_PROBE_FAULTS_RESP_PASID;
}

/**
 * iommufd_describe() - all that is known of a device but its reserved regions
 * @idev: the device
 * @description: filled in, whole
 *
 * May sleep; takes the group's lock.
 *
 * Return: 0 or -ENOMEM.
 */
int iommufd_describe(struct iommufd_device *idev,
		     struct iommufd_description *description)
{
	const struct iommufd_describer *describer =
		iommufd_describer_find(dev_iommu_ops(idev->dev));

	memset(description, 0, sizeof(*description));
	describe_faults(idev->dev, &description->faults);
	if (!describer)
		return describe_on_trial(idev, description);
	describer->describe(idev->dev, description);
	return 0;
}

/**
 * iommufd_describe_lacks_ats() - can a device never have translations cached (ATS)?
 * @dev: a bound device
 *
 * Of a function that has the capability, behind an IOMMU that does not say what it can,
 * that is not known: then it may be able to.
 *
 * Return: 0 or 1; -ENOMEM.
 */
int iommufd_describe_lacks_ats(struct device *dev)
{
	const struct iommufd_describer *describer =
		iommufd_describer_find(dev_iommu_ops(dev));
	struct iommufd_description *description;
	bool has;

	if (dev_is_pci(dev) && to_pci_dev(dev)->ats_enabled)
		return 0;
	if (!describer)
		return !dev_is_pci(dev) || !pci_ats_supported(to_pci_dev(dev));

	description = kzalloc(sizeof(*description), GFP_KERNEL_ACCOUNT);
	if (!description)
		return -ENOMEM;
	describer->describe(dev, description);
	has = description->faults.flags & IOMMU_PROBE_FAULTS_ATS;
	kfree(description);
	return !has;
}

/**
 * iommufd_paging_restrict() - what paging HWPTs of two devices have in common
 * @common: of one, or of several; becomes of all
 * @facts: of another
 *
 * As user space combines properties. Both are offered.
 *
 * Return: 0, or the property of which nothing is left: one of enum iommu_probe_type;
 * @common is of no use then.
 */
u32 iommufd_paging_restrict(struct iommufd_paging_facts *common,
			    const struct iommufd_paging_facts *facts)
{
	bool known = common->widths[0] || common->widths[1];

	common->page_sizes &= facts->page_sizes;
	if (!common->page_sizes)
		return IOMMU_PROBE_PAGE_SIZES;
	common->widths[0] &= facts->widths[0];
	common->widths[1] &= facts->widths[1];
	if (known && !common->widths[0] && !common->widths[1])
		return IOMMU_PROBE_TABLE_WIDTHS;
	common->start = max(common->start, facts->start);
	common->last = min(common->last, facts->last);
	if (common->start > common->last)
		return IOMMU_PROBE_IOVA_RANGES;
	common->alignment = max(common->alignment, facts->alignment);
	return 0;
}

static u32 region_kind(enum iommu_resv_type type)
{
	switch (type) {
	case IOMMU_RESV_DIRECT:
		return IOMMU_PROBE_REGION_DIRECT;
	case IOMMU_RESV_DIRECT_RELAXABLE:
		return IOMMU_PROBE_REGION_DIRECT_RELAXABLE;
	case IOMMU_RESV_MSI:
		return IOMMU_PROBE_REGION_MSI;
	case IOMMU_RESV_SW_MSI:
		return IOMMU_PROBE_REGION_SW_MSI;
	default:
		return IOMMU_PROBE_REGION_RESERVED;
	}
}

static int compare_regions(const void *a, const void *b)
{
	const struct iommu_probe_region *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static void copy_region(const struct iommu_resv_region *region,
			struct iommu_probe_region *entry)
{
	entry->start = region->start;
	entry->last = region->start + region->length - 1;
	entry->kind = region_kind(region->type);
	if (entry->kind != IOMMU_PROBE_REGION_DIRECT &&
	    entry->kind != IOMMU_PROBE_REGION_DIRECT_RELAXABLE)
		return;
	if (region->prot & IOMMU_READ)
		entry->prot |= IOMMU_IOAS_MAP_READABLE;
	if (region->prot & IOMMU_WRITE)
		entry->prot |= IOMMU_IOAS_MAP_WRITEABLE;
}

/*
 * Where doorbells are mapped is not only the IOMMU driver's to say. A part of a device
 * has no interrupts of its own, and no window.
 */
static int copy_regions(struct iommufd_device *idev,
			const struct list_head *list,
			const struct iommufd_paging_facts *facts,
			struct iommufd_regions *regions)
{
	const struct iommu_resv_region *region;
	struct iommu_probe_region *entry;
	int rc = 0;

	list_for_each_entry(region, list, list) {
		if (region->type == IOMMU_RESV_SW_MSI &&
		    iommufd_device_is_mediated(idev))
			continue;
		entry = &regions->entries[regions->num++];
		copy_region(region, entry);
		if (region->type == IOMMU_RESV_SW_MSI)
			rc = iommufd_msi_tell(idev->group, facts, &entry->start,
					      &entry->last);
		if (rc)
			return rc;
	}
	sort(regions->entries, regions->num, sizeof(*regions->entries),
	     compare_regions, NULL);
	return 0;
}

/**
 * iommufd_describe_regions() - the reserved IOVAs of a device
 * @idev: the device
 * @facts: of its plain paging HWPTs, which a window for doorbells has to be in
 * @regions: filled in; the caller frees the entries with kfree(), if this succeeds
 *
 * What iommufd_group_reserve() keeps free in an IOAS, and those that are only
 * needed until a driver takes over. May sleep; takes the group's lock.
 *
 * Return: 0 or -ENOMEM.
 */
int iommufd_describe_regions(struct iommufd_device *idev,
			     const struct iommufd_paging_facts *facts,
			     struct iommufd_regions *regions)
{
	struct device *dev = idev->dev;
	struct list_head *item;
	LIST_HEAD(list);
	size_t num = 0;
	int rc = 0;

	*regions = (struct iommufd_regions){};
	iommu_get_resv_regions(dev, &list);
	list_for_each(item, &list)
		num++;
	if (num) {
		regions->entries = kcalloc(num, sizeof(*regions->entries),
					   GFP_KERNEL_ACCOUNT);
		rc = regions->entries ?
			     copy_regions(idev, &list, facts, regions) :
			     -ENOMEM;
	}
	iommu_put_resv_regions(dev, &list);
	if (rc)
		kfree(regions->entries);
	return rc;
}

/**
 * iommufd_usable_ranges() - what reserved regions leave
 * @regions: ascending
 * @start: first IOVA that is there at all
 * @last: last one, not below @start
 * @ranges: room for one more than there are regions
 *
 * Return: how many ranges, ascending; neighbours are one.
 */
unsigned int iommufd_usable_ranges(const struct iommufd_regions *regions,
				   u64 start, u64 last,
				   struct iommu_iova_range *ranges)
{
	const struct iommu_probe_region *region;
	unsigned int i, num = 0;

	for (i = 0; i < regions->num; i++) {
		region = &regions->entries[i];
		if (region->kind == IOMMU_PROBE_REGION_DIRECT_RELAXABLE)
			continue;
		if (region->start > last)
			break;
		if (region->last < start)
			continue;
		if (region->start > start) {
			ranges[num].start = start;
			ranges[num++].last = region->start - 1;
		}
		if (region->last >= last)
			return num;
		start = region->last + 1;
	}
	ranges[num].start = start;
	ranges[num++].last = last;
	return num;
}
