// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation descriptors: what is submitted for what is asked, bit by bit from
 * the figures of the VT-d specification (6.5.2, 7.7.1), in which order and how
 * often, and what is told when a submission fails.
 */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/prandom.h>

#include "../vtd/invalidate.h"
#include "vtd_fake.h"

/* Capability register, 11.4.2: 65536 domain ids, PSI, DWD, DRD; MAMV to be added */
#define CAP_BASE	(6ULL | BIT_ULL(39))
#define CAP_DWD		BIT_ULL(54)
#define CAP_DRD		BIT_ULL(55)
#define CAP_MAMV(n)	((u64)(n) << 48)
#define CAP_ALL		(CAP_BASE | CAP_DWD | CAP_DRD | CAP_MAMV(18))
/* Extended capability register, 11.4.3: DT, PRS, PSS of 20 bits, PASID, SMTS */
#define ECAP_BASE	(BIT_ULL(2) | BIT_ULL(29) | (19ULL << 35) | \
			 BIT_ULL(40) | BIT_ULL(43))
#define ECAP_DIT	BIT_ULL(41)
#define ECAP_PDS	BIT_ULL(42)
#define ECAP_ALL	(ECAP_BASE | ECAP_DIT | ECAP_PDS)

#define PAGE		0x7654321000ULL
#define DID		0x1234
#define PASID		0xabcde
#define RID		0x1234
#define OTHER_RID	0x5678

/* A unit, its results and a batch */
struct inval {
	struct vtd_fake *fake;
	struct vtd_device *device;
	struct vtd_device *other;
	struct vtd_batch batch;
	struct qi_desc descs[VTD_SUBMIT_MAX];
	/* What each submission returned */
	int rcs[1024];
	/* Submissions still to time out; and to be refused */
	unsigned int timeouts;
	unsigned int refusals;
	/* A function that does not answer, if not 0 */
	u16 dead;
};

static u8 type_of(const struct qi_desc *desc)
{
	return desc->qw0 & 0xf;
}

/* 0 if it is not for a device TLB */
static u16 device_of(const struct qi_desc *desc)
{
	if (type_of(desc) == 3)
		return desc->qw0 >> 32;
	if (type_of(desc) == 8)
		return desc->qw0 >> 16;
	return 0;
}

static int inval_on_submit(struct vtd_fake *fake, const struct qi_desc *descs,
			   unsigned int num, bool drain)
{
	struct inval *inval = fake->priv;
	unsigned int i;
	int rc = 0;

	if (inval->timeouts) {
		inval->timeouts--;
		rc = -ETIMEDOUT;
	} else if (inval->refusals) {
		inval->refusals--;
		rc = -EINVAL;
	}
	for (i = 0; i < num && inval->dead; i++)
		if (device_of(descs + i) == inval->dead)
			rc = -ETIMEDOUT;
	if (fake->num_submits < ARRAY_SIZE(inval->rcs))
		inval->rcs[fake->num_submits] = rc;
	return rc;
}

static struct inval *inval_new(struct kunit *test, u64 cap, u64 ecap)
{
	struct inval *inval;

	inval = kunit_kzalloc(test, sizeof(*inval), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, inval);
	inval->fake = vtd_fake_new(test, cap, ecap);
	inval->fake->on_submit = inval_on_submit;
	inval->fake->priv = inval;
	inval->device = vtd_fake_device(inval->fake, RID, 1 << 20);
	inval->device->ats = true;
	inval->device->ats_qdep = 7;
	inval->device->pfsid = 0x1235;
	inval->other = vtd_fake_device(inval->fake, OTHER_RID, 1 << 20);
	inval->other->ats = true;
	inval->batch.unit = &inval->fake->unit;
	inval->batch.descs = inval->descs;
	inval->batch.max = VTD_SUBMIT_MAX;
	return inval;
}

/* Forget all errors and what was submitted */
static void inval_again(struct inval *inval)
{
	vtd_fake_forget(inval->fake);
	inval->batch.rc = 0;
	inval->batch.failed = 0;
	inval->batch.done = 0;
	inval->timeouts = 0;
	inval->refusals = 0;
	inval->dead = 0;
}

/* What was collected is exactly one descriptor. */
#define EXPECT_ONE(_which, want0, want1)				\
do {									\
	struct inval *_in = (_which);					\
									\
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(&_in->batch), 0);	\
	KUNIT_EXPECT_EQ(test, _in->fake->num_log, 1);			\
	KUNIT_EXPECT_EQ(test, _in->fake->log[0].desc.qw0, (u64)(want0)); \
	KUNIT_EXPECT_EQ(test, _in->fake->log[0].desc.qw1, (u64)(want1)); \
	KUNIT_EXPECT_EQ(test, _in->fake->log[0].desc.qw2, 0ULL);	\
	KUNIT_EXPECT_EQ(test, _in->fake->log[0].desc.qw3, 0ULL);	\
	inval_again(_in);						\
} while (0)

