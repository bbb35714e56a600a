// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of files: IOMMU_IOAS_MAP_FILE and IOMMU_IOAS_CHANGE_PROCESS. What the device
 * sees is what the file has; what becomes of the file afterwards is the file's; and
 * who pays can be changed while the device goes on.
 *
 * Each case is for a memfd of small pages and for one of huge pages.
 */
#include "iommu_test.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define HUGE		(2UL << 20)
#define FIXED_RW	(IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA)
#define FIXED_RO	(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_FIXED_IOVA)

FIXTURE(file) {
	int fd;
	int file;
	__u32 ioas;
	struct mock_device dev;
	size_t size;
	size_t unit;
	char *data;
};

FIXTURE_VARIANT(file) {
	unsigned int memfd_flags;
	__u32 dev_flags;
};

FIXTURE_VARIANT_ADD(file, small) { 0, 0 };
FIXTURE_VARIANT_ADD(file, hugetlb) {
	MFD_HUGETLB, MOCK_FLAGS_DEVICE_HUGE_IOVA
};

FIXTURE_SETUP(file)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->size = 2 * HUGE;
	self->unit = variant->memfd_flags ? HUGE : PAGE;
	self->file = memfd_create("test", variant->memfd_flags |
				  MFD_ALLOW_SEALING);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, ftruncate(self->file, (off_t)self->size));
	if (variant->memfd_flags) {
		/* Reserves what is needed, and gives it back. */
		void *all = mmap(NULL, 2 * self->size, PROT_READ, MAP_SHARED,
				 self->file, 0);

		if (all == MAP_FAILED)
			SKIP(return, "there are no huge pages");
		munmap(all, 2 * self->size);
		ASSERT_EQ(0, ftruncate(self->file, 0));
		ASSERT_EQ(0, ftruncate(self->file, (off_t)self->size));
	}
	self->data = malloc(self->size);
	ASSERT_NE(NULL, self->data);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, variant->dev_flags,
				 &self->dev));
}

FIXTURE_TEARDOWN(file)
{
	free(self->data);
	close(self->fd);
	close(self->file);
}

static int map_at(FIXTURE_DATA(file) *self, int file, __u64 start,
		  __u64 length, __u32 flags, __u64 iova)
{
	return iommu_map_file(self->fd, self->ioas, file, start, length, flags,
			      &iova);
}

static int map_all(FIXTURE_DATA(file) *self)
{
	return map_at(self, self->file, 0, self->size, FIXED_RW, IOVA_BASE);
}

static int dma(FIXTURE_DATA(file) *self, __u32 flags, __u64 iova, void *data,
	       __u64 length)
{
	__u64 done;

	for (done = 0; done < length; done += MOCK_DMA_LENGTH_MAX) {
		struct mock_dma d = {
			.dev = self->dev.dev,
			.flags = flags,
			.timeout_ms = FOREVER_MS,
			.iova = iova + done,
			.data = (char *)data + done,
			.length = length - done < MOCK_DMA_LENGTH_MAX ?
					  length - done : MOCK_DMA_LENGTH_MAX,
		};
		int rc = mock_dma(self->fd, &d);

		if (rc || d.status != MOCK_DMA_OK)
			return rc ?: -EIO;
	}
	return 0;
}

static int device_writes(FIXTURE_DATA(file) *self, __u64 iova, void *data,
			 __u64 length)
{
	return dma(self, MOCK_DMA_WRITE, iova, data, length);
}

static int device_reads(FIXTURE_DATA(file) *self, __u64 iova, void *data,
			__u64 length)
{
	return dma(self, 0, iova, data, length);
}

