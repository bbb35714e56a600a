/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PCI function or a platform device under VFIO's device files
 * (/dev/vfio/devices/vfioN), and the DMA engine of QEMU's "edu" device. All
 * functions return 0 or what they say, or a negative errno.
 */
#ifndef TOOLS_IOMMU_LIB_VFIO_DEV_H
#define TOOLS_IOMMU_LIB_VFIO_DEV_H

#include <stddef.h>

#include <linux/types.h>

/**
 * struct vfio_dev - an open VFIO device
 * @fd: its device file
 * @id: its id on the /dev/iommu it is bound to; 0 before
 * @bar0: its first memory window, mapped by vfio_dev_map_bar0()
 * @bar0_size: bytes of that
 */
struct vfio_dev {
	int fd;
	__u32 id;
	volatile void *bar0;
	size_t bar0_size;
};

/*
 * Name (0000:00:02.0) of the @nth function with these ids. -ENODEV: there are
 * not so many.
 */
int pci_find(unsigned int vendor, unsigned int device, unsigned int nth,
	     char *name, size_t size);
/* The link to the function's iommu_group, to be compared. -ENODEV: there is none. */
int pci_group(const char *name, char *group, size_t size);
/* Take the function from its driver and give it to vfio-pci. */
int pci_give_to_vfio(const char *name);
/* Likewise a platform device, to vfio-platform. */
int platform_give_to_vfio(const char *name);

/* By the name of a PCI function, and of a platform device */
int vfio_dev_open(const char *name, struct vfio_dev *v);
int vfio_platform_open(const char *name, struct vfio_dev *v);
int vfio_dev_bind(struct vfio_dev *v, int iommufd);
/* *@pt is an IOAS or a HWPT; becomes the id of the HWPT in use. */
int vfio_dev_attach(struct vfio_dev *v, __u32 *pt);
int vfio_dev_detach(struct vfio_dev *v);
int vfio_dev_enable_dma(struct vfio_dev *v);
/* Its memory windows do not answer until vfio_dev_enable_dma(). */
int vfio_dev_disable_memory(struct vfio_dev *v);
int vfio_dev_map_bar0(struct vfio_dev *v);
void vfio_dev_close(struct vfio_dev *v);

/**
 * struct pci_msi - what a function writes when it interrupts
 * @addr: to this address
 * @data: this, as four bytes
 * @enabled: it does that at all
 */
struct pci_msi {
	__u64 addr;
	__u32 data;
	int enabled;
};

/* The first MSI of the device signals @eventfd from now on; -1: not any more. */
int vfio_dev_msi(struct vfio_dev *v, int eventfd);
/* It signals nothing; for the kernel it is there, and is not allocated anew next time. */
int vfio_dev_msi_let_go(struct vfio_dev *v);
/* Likewise MSI-X. */
int vfio_dev_msix(struct vfio_dev *v, int eventfd);
int vfio_dev_msix_let_go(struct vfio_dev *v);
/* Memory window @index; NULL: it cannot be mapped. *@size: bytes, for munmap(). */
volatile void *vfio_dev_map_bar(struct vfio_dev *v, __u32 index, size_t *size);
/*
 * By the function's own registers, which sysfs shows root: VFIO shows what a guest
 * has written there. -ENODEV: it has no MSI capability.
 */
int pci_msi_read(const char *name, struct pci_msi *msi);

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
/* Bytes of the buffer in the device, and the most that one DMA moves. */
#define EDU_BUFFER	4096

/* Find, open, check the identification register. Not bound to anything yet. */
int edu_open(unsigned int nth, struct vfio_dev *v);
/* After bind: the memory window and bus mastering. */
int edu_start(struct vfio_dev *v);
/* One DMA, to its end: memory at @iova into the device, or out of it. */
int edu_dma_read(struct vfio_dev *v, __u64 iova, unsigned int offset,
		 unsigned int length);
int edu_dma_write(struct vfio_dev *v, __u64 iova, unsigned int offset,
		  unsigned int length);
/* Raise the device's interrupt, and take it back so that there can be another. */
void edu_interrupt(struct vfio_dev *v);

#endif
