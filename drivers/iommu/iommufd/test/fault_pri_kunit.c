// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's page request interface is started anew: no group is delivered that
 * the device has not sent as one, and whether page requests are on is told as it
 * is, whatever fails.
 */
#include <kunit/test.h>

#include "fault_kunit.h"

static struct ft *pri_ft;

static bool pri_enabled(struct ft *ft)
{
	struct iommufd_fault_pri pri;

	KUNIT_ASSERT_EQ(ft->test, iommufd_fault_pri_query(ft->dev[0], &pri), 0);
	return pri.enabled;
}

/* Of groups 5, 6 and 7, which have begun, one ends, one goes on, one does not. */
static void pri_send_late(struct ft_unit *u)
{
	struct ft *ft = pri_ft;

	KUNIT_EXPECT_EQ(ft->test, u->enabled, 1);
	KUNIT_EXPECT_EQ(ft->test, ft_report(ft, 0, FT_NO_PASID, 5, 0x2000, true),
			IOMMUFD_FAULT_REFUSED);
	KUNIT_EXPECT_EQ(ft->test, ft_report(ft, 0, FT_NO_PASID, 6, 0x2000, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(ft->test, ft_report(ft, 0, FT_NO_PASID, 8, 0x1000, false),
			IOMMUFD_FAULT_DROPPED);
}

/* The device is fast: it begins with the indices it had before. */
static void pri_send_early(struct ft_unit *u)
{
	u32 grpid;

	for (grpid = 5; grpid <= 8; grpid++)
		KUNIT_EXPECT_EQ_MSG(pri_ft->test,
				    ft_report(pri_ft, 0, FT_NO_PASID, grpid,
					      0x10000 * grpid, false),
				    IOMMUFD_FAULT_TAKEN, "group %u", grpid);
}

static void pri_test_cut(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct ft_unit *u = ft->unit[0];
	u32 grpid;

	pri_ft = ft;
	for (grpid = 5; grpid <= 7; grpid++)
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, grpid,
						0x1000, false),
				IOMMUFD_FAULT_TAKEN);
	ft_report(ft, 0, FT_NO_PASID, 9, 0x1000, true);
	u->on_stop = pri_send_late;
	u->on_enable = pri_send_early;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), 0);
	KUNIT_EXPECT_EQ(test, u->stops, 1);
	KUNIT_EXPECT_EQ(test, u->enabled, 1);
	ft_expect_answer(ft, 0, FT_NO_PASID, 9, IOMMUFD_PAGE_RESP_INVALID);

	/* What was begun after it is whole, and nothing else */
	for (grpid = 5; grpid <= 8; grpid++) {
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, grpid,
						0x10000 * grpid + 0x1000, true),
				IOMMUFD_FAULT_TAKEN);
		KUNIT_ASSERT_EQ(test, ft_read(ft, 16),
				2 * sizeof(ft->recs[0]));
		KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x10000 * grpid);
		KUNIT_EXPECT_EQ(test, ft->recs[1].addr,
				0x10000 * grpid + 0x1000);
		KUNIT_EXPECT_EQ(test, ft->recs[0].grpid, grpid);
	}
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * Others use the interface: nothing changes, and the device goes on with the groups that
 * it has begun. They are refused, and not taken for groups that began afterwards.
 */
