// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/iommu: opening and closing it, finding the handler of an ioctl, what
 * /proc/PID/fdinfo says, and the life of the module.
 *
 * An open file is a context (struct iommufd_ctx). Whoever refers to a context
 * from elsewhere holds a reference on the file, so that the last reference and
 * the end of all objects are one moment. A file that several processes share is
 * one context; memory is always that of the process that maps it.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "dirty.h"
#include "eventq.h"
#include "fault/fault.h"
#include "hwpt.h"
#include "ioas.h"
#include "ioas_array.h"
#include "msi.h"
#include "object.h"
#include "vfio_compat.h"
#include "viommu_alloc.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Objects that fdinfo shows one by one; beyond that it only counts them */
#define FDINFO_OBJECTS_MAX	1024

/* Room for the largest command structure, with some to grow */
#define COMMAND_SIZE_MAX	128

/* The mock's, which defines all about it but the number */
#define TEST_COMMAND		_IO(IOMMUFD_TYPE, 0xa0)

static struct miscdevice vfio_device;

static int destroy_ioctl(struct iommufd_call *call)
{
	struct iommu_destroy *cmd = call->cmd;

	return iommufd_object_destroy_id(call->ictx, cmd->id);
}

static int get_features_ioctl(struct iommufd_call *call)
{
	struct iommu_features *cmd = call->cmd;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;

	cmd->out_abi_revision = IOMMU_ABI_REVISION;
	cmd->out_features = IOMMU_FEATURE_FAULT_DEPTH |
			    IOMMU_FEATURE_FAULT_BLOCKING |
			    IOMMU_FEATURE_FAULT_DEVICE |
			    IOMMU_FEATURE_FAULT_LOST |
			    IOMMU_FEATURE_FAULT_ON_PAGING |
			    IOMMU_FEATURE_FAULT_FAILURE |
			    IOMMU_FEATURE_HW_INFO_INPUT_TYPE |
			    IOMMU_FEATURE_DEVICE_PASID |
			    IOMMU_FEATURE_INVALIDATE_RANGE |
			    IOMMU_FEATURE_DEVICE_PRI |
			    IOMMU_FEATURE_HWPT_EVENTQ |
			    IOMMU_FEATURE_VIOMMU |
			    IOMMU_FEATURE_DEVICE_PROBE |
			    IOMMU_FEATURE_HWPT_DEVICES |
			    IOMMU_FEATURE_HWPT_PASID |
			    IOMMU_FEATURE_VPASID |
			    IOMMU_FEATURE_IOAS_ARRAY |
			    IOMMU_FEATURE_IOAS_MAP_FILE |
			    IOMMU_FEATURE_CHANGE_PROCESS |
			    IOMMU_FEATURE_MSI_WINDOW;
	return iommufd_call_respond(call, sizeof(*cmd));
}

/**
 * struct command - one number of the user ABI
 * @cmd: as passed to ioctl()
 * @size: of its structure, as we know it
 * @min_size: of what no caller can do without: the structure's first release
 * @handle: gets a copy of @size bytes, zero where the caller had none
 */
struct command {
	unsigned int cmd;
	unsigned int size;
	unsigned int min_size;
	int (*handle)(struct iommufd_call *call);
};

#define COMMAND(_base, _cmd, _struct, _last, _handle)                          \
	[_IOC_NR(_cmd) - (_base)] = {                                          \
		.cmd = _cmd,                                                   \
		.size = sizeof(struct _struct) +                               \
			BUILD_BUG_ON_ZERO(sizeof(struct _struct) >             \
					  COMMAND_SIZE_MAX),                   \
		.min_size = offsetofend(struct _struct, _last),                \
		.handle = _handle,                                             \
	}
#define SHARED(...)	COMMAND(IOMMUFD_CMD_BASE, __VA_ARGS__)
#define OWN(...)	COMMAND(IOMMUFD_CMD_GET_FEATURES, __VA_ARGS__)

