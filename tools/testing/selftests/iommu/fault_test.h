/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Building blocks of the page fault tests: a mock device attached to a table
 * with a fault queue, requests sent by it, and the ledger.
 *
 * The ledger has three keepers who do not know of each other: the mock, which
 * counts what its device saw; the kernel, in the queue's fdinfo; and this
 * program. At the end of every test all three have to agree, and
 *
 *	reported = answered by user + answered by drain + refused + pending
 */
#ifndef SELFTESTS_IOMMU_FAULT_TEST_H
#define SELFTESTS_IOMMU_FAULT_TEST_H

#include "iommu_test.h"

#define FT_DEVICES	4

/* From ft_init() alone: there is no /dev/iommu, and the test is skipped. */
#define FT_NO_IOMMU	(-ENXIO)

/* Groups, as the program counts them. */
struct ft_counts {
	__u64 reported;
	__u64 overflow;
	__u64 other;
	__u64 success;
	__u64 invalid;
	__u64 failure;
	__u64 drained_success;
	__u64 drained_invalid;
};

/**
 * struct fault_test - what a fault test works with
 * @fd: /dev/iommu
 * @ioas: with GUEST mapped
 * @parent: nest parent over it
 * @hwpt: the table with the queue
 * @queue: the queue's fd, -1 when it is closed
 * @queue_id: its id
 * @depth: its depth
 * @dev: mock devices, attached to @hwpt
 * @devs: how many
 * @grpid: next page request group index to use
 * @n: the program's part of the ledger
 */
struct fault_test {
	int fd;
	__u32 ioas;
	__u32 parent;
	__u32 hwpt;
	int queue;
	__u32 queue_id;
	__u32 depth;
	struct mock_device dev[FT_DEVICES];
	unsigned int devs;
	__u32 grpid;
	struct ft_counts n;
};

static inline __u64 ft_answered(const struct ft_counts *n)
{
	return n->success + n->invalid + n->failure + n->drained_success +
	       n->drained_invalid;
}

static inline __u64 ft_pending(const struct ft_counts *n)
{
	return n->reported - n->overflow - n->other - ft_answered(n);
}

/* A table with @queue_id behind it: of the user's, or filled by the kernel. */
static inline int ft_table(struct fault_test *t, bool nested, __u32 queue_id,
			   __u32 *hwpt)
{
	struct iommu_hwpt_selftest data = {
		.iotlb = IOMMU_TEST_IOTLB_DEFAULT,
	};

	if (!nested)
		return iommu_hwpt_paging(t->fd, t->dev[0].dev, t->ioas,
					 IOMMU_HWPT_FAULT_ID_VALID, queue_id,
					 hwpt);
	return iommu_hwpt_nested(t->fd, t->dev[0].dev, t->parent,
				 IOMMU_HWPT_FAULT_ID_VALID, queue_id,
				 IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
				 hwpt);
}

static inline int ft_add_device(struct fault_test *t)
{
	struct mock_device *d = &t->dev[t->devs];
	int rc;

	rc = mock_device(t->fd, t->ioas, 0, d);
	if (rc)
		return rc;
	if (t->hwpt)
		rc = mock_replace(t->fd, d->stdev, t->hwpt);
	t->devs++;
	return rc;
}

/*
 * @policy ~0U: a queue as an older program makes it, with 16 bytes of
 * structure, the default depth and no policy.
 */
static inline int ft_init(struct fault_test *t, bool nested, __u32 depth,
			  __u32 policy)
{
	int rc;

	memset(t, 0, sizeof(*t));
	t->queue = -1;
	t->grpid = 1;
	t->fd = iommu_open();
	if (t->fd < 0)
		return t->fd == -ENOENT ? FT_NO_IOMMU : t->fd;
	rc = iommu_ioas_alloc(t->fd, &t->ioas);
	if (!rc)
		rc = ft_add_device(t);
	if (!rc)
		rc = iommu_hwpt_paging(t->fd, t->dev[0].dev, t->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &t->parent);
	if (rc)
		return rc;
	if (policy == ~0U) {
		struct iommu_fault_alloc c = { .size = 16 };

		rc = iommu_call(t->fd, IOMMU_FAULT_QUEUE_ALLOC, &c);
		if (rc)
			return rc;
		t->queue = (int)c.out_fault_fd;
		t->queue_id = c.out_fault_id;
		t->depth = IOMMU_FAULT_DEPTH_DEFAULT;
	} else {
		t->queue = iommu_fault_queue(t->fd, depth, policy, 0,
					     &t->queue_id);
		if (t->queue < 0)
			return t->queue;
		t->depth = depth;
	}
	rc = ft_table(t, nested, t->queue_id, &t->hwpt);
	if (rc)
		return rc;
	return mock_replace(t->fd, t->dev[0].stdev, t->hwpt);
}

/* One group of @requests; returns 0 if it was taken, 1 if it was refused. */
static inline int ft_group_of(struct fault_test *t, unsigned int dev,
			      unsigned int requests, __u64 addr)
{
	struct mock_report r = {
		.dev = t->dev[dev].dev,
		.flags = MOCK_REPORT_LAST,
		.grpid = t->grpid++,
		.perm = PERM_RW,
		.count = requests,
		.addr = addr,
	};
	int rc = mock_report(t->fd, &r);

	if (rc)
		return rc;
	t->n.reported++;
	if (!r.refused)
		return r.taken == requests ? 0 : -EIO;
	t->n.overflow++;
	return 1;
}

