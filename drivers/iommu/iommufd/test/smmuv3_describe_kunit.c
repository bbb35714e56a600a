// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told of an SMMUv3 against the domains that are made for it, for units of
 * every kind.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "../smmuv3/describe.h"
#include "../smmuv3/domain.h"

static void expect_same(struct kunit *test, struct smmuv3_unit *unit, u32 flags)
{
	struct iommufd_paging_facts facts = {};
	struct smmuv3_domain *domain;
	struct iommu_domain *core;
	unsigned int stage;

	smmuv3_describe_paging(&unit->caps, flags, &facts);
	domain = smmuv3_paging_alloc(unit, flags);
	if (IS_ERR(domain)) {
		KUNIT_EXPECT_EQ(test, PTR_ERR(domain), -EOPNOTSUPP);
		KUNIT_EXPECT_FALSE(test, facts.offered);
		return;
	}
	core = &domain->domain;
	KUNIT_EXPECT_TRUE(test, facts.offered);
	KUNIT_EXPECT_EQ(test, facts.start, core->geometry.aperture_start);
	KUNIT_EXPECT_EQ(test, facts.last, core->geometry.aperture_end);
	KUNIT_EXPECT_EQ(test, facts.page_sizes & core->pgsize_bitmap,
			core->pgsize_bitmap);
	KUNIT_EXPECT_EQ(test, facts.alignment,
			BIT_ULL(__ffs(core->pgsize_bitmap)));
	stage = domain->kind == SMMUV3_DOMAIN_STAGE2;
	KUNIT_EXPECT_TRUE(test, facts.widths[stage] &
				BIT_ULL(domain->pgtbl_cfg.ias - 1));
	if (stage)
		KUNIT_EXPECT_EQ(test, facts.widths[0], 0);
	core->ops->free(core);
}

static const unsigned long granules[] = {
	SZ_4K, SZ_16K, SZ_64K, SZ_4K | SZ_16K, SZ_4K | SZ_64K, SZ_16K | SZ_64K,
	SZ_4K | SZ_16K | SZ_64K,
};

static void paging(struct kunit *test)
{
	static const u8 oas[] = { 40, 44, 48 };
	struct smmuv3_unit *unit = kunit_kzalloc(test, sizeof(*unit),
						 GFP_KERNEL);
	unsigned int stages, g, o, bits;
	u32 flags;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->dev = kunit_device_register(test, "smmuv3-describe");
	KUNIT_ASSERT_FALSE(test, IS_ERR(unit->dev));
	unit->caps.coherent = true;
	for (stages = 1; stages < 4; stages++) {
		unit->caps.stage1 = stages & 1;
		unit->caps.stage2 = stages & 2;
		for (g = 0; g < ARRAY_SIZE(granules); g++) {
			for (o = 0; o < ARRAY_SIZE(oas); o++) {
				for (bits = 0; bits < 8; bits++) {
					unit->caps.granules = granules[g];
					unit->caps.oas = oas[o];
					unit->caps.ias = oas[o];
					unit->caps.va_bits = bits & 1 ? 52 : 48;
					unit->caps.hw_dirty = bits & 2;
					unit->caps.s2fwb = (bits & 4) &&
							   (stages & 2);
					for (flags = 0;
					     flags < IOMMUFD_PAGING_KINDS;
					     flags++)
						expect_same(test, unit, flags);
				}
			}
		}
	}
}

static void set_caps(struct smmuv3_caps *caps, unsigned int nth)
{
	static const u8 oas[] = { 40, 48 };

	caps->coherent = true;
	caps->stage1 = (nth % 3 + 1) & 1;
	caps->stage2 = (nth % 3 + 1) & 2;
	caps->granules = granules[nth / 3 % ARRAY_SIZE(granules)];
	caps->oas = oas[nth / 21 % 2];
	caps->ias = caps->oas;
	caps->va_bits = nth / 42 % 2 ? 52 : 48;
}

#define NUM_CAPS	84

/* What user space makes of TABLE_WIDTHS and IOVA_RANGES in common. */
static u64 last_of(const struct iommufd_paging_facts *common)
{
	u64 widths = common->widths[0] ?: common->widths[1];

	return min(common->last, GENMASK_ULL(fls64(widths) - 1, 0));
}

static void expect_common(struct kunit *test, struct smmuv3_unit *a,
			  struct smmuv3_unit *b)
{
	struct iommufd_paging_facts common = {}, other = {};
	struct smmuv3_caps caps = a->caps;
	struct smmuv3_domain *domain;
	struct iommu_domain *core;
	u32 property;

