// SPDX-License-Identifier: GPL-2.0-only
/*
 * vDEVICEs: which device the guest of a vIOMMU means by which id, from both ends.
 *
 * A vDEVICE may be destroyed by user space while its device is unbound by the
 * driver that bound it. iommufd_ctx::vdev_lock decides who undoes the pair: the
 * one who finds iommufd_vdevice::slot set. The other finds nothing to do, but has
 * waited until it was done. Look-ups are under iommufd_viommu::vdev_lock or RCU,
 * and whoever undoes a pair waits for both.
 */
#include <linux/rculist.h>

#include "trace.h"
#include "vdevice.h"

/**
 * iommufd_vdevice_link() - the guest's id names the device from here on
 * @vdev: filled in but for @slot and the node
 * @slot: of the bound device, empty; nobody unbinds it before the end of the call
 *
 * iommufd_ctx::vdev_lock is held. May sleep.
 *
 * Return: 0; -EEXIST: the vIOMMU has a device with this id; -ENOMEM; what the
 * driver says. Nothing has changed then.
 */
int iommufd_vdevice_link(struct iommufd_vdevice *vdev,
			 struct iommufd_vdevice **slot)
{
	struct iommufd_viommu *viommu = vdev->viommu;
	int rc;

	lockdep_assert_held(&vdev->obj.ictx->vdev_lock);

	down_write(&viommu->vdev_lock);
	rc = xa_insert(&viommu->vdevs, vdev->virt_id, XA_ZERO_ENTRY,
		       GFP_KERNEL_ACCOUNT);
	if (rc) {
		rc = rc == -EBUSY ? -EEXIST : rc;
		goto out_unlock;
	}
	if (viommu->ops->vdevice_init) {
		rc = viommu->ops->vdevice_init(viommu, vdev->dev,
					       vdev->virt_id);
		if (rc) {
			xa_erase(&viommu->vdevs, vdev->virt_id);
			goto out_unlock;
		}
	}
	/* The entry is reserved: nothing is allocated */
	xa_store(&viommu->vdevs, vdev->virt_id, vdev, GFP_KERNEL);
	hash_add_rcu(viommu->by_dev, &vdev->node, (unsigned long)vdev->dev);
	vdev->slot = slot;
	*slot = vdev;
	trace_vdevice(viommu->obj.id, vdev->obj.id, vdev->dev_id,
		      vdev->virt_id, true);
out_unlock:
	up_write(&viommu->vdev_lock);
	return rc;
}

/**
 * iommufd_vdevice_unlink() - the guest's id names nothing from here on
 * @vdev: whose slot is set
 *
 * Waits for who found the device. iommufd_ctx::vdev_lock is held. May sleep.
 */
void iommufd_vdevice_unlink(struct iommufd_vdevice *vdev)
{
	struct iommufd_viommu *viommu = vdev->viommu;

	lockdep_assert_held(&vdev->obj.ictx->vdev_lock);

	down_write(&viommu->vdev_lock);
	WARN_ON(xa_erase(&viommu->vdevs, vdev->virt_id) != vdev);
	hash_del_rcu(&vdev->node);
	synchronize_rcu();
	if (viommu->ops->vdevice_destroy)
		viommu->ops->vdevice_destroy(viommu, vdev->dev, vdev->virt_id);
	trace_vdevice(viommu->obj.id, vdev->obj.id, vdev->dev_id,
		      vdev->virt_id, false);
	up_write(&viommu->vdev_lock);
	*vdev->slot = NULL;
	vdev->slot = NULL;
}

/**
 * iommufd_vdevice_evict() - a device is unbound
 * @ictx: where it was bound
 * @slot: where it keeps its vDEVICE
 *
 * The vDEVICE it may have goes, and its id is not used again.
 */
void iommufd_vdevice_evict(struct iommufd_ctx *ictx,
			   struct iommufd_vdevice **slot)
{
	struct iommufd_vdevice *vdev;
	u64 serial = 0;
	u32 id = 0;

	mutex_lock(&ictx->vdev_lock);
	vdev = *slot;
	if (vdev) {
		id = vdev->obj.id;
		serial = vdev->obj.serial;
		iommufd_vdevice_unlink(vdev);
	}
	mutex_unlock(&ictx->vdev_lock);
	if (serial)
		iommufd_object_bury(ictx, id, serial);
}
