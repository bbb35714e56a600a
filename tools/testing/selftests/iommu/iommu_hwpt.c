// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware page tables on the mock IOMMU: paging ones, nest parents, nested
 * ones with a table that this program writes, fault queues on both kinds,
 * invalidation, and what IOMMU_GET_HW_INFO says. Fault delivery itself is tested
 * in iommu_fault.c.
 */
#include "iommu_test.h"

/* The guest's memory, from this IOVA of the parent on */
#define GUEST_PAGES	64
#define TABLE_TOP	(IOVA_BASE)
#define TABLE_LEAF	(IOVA_BASE + PAGE)
#define DATA(n)		(IOVA_BASE + (8 + (n)) * PAGE)

FIXTURE(hwpt) {
	int fd;
	__u32 ioas;
	__u32 parent;
	struct mock_device dev;
	char *guest;
	__u64 *top;
	__u64 *leaf;
};

FIXTURE_SETUP(hwpt)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->guest = mem_get(GUEST_PAGES * PAGE);
	ASSERT_NE(NULL, self->guest);
	self->top = (__u64 *)self->guest;
	self->leaf = (__u64 *)(self->guest + PAGE);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->guest,
			       GUEST_PAGES * PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &self->parent));
}

FIXTURE_TEARDOWN(hwpt)
{
	close(self->fd);
}

static char *guest_data(FIXTURE_DATA(hwpt) *self, unsigned int n)
{
	return self->guest + (8 + n) * PAGE;
}

static int nested_s1(FIXTURE_DATA(hwpt) *self, __u32 levels, __u32 flags,
		     __u32 fault, __u32 *hwpt)
{
	struct iommu_hwpt_selftest_s1 s1 = {
		.table = levels == 2 ? TABLE_TOP : TABLE_LEAF,
		.levels = levels,
	};

	return iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, flags,
				 fault, IOMMU_HWPT_DATA_SELFTEST_S1, &s1,
				 sizeof(s1), hwpt);
}

static int dma(FIXTURE_DATA(hwpt) *self, bool write, __u64 iova, void *data,
	       size_t length, struct mock_dma *result)
{
	struct mock_dma d = {
		.dev = self->dev.dev,
		.flags = write ? MOCK_DMA_WRITE : 0,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = data,
		.length = length,
	};
	int rc = mock_dma(self->fd, &d);

	*result = d;
	return rc;
}

TEST_F(hwpt, paging_and_its_ioas)
{
	struct mock_dma r;
	char word[8] = "";
	__u32 hwpt;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, hwpt));
	memcpy(guest_data(self, 0), "payload", 8);
	ASSERT_EQ(0, dma(self, false, DATA(0), word, 8, &r));
	EXPECT_EQ(MOCK_DMA_OK, r.status);
	EXPECT_EQ(8, r.done);
	EXPECT_STREQ("payload", word);

	/* It follows what is mapped and unmapped later. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE,
				 GUEST_PAGES * PAGE, NULL));
	memset(word, 0, sizeof(word));
	ASSERT_EQ(0, dma(self, false, DATA(0), word, 8, &r));
	EXPECT_EQ(MOCK_DMA_BLOCKED, r.status);
	EXPECT_EQ(0, r.done);
	EXPECT_STREQ("", word);

	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->ioas));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
}

TEST_F(hwpt, alloc_refused)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommu_hwpt_selftest_s1 s1 = { .table = TABLE_TOP, .levels = 2 };
	struct fdinfo before, after;
	__u32 plain, nested, fault, id;
	unsigned int i;
	int queue;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &plain));
	ASSERT_EQ(0, nested_s1(self, 2, 0, 0, &nested));
	queue = iommu_fault_queue(self->fd, 0, 0, 0, &fault);
	ASSERT_LE(0, queue);
	state_of(self->fd, &before);

	/* Paging: flags that make no sense together, data it does not take */
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT |
				    IOMMU_HWPT_FAULT_ID_VALID, fault, &id));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->ioas, 0, 0,
				    IOMMU_HWPT_DATA_SELFTEST, NULL, 0, &id));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->ioas, 0, 0,
				    IOMMU_HWPT_DATA_NONE, &data, sizeof(data),
				    &id));
	EXPECT_EQ(-ENOENT,
		  iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				    IOMMU_HWPT_FAULT_ID_VALID, self->ioas,
				    &id));

	/* Nested: a parent that is none, a device, another nested one */
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, plain, 0, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, nested, 0, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->dev.dev, 0,
				    0, IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	/* Flags of paging ones */
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent,
				    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &data,
				    sizeof(data), &id));
	/* Data: missing, too short, not there, of an unknown type */
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				    0, IOMMU_HWPT_DATA_NONE, NULL, 0, &id));
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				    0, IOMMU_HWPT_DATA_SELFTEST, &data, 1,
				    &id));
	EXPECT_EQ(-EFAULT,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				    0, IOMMU_HWPT_DATA_SELFTEST, (void *)8,
				    sizeof(data), &id));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				    0, IOMMU_HWPT_DATA_VTD_S1, &data,
				    sizeof(data), &id));
	/* Longer than the driver knows, even if the rest is zero */
	{
		struct {
			struct iommu_hwpt_selftest data;
			__u32 tail[3];
		} longer = { .data = { .iotlb = 1 } };

		EXPECT_EQ(-EINVAL,
			  iommu_hwpt_nested(self->fd, self->dev.dev,
					    self->parent, 0, 0,
					    IOMMU_HWPT_DATA_SELFTEST, &longer,
					    sizeof(longer), &id));
	}
	/* Values in the data */
	for (i = 0; i < 4; i++) {
		static const struct iommu_hwpt_selftest_s1 bad[] = {
			{ .table = TABLE_TOP, .levels = 0 },
			{ .table = TABLE_TOP, .levels = 3 },
			{ .table = TABLE_TOP + 8, .levels = 1 },
			{ .table = TABLE_TOP, .levels = 1, .__reserved = 1 },
		};
		int rc;

		s1 = bad[i];
		rc = iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				       0, IOMMU_HWPT_DATA_SELFTEST_S1, &s1,
				       sizeof(s1), &id);
		EXPECT_TRUE(rc == -EINVAL || rc == -EOPNOTSUPP)
			TH_LOG("case %u: %d", i, rc);
	}
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	close(queue);
}

