// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock's page tables and what is cached of them. A paging table is an
 * xarray with one entry for each mock page. An access goes through the IOTLB
 * as it would in hardware: what is once in there is used until a flush, even
 * if the table has changed. So a flush that was forgotten is seen: when the
 * page under a stale entry is no longer pinned, when another page is mapped
 * over it, or at the latest when the table is freed.
 *
 * Real page tables have pages of their own, which an unmap takes out and a flush
 * frees: all that were gathered, so the flush has to cover all the ranges they
 * served, or hardware may still walk them. The mock has no such pages, but keeps
 * account as if each unmap took one out (struct mock_table_page).
 *
 * Locking: mock_paging::lock and mock_nested::lock cover an access from its
 * translation to its last byte; a flush takes them too and so waits.
 */
#include <linux/highmem.h>
#include <linux/iova_bitmap.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "failpoint.h"
#include "invalidate.h"
#include "map/table.h"
#include "mock.h"

/*
 * An entry is the number of the mock page with these bits below it. START and
 * LAST mark where one map call began and ended.
 */
enum {
	MOCK_PTE_READ = 1 << 0,
	MOCK_PTE_WRITE = 1 << 1,
	MOCK_PTE_DIRTY = 1 << 2,
	MOCK_PTE_START = 1 << 3,
	MOCK_PTE_LAST = 1 << 4,
	MOCK_PTE_HUGE = 1 << 5,
	MOCK_PTE_SHIFT = 6,
};

static phys_addr_t pte_paddr(unsigned long pte)
{
	return (phys_addr_t)(pte >> MOCK_PTE_SHIFT) * MOCK_IO_PAGE_SIZE;
}

static unsigned long iova_index(u64 iova)
{
	return iova / MOCK_IO_PAGE_SIZE;
}

/* 0: nothing there. A pte that is there has a permission, so is never 0. */
static unsigned long load_pte(struct xarray *xa, unsigned long index)
{
	void *entry = xa_load(xa, index);

	return entry ? xa_to_value(entry) : 0;
}

/* A BAR of a device is not. */
static bool is_memory(phys_addr_t paddr)
{
	unsigned long pfn = PHYS_PFN(paddr);

	return pfn_valid(pfn) && (!PageReserved(pfn_to_page(pfn)) ||
				  is_zero_page(pfn_to_page(pfn)));
}

/*
 * Whoever mapped a page has pinned it, and unpins it only when no device can
 * reach it any more. The zero page is never counted.
 *
 * The count of a large folio is one for all its pages: that one of them is
 * unpinned too early goes unseen as long as another one is pinned. Tests of when
 * pins end use small pages, whose own reference count is what is looked at here.
 */
static bool page_is_pinned(phys_addr_t paddr)
{
	unsigned long pfn = PHYS_PFN(paddr);

	if (!is_memory(paddr) || is_zero_page(pfn_to_page(pfn)))
		return true;
	return folio_maybe_dma_pinned(page_folio(pfn_to_page(pfn)));
}

/* --- paging: table --- */

/* Of MOCK_FLAGS_DEVICE_FOREIGN: no invalidation of ranges, no whole calls */
static struct iommu_domain_ops foreign_ops __ro_after_init;

/**
 * mock_paging_from_domain() - the mock's view of a domain
 * @domain: any domain
 *
 * Return: NULL if it is not a paging domain of the mock.
 */
struct mock_paging *mock_paging_from_domain(struct iommu_domain *domain)
{
	if (domain->ops != &mock_paging_ops && domain->ops != &foreign_ops)
		return NULL;
	return container_of(domain, struct mock_paging, domain);
}

/* Entries done with the table's lock held, before others get a turn */
#define MOCK_PTE_BATCH	512

/*
 * Enter @num pages from @page on, at @first and after. *@done of them were
 * entered, also on error.
 */
