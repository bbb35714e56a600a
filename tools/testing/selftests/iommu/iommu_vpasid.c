// SPDX-License-Identifier: GPL-2.0
/*
 * PASIDs of mediated devices on the mock: a user names vPASIDs, the kernel chooses
 * what is on the wire, from the parent's own pool or the global one. Who gets which
 * address space, what faults and events say, how many there are, when one may be used
 * again, and what a hypervisor finds that looks them up. The mock checks by itself
 * that nothing is sent with a PASID that has another owner.
 */
#include "iommu_test.h"

#include <stdatomic.h>

#define SPACES		3
#define SPACE_PAGES	16UL
#define FIRST		100U
#define LAST		163U
#define QUOTA		24U
#define VPASID_MAX	((1U << 20) - 1)
/* Not mapped */
#define HOLE		(IOVA_BASE + 0x1000000ULL)

/* A user: a file with address spaces, and a part of a device or two */
struct user {
	int fd;
	__u32 ioas[SPACES];
	__u32 hwpt[SPACES];
	char *mem[SPACES];
	struct mock_device part[2];
	int queue;
	__u32 queue_id;
};

FIXTURE(vpasid) {
	/* Of the global pool a part of each, else two parts of the first */
	struct mock_pool pool[2];
	struct user u[2];
	__u32 vm[2];
};

FIXTURE_VARIANT(vpasid) {
	bool global;
};

FIXTURE_VARIANT_ADD(vpasid, own_pool) {
	.global = false,
};

FIXTURE_VARIANT_ADD(vpasid, global_pool) {
	.global = true,
};

static int user_begin(struct user *u, char letter)
{
	unsigned int i;
	int rc;

	u->fd = iommu_open();
	if (u->fd < 0)
		return u->fd;
	for (i = 0; i < SPACES; i++) {
		u->mem[i] = mem_get(SPACE_PAGES * PAGE);
		if (!u->mem[i])
			return -ENOMEM;
		memset(u->mem[i], letter + (int)i, SPACE_PAGES * PAGE);
		rc = iommu_ioas_alloc(u->fd, &u->ioas[i]);
		if (rc)
			return rc;
		rc = iommu_map(u->fd, u->ioas[i], u->mem[i],
			       SPACE_PAGES * PAGE, IOVA_BASE);
		if (rc)
			return rc;
	}
	return 0;
}

/* HWPTs with a fault queue over the spaces */
static int user_listen(struct user *u)
{
	unsigned int i;
	int rc;

	u->queue = iommu_fault_queue(u->fd, 1024, IOMMU_FAULT_POLICY_BLOCKING,
				     0, &u->queue_id);
	if (u->queue < 0)
		return u->queue;
	if (fcntl(u->queue, F_SETFL, O_NONBLOCK))
		return -errno;
	for (i = 0; i < SPACES; i++) {
		rc = iommu_hwpt_paging(u->fd, u->part[0].dev, u->ioas[i],
				       IOMMU_HWPT_FAULT_ID_VALID |
				       IOMMU_HWPT_ALLOC_PASID,
				       u->queue_id, &u->hwpt[i]);
		if (rc)
			return rc;
	}
	return 0;
}

FIXTURE_SETUP(vpasid)
{
	const struct mock_pool pool = {
		.global = variant->global,
		.dev_flags = MOCK_FLAGS_DEVICE_PASID,
		.first = FIRST,
		.last = LAST,
		.quota = QUOTA,
	};
	unsigned int i, j;
	int fd;

	fd = iommu_open();
	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	close(fd);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, user_begin(&self->u[i], i ? 'a' : 'A'));
	for (i = 0; i < 2; i++) {
		self->pool[i] = pool;
		ASSERT_EQ(0, mock_parent(self->u[0].fd, &self->pool[i]));
	}
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++)
			ASSERT_EQ(0, mock_mediated(self->u[i].fd,
						   self->pool[variant->global ?
							      j : 0].id,
						   0, &self->u[i].part[j]));
		ASSERT_EQ(0, user_listen(&self->u[i]));
		ASSERT_EQ(0, mock_vm(self->u[i].fd, &self->vm[i]));
	}
}

FIXTURE_TEARDOWN(vpasid)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct mock_vm_state s;

		if (self->u[i].fd < 0)
			continue;
		/* Nothing was ever another's while somebody had it. */
		if (!mock_vm_state(self->u[i].fd, self->vm[i], &s))
			EXPECT_EQ(0, s.stale);
		close(self->u[i].queue);
		close(self->u[i].fd);
	}
}

static int attach(const struct user *u, unsigned int part, __u32 vpasid,
		  __u32 pt, __u32 *wire)
{
	return iommu_vpasid_attach(u->fd, u->part[part].dev, vpasid, &pt, wire);
}

static int replace(const struct user *u, unsigned int part, __u32 vpasid,
		   __u32 pt, __u32 *wire)
{
	return iommu_vpasid_replace(u->fd, u->part[part].dev, vpasid, &pt,
				    wire);
}

