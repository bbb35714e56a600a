// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging domains: a second-stage table that the kernel fills, for the DMA API and
 * for user space.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../invalidate.h"
#include "../map/table.h"
#include "domain.h"
#include "owed.h"

/*
 * Tables that are out of use go behind the flush of what they translated. A device that
 * did not answer has lost ATS on return; what a unit did not do, it owes, and then
 * tables are kept, and memory of user space as well (paging_owed()).
 */
static void flush_and_free(struct vtd_domain *domain, u64 start, u64 last,
			   struct list_head *tables)
{
	vtd_domain_flush(domain, start, last, list_empty(tables));
	vtd_put_tables(tables);
}

/*
 * What a guest may only read is not to be written to by the unit for it either, which it
 * does on some (vtd_unit::rw_parents).
 */
static bool may_map(const struct vtd_domain *domain, int prot)
{
	return !domain->rw_only || (prot & IOMMU_WRITE);
}

static int paging_map(struct iommu_domain *core, unsigned long iova,
		      phys_addr_t paddr, size_t pgsize, size_t pgcount,
		      int prot, gfp_t gfp, size_t *mapped)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	LIST_HEAD(stale);
	int rc;

	if (!may_map(domain, prot))
		return -EINVAL;
	rc = vtd_ss_map(&domain->ss, iova, paddr, pgsize, pgcount, prot, gfp,
			mapped, &stale);
	if (!list_empty(&stale))
		flush_and_free(domain, iova, iova + *mapped - 1, &stale);
	return rc;
}

/*
 * The gather may be about another range still: it is flushed, with the tables
 * that belong to it, before ours join it. Ours have been unlinked already; what
 * frees them is a flush that covers their range as well.
 */
static size_t paging_unmap(struct iommu_domain *core, unsigned long iova,
			   size_t pgsize, size_t pgcount,
			   struct iommu_iotlb_gather *gather)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	LIST_HEAD(freed);
	size_t size;

	size = vtd_ss_unmap(&domain->ss, iova, pgsize, pgcount, &freed);
	if (!size)
		return 0;
	if (!iommu_iotlb_gather_queued(gather) &&
	    iommu_iotlb_gather_is_disjoint(gather, iova, size))
		iommu_iotlb_sync(core, gather);
	iommu_iotlb_gather_add_range(gather, iova, size);
	/* A flush queue's tables the core frees, whatever became of the flush */
	if (core->type == IOMMU_DOMAIN_DMA_FQ && !list_empty(&freed) &&
	    iommu_iotlb_gather_queued(gather))
		flush_and_free(domain, iova, iova + size - 1, &freed);
	else
		list_splice_tail(&freed, &gather->freelist);
	return size;
}

static void paging_iotlb_sync(struct iommu_domain *core,
			      struct iommu_iotlb_gather *gather)
{
	/* The core also syncs when it has unmapped nothing */
	if (gather->start > gather->end)
		return;
	flush_and_free(to_vtd_domain(core), gather->start, gather->end,
		       &gather->freelist);
}

static void paging_flush_all(struct iommu_domain *core)
{
	vtd_domain_flush(to_vtd_domain(core), 0, U64_MAX, false);
}

/* Where not-present entries are cached, or writes to tables buffered (6.1, 6.8). */
static int paging_sync_map(struct iommu_domain *core, unsigned long iova,
			   size_t size)
{
	struct vtd_domain *domain = to_vtd_domain(core);

	/* Against attachment_publish(): the entries are there before we look */
	smp_mb();
	if (READ_ONCE(domain->needs_sync_map))
		vtd_domain_flush(domain, iova, iova + size - 1, false);
	return 0;
}

/* Ranges that are the same for every IOMMU; errors are told, unlike those of sync. */
static int paging_invalidate_user(struct iommu_domain *core,
				  struct iommu_user_data_array *array)
{
	u64 first, last;
	int rc, err = 0;

	rc = iommufd_invalidate_union(array, &first, &last);
	if (array->entry_num)
		err = vtd_domain_flush(to_vtd_domain(core), first, last, false);
	if (err)
		array->entry_num = 0;
	return err ?: rc;
}

