// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iommu driver: which units it takes, and what it tells the iommu core.
 *
 * It is switched on by a parameter, on a kernel whose own VT-d driver is off and
 * whose interrupt remapping is on.
 */
#include <linux/dmar.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeature.h>
#include <asm/iommu.h>
#include <asm/x86_init.h>
#include <uapi/linux/iommufd.h>

#include "../../irq_remapping.h"
#include "acpi.h"
#include "describe.h"
#include "dmar.h"
#include "domain.h"
#include "driver.h"

static bool vtd;
module_param(vtd, bool, 0444);
MODULE_PARM_DESC(vtd, "Drive Intel VT-d units (boot with intel_iommu=off too)");

static bool vtd_block;
module_param(vtd_block, bool, 0444);
MODULE_PARM_DESC(vtd_block,
		 "Block all DMA behind units without scalable mode");

/* Units that block all DMA because we cannot drive them; made at boot. */
static LIST_HEAD(blocked_units);

/* Writes here are interrupts (3.14). */
#define MSI_FIRST	0xfee00000
#define MSI_LAST	0xfeefffff

static struct vtd_device *to_vtd(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

/* The unit in front of a function, or NULL. May sleep. */
static struct vtd_unit *unit_of(struct pci_dev *pdev)
{
	struct vtd_unit *unit, *found = NULL;

	vtd_units_lock();
	vtd_for_each_unit(unit) {
		if (unit->door->owns(unit, pdev)) {
			found = unit;
			break;
		}
	}
	vtd_units_unlock();
	return found;
}

static bool driver_capable(struct device *dev, enum iommu_cap cap)
{
	const struct vtd_caps *caps = &to_vtd(dev)->unit->caps;

	/* Not of the core's: vtd_attach() replaces whatever is there */
	if ((unsigned int)cap == IOMMUFD_CAP_PASID_REPLACE ||
	    (unsigned int)cap == IOMMUFD_CAP_EVENTS)
		return true;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
	case IOMMU_CAP_DEFERRED_FLUSH:
		return true;
	case IOMMU_CAP_PRE_BOOT_PROTECTION:
		return dmar_platform_optin();
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return caps->snoop_control;
	case IOMMU_CAP_DIRTY_TRACKING:
		return caps->dirty;
	default:
		return false;
	}
}

static void *driver_hw_info(struct device *dev, u32 *length, u32 *type)
{
	struct vtd_unit *unit = to_vtd(dev)->unit;
	struct iommu_hw_info_vtd *info;

	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	if (unit->rw_parents)
		info->flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17;
	info->cap_reg = unit->cap;
	info->ecap_reg = unit->ecap;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	return info;
}

static struct iommu_domain *driver_alloc_paging(struct device *dev)
{
	struct vtd_domain *domain;

	domain = vtd_paging_alloc(to_vtd(dev)->unit, dev_to_node(dev), 0);
	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->domain;
}

static struct iommu_domain *alloc_nested(struct device *dev,
					 struct iommu_domain *core,
					 const struct iommu_user_data *data)
{
	struct vtd_domain *parent = vtd_nest_parent(core);
	struct iommu_hwpt_vtd_s1 s1;
	struct vtd_domain *domain;
	int rc;

	if (!parent)
		return ERR_PTR(-EINVAL);
	if (data->type != IOMMU_HWPT_DATA_VTD_S1)
		return ERR_PTR(-EOPNOTSUPP);
	rc = iommu_copy_struct_from_user(&s1, data, IOMMU_HWPT_DATA_VTD_S1,
					 __reserved);
	if (rc)
		return ERR_PTR(rc);
	domain = vtd_nested_alloc(to_vtd(dev)->unit, parent, &s1);
	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->domain;
}

/* Lasts until user space lets go of it, with or without devices. */
static struct iommu_domain *alloc_user_paging(struct device *dev, u32 flags)
{
	struct vtd_unit *unit = to_vtd(dev)->unit;
	struct vtd_domain *domain;

