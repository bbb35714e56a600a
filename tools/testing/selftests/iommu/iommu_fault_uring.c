// SPDX-License-Identifier: GPL-2.0
/*
 * The page fault queue under io_uring: reads posted before there is a fault,
 * multishot reads into provided buffers, multishot polls, answers. All of it has
 * to complete inline: no request may end up with a worker thread, which would
 * cost two context switches a fault. That no worker ever existed is asserted.
 *
 * What this does not show: the cost. The benchmark does.
 */
#include "fault_test.h"

#include <dirent.h>
#include <liburing.h>
#include <sys/uio.h>

/* Since Linux 6.7; Debian 12's liburing does not know it. */
#define OP_READ_MULTISHOT	49

#define DEPTH		64
#define BUFFERS		8
#define BUFFER_RECORDS	4
#define BUFFER_GROUP	7

FIXTURE(uring) {
	struct fault_test t;
	struct io_uring ring;
	bool made;
};

FIXTURE_SETUP(uring)
{
	int rc = ft_init(&self->t, true, DEPTH, IOMMU_FAULT_POLICY_BLOCKING);

	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, io_uring_queue_init(64, &self->ring, 0));
	self->made = true;
}

/* Threads of this process that do work for io_uring */
static int workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) &&
		    !strncmp(name, "iou-wrk", 7))
			n++;
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return dir ? n : -1;
}

FIXTURE_TEARDOWN(uring)
{
	struct fault_test *t = &self->t;

	EXPECT_EQ(0, workers());
	if (self->made)
		io_uring_queue_exit(&self->ring);
	FT_CHECK_LEDGER(t);
	t->n.drained_invalid += ft_pending(&t->n);
	close(t->queue);
	t->queue = -1;
	/* The ring lets go of the file in its own time. */
	for (int i = 0; i < 500; i++) {
		struct mock_ledger l;

		if (ft_mock(t, &l) || !mock_unanswered(&l))
			break;
		sleep_ms(10);
	}
	FT_CHECK_LEDGER(t);
	close(t->fd);
}

/* One completion, or -ETIME. */
static int complete(struct io_uring *ring, struct io_uring_cqe *out)
{
	struct __kernel_timespec limit = { .tv_sec = FOREVER_MS / 1000 };
	struct io_uring_cqe *cqe;
	int rc;

	rc = io_uring_wait_cqe_timeout(ring, &cqe, &limit);
	if (rc)
		return rc;
	*out = *cqe;
	io_uring_cqe_seen(ring, cqe);
	return 0;
}

static bool completed(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == 0;
}

