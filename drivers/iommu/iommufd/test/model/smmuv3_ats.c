// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATS in the SMMUv3 model (3.9.1, 13.6, 13.7): requests for translations, and their
 * use.
 */
#include "smmuv3_internal.h"

static struct smmuv3_request request(const struct model_tlp *tlp)
{
	return (struct smmuv3_request){
		.sid = tlp->rid, .ssv = tlp->pasid_valid,
		.ssid = tlp->pasid_valid ? tlp->pasid : 0,
		.addr = tlp->addr, .perm = tlp->perm,
	};
}

/* STE.EATS, where it counts (5.2) */
static unsigned int effective_eats(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int eats = smmuv3_get(SMMUV3_STE1_EATS, ste[1]);
	unsigned int config = smmuv3_get(SMMUV3_STE0_CONFIG, ste[0]);

	if (!(model->config.idr0 & SMMUV3_IDR0_ATS) || !(config & 3))
		return SMMUV3_EATS_OFF;
	if (eats == SMMUV3_EATS_SPLIT &&
	    MUT(EATS_ATSCHK, !smmuv3_on(model, SMMUV3_CR0_ATSCHK), false))
		return SMMUV3_EATS_OFF;
	return eats == 3 ? SMMUV3_EATS_OFF : eats;
}

static enum model_status bad_treq(struct smmuv3_model *model,
				  const struct smmuv3_request *req)
{
	const struct smmuv3_fault fault = { .type = SMMUV3_F_BAD_ATS_TREQ };

	smmuv3_event(model, req, &fault, false, 0);
	return MODEL_UNSUPPORTED;
}

static enum model_status forbidden(struct smmuv3_model *model,
				   const struct smmuv3_request *req)
{
	const struct smmuv3_fault fault = { .type = SMMUV3_F_TRANSL_FORBIDDEN };

	if (!MUT(FORBIDDEN_EVENT, false, true))
		smmuv3_event(model, req, &fault, false, 0);
	return MODEL_UNSUPPORTED;
}

/* Of configuration: an abort, which is recorded only if software wants it. */
static enum model_status bad_config(struct smmuv3_model *model,
				    const struct smmuv3_request *req,
				    const struct smmuv3_fault *fault)
{
	if (model->cr2 & SMMUV3_CR2_REC_CFG_ATS && fault->type != SMMUV3_SILENT)
		smmuv3_event(model, req, fault, false, 0);
	return MODEL_UNSUPPORTED;
}

/* Such faults only mean that there is no permission (3.9.1.2). */
static bool grants_nothing(const struct smmuv3_fault *fault)
{
	return fault->type >= SMMUV3_F_TRANSLATION &&
	       fault->type <= SMMUV3_F_PERMISSION;
}

/* 13.7.1 */
static u32 granted(const struct smmuv3_context *ctx, const struct smmuv3_leaf *leaf)
{
	const struct smmuv3_request *req = ctx->req;
	unsigned int inst = smmuv3_get(SMMUV3_STE1_INSTCFG, ctx->ste[1]);
	u32 rights = smmuv3_rights_s1(ctx, leaf->attr) & smmuv3_rights_s2(leaf->attr);
	bool exe = req->ssv && req->perm & MODEL_EXEC;
	bool r = rights & MODEL_READ, x = rights & MODEL_EXEC;
	u32 perm = rights & MODEL_WRITE;

	if (!(ctx->model->config.idr1 & SMMUV3_IDR1_PERMS_OVR))
		inst = 0;
	if (inst == 3)
		r = x;
	else if (inst == 2)
		x = r;
	if (r)
		perm |= MODEL_READ;
	if (exe && r && x && !MUT(ATS_EXEC, false, true))
		perm |= MODEL_EXEC;
	/* A function uses what it has no right to write only for reading. */
	if (req->no_dirty && !MUT(ATS_NO_WRITE, false, true))
		perm &= ~MODEL_WRITE;
	if (!(perm & (MODEL_READ | MODEL_WRITE)))
		return 0;
	return perm | (req->ssv ? req->perm & MODEL_PRIV : 0);
}

static void complete(const struct smmuv3_context *ctx, const struct smmuv3_leaf *leaf,
		     unsigned int eats, struct model_translation *result)
{
	u32 perm = granted(ctx, leaf);

	if (!perm)
		return;
	*result = (struct model_translation){
		.addr = eats == SMMUV3_EATS_SPLIT ? leaf->ipa : leaf->out,
		.size = MUT(ATS_SIZE, leaf->size, leaf->size >> 1), .perm = perm,
	};
}

/**
 * smmuv3_ats_translate() - a translation request (3.9.1.2)
 * @model: locked
 * @tlp: request
 * @no_write: it does not ask for write permission
 * @result: completion
 *
 * Return: see struct model_port_ops.
 */
