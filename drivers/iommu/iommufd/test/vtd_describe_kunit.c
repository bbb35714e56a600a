// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told of a VT-d unit against the domains that are made for it, for every unit
 * there could be.
 */
#include <kunit/test.h>
#include <linux/iommu.h>

#include "../vtd/describe.h"
#include "../vtd/domain.h"

static void expect_same(struct kunit *test, struct vtd_unit *unit, u32 flags)
{
	struct iommufd_paging_facts facts = {};
	struct vtd_domain *domain;
	struct iommu_domain *core;

	vtd_describe_paging(&unit->caps, flags, &facts);
	domain = vtd_paging_alloc(unit, NUMA_NO_NODE, flags);
	if (IS_ERR(domain)) {
		KUNIT_EXPECT_EQ(test, PTR_ERR(domain), -EOPNOTSUPP);
		KUNIT_EXPECT_FALSE(test, facts.offered);
		return;
	}
	core = &domain->domain;
	KUNIT_EXPECT_TRUE(test, facts.offered);
	KUNIT_EXPECT_EQ(test, facts.start, core->geometry.aperture_start);
	KUNIT_EXPECT_EQ(test, facts.last, core->geometry.aperture_end);
	KUNIT_EXPECT_EQ(test, facts.page_sizes, core->pgsize_bitmap);
	KUNIT_EXPECT_EQ(test, facts.alignment,
			BIT_ULL(__ffs(core->pgsize_bitmap)));
	KUNIT_EXPECT_EQ(test, facts.widths[0], 0);
	KUNIT_EXPECT_TRUE(test, facts.widths[1] &
				BIT_ULL(vtd_ss_bits(&domain->ss) - 1));
	KUNIT_EXPECT_EQ(test, hweight64(facts.widths[1]),
			hweight8(unit->caps.ss_levels));
	core->ops->free(core);
}

static void paging(struct kunit *test)
{
	static const u8 mgaws[] = { 39, 42, 48, 52, 57 };
	struct vtd_unit *unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);
	unsigned int levels, mgaw, bits;
	u32 flags;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->caps.coherent_walks = true;
	unit->caps.second_stage = true;
	for (levels = 1; levels < 8; levels++) {
		for (mgaw = 0; mgaw < ARRAY_SIZE(mgaws); mgaw++) {
			for (bits = 0; bits < 16; bits++) {
				unit->caps.ss_levels = levels << 3;
				unit->caps.mgaw = mgaws[mgaw];
				unit->caps.ss_2m = bits & 1;
				/* Never without 2 MiB (11.4.2) */
				unit->caps.ss_1g = (bits & 3) == 3;
				unit->caps.nested = bits & 4;
				unit->caps.dirty = bits & 8;
				for (flags = 0; flags < IOMMUFD_PAGING_KINDS;
				     flags++)
					expect_same(test, unit, flags);
			}
		}
	}
}

/* What user space makes of TABLE_WIDTHS and IOVA_RANGES in common. */
static u64 last_of(const struct iommufd_paging_facts *common)
{
	return min(common->last, GENMASK_ULL(fls64(common->widths[1]) - 1, 0));
}

static void expect_common(struct kunit *test, struct vtd_unit *a,
			  struct vtd_unit *b)
{
	struct iommufd_paging_facts common = {}, other = {};
	struct vtd_caps caps = a->caps;
	struct iommu_domain *core;
	struct vtd_domain *domain;
	u32 property;

