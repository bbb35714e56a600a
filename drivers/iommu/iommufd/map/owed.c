// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOMMUs owe: invalidations that were not carried out.
 *
 * From the first failure on the quarantine is open. A work has the IOMMU forget
 * everything, every so often, until it has. Failures are counted, so that one that
 * comes while all is invalidated is not taken for paid.
 *
 * map_owed::lock, then the quarantine's.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/wait_bit.h>

#include "owed.h"

/* Between two tries */
#define OWED_DELAY_MS	50

static void owed_look_soon(struct map_owed *owed)
{
	queue_delayed_work(system_unbound_wq, &owed->work,
			   msecs_to_jiffies(owed->delay));
}

static void owed_work(struct work_struct *work)
{
	struct map_owed *owed = container_of(to_delayed_work(work),
					     struct map_owed, work);

	if (!owed->pay(owed))
		owed_look_soon(owed);
}

/**
 * map_owed_init() - an IOMMU that owes nothing
 * @owed: of the IOMMU
 * @name: of it, for the log; stays
 * @pay: see &struct map_owed
 */
void map_owed_init(struct map_owed *owed, const char *name,
		   bool (*pay)(struct map_owed *owed))
{
	owed->name = name;
	owed->pay = pay;
	owed->delay = OWED_DELAY_MS;
	raw_spin_lock_init(&owed->lock);
	owed->count = 0;
	owed->owing = false;
	INIT_DELAYED_WORK(&owed->work, owed_work);
}

/**
 * map_owed_halt() - nobody has the IOMMU pay by himself any more
 * @owed: of an IOMMU that is not told anything that could fail. It may owe still
 *
 * May sleep.
 */
void map_owed_halt(struct map_owed *owed)
{
	cancel_delayed_work_sync(&owed->work);
}

/**
 * map_owed_add() - an IOMMU did not carry out what it was told
 * @owed: of the IOMMU
 *
 * From here on map_owing(), until map_owed_paid(). Any context.
 */
void map_owed_add(struct map_owed *owed)
{
	unsigned long flags;
	bool first;

	raw_spin_lock_irqsave(&owed->lock, flags);
	owed->count++;
	first = !owed->owing;
	if (first)
		map_quarantine_begin();
	WRITE_ONCE(owed->owing, true);
	raw_spin_unlock_irqrestore(&owed->lock, flags);
	if (first)
		pr_err_ratelimited("%s: invalidations were not carried out: memory that they were for is kept\n",
				   owed->name);
	if (owed->delay)
		owed_look_soon(owed);
}

/**
 * map_owed_count() - how often something was not carried out
 * @owed: of an IOMMU
 *
 * Any context.
 *
 * Return: the count, for map_owed_paid().
 */
u64 map_owed_count(struct map_owed *owed)
{
	unsigned long flags;
	u64 count;

	raw_spin_lock_irqsave(&owed->lock, flags);
	count = owed->count;
	raw_spin_unlock_irqrestore(&owed->lock, flags);
	return count;
}

/**
 * map_owed_paid() - an IOMMU has forgotten everything, or lets no DMA through
 * @owed: of the IOMMU
 * @until: what map_owed_count() was before it began to forget
 *
 * Any context.
 *
 * Return: true: it owes nothing; false: something has failed since.
 */
bool map_owed_paid(struct map_owed *owed, u64 until)
{
	unsigned long flags;
	bool was, paid;

	raw_spin_lock_irqsave(&owed->lock, flags);
	paid = owed->count == until;
	was = owed->owing;
	if (paid && was) {
		WRITE_ONCE(owed->owing, false);
		map_quarantine_end();
	}
	raw_spin_unlock_irqrestore(&owed->lock, flags);
	if (paid && was)
		pr_info("%s: owes no invalidation any more\n", owed->name);
	return paid;
}

/**
 * map_kept_add() - keep something that refers to an IOMMU until nothing is owed
 * @kept: of the driver of the IOMMU
 * @item: with its release, which ends with map_kept_left()
 *
 * The IOMMU stays until then. Any context.
 *
 * Return: false: nothing is owed, @item is the caller's still.
 */
bool map_kept_add(struct map_kept *kept, struct map_quarantine_item *item)
{
	atomic_inc(&kept->num);
	if (map_quarantine_add(item))
		return true;
	map_kept_left(kept);
	return false;
}

/**
 * map_kept_left() - something that was kept does not refer to its IOMMU any more
 * @kept: that it was added to
 *
 * Any context.
 */
void map_kept_left(struct map_kept *kept)
{
	if (atomic_dec_and_test(&kept->num))
		wake_up_var(&kept->num);
}

/**
 * map_kept_wait() - wait until nothing refers to an IOMMU any more
 * @kept: of its driver
 *
 * May sleep.
 */
void map_kept_wait(struct map_kept *kept)
{
	wait_var_event(&kept->num, !atomic_read(&kept->num));
}
