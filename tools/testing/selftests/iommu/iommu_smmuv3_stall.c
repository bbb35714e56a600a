// SPDX-License-Identifier: GPL-2.0
/*
 * Faults by stall on the SMMUv3 model: vfio-platform, /dev/iommu, our driver, and a
 * platform device whose requests the unit keeps until somebody answers (Arm IHI
 * 0070, 3.12.2). The program is the VMM, and the guest where tables are a guest's.
 *
 * The unit's ledger is checked at the end of each test: a stall is retried or
 * aborted, once, and none is left for the unit to terminate, but for those whose record
 * it has lost.
 */
#include "smmuv3_model_test.h"

#include "../../../iommu/lib/probe.h"

#define SID		0x4321
#define PASID_BITS	16
#define VA		0x7e1234560000ULL
#define PASID		0x25
#define PASID_FAR	0x2345
#define ASID		0x1234
/* Stalls that a unit holds which is not told otherwise (IDR5.STALL_MAX) */
#define STALL_MAX	64
#define TIMEOUT		120

enum tables {
	TABLES_KERNEL,
	TABLES_LINEAR,
	TABLES_TWO_LEVEL,
};

FIXTURE(stall) {
	struct smmu_guest s;
	struct s1 t;
	__u32 ioas;
	__u32 hwpt;
	__u64 requests;
	__u64 terminated;
};

FIXTURE_VARIANT(stall) {
	enum tables tables;
	__u32 pasid;
};

FIXTURE_VARIANT_ADD(stall, kernel_rid) { TABLES_KERNEL, MODEL_NO_PASID };
FIXTURE_VARIANT_ADD(stall, kernel_pasid) { TABLES_KERNEL, PASID_FAR };
FIXTURE_VARIANT_ADD(stall, guest_rid) { TABLES_TWO_LEVEL, MODEL_NO_PASID };
FIXTURE_VARIANT_ADD(stall, guest_pasid) { TABLES_LINEAR, PASID };
FIXTURE_VARIANT_ADD(stall, guest_pasid_far) { TABLES_TWO_LEVEL, PASID_FAR };

/* A guest whose device is a platform device. GUEST_NONE: there can be none. */
static int start(struct guest *g, bool can_stall)
{
	static const struct model_smmuv3 modern = { 0 };
	int rc;

	guest_init(g);
	rc = model_smmuv3_add(&g->m, &modern);
	if (rc == -ENOENT || g->fd == -ENOENT)
		return GUEST_NONE;
	if (!rc)
		rc = model_plug_master(&g->m, SID, PASID_BITS, can_stall,
				       &g->d);
	return guest_plugged(g, rc, 0);
}

/* Of a platform device: no ATS */
static int nested(struct smmu_guest *s, __u64 ste1, bool queue, __u32 *hwpt)
{
	return smmu_nested_words(s, s->viommu, smmu_ste0(s),
				 STE_DSS_CD0 | STE_CD_CACHED | ste1, queue,
				 hwpt);
}

#define STE_S1STALLD	(1ULL << 27)

static int attach_tables(struct guest *g, __u32 pasid, enum tables tables,
			 __u32 hwpt)
{
	/* The guest's table has all of its PASIDs */
	return guest_attach(g, tables == TABLES_KERNEL ? pasid : MODEL_NO_PASID,
			    hwpt);
}

FIXTURE_SETUP(stall)
{
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	__u32 ssid = variant->pasid == MODEL_NO_PASID ? 0 : variant->pasid;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = start(g, true);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no model of an SMMUv3");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 512, IOMMU_FAULT_POLICY_BLOCKING));
	if (variant->tables == TABLES_KERNEL) {
		ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &self->ioas));
		ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, self->ioas,
					       IOMMU_HWPT_FAULT_ID_VALID,
					       g->queue_id, &self->hwpt));
	} else {
		ASSERT_EQ(0, smmu_viommu(s, variant->tables ==
					     TABLES_TWO_LEVEL));
		s1_init(g, &self->t);
		cd_set(s, ssid, &self->t, ASID, CD_STALL);
		ASSERT_EQ(0, nested(s, 0, true, &self->hwpt));
	}
	ASSERT_EQ(0, attach_tables(g, variant->pasid, variant->tables,
				   self->hwpt));
}

static __u64 counter(struct guest *g, const char *name)
{
	__u64 value;

	return model_counter(&g->m, name, &value) ? ~0ULL : value;
}

/*
 * What the unit stalled was retried or aborted by an answer, ours or the kernel's,
 * but for @requests that were page requests of another device, and @ended that nobody
 * knew of; and the queue has counted what we did.
 */
