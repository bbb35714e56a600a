/* SPDX-License-Identifier: GPL-2.0-only */
/* Between tables.c and pasid_table.c. */
#ifndef __IOMMUFD_VTD_TABLES_INTERNAL_H
#define __IOMMUFD_VTD_TABLES_INTERNAL_H

#include "device.h"
#include "tables.h"

static inline int vtd_device_node(const struct vtd_device *device)
{
	return device->dev ? dev_to_node(device->dev) : NUMA_NO_NODE;
}

/* P of a PASID table entry (9.6), in val[0] */
#define VTD_PASID_PRESENT	BIT_ULL(0)

void vtd_store128(struct vtd_unit *unit, u64 *at, u64 low, u64 high);
struct vtd_pasid_entry *vtd_pasid_entry(struct vtd_device *device, u32 pasid);
void vtd_pasid_table_turn(struct vtd_device *device, u32 pasid,
			  const struct vtd_pasid_entry *next);
void vtd_pasid_table_turned(struct vtd_device *device);

#endif
