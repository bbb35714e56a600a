// SPDX-License-Identifier: GPL-2.0
/*
 * edu_guest - in a virtual machine that was given QEMU's "edu" device: DMA as a driver of
 * it would do, by the machine's own physical addresses
 *
 *	edu_guest [OUTSIDE]
 *
 * OUTSIDE is a physical address at which this machine has no memory: a DMA there must not
 * reach anything. Prints TAP. Needs root, for sysfs and for /proc/self/pagemap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "../lib/vfio_dev.h"

#define PAGE		4096
#define PAGES		4

static unsigned int cases, bad;

__attribute__((format(printf, 2, 3)))
static void result(bool ok, const char *format, ...)
{
	va_list args;

	printf("%s %u edu: ", ok ? "ok" : "not ok", ++cases);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	bad += !ok;
}

/* The physical address of a locked page of this process; 0 if it is not told. */
static uint64_t physical(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)page / PAGE * sizeof(entry))) != sizeof(entry))
		entry = 0;
	close(fd);
	/* Bit 63: present; 0 to 54: the frame */
	if (!(entry >> 63))
		return 0;
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static int write_file(const char *path, const void *data, size_t length, off_t at)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, data, length, at) != (ssize_t)length)
		rc = -EIO;
	close(fd);
	return rc;
}

/* What a driver's probe function does. */
static int edu_probe(struct vfio_dev *v)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	char name[64], path[256];
	int rc, fd;

	memset(v, 0, sizeof(*v));
	v->fd = -1;
	rc = pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name));
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable", name);
	rc = write_file(path, "1", 1, 0);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", name);
	rc = write_file(path, &command, sizeof(command), PCI_COMMAND);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	v->bar0_size = PAGE;
	v->bar0 = mmap(NULL, v->bar0_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	rc = v->bar0 == MAP_FAILED ? -errno : 0;
	close(fd);
	if (rc)
		v->bar0 = NULL;
	return rc;
}

static void fill(unsigned char *p, unsigned int seed)
{
	size_t i;

	for (i = 0; i < PAGE; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(seed >> 24 | 1);
	}
}

int main(int argc, char **argv)
{
	static const unsigned char zeros[PAGE];
	uint64_t outside = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t from, to;
	unsigned char *m;
	struct vfio_dev v;
	int rc;

	rc = edu_probe(&v);
	result(!rc, "there is a device: %s", rc ? strerror(-rc) : "1234:11e8");
	if (rc)
		return 1;
	m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	if (m == MAP_FAILED)
		return 2;
	/* Each page has its own address: written, not the shared page of zeros. */
	memset(m, 0xff, PAGES * PAGE);
	memset(m, 0, PAGES * PAGE);
	fill(m, 1);
	from = physical(m);
	to = physical(m + 2 * PAGE);
	if (!from || !to) {
		result(false, "the physical addresses of memory are known");
		return 1;
	}
	rc = edu_dma_read(&v, from, 0, PAGE);
	if (!rc)
		rc = edu_dma_write(&v, to, 0, PAGE);
	result(!rc && !memcmp(m, m + 2 * PAGE, PAGE),
	       "%d bytes from %#llx to the device and back to %#llx, all equal", PAGE,
	       (unsigned long long)from, (unsigned long long)to);
	result(!memcmp(m + PAGE, zeros, PAGE) && !memcmp(m + 3 * PAGE, zeros, PAGE),
	       "the pages in between are untouched");
	if (outside) {
		unsigned char before[PAGE];

		memcpy(before, m, PAGE);
		rc = edu_dma_write(&v, outside, 0, PAGE);
		if (!rc)
			rc = edu_dma_read(&v, outside, 0, PAGE);
		if (!rc)
			rc = edu_dma_write(&v, physical(m + PAGE), 0, PAGE);
		/* The device keeps what it had, or has nothing. */
		result(!rc && (!memcmp(m + PAGE, zeros, PAGE) ||
			       !memcmp(m + PAGE, before, PAGE)),
		       "from %#llx, where this machine has no memory, come no bytes",
		       (unsigned long long)outside);
		result(!memcmp(m, before, PAGE) && !memcmp(m + 2 * PAGE, before, PAGE),
		       "and what was sent there is not here");
	}
	return !!bad;
}
