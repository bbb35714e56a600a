// SPDX-License-Identifier: GPL-2.0
/*
 * vIOMMUs on the mock: a guest's share of a unit, the names it has for its
 * devices, nested HWPTs made through it, and its invalidation commands; who keeps
 * whom, and in which order it goes.
 *
 * What this does not show: what a real driver makes of a guest's commands.
 */
#include "viommu_test.h"

FIXTURE(viommu) {
	struct viommu_test t;
};

FIXTURE_SETUP(viommu)
{
	int rc = vt_init(&self->t);

	if (rc == VT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(viommu)
{
	vt_exit(&self->t);
}

/* --- making one --- */

TEST_F(viommu, alloc_bad_input)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_selftest data[2] = { { .in_data = 1 } };
	const struct iommu_viommu_alloc good = {
		.size = sizeof(good),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = t->dev.dev,
		.hwpt_id = t->parent,
	};
	struct iommu_viommu_alloc c = good;
	struct fdinfo before, after;
	unsigned int i;
	__u32 plain;

	ASSERT_EQ(0, iommu_hwpt_paging(t->fd, t->dev.dev, t->ioas, 0,
				       0, &plain));
	state_of(t->fd, &before);
	for (i = 0; i < 32; i++) {
		c.flags = 1U << i;
		EXPECT_EQ(-EOPNOTSUPP, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC,
						  &c));
	}
	c = good;
	c.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c = good;
	c.type = IOMMU_VIOMMU_TYPE_DEFAULT;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c = good;
	c.hwpt_id = plain;
	EXPECT_EQ(-EINVAL, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c.hwpt_id = t->ioas;
	EXPECT_EQ(-ENOENT, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c.hwpt_id = t->viommu;
	EXPECT_EQ(-ENOENT, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c = good;
	c.dev_id = t->parent;
	EXPECT_EQ(-ENOENT, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));

	/* Data: too short, too long, not there */
	c = good;
	c.data_uptr = (uintptr_t)data;
	c.data_len = 4;
	EXPECT_EQ(-EINVAL, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c.data_len = sizeof(data);
	EXPECT_EQ(-EINVAL, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	c.data_len = sizeof(data[0]);
	c.data_uptr = (uintptr_t)no_memory();
	EXPECT_EQ(-EFAULT, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(0, data[0].out_data);
}

/* A driver that has no vIOMMUs */
TEST_F(viommu, alloc_for_another_driver)
{
	struct viommu_test *t = &self->t;
	struct fdinfo before, after;
	struct mock_device d;
	__u32 parent, viommu;

	ASSERT_EQ(0, mock_device(t->fd, t->ioas, MOCK_FLAGS_DEVICE_FOREIGN,
				 &d));
	ASSERT_EQ(0, iommu_hwpt_paging(t->fd, d.dev, t->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	state_of(t->fd, &before);
	EXPECT_EQ(-EOPNOTSUPP, iommu_viommu(t->fd, d.dev, parent,
					    IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0,
					    &viommu));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

TEST_F(viommu, alloc_with_data)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_selftest data = { .in_data = 0xbeef };
	__u32 id;

	ASSERT_EQ(0, iommu_viommu(t->fd, t->dev.dev, t->parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, &data,
				  sizeof(data), &id));
	EXPECT_EQ(0xbeef, data.out_data);
	EXPECT_NE(t->viommu, id);
	/* Programs that know less of the structure than the kernel does */
	data.out_data = 0;
	ASSERT_EQ(0, iommu_viommu(t->fd, t->dev.dev, t->parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, &data, 8, &id));
	EXPECT_EQ(0xbeef, data.out_data);
}

/* The shortest structure of a later kernel's first release has no data. */
TEST_F(viommu, alloc_of_an_older_program)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_alloc c = {
		.size = offsetof(struct iommu_viommu_alloc, data_len),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = t->dev.dev,
		.hwpt_id = t->parent,
		.data_len = 77,
	};

	ASSERT_EQ(0, iommu_call(t->fd, IOMMU_VIOMMU_ALLOC, &c));
	EXPECT_EQ(0, iommu_destroy(t->fd, c.out_viommu_id));
}

/* --- who keeps whom --- */

TEST_F(viommu, goes_after_what_hangs_off_it)
{
	struct viommu_test *t = &self->t;
	enum { VDEVICE, NESTED, QUEUE, KINDS };
	static const int orders[][KINDS] = {
		{ VDEVICE, NESTED, QUEUE }, { VDEVICE, QUEUE, NESTED },
		{ NESTED, VDEVICE, QUEUE }, { NESTED, QUEUE, VDEVICE },
		{ QUEUE, VDEVICE, NESTED }, { QUEUE, NESTED, VDEVICE },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(orders); i++) {
		__u32 viommu, id[KINDS];
		int queue;

		ASSERT_EQ(0, vt_viommu(t, &viommu));
		ASSERT_EQ(0, iommu_vdevice(t->fd, viommu, t->dev.dev,
					   VIRT_ID, &id[VDEVICE]));
		ASSERT_EQ(0, vt_nested(t, viommu, &id[NESTED]));
		queue = iommu_veventq(t->fd, viommu,
				      IOMMU_VEVENTQ_TYPE_SELFTEST, 2,
				      &id[QUEUE]);
		ASSERT_LE(0, queue);
		EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, id[QUEUE]));
		ASSERT_EQ(0, close(queue));

		for (j = 0; j < KINDS; j++) {
			EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, viommu));
			EXPECT_EQ(-EBUSY, iommu_destroy(t->fd,
							t->parent));
			ASSERT_EQ(0, iommu_destroy(t->fd, id[orders[i][j]]));
		}
		EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->parent));
		ASSERT_EQ(0, iommu_destroy(t->fd, viommu));
	}
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->parent));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->viommu));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->parent));
}

