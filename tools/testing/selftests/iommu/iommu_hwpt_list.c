// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMU_HWPT_ALLOC for a list of mock devices that differ in all that tables can differ
 * in: every order of every subset, with and without something mapped, is foretold from
 * what each device says of itself. And an IOAS that they are attached to in every order.
 */
#include "map_trace.h"
#include "probe_list_test.h"

/* In what all of them can map but one */
#define SPOT_COMMON	0x2f000000ULL

static const __u32 kinds[LIST_MAX] = {
	MOCK_FLAGS_DEVICE_RESERVED,
	MOCK_FLAGS_DEVICE_HUGE_IOVA | MOCK_FLAGS_DEVICE_NARROW,
	MOCK_FLAGS_DEVICE_ANY_PAGES | MOCK_FLAGS_DEVICE_TWO_WIDTHS |
		MOCK_FLAGS_DEVICE_NO_DIRTY,
	MOCK_FLAGS_DEVICE_WHOLE_PAGES | MOCK_FLAGS_DEVICE_OTHER_WIDTHS,
	MOCK_FLAGS_DEVICE_HIGH | MOCK_FLAGS_DEVICE_ANY_PAGES,
	/* Goes with none of the others */
	MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL,
};

FIXTURE(list) {
	struct listed l;
	struct mock_device d[LIST_MAX];
	__u32 home;
};

static int attach(struct listed *l, unsigned int nth, __u32 *pt)
{
	FIXTURE_DATA(list) *self = l->data;

	return mock_move(l->fd, self->d[nth].stdev, pt);
}

static int detach(struct listed *l, unsigned int nth)
{
	FIXTURE_DATA(list) *self = l->data;

	return mock_replace(l->fd, self->d[nth].stdev, self->home);
}

FIXTURE_SETUP(list)
{
	struct listed *l = &self->l;
	unsigned int i;

	l->fd = iommu_open();
	if (l->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, l->fd);
	l->data = self;
	l->attach = attach;
	l->detach = detach;
	l->memory = mem_get(2 * PAGE);
	ASSERT_NE(NULL, l->memory);
	ASSERT_EQ(0, iommu_ioas_alloc(l->fd, &self->home));
	for (i = 0; i < LIST_MAX; i++) {
		ASSERT_EQ(0, mock_device(l->fd, self->home, kinds[i],
					 &self->d[i]));
		l->dev[l->num++] = self->d[i].dev;
	}
	ASSERT_EQ(0, listed_probe(l));
}

FIXTURE_TEARDOWN(list)
{
	self->l.num = LIST_MAX;
	listed_free(&self->l);
	close(self->l.fd);
}

/* 6! / 0! + 6! / 1! + ...; the same of 5; of 4, with a place for a map in each */
#define ORDERS		1956
#define ORDERS_OF_5	325
#define ORDERS_OF_4_AND_A_MAP	(4 * 2 + 12 * 3 + 24 * 4 + 24 * 5)

TEST_F_TIMEOUT(list, every_order, 900)
{
	__u32 flags;
	unsigned int tried;

	for (flags = 0; flags < 4; flags++) {
		ASSERT_EQ(0, try_all_lists(&self->l, flags, &tried));
		ASSERT_EQ(ORDERS, tried);
	}
}

/* Each spot is one that some of the devices cannot have, or not so aligned. */
TEST_F_TIMEOUT(list, every_order_with_a_mapping, 900)
{
	static const struct {
		__u64 at;
		__u64 length;
	} spots[] = {
		{ SPOT_COMMON, PAGE },
		{ IOVA_BASE, PAGE },
		{ MOCK_RESERVED_START + PAGE, PAGE },
		{ MOCK_RESERVED_START - PAGE, 2 * PAGE },
		{ (1ULL << 31) - PAGE, PAGE },
		{ SPOT_COMMON + MOCK_PAGE, 2 * PAGE },
		{ SPOT_COMMON, MOCK_PAGE },
		{ SPOT_COMMON, 100 },
	};
	unsigned int i, tried;

	self->l.num = 5;
	for (i = 0; i < ARRAY_LEN(spots); i++) {
		self->l.spot = spots[i].at;
		self->l.spot_length = spots[i].length;
		ASSERT_EQ(0, try_all_lists(&self->l, 0, &tried))
			TH_LOG("mapped: %#llx", (unsigned long long)spots[i].at);
		ASSERT_EQ(ORDERS_OF_5, tried);
	}
}

