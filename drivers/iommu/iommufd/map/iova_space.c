// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O address spaces: mapping, copying, cutting, looking at what is there.
 *
 * An area keeps its IOVAs from the moment it is in the tree, in state BUILDING,
 * until it is taken out, in state GOING. In between the two short visits to the
 * tree under iova_space::lock, memory is pinned and page tables are written with
 * nothing but domains_lock held for reading, so that calls for different ranges
 * do not wait for each other.
 */
#include <linux/cleanup.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "area.h"
#include "internal.h"
#include "pfnmap.h"

/**
 * iova_space_init() - make an empty space
 * @space: zeroed or not, it does not matter
 */
void iova_space_init(struct iova_space *space)
{
	init_rwsem(&space->domains_lock);
	INIT_LIST_HEAD(&space->domains);
	space->domain_tree = RB_ROOT;
	init_rwsem(&space->lock);
	space->areas = RB_ROOT_CACHED;
	space->allowed = RB_ROOT_CACHED;
	space->reserved = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&space->users);
	memset(space->wants, 0, sizeof(space->wants));
	space->alignment = 1;
	space->no_large_pages = false;
	space->searched = 0;
}

/**
 * iova_space_destroy() - end a space
 * @space: has neither domains nor users, and no call in flight. What is still
 *	mapped is unmapped
 */
void iova_space_destroy(struct iova_space *space)
{
	WARN_ON(iova_space_unmap_all(space, NULL));
	WARN_ON(!list_empty(&space->domains));
	WARN_ON(!list_empty(&space->users));
	iova_space_free_ranges(space);
}

/**
 * struct place_hint - where one search has found nothing
 * @length: as in &struct iova_request; 0: no search yet
 * @align: likewise
 * @phase: likewise
 * @from: nothing below suits
 */
struct place_hint {
	unsigned long length;
	unsigned long align;
	unsigned long phase;
	unsigned long from;
};

/**
 * struct placer - IOVAs for many areas, with the lock held all the time
 * @hints: by how much alignment was asked for: what does not fit is not looked for
 *	again, as the lock's holder takes IOVAs and gives none back
 */
struct placer {
	struct place_hint hints[PMD_SHIFT - PAGE_SHIFT + 2];
};

static unsigned int hint_index(unsigned long align)
{
	return min(ilog2(align), PMD_SHIFT + 1) - PAGE_SHIFT;
}

/* Whatever suits @req would have suited the hint's search too. */
static bool hint_covers(const struct place_hint *hint,
			const struct iova_request *req)
{
	return hint->length && req->length >= hint->length &&
	       req->align >= hint->align &&
	       (req->phase & (hint->align - 1)) == hint->phase;
}

static bool placer_find(struct placer *placer, struct iova_space *space,
			struct iova_request *req, unsigned long *iova)
{
	struct place_hint *hint;
	unsigned int i;
	bool found;

	req->start = 0;
	for (i = 0; placer && i < ARRAY_SIZE(placer->hints); i++)
		if (hint_covers(&placer->hints[i], req))
			req->start = max(req->start, placer->hints[i].from);

	found = iova_space_find_usable(space, req, iova);
	if (placer) {
		hint = &placer->hints[hint_index(req->align)];
		*hint = (struct place_hint){
			.length = req->length,
			.align = req->align,
			.phase = req->phase,
			.from = found ? *iova : ULONG_MAX,
		};
	}
	return found;
}

/**
 * iova_space_choose() - find IOVAs for a new mapping
 * @space: its lock is held for writing
 * @placer: of the call, or NULL
 * @addr: where the memory is in its process or file
 * @length: number of bytes, at least 1
 * @iova: the lowest free IOVA that suits
 *
 * The IOVA is equal to @addr modulo the largest page size that could be used
 * for such a length, so that large IOPTEs are possible wherever memory is
 * contiguous; if there is no room for that, modulo less. Never 0, and never the
 * last page, which are mistaken for errors too easily.
 */
