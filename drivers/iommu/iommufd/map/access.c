// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel users of a space: pins, copies, and being told of an unmap.
 *
 * Pins and copies work on one area after the other. While one is at work the
 * area counts as busy instead of a lock being held, and an unmap waits for that;
 * what stays pinned afterwards is counted in iova_area::num_pins, and an unmap
 * asks the users to end that.
 */
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/mm.h>

#include "area.h"
#include "internal.h"

static bool area_allows(const struct iova_area *area, unsigned int flags)
{
	int need = flags & IOMMUFD_ACCESS_RW_WRITE ? IOMMU_WRITE : IOMMU_READ;

	return area->prot & need;
}

/* Pages are handed out whole, so an area's pages must not begin or end inside. */
static bool whole_pages(const struct iova_area *area, unsigned long iova,
			unsigned long last)
{
	if (offset_in_page(iova_area_byte(area, iova)))
		return false;
	return last <= area->last ||
	       !offset_in_page(iova_area_byte(area, area->last) + 1);
}

/*
 * Find the area that has @iova, and make an unmap wait until area_exit(). @last
 * is where the call ends, if it is about whole pages.
 */
static struct iova_area *area_enter(struct iova_space *space,
				    unsigned long iova, unsigned long last,
				    bool pages, unsigned int flags)
{
	struct iova_area *area;

	guard(rwsem_read)(&space->lock);
	area = iova_area_first(&space->areas, iova, iova);
	if (!area || READ_ONCE(area->state) == IOVA_AREA_BUILDING)
		return ERR_PTR(-ENOENT);
	if (!iova_area_is_live(area) ||
	    (pages && !whole_pages(area, iova, last)))
		return ERR_PTR(-EINVAL);
	if (!area_allows(area, flags))
		return ERR_PTR(-EPERM);
	atomic_inc(&area->busy);
	return area;
}

/* The area may be gone when this returns. */
static void area_exit(struct iova_area *area)
{
	if (atomic_dec_and_test(&area->busy))
		wake_up_var(&area->busy);
}

static int pin_area(struct iova_area *area, unsigned long first,
		    unsigned long last, struct page **out_pages,
		    unsigned int flags)
{
	struct map_pages *pages = area->pages;
	int rc;

	if ((flags & IOMMUFD_ACCESS_RW_WRITE) && !pages->writable)
		return -EPERM;
	guard(mutex)(&pages->lock);
	rc = map_pages_pin(pages, first, last, out_pages);
	if (!rc)
		WRITE_ONCE(area->num_pins, area->num_pins + 1);
	return rc;
}

/**
 * iova_space_pin() - pin the memory behind a range for the kernel
 * @space: the space
 * @iova: first IOVA
 * @length: number of bytes
 * @out_pages: one for each page that the range touches
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Undone by iova_space_unpin() with the same range, or with ranges that cut it
 * where areas end. The same range may be pinned more than once.
 *
 * Return: 0; -EINVAL if @length is 0, @iova is not the start of a page of
 * memory, areas do not meet at the end of a page, or an unmap is waiting for
 * one of them; -EOVERFLOW; -ENOENT if something is not mapped; -EPERM if it is
 * not mapped for such an access; else as map_pages_hold(). On error nothing is
 * pinned.
 */
int iova_space_pin(struct iova_space *space, unsigned long iova,
		   unsigned long length, struct page **out_pages,
		   unsigned int flags)
{
	unsigned long next = iova;
	unsigned long last;
	int rc;

	rc = iova_range_last(iova, length, &last);
	if (rc)
		return rc;

	while (1) {
		unsigned long first_index, last_index, end;
		struct iova_area *area;

		area = area_enter(space, next, last, true, flags);
		if (IS_ERR(area)) {
			rc = PTR_ERR(area);
			break;
		}
		end = min(last, area->last);
		first_index = iova_area_index(area, next);
		last_index = iova_area_index(area, end);
		rc = pin_area(area, first_index, last_index, out_pages, flags);
		area_exit(area);
		if (rc)
			break;
		if (end == last)
			return 0;
		out_pages += last_index - first_index + 1;
		next = end + 1;
	}
	if (next != iova)
		iova_space_unpin(space, iova, next - iova);
	return rc;
}

/* A reference on the memory that @iova means, if an area is there. */
static struct map_pages *unpin_find(struct iova_space *space,
				    unsigned long iova,
				    struct iova_area **area)
{
	guard(rwsem_read)(&space->lock);
	*area = iova_area_first(&space->areas, iova, iova);
	return *area ? map_pages_get((*area)->pages) : NULL;
}