static inline int ft_group(struct fault_test *t, unsigned int requests)
{
	return ft_group_of(t, 0, requests, 0x10000);
}

/* @groups of one request each; returns how many were taken. */
static inline int ft_singles(struct fault_test *t, unsigned int dev,
			     unsigned int groups)
{
	struct mock_report r = {
		.dev = t->dev[dev].dev,
		.flags = MOCK_REPORT_EACH_LAST,
		.grpid = t->grpid,
		.perm = IOMMU_PGFAULT_PERM_WRITE,
		.count = groups,
		.addr = 0x100000,
	};
	int rc = mock_report(t->fd, &r);

	if (rc)
		return rc;
	t->grpid += groups;
	t->n.reported += groups;
	t->n.overflow += r.refused;
	return r.taken + r.refused == groups ? (int)r.taken : -EIO;
}

/* Answers and, if the kernel takes it, counts. */
static inline int ft_answer(struct fault_test *t, __u32 cookie, __u32 code)
{
	int rc = iommu_fault_answer(t->queue, cookie, code);

	if (rc)
		return rc;
	if (code == IOMMUFD_PAGE_RESP_SUCCESS)
		t->n.success++;
	else if (code == IOMMUFD_PAGE_RESP_INVALID)
		t->n.invalid++;
	else
		t->n.failure++;
	return 0;
}

/* Everything that can be read now; returns the number of records. */
static inline int ft_read_all(struct fault_test *t,
			      struct iommu_hwpt_pgfault *rec, unsigned int max)
{
	struct pollfd p = { .fd = t->queue, .events = POLLIN };
	unsigned int total = 0;

	while (total < max && poll(&p, 1, 0) == 1) {
		int n = iommu_fault_read(t->queue, rec + total, max - total);

		if (n < 0)
			return n;
		total += (unsigned int)n;
	}
	return (int)total;
}

/* Reads what there is and answers each group. */
static inline int ft_serve(struct fault_test *t, __u32 code)
{
	struct iommu_hwpt_pgfault rec[64];
	int i, n, groups = 0;

	while ((n = ft_read_all(t, rec, ARRAY_LEN(rec))) > 0) {
		for (i = 0; i < n; i++) {
			int rc;

			if (!(rec[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
				continue;
			rc = ft_answer(t, rec[i].cookie, code);
			if (rc)
				return rc;
			groups++;
		}
	}
	return n < 0 ? n : groups;
}

/* What the mock's devices saw, all together. */
static inline int ft_mock(struct fault_test *t, struct mock_ledger *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < t->devs; i++) {
		struct mock_ledger l;
		int rc = mock_ledger(t->fd, t->dev[i].dev, &l);

		if (rc)
			return rc;
		sum->requests += l.requests;
		sum->dropped += l.dropped;
		sum->reported += l.reported;
		sum->taken += l.taken;
		sum->overflow += l.overflow;
		sum->other += l.other;
		sum->success += l.success;
		sum->invalid += l.invalid;
		sum->failure += l.failure;
	}
	return 0;
}

/* A figure that the kernel does not show is never equal to a count. */
static inline __u64 ft_fdinfo(const struct fdinfo *info, const char *key,
			      unsigned int nth)
{
	__u64 value;

	return fdinfo_nth(info, key, nth, &value) ? value : ~0ULL;
}

/* Mock against program; the queue's fdinfo too while it is open. */
#define FT_CHECK_LEDGER(t) do {						\
	struct fault_test *_t = (t);					\
	struct mock_ledger _m;						\
									\
	ASSERT_EQ(0, ft_mock(_t, &_m));					\
	EXPECT_EQ(_t->n.reported, _m.reported);				\
	EXPECT_EQ(_t->n.overflow, _m.overflow);				\
	EXPECT_EQ(_t->n.other, _m.other);				\
	EXPECT_EQ(_t->n.success + _t->n.drained_success, _m.success);	\
	EXPECT_EQ(_t->n.invalid + _t->n.drained_invalid, _m.invalid);	\
	EXPECT_EQ(_t->n.failure, _m.failure);				\
	EXPECT_EQ(ft_pending(&_t->n), mock_unanswered(&_m));		\
	EXPECT_EQ(_m.reported, _m.success + _m.invalid + _m.failure +	\
		  _m.overflow + _m.other + mock_unanswered(&_m));	\
	if (_t->queue >= 0) {						\
		struct fdinfo _i;					\
									\
		ASSERT_EQ(0, fdinfo_read(0, _t->queue, &_i));		\
		EXPECT_EQ(_t->n.success,				\
			  ft_fdinfo(&_i, "answered-user", 1));		\
		EXPECT_EQ(_t->n.invalid,				\
			  ft_fdinfo(&_i, "answered-user", 2));		\
		EXPECT_EQ(_t->n.failure,				\
			  ft_fdinfo(&_i, "answered-user", 3));		\
		EXPECT_EQ(_t->n.drained_success + _t->n.drained_invalid, \
			  ft_fdinfo(&_i, "answered-drain", 1));		\
		EXPECT_EQ(_t->n.overflow,				\
			  ft_fdinfo(&_i, "lost", 1));		\
		EXPECT_EQ(ft_pending(&_t->n),				\
			  ft_fdinfo(&_i, "pending", 1));		\
	}								\
} while (0)

#endif
