// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of a real PCI driver stack on the VT-d model: vfio-pci, /dev/iommu,
 * our driver, and a function whose DMA faults. The program is the VMM: it reads
 * the group from the fd, mends the first-stage table in the guest's memory (or the
 * IOAS), invalidates, answers, and the DMA comes to its end with the right bytes.
 */
#include "vtd_model_test.h"

#include <liburing.h>

#define VA		0x7e1234560000ULL
/* Needs the fifth level */
#define VA5		0x00be7e1234560000ULL
#define PASID		0x2345
#define LENGTH		(5 * PAGE)

enum how {
	BY_READ,
	BY_POLL,
	BY_URING,
};

/* A posted read of io_uring, then its completion. */
static int uring_read(struct guest *g, struct io_uring *ring,
		      struct iommu_hwpt_pgfault *rec, unsigned int max)
{
	struct __kernel_timespec limit = { .tv_sec = FOREVER_MS / 1000 };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int rc;

	io_uring_prep_read(sqe, g->queue, rec, max * RECORD, 0);
	if (io_uring_submit(ring) != 1)
		return -EIO;
	rc = io_uring_wait_cqe_timeout(ring, &cqe, &limit);
	if (rc)
		return rc;
	rc = cqe->res < 0 ? cqe->res : cqe->res / (int)RECORD;
	io_uring_cqe_seen(ring, cqe);
	return rc;
}

static int take(struct guest *g, enum how by, struct io_uring *ring,
		struct iommu_hwpt_pgfault *rec, unsigned int max)
{
	switch (by) {
	case BY_READ:
		return iommu_fault_read(g->queue, rec, max);
	case BY_POLL:
		return guest_read(g, rec, max);
	case BY_URING:
		return uring_read(g, ring, rec, max);
	}
	return -EINVAL;
}

FIXTURE(story) {
	struct guest g;
	struct table t;
	struct io_uring ring;
	__u32 hwpt;
	__u64 va;
	bool ring_made;
};

FIXTURE_VARIANT(story) {
	unsigned int levels;
	unsigned int leaf;
	__u32 pasid;
	enum how by;
};

FIXTURE_VARIANT_ADD(story, rid_4level_4k_read) {
	4, 1, MODEL_NO_PASID, BY_READ
};
FIXTURE_VARIANT_ADD(story, rid_5level_2m_poll) {
	5, 2, MODEL_NO_PASID, BY_POLL
};
FIXTURE_VARIANT_ADD(story, rid_5level_4k_uring) {
	5, 1, MODEL_NO_PASID, BY_URING
};
FIXTURE_VARIANT_ADD(story, pasid_4level_4k_uring) {
	4, 1, PASID, BY_URING
};
FIXTURE_VARIANT_ADD(story, pasid_4level_2m_read) {
	4, 2, PASID, BY_READ
};
FIXTURE_VARIANT_ADD(story, pasid_5level_4k_poll) {
	5, 1, PASID, BY_POLL
};
FIXTURE_VARIANT_ADD(story, pasid_5level_2m_uring) {
	5, 2, 0xfffff, BY_URING
};

