// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request interface of a function (PCIe 6.0, 10.4 and 10.5.2), and the
 * bit of its context entry that lets its requests in (VT-d specification 9.4).
 */
#include <linux/delay.h>
#include <linux/pci-ats.h>

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

/* Milliseconds a function has to stop sending page requests. */
#define PRI_STOP_MSECS		1000

/**
 * vtd_pri_allocation() - page requests a function may have outstanding
 * @pdev: a physical or virtual function
 *
 * Return: 1 to VTD_PRQ_ENTRIES, for the physical function and all its virtual
 * ones together; 0 if they cannot send page requests.
 */
u32 vtd_pri_allocation(struct pci_dev *pdev)
{
	struct pci_dev *pf = pci_physfn(pdev);
	u32 capacity;

	if (!pci_pri_supported(pf))
		return 0;
	if (pci_read_config_dword(pf, pf->pri_cap + PCI_PRI_MAX_REQ, &capacity))
		return 0;
	return min(capacity, PRI_ALLOCATION_MAX);
}

/* Does another function need the interface that @device uses? */
static bool pri_shared(const struct vtd_device *device)
{
	struct vtd_device *other;
	unsigned long rid;

	lockdep_assert_held(&device->unit->lock);
	xa_for_each(&device->unit->devices, rid, other)
		if (other != device && other->pri &&
		    other->pfsid == device->pfsid)
			return true;
	return false;
}

static int pri_set_context(struct vtd_device *device, bool on)
{
	WRITE_ONCE(device->pri, on);
	return vtd_context_update(device);
}

/*
 * Once it was disabled, a function stops when the requests that it had sent are
 * answered (PCIe 6.0, 10.5.2.3, Stopped): not at once, but soon.
 */
static int pri_wait_stopped(struct pci_dev *pf)
{
	unsigned int tries;
	u16 status;

	for (tries = 0; tries < PRI_STOP_MSECS; tries++) {
		if (pci_read_config_word(pf, pf->pri_cap + PCI_PRI_STATUS,
					 &status))
			return -EIO;
		/* All ones: it has gone */
		if (PCI_POSSIBLE_ERROR(status))
			return -ENODEV;
		if (status & PCI_PRI_STATUS_STOPPED)
			return 0;
		usleep_range(1000, 2000);
	}
	return -EBUSY;
}

static int pri_enable_function(struct pci_dev *pf, u32 allocation)
{
	int rc;

	if (pf->pri_enabled)
		return 0;
	rc = pci_reset_pri(pf);
	if (rc)
		return rc;
	/* -EBUSY if it is still stopping */
	return pci_enable_pri(pf, allocation);
}

/**
 * vtd_pri_enable() - let a device send page requests
 * @device: the device
 *
 * First the unit takes them, then the function sends them. May sleep; takes
 * vtd_unit::lock.
 *
 * Return: 0, also if they are on already; -EOPNOTSUPP: the function has no page
 * request interface, or no ATS, or the unit has no queue; -EBUSY: the function
 * still has requests of the time before it was disabled, after a second of waiting;
 * -ENODEV: it has gone; what changing the context entry returns. Page requests are off then.
 */
int vtd_pri_enable(struct vtd_device *device)
{
	struct pci_dev *pf = pci_physfn(device->pdev);
	struct vtd_unit *unit = device->unit;
	u32 allocation;
	int rc = 0;

	if (!unit->prq)
		return -EOPNOTSUPP;
	allocation = vtd_pri_allocation(device->pdev);
	if (!allocation)
		return -EOPNOTSUPP;
	/* Without the lock: it takes as long as the function likes */
	if (!pf->pri_enabled)
		rc = pri_wait_stopped(pf);
	if (rc)
		return rc;

	mutex_lock(&unit->lock);
	if (!device->ats) {
		rc = -EOPNOTSUPP;
		goto out_unlock;
	}
	if (device->pri)
		goto out_unlock;
	rc = pri_set_context(device, true);
	if (!rc)
		rc = pri_enable_function(pf, allocation);
	if (rc)
		pri_set_context(device, false);
out_unlock:
	mutex_unlock(&unit->lock);
	return rc;
}

/**
 * vtd_pri_disable() - a device sends no more page requests
 * @device: the device
 *
 * The function stops sending, unless another one shares its interface; what is
 * on its way is handed to the door, which refuses it; then the unit takes no
 * more. May sleep; takes vtd_unit::lock.
 */
void vtd_pri_disable(struct vtd_device *device)
{
	struct pci_dev *pf = pci_physfn(device->pdev);
	struct vtd_unit *unit = device->unit;

	mutex_lock(&unit->lock);
	if (!device->pri) {
		mutex_unlock(&unit->lock);
		return;
	}
	/* At once, so that of two that go together the second one sees it. */
	WRITE_ONCE(device->pri, false);
	if (!pri_shared(device) && pf->pri_enabled)
		pci_disable_pri(pf);
	mutex_unlock(&unit->lock);

	vtd_prq_drain(device, IOMMU_NO_PASID);

	/* A device that does not answer invalidations sends no requests either. */
	mutex_lock(&unit->lock);
	vtd_context_update(device);
	mutex_unlock(&unit->lock);
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
	struct pci_dev *pf = pci_physfn(device->pdev);
	u16 status;

	hw->resp_pasid = device->prg_pasid;
	hw->failed = !pci_read_config_word(pf, pf->pri_cap + PCI_PRI_STATUS,
					   &status) &&
		     !PCI_POSSIBLE_ERROR(status) &&
		     (status & PCI_PRI_STATUS_RF);
}

/**
 * vtd_pri_stop() - stop a device's page requests and reset its interface
 * @device: the device, with a source; the fault door refuses its requests
 *
 * Other functions may turn the shared interface on meanwhile. They reset it first,
 * so that need not be done again; and this one's requests do not get in, as its
 * context entry refuses them before the last drain. May sleep; takes
 * vtd_unit::lock.
 *
 * Return: 0: vtd_pri_enable() begins anew; -EBUSY: other functions use the
 * interface too, nothing was changed; -ENODEV: the function has gone; what
 * resetting returns. Page requests are off but for -EBUSY.
 */
int vtd_pri_stop(struct vtd_device *device)
{
	struct pci_dev *pf = pci_physfn(device->pdev);
	struct vtd_unit *unit = device->unit;
	int rc;

	mutex_lock(&unit->lock);
	if (pri_shared(device)) {
		mutex_unlock(&unit->lock);
		return -EBUSY;
	}
	WRITE_ONCE(device->pri, false);
	if (pf->pri_enabled)
		pci_disable_pri(pf);
	mutex_unlock(&unit->lock);

	/* After a failure response it may never say so, and a reset is the way out */
	rc = pri_wait_stopped(pf);
	if (rc == -EBUSY)
		rc = 0;

	/* What it sent is let in first: the unit would answer it with a failure */
	vtd_prq_drain(device, IOMMU_NO_PASID);
	mutex_lock(&unit->lock);
	vtd_context_update(device);
	mutex_unlock(&unit->lock);
	vtd_prq_drain(device, IOMMU_NO_PASID);

	mutex_lock(&unit->lock);
	if (!rc && !pf->pri_enabled)
		rc = pci_reset_pri(pf);
	mutex_unlock(&unit->lock);
	return rc;
}