#define STALL_CHECK(g, requests, ended) do {				\
	struct guest *_g = (g);						\
	__u64 _v, _ended = (ended);					\
									\
	EXPECT_EQ(counter(_g, "stalls"),				\
		  counter(_g, "stalls-retried") +			\
		  counter(_g, "stalls-aborted") + _ended);		\
	EXPECT_EQ(_ended, counter(_g, "stalls-terminated"));		\
	EXPECT_EQ(_g->success + _g->retried,				\
		  counter(_g, "stalls-retried") + (requests));		\
	EXPECT_EQ(_g->invalid + _g->failure + _g->drained,		\
		  counter(_g, "stalls-aborted"));			\
	if (_g->queue >= 0) {						\
		struct fdinfo _i;					\
									\
		ASSERT_EQ(0, fdinfo_read(0, _g->queue, &_i));		\
		EXPECT_EQ(_g->success,					\
			  queue_figure(&_i, "answered-user", 1));	\
		EXPECT_EQ(_g->invalid,					\
			  queue_figure(&_i, "answered-user", 2));	\
		EXPECT_EQ(_g->failure,					\
			  queue_figure(&_i, "answered-user", 3));	\
		EXPECT_EQ(0, queue_figure(&_i, "pending", 1));		\
		EXPECT_EQ(0, queue_figure(&_i, "pending", 0));		\
	}								\
	ASSERT_EQ(0, model_violations(&_g->m, &_v));			\
	EXPECT_EQ(_g->violations, _v);					\
} while (0)

FIXTURE_TEARDOWN(stall)
{
	struct guest *g = &self->s.g;

	STALL_CHECK(g, self->requests, self->terminated);
	/* A stall that is left is a violation when the unit goes */
	guest_stop(g);
}

/* Page @n of the range is data page @n */
static int page_in(FIXTURE_DATA(stall) *self,
		   const FIXTURE_VARIANT(stall) *variant, unsigned int n)
{
	struct guest *g = &self->s.g;
	__u64 va = VA + n * PAGE;

	if (variant->tables == TABLES_KERNEL)
		return iommu_map(g->fd, self->ioas, data_page(g, n), PAGE, va);
	s1_set(&self->t, va, 3, data_gpa(n), S1_RW);
	return 0;
}

static int page_out(FIXTURE_DATA(stall) *self,
		    const FIXTURE_VARIANT(stall) *variant, unsigned int n)
{
	struct guest *g = &self->s.g;
	__u64 va = VA + n * PAGE;

	if (variant->tables == TABLES_KERNEL)
		return iommu_unmap(g->fd, self->ioas, va, PAGE, NULL);
	*s1_entry(&self->t, va, 3) = 0;
	return smmu_command(&self->s, CMD_TLBI_NH_VA | CMD_ASID(ASID),
			    va | CMD_LEAF);
}

static unsigned int page_of(const struct iommu_hwpt_pgfault *rec)
{
	return (unsigned int)((rec->addr - VA) / PAGE);
}

static int start_dma(struct guest *g, __u32 flags, __u32 pasid, __u64 va,
		     void *data, __u64 length, struct model_job *job)
{
	return model_job_start(&g->d, flags, pasid, va, data, length, 0, job);
}

/* Several answers in one write; as guest_answer(). */
static int answer_all(struct guest *g, const struct iommu_hwpt_pgfault *rec,
		      unsigned int num, __u32 code)
{
	struct iommu_hwpt_page_response answers[STALL_MAX];
	ssize_t size = (ssize_t)(num * sizeof(*answers));
	unsigned int i;

	for (i = 0; i < num; i++)
		answers[i] = (struct iommu_hwpt_page_response){
			.cookie = rec[i].cookie,
			.code = code,
		};
	if (write(g->queue, answers, (size_t)size) != size)
		return -EIO;
	if (code == IOMMUFD_PAGE_RESP_SUCCESS)
		g->success += num;
	else
		g->invalid += num;
	return 0;
}

/* Six pages: six stalls one after the other, each a group of one record. */
TEST_F(stall, mended_and_answered)
{
	unsigned char out[5 * PAGE], in[5 * PAGE];
	struct guest *g = &self->s.g;
	bool with = variant->pasid != MODEL_NO_PASID;
	struct iommu_hwpt_pgfault rec[4];
	struct model_job job;
	__u64 va = VA + 100;
	unsigned int n;

	pattern(out, sizeof(out), 1);
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid, va,
			       out, sizeof(out), &job));
	for (n = 0; n < 6; n++) {
		ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
		EXPECT_EQ(g->d.v.id, rec[0].dev_id);
		EXPECT_EQ(with ? variant->pasid : 0, rec[0].pasid);
		EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE |
			  (with ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0),
			  rec[0].flags);
		EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE,
			  rec[0].perm & PERM_RW);
		EXPECT_EQ(n ? VA + n * PAGE : va, rec[0].addr);
		/* It waits */
		EXPECT_EQ(IOMMUFD_MODEL_DMA_PENDING, model_job_wait(&job, 0));
		ASSERT_EQ(0, page_in(self, variant, n));
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(sizeof(out), job.done);
	EXPECT_EQ(6, job.groups);
	EXPECT_EQ(6, job.requests);
	EXPECT_EQ(0, memcmp(data_page(g, 0) + 100, out, sizeof(out)));
	EXPECT_EQ(6, counter(g, "stalls"));

	/* The other way, without a fault */
	memset(in, 0, sizeof(in));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, guest_load(g, variant->pasid, va, in,
						   sizeof(in)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	EXPECT_EQ(6, counter(g, "stalls"));

	/* And away with a page: a read stalls there */
	ASSERT_EQ(0, page_out(self, variant, 2));
	memset(in, 0, sizeof(in));
	ASSERT_EQ(0, start_dma(g, 0, variant->pasid, va, in, sizeof(in), &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(VA + 2 * PAGE, rec[0].addr);
	EXPECT_EQ(IOMMU_PGFAULT_PERM_READ, rec[0].perm & PERM_RW);
	ASSERT_EQ(0, page_in(self, variant, 2));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

/* Answered without a page: the access is made again, and is a new fault. */
TEST_F(stall, answered_without_mending)
{
	struct iommu_hwpt_pgfault rec[2];
	struct guest *g = &self->s.g;
	struct model_job job;
	__u32 last = 0;
	char data[16];
	int i;

	pattern(data, sizeof(data), 2);
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid, VA,
			       data, sizeof(data), &job));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
		EXPECT_EQ(VA, rec[0].addr);
		EXPECT_NE(last, rec[0].cookie);
		last = rec[0].cookie;
		ASSERT_EQ(0, guest_answer(g, last, IOMMUFD_PAGE_RESP_SUCCESS));
		EXPECT_EQ(-EINVAL,
			  iommu_fault_answer(g->queue, last,
					     IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, page_in(self, variant, 0));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(4, job.groups);
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, sizeof(data)));
}