static phys_addr_t paging_iova_to_phys(struct iommu_domain *core,
				       dma_addr_t iova)
{
	return vtd_ss_iova_to_phys(&to_vtd_domain(core)->ss, iova);
}

/* A bit of the PASID entry (9.6, PGSNP): to be decided before the first attach. */
static bool paging_enforce_coherency(struct iommu_domain *core)
{
	struct vtd_domain *domain = to_vtd_domain(core);

	spin_lock_irq(&domain->lock);
	if (domain->unit->caps.snoop_control &&
	    list_empty(&domain->attachments) && list_empty(&domain->children))
		domain->snoop = true;
	spin_unlock_irq(&domain->lock);
	return domain->snoop;
}

static int paging_set_pasid(struct iommu_domain *core, struct device *dev,
			    ioasid_t pasid, struct iommu_domain *old)
{
	return vtd_attach(to_vtd_domain(core), dev_iommu_priv_get(dev), pasid);
}

static void paging_free(struct iommu_domain *core)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	LIST_HEAD(tables);

	WARN_ON(!list_empty(&domain->attachments) ||
		!list_empty(&domain->children));
	vtd_ss_collect(&domain->ss, &tables);
	vtd_put_tables(&tables);
	if (domain->holds_unit)
		vtd_unit_drop(domain->unit);
	kfree(domain);
}

static const struct iommu_domain_ops paging_ops = {
	.attach_dev = vtd_attach_dev,
	.set_dev_pasid = paging_set_pasid,
	.map_pages = paging_map,
	.unmap_pages = paging_unmap,
	.iotlb_sync = paging_iotlb_sync,
	.iotlb_sync_map = paging_sync_map,
	.flush_iotlb_all = paging_flush_all,
	.cache_invalidate_user = paging_invalidate_user,
	.iova_to_phys = paging_iova_to_phys,
	.enforce_cache_coherency = paging_enforce_coherency,
	.free = paging_free,
};

/* --- whole calls --- */

static int paging_map_runs(struct iommu_domain *core, unsigned long iova,
			   const u64 *runs, unsigned int nr, int prot,
			   size_t *mapped)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	LIST_HEAD(stale);
	size_t done = 0;
	int rc;

	if (!may_map(domain, prot))
		return -EINVAL;
	rc = vtd_ss_map_runs(&domain->ss, iova, runs, nr, prot,
			     GFP_KERNEL_ACCOUNT, &done, &stale);
	*mapped += done;
	if (!list_empty(&stale))
		flush_and_free(domain, iova, iova + done - 1, &stale);
	return rc;
}

static size_t paging_unmap_range(struct iommu_domain *core, unsigned long iova,
				 size_t size, struct iommu_iotlb_gather *gather)
{
	return paging_unmap(core, iova, SZ_4K, size / SZ_4K, gather);
}

static void paging_sync_ranges(struct iommu_domain *core,
			       const struct iova_range *ranges,
			       unsigned int num)
{
	struct vtd_domain *domain = to_vtd_domain(core);

	/* As in paging_sync_map() */
	smp_mb();
	if (READ_ONCE(domain->needs_sync_map))
		vtd_domain_flush_ranges(domain, ranges, num, false);
}

static void paging_flush_ranges(struct iommu_domain *core,
				const struct iova_range *ranges,
				unsigned int num,
				struct iommu_iotlb_gather *gather)
{
	vtd_domain_flush_ranges(to_vtd_domain(core), ranges, num,
				list_empty(&gather->freelist));
	vtd_put_tables(&gather->freelist);
}

static bool paging_owed(struct iommu_domain *core)
{
	return vtd_units_owing();
}

