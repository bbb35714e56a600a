// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door: page requests come in one at a time, whole groups go out to a queue.
 *
 * A group is gathered by (source, PASID, page request group index) and becomes
 * visible with its last request (PCIe 6.0, 10.4.1). What there is no room for is
 * refused by whole groups: the earlier requests of the group are let go, the
 * later ones are dropped, and the verdict is given on the last one, the only one
 * that hardware expects an answer to (10.4.2): to ask again, if the group can find
 * room at another time.
 *
 * Everything here runs under the lock of the source with bottom halves off, and
 * allocates nothing: group structures belong to the source, slots to the queue.
 * Two sources share no lock, even if they report to the same queue; nor do a
 * source and those who read or answer its groups.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/poll.h>

#include "internal.h"
#include "../trace.h"

static struct hlist_head *
fault_group_bucket(struct iommufd_fault_source *source, u32 pasid, u32 grpid,
		   bool pasid_valid)
{
	u32 hash = jhash_3words(pasid, grpid, pasid_valid, source->seed);

	return &source->open[hash & source->open_mask];
}

static struct fault_group *
fault_group_find(struct iommufd_fault_source *source,
		 const struct iommufd_page_request *req)
{
	struct fault_group *group;

	if (!source->nr_open)
		return NULL;
	hlist_for_each_entry(group,
			     fault_group_bucket(source, req->pasid, req->grpid,
						req->pasid_valid), hash)
		if (group->grpid == req->grpid && group->pasid == req->pasid &&
		    group->pasid_valid == req->pasid_valid)
			return group;
	return NULL;
}

static void fault_group_hash(struct iommufd_fault_source *source,
			     struct fault_group *group)
{
	hlist_add_head(&group->hash,
		       fault_group_bucket(source, group->pasid, group->grpid,
					  group->pasid_valid));
	source->nr_open++;
}

/**
 * fault_group_unhash - further requests no longer belong to the group
 * @source: its source, locked
 * @group: OPEN or DOOMED, in the table
 */
void fault_group_unhash(struct iommufd_fault_source *source,
			struct fault_group *group)
{
	hlist_del(&group->hash);
	source->nr_open--;
}

/**
 * fault_group_free - a group structure can be used again
 * @source: its source, locked
 * @group: in no table any more; taken out of the list it is in
 */
void fault_group_free(struct iommufd_fault_source *source,
		      struct fault_group *group)
{
	group->state = FAULT_GROUP_FREE;
	list_move(&group->link, &source->free);
}

static void fault_groups_free(struct iommufd_fault_source *source,
			      struct llist_node *first)
{
	struct fault_group *group, *next;

	llist_for_each_entry_safe(group, next, first, done)
		fault_group_free(source, group);
}

/**
 * fault_source_reap - take back the groups that users have answered
 * @source: locked
 *
 * Those who answer leave the structures in a list of their own, so that they
 * need not take the lock. Until this the lists of attaches have them too.
 */
void fault_source_reap(struct iommufd_fault_source *source)
{
	lockdep_assert_held(&source->lock);
	fault_groups_free(source, source->again);
	source->again = NULL;
	fault_groups_free(source, llist_del_all(&source->done));
}

/*
 * A structure to use again. Of those taken out of @done together, what was answered
 * last is the first to be: it comes out of the list of its attach when it goes into
 * another one, which the caller has to see to before it lets go of the lock.
 */
static struct fault_group *fault_group_again(struct iommufd_fault_source *source)
{
	struct fault_group *group;

	if (!source->again) {
		if (llist_empty(&source->done))
			return NULL;
		source->again = llist_del_all(&source->done);
	}
	group = llist_entry(source->again, struct fault_group, done);
	source->again = group->done.next;
	group->state = FAULT_GROUP_FREE;
	return group;
}

/* Where no answer has left one: an unused one, or the oldest of the refused. */
static noinline struct fault_group *
fault_group_other(struct iommufd_fault_source *source)
{
	struct fault_group *group;

	group = list_first_entry_or_null(&source->free, struct fault_group,
					 link);
	/*
	 * The oldest refused group is the least likely to be continued. This
	 * happens only to a device that exceeds its credits, or was reset.
	 */
	if (!group && !list_empty(&source->doomed)) {
		group = list_first_entry(&source->doomed, struct fault_group,
					 link);
		fault_group_unhash(source, group);
		fault_group_free(source, group);
	}
	return group;
}

