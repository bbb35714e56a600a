// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues: the object, its slots and its counters.
 *
 * A queue has all its memory from the start, charged to who made it; its depth
 * is the number of its slots. A published group is pushed on @published by the
 * door; readers move what is there to @staged, in order, and read from that.
 * What detach answers before it was read has to leave both, without detach ever
 * waiting for a reader (who may sleep on user memory for as long as it likes):
 * detach puts it on @gone, and whoever has @read_lock, or gets it next, clears
 * @gone out.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"

#ifdef CONFIG_IOMMUFD_KUNIT_TEST
DEFINE_STATIC_KEY_FALSE(fault_points);
static fault_point_fn fault_point_hook;

/**
 * fault_point_reached - a thread is at a point, and somebody wants to know
 * @point: which
 */
void fault_point_reached(enum fault_point point)
{
	fault_point_fn hook = READ_ONCE(fault_point_hook);

	if (hook)
		hook(point);
}

/**
 * fault_point_set - have threads call a function at each point
 * @hook: the function; NULL: none, as at first
 *
 * May sleep; one caller at a time.
 */
void fault_point_set(fault_point_fn hook)
{
	WRITE_ONCE(fault_point_hook, hook);
	if (hook)
		static_branch_enable(&fault_points);
	else
		static_branch_disable(&fault_points);
}
#endif

/**
 * fault_queue_stage - collect what has been published
 * @queue: @read_lock is held
 */
void fault_queue_stage(struct iommufd_fault_queue *queue)
{
	struct list_head *end = queue->staged.prev;
	struct fault_slot *slot, *next;
	struct llist_node *node;

	lockdep_assert_held(&queue->read_lock);
	if (llist_empty(&queue->published))
		return;
	WRITE_ONCE(queue->staging, true);
	/* A full barrier. Pairs with the first in fault_queue_readable(). */
	node = llist_del_all(&queue->published);
	/* The newest comes first: each goes before those that went there already. */
	llist_for_each_entry_safe(slot, next, node, published)
		list_add(&slot->staged, end);
	/* Pairs with the second barrier in fault_queue_readable(). */
	smp_store_release(&queue->staging, false);
}

static void fault_queue_clear_gone(struct iommufd_fault_queue *queue)
{
	struct fault_slot *slot, *next;
	struct llist_node *node;

	/* In this order: what is in @gone is in @staged after staging. */
	node = llist_del_all(&queue->gone);
	fault_point(FAULT_POINT_PURGE);
	fault_queue_stage(queue);
	llist_for_each_entry_safe(slot, next, node, gone) {
		list_del_init(&slot->staged);
		local_bh_disable();
		fault_queue_free_chain(queue, fault_slot_index(queue, slot));
		local_bh_enable();
	}
}

/**
 * fault_queue_read_trylock - take @read_lock if that is possible at once
 * @queue: the queue
 *
 * For readers that do not wait: they give up, and may not ask again before they are
 * woken, although there is something to read. So whoever has the lock wakes them when
 * he releases it.
 *
 * Return: whether the lock is held.
 */
bool fault_queue_read_trylock(struct iommufd_fault_queue *queue)
{
	if (mutex_trylock(&queue->read_lock))
		return true;
	WRITE_ONCE(queue->missed, true);
	/* Pairs with the barrier in fault_queue_unlock(): one sees the other. */
	smp_mb();
	return mutex_trylock(&queue->read_lock);
}

