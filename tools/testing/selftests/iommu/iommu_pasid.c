// SPDX-License-Identifier: GPL-2.0
/*
 * PASIDs of a device: attach, replace, detach; that each is an address space of
 * its own; its page faults; and what becomes of all that when the device or the
 * file goes. The mock checks by itself that nobody is answered twice, or not at
 * all, and that no table is freed while a PASID uses it.
 */
#include "iommu_test.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define PASIDS_MAX	(1U << MOCK_PASID_WIDTH)
#define SPACE_PAGES	64UL
/* Mapped only in the second space, and only by those who want it */
#define HOLE		(IOVA_BASE + 0x1000000ULL)

FIXTURE(pasid) {
	int fd;
	__u32 ioas[2];
	char *mem[2];
	struct mock_device dev;
	int queue;
	__u32 queue_id;
	/* Over each IOAS, with the queue behind it */
	__u32 hwpt[2];
	/* The same without a queue */
	__u32 plain[2];
};

FIXTURE_SETUP(pasid)
{
	unsigned int i;

	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas[i]));
		self->mem[i] = mem_get(SPACE_PAGES * PAGE);
		ASSERT_NE(NULL, self->mem[i]);
		memset(self->mem[i], 'A' + (int)i, SPACE_PAGES * PAGE);
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas[i], self->mem[i],
				       SPACE_PAGES * PAGE, IOVA_BASE));
	}
	ASSERT_EQ(0, mock_device(self->fd, self->ioas[0],
				 MOCK_FLAGS_DEVICE_PASID, &self->dev));
	self->queue = iommu_fault_queue(self->fd, 4096,
					IOMMU_FAULT_POLICY_BLOCKING, 0,
					&self->queue_id);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, fcntl(self->queue, F_SETFL, O_NONBLOCK));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev,
					       self->ioas[i],
					       IOMMU_HWPT_FAULT_ID_VALID,
					       self->queue_id, &self->hwpt[i]));
		ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev,
					       self->ioas[i], 0, 0,
					       &self->plain[i]));
	}
}

FIXTURE_TEARDOWN(pasid)
{
	if (self->queue >= 0)
		close(self->queue);
	if (self->fd >= 0)
		close(self->fd);
}

#define ATTACH(pasid, pt) ({						\
	__u32 _pt = (pt);						\
	iommu_pasid_attach(self->fd, self->dev.dev, pasid, &_pt);	\
})
#define REPLACE(pasid, pt) ({						\
	__u32 _pt = (pt);						\
	iommu_pasid_replace(self->fd, self->dev.dev, pasid, &_pt);	\
})
#define DETACH(pasid)	iommu_pasid_detach(self->fd, self->dev.dev, pasid)

/* @pasid 0: none. The status of a DMA of @length bytes, as the mock gives it. */
static int dma(int fd, __u32 dev, __u32 pasid, bool write, __u64 iova,
	       void *data, __u64 length)
{
	struct mock_dma d = {
		.dev = dev,
		.pasid = pasid,
		.flags = (pasid ? MOCK_DMA_PASID_VALID : 0) |
			 (write ? MOCK_DMA_WRITE : 0),
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = data,
		.length = length,
	};
	int rc = mock_dma(fd, &d);

	return rc ? rc : (int)d.status;
}

/* The letter that the device reads with @pasid; '!' if it cannot. */
#define LETTER(pasid) ({						\
	char _c = '?';							\
	int _s = dma(self->fd, self->dev.dev, pasid, false, IOVA_BASE,	\
		     &_c, 1);						\
	_s == MOCK_DMA_OK ? _c : _s == MOCK_DMA_BLOCKED ? '!' : '?';	\
})

/* How often the line of the device has @text */
static int shown(int fd, __u32 id, const char *text)
{
	static struct fdinfo info;
	char start[64], *line, *end;
	int num = 0;

	if (fdinfo_read(0, fd, &info))
		return -1;
	snprintf(start, sizeof(start), "iommu-object:\t%u device ", id);
	line = strstr(info.text, start);
	if (!line)
		return -1;
	end = strchr(line, '\n');
	if (end)
		*end = 0;
	while ((line = strstr(line, text))) {
		num++;
		line += strlen(text);
	}
	return num;
}

/* --- one address space each --- */

TEST_F(pasid, separate_spaces)
{
	char text[] = "written with a PASID";

	EXPECT_EQ('!', LETTER(5));
	ASSERT_EQ(0, ATTACH(5, self->ioas[1]));
	EXPECT_EQ('A', LETTER(0));
	EXPECT_EQ('B', LETTER(5));
	EXPECT_EQ('!', LETTER(6));
	ASSERT_EQ(0, ATTACH(6, self->hwpt[0]));
	EXPECT_EQ('A', LETTER(6));

	EXPECT_EQ(MOCK_DMA_OK, dma(self->fd, self->dev.dev, 5, true,
				   IOVA_BASE + PAGE - 7, text, sizeof(text)));
	EXPECT_STREQ(text, self->mem[1] + PAGE - 7);
	EXPECT_EQ('A', self->mem[0][PAGE - 7]);

	ASSERT_EQ(0, DETACH(5));
	EXPECT_EQ('!', LETTER(5));
	EXPECT_EQ('A', LETTER(6));
	EXPECT_EQ('A', LETTER(0));
	ASSERT_EQ(0, DETACH(6));
	EXPECT_EQ('!', LETTER(6));
}