/* INVALID and FAILURE are both an abort; neither keeps it from stalling again. */
TEST_F(stall, refused)
{
	static const __u32 codes[] = {
		IOMMUFD_PAGE_RESP_INVALID, IOMMUFD_PAGE_RESP_FAILURE,
	};
	struct iommu_device_pri pri = { 0 };
	struct iommu_hwpt_pgfault rec[2];
	struct guest *g = &self->s.g;
	struct model_job job;
	char data[2 * PAGE];
	unsigned int i;

	pattern(data, sizeof(data), 3);
	for (i = 0; i < 2 * ARRAY_LEN(codes); i++) {
		ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE,
				       variant->pasid, VA, data, sizeof(data),
				       &job));
		ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
		ASSERT_EQ(0, guest_answer(g, rec[0].cookie,
					  codes[i % ARRAY_LEN(codes)]));
		EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED,
			  model_job_wait(&job, FOREVER_MS));
		EXPECT_EQ(0, job.done);
	}
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, sizeof(data)));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_QUERY, &pri));
	EXPECT_EQ(0, pri.out_state & IOMMU_DEVICE_PRI_FAILED);
	EXPECT_EQ(STALL_MAX, pri.out_capacity);
}

#define MANY	(STALL_MAX + 40)

/* Start @num DMAs, each to a page of its own; page n has pattern n. */
static int start_many(struct guest *g, __u32 pasid, unsigned int num,
		      char (*data)[PAGE], struct model_job *jobs)
{
	unsigned int i;
	int rc;

	for (i = 0; i < num; i++) {
		pattern(data[i], PAGE, i);
		rc = start_dma(g, IOMMUFD_MODEL_DMA_WRITE, pasid,
			       VA + i * PAGE, data[i], PAGE, &jobs[i]);
		if (rc)
			return rc;
	}
	return 0;
}

/* As many as the unit has tags for are known; the rest waits, and is not lost. */
TEST_F_TIMEOUT(stall, more_than_the_unit_holds, TIMEOUT)
{
	static char data[MANY][PAGE];
	struct iommu_hwpt_pgfault rec[STALL_MAX];
	unsigned int i, num = 0, served = 0;
	struct model_job jobs[MANY];
	struct guest *g = &self->s.g;
	bool seen[MANY] = { 0 };
	int n;

	ASSERT_EQ(0, start_many(g, variant->pasid, MANY, data, jobs));
	while (num < STALL_MAX) {
		n = guest_read(g, rec + num, STALL_MAX - num);
		ASSERT_LT(0, n);
		num += (unsigned int)n;
	}
	/* All have been sent when the rest was turned away at least once */
	while (counter(g, "stalls-full") < MANY - STALL_MAX)
		usleep(1000);
	EXPECT_EQ(STALL_MAX, counter(g, "stalls"));
	for (;;) {
		for (i = 0; i < num; i++) {
			ASSERT_GT(MANY, page_of(&rec[i]));
			/* Nobody asks twice: it was answered after the page came */
			EXPECT_FALSE(seen[page_of(&rec[i])]);
			seen[page_of(&rec[i])] = true;
			ASSERT_EQ(0, page_in(self, variant, page_of(&rec[i])));
		}
		ASSERT_EQ(0, answer_all(g, rec, num, IOMMUFD_PAGE_RESP_SUCCESS));
		served += num;
		if (served == MANY)
			break;
		n = guest_read(g, rec, STALL_MAX);
		ASSERT_LT(0, n);
		num = (unsigned int)n;
	}
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_job_wait(&jobs[i], FOREVER_MS));
		EXPECT_EQ(0, memcmp(data[i], data_page(g, i), PAGE));
	}
	EXPECT_EQ(MANY, counter(g, "stalls"));
}

