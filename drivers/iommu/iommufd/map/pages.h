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
#include <linux/list.h>
#include <linux/mutex.h>

#include "extents.h"
#include "iova_space.h"

struct file;
struct folio;
struct map_pfnmap;
struct mm_struct;
struct task_struct;
struct user_struct;

/**
 * struct map_owner - who pays for pinned memory; references on all three
 * @mm: whose pinned_vm, and locked_vm with MAP_CHARGE_PROCESS; the structure is held,
 *	its mappings are not
 * @task: thread group leader; its limit counts
 * @user: whom MAP_CHARGE_USER charges
 * @uncharged: nobody is charged: the owner may lock any amount of memory
 */
struct map_owner {
	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
	bool uncharged;
};

/**
 * struct map_hold - somebody needs a range of pages to be pinned
 * @node: first and last page index; in map_pages::holds
 */
struct map_hold {
	struct interval_tree_node node;
};

/**
 * struct map_pages - a run of user memory: of a process, or of a file
 * @kref: one for each area, and for each call that works on it
 * @lock: guards @owner, @next_owner, @holds, @pins, @extents and iova_area::num_pins of
 *	the areas made from this memory. Held while pages are pinned, so that nobody pins
 *	them twice
 * @owner: who pays. Of a process's memory it never changes, and @owner.mm is where
 *	the memory is; of a file's, map_move_commit() changes it
 * @next_owner: pays too, while @owner is being changed; else NULL
 * @moving: in map_move::pages; guarded by whoever makes only one move at a time
 * @file: whose memory it is; a reference. NULL: that of a process. Set once and never
 *	modified, like all below up to @writable
 * @uptr: address, or offset in @file, of page index 0, a multiple of PAGE_SIZE
 * @npages: number of pages
 * @charge: an enum map_charge
 * @writable: pages are pinned for writing; of a file: it cannot be sealed against
 *	writing meanwhile
 * @holds: struct map_hold; whatever page index one of them covers is pinned
 * @extents: the pinned pages. Outside of map_pages_hold() and
 *	map_pages_release() these are exactly the indexes that @holds covers
 * @unpaid: pages that are pinned no more, but charged still: their process could not be
 *	uncharged at once. Guarded by @lock
 * @pins: struct map_pin by range: the holds that are the kernel's
 * @searched: holds that were looked at, ever, to tell what is held; for tests.
 *	Guarded by @lock
 * @pfnmap: the memory has no pages (pfnmap.c), and nothing is ever pinned. NULL: it has,
 *	as far as is known. Set once, under @lock, while nothing is pinned and no page table
 *	has any of it
 * @stat_mark: of the last iova_space_get_stat() that has counted this; guarded by a
 *	lock of its caller
 */
struct map_pages {
	struct kref kref;
	struct mutex lock;

	struct map_owner owner;
	struct map_owner *next_owner;
	struct list_head moving;

	struct file *file;
	unsigned long uptr;
	unsigned long npages;
	enum map_charge charge;
	bool writable;

	struct rb_root_cached holds;
	struct map_extents extents;
	unsigned long unpaid;
	struct rb_root pins;
	unsigned long searched;
	struct map_pfnmap *pfnmap;
	u64 stat_mark;
};

/*
 * Size in bytes of the temporary buffers a bulk pin works with; what does not
 * fit is done in several steps. Less than one entry means one entry, and more than
 * order 3 means order 3. The mock sets it, so that the edges between steps get tested.
 */
extern size_t map_batch_bytes;

struct map_pages *map_pages_alloc(size_t size, enum map_charge charge,
				  void __user *uptr, unsigned long length,
				  bool writable);
struct map_pages *map_pages_alloc_file(size_t size, enum map_charge charge,
				       struct file *file, unsigned long start,
				       unsigned long length, bool writable);
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

/* charge.c; map_pages::lock is held. Uncharging cannot fail. */
void map_owner_set_current(struct map_owner *owner);
void map_owner_put(struct map_owner *owner);
int map_pages_charge(struct map_pages *pages, unsigned long npages);
void map_pages_uncharge(struct map_pages *pages, unsigned long npages);
bool map_pages_try_uncharge(struct map_pages *pages, unsigned long npages);

/* pages_file.c */
int map_file_open(struct map_pages *pages, struct file *file, bool writable);
void map_file_close(struct map_pages *pages);
long map_file_pin(struct map_pages *pages, unsigned long index,
		  unsigned long npages, struct folio **folios, unsigned int max,
		  unsigned long *skip);
void map_folio_pin_more(struct folio *folio, unsigned long pins);

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