static int detach(const struct user *u, unsigned int part, __u32 vpasid)
{
	return iommu_pasid_detach(u->fd, u->part[part].dev, vpasid);
}

/* The letter that a part reads, with a vPASID or (0) without; '!': blocked. */
static char letter(const struct user *u, unsigned int part, __u32 vpasid)
{
	char c = '?';
	struct mock_dma d = {
		.dev = u->part[part].dev,
		.pasid = vpasid,
		.flags = vpasid ? MOCK_DMA_PASID_VALID : 0,
		.timeout_ms = FOREVER_MS,
		.iova = IOVA_BASE,
		.data = &c,
		.length = 1,
	};

	if (mock_dma(u->fd, &d))
		return '?';
	return d.status == MOCK_DMA_OK ? c :
	       d.status == MOCK_DMA_BLOCKED ? '!' : '?';
}

static void start(const struct user *u, unsigned int part, __u32 vpasid,
		  __u64 iova, void *data, __u64 length, struct mock_dma *d)
{
	*d = (struct mock_dma){
		.dev = u->part[part].dev,
		.pasid = vpasid,
		.flags = MOCK_DMA_WRITE | MOCK_DMA_ASYNC |
			 (vpasid ? MOCK_DMA_PASID_VALID : 0),
		.iova = iova,
		.data = data,
		.length = length,
	};
	if (mock_dma(u->fd, d))
		d->handle = 0;
}

/* The next @num records; fewer when nothing more comes. */
static int read_records(int queue, struct iommu_hwpt_pgfault *r, int num)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };
	int have = 0, rc;

	while (have < num && poll(&p, 1, FOREVER_MS) == 1) {
		rc = iommu_fault_read(queue, r + have, num - have);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
		have += rc > 0 ? rc : 0;
	}
	return have;
}

TEST_F(vpasid, one_name_many_spaces)
{
	__u32 wire[2][2], i, j;

	/* The same vPASID on every part, each somewhere else */
	for (i = 0; i < 2; i++)
		for (j = 0; j < 2; j++)
			ASSERT_EQ(0, attach(&self->u[i], j, 7,
					    self->u[i].ioas[j], &wire[i][j]));
	for (i = 0; i < 2; i++)
		for (j = 0; j < 2; j++)
			EXPECT_EQ((i ? 'a' : 'A') + (int)j,
				  letter(&self->u[i], j, 7));
	EXPECT_NE(wire[0][0], wire[1][0]);
	EXPECT_NE(wire[0][1], wire[1][1]);
	EXPECT_EQ(variant->global, wire[0][0] == wire[0][1]);
}

TEST_F(vpasid, the_device_itself)
{
	__u32 pt = self->u[0].ioas[1], wire, other;
	const struct user *u = &self->u[0];

	EXPECT_EQ('!', letter(u, 0, 0));
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				u->part[0].stdev, 0, &pt));
	EXPECT_EQ('B', letter(u, 0, 0));
	/* It is no vPASID, and its like has none of it */
	EXPECT_EQ('!', letter(u, 0, 1));
	EXPECT_EQ('!', letter(u, 1, 0));
	EXPECT_EQ(0, mock_pasid_is(u->fd, u->part[0].stdev, 0, pt));
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev, 0,
				    &wire));
	pt = u->ioas[2];
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_REPLACE,
				u->part[0].stdev, 0, &pt));
	EXPECT_EQ('C', letter(u, 0, 0));
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev, 0,
				    &other));
	EXPECT_EQ(wire, other);
	/* Also those of the global pool have one of their own for it each */
	pt = u->ioas[0];
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				u->part[1].stdev, 0, &pt));
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], u->part[1].dev, 0,
				    &other));
	EXPECT_NE(wire, other);
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], 0, 0, &other));
	ASSERT_EQ(0, mock_pasid_detach(u->fd, u->part[0].stdev, 0));
	EXPECT_EQ('!', letter(u, 0, 0));
	EXPECT_EQ('A', letter(u, 1, 0));
}

TEST_F(vpasid, calls_for_drivers)
{
	const struct user *u = &self->u[0];
	struct mock_device whole;
	__u32 pt = u->ioas[0], first;

	/* A mediated device, and one that is the user's as a whole */
	ASSERT_EQ(0, mock_device(u->fd, u->ioas[2], MOCK_FLAGS_DEVICE_PASID,
				 &whole));
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				u->part[0].stdev, 5, &pt));
	first = pt;
	EXPECT_EQ(0, mock_pasid_is(u->fd, u->part[0].stdev, 5, first));
	EXPECT_EQ(-EBUSY, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				     u->part[0].stdev, 5, &pt));
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH, whole.stdev,
				5, &pt));
	pt = u->ioas[1];
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_REPLACE, whole.stdev,
				5, &pt));
	EXPECT_EQ(0, mock_pasid_is(u->fd, whole.stdev, 5, pt));
	EXPECT_EQ(-EINVAL, mock_pasid_is(u->fd, whole.stdev, 5, first));
	EXPECT_EQ('A', letter(u, 0, 5));
	/* 0 is the device itself, as with the calls that have no PASID */
	pt = u->ioas[1];
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_REPLACE, whole.stdev,
				0, &pt));
	ASSERT_EQ(0, mock_pasid_detach(u->fd, whole.stdev, 5));
	EXPECT_EQ(0, mock_pasid_is(u->fd, whole.stdev, 5, 0));
	ASSERT_EQ(0, mock_pasid_detach(u->fd, u->part[0].stdev, 5));
	EXPECT_EQ('!', letter(u, 0, 5));
	/* User space may have been faster */
	EXPECT_EQ(0, mock_pasid_detach(u->fd, u->part[0].stdev, 5));
	EXPECT_EQ(-ENOENT, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_REPLACE,
				      u->part[0].stdev, 5, &pt));
}

