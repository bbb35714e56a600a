// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging domains: a table that the kernel fills, of stage 1 or stage 2, for the DMA
 * API and for user space. The table itself is the base tree's (io-pgtable), or
 * that of stage2.c, which behaves alike.
 *
 * What io-pgtable asks of us: before it frees a table that an unmap has emptied, or
 * that a block takes the place of, it has flush_walk() flush exactly what the table
 * was for; each leaf that it clears it names to add_page(), which flushes what was
 * gathered so far if the new one is not next to it or of another size. So a table
 * is never freed before the flush that covers it, and the gather carries no tables.
 */
#include <linux/io-pgtable.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-pages.h"
#include "../invalidate.h"
#include "../map/table.h"
#include "domain.h"
#include "tables.h"

/* TCR of a context descriptor, word 0 (5.4) */
#define CD_T0SZ(_v)	((u64)(_v))
#define CD_TG0(_v)	((u64)(_v) << 6)
#define CD_IR0(_v)	((u64)(_v) << 8)
#define CD_OR0(_v)	((u64)(_v) << 10)
#define CD_SH0(_v)	((u64)(_v) << 12)
#define CD_EPD1		BIT_ULL(30)
#define CD_IPS(_v)	((u64)(_v) << 32)

/* VTCR of a stream table entry, from bit 160 on (5.2) */
#define STE_S2T0SZ(_v)	((u32)(_v))
#define STE_S2SL0(_v)	((u32)(_v) << 6)
#define STE_S2IR0(_v)	((u32)(_v) << 8)
#define STE_S2OR0(_v)	((u32)(_v) << 10)
#define STE_S2SH0(_v)	((u32)(_v) << 12)
#define STE_S2TG(_v)	((u32)(_v) << 14)
#define STE_S2PS(_v)	((u32)(_v) << 16)

static size_t smallest_page(const struct smmuv3_domain *domain)
{
	return BIT(__ffs(domain->pgtbl_cfg.pgsize_bitmap));
}

/* --- what io-pgtable calls --- */

static void table_flush_all(void *cookie)
{
	struct smmuv3_domain *domain = cookie;

	smmuv3_domain_flush(domain, 0, U64_MAX, smallest_page(domain), false);
}

static void table_flush_walk(unsigned long iova, size_t size, size_t granule,
			     void *cookie)
{
	smmuv3_domain_flush_walks(cookie, iova, iova + size - 1, granule);
}

static void table_add_page(struct iommu_iotlb_gather *gather,
			   unsigned long iova, size_t granule, void *cookie)
{
	struct smmuv3_domain *domain = cookie;

	iommu_iotlb_gather_add_page(&domain->domain, gather, iova, granule);
}

static const struct iommu_flush_ops table_flush_ops = {
	.tlb_flush_all = table_flush_all,
	.tlb_flush_walk = table_flush_walk,
	.tlb_add_page = table_add_page,
};

/*
 * Who maps says what is charged. But the root is made with the domain, with flags
 * that io-pgtable chooses, and is up to 16 pages: whoever makes domains pays for it.
 */
static void *table_alloc(void *cookie, size_t size, gfp_t gfp)
{
	struct smmuv3_domain *domain = cookie;

	if (!domain->pgtbl)
		gfp |= __GFP_ACCOUNT;
	return iommu_alloc_pages_node(dev_to_node(domain->unit->dev), gfp,
				      get_order(size));
}

static void table_free(void *cookie, void *table, size_t size)
{
	smmuv3_domain_free_table(cookie, table, get_order(size));
}

/* --- what the core calls --- */

/* io-pgtable takes an address out of bounds for a bug of ours. */
static bool in_bounds(const struct smmuv3_domain *domain, unsigned long iova,
		      phys_addr_t paddr, size_t size)
{
	u64 last_in, last_out;

	return size && !check_add_overflow((u64)iova, size - 1, &last_in) &&
	       !check_add_overflow((u64)paddr, size - 1, &last_out) &&
	       last_in <= domain->domain.geometry.aperture_end &&
	       last_out <= DMA_BIT_MASK(domain->pgtbl_cfg.oas);
}