/* Whatever is there when the last file is closed goes in the right order. */
TEST_F(viommu, goes_with_its_file)
{
	struct viommu_test *t = &self->t;

	ASSERT_EQ(0, vt_guest(t, 4));
	ASSERT_EQ(0, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(0, close(t->fd));
	t->fd = open("/dev/null", O_RDONLY);
	/* The queue's file has kept all of it until now. */
	ASSERT_EQ(0, close(t->queue));
	t->queue = -1;
}

TEST_F(viommu, outlives_its_device)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_invalidate_selftest inv = { .vdev_id = VIRT_ID };
	__u32 ids[64], num = 1, vdevice;
	struct fdinfo info;
	unsigned int i;

	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &vdevice));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->dev.stdev));

	/* The name is gone with the device, the vIOMMU is not. */
	EXPECT_EQ(-ENOENT, iommu_destroy(t->fd, vdevice));
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu,
						 IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
						 &inv, sizeof(inv), &num));
	EXPECT_EQ(0, num);
	state_of(t->fd, &info);
	EXPECT_EQ(NULL, strstr(info.text, "vdevice"));

	/* Nothing else gets the id, so that a belated DESTROY hits nothing. */
	for (i = 0; i < ARRAY_LEN(ids); i++) {
		ASSERT_EQ(0, iommu_ioas_alloc(t->fd, &ids[i]));
		EXPECT_NE(vdevice, ids[i]);
	}
	EXPECT_EQ(-ENOENT, iommu_destroy(t->fd, vdevice));

	/* Another device takes the guest's name over. */
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->other.dev,
				   VIRT_ID, &vdevice));
	num = 1;
	EXPECT_EQ(0, iommu_hwpt_invalidate(t->fd, t->viommu,
					   IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
					   &inv, sizeof(inv), &num));
	EXPECT_EQ(0, mock_cache_is(t->fd, t->other.dev, 0, 0));
	ASSERT_EQ(0, iommu_destroy(t->fd, vdevice));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->viommu));
}

/* --- names of devices --- */

