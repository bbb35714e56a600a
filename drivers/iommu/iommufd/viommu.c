// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers call about vIOMMUs: registering, finding devices by the guest's ids,
 * reporting events.
 *
 * Drivers are found by their iommu_ops in a list that only grows. What hangs off a
 * vIOMMU is read under RCU, so that an event can be reported in any context; who
 * takes something away waits.
 */
#include <linux/rculist.h>

#include "trace.h"
#include "vdevice.h"

static DEFINE_SPINLOCK(driver_lock);
static LIST_HEAD(drivers);

/**
 * iommufd_viommu_driver_register() - a driver's devices can have vIOMMUs
 * @driver: of built-in code; stays for ever
 *
 * Once for each iommu_ops.
 */
void iommufd_viommu_driver_register(struct iommufd_viommu_driver *driver)
{
	if (WARN_ON(iommufd_viommu_find_driver(driver->iommu_ops)))
		return;
	spin_lock(&driver_lock);
	list_add_tail_rcu(&driver->node, &drivers);
	spin_unlock(&driver_lock);
}

/**
 * iommufd_viommu_find_driver() - who makes vIOMMUs for a driver's devices
 * @iommu_ops: of the devices
 *
 * Return: what was registered, or NULL.
 */
const struct iommufd_viommu_driver *
iommufd_viommu_find_driver(const struct iommu_ops *iommu_ops)
{
	const struct iommufd_viommu_driver *driver, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(driver, &drivers, node) {
		if (driver->iommu_ops == iommu_ops) {
			found = driver;
			break;
		}
	}
	rcu_read_unlock();
	/* Nobody is ever taken from the list */
	return found;
}

/**
 * iommufd_viommu_setup() - a vIOMMU without anything
 * @viommu: zero but for its object
 */
void iommufd_viommu_setup(struct iommufd_viommu *viommu)
{
	init_rwsem(&viommu->vdev_lock);
	xa_init_flags(&viommu->vdevs, XA_FLAGS_ACCOUNT);
	hash_init(viommu->by_dev);
	mutex_init(&viommu->veventq_lock);
	INIT_LIST_HEAD(&viommu->veventqs);
}

/**
 * iommufd_viommu_lock_vdevs() - let every vDEVICE stay where it is
 * @viommu: the vIOMMU
 *
 * Any number of threads at once; not twice by one. May sleep.
 */
void iommufd_viommu_lock_vdevs(struct iommufd_viommu *viommu)
{
	down_read(&viommu->vdev_lock);
}

/**
 * iommufd_viommu_unlock_vdevs() - undo iommufd_viommu_lock_vdevs()
 * @viommu: the vIOMMU
 */
void iommufd_viommu_unlock_vdevs(struct iommufd_viommu *viommu)
{
	up_read(&viommu->vdev_lock);
}

static bool vdevs_stay(struct iommufd_viommu *viommu)
{
	return rcu_read_lock_held() || lockdep_is_held(&viommu->vdev_lock);
}

/**
 * iommufd_viommu_find_dev() - which device the guest means
 * @viommu: whose guest
 * @virt_id: what it says
 *
 * Under iommufd_viommu_lock_vdevs() or rcu_read_lock(); the device stays, and
 * stays bound, until then.
 *
 * Return: the device, or NULL: the guest knows none by this id.
 */
struct device *iommufd_viommu_find_dev(struct iommufd_viommu *viommu,
				       u64 virt_id)
{
	struct iommufd_vdevice *vdev = NULL;

	RCU_LOCKDEP_WARN(!vdevs_stay(viommu), "a device found may go");

	if (virt_id <= ULONG_MAX)
		vdev = xa_load(&viommu->vdevs, virt_id);
	return vdev ? vdev->dev : NULL;
}

/**
 * iommufd_viommu_get_vdev_id() - how the guest calls a device
 * @viommu: whose guest
 * @dev: any device
 * @virt_id: set on success
 *
 * Under iommufd_viommu_lock_vdevs() or rcu_read_lock().
 *
 * Return: 0; -ENOENT: the guest does not know it.
 */
int iommufd_viommu_get_vdev_id(struct iommufd_viommu *viommu,
			       const struct device *dev, u64 *virt_id)
{
	struct iommufd_vdevice *vdev;

	RCU_LOCKDEP_WARN(!vdevs_stay(viommu), "a device found may go");

	hash_for_each_possible_rcu(viommu->by_dev, vdev, node,
				   (unsigned long)dev,
				   lockdep_is_held(&viommu->vdev_lock)) {
		if (vdev->dev != dev)
			continue;
		*virt_id = vdev->virt_id;
		return 0;
	}
	return -ENOENT;
}

/**
 * iommufd_viommu_report_event() - something happened that the guest should hear of
 * @viommu: whose guest; the caller keeps it, as a nested domain of it does
 * @type: of the event, one that &iommufd_viommu_ops.event_len knows
 * @data: the event, in the structure that the user ABI has for @type
 * @len: bytes of it, as event_len says
 *
 * An event that finds the queue full is lost, which the reader is told. Any
 * context; never waits, never allocates.
 *
 * Return: 0, lost or not; -EOPNOTSUPP: no queue of this type is there; -EINVAL:
 * @len is wrong.
 */
int iommufd_viommu_report_event(struct iommufd_viommu *viommu, u32 type,
				const void *data, size_t len)
{
	struct iommufd_viommu_queue *queue;
	int rc = -EOPNOTSUPP;
	bool kept;

	rcu_read_lock();
	list_for_each_entry_rcu(queue, &viommu->veventqs, item) {
		if (queue->type != type)
			continue;
		rc = WARN_ON_ONCE(len != queue->len) ? -EINVAL : 0;
		if (rc)
			break;
		kept = iommufd_event_ring_push(&queue->ring, 0, data, len);
		trace_viommu_event(viommu->obj.id, queue->id, type, !kept);
		break;
	}
	rcu_read_unlock();
	return rc;
}

/**
 * iommufd_viommu_add_queue() - events of a type have a place to go
 * @viommu: whose events
 * @queue: complete but for the item
 *
 * Return: 0; -EEXIST: there is a queue of this type.
 */
int iommufd_viommu_add_queue(struct iommufd_viommu *viommu,
			     struct iommufd_viommu_queue *queue)
{
	struct iommufd_viommu_queue *other;

	guard(mutex)(&viommu->veventq_lock);
	list_for_each_entry(other, &viommu->veventqs, item)
		if (other->type == queue->type)
			return -EEXIST;
	list_add_tail_rcu(&queue->item, &viommu->veventqs);
	return 0;
}

/**
 * iommufd_viommu_del_queue() - undo iommufd_viommu_add_queue()
 * @viommu: whose events
 * @queue: nobody uses it on return
 *
 * May sleep.
 */
void iommufd_viommu_del_queue(struct iommufd_viommu *viommu,
			      struct iommufd_viommu_queue *queue)
{
	mutex_lock(&viommu->veventq_lock);
	list_del_rcu(&queue->item);
	mutex_unlock(&viommu->veventq_lock);
	synchronize_rcu();
}
