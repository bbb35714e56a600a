// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains: a first-stage table in a guest's memory, walked by the unit
 * through the second stage of the guest's own address space (3.8).
 */
#include <linux/iommu.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../invalidate.h"
#include "domain.h"
#include "invalidate.h"

/* Entries of a user's array that are looked at together. */
#define CHUNK_ENTRIES	VTD_SUBMIT_MAX

static int nested_set_pasid(struct iommu_domain *core, struct device *dev,
			    ioasid_t pasid, struct iommu_domain *old)
{
	return vtd_attach(to_vtd_domain(core), dev_iommu_priv_get(dev), pasid);
}

static void nested_free(struct iommu_domain *core)
{
	struct vtd_domain *domain = to_vtd_domain(core);

	WARN_ON(!list_empty(&domain->attachments));
	spin_lock_irq(&domain->parent->lock);
	list_del_rcu(&domain->child_item);
	spin_unlock_irq(&domain->parent->lock);
	/*
	 * A flush of the parent may be at it, which has no use for @parent. Not waited for:
	 * a guest has one of these for each process, and may go with all of them.
	 */
	kfree_rcu(domain, rcu);
}

/**
 * struct flush_range - a checked entry of a user's array
 * @start: first byte
 * @last: last byte
 * @leaf: only leaves changed
 */
struct flush_range {
	u64 start;
	u64 last;
	bool leaf;
};

static int check_entry(const struct iommu_hwpt_vtd_s1_invalidate *entry,
		       struct flush_range *range)
{
	u64 size;

	if (entry->__reserved || (entry->flags & ~IOMMU_VTD_INV_FLAGS_LEAF))
		return -EOPNOTSUPP;
	range->leaf = entry->flags & IOMMU_VTD_INV_FLAGS_LEAF;
	if (entry->npages == U64_MAX && !entry->addr) {
		range->start = 0;
		range->last = U64_MAX;
		return 0;
	}
	if (!entry->npages || !IS_ALIGNED(entry->addr, VTD_PAGE_SIZE) ||
	    check_mul_overflow(entry->npages, (u64)VTD_PAGE_SIZE, &size) ||
	    check_add_overflow(entry->addr, size - 1, &range->last))
		return -EINVAL;
	range->start = entry->addr;
	return 0;
}

/**
 * struct chunk - working memory of an invalidation call
 * @ranges: checked entries
 * @serial: of each entry, the serial number of its first device-TLB descriptor
 * @descs: for the batch
 */
struct chunk {
	struct flush_range ranges[CHUNK_ENTRIES];
	unsigned long serial[CHUNK_ENTRIES];
	struct qi_desc descs[VTD_SUBMIT_MAX];
};

/* Too many PASIDs to name: all that was cached with the domain id, and by devices. */
static void flush_unit_all(struct vtd_batch *batch, struct vtd_domain *domain,
			   const struct vtd_tag *tag)
{
	struct attached_device *entry;

	vtd_batch_iotlb(batch, tag->did, 0, U64_MAX, false);
	list_for_each_entry_rcu(entry, &domain->devices.list, item) {
		struct vtd_device *device = entry->device;

		if (device->unit == tag->unit)
			vtd_batch_devtlb_all(batch, device);
	}
}

/*
 * The IOTLB of all ranges, then the device TLBs, which must not fill up again from
 * stale IOTLBs (6.5.2.11).
 */
static void flush_unit_ranges(struct vtd_batch *batch,
			      struct vtd_domain *domain,
			      const struct vtd_tag *tag,
			      const struct flush_range *ranges,
			      unsigned long *serial, unsigned int num)
{
	const struct flush_range *range;
	struct vtd_attachment *att;

	for (range = ranges; range < ranges + num; range++) {
		list_for_each_entry_rcu(att, &domain->attachments, item)
			if (att->tag == tag)
				vtd_batch_piotlb(batch, tag->did, att->pasid,
						 range->start, range->last,
						 range->leaf);
	}
	for (range = ranges; range < ranges + num; range++) {
		*serial++ = batch->done + batch->num;
		list_for_each_entry_rcu(att, &domain->attachments, item)
			if (att->tag == tag)
				vtd_batch_devtlb(batch, att->device,
						 att->pasid, range->start,
						 range->last);
	}
}

/* Of one unit. Of a flush that is not by range, the first entry is what failed. */
static int flush_unit(struct vtd_domain *domain, const struct vtd_tag *tag,
		      struct chunk *chunk, unsigned int num,
		      unsigned int *failed)
{
	static const struct flush_range whole = { .last = U64_MAX };
	struct vtd_batch batch = {
		.unit = tag->unit,
		.descs = chunk->descs,
		.max = ARRAY_SIZE(chunk->descs),
	};
	unsigned int i;
	int rc;

	switch (attached_flush_plan(&domain->devices, NULL,
				    vtd_device_forgets_all, num)) {
	case ATTACHED_FLUSH_RANGES:
		flush_unit_ranges(&batch, domain, tag, chunk->ranges,
				  chunk->serial, num);
		break;
	case ATTACHED_FLUSH_WHOLE:
		num = 1;
		flush_unit_ranges(&batch, domain, tag, &whole, chunk->serial,
				  num);
		break;
	case ATTACHED_FLUSH_DEVICES:
		num = 1;
		flush_unit_all(&batch, domain, tag);
		break;
	}
	rc = vtd_batch_submit(&batch);
	if (!rc)
		return 0;
	if (rc == -ETIMEDOUT)
		vtd_domain_distrust(domain);
	for (i = num; i-- > 1;)
		if (chunk->serial[i] <= batch.failed)
			break;
	*failed = min(*failed, i);
	return rc;
}