	if (!vtd_unit_hold(unit))
		return ERR_PTR(-ENODEV);
	domain = vtd_paging_alloc(unit, dev_to_node(dev), flags);
	if (IS_ERR(domain)) {
		vtd_unit_drop(unit);
		return ERR_CAST(domain);
	}
	domain->holds_unit = true;
	return &domain->domain;
}

static struct iommu_domain *
driver_alloc_user(struct device *dev, u32 flags, struct iommu_domain *parent,
		  const struct iommu_user_data *data)
{
	if (parent) {
		if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || !data)
			return ERR_PTR(-EOPNOTSUPP);
		return alloc_nested(dev, parent, data);
	}
	if (data)
		return ERR_PTR(-EOPNOTSUPP);
	return alloc_user_paging(dev, flags);
}

static struct iommu_device *driver_probe(struct device *dev)
{
	struct vtd_device *device;
	struct vtd_unit *unit;
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);
	pdev = to_pci_dev(dev);
	/* Requests of what VMD hides carry another's requester id */
	if (pci_real_dma_dev(pdev) != pdev)
		return ERR_PTR(-ENODEV);
	unit = unit_of(pdev);
	if (!unit)
		return ERR_PTR(-ENODEV);
	device = vtd_device_add(pdev, unit);
	/* Another error than ENODEV would keep all devices out, not this one */
	if (IS_ERR(device) && PTR_ERR(device) != -ENOMEM) {
		if (PTR_ERR(device) == -EBUSY)
			dev_warn(dev, "another device sends with its requester id: its DMA is translated as that one's\n");
		else
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
	struct vtd_device *device = to_vtd(dev);

	vtd_detach_all(device);
	vtd_device_remove(device);
}

static void driver_reserved_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *msi;

	vtd_acpi_reserved_regions(dev, head);
	msi = iommu_alloc_resv_region(MSI_FIRST, MSI_LAST - MSI_FIRST + 1, 0,
				      IOMMU_RESV_MSI, GFP_KERNEL);
	if (msi)
		list_add_tail(&msi->list, head);
}

static int driver_default_type(struct device *dev)
{
	return to_vtd(dev)->unit->caps.pass_through ? 0 : IOMMU_DOMAIN_DMA;
}

static void driver_remove_pasid(struct device *dev, ioasid_t pasid,
				struct iommu_domain *domain)
{
	vtd_detach(to_vtd(dev), pasid);
}

static const struct iommu_ops vtd_ops = {
	.capable = driver_capable,
	.hw_info = driver_hw_info,
	.domain_alloc_user = driver_alloc_user,
	.domain_alloc_paging = driver_alloc_paging,
	.probe_device = driver_probe,
	.release_device = driver_release,
	.device_group = pci_device_group,
	.get_resv_regions = driver_reserved_regions,
	.def_domain_type = driver_default_type,
	.remove_dev_pasid = driver_remove_pasid,
	.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
	.identity_domain = &vtd_identity_domain.domain,
	.blocked_domain = &vtd_blocked_domain.domain,
	.release_domain = &vtd_blocked_domain.domain,
	.owner = THIS_MODULE,
};

static int __init register_describer(void)
{
	vtd_describer_register(&vtd_ops);
	return 0;
}
core_initcall(register_describer);

/* What sysfs shows of a unit, beside its devices. */
static ssize_t cap_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	struct vtd_unit *unit = container_of(dev_to_iommu_device(dev),
					     struct vtd_unit, iommu);

	return sysfs_emit(buf, "%llx\n", unit->cap);
}
static DEVICE_ATTR_RO(cap);

static ssize_t ecap_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vtd_unit *unit = container_of(dev_to_iommu_device(dev),
					     struct vtd_unit, iommu);

	return sysfs_emit(buf, "%llx\n", unit->ecap);
}
static DEVICE_ATTR_RO(ecap);

