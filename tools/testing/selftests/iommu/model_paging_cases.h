/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables that the kernel fills, on a hardware model: the program maps what a fault asks
 * for, and learns what was written to; and the function is reset meanwhile. For every
 * vendor: who includes this has defined PAGING_START(g), which makes a machine with one
 * function as guest_go_on() does, PAGING_PASID, and PAGING_NAME.
 */
#ifndef SELFTESTS_IOMMU_MODEL_PAGING_CASES_H
#define SELFTESTS_IOMMU_MODEL_PAGING_CASES_H

#include "model_guest.h"

#include <linux/vfio.h>

FIXTURE(paging) {
	struct guest g;
	__u32 ioas;
	__u32 hwpt;
};

FIXTURE_VARIANT(paging) {
	__u32 pasid;
};

FIXTURE_VARIANT_ADD(paging, rid) { MODEL_NO_PASID };
FIXTURE_VARIANT_ADD(paging, pasid) { PAGING_PASID };

FIXTURE_SETUP(paging)
{
	struct guest *g = &self->g;
	int rc = PAGING_START(g);

	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no " PAGING_NAME " model");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &self->ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, self->ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
}

FIXTURE_TEARDOWN(paging)
{
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

/* Three records, three mappings, one answer; then away with them again. */
TEST_F(paging, mapped_and_answered)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	__u64 iova = 0x123456789000ULL;
	char data[3 * PAGE], *there = data_page(g, 0);
	struct model_job job;
	int i;

	pattern(data, sizeof(data), 10);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, iova, data, sizeof(data),
				     0, &job));
	ASSERT_EQ(3, guest_read(g, rec, ARRAY_LEN(rec)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(iova + i * PAGE, rec[i].addr);
		ASSERT_EQ(0, iommu_map(g->fd, self->ioas, there + i * PAGE,
				       PAGE, iova + i * PAGE));
	}
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
				  IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(there, data, sizeof(data)));

	/* Unmapped: what unit and device have cached of it is gone. */
	ASSERT_EQ(0, iommu_unmap(g->fd, self->ioas, iova, 3 * PAGE, NULL));
	pattern(data, sizeof(data), 11);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, iova, data, PAGE, 0,
				     &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
				  IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_NE(0, memcmp(there, data, PAGE));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
			    IOMMUFD_MODEL_DMA_UNTRANSLATED, variant->pasid,
			    iova, data, PAGE, FOREVER_MS));
	EXPECT_NE(0, memcmp(there, data, PAGE));
}

static int paging_move(struct guest *g, __u32 pasid, __u32 hwpt)
{
	return pasid == MODEL_NO_PASID ?
	       vfio_dev_attach(&g->d.v, &hwpt) :
	       iommu_pasid_replace(g->fd, g->d.v.id, pasid, &hwpt);
}

/* Moved with a group outstanding: the device asks again, in the new table. */
TEST_F(paging, replaced_with_a_fault_outstanding)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct guest *g = &self->g;
	__u64 iova = 0x55000;
	struct model_job job;
	__u32 ioas, pt;
	char data[PAGE];

	pattern(data, PAGE, 12);
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_map(g->fd, ioas, data_page(g, 4), PAGE, iova));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &pt));
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, iova, data, PAGE, 0,
				     &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, paging_move(g, variant->pasid, pt));
	g->retried++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 4), data, PAGE));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec[0].cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
}

/* --- the function is reset --- */

#define RESET_DMAS	8
#define RESET_READ	4
#define RESET_IOVA	0x123456780000ULL
#define RESET_PAGE(n)	(RESET_IOVA + (n) * PAGE)

/**
 * struct reset - DMAs of a page each, which wait for it
 * @job: all of them
 * @data: what they write
 * @rec: their faults, of which RESET_READ are read
 * @half: requests of a group without its last one
 * @grpid: index of that group
 * @stale: responses that the function did not wait for, before
 */
struct reset {
	struct model_job job[RESET_DMAS];
	char data[RESET_DMAS][PAGE];
	struct iommu_hwpt_pgfault rec[RESET_DMAS];
	unsigned int half;
	__u32 grpid;
	__u64 stale;
};

/* Page requests that the kernel has taken and nobody has answered */
static __u32 reset_outstanding(struct guest *g)
{
	struct iommu_device_pri pri = { 0 };

	return iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_QUERY, &pri) ?
	       ~0U : pri.out_outstanding;
}

static __u64 reset_figure(struct guest *g, const char *key, unsigned int nth)
{
	static struct fdinfo info;

	return fdinfo_read(0, g->queue, &info) ? ~0ULL :
						 queue_figure(&info, key, nth);
}