/* What shares a HWPT does not depend on who came first, nor on when it was mapped. */
TEST_F_TIMEOUT(list, any_order_on_an_ioas, 900)
{
	struct ended *first = calloc(1, sizeof(*first));
	struct ended *ended = calloc(1, sizeof(*ended));
	unsigned int at;

	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, ended);
	/* One of the two that have nothing in common, two that are alike */
	ASSERT_EQ(0, iommu_destroy(self->l.fd, self->d[1].stdev));
	ASSERT_EQ(0, mock_device(self->l.fd, self->home, kinds[0],
				 &self->d[1]));
	self->l.num = 5;
	self->l.spot = SPOT_COMMON;
	self->l.spot_length = PAGE;
	for (at = 0; at <= LIST_MAX + 1; at++) {
		ASSERT_EQ(0, try_all_attaches(&self->l, at, ended));
		ASSERT_EQ(ORDERS_OF_5, ended->tried);
		if (!at)
			*first = *ended;
		EXPECT_EQ(0, memcmp(first->with, ended->with,
				    sizeof(first->with)));
	}
	/* Alike: one HWPT; not alike, although it would suit: two */
	EXPECT_EQ(0, first->with[0x03][1]);
	EXPECT_EQ(2, first->with[0x05][2]);
	free(first);
	free(ended);
}

/*
 * MAP first, then who cannot have it is refused; or who cannot have it first, then MAP is:
 * whatever the order, it is as the probe foretells.
 */
TEST_F_TIMEOUT(list, map_and_attach_in_any_order, 600)
{
	static const struct {
		__u64 at;
		__u64 length;
	} spots[] = {
		{ SPOT_COMMON, PAGE },
		{ MOCK_RESERVED_START - PAGE, 2 * PAGE },
		{ IOVA_BASE, PAGE },
		{ SPOT_COMMON, MOCK_PAGE },
	};
	struct crossed crossed = { 0 };
	unsigned int i;

	self->l.num = 4;
	for (i = 0; i < ARRAY_LEN(spots); i++) {
		self->l.spot = spots[i].at;
		self->l.spot_length = spots[i].length;
		ASSERT_EQ(0, try_all_crossed(&self->l, &crossed))
			TH_LOG("mapped: %#llx", (unsigned long long)spots[i].at);
	}
	/* Each has happened */
	EXPECT_LT(0, crossed.attach_refused);
	EXPECT_LT(0, crossed.map_refused);
	EXPECT_EQ(ARRAY_LEN(spots) * ORDERS_OF_4_AND_A_MAP, crossed.tried);
}

