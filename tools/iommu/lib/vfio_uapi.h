/* SPDX-License-Identifier: GPL-2.0 */
/*
 * <linux/vfio.h>, with what headers older than Linux 6.6 do not have of it: the calls of a
 * VFIO device file that give it to /dev/iommu. Debian 12's are of 6.1.
 */
#ifndef IOMMU_LIB_VFIO_UAPI_H
#define IOMMU_LIB_VFIO_UAPI_H

#include <linux/types.h>
#include <linux/vfio.h>

#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};

struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

struct vfio_device_detach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
};

#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#endif

/* Of VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: ids of /dev/iommu, in the place of groups */
#ifndef VFIO_PCI_HOT_RESET_FLAG_DEV_ID
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID 1
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED 2
#define VFIO_PCI_DEVID_OWNED 0
#define VFIO_PCI_DEVID_NOT_OWNED (-1)
#endif

#endif
