// SPDX-License-Identifier: GPL-2.0-only
/* Event records of the SMMUv3 model (7.2 to 7.4). None are merged. */
#include "smmuv3_internal.h"

#define EVENT_BYTES		32

/* What records have in common (7.3) */
#define EV0_SSV			MUT_BIT(EV0_SSV, 11, 10)
#define EV0_SSID		MUT_MASK(EV0_SSID, 31, 12, 30, 12)
#define EV0_SID			MUT_MASK(EV0_SID, 63, 32, 47, 33)
#define EV1_STAG		MUT_MASK(EV1_STAG, 15, 0, 14, 0)
#define EV1_STALL		MUT_BIT(EV1_STALL, 31, 30)
#define EV1_PNU			MUT_BIT(EV1_PNU, 33, 34)
#define EV1_IND			MUT_BIT(EV1_IND, 34, 33)
#define EV1_RNW			MUT_BIT(EV1_RNW, 35, 36)
#define EV1_S2			MUT_BIT(EV1_S2, 39, 40)
#define EV1_CLASS		MUT_MASK(EV1_CLASS, 41, 40, 42, 41)
#define EV1_TTRNW		MUT_BIT(EV1_TTRNW, 44, 43)
#define EV3_IPA			MUT_MASK(EV3_IPA, 55, 12, 55, 13)
#define EV3_FETCH		MUT_MASK(EV3_FETCH, 55, 3, 55, 12)
/* F_BAD_ATS_TREQ (7.3.6): permissions that were asked for, and how many pages */
#define EV1_TREQ_R		BIT_ULL(35)
#define EV1_TREQ_W		BIT_ULL(34)
#define EV1_TREQ_X		BIT_ULL(33)
#define EV1_TREQ_P		BIT_ULL(32)
#define EV2_TREQ_SPAN		GENMASK_ULL(7, 0)
#define EV2_TREQ_ADDR		GENMASK_ULL(63, 12)

/**
 * smmuv3_event_writable() - can a record be written now? (7.2.1)
 * @model: locked
 *
 * Return: true if so.
 */
bool smmuv3_event_writable(const struct smmuv3_model *model)
{
	return smmuv3_on(model, SMMUV3_CR0_EVENTQEN) &&
	       !smmuv3_queue_full(&model->queues[SMMUV3_EVENTQ]) &&
	       !smmuv3_model_gerror_active(model, SMMUV3_GERROR_EVENTQ);
}

static void put_stream(const struct smmuv3_request *req,
		       const struct smmuv3_fault *fault, u64 ev[4])
{
	ev[0] = fault->type | smmuv3_prep(EV0_SID, req->sid);
	if (fault->type == SMMUV3_F_STREAM_DISABLED ||
	    fault->type == SMMUV3_F_TRANSL_FORBIDDEN)
		return;
	if (fault->type == SMMUV3_C_BAD_SUBSTREAMID) {
		/* 7.3.9: no SSV, and it is what was looked for */
		ev[0] |= smmuv3_prep(EV0_SSID, fault->ssid);
		return;
	}
	if (req->ssv)
		ev[0] |= EV0_SSV | smmuv3_prep(EV0_SSID, req->ssid);
}

static void put_access(const struct smmuv3_request *req, u64 ev[4])
{
	if (!req->write)
		ev[1] |= EV1_RNW | (req->inst ? EV1_IND : 0);
	if (req->priv)
		ev[1] |= EV1_PNU;
	ev[2] = req->addr;
}

static void put_stage(const struct smmuv3_fault *fault, u64 ev[4])
{
	if (fault->s2)
		ev[1] |= EV1_S2;
	ev[1] |= smmuv3_prep(EV1_CLASS, fault->class);
}

static void put_treq(const struct smmuv3_request *req, u64 ev[4])
{
	ev[1] = EV1_TREQ_R | (req->no_dirty ? 0 : EV1_TREQ_W);
	if (req->ssv)
		ev[1] |= (req->perm & MODEL_EXEC ? EV1_TREQ_X : 0) |
			 (req->perm & MODEL_PRIV ? EV1_TREQ_P : 0);
	ev[2] = (req->addr & EV2_TREQ_ADDR) | smmuv3_prep(EV2_TREQ_SPAN, 1);
}

