/* SPDX-License-Identifier: GPL-2.0-only */
/* Many mappings made, or taken away, by one call. */
#ifndef __IOMMUFD_IOAS_ARRAY_H
#define __IOMMUFD_IOAS_ARRAY_H

struct iommufd_call;

int iommufd_ioas_map_array_ioctl(struct iommufd_call *call);
int iommufd_ioas_unmap_array_ioctl(struct iommufd_call *call);

#endif
