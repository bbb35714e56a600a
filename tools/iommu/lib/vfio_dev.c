// SPDX-License-Identifier: GPL-2.0
/* A device under VFIO's device files: see vfio_dev.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "vfio_dev.h"
#include "vfio_uapi.h"

#define PCI_BUS		"/sys/bus/pci"
#define PLATFORM_BUS	"/sys/bus/platform"
#define PCI_DEVICES	PCI_BUS "/devices"

/* QEMU, docs/specs/edu.rst */
enum {
	EDU_REG_ID	= 0x00,
	EDU_REG_LIVE	= 0x04,
	EDU_REG_RAISE	= 0x60,
	EDU_REG_ACK	= 0x64,
	EDU_REG_SRC	= 0x80,
	EDU_REG_DST	= 0x88,
	EDU_REG_COUNT	= 0x90,
	EDU_REG_CMD	= 0x98,
};

#define EDU_ID		0x010000edU
#define EDU_CMD_START	(1U << 0)
#define EDU_CMD_TO_RAM	(1U << 1)
#define EDU_WINDOW	0x40000ULL

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static long read_hex(const char *path)
{
	char text[32] = "";
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -1;
	if (fgets(text, sizeof(text), f))
		value = strtol(text, NULL, 16);
	fclose(f);
	return value;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int pci_find(unsigned int vendor, unsigned int device, unsigned int nth,
	     char *name, size_t size)
{
	struct dirent **entries;
	int i, n, rc = -ENODEV;

	n = scandir(PCI_DEVICES, &entries, NULL, by_name);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), PCI_DEVICES "/%s/vendor",
			 entries[i]->d_name);
		if (rc && read_hex(path) == (long)vendor) {
			snprintf(path, sizeof(path), PCI_DEVICES "/%s/device",
				 entries[i]->d_name);
			if (read_hex(path) == (long)device && !nth--) {
				snprintf(name, size, "%s", entries[i]->d_name);
				rc = 0;
			}
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* @bus: in sysfs; @driver: of VFIO */
static int give_to(const char *bus, const char *name, const char *driver)
{
	char path[256], link[256];
	ssize_t n;
	int rc;

	snprintf(path, sizeof(path), "%s/devices/%s/driver", bus, name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n > 0) {
		link[n] = 0;
		if (!strcmp(strrchr(link, '/') + 1, driver))
			return 0;
		snprintf(path, sizeof(path), "%s/devices/%s/driver/unbind", bus,
			 name);
		rc = write_text(path, name);
		if (rc)
			return rc;
	}
	snprintf(path, sizeof(path), "%s/devices/%s/driver_override", bus, name);
	rc = write_text(path, driver);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/drivers_probe", bus);
	return write_text(path, name);
}

int pci_group(const char *name, char *group, size_t size)
{
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 name);
	n = readlink(path, group, size - 1);
	group[n < 0 ? 0 : n] = 0;
	return n > 0 ? 0 : -ENODEV;
}

int pci_give_to_vfio(const char *name)
{
	return give_to(PCI_BUS, name, "vfio-pci");
}

int platform_give_to_vfio(const char *name)
{
	return give_to(PLATFORM_BUS, name, "vfio-platform");
}

/* The device file may come a moment after its entry in sysfs. */
static int open_soon(const char *path)
{
	const struct timespec step = { .tv_nsec = 10 * 1000 * 1000 };
	int tries, fd = -1;

	for (tries = 0; tries < 200; tries++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		nanosleep(&step, NULL);
	}
	return fd < 0 ? -errno : fd;
}

static int open_on(const char *bus, const char *name, struct vfio_dev *v)
{
	char path[600];
	struct dirent *e;
	DIR *dir;

	memset(v, 0, sizeof(*v));
	v->fd = -1;
	snprintf(path, sizeof(path), "%s/devices/%s/vfio-dev", bus, name);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "vfio", 4))
			break;
	if (e)
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
	closedir(dir);
	if (!e)
		return -ENODEV;
	v->fd = open_soon(path);
	return v->fd < 0 ? v->fd : 0;
}

int vfio_dev_open(const char *name, struct vfio_dev *v)
{
	return open_on(PCI_BUS, name, v);
}

int vfio_platform_open(const char *name, struct vfio_dev *v)
{
	return open_on(PLATFORM_BUS, name, v);
}