TEST_F(viommu, one_name_for_one_device)
{
	struct viommu_test *t = &self->t;
	struct fdinfo before, after;
	__u32 viommu, id, id2;

	ASSERT_EQ(0, vt_viommu(t, &viommu));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &id));
	state_of(t->fd, &before);
	EXPECT_NE(NULL, strstr(before.text, "virt-id=0x99"));
	/* The device has a name, here and everywhere. */
	EXPECT_EQ(-EEXIST, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
					 VIRT_ID, &id2));
	EXPECT_EQ(-EEXIST, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
					 OTHER_VIRT_ID, &id2));
	EXPECT_EQ(-EEXIST, iommu_vdevice(t->fd, viommu, t->dev.dev,
					 OTHER_VIRT_ID, &id2));
	/* The name has a device, in this vIOMMU. */
	EXPECT_EQ(-EEXIST, iommu_vdevice(t->fd, t->viommu,
					 t->other.dev, VIRT_ID, &id2));
	/* No name at all */
	EXPECT_EQ(-EINVAL, iommu_vdevice(t->fd, t->viommu,
					 t->other.dev, 1ULL << 32, &id2));
	EXPECT_EQ(-EINVAL, iommu_vdevice(t->fd, t->viommu,
					 t->other.dev, ~0ULL, &id2));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);

	ASSERT_EQ(0, iommu_vdevice(t->fd, viommu, t->other.dev, VIRT_ID,
				   &id2));
	ASSERT_EQ(0, iommu_destroy(t->fd, id2));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->other.dev,
				   0xffffffff, &id2));
	/* What was destroyed can be made again. */
	ASSERT_EQ(0, iommu_destroy(t->fd, id));
	EXPECT_EQ(-ENOENT, iommu_destroy(t->fd, id));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev, 0,
				   &id));
}

/* --- tables through it --- */

TEST_F(viommu, nested_bad_input)
{
	struct viommu_test *t = &self->t;
	struct iommu_hwpt_selftest data = { 0 };
	struct fdinfo before, after;
	__u32 id;

	state_of(t->fd, &before);
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_nested(t->fd, t->dev.dev,
						 t->viommu, 0, 0, 0x77,
						 &data, sizeof(data), &id));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_nested(t->fd, t->dev.dev,
						 t->viommu, 0, 0,
						 IOMMU_HWPT_DATA_NONE, NULL, 0,
						 &id));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(t->fd, t->dev.dev, t->viommu,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	EXPECT_EQ(-EFAULT, iommu_hwpt_nested(t->fd, t->dev.dev,
					     t->viommu, 0, 0,
					     IOMMU_HWPT_DATA_SELFTEST,
					     no_memory(), sizeof(data), &id));
	EXPECT_EQ(-EINVAL, iommu_hwpt_nested(t->fd, t->dev.dev,
					     t->viommu, 0, 0,
					     IOMMU_HWPT_DATA_SELFTEST, &data, 1,
					     &id));
	EXPECT_EQ(-ENOENT, iommu_hwpt_nested(t->fd, t->ioas,
					     t->viommu, 0, 0,
					     IOMMU_HWPT_DATA_SELFTEST, &data,
					     sizeof(data), &id));
	EXPECT_EQ(-ENOENT,
		  iommu_hwpt_nested(t->fd, t->dev.dev, t->viommu,
				    IOMMU_HWPT_FAULT_ID_VALID, t->ioas,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	/* A vIOMMU is nothing that a device is attached to. */
	EXPECT_EQ(-EINVAL, mock_replace(t->fd, t->dev.stdev,
					t->viommu));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

/* The guest's page 5 is byte 0 of the memory; its table is behind that. */
TEST_F(viommu, nested_translates)
{
	struct viommu_test *t = &self->t;
	char *memory = mem_get(2 * PAGE), byte = 0;
	struct iommu_hwpt_selftest_s1 data = {
		.table = IOVA_BASE + PAGE,
		.levels = 1,
	};
	struct mock_dma d = {
		.dev = t->dev.dev,
		.timeout_ms = FOREVER_MS,
		.iova = 5 * PAGE,
		.data = &byte,
		.length = 1,
	};
	struct fdinfo info;
	__u32 hwpt, vdevice;
	__u64 *table;

	ASSERT_NE(NULL, memory);
	table = (__u64 *)(memory + PAGE);
	memory[0] = 42;
	table[5] = IOVA_BASE | MOCK_S1_PRESENT;
	ASSERT_EQ(0, iommu_map(t->fd, t->ioas, memory, 2 * PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_nested(t->fd, t->dev.dev, t->viommu, 0,
				       0, IOMMU_HWPT_DATA_SELFTEST_S1, &data,
				       sizeof(data), &hwpt));
	/* The mock wants a name for the device first, as SMMUv3 does. */
	EXPECT_EQ(-ENOENT, mock_replace(t->fd, t->dev.stdev, hwpt));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &vdevice));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev.stdev, hwpt));
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, hwpt));
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->viommu));
	state_of(t->fd, &info);
	EXPECT_NE(NULL, strstr(info.text, " viommu="));

	ASSERT_EQ(0, mock_dma(t->fd, &d));
	EXPECT_EQ(MOCK_DMA_OK, d.status);
	EXPECT_EQ(42, byte);
	/* The name may go while the device is there, and only the name does. */
	ASSERT_EQ(0, iommu_destroy(t->fd, vdevice));
	byte = 0;
	ASSERT_EQ(0, mock_dma(t->fd, &d));
	EXPECT_EQ(MOCK_DMA_OK, d.status);
	EXPECT_EQ(42, byte);
	ASSERT_EQ(0, mock_replace(t->fd, t->dev.stdev, t->ioas));
	ASSERT_EQ(0, iommu_destroy(t->fd, hwpt));
}

