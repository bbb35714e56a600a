// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches: where the page requests of a device go, and what becomes of them
 * when that changes.
 *
 * Everything here may sleep and runs under the mutex of the source, one attach
 * after the other; the door is held up only while a route changes or a batch of
 * groups is claimed. Because the door holds the lock of the source from the
 * look-up of a route to the end, taking that lock after a route was cut is
 * enough to know that nobody uses it any more: detach waits for no grace period.
 */
#include <linux/slab.h>

#include "internal.h"

static struct iommufd_fault_attach *
fault_route_get(struct iommufd_fault_source *source, ioasid_t pasid)
{
	return pasid == IOMMU_NO_PASID ? source->rid :
					 xa_load(&source->routes, pasid);
}

/* Make sure that setting the route cannot fail. */
static int fault_route_reserve(struct iommufd_fault_source *source,
			       ioasid_t pasid)
{
	if (pasid == IOMMU_NO_PASID)
		return 0;
	return xa_reserve_bh(&source->routes, pasid, GFP_KERNEL_ACCOUNT);
}

static void fault_route_unreserve(struct iommufd_fault_source *source,
				  ioasid_t pasid)
{
	/* What is not just reserved stays. */
	if (pasid != IOMMU_NO_PASID)
		xa_cmpxchg_bh(&source->routes, pasid, XA_ZERO_ENTRY, NULL, 0);
}

/* When this returns, the door no longer uses what was there before. */
static void fault_route_set(struct iommufd_fault_source *source, ioasid_t pasid,
			    struct iommufd_fault_attach *attach)
{
	spin_lock_bh(&source->lock);
	if (pasid == IOMMU_NO_PASID)
		source->rid = attach;
	else if (attach)
		WARN_ON(xa_is_err(xa_store(&source->routes, pasid, attach, 0)));
	else
		xa_erase(&source->routes, pasid);
	spin_unlock_bh(&source->lock);
}

/**
 * fault_attach_put - drop references of an attach
 * @attach: the attach
 * @num: how many, at least 1
 */
void fault_attach_put(struct iommufd_fault_attach *attach, unsigned int num)
{
	if (refcount_sub_and_test(num, &attach->refs))
		complete(&attach->idle);
}

/**
 * struct fault_drain - how an attach is drained
 * @code: answer to the groups that are whole
 * @doom: remember those that are not, with @verdict; else forget them
 * @verdict: see @doom
 * @heir: attach that remembered groups are counted with
 */
struct fault_drain {
	u32 code;
	bool doom;
	enum iommufd_fault_verdict verdict;
	struct iommufd_fault_attach *heir;
};

/* One batch. Returns whether there may be more. */
static bool fault_attach_drain_step(struct iommufd_fault_attach *attach,
				    const struct fault_drain *how)
{
	struct iommufd_fault_source *source = attach->source;
	struct fault_batch *batch = &source->batch;
	struct fault_group *group, *next;
	unsigned int num = 0;
	bool more;

	spin_lock_bh(&source->lock);
	fault_source_reap(source);
	list_for_each_entry_safe(group, next, &attach->open, link) {
		if (num++ == batch->max)
			break;
		if (!how->doom) {
			fault_group_discard(source, group);
			continue;
		}
		attach->counts.discarded += group->count;
		fault_group_doom(source, group, how->verdict);
		group->attach = how->heir;
	}
	/* Skips what a user is answering right now. */
	list_for_each_entry_safe(group, next, &attach->groups, link) {
		if (batch->num == batch->max)
			break;
		fault_claim_drain(batch, group, how->code);
	}
	more = batch->num == batch->max || !list_empty(&attach->open);
	spin_unlock_bh(&source->lock);

	fault_point(FAULT_POINT_DRAIN_CLAIMED);
	fault_batch_send(batch);
	return more;
}

static void fault_attach_drain(struct iommufd_fault_attach *attach,
			       const struct fault_drain *how)
{
	lockdep_assert_held(&attach->source->mutex);
	while (fault_attach_drain_step(attach, how))
		cond_resched();
	fault_queue_purge(attach->queue);
}

/*
 * Nothing of a PASID is on the way any more, so the rest of a refused group will not
 * come: the device was reset in the middle of it. Whoever has the PASID next may see
 * the same index. Those that were refused because nobody listened have no attach.
 */
static void fault_source_forget_pasid(struct iommufd_fault_source *source,
				      ioasid_t pasid)
{
	struct fault_group *group, *next;

	spin_lock_bh(&source->lock);
	list_for_each_entry_safe(group, next, &source->doomed, link)
		if (group->pasid_valid && group->pasid == pasid)
			fault_group_discard(source, group);
	spin_unlock_bh(&source->lock);
}

