/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that hardware may still reach although nothing leads there any more: an
 * IOMMU did not say that it has forgotten. It is kept from everybody until one says
 * so. Whether that is owed, and when it has been paid, is the drivers' to say; what is
 * kept, and how it is given back, belongs to who puts it here.
 *
 * This knows no driver. A driver of an IOMMU, which is above, calls it.
 */
#ifndef __IOMMUFD_MAP_QUARANTINE_H
#define __IOMMUFD_MAP_QUARANTINE_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct map_quarantine_item - something that is kept
 * @item: in the quarantine
 * @release: nothing can reach it any more: give it back. In a work that all users
 *	share: may sleep, but not wait for what user space can hold up. May put it here
 *	once more. Returns false if it cannot be given back just now: it is asked again
 */
struct map_quarantine_item {
	struct list_head item;
	bool (*release)(struct map_quarantine_item *item);
};

/*
 * begin  an IOMMU owes an invalidation: from here on nothing leaves
 * end    it has paid, or lets no DMA through: with the last one everything leaves
 * Any context.
 */
void map_quarantine_begin(void);
void map_quarantine_end(void);
bool map_quarantine_is_open(void);

/*
 * false: nothing is owed by anybody, and it is the caller's to give back at once.
 * Any context.
 */
bool map_quarantine_add(struct map_quarantine_item *item);
/* The same for pages of a page table, as from iommu_alloc_pages(). */
bool map_quarantine_pages(void *table, unsigned int order);
/*
 * Wait until what was let go has been given back, but for what is somebody's just then.
 * May sleep.
 */
void map_quarantine_settle(void);

/**
 * struct map_quarantine_stat - what is kept
 * @owing: IOMMUs that owe an invalidation
 * @items: &struct map_quarantine_item
 * @tables: pages of page tables
 */
struct map_quarantine_stat {
	unsigned int owing;
	unsigned long items;
	unsigned long tables;
};

void map_quarantine_get_stat(struct map_quarantine_stat *stat);

#endif
