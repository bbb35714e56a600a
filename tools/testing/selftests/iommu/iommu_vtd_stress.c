// SPDX-License-Identifier: GPL-2.0
/*
 * The VT-d driver under load, on the hardware model: model_stress_cases.h, and what
 * is VT-d's: a function that answers no invalidations of tables the kernel does not
 * know, and every inner step made to fail.
 */
#include "fail_nth.h"
#include "vtd_stress.h"

#define STRESS_KIND	vtd_kind
#define STRESS_NAME	"VT-d"
#include "model_stress_cases.h"

/*
 * A function that answers no invalidation: who asked for it is told, the others'
 * translations are gone, and the function is not believed any more.
 */
TEST_F_TIMEOUT(stress, no_answer_to_invalidations, 60)
{
	struct ms *s = &self->s;
	unsigned char *page[2];
	struct ms_space *sp;
	struct ms_queue q;
	__u32 num, pt;
	int i;

	MS_OK(s, ms_queue_to_end(s, &q, 64));
	MS_OK(s, ms_plug(s, 0, 64, 0));
	MS_OK(s, ms_plug(s, 1, 64, 0));
	MS_OK(s, ms_space(s, &s->f[0], 1, &q, 8));
	sp = &s->space[0];
	pt = sp->hwpt;
	MS_OK(s, iommu_pasid_attach(s->fd, s->f[1].v.id, 1, &pt));
	for (i = 0; i < 2; i++) {
		page[i] = ms_pages(s, 1);
		ASSERT_NE(NULL, page[i]);
		memset(page[i], 0x11 * (i + 1), PAGE);
	}
	MS_OK(s, vtd_leaf(s, sp, 0, page[0]));
	ASSERT_EQ(0x11, reads(s, 0, 1));
	ASSERT_EQ(0x11, reads(s, 1, 1));

	MS_OK(s, model_misbehave(&s->f[0], IOMMUFD_MODEL_NO_INVALIDATE));
	MS_OK(s, vtd_leaf(s, sp, 0, page[1]));
	/* Both have it in their caches still. */
	ASSERT_EQ(0x11, reads(s, 1, 1));
	num = 3;
	EXPECT_EQ(-ETIMEDOUT, ms_flush(s, sp, MS_GVA, 1, &num));
	EXPECT_EQ(0, num);
	EXPECT_EQ(0x22, reads(s, 1, 1));
	for (i = 0; i < 500 && reads(s, 0, 1) != -IOMMUFD_MODEL_DMA_BLOCKED;
	     i++)
		sleep_ms(10);
	EXPECT_EQ(-IOMMUFD_MODEL_DMA_BLOCKED, reads(s, 0, 1));
	/* From now on nothing depends on it. */
	num = 3;
	EXPECT_EQ(0, ms_flush(s, sp, MS_GVA, 1, &num));
	EXPECT_EQ(3, num);
	EXPECT_EQ(0x22, reads(s, 1, 1));

	model_dev_close(&s->f[0]);
	MS_OK(s, model_unplug(&s->f[0], false));
	MS_OK(s, ms_plug(s, 0, 64, 0));
	pt = sp->hwpt;
	MS_OK(s, iommu_pasid_attach(s->fd, s->f[0].v.id, 1, &pt));
	EXPECT_EQ(0x22, reads(s, 0, 1));
}

/* --- every inner step made to fail --- */

/* What the operations work with */
struct failing {
	struct ms *s;
	struct ms_queue q;
	__u32 nested;
	__u32 other;
	__u32 paging;
	__u32 made;
	int made_fd;
	int fail_fd;
};

static int fail_none(struct failing *f)
{
	(void)f;
	return 0;
}

static int fail_destroy(struct failing *f)
{
	return iommu_destroy(f->s->fd, f->made);
}

static int fail_nested(struct failing *f)
{
	return vtd_nested(f->s, &f->s->f[0], f->s->space[0].root, &f->q,
			  &f->made);
}

static int fail_attach_to(struct failing *f, __u32 pt, bool replace)
{
	__u32 dev = f->s->f[0].v.id;

	return replace ? iommu_pasid_replace(f->s->fd, dev, 7, &pt) :
			 iommu_pasid_attach(f->s->fd, dev, 7, &pt);
}

static int fail_attach(struct failing *f)
{
	return fail_attach_to(f, f->nested, false);
}

static int fail_attach_paging(struct failing *f)
{
	return fail_attach_to(f, f->paging, false);
}

static int fail_attach_ioas(struct failing *f)
{
	return fail_attach_to(f, f->s->ioas, false);
}

static int fail_replace(struct failing *f)
{
	return fail_attach_to(f, f->other, true);
}

static int fail_replace_paging(struct failing *f)
{
	return fail_attach_to(f, f->paging, true);
}

static int fail_replace_ioas(struct failing *f)
{
	return fail_attach_to(f, f->s->ioas, true);
}

static int fail_detach(struct failing *f)
{
	return iommu_pasid_detach(f->s->fd, f->s->f[0].v.id, 7);
}

static int fail_flush(struct failing *f)
{
	__u32 num = 3;

	return ms_flush(f->s, &f->s->space[0], MS_GVA, 1, &num);
}

static int fail_rid_attach(struct failing *f)
{
	__u32 pt = f->nested;

	return vfio_dev_attach(&f->s->f[0].v, &pt);
}

static int fail_rid_replace(struct failing *f)
{
	__u32 pt = f->other;

	return vfio_dev_attach(&f->s->f[0].v, &pt);
}

static int fail_rid_detach(struct failing *f)
{
	return vfio_dev_detach(&f->s->f[0].v);
}

