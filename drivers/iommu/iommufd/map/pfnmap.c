// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a process that has no pages: a BAR that a driver lets a process map.
 *
 * Nothing there can be pinned. The driver takes the memory out of the process's page
 * tables before it must not be reached any more: before a reset, when memory decoding
 * is turned off, when the device goes. The mm tells us then, by a notifier; before
 * that returns, no page table of ours leads there any more and no IOTLB does. It is not
 * put back, for nobody tells when it can be reached again: a mapping that was revoked
 * keeps its IOVAs, and translates nothing, until it is unmapped.
 *
 * The notifier is called with mmap_lock, or with locks of the file and of the
 * driver, held. So map_pfnmap::lock, which it takes, is the innermost of all: with it
 * held nothing is waited for, and nothing is allocated in a way that may wait for
 * reclaim. To fill a page table takes memory, so that it is done without the lock: the
 * notifier waits for it to end, and what was filled in vain is taken out before that.
 * There is no way back from there to who waits, as reclaim leaves such memory alone.
 */
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/rbtree.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "area.h"
#include "pages.h"
#include "pfnmap.h"

/* Pages that are looked up between two chances for others to change the mm */
#define LOOKUP_STEP	512UL
/* How often a page may be gone again after a fault */
#define LOOKUP_TRIES	8

/**
 * struct map_pfnmap - memory without pages
 * @notifier: for all of the memory
 * @lock: guards @places, @filling and @revoked
 * @places: struct map_place by domain and IOVA
 * @filling: calls that are filling a page table. The notifier sleeps on it
 * @revoked: the memory is out of reach, for good
 * @writable: devices may write to it. Set before the structure is seen by others, and
 *	never modified
 * @extents: which PFNs they are. Set before the structure is seen by others, and never
 *	modified
 */
struct map_pfnmap {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct rb_root places;
	unsigned int filling;
	bool revoked;
	bool writable;
	struct map_extents extents;
};

/**
 * struct map_place - where an area is in a page table
 * @node: in map_pfnmap::places
 * @domain: the page table
 * @iova: first IOVA
 * @length: number of bytes
 * @mapped: it is there; guarded by map_pfnmap::lock
 */
struct map_place {
	struct rb_node node;
	struct iommu_domain *domain;
	unsigned long iova;
	unsigned long length;
	bool mapped;
};

/* Areas of one page table do not overlap. */
static int compare_places(const struct map_place *a, const struct map_place *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->iova != b->iova)
		return a->iova < b->iova ? -1 : 1;
	return 0;
}

static struct map_place *place_of(const struct rb_node *node)
{
	return rb_entry(node, struct map_place, node);
}

static int compare_nodes(struct rb_node *a, const struct rb_node *b)
{
	return compare_places(place_of(a), place_of(b));
}

static int compare_key(const void *key, const struct rb_node *node)
{
	return compare_places(key, place_of(node));
}

/*
 * With the lock held, that a notifier may wait for: what a driver allocates here is
 * not to wait for reclaim.
 */
static void take_out(struct iommu_domain *domain, unsigned long iova,
		     size_t size)
{
	unsigned int flags = memalloc_noreclaim_save();

	WARN_ON(iommu_unmap(domain, iova, size) != size);
	memalloc_noreclaim_restore(flags);
}

/*
 * Of a private mapping, what was written to are ordinary pages, which reclaim takes.
 * What the kernel shows each process (the vDSO's data) is not shared in this sense.
 */
static bool is_pfnmap(const struct vm_area_struct *vma)
{
	return vma && (vma->vm_flags & VM_PFNMAP) &&
	       (vma->vm_flags & VM_MAYSHARE);
}

/* What its process has to be allowed: a mapping can always be read. */
static unsigned long rights_needed(bool write)
{
	return VM_READ | (write ? VM_WRITE : 0);
}

/*
 * Who announces a change of rights holds mmap_lock, and has changed the process's
 * mapping before. No PFN is another one after that, so that what matters is whether the
 * process may still do what devices do.
 */
static bool rights_remain(const struct map_pfnmap *pfnmap,
			  const struct mmu_notifier_range *range)
{
	const unsigned long need = rights_needed(pfnmap->writable);
	const struct interval_tree_node *all = &pfnmap->notifier.interval_tree;
	unsigned long end = min(range->end, all->last + 1);
	unsigned long next = max(range->start, all->start);

	mmap_assert_locked(range->mm);
	while (next < end) {
		struct vm_area_struct *vma = vma_lookup(range->mm, next);

		if (!is_pfnmap(vma) || (vma->vm_flags & need) != need)
			return false;
		next = vma->vm_end;
	}
	return true;
}

