// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where something may be mapped: the allowed and the reserved ranges of a
 * space. Both trees are guarded by iova_space::lock.
 */
#include <linux/cleanup.h>
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "area.h"
#include "internal.h"

/**
 * struct range_node - an allowed or a reserved range
 * @node: in iova_space::allowed or iova_space::reserved
 * @owner: who reserved it; NULL if it is allowed
 */
struct range_node {
	struct interval_tree_node node;
	const void *owner;
};

static struct range_node *range_first(struct rb_root_cached *root)
{
	struct interval_tree_node *node;

	node = interval_tree_iter_first(root, 0, ULONG_MAX);
	return node ? container_of(node, struct range_node, node) : NULL;
}

static int range_add(struct rb_root_cached *root, unsigned long start,
		     unsigned long last, const void *owner)
{
	struct range_node *range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);

	if (!range)
		return -ENOMEM;
	range->node.start = start;
	range->node.last = last;
	range->owner = owner;
	interval_tree_insert(&range->node, root);
	return 0;
}

static void ranges_free(struct rb_root_cached *root)
{
	struct range_node *range;

	while ((range = range_first(root))) {
		interval_tree_remove(&range->node, root);
		kfree(range);
	}
}

/**
 * iova_space_free_ranges() - forget all allowed and reserved ranges
 * @space: about to go; nobody else uses it
 */
void iova_space_free_ranges(struct iova_space *space)
{
	ranges_free(&space->allowed);
	/* Who gave a name has to come back; nobody can come back for NULL */
	iova_space_unreserve(space, NULL);
	WARN_ON(!RB_EMPTY_ROOT(&space->reserved.rb_root));
	ranges_free(&space->reserved);
}

/**
 * iova_space_is_reserved() - look for reserved IOVAs
 * @space: its lock is held
 * @start: first IOVA
 * @last: last IOVA
 *
 * Return: whether any of them is reserved.
 */
bool iova_space_is_reserved(struct iova_space *space, unsigned long start,
			    unsigned long last)
{
	return interval_tree_iter_first(&space->reserved, start, last);
}

static bool find_unreserved(struct iova_space *space, struct iova_request *req,
			    unsigned long start, unsigned long last,
			    unsigned long *iova)
{
	struct interval_tree_span_iter span;

	interval_tree_for_each_span(&span, &space->reserved, start, last) {
		iova_request_step(req);
		if (!span.is_hole ||
		    span.last_hole - span.start_hole < req->length - 1)
			continue;
		req->start = span.start_hole;
		req->last = span.last_hole;
		if (iova_area_find_gap(&space->areas, req, iova))
			return true;
	}
	return false;
}

/**
 * iova_space_find_usable() - find free IOVAs where something may be mapped
 * @space: its lock is held
 * @req: what is wanted; start is 0, or where to begin to look. It and last are
 *	overwritten
 * @iova: the lowest that suits. Neither on the first page nor on the last
 *
 * May sleep.
 *
 * Return: whether there are any.
 */
bool iova_space_find_usable(struct iova_space *space, struct iova_request *req,
			    unsigned long *iova)
{
	const unsigned long start = max(PAGE_SIZE, req->start);
	const unsigned long last = ULONG_MAX - PAGE_SIZE;
	struct interval_tree_span_iter span;

	lockdep_assert_held(&space->lock);
	if (start > last)
		return false;
	if (RB_EMPTY_ROOT(&space->allowed.rb_root))
		return find_unreserved(space, req, start, last, iova);

	interval_tree_for_each_span(&span, &space->allowed, start, last) {
		iova_request_step(req);
		if (span.is_hole ||
		    span.last_used - span.start_used < req->length - 1)
			continue;
		if (find_unreserved(space, req, span.start_used, span.last_used,
				    iova))
			return true;
	}
	return false;
}

/**
 * iova_space_set_allowed() - replace the allowed ranges
 * @space: the space
 * @ranges: must not overlap and be larger than one IOVA
 * @num: their number; 0: no restriction
 *
 * Return: 0; -EINVAL if a range is not as said; -EADDRINUSE if one is reserved;
 * -ENOMEM. On error the old ones stay.
 */
int iova_space_set_allowed(struct iova_space *space,
			   const struct iova_range *ranges, size_t num)
{
	struct rb_root_cached new = RB_ROOT_CACHED;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < num; i++) {
		if (ranges[i].start >= ranges[i].last ||
		    interval_tree_iter_first(&new, ranges[i].start,
					     ranges[i].last))
			rc = -EINVAL;
		else
			rc = range_add(&new, ranges[i].start, ranges[i].last,
				       NULL);
	}

	scoped_guard(rwsem_write, &space->lock) {
		for (i = 0; !rc && i < num; i++)
			if (iova_space_is_reserved(space, ranges[i].start,
						   ranges[i].last))
				rc = -EADDRINUSE;
		if (!rc)
			swap(space->allowed, new);
	}
	ranges_free(&new);
	return rc;
}