/* Another driver, and a driver that has each unit's devices to itself */
TEST_F(list, other_drivers)
{
	const __u32 kind = MOCK_FLAGS_DEVICE_FOREIGN |
			   MOCK_FLAGS_DEVICE_UNATTACHED;
	__u32 ioas, hwpt, who, why, i;
	struct mock_device f[3], unsaid;
	struct probe p[2], both;
	int fd = self->l.fd;
	__u16 what;

	ASSERT_EQ(0, mock_device(fd, 0, kind, &f[0]));
	ASSERT_EQ(0, mock_device(fd, 0, kind, &f[1]));
	ASSERT_EQ(0, mock_device(fd, 0, kind | MOCK_FLAGS_DEVICE_OTHER_UNIT,
				 &f[2]));
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	{
		__u32 alike[] = { f[0].dev, f[1].dev };
		__u32 units[] = { f[0].dev, f[1].dev, f[2].dev };
		__u32 back[] = { f[2].dev, f[1].dev, f[0].dev };
		__u32 drivers[] = { f[0].dev, f[1].dev, self->d[0].dev };
		__u32 ours[] = { self->d[0].dev, f[2].dev };

		ASSERT_EQ(0, iommu_hwpt_for(fd, alike, 2, ioas, 0, &hwpt, &who,
					    &why));
		EXPECT_EQ(0, iommu_destroy(fd, hwpt));
		EXPECT_EQ(-EXDEV, iommu_hwpt_for(fd, units, 3, ioas, 0, &hwpt,
						 &who, &why));
		EXPECT_EQ(f[2].dev, who);
		EXPECT_EQ(IOMMU_PROBE_UNIT, why);
		EXPECT_EQ(-EXDEV, iommu_hwpt_for(fd, back, 3, ioas, 0, &hwpt,
						 &who, &why));
		EXPECT_EQ(f[1].dev, who);
		EXPECT_EQ(IOMMU_PROBE_UNIT, why);
		EXPECT_EQ(-EXDEV, iommu_hwpt_for(fd, drivers, 3, ioas, 0, &hwpt,
						 &who, &why));
		EXPECT_EQ(self->d[0].dev, who);
		EXPECT_EQ(IOMMU_PROBE_DRIVER, why);
		EXPECT_EQ(-EXDEV, iommu_hwpt_for(fd, ours, 2, ioas, 0, &hwpt,
						 &who, &why));
		EXPECT_EQ(f[2].dev, who);
		EXPECT_EQ(IOMMU_PROBE_DRIVER, why);
	}
	/* What no property says, our own driver may know */
	ASSERT_EQ(0, mock_device(fd, 0, MOCK_FLAGS_DEVICE_OTHER_UNIT |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &unsaid));
	for (i = 0; i < 3; i++) {
		__u32 devs[] = { self->d[0].dev, self->d[0].dev,
				 self->d[0].dev };

		devs[i] = unsaid.dev;
		EXPECT_EQ(-EXDEV, iommu_hwpt_for(fd, devs, 3, ioas, 0, &hwpt,
						 &who, &why));
		EXPECT_EQ(devs[i ? i : 1], who);
		EXPECT_EQ(IOMMU_PROBE_UNIT, why);
	}
	/* All but this the probe foretells */
	ASSERT_EQ(0, probe_read(fd, f[0].dev, &p[0]));
	ASSERT_EQ(0, probe_read(fd, f[2].dev, &p[1]));
	EXPECT_EQ(-EXDEV, probe_combine(&p[0], &p[1], &both, &what));
	EXPECT_EQ(IOMMU_PROBE_UNIT, what);
	EXPECT_EQ(-EXDEV, probe_combine(&p[0], &self->l.probe[0], &both, &what));
	EXPECT_EQ(IOMMU_PROBE_DRIVER, what);
	for (i = 0; i < 2; i++)
		probe_free(&p[i]);
}

/* All the work is done when the HWPT is made: attaching maps nothing. */
TEST_F(list, attaching_maps_nothing)
{
	__u32 devs[] = { self->d[0].dev, self->d[2].dev };
	__u32 ioas, hwpt, who, why, pt;
	int n;

	if (!map_trace_begin())
		SKIP(return, "the IOMMU core cannot be traced");
	ASSERT_EQ(0, iommu_ioas_alloc(self->l.fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->l.fd, ioas, self->l.memory, 2 * PAGE,
			       SPOT_COMMON));
	ASSERT_EQ(0, iommu_hwpt_for(self->l.fd, devs, 2, ioas, 0, &hwpt, &who,
				    &why));
	EXPECT_EQ(0, who);
	n = map_traced();
	EXPECT_LT(0, n);
	pt = hwpt;
	ASSERT_EQ(0, attach(&self->l, 0, &pt));
	ASSERT_EQ(0, attach(&self->l, 2, &pt));
	EXPECT_EQ(n, map_traced());
	EXPECT_EQ(0, mock_maps(self->l.fd, hwpt, self->l.memory, 2 * PAGE,
			       SPOT_COMMON));
	/* Without a list there is work to do */
	ASSERT_EQ(0, detach(&self->l, 0));
	pt = ioas;
	ASSERT_EQ(0, attach(&self->l, 0, &pt));
	EXPECT_NE(hwpt, pt);
	EXPECT_LT(n, map_traced());
	ASSERT_EQ(0, detach(&self->l, 0));
	ASSERT_EQ(0, detach(&self->l, 2));
	EXPECT_EQ(0, map_trace_end());
}

