// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iommu driver: what it tells the iommu core of units and devices. Units are
 * found elsewhere (platform.c, test code), which may add one at any time.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../../dma-iommu.h"
#include "describe.h"
#include "domain.h"
#include "driver.h"
#include "owed.h"
#include "viommu.h"

/*
 * Where MSI doorbells are mapped for user space: any place would do, as long as
 * user space knows it; this is where all of arm64 has it.
 */
#define MSI_WINDOW_BASE		0x8000000
#define MSI_WINDOW_SIZE		SZ_1M

static struct smmuv3_device *to_smmuv3(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

/* The unit that firmware says is in front of @dev, or NULL. */
static struct smmuv3_unit *unit_of(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct smmuv3_unit *unit, *found = NULL;

	if (!fwspec)
		return NULL;
	smmuv3_units_lock();
	smmuv3_for_each_unit(unit) {
		if (dev_fwnode(unit->dev) == fwspec->iommu_fwnode) {
			found = unit;
			break;
		}
	}
	smmuv3_units_unlock();
	return found;
}

static bool driver_capable(struct device *dev, enum iommu_cap cap)
{
	const struct smmuv3_caps *caps = &to_smmuv3(dev)->unit->caps;

	/* Not of the core's: smmuv3_attach() replaces whatever is there */
	if ((unsigned int)cap == IOMMUFD_CAP_PASID_REPLACE ||
	    (unsigned int)cap == IOMMUFD_CAP_EVENTS)
		return true;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		/* Of walks; the devices of such a unit are built like it */
		return caps->coherent;
	case IOMMU_CAP_NOEXEC:
	case IOMMU_CAP_DEFERRED_FLUSH:
		return true;
	case IOMMU_CAP_DIRTY_TRACKING:
		return smmuv3_can_track_dirty(caps);
	default:
		return false;
	}
}

static void *driver_hw_info(struct device *dev, u32 *length, u32 *type)
{
	struct smmuv3_unit *unit = to_smmuv3(dev)->unit;
	struct iommu_hw_info_arm_smmuv3 *info;

	static_assert(sizeof(info->idr) == sizeof(unit->idr));
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	memcpy(info->idr, unit->idr, sizeof(info->idr));
	info->iidr = unit->iidr;
	info->aidr = unit->aidr;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	return info;
}

static struct iommu_domain *driver_alloc_paging(struct device *dev)
{
	struct smmuv3_domain *domain;

	domain = smmuv3_paging_alloc(to_smmuv3(dev)->unit, 0);
	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->domain;
}

/* Lasts until user space lets go of it, with or without devices. */
static struct iommu_domain *alloc_user_paging(struct smmuv3_unit *unit,
					      u32 flags)
{
	struct smmuv3_domain *domain;

	if (!smmuv3_unit_hold(unit))
		return ERR_PTR(-ENODEV);
	domain = smmuv3_paging_alloc(unit, flags);
	if (IS_ERR(domain)) {
		smmuv3_unit_drop(unit);
		return ERR_CAST(domain);
	}
	domain->holds_unit = true;
	return &domain->domain;
}

static struct iommu_domain *
driver_alloc_user(struct device *dev, u32 flags, struct iommu_domain *core,
		  const struct iommu_user_data *data)
{
	struct smmuv3_unit *unit = to_smmuv3(dev)->unit;
	struct smmuv3_domain *domain, *parent;

	if (!core) {
		return data ? ERR_PTR(-EOPNOTSUPP) :
			      alloc_user_paging(unit, flags);
	}
	if (flags || !data)
		return ERR_PTR(-EOPNOTSUPP);
	parent = smmuv3_nest_parent(core);
	if (!parent)
		return ERR_PTR(-EINVAL);
	domain = smmuv3_nested_alloc(unit, parent, NULL, data);
	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->domain;
}

static struct iommu_device *driver_probe(struct device *dev)
{
	struct smmuv3_device *device;
	struct smmuv3_unit *unit;

	unit = unit_of(dev);
	if (!unit)
		return ERR_PTR(-ENODEV);
	device = smmuv3_device_add(dev, unit);
	/* Another error than ENODEV would keep all devices out, not this one */
	if (IS_ERR(device) && PTR_ERR(device) != -ENOMEM) {
		dev_warn(dev, "cannot be translated, its DMA is blocked: %pe\n",
			 device);
		return ERR_PTR(-ENODEV);
	}
	if (IS_ERR(device))
		return ERR_CAST(device);
	dev_iommu_priv_set(dev, device);
	return &unit->iommu;
}

static void driver_release(struct device *dev)
{
	struct smmuv3_device *device = to_smmuv3(dev);

	smmuv3_device_bequeath(device);
	smmuv3_detach_all(device);
	smmuv3_device_remove(device);
}

static struct iommu_group *driver_device_group(struct device *dev)
{
	return dev_is_pci(dev) ? pci_device_group(dev) :
				 generic_device_group(dev);
}

/* One cell: the StreamID. */
static int driver_of_xlate(struct device *dev,
			   const struct of_phandle_args *args)
{
	return iommu_fwspec_add_ids(dev, args->args, 1);
}

static void driver_reserved_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *msi;

	msi = iommu_alloc_resv_region(MSI_WINDOW_BASE, MSI_WINDOW_SIZE,
				      IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO,
				      IOMMU_RESV_SW_MSI, GFP_KERNEL);
	if (msi)
		list_add_tail(&msi->list, head);
	iommu_dma_get_resv_regions(dev, head);
}

