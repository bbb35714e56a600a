// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a unit owes: invalidations that were not carried out.
 *
 * A device that does not answer an invalidation of its device TLB costs no more than
 * its own ATS: the unit gives up by itself (6.5.2.10), and the queue goes on. But a
 * unit that refuses a descriptor, or a queue in which others' devices time out again
 * and again (invalidate.c), leaves it open what is still cached. It is asked to
 * forget everything then, every so often, until it has; and what was taken out of
 * tables meanwhile is kept.
 *
 * That hardly ever happens, so it is not looked at which unit a domain was in use
 * with. The count of what is owed, and the work, are map/owed.c's.
 */
#include <linux/mm.h>

#include "../../iommu-pages.h"
#include "domain.h"
#include "invalidate.h"
#include "owed.h"

/* What is kept that refers to a unit, of all units. */
static struct map_kept kept;

/**
 * vtd_owed_keep() - keep something until no unit owes an invalidation
 * @item: with its release
 *
 * Any context.
 *
 * Return: false: nothing is owed, @item is the caller's still.
 */
bool vtd_owed_keep(struct map_quarantine_item *item)
{
	return map_kept_add(&kept, item);
}

/** vtd_owed_left() - something that was kept does not refer to its unit any more */
void vtd_owed_left(void)
{
	map_kept_left(&kept);
}

/**
 * vtd_unit_owes() - a unit did not carry out what it was told
 * @unit: which
 *
 * From here on vtd_units_owing(), until vtd_owed_prove() has succeeded. Any context.
 */
void vtd_unit_owes(struct vtd_unit *unit)
{
	/* One that lets nothing through (vtd_unit_block()) has no tables */
	if (unit->owed.pay)
		map_owed_add(&unit->owed);
}

/**
 * vtd_units_owing() - does any unit owe an invalidation?
 *
 * Any context.
 *
 * Return: whether one does, of whatever kind.
 */
bool vtd_units_owing(void)
{
	return map_quarantine_is_open();
}

/**
 * vtd_device_told() - a unit was told something of a device
 * @device: which
 * @rc: of vtd_batch_submit(), or what comes down to it
 *
 * If it did not do so, the device is late until the unit has forgotten everything. One
 * that does not answer is distrusted, which is its caller's to do. Any context.
 */
void vtd_device_told(struct vtd_device *device, int rc)
{
	struct vtd_unit *unit = device->unit;
	unsigned long flags;

	if (!rc || rc == -ETIMEDOUT)
		return;
	dev_err_ratelimited(device->dev, "%s refused an invalidation: %d\n",
			    unit->name, rc);
	spin_lock_irqsave(&unit->context_lock, flags);
	WRITE_ONCE(device->late, true);
	spin_unlock_irqrestore(&unit->context_lock, flags);
}

/**
 * vtd_device_is_late() - may a unit go by what was said of a device before?
 * @device: which
 *
 * Any context.
 *
 * Return: whether it may.
 */
bool vtd_device_is_late(const struct vtd_device *device)
{
	return READ_ONCE(device->late) && map_owing(&device->unit->owed);
}

/*
 * A function that may ignore that a request is global (PCIe 6.0, 10.5.1.2) is told of
 * each PASID, also of those that were detached since: that may be what it was not told.
 */
static void flush_device(struct vtd_batch *batch, struct vtd_device *device)
{
	u32 pasid;

	if (vtd_device_forgets_all(device)) {
		vtd_batch_devtlb_all(batch, device);
		return;
	}
	/* Each submission to one that does not answer would time out */
	for (pasid = vtd_pasid_next(device, IOMMU_NO_PASID);
	     pasid < device->max_pasids && !batch->rc;
	     pasid = vtd_pasid_next(device, pasid + 1)) {
		vtd_batch_devtlb(batch, device, pasid, 0, U64_MAX);
		/* There may be a million of them */
		cond_resched();
	}
}