static int paging_map(struct iommu_domain *core, unsigned long iova,
		      phys_addr_t paddr, size_t pgsize, size_t pgcount,
		      int prot, gfp_t gfp, size_t *mapped)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	if (!in_bounds(domain, iova, paddr, pgsize * pgcount))
		return -ERANGE;
	return domain->pgtbl->map_pages(domain->pgtbl, iova, paddr, pgsize,
					pgcount, prot, gfp, mapped);
}

static size_t paging_unmap(struct iommu_domain *core, unsigned long iova,
			   size_t pgsize, size_t pgcount,
			   struct iommu_iotlb_gather *gather)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	if (!in_bounds(domain, iova, 0, pgsize * pgcount))
		return 0;
	/*
	 * Who gathers ranges of his own: the size of the leaves if it is one, else the
	 * least there is, which tells no level. A level would be all that is forgotten
	 * (4.4.1.1)
	 */
	if (iommu_iotlb_gather_queued(gather))
		gather->pgsize = !gather->pgsize || gather->pgsize == pgsize ?
				 pgsize : smallest_page(domain);
	return domain->pgtbl->unmap_pages(domain->pgtbl, iova, pgsize, pgcount,
					  gather);
}

/*
 * A device that did not answer is shut out before the memory goes back to its owner.
 * What a unit did not do, it owes, and then smmuv3_domain_owed() keeps the memory of
 * user space, and page tables: that is how to tell a core whose flush returns nothing.
 * Only the DMA API unmaps where it must not sleep, and what it unmaps is the memory of
 * a kernel driver: there it is the work, soon after (smmuv3_device_distrust()). So it is
 * where an mm's notifier may wait for us (map/pfnmap.c, PF_MEMALLOC): the work takes a
 * lock with which others allocate, and reclaim may be waiting for that notifier.
 */
static void flush_unmapped_ranges(struct smmuv3_domain *domain,
				  const struct iova_range *ranges,
				  unsigned int num, size_t granule, bool leaf)
{
	if (smmuv3_domain_flush_ranges(domain, ranges, num, granule, leaf) &&
	    domain->domain.type == IOMMU_DOMAIN_UNMANAGED &&
	    !(current->flags & PF_MEMALLOC))
		smmuv3_devices_settle();
}

static void flush_unmapped(struct smmuv3_domain *domain, u64 start, u64 last,
			   size_t granule, bool leaf)
{
	struct iova_range range = { .start = start, .last = last };

	flush_unmapped_ranges(domain, &range, 1, granule, leaf);
}

/* Who gathers ranges, not pages, says nothing of their size. */
static void paging_iotlb_sync(struct iommu_domain *core,
			      struct iommu_iotlb_gather *gather)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	/* The core also syncs when it has unmapped nothing */
	if (gather->start > gather->end)
		return;
	flush_unmapped(domain, gather->start, gather->end,
		       gather->pgsize ?: smallest_page(domain), true);
}

static void paging_flush_all(struct iommu_domain *core)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	flush_unmapped(domain, 0, U64_MAX, smallest_page(domain), false);
}

/* Ranges that are the same for every IOMMU; errors are told, unlike those of sync. */
static int paging_invalidate_user(struct iommu_domain *core,
				  struct iommu_user_data_array *array)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);
	u64 first, last;
	int rc, err = 0;

	rc = iommufd_invalidate_union(array, &first, &last);
	if (array->entry_num)
		err = smmuv3_domain_flush(domain, first, last,
					  smallest_page(domain), false);
	if (err) {
		smmuv3_devices_settle();
		array->entry_num = 0;
	}
	return err ?: rc;
}

static phys_addr_t paging_iova_to_phys(struct iommu_domain *core,
				       dma_addr_t iova)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	if (iova > core->geometry.aperture_end)
		return 0;
	return domain->pgtbl->iova_to_phys(domain->pgtbl, iova);
}

static void free_table(struct smmuv3_domain *domain)
{
	if (domain->fwb)
		smmuv3_stage2_free(domain->pgtbl);
	else
		free_io_pgtable_ops(domain->pgtbl);
}