/* Faults and events of it go where those of any nested HWPT go. */
TEST_F(viommu, nested_with_queues)
{
	struct viommu_test *t = &self->t;
	struct iommu_hwpt_selftest data = { .iotlb = 3 };
	struct mock_report r = {
		.dev = t->dev.dev,
		.flags = MOCK_REPORT_LAST,
		.perm = IOMMU_PGFAULT_PERM_READ,
		.count = 1,
		.addr = IOVA_BASE,
	};
	struct iommu_hwpt_pgfault fault;
	__u32 fault_id, hwpt, vdevice;
	int queue;

	queue = iommu_fault_queue(t->fd, 8, 0, 0, &fault_id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, iommu_hwpt_nested(t->fd, t->dev.dev, t->viommu,
				       IOMMU_HWPT_FAULT_ID_VALID, fault_id,
				       IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &hwpt));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &vdevice));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev.stdev, hwpt));
	ASSERT_EQ(0, mock_report(t->fd, &r));
	EXPECT_EQ(1, r.taken);
	ASSERT_EQ(1, iommu_fault_read(queue, &fault, 1));
	EXPECT_EQ(t->dev.dev, fault.dev_id);
	ASSERT_EQ(0, mock_replace(t->fd, t->dev.stdev, t->ioas));
	ASSERT_EQ(0, iommu_destroy(t->fd, hwpt));
	ASSERT_EQ(0, close(queue));
	ASSERT_EQ(0, iommu_destroy(t->fd, fault_id));
}

/*
 * A device that has lost its name goes elsewhere, the other one of its group cannot
 * follow: it has to be let in again where it was.
 */