/* So that what is cached without PASID is one descriptor. */
static void inval_no_pasids(struct inval *inval)
{
	inval->device->pasid_enabled = false;
	inval->other->pasid_enabled = false;
}

/* 6.5.2.1, 6.5.2.2: type, granularity in bits 5:4, domain id from bit 16 on */
static void inval_tables(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;

	vtd_batch_context(batch, 0xfedc, 0xabcd);
	EXPECT_ONE(inval, 0x0000abcdfedc0031, 0);
	vtd_batch_context_all(batch);
	EXPECT_ONE(inval, 0x11, 0);
	vtd_batch_pasid(batch, 0xfedc, PASID);
	EXPECT_ONE(inval, 0x000abcdefedc0017, 0);
	vtd_batch_pasid(batch, 0xfedc, 0);
	EXPECT_ONE(inval, 0x00000000fedc0017, 0);
	vtd_batch_pasid_all(batch);
	EXPECT_ONE(inval, 0x37, 0);
}

/* 6.5.2.3: type 2; drain writes 0x40, drain reads 0x80; AM in bits 5:0, IH 0x40 */
static void inval_iotlb(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	u64 g = 1ULL << 30;

	vtd_batch_iotlb(batch, DID, PAGE, PAGE + 0xfff, true);
	EXPECT_ONE(inval, 0x123400f2, PAGE | 0x40);
	vtd_batch_iotlb(batch, DID, PAGE, PAGE + 0xfff, false);
	EXPECT_ONE(inval, 0x123400f2, PAGE);
	/* A byte is a page */
	vtd_batch_iotlb(batch, DID, PAGE + 0x123, PAGE + 0x123, false);
	EXPECT_ONE(inval, 0x123400f2, PAGE);
	/* 2 MiB; then 1 GiB, the most that MAMV allows; then more */
	vtd_batch_iotlb(batch, DID, 0x40200000, 0x403fffff, true);
	EXPECT_ONE(inval, 0x123400f2, 0x40200000 | 0x40 | 9);
	vtd_batch_iotlb(batch, DID, g, 2 * g - 1, false);
	EXPECT_ONE(inval, 0x123400f2, g | 18);
	vtd_batch_iotlb(batch, DID, 2 * g, 4 * g - 1, true);
	EXPECT_ONE(inval, 0x123400e2, 0);
	vtd_batch_iotlb(batch, DID, 0, U64_MAX, true);
	EXPECT_ONE(inval, 0x123400e2, 0);
	vtd_batch_iotlb_all(batch);
	EXPECT_ONE(inval, 0xd2, 0);

	inval = inval_new(test, CAP_BASE | CAP_DWD, ECAP_ALL);
	batch = &inval->batch;
	vtd_batch_iotlb(batch, DID, PAGE, PAGE + 0xfff, false);
	EXPECT_ONE(inval, 0x12340072, PAGE);
	vtd_batch_iotlb_all(batch);
	EXPECT_ONE(inval, 0x52, 0);
	/* MAMV 0: a page or everything */
	vtd_batch_iotlb(batch, DID, 0x2000, 0x3fff, false);
	EXPECT_ONE(inval, 0x12340062, 0);

	inval = inval_new(test, CAP_BASE | CAP_DRD, ECAP_ALL);
	vtd_batch_iotlb(&inval->batch, DID, PAGE, PAGE + 0xfff, false);
	EXPECT_ONE(inval, 0x123400b2, PAGE);

	/* No PSI: the domain, whatever the range */
	inval = inval_new(test, CAP_ALL & ~BIT_ULL(39), ECAP_ALL);
	vtd_batch_iotlb(&inval->batch, DID, PAGE, PAGE + 0xfff, true);
	EXPECT_ONE(inval, 0x123400e2, 0);
}

/* 6.5.2.4: type 6, PASID from bit 32 on, no drain bits */
static void inval_piotlb(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;

	vtd_batch_piotlb(batch, DID, PASID, PAGE, PAGE + 0xfff, true);
	EXPECT_ONE(inval, 0x000abcde12340036, PAGE | 0x40);
	vtd_batch_piotlb(batch, DID, 0, PAGE, PAGE + 0xfff, false);
	EXPECT_ONE(inval, 0x0000000012340036, PAGE);
	vtd_batch_piotlb(batch, DID, PASID, 0x40200000, 0x403fffff, false);
	EXPECT_ONE(inval, 0x000abcde12340036, 0x40200000 | 9);
	vtd_batch_piotlb(batch, DID, PASID, 0, U64_MAX, true);
	EXPECT_ONE(inval, 0x000abcde12340026, 0);

	inval = inval_new(test, CAP_ALL & ~BIT_ULL(39), ECAP_ALL);
	vtd_batch_piotlb(&inval->batch, DID, PASID, PAGE, PAGE + 0xfff, true);
	EXPECT_ONE(inval, 0x000abcde12340026, 0);
}