static struct map_table_ops table_ops = {
	.domain_ops = &paging_ops,
	.map_runs = paging_map_runs,
	.unmap = paging_unmap_range,
	.sync_map = paging_sync_ranges,
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

static int set_dirty_of(struct vtd_domain *domain, struct vtd_unit *unit,
			bool on)
{
	struct vtd_attachment *att;
	int rc = 0, err;

	list_for_each_entry_rcu(att, &domain->attachments, item) {
		if (att->device->unit != unit)
			continue;
		err = vtd_pasid_set_dirty(att->device, att->pasid, on);
		if (err == -ETIMEDOUT)
			vtd_device_distrust(att->device);
		else if (err)
			rc = err;
	}
	return rc;
}

/*
 * An attach that comes meanwhile has the unit's lock before us, and is in the
 * list, or behind us, and sees dirty_tracking as it is now.
 */
static int set_dirty_everywhere(struct vtd_domain *domain, bool on)
{
	struct vtd_domain *child;
	struct vtd_unit *unit;
	int rc = 0, err;

	WRITE_ONCE(domain->dirty_tracking, on);
	vtd_for_each_unit(unit) {
		mutex_lock(&unit->lock);
		rcu_read_lock();
		err = set_dirty_of(domain, unit, on);
		list_for_each_entry_rcu(child, &domain->children, child_item)
			err = set_dirty_of(child, unit, on) ?: err;
		rcu_read_unlock();
		mutex_unlock(&unit->lock);
		rc = rc ?: err;
	}
	return rc;
}

/*
 * Calls one after the other, so that dirty_tracking is what the entries say. A unit that
 * refused an invalidation may go by an entry of before, and mark nothing: what was off
 * stays off, and who tries again changes the entry again, and has that invalidated.
 */
static int paging_set_dirty(struct iommu_domain *core, bool on)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	bool was;
	int rc;

	vtd_units_lock();
	was = domain->dirty_tracking;
	rc = set_dirty_everywhere(domain, on);
	/* What is refused of this is owed, and does not matter: too many marks */
	if (rc && on && !was)
		set_dirty_everywhere(domain, false);
	vtd_units_unlock();
	return rc;
}

static int paging_read_dirty(struct iommu_domain *core, unsigned long iova,
			     size_t size, unsigned long flags,
			     struct iommu_dirty_bitmap *dirty)
{
	struct vtd_domain *domain = to_vtd_domain(core);

	if (!READ_ONCE(domain->dirty_tracking) && dirty->bitmap)
		return -EINVAL;
	return vtd_ss_read_and_clear_dirty(&domain->ss, iova, size, flags,
					   dirty);
}

static const struct iommu_dirty_ops dirty_ops = {
	.set_dirty_tracking = paging_set_dirty,
	.read_and_clear_dirty = paging_read_dirty,
};

/**
 * vtd_paging_levels() - levels of the tables that are made for a unit
 * @caps: of the unit
 *
 * Return: the fewest that take every address the unit does; if none do, the most.
 */
u8 vtd_paging_levels(const struct vtd_caps *caps)
{
	u8 levels, widest = 0;

	for (levels = 3; levels <= 5; levels++) {
		if (!(caps->ss_levels & BIT(levels)))
			continue;
		widest = levels;
		if (12 + 9 * levels >= caps->mgaw)
			break;
	}
	return widest;
}

static void clean_for_unit(void *data, void *addr, size_t size)
{
	struct vtd_unit *unit = data;

	unit->door->clean(unit, addr, size);
}

/**
 * vtd_paging_offered() - can a unit have paging domains with these flags?
 * @caps: of the unit
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
 *	IOMMU_HWPT_ALLOC_PASID
 *
 * Return: whether it can; false also if there are other flags.
 */
bool vtd_paging_offered(const struct vtd_caps *caps, u32 flags)
{
	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT |
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
		      IOMMU_HWPT_ALLOC_PASID))
		return false;
	if ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !caps->nested)
		return false;
	return !(flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) || caps->dirty;
}

/**
 * vtd_paging_page_sizes() - page sizes of the tables that are made for a unit
 * @caps: of the unit
 *
 * Return: a bit for each.
 */
u64 vtd_paging_page_sizes(const struct vtd_caps *caps)
{
	return SZ_4K | (caps->ss_2m ? SZ_2M : 0) | (caps->ss_1g ? SZ_1G : 0);
}

