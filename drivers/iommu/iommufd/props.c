// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_DEVICE_PROBE: the facts about a device as a list of properties, each with
 * its length and how it combines with that of another device. No lock is held: what
 * is told does not change while the device is bound, but for the window for MSIs
 * (msi_window.c).
 */
#include <linux/iommu.h>
#include <linux/once.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "describe.h"
#include "device.h"
#include "hwpt.h"
#include "trace.h"

/* What properties are made of, and so are their lengths */
#define PROBE_ALIGN	8

/**
 * struct probe_writer - the user's buffer
 * @to: where it is
 * @room: bytes of it
 * @used: bytes of all properties so far, stored or not
 * @stored: properties stored
 * @full: one has not had room: none behind it is stored
 * @rc: the first error, or 0: nothing is stored after it
 */
struct probe_writer {
	void __user *to;
	u64 room;
	u64 used;
	u32 stored;
	bool full;
	int rc;
};

static void store(struct probe_writer *writer,
		  const struct iommu_probe_property *head, const void *value,
		  size_t len)
{
	void __user *to = writer->to + writer->used;

	if (copy_to_user(to, head, sizeof(*head)) ||
	    copy_to_user(to + sizeof(*head), value, len) ||
	    clear_user(to + sizeof(*head) + len, head->length - len))
		writer->rc = -EFAULT;
	else
		writer->stored++;
}

/* The value is filled up with zero. */
static void put_kind(struct probe_writer *writer, u16 type, u16 combine,
		     u32 hwpt_flags, const void *value, size_t len)
{
	struct iommu_probe_property head = {
		.type = type,
		.combine = combine,
		.length = ALIGN(len, PROBE_ALIGN),
		.hwpt_flags = hwpt_flags,
	};
	u64 need = sizeof(head) + head.length;

	if (writer->room < writer->used || writer->room - writer->used < need)
		writer->full = true;
	if (!writer->full && !writer->rc)
		store(writer, &head, value, len);
	writer->used += need;
}

static void put(struct probe_writer *writer, u16 type, u16 combine,
		const void *value, size_t len)
{
	put_kind(writer, type, combine, 0, value, len);
}

static void put_u64(struct probe_writer *writer, u16 type, u16 combine,
		    u64 value)
{
	put(writer, type, combine, &value, sizeof(value));
}

/* Not the address of the ops, which is nobody's business. */
static u64 driver_number(const struct iommu_ops *ops)
{
	static siphash_key_t key;

	get_random_once(&key, sizeof(key));
	return siphash_1u64((unsigned long)ops, &key);
}

static void put_identity(struct probe_writer *writer, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	const char *unit = dev_name(dev->iommu->iommu_dev->dev);

	put_u64(writer, IOMMU_PROBE_DRIVER, IOMMU_PROBE_COMBINE_SAME,
		driver_number(ops));
	/* Of other drivers nobody knows what of one unit's suits another */
	put(writer, IOMMU_PROBE_UNIT,
	    iommufd_describer_find(ops) ? IOMMU_PROBE_COMBINE_NONE :
					  IOMMU_PROBE_COMBINE_SAME,
	    unit, strlen(unit) + 1);
}

