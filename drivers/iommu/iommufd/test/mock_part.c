// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices for tests. A parent is a device of the mock, or any other one that
 * no driver has: this is its driver then. Its parts go to different contexts; each
 * sends its requests with the PASID that stands for the one its user named, as the
 * hardware of such a device does. For a parent that is not the mock's the test makes
 * that hardware send them, and learns the PASID by asking for it.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "mock.h"

/**
 * struct mock_parent - a device that has parts
 * @item: in parents
 * @ref: of the object that made it, and of each part: the file of the object may be
 *	closed before those of the parts
 * @id: names it to every context
 * @dev: the device
 * @mdev: the same, if it was made for the purpose; else NULL
 * @pool: where its PASIDs come from
 */
struct mock_parent {
	struct list_head item;
	struct kref ref;
	u32 id;
	struct device *dev;
	struct mock_dev *mdev;
	struct iommufd_pasid_pool *pool;
};

/**
 * struct mock_parent_obj - a parent in the context that made it
 * @obj: its id
 * @parent: with a reference
 */
struct mock_parent_obj {
	struct iommufd_object obj;
	struct mock_parent *parent;
};

/**
 * struct mock_part - a mediated device
 * @item: in parts
 * @ictx: that it is bound to; there until no DMA uses it any more
 * @parent: with a reference
 * @idev: as bound; owned
 * @dmas: DMAs of it that have not ended
 * @idle: woken when @dmas gets 0
 */
struct mock_part {
	struct list_head item;
	struct iommufd_ctx *ictx;
	struct mock_parent *parent;
	struct iommufd_device *idev;
	atomic_t dmas;
	wait_queue_head_t idle;
};

/**
 * struct mock_part_obj - one that its context owns; others have a file of their own
 * @obj: its id
 * @part: the device
 */
struct mock_part_obj {
	struct iommufd_object obj;
	struct mock_part part;
};

static DEFINE_MUTEX(parents_lock);	/* parents, last_parent */
static LIST_HEAD(parents);
static u32 last_parent;

static DEFINE_SPINLOCK(parts_lock);	/* parts */
static LIST_HEAD(parts);

/* --- parents --- */

static struct device *find_device(const char *name)
{
	struct device *dev;

	dev = bus_find_device_by_name(&pci_bus_type, NULL, name);
	if (!dev)
		dev = bus_find_device_by_name(&platform_bus_type, NULL, name);
	return dev ?: ERR_PTR(-ENODEV);
}

/* As binding a driver does: nobody can have the device as a whole from here on. */
static int drive(struct device *dev)
{
	int rc;

	device_lock(dev);
	rc = dev->driver ? -EBUSY : iommu_device_use_default_domain(dev);
	if (!rc && dev_is_pci(dev))
		pci_set_master(to_pci_dev(dev));
	device_unlock(dev);
	return rc;
}

static void leave(struct device *dev)
{
	device_lock(dev);
	if (dev_is_pci(dev))
		pci_clear_master(to_pci_dev(dev));
	iommu_device_unuse_default_domain(dev);
	device_unlock(dev);
}

static void parent_release(struct kref *ref)
{
	struct mock_parent *parent = container_of(ref, struct mock_parent, ref);

	list_del(&parent->item);
	iommufd_pasid_pool_put(parent->pool);
	leave(parent->dev);
	if (parent->mdev)
		mock_dev_destroy(parent->mdev);
	else
		put_device(parent->dev);
	kfree(parent);
}

static void parent_put(struct mock_parent *parent)
{
	mutex_lock(&parents_lock);
	kref_put(&parent->ref, parent_release);
	mutex_unlock(&parents_lock);
}

static struct mock_parent *parent_get(u32 id)
{
	struct mock_parent *parent;

	mutex_lock(&parents_lock);
	list_for_each_entry(parent, &parents, item) {
		if (parent->id != id)
			continue;
		kref_get(&parent->ref);
		mutex_unlock(&parents_lock);
		return parent;
	}
	mutex_unlock(&parents_lock);
	return ERR_PTR(-ENOENT);
}