static char *see(FIXTURE_DATA(file) *self)
{
	char *p = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->file, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool all_are(const char *p, char value, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (p[i] != value)
			return false;
	return true;
}

static void fill(char *p, size_t length, unsigned int seed)
{
	size_t i;

	for (i = 0; i < length; i++)
		p[i] = (char)((i * 7 + i / PAGE + seed) | 1);
}

TEST_F(file, both_see_the_same)
{
	long before = pinned_pages();
	char *file;

	ASSERT_EQ(0, map_all(self));
	EXPECT_EQ(before + (long)(self->size / PAGE), pinned_pages());
	/* Pages that nobody has touched are made, and are zero. */
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	EXPECT_TRUE(all_are(self->data, 0, self->size));

	file = see(self);
	ASSERT_NE(NULL, file);
	EXPECT_EQ(0, mock_maps(self->fd, self->dev.hwpt, file, self->size,
			       IOVA_BASE));
	fill(file, self->size, 1);
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	EXPECT_EQ(0, memcmp(self->data, file, self->size));
	fill(self->data, self->size, 2);
	ASSERT_EQ(0, device_writes(self, IOVA_BASE + 123, self->data,
				   self->size - 200));
	EXPECT_EQ(0, memcmp(self->data, file + 123, self->size - 200));

	/* And to a process that reads the file */
	ASSERT_EQ((ssize_t)PAGE, pread(self->file, self->data + PAGE, PAGE,
				       123));
	EXPECT_EQ(0, memcmp(self->data, self->data + PAGE, PAGE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
	munmap(file, self->size);
}

/* Any part, of any alignment that the IOMMU has; by several mappings at once. */
TEST_F(file, parts)
{
	static const struct {
		__u64 start, length;
	} parts[] = {
		{ 0, MOCK_PAGE }, { MOCK_PAGE, MOCK_PAGE }, { PAGE, 3 * PAGE },
		{ 5 * PAGE + MOCK_PAGE, 2 * PAGE }, { HUGE - PAGE, 2 * PAGE },
		{ HUGE / 2, HUGE }, { HUGE, HUGE },
		{ 2 * HUGE - MOCK_PAGE, MOCK_PAGE },
	};
	long before = pinned_pages();
	__u64 iova[ARRAY_LEN(parts)];
	char *file = see(self);
	unsigned int i;

	ASSERT_NE(NULL, file);
	fill(file, self->size, 5);
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		iova[i] = IOVA_BASE + i * 2 * HUGE + parts[i].start;
		ASSERT_EQ(0, map_at(self, self->file, parts[i].start,
				    parts[i].length, FIXED_RW, iova[i]));
	}
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		ASSERT_EQ(0, device_reads(self, iova[i], self->data,
					  parts[i].length));
		EXPECT_EQ(0, memcmp(self->data, file + parts[i].start,
				    parts[i].length)) TH_LOG("part %u", i);
	}
	/* One after the other goes; the others stay. */
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, iova[i],
					 parts[i].length, NULL));
		if (i + 1 == ARRAY_LEN(parts))
			break;
		ASSERT_EQ(0, device_reads(self, iova[i + 1], self->data,
					  parts[i + 1].length));
		EXPECT_EQ(0, memcmp(self->data, file + parts[i + 1].start,
				    parts[i + 1].length));
	}
	EXPECT_EQ(before, pinned_pages());
	munmap(file, self->size);
}

/* Half of one mapping is copied; the other half's memory goes when it is unmapped. */
TEST_F(file, copies_share_the_pins)
{
	long before = pinned_pages();
	__u64 iova = IOVA_BASE + 4 * HUGE;
	__u32 other;

	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_copy(self->fd, self->ioas, self->ioas,
				IOVA_BASE + HUGE / 2, HUGE, FIXED_RW, &iova));
	EXPECT_EQ(before + (long)(self->size / PAGE), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, self->size,
				 NULL));
	EXPECT_EQ(before + (long)(HUGE / PAGE), pinned_pages());
	fill(self->data, HUGE, 3);
	ASSERT_EQ(0, device_writes(self, iova, self->data, HUGE));
	ASSERT_EQ((ssize_t)HUGE, pread(self->file, self->data + HUGE, HUGE,
				       HUGE / 2));
	EXPECT_EQ(0, memcmp(self->data, self->data + HUGE, HUGE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, iova, HUGE, NULL));
	EXPECT_EQ(before, pinned_pages());
}

/* The kernel chooses: so that large pages are possible, as for memory of a process. */
TEST_F(file, chosen_iova)
{
	__u64 iova = 0;

	ASSERT_EQ(0, iommu_map_file(self->fd, self->ioas, self->file, PAGE,
				    HUGE, IOMMU_MAP_RW, &iova));
	EXPECT_EQ(PAGE, iova % HUGE);
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, iova, HUGE, NULL));
}

