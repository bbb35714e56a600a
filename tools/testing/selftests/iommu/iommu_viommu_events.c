// SPDX-License-Identifier: GPL-2.0
/*
 * Event queues of vIOMMUs on the mock: what a guest hears of its devices, as who
 * watches over it reads it, and what happens when nobody reads.
 */
#include "viommu_test.h"

#include <liburing.h>

FIXTURE(vevents) {
	struct viommu_test t;
};

FIXTURE_SETUP(vevents)
{
	int rc = vt_init(&self->t);

	if (rc == VT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(vevents)
{
	vt_exit(&self->t);
}

static bool readable(int queue)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

TEST_F(vevents, queue_bad_input)
{
	struct viommu_test *t = &self->t;
	const __u32 type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	struct fdinfo before, after;
	__u32 id;
	int queue;

	state_of(t->fd, &before);
	EXPECT_EQ(-EOPNOTSUPP, iommu_veventq(t->fd, t->viommu,
					     IOMMU_VEVENTQ_TYPE_DEFAULT, 4,
					     &id));
	EXPECT_EQ(-EOPNOTSUPP, iommu_veventq(t->fd, t->viommu,
					     IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, 4,
					     &id));
	EXPECT_EQ(-EINVAL, iommu_veventq(t->fd, t->viommu, type, 0, &id));
	EXPECT_EQ(-EINVAL, iommu_veventq(t->fd, t->viommu, type,
					 IOMMU_VEVENTQ_DEPTH_MAX + 1, &id));
	EXPECT_EQ(-ENOENT, iommu_veventq(t->fd, t->parent, type, 4, &id));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);

	queue = iommu_veventq(t->fd, t->viommu, type,
			      IOMMU_VEVENTQ_DEPTH_MAX, &id);
	ASSERT_LE(0, queue);
	EXPECT_EQ(-EEXIST, iommu_veventq(t->fd, t->viommu, type, 4, &id));
	ASSERT_EQ(0, close(queue));
	/* Without its file it is still there. */
	EXPECT_EQ(-EEXIST, iommu_veventq(t->fd, t->viommu, type, 4, &id));
	ASSERT_EQ(0, iommu_destroy(t->fd, id));
	queue = iommu_veventq(t->fd, t->viommu, type, 1, &id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, close(queue));
}

/* No file, and so no queue, nor an id. */
TEST_F(vevents, alloc_without_an_fd)
{
	struct viommu_test *t = &self->t;
	const __u32 type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	struct fdinfo before, after;
	struct rlimit limit, none;
	__u32 id;
	int rc;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	state_of(t->fd, &before);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	rc = iommu_veventq(t->fd, t->viommu, type, 4, &id);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, rc);
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	/* The vIOMMU has none of the type. */
	rc = iommu_veventq(t->fd, t->viommu, type, 4, &id);
	ASSERT_LE(0, rc);
	close(rc);
}

TEST_F(vevents, what_an_event_says)
{
	struct viommu_test *t = &self->t;
	struct vevent e;
	struct fdinfo info;

	EXPECT_EQ(-ENOENT, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(0, vt_guest(t, 4));
	EXPECT_FALSE(readable(t->queue));
	EXPECT_EQ(-EAGAIN, vt_read(t->queue, &e, EVENT));
	/* Less than a header is never enough */
	EXPECT_EQ(-EINVAL, vt_read(t->queue, &e, 0));

	ASSERT_EQ(0, mock_vevent(t->fd, t->dev.dev));
	EXPECT_TRUE(readable(t->queue));
	ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
	EXPECT_EQ(0, e.header.flags);
	EXPECT_EQ(0, e.header.sequence);
	EXPECT_EQ(VIRT_ID, e.event.virt_id);
	EXPECT_FALSE(readable(t->queue));

	/* The guest calls the device otherwise from now on. */
	ASSERT_EQ(0, iommu_destroy(t->fd, t->vdevice));
	EXPECT_EQ(-ENOENT, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, t->dev.dev,
				   OTHER_VIRT_ID, &t->vdevice));
	ASSERT_EQ(0, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
	EXPECT_EQ(1, e.header.sequence);
	EXPECT_EQ(OTHER_VIRT_ID, e.event.virt_id);

	state_of(t->queue, &info);
	EXPECT_NE(NULL, strstr(info.text, "veventq-id:"));
	EXPECT_NE(NULL, strstr(info.text, "viommu-id:"));
	EXPECT_NE(NULL, strstr(info.text, "type:\t0xbeefbeef\n"));
	EXPECT_NE(NULL, strstr(info.text, "depth:\t4\n"));
	EXPECT_NE(NULL, strstr(info.text, "events:\t2\n"));

	/* Nobody hears of it without a queue, or away from the vIOMMU. */
	ASSERT_EQ(0, close(t->queue));
	t->queue = -1;
	ASSERT_EQ(0, iommu_destroy(t->fd, t->queue_id));
	EXPECT_EQ(-EOPNOTSUPP, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev.stdev, t->ioas));
	EXPECT_EQ(-ENOENT, mock_vevent(t->fd, t->dev.dev));
}

