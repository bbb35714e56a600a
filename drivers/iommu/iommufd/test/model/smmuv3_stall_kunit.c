// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stalls of the SMMUv3 model, and the platform device that waits for their end.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "smmuv3_model_kunit.h"
#include "stall_master.h"

#define READS		MODEL_READ
#define S(n)		((u64)(n) << 32)
#define RETRY		BIT(12)
#define ABORT		BIT(13)
#define EV_STALL	BIT_ULL(31)

/* A stream whose substream SSID stalls */
static struct sm *plain(struct kunit *test)
{
	struct sm *f = sm_unit(test);

	sm_stage1(f);
	f->cds[SSID * 8] |= CD_S;
	sm_flush(f);
	return f;
}

static u16 stag(struct sm *f)
{
	return f->ev[1] & 0xffff;
}

static void resumes(struct kunit *test)
{
	static const struct {
		u64 action;
		enum model_resume how;
	} tries[] = {
		{ RETRY, MODEL_RESUME_RETRY }, { ABORT, MODEL_RESUME_ABORT },
		{ 0, MODEL_RESUME_IGNORE }, { RETRY | ABORT, MODEL_RESUME_RETRY },
	};
	const unsigned int num = ARRAY_SIZE(tries);
	struct sm *f = plain(test);
	unsigned int i;
	u16 last = 0;

	/* so often that the tag has had all its bits */
	for (i = 0; i < 8 * num; i++) {
		SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA + 3));
		SM_EXPECT_EQ(test, i, f->resumes);
		SM_EXPECT_EQ(test, 0x10, sm_event(f));
		SM_EXPECT_EQ(test, S(SID) | SSID << 12 | 1 << 11 | 0x10, f->ev[0]);
		SM_EXPECT_EQ(test, 1ULL << 35 | 2ULL << 40 | EV_STALL,
			     f->ev[1] & ~0xffffULL);
		SM_EXPECT_EQ(test, VA + 3, f->ev[2]);
		/* A tag is not the same soon. */
		SM_EXPECT_TRUE(test, !i || stag(f) != last);
		last = stag(f);
		sm_ok(f, 0x44 | S(SID) | tries[i % num].action, stag(f));
		SM_EXPECT_EQ(test, i + 1, f->resumes);
		SM_EXPECT_EQ(test, tries[i % num].how, f->resume_how);
		SM_EXPECT_EQ(test, 0x77, f->resume_tag);
	}
	SM_EXPECT_EQ(test, 32, sm_counts(f)->stalls);
	SM_EXPECT_EQ(test, 16, sm_counts(f)->resumes[MODEL_RESUME_RETRY]);
	/* Others do not stall, and nor do errors of configuration. */
	SM_EXPECT_EQ(test, 0x10, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0, f->ev[1] & EV_STALL);
	f->cds[SSID * 8] &= ~(1ULL << 31);
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa, sm_dma(f, SSID, READS, VA));
}

/* Each kind of fault stalls, and nothing is written to memory that stalled. */
static void kinds(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 pa = virt_to_phys(f->data[0]);

	sm_map_s1(f, VA, pa | S1_PAGE | S1_RO);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, MODEL_WRITE, VA));
	SM_EXPECT_EQ(test, 0x13, sm_event(f));
	SM_EXPECT_EQ(test, 2ULL << 40 | EV_STALL, f->ev[1] & ~0xffffULL);
	SM_EXPECT_EQ(test, 0xa0, f->data[0][0]);
	sm_ok(f, 0x44 | S(SID) | ABORT, stag(f));
	sm_map_s1(f, VA, pa | (S1_PAGE & ~AF));
	sm_flush(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x12, sm_event(f));
	sm_ok(f, 0x44 | S(SID) | ABORT, stag(f));
	/* R and A do not matter. */
	f->cds[SSID * 8] &= ~(3ULL << 45);
	sm_flush(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x12, sm_event(f));
	sm_ok(f, 0x44 | S(SID) | ABORT, stag(f));
	/* A translation request does not stall. */
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, VA,
					    &(struct model_translation){}));
	SM_EXPECT_EQ(test, 0, sm_event(f));
}

