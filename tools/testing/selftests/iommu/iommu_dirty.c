// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty tracking: which pages a device wrote to, as a bitmap. A page that was
 * written and is not reported is memory lost in a migration, so much here is
 * about what must not clear the record: every kind of failure.
 *
 * Writes are DMA of a mock device. Like hardware, it sets a page's dirty mark
 * once for each time it reads the translation, so that a mark cleared without a
 * flush of the IOTLB stays clear.
 */
#include "iommu_test.h"

#define PAGES		512
#define LENGTH		(PAGES * MOCK_PAGE)

#define NO_CLEAR	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR

static int dirty_set(int fd, __u32 hwpt, __u32 flags)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c),
		.flags = flags,
		.hwpt_id = hwpt,
	};

	return iommu_call(fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

static int dirty_get(int fd, __u32 hwpt, __u64 iova, __u64 length,
		     __u64 page_size, void *data, __u32 flags)
{
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.data = (uintptr_t)data,
	};

	return iommu_call(fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

static bool bit(const void *bitmap, unsigned int n)
{
	return ((const unsigned char *)bitmap)[n / 8] >> n % 8 & 1;
}

FIXTURE(dirty) {
	int fd;
	__u32 ioas;
	__u32 hwpt;
	struct mock_device dev;
	char *buffer;
	unsigned char bitmap[PAGES / 8];
};

FIXTURE_SETUP(dirty)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->buffer = mem_get(LENGTH);
	ASSERT_NE(NULL, self->buffer);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &self->hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->hwpt));
	ASSERT_EQ(0, dirty_set(self->fd, self->hwpt,
			       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
}

FIXTURE_TEARDOWN(dirty)
{
	close(self->fd);
}

static int device_writes(FIXTURE_DATA(dirty) *self, unsigned int page,
			 unsigned int num)
{
	static char data[LENGTH];
	struct mock_dma d = {
		.dev = self->dev.dev,
		.flags = MOCK_DMA_WRITE,
		.timeout_ms = FOREVER_MS,
		.iova = IOVA_BASE + page * MOCK_PAGE + 8,
		.data = data,
		.length = num * MOCK_PAGE - 16,
	};
	int rc = mock_dma(self->fd, &d);

	return rc ? rc : d.status == MOCK_DMA_OK ? 0 : -EIO;
}

/* Reads into an empty bitmap; the number of bits, or a negative errno. */
static int read_all(FIXTURE_DATA(dirty) *self, __u32 flags)
{
	int rc, i, num = 0;

	memset(self->bitmap, 0, sizeof(self->bitmap));
	rc = dirty_get(self->fd, self->hwpt, IOVA_BASE, LENGTH, MOCK_PAGE,
		       self->bitmap, flags);
	if (rc)
		return rc;
	for (i = 0; i < PAGES; i++)
		num += bit(self->bitmap, i);
	return num;
}

TEST_F(dirty, set_refused)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c),
		.hwpt_id = self->hwpt,
		.__reserved = 1,
	};
	__u32 plain;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &plain));
	EXPECT_EQ(-EOPNOTSUPP, dirty_set(self->fd, plain,
					 IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	EXPECT_EQ(-EOPNOTSUPP, dirty_set(self->fd, plain, 0));
	EXPECT_EQ(-EOPNOTSUPP, dirty_set(self->fd, self->hwpt, 2));
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd,
					  IOMMU_HWPT_SET_DIRTY_TRACKING, &c));
	EXPECT_EQ(-ENOENT, dirty_set(self->fd, self->ioas,
				     IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	EXPECT_EQ(-ENOENT, dirty_set(self->fd, self->dev.dev, 0));
	EXPECT_EQ(-ENOENT, dirty_set(self->fd, 12345, 0));
}

/* None of them may cost a bit. */
TEST_F(dirty, get_refused)
{
	unsigned char *hole = mem_before_hole();
	void *read_only = mmap(NULL, PAGE, PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct {
		const char *what;
		int error;
		__u64 iova;
		__u64 length;
		__u64 page_size;
		void *data;
		__u32 flags;
	} cases[] = {
		{ "length 0", -EINVAL, IOVA_BASE, 0, MOCK_PAGE, self->bitmap,
		  0 },
		{ "page size 0", -EINVAL, IOVA_BASE, LENGTH, 0, self->bitmap,
		  0 },
		{ "page size not a power of two", -EINVAL, IOVA_BASE,
		  6 * MOCK_PAGE, 3 * MOCK_PAGE, self->bitmap, 0 },
		{ "IOVA not aligned to the page size", -EINVAL,
		  IOVA_BASE + MOCK_PAGE, PAGE, PAGE, self->bitmap, 0 },
		{ "length not aligned to the page size", -EINVAL, IOVA_BASE,
		  3 * MOCK_PAGE, PAGE, self->bitmap, 0 },
		{ "IOVA not aligned to the IOMMU's", -EINVAL, IOVA_BASE + 512,
		  MOCK_PAGE, 512, self->bitmap, 0 },
		{ "length not aligned to the IOMMU's", -EINVAL, IOVA_BASE,
		  MOCK_PAGE + 512, 512, self->bitmap, 0 },
		{ "overflow", -EOVERFLOW, -PAGE, 2 * PAGE, MOCK_PAGE,
		  self->bitmap, 0 },
		{ "unknown flag", -EOPNOTSUPP, IOVA_BASE, LENGTH, MOCK_PAGE,
		  self->bitmap, 2 },
		{ "not mapped at its end", -EINVAL, IOVA_BASE,
		  LENGTH + MOCK_PAGE, MOCK_PAGE, self->bitmap, 0 },
		{ "not mapped at its start", -EINVAL, IOVA_BASE - PAGE,
		  LENGTH, MOCK_PAGE, self->bitmap, 0 },
		{ "not mapped", -EINVAL, IOVA_BASE + LENGTH, LENGTH, MOCK_PAGE,
		  self->bitmap, 0 },
		{ "no bitmap", -EFAULT, IOVA_BASE, LENGTH, MOCK_PAGE, NULL, 0 },
		{ "no user memory", -EFAULT, IOVA_BASE, LENGTH, MOCK_PAGE,
		  (void *)-PAGE, 0 },
		{ "bitmap ends early", -EFAULT, IOVA_BASE, LENGTH, MOCK_PAGE,
		  hole + PAGE - sizeof(self->bitmap) + 1, 0 },
		{ "bitmap cannot be written", -EFAULT, IOVA_BASE, LENGTH,
		  MOCK_PAGE, read_only, 0 },
	};
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c),
		.hwpt_id = self->hwpt,
		.__reserved = 1,
		.iova = IOVA_BASE,
		.length = LENGTH,
		.page_size = MOCK_PAGE,
		.data = (uintptr_t)self->bitmap,
	};
	unsigned int i;

	ASSERT_NE(NULL, hole);
	ASSERT_NE(MAP_FAILED, read_only);
	ASSERT_EQ(0, device_writes(self, 0, PAGES));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_EQ(cases[i].error,
			  dirty_get(self->fd, self->hwpt, cases[i].iova,
				    cases[i].length, cases[i].page_size,
				    cases[i].data, cases[i].flags))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(PAGES, read_all(self, NO_CLEAR))
			TH_LOG("%s", cases[i].what);
	}
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd,
					  IOMMU_HWPT_GET_DIRTY_BITMAP, &c));
	EXPECT_EQ(-ENOENT, dirty_get(self->fd, self->ioas, IOVA_BASE, LENGTH,
				     MOCK_PAGE, self->bitmap, 0));
	EXPECT_EQ(PAGES, read_all(self, NO_CLEAR));

	/* A bitmap that just fits */
	memset(hole, 0, PAGE);
	EXPECT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE, LENGTH,
			       MOCK_PAGE, hole + PAGE - sizeof(self->bitmap),
			       0));
	for (i = 0; i < PAGES; i++)
		ASSERT_TRUE(bit(hole + PAGE - sizeof(self->bitmap), i));
}