int vfio_dev_bind(struct vfio_dev *v, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	if (ioctl(v->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return -errno;
	v->id = bind.out_devid;
	return 0;
}

int vfio_dev_attach(struct vfio_dev *v, __u32 *pt)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = *pt,
	};

	if (ioctl(v->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return -errno;
	*pt = attach.pt_id;
	return 0;
}

int vfio_dev_detach(struct vfio_dev *v)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(v->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach) ? -errno :
								      0;
}

static int region(struct vfio_dev *v, __u32 index,
		  struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(v->fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

/* The command register, as a guest writes it */
static int command(struct vfio_dev *v, __u16 clear, __u16 set)
{
	struct vfio_region_info info;
	__u16 value;
	off_t at;
	int rc;

	rc = region(v, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	if (rc)
		return rc;
	at = (off_t)info.offset + PCI_COMMAND;
	if (pread(v->fd, &value, sizeof(value), at) != sizeof(value))
		return -EIO;
	value = (value & ~clear) | set;
	if (pwrite(v->fd, &value, sizeof(value), at) != sizeof(value))
		return -EIO;
	return 0;
}

int vfio_dev_enable_dma(struct vfio_dev *v)
{
	return command(v, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

int vfio_dev_disable_memory(struct vfio_dev *v)
{
	return command(v, PCI_COMMAND_MEMORY, 0);
}

static int map_bar(struct vfio_dev *v, __u32 index, volatile void **bar,
		   size_t *size)
{
	struct vfio_region_info info;
	void *p;
	int rc;

	rc = region(v, index, &info);
	if (rc)
		return rc;
	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -EOPNOTSUPP;
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		 (off_t)info.offset);
	if (p == MAP_FAILED)
		return -errno;
	*bar = p;
	*size = info.size;
	return 0;
}

int vfio_dev_map_bar0(struct vfio_dev *v)
{
	return map_bar(v, VFIO_PCI_BAR0_REGION_INDEX, &v->bar0, &v->bar0_size);
}

volatile void *vfio_dev_map_bar(struct vfio_dev *v, __u32 index, size_t *size)
{
	volatile void *bar;

	return map_bar(v, index, &bar, size) ? NULL : bar;
}

/* @eventfd: -1: none. @stays: allocated nonetheless */
static int set_irq(struct vfio_dev *v, __u32 index, int eventfd, int stays)
{
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 VFIO_IRQ_SET_DATA_EVENTFD,
			.index = index,
			.count = 1,
		},
	};

	memcpy(irq.set.data, &eventfd, sizeof(eventfd));
	if (eventfd < 0 && !stays) {
		/* None at all: the device's interrupts are the kernel's no more */
		irq.set.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				VFIO_IRQ_SET_DATA_NONE;
		irq.set.count = 0;
	}
	return ioctl(v->fd, VFIO_DEVICE_SET_IRQS, &irq) ? -errno : 0;
}

int vfio_dev_msi(struct vfio_dev *v, int eventfd)
{
	return set_irq(v, VFIO_PCI_MSI_IRQ_INDEX, eventfd, 0);
}

int vfio_dev_msi_let_go(struct vfio_dev *v)
{
	return set_irq(v, VFIO_PCI_MSI_IRQ_INDEX, -1, 1);
}

int vfio_dev_msix(struct vfio_dev *v, int eventfd)
{
	return set_irq(v, VFIO_PCI_MSIX_IRQ_INDEX, eventfd, 0);
}

int vfio_dev_msix_let_go(struct vfio_dev *v)
{
	return set_irq(v, VFIO_PCI_MSIX_IRQ_INDEX, -1, 1);
}

static __u32 config_get(const unsigned char *config, unsigned int at,
			unsigned int bytes)
{
	__u32 value = 0;

	while (bytes--)
		value = value << 8 | config[at + bytes];
	return value;
}

int pci_msi_read(const char *name, struct pci_msi *msi)
{
	unsigned char config[PCI_CFG_SPACE_SIZE];
	unsigned int at, flags, steps = 0;
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/config", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, config, sizeof(config), 0);
	close(fd);
	if (n != sizeof(config))
		return -EIO;
	at = config[PCI_CAPABILITY_LIST];
	while (at >= PCI_STD_HEADER_SIZEOF && at <= PCI_CFG_SPACE_SIZE - 16 &&
	       config[at] != PCI_CAP_ID_MSI && steps++ < 48)
		at = config[at + PCI_CAP_LIST_NEXT];
	if (at < PCI_STD_HEADER_SIZEOF || at > PCI_CFG_SPACE_SIZE - 16 ||
	    config[at] != PCI_CAP_ID_MSI)
		return -ENODEV;
	flags = config_get(config, at + PCI_MSI_FLAGS, 2);
	msi->enabled = !!(flags & PCI_MSI_FLAGS_ENABLE);
	msi->addr = config_get(config, at + PCI_MSI_ADDRESS_LO, 4);
	if (flags & PCI_MSI_FLAGS_64BIT) {
		msi->addr |= (__u64)config_get(config,
					       at + PCI_MSI_ADDRESS_HI, 4)
			     << 32;
		msi->data = config_get(config, at + PCI_MSI_DATA_64, 2);
	} else {
		msi->data = config_get(config, at + PCI_MSI_DATA_32, 2);
	}
	return 0;
}

void vfio_dev_close(struct vfio_dev *v)
{
	if (v->bar0)
		munmap((void *)(uintptr_t)v->bar0, v->bar0_size);
	if (v->fd >= 0)
		close(v->fd);
	memset(v, 0, sizeof(*v));
	v->fd = -1;
}

static __u32 edu_get(struct vfio_dev *v, unsigned int reg)
{
	return *(volatile __u32 *)((volatile char *)v->bar0 + reg);
}

static void edu_set(struct vfio_dev *v, unsigned int reg, __u64 value)
{
	*(volatile __u64 *)((volatile char *)v->bar0 + reg) = value;
}

int edu_open(unsigned int nth, struct vfio_dev *v)
{
	char name[64];
	int rc;

	memset(v, 0, sizeof(*v));
	v->fd = -1;
	rc = pci_find(EDU_VENDOR, EDU_DEVICE, nth, name, sizeof(name));
	if (rc)
		return rc;
	rc = pci_give_to_vfio(name);
	if (rc)
		return rc;
	return vfio_dev_open(name, v);
}

int edu_start(struct vfio_dev *v)
{
	int rc;

	rc = vfio_dev_enable_dma(v);
	if (rc)
		return rc;
	rc = vfio_dev_map_bar0(v);
	if (rc)
		return rc;
	if (edu_get(v, EDU_REG_ID) != EDU_ID)
		return -ENODEV;
	*(volatile __u32 *)((volatile char *)v->bar0 + EDU_REG_LIVE) = 0x5a5a;
	return edu_get(v, EDU_REG_LIVE) == ~0x5a5aU ? 0 : -EIO;
}

static int edu_dma(struct vfio_dev *v, __u64 src, __u64 dst,
		   unsigned int length, __u32 cmd)
{
	const struct timespec step = { .tv_nsec = 2 * 1000 * 1000 };
	int tries;

	edu_set(v, EDU_REG_SRC, src);
	edu_set(v, EDU_REG_DST, dst);
	edu_set(v, EDU_REG_COUNT, length);
	edu_set(v, EDU_REG_CMD, cmd | EDU_CMD_START);
	for (tries = 0; tries < 5000; tries++) {
		if (!(edu_get(v, EDU_REG_CMD) & EDU_CMD_START))
			return 0;
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

/* QEMU ends when the device is told to leave its own buffer. */
static int edu_check(unsigned int offset, unsigned int length)
{
	if (!length || offset >= EDU_BUFFER || length > EDU_BUFFER - offset)
		return -EINVAL;
	return 0;
}

int edu_dma_read(struct vfio_dev *v, __u64 iova, unsigned int offset,
		 unsigned int length)
{
	int rc = edu_check(offset, length);

	return rc ? rc : edu_dma(v, iova, EDU_WINDOW + offset, length, 0);
}

int edu_dma_write(struct vfio_dev *v, __u64 iova, unsigned int offset,
		  unsigned int length)
{
	int rc = edu_check(offset, length);

	return rc ? rc : edu_dma(v, EDU_WINDOW + offset, iova, length,
				 EDU_CMD_TO_RAM);
}

void edu_interrupt(struct vfio_dev *v)
{
	*(volatile __u32 *)((volatile char *)v->bar0 + EDU_REG_RAISE) = 1;
	*(volatile __u32 *)((volatile char *)v->bar0 + EDU_REG_ACK) = 1;
}
