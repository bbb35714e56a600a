/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device and the IOMMU in front of it can do, as facts that are the same
 * for every kind of IOMMU: an IOMMU driver states them, describe.c adds what the
 * iommu core knows, props.c tells user space.
 *
 * A driver registers once and never takes it back, so it has to be built in. Of
 * another driver only those facts are known that the core can be asked for.
 */
#ifndef __IOMMUFD_DESCRIBE_H
#define __IOMMUFD_DESCRIBE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/iommufd.h>

struct device;
struct pci_dev;

/* Flags that make a difference to the table of a paging HWPT */
#define IOMMUFD_PAGING_FLAGS	(IOMMU_HWPT_ALLOC_NEST_PARENT | \
				 IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
/* So many combinations there are, each an index */
#define IOMMUFD_PAGING_KINDS	(IOMMUFD_PAGING_FLAGS + 1)

/* Formats of guests' tables that a device can have */
#define IOMMUFD_FORMATS_MAX	2

/**
 * struct iommufd_paging_facts - paging HWPTs of one kind, for one device
 * @offered: there are such. Nothing else is looked at without it
 * @start: first IOVA that can be mapped
 * @last: last IOVA that can be mapped
 * @page_sizes: a bit for each size in bytes that such a table can be made of; the
 *	device's own table has some of them
 * @alignment: bytes: the smallest page of the device's own table; 0: not known
 * @widths: bit n: a table that takes n + 1 bits of address can be made; [0] of stage
 *	1, [1] of stage 2. Both 0: not known
 */
struct iommufd_paging_facts {
	bool offered;
	u64 start;
	u64 last;
	u64 page_sizes;
	u64 alignment;
	u64 widths[2];
};

/**
 * struct iommufd_format - a format of guests' tables
 * @type: enum iommu_hwpt_data_type
 * @widths: bit n: stage 1 tables that take n + 1 bits of address
 */
struct iommufd_format {
	u64 type;
	u64 widths;
};

/**
 * struct iommufd_description - the facts
 * @paging: by IOMMU_HWPT_ALLOC_NEST_PARENT and IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 * @address_widths: bits in to and out of stage 1, in to and out of stage 2; 0: no
 *	such stage. All 0: not known
 * @formats: those that nested HWPTs can have
 * @num_formats: how many, up to IOMMUFD_FORMATS_MAX
 * @faults: what is cached, asked for, and waits
 * @iotlb_granule: bytes that an invalidation of the IOMMU's cache takes away at
 *	least; U64_MAX: all; 0: not known
 * @device_granule: likewise of the device's cache; 0: it has none
 */
struct iommufd_description {
	struct iommufd_paging_facts paging[IOMMUFD_PAGING_KINDS];
	u64 address_widths[4];
	struct iommufd_format formats[IOMMUFD_FORMATS_MAX];
	unsigned int num_formats;
	struct iommu_probe_faults faults;
	u64 iotlb_granule;
	u64 device_granule;
};

/**
 * struct iommufd_describer - What an IOMMU driver registers
 * @node: the registry's
 * @iommu_ops: of its devices
 * @describe: state the facts; @description is zero but for what the core knows of
 *	faults, which may be corrected. @dev is bound; what is said of it must not
 *	change while it is. May sleep
 * @alloc_common: a paging domain, made with @flags, that every one of @devs can be
 *	attached to: all of them have this driver and @flags offered, and something in
 *	common of what was stated of their paging HWPTs. It must not depend on their
 *	order. The core takes away what is beyond the range in common. May sleep.
 *	ERR_PTR() of -EXDEV: what was not stated prevents it; -ENOMEM
 * @alike: is @domain, a paging domain made for one of the driver's devices without
 *	flags, what would be made for @dev? May sleep
 *
 * Constant once registered, but for @node. A driver that registers never asks the core
 * what a device is attached to (iommu_get_domain_for_dev()): what it is told may stand
 * for a domain of the driver's, see msi.h.
 */
struct iommufd_describer {
	struct list_head node;
	const struct iommu_ops *iommu_ops;
	void (*describe)(struct device *dev,
			 struct iommufd_description *description);
	struct iommu_domain *(*alloc_common)(struct device *const *devs,
					     unsigned int num, u32 flags);
	bool (*alike)(struct iommu_domain *domain, struct device *dev);
};

/* Once for each iommu_ops, before or after its units; for ever. */
void iommufd_describer_register(struct iommufd_describer *describer);
const struct iommufd_describer *
iommufd_describer_find(const struct iommu_ops *iommu_ops);

/* For a driver that turns ATS on later. */
int iommufd_describe_lacks_ats(struct device *dev);
void iommufd_describe_ats(struct pci_dev *pdev,
			  struct iommu_probe_faults *faults);

/* The bits of a mask of widths up to @bits. */
static inline u64 iommufd_widths_to(unsigned int bits)
{
	return bits ? GENMASK_ULL(bits - 1, 0) : 0;
}

/* --- for what is above the drivers --- */

struct iommufd_device;

/**
 * struct iommufd_regions - reserved IOVAs of a device
 * @entries: ascending by start; may overlap; owned, may be NULL
 * @num: how many
 */
struct iommufd_regions {
	struct iommu_probe_region *entries;
	unsigned int num;
};

u32 iommufd_paging_restrict(struct iommufd_paging_facts *common,
			    const struct iommufd_paging_facts *facts);
bool iommufd_domain_alike(struct iommu_domain *domain, struct device *dev);
int iommufd_describe(struct iommufd_device *idev,
		     struct iommufd_description *description);
int iommufd_describe_regions(struct iommufd_device *idev,
			     const struct iommufd_paging_facts *facts,
			     struct iommufd_regions *regions);
/* Into @ranges, with room for regions->num + 1 of them. Returns how many. */
unsigned int iommufd_usable_ranges(const struct iommufd_regions *regions,
				   u64 start, u64 last,
				   struct iommu_iova_range *ranges);

#endif
