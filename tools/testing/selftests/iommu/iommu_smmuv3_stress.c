// SPDX-License-Identifier: GPL-2.0
/*
 * The SMMUv3 driver under load, on the hardware model: model_stress_cases.h with
 * tables that the kernel keeps; the storms among these also with a guest's, behind a
 * vIOMMU; and what is this driver's: functions that answer no invalidations, or let
 * the unit wait for it.
 */
#include "smmuv3_stress.h"

#define STRESS_KIND	smmuv3_kind
#define STRESS_NAME	"SMMUv3"
#include "model_stress_cases.h"

/* --- a guest's context descriptors --- */

FIXTURE(guest) {
	struct ms s;
};

FIXTURE_SETUP(guest)
{
	int rc = ms_init(&self->s, &smmuv3_guest_kind, MEMORY);

	if (rc == -ENODEV)
		SKIP(return, "there is no SMMUv3 model");
	MS_OK(&self->s, rc);
}

FIXTURE_TEARDOWN(guest)
{
	if (self->s.model.fd >= 0 && self->s.memory)
		MS_OK(&self->s, ms_exit(&self->s));
}

TEST_F_TIMEOUT(guest, pasids_64_groups_32_one_queue, 300)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 1,
	};

	MS_OK(&self->s, fly(&self->s, &f));
}

/* A function's PASIDs have one queue in common. */
TEST_F_TIMEOUT(guest, pasids_64_groups_32_four_queues, 300)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 4,
	};

	MS_OK(&self->s, fly(&self->s, &f));
}

TEST_F_TIMEOUT(guest, queue_overflow, 600)
{
	static struct flood f;

	MS_OK(&self->s, flood(&self->s, &f));
}

/* --- a function that answers no invalidations --- */

/* Keeps the driver busy with another function, as others do at any time */
struct busy {
	struct ms *s;
	struct ms_space *sp;
	pthread_t thread;
	atomic_bool stop;
	int rc;
};

static void *keep_busy(void *arg)
{
	struct busy *b = arg;
	__u32 dev = b->sp->f->v.id;

	while (!b->rc && !atomic_load(&b->stop)) {
		__u32 pt = b->sp->hwpt;

		b->rc = iommu_pasid_detach(b->s->fd, dev, b->sp->pasid) ?:
			iommu_pasid_attach(b->s->fd, dev, b->sp->pasid, &pt);
	}
	return NULL;
}

/* Writes without a pause where it could write before */
struct writer {
	struct ms *s;
	struct model_dev *f;
	__u32 pasid;
	pthread_t thread;
	atomic_uint done;
	atomic_int ended;
};

static void *keep_writing(void *arg)
{
	struct writer *w = arg;
	unsigned char byte = 0x77;
	int rc;

	do {
		rc = model_dma(w->f, IOMMUFD_MODEL_DMA_WRITE, w->pasid, MS_GVA,
			       &byte, 1, FOREVER_MS);
		atomic_fetch_add(&w->done, 1);
	} while (rc == IOMMUFD_MODEL_DMA_OK);
	atomic_store(&w->ended, rc);
	return NULL;
}

/*
 * @s->f[0] wrote to a page and has that translated. It does not hear that the page
 * goes, or, with @detach, that its PASID goes, and then the page. When IOAS_UNMAP has
 * returned, the page is its owner's alone.
 */
static int silent(struct ms *s, struct ms_space *sp, bool detach)
{
	struct writer w = { .s = s, .f = &s->f[0], .pasid = sp->pasid };
	unsigned char *page = ms_pages(s, 1);
	unsigned int i, done;

	if (!page)
		return -ENOMEM;
	memset(page, 0, PAGE);
	MS_MUST(s, smmuv3_leaf(s, sp, 0, page));
	MS_MUST(s, pthread_create(&w.thread, NULL, keep_writing, &w));
	while (atomic_load(&w.done) < 3)
		sched_yield();
	MS_SAME(s, 0x77, page[0]);
	MS_MUST(s, model_misbehave(w.f, IOMMUFD_MODEL_NO_INVALIDATE));
	if (detach)
		MS_MUST(s, iommu_pasid_detach(s->fd, w.f->v.id, sp->pasid));
	MS_MUST(s, smmuv3_leaf(s, sp, 0, NULL));
	page[0] = 0;
	done = atomic_load(&w.done);
	for (i = 0; i < 100; i++) {
		MS_SAME(s, 0, __atomic_load_n(page, __ATOMIC_RELAXED));
		sched_yield();
	}
	pthread_join(w.thread, NULL);
	MS_SAME(s, 0, __atomic_load_n(page, __ATOMIC_RELAXED));
	MS_SAME(s, IOMMUFD_MODEL_DMA_BLOCKED,
		(unsigned int)atomic_load(&w.ended));
	/* The one that was under way, and the next */
	if (atomic_load(&w.done) > done + 2)
		return ms_fail(s, __LINE__, "%u DMAs after the unmap",
			       atomic_load(&w.done) - done);
	return 0;
}