TEST_F(pasid, both_ends_of_the_range)
{
	ASSERT_EQ(0, ATTACH(1, self->ioas[1]));
	ASSERT_EQ(0, ATTACH(PASIDS_MAX - 1, self->ioas[1]));
	EXPECT_EQ('B', LETTER(1));
	EXPECT_EQ('B', LETTER(PASIDS_MAX - 1));
	ASSERT_EQ(0, DETACH(1));
	EXPECT_EQ('!', LETTER(1));
	EXPECT_EQ('B', LETTER(PASIDS_MAX - 1));
	ASSERT_EQ(0, DETACH(PASIDS_MAX - 1));
}

TEST_F(pasid, out_members)
{
	struct iommu_device_pasid c = {
		.size = sizeof(c),
		.dev_id = self->dev.dev,
		.pasid = 77,
		.pt_id = self->ioas[1],
	};
	__u32 chosen;

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_DEVICE_PASID_ATTACH, &c));
	EXPECT_EQ(77, c.out_pasid);
	EXPECT_NE(self->ioas[1], c.pt_id);
	chosen = c.pt_id;

	/* The same automatic HWPT for the next; a HWPT that is named is itself. */
	c.pasid = 78;
	c.pt_id = self->ioas[1];
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_DEVICE_PASID_ATTACH, &c));
	EXPECT_EQ(78, c.out_pasid);
	EXPECT_EQ(chosen, c.pt_id);
	c.out_pasid = 0;
	c.pt_id = self->hwpt[1];
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_DEVICE_PASID_REPLACE, &c));
	EXPECT_EQ(78, c.out_pasid);
	EXPECT_EQ(self->hwpt[1], c.pt_id);
	/* It is the device's own RID as well that an IOAS's HWPT serves. */
	c.pt_id = self->ioas[0];
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_DEVICE_PASID_REPLACE, &c));
	EXPECT_EQ(self->dev.hwpt, c.pt_id);
}

TEST_F(pasid, held_while_attached)
{
	__u32 pt = self->ioas[1], replaced = self->ioas[1];

	ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->dev.dev, 5, &pt));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, pt));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas[1]));
	ASSERT_EQ(0, DETACH(5));
	/* It went with its last user. */
	EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, pt));

	ASSERT_EQ(0, ATTACH(5, self->plain[1]));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->plain[1]));
	ASSERT_EQ(0, iommu_pasid_replace(self->fd, self->dev.dev, 5, &replaced));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->plain[1]));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, replaced));
	ASSERT_EQ(0, REPLACE(5, self->hwpt[1]));
	EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, replaced));
	ASSERT_EQ(0, DETACH(5));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[1]));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas[1]));
}

TEST_F(pasid, replace)
{
	ASSERT_EQ(0, ATTACH(9, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(10, self->hwpt[0]));
	EXPECT_EQ('A', LETTER(9));
	ASSERT_EQ(0, REPLACE(9, self->hwpt[1]));
	EXPECT_EQ('B', LETTER(9));
	EXPECT_EQ('A', LETTER(10));
	EXPECT_EQ('A', LETTER(0));
	/* To where it is: nothing happens */
	ASSERT_EQ(0, REPLACE(9, self->hwpt[1]));
	EXPECT_EQ('B', LETTER(9));
	/* With a queue and without one, each to each */
	ASSERT_EQ(0, REPLACE(9, self->plain[0]));
	EXPECT_EQ('A', LETTER(9));
	ASSERT_EQ(0, REPLACE(9, self->plain[1]));
	EXPECT_EQ('B', LETTER(9));
	ASSERT_EQ(0, REPLACE(9, self->hwpt[0]));
	EXPECT_EQ('A', LETTER(9));
	/* What the core believes is attached is what is detached. */
	ASSERT_EQ(0, DETACH(9));
	EXPECT_EQ('!', LETTER(9));
	ASSERT_EQ(0, ATTACH(9, self->hwpt[1]));
	EXPECT_EQ('B', LETTER(9));
}

/* The device itself may move while its PASIDs stay, and the other way round. */
TEST_F(pasid, independent_of_the_rid)
{
	ASSERT_EQ(0, ATTACH(3, self->hwpt[1]));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->hwpt[1]));
	EXPECT_EQ('B', LETTER(0));
	EXPECT_EQ('B', LETTER(3));
	ASSERT_EQ(0, REPLACE(3, self->hwpt[0]));
	EXPECT_EQ('B', LETTER(0));
	EXPECT_EQ('A', LETTER(3));
	ASSERT_EQ(0, DETACH(3));
	EXPECT_EQ('B', LETTER(0));
}

/* --- what is refused --- */

/* By the calls for drivers: the device itself is detached once, by whoever asks first. */
TEST_F(pasid, detached_once)
{
	struct mock_device d;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas[0], 0, &d));
	EXPECT_EQ(0, mock_pasid_detach(self->fd, d.stdev, 0));
	EXPECT_EQ(-ENOENT, mock_pasid_detach(self->fd, d.stdev, 0));
	EXPECT_EQ(0, iommu_destroy(self->fd, d.stdev));
}

