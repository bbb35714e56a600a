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
	KUNIT_CASE(unit_facts),
	{}
};

static struct kunit_suite vtd_describe_suite = {
	.name = "iommufd_vtd_describe",
	.test_cases = vtd_describe_cases,
};

kunit_test_suite(vtd_describe_suite);