/*
 * 6.5.2.5: type 3, PFSID 3:0 from bit 12 on and 15:4 from bit 52 on, MIP from bit
 * 16 on, SID from bit 32 on; S is bit 0. 6.5.2.6: type 8, MIP from bit 4 on, SID
 * from bit 16 on, PASID from bit 32 on; S is bit 11
 */
static void inval_devtlb(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	struct vtd_device *device = inval->device;
	u64 rid = 0x1230123400075003, pasid = 0x123abcde12345078;

	inval_no_pasids(inval);
	vtd_batch_devtlb(batch, device, 0, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, rid, PAGE);
	vtd_batch_devtlb(batch, device, 0, 0x42000, 0x43fff);
	EXPECT_ONE(inval, rid, 0x42001);
	vtd_batch_devtlb(batch, device, 0, 0x40200000, 0x403fffff);
	EXPECT_ONE(inval, rid, 0x402ff001);
	vtd_batch_devtlb(batch, device, 0, 0, U64_MAX);
	EXPECT_ONE(inval, rid, 0x7ffffffffffff001);

	vtd_batch_devtlb(batch, device, PASID, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, pasid, PAGE);
	vtd_batch_devtlb(batch, device, PASID, 0x42000, 0x43fff);
	EXPECT_ONE(inval, pasid, 0x42800);
	vtd_batch_devtlb(batch, device, PASID, 0x40200000, 0x403fffff);
	EXPECT_ONE(inval, pasid, 0x402ff800);
	vtd_batch_devtlb(batch, device, PASID, 0, U64_MAX);
	EXPECT_ONE(inval, pasid, 0x7ffffffffffff800);

	/* A queue of 32 is encoded as 0 */
	device->ats_qdep = 32;
	vtd_batch_devtlb(batch, device, 0, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, 0x1230123400005003, PAGE);
	vtd_batch_devtlb(batch, device, PASID, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, 0x123abcde12345008, PAGE);
	device->ats_qdep = 31;
	vtd_batch_devtlb(batch, device, 0, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, 0x12301234001f5003, PAGE);
	vtd_batch_devtlb(batch, device, PASID, PAGE, PAGE + 0xfff);
	EXPECT_ONE(inval, 0x123abcde123451f8, PAGE);

	device->ats = false;
	vtd_batch_devtlb(batch, device, 0, 0, U64_MAX);
	vtd_batch_devtlb(batch, device, PASID, 0, U64_MAX);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, inval->fake->num_log, 0);

	/* Without DIT the PFSID is reserved */
	inval = inval_new(test, CAP_ALL, ECAP_BASE);
	inval_no_pasids(inval);
	vtd_batch_devtlb(&inval->batch, inval->device, 0, PAGE, PAGE);
	EXPECT_ONE(inval, 0x0000123400070003, PAGE);
	vtd_batch_devtlb(&inval->batch, inval->device, PASID, PAGE, PAGE);
	EXPECT_ONE(inval, 0x000abcde12340078, PAGE);
}

/* PASID 0 goes by the same entry (9.4, RID_PASID), and is another one to the device. */
static void inval_devtlb_pasid_0(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_fake_entry *log = inval->fake->log;

	vtd_batch_devtlb(&inval->batch, inval->device, IOMMU_NO_PASID, 0x42000,
			 0x43fff);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(&inval->batch), 0);
	KUNIT_ASSERT_EQ(test, inval->fake->num_log, 2);
	KUNIT_EXPECT_EQ(test, log[0].desc.qw0, 0x1230123400075003ULL);
	KUNIT_EXPECT_EQ(test, log[0].desc.qw1, 0x42001ULL);
	KUNIT_EXPECT_EQ(test, log[1].desc.qw0, 0x1230000012345078ULL);
	KUNIT_EXPECT_EQ(test, log[1].desc.qw1, 0x42800ULL);
}

