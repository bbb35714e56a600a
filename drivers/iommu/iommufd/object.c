// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ids and lifetimes: how an object gets its id, what keeps it, how it goes.
 *
 * The xa_lock of iommufd_ctx::objects decides between looking an id up and
 * removing it. Removal is one step under that lock, object_claim(): it succeeds
 * only if nobody holds the object and no call uses it, and from then on nobody
 * can. So a call that turns its reference into a hold never races with a
 * removal, and a removal that does not happen has changed nothing.
 *
 * Who waits for calls sleeps on iommufd_ctx::destroy_wait, which every put of a
 * call reference wakes.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "failpoint.h"
#include "object.h"

/* How long a removal that may give up waits for calls in flight */
#define CALLS_PATIENCE		(10 * HZ)
/* How often one that may not give up says so */
#define CALLS_COMPLAINT		(60 * HZ)

static atomic64_t last_serial = ATOMIC64_INIT(0);

/**
 * __iommufd_object_alloc() - memory and a reserved id
 * @ictx: context that gets the object
 * @size: bytes, with struct iommufd_object at the start; zeroed
 * @ops: the object's type
 *
 * Nobody finds the object until iommufd_object_finalize(). The lowest free id is
 * taken, so ids are used again; serials are not. Memory is charged to the
 * caller's memory cgroup.
 *
 * Return: the object, which the caller finalizes or aborts; ERR_PTR(-ENOMEM), or
 * ERR_PTR(-ENOSPC) with 2^31 - 1 ids in use.
 */
void *__iommufd_object_alloc(struct iommufd_ctx *ictx, size_t size,
			     const struct iommufd_object_ops *ops)
{
	struct iommufd_object *obj;
	int rc;

	obj = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);

	obj->ictx = ictx;
	obj->ops = ops;
	obj->serial = atomic64_inc_return(&last_serial);
	/* These are the id's own; they go with it */
	refcount_set(&obj->holders, 1);
	refcount_set(&obj->calls, 1);

	rc = xa_alloc(&ictx->objects, &obj->id, XA_ZERO_ENTRY, xa_limit_31b,
		      GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(obj);
		return ERR_PTR(rc == -EBUSY ? -ENOSPC : rc);
	}
	return obj;
}

/**
 * iommufd_object_finalize() - let calls find the object
 * @obj: from iommufd_object_alloc(), complete
 *
 * Cannot fail. From here on any thread may use the object and destroy it: the
 * caller touches it afterwards only if it holds it.
 */
void iommufd_object_finalize(struct iommufd_object *obj)
{
	void *old;

	/* Replaces the reserved entry, for which the node exists already */
	old = xa_store(&obj->ictx->objects, obj->id, obj, GFP_KERNEL_ACCOUNT);
	WARN_ON(old);
}

/**
 * iommufd_object_abort() - give a reserved id and the memory back
 * @obj: from iommufd_object_alloc(), never finalized
 *
 * &iommufd_object_ops.destroy is not called: the caller has undone what it did.
 */
void iommufd_object_abort(struct iommufd_object *obj)
{
	WARN_ON(xa_erase(&obj->ictx->objects, obj->id));
	kfree(obj);
}

static bool object_is(const struct iommufd_object *obj,
		      enum iommufd_object_type type)
{
	return type == IOMMUFD_OBJ_ANY || type == obj->ops->type;
}

/* NULL: no such id, reserved, of another type, or just being destroyed. */
static struct iommufd_object *object_find(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type)
{
	struct iommufd_object *found = NULL, *obj;

	xa_lock(&ictx->objects);
	obj = xa_load(&ictx->objects, id);
	if (obj && object_is(obj, type) && iommufd_object_tryget(obj))
		found = obj;
	xa_unlock(&ictx->objects);
	return found;
}

/**
 * iommufd_object_get() - find an object for the time of one call
 * @ictx: where the id is valid
 * @id: from user space
 * @type: what it has to be, or IOMMUFD_OBJ_ANY
 *
 * Return: the object, with a call reference that iommufd_object_put() drops, or
 * ERR_PTR(-ENOENT) if there is no such id or it names something else.
 */
struct iommufd_object *iommufd_object_get(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type)
{
	struct iommufd_object *obj = NULL;

	if (!iommufd_should_fail())
		obj = object_find(ictx, id, type);
	return obj ?: ERR_PTR(-ENOENT);
}

/**
 * iommufd_object_get_next() - walk over all objects
 * @ictx: whose objects
 * @id: in: an id; out: that of the object returned. Start with 0
 *
 * Objects that come or go during the walk may or may not be met.
 *
 * Return: the object with the lowest id above @id, with a call reference, or
 * NULL at the end.
 */