TEST_F(pasid, refused)
{
	__u32 dev = self->dev.dev, ioas = self->ioas[1], pt;
	struct iommu_device_pasid c = {
		.size = sizeof(c), .dev_id = dev, .pasid = 4, .pt_id = ioas,
	};
	struct iommu_device_pasid_detach d = {
		.size = sizeof(d), .dev_id = dev, .pasid = 4,
	};
	static const __u32 bad[] = { 0, PASIDS_MAX, 1U << 31, ~0U };
	struct fdinfo before, after;
	struct mock_device none;
	unsigned int i;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas[0], 0, &none));
	ASSERT_EQ(0, ATTACH(8, ioas));
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_EQ(-EINVAL, ATTACH(bad[i], ioas));
		EXPECT_EQ(-EINVAL, REPLACE(bad[i], ioas));
		EXPECT_EQ(-EINVAL, DETACH(bad[i]));
	}
	for (i = 0; i < 32; i++) {
		c.flags = 1U << i;
		d.flags = 1U << i;
		EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd,
						  IOMMU_DEVICE_PASID_ATTACH, &c));
		EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd,
						  IOMMU_DEVICE_PASID_REPLACE,
						  &c));
		EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd,
						  IOMMU_DEVICE_PASID_DETACH, &d));
	}
	/* Nothing is attached there */
	EXPECT_EQ(-ENOENT, REPLACE(4, ioas));
	EXPECT_EQ(-ENOENT, REPLACE(4, self->hwpt[0]));
	EXPECT_EQ(-ENOENT, DETACH(4));
	/* Something is */
	EXPECT_EQ(-EBUSY, ATTACH(8, ioas));
	EXPECT_EQ(-EBUSY, ATTACH(8, self->ioas[0]));
	EXPECT_EQ(-EBUSY, ATTACH(8, self->hwpt[0]));
	/* No such object, or of another kind */
	EXPECT_EQ(-ENOENT, ATTACH(4, 1000000));
	EXPECT_EQ(-ENOENT, REPLACE(8, 1000000));
	EXPECT_EQ(-EINVAL, ATTACH(4, self->queue_id));
	EXPECT_EQ(-EINVAL, REPLACE(8, dev));
	pt = ioas;
	EXPECT_EQ(-ENOENT, iommu_pasid_attach(self->fd, 1000000, 4, &pt));
	EXPECT_EQ(-ENOENT, iommu_pasid_attach(self->fd, ioas, 4, &pt));
	EXPECT_EQ(-ENOENT, iommu_pasid_detach(self->fd, self->dev.stdev, 4));
	/* A device without PASIDs */
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, none.dev, 4, &pt));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_replace(self->fd, none.dev, 4, &pt));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_detach(self->fd, none.dev, 4));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ('B', LETTER(8));
	EXPECT_EQ('!', LETTER(4));
}

TEST_F(pasid, of_another_file)
{
	__u32 ioas, pt;
	int fd;

	fd = iommu_open();
	ASSERT_LE(0, fd);
	pt = self->ioas[1];
	EXPECT_EQ(-ENOENT, iommu_pasid_attach(fd, self->dev.dev, 4, &pt));
	EXPECT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	while (ioas < 64)
		ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	EXPECT_EQ(-ENOENT, ATTACH(4, ioas));
	close(fd);
}

TEST_F(pasid, group_of_several)
{
	__u32 flags = MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_SHARED;
	__u32 pt = self->ioas[1];
	struct mock_device d[2];

	ASSERT_EQ(0, mock_device(self->fd, self->ioas[0], flags, &d[0]));
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, d[0].dev, 4, &pt));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, d[0].dev, 4));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas[0], flags, &d[1]));
	pt = self->ioas[1];
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d[0].dev, 4, &pt));
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d[1].dev, 4, &pt));
	pt = self->hwpt[1];
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d[0].dev, 4, &pt));
	ASSERT_EQ(0, iommu_destroy(self->fd, d[0].stdev));
	EXPECT_EQ(0, iommu_pasid_attach(self->fd, d[1].dev, 4, &pt));
}

/* A response that cannot be written: as if nothing had been asked */
TEST_F(pasid, unwritable)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iommu_device_pasid *c = (void *)page;
	struct fdinfo before, after;

	ASSERT_NE(MAP_FAILED, page);
	*c = (struct iommu_device_pasid){
		.size = sizeof(*c),
		.dev_id = self->dev.dev,
		.pasid = 4,
		.pt_id = self->ioas[1],
	};
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	state_of(self->fd, &before);
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_DEVICE_PASID_ATTACH, c));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ('!', LETTER(4));

	ASSERT_EQ(0, ATTACH(4, self->hwpt[0]));
	state_of(self->fd, &before);
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_DEVICE_PASID_REPLACE, c));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ('A', LETTER(4));
	munmap(page, PAGE);
}

/* The mock's guest tables are tables of PASIDs too, when they are on the RID. */
TEST_F(pasid, table_of_pasids)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	__u32 parent, nested;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas[0],
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, iommu_hwpt_nested(self->fd, self->dev.dev, parent, 0, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &nested));
	/* One on a PASID is one table. */
	ASSERT_EQ(0, ATTACH(4, nested));
	ASSERT_EQ(0, ATTACH(5, self->hwpt[1]));
	EXPECT_EQ(-EBUSY, mock_replace(self->fd, self->dev.stdev, nested));
	EXPECT_EQ('B', LETTER(5));
	ASSERT_EQ(0, DETACH(5));
	EXPECT_EQ(-EBUSY, mock_replace(self->fd, self->dev.stdev, nested));
	ASSERT_EQ(0, DETACH(4));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, nested));
	EXPECT_EQ(-EBUSY, ATTACH(5, self->hwpt[1]));
	EXPECT_EQ(-EBUSY, ATTACH(5, self->ioas[1]));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->ioas[0]));
	EXPECT_EQ(0, ATTACH(5, self->hwpt[1]));
	EXPECT_EQ('B', LETTER(5));
}