TEST_F(vpasid, any_name_of_20_bits)
{
	struct user *u = &self->u[0];
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = u->part[0].dev,
	};
	__u32 wire;

	ASSERT_EQ(0, iommu_call(u->fd, IOMMU_GET_HW_INFO, &info));
	EXPECT_EQ(20, info.out_max_pasid_log2);
	ASSERT_EQ(0, attach(u, 0, VPASID_MAX, u->ioas[2], &wire));
	EXPECT_NE(VPASID_MAX, wire);
	EXPECT_LT(0, wire);
	if (!variant->global) {
		EXPECT_LE(FIRST, wire);
		EXPECT_GE(LAST, wire);
	}
	EXPECT_EQ('C', letter(u, 0, VPASID_MAX));
	EXPECT_EQ(-EINVAL, attach(u, 0, VPASID_MAX + 1, u->ioas[2], &wire));
	EXPECT_EQ(-EINVAL, attach(u, 0, ~0U, u->ioas[2], &wire));
	EXPECT_EQ(-EINVAL, attach(u, 0, 0, u->ioas[2], &wire));
	EXPECT_EQ(-EINVAL, detach(u, 0, VPASID_MAX + 1));
	EXPECT_EQ(-ENOENT, detach(u, 0, 1));
	EXPECT_EQ(-ENOENT, replace(u, 0, 1, u->ioas[0], &wire));
	EXPECT_EQ(-EBUSY, attach(u, 0, VPASID_MAX, u->ioas[2], &wire));
	EXPECT_EQ(-ENOENT, attach(u, 0, 2, ~0U, &wire));
	EXPECT_EQ(-EINVAL, attach(u, 0, 2, u->part[0].dev, &wire));
	/* What failed left no PASID taken: the same one comes next, or a free one */
	ASSERT_EQ(0, attach(u, 0, 2, u->ioas[0], &wire));
	EXPECT_EQ('A', letter(u, 0, 2));
}

TEST_F(vpasid, replace_keeps_the_wire)
{
	struct user *u = &self->u[1];
	__u32 wire, again;

	ASSERT_EQ(0, attach(u, 0, 9, u->ioas[0], &wire));
	ASSERT_EQ(0, replace(u, 0, 9, u->hwpt[1], &again));
	EXPECT_EQ(wire, again);
	EXPECT_EQ('b', letter(u, 0, 9));
	EXPECT_EQ(-ENOENT, replace(u, 0, 9, ~0U, &again));
	EXPECT_EQ('b', letter(u, 0, 9));
}

TEST_F(vpasid, what_belongs_to_the_whole)
{
	struct user *u = &self->u[0];
	struct iommu_device_pri pri = {};
	__u32 viommu, vdevice, parent;

	EXPECT_EQ(-EOPNOTSUPP, iommu_pri(u->fd, u->part[0].dev,
					 IOMMU_DEVICE_PRI_QUERY, &pri));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pri(u->fd, u->part[0].dev,
					 IOMMU_DEVICE_PRI_RESET, &pri));
	ASSERT_EQ(0, iommu_hwpt_paging(u->fd, u->part[0].dev, u->ioas[0],
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, iommu_viommu(u->fd, u->part[0].dev, parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0,
				  &viommu));
	EXPECT_EQ(-EOPNOTSUPP, iommu_vdevice(u->fd, viommu, u->part[0].dev, 1,
					     &vdevice));
}

/* --- faults and events --- */