TEST_F(hwpt, destroy_order)
{
	__u32 nested, fault;
	int queue;

	queue = iommu_fault_queue(self->fd, 0, 0, 0, &fault);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, nested_s1(self, 2, IOMMU_HWPT_FAULT_ID_VALID, fault,
			       &nested));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, nested));
	/* From the bottom up everything is in use. */
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->parent));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, nested));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, fault));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->dev.dev));
	ASSERT_EQ(0, iommu_destroy(self->fd, self->dev.stdev));
	EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, self->dev.dev));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->parent));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, fault));
	EXPECT_EQ(0, iommu_destroy(self->fd, nested));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->parent));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas));
	/* The open fd holds the queue. */
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, fault));
	close(queue);
	EXPECT_EQ(0, iommu_destroy(self->fd, fault));
}

/* The table is this program's: bytes go where it says. */
TEST_F(hwpt, nested_translation)
{
	char out[3 * PAGE], in[3 * PAGE];
	struct mock_dma r;
	unsigned int i;
	__u32 nested;

	self->top[0] = TABLE_LEAF | MOCK_S1_PRESENT | MOCK_S1_WRITE;
	/* Guest pages 5, 6, 7 are data pages 9, 2, 4. */
	self->leaf[5] = DATA(9) | MOCK_S1_PRESENT | MOCK_S1_WRITE;
	self->leaf[6] = DATA(2) | MOCK_S1_PRESENT | MOCK_S1_WRITE;
	self->leaf[7] = DATA(4) | MOCK_S1_PRESENT;
	ASSERT_EQ(0, nested_s1(self, 2, 0, 0, &nested));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, nested));
	for (i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 256);

	ASSERT_EQ(0, dma(self, true, 5 * PAGE + 100, out, 2 * PAGE - 200, &r));
	EXPECT_EQ(MOCK_DMA_OK, r.status);
	EXPECT_EQ(2 * PAGE - 200, r.done);
	EXPECT_EQ(0, memcmp(guest_data(self, 9) + 100, out, PAGE - 100));
	EXPECT_EQ(0, memcmp(guest_data(self, 2), out + PAGE - 100, PAGE - 100));
	EXPECT_EQ(0, guest_data(self, 9)[99]);
	EXPECT_EQ(0, guest_data(self, 2)[PAGE - 100]);

	memset(guest_data(self, 4), 'r', PAGE);
	ASSERT_EQ(0, dma(self, false, 5 * PAGE, in, sizeof(in), &r));
	EXPECT_EQ(MOCK_DMA_OK, r.status);
	EXPECT_EQ(0, memcmp(in, guest_data(self, 9), PAGE));
	EXPECT_EQ(0, memcmp(in + PAGE, guest_data(self, 2), PAGE));
	EXPECT_EQ(0, memcmp(in + 2 * PAGE, guest_data(self, 4), PAGE));

	/* No permission to write, no entry, and no queue to ask */
	ASSERT_EQ(0, dma(self, true, 7 * PAGE, out, 1, &r));
	EXPECT_EQ(MOCK_DMA_BLOCKED, r.status);
	EXPECT_EQ('r', guest_data(self, 4)[0]);
	ASSERT_EQ(0, dma(self, false, 8 * PAGE, in, 1, &r));
	EXPECT_EQ(MOCK_DMA_BLOCKED, r.status);
	/* The guest's table points to where the parent has nothing. */
	self->leaf[9] = (IOVA_BASE + 4096 * PAGE) | MOCK_S1_PRESENT;
	ASSERT_EQ(0, dma(self, false, 9 * PAGE, in, 1, &r));
	EXPECT_NE(MOCK_DMA_OK, r.status);
	EXPECT_EQ(0, r.done);
}