TEST_F(pasid, reserved_regions)
{
	__u32 flags = MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_RESERVED;
	const __u64 there = MOCK_RESERVED_START;
	char *mem = self->mem[1];
	int fd = self->fd;
	struct mock_device d;
	__u32 ioas, a, b;

	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, mock_device(fd, self->ioas[0], flags, &d));
	EXPECT_EQ(-EINVAL, iommu_map(fd, self->ioas[0], mem, PAGE, there));

	ASSERT_EQ(0, iommu_map(fd, ioas, mem, PAGE, there));
	a = ioas;
	EXPECT_EQ(-EADDRINUSE, iommu_pasid_attach(fd, d.dev, 1, &a));
	ASSERT_EQ(0, iommu_unmap(fd, ioas, there, PAGE, NULL));
	/* The last of two PASIDs frees it, in any order. */
	ASSERT_EQ(0, iommu_pasid_attach(fd, d.dev, 1, &a));
	b = ioas;
	ASSERT_EQ(0, iommu_pasid_attach(fd, d.dev, 2, &b));
	EXPECT_EQ(-EINVAL, iommu_map(fd, ioas, mem, PAGE, there));
	ASSERT_EQ(0, iommu_pasid_detach(fd, d.dev, 1));
	EXPECT_EQ(-EINVAL, iommu_map(fd, ioas, mem, PAGE, there));
	ASSERT_EQ(0, iommu_pasid_detach(fd, d.dev, 2));
	EXPECT_EQ(0, iommu_map(fd, ioas, mem, PAGE, there));

	/* The device's own attach keeps what it needs, and so does a PASID. */
	a = self->ioas[0];
	ASSERT_EQ(0, iommu_pasid_attach(fd, d.dev, 1, &a));
	ASSERT_EQ(0, iommu_pasid_detach(fd, d.dev, 1));
	EXPECT_EQ(-EINVAL, iommu_map(fd, self->ioas[0], mem, PAGE, there));
	a = self->ioas[1];
	ASSERT_EQ(0, iommu_pasid_attach(fd, d.dev, 1, &a));
	a = ioas;
	EXPECT_EQ(-EADDRINUSE, iommu_pasid_replace(fd, d.dev, 1, &a));
	EXPECT_EQ(-EINVAL, iommu_map(fd, self->ioas[1], mem, PAGE, there));
	ASSERT_EQ(0, iommu_unmap(fd, ioas, there, PAGE, NULL));
	ASSERT_EQ(0, iommu_pasid_replace(fd, d.dev, 1, &a));
	EXPECT_EQ(0, iommu_map(fd, self->ioas[1], mem, PAGE, there));
	EXPECT_EQ(-EINVAL, iommu_map(fd, ioas, mem, PAGE, there));
	/* Unbinding frees what is left. */
	ASSERT_EQ(0, iommu_destroy(fd, d.stdev));
	EXPECT_EQ(0, iommu_map(fd, ioas, mem, PAGE, there));
	EXPECT_EQ(0, iommu_map(fd, self->ioas[0], mem, PAGE, there));
}

TEST_F(pasid, fdinfo)
{
	__u32 dev = self->dev.dev, i;
	char text[64];

	EXPECT_EQ(0, shown(self->fd, dev, "pasid"));
	ASSERT_EQ(0, ATTACH(70, self->hwpt[1]));
	ASSERT_EQ(0, ATTACH(71, self->hwpt[0]));
	snprintf(text, sizeof(text), " pasid=70:hwpt=%u", self->hwpt[1]);
	EXPECT_EQ(1, shown(self->fd, dev, " pasids=2 "));
	EXPECT_EQ(1, shown(self->fd, dev, text));
	ASSERT_EQ(0, REPLACE(70, self->plain[1]));
	EXPECT_EQ(0, shown(self->fd, dev, text));
	snprintf(text, sizeof(text), " pasid=70:hwpt=%u", self->plain[1]);
	EXPECT_EQ(1, shown(self->fd, dev, text));
	for (i = 100; i < 140; i++)
		ASSERT_EQ(0, ATTACH(i, self->hwpt[0]));
	EXPECT_EQ(1, shown(self->fd, dev, " pasids=42 "));
	EXPECT_EQ(32, shown(self->fd, dev, " pasid="));
	for (i = 100; i < 140; i++)
		ASSERT_EQ(0, DETACH(i));
	ASSERT_EQ(0, DETACH(70));
	ASSERT_EQ(0, DETACH(71));
	EXPECT_EQ(0, shown(self->fd, dev, "pasid"));
}

/* --- page faults --- */

#define MOST_DMAS	64

static void start(int fd, __u32 dev, __u32 pasid, __u64 iova, char *data,
		  __u64 length, struct mock_dma *d)
{
	*d = (struct mock_dma){
		.dev = dev,
		.pasid = pasid,
		.flags = MOCK_DMA_WRITE | MOCK_DMA_ASYNC |
			 (pasid ? MOCK_DMA_PASID_VALID : 0),
		.iova = iova,
		.data = data,
		.length = length,
	};
	if (mock_dma(fd, d))
		d->handle = 0;
}

/* Waits until @num records can be read; returns how many were. */
static int read_records(int queue, struct iommu_hwpt_pgfault *r, int num)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };
	int total = 0;

	while (total < num && poll(&p, 1, FOREVER_MS) == 1) {
		int n = iommu_fault_read(queue, r + total,
					 (unsigned int)(num - total));

		if (n < 0)
			return n;
		total += n;
	}
	return total;
}

