// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning of user memory; who pays for it is in charge.c.
 *
 * The pinned set of a struct map_pages is the union of its holds. Taking a hold
 * pins what no other hold covers, releasing one gives back what no other hold
 * covers; all of that happens under map_pages::lock. The lock is taken inside
 * the locks of struct iova_space, and mmap_lock inside of it.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "pages.h"
#include "pfnmap.h"
#include "quarantine.h"
#include "../failpoint.h"

size_t map_batch_bytes = SZ_32K;

/* Small enough for the stack, enough for most mappings a VMM makes one by one */
#define FEW_PAGES	16
/* So many pages are given back between two looks at the scheduler */
#define UNPIN_STEP	8192UL
/* Runs, and single pages, that are given back in one go */
#define UNPIN_RUNS	32

/* @start: an address or an offset in a file; a range of [@start, @start + @length). */
static struct map_pages *pages_new(size_t size, enum map_charge charge,
				   unsigned long start, unsigned long length,
				   bool writable)
{
	struct map_pages *pages;
	unsigned long end;

	if (!length || length > SIZE_MAX - PAGE_SIZE || !current->mm)
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(start, length, &end))
		return ERR_PTR(-EOVERFLOW);

	/* Not zeroed, which would cost more than all else here */
	pages = kmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!pages)
		return ERR_PTR(-ENOMEM);

	kref_init(&pages->kref);
	mutex_init(&pages->lock);
	map_owner_set_current(&pages->owner);
	pages->next_owner = NULL;
	INIT_LIST_HEAD(&pages->moving);
	pages->file = NULL;
	pages->uptr = start & PAGE_MASK;
	pages->npages = ((end - 1) >> PAGE_SHIFT) - (start >> PAGE_SHIFT) + 1;
	pages->charge = charge;
	pages->writable = writable;
	pages->holds = RB_ROOT_CACHED;
	map_extents_init(&pages->extents);
	pages->unpaid = 0;
	pages->pins = RB_ROOT;
	pages->searched = 0;
	pages->pfnmap = NULL;
	pages->stat_mark = 0;
	return pages;
}

/**
 * map_pages_alloc() - describe a run of the caller's memory
 * @size: bytes to allocate; struct map_pages is at the start of it, the rest is
 *	the caller's to fill in, and lives as long
 * @charge: whom to charge for what will be pinned
 * @uptr: first byte
 * @length: number of bytes
 * @writable: pin for writing
 *
 * Nothing is pinned or charged yet, nor is it checked that there is memory.
 *
 * Return: one reference, or -EINVAL if @length is 0, too large, or there is no
 * user memory in this context; -EOVERFLOW if the range leaves the address
 * space; -ENOMEM.
 */
struct map_pages *map_pages_alloc(size_t size, enum map_charge charge,
				  void __user *uptr, unsigned long length,
				  bool writable)
{
	return pages_new(size, charge, (unsigned long)uptr, length, writable);
}

/**
 * map_pages_alloc_file() - describe a run of a file's memory
 * @size: as map_pages_alloc()
 * @charge: likewise; the calling process is charged
 * @file: has its memory in shmem or hugetlbfs; a reference is taken
 * @start: offset of the first byte
 * @length: number of bytes
 * @writable: pin for writing
 *
 * Nothing is pinned or charged yet, nor is it looked how long the file is.
 *
 * Return: as map_pages_alloc(); also the errnos of map_file_open().
 */
struct map_pages *map_pages_alloc_file(size_t size, enum map_charge charge,
				       struct file *file, unsigned long start,
				       unsigned long length, bool writable)
{
	struct map_pages *pages;
	unsigned long end;
	int rc;

	/* What is beyond is no offset, and the last page's end has to be one */
	if (check_add_overflow(start, length, &end) ||
	    end > LLONG_MAX - PAGE_SIZE)
		return ERR_PTR(-EOVERFLOW);
	pages = pages_new(size, charge, start, length, writable);
	if (IS_ERR(pages))
		return pages;
	rc = map_file_open(pages, file, writable);
	if (rc) {
		map_pages_put(pages);
		return ERR_PTR(rc);
	}
	return pages;
}