/* Everything suits: bypass and tables are there on every unit. */
static int driver_default_type(struct device *dev)
{
	return 0;
}

static void driver_remove_pasid(struct device *dev, ioasid_t pasid,
				struct iommu_domain *domain)
{
	smmuv3_detach(to_smmuv3(dev), pasid);
}

static const struct iommu_ops smmuv3_ops = {
	.capable = driver_capable,
	.hw_info = driver_hw_info,
	.domain_alloc_user = driver_alloc_user,
	.domain_alloc_paging = driver_alloc_paging,
	.probe_device = driver_probe,
	.release_device = driver_release,
	.device_group = driver_device_group,
	.of_xlate = driver_of_xlate,
	.get_resv_regions = driver_reserved_regions,
	.def_domain_type = driver_default_type,
	.remove_dev_pasid = driver_remove_pasid,
	.pgsize_bitmap = SZ_4K | SZ_16K | SZ_64K | SZ_2M | SZ_32M | SZ_512M |
			 SZ_1G,
	.identity_domain = &smmuv3_identity_domain.domain,
	.blocked_domain = &smmuv3_blocked_domain.domain,
	/* No release_domain: driver_release() gives away first what others use as well */

	/* A nested domain brings a table of all PASIDs (IHI 0070, 5.2) */
	.user_pasid_table = 1,
	.owner = THIS_MODULE,
};

/* --- what sysfs shows of a unit, beside its devices --- */

static struct smmuv3_unit *sysfs_unit(struct device *dev)
{
	return container_of(dev_to_iommu_device(dev), struct smmuv3_unit,
			    iommu);
}

#define UNIT_REG(_name, _value)						\
static ssize_t _name##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%x\n", sysfs_unit(dev)->_value);	\
}									\
static DEVICE_ATTR_RO(_name)

UNIT_REG(idr0, idr[0]);
UNIT_REG(idr1, idr[1]);
UNIT_REG(idr2, idr[2]);
UNIT_REG(idr3, idr[3]);
UNIT_REG(idr4, idr[4]);
UNIT_REG(idr5, idr[5]);
UNIT_REG(iidr, iidr);
UNIT_REG(aidr, aidr);

#define UNIT_COUNT(_name)						\
static ssize_t _name##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%llu\n",				\
			  (u64)atomic64_read(&sysfs_unit(dev)->_name));	\
}									\
static DEVICE_ATTR_RO(_name)

UNIT_COUNT(faults);
UNIT_COUNT(event_overflows);
UNIT_COUNT(queue_aborts);
UNIT_COUNT(submits);
UNIT_COUNT(timeouts);

static ssize_t owing_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%d\n", smmuv3_unit_owing(sysfs_unit(dev)));
}
static DEVICE_ATTR_RO(owing);

static struct attribute *unit_attrs[] = {
	&dev_attr_idr0.attr,
	&dev_attr_idr1.attr,
	&dev_attr_idr2.attr,
	&dev_attr_idr3.attr,
	&dev_attr_idr4.attr,
	&dev_attr_idr5.attr,
	&dev_attr_iidr.attr,
	&dev_attr_aidr.attr,
	&dev_attr_faults.attr,
	&dev_attr_event_overflows.attr,
	&dev_attr_queue_aborts.attr,
	&dev_attr_submits.attr,
	&dev_attr_timeouts.attr,
	&dev_attr_owing.attr,
	NULL,
};

static const struct attribute_group unit_group = {
	.name = "smmuv3",
	.attrs = unit_attrs,
};

static const struct attribute_group *unit_groups[] = {
	&unit_group,
	NULL,
};

/* --- units --- */

static void forget_unit(struct smmuv3_unit *unit)
{
	smmuv3_units_lock();
	list_del_init(&unit->item);
	smmuv3_units_unlock();
	iommu_device_sysfs_remove(&unit->iommu);
}

/**
 * smmuv3_unit_add() - make a unit known to the iommu core
 * @unit: started; unit->dev has a fwnode, by which its devices name it
 *
 * The core probes the devices behind it before this returns, those that come later
 * when they come. May sleep.
 *
 * Return: 0; -EINVAL: no fwnode; -ENOMEM; what the core returns: the unit is not
 * known then.
 */
int smmuv3_unit_add(struct smmuv3_unit *unit)
{
	int rc;

	/* Without it the core would take it for the unit of all devices */
	if (!dev_fwnode(unit->dev))
		return -EINVAL;
	unit->iommu.max_pasids = unit->caps.ssid_bits ?
					 smmuv3_contexts_max(unit) : 0;
	rc = iommu_device_sysfs_add(&unit->iommu, unit->dev, unit_groups, "%s",
				    unit->name);
	if (rc)
		return rc;
	smmuv3_units_lock();
	list_add_tail(&unit->item, &smmuv3_units);
	smmuv3_units_unlock();

	rc = iommu_device_register(&unit->iommu, &smmuv3_ops, unit->dev);
	if (rc) {
		/* It has undone the rest by itself */
		forget_unit(unit);
	}
	return rc;
}

/**
 * smmuv3_unit_remove() - undo smmuv3_unit_add()
 * @unit: no device is left behind it
 *
 * May sleep.
 */
void smmuv3_unit_remove(struct smmuv3_unit *unit)
{
	iommu_device_unregister(&unit->iommu);
	forget_unit(unit);
}

static int __init register_with_core(void)
{
	smmuv3_viommu_register(&smmuv3_ops);
	smmuv3_describer_register(&smmuv3_ops);
	return 0;
}
subsys_initcall(register_with_core);
