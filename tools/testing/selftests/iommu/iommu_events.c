// SPDX-License-Identifier: GPL-2.0
/*
 * Event queues on the mock IOMMU: faults that nobody can answer, as whoever
 * listens to the HWPT reads them, and what happens when nobody reads.
 */
#include "iommu_test.h"

#define NOWHERE		(IOVA_BASE + 64 * PAGE)

FIXTURE(events) {
	int fd;
	__u32 ioas;
	__u32 queue_id;
	int queue;
	struct mock_device dev;
	char *memory;
};

FIXTURE_SETUP(events)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->memory = mem_get(PAGE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->memory, PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, MOCK_FLAGS_DEVICE_PASID,
				 &self->dev));
	self->queue = iommu_eventq(self->fd, self->dev.hwpt, 4,
				   &self->queue_id);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, fcntl(self->queue, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(events)
{
	close(self->queue);
	close(self->fd);
}

static int dma(FIXTURE_DATA(events) *self, __u32 flags, __u32 pasid,
	       __u64 iova, __u32 *status)
{
	char byte = 0;
	struct mock_dma d = {
		.dev = self->dev.dev,
		.flags = flags,
		.pasid = pasid,
		.timeout_ms = FOREVER_MS,
		.iova = iova,
		.data = &byte,
		.length = 1,
	};
	int rc = mock_dma(self->fd, &d);

	*status = d.status;
	return rc;
}

/* A DMA that is blocked. */
static bool miss(FIXTURE_DATA(events) *self, __u32 flags, __u64 iova)
{
	__u32 status;

	return !dma(self, flags, 0, iova, &status) &&
	       status == MOCK_DMA_BLOCKED;
}

static bool readable(int queue)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

TEST_F(events, what_a_record_says)
{
	__u32 pt = self->ioas, status;
	struct iommu_hwpt_event e;

	/* What succeeds is not told. */
	ASSERT_EQ(0, dma(self, 0, 0, IOVA_BASE, &status));
	ASSERT_EQ(MOCK_DMA_OK, status);
	EXPECT_FALSE(readable(self->queue));
	EXPECT_EQ(-EAGAIN, iommu_event_read(self->queue, &e, 1));

	ASSERT_TRUE(miss(self, MOCK_DMA_WRITE, NOWHERE + 0x123));
	EXPECT_TRUE(readable(self->queue));
	ASSERT_EQ(1, iommu_event_read(self->queue, &e, 1));
	EXPECT_EQ(0, e.flags);
	EXPECT_EQ(1, e.sequence);
	EXPECT_EQ(NOWHERE, e.addr & ~(PAGE - 1));
	EXPECT_EQ(self->dev.dev, e.dev_id);
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, e.perm);
	EXPECT_EQ(MOCK_EVENT_NOT_PRESENT, e.reason);
	EXPECT_FALSE(readable(self->queue));

	/* The same HWPT by a PASID. */
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->dev.dev, 7, &pt));
	ASSERT_EQ(self->dev.hwpt, pt);
	ASSERT_EQ(0, dma(self, MOCK_DMA_PASID_VALID, 7, NOWHERE, &status));
	ASSERT_EQ(MOCK_DMA_BLOCKED, status);
	ASSERT_EQ(1, iommu_event_read(self->queue, &e, 1));
	EXPECT_EQ(IOMMU_HWPT_EVENT_PASID_VALID, e.flags);
	EXPECT_EQ(2, e.sequence);
	EXPECT_EQ(7, e.pasid);
	EXPECT_EQ(IOMMU_PGFAULT_PERM_READ, e.perm);
}

TEST_F(events, only_of_its_hwpt)
{
	struct iommu_hwpt_event e;
	__u32 ioas, pt, status;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	pt = ioas;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->dev.dev, 7, &pt));
	ASSERT_NE(self->dev.hwpt, pt);
	ASSERT_EQ(0, dma(self, MOCK_DMA_PASID_VALID, 7, NOWHERE, &status));
	ASSERT_EQ(MOCK_DMA_BLOCKED, status);
	EXPECT_EQ(-EAGAIN, iommu_event_read(self->queue, &e, 1));
}

TEST_F(events, loss_is_told)
{
	struct iommu_hwpt_event e[8];
	unsigned int i;

	/* Four fit, three are lost. */
	for (i = 0; i < 7; i++)
		ASSERT_TRUE(miss(self, 0, NOWHERE + i * PAGE));
	/* No room for the record of the loss: it comes by itself. */
	ASSERT_EQ(4, iommu_event_read(self->queue, e, 4));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, e[i].flags);
		EXPECT_EQ(i + 1, e[i].sequence);
		EXPECT_EQ(NOWHERE + i * PAGE, e[i].addr & ~(PAGE - 1));
	}
	EXPECT_TRUE(readable(self->queue));
	ASSERT_EQ(1, iommu_event_read(self->queue, e, 8));
	EXPECT_EQ(IOMMU_HWPT_EVENT_LOST | IOMMU_HWPT_EVENT_EMPTY, e[0].flags);
	EXPECT_EQ(7, e[0].sequence);
	EXPECT_FALSE(readable(self->queue));

	/* A loss with an event behind it is told with that. */
	for (i = 0; i < 5; i++)
		ASSERT_TRUE(miss(self, 0, NOWHERE));
	ASSERT_EQ(2, iommu_event_read(self->queue, e, 2));
	ASSERT_TRUE(miss(self, 0, NOWHERE));
	ASSERT_EQ(3, iommu_event_read(self->queue, e, 8));
	EXPECT_EQ(0, e[1].flags);
	EXPECT_EQ(11, e[1].sequence);
	EXPECT_EQ(IOMMU_HWPT_EVENT_LOST, e[2].flags);
	EXPECT_EQ(13, e[2].sequence);
	EXPECT_EQ(-EAGAIN, iommu_event_read(self->queue, e, 8));
}