/* QAT 4xxx: the second request follows the completion of the first, and is the same. */
static void inval_hasty_device(struct kunit *test)
{
	static const struct {
		u16 vendor, device;
		bool hasty;
	} ids[] = {
		{ 0x8086, 0x4940, true },
		{ 0x8086, 0x4943, true },
		{ 0x8086, 0x493f },
		{ 0x8086, 0x4944 },
		{ 0x8087, 0x4940 },
	};
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	struct vtd_fake_entry *log = inval->fake->log;
	struct vtd_batch *batch = &inval->batch;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		pdev->vendor = ids[i].vendor;
		pdev->device = ids[i].device;
		KUNIT_EXPECT_EQ_MSG(test, vtd_device_is_hasty(pdev),
				    ids[i].hasty, "%#x", ids[i].device);
	}

	inval->device->ats_twice = true;
	vtd_batch_iotlb(batch, DID, PAGE, PAGE, true);
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	vtd_batch_devtlb(batch, inval->other, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_ASSERT_EQ(test, inval->fake->num_log, 4);
	KUNIT_EXPECT_EQ(test, type_of(&log[1].desc), 8);
	KUNIT_EXPECT_MEMEQ(test, &log[1].desc, &log[2].desc,
			   sizeof(log[1].desc));
	KUNIT_EXPECT_EQ(test, log[1].submit, 0);
	KUNIT_EXPECT_EQ(test, log[2].submit, 1);
	/* The other one is asked once */
	KUNIT_EXPECT_EQ(test, log[3].submit, 1);

	/* All of it: without PASID, and of every PASID */
	inval_again(inval);
	vtd_batch_devtlb_all(batch, inval->device);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_ASSERT_EQ(test, inval->fake->num_log, 4);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 2);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_MEMEQ(test, &log[i].desc, &log[i + 2].desc,
				   sizeof(log[i].desc));

	/* Nothing is asked of one that is not there, or does not answer */
	inval_again(inval);
	inval->device->suspect = true;
	vtd_batch_pasid(batch, DID, PASID);
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	vtd_batch_devtlb_all(batch, inval->device);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, batch->failed, 1);
	KUNIT_EXPECT_EQ(test, inval->fake->num_log, 1);
	inval_again(inval);
	inval->device->ats = false;
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, inval->fake->num_log, 0);
}

/* 7.7.1: type 9, PP 0x10, code from bit 12 on; index from bit 3 on, LPIG bit 2 */
static void inval_response(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;

	vtd_batch_page_response(batch, 0xabcd, true, PASID, 511, 0xf);
	EXPECT_ONE(inval, 0x000abcdeabcdf019, 0xffc);
	vtd_batch_page_response(batch, 0xabcd, true, 1, 1, 0);
	EXPECT_ONE(inval, 0x00000001abcd0019, 0xc);
	vtd_batch_page_response(batch, 0xabcd, false, PASID, 0, 1);
	EXPECT_ONE(inval, 0x00000000abcd1009, 4);
}

/* What a descriptor of a range flushes: pages, from its own encoding */
static bool block_of(const struct qi_desc *desc, u64 *first, u64 *order)
{
	u64 page = desc->qw1 >> 12, bit;

	switch (type_of(desc)) {
	case 2:
	case 6:
		if ((desc->qw0 >> 4 & 3) != 3)
			return false;
		*order = desc->qw1 & 0x3f;
		*first = page;
		return true;
	case 3:
	case 8:
		*order = 0;
		*first = page;
		if (!(desc->qw1 & (type_of(desc) == 3 ? BIT(0) : BIT(11))))
			return true;
		for (bit = 0; page & BIT_ULL(bit); bit++)
			;
		*order = bit + 1;
		*first = page & ~(BIT_ULL(bit) - 1);
		return true;
	}
	return false;
}

/* The log covers [start, last], with aligned blocks, none of them needless. */
static void check_cover(struct kunit *test, struct inval *inval, u64 start,
			u64 last)
{
	u64 at = start >> 12, end = last >> 12, sum = 0, want = 0;
	unsigned int i, progress;

	while ((start >> 12 >> want) != (last >> 12 >> want))
		want++;

	for (progress = 1; at <= end && progress;) {
		progress = 0;
		for (i = 0; i < inval->fake->num_log; i++) {
			u64 first, order;

			if (!block_of(&inval->fake->log[i].desc, &first, &order))
				continue;
			if (first > at || first + BIT_ULL(order) <= at)
				continue;
			at = first + BIT_ULL(order);
			progress = 1;
		}
	}
	KUNIT_EXPECT_GT_MSG(test, at, end, "[%llx, %llx]", start, last);

	for (i = 0; i < inval->fake->num_log; i++) {
		u64 first, order;

		KUNIT_ASSERT_TRUE(test, block_of(&inval->fake->log[i].desc,
						 &first, &order));
		KUNIT_EXPECT_EQ_MSG(test, first & (BIT_ULL(order) - 1), 0ULL,
				    "[%llx, %llx]", start, last);
		sum += BIT_ULL(order);
	}
	KUNIT_EXPECT_LE_MSG(test, sum, BIT_ULL(want), "[%llx, %llx]", start,
			    last);
	/* Less than twice as much is all right. */
	KUNIT_EXPECT_LT_MSG(test, sum, 2 * ((last >> 12) - (start >> 12) + 1),
			    "[%llx, %llx]", start, last);
}

