/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI host bridge in software, with a domain of its own above 0xffff, and
 * functions on it: configuration space in memory, with PASID, ATS and PRI, so
 * that the kernel's PCI code and vfio-pci take them for what they are. A function
 * does DMA when it is told to, through a struct model_port.
 *
 * Knows no vendor of IOMMUs, and no driver.
 */
#ifndef __IOMMUFD_MODEL_PCI_H
#define __IOMMUFD_MODEL_PCI_H

#include "port.h"

struct model_bridge;
struct model_pci_function;
struct pci_bus;
struct pci_dev;

/* Capabilities a function is made with */
#define MODEL_PCI_PASID		BIT(0)
#define MODEL_PCI_ATS		BIT(1)
#define MODEL_PCI_PRI		BIT(2)
/* PASID: execute and privileged mode are supported */
#define MODEL_PCI_PASID_EXEC	BIT(3)
#define MODEL_PCI_PASID_PRIV	BIT(4)
/* PRI: responses carry the PASID (PRG Response PASID Required) */
#define MODEL_PCI_PRG_PASID	BIT(5)

/**
 * struct model_pci_config - a function to make
 * @devfn: where; 0 to 255
 * @flags: MODEL_PCI_*
 * @pasid_bits: width of its PASIDs, 1 to 20
 * @pri_capacity: outstanding page requests it can have
 * @num_vfs: virtual functions it can have, 0 to 7 (SR-IOV)
 */
struct model_pci_config {
	u8 devfn;
	u32 flags;
	u8 pasid_bits;
	u32 pri_capacity;
	u8 num_vfs;
};

/*
 * Make a bridge whose functions' requests go to @port. The root bus is there on
 * return, and empty. May sleep. ERR_PTR on failure.
 */
struct model_bridge *model_bridge_create(struct model_port *port);
void model_bridge_destroy(struct model_bridge *bridge);
struct pci_bus *model_bridge_bus(struct model_bridge *bridge);

/* Plug in and out; the kernel probes or removes the device before they return. */
struct pci_dev *model_pci_plug(struct model_bridge *bridge,
			       const struct model_pci_config *config);
/* @surprise: it stops answering first, as if it were pulled. */
void model_pci_unplug(struct model_bridge *bridge, struct pci_dev *pdev,
		      bool surprise);

#endif