TEST_F(file, refused)
{
	int regular = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct fdinfo before, after;
	char path[64];
	int only[3], i;

	ASSERT_LE(0, regular);
	ASSERT_LE(0, null);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->file);
	only[0] = open(path, O_RDONLY | O_CLOEXEC);
	only[1] = open(path, O_WRONLY | O_CLOEXEC);
	only[2] = open(path, O_PATH | O_CLOEXEC);
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, only[i]);
	state_of(self->fd, &before);

	EXPECT_EQ(-EBADF, map_at(self, -1, 0, PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EBADF, map_at(self, 9999, 0, PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EBADF, map_at(self, only[2], 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, regular, 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, null, 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->fd, 0, PAGE, FIXED_RO,
				  IOVA_BASE));
	EXPECT_EQ(-EACCES, map_at(self, only[0], 0, PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EACCES, map_at(self, only[1], 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(-EACCES, map_at(self, only[1], 0, PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 0, 0, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 0, PAGE,
				  IOMMU_IOAS_MAP_FIXED_IOVA, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 0, PAGE + 1, FIXED_RW,
				  IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 1, PAGE, FIXED_RW,
				  IOVA_BASE));
	/* Beyond the end, in part or all of it */
	EXPECT_EQ(-EINVAL, map_at(self, self->file, self->size - PAGE,
				  2 * PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, self->size, PAGE, FIXED_RW,
				  IOVA_BASE));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 1ULL << 40, PAGE, FIXED_RW,
				  IOVA_BASE));
	EXPECT_EQ(-EOVERFLOW, map_at(self, self->file, -PAGE, PAGE, FIXED_RW,
				     IOVA_BASE));
	EXPECT_EQ(-EOVERFLOW, map_at(self, self->file, ~0ULL >> 1, PAGE,
				     FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-EOVERFLOW, map_at(self, self->file, ~0ULL, PAGE, FIXED_RW,
				     IOVA_BASE));
	EXPECT_EQ(-EOVERFLOW, map_at(self, self->file, 0, ~0ULL, FIXED_RW,
				     IOVA_BASE));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);

	/* What is open for reading can be read. */
	ASSERT_EQ(0, map_at(self, only[0], 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(0, device_reads(self, IOVA_BASE, self->data, PAGE));
	EXPECT_EQ(-EIO, device_writes(self, IOVA_BASE, self->data, PAGE));
	EXPECT_EQ(-EEXIST, map_at(self, self->file, 0, PAGE, FIXED_RW,
				  IOVA_BASE));
	for (i = 0; i < 3; i++)
		close(only[i]);
	close(regular);
	close(null);
}

/* As a shared mapping: writers keep the seal away, and the seal keeps writers away. */
TEST_F(file, seals)
{
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RW, IOVA_BASE));
	EXPECT_EQ(-1, fcntl(self->file, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, PAGE, NULL));
	ASSERT_EQ(0, fcntl(self->file, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, map_at(self, self->file, 0, PAGE, FIXED_RW,
				 IOVA_BASE));
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RO, IOVA_BASE));
	EXPECT_EQ(0, device_reads(self, IOVA_BASE, self->data, PAGE));
}

TEST_F(file, seal_against_later_writers)
{
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RW, IOVA_BASE));
	ASSERT_EQ(0, fcntl(self->file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	/* Who is there already may go on. */
	EXPECT_EQ(0, device_writes(self, IOVA_BASE, self->data, PAGE));
	EXPECT_EQ(-EPERM, map_at(self, self->file, PAGE, PAGE, FIXED_RW,
				 IOVA_BASE + PAGE));
	EXPECT_EQ(0, map_at(self, self->file, PAGE, PAGE, FIXED_RO,
			    IOVA_BASE + PAGE));
}

/* fallocate() gives pages that have not been cleared: they must not be seen so. */
TEST_F(file, allocated_and_never_touched)
{
	size_t length = 32 << 20, i;
	char *junk;

	if (self->unit == PAGE) {
		junk = mem_get(length);
		ASSERT_NE(NULL, junk);
		memset(junk, 0x5a, length);
		munmap(junk, length);
	}
	ASSERT_EQ(0, fallocate(self->file, 0, 0, (off_t)self->size));
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	for (i = 0; i < self->size; i += PAGE)
		ASSERT_TRUE(all_are(self->data + i, 0, PAGE))
			TH_LOG("page %zu", i / PAGE);
}

TEST_F(file, closed)
{
	int copy = dup(self->file);
	char *file = see(self);

	ASSERT_NE(NULL, file);
	ASSERT_EQ(0, map_at(self, copy, 0, self->size, FIXED_RW, IOVA_BASE));
	close(copy);
	close(self->file);
	self->file = -1;
	fill(self->data, self->size, 9);
	ASSERT_EQ(0, device_writes(self, IOVA_BASE, self->data, self->size));
	EXPECT_EQ(0, memcmp(self->data, file, self->size));
	munmap(file, self->size);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
}

/* The hole is the file's: the device keeps what it had, until it is mapped anew. */
TEST_F(file, punched)
{
	char *file = see(self);
	long before = pinned_pages();

	ASSERT_NE(NULL, file);
	memset(file, 'a', self->size);
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, fallocate(self->file,
			       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       (off_t)self->unit, (off_t)self->unit));
	EXPECT_TRUE(all_are(file + self->unit, 0, self->unit));
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data,
				  3 * self->unit > self->size ? self->size :
				  3 * self->unit));
	EXPECT_TRUE(all_are(self->data, 'a', 2 * self->unit));
	memset(self->data, 'b', self->unit);
	ASSERT_EQ(0, device_writes(self, IOVA_BASE + self->unit, self->data,
				   self->unit));
	EXPECT_TRUE(all_are(file + self->unit, 0, self->unit));
	EXPECT_TRUE(all_are(file, 'a', self->unit));

	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, self->size,
				 NULL));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, device_writes(self, IOVA_BASE + self->unit, self->data,
				   self->unit));
	EXPECT_TRUE(all_are(file + self->unit, 'b', self->unit));
	munmap(file, self->size);
}