static int ptes_insert(struct mock_paging *paging, unsigned long first,
		       unsigned long num, unsigned long page,
		       unsigned long bits, gfp_t gfp, unsigned long *done)
{
	XA_STATE(xas, &paging->ptes, first);
	bool busy = false;

	do {
		unsigned long end = min(num, *done + MOCK_PTE_BATCH);

		cond_resched();
		xas_lock(&xas);
		while (*done < end) {
			unsigned long pte = (page + *done) << MOCK_PTE_SHIFT |
					    bits;

			if (*done == 0)
				pte |= MOCK_PTE_START;
			if (*done == num - 1)
				pte |= MOCK_PTE_LAST;

			xas_set(&xas, first + *done);
			busy = xas_load(&xas);
			if (busy)
				break;
			xas_store(&xas, xa_mk_value(pte));
			if (xas_error(&xas))
				break;
			++*done;
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, gfp) ||
		 (*done < num && !busy && !xas_error(&xas)));
	return busy ? -EBUSY : xas_error(&xas);
}

/*
 * Remove what is at @first and after, up to the first hole. Returns how many
 * there were.
 */
static unsigned long ptes_remove(struct mock_paging *paging,
				 unsigned long first, unsigned long num)
{
	XA_STATE(xas, &paging->ptes, first);
	unsigned long i = 0;
	void *entry;

	if (!num)
		return 0;

	xas_lock(&xas);
	xas_for_each(&xas, entry, first + num - 1) {
		if (xas.xa_index != first + i)
			break;
		xas_store(&xas, NULL);
		if (++i % MOCK_PTE_BATCH)
			continue;
		/* Not xas_pause(): the node may just have been freed. */
		xas_set(&xas, first + i);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
	return i;
}

static int paging_map_pages(struct iommu_domain *domain, unsigned long iova,
			    phys_addr_t paddr, size_t pgsize, size_t pgcount,
			    int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	unsigned long num = pgsize * pgcount / MOCK_IO_PAGE_SIZE;
	unsigned long first = iova_index(iova);
	unsigned long stale = first;
	unsigned long done = 0;
	unsigned long bits = 0;
	int rc;

	/* An xarray store survives injected allocation failures by itself. */
	if (iommufd_should_fail())
		return -ENOMEM;

	if (WARN_ON(!IS_ALIGNED(iova | paddr, pgsize)) ||
	    WARN_ON(!(pgsize & domain->pgsize_bitmap)) ||
	    WARN_ON(iova < domain->geometry.aperture_start ||
		    iova + (pgsize * pgcount - 1) >
			    domain->geometry.aperture_end) ||
	    WARN_ON(!(prot & (IOMMU_READ | IOMMU_WRITE))))
		return -EINVAL;

	if (prot & IOMMU_READ)
		bits |= MOCK_PTE_READ;
	if (prot & IOMMU_WRITE)
		bits |= MOCK_PTE_WRITE;
	if (pgsize == MOCK_HUGE_PAGE_SIZE)
		bits |= MOCK_PTE_HUGE;

	WARN(xa_find(&paging->tlb, &stale, first + num - 1, XA_PRESENT),
	     "map of IOVA %#lx, which was never flushed after its unmap\n",
	     stale * MOCK_IO_PAGE_SIZE);

	rc = ptes_insert(paging, first, num, paddr / MOCK_IO_PAGE_SIZE, bits,
			 gfp, &done);
	if (rc) {
		WARN(rc == -EBUSY, "map over a mapping at IOVA %#lx\n",
		     (first + done) * MOCK_IO_PAGE_SIZE);
		ptes_remove(paging, first, done);
		return rc;
	}
	*mapped += num * MOCK_IO_PAGE_SIZE;
	return 0;
}

/*
 * With one page size the core passes a whole unmap in one call, so its ends
 * have to be ends of a map. With two it cuts where the page size changes, for an
 * unmap by the IOVA alone, where the map went by the memory's address too; what
 * remains to be seen is a huge page that is taken apart.
 */
static void check_unmap_ends(struct mock_paging *paging, unsigned long first,
			     unsigned long last, size_t pgsize)
{
	unsigned long head = load_pte(&paging->ptes, first);
	unsigned long tail = load_pte(&paging->ptes, last);

	if (!is_power_of_2(paging->domain.pgsize_bitmap)) {
		WARN(pgsize != MOCK_HUGE_PAGE_SIZE && (head & MOCK_PTE_HUGE),
		     "unmap of a part of a huge page at IOVA %#lx\n",
		     first * MOCK_IO_PAGE_SIZE);
		return;
	}
	WARN(head && !(head & MOCK_PTE_START),
	     "unmap starts inside a mapping, IOVA %#lx\n",
	     first * MOCK_IO_PAGE_SIZE);
	WARN(tail && !(tail & MOCK_PTE_LAST),
	     "unmap ends inside a mapping, IOVA %#lx\n",
	     last * MOCK_IO_PAGE_SIZE);
}

/**
 * struct mock_table_page - stands for a page that was taken out of a table
 * @item: in &iommu_iotlb_gather.freelist
 * @first: index of the first mock page it served
 * @last: and of the last
 */
struct mock_table_page {
	struct list_head item;
	unsigned long first;
	unsigned long last;
};

/*
 * As VT-d's driver does it: the page is on the list before the range is gathered,
 * and gathering a range that does not touch the ones before flushes those, and
 * frees all that is on the list. The core cuts a range at changes of the page
 * size, and is to be forgiven for it: iommu_iotlb_gather_add_page() but for its
 * page size.
 */
static void gather_unmapped(struct mock_paging *paging,
			    struct iommu_iotlb_gather *gather,
			    unsigned long iova, size_t size)
{
	struct mock_table_page *table;

	/* An unmap cannot fail, not for fault injection either. */
	table = kmalloc(sizeof(*table), GFP_KERNEL | __GFP_NOFAIL);
	table->first = iova_index(iova);
	table->last = iova_index(iova + (size - 1));
	list_add(&table->item, &gather->freelist);

	if (!iommu_iotlb_gather_queued(gather) &&
	    iommu_iotlb_gather_is_disjoint(gather, iova, size))
		iommu_iotlb_sync(&paging->domain, gather);
	iommu_iotlb_gather_add_range(gather, iova, size);
}

static size_t paging_unmap_pages(struct iommu_domain *domain,
				 unsigned long iova, size_t pgsize,
				 size_t pgcount,
				 struct iommu_iotlb_gather *gather)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	unsigned long num = pgsize * pgcount / MOCK_IO_PAGE_SIZE;
	unsigned long first = iova_index(iova);
	unsigned long done;

	if (WARN_ON(!IS_ALIGNED(iova, pgsize)) ||
	    WARN_ON(!(pgsize & domain->pgsize_bitmap)))
		return 0;

	check_unmap_ends(paging, first, first + num - 1, pgsize);
	done = ptes_remove(paging, first, num);
	WARN(done != num, "unmap of IOVA %#lx, where nothing is mapped\n",
	     (first + done) * MOCK_IO_PAGE_SIZE);
	if (done)
		gather_unmapped(paging, gather, iova,
				done * MOCK_IO_PAGE_SIZE);
	return done * MOCK_IO_PAGE_SIZE;
}

