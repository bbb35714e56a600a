// SPDX-License-Identifier: GPL-2.0-only
/* Page requests of the VT-d model (7.4 to 7.6). */
#include "vtd_internal.h"

/* Page request descriptor (7.5.1.1) */
#define REQ_TYPE		MUT(REQ_TYPE, 1, 3)
#define REQ_PASID_PRESENT	MUT_BIT(REQ_PP, 8, 9)
#define REQ_RID			MUT_MASK(REQ_RID, 31, 16, 32, 17)
#define REQ_PASID		MUT_MASK(REQ_PASID, 51, 32, 50, 32)
#define REQ_EXEC		MUT_BIT(REQ_EXEC, 52, 54)
#define REQ_PRIV		MUT_BIT(REQ_PRIV, 53, 54)
#define REQ_R			MUT_BIT(REQ_R, 0, 1)
#define REQ_W			MUT_BIT(REQ_W, 1, 0)
#define REQ_LPIG		MUT_BIT(REQ_LPIG, 2, 3)
#define REQ_PRGI		MUT_MASK(REQ_PRGI, 11, 3, 10, 3)
#define REQ_ADDR		MUT_MASK(REQ_ADDR, 63, 12, 63, 13)

#define REQ_BYTES		32
/* What the tail advances by */
#define REQ_STRIDE		MUT(REQ_BYTES, REQ_BYTES, 2 * REQ_BYTES)

/* Queue address register (11.4.11.3), page request status (11.4.11.4) */
#define PQA_SIZE		MUT_MASK(PQA_SIZE, 2, 0, 1, 0)
#define PRS_PPR			MUT_BIT(PRS_PPR, 0, 1)
#define PRS_PRO			MUT_BIT(PRS_PRO, 1, 0)

/* What becomes of a page request that does not reach the queue */
enum fate {
	FATE_QUEUED,
	FATE_OVERFLOW,
	FATE_INVALID,
	FATE_FAILURE,
};

static u32 queue_bytes(const struct vtd_model *model)
{
	return SZ_4K << vtd_get(PQA_SIZE, model->pqa);
}

static u32 next_tail(const struct vtd_model *model)
{
	return (model->pqt + REQ_STRIDE) % queue_bytes(model);
}

/* Only the first status bit to go up is an event. */
static void set_status(struct vtd_model *model, u32 bit)
{
	u32 before = model->prs;

	model->prs |= bit;
	if (MUT(PRQ_EVENT, !before, true))
		vtd_interrupt(model, VTD_MODEL_IRQ_PAGE_REQUEST);
}

static void make_entry(const struct vtd_request *req, u16 grpid, bool last,
		       u64 entry[4])
{
	entry[0] = REQ_TYPE | vtd_prep(REQ_RID, req->rid);
	if (req->pasid_valid) {
		entry[0] |= REQ_PASID_PRESENT | vtd_prep(REQ_PASID, req->pasid);
		entry[0] |= req->perm & MODEL_EXEC ? REQ_EXEC : 0;
		entry[0] |= req->perm & MODEL_PRIV ? REQ_PRIV : 0;
	}
	entry[1] = (req->addr & REQ_ADDR) | vtd_prep(REQ_PRGI, grpid);
	entry[1] |= req->perm & MODEL_READ ? REQ_R : 0;
	entry[1] |= req->perm & MODEL_WRITE ? REQ_W : 0;
	entry[1] |= last ? REQ_LPIG : 0;
	entry[2] = 0;
	entry[3] = 0;
}

static enum fate enqueue(struct vtd_model *model, const u64 entry[4])
{
	u64 *slot;

	if (MUT(PRQ_STICKY, model->prs & PRS_PRO, 0) ||
	    (next_tail(model) == model->pqh && !MUT(PRQ_FULL, false, true))) {
		model->counts.page_overflows++;
		set_status(model, PRS_PRO);
		return FATE_OVERFLOW;
	}
	slot = vtd_memory((model->pqa & VTD_ADDR) + model->pqt);
	if (!slot || !(model->pqa & VTD_ADDR)) {
		model_violation("vtd: page request queue at %#llx is no memory",
				model->pqa);
		return FATE_FAILURE;
	}
	memcpy(slot, entry, REQ_BYTES);
	/* The entry is there before the tail says so. */
	smp_wmb();
	model->pqt = next_tail(model);
	model->counts.page_requests++;
	set_status(model, PRS_PPR);
	return FATE_QUEUED;
}

/* Conditions that stop a page request (7.4.1): invalid where the PASID is wrong. */
static enum fate check(struct vtd_model *model, struct vtd_request *req)
{
	struct vtd_request as_sent = *req;
	bool fpd = false;
	u64 ctx[4];
	u8 fault;

	if (!(model->config.ecap & VTD_ECAP_PRS) || !(model->gsts & VTD_GSTS_TES))
		return FATE_FAILURE;
	fault = vtd_context(model, req, ctx, &fpd);
	if (!fault)
		fault = vtd_check_context(model, req, ctx);
	if (!fault)
		return FATE_QUEUED;
	if (!fpd)
		vtd_fault(model, &as_sent, fault);
	return fault == 0x45 || fault == 0x46 ? FATE_INVALID : FATE_FAILURE;
}

/* The unit answers by itself what will never be answered. */
static void answer(struct vtd_model *model, const struct model_tlp *tlp, u16 grpid,
		   u8 code)
{
	struct vtd_connection *conn = vtd_function_get(model, tlp->rid);
	bool pasid_valid;

	if (!conn)
		return;
	pasid_valid = tlp->pasid_valid && !conn->fn->no_prg_pasid;
	conn->fn->ops->prg_response(conn->fn, pasid_valid,
				    pasid_valid ? tlp->pasid : 0, grpid, code);
	vtd_function_put(model, conn);
}

static u8 response_code(enum fate fate)
{
	switch (fate) {
	case FATE_OVERFLOW:
		return MUT(PRQ_OVERFLOW_CODE, MODEL_PRG_SUCCESS, MODEL_PRG_INVALID);
	case FATE_INVALID:
		return MUT(PRQ_CHECK_CODE, MODEL_PRG_INVALID, MODEL_PRG_FAILURE);
	default:
		return MODEL_PRG_FAILURE;
	}
}

/**
 * vtd_page_request() - a page request message
 * @model: not locked
 * @tlp: the request
 * @grpid: page request group, 9 bits
 * @last: last of its group
 *
 * Return: see struct model_port_ops. Whatever is not queued is answered at once if
 * it is the last of its group; a stop marker is never answered.
 */
enum model_status vtd_page_request(struct vtd_model *model,
				   const struct model_tlp *tlp, u16 grpid, bool last)
{
	struct vtd_request req = {
		.rid = tlp->rid, .pasid_valid = tlp->pasid_valid,
		.pasid = tlp->pasid, .perm = tlp->perm, .addr = tlp->addr,
		.at = VTD_AT_PAGE_REQUEST,
	};
	bool marker = last && !(tlp->perm & (MODEL_READ | MODEL_WRITE));
	unsigned long flags;
	enum fate fate;
	u64 entry[4];

	make_entry(&req, grpid, last, entry);
	flags = vtd_lock(model);
	fate = check(model, &req);
	if (fate == FATE_QUEUED)
		fate = enqueue(model, entry);
	vtd_unlock(model, flags);
	if (fate == FATE_QUEUED)
		return MODEL_OK;
	if (last && !MUT(PRQ_MARKER, marker, false))
		answer(model, tlp, grpid, response_code(fate));
	return fate == FATE_OVERFLOW ? MODEL_OVERFLOW : MODEL_UNSUPPORTED;
}
