// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must not be given back yet.
 *
 * One list for the system, as it is hardly ever in use: it opens when an IOMMU fails
 * to carry out an invalidation, and empties when none owes any. Whoever takes
 * something out of a page table flushes, and then asks whether the flush is owed; so
 * all that comes here was taken out before the IOMMU was asked to forget everything
 * once more, or has its own failure to show for, which keeps the list closed.
 *
 * Everything is under one spinlock, but for the count, which is read without.
 *
 * What leaves is given back by one work. Nobody's memory waits there for anybody else:
 * an item whose locks are taken is left for later, and the work goes on.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../../iommu-pages.h"
#include "quarantine.h"

static DEFINE_RAW_SPINLOCK(quarantine_lock);
/* Between two tries to give back what is busy: after success, and after many failures */
#define RETRY_MIN	(HZ / 50 ?: 1)
#define RETRY_MAX	HZ

static LIST_HEAD(quarantine_items);
static LIST_HEAD(quarantine_tables);
static struct map_quarantine_stat kept;

/* Pages are in a list by their own head, which is nobody else's meanwhile. */
static void free_tables(struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, tables, lru) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		iommu_free_pages(page_address(page), order);
		cond_resched();
	}
}

static void retry_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(quarantine_retry, retry_work);

/*
 * Tables, and then items in the order they came; what is owed again meanwhile takes the
 * rest back.
 */
static void release_work(struct work_struct *work)
{
	/* The work's own */
	static unsigned long delay = RETRY_MIN;
	struct map_quarantine_item *item;
	LIST_HEAD(tables);
	LIST_HEAD(busy);
	bool done, retry;

	raw_spin_lock_irq(&quarantine_lock);
	if (!kept.owing) {
		list_splice_init(&quarantine_tables, &tables);
		kept.tables = 0;
	}
	raw_spin_unlock_irq(&quarantine_lock);
	free_tables(&tables);

	delay = min(2 * delay, RETRY_MAX);
	raw_spin_lock_irq(&quarantine_lock);
	while (!kept.owing && !list_empty(&quarantine_items)) {
		item = list_first_entry(&quarantine_items,
					struct map_quarantine_item, item);
		list_del_init(&item->item);
		raw_spin_unlock_irq(&quarantine_lock);
		done = item->release(item);
		cond_resched();
		raw_spin_lock_irq(&quarantine_lock);
		if (done) {
			kept.items--;
			delay = RETRY_MIN;
			continue;
		}
		list_add_tail(&item->item, &busy);
	}
	list_splice_tail(&busy, &quarantine_items);
	retry = !kept.owing && !list_empty(&quarantine_items);
	raw_spin_unlock_irq(&quarantine_lock);
	if (retry)
		mod_delayed_work(system_unbound_wq, &quarantine_retry, delay);
}

static DECLARE_WORK(quarantine_work, release_work);

/* So that a flush of the other one does not wait for the time in between. */
static void retry_work(struct work_struct *work)
{
	queue_work(system_unbound_wq, &quarantine_work);
}

/**
 * map_quarantine_begin() - an IOMMU owes an invalidation
 *
 * Each is undone by one map_quarantine_end(). Any context.
 */
void map_quarantine_begin(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&quarantine_lock, flags);
	WRITE_ONCE(kept.owing, kept.owing + 1);
	raw_spin_unlock_irqrestore(&quarantine_lock, flags);
	/* Whoever finds that a flush failed finds us open: the flush was before */
	smp_mb();
}

/**
 * map_quarantine_end() - it does not any more
 *
 * Any context; what is kept is given back by a work.
 */
void map_quarantine_end(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&quarantine_lock, flags);
	WARN_ON(!kept.owing);
	WRITE_ONCE(kept.owing, kept.owing - 1);
	if (!kept.owing)
		queue_work(system_unbound_wq, &quarantine_work);
	raw_spin_unlock_irqrestore(&quarantine_lock, flags);
}

/**
 * map_quarantine_is_open() - is anything owed?
 *
 * Any context.
 *
 * Return: whether it is, by any IOMMU.
 */
bool map_quarantine_is_open(void)
{
	return READ_ONCE(kept.owing);
}

/**
 * map_quarantine_add() - keep something until nothing is owed
 * @item: in no list, with its release
 *
 * Any context.
 *
 * Return: false: nothing is owed, @item is the caller's still.
 */
bool map_quarantine_add(struct map_quarantine_item *item)
{
	unsigned long flags;
	bool keep;

	raw_spin_lock_irqsave(&quarantine_lock, flags);
	keep = kept.owing;
	if (keep) {
		list_add_tail(&item->item, &quarantine_items);
		kept.items++;
	}
	raw_spin_unlock_irqrestore(&quarantine_lock, flags);
	return keep;
}

/**
 * map_quarantine_pages() - keep a page table until nothing is owed
 * @table: pages as from iommu_alloc_pages(); freed when it leaves
 * @order: log2 of their number
 *
 * Any context; allocates nothing.
 *
 * Return: false: nothing is owed, @table is the caller's still.
 */
bool map_quarantine_pages(void *table, unsigned int order)
{
	struct page *page = virt_to_page(table);
	unsigned long flags;
	bool keep;

	raw_spin_lock_irqsave(&quarantine_lock, flags);
	keep = kept.owing;
	if (keep) {
		set_page_private(page, order);
		list_add_tail(&page->lru, &quarantine_tables);
		kept.tables += 1UL << order;
	}
	raw_spin_unlock_irqrestore(&quarantine_lock, flags);
	return keep;
}

/**
 * map_quarantine_settle() - wait until what was let go has been given back
 *
 * What cannot be given back just then, since somebody is at work on it, is not waited
 * for. May sleep.
 */
void map_quarantine_settle(void)
{
	flush_work(&quarantine_work);
}

/**
 * map_quarantine_get_stat() - what is kept
 * @stat: filled in
 *
 * Any context.
 */
void map_quarantine_get_stat(struct map_quarantine_stat *stat)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&quarantine_lock, flags);
	*stat = kept;
	raw_spin_unlock_irqrestore(&quarantine_lock, flags);
}
