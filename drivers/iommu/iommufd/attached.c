// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices of a domain. A list: attaching is rare, and there are few devices, each
 * with many PASIDs.
 */
#include <linux/rculist.h>
#include <linux/slab.h>

#include "attached.h"

/**
 * attached_init() - no device
 * @devices: of a domain
 */
void attached_init(struct attached_devices *devices)
{
	spin_lock_init(&devices->lock);
	INIT_LIST_HEAD(&devices->list);
}

static struct attached_device *find(struct attached_devices *devices,
				    void *device)
{
	struct attached_device *entry;

	lockdep_assert_held(&devices->lock);
	list_for_each_entry(entry, &devices->list, item)
		if (entry->device == device)
			return entry;
	return NULL;
}

/**
 * attached_get() - a device has one attachment more
 * @devices: of its domain
 * @device: the driver's; stays until attached_put(), and a grace period longer
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int attached_get(struct attached_devices *devices, void *device)
{
	struct attached_device *entry, *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->device = device;
	new->num = 1;
	spin_lock_irq(&devices->lock);
	entry = find(devices, device);
	if (entry)
		WRITE_ONCE(entry->num, entry->num + 1);
	else
		list_add_tail_rcu(&new->item, &devices->list);
	spin_unlock_irq(&devices->lock);
	if (entry)
		kfree(new);
	return 0;
}

/**
 * attached_put() - undo attached_get()
 * @devices: of the domain
 * @device: the driver's
 */
void attached_put(struct attached_devices *devices, void *device)
{
	struct attached_device *entry;

	spin_lock_irq(&devices->lock);
	entry = find(devices, device);
	if (!WARN_ON(!entry)) {
		WRITE_ONCE(entry->num, entry->num - 1);
		if (!entry->num) {
			list_del_rcu(&entry->item);
			kfree_rcu(entry, rcu);
		}
	}
	spin_unlock_irq(&devices->lock);
}

/**
 * attached_flush_plan() - what is a flush to ask of the devices?
 * @devices: of the domain; under RCU
 * @caches: whether a device caches anything; NULL: they all do
 * @forgets_all: whether one request makes a device forget what it has of all PASIDs: a
 *	function may ignore that it is global (PCIe 6.0, 10.5.1.2: Global Invalidate
 *	Supported)
 * @ranges: to be flushed
 *
 * Return: as exactly as is possible with few requests.
 */
enum attached_flush attached_flush_plan(struct attached_devices *devices,
					bool (*caches)(void *device),
					bool (*forgets_all)(void *device),
					unsigned int ranges)
{
	struct attached_device *entry;
	bool all = true;
	u64 num = 0;

	list_for_each_entry_rcu(entry, &devices->list, item) {
		if (caches && !caches(entry->device))
			continue;
		num += READ_ONCE(entry->num);
		all &= forgets_all(entry->device);
	}
	if (num * ranges <= ATTACHED_FLUSH_MAX)
		return ATTACHED_FLUSH_RANGES;
	return num <= ATTACHED_FLUSH_MAX || !all ? ATTACHED_FLUSH_WHOLE :
						   ATTACHED_FLUSH_DEVICES;
}