/**
 * vtd_paging_alloc_caps() - an empty paging domain for several units
 * @unit: one of them; if any walk without snooping, one of those
 * @caps: what they have in common
 * @nid: NUMA node for its tables, or NUMA_NO_NODE
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
 *	IOMMU_HWPT_ALLOC_PASID, which any domain suits
 *
 * May sleep.
 *
 * Return: as vtd_paging_alloc().
 */
struct vtd_domain *vtd_paging_alloc_caps(struct vtd_unit *unit,
					 const struct vtd_caps *caps, int nid,
					 u32 flags)
{
	struct vtd_ss_config config = {
		.levels = vtd_paging_levels(caps),
		.leaf_2m = caps->ss_2m,
		.leaf_1g = caps->ss_1g,
		.clean = caps->coherent_walks ? NULL : clean_for_unit,
		.clean_data = unit,
		.nid = nid,
	};
	struct vtd_domain *domain;
	unsigned int bits;
	int rc;

	if (!vtd_paging_offered(caps, flags))
		return ERR_PTR(-EOPNOTSUPP);

	domain = vtd_domain_alloc(VTD_DOMAIN_PAGING, GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	rc = vtd_ss_init(&domain->ss, &config);
	if (rc) {
		kfree(domain);
		return ERR_PTR(rc);
	}
	domain->unit = unit;
	domain->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	domain->rw_only = domain->nest_parent && unit->rw_parents;

	bits = min_t(unsigned int, caps->mgaw, vtd_ss_bits(&domain->ss));
	domain->domain.type = IOMMU_DOMAIN_UNMANAGED;
	domain->domain.ops = &paging_ops;
	domain->domain.pgsize_bitmap = vtd_paging_page_sizes(caps);
	domain->domain.geometry.aperture_end = DMA_BIT_MASK(bits);
	domain->domain.geometry.force_aperture = true;
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->domain.dirty_ops = &dirty_ops;
	return domain;
}

/**
 * vtd_paging_alloc() - an empty paging domain
 * @unit: for devices behind this, and units like it
 * @nid: NUMA node for its tables, or NUMA_NO_NODE
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 *
 * May sleep.
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP): @unit cannot do what @flags ask, or
 * there are others; ERR_PTR(-ENOMEM).
 */
struct vtd_domain *vtd_paging_alloc(struct vtd_unit *unit, int nid, u32 flags)
{
	return vtd_paging_alloc_caps(unit, &unit->caps, nid, flags);
}

/**
 * vtd_paging_alike() - would the same table be made for a unit?
 * @domain: paging
 * @unit: the unit
 *
 * Return: whether it would, without flags.
 */
bool vtd_paging_alike(const struct vtd_domain *domain,
		      const struct vtd_unit *unit)
{
	const struct vtd_ss_config *config = &domain->ss.config;
	const struct vtd_caps *caps = &unit->caps;
	unsigned int bits = min_t(unsigned int, caps->mgaw,
				  vtd_ss_bits(&domain->ss));

	return config->levels == vtd_paging_levels(caps) &&
	       config->leaf_2m == caps->ss_2m &&
	       config->leaf_1g == caps->ss_1g &&
	       domain->domain.geometry.aperture_end == DMA_BIT_MASK(bits) &&
	       domain->snoop == caps->snoop_control &&
	       !config->clean == caps->coherent_walks &&
	       (!config->clean || unit->door == domain->unit->door) &&
	       !domain->nest_parent && !domain->domain.dirty_ops;
}

/**
 * vtd_nest_parent() - can user tables be nested over this?
 * @domain: of any driver
 *
 * Return: the domain, or NULL.
 */
struct vtd_domain *vtd_nest_parent(struct iommu_domain *domain)
{
	struct vtd_domain *parent;

	if (domain->ops != &paging_ops)
		return NULL;
	parent = to_vtd_domain(domain);
	return parent->nest_parent ? parent : NULL;
}
