// SPDX-License-Identifier: GPL-2.0
/*
 * The page fault queue: how it is made, read, answered and taken away. Every
 * test ends with the ledger (fault_test.h): no fault may be lost, answered twice
 * or forgotten.
 */
#include "fault_test.h"

#define DEPTH	64

FIXTURE(fault) {
	struct fault_test t;
};

FIXTURE_VARIANT(fault) {
	bool nested;
	__u32 policy;
};

/* As a program compiled for another kernel makes it */
FIXTURE_VARIANT_ADD(fault, nested_plain) {
	.nested = true,
	.policy = ~0U,
};

FIXTURE_VARIANT_ADD(fault, nested_blocking) {
	.nested = true,
	.policy = IOMMU_FAULT_POLICY_BLOCKING,
};

FIXTURE_VARIANT_ADD(fault, paging_polled) {
	.nested = false,
	.policy = 0,
};

FIXTURE_SETUP(fault)
{
	int rc = ft_init(&self->t, variant->nested, DEPTH, variant->policy);

	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(fault)
{
	struct fault_test *t = &self->t;

	FT_CHECK_LEDGER(t);
	if (t->queue >= 0) {
		/* Closing answers what is left. */
		t->n.drained_invalid += ft_pending(&t->n);
		close(t->queue);
		t->queue = -1;
		FT_CHECK_LEDGER(t);
		EXPECT_EQ(0, ft_pending(&t->n));
	}
	close(t->fd);
}

static bool is_blocking(const FIXTURE_VARIANT(fault) *variant)
{
	return variant->policy == IOMMU_FAULT_POLICY_BLOCKING;
}

/* Queues with a depth, policy or device of their own know the flag. */
static bool knows_lost(const FIXTURE_VARIANT(fault) *variant)
{
	return variant->policy != ~0U;
}

static int set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	return fcntl(fd, F_SETFL,
		     on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? !!(p.revents & POLLIN) : 0;
}

/* --- making a queue --- */

TEST_F(fault, alloc_refused)
{
	struct fault_test *t = &self->t;
	static const __u32 too_deep[] = {
		IOMMU_FAULT_DEPTH_MAX + 1, 1U << 20, 1U << 31, ~0U
	};
	struct fdinfo before, after;
	unsigned int i;
	__u32 id;

	state_of(t->fd, &before);
	for (i = 0; i < ARRAY_LEN(too_deep); i++)
		EXPECT_EQ(-EINVAL, iommu_fault_queue(t->fd, too_deep[i], 0, 0,
						     &id));
	for (i = 1; i < 32; i++)
		EXPECT_EQ(-EOPNOTSUPP, iommu_fault_queue(t->fd, 0, 1U << i, 0,
							 &id));
	EXPECT_EQ(-ENOENT, iommu_fault_queue(t->fd, 0, 0, 1000000, &id));
	EXPECT_EQ(-ENOENT, iommu_fault_queue(t->fd, 0, 0, t->hwpt, &id));
	EXPECT_EQ(-ENOENT, iommu_fault_queue(t->fd, 0, 0, t->dev[0].stdev,
					     &id));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

TEST_F(fault, alloc_depth)
{
	struct fault_test *t = &self->t;
	static const struct {
		__u32 size, depth, expected;
	} cases[] = {
		{ 32, 0, IOMMU_FAULT_DEPTH_DEFAULT },
		{ 32, 1, 1 },
		{ 32, 100, 100 },
		{ 32, IOMMU_FAULT_DEPTH_MAX, IOMMU_FAULT_DEPTH_MAX },
		{ 20, 7, 7 },
		{ 24, 7, 7 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct iommu_fault_alloc c = {
			.size = cases[i].size,
			.depth = cases[i].depth,
		};
		struct fdinfo info;
		__u64 depth = 0;

		ASSERT_EQ(0, iommu_call(t->fd, IOMMU_FAULT_QUEUE_ALLOC, &c));
		EXPECT_EQ(cases[i].expected, c.depth);
		EXPECT_EQ(FD_CLOEXEC, fcntl((int)c.out_fault_fd, F_GETFD));
		ASSERT_EQ(0, fdinfo_read(0, (int)c.out_fault_fd, &info));
		EXPECT_TRUE(fdinfo_number(&info, "depth", &depth));
		EXPECT_EQ(cases[i].expected, depth);
		EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, c.out_fault_id));
		close((int)c.out_fault_fd);
		EXPECT_EQ(0, iommu_destroy(t->fd, c.out_fault_id));
	}
}

/* No fd left: the queue must not stay either. */
TEST_F(fault, alloc_without_an_fd)
{
	struct fault_test *t = &self->t;
	struct fdinfo before, after;
	struct rlimit limit, none;
	__u32 id;
	int rc;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	state_of(t->fd, &before);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	rc = iommu_fault_queue(t->fd, 0, 0, 0, &id);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, rc);
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

/* --- reading --- */

TEST_F(fault, record)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;

	ASSERT_EQ(0, ft_group_of(t, 0, 1, 0x123456789abcd));
	memset(&r, 0xff, sizeof(r));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE, r.flags);
	EXPECT_EQ(t->dev[0].dev, r.dev_id);
	EXPECT_EQ(0, r.pasid);
	EXPECT_EQ(t->grpid - 1, r.grpid);
	EXPECT_EQ(PERM_RW, r.perm);
	EXPECT_EQ(0, r.__reserved);
	EXPECT_EQ(0x123456789abcd, r.addr);
	EXPECT_EQ(0, r.length);
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* What the device says of a PASID reaches the reader, and nothing else does. */
TEST_F(fault, record_with_pasid)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault rec;
	struct mock_report r = {
		.dev = t->dev[0].dev,
		.flags = MOCK_REPORT_LAST | MOCK_REPORT_PASID_VALID,
		.pasid = 5,
		.grpid = 9,
		.perm = IOMMU_PGFAULT_PERM_EXEC | IOMMU_PGFAULT_PERM_READ,
		.count = 1,
		.addr = 0x5000,
	};

	ASSERT_EQ(0, mock_report(t->fd, &r));
	t->n.reported++;
	if (!variant->nested) {
		/* A table filled by the kernel is for requests without one. */
		EXPECT_EQ(1, r.refused);
		t->n.other++;
		return;
	}
	ASSERT_EQ(1, r.taken);
	ASSERT_EQ(1, iommu_fault_read(t->queue, &rec, 1));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE |
		  IOMMU_PGFAULT_FLAGS_PASID_VALID, rec.flags);
	EXPECT_EQ(5, rec.pasid);
	EXPECT_EQ(9, rec.grpid);
	EXPECT_EQ(r.perm, rec.perm);
	ASSERT_EQ(0, ft_answer(t, rec.cookie, IOMMUFD_PAGE_RESP_INVALID));
}