TEST_F(dirty, not_started)
{
	__u32 hwpt;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &hwpt));
	EXPECT_EQ(-EINVAL, dirty_get(self->fd, hwpt, IOVA_BASE, LENGTH,
				     MOCK_PAGE, self->bitmap, 0));
	/* Made without it */
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &hwpt));
	EXPECT_EQ(-EOPNOTSUPP, dirty_get(self->fd, hwpt, IOVA_BASE, LENGTH,
					 MOCK_PAGE, self->bitmap, 0));
	ASSERT_EQ(0, dirty_set(self->fd, self->hwpt, 0));
	EXPECT_EQ(-EINVAL, read_all(self, 0));
	EXPECT_EQ(-EINVAL, read_all(self, NO_CLEAR));
}

TEST_F(dirty, starting_forgets)
{
	ASSERT_EQ(0, device_writes(self, 3, 5));
	ASSERT_EQ(0, dirty_set(self->fd, self->hwpt, 0));
	ASSERT_EQ(0, dirty_set(self->fd, self->hwpt,
			       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	EXPECT_EQ(0, read_all(self, 0));
	ASSERT_EQ(0, device_writes(self, 3, 5));
	EXPECT_EQ(5, read_all(self, 0));
}

TEST_F(dirty, write_read_write)
{
	unsigned int round;
	int i;

	EXPECT_EQ(0, read_all(self, 0));
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, device_writes(self, 0, 1));
		ASSERT_EQ(0, device_writes(self, 63, 3));
		ASSERT_EQ(0, device_writes(self, PAGES - 1, 1));
		ASSERT_EQ(5, read_all(self, NO_CLEAR));
		ASSERT_EQ(5, read_all(self, 0));
		for (i = 0; i < PAGES; i++)
			ASSERT_EQ(i == 0 || (i >= 63 && i < 66) ||
				  i == PAGES - 1, bit(self->bitmap, i))
				TH_LOG("page %d", i);
		ASSERT_EQ(0, read_all(self, 0));
	}
}