#define UNIT_COUNT(_name, _member)					\
static ssize_t _name##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct vtd_unit *unit = container_of(dev_to_iommu_device(dev),	\
					     struct vtd_unit, iommu);	\
									\
	return sysfs_emit(buf, "%llu\n",				\
			  (u64)atomic64_read(&unit->_member));		\
}									\
static DEVICE_ATTR_RO(_name)

UNIT_COUNT(faults, faults);
UNIT_COUNT(fault_overflows, fault_overflows);
UNIT_COUNT(submits, submits);
UNIT_COUNT(timeouts, timeouts);

static struct attribute *unit_attrs[] = {
	&dev_attr_cap.attr,
	&dev_attr_ecap.attr,
	&dev_attr_faults.attr,
	&dev_attr_fault_overflows.attr,
	&dev_attr_submits.attr,
	&dev_attr_timeouts.attr,
	NULL,
};

static const struct attribute_group unit_group = {
	.name = "vtd",
	.attrs = unit_attrs,
};

static const struct attribute_group *unit_groups[] = {
	&unit_group,
	NULL,
};

static void forget_unit(struct vtd_unit *unit)
{
	vtd_units_lock();
	list_del_init(&unit->item);
	vtd_units_unlock();
	iommu_device_sysfs_remove(&unit->iommu);
}

/**
 * vtd_unit_add() - make a unit known to the iommu core
 * @unit: started
 *
 * The core probes the devices behind it before this returns. May sleep.
 *
 * Return: 0; -ENOMEM; what the core returns: the unit is not known then.
 */
int vtd_unit_add(struct vtd_unit *unit)
{
	int rc;

	unit->iommu.max_pasids = unit->caps.pasid_bits ?
					 BIT(unit->caps.pasid_bits) : 0;
	rc = iommu_device_sysfs_add(&unit->iommu, NULL, unit_groups, "%s",
				    unit->name);
	if (rc)
		return rc;
	vtd_units_lock();
	list_add_tail(&unit->item, &vtd_units);
	vtd_units_unlock();

	rc = iommu_device_register(&unit->iommu, &vtd_ops, NULL);
	if (rc) {
		/* It has undone the rest by itself */
		forget_unit(unit);
	}
	return rc;
}

/**
 * vtd_unit_remove() - undo vtd_unit_add()
 * @unit: no device is left behind it
 *
 * May sleep.
 */
void vtd_unit_remove(struct vtd_unit *unit)
{
	iommu_device_unregister(&unit->iommu);
	forget_unit(unit);
}

/* What the base tree does at that moment, which is nothing with intel_iommu=off */
static void (*base_iommu_shutdown)(void);

/*
 * A kernel started by kexec must not find its memory translated by our tables. But while
 * programs run, their devices must not reach what is at those addresses untranslated:
 * syscore_shutdown() would be too early, when other CPUs run still.
 */
static void vtd_shutdown(void)
{
	struct vtd_unit *unit;

	/* One CPU is left and nobody else runs: no lock */
	vtd_for_each_unit(unit)
		unit->door->command(unit, DMA_GCMD_TE, false);
	list_for_each_entry(unit, &blocked_units, item)
		unit->door->command(unit, DMA_GCMD_TE, false);
	pr_info("iommufd.vtd: DMA is untranslated from here on\n");
	base_iommu_shutdown();
}

/**
 * vtd_may_suspend() - would a suspend do no harm?
 * @driven: units that translate
 * @blocked: units that let nothing through
 *
 * Nobody brings our tables and interrupts back afterwards. DMA behind those would go on
 * with addresses that mean something else then, and behind these it would go through.
 *
 * Return: true if there are none of either.
 */
bool vtd_may_suspend(const struct list_head *driven,
		     const struct list_head *blocked)
{
	return list_empty(driven) && list_empty(blocked);
}

static int vtd_suspend(void *data)
{
	if (vtd_may_suspend(&vtd_units, &blocked_units))
		return 0;
	pr_err("iommufd.vtd: suspend is not supported\n");
	return -EOPNOTSUPP;
}

static const struct syscore_ops vtd_syscore_ops = {
	.suspend = vtd_suspend,
};

