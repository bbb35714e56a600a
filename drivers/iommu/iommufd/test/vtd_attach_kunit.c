// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may have domain ids of a unit, and what an attach without one leaves; what a nest
 * parent may hold; and that no unit is suspended.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <uapi/linux/iommufd.h>

#include "../map/extents.h"
#include "../map/table.h"
#include "../vtd/domain.h"
#include "../vtd/driver.h"
#include "../vtd/tables.h"
#include "vtd_fake.h"

/* 48 bits, 4 levels, 2^8 domain ids, ranges */
#define CAP	(BIT_ULL(10) | 47ULL << 16 | 2 | BIT_ULL(39) | 9ULL << 48)
/* Scalable mode, all stages and pass-through, 20-bit PASIDs; all snoops */
#define ECAP	(BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(6) | BIT_ULL(26) | 19ULL << 35 | \
		 BIT_ULL(40) | BIT_ULL(43) | BIT_ULL(46) | BIT_ULL(47) | \
		 BIT_ULL(48))

#define RID		0x0108
#define LATE_RID	0x0110
#define NUM_DIDS	256

/**
 * struct rig - a unit with two devices
 * @test: for failures
 * @fake: the unit
 * @device: of it
 * @late: another one
 * @domains: made so far
 * @num: how many
 */
struct rig {
	struct kunit *test;
	struct vtd_fake *fake;
	struct vtd_device *device;
	struct vtd_device *late;
	struct vtd_domain *domains[NUM_DIDS];
	unsigned int num;
};

static struct vtd_device *new_device(struct rig *rig, u16 rid)
{
	struct vtd_device *device = vtd_fake_device(rig->fake, rid, 512);
	struct vtd_unit *unit = &rig->fake->unit;

	KUNIT_ASSERT_EQ(rig->test, vtd_pasid_dir_alloc(device), 0);
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(rig->test, vtd_context_install(device), 0);
	mutex_unlock(&unit->lock);
	return device;
}

static void drop_device(struct rig *rig, struct vtd_device *device)
{
	struct vtd_unit *unit = &rig->fake->unit;

	vtd_detach_all(device);
	mutex_lock(&unit->lock);
	vtd_context_remove(device);
	mutex_unlock(&unit->lock);
	vtd_pasid_dir_free(device);
}

static struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->fake = vtd_fake_new(test, CAP, ECAP);
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(&rig->fake->unit), 0);
	KUNIT_ASSERT_EQ(test, rig->fake->unit.caps.num_dids, NUM_DIDS);
	rig->device = new_device(rig, RID);
	rig->late = new_device(rig, LATE_RID);
	return rig;
}

static void rig_end(struct rig *rig)
{
	struct vtd_domain *domain;

	drop_device(rig, rig->device);
	drop_device(rig, rig->late);
	while (rig->num) {
		domain = rig->domains[--rig->num];
		domain->domain.ops->free(&domain->domain);
	}
	KUNIT_EXPECT_TRUE(rig->test, ida_is_empty(&rig->fake->unit.dids.ida));
	KUNIT_EXPECT_EQ(rig->test, rig->fake->unit.dids.num, 0);
	vtd_root_free(&rig->fake->unit);
}

static struct vtd_domain *new_domain(struct rig *rig)
{
	struct vtd_domain *domain;

	domain = vtd_paging_alloc(&rig->fake->unit, NUMA_NO_NODE, 0);
	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(domain));
	rig->domains[rig->num++] = domain;
	return domain;
}

/*
 * One device has PASIDs without end, each on a domain of its own: another device can
 * still be attached, RID and a PASID.
 */
static void dids_are_left(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_domain *spare;
	struct vtd_target target;
	unsigned int num;
	int rc = 0;

	for (num = 0; num < NUM_DIDS / 2; num++) {
		rc = vtd_attach(new_domain(rig), rig->device, 1 + num);
		if (rc)
			break;
	}
	KUNIT_EXPECT_EQ(test, rc, -ENOSPC);
	/* Half of all numbers, of which two are nobody's */
	KUNIT_EXPECT_EQ(test, num, NUM_DIDS / 2 - 2);
	spare = rig->domains[num];
	KUNIT_EXPECT_TRUE(test, list_empty(&spare->attachments));
	KUNIT_EXPECT_TRUE(test, list_empty(&spare->devices.list));
	/* Nor in the place of another one, which stays */
	KUNIT_EXPECT_EQ(test, vtd_attach(spare, rig->device, 5), -ENOSPC);
	mutex_lock(&rig->fake->unit.lock);
	vtd_pasid_get(rig->device, 5, &target);
	mutex_unlock(&rig->fake->unit.lock);
	KUNIT_EXPECT_EQ(test, target.ss_root, vtd_ss_root(&rig->domains[4]->ss));
	/* Who has one on the unit already needs none */
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domains[0], rig->device, 300), 0);
	/* What goes makes room */
	vtd_detach(rig->device, 2);
	KUNIT_EXPECT_EQ(test, vtd_attach(spare, rig->device, 301), 0);

	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late,
					 IOMMU_NO_PASID), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late, 1), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late, 2),
			-ENOSPC);
	/* To be moved is not to have one more */
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late, 1), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late,
					 IOMMU_NO_PASID), 0);
	/* What has no table has no number */
	KUNIT_EXPECT_EQ(test, vtd_attach(&vtd_identity_domain, rig->late, 2), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(new_domain(rig), rig->late, 1), 0);
	rig_end(rig);
}

