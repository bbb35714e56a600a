// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making vIOMMUs and vDEVICEs for user space, and how they go.
 *
 * A vIOMMU holds its nest parent; nested HWPTs, vDEVICEs and event queues hold the
 * vIOMMU. A vDEVICE does not hold its device: vdevice.c says who goes first.
 */
#include <linux/iommu.h>
#include <linux/seq_file.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "device.h"
#include "hwpt.h"
#include "vdevice.h"
#include "viommu_alloc.h"

static void viommu_destroy(struct iommufd_object *obj)
{
	struct iommufd_viommu *viommu =
		container_of(obj, struct iommufd_viommu, obj);

	WARN_ON(!xa_empty(&viommu->vdevs) || !list_empty(&viommu->veventqs));
	if (viommu->ops->destroy)
		viommu->ops->destroy(viommu);
	mutex_destroy(&viommu->veventq_lock);
	iommufd_object_drop(&viommu->hwpt->hwpt.obj);
}

static void viommu_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_viommu *viommu =
		container_of(obj, struct iommufd_viommu, obj);

	seq_printf(m, " parent=%u type=%#x", viommu->hwpt->hwpt.obj.id,
		   viommu->type);
}

static const struct iommufd_object_ops viommu_ops = {
	.type = IOMMUFD_OBJ_VIOMMU,
	.name = "viommu",
	.destroy = viommu_destroy,
	.show = viommu_show,
};

/* On success the vIOMMU has a hold on @parent. */
static struct iommufd_viommu *viommu_new(struct device *dev,
					 struct iommufd_hwpt_paging *parent,
					 const struct iommu_user_data *data)
{
	const struct iommu_ops *iommu_ops = dev_iommu_ops(dev);
	const struct iommufd_viommu_driver *driver;
	struct iommufd_viommu *viommu;
	size_t size;
	int rc;

	BUILD_BUG_ON(offsetof(struct iommufd_viommu, obj) != 0);
	driver = iommufd_viommu_find_driver(iommu_ops);
	size = driver ? driver->size(dev, data->type) : 0;
	if (!size || WARN_ON_ONCE(size < sizeof(*viommu)))
		return ERR_PTR(-EOPNOTSUPP);
	if (!parent->nest_parent || parent->hwpt.domain->owner != iommu_ops)
		return ERR_PTR(-EINVAL);

	viommu = __iommufd_object_alloc(parent->hwpt.obj.ictx, size,
					&viommu_ops);
	if (IS_ERR(viommu))
		return viommu;
	iommufd_viommu_setup(viommu);
	viommu->parent = parent->hwpt.domain;
	viommu->iommu = dev->iommu->iommu_dev;
	viommu->type = data->type;
	viommu->hwpt = parent;
	rc = driver->init(viommu, dev, data->len ? data : NULL);
	if (!rc && WARN_ON_ONCE(!viommu->ops))
		rc = -EOPNOTSUPP;
	if (rc) {
		iommufd_object_abort(&viommu->obj);
		return ERR_PTR(rc);
	}
	iommufd_object_hold(&parent->hwpt.obj);
	return viommu;
}

static int viommu_alloc(struct iommufd_call *call,
			struct iommu_viommu_alloc *cmd, struct device *dev,
			struct iommufd_hwpt_paging *parent)
{
	const struct iommu_user_data data = {
		.type = cmd->type,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
		.len = cmd->data_len,
	};
	struct iommufd_viommu *viommu;
	int rc;

	viommu = viommu_new(dev, parent, &data);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	cmd->out_viommu_id = viommu->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		viommu_destroy(&viommu->obj);
		iommufd_object_abort(&viommu->obj);
		return rc;
	}
	iommufd_object_finalize(&viommu->obj);
	return 0;
}

/**
 * iommufd_viommu_alloc_ioctl() - IOMMU_VIOMMU_ALLOC
 * @call: with struct iommu_viommu_alloc
 *
 * Return: 0 or the errno of the user ABI; nothing was made unless 0.
 */
