// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers: from a cookie, or from detach, to the unit the group came from.
 *
 * An answer is claimed by one compare-and-exchange on the state of the group's
 * head slot; whoever succeeds gives it, so that hardware gets one and no more.
 * What the claim needs from the group is copied, then slots, structure and
 * credits are given back, and only then hardware is told: the device may use
 * its credits at once. The attach stays until hardware has been told.
 *
 * No lock. Between claim and hand-over nothing waits for user space. A batch is
 * claimed with bottom halves off, so that one on this CPU that looks for a free slot
 * does not wait for one that is half put back.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "internal.h"
#include "../trace.h"

static void fault_batch_add(struct fault_batch *batch,
			    struct iommufd_fault_attach *attach,
			    const struct fault_group *group, u32 code)
{
	unsigned int n = batch->num;

	batch->answers[n] = (struct iommufd_page_answer){
		.source = attach->source,
		.pasid = group->pasid,
		.grpid = group->grpid,
		.code = code,
		.pasid_valid = group->pasid_valid,
	};
	/* With the group's reference. */
	batch->attaches[n] = attach;
	batch->num = n + 1;
}

/* The caller owns the slot. From here on a cookie that names it is refused. */
static __always_inline void fault_slot_put(struct iommufd_fault_queue *queue,
					   struct fault_slot *slot, u32 index,
					   u32 gen)
{
	/* Never 0, so no cookie is. */
	gen = (gen + 1) & fault_gen_mask(queue);
	atomic_set(&slot->word, fault_word(gen ?: 1, FAULT_SLOT_FREE));
	fault_ring_put(&queue->free, index);
}

/**
 * fault_queue_free_chain - give the slots of a group back
 * @queue: the queue
 * @head: index of the first one. The caller owns the group
 *
 * From here on the cookie of the group is refused. Bottom halves must be off; takes
 * time by the size of the group, which the credits of its device bound.
 */
void fault_queue_free_chain(struct iommufd_fault_queue *queue, u32 head)
{
	u32 index = head;

	do {
		struct fault_slot *slot = &queue->slots[index];
		u32 gen = atomic_read(&slot->word) >> FAULT_SLOT_GEN_SHIFT;
		u32 next = slot->next;

		fault_slot_put(queue, slot, index, gen);
		index = next;
	} while (index != FAULT_NO_SLOT);
}

/* The slot that a cookie's @index names, if there is such a slot. */
static struct fault_slot *fault_cookie_slot(struct iommufd_fault_queue *queue,
					    u32 index)
{
	if (index >= queue->params.depth)
		return NULL;
	return &queue->slots[array_index_nospec(index, queue->params.depth)];
}

/**
 * struct fault_return - groups answered by users, on their way back to their source
 * @source: of all of them; NULL if there is none
 * @first: the newest, with the others behind it
 * @last: the oldest
 * @requests: in all of them
 */
struct fault_return {
	struct iommufd_fault_source *source;
	struct llist_node *first;
	struct llist_node *last;
	u32 requests;
};

static void fault_return_flush(struct fault_return *back)
{
	if (!back->source)
		return;
	/*
	 * In this order: a reporter that sees the credits finds the structures.
	 * llist_add_batch() is the full barrier between the two. Pairs with the
	 * acquire in fault_has_room().
	 */
	llist_add_batch(back->first, back->last, &back->source->done);
	atomic_add(back->requests, &back->source->returned);
	back->source = NULL;
}

/*
 * Bottom halves have been off for long enough: so many slots are put back between two
 * looks at them, but for what one group has.
 */
#define FAULT_BH_REQUESTS	256

static void fault_return_pause(u32 requests, u32 *next)
{
	if (likely(requests < *next))
		return;
	*next = requests + FAULT_BH_REQUESTS;
	local_bh_enable();
	local_bh_disable();
}