enum model_status smmuv3_ats_translate(struct smmuv3_model *model,
				       const struct model_tlp *tlp, bool no_write,
				       struct model_translation *result)
{
	struct smmuv3_request req = request(tlp);
	struct smmuv3_context ctx = { .model = model, .req = &req };
	struct smmuv3_fault fault = {};
	struct smmuv3_leaf leaf;
	unsigned int eats;

	req.ats = true;
	req.no_dirty = no_write;
	req.priv = req.ssv && req.perm & MODEL_PRIV;
	*result = (struct model_translation){
		.addr = tlp->addr & ~(u64)(SZ_4K - 1), .size = SZ_4K,
	};
	if (!smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		return bad_treq(model, &req);
	smmuv3_fetch_ste(model, req.sid, ctx.ste, &fault);
	if (fault.type == SMMUV3_C_BAD_STREAMID &&
	    !(model->cr2 & SMMUV3_CR2_RECINVSID))
		fault.type = SMMUV3_SILENT;
	if (fault.type)
		return bad_config(model, &req, &fault);
	if (!(smmuv3_get(SMMUV3_STE0_CONFIG, ctx.ste[0]) & SMMUV3_CONFIG_PASS))
		return MODEL_UNSUPPORTED;
	eats = effective_eats(model, ctx.ste);
	if (MUT(ATS_EATS, eats == SMMUV3_EATS_OFF, false))
		return bad_treq(model, &req);
	smmuv3_configure(&ctx, &fault);
	if (!fault.type)
		smmuv3_translate(&ctx, &leaf, &fault);
	if (!fault.type)
		complete(&ctx, &leaf, eats, result);
	else if (!grants_nothing(&fault))
		return bad_config(model, &req, &fault);
	return MODEL_OK;
}

/* 13.6.3: it has what stage 1 made of the address. Data, unprivileged. */
static enum model_status split_access(struct smmuv3_context *ctx, void *buf,
				      size_t len)
{
	struct smmuv3_request *req = ctx->req;
	struct smmuv3_fault fault = {};
	struct smmuv3_leaf leaf;

	ctx->s2 = true;
	ctx->world = SMMUV3_EL1;
	ctx->vmid = smmuv3_get(SMMUV3_STE2_S2VMID, ctx->ste[2]);
	smmuv3_stage2(ctx, req->addr, SMMUV3_CLASS_IN, smmuv3_wanted(req), &leaf,
		      &fault);
	if (fault.type) {
		if (ctx->ste[2] & SMMUV3_STE2_S2R || !grants_nothing(&fault))
			smmuv3_event(ctx->model, req, &fault, false, 0);
		return MODEL_UNSUPPORTED;
	}
	return smmuv3_memory_copy(ctx->model,
				  leaf.out + (req->addr & (leaf.size - 1)),
				  req->write, buf, len) ?
	       MODEL_OK : MODEL_UNSUPPORTED;
}

static enum model_status straight(struct smmuv3_model *model,
				  const struct smmuv3_request *req, void *buf,
				  size_t len)
{
	if (req->addr >> smmuv3_oas(model))
		return MODEL_UNSUPPORTED;
	return smmuv3_memory_copy(model, req->addr, req->write, buf, len) ?
	       MODEL_OK : MODEL_UNSUPPORTED;
}

/**
 * smmuv3_ats_access() - a request that is marked as translated (3.9.1.3)
 * @model: locked
 * @tlp: request
 * @buf: data
 * @len: bytes
 *
 * Return: see struct model_port_ops.
 */
enum model_status smmuv3_ats_access(struct smmuv3_model *model,
				    const struct model_tlp *tlp, void *buf,
				    size_t len)
{
	struct smmuv3_request req = request(tlp);
	struct smmuv3_context ctx = { .model = model, .req = &req };
	struct smmuv3_fault fault = {};

	/* IDR3.PASIDTT is clear: no PASID, data, unprivileged */
	req.ssv = false;
	req.ssid = 0;
	req.write = tlp->perm & MODEL_WRITE;
	if (!smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		return forbidden(model, &req);
	if (!smmuv3_on(model, SMMUV3_CR0_ATSCHK))
		return straight(model, &req, buf, len);
	smmuv3_fetch_ste(model, req.sid, ctx.ste, &fault);
	if (fault.type)
		return bad_config(model, &req, &fault);
	if (!(smmuv3_get(SMMUV3_STE0_CONFIG, ctx.ste[0]) & SMMUV3_CONFIG_PASS))
		return MODEL_UNSUPPORTED;
	switch (effective_eats(model, ctx.ste)) {
	case SMMUV3_EATS_FULL:
		return straight(model, &req, buf, len);
	case SMMUV3_EATS_SPLIT:
		return split_access(&ctx, buf, len);
	default:
		return forbidden(model, &req);
	}
}