static __always_inline struct fault_group *
fault_group_get(struct iommufd_fault_source *source,
		const struct iommufd_page_request *req)
{
	struct fault_group *group = fault_group_again(source);

	if (unlikely(!group)) {
		group = fault_group_other(source);
		if (!group)
			return NULL;
	}

	group->id = source->next_id++;
	group->pasid = req->pasid;
	group->grpid = req->grpid;
	group->pasid_valid = req->pasid_valid;
	return group;
}

/* To be refused: it holds nothing, for @attach or, where that is NULL, for nobody. */
static struct fault_group *
fault_group_get_empty(struct iommufd_fault_source *source,
		      struct iommufd_fault_attach *attach,
		      const struct iommufd_page_request *req)
{
	struct fault_group *group = fault_group_get(source, req);

	if (group) {
		group->attach = attach;
		group->head = FAULT_NO_SLOT;
		group->count = 0;
	}
	return group;
}

static void fault_group_release_slots(struct iommufd_fault_source *source,
				      struct fault_group *group)
{
	if (group->head == FAULT_NO_SLOT)
		return;
	fault_queue_free_chain(group->attach->queue, group->head);
	fault_attach_return(group->attach, group->count);
	group->head = FAULT_NO_SLOT;
	group->count = 0;
}

/**
 * fault_group_doom - refuse a group whose last request is still to come
 * @source: its source, locked
 * @group: new or OPEN
 * @verdict: on the last request
 *
 * The caller has counted the requests that the group held.
 */
void fault_group_doom(struct iommufd_fault_source *source,
		      struct fault_group *group,
		      enum iommufd_fault_verdict verdict)
{
	fault_group_release_slots(source, group);
	if (group->state == FAULT_GROUP_FREE)
		fault_group_hash(source, group);
	group->state = FAULT_GROUP_DOOMED;
	group->verdict = verdict;
	list_move_tail(&group->link, &source->doomed);
}

/**
 * fault_group_discard - forget a group whose last request will not come
 * @source: its source, locked
 * @group: OPEN or DOOMED
 */
void fault_group_discard(struct iommufd_fault_source *source,
			 struct fault_group *group)
{
	if (group->state == FAULT_GROUP_OPEN) {
		group->attach->counts.discarded += group->count;
		fault_group_release_slots(source, group);
	}
	fault_group_unhash(source, group);
	fault_group_free(source, group);
}

static struct iommufd_fault_attach *
fault_source_route(struct iommufd_fault_source *source,
		   const struct iommufd_page_request *req)
{
	struct iommufd_fault_attach *attach;

	if (req->pasid_valid && req->pasid != IOMMU_NO_PASID) {
		attach = xa_load(&source->routes, req->pasid);
		if (attach)
			return attach;
		attach = source->rid;
		return attach && attach->who.owns_pasid_table ? attach : NULL;
	}
	return source->rid;
}

/* Nobody listens. The last request is remembered as such by its first one. */
static noinline enum iommufd_fault_verdict
fault_refuse(struct iommufd_fault_source *source, struct fault_group *group,
	     const struct iommufd_page_request *req)
{
	source->nobody++;
	if (group && group->state == FAULT_GROUP_OPEN)
		group->attach->counts.discarded += group->count;

	if (req->last) {
		source->nobody_groups++;
		if (group) {
			fault_group_release_slots(source, group);
			fault_group_unhash(source, group);
			fault_group_free(source, group);
		}
		return IOMMUFD_FAULT_REFUSED;
	}
	if (!group)
		group = fault_group_get_empty(source, NULL, req);
	if (group)
		fault_group_doom(source, group, IOMMUFD_FAULT_REFUSED);
	return IOMMUFD_FAULT_DROPPED;
}

/*
 * How much of the room that parts share is not kept for those that have nothing
 * outstanding.
 */
static u32 fault_part_shared(u32 all)
{
	return all - DIV_ROUND_UP(all, FAULT_PART_FIRSTS);
}