TEST_F(pasid, fault_fixed)
{
	struct iommu_hwpt_pgfault r;
	char text[] = "after a fault";
	struct mock_dma d;

	ASSERT_EQ(0, ATTACH(21, self->hwpt[1]));
	start(self->fd, self->dev.dev, 21, HOLE, text, sizeof(text), &d);
	ASSERT_NE(0, d.handle);
	ASSERT_EQ(1, read_records(self->queue, &r, 1));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_PASID_VALID |
		  IOMMU_PGFAULT_FLAGS_LAST_PAGE, r.flags);
	EXPECT_EQ(21, r.pasid);
	EXPECT_EQ(self->dev.dev, r.dev_id);
	EXPECT_EQ(HOLE, r.addr);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas[1], self->mem[1], PAGE,
			       HOLE));
	ASSERT_EQ(0, iommu_fault_answer(self->queue, r.cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, mock_dma_wait(self->fd, &d, FOREVER_MS));
	EXPECT_EQ(MOCK_DMA_OK, d.status);
	EXPECT_STREQ(text, self->mem[1]);
}

/* One request of a group of a PASID: how many of them were taken. */
static int ask(int fd, __u32 dev, __u32 pasid, bool last)
{
	struct mock_report rep = {
		.dev = dev,
		.pasid = pasid,
		.grpid = 7,
		.perm = PERM_RW,
		.count = 1,
		.addr = HOLE,
		.flags = MOCK_REPORT_PASID_VALID |
			 (last ? MOCK_REPORT_LAST : 0),
	};
	int rc = mock_report(fd, &rep);

	return rc ?: (int)rep.taken;
}