static void paging_free(struct iommu_domain *core)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	WARN_ON(!list_empty(&domain->attachments) ||
		!list_empty(&domain->children));
	domain->keep_tables = smmuv3_domain_owed(domain);
	smmuv3_tags_abandon(domain);
	free_table(domain);
	if (domain->holds_unit)
		smmuv3_unit_drop(domain->unit);
	kfree_rcu(domain, rcu);
}

/*
 * No iotlb_sync_map: what does not translate is not cached (3.21), and io-pgtable
 * has cleaned what an incoherent walk is going to read.
 */
static const struct iommu_domain_ops paging_ops = {
	.attach_dev = smmuv3_attach_dev,
	.set_dev_pasid = smmuv3_set_dev_pasid,
	.map_pages = paging_map,
	.unmap_pages = paging_unmap,
	.iotlb_sync = paging_iotlb_sync,
	.flush_iotlb_all = paging_flush_all,
	.cache_invalidate_user = paging_invalidate_user,
	.iova_to_phys = paging_iova_to_phys,
	.free = paging_free,
};

/* --- whole calls --- */

/*
 * The leaves alone: io-pgtable and stage2.c flush a table before they free it, so
 * the gather has none.
 */
static void paging_flush_ranges(struct iommu_domain *core,
				const struct iova_range *ranges,
				unsigned int num,
				struct iommu_iotlb_gather *gather)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	flush_unmapped_ranges(domain, ranges, num,
			      gather->pgsize ?: smallest_page(domain), true);
}

static bool paging_owed(struct iommu_domain *core)
{
	return smmuv3_domain_owed(to_smmuv3_domain(core));
}

static struct map_table_ops table_ops = {
	.domain_ops = &paging_ops,
	.flush = paging_flush_ranges,
	.owed = paging_owed,
};

static int __init register_tables(void)
{
	map_table_register(&table_ops);
	return 0;
}
subsys_initcall(register_tables);

/* --- dirty tracking --- */

/*
 * Writable leaves are clean or dirty from the start (IO_PGTABLE_QUIRK_ARM_HD), and
 * hardware makes dirty ones of clean ones all the time (CD.HD). What changes is who
 * looks.
 */
static int paging_set_dirty(struct iommu_domain *core, bool on)
{
	WRITE_ONCE(to_smmuv3_domain(core)->dirty_tracking, on);
	return 0;
}

static int paging_read_dirty(struct iommu_domain *core, unsigned long iova,
			     size_t size, unsigned long flags,
			     struct iommu_dirty_bitmap *dirty)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	if (!READ_ONCE(domain->dirty_tracking) && dirty->bitmap)
		return -EINVAL;
	if (!in_bounds(domain, iova, 0, size))
		return -EINVAL;
	smmuv3_read_dirty(domain, iova, size, flags, dirty);
	return 0;
}

static const struct iommu_dirty_ops dirty_ops = {
	.set_dirty_tracking = paging_set_dirty,
	.read_and_clear_dirty = paging_read_dirty,
};

/* --- making one --- */

/**
 * smmuv3_paging_page_sizes() - pages and blocks of every granule of a unit
 * @caps: of the unit
 *
 * Return: a bit for each; io-pgtable chooses the granule.
 */
unsigned long smmuv3_paging_page_sizes(const struct smmuv3_caps *caps)
{
	unsigned long sizes = 0;

	if (caps->granules & SZ_4K)
		sizes |= SZ_4K | SZ_2M | SZ_1G;
	if (caps->granules & SZ_16K)
		sizes |= SZ_16K | SZ_32M;
	if (caps->granules & SZ_64K)
		sizes |= SZ_64K | SZ_512M;
	return sizes;
}

/**
 * smmuv3_can_track_dirty() - can domains with dirty tracking be made?
 * @caps: of the unit
 *
 * Those are of stage 1, as io-pgtable's stage 2 keeps no dirty state; and hardware's
 * changes of the table have to be seen.
 *
 * Return: whether they can.
 */
