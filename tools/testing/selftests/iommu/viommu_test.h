/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Building blocks of the vIOMMU tests: two devices, a vIOMMU for them, and a guest
 * that calls the first by a name.
 */
#ifndef SELFTESTS_VIOMMU_TEST_H
#define SELFTESTS_VIOMMU_TEST_H

#include "iommu_test.h"

#define VIRT_ID		0x99
#define OTHER_VIRT_ID	0x12345678

/* From vt_init() alone: there is no /dev/iommu, and the test is skipped. */
#define VT_NO_IOMMU	(-ENXIO)

#define EVENT		sizeof(struct vevent)
#define HEADER		sizeof(struct iommufd_vevent_header)

/**
 * struct vevent - what is read from a queue of the mock
 * @header: says that it is one
 * @event: what happened
 */
struct vevent {
	struct iommufd_vevent_header header;
	struct iommu_viommu_event_selftest event;
};

/**
 * struct viommu_test - what a test works with
 * @fd: /dev/iommu
 * @ioas: empty
 * @parent: nest parent over it
 * @viommu: over that
 * @dev: attached to @ioas
 * @other: the same, with PASIDs
 * @vdevice: of @dev, after vt_guest()
 * @nested: through @viommu, with @dev on it, after vt_guest()
 * @queue: the queue's fd after vt_guest(), else -1
 * @queue_id: its id
 */
struct viommu_test {
	int fd;
	__u32 ioas;
	__u32 parent;
	__u32 viommu;
	struct mock_device dev;
	struct mock_device other;
	__u32 vdevice;
	__u32 nested;
	int queue;
	__u32 queue_id;
};

static inline int vt_viommu(struct viommu_test *t, __u32 *viommu)
{
	return iommu_viommu(t->fd, t->dev.dev, t->parent,
			    IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, viommu);
}

static inline int vt_nested(struct viommu_test *t, __u32 viommu, __u32 *hwpt)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };

	return iommu_hwpt_nested(t->fd, t->dev.dev, viommu, 0, 0,
				 IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
				 hwpt);
}

/* A vDEVICE, a table through the vIOMMU, the device on it, and a queue */
static inline int vt_guest(struct viommu_test *t, __u32 depth)
{
	int rc;

	rc = iommu_vdevice(t->fd, t->viommu, t->dev.dev, VIRT_ID, &t->vdevice);
	if (!rc)
		rc = vt_nested(t, t->viommu, &t->nested);
	if (!rc)
		rc = mock_replace(t->fd, t->dev.stdev, t->nested);
	if (rc)
		return rc;
	t->queue = iommu_veventq(t->fd, t->viommu, IOMMU_VEVENTQ_TYPE_SELFTEST,
				 depth, &t->queue_id);
	if (t->queue < 0)
		return t->queue;
	return fcntl(t->queue, F_SETFL, O_NONBLOCK);
}

static inline int vt_init(struct viommu_test *t)
{
	int rc;

	memset(t, 0, sizeof(*t));
	t->queue = -1;
	t->fd = iommu_open();
	if (t->fd < 0)
		return t->fd == -ENOENT ? VT_NO_IOMMU : t->fd;
	rc = iommu_ioas_alloc(t->fd, &t->ioas);
	if (!rc)
		rc = mock_device(t->fd, t->ioas, 0, &t->dev);
	if (!rc)
		rc = mock_device(t->fd, t->ioas, MOCK_FLAGS_DEVICE_PASID,
				 &t->other);
	if (!rc)
		rc = iommu_hwpt_paging(t->fd, t->dev.dev, t->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &t->parent);
	return rc ? rc : vt_viommu(t, &t->viommu);
}

static inline void vt_exit(struct viommu_test *t)
{
	if (t->queue >= 0)
		close(t->queue);
	close(t->fd);
}

static inline int vt_invalidate(struct viommu_test *t,
				struct iommu_viommu_invalidate_selftest *inv,
				__u32 *num)
{
	return iommu_hwpt_invalidate(t->fd, t->viommu,
				     IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, inv,
				     sizeof(*inv), num);
}

/* Bytes, or a negative errno */
static inline int vt_read(int queue, void *buf, size_t len)
{
	ssize_t n = read(queue, buf, len);

	return n < 0 ? -errno : (int)n;
}

#endif