static phys_addr_t paging_iova_to_phys(struct iommu_domain *domain,
				       dma_addr_t iova)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	unsigned long pte = load_pte(&paging->ptes, iova_index(iova));

	return pte ? pte_paddr(pte) + iova % MOCK_IO_PAGE_SIZE : 0;
}

/**
 * mock_paging_lookup() - what the table, not the IOTLB, says
 * @paging: the table
 * @iova: an address
 * @paddr: out: the physical address
 *
 * Return: false if nothing is mapped there.
 */
bool mock_paging_lookup(struct mock_paging *paging, unsigned long iova,
			phys_addr_t *paddr)
{
	unsigned long pte = load_pte(&paging->ptes, iova_index(iova));

	*paddr = pte_paddr(pte) + iova % MOCK_IO_PAGE_SIZE;
	return pte;
}

/* --- paging: IOTLB --- */

static void forget(struct mock_paging *paging, unsigned long first,
		   unsigned long last)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held(&paging->lock);
	xa_for_each_range(&paging->tlb, index, entry, first, last)
		xa_erase(&paging->tlb, index);
}

static void paging_flush(struct mock_paging *paging, unsigned long first,
			 unsigned long last)
{
	spin_lock(&paging->lock);
	paging->flushes++;
	forget(paging, first, last);
	spin_unlock(&paging->lock);
}