/* Is the memory still there for the process, at the same PFNs? */
static bool stays(const struct map_pfnmap *pfnmap,
		  const struct mmu_notifier_range *range)
{
	switch (range->event) {
	/* Somebody counts what the process writes: /proc/PID/clear_refs, */
	case MMU_NOTIFY_SOFT_DIRTY:
		return true;
	/* or PAGEMAP_SCAN, which announces all that it goes over; or mprotect() */
	case MMU_NOTIFY_PROTECTION_VMA:
		return rights_remain(pfnmap, range);
	default:
		return false;
	}
}

static bool pfnmap_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range,
			      unsigned long seq)
{
	struct map_pfnmap *pfnmap = container_of(notifier, struct map_pfnmap,
						 notifier);
	struct rb_node *node;

	/*
	 * The OOM reaper cannot wait, and leaves such memory alone. But what was revoked
	 * is not there any more, and ordinary memory may be in its place.
	 */
	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&pfnmap->lock);
	} else if (!mutex_trylock(&pfnmap->lock)) {
		return false;
	} else if (!pfnmap->revoked || pfnmap->filling) {
		mutex_unlock(&pfnmap->lock);
		return false;
	}
	mmu_interval_set_seq(notifier, seq);
	if (stays(pfnmap, range)) {
		mutex_unlock(&pfnmap->lock);
		return true;
	}
	WRITE_ONCE(pfnmap->revoked, true);
	for (node = rb_first(&pfnmap->places); node; node = rb_next(node)) {
		struct map_place *place = place_of(node);

		if (place->mapped)
			take_out(place->domain, place->iova, place->length);
		place->mapped = false;
		cond_resched();
	}
	mutex_unlock(&pfnmap->lock);

	wait_var_event(&pfnmap->filling, !READ_ONCE(pfnmap->filling));
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = pfnmap_invalidate,
};

/**
 * struct lookup - PFNs on their way into extents
 * @extents: where to
 * @index: page index of the first that is not there yet
 * @pfn: its PFN
 * @npages: so many consecutive ones
 */
struct lookup {
	struct map_extents *extents;
	unsigned long index;
	unsigned long pfn;
	unsigned long npages;
};

static int lookup_store(struct lookup *lookup)
{
	u64 run;

	if (!lookup->npages)
		return 0;
	run = map_run_pack(lookup->pfn, lookup->npages);
	lookup->npages = 0;
	return map_extents_add(lookup->extents, lookup->index, &run, 1);
}

static int lookup_add(struct lookup *lookup, unsigned long index,
		      unsigned long pfn)
{
	int rc;

	if (lookup->npages && lookup->npages < MAP_RUN_MAX_PAGES &&
	    pfn == lookup->pfn + lookup->npages) {
		lookup->npages++;
		return 0;
	}
	rc = lookup_store(lookup);
	if (rc)
		return rc;
	lookup->index = index;
	lookup->pfn = pfn;
	lookup->npages = 1;
	return 0;
}

/* RAM belongs to somebody who may not know of notifiers. */
static bool is_ram(unsigned long pfn)
{
	return pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn));
}

/* Which PFN is at @addr? mmap_lock is held, but not all the time. */
static int lookup_pfn(struct mm_struct *mm, unsigned long addr, bool write,
		      unsigned long *pfn)
{
	const unsigned long need = rights_needed(write);
	unsigned int tries;

	for (tries = 0; tries < LOOKUP_TRIES; tries++) {
		struct follow_pfnmap_args args = {
			.vma = vma_lookup(mm, addr),
			.address = addr,
		};
		bool unlocked = false, found = false;
		int rc;

		/* An entry that is there can be one that may not be used any more */
		if (!is_pfnmap(args.vma) ||
		    (args.vma->vm_flags & need) != need)
			return -EFAULT;
		if (!follow_pfnmap_start(&args)) {
			*pfn = args.pfn;
			found = !write || args.writable;
			follow_pfnmap_end(&args);
		}
		if (found)
			return is_ram(*pfn) ? -EFAULT : 0;
		rc = fixup_user_fault(mm, addr, FAULT_FLAG_REMOTE |
				      (write ? FAULT_FLAG_WRITE : 0),
				      &unlocked);
		if (rc)
			return rc;
	}
	return -EFAULT;
}