	smmuv3_describe_paging(&a->caps, 0, &common);
	smmuv3_describe_paging(&b->caps, 0, &other);
	property = iommufd_paging_restrict(&common, &other);
	smmuv3_caps_restrict(&caps, &b->caps);
	if (property) {
		if (property == IOMMU_PROBE_PAGE_SIZES)
			KUNIT_EXPECT_EQ(test, caps.granules, 0);
		else
			KUNIT_EXPECT_FALSE(test, caps.stage1 || caps.stage2);
		return;
	}
	domain = smmuv3_paging_alloc_caps(a, &caps, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	core = &domain->domain;
	KUNIT_EXPECT_EQ(test, last_of(&common),
			min(core->geometry.aperture_end, common.last));
	KUNIT_EXPECT_EQ(test, common.page_sizes & core->pgsize_bitmap,
			core->pgsize_bitmap);
	/* What user space makes of ALIGNMENT and PAGE_SIZES in common */
	KUNIT_EXPECT_EQ(test, max(common.alignment,
				  BIT_ULL(__ffs(common.page_sizes))),
			BIT_ULL(__ffs(core->pgsize_bitmap)));
	KUNIT_EXPECT_TRUE(test, smmuv3_paging_suits(domain, &a->caps));
	KUNIT_EXPECT_TRUE(test, smmuv3_paging_suits(domain, &b->caps));
	core->ops->free(core);
}

static void pairs(struct kunit *test)
{
	struct smmuv3_unit *unit = kunit_kcalloc(test, 2, sizeof(*unit),
						 GFP_KERNEL);
	unsigned int a, b;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->dev = kunit_device_register(test, "smmuv3-two");
	KUNIT_ASSERT_FALSE(test, IS_ERR(unit->dev));
	for (a = 0; a < NUM_CAPS; a++) {
		for (b = 0; b < NUM_CAPS; b++) {
			set_caps(&unit[0].caps, a);
			set_caps(&unit[1].caps, b);
			expect_common(test, &unit[0], &unit[1]);
			cond_resched();
		}
	}
}

/* A table is alike to what is made for a unit exactly if it was made for one alike. */
static void alike(struct kunit *test)
{
	struct smmuv3_unit *unit = kunit_kcalloc(test, 2, sizeof(*unit),
						 GFP_KERNEL);
	struct smmuv3_domain *domain, *other;
	unsigned int a, b;
	bool same;

	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit[0].dev = kunit_device_register(test, "smmuv3-same");
	KUNIT_ASSERT_FALSE(test, IS_ERR(unit[0].dev));
	unit[1].dev = unit[0].dev;
	for (a = 0; a < NUM_CAPS; a++) {
		set_caps(&unit[0].caps, a);
		domain = smmuv3_paging_alloc(&unit[0], 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
		for (b = 0; b < NUM_CAPS; b++) {
			set_caps(&unit[1].caps, b);
			other = smmuv3_paging_alloc(&unit[1], 0);
			KUNIT_ASSERT_FALSE(test, IS_ERR(other));
			same = domain->kind == other->kind &&
			       domain->pgtbl_cfg.pgsize_bitmap ==
				       other->pgtbl_cfg.pgsize_bitmap &&
			       domain->pgtbl_cfg.ias == other->pgtbl_cfg.ias &&
			       domain->pgtbl_cfg.oas == other->pgtbl_cfg.oas;
			KUNIT_EXPECT_EQ(test, same,
					smmuv3_paging_alike(domain,
							    &unit[1].caps));
			other->domain.ops->free(&other->domain);
			cond_resched();
		}
		domain->domain.ops->free(&domain->domain);
	}
}

static void unit_facts(struct kunit *test)
{
	struct iommufd_description d = {};
	struct smmuv3_caps caps = {
		.stage1 = true,
		.va_bits = 52,
		.ias = 44,
		.oas = 40,
		.granules = SZ_16K | SZ_64K,
	};

	smmuv3_describe_unit(&caps, &d);
	KUNIT_EXPECT_EQ(test, d.address_widths[0], 52);
	KUNIT_EXPECT_EQ(test, d.address_widths[1], 40);
	KUNIT_EXPECT_EQ(test, d.address_widths[2], 0);
	KUNIT_EXPECT_EQ(test, d.iotlb_granule, SZ_16K);
	caps.stage2 = true;
	smmuv3_describe_unit(&caps, &d);
	KUNIT_EXPECT_EQ(test, d.address_widths[1], 44);
	KUNIT_EXPECT_EQ(test, d.address_widths[2], 44);
	KUNIT_EXPECT_EQ(test, d.address_widths[3], 40);
}

static struct kunit_case smmuv3_describe_cases[] = {
	KUNIT_CASE_SLOW(paging),
	KUNIT_CASE_SLOW(pairs),
	KUNIT_CASE_SLOW(alike),
	KUNIT_CASE(unit_facts),
	{}
};

static struct kunit_suite smmuv3_describe_suite = {
	.name = "iommufd_smmuv3_describe",
	.test_cases = smmuv3_describe_cases,
};

kunit_test_suite(smmuv3_describe_suite);
