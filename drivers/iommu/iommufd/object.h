/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects: everything user space can name by an id.
 *
 * The lowest floor of the subsystem. A context is one open /dev/iommu; it owns
 * an id space. An object knows its type only through the constant description
 * it was created with, so that nothing here calls into the files above.
 */
#ifndef __IOMMUFD_OBJECT_H
#define __IOMMUFD_OBJECT_H

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/iommufd.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

struct file;
struct seq_file;
struct iommufd_ctx;
struct iommufd_ioas;
struct iommufd_object;

/**
 * enum iommufd_object_type - what an id stands for
 * @IOMMUFD_OBJ_ANY: in a look-up: whatever the id names
 * @IOMMUFD_OBJ_DEVICE: a bound device, owned by the driver that bound it
 * @IOMMUFD_OBJ_HWPT_PAGING: a page table the kernel fills from an IOAS
 * @IOMMUFD_OBJ_HWPT_NESTED: a page table in guest memory, over a parent HWPT
 * @IOMMUFD_OBJ_IOAS: an I/O address space
 * @IOMMUFD_OBJ_ACCESS: an in-kernel user of an IOAS, owned by its driver
 * @IOMMUFD_OBJ_FAULT: a fault queue
 * @IOMMUFD_OBJ_EVENTQ: an event queue of a HWPT
 * @IOMMUFD_OBJ_VIOMMU: a guest's share of an IOMMU
 * @IOMMUFD_OBJ_VDEVICE: how a guest calls a device
 * @IOMMUFD_OBJ_VEVENTQ: an event queue of a vIOMMU
 * @IOMMUFD_OBJ_SELFTEST: a device of the mock IOMMU (test builds only)
 */
enum iommufd_object_type {
	IOMMUFD_OBJ_ANY,
	IOMMUFD_OBJ_DEVICE,
	IOMMUFD_OBJ_HWPT_PAGING,
	IOMMUFD_OBJ_HWPT_NESTED,
	IOMMUFD_OBJ_IOAS,
	IOMMUFD_OBJ_ACCESS,
	IOMMUFD_OBJ_FAULT,
	IOMMUFD_OBJ_EVENTQ,
	IOMMUFD_OBJ_VIOMMU,
	IOMMUFD_OBJ_VDEVICE,
	IOMMUFD_OBJ_VEVENTQ,
	IOMMUFD_OBJ_SELFTEST,
	IOMMUFD_OBJ_MAX,
};

/**
 * struct iommufd_object_ops - what the object layer must know of a type
 * @type: one of enum iommufd_object_type
 * @name: as printed in fdinfo
 * @destroy: undo everything the object holds; called once, after the id is
 *	gone and the last call in flight has left. Does not free the memory.
 * @show: optional: append " key=value" pairs to the object's line in the fdinfo
 *	of /dev/iommu, without a newline. Called with a call reference and no
 *	lock held; must not sleep for long.
 */
struct iommufd_object_ops {
	enum iommufd_object_type type;
	const char *name;
	void (*destroy)(struct iommufd_object *obj);
	void (*show)(struct iommufd_object *obj, struct seq_file *m);
};

/**
 * struct iommufd_object - the head of everything that has an id
 * @ictx: the context the id belongs to. Never changes. The object holds no
 *	reference on it unless its creator takes one: the context outlives its
 *	objects because closing the file destroys them.
 * @ops: constant description of the type
 * @id: valid in @ictx only, never 0
 * @serial: never used again by any object of any context, unlike @id. Compare
 *	this where something may outlive the object it speaks of.
 * @holders: who depends on the object for longer than one call: attachments,
 *	children, the driver that bound a device. One more while the id exists.
 *	DESTROY is EBUSY while anyone but the id holds it. Taken only by those
 *	who have a call reference or hold it already, so that nobody can come to
 *	hold an object that is being destroyed.
 * @calls: calls in flight that looked the object up, plus one while the id
 *	exists. Destruction waits for them.
 */
struct iommufd_object {
	struct iommufd_ctx *ictx;
	const struct iommufd_object_ops *ops;
	u32 id;
	u64 serial;
	refcount_t holders;
	refcount_t calls;
};