static void parent_destroy(struct iommufd_object *obj)
{
	parent_put(container_of(obj, struct mock_parent_obj, obj)->parent);
}

static const struct iommufd_object_ops parent_ops = {
	.type = IOMMUFD_OBJ_SELFTEST,
	.name = "mock-parent",
	.destroy = parent_destroy,
};

static struct iommufd_pasid_pool *make_pool(struct device *dev,
					    const struct iommu_test_cmd *cmd)
{
	if (cmd->parent.flags & MOCK_PARENT_GLOBAL)
		return iommufd_pasid_pool_global();
	return iommufd_pasid_pool_create(dev, cmd->parent.first,
					 cmd->parent.last, cmd->parent.quota);
}

static struct mock_parent *parent_new(const struct iommu_test_cmd *cmd)
{
	struct mock_parent *parent;
	int rc;

	parent = kzalloc(sizeof(*parent), GFP_KERNEL_ACCOUNT);
	if (!parent)
		return ERR_PTR(-ENOMEM);
	kref_init(&parent->ref);
	if (cmd->parent.name[0]) {
		parent->dev = find_device(cmd->parent.name);
	} else {
		parent->mdev = mock_dev_create(cmd->parent.dev_flags);
		parent->dev = IS_ERR(parent->mdev) ?
			      ERR_CAST(parent->mdev) : &parent->mdev->dev;
	}
	if (IS_ERR(parent->dev)) {
		rc = PTR_ERR(parent->dev);
		goto err_free;
	}
	rc = drive(parent->dev);
	if (rc)
		goto err_device;
	parent->pool = make_pool(parent->dev, cmd);
	if (IS_ERR(parent->pool)) {
		rc = PTR_ERR(parent->pool);
		goto err_leave;
	}
	mutex_lock(&parents_lock);
	parent->id = ++last_parent;
	list_add_tail(&parent->item, &parents);
	mutex_unlock(&parents_lock);
	return parent;

err_leave:
	leave(parent->dev);
err_device:
	if (parent->mdev)
		mock_dev_destroy(parent->mdev);
	else
		put_device(parent->dev);
err_free:
	kfree(parent);
	return ERR_PTR(rc);
}

/**
 * mock_op_parent() - IOMMU_TEST_OP_PARENT
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EOPNOTSUPP for a flag; -ENODEV: no device of the name; -EBUSY: somebody
 * has it; what making a mock device or a pool returns.
 */
int mock_op_parent(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_parent_obj *sobj;
	int rc;

	if ((cmd->parent.flags & ~MOCK_PARENT_GLOBAL) ||
	    cmd->parent.__reserved)
		return -EOPNOTSUPP;
	if (strnlen(cmd->parent.name, sizeof(cmd->parent.name)) ==
	    sizeof(cmd->parent.name))
		return -EINVAL;

	sobj = iommufd_object_alloc(call->ictx, struct mock_parent_obj, obj,
				    &parent_ops);
	if (IS_ERR(sobj))
		return PTR_ERR(sobj);
	sobj->parent = parent_new(cmd);
	if (IS_ERR(sobj->parent)) {
		rc = PTR_ERR(sobj->parent);
		goto err_abort;
	}
	cmd->parent.out_stdev_id = sobj->obj.id;
	cmd->parent.out_parent = sobj->parent->id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_put;
	iommufd_object_finalize(&sobj->obj);
	return 0;

err_put:
	parent_put(sobj->parent);
err_abort:
	iommufd_object_abort(&sobj->obj);
	return rc;
}

/* --- parts --- */

static void part_unbind(struct mock_part *part)
{
	/* No DMA begins from here on */
	spin_lock(&parts_lock);
	list_del(&part->item);
	spin_unlock(&parts_lock);
	iommufd_device_unbind(part->idev);
	/* All is detached: each DMA finds that out */
	wait_event(part->idle, !atomic_read(&part->dmas));
	parent_put(part->parent);
}

static void part_destroy(struct iommufd_object *obj)
{
	part_unbind(&container_of(obj, struct mock_part_obj, obj)->part);
}