/* What did not succeed has changed nothing. */
static void no_did_left(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_unit *unit = &rig->fake->unit;
	struct vtd_domain *domain = new_domain(rig);
	struct vtd_target target;
	unsigned int i;

	for (i = VTD_DID_FIRST; i < NUM_DIDS; i++)
		KUNIT_ASSERT_GE(test,
				tag_ids_alloc(&unit->dids, VTD_DID_FIRST,
					      NUM_DIDS, TAG_IDS_OWN), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(&vtd_identity_domain, rig->device,
					 IOMMU_NO_PASID), 0);
	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, rig->device, IOMMU_NO_PASID),
			-ENOSPC);
	mutex_lock(&unit->lock);
	vtd_pasid_get(rig->device, IOMMU_NO_PASID, &target);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_EQ(test, target.type, VTD_TARGET_IDENTITY);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->attachments));
	/* 0 and 1 are not given out */
	for (i = VTD_DID_FIRST; i < NUM_DIDS; i++)
		tag_ids_free(&unit->dids, i);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, rig->device, IOMMU_NO_PASID),
			0);
	rig_end(rig);
}

/* By itself, and among the runs of a whole call. */
static void expect_read_only(struct rig *rig, struct vtd_domain *domain, int rc)
{
	struct iommu_domain *core = &domain->domain;
	const struct map_table_ops *ops = map_table_find(core);
	const u64 run = map_run_pack(0x3000, 1);
	size_t mapped = 0, some = rc ? 0 : SZ_4K;

	KUNIT_ASSERT_NOT_NULL(rig->test, ops);
	KUNIT_EXPECT_EQ(rig->test, rc,
			core->ops->map_pages(core, SZ_4K, SZ_16M, SZ_4K, 1,
					     IOMMU_READ, GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(rig->test, mapped, some);
	mapped = 0;
	KUNIT_EXPECT_EQ(rig->test, rc,
			ops->map_runs(core, SZ_8K, &run, 1, IOMMU_READ,
				      &mapped));
	KUNIT_EXPECT_EQ(rig->test, mapped, some);
	KUNIT_EXPECT_EQ(rig->test, vtd_ss_iova_to_phys(&domain->ss, SZ_4K),
			rc ? 0ULL : SZ_16M);

	/* Who may write may read as well */
	mapped = 0;
	KUNIT_EXPECT_EQ(rig->test, 0,
			core->ops->map_pages(core, SZ_2M, SZ_16M, SZ_4K, 1,
					     IOMMU_READ | IOMMU_WRITE,
					     GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(rig->test, mapped, SZ_4K);
}

static struct vtd_domain *new_parent(struct rig *rig)
{
	struct vtd_domain *domain;

	domain = vtd_paging_alloc(&rig->fake->unit, NUMA_NO_NODE,
				  IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(domain));
	rig->domains[rig->num++] = domain;
	return domain;
}

static int attach_over(struct rig *rig, struct vtd_domain *parent)
{
	static const struct iommu_hwpt_vtd_s1 s1 = { .addr_width = 48 };
	struct vtd_domain *domain;
	int rc;

	domain = vtd_nested_alloc(&rig->fake->unit, parent, &s1);
	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(domain));
	rc = vtd_attach(domain, rig->device, IOMMU_NO_PASID);
	vtd_detach(rig->device, IOMMU_NO_PASID);
	domain->domain.ops->free(&domain->domain);
	return rc;
}

/*
 * Erratum (772415, SPR17): what is read-only in a parent would be written to. Nothing is
 * there to be written to then, whichever unit the parent was made for.
 */
static void parent_read_only(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_unit *unit = &rig->fake->unit;
	struct vtd_domain *before;

	before = new_parent(rig);
	expect_read_only(rig, before, 0);
	KUNIT_EXPECT_EQ(test, attach_over(rig, before), 0);

	unit->rw_parents = true;
	expect_read_only(rig, new_parent(rig), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach_over(rig, rig->domains[1]), 0);
	KUNIT_EXPECT_EQ(test, attach_over(rig, before), -EINVAL);
	/* What nothing is nested over may hold anything */
	expect_read_only(rig, new_domain(rig), 0);
	rig_end(rig);
}

/* A unit that lets nothing through would let everything through afterwards. */
static void no_suspend(struct kunit *test)
{
	LIST_HEAD(none);
	LIST_HEAD(some);
	LIST_HEAD(item);

	list_add(&item, &some);
	KUNIT_EXPECT_TRUE(test, vtd_may_suspend(&none, &none));
	KUNIT_EXPECT_FALSE(test, vtd_may_suspend(&some, &none));
	KUNIT_EXPECT_FALSE(test, vtd_may_suspend(&none, &some));
	KUNIT_EXPECT_FALSE(test, vtd_may_suspend(&some, &some));
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(dids_are_left),
	KUNIT_CASE(no_did_left),
	KUNIT_CASE(parent_read_only),
	KUNIT_CASE(no_suspend),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "iommufd_vtd_attach",
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
