// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mock devices can do: alike, but for what they are made to differ in, and what is
 * told of that. A device is attached only to what suits it, as hardware would have it.
 */
#include <linux/bits.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "describe.h"
#include "mock.h"

/* Of the tables there are, but for MOCK_FLAGS_DEVICE_TWO_WIDTHS and _OTHER_WIDTHS */
#define WIDTH		31
#define LOW_WIDTH	30
#define HIGH_WIDTH	32

/**
 * mock_limits() - what tables a device can have
 * @mdev: the device
 * @limits: filled in
 */
void mock_limits(const struct mock_dev *mdev, struct mock_limits *limits)
{
	u32 flags = mdev->flags;

	*limits = (struct mock_limits){
		.page_sizes = MOCK_IO_PAGE_SIZE,
		.start = MOCK_APERTURE_START,
		.last = MOCK_APERTURE_LAST,
		.widths = BIT_ULL(WIDTH - 1),
	};
	if (flags & MOCK_FLAGS_DEVICE_HUGE_IOVA)
		limits->page_sizes |= MOCK_HUGE_PAGE_SIZE;
	if (flags & MOCK_FLAGS_DEVICE_ANY_PAGES)
		limits->page_sizes |= PAGE_SIZE;
	if (flags & MOCK_FLAGS_DEVICE_WHOLE_PAGES)
		limits->page_sizes = PAGE_SIZE;
	if (flags & MOCK_FLAGS_DEVICE_NARROW)
		limits->last = MOCK_NARROW_LAST;
	if (flags & MOCK_FLAGS_DEVICE_HIGH)
		limits->start = MOCK_HIGH_START;
	if (flags & MOCK_FLAGS_DEVICE_TWO_WIDTHS)
		limits->widths |= BIT_ULL(LOW_WIDTH - 1);
	if (flags & MOCK_FLAGS_DEVICE_OTHER_WIDTHS)
		limits->widths = BIT_ULL(LOW_WIDTH - 1) |
				 BIT_ULL(HIGH_WIDTH - 1);
	limits->last = min_t(u64, limits->last,
			     GENMASK_ULL(fls64(limits->widths) - 1, 0));
}

/**
 * mock_suits() - can a device be translated by a table?
 * @mdev: the device
 * @paging: the table
 *
 * Return: whether it can.
 */
bool mock_suits(const struct mock_dev *mdev, const struct mock_paging *paging)
{
	const struct iommu_domain *domain = &paging->domain;
	struct mock_limits limits;

	mock_limits(mdev, &limits);
	/* MOCK_FLAGS_DEVICE_HUGE_IOVA is for tables made for a device; all take them */
	if (limits.page_sizes & MOCK_IO_PAGE_SIZE)
		limits.page_sizes |= MOCK_HUGE_PAGE_SIZE;
	return !(domain->pgsize_bitmap & ~limits.page_sizes) &&
	       domain->geometry.aperture_start >= limits.start &&
	       domain->geometry.aperture_end <= limits.last &&
	       limits.widths & BIT_ULL(paging->width - 1) &&
	       !(paging->snoop &&
		 mdev->flags & MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL);
}

static bool offered(const struct mock_dev *mdev, u32 flags)
{
	return !(flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) ||
	       !(mdev->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
}

static void describe_paging(const struct mock_dev *mdev, u32 flags,
			    struct iommufd_paging_facts *facts)
{
	struct mock_limits limits;

	facts->offered = offered(mdev, flags);
	if (!facts->offered)
		return;
	mock_limits(mdev, &limits);
	facts->start = limits.start;
	facts->last = limits.last;
	facts->page_sizes = limits.page_sizes;
	facts->alignment = BIT_ULL(__ffs(limits.page_sizes));
	facts->widths[1] = limits.widths;
}

static void describe(struct device *dev, struct iommufd_description *description)
{
	static const struct iommufd_format formats[] = {
		{ IOMMU_HWPT_DATA_SELFTEST, 0 },
		{ IOMMU_HWPT_DATA_SELFTEST_S1, BIT_ULL(20) | BIT_ULL(29) },
	};
	struct iommu_probe_faults *faults = &description->faults;
	const struct mock_dev *mdev = to_mock_dev(dev);
	u64 *bits = description->address_widths;
	u32 flags;

	for (flags = 0; flags < IOMMUFD_PAGING_KINDS; flags++)
		describe_paging(mdev, flags, &description->paging[flags]);
	bits[0] = 30;
	bits[1] = ilog2(MOCK_APERTURE_LAST) + 1;
	bits[2] = bits[1];
	bits[3] = BITS_PER_LONG;
	static_assert(ARRAY_SIZE(formats) <= IOMMUFD_FORMATS_MAX);
	memcpy(description->formats, formats, sizeof(formats));
	description->num_formats = ARRAY_SIZE(formats);
	faults->flags |= IOMMU_PROBE_FAULTS_PRI;
	faults->pri_capacity = MOCK_MAX_OUTSTANDING;
	if (mdev->flags & MOCK_FLAGS_DEVICE_PASID)
		faults->flags |= IOMMU_PROBE_FAULTS_RESP_PASID;
	description->iotlb_granule = MOCK_IO_PAGE_SIZE;
}

static struct iommu_domain *alloc_common(struct device *const *devs,
					 unsigned int num, u32 flags)
{
	struct iommu_domain *domain;
	struct mock_limits common, one;
	unsigned int i;

	mock_limits(to_mock_dev(devs[0]), &common);
	for (i = 1; i < num; i++) {
		if ((to_mock_dev(devs[i])->flags ^ to_mock_dev(devs[0])->flags) &
		    MOCK_FLAGS_DEVICE_OTHER_UNIT)
			return ERR_PTR(-EXDEV);
		mock_limits(to_mock_dev(devs[i]), &one);
		common.page_sizes &= one.page_sizes;
		common.start = max(common.start, one.start);
		common.last = min(common.last, one.last);
		common.widths &= one.widths;
	}
	if (WARN_ON(!common.page_sizes || common.start > common.last ||
		    !common.widths))
		return ERR_PTR(-EXDEV);
	domain = mock_domain_alloc_limits(&common);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->dirty_ops = &mock_dirty_ops;
	return domain;
}

static bool alike(struct iommu_domain *domain, struct device *dev)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	struct mock_dev *mdev = to_mock_dev(dev);
	struct mock_limits limits;

	mock_limits(mdev, &limits);
	return domain->pgsize_bitmap == limits.page_sizes &&
	       domain->geometry.aperture_start == limits.start &&
	       domain->geometry.aperture_end == limits.last &&
	       paging->width == fls64(limits.widths) &&
	       paging->snoop ==
		       !(mdev->flags & MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL);
}

static struct iommufd_describer describer = {
	.describe = describe,
	.alloc_common = alloc_common,
	.alike = alike,
};

/**
 * mock_describer_register() - facts about mock devices are known from now on
 * @ops: the mock's
 */
void mock_describer_register(const struct iommu_ops *ops)
{
	describer.iommu_ops = ops;
	iommufd_describer_register(&describer);
}
