/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Areas: the pieces an I/O address space is made of, the tree that finds them
 * and the room between them, and their way into and out of page tables.
 */
#ifndef __IOMMUFD_MAP_AREA_H
#define __IOMMUFD_MAP_AREA_H

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "iova_space.h"
#include "pages.h"

/**
 * enum iova_area_state - what may be done with an area
 * @IOVA_AREA_BUILDING: it keeps its IOVAs from others, and is being filled
 * @IOVA_AREA_LIVE: mapped
 * @IOVA_AREA_GOING: an unmap has it; others may only let go of their pins. With
 *	domains_lock not held it is in the page tables or not at all
 */
enum iova_area_state {
	IOVA_AREA_BUILDING,
	IOVA_AREA_LIVE,
	IOVA_AREA_GOING,
};

/**
 * struct iova_area - a range of IOVAs that means a range of memory
 * @node: in iova_space::areas, guarded by iova_space::lock
 * @gap: number of free IOVAs just below @iova; guarded like @node
 * @max_gap: largest @gap in the subtree of @node; guarded like @node
 * @iova: first IOVA. Set before the area is in the tree and never modified
 * @last: last IOVA. Only iova_space_cut() makes it smaller
 * @pages: the memory; holds a reference. Never changes
 * @offset: first byte of the area in @pages. Never changes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE. Never changes
 * @state: an enum iova_area_state. Left for LIVE by a store with release
 *	semantics while domains_lock is held for reading; all else under
 *	iova_space::lock
 * @embedded: shares its allocation with @pages
 * @filled: @hold is taken, and all domains map the area, or may have it as a hole if its
 *	memory has no pages. Changes with
 *	domains_lock held: for writing, or for reading by whoever builds the area
 *	or takes it away, while others with it held for reading may count
 * @leaked: a page table did not let go of it, so its memory stays pinned
 * @owed: it was taken out of a page table, and an IOMMU has not said that it knows:
 *	its memory is not given back but kept. Changes like @filled
 * @busy: in-kernel pins being taken and copies in progress; rises only while
 *	the area is LIVE and iova_space::lock is held
 * @num_pins: in-kernel pins; written under map_pages::lock, and does not rise
 *	while @busy is 0. An unmap sleeps on it, and reads it without
 * @hold: the range of @pages that page tables need
 * @item: private list of whoever builds the area or takes it away
 */
struct iova_area {
	struct rb_node node;
	unsigned long gap;
	unsigned long max_gap;
	unsigned long iova;
	unsigned long last;
	struct map_pages *pages;
	unsigned long offset;
	int prot;
	u8 state;
	bool embedded;
	bool filled;
	bool leaked;
	bool owed;
	atomic_t busy;
	unsigned int num_pins;
	struct map_hold hold;
	struct list_head item;
};

struct iommu_iotlb_gather;
struct map_flush;
struct map_table_ops;

/**
 * struct iova_space_domain - a hardware page table of a space
 * @item: in iova_space::domains
 * @node: in iova_space::domain_tree
 * @domain: the page table; the caller's
 * @alignment: its smallest page, as it was when it came
 * @ops: what its driver can do for a whole call, or NULL. Set once
 */
struct iova_space_domain {
	struct list_head item;
	struct rb_node node;
	struct iommu_domain *domain;
	unsigned long alignment;
	const struct map_table_ops *ops;
};

static inline unsigned long iova_area_length(const struct iova_area *area)
{
	return area->last - area->iova + 1;
}

/* Offset in area->pages of the byte that @iova means. */
static inline unsigned long iova_area_byte(const struct iova_area *area,
					   unsigned long iova)
{
	return area->offset + (iova - area->iova);
}

static inline unsigned long iova_area_index(const struct iova_area *area,
					    unsigned long iova)
{
	return iova_area_byte(area, iova) >> PAGE_SHIFT;
}

static inline bool iova_area_is_live(const struct iova_area *area)
{
	/* Pairs with the release in iova_area_set_live() */
	return smp_load_acquire(&area->state) == IOVA_AREA_LIVE;
}

static inline void iova_area_set_live(struct iova_area *area)
{
	/* Whoever sees the area LIVE sees all that was written to build it */
	smp_store_release(&area->state, IOVA_AREA_LIVE);
}

/*
 * Wait for pins being taken and copies in progress. Only if nobody can begin
 * one: the area is GOING, or iova_space::lock is held for writing. The acquire
 * makes iova_area::num_pins final but for those that are dropped.
 */
static inline void iova_area_wait_idle(struct iova_area *area)
{
	wait_var_event(&area->busy, !atomic_read_acquire(&area->busy));
}

struct iova_area *iova_area_new(struct map_pages *pages, unsigned long offset,
				unsigned long length, int prot);
struct iova_area *iova_area_new_user(enum map_charge charge, void __user *uptr,
				     unsigned long length, int prot);
struct iova_area *iova_area_new_file(enum map_charge charge, struct file *file,
				     unsigned long start, unsigned long length,
				     int prot);
void iova_area_place(struct iova_area *area, unsigned long iova,
		     unsigned long length);
void iova_area_free(struct iova_area *area);

void iova_area_insert(struct rb_root_cached *root, struct iova_area *area);
void iova_area_erase(struct rb_root_cached *root, struct iova_area *area);
struct iova_area *iova_area_first(const struct rb_root_cached *root,
				  unsigned long start, unsigned long last);
struct iova_area *iova_area_next(struct iova_area *area, unsigned long last);

/* Each area that has an IOVA in [start, end], ascending. */
#define iova_area_for_each(area, root, start, end)                             \
	for (area = iova_area_first(root, start, end); area;                   \
	     area = iova_area_next(area, end))

/**
 * struct iova_request - a wish for free IOVAs
 * @start: not below
 * @last: nothing above
 * @length: how many, at least 1
 * @align: power of two
 * @phase: what the first IOVA is modulo @align
 * @steps: gaps and ranges looked at so far
 */
struct iova_request {
	unsigned long start;
	unsigned long last;
	unsigned long length;
	unsigned long align;
	unsigned long phase;
	unsigned long steps;
};

/* A search may be as long as user space likes. May sleep. */
static inline void iova_request_step(struct iova_request *req)
{
	if (!(++req->steps % 1024))
		cond_resched();
}

bool iova_area_find_gap(const struct rb_root_cached *root,
			struct iova_request *req, unsigned long *iova);

int iova_area_hold(struct iova_area *area);
int iova_area_map_extents(struct iova_space *space, struct iova_area *area,
			  const struct map_extents *extents,
			  struct iommu_domain *domain, int prot,
			  size_t *mapped);
int iova_area_fill(struct iova_space *space, struct iova_area *area);
int iova_area_fill_domain(struct iova_space *space, struct iova_area *area,
			  const struct iova_space_domain *entry);
void iova_area_clear_domain(struct iova_area *area,
			    struct iommu_domain *domain);
void iova_area_let_go(struct iova_area *area);
void iova_areas_sync_map(struct iova_space *space,
			 const struct list_head *areas);
void iova_area_gather(struct iova_area *area,
		      const struct iova_space_domain *entry,
		      struct iommu_iotlb_gather *gather);
void iova_areas_clear_domain(const struct list_head *areas,
			     const struct iova_space_domain *entry,
			     const struct map_flush *flush);
void iova_area_release(struct iova_area *area);

#endif