/*
 * All ranges on all units. Returns the first error, and in *@failed which entry it
 * was of: those behind it have been carried out as well.
 */
static int flush_ranges(struct vtd_domain *domain, struct chunk *chunk,
			unsigned int num, unsigned int *failed)
{
	struct vtd_tag *tag;
	int rc = 0, err;

	*failed = num;
	rcu_read_lock();
	list_for_each_entry_rcu(tag, &domain->tags, item) {
		err = flush_unit(domain, tag, chunk, num, failed);
		rc = rc ?: err;
	}
	rcu_read_unlock();
	return rc;
}

static int load_entry(struct iommu_user_data_array *array, u32 index,
		      struct flush_range *range)
{
	struct iommu_hwpt_vtd_s1_invalidate entry;
	int rc;

	if (array->type == IOMMU_HWPT_INVALIDATE_DATA_RANGE) {
		range->leaf = false;
		return iommufd_invalidate_range(array, index, &range->start,
						&range->last);
	}
	rc = iommu_copy_struct_from_user_array(&entry, array,
					       IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
					       index, __reserved);
	return rc ?: check_entry(&entry, range);
}

/* Entries [first, first + num) that are good, up to the first that is not. */
static int load_chunk(struct iommu_user_data_array *array, u32 first, u32 num,
		      struct chunk *chunk, unsigned int *loaded)
{
	int rc;

	for (*loaded = 0; *loaded < num; ++*loaded) {
		rc = load_entry(array, first + *loaded,
				&chunk->ranges[*loaded]);
		if (rc)
			return rc;
	}
	return 0;
}

static int nested_invalidate(struct iommu_domain *core,
			     struct iommu_user_data_array *array)
{
	struct vtd_domain *domain = to_vtd_domain(core);
	u32 done = 0, num = array->entry_num;
	unsigned int loaded, failed;
	struct chunk *chunk;
	int rc = 0, err;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 &&
	    array->type != IOMMU_HWPT_INVALIDATE_DATA_RANGE) {
		array->entry_num = 0;
		return -EINVAL;
	}
	chunk = kmalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk) {
		array->entry_num = 0;
		return -ENOMEM;
	}

	while (!rc && done < num) {
		rc = load_chunk(array, done, min(num - done, CHUNK_ENTRIES),
				chunk, &loaded);
		failed = loaded;
		err = loaded ? flush_ranges(domain, chunk, loaded, &failed) : 0;
		rc = err ?: rc;
		done += failed;
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	kfree(chunk);
	array->entry_num = done;
	return rc;
}

static const struct iommu_domain_ops nested_ops = {
	.attach_dev = vtd_attach_dev,
	.set_dev_pasid = nested_set_pasid,
	.cache_invalidate_user = nested_invalidate,
	.free = nested_free,
};

static int check_first_stage(const struct vtd_caps *caps,
			     struct vtd_domain *parent,
			     const struct iommu_hwpt_vtd_s1 *s1)
{
	if (s1->__reserved ||
	    (s1->flags & ~(u64)(IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_EAFE |
				IOMMU_VTD_S1_WPE)))
		return -EOPNOTSUPP;
	if ((s1->flags & IOMMU_VTD_S1_SRE) && !caps->supervisor)
		return -EOPNOTSUPP;
	if ((s1->flags & IOMMU_VTD_S1_EAFE) && !caps->extended_access)
		return -EOPNOTSUPP;
	if (s1->addr_width != 48 && s1->addr_width != 57)
		return -EINVAL;
	if (s1->addr_width == 57 && !caps->fs_5level)
		return -EOPNOTSUPP;
	/* The table itself is reached through the second stage */
	if (!IS_ALIGNED(s1->pgtbl_addr, VTD_PAGE_SIZE) ||
	    s1->pgtbl_addr > parent->domain.geometry.aperture_end)
		return -EINVAL;
	return 0;
}

/**
 * vtd_nested_alloc() - a domain for a user's first-stage table
 * @unit: of the device it is made for
 * @parent: the second stage; the caller keeps it until the domain is freed
 * @s1: checked here, every field
 *
 * May sleep.
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP): something is asked for that @unit
 * cannot do, or nobody knows; ERR_PTR(-EINVAL): a width that does not exist, or
 * a table that is not aligned or not in the parent's space; ERR_PTR(-ENOMEM).
 */
struct vtd_domain *vtd_nested_alloc(struct vtd_unit *unit,
				    struct vtd_domain *parent,
				    const struct iommu_hwpt_vtd_s1 *s1)
{
	struct vtd_domain *domain;
	int rc;

	if (!unit->caps.nested)
		return ERR_PTR(-EOPNOTSUPP);
	rc = check_first_stage(&unit->caps, parent, s1);
	if (rc)
		return ERR_PTR(rc);

	domain = vtd_domain_alloc(VTD_DOMAIN_NESTED, GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->domain.type = IOMMU_DOMAIN_NESTED;
	domain->domain.ops = &nested_ops;
	domain->parent = parent;
	domain->first = (struct vtd_target){
		.fs_root = s1->pgtbl_addr,
		.fs_levels = s1->addr_width == 57 ? 5 : 4,
		.supervisor = s1->flags & IOMMU_VTD_S1_SRE,
		.write_protect = s1->flags & IOMMU_VTD_S1_WPE,
		.extended_access = s1->flags & IOMMU_VTD_S1_EAFE,
	};
	spin_lock_irq(&parent->lock);
	list_add_tail_rcu(&domain->child_item, &parent->children);
	spin_unlock_irq(&parent->lock);
	return domain;
}