/**
 * struct iommufd_ctx - one open /dev/iommu
 * @file: the open file; a reference on it is a reference on the context
 * @objects: id to object; reserved entries are ids not yet published, or never to
 *	be used again
 * @groups: iommu_group id to struct iommufd_group; its xa_lock guards look-up
 *	against release
 * @destroy_wait: woken when a call reference is dropped
 * @vdev_lock: one change of vDEVICEs at a time: which device has which
 * @pasid_maps: device id to struct iommufd_pasid_map, for readers under RCU
 * @pasid_notifiers: who is told when a vPASID stops being translated
 * @pasid_accounts: struct iommufd_pasid_account, of the pools it uses
 * @pasid_accounts_lock: guards @pasid_accounts
 * @move_lock: one IOMMU_IOAS_CHANGE_PROCESS at a time
 * @stat_lock: one count of what the IOASes hold at a time, since they share memory.
 *	Only tried: who counts waits for nobody
 * @stat_mark: of the last count; guarded by @stat_lock
 * @msi_windows: struct iommufd_msi_window, of its groups; no two have an IOVA in
 *	common
 * @msi_lock: guards @msi_windows
 * @vfio_ioas: the IOAS that VFIO's container calls act on, or NULL; guarded by
 *	the xa_lock of @objects; holds a holder reference, which does not keep
 *	the IOAS from being destroyed: this is set to NULL then
 * @users: references that the kernel has on @file: groups and device files of VFIO,
 *	bound devices, files of queues
 * @vfio_made: @vfio_ioas was made for a VFIO group, and user space has not been told
 *	its id: it goes when there are no @users any more. Guarded as @vfio_ioas is
 * @account_process: charge pinned memory to the process (mm) instead of the
 *	user. Set once, before any object exists (IOMMU_OPTION_RLIMIT_MODE).
 * @no_iommu: the VFIO container runs without an IOMMU
 * @vfio_dirty: VFIO_IOMMU_DIRTY_PAGES has been started
 */
struct iommufd_ctx {
	struct file *file;
	struct xarray objects;
	struct xarray groups;
	wait_queue_head_t destroy_wait;
	struct mutex vdev_lock;		/* which device has which vDEVICE */
	struct xarray pasid_maps;
	struct blocking_notifier_head pasid_notifiers;
	struct list_head pasid_accounts;
	struct mutex pasid_accounts_lock;	/* pasid_accounts */
	struct mutex move_lock;	/* who is charged for files */
	struct mutex stat_lock;		/* one count at a time */
	u64 stat_mark;
	struct list_head msi_windows;
	struct mutex msi_lock;		/* msi_windows */
	struct iommufd_ioas *vfio_ioas;
	atomic_t users;
	bool vfio_made;
	bool account_process;
	bool no_iommu;
	bool vfio_dirty;
};

/*
 * Life of an object:
 *   alloc      memory and a reserved id; nobody can look it up yet
 *   finalize   the id works from here on; cannot fail
 *   abort      instead of finalize: the id and the memory go; @ops->destroy is
 *              NOT called, the caller undoes what it did itself
 *   get/put    a call uses it
 *   hold/drop  something depends on it
 *   remove     id gone, wait for calls, ops->destroy, free
 */
void *__iommufd_object_alloc(struct iommufd_ctx *ictx, size_t size,
			     const struct iommufd_object_ops *ops);

/* @member must be the first in the structure: the memory is freed through it. */
#define iommufd_object_alloc(ictx, type, member, ops)                         \
	({                                                                     \
		BUILD_BUG_ON(offsetof(type, member) != 0);                     \
		(type *)__iommufd_object_alloc(ictx, sizeof(type), ops);       \
	})

void iommufd_object_finalize(struct iommufd_object *obj);
void iommufd_object_abort(struct iommufd_object *obj);

struct iommufd_object *iommufd_object_get(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type);
struct iommufd_object *iommufd_object_get_next(struct iommufd_ctx *ictx,
					       unsigned long *id);
bool iommufd_object_tryget(struct iommufd_object *obj);
void iommufd_object_put(struct iommufd_object *obj);

static inline void iommufd_object_hold(struct iommufd_object *obj)
{
	refcount_inc(&obj->holders);
}

static inline void iommufd_object_drop(struct iommufd_object *obj)
{
	refcount_dec(&obj->holders);
}

int iommufd_object_destroy_id(struct iommufd_ctx *ictx, u32 id);
void iommufd_object_destroy_owner(struct iommufd_object *obj);
void iommufd_object_bury(struct iommufd_ctx *ictx, u32 id, u64 serial);
void iommufd_object_drop_last_destroys(struct iommufd_object *obj);

void iommufd_ctx_init(struct iommufd_ctx *ictx);
bool iommufd_ctx_destroy_objects(struct iommufd_ctx *ictx);

/**
 * struct iommufd_call - one ioctl in progress
 * @ictx: the context the file belongs to
 * @ubuffer: the caller's structure
 * @user_size: its size as the caller stated it; may exceed what we know
 * @cmd: our zero-padded copy of it
 */
struct iommufd_call {
	struct iommufd_ctx *ictx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
};

int iommufd_call_respond(struct iommufd_call *call, size_t cmd_len);

/* Command 0xa0; -ENOTTY unless the mock (test/mock.c) is built. */
long iommufd_test_ioctl(struct iommufd_ctx *ictx, void __user *ubuffer,
			u32 user_size);

#endif