TEST_F(viommu, nested_by_a_group)
{
	struct viommu_test *t = &self->t;
	__u32 dirty, vdevice, other;
	struct mock_device d[2];

	ASSERT_EQ(0, mock_device(t->fd, t->ioas, MOCK_FLAGS_DEVICE_SHARED,
				 &d[0]));
	ASSERT_EQ(0, mock_device(t->fd, t->ioas, MOCK_FLAGS_DEVICE_SHARED |
				 MOCK_FLAGS_DEVICE_NO_DIRTY, &d[1]));
	ASSERT_EQ(0, iommu_hwpt_paging(t->fd, d[0].dev, t->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &dirty));
	ASSERT_EQ(0, vt_nested(t, t->viommu, &t->nested));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, d[0].dev, VIRT_ID,
				   &vdevice));
	/* The first one could */
	EXPECT_EQ(-ENOENT, mock_replace(t->fd, d[0].stdev, t->nested));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, d[1].dev, OTHER_VIRT_ID,
				   &other));
	ASSERT_EQ(0, mock_replace(t->fd, d[0].stdev, t->nested));

	ASSERT_EQ(0, iommu_destroy(t->fd, vdevice));
	EXPECT_EQ(-EINVAL, mock_replace(t->fd, d[0].stdev, dirty));
	/* Nobody listens; nobody knows it: but both are there. */
	EXPECT_EQ(-EOPNOTSUPP, mock_vevent(t->fd, d[1].dev));
	EXPECT_EQ(-ENOENT, mock_vevent(t->fd, d[0].dev));
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->nested));

	ASSERT_EQ(0, mock_replace(t->fd, d[0].stdev, t->ioas));
	EXPECT_EQ(-ENOENT, mock_replace(t->fd, d[0].stdev, t->nested));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->nested));
}

TEST_F(viommu, nested_by_a_pasid)
{
	struct viommu_test *t = &self->t;
	__u32 pt, vdevice;

	ASSERT_EQ(0, vt_nested(t, t->viommu, &t->nested));
	pt = t->nested;
	EXPECT_EQ(-ENOENT, iommu_pasid_attach(t->fd, t->other.dev, 7,
					      &pt));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->other.dev,
				   VIRT_ID, &vdevice));
	ASSERT_EQ(0, iommu_pasid_attach(t->fd, t->other.dev, 7, &pt));
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->nested));
	ASSERT_EQ(0, iommu_pasid_detach(t->fd, t->other.dev, 7));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->nested));
}

/* --- the guest's commands --- */

static bool cache_is(struct viommu_test *t, __u32 dev, __u32 e0, __u32 e1,
		     __u32 e2, __u32 e3)
{
	return !mock_cache_is(t->fd, dev, 0, e0) &&
	       !mock_cache_is(t->fd, dev, 1, e1) &&
	       !mock_cache_is(t->fd, dev, 2, e2) &&
	       !mock_cache_is(t->fd, dev, 3, e3);
}

#define FULL	IOMMU_TEST_DEV_CACHE_DEFAULT

TEST_F(viommu, invalidate)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_invalidate_selftest inv[3] = { { 0 } };
	__u32 num, id, id2;

	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &id));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->other.dev,
				   OTHER_VIRT_ID, &id2));
	ASSERT_TRUE(cache_is(t, t->dev.dev, FULL, FULL, FULL, FULL));
	EXPECT_EQ(-EINVAL, mock_cache_is(t->fd, t->dev.dev, 4, FULL));
	EXPECT_EQ(-EINVAL, mock_cache_is(t->fd, t->dev.dev, 0, 0));

	/* In order, to several devices, by the guest's names */
	inv[0].vdev_id = VIRT_ID;
	inv[0].cache_id = 1;
	inv[1].vdev_id = OTHER_VIRT_ID;
	inv[1].cache_id = 3;
	inv[2].vdev_id = VIRT_ID;
	inv[2].cache_id = 2;
	num = 3;
	ASSERT_EQ(0, vt_invalidate(t, inv, &num));
	EXPECT_EQ(3, num);
	EXPECT_TRUE(cache_is(t, t->dev.dev, FULL, 0, 0, FULL));
	EXPECT_TRUE(cache_is(t, t->other.dev, FULL, FULL, FULL, 0));

	inv[0].flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	num = 1;
	ASSERT_EQ(0, vt_invalidate(t, inv, &num));
	EXPECT_TRUE(cache_is(t, t->dev.dev, 0, 0, 0, 0));
	EXPECT_TRUE(cache_is(t, t->other.dev, FULL, FULL, FULL, 0));
}