bool smmuv3_can_track_dirty(const struct smmuv3_caps *caps)
{
	return caps->stage1 && caps->hw_dirty && caps->coherent;
}

/**
 * smmuv3_paging_offered() - can a unit have paging domains with these flags?
 * @caps: of the unit
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
 *	IOMMU_HWPT_ALLOC_PASID
 *
 * Return: whether it can; false also if there are other flags.
 */
bool smmuv3_paging_offered(const struct smmuv3_caps *caps, u32 flags)
{
	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT |
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
		      IOMMU_HWPT_ALLOC_PASID))
		return false;
	/* A context descriptor points to a table of stage 1 */
	if ((flags & IOMMU_HWPT_ALLOC_PASID) &&
	    ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) || !caps->stage1))
		return false;
	if ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) &&
	    ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) ||
	     !smmuv3_can_nest(caps)))
		return false;
	return !(flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) ||
	       smmuv3_can_track_dirty(caps);
}

static int make_table(struct smmuv3_domain *domain,
		      const struct smmuv3_caps *caps, u32 flags)
{
	struct io_pgtable_cfg *cfg = &domain->pgtbl_cfg;
	enum io_pgtable_fmt format = ARM_64_LPAE_S1;

	cfg->pgsize_bitmap = smmuv3_paging_page_sizes(caps);
	cfg->ias = caps->va_bits;
	cfg->oas = caps->oas;
	cfg->coherent_walk = caps->coherent;
	cfg->tlb = &table_flush_ops;
	cfg->alloc = table_alloc;
	cfg->free = table_free;
	cfg->iommu_dev = domain->unit->dev;
	if (domain->kind == SMMUV3_DOMAIN_STAGE2) {
		format = ARM_64_LPAE_S2;
		cfg->ias = caps->ias;
	}
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		cfg->quirks |= IO_PGTABLE_QUIRK_ARM_HD;
	domain->fwb = domain->nest_parent && smmuv3_stage2_possible(caps);
	if (domain->fwb)
		domain->pgtbl = smmuv3_stage2_alloc(domain, cfg);
	else
		domain->pgtbl = alloc_io_pgtable_ops(format, cfg, domain);
	return domain->pgtbl ? 0 : -ENOMEM;
}

/**
 * smmuv3_paging_alloc_caps() - an empty paging domain for several units
 * @unit: one of them; if any walk without snooping, one of those
 * @caps: what they have in common
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
 *	IOMMU_HWPT_ALLOC_PASID
 *
 * May sleep.
 *
 * Return: as smmuv3_paging_alloc().
 */