static const struct command shared_commands[] = {
	SHARED(IOMMU_DESTROY, iommu_destroy, id, destroy_ioctl),
	SHARED(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id,
	       iommufd_ioas_alloc_ioctl),
	SHARED(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas,
	       iommufd_ioas_allow_iovas_ioctl),
	SHARED(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova,
	       iommufd_ioas_copy_ioctl),
	SHARED(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges,
	       out_iova_alignment, iommufd_ioas_iova_ranges_ioctl),
	SHARED(IOMMU_IOAS_MAP, iommu_ioas_map, iova, iommufd_ioas_map_ioctl),
	SHARED(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length,
	       iommufd_ioas_unmap_ioctl),
	SHARED(IOMMU_OPTION, iommu_option, val64, iommufd_option_ioctl),
	SHARED(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved,
	       iommufd_vfio_ioas_ioctl),
	SHARED(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved,
	       iommufd_hwpt_alloc_ioctl),
	SHARED(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved,
	       iommufd_get_hw_info_ioctl),
	SHARED(IOMMU_HWPT_SET_DIRTY_TRACKING, iommu_hwpt_set_dirty_tracking,
	       __reserved, iommufd_hwpt_set_dirty_tracking_ioctl),
	SHARED(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap, data,
	       iommufd_hwpt_get_dirty_bitmap_ioctl),
	SHARED(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved,
	       iommufd_hwpt_invalidate_ioctl),
	SHARED(IOMMU_FAULT_QUEUE_ALLOC, iommu_fault_alloc, out_fault_fd,
	       iommufd_fault_queue_alloc_ioctl),
	SHARED(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova,
	       iommufd_ioas_map_file_ioctl),
	SHARED(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process,
	       __reserved, iommufd_ioas_change_process_ioctl),
	SHARED(IOMMU_VIOMMU_ALLOC, iommu_viommu_alloc, out_viommu_id,
	       iommufd_viommu_alloc_ioctl),
	SHARED(IOMMU_VDEVICE_ALLOC, iommu_vdevice_alloc, virt_id,
	       iommufd_vdevice_alloc_ioctl),
	SHARED(IOMMU_VEVENTQ_ALLOC, iommu_veventq_alloc, __reserved,
	       iommufd_veventq_alloc_ioctl),
};

static const struct command own_commands[] = {
	OWN(IOMMU_GET_FEATURES, iommu_features, out_features,
	    get_features_ioctl),
	OWN(IOMMU_DEVICE_PASID_ATTACH, iommu_device_pasid, out_pasid,
	    iommufd_pasid_attach_ioctl),
	OWN(IOMMU_DEVICE_PASID_REPLACE, iommu_device_pasid, out_pasid,
	    iommufd_pasid_replace_ioctl),
	OWN(IOMMU_DEVICE_PASID_DETACH, iommu_device_pasid_detach, pasid,
	    iommufd_pasid_detach_ioctl),
	OWN(IOMMU_DEVICE_PRI, iommu_device_pri, out_outstanding,
	    iommufd_device_pri_ioctl),
	OWN(IOMMU_IOAS_MAP_ARRAY, iommu_ioas_map_array, out_answered,
	    iommufd_ioas_map_array_ioctl),
	OWN(IOMMU_IOAS_UNMAP_ARRAY, iommu_ioas_unmap_array, out_unmapped,
	    iommufd_ioas_unmap_array_ioctl),
	OWN(IOMMU_HWPT_EVENTQ_ALLOC, iommu_hwpt_eventq_alloc, out_eventq_fd,
	    iommufd_eventq_alloc_ioctl),
	OWN(IOMMU_DEVICE_PROBE, iommu_device_probe, __reserved,
	    iommufd_device_probe_ioctl),
	OWN(IOMMU_DEVICE_MSI_WINDOW, iommu_device_msi_window, out_doorbells,
	    iommufd_device_msi_window_ioctl),
};

/* @index is the caller's: not to be used past the end, speculation included. */
static const struct command *command_at(const struct command *table,
					unsigned int num, unsigned int index,
					unsigned int cmd)
{
	if (index >= num)
		return NULL;
	table += array_index_nospec(index, num);
	return table->cmd == cmd ? table : NULL;
}

static const struct command *find_command(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= IOMMUFD_CMD_GET_FEATURES)
		return command_at(own_commands, ARRAY_SIZE(own_commands),
				  nr - IOMMUFD_CMD_GET_FEATURES, cmd);
	return command_at(shared_commands, ARRAY_SIZE(shared_commands),
			  nr - IOMMUFD_CMD_BASE, cmd);
}

long __weak iommufd_test_ioctl(struct iommufd_ctx *ictx, void __user *ubuffer,
			       u32 user_size)
{
	return -ENOTTY;
}

static long iommu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct iommufd_ctx *ictx = file->private_data;
	u8 buffer[COMMAND_SIZE_MAX] __aligned(sizeof(u64)) __uninitialized;
	const struct command *command = find_command(cmd);
	struct iommufd_call call = {
		.ictx = ictx,
		.ubuffer = (void __user *)arg,
		.cmd = buffer,
	};
	int rc;

	if (!command && cmd != TEST_COMMAND) {
		rc = iommufd_vfio_container_ioctl(ictx, cmd, arg);
		return rc == -ENOIOCTLCMD ? -ENOTTY : rc;
	}

	if (get_user(call.user_size, (u32 __user *)call.ubuffer))
		return -EFAULT;
	if (!command)
		return iommufd_test_ioctl(ictx, call.ubuffer, call.user_size);

	if (call.user_size < command->min_size)
		return -EINVAL;
	rc = copy_struct_from_user(buffer, command->size, call.ubuffer,
				   call.user_size);
	if (rc)
		return rc;
	return command->handle(&call);
}

