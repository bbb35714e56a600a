// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO's container calls on /dev/iommu, as type1 and as type1v2: which IOAS they
 * mean, and that they do what a program written for VFIO expects. What devices
 * see of it is tried by DMA of a mock device.
 */
#include "iommu_test.h"

#include <linux/vfio.h>

#define LENGTH		(64 * PAGE)

/* What the call returns, which may be more than 0; or a negative errno. */
static int vfio_call(int fd, unsigned long request, unsigned long arg)
{
	int rc = ioctl(fd, request, arg);

	return rc < 0 ? -errno : rc;
}

static int vfio_ioas(int fd, __u16 op, __u32 *ioas)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c),
		.ioas_id = *ioas,
		.op = op,
	};
	int rc = iommu_call(fd, IOMMU_VFIO_IOAS, &c);

	*ioas = c.ioas_id;
	return rc;
}

static int vfio_map(int fd, void *va, __u64 size, __u64 iova, __u32 flags)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c),
		.flags = flags,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = size,
	};

	return vfio_call(fd, VFIO_IOMMU_MAP_DMA, (uintptr_t)&c);
}

/* *@size: in what to unmap, out what was. */
static int vfio_unmap(int fd, __u64 iova, __u64 *size, __u32 flags)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int rc = vfio_call(fd, VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&c);

	*size = c.size;
	return rc;
}

#define MAP_RW		(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/*
 * No IOAS has been chosen: the state in which VFIO opens a container
 */

FIXTURE(bare) {
	int fd;
	void *buffer;
};

FIXTURE_SETUP(bare)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->buffer = mem_get(LENGTH);
	ASSERT_NE(NULL, self->buffer);
}

FIXTURE_TEARDOWN(bare)
{
	close(self->fd);
}

TEST_F(bare, what_it_can_do)
{
	static const struct {
		unsigned long what;
		int answer;
	} cases[] = {
		{ VFIO_TYPE1_IOMMU, 1 },
		{ VFIO_TYPE1v2_IOMMU, 1 },
		{ VFIO_UNMAP_ALL, 1 },
		{ VFIO_DMA_CC_IOMMU, 0 },
		{ VFIO_SPAPR_TCE_IOMMU, 0 },
		{ VFIO_TYPE1_NESTING_IOMMU, 0 },
		{ VFIO_UPDATE_VADDR, 0 },
		{ 12345, 0 },
		{ ~0UL, 0 },
	};
	unsigned int i;

	EXPECT_EQ(VFIO_API_VERSION, vfio_call(self->fd, VFIO_GET_API_VERSION,
					      0));
	for (i = 0; i < ARRAY_LEN(cases); i++)
		EXPECT_EQ(cases[i].answer,
			  vfio_call(self->fd, VFIO_CHECK_EXTENSION,
				    cases[i].what))
			TH_LOG("extension %lu", cases[i].what);
}

/* Bad input is found before it is missed that there is no IOAS. */
TEST_F(bare, calls_without_an_ioas)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map) };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap) };
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	__u64 size = PAGE;

	EXPECT_EQ(-ENODEV, vfio_call(self->fd, VFIO_SET_IOMMU,
				     VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-ENODEV, vfio_call(self->fd, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_SET_IOMMU,
				     VFIO_NOIOMMU_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_SET_IOMMU,
				     VFIO_SPAPR_TCE_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_SET_IOMMU, 0));

	EXPECT_EQ(-ENODEV, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE,
				    MAP_RW));
	EXPECT_EQ(-ENODEV, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	EXPECT_EQ(PAGE, size);
	EXPECT_EQ(-ENODEV, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
				     (uintptr_t)&info));

	map.argsz--;
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_MAP_DMA,
				     (uintptr_t)&map));
	unmap.argsz = offsetof(struct vfio_iommu_type1_dma_unmap, size);
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)&unmap));
	info.argsz = offsetof(struct vfio_iommu_type1_info, iova_pgsizes);
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
				     (uintptr_t)&info));

	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_MAP_DMA, 0));
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA, 0));
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_GET_INFO, 0));
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_DIRTY_PAGES, 0));
	EXPECT_EQ(-ENOTTY, vfio_call(self->fd, VFIO_IOMMU_ENABLE, 0));
}