static void paging_flush_iotlb_all(struct iommu_domain *domain)
{
	paging_flush(mock_paging_from_domain(domain), 0, ULONG_MAX);
}

static int paging_invalidate_user(struct iommu_domain *domain,
				  struct iommu_user_data_array *array)
{
	u64 first, last;
	int rc;

	rc = iommufd_invalidate_union(array, &first, &last);
	if (array->entry_num)
		paging_flush(mock_paging_from_domain(domain), iova_index(first),
			     iova_index(last));
	return rc;
}

static void paging_iotlb_sync(struct iommu_domain *domain,
			      struct iommu_iotlb_gather *gather)
{
	bool empty = gather->start > gather->end;
	unsigned long first = iova_index(gather->start);
	unsigned long last = iova_index(gather->end);
	struct mock_table_page *table, *next;

	if (!empty)
		paging_flush(mock_paging_from_domain(domain), first, last);

	list_for_each_entry_safe(table, next, &gather->freelist, item) {
		WARN(empty || table->first < first || table->last > last,
		     "table of IOVA %#lx to %#lx freed by a flush of %#lx to %#lx\n",
		     table->first * MOCK_IO_PAGE_SIZE,
		     (table->last + 1) * MOCK_IO_PAGE_SIZE - 1, gather->start,
		     gather->end);
		list_del(&table->item);
		kfree(table);
	}
}

static bool is_flushed(const struct mock_table_page *table,
		       const struct iova_range *ranges, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (table->first >= iova_index(ranges[i].start) &&
		    table->last <= iova_index(ranges[i].last))
			return true;
	return false;
}

/* Several ranges, one flush: struct map_table_ops. */
static void paging_flush_ranges(struct iommu_domain *domain,
				const struct iova_range *ranges,
				unsigned int num,
				struct iommu_iotlb_gather *gather)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	struct mock_table_page *table, *next;
	unsigned int i;

	spin_lock(&paging->lock);
	paging->flushes++;
	for (i = 0; i < num; i++)
		forget(paging, iova_index(ranges[i].start),
		       iova_index(ranges[i].last));
	spin_unlock(&paging->lock);

	list_for_each_entry_safe(table, next, &gather->freelist, item) {
		WARN(!is_flushed(table, ranges, num),
		     "table of IOVA %#lx to %#lx freed by a flush of other ranges\n",
		     table->first * MOCK_IO_PAGE_SIZE,
		     (table->last + 1) * MOCK_IO_PAGE_SIZE - 1);
		list_del(&table->item);
		kfree(table);
	}
}

/* False if the entry changed or went in the meantime. */
static bool pte_set_dirty(struct mock_paging *paging, unsigned long index,
			  unsigned long pte)
{
	void *old = xa_mk_value(pte);

	/* Replaces a value by a value, so allocates nothing. */
	return xa_cmpxchg(&paging->ptes, index, old,
			  xa_mk_value(pte | MOCK_PTE_DIRTY), GFP_ATOMIC) == old;
}

