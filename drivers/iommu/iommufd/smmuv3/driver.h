/* SPDX-License-Identifier: GPL-2.0-only */
/* The iommu driver, as those see it who find units: platform.c, and test code. */
#ifndef __IOMMUFD_SMMUV3_DRIVER_H
#define __IOMMUFD_SMMUV3_DRIVER_H

#include "unit.h"

/*
 * add     make a started unit known: the iommu core probes its devices, which have
 *         a fwspec with unit->dev's fwnode. May sleep
 * remove  undo; the devices have to be gone
 */
int smmuv3_unit_add(struct smmuv3_unit *unit);
void smmuv3_unit_remove(struct smmuv3_unit *unit);

#endif
