// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers whose page tables can do more than the core asks for, and how one of
 * their domains is mapped without the core in between.
 *
 * The list is of a handful of drivers and grows while the system starts. It is
 * looked at when a page table comes to a space, never on the way of a map.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <trace/events/iommu.h>

#include "quarantine.h"
#include "table.h"

static DEFINE_MUTEX(tables_lock);
static LIST_HEAD(tables);

/**
 * map_table_register() - a driver can do more
 * @ops: the driver's; stays until map_table_unregister(), in practice for good
 *
 * Before the first of its domains comes to a space. May sleep.
 */
void map_table_register(struct map_table_ops *ops)
{
	guard(mutex)(&tables_lock);
	list_add_tail(&ops->item, &tables);
}

/**
 * map_table_unregister() - undo map_table_register()
 * @ops: no space has a domain of it any more
 */
void map_table_unregister(struct map_table_ops *ops)
{
	guard(mutex)(&tables_lock);
	list_del(&ops->item);
}

/**
 * map_table_find() - what can be done with a domain
 * @domain: any paging domain
 *
 * Return: NULL if its driver has not registered.
 */
const struct map_table_ops *map_table_find(const struct iommu_domain *domain)
{
	struct map_table_ops *ops;

	guard(mutex)(&tables_lock);
	list_for_each_entry(ops, &tables, item)
		if (ops->domain_ops == domain->ops)
			return ops;
	return NULL;
}

/**
 * map_domain_owed() - may hardware still reach what was unmapped from a domain?
 * @domain: of any driver
 *
 * To be asked behind the flush. May sleep.
 *
 * Return: true until the IOMMUs that @domain was in use with have forgotten it, or
 * let no DMA through; false for a domain of a driver that has not registered.
 */
bool map_domain_owed(struct iommu_domain *domain)
{
	const struct map_table_ops *ops;

	if (likely(!map_quarantine_is_open()))
		return false;
	ops = map_table_find(domain);
	return ops && ops->owed && ops->owed(domain);
}

/**
 * map_domain_sync() - have hardware forget, and know whether it has
 * @domain: of any driver
 * @gather: what; may be empty, for then what was to be forgotten before counts still
 *
 * May sleep.
 *
 * Return: 0; -EIO: hardware may reach something yet, of this or of an earlier call.
 */
int map_domain_sync(struct iommu_domain *domain,
		    struct iommu_iotlb_gather *gather)
{
	/* The driver must not see an empty range */
	if (gather->start <= gather->end)
		iommu_iotlb_sync(domain, gather);
	return map_domain_owed(domain) ? -EIO : 0;
}

/**
 * map_flush_add() - one more range is to be forgotten
 * @flush: zeroed before the first
 * @start: first IOVA
 * @last: last IOVA
 *
 * What touches the range before it is joined with it. With no room left, all
 * become one, from the lowest IOVA to the highest: too much is right, too little
 * never.
 */
void map_flush_add(struct map_flush *flush, unsigned long start,
		   unsigned long last)
{
	struct iova_range *range;
	unsigned int i;

	if (flush->num) {
		range = &flush->ranges[flush->num - 1];
		/* 0 does not come behind the last IOVA there is */
		if (start && range->last == start - 1) {
			range->last = last;
			return;
		}
		if (range->start && last == range->start - 1) {
			range->start = start;
			return;
		}
	}
	if (flush->num < MAP_FLUSH_RANGES) {
		flush->ranges[flush->num++] = (struct iova_range){
			.start = start,
			.last = last,
		};
		return;
	}
	range = &flush->ranges[0];
	for (i = 0; i < flush->num; i++) {
		start = min(start, flush->ranges[i].start);
		last = max(last, flush->ranges[i].last);
	}
	range->start = start;
	range->last = last;
	flush->num = 1;
}

/*
 * The largest page that fits at both addresses and in @size, and how many of them
 * come before a larger one would fit. Both addresses and @size are multiples of the
 * smallest page.
 */
static size_t choose_page(unsigned long sizes, unsigned long iova,
			  phys_addr_t paddr, size_t size, size_t *count)
{
	unsigned long fits = iova | paddr, larger;
	size_t page, reach = size;

	/* No page is larger than the size, nor than the alignment */
	sizes &= GENMASK(__fls(size), 0);
	page = fits ? sizes & GENMASK(__ffs(fits), 0) : sizes;
	page = BIT(__fls(page));

	/* The next larger one fits somewhere if both are equally far from it */
	larger = sizes & ~GENMASK(__fls(page), 0);
	if (larger) {
		size_t next = BIT(__ffs(larger));
		size_t gap = next - (iova & (next - 1));

		if (!((iova ^ paddr) & (next - 1)) && gap + next <= size)
			reach = gap;
	}
	*count = reach / page;
	return page;
}

/**
 * map_table_map() - map one run without the core
 * @ops: the driver's
 * @domain: one of its domains
 * @iova: first IOVA
 * @paddr: what it means
 * @size: bytes; all three are multiples of the domain's smallest page
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @mapped: is increased by the bytes done, on error too
 *
 * Does not tell caches of not-present entries: iotlb_sync_map() is the caller's.
 *
 * Return: 0, or an errno of &iommu_domain_ops.map_pages.
 */
int map_table_map(const struct map_table_ops *ops, struct iommu_domain *domain,
		  unsigned long iova, phys_addr_t paddr, size_t size, int prot,
		  size_t *mapped)
{
	phys_addr_t first = paddr;
	unsigned long start = iova;
	size_t all = size;

	while (size) {
		size_t count, done = 0;
		size_t page = choose_page(domain->pgsize_bitmap, iova, paddr,
					  size, &count);
		int rc;

		rc = ops->domain_ops->map_pages(domain, iova, paddr, page,
						count, prot,
						GFP_KERNEL_ACCOUNT, &done);
		*mapped += done;
		if (rc)
			return rc;
		iova += done;
		paddr += done;
		size -= done;
	}
	/* As iommu_map() does */
	trace_map(start, first, all);
	return 0;
}

/**
 * map_table_unmap() - take a range out, not yet flushed
 * @ops: the driver's
 * @domain: one of its domains
 * @iova: first IOVA
 * @size: bytes; both are multiples of the domain's smallest page
 * @gather: queued; takes the tables that are not needed any more
 *
 * Return: bytes from @iova on that are not mapped any more.
 */
size_t map_table_unmap(const struct map_table_ops *ops,
		       struct iommu_domain *domain, unsigned long iova,
		       size_t size, struct iommu_iotlb_gather *gather)
{
	size_t done;

	if (!ops->unmap)
		return iommu_unmap_fast(domain, iova, size, gather);
	done = ops->unmap(domain, iova, size, gather);
	/* As the core does */
	trace_unmap(iova, size, done);
	return done;
}