int iommufd_viommu_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_viommu_alloc *cmd = call->cmd;
	struct iommufd_hwpt_paging *parent;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags || cmd->__reserved ||
	    cmd->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;

	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	parent = iommufd_hwpt_paging_get(call->ictx, cmd->hwpt_id);
	if (IS_ERR(parent)) {
		rc = PTR_ERR(parent);
		goto out_put;
	}
	rc = viommu_alloc(call, cmd, idev->dev, parent);
	iommufd_object_put(&parent->hwpt.obj);
out_put:
	iommufd_object_put(&idev->obj);
	return rc;
}

static void vdevice_destroy(struct iommufd_object *obj)
{
	struct iommufd_vdevice *vdev =
		container_of(obj, struct iommufd_vdevice, obj);

	mutex_lock(&obj->ictx->vdev_lock);
	if (vdev->slot)
		iommufd_vdevice_unlink(vdev);
	mutex_unlock(&obj->ictx->vdev_lock);
	iommufd_object_drop(&vdev->viommu->obj);
}

static void vdevice_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_vdevice *vdev =
		container_of(obj, struct iommufd_vdevice, obj);

	seq_printf(m, " viommu=%u device=%u virt-id=%#llx",
		   vdev->viommu->obj.id, vdev->dev_id, vdev->virt_id);
}

static const struct iommufd_object_ops vdevice_ops = {
	.type = IOMMUFD_OBJ_VDEVICE,
	.name = "vdevice",
	.destroy = vdevice_destroy,
	.show = vdevice_show,
};

/* On success the vDEVICE is linked and has a hold on @viommu. */
static struct iommufd_vdevice *vdevice_new(struct iommufd_viommu *viommu,
					   struct iommufd_device *idev,
					   u64 virt_id)
{
	struct iommufd_ctx *ictx = viommu->obj.ictx;
	struct iommufd_vdevice *vdev;
	int rc = -EEXIST;

	/* The requester id behind it is others' too */
	if (iommufd_device_is_mediated(idev))
		return ERR_PTR(-EOPNOTSUPP);
	if (virt_id > ULONG_MAX || idev->dev->iommu->iommu_dev != viommu->iommu)
		return ERR_PTR(-EINVAL);

	vdev = iommufd_object_alloc(ictx, struct iommufd_vdevice, obj,
				    &vdevice_ops);
	if (IS_ERR(vdev))
		return vdev;
	vdev->viommu = viommu;
	vdev->virt_id = virt_id;
	vdev->dev_id = idev->obj.id;
	vdev->dev = idev->dev;

	mutex_lock(&ictx->vdev_lock);
	if (!idev->vdev)
		rc = iommufd_vdevice_link(vdev, &idev->vdev);
	mutex_unlock(&ictx->vdev_lock);
	if (rc) {
		iommufd_object_abort(&vdev->obj);
		return ERR_PTR(rc);
	}
	iommufd_object_hold(&viommu->obj);
	return vdev;
}

static int vdevice_alloc(struct iommufd_call *call,
			 struct iommu_vdevice_alloc *cmd,
			 struct iommufd_viommu *viommu,
			 struct iommufd_device *idev)
{
	struct iommufd_vdevice *vdev;
	int rc;

	vdev = vdevice_new(viommu, idev, cmd->virt_id);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	cmd->out_vdevice_id = vdev->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		vdevice_destroy(&vdev->obj);
		iommufd_object_abort(&vdev->obj);
		return rc;
	}
	iommufd_object_finalize(&vdev->obj);
	return 0;
}

/**
 * iommufd_vdevice_alloc_ioctl() - IOMMU_VDEVICE_ALLOC
 * @call: with struct iommu_vdevice_alloc
 *
 * Return: 0 or the errno of the user ABI; nothing was made unless 0.
 */
int iommufd_vdevice_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_vdevice_alloc *cmd = call->cmd;
	struct iommufd_device *idev;
	struct iommufd_object *obj;
	int rc;

	obj = iommufd_object_get(call->ictx, cmd->viommu_id,
				 IOMMUFD_OBJ_VIOMMU);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	/* Nobody unbinds the device before this is put */
	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto out_put;
	}
	rc = vdevice_alloc(call, cmd,
			   container_of(obj, struct iommufd_viommu, obj), idev);
	iommufd_object_put(&idev->obj);
out_put:
	iommufd_object_put(obj);
	return rc;
}
