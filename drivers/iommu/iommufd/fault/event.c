// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: from a backend to the ring of who listens.
 *
 * Listeners and devices are found under RCU by address, in tables of all contexts: a
 * backend knows no more than the domain and the device, and has no time.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../trace.h"
#include "event.h"

/* The ring writes the head of struct iommu_hwpt_event. */
static_assert(offsetof(struct iommu_hwpt_event, flags) ==
	      offsetof(struct iommufd_event_head, flags));
static_assert(offsetof(struct iommu_hwpt_event, sequence) ==
	      offsetof(struct iommufd_event_head, sequence));
static_assert(offsetof(struct iommu_hwpt_event, addr) ==
	      sizeof(struct iommufd_event_head));

static const struct iommufd_event_format event_format = {
	.first = 1,
	.sequence_mask = U32_MAX,
	.after_loss = IOMMU_HWPT_EVENT_LOST,
	.loss = IOMMU_HWPT_EVENT_LOST | IOMMU_HWPT_EVENT_EMPTY,
};

static DEFINE_SPINLOCK(event_lock);
static DEFINE_HASHTABLE(event_listeners, 8);
static DEFINE_HASHTABLE(event_devices, 8);

/**
 * struct iommufd_event_parent - a device of which there are mediated ones
 * @node: among all of these
 * @dev: the device; not referenced, each mediated device keeps it
 * @users: mediated devices, guarded by event_parents_lock
 * @pasids: PASID on the wire to struct iommufd_event_pasid
 * @rcu: frees it after the last reader
 */
struct iommufd_event_parent {
	struct hlist_node node;
	struct device *dev;
	unsigned int users;
	struct xarray pasids;
	struct rcu_head rcu;
};

/* Guards their list and counts */
static DEFINE_MUTEX(event_parents_lock);
static DEFINE_HASHTABLE(event_parents, 8);

/**
 * iommufd_event_device_add() - a device is bound
 * @edev: filled in but for the node; listed until iommufd_event_device_del()
 */
void iommufd_event_device_add(struct iommufd_event_device *edev)
{
	spin_lock(&event_lock);
	hash_add_rcu(event_devices, &edev->node, (unsigned long)edev->dev);
	spin_unlock(&event_lock);
}

/**
 * iommufd_event_device_del() - a device is no longer bound
 * @edev: listed; nobody uses it on return
 *
 * May sleep.
 */
void iommufd_event_device_del(struct iommufd_event_device *edev)
{
	spin_lock(&event_lock);
	hash_del_rcu(&edev->node);
	spin_unlock(&event_lock);
	synchronize_rcu();
}

static struct iommufd_event_listener *
event_find_listener(const struct iommu_domain *domain)
{
	struct iommufd_event_listener *listener;

	hash_for_each_possible_rcu(event_listeners, listener, node,
				   (unsigned long)domain)
		if (listener->domain == domain)
			return listener;
	return NULL;
}

static u32 event_find_device(const struct device *dev,
			     const struct iommufd_ctx *ictx)
{
	struct iommufd_event_device *edev;

	hash_for_each_possible_rcu(event_devices, edev, node,
				   (unsigned long)dev)
		if (edev->dev == dev && edev->ictx == ictx)
			return edev->dev_id;
	return 0;
}

static struct iommufd_event_parent *event_find_parent(const struct device *dev)
{
	struct iommufd_event_parent *parent;

	hash_for_each_possible_rcu(event_parents, parent, node,
				   (unsigned long)dev,
				   lockdep_is_held(&event_parents_lock))
		if (parent->dev == dev)
			return parent;
	return NULL;
}

/**
 * iommufd_event_parent_get() - a mediated device is bound
 * @dev: its parent
 *
 * Return: where its PASIDs are found, for iommufd_event_parent_put();
 * ERR_PTR(-ENOMEM).
 */
struct iommufd_event_parent *iommufd_event_parent_get(struct device *dev)
{
	struct iommufd_event_parent *parent;

	mutex_lock(&event_parents_lock);
	parent = event_find_parent(dev);
	if (!parent) {
		parent = kzalloc(sizeof(*parent), GFP_KERNEL_ACCOUNT);
		if (!parent) {
			mutex_unlock(&event_parents_lock);
			return ERR_PTR(-ENOMEM);
		}
		parent->dev = dev;
		xa_init_flags(&parent->pasids, XA_FLAGS_ACCOUNT);
		hash_add_rcu(event_parents, &parent->node, (unsigned long)dev);
	}
	parent->users++;
	mutex_unlock(&event_parents_lock);
	return parent;
}

/**
 * iommufd_event_parent_put() - undo iommufd_event_parent_get()
 * @parent: may be gone on return
 */
void iommufd_event_parent_put(struct iommufd_event_parent *parent)
{
	mutex_lock(&event_parents_lock);
	if (!--parent->users) {
		WARN_ON(!xa_empty(&parent->pasids));
		hash_del_rcu(&parent->node);
		kfree_rcu(parent, rcu);
	}
	mutex_unlock(&event_parents_lock);
}