static int put_ranges(struct probe_writer *writer, u32 flags,
		      const struct iommufd_paging_facts *facts,
		      const struct iommufd_regions *regions)
{
	struct iommu_iova_range *ranges;
	unsigned int num;

	ranges = kmalloc_array(regions->num + 1, sizeof(*ranges),
			       GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;
	num = iommufd_usable_ranges(regions, facts->start, facts->last, ranges);
	put_kind(writer, IOMMU_PROBE_IOVA_RANGES, IOMMU_PROBE_COMBINE_INTERSECT,
		 flags, ranges, num * sizeof(*ranges));
	kfree(ranges);
	return 0;
}

static int put_paging(struct probe_writer *writer, u32 flags,
		      const struct iommufd_paging_facts *facts,
		      const struct iommufd_regions *regions)
{
	int rc;

	if (!facts->offered)
		return 0;
	rc = put_ranges(writer, flags, facts, regions);
	if (rc)
		return rc;
	put_kind(writer, IOMMU_PROBE_PAGE_SIZES, IOMMU_PROBE_COMBINE_AND, flags,
		 &facts->page_sizes, sizeof(facts->page_sizes));
	if (facts->widths[0] || facts->widths[1])
		put_kind(writer, IOMMU_PROBE_TABLE_WIDTHS,
			 IOMMU_PROBE_COMBINE_AND, flags, facts->widths,
			 sizeof(facts->widths));
	if (facts->alignment)
		put_kind(writer, IOMMU_PROBE_ALIGNMENT, IOMMU_PROBE_COMBINE_MAX,
			 flags, &facts->alignment, sizeof(facts->alignment));
	return 0;
}

static u64 capabilities(struct device *dev, u64 pasid_caps)
{
	u64 caps = 0;

	if (iommufd_dirty_capable(dev))
		caps |= IOMMU_PROBE_CAP_DIRTY_TRACKING;
	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		caps |= IOMMU_PROBE_CAP_COHERENT;
	if (iommufd_fault_supported(dev))
		caps |= IOMMU_PROBE_CAP_FAULT_QUEUE;
	if (device_iommu_capable(dev, (enum iommu_cap)IOMMUFD_CAP_EVENTS))
		caps |= IOMMU_PROBE_CAP_HWPT_EVENTQ;
	if (dev_iommu_ops(dev)->remove_dev_pasid)
		caps |= IOMMU_PROBE_CAP_PASID_ATTACH;
	if (device_iommu_capable(dev, (enum iommu_cap)IOMMUFD_CAP_PASID_REPLACE))
		caps |= IOMMU_PROBE_CAP_PASID_REPLACE;
	if (pasid_caps & IOMMU_HW_CAP_PCI_PASID_EXEC)
		caps |= IOMMU_PROBE_CAP_PASID_EXEC;
	if (pasid_caps & IOMMU_HW_CAP_PCI_PASID_PRIV)
		caps |= IOMMU_PROBE_CAP_PASID_PRIV;
	return caps;
}

static void put_capabilities(struct probe_writer *writer,
			     struct iommufd_device *idev)
{
	bool mediated = iommufd_device_is_mediated(idev);
	struct device *dev = idev->dev;
	u64 pasid_caps;
	u8 pasid_bits;

	pasid_caps = iommufd_pasid_capabilities(dev, &pasid_bits);
	/* As IOMMU_GET_HW_INFO: these are not what is on the wire */
	if (mediated)
		pasid_bits = IOMMUFD_PASID_BITS;
	put_u64(writer, IOMMU_PROBE_SNOOP, IOMMU_PROBE_COMBINE_SAME,
		device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY));
	put_u64(writer, IOMMU_PROBE_CAPABILITIES, IOMMU_PROBE_COMBINE_AND,
		capabilities(dev, pasid_caps));
	put_u64(writer, IOMMU_PROBE_PASIDS, IOMMU_PROBE_COMBINE_MIN, pasid_bits);
	put_u64(writer, IOMMU_PROBE_PASID_TABLE, IOMMU_PROBE_COMBINE_NONE,
		dev_iommu_ops(dev)->user_pasid_table && !mediated);
}

/* Where the guest's table is of all PASIDs, a device that has one of many is not nested. */
static bool may_nest(struct iommufd_device *idev)
{
	return !iommufd_device_is_mediated(idev) ||
	       !dev_iommu_ops(idev->dev)->user_pasid_table;
}