struct iommufd_object *iommufd_object_get_next(struct iommufd_ctx *ictx,
					       unsigned long *id)
{
	struct iommufd_object *obj;

	xa_lock(&ictx->objects);
	do {
		obj = xa_find_after(&ictx->objects, id, ULONG_MAX, XA_PRESENT);
	} while (obj && !iommufd_object_tryget(obj));
	xa_unlock(&ictx->objects);
	return obj;
}

/**
 * iommufd_object_tryget() - a call reference on an object known otherwise
 * @obj: object whose memory the caller knows to be there, for example by the
 *	lock of a list that its destruction takes it from
 *
 * Return: true with a call reference; false if the object is being destroyed.
 */
bool iommufd_object_tryget(struct iommufd_object *obj)
{
	return refcount_inc_not_zero(&obj->calls);
}

/**
 * iommufd_object_put() - drop a call reference
 * @obj: may be gone when this returns
 *
 * The context must outlive the call by other means, as it does for every caller
 * that reached it through an open file or a bound device.
 */
void iommufd_object_put(struct iommufd_object *obj)
{
	struct iommufd_ctx *ictx = obj->ictx;

	/* The barrier of the second pairs with prepare_to_wait() of the waiter */
	if (refcount_dec_and_test(&obj->calls) ||
	    wq_has_sleeper(&ictx->destroy_wait))
		wake_up_all(&ictx->destroy_wait);
}

/* An IOAS starts with its object, as every object does. Under the xa_lock. */
static bool is_vfio_default(const struct iommufd_object *obj)
{
	return (const void *)obj->ictx->vfio_ioas == obj;
}

/*
 * Take an object out of the id space, if but for the id's own references it has
 * only @own holders, whose references the caller gives up. @bury: nothing else is
 * to get the id.
 *
 * 0: it is the caller's alone. -EBUSY: somebody else holds it. -EAGAIN: nobody
 * does, but a call uses it and may come to; ask again once it has left.
 */
static int object_claim(struct iommufd_object *obj, unsigned int own, bool bury)
{
	struct xarray *objects = &obj->ictx->objects;
	unsigned int unclaimed = 1 + own;
	void *was;

	lockdep_assert_held(&objects->xa_lock);

	/* VFIO's calls act on this IOAS, they do not keep it */
	if (is_vfio_default(obj))
		unclaimed++;
	if (refcount_read(&obj->holders) != unclaimed)
		return -EBUSY;
	if (!refcount_dec_if_one(&obj->calls))
		return -EAGAIN;
	/* Pairs with the release in iommufd_object_put(): see what calls did */
	smp_acquire__after_ctrl_dep();
	/*
	 * Calls that found the object without our lock, by tryget, may have
	 * come, taken a hold and gone since the first look.
	 */
	if (refcount_read(&obj->holders) != unclaimed) {
		refcount_set(&obj->calls, 1);
		return -EBUSY;
	}

	if (is_vfio_default(obj)) {
		obj->ictx->vfio_ioas = NULL;
		obj->ictx->vfio_made = false;
	}
	refcount_set(&obj->holders, 0);
	/* The entry is there: nothing is allocated */
	was = bury ? __xa_store(objects, obj->id, XA_ZERO_ENTRY, 0) :
		     __xa_erase(objects, obj->id);
	WARN_ON(was != obj);
	return 0;
}

static void object_destroy(struct iommufd_object *obj)
{
	obj->ops->destroy(obj);
	kfree(obj);
}

/*
 * @serial: of the object meant, 0 for whatever has the id; is set to it. @bury as
 * in object_claim()
 */
static int object_claim_id(struct iommufd_ctx *ictx, u32 id, u64 *serial,
			   bool bury, struct iommufd_object **out)
{
	struct iommufd_object *obj;
	int rc = -ENOENT;

	xa_lock(&ictx->objects);
	obj = xa_load(&ictx->objects, id);
	if (obj && (!*serial || *serial == obj->serial)) {
		*serial = obj->serial;
		*out = obj;
		rc = object_claim(obj, 0, bury);
	}
	xa_unlock(&ictx->objects);
	return rc;
}

/**
 * iommufd_object_destroy_id() - destroy what user space names
 * @ictx: where the id is valid
 * @id: from user space
 *
 * Waits for calls that use the object, but not for ever: such a call may wait
 * for the caller, for example to serve a page of user memory.
 *
 * Return: 0; -ENOENT: no such id; -EBUSY: it is held, or calls do not leave;
 * -ERESTARTSYS: killed while waiting. The object is unchanged unless 0.
 */
