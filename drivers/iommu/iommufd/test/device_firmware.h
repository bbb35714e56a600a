/* SPDX-License-Identifier: GPL-2.0-only */
/* What a machine's firmware would say of a device that we have made. */
#ifndef __IOMMUFD_TEST_DEVICE_FIRMWARE_H
#define __IOMMUFD_TEST_DEVICE_FIRMWARE_H

#include <linux/types.h>

struct device;

/**
 * struct device_firmware - properties of a device
 * @pasid_num_bits: "pasid-num-bits", which the IOMMU core takes for the width of its
 *	PASIDs: 0 to 20
 */
struct device_firmware {
	u32 pasid_num_bits;
};

int device_firmware_set(struct device *dev,
			const struct device_firmware *firmware);

#endif