TEST_F(fault, read_sizes)
{
	struct fault_test *t = &self->t;
	char buf[4 * RECORD];

	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(0, read(t->queue, buf, 0));
	EXPECT_EQ(-1, read(t->queue, buf, 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, read(t->queue, buf, RECORD - 1));
	EXPECT_EQ(ESPIPE, errno);
	/* Nothing was taken away by any of them. */
	EXPECT_EQ(1, readable(t->queue));
	EXPECT_EQ((ssize_t)RECORD, read(t->queue, buf, RECORD));
	EXPECT_EQ(0, readable(t->queue));
	ASSERT_EQ(0, ft_answer(t, ((struct iommu_hwpt_pgfault *)buf)->cookie,
			       IOMMUFD_PAGE_RESP_SUCCESS));
}

/* Surplus that holds no whole record */
TEST_F(fault, read_size_not_a_multiple)
{
	struct fault_test *t = &self->t;
	char buf[4 * RECORD];
	ssize_t n;

	ASSERT_EQ(0, ft_group(t, 1));
	memset(buf, 0x5a, sizeof(buf));
	n = read(t->queue, buf, RECORD + 1);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(0x5a, buf[0]);
	EXPECT_EQ(1, readable(t->queue));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(fault, group_larger_than_the_buffer)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[4];
	int i;

	ASSERT_EQ(0, ft_group(t, 3));
	EXPECT_EQ(-EINVAL, iommu_fault_read(t->queue, r, 1));
	EXPECT_EQ(-EINVAL, iommu_fault_read(t->queue, r, 2));
	EXPECT_EQ(1, readable(t->queue));
	ASSERT_EQ(3, iommu_fault_read(t->queue, r, 3));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(r[0].cookie, r[i].cookie);
		EXPECT_EQ(r[0].grpid, r[i].grpid);
		EXPECT_EQ(0x10000 + i * PAGE, r[i].addr);
		EXPECT_EQ(i == 2 ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0,
			  r[i].flags);
	}
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(fault, whole_groups_only)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[8];
	struct mock_report open = {
		.dev = t->dev[0].dev,
		.grpid = 500,
		.perm = PERM_RW,
		.count = 2,
		.addr = 0x70000,
	};
	int n;

	/* Not finished: invisible */
	ASSERT_EQ(0, mock_report(t->fd, &open));
	EXPECT_EQ(2, open.taken);
	EXPECT_EQ(0, readable(t->queue));
	ASSERT_EQ(0, ft_group(t, 3));
	ASSERT_EQ(0, ft_group(t, 3));
	ASSERT_EQ(0, ft_group(t, 1));
	/* Room for one and two thirds */
	ASSERT_EQ(3, iommu_fault_read(t->queue, r, 5));
	ASSERT_EQ(0, ft_answer(t, r[2].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(4, iommu_fault_read(t->queue, r, 8));
	EXPECT_EQ(r[0].cookie, r[2].cookie);
	EXPECT_NE(r[0].cookie, r[3].cookie);
	ASSERT_EQ(0, ft_answer(t, r[3].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_INVALID));
	/* The last one of the first group makes it visible, in its order. */
	open.flags = MOCK_REPORT_LAST;
	open.addr = 0x72000;
	open.count = 1;
	ASSERT_EQ(0, mock_report(t->fd, &open));
	t->n.reported++;
	n = ft_read_all(t, r, 8);
	ASSERT_EQ(3, n);
	EXPECT_EQ(0x70000, r[0].addr);
	EXPECT_EQ(0x71000, r[1].addr);
	EXPECT_EQ(0x72000, r[2].addr);
	ASSERT_EQ(0, ft_answer(t, r[1].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* Two PASIDs with one group index are two groups. */
TEST_F(fault, groups_are_told_apart_by_pasid)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[8];
	struct mock_report a = {
		.dev = t->dev[0].dev,
		.flags = MOCK_REPORT_PASID_VALID,
		.pasid = 1,
		.grpid = 77,
		.perm = PERM_RW,
		.count = 2,
		.addr = 0x1000,
	}, b;

	if (!variant->nested)
		SKIP(return, "this table is for requests without a PASID");
	b = a;
	b.pasid = 2;
	b.addr = 0x90000;
	ASSERT_EQ(0, mock_report(t->fd, &a));
	ASSERT_EQ(0, mock_report(t->fd, &b));
	a.flags |= MOCK_REPORT_LAST;
	b.flags |= MOCK_REPORT_LAST;
	a.count = 1;
	b.count = 1;
	ASSERT_EQ(0, mock_report(t->fd, &b));
	ASSERT_EQ(0, mock_report(t->fd, &a));
	t->n.reported += 2;
	ASSERT_EQ(6, ft_read_all(t, r, 8));
	EXPECT_EQ(2, r[0].pasid);
	EXPECT_EQ(2, r[2].pasid);
	EXPECT_EQ(1, r[3].pasid);
	EXPECT_EQ(1, r[5].pasid);
	EXPECT_NE(r[0].cookie, r[3].cookie);
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ft_answer(t, r[3].cookie, IOMMUFD_PAGE_RESP_INVALID));
}

/* Memory that is not there: an error, once, and nothing is lost. */
TEST_F(fault, read_into_unmapped_memory)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	__u64 start;

	ASSERT_EQ(2, ft_singles(t, 0, 2));
	start = now_ms();
	EXPECT_EQ(-1, read(t->queue, no_memory(), RECORD));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(t->queue, no_memory(), 64 * RECORD));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_GT(5000, now_ms() - start);
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	EXPECT_EQ(t->grpid - 2, r.grpid);
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* The buffer's second page is missing, and a group lies across the edge. */
TEST_F(fault, read_across_unmapped_memory)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault *r;
	unsigned int fit;
	char *hole;

	hole = mem_before_hole();
	ASSERT_NE(NULL, hole);
	/* Nothing before it: the whole group stays. */
	ASSERT_EQ(0, ft_group(t, 4));
	for (fit = 0; fit < 4; fit++) {
		r = (void *)(hole + PAGE - fit * RECORD);
		EXPECT_EQ(-EFAULT, iommu_fault_read(t->queue, r, 4));
		EXPECT_EQ(1, readable(t->queue));
	}
	/* A group that fits before it is delivered, and only that one. */
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ft_group(t, 2));
	ASSERT_EQ(0, ft_group(t, 4));
	r = (void *)(hole + PAGE - 4 * RECORD);
	ASSERT_EQ(2, iommu_fault_read(t->queue, r, 8));
	EXPECT_EQ(t->grpid - 2, r[0].grpid);
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	r = (void *)hole;
	ASSERT_EQ(4, iommu_fault_read(t->queue, r, 8));
	EXPECT_EQ(t->grpid - 1, r[0].grpid);
	EXPECT_EQ(r[0].cookie, r[3].cookie);
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	/* The least there is: what a copy moves at once is larger than that. */
	for (fit = 1; fit < 4; fit++) {
		unsigned int i;

		for (i = 0; i < fit + 1; i++)
			ASSERT_EQ(0, ft_group(t, 1));
		r = (void *)(hole + PAGE - fit * RECORD);
		ASSERT_EQ(fit, iommu_fault_read(t->queue, r, 4));
		for (i = 0; i < fit; i++) {
			EXPECT_EQ(t->grpid - fit - 1 + i, r[i].grpid);
			ASSERT_EQ(0, ft_answer(t, r[i].cookie,
					       IOMMUFD_PAGE_RESP_SUCCESS));
		}
		EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	}
}