/* Refused groups count with the heir, or with nobody. */
static void fault_attach_bequeath(struct iommufd_fault_attach *attach,
				  struct iommufd_fault_attach *heir)
{
	struct iommufd_fault_source *source = attach->source;
	struct fault_group *group;

	spin_lock_bh(&source->lock);
	list_for_each_entry(group, &source->doomed, link) {
		if (group->attach != attach)
			continue;
		group->attach = heir;
		/* To be asked again is of no use where nobody listens */
		if (!heir)
			group->verdict = IOMMUFD_FAULT_REFUSED;
	}
	spin_unlock_bh(&source->lock);
}

/*
 * Answer what is outstanding of an attach that gets no more requests, and wait
 * until hardware has all its answers. Those that users are giving take as long
 * as hardware takes, not users.
 */
static void fault_attach_retire(struct iommufd_fault_attach *attach,
				const struct fault_drain *how)
{
	struct iommufd_fault_source *source = attach->source;

	fault_attach_drain(attach, how);
	fault_attach_bequeath(attach, how->heir);
	fault_attach_put(attach, 1);
	wait_for_completion(&attach->idle);

	spin_lock_bh(&source->lock);
	fault_source_reap(source);
	WARN_ON(!list_empty(&attach->groups) || !list_empty(&attach->open));
	spin_unlock_bh(&source->lock);

	fault_queue_del_attach(attach->queue, attach);
	list_del(&attach->source_item);
	hlist_del(&attach->kin_item);
	source->nr_installed--;
	attach->installed = false;
}

static void fault_unit_drain(struct iommufd_fault_attach *attach)
{
	struct iommufd_fault_source *source = attach->source;

	if (source->unit->ops->drain)
		source->unit->ops->drain(source, attach->pasid);
	fault_point(FAULT_POINT_DRAIN_ROUTED);
}

/**
 * iommufd_fault_drain() - wait for the page requests of a PASID that nobody listens to
 * @dev: the device
 * @pasid: on the wire; has no attach, and no table any more
 *
 * On return the door has refused all that was on the way, so that the PASID can be
 * another's, or have another table. Hardware is asked only while page requests are on,
 * for the sake of another attach: turning them off drains too. May sleep; takes the
 * mutex of the device's source.
 */
void iommufd_fault_drain(struct device *dev, ioasid_t pasid)
{
	struct iommufd_fault_source *source = fault_source_get(dev);

	if (!source)
		return;
	mutex_lock(&source->mutex);
	if (!source->dead && source->on && source->unit->ops->drain)
		source->unit->ops->drain(source, pasid);
	fault_source_forget_pasid(source, pasid);
	mutex_unlock(&source->mutex);
	fault_source_put(source);
}

/**
 * fault_attach_cut - the device has gone
 * @attach: installed; the mutex of its source is held. Stays, but is not
 *	installed any more
 */
void fault_attach_cut(struct iommufd_fault_attach *attach)
{
	const struct fault_drain how = {
		.code = IOMMUFD_PAGE_RESP_INVALID,
		/*
		 * Who detaches a PASID has stopped it. A device as a whole goes on: what
		 * comes of a group after this is not to be taken for all of it.
		 */
		.doom = attach->pasid == IOMMU_NO_PASID,
		.verdict = IOMMUFD_FAULT_REFUSED,
	};

	fault_route_set(attach->source, attach->pasid, NULL);
	fault_attach_retire(attach, &how);
	if (attach->pasid != IOMMU_NO_PASID)
		fault_source_forget_pasid(attach->source, attach->pasid);
}

/**
 * fault_attach_flush - answer all that is outstanding
 * @attach: installed, and stays so; the mutex of its source is held, and the door
 *	refuses everything
 *
 * Returns when hardware has the answers, those that users were giving too. Groups of
 * which only a part has come are refused when their last request comes, which may be
 * after the door takes requests again; fault_source_forget_doomed() is for those of
 * which it is known that it will not come.
 */
void fault_attach_flush(struct iommufd_fault_attach *attach)
{
	static const struct fault_drain how = {
		.code = IOMMUFD_PAGE_RESP_INVALID,
		.doom = true,
		.verdict = IOMMUFD_FAULT_REFUSED,
	};

	fault_unit_drain(attach);
	fault_attach_drain(attach, &how);
	/* While the door refuses, nothing takes a new reference */
	fault_attach_put(attach, 1);
	wait_for_completion(&attach->idle);
	reinit_completion(&attach->idle);
	refcount_set(&attach->refs, 1);
}