TEST_F(bare, choosing_the_ioas)
{
	struct iommu_vfio_ioas c = { .size = sizeof(c) };
	__u32 first, second, id = 0;
	int other;

	EXPECT_EQ(-ENODEV, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_GET, &id));
	EXPECT_EQ(-ENOENT, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &id));
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_CLEAR, &id));
	EXPECT_EQ(-EOPNOTSUPP, vfio_ioas(self->fd, 3, &id));
	c.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd, IOMMU_VFIO_IOAS, &c));

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &first));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &second));
	id = first;
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &id));
	/* Once more, as nothing must be counted twice */
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &id));
	id = 0;
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_GET, &id));
	EXPECT_EQ(first, id);

	id = second;
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &id));
	EXPECT_EQ(0, iommu_destroy(self->fd, first));
	id = 0;
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_GET, &id));
	EXPECT_EQ(second, id);

	/* Being chosen does not keep it. */
	EXPECT_EQ(0, iommu_destroy(self->fd, second));
	EXPECT_EQ(-ENODEV, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_GET, &id));

	/* Nor does CLEAR destroy it. */
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &first));
	id = first;
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &id));
	EXPECT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_CLEAR, &id));
	EXPECT_EQ(-ENODEV, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_GET, &id));
	EXPECT_EQ(0, iommu_map(self->fd, first, self->buffer, PAGE,
			       IOVA_BASE));

	/* An id is valid in its own context only. */
	other = iommu_open();
	ASSERT_LE(0, other);
	id = first;
	EXPECT_EQ(-ENOENT, vfio_ioas(other, IOMMU_VFIO_IOAS_SET, &id));
	close(other);
}

/*
 * As a program has it after VFIO_GROUP_SET_CONTAINER and VFIO_SET_IOMMU
 */

FIXTURE(container) {
	int fd;
	__u32 ioas;
	struct mock_device dev;
	char *buffer;
};

FIXTURE_VARIANT(container) {
	unsigned long type;
};

FIXTURE_VARIANT_ADD(container, type1) {
	.type = VFIO_TYPE1_IOMMU,
};

FIXTURE_VARIANT_ADD(container, type1v2) {
	.type = VFIO_TYPE1v2_IOMMU,
};

FIXTURE_SETUP(container)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->buffer = mem_get(LENGTH);
	ASSERT_NE(NULL, self->buffer);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
	ASSERT_EQ(0, vfio_ioas(self->fd, IOMMU_VFIO_IOAS_SET, &self->ioas));
	ASSERT_EQ(0, vfio_call(self->fd, VFIO_SET_IOMMU, variant->type));
}

FIXTURE_TEARDOWN(container)
{
	close(self->fd);
}

/* The page of @buffer that the device finds at @iova, or a negative number. */
static int device_finds(FIXTURE_DATA(container) *self, __u64 iova)
{
	unsigned int value = ~0U;
	struct mock_dma d = {
		.dev = self->dev.dev,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = &value,
		.length = sizeof(value),
	};
	int rc = mock_dma(self->fd, &d);

	if (rc)
		return rc;
	return d.status == MOCK_DMA_OK ? (int)value : -1000 - (int)d.status;
}

#define BLOCKED		(-1000 - MOCK_DMA_BLOCKED)

static void number_pages(char *buffer, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		memcpy(buffer + i * PAGE, &i, sizeof(i));
}

TEST_F(container, map_and_unmap)
{
	__u64 size;

	number_pages(self->buffer, 16);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 16 * PAGE, IOVA_BASE,
			      MAP_RW));
	EXPECT_EQ(0, device_finds(self, IOVA_BASE));
	EXPECT_EQ(15, device_finds(self, IOVA_BASE + 15 * PAGE));
	EXPECT_EQ(BLOCKED, device_finds(self, IOVA_BASE + 16 * PAGE));

	size = 16 * PAGE;
	ASSERT_EQ(0, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	EXPECT_EQ(16 * PAGE, size);
	EXPECT_EQ(BLOCKED, device_finds(self, IOVA_BASE));

	/* Of what there is not, all is unmapped. */
	ASSERT_EQ(0, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	EXPECT_EQ(0, size);
}

TEST_F(container, permission)
{
	struct mock_dma d = {
		.dev = self->dev.dev,
		.flags = MOCK_DMA_WRITE,
		.timeout_ms = FOREVER_MS,
		.iova = IOVA_BASE,
		.data = "device",
		.length = 6,
	};

	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE,
			      VFIO_DMA_MAP_FLAG_READ));
	ASSERT_EQ(0, mock_dma(self->fd, &d));
	EXPECT_EQ(MOCK_DMA_BLOCKED, d.status);
	EXPECT_EQ(0, self->buffer[0]);

	d.iova = IOVA_BASE + PAGE;
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE + PAGE,
			      MAP_RW));
	ASSERT_EQ(0, mock_dma(self->fd, &d));
	EXPECT_EQ(MOCK_DMA_OK, d.status);
	EXPECT_EQ(0, memcmp(self->buffer, "device", 6));
}