static void random_range(struct rnd_state *rnd, u64 *start, u64 *last)
{
	unsigned int bits = 12 + prandom_u32_state(rnd) % 46;
	u64 mask = GENMASK_ULL(bits - 1, 0), a, b;

	a = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
	b = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
	/* Near some place, of some size, and often at a boundary */
	if (prandom_u32_state(rnd) % 2)
		a &= ~mask;
	b = (b & mask) >> (prandom_u32_state(rnd) % bits);
	if (prandom_u32_state(rnd) % 2)
		a -= b / 2;
	a &= GENMASK_ULL(56, 0);
	b += a;
	/* The last byte may be a page's first */
	if (prandom_u32_state(rnd) % 4 == 0)
		b = max(a, b & ~0xfffULL);
	*start = a;
	*last = b;
}

static void inval_ranges(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_BASE | CAP_MAMV(52),
					ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	struct rnd_state rnd;
	unsigned int i;

	inval_no_pasids(inval);
	prandom_seed_state(&rnd, 20260101);
	for (i = 0; i < 8000 && test->status != KUNIT_FAILURE; i++) {
		u64 start, last;

		random_range(&rnd, &start, &last);
		switch (i % 4) {
		case 0:
			vtd_batch_iotlb(batch, DID, start, last, true);
			break;
		case 1:
			vtd_batch_piotlb(batch, DID, PASID, start, last, true);
			break;
		case 2:
			vtd_batch_devtlb(batch, inval->device, 0, start, last);
			break;
		case 3:
			vtd_batch_devtlb(batch, inval->device, PASID, start,
					 last);
			break;
		}
		KUNIT_ASSERT_EQ(test, vtd_batch_submit(batch), 0);
		check_cover(test, inval, start, last);
		inval_again(inval);
	}
}

/* A mask above MAMV is never submitted: then it is the domain, or the PASID. */
static void inval_max_mask(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_BASE | CAP_MAMV(9), ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	unsigned int i, k, whole = 0, part = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 42);
	for (i = 0; i < 4000 && test->status != KUNIT_FAILURE; i++) {
		u64 start, last;

		random_range(&rnd, &start, &last);
		if (i % 2)
			vtd_batch_iotlb(batch, DID, start, last, false);
		else
			vtd_batch_piotlb(batch, DID, PASID, start, last, false);
		KUNIT_ASSERT_EQ(test, vtd_batch_submit(batch), 0);
		for (k = 0; k < inval->fake->num_log; k++) {
			const struct qi_desc *desc = &inval->fake->log[k].desc;

			KUNIT_EXPECT_LE(test, desc->qw1 & 0x3f, 9ULL);
		}
		if ((inval->fake->log[0].desc.qw0 >> 4 & 3) == 2) {
			KUNIT_EXPECT_EQ(test, inval->fake->num_log, 1);
			whole++;
		} else {
			check_cover(test, inval, start, last);
			part++;
		}
		inval_again(inval);
	}
	if (test->status == KUNIT_FAILURE)
		return;
	KUNIT_EXPECT_GT(test, whole, 100);
	KUNIT_EXPECT_GT(test, part, 100);
}

/* All there is goes by domain id or PASID, also where a mask could say all pages. */
static void inval_whole(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_BASE | CAP_MAMV(63), ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;

	vtd_batch_iotlb(batch, DID, 0, U64_MAX, true);
	EXPECT_ONE(inval, 0x12340022, 0);
	vtd_batch_iotlb(batch, DID, 0, U64_MAX, false);
	EXPECT_ONE(inval, 0x12340022, 0);
	vtd_batch_piotlb(batch, DID, PASID, 0, U64_MAX, true);
	EXPECT_ONE(inval, 0x000abcde12340026, 0);
	/* Half of it is pages */
	vtd_batch_iotlb(batch, DID, 0, S64_MAX, true);
	EXPECT_ONE(inval, 0x12340032, 0x40 | 51);
	vtd_batch_piotlb(batch, DID, PASID, BIT_ULL(63), U64_MAX, false);
	EXPECT_ONE(inval, 0x000abcde12340036, BIT_ULL(63) | 51);
}

/* Full batches submit themselves, whole and in order; nothing does nothing. */
static void inval_batches(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_fake *fake = inval->fake;
	struct vtd_batch *batch = &inval->batch;
	DEFINE_VTD_BATCH(small, &fake->unit);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	vtd_batch_barrier(batch);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 0);

	for (i = 0; i < 300; i++)
		vtd_batch_pasid(batch, DID, i);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&fake->unit.submits), 3);
	KUNIT_EXPECT_EQ(test, batch->done, 300UL);
	KUNIT_ASSERT_EQ(test, fake->num_log, 300);
	for (i = 0; i < 300; i++) {
		KUNIT_EXPECT_EQ(test, fake->log[i].desc.qw0 >> 32, (u64)i);
		KUNIT_EXPECT_EQ(test, fake->log[i].submit, i / 128);
		KUNIT_EXPECT_FALSE(test, fake->log[i].drain);
	}

	vtd_fake_forget(fake);
	for (i = 0; i < 128; i++)
		vtd_batch_pasid(batch, DID, i);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 1);

	vtd_fake_forget(fake);
	for (i = 0; i < 17; i++)
		vtd_batch_pasid(&small, DID, i);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(&small), 0);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 2);
	KUNIT_EXPECT_EQ(test, fake->num_log, 17);

	/* A barrier is the border of two submissions */
	vtd_fake_forget(fake);
	vtd_batch_pasid(batch, DID, 1);
	vtd_batch_barrier(batch);
	vtd_batch_barrier(batch);
	vtd_batch_pasid(batch, DID, 2);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 2);
	KUNIT_EXPECT_EQ(test, fake->log[0].submit, 0);
	KUNIT_EXPECT_EQ(test, fake->log[1].submit, 1);
}