static u32 fault_part_room(const struct iommufd_fault_source *source)
{
	return min(source->limit, FAULT_PART_ROOM);
}

/*
 * Does a group of @count requests find room when nothing else is outstanding? If not,
 * to ask again is of no use, and the device would do nothing else.
 */
static bool fault_can_fit(const struct iommufd_fault_source *source,
			  const struct iommufd_fault_attach *attach, u32 count)
{
	u32 most = source->max_outstanding;

	/* See fault_part_has_room() */
	if (attach->who.part)
		most = DIV_ROUND_UP(2 * fault_part_shared(fault_part_room(source)),
				    3) ?: 1;
	return count <= min(most, attach->queue->params.depth);
}

static enum iommufd_fault_verdict
fault_overflow_verdict(const struct iommufd_fault_source *source,
		       struct iommufd_fault_attach *attach, u32 count)
{
	if (!fault_can_fit(source, attach, count))
		return IOMMUFD_FAULT_REFUSED;
	attach->counts.lost_groups++;
	return IOMMUFD_FAULT_RETRY;
}

/* No room. The whole group goes, and the reader will be told. */
static noinline enum iommufd_fault_verdict
fault_overflow(struct iommufd_fault_source *source,
	       struct iommufd_fault_attach *attach, struct fault_group *group,
	       const struct iommufd_page_request *req)
{
	u32 held = group ? group->count : 0;

	attach->counts.lost += held + 1;
	/* Pairs with the exchange in the reader; a plain flag otherwise. */
	WRITE_ONCE(attach->queue->lost, true);
	trace_iopf_lost(source, attach->who.dev_id, attach->queue->obj.id, req,
			group ? group->id : 0, held + 1);

	if (req->last) {
		if (group) {
			fault_group_release_slots(source, group);
			fault_group_unhash(source, group);
			fault_group_free(source, group);
		}
		return fault_overflow_verdict(source, attach, held + 1);
	}
	if (!group)
		group = fault_group_get_empty(source, attach, req);
	if (group) {
		fault_group_doom(source, group, IOMMUFD_FAULT_RETRY);
		group->count = held + 1;
	}
	return IOMMUFD_FAULT_DROPPED;
}

/* A further request of a group that has been refused. */
static noinline enum iommufd_fault_verdict
fault_doomed(struct iommufd_fault_source *source, struct fault_group *group,
	     const struct iommufd_page_request *req)
{
	enum iommufd_fault_verdict verdict = group->verdict;
	struct iommufd_fault_attach *attach = group->attach;

	if (verdict == IOMMUFD_FAULT_RETRY && attach) {
		attach->counts.reported++;
		/* One that was begun on its way to another queue had its room */
		if (!group->count) {
			attach->counts.discarded++;
			attach->counts.discarded_groups += req->last;
		} else {
			attach->counts.lost++;
			/* A device may send them for ever, and 0 means another queue */
			if (group->count != U32_MAX)
				group->count++;
			if (req->last)
				verdict = fault_overflow_verdict(source, attach,
								 group->count);
		}
	} else {
		source->nobody++;
		source->nobody_groups += req->last;
	}
	if (!req->last)
		return IOMMUFD_FAULT_DROPPED;
	fault_group_unhash(source, group);
	fault_group_free(source, group);
	return verdict;
}

/* The slot of the first request names the group to user space. */
static __always_inline void fault_group_begin(struct iommufd_fault_queue *queue,
					      struct fault_group *group,
					      struct fault_slot *slot,
					      u32 index, u32 gen)
{
	group->head = index;
	group->count = 1;
	group->cookie = gen << queue->index_bits | index;
	slot->group = group;
	slot->id = group->id;
}

/* Put one request into the slot that has become the last of its group. */
static __always_inline void fault_slot_fill(struct iommufd_fault_attach *attach,
					    struct fault_group *group,
					    struct fault_slot *slot,
					    const struct iommufd_page_request *req)
{
	bool pasid_valid = req->pasid_valid;
	u32 pasid = req->pasid;

	if (attach->who.translated) {
		pasid = attach->who.vpasid;
		pasid_valid = pasid != IOMMU_NO_PASID;
	}

	slot->next = FAULT_NO_SLOT;
	slot->rec = (struct iommu_hwpt_pgfault){
		.flags = (pasid_valid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0) |
			 (req->last ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0),
		.dev_id = attach->who.dev_id,
		.pasid = pasid_valid ? pasid : 0,
		.grpid = req->grpid,
		.perm = req->perm,
		.addr = req->addr,
		.cookie = group->cookie,
	};
}