static void pri_test_shared(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct ft_unit *u = ft->unit[0];
	u32 grpid;

	pri_ft = ft;
	for (grpid = 4; grpid <= 7; grpid++)
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, grpid,
						0x1000, false),
				IOMMUFD_FAULT_TAKEN);
	u->stop_rc = -EBUSY;
	u->on_stop = pri_send_late;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), -EBUSY);
	KUNIT_EXPECT_EQ(test, u->enabled, 1);
	KUNIT_EXPECT_TRUE(test, pri_enabled(ft));
	/* Of 4 and 7 nothing came meanwhile; 5 has ended; 8 was refused as it began */
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 4, 0x2000, false),
			IOMMUFD_FAULT_DROPPED);
	for (grpid = 4; grpid <= 8; grpid++) {
		if (grpid != 5)
			KUNIT_EXPECT_EQ_MSG(test,
					    ft_report(ft, 0, FT_NO_PASID, grpid,
						      0x3000, true),
					    IOMMUFD_FAULT_REFUSED, "group %u",
					    grpid);
		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, FT_NO_PASID, grpid, 0x2000,
					      true),
				    IOMMUFD_FAULT_TAKEN, "group %u", grpid);
	}
	KUNIT_EXPECT_EQ(test, ft_read(ft, 16), 5 * sizeof(ft->recs[0]));
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* What fails, and the second half of what works: off, until something turns it on. */
static void pri_test_failure(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct ft_unit *u = ft->unit[0];
	struct iommufd_fault_attach *attach, *second;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		attach = ft_attach(ft, 0, IOMMU_NO_PASID);
		KUNIT_EXPECT_TRUE(test, pri_enabled(ft));
		u->stop_rc = i & 1 ? -EIO : 0;
		/* Not as if nothing had been changed */
		u->enable_rc = i & 1 ? 0 : i & 2 ? -EOPNOTSUPP : -EBUSY;
		KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), -EIO);
		KUNIT_EXPECT_FALSE(test, pri_enabled(ft));
		KUNIT_EXPECT_EQ(test, u->enabled, 0);

		u->stop_rc = 0;
		u->enable_rc = -ENOMEM;
		second = ft_alloc(ft, 0, 1);
		KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(second),
				-ENOMEM);
		u->enable_rc = 0;
		if (i & 2) {
			KUNIT_EXPECT_EQ(test,
					iommufd_fault_attach_install(second), 0);
			KUNIT_EXPECT_TRUE(test, pri_enabled(ft));
			iommufd_fault_attach_remove(second);
		} else {
			iommufd_fault_attach_free(second);
			KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]),
					0);
			KUNIT_EXPECT_TRUE(test, pri_enabled(ft));
		}
		KUNIT_EXPECT_EQ(test, u->enabled, 1);
		iommufd_fault_attach_remove(attach);
		KUNIT_EXPECT_EQ(test, u->enabled, 0);
	}
	ft_done(ft);
}

/* A failure cuts groups in two as well: what turns it on later begins anew. */
static void pri_test_cut_by_failure(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_attach *second;
	struct ft_unit *u = ft->unit[0];

	pri_ft = ft;
	u->stop_rc = -EIO;
	u->on_stop = pri_send_late;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), -EIO);
	second = ft_attach(ft, 0, 1);
	KUNIT_EXPECT_EQ(test, u->enabled, 1);

	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 8, 0x80000, false),
			IOMMUFD_FAULT_TAKEN);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 8, 0x81000, true),
			IOMMUFD_FAULT_TAKEN);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 16), 2 * sizeof(ft->recs[0]));
	KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x80000);
	KUNIT_EXPECT_EQ(test, ft->recs[1].addr, 0x81000);
	iommufd_fault_attach_remove(second);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* Off because of a failure, it is not turned off again. */
static void pri_test_ends_off(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct ft_unit *u = ft->unit[0];

	u->stop_rc = -EIO;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), -EIO);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, u->enabled, 0);

	/* And when the device goes */
	attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, u->enabled, 1);
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), -EIO);
	iommufd_fault_source_unregister(ft->source[0]);
	ft->source[0] = NULL;
	KUNIT_EXPECT_EQ(test, u->enabled, 0);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, u->enabled, 0);
	ft_done(ft);
}