static noinline void fault_queue_wake_missed(struct iommufd_fault_queue *queue)
{
	/* A full barrier: who comes after this finds another holder, or none. */
	if (xchg(&queue->missed, false) && fault_queue_readable(queue))
		wake_up_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

static void fault_queue_unlock(struct iommufd_fault_queue *queue)
{
	mutex_unlock(&queue->read_lock);
	/* Before @missed, and @gone in fault_queue_purge(), are looked at. */
	smp_mb();
	if (unlikely(READ_ONCE(queue->missed)))
		fault_queue_wake_missed(queue);
}

/**
 * fault_queue_purge - free the slots of groups that were drained unread
 * @queue: the queue
 *
 * Never waits: if a reader has @read_lock, it does the work when it is done.
 */
void fault_queue_purge(struct iommufd_fault_queue *queue)
{
	/*
	 * Those who add to @gone do that before they try the lock, a reader
	 * releases the lock before it looks at @gone: one of them sees the
	 * other. llist_add() and the barrier in fault_queue_unlock() order the
	 * two.
	 */
	while (!llist_empty(&queue->gone) && mutex_trylock(&queue->read_lock)) {
		fault_queue_clear_gone(queue);
		fault_queue_unlock(queue);
	}
}

/**
 * fault_queue_read_unlock - release @read_lock after reading
 * @queue: @read_lock is held
 */
void fault_queue_read_unlock(struct iommufd_fault_queue *queue)
{
	fault_queue_unlock(queue);
	fault_queue_purge(queue);
}

/**
 * fault_queue_init - give a queue its memory
 * @queue: zeroed but for @obj
 * @params: @depth has been checked
 *
 * Return: 0 or -ENOMEM; then nothing is left to undo.
 */
int fault_queue_init(struct iommufd_fault_queue *queue,
		     const struct fault_queue_params *params)
{
	unsigned int bits = order_base_2(params->depth);
	u32 i;
	int rc;

	queue->params = *params;
	queue->index_bits = max(bits, FAULT_INDEX_BITS_MIN);
	queue->index_mask = BIT(queue->index_bits) - 1;
	queue->gen_mask = U32_MAX >> queue->index_bits;
	init_llist_head(&queue->published);
	init_llist_head(&queue->gone);
	init_waitqueue_head(&queue->wait);
	mutex_init(&queue->read_lock);
	INIT_LIST_HEAD(&queue->staged);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->attaches);

	rc = fault_ring_init(&queue->free, params->depth);
	if (rc)
		return rc;
	queue->slots = kvcalloc(params->depth, sizeof(*queue->slots),
				GFP_KERNEL_ACCOUNT);
	if (!queue->slots) {
		fault_queue_exit(queue);
		return -ENOMEM;
	}
	for (i = 0; i < params->depth; i++)
		atomic_set(&queue->slots[i].word,
			   fault_word(1, FAULT_SLOT_FREE));
	return 0;
}

/**
 * fault_queue_exit - free the memory of a queue
 * @queue: nothing is attached to it, nobody reads it
 */
void fault_queue_exit(struct iommufd_fault_queue *queue)
{
	WARN_ON(!list_empty(&queue->attaches));
	if (queue->slots) {
		fault_queue_purge(queue);
		WARN_ON(fault_ring_count(&queue->free) != queue->params.depth);
	}
	mutex_destroy(&queue->read_lock);
	kvfree(queue->slots);
	fault_ring_exit(&queue->free);
}

static void fault_counts_add(struct fault_counts *sum,
			     const struct fault_counts *counts)
{
	sum->reported += counts->reported;
	sum->published += counts->published;
	sum->published_groups += counts->published_groups;
	sum->lost += counts->lost;
	sum->lost_groups += counts->lost_groups;
	sum->discarded += counts->discarded;
	sum->discarded_groups += counts->discarded_groups;
}

/*
 * Where attaches of the same source and part are in the list of the queue, or its end. The
 * newest of them is often there; where each PASID has its own queue, the queue's list is
 * short. So both are searched, step by step, and the shorter one tells.
 */
static struct list_head *
fault_queue_neighbour(struct iommufd_fault_queue *queue,
		      const struct iommufd_fault_attach *attach)
{
	struct hlist_node *by_kin = fault_attach_kin(attach)->first;
	struct list_head *by_queue = queue->attaches.next;
	struct iommufd_fault_attach *other;

	while (by_kin && by_queue != &queue->attaches) {
		other = list_entry(by_queue, struct iommufd_fault_attach, queue_item);
		if (other->source == attach->source &&
		    other->who.part == attach->who.part)
			return by_queue;
		other = hlist_entry(by_kin, struct iommufd_fault_attach, kin_item);
		if (other->queue == queue)
			return &other->queue_item;
		by_kin = by_kin->next;
		by_queue = by_queue->next;
	}
	return queue->attaches.prev;
}