TEST_F(vpasid, faults_say_what_the_user_knows)
{
	static const __u32 vpasid[] = { 3, 4, 3, 0 };
	static const unsigned int part[] = { 0, 0, 1, 1 };
	struct user *u = &self->u[0];
	struct iommu_hwpt_pgfault r[4];
	char text[4][8] = { "one", "two", "three", "four" };
	unsigned int i, j, seen = 0;
	struct mock_dma d[4];
	__u32 wire, pt;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, attach(u, part[i], vpasid[i], u->hwpt[i], &wire));
	pt = u->hwpt[2];
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				u->part[1].stdev, 0, &pt));
	for (i = 0; i < 4; i++) {
		start(u, part[i], vpasid[i], HOLE + i * PAGE, text[i],
		      sizeof(text[i]), &d[i]);
		ASSERT_NE(0, d[i].handle);
	}
	ASSERT_EQ(4, read_records(u->queue, r, 4));
	for (i = 0; i < 4; i++) {
		j = (r[i].addr - HOLE) / PAGE;
		ASSERT_GT(4, j);
		seen |= 1U << j;
		EXPECT_EQ(u->part[part[j]].dev, r[i].dev_id);
		EXPECT_EQ(vpasid[j], r[i].pasid);
		EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE |
			  (vpasid[j] ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0),
			  r[i].flags);
		ASSERT_EQ(0, iommu_map(u->fd, u->ioas[j < 3 ? j : 2],
				       u->mem[j < 3 ? j : 2] + j * PAGE, PAGE,
				       HOLE + j * PAGE));
		ASSERT_EQ(0, iommu_fault_answer(u->queue, r[i].cookie,
						IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(0xf, seen);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mock_dma_wait(u->fd, &d[i], FOREVER_MS));
		EXPECT_EQ(MOCK_DMA_OK, d[i].status);
		EXPECT_STREQ(text[i], u->mem[i < 3 ? i : 2] + i * PAGE);
	}
	/* The other user heard nothing */
	EXPECT_EQ(-EAGAIN, iommu_fault_read(self->u[1].queue, r, 4));
}

/* FAILURE would end the page requests of the whole function, others' as well. */
TEST_F(vpasid, a_failure_is_of_the_part_alone)
{
	struct user *u = &self->u[0];
	struct mock_ledger before, after;
	struct iommu_hwpt_pgfault r;
	char text[] = "one";
	struct mock_dma d;
	__u32 wire;

	ASSERT_EQ(0, attach(u, 0, 3, u->hwpt[0], &wire));
	ASSERT_EQ(0, mock_ledger(u->fd, u->part[0].dev, &before));
	start(u, 0, 3, HOLE, text, sizeof(text), &d);
	ASSERT_NE(0, d.handle);
	ASSERT_EQ(1, read_records(u->queue, &r, 1));
	ASSERT_EQ(0, iommu_fault_answer(u->queue, r.cookie,
					IOMMUFD_PAGE_RESP_FAILURE));
	ASSERT_EQ(0, mock_dma_wait(u->fd, &d, FOREVER_MS));
	EXPECT_NE(MOCK_DMA_OK, d.status);
	ASSERT_EQ(0, mock_ledger(u->fd, u->part[0].dev, &after));
	EXPECT_EQ(before.failure, after.failure);
	EXPECT_EQ(before.invalid + 1, after.invalid);
}

TEST_F(vpasid, replace_and_detach_answer)
{
	struct user *u = &self->u[0];
	struct iommu_hwpt_pgfault r[2];
	char text[] = "moves";
	struct mock_dma d[2];
	__u32 wire;

	ASSERT_EQ(0, iommu_map(u->fd, u->ioas[1], u->mem[1], PAGE, HOLE));
	ASSERT_EQ(0, attach(u, 0, 11, u->hwpt[0], &wire));
	ASSERT_EQ(0, attach(u, 0, 12, u->hwpt[0], &wire));
	start(u, 0, 11, HOLE, text, sizeof(text), &d[0]);
	start(u, 0, 12, HOLE, text, sizeof(text), &d[1]);
	/* What is still on its way when a PASID moves is asked of the new table */
	ASSERT_EQ(2, read_records(u->queue, r, 2));
	ASSERT_EQ(0, replace(u, 0, 11, u->hwpt[1], &wire));
	ASSERT_EQ(0, detach(u, 0, 12));
	ASSERT_EQ(0, mock_dma_wait(u->fd, &d[0], FOREVER_MS));
	EXPECT_EQ(MOCK_DMA_OK, d[0].status);
	EXPECT_EQ(0, memcmp(text, u->mem[1], sizeof(text)));
	ASSERT_EQ(0, mock_dma_wait(u->fd, &d[1], FOREVER_MS));
	EXPECT_NE(MOCK_DMA_OK, d[1].status);
}

TEST_F(vpasid, events_say_what_the_user_knows)
{
	const struct user *u = &self->u[0];
	struct iommu_hwpt_event e[2];
	__u32 pt, id, wire;
	int queue;

	/* Nobody to ask: two parts with the same HWPT, one by its vPASID */
	ASSERT_EQ(0, iommu_hwpt_paging(u->fd, u->part[0].dev, u->ioas[0], 0, 0,
				       &pt));
	queue = iommu_eventq(u->fd, pt, 8, &id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, attach(u, 0, 77, pt, &wire));
	ASSERT_EQ(0, mock_pasid(u->fd, IOMMU_TEST_OP_PASID_ATTACH,
				u->part[1].stdev, 0, &pt));
	ASSERT_EQ(0, iommu_unmap(u->fd, u->ioas[0], IOVA_BASE,
				 SPACE_PAGES * PAGE, NULL));
	EXPECT_EQ('!', letter(u, 0, 77));
	EXPECT_EQ('!', letter(u, 1, 0));
	ASSERT_EQ(2, iommu_event_read(queue, e, 2));
	EXPECT_EQ(u->part[0].dev, e[0].dev_id);
	EXPECT_EQ(77, e[0].pasid);
	EXPECT_EQ(IOMMU_HWPT_EVENT_PASID_VALID, e[0].flags);
	EXPECT_EQ(u->part[1].dev, e[1].dev_id);
	EXPECT_EQ(0, e[1].pasid);
	EXPECT_EQ(0, e[1].flags);
	close(queue);
}

