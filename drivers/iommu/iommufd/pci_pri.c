// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request interface of PCI functions (PCIe 6.0, 10.4 and 10.5.2): switching
 * it on and off, and starting it anew. It belongs to the physical function and serves
 * its virtual ones: it is on while any of them wants it.
 *
 * The caller sees to it that the functions here are called one at a time for a
 * function; for functions that share an interface they may be called at once. Lock:
 * that of the unit, iommufd_pci_pri::lock.
 *
 * That an interface is on is noted in a bit-field of the physical function (pri_enabled),
 * where its driver notes other things without a lock (state_saved). Of a virtual function
 * we write there beside that driver. The device lock of the physical function would not
 * help: it is held while its virtual functions are taken away, which waits for us. So it
 * is written only when it changes.
 */
#include <linux/delay.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

#include "pci_pri.h"

/* Milliseconds a function has to stop sending page requests. */
#define PRI_STOP_MSECS		1000

/* How often it is tried while others turn the interface they share on and off. */
#define PRI_ENABLE_TRIES	4

/**
 * iommufd_pci_pri_allocation() - page requests a function may have outstanding
 * @pdev: a physical or virtual function
 * @max: the most we allow
 *
 * Return: 1 to @max, for the physical function and all its virtual ones together; 0
 * if they cannot send page requests.
 */
u32 iommufd_pci_pri_allocation(struct pci_dev *pdev, u32 max)
{
	struct pci_dev *pf = pci_physfn(pdev);
	u32 capacity;

	if (!pci_pri_supported(pf))
		return 0;
	if (pci_read_config_dword(pf, pf->pri_cap + PCI_PRI_MAX_REQ, &capacity))
		return 0;
	return min(capacity, max);
}

/*
 * Once it was disabled, a function stops when the requests that it had sent are
 * answered (PCIe 6.0, 10.5.2.3, Stopped): not at once, but soon. Who shares it may see
 * that first, and turn it on: then it had stopped, and does not say so any more.
 */
static int wait_stopped(struct pci_dev *pf)
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
		if (status & PCI_PRI_STATUS_STOPPED || pf->pri_enabled)
			return 0;
		usleep_range(1000, 2000);
	}
	return -EBUSY;
}

/*
 * What had stopped it is in the status until software clears it or turns the interface on
 * (10.5.2.3): it is not known here whether anybody will.
 */