struct late {
	struct fault_test *t;
	long ms;
	int rc;
};

static void *report_later(void *arg)
{
	struct late *late = arg;

	sleep_ms(late->ms);
	late->rc = ft_group(late->t, 1);
	return NULL;
}

TEST_F(fault, empty_read)
{
	struct fault_test *t = &self->t;
	struct late late = { .t = t, .ms = 200 };
	struct iommu_hwpt_pgfault r;
	pthread_t thread;
	__u64 start;

	ASSERT_EQ(0, set_nonblock(t->queue, true));
	EXPECT_EQ(is_blocking(variant) ? -EAGAIN : 0,
		  iommu_fault_read(t->queue, &r, 1));
	ASSERT_EQ(0, set_nonblock(t->queue, false));
	if (!is_blocking(variant)) {
		EXPECT_EQ(0, iommu_fault_read(t->queue, &r, 1));
		return;
	}
	start = now_ms();
	ASSERT_EQ(0, pthread_create(&thread, NULL, report_later, &late));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	EXPECT_LE(100, now_ms() - start);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, late.rc);
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(fault, blocked_read_and_signals)
{
	struct fault_test *t = &self->t;
	struct sigaction sa = { .sa_handler = on_alarm };
	struct iommu_hwpt_pgfault r;

	if (!is_blocking(variant))
		SKIP(return, "this queue does not block");
	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 0);
	EXPECT_EQ(-EINTR, iommu_fault_read(t->queue, &r, 1));
	/* Bad memory is found before the wait, or after; it never hangs. */
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(-1, read(t->queue, no_memory(), RECORD));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(fault, polling)
{
	struct fault_test *t = &self->t;
	struct pollfd p = { .fd = t->queue, .events = POLLIN | POLLOUT };
	struct late late = { .t = t, .ms = 100 };
	pthread_t thread;

	/* An answer can be written at any time. */
	ASSERT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLOUT, p.revents);
	p.events = POLLIN;
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, poll(&p, 1, 50));
	ASSERT_EQ(0, pthread_create(&thread, NULL, report_later, &late));
	EXPECT_EQ(1, poll(&p, 1, FOREVER_MS));
	EXPECT_EQ(POLLIN, p.revents);
	pthread_join(thread, NULL);
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, poll(&p, 1, 0));
}