/* More than the queue takes: they are made again until there is room. */
TEST_F_TIMEOUT(stall, more_than_the_queue_holds, TIMEOUT)
{
	static char data[12][PAGE];
	struct iommu_hwpt_pgfault rec[4];
	struct guest *g = &self->s.g;
	struct model_job jobs[12];
	unsigned int served = 0;
	__u32 queue_id, hwpt;
	int queue, i, n;

	if (variant->tables != TABLES_KERNEL)
		SKIP(return, "the same as with a table of the kernel");
	queue = iommu_fault_queue(g->fd, ARRAY_LEN(rec),
				  IOMMU_FAULT_POLICY_BLOCKING, 0, &queue_id);
	ASSERT_LE(0, queue);
	close(g->queue);
	g->queue = queue;
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, self->ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, queue_id,
				       &hwpt));
	ASSERT_EQ(0, variant->pasid == MODEL_NO_PASID ?
		     vfio_dev_attach(&g->d.v, &hwpt) :
		     iommu_pasid_replace(g->fd, g->d.v.id, variant->pasid,
					 &hwpt));
	ASSERT_EQ(0, start_many(g, variant->pasid, ARRAY_LEN(jobs), data,
				jobs));
	/* Some have been turned away */
	while (counter(g, "stalls-retried") < 20)
		usleep(1000);
	while (served < ARRAY_LEN(jobs)) {
		n = guest_read(g, rec, ARRAY_LEN(rec));
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(0, page_in(self, variant, page_of(&rec[i])));
		ASSERT_EQ(0, answer_all(g, rec, (unsigned int)n,
					IOMMUFD_PAGE_RESP_SUCCESS));
		served += (unsigned int)n;
	}
	for (i = 0; i < (int)ARRAY_LEN(jobs); i++) {
		EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_job_wait(&jobs[i], FOREVER_MS));
		EXPECT_EQ(0, memcmp(data[i], data_page(g, (unsigned int)i),
				    PAGE));
	}
	g->retried = counter(g, "stalls-retried") - g->success;
}

/* A batch of both kinds of answers: each gets its own. */
TEST_F(stall, answers_that_differ)
{
	static char data[16][PAGE];
	struct iommu_hwpt_page_response answers[16];
	struct iommu_hwpt_pgfault rec[16];
	struct guest *g = &self->s.g;
	struct model_job jobs[16];
	unsigned int i, num = 0;

	ASSERT_EQ(0, start_many(g, variant->pasid, 16, data, jobs));
	while (num < 16) {
		int n = guest_read(g, rec + num, 16 - num);

		ASSERT_LT(0, n);
		num += (unsigned int)n;
	}
	for (i = 0; i < 16; i++) {
		bool good = page_of(&rec[i]) & 1;

		if (good) {
			ASSERT_EQ(0, page_in(self, variant, page_of(&rec[i])));
		}
		answers[i] = (struct iommu_hwpt_page_response){
			.cookie = rec[i].cookie,
			.code = good ? IOMMUFD_PAGE_RESP_SUCCESS :
				       IOMMUFD_PAGE_RESP_INVALID,
		};
	}
	ASSERT_EQ(sizeof(answers), write(g->queue, answers, sizeof(answers)));
	g->success += 8;
	g->invalid += 8;
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(i & 1 ? IOMMUFD_MODEL_DMA_OK :
				  IOMMUFD_MODEL_DMA_FAULTED,
			  model_job_wait(&jobs[i], FOREVER_MS));
		EXPECT_EQ(i & 1, !memcmp(data[i], data_page(g, i), PAGE));
		EXPECT_EQ(!(i & 1), all_bytes(data_page(g, i), 0, PAGE));
	}
}

/* One unit, one queue: what one asks by stall the other asks by page request. */
TEST_F(stall, beside_a_pci_function)
{
	struct iommu_hwpt_pgfault rec[2];
	struct model_job job, asked;
	struct guest *g = &self->s.g;
	char data[PAGE], more[PAGE];
	struct model_dev function;
	__u32 ioas, hwpt;
	int num = 0, n;

	ASSERT_EQ(0, model_plug(&g->m, DEVFN, &function));
	ASSERT_EQ(0, model_dev_open(&function));
	ASSERT_EQ(0, model_dev_bind(&function, g->fd));
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, function.v.id, ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &hwpt));
	ASSERT_EQ(0, vfio_dev_attach(&function.v, &hwpt));
	pattern(data, PAGE, 5);
	pattern(more, PAGE, 6);
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid, VA,
			       data, PAGE, &job));
	ASSERT_EQ(0, model_job_start(&function, IOMMUFD_MODEL_DMA_WRITE,
				     MODEL_NO_PASID, VA, more, PAGE, 0,
				     &asked));
	while (num < 2) {
		n = guest_read(g, rec + num, 2 - (unsigned int)num);
		ASSERT_LT(0, n);
		num += n;
	}
	for (n = 0; n < 2; n++) {
		if (rec[n].dev_id == g->d.v.id) {
			ASSERT_EQ(0, page_in(self, variant, 0));
		} else {
			EXPECT_EQ(function.v.id, rec[n].dev_id);
			ASSERT_EQ(0, iommu_map(g->fd, ioas, data_page(g, 1),
					       PAGE, VA));
		}
	}
	ASSERT_EQ(0, answer_all(g, rec, 2, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&asked, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data, data_page(g, 0), PAGE));
	EXPECT_EQ(0, memcmp(more, data_page(g, 1), PAGE));
	/* Its page requests go, our stalls do not. */
	ASSERT_EQ(0, vfio_dev_detach(&function.v));
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid,
			       VA + PAGE, data, PAGE, &job));
	ASSERT_EQ(1, guest_read(g, rec, 1));
	ASSERT_EQ(0, guest_answer(g, rec[0].cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	model_dev_close(&function);
	/* That one was a page request */
	EXPECT_EQ(1, counter(g, "responses-success"));
	EXPECT_EQ(1, counter(g, "stalls-retried"));
	self->requests = 1;
}

/* --- taken away in the middle --- */

/* The DMA of (stall), with its fault read; @job is pending. */
static int one_outstanding(FIXTURE_DATA(stall) *self,
			   const FIXTURE_VARIANT(stall) *variant, void *data,
			   struct model_job *job,
			   struct iommu_hwpt_pgfault *rec)
{
	struct guest *g = &self->s.g;
	int rc;

	pattern(data, PAGE, 4);
	rc = start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid, VA, data,
		       PAGE, job);
	if (rc)
		return rc;
	rc = guest_read(g, rec, 1);
	return rc == 1 ? 0 : rc < 0 ? rc : -EIO;
}