static const struct iommufd_object_ops part_ops = {
	.type = IOMMUFD_OBJ_SELFTEST,
	.name = "mock-part",
	.destroy = part_destroy,
};

static int part_release(struct inode *inode, struct file *file)
{
	struct mock_part *part = file->private_data;
	struct iommufd_ctx *ictx = part->ictx;

	/* The device's own reference goes before its last DMA has ended */
	iommufd_ctx_get(ictx);
	part_unbind(part);
	kfree(part);
	iommufd_ctx_put(ictx);
	return 0;
}

static const struct file_operations part_fops = {
	.owner = THIS_MODULE,
	.release = part_release,
};

static struct iommufd_device *bind(struct iommufd_ctx *ictx,
				   const struct mock_parent *parent,
				   struct iommufd_pasid_pool *pool,
				   bool own_file, u32 *id)
{
	if (own_file)
		return iommufd_device_bind_mediated(ictx, parent->dev, pool, id);
	return iommufd_device_bind_mediated_owned(ictx, parent->dev, pool, id);
}

/* With the parent's pool, or that of another one, which must not do. */
static struct iommufd_device *bind_part(struct iommufd_ctx *ictx,
					const struct iommu_test_cmd *cmd,
					struct mock_parent *parent, u32 *id)
{
	bool own_file = cmd->mediated.flags & MOCK_MEDIATED_OWN_FILE;
	struct iommufd_device *idev;
	struct mock_parent *other;

	if (!cmd->mediated.pool)
		return bind(ictx, parent, parent->pool, own_file, id);
	other = parent_get(cmd->mediated.pool);
	if (IS_ERR(other))
		return ERR_CAST(other);
	idev = bind(ictx, parent, other->pool, own_file, id);
	parent_put(other);
	return idev;
}

/* What @cmd says, and the answer in it. Undone by part_unbind(). */
static int part_init(struct mock_part *part, struct iommufd_ctx *ictx,
		     struct iommu_test_cmd *cmd)
{
	u32 pt_id = cmd->id, id;
	int rc = 0;

	part->ictx = ictx;
	init_waitqueue_head(&part->idle);
	part->parent = parent_get(cmd->mediated.parent);
	if (IS_ERR(part->parent))
		return PTR_ERR(part->parent);
	part->idev = bind_part(ictx, cmd, part->parent, &id);
	if (IS_ERR(part->idev)) {
		parent_put(part->parent);
		return PTR_ERR(part->idev);
	}
	spin_lock(&parts_lock);
	list_add_tail(&part->item, &parts);
	spin_unlock(&parts_lock);
	if (pt_id)
		rc = iommufd_device_attach(part->idev, &pt_id);
	if (rc) {
		part_unbind(part);
		return rc;
	}
	cmd->mediated.out_idev_id = id;
	cmd->mediated.out_hwpt_id = pt_id;
	return 0;
}

static int part_as_object(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_part_obj *pobj;
	int rc;

	pobj = iommufd_object_alloc(call->ictx, struct mock_part_obj, obj,
				    &part_ops);
	if (IS_ERR(pobj))
		return PTR_ERR(pobj);
	rc = part_init(&pobj->part, call->ictx, cmd);
	if (rc)
		goto err_abort;
	cmd->mediated.out_stdev_id = pobj->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_unbind;
	iommufd_object_finalize(&pobj->obj);
	return 0;

err_unbind:
	part_unbind(&pobj->part);
err_abort:
	iommufd_object_abort(&pobj->obj);
	return rc;
}

static int part_as_file(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_part *part;
	struct file *file;
	int rc, fd;

	part = kzalloc(sizeof(*part), GFP_KERNEL_ACCOUNT);
	if (!part)
		return -ENOMEM;
	rc = part_init(part, call->ictx, cmd);
	if (rc) {
		kfree(part);
		return rc;
	}
	file = anon_inode_getfile("[iommufd_mock_part]", &part_fops, part,
				  O_RDWR);
	if (IS_ERR(file)) {
		part_unbind(part);
		kfree(part);
		return PTR_ERR(file);
	}
	/* From here on it ends with its file. */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		fput(file);
		return fd;
	}
	cmd->mediated.out_stdev_id = fd;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		put_unused_fd(fd);
		fput(file);
		return rc;
	}
	fd_install(fd, file);
	return 0;
}

