/* SPDX-License-Identifier: GPL-2.0-only */
/* Making vIOMMUs and vDEVICEs for user space. */
#ifndef __IOMMUFD_VIOMMU_ALLOC_H
#define __IOMMUFD_VIOMMU_ALLOC_H

struct iommufd_call;

int iommufd_viommu_alloc_ioctl(struct iommufd_call *call);
int iommufd_vdevice_alloc_ioctl(struct iommufd_call *call);

#endif
