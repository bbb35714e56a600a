/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page request interface of PCI functions (PCIe 6.0, 10.4 and 10.5.2), for the
 * IOMMU drivers: what is the same whichever unit a function is behind.
 */
#ifndef __IOMMUFD_PCI_PRI_H
#define __IOMMUFD_PCI_PRI_H

#include <linux/mutex.h>
#include <linux/types.h>

struct iommufd_fault_pri_hw;
struct pci_dev;

/**
 * struct iommufd_pci_pri_ops - what only the driver of the unit knows
 * @shared: does another function that uses the interface of this one have page
 *	requests on? Under iommufd_pci_pri::lock
 * @admit: @on: the unit takes page requests of the function from now on; else it
 *	takes none any more. Returns 0, or an errno, which changed nothing; not
 *	looked at if not @on. Under iommufd_pci_pri::lock; may sleep
 * @drain: hand to the fault door what the unit, and the way to it, still hold of
 *	the function's page requests. Without the lock; may sleep
 */
struct iommufd_pci_pri_ops {
	bool (*shared)(void *priv);
	int (*admit)(void *priv, bool on);
	void (*drain)(void *priv);
};

/**
 * struct iommufd_pci_pri - a function, as the driver of its unit tells of it
 * @pdev: the function
 * @lock: guards @on of all functions behind the unit
 * @on: the function's page requests are on: set before the unit has to take them,
 *	unset before it does not. Written with WRITE_ONCE()
 * @max: the most that a physical function is allowed to have outstanding
 * @ops: constant
 * @priv: for @ops
 */
struct iommufd_pci_pri {
	struct pci_dev *pdev;
	struct mutex *lock;	/* see above */
	bool *on;
	u32 max;
	const struct iommufd_pci_pri_ops *ops;
	void *priv;
};

u32 iommufd_pci_pri_allocation(struct pci_dev *pdev, u32 max);
int iommufd_pci_pri_enable(const struct iommufd_pci_pri *pri);
void iommufd_pci_pri_disable(const struct iommufd_pci_pri *pri);
int iommufd_pci_pri_stop(const struct iommufd_pci_pri *pri);
bool iommufd_pci_pri_failed(struct pci_dev *pdev);

#endif
