// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reserved regions leave, against a bitmap of a space small enough to try every
 * set of regions in it.
 */
#include <kunit/test.h>

#include "describe.h"

/* Addresses 0 to SPACE - 1 */
#define SPACE		6
#define REGIONS		3

static u64 all_but(const struct iommufd_regions *regions, u64 start, u64 last)
{
	u64 bits = GENMASK_ULL(last, start);
	unsigned int i;

	for (i = 0; i < regions->num; i++) {
		const struct iommu_probe_region *region = &regions->entries[i];

		if (region->kind != IOMMU_PROBE_REGION_DIRECT_RELAXABLE)
			bits &= ~GENMASK_ULL(region->last, region->start);
	}
	return bits;
}

/* Also: not empty, ascending, and with a gap between neighbours. */
static u64 bits_of(struct kunit *test, const struct iommu_iova_range *ranges,
		   unsigned int num)
{
	unsigned int i;
	u64 bits = 0;

	for (i = 0; i < num; i++) {
		KUNIT_ASSERT_LE(test, ranges[i].start, ranges[i].last);
		if (i)
			KUNIT_ASSERT_GT(test, ranges[i].start,
					ranges[i - 1].last + 1);
		bits |= GENMASK_ULL(ranges[i].last, ranges[i].start);
	}
	return bits;
}

static void try_regions(struct kunit *test,
			const struct iommufd_regions *regions)
{
	struct iommu_iova_range ranges[REGIONS + 1];
	unsigned int num;
	u64 start, last;

	for (start = 0; start < SPACE; start++) {
		for (last = start; last < SPACE; last++) {
			num = iommufd_usable_ranges(regions, start, last,
						    ranges);
			KUNIT_ASSERT_LE(test, num, regions->num + 1);
			KUNIT_ASSERT_EQ_MSG(test, bits_of(test, ranges, num),
					    all_but(regions, start, last),
					    "%llu to %llu", start, last);
		}
	}
}

/* Every set of regions that ascends by start, of either kind */
static void extend(struct kunit *test, struct iommufd_regions *regions,
		   u64 from)
{
	static const u32 kinds[] = {
		IOMMU_PROBE_REGION_MSI,
		IOMMU_PROBE_REGION_DIRECT_RELAXABLE,
	};
	struct iommu_probe_region *region = &regions->entries[regions->num];
	unsigned int i;
	u64 start, last;

	try_regions(test, regions);
	if (regions->num == REGIONS)
		return;
	regions->num++;
	for (start = from; start < SPACE; start++) {
		for (last = start; last < SPACE; last++) {
			for (i = 0; i < ARRAY_SIZE(kinds); i++) {
				region->start = start;
				region->last = last;
				region->kind = kinds[i];
				extend(test, regions, start);
			}
		}
	}
	regions->num--;
}

static void usable_every_set(struct kunit *test)
{
	struct iommu_probe_region entries[REGIONS] = {};
	struct iommufd_regions regions = { .entries = entries };

	extend(test, &regions, 0);
}

/* Both ends of all addresses there are, where a carry would be lost. */
static void usable_ends(struct kunit *test)
{
	struct iommu_probe_region entries[] = {
		{ .start = 0, .last = 0xfff, .kind = IOMMU_PROBE_REGION_DIRECT },
		{ .start = U64_MAX - 0xfff, .last = U64_MAX,
		  .kind = IOMMU_PROBE_REGION_RESERVED },
	};
	struct iommufd_regions regions = {
		.entries = entries,
		.num = ARRAY_SIZE(entries),
	};
	struct iommu_iova_range ranges[3];

	KUNIT_ASSERT_EQ(test, iommufd_usable_ranges(&regions, 0, U64_MAX,
						    ranges), 1);
	KUNIT_EXPECT_EQ(test, ranges[0].start, 0x1000);
	KUNIT_EXPECT_EQ(test, ranges[0].last, U64_MAX - 0x1000);
	regions.num = 0;
	KUNIT_ASSERT_EQ(test, iommufd_usable_ranges(&regions, 0, U64_MAX,
						    ranges), 1);
	KUNIT_EXPECT_EQ(test, ranges[0].last, U64_MAX);
	entries[0].last = U64_MAX;
	regions.num = 1;
	KUNIT_EXPECT_EQ(test, iommufd_usable_ranges(&regions, 0, U64_MAX,
						    ranges), 0);
}

static void widths(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, iommufd_widths_to(0), 0);
	KUNIT_EXPECT_EQ(test, iommufd_widths_to(1), 1);
	KUNIT_EXPECT_EQ(test, iommufd_widths_to(48), BIT_ULL(48) - 1);
	KUNIT_EXPECT_EQ(test, iommufd_widths_to(64), U64_MAX);
}

static struct kunit_case describe_cases[] = {
	KUNIT_CASE_SLOW(usable_every_set),
	KUNIT_CASE(usable_ends),
	KUNIT_CASE(widths),
	{}
};

static struct kunit_suite describe_suite = {
	.name = "iommufd_describe",
	.test_cases = describe_cases,
};

kunit_test_suite(describe_suite);