TEST_F(fault, epoll_edge_triggered)
{
	struct fault_test *t = &self->t;
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	struct iommu_hwpt_pgfault r;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, t->queue, &e));
	EXPECT_EQ(0, epoll_wait(ep, &e, 1, 0));
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, FOREVER_MS));
	EXPECT_EQ(0, epoll_wait(ep, &e, 1, 0));
	/* Two more, and a read that leaves something: the next is an edge. */
	ASSERT_EQ(2, ft_singles(t, 0, 2));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	while (epoll_wait(ep, &e, 1, 0) > 0)
		;
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, FOREVER_MS));
	/* Everything read: the next is an edge. */
	EXPECT_EQ(3, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	while (epoll_wait(ep, &e, 1, 0) > 0)
		;
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, FOREVER_MS));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	close(ep);
}

/* No seeking, no position */
TEST_F(fault, seek_and_pread)
{
	struct fault_test *t = &self->t;
	char buf[RECORD];

	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(-1, lseek(t->queue, 1, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(t->queue, buf, sizeof(buf), 40));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* --- answering --- */

TEST_F(fault, cookies)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault a, b;
	struct fault_test other = { 0 };
	unsigned int i;
	__u32 cookie;

	/* Nothing has been read: there is no cookie yet. */
	for (cookie = 0; cookie < 64; cookie++)
		EXPECT_EQ(-EINVAL, ft_answer(t, cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(-EINVAL, ft_answer(t, ~0U, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ft_group(t, 1));
	/* Nor before it is read */
	for (cookie = 0; cookie < 2 * t->depth; cookie++)
		EXPECT_EQ(-EINVAL, ft_answer(t, cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &a, 1));

	/* Forged: every single bit of it matters. */
	for (i = 0; i < 32; i++)
		EXPECT_EQ(-EINVAL, ft_answer(t, a.cookie ^ (1U << i),
					     IOMMUFD_PAGE_RESP_SUCCESS));
	/* Foreign: the same cookie on another queue */
	ASSERT_EQ(0, ft_init(&other, variant->nested, DEPTH, 0));
	EXPECT_EQ(-EINVAL, ft_answer(&other, a.cookie,
				     IOMMUFD_PAGE_RESP_SUCCESS));
	FT_CHECK_LEDGER(&other);
	close(other.queue);
	close(other.fd);

	ASSERT_EQ(0, ft_answer(t, a.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	/* Duplicate */
	EXPECT_EQ(-EINVAL, ft_answer(t, a.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(-EINVAL, ft_answer(t, a.cookie, IOMMUFD_PAGE_RESP_INVALID));
	/* Stale: never accepted for what comes later */
	for (i = 0; i < 3 * DEPTH; i++) {
		ASSERT_EQ(0, ft_group(t, 1));
		ASSERT_EQ(1, iommu_fault_read(t->queue, &b, 1));
		EXPECT_NE(a.cookie, b.cookie);
		EXPECT_EQ(-EINVAL, ft_answer(t, a.cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
		ASSERT_EQ(0, ft_answer(t, b.cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
}

TEST_F(fault, codes)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	unsigned int code;

	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	for (code = 0; code < 300; code++) {
		if (code == IOMMUFD_PAGE_RESP_SUCCESS ||
		    code == IOMMUFD_PAGE_RESP_INVALID ||
		    code == IOMMUFD_PAGE_RESP_FAILURE)
			continue;
		EXPECT_EQ(-EINVAL, ft_answer(t, r.cookie, code));
	}
	EXPECT_EQ(-EINVAL, ft_answer(t, r.cookie, ~0U));
	EXPECT_EQ(-EINVAL, ft_answer(t, r.cookie, 1U << 31));
	/* None of them used the cookie up. */
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_INVALID));
}

TEST_F(fault, write_sizes)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_page_response a[4] = { 0 };
	struct iommu_hwpt_pgfault r[4];
	char *hole, *edge;

	ASSERT_EQ(3, ft_singles(t, 0, 3));
	ASSERT_EQ(3, ft_read_all(t, r, 4));
	a[0].cookie = r[0].cookie;
	a[1].cookie = r[1].cookie;
	a[2].cookie = r[2].cookie;
	EXPECT_EQ(0, write(t->queue, a, 0));
	EXPECT_EQ(-1, write(t->queue, a, 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, write(t->queue, a, 7));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, write(t->queue, a, 9));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, write(t->queue, no_memory(), 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(3, ft_pending(&t->n));
	FT_CHECK_LEDGER(t);

	/* A bad one in the middle: what came before it counts. */
	a[1].code = 7;
	EXPECT_EQ(8, write(t->queue, a, 3 * 8));
	t->n.success++;
	FT_CHECK_LEDGER(t);
	/* The same, but the memory ends */
	a[1].code = 0;
	hole = mem_before_hole();
	ASSERT_NE(NULL, hole);
	edge = hole + PAGE - 8;
	memcpy(edge, &a[1], 8);
	EXPECT_EQ(8, write(t->queue, edge, 16));
	t->n.success++;
	FT_CHECK_LEDGER(t);
	EXPECT_EQ(8, write(t->queue, &a[2], 8));
	t->n.success++;
}

/* In any order, in one call, more than the hardware takes at a time */
TEST_F(fault, many_answers_in_one_write)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_page_response a[DEPTH];
	struct iommu_hwpt_pgfault r[DEPTH];
	unsigned int i;

	ASSERT_EQ(DEPTH, ft_singles(t, 0, DEPTH));
	ASSERT_EQ(DEPTH, ft_read_all(t, r, DEPTH));
	for (i = 0; i < DEPTH; i++) {
		a[i].cookie = r[DEPTH - 1 - i].cookie;
		a[i].code = i & 1;
	}
	ASSERT_EQ((ssize_t)sizeof(a), write(t->queue, a, sizeof(a)));
	t->n.success += DEPTH / 2;
	t->n.invalid += DEPTH / 2;
}

TEST_F(fault, failure_code)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;

	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_FAILURE));
}

/* --- the bound --- */

TEST_F(fault, overflow)
{
	struct fault_test *t = &self->t;
	__u32 lost = knows_lost(variant) ? IOMMU_PGFAULT_FLAGS_LOST : 0;
	struct iommu_hwpt_pgfault *r;
	int n, i;

	r = calloc(t->depth, sizeof(*r));
	ASSERT_NE(NULL, r);
	ASSERT_EQ(t->depth, ft_singles(t, 0, t->depth + 5));
	EXPECT_EQ(5, t->n.overflow);
	n = ft_read_all(t, r, t->depth);
	ASSERT_EQ(t->depth, n);
	/* Said once, on the first record that is read after it */
	for (i = 0; i < n; i++)
		EXPECT_EQ((i ? 0 : lost) | IOMMU_PGFAULT_FLAGS_LAST_PAGE,
			  r[i].flags);
	/* Read is not answered: there still is no room. */
	EXPECT_EQ(1, ft_group(t, 1));
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(1, ft_read_all(t, r, 1));
	EXPECT_EQ(lost | IOMMU_PGFAULT_FLAGS_LAST_PAGE, r[0].flags);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, ft_answer(t, r[i].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, ft_pending(&t->n));
	/* All room is there again. */
	ASSERT_EQ(t->depth, ft_singles(t, 0, t->depth));
	ASSERT_EQ(t->depth, ft_read_all(t, r, t->depth));
	for (i = 0; i < (int)t->depth; i++) {
		EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE, r[i].flags);
		ASSERT_EQ(0, ft_answer(t, r[i].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
}

/* A group that does not fit as a whole leaves nothing behind. */
TEST_F(fault, overflow_in_mid_group)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault *r;
	unsigned int i;

	r = calloc(t->depth, sizeof(*r));
	ASSERT_NE(NULL, r);
	ASSERT_EQ(t->depth - 3, ft_singles(t, 0, t->depth - 3));
	EXPECT_EQ(1, ft_group(t, 4));
	EXPECT_EQ(1, ft_group(t, 10));
	/* Three places are free, all of them. */
	ASSERT_EQ(0, ft_group(t, 3));
	EXPECT_EQ(1, ft_group(t, 1));
	ASSERT_EQ(t->depth, ft_read_all(t, r, t->depth));
	for (i = 0; i < t->depth; i++)
		if (r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)
			ASSERT_EQ(0, ft_answer(t, r[i].cookie,
					       IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, ft_pending(&t->n));
}

/*
 * What is larger than the queue can hold finds no room at any time: the device is told so,
 * rather than to ask again for ever. Whether there is room for a part of it or not.
 */
static void ft_group_of_no_room(struct fault_test *t, unsigned int requests)
{
	int rc = ft_group(t, requests);

	if (rc != 1)
		return;
	t->n.overflow--;
	t->n.other++;
}

TEST_F(fault, group_larger_than_the_queue)
{
	struct fault_test *t = &self->t;
	__u32 lost = knows_lost(variant) ? IOMMU_PGFAULT_FLAGS_LOST : 0;
	struct iommu_hwpt_pgfault *r;
	unsigned int i;

	r = calloc(t->depth, sizeof(*r));
	ASSERT_NE(NULL, r);
	for (i = 0; i < 3; i++) {
		ft_group_of_no_room(t, t->depth + 1 + i);
		FT_CHECK_LEDGER(t);
		/* As large as it may be, and the loss is told */
		ASSERT_EQ(0, ft_group(t, t->depth));
		ASSERT_EQ(t->depth, ft_read_all(t, r, t->depth));
		EXPECT_EQ(lost, r[0].flags & IOMMU_PGFAULT_FLAGS_LOST);
		ft_group_of_no_room(t, t->depth + 1);
		ASSERT_EQ(0, ft_answer(t, r[0].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(6, t->n.other);
	EXPECT_EQ(0, t->n.overflow);
}

/* A queue of one still works. */
TEST(queue_of_depth_one)
{
	struct fault_test t = { 0 };
	int i, rc;

	rc = ft_init(&t, true, 1, IOMMU_FAULT_POLICY_BLOCKING);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, ft_group(&t, 1));
		EXPECT_EQ(1, ft_group(&t, 1));
		ft_group_of_no_room(&t, 2);
		EXPECT_EQ(1, ft_serve(&t, IOMMUFD_PAGE_RESP_SUCCESS));
	}
	FT_CHECK_LEDGER(&t);
	close(t.queue);
	close(t.fd);
}

/* --- queues for one device --- */

TEST_F(fault, queue_for_one_device)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	__u32 id, hwpt, wrong;
	struct fault_test one;
	int queue;

	ASSERT_EQ(0, ft_add_device(t));
	queue = iommu_fault_queue(t->fd, 8, 0, t->dev[1].dev, &id);
	ASSERT_LE(0, queue);
	/* ft_table() makes the table for device 0: not this queue's */
	EXPECT_EQ(-EINVAL, ft_table(t, variant->nested, id, &wrong));
	one = *t;
	one.dev[0] = t->dev[1];
	ASSERT_EQ(0, ft_table(&one, variant->nested, id, &hwpt));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev[1].stdev, hwpt));
	/* Device 0 cannot come under it either, and stays where it is. */
	EXPECT_EQ(-EINVAL, mock_replace(t->fd, t->dev[0].stdev, hwpt));
	ASSERT_EQ(0, ft_group_of(t, 0, 1, 0x1000));
	ASSERT_EQ(1, iommu_fault_read(t->queue, &r, 1));
	EXPECT_EQ(t->dev[0].dev, r.dev_id);
	ASSERT_EQ(0, ft_answer(t, r.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, readable(queue));

	ASSERT_EQ(0, ft_group_of(t, 1, 1, 0x2000));
	EXPECT_EQ(0, readable(t->queue));
	ASSERT_EQ(1, iommu_fault_read(queue, &r, 1));
	EXPECT_EQ(t->dev[1].dev, r.dev_id);
	/* Answered through its own queue, so not in the other one's fdinfo. */
	EXPECT_EQ(-EINVAL, iommu_fault_answer(t->queue, r.cookie, 0));
	ASSERT_EQ(0, iommu_fault_answer(queue, r.cookie, 0));
	{
		struct mock_ledger l;

		ASSERT_EQ(0, mock_ledger(t->fd, t->dev[1].dev, &l));
		EXPECT_EQ(1, l.success);
		EXPECT_EQ(0, mock_unanswered(&l));
	}
	close(queue);
	/* The rest of the ledger is that of device 0. */
	t->n.reported--;
	ASSERT_EQ(0, iommu_destroy(t->fd, t->dev[1].stdev));
	t->devs--;
}

/* The device's id comes back for another device: the queue is not its. */
TEST_F(fault, queue_of_a_device_that_is_gone)
{
	struct fault_test *t = &self->t;
	struct mock_device again;
	__u32 id, hwpt;
	struct fault_test one;
	int queue, rc;

	ASSERT_EQ(0, ft_add_device(t));
	queue = iommu_fault_queue(t->fd, 8, 0, t->dev[1].dev, &id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, iommu_destroy(t->fd, t->dev[1].stdev));
	ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &again));
	one = *t;
	one.dev[0] = again;
	rc = ft_table(&one, variant->nested, id, &hwpt);
	EXPECT_EQ(-EINVAL, rc);
	t->devs--;
	close(queue);
}

TEST_F(fault, several_devices_one_queue)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[8];
	unsigned int i, seen = 0;

	ASSERT_EQ(0, ft_add_device(t));
	ASSERT_EQ(0, ft_add_device(t));
	/* The same group index from each of them */
	for (i = 0; i < 3; i++) {
		t->grpid = 33;
		ASSERT_EQ(0, ft_group_of(t, i, 2, 0x1000 * (i + 1)));
	}
	ASSERT_EQ(6, ft_read_all(t, r, 8));
	for (i = 0; i < 6; i += 2) {
		EXPECT_EQ(r[i].dev_id, r[i + 1].dev_id);
		EXPECT_EQ(r[i].cookie, r[i + 1].cookie);
		seen |= 1U << (r[i].dev_id == t->dev[0].dev ? 0 :
			       r[i].dev_id == t->dev[1].dev ? 1 : 2);
		ASSERT_EQ(0, ft_answer(t, r[i].cookie,
				       IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(7, seen);
	for (i = 0; i < 3; i++) {
		struct mock_ledger l;

		ASSERT_EQ(0, mock_ledger(t->fd, t->dev[i].dev, &l));
		EXPECT_EQ(1, l.success);
	}
}

/* --- what goes away --- */

/* One unread, one read and not answered, one of two requests */
#define LEAVE_PENDING(t, read_one) do {					\
	struct iommu_hwpt_pgfault _r;					\
									\
	ASSERT_EQ(0, ft_group(t, 1));					\
	ASSERT_EQ(0, ft_group(t, 2));					\
	ASSERT_EQ(0, ft_group(t, 1));					\
	ASSERT_EQ(1, iommu_fault_read((t)->queue, &_r, 1));		\
	*(read_one) = _r.cookie;					\
} while (0)

TEST_F(fault, detach_while_pending)
{
	struct fault_test *t = &self->t;
	struct mock_ledger l;
	__u32 cookie;

	/* A second device tells whether only the right ones are answered. */
	ASSERT_EQ(0, ft_add_device(t));
	ASSERT_EQ(0, ft_group_of(t, 1, 1, 0x9000));
	ASSERT_EQ(0, ft_group_of(t, 1, 2, 0x9000));
	LEAVE_PENDING(t, &cookie);
	/* The oldest of all is device 1's: that is what was read. */
	ASSERT_EQ(0, mock_ledger(t->fd, t->dev[0].dev, &l));
	EXPECT_EQ(3, mock_unanswered(&l));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev[0].stdev, t->ioas));
	/* It goes to another table, which decides: success. */
	ASSERT_EQ(0, mock_ledger(t->fd, t->dev[0].dev, &l));
	EXPECT_EQ(0, mock_unanswered(&l));
	EXPECT_EQ(3, l.success);
	EXPECT_EQ(0, l.invalid);
	t->n.drained_success += 3;
	FT_CHECK_LEDGER(t);
	ASSERT_EQ(0, ft_answer(t, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, readable(t->queue));
}

TEST_F(fault, replace_while_pending)
{
	struct fault_test *t = &self->t;
	__u32 cookie, hwpt, id;
	struct mock_ledger l;
	int queue;

	LEAVE_PENDING(t, &cookie);
	queue = iommu_fault_queue(t->fd, 16, 0, 0, &id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, ft_table(t, variant->nested, id, &hwpt));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev[0].stdev, hwpt));
	t->n.drained_success += 3;
	FT_CHECK_LEDGER(t);
	/* Late: the group is answered already. */
	EXPECT_EQ(-EINVAL, ft_answer(t, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, readable(t->queue));
	/* From now on the other queue has them. */
	{
		struct iommu_hwpt_pgfault r;

		ASSERT_EQ(0, ft_group(t, 1));
		EXPECT_EQ(0, readable(t->queue));
		ASSERT_EQ(1, iommu_fault_read(queue, &r, 1));
		ASSERT_EQ(0, iommu_fault_answer(queue, r.cookie,
						IOMMUFD_PAGE_RESP_INVALID));
	}
	ASSERT_EQ(0, mock_ledger(t->fd, t->dev[0].dev, &l));
	EXPECT_EQ(1, l.invalid);
	EXPECT_EQ(0, mock_unanswered(&l));
	close(queue);
	/* The teardown compares this queue's fdinfo: close it before. */
	close(t->queue);
	t->queue = -1;
	t->n.invalid++;
}

TEST_F(fault, destroy_device_while_pending)
{
	struct fault_test *t = &self->t;
	__u64 drained;
	__u32 cookie;
	struct fdinfo info;

	LEAVE_PENDING(t, &cookie);
	ASSERT_EQ(0, iommu_destroy(t->fd, t->dev[0].stdev));
	EXPECT_EQ(0, readable(t->queue));
	EXPECT_EQ(-EINVAL, ft_answer(t, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, fdinfo_read(0, t->queue, &info));
	ASSERT_TRUE(fdinfo_nth(&info, "answered-drain", 1, &drained));
	EXPECT_EQ(3, drained);
	/* The mock's part of the ledger went with the device. */
	t->devs = 0;
	memset(&t->n, 0, sizeof(t->n));
	EXPECT_EQ(0, iommu_destroy(t->fd, t->hwpt));
	EXPECT_EQ(-EBUSY, iommu_destroy(t->fd, t->queue_id));
	close(t->queue);
	t->queue = -1;
	EXPECT_EQ(0, iommu_destroy(t->fd, t->queue_id));
}

TEST_F(fault, close_while_pending)
{
	struct fault_test *t = &self->t;
	struct mock_ledger l;
	__u32 cookie;
	int copy;

	LEAVE_PENDING(t, &cookie);
	copy = dup(t->queue);
	ASSERT_LE(0, copy);
	close(t->queue);
	t->queue = copy;
	/* Not the last copy: nothing has happened. */
	FT_CHECK_LEDGER(t);
	ASSERT_EQ(0, ft_answer(t, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	close(t->queue);
	t->queue = -1;
	t->n.drained_invalid += 2;
	FT_CHECK_LEDGER(t);
	/* What comes now is refused at once: nobody will ever read it. */
	{
		struct mock_report r = {
			.dev = t->dev[0].dev,
			.flags = MOCK_REPORT_LAST,
			.grpid = 4,
			.count = 1,
		};

		ASSERT_EQ(0, mock_report(t->fd, &r));
		EXPECT_EQ(1, r.refused);
		t->n.reported++;
		t->n.other++;
	}
	ASSERT_EQ(0, mock_ledger(t->fd, t->dev[0].dev, &l));
	EXPECT_EQ(0, mock_unanswered(&l));
}

/* The /dev/iommu goes first: the fault fd must survive it in good order. */
TEST_F(fault, close_the_context_first)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r;
	__u32 cookie;
	int n;

	LEAVE_PENDING(t, &cookie);
	close(t->fd);
	/* The fd keeps the context; its device is still there and answers. */
	n = iommu_fault_answer(t->queue, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
	EXPECT_TRUE(n == 0 || n == -EINVAL);
	n = iommu_fault_read(t->queue, &r, 1);
	EXPECT_NE(-EIO, n);
	close(t->queue);
	/* Nothing is left to compare. */
	memset(t, 0, sizeof(*t));
	t->queue = -1;
	t->fd = iommu_open();
	ASSERT_LE(0, t->fd);
}

/* Requests of a group whose last one never came are forgotten with it. */
TEST_F(fault, partial_group_at_detach)
{
	struct fault_test *t = &self->t;
	struct mock_report r = {
		.dev = t->dev[0].dev,
		.grpid = 600,
		.perm = PERM_RW,
		.count = 5,
		.addr = 0x1000,
	};

	ASSERT_EQ(0, mock_report(t->fd, &r));
	EXPECT_EQ(5, r.taken);
	ASSERT_EQ(0, mock_replace(t->fd, t->dev[0].stdev, t->ioas));
	ASSERT_EQ(0, mock_replace(t->fd, t->dev[0].stdev, t->hwpt));
	EXPECT_EQ(0, readable(t->queue));
	/* Their room is free again. */
	ASSERT_EQ(t->depth, ft_singles(t, 0, t->depth));
	EXPECT_EQ(t->depth, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* --- the device's DMA, from the fault to the bytes --- */

TEST_F(fault, dma_waits_for_the_answer)
{
	struct fault_test *t = &self->t;
	char out[2 * PAGE];
	char *memory;
	struct mock_dma dma = {
		.dev = t->dev[0].dev,
		.flags = MOCK_DMA_WRITE | MOCK_DMA_ASYNC,
		.iova = IOVA_BASE + PAGE / 2,
		.data = out,
		.length = PAGE,
	};
	struct iommu_hwpt_pgfault r[8];
	struct pollfd p = { .fd = t->queue, .events = POLLIN };
	int i, n;

	if (variant->nested)
		SKIP(return, "this table translates nothing");
	memset(out, 'o', sizeof(out));
	memory = mem_get(4 * PAGE);
	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, mock_dma(t->fd, &dma));
	ASSERT_EQ(MOCK_DMA_PENDING, dma.status);
	ASSERT_EQ(1, poll(&p, 1, FOREVER_MS));
	ASSERT_EQ(0, memory[PAGE / 2]);
	/* Success without the memory: it asks again. */
	n = ft_read_all(t, r, 8);
	ASSERT_LE(1, n);
	t->n.reported++;
	EXPECT_EQ(IOVA_BASE, r[0].addr & ~(__u64)(PAGE - 1));
	EXPECT_TRUE(r[0].perm & IOMMU_PGFAULT_PERM_WRITE);
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(1, poll(&p, 1, FOREVER_MS));
	EXPECT_EQ(0, memory[PAGE / 2]);
	ASSERT_EQ(0, iommu_map(t->fd, t->ioas, memory, 4 * PAGE, IOVA_BASE));
	for (i = 0; i < 10; i++) {
		struct mock_ledger l;

		n = ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS);
		ASSERT_LE(0, n);
		ASSERT_EQ(0, mock_dma_wait(t->fd, &dma, 200));
		ASSERT_EQ(0, mock_ledger(t->fd, t->dev[0].dev, &l));
		t->n.reported = l.reported;
		if (dma.status != MOCK_DMA_PENDING)
			break;
	}
	EXPECT_EQ(MOCK_DMA_OK, dma.status);
	EXPECT_EQ(PAGE, dma.done);
	EXPECT_LE(2, dma.faults);
	EXPECT_EQ(0, memcmp(memory + PAGE / 2, out, PAGE));
	EXPECT_EQ(0, memory[PAGE / 2 - 1]);
	EXPECT_EQ(0, memory[PAGE / 2 + PAGE]);
}

TEST_F(fault, dma_refused)
{
	struct fault_test *t = &self->t;
	static const __u32 codes[] = {
		IOMMUFD_PAGE_RESP_INVALID, IOMMUFD_PAGE_RESP_FAILURE,
	};
	static const __u32 expected[] = { MOCK_DMA_FAULTED, MOCK_DMA_HALTED };
	unsigned int i;
	char byte = 1;

	for (i = 0; i < 2; i++) {
		struct mock_dma dma = {
			.dev = t->dev[0].dev,
			.flags = MOCK_DMA_ASYNC,
			.iova = IOVA_BASE,
			.data = &byte,
			.length = 1,
		};
		struct pollfd p = { .fd = t->queue, .events = POLLIN };

		ASSERT_EQ(0, mock_dma(t->fd, &dma));
		ASSERT_EQ(MOCK_DMA_PENDING, dma.status);
		t->n.reported++;
		ASSERT_EQ(1, poll(&p, 1, FOREVER_MS));
		ASSERT_EQ(1, ft_serve(t, codes[i]));
		ASSERT_EQ(0, mock_dma_wait(t->fd, &dma, FOREVER_MS));
		EXPECT_EQ(expected[i], dma.status);
		EXPECT_EQ(0, dma.done);
		EXPECT_EQ(1, byte);
	}
	/* Halted: it does not even ask any more. */
	{
		struct mock_dma dma = {
			.dev = t->dev[0].dev,
			.iova = IOVA_BASE,
			.data = &byte,
			.length = 1,
			.timeout_ms = FOREVER_MS,
		};

		ASSERT_EQ(0, mock_dma(t->fd, &dma));
		EXPECT_EQ(MOCK_DMA_HALTED, dma.status);
		EXPECT_EQ(0, dma.faults);
		EXPECT_EQ(0, readable(t->queue));
	}
}

TEST_F(fault, dma_pending_when_the_queue_is_closed)
{
	struct fault_test *t = &self->t;
	char byte = 1;
	struct mock_dma dma = {
		.dev = t->dev[0].dev,
		.flags = MOCK_DMA_ASYNC,
		.iova = IOVA_BASE,
		.data = &byte,
		.length = 1,
	};
	struct pollfd p = { .fd = t->queue, .events = POLLIN };

	ASSERT_EQ(0, mock_dma(t->fd, &dma));
	ASSERT_EQ(MOCK_DMA_PENDING, dma.status);
	t->n.reported++;
	ASSERT_EQ(1, poll(&p, 1, FOREVER_MS));
	close(t->queue);
	t->queue = -1;
	t->n.drained_invalid++;
	ASSERT_EQ(0, mock_dma_wait(t->fd, &dma, FOREVER_MS));
	EXPECT_EQ(MOCK_DMA_FAULTED, dma.status);
	EXPECT_EQ(0, dma.done);
}

/* Age is reported, and nobody answers on the program's behalf. */
TEST_F(fault, age)
{
	struct fault_test *t = &self->t;
	struct fdinfo info;
	__u64 age = 0;

	ASSERT_EQ(0, ft_group(t, 1));
	sleep_ms(500);
	ASSERT_EQ(0, fdinfo_read(0, t->queue, &info));
	ASSERT_TRUE(fdinfo_number(&info, "oldest-ms", &age));
	/* Emulated clocks are not of one mind. */
	EXPECT_LE(100, age);
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, fdinfo_read(0, t->queue, &info));
	ASSERT_TRUE(fdinfo_number(&info, "oldest-ms", &age));
	EXPECT_EQ(0, age);
}

TEST_HARNESS_MAIN