/* What was refused for a table is nothing to the next one, whoever had a queue. */
TEST_F(pasid, a_half_group_goes_with_its_table)
{
	struct iommu_hwpt_pgfault r;

	ASSERT_EQ(0, ATTACH(2, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(3, self->plain[0]));
	EXPECT_EQ(0, ask(self->fd, self->dev.dev, 3, false));
	ASSERT_EQ(0, DETACH(3));
	ASSERT_EQ(0, ATTACH(3, self->hwpt[1]));
	EXPECT_EQ(1, ask(self->fd, self->dev.dev, 3, true));
	ASSERT_EQ(1, read_records(self->queue, &r, 1));
	EXPECT_EQ(3, r.pasid);
}

/* Two PASIDs, and the device itself, with one group index for all */
TEST_F(pasid, faults_are_told_apart)
{
	struct mock_report rep = {
		.dev = self->dev.dev,
		.grpid = 7,
		.perm = PERM_RW,
		.count = 1,
	};
	struct iommu_hwpt_pgfault r[3];
	struct mock_ledger l;
	unsigned int i, seen = 0;

	ASSERT_EQ(0, ATTACH(1, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(2, self->hwpt[1]));
	ASSERT_EQ(0, ATTACH(3, self->plain[1]));
	ASSERT_EQ(0, mock_replace(self->fd, self->dev.stdev, self->hwpt[0]));
	for (i = 0; i < 3; i++) {
		rep.flags = MOCK_REPORT_LAST | (i ? MOCK_REPORT_PASID_VALID : 0);
		rep.pasid = i;
		rep.addr = 0x1000 * (i + 1);
		ASSERT_EQ(0, mock_report(self->fd, &rep));
		EXPECT_EQ(1, rep.taken);
	}
	/* Nobody listens there: neither a table without a queue, nor nothing */
	for (i = 3; i < 5; i++) {
		rep.pasid = i;
		ASSERT_EQ(0, mock_report(self->fd, &rep));
		EXPECT_EQ(1, rep.refused);
	}
	ASSERT_EQ(3, read_records(self->queue, r, 3));
	for (i = 0; i < 3; i++) {
		bool valid = r[i].flags & IOMMU_PGFAULT_FLAGS_PASID_VALID;

		EXPECT_EQ(valid, r[i].pasid != 0);
		EXPECT_EQ(0x1000 * (r[i].pasid + 1), r[i].addr);
		EXPECT_EQ(7, r[i].grpid);
		seen |= 1U << r[i].pasid;
		ASSERT_EQ(0, iommu_fault_answer(self->queue, r[i].cookie,
						IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(7, seen);
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(3, l.success);
	EXPECT_EQ(2, l.other);
	EXPECT_EQ(0, mock_unanswered(&l));
}

/*
 * Many DMAs wait, some of their faults read, some not. The PASID moves to a space
 * where the pages are there, and all go on, without an answer from here.
 */
static void pending(struct __test_metadata *_metadata,
		    FIXTURE_DATA(pasid) *self, struct mock_dma *d, char *data)
{
	struct iommu_hwpt_pgfault r[MOST_DMAS];
	unsigned int i;

	for (i = 0; i < MOST_DMAS; i++) {
		data[i] = (char)('a' + i % 26);
		start(self->fd, self->dev.dev, 30 + i % 2, HOLE + i * PAGE,
		      data + i, 1, &d[i]);
		ASSERT_NE(0, d[i].handle);
	}
	/* Once all have been seen, all are pending; half are read */
	for (i = 0; i < 1000; i++) {
		struct mock_ledger l;

		ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
		if (mock_unanswered(&l) == MOST_DMAS)
			break;
		sleep_ms(2);
	}
	ASSERT_LT(i, 1000);
	ASSERT_EQ(MOST_DMAS / 2, read_records(self->queue, r, MOST_DMAS / 2));
}

TEST_F(pasid, replace_loses_no_fault)
{
	struct mock_dma d[MOST_DMAS];
	char data[MOST_DMAS];
	struct mock_ledger l;
	unsigned int i;

	ASSERT_EQ(0, ATTACH(30, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(31, self->hwpt[0]));
	pending(_metadata, self, d, data);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas[1], self->mem[1],
			       SPACE_PAGES * PAGE, HOLE));
	/* One to a table with a queue, one to a table without */
	ASSERT_EQ(0, REPLACE(30, self->hwpt[1]));
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(MOST_DMAS / 2, mock_unanswered(&l));
	ASSERT_EQ(0, REPLACE(31, self->plain[1]));
	for (i = 0; i < MOST_DMAS; i++) {
		ASSERT_EQ(0, mock_dma_wait(self->fd, &d[i], FOREVER_MS));
		EXPECT_EQ(MOCK_DMA_OK, d[i].status);
		EXPECT_EQ(data[i], self->mem[1][i * PAGE]);
		EXPECT_EQ('A', self->mem[0][i * PAGE]);
	}
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(MOST_DMAS, l.success);
	EXPECT_EQ(0, l.invalid);
	EXPECT_EQ(0, mock_unanswered(&l));
}

/* The new table has not got the pages either: it is asked, each fault once. */
TEST_F(pasid, replace_asks_again)
{
	struct iommu_hwpt_pgfault r[MOST_DMAS];
	struct mock_dma d[MOST_DMAS];
	char data[MOST_DMAS];
	struct mock_ledger l;
	__u64 asked = 0;
	unsigned int i;

	ASSERT_EQ(0, ATTACH(30, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(31, self->hwpt[0]));
	pending(_metadata, self, d, data);
	ASSERT_EQ(0, REPLACE(30, self->hwpt[1]));
	ASSERT_EQ(0, REPLACE(31, self->hwpt[1]));
	/* None is there until it is answered: so all of them ask, and wait. */
	ASSERT_EQ(MOST_DMAS, read_records(self->queue, r, MOST_DMAS));
	for (i = 0; i < MOST_DMAS; i++)
		asked |= 1ULL << (r[i].addr - HOLE) / PAGE;
	EXPECT_EQ(~0ULL, asked);
	EXPECT_EQ(-EAGAIN, iommu_fault_read(self->queue, r, 1));
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(MOST_DMAS, l.success);
	EXPECT_EQ(MOST_DMAS, mock_unanswered(&l));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas[1], self->mem[1],
			       SPACE_PAGES * PAGE, HOLE));
	for (i = 0; i < MOST_DMAS; i++)
		ASSERT_EQ(0, iommu_fault_answer(self->queue, r[i].cookie,
						IOMMUFD_PAGE_RESP_SUCCESS));
	for (i = 0; i < MOST_DMAS; i++) {
		ASSERT_EQ(0, mock_dma_wait(self->fd, &d[i], FOREVER_MS));
		EXPECT_EQ(MOCK_DMA_OK, d[i].status);
		EXPECT_EQ(data[i], self->mem[1][i * PAGE]);
	}
}

TEST_F(pasid, detach_answers)
{
	struct mock_dma d[MOST_DMAS];
	char data[MOST_DMAS];
	struct mock_ledger l;
	unsigned int i;

	ASSERT_EQ(0, ATTACH(30, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(31, self->hwpt[0]));
	pending(_metadata, self, d, data);
	ASSERT_EQ(0, DETACH(30));
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(MOST_DMAS / 2, l.invalid);
	EXPECT_EQ(MOST_DMAS / 2, mock_unanswered(&l));
	ASSERT_EQ(0, DETACH(31));
	for (i = 0; i < MOST_DMAS; i++) {
		ASSERT_EQ(0, mock_dma_wait(self->fd, &d[i], FOREVER_MS));
		EXPECT_EQ(MOCK_DMA_FAULTED, d[i].status);
	}
	EXPECT_EQ('A', LETTER(0));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[0]));
}

/* Unbinding takes the PASIDs along, and their HWPTs are free afterwards. */
TEST_F(pasid, unbind_in_the_middle)
{
	struct mock_dma d[MOST_DMAS];
	char data[MOST_DMAS];
	__u32 i, pt = self->ioas[1];

	ASSERT_EQ(0, ATTACH(30, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(31, self->hwpt[0]));
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->dev.dev, 32, &pt));
	pending(_metadata, self, d, data);
	ASSERT_EQ(0, iommu_destroy(self->fd, self->dev.stdev));
	for (i = 0; i < MOST_DMAS; i++) {
		ASSERT_EQ(0, mock_dma_wait(self->fd, &d[i], FOREVER_MS));
		EXPECT_EQ(MOCK_DMA_FAULTED, d[i].status);
	}
	EXPECT_EQ(-ENOENT, DETACH(30));
	EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, pt));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[0]));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[1]));
}

/* --- unbinding: the device's id is free, and what said it is over --- */

#define LEAVING	512U

struct leaver {
	int fd;
	__u32 stdev;
	int rc;
};

static void *leave(void *arg)
{
	struct leaver *l = arg;

	l->rc = iommu_destroy(l->fd, l->stdev);
	return NULL;
}

/*
 * Whoever gets the id next has nothing of the device's faults, read or not: they are
 * answered, and none is left in the queue.
 */