/* Answers come by runs of one device: what they give back goes in one piece. */
static void fault_return_add(struct fault_return *back,
			     struct iommufd_fault_attach *attach,
			     struct fault_group *group, u32 count)
{
	struct iommufd_fault_source *source = attach->source;

	/* Of the part before the whole: nobody finds more in it than there is. */
	if (attach->who.part)
		atomic_add(count, &attach->who.part->returned);
	if (back->source != source) {
		fault_return_flush(back);
		back->source = source;
		back->first = NULL;
		back->last = &group->done;
		back->requests = 0;
	}
	group->done.next = back->first;
	back->first = &group->done;
	back->requests += count;
}

/*
 * Claim the group that @cookie names for a user's answer. Bottom halves are off;
 * what it held goes back with fault_return_flush(). Returns the number of requests
 * answered; 0: no such group, or it is not waiting for an answer.
 */
static __always_inline u32 fault_claim_user(struct iommufd_fault_queue *queue,
					    struct fault_batch *batch,
					    struct fault_return *back,
					    u32 cookie, u32 code)
{
	u32 index = fault_cookie_index(queue, cookie);
	struct fault_slot *slot = fault_cookie_slot(queue, index);
	u32 gen = fault_cookie_gen(queue, cookie);
	int old = fault_word(gen, FAULT_SLOT_READ);
	struct iommufd_fault_attach *attach;
	struct fault_group *group;
	u32 count;

	/* Pairs with the reader's READING -> READ. */
	if (!slot || atomic_read(&slot->word) != old ||
	    !atomic_try_cmpxchg(&slot->word, &old,
				fault_word(gen, FAULT_SLOT_CLAIMED)))
		return 0;

	group = slot->group;
	attach = group->attach;
	/* It would end the page requests of all who share the function */
	if (code == IOMMUFD_PAGE_RESP_FAILURE && attach->who.translated)
		code = IOMMUFD_PAGE_RESP_INVALID;
	fault_batch_add(batch, attach, group, code);
	if (trace_iopf_answer_enabled())
		trace_iopf_answer(attach->source, attach->who.dev_id,
				  queue->obj.id, group->pasid,
				  group->pasid_valid, group->grpid, group->id,
				  cookie, code);

	count = group->count;
	if (likely(count == 1))
		fault_slot_put(queue, slot, index, gen);
	else
		fault_queue_free_chain(queue, group->head);
	fault_return_add(back, attach, group, count);
	return count;
}

/**
 * fault_claim_drain - claim a group for the answer that detach gives
 * @batch: has room; receives the answer
 * @group: PUBLISHED; its source is locked. Freed if claimed
 * @code: IOMMUFD_PAGE_RESP_*
 *
 * Return: false if a user's answer came first.
 */
bool fault_claim_drain(struct fault_batch *batch, struct fault_group *group,
		       u32 code)
{
	struct iommufd_fault_attach *attach = group->attach;
	struct iommufd_fault_source *source = attach->source;
	struct iommufd_fault_queue *queue = attach->queue;
	struct fault_slot *slot = &queue->slots[group->head];
	u32 gen = fault_cookie_gen(queue, group->cookie);
	enum fault_slot_state to;
	u32 count = group->count;
	int old;

	lockdep_assert_held(&source->lock);
	old = atomic_read(&slot->word);
	do {
		/* The next generation: answered, and in use again. */
		if ((u32)old >> FAULT_SLOT_GEN_SHIFT != gen)
			return false;
		switch (old & FAULT_SLOT_STATE) {
		case FAULT_SLOT_PUBLISHED:
			to = FAULT_SLOT_GONE;
			break;
		case FAULT_SLOT_READING:
			to = FAULT_SLOT_TAKEN;
			break;
		case FAULT_SLOT_READ:
			to = FAULT_SLOT_CLAIMED;
			break;
		default:
			return false;
		}
	} while (!atomic_try_cmpxchg(&slot->word, &old, fault_word(gen, to)));

	fault_batch_add(batch, attach, group, code);
	trace_iopf_drain(source, attach->who.dev_id,
			 queue->obj.id, group->pasid, group->pasid_valid,
			 group->grpid, group->id, group->cookie, code);
	atomic64_add(count, &queue->drained);
	atomic64_inc(&queue->drained_groups);

	/* GONE: still in the readers' list. TAKEN: a reader has it in hand. */
	if (to == FAULT_SLOT_GONE)
		llist_add(&slot->gone, &queue->gone);
	else if (to == FAULT_SLOT_CLAIMED)
		fault_queue_free_chain(queue, group->head);
	fault_group_free(source, group);
	fault_attach_return(attach, count);
	return true;
}