/* Who can have all its DMA snooped has that wherever it is attached, without a list too. */
TEST_F(list, snooped_everywhere)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	const __u32 unsnooped = self->d[5].dev;
	struct mock_device loose, pasids;
	__u32 ioas, hwpt, parent, nested, pt;
	int fd = self->l.fd;

	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(fd, unsnooped, ioas, 0, 0, &hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(fd, unsnooped, ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, mock_device(fd, 0, MOCK_FLAGS_DEVICE_UNATTACHED, &loose));
	ASSERT_EQ(0, mock_device(fd, self->home, MOCK_FLAGS_DEVICE_PASID,
				 &pasids));
	ASSERT_EQ(0, iommu_hwpt_nested(fd, loose.dev, parent, 0, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &nested));
	pt = hwpt;
	EXPECT_EQ(-EINVAL, mock_pasid(fd, IOMMU_TEST_OP_PASID_ATTACH,
				      loose.stdev, 0, &pt));
	pt = nested;
	EXPECT_EQ(-EINVAL, mock_pasid(fd, IOMMU_TEST_OP_PASID_ATTACH,
				      loose.stdev, 0, &pt));
	pt = hwpt;
	EXPECT_EQ(-EINVAL, attach(&self->l, 0, &pt));
	pt = hwpt;
	EXPECT_EQ(-EINVAL, mock_pasid(fd, IOMMU_TEST_OP_PASID_ATTACH,
				      pasids.stdev, 5, &pt));
	/* The one that it was made for; on the IOAS each has its own */
	pt = hwpt;
	EXPECT_EQ(0, attach(&self->l, 5, &pt));
	pt = ioas;
	EXPECT_EQ(0, attach(&self->l, 0, &pt));
	EXPECT_NE(hwpt, pt);
	/* It cannot be had from the other side either: so says the mock */
	EXPECT_EQ(-EINVAL, attach(&self->l, 5, &pt));
	EXPECT_EQ(0, detach(&self->l, 0));
	EXPECT_EQ(0, detach(&self->l, 5));
}