/**
 * mock_paging_set_dirty() - record a write as a device would have made it
 * @paging: the table
 * @iova: where
 *
 * Return: false if nothing is mapped there.
 */
bool mock_paging_set_dirty(struct mock_paging *paging, unsigned long iova)
{
	unsigned long index = iova_index(iova);
	unsigned long pte;

	do {
		pte = load_pte(&paging->ptes, index);
		if (!pte)
			return false;
	} while (!pte_set_dirty(paging, index, pte));
	return true;
}

/*
 * Hardware caches that it has set the dirty bit and does not set it again
 * before a flush: whoever clears the bit has to flush.
 */
static void record_write(struct mock_paging *paging, unsigned long index,
			 unsigned long *cached)
{
	if (!paging->track_dirty || (*cached & MOCK_PTE_DIRTY))
		return;
	if (!mock_paging_set_dirty(paging, index * MOCK_IO_PAGE_SIZE))
		return;
	*cached |= MOCK_PTE_DIRTY;
	xa_store(&paging->tlb, index, xa_mk_value(*cached),
		 GFP_ATOMIC | __GFP_NOWARN);
}

static enum mock_xlat paging_translate(struct mock_paging *paging, u64 iova,
				       bool write, phys_addr_t *paddr)
{
	unsigned long need = write ? MOCK_PTE_WRITE : MOCK_PTE_READ;
	unsigned long index = iova_index(iova);
	unsigned long pte = load_pte(&paging->tlb, index);
	bool cached = pte;

	lockdep_assert_held(&paging->lock);

	if (!cached)
		pte = load_pte(&paging->ptes, index);
	if (!(pte & need))
		return MOCK_XLAT_MISS;

	if (!page_is_pinned(pte_paddr(pte))) {
		WARN(1, "DMA at IOVA %#llx by a %s translation to a page that is not pinned\n",
		     iova, cached ? "stale" : "mapped");
		return MOCK_XLAT_MISS;
	}
	if (!cached) {
		pte &= ~(unsigned long)(MOCK_PTE_START | MOCK_PTE_LAST |
					MOCK_PTE_HUGE);
		/* No memory: not cached, as if evicted at once. */
		xa_store(&paging->tlb, index, xa_mk_value(pte),
			 GFP_ATOMIC | __GFP_NOWARN);
	}
	if (write)
		record_write(paging, index, &pte);
	*paddr = pte_paddr(pte) + iova % MOCK_IO_PAGE_SIZE;
	return MOCK_XLAT_OK;
}

/**
 * mock_paging_access() - read or write memory through a paging table
 * @paging: the table; its lock is held
 * @iova: where; [iova, iova + len) does not leave one mock page
 * @buf: the bytes
 * @len: how many; 0: only look whether the access is possible
 * @write: to memory
 *
 * What is no memory, but a BAR of another device, is not touched: it is as if nobody
 * were there.
 *
 * Return: MOCK_XLAT_OK or _MISS.
 */
enum mock_xlat mock_paging_access(struct mock_paging *paging, u64 iova,
				  void *buf, size_t len, bool write)
{
	phys_addr_t paddr;
	enum mock_xlat rc;

	rc = paging_translate(paging, iova, write, &paddr);
	if (rc != MOCK_XLAT_OK || !len)
		return rc;

	if (!is_memory(paddr)) {
		if (!write)
			memset(buf, 0xff, len);
		return MOCK_XLAT_OK;
	}
	if (write)
		memcpy_to_page(pfn_to_page(PHYS_PFN(paddr)),
			       offset_in_page(paddr), buf, len);
	else
		memcpy_from_page(buf, pfn_to_page(PHYS_PFN(paddr)),
				 offset_in_page(paddr), len);
	return MOCK_XLAT_OK;
}

/* --- paging: dirty tracking --- */

