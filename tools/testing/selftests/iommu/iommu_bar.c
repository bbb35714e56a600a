// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a device (a BAR) in an IOAS: mapped without a pin as long as the process
 * has it, and out of every page table when that ends. The BAR is that of any PCI
 * function here, as sysfs shows it to root; nobody touches it, as the mock does not,
 * to whom it reads as ones. iommu_peer has devices that do.
 */
#include "bar_test.h"

#include <stdatomic.h>

#include <linux/fs.h>
#include <linux/vfio.h>

#define AT_MEMORY	(IOVA_BASE + BAR_LENGTH)

FIXTURE(bar) {
	int fd;
	int file;
	void *bar;
	__u32 ioas;
	struct mock_device dev;
};

FIXTURE_SETUP(bar)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->file = open_any_bar();
	if (self->file < 0)
		SKIP(return, "there is no function with a BAR");
	self->bar = see_bar(self->file);
	ASSERT_NE(NULL, self->bar);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
}

FIXTURE_TEARDOWN(bar)
{
	close(self->fd);
	close(self->file);
}

/* MOCK_DMA_OK or another status, or a negative errno. */
static int dma(FIXTURE_DATA(bar) *self, __u64 iova, __u32 flags, __u64 *value)
{
	struct mock_dma d = {
		.dev = self->dev.dev,
		.flags = flags,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = value,
		.length = sizeof(*value),
	};
	int rc = mock_dma(self->fd, &d);

	return rc ? rc : (int)d.status;
}

static int dma_read(FIXTURE_DATA(bar) *self, __u64 iova)
{
	__u64 value = 0;
	int rc = dma(self, iova, 0, &value);

	return rc == MOCK_DMA_OK && value != ~0ULL ? -EIO : rc;
}

static bool says_revoked(int fd)
{
	struct fdinfo info;

	return !fdinfo_read(0, fd, &info) && strstr(info.text, " revoked=1\n");
}

TEST_F(bar, mapped_and_gone)
{
	long before = pinned_pages();
	__u64 done = 0;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	EXPECT_EQ(before, pinned_pages());
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE + PAGE));
	EXPECT_FALSE(says_revoked(self->fd));

	/* A part of it is enough, for all of it. */
	ASSERT_EQ(0, munmap(self->bar, PAGE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE + PAGE));
	EXPECT_TRUE(says_revoked(self->fd));

	/* Its IOVAs are taken until it is unmapped. */
	self->bar = see_bar(self->file);
	ASSERT_NE(NULL, self->bar);
	EXPECT_EQ(-EEXIST, iommu_map(self->fd, self->ioas, self->bar,
				     BAR_LENGTH, IOVA_BASE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, BAR_LENGTH,
				 &done));
	EXPECT_EQ(BAR_LENGTH, done);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
}

/* Without a page table there is nothing to look up yet: the first one finds it. */
TEST_F(bar, page_table_comes_later)
{
	struct mock_device dev;
	__u32 other;
	__u64 at = 0;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, mock_device(self->fd, other, 0, &dev));
	/* A copy in another IOAS, too */
	ASSERT_EQ(0, iommu_copy(self->fd, self->ioas, other, IOVA_BASE,
				BAR_LENGTH, IOMMU_MAP_RW, &at));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, at));
	ASSERT_EQ(0, munmap(self->bar, BAR_LENGTH));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, at));
	/* Who is attached now meets a hole. */
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, other));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
}

TEST_F(bar, rights)
{
	void *ro = mmap(NULL, BAR_LENGTH, PROT_READ, MAP_SHARED, self->file, 0);
	__u64 iova = IOVA_BASE, value = 1;

	ASSERT_NE(MAP_FAILED, ro);
	EXPECT_EQ(-EFAULT, iommu_map(self->fd, self->ioas, ro, BAR_LENGTH,
				     IOVA_BASE));
	ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas, ro, BAR_LENGTH,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma(self, IOVA_BASE, MOCK_DMA_WRITE,
					&value));
	/* Nor with what lies behind it. */
	EXPECT_EQ(-EFAULT, iommu_map(self->fd, self->ioas, self->bar,
				     1024 * BAR_LENGTH, 2 * IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, 2 * IOVA_BASE));
}

