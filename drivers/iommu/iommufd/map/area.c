// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas.
 *
 * The tree is ordered by IOVA, and each node knows the largest gap of its
 * subtree, so that free IOVAs are found without looking at every area; it is
 * guarded by iova_space::lock. Filling and clearing is done with domains_lock
 * held and iova_space::lock not needed: the area is in nobody else's hands.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>
#include <trace/events/iommu.h>

#include "area.h"
#include "internal.h"
#include "pfnmap.h"
#include "table.h"
#include "../failpoint.h"

/* Runs that a page table is given at once */
#define FILL_RUNS	32

/* The area that lives in one allocation with the memory it was made for. */
struct area_with_pages {
	struct map_pages pages;
	struct iova_area area;
};

static void area_init(struct iova_area *area, struct map_pages *pages,
		      unsigned long offset, unsigned long length, int prot)
{
	/* The memory is as it was when it was allocated: all members are set */
	RB_CLEAR_NODE(&area->node);
	area->gap = 0;
	area->max_gap = 0;
	area->pages = pages;
	area->offset = offset;
	area->prot = prot;
	area->state = IOVA_AREA_BUILDING;
	area->embedded = false;
	area->filled = false;
	area->leaked = false;
	area->owed = false;
	atomic_set(&area->busy, 0);
	area->num_pins = 0;
	INIT_LIST_HEAD(&area->item);
	/* As long as it has no place only the length means something */
	iova_area_place(area, 0, length);
}

/**
 * iova_area_new() - an area over memory that is described already
 * @pages: the memory; the area takes over a reference of the caller's
 * @offset: first byte
 * @length: number of bytes, at least 1; the caller has checked the range
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * Return: an area in state BUILDING, in no tree; NULL if there is no memory,
 * and the reference is still the caller's.
 */
struct iova_area *iova_area_new(struct map_pages *pages, unsigned long offset,
				unsigned long length, int prot)
{
	struct iova_area *area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);

	if (area)
		area_init(area, pages, offset, length, prot);
	return area;
}

/**
 * iova_area_new_user() - an area over memory of the calling process
 * @charge: whom to charge for what will be pinned
 * @uptr: first byte
 * @length: number of bytes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * Return: an area in state BUILDING, in no tree; or an errno of
 * map_pages_alloc().
 */
struct iova_area *iova_area_new_user(enum map_charge charge, void __user *uptr,
				     unsigned long length, int prot)
{
	struct area_with_pages *both;
	struct map_pages *pages;

	BUILD_BUG_ON(offsetof(struct area_with_pages, pages));
	pages = map_pages_alloc(sizeof(*both), charge, uptr, length,
				prot & IOMMU_WRITE);
	if (IS_ERR(pages))
		return ERR_CAST(pages);
	both = container_of(pages, struct area_with_pages, pages);
	area_init(&both->area, pages, offset_in_page(uptr), length, prot);
	both->area.embedded = true;
	return &both->area;
}

/**
 * iova_area_new_file() - an area over memory of a file
 * @charge: whom to charge for what will be pinned
 * @file: the file
 * @start: offset of the first byte
 * @length: number of bytes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * Return: an area in state BUILDING, in no tree; or an errno of
 * map_pages_alloc_file().
 */
struct iova_area *iova_area_new_file(enum map_charge charge, struct file *file,
				     unsigned long start, unsigned long length,
				     int prot)
{
	struct area_with_pages *both;
	struct map_pages *pages;

	pages = map_pages_alloc_file(sizeof(*both), charge, file, start, length,
				     prot & IOMMU_WRITE);
	if (IS_ERR(pages))
		return ERR_CAST(pages);
	both = container_of(pages, struct area_with_pages, pages);
	area_init(&both->area, pages, offset_in_page(start), length, prot);
	both->area.embedded = true;
	return &both->area;
}

/**
 * iova_area_place() - say where an area is, or that it has become shorter
 * @area: nobody else looks at it, or iova_space::lock is held for writing
 * @iova: first IOVA; as before if the area is in a tree
 * @length: number of bytes; not more than before if the area is in a tree
 */
void iova_area_place(struct iova_area *area, unsigned long iova,
		     unsigned long length)
{
	area->iova = iova;
	area->last = iova + (length - 1);
	area->hold.node.start = iova_area_index(area, area->iova);
	area->hold.node.last = iova_area_index(area, area->last);
}

/**
 * iova_area_free() - drop an area that is in no tree and not filled
 * @area: gone after this
 *
 * One that a page table did not let go of is left alone for good, together with
 * its memory: better lost than in the hands of somebody's DMA.
 */
