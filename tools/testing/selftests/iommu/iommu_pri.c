// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMU_DEVICE_PRI: what it says of a device's page request interface, turning it
 * on without an attachment, the allocation, and starting it anew with faults
 * outstanding. The ledger of fault_test.h is kept throughout.
 */
#include "fault_test.h"

#include <stdatomic.h>

#define DEPTH	64

FIXTURE(pri) {
	struct fault_test t;
	/* Has PASIDs, is attached without a fault queue */
	struct mock_device idle;
	__u32 dev;
};

FIXTURE_SETUP(pri)
{
	int rc = ft_init(&self->t, false, DEPTH, IOMMU_FAULT_POLICY_BLOCKING);

	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, fcntl(self->t.queue, F_SETFL, O_NONBLOCK));
	self->dev = self->t.dev[0].dev;
	ASSERT_EQ(0, mock_device(self->t.fd, self->t.ioas,
				 MOCK_FLAGS_DEVICE_PASID, &self->idle));
}

FIXTURE_TEARDOWN(pri)
{
	struct fault_test *t = &self->t;

	FT_CHECK_LEDGER(t);
	t->n.drained_invalid += ft_pending(&t->n);
	close(t->queue);
	t->queue = -1;
	FT_CHECK_LEDGER(t);
	close(t->fd);
}

static int pri(FIXTURE_DATA(pri) *self, __u32 dev, __u32 op, __u32 allocation,
	       struct iommu_device_pri *out)
{
	*out = (struct iommu_device_pri){ .allocation = allocation };
	return iommu_pri(self->t.fd, dev, op, out);
}

#define QUERY(dev, p)	pri(self, dev, IOMMU_DEVICE_PRI_QUERY, 0, p)
#define ENABLE(dev, n, p) pri(self, dev, IOMMU_DEVICE_PRI_ENABLE, n, p)
#define DISABLE(dev, p)	pri(self, dev, IOMMU_DEVICE_PRI_DISABLE, 0, p)
#define RESET(dev, p)	pri(self, dev, IOMMU_DEVICE_PRI_RESET, 0, p)

/* A DMA where nothing is mapped; @faults: page requests the device sent. */
static int missing(FIXTURE_DATA(pri) *self, __u32 dev, __u32 *faults)
{
	struct mock_dma d = {
		.dev = dev,
		.timeout_ms = FOREVER_MS,
		.iova = IOVA_BASE,
		.data = &d.length,
		.length = 1,
	};
	int rc = mock_dma(self->t.fd, &d);

	*faults = d.faults;
	return rc ? rc : (int)d.status;
}

TEST_F(pri, query)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[4];
	struct iommu_device_pri p;
	__u32 pt;

	ASSERT_EQ(0, QUERY(self->idle.dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_RESP_PASID, p.out_state);
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_capacity);
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_allocation);
	EXPECT_EQ(0, p.out_attaches);
	EXPECT_EQ(0, p.out_outstanding);

	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, p.out_state);
	EXPECT_EQ(1, p.out_attaches);
	ASSERT_EQ(0, ft_group(t, 3));
	ASSERT_EQ(0, ft_group(t, 2));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(5, p.out_outstanding);
	ASSERT_EQ(3, iommu_fault_read(t->queue, r, 3));
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(2, p.out_outstanding);

	/* Each attachment with a queue counts, of a PASID too. */
	pt = t->hwpt;
	ASSERT_EQ(0, iommu_pasid_attach(t->fd, self->idle.dev, 1, &pt));
	pt = t->hwpt;
	ASSERT_EQ(0, iommu_pasid_attach(t->fd, self->idle.dev, 2, &pt));
	pt = t->ioas;
	ASSERT_EQ(0, iommu_pasid_attach(t->fd, self->idle.dev, 3, &pt));
	ASSERT_EQ(0, QUERY(self->idle.dev, &p));
	EXPECT_EQ(2, p.out_attaches);
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_RESP_PASID,
		  p.out_state);
	ASSERT_EQ(0, iommu_pasid_detach(t->fd, self->idle.dev, 1));
	ASSERT_EQ(0, iommu_pasid_detach(t->fd, self->idle.dev, 2));
	ASSERT_EQ(0, QUERY(self->idle.dev, &p));
	EXPECT_EQ(0, p.out_attaches);
	EXPECT_EQ(IOMMU_DEVICE_PRI_RESP_PASID, p.out_state);
}

