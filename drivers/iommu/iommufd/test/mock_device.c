// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock unit and its devices. The unit has a firmware node of its own, and
 * a device names it before it is added, so the IOMMU core never takes a mock
 * device for one of a real IOMMU's that claims whatever names nobody, nor the
 * other way round.
 *
 * Locking: a device's attachments change under the core's group lock and
 * mock_dev::lock.
 */
#include <linux/device/bus.h>
#include <linux/idr.h>
#include <linux/init.h>
#include <linux/iommufd.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-priv.h"
#include "failpoint.h"
#include "map/table.h"
#include "mock.h"
#include "msi.h"

/**
 * struct mock_unit - the mock IOMMU
 * @iommu: as registered with the core
 * @fault: as registered with the fault door
 * @fwnode: its name
 * @msi: parent of nothing: says that interrupts of mock devices are isolated
 * @nb: for the core to see devices come and go
 */
struct mock_unit {
	struct iommu_device iommu;
	struct iommufd_fault_unit fault;
	struct fwnode_handle *fwnode;
	struct irq_domain *msi;
	struct notifier_block nb;
};

static struct mock_unit mock_unit = {
	.fault.ops = &mock_fault_ops,
};

/* Those of another driver, as it were, which states no facts: it has mock_ops too */
#define NUM_FOREIGN	2

static struct foreign_unit {
	struct iommu_device iommu;
	struct fwnode_handle *fwnode;
} foreign_units[NUM_FOREIGN];

static const struct bus_type mock_bus = {
	.name = "iommufd_mock",
};

static DEFINE_IDA(mock_dev_ids);

/* Whose unit a device is behind, or NULL: the mock's. */
static struct foreign_unit *foreign_unit_of(const struct mock_dev *mdev)
{
	if (!(mdev->flags & MOCK_FLAGS_DEVICE_FOREIGN))
		return NULL;
	return &foreign_units[!!(mdev->flags & MOCK_FLAGS_DEVICE_OTHER_UNIT)];
}

/* --- attachments --- */

static void swap_users(struct iommu_domain *new, struct iommu_domain *old)
{
	atomic_t *users;

	users = new ? mock_domain_users(new) : NULL;
	if (users)
		atomic_inc(users);
	users = old ? mock_domain_users(old) : NULL;
	if (users)
		WARN_ON(atomic_dec_return(users) < 0);
}