TEST_F(hwpt, invalidation)
{
	const __u32 type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_S1;
	struct iommu_hwpt_invalidate_selftest_s1 req = {
		.addr = PAGE,
		.npages = 1,
	};
	struct mock_dma r;
	char c = 0;
	__u32 nested, num;

	self->leaf[1] = DATA(1) | MOCK_S1_PRESENT;
	memset(guest_data(self, 1), '1', PAGE);
	memset(guest_data(self, 2), '2', PAGE);
	ASSERT_EQ(0, nested_s1(self, 1, 0, 0, &nested));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, nested));
	ASSERT_EQ(0, dma(self, false, PAGE, &c, 1, &r));
	EXPECT_EQ('1', c);
	/* The old translation is used until it is invalidated. */
	self->leaf[1] = DATA(2) | MOCK_S1_PRESENT;
	ASSERT_EQ(0, dma(self, false, PAGE, &c, 1, &r));
	EXPECT_EQ('1', c);
	num = 1;
	ASSERT_EQ(0, iommu_hwpt_invalidate(self->fd, nested, type, &req,
					   sizeof(req), &num));
	EXPECT_EQ(1, num);
	ASSERT_EQ(0, dma(self, false, PAGE, &c, 1, &r));
	EXPECT_EQ('2', c);
}

/* The same by the type of any IOMMU, of a part of the table or of all of it */
TEST_F(hwpt, invalidation_of_a_range)
{
	const __u32 type = IOMMU_HWPT_INVALIDATE_DATA_RANGE;
	struct iommu_hwpt_invalidate_range req = {
		.iova = 2 * PAGE + 17,
		.length = 1,
	};
	__u64 entries, flushes;
	struct mock_dma r;
	char c = 0;
	__u32 nested, num, i;

	for (i = 1; i <= 3; i++)
		self->leaf[i] = DATA(1) | MOCK_S1_PRESENT;
	memset(guest_data(self, 1), '1', PAGE);
	memset(guest_data(self, 2), '2', PAGE);
	ASSERT_EQ(0, nested_s1(self, 1, 0, 0, &nested));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, nested));
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, dma(self, false, i * PAGE, &c, 1, &r));
		EXPECT_EQ('1', c);
		self->leaf[i] = DATA(2) | MOCK_S1_PRESENT;
	}
	num = 1;
	ASSERT_EQ(0, iommu_hwpt_invalidate(self->fd, nested, type, &req,
					   sizeof(req), &num));
	EXPECT_EQ(1, num);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, dma(self, false, i * PAGE, &c, 1, &r));
		EXPECT_EQ(i == 2 ? '2' : '1', c);
	}
	memset(&req, 0, sizeof(req));
	req.flags = IOMMU_INVALIDATE_RANGE_ALL;
	ASSERT_EQ(0, iommu_hwpt_invalidate(self->fd, nested, type, &req,
					   sizeof(req), &num));
	ASSERT_EQ(0, mock_cached(self->fd, nested, &entries, &flushes));
	EXPECT_EQ(0, entries);
	EXPECT_EQ(2, flushes);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, dma(self, false, i * PAGE, &c, 1, &r));
		EXPECT_EQ('2', c);
	}
}