/**
 * mock_op_mediated() - IOMMU_TEST_OP_MEDIATED
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EOPNOTSUPP for a flag; -ENOENT: no such parent; what binding and
 * attaching return.
 */
int mock_op_mediated(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	if (cmd->mediated.flags & ~MOCK_MEDIATED_OWN_FILE)
		return -EOPNOTSUPP;
	return cmd->mediated.flags ? part_as_file(call, cmd) :
				     part_as_object(call, cmd);
}

/**
 * mock_part_idev() - the bound device of a part
 * @obj: any object of the mock's kind
 *
 * Return: the device; NULL if @obj is no part.
 */
struct iommufd_device *mock_part_idev(struct iommufd_object *obj)
{
	if (obj->ops != &part_ops)
		return NULL;
	return container_of(obj, struct mock_part_obj, obj)->part.idev;
}

/* --- what goes on the wire --- */

static int translate(struct iommufd_device *idev, bool pasid_valid, u32 vpasid,
		     u32 *ppasid)
{
	return iommufd_pasid_translate(idev->obj.ictx, idev->obj.id,
				       pasid_valid ? vpasid : IOMMU_NO_PASID,
				       ppasid);
}

/**
 * mock_part_translate() - what a request of a device has on the wire
 * @idev: any bound device
 * @pasid_valid: in: its user wants a PASID; out: there is one on the wire
 * @pasid: in: which; out: which
 *
 * Return: 0; -ENOENT: the request is not sent.
 */
int mock_part_translate(struct iommufd_device *idev, bool *pasid_valid,
			u32 *pasid)
{
	int rc;

	if (!iommufd_device_is_mediated(idev))
		return 0;
	rc = translate(idev, *pasid_valid, *pasid, pasid);
	if (!rc)
		*pasid_valid = true;
	return rc;
}

/**
 * mock_part_dma_begin() - a DMA of a device is going to run
 * @idev: the device, with a call reference
 * @args: what it is to do; @args->part is set, with a count for
 *	mock_part_dma_end(), if it is a mediated device, and its PASID translated
 */
void mock_part_dma_begin(struct iommufd_device *idev,
			 struct mock_dma_args *args)
{
	struct mock_part *part;

	if (!iommufd_device_is_mediated(idev))
		return;
	spin_lock(&parts_lock);
	list_for_each_entry(part, &parts, item) {
		if (part->idev != idev)
			continue;
		atomic_inc(&part->dmas);
		args->part = part;
		break;
	}
	spin_unlock(&parts_lock);
	args->vpasid = args->pasid_valid ? args->pasid : IOMMU_NO_PASID;
	/* Nothing is attached to this one: the DMA ends with its first access */
	if (!args->part ||
	    mock_part_translate(idev, &args->pasid_valid, &args->pasid)) {
		args->pasid_valid = true;
		args->pasid = IOMMU_PASID_INVALID;
	}
}

/**
 * mock_part_dma_goes_on() - may a DMA still use the PASID that it has?
 * @args: as begun; the lock of the device is held
 *
 * What is no longer the translation is another's soon: not before the parent's lock
 * is taken once more to detach it.
 *
 * Return: whether it may.
 */
bool mock_part_dma_goes_on(const struct mock_dma_args *args)
{
	u32 ppasid;

	if (!args->part)
		return true;
	/* The device is there as long as it has DMAs, its id is not another's */
	return !iommufd_pasid_translate(args->part->ictx, args->dev_id,
					args->vpasid, &ppasid) &&
	       ppasid == args->pasid;
}

/**
 * mock_part_dma_end() - a DMA has ended
 * @args: as begun
 */
void mock_part_dma_end(const struct mock_dma_args *args)
{
	if (args->part && atomic_dec_and_test(&args->part->dmas))
		wake_up_all(&args->part->idle);
}