TEST_F(file, truncated)
{
	long before = pinned_pages();

	memset(self->data, 'a', self->size);
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, device_writes(self, IOVA_BASE, self->data, self->size));
	ASSERT_EQ(0, ftruncate(self->file, 0));
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	EXPECT_TRUE(all_are(self->data, 'a', self->size));
	EXPECT_EQ(-EINVAL, map_at(self, self->file, 0, PAGE, FIXED_RW,
				  IOVA_BASE + 2 * self->size));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, self->size,
				 NULL));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, ftruncate(self->file, (off_t)self->size));
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	EXPECT_TRUE(all_are(self->data, 0, self->size));
}

/* What does not fit is found when it is pinned: by the first device. */
TEST_F(file, pinned_later)
{
	long before = pinned_pages();
	struct mock_device dev;
	__u64 iova = IOVA_BASE;
	__u32 ioas;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, iommu_map_file(self->fd, ioas, self->file, 0,
				    self->size + PAGE, FIXED_RW, &iova));
	EXPECT_EQ(before, pinned_pages());
	EXPECT_EQ(-EINVAL, mock_device(self->fd, ioas, 0, &dev));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, ftruncate(self->file, (off_t)(self->size + self->unit)));
	ASSERT_EQ(0, mock_device(self->fd, ioas, 0, &dev));
	EXPECT_EQ(before + (long)(self->size / PAGE) + 1, pinned_pages());
}

/**
 * struct signalled_map - a map in a thread that has a signal all the while
 * @fd: of the call
 * @cmd: in a page that is not there yet
 * @thread: makes the call
 * @rc: what it has returned, once joined
 */
struct signalled_map {
	int fd;
	void *cmd;
	pthread_t thread;
	int rc;
};

static atomic_int signals;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&signals, 1);
}

static void *make_map(void *data)
{
	struct signalled_map *m = data;

	m->rc = iommu_call(m->fd, IOMMU_IOAS_MAP_FILE, m->cmd);
	return NULL;
}