/* Of a table that the kernel fills: what is cached is what was used. */
TEST_F(hwpt, invalidation_of_a_paging_hwpt)
{
	const __u32 type = IOMMU_HWPT_INVALIDATE_DATA_RANGE;
	const __u64 all = 8 * PAGE / MOCK_PAGE;
	static const struct {
		struct iommu_hwpt_invalidate_range req[3];
		__u32 num;
		/* Pages of the mock that remain of those that were cached */
		__u64 left;
	} cases[] = {
		{ { { .iova = IOVA_BASE, .length = PAGE } }, 1, 14 },
		{ { { .iova = IOVA_BASE + PAGE - 1, .length = 2 } }, 1, 14 },
		{ { { .iova = IOVA_BASE + 1, .length = 1 } }, 1, 15 },
		{ { { .iova = IOVA_BASE + PAGE, .length = PAGE },
		    { .iova = IOVA_BASE + 2 * PAGE, .length = PAGE } }, 2, 12 },
		{ { { .iova = IOVA_BASE + 5 * PAGE, .length = PAGE },
		    { .iova = IOVA_BASE + 4 * PAGE, .length = PAGE },
		    { .iova = 1 << 12, .length = 1 } }, 2, 12 },
		{ { { .iova = ~0ULL, .length = 1 } }, 1, 16 },
		{ { { .iova = 0, .length = ~0ULL } }, 1, 0 },
		{ { { .iova = IOVA_BASE, .length = PAGE },
		    { .flags = IOMMU_INVALIDATE_RANGE_ALL } }, 2, 0 },
		{ { { .flags = IOMMU_INVALIDATE_RANGE_ALL },
		    { .iova = IOVA_BASE, .length = PAGE } }, 2, 0 },
	};
	struct iommu_hwpt_invalidate_range bad[2];
	__u64 entries, flushes, before;
	static char buf[8 * PAGE];
	struct mock_dma r;
	__u32 hwpt, num;
	unsigned int i;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, hwpt));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ASSERT_EQ(0, dma(self, false, IOVA_BASE, buf, sizeof(buf), &r));
		ASSERT_EQ(MOCK_DMA_OK, r.status);
		ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &before));
		ASSERT_EQ(all, entries);
		num = cases[i].num;
		EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt, type,
						   cases[i].req,
						   sizeof(cases[i].req[0]),
						   &num));
		EXPECT_EQ(cases[i].num, num);
		ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
		EXPECT_EQ(cases[i].left, entries)
			TH_LOG("case %u", i);
		/* In one call of the driver, however many there are */
		EXPECT_EQ(before + 1, flushes);
	}

	/* Is the type understood? Nothing is looked at, or flushed. */
	num = 0;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt, type, no_memory(),
					   0, &num));
	EXPECT_EQ(-ENOENT, iommu_hwpt_invalidate(self->fd, hwpt, 0,
						 no_memory(), 0, &num));
	EXPECT_EQ(-ENOENT, iommu_hwpt_invalidate(self->fd, hwpt, type + 1,
						 no_memory(), 0, &num));
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &before));
	EXPECT_EQ(flushes, before);

	/* The second is bad: the first is carried out, and that is said. */
	for (i = 0; i < 38; i++) {
		int error = -EOPNOTSUPP;

		memset(bad, 0, sizeof(bad));
		bad[0].iova = IOVA_BASE;
		bad[0].length = PAGE;
		bad[1] = bad[0];
		if (i < 31) {
			bad[1].flags = 2U << i;
		} else if (i == 31) {
			bad[1].length = 0;
			error = -EINVAL;
		} else if (i == 32) {
			bad[1].iova = ~0ULL;
			error = -EOVERFLOW;
		} else if (i == 33) {
			bad[1].flags = IOMMU_INVALIDATE_RANGE_ALL;
			error = -EINVAL;
		} else if (i == 34) {
			bad[1].flags = IOMMU_INVALIDATE_RANGE_ALL;
			bad[1].iova = 0;
			error = -EINVAL;
		} else if (i == 35) {
			bad[1].flags = IOMMU_INVALIDATE_RANGE_ALL;
			bad[1].length = 0;
			error = -EINVAL;
		} else {
			bad[1].__reserved = i - 35;
		}
		ASSERT_EQ(0, dma(self, false, IOVA_BASE, buf, sizeof(buf), &r));
		num = 2;
		EXPECT_EQ(error, iommu_hwpt_invalidate(self->fd, hwpt, type,
						       bad, sizeof(bad[0]),
						       &num))
			TH_LOG("bad request %u", i);
		EXPECT_EQ(1, num);
		ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
		EXPECT_EQ(all - 2, entries);
	}
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, hwpt, type, bad,
						 sizeof(bad[0]) - 1, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EFAULT, iommu_hwpt_invalidate(self->fd, hwpt, type,
						 no_memory(), sizeof(bad[0]),
						 &num));
	EXPECT_EQ(0, num);
}