/* All wait for an answer, some are read, and a group has begun that never ends. */
static void reset_ask(struct __test_metadata *_metadata, struct guest *g,
		      __u32 pasid, struct reset *r)
{
	__u64 end = now_ms() + FOREVER_MS;
	unsigned int i;

	for (i = 0; i < RESET_DMAS; i++)
		ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
					     pasid, RESET_PAGE(i), r->data[i],
					     PAGE, 0, &r->job[i]));
	while (reset_figure(g, "pending", 1) != RESET_DMAS && now_ms() < end)
		sleep_ms(5);
	ASSERT_EQ(RESET_READ, guest_read(g, r->rec, RESET_READ));
	if (r->half)
		ASSERT_EQ((int)r->half,
			  model_request(&g->d, 0, pasid, IOMMUFD_MODEL_READ,
					RESET_PAGE(16), r->half, &r->grpid));
	while (reset_outstanding(g) != RESET_DMAS + r->half && now_ms() < end)
		sleep_ms(5);
	ASSERT_EQ(RESET_DMAS + r->half, reset_outstanding(g));
}

/*
 * A function level reset: the function forgets what it asked, and its registers are what
 * they were. Nobody tells the kernel, so what it holds is outstanding still.
 */
static void reset_among_faults(struct __test_metadata *_metadata,
			       struct guest *g, __u32 pasid, struct reset *r)
{
	struct iommufd_model_state was, now;
	unsigned int i;

	reset_ask(_metadata, g, pasid, r);
	ASSERT_EQ(0, model_state(&g->d, &was));
	EXPECT_EQ(RESET_DMAS + r->half, was.outstanding);
	ASSERT_EQ(0, ioctl(g->d.v.fd, VFIO_DEVICE_RESET));
	for (i = 0; i < RESET_DMAS; i++)
		EXPECT_EQ(IOMMUFD_MODEL_DMA_STOPPED,
			  model_job_wait(&r->job[i], FOREVER_MS));
	ASSERT_EQ(0, model_state(&g->d, &now));
	EXPECT_EQ(was.resets + 1, now.resets);
	EXPECT_EQ(0, now.outstanding);
	EXPECT_EQ(0, now.waiting);
	EXPECT_EQ(was.pasid_ctrl, now.pasid_ctrl);
	EXPECT_EQ(was.ats_ctrl, now.ats_ctrl);
	EXPECT_EQ(was.pri_ctrl, now.pri_ctrl);
	EXPECT_EQ(was.pri_alloc, now.pri_alloc);
	/* Nothing was answered */
	EXPECT_EQ(was.success, now.success);
	EXPECT_EQ(was.invalid, now.invalid);
	EXPECT_EQ(RESET_DMAS + r->half, reset_outstanding(g));
	r->stale = now.stale;
}

/* It asks, and is served, as ever. */
static void reset_served(struct __test_metadata *_metadata, struct guest *g,
			 __u32 pasid, __u32 ioas)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct model_job job;
	char data[PAGE];

	pattern(data, PAGE, 14);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE, pasid,
				     RESET_PAGE(32), data, PAGE, 0, &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(RESET_PAGE(32), rec[0].addr);
	ASSERT_EQ(0, iommu_map(g->fd, ioas, data_page(g, 0), PAGE,
			       RESET_PAGE(32)));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
	EXPECT_EQ(0, reset_outstanding(g));
}