static void stage2(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 ipa = 0x4000000000ULL;

	sm_nested(f);
	f->ste[1] = STE1;
	f->ste[2] |= STE2_S2S;
	sm_map_s1(f, VA, ipa | S1_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	SM_EXPECT_EQ(test, 1ULL << 35 | 1ULL << 39 | 2ULL << 40 | EV_STALL,
		     f->ev[1] & ~0xffffULL);
	SM_EXPECT_EQ(test, ipa, f->ev[3]);
	sm_ok(f, 0x44 | S(SID) | RETRY, stag(f));
	/* What stage 1 does not have is stage 1's, and does not stall. */
	SM_EXPECT_EQ(test, 0x10, sm_dma(f, SSID, READS, VA + SZ_4K));
	SM_EXPECT_EQ(test, 0, f->ev[1] & EV_STALL);
	/* Nor does an address that is too large, without stage 1. */
	sm_set_ste(f, SID, STE0(CFG_S2), STE1, STE2 | STE2_S2S, virt_to_phys(f->s2));
	sm_flush(f);
	SM_EXPECT_EQ(test, 0x11, sm_dma(f, NO_SSID, READS, 1ULL << 48));
	SM_EXPECT_EQ(test, 0, f->ev[1] & EV_STALL);
}

static void wrong_resumes(struct kunit *test)
{
	struct sm *f = plain(test);
	unsigned long before;
	u16 tag;

	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	tag = stag(f);
	before = sm_violations_meant();
	/* another stream's, another tag, and one that is over */
	sm_ok(f, 0x44 | S(SID_OTHER) | RETRY, tag);
	sm_ok(f, 0x44 | S(SID) | RETRY, tag ^ 1);
	sm_ok(f, 0x44 | S(SID) | RETRY, tag ^ 0x8000);
	SM_EXPECT_EQ(test, 3, sm_violations_came(before));
	SM_EXPECT_EQ(test, 0, f->resumes);
	sm_ok(f, 0x44 | S(SID) | RETRY, tag);
	SM_EXPECT_EQ(test, 1, f->resumes);
	before = sm_violations_meant();
	sm_ok(f, 0x44 | S(SID) | RETRY, tag);
	SM_EXPECT_EQ(test, 1, sm_violations_came(before));
	SM_EXPECT_EQ(test, 1, f->resumes);
}

/* So that CMD_STALL_TERM is allowed (4.7.2) */
static void make_abort(struct sm *f)
{
	sm_set_ste(f, SID, STE0(CFG_ABORT), 0, 0, 0);
	sm_set_ste(f, SID_OTHER, STE0(CFG_ABORT), 0, 0, 0);
	sm_flush(f);
}

static void terminate(struct kunit *test)
{
	struct sm *f = plain(test);
	unsigned long before;
	unsigned int i;

	for (i = 0; i < 3; i++)
		SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA + i));
	before = sm_violations_meant();
	sm_ok(f, 0x45 | S(SID), 0);
	SM_EXPECT_EQ(test, 1, sm_violations_came(before));
	SM_EXPECT_EQ(test, 0, f->resumes);
	make_abort(f);
	sm_ok(f, 0x45 | S(SID_OTHER), 0);
	SM_EXPECT_EQ(test, 0, f->resumes);
	sm_ok(f, 0x45 | S(SID), 0);
	SM_EXPECT_EQ(test, 3, f->resumes);
	SM_EXPECT_EQ(test, MODEL_RESUME_ABORT, f->resume_how);
	SM_EXPECT_EQ(test, 3, sm_counts(f)->stall_terms);
	sm_ok(f, 0x45 | S(SID), 0);
	SM_EXPECT_EQ(test, 3, f->resumes);
	while (sm_event(f))
		;
	/* Off: nothing stays. */
	sm_stage1(f);
	f->cds[SSID * 8] |= CD_S;
	sm_flush(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	SM_EXPECT_EQ(test, 4, f->resumes);
	SM_EXPECT_EQ(test, MODEL_RESUME_ABORT, f->resume_how);
}