/**
 * fault_queue_add_attach - let a queue know of an attach
 * @queue: the queue
 * @attach: new; its source's mutex is held
 */
void fault_queue_add_attach(struct iommufd_fault_queue *queue,
			    struct iommufd_fault_attach *attach)
{
	lockdep_assert_held(&attach->source->mutex);
	spin_lock(&queue->lock);
	list_add(&attach->queue_item, fault_queue_neighbour(queue, attach));
	spin_unlock(&queue->lock);
}

/**
 * fault_queue_del_attach - forget an attach, but not its counts
 * @queue: the queue
 * @attach: nothing of it is outstanding
 */
void fault_queue_del_attach(struct iommufd_fault_queue *queue,
			    struct iommufd_fault_attach *attach)
{
	spin_lock(&queue->lock);
	list_del(&attach->queue_item);
	fault_counts_add(&queue->past, &attach->counts);
	spin_unlock(&queue->lock);
}

/**
 * fault_queue_get_stats - what has happened so far
 * @queue: the queue
 * @stats: receives it
 */
void fault_queue_get_stats(struct iommufd_fault_queue *queue,
			   struct fault_queue_stats *stats)
{
	unsigned long now = jiffies, oldest = now;
	struct iommufd_fault_attach *attach;
	struct fault_group *group;
	u64 groups = 0;
	int i;

	/* Answers before reports, so that no difference comes out negative. */
	stats->answered = atomic64_read(&queue->answered);
	for (i = 0; i < FAULT_ANSWERED_CODES; i++) {
		stats->answered_groups[i] =
			atomic64_read(&queue->answered_groups[i]);
		groups += stats->answered_groups[i];
	}
	stats->drained = atomic64_read(&queue->drained);
	stats->drained_groups = atomic64_read(&queue->drained_groups);
	groups += stats->drained_groups;
	stats->delivered = READ_ONCE(queue->delivered);
	stats->delivered_groups = READ_ONCE(queue->delivered_groups);
	/* Orders the reads above before those of the counts. */
	smp_rmb();

	spin_lock(&queue->lock);
	stats->counts = queue->past;
	list_for_each_entry(attach, &queue->attaches, queue_item) {
		struct iommufd_fault_source *source = attach->source;

		spin_lock_bh(&source->lock);
		fault_source_reap(source);
		fault_counts_add(&stats->counts, &attach->counts);
		group = list_first_entry_or_null(&attach->groups,
						 struct fault_group, link);
		if (group && time_before(group->since, oldest))
			oldest = group->since;
		spin_unlock_bh(&source->lock);
	}
	spin_unlock(&queue->lock);

	stats->pending = stats->counts.published - stats->answered -
			 stats->drained;
	stats->pending_groups = stats->counts.published_groups - groups;
	stats->oldest_ms = jiffies_to_msecs(now - oldest);
}

static struct iommufd_fault_queue *to_fault_queue(struct iommufd_object *obj)
{
	return container_of(obj, struct iommufd_fault_queue, obj);
}

static void fault_queue_destroy(struct iommufd_object *obj)
{
	fault_queue_exit(to_fault_queue(obj));
}

static void fault_queue_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_fault_queue *queue = to_fault_queue(obj);
	struct fault_queue_stats stats;

	fault_queue_get_stats(queue, &stats);
	seq_printf(m, " depth=%u pending=%llu delivered=%llu lost=%llu",
		   queue->params.depth, stats.pending, stats.delivered,
		   stats.counts.lost);
}

static const struct iommufd_object_ops fault_queue_ops = {
	.type = IOMMUFD_OBJ_FAULT,
	.name = "fault-queue",
	.destroy = fault_queue_destroy,
	.show = fault_queue_show,
};

static int fault_queue_params_get(struct iommufd_ctx *ictx,
				  const struct iommu_fault_alloc *cmd,
				  struct fault_queue_params *params)
{
	struct iommufd_object *obj;