/* --- how many --- */

TEST_F(vpasid, quota)
{
	__u32 wire, i;

	if (variant->global)
		SKIP(return, "the quota of the global pool is another, and large");
	/* Of both parts together */
	for (i = 0; i < QUOTA; i++)
		ASSERT_EQ(0, attach(&self->u[0], i % 2, 1 + i,
				    self->u[0].ioas[0], &wire));
	EXPECT_EQ(-EDQUOT, attach(&self->u[0], 0, 900, self->u[0].ioas[0],
				  &wire));
	EXPECT_EQ('!', letter(&self->u[0], 0, 900));
	/* Of each user's own */
	for (i = 0; i < QUOTA; i++)
		ASSERT_EQ(0, attach(&self->u[1], i % 2, 1 + i,
				    self->u[1].ioas[0], &wire));
	EXPECT_EQ(-EDQUOT, attach(&self->u[1], 1, 900, self->u[1].ioas[0],
				  &wire));
	ASSERT_EQ(0, detach(&self->u[0], 0, 1));
	ASSERT_EQ(0, attach(&self->u[0], 1, 900, self->u[0].ioas[0], &wire));
	EXPECT_EQ('A', letter(&self->u[0], 1, 900));
}

TEST_F(vpasid, pool_empty)
{
	struct user *u = &self->u[0];
	struct mock_pool small = {
		.dev_flags = MOCK_FLAGS_DEVICE_PASID,
		.first = 8,
		.last = 11,
		.quota = 100,
	};
	__u32 wire, i, seen = 0;

	ASSERT_EQ(0, mock_parent(u->fd, &small));
	ASSERT_EQ(0, mock_mediated(u->fd, small.id, 0, &u->part[0]));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, attach(u, 0, 50 + i, u->ioas[0], &wire));
		ASSERT_LE(8, wire);
		ASSERT_GE(11, wire);
		seen |= 1U << (wire - 8);
	}
	EXPECT_EQ(0xf, seen);
	EXPECT_EQ(-ENOSPC, attach(u, 0, 60, u->ioas[0], &wire));
	ASSERT_EQ(0, detach(u, 0, 52));
	ASSERT_EQ(0, attach(u, 0, 60, u->ioas[1], &wire));
	EXPECT_EQ('B', letter(u, 0, 60));
	/* A context that goes gives all back */
	ASSERT_EQ(0, iommu_destroy(u->fd, u->part[0].stdev));
	ASSERT_EQ(0, mock_mediated(u->fd, small.id, 0, &u->part[0]));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, attach(u, 0, 50 + i, u->ioas[0], &wire));
}

/* Going round makes the time until one is used again as long as can be. */
TEST_F(vpasid, used_again_as_late_as_can_be)
{
	__u32 last[LAST - FIRST + 1] = {}, wire, i;
	const __u32 num = LAST - FIRST + 1;
	struct user *u = &self->u[0];

	if (variant->global)
		SKIP(return, "the global pool has an order of its own");
	for (i = 1; i <= 3 * num; i++) {
		ASSERT_EQ(0, attach(u, 0, i, u->ioas[0], &wire));
		ASSERT_LE(FIRST, wire);
		ASSERT_GE(LAST, wire);
		if (last[wire - FIRST])
			EXPECT_EQ(num, i - last[wire - FIRST]);
		last[wire - FIRST] = i;
		ASSERT_EQ(0, detach(u, 0, i));
	}
}

TEST_F(vpasid, bad_pools_and_parents)
{
	static const struct {
		__u32 first, last, quota;
		int rc;
	} bad[] = {
		{ 0, 5, 1, -EINVAL },
		{ 5, 4, 1, -EINVAL },
		{ 1, 1 << 20, 1, -EINVAL },
		{ 1, ~0U, 1, -EINVAL },
		{ 1, 5, 0, -EINVAL },
	};
	struct mock_device part, whole;
	struct user *u = &self->u[0];
	struct mock_pool p = { .dev_flags = MOCK_FLAGS_DEVICE_PASID };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		p.first = bad[i].first;
		p.last = bad[i].last;
		p.quota = bad[i].quota;
		EXPECT_EQ(bad[i].rc, mock_parent(u->fd, &p));
	}
	p = (struct mock_pool){ .first = 1, .last = 1, .quota = 1 };
	EXPECT_EQ(-EOPNOTSUPP, mock_parent(u->fd, &p));
	p.global = true;
	ASSERT_EQ(0, mock_parent(u->fd, &p));
	EXPECT_EQ(-EOPNOTSUPP, mock_mediated(u->fd, p.id, 0, &part));
	EXPECT_EQ(-ENOENT, mock_mediated(u->fd, ~0U, 0, &part));
	p.parent = "no such device";
	EXPECT_EQ(-ENODEV, mock_parent(u->fd, &p));
	/* A group of several */
	p = (struct mock_pool){
		.global = true,
		.dev_flags = MOCK_FLAGS_DEVICE_PASID |
			     MOCK_FLAGS_DEVICE_SHARED,
	};
	ASSERT_EQ(0, mock_parent(u->fd, &p));
	EXPECT_EQ(-EBUSY, mock_device(u->fd, u->ioas[0], p.dev_flags, &whole));
	ASSERT_EQ(0, mock_parent(u->fd, &p));
	EXPECT_EQ(-EINVAL, mock_mediated(u->fd, p.id, 0, &part));
}