FIXTURE_SETUP(story)
{
	struct guest *g = &self->g;
	int rc;

	rc = guest_start(g, 0, 0, 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	table_init(g, variant->levels, &self->t);
	self->va = variant->levels == 5 ? VA5 : VA;
	ASSERT_EQ(0, guest_nested(g, &self->t, 0, true, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
	ASSERT_EQ(0, io_uring_queue_init(8, &self->ring, 0));
	self->ring_made = true;
}

FIXTURE_TEARDOWN(story)
{
	if (self->ring_made)
		io_uring_queue_exit(&self->ring);
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

/* 4 KiB pages: data page n is page n of the range. */
static void mend(struct table *t, __u64 base, __u64 addr, unsigned int leaf,
		 __u64 flags)
{
	if (leaf == 2)
		table_set(t, addr & -SIZE_2M, 2, GPA + SIZE_2M, flags);
	else
		table_set(t, addr, 1,
			  data_gpa((unsigned int)((addr - base) / PAGE)), flags);
}

/* Where the bytes at @va are in the guest, once they are mapped. */
static char *backing(struct guest *g, __u64 base, __u64 va, unsigned int leaf)
{
	if (leaf == 2)
		return at_gpa(g, GPA + SIZE_2M) + (va & (SIZE_2M - 1));
	return data_page(g, 0) + (va - base);
}

TEST_F(story, fault_mended_and_answered)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	unsigned char out[LENGTH], in[LENGTH];
	struct model_job job;
	unsigned int seen = 0, i, records = 0;
	__u64 va = self->va + 100;
	bool with = variant->pasid != MODEL_NO_PASID;
	int n, status;

	pattern(out, sizeof(out), 1);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, va, out, sizeof(out), 4,
				     &job));
	while ((status = model_job_wait(&job, 50)) ==
	       IOMMUFD_MODEL_DMA_PENDING && ++seen < 20) {
		n = take(g, variant->by, &self->ring, rec, ARRAY_LEN(rec));
		ASSERT_LT(0, n);
		for (i = 0; i < (unsigned int)n; i++) {
			records++;
			EXPECT_EQ(g->d.v.id, rec[i].dev_id);
			EXPECT_EQ(with ? variant->pasid : 0, rec[i].pasid);
			EXPECT_EQ(with, !!(rec[i].flags &
					   IOMMU_PGFAULT_FLAGS_PASID_VALID));
			EXPECT_EQ(0, rec[i].flags & IOMMU_PGFAULT_FLAGS_LOST);
			EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, rec[i].perm);
			EXPECT_EQ(rec[0].cookie, rec[i].cookie);
			EXPECT_EQ(rec[0].grpid, rec[i].grpid);
			EXPECT_EQ(i == (unsigned int)n - 1,
				  !!(rec[i].flags &
				     IOMMU_PGFAULT_FLAGS_LAST_PAGE));
			ASSERT_LE(va & -PAGE, rec[i].addr);
			ASSERT_GT(va + LENGTH, rec[i].addr);
			mend(&self->t, self->va, rec[i].addr & -PAGE,
			     variant->leaf, FS_USER);
			EXPECT_EQ(0, guest_invalidate(g, self->hwpt,
						      rec[i].addr & -PAGE, 1,
						      IOMMU_VTD_INV_FLAGS_LEAF));
		}
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, status);
	EXPECT_EQ(sizeof(out), job.done);
	EXPECT_EQ(records, job.requests);
	/* Six pages are touched, four to a group; one large page has them all. */
	EXPECT_EQ(variant->leaf == 1 ? 2 : 1, job.groups);
	EXPECT_EQ(0, memcmp(backing(g, self->va, va, variant->leaf), out,
			    sizeof(out)));
	/* Accessed and dirty, by the unit (3.6.3) */
	EXPECT_EQ(FS_A | FS_D, *table_entry(&self->t, va, variant->leaf) &
			       (FS_A | FS_D));

	/* The other way, without a fault */
	memset(in, 0, sizeof(in));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, guest_load(g, variant->pasid, va, in,
						   sizeof(in)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

/* One fault, answered @code after @mended. Returns how the DMA ended. */
static int one_fault(struct guest *g, struct table *t, __u32 pasid, __u64 va,
		     __u32 dma_flags, bool mended, __u32 code, void *data,
		     __u64 length, struct iommu_hwpt_pgfault *first)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct model_job job;
	int rc, i;

	rc = model_job_start(&g->d, dma_flags, pasid, va, data, length, 0,
			     &job);
	if (rc)
		return rc;
	rc = guest_read(g, rec, ARRAY_LEN(rec));
	if (rc <= 0)
		return rc ? rc : -EIO;
	for (i = 0; mended && i < rc; i++)
		mend(t, va & -PAGE, rec[i].addr & -PAGE, 1,
		     rec[i].perm & IOMMU_PGFAULT_PERM_PRIV ? FS_P | FS_RW :
							     FS_USER);
	*first = rec[0];
	rc = guest_answer(g, rec[0].cookie, code);
	return rc ? rc : model_job_wait(&job, FOREVER_MS);
}

TEST_F(story, answered_invalid)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->g;
	char data[2 * PAGE];

	pattern(data, sizeof(data), 2);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED,
		  one_fault(g, &self->t, variant->pasid, self->va,
			    IOMMUFD_MODEL_DMA_WRITE, false,
			    IOMMUFD_PAGE_RESP_INVALID, data, sizeof(data),
			    &rec));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, sizeof(data)));
	/* The next one asks again. */
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  one_fault(g, &self->t, variant->pasid, self->va,
			    IOMMUFD_MODEL_DMA_WRITE, true,
			    IOMMUFD_PAGE_RESP_SUCCESS, data, sizeof(data),
			    &rec));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, sizeof(data)));
	/* Answered once: the cookie is nobody's. */
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec.cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec.cookie + 1,
					      IOMMUFD_PAGE_RESP_SUCCESS));
}

