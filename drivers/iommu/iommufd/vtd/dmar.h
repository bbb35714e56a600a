/* SPDX-License-Identifier: GPL-2.0-only */
/* Real units, which the base tree's dmar.c found and mapped. */
#ifndef __IOMMUFD_VTD_DMAR_H
#define __IOMMUFD_VTD_DMAR_H

struct list_head;
struct vtd_door_ops;
struct vtd_unit;

/* vtd_unit::door_data is a struct intel_iommu. */
extern const struct vtd_door_ops vtd_dmar_door;

/* A unit for each remapping unit that is in use, none started. */
int vtd_dmar_create_units(struct list_head *units);
void vtd_dmar_destroy_unit(struct vtd_unit *unit);

#endif
