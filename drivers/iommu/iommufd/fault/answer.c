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
 * No lock. Between claim and hand-over nothing waits for user space.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "internal.h"
#include "../trace.h"

static void fault_batch_add(struct fault_batch *batch,
			    const struct fault_group *group, u32 code)
{
	batch->answers[batch->num] = (struct iommufd_page_answer){
		.source = group->attach->source,
		.pasid = group->pasid,
		.grpid = group->grpid,
		.code = code,
		.pasid_valid = group->pasid_valid,
	};
	/* With the group's reference. */
	batch->attaches[batch->num++] = group->attach;
}

/* The slot that a cookie names, if there is such a slot. */
static struct fault_slot *fault_cookie_slot(struct iommufd_fault_queue *queue,
					    u32 cookie)
{
	u32 index = cookie & (BIT(queue->index_bits) - 1);

	if (index >= queue->params.depth)
		return NULL;
	return &queue->slots[array_index_nospec(index, queue->params.depth)];
}

/*
 * Claim the group that @cookie names for a user's answer. Returns the number of
 * requests answered; 0: no such group, or it is not waiting for an answer.
 */
static u32 fault_claim_user(struct iommufd_fault_queue *queue,
			    struct fault_batch *batch, u32 cookie, u32 code)
{
	struct fault_slot *slot = fault_cookie_slot(queue, cookie);
	u32 gen = fault_cookie_gen(queue, cookie);
	int old = fault_word(gen, FAULT_SLOT_READ);
	struct iommufd_fault_source *source;
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
	source = attach->source;
	count = group->count;
	/* It would end the page requests of all who share the function */
	if (attach->who.translated && code == IOMMUFD_PAGE_RESP_FAILURE)
		code = IOMMUFD_PAGE_RESP_INVALID;
	fault_batch_add(batch, group, code);
	trace_iopf_answer(source, attach->who.dev_id,
			  queue->obj.id, group->pasid, group->pasid_valid,
			  group->grpid, group->id, cookie, code);

	fault_queue_free_chain(queue, fault_slot_index(queue, slot));
	/*
	 * In this order: a reporter that sees the credits finds the structure.
	 * llist_add() is the full barrier between the two. Pairs with the
	 * acquire in fault_take().
	 */
	llist_add(&group->done, &source->done);
	atomic_add(count, &source->returned);
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

	fault_batch_add(batch, group, code);
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
	atomic_add(count, &source->returned);
	return true;
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

	while (first < batch->num) {
		struct iommufd_page_answer *answers = &batch->answers[first];
		struct iommufd_fault_attach **attaches =
			&batch->attaches[first];
		struct iommufd_fault_unit *unit = answers[0].source->unit;
		unsigned int num = 1;
		unsigned int i;

		/* Bring the answers of this unit to the front. */
		for (i = 1; i < batch->num - first; i++) {
			if (answers[i].source->unit != unit)
				continue;
			if (i != num) {
				swap(answers[i], answers[num]);
				swap(attaches[i], attaches[num]);
			}
			num++;
		}
		unit->ops->respond(unit, answers, num);
		for (i = 0; i < num; i++)
			fault_attach_put(attaches[i]);
		first += num;
	}
	batch->num = 0;
}

static int fault_answered_index(u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		return FAULT_ANSWERED_SUCCESS;
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
	unsigned int i, requests = 0;
	int code;

	for (i = 0; i < num; i++) {
		u32 count;

		code = fault_answered_index(responses[i].code);
		if (code < 0)
			break;
		count = fault_claim_user(queue, batch, responses[i].cookie,
					 responses[i].code);
		if (!count)
			break;
		requests += count;
		groups[code]++;
	}
	if (!i)
		return num ? -EINVAL : 0;

	atomic64_add(requests, &queue->answered);
	for (code = 0; code < FAULT_ANSWERED_CODES; code++)
		if (groups[code])
			atomic64_add(groups[code],
				     &queue->answered_groups[code]);
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
	struct fault_slot *slot = fault_cookie_slot(queue, cookie);
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
		unsigned int requests = 0;

		for (; i < num && batch.num < batch.max; i++)
			requests += fault_claim_user(queue, &batch, cookies[i],
						     IOMMUFD_PAGE_RESP_SUCCESS);
		groups += batch.num;
		atomic64_add(requests, &queue->answered);
		atomic64_add(batch.num,
			     &queue->answered_groups[FAULT_ANSWERED_SUCCESS]);
		fault_point(FAULT_POINT_WRITE_CLAIMED);
		fault_batch_send(&batch);
	}
	kfree(large);
	return groups;
}