/* The drain goes with the last submission, and needs one. */
static void inval_drain(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_fake *fake = inval->fake;
	unsigned int i;

	for (i = 0; i < 130; i++)
		vtd_batch_pasid(&inval->batch, DID, i);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(&inval->batch), 0);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 2);
	KUNIT_EXPECT_FALSE(test, fake->log[127].drain);
	KUNIT_EXPECT_TRUE(test, fake->log[128].drain);

	/* 6.5.2.8: type 5, fence 0x40, no status, no interrupt */
	inval_again(inval);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(&inval->batch), 0);
	KUNIT_ASSERT_EQ(test, fake->num_log, 1);
	KUNIT_EXPECT_EQ(test, fake->log[0].desc.qw0, 0x45ULL);
	KUNIT_EXPECT_EQ(test, fake->log[0].desc.qw1, 0ULL);
	KUNIT_EXPECT_TRUE(test, fake->log[0].drain);
	KUNIT_EXPECT_EQ(test, inval->batch.done, 0UL);

	/* Without PDS the bit is reserved */
	inval = inval_new(test, CAP_ALL, ECAP_BASE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(&inval->batch), 0);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 0);
	vtd_batch_pasid(&inval->batch, DID, 1);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(&inval->batch), 0);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 1);
	KUNIT_EXPECT_FALSE(test, inval->fake->log[0].drain);
}

/* How often a descriptor was in a submission that succeeded, or in any */
static unsigned int times(struct inval *inval, u64 qw0, u64 qw1, bool good)
{
	unsigned int i, num = 0;

	for (i = 0; i < inval->fake->num_log; i++) {
		struct vtd_fake_entry *entry = &inval->fake->log[i];

		if (entry->desc.qw0 == qw0 && entry->desc.qw1 == qw1 &&
		    (!good || !inval->rcs[entry->submit]))
			num++;
	}
	return num;
}

/* One device does not answer: it is found, everything else is carried out. */
static void inval_dead_device(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_fake *fake = inval->fake;
	struct vtd_batch *batch = &inval->batch;
	unsigned int i, k, dead = 0;

	inval_no_pasids(inval);
	inval->dead = OTHER_RID;
	for (i = 0; i < 128; i++)
		vtd_batch_pasid(batch, DID, i);
	vtd_batch_iotlb(batch, DID, PAGE, PAGE, true);
	vtd_batch_devtlb(batch, inval->device, 0, PAGE, PAGE);
	vtd_batch_iotlb(batch, DID, 0x1000, 0x1000, true);
	vtd_batch_devtlb(batch, inval->other, 0, 0x1000, 0x1000);
	vtd_batch_devtlb(batch, inval->other, PASID, 0x1000, 0x1000);
	vtd_batch_pasid(batch, DID, PASID);
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, batch->failed, 131UL);
	KUNIT_EXPECT_EQ(test, batch->done, 135UL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&fake->unit.timeouts), 1);

	KUNIT_EXPECT_GE(test, times(inval, 0x123400f2, PAGE | 0x40, true), 1);
	KUNIT_EXPECT_GE(test, times(inval, 0x123400f2, 0x1040, true), 1);
	KUNIT_EXPECT_GE(test, times(inval, 0x000abcde12340017, 0, true), 1);
	KUNIT_EXPECT_EQ(test, times(inval, 0x1230123400075003, PAGE, true), 1);
	KUNIT_EXPECT_EQ(test, times(inval, 0x123abcde12345078, PAGE, true), 1);

	/*
	 * Behind the first attempt a device's descriptor is alone, and last, but for what
	 * waits (type 5) to see whether it was the device
	 */
	for (i = 128 + 7; i < fake->num_log; i++) {
		if (!device_of(&fake->log[i].desc))
			continue;
		for (k = 128 + 7; k < fake->num_log; k++) {
			if (k == i)
				continue;
			KUNIT_EXPECT_NE(test, fake->log[k].submit,
					fake->log[i].submit);
			if (k > i && type_of(&fake->log[k].desc) != 5)
				KUNIT_EXPECT_NE(test,
						device_of(&fake->log[k].desc),
						0);
		}
		dead += device_of(&fake->log[i].desc) == OTHER_RID;
	}
	/* Twice, to tell it from another's time-out; and not for the second one */
	KUNIT_EXPECT_EQ(test, dead, 2);

	/* The batch keeps its first error, and goes on */
	inval->dead = 0;
	vtd_batch_pasid(batch, DID, 7);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, batch->failed, 131UL);
	KUNIT_EXPECT_EQ(test, batch->done, 136UL);
}