int iommufd_object_destroy_id(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *obj = NULL;
	u64 serial = 0;
	int rc;

	/* By id each time: another thread may destroy it while we sleep */
	wait_event_killable_timeout(ictx->destroy_wait,
				    (rc = object_claim_id(ictx, id, &serial,
							  false,
							  &obj)) != -EAGAIN,
				    CALLS_PATIENCE);
	if (rc == -EAGAIN)
		return fatal_signal_pending(current) ? -ERESTARTSYS : -EBUSY;
	if (rc)
		return rc;
	object_destroy(obj);
	return 0;
}

/**
 * iommufd_object_bury() - destroy an object that nobody asked to destroy
 * @ictx: where the id is valid
 * @id: of the object
 * @serial: of the object; nothing happens if it has been destroyed already
 *
 * For what loses its purpose while user space still knows it by its id: to destroy
 * the id later is ENOENT then, whatever came meanwhile, as it is never given to
 * anything else in this context. Nobody may hold the object.
 *
 * Waits for calls that use the object, though not for ever: it is then left to
 * DESTROY or to the end of the context. Must not be called with a lock that a call
 * on the object, or its destruction, may want.
 */
void iommufd_object_bury(struct iommufd_ctx *ictx, u32 id, u64 serial)
{
	struct iommufd_object *obj = NULL;
	int rc;

	wait_event_timeout(ictx->destroy_wait,
			   (rc = object_claim_id(ictx, id, &serial, true,
						 &obj)) != -EAGAIN,
			   CALLS_PATIENCE);
	WARN_ON(rc == -EBUSY);
	if (!rc)
		object_destroy(obj);
}

/**
 * iommufd_object_destroy_owner() - destroy an object its owner has done with
 * @obj: object of which the caller has the only hold, besides the id's
 *
 * For what a driver owns: the hold keeps user space from destroying it. The id
 * goes first, so no call is added; then this waits for those in flight, however
 * long. Must not be called with a lock that a call on the object may want.
 */
void iommufd_object_destroy_owner(struct iommufd_object *obj)
{
	struct iommufd_ctx *ictx = obj->ictx;

	WARN_ON(xa_erase(&ictx->objects, obj->id) != obj);

	if (!refcount_dec_and_test(&obj->calls)) {
		while (!wait_event_timeout(ictx->destroy_wait,
					   !refcount_read(&obj->calls),
					   CALLS_COMPLAINT))
			pr_warn("%s %u: still waiting for %u calls to end\n",
				obj->ops->name, obj->id,
				refcount_read(&obj->calls));
		/* See what the calls did */
		smp_acquire__after_ctrl_dep();
	}

	/*
	 * The owner forgot a detach, or somebody holds what only an owner may
	 * hold. Losing the memory is better than freeing it under them.
	 */
	if (WARN(refcount_read(&obj->holders) != 2, "%s %u: %u holders too many",
		 obj->ops->name, obj->id, refcount_read(&obj->holders) - 2))
		return;
	refcount_set(&obj->holders, 0);
	object_destroy(obj);
}

/*
 * 0: claimed. -EBUSY: others hold it, the caller's hold is gone and the object
 * may be too. -EAGAIN: calls; the hold remains.
 */
static int object_claim_or_drop(struct iommufd_ctx *ictx,
				struct iommufd_object *obj)
{
	int rc;

	xa_lock(&ictx->objects);
	rc = object_claim(obj, 1, false);
	if (rc == -EBUSY)
		refcount_dec(&obj->holders);
	xa_unlock(&ictx->objects);
	return rc;
}

/**
 * iommufd_object_drop_last_destroys() - drop a hold, destroy if it was the last
 * @obj: object that the caller holds and that lives only as long as anybody
 *	does, such as an automatic HWPT
 *
 * Returns at once if others hold it. Otherwise waits for calls that use the
 * object, such as a look at fdinfo, though not for ever (they may depend on the
 * caller): the object is then left to DESTROY or to the end of the context.
 *
 * All holds on such an object have to be dropped by this function; a caller with
 * several may drop all but one by iommufd_object_drop(). Must not be called with
 * a lock that a call on the object, or its destruction, may want. Where somebody may
 * come to hold the object before iommufd_object_finalize(), who makes it keeps a call
 * reference until then.
 */
void iommufd_object_drop_last_destroys(struct iommufd_object *obj)
{
	struct iommufd_ctx *ictx = obj->ictx;
	int rc;

	wait_event_timeout(ictx->destroy_wait,
			   (rc = object_claim_or_drop(ictx, obj)) != -EAGAIN,
			   CALLS_PATIENCE);
	if (!rc)
		object_destroy(obj);
	else if (rc == -EAGAIN)
		iommufd_object_drop(obj);
}