TEST_F(uring, read_posted_before_the_fault)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[4];
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i;

	for (i = 0; i < 20; i++) {
		memset(r, 0, sizeof(r));
		sqe = io_uring_get_sqe(&self->ring);
		io_uring_prep_read(sqe, t->queue, r, sizeof(r), 0);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_FALSE(completed(&self->ring));
		ASSERT_EQ(0, ft_group(t, 2));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		ASSERT_EQ(2 * (int)RECORD, cqe.res);
		EXPECT_EQ(t->grpid - 1, r[0].grpid);
		ASSERT_EQ(0, ft_answer(t, r[0].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
		EXPECT_EQ(0, workers());
	}
}

/* A fault is there already: complete with the submission. */
TEST_F(uring, read_of_a_fault_that_waits)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;

	ASSERT_EQ(0, ft_group(t, 1));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(completed(&self->ring));
	ASSERT_EQ(0, complete(&self->ring, &cqe));
	ASSERT_EQ((int)RECORD, cqe.res);
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(uring, several_reads_posted)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[8];
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	unsigned int i, got = 0;

	for (i = 0; i < 8; i++) {
		sqe = io_uring_get_sqe(&self->ring);
		io_uring_prep_read(sqe, t->queue, &r[i], RECORD, 0);
		sqe->user_data = i;
	}
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	ASSERT_EQ(8, ft_singles(t, 0, 8));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		ASSERT_EQ((int)RECORD, cqe.res);
		ASSERT_EQ(0, got & (1U << cqe.user_data));
		got |= 1U << cqe.user_data;
		ASSERT_EQ(0, ft_answer(t, r[cqe.user_data].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(0xff, got);
}

static void provide(struct io_uring *ring, void *buffers, unsigned int first,
		    unsigned int n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_provide_buffers(sqe, (char *)buffers +
					   first * BUFFER_RECORDS * RECORD,
				      BUFFER_RECORDS * RECORD, (int)n,
				      BUFFER_GROUP, (int)first);
	sqe->user_data = 99;
}

TEST_F(uring, read_multishot)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault buffers[BUFFERS][BUFFER_RECORDS];
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	unsigned int i, j, records;

	provide(&self->ring, buffers, 0, BUFFERS);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, complete(&self->ring, &cqe));
	ASSERT_EQ(0, cqe.res);

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_rw(OP_READ_MULTISHOT, sqe, t->queue, NULL, 0, 0);
	sqe->buf_group = BUFFER_GROUP;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->user_data = 1;
	ASSERT_EQ(1, io_uring_submit(&self->ring));

	for (i = 0; i < 30; i++) {
		unsigned int id;

		ASSERT_EQ(0, ft_group(t, 1 + i % 3));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		if (i == 0 && cqe.res == -EINVAL)
			SKIP(return, "this kernel has no multishot read");
		ASSERT_EQ(1, cqe.user_data);
		ASSERT_EQ((1 + i % 3) * RECORD, cqe.res);
		/* It goes on without being submitted again. */
		ASSERT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		ASSERT_TRUE(cqe.flags & IORING_CQE_F_BUFFER);
		id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		ASSERT_GT(BUFFERS, id);
		records = (unsigned int)cqe.res / RECORD;
		for (j = 0; j < records; j++)
			EXPECT_EQ(t->grpid - 1, buffers[id][j].grpid);
		ASSERT_EQ(0, ft_answer(t, buffers[id][0].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
		provide(&self->ring, buffers, id, 1);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		ASSERT_EQ(99, cqe.user_data);
		EXPECT_EQ(0, workers());
	}
	/* Out of buffers: it ends with an error, and the fault stays. */
	for (i = 0; i < BUFFERS; i++) {
		ASSERT_EQ(0, ft_group(t, 1));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		ASSERT_EQ((int)RECORD, cqe.res);
		j = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		ASSERT_EQ(0, ft_answer(t, buffers[j][0].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(0, complete(&self->ring, &cqe));
	EXPECT_EQ(-ENOBUFS, cqe.res);
	EXPECT_FALSE(cqe.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(uring, poll_multishot)
{
	struct fault_test *t = &self->t;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i;

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_poll_multishot(sqe, t->queue, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_FALSE(completed(&self->ring));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, ft_group(t, 1));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		EXPECT_TRUE(cqe.res & POLLIN);
		ASSERT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
		while (completed(&self->ring))
			ASSERT_EQ(0, complete(&self->ring, &cqe));
		EXPECT_EQ(0, workers());
	}
}

/* The answer to one fault, linked to the read of the next: one system call. */
TEST_F(uring, answer_linked_to_the_next_read)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_page_response a = { 0 };
	struct iommu_hwpt_pgfault r;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i;

	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	for (i = 0; i < 20; i++) {
		a.cookie = r.cookie;
		sqe = io_uring_get_sqe(&self->ring);
		io_uring_prep_write(sqe, t->queue, &a, sizeof(a), 0);
		sqe->flags |= IOSQE_IO_LINK;
		sqe->user_data = 1;
		sqe = io_uring_get_sqe(&self->ring);
		io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
		sqe->user_data = 2;
		ASSERT_EQ(2, io_uring_submit(&self->ring));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.user_data);
		ASSERT_EQ((int)sizeof(a), cqe.res);
		t->n.success++;
		ASSERT_EQ(0, ft_group(t, 1));
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		EXPECT_EQ(2, cqe.user_data);
		ASSERT_EQ((int)RECORD, cqe.res);
		EXPECT_EQ(0, workers());
	}
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* A posted read that nobody wants any more */
TEST_F(uring, cancel)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i, cancelled = 0;

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
	io_uring_sqe_set_data64(sqe, 5);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 5, 0);
	io_uring_sqe_set_data64(sqe, 6);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, complete(&self->ring, &cqe));
		if (cqe.user_data == 5)
			cancelled = cqe.res;
	}
	EXPECT_EQ(-ECANCELED, cancelled);
	/* It took no fault with it. */
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* The ring goes with a read posted and faults unanswered. */
TEST_F(uring, exit_with_a_read_posted)
{
	struct fault_test *t = &self->t;
	static struct iommu_hwpt_pgfault r;
	struct io_uring_sqe *sqe;

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	io_uring_queue_exit(&self->ring);
	self->made = false;
	/* Cancelling is not instant: wait until the read cannot take it. */
	sleep_ms(200);
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

/*
 * A posted read waits on an fd with O_NONBLOCK too: to io_uring that is what the
 * ring is for. A read that must not wait says so itself.
 */
TEST_F(uring, nonblocking_fd)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;

	ASSERT_EQ(0, fcntl(t->queue, F_SETFL,
			   fcntl(t->queue, F_GETFL) | O_NONBLOCK));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, complete(&self->ring, &cqe));
	EXPECT_EQ(-EAGAIN, cqe.res);

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, t->queue, &r, sizeof(r), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_FALSE(completed(&self->ring));
	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(0, complete(&self->ring, &cqe));
	EXPECT_EQ((int)RECORD, cqe.res);
	EXPECT_EQ(0, workers());
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_HARNESS_MAIN