/*
 * A driver that knows no ranges flushes everything, once for a call; not for one that is
 * wrong from its start, nor what no device was ever attached to.
 */
TEST_F(hwpt, invalidation_by_another_driver)
{
	const __u32 type = IOMMU_HWPT_INVALIDATE_DATA_RANGE;
	const __u32 kind = MOCK_FLAGS_DEVICE_FOREIGN;
	struct iommu_hwpt_invalidate_range req[2] = {
		{ .iova = IOVA_BASE, .length = PAGE },
		{ .iova = IOVA_BASE + 8 * PAGE, .length = PAGE },
	};
	const __u32 len = sizeof(req[0]);
	__u64 entries, flushes, before;
	struct mock_device d, late;
	__u32 ioas, hwpt, num;
	struct mock_dma r;
	char data[PAGE];

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, self->guest, GUEST_PAGES * PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, mock_device(self->fd, ioas, kind, &d));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d.dev, ioas, 0, 0, &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, d.stdev, hwpt));
	self->dev = d;
	ASSERT_EQ(0, dma(self, false, IOVA_BASE + 4 * PAGE, data, PAGE, &r));
	ASSERT_EQ(MOCK_DMA_OK, r.status);
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &before));
	EXPECT_EQ(PAGE / MOCK_PAGE, entries);

	num = 0;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt, type, no_memory(),
					   0, &num));
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
	EXPECT_EQ(before, flushes);
	num = 2;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt, type, req, len,
					   &num));
	EXPECT_EQ(2, num);
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
	EXPECT_EQ(before + 1, flushes);
	EXPECT_EQ(0, entries);

	/* The second is bad: the first is carried out, and that is said. */
	ASSERT_EQ(0, dma(self, false, IOVA_BASE + 4 * PAGE, data, PAGE, &r));
	req[1].length = 0;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, hwpt, type, req, len,
						 &num));
	EXPECT_EQ(1, num);
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
	EXPECT_EQ(before + 2, flushes);
	EXPECT_EQ(0, entries);

	ASSERT_EQ(0, mock_device(self->fd, 0, kind | MOCK_FLAGS_DEVICE_LATE |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &late));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, late.dev, ioas, 0, 0, &hwpt));
	num = 1;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt, type, req, len,
					   &num));
	EXPECT_EQ(1, num);
	ASSERT_EQ(0, mock_cached(self->fd, hwpt, &entries, &flushes));
	EXPECT_EQ(0, flushes);
}

TEST_F(hwpt, invalidation_bounds)
{
	struct iommu_hwpt_invalidate_selftest reqs[4] = { 0 };
	struct iommu_hwpt_selftest data = {
		.iotlb = IOMMU_TEST_IOTLB_DEFAULT,
	};
	const __u32 unknown = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID;
	const __u32 type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	const __u32 len = sizeof(reqs[0]);
	struct iommu_hwpt_invalidate_selftest *edge;
	__u32 nested, num;
	char *hole;

	ASSERT_EQ(0, iommu_hwpt_nested(self->fd, self->dev.dev, self->parent,
				       0, 0, IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &nested));
	/* None at all: is the type known? */
	num = 0;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, nested, type, NULL, 0,
					   &num));
	EXPECT_EQ(0, num);
	num = 0;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, unknown,
						 NULL, 0, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, unknown,
						 reqs, len, &num));
	EXPECT_EQ(0, num);
	/* Caps on what the caller sets */
	num = (1 << 19) + 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 len, &num));
	EXPECT_EQ(0, num);
	num = ~0U;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 len, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 PAGE + 1, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 0, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, NULL,
						 len, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 1, &num));
	num = 1;
	EXPECT_EQ(-EFAULT, iommu_hwpt_invalidate(self->fd, nested, type,
						 (void *)8, len, &num));
	EXPECT_EQ(0, num);
	/* The number carried out ends before the one at fault. */
	reqs[2].iotlb_id = MOCK_NESTED_DOMAIN_IOTLB_NUM;
	num = 4;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested, type, reqs,
						 len, &num));
	EXPECT_EQ(2, num);
	reqs[2].iotlb_id = 0;
	reqs[1].flags = 2;
	num = 4;
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_invalidate(self->fd, nested, type,
						     reqs, len, &num));
	EXPECT_EQ(1, num);
	reqs[1].flags = 0;
	num = 4;
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, nested, type, reqs, len,
					   &num));
	EXPECT_EQ(4, num);
	/* The array runs into memory that is not there. */
	hole = mem_before_hole();
	ASSERT_NE(NULL, hole);
	edge = (void *)(hole + PAGE - 2 * len);
	num = 3;
	EXPECT_EQ(-EFAULT, iommu_hwpt_invalidate(self->fd, nested, type, edge,
						 len, &num));
	EXPECT_GE(2, num);
	/* Longer than the driver knows, even if the rest is zero */
	{
		struct {
			struct iommu_hwpt_invalidate_selftest r;
			__u64 more;
		} longer = { 0 };

		num = 1;
		EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(self->fd, nested,
							 type, &longer,
							 sizeof(longer),
							 &num));
		EXPECT_EQ(0, num);
	}
	/* Not a nested one */
	num = 1;
	EXPECT_EQ(-ENOENT, iommu_hwpt_invalidate(self->fd, self->parent, type,
						 reqs, len, &num));
}