/* Reading a part leaves the rest as it is. */
TEST_F(dirty, parts)
{
	unsigned char part[PAGES / 8] = {};
	unsigned int i;

	ASSERT_EQ(0, device_writes(self, 0, PAGES));
	ASSERT_EQ(0, dirty_get(self->fd, self->hwpt,
			       IOVA_BASE + 10 * MOCK_PAGE, 77 * MOCK_PAGE,
			       MOCK_PAGE, part, 0));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i < 77, bit(part, i)) TH_LOG("bit %u", i);
	ASSERT_EQ(PAGES - 77, read_all(self, 0));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i < 10 || i >= 87, bit(self->bitmap, i))
			TH_LOG("page %u", i);
}

/* Bits of the bitmap are added to; of all alignments, and not one byte more. */
TEST_F(dirty, bits_are_added)
{
	unsigned char bitmap[128], was[128];
	unsigned int offset, i;

	for (offset = 0; offset < 17; offset++) {
		for (i = 0; i < sizeof(bitmap); i++)
			bitmap[i] = i * 37 & i * 11;
		memcpy(was, bitmap, sizeof(was));
		ASSERT_EQ(0, device_writes(self, 1, 2));
		ASSERT_EQ(0, device_writes(self, 60, 130));
		ASSERT_EQ(0, device_writes(self, 331, 1));
		ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE,
				       333 * MOCK_PAGE, MOCK_PAGE,
				       bitmap + offset, 0));
		for (i = 0; i < 8 * sizeof(bitmap); i++) {
			unsigned int page = i - 8 * offset;

			ASSERT_EQ(bit(was, i) || page == 1 || page == 2 ||
				  (page >= 60 && page < 190) || page == 331,
				  bit(bitmap, i))
				TH_LOG("offset %u bit %u", offset, i);
		}
	}
}

