/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts of a PCI function that a VMM has: QEMU's edu, its MSI, and the eventfd
 * that VFIO signals when one has arrived. For any IOMMU: nothing here knows which one
 * it is, but for where the probe says that MSIs go.
 */
#ifndef SELFTESTS_IOMMU_MSI_TEST_H
#define SELFTESTS_IOMMU_MSI_TEST_H

#include "iommu_test.h"

#include "../../../iommu/lib/probe.h"

/* An interrupt that is not to come has not come by then */
#define MSI_QUIET_MS	300

/**
 * struct msi_dev - a function and its interrupt
 * @v: opened and bound, ready for DMA
 * @name: in sysfs
 * @eventfd: signalled by its MSI, or -1: not asked for
 */
struct msi_dev {
	struct vfio_dev v;
	char name[64];
	int eventfd;
};

/* The @nth edu, bound to @fd. -ENODEV: there are not so many. */
static inline int msi_dev_open(int fd, unsigned int nth, struct msi_dev *d)
{
	int rc;

	memset(d, 0, sizeof(*d));
	d->v.fd = -1;
	d->eventfd = -1;
	rc = pci_find(EDU_VENDOR, EDU_DEVICE, nth, d->name, sizeof(d->name));
	if (!rc)
		rc = edu_open(nth, &d->v);
	if (!rc)
		rc = vfio_dev_bind(&d->v, fd);
	return rc ? rc : edu_start(&d->v);
}

static inline void msi_dev_close(struct msi_dev *d)
{
	vfio_dev_close(&d->v);
	if (d->eventfd >= 0)
		close(d->eventfd);
	d->eventfd = -1;
}

static inline int msi_enable(struct msi_dev *d)
{
	int rc;

	d->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->eventfd < 0)
		return -errno;
	rc = vfio_dev_msi(&d->v, d->eventfd);
	if (rc) {
		close(d->eventfd);
		d->eventfd = -1;
	}
	return rc;
}

static inline int msi_disable(struct msi_dev *d)
{
	int rc = vfio_dev_msi(&d->v, -1);

	close(d->eventfd);
	d->eventfd = -1;
	return rc;
}

/* How many have arrived since the last call; waits up to @ms for the first. */
static inline __u64 msi_count(struct msi_dev *d, int ms)
{
	struct pollfd p = { .fd = d->eventfd, .events = POLLIN };
	__u64 num = 0;

	if (poll(&p, 1, ms) == 1 &&
	    read(d->eventfd, &num, sizeof(num)) != sizeof(num))
		num = 0;
	return num;
}

/* The function interrupts: does it arrive, and once? */
static inline bool msi_arrives(struct msi_dev *d)
{
	edu_interrupt(&d->v);
	return msi_count(d, FOREVER_MS) == 1 && !msi_count(d, 0);
}

static inline bool msi_is_lost(struct msi_dev *d)
{
	edu_interrupt(&d->v);
	return !msi_count(d, MSI_QUIET_MS);
}

/*
 * The region for MSIs that the probe tells, one of IOMMU_PROBE_REGION_MSI (hardware
 * takes writes there) and _SW_MSI (the kernel maps doorbells there). -ENOENT: none.
 */
static inline int msi_region(int fd, __u32 dev, struct iommu_probe_region *region)
{
	const struct iommu_probe_property *property;
	const struct iommu_probe_region *r;
	unsigned int i, num;
	struct probe p;
	int rc;

	rc = probe_read(fd, dev, &p);
	if (rc)
		return rc;
	rc = -ENOENT;
	property = probe_find(&p, IOMMU_PROBE_RESV_REGIONS, 0);
	num = property ? property->length / sizeof(*r) : 0;
	r = property ? probe_value(property) : NULL;
	for (i = 0; i < num; i++) {
		if (r[i].kind != IOMMU_PROBE_REGION_MSI &&
		    r[i].kind != IOMMU_PROBE_REGION_SW_MSI)
			continue;
		*region = r[i];
		rc = 0;
	}
	probe_free(&p);
	return rc;
}

#endif