/*
 * The unit could not write the record of a stall: that one is ended, and so is what
 * user space has; the next is as ever.
 */
TEST_F(stall, record_lost)
{
	char data[PAGE], more[PAGE];
	struct model_job job, lost;
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;

	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, model_inject(&g->m, MODEL_SMMUV3_EVENT_ASYNC, 1));
	pattern(more, PAGE, 5);
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid,
			       VA + PAGE, more, PAGE, &lost));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&lost, FOREVER_MS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	g->drained++;
	self->terminated++;
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec.cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, 2 * PAGE));

	/* What comes while the stream aborts is blocked, and does not stall */
	while (counter(g, "stalls-terminated") < self->terminated)
		usleep(1000);
	for (;;) {
		int status;

		ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE,
				       variant->pasid, VA, data, PAGE, &job));
		status = model_job_wait(&job, 100);
		if (status == IOMMUFD_MODEL_DMA_PENDING)
			break;
		ASSERT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, status);
	}
	ASSERT_EQ(1, guest_read(g, &rec, 1));
	ASSERT_EQ(0, page_in(self, variant, 0));
	ASSERT_EQ(0, guest_answer(g, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
}

/* The interrupt for a stall is lost: a detach finds it, and the next one is told of. */
TEST_F(stall, interrupt_lost)
{
	struct guest *g = &self->s.g;
	struct pollfd p = { .fd = g->queue, .events = POLLIN };
	struct iommu_hwpt_pgfault rec;
	struct model_job job;
	char data[PAGE] = "";

	ASSERT_EQ(0, model_inject(&g->m, MODEL_SMMUV3_LOSE_IRQS, 2));
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid, VA,
			       data, PAGE, &job));
	while (!counter(g, "stalls"))
		usleep(1000);
	EXPECT_EQ(0, poll(&p, 1, 50));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_PENDING, model_job_wait(&job, 0));
	ASSERT_EQ(0, guest_detach(g, variant->tables == TABLES_KERNEL ?
				     variant->pasid : MODEL_NO_PASID));
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));

	ASSERT_EQ(0, model_inject(&g->m, MODEL_SMMUV3_LOSE_IRQS, 0));
	ASSERT_EQ(0, attach_tables(g, variant->pasid, variant->tables,
				   self->hwpt));
	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, page_in(self, variant, 0));
	ASSERT_EQ(0, guest_answer(g, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data, PAGE));
}

TEST_F(stall, detached_with_one_outstanding)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	char data[PAGE];

	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, guest_detach(g, variant->tables == TABLES_KERNEL ?
				     variant->pasid : MODEL_NO_PASID));
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec.cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	/* The table is no more used, and can go; what comes now does not stall. */
	EXPECT_EQ(0, iommu_destroy(g->fd, self->hwpt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, guest_write(g, variant->pasid, VA,
							 data, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, PAGE));
}

/* Read and unread, known to the unit and waiting in front of it */
TEST_F_TIMEOUT(stall, detached_with_many_outstanding, TIMEOUT)
{
	static char data[MANY][PAGE];
	struct iommu_hwpt_pgfault rec[8];
	struct model_job jobs[MANY];
	struct guest *g = &self->s.g;
	unsigned int i;
	int status;

	ASSERT_EQ(0, start_many(g, variant->pasid, MANY, data, jobs));
	ASSERT_LT(0, guest_read(g, rec, ARRAY_LEN(rec)));
	while (counter(g, "stalls-full") < MANY - STALL_MAX)
		usleep(1000);
	ASSERT_EQ(0, guest_detach(g, variant->tables == TABLES_KERNEL ?
				     variant->pasid : MODEL_NO_PASID));
	/* Those without a tag have been made again meanwhile, and blocked. */
	for (i = 0; i < MANY; i++) {
		status = model_job_wait(&jobs[i], FOREVER_MS);
		EXPECT_TRUE(status == IOMMUFD_MODEL_DMA_FAULTED ||
			    status == IOMMUFD_MODEL_DMA_BLOCKED);
	}
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, MANY * PAGE));
	EXPECT_LE(STALL_MAX, counter(g, "stalls"));
	g->drained = counter(g, "stalls");
}

