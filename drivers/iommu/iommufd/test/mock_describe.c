// SPDX-License-Identifier: GPL-2.0-only
/* The facts about mock devices. */
#include <linux/log2.h>

#include "describe.h"
#include "mock.h"

static void describe_paging(const struct mock_dev *mdev, u32 flags,
			    struct iommufd_paging_facts *facts)
{
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
	    mdev->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return;
	facts->offered = true;
	facts->start = MOCK_APERTURE_START;
	facts->last = MOCK_APERTURE_LAST;
	facts->page_sizes = MOCK_IO_PAGE_SIZE;
	if (mdev->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA)
		facts->page_sizes |= MOCK_HUGE_PAGE_SIZE;
	facts->alignment = MOCK_IO_PAGE_SIZE;
	facts->widths[1] = MOCK_APERTURE_LAST / 2 + 1;
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

static struct iommufd_describer describer = {
	.describe = describe,
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