TEST_F(hwpt, hw_info)
{
	struct {
		struct iommu_test_hw_info info;
		__u64 tail[4];
	} data;
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = self->dev.dev,
	};
	struct iommu_hw_info again;

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(sizeof(data.info), c.data_len);
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, c.out_data_type);
	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING,
		  c.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	EXPECT_EQ(0, c.out_max_pasid_log2);

	/* Room left over is filled with zero. */
	memset(&data, 0xff, sizeof(data));
	c.data_len = sizeof(data);
	c.data_uptr = (uintptr_t)&data;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(sizeof(data.info), c.data_len);
	EXPECT_EQ(IOMMU_HW_INFO_SELFTEST_REGVAL, data.info.test_reg);
	EXPECT_EQ(0, data.info.flags);
	EXPECT_EQ(0, data.tail[0] | data.tail[1] | data.tail[2] |
		     data.tail[3]);

	/* Too little room: cut off, and the length is that of the whole. */
	memset(&data, 0xff, sizeof(data));
	c.data_len = 4;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(sizeof(data.info), c.data_len);
	EXPECT_EQ(0, data.info.flags);
	EXPECT_EQ(~0U, data.info.test_reg);

	again = c;
	again.data_uptr = 8;
	again.data_len = 64;
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_GET_HW_INFO, &again));

	/* The type asked for */
	c.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	c.in_data_type = IOMMU_HW_INFO_TYPE_SELFTEST;
	c.data_len = sizeof(data);
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, c.out_data_type);
	c.in_data_type = IOMMU_HW_INFO_TYPE_DEFAULT;
	c.data_len = sizeof(data);
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, c.out_data_type);
	c.in_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	c.data_len = sizeof(data);
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	/* Without the flag it is not looked at. */
	c.flags = 0;
	c.in_data_type = 0x12345678;
	EXPECT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
}

/* Of a driver that says nothing of its own: what can be known otherwise */
TEST_F(hwpt, hw_info_of_another_driver)
{
	struct iommu_hw_info c = { .size = sizeof(c) };
	struct mock_device d;

	ASSERT_EQ(0, mock_device(self->fd, 0, MOCK_FLAGS_DEVICE_FOREIGN |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &d));
	c.dev_id = d.dev;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	/* It is no PCI function. */
	EXPECT_EQ(IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED,
		  c.out_capabilities & IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
}

TEST_F(hwpt, hw_info_pasid)
{
	struct iommu_hw_info c = { .size = sizeof(c) };
	struct mock_device d;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas, MOCK_FLAGS_DEVICE_PASID,
				 &d));
	c.dev_id = d.dev;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	EXPECT_EQ(MOCK_PASID_WIDTH, c.out_max_pasid_log2);
}