TEST_F(container, map_refused)
{
	char *hole = mem_before_hole();
	struct {
		const char *what;
		int error;
		void *va;
		__u64 size;
		__u64 iova;
		__u32 flags;
	} cases[] = {
		{ "no permission", -EINVAL, self->buffer, PAGE, IOVA_BASE, 0 },
		{ "VADDR", -EINVAL, self->buffer, PAGE, IOVA_BASE,
		  MAP_RW | VFIO_DMA_MAP_FLAG_VADDR },
		{ "unknown flag", -EINVAL, self->buffer, PAGE, IOVA_BASE,
		  MAP_RW | 1U << 31 },
		{ "size 0", -EINVAL, self->buffer, 0, IOVA_BASE, MAP_RW },
		{ "unaligned size", -EINVAL, self->buffer, PAGE + 1, IOVA_BASE,
		  MAP_RW },
		{ "unaligned IOVA", -EINVAL, self->buffer, PAGE, IOVA_BASE + 1,
		  MAP_RW },
		{ "IOVA overflows", -EOVERFLOW, self->buffer, 2 * PAGE, -PAGE,
		  MAP_RW },
		{ "not translated", -EINVAL, self->buffer, PAGE,
		  MOCK_APERTURE_START - PAGE, MAP_RW },
		{ "not translated at its end", -EINVAL, self->buffer, 2 * PAGE,
		  MOCK_APERTURE_LAST + 1ULL - PAGE, MAP_RW },
		{ "in use", -EEXIST, self->buffer, 2 * PAGE,
		  IOVA_BASE + 31 * PAGE, MAP_RW },
		{ "no memory there", -EFAULT, hole, 2 * PAGE, IOVA_BASE,
		  MAP_RW },
	};
	struct fdinfo before, after;
	unsigned int i;
	long pinned;

	ASSERT_NE(NULL, hole);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE,
			      IOVA_BASE + 32 * PAGE, MAP_RW));
	pinned = pinned_pages();
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_EQ(cases[i].error,
			  vfio_map(self->fd, cases[i].va, cases[i].size,
				   cases[i].iova, cases[i].flags))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(pinned, pinned_pages())
			TH_LOG("%s", cases[i].what);
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text)
			TH_LOG("%s", cases[i].what);
	}
}

TEST_F(container, unmap_refused)
{
	struct {
		const char *what;
		int error;
		__u64 iova;
		__u64 size;
		__u32 flags;
	} cases[] = {
		{ "size 0", -EINVAL, IOVA_BASE, 0, 0 },
		{ "overflow", -EOVERFLOW, -PAGE, 2 * PAGE, 0 },
		{ "dirty bitmap", -EINVAL, IOVA_BASE, PAGE,
		  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP },
		{ "VADDR", -EINVAL, IOVA_BASE, PAGE,
		  VFIO_DMA_UNMAP_FLAG_VADDR },
		{ "all with an IOVA", -EINVAL, IOVA_BASE, 0,
		  VFIO_DMA_UNMAP_FLAG_ALL },
		{ "all with a size", -EINVAL, 0, PAGE,
		  VFIO_DMA_UNMAP_FLAG_ALL },
		{ "unknown flag", -EINVAL, IOVA_BASE, PAGE, 1U << 31 },
	};
	struct fdinfo before, after;
	unsigned int i;
	__u64 size;

	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 4 * PAGE, IOVA_BASE,
			      MAP_RW));
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		size = cases[i].size;
		EXPECT_EQ(cases[i].error,
			  vfio_unmap(self->fd, cases[i].iova, &size,
				     cases[i].flags))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(cases[i].size, size)
			TH_LOG("%s", cases[i].what);
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text)
			TH_LOG("%s", cases[i].what);
	}
}

