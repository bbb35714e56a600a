/* SPDX-License-Identifier: GPL-2.0-only */
/* VFIO's container calls (type1) on top of an IOAS. */
#ifndef __IOMMUFD_VFIO_COMPAT_H
#define __IOMMUFD_VFIO_COMPAT_H

#include "object.h"

int iommufd_vfio_ioas_ioctl(struct iommufd_call *call);
/* -ENOIOCTLCMD when @cmd is not one of VFIO's container calls. */
int iommufd_vfio_container_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
				 unsigned long arg);

#endif