/* Moved: the access is made again, in the new table. */
TEST_F(stall, replaced_with_one_outstanding)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	__u32 ioas, pt;
	char data[PAGE];

	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_map(g->fd, ioas, data_page(g, 7), PAGE, VA));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &pt));
	/* A guest's table is replaced for requests without PASID */
	if (variant->tables != TABLES_KERNEL &&
	    variant->pasid != MODEL_NO_PASID)
		SKIP(return, "the new table has no PASIDs");
	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, variant->pasid == MODEL_NO_PASID ?
		     vfio_dev_attach(&g->d.v, &pt) :
		     iommu_pasid_replace(g->fd, g->d.v.id, variant->pasid,
					 &pt));
	g->retried++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data_page(g, 7), data, PAGE));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec.cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	/* That one stalls too */
	ASSERT_EQ(0, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid,
			       VA + PAGE, data, PAGE, &job));
	ASSERT_EQ(1, guest_read(g, &rec, 1));
	ASSERT_EQ(0, guest_answer(g, rec.cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
}

/* Moved to a table without a queue: made again there, and nothing stalls then. */
TEST_F(stall, replaced_by_one_without_a_queue)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	__u32 ioas, pt;
	char data[PAGE];
	__u64 stalls;

	if (variant->tables != TABLES_KERNEL &&
	    variant->pasid != MODEL_NO_PASID)
		SKIP(return, "the new table has no PASIDs");
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas, 0, 0, &pt));
	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, variant->pasid == MODEL_NO_PASID ?
		     vfio_dev_attach(&g->d.v, &pt) :
		     iommu_pasid_replace(g->fd, g->d.v.id, variant->pasid,
					 &pt));
	EXPECT_NE(IOMMUFD_MODEL_DMA_PENDING, model_job_wait(&job, FOREVER_MS));
	EXPECT_NE(IOMMUFD_MODEL_DMA_OK, (int)job.status);
	stalls = counter(g, "stalls");
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, guest_write(g, variant->pasid, VA,
							 data, PAGE));
	EXPECT_EQ(stalls, counter(g, "stalls"));
	g->drained = counter(g, "stalls-aborted");
	g->retried = counter(g, "stalls-retried");
}

TEST_F(stall, queue_closed_with_some_outstanding)
{
	static char data[8][PAGE];
	struct model_job jobs[8];
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	unsigned int i;

	ASSERT_EQ(0, start_many(g, variant->pasid, 8, data, jobs));
	ASSERT_EQ(1, guest_read(g, &rec, 1));
	while (counter(g, "stalls") < 8)
		usleep(1000);
	close(g->queue);
	g->queue = -1;
	for (i = 0; i < 8; i++)
		EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED,
			  model_job_wait(&jobs[i], FOREVER_MS));
	EXPECT_EQ(8, counter(g, "stalls"));
	/* Nobody listens: what still stalls is aborted. */
	EXPECT_NE(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA,
						    data[0], PAGE));
	g->drained = counter(g, "stalls");
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, 8 * PAGE));
}

/*
 * A stall that nobody can answer any more is aborted. The guest hears of it, by a record
 * that does not ask for an answer (7.3): there is no tag to answer with.
 */
TEST_F(stall, refused_is_told_to_the_guest)
{
	bool with = variant->pasid != MODEL_NO_PASID;
	struct guest *g = &self->s.g;
	__u32 events_id;
	char data[16];
	__u64 evt[4] = {};
	int events;

	if (variant->tables == TABLES_KERNEL)
		SKIP(return, "there is no guest");
	events = iommu_veventq(g->fd, self->s.viommu,
			       IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, 16, &events_id);
	ASSERT_LE(0, events);
	close(g->queue);
	g->queue = -1;
	pattern(data, sizeof(data), 5);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED,
		  guest_write(g, variant->pasid, VA + 8, data, sizeof(data)));
	EXPECT_EQ(1, counter(g, "stalls"));
	g->drained++;
	ASSERT_EQ(1, smmu_event_read(events, FOREVER_MS, evt));
	EXPECT_EQ(EVENT_TRANSLATION, EVENT_TYPE(evt));
	EXPECT_EQ(VSID, EVENT_SID(evt));
	EXPECT_EQ(with ? EVENT_SSV : 0, evt[0] & EVENT_SSV);
	EXPECT_EQ(with ? variant->pasid : 0, EVENT_SSID(evt));
	EXPECT_EQ(0, evt[1] & (EVENT_STALL | EVENT_STAG));
	EXPECT_EQ(0, evt[1] & (EVENT_READ | EVENT_S2));
	EXPECT_EQ(VA + 8, evt[2]);
	/* One, and no more */
	EXPECT_EQ(0, smmu_event_read(events, 0, evt));
	close(events);
}

/* The program lets go of the device, as at its death. */
TEST_F(stall, device_closed_with_one_outstanding)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	char data[PAGE];

	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	model_dev_close(&g->d);
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, PAGE));
}

static void *unplug_thread(void *arg)
{
	return (void *)(intptr_t)model_unplug_master(arg);
}

/* Unplugging waits for the program, which lets go as it was told to. */
TEST_F(stall, unplugged_with_one_outstanding)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	pthread_t thread;
	char data[PAGE];
	void *rc;
	int status;

	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unplug_thread, &g->d));
	usleep(50000);
	model_dev_close(&g->d);
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(NULL, rc);
	g->drained++;
	status = model_job_wait(&job, FOREVER_MS);
	EXPECT_TRUE(status == IOMMUFD_MODEL_DMA_FAULTED ||
		    status == IOMMUFD_MODEL_DMA_GONE);
	EXPECT_EQ(-ENODEV, start_dma(g, IOMMUFD_MODEL_DMA_WRITE, variant->pasid,
				     VA, data, PAGE, &job));
	/* Its place is free again */
	ASSERT_EQ(0, model_plug_master(&g->m, SID, PASID_BITS, true, &g->d));
}