static void inval_no_work(struct work_struct *work)
{
}

/* Whoever does not answer is not believed, and not asked again by anybody. */
static void inval_suspect(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct xarray *devices = &inval->fake->unit.devices;
	struct vtd_batch *batch = &inval->batch;

	INIT_WORK(&inval->other->distrust_work, inval_no_work);
	KUNIT_ASSERT_FALSE(test, xa_is_err(xa_store(devices, OTHER_RID,
						    inval->other, GFP_KERNEL)));
	inval->dead = OTHER_RID;
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	vtd_batch_devtlb(batch, inval->other, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, inval->other->suspect);
	KUNIT_EXPECT_FALSE(test, inval->device->suspect);

	inval_again(inval);
	vtd_batch_devtlb(batch, inval->other, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, inval->fake->num_log, 0);
	xa_erase(devices, OTHER_RID);
	flush_work(&inval->other->distrust_work);
}

/* Nor once more, where each request is made twice, if the first has shown it. */
static void inval_hasty_suspect(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct xarray *devices = &inval->fake->unit.devices;
	struct vtd_batch *batch = &inval->batch;
	unsigned int i, asked = 0;

	INIT_WORK(&inval->device->distrust_work, inval_no_work);
	KUNIT_ASSERT_FALSE(test, xa_is_err(xa_store(devices, RID, inval->device,
						    GFP_KERNEL)));
	inval->device->ats_twice = true;
	inval->dead = RID;
	vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, inval->device->suspect);
	for (i = 0; i < inval->fake->num_log; i++)
		asked += device_of(&inval->fake->log[i].desc) == RID;
	/* At first, and twice alone */
	KUNIT_EXPECT_EQ(test, asked, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&inval->fake->unit.timeouts), 1);
	xa_erase(devices, RID);
	flush_work(&inval->device->distrust_work);
}

/* One that was pulled out is not asked: it would not answer for a minute. */
static void inval_unplugged(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	struct vtd_batch *batch = &inval->batch;
	unsigned int gone;

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	inval->device->pdev = pdev;
	for (gone = 0; gone < 2; gone++) {
		pdev->error_state = gone ? pci_channel_io_perm_failure :
					   pci_channel_io_normal;
		vtd_batch_devtlb(batch, inval->device, PASID, PAGE, PAGE);
		vtd_batch_devtlb_all(batch, inval->device);
		KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
		/* All of it: without PASID, and of every PASID */
		KUNIT_EXPECT_EQ(test, inval->fake->num_log, gone ? 0 : 3);
		inval_again(inval);
	}
	inval->device->pdev = NULL;
}

/* Time-outs of others are no error, as long as they end. */
static void inval_others_time_out(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	unsigned int i;

	for (i = 1; i <= 8; i++) {
		inval->timeouts = i;
		vtd_batch_iotlb(batch, DID, PAGE, PAGE, true);
		KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
		KUNIT_EXPECT_EQ(test, inval->fake->num_submits, i + 1);
		inval_again(inval);
	}
	inval_no_pasids(inval);
	/*
	 * One for the batch, and all that may be while a device that answers is asked: by
	 * itself, and then nobody.
	 */
	for (i = 1; i <= 1 + 2 * 7; i++) {
		inval->timeouts = i;
		vtd_batch_devtlb(batch, inval->device, 0, PAGE, PAGE);
		KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
		KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 1 + (i | 1));
		KUNIT_EXPECT_EQ(test,
				atomic64_read(&inval->fake->unit.timeouts), 0);
		inval_again(inval);
	}

	/* For ever: bounded, and not called a device's */
	inval_again(inval);
	inval->timeouts = UINT_MAX;
	vtd_batch_pasid(batch, DID, 1);
	vtd_batch_barrier(batch);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 9);
	vtd_batch_pasid(batch, DID, 2);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -EIO);
	KUNIT_EXPECT_EQ(test, batch->failed, 0UL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&inval->fake->unit.timeouts), 0);
}

static void inval_refused(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;

	vtd_batch_pasid(batch, DID, 1);
	vtd_batch_barrier(batch);
	inval->refusals = 1;
	vtd_batch_pasid(batch, DID, 2);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -EIO);
	KUNIT_EXPECT_EQ(test, batch->failed, 1UL);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 2);

	/* Refused on its way out of a time-out */
	inval_again(inval);
	inval->timeouts = 1;
	inval->refusals = 1;
	vtd_batch_pasid(batch, DID, 1);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -EIO);
	KUNIT_EXPECT_EQ(test, inval->fake->num_submits, 2);
	inval_again(inval);
	inval->timeouts = 1;
	inval->refusals = 1;
	vtd_batch_devtlb(batch, inval->device, 0, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -EIO);
	KUNIT_EXPECT_EQ(test, atomic64_read(&inval->fake->unit.timeouts), 0);
}