TEST_F(hwpt, queue_of_another_file_or_none)
{
	int other = iommu_open();
	__u32 fault, ioas, id;
	int queue;

	ASSERT_LE(0, other);
	/* The same number may be something else here: take one that is not. */
	do {
		ASSERT_EQ(0, iommu_ioas_alloc(other, &ioas));
	} while (ioas < 64);
	queue = iommu_fault_queue(other, 0, 0, 0, &fault);
	ASSERT_LE(0, queue);
	ASSERT_LT(64, fault);
	EXPECT_EQ(-ENOENT, nested_s1(self, 2, IOMMU_HWPT_FAULT_ID_VALID, fault,
				     &id));
	EXPECT_EQ(-ENOENT, nested_s1(self, 2, IOMMU_HWPT_FAULT_ID_VALID, 0,
				     &id));
	close(queue);
	close(other);
}

/* A replace that fails leaves the device where it was. */
TEST_F(hwpt, replace_refused)
{
	struct mock_dma r;
	char c = 0;
	__u32 fault;
	int queue;

	guest_data(self, 0)[0] = 'x';
	queue = iommu_fault_queue(self->fd, 0, 0, 0, &fault);
	ASSERT_LE(0, queue);
	EXPECT_EQ(-ENOENT, mock_replace(self->fd, self->dev.stdev, 1000000));
	EXPECT_EQ(-EINVAL, mock_replace(self->fd, self->dev.stdev, fault));
	EXPECT_EQ(-EINVAL, mock_replace(self->fd, self->dev.stdev,
					self->dev.dev));
	ASSERT_EQ(0, dma(self, false, DATA(0), &c, 1, &r));
	EXPECT_EQ(MOCK_DMA_OK, r.status);
	EXPECT_EQ('x', c);
	close(queue);
}

/* --- tables that are decided on when a device is attached first --- */

#define LATE	(MOCK_FLAGS_DEVICE_LATE | MOCK_FLAGS_DEVICE_NARROW)

static int dma_of(FIXTURE_DATA(hwpt) *self, __u32 dev, void *word,
		  __u32 *status)
{
	struct mock_dma d = {
		.dev = dev,
		.iova = DATA(0),
		.data = word,
		.length = 8,
	};
	int rc = mock_dma(self->fd, &d);

	*status = d.status;
	return rc;
}

/* By whatever way a device comes to one, it is filled then, or nothing has changed. */
TEST_F(hwpt, decided_when_attached)
{
	struct mock_device late;
	struct fdinfo info;
	char word[8] = "";
	__u32 hwpt, other, pt, status;
	long pinned;

	memcpy(guest_data(self, 0), "payload", 8);
	/* An attach, of an IOAS that maps something */
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, LATE, &late));
	ASSERT_EQ(0, dma_of(self, late.dev, word, &status));
	EXPECT_EQ(MOCK_DMA_OK, status);
	EXPECT_STREQ("payload", word);
	ASSERT_EQ(0, iommu_destroy(self->fd, late.stdev));

	/* A HWPT waits, and its memory is not pinned for it. */
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, mock_device(self->fd, other, LATE, &late));
	pinned = pinned_pages();
	ASSERT_EQ(0, iommu_map(self->fd, other, self->guest, GUEST_PAGES * PAGE,
			       IOVA_BASE));
	ASSERT_EQ(pinned + GUEST_PAGES, pinned_pages());
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, late.dev, self->ioas, 0, 0,
				       &hwpt));
	state_of(self->fd, &info);
	EXPECT_NE(NULL, strstr(info.text, "not-filled"));

	/* A replace, by the HWPT and by its IOAS */
	ASSERT_EQ(0, iommu_unmap(self->fd, other, 0, ~0ULL, NULL));
	ASSERT_EQ(0, dma_of(self, late.dev, word, &status));
	EXPECT_EQ(MOCK_DMA_BLOCKED, status);
	ASSERT_EQ(0, mock_replace(self->fd, late.stdev, hwpt));
	state_of(self->fd, &info);
	EXPECT_EQ(NULL, strstr(info.text, "not-filled"));
	ASSERT_EQ(0, dma_of(self, late.dev, word, &status));
	EXPECT_EQ(MOCK_DMA_OK, status);
	ASSERT_EQ(0, mock_replace(self->fd, late.stdev, other));
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, late.stdev, self->ioas));
	ASSERT_EQ(0, dma_of(self, late.dev, word, &status));
	EXPECT_EQ(MOCK_DMA_OK, status);

	/* Where it cannot be it does not stay. */
	ASSERT_EQ(0, iommu_map(self->fd, other, self->guest, PAGE,
			       MOCK_NARROW_LAST + 1));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, late.dev, other, 0, 0, &hwpt));
	pt = other;
	EXPECT_EQ(-EADDRINUSE, mock_move(self->fd, late.stdev, &pt));
	pt = hwpt;
	EXPECT_EQ(-EADDRINUSE, mock_move(self->fd, late.stdev, &pt));
	ASSERT_EQ(0, dma_of(self, late.dev, word, &status));
	EXPECT_EQ(MOCK_DMA_OK, status);
	ASSERT_EQ(0, iommu_destroy(self->fd, late.stdev));
	EXPECT_EQ(-EADDRINUSE, mock_device(self->fd, other, LATE, &late));
	EXPECT_EQ(-EADDRINUSE, mock_device(self->fd, hwpt, LATE, &late));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_destroy(self->fd, other));
}

