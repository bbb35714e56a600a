/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VT-d model with the driver and PCI functions on it, and what a test does with
 * them: domains, DMA. Nothing here fails a test by itself; the caller judges.
 */
#ifndef __IOMMUFD_VTD_RIG_H
#define __IOMMUFD_VTD_RIG_H

#include "vtd_model_door.h"
#include "../vtd/domain.h"

/* Functions there can be, at devfn 0x08, 0x10 and so on: each is a single one */
#define VTD_RIG_FUNCTIONS	4
#define VTD_RIG_DEVFN(i)	(8 * ((i) + 1))

/**
 * struct vtd_rig - a machine with functions plugged
 * @machine: the unit and its model
 * @timeout: of a DMA, in jiffies; two seconds unless it is changed
 * @num: functions
 * @pdev: each of them
 * @device: what the driver has of it
 * @fn: what does its DMA, with a reference
 */
struct vtd_rig {
	struct vtd_machine *machine;
	unsigned long timeout;
	unsigned int num;
	struct pci_dev *pdev[VTD_RIG_FUNCTIONS];
	struct vtd_device *device[VTD_RIG_FUNCTIONS];
	struct model_pci_function *fn[VTD_RIG_FUNCTIONS];
};

int vtd_rig_create(struct vtd_rig *rig, u64 cap, u64 ecap, u32 flags,
		   unsigned int num);
int vtd_rig_plug(struct vtd_rig *rig, u32 flags);
void vtd_rig_destroy(struct vtd_rig *rig);

struct vtd_domain *vtd_rig_nested(struct vtd_rig *rig, struct vtd_domain *parent,
				  u64 flags, phys_addr_t table);
void vtd_rig_free(struct vtd_domain *domain);

enum model_dma_status vtd_rig_dma(struct vtd_rig *rig, unsigned int which,
				  ioasid_t pasid, u32 flags, u64 iova, void *buf,
				  size_t len);

#endif