/* An answer is never given twice; that it was is waited for. */
static void inval_response_once(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	struct vtd_fake *fake = inval->fake;

	inval->timeouts = 3;
	vtd_batch_page_response(batch, RID, false, 0, 1, 0);
	vtd_batch_iotlb(batch, DID, PAGE, PAGE, true);
	vtd_batch_page_response(batch, RID, false, 0, 2, 0);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), 0);
	KUNIT_EXPECT_EQ(test, times(inval, 0x12340009, 0xc, false), 1);
	KUNIT_EXPECT_EQ(test, times(inval, 0x12340009, 0x14, false), 1);
	KUNIT_EXPECT_EQ(test, times(inval, 0x123400f2, PAGE | 0x40, true), 1);
	KUNIT_EXPECT_EQ(test, times(inval, 0x45, 0, true), 1);
	KUNIT_EXPECT_EQ(test, fake->log[fake->num_log - 1].desc.qw0, 0x45ULL);

	inval_again(inval);
	inval->timeouts = 9;
	vtd_batch_page_response(batch, RID, false, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit(batch), -EIO);
	KUNIT_EXPECT_EQ(test, times(inval, 0x12340009, 0xc, false), 1);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 9);
}

/* The drain comes after all else, also behind a time-out. */
static void inval_drain_time_out(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	struct vtd_fake *fake = inval->fake;

	inval_no_pasids(inval);
	inval->dead = OTHER_RID;
	vtd_batch_iotlb(batch, DID, PAGE, PAGE, true);
	vtd_batch_devtlb(batch, inval->device, 0, PAGE, PAGE);
	vtd_batch_devtlb(batch, inval->other, 0, PAGE, PAGE);
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(batch), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, batch->failed, 2UL);
	KUNIT_EXPECT_TRUE(test, fake->log[fake->num_log - 1].drain);
	KUNIT_EXPECT_EQ(test, inval->rcs[fake->num_submits - 1], 0);

	inval_again(inval);
	inval->timeouts = UINT_MAX;
	KUNIT_EXPECT_EQ(test, vtd_batch_submit_drain(batch), -EIO);
	KUNIT_EXPECT_EQ(test, fake->num_submits, 8);
}

/* From an interrupt, errors included: the debug kernel tells if it sleeps. */
static void inval_atomic(struct kunit *test)
{
	struct inval *inval = inval_new(test, CAP_ALL, ECAP_ALL);
	struct vtd_batch *batch = &inval->batch;
	unsigned long flags;
	int rc;

	inval->dead = OTHER_RID;
	local_irq_save(flags);
	vtd_batch_context(batch, DID, RID);
	vtd_batch_pasid(batch, DID, PASID);
	vtd_batch_barrier(batch);
	vtd_batch_iotlb(batch, DID, 0, 0x12345678, false);
	vtd_batch_piotlb(batch, DID, PASID, 0, 0x12345678, false);
	vtd_batch_devtlb(batch, inval->device, PASID, 0, 0x12345678);
	vtd_batch_devtlb(batch, inval->other, PASID, 0, 0x12345678);
	vtd_batch_page_response(batch, RID, true, PASID, 3, 0);
	rc = vtd_batch_submit_drain(batch);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, rc, -ETIMEDOUT);
}

static struct kunit_case inval_cases[] = {
	KUNIT_CASE(inval_tables),
	KUNIT_CASE(inval_iotlb),
	KUNIT_CASE(inval_piotlb),
	KUNIT_CASE(inval_devtlb),
	KUNIT_CASE(inval_devtlb_pasid_0),
	KUNIT_CASE(inval_hasty_device),
	KUNIT_CASE(inval_response),
	KUNIT_CASE(inval_ranges),
	KUNIT_CASE(inval_max_mask),
	KUNIT_CASE(inval_whole),
	KUNIT_CASE(inval_batches),
	KUNIT_CASE(inval_drain),
	KUNIT_CASE(inval_dead_device),
	KUNIT_CASE(inval_suspect),
	KUNIT_CASE(inval_hasty_suspect),
	KUNIT_CASE(inval_unplugged),
	KUNIT_CASE(inval_others_time_out),
	KUNIT_CASE(inval_refused),
	KUNIT_CASE(inval_response_once),
	KUNIT_CASE(inval_drain_time_out),
	KUNIT_CASE(inval_atomic),
	{}
};

static struct kunit_suite inval_suite = {
	.name = "iommufd_vtd_invalidate",
	.test_cases = inval_cases,
};

kunit_test_suite(inval_suite);
