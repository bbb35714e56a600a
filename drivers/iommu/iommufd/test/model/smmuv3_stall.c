// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stalled transactions of the SMMUv3 model (3.12.2): a buffer of SMMUV3_STALLS, of
 * which STALL_MAX at a time are known to software by a tag. Others wait in front of
 * the unit until there is a tag and room for a record, and are made again then, as
 * if they were new. A tag is the index in the buffer and a generation, so that one
 * that is over is noticed.
 */
#include "smmuv3_internal.h"

static u16 stag_of(const struct smmuv3_model *model, const struct smmuv3_stall *stall)
{
	return (u16)(stall - model->stalls) |
	       (u16)(stall->generation << SMMUV3_STALL_BITS);
}

static struct smmuv3_stall *stall_by_stag(struct smmuv3_model *model, u16 stag)
{
	struct smmuv3_stall *stall = &model->stalls[stag & (SMMUV3_STALLS - 1)];

	return stag_of(model, stall) == stag ? stall : NULL;
}

static struct smmuv3_stall *find_free(struct smmuv3_model *model)
{
	unsigned int i;

	for (i = 0; i < SMMUV3_STALLS; i++)
		if (model->stalls[i].state == SMMUV3_STALL_FREE)
			return &model->stalls[i];
	return NULL;
}

static bool can_wait(struct smmuv3_model *model, u32 sid)
{
	unsigned int i;

	for (i = 0; i < SMMUV3_MASTERS; i++)
		if (model->masters[i].fn && model->masters[i].sid == sid)
			return model->masters[i].fn->ops->resume;
	return false;
}

static bool tag_is_left(const struct smmuv3_model *model)
{
	return model->num_recorded <
	       smmuv3_get(SMMUV3_IDR5_STALL_MAX, model->config.idr5) +
	       MUT(STALL_MAX, 0, 1);
}

/**
 * smmuv3_stall() - stall a transaction
 * @model: locked
 * @req: transaction
 * @fault: why
 * @tag: the master's name for it
 *
 * A master that cannot wait is one that software had to configure so that it does
 * not (5.2, S1STALLD): that is a violation, and it is terminated.
 *
 * Return: true if the master is going to be told how it ended.
 */
bool smmuv3_stall(struct smmuv3_model *model, const struct smmuv3_request *req,
		  const struct smmuv3_fault *fault, u32 tag)
{
	struct smmuv3_stall *stall = find_free(model);

	if (!stall || !can_wait(model, req->sid)) {
		model_violation("smmuv3: %#x is stalled at %#llx, and %s",
				req->sid, req->addr,
				stall ? "cannot wait" : "there are too many");
		smmuv3_event(model, req, fault, false, 0);
		return false;
	}
	stall->sid = req->sid;
	stall->tag = tag;
	stall->orphan = false;
	stall->state = SMMUV3_STALL_WAITS;
	if (tag_is_left(model) &&
	    smmuv3_event(model, req, fault, true, stag_of(model, stall))) {
		stall->state = SMMUV3_STALL_RECORDED;
		model->num_recorded++;
		model->counts.stalls++;
	} else {
		model->num_waiting++;
		model->counts.stall_full++;
	}
	return true;
}

static void end(struct smmuv3_model *model, struct smmuv3_stall *stall,
		enum model_resume how)
{
	if (stall->state == SMMUV3_STALL_RECORDED) {
		model->num_recorded--;
		stall->generation++;
	} else {
		model->num_waiting--;
	}
	stall->state = SMMUV3_STALL_ENDS;
	stall->how = how;
	model->stalls_end = true;
}

/**
 * smmuv3_stall_resume() - CMD_RESUME (4.7.1)
 * @model: locked
 * @sid: StreamID
 * @stag: tag
 * @how: what becomes of it
 *
 * For something that software was not told of, or has ended before, that is a
 * violation; the specification lets it have no effect.
 */
void smmuv3_stall_resume(struct smmuv3_model *model, u32 sid, u16 stag,
			 enum model_resume how)
{
	struct smmuv3_stall *stall = stall_by_stag(model, stag);

	if (!stall || stall->state != SMMUV3_STALL_RECORDED ||
	    (stall->sid != sid && !MUT(RESUME_SID, false, true))) {
		model_violation("smmuv3: CMD_RESUME of %#x with tag %#x, which nobody stalled",
				sid, stag);
		return;
	}
	model->counts.resumes[how]++;
	end(model, stall, how);
	smmuv3_stall_retry_waiting(model);
}

/**
 * smmuv3_stall_terminate() - end stalls with an abort
 * @model: locked
 * @sid: of this stream, CMD_STALL_TERM (4.7.2)
 * @all: of every stream: translation is switched off (6.3.9.6)
 */
void smmuv3_stall_terminate(struct smmuv3_model *model, u32 sid, bool all)
{
	unsigned int i;

	for (i = 0; i < SMMUV3_STALLS; i++) {
		struct smmuv3_stall *stall = &model->stalls[i];

		if (stall->state != SMMUV3_STALL_WAITS &&
		    stall->state != SMMUV3_STALL_RECORDED)
			continue;
		if (!all && stall->sid != sid && !MUT(STALL_TERM_SID, false, true))
			continue;
		if (!all)
			model->counts.stall_terms++;
		end(model, stall, MUT(STALL_TERM_HOW, MODEL_RESUME_ABORT,
				      MODEL_RESUME_RETRY));
	}
	smmuv3_stall_retry_waiting(model);
}

/**
 * smmuv3_stall_retry_waiting() - there may be room for records, or a tag
 * @model: locked
 */
void smmuv3_stall_retry_waiting(struct smmuv3_model *model)
{
	unsigned int i;

	if (!model->num_waiting || !smmuv3_event_writable(model) ||
	    !tag_is_left(model) || MUT(STALL_WAITING, false, true))
		return;
	for (i = 0; i < SMMUV3_STALLS; i++)
		if (model->stalls[i].state == SMMUV3_STALL_WAITS)
			end(model, &model->stalls[i], MODEL_RESUME_RETRY);
}

/**
 * smmuv3_stall_orphan() - a master is disconnected
 * @model: locked
 * @sid: its StreamID
 *
 * What software knows of is still to be ended by it; the rest is forgotten.
 */
void smmuv3_stall_orphan(struct smmuv3_model *model, u16 sid)
{
	unsigned int i;

	for (i = 0; i < SMMUV3_STALLS; i++) {
		struct smmuv3_stall *stall = &model->stalls[i];

		if (stall->state == SMMUV3_STALL_FREE || stall->sid != sid)
			continue;
		stall->orphan = true;
		if (stall->state != SMMUV3_STALL_WAITS)
			continue;
		stall->state = SMMUV3_STALL_FREE;
		model->num_waiting--;
	}
}

/**
 * smmuv3_stall_next() - the next master to be told of the end of a stall
 * @model: locked
 * @sid: of whom
 * @tag: its name for the transaction
 * @how: it ended
 *
 * The transaction is forgotten here.
 *
 * Return: false if there is none.
 */
bool smmuv3_stall_next(struct smmuv3_model *model, u16 *sid, u32 *tag,
		       enum model_resume *how)
{
	unsigned int i;

	for (i = 0; model->stalls_end && i < SMMUV3_STALLS; i++) {
		struct smmuv3_stall *stall = &model->stalls[i];

		if (stall->state != SMMUV3_STALL_ENDS)
			continue;
		stall->state = SMMUV3_STALL_FREE;
		if (stall->orphan)
			continue;
		*sid = stall->sid;
		*tag = stall->tag;
		*how = stall->how;
		return true;
	}
	model->stalls_end = false;
	return false;
}