/**
 * iommufd_ctx_init() - an empty id space
 * @ictx: zeroed memory
 */
void iommufd_ctx_init(struct iommufd_ctx *ictx)
{
	xa_init_flags(&ictx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&ictx->groups, XA_FLAGS_ACCOUNT);
	init_waitqueue_head(&ictx->destroy_wait);
	mutex_init(&ictx->vdev_lock);
	xa_init_flags(&ictx->pasid_maps, XA_FLAGS_ACCOUNT);
	BLOCKING_INIT_NOTIFIER_HEAD(&ictx->pasid_notifiers);
	INIT_LIST_HEAD(&ictx->pasid_accounts);
	mutex_init(&ictx->pasid_accounts_lock);
	mutex_init(&ictx->move_lock);
	mutex_init(&ictx->stat_lock);
	INIT_LIST_HEAD(&ictx->msi_windows);
	mutex_init(&ictx->msi_lock);
}

/**
 * iommufd_ctx_destroy_objects() - destroy all that is left, dependents first
 * @ictx: context that nobody uses any more
 *
 * A round destroys what nobody holds, which lets go of what it held itself. The
 * longest chain of holders there is (attached device, nested HWPT, its vIOMMU, the
 * parent, the IOAS) bounds the number of rounds.
 *
 * Return: true if nothing is left. Else something is held for good, which is a
 * bug: the context must not be freed.
 */
bool iommufd_ctx_destroy_objects(struct iommufd_ctx *ictx)
{
	struct iommufd_object *obj;
	unsigned long id;
	bool progress;
	int rc;

	do {
		progress = false;
		xa_for_each(&ictx->objects, id, obj) {
			xa_lock(&ictx->objects);
			rc = object_claim(obj, 0, false);
			xa_unlock(&ictx->objects);
			if (rc)
				continue;
			object_destroy(obj);
			progress = true;
			cond_resched();
		}
	} while (progress);
	id = 0;
	if (WARN_ON(xa_find(&ictx->objects, &id, ULONG_MAX, XA_PRESENT)))
		return false;
	/* What is left are ids that were buried */
	xa_destroy(&ictx->objects);
	return true;
}

/**
 * iommufd_ctx_get() - one more reference on a context
 * @ictx: a context the caller has a reference on
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx)
{
	atomic_inc(&ictx->users);
	get_file(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_get, IOMMUFD);

static int claim_vfio_made(struct iommufd_ctx *ictx,
			   struct iommufd_object **out)
{
	int rc = -ENOENT;

	xa_lock(&ictx->objects);
	/* Whoever adds a group is among the users before it looks for the IOAS */
	if (!atomic_read(&ictx->users) && ictx->vfio_made) {
		*out = (struct iommufd_object *)ictx->vfio_ioas;
		rc = object_claim(*out, 0, false);
		if (!rc)
			WRITE_ONCE(ictx->vfio_dirty, false);
	}
	xa_unlock(&ictx->objects);
	return rc;
}

/*
 * As with VFIO's own container: when the last group has left, nothing is mapped. A
 * program that adds one again maps its memory again, and would otherwise have its
 * device find there what it has given back long ago.
 */
static void destroy_vfio_made(struct iommufd_ctx *ictx)
{
	struct iommufd_object *obj = NULL;
	int rc;

	/* A call may wait for the caller, or for something that the caller holds */
	wait_event_timeout(ictx->destroy_wait,
			   (rc = claim_vfio_made(ictx, &obj)) != -EAGAIN,
			   CALLS_PATIENCE);
	if (!rc)
		object_destroy(obj);
}

/**
 * iommufd_ctx_put() - drop a reference on a context
 * @ictx: the context; its end, if this was the last, comes later: at the
 *	latest before this thread returns to user space
 *
 * The last reference that the kernel has ends the IOAS that was made for VFIO
 * groups, and all that is mapped in it. So this may sleep, and must not be called with
 * a lock that a call on an IOAS, or its destruction, may want.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
	if (atomic_dec_and_test(&ictx->users))
		destroy_vfio_made(ictx);
	fput(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_put, IOMMUFD);

/**
 * iommufd_call_respond() - give the command's structure back to the caller
 * @call: whose cmd holds the answer
 * @cmd_len: its size
 *
 * A caller that knows less of the structure gets what it has room for.
 *
 * Return: 0 or -EFAULT.
 */
int iommufd_call_respond(struct iommufd_call *call, size_t cmd_len)
{
	if (copy_to_user(call->ubuffer, call->cmd,
			 min_t(size_t, call->user_size, cmd_len)))
		return -EFAULT;
	return 0;
}
