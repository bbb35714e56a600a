/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run of user memory that areas are made from. It is pinned where somebody
 * holds it and nowhere else; a page is pinned and charged once, no matter how
 * many areas, page tables and in-kernel users need it.
 */
#ifndef __IOMMUFD_MAP_PAGES_H
#define __IOMMUFD_MAP_PAGES_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mutex.h>

#include "extents.h"
#include "iova_space.h"

struct mm_struct;
struct task_struct;
struct user_struct;

/**
 * struct map_hold - somebody needs a range of pages to be pinned
 * @node: first and last page index; in map_pages::holds
 * @pins: an in-kernel pin: how often this range has been pinned. 0 if the hold
 *	belongs to an area that is filled into page tables, or to the quarantine
 */
struct map_hold {
	struct interval_tree_node node;
	unsigned int pins;
};

/**
 * struct map_pages - a run of user memory
 * @kref: one for each area, and for each call that works on it
 * @lock: guards @holds, @extents and iova_area::num_pins of the areas made from
 *	this memory. Held while pages are pinned, so that nobody pins them twice
 * @mm: where the memory is; the structure is held, its mappings are not. Set
 *	once and never modified, like all below up to @writable
 * @task: thread group leader that made the mapping; its limit counts
 * @user: whom MAP_CHARGE_USER charges
 * @uptr: address of page index 0, a multiple of PAGE_SIZE
 * @npages: number of pages
 * @charge: an enum map_charge
 * @uncharged: nobody is charged: the creator may lock any amount of memory
 * @writable: pages are pinned for writing
 * @holds: struct map_hold; whatever page index one of them covers is pinned
 * @extents: the pinned pages. Outside of map_pages_hold() and
 *	map_pages_release() these are exactly the indexes that @holds covers
 * @stat_mark: last iova_space_get_stat() that has counted this; guarded by a
 *	lock of that function
 */
struct map_pages {
	struct kref kref;
	struct mutex lock;

	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
	unsigned long uptr;
	unsigned long npages;
	enum map_charge charge;
	bool uncharged;
	bool writable;

	struct rb_root_cached holds;
	struct map_extents extents;
	u64 stat_mark;
};

/*
 * Size in bytes of the temporary buffers a bulk pin works with; what does not
 * fit is done in several steps. Less than one entry means one entry. The mock
 * sets it, so that the edges between steps get tested.
 */
extern size_t map_batch_bytes;

struct map_pages *map_pages_alloc(size_t size, enum map_charge charge,
				  void __user *uptr, unsigned long length,
				  bool writable);
void map_pages_free(struct kref *kref);

static inline struct map_pages *map_pages_get(struct map_pages *pages)
{
	kref_get(&pages->kref);
	return pages;
}

static inline void map_pages_put(struct map_pages *pages)
{
	kref_put(&pages->kref, map_pages_free);
}

int map_pages_hold(struct map_pages *pages, struct map_hold *hold);
void map_pages_release(struct map_pages *pages, struct map_hold *hold);
void map_pages_keep(struct map_pages *pages, struct map_hold *hold);

int map_pages_pin(struct map_pages *pages, unsigned long first,
		  unsigned long last, struct page **out_pages);
int map_pages_unpin(struct map_pages *pages, unsigned long first,
		    unsigned long last);
int map_pages_rw(struct map_pages *pages, unsigned long byte, void *data,
		 unsigned long length, unsigned int flags);

#endif
