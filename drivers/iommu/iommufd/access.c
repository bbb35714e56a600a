// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses: a kernel driver in the place of a device. A mediated device has no
 * DMA of its own that an IOMMU could translate; its driver reaches what is
 * mapped in an IOAS by IOVA, through pinned pages or by copying.
 *
 * An access moves between IOASes by two slots, each of which can be registered
 * as a user of one address space: the new space knows of the access before the
 * old one is told to let go.
 *
 * Locking: iommufd_access::lock says which slot is meant. Pin, unpin and rw hold
 * it for reading, so that they do not wait for each other; attach, replace and
 * detach for writing, but for the time of the driver's unmap(), which has to be
 * able to unpin. It comes before all locks of struct iova_space. Nothing of it
 * is held when an address space calls access_unmap().
 */
#include <linux/cleanup.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>

#include "ioas.h"
#include "object.h"

/**
 * struct access_slot - one attachment to an IOAS
 * @user: in iova_space::users while @ioas is set
 * @access: the access it is part of. Never changes.
 * @ioas: what it is attached to; holds a holder reference. NULL: free
 */
struct access_slot {
	struct iova_space_user user;
	struct iommufd_access *access;
	struct iommufd_ioas *ioas;
};

/**
 * struct iommufd_access - what a driver does DMA through that is none
 * @obj: its id; the driver is the holder, and it holds a reference on the
 *	context
 * @ops: the driver's. Never changes.
 * @data: for @ops. Never changes.
 * @lock: guards all below
 * @slots: one in use while attached, two while replace is under way
 * @in: slot that pages are pinned and copied through; NULL while detached or
 *	leaving
 * @out: slot that pages are unpinned from. It differs from @in only while the
 *	driver's unmap() empties it, with @lock dropped.
 */
struct iommufd_access {
	struct iommufd_object obj;
	const struct iommufd_access_ops *ops;
	void *data;

	struct rw_semaphore lock;
	struct access_slot slots[2];
	struct access_slot *in;
	struct access_slot *out;
};

static bool access_get(struct iova_space_user *user)
{
	struct access_slot *slot = container_of(user, struct access_slot, user);

	return iommufd_object_tryget(&slot->access->obj);
}

static void access_put(struct iova_space_user *user)
{
	struct access_slot *slot = container_of(user, struct access_slot, user);

	iommufd_object_put(&slot->access->obj);
}

static void access_unmap(struct iova_space_user *user, unsigned long iova,
			 unsigned long length)
{
	struct access_slot *slot = container_of(user, struct access_slot, user);
	struct iommufd_access *access = slot->access;

	access->ops->unmap(access->data, iova, length);
}

/*
 * Go from where the access is to @ioas, either of which may be none. The caller
 * has a call reference on @ioas. @access->lock is dropped meanwhile; what comes
 * in then finds @in empty, or gets -EBUSY here.
 */
static int access_move(struct iommufd_access *access, struct iommufd_ioas *ioas)
{
	struct access_slot *from = access->in;
	struct access_slot *to = NULL;
	int rc;

	lockdep_assert_held_write(&access->lock);

	if (access->in != access->out)
		return -EBUSY;
	if (ioas && from && from->ioas == ioas)
		return 0;

	if (ioas) {
		to = from == &access->slots[0] ? &access->slots[1] :
						 &access->slots[0];
		rc = iova_space_add_user(&ioas->space, &to->user);
		if (rc)
			return rc;
		iommufd_object_hold(&ioas->obj);
		to->ioas = ioas;
	}

	if (from) {
		access->in = NULL;
		if (access->ops->unmap) {
			up_write(&access->lock);
			access->ops->unmap(access->data, 0, ULONG_MAX);
			down_write(&access->lock);
		}
		iova_space_remove_user(&from->ioas->space, &from->user);
		iommufd_object_drop(&from->ioas->obj);
		from->ioas = NULL;
	}
	access->in = to;
	access->out = to;
	return 0;
}