/**
 * map_pages_free() - the last reference is gone
 * @kref: map_pages::kref
 */
void map_pages_free(struct kref *kref)
{
	struct map_pages *pages = container_of(kref, struct map_pages, kref);

	WARN_ON(!RB_EMPTY_ROOT(&pages->holds.rb_root));
	WARN_ON(!RB_EMPTY_ROOT(&pages->pins));
	WARN_ON(pages->extents.npages);
	if (pages->pfnmap)
		map_pfnmap_free(pages);
	mutex_destroy(&pages->lock);
	if (pages->file)
		map_file_close(pages);
	map_owner_put(&pages->owner);
	kfree(pages);
}

static void unpin_run(struct map_pages *pages, unsigned long pfn,
		      unsigned long npages)
{
	for (;;) {
		unsigned long step = min(npages, UNPIN_STEP);

		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), step,
						 pages->writable);
		npages -= step;
		if (!npages)
			return;
		pfn += step;
		cond_resched();
	}
}

/* Single pages are collected: one call for many costs less than one for each. */
static void unpin_runs(struct map_pages *pages, const u64 *runs,
		       unsigned int nr)
{
	struct page *single[UNPIN_RUNS] __uninitialized;
	unsigned int i, num = 0;

	for (i = 0; i < nr; i++) {
		unsigned long pfn = map_run_pfn(runs[i]);

		if (map_run_npages(runs[i]) == 1)
			single[num++] = pfn_to_page(pfn);
		else
			unpin_run(pages, pfn, map_run_npages(runs[i]));
	}
	if (num)
		unpin_user_pages_dirty_lock(single, num, pages->writable);
}

/* Give back all there is in the range, and forget it. Returns how much. */
static unsigned long drop_range(struct map_pages *pages, unsigned long first,
				unsigned long last)
{
	unsigned long before = pages->extents.npages;
	u64 runs[UNPIN_RUNS] __uninitialized;
	struct map_extent_iter iter;
	unsigned int nr, rounds = 0;

	map_extents_seek(&iter, &pages->extents, first, last);
	while ((nr = map_extents_take(&iter, runs, UNPIN_RUNS))) {
		unpin_runs(pages, runs, nr);
		if (++rounds % 16 == 0)
			cond_resched();
	}
	map_extents_remove(&pages->extents, first, last);
	return before - pages->extents.npages;
}

/**
 * struct gup - a source of pinned pages
 * @pages: whose
 * @remote: the memory is not that of the running task; its mm is held
 */
struct gup {
	struct map_pages *pages;
	bool remote;
};

static unsigned int gup_flags_of(const struct map_pages *pages)
{
	return FOLL_LONGTERM | (pages->writable ? FOLL_WRITE : 0);
}

static int gup_begin(struct gup *gup, struct map_pages *pages)
{
	gup->pages = pages;
	/* A file's memory is there without a process */
	gup->remote = !pages->file && pages->owner.mm != current->mm;
	if (gup->remote && !mmget_not_zero(pages->owner.mm))
		return -EFAULT;
	return 0;
}

static void gup_end(struct gup *gup)
{
	if (gup->remote)
		mmput(gup->pages->owner.mm);
}

/* Pin up to @npages from @index on; returns how many (at least 1) or an errno. */
static long gup_pin(struct gup *gup, unsigned long index, unsigned long npages,
		    unsigned int gup_flags, struct page **out)
{
	unsigned long addr = gup->pages->uptr + index * PAGE_SIZE;
	struct mm_struct *mm = gup->pages->owner.mm;
	int locked = 1;
	long rc;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (iommufd_should_fail())
		return -EFAULT;

	if (!gup->remote) {
		rc = pin_user_pages_fast(addr, npages, gup_flags, out);
	} else {
		mmap_read_lock(mm);
		rc = pin_user_pages_remote(mm, addr, npages, gup_flags, out,
					   &locked);
		if (locked)
			mmap_read_unlock(mm);
	}
	/* Of files whose blocks may move under a long pin (fsdax) it is another error */
	return rc && rc != -EOPNOTSUPP ? rc : -EFAULT;
}

