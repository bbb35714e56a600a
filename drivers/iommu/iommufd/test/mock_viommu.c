// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs of the mock: a guest invalidates the caches of devices that it calls by
 * ids of its own, and hears of events that are about such a device.
 *
 * Locking: a command holds the vDEVICEs where they are until it has reached the
 * device; mock_dev::lock guards the device's caches, and what it is attached to
 * while an event is reported.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "mock.h"
#include "viommu.h"

/**
 * struct mock_viommu - a vIOMMU of the mock
 * @core: what the core knows of it
 * @paging: of its nest parent; counted among its users
 * @vdevices: init less destroy
 * @domains: nested domains made through it and not freed
 */
struct mock_viommu {
	struct iommufd_viommu core;
	struct mock_paging *paging;
	atomic_t vdevices;
	atomic_t domains;
};

static struct mock_viommu *to_mock_viommu(struct iommufd_viommu *viommu)
{
	return container_of(viommu, struct mock_viommu, core);
}

static void viommu_destroy(struct iommufd_viommu *viommu)
{
	struct mock_viommu *mock = to_mock_viommu(viommu);

	WARN(atomic_read(&mock->vdevices), "vIOMMU with vDEVICEs destroyed\n");
	WARN(atomic_read(&mock->domains), "vIOMMU with domains destroyed\n");
	atomic_dec(&mock->paging->users);
}

static struct iommu_domain *
viommu_alloc_domain_nested(struct iommufd_viommu *viommu, u32 flags,
			   const struct iommu_user_data *data)
{
	struct mock_viommu *mock = to_mock_viommu(viommu);
	struct iommu_domain *domain;

	domain = mock_nested_alloc(viommu->parent, flags, data);
	if (IS_ERR(domain))
		return domain;
	mock_nested_from_domain(domain)->viommu = viommu;
	atomic_inc(&mock->domains);
	return domain;
}

/**
 * mock_viommu_domain_gone() - a nested domain is freed
 * @viommu: what it was made through
 */
void mock_viommu_domain_gone(struct iommufd_viommu *viommu)
{
	WARN_ON(atomic_dec_return(&to_mock_viommu(viommu)->domains) < 0);
}

/**
 * mock_viommu_knows() - does the guest have a name for a device?
 * @viommu: whose guest
 * @dev: a mock device
 *
 * Return: whether it does.
 */
bool mock_viommu_knows(struct iommufd_viommu *viommu, struct device *dev)
{
	u64 virt_id;
	int rc;

	rcu_read_lock();
	rc = iommufd_viommu_get_vdev_id(viommu, dev, &virt_id);
	rcu_read_unlock();
	return !rc;
}

static int invalidate_one(struct iommufd_viommu *viommu,
			  const struct iommu_viommu_invalidate_selftest *inv)
{
	struct mock_dev *mdev;
	struct device *dev;

	if (inv->flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv->cache_id > MOCK_DEV_CACHE_ID_MAX)
		return -EINVAL;
	dev = iommufd_viommu_find_dev(viommu, inv->vdev_id);
	if (!dev)
		return -EINVAL;

	mdev = to_mock_dev(dev);
	spin_lock(&mdev->lock);
	if (inv->flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(mdev->cache, 0, sizeof(mdev->cache));
	else
		mdev->cache[inv->cache_id] = 0;
	spin_unlock(&mdev->lock);
	return 0;
}

static int viommu_cache_invalidate(struct iommufd_viommu *viommu,
				   struct iommu_user_data_array *array)
{
	struct iommu_viommu_invalidate_selftest inv;
	int rc = 0;
	u32 i = 0;

	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST)
		rc = -EINVAL;
	for (; !rc && i < array->entry_num; i++) {
		/* User memory first: nobody is to wait for that with the lock */
		rc = iommu_copy_struct_from_user_array(&inv, array,
						       array->type, i,
						       cache_id);
		if (rc)
			break;
		iommufd_viommu_lock_vdevs(viommu);
		rc = invalidate_one(viommu, &inv);
		iommufd_viommu_unlock_vdevs(viommu);
		if (rc)
			break;
		cond_resched();
	}
	/* Not before: the copy looks at it */
	array->entry_num = i;
	return rc;
}