/* The call waits for its structure; meanwhile there is a signal, and then both are. */
static int map_with_signal(int fd, struct iommu_ioas_map_file *cmd)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct sigaction sa = { .sa_handler = on_signal };
	struct uffdio_api api = { .api = UFFD_API };
	struct signalled_map m = { .fd = fd };
	struct pollfd p = { .events = POLLIN };
	struct uffdio_copy copy = { .len = PAGE };
	char page[PAGE] = {};
	int rc = 0;

	m.cmd = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.cmd == MAP_FAILED)
		return -ENOMEM;
	p.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (p.fd < 0 || ioctl(p.fd, UFFDIO_API, &api))
		return -EOPNOTSUPP;
	reg.range.start = (uintptr_t)m.cmd;
	reg.range.len = PAGE;
	if (ioctl(p.fd, UFFDIO_REGISTER, &reg) ||
	    sigaction(SIGUSR1, &sa, NULL) ||
	    pthread_create(&m.thread, NULL, make_map, &m))
		return -EBADMSG;
	if (poll(&p, 1, FOREVER_MS) != 1)
		rc = -ETIMEDOUT;
	pthread_kill(m.thread, SIGUSR1);
	memcpy(page, cmd, sizeof(*cmd));
	copy.dst = (uintptr_t)m.cmd;
	copy.src = (uintptr_t)page;
	if (ioctl(p.fd, UFFDIO_COPY, &copy))
		rc = -EBADMSG;
	pthread_join(m.thread, NULL);
	close(p.fd);
	munmap(m.cmd, PAGE);
	return rc ? rc : m.rc;
}

/* A signal that does not end the process is no reason not to make pages; nor is it lost. */
TEST_F(file, signal_is_pending)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = FIXED_RW,
		.ioas_id = self->ioas,
		.fd = self->file,
		.length = self->size,
		.iova = IOVA_BASE,
	};
	int rc;

	rc = map_with_signal(self->fd, &cmd);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	EXPECT_EQ(0, rc);
	EXPECT_EQ(1, atomic_load(&signals));
	ASSERT_EQ(0, device_reads(self, IOVA_BASE, self->data, self->size));
	EXPECT_TRUE(all_are(self->data, 0, self->size));
}

/* In-kernel users: copies, and pins, of what is pinned and of what is not. */
static int test_op(int fd, struct iommu_test_cmd *c)
{
	c->size = sizeof(*c);
	return iommu_call(fd, IOMMU_TEST_CMD, c);
}

static int access_copy(int fd, int access, __u64 iova, void *data,
		       __u64 length, __u32 flags)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_ACCESS_RW,
		.id = access,
		.access_rw = {
			.flags = flags,
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)data,
		},
	};

	return test_op(fd, &c);
}

TEST_F(file, in_kernel_users)
{
	struct iommu_test_cmd make = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
	};
	struct iommu_test_cmd pin = {
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.access_pages.iova = IOVA_BASE + PAGE,
		.access_pages.length = 3 * PAGE,
		.access_pages.flags = MOCK_FLAGS_ACCESS_WRITE,
	};
	char *file = see(self), some[3 * PAGE];
	long before = pinned_pages();
	int access, round;
	__u64 iova = IOVA_BASE;
	__u32 bare;

	ASSERT_NE(NULL, file);
	fill(file, self->size, 11);
	/* Without a page table, then with one: nothing pinned, all of it */
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &bare));
	for (round = 0; round < 2; round++) {
		__u32 ioas = round ? self->ioas : bare;

		ASSERT_EQ(0, iommu_map_file(self->fd, ioas, self->file, 0,
					    self->size, FIXED_RW, &iova));
		make.id = ioas;
		ASSERT_EQ(0, test_op(self->fd, &make));
		access = (int)make.create_access.out_access_fd;
		ASSERT_EQ(0, access_copy(self->fd, access, IOVA_BASE + 100,
					 some, sizeof(some), 0));
		EXPECT_EQ(0, memcmp(some, file + 100, sizeof(some)));
		ASSERT_EQ(0, access_copy(self->fd, access,
					 IOVA_BASE + HUGE - PAGE - 1, some,
					 sizeof(some), MOCK_ACCESS_RW_WRITE));
		EXPECT_EQ(0, memcmp(some, file + HUGE - PAGE - 1,
				    sizeof(some)));
		EXPECT_EQ(before + (long)(round ? self->size / PAGE : 0),
			  pinned_pages());

		pin.id = (__u32)access;
		pin.access_pages.uptr = (uintptr_t)file + PAGE;
		ASSERT_EQ(0, test_op(self->fd, &pin));
		if (!round)
			EXPECT_EQ(before + 3, pinned_pages());
		ASSERT_EQ(0, iommu_unmap(self->fd, ioas, IOVA_BASE, self->size,
					 NULL));
		EXPECT_EQ(before, pinned_pages());
		close(access);
	}
	munmap(file, self->size);
}