TEST_F(container, unmap_all)
{
	unsigned int i;
	__u64 size = 0;

	ASSERT_EQ(0, vfio_unmap(self->fd, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_EQ(0, size);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, vfio_map(self->fd, self->buffer + i * PAGE, PAGE,
				      IOVA_BASE + 3 * i * PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_unmap(self->fd, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_EQ(8 * PAGE, size);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(BLOCKED,
			  device_finds(self, IOVA_BASE + 3 * i * PAGE));
}

/* Many mappings and the gaps between them go in one call. */
TEST_F(container, unmap_over_gaps)
{
	unsigned int i;
	__u64 size;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, vfio_map(self->fd, self->buffer + i * PAGE, PAGE,
				      IOVA_BASE + 2 * i * PAGE, MAP_RW));
	size = 16 * PAGE;
	ASSERT_EQ(0, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	EXPECT_EQ(8 * PAGE, size);
}

/* Type1 cuts a mapping, v2 leaves it alone; devices see just that. */
TEST_F(container, unmap_a_part)
{
	static const struct {
		unsigned int first;
		unsigned int pages;
	} cases[] = {
		{ 5, 1 }, { 0, 1 }, { 63, 1 }, { 20, 8 }, { 4, 3 }, { 18, 12 },
		{ 0, 3 }, { 40, 24 },
	};
	bool there[64];
	unsigned int i, j, gone;
	__u64 size;

	memset(there, true, sizeof(there));
	number_pages(self->buffer, 64);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 64 * PAGE, IOVA_BASE,
			      MAP_RW));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		size = cases[i].pages * PAGE;
		if (variant->type == VFIO_TYPE1v2_IOMMU) {
			EXPECT_EQ(-ENOENT,
				  vfio_unmap(self->fd, IOVA_BASE +
					     cases[i].first * PAGE, &size, 0));
			EXPECT_EQ(0, size);
		} else {
			gone = 0;
			for (j = 0; j < cases[i].pages; j++) {
				gone += there[cases[i].first + j];
				there[cases[i].first + j] = false;
			}
			EXPECT_EQ(0,
				  vfio_unmap(self->fd, IOVA_BASE +
					     cases[i].first * PAGE, &size, 0));
			EXPECT_EQ(gone * PAGE, size);
		}
		for (j = 0; j < 64; j++)
			ASSERT_EQ(there[j] ? (int)j : BLOCKED,
				  device_finds(self, IOVA_BASE + j * PAGE))
				TH_LOG("case %u page %u", i, j);
	}
	size = 64 * PAGE;
	EXPECT_EQ(0, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	for (gone = 0, j = 0; j < 64; j++)
		gone += there[j];
	EXPECT_EQ(gone * PAGE, size);
	EXPECT_EQ(0, pinned_pages());
}

/* Type1 maps in small pages, v2 in whatever fits. */
TEST_F(container, type_decides_page_size)
{
	__u64 value = 7;

	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_GET, self->ioas, &value));
	EXPECT_EQ(variant->type == VFIO_TYPE1v2_IOMMU, value);
	/* Both may be said again, and v2 does not take type1 back. */
	EXPECT_EQ(0, vfio_call(self->fd, VFIO_SET_IOMMU, variant->type));
	EXPECT_EQ(0, vfio_call(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_GET, self->ioas, &value));
	EXPECT_EQ(variant->type == VFIO_TYPE1v2_IOMMU, value);
}