static int access_move_to_id(struct iommufd_access *access, u32 ioas_id)
{
	struct iommufd_ioas *ioas;
	int rc;

	ioas = iommufd_ioas_get(access->obj.ictx, ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = access_move(access, ioas);
	iommufd_object_put(&ioas->obj);
	return rc;
}

static void access_destroy(struct iommufd_object *obj)
{
	struct iommufd_access *access =
		container_of(obj, struct iommufd_access, obj);

	guard(rwsem_write)(&access->lock);
	WARN_ON(access_move(access, NULL));
}

static void access_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_access *access =
		container_of(obj, struct iommufd_access, obj);

	guard(rwsem_read)(&access->lock);
	if (access->in)
		seq_printf(m, " ioas=%u", access->in->ioas->obj.id);
	seq_printf(m, " pins=%u", access->ops->needs_pin_pages);
}

static const struct iommufd_object_ops access_object_ops = {
	.type = IOMMUFD_OBJ_ACCESS,
	.name = "access",
	.destroy = access_destroy,
	.show = access_show,
};

/**
 * iommufd_access_create() - let a driver reach what is mapped in IOASes
 * @ictx: context whose IOASes; a reference on it is taken
 * @ops: of the driver; has to stay until the access is destroyed
 * @data: for @ops
 * @id: set to the access's id, which user space may name the device by
 *
 * The access starts detached.
 *
 * Return: an access for iommufd_access_destroy(); ERR_PTR(-EINVAL) if @ops want
 * to pin pages and have no unmap; ERR_PTR(-ENOMEM), ERR_PTR(-ENOSPC).
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data,
		      u32 *id)
{
	struct iommufd_access *access;
	struct access_slot *slot;

	if (WARN_ON(ops->needs_pin_pages && !ops->unmap))
		return ERR_PTR(-EINVAL);

	access = iommufd_object_alloc(ictx, struct iommufd_access, obj,
				      &access_object_ops);
	if (IS_ERR(access))
		return access;

	access->ops = ops;
	access->data = data;
	init_rwsem(&access->lock);
	for (slot = access->slots; slot < access->slots + 2; slot++) {
		INIT_LIST_HEAD(&slot->user.item);
		slot->user.alignment = ops->needs_pin_pages ? PAGE_SIZE : 1;
		slot->user.get = access_get;
		slot->user.put = access_put;
		slot->user.unmap = ops->needs_pin_pages ? access_unmap : NULL;
		slot->access = access;
	}

	iommufd_ctx_get(ictx);
	iommufd_object_hold(&access->obj);
	*id = access->obj.id;
	iommufd_object_finalize(&access->obj);
	return access;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_create, IOMMUFD);

/**
 * iommufd_access_destroy() - end an access, attached or not
 * @access: from iommufd_access_create(); gone when this returns
 *
 * Waits for unmap() calls that are running, and ends with one for everything if
 * the access is attached; none comes afterwards. So the caller must not hold a
 * lock that unmap() takes, and must not use the access any more but from there.
 * Drops the reference on the context.
 */
void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ictx = access->obj.ictx;

	iommufd_object_destroy_owner(&access->obj);
	iommufd_ctx_put(ictx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_destroy, IOMMUFD);

/**
 * iommufd_access_attach() - connect a detached access to an IOAS
 * @access: to be attached
 * @ioas_id: of its context
 *
 * An access that pins pages makes the IOAS take mappings of whole pages only.
 *
 * Return: 0; -ENOENT if @ioas_id names no IOAS; -EINVAL, with a warning, if it
 * is attached already; -EBUSY while another thread detaches it; -EADDRINUSE if
 * mappings are there that are not made of whole pages; -ENOMEM.
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	guard(rwsem_write)(&access->lock);
	if (WARN_ON(access->in))
		return -EINVAL;
	return access_move_to_id(access, ioas_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_attach, IOMMUFD);

/**
 * iommufd_access_replace() - move an attached access to another IOAS
 * @access: to be moved
 * @ioas_id: of its context
 *
 * The driver is told to unmap everything in the old IOAS; when that has begun
 * nothing can fail any more. Until it is done, nothing can be pinned in either.
 * Moving to where it is changes nothing.
 *
 * Return: 0; -ENOENT if @ioas_id names no IOAS, or if the access is not
 * attached, also because another thread is moving it; else as
 * iommufd_access_attach(). On an error it stays where it is.
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	guard(rwsem_write)(&access->lock);
	if (!access->in)
		return -ENOENT;
	return access_move_to_id(access, ioas_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_replace, IOMMUFD);

/**
 * iommufd_access_detach() - disconnect an access from its IOAS
 * @access: attached; if it is not there is a warning
 *
 * Calls unmap() for the whole address space, after which nothing may be pinned.
 * The caller must not hold a lock that unmap() takes.
 */
