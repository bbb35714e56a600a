/* SPDX-License-Identifier: GPL-2.0 */
/* iommuctl device NAME */
#ifndef TOOLS_IOMMU_CTL_DEVICE_H
#define TOOLS_IOMMU_CTL_DEVICE_H

#include <stdbool.h>

/* Prints what the device can do; returns an exit status. */
int ctl_device(const char *name, bool json);

#endif