static int fail_eventq(struct failing *f)
{
	struct iommu_hwpt_eventq_alloc cmd = {
		.size = sizeof(cmd),
		.hwpt_id = f->nested,
		.depth = 16,
	};
	int rc = iommu_call(f->s->fd, IOMMU_HWPT_EVENTQ_ALLOC, &cmd);

	if (!rc) {
		f->made = cmd.out_eventq_id;
		f->made_fd = (int)cmd.out_eventq_fd;
	}
	return rc;
}

static int fail_eventq_undo(struct failing *f)
{
	close(f->made_fd);
	return iommu_destroy(f->s->fd, f->made);
}

/**
 * struct fail_op - one operation
 * @name: of it
 * @prepare: before each try
 * @run: what failures are injected into
 * @undo: takes back what a successful @run did
 * @moves: an answer that cannot be stored is EFAULT, though it was carried out
 */
struct fail_op {
	const char *name;
	int (*prepare)(struct failing *f);
	int (*run)(struct failing *f);
	int (*undo)(struct failing *f);
	bool moves;
};

static const struct fail_op fail_ops[] = {
	{ "HWPT_ALLOC of a nested one", fail_none, fail_nested, fail_destroy,
	  false },
	{ "PASID_ATTACH to a nested one", fail_none, fail_attach, fail_detach,
	  false },
	{ "PASID_ATTACH to a paging one with a queue", fail_none,
	  fail_attach_paging, fail_detach, false },
	{ "PASID_ATTACH to an IOAS", fail_none, fail_attach_ioas, fail_detach,
	  false },
	{ "PASID_REPLACE, nested by nested", fail_attach, fail_replace,
	  fail_detach, true },
	{ "PASID_REPLACE, nested by paging", fail_attach, fail_replace_paging,
	  fail_detach, true },
	{ "PASID_REPLACE, nested by an IOAS", fail_attach, fail_replace_ioas,
	  fail_detach, true },
	{ "PASID_DETACH", fail_attach, fail_detach, fail_none, false },
	{ "HWPT_INVALIDATE", fail_none, fail_flush, fail_none, false },
	{ "HWPT_EVENTQ_ALLOC", fail_none, fail_eventq, fail_eventq_undo,
	  false },
	{ "ATTACH_IOMMUFD_PT, nested", fail_none, fail_rid_attach,
	  fail_rid_detach, true },
	{ "ATTACH_IOMMUFD_PT, nested by nested", fail_rid_attach,
	  fail_rid_replace, fail_rid_detach, true },
};

/* Returns how many failures there were, or -1. */
static int fail_sweep(struct failing *f, const struct fail_op *op)
{
	static struct fdinfo before, after;
	struct ms *s = f->s;
	unsigned int nth;

	for (nth = 1; nth < 400; nth++) {
		bool injected;
		int rc;

		if (op->prepare(f))
			return ms_fail(s, __LINE__, "%s: prepare", op->name);
		state_of(s->fd, &before);
		if (!arm(f->fail_fd, nth))
			return ms_fail(s, __LINE__, "%s: arm", op->name);
		rc = op->run(f);
		injected = fired(f->fail_fd);
		if (rc && !injected)
			return ms_fail(s, __LINE__, "%s: %d", op->name, rc);
		state_of(s->fd, &after);
		if (rc && !(op->moves && rc == -EFAULT &&
			    strcmp(before.text, after.text))) {
			if (strcmp(before.text, after.text))
				return ms_fail(s, __LINE__,
					       "%s: step %u: %d, and it left something",
					       op->name, nth, rc);
			rc = op->run(f);
			if (rc)
				return ms_fail(s, __LINE__,
					       "%s: again after step %u: %d",
					       op->name, nth, rc);
		}
		if (op->undo(f))
			return ms_fail(s, __LINE__, "%s: undo after step %u",
				       op->name, nth);
		if (!injected) {
			ksft_print_msg("%4u failures: %s\n", nth - 1, op->name);
			return (int)nth - 1;
		}
		/* Others are served as before. */
		MS_SAME(s, 0x5a, (unsigned int)reads(s, 0, 1));
	}
	return ms_fail(s, __LINE__, "%s: no end", op->name);
}

TEST_F_TIMEOUT(stress, every_step_fails, 120)
{
	static struct failing f;
	struct ms *s = &self->s;
	unsigned char *page;
	unsigned int i;
	int n, all = 0;

	f.s = s;
	f.fail_fd = fail_nth_open();
	if (f.fail_fd < 0 || !injectors_ready())
		SKIP(return, "this kernel injects no failures");
	MS_OK(s, ms_queue(s, &f.q, 64));
	MS_OK(s, ms_plug(s, 0, 64, 0));
	MS_OK(s, ms_space(s, &s->f[0], 1, &f.q, 8));
	page = ms_pages(s, 1);
	ASSERT_NE(NULL, page);
	memset(page, 0x5a, PAGE);
	MS_OK(s, vtd_leaf(s, &s->space[0], 0, page));
	MS_OK(s, vtd_nested(s, &s->f[0], s->space[0].root, &f.q, &f.nested));
	MS_OK(s, vtd_nested(s, &s->f[0], s->space[0].root, NULL, &f.other));
	MS_OK(s, iommu_hwpt_paging(s->fd, s->f[0].v.id, s->ioas,
				   IOMMU_HWPT_FAULT_ID_VALID, f.q.id,
				   &f.paging));
	for (i = 0; i < ARRAY_LEN(fail_ops); i++) {
		n = fail_sweep(&f, &fail_ops[i]);
		ASSERT_LE(0, n) TH_LOG("%s", s->why);
		all += n;
	}
	ksft_print_msg("%4u failures in all\n", all);
	EXPECT_LT(0, all);
	close(f.fail_fd);
	close(f.q.fd);
}

TEST_HARNESS_MAIN
