// SPDX-License-Identifier: GPL-2.0-only
/* What a VT-d unit can do, told in the words that are the same for every IOMMU. */
#include <asm/processor.h>

#include "describe.h"
#include "device.h"
#include "domain.h"

/* Bits of address that a table of so many levels takes (3.6). */
static unsigned int level_bits(unsigned int levels)
{
	return VTD_PAGE_SHIFT + 9 * levels;
}

/**
 * vtd_describe_paging() - paging domains of one kind
 * @caps: of the unit
 * @flags: IOMMU_HWPT_ALLOC_*
 * @facts: zero; filled in
 */
void vtd_describe_paging(const struct vtd_caps *caps, u32 flags,
			 struct iommufd_paging_facts *facts)
{
	unsigned int levels = vtd_paging_levels(caps);

	facts->offered = levels && vtd_paging_offered(caps, flags);
	if (!facts->offered)
		return;
	facts->last = DMA_BIT_MASK(min_t(unsigned int, level_bits(levels),
					 caps->mgaw));
	facts->page_sizes = vtd_paging_page_sizes(caps);
	facts->alignment = VTD_PAGE_SIZE;
	for (levels = 3; levels <= 5; levels++)
		if (caps->ss_levels & BIT(levels))
			facts->widths[1] |= BIT_ULL(level_bits(levels) - 1);
}

/**
 * vtd_describe_unit() - what does not depend on the function
 * @caps: of the unit
 * @description: filled in but for paging domains and faults
 *
 * The second stage gives out what the machine has of physical addresses.
 */
void vtd_describe_unit(const struct vtd_caps *caps,
		       struct iommufd_description *description)
{
	u64 *bits = description->address_widths;

	if (caps->first_stage) {
		bits[0] = caps->fs_5level ? 57 : 48;
		bits[1] = caps->nested ? caps->mgaw :
					 boot_cpu_data.x86_phys_bits;
	}
	if (caps->second_stage) {
		bits[2] = caps->mgaw;
		bits[3] = boot_cpu_data.x86_phys_bits;
	}
	description->iotlb_granule = caps->page_selective ? VTD_PAGE_SIZE :
							    U64_MAX;
	if (caps->nested) {
		description->formats[0].type = IOMMU_HWPT_DATA_VTD_S1;
		description->formats[0].widths = BIT_ULL(47) |
			(caps->fs_5level ? BIT_ULL(56) : 0);
		description->num_formats = 1;
	}
}

static void describe(struct device *dev, struct iommufd_description *description)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);
	const struct vtd_caps *caps = &device->unit->caps;
	u32 flags;

	for (flags = 0; flags < IOMMUFD_PAGING_KINDS; flags++)
		vtd_describe_paging(caps, flags, &description->paging[flags]);
	vtd_describe_unit(caps, description);
	/* Whatever it has, STU is ours (device.c) */
	if (READ_ONCE(device->ats))
		description->device_granule = VTD_PAGE_SIZE;
}

/**
 * vtd_caps_restrict() - what paging domains of two units have in common
 * @caps: of one; becomes of both
 * @with: of the other
 */
void vtd_caps_restrict(struct vtd_caps *caps, const struct vtd_caps *with)
{
	caps->mgaw = min(caps->mgaw, with->mgaw);
	caps->ss_levels &= with->ss_levels;
	caps->ss_2m &= with->ss_2m;
	caps->ss_1g &= with->ss_1g;
	caps->nested &= with->nested;
	caps->dirty &= with->dirty;
	caps->coherent_walks &= with->coherent_walks;
}

static struct iommu_domain *alloc_common(struct device *const *devs,
					 unsigned int num, u32 flags)
{
	struct vtd_device *device = dev_iommu_priv_get(devs[0]);
	struct vtd_unit *unit = device->unit;
	struct vtd_caps caps = unit->caps;
	struct vtd_domain *domain;
	unsigned int i;

	for (i = 1; i < num; i++) {
		device = dev_iommu_priv_get(devs[i]);
		vtd_caps_restrict(&caps, &device->unit->caps);
		if (device->unit->caps.coherent_walks)
			continue;
		/* Its door cleans for all that walk without snooping */
		if (!unit->caps.coherent_walks &&
		    unit->door != device->unit->door)
			return ERR_PTR(-EXDEV);
		unit = device->unit;
	}
	if (!vtd_unit_hold(unit))
		return ERR_PTR(-ENODEV);
	domain = vtd_paging_alloc_caps(unit, &caps, dev_to_node(devs[0]),
				       flags);
	if (IS_ERR(domain)) {
		vtd_unit_drop(unit);
		return ERR_CAST(domain);
	}
	domain->holds_unit = true;
	return &domain->domain;
}

static bool alike(struct iommu_domain *domain, struct device *dev)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);

	return vtd_paging_alike(to_vtd_domain(domain), device->unit);
}

static struct iommufd_describer describer = {
	.describe = describe,
	.alloc_common = alloc_common,
	.alike = alike,
};

/**
 * vtd_describer_register() - state facts from now on
 * @ops: of all VT-d units
 *
 * Called once.
 */
void vtd_describer_register(const struct iommu_ops *ops)
{
	describer.iommu_ops = ops;
	iommufd_describer_register(&describer);
}