/*
 * The group is whole: from here on readers and detach compete for it. @slot is its
 * head, @gen that one's generation.
 */
static __always_inline void
fault_group_publish(struct iommufd_fault_source *source,
		    struct iommufd_fault_queue *queue,
		    struct iommufd_fault_attach *attach,
		    struct fault_group *group, struct fault_slot *slot,
		    u32 gen, u32 count)
{
	group->state = FAULT_GROUP_PUBLISHED;
	group->since = jiffies;
	list_move_tail(&group->link, &attach->groups);
	attach->counts.published += count;
	attach->counts.published_groups++;
	refcount_inc(&attach->refs);
	slot->count = count;
	/* Before it can be answered, or that would be traced first */
	if (trace_iopf_publish_enabled())
		trace_iopf_publish(source, attach->who.dev_id, queue->obj.id,
				   group->id, group->cookie, count);

	atomic_set(&slot->word, fault_word(gen, FAULT_SLOT_PUBLISHED));
	/*
	 * llist_add() is a full barrier: the slots are complete before they can
	 * be seen, and the sleepers are looked for after that. Pairs with the
	 * barriers between joining @wait and fault_queue_readable().
	 *
	 * If the list was not empty, whoever made it so wakes the sleepers, and
	 * a reader collects all there is. This stays under the lock because the
	 * queue may go as soon as detach has had the lock.
	 */
	if (!llist_add(&slot->published, &queue->published))
		return;
	/* After the full barrier of llist_add(), see above. */
	if (waitqueue_active(&queue->wait))
		wake_up_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

/*
 * A quarter of the room is for parts that have nothing outstanding, one request each:
 * all that is beyond the other three was taken so, and its owners have no more until
 * less is outstanding. So however much is never answered, a part gets one, unless as
 * many others as that quarter has places have some. In the three quarters a part may
 * have twice as many as are left: alone it comes to half of the room, and it leaves to
 * the next a third of what it found.
 */
static bool fault_part_has_room(const struct iommufd_fault_source *source,
				const struct iommufd_fault_part *part,
				u32 outstanding)
{
	u32 own = part->taken - (u32)atomic_read(&part->returned);
	u32 all = fault_part_room(source);
	u32 shared = fault_part_shared(all);

	if (!own)
		return outstanding < all;
	return outstanding < shared && own < 2 * (shared - outstanding);
}

static bool fault_has_room(struct iommufd_fault_source *source,
			   struct iommufd_fault_attach *attach,
			   const struct fault_group *group)
{
	struct iommufd_fault_part *part = attach->who.part;
	u32 outstanding;

	/*
	 * Acquire: the structures of groups that were given back before the
	 * credits are in @done by now. Pairs with the full barrier of
	 * llist_add_batch() in fault_return_flush().
	 */
	outstanding = source->taken -
		      (u32)atomic_read_acquire(&source->returned);
	if (part)
		return outstanding < source->limit &&
		       fault_part_has_room(source, part, outstanding);
	if (outstanding < source->limit)
		return true;
	/* A group that was begun comes to its end, or the limit would be one of groups */
	return group && group->count == outstanding &&
	       outstanding < source->max_outstanding;
}

static void fault_count_taken(struct iommufd_fault_source *source,
			      struct iommufd_fault_part *part)
{
	WRITE_ONCE(source->taken, source->taken + 1);
	if (part)
		WRITE_ONCE(part->taken, part->taken + 1);
}

static enum iommufd_fault_verdict
fault_take(struct iommufd_fault_source *source,
	   struct iommufd_fault_attach *attach, struct fault_group *group,
	   const struct iommufd_page_request *req)
{
	struct iommufd_fault_queue *queue = attach->queue;
	bool first = !group;
	struct fault_slot *slot;
	u32 index, gen;

	attach->counts.reported++;
	if (!fault_has_room(source, attach, group))
		return fault_overflow(source, attach, group, req);
	if (!fault_ring_take(&queue->free, &index))
		return fault_overflow(source, attach, group, req);
	slot = &queue->slots[index];
	gen = atomic_read(&slot->word) >> FAULT_SLOT_GEN_SHIFT;
	if (first) {
		group = fault_group_get(source, req);
		if (WARN_ON_ONCE(!group)) {
			fault_ring_put(&queue->free, index);
			return fault_overflow(source, attach, NULL, req);
		}
		group->attach = attach;
		fault_group_begin(queue, group, slot, index, gen);
	} else {
		queue->slots[group->tail].next = index;
		group->count++;
	}
	group->tail = index;
	fault_count_taken(source, attach->who.part);
	fault_slot_fill(attach, group, slot, req);
	if (trace_iopf_report_enabled())
		trace_iopf_report(source, attach->who.dev_id, queue->obj.id,
				  req, group->id, 1);

	if (req->last && first) {
		fault_group_publish(source, queue, attach, group, slot, gen, 1);
		return IOMMUFD_FAULT_TAKEN;
	}
	atomic_set(&slot->word, fault_word(gen, FAULT_SLOT_OPEN));
	if (req->last) {
		fault_group_unhash(source, group);
		fault_group_publish(source, queue, attach, group,
				    &queue->slots[group->head],
				    fault_cookie_gen(queue, group->cookie),
				    group->count);
	} else if (first) {
		group->state = FAULT_GROUP_OPEN;
		list_move_tail(&group->link, &attach->open);
		fault_group_hash(source, group);
	}
	return IOMMUFD_FAULT_TAKEN;
}

/**
 * iommufd_fault_report - hand a page request to whoever listens
 * @source: the device that sent it; not unregistered before the call returns
 * @req: the request
 *
 * The only way up. Never sleeps, never allocates; any context in which interrupts
 * are on. Takes constant time on average: a call frees the slots of what it refuses,
 * at most as many as the device had outstanding and each of them once. Requests of
 * one group must be reported in the order in which they came, by one caller at a
 * time; others may come in between.
 *
 * A stop marker (PCIe 6.0, 10.4.1.2.1: neither read nor write, last) is not a
 * request; the backend keeps it to itself.
 *
 * Return: what the backend has to do, see enum iommufd_fault_verdict.
 */
enum iommufd_fault_verdict
iommufd_fault_report(struct iommufd_fault_source *source,
		     const struct iommufd_page_request *req)
{
	enum iommufd_fault_verdict verdict;
	struct iommufd_fault_attach *attach;
	struct fault_group *group;

	spin_lock_bh(&source->lock);
	group = fault_group_find(source, req);
	if (group && group->state == FAULT_GROUP_DOOMED) {
		verdict = fault_doomed(source, group, req);
	} else {
		/* A group stays with the queue that its first request went to. */
		attach = group ? group->attach :
				 fault_source_route(source, req);
		/* Set before the drain of closing takes our lock. */
		if (!attach || source->refusing ||
		    READ_ONCE(attach->queue->closed))
			verdict = fault_refuse(source, group, req);
		else
			verdict = fault_take(source, attach, group, req);
	}
	spin_unlock_bh(&source->lock);
	return verdict;
}

/**
 * iommufd_fault_source_discard_partial - forget the groups that are not whole
 * @source: the device
 *
 * For a backend whose hardware lost requests (the page request queue ran over):
 * last requests that were lost will not come, and hardware has answered them.
 * And for one whose device was reset: it begins its groups anew, and may use the
 * same group indices for them. Readers are told of the loss. Any context but hard
 * interrupt.
 */
void iommufd_fault_source_discard_partial(struct iommufd_fault_source *source)
{
	struct fault_group *group;
	struct hlist_node *next;
	u32 i;

	spin_lock_bh(&source->lock);
	for (i = 0; source->nr_open && i <= source->open_mask; i++) {
		hlist_for_each_entry_safe(group, next, &source->open[i], hash) {
			if (group->attach)
				WRITE_ONCE(group->attach->queue->lost, true);
			fault_group_discard(source, group);
		}
	}
	spin_unlock_bh(&source->lock);
}
