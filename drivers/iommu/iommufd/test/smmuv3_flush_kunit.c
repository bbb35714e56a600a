// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many commands a flush takes when a device has very many PASIDs on the domain, and
 * that they cover what they have to.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "../map/iova_space.h"
#include "../smmuv3/domain.h"
#include "../smmuv3/tables.h"
#include "smmuv3_fake.h"

#define SID		0x108
#define OTHER_SID	0x110
#define PASIDS		1024
#define RANGES		32U
#define ATC_INV		0x40
/* 4.5.1 */
#define ATC_GLOBAL	BIT_ULL(9)
#define ATC_SIZE_ALL	52

/**
 * struct rig - a unit with two devices
 * @test: for failures
 * @fake: the unit
 * @device: with ATS; the first one has PASIDs there, the second its RID
 * @domain: domain
 */
struct rig {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct smmuv3_device *device[2];
	struct smmuv3_domain *domain;
};

static struct smmuv3_device *new_device(struct rig *rig, u32 sid)
{
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_device *device;

	device = smmuv3_fake_device(rig->fake, sid, 1, PASIDS);
	device->can_ats = true;
	device->keep_ats = true;
	device->ats = true;
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(rig->test, smmuv3_stream_prepare(device), 0);
	mutex_unlock(&unit->lock);
	return device;
}

static struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	smmuv3_fake_start_cmdq(rig->fake);
	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(&rig->fake->unit), 0);
	rig->device[0] = new_device(rig, SID);
	rig->device[1] = new_device(rig, OTHER_SID);
	rig->domain = smmuv3_paging_alloc(&rig->fake->unit, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(rig->domain));
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->domain, rig->device[1],
					    IOMMU_NO_PASID), 0);
	return rig;
}

static void rig_end(struct rig *rig)
{
	struct smmuv3_unit *unit = &rig->fake->unit;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		smmuv3_fake_forget(rig->fake);
		/* There is no function that could be told to turn it off */
		rig->device[i]->can_ats = false;
		rig->device[i]->ats = false;
		smmuv3_detach_all(rig->device[i]);
		mutex_lock(&unit->lock);
		smmuv3_contexts_free(rig->device[i]);
		mutex_unlock(&unit->lock);
	}
	KUNIT_EXPECT_TRUE(rig->test, list_empty(&rig->domain->devices.list));
	rig->domain->domain.ops->free(&rig->domain->domain);
	smmuv3_strtab_free(unit);
}

static void attach(struct rig *rig, u32 first, unsigned int num)
{
	u32 pasid;

	for (pasid = first; pasid < first + num; pasid++) {
		KUNIT_ASSERT_EQ(rig->test,
				smmuv3_attach(rig->domain, rig->device[0],
					      pasid), 0);
		if (pasid % 256 == 0)
			smmuv3_fake_forget(rig->fake);
	}
}

/* A page in two, as an array of unmaps has it. */
static void flush(struct rig *rig, unsigned int num)
{
	struct iova_range ranges[RANGES];
	unsigned int i;

	for (i = 0; i < num; i++) {
		ranges[i].start = SZ_1G + 2 * i * SZ_4K;
		ranges[i].last = ranges[i].start + SZ_4K - 1;
	}
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(rig->test,
			smmuv3_domain_flush_ranges(rig->domain, ranges, num,
						   SZ_4K, true), 0);
}

/* ATC_INV for @sid; of those: with these bits in qw0; for all addresses. */
static unsigned int atc_invs(struct rig *rig, u32 sid, u64 with, bool whole)
{
	unsigned int i, num = 0;

	for (i = 0; i < rig->fake->num_log; i++) {
		const struct smmuv3_cmd *cmd = &rig->fake->log[i].cmd;

		num += smmuv3_fake_op(cmd) == ATC_INV &&
		       smmuv3_fake_sid(cmd) == sid &&
		       (cmd->qw[0] & with) == with &&
		       (!whole || (cmd->qw[1] & 0x3f) == ATC_SIZE_ALL);
	}
	return num;
}

static void flush_exact(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	/* 8 attachments with the other's */
	attach(rig, 1, 7);
	flush(rig, RANGES);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, false), 7 * RANGES);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, OTHER_SID, 0, false), RANGES);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, true), 0);

	/* One more: each whole */
	attach(rig, 8, 1);
	flush(rig, RANGES);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, false), 8);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, true), 8);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, ATC_GLOBAL, false), 0);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, OTHER_SID, 0, true), 1);
	rig_end(rig);
}

static void flush_many_pasids(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	u32 pasid;

	attach(rig, 1, PASIDS - 24);
	flush(rig, RANGES);
	/* Without a SubstreamID, and with any */
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, true), 2);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, ATC_GLOBAL, true), 1);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, false), 2);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, OTHER_SID, 0, true), 2);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, ATC_INV), 4);

	/* What is gone is not counted */
	for (pasid = 1; pasid < PASIDS - 24; pasid++) {
		smmuv3_detach(rig->device[0], pasid);
		smmuv3_fake_forget(rig->fake);
	}
	flush(rig, 1);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, false), 1);
	KUNIT_EXPECT_EQ(test, atc_invs(rig, SID, 0, true), 0);
	rig_end(rig);
}

static struct kunit_case flush_cases[] = {
	KUNIT_CASE(flush_exact),
	KUNIT_CASE(flush_many_pasids),
	{}
};

static struct kunit_suite flush_suite = {
	.name = "iommufd_smmuv3_flush",
	.test_cases = flush_cases,
};

kunit_test_suite(flush_suite);
