// SPDX-License-Identifier: GPL-2.0-only
/*
 * Properties of a device, without a software node: when memory for one of its two
 * links in sysfs is missing, the driver core goes on without the reference that it
 * then puts as the device goes (software_node_notify(), 6.12), and tests let memory
 * be missing.
 */
#include <linux/device.h>
#include <linux/fwnode.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device_firmware.h"

struct said {
	struct fwnode_handle fwnode;
	struct device_firmware firmware;
};

static bool said_present(const struct fwnode_handle *fwnode, const char *name)
{
	return !strcmp(name, "pasid-num-bits");
}

/* Without @val, how many there are */
static int said_read_int_array(const struct fwnode_handle *fwnode,
			       const char *name, unsigned int elem_size,
			       void *val, size_t nval)
{
	if (strcmp(name, "pasid-num-bits"))
		return -EINVAL;
	if (!val)
		return 1;
	if (elem_size != sizeof(u32) || nval != 1)
		return -EOVERFLOW;
	*(u32 *)val = container_of(fwnode, struct said, fwnode)->firmware.pasid_num_bits;
	return 0;
}

static const struct fwnode_operations said_ops = {
	.property_present = said_present,
	.property_read_int_array = said_read_int_array,
};

static void forget(void *data)
{
	struct device *dev = data;
	struct said *said = container_of(dev->fwnode, struct said, fwnode);

	device_set_node(dev, NULL);
	kfree(said);
}

/**
 * device_firmware_set() - say what firmware says of a device
 * @dev: initialized, not added yet, and without a firmware node; no driver will bind to
 *	it, which would find that it has managed resources already
 * @firmware: its properties, copied
 *
 * It is forgotten when the device is taken away, or its last reference goes.
 *
 * Return: 0, or -ENOMEM.
 */
int device_firmware_set(struct device *dev,
			const struct device_firmware *firmware)
{
	struct said *said;

	said = kzalloc(sizeof(*said), GFP_KERNEL_ACCOUNT);
	if (!said)
		return -ENOMEM;
	fwnode_init(&said->fwnode, &said_ops);
	said->firmware = *firmware;
	device_set_node(dev, &said->fwnode);
	return devm_add_action_or_reset(dev, forget, dev);
}
