// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking up which PASID is on the wire for a vPASID, and hearing that it is so no
 * more: for drivers of mediated devices, and for a hypervisor that lets a guest's
 * CPU submit work with a PASID (ENQCMD: the guest's instruction has the vPASID, the
 * CPU has to put the pPASID there).
 *
 * Readers take no lock: both tables on the way are xarrays, whose nodes outlive an
 * RCU grace period, and so does the map in between. Writers are one at a time for
 * each map.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "object.h"
#include "pasid_map.h"

/**
 * iommufd_pasid_map_create() - vPASIDs can be looked up, there are none yet
 * @ictx: the context
 * @dev_id: the device's id there; 0: the global pool's
 *
 * Return: the map, for iommufd_pasid_map_destroy(); ERR_PTR(-ENOMEM).
 */
struct iommufd_pasid_map *iommufd_pasid_map_create(struct iommufd_ctx *ictx,
						   u32 dev_id)
{
	struct iommufd_pasid_map *map;
	int rc;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->ictx = ictx;
	map->dev_id = dev_id;
	xa_init_flags(&map->table, XA_FLAGS_ACCOUNT);
	rc = xa_insert(&ictx->pasid_maps, dev_id, map, GFP_KERNEL_ACCOUNT);
	if (WARN_ON(rc == -EBUSY) || rc) {
		kfree(map);
		return ERR_PTR(-ENOMEM);
	}
	return map;
}

/**
 * iommufd_pasid_map_hide() - nothing can be looked up by the id any more
 * @map: the map. Readers that have found it go on
 *
 * Before the device's id is given up: from then on it may be another's.
 */
void iommufd_pasid_map_hide(struct iommufd_pasid_map *map)
{
	xa_cmpxchg(&map->ictx->pasid_maps, map->dev_id, map, NULL, 0);
}

/**
 * iommufd_pasid_map_destroy() - there is nothing to look up any more
 * @map: empty; may be NULL. Readers that have found it go on
 */
void iommufd_pasid_map_destroy(struct iommufd_pasid_map *map)
{
	if (!map)
		return;
	WARN_ON(!xa_empty(&map->table));
	iommufd_pasid_map_hide(map);
	kfree_rcu(map, rcu);
}

/**
 * iommufd_pasid_map_reserve() - make sure that a vPASID can be entered
 * @map: where it is not
 * @vpasid: the vPASID
 *
 * Return: 0; -ENOMEM.
 */
int iommufd_pasid_map_reserve(struct iommufd_pasid_map *map, u32 vpasid)
{
	return xa_reserve(&map->table, vpasid, GFP_KERNEL_ACCOUNT);
}

/**
 * iommufd_pasid_map_unreserve() - undo iommufd_pasid_map_reserve()
 * @map: where it is reserved
 * @vpasid: the vPASID
 */
void iommufd_pasid_map_unreserve(struct iommufd_pasid_map *map, u32 vpasid)
{
	xa_release(&map->table, vpasid);
}

/**
 * iommufd_pasid_map_set() - a vPASID is translated from here on
 * @map: where it is reserved
 * @vpasid: the vPASID
 * @ppasid: what is on the wire
 */
void iommufd_pasid_map_set(struct iommufd_pasid_map *map, u32 vpasid,
			   u32 ppasid)
{
	/* Reserved: nothing is allocated */
	WARN_ON(xa_is_err(xa_store(&map->table, vpasid, xa_mk_value(ppasid),
				   GFP_KERNEL_ACCOUNT)));
}

/**
 * iommufd_pasid_map_clear() - a vPASID is not translated any more
 * @map: the map
 * @vpasid: may not be there
 *
 * Readers may still have what they found: iommufd_pasid_map_gone() is to follow.
 *
 * Return: whether it was there.
 */
bool iommufd_pasid_map_clear(struct iommufd_pasid_map *map, u32 vpasid)
{
	return xa_erase(&map->table, vpasid);
}

/*
 * Every one of them is told. A notifier chain ends with the first callback that returns
 * NOTIFY_STOP_MASK: those behind it would go on with a pPASID that is another's next.
 */