TEST_F(container, type1_comes_too_late)
{
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 4 * PAGE, IOVA_BASE,
			      MAP_RW));
	EXPECT_EQ(variant->type == VFIO_TYPE1v2_IOMMU ? -EINVAL : 0,
		  vfio_call(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
}

TEST_F(container, snooping)
{
	struct mock_device second;

	/* The mock always can, and says so when asked for it. */
	EXPECT_LE(0, vfio_call(self->fd, VFIO_CHECK_EXTENSION,
			       VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &second));
	EXPECT_GE(1, vfio_call(self->fd, VFIO_CHECK_EXTENSION,
			       VFIO_DMA_CC_IOMMU));
}

/* Are these capabilities, whole and as they should be? */
static void check_caps(struct __test_metadata *_metadata, const void *buffer)
{
	const __u32 head = sizeof(struct vfio_iommu_type1_info);
	const struct vfio_iommu_type1_info_cap_iova_range *ranges = NULL;
	const struct vfio_iommu_type1_info_cap_migration *migration = NULL;
	const struct vfio_iommu_type1_info_dma_avail *avail = NULL;
	const struct vfio_iommu_type1_info *info = buffer;
	const struct vfio_info_cap_header *cap;
	__u32 at;

	for (at = info->cap_offset; at; at = cap->next) {
		ASSERT_LE(head, at);
		ASSERT_EQ(0, at % 8);
		ASSERT_LE(at + sizeof(*cap), info->argsz);
		cap = buffer + at;
		ASSERT_EQ(1, cap->version);
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			avail = buffer + at;
			ASSERT_LE(at + sizeof(*avail), info->argsz);
		} else if (cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) {
			migration = buffer + at;
			ASSERT_LE(at + sizeof(*migration), info->argsz);
		} else {
			ASSERT_EQ(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
				  cap->id);
			ranges = buffer + at;
			ASSERT_EQ(1, ranges->nr_iovas);
			ASSERT_EQ(at + sizeof(*ranges) +
				  sizeof(ranges->iova_ranges[0]), info->argsz);
		}
	}
	ASSERT_NE(NULL, avail);
	ASSERT_EQ(~0U, avail->avail);
	ASSERT_NE(NULL, migration);
	ASSERT_EQ(0, migration->flags);
	ASSERT_EQ(PAGE, migration->pgsize_bitmap);
	ASSERT_LE(1ULL << 28, migration->max_dirty_bitmap_size);
	ASSERT_NE(NULL, ranges);
	ASSERT_EQ(0, ranges->reserved);
	ASSERT_EQ(MOCK_APERTURE_START, ranges->iova_ranges[0].start);
	ASSERT_EQ(MOCK_APERTURE_LAST, ranges->iova_ranges[0].end);
}

/*
 * Every size of the buffer from the smallest to more than enough. What the
 * kernel writes is never more than it was given, and never part of a chain.
 */
TEST_F(container, info_of_every_size)
{
	const __u32 head = sizeof(struct vfio_iommu_type1_info);
	struct vfio_iommu_type1_info *info;
	unsigned char buffer[512];
	bool with_caps = false;
	__u32 size, i;

	info = (struct vfio_iommu_type1_info *)buffer;
	for (size = offsetof(struct vfio_iommu_type1_info, cap_offset);
	     size < 256; size++) {
		memset(buffer, 0xaa, sizeof(buffer));
		info->argsz = size;
		ASSERT_EQ(0, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
				       (uintptr_t)info));
		for (i = size; i < sizeof(buffer); i++)
			ASSERT_EQ(0xaa, buffer[i]) TH_LOG("size %u", size);
		ASSERT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
			  info->flags);
		ASSERT_NE(0, info->iova_pgsizes & PAGE);
		ASSERT_EQ(0, info->iova_pgsizes & (PAGE - 1));
		ASSERT_LT(head, info->argsz);
		if (size >= info->argsz) {
			check_caps(_metadata, buffer);
			with_caps = true;
		} else if (size >= head) {
			ASSERT_EQ(0, info->cap_offset);
		}
	}
	EXPECT_TRUE(with_caps);
}

/* Ranges come and go with what is reserved. */
TEST_F(container, info_with_many_ranges)
{
	const struct vfio_iommu_type1_info_cap_iova_range *r;
	struct vfio_iommu_type1_info *info;
	struct iommu_test_cmd c = {
		.size = sizeof(c),
		.op = IOMMU_TEST_OP_ADD_RESERVED,
		.id = self->ioas,
	};
	const unsigned int num = 300;
	unsigned int i;

	for (i = 0; i < num; i++) {
		c.add_reserved.start = IOVA_BASE + (2 * i + 1) * PAGE;
		c.add_reserved.length = PAGE;
		ASSERT_EQ(0, iommu_call(self->fd, IOMMU_TEST_CMD, &c));
	}
	info = calloc(1, 65536);
	ASSERT_NE(NULL, info);
	info->argsz = 65536;
	ASSERT_EQ(0, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
			       (uintptr_t)info));
	ASSERT_NE(0, info->cap_offset);
	r = (const void *)((char *)info + info->cap_offset);
	while (r->header.id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
		ASSERT_NE(0, r->header.next);
		r = (const void *)((char *)info + r->header.next);
	}
	ASSERT_EQ(num + 1, r->nr_iovas);
	for (i = 0; i < num; i++) {
		EXPECT_EQ(IOVA_BASE + 2 * i * PAGE, r->iova_ranges[i].start);
		EXPECT_EQ(IOVA_BASE + (2 * i + 1) * PAGE - 1,
			  r->iova_ranges[i].end);
	}
	EXPECT_EQ(MOCK_APERTURE_LAST, r->iova_ranges[num].end);
	free(info);
}