static int can_attach(struct mock_dev *mdev, struct iommu_domain *domain)
{
	struct mock_nested *nested = mock_nested_from_domain(domain);

	struct mock_paging *paging = mock_paging_from_domain(domain);

	if (domain->dirty_ops && mdev->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return -EINVAL;
	if (nested)
		paging = nested->parent;
	if (paging && !mock_suits(mdev, paging))
		return -EINVAL;
	/* The guest's commands would have no name for it. */
	if (nested && nested->viommu &&
	    !mock_viommu_knows(nested->viommu, &mdev->dev))
		return -ENOENT;
	return 0;
}

/*
 * To where it is, or where its group is: it went ahead, and the core puts it back
 * as another device could not follow. It may have lost its name meanwhile.
 */
static bool goes_back(struct mock_dev *mdev, struct iommu_domain *domain)
{
	struct iommu_domain *core = iommu_get_domain_for_dev(&mdev->dev);

	if (domain == mdev->domain)
		return true;
	/* One that has just come has not been there */
	return mdev->domain->type != IOMMU_DOMAIN_BLOCKED &&
	       domain == iommufd_msi_real_domain(core);
}

/**
 * mock_dev_attach() - iommu_domain_ops.attach_dev
 * @domain: any domain of the mock
 * @dev: a mock device
 *
 * When this returns no access through the domain that was attached before is
 * in progress, and none follows.
 *
 * Return: 0; -EINVAL if the device cannot do what the domain needs; -ENOENT if it
 * has no name in the domain's vIOMMU; an injected -ENOMEM.
 */
int mock_dev_attach(struct iommu_domain *domain, struct device *dev)
{
	struct mock_dev *mdev = to_mock_dev(dev);
	bool back = goes_back(mdev, domain);
	int rc;

	mock_domain_decide(domain, mdev);
	/* Going back cannot fail, nor going to a static domain. */
	rc = back ? 0 : can_attach(mdev, domain);
	if (rc)
		return rc;
	if (mock_domain_users(domain) && !back && iommufd_should_fail())
		return -ENOMEM;

	spin_lock(&mdev->lock);
	swap_users(domain, mdev->domain);
	mdev->domain = domain;
	mdev->halted = false;
	spin_unlock(&mdev->lock);
	return 0;
}

/**
 * mock_dev_attach_pasid() - iommu_domain_ops.set_dev_pasid
 * @domain: any domain of the mock
 * @dev: a mock device
 * @pasid: below the device's limit
 * @old: attached there now, or NULL
 *
 * Return: as mock_dev_attach(), and -ENOMEM.
 */
int mock_dev_attach_pasid(struct iommu_domain *domain, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old)
{
	struct mock_dev *mdev = to_mock_dev(dev);
	void *was;
	int rc;

	rc = can_attach(mdev, domain);
	if (rc)
		return rc;
	if (iommufd_should_fail())
		return -ENOMEM;

	/* Room first: nothing is allocated under the spin lock. */
	if (!old && xa_reserve(&mdev->pasids, pasid, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;

	spin_lock(&mdev->lock);
	was = xa_store(&mdev->pasids, pasid, domain, GFP_ATOMIC);
	WARN(was != old, "PASID %u is not attached to what the core says\n",
	     pasid);
	swap_users(domain, was);
	spin_unlock(&mdev->lock);
	return 0;
}

static void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid,
				  struct iommu_domain *domain)
{
	struct mock_dev *mdev = to_mock_dev(dev);
	void *was;

	spin_lock(&mdev->lock);
	was = xa_erase(&mdev->pasids, pasid);
	WARN(was != domain, "PASID %u is not attached to what the core says\n",
	     pasid);
	swap_users(NULL, was);
	spin_unlock(&mdev->lock);
}

/**
 * mock_dev_domain() - what translates an access of a device
 * @mdev: the device; its lock is held
 * @pasid_valid: the access has a PASID
 * @pasid: which
 *
 * Return: the domain; NULL if there is none for the PASID. A guest's table
 * attached to the RID covers the PASIDs that have no domain of their own.
 */
struct iommu_domain *mock_dev_domain(struct mock_dev *mdev, bool pasid_valid,
				     u32 pasid)
{
	struct iommu_domain *domain;

	lockdep_assert_held(&mdev->lock);

	if (!pasid_valid)
		return mdev->domain;
	domain = xa_load(&mdev->pasids, pasid);
	if (!domain && mock_nested_from_domain(mdev->domain))
		domain = mdev->domain;
	return domain;
}

/* --- iommu_ops --- */

static const struct iommu_domain_ops mock_static_ops = {
	.attach_dev = mock_dev_attach,
};

static struct iommu_domain mock_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};

static struct iommu_domain mock_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &mock_static_ops,
};

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	if ((unsigned int)cap == IOMMUFD_CAP_PASID_REPLACE ||
	    (unsigned int)cap == IOMMUFD_CAP_EVENTS)
		return true;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return !(to_mock_dev(dev)->flags &
			 MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL);
	case IOMMU_CAP_DIRTY_TRACKING:
		return !(to_mock_dev(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
	default:
		return false;
	}
}

static void *mock_hw_info(struct device *dev, u32 *length, u32 *type)
{
	static const struct iommu_test_hw_info all_alike = {
		.test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL,
	};

	*type = IOMMU_HW_INFO_TYPE_SELFTEST;
	*length = sizeof(all_alike);
	return kmemdup(&all_alike, sizeof(all_alike), GFP_KERNEL) ?:
	       ERR_PTR(-ENOMEM);
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	struct iommufd_fault_source *source;
	struct foreign_unit *foreign;
	struct mock_dev *mdev;

	if (!mock_dev_is(dev))
		return ERR_PTR(-ENODEV);

	mdev = to_mock_dev(dev);
	source = iommufd_fault_source_register(dev, &mock_unit.fault,
					       MOCK_MAX_OUTSTANDING, mdev);
	if (IS_ERR(source))
		return ERR_CAST(source);
	mdev->source = source;
	mdev->domain = &mock_blocked_domain;
	foreign = foreign_unit_of(mdev);
	return foreign ? &foreign->iommu : &mock_unit.iommu;
}

static void mock_release_device(struct device *dev)
{
	struct mock_dev *mdev = to_mock_dev(dev);

	WARN(!xa_empty(&mdev->pasids), "released with PASIDs attached\n");
	mock_fault_check_idle(mdev);
	iommufd_fault_source_unregister(mdev->source);
	mdev->source = NULL;
}

static void add_region(struct list_head *head, unsigned long start,
		       unsigned long last, int prot, enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	/* One that is missing here would only be missed by the tests of it. */
	region = iommu_alloc_resv_region(start, last - start + 1, prot, type,
					 GFP_KERNEL | __GFP_NOFAIL);
	if (region)
		list_add_tail(&region->list, head);
}