static void notify_all(struct blocking_notifier_head *chain,
		       struct iommufd_pasid_binding *binding)
{
	struct notifier_block *nb;

	if (!rcu_access_pointer(chain->head))
		return;
	down_read(&chain->rwsem);
	for (nb = rcu_dereference_raw(chain->head); nb;
	     nb = rcu_dereference_raw(nb->next))
		nb->notifier_call(nb, IOMMUFD_PASID_GONE, binding);
	up_read(&chain->rwsem);
}

/**
 * iommufd_pasid_map_gone() - tell those who found it
 * @map: where it was, and is not
 * @vpasid: the vPASID
 * @ppasid: what it had been translated to
 *
 * On return nobody uses it who keeps to the rules of the notifier. May sleep.
 */
void iommufd_pasid_map_gone(struct iommufd_pasid_map *map, u32 vpasid,
			    u32 ppasid)
{
	struct iommufd_pasid_binding binding = {
		.dev_id = map->dev_id,
		.vpasid = vpasid,
		.ppasid = ppasid,
	};

	/*
	 * The vPASID went before we look who listens: the chain is not even locked
	 * when it is empty. Pairs with iommufd_pasid_notifier_register().
	 */
	smp_mb();
	notify_all(&map->ictx->pasid_notifiers, &binding);
}

/**
 * iommufd_pasid_translate() - which PASID is on the wire for a vPASID?
 * @ictx: the context; the caller keeps it
 * @dev_id: a device bound to it; 0: whichever, for vPASIDs that mediated devices got
 *	a pPASID for from the global pool: these have the same one on all of them
 * @vpasid: as user space called it when it was attached; IOMMU_NO_PASID: the
 *	address space of a mediated device itself
 * @ppasid: set to it
 *
 * For any device: where PASIDs are not translated the two are the same. Takes no
 * lock; may be called from any context.
 *
 * The answer may be out of date as soon as it is there. Who keeps it registers a
 * notifier, and calls this, and uses or stores what it gives, under a lock that the
 * notifier's callback takes too. Then either the callback comes later and finds it
 * stored, or the vPASID is not found any more.
 *
 * Return: 0; -ENOENT: no such device, or nothing is attached to @vpasid.
 */
int iommufd_pasid_translate(struct iommufd_ctx *ictx, u32 dev_id, u32 vpasid,
			    u32 *ppasid)
{
	struct iommufd_pasid_map *map;
	void *entry = NULL;

	rcu_read_lock();
	map = xa_load(&ictx->pasid_maps, dev_id);
	if (map)
		entry = xa_load(&map->table, vpasid);
	rcu_read_unlock();

	if (!xa_is_value(entry))
		return -ENOENT;
	*ppasid = xa_to_value(entry);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_translate, IOMMUFD);

/**
 * iommufd_pasid_notifier_register() - hear when vPASIDs stop being translated
 * @ictx: the context; the caller keeps it until unregistering
 * @nb: called with enum iommufd_pasid_event. May sleep, but must not wait for who
 *	attaches, replaces or detaches a PASID of the context, or unbinds a device.
 *	Its return value is not looked at: it cannot keep others from being called
 *
 * The callback of a detach comes first, then the hardware lets go of the PASID and
 * is drained, and only then the pPASID is free to be another's.
 *
 * Return: 0; -EEXIST: @nb is registered.
 */
int iommufd_pasid_notifier_register(struct iommufd_ctx *ictx,
				    struct notifier_block *nb)
{
	int rc = blocking_notifier_chain_register(&ictx->pasid_notifiers, nb);

	/* Listening before looking up; pairs with iommufd_pasid_map_gone() */
	smp_mb();
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_notifier_register, IOMMUFD);

/**
 * iommufd_pasid_notifier_unregister() - undo iommufd_pasid_notifier_register()
 * @ictx: the context
 * @nb: not called any more when this returns
 *
 * Not from the callback, nor with a lock that the callback takes.
 */
void iommufd_pasid_notifier_unregister(struct iommufd_ctx *ictx,
				       struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&ictx->pasid_notifiers, nb);
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_notifier_unregister, IOMMUFD);
