// SPDX-License-Identifier: GPL-2.0
/* A device and its address space: see target.h. */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "target.h"

/* Where the checks map a page of their own */
#define CHECK_IOVA	0x7000000ULL
#define MARK		0x5a

static void open_iommufd(struct target *t)
{
	__u32 pt;

	t->fd = iommu_open();
	must(t->fd, "/dev/iommu");
	must(edu_open(0, &t->edu), "edu under vfio-pci");
	must(vfio_dev_bind(&t->edu, t->fd), "bind");
	must(iommu_ioas_alloc(t->fd, &t->ioas), "IOAS_ALLOC");
	pt = t->ioas;
	must(vfio_dev_attach(&t->edu, &pt), "attach");
}

static void open_type1(struct target *t)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char name[64], path[128], link[PATH_MAX];
	ssize_t n;

	must(pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name)), "edu");
	must(pci_give_to_vfio(name), "vfio-pci");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 name);
	n = readlink(path, link, sizeof(link) - 1);
	must(n < 0 ? -errno : 0, path);
	link[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(link, '/'));
	t->group = open(path, O_RDWR | O_CLOEXEC);
	must(t->group < 0 ? -errno : 0, path);
	t->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	must(t->fd < 0 ? -errno : 0, "/dev/vfio/vfio");
	must(ioctl(t->group, VFIO_GROUP_GET_STATUS, &status) ? -errno : 0,
	     "VFIO_GROUP_GET_STATUS");
	must(ioctl(t->group, VFIO_GROUP_SET_CONTAINER, &t->fd) ? -errno : 0,
	     "VFIO_GROUP_SET_CONTAINER");
	must(ioctl(t->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ? -errno : 0,
	     "VFIO_SET_IOMMU");
	memset(&t->edu, 0, sizeof(t->edu));
	t->edu.fd = ioctl(t->group, VFIO_GROUP_GET_DEVICE_FD, name);
	must(t->edu.fd < 0 ? -errno : 0, "VFIO_GROUP_GET_DEVICE_FD");
}

void target_open(struct target *t)
{
	memset(t, 0, sizeof(*t));
	t->group = -1;
	if (bench.type1)
		open_type1(t);
	else
		open_iommufd(t);
	must(edu_start(&t->edu), "edu");
}

void target_close(struct target *t)
{
	vfio_dev_close(&t->edu);
	if (t->group >= 0)
		close(t->group);
	close(t->fd);
}

__u64 target_map(struct target *t, void *va, __u64 length, __u64 iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = t->ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = iova,
	};
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = length,
	};
	unsigned long request = bench.type1 ? VFIO_IOMMU_MAP_DMA :
					      IOMMU_IOAS_MAP;
	void *arg = bench.type1 ? (void *)&dma : &map;
	__u64 start, end;
	int rc;

	start = now();
	rc = ioctl(t->fd, request, arg);
	end = now();
	must(rc ? -errno : 0, "map");
	return end - start;
}

__u64 target_unmap(struct target *t, __u64 iova, __u64 length)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = t->ioas,
		.iova = iova,
		.length = length,
	};
	struct vfio_iommu_type1_dma_unmap dma = {
		.argsz = sizeof(dma),
		.iova = iova,
		.size = length,
	};
	unsigned long request = bench.type1 ? VFIO_IOMMU_UNMAP_DMA :
					      IOMMU_IOAS_UNMAP;
	void *arg = bench.type1 ? (void *)&dma : &unmap;
	__u64 start, end;
	int rc;

	start = now();
	rc = ioctl(t->fd, request, arg);
	end = now();
	must(rc ? -errno : 0, "unmap");
	return end - start;
}

void target_check_blocked(struct target *t, volatile char *va, __u64 iova)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	char was = *va;

	must(page == MAP_FAILED ? -errno : 0, "mmap");
	page[0] = MARK;
	target_map(t, page, PAGE, CHECK_IOVA);
	/* The device works: it carries the byte from one place to another. */
	must(edu_dma_read(&t->edu, CHECK_IOVA, 0, 1), "DMA from memory");
	must(edu_dma_write(&t->edu, CHECK_IOVA + 1, 0, 1), "DMA to memory");
	check(page[1] == MARK, "the device does no DMA");

	*va = ~MARK;
	must(edu_dma_write(&t->edu, iova, 0, 1), "DMA to memory");
	check(*va == (char)~MARK, "DMA to IOVA %#llx after its unmap", iova);
	*va = was;
	target_unmap(t, CHECK_IOVA, PAGE);
	munmap(page, PAGE);
}
