/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage page tables (VT-d specification 3.7, 9.8): from I/O virtual or
 * guest physical addresses to host physical ones.
 *
 * Nothing here invalidates. What a change makes stale is returned to the caller,
 * who flushes it and only then frees the tables that were taken out.
 */
#ifndef __IOMMUFD_VTD_SECOND_STAGE_H
#define __IOMMUFD_VTD_SECOND_STAGE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>

/* Bits of an entry (9.8). What the unit ignores or reserves stays 0. */
#define VTD_SS_READ		BIT_ULL(0)
#define VTD_SS_WRITE		BIT_ULL(1)
#define VTD_SS_LARGE		BIT_ULL(7)
#define VTD_SS_ACCESSED		BIT_ULL(8)
#define VTD_SS_DIRTY		BIT_ULL(9)
#define VTD_SS_ADDR		GENMASK_ULL(51, 12)

/**
 * struct vtd_ss_config - the format of a table
 * @levels: 3, 4 or 5
 * @leaf_2m: leaves of 2 MiB are allowed
 * @leaf_1g: leaves of 1 GiB are allowed
 * @clean: called with each range of entries just written, for units that walk
 *	without snooping; NULL if all snoop. Any context
 * @clean_data: for @clean
 * @nid: NUMA node for tables, or NUMA_NO_NODE
 */
struct vtd_ss_config {
	u8 levels;
	bool leaf_2m;
	bool leaf_1g;
	void (*clean)(void *clean_data, void *addr, size_t size);
	void *clean_data;
	int nid;
};

/**
 * struct vtd_ss - a table
 * @config: constant
 * @root: the top table, a page; constant
 *
 * Callers change different ranges at once without a lock; that nobody changes or
 * reads a range while somebody else changes it is the caller's to see to, as
 * with iommu_map(). Entries are written whole and atomically; the unit may set
 * their accessed and dirty bits at any time (3.7.2).
 */
struct vtd_ss {
	struct vtd_ss_config config;
	u64 *root;
};

int vtd_ss_init(struct vtd_ss *ss, const struct vtd_ss_config *config);
void vtd_ss_free(struct vtd_ss *ss);
void vtd_ss_collect(struct vtd_ss *ss, struct list_head *tables);

/* Bits of an input address that the table takes. */
static inline unsigned int vtd_ss_bits(const struct vtd_ss *ss)
{
	return 12 + 9 * ss->config.levels;
}

static inline phys_addr_t vtd_ss_root(const struct vtd_ss *ss)
{
	return virt_to_phys(ss->root);
}

/*
 * @stale: empty tables that a large leaf took the place of are appended (by
 * page->lru): if it is not empty on return, flush [iova, iova + *mapped), upper
 * levels too, then iommu_put_pages_list().
 * 0; -EEXIST: there is a leaf in the range; -ENOMEM; -EINVAL: @pgsize is not a
 * leaf size of the table, or something is not aligned to it, or beyond the
 * width. *mapped is what was done till then, in all cases.
 */
int vtd_ss_map(struct vtd_ss *ss, u64 iova, phys_addr_t paddr, size_t pgsize,
	       size_t pgcount, int prot, gfp_t gfp, size_t *mapped,
	       struct list_head *stale);

/*
 * Map @nr runs of pages (map/extents.h, map_run_pack()) one after the other from
 * @iova on, by leaves of whatever size the table has and fits. *mapped and @stale as
 * of vtd_ss_map(), and its errors.
 */
int vtd_ss_map_runs(struct vtd_ss *ss, u64 iova, const u64 *runs,
		    unsigned int nr, int prot, gfp_t gfp, size_t *mapped,
		    struct list_head *stale);

/*
 * @freed: tables that the range covered whole are appended; to be freed behind
 * the flush of the range with upper levels.
 * A leaf that reaches beyond the range is split, from atomic memory.
 * Bytes from @iova on that have no leaf any more: less than asked if a leaf was
 * missing, or could not be split.
 */
size_t vtd_ss_unmap(struct vtd_ss *ss, u64 iova, size_t pgsize, size_t pgcount,
		    struct list_head *freed);

/* 0 if there is no leaf. */
phys_addr_t vtd_ss_iova_to_phys(struct vtd_ss *ss, u64 iova);

/*
 * Note each leaf in the range that the unit wrote through, as struct
 * iommu_dirty_ops.read_and_clear_dirty() wants it: @flags, @dirty of it. Bits
 * are cleared without IOMMU_DIRTY_NO_CLEAR. The caller flushes.
 */
int vtd_ss_read_and_clear_dirty(struct vtd_ss *ss, u64 iova, size_t size,
				unsigned long flags,
				struct iommu_dirty_bitmap *dirty);

#endif
