// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: from a backend to the ring of who listens.
 *
 * Rings and devices are found under RCU by address, in tables of all contexts: a
 * backend knows no more than the domain and the device, and has no time.
 */
#include <linux/hashtable.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../trace.h"
#include "event.h"

static DEFINE_SPINLOCK(event_lock);
static DEFINE_HASHTABLE(event_rings, 8);
static DEFINE_HASHTABLE(event_devices, 8);

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

static struct iommufd_event_ring *
event_find_ring(const struct iommu_domain *domain)
{
	struct iommufd_event_ring *ring;

	hash_for_each_possible_rcu(event_rings, ring, node,
				   (unsigned long)domain)
		if (ring->domain == domain)
			return ring;
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

static void event_push(struct iommufd_event_ring *ring, u32 dev_id,
		       const struct iommufd_event *event)
{
	unsigned long flags;
	bool lost;

	spin_lock_irqsave(&ring->lock, flags);
	ring->sequence++;
	lost = ring->tail - ring->head == ring->depth;
	if (lost) {
		ring->lost = true;
		ring->lost_total++;
	} else {
		ring->records[ring->tail++ & (ring->depth - 1)] =
			(struct iommu_hwpt_event){
				.flags = event->flags |
					 (ring->lost ? IOMMU_HWPT_EVENT_LOST : 0),
				.sequence = ring->sequence,
				.addr = event->addr,
				.dev_id = dev_id,
				.pasid = event->pasid,
				.perm = event->perm,
				.reason = event->reason,
			};
		ring->lost = false;
	}
	spin_unlock_irqrestore(&ring->lock, flags);

	trace_iommufd_event(dev_id, event->pasid, event->addr, event->reason,
			    lost);
	wake_up_interruptible_poll(&ring->wait, EPOLLIN | EPOLLRDNORM);
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
	struct iommufd_event_ring *ring;
	u32 dev_id;

	rcu_read_lock();
	ring = event_find_ring(domain);
	dev_id = ring ? event_find_device(dev, ring->ictx) : 0;
	if (dev_id)
		event_push(ring, dev_id, event);
	rcu_read_unlock();
}

/**
 * iommufd_event_ring_init() - listen to a domain
 * @ring: to be set up, listed on return
 * @domain: stays as long as the ring
 * @ictx: the context that owns it
 * @depth: events to hold, from 1; rounded up to a power of two
 *
 * May sleep.
 *
 * Return: 0; -EBUSY: somebody listens already; -ENOMEM.
 */
int iommufd_event_ring_init(struct iommufd_event_ring *ring,
			    const struct iommu_domain *domain,
			    struct iommufd_ctx *ictx, u32 depth)
{
	bool busy;

	ring->domain = domain;
	ring->ictx = ictx;
	ring->depth = roundup_pow_of_two(depth);
	init_waitqueue_head(&ring->wait);
	spin_lock_init(&ring->lock);
	ring->records = kvcalloc(ring->depth, sizeof(*ring->records),
				 GFP_KERNEL_ACCOUNT);
	if (!ring->records)
		return -ENOMEM;

	spin_lock(&event_lock);
	busy = event_find_ring(domain);
	if (!busy)
		hash_add_rcu(event_rings, &ring->node, (unsigned long)domain);
	spin_unlock(&event_lock);
	if (busy) {
		kvfree(ring->records);
		return -EBUSY;
	}
	return 0;
}

/**
 * iommufd_event_ring_exit() - listen no more
 * @ring: nobody uses it on return
 *
 * May sleep.
 */
void iommufd_event_ring_exit(struct iommufd_event_ring *ring)
{
	spin_lock(&event_lock);
	hash_del_rcu(&ring->node);
	spin_unlock(&event_lock);
	synchronize_rcu();
	kvfree(ring->records);
}

/**
 * iommufd_event_ring_readable() - is there something to take?
 * @ring: the ring
 *
 * Return: true for a record, or for a loss with no record behind it.
 */
bool iommufd_event_ring_readable(struct iommufd_event_ring *ring)
{
	return READ_ONCE(ring->head) != READ_ONCE(ring->tail) ||
	       READ_ONCE(ring->lost);
}

/**
 * iommufd_event_ring_peek() - look at the oldest records
 * @ring: the ring
 * @records: room for @num
 * @num: at most so many
 *
 * A loss that no event has followed yet is a record of its own, without data. They
 * stay until iommufd_event_ring_drop(): what comes meanwhile changes none of them,
 * but who peeks and drops must be alone at it.
 *
 * Return: how many.
 */
unsigned int iommufd_event_ring_peek(struct iommufd_event_ring *ring,
				     struct iommu_hwpt_event *records,
				     unsigned int num)
{
	unsigned int done = 0;
	u32 at;

	spin_lock_irq(&ring->lock);
	for (at = ring->head; done < num && at != ring->tail; at++)
		records[done++] = ring->records[at & (ring->depth - 1)];
	if (done < num && ring->lost)
		records[done++] = (struct iommu_hwpt_event){
			.flags = IOMMU_HWPT_EVENT_LOST | IOMMU_HWPT_EVENT_EMPTY,
			.sequence = ring->sequence,
		};
	spin_unlock_irq(&ring->lock);
	return done;
}

/* Up to event @sequence it is known that they were lost. */
static void event_told_lost(struct iommufd_event_ring *ring, u32 sequence)
{
	struct iommu_hwpt_event *next =
		&ring->records[ring->head & (ring->depth - 1)];

	if (ring->sequence == sequence)
		ring->lost = false;
	else if (ring->head != ring->tail && next->sequence == sequence + 1)
		next->flags &= ~IOMMU_HWPT_EVENT_LOST;
}

/**
 * iommufd_event_ring_drop() - records have been read
 * @ring: the ring
 * @records: as peeked
 * @num: how many of them
 */
void iommufd_event_ring_drop(struct iommufd_event_ring *ring,
			     const struct iommu_hwpt_event *records,
			     unsigned int num)
{
	unsigned int i;

	spin_lock_irq(&ring->lock);
	for (i = 0; i < num; i++) {
		if (!(records[i].flags & IOMMU_HWPT_EVENT_EMPTY))
			ring->head++;
		else
			event_told_lost(ring, records[i].sequence);
	}
	spin_unlock_irq(&ring->lock);
}