/**
 * struct pinner - a range of pages being pinned
 * @gup: where pages come from
 * @pages: whose extents grow
 * @batch: page pointers, as they come out of GUP, or folio pointers of a file
 * @batch_cap: room in @batch
 * @runs: consecutive pages folded together, not yet stored
 * @runs_cap: room in @runs
 * @nr_runs: used entries of @runs
 * @stored: page index up to which (excluding) extents have everything
 * @staged: pages in @runs
 */
struct pinner {
	struct gup gup;
	struct map_pages *pages;
	struct page **batch;
	unsigned long batch_cap;
	u64 *runs;
	unsigned int runs_cap;
	unsigned int nr_runs;
	unsigned long stored;
	unsigned long staged;
};

/*
 * A temporary buffer of up to *cap words. Falls back to less, in the end to the
 * FEW_PAGES words at @few, so that it never fails. More in one piece than the page
 * allocator has at hand would cost more than a second step does.
 */
static void *buffer_get(unsigned long *cap, void *few)
{
	size_t most = min_t(size_t, READ_ONCE(map_batch_bytes),
			    PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER);
	unsigned long limit = most / sizeof(void *);
	unsigned long nr = clamp(*cap, 1UL, max(limit, 1UL));
	void *buffer;

	for (; nr > FEW_PAGES; nr /= 2) {
		buffer = kmalloc_array(nr, sizeof(u64),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
					       __GFP_NORETRY);
		if (buffer) {
			*cap = nr;
			return buffer;
		}
	}
	*cap = min(nr, FEW_PAGES);
	return few;
}

static int pinner_store(struct pinner *pin)
{
	int rc;

	if (!pin->nr_runs)
		return 0;
	rc = map_extents_add(&pin->pages->extents, pin->stored, pin->runs,
			     pin->nr_runs);
	if (rc)
		return rc;
	pin->stored += pin->staged;
	pin->staged = 0;
	pin->nr_runs = 0;
	return 0;
}

static int pinner_stage(struct pinner *pin, unsigned long pfn,
			unsigned long npages)
{
	int rc;

	if (pin->nr_runs) {
		u64 *run = &pin->runs[pin->nr_runs - 1];
		unsigned long have = map_run_npages(*run);

		if (map_run_pfn(*run) + have == pfn &&
		    have + npages <= MAP_RUN_MAX_PAGES) {
			*run = map_run_pack(map_run_pfn(*run), have + npages);
			pin->staged += npages;
			return 0;
		}
	}
	if (pin->nr_runs == pin->runs_cap) {
		rc = pinner_store(pin);
		if (rc)
			return rc;
	}
	pin->runs[pin->nr_runs++] = map_run_pack(pfn, npages);
	pin->staged += npages;
	return 0;
}

/*
 * How many of the pages are consecutive. Where struct pages are one array for each
 * section of memory, a run ends with the section; what goes on behind it is joined
 * with it by its PFN.
 */
static unsigned long run_length(struct page **batch, unsigned long max,
				unsigned long pfn)
{
	struct page *page = batch[0];
	unsigned long n = 1;

#if defined(CONFIG_SPARSEMEM) && !defined(CONFIG_SPARSEMEM_VMEMMAP)
	max = min(max, PAGES_PER_SECTION - (pfn & ~PAGE_SECTION_MASK));
#endif
	while (n + 4 <= max && batch[n] == page + n &&
	       batch[n + 1] == page + n + 1 && batch[n + 2] == page + n + 2 &&
	       batch[n + 3] == page + n + 3)
		n += 4;
	while (n < max && batch[n] == page + n)
		n++;
	return n;
}

/*
 * Fold the page pointers to runs. Each pointer is compared: user space decides
 * what is mapped next to what, so that the ends of a large folio may be where
 * they belong while another folio's page is in between.
 *
 * On error, what has not been staged is unpinned.
 */
