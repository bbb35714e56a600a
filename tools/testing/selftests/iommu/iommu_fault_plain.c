// SPDX-License-Identifier: GPL-2.0
/*
 * The mock device that benchmarks use: its faults take the way that all take, and it
 * remembers none of them.
 */
#include "fault_test.h"

FIXTURE(plain) {
	int fd;
	int queue;
	__u32 ioas;
	__u32 hwpt;
	struct mock_device dev;
};

FIXTURE_SETUP(plain)
{
	__u32 queue_id;

	self->queue = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, MOCK_FLAGS_DEVICE_PLAIN,
				 &self->dev));
	self->queue = iommu_fault_queue(self->fd, 0, 0, 0, &queue_id);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, queue_id,
				       &self->hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->hwpt));
}

FIXTURE_TEARDOWN(plain)
{
	if (self->queue >= 0)
		close(self->queue);
	if (self->fd >= 0)
		close(self->fd);
}

static int trigger(int fd, __u32 dev, __u32 grpid)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = {
			.dev_id = dev,
			.grpid = grpid,
			.perm = IOMMU_PGFAULT_PERM_READ,
			.addr = 0x5000,
		},
	};

	return iommu_call(fd, IOMMU_TEST_CMD, &cmd);
}

TEST_F(plain, faults_and_answers)
{
	struct iommu_hwpt_pgfault r[4];
	__u32 i;

	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, trigger(self->fd, self->dev.dev, i));
	ASSERT_EQ(3, iommu_fault_read(self->queue, r, 4));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i + 1, r[i].grpid);
		EXPECT_EQ(self->dev.dev, r[i].dev_id);
		EXPECT_EQ(0x5000, r[i].addr);
		EXPECT_EQ(0, iommu_fault_answer(self->queue, r[i].cookie,
						IOMMUFD_PAGE_RESP_SUCCESS));
		/* The door knows that it was answered, if the device does not. */
		EXPECT_EQ(-EINVAL,
			  iommu_fault_answer(self->queue, r[i].cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	}
	/* One is left for the close. */
	EXPECT_EQ(0, trigger(self->fd, self->dev.dev, 4));
}

TEST_F(plain, sends_nothing_when_requests_are_off)
{
	struct iommu_hwpt_pgfault r;

	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->ioas));
	ASSERT_EQ(0, trigger(self->fd, self->dev.dev, 1));
	EXPECT_EQ(0, iommu_fault_read(self->queue, &r, 1));
}

TEST_F(plain, remembers_nothing)
{
	struct mock_ledger l = { .requests = 1 }, none = { 0 };

	ASSERT_EQ(0, trigger(self->fd, self->dev.dev, 1));
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(0, memcmp(&l, &none, sizeof(l)));
}

TEST_F(plain, does_nothing_else)
{
	struct mock_report report = {
		.dev = self->dev.dev,
		.flags = MOCK_REPORT_EACH_LAST,
		.count = 1,
	};
	char byte = 0;
	struct mock_dma dma = {
		.dev = self->dev.dev,
		.data = &byte,
		.length = 1,
	};

	EXPECT_EQ(-EINVAL, mock_report(self->fd, &report));
	EXPECT_EQ(-EINVAL, mock_dma(self->fd, &dma));
}

TEST_HARNESS_MAIN
