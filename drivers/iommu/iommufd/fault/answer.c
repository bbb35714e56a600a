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

/*
 * Claim the group that @cookie names for a user's answer. Returns the number of
 * requests answered; 0: no such group, or it is not waiting for an answer.
 */
static u32 fault_claim_user(struct iommufd_fault_queue *queue,
			    struct fault_batch *batch, u32 cookie, u32 code)
{
	u32 index = cookie & (BIT(queue->index_bits) - 1);
	u32 gen = fault_cookie_gen(queue, cookie);
	int old = fault_word(gen, FAULT_SLOT_READ);
	struct iommufd_fault_source *source;
	struct iommufd_fault_attach *attach;
	struct fault_group *group;
	struct fault_slot *slot;
	u32 count;

	if (index >= queue->params.depth)
		return 0;
	slot = &queue->slots[array_index_nospec(index, queue->params.depth)];
	/* Pairs with the reader's READING -> READ. */
	if (atomic_read(&slot->word) != old ||
	    !atomic_try_cmpxchg(&slot->word, &old,
				fault_word(gen, FAULT_SLOT_CLAIMED)))
		return 0;

	group = slot->group;
	attach = group->attach;
	source = attach->source;
	count = group->count;
	fault_batch_add(batch, group, code);
	trace_iopf_answer(source, attach->who.dev_id,
			  queue->obj.id, group->pasid, group->pasid_valid,
			  group->grpid, group->id, cookie, code);

	fault_queue_free_chain(queue, index);
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