TEST_F_TIMEOUT(pasid, no_fault_outlives_the_id, 120)
{
	struct leaver l = { .fd = self->fd, .stdev = self->dev.stdev };
	struct iommu_hwpt_pgfault r[16];
	__u32 i, id = 0, other;
	__u64 pending, end;
	struct fdinfo info;
	pthread_t thread;

	for (i = 1; i <= LEAVING; i++) {
		ASSERT_EQ(0, ATTACH(i, self->hwpt[i % 2]));
		ASSERT_EQ(1, ask(self->fd, self->dev.dev, i, true));
	}
	ASSERT_EQ(16, read_records(self->queue, r, 16));
	ASSERT_EQ(0, pthread_create(&thread, NULL, leave, &l));
	/* The lowest one that is free is given: those above it are not kept */
	for (end = now_ms() + 10 * FOREVER_MS;
	     id != self->dev.dev && now_ms() < end;) {
		ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &id));
		if (id > self->dev.dev)
			ASSERT_EQ(0, iommu_destroy(self->fd, id));
	}
	ASSERT_EQ(0, fdinfo_read(0, self->queue, &info));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, l.rc);
	EXPECT_EQ(self->dev.dev, id);
	ASSERT_TRUE(fdinfo_nth(&info, "pending", 1, &pending));
	EXPECT_EQ(0, pending);
	EXPECT_EQ(-EAGAIN, iommu_fault_read(self->queue, r, 16));
	other = self->ioas[0];
	EXPECT_EQ(-ENOENT, iommu_pasid_attach(self->fd, id, 1, &other));
}

struct late {
	int fd;
	__u32 dev;
	__u32 pt;
	atomic_bool stop;
	atomic_uint attached;
	atomic_uint broken;
};

static void *attach_late(void *arg)
{
	struct late *a = arg;
	__u32 pasid = 1, pt;
	int rc;

	while (!atomic_load(&a->stop)) {
		pt = a->pt;
		rc = iommu_pasid_attach(a->fd, a->dev, pasid, &pt);
		pasid = 1 + pasid % 4096;
		if (!rc)
			atomic_fetch_add(&a->attached, 1);
		else if (rc != -EBUSY && rc != -ENOENT)
			atomic_fetch_add(&a->broken, 1);
	}
	return NULL;
}

/* Nobody attaches a PASID behind the back of who detaches them all. */
TEST_F_TIMEOUT(pasid, attached_while_unbound, 120)
{
	struct late a = { .fd = self->fd, .pt = self->plain[1] };
	pthread_t thread[2];
	unsigned int i, j;

	for (i = 0; i < 50; i++) {
		atomic_store(&a.stop, false);
		atomic_store(&a.attached, 0);
		a.dev = self->dev.dev;
		for (j = 0; j < 2; j++)
			ASSERT_EQ(0, pthread_create(&thread[j], NULL,
						    attach_late, &a));
		LET_WORK(0L, &a.attached, 20);
		ASSERT_EQ(0, iommu_destroy(self->fd, self->dev.stdev));
		atomic_store(&a.stop, true);
		for (j = 0; j < 2; j++)
			pthread_join(thread[j], NULL);
		ASSERT_EQ(0, mock_device(self->fd, self->ioas[0],
					 MOCK_FLAGS_DEVICE_PASID, &self->dev));
	}
	EXPECT_EQ(0, atomic_load(&a.broken));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->plain[1]));
}

TEST_F(pasid, close_in_the_middle)
{
	struct mock_dma d[MOST_DMAS];
	char data[MOST_DMAS];
	long pinned;

	ASSERT_EQ(0, ATTACH(30, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(31, self->hwpt[0]));
	ASSERT_EQ(0, ATTACH(32, self->ioas[1]));
	pending(_metadata, self, d, data);
	close(self->fd);
	self->fd = -1;
	/* The queue's file keeps the context. */
	close(self->queue);
	self->queue = -1;
	pinned = pinned_pages();
	EXPECT_EQ(0, pinned);
}

/* --- many --- */

TEST_F_TIMEOUT(pasid, thousands, 300)
{
	const __u32 num = 4096;
	__u32 i;

	for (i = 1; i <= num; i++)
		ASSERT_EQ(0, ATTACH(i * 17, i % 3 ? self->hwpt[i % 2] :
						    self->ioas[1]));
	for (i = 1; i <= num; i += 97)
		EXPECT_EQ(i % 3 && !(i % 2) ? 'A' : 'B', LETTER(i * 17));
	for (i = 1; i <= num; i += 2)
		ASSERT_EQ(0, DETACH(i * 17));
	EXPECT_EQ('!', LETTER(17));
	EXPECT_EQ('A', LETTER(34));
	/* The other half goes with the device. */
	ASSERT_EQ(0, iommu_destroy(self->fd, self->dev.stdev));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[0]));
}

/* --- who pays --- */

#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/iommu_pasid"

/*
 * What there is of the kernel's small objects. The sum of all that is charged has pages
 * in it that each processor took in advance, as many as the test is about.
 */
static long long charged(void)
{
	return memory_stat(CGROUP "/memory.stat", "slab_unreclaimable");
}

