/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables that the kernel fills, on a hardware model: the program maps what a fault asks
 * for, and learns what was written to. For every vendor: who includes this has defined
 * PAGING_START(g), which makes a machine with one function as guest_go_on() does,
 * PAGING_PASID, and PAGING_NAME.
 */
#ifndef SELFTESTS_IOMMU_MODEL_PAGING_CASES_H
#define SELFTESTS_IOMMU_MODEL_PAGING_CASES_H

#include "model_guest.h"

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