	vtd_describe_paging(&a->caps, 0, &common);
	vtd_describe_paging(&b->caps, 0, &other);
	property = iommufd_paging_restrict(&common, &other);
	vtd_caps_restrict(&caps, &b->caps);
	if (property) {
		KUNIT_EXPECT_EQ(test, property, IOMMU_PROBE_TABLE_WIDTHS);
		KUNIT_EXPECT_EQ(test, caps.ss_levels, 0);
		return;
	}
	domain = vtd_paging_alloc_caps(a, &caps, NUMA_NO_NODE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	core = &domain->domain;
	KUNIT_EXPECT_EQ(test, last_of(&common),
			min(core->geometry.aperture_end, common.last));
	KUNIT_EXPECT_EQ(test, common.page_sizes, core->pgsize_bitmap);
	KUNIT_EXPECT_TRUE(test, a->caps.ss_levels & b->caps.ss_levels &
				BIT(domain->ss.config.levels));
	core->ops->free(core);
}

static void set_caps(struct vtd_unit *unit, unsigned int nth)
{
	static const u8 mgaws[] = { 39, 42, 48, 57 };

	unit->caps.ss_levels = (nth % 7 + 1) << 3;
	unit->caps.mgaw = mgaws[nth / 7 % 4];
	unit->caps.ss_2m = nth / 28 % 2;
	unit->caps.ss_1g = unit->caps.ss_2m && nth / 56 % 2;
	unit->caps.coherent_walks = true;
}

#define NUM_CAPS	112

static void pairs(struct kunit *test)
{
	struct vtd_unit *unit = kunit_kcalloc(test, 2, sizeof(*unit),
					      GFP_KERNEL);
	unsigned int a, b;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	for (a = 0; a < NUM_CAPS; a++) {
		for (b = 0; b < NUM_CAPS; b++) {
			set_caps(&unit[0], a);
			set_caps(&unit[1], b);
			expect_common(test, &unit[0], &unit[1]);
			cond_resched();
		}
	}
}

/* A table is alike to what is made for a unit exactly if it was made for one alike. */
static void alike(struct kunit *test)
{
	struct vtd_unit *unit = kunit_kcalloc(test, 2, sizeof(*unit),
					      GFP_KERNEL);
	struct vtd_domain *domain, *other;
	unsigned int a, b;
	bool same;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	for (a = 0; a < NUM_CAPS; a++) {
		set_caps(&unit[0], a);
		domain = vtd_paging_alloc(&unit[0], NUMA_NO_NODE, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
		KUNIT_EXPECT_TRUE(test, vtd_paging_alike(domain, &unit[0]));
		for (b = 0; b < NUM_CAPS; b++) {
			set_caps(&unit[1], b);
			other = vtd_paging_alloc(&unit[1], NUMA_NO_NODE, 0);
			KUNIT_ASSERT_FALSE(test, IS_ERR(other));
			same = domain->ss.config.levels ==
				       other->ss.config.levels &&
			       domain->domain.pgsize_bitmap ==
				       other->domain.pgsize_bitmap &&
			       domain->domain.geometry.aperture_end ==
				       other->domain.geometry.aperture_end;
			KUNIT_EXPECT_EQ(test, same,
					vtd_paging_alike(domain, &unit[1]));
			other->domain.ops->free(&other->domain);
			cond_resched();
		}
		unit[0].caps.snoop_control = true;
		KUNIT_EXPECT_FALSE(test, vtd_paging_alike(domain, &unit[0]));
		unit[0].caps.snoop_control = false;
		domain->domain.ops->free(&domain->domain);
	}
}

static void unit_facts(struct kunit *test)
{
	struct iommufd_description d = {};
	struct vtd_caps caps = {
		.mgaw = 48,
		.second_stage = true,
		.page_selective = true,
	};

	vtd_describe_unit(&caps, &d);
	KUNIT_EXPECT_EQ(test, d.address_widths[0], 0);
	KUNIT_EXPECT_EQ(test, d.address_widths[2], 48);
	KUNIT_EXPECT_EQ(test, d.num_formats, 0);
	KUNIT_EXPECT_EQ(test, d.iotlb_granule, SZ_4K);

	caps.first_stage = true;
	caps.nested = true;
	caps.fs_5level = true;
	caps.page_selective = false;
	memset(&d, 0, sizeof(d));
	vtd_describe_unit(&caps, &d);
	KUNIT_EXPECT_EQ(test, d.address_widths[0], 57);
	KUNIT_EXPECT_EQ(test, d.address_widths[1], 48);
	KUNIT_EXPECT_EQ(test, d.iotlb_granule, U64_MAX);
	KUNIT_ASSERT_EQ(test, d.num_formats, 1);
	KUNIT_EXPECT_EQ(test, d.formats[0].type, IOMMU_HWPT_DATA_VTD_S1);
	KUNIT_EXPECT_EQ(test, d.formats[0].widths, BIT_ULL(47) | BIT_ULL(56));
}

static struct kunit_case vtd_describe_cases[] = {
	KUNIT_CASE(paging),
	KUNIT_CASE_SLOW(pairs),
	KUNIT_CASE_SLOW(alike),
	KUNIT_CASE(unit_facts),
	{}
};

static struct kunit_suite vtd_describe_suite = {
	.name = "iommufd_vtd_describe",
	.test_cases = vtd_describe_cases,
};

kunit_test_suite(vtd_describe_suite);
