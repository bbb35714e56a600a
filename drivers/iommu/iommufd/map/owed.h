/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an IOMMU owes: invalidations that it was told and did not carry out. While it
 * does the quarantine is open. How it is made to forget everything is its driver's to
 * know; when that is tried, and whether it has paid for all, is seen to here.
 *
 * This knows no driver. A driver of an IOMMU, which is above, calls it.
 */
#ifndef __IOMMUFD_MAP_OWED_H
#define __IOMMUFD_MAP_OWED_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "quarantine.h"

/**
 * struct map_owed - what one IOMMU owes
 * @name: of the IOMMU, for the log. Constant, as @pay
 * @pay: have it forget everything, if it owes something; whether it owes nothing now.
 *	May sleep
 * @delay: between two tries of @pay, ms; 0: nobody tries by himself, for tests. Set once
 * @lock: guards @count and @owing
 * @count: failures
 * @owing: since one of them not everything has been invalidated. Read without @lock
 * @work: that tries
 */
struct map_owed {
	const char *name;
	bool (*pay)(struct map_owed *owed);
	unsigned int delay;
	raw_spinlock_t lock;		/* see above */
	u64 count;
	bool owing;
	struct delayed_work work;
};

/* halt: nobody tries by himself any more. All but this in any context. */
void map_owed_init(struct map_owed *owed, const char *name,
		   bool (*pay)(struct map_owed *owed));
void map_owed_halt(struct map_owed *owed);

/*
 * add    something was not carried out
 * count  how often that was, before everything is invalidated; and after it,
 * paid   all that was owed at that count: false: there is more. Says so if nothing was
 *        owed at all
 */
void map_owed_add(struct map_owed *owed);
u64 map_owed_count(struct map_owed *owed);
bool map_owed_paid(struct map_owed *owed, u64 until);

static inline bool map_owing(const struct map_owed *owed)
{
	return READ_ONCE(owed->owing);
}

/**
 * struct map_kept - how much is kept that refers to IOMMUs
 * @num: in the quarantine, or about to be released
 *
 * One for all IOMMUs of a driver. Zero to begin with.
 */
struct map_kept {
	atomic_t num;
};

/*
 * add   as map_quarantine_add(). Any context
 * left  at the end of the release of what was added. Any context
 * wait  until nothing is kept: for which others may have to have paid. May sleep
 */
bool map_kept_add(struct map_kept *kept, struct map_quarantine_item *item);
void map_kept_left(struct map_kept *kept);
void map_kept_wait(struct map_kept *kept);

#endif