static int pinner_fold(struct pinner *pin, unsigned long npages)
{
	unsigned long i = 0;
	int rc;

	while (i < npages) {
		unsigned long pfn = page_to_pfn(pin->batch[i]);
		unsigned long n = run_length(pin->batch + i, npages - i, pfn);

		rc = pinner_stage(pin, pfn, n);
		if (rc) {
			unpin_user_pages(pin->batch + i, npages - i);
			return rc;
		}
		i += n;
	}
	return 0;
}

/*
 * Folios of a file, of which the first pages are @skip before what is wanted, are runs
 * as they come. Each has one pin, and gets one for each page: what is given back later
 * is pages, of any part of them.
 *
 * On error, what has not been staged is unpinned.
 */
static int pinner_fold_file(struct pinner *pin, struct folio **folios,
			    unsigned int nr, unsigned long skip,
			    unsigned long npages)
{
	unsigned int i;
	int rc;

	for (i = 0; i < nr; i++) {
		unsigned long n = min(folio_nr_pages(folios[i]) - skip, npages);

		map_folio_pin_more(folios[i], n - 1);
		rc = pinner_stage(pin, folio_pfn(folios[i]) + skip, n);
		if (rc) {
			unpin_user_folio(folios[i], n);
			if (++i < nr)
				unpin_folios(folios + i, nr - i);
			return rc;
		}
		npages -= n;
		skip = 0;
	}
	return 0;
}

/* Between two looks at signals: folios may have to be made first, and zeroed. */
#define FILE_STEP	(SZ_256M >> PAGE_SHIFT)

static int pinner_run_file(struct pinner *pin, unsigned long first,
			   unsigned long last)
{
	struct folio **folios = (struct folio **)pin->batch;
	unsigned long index = first;

	for (;;) {
		unsigned long staged = pin->stored + pin->staged;
		unsigned long skip;
		long nr;
		int rc;

		nr = map_file_pin(pin->pages, index,
				  min(last - index + 1, FILE_STEP), folios,
				  pin->batch_cap, &skip);
		if (nr < 0)
			return nr;
		rc = pinner_fold_file(pin, folios, nr, skip, last - index + 1);
		if (rc)
			return rc;
		index += pin->stored + pin->staged - staged;
		if (index > last)
			return pinner_store(pin);
		cond_resched();
	}
}

static int pinner_run(struct pinner *pin, unsigned long first,
		      unsigned long last)
{
	unsigned int gup_flags = gup_flags_of(pin->pages);
	unsigned long index = first;
	int rc;

	for (;;) {
		long n = gup_pin(&pin->gup, index,
				 min(last - index + 1, pin->batch_cap),
				 gup_flags, pin->batch);

		if (n < 0)
			return n;
		rc = pinner_fold(pin, n);
		if (rc)
			return rc;
		index += n;
		if (index > last)
			return pinner_store(pin);
		cond_resched();
	}
}

/* The same of one page, which most on-demand mappings are: no buffers, no runs. */
static int pin_page(struct map_pages *pages, unsigned long index)
{
	unsigned long pfn, skip;
	struct folio *folio;
	struct page *page;
	struct gup gup;
	u64 run;
	long rc;

	if (pages->file) {
		rc = map_file_pin(pages, index, 1, &folio, 1, &skip);
		if (rc < 0)
			return rc;
		pfn = folio_pfn(folio) + skip;
	} else {
		rc = gup_begin(&gup, pages);
		if (rc)
			return rc;
		rc = gup_pin(&gup, index, 1, gup_flags_of(pages), &page);
		gup_end(&gup);
		if (rc < 0)
			return rc;
		pfn = page_to_pfn(page);
	}
	run = map_run_pack(pfn, 1);
	rc = map_extents_add(&pages->extents, index, &run, 1);
	if (rc)
		unpin_user_page(pfn_to_page(pfn));
	return rc;
}