static int paging_set_dirty_tracking(struct iommu_domain *domain, bool enable)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);

	spin_lock(&paging->lock);
	paging->track_dirty = enable;
	spin_unlock(&paging->lock);
	/* What was cached before says nothing about dirty bits. */
	paging_flush(paging, 0, ULONG_MAX);
	return 0;
}

static bool test_dirty(struct mock_paging *paging, unsigned long first,
		       unsigned long num, bool clear)
{
	bool dirty = false;
	unsigned long i;

	for (i = first; i < first + num; i++) {
		unsigned long pte = load_pte(&paging->ptes, i);

		while (pte & MOCK_PTE_DIRTY) {
			void *old = xa_mk_value(pte);

			dirty = true;
			if (!clear ||
			    xa_cmpxchg(&paging->ptes, i, old,
				       xa_mk_value(pte & ~MOCK_PTE_DIRTY),
				       GFP_KERNEL) == old)
				break;
			pte = load_pte(&paging->ptes, i);
		}
	}
	return dirty;
}

/* Is there anything for the dirty bitmap from *@index on? Moves it there. */
static unsigned long next_dirty(struct mock_paging *paging,
				unsigned long *index, unsigned long last)
{
	XA_STATE(xas, &paging->ptes, *index);
	unsigned long pte = 0;
	void *entry;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry))
			continue;
		pte = xa_to_value(entry);
		/* Which page of a huge one carries the bit is not known. */
		if (pte & (MOCK_PTE_DIRTY | MOCK_PTE_HUGE))
			break;
		pte = 0;
	}
	rcu_read_unlock();
	*index = xas.xa_index;
	return pte;
}

static int paging_read_and_clear_dirty(struct iommu_domain *domain,
				       unsigned long iova, size_t size,
				       unsigned long flags,
				       struct iommu_dirty_bitmap *dirty)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	unsigned long last = iova_index(iova + (size - 1));
	bool clear = !(flags & IOMMU_DIRTY_NO_CLEAR);
	unsigned long index = iova_index(iova);
	unsigned long pte;

	/* Clearing alone, without a bitmap, is how tracking gets started. */
	if (!READ_ONCE(paging->track_dirty) && dirty->bitmap)
		return -EINVAL;

	while (index <= last && (pte = next_dirty(paging, &index, last))) {
		unsigned long num = 1;
		unsigned long head;
		bool whole;

		if (pte & MOCK_PTE_HUGE)
			num = MOCK_HUGE_PAGE_SIZE / MOCK_IO_PAGE_SIZE;
		head = ALIGN_DOWN(index, num);

		/*
		 * A huge page has one dirty bit for all of it, which stays if only
		 * a part is asked for: another call asks for the rest.
		 */
		whole = head * MOCK_IO_PAGE_SIZE >= iova &&
			head + num - 1 <= last;
		if (test_dirty(paging, head, num, clear && whole)) {
			unsigned long from = max(index * MOCK_IO_PAGE_SIZE,
						 iova);

			iommu_dirty_bitmap_record(dirty, from,
						  (head + num) *
							MOCK_IO_PAGE_SIZE -
							from);
		}
		index = head + num;
	}
	return 0;
}

const struct iommu_dirty_ops mock_dirty_ops = {
	.set_dirty_tracking = paging_set_dirty_tracking,
	.read_and_clear_dirty = paging_read_and_clear_dirty,
};

/* --- paging: life --- */

static bool paging_enforce_cache_coherency(struct iommu_domain *domain)
{
	mock_paging_from_domain(domain)->snoop = true;
	return true;
}

/*
 * Whoever mapped something has unmapped it. But what the base tree has mapped of doorbells,
 * in a domain of another driver, it does not.
 */
static bool paging_left_empty(struct mock_paging *paging)
{
	unsigned long index;
	void *entry;

	if (paging->domain.ops != &foreign_ops)
		return xa_empty(&paging->ptes);
	xa_for_each(&paging->ptes, index, entry)
		if (is_memory(pte_paddr(xa_to_value(entry))))
			return false;
	return true;
}