/**
 * iommufd_event_pasid_add() - a PASID of a mediated device is going to be attached
 * @parent: its parent's
 * @ppasid: on the wire
 * @epasid: filled in; listed until iommufd_event_pasid_del()
 *
 * Return: 0; -EBUSY: @ppasid is another's; -ENOMEM.
 */
int iommufd_event_pasid_add(struct iommufd_event_parent *parent, u32 ppasid,
			    struct iommufd_event_pasid *epasid)
{
	return xa_insert(&parent->pasids, ppasid, epasid, GFP_KERNEL_ACCOUNT);
}

/**
 * iommufd_event_pasid_del() - it is detached
 * @parent: its parent's
 * @ppasid: listed. Readers may have found it still
 */
void iommufd_event_pasid_del(struct iommufd_event_parent *parent, u32 ppasid)
{
	WARN_ON(!xa_erase(&parent->pasids, ppasid));
}

/**
 * iommufd_event_pasids_gone() - after the last iommufd_event_pasid_del() of a device
 *
 * On return nobody tells of an event as the device's. May sleep.
 */
void iommufd_event_pasids_gone(void)
{
	synchronize_rcu();
}

/*
 * Of a device that has mediated ones, what has no PASID of theirs is nobody's: a
 * guess would tell one user of another's accesses. Changes the PASID of @event to
 * what user space calls it. Returns the device's id, or 0.
 */
static u32 event_find_mediated(struct iommufd_event_parent *parent,
			       const struct iommufd_ctx *ictx,
			       struct iommufd_event *event)
{
	struct iommufd_event_pasid *epasid;

	if (!(event->flags & IOMMU_HWPT_EVENT_PASID_VALID))
		return 0;
	epasid = xa_load(&parent->pasids, event->pasid);
	if (!epasid || epasid->ictx != ictx)
		return 0;
	event->pasid = epasid->vpasid;
	if (event->pasid == IOMMU_NO_PASID)
		event->flags &= ~IOMMU_HWPT_EVENT_PASID_VALID;
	return epasid->dev_id;
}

static void event_push(struct iommufd_event_ring *ring, u32 dev_id,
		       const struct iommufd_event *event)
{
	const struct iommu_hwpt_event record = {
		.addr = event->addr,
		.dev_id = dev_id,
		.pasid = event->pasid,
		.perm = event->perm,
		.reason = event->reason,
	};
	const size_t head = sizeof(struct iommufd_event_head);
	bool kept;

	kept = iommufd_event_ring_push(ring, event->flags,
				       (const u8 *)&record + head,
				       sizeof(record) - head);
	trace_iommufd_event(dev_id, event->pasid, event->addr, event->reason,
			    !kept);
}

/**
 * iommufd_event_report() - a device's access to a domain failed for good
 * @domain: what it is attached to
 * @dev: the device
 * @event: what happened
 *
 * Told to who listens to @domain, if @dev is bound where @domain belongs. Any
 * context.
 */
void iommufd_event_report(const struct iommu_domain *domain,
			  const struct device *dev,
			  const struct iommufd_event *event)
{
	struct iommufd_event_listener *listener;
	struct iommufd_event_parent *parent;
	struct iommufd_event told = *event;
	u32 dev_id = 0;

	rcu_read_lock();
	listener = event_find_listener(domain);
	if (listener) {
		parent = event_find_parent(dev);
		dev_id = parent ?
			 event_find_mediated(parent, listener->ictx, &told) :
			 event_find_device(dev, listener->ictx);
	}
	if (dev_id)
		event_push(&listener->ring, dev_id, &told);
	rcu_read_unlock();
}

/**
 * iommufd_event_listen() - listen to a domain
 * @listener: to be set up, listed on return
 * @domain: stays as long as the listener
 * @ictx: the context that owns it
 * @depth: events to hold, from 1; rounded up to a power of two
 *
 * May sleep.
 *
 * Return: 0; -EBUSY: somebody listens already; -ENOMEM.
 */
int iommufd_event_listen(struct iommufd_event_listener *listener,
			 const struct iommu_domain *domain,
			 struct iommufd_ctx *ictx, u32 depth)
{
	bool busy;
	int rc;

	rc = iommufd_event_ring_init(&listener->ring, &event_format,
				     sizeof(struct iommu_hwpt_event),
				     roundup_pow_of_two(depth));
	if (rc)
		return rc;
	listener->domain = domain;
	listener->ictx = ictx;

	spin_lock(&event_lock);
	busy = event_find_listener(domain);
	if (!busy)
		hash_add_rcu(event_listeners, &listener->node,
			     (unsigned long)domain);
	spin_unlock(&event_lock);
	if (busy) {
		iommufd_event_ring_exit(&listener->ring);
		return -EBUSY;
	}
	return 0;
}

/**
 * iommufd_event_unlisten() - listen no more
 * @listener: nobody uses it on return
 *
 * May sleep.
 */
void iommufd_event_unlisten(struct iommufd_event_listener *listener)
{
	spin_lock(&event_lock);
	hash_del_rcu(&listener->node);
	spin_unlock(&event_lock);
	synchronize_rcu();
	iommufd_event_ring_exit(&listener->ring);
}