/* A pool of one device is no other one's, and both have all that they had. */
TEST_F(vpasid, pool_of_another_device)
{
	struct user *u = &self->u[0];
	struct mock_pool p = {
		.dev_flags = MOCK_FLAGS_DEVICE_PASID,
		.first = 1,
		.last = 5,
		.quota = 5,
	};
	struct mock_device part;
	__u32 own, wire;

	ASSERT_EQ(0, mock_parent(u->fd, &p));
	own = p.id;
	ASSERT_EQ(0, mock_parent(u->fd, &p));
	EXPECT_EQ(-EINVAL, mock_mediated_of_pool(u->fd, own, p.id, &part));
	EXPECT_EQ(-ENOENT, mock_mediated_of_pool(u->fd, own, ~0U, &part));
	ASSERT_EQ(0, mock_mediated_of_pool(u->fd, own, own, &part));
	EXPECT_EQ(0, iommu_destroy(u->fd, part.stdev));

	/* The global one is every device's. */
	p.global = true;
	ASSERT_EQ(0, mock_parent(u->fd, &p));
	ASSERT_EQ(0, mock_mediated_of_pool(u->fd, own, p.id, &part));
	EXPECT_EQ(0, iommu_vpasid_attach(u->fd, part.dev, 7, &u->ioas[0],
					 &wire));
}

/* --- an end in the middle --- */

/* As a driver has it whose device is a file: the context is there until it closes that. */
TEST_F(vpasid, ends_with_a_file_of_its_own)
{
	const long before = pinned_pages();
	struct mock_device part;
	struct user u;

	ASSERT_EQ(0, user_begin(&u, 'x'));
	ASSERT_EQ(0, mock_mediated_file(u.fd, self->pool[0].id, u.ioas[0],
					&part));
	u.part[0] = part;
	EXPECT_EQ('x', letter(&u, 0, 0));
	EXPECT_LT(before, pinned_pages());
	/* It is not the context's to destroy. */
	EXPECT_EQ(-EBUSY, iommu_destroy(u.fd, part.dev));
	ASSERT_EQ(0, close(u.fd));
	EXPECT_LT(before, pinned_pages());
	ASSERT_EQ(0, close((int)part.stdev));
	EXPECT_EQ(before, pinned_pages());

	/* The other way round */
	ASSERT_EQ(0, user_begin(&u, 'y'));
	ASSERT_EQ(0, mock_mediated_file(u.fd, self->pool[0].id, u.ioas[0],
					&part));
	u.part[0] = part;
	EXPECT_EQ('y', letter(&u, 0, 0));
	ASSERT_EQ(0, close((int)part.stdev));
	EXPECT_EQ(before, pinned_pages());
	EXPECT_EQ(-ENOENT, iommu_destroy(u.fd, part.dev));
	close(u.fd);
}

TEST_F(vpasid, ends_in_the_middle)
{
	struct user *u = &self->u[0];
	char text[] = "never";
	struct mock_dma d[8];
	__u32 wire, i;

	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, attach(u, i % 2, 20 + i, u->hwpt[0], &wire));
		start(u, i % 2, 20 + i, HOLE + i * PAGE, text, sizeof(text),
		      &d[i]);
		ASSERT_NE(0, d[i].handle);
	}
	ASSERT_EQ(0, attach(&self->u[1], 0, 20, self->u[1].ioas[2], &wire));
	/* One part goes, then the file with the other; parents are not u[1]'s */
	ASSERT_EQ(0, iommu_destroy(u->fd, u->part[0].stdev));
	ASSERT_EQ(0, mock_dma_wait(u->fd, &d[0], FOREVER_MS));
	EXPECT_NE(MOCK_DMA_OK, d[0].status);
	close(u->queue);
	close(u->fd);
	u->fd = -1;
	u->queue = -1;
	EXPECT_EQ('c', letter(&self->u[1], 0, 20));
	for (i = 0; i < QUOTA - 1; i++)
		ASSERT_EQ(0, attach(&self->u[1], 0, 21 + i,
				    self->u[1].ioas[0], &wire));
}

/* --- looking up --- */