static void paging_free(struct iommu_domain *domain)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);

	WARN(atomic_read(&paging->users), "page table freed while in use\n");
	WARN(!paging_left_empty(paging), "page table freed with mappings in it\n");
	WARN(!xa_empty(&paging->tlb), "unmapped, but never flushed\n");
	xa_destroy(&paging->ptes);
	xa_destroy(&paging->tlb);
	kfree(paging);
}

const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_dev_attach,
	.set_dev_pasid = mock_dev_attach_pasid,
	.map_pages = paging_map_pages,
	.unmap_pages = paging_unmap_pages,
	.flush_iotlb_all = paging_flush_iotlb_all,
	.iotlb_sync = paging_iotlb_sync,
	.cache_invalidate_user = paging_invalidate_user,
	.iova_to_phys = paging_iova_to_phys,
	.enforce_cache_coherency = paging_enforce_cache_coherency,
	.free = paging_free,
};

/**
 * mock_domain_init() - before there are devices
 */
void __init mock_domain_init(void)
{
	foreign_ops = mock_paging_ops;
	foreign_ops.cache_invalidate_user = NULL;
}

/* What the mock's tables can do for a whole call */
struct map_table_ops mock_paging_table_ops = {
	.domain_ops = &mock_paging_ops,
	.flush = paging_flush_ranges,
};

static void set_geometry(struct mock_paging *paging,
			 const struct mock_limits *limits)
{
	paging->domain.geometry = (struct iommu_domain_geometry){
		.aperture_start = limits->start,
		.aperture_end = min_t(u64, limits->last,
				      GENMASK_ULL(paging->width - 1, 0)),
		.force_aperture = true,
	};
}

/**
 * mock_domain_decide() - how far a table of a MOCK_FLAGS_DEVICE_LATE device reaches
 * @domain: any domain of the mock
 * @mdev: about to be attached. If @domain is decided already nothing happens
 */
void mock_domain_decide(struct iommu_domain *domain, const struct mock_dev *mdev)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	struct mock_limits limits;

	if (!paging || domain->geometry.aperture_end)
		return;
	mock_limits(mdev, &limits);
	set_geometry(paging, &limits);
}

/**
 * mock_domain_alloc_limits() - a paging domain
 * @limits: something is left of each
 *
 * Return: the domain, or NULL without memory.
 */
struct iommu_domain *mock_domain_alloc_limits(const struct mock_limits *limits)
{
	struct mock_paging *paging;

	paging = kzalloc(sizeof(*paging), GFP_KERNEL_ACCOUNT);
	if (!paging)
		return NULL;
	xa_init_flags(&paging->ptes, XA_FLAGS_ACCOUNT);
	xa_init(&paging->tlb);
	spin_lock_init(&paging->lock);
	paging->width = fls64(limits->widths);
	paging->domain.type = IOMMU_DOMAIN_UNMANAGED;
	paging->domain.ops = &mock_paging_ops;
	paging->domain.pgsize_bitmap = limits->page_sizes;
	set_geometry(paging, limits);
	return &paging->domain;
}

/**
 * mock_domain_alloc_paging() - iommu_ops.domain_alloc_paging
 * @dev: a mock device
 *
 * Return: the domain, or NULL without memory.
 */
struct iommu_domain *mock_domain_alloc_paging(struct device *dev)
{
	struct mock_dev *mdev = to_mock_dev(dev);
	struct iommu_domain *domain;
	struct mock_limits limits;

	mock_limits(mdev, &limits);
	domain = mock_domain_alloc_limits(&limits);
	if (!domain)
		return NULL;
	if (mdev->flags & MOCK_FLAGS_DEVICE_FOREIGN)
		domain->ops = &foreign_ops;
	if (mdev->flags & MOCK_FLAGS_DEVICE_LATE)
		domain->geometry = (struct iommu_domain_geometry){};
	return domain;
}