TEST_F(pri, refused)
{
	struct fault_test *t = &self->t;
	struct iommu_device_pri p = { .size = sizeof(p), .dev_id = self->dev };
	struct fdinfo before, after;
	unsigned int i;

	state_of(t->fd, &before);
	for (i = 0; i < 32; i++) {
		p.flags = 1U << i;
		EXPECT_EQ(-EOPNOTSUPP, iommu_call(t->fd, IOMMU_DEVICE_PRI, &p));
	}
	for (i = 4; i; i <<= 1)
		EXPECT_EQ(-EOPNOTSUPP, pri(self, self->dev, i, 0, &p));
	EXPECT_EQ(-EINVAL, pri(self, self->dev, IOMMU_DEVICE_PRI_QUERY, 1, &p));
	EXPECT_EQ(-EINVAL, pri(self, self->dev, IOMMU_DEVICE_PRI_DISABLE, 1,
			       &p));
	EXPECT_EQ(-EINVAL, pri(self, self->dev, IOMMU_DEVICE_PRI_RESET, 1, &p));
	EXPECT_EQ(-ENOENT, QUERY(1000000, &p));
	EXPECT_EQ(-ENOENT, QUERY(t->ioas, &p));
	EXPECT_EQ(-EINVAL, ENABLE(self->dev, IOMMU_FAULT_DEPTH_MAX + 1, &p));
	EXPECT_EQ(-EINVAL, ENABLE(self->dev, ~0U, &p));
	EXPECT_EQ(-EINVAL, DISABLE(self->dev, &p));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, p.out_state);
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_allocation);

	ASSERT_EQ(0, ENABLE(self->dev, 9, &p));
	EXPECT_EQ(-EBUSY, ENABLE(self->dev, 10, &p));
	EXPECT_EQ(-EBUSY, ENABLE(self->dev, 0, &p));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(9, p.out_allocation);
	ASSERT_EQ(0, DISABLE(self->dev, &p));
	EXPECT_EQ(-EINVAL, DISABLE(self->dev, &p));
	state_of(t->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

/* On without an attachment: the device asks, and is told that nobody is there. */
TEST_F(pri, enable)
{
	struct iommu_device_pri p;
	__u32 faults;

	EXPECT_EQ(MOCK_DMA_BLOCKED, missing(self, self->idle.dev, &faults));
	EXPECT_EQ(0, faults);
	ASSERT_EQ(0, ENABLE(self->idle.dev, 0, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_BY_USER |
		  IOMMU_DEVICE_PRI_RESP_PASID, p.out_state);
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_allocation);
	EXPECT_EQ(0, p.out_attaches);
	EXPECT_EQ(MOCK_DMA_BLOCKED, missing(self, self->idle.dev, &faults));
	EXPECT_EQ(1, faults);
	/* An attachment comes and goes: it is still on. */
	ASSERT_EQ(0, mock_replace(self->t.fd, self->idle.stdev, self->t.hwpt));
	ASSERT_EQ(0, mock_replace(self->t.fd, self->idle.stdev, self->t.ioas));
	EXPECT_EQ(MOCK_DMA_BLOCKED, missing(self, self->idle.dev, &faults));
	EXPECT_EQ(1, faults);
	ASSERT_EQ(0, DISABLE(self->idle.dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_RESP_PASID, p.out_state);
	EXPECT_EQ(MOCK_DMA_BLOCKED, missing(self, self->idle.dev, &faults));
	EXPECT_EQ(0, faults);

	/* The other way round: it goes, the attachment stays. */
	ASSERT_EQ(0, ENABLE(self->dev, 0, &p));
	ASSERT_EQ(0, DISABLE(self->dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, p.out_state);
	ASSERT_EQ(0, ft_group(&self->t, 1));
}

/* How many page requests the queue's fdinfo says the device may have outstanding. */
static long cap_told(FIXTURE_DATA(pri) *self)
{
	struct fdinfo info;
	const char *line;
	long cap = -1;

	if (fdinfo_read(0, self->t.queue, &info))
		return -1;
	line = fdinfo_find(&info, "source");
	if (!line || sscanf(line, "%*s dev-id %*u outstanding %*u cap %ld", &cap) != 1)
		return -1;
	return cap;
}

TEST_F(pri, allocation)
{
	struct fault_test *t = &self->t;
	struct iommu_device_pri p;

	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, cap_told(self));
	ASSERT_EQ(0, ENABLE(self->dev, 8, &p));
	EXPECT_EQ(8, p.out_allocation);
	EXPECT_EQ(8, cap_told(self));
	EXPECT_EQ(8, ft_singles(t, 0, 20));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(8, p.out_outstanding);
	EXPECT_EQ(8, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(5, ft_singles(t, 0, 5));
	EXPECT_EQ(3, ft_singles(t, 0, 20));
	/* Only the queue's depth is left to bound it. */
	ASSERT_EQ(0, DISABLE(self->dev, &p));
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_allocation);
	EXPECT_EQ(DEPTH - 8, ft_singles(t, 0, 2 * DEPTH));
	EXPECT_EQ(DEPTH, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, ENABLE(self->dev, 1, &p));
	EXPECT_EQ(1, ft_singles(t, 0, 3));
}

/* What is larger than the allocation comes as well, one at a time. */
TEST_F(pri, allocation_smaller_than_a_group)
{
	struct fault_test *t = &self->t;
	struct iommu_device_pri p;
	unsigned int i;

	ASSERT_EQ(0, ENABLE(self->dev, 1, &p));
	for (i = 1; i <= 8; i++) {
		ASSERT_EQ(0, ft_group(t, i));
		EXPECT_EQ(1, ft_group(t, i));
		ASSERT_EQ(0, QUERY(self->dev, &p));
		EXPECT_EQ(1, p.out_allocation);
		EXPECT_EQ(i, p.out_outstanding);
		EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	}
}

/* --- reset --- */

TEST_F(pri, reset_answers_what_is_outstanding)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_pgfault r[8];
	struct iommu_device_pri p;

	/* One read, one not, one not whole */
	ASSERT_EQ(0, ft_group(t, 2));
	ASSERT_EQ(2, iommu_fault_read(t->queue, r, 2));
	ASSERT_EQ(0, ft_group(t, 3));
	{
		struct mock_report part = {
			.dev = self->dev,
			.grpid = t->grpid,
			.perm = PERM_RW,
			.count = 2,
			.addr = 0x5000,
		};

		ASSERT_EQ(0, mock_report(t->fd, &part));
		EXPECT_EQ(2, part.taken);
	}
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(7, p.out_outstanding);

	ASSERT_EQ(0, RESET(self->dev, &p));
	t->n.drained_invalid += 2;
	EXPECT_EQ(0, p.out_outstanding);
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, p.out_state);
	EXPECT_EQ(1, p.out_attaches);
	FT_CHECK_LEDGER(t);
	/* Neither can what was read be answered, nor the rest be read. */
	EXPECT_EQ(-EINVAL, iommu_fault_answer(t->queue, r[0].cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, ft_read_all(t, r, ARRAY_LEN(r)));

	/* The index that was begun names a new group, and this one is whole. */
	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(1, iommu_fault_read(t->queue, r, ARRAY_LEN(r)));
	ASSERT_EQ(0, ft_answer(t, r[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* Each PASID's too, and those of other devices are none of its business. */
TEST_F(pri, reset_of_one_device)
{
	struct fault_test *t = &self->t;
	struct iommu_device_pri p;
	struct mock_report r = {
		.dev = self->idle.dev,
		.flags = MOCK_REPORT_LAST | MOCK_REPORT_PASID_VALID,
		.perm = PERM_RW,
		.count = 1,
	};
	struct mock_ledger l;
	__u32 pt;

	for (r.pasid = 1; r.pasid <= 3; r.pasid++) {
		pt = t->hwpt;
		ASSERT_EQ(0, iommu_pasid_attach(t->fd, self->idle.dev, r.pasid,
						&pt));
		ASSERT_EQ(0, mock_report(t->fd, &r));
		EXPECT_EQ(1, r.taken);
	}
	ASSERT_EQ(0, ft_group(t, 1));
	ASSERT_EQ(0, RESET(self->idle.dev, &p));
	EXPECT_EQ(3, p.out_attaches);
	EXPECT_EQ(0, p.out_outstanding);
	ASSERT_EQ(0, mock_ledger(t->fd, self->idle.dev, &l));
	EXPECT_EQ(3, l.invalid);
	EXPECT_EQ(0, mock_unanswered(&l));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(1, p.out_outstanding);
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
	/* The ledger of the queue knows of the three. */
	ASSERT_EQ(0, iommu_destroy(t->fd, self->idle.stdev));
	t->n.drained_invalid += 3;
	t->n.reported += 3;
	{
		struct fdinfo info;

		ASSERT_EQ(0, fdinfo_read(0, t->queue, &info));
		EXPECT_EQ(3, ft_fdinfo(&info, "answered-drain", 1));
	}
	t->n.drained_invalid -= 3;
	t->n.reported -= 3;
	close(t->queue);
	t->queue = -1;
}

/* A device that a failure has stopped asks again. */
TEST_F(pri, reset_after_failure)
{
	struct fault_test *t = &self->t;
	struct iommu_device_pri p;

	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_FAILURE));
	ASSERT_EQ(0, QUERY(self->dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_FAILED,
		  p.out_state);
	{
		struct mock_report r = {
			.dev = self->dev,
			.flags = MOCK_REPORT_LAST,
			.perm = PERM_RW,
			.count = 1,
		};

		ASSERT_EQ(0, mock_report(t->fd, &r));
		EXPECT_EQ(1, r.refused);
		t->n.reported++;
		t->n.other++;
	}
	ASSERT_EQ(0, RESET(self->dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, p.out_state);
	ASSERT_EQ(0, ft_group(t, 1));
	EXPECT_EQ(1, ft_serve(t, IOMMUFD_PAGE_RESP_SUCCESS));
}

TEST_F(pri, reset_while_off)
{
	struct iommu_device_pri p;

	ASSERT_EQ(0, RESET(self->idle.dev, &p));
	EXPECT_EQ(IOMMU_DEVICE_PRI_RESP_PASID, p.out_state);
	ASSERT_EQ(0, ENABLE(self->idle.dev, 5, &p));
	ASSERT_EQ(0, RESET(self->idle.dev, &p));
	EXPECT_EQ(5, p.out_allocation);
	EXPECT_TRUE(p.out_state & IOMMU_DEVICE_PRI_BY_USER);
}

/* --- ends --- */

/* The mock complains about a device that goes with page requests on. */
TEST_F(pri, unbind)
{
	struct iommu_device_pri p;

	ASSERT_EQ(0, ENABLE(self->idle.dev, 5, &p));
	ASSERT_EQ(0, iommu_destroy(self->t.fd, self->idle.stdev));
	EXPECT_EQ(-ENOENT, QUERY(self->idle.dev, &p));
	/* A device made anew starts anew. */
	ASSERT_EQ(0, mock_device(self->t.fd, self->t.ioas, 0, &self->idle));
	ASSERT_EQ(0, QUERY(self->idle.dev, &p));
	EXPECT_EQ(0, p.out_state);
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, p.out_allocation);
	/* And one more for closing */
	ASSERT_EQ(0, ENABLE(self->idle.dev, 5, &p));
}

/* --- threads against each other --- */

struct crowd {
	struct fault_test *t;
	__u32 dev;
	atomic_bool stop;
	atomic_uint resets;
	atomic_uint broken;
	atomic_ullong reported;
};

static void *reporter(void *arg)
{
	struct crowd *c = arg;
	__u32 grpid = 0;

	while (!atomic_load(&c->stop)) {
		struct mock_report r = {
			.dev = c->dev,
			.flags = MOCK_REPORT_LAST,
			.grpid = grpid++,
			.perm = PERM_RW,
			.count = 1 + grpid % 3,
			.addr = 0x1000,
		};

		if (mock_report(c->t->fd, &r))
			atomic_fetch_add(&c->broken, 1);
		else
			atomic_fetch_add(&c->reported, 1);
	}
	return NULL;
}

static void *reader(void *arg)
{
	struct crowd *c = arg;
	struct pollfd p = { .fd = c->t->queue, .events = POLLIN };
	struct iommu_hwpt_pgfault r[32];

	while (!atomic_load(&c->stop)) {
		int i, n;

		if (poll(&p, 1, 20) < 1)
			continue;
		n = iommu_fault_read(c->t->queue, r, ARRAY_LEN(r));
		/* A reset may have been first. */
		for (i = 0; i < n; i++)
			if (r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)
				iommu_fault_answer(c->t->queue, r[i].cookie,
						   IOMMUFD_PAGE_RESP_SUCCESS);
	}
	return NULL;
}

static void *resetter(void *arg)
{
	struct crowd *c = arg;
	static const __u32 ops[] = {
		IOMMU_DEVICE_PRI_RESET, IOMMU_DEVICE_PRI_QUERY,
		IOMMU_DEVICE_PRI_ENABLE, IOMMU_DEVICE_PRI_RESET,
		IOMMU_DEVICE_PRI_DISABLE,
	};
	unsigned int i = 0;

	while (!atomic_load(&c->stop)) {
		struct iommu_device_pri p = { 0 };
		int rc = iommu_pri(c->t->fd, c->dev, ops[i++ % ARRAY_LEN(ops)],
				   &p);

		if (!rc)
			atomic_fetch_add(&c->resets, 1);
		else if (rc != -EBUSY && rc != -EINVAL)
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

static void *mover(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->stop)) {
		if (mock_replace(c->t->fd, c->t->dev[0].stdev, c->t->ioas) ||
		    mock_replace(c->t->fd, c->t->dev[0].stdev, c->t->hwpt))
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

TEST_F_TIMEOUT(pri, threads, 120)
{
	static void *(*const jobs[])(void *) = {
		reporter, reader, reader, resetter, resetter, mover,
	};
	pthread_t thread[ARRAY_LEN(jobs)];
	struct fault_test *t = &self->t;
	struct crowd c = { .t = t, .dev = self->dev };
	struct mock_ledger l;
	struct fdinfo info;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(jobs); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &c));
	LET_WORK(2000L * (long)test_scale(), &c.resets, 10);
	atomic_store(&c.stop, true);
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, atomic_load(&c.broken));
	EXPECT_LT(10, atomic_load(&c.resets));
	/* Who answered what is chance; the mock and the queue have to agree. */
	ASSERT_EQ(0, mock_ledger(t->fd, self->dev, &l));
	ASSERT_EQ(0, fdinfo_read(0, t->queue, &info));
	EXPECT_EQ(atomic_load(&c.reported), l.reported);
	EXPECT_EQ(l.success + l.invalid,
		  ft_fdinfo(&info, "answered-user", 1) +
			  ft_fdinfo(&info, "answered-drain", 1));
	EXPECT_EQ(mock_unanswered(&l), ft_fdinfo(&info, "pending", 1));
	t->n = (struct ft_counts){
		.reported = l.reported,
		.overflow = l.overflow,
		.other = l.other,
		.success = l.success,
		.drained_invalid = l.invalid,
	};
	/* What the queue counts by answerer has been looked at. */
	t->n.drained_invalid += ft_pending(&t->n);
	close(t->queue);
	t->queue = -1;
}

TEST_HARNESS_MAIN