/* A type has a queue of its own, and what happens of it goes there. */
TEST_F(vevents, queues_of_two_types)
{
	const __u32 type = IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER;
	struct viommu_test *t = &self->t;
	struct vevent e;
	__u32 id, id2;
	int other;

	ASSERT_EQ(0, vt_guest(t, 4));
	EXPECT_EQ(-EOPNOTSUPP, mock_vevent_other(t->fd, t->dev.dev));
	EXPECT_FALSE(readable(t->queue));
	other = iommu_veventq(t->fd, t->viommu, type, 4, &id);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EEXIST, iommu_veventq(t->fd, t->viommu, type, 4, &id2));

	ASSERT_EQ(0, mock_vevent_other(t->fd, t->dev.dev));
	EXPECT_FALSE(readable(t->queue));
	ASSERT_EQ(EVENT, vt_read(other, &e, EVENT));
	EXPECT_EQ(0, e.header.sequence);
	EXPECT_EQ(VIRT_ID, e.event.virt_id);
	ASSERT_EQ(0, mock_vevent(t->fd, t->dev.dev));
	EXPECT_FALSE(readable(other));
	ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
	EXPECT_EQ(0, e.header.sequence);

	/* One goes, the other stays. */
	ASSERT_EQ(0, close(t->queue));
	t->queue = -1;
	ASSERT_EQ(0, iommu_destroy(t->fd, t->queue_id));
	EXPECT_EQ(-EOPNOTSUPP, mock_vevent(t->fd, t->dev.dev));
	ASSERT_EQ(0, mock_vevent_other(t->fd, t->dev.dev));
	ASSERT_EQ(EVENT, vt_read(other, &e, EVENT));
	EXPECT_EQ(1, e.header.sequence);
	close(other);
}

/* More than there are places to look for one by its address */
#define MANY_DEVICES	48

/* Each event names the device that it is about, however many the guest has. */
TEST_F(vevents, many_devices)
{
	struct viommu_test *t = &self->t;
	struct mock_device d[MANY_DEVICES];
	__u32 vdevice[MANY_DEVICES], i;
	struct vevent e;

	ASSERT_EQ(0, vt_guest(t, 4));
	for (i = 0; i < MANY_DEVICES; i++) {
		ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &d[i]));
		ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, d[i].dev,
					   0x1000 + i, &vdevice[i]));
		ASSERT_EQ(0, mock_replace(t->fd, d[i].stdev, t->nested));
	}
	for (i = 0; i < MANY_DEVICES; i++) {
		ASSERT_EQ(0, mock_vevent(t->fd, d[i].dev));
		ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
		EXPECT_EQ(0x1000 + i, e.event.virt_id);
	}
	/* Half of them are unknown to it from now on, the others are not. */
	for (i = 0; i < MANY_DEVICES; i += 2)
		ASSERT_EQ(0, iommu_destroy(t->fd, vdevice[i]));
	for (i = 0; i < MANY_DEVICES; i++) {
		EXPECT_EQ(i % 2 ? 0 : -ENOENT, mock_vevent(t->fd, d[i].dev));
		if (!(i % 2)) {
			EXPECT_FALSE(readable(t->queue));
			continue;
		}
		ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
		EXPECT_EQ(0x1000 + i, e.event.virt_id);
	}
}

static int events(struct viommu_test *t, unsigned int num)
{
	int rc = 0;

	while (!rc && num--)
		rc = mock_vevent(t->fd, t->dev.dev);
	return rc;
}