/* Pin [first, last], of which nothing is pinned. All or nothing. */
static int pin_pages(struct map_pages *pages, unsigned long first,
		     unsigned long last)
{
	struct page *few_pages[FEW_PAGES] __uninitialized;
	u64 few_runs[FEW_PAGES] __uninitialized;
	struct pinner pin = { .pages = pages, .stored = first };
	unsigned long npages = last - first + 1;
	unsigned long runs_cap;
	unsigned int i;
	int rc;

	rc = gup_begin(&pin.gup, pages);
	if (rc)
		return rc;

	pin.batch_cap = npages;
	pin.batch = buffer_get(&pin.batch_cap, few_pages);
	/* As many as one chunk may need; an extent takes a run at least */
	runs_cap = min_t(unsigned long, npages, MAP_CHUNK_MAX_DENSE);
	pin.runs = buffer_get(&runs_cap, few_runs);
	pin.runs_cap = runs_cap;

	if (pages->file)
		rc = pinner_run_file(&pin, first, last);
	else
		rc = pinner_run(&pin, first, last);
	if (rc) {
		for (i = 0; i < pin.nr_runs; i++)
			unpin_run(pages, map_run_pfn(pin.runs[i]),
				  map_run_npages(pin.runs[i]));
		if (pin.stored != first)
			drop_range(pages, first, pin.stored - 1);
	}

	if (pin.runs != few_runs)
		kfree(pin.runs);
	if (pin.batch != few_pages)
		kfree(pin.batch);
	gup_end(&pin.gup);
	return rc;
}

/* Pin and charge [first, last], of which nothing is pinned. All or nothing. */
static int pin_range(struct map_pages *pages, unsigned long first,
		     unsigned long last)
{
	unsigned long npages = last - first + 1;
	int rc;

	rc = map_pages_charge(pages, npages);
	if (rc)
		return rc;
	rc = npages == 1 ? pin_page(pages, first) :
			   pin_pages(pages, first, last);
	if (rc)
		map_pages_uncharge(pages, npages);
	return rc;
}

/**
 * struct hole - what no hold covers
 * @first: first page index
 * @last: last page index
 */
struct hole {
	unsigned long first;
	unsigned long last;
};

static struct interval_tree_node *hold_node(struct rb_node *node)
{
	return rb_entry_safe(node, struct interval_tree_node, rb);
}

/*
 * Is @index held? If so *@end is the last index up to which one hold that has it goes:
 * the largest, or any that is not below @last. If not, it is the last one before the
 * next hold.
 *
 * One way down the tree, whatever number of holds overlap there: those that begin at
 * or before an index are all to the left of the way, and what is the last of a whole
 * subtree is known at its root.
 */
static bool is_held(struct map_pages *pages, unsigned long index,
		    unsigned long last, unsigned long *end)
{
	struct rb_node *rb = pages->holds.rb_root.rb_node;
	unsigned long reach = index, next = ULONG_MAX;
	bool held = false;

	while (rb && !(held && reach >= last)) {
		struct interval_tree_node *left = hold_node(rb->rb_left);
		struct interval_tree_node *node = hold_node(rb);

		if (!(++pages->searched % 1024))
			cond_resched();
		if (node->start > index) {
			next = node->start;
			rb = rb->rb_left;
			continue;
		}
		if (node->last >= reach) {
			reach = node->last;
			held = true;
		}
		if (left && left->__subtree_last >= reach) {
			reach = left->__subtree_last;
			held = true;
		}
		rb = rb->rb_right;
	}
	*end = held ? reach : next - 1;
	return held;
}

/*
 * The lowest part of [*@index, @last] that no hold covers, and in *@index what comes
 * behind it.
 */
static bool next_hole(struct map_pages *pages, unsigned long *index,
		      unsigned long last, struct hole *hole)
{
	unsigned long end;

	while (*index <= last) {
		hole->first = *index;
		if (!is_held(pages, *index, last, &end)) {
			hole->last = min(last, end);
			*index = hole->last + 1;
			return true;
		}
		*index = end + 1;
	}
	return false;
}