/* The references that the groups had: neighbours are of one attach, as a rule. */
static void fault_attaches_put(struct iommufd_fault_attach **attaches,
			       unsigned int num)
{
	unsigned int first, end;

	for (first = 0; first < num; first = end) {
		end = first + 1;
		while (end < num && attaches[end] == attaches[first])
			end++;
		fault_attach_put(attaches[first], end - first);
	}
}

/**
 * fault_batch_send - hand claimed answers to hardware
 * @batch: empty afterwards
 *
 * One call for each unit. May sleep.
 */
void fault_batch_send(struct fault_batch *batch)
{
	unsigned int first = 0;

	if (batch->num == 1) {
		struct iommufd_fault_unit *unit = batch->answers->source->unit;

		unit->ops->respond(unit, batch->answers, 1);
		fault_attach_put(*batch->attaches, 1);
		batch->num = 0;
		return;
	}
	while (first < batch->num) {
		struct iommufd_page_answer *answers = &batch->answers[first];
		struct iommufd_fault_attach **attaches =
			&batch->attaches[first];
		struct iommufd_fault_unit *unit = answers[0].source->unit;
		unsigned int left = batch->num - first;
		unsigned int run = 1;
		unsigned int num, i;

		/* All of one attach, as a rule, and so of one unit */
		while (run < left && attaches[run] == attaches[0])
			run++;
		/* Bring the other answers of this unit to the front. */
		num = run;
		for (i = run; i < left; i++) {
			if (answers[i].source != answers[0].source &&
			    answers[i].source->unit != unit)
				continue;
			if (i != num) {
				swap(answers[i], answers[num]);
				swap(attaches[i], attaches[num]);
			}
			num++;
		}
		unit->ops->respond(unit, answers, num);
		if (num == run)
			fault_attach_put(attaches[0], num);
		else
			fault_attaches_put(attaches, num);
		first += num;
	}
	batch->num = 0;
}

/* Of all but success. -1: there is no such code. */
static int fault_answered_index(u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_INVALID:
		return FAULT_ANSWERED_INVALID;
	case IOMMUFD_PAGE_RESP_FAILURE:
		return FAULT_ANSWERED_FAILURE;
	}
	return -1;
}

/**
 * fault_queue_answer - accept a user's answers and give them to hardware
 * @queue: the queue whose cookies they name
 * @responses: the answers; the kernel's own copy
 * @num: how many, at most @batch->max
 * @batch: empty; to work in
 *
 * Stops at the first answer that is not acceptable: its code is unknown, or its
 * cookie names no group that was read and not answered. Those before it are
 * given. May sleep, for hardware only.
 *
 * Return: how many were accepted, or -EINVAL if the first was not.
 */