TEST_F(vpasid, lookup)
{
	struct user *u = &self->u[0];
	struct mock_vm_state s;
	__u32 wire[2], found;

	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev,
					  5, &found));
	ASSERT_EQ(0, attach(u, 0, 5, u->ioas[0], &wire[0]));
	ASSERT_EQ(0, attach(u, 1, 5, u->ioas[1], &wire[1]));
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev, 5,
				    &found));
	EXPECT_EQ(wire[0], found);
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], u->part[1].dev, 5,
				    &found));
	EXPECT_EQ(wire[1], found);
	/* Another context's device, and one that is none */
	EXPECT_EQ(-ENOENT, mock_vm_lookup(self->u[1].fd, self->vm[1],
					  u->part[0].dev, 5, &found));
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], u->ioas[0], 5,
					  &found));
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev,
					  6, &found));
	/* By way of the pool that all have in common */
	EXPECT_EQ(variant->global ? 0 : -ENOENT,
		  mock_vm_lookup(u->fd, self->vm[0], 0, 5, &found));
	if (variant->global)
		EXPECT_EQ(wire[0], found);

	ASSERT_EQ(0, replace(u, 0, 5, u->ioas[2], &wire[0]));
	ASSERT_EQ(0, mock_vm_state(u->fd, self->vm[0], &s));
	EXPECT_EQ(0, s.gone);
	EXPECT_EQ(variant->global ? 3 : 2, s.entries);
	ASSERT_EQ(0, detach(u, 0, 5));
	ASSERT_EQ(0, mock_vm_state(u->fd, self->vm[0], &s));
	EXPECT_EQ(1, s.gone);
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], u->part[0].dev,
					  5, &found));
	/* As long as there is a device of the pool that has it */
	EXPECT_EQ(variant->global ? 0 : -ENOENT,
		  mock_vm_lookup(u->fd, self->vm[0], 0, 5, &found));
	/* Unbinding is a detach */
	ASSERT_EQ(0, iommu_destroy(u->fd, u->part[1].stdev));
	ASSERT_EQ(0, mock_vm_state(u->fd, self->vm[0], &s));
	EXPECT_EQ(variant->global ? 3 : 2, s.gone);
	EXPECT_EQ(0, s.entries);
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], 0, 5, &found));
}

TEST_F(vpasid, lookup_of_a_whole_device)
{
	const struct user *u = &self->u[0];
	struct mock_vm_state s;
	struct mock_device d;
	__u32 found, pt = u->ioas[0];

	ASSERT_EQ(0, mock_device(u->fd, u->ioas[0], MOCK_FLAGS_DEVICE_PASID,
				 &d));
	EXPECT_EQ(-ENOENT, mock_vm_lookup(u->fd, self->vm[0], d.dev, 0,
					  &found));
	ASSERT_EQ(0, iommu_pasid_attach(u->fd, d.dev, 31, &pt));
	ASSERT_EQ(0, mock_vm_lookup(u->fd, self->vm[0], d.dev, 31, &found));
	EXPECT_EQ(31, found);
	ASSERT_EQ(0, iommu_destroy(u->fd, d.stdev));
	ASSERT_EQ(0, mock_vm_state(u->fd, self->vm[0], &s));
	EXPECT_EQ(1, s.gone);
	EXPECT_EQ(0, s.entries);
}

/* One RID and one PASID can only be one address space. */
TEST_F(vpasid, two_parts_of_one_parent)
{
	struct user *u = &self->u[0];
	struct mock_device other;
	__u32 wire, pt = u->ioas[0];

	ASSERT_EQ(0, mock_mediated(u->fd, self->pool[0].id, 0, &other));
	ASSERT_EQ(0, attach(u, 0, 8, u->ioas[1], &wire));
	EXPECT_EQ(variant->global ? -EBUSY : 0,
		  iommu_vpasid_attach(u->fd, other.dev, 8, &pt, &wire));
	EXPECT_EQ('B', letter(u, 0, 8));
	ASSERT_EQ(0, detach(u, 0, 8));
	pt = u->ioas[0];
	EXPECT_EQ(variant->global ? 0 : -EBUSY,
		  iommu_vpasid_attach(u->fd, other.dev, 8, &pt, &wire));
}

TEST_F(vpasid, fdinfo)
{
	static struct fdinfo info;
	struct user *u = &self->u[0];
	char text[64];
	__u32 wire;

	ASSERT_EQ(0, attach(u, 0, 21, u->hwpt[0], &wire));
	ASSERT_EQ(0, fdinfo_read(0, u->fd, &info));
	snprintf(text, sizeof(text), " mediated pasids=1 pasid=21/%u:hwpt=%u\n",
		 wire, u->hwpt[0]);
	EXPECT_NE(NULL, strstr(info.text, text));
}

/* --- all at once --- */

#define NAMES	8

struct crowd {
	FIXTURE_DATA(vpasid) *self;
	atomic_bool stop;
	atomic_uint seed;
	atomic_uint attached;
	atomic_uint found;
	atomic_uint broken;
};