/**
 * iova_space_reserve_locked() - as iova_space_reserve()
 * @space: its lock is held for writing
 * @start: first IOVA
 * @last: last IOVA
 * @owner: cookie
 *
 * Return: as iova_space_reserve().
 */
int iova_space_reserve_locked(struct iova_space *space, unsigned long start,
			      unsigned long last, const void *owner)
{
	lockdep_assert_held_write(&space->lock);
	if (iova_area_first(&space->areas, start, last) ||
	    interval_tree_iter_first(&space->allowed, start, last))
		return -EADDRINUSE;
	return range_add(&space->reserved, start, last, owner);
}

/**
 * iova_space_reserve() - forbid a range
 * @space: the space
 * @start: first IOVA
 * @last: last IOVA, not below @start
 * @owner: cookie for iova_space_unreserve(). Ranges may overlap
 *
 * Return: 0; -EADDRINUSE if any of it is mapped or allowed; -ENOMEM.
 */
int iova_space_reserve(struct iova_space *space, unsigned long start,
		       unsigned long last, const void *owner)
{
	guard(rwsem_write)(&space->lock);
	return iova_space_reserve_locked(space, start, last, owner);
}

/* The lowest free IOVAs in a range of which nothing is reserved, nor allowed. */
static bool find_in_hole(struct iova_space *space, struct iova_request *req,
			 unsigned long start, unsigned long last,
			 unsigned long *iova)
{
	struct interval_tree_span_iter span;

	interval_tree_for_each_span(&span, &space->allowed, start, last) {
		if (!span.is_hole)
			continue;
		req->start = span.start_hole;
		req->last = span.last_hole;
		if (iova_area_find_gap(&space->areas, req, iova))
			return true;
	}
	return false;
}

static bool find_reservable(struct iova_space *space, struct iova_request *req,
			    unsigned long start, unsigned long last,
			    unsigned long *iova)
{
	struct interval_tree_span_iter span;

	interval_tree_for_each_span(&span, &space->reserved, start, last) {
		if (!span.is_hole)
			continue;
		if (find_in_hole(space, req, span.start_hole, span.last_hole,
				 iova))
			return true;
	}
	return false;
}

/**
 * iova_space_reserve_free() - forbid a range that nobody has
 * @space: the space
 * @want: where to look, what for
 * @owner: cookie for iova_space_unreserve()
 * @start: set to the first IOVA: the lowest where nothing is mapped, allowed,
 *	reserved or taken
 *
 * Return: 0; -ENOSPC: there is no such range; -ENOMEM.
 */
int iova_space_reserve_free(struct iova_space *space,
			    const struct iova_space_want *want,
			    const void *owner, unsigned long *start)
{
	struct iova_request req = {
		.length = want->length,
		.align = want->align,
	};
	unsigned long from = want->start, iova, next;

	guard(rwsem_write)(&space->lock);
	while (from <= want->last &&
	       find_reservable(space, &req, from, want->last, &iova)) {
		next = want->taken(iova, iova + want->length - 1, want->opaque);
		if (!next) {
			*start = iova;
			return range_add(&space->reserved, iova,
					 iova + want->length - 1, owner);
		}
		if (next <= from)
			break;
		from = next;
	}
	return -ENOSPC;
}

/**
 * iova_space_unreserve_locked() - as iova_space_unreserve()
 * @space: its lock is held for writing
 * @owner: cookie
 */
void iova_space_unreserve_locked(struct iova_space *space, const void *owner)
{
	struct interval_tree_node *node, *next;

	lockdep_assert_held_write(&space->lock);
	for (node = interval_tree_iter_first(&space->reserved, 0, ULONG_MAX);
	     node; node = next) {
		struct range_node *range = container_of(node, struct range_node,
							node);

		next = interval_tree_iter_next(node, 0, ULONG_MAX);
		if (range->owner == owner) {
			interval_tree_remove(node, &space->reserved);
			kfree(range);
		}
	}
}

/**
 * iova_space_unreserve() - end all reservations of an owner
 * @space: the space
 * @owner: as given to iova_space_reserve()
 */
void iova_space_unreserve(struct iova_space *space, const void *owner)
{
	guard(rwsem_write)(&space->lock);
	iova_space_unreserve_locked(space, owner);
}

/**
 * iova_space_for_each_usable() - visit the ranges that are not reserved
 * @space: the space
 * @fn: called for each, ascending, with the space's lock held for reading.
 *	Non-zero ends the walk
 * @opaque: for @fn
 *
 * Return: 0, or what @fn returned.
 */
int iova_space_for_each_usable(struct iova_space *space,
			       iova_space_range_fn fn, void *opaque)
{
	struct interval_tree_span_iter span;
	int rc;

	guard(rwsem_read)(&space->lock);
	interval_tree_for_each_span(&span, &space->reserved, 0, ULONG_MAX) {
		if (!span.is_hole)
			continue;
		rc = fn(span.start_hole, span.last_hole, opaque);
		if (rc)
			return rc;
	}
	return 0;
}