/**
 * iommufd_fault_attach_alloc - prepare to deliver a device's faults to a queue
 * @dev: the device
 * @pasid: the PASID, or IOMMU_NO_PASID for requests without one
 * @queue: the queue; a holder reference is taken
 * @who: how user space knows the device
 *
 * No effect that anybody sees. May sleep.
 *
 * Return: the attach, for iommufd_fault_attach_install() or
 * iommufd_fault_attach_free(), or ERR_PTR: -EOPNOTSUPP if nobody has registered
 * @dev, -EINVAL if @queue is for another device, -ENOMEM.
 */
struct iommufd_fault_attach *
iommufd_fault_attach_alloc(struct device *dev, ioasid_t pasid,
			   struct iommufd_fault_queue *queue,
			   const struct iommufd_fault_identity *who)
{
	struct iommufd_fault_attach *attach;
	struct iommufd_fault_source *source;

	if (!iommufd_fault_queue_accepts(queue, who->dev_serial))
		return ERR_PTR(-EINVAL);

	source = fault_source_join(dev);
	if (IS_ERR(source))
		return ERR_CAST(source);

	attach = kzalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach) {
		fault_source_leave(source);
		return ERR_PTR(-ENOMEM);
	}
	iommufd_object_hold(&queue->obj);
	attach->source = source;
	attach->queue = queue;
	attach->pasid = pasid;
	attach->who = *who;
	refcount_set(&attach->refs, 1);
	init_completion(&attach->idle);
	INIT_LIST_HEAD(&attach->open);
	INIT_LIST_HEAD(&attach->groups);
	return attach;
}

/**
 * iommufd_fault_attach_free - instead of installing
 * @attach: not installed, not prepared; NULL is allowed
 *
 * May sleep.
 */
void iommufd_fault_attach_free(struct iommufd_fault_attach *attach)
{
	if (!attach)
		return;
	WARN_ON(attach->installed || attach->prepared);
	fault_source_leave(attach->source);
	iommufd_fault_queue_drop(attach->queue);
	kfree(attach);
}

static void fault_attach_list(struct iommufd_fault_attach *attach)
{
	fault_queue_add_attach(attach->queue, attach);
	list_add(&attach->source_item, &attach->source->attaches);
	hlist_add_head(&attach->kin_item, fault_attach_kin(attach));
	attach->source->nr_installed++;
	attach->installed = true;
}

/**
 * iommufd_fault_attach_install - deliver faults from now on
 * @attach: from iommufd_fault_attach_alloc()
 *
 * Enables page requests if this is the first attach of the device. May sleep.
 *
 * Return: 0, or with nothing changed: -ENODEV if the device has gone, -EBUSY if
 * the PASID has an attach, -ENOMEM, or what the backend says.
 */
int iommufd_fault_attach_install(struct iommufd_fault_attach *attach)
{
	struct iommufd_fault_source *source = attach->source;
	int rc;

	mutex_lock(&source->mutex);
	if (fault_route_get(source, attach->pasid)) {
		rc = -EBUSY;
		goto out_unlock;
	}
	rc = fault_route_reserve(source, attach->pasid);
	if (rc)
		goto out_unlock;
	rc = fault_source_use(attach);
	if (rc) {
		fault_route_unreserve(source, attach->pasid);
		goto out_unlock;
	}
	fault_attach_list(attach);
	fault_route_set(source, attach->pasid, attach);
out_unlock:
	mutex_unlock(&source->mutex);
	return rc;
}

/**
 * iommufd_fault_attach_prepare_replace - make sure that replacing cannot fail
 * @old: installed, or NULL
 * @new: from iommufd_fault_attach_alloc() for the same device and PASID, or NULL
 *
 * Enables page requests if they are not yet. May sleep.
 *
 * Return: 0, or with nothing changed: -ENODEV, -ENOMEM, or what the backend
 * says.
 */
int iommufd_fault_attach_prepare_replace(struct iommufd_fault_attach *old,
					 struct iommufd_fault_attach *new)
{
	struct iommufd_fault_source *source;
	int rc;

	if (!new)
		return 0;
	source = new->source;
	WARN_ON(old && (old->source != source || old->pasid != new->pasid));
	mutex_lock(&source->mutex);
	rc = fault_route_reserve(source, new->pasid);
	if (!rc) {
		rc = fault_source_use(new);
		if (rc)
			fault_route_unreserve(source, new->pasid);
	}
	mutex_unlock(&source->mutex);
	return rc;
}

/**
 * iommufd_fault_attach_cancel_replace - instead of replacing
 * @old: as prepared; stays as it is
 * @new: as prepared; can be freed or prepared again
 *
 * May sleep.
 */
void iommufd_fault_attach_cancel_replace(struct iommufd_fault_attach *old,
					 struct iommufd_fault_attach *new)
{
	struct iommufd_fault_source *source;

