// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware says of a mock device with PASIDs: their width, which is where the IOMMU
 * core looks for it. Not a software node: when memory for one of its two links in sysfs
 * is missing, the driver core goes on without the reference that it then puts as the
 * device goes (software_node_notify(), 6.12), and tests let memory be missing.
 */
#include <linux/errno.h>
#include <linux/fwnode.h>
#include <linux/string.h>

#include "mock.h"

#define PASID_WIDTH	"pasid-num-bits"

static bool mock_firmware_present(const struct fwnode_handle *fwnode,
				  const char *name)
{
	return !strcmp(name, PASID_WIDTH);
}

/* Without @val, how many there are */
static int mock_firmware_read(const struct fwnode_handle *fwnode,
			      const char *name, unsigned int elem_size,
			      void *val, size_t nval)
{
	if (strcmp(name, PASID_WIDTH))
		return -EINVAL;
	if (!val)
		return 1;
	if (elem_size != sizeof(u32) || nval != 1)
		return -EOVERFLOW;
	*(u32 *)val = MOCK_PASID_WIDTH;
	return 0;
}

const struct fwnode_operations mock_firmware_ops = {
	.property_present = mock_firmware_present,
	.property_read_int_array = mock_firmware_read,
};
