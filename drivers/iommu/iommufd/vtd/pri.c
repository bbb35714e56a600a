// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of functions behind a unit: what pci_pri.c has to know of it, which is
 * the bit of a context entry that lets them in (VT-d specification 9.4).
 *
 * A request that is not let in the unit answers by itself with a failure, which ends the
 * page requests of all functions that share the interface (PCIe 6.0, 10.4.2). And while
 * one of these has them on, so they are for the others: what a virtual function sends is
 * not in our hands. So all are let in while one has them on, and the queue's pass
 * refuses, without a failure, what is sent by one that has not (prq.c).
 *
 * Locks: vtd_unit::lock, then vtd_prq::lock.
 */
#include <linux/pci-ats.h>

#include "../pci_pri.h"
#include "device.h"
#include "prq.h"
#include "tables.h"

/*
 * The most that one physical function is allowed to have outstanding. The queue
 * holds requests only until they are handed to the door, not until they are
 * answered; several functions that fill it at once make it overflow, which costs
 * them a retry and nothing else.
 */
#define PRI_ALLOCATION_MAX	VTD_PRQ_ENTRIES

/**
 * vtd_pri_allocation() - page requests a function may have outstanding
 * @pdev: a physical or virtual function
 *
 * Return: 1 to VTD_PRQ_ENTRIES, for the physical function and all its virtual
 * ones together; 0 if they cannot send page requests.
 */
u32 vtd_pri_allocation(struct pci_dev *pdev)
{
	return iommufd_pci_pri_allocation(pdev, PRI_ALLOCATION_MAX);
}

static bool pri_shared(void *priv)
{
	struct vtd_device *device = priv;
	struct vtd_device *other;
	unsigned long rid;

	lockdep_assert_held(&device->unit->lock);
	xa_for_each(&device->unit->devices, rid, other)
		if (other != device && other->pri &&
		    other->pfsid == device->pfsid)
			return true;
	return false;
}

/* The context entries of all that share the interface follow, ours first. */
static int pri_let_in(struct vtd_device *device)
{
	bool on = device->pri || pri_shared(device);
	struct vtd_device *other;
	unsigned long rid;
	int rc;

	device->pri_kin = on;
	rc = vtd_context_update(device);
	xa_for_each(&device->unit->devices, rid, other) {
		if (other->pfsid != device->pfsid || other->pri_kin == on ||
		    vtd_device_rid(other) != rid)
			continue;
		other->pri_kin = on;
		/* A unit that refuses that owes it (owed.c) */
		vtd_context_update(other);
	}
	return rc;
}

static int pri_admit(void *priv, bool on)
{
	struct vtd_device *device = priv;
	int rc;

	if (on && !device->ats)
		return -EOPNOTSUPP;
	rc = pri_let_in(device);
	if (!on || !rc)
		vtd_prq_open(device, on);
	return rc;
}

/**
 * vtd_pri_join() - a function comes that may share an interface which is on
 * @device: among those of its unit, without context entries; its unit's lock is held
 */
void vtd_pri_join(struct vtd_device *device)
{
	device->pri_kin = pri_shared(device);
}

static void pri_drain(void *priv)
{
	vtd_prq_drain(priv, IOMMU_NO_PASID);
}

static const struct iommufd_pci_pri_ops pri_ops = {
	.shared = pri_shared,
	.admit = pri_admit,
	.drain = pri_drain,
};

static struct iommufd_pci_pri pri_of(struct vtd_device *device)
{
	return (struct iommufd_pci_pri){
		.pdev = device->pdev,
		.lock = &device->unit->lock,
		.on = &device->pri,
		.max = PRI_ALLOCATION_MAX,
		.ops = &pri_ops,
		.priv = device,
	};
}

/**
 * vtd_pri_enable() - let a device send page requests
 * @device: the device
 *
 * May sleep; takes vtd_unit::lock.
 *
 * Return: as iommufd_pci_pri_enable(); -EOPNOTSUPP also if the function has no ATS,
 * or the unit no queue; what changing the context entry returns. Page requests are
 * off then.
 */
int vtd_pri_enable(struct vtd_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	if (!device->unit->prq)
		return -EOPNOTSUPP;
	return iommufd_pci_pri_enable(&pri);
}

/**
 * vtd_pri_disable() - a device sends no more page requests
 * @device: the device
 *
 * May sleep; takes vtd_unit::lock.
 */
void vtd_pri_disable(struct vtd_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	iommufd_pci_pri_disable(&pri);
}

/**
 * vtd_pri_query() - describe the page request interface of a device
 * @device: the device, with a source
 * @hw: capacity is filled in already
 *
 * May sleep.
 */
void vtd_pri_query(struct vtd_device *device, struct iommufd_fault_pri_hw *hw)
{
	hw->resp_pasid = device->prg_pasid;
	hw->failed = iommufd_pci_pri_failed(device->pdev);
}

/**
 * vtd_pri_stop() - stop a device's page requests and reset its interface
 * @device: the device, with a source; the fault door refuses its requests
 *
 * May sleep; takes vtd_unit::lock.
 *
 * Return: as iommufd_pci_pri_stop().
 */
int vtd_pri_stop(struct vtd_device *device)
{
	struct iommufd_pci_pri pri = pri_of(device);

	return iommufd_pci_pri_stop(&pri);
}