static int reset_interface(struct pci_dev *pf)
{
	int rc = pci_reset_pri(pf);

	if (rc)
		return rc;
	rc = pci_write_config_word(pf, pf->pri_cap + PCI_PRI_STATUS,
				   PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
	return pcibios_err_to_errno(rc);
}

static int reset_function(const struct iommufd_pci_pri *pri)
{
	struct pci_dev *pf = pci_physfn(pri->pdev);
	int rc = 0;

	mutex_lock(pri->lock);
	if (!pf->pri_enabled)
		rc = reset_interface(pf);
	mutex_unlock(pri->lock);
	return rc;
}

/*
 * After a response failure, or when requests were lost on the way to those who answer,
 * a function waits for ever for answers, and a reset is the way out.
 */
static int make_stopped(const struct iommufd_pci_pri *pri)
{
	struct pci_dev *pf = pci_physfn(pri->pdev);
	int rc;

	if (pf->pri_enabled)
		return 0;
	rc = wait_stopped(pf);
	if (rc != -EBUSY)
		return rc;
	return reset_function(pri) ?: wait_stopped(pf);
}

static int enable_function(struct pci_dev *pf, u32 allocation)
{
	int rc;

	if (pf->pri_enabled)
		return 0;
	rc = reset_interface(pf);
	if (rc)
		return rc;
	/* -EBUSY if it is still stopping */
	return pci_enable_pri(pf, allocation);
}

static int admit(const struct iommufd_pci_pri *pri, bool on)
{
	lockdep_assert_held(pri->lock);
	WRITE_ONCE(*pri->on, on);
	return pri->ops->admit(pri->priv, on);
}

static int enable_admitted(const struct iommufd_pci_pri *pri, u32 allocation)
{
	int rc = 0;

	mutex_lock(pri->lock);
	if (*pri->on)
		goto out_unlock;
	rc = admit(pri, true);
	if (!rc)
		rc = enable_function(pci_physfn(pri->pdev), allocation);
	if (rc)
		admit(pri, false);
out_unlock:
	mutex_unlock(pri->lock);
	return rc;
}

/**
 * iommufd_pci_pri_enable() - let a function send page requests
 * @pri: the function
 *
 * First the unit takes them, then the function sends them. May sleep; takes
 * iommufd_pci_pri::lock.
 *
 * Return: 0, also if they are on already; -EOPNOTSUPP: the function has no page
 * request interface; -EBUSY: it does not stop, after a second of waiting and another
 * after a reset, or those that share the interface turn it on and off all the time;
 * -ENODEV: it has gone; what the unit's driver says. Page requests are off then.
 */
int iommufd_pci_pri_enable(const struct iommufd_pci_pri *pri)
{
	u32 allocation = iommufd_pci_pri_allocation(pri->pdev, pri->max);
	unsigned int tries = PRI_ENABLE_TRIES;
	int rc;

	if (!allocation)
		return -EOPNOTSUPP;
	do {
		/* Without the lock: it takes as long as the function likes */
		rc = make_stopped(pri);
		if (rc)
			return rc;
		/* -EBUSY: the last that shares it has turned it off since */
		rc = enable_admitted(pri, allocation);
	} while (rc == -EBUSY && --tries);
	return rc;
}

/**
 * iommufd_pci_pri_disable() - a function sends no more page requests
 * @pri: the function
 *
 * The function stops sending, unless another one shares its interface; what is
 * on its way is handed to the door, which refuses it; then the unit takes no
 * more. May sleep; takes iommufd_pci_pri::lock.
 */
void iommufd_pci_pri_disable(const struct iommufd_pci_pri *pri)
{
	struct pci_dev *pf = pci_physfn(pri->pdev);

	mutex_lock(pri->lock);
	if (!*pri->on) {
		mutex_unlock(pri->lock);
		return;
	}
	/* At once, so that of two that go together the second one sees it. */
	WRITE_ONCE(*pri->on, false);
	if (!pri->ops->shared(pri->priv) && pf->pri_enabled)
		pci_disable_pri(pf);
	mutex_unlock(pri->lock);

	pri->ops->drain(pri->priv);

	/* A device that does not answer invalidations sends no requests either. */
	mutex_lock(pri->lock);
	admit(pri, false);
	mutex_unlock(pri->lock);
}

/**
 * iommufd_pci_pri_stop() - stop a function's page requests, reset its interface
 * @pri: the function; the fault door refuses its requests
 *
 * Other functions may turn the shared interface on meanwhile. They reset it first,
 * so that need not be done again; and this one's requests do not get in, as the unit
 * takes none before the last drain. May sleep; takes iommufd_pci_pri::lock.
 *
 * Return: 0: iommufd_pci_pri_enable() begins anew; -EBUSY: other functions use the
 * interface too, nothing was changed; -ENODEV: the function has gone; what
 * resetting returns. Page requests are off but for -EBUSY.
 */
int iommufd_pci_pri_stop(const struct iommufd_pci_pri *pri)
{
	struct pci_dev *pf = pci_physfn(pri->pdev);
	int rc;

	mutex_lock(pri->lock);
	if (pri->ops->shared(pri->priv)) {
		mutex_unlock(pri->lock);
		return -EBUSY;
	}
	WRITE_ONCE(*pri->on, false);
	if (pf->pri_enabled)
		pci_disable_pri(pf);
	mutex_unlock(pri->lock);

	/* After a failure response it may never say so, and a reset is the way out */
	rc = wait_stopped(pf);
	if (rc == -EBUSY)
		rc = 0;

	/* What it sent is let in first: the unit would answer it with a failure */
	pri->ops->drain(pri->priv);
	mutex_lock(pri->lock);
	admit(pri, false);
	mutex_unlock(pri->lock);
	pri->ops->drain(pri->priv);

	mutex_lock(pri->lock);
	if (!rc && !pf->pri_enabled)
		rc = reset_interface(pf);
	mutex_unlock(pri->lock);
	return rc;
}

/**
 * iommufd_pci_pri_failed() - has a failure stopped a function
 * @pdev: a physical or virtual function that can send page requests
 *
 * May sleep.
 *
 * Return: whether the interface says so (10.5.2.3: Response Failure).
 */
bool iommufd_pci_pri_failed(struct pci_dev *pdev)
{
	struct pci_dev *pf = pci_physfn(pdev);
	u16 status;

	return !pci_read_config_word(pf, pf->pri_cap + PCI_PRI_STATUS,
				     &status) &&
	       !PCI_POSSIBLE_ERROR(status) && (status & PCI_PRI_STATUS_RF);
}
