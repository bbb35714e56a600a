// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources: the devices that may send page requests, and the memory that their
 * outstanding requests need.
 *
 * A source is registered by a backend and found by device. What it needs for
 * groups is there as long as it has an attach, and charged to who made the
 * first one.
 */
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "internal.h"

/* All sources by device. Looked up when something is attached, never by the door. */
static DEFINE_MUTEX(fault_sources_lock);
static DEFINE_HASHTABLE(fault_sources, 8);

static struct iommufd_fault_source *fault_source_find(struct device *dev)
{
	struct iommufd_fault_source *source;

	lockdep_assert_held(&fault_sources_lock);
	hash_for_each_possible(fault_sources, source, hash, (unsigned long)dev)
		if (source->dev == dev)
			return source;
	return NULL;
}

/**
 * fault_source_put - drop a reference of a source
 * @source: the source
 */
void fault_source_put(struct iommufd_fault_source *source)
{
	if (!refcount_dec_and_test(&source->refs))
		return;
	xa_destroy(&source->routes);
	mutex_destroy(&source->mutex);
	put_device(source->dev);
	kfree(source);
}

/**
 * iommufd_fault_source_register - a device may send page requests
 * @dev: the device; a reference is taken
 * @unit: takes the answers; must live until the source is unregistered
 * @max_outstanding: the most requests the device may have outstanding, as it
 *	was told (PCIe 6.0, 10.5.2.5: Outstanding Page Request Allocation); more
 *	than IOMMU_FAULT_DEPTH_MAX is cut to that
 * @priv: the backend's own
 *
 * Called by a backend when it has found that the device can. May sleep.
 *
 * Return: the source or ERR_PTR: -EINVAL if @max_outstanding is 0, -EEXIST if
 * the device is registered already, -ENOMEM.
 */
struct iommufd_fault_source *
iommufd_fault_source_register(struct device *dev,
			      struct iommufd_fault_unit *unit,
			      unsigned int max_outstanding, void *priv)
{
	static u32 serial;
	struct iommufd_fault_source *source;

	if (!max_outstanding)
		return ERR_PTR(-EINVAL);
	source = kzalloc(sizeof(*source), GFP_KERNEL);
	if (!source)
		return ERR_PTR(-ENOMEM);
	source->dev = dev;
	source->unit = unit;
	source->priv = priv;
	source->max_outstanding = min_t(unsigned int, max_outstanding,
					FAULT_SOURCE_MAX);
	source->limit = source->max_outstanding;
	refcount_set(&source->refs, 1);
	init_llist_head(&source->done);
	spin_lock_init(&source->lock);
	xa_init_flags(&source->routes, XA_FLAGS_LOCK_BH | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&source->free);
	INIT_LIST_HEAD(&source->doomed);
	source->seed = get_random_u32();
	mutex_init(&source->mutex);
	INIT_LIST_HEAD(&source->attaches);
	INIT_HLIST_HEAD(&source->whole);

	mutex_lock(&fault_sources_lock);
	if (fault_source_find(dev)) {
		mutex_unlock(&fault_sources_lock);
		mutex_destroy(&source->mutex);
		kfree(source);
		return ERR_PTR(-EEXIST);
	}
	/* 40 bits for a source to count in; never 0. */
	serial++;
	source->next_id = (u64)serial << 40 | 1;
	get_device(dev);
	hash_add(fault_sources, &source->hash, (unsigned long)dev);
	mutex_unlock(&fault_sources_lock);
	return source;
}

/**
 * iommufd_fault_source_priv - the backend's own pointer
 * @source: the source
 *
 * Return: as given when it was registered.
 */
void *iommufd_fault_source_priv(struct iommufd_fault_source *source)
{
	return source->priv;
}

/**
 * iommufd_fault_source_dev - the device of a source
 * @source: the source
 *
 * Return: the device, without a reference.
 */
struct device *iommufd_fault_source_dev(struct iommufd_fault_source *source)
{
	return source->dev;
}

/**
 * iommufd_fault_supported - can faults of this device be delivered
 * @dev: the device
 *
 * May sleep.
 *
 * Return: false for a device whose driver does not use the door.
 */