/* Another function on the same table is served as ever, and so is the next one. */
TEST_F_TIMEOUT(stress, no_answer_to_invalidations, 120)
{
	struct busy busy = { .s = &self->s };
	struct ms *s = &self->s;
	unsigned char *page;
	struct ms_space *sp;
	struct ms_queue q;
	unsigned int i;
	__u32 pt;

	MS_OK(s, ms_queue(s, &q, 64));
	for (i = 0; i < 3; i++)
		MS_OK(s, ms_plug(s, i, 64, 0));
	MS_OK(s, ms_space(s, &s->f[1], 1, &q, 8));
	MS_OK(s, ms_space(s, &s->f[2], 2, &q, 8));
	sp = &s->space[0];
	busy.sp = &s->space[1];
	ASSERT_EQ(0, pthread_create(&busy.thread, NULL, keep_busy, &busy));
	for (i = 0; i < 6 * test_scale(); i++) {
		pt = sp->hwpt;
		MS_OK(s, iommu_pasid_attach(s->fd, s->f[0].v.id, 1, &pt));
		/* What keeps ATS on when PASID 1 goes */
		pt = busy.sp->hwpt;
		MS_OK(s, iommu_pasid_attach(s->fd, s->f[0].v.id, 3, &pt));
		MS_OK(s, silent(s, sp, i & 1));
		page = ms_pages(s, 1);
		ASSERT_NE(NULL, page);
		memset(page, 0x22 + i, PAGE);
		MS_OK(s, smmuv3_leaf(s, sp, 0, page));
		ASSERT_EQ(0x22 + i, reads(s, 1, 1));
		ASSERT_EQ(-IOMMUFD_MODEL_DMA_BLOCKED, reads(s, 0, 1));
		/* From now on nothing depends on it. */
		MS_OK(s, ms_flush(s, sp, MS_GVA, 1, NULL));
		ASSERT_EQ(0x22 + i, reads(s, 1, 1));
		MS_OK(s, smmuv3_leaf(s, sp, 0, NULL));
		model_dev_close(&s->f[0]);
		MS_OK(s, model_unplug(&s->f[0], false));
		MS_OK(s, ms_plug(s, 0, 64, 0));
	}
	atomic_store(&busy.stop, true);
	pthread_join(busy.thread, NULL);
	EXPECT_EQ(0, busy.rc);
	close(q.fd);
}

/* --- a function that lets the unit wait for its completions --- */

static unsigned char *page_of(unsigned char value)
{
	unsigned char *page = mem_get(PAGE);

	if (page)
		memset(page, value, PAGE);
	return page;
}

static int writes(struct ms *s, unsigned int n, __u32 pasid,
		  unsigned char value)
{
	return model_dma(&s->f[n], IOMMUFD_MODEL_DMA_WRITE, pasid, MS_GVA,
			 &value, 1, FOREVER_MS);
}

#define SPREAD	2048

/*
 * The guest of f[1] gives a page away that its function can still reach, because f[0]
 * of another guest holds up the unit. Whoever gets memory now must not get that page:
 * what f[1] writes is found nowhere.
 */