TEST_F(vevents, loss_is_told_once)
{
	struct viommu_test *t = &self->t;
	struct iommufd_vevent_header *loss;
	struct vevent e[8];
	struct fdinfo info;
	unsigned int i;

	/* As many as were asked for fit, three are lost at the end. */
	ASSERT_EQ(0, vt_guest(t, 3));
	ASSERT_EQ(0, events(t, 6));
	ASSERT_EQ(3 * EVENT + HEADER, vt_read(t->queue, e, sizeof(e)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, e[i].header.flags);
		EXPECT_EQ(i, e[i].header.sequence);
		EXPECT_EQ(VIRT_ID, e[i].event.virt_id);
	}
	loss = &e[3].header;
	EXPECT_EQ(IOMMU_VEVENTQ_FLAG_LOST_EVENTS, loss->flags);
	EXPECT_EQ(5, loss->sequence);
	EXPECT_FALSE(readable(t->queue));
	EXPECT_EQ(-EAGAIN, vt_read(t->queue, e, sizeof(e)));

	/* A loss with an event behind it shows by the numbers alone. */
	ASSERT_EQ(0, events(t, 4));
	ASSERT_EQ(EVENT, vt_read(t->queue, e, EVENT));
	EXPECT_EQ(6, e[0].header.sequence);
	ASSERT_EQ(0, events(t, 1));
	ASSERT_EQ(3 * EVENT, vt_read(t->queue, e, sizeof(e)));
	EXPECT_EQ(7, e[0].header.sequence);
	EXPECT_EQ(8, e[1].header.sequence);
	EXPECT_EQ(10, e[2].header.sequence);
	EXPECT_EQ(0, e[2].header.flags);
	EXPECT_FALSE(readable(t->queue));
	state_of(t->queue, &info);
	EXPECT_NE(NULL, strstr(info.text, "lost:\t4\n"));
}

TEST_F(vevents, sizes_and_memory)
{
	struct viommu_test *t = &self->t;
	char *edge = mem_before_hole();
	struct iommufd_vevent_header h;
	struct vevent e[4];

	ASSERT_NE(NULL, edge);
	ASSERT_EQ(0, vt_guest(t, 2));
	ASSERT_EQ(0, events(t, 3));
	/* Not even one fits; nothing is lost by trying. */
	EXPECT_EQ(-EINVAL, vt_read(t->queue, e, EVENT - 1));
	EXPECT_EQ(-EINVAL, vt_read(t->queue, e, HEADER));
	EXPECT_EQ(-EINVAL, vt_read(t->queue, e, 1));
	EXPECT_EQ(-EFAULT, vt_read(t->queue, no_memory(), EVENT));
	EXPECT_EQ(-EFAULT, vt_read(t->queue, edge + PAGE - HEADER, EVENT));
	/* One whole one, and then the edge */
	EXPECT_EQ(EVENT, vt_read(t->queue, edge + PAGE - EVENT, 2 * EVENT));
	memcpy(e, edge + PAGE - EVENT, EVENT);
	EXPECT_EQ(0, e[0].header.sequence);
	/* One whole one, and no room for the next */
	EXPECT_EQ(EVENT, vt_read(t->queue, e, EVENT + HEADER - 1));
	EXPECT_EQ(1, e[0].header.sequence);
	/* The loss is a header; it fits where an event does not. */
	EXPECT_EQ(-EINVAL, vt_read(t->queue, e, HEADER - 1));
	EXPECT_EQ(-EFAULT, vt_read(t->queue, no_memory(), HEADER));
	ASSERT_EQ(HEADER, vt_read(t->queue, &h, HEADER));
	EXPECT_EQ(IOMMU_VEVENTQ_FLAG_LOST_EVENTS, h.flags);
	EXPECT_EQ(2, h.sequence);
	EXPECT_EQ(-EAGAIN, vt_read(t->queue, e, sizeof(e)));
	/* Read only */
	EXPECT_EQ(-1, write(t->queue, e, EVENT));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, lseek(t->queue, 8, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
}

static void *read_one(void *arg)
{
	struct viommu_test *t = arg;
	static struct vevent e;

	return vt_read(t->queue, &e, EVENT) == EVENT ? &e : NULL;
}

TEST_F(vevents, a_read_waits)
{
	struct viommu_test *t = &self->t;
	pthread_t reader;
	struct vevent *e;
	void *result;

	ASSERT_EQ(0, vt_guest(t, 4));
	ASSERT_EQ(0, fcntl(t->queue, F_SETFL, 0));
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_one, t));
	sleep_ms(50);
	ASSERT_EQ(0, events(t, 1));
	ASSERT_EQ(0, pthread_join(reader, &result));
	e = result;
	ASSERT_NE(NULL, e);
	EXPECT_EQ(VIRT_ID, e->event.virt_id);
}