static int iommu_open(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx;

	ictx = kzalloc(sizeof(*ictx), GFP_KERNEL_ACCOUNT);
	if (!ictx)
		return -ENOMEM;
	iommufd_ctx_init(ictx);
	ictx->file = file;

	/* A program that asks for VFIO's container is charged as type1 does it */
	if (file->private_data == &vfio_device) {
		pr_info_once("/dev/vfio/vfio is served by iommufd\n");
		ictx->account_process = true;
	}
	file->private_data = ictx;
	return 0;
}

static int iommu_release(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx = file->private_data;

	/* What is still there refers to the context; losing it is safer */
	if (!iommufd_ctx_destroy_objects(ictx) ||
	    WARN_ON(!xa_empty(&ictx->groups)))
		return 0;
	kfree(ictx);
	return 0;
}

static void iommu_show_fdinfo(struct seq_file *m, struct file *file)
{
	unsigned int count[IOMMUFD_OBJ_MAX] = {};
	const char *name[IOMMUFD_OBJ_MAX] = {};
	struct iommufd_ctx *ictx = file->private_data;
	unsigned int total = 0, type;
	struct iommufd_object *obj;
	unsigned long id = 0;

	seq_printf(m, "iommu-charge:\t%s\n",
		   READ_ONCE(ictx->account_process) ? "process" : "user");

	while ((obj = iommufd_object_get_next(ictx, &id))) {
		type = obj->ops->type;
		name[type] = obj->ops->name;
		count[type]++;
		if (total++ < FDINFO_OBJECTS_MAX) {
			seq_printf(m, "iommu-object:\t%u %s holders=%u",
				   obj->id, obj->ops->name,
				   refcount_read(&obj->holders) - 1);
			if (obj->ops->show)
				obj->ops->show(obj, m);
			seq_putc(m, '\n');
		}
		iommufd_object_put(obj);
		cond_resched();
	}

	seq_printf(m, "iommu-objects:\t%u", total);
	for (type = 0; type != IOMMUFD_OBJ_MAX; type++)
		if (count[type])
			seq_printf(m, " %s=%u", name[type], count[type]);
	seq_putc(m, '\n');
}

static const struct file_operations iommu_fops = {
	.owner = THIS_MODULE,
	.open = iommu_open,
	.release = iommu_release,
	.unlocked_ioctl = iommu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = iommu_show_fdinfo,
	.llseek = noop_llseek,
};

/**
 * iommufd_ctx_from_file() - the context behind an open file
 * @file: any open file; the caller's reference on it remains the caller's
 *
 * Return: the context, with a reference for iommufd_ctx_put(); ERR_PTR(-EBADFD)
 * if the file is not an open /dev/iommu.
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	struct iommufd_ctx *ictx = NULL;

	/* Set from open to release: any file one can refer to has it */
	if (file->f_op == &iommu_fops)
		ictx = file->private_data;
	if (!ictx)
		return ERR_PTR(-EBADFD);
	iommufd_ctx_get(ictx);
	return ictx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_file, IOMMUFD);

/**
 * iommufd_ctx_from_fd() - the context behind a file descriptor
 * @fd: of the calling process
 *
 * Return: as iommufd_ctx_from_file(); ERR_PTR(-EBADF) if @fd is not open.
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd)
{
	struct iommufd_ctx *ictx;
	struct file *file;

	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	ictx = iommufd_ctx_from_file(file);
	fput(file);
	return ictx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_fd, IOMMUFD);

static struct miscdevice iommu_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommu",
	.nodename = "iommu",
	.mode = 0660,
	.fops = &iommu_fops,
};

/* Anyone may open it, as VFIO's own: it does nothing before a group is added */
static struct miscdevice vfio_device = {
	.minor = VFIO_MINOR,
	.name = "vfio",
	.nodename = "vfio/vfio",
	.mode = 0666,
	.fops = &iommu_fops,
};

static int __init iommufd_init(void)
{
	int rc;

	rc = misc_register(&iommu_device);
	if (rc)
		return rc;
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER)) {
		rc = misc_register(&vfio_device);
		if (rc)
			misc_deregister(&iommu_device);
	}
	return rc;
}
module_init(iommufd_init);

static void __exit iommufd_exit(void)
{
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER))
		misc_deregister(&vfio_device);
	misc_deregister(&iommu_device);
}
module_exit(iommufd_exit);

#if IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER)
MODULE_ALIAS_MISCDEV(VFIO_MINOR);
MODULE_ALIAS("devname:vfio/vfio");
#endif
MODULE_IMPORT_NS(IOMMUFD);
MODULE_IMPORT_NS(IOMMUFD_INTERNAL);
MODULE_DESCRIPTION("I/O address spaces for user space (/dev/iommu)");
MODULE_LICENSE("GPL");