	if (!new)
		return;
	source = new->source;
	mutex_lock(&source->mutex);
	/* Does nothing to a route that is in use. */
	fault_route_unreserve(source, new->pasid);
	fault_source_unuse(new);
	mutex_unlock(&source->mutex);
}

/**
 * iommufd_fault_attach_replace - deliver faults elsewhere
 * @old: as prepared, freed; or NULL
 * @new: as prepared, installed; or NULL
 *
 * Called after the hardware switched to the new table. What @old had outstanding
 * is drained and answered success: the device asks again, and the new table
 * decides. A group of which only a part has come is refused with a retry when
 * its last request comes, so that @new sees it whole. May sleep, for hardware.
 */
void iommufd_fault_attach_replace(struct iommufd_fault_attach *old,
				  struct iommufd_fault_attach *new)
{
	struct fault_drain how = {
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
		/* Nothing was stopped: what has begun goes on */
		.doom = true,
		.verdict = new ? IOMMUFD_FAULT_RETRY : IOMMUFD_FAULT_REFUSED,
		.heir = new,
	};
	struct iommufd_fault_source *source;

	if (!old && !new)
		return;
	source = old ? old->source : new->source;
	mutex_lock(&source->mutex);
	/* Unplugged meanwhile: @old is cut off, and so is @new from the start. */
	if (new && !source->dead) {
		fault_attach_list(new);
		fault_route_set(source, new->pasid, new);
	}
	if (old && old->installed) {
		fault_unit_drain(old);
		if (!new)
			fault_route_set(source, old->pasid, NULL);
		fault_attach_retire(old, &how);
	}
	if (old)
		fault_source_unuse(old);
	if (new && source->dead)
		fault_source_unuse(new);
	mutex_unlock(&source->mutex);
	iommufd_fault_attach_free(old);
}

/**
 * iommufd_fault_attach_remove - deliver no more faults
 * @attach: installed; freed. NULL is allowed
 *
 * Called after the hardware dropped the table. Drains, answers everything
 * outstanding invalid, waits until hardware has all answers, and disables page
 * requests if this was the last attach of the device. Never waits for user
 * space.
 */
void iommufd_fault_attach_remove(struct iommufd_fault_attach *attach)
{
	struct iommufd_fault_source *source;

	if (!attach)
		return;
	source = attach->source;
	mutex_lock(&source->mutex);
	if (attach->installed) {
		fault_unit_drain(attach);
		fault_attach_cut(attach);
	}
	fault_source_unuse(attach);
	mutex_unlock(&source->mutex);
	iommufd_fault_attach_free(attach);
}

/*
 * The next attach to be drained: what is done is at the end, and what was attached later
 * has nothing to drain, wherever it is. Of *@source, whose mutex is held, so that it
 * stays; or, where that is NULL, of any, and then only its source may be used, which is
 * put there with a reference.
 */
static struct iommufd_fault_attach *
fault_queue_next_attach(struct iommufd_fault_queue *queue,
			struct iommufd_fault_source **source)
{
	struct iommufd_fault_attach *attach;

	spin_lock(&queue->lock);
	attach = list_first_entry_or_null(&queue->attaches,
					  struct iommufd_fault_attach, queue_item);
	if (attach && (attach->close_done ||
		       (*source && attach->source != *source)))
		attach = NULL;
	if (attach && !*source) {
		*source = attach->source;
		refcount_inc(&attach->source->refs);
	}
	spin_unlock(&queue->lock);
	return attach;
}

/**
 * fault_queue_close - nobody reads or answers any more
 * @queue: its file has gone
 *
 * Everything outstanding is answered invalid; later requests are refused. May
 * sleep, for hardware.
 */
void fault_queue_close(struct iommufd_fault_queue *queue)
{
	static const struct fault_drain how = {
		.code = IOMMUFD_PAGE_RESP_INVALID,
		.doom = true,
		.verdict = IOMMUFD_FAULT_REFUSED,
	};
	struct iommufd_fault_source *source = NULL;
	struct iommufd_fault_attach *attach;

	/*
	 * The door looks at it under the lock of the source, which each drain
	 * takes: what gets past is found by the drain.
	 */
	spin_lock(&queue->lock);
	WRITE_ONCE(queue->closed, true);
	spin_unlock(&queue->lock);

	while (fault_queue_next_attach(queue, &source)) {
		mutex_lock(&source->mutex);
		/* Those of a part are next to each other, at the end as well. */
		while ((attach = fault_queue_next_attach(queue, &source))) {
			fault_attach_drain(attach, &how);
			spin_lock(&queue->lock);
			attach->close_done = true;
			list_move_tail(&attach->queue_item, &queue->attaches);
			spin_unlock(&queue->lock);
			cond_resched();
		}
		mutex_unlock(&source->mutex);
		fault_source_put(source);
		source = NULL;
	}
}