static void put_facts(struct probe_writer *writer, struct iommufd_device *idev,
		      const struct iommufd_description *description)
{
	const u64 granules[] = {
		description->iotlb_granule,
		description->device_granule,
	};

	if (memchr_inv(description->address_widths, 0,
		       sizeof(description->address_widths)))
		put(writer, IOMMU_PROBE_ADDRESS_WIDTHS, IOMMU_PROBE_COMBINE_MIN,
		    description->address_widths,
		    sizeof(description->address_widths));
	put(writer, IOMMU_PROBE_FAULTS, IOMMU_PROBE_COMBINE_NONE,
	    &description->faults, sizeof(description->faults));
	put(writer, IOMMU_PROBE_INVALIDATION, IOMMU_PROBE_COMBINE_MAX, granules,
	    sizeof(granules));
	if (description->num_formats && may_nest(idev))
		put(writer, IOMMU_PROBE_NESTED_FORMATS,
		    IOMMU_PROBE_COMBINE_COMMON, description->formats,
		    description->num_formats * sizeof(*description->formats));
}

static int put_hw_info(struct probe_writer *writer, struct device *dev)
{
	struct iommu_probe_hw_info *value;
	struct iommufd_hw_info info;
	int rc;

	rc = iommufd_hw_info_get(dev, &info);
	if (rc || !info.data)
		return rc;
	value = kzalloc(struct_size(value, data, info.len), GFP_KERNEL_ACCOUNT);
	if (value) {
		value->type = info.type;
		value->data_len = info.len;
		memcpy(value->data, info.data, info.len);
		put(writer, IOMMU_PROBE_HW_INFO, IOMMU_PROBE_COMBINE_NONE,
		    value, struct_size(value, data, info.len));
		kfree(value);
	}
	kfree(info.data);
	return value ? 0 : -ENOMEM;
}

static int write_all(struct probe_writer *writer, struct iommufd_device *idev,
		     const struct iommufd_description *description)
{
	struct device *dev = idev->dev;
	struct iommufd_regions regions;
	u32 flags;
	int rc;

	rc = iommufd_describe_regions(idev, &description->paging[0], &regions);
	if (rc)
		return rc;
	put_identity(writer, dev);
	put(writer, IOMMU_PROBE_RESV_REGIONS, IOMMU_PROBE_COMBINE_UNION,
	    regions.entries, regions.num * sizeof(*regions.entries));
	for (flags = 0; !rc && flags < IOMMUFD_PAGING_KINDS; flags++)
		rc = put_paging(writer, flags, &description->paging[flags],
				&regions);
	kfree(regions.entries);
	if (rc)
		return rc;
	put_capabilities(writer, idev);
	put_facts(writer, idev, description);
	rc = put_hw_info(writer, dev);
	return rc ?: writer->rc;
}

static int probe(struct iommufd_call *call, struct iommu_device_probe *cmd,
		 struct iommufd_device *idev)
{
	struct probe_writer writer = {
		.to = u64_to_user_ptr(cmd->data_uptr),
		.room = cmd->data_len,
	};
	struct iommufd_description *description;
	int rc;

	description = kmalloc(sizeof(*description), GFP_KERNEL_ACCOUNT);
	if (!description)
		return -ENOMEM;
	rc = iommufd_describe(idev, description) ?:
	     write_all(&writer, idev, description);
	kfree(description);
	if (rc)
		return rc;

	cmd->data_len = writer.used;
	cmd->out_num = writer.stored;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		return rc;
	return writer.full ? -EMSGSIZE : 0;
}

/**
 * iommufd_device_probe_ioctl() - IOMMU_DEVICE_PROBE
 * @call: with struct iommu_device_probe
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_device_probe_ioctl(struct iommufd_call *call)
{
	struct iommu_device_probe *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(cmd->data_uptr, PROBE_ALIGN))
		return -EINVAL;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = probe(call, cmd, idev);
	trace_device_probe(dev_name(idev->dev), idev->obj.id, cmd->data_len,
			   cmd->out_num, rc);
	iommufd_object_put(&idev->obj);
	return rc;
}