/* Unpin what of [first, last] no hold covers. Returns how much is to be uncharged. */
static unsigned long unpin_unheld(struct map_pages *pages, unsigned long first,
				  unsigned long last)
{
	unsigned long npages = 0;
	struct hole hole;

	/* Most memory has one hold at most */
	if (RB_EMPTY_ROOT(&pages->holds.rb_root))
		return drop_range(pages, first, last);
	while (next_hole(pages, &first, last, &hole))
		npages += drop_range(pages, hole.first, hole.last);
	return npages;
}

/* Give back what of [first, last] no hold covers. */
static void drop_unheld(struct map_pages *pages, unsigned long first,
			unsigned long last)
{
	unsigned long npages = unpin_unheld(pages, first, last);

	if (npages)
		map_pages_uncharge(pages, npages);
}

/**
 * map_pages_hold() - have a range pinned from here on
 * @pages: the memory; its lock is held
 * @hold: node.start and node.last are the range; it is in use from here to
 *	map_pages_release()
 *
 * Return: 0; -EFAULT if there is no such memory, or it may not be pinned, or
 * its process has ended and it had not been pinned before; -ENOMEM, also if the
 * limit does not allow it; -EINTR. On error nothing has changed.
 */
int map_pages_hold(struct map_pages *pages, struct map_hold *hold)
{
	unsigned long first = hold->node.start;
	unsigned long last = hold->node.last;
	unsigned long next = first;
	struct hole hole;
	int rc;

	lockdep_assert_held(&pages->lock);
	if (WARN_ON(first > last || last >= pages->npages))
		return -EINVAL;
	if (pages->pfnmap)
		return -EFAULT;

	if (RB_EMPTY_ROOT(&pages->holds.rb_root)) {
		rc = pin_range(pages, first, last);
		if (rc)
			return rc;
		next = last + 1;
	}
	while (next_hole(pages, &next, last, &hole)) {
		rc = pin_range(pages, hole.first, hole.last);
		if (rc) {
			if (hole.first != first)
				drop_unheld(pages, first, hole.first - 1);
			return rc;
		}
	}
	interval_tree_insert(&hold->node, &pages->holds);
	return 0;
}

/**
 * map_pages_release() - end a hold
 * @pages: the memory; its lock is held
 * @hold: as given to map_pages_hold()
 *
 * Nobody's DMA may reach the range through this hold any more: what no other
 * hold covers is unpinned, and marked dirty if it is writable.
 */
void map_pages_release(struct map_pages *pages, struct map_hold *hold)
{
	lockdep_assert_held(&pages->lock);
	interval_tree_remove(&hold->node, &pages->holds);
	drop_unheld(pages, hold->node.start, hold->node.last);
}

/**
 * struct kept_pages - pages that an IOMMU may still reach
 * @item: in the quarantine
 * @pages: whose; a reference is held
 * @hold: that keeps them pinned and charged
 * @unpinned: @hold has ended, and
 * @npages: so many are to be uncharged still; they are in map_pages::unpaid
 */
struct kept_pages {
	struct map_quarantine_item item;
	struct map_pages *pages;
	struct map_hold hold;
	bool unpinned;
	unsigned long npages;
};

/* Who holds these locks may be waiting for memory that its owner withholds. */
static bool release_kept(struct map_quarantine_item *item)
{
	struct kept_pages *kept = container_of(item, struct kept_pages, item);
	struct map_pages *pages = kept->pages;
	bool paid;

	if (!mutex_trylock(&pages->lock))
		return false;
	if (!kept->unpinned) {
		interval_tree_remove(&kept->hold.node, &pages->holds);
		kept->npages = unpin_unheld(pages, kept->hold.node.start,
					    kept->hold.node.last);
		kept->unpinned = true;
		pages->unpaid += kept->npages;
	}
	paid = !kept->npages || map_pages_try_uncharge(pages, kept->npages);
	if (paid)
		pages->unpaid -= kept->npages;
	mutex_unlock(&pages->lock);
	if (!paid)
		return false;
	map_pages_put(pages);
	kfree(kept);
	return true;
}

