// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmapping.
 *
 * A range is claimed once, as a whole or not at all: its areas are GOING from
 * then on, so that no other call can change them, and what is mapped into the
 * range later is not touched. What nobody has pinned goes at once. For the rest
 * the in-kernel users are asked, with no lock held; those areas stay in the page
 * tables, and in the tree where unpinning finds them, until the last pin is gone.
 */
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "area.h"
#include "internal.h"
#include "table.h"

/* How long one area may stay pinned although its users have been asked */
#define UNPIN_PATIENCE		(10 * HZ)
/* How often they are asked again: one may have been about to note its pin */
#define UNPIN_ASK_AGAIN		(HZ / 50 ?: 1)

/**
 * iova_space_free_areas() - take areas out of the tree and drop them
 * @space: their space
 * @areas: not filled, and nobody else may touch them; empty after this
 */
void iova_space_free_areas(struct iova_space *space, struct list_head *areas)
{
	struct iova_area *area, *tmp;
	unsigned int rounds = 0;

	scoped_guard(rwsem_write, &space->lock) {
		list_for_each_entry(area, areas, item) {
			if (!RB_EMPTY_NODE(&area->node))
				iova_area_erase(&space->areas, area);
			iova_yield(&rounds);
		}
	}

	list_for_each_entry_safe(area, tmp, areas, item) {
		iova_area_free(area);
		iova_yield(&rounds);
	}
	INIT_LIST_HEAD(areas);
}

/**
 * iova_space_unfill_areas() - take areas out of all page tables
 * @space: their space; domains_lock is held for reading
 * @areas: nobody else may touch them; those that are not filled are left alone
 *
 * Memory is given back once no page table, and no IOTLB, leads to it.
 */
void iova_space_unfill_areas(struct iova_space *space, struct list_head *areas)
{
	struct map_flush flush __uninitialized;
	struct iova_space_domain *entry;
	struct iova_area *area;
	unsigned int rounds = 0;

	lockdep_assert_held_read(&space->domains_lock);
	flush.num = 0;
	list_for_each_entry(area, areas, item)
		if (area->filled)
			map_flush_add(&flush, area->iova, area->last);
	if (!flush.num)
		return;

	list_for_each_entry(entry, &space->domains, item) {
		if (entry->ops) {
			iova_areas_clear_domain(areas, entry, &flush);
			continue;
		}
		list_for_each_entry(area, areas, item) {
			if (area->filled)
				iova_area_clear_domain(area, entry->domain);
			iova_yield(&rounds);
		}
	}
	list_for_each_entry(area, areas, item) {
		if (area->filled)
			iova_area_release(area);
		iova_yield(&rounds);
	}
}

/*
 * Take all areas of a range out of everybody's hands, or none: -ENOENT if the
 * range cuts one, -EBUSY if a map or unmap is at work on one.
 */
static int claim_areas(struct iova_space *space, unsigned long start,
		       unsigned long last, struct list_head *areas)
{
	struct iova_area *area;
	unsigned int rounds = 0;

	guard(rwsem_write)(&space->lock);
	iova_area_for_each(area, &space->areas, start, last) {
		if (!iova_area_is_live(area))
			return -EBUSY;
		if (area->iova < start || area->last > last)
			return -ENOENT;
		iova_yield(&rounds);
	}
	iova_area_for_each(area, &space->areas, start, last) {
		area->state = IOVA_AREA_GOING;
		list_add_tail(&area->item, areas);
		iova_yield(&rounds);
	}
	return 0;
}

/* The users did not let go: these are mapped as before. */
static void unclaim_areas(struct iova_space *space, struct list_head *areas)
{
	struct iova_area *area, *tmp;

	guard(rwsem_write)(&space->lock);
	list_for_each_entry_safe(area, tmp, areas, item) {
		list_del_init(&area->item);
		area->state = IOVA_AREA_LIVE;
	}
}

/* Unmap claimed areas that nobody has pinned; those that are go to @pinned. */
static void unmap_unpinned(struct iova_space *space, struct list_head *areas,
			   struct list_head *pinned, unsigned long *unmapped)
{
	struct iova_area *area, *tmp;

	list_for_each_entry_safe(area, tmp, areas, item) {
		/* Nobody can begin to use a claimed area; wait for who has */
		iova_area_wait_idle(area);
		if (READ_ONCE(area->num_pins))
			list_move_tail(&area->item, pinned);
		else
			*unmapped += iova_area_length(area);
	}
	if (list_empty(areas))
		return;
	iova_space_unfill_areas(space, areas);
	iova_space_free_areas(space, areas);
}

/*
 * Ask the in-kernel users to unpin a claimed area, until they have. A user that
 * is being destroyed cannot be asked, but will have unpinned by its end.
 */
static bool ask_to_unpin(struct iova_space *space, struct iova_area *area)
{
	unsigned long deadline = jiffies + UNPIN_PATIENCE;

	while (READ_ONCE(area->num_pins)) {
		iova_space_notify_unmap(space, area->iova,
					iova_area_length(area));
		if (wait_var_event_timeout(&area->num_pins,
					   !READ_ONCE(area->num_pins),
					   UNPIN_ASK_AGAIN))
			return true;
		if (time_after(jiffies, deadline))
			return false;
	}
	return true;
}