/* A user of its own, without the right to pin as much as it likes. */
static int become_user(uid_t uid, rlim_t pages)
{
	struct rlimit limit = { pages * PAGE, pages * PAGE };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

/* The right to pin as much as it likes, for who has it or has kept it */
static int use_ipc_lock(bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	__u32 *effective = &data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (on)
		*effective |= CAP_TO_MASK(CAP_IPC_LOCK);
	else
		*effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static void limit_exact(struct __test_metadata *_metadata,
			FIXTURE_DATA(file) *self)
{
	long before = pinned_pages();

	EXPECT_EQ(-ENOMEM, map_at(self, self->file, 0, 17 * PAGE, FIXED_RW,
				  IOVA_BASE));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
	EXPECT_EQ(-ENOMEM, map_at(self, self->file, 0, PAGE, FIXED_RW,
				  IOVA_BASE + 32 * PAGE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 16 * PAGE,
				 NULL));
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
	/* To itself it is charged once, not twice for a moment. */
	EXPECT_EQ(0, iommu_change_process(self->fd));
	EXPECT_EQ(before + 16, pinned_pages());
	EXPECT_EQ(-ENOMEM, map_at(self, self->file, 0, PAGE, FIXED_RW,
				  IOVA_BASE + 32 * PAGE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
}

TEST_F(file, memory_limit_of_a_user)
{
	ASSERT_EQ(0, become_user(47120, 16));
	limit_exact(_metadata, self);
}

/* Another open file, whose pins are charged to processes */
static void by_process(struct __test_metadata *_metadata,
		       FIXTURE_DATA(file) *self)
{
	__u64 value = 1;

	close(self->fd);
	self->fd = iommu_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_RLIMIT_MODE,
				  IOMMU_OPTION_OP_SET, 0, &value));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
}

TEST_F(file, memory_limit_of_a_process)
{
	by_process(_metadata, self);
	ASSERT_EQ(0, become_user(47121, 16));
	limit_exact(_metadata, self);
	EXPECT_EQ(16 * (long)PAGE / 1024, status_kb("VmLck"));
}

static long long shmem_of_group(void)
{
	return memory_stat("/sys/fs/cgroup/iommu-map-file/memory.stat", "shmem");
}

/* Memory that is made for a device belongs to the group of who mapped it. */
TEST_F(file, memory_cgroup)
{
	static const char dir[] = "/sys/fs/cgroup/iommu-map-file";
	__u64 end = now_ms() + FOREVER_MS;
	long long shmem;
	int fd, status;
	pid_t child;

	if (self->unit != PAGE)
		SKIP(return, "huge pages have an account of their own");
	fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "+memory", 7) != 7)
		SKIP(return, "there are no memory cgroups");
	close(fd);
	ASSERT_TRUE(!mkdir(dir, 0755) || errno == EEXIST);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		fd = open("/sys/fs/cgroup/iommu-map-file/cgroup.procs",
			  O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		_exit(map_all(self) ? 2 : 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	/* It is added up from time to time. */
	while ((shmem = shmem_of_group()) != (long long)self->size &&
	       now_ms() < end)
		sleep_ms(50);
	EXPECT_EQ((long long)self->size, shmem);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	ASSERT_EQ(0, ftruncate(self->file, 0));
	rmdir(dir);
}

/*
 * IOMMU_IOAS_CHANGE_PROCESS. @heir runs in a child that has the open file, and tells by
 * its exit status where it failed.
 */
static int inherit(FIXTURE_DATA(file) *self,
		   int (*heir)(FIXTURE_DATA(file) *self))
{
	int status;
	pid_t child;

	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		_exit(heir(self));
	if (waitpid(child, &status, 0) != child)
		return -errno;
	return status;
}

static int heir_takes_all(FIXTURE_DATA(file) *self)
{
	long pages = (long)(self->size / PAGE);

	if (pinned_pages())
		return 1;
	if (iommu_change_process(self->fd))
		return 2;
	if (pinned_pages() != pages)
		return 3;
	/* Once more changes nothing. */
	if (iommu_change_process(self->fd) || pinned_pages() != pages)
		return 4;
	return 0;
}

TEST_F(file, another_process)
{
	long before = pinned_pages();
	__u64 copy = IOVA_BASE + 4 * HUGE;

	/* Two mappings of one memory are counted once. */
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, iommu_copy(self->fd, self->ioas, self->ioas, IOVA_BASE,
				HUGE, FIXED_RW, &copy));
	EXPECT_EQ(before + (long)(self->size / PAGE), pinned_pages());
	ASSERT_EQ(0, inherit(self, heir_takes_all));
	EXPECT_EQ(before, pinned_pages());
	/* The heir is gone, the memory is not. */
	fill(self->data, self->size, 4);
	ASSERT_EQ(0, device_writes(self, IOVA_BASE, self->data, self->size));
	/* Back again */
	ASSERT_EQ(0, iommu_change_process(self->fd));
	EXPECT_EQ(before + (long)(self->size / PAGE), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
}

static int heir_with_16_pages(FIXTURE_DATA(file) *self)
{
	if (become_user(47123, 16))
		return 1;
	if (iommu_change_process(self->fd) != -ENOMEM)
		return 2;
	if (pinned_pages())
		return 3;
	/* Its own allowance is whole. */
	if (map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
		   IOVA_BASE + 8 * HUGE))
		return 4;
	if (iommu_unmap(self->fd, self->ioas, IOVA_BASE + 8 * HUGE, 16 * PAGE,
			NULL))
		return 5;
	if (iommu_unmap(self->fd, self->ioas, IOVA_BASE + HUGE, PAGE, NULL))
		return 6;
	if (iommu_change_process(self->fd) || pinned_pages() != 16)
		return 7;
	/* Nothing is left for more. */
	if (map_at(self, self->file, 0, PAGE, FIXED_RW,
		   IOVA_BASE + 8 * HUGE) != -ENOMEM)
		return 8;
	return 0;
}

TEST_F(file, another_user)
{
	long before = pinned_pages();

	/* 17 pages in two mappings, and in two spaces; 16 are allowed. */
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RW,
			    IOVA_BASE + HUGE));
	ASSERT_EQ(0, inherit(self, heir_with_16_pages));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
}