/* PCIe 6.0, 10.4.2.1: it asks no more, until the interface is started anew. */
TEST_F(story, answered_failure)
{
	struct iommu_device_pri pri = { 0 };
	struct iommufd_model_state s;
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->g;
	char data[PAGE];

	pattern(data, sizeof(data), 3);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_HALTED,
		  one_fault(g, &self->t, variant->pasid, self->va,
			    IOMMUFD_MODEL_DMA_WRITE, true,
			    IOMMUFD_PAGE_RESP_FAILURE, data, sizeof(data),
			    &rec));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_HALTED,
		  guest_write(g, variant->pasid, self->va + 8 * SIZE_2M, data,
			      sizeof(data)));
	EXPECT_EQ(0, model_state(&g->d, &s));
	/* Response Failure of the status register, 10.5.2.3 */
	EXPECT_EQ(1, s.pri_status & 1);
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_QUERY, &pri));
	EXPECT_TRUE(pri.out_state & IOMMU_DEVICE_PRI_FAILED);
	memset(&pri, 0, sizeof(pri));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_RESET, &pri));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, pri.out_state &
		  (IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_FAILED));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  one_fault(g, &self->t, variant->pasid,
			    self->va + 8 * SIZE_2M, IOMMUFD_MODEL_DMA_WRITE,
			    true, IOMMUFD_PAGE_RESP_SUCCESS, data,
			    sizeof(data), &rec));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, sizeof(data)));
}

/* Read works, writing asks: and the answer alone is not enough (LEAF). */
TEST_F(story, permission_upgrade)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	char data[PAGE], in[PAGE];
	struct model_job job;

	pattern(data_page(g, 0), PAGE, 4);
	mend(&self->t, self->va, self->va, 1, FS_P | FS_US);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_load(g, variant->pasid, self->va,
						   in, PAGE));
	EXPECT_EQ(0, memcmp(in, data_page(g, 0), PAGE));
	EXPECT_EQ(FS_A, *table_entry(&self->t, self->va, 1) & (FS_A | FS_D));

	pattern(data, PAGE, 5);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, self->va, data, PAGE, 0,
				     &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, rec[0].perm);
	EXPECT_EQ(self->va, rec[0].addr);
	EXPECT_NE(0, memcmp(data, data_page(g, 0), PAGE));
	mend(&self->t, self->va, self->va, 1, FS_USER);
	EXPECT_EQ(0, guest_invalidate(g, self->hwpt, self->va, 1,
				      IOMMU_VTD_INV_FLAGS_LEAF));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
				  IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data, data_page(g, 0), PAGE));
}