/* Memory is not pinned for a device, or a PASID, that does not come. */
TEST_F(hwpt, attach_that_fails_fills_nothing)
{
	const __u32 kind = LATE | MOCK_FLAGS_DEVICE_PASID |
			   MOCK_FLAGS_DEVICE_UNATTACHED;
	struct fdinfo before, after;
	__u32 ioas, hwpt, pt;
	struct mock_device d, high, other;
	long pinned;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas,
				 MOCK_FLAGS_DEVICE_NARROW |
				 MOCK_FLAGS_DEVICE_PASID, &other));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, self->guest + PAGE, PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, mock_device(self->fd, 0, kind, &d));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d.dev, ioas, 0, 0, &hwpt));
	state_of(self->fd, &before);
	pinned = pinned_pages();

	/* How far the table reaches is not for a PASID to decide. */
	pt = hwpt;
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d.dev, 5, &pt));
	pt = ioas;
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d.dev, 5, &pt));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(pinned, pinned_pages());

	/* It is decided, and has no place for what is mapped. */
	ASSERT_EQ(0, iommu_map(self->fd, ioas, self->guest, PAGE,
			       MOCK_NARROW_LAST + 1));
	pt = hwpt;
	EXPECT_EQ(-EADDRINUSE, mock_pasid(self->fd, IOMMU_TEST_OP_PASID_ATTACH,
					  d.stdev, 0, &pt));
	EXPECT_EQ(-EADDRINUSE, iommu_pasid_attach(self->fd, d.dev, 5, &pt));
	ASSERT_EQ(0, iommu_unmap(self->fd, ioas, MOCK_NARROW_LAST + 1, PAGE,
				 NULL));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(pinned, pinned_pages());

	/* It has room for all, and is filled, but the driver says no. */
	ASSERT_EQ(0, mock_device(self->fd, 0, MOCK_FLAGS_DEVICE_HIGH |
				 MOCK_FLAGS_DEVICE_PASID |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &high));
	state_of(self->fd, &before);
	pinned = pinned_pages();
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, high.dev, 5, &pt));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(pinned, pinned_pages());

	/* Nothing has come of all that. */
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, other.dev, 5, &pt));
	EXPECT_EQ(pinned + 1, pinned_pages());
	state_of(self->fd, &after);
	EXPECT_EQ(NULL, strstr(after.text, "not-filled"));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, self->guest, PAGE,
			       2 * IOVA_BASE));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, other.dev, 5));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
}

/* A group goes together, and comes back together. */
TEST_F(hwpt, decided_for_a_group)
{
	__u32 flags = LATE | MOCK_FLAGS_DEVICE_SHARED, other, status, i;
	struct mock_device late[2];
	char word[8] = "";

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->guest, PAGE,
			       MOCK_NARROW_LAST + 1));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mock_device(self->fd, self->ioas, flags, &late[i]));
	EXPECT_EQ(late[0].hwpt, late[1].hwpt);
	EXPECT_EQ(-EADDRINUSE, mock_replace(self->fd, late[0].stdev, other));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dma_of(self, late[i].dev, word, &status));
		EXPECT_EQ(MOCK_DMA_OK, status);
	}
	ASSERT_EQ(0, iommu_unmap(self->fd, other, 0, ~0ULL, NULL));
	ASSERT_EQ(0, mock_replace(self->fd, late[1].stdev, other));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dma_of(self, late[i].dev, word, &status));
		EXPECT_EQ(MOCK_DMA_BLOCKED, status);
		ASSERT_EQ(0, iommu_destroy(self->fd, late[i].stdev));
	}
	EXPECT_EQ(0, iommu_destroy(self->fd, other));
}

TEST_HARNESS_MAIN