static int heir_by_process(FIXTURE_DATA(file) *self)
{
	if (become_user(47124, 16))
		return 1;
	if (iommu_change_process(self->fd) != -ENOMEM || status_kb("VmLck"))
		return 2;
	if (iommu_unmap(self->fd, self->ioas, IOVA_BASE + HUGE, PAGE, NULL))
		return 3;
	if (iommu_change_process(self->fd))
		return 4;
	if (status_kb("VmLck") != 16 * (long)PAGE / 1024)
		return 5;
	return 0;
}

TEST_F(file, another_process_pays)
{
	by_process(_metadata, self);
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RW,
			    IOVA_BASE + HUGE));
	ASSERT_EQ(0, inherit(self, heir_by_process));
	/* The process that paid is no more: nobody is asked to give back. */
	ASSERT_EQ(0, iommu_change_process(self->fd));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(0, status_kb("VmLck"));
}

/* Pins all that it may, and again when its parent has taken that over. */
static int giver(FIXTURE_DATA(file) *self, int to_parent, int from_parent)
{
	char c = 0;

	if (become_user(47125, 16))
		return 1;
	if (map_at(self, self->file, 0, 16 * PAGE, FIXED_RW, IOVA_BASE))
		return 2;
	if (map_at(self, self->file, 0, PAGE, FIXED_RW, IOVA_BASE + HUGE) !=
	    -ENOMEM)
		return 3;
	if (write(to_parent, &c, 1) != 1 || read(from_parent, &c, 1) != 1)
		return 4;
	if (pinned_pages())
		return 5;
	if (map_at(self, self->file, 16 * PAGE, 16 * PAGE, FIXED_RW,
		   IOVA_BASE + HUGE))
		return 6;
	return 0;
}