/* Answered without having mended anything: the same fault comes again. */
TEST_F(story, answered_for_nothing)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	struct model_job job;
	char data[PAGE];
	int i;

	pattern(data, PAGE, 6);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, self->va, data, PAGE, 0,
				     &job));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
		EXPECT_EQ(self->va, rec[0].addr);
		if (i == 4)
			mend(&self->t, self->va, self->va, 1, FS_USER);
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(5, job.groups);
	EXPECT_EQ(0, memcmp(data, data_page(g, 0), PAGE));
}

/* Taken away with a group outstanding: answered INVALID, and drained. */
TEST_F(story, detached_with_a_fault_outstanding)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	struct model_job job;
	char data[PAGE] = "";

	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, self->va, data, PAGE, 0,
				     &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec[0].cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	/* The table is no more used, and can go. */
	EXPECT_EQ(0, iommu_destroy(g->fd, self->hwpt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, guest_write(g, variant->pasid,
							 self->va, data, PAGE));
}

/* Requests of no DMA: all that a record can say. */
TEST_F(story, what_a_record_says)
{
	static const __u32 perms[] = {
		IOMMUFD_MODEL_READ, IOMMUFD_MODEL_WRITE,
		IOMMUFD_MODEL_READ | IOMMUFD_MODEL_WRITE,
		IOMMUFD_MODEL_READ | IOMMUFD_MODEL_EXEC,
		IOMMUFD_MODEL_READ | IOMMUFD_MODEL_PRIV,
		IOMMUFD_MODEL_WRITE | IOMMUFD_MODEL_PRIV,
		IOMMUFD_MODEL_READ | IOMMUFD_MODEL_EXEC | IOMMUFD_MODEL_PRIV,
	};
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	bool with = variant->pasid != MODEL_NO_PASID;
	struct guest *g = &self->g;
	unsigned int i, j;

	/* The numbers are the same in both interfaces. */
	ASSERT_EQ(IOMMUFD_MODEL_PRIV, IOMMU_PGFAULT_PERM_PRIV);
	ASSERT_EQ(IOMMUFD_MODEL_EXEC, IOMMU_PGFAULT_PERM_EXEC);
	for (i = 0; i < ARRAY_LEN(perms); i++) {
		__u32 grpid = 17 * i, want = perms[i];

		/* Without PASID there is no prefix to say that in. */
		if (!with && perms[i] > 3)
			continue;
		ASSERT_EQ(3, model_request(&g->d, IOMMUFD_MODEL_REQUEST_LAST,
					   variant->pasid, perms[i], self->va,
					   3, &grpid));
		ASSERT_EQ(3, guest_read(g, rec, ARRAY_LEN(rec)));
		for (j = 0; j < 3; j++) {
			EXPECT_EQ(want, rec[j].perm);
			EXPECT_EQ(grpid, rec[j].grpid);
			EXPECT_EQ(self->va + j * PAGE, rec[j].addr);
			EXPECT_EQ(with ? variant->pasid : 0, rec[j].pasid);
			EXPECT_EQ((with ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0) |
				  (j == 2 ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0),
				  rec[j].flags);
			EXPECT_EQ(0, rec[j].length);
		}
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  i & 1 ? IOMMUFD_PAGE_RESP_SUCCESS :
						  IOMMUFD_PAGE_RESP_INVALID));
	}
}

TEST_F(story, nonblocking_and_short_reads)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	struct pollfd p = { .fd = g->queue, .events = POLLIN };
	__u32 grpid = 5;

	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, fcntl(g->queue, F_SETFL, O_RDWR | O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, iommu_fault_read(g->queue, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(4, model_request(&g->d, IOMMUFD_MODEL_REQUEST_LAST,
				   variant->pasid, IOMMUFD_MODEL_READ,
				   self->va, 4, &grpid));
	ASSERT_EQ(1, poll(&p, 1, FOREVER_MS));
	/* Whole groups only */
	EXPECT_GT(1, iommu_fault_read(g->queue, rec, 3));
	ASSERT_EQ(4, iommu_fault_read(g->queue, rec, 4));
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_INVALID));
}