static int lookup_all(struct map_pages *pages, struct map_pfnmap *pfnmap)
{
	unsigned long start = pfnmap->notifier.interval_tree.start;
	struct lookup lookup = { .extents = &pfnmap->extents };
	struct mm_struct *mm = pages->owner.mm;
	unsigned long index = 0;
	int rc = 0;

	while (index < pages->npages) {
		unsigned long end = min(pages->npages, index + LOOKUP_STEP);

		if (fatal_signal_pending(current) || mmap_read_lock_killable(mm))
			return -EINTR;
		for (; index < end && !rc; index++) {
			unsigned long pfn;

			rc = lookup_pfn(mm, start + index * PAGE_SIZE,
					pages->writable, &pfn);
			if (!rc)
				rc = lookup_add(&lookup, index, pfn);
		}
		mmap_read_unlock(mm);
		if (rc)
			return rc;
		cond_resched();
	}
	return lookup_store(&lookup);
}

/* -EAGAIN: the process's page tables have changed meanwhile. */
static int try_lookup(struct map_pages *pages, struct map_pfnmap *pfnmap)
{
	unsigned long seq = mmu_interval_read_begin(&pfnmap->notifier);
	int rc;

	scoped_guard(mutex, &pfnmap->lock)
		pfnmap->revoked = false;
	rc = lookup_all(pages, pfnmap);
	if (!rc) {
		guard(mutex)(&pfnmap->lock);
		if (mmu_interval_read_retry(&pfnmap->notifier, seq))
			rc = -EAGAIN;
	}
	if (rc)
		map_extents_remove(&pfnmap->extents, 0, pages->npages - 1);
	return rc;
}

/* Where it is in its process; -ENOENT if it is not such memory as a whole. */
static int find_start(struct mm_struct *mm, const struct map_pages *pages,
		      unsigned long *start)
{
	unsigned long next, last;
	int rc = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	*start = untagged_addr_remote(mm, pages->uptr);
	last = *start + (pages->npages * PAGE_SIZE - 1);
	for (next = *start; next <= last && !rc;) {
		struct vm_area_struct *vma = vma_lookup(mm, next);

		if (is_pfnmap(vma))
			next = vma->vm_end;
		else
			rc = -ENOENT;
	}
	mmap_read_unlock(mm);
	return rc;
}

static void pfnmap_free(struct map_pfnmap *pfnmap, unsigned long npages)
{
	WARN_ON(!RB_EMPTY_ROOT(&pfnmap->places));
	/* Waits for calls of the notifier */
	mmu_interval_notifier_remove(&pfnmap->notifier);
	map_extents_remove(&pfnmap->extents, 0, npages - 1);
	mutex_destroy(&pfnmap->lock);
	kfree(pfnmap);
}

static int pfnmap_new(struct map_pages *pages, unsigned long start)
{
	struct map_pfnmap *pfnmap;
	int rc;

	pfnmap = kzalloc(sizeof(*pfnmap), GFP_KERNEL_ACCOUNT);
	if (!pfnmap)
		return -ENOMEM;
	mutex_init(&pfnmap->lock);
	pfnmap->places = RB_ROOT;
	pfnmap->writable = pages->writable;
	map_extents_init(&pfnmap->extents);
	rc = mmu_interval_notifier_insert(&pfnmap->notifier, pages->owner.mm,
					  start, pages->npages * PAGE_SIZE,
					  &notifier_ops);
	if (rc) {
		mutex_destroy(&pfnmap->lock);
		kfree(pfnmap);
		return rc;
	}
	do {
		rc = try_lookup(pages, pfnmap);
	} while (rc == -EAGAIN);
	if (rc) {
		pfnmap_free(pfnmap, pages->npages);
		return rc;
	}
	/* Who counts looks at it without the lock */
	smp_store_release(&pages->pfnmap, pfnmap);
	return 0;
}

/**
 * map_pfnmap_find() - what could not be pinned, is it memory without pages?
 * @pages: the memory; its lock is held, and nothing of it is pinned
 *
 * If it is, it stays so, whatever the process has at its place later. Nobody is
 * charged for it.
 *
 * Return: 0, and map_pages::pfnmap is set; -ENOENT if not all of it is such memory;
 * -EFAULT if it cannot be reached, or not written to, or is RAM; -ENOMEM; -EINTR; what
 * the driver returns for a fault.
 */
int map_pfnmap_find(struct map_pages *pages)
{
	struct mm_struct *mm = pages->owner.mm;
	unsigned long start;
	int rc;

	lockdep_assert_held(&pages->lock);
	if (pages->file || !RB_EMPTY_ROOT(&pages->holds.rb_root) ||
	    !mmget_not_zero(mm))
		return -ENOENT;
	rc = find_start(mm, pages, &start);
	if (!rc)
		rc = pfnmap_new(pages, start);
	mmput(mm);
	return rc;
}