static void put_translation(const struct smmuv3_request *req,
			    const struct smmuv3_fault *fault, bool stall,
			    u16 stag, u64 ev[4])
{
	put_access(req, ev);
	put_stage(fault, ev);
	if (stall)
		ev[1] |= EV1_STALL | smmuv3_prep(EV1_STAG, stag);
	if (fault->s2)
		ev[3] = fault->ipa & EV3_IPA;
	if (fault->type == SMMUV3_F_PERMISSION && fault->class == SMMUV3_CLASS_TT &&
	    !fault->write_tt)
		ev[1] |= EV1_TTRNW;
}

static void make(const struct smmuv3_request *req, const struct smmuv3_fault *fault,
		 bool stall, u16 stag, u64 ev[4])
{
	put_stream(req, fault, ev);
	if (fault->type == SMMUV3_F_STE_FETCH || fault->type == SMMUV3_F_CD_FETCH) {
		ev[3] = fault->fetch & EV3_FETCH;
	} else if (fault->type == SMMUV3_F_WALK_EABT) {
		put_access(req, ev);
		put_stage(fault, ev);
		ev[3] = fault->fetch & EV3_FETCH;
	} else if (fault->type == SMMUV3_F_BAD_ATS_TREQ) {
		put_treq(req, ev);
	} else if (fault->type == SMMUV3_F_TRANSL_FORBIDDEN) {
		ev[1] = req->write ? 0 : EV1_RNW;
		ev[2] = req->addr;
	} else if (fault->type >= SMMUV3_F_TRANSLATION) {
		put_translation(req, fault, stall, stag, ev);
	}
}

static bool write_record(struct smmuv3_model *model, const u64 ev[4])
{
	struct smmuv3_queue *queue = &model->queues[SMMUV3_EVENTQ];
	u64 pa = smmuv3_queue_entry(queue, queue->prod, EVENT_BYTES);
	bool was_empty = !smmuv3_queue_used(queue);
	__le64 *slot = smmuv3_memory(model, pa);
	unsigned int i;
	bool lost;

	if (!slot || !smmuv3_memory_known(pa) ||
	    smmuv3_injected(model, SMMUV3_MODEL_INJECT_EVENT_ABT)) {
		/* 7.2.2: synchronously, so that the index stays. */
		smmuv3_gerror(model, SMMUV3_GERROR_EVENTQ);
		return false;
	}
	lost = smmuv3_injected(model, SMMUV3_MODEL_INJECT_EVENT_ASYNC);
	for (i = 0; i < 4; i++)
		slot[i] = cpu_to_le64(lost ? ~0ULL : ev[i]);
	/* The record is there before the index says so. */
	smp_wmb();
	queue->prod = smmuv3_queue_next(queue, queue->prod);
	if (was_empty || MUT(EVENTQ_IRQ, false, true))
		smmuv3_interrupt(model, SMMUV3_MODEL_IRQ_EVTQ);
	if (lost)
		smmuv3_gerror(model, SMMUV3_GERROR_EVENTQ);
	return true;
}

/**
 * smmuv3_event() - record an event
 * @model: locked
 * @req: of which transaction
 * @fault: what happened
 * @stall: the transaction is stalled
 * @stag: its tag
 *
 * What finds no room is lost, and that is noted, unless it is of a stall (7.4).
 *
 * Return: true if it was recorded.
 */
bool smmuv3_event(struct smmuv3_model *model, const struct smmuv3_request *req,
		  const struct smmuv3_fault *fault, bool stall, u16 stag)
{
	struct smmuv3_queue *queue = &model->queues[SMMUV3_EVENTQ];
	u64 ev[4] = {};

	if (!smmuv3_event_writable(model)) {
		if (smmuv3_on(model, SMMUV3_CR0_EVENTQEN) &&
		    smmuv3_queue_full(queue) &&
		    MUT(EVENTQ_STALL_OVF, !stall, true)) {
			model->counts.event_overflows++;
			smmuv3_queue_overflow(queue);
		}
		return false;
	}
	make(req, fault, stall, stag, ev);
	if (!write_record(model, ev))
		return false;
	model->counts.events[fault->type]++;
	return true;
}