/* Who does not know reads and answers as ever: once each, and nobody waits for it. */
TEST_F(paging, reset_and_answered_late)
{
	static struct reset r;
	struct iommufd_model_state s;
	struct guest *g = &self->g;
	unsigned int i;

	reset_among_faults(_metadata, g, variant->pasid, &r);
	ASSERT_EQ(RESET_DMAS - RESET_READ,
		  guest_read(g, r.rec + RESET_READ, RESET_DMAS - RESET_READ));
	for (i = 0; i < RESET_DMAS; i++) {
		ASSERT_EQ(0, guest_answer(g, r.rec[i].cookie, i % 2 ?
					  IOMMUFD_PAGE_RESP_INVALID :
					  IOMMUFD_PAGE_RESP_SUCCESS));
		EXPECT_EQ(-EINVAL,
			  iommu_fault_answer(g->queue, r.rec[i].cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(0, model_state(&g->d, &s));
	EXPECT_EQ(r.stale + RESET_DMAS, s.stale);
	EXPECT_EQ(0, reset_outstanding(g));
	reset_served(_metadata, g, variant->pasid, self->ioas);
}

/*
 * Who does know has the interface started anew: what is not answered is answered by the
 * kernel, read or not, and of the group that had begun nothing is left.
 */
TEST_F(paging, reset_and_started_anew)
{
	static struct reset r = { .half = 2, .grpid = 300 };
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct iommu_device_pri pri = { 0 };
	struct iommufd_model_state s;
	struct guest *g = &self->g;
	struct pollfd p = { .fd = g->queue, .events = POLLIN };
	unsigned int i;
	__u32 grpid;

	reset_among_faults(_metadata, g, variant->pasid, &r);
	ASSERT_EQ(0, guest_answer(g, r.rec[0].cookie,
				  IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_RESET, &pri));
	g->drained += RESET_DMAS - 1;
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, pri.out_state &
		  (IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_FAILED));
	EXPECT_EQ(0, pri.out_outstanding);
	EXPECT_EQ(RESET_DMAS - 1, reset_figure(g, "answered-drain", 1));
	EXPECT_EQ(r.half, reset_figure(g, "discarded", 0));
	/* Neither can what was read be answered, nor the rest be read. */
	for (i = 0; i < RESET_READ; i++)
		EXPECT_EQ(-EINVAL,
			  iommu_fault_answer(g->queue, r.rec[i].cookie,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, model_state(&g->d, &s));
	EXPECT_EQ(r.stale + RESET_DMAS, s.stale);
	EXPECT_EQ(0, s.outstanding);

	/* The index that was begun names a new group, and this one is whole. */
	grpid = r.grpid;
	ASSERT_EQ(1, model_request(&g->d, IOMMUFD_MODEL_REQUEST_LAST,
				   variant->pasid, IOMMUFD_MODEL_READ,
				   RESET_PAGE(24), 1, &grpid));
	EXPECT_EQ(r.grpid, grpid);
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(RESET_PAGE(24), rec[0].addr);
	EXPECT_EQ(grpid, rec[0].grpid);
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_INVALID));
	reset_served(_metadata, g, variant->pasid, self->ioas);
}

/* A failure stopped it; started anew while nobody wants page requests, it has not failed. */
TEST_F(paging, failed_and_started_anew_while_off)
{
	const __u32 states = IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_FAILED;
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct iommu_device_pri pri = { 0 };
	struct guest *g = &self->g;
	struct model_job job;
	char data[PAGE];

	pattern(data, PAGE, 13);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, RESET_PAGE(0), data, PAGE,
				     0, &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_FAILURE));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_HALTED, model_job_wait(&job, FOREVER_MS));
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_QUERY, &pri));
	EXPECT_EQ(IOMMU_DEVICE_PRI_FAILED, pri.out_state & states);
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_RESET, &pri));
	EXPECT_EQ(0, pri.out_state & states);

	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
	reset_served(_metadata, g, variant->pasid, self->ioas);
}

/* --- what was written to --- */

#define TRACKED		64

/* To page @n of those tracked, or from it */
#define TRACKED_DMA(dir, n)						\
	model_dma(&self->g.d, dir, variant->pasid, iova + (n) * PAGE,	\
		  data, PAGE, FOREVER_MS)

/* Dirty state is the hardware's: the pages that were written to, and no others. */
TEST_F(paging, written_pages)
{
	struct guest *g = &self->g;
	__u64 iova = 0x123456780000ULL;
	__u64 bits[TRACKED / 64], off = 0;
	char data[PAGE];
	__u32 ioas, pt;

	/* A page on its own each */
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_option(g->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_SET, ioas, &off));
	ASSERT_EQ(0, iommu_map(g->fd, ioas, data_page(g, 0), TRACKED * PAGE,
			       iova));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &pt));
	ASSERT_EQ(0, paging_move(g, variant->pasid, pt));
	pattern(data, PAGE, 13);
	EXPECT_EQ(-EINVAL, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	/* What unit and device have cached by then is no excuse. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, 3));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, 9));
	ASSERT_EQ(0, guest_track(g, pt, true));
	ASSERT_EQ(0, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	EXPECT_EQ(0, bits_set(bits, TRACKED));

	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, 3));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, TRACKED - 1));
	/* Reading leaves no mark. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(0, 7));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(0, 9));
	ASSERT_EQ(0, guest_dirty(g, pt, iova, TRACKED,
				 IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bits));
	EXPECT_EQ(1ULL << 3 | 1ULL << (TRACKED - 1), bits[0]);
	ASSERT_EQ(0, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	EXPECT_EQ(1ULL << 3 | 1ULL << (TRACKED - 1), bits[0]);
	ASSERT_EQ(0, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	EXPECT_EQ(0, bits[0]);

	/* Again: the mark was cleared, and so were the caches. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, 3));
	ASSERT_EQ(0, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	EXPECT_EQ(1ULL << 3, bits[0]);
	ASSERT_EQ(0, guest_track(g, pt, false));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, TRACKED_DMA(IOMMUFD_MODEL_DMA_WRITE, 4));
	EXPECT_EQ(-EINVAL, guest_dirty(g, pt, iova, TRACKED, 0, bits));
	EXPECT_EQ(0, memcmp(data_page(g, 4), data, PAGE));
}

#endif
