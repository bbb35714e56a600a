/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An I/O virtual address space: which IOVA means which memory, for all the
 * hardware page tables (iommu_domains) and in-kernel users that share it.
 *
 * This folder knows nothing of ioctls, ids or file descriptors. Errors are
 * those of the user ABI because they pass through unchanged; each function
 * names its own.
 *
 * Lock order: domains_lock -> lock -> map_pages::lock -> mmap_lock -> map_pfnmap::lock,
 * which the notifier of an mm takes as well. Nothing of
 * the callers' is ever called with any of them held, except what
 * iova_space_walk() and iova_space_for_each_usable() are given, and
 * iova_space_user::get.
 */
#ifndef __IOMMUFD_MAP_IOVA_SPACE_H
#define __IOMMUFD_MAP_IOVA_SPACE_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct file;
struct iommu_domain;
struct iova_space_user;
struct page;

/**
 * enum map_charge - whom pinned memory is charged to (RLIMIT_MEMLOCK)
 * @MAP_CHARGE_USER: the user that made the mapping, across its processes
 * @MAP_CHARGE_PROCESS: the mm that made the mapping, as VFIO type1 does
 */
enum map_charge {
	MAP_CHARGE_USER,
	MAP_CHARGE_PROCESS,
};

/* Inclusive */
struct iova_range {
	unsigned long start;
	unsigned long last;
};

/**
 * struct iova_space - one I/O address space
 * @domains_lock: guards @domains. Held for reading while areas are filled into
 *	or taken out of the domains, for writing while a domain comes or goes.
 * @domains: struct iova_space_domain, the hardware page tables
 * @domain_tree: the same, by the address of the domain
 * @lock: guards what follows. Never held while memory
 *	is pinned or a hardware table is written: whoever holds domains_lock for
 *	writing has all areas LIVE and unchanging without it.
 * @areas: struct iova_area by IOVA; areas never overlap. Augmented with the
 *	largest gap of each subtree: not an interval tree
 * @allowed: ranges user space insists on: they cannot become reserved, and
 *	when there are any, automatic placement stays inside them
 * @reserved: ranges nothing may be mapped at, each with the owner that asked
 * @users: struct iova_space_user, in-kernel users to be told of an unmap
 * @wants: how many domains and users need an alignment of 2^index
 * @alignment: power of two, at most PAGE_SIZE; IOVA and length of every
 *	mapping are multiples of it; 1 with neither domain nor user
 * @no_large_pages: map page by page, so that any area can be cut later. Written with
 *	both locks held, and to be told read without
 * @searched: gaps and ranges that were looked at to choose IOVAs, ever; for tests.
 *	Guarded by @lock
 */
struct iova_space {
	struct rw_semaphore domains_lock;
	struct list_head domains;
	struct rb_root domain_tree;

	struct rw_semaphore lock;
	struct rb_root_cached areas;
	struct rb_root_cached allowed;
	struct rb_root_cached reserved;
	struct list_head users;
	unsigned int wants[PAGE_SHIFT + 1];
	unsigned long alignment;
	bool no_large_pages;
	unsigned long searched;
};

void iova_space_init(struct iova_space *space);
void iova_space_destroy(struct iova_space *space);

/* iova_space_map_user(), iova_space_copy(): @iova is chosen by us, not given */
#define IOVA_SPACE_CHOOSE_IOVA	BIT(0)

int iova_space_map_user(struct iova_space *space, enum map_charge charge,
			unsigned long *iova, void __user *uptr,
			unsigned long length, int prot, unsigned int flags);
int iova_space_map_file(struct iova_space *space, enum map_charge charge,
			unsigned long *iova, struct file *file,
			unsigned long start, unsigned long length, int prot,
			unsigned int flags);

/**
 * struct iova_map - one of many to be mapped
 * @iova: first IOVA; an output with IOVA_SPACE_CHOOSE_IOVA
 * @uptr: first byte of the memory
 * @length: number of bytes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOVA_SPACE_CHOOSE_IOVA or 0
 */
struct iova_map {
	unsigned long iova;
	void __user *uptr;
	unsigned long length;
	int prot;
	unsigned int flags;
};

int iova_space_map_many(struct iova_space *space, enum map_charge charge,
			struct iova_map *maps, unsigned int num,
			unsigned int *done);
int iova_space_copy(struct iova_space *dst, struct iova_space *src,
		    unsigned long src_iova, unsigned long length,
		    unsigned long *dst_iova, int prot, unsigned int flags);
/* Nothing mapped in the range is 0 with *unmapped == 0; the caller judges. */
int iova_space_unmap(struct iova_space *space, unsigned long iova,
		     unsigned long length, unsigned long *unmapped);
int iova_space_unmap_all(struct iova_space *space, unsigned long *unmapped);
int iova_space_unmap_many(struct iova_space *space,
			  const struct iova_range *ranges, unsigned int num,
			  unsigned int *done, unsigned long *unmapped);