bool iommufd_fault_supported(struct device *dev)
{
	bool found;

	mutex_lock(&fault_sources_lock);
	found = fault_source_find(dev);
	mutex_unlock(&fault_sources_lock);
	return found;
}

/* The group structures, enough for whatever may be outstanding, and to spare. */
static int fault_source_alloc_groups(struct iommufd_fault_source *source)
{
	u32 num = source->max_outstanding + FAULT_SOURCE_SPARE;
	u32 buckets = roundup_pow_of_two(source->max_outstanding);
	struct fault_batch *batch = &source->batch;
	struct hlist_head *open;
	u32 i;

	lockdep_assert_held(&source->mutex);
	batch->answers = kcalloc(IOMMUFD_FAULT_BATCH, sizeof(*batch->answers),
				 GFP_KERNEL_ACCOUNT);
	batch->attaches = kcalloc(IOMMUFD_FAULT_BATCH, sizeof(*batch->attaches),
				  GFP_KERNEL_ACCOUNT);
	batch->max = IOMMUFD_FAULT_BATCH;
	open = kvcalloc(buckets, sizeof(*open), GFP_KERNEL_ACCOUNT);
	source->groups = kvcalloc(num, sizeof(*source->groups),
				  GFP_KERNEL_ACCOUNT);
	if (!batch->answers || !batch->attaches || !open || !source->groups) {
		kfree(batch->answers);
		kfree(batch->attaches);
		kvfree(open);
		kvfree(source->groups);
		source->groups = NULL;
		return -ENOMEM;
	}

	spin_lock_bh(&source->lock);
	source->open = open;
	source->open_mask = buckets - 1;
	for (i = 0; i < num; i++)
		list_add_tail(&source->groups[i].link, &source->free);
	spin_unlock_bh(&source->lock);
	return 0;
}

static void fault_source_free_groups(struct iommufd_fault_source *source)
{
	struct fault_group *group, *next;

	lockdep_assert_held(&source->mutex);
	spin_lock_bh(&source->lock);
	fault_source_reap(source);
	list_for_each_entry_safe(group, next, &source->doomed, link)
		fault_group_discard(source, group);
	WARN_ON(source->nr_open);
	/* From here on the door finds no structure to take. */
	INIT_LIST_HEAD(&source->free);
	spin_unlock_bh(&source->lock);

	kfree(source->batch.answers);
	kfree(source->batch.attaches);
	kvfree(source->open);
	kvfree(source->groups);
	source->open = NULL;
	source->groups = NULL;
}

/**
 * fault_source_get - find a device's source
 * @dev: the device
 *
 * Return: the source with a reference, or NULL.
 */
struct iommufd_fault_source *fault_source_get(struct device *dev)
{
	struct iommufd_fault_source *source;

	mutex_lock(&fault_sources_lock);
	source = fault_source_find(dev);
	if (source)
		refcount_inc(&source->refs);
	mutex_unlock(&fault_sources_lock);
	return source;
}

/**
 * fault_source_join - find a device's source for a new attach
 * @dev: the device
 *
 * Return: the source with a reference and memory for groups, for
 * fault_source_leave(), or ERR_PTR: -EOPNOTSUPP if nobody has registered @dev,
 * -ENOMEM.
 */
struct iommufd_fault_source *fault_source_join(struct device *dev)
{
	struct iommufd_fault_source *source = fault_source_get(dev);
	int rc = 0;

	if (!source)
		return ERR_PTR(-EOPNOTSUPP);

	mutex_lock(&source->mutex);
	if (!source->nr_attaches)
		rc = fault_source_alloc_groups(source);
	if (!rc)
		source->nr_attaches++;
	mutex_unlock(&source->mutex);
	if (rc) {
		fault_source_put(source);
		return ERR_PTR(rc);
	}
	return source;
}

/**
 * fault_source_leave - an attach has gone
 * @source: from fault_source_join()
 */
