// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page tables of a space: they come and go as a whole, with domains_lock
 * held for writing, so that no area is BUILDING or half gone, and all stay as
 * they are without iova_space::lock. One that is GOING waits for its pins and is
 * treated like any other. What all page tables and in-kernel users have to agree on,
 * the alignment, is kept here too.
 */
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "area.h"
#include "internal.h"
#include "table.h"

static const struct iova_range everything = { .last = ULONG_MAX };

static int check_alignment(struct iova_space *space, unsigned long alignment)
{
	unsigned long mask = alignment - 1;
	unsigned int rounds = 0;
	struct iova_area *area;

	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		if ((area->iova | (area->last + 1) |
		     offset_in_page(area->offset)) & mask)
			return -EADDRINUSE;
		iova_yield(&rounds);
	}
	return 0;
}

/* What all of @wants agree on. -EADDRINUSE if it rises and an area does not fit. */
static int update_alignment(struct iova_space *space)
{
	/* Mapping page by page takes whole pages */
	unsigned long alignment = space->no_large_pages ? PAGE_SIZE : 1;
	int i, rc;

	lockdep_assert_held(&space->domains_lock);
	lockdep_assert_held_write(&space->lock);

	for (i = PAGE_SHIFT; BIT(i) > alignment; i--)
		if (space->wants[i])
			alignment = BIT(i);

	if (alignment > space->alignment) {
		rc = check_alignment(space, alignment);
		if (rc)
			return rc;
	}
	space->alignment = alignment;
	return 0;
}

/**
 * iova_space_add_alignment() - one more insists on an alignment
 * @space: domains_lock is held, lock is held for writing
 * @alignment: a power of two, at most PAGE_SIZE
 *
 * Takes the same time however many others there are.
 *
 * Return: 0, or -EADDRINUSE if an area does not fit: nothing has changed.
 */
int iova_space_add_alignment(struct iova_space *space, unsigned long alignment)
{
	unsigned int *wants = &space->wants[__ffs(alignment)];
	int rc;

	++*wants;
	rc = update_alignment(space);
	if (rc)
		--*wants;
	return rc;
}

/**
 * iova_space_drop_alignment() - undo iova_space_add_alignment()
 * @space: domains_lock is held, lock is held for writing
 * @alignment: as given
 */
void iova_space_drop_alignment(struct iova_space *space,
			       unsigned long alignment)
{
	space->wants[__ffs(alignment)]--;
	WARN_ON(update_alignment(space));
}

/**
 * iova_space_alignment() - what mappings have to be aligned to
 * @space: the space
 *
 * Return: a power of two, at most PAGE_SIZE.
 */
unsigned long iova_space_alignment(struct iova_space *space)
{
	guard(rwsem_read)(&space->lock);
	return space->alignment;
}

/* The domain's limits become the space's, before anything is filled in. */
static int admit_domain(struct iova_space *space,
			struct iova_space_domain *entry)
{
	struct iommu_domain *domain = entry->domain;
	struct iommu_domain_geometry *geometry = &domain->geometry;
	int rc;

	guard(rwsem_write)(&space->lock);
	if (geometry->aperture_start) {
		rc = iova_space_reserve_locked(space, 0,
					       geometry->aperture_start - 1,
					       domain);
		if (rc)
			goto err_unreserve;
	}
	if (geometry->aperture_end < ULONG_MAX) {
		rc = iova_space_reserve_locked(space,
					       geometry->aperture_end + 1,
					       ULONG_MAX, domain);
		if (rc)
			goto err_unreserve;
	}
	rc = iova_space_add_alignment(space, entry->alignment);
	if (rc)
		goto err_unreserve;
	list_add_tail(&entry->item, &space->domains);
	return 0;

err_unreserve:
	iova_space_unreserve_locked(space, domain);
	return rc;
}

static void dismiss_domain(struct iova_space *space,
			   struct iova_space_domain *entry)
{
	guard(rwsem_write)(&space->lock);
	list_del(&entry->item);
	iova_space_unreserve_locked(space, entry->domain);
	iova_space_drop_alignment(space, entry->alignment);
}

static int compare_domains(const void *domain, const struct rb_node *node)
{
	const struct iova_space_domain *entry =
		rb_entry(node, struct iova_space_domain, node);

	if (domain == entry->domain)
		return 0;
	return domain < (void *)entry->domain ? -1 : 1;
}

static int compare_entries(struct rb_node *new, const struct rb_node *node)
{
	return compare_domains(rb_entry(new, struct iova_space_domain,
					node)->domain, node);
}

/* Pin the area if this is its first page table, and map it there. */
static int fill_one(struct iova_space *space, struct iova_area *area,
		    const struct iova_space_domain *entry)
{
	struct map_pages *pages = area->pages;
	int rc;

	if (area->leaked)
		return -EIO;
	guard(mutex)(&pages->lock);
	if (!area->filled) {
		rc = iova_area_hold(area);
		if (rc)
			return rc;
	}
	rc = iova_area_fill_domain(space, area, entry);
	if (!rc)
		WRITE_ONCE(area->filled, true);
	else if (!area->filled && !area->leaked)
		iova_area_let_go(area);
	return rc;
}