/* Reserved regions of the listed are kept free as long as the HWPT lives. */
TEST_F(list, listed_regions_stay_free)
{
	__u32 devs[] = { self->d[2].dev, self->d[0].dev };
	__u32 ioas, hwpt, who, why, pt;

	ASSERT_EQ(0, iommu_ioas_alloc(self->l.fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_for(self->l.fd, devs, 2, ioas, 0, &hwpt, &who,
				    &why));
	EXPECT_EQ(-EINVAL, iommu_map(self->l.fd, ioas, self->l.memory, PAGE,
				     MOCK_RESERVED_START));
	pt = hwpt;
	ASSERT_EQ(0, attach(&self->l, 0, &pt));
	ASSERT_EQ(0, detach(&self->l, 0));
	EXPECT_EQ(-EINVAL, iommu_map(self->l.fd, ioas, self->l.memory, PAGE,
				     MOCK_RESERVED_START));
	ASSERT_EQ(0, iommu_destroy(self->l.fd, hwpt));
	EXPECT_EQ(0, iommu_map(self->l.fd, ioas, self->l.memory, PAGE,
			       MOCK_RESERVED_START));
}

TEST_F(list, refused)
{
	__u32 many[IOMMU_HWPT_DEVICES_MAX + 1], ioas, hwpt, who, why, i;
	__u32 nested[] = { self->d[0].dev, self->d[0].dev };
	struct iommu_hwpt_alloc c = { .size = sizeof(c) };
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct fdinfo before, after;
	int fd = self->l.fd;

	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	for (i = 0; i < ARRAY_LEN(many); i++)
		many[i] = self->d[0].dev;
	state_of(fd, &before);
	EXPECT_EQ(-EINVAL, iommu_hwpt_for(fd, many, ARRAY_LEN(many), ioas, 0,
					  &hwpt, &who, &why));
	many[7] = 1000000;
	EXPECT_EQ(-ENOENT, iommu_hwpt_for(fd, many, IOMMU_HWPT_DEVICES_MAX,
					  ioas, 0, &hwpt, &who, &why));
	many[7] = ioas;
	EXPECT_EQ(-ENOENT, iommu_hwpt_for(fd, many, 8, ioas, 0, &hwpt, &who,
					  &why));
	many[7] = many[0];
	EXPECT_EQ(-EINVAL, iommu_hwpt_for(fd, many, 2, 1000000, 0, &hwpt, &who,
					  &why));
	EXPECT_EQ(-EINVAL, iommu_hwpt_for(fd, many, 2, self->d[0].stdev, 0,
					  &hwpt, &who, &why));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_for(fd, many, 2, ioas, 1U << 31,
					      &hwpt, &who, &why));
	EXPECT_EQ(-ENOENT, iommu_hwpt_for(fd, many, 2, ioas,
					  IOMMU_HWPT_FAULT_ID_VALID, &hwpt,
					  &who, &why));
	c.dev_id = many[0];
	c.pt_id = ioas;
	c.num_devs = 2;
	c.devs_uptr = (uintptr_t)no_memory();
	EXPECT_EQ(-EFAULT, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
	c.devs_uptr = (uintptr_t)mem_before_hole() + PAGE - sizeof(*many);
	EXPECT_NE(0, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
	c.devs_uptr = (uintptr_t)many;
	c.__reserved3 = 1;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
	c.__reserved3 = 0;
	/* No device is to blame, whatever stood there before */
	c.pt_id = 1000000;
	c.out_dev_id = many[0];
	c.out_property = 1;
	EXPECT_EQ(-EINVAL, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
	EXPECT_EQ(0, c.out_dev_id);
	EXPECT_EQ(0, c.out_property);
	c.pt_id = ioas;
	state_of(fd, &after);
	EXPECT_STREQ(before.text, after.text);

	/* A list is for paging HWPTs */
	ASSERT_EQ(0, iommu_hwpt_for(fd, many, IOMMU_HWPT_DEVICES_MAX, ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpt, &who,
				    &why));
	c = (struct iommu_hwpt_alloc){
		.size = sizeof(c),
		.dev_id = many[0],
		.pt_id = hwpt,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
		.devs_uptr = (uintptr_t)nested,
		.num_devs = 2,
	};
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
	c.num_devs = 0;
	EXPECT_EQ(0, iommu_call(fd, IOMMU_HWPT_ALLOC, &c));
}

/* A queue for one device does not serve a list with another. */
TEST_F(list, with_a_fault_queue)
{
	__u32 devs[] = { self->d[0].dev, self->d[2].dev };
	__u32 ioas, hwpt, queue_id;
	struct iommu_hwpt_alloc c;
	int queue;

	ASSERT_EQ(0, iommu_ioas_alloc(self->l.fd, &ioas));
	queue = iommu_fault_queue(self->l.fd, 16, 0, devs[0], &queue_id);
	ASSERT_LE(0, queue);
	c = (struct iommu_hwpt_alloc){
		.size = sizeof(c),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = devs[0],
		.pt_id = ioas,
		.fault_id = queue_id,
		.devs_uptr = (uintptr_t)devs,
		.num_devs = 2,
	};
	EXPECT_EQ(-EINVAL, iommu_call(self->l.fd, IOMMU_HWPT_ALLOC, &c));
	c.num_devs = 1;
	EXPECT_EQ(0, iommu_call(self->l.fd, IOMMU_HWPT_ALLOC, &c));
	hwpt = c.out_hwpt_id;
	EXPECT_EQ(-EBUSY, iommu_destroy(self->l.fd, queue_id));
	EXPECT_EQ(0, iommu_destroy(self->l.fd, hwpt));
	close(queue);
}

TEST_HARNESS_MAIN