/* A bit may stand for less than the IOMMU's page, or for many. */
TEST_F(dirty, page_sizes)
{
	unsigned char bitmap[LENGTH / 512 / 8];
	__u64 size, from, to;
	unsigned int i;

	for (size = 512; size <= LENGTH; size *= 2) {
		memset(bitmap, 0, sizeof(bitmap));
		ASSERT_EQ(0, device_writes(self, 5, 1));
		ASSERT_EQ(0, device_writes(self, 301, 3));
		ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE, LENGTH,
				       size, bitmap, 0));
		for (i = 0; i < 8 * sizeof(bitmap); i++) {
			from = i * size;
			to = from + size;
			ASSERT_EQ(from < LENGTH &&
				  ((from < 6 * MOCK_PAGE &&
				    to > 5 * MOCK_PAGE) ||
				   (from < 304 * MOCK_PAGE &&
				    to > 301 * MOCK_PAGE)), bit(bitmap, i))
				TH_LOG("size %llu bit %u", size, i);
		}
	}
}

/* One read over mappings that adjoin each other */
TEST_F(dirty, over_mappings)
{
	char *more = mem_get(LENGTH);
	unsigned char bitmap[2 * PAGES / 8] = {};
	unsigned int i;

	ASSERT_NE(NULL, more);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, more, LENGTH,
			       IOVA_BASE + LENGTH));
	ASSERT_EQ(0, device_writes(self, PAGES - 3, 6));
	ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE, 2 * LENGTH,
			       MOCK_PAGE, bitmap, 0));
	for (i = 0; i < 2 * PAGES; i++)
		ASSERT_EQ(i >= PAGES - 3 && i < PAGES + 3, bit(bitmap, i))
			TH_LOG("page %u", i);
	/* What is unmapped takes its record along. */
	ASSERT_EQ(0, device_writes(self, PAGES - 3, 6));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE + LENGTH,
				 LENGTH, NULL));
	EXPECT_EQ(3, read_all(self, 0));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, more, LENGTH,
			       IOVA_BASE + LENGTH));
	memset(bitmap, 0, sizeof(bitmap));
	ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE, 2 * LENGTH,
			       MOCK_PAGE, bitmap, 0));
	for (i = 0; i < 2 * PAGES; i++)
		ASSERT_FALSE(bit(bitmap, i));
}

/* Each table has a record of its own. */
TEST_F(dirty, tables_are_separate)
{
	__u32 second;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &second));
	ASSERT_EQ(0, device_writes(self, 0, 4));
	/* Starting the one forgets nothing of the other. */
	ASSERT_EQ(0, dirty_set(self->fd, second,
			       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, second));
	ASSERT_EQ(0, device_writes(self, 8, 2));
	EXPECT_EQ(4, read_all(self, 0));
	EXPECT_TRUE(bit(self->bitmap, 0));
	memset(self->bitmap, 0, sizeof(self->bitmap));
	ASSERT_EQ(0, dirty_get(self->fd, second, IOVA_BASE, LENGTH, MOCK_PAGE,
			       self->bitmap, 0));
	EXPECT_FALSE(bit(self->bitmap, 0));
	EXPECT_TRUE(bit(self->bitmap, 8));
	EXPECT_TRUE(bit(self->bitmap, 9));
}

/* A device that cannot track is kept away from a table that does. */
TEST_F(dirty, device_that_cannot)
{
	struct mock_device plain;
	__u32 hwpt;

	EXPECT_EQ(-EINVAL, mock_device(self->fd, self->hwpt,
				       MOCK_FLAGS_DEVICE_NO_DIRTY, &plain));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas,
				 MOCK_FLAGS_DEVICE_NO_DIRTY, &plain));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, plain.dev, self->ioas,
				    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				    &hwpt));
}