/* One of VFIO_IOMMU_DIRTY_PAGES_FLAG_*; @get may be NULL. */
static int vfio_dirty(int fd, __u32 flags,
		      const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct vfio_iommu_type1_dirty_bitmap head = { .flags = flags };
	char buffer[sizeof(head) + sizeof(*get)];

	head.argsz = sizeof(head) + (get ? sizeof(*get) : 0);
	memcpy(buffer, &head, sizeof(head));
	if (get)
		memcpy(buffer + sizeof(head), get, sizeof(*get));
	return vfio_call(fd, VFIO_IOMMU_DIRTY_PAGES, (uintptr_t)buffer);
}

#define DIRTY_START	VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define DIRTY_STOP	VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define DIRTY_GET	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

/* All that devices may write to, each time; nothing else, and no bit is taken away. */
TEST_F(container, dirty_pages)
{
	__u64 bitmap = 1ULL << 15;
	struct vfio_iommu_type1_dirty_bitmap_get get = {
		.iova = IOVA_BASE,
		.size = 16 * PAGE,
		.bitmap = { .pgsize = PAGE, .size = 8, .data = &bitmap },
	};
	unsigned int i;

	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 4 * PAGE,
			      IOVA_BASE + PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 4 * PAGE,
			      IOVA_BASE + 8 * PAGE, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_START, NULL));
	for (i = 0; i < 2; i++) {
		bitmap = 1ULL << 15;
		ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_GET, &get));
		EXPECT_EQ(1ULL << 15 | 0xfULL << 1, bitmap);
	}
	/* It begins and ends inside of mappings. */
	bitmap = 0;
	get.iova = IOVA_BASE + 2 * PAGE;
	get.size = 2 * PAGE;
	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_GET, &get));
	EXPECT_EQ(3, bitmap);
	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_STOP, NULL));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
}

TEST_F(container, dirty_pages_refused)
{
	__u64 bitmap[2] = {};
	const struct vfio_iommu_type1_dirty_bitmap_get good = {
		.iova = IOVA_BASE,
		.size = 65 * PAGE,
		.bitmap = { .pgsize = PAGE, .size = 16, .data = bitmap },
	};
	struct vfio_iommu_type1_dirty_bitmap_get get;

	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_START, NULL));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, 0, NULL));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_START | DIRTY_STOP, NULL));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, 1U << 3, NULL));
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, NULL));
	EXPECT_EQ(0, vfio_dirty(self->fd, DIRTY_GET, &good));

	get = good;
	get.bitmap.pgsize = 2 * PAGE;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get = good;
	get.bitmap.size = 8;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get.bitmap.size = ~0ULL;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get = good;
	get.size = 0;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get.size = PAGE / 2;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get = good;
	get.iova++;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get.iova = -PAGE;
	EXPECT_EQ(-EINVAL, vfio_dirty(self->fd, DIRTY_GET, &get));
	get = good;
	get.bitmap.data = no_memory();
	EXPECT_EQ(-EFAULT, vfio_dirty(self->fd, DIRTY_GET, &get));
}

/* With an unmap; what cannot be told stays mapped. */
TEST_F(container, dirty_pages_of_an_unmap)
{
	__u64 bitmap = 0;
	struct {
		__u32 argsz, flags;
		__u64 iova, size;
		struct vfio_bitmap bitmap;
	} unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = IOVA_BASE,
		.size = 4 * PAGE,
		.bitmap = { .pgsize = PAGE, .size = 8, .data = no_memory() },
	};

	number_pages(self->buffer, 4);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, 4 * PAGE, IOVA_BASE,
			      MAP_RW));
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)&unmap));
	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_START, NULL));
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)&unmap));
	EXPECT_EQ(3, device_finds(self, IOVA_BASE + 3 * PAGE));
	unmap.bitmap.data = &bitmap;
	ASSERT_EQ(0, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
			       (uintptr_t)&unmap));
	EXPECT_EQ(4 * PAGE, unmap.size);
	EXPECT_EQ(0xf, bitmap);
	EXPECT_EQ(BLOCKED, device_finds(self, IOVA_BASE + 3 * PAGE));
}

/* Memory that can be read and not written */
static bool read_only(void *page, bool on)
{
	return !mprotect(page, PAGE, on ? PROT_READ : PROT_READ | PROT_WRITE);
}