void iova_area_free(struct iova_area *area)
{
	struct map_pages *pages = area->pages;

	if (area->leaked)
		return;
	WARN_ON(area->filled || area->num_pins);
	if (!area->embedded)
		kfree(area);
	map_pages_put(pages);
}

static struct iova_area *area_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct iova_area, node);
}

static unsigned long area_gap(struct iova_area *area)
{
	return area->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, area_augment, struct iova_area, node,
			 unsigned long, max_gap, area_gap)

/**
 * iova_area_insert() - take an area into a tree
 * @root: iova_space::areas
 * @area: overlaps with none that is in the tree
 */
void iova_area_insert(struct rb_root_cached *root, struct iova_area *area)
{
	struct rb_node **link = &root->rb_root.rb_node;
	struct rb_node *parent = NULL;
	struct iova_area *prev = NULL;
	struct iova_area *next = NULL;

	while (*link) {
		parent = *link;
		if (area->iova < area_of(parent)->iova) {
			next = area_of(parent);
			link = &parent->rb_left;
		} else {
			prev = area_of(parent);
			link = &parent->rb_right;
		}
	}

	area->gap = prev ? area->iova - prev->last - 1 : area->iova;
	area->max_gap = area->gap;
	rb_link_node(&area->node, parent, link);
	area_augment.propagate(parent, NULL);
	rb_insert_augmented_cached(&area->node, root, !prev, &area_augment);

	if (next) {
		next->gap = next->iova - area->last - 1;
		area_augment.propagate(&next->node, NULL);
	}
}

/**
 * iova_area_erase() - take an area out of its tree
 * @root: iova_space::areas
 * @area: in the tree
 */
void iova_area_erase(struct rb_root_cached *root, struct iova_area *area)
{
	struct iova_area *next = area_of(rb_next(&area->node));

	rb_erase_augmented_cached(&area->node, root, &area_augment);
	RB_CLEAR_NODE(&area->node);
	if (next) {
		next->gap += area->gap + iova_area_length(area);
		area_augment.propagate(&next->node, NULL);
	}
}

/**
 * iova_area_first() - the lowest area that has something of a range
 * @root: iova_space::areas
 * @start: first IOVA of the range
 * @last: last IOVA of the range
 *
 * Return: the area, or NULL.
 */