/* Nobody wants page requests: they stay off. */
static void pri_test_unused(struct kunit *test)
{
	struct ft *ft = ft_new(test, 32, 32);
	struct ft_unit *u = ft->unit[0];
	struct iommufd_fault_hold *hold;

	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), 0);
	KUNIT_EXPECT_EQ(test, u->stops, 1);
	KUNIT_EXPECT_EQ(test, u->enabled, 0);
	KUNIT_EXPECT_FALSE(test, pri_enabled(ft));
	hold = iommufd_fault_hold_new(ft->dev[0], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, hold);
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(ft->dev[0]), 0);
	KUNIT_EXPECT_EQ(test, u->enabled, 1);
	iommufd_fault_hold_drop(hold);
	KUNIT_EXPECT_EQ(test, u->enabled, 0);
	ft_done(ft);
}

/* May the device have so many outstanding? */
static int pri_may_have(struct ft *ft, unsigned int allocation)
{
	struct iommufd_fault_hold *hold;

	hold = iommufd_fault_hold_new(ft->dev[0], allocation);
	if (IS_ERR(hold))
		return PTR_ERR(hold);
	iommufd_fault_hold_drop(hold);
	return 0;
}

/*
 * As many as was asked for, and no more; what is asked for is at most what was registered,
 * and that is at most what a queue can hold.
 */
static void pri_test_bounds(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_hold *hold;
	u32 i;

	KUNIT_EXPECT_EQ(test, pri_may_have(ft, 4), 0);
	KUNIT_EXPECT_EQ(test, pri_may_have(ft, 5), -EINVAL);
	hold = iommufd_fault_hold_new(ft->dev[0], 2);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, hold);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, FT_NO_PASID, i, 0x1000, true),
				    i < 2 ? IOMMUFD_FAULT_TAKEN :
					    IOMMUFD_FAULT_RETRY, "request %u", i);
	iommufd_fault_hold_drop(hold);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);

	ft_start(ft, 8, FAULT_SOURCE_MAX + 1);
	KUNIT_EXPECT_EQ(test, pri_may_have(ft, FAULT_SOURCE_MAX + 1), -EINVAL);
	ft_done(ft);
}

/*
 * Fewer than a group has: the one that has begun comes to its end, up to what the device
 * has, and what comes meanwhile is to be asked for again.
 */
static void pri_test_less_than_a_group(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_hold *hold;
	u32 i;

	hold = iommufd_fault_hold_new(ft->dev[0], 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, hold);
	for (i = 1; i <= 4; i++) {
		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, FT_NO_PASID, 1, 0x1000, i == 4),
				    IOMMUFD_FAULT_TAKEN, "request %u", i);
		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, FT_NO_PASID, 2, 0x1000, i == 4),
				    i == 4 ? IOMMUFD_FAULT_RETRY :
					     IOMMUFD_FAULT_DROPPED,
				    "request %u of another", i);
	}
	KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 160);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[0].cookie, 0), 8);

	/* More than it has is not to be asked for */
	for (i = 1; i <= 5; i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, FT_NO_PASID, 2, 0x1000, i == 5),
				    i == 5 ? IOMMUFD_FAULT_REFUSED :
					     IOMMUFD_FAULT_TAKEN, "request %u", i);
	/* Two that have begun: the one that was first */
	ft_report(ft, 0, FT_NO_PASID, 3, 0x1000, false);
	ft_report(ft, 0, FT_NO_PASID, 4, 0x1000, false);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 4, 0x1000, true),
			IOMMUFD_FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 3, 0x1000, true),
			IOMMUFD_FAULT_TAKEN);
	iommufd_fault_hold_drop(hold);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static struct kunit_case pri_cases[] = {
	KUNIT_CASE(pri_test_cut),
	KUNIT_CASE(pri_test_shared),
	KUNIT_CASE(pri_test_failure),
	KUNIT_CASE(pri_test_cut_by_failure),
	KUNIT_CASE(pri_test_ends_off),
	KUNIT_CASE(pri_test_unused),
	KUNIT_CASE(pri_test_bounds),
	KUNIT_CASE(pri_test_less_than_a_group),
	{}
};

static struct kunit_suite pri_suite = {
	.name = "iommufd_fault_pri",
	.test_cases = pri_cases,
};

kunit_test_suite(pri_suite);
