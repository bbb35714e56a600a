/* SPDX-License-Identifier: GPL-2.0-only */
/* What the IORT ACPI table (Arm DEN 0049) says of a unit beside its resources. */
#ifndef __IOMMUFD_SMMUV3_IORT_H
#define __IOMMUFD_SMMUV3_IORT_H

#include <linux/types.h>

/* The table is there or not; SMMUV3_FW_*. May sleep. */
u32 smmuv3_iort_firmware(u64 base);
/* For smmuv3_iort_firmware() and KUnit: the same with any table. */
u32 smmuv3_iort_parse(const void *table, size_t size, u64 base);

#endif