int fault_queue_answer(struct iommufd_fault_queue *queue,
		       const struct iommu_hwpt_page_response *responses,
		       unsigned int num, struct fault_batch *batch)
{
	unsigned int groups[FAULT_ANSWERED_CODES] = {};
	struct fault_return back = {};
	unsigned int i, others = 0, requests = 0;
	u32 next = FAULT_BH_REQUESTS;
	int index = FAULT_ANSWERED_SUCCESS;

	local_bh_disable();
	for (i = 0; i < num; i++) {
		u32 code = responses[i].code;
		u32 count;

		if (code != IOMMUFD_PAGE_RESP_SUCCESS) {
			index = fault_answered_index(code);
			if (index < 0)
				break;
		}
		count = fault_claim_user(queue, batch, &back,
					 responses[i].cookie, code);
		if (!count)
			break;
		requests += count;
		if (code != IOMMUFD_PAGE_RESP_SUCCESS) {
			groups[index]++;
			others++;
		}
		fault_return_pause(requests, &next);
	}
	fault_return_flush(&back);
	local_bh_enable();
	if (!i)
		return num ? -EINVAL : 0;

	groups[FAULT_ANSWERED_SUCCESS] = i - others;
	atomic64_add(requests, &queue->answered);
	for (index = 0; index < FAULT_ANSWERED_CODES; index++)
		if (groups[index])
			atomic64_add(groups[index],
				     &queue->answered_groups[index]);
	fault_point(FAULT_POINT_WRITE_CLAIMED);
	fault_batch_send(batch);
	return i;
}

/**
 * iommufd_fault_queue_awaits - does a group wait for an answer under this cookie
 * @queue: the queue
 * @cookie: any number
 *
 * Return: true if it was read and has not been answered. It may be answered, by
 * another user or by detach, as soon as this returns.
 */
bool iommufd_fault_queue_awaits(struct iommufd_fault_queue *queue, u32 cookie)
{
	struct fault_slot *slot =
		fault_cookie_slot(queue, fault_cookie_index(queue, cookie));
	u32 gen = fault_cookie_gen(queue, cookie);

	return slot && atomic_read(&slot->word) ==
			       (int)fault_word(gen, FAULT_SLOT_READ);
}

/**
 * iommufd_fault_queue_succeed - answer groups: what they asked for is there
 * @queue: the queue whose cookies they are
 * @cookies: of the groups; those that nobody waits for any more are left out
 * @num: how many
 *
 * What makes the accesses succeed has taken effect. May sleep, for memory, which it
 * does not depend on, and for hardware only.
 *
 * Return: how many groups have been answered.
 */
unsigned int iommufd_fault_queue_succeed(struct iommufd_fault_queue *queue,
					 const u32 *cookies, unsigned int num)
{
	struct iommufd_page_answer small_answers[8] __uninitialized;
	struct iommufd_fault_attach *small_attaches[8] __uninitialized;
	struct fault_batch batch = {
		.max = ARRAY_SIZE(small_answers),
		.answers = small_answers,
		.attaches = small_attaches,
	};
	struct {
		struct iommufd_page_answer answers[IOMMUFD_FAULT_BATCH];
		struct iommufd_fault_attach *attaches[IOMMUFD_FAULT_BATCH];
	} *large = NULL;
	unsigned int i = 0, groups = 0;

	if (num > batch.max)
		large = kmalloc(sizeof(*large),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (large) {
		batch.max = IOMMUFD_FAULT_BATCH;
		batch.answers = large->answers;
		batch.attaches = large->attaches;
	}
	while (i < num) {
		struct fault_return back = {};
		u32 requests = 0, steps = 0, next = FAULT_BH_REQUESTS;

		local_bh_disable();
		for (; i < num && batch.num < batch.max; i++) {
			u32 count = fault_claim_user(queue, &batch, &back,
						     cookies[i],
						     IOMMUFD_PAGE_RESP_SUCCESS);

			requests += count;
			/* To look for what is not there takes time as well */
			steps += count ?: 1;
			fault_return_pause(steps, &next);
		}
		fault_return_flush(&back);
		local_bh_enable();
		groups += batch.num;
		atomic64_add(requests, &queue->answered);
		atomic64_add(batch.num,
			     &queue->answered_groups[FAULT_ANSWERED_SUCCESS]);
		fault_point(FAULT_POINT_WRITE_CLAIMED);
		fault_batch_send(&batch);
	}
	if (batch.answers != small_answers)
		kfree(large);
	return groups;
}
