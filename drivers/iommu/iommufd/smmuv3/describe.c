// SPDX-License-Identifier: GPL-2.0-only
/* What an SMMUv3 can do, told in the words that are the same for every IOMMU. */
#include <linux/mm.h>

#include "describe.h"
#include "device.h"
#include "domain.h"
#include "faults.h"

/* The least that a stage 1 table takes, without small tables (5.4, CD.T0SZ). */
#define STAGE1_BITS_MIN		25
/* The most that a table takes whose granule is not 64 KiB (3.4). */
#define BITS_MAX		48U

/*
 * The granule of the table that io-pgtable makes: that of the CPU's pages if it can,
 * else the largest below, else the smallest above.
 */
static unsigned long table_granule(const struct smmuv3_caps *caps)
{
	unsigned long below = caps->granules & ~PAGE_MASK;

	if (caps->granules & PAGE_SIZE)
		return PAGE_SIZE;
	if (below)
		return BIT(__fls(below));
	return caps->granules ? BIT(__ffs(caps->granules)) : 0;
}

static unsigned int table_bits(unsigned int bits, unsigned long granule)
{
	return granule == SZ_64K ? bits : min(bits, BITS_MAX);
}

/**
 * smmuv3_describe_paging() - paging domains of one kind
 * @caps: of the unit
 * @flags: IOMMU_HWPT_ALLOC_*
 * @facts: zero; filled in
 */
void smmuv3_describe_paging(const struct smmuv3_caps *caps, u32 flags,
			    struct iommufd_paging_facts *facts)
{
	bool parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	bool dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	unsigned long granule = table_granule(caps);
	unsigned int bits;

	facts->offered = granule && smmuv3_paging_offered(caps, flags);
	if (!facts->offered)
		return;
	/* A parent is of stage 2; dirty state is kept in stage 1 alone */
	if (caps->stage1 && !parent)
		facts->widths[0] = iommufd_widths_to(caps->va_bits);
	if (caps->stage2 && !dirty)
		facts->widths[1] = iommufd_widths_to(caps->ias);
	bits = facts->widths[0] ? caps->va_bits : caps->ias;
	facts->last = DMA_BIT_MASK(table_bits(bits, granule));
	facts->page_sizes = smmuv3_paging_page_sizes(caps);
	facts->alignment = granule;
}

/**
 * smmuv3_describe_unit() - what does not depend on the device
 * @caps: of the unit
 * @description: widths and invalidations are filled in
 */
void smmuv3_describe_unit(const struct smmuv3_caps *caps,
			  struct iommufd_description *description)
{
	u64 *bits = description->address_widths;

	if (caps->stage1) {
		bits[0] = caps->va_bits;
		bits[1] = caps->stage2 ? caps->ias : caps->oas;
	}
	if (caps->stage2) {
		bits[2] = caps->ias;
		bits[3] = caps->oas;
	}
	if (caps->granules)
		description->iotlb_granule = BIT_ULL(__ffs(caps->granules));
}

static void describe(struct device *dev, struct iommufd_description *description)
{
	struct smmuv3_device *device = dev_iommu_priv_get(dev);
	const struct smmuv3_caps *caps = &device->unit->caps;
	struct iommu_probe_faults *faults = &description->faults;
	struct iommufd_format *format = &description->formats[0];
	u32 flags;

	for (flags = 0; flags < IOMMUFD_PAGING_KINDS; flags++)
		smmuv3_describe_paging(caps, flags,
				       &description->paging[flags]);
	smmuv3_describe_unit(caps, description);
	if (smmuv3_nest_possible(device->unit)) {
		format->type = IOMMU_HWPT_DATA_ARM_SMMUV3;
		format->widths = iommufd_widths_to(caps->va_bits) &
				 ~iommufd_widths_to(STAGE1_BITS_MIN - 1);
		description->num_formats = 1;
	}
	/* It is on only while something is attached that takes it (attach.c) */
	if (device->can_ats) {
		iommufd_describe_ats(device->pdev, faults);
		description->device_granule = BIT_ULL(device->ats_stu);
	}
	if (device->can_stall) {
		faults->flags |= IOMMU_PROBE_FAULTS_STALL;
		faults->stall_depth = smmuv3_faults_capacity(device);
	}
}

/**
 * smmuv3_caps_restrict() - what paging domains of two units have in common
 * @caps: of one; becomes of both
 * @with: of the other
 */
void smmuv3_caps_restrict(struct smmuv3_caps *caps,
			  const struct smmuv3_caps *with)
{
	caps->va_bits = min(caps->va_bits, with->va_bits);
	caps->ias = min(caps->ias, with->ias);
	caps->oas = min(caps->oas, with->oas);
	caps->granules &= with->granules;
	caps->stage1 &= with->stage1;
	caps->stage2 &= with->stage2;
	caps->coherent &= with->coherent;
	caps->hw_dirty &= with->hw_dirty;
	caps->s2fwb &= with->s2fwb;
	caps->no_nest |= with->no_nest;
}

static struct iommu_domain *alloc_common(struct device *const *devs,
					 unsigned int num, u32 flags)
{
	struct smmuv3_device *device = dev_iommu_priv_get(devs[0]);
	struct smmuv3_unit *unit = device->unit;
	struct smmuv3_caps caps = unit->caps;
	struct smmuv3_domain *domain;
	unsigned int i;

	for (i = 1; i < num; i++) {
		device = dev_iommu_priv_get(devs[i]);
		smmuv3_caps_restrict(&caps, &device->unit->caps);
		/* For it the table is written back */
		if (!device->unit->caps.coherent)
			unit = device->unit;
	}
	if (!smmuv3_unit_hold(unit))
		return ERR_PTR(-ENODEV);
	domain = smmuv3_paging_alloc_caps(unit, &caps, flags);
	if (IS_ERR(domain)) {
		smmuv3_unit_drop(unit);
		return ERR_CAST(domain);
	}
	domain->holds_unit = true;
	return &domain->domain;
}

/**
 * smmuv3_paging_alike() - would the same table be made for a unit?
 * @domain: paging
 * @caps: of the unit
 *
 * Return: whether it would, without flags.
 */
bool smmuv3_paging_alike(const struct smmuv3_domain *domain,
			 const struct smmuv3_caps *caps)
{
	const struct io_pgtable_cfg *cfg = &domain->pgtbl_cfg;
	bool stage1 = domain->kind == SMMUV3_DOMAIN_STAGE1;
	struct iommufd_paging_facts facts = {};

	smmuv3_describe_paging(caps, 0, &facts);
	return stage1 == caps->stage1 && !domain->nest_parent &&
	       !domain->domain.dirty_ops &&
	       domain->domain.geometry.aperture_end == facts.last &&
	       BIT_ULL(__ffs(cfg->pgsize_bitmap)) == facts.alignment &&
	       cfg->oas == table_bits(caps->oas, facts.alignment) &&
	       cfg->coherent_walk == caps->coherent;
}

static bool alike(struct iommu_domain *domain, struct device *dev)
{
	struct smmuv3_device *device = dev_iommu_priv_get(dev);

	return smmuv3_paging_alike(to_smmuv3_domain(domain),
				   &device->unit->caps);
}

static struct iommufd_describer describer = {
	.describe = describe,
	.alloc_common = alloc_common,
	.alike = alike,
};

/**
 * smmuv3_describer_register() - state facts from now on
 * @ops: of all SMMUv3s
 *
 * Called once.
 */
void smmuv3_describer_register(const struct iommu_ops *ops)
{
	describer.iommu_ops = ops;
	iommufd_describer_register(&describer);
}