/* The memory's lock is held, but an unmap looks without it: with the last pin @area may go. */
static void drop_pin(struct iova_area *area)
{
	unsigned int left = area->num_pins - 1;

	/* Release: what is read of @area was read before */
	smp_store_release(&area->num_pins, left);
	if (left)
		return;
	/* Pairs with prepare_to_wait_event() of an unmap */
	smp_mb();
	wake_up_var(&area->num_pins);
}

/**
 * iova_space_unpin() - undo iova_space_pin()
 * @space: the space
 * @iova: first IOVA
 * @length: number of bytes
 */
void iova_space_unpin(struct iova_space *space, unsigned long iova,
		      unsigned long length)
{
	unsigned long last, end;

	if (WARN_ON(iova_range_last(iova, length, &last)))
		return;

	for (;; iova = end + 1) {
		struct map_pages *pages;
		struct iova_area *area;

		pages = unpin_find(space, iova, &area);
		if (WARN_ON(!pages))
			return;

		/* With a pin on it, and not cut, the area stays until here */
		mutex_lock(&pages->lock);
		end = min(last, area->last);
		if (!WARN_ON(!area->num_pins) &&
		    !map_pages_unpin(pages, iova_area_index(area, iova),
				     iova_area_index(area, end)))
			drop_pin(area);
		mutex_unlock(&pages->lock);
		map_pages_put(pages);
		if (end == last)
			return;
	}
}

/**
 * iova_space_rw() - copy between a range and a kernel buffer
 * @space: the space
 * @iova: first IOVA
 * @data: kernel buffer
 * @length: number of bytes
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Return: 0; -EINVAL if @length is 0, or an unmap is waiting for an area;
 * -EOVERFLOW; -ENOENT if something is not mapped; -EPERM if it is not mapped for
 * such an access; -EFAULT if the memory is not there; -EINTR. On error some
 * bytes may have been copied.
 */
int iova_space_rw(struct iova_space *space, unsigned long iova, void *data,
		  size_t length, unsigned int flags)
{
	unsigned long last;
	int rc;

	rc = iova_range_last(iova, length, &last);
	if (rc)
		return rc;

	while (1) {
		struct iova_area *area;
		unsigned long end;

		area = area_enter(space, iova, last, false, flags);
		if (IS_ERR(area))
			return PTR_ERR(area);
		end = min(last, area->last);
		rc = map_pages_rw(area->pages, iova_area_byte(area, iova), data,
				  end - iova + 1, flags);
		area_exit(area);
		if (rc || end == last)
			return rc;
		data += end - iova + 1;
		iova = end + 1;
	}
}

/**
 * iova_space_add_user() - have an in-kernel user told of unmaps
 * @space: the space
 * @user: filled in, except for its list item
 *
 * Return: 0, or -EADDRINUSE if something mapped is not aligned as it needs.
 */
int iova_space_add_user(struct iova_space *space, struct iova_space_user *user)
{
	int rc;

	guard(rwsem_read)(&space->domains_lock);
	guard(rwsem_write)(&space->lock);
	rc = iova_space_add_alignment(space, user->alignment);
	if (!rc)
		list_add_tail(&user->item, &space->users);
	return rc;
}

/**
 * iova_space_remove_user() - undo iova_space_add_user()
 * @space: the space
 * @user: has nothing pinned; a call of its unmap() may still be running, with a
 *	reference of its get()
 */
void iova_space_remove_user(struct iova_space *space,
			    struct iova_space_user *user)
{
	guard(rwsem_read)(&space->domains_lock);
	guard(rwsem_write)(&space->lock);
	list_del(&user->item);
	iova_space_drop_alignment(space, user->alignment);
}

/**
 * iova_space_notify_unmap() - ask all users to unpin a range
 * @space: the space; no lock is held
 * @iova: first IOVA
 * @length: number of bytes
 *
 * Users come and go while one of them is being called, hence the list item of
 * our own that keeps the place; get() is what tells a real one.
 */
void iova_space_notify_unmap(struct iova_space *space, unsigned long iova,
			     unsigned long length)
{
	struct iova_space_user place = { .alignment = 1 };
	struct iova_space_user *user;

	down_write(&space->lock);
	list_add(&place.item, &space->users);
	while (!list_is_last(&place.item, &space->users)) {
		user = list_next_entry(&place, item);
		list_move(&place.item, &user->item);
		if (!user->unmap || !user->get(user))
			continue;
		up_write(&space->lock);
		user->unmap(user, iova, length);
		user->put(user);
		down_write(&space->lock);
	}
	list_del(&place.item);
	up_write(&space->lock);
}