void iommufd_access_detach(struct iommufd_access *access)
{
	guard(rwsem_write)(&access->lock);
	if (WARN_ON(!access->in))
		return;
	WARN_ON(access_move(access, NULL));
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_detach, IOMMUFD);

static int access_check_range(unsigned long iova, unsigned long length)
{
	unsigned long last;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	return 0;
}

/**
 * iommufd_access_pin_pages() - get at the pages of a range
 * @access: made with needs_pin_pages
 * @iova: first IOVA
 * @length: bytes
 * @out_pages: filled with every page the range touches, in order
 * @flags: IOMMUFD_ACCESS_RW_WRITE to write to them
 *
 * The pages stay until iommufd_access_unpin_pages(), once for each success. The
 * driver's unmap() asks for that, and may do so before this returns. Pages and
 * IOVA have to start together, which is so when the IOAS's alignment is
 * PAGE_SIZE.
 *
 * Return: 0; -EINVAL for a @length of 0, if pages and IOVA do not start
 * together, if the range is being unmapped, or, with a warning, for an access
 * that does not pin; -EOVERFLOW; -ENOENT if the access is not attached or the
 * range is not wholly mapped; -EPERM if the mapping does not allow it; -EFAULT
 * if the memory is gone; -ENOMEM. On an error nothing is pinned.
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags)
{
	int rc;

	if (WARN_ON(!access->ops->needs_pin_pages))
		return -EINVAL;
	rc = access_check_range(iova, length);
	if (rc)
		return rc;

	guard(rwsem_read)(&access->lock);
	if (!access->in)
		return -ENOENT;
	return iova_space_pin(&access->in->ioas->space, iova, length, out_pages,
			      flags);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_pin_pages, IOMMUFD);

/**
 * iommufd_access_unpin_pages() - give pinned pages back
 * @access: they were pinned through
 * @iova: as when they were pinned
 * @length: as when they were pinned
 *
 * The pages must not be touched any more. Works from within unmap(), also while
 * the access is being detached. Warns if the access is detached, since then it
 * has nothing.
 */
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length)
{
	if (WARN_ON(access_check_range(iova, length)))
		return;

	guard(rwsem_read)(&access->lock);
	if (WARN_ON(!access->out))
		return;
	iova_space_unpin(&access->out->ioas->space, iova, length);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_unpin_pages, IOMMUFD);

/**
 * iommufd_access_rw() - copy to or from a range
 * @access: need not be one that pins
 * @iova: first IOVA, of any alignment
 * @data: kernel memory
 * @length: bytes
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Works across mappings that adjoin each other. May sleep.
 *
 * Return: 0; -EINVAL for a @length of 0 or if the range is being unmapped;
 * -EOVERFLOW; -ENOENT if the access is not attached or the range is not wholly
 * mapped; -EPERM if a mapping does not allow it; -EFAULT if the memory is gone;
 * -ENOMEM. On an error part of it may have been copied.
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags)
{
	int rc;

	rc = access_check_range(iova, length);
	if (rc)
		return rc;

	guard(rwsem_read)(&access->lock);
	if (!access->in)
		return -ENOENT;
	return iova_space_rw(&access->in->ioas->space, iova, data, length,
			     flags);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_rw, IOMMUFD);