/* The DMA is given up, the stall is not: it is answered as any. */
TEST_F(stall, answered_after_the_dma_was_given_up)
{
	struct iommu_hwpt_pgfault rec;
	struct guest *g = &self->s.g;
	struct model_job job;
	struct model other;
	char data[PAGE];

	other = g->m;
	other.fd = open("/dev/iommufd_model", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, other.fd);
	g->d.model = &other;
	ASSERT_EQ(0, one_outstanding(self, variant, data, &job, &rec));
	g->d.model = &g->m;
	/* Ends its DMAs */
	close(other.fd);
	ASSERT_EQ(0, page_in(self, variant, 0));
	ASSERT_EQ(0, guest_answer(g, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	while (counter(g, "stalls-retried") < 1)
		usleep(1000);
	EXPECT_TRUE(all_bytes(data_page(g, 0), 0, PAGE));
}

/* --- what does not stall --- */

FIXTURE(never) {
	struct smmu_guest s;
	struct s1 t;
	__u32 hwpt;
};

FIXTURE_SETUP(never)
{
	memset(self, 0, sizeof(*self));
	self->s.g.fd = -1;
	self->s.g.m.fd = -1;
	self->s.g.queue = -1;
	self->s.g.d.v.fd = -1;
}

FIXTURE_TEARDOWN(never)
{
	struct guest *g = &self->s.g;

	if (g->m.fd >= 0) {
		EXPECT_EQ(0, counter(g, "stalls"));
		EXPECT_EQ(0, counter(g, "stalls-full"));
		STALL_CHECK(g, 0, 0);
	}
	guest_stop(g);
}

#define NEVER_START(can_stall) do {					\
	int _rc = start(&self->s.g, can_stall);				\
									\
	if (_rc == GUEST_NONE)						\
		SKIP(return, "this kernel has no model of an SMMUv3");	\
	ASSERT_EQ(0, _rc);						\
} while (0)

/* A blocked access, of requests without PASID and of PASID */
#define EXPECT_BLOCKED(g, pasid) do {					\
	char _data[16] = "";						\
									\
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,				\
		  guest_write(g, pasid, VA, _data, sizeof(_data)));	\
} while (0)

/* What the probe says of stalls: their depth, or -1: there are none */
static long long stalls_told(struct guest *g)
{
	const struct iommu_probe_property *property;
	const struct iommu_probe_faults *faults;
	long long depth = -1;
	struct probe p;

	if (probe_read(g->fd, g->d.v.id, &p))
		return -2;
	property = probe_find(&p, IOMMU_PROBE_FAULTS, 0);
	faults = property ? probe_value(property) : NULL;
	if (faults && faults->flags == IOMMU_PROBE_FAULTS_STALL)
		depth = faults->stall_depth;
	else if (!faults || faults->flags || faults->stall_depth)
		depth = -2;
	probe_free(&p);
	return depth;
}

/* A VMM is told beforehand how many accesses may wait for it, and of whom none do. */
TEST_F(never, told_of_those_that_can)
{
	NEVER_START(true);
	EXPECT_EQ(STALL_MAX, stalls_told(&self->s.g));
}

TEST_F(never, told_of_those_that_cannot)
{
	NEVER_START(false);
	EXPECT_EQ(-1, stalls_told(&self->s.g));
}

/*
 * A guest asks for stalls, and nobody is there to answer: its descriptor is
 * ILLEGAL (5.2, S1STALLD; 5.5), and can hold up nothing.
 */
TEST_F(never, guest_without_a_queue)
{
	struct smmu_guest *s = &self->s;

	NEVER_START(true);
	ASSERT_EQ(0, smmu_viommu(s, false));
	s1_init(&s->g, &self->t);
	cd_set(s, 0, &self->t, ASID, CD_STALL);
	cd_set(s, PASID, &self->t, ASID, CD_STALL);
	ASSERT_EQ(0, nested(s, 0, false, &self->hwpt));
	ASSERT_EQ(0, guest_attach(&s->g, MODEL_NO_PASID, self->hwpt));
	EXPECT_BLOCKED(&s->g, MODEL_NO_PASID);
	EXPECT_BLOCKED(&s->g, PASID);
	EXPECT_EQ(2, counter(&s->g, "event-10"));
}

/* The guest's own entry says that nothing stalls. */
TEST_F(never, guest_that_disables_them)
{
	struct smmu_guest *s = &self->s;

	NEVER_START(true);
	ASSERT_EQ(0, guest_queue(&s->g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, smmu_viommu(s, false));
	s1_init(&s->g, &self->t);
	cd_set(s, 0, &self->t, ASID, CD_STALL);
	cd_set(s, PASID, &self->t, ASID, 0);
	ASSERT_EQ(0, nested(s, STE_S1STALLD, true, &self->hwpt));
	ASSERT_EQ(0, guest_attach(&s->g, MODEL_NO_PASID, self->hwpt));
	EXPECT_BLOCKED(&s->g, MODEL_NO_PASID);
	EXPECT_BLOCKED(&s->g, PASID);
}

/* Its descriptor does not ask for it. */
TEST_F(never, guest_that_does_not_want_them)
{
	struct smmu_guest *s = &self->s;

	NEVER_START(true);
	ASSERT_EQ(0, guest_queue(&s->g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, smmu_viommu(s, true));
	s1_init(&s->g, &self->t);
	cd_set(s, 0, &self->t, ASID, 0);
	ASSERT_EQ(0, nested(s, 0, true, &self->hwpt));
	ASSERT_EQ(0, guest_attach(&s->g, MODEL_NO_PASID, self->hwpt));
	EXPECT_BLOCKED(&s->g, MODEL_NO_PASID);
}

/* The kernel's tables: one without a queue beside one with */
TEST_F(never, pasid_without_a_queue)
{
	struct guest *g = &self->s.g;
	__u32 ioas, with, without;

	NEVER_START(true);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &with));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas, 0, 0, &without));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, with));
	ASSERT_EQ(0, guest_attach(g, PASID, without));
	EXPECT_BLOCKED(g, PASID);
	/* Nothing attached */
	EXPECT_BLOCKED(g, PASID + 1);
}