/* Who has given memory away has its allowance back, as somebody else pays, or nobody. */
static void give_away(struct __test_metadata *_metadata,
		      FIXTURE_DATA(file) *self)
{
	int up[2], down[2], status;
	pid_t child;
	char c = 0;

	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(down));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(giver(self, up[1], down[0]));
	close(up[1]);
	ASSERT_EQ(1, read(up[0], &c, 1));
	EXPECT_EQ(0, iommu_change_process(self->fd));
	ASSERT_EQ(1, write(down[1], &c, 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	close(up[0]);
	close(down[0]);
	close(down[1]);
}

TEST_F(file, given_away_by_a_user)
{
	give_away(_metadata, self);
}

TEST_F(file, given_away_by_a_process)
{
	by_process(_metadata, self);
	give_away(_metadata, self);
}

/* The same user, who may no longer pin as much as it likes */
static int heir_without_the_right(FIXTURE_DATA(file) *self)
{
	if (use_ipc_lock(false))
		return 1;
	if (iommu_change_process(self->fd) != -ENOMEM)
		return 2;
	if (iommu_unmap(self->fd, self->ioas, IOVA_BASE + HUGE, PAGE, NULL))
		return 3;
	if (iommu_change_process(self->fd))
		return 4;
	if (map_at(self, self->file, 0, PAGE, FIXED_RW, IOVA_BASE + HUGE) !=
	    -ENOMEM)
		return 5;
	return 0;
}

TEST_F(file, same_user_without_the_right)
{
	/* Not root, which others on the machine may have charged */
	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_EQ(0, become_user(47126, 16));
	ASSERT_EQ(0, use_ipc_lock(true));
	ASSERT_EQ(0, map_at(self, self->file, 0, 16 * PAGE, FIXED_RW,
			    IOVA_BASE));
	ASSERT_EQ(0, map_at(self, self->file, 0, PAGE, FIXED_RW,
			    IOVA_BASE + HUGE));
	ASSERT_EQ(0, inherit(self, heir_without_the_right));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
}

/* Memory of the process cannot be taken over, in whichever space it is. */
TEST_F(file, memory_of_the_process_stays)
{
	char *memory = mem_get(PAGE);
	struct fdinfo before, after;
	long pinned;
	__u32 ioas;

	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, map_all(self));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, memory, PAGE, IOVA_BASE));
	pinned = pinned_pages();
	state_of(self->fd, &before);
	EXPECT_EQ(-EINVAL, iommu_change_process(self->fd));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(pinned, pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, ioas, IOVA_BASE, PAGE, NULL));
	EXPECT_EQ(0, iommu_change_process(self->fd));
	/* An open file with nothing in it */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(0, iommu_change_process(self->fd));
}

/* Memory comes and goes, and is looked at, while its owner changes. */
struct racer {
	FIXTURE_DATA(file) *self;
	atomic_int stop;
	atomic_int rounds;
	int error;
};

static void *map_and_unmap(void *arg)
{
	struct racer *r = arg;
	int i;

	while (!atomic_load(&r->stop) && !r->error) {
		for (i = 0; i < 8 && !r->error; i++)
			r->error = map_at(r->self, r->self->file,
					  (__u64)i * 3 * PAGE, 5 * PAGE,
					  FIXED_RW,
					  IOVA_BASE + (__u64)i * HUGE);
		if (!r->error)
			r->error = iommu_unmap(r->self->fd, r->self->ioas,
					       IOVA_BASE, 8 * HUGE, NULL);
		atomic_fetch_add(&r->rounds, 1);
	}
	return NULL;
}

TEST_F_TIMEOUT(file, race, 120)
{
	struct racer r = { .self = self };
	long before = pinned_pages();
	int status = 0, i;
	pthread_t thread;
	pid_t child;

	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &r));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		for (i = 0; i < 200; i++)
			if (iommu_change_process(self->fd))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, iommu_change_process(self->fd));
	LET_WORK(200, &r.rounds, 3);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	atomic_store(&r.stop, 1);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.error);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
}

TEST_HARNESS_MAIN