int iova_space_cut(struct iova_space *space, const unsigned long *iovas,
		   size_t num_iovas);
int iova_space_disable_large_pages(struct iova_space *space);
void iova_space_enable_large_pages(struct iova_space *space);

int iova_space_set_allowed(struct iova_space *space,
			   const struct iova_range *ranges, size_t num);
int iova_space_reserve(struct iova_space *space, unsigned long start,
		       unsigned long last, const void *owner);

/**
 * struct iova_space_want - a range that is to be reserved, wherever it is
 * @start: not below
 * @last: nothing above
 * @length: number of IOVAs, at least 1
 * @align: what the first IOVA is a multiple of; power of two
 * @taken: is one of these IOVAs taken for what the space does not know of? Returns
 *	the first IOVA to look on at, above the first of these, or 0: it is not.
 *	Called with the space's lock held
 * @opaque: for @taken
 */
struct iova_space_want {
	unsigned long start;
	unsigned long last;
	unsigned long length;
	unsigned long align;
	unsigned long (*taken)(unsigned long start, unsigned long last,
			       void *opaque);
	void *opaque;
};

int iova_space_reserve_free(struct iova_space *space,
			    const struct iova_space_want *want,
			    const void *owner, unsigned long *start);
void iova_space_unreserve(struct iova_space *space, const void *owner);

/* Called with the space's lock held for reading; non-zero stops and returns. */
typedef int (*iova_space_range_fn)(unsigned long start, unsigned long last,
				   void *opaque);
int iova_space_for_each_usable(struct iova_space *space,
			       iova_space_range_fn fn, void *opaque);
unsigned long iova_space_alignment(struct iova_space *space);

/*
 * @fn for each piece of [iova, iova + length) that one area covers, ascending, but for
 * areas whose memory has no pages: they may be taken out of page tables at any time.
 * -ENOENT at the first hole. domains_lock and lock are held for reading: nothing else
 * is taken out.
 */
typedef int (*iova_space_walk_fn)(unsigned long iova, unsigned long length,
				  void *opaque);
int iova_space_walk(struct iova_space *space, unsigned long iova,
		    unsigned long length, iova_space_walk_fn fn, void *opaque);
/* As above, holes skipped, and what devices may not write to. */
int iova_space_walk_writable(struct iova_space *space, unsigned long iova,
			     unsigned long length, iova_space_walk_fn fn,
			     void *opaque);
/* As above for every area there is, holes skipped. */
int iova_space_walk_all(struct iova_space *space, iova_space_walk_fn fn,
			void *opaque);

int iova_space_add_domain(struct iova_space *space,
			  struct iommu_domain *domain);
void iova_space_remove_domain(struct iova_space *space,
			      struct iommu_domain *domain);

/**
 * struct iova_space_user - an in-kernel user of a space
 * @item: in iova_space::users, guarded by iova_space::lock
 * @alignment: PAGE_SIZE if it pins pages, else 1
 * @get: take a reference for the time of one @unmap; false if it is going away.
 *	iova_space::lock is held: must not sleep. Whoever lets go of @item without
 *	waiting for these references may still see one @unmap after that
 * @put: drop that reference. No lock is held.
 * @unmap: the range is about to go: stop using it and unpin whatever of it is
 *	pinned before returning. No lock is held. NULL if it never pins.
 */
struct iova_space_user {
	struct list_head item;
	unsigned long alignment;
	bool (*get)(struct iova_space_user *user);
	void (*put)(struct iova_space_user *user);
	void (*unmap)(struct iova_space_user *user, unsigned long iova,
		      unsigned long length);
};

int iova_space_add_user(struct iova_space *space, struct iova_space_user *user);
void iova_space_remove_user(struct iova_space *space,
			    struct iova_space_user *user);

/* Flags of pin and rw are IOMMUFD_ACCESS_RW_* of <linux/iommufd.h>. */
int iova_space_pin(struct iova_space *space, unsigned long iova,
		   unsigned long length, struct page **out_pages,
		   unsigned int flags);
void iova_space_unpin(struct iova_space *space, unsigned long iova,
		      unsigned long length);
int iova_space_rw(struct iova_space *space, unsigned long iova, void *data,
		  size_t length, unsigned int flags);

/**
 * struct iova_space_stat - what a space holds, for fdinfo
 * @areas: number of mapped areas
 * @mapped_bytes: sum of their lengths
 * @pinned_pages: pages pinned through this space's areas; memory shared by
 *	copies is counted once for each distinct memory object
 * @domains: number of hardware page tables
 * @revoked: areas that translate nothing any more, as their memory has been revoked
 */
struct iova_space_stat {
	unsigned long areas;
	unsigned long mapped_bytes;
	unsigned long pinned_pages;
	unsigned int domains;
	unsigned long revoked;
};

bool iova_space_get_stat(struct iova_space *space, u64 mark,
			 struct iova_space_stat *st);

#endif