/* A stall is not lost for want of room in the queue. */
static void queue_full(struct kunit *test)
{
	struct sm *f = plain(test);
	unsigned int i;

	for (i = 0; i < SM_EVENTS; i++)
		SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA + i));
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA + i));
	/* That is no overflow. */
	SM_EXPECT_EQ(test, SM_EVENTS, sm_rd(f, R_EVTQ_PROD));
	SM_EXPECT_EQ(test, 0, sm_counts(f)->event_overflows);
	SM_EXPECT_EQ(test, 1, sm_counts(f)->stall_full);
	SM_EXPECT_EQ(test, 0, f->resumes);
	/* It is made again when there is room. */
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	SM_EXPECT_EQ(test, 1, f->resumes);
	SM_EXPECT_EQ(test, MODEL_RESUME_RETRY, f->resume_how);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, SM_EVENTS + 1, sm_rd(f, R_EVTQ_PROD));
	/* likewise if the queue is off, and while it cannot be written */
	while (sm_event(f))
		;
	sm_wr(f, R_CR0, CR0_ALL & ~4);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 1, f->resumes);
	sm_wr(f, R_CR0, CR0_ALL);
	SM_EXPECT_EQ(test, 2, f->resumes);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_EVENT_ABT, 1);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 2, f->resumes);
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
	SM_EXPECT_EQ(test, 3, f->resumes);
	make_abort(f);
	sm_ok(f, 0x45 | S(SID), 0);
}

/* The record is lost, the transaction is not: it is there to be terminated. */
static void record_lost(struct kunit *test)
{
	struct sm *f = plain(test);

	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_EVENT_ASYNC, 1);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 1, sm_rd(f, R_EVTQ_PROD));
	SM_EXPECT_EQ(test, 1 << 2, sm_rd(f, R_GERROR) ^ sm_rd(f, R_GERRORN));
	SM_EXPECT_EQ(test, 0xff, sm_event(f));
	SM_EXPECT_EQ(test, 1, sm_counts(f)->stalls);
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	SM_EXPECT_EQ(test, 0, f->resumes);
	make_abort(f);
	sm_ok(f, 0x45 | S(SID), 0);
	SM_EXPECT_EQ(test, 1, f->resumes);
	SM_EXPECT_EQ(test, MODEL_RESUME_ABORT, f->resume_how);
	SM_EXPECT_EQ(test, 0, sm_event(f));
}