void fault_source_leave(struct iommufd_fault_source *source)
{
	mutex_lock(&source->mutex);
	if (!--source->nr_attaches)
		fault_source_free_groups(source);
	mutex_unlock(&source->mutex);
	fault_source_put(source);
}

/**
 * fault_source_turn_on - turn page requests on if they are not
 * @source: not unregistered; its mutex is held
 *
 * If it is paused they come on with iommufd_fault_resume().
 *
 * Return: 0, or what the backend says.
 */
int fault_source_turn_on(struct iommufd_fault_source *source)
{
	int rc = 0;

	lockdep_assert_held(&source->mutex);
	if (source->paused)
		return 0;
	if (!source->on && source->unit->ops->enable)
		rc = source->unit->ops->enable(source);
	if (!rc)
		source->on = true;
	return rc;
}

/**
 * fault_source_turn_off - turn page requests off if they are on
 * @source: its mutex is held
 */
void fault_source_turn_off(struct iommufd_fault_source *source)
{
	lockdep_assert_held(&source->mutex);
	if (source->on && source->unit->ops->disable)
		source->unit->ops->disable(source);
	source->on = false;
}

/**
 * fault_source_enable - have page requests enabled
 * @source: its mutex is held
 *
 * Return: 0, for fault_source_disable(); -ENODEV if the source is unregistered,
 * or what the backend says.
 */
int fault_source_enable(struct iommufd_fault_source *source)
{
	int rc;

	lockdep_assert_held(&source->mutex);
	if (source->dead)
		return -ENODEV;
	rc = fault_source_turn_on(source);
	if (!rc)
		source->users++;
	return rc;
}

/**
 * fault_source_disable - undo fault_source_enable()
 * @source: its mutex is held
 */
void fault_source_disable(struct iommufd_fault_source *source)
{
	lockdep_assert_held(&source->mutex);
	/* Unplugging has disabled them for all. */
	if (source->dead)
		return;
	if (!--source->users)
		fault_source_turn_off(source);
}

/**
 * fault_source_use - have page requests enabled for an attach
 * @attach: needs them; the mutex of its source is held
 *
 * Return: as fault_source_enable().
 */
int fault_source_use(struct iommufd_fault_attach *attach)
{
	int rc = fault_source_enable(attach->source);

	if (!rc)
		attach->prepared = true;
	return rc;
}

/**
 * fault_source_unuse - page requests are no longer needed
 * @attach: may have needed them; the mutex of its source is held
 */
void fault_source_unuse(struct iommufd_fault_attach *attach)
{
	lockdep_assert_held(&attach->source->mutex);
	if (!attach->prepared)
		return;
	attach->prepared = false;
	fault_source_disable(attach->source);
}

/**
 * fault_source_forget_doomed - the device will not go on with refused groups
 * @source: its mutex is held
 */
void fault_source_forget_doomed(struct iommufd_fault_source *source)
{
	struct fault_group *group, *next;

	lockdep_assert_held(&source->mutex);
	spin_lock_bh(&source->lock);
	list_for_each_entry_safe(group, next, &source->doomed, link)
		fault_group_discard(source, group);
	spin_unlock_bh(&source->lock);
}

/**
 * iommufd_fault_source_unregister - a device will send no more page requests
 * @source: from iommufd_fault_source_register(); gone afterwards
 *
 * The backend calls the door no more, and has handed over what it had. What is
 * outstanding is answered invalid: &iommufd_fault_unit_ops.respond and
 * &iommufd_fault_unit_ops.disable may be called until this returns, and are
 * never called after. Attaches that are still there stay, cut off, until they
 * are removed. May sleep.
 */
void iommufd_fault_source_unregister(struct iommufd_fault_source *source)
{
	struct iommufd_fault_attach *attach, *next;

	mutex_lock(&fault_sources_lock);
	hash_del(&source->hash);
	mutex_unlock(&fault_sources_lock);

	mutex_lock(&source->mutex);
	source->dead = true;
	list_for_each_entry_safe(attach, next, &source->attaches, source_item)
		fault_attach_cut(attach);
	fault_source_turn_off(source);
	mutex_unlock(&source->mutex);
	fault_source_put(source);
}