static struct syscore vtd_syscore = {
	.ops = &vtd_syscore_ops,
};

static bool __init may_start(void)
{
	if (!vtd)
		return false;
	if (intel_iommu_enabled) {
		pr_err("iommufd.vtd: the kernel's own VT-d driver is on; boot with intel_iommu=off\n");
		return false;
	}
	/* Without it the base tree lets go of the units at late_initcall */
	if (!irq_remapping_enabled) {
		pr_err("iommufd.vtd: interrupt remapping is off (not in hardware, or intremap=off): not started\n");
		return false;
	}
	if (!boot_cpu_has(X86_FEATURE_CX16)) {
		pr_err("iommufd.vtd: the CPU has no cmpxchg16b: not started\n");
		return false;
	}
	return true;
}

/* Keeps the unit if it blocks DMA, frees it else. */
static void __init leave_alone(struct vtd_unit *unit)
{
	if (!vtd_block) {
		pr_warn("%s: no scalable mode with a second stage: DMA behind it is untranslated, its devices cannot be handed to user space (iommufd.vtd_block=1 blocks them)\n",
			unit->name);
		vtd_dmar_destroy_unit(unit);
		return;
	}
	if (vtd_unit_block(unit))
		pr_err("%s: cannot be made to block DMA\n", unit->name);
	else
		pr_warn("%s: no scalable mode with a second stage: all DMA behind it is blocked\n",
			unit->name);
	list_add_tail(&unit->item, &blocked_units);
}

/* False: @unit is not ours any more. */
static bool __init start_unit(struct vtd_unit *unit)
{
	int rc;

	rc = vtd_unit_init(unit);
	if (rc == -ENODEV) {
		leave_alone(unit);
		return false;
	}
	if (!rc) {
		rc = vtd_unit_start(unit);
		if (rc)
			vtd_unit_free(unit);
	}
	if (rc) {
		pr_err("%s: not started: %d\n", unit->name, rc);
		vtd_dmar_destroy_unit(unit);
	}
	return !rc;
}

static void __init tell_unit(const struct vtd_unit *unit, int rc)
{
	if (rc)
		pr_err("%s: does not begin to translate: %d\n", unit->name, rc);
	else
		pr_info("%s: translating, scalable mode%s%s\n", unit->name,
			unit->caps.nested ? ", nested" : "",
			unit->prq ? ", page requests" : "");
}

/*
 * The core probes a device when the unit in front of it is made known. Units
 * translate when all devices have their domains.
 */
static int __init vtd_init(void)
{
	struct vtd_unit *unit, *next;
	LIST_HEAD(units);
	int rc;

	if (!may_start())
		return 0;
	rc = vtd_acpi_init();
	if (rc) {
		pr_err("iommufd.vtd: the DMAR table cannot be used: %d\n", rc);
		return 0;
	}
	rc = vtd_dmar_create_units(&units);
	if (rc)
		return rc;

	list_for_each_entry_safe(unit, next, &units, item) {
		list_del(&unit->item);
		if (!start_unit(unit))
			continue;
		rc = vtd_unit_add(unit);
		if (rc) {
			pr_err("%s: left alone, DMA behind it is untranslated: %d\n",
			       unit->name, rc);
			vtd_unit_stop(unit);
			vtd_unit_free(unit);
			vtd_dmar_destroy_unit(unit);
		}
	}
	vtd_for_each_unit(unit)
		tell_unit(unit, vtd_unit_translate(unit));
	register_syscore(&vtd_syscore);
	base_iommu_shutdown = x86_platform.iommu_shutdown;
	x86_platform.iommu_shutdown = vtd_shutdown;
	return 0;
}
rootfs_initcall(vtd_init);

/* Before PCI looks at ACS (at subsys_initcall): PASIDs need it on the path. */
static int __init vtd_request_acs(void)
{
	if (vtd)
		pci_request_acs();
	return 0;
}
arch_initcall(vtd_request_acs);