static void tags_used_up(struct kunit *test)
{
	struct smmuv3_model_config config;
	struct sm *f;
	u16 tag;

	sm_config(&config);
	config.idr5 = (config.idr5 & 0xffff) | 2 << 16;
	f = sm_unit_config(test, &config);
	sm_stage1(f);
	f->cds[SSID * 8] |= CD_S;
	sm_flush(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	tag = stag(f);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	SM_EXPECT_TRUE(test, tag != stag(f));
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	/* One ends, and the one that waits is made again. */
	sm_ok(f, 0x44 | S(SID) | ABORT, tag);
	SM_EXPECT_EQ(test, 2, f->resumes);
	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	make_abort(f);
	sm_ok(f, 0x45 | S(SID), 0);
	SM_EXPECT_EQ(test, 4, f->resumes);
}

/* Whoever cannot wait must not be made to; and one that left is not called. */
static void masters(struct kunit *test)
{
	struct sm *f = plain(test);
	static const struct model_function_ops none = {};
	struct model_function pci = { .ops = &none };
	unsigned long before;

	SM_EXPECT_EQ(test, STALLED, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	f->port->ops->connect(f->port, SID, &pci);
	sm_ok(f, 0x44 | S(SID) | RETRY, stag(f));
	SM_EXPECT_EQ(test, 0, f->resumes);
	before = sm_violations_meant();
	SM_EXPECT_EQ(test, 0x10, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0, f->ev[1] & EV_STALL);
	SM_EXPECT_EQ(test, 1, sm_violations_came(before));
	f->port->ops->connect(f->port, SID, &f->fn);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(resumes),
	KUNIT_CASE(kinds),
	KUNIT_CASE(stage2),
	KUNIT_CASE(wrong_resumes),
	KUNIT_CASE(terminate),
	KUNIT_CASE(record_lost),
	KUNIT_CASE(queue_full),
	KUNIT_CASE(tags_used_up),
	KUNIT_CASE(masters),
	{}
};

struct kunit_suite smmuv3_stall_suite = {
	.name = "iommufd_smmuv3_model_stall",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = cases,
};

/* A master with StreamID SID_OTHER, in the place of the fixture's */
static struct stall_master *master(struct sm *f)
{
	const struct stall_master_config config = {
		.port = f->port, .sid = SID_OTHER, .ssid_bits = 6,
	};
	struct stall_master *m;

	sm_set_ste(f, SID_OTHER, f->ste[0], f->ste[1], f->ste[2], f->ste[3]);
	m = stall_master_create(&config);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(f->test, m);
	return m;
}

static struct stall_dma *start(struct sm *f, struct stall_master *m, u32 flags,
			       u64 length)
{
	const struct model_dma_params params = {
		.flags = flags | MODEL_DMA_PASID, .pasid = SSID, .iova = VA,
		.length = length,
	};
	u8 *buf = kvzalloc(length, GFP_KERNEL);
	struct stall_dma *dma;

	KUNIT_ASSERT_NOT_NULL(f->test, buf);
	memset(buf, 0x5a, length);
	dma = stall_dma_start(m, &params, buf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(f->test, dma);
	return dma;
}

/* The next stall's tag, when it comes */
static u16 next_stag(struct sm *f)
{
	unsigned int i;

	for (i = 0; i < 500; i++) {
		if (sm_event(f)) {
			SM_EXPECT_TRUE(f->test, f->ev[1] & EV_STALL);
			return stag(f);
		}
		msleep(20);
	}
	KUNIT_FAIL(f->test, "no stall came");
	return 0;
}

static void wait(struct sm *f, struct stall_dma *dma, u32 status,
		 struct stall_dma_result *result)
{
	SM_EXPECT_EQ(f->test, 0, stall_dma_wait(dma, 20 * HZ, false, result));
	SM_EXPECT_EQ(f->test, status, result->status);
}

/* Three pages, two of which come while it waits */
static void dma_waits(struct kunit *test)
{
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	struct stall_dma_result result;
	struct stall_dma *dma;
	unsigned int i;
	u16 tag;

	SM_EXPECT_TRUE(test, !strncmp(dev_name(stall_master_device(m)),
				      "iommufd_stall", 13));
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	dma = start(f, m, MODEL_DMA_WRITE, 3 * SZ_4K - 8);
	for (i = 1; i < 3; i++) {
		tag = next_stag(f);
		SM_EXPECT_EQ(test, VA + i * SZ_4K, f->ev[2]);
		SM_EXPECT_EQ(test, -ETIMEDOUT, stall_dma_wait(dma, 1, false, &result));
		SM_EXPECT_EQ(test, i * SZ_4K, result.done);
		/* Too early: it stalls again. */
		sm_ok(f, 0x44 | S(SID_OTHER) | RETRY, tag);
		tag = next_stag(f);
		sm_map_s1(f, VA + i * SZ_4K, virt_to_phys(f->data[i]) | S1_PAGE);
		sm_ok(f, 0x44 | S(SID_OTHER) | RETRY, tag);
	}
	wait(f, dma, MODEL_DMA_OK, &result);
	SM_EXPECT_EQ(test, 3 * SZ_4K - 8, result.done);
	SM_EXPECT_EQ(test, 4, result.stalls);
	SM_EXPECT_EQ(test, 4, result.retries);
	SM_EXPECT_TRUE(test, stall_dma_writes(dma));
	for (i = 0; i < 3; i++)
		SM_EXPECT_EQ(test, 0x5a, f->data[i][SZ_4K - 9]);
	SM_EXPECT_EQ(test, 0, f->data[2][SZ_4K - 1]);
	stall_dma_put(dma);
	stall_master_destroy(m);
}

static void dma_ends(struct kunit *test)
{
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	struct stall_dma_result result;
	struct stall_dma *dma;
	const u8 *data;

	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	dma = start(f, m, 0, 2 * SZ_4K);
	sm_ok(f, 0x44 | S(SID_OTHER) | ABORT, next_stag(f));
	wait(f, dma, MODEL_DMA_FAULTED, &result);
	SM_EXPECT_EQ(test, SZ_4K, result.done);
	stall_dma_put(dma);
	/* As if it had been done: zeros */
	dma = start(f, m, 0, 2 * SZ_4K);
	sm_ok(f, 0x44 | S(SID_OTHER), next_stag(f));
	wait(f, dma, MODEL_DMA_OK, &result);
	data = stall_dma_data(dma);
	SM_EXPECT_EQ(test, 0xa0, data[0]);
	SM_EXPECT_EQ(test, 0, data[SZ_4K]);
	SM_EXPECT_EQ(test, 0, data[2 * SZ_4K - 1]);
	stall_dma_put(dma);
	/* Refused at once */
	f->cds[SSID * 8] &= ~CD_S;
	sm_flush(f);
	dma = start(f, m, 0, 2 * SZ_4K);
	wait(f, dma, MODEL_DMA_BLOCKED, &result);
	SM_EXPECT_EQ(test, 0, result.stalls);
	stall_dma_put(dma);
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	stall_master_destroy(m);
}

/* It ends while it is stalled; the stall is the driver's to end all the same. */
static void dma_gone(struct kunit *test)
{
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	struct stall_dma_result result;
	struct stall_dma *dma;
	u16 tag;

	dma = start(f, m, 0, SZ_4K);
	tag = next_stag(f);
	stall_dma_cancel(dma);
	wait(f, dma, MODEL_DMA_STOPPED, &result);
	stall_dma_put(dma);
	sm_ok(f, 0x44 | S(SID_OTHER) | RETRY, tag);
	dma = start(f, m, 0, SZ_4K);
	tag = next_stag(f);
	stall_master_destroy(m);
	wait(f, dma, MODEL_DMA_GONE, &result);
	stall_dma_put(dma);
	sm_ok(f, 0x44 | S(SID_OTHER) | RETRY, tag);
}

static int refuse(struct device *dev, void *data)
{
	return -EXDEV;
}

static int refused(struct stall_master *m, const struct model_dma_params *params)
{
	void *buf = kvzalloc(8, GFP_KERNEL);

	return PTR_ERR_OR_ZERO(stall_dma_start(m, params, buf));
}

static void dma_invalid(struct kunit *test)
{
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	static const struct model_dma_params bad[] = {
		{ .flags = MODEL_DMA_UNTRANSLATED, .length = 1 },
		{ .flags = MODEL_DMA_PASID, .pasid = 64, .length = 1 },
		{ .pasid = 1, .length = 1 }, { .length = 0 },
		{ .iova = ~0ULL, .length = 2 },
		{ .length = MODEL_DMA_MAX_LENGTH + 1 },
		{ .flags = MODEL_DMA_EXEC | MODEL_DMA_WRITE, .length = 1 },
	};
	struct stall_master_config config = {
		.port = f->port, .sid = 0x200, .ssid_bits = 21,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		SM_EXPECT_EQ(test, -EINVAL, refused(m, &bad[i]));
	SM_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(stall_master_create(&config)));
	config.ssid_bits = 0;
	config.prepare = refuse;
	SM_EXPECT_EQ(test, -EXDEV, PTR_ERR_OR_ZERO(stall_master_create(&config)));
	stall_master_destroy(m);
}

/* Abort all that the queue has, at once. Returns how many. */
static unsigned int abort_all(struct sm *f)
{
	u32 prod = sm_rd(f, R_EVTQ_PROD), cons = sm_rd(f, R_EVTQ_CONS);
	unsigned int num = 0;

	for (; prod != cons; num++) {
		u64 *ev = f->evtq + cons % SM_EVENTS * 4;

		sm_push(f, 0x44 | S(SID_OTHER) | ABORT, ev[1] & 0xffff);
		cons = (cons + 1) % (2 * SM_EVENTS);
	}
	sm_wr(f, R_EVTQ_CONS, cons);
	sm_ok(f, 0x46, 0);
	return num;
}

/* More stalls than the unit has tags, than the queue has room, than the master has */
static void dma_storm(struct kunit *test)
{
	const unsigned int num = STALL_MASTER_REQUESTS + 8;
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	struct stall_dma_result result;
	struct stall_dma **dmas;
	unsigned int i, ended = 0;

	dmas = kunit_kcalloc(test, num, sizeof(*dmas), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dmas);
	for (i = 0; i < num; i++)
		dmas[i] = start(f, m, 0, 16);
	for (i = 0; i < 1000 && ended < num; i++) {
		ended += abort_all(f);
		msleep(20);
	}
	SM_EXPECT_EQ(test, num, ended);
	for (i = 0; i < num; i++) {
		wait(f, dmas[i], MODEL_DMA_FAULTED, &result);
		stall_dma_put(dmas[i]);
	}
	SM_EXPECT_EQ(test, 0, sm_event(f));
	stall_master_destroy(m);
}

/* Many at once, while what they go to is changed and invalidated */
static void dma_beside(struct kunit *test)
{
	struct sm *f = plain(test);
	struct stall_master *m = master(f);
	struct stall_dma_result result;
	struct stall_dma *dmas[16];
	unsigned int i, page;
	const u8 *data;

	for (page = 0; page < 64; page++)
		sm_map_s1(f, VA + page * SZ_4K, virt_to_phys(f->data[0]) | S1_PAGE);
	for (i = 0; i < ARRAY_SIZE(dmas); i++)
		dmas[i] = start(f, m, 0, 64 * SZ_4K);
	for (i = 0; i < 128; i++) {
		page = i % 64;
		sm_map_s1(f, VA + page * SZ_4K,
			  virt_to_phys(f->data[(i / 64 + 1) % 2]) | S1_PAGE);
		sm_push(f, 0x13 | S(VMID), (VA + page * SZ_4K) | 1);
		sm_ok(f, 0x46, 0);
	}
	for (i = 0; i < ARRAY_SIZE(dmas); i++) {
		wait(f, dmas[i], MODEL_DMA_OK, &result);
		data = stall_dma_data(dmas[i]);
		for (page = 0; page < 64; page++)
			SM_EXPECT_EQ(test, 0xa0, data[page * SZ_4K] & 0xfe);
		stall_dma_put(dmas[i]);
	}
	SM_EXPECT_EQ(test, 0, sm_event(f));
	stall_master_destroy(m);
}

static struct kunit_case master_cases[] = {
	KUNIT_CASE(dma_waits),
	KUNIT_CASE(dma_ends),
	KUNIT_CASE(dma_gone),
	KUNIT_CASE(dma_invalid),
	KUNIT_CASE_SLOW(dma_storm),
	KUNIT_CASE(dma_beside),
	{}
};

static struct kunit_suite master_suite = {
	.name = "iommufd_smmuv3_model_master",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = master_cases,
};

kunit_test_suites(&smmuv3_stall_suite, &master_suite);

MODULE_DESCRIPTION("KUnit: stalls of the SMMUv3 model");
MODULE_LICENSE("GPL");