/* What an attached PASID takes is charged to who attached it, and is given back. */
TEST_F_TIMEOUT(pasid, charged_to_who_attaches, 120)
{
	const __u32 num = 4096;
	/* It is some hundred bytes each, and several hundred with what debugging adds */
	const long long least = num * 64;
	long long before, with = 0, after;
	__u32 i;

	write_text(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		SKIP(return, "there are no cgroups");
	if (!write_text(CGROUP "/cgroup.procs", "0"))
		SKIP(return, "the cgroup cannot be entered");
	if (charged() < 0) {
		write_text(CGROUPS "/cgroup.procs", "0");
		SKIP(return, "cgroups have no memory controller");
	}
	/* What is made once is made. */
	for (i = 1; i <= 64; i++)
		ASSERT_EQ(0, ATTACH(i, self->plain[0]));
	before = charged();
	for (; i <= num + 64; i++)
		ASSERT_EQ(0, ATTACH(i, self->plain[0]));
	/* The statistics follow within a few seconds */
	for (i = 0; i < FOREVER_MS / 100; i++) {
		with = charged();
		if (with > before + least)
			break;
		sleep_ms(100);
	}
	EXPECT_LT(before + least, with)
		TH_LOG("%lld bytes for %u PASIDs", with - before, num);
	for (i = num + 64; i > 64; i--)
		ASSERT_EQ(0, DETACH(i));
	/* Some of it goes after a grace period */
	for (i = 0; i < FOREVER_MS / 100; i++) {
		after = charged();
		if (after < with - least / 2)
			break;
		sleep_ms(100);
	}
	EXPECT_GT(with - least / 2, after);
	write_text(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUP);
}

/* --- threads against each other --- */

struct crowd {
	int fd;
	int queue;
	__u32 dev;
	__u32 pt[6];
	atomic_bool stop;
	atomic_uint seed;
	atomic_uint attached;
	atomic_uint broken;
	/* What a broken call returned, and which it was: of attach, replace, detach, DMA */
	atomic_int broken_rc;
	atomic_int broken_call;
};

static void crowd_broke(struct crowd *c, int call, int rc)
{
	atomic_store(&c->broken_rc, rc);
	atomic_store(&c->broken_call, call);
	atomic_fetch_add(&c->broken, 1);
}

static void *changer(void *arg)
{
	struct crowd *c = arg;
	unsigned int seed = atomic_fetch_add(&c->seed, 1);

	while (!atomic_load(&c->stop)) {
		__u32 pasid = 1 + (__u32)rand_r(&seed) % 6;
		__u32 pt = c->pt[rand_r(&seed) % 6];
		int rc, other, call = rand_r(&seed) % 3;

		switch (call) {
		case 0:
			rc = iommu_pasid_attach(c->fd, c->dev, pasid, &pt);
			other = -EBUSY;
			if (!rc)
				atomic_fetch_add(&c->attached, 1);
			break;
		case 1:
			rc = iommu_pasid_replace(c->fd, c->dev, pasid, &pt);
			other = -ENOENT;
			break;
		default:
			rc = iommu_pasid_detach(c->fd, c->dev, pasid);
			other = -ENOENT;
			break;
		}
		if (rc && rc != other)
			crowd_broke(c, call, rc);
	}
	return NULL;
}

static void *user(void *arg)
{
	struct crowd *c = arg;
	unsigned int seed = atomic_fetch_add(&c->seed, 1);

	while (!atomic_load(&c->stop)) {
		__u32 pasid = (__u32)rand_r(&seed) % 7;
		char text[8] = "anybody";
		int rc = dma(c->fd, c->dev, pasid, true,
			     rand_r(&seed) % 2 ? HOLE : IOVA_BASE + 8 * PAGE,
			     text, sizeof(text));

		if (rc != MOCK_DMA_OK && rc != MOCK_DMA_FAULTED &&
		    rc != MOCK_DMA_BLOCKED)
			crowd_broke(c, 3, rc);
	}
	return NULL;
}

static void *answerer(void *arg)
{
	struct crowd *c = arg;
	struct pollfd p = { .fd = c->queue, .events = POLLIN };
	struct iommu_hwpt_pgfault r[16];

	while (!atomic_load(&c->stop) || poll(&p, 1, 0) == 1) {
		int i, n;

		if (poll(&p, 1, 20) < 1)
			continue;
		n = iommu_fault_read(c->queue, r, ARRAY_LEN(r));
		for (i = 0; i < n; i++)
			if (r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)
				iommu_fault_answer(c->queue, r[i].cookie,
						   IOMMUFD_PAGE_RESP_INVALID);
	}
	return NULL;
}

TEST_F_TIMEOUT(pasid, threads, 120)
{
	static void *(*const jobs[])(void *) = {
		changer, changer, changer, user, user, answerer,
	};
	pthread_t thread[ARRAY_LEN(jobs)];
	struct crowd c = {
		.fd = self->fd,
		.queue = self->queue,
		.dev = self->dev.dev,
		.pt = { self->ioas[0], self->ioas[1], self->hwpt[0],
			self->hwpt[1], self->plain[0], self->plain[1] },
	};
	struct mock_ledger l;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(jobs) - 1; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &c));
	ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &c));
	LET_WORK(2000L * (long)test_scale(), &c.attached, 10);
	atomic_store(&c.stop, true);
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, atomic_load(&c.broken))
		TH_LOG("call %d returned %d", atomic_load(&c.broken_call),
		       atomic_load(&c.broken_rc));
	EXPECT_LT(10, atomic_load(&c.attached));
	for (i = 1; i < 7; i++)
		DETACH(i);
	EXPECT_EQ(0, shown(self->fd, self->dev.dev, "pasid"));
	ASSERT_EQ(0, mock_ledger(self->fd, self->dev.dev, &l));
	EXPECT_EQ(0, mock_unanswered(&l));
	/* Every hold has been given back. */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, iommu_destroy(self->fd, self->hwpt[i]));
		EXPECT_EQ(0, iommu_destroy(self->fd, self->plain[i]));
	}
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas[1]));
}

TEST_HARNESS_MAIN