/**
 * map_pages_keep() - end a hold, but not before no IOMMU can reach its pages
 * @pages: the memory; its lock is held
 * @hold: as given to map_pages_hold(); the caller's again on return
 *
 * Cannot fail: what there is no memory to remember is waited for.
 */
void map_pages_keep(struct map_pages *pages, struct map_hold *hold)
{
	struct kept_pages *kept = kzalloc(sizeof(*kept), GFP_KERNEL_ACCOUNT |
						__GFP_NOFAIL);

	lockdep_assert_held(&pages->lock);
	kept->item.release = release_kept;
	kept->pages = map_pages_get(pages);
	kept->hold.node.start = hold->node.start;
	kept->hold.node.last = hold->node.last;
	interval_tree_insert(&kept->hold.node, &pages->holds);
	map_pages_release(pages, hold);
	if (map_quarantine_add(&kept->item))
		return;
	map_pages_release(pages, &kept->hold);
	/* The caller has a reference too */
	map_pages_put(pages);
	kfree(kept);
}

/**
 * struct map_pin - a range that the kernel has pinned
 * @hold: keeps it pinned. Those of the same range share one
 * @node: in map_pages::pins
 * @pins: how often
 */
struct map_pin {
	struct map_hold hold;
	struct rb_node node;
	unsigned int pins;
};

/* The pin of exactly this range, or NULL and where it belongs. */
static struct map_pin *find_pin(struct map_pages *pages, unsigned long first,
				unsigned long last, struct rb_node **parent,
				struct rb_node ***link)
{
	*link = &pages->pins.rb_node;
	*parent = NULL;
	while (**link) {
		struct map_pin *pin = rb_entry(**link, struct map_pin, node);
		const struct interval_tree_node *range = &pin->hold.node;

		pages->searched++;
		if (first == range->start && last == range->last)
			return pin;
		*parent = **link;
		if (first < range->start ||
		    (first == range->start && last < range->last))
			*link = &(*parent)->rb_left;
		else
			*link = &(*parent)->rb_right;
	}
	return NULL;
}

/**
 * map_pages_pin() - pin a range for use by the kernel
 * @pages: the memory; its lock is held
 * @first: first page index
 * @last: last page index
 * @out_pages: one for each index
 *
 * May be called again for the same range; each call is undone by one of
 * map_pages_unpin() with the same range.
 *
 * Return: 0, or an errno of map_pages_hold().
 */
int map_pages_pin(struct map_pages *pages, unsigned long first,
		  unsigned long last, struct page **out_pages)
{
	struct rb_node *parent, **link;
	struct map_extent_iter iter;
	struct map_pin *pin;
	int rc;

	pin = find_pin(pages, first, last, &parent, &link);
	if (!pin) {
		pin = kzalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
		if (!pin)
			return -ENOMEM;
		pin->hold.node.start = first;
		pin->hold.node.last = last;
		rc = map_pages_hold(pages, &pin->hold);
		if (rc) {
			kfree(pin);
			return rc;
		}
		rb_link_node(&pin->node, parent, link);
		rb_insert_color(&pin->node, &pages->pins);
	}
	pin->pins++;

	map_extents_for_each(&iter, &pages->extents, first, last) {
		struct page *page = pfn_to_page(iter.pfn);
		unsigned long i;

		for (i = 0; i < iter.npages; i++)
			out_pages[iter.index - first + i] = nth_page(page, i);
	}
	return 0;
}

/**
 * map_pages_unpin() - undo one map_pages_pin()
 * @pages: the memory; its lock is held
 * @first: first page index
 * @last: last page index
 *
 * Return: 0, or -ENOENT if exactly this range has not been pinned.
 */
int map_pages_unpin(struct map_pages *pages, unsigned long first,
		    unsigned long last)
{
	struct rb_node *parent, **link;
	struct map_pin *pin;

	pin = find_pin(pages, first, last, &parent, &link);
	if (WARN_ON(!pin))
		return -ENOENT;
	if (--pin->pins)
		return 0;
	rb_erase(&pin->node, &pages->pins);
	map_pages_release(pages, &pin->hold);
	kfree(pin);
	return 0;
}