static void mock_get_resv_regions(struct device *dev, struct list_head *head)
{
	u32 flags = to_mock_dev(dev)->flags;

	if (flags & MOCK_FLAGS_DEVICE_SW_MSI)
		add_region(head, MOCK_MSI_START, MOCK_MSI_LAST, 0,
			   IOMMU_RESV_SW_MSI);
	if (flags & MOCK_FLAGS_DEVICE_RESERVED)
		add_region(head, MOCK_RESERVED_START, MOCK_RESERVED_LAST, 0,
			   IOMMU_RESV_RESERVED);
	if (flags & MOCK_FLAGS_DEVICE_RELAXABLE)
		add_region(head, MOCK_RELAXABLE_START, MOCK_RELAXABLE_LAST,
			   IOMMU_READ | IOMMU_WRITE,
			   IOMMU_RESV_DIRECT_RELAXABLE);
}

static struct iommu_group *mock_device_group(struct device *dev)
{
	if (to_mock_dev(dev)->flags & MOCK_FLAGS_DEVICE_SHARED)
		return generic_single_device_group(dev);
	return generic_device_group(dev);
}

static const struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.capable = mock_capable,
	.hw_info = mock_hw_info,
	.domain_alloc_paging = mock_domain_alloc_paging,
	.domain_alloc_user = mock_domain_alloc_user,
	.probe_device = mock_probe_device,
	.release_device = mock_release_device,
	.device_group = mock_device_group,
	.get_resv_regions = mock_get_resv_regions,
	.remove_dev_pasid = mock_remove_dev_pasid,
	.default_domain_ops = &mock_paging_ops,
	.pgsize_bitmap = MOCK_IO_PAGE_SIZE,
	.identity_domain = &mock_identity_domain,
	.blocked_domain = &mock_blocked_domain,
	.release_domain = &mock_blocked_domain,
	/* No driver binds to a mock device: it does DMA for its owner only. */
	.default_domain = &mock_blocked_domain,
	.user_pasid_table = 1,
};

/* --- devices --- */

static void mock_dev_release(struct device *dev)
{
	struct mock_dev *mdev = to_mock_dev(dev);

	/* Named its IOMMU but was never added */
	if (dev->iommu)
		dev_iommu_free(dev);
	if (mdev->id >= 0)
		ida_free(&mock_dev_ids, mdev->id);
	xa_destroy(&mdev->pasids);
	kfree(mdev);
}

/**
 * mock_dev_is() - is this a device of the mock?
 * @dev: any device
 *
 * Return: whether it is.
 */
bool mock_dev_is(const struct device *dev)
{
	return dev->bus == &mock_bus;
}

static int mock_dev_add(struct mock_dev *mdev)
{
	struct foreign_unit *foreign = foreign_unit_of(mdev);
	struct device *dev = &mdev->dev;
	int rc;

	rc = dev_set_name(dev, "iommufd_mock%d", mdev->id);
	if (rc)
		return rc;

	if (mdev->flags & MOCK_FLAGS_DEVICE_PASID) {
		fwnode_init(&mdev->firmware, &mock_firmware_ops);
		device_set_node(dev, &mdev->firmware);
	}

	mutex_lock(&iommu_probe_device_lock);
	rc = iommu_fwspec_init(dev, foreign ? foreign->fwnode :
					      mock_unit.fwnode);
	mutex_unlock(&iommu_probe_device_lock);
	if (rc)
		return rc;

	dev_set_msi_domain(dev, mock_unit.msi);
	rc = device_add(dev);
	if (rc)
		return rc;
	/* The core keeps to itself why it could not probe a device. */
	if (!mdev->source) {
		device_del(dev);
		return -ENOMEM;
	}
	return 0;
}

/**
 * mock_dev_create() - make a device
 * @flags: MOCK_FLAGS_DEVICE_*
 *
 * Return: the device, probed by the mock IOMMU and in a group of its own, or an
 * ERR_PTR: -EINVAL for an unknown flag, otherwise what adding a device returns.
 */
struct mock_dev *mock_dev_create(u32 flags)
{
	struct mock_dev *mdev;
	int rc;

	if (flags & ~(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_HUGE_IOVA |
		      MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_RESERVED |
		      MOCK_FLAGS_DEVICE_SHARED | MOCK_FLAGS_DEVICE_UNLIKE |
		      MOCK_FLAGS_DEVICE_PLAIN | MOCK_FLAGS_DEVICE_SW_MSI |
		      MOCK_FLAGS_DEVICE_UNATTACHED | MOCK_FLAGS_DEVICE_LATE |
		      MOCK_FLAGS_DEVICE_FOREIGN | MOCK_FLAGS_DEVICE_OTHER_UNIT |
		      MOCK_FLAGS_DEVICE_RELAXABLE))
		return ERR_PTR(-EINVAL);