/* --- privileged and execute requests --- */

FIXTURE(modes) {
	struct guest g;
	struct table t;
	__u32 hwpt;
};

FIXTURE_VARIANT(modes) {
	__u64 flags;
};

FIXTURE_VARIANT_ADD(modes, supervisor) { IOMMU_VTD_S1_SRE };
FIXTURE_VARIANT_ADD(modes, write_protect) {
	IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_WPE
};
FIXTURE_VARIANT_ADD(modes, extended_accessed) {
	IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_EAFE
};

FIXTURE_SETUP(modes)
{
	struct guest *g = &self->g;
	int rc;

	rc = guest_start(g, 0, 0, 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	table_init(g, 4, &self->t);
	ASSERT_EQ(0, guest_nested(g, &self->t, variant->flags, true,
				  &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, PASID, self->hwpt));
}

FIXTURE_TEARDOWN(modes)
{
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

/* Supervisor pages are the supervisor's (3.6.1). */
TEST_F(modes, privileged)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	struct model_job job;
	char data[PAGE];

	pattern(data, PAGE, 7);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  one_fault(g, &self->t, PASID, VA, IOMMUFD_MODEL_DMA_WRITE |
			    IOMMUFD_MODEL_DMA_PRIV, true,
			    IOMMUFD_PAGE_RESP_SUCCESS, data, PAGE, rec));
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE | IOMMU_PGFAULT_PERM_PRIV,
		  rec[0].perm);
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
	EXPECT_EQ(variant->flags & IOMMU_VTD_S1_EAFE ? FS_EA : 0,
		  *table_entry(&self->t, VA, 1) & FS_EA);

	/* The same page for a user: refused, until the table says otherwise. */
	pattern(data, PAGE, 8);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE, PASID, VA,
				     data, PAGE, 0, &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, rec[0].perm);
	EXPECT_NE(0, memcmp(data_page(g, 0), data, PAGE));
	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	EXPECT_EQ(0, guest_invalidate(g, self->hwpt, VA, 1,
				      IOMMU_VTD_INV_FLAGS_LEAF));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
				  IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
}

/* A supervisor's write to a read-only page: WPE decides (9.6). */
TEST_F(modes, supervisor_writes_read_only_page)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	struct model_job job;
	char data[PAGE];

	pattern(data, PAGE, 9);
	table_set(&self->t, VA, 1, data_gpa(0), FS_P);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE |
				     IOMMUFD_MODEL_DMA_PRIV, PASID, VA, data,
				     PAGE, 0, &job));
	if (variant->flags & IOMMU_VTD_S1_WPE) {
		ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
		EXPECT_TRUE(all_bytes(data_page(g, 0), 0, PAGE));
		table_set(&self->t, VA, 1, data_gpa(0), FS_P | FS_RW);
		EXPECT_EQ(0, guest_invalidate(g, self->hwpt, VA, 1,
					      IOMMU_VTD_INV_FLAGS_LEAF));
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  IOMMUFD_PAGE_RESP_SUCCESS));
	}
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
}

/* Without ERS the function is not even allowed to ask to execute. */
TEST_F(modes, execute)
{
	struct guest *g = &self->g;
	char data[PAGE];

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_DISABLED,
		  model_dma(&g->d, IOMMUFD_MODEL_DMA_EXEC, PASID, VA, data,
			    PAGE, FOREVER_MS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, guest_load(g, PASID, VA, data, PAGE));
}

/* --- a table that the kernel fills --- */

#define PAGING_START(g)	guest_start(g, 0, 0, 0)
#define PAGING_PASID	PASID
#define PAGING_NAME	"VT-d"
#include "model_paging_cases.h"

TEST_HARNESS_MAIN