TEST_F(events, sizes_and_memory)
{
	struct iommu_hwpt_event e[2];
	char *edge = mem_before_hole();

	ASSERT_NE(NULL, edge);
	ASSERT_TRUE(miss(self, 0, NOWHERE));
	ASSERT_TRUE(miss(self, 0, NOWHERE));
	EXPECT_EQ(0, read(self->queue, e, 0));
	EXPECT_EQ(-1, read(self->queue, e, sizeof(e) - 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, read(self->queue, no_memory(), sizeof(*e)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(self->queue, edge + PAGE - 8, sizeof(*e)));
	EXPECT_EQ(EFAULT, errno);
	/* Nothing was lost by that. */
	ASSERT_EQ(2, iommu_event_read(self->queue, e, 2));
	EXPECT_EQ(1, e[0].sequence);
	EXPECT_EQ(2, e[1].sequence);
	EXPECT_EQ(-1, write(self->queue, e, sizeof(*e)));
	EXPECT_EQ(EBADF, errno);
}

static void *read_one(void *arg)
{
	FIXTURE_DATA(events) *self = arg;
	static struct iommu_hwpt_event e;

	return iommu_event_read(self->queue, &e, 1) == 1 ? &e : NULL;
}

TEST_F(events, a_read_waits)
{
	struct iommu_hwpt_event *e;
	pthread_t reader;
	void *result;

	ASSERT_EQ(0, fcntl(self->queue, F_SETFL, 0));
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_one, self));
	sleep_ms(50);
	ASSERT_TRUE(miss(self, 0, NOWHERE));
	ASSERT_EQ(0, pthread_join(reader, &result));
	e = result;
	ASSERT_NE(NULL, e);
	EXPECT_EQ(1, e->sequence);
}

TEST_F(events, lives)
{
	struct iommu_hwpt_event e;
	__u32 hwpt, id;
	int queue;

	/* One for a HWPT, which it keeps, and which its file keeps. */
	EXPECT_EQ(-EBUSY, iommu_eventq(self->fd, self->dev.hwpt, 4, &id));
	EXPECT_EQ(-EINVAL, iommu_eventq(self->fd, self->dev.hwpt, 0, &id));
	EXPECT_EQ(-EINVAL, iommu_eventq(self->fd, self->dev.hwpt,
					IOMMU_HWPT_EVENTQ_DEPTH_MAX + 1, &id));
	EXPECT_EQ(-ENOENT, iommu_eventq(self->fd, self->ioas, 4, &id));

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &hwpt));
	queue = iommu_eventq(self->fd, hwpt, IOMMU_HWPT_EVENTQ_DEPTH_MAX, &id);
	ASSERT_LE(0, queue);
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, id));
	ASSERT_EQ(0, close(queue));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, hwpt));
	ASSERT_EQ(0, iommu_destroy(self->fd, id));
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));

	/* Without its fd the queue goes on losing; /dev/iommu may go first. */
	ASSERT_TRUE(miss(self, 0, NOWHERE));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(1, iommu_event_read(self->queue, &e, 1));
	self->fd = open("/dev/null", O_RDONLY);
}

/* No file, and so no queue, nor an id. */
TEST_F(events, alloc_without_an_fd)
{
	struct fdinfo before, after;
	struct rlimit limit, none;
	__u32 hwpt, id;
	int rc;

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas, 0,
				       0, &hwpt));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	state_of(self->fd, &before);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	rc = iommu_eventq(self->fd, hwpt, 4, &id);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, rc);
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	/* Nobody listens there. */
	rc = iommu_eventq(self->fd, hwpt, 4, &id);
	ASSERT_LE(0, rc);
	close(rc);
}

/* Faults of several threads and a reader: each is read or counted as lost. */
static void *miss_often(void *arg)
{
	unsigned int i;

	for (i = 0; i < 200; i++)
		if (!miss(arg, 0, NOWHERE))
			return arg;
	return NULL;
}

TEST_F(events, every_event_is_read_or_counted)
{
	struct iommu_hwpt_event e;
	__u32 last = 0, lost = 0, got = 0;
	pthread_t t[3];
	unsigned int i;
	__u64 end;
	void *bad;

	for (i = 0; i < ARRAY_LEN(t); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, miss_often, self));
	for (end = now_ms() + FOREVER_MS; last < 600 && now_ms() < end;) {
		if (iommu_event_read(self->queue, &e, 1) != 1)
			continue;
		if (e.flags & IOMMU_HWPT_EVENT_EMPTY) {
			lost += e.sequence - last;
		} else {
			EXPECT_EQ(!!(e.flags & IOMMU_HWPT_EVENT_LOST),
				  e.sequence != last + 1);
			lost += e.sequence - last - 1;
			got++;
		}
		last = e.sequence;
	}
	for (i = 0; i < ARRAY_LEN(t); i++) {
		ASSERT_EQ(0, pthread_join(t[i], &bad));
		EXPECT_EQ(NULL, bad);
	}
	EXPECT_EQ(600, last);
	EXPECT_EQ(600, got + lost);
}

TEST_HARNESS_MAIN