static void *changer(void *arg)
{
	struct crowd *c = arg;
	unsigned int seed = atomic_fetch_add(&c->seed, 1);

	while (!atomic_load(&c->stop)) {
		struct user *u = &c->self->u[rand_r(&seed) % 2];
		unsigned int part = (unsigned int)rand_r(&seed) % 2;
		__u32 name = 1 + (__u32)rand_r(&seed) % NAMES, wire;
		unsigned int space = (unsigned int)rand_r(&seed) % SPACES;
		__u32 pt = rand_r(&seed) % 2 ? u->ioas[space] : u->hwpt[space];
		int rc, other;

		switch (rand_r(&seed) % 3) {
		case 0:
			rc = attach(u, part, name, pt, &wire);
			other = -EBUSY;
			if (!rc)
				atomic_fetch_add(&c->attached, 1);
			break;
		case 1:
			rc = replace(u, part, name, pt, &wire);
			other = -ENOENT;
			break;
		default:
			rc = detach(u, part, name);
			other = -ENOENT;
			break;
		}
		if (rc && rc != other)
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

/* What a part reads is its user's, whatever the PASID was a moment ago. */
static void *reader(void *arg)
{
	struct crowd *c = arg;
	unsigned int seed = atomic_fetch_add(&c->seed, 1);

	while (!atomic_load(&c->stop)) {
		unsigned int user = (unsigned int)rand_r(&seed) % 2;
		char first = user ? 'a' : 'A';
		char l = letter(&c->self->u[user],
				(unsigned int)rand_r(&seed) % 2,
				1 + (__u32)rand_r(&seed) % NAMES);

		if (l != '!' && (l < first || l >= first + SPACES))
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

static void *looker(void *arg)
{
	struct crowd *c = arg;
	unsigned int seed = atomic_fetch_add(&c->seed, 1);

	while (!atomic_load(&c->stop)) {
		unsigned int user = (unsigned int)rand_r(&seed) % 2;
		const struct user *u = &c->self->u[user];
		__u32 dev[] = { 0, u->part[0].dev, u->part[1].dev }, wire;
		int rc = mock_vm_lookup(u->fd, c->self->vm[user],
					dev[rand_r(&seed) % 3],
					1 + (__u32)rand_r(&seed) % NAMES,
					&wire);

		if (!rc)
			atomic_fetch_add(&c->found, 1);
		else if (rc != -ENOENT)
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

TEST_F_TIMEOUT(vpasid, threads, 240)
{
	static void *(*const jobs[])(void *) = {
		changer, changer, changer, reader, reader, looker, looker,
	};
	struct crowd c = { .self = self };
	pthread_t thread[ARRAY_LEN(jobs)];
	struct mock_vm_state s;
	unsigned int i, j, n;

	for (i = 0; i < ARRAY_LEN(jobs); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &c));
	LET_WORK(2000L * (long)test_scale(), &c.found, 100);
	LET_WORK(0L, &c.attached, 100);
	atomic_store(&c.stop, true);
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, atomic_load(&c.broken));
	EXPECT_LT(100, atomic_load(&c.attached));
	EXPECT_LT(100, atomic_load(&c.found));
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++)
			for (n = 1; n <= NAMES; n++)
				detach(&self->u[i], j, n);
		ASSERT_EQ(0, mock_vm_state(self->u[i].fd, self->vm[i], &s));
		EXPECT_EQ(0, s.entries);
		EXPECT_EQ(0, s.stale);
		EXPECT_LT(0, s.gone);
		for (n = 0; n < SPACES; n++)
			EXPECT_EQ(0, iommu_destroy(self->u[i].fd,
						   self->u[i].hwpt[n]));
	}
}

/* --- IOMMU_HWPT_ALLOC_PASID --- */

TEST_F(vpasid, hwpt_flag)
{
	const struct iommu_hwpt_selftest selftest = {};
	const struct user *u = &self->u[0];
	struct mock_device none, with;
	__u32 pt, parent;

	ASSERT_EQ(0, mock_device(u->fd, u->ioas[0], 0, &none));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_paging(u->fd, none.dev, u->ioas[0],
						 IOMMU_HWPT_ALLOC_PASID, 0,
						 &pt));
	ASSERT_EQ(0, mock_device(u->fd, u->ioas[0], MOCK_FLAGS_DEVICE_PASID,
				 &with));
	ASSERT_EQ(0, iommu_hwpt_paging(u->fd, with.dev, u->ioas[0],
				       IOMMU_HWPT_ALLOC_PASID |
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, iommu_hwpt_nested(u->fd, with.dev, parent,
				       IOMMU_HWPT_ALLOC_PASID, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &selftest,
				       sizeof(selftest), &pt));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_nested(u->fd, none.dev, parent,
				    IOMMU_HWPT_ALLOC_PASID, 0,
				    IOMMU_HWPT_DATA_SELFTEST, &selftest,
				    sizeof(selftest), &pt));
	/* The device itself is on a HWPT without it: they need not be alike */
	ASSERT_EQ(0, iommu_pasid_attach(u->fd, with.dev, 3, &pt));
}

TEST_HARNESS_MAIN
