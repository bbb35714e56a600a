// SPDX-License-Identifier: GPL-2.0
/* Mock devices whose faults come to queues: see mock_rig.h. */
#include <string.h>
#include <unistd.h>

#include "mock_rig.h"

#define FAULT_IOVA	0x10000000ULL

/* Neither structure is longer than the base tree's. */
#define TEST_SIZE	(offsetof(struct iommu_test_cmd, last) + 8)
#define FAULT_SIZE	offsetof(struct iommu_fault_alloc, depth)

static int make_queue(struct rig *r, __u32 depth, bool blocking, __u32 *id)
{
	struct iommu_fault_alloc cmd = {
		.size = FAULT_SIZE,
	};
	int rc;

	if (depth || blocking) {
		cmd.size = sizeof(cmd);
		cmd.depth = depth;
		cmd.policy = blocking ? IOMMU_FAULT_POLICY_BLOCKING : 0;
	}
	rc = iommu_call(r->fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd);
	*id = cmd.out_fault_id;
	return rc ? rc : (int)cmd.out_fault_fd;
}

static int make_device(struct rig *r, struct mock_device *d)
{
	struct iommu_test_cmd cmd = {
		.size = TEST_SIZE,
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = r->ioas,
		.mock_domain_flags.dev_flags =
			r->native ? MOCK_FLAGS_DEVICE_PLAIN : 0,
	};
	int rc = iommu_call(r->fd, IOMMU_TEST_CMD, &cmd);

	d->stdev = cmd.mock_domain_flags.out_stdev_id;
	d->hwpt = cmd.mock_domain_flags.out_hwpt_id;
	d->dev = cmd.mock_domain_flags.out_idev_id;
	return rc;
}

int rig_attach(struct rig *r, __u32 stdev, __u32 pt)
{
	struct iommu_test_cmd cmd = {
		.size = TEST_SIZE,
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = stdev,
		.mock_domain_replace.pt_id = pt,
	};

	return iommu_call(r->fd, IOMMU_TEST_CMD, &cmd);
}

void rig_open(struct rig *r, unsigned int devices, unsigned int queues,
	      __u32 depth, bool blocking)
{
	struct iommu_hwpt_selftest table = { .iotlb = 0 };
	__u64 features;
	__u32 revision;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->fd = iommu_open();
	must(r->fd, "/dev/iommu");
	r->native = !iommu_features(r->fd, &revision, &features);
	if (!r->native)
		depth = 0;
	must(iommu_ioas_alloc(r->fd, &r->ioas), "IOAS_ALLOC");
	r->queues = queues;
	for (i = 0; i < queues; i++) {
		r->queue[i] = make_queue(r, depth, blocking && r->native,
					 &r->queue_id[i]);
		must(r->queue[i], "FAULT_QUEUE_ALLOC");
	}
	r->devices = devices;
	for (i = 0; i < devices; i++) {
		must(make_device(r, &r->dev[i]), "mock device");
		if (!i)
			must(iommu_hwpt_paging(r->fd, r->dev[0].dev, r->ioas,
					       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					       &r->parent), "HWPT_ALLOC");
		must(iommu_hwpt_nested(r->fd, r->dev[i].dev, r->parent,
				       IOMMU_HWPT_FAULT_ID_VALID,
				       r->queue_id[i % queues],
				       IOMMU_HWPT_DATA_SELFTEST, &table,
				       sizeof(table), &r->nested[i]),
		     "nested HWPT_ALLOC");
		must(rig_attach(r, r->dev[i].stdev, r->nested[i]), "attach");
	}
}

void rig_close(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < r->devices; i++)
		must(iommu_destroy(r->fd, r->dev[i].stdev), "DESTROY");
	for (i = 0; i < r->queues; i++)
		close(r->queue[i]);
	close(r->fd);
}

int rig_report(struct rig *r, unsigned int dev, __u32 grpid)
{
	struct iommu_test_cmd cmd = {
		.size = TEST_SIZE,
		.op = IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = {
			.dev_id = dev < r->devices ? r->dev[dev].dev : ~0U,
			.pasid = 0,
			.grpid = grpid,
			.perm = IOMMU_PGFAULT_PERM_READ |
				IOMMU_PGFAULT_PERM_WRITE,
			.addr = FAULT_IOVA,
		},
	};

	return ioctl(r->fd, IOMMU_TEST_CMD, &cmd);
}

int rig_look_up(struct rig *r)
{
	struct iommu_test_cmd cmd = {
		.size = TEST_SIZE,
		.op = IOMMU_TEST_OP_MD_CHECK_IOTLB,
		.id = r->nested[0],
		.check_iotlb = {
			.id = 0,
			.iotlb = 0,
		},
	};

	return ioctl(r->fd, IOMMU_TEST_CMD, &cmd);
}