struct smmuv3_domain *smmuv3_paging_alloc_caps(struct smmuv3_unit *unit,
					       const struct smmuv3_caps *caps,
					       u32 flags)
{
	struct smmuv3_domain *domain;
	bool stage1 = caps->stage1 && !(flags & IOMMU_HWPT_ALLOC_NEST_PARENT);
	int rc;

	if (!smmuv3_paging_offered(caps, flags))
		return ERR_PTR(-EOPNOTSUPP);
	domain = smmuv3_domain_alloc(stage1 ? SMMUV3_DOMAIN_STAGE1 :
					      SMMUV3_DOMAIN_STAGE2,
				     GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->unit = unit;
	domain->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	rc = make_table(domain, caps, flags);
	if (rc) {
		kfree(domain);
		return ERR_PTR(rc);
	}

	domain->domain.type = IOMMU_DOMAIN_UNMANAGED;
	domain->domain.ops = &paging_ops;
	domain->domain.pgsize_bitmap = domain->pgtbl_cfg.pgsize_bitmap;
	domain->domain.geometry.aperture_end =
		DMA_BIT_MASK(domain->pgtbl_cfg.ias);
	domain->domain.geometry.force_aperture = true;
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->domain.dirty_ops = &dirty_ops;
	return domain;
}

/**
 * smmuv3_paging_alloc() - an empty paging domain
 * @unit: for devices behind this, and units like it
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 *
 * Stage 1, unless it is to be a parent or the unit has no stage 1. May sleep.
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP): @unit cannot do what @flags ask, or
 * there are others; ERR_PTR(-ENOMEM).
 */
struct smmuv3_domain *smmuv3_paging_alloc(struct smmuv3_unit *unit, u32 flags)
{
	return smmuv3_paging_alloc_caps(unit, &unit->caps, flags);
}

/**
 * smmuv3_paging_suits() - can a table be used by another unit?
 * @domain: of stage 1 or 2
 * @caps: of the unit
 *
 * A table that is kept clean for incoherent walks is good for coherent ones too.
 *
 * Return: whether it can.
 */
bool smmuv3_paging_suits(struct smmuv3_domain *domain,
			 const struct smmuv3_caps *caps)
{
	const struct io_pgtable_cfg *cfg = &domain->pgtbl_cfg;
	bool stage1 = domain->kind == SMMUV3_DOMAIN_STAGE1;

	return (stage1 ? caps->stage1 : caps->stage2) &&
	       (caps->granules & smallest_page(domain)) &&
	       cfg->ias <= (stage1 ? caps->va_bits : caps->ias) &&
	       cfg->oas <= caps->oas &&
	       (caps->coherent || !cfg->coherent_walk) &&
	       (caps->s2fwb || stage1 || !domain->fwb) &&
	       (!domain->nest_parent || smmuv3_can_nest(caps)) &&
	       (!domain->domain.dirty_ops || smmuv3_can_track_dirty(caps));
}

/**
 * smmuv3_paging_context() - how a context descriptor tells of a table
 * @domain: of stage 1
 * @target: filled in, but for the ASID and what a fault does
 */
void smmuv3_paging_context(struct smmuv3_domain *domain,
			   struct smmuv3_context_target *target)
{
	const typeof(domain->pgtbl_cfg.arm_lpae_s1_cfg) *cfg =
		&domain->pgtbl_cfg.arm_lpae_s1_cfg;

	target->ttb = cfg->ttbr;
	target->mair = cfg->mair;
	target->tcr = CD_T0SZ(cfg->tcr.tsz) | CD_TG0(cfg->tcr.tg) |
		      CD_IR0(cfg->tcr.irgn) | CD_OR0(cfg->tcr.orgn) |
		      CD_SH0(cfg->tcr.sh) | CD_IPS(cfg->tcr.ips) | CD_EPD1;
	/* HD needs HA (5.4); io-pgtable sets access flags by itself */
	target->hw_access = domain->domain.dirty_ops;
	target->hw_dirty = domain->domain.dirty_ops;
}

/**
 * smmuv3_paging_stage2() - how a stream table entry tells of a table
 * @domain: of stage 2
 * @target: filled in, but for the VMID
 */
void smmuv3_paging_stage2(struct smmuv3_domain *domain,
			  struct smmuv3_stage2 *target)
{
	const typeof(domain->pgtbl_cfg.arm_lpae_s2_cfg) *cfg =
		&domain->pgtbl_cfg.arm_lpae_s2_cfg;

	target->vttb = cfg->vttbr;
	target->vtcr = STE_S2T0SZ(cfg->vtcr.tsz) | STE_S2SL0(cfg->vtcr.sl) |
		       STE_S2IR0(cfg->vtcr.irgn) | STE_S2OR0(cfg->vtcr.orgn) |
		       STE_S2SH0(cfg->vtcr.sh) | STE_S2TG(cfg->vtcr.tg) |
		       STE_S2PS(cfg->vtcr.ps);
	target->fwb = domain->fwb;
}

/**
 * smmuv3_nest_parent() - can user tables be nested over this?
 * @domain: of any driver
 *
 * Return: the domain, or NULL.
 */
struct smmuv3_domain *smmuv3_nest_parent(struct iommu_domain *domain)
{
	struct smmuv3_domain *parent;

	if (domain->ops != &paging_ops)
		return NULL;
	parent = to_smmuv3_domain(domain);
	return parent->kind == SMMUV3_DOMAIN_STAGE2 && parent->nest_parent ?
		       parent : NULL;
}