static int iova_space_choose(struct iova_space *space, struct placer *placer,
			     unsigned long addr, unsigned long length,
			     unsigned long *iova)
{
	struct iova_request req = { .length = length };
	unsigned long align = PAGE_SIZE;
	bool found;

	if (length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	if (addr & (space->alignment - 1))
		return -EINVAL;

	if (length > PAGE_SIZE)
		align = min(roundup_pow_of_two(length), PMD_SIZE);
	if (length >= PUD_SIZE)
		align = PUD_SIZE;

	while (1) {
		req.align = align;
		req.phase = addr & (align - 1);
		found = placer_find(placer, space, &req, iova);
		if (found || align == PAGE_SIZE)
			break;
		align = align > PMD_SIZE ? PMD_SIZE : PAGE_SIZE;
	}
	space->searched += req.steps;
	return found ? 0 : -ENOSPC;
}

static int check_fixed(struct iova_space *space, unsigned long iova,
		       unsigned long length)
{
	unsigned long last;

	if (iova & (space->alignment - 1))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (iova_space_is_reserved(space, iova, last))
		return -EINVAL;
	if (iova_area_first(&space->areas, iova, last))
		return -EEXIST;
	return 0;
}

/*
 * Give each area its IOVAs, one after the other, and put them into the tree, whose
 * lock is held for writing.
 */
static int place_areas(struct iova_space *space, struct placer *placer,
		       struct list_head *areas, unsigned long length,
		       unsigned long *iova, unsigned int flags)
{
	struct iova_area *area = list_first_entry(areas, struct iova_area, item);
	unsigned long mask = space->alignment - 1;
	unsigned int rounds = 0;
	unsigned long next;
	int rc;

	if (length & mask)
		return -EINVAL;
	if (flags & IOVA_SPACE_CHOOSE_IOVA)
		rc = iova_space_choose(space, placer,
				       area->pages->uptr + area->offset,
				       length, iova);
	else
		rc = check_fixed(space, *iova, length);
	if (rc)
		return rc;

	next = *iova;
	list_for_each_entry(area, areas, item) {
		if ((area->prot & IOMMU_WRITE) && !area->pages->writable)
			return -EPERM;
		/* Both ends of each must be where a page table can cut */
		if ((next | offset_in_page(area->offset)) & mask)
			return -EINVAL;
		next += iova_area_length(area);
		iova_yield(&rounds);
	}

	next = *iova;
	list_for_each_entry(area, areas, item) {
		iova_area_place(area, next, iova_area_length(area));
		iova_area_insert(&space->areas, area);
		next = area->last + 1;
		iova_yield(&rounds);
	}
	return 0;
}

/* How many there are is up to user space: who is killed does not wait for all. */
static int between_areas(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Whoever looks for them finds them from here on. */
static void publish_areas(struct iova_space *space, struct list_head *areas)
{
	struct iova_area *area, *tmp;

	iova_areas_sync_map(space, areas);
	list_for_each_entry_safe(area, tmp, areas, item) {
		list_del_init(&area->item);
		iova_area_set_live(area);
	}
}

/* Place, fill and publish; the areas are freed on error. */
static int map_areas(struct iova_space *space, struct list_head *areas,
		     unsigned long length, unsigned long *iova,
		     unsigned int flags)
{
	struct iova_area *area;
	int rc;

	down_read(&space->domains_lock);
	scoped_guard(rwsem_write, &space->lock)
		rc = place_areas(space, NULL, areas, length, iova, flags);
	if (rc)
		goto err_free;
	list_for_each_entry(area, areas, item) {
		rc = iova_area_fill(space, area);
		if (!rc && !list_is_last(&area->item, areas))
			rc = between_areas();
		if (rc)
			goto err_unfill;
	}
	publish_areas(space, areas);
	up_read(&space->domains_lock);
	return 0;

err_unfill:
	iova_space_unfill_areas(space, areas);
err_free:
	iova_space_free_areas(space, areas);
	up_read(&space->domains_lock);
	return rc;
}

/**
 * iova_space_map_user() - map memory of the calling process
 * @space: the space
 * @charge: whom to charge for what is pinned
 * @iova: first IOVA; an output with IOVA_SPACE_CHOOSE_IOVA
 * @uptr: first byte of the memory
 * @length: number of bytes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOVA_SPACE_CHOOSE_IOVA or 0
 *
 * IOVA, memory and length need to be aligned to iova_space_alignment(). The
 * memory is pinned now if there are page tables, else when there are.
 *
 * Return: 0; -EINVAL if @length is 0 or something is not aligned, or the IOVAs
 * are reserved; -EOVERFLOW if a range leaves its address space; -EEXIST if the
 * IOVAs are in use; -ENOSPC if none could be chosen; -EFAULT if the memory is
 * not there; -ENOMEM, also if more may not be pinned; -EINTR; an errno of
 * iommu_map().
 */
int iova_space_map_user(struct iova_space *space, enum map_charge charge,
			unsigned long *iova, void __user *uptr,
			unsigned long length, int prot, unsigned int flags)
{
	struct iova_area *area;
	LIST_HEAD(areas);

	area = iova_area_new_user(charge, uptr, length, prot);
	if (IS_ERR(area))
		return PTR_ERR(area);
	list_add(&area->item, &areas);
	return map_areas(space, &areas, length, iova, flags);
}

/**
 * iova_space_map_file() - map memory of a file
 * @space: the space
 * @charge: whom to charge for what is pinned
 * @iova: first IOVA; an output with IOVA_SPACE_CHOOSE_IOVA
 * @file: has its memory in shmem or hugetlbfs
 * @start: offset of the first byte
 * @length: number of bytes
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOVA_SPACE_CHOOSE_IOVA or 0
 *
 * As iova_space_map_user(); the memory is pinned in the file, and no process is needed
 * for that.
 *
 * Return: as iova_space_map_user(), and the errnos of map_pages_alloc_file(); -EINVAL
 * also if the file ends before the range does.
 */
int iova_space_map_file(struct iova_space *space, enum map_charge charge,
			unsigned long *iova, struct file *file,
			unsigned long start, unsigned long length, int prot,
			unsigned int flags)
{
	struct iova_area *area;
	LIST_HEAD(areas);

	area = iova_area_new_file(charge, file, start, length, prot);
	if (IS_ERR(area))
		return PTR_ERR(area);
	list_add(&area->item, &areas);
	return map_areas(space, &areas, length, iova, flags);
}

/* Each to its own place; from the first that has none on they go to @rest. */
static int place_each(struct iova_space *space, struct list_head *areas,
		      struct iova_map *maps, struct list_head *rest)
{
	struct placer placer = {};
	struct iova_area *area, *tmp;
	LIST_HEAD(placed);
	LIST_HEAD(one);
	int rc = 0;

	guard(rwsem_write)(&space->lock);
	list_for_each_entry_safe(area, tmp, areas, item) {
		list_move(&area->item, &one);
		/* How long it takes to find a place is up to user space */
		if (fatal_signal_pending(current))
			rc = -EINTR;
		else
			rc = place_areas(space, &placer, &one, maps->length,
					 &maps->iova, maps->flags);
		cond_resched();
		list_move_tail(&area->item, rc ? rest : &placed);
		if (rc)
			break;
		maps++;
	}
	list_splice_tail_init(areas, rest);
	list_splice(&placed, areas);
	return rc;
}

/* The same of filling. */
static int fill_each(struct iova_space *space, struct list_head *areas,
		     struct list_head *rest)
{
	struct iova_area *area;
	LIST_HEAD(filled);
	int rc = 0;

	while (!rc && !list_empty(areas)) {
		area = list_first_entry(areas, struct iova_area, item);
		rc = iova_area_fill(space, area);
		if (!rc)
			list_move_tail(&area->item, &filled);
	}
	list_splice_init(areas, rest);
	list_splice(&filled, areas);
	return rc;
}

/**
 * iova_space_map_many() - map many pieces of memory of the calling process
 * @space: the space
 * @charge: whom to charge for what is pinned
 * @maps: what to map where; see iova_space_map_user()
 * @num: how many
 * @done: how many are mapped: @maps[0] to @maps[*done - 1], and no other
 *
 * Devices that cache the absence of mappings are told once. Stops at the first that
 * cannot be mapped.
 *
 * Return: 0, or why @maps[*done] could not be mapped, as iova_space_map_user().
 */
int iova_space_map_many(struct iova_space *space, enum map_charge charge,
			struct iova_map *maps, unsigned int num,
			unsigned int *done)
{
	struct iova_area *area;
	LIST_HEAD(areas);
	LIST_HEAD(rest);
	unsigned int i;
	int rc = 0, err;

	*done = 0;
	for (i = 0; i < num; i++) {
		area = iova_area_new_user(charge, maps[i].uptr, maps[i].length,
					  maps[i].prot);
		if (IS_ERR(area)) {
			rc = PTR_ERR(area);
			break;
		}
		list_add_tail(&area->item, &areas);
	}

	/* Each step leaves fewer, so that its error is of an earlier one */
	down_read(&space->domains_lock);
	err = place_each(space, &areas, maps, &rest);
	rc = err ?: rc;
	err = fill_each(space, &areas, &rest);
	rc = err ?: rc;
	if (!list_empty(&rest))
		iova_space_free_areas(space, &rest);
	*done = list_count_nodes(&areas);
	publish_areas(space, &areas);
	up_read(&space->domains_lock);
	return rc;
}

/* New areas, in no tree, over the memory behind a range of IOVAs. */
static int copy_areas(struct iova_space *src, unsigned long iova,
		      unsigned long last, int prot, struct list_head *areas)
{
	struct iova_area *area, *copy;
	unsigned long next = iova;
	int rc;

	guard(rwsem_read)(&src->lock);
	iova_area_for_each(area, &src->areas, iova, last) {
		unsigned long end = min(last, area->last);

		if (area->iova > next || !iova_area_is_live(area))
			return -ENOENT;
		copy = iova_area_new(area->pages, iova_area_byte(area, next),
				     end - next + 1, prot);
		if (!copy)
			return -ENOMEM;
		map_pages_get(copy->pages);
		list_add_tail(&copy->item, areas);
		if (end == last)
			return 0;
		next = end + 1;
		rc = between_areas();
		if (rc)
			return rc;
	}
	return -ENOENT;
}

/**
 * iova_space_copy() - map the memory behind a range of IOVAs once more
 * @dst: where to map it
 * @src: where it is mapped; may be the same
 * @src_iova: first IOVA there
 * @length: number of bytes; all of them must be mapped, by one area or several
 * @dst_iova: first IOVA in @dst; an output with IOVA_SPACE_CHOOSE_IOVA
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOVA_SPACE_CHOOSE_IOVA or 0
 *
 * The memory is shared: pinned and charged once.
 *
 * Return: 0; -ENOENT if not all of the source is mapped; -EPERM to write what
 * was mapped for reading; else as iova_space_map_user().
 */
int iova_space_copy(struct iova_space *dst, struct iova_space *src,
		    unsigned long src_iova, unsigned long length,
		    unsigned long *dst_iova, int prot, unsigned int flags)
{
	unsigned long last;
	LIST_HEAD(areas);
	int rc;

	rc = iova_range_last(src_iova, length, &last);
	if (rc)
		return rc;
	rc = copy_areas(src, src_iova, last, prot, &areas);
	if (rc) {
		iova_space_free_areas(dst, &areas);
		return rc;
	}
	return map_areas(dst, &areas, length, dst_iova, flags);
}

/* Split @area so that @right begins at @iova. */
static int split_area(struct iova_space *space, struct iova_area *area,
		      unsigned long iova, struct iova_area *right)
{
	struct map_pages *pages = area->pages;
	unsigned long byte = iova_area_byte(area, iova);

	if (!iova_area_is_live(area))
		return -EBUSY;
	if ((iova | byte) & (space->alignment - 1))
		return -EINVAL;
	iova_area_wait_idle(area);

	mutex_lock(&pages->lock);
	/* What was pinned as a whole has to be unpinned as a whole */
	if (area->num_pins || area->leaked ||
	    (area->filled && (!space->no_large_pages || pages->pfnmap))) {
		mutex_unlock(&pages->lock);
		return -EINVAL;
	}
	right->pages = map_pages_get(pages);
	right->offset = byte;
	right->prot = area->prot;
	right->filled = area->filled;
	right->owed = area->owed;
	iova_area_place(right, iova, area->last - iova + 1);

	if (area->filled)
		interval_tree_remove(&area->hold.node, &pages->holds);
	iova_area_place(area, area->iova, iova - area->iova);
	iova_area_insert(&space->areas, right);
	if (area->filled) {
		interval_tree_insert(&area->hold.node, &pages->holds);
		interval_tree_insert(&right->hold.node, &pages->holds);
	}
	mutex_unlock(&pages->lock);
	iova_area_set_live(right);
	return 0;
}

/**
 * iova_space_cut() - split areas, so that parts of them can be unmapped
 * @space: the space
 * @iovas: each becomes the last IOVA of an area, if it is mapped
 * @num_iovas: number of @iovas
 *
 * Return: 0; -EINVAL if an IOVA is not just before an aligned one, or the area
 * is in page tables and large pages are not disabled, or it is pinned by the
 * kernel; -EBUSY if it is being mapped or unmapped; -ENOMEM. On error some may
 * have been split, which changes nothing of what is mapped.
 */
int iova_space_cut(struct iova_space *space, const unsigned long *iovas,
		   size_t num_iovas)
{
	struct iova_area *area, *right;
	size_t i;
	int rc;

	for (i = 0; i < num_iovas; i++) {
		right = iova_area_new(NULL, 0, 1, 0);
		if (!right)
			return -ENOMEM;

		rc = 0;
		down_read(&space->domains_lock);
		down_write(&space->lock);
		area = iova_area_first(&space->areas, iovas[i], iovas[i]);
		if (area && area->last != iovas[i])
			rc = split_area(space, area, iovas[i] + 1, right);
		up_write(&space->lock);
		up_read(&space->domains_lock);

		/* It has memory exactly if it has been used */
		if (!right->pages)
			kfree(right);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * iova_space_walk() - visit what is mapped in a range
 * @space: the space
 * @iova: first IOVA
 * @length: number of bytes
 * @fn: called for each piece that one area covers, ascending, with domains_lock
 *	and lock held for reading. Non-zero ends the walk
 * @opaque: for @fn
 *
 * Return: 0; -ENOENT at the first hole, after @fn has been called for what is
 * before it; -EINVAL, -EOVERFLOW; or what @fn returned.
 */
int iova_space_walk(struct iova_space *space, unsigned long iova,
		    unsigned long length, iova_space_walk_fn fn, void *opaque)
{
	unsigned long next = iova;
	unsigned int rounds = 0;
	struct iova_area *area;
	unsigned long last;
	int rc;

	rc = iova_range_last(iova, length, &last);
	if (rc)
		return rc;

	guard(rwsem_read)(&space->domains_lock);
	guard(rwsem_read)(&space->lock);
	iova_area_for_each(area, &space->areas, iova, last) {
		unsigned long end = min(last, area->last);

		if (area->iova > next || !iova_area_is_live(area))
			return -ENOENT;
		if (!READ_ONCE(area->pages->pfnmap))
			rc = fn(next, end - next + 1, opaque);
		if (rc || end == last)
			return rc;
		next = end + 1;
		iova_yield(&rounds);
	}
	return -ENOENT;
}

/**
 * iova_space_walk_writable() - visit what devices may write to
 * @space: the space
 * @iova: first IOVA
 * @length: number of bytes
 * @fn: as in iova_space_walk()
 * @opaque: for @fn
 *
 * Return: 0, or what @fn returned; -EINVAL if @length is 0; -EOVERFLOW.
 */
int iova_space_walk_writable(struct iova_space *space, unsigned long iova,
			     unsigned long length, iova_space_walk_fn fn,
			     void *opaque)
{
	unsigned int rounds = 0;
	struct iova_area *area;
	unsigned long last;
	int rc;

	rc = iova_range_last(iova, length, &last);
	if (rc)
		return rc;

	guard(rwsem_read)(&space->domains_lock);
	guard(rwsem_read)(&space->lock);
	iova_area_for_each(area, &space->areas, iova, last) {
		unsigned long start = max(iova, area->iova);
		unsigned long end = min(last, area->last);

		iova_yield(&rounds);
		if (!(area->prot & IOMMU_WRITE) ||
		    READ_ONCE(area->pages->pfnmap))
			continue;
		rc = fn(start, end - start + 1, opaque);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * iova_space_walk_all() - visit all that is mapped
 * @space: the space
 * @fn: as in iova_space_walk()
 * @opaque: for @fn
 *
 * Return: 0, or what @fn returned.
 */
int iova_space_walk_all(struct iova_space *space, iova_space_walk_fn fn,
			void *opaque)
{
	unsigned int rounds = 0;
	struct iova_area *area;
	int rc;

	guard(rwsem_read)(&space->domains_lock);
	guard(rwsem_read)(&space->lock);
	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		iova_yield(&rounds);
		if (!iova_area_is_live(area) || READ_ONCE(area->pages->pfnmap))
			continue;
		rc = fn(area->iova, iova_area_length(area), opaque);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * iova_space_get_stat() - count what a space holds
 * @space: the space
 * @mark: not 0, and used for no other count in any space that may share memory with
 *	this one, while no such count is under way: the caller has a lock for that
 * @st: the counts
 *
 * Waits for nobody: who looks must not depend on who maps, least of all on
 * another user's memory that takes long to appear.
 *
 * Return: false, and nothing counted, if the space is being changed.
 */
bool iova_space_get_stat(struct iova_space *space, u64 mark,
			 struct iova_space_stat *st)
{
	struct iova_area *area;
	unsigned int rounds = 0;

	*st = (struct iova_space_stat){};
	if (!down_read_trylock(&space->domains_lock))
		return false;
	if (!down_read_trylock(&space->lock)) {
		up_read(&space->domains_lock);
		return false;
	}
	st->domains = list_count_nodes(&space->domains);
	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		struct map_pages *pages = area->pages;

		st->areas++;
		st->mapped_bytes += iova_area_length(area);
		if (pages->stat_mark != mark) {
			pages->stat_mark = mark;
			st->pinned_pages += READ_ONCE(pages->extents.npages);
		}
		if (READ_ONCE(area->filled) && READ_ONCE(pages->pfnmap) &&
		    map_pfnmap_revoked(pages))
			st->revoked++;
		iova_yield(&rounds);
	}
	up_read(&space->lock);
	up_read(&space->domains_lock);
	return true;
}