/* One after the other: a device that does not answer loses ATS, which will do. */
static int flush_devices(struct vtd_unit *unit)
{
	struct vtd_device *device;
	unsigned long rid;

	xa_for_each(&unit->devices, rid, device) {
		DEFINE_VTD_BATCH(batch, unit);
		int rc;

		if (!READ_ONCE(device->ats))
			continue;
		flush_device(&batch, device);
		rc = vtd_batch_submit(&batch);
		if (rc == -ETIMEDOUT)
			vtd_device_distrust(device);
		else if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/* In this order, or one could fill up again from another (6.5.3.3). */
static int flush_everything(struct vtd_unit *unit)
{
	DEFINE_VTD_BATCH(batch, unit);

	vtd_batch_context_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_pasid_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_iotlb_all(&batch);
	return vtd_batch_submit(&batch) ?: flush_devices(unit);
}

/*
 * Of no device the unit has anything that is not so any more. Without vtd_unit::lock
 * another failure may come meanwhile: it is counted before its device is late, so that
 * nobody is let off then.
 */
static bool paid(struct vtd_unit *unit, u64 until)
{
	struct vtd_device *device;
	unsigned long rid, flags;
	bool all;

	lockdep_assert_held(&unit->lock);
	spin_lock_irqsave(&unit->context_lock, flags);
	all = map_owed_count(&unit->owed) == until;
	if (all)
		xa_for_each(&unit->devices, rid, device)
			WRITE_ONCE(device->late, false);
	spin_unlock_irqrestore(&unit->context_lock, flags);
	/* It says so, which is not to be with that lock: a console may be slow */
	return all && map_owed_paid(&unit->owed, until);
}

/**
 * vtd_owed_prove() - have a unit forget everything
 * @unit: started
 *
 * May sleep; takes vtd_unit::lock.
 *
 * Return: 0: it owes nothing; -EAGAIN: not yet.
 */
int vtd_owed_prove(struct vtd_unit *unit)
{
	u64 before = map_owed_count(&unit->owed);
	int rc;

	mutex_lock(&unit->lock);
	rc = flush_everything(unit);
	if (rc || !paid(unit, before))
		rc = -EAGAIN;
	mutex_unlock(&unit->lock);
	return rc;
}

static bool owed_pay(struct map_owed *owed)
{
	return !vtd_owed_prove(container_of(owed, struct vtd_unit, owed));
}

/**
 * vtd_owed_init() - a unit that owes nothing
 * @unit: not started
 */
void vtd_owed_init(struct vtd_unit *unit)
{
	map_owed_init(&unit->owed, unit->name, owed_pay);
}

/**
 * vtd_owed_exit() - a unit is stopped
 * @unit: does not translate; no device is left behind it
 *
 * Waits until nothing that is kept refers to @unit, for which other units may have to
 * have paid as well. May sleep.
 */
void vtd_owed_exit(struct vtd_unit *unit)
{
	map_owed_halt(&unit->owed);
	map_owed_paid(&unit->owed, map_owed_count(&unit->owed));
	map_kept_wait(&kept);
}

/**
 * vtd_free_table() - free pages that a unit walked
 * @table: as from iommu_alloc_pages(); flushed
 * @order: log2 of the number of pages
 *
 * Not before no unit can read them. Any context.
 */
void vtd_free_table(void *table, unsigned int order)
{
	if (!vtd_units_owing() || !map_quarantine_pages(table, order))
		iommu_free_pages(table, order);
}

/**
 * vtd_put_tables() - free tables that a unit walked
 * @tables: single pages, linked by page::lru; flushed. Empty on return
 *
 * Not before no unit can read them. Any context.
 */
void vtd_put_tables(struct list_head *tables)
{
	struct page *page, *next;

	if (!vtd_units_owing()) {
		iommu_put_pages_list(tables);
		INIT_LIST_HEAD(tables);
		return;
	}
	list_for_each_entry_safe(page, next, tables, lru) {
		list_del(&page->lru);
		vtd_free_table(page_address(page), 0);
	}
}