	if (cmd->flags || cmd->__reserved ||
	    cmd->policy & ~IOMMU_FAULT_POLICY_BLOCKING)
		return -EOPNOTSUPP;
	if (cmd->depth > IOMMU_FAULT_DEPTH_MAX)
		return -EINVAL;

	*params = (struct fault_queue_params){
		.depth = cmd->depth ?: IOMMU_FAULT_DEPTH_DEFAULT,
		.policy = cmd->policy,
		.dev_id = cmd->dev_id,
		.extended = cmd->depth || cmd->policy || cmd->dev_id,
	};
	if (cmd->dev_id) {
		obj = iommufd_object_get(ictx, cmd->dev_id,
					 IOMMUFD_OBJ_DEVICE);
		if (IS_ERR(obj))
			return PTR_ERR(obj);
		params->dev_serial = obj->serial;
		iommufd_object_put(obj);
	}
	return 0;
}

/**
 * iommufd_fault_queue_alloc_ioctl - IOMMU_FAULT_QUEUE_ALLOC
 * @call: struct iommu_fault_alloc
 *
 * Return: 0, or an error as documented with the structure; then no id or fd is
 * left.
 */
int iommufd_fault_queue_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_fault_alloc *cmd = call->cmd;
	struct fault_queue_params params;
	struct iommufd_fault_queue *queue;
	struct file *file;
	int fd, rc;

	rc = fault_queue_params_get(call->ictx, cmd, &params);
	if (rc)
		return rc;

	queue = iommufd_object_alloc(call->ictx, struct iommufd_fault_queue,
				     obj, &fault_queue_ops);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	rc = fault_queue_init(queue, &params);
	if (rc)
		goto err_abort;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto err_exit;
	}
	file = fault_file_new();
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_fd;
	}

	cmd->out_fault_id = queue->obj.id;
	cmd->out_fault_fd = fd;
	cmd->depth = params.depth;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_file;

	/* From here on nothing fails; the file's release does the rest. */
	fault_file_connect(file, queue);
	iommufd_object_finalize(&queue->obj);
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
err_exit:
	fault_queue_exit(queue);
err_abort:
	iommufd_object_abort(&queue->obj);
	return rc;
}

/**
 * iommufd_fault_queue_hold - find a queue and depend on it
 * @ictx: the caller's context
 * @id: of a fault queue in it
 *
 * Return: the queue with a holder reference, for iommufd_fault_queue_drop(), or
 * ERR_PTR(-ENOENT).
 */
struct iommufd_fault_queue *iommufd_fault_queue_hold(struct iommufd_ctx *ictx,
						     u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_FAULT);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	iommufd_object_hold(obj);
	iommufd_object_put(obj);
	return to_fault_queue(obj);
}

/**
 * iommufd_fault_queue_drop - no longer depend on a queue
 * @queue: from iommufd_fault_queue_hold()
 */
void iommufd_fault_queue_drop(struct iommufd_fault_queue *queue)
{
	iommufd_object_drop(&queue->obj);
}

/**
 * iommufd_fault_queue_get - find a queue for the time of one call
 * @ictx: the caller's context
 * @id: of a fault queue in it
 *
 * Return: the queue, for iommufd_fault_queue_put(), or ERR_PTR(-ENOENT).
 */
struct iommufd_fault_queue *iommufd_fault_queue_get(struct iommufd_ctx *ictx,
						    u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_FAULT);
	return IS_ERR(obj) ? ERR_CAST(obj) : to_fault_queue(obj);
}

/**
 * iommufd_fault_queue_put - the call has done with a queue
 * @queue: from iommufd_fault_queue_get()
 */
void iommufd_fault_queue_put(struct iommufd_fault_queue *queue)
{
	iommufd_object_put(&queue->obj);
}

/**
 * iommufd_fault_queue_accepts - may the queue deliver this device's faults
 * @queue: the queue
 * @dev_serial: serial of the device's object
 *
 * Return: false if the queue was made for another device alone.
 */
bool iommufd_fault_queue_accepts(struct iommufd_fault_queue *queue,
				 u64 dev_serial)
{
	return !queue->params.dev_serial ||
	       queue->params.dev_serial == dev_serial;
}
