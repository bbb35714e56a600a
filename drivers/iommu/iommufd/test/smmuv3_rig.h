/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An SMMUv3 model with the driver and PCI functions on it, and what a test does with
 * them: domains, DMA. Nothing here fails a test by itself; the caller judges.
 */
#ifndef __IOMMUFD_SMMUV3_RIG_H
#define __IOMMUFD_SMMUV3_RIG_H

#include "smmuv3_model_door.h"
#include "../smmuv3/domain.h"

/* Functions there can be, at devfn 0x08, 0x10 and so on: each is a single one */
#define SMMUV3_RIG_FUNCTIONS	4
#define SMMUV3_RIG_DEVFN(i)	(8 * ((i) + 1))

/**
 * struct smmuv3_rig - a machine with functions plugged
 * @machine: the unit and its model
 * @num: functions
 * @pdev: each of them
 * @device: what the driver has of it
 * @fn: what does its DMA, with a reference
 */
struct smmuv3_rig {
	struct smmuv3_machine *machine;
	unsigned int num;
	struct pci_dev *pdev[SMMUV3_RIG_FUNCTIONS];
	struct smmuv3_device *device[SMMUV3_RIG_FUNCTIONS];
	struct model_pci_function *fn[SMMUV3_RIG_FUNCTIONS];
};

int smmuv3_rig_create(struct smmuv3_rig *rig,
		      const struct smmuv3_machine_config *config, u32 flags,
		      u8 pasid_bits, unsigned int num);
int smmuv3_rig_plug(struct smmuv3_rig *rig, u32 flags, u8 pasid_bits);
void smmuv3_rig_unplug(struct smmuv3_rig *rig);
void smmuv3_rig_destroy(struct smmuv3_rig *rig);

struct smmuv3_domain *smmuv3_rig_nested(struct smmuv3_rig *rig,
					struct smmuv3_domain *parent,
					struct smmuv3_viommu *viommu,
					u64 ste0, u64 ste1);
void smmuv3_rig_free(struct smmuv3_domain *domain);

unsigned int smmuv3_rig_dma(struct smmuv3_rig *rig, unsigned int which,
			    ioasid_t pasid, u32 flags, u64 iova, void *buf,
			    size_t len);

#endif