/* The rest of an unmap: of claimed areas, idle, that somebody may have pinned. */
static int unmap_pinned(struct iova_space *space, struct list_head *pinned,
			unsigned long *unmapped)
{
	struct iova_area *area;
	LIST_HEAD(still_pinned);
	int rc = 0;

	list_for_each_entry(area, pinned, item) {
		if (!ask_to_unpin(space, area)) {
			rc = -EDEADLOCK;
			break;
		}
	}
	WARN_ONCE(rc, "an in-kernel user of I/O address space does not unpin\n");

	scoped_guard(rwsem_read, &space->domains_lock)
		unmap_unpinned(space, pinned, &still_pinned, unmapped);
	unclaim_areas(space, &still_pinned);
	return rc;
}

static int unmap_range(struct iova_space *space, unsigned long start,
		       unsigned long last, unsigned long *unmapped)
{
	LIST_HEAD(pinned);
	LIST_HEAD(areas);
	int rc;

	scoped_guard(rwsem_read, &space->domains_lock) {
		rc = claim_areas(space, start, last, &areas);
		if (rc)
			return rc;
		unmap_unpinned(space, &areas, &pinned, unmapped);
	}
	return list_empty(&pinned) ? 0 : unmap_pinned(space, &pinned, unmapped);
}

/**
 * iova_space_unmap() - unmap a range
 * @space: the space
 * @iova: first IOVA
 * @length: number of bytes
 * @unmapped: number of bytes that were mapped and are not any more, also on
 *	error; may be NULL
 *
 * Areas go as a whole. In-kernel users that have pinned something are asked to
 * let go of it, with no lock held. What another call maps into the range
 * meanwhile stays.
 *
 * Return: 0, also if nothing is mapped there; -EINVAL if @length is 0;
 * -EOVERFLOW; -ENOENT if an area is only partly in the range and -EBUSY if
 * another call is mapping or unmapping one of them, both with nothing done;
 * -EDEADLOCK if an in-kernel user does not unpin in ten seconds: what is pinned
 * is still mapped.
 */
int iova_space_unmap(struct iova_space *space, unsigned long iova,
		     unsigned long length, unsigned long *unmapped)
{
	unsigned long done = 0;
	unsigned long last;
	int rc;

	rc = iova_range_last(iova, length, &last);
	if (!rc)
		rc = unmap_range(space, iova, last, &done);
	if (unmapped)
		*unmapped = done;
	return rc;
}

/**
 * iova_space_unmap_all() - unmap everything
 * @space: the space
 * @unmapped: number of bytes that were mapped and are not any more, also on
 *	error; may be NULL
 *
 * Return: as iova_space_unmap(); -EBUSY if another call is mapping or unmapping
 * anything.
 */
int iova_space_unmap_all(struct iova_space *space, unsigned long *unmapped)
{
	unsigned long done = 0;
	int rc;

	rc = unmap_range(space, 0, ULONG_MAX, &done);
	if (unmapped)
		*unmapped = done;
	return rc;
}

/* Also the areas behind one that is: no pin is in progress in any on return. */
static bool is_pinned(const struct list_head *areas)
{
	struct iova_area *area;
	bool pinned = false;

	list_for_each_entry(area, areas, item) {
		iova_area_wait_idle(area);
		if (READ_ONCE(area->num_pins))
			pinned = true;
	}
	return pinned;
}

/*
 * Claim ranges up to the first that cannot be, or is pinned: that one's areas go to
 * @pinned, all others' to @areas. Returns how many ranges are in @areas.
 */
static unsigned int claim_many(struct iova_space *space,
			       const struct iova_range *ranges,
			       unsigned int num, struct list_head *areas,
			       struct list_head *pinned, int *rc)
{
	unsigned int i;

	*rc = 0;
	for (i = 0; i < num; i++) {
		LIST_HEAD(claimed);

		*rc = claim_areas(space, ranges[i].start, ranges[i].last,
				  &claimed);
		if (!*rc && list_empty(&claimed))
			*rc = -ENOENT;
		if (*rc)
			break;
		if (is_pinned(&claimed)) {
			list_splice(&claimed, pinned);
			break;
		}
		list_splice_tail(&claimed, areas);
	}
	return i;
}

/**
 * iova_space_unmap_many() - unmap many ranges, with one flush
 * @space: the space
 * @ranges: what to unmap, in this order
 * @num: how many
 * @done: how many are unmapped: @ranges[0] to @ranges[*done - 1], and no other, but
 *	for -EDEADLOCK
 * @unmapped: number of bytes that were mapped and are not any more
 *
 * Stops at the first that cannot be unmapped. A range that in-kernel users have pinned
 * is done by itself, after a flush of those before it, as they have to be asked.
 *
 * Return: 0, or why @ranges[*done] could not be unmapped, as iova_space_unmap(); but
 * -ENOENT also if nothing is mapped there.
 */
int iova_space_unmap_many(struct iova_space *space,
			  const struct iova_range *ranges, unsigned int num,
			  unsigned int *done, unsigned long *unmapped)
{
	unsigned int claimed;
	int rc = 0;

	*done = 0;
	*unmapped = 0;
	while (*done < num && !rc) {
		LIST_HEAD(pinned);
		LIST_HEAD(areas);

		scoped_guard(rwsem_read, &space->domains_lock) {
			claimed = claim_many(space, ranges + *done,
					     num - *done, &areas, &pinned, &rc);
			*done += claimed;
			unmap_unpinned(space, &areas, &pinned, unmapped);
		}
		/* Perhaps what was in the way was ours, and is not any more */
		if (rc == -EBUSY && claimed)
			rc = 0;
		if (list_empty(&pinned))
			continue;
		rc = unmap_pinned(space, &pinned, unmapped);
		*done += !rc;
	}
	return rc;
}