struct iova_area *iova_area_first(const struct rb_root_cached *root,
				  unsigned long start, unsigned long last)
{
	struct rb_node *node = root->rb_root.rb_node;
	struct iova_area *found = NULL;

	while (node) {
		struct iova_area *area = area_of(node);

		if (area->last >= start) {
			found = area;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found && found->iova <= last ? found : NULL;
}

/**
 * iova_area_next() - the area after another one
 * @area: in a tree
 * @last: last IOVA of the range of interest
 *
 * Return: the area, or NULL if it would begin after @last.
 */
struct iova_area *iova_area_next(struct iova_area *area, unsigned long last)
{
	struct iova_area *next;

	/* The range of most calls is one area */
	if (area->last >= last)
		return NULL;
	next = area_of(rb_next(&area->node));
	return next && next->iova <= last ? next : NULL;
}

/* The lowest suitable start in [start, last], all of which is free. */
static bool fit(const struct iova_request *req, unsigned long start,
		unsigned long last, unsigned long *iova)
{
	unsigned long step;

	start = max(start, req->start);
	last = min(last, req->last);
	step = (req->phase - start) & (req->align - 1);
	if (start > last || step > last - start)
		return false;
	start += step;
	if (last - start < req->length - 1)
		return false;
	*iova = start;
	return true;
}

static bool big_enough(struct rb_node *node, const struct iova_request *req)
{
	return node && area_of(node)->max_gap >= req->length;
}

/**
 * iova_area_find_gap() - find the lowest free IOVAs that suit
 * @root: iova_space::areas
 * @req: what is wanted
 * @iova: the first IOVA of what was found
 *
 * Only gaps of at least the length are looked at; more than one only if they
 * are large enough and yet do not suit because of the alignment. May sleep.
 *
 * Return: whether there is something.
 */
bool iova_area_find_gap(const struct rb_root_cached *root,
			struct iova_request *req, unsigned long *iova)
{
	struct rb_node *node = root->rb_root.rb_node;
	struct iova_area *last;
	bool descend = true;

	if (!node)
		return fit(req, 0, ULONG_MAX, iova);

	while (node && area_of(node)->max_gap >= req->length) {
		struct iova_area *area = area_of(node);
		unsigned long gap_start = area->iova - area->gap;
		struct rb_node *parent;

		iova_request_step(req);
		/* All gaps in the left subtree are below gap_start */
		if (descend && gap_start > req->start &&
		    big_enough(node->rb_left, req)) {
			node = node->rb_left;
			continue;
		}
		if (gap_start > req->last)
			return false;
		if (area->gap >= req->length &&
		    fit(req, gap_start, area->iova - 1, iova))
			return true;
		if (big_enough(node->rb_right, req)) {
			node = node->rb_right;
			descend = true;
			continue;
		}
		/* Up to the first ancestor that this is to the left of */
		while ((parent = rb_parent(node)) && node == parent->rb_right)
			node = parent;
		node = parent;
		descend = false;
	}

	last = area_of(rb_last(&root->rb_root));
	if (last->last == ULONG_MAX)
		return false;
	return fit(req, last->last + 1, ULONG_MAX, iova);
}

/* Page by page, so that no entry of the table spans what may be cut later. */
static int map_small(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t phys, size_t size, int prot, size_t *mapped)
{
	unsigned int rounds = 0;

	while (size) {
		size_t n = min(size, PAGE_SIZE - offset_in_page(phys));
		int rc;

		rc = iommu_map(domain, iova, phys, n, prot, GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
		iova += n;
		phys += n;
		size -= n;
		*mapped += n;
		if (++rounds % 256 == 0) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return 0;
}

/**
 * iova_area_map_extents() - map an area in a page table by way of the core
 * @space: its space; domains_lock is held
 * @area: the area
 * @extents: where its memory is
 * @domain: the page table; has nothing at the area's IOVAs
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE, IOMMU_MMIO
 * @mapped: is increased by the bytes done, on error too
 *
 * Return: 0, or an errno of iommu_map(), or -EINTR.
 */
int iova_area_map_extents(struct iova_space *space, struct iova_area *area,
			  const struct map_extents *extents,
			  struct iommu_domain *domain, int prot, size_t *mapped)
{
	unsigned long skip = offset_in_page(area->offset);
	struct map_extent_iter iter;
	unsigned int rounds = 0;
	int rc;

	map_extents_for_each(&iter, extents, area->hold.node.start,
			     area->hold.node.last) {
		unsigned long iova = area->iova + *mapped;
		phys_addr_t phys = PFN_PHYS((phys_addr_t)iter.pfn) + skip;
		size_t size = min(iter.npages * PAGE_SIZE - skip,
				  iova_area_length(area) - *mapped);

		if (space->no_large_pages) {
			rc = map_small(domain, iova, phys, size, prot, mapped);
		} else {
			rc = iommu_map(domain, iova, phys, size, prot,
				       GFP_KERNEL_ACCOUNT);
			if (!rc)
				*mapped += size;
		}
		if (rc)
			return rc;
		skip = 0;
		if (++rounds % 256 == 0) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return WARN_ON(*mapped != iova_area_length(area)) ? -EINVAL : 0;
}

/* The run at *@i, and what continues it: pages of any size may cross their border. */
static unsigned long join_runs(const u64 *runs, unsigned int nr,
			       unsigned int *i)
{
	unsigned long pfn = map_run_pfn(runs[*i]);
	unsigned long npages = map_run_npages(runs[*i]);

	while (++*i < nr && map_run_pfn(runs[*i]) == pfn + npages)
		npages += map_run_npages(runs[*i]);
	return npages;
}

static int map_runs_one_by_one(struct iova_area *area,
			       const struct iova_space_domain *entry,
			       const u64 *runs, unsigned int nr,
			       unsigned long skip, size_t *mapped)
{
	unsigned int i = 0;
	int rc = 0;

	while (i < nr && !rc) {
		phys_addr_t paddr = PFN_PHYS((phys_addr_t)map_run_pfn(runs[i])) +
				    skip;
		size_t size = join_runs(runs, nr, &i) * PAGE_SIZE - skip;

		size = min(size, iova_area_length(area) - *mapped);
		rc = map_table_map(entry->ops, entry->domain,
				   area->iova + *mapped, paddr, size,
				   area->prot, mapped);
		skip = 0;
	}
	return rc;
}

/* Who watches the core's iommu_map() sees these too. */
static void trace_runs(unsigned long iova, const u64 *runs, unsigned int nr)
{
	unsigned int i = 0;

	while (i < nr) {
		phys_addr_t paddr = PFN_PHYS((phys_addr_t)map_run_pfn(runs[i]));
		size_t size = join_runs(runs, nr, &i) * PAGE_SIZE;

		trace_map(iova, paddr, size);
		iova += size;
	}
}

/* Without the core: many runs at once; the caches are the caller's. */
static int map_extents_to_table(struct iova_area *area,
				const struct iova_space_domain *entry,
				size_t *mapped)
{
	unsigned long skip = offset_in_page(area->offset);
	bool whole = !offset_in_page(area->iova | area->offset |
				     iova_area_length(area));
	u64 runs[FILL_RUNS] __uninitialized;
	struct map_extent_iter iter;
	unsigned int rounds = 0;
	unsigned int nr;
	int rc;

	map_extents_seek(&iter, &area->pages->extents, area->hold.node.start,
			 area->hold.node.last);
	while ((nr = map_extents_take(&iter, runs, FILL_RUNS))) {
		unsigned long iova = area->iova + *mapped;

		if (whole && entry->ops->map_runs) {
			rc = entry->ops->map_runs(entry->domain, iova, runs, nr,
						  area->prot, mapped);
			if (!rc && trace_map_enabled())
				trace_runs(iova, runs, nr);
		} else {
			rc = map_runs_one_by_one(area, entry, runs, nr, skip,
						 mapped);
		}
		if (rc)
			return rc;
		skip = 0;
		if (++rounds % 16 == 0) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return WARN_ON(*mapped != iova_area_length(area)) ? -EINVAL : 0;
}

/*
 * Each area is flushed by itself, with what the core has for that. One gather
 * for several is not safe: a driver that tracks pages (VT-d's) flushes when the
 * next range does not continue the last one, and gives back all table pages
 * gathered so far, also those of the range that has not been flushed.
 *
 * Whoever unmaps less than there is keeps a way to pages that would be given
 * back: that is a bug of its driver, and the pages are lost from here on.
 */
static void clear_range(struct iova_area *area, struct iommu_domain *domain,
			size_t size)
{
	if (WARN_ON(iommu_unmap(domain, area->iova, size) != size))
		area->leaked = true;
	/* The core's flush returns nothing */
	if (map_domain_owed(domain))
		area->owed = true;
}

/**
 * iova_area_hold() - have the memory of an area stay where it is
 * @area: not filled; map_pages::lock is held
 *
 * It is pinned. Memory that has no pages is not: it is its driver's to take away.
 *
 * Return: 0, or an errno of map_pages_hold() or map_pfnmap_find().
 */
int iova_area_hold(struct iova_area *area)
{
	struct map_pages *pages = area->pages;
	int rc, err;

	lockdep_assert_held(&pages->lock);
	if (pages->pfnmap)
		return 0;
	rc = map_pages_hold(pages, &area->hold);
	/* -ENOMEM: more than may be pinned, which is not needed for such memory */
	if (rc != -EFAULT && rc != -ENOMEM)
		return rc;
	err = map_pfnmap_find(pages);
	return err == -ENOENT ? rc : err;
}

/**
 * iova_area_let_go() - end the hold of an area
 * @area: in no page table any more; map_pages::lock is held
 *
 * Its memory goes back, or is kept until no IOMMU can reach it; but not that which has
 * no pages: what becomes of it nobody waits for.
 */
void iova_area_let_go(struct iova_area *area)
{
	lockdep_assert_held(&area->pages->lock);
	if (!area->pages->pfnmap) {
		if (area->owed)
			map_pages_keep(area->pages, &area->hold);
		else
			map_pages_release(area->pages, &area->hold);
	}
	area->owed = false;
}

/**
 * iova_area_fill_domain() - map an area in a page table
 * @space: its space; domains_lock is held
 * @area: its memory is held, map_pages::lock too
 * @entry: the page table; has nothing at the area's IOVAs
 *
 * Where @entry can gather, what has been filled is seen by devices after
 * iova_areas_sync_map() alone.
 *
 * Return: 0, or an errno of iommu_map(), or -EINTR; the page table is as before
 * on error.
 */
int iova_area_fill_domain(struct iova_space *space, struct iova_area *area,
			  const struct iova_space_domain *entry)
{
	size_t mapped = 0;
	int rc;

	lockdep_assert_held(&space->domains_lock);
	lockdep_assert_held(&area->pages->lock);

	if (iommufd_should_fail())
		return -ENOMEM;
	if (area->pages->pfnmap)
		return map_pfnmap_fill(space, area, entry->domain);

	if (entry->ops && !space->no_large_pages)
		rc = map_extents_to_table(area, entry, &mapped);
	else
		rc = iova_area_map_extents(space, area, &area->pages->extents,
					   entry->domain, area->prot, &mapped);
	if (rc && mapped)
		clear_range(area, entry->domain, mapped);
	/* The core takes out by itself what a call that failed had put in */
	else if (rc && map_domain_owed(entry->domain))
		area->owed = true;
	return rc;
}

/**
 * iova_area_clear_domain() - take an area out of a page table
 * @area: mapped in @domain as a whole
 * @domain: the page table; nothing leads through it to the area's memory any
 *	more when this returns
 */
void iova_area_clear_domain(struct iova_area *area,
			    struct iommu_domain *domain)
{
	if (area->pages->pfnmap)
		map_pfnmap_clear(area, domain);
	else
		clear_range(area, domain, iova_area_length(area));
}

/**
 * iova_areas_sync_map() - let devices see what has been filled
 * @space: its domains_lock is held
 * @areas: struct iova_area by @item
 */
void iova_areas_sync_map(struct iova_space *space,
			 const struct list_head *areas)
{
	struct map_flush flush __uninitialized;
	struct iova_space_domain *entry;
	struct iova_area *area;

	flush.num = 0;
	list_for_each_entry(entry, &space->domains, item) {
		if (!entry->ops || !entry->ops->sync_map)
			continue;
		if (!flush.num)
			list_for_each_entry(area, areas, item)
				map_flush_add(&flush, area->iova, area->last);
		if (flush.num)
			entry->ops->sync_map(entry->domain, flush.ranges,
					     flush.num);
	}
}

/**
 * iova_area_gather() - take an area out of a page table that can gather
 * @area: mapped in the page table as a whole
 * @entry: the page table; may lead to the area's memory until the flush
 * @gather: queued; takes the tables that are not needed any more
 */
void iova_area_gather(struct iova_area *area,
		      const struct iova_space_domain *entry,
		      struct iommu_iotlb_gather *gather)
{
	size_t size = iova_area_length(area);

	/* Perhaps it is not there any more, and others flush it */
	if (area->pages->pfnmap) {
		map_pfnmap_clear(area, entry->domain);
		return;
	}
	if (WARN_ON(map_table_unmap(entry->ops, entry->domain, area->iova, size,
				    gather) != size))
		area->leaked = true;
}

/**
 * iova_areas_clear_domain() - take many areas out of a page table
 * @areas: struct iova_area by @item; those that are filled are mapped in the page
 *	table as a whole
 * @entry: the page table, which can gather; nothing leads through it to the areas'
 *	memory any more when this returns
 * @flush: the ranges of those areas
 */
void iova_areas_clear_domain(const struct list_head *areas,
			     const struct iova_space_domain *entry,
			     const struct map_flush *flush)
{
	struct iommu_iotlb_gather gather;
	struct iova_area *area;
	unsigned int rounds = 0;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	list_for_each_entry(area, areas, item) {
		if (area->filled)
			iova_area_gather(area, entry, &gather);
		iova_yield(&rounds);
	}
	entry->ops->flush(entry->domain, flush->ranges, flush->num, &gather);
	if (!map_domain_owed(entry->domain))
		return;
	list_for_each_entry(area, areas, item)
		if (area->filled)
			area->owed = true;
}

/**
 * iova_area_release() - let go of the memory of an area
 * @area: filled; in no page table any more, and the IOTLBs know
 *
 * Where an IOTLB is not known to know, the memory stays pinned and charged until it
 * is, whatever becomes of the area.
 */
void iova_area_release(struct iova_area *area)
{
	if (area->leaked)
		return;
	mutex_lock(&area->pages->lock);
	iova_area_let_go(area);
	WRITE_ONCE(area->filled, false);
	mutex_unlock(&area->pages->lock);
}

/**
 * iova_area_fill() - hold an area's memory and map it in all page tables
 * @space: its space; domains_lock is held for reading
 * @area: in state BUILDING. Stays not filled if there are no page tables
 *
 * Return: 0, or an errno of iova_area_hold() or iommu_map(); nothing is pinned
 * or mapped on error.
 */
int iova_area_fill(struct iova_space *space, struct iova_area *area)
{
	struct map_pages *pages = area->pages;
	struct iova_space_domain *entry;
	int rc;

	lockdep_assert_held_read(&space->domains_lock);
	if (list_empty(&space->domains))
		return 0;

	mutex_lock(&pages->lock);
	rc = iova_area_hold(area);
	if (rc)
		goto out_unlock;
	list_for_each_entry(entry, &space->domains, item) {
		rc = iova_area_fill_domain(space, area, entry);
		if (rc)
			goto err_clear;
	}
	WRITE_ONCE(area->filled, true);
	goto out_unlock;

err_clear:
	list_for_each_entry_continue_reverse(entry, &space->domains, item)
		iova_area_clear_domain(area, entry->domain);
	if (!area->leaked)
		iova_area_let_go(area);
out_unlock:
	mutex_unlock(&pages->lock);
	return rc;
}