/* The first one not counted is the one at fault; none after it is done. */
TEST_F(viommu, invalidate_stops_at_the_first_error)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_invalidate_selftest inv[4];
	static const struct {
		struct iommu_viommu_invalidate_selftest bad;
		int error;
	} cases[] = {
		{ { .flags = 2, .vdev_id = VIRT_ID }, -EOPNOTSUPP },
		{ { .flags = ~0U, .vdev_id = VIRT_ID }, -EOPNOTSUPP },
		{ { .vdev_id = VIRT_ID, .cache_id = 4 }, -EINVAL },
		{ { .vdev_id = VIRT_ID + 1 }, -EINVAL },
		{ { .vdev_id = 0 }, -EINVAL },
	};
	unsigned int i, at, j;
	__u32 num, id;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		for (at = 0; at < ARRAY_LEN(inv); at++) {
			struct mock_device d;

			ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &d));
			ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu,
						   d.dev, VIRT_ID, &id));
			for (j = 0; j < ARRAY_LEN(inv); j++) {
				memset(&inv[j], 0, sizeof(inv[j]));
				inv[j].vdev_id = VIRT_ID;
				inv[j].cache_id = j;
			}
			inv[at] = cases[i].bad;
			num = ARRAY_LEN(inv);
			EXPECT_EQ(cases[i].error, vt_invalidate(t, inv, &num));
			EXPECT_EQ(at, num);
			EXPECT_TRUE(cache_is(t, d.dev, at > 0 ? 0 : FULL,
					     at > 1 ? 0 : FULL,
					     at > 2 ? 0 : FULL, FULL))
				TH_LOG("case %u at %u", i, at);
			ASSERT_EQ(0, iommu_destroy(t->fd, d.stdev));
		}
	}
}

TEST_F(viommu, invalidate_bad_input)
{
	struct viommu_test *t = &self->t;
	struct iommu_viommu_invalidate_selftest inv[2] = {
		{ .vdev_id = VIRT_ID }, { .vdev_id = VIRT_ID },
	};
	const __u32 type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST;
	const __u32 len = sizeof(inv[0]);
	char *edge = mem_before_hole();
	__u32 id, num;

	ASSERT_NE(NULL, edge);
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   VIRT_ID, &id));
	/* None: a question about the type */
	num = 0;
	EXPECT_EQ(0, iommu_hwpt_invalidate(t->fd, t->viommu, type, NULL,
					   0, &num));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_invalidate(t->fd, t->viommu,
					IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
					NULL, 0, &num));
	num = 1;
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_invalidate(t->fd, t->viommu,
					IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST_INVALID,
					inv, len, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_invalidate(t->fd, t->viommu,
					IOMMU_HWPT_INVALIDATE_DATA_RANGE, inv,
					len, &num));
	EXPECT_EQ(0, num);
	/* Lengths and counts */
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 inv, len - 1, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 inv, len + 1, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 inv, PAGE + 1, &num));
	num = (1 << 19) + 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 inv, len, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 NULL, len, &num));
	EXPECT_TRUE(cache_is(t, t->dev.dev, FULL, FULL, FULL, FULL));
	/* The second one is not there to be read. */
	memcpy(edge + PAGE - len, inv, len);
	num = 2;
	EXPECT_EQ(-EFAULT, iommu_hwpt_invalidate(t->fd, t->viommu, type,
						 edge + PAGE - len, len, &num));
	EXPECT_EQ(1, num);
	EXPECT_TRUE(cache_is(t, t->dev.dev, 0, FULL, FULL, FULL));
	/* Commands are the vIOMMU's, also where a table of it is named. */
	ASSERT_EQ(0, vt_nested(t, t->viommu, &t->nested));
	num = 1;
	EXPECT_EQ(-ENOENT, iommu_hwpt_invalidate(t->fd, t->parent, type,
						 inv, len, &num));
	EXPECT_EQ(-ENOENT, iommu_hwpt_invalidate(t->fd, t->dev.dev, type,
						 inv, len, &num));
}

TEST_HARNESS_MAIN