static int held_up(struct ms *s, struct ms_space *bad, struct ms_space *good,
		   bool timeout)
{
	unsigned char *theirs = page_of(0), *ours = page_of(0), *spread, *later;
	unsigned int i;
	__u64 begin;
	long before;

	if (!theirs || !ours)
		return -ENOMEM;
	MS_MUST(s, iommu_map(s->fd, bad->ioas, theirs, PAGE, MS_GVA));
	before = pinned_pages();
	MS_MUST(s, iommu_map(s->fd, good->ioas, ours, PAGE, MS_GVA));
	MS_SAME(s, (unsigned long long)before + 1, (unsigned long long)pinned_pages());
	MS_SAME(s, IOMMUFD_MODEL_DMA_OK, (unsigned int)writes(s, 0, 1, 0x11));
	MS_SAME(s, IOMMUFD_MODEL_DMA_OK, (unsigned int)writes(s, 1, 2, 0x22));
	MS_SAME(s, 0x22, ours[0]);

	MS_MUST(s, model_inject(&s->model, MODEL_SMMUV3_WITHHOLD,
				s->f[0].rid + 1));
	MS_MUST(s, iommu_unmap(s->fd, bad->ioas, MS_GVA, PAGE, NULL));
	/* The unit waits; others do not, or not for long */
	begin = now_ms();
	MS_MUST(s, iommu_unmap(s->fd, good->ioas, MS_GVA, PAGE, NULL));
	if (now_ms() - begin > 30000)
		return ms_fail(s, __LINE__, "others waited for %llu ms",
			       now_ms() - begin);
	/* Both pages are kept, and charged */
	MS_SAME(s, (unsigned long long)before + 1, (unsigned long long)pinned_pages());
	/* The function does not know: into a page that is nobody else's */
	MS_SAME(s, IOMMUFD_MODEL_DMA_OK, (unsigned int)writes(s, 1, 2, 0x33));
	MS_SAME(s, 0x33, ours[0]);
	munmap(ours, PAGE);
	munmap(theirs, PAGE);
	spread = mem_get(SPREAD * PAGE);
	if (!spread)
		return -ENOMEM;
	memset(spread, 0x5a, SPREAD * PAGE);
	for (i = 0; i < 16; i++)
		MS_SAME(s, IOMMUFD_MODEL_DMA_OK,
			(unsigned int)writes(s, 1, 2, 0x77));
	for (i = 0; i < SPREAD * PAGE; i++)
		if (spread[i] != 0x5a)
			return ms_fail(s, __LINE__,
				       "page %u was written by a device that lost it",
				       i / (unsigned int)PAGE);
	munmap(spread, SPREAD * PAGE);

	/* Nobody waits any more, or the completions come */
	if (timeout)
		MS_MUST(s, model_inject(&s->model, MODEL_SMMUV3_ATC_TIMEOUT, 1));
	MS_MUST(s, model_inject(&s->model, MODEL_SMMUV3_WITHHOLD, 0));
	begin = now_ms();
	while (pinned_pages() != before - 1) {
		if (now_ms() - begin > FOREVER_MS)
			return ms_fail(s, __LINE__, "%ld pages stay, not %ld",
				       pinned_pages(), before - 1);
		usleep(10000);
	}
	/* The guest of f[1] is as before; f[0] is out */
	MS_SAME(s, IOMMUFD_MODEL_DMA_BLOCKED, (unsigned int)writes(s, 1, 2, 1));
	later = page_of(0);
	if (!later)
		return -ENOMEM;
	MS_MUST(s, iommu_map(s->fd, good->ioas, later, PAGE, MS_GVA));
	MS_MUST(s, iommu_map(s->fd, bad->ioas, later, PAGE, MS_GVA));
	MS_SAME(s, IOMMUFD_MODEL_DMA_OK, (unsigned int)writes(s, 1, 2, 0x44));
	MS_SAME(s, 0x44, later[0]);
	MS_SAME(s, IOMMUFD_MODEL_DMA_BLOCKED,
		(unsigned int)writes(s, 0, 1, 0x55));
	MS_SAME(s, 0x44, later[0]);
	MS_MUST(s, iommu_unmap(s->fd, good->ioas, MS_GVA, PAGE, NULL));
	MS_MUST(s, iommu_unmap(s->fd, bad->ioas, MS_GVA, PAGE, NULL));
	MS_SAME(s, (unsigned long long)before - 1,
		(unsigned long long)pinned_pages());
	munmap(later, PAGE);
	return 0;
}

TEST_F_TIMEOUT(stress, completions_withheld, 300)
{
	struct ms *s = &self->s;
	unsigned int i;
	__u32 pt;

	if (pinned_pages() < 0)
		SKIP(return, "the kernel does not show VmPin");
	for (i = 0; i < 2; i++) {
		MS_OK(s, ms_plug(s, i, 64, 0));
		MS_OK(s, ms_space(s, &s->f[i], i + 1, NULL, 8));
	}
	for (i = 0; i < 2; i++) {
		MS_OK(s, held_up(s, &s->space[0], &s->space[1], !i));
		/* It is believed again when it is probed again */
		model_dev_close(&s->f[0]);
		MS_OK(s, model_unplug(&s->f[0], false));
		MS_OK(s, ms_plug(s, 0, 64, 0));
		pt = s->space[0].hwpt;
		MS_OK(s, iommu_pasid_attach(s->fd, s->f[0].v.id, 1, &pt));
	}
}

TEST_HARNESS_MAIN