/**
 * map_pfnmap_free() - undo map_pfnmap_find()
 * @pages: in no page table, and going away
 */
void map_pfnmap_free(struct map_pages *pages)
{
	pfnmap_free(pages->pfnmap, pages->npages);
	pages->pfnmap = NULL;
}

/**
 * map_pfnmap_revoked() - has it been taken away?
 * @pages: memory without pages
 *
 * Return: whether it has been; from then on it stays so.
 */
bool map_pfnmap_revoked(const struct map_pages *pages)
{
	return READ_ONCE(pages->pfnmap->revoked);
}

/* Into the tree; if it is to be filled, the notifier waits for place_end(). */
static bool place_begin(struct map_pfnmap *pfnmap, struct map_place *place)
{
	guard(mutex)(&pfnmap->lock);
	WARN_ON(rb_find_add(&place->node, &pfnmap->places, compare_nodes));
	if (pfnmap->revoked)
		return false;
	WRITE_ONCE(pfnmap->filling, pfnmap->filling + 1);
	return true;
}

/* @mapped: bytes that were filled, all of them if @rc is 0 */
static void place_end(struct map_pfnmap *pfnmap, struct map_place *place,
		      size_t mapped, int rc)
{
	mutex_lock(&pfnmap->lock);
	if (!rc && !pfnmap->revoked)
		place->mapped = true;
	else if (mapped)
		take_out(place->domain, place->iova, mapped);
	if (rc)
		rb_erase(&place->node, &pfnmap->places);
	WRITE_ONCE(pfnmap->filling, pfnmap->filling - 1);
	mutex_unlock(&pfnmap->lock);
	/* Pairs with prepare_to_wait_event() of the notifier */
	smp_mb();
	wake_up_var(&pfnmap->filling);
}

/**
 * map_pfnmap_fill() - map an area in a page table
 * @space: its space; domains_lock is held
 * @area: its memory has no pages; map_pages::lock is held
 * @domain: the page table; has nothing at the area's IOVAs
 *
 * What has been revoked stays a hole there.
 *
 * Return: 0; -EFAULT if the IOMMU does not lead to such memory; or an errno of
 * iommu_map(), or -EINTR; the page table is as before on error.
 */
int map_pfnmap_fill(struct iova_space *space, struct iova_area *area,
		    struct iommu_domain *domain)
{
	struct map_pfnmap *pfnmap = area->pages->pfnmap;
	struct map_place *place;
	size_t mapped = 0;
	int rc;

	place = kzalloc(sizeof(*place), GFP_KERNEL_ACCOUNT);
	if (!place)
		return -ENOMEM;
	place->domain = domain;
	place->iova = area->iova;
	place->length = iova_area_length(area);
	if (!place_begin(pfnmap, place))
		return 0;
	rc = iova_area_map_extents(space, area, &pfnmap->extents, domain,
				   (area->prot & ~IOMMU_CACHE) | IOMMU_MMIO,
				   &mapped);
	place_end(pfnmap, place, mapped, rc);
	if (rc)
		kfree(place);
	/*
	 * IOVA and length have been looked at: what the driver does not take is memory of
	 * a device (virtio-iommu without F_MMIO), where it is (beyond what an SMMU puts
	 * out), or that it is not writeable (a nest parent of VT-d). This is what a client
	 * expects of a BAR that cannot be mapped.
	 */
	return rc == -EINVAL || rc == -ERANGE ? -EFAULT : rc;
}

/**
 * map_pfnmap_clear() - take an area out of a page table
 * @area: map_pfnmap_fill() has been called for it and @domain
 * @domain: the page table; nothing leads through it to the area's memory any more
 *	when this returns
 */
void map_pfnmap_clear(struct iova_area *area, struct iommu_domain *domain)
{
	struct map_pfnmap *pfnmap = area->pages->pfnmap;
	const struct map_place key = { .domain = domain, .iova = area->iova };
	struct map_place *place = NULL;
	struct rb_node *node;

	scoped_guard(mutex, &pfnmap->lock) {
		node = rb_find(&key, &pfnmap->places, compare_key);
		if (WARN_ON(!node))
			return;
		place = place_of(node);
		if (place->mapped)
			take_out(domain, place->iova, place->length);
		rb_erase(node, &pfnmap->places);
	}
	kfree(place);
}