static void *wait_for_event(void *arg)
{
	struct viommu_test *t = arg;
	struct pollfd p = { .fd = t->queue, .events = POLLIN };

	return poll(&p, 1, FOREVER_MS) == 1 && p.revents == POLLIN ? t :
								     NULL;
}

TEST_F(vevents, a_poll_waits)
{
	struct viommu_test *t = &self->t;
	pthread_t poller;
	void *result;

	ASSERT_EQ(0, vt_guest(t, 1));
	ASSERT_EQ(0, pthread_create(&poller, NULL, wait_for_event, t));
	sleep_ms(50);
	ASSERT_EQ(0, events(t, 1));
	ASSERT_EQ(0, pthread_join(poller, &result));
	EXPECT_NE(NULL, result);
}

/* A read posted before there is anything completes when there is. */
TEST_F(vevents, a_posted_read_completes)
{
	struct viommu_test *t = &self->t;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct vevent e[2];

	ASSERT_EQ(0, vt_guest(t, 4));
	ASSERT_EQ(0, fcntl(t->queue, F_SETFL, 0));
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	sqe = io_uring_get_sqe(&ring);
	ASSERT_NE(NULL, sqe);
	io_uring_prep_read(sqe, t->queue, e, sizeof(e), 0);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(-EAGAIN, io_uring_peek_cqe(&ring, &cqe));
	ASSERT_EQ(0, events(t, 1));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	EXPECT_EQ((int)EVENT, cqe->res);
	EXPECT_EQ(VIRT_ID, e[0].event.virt_id);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

/* What came before /dev/iommu was closed can still be read. */
TEST_F(vevents, queue_outlives_the_other_files)
{
	struct viommu_test *t = &self->t;
	struct vevent e;

	ASSERT_EQ(0, vt_guest(t, 4));
	ASSERT_EQ(0, events(t, 1));
	ASSERT_EQ(0, close(t->fd));
	t->fd = open("/dev/null", O_RDONLY);
	ASSERT_EQ(EVENT, vt_read(t->queue, &e, EVENT));
	EXPECT_EQ(VIRT_ID, e.event.virt_id);
}

#define EVENTS_EACH	200

static void *cause_events(void *arg)
{
	return events(arg, EVENTS_EACH) ? arg : NULL;
}

TEST_F(vevents, every_event_is_read_or_counted)
{
	struct viommu_test *t = &self->t;
	__u32 next = 0, lost = 0, got = 0, all;
	pthread_t thread[3];
	struct vevent e;
	unsigned int i;
	__u64 end;
	void *bad;

	ASSERT_EQ(0, vt_guest(t, 5));
	all = ARRAY_LEN(thread) * EVENTS_EACH;
	for (i = 0; i < ARRAY_LEN(thread); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, cause_events, t));
	for (end = now_ms() + FOREVER_MS; next < all && now_ms() < end;) {
		int n = vt_read(t->queue, &e, EVENT);

		if (n == (int)EVENT) {
			lost += e.header.sequence - next;
			got++;
		} else if (n == (int)HEADER) {
			EXPECT_EQ(IOMMU_VEVENTQ_FLAG_LOST_EVENTS,
				  e.header.flags);
			lost += e.header.sequence + 1 - next;
		} else {
			continue;
		}
		EXPECT_LE(next, e.header.sequence);
		next = e.header.sequence + 1;
	}
	for (i = 0; i < ARRAY_LEN(thread); i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &bad));
		EXPECT_EQ(NULL, bad);
	}
	EXPECT_EQ(all, next);
	EXPECT_EQ(all, got + lost);
}

TEST_HARNESS_MAIN