/* Firmware does not allow it: there is no fault queue for the device. */
TEST_F(never, device_that_cannot)
{
	struct guest *g = &self->s.g;
	__u32 ioas, hwpt;
	int rc;

	NEVER_START(false);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	rc = iommu_hwpt_paging(g->fd, g->d.v.id, ioas, IOMMU_HWPT_FAULT_ID_VALID,
			       g->queue_id, &hwpt);
	if (!rc)
		rc = guest_attach(g, MODEL_NO_PASID, hwpt);
	EXPECT_EQ(-EOPNOTSUPP, rc);
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas, 0, 0, &hwpt));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, hwpt));
	EXPECT_BLOCKED(g, MODEL_NO_PASID);
}

/* A PCI function asks with page requests; what it does without is blocked (13.7). */
TEST_F(never, pci_function)
{
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	__u32 ioas, hwpt;
	char data[16] = "";
	int rc;

	rc = smmu_start(s, NULL, false);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no model of an SMMUv3");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	ASSERT_EQ(0, iommu_ioas_alloc(g->fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, ioas,
				       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
				       &hwpt));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, hwpt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
			    IOMMUFD_MODEL_DMA_UNTRANSLATED, MODEL_NO_PASID, VA,
			    data, sizeof(data), FOREVER_MS));
	/* A guest's descriptor that asks for it is ILLEGAL here too */
	s1_init(g, &self->t);
	cd_set(s, 0, &self->t, ASID, CD_STALL);
	ASSERT_EQ(0, smmu_nested(s, s->viommu, true, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, self->hwpt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
			    IOMMUFD_MODEL_DMA_UNTRANSLATED, MODEL_NO_PASID, VA,
			    data, sizeof(data), FOREVER_MS));
}

/* --- commands that make no sense --- */

TEST_F(never, masters_that_cannot_be)
{
	struct guest *g = &self->s.g;
	struct model_dev d, function;
	struct model_job job;
	struct model vtd;
	char data[16] = "";
	int rc;

	NEVER_START(true);
	EXPECT_EQ(-EEXIST, model_plug_master(&g->m, SID, 0, true, &d));
	EXPECT_EQ(-EINVAL, model_plug_master(&g->m, 0xff, 0, true, &d));
	EXPECT_EQ(-EINVAL, model_plug_master(&g->m, 0x10000, 0, true, &d));
	EXPECT_EQ(-EINVAL, model_plug_master(&g->m, SID + 1, 21, true, &d));
	d = g->d;
	d.rid = SID + 1;
	EXPECT_EQ(-ENODEV, model_unplug_master(&d));
	EXPECT_EQ(-ENODEV, model_job_start(&d, 0, MODEL_NO_PASID, VA, data, 16,
					   0, &job));
	/* Not a function's DMA, nor with what only that has */
	function = g->d;
	function.master = false;
	EXPECT_EQ(-ENODEV, model_job_start(&function, 0, MODEL_NO_PASID, VA,
					   data, 16, 0, &job));
	EXPECT_EQ(-EINVAL, model_job_start(&g->d, 0, MODEL_NO_PASID, VA, data,
					   16, 4, &job));
	EXPECT_EQ(-EINVAL, start_dma(g, IOMMUFD_MODEL_DMA_UNTRANSLATED,
				     MODEL_NO_PASID, VA, data, 16, &job));
	EXPECT_EQ(-EINVAL, start_dma(g, 0, 1U << PASID_BITS, VA, data, 16,
				     &job));
	rc = model_vtd_add(&vtd, 0, 0);
	if (rc == -ENOENT)
		return;
	ASSERT_EQ(0, rc);
	EXPECT_EQ(-EOPNOTSUPP, model_plug_master(&vtd, SID, 0, true, &d));
	model_remove(&vtd);
}

/* A machine does not go under what was made for it. */
TEST_F(stall, unit_with_a_viommu)
{
	struct guest *g = &self->s.g;

	EXPECT_EQ(-EBUSY, model_remove(&g->m));
	model_dev_close(&g->d);
	/* The device has gone, the HWPT and the vIOMMU are there */
	EXPECT_EQ(-EBUSY, model_remove(&g->m));
	EXPECT_EQ(0, iommu_destroy(g->fd, self->hwpt));
	if (variant->tables != TABLES_KERNEL) {
		EXPECT_EQ(-EBUSY, model_remove(&g->m));
		EXPECT_EQ(0, iommu_destroy(g->fd, self->s.viommu));
	}
	EXPECT_EQ(0, iommu_destroy(g->fd, g->parent));
}

TEST_HARNESS_MAIN