/* What is taken away is not what it was, though it is there still. */
TEST_F(bar, access_taken_away)
{
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	ASSERT_EQ(0, mprotect(self->bar, BAR_LENGTH, PROT_NONE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
	ASSERT_EQ(0, mprotect(self->bar, BAR_LENGTH, PROT_READ | PROT_WRITE));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
}

/* What a process cannot read a device cannot on its behalf, also if it could before. */
TEST_F(bar, access_not_there)
{
	__u64 iova = IOVA_BASE;

	/* So that all of it is in the process's page table */
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, BAR_LENGTH,
				 NULL));
	ASSERT_EQ(0, mprotect(self->bar, BAR_LENGTH, PROT_NONE));
	EXPECT_EQ(-EFAULT, iommu_map_flags(self->fd, self->ioas, self->bar,
					   BAR_LENGTH,
					   IOMMU_IOAS_MAP_READABLE |
					   IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	ASSERT_EQ(0, mprotect(self->bar, BAR_LENGTH, PROT_READ));
	EXPECT_EQ(0, iommu_map_flags(self->fd, self->ioas, self->bar, BAR_LENGTH,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
}

/* As a VMM, or CRIU, does that looks for what its own process has written. */
static int count_writes(void *start, unsigned long length)
{
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = PM_SCAN_WP_MATCHING,
		.start = (uintptr_t)start,
		.end = (uintptr_t)start + length,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int file, rc;

	file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	rc = ioctl(file, PAGEMAP_SCAN, &scan) < 0 ? -errno : 0;
	close(file);
	if (rc)
		return rc;
	file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	rc = write(file, "4", 1) == 1 ? 0 : -errno;
	close(file);
	return rc;
}

/* Its pages are what they were, and the process may do what it might. */
TEST_F(bar, writes_counted)
{
	__u64 iova = AT_MEMORY;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, count_writes(self->bar, BAR_LENGTH));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	EXPECT_FALSE(says_revoked(self->fd));

	/* What devices may only read the process need not be able to write. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, BAR_LENGTH,
				 NULL));
	ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas, self->bar, BAR_LENGTH,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, mprotect(self->bar, BAR_LENGTH, PROT_READ));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, AT_MEMORY));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
}

/* The process that had it mapped has ended; ordinary memory of it stays pinned. */
TEST_F(bar, process_ends)
{
	void *memory = mem_get(PAGE);
	__u64 value = 0;
	int status = 0;
	pid_t child;

	ASSERT_NE(NULL, memory);
	memset(memory, 0xff, PAGE);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			      IOVA_BASE) ||
		    iommu_map(self->fd, self->ioas, memory, PAGE, AT_MEMORY) ||
		    dma_read(self, IOVA_BASE) != MOCK_DMA_OK)
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
	EXPECT_EQ(MOCK_DMA_OK, dma(self, AT_MEMORY, 0, &value));
}

/* What devices write there is no memory that a migration would have to copy. */
TEST_F(bar, leaves_no_dirty_marks)
{
	void *memory = mem_get(PAGE);
	__u64 bitmap = 0, value = 1;
	__u32 hwpt;

	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, hwpt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory, PAGE, AT_MEMORY));
	ASSERT_EQ(0, iommu_dirty_track(self->fd, hwpt, true));
	ASSERT_EQ(MOCK_DMA_OK, dma(self, IOVA_BASE, MOCK_DMA_WRITE, &value));
	ASSERT_EQ(MOCK_DMA_OK, dma(self, AT_MEMORY, MOCK_DMA_WRITE, &value));
	ASSERT_EQ(0, iommu_dirty_read(self->fd, hwpt, IOVA_BASE,
				      BAR_LENGTH + PAGE, PAGE, &bitmap, 0));
	EXPECT_EQ(1ULL << BAR_LENGTH / PAGE, bitmap);
	/* A hole in the table is none in the IOAS. */
	ASSERT_EQ(0, munmap(self->bar, BAR_LENGTH));
	ASSERT_EQ(MOCK_DMA_OK, dma(self, AT_MEMORY, MOCK_DMA_WRITE, &value));
	bitmap = 0;
	ASSERT_EQ(0, iommu_dirty_read(self->fd, hwpt, IOVA_BASE,
				      BAR_LENGTH + PAGE, PAGE, &bitmap, 0));
	EXPECT_EQ(1ULL << BAR_LENGTH / PAGE, bitmap);
}

/* By VFIO's container calls, of both types; as long as it is there it has no parts. */
TEST_F(bar, container)
{
	struct iommu_vfio_ioas set = {
		.size = sizeof(set),
		.ioas_id = self->ioas,
		.op = IOMMU_VFIO_IOAS_SET,
	};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)self->bar,
		.iova = IOVA_BASE,
		.size = BAR_LENGTH,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA_BASE,
		.size = PAGE,
	};

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_VFIO_IOAS, &set));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	EXPECT_EQ(-EINVAL, iommu_call(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	EXPECT_EQ(MOCK_DMA_OK, dma_read(self, IOVA_BASE));
	ASSERT_EQ(0, munmap(self->bar, BAR_LENGTH));
	EXPECT_EQ(MOCK_DMA_BLOCKED, dma_read(self, IOVA_BASE));
	unmap.size = BAR_LENGTH;
	ASSERT_EQ(0, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	EXPECT_EQ(BAR_LENGTH, unmap.size);
}

struct taker {
	FIXTURE_DATA(bar) *self;
	atomic_bool stop;
	atomic_uint rounds;
	bool failed;
};

/* The BAR goes and comes at the same address. */
static void *take_and_give(void *arg)
{
	struct taker *t = arg;

	while (!atomic_load(&t->stop)) {
		if (mmap(t->self->bar, BAR_LENGTH, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, t->self->file, 0) ==
		    MAP_FAILED)
			t->failed = true;
		atomic_fetch_add(&t->rounds, 1);
		/* Else there may be no moment in which it can be looked up */
		sleep_ms(1);
	}
	return NULL;
}

/* Each map either does it or says EFAULT, and no unmap fails. */
TEST_F_TIMEOUT(bar, taken_while_mapped, 120)
{
	struct taker t = { .self = self };
	__u64 end = now_ms() + 2000 * test_scale();
	unsigned int mapped = 0;
	pthread_t thread;
	__u64 done;
	int rc;

	ASSERT_EQ(0, pthread_create(&thread, NULL, take_and_give, &t));
	do {
		rc = iommu_map(self->fd, self->ioas, self->bar, BAR_LENGTH,
			       IOVA_BASE);
		if (rc) {
			EXPECT_EQ(-EFAULT, rc);
			continue;
		}
		mapped++;
		rc = dma_read(self, IOVA_BASE);
		EXPECT_TRUE(rc == MOCK_DMA_OK || rc == MOCK_DMA_BLOCKED);
		EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE,
					 BAR_LENGTH, &done));
	} while (now_ms() < end || !mapped || atomic_load(&t.rounds) < 10);
	atomic_store(&t.stop, true);
	pthread_join(thread, NULL);
	EXPECT_FALSE(t.failed);
}

TEST_HARNESS_MAIN
