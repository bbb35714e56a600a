// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of the SMMUv3 model (chapter 8). Configuration has no say in whether
 * one reaches the queue (8.2).
 */
#include "smmuv3_internal.h"

#define PRI_BYTES		16

/* PRI queue entry (8) */
#define PRI0_SID		MUT_MASK(PRI0_SID, 31, 0, 7, 0)
#define PRI0_SSID		MUT_MASK(PRI0_SSID, 51, 32, 50, 32)
#define PRI0_PRIV		MUT_BIT(PRI0_PRIV, 58, 59)
#define PRI0_EXEC		MUT_BIT(PRI0_EXEC, 59, 58)
#define PRI0_READ		MUT_BIT(PRI0_READ, 60, 61)
#define PRI0_WRITE		MUT_BIT(PRI0_WRITE, 61, 60)
#define PRI0_LAST		MUT_BIT(PRI0_LAST, 62, 57)
#define PRI0_SSV		MUT_BIT(PRI0_SSV, 63, 57)
#define PRI1_PRGI		MUT_MASK(PRI1_PRGI, 8, 0, 7, 0)
#define PRI1_ADDR		MUT_MASK(PRI1_ADDR, 63, 12, 63, 13)

/* SMMU_PRIQ_IRQ_CFG2 (6.3.47) */
#define PRIQ_CFG2_LO		MUT(PRIQ_LO, BIT(31), BIT(30))

/* What becomes of a page request */
enum fate {
	FATE_QUEUED,
	FATE_OVERFLOW,
	FATE_FAILURE,
};

/**
 * struct answer - a response that the unit gives by itself
 * @code: MODEL_PRG_*
 * @pasid: with the PASID of the request
 */
struct answer {
	u8 code;
	bool pasid;
};

static void make_entry(const struct model_tlp *tlp, u16 grpid, bool last,
		       u64 entry[2])
{
	entry[0] = smmuv3_prep(PRI0_SID, tlp->rid) | (last ? PRI0_LAST : 0);
	if (tlp->pasid_valid) {
		entry[0] |= PRI0_SSV | smmuv3_prep(PRI0_SSID, tlp->pasid);
		entry[0] |= tlp->perm & MODEL_EXEC ? PRI0_EXEC : 0;
		entry[0] |= tlp->perm & MODEL_PRIV ? PRI0_PRIV : 0;
	}
	entry[0] |= tlp->perm & MODEL_READ ? PRI0_READ : 0;
	entry[0] |= tlp->perm & MODEL_WRITE ? PRI0_WRITE : 0;
	entry[1] = (tlp->addr & PRI1_ADDR) | smmuv3_prep(PRI1_PRGI, grpid);
}

static bool in_overflow(const struct smmuv3_queue *queue)
{
	return (queue->prod ^ queue->cons) & BIT(31);
}

/* Interrupts only for the last of each group */
static bool last_only(const struct smmuv3_model *model)
{
	return model->irqs[SMMUV3_MODEL_IRQ_PRIQ].attr & PRIQ_CFG2_LO;
}

static enum fate overflow(struct smmuv3_model *model, bool last)
{
	model->counts.pri_overflows++;
	smmuv3_queue_overflow(&model->queues[SMMUV3_PRIQ]);
	if (last && MUT(PRIQ_LO_LOST, last_only(model), false))
		smmuv3_interrupt(model, SMMUV3_MODEL_IRQ_PRIQ);
	return FATE_OVERFLOW;
}

static enum fate enqueue(struct smmuv3_model *model, const u64 entry[2], bool last)
{
	struct smmuv3_queue *queue = &model->queues[SMMUV3_PRIQ];
	bool was_empty = !smmuv3_queue_used(queue);
	u64 pa = smmuv3_queue_entry(queue, queue->prod, PRI_BYTES);
	__le64 *slot = smmuv3_memory(model, pa);
	bool lost;

	if (!slot || !smmuv3_memory_known(pa) ||
	    smmuv3_injected(model, SMMUV3_MODEL_INJECT_PRI_ABT)) {
		smmuv3_gerror(model, SMMUV3_GERROR_PRIQ);
		return FATE_FAILURE;
	}
	lost = smmuv3_injected(model, SMMUV3_MODEL_INJECT_PRI_ASYNC);
	slot[0] = lost ? 0 : cpu_to_le64(entry[0]);
	slot[1] = lost ? 0 : cpu_to_le64(entry[1]);
	/* The entry is there before the index says so. */
	smp_wmb();
	queue->prod = smmuv3_queue_next(queue, queue->prod);
	model->counts.pri_records++;
	if (last_only(model) ? last : was_empty)
		smmuv3_interrupt(model, SMMUV3_MODEL_IRQ_PRIQ);
	if (lost)
		smmuv3_gerror(model, SMMUV3_GERROR_PRIQ);
	return FATE_QUEUED;
}