/* A page of the bitmap that nobody has touched yet is made, not refused. */
TEST_F(dirty, bitmap_not_there_yet)
{
	unsigned char *bitmap = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	ASSERT_NE(MAP_FAILED, bitmap);
	ASSERT_EQ(0, device_writes(self, 100, 1));
	ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE, LENGTH,
			       MOCK_PAGE, bitmap, 0));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i == 100, bit(bitmap, i));
}

static int write_byte(FIXTURE_DATA(dirty) *self, __u32 dev, __u64 iova)
{
	struct mock_dma d = {
		.dev = dev,
		.flags = MOCK_DMA_WRITE,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = "x",
		.length = 1,
	};
	int rc = mock_dma(self->fd, &d);

	return rc ? rc : d.status == MOCK_DMA_OK ? 0 : -EIO;
}

/* The kernel gathers some thousand bits at a time. */
TEST_F(dirty, large_range)
{
	const __u64 iova = IOVA_BASE + 2 * LENGTH, length = 40 << 20;
	const unsigned int num = length / MOCK_PAGE;
	const unsigned int pages[] = {
		0, 8190, 8191, 8192, 8193, 10000, 16383, 16384, num - 1,
	};
	unsigned char *bitmap = calloc(1, num / 8);
	void *memory = mem_get(length);
	unsigned int i, j;

	ASSERT_NE(NULL, memory);
	ASSERT_NE(NULL, bitmap);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory, length, iova));
	for (i = 0; i < ARRAY_LEN(pages); i++)
		ASSERT_EQ(0, write_byte(self, self->dev.dev,
					iova + pages[i] * MOCK_PAGE));
	ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, iova, length, MOCK_PAGE,
			       bitmap, 0));
	for (i = 0, j = 0; i < num; i++) {
		bool want = j < ARRAY_LEN(pages) && pages[j] == i;

		ASSERT_EQ(want, bit(bitmap, i)) TH_LOG("page %u", i);
		j += want;
	}
	free(bitmap);
}