/*
 * Take all areas before @end out of the domain; @unpin if it is the only one. They
 * are all that is in it: where the driver can gather, one flush of everything.
 */
static void clear_areas(struct iova_space *space,
			const struct iova_space_domain *entry,
			struct iova_area *end, bool unpin)
{
	struct iommu_domain *domain = entry->domain;
	struct iommu_iotlb_gather gather;
	struct iova_area *area;
	bool owed = false;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		if (area == end)
			break;
		if (entry->ops)
			iova_area_gather(area, entry, &gather);
		else
			iova_area_clear_domain(area, domain);
		cond_resched();
	}
	if (entry->ops) {
		entry->ops->flush(domain, &everything, 1, &gather);
		owed = map_domain_owed(domain);
	}
	if (!unpin && !owed)
		return;
	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		if (area == end)
			break;
		if (owed)
			area->owed = true;
		if (unpin)
			iova_area_release(area);
		cond_resched();
	}
}

/**
 * iova_space_add_domain() - let a page table follow a space
 * @space: the space
 * @domain: an empty paging domain; the caller's, and stays it
 *
 * All that is mapped is filled in; IOVAs that @domain does not translate become
 * reserved. The first page table of a space pins the memory.
 *
 * Return: 0; -EEXIST if it is there already; -EINVAL if it cannot map single
 * pages; -EADDRINUSE if something mapped or allowed is not to its liking; -EIO
 * if a page table has been found broken before; else as iova_space_map_user().
 * On error nothing has changed.
 */
int iova_space_add_domain(struct iova_space *space, struct iommu_domain *domain)
{
	struct iova_space_domain *entry;
	struct iova_area *area;
	bool first;
	int rc;

	if (!domain->pgsize_bitmap ||
	    1UL << __ffs(domain->pgsize_bitmap) > PAGE_SIZE)
		return -EINVAL;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->domain = domain;
	entry->alignment = 1UL << __ffs(domain->pgsize_bitmap);
	entry->ops = map_table_find(domain);

	guard(rwsem_write)(&space->domains_lock);
	if (WARN_ON(rb_find_add(&entry->node, &space->domain_tree,
				compare_entries))) {
		kfree(entry);
		return -EEXIST;
	}
	first = list_empty(&space->domains);
	rc = admit_domain(space, entry);
	if (rc)
		goto err_erase;

	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		rc = fill_one(space, area, entry);
		if (rc) {
			clear_areas(space, entry, area, first);
			goto err_dismiss;
		}
		cond_resched();
	}
	if (entry->ops && entry->ops->sync_map)
		entry->ops->sync_map(domain, &everything, 1);
	return 0;

err_dismiss:
	dismiss_domain(space, entry);
err_erase:
	rb_erase(&entry->node, &space->domain_tree);
	kfree(entry);
	return rc;
}

/**
 * iova_space_remove_domain() - undo iova_space_add_domain()
 * @space: the space
 * @domain: empty again after this. Memory that no other page table and no
 *	in-kernel pin needs is given back
 */
void iova_space_remove_domain(struct iova_space *space,
			      struct iommu_domain *domain)
{
	struct iova_space_domain *entry;
	struct rb_node *node;

	guard(rwsem_write)(&space->domains_lock);
	node = rb_find(domain, &space->domain_tree, compare_domains);
	if (WARN_ON(!node))
		return;
	entry = rb_entry(node, struct iova_space_domain, node);
	rb_erase(node, &space->domain_tree);
	clear_areas(space, entry, NULL, list_is_singular(&space->domains));
	dismiss_domain(space, entry);
	kfree(entry);
}

/**
 * iova_space_disable_large_pages() - map page by page from here on
 * @space: the space
 *
 * Return: 0; -EINVAL if something is in page tables already; -EADDRINUSE if
 * something mapped is not aligned to PAGE_SIZE.
 */
int iova_space_disable_large_pages(struct iova_space *space)
{
	int rc;

	guard(rwsem_write)(&space->domains_lock);
	guard(rwsem_write)(&space->lock);
	if (space->no_large_pages)
		return 0;
	if (!list_empty(&space->domains) &&
	    !RB_EMPTY_ROOT(&space->areas.rb_root))
		return -EINVAL;

	WRITE_ONCE(space->no_large_pages, true);
	rc = update_alignment(space);
	if (rc)
		WRITE_ONCE(space->no_large_pages, false);
	return rc;
}

/**
 * iova_space_enable_large_pages() - undo iova_space_disable_large_pages()
 * @space: the space; what is mapped stays as it is
 */
void iova_space_enable_large_pages(struct iova_space *space)
{
	guard(rwsem_write)(&space->domains_lock);
	guard(rwsem_write)(&space->lock);
	WRITE_ONCE(space->no_large_pages, false);
	WARN_ON(update_alignment(space));
}