static enum fate request(struct smmuv3_model *model, const u64 entry[2], bool last)
{
	struct smmuv3_queue *queue = &model->queues[SMMUV3_PRIQ];

	/* 6.3.9.5: without SMMUEN there is no queue. */
	if (!smmuv3_on(model, SMMUV3_CR0_PRIQEN) ||
	    MUT(PRIQ_SMMUEN, !smmuv3_on(model, SMMUV3_CR0_SMMUEN), false) ||
	    !(model->config.idr0 & SMMUV3_IDR0_PRI) ||
	    smmuv3_model_gerror_active(model, SMMUV3_GERROR_PRIQ))
		return FATE_FAILURE;
	/* 8.1: an overflow that was not acknowledged keeps everything out. */
	if (MUT(PRIQ_STICKY, in_overflow(queue), false) || smmuv3_queue_full(queue))
		return overflow(model, last);
	return enqueue(model, entry, last);
}

/* 8.1: may the answer have the PASID? It is the STE that knows. */
static void check_ppar(struct smmuv3_model *model, const struct model_tlp *tlp,
		       struct answer *answer)
{
	struct smmuv3_fault fault = {};
	u64 ste[8];

	if (!tlp->pasid_valid)
		return;
	answer->pasid = true;
	if (model->config.idr3 & SMMUV3_IDR3_PPS)
		return;
	smmuv3_fetch_ste(model, tlp->rid, ste, &fault);
	answer->pasid = !fault.type && ste[1] & SMMUV3_STE1_PPAR;
	if (fault.type)
		answer->code = MUT(PPAR_CODE, MODEL_PRG_FAILURE, MODEL_PRG_SUCCESS);
}

static struct answer make_answer(struct smmuv3_model *model,
				 const struct model_tlp *tlp, enum fate fate)
{
	struct answer answer = { .code = MODEL_PRG_FAILURE };

	if (fate != FATE_OVERFLOW)
		return answer;
	answer.code = MUT(PRIQ_OVERFLOW_CODE, MODEL_PRG_SUCCESS, MODEL_PRG_INVALID);
	check_ppar(model, tlp, &answer);
	return answer;
}

static void give(struct smmuv3_model *model, const struct model_tlp *tlp, u16 grpid,
		 const struct answer *answer)
{
	struct smmuv3_master *master = smmuv3_master_get(model, tlp->rid);

	if (!master)
		return;
	if (master->fn->ops->prg_response)
		master->fn->ops->prg_response(master->fn, answer->pasid,
					      answer->pasid ? tlp->pasid : 0,
					      grpid, answer->code);
	smmuv3_master_put(model, master);
}

/**
 * smmuv3_page_request() - a page request message
 * @model: not locked
 * @tlp: the request
 * @grpid: page request group, 9 bits
 * @last: last of its group
 *
 * Return: see struct model_port_ops. What is not queued is answered at once if it is
 * the last of its group, so that a group has one answer; a stop marker never is.
 */
enum model_status smmuv3_page_request(struct smmuv3_model *model,
				      const struct model_tlp *tlp, u16 grpid, bool last)
{
	bool marker = last && !(tlp->perm & (MODEL_READ | MODEL_WRITE));
	struct answer answer = {};
	bool answered = false;
	unsigned long flags;
	enum fate fate;
	u64 entry[2];

	make_entry(tlp, grpid, last, entry);
	flags = smmuv3_lock(model);
	fate = request(model, entry, last);
	if (fate != FATE_QUEUED && last && !MUT(PRIQ_MARKER, marker, false)) {
		answered = true;
		answer = make_answer(model, tlp, fate);
		model->counts.pri_auto++;
	}
	smmuv3_unlock(model, flags);
	if (answered)
		give(model, tlp, grpid, &answer);
	if (fate == FATE_QUEUED)
		return MODEL_OK;
	return fate == FATE_OVERFLOW ? MODEL_OVERFLOW : MODEL_UNSUPPORTED;
}