/* One mark for all of a huge page, however small the bits */
TEST_F(dirty, huge_page)
{
	const size_t huge = 512 * MOCK_PAGE, length = 2 * huge;
	unsigned char bitmap[2 * 512 / 8] = {};
	struct mock_device dev;
	__u32 ioas, hwpt;
	unsigned int i;
	void *memory;

	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		      MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		SKIP(return, "there are no huge pages");
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, mock_device(self->fd, ioas, MOCK_FLAGS_DEVICE_HUGE_IOVA,
				 &dev));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, memory, length, IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, dev.dev, ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, dev.stdev, hwpt));
	ASSERT_EQ(0, dirty_set(self->fd, hwpt,
			       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	ASSERT_EQ(0, write_byte(self, dev.dev, IOVA_BASE + huge + 12345));
	ASSERT_EQ(0, dirty_get(self->fd, hwpt, IOVA_BASE, length, MOCK_PAGE,
			       bitmap, 0));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ(i >= 512, bit(bitmap, i)) TH_LOG("page %u", i);
	/* A part is asked for: the page that it lies in, not what is beyond */
	memset(bitmap, 0, sizeof(bitmap));
	ASSERT_EQ(0, write_byte(self, dev.dev, IOVA_BASE));
	ASSERT_EQ(0, dirty_get(self->fd, hwpt, IOVA_BASE + 8 * MOCK_PAGE,
			       16 * MOCK_PAGE, MOCK_PAGE, bitmap, 0));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ(i < 16, bit(bitmap, i)) TH_LOG("page %u", i);
	/* What is beyond is not lost by that: who asks for it is told. */
	memset(bitmap, 0, sizeof(bitmap));
	ASSERT_EQ(0, dirty_get(self->fd, hwpt, IOVA_BASE, length, MOCK_PAGE,
			       bitmap, 0));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ(i < 512, bit(bitmap, i)) TH_LOG("page %u", i);
	memset(bitmap, 0, sizeof(bitmap));
	ASSERT_EQ(0, dirty_get(self->fd, hwpt, IOVA_BASE, length, MOCK_PAGE,
			       bitmap, 0));
	for (i = 0; i < 1024; i++)
		ASSERT_FALSE(bit(bitmap, i)) TH_LOG("page %u", i);
}

static int write_by_pasid(FIXTURE_DATA(dirty) *self, __u32 dev, __u32 pasid,
			  __u64 iova)
{
	struct mock_dma d = {
		.dev = dev,
		.flags = MOCK_DMA_WRITE | MOCK_DMA_PASID_VALID,
		.pasid = pasid,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = "x",
		.length = 1,
	};
	int rc = mock_dma(self->fd, &d);

	return rc ? rc : d.status == MOCK_DMA_OK ? 0 : -EIO;
}

/* PASIDs and the device itself, in one table and each in its own */
TEST_F(dirty, pasids)
{
	unsigned char bitmap[PAGES / 8] = {};
	struct mock_device dev;
	__u32 pt, own, round;
	int i;

	ASSERT_EQ(0, mock_device(self->fd, self->hwpt, MOCK_FLAGS_DEVICE_PASID,
				 &dev));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
				       IOMMU_HWPT_ALLOC_PASID, 0, &own));
	ASSERT_EQ(0, dirty_set(self->fd, own,
			       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	pt = self->hwpt;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, dev.dev, 1, &pt));
	pt = own;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, dev.dev, 2, &pt));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, write_byte(self, dev.dev, IOVA_BASE));
		ASSERT_EQ(0, write_by_pasid(self, dev.dev, 1,
					    IOVA_BASE + 9 * MOCK_PAGE));
		ASSERT_EQ(0, write_by_pasid(self, dev.dev, 2,
					    IOVA_BASE + 20 * MOCK_PAGE));
		ASSERT_EQ(2, read_all(self, 0));
		EXPECT_TRUE(bit(self->bitmap, 0));
		EXPECT_TRUE(bit(self->bitmap, 9));
		memset(bitmap, 0, sizeof(bitmap));
		ASSERT_EQ(0, dirty_get(self->fd, own, IOVA_BASE, LENGTH,
				       MOCK_PAGE, bitmap, 0));
		for (i = 0; i < PAGES; i++)
			ASSERT_EQ(i == 20, bit(bitmap, i)) TH_LOG("page %d", i);
	}
	/* To a table that is being tracked, and what it leaves behind */
	ASSERT_EQ(0, write_by_pasid(self, dev.dev, 2,
				    IOVA_BASE + 30 * MOCK_PAGE));
	pt = self->hwpt;
	ASSERT_EQ(0, iommu_pasid_replace(self->fd, dev.dev, 2, &pt));
	ASSERT_EQ(0, write_by_pasid(self, dev.dev, 2,
				    IOVA_BASE + 40 * MOCK_PAGE));
	ASSERT_EQ(1, read_all(self, 0));
	EXPECT_TRUE(bit(self->bitmap, 40));
	memset(bitmap, 0, sizeof(bitmap));
	ASSERT_EQ(0, dirty_get(self->fd, own, IOVA_BASE, LENGTH, MOCK_PAGE,
			       bitmap, 0));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i == 30, bit(bitmap, i)) TH_LOG("page %d", i);
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, dev.dev, 1));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, dev.dev, 2));
}

static int mutant(const char *name)
{
	int fd = open("/sys/module/iommufd/parameters/mutant",
		      O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, name, strlen(name)) != (ssize_t)strlen(name))
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * As in a kernel whose IOMMU drivers were built without CONFIG_IOMMUFD_DRIVER, and
 * report to nobody: there is no dirty tracking, rather than pages that all seem clean.
 */