static int viommu_vdevice_init(struct iommufd_viommu *viommu,
			       struct device *dev, u64 virt_id)
{
	struct mock_viommu *mock = to_mock_viommu(viommu);

	if (virt_id > U32_MAX)
		return -EINVAL;
	WARN_ON(iommufd_viommu_find_dev(viommu, virt_id));
	atomic_inc(&mock->vdevices);
	return 0;
}

static void viommu_vdevice_destroy(struct iommufd_viommu *viommu,
				   struct device *dev, u64 virt_id)
{
	struct mock_viommu *mock = to_mock_viommu(viommu);

	WARN_ON(iommufd_viommu_find_dev(viommu, virt_id));
	WARN_ON(atomic_dec_return(&mock->vdevices) < 0);
}

static size_t viommu_event_len(struct iommufd_viommu *viommu, u32 type)
{
	if (type != IOMMU_VEVENTQ_TYPE_SELFTEST &&
	    type != IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER)
		return 0;
	return sizeof(struct iommu_viommu_event_selftest);
}

static const struct iommufd_viommu_ops viommu_ops = {
	.destroy = viommu_destroy,
	.alloc_domain_nested = viommu_alloc_domain_nested,
	.cache_invalidate = viommu_cache_invalidate,
	.vdevice_init = viommu_vdevice_init,
	.vdevice_destroy = viommu_vdevice_destroy,
	.event_len = viommu_event_len,
};

static size_t viommu_size(struct device *dev, u32 type)
{
	return type == IOMMU_VIOMMU_TYPE_SELFTEST ? sizeof(struct mock_viommu) :
						    0;
}

/* Tells the user that data went in and came out. */
static int echo_data(const struct iommu_user_data *data)
{
	struct iommu_viommu_selftest echo;
	int rc;

	rc = iommu_copy_struct_from_user(&echo, data,
					 IOMMU_VIOMMU_TYPE_SELFTEST, out_data);
	if (rc)
		return rc;
	echo.out_data = echo.in_data;
	echo.out_mmap_offset = 0;
	echo.out_mmap_length = 0;
	if (copy_to_user(data->uptr, &echo, data->len))
		return -EFAULT;
	return 0;
}

static int viommu_init(struct iommufd_viommu *viommu, struct device *dev,
		       const struct iommu_user_data *data)
{
	struct mock_viommu *mock = to_mock_viommu(viommu);
	int rc;

	if (data) {
		rc = echo_data(data);
		if (rc)
			return rc;
	}
	mock->paging = mock_paging_from_domain(viommu->parent);
	if (WARN_ON(!mock->paging))
		return -EINVAL;
	atomic_inc(&mock->paging->users);
	viommu->ops = &viommu_ops;
	return 0;
}

/**
 * mock_viommu_register() - mock devices can have vIOMMUs
 * @ops: the mock's
 */
void mock_viommu_register(const struct iommu_ops *ops)
{
	static struct iommufd_viommu_driver driver = {
		.size = viommu_size,
		.init = viommu_init,
	};

	driver.iommu_ops = ops;
	iommufd_viommu_driver_register(&driver);
}

/**
 * mock_viommu_event() - something happens to a device
 * @mdev: the device
 * @type: of the event
 *
 * Whoever watches over its guest's vIOMMU is told, with the guest's id.
 *
 * Return: 0; -ENOENT: it is not attached to a table of a vIOMMU, or the guest does
 * not know it; -EOPNOTSUPP: nobody listens.
 */
int mock_viommu_event(struct mock_dev *mdev, u32 type)
{
	struct iommu_viommu_event_selftest event = {};
	struct mock_nested *nested;
	int rc = -ENOENT;
	u64 virt_id;

	rcu_read_lock();
	/* While it is attached here, the domain and its vIOMMU stay */
	spin_lock(&mdev->lock);
	nested = mock_nested_from_domain(mdev->domain);
	if (nested && nested->viommu)
		rc = iommufd_viommu_get_vdev_id(nested->viommu, &mdev->dev,
						&virt_id);
	if (!rc) {
		event.virt_id = virt_id;
		rc = iommufd_viommu_report_event(nested->viommu, type, &event,
						 sizeof(event));
	}
	spin_unlock(&mdev->lock);
	rcu_read_unlock();
	return rc;
}
