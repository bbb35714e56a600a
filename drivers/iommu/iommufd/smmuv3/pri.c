// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of PCI functions behind a unit: what pci_pri.c has to know of it.
 *
 * A stream table entry has no switch for page requests: what a function with ATS
 * sends is recorded. So it is the queue's pass that takes them or refuses them
 * (priq.c), by smmuv3_device::pri_open.
 *
 * Locks: smmuv3_unit::lock, then smmuv3_priq::lock.
 */
#include "../pci_pri.h"
#include "faults_internal.h"

/*
 * The most that one physical function is allowed to have outstanding. The queue
 * holds requests only until they are handed to the door, not until they are
 * answered; several functions that fill it at once make it overflow, which costs
 * them a retry and nothing else.
 */
static u32 allocation_max(const struct smmuv3_unit *unit)
{
	return unit->priq ? BIT(unit->priq->ring.log2) : 0;
}

static bool pri_shared(void *priv)
{
	struct smmuv3_device *device = priv;
	struct smmuv3_stream *stream;
	unsigned long sid;

	lockdep_assert_held(&device->unit->lock);
	xa_for_each(&device->unit->streams, sid, stream) {
		struct smmuv3_device *other = stream->device;

		/* Of a device that stalls it is set as well, and that is no function */
		if (other != device && other->pri && other->pdev &&
		    pci_physfn(other->pdev) == pci_physfn(device->pdev))
			return true;
	}
	return false;
}

/*
 * No pass is half through afterwards. What has begun is forgotten when nothing is
 * taken any more: the ends of such groups would be refused here.
 */
static int pri_admit(void *priv, bool on)
{
	struct smmuv3_device *device = priv;
	struct smmuv3_priq *priq = device->unit->priq;

	/* It comes on with the first table that it is used with. */
	if (on && (!device->can_ats || READ_ONCE(device->suspect)))
		return -EOPNOTSUPP;
	mutex_lock(&priq->lock);
	device->pri_open = on;
	if (!on && device->source)
		iommufd_fault_source_discard_partial(device->source);
	mutex_unlock(&priq->lock);
	return 0;
}

static void pri_drain(void *priv)
{
	smmuv3_priq_drain(priv, IOMMU_NO_PASID);
}

static const struct iommufd_pci_pri_ops pri_ops = {
	.shared = pri_shared,
	.admit = pri_admit,
	.drain = pri_drain,
};

static struct iommufd_pci_pri pri_of(struct smmuv3_device *device)
{
	return (struct iommufd_pci_pri){
		.pdev = device->pdev,
		.lock = &device->unit->lock,
		.on = &device->pri,
		.max = allocation_max(device->unit),
		.ops = &pri_ops,
		.priv = device,
	};
}

/**
 * smmuv3_pri_allocation() - page requests a function may have outstanding
 * @device: a PCI function
 *
 * Return: 1 to the slots of the unit's queue, for the physical function and all its
 * virtual ones together; 0 if they cannot send page requests, or the unit takes none.
 */
u32 smmuv3_pri_allocation(struct smmuv3_device *device)
{
	return iommufd_pci_pri_allocation(device->pdev,
					  allocation_max(device->unit));
}

/**
 * smmuv3_pri_enable() - let a function send page requests
 * @device: the function
 *
 * Return: as iommufd_pci_pri_enable(); -EOPNOTSUPP also if the function has no ATS,
 * or the unit no queue.
 */
int smmuv3_pri_enable(struct smmuv3_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	return iommufd_pci_pri_enable(&pri);
}

/**
 * smmuv3_pri_disable() - a function sends no more page requests
 * @device: the function
 */
void smmuv3_pri_disable(struct smmuv3_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	iommufd_pci_pri_disable(&pri);
}

/**
 * smmuv3_pri_query() - describe the page request interface of a function
 * @device: the function, with a source
 * @hw: capacity is filled in already
 */
void smmuv3_pri_query(struct smmuv3_device *device,
		      struct iommufd_fault_pri_hw *hw)
{
	hw->resp_pasid = device->prg_pasid;
	hw->failed = iommufd_pci_pri_failed(device->pdev);
}

/**
 * smmuv3_pri_stop() - stop a function's page requests, reset its interface
 * @device: the function, with a source; the fault door refuses its requests
 *
 * Return: as iommufd_pci_pri_stop().
 */
int smmuv3_pri_stop(struct smmuv3_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	return iommufd_pci_pri_stop(&pri);
}
