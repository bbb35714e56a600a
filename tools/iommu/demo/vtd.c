// SPDX-License-Identifier: GPL-2.0
/*
 * First part: a PCI function under VFIO's device file, bound to /dev/iommu, does
 * DMA through the emulated unit, of VT-d or, on arm64, an SMMUv3. QEMU's edu device
 * has a DMA engine and a buffer of 4 KiB: what it reads can be seen by having it
 * written back.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/iommu.h"
#include "../lib/vfio_dev.h"
#include "demo.h"

#define PAGES		4
#define PAGE		4096
/*
 * Two windows, far apart, within the 28 bits that edu can address, and not where
 * SMMUv3s have their doorbells for interrupts
 */
#define IOVA_A		0x1000000ULL
#define IOVA_B		0xa000000ULL

#ifdef __aarch64__
#define UNIT		"SMMUv3"
#define UNIT_DIR	"smmuv3"
#else
#define UNIT		"VT-d"
#define UNIT_DIR	"vtd"
#endif

struct vtd_demo {
	int fd;
	__u32 ioas;
	struct vfio_dev edu;
	char *memory;
	char *other;
};

/* What our driver counts for the unit; -1 if another driver has it. */
static long long unit_count(const char *what)
{
	char name[64], path[PATH_MAX];
	long long count = -1;
	FILE *f;

	if (pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name)))
		return -1;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu/"
		 UNIT_DIR "/%s", name, what);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld", &count) != 1)
		count = -1;
	fclose(f);
	return count;
}

static void both_ways(struct vtd_demo *d)
{
	char copy[PAGE];

	step("The device reads %d bytes of this program's memory and writes them elsewhere",
	     PAGE);
	pattern(d->memory, PAGE, 1);
	memset(d->other, 0, PAGES * PAGE);
	if (!need(iommu_map(d->fd, d->ioas, d->memory, PAGES * PAGE, IOVA_A),
		  "IOAS_MAP") ||
	    !need(iommu_map(d->fd, d->ioas, d->other, PAGES * PAGE, IOVA_B),
		  "IOAS_MAP"))
		return;
	tell("IOAS_MAP: %d bytes at %p are %#llx to the device, %d at %p are %#llx",
	     PAGES * PAGE, d->memory, IOVA_A, PAGES * PAGE, d->other, IOVA_B);
	if (!need(edu_dma_read(&d->edu, IOVA_A, 0, PAGE), "DMA from memory") ||
	    !need(edu_dma_write(&d->edu, IOVA_B + PAGE, 0, PAGE),
		  "DMA to memory"))
		return;
	check(same_bytes(d->memory, d->other + PAGE, PAGE),
	      "%d bytes went from memory to the device and back, all equal",
	      PAGE);
	memset(copy, 0, sizeof(copy));
	check(same_bytes(d->other, copy, PAGE) &&
	      same_bytes(d->other + 2 * PAGE, copy, PAGE),
	      "the pages before and behind are untouched");
}

static void after_unmap(struct vtd_demo *d)
{
	static char secret[PAGE];
	__u64 done = 0;
	size_t i, leaked = 0;

	step("The same DMA after IOAS_UNMAP");
	if (!need(iommu_unmap(d->fd, d->ioas, IOVA_A, PAGES * PAGE, &done),
		  "IOAS_UNMAP"))
		return;
	tell("IOAS_UNMAP took %llu bytes at %#llx away", done, IOVA_A);

	/*
	 * The device's buffer holds the bytes of the step before: none of the
	 * new ones is equal to the old one, and none is 0.
	 */
	for (i = 0; i < PAGE; i++)
		d->memory[i] ^= 0x40;
	memcpy(secret, d->memory, PAGE);
	if (!need(edu_dma_write(&d->edu, IOVA_A, 0, PAGE), "DMA to memory"))
		return;
	check(same_bytes(d->memory, secret, PAGE),
	      "the device wrote %d bytes to %#llx: blocked, memory is unchanged",
	      PAGE, IOVA_A);

	if (!need(edu_dma_read(&d->edu, IOVA_A, 0, PAGE), "DMA from memory") ||
	    !need(edu_dma_write(&d->edu, IOVA_B, 0, PAGE), "DMA to memory"))
		return;
	for (i = 0; i < PAGE; i++)
		leaked += d->other[i] == secret[i];
	check(!leaked, "the device read %d bytes from %#llx: it got %zu of them",
	      PAGE, IOVA_A, leaked);
}

static void nowhere(struct vtd_demo *d)
{
	static char before[PAGES * PAGE];

	step("The device aims at memory it was never given");
	memcpy(before, d->other, sizeof(before));
	if (!need(edu_dma_write(&d->edu, IOVA_B + PAGES * PAGE, 0, PAGE),
		  "DMA to memory"))
		return;
	check(same_bytes(before, d->other, sizeof(before)),
	      "one page behind the window: blocked, memory is unchanged");
	if (!need(vfio_dev_detach(&d->edu), "DETACH_IOMMUFD_PT") ||
	    !need(edu_dma_write(&d->edu, IOVA_B, 0, PAGE), "DMA to memory"))
		return;
	check(same_bytes(before, d->other, sizeof(before)),
	      "detached from the address space: blocked, memory is unchanged");
}

void demo_vtd(void)
{
	struct vtd_demo d = { .edu = { .fd = -1 } };
	long long faults;
	__u32 pt, hwpt;
	int rc, other;

	part("Part 1: a device's DMA, through QEMU's " UNIT " and our driver for it");
	step("A PCI function is given to this program, with an address space of its own");
	d.fd = iommu_open();
	if (!need(d.fd, "/dev/iommu"))
		return;
	d.memory = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (d.memory == MAP_FAILED) {
		need(-ENOMEM, "memory");
		return;
	}
	d.other = d.memory + PAGES * PAGE;
	rc = edu_open(0, &d.edu);
	if (!need(rc, "no edu device under VFIO (start QEMU with -device edu)"))
		goto out;
	rc = vfio_dev_bind(&d.edu, d.fd);
	if (!need(rc, "VFIO_DEVICE_BIND_IOMMUFD"))
		goto out;
	if (!need(edu_start(&d.edu), "edu does not answer") ||
	    !need(iommu_ioas_alloc(d.fd, &d.ioas), "IOAS_ALLOC"))
		goto out;
	tell("PCI function 1234:11e8 (QEMU edu) is device %u of /dev/iommu",
	     d.edu.id);
	pt = d.ioas;
	if (!need(vfio_dev_attach(&d.edu, &pt), "ATTACH_IOMMUFD_PT"))
		goto out;
	hwpt = pt;
	tell("attached to I/O address space %u; the kernel made page table %u for it",
	     d.ioas, hwpt);
	faults = unit_count("faults");
	tell("the unit is driven by %s", faults >= 0 ?
	     "iommufd's own " UNIT " driver" : "another driver than iommufd's own");
	other = iommu_open();
	if (need(other, "/dev/iommu")) {
		struct vfio_dev again;

		rc = edu_open(0, &again);
		if (!rc)
			rc = vfio_dev_bind(&again, other);
		check(rc == -EBUSY || rc == -EINVAL,
		      "a second owner is refused: %s", strerror(-rc));
		vfio_dev_close(&again);
		close(other);
	}
	both_ways(&d);
	after_unmap(&d);
	nowhere(&d);
	if (faults >= 0)
		check(unit_count("faults") > faults,
		      "the driver heard of what was blocked: %lld faults",
		      unit_count("faults") - faults);
out:
	vfio_dev_close(&d.edu);
	close(d.fd);
}