	mdev = kzalloc(sizeof(*mdev), GFP_KERNEL_ACCOUNT);
	if (!mdev)
		return ERR_PTR(-ENOMEM);
	mdev->flags = flags;
	xa_init_flags(&mdev->pasids, XA_FLAGS_ACCOUNT);
	spin_lock_init(&mdev->lock);
	hash_init(mdev->groups);
	INIT_LIST_HEAD(&mdev->dmas);
	init_waitqueue_head(&mdev->idle);
	memset32(mdev->cache, IOMMU_TEST_DEV_CACHE_DEFAULT,
		 ARRAY_SIZE(mdev->cache));
	device_initialize(&mdev->dev);
	mdev->dev.bus = &mock_bus;
	mdev->dev.release = mock_dev_release;

	mdev->id = ida_alloc(&mock_dev_ids, GFP_KERNEL);
	rc = mdev->id < 0 ? mdev->id : mock_dev_add(mdev);
	if (rc) {
		put_device(&mdev->dev);
		return ERR_PTR(rc);
	}
	return mdev;
}

/**
 * mock_dev_destroy() - unplug a device that nobody has bound
 * @mdev: the device
 *
 * Its memory lives on while something refers to it.
 */
void mock_dev_destroy(struct mock_dev *mdev)
{
	mock_dma_wait_all(mdev);
	device_unregister(&mdev->dev);
}

/* --- the unit --- */

static const struct irq_domain_ops mock_msi_ops = {};

static int __init mock_unit_init(void)
{
	mock_unit.fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(mock_unit.fwnode))
		return PTR_ERR(mock_unit.fwnode);

	mock_unit.msi = irq_domain_create_tree(mock_unit.fwnode, &mock_msi_ops,
					       NULL);
	if (!mock_unit.msi) {
		fwnode_remove_software_node(mock_unit.fwnode);
		return -ENOMEM;
	}
	mock_unit.msi->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	return 0;
}

static void __init mock_unit_exit(void)
{
	irq_domain_remove(mock_unit.msi);
	fwnode_remove_software_node(mock_unit.fwnode);
}

static int __init mock_register(void)
{
	int rc;

	rc = bus_register(&mock_bus);
	if (rc)
		return rc;

	mock_unit.iommu.fwnode = mock_unit.fwnode;
	mock_unit.iommu.max_pasids = BIT(MOCK_PASID_WIDTH);
	rc = iommu_device_sysfs_add(&mock_unit.iommu, NULL, NULL,
				    "iommufd_mock");
	if (rc)
		goto err_bus;

	rc = iommu_device_register_bus(&mock_unit.iommu, &mock_ops, &mock_bus,
				       &mock_unit.nb);
	if (rc)
		goto err_sysfs;
	mock_viommu_register(&mock_ops);
	mock_describer_register(&mock_ops);
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&mock_unit.iommu);
err_bus:
	bus_unregister(&mock_bus);
	return rc;
}

static int __init foreign_unit_register(struct foreign_unit *unit,
					const struct iommu_ops *ops, int nth)
{
	int rc;

	unit->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(unit->fwnode))
		return PTR_ERR(unit->fwnode);
	unit->iommu.fwnode = unit->fwnode;
	unit->iommu.max_pasids = BIT(MOCK_PASID_WIDTH);
	rc = iommu_device_sysfs_add(&unit->iommu, NULL, NULL,
				    "iommufd_foreign%d", nth);
	if (rc)
		goto err_fwnode;
	/* The bus tells the core of its devices already */
	rc = iommu_device_register(&unit->iommu, ops, NULL);
	if (!rc)
		return 0;
	iommu_device_sysfs_remove(&unit->iommu);
err_fwnode:
	fwnode_remove_software_node(unit->fwnode);
	return rc;
}

static int __init foreign_register(void)
{
	static struct iommu_ops foreign_ops __ro_after_init;
	int i, rc = 0;

	foreign_ops = mock_ops;
	for (i = 0; !rc && i < NUM_FOREIGN; i++)
		rc = foreign_unit_register(&foreign_units[i], &foreign_ops, i);
	return rc;
}

/* Built in only, and so never goes away again. */
static int __init mock_init(void)
{
	int rc;

	mock_domain_init();
	rc = mock_unit_init();
	if (rc)
		return rc;
	rc = mock_fault_init();
	if (rc)
		goto err_unit;
	map_table_register(&mock_paging_table_ops);
	rc = mock_register();
	if (rc)
		goto err_table;
	WARN_ON(foreign_register());
	return 0;

err_table:
	map_table_unregister(&mock_paging_table_ops);
	mock_fault_exit();
err_unit:
	mock_unit_exit();
	pr_err("iommufd: no mock IOMMU: %d\n", rc);
	return rc;
}
device_initcall(mock_init);