TEST_F(dirty, drivers_that_report_to_nobody)
{
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->dev.dev,
	};
	struct iommu_hw_info before = info;
	unsigned char bitmap[PAGES / 8] = {};
	int set, get, alloc, hw, i;
	__u32 hwpt;

	ASSERT_EQ(0, device_writes(self, 0, 4));
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &before));
	set = mutant("no-iommufd-driver");
	if (set == -ENOENT)
		SKIP(return, "this kernel has no mutants");
	ASSERT_EQ(0, set);
	set = dirty_set(self->fd, self->hwpt, IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
	get = dirty_get(self->fd, self->hwpt, IOVA_BASE, LENGTH, MOCK_PAGE,
			bitmap, 0);
	alloc = iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				  IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &hwpt);
	hw = iommu_call(self->fd, IOMMU_GET_HW_INFO, &info);
	ASSERT_EQ(0, mutant("none"));

	EXPECT_EQ(-EOPNOTSUPP, set);
	EXPECT_EQ(-EOPNOTSUPP, get);
	EXPECT_EQ(-EOPNOTSUPP, alloc);
	EXPECT_EQ(0, hw);
	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING,
		  before.out_capabilities ^ info.out_capabilities);
	for (i = 0; i < PAGES; i++)
		ASSERT_FALSE(bit(bitmap, i));
	/* Nothing of the record has been touched by that. */
	EXPECT_EQ(4, read_all(self, 0));
}

/*
 * A device writes while the record is read over and over. Whatever it wrote has
 * to come up sooner or later, and in the end nothing is left.
 */
struct writer {
	FIXTURE_DATA(dirty) *self;
	bool done;
	int error;
};

static void *write_once(void *arg)
{
	struct writer *w = arg;
	unsigned int i;

	for (i = 0; i < PAGES && !w->error; i += 2)
		w->error = device_writes(w->self, i, 1);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

TEST_F_TIMEOUT(dirty, read_while_written, 120)
{
	unsigned char all[PAGES / 8];
	unsigned int i, round;
	pthread_t thread;
	bool done;

	for (round = 0; round < 3 * test_scale(); round++) {
		struct writer w = { .self = self };

		memset(all, 0, sizeof(all));
		ASSERT_EQ(0, pthread_create(&thread, NULL, write_once, &w));
		do {
			done = __atomic_load_n(&w.done, __ATOMIC_ACQUIRE);
			ASSERT_EQ(0, dirty_get(self->fd, self->hwpt, IOVA_BASE,
					       LENGTH, MOCK_PAGE, all, 0));
		} while (!done);
		pthread_join(thread, NULL);
		ASSERT_EQ(0, w.error);
		for (i = 0; i < PAGES; i++)
			ASSERT_EQ(i % 2 == 0, bit(all, i))
				TH_LOG("round %u page %u", round, i);
	}
	EXPECT_EQ(0, read_all(self, 0));
}

/* Mappings elsewhere come and go while the record is read. */
static void *map_and_unmap(void *arg)
{
	struct writer *w = arg;
	char *memory = mem_get(LENGTH);

	while (!w->error && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
		w->error = iommu_map(w->self->fd, w->self->ioas, memory,
				     LENGTH, IOVA_BASE + 2 * LENGTH);
		if (!w->error)
			w->error = iommu_unmap(w->self->fd, w->self->ioas,
					       IOVA_BASE + 2 * LENGTH, LENGTH,
					       NULL);
	}
	return NULL;
}

TEST_F_TIMEOUT(dirty, read_while_mapping, 120)
{
	struct writer w = { .self = self };
	unsigned int round;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &w));
	for (round = 0; round < 100 * test_scale(); round++) {
		ASSERT_EQ(0, device_writes(self, round % PAGES, 1));
		ASSERT_EQ(0, dirty_set(self->fd, self->hwpt,
				       IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
		ASSERT_EQ(0, device_writes(self, round % PAGES, 1));
		ASSERT_EQ(1, read_all(self, 0));
	}
	__atomic_store_n(&w.done, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, w.error);
}

/* tools/iommu/examples/migrate.c, the whole program */
TEST(example)
{
	static const char program[] = "/programs/migrate";
	pid_t child;
	int status;

	if (access(program, X_OK))
		SKIP(return, "the example is not here");
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execl(program, program, NULL);
		_exit(127);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