TEST_F(container, answer_cannot_be_written)
{
	struct vfio_iommu_type1_dma_unmap *unmap = mem_get(PAGE);
	struct vfio_iommu_type1_info *info = (void *)unmap;
	/* Without room for what follows, and with it */
	const __u32 argsz[] = { sizeof(*info), PAGE };
	unsigned int i;

	ASSERT_NE(NULL, unmap);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE,
			      MAP_RW));
	unmap->argsz = sizeof(*unmap);
	unmap->iova = IOVA_BASE;
	unmap->size = PAGE;
	ASSERT_TRUE(read_only(unmap, true));
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)unmap));
	/* It was done all the same. */
	EXPECT_EQ(BLOCKED, device_finds(self, IOVA_BASE));

	for (i = 0; i < ARRAY_LEN(argsz); i++) {
		ASSERT_TRUE(read_only(info, false));
		memset(info, 0, sizeof(*info));
		info->argsz = argsz[i];
		ASSERT_TRUE(read_only(info, true));
		EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
					     (uintptr_t)info))
			TH_LOG("%u bytes", argsz[i]);
	}
	munmap(unmap, PAGE);
}

/* What argsz says is more than there is, or less than is needed. */
TEST_F(container, structures_that_end_too_soon)
{
	char *end = (char *)mem_before_hole() + PAGE;
	struct vfio_iommu_type1_dirty_bitmap *dirty = (void *)(end - sizeof(*dirty));
	struct vfio_iommu_type1_dma_unmap *unmap = (void *)(end - sizeof(*unmap));
	struct vfio_iommu_type1_info *info = (void *)(end - sizeof(*info));

	ASSERT_NE((char *)PAGE, end);
	number_pages(self->buffer, 1);
	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE,
			      MAP_RW));
	ASSERT_EQ(0, vfio_dirty(self->fd, DIRTY_START, NULL));
	unmap->flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	unmap->iova = IOVA_BASE;
	unmap->size = PAGE;
	unmap->argsz = sizeof(*unmap);
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)unmap));
	unmap->argsz += sizeof(struct vfio_bitmap);
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)unmap));
	EXPECT_EQ(0, device_finds(self, IOVA_BASE));

	dirty->flags = DIRTY_GET;
	dirty->argsz = sizeof(*dirty) - 1;
	EXPECT_EQ(-EINVAL, vfio_call(self->fd, VFIO_IOMMU_DIRTY_PAGES,
				     (uintptr_t)dirty));
	dirty->argsz = sizeof(*dirty) +
		       sizeof(struct vfio_iommu_type1_dirty_bitmap_get);
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_DIRTY_PAGES,
				     (uintptr_t)dirty));

	/* There is room for the structure, and none for the capabilities behind it. */
	memset(info, 0, sizeof(*info));
	info->argsz = PAGE;
	EXPECT_EQ(-EFAULT, vfio_call(self->fd, VFIO_IOMMU_GET_INFO,
				     (uintptr_t)info));
	EXPECT_EQ(PAGE, info->argsz);
	EXPECT_EQ(0, info->flags);
}

/* The IOAS goes, and the calls have nothing to work on any more. */
TEST_F(container, ioas_goes)
{
	__u64 size = PAGE;

	ASSERT_EQ(0, vfio_map(self->fd, self->buffer, PAGE, IOVA_BASE,
			      MAP_RW));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	ASSERT_EQ(0, iommu_destroy(self->fd, self->dev.stdev));
	ASSERT_EQ(0, iommu_destroy(self->fd, self->ioas));
	EXPECT_EQ(-ENODEV, vfio_unmap(self->fd, IOVA_BASE, &size, 0));
	EXPECT_EQ(0, pinned_pages());
}

/* VFIO's own name for it, with VFIO's way to charge memory. */
TEST(dev_vfio_vfio)
{
	__u64 value = 0;
	int fd;

	fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "there is no /dev/vfio/vfio");
	EXPECT_EQ(VFIO_API_VERSION, vfio_call(fd, VFIO_GET_API_VERSION, 0));
	EXPECT_EQ(1, vfio_call(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-ENODEV, vfio_call(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, iommu_option(fd, IOMMU_OPTION_RLIMIT_MODE,
				  IOMMU_OPTION_OP_GET, 0, &value));
	EXPECT_EQ(1, value);
	close(fd);
}

TEST_HARNESS_MAIN
