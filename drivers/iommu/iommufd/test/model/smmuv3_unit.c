// SPDX-License-Identifier: GPL-2.0-only
/* The SMMUv3 model: making one, its lock, and its port for masters. */
#include <linux/err.h>
#include <linux/processor.h>
#include <linux/slab.h>

#include "smmuv3_internal.h"

/*
 * Written out, and not in the names of smmuv3_internal.h, which can be wrong.
 *
 * 6.3.1: S2P, S1P, VMSAv8-64, COHACC, HTTU of both flags, HYP, ATS, 16-bit ASIDs, MSI,
 * SEV, PRI, 16-bit VMIDs, CD2L, little-endian tables, stall and terminate with RAZ/WI,
 * two-level stream table
 */
const u32 smmuv3_model_idr0 = BIT(0) | BIT(1) | 2 << 2 | BIT(4) | 2 << 6 | BIT(9) |
	BIT(10) | BIT(12) | BIT(13) | BIT(14) | BIT(16) | BIT(18) | BIT(19) | 2 << 21 |
	1 << 27;

/* 6.3.2: 16-bit StreamIDs, 20-bit SubstreamIDs, queues, all attribute overrides */
const u32 smmuv3_model_idr1 = 16 | 20 << 6 | 19 << 11 | 19 << 16 | 19 << 21 |
	BIT(26) | BIT(27);

/* 6.3.4: HAD, FWB, RIL */
const u32 smmuv3_model_idr3 = BIT(2) | BIT(8) | BIT(10);

/* 6.3.6: OAS of 48 bits, three granules, 64 stalls */
const u32 smmuv3_model_idr5 = 5 | BIT(4) | BIT(5) | BIT(6) | 64 << 16;

/**
 * struct outside - what is to be done without the lock
 * @raise: interrupts
 * @master: whose stall ended, or NULL
 * @tag: its name for the transaction
 * @how: it ended
 */
struct outside {
	unsigned long raise;
	struct smmuv3_master *master;
	u32 tag;
	enum model_resume how;
};

/**
 * smmuv3_lock() - enter the unit
 * @model: unit
 *
 * Interrupts are off until smmuv3_unlock().
 *
 * Return: for smmuv3_unlock().
 */
unsigned long smmuv3_lock(struct smmuv3_model *model)
	__acquires(&model->lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&model->lock, flags);
	return flags;
}

static struct smmuv3_master *master_of(struct smmuv3_model *model, u32 sid)
{
	unsigned int i;

	for (i = 0; i < SMMUV3_MASTERS; i++)
		if (model->masters[i].fn && model->masters[i].sid == sid)
			return &model->masters[i];
	return NULL;
}

static bool take_outside(struct smmuv3_model *model, struct outside *out)
{
	u16 sid;

	*out = (struct outside){ .raise = model->raise };
	model->raise = 0;
	if (smmuv3_stall_next(model, &sid, &out->tag, &out->how)) {
		out->master = master_of(model, sid);
		if (out->master)
			out->master->busy++;
	}
	return out->raise || out->master || model->stalls_end;
}

static void do_outside(struct smmuv3_model *model, const struct outside *out)
{
	if (out->raise)
		smmuv3_raise(model, out->raise);
	if (out->master)
		out->master->fn->ops->resume(out->master->fn, out->tag, out->how);
}

/**
 * smmuv3_unlock() - leave the unit, and say what became due meanwhile
 * @model: unit
 * @flags: of smmuv3_lock()
 *
 * Interrupts are raised, and masters told of the end of stalls.
 */
void smmuv3_unlock(struct smmuv3_model *model, unsigned long flags)
	__releases(&model->lock)
{
	struct outside out;

	while (take_outside(model, &out)) {
		raw_spin_unlock(&model->lock);
		do_outside(model, &out);
		raw_spin_lock(&model->lock);
		if (out.master)
			out.master->busy--;
	}
	raw_spin_unlock_irqrestore(&model->lock, flags);
}

/**
 * smmuv3_master_get() - the master behind a StreamID, to call it
 * @model: not locked
 * @sid: id
 *
 * Return: it, which stays until smmuv3_master_put(); NULL if there is none.
 */
struct smmuv3_master *smmuv3_master_get(struct smmuv3_model *model, u32 sid)
{
	unsigned long flags = smmuv3_lock(model);
	struct smmuv3_master *master = master_of(model, sid);

	if (master)
		master->busy++;
	smmuv3_unlock(model, flags);
	return master;
}

/**
 * smmuv3_master_put() - the call is over
 * @model: not locked
 * @master: of smmuv3_master_get()
 */
void smmuv3_master_put(struct smmuv3_model *model, struct smmuv3_master *master)
{
	unsigned long flags = smmuv3_lock(model);

	master->busy--;
	smmuv3_unlock(model, flags);
}

/* Waits for calls into the old master, so that it may be freed. */
static void disconnect(struct smmuv3_model *model, u16 sid)
{
	unsigned long flags = smmuv3_lock(model);
	struct smmuv3_master *master;

	while ((master = master_of(model, sid)) && master->busy) {
		smmuv3_unlock(model, flags);
		cpu_relax();
		flags = smmuv3_lock(model);
	}
	if (master)
		master->fn = NULL;
	smmuv3_stall_orphan(model, sid);
	smmuv3_unlock(model, flags);
}

static int connect(struct model_port *port, u16 sid, struct model_function *fn)
{
	struct smmuv3_model *model = container_of(port, struct smmuv3_model, port);
	unsigned long flags;
	unsigned int i;

	disconnect(model, sid);
	if (!fn)
		return 0;
	flags = smmuv3_lock(model);
	for (i = 0; i < SMMUV3_MASTERS; i++)
		if (!model->masters[i].fn && !model->masters[i].busy)
			break;
	if (i < SMMUV3_MASTERS) {
		model->masters[i].fn = fn;
		model->masters[i].sid = sid;
	}
	smmuv3_unlock(model, flags);
	return i < SMMUV3_MASTERS ? 0 : -ENOSPC;
}

/* A transaction as it comes; 13.7: without a PASID it is data, unprivileged. */
static struct smmuv3_request request(const struct model_tlp *tlp)
{
	return (struct smmuv3_request){
		.sid = tlp->rid, .ssv = tlp->pasid_valid,
		.ssid = tlp->pasid_valid ? tlp->pasid : 0, .addr = tlp->addr,
		.perm = tlp->perm, .write = tlp->perm & MODEL_WRITE,
		.inst = tlp->perm & MODEL_EXEC, .priv = tlp->perm & MODEL_PRIV,
	};
}

/* Faults whose outcome software chooses (3.12) */
static bool is_related(const struct smmuv3_fault *fault)
{
	return fault->type >= SMMUV3_F_TRANSLATION &&
	       fault->type <= SMMUV3_F_PERMISSION &&
	       MUT(FAULT_CONFIG, !fault->config, true);
}

static enum model_status terminate(struct smmuv3_context *ctx,
				   const struct smmuv3_fault *fault, u32 tag,
				   void *buf, size_t len)
{
	bool related = is_related(fault), stall = false, record = true;

	if (fault->type == SMMUV3_SILENT)
		return MODEL_UNSUPPORTED;
	if (related) {
		stall = fault->s2 ? ctx->ste[2] & SMMUV3_STE2_S2S :
				    ctx->cd[0] & SMMUV3_CD0_S;
		record = fault->s2 ? ctx->ste[2] & SMMUV3_STE2_S2R :
				     ctx->cd[0] & SMMUV3_CD0_R;
	}
	if (stall)
		return smmuv3_stall(ctx->model, ctx->req, fault, tag) ?
		       MODEL_STALLED : MODEL_UNSUPPORTED;
	if (record)
		smmuv3_event(ctx->model, ctx->req, fault, false, 0);
	if (!related || fault->s2 || ctx->cd[0] & SMMUV3_CD0_A)
		return MODEL_UNSUPPORTED;
	/* 3.12.1: RAZ/WI */
	if (!ctx->req->write)
		memset(buf, 0, len);
	return MODEL_OK;
}

/* SMMUEN is off (6.3.9.6) */
static enum model_status pass(struct smmuv3_model *model,
			      const struct smmuv3_request *req, void *buf,
			      size_t len)
{
	if (model->gbpa & MUT(GBPA_ABORT, BIT(20), BIT(19)) ||
	    req->addr >> smmuv3_oas(model))
		return MODEL_UNSUPPORTED;
	return smmuv3_memory_copy(model, req->addr, req->write, buf, len) ?
	       MODEL_OK : MODEL_UNSUPPORTED;
}

/* Under the lock, so that an invalidation that is done has no DMA behind it. */
static enum model_status dma(struct smmuv3_model *model,
			     const struct model_tlp *tlp, void *buf, size_t len)
{
	struct smmuv3_request req = request(tlp);
	struct smmuv3_context ctx = { .model = model, .req = &req };
	struct smmuv3_fault fault = {};
	struct smmuv3_leaf leaf;

	if (!smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		return pass(model, &req, buf, len);
	smmuv3_configure(&ctx, &fault);
	if (!fault.type)
		smmuv3_translate(&ctx, &leaf, &fault);
	if (fault.type)
		return terminate(&ctx, &fault, tlp->tag, buf, len);
	return smmuv3_memory_copy(model, leaf.out + (req.addr & (leaf.size - 1)),
				  req.write, buf, len) ?
	       MODEL_OK : MODEL_UNSUPPORTED;
}

static enum model_status access(struct model_port *port,
				const struct model_tlp *tlp, void *buf, size_t len)
{
	struct smmuv3_model *model = container_of(port, struct smmuv3_model, port);
	unsigned long flags = smmuv3_lock(model);
	enum model_status status = dma(model, tlp, buf, len);

	smmuv3_unlock(model, flags);
	return status;
}

static enum model_status access_translated(struct model_port *port,
					   const struct model_tlp *tlp, void *buf,
					   size_t len)
{
	struct smmuv3_model *model = container_of(port, struct smmuv3_model, port);
	unsigned long flags = smmuv3_lock(model);
	enum model_status status = smmuv3_ats_access(model, tlp, buf, len);

	smmuv3_unlock(model, flags);
	return status;
}

static enum model_status translate(struct model_port *port,
				   const struct model_tlp *tlp, bool no_write,
				   struct model_translation *result)
{
	struct smmuv3_model *model = container_of(port, struct smmuv3_model, port);
	unsigned long flags = smmuv3_lock(model);
	enum model_status status = smmuv3_ats_translate(model, tlp, no_write, result);

	smmuv3_unlock(model, flags);
	return status;
}

static enum model_status page_request(struct model_port *port,
				      const struct model_tlp *tlp, u16 grpid,
				      bool last)
{
	return smmuv3_page_request(container_of(port, struct smmuv3_model, port),
				   tlp, grpid, last);
}

static const struct model_port_ops port_ops = {
	.access = access,
	.access_translated = access_translated,
	.translate = translate,
	.page_request = page_request,
	.connect = connect,
};

/**
 * smmuv3_model_create() - make a unit
 * @config: what it can do
 *
 * It comes up as after a reset: everything off, transactions pass. May sleep.
 *
 * Return: the unit, or ERR_PTR(-ENOMEM); -EINVAL if @config has no raise function.
 */
struct smmuv3_model *smmuv3_model_create(const struct smmuv3_model_config *config)
{
	struct smmuv3_model *model;
	int rc;

	model = kvzalloc(sizeof(*model), GFP_KERNEL);
	if (!model)
		return ERR_PTR(-ENOMEM);
	model->port.ops = &port_ops;
	model->config = *config;
	model->ill_at = ~0U;
	raw_spin_lock_init(&model->lock);
	rc = smmuv3_irq_create(model);
	if (!rc)
		rc = smmuv3_cache_create(model);
	if (rc) {
		kvfree(model);
		return ERR_PTR(rc);
	}
	return model;
}

/**
 * smmuv3_model_destroy() - take a unit away
 * @model: nobody uses it; that it translates, that a master is connected, or that a
 *	stall was not ended, is a violation
 *
 * May sleep.
 */
void smmuv3_model_destroy(struct smmuv3_model *model)
{
	unsigned int i;

	smmuv3_irq_destroy(model);
	if (smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		model_violation("smmuv3: taken away while it translates");
	for (i = 0; i < SMMUV3_MASTERS; i++)
		if (model->masters[i].fn)
			model_violation("smmuv3: taken away with master %#x connected",
					model->masters[i].sid);
	for (i = 0; i < SMMUV3_STALLS; i++)
		if (model->stalls[i].state != SMMUV3_STALL_FREE)
			model_violation("smmuv3: taken away with a stall of %#x",
					model->stalls[i].sid);
	smmuv3_cache_destroy(model);
	kvfree(model);
}

/**
 * smmuv3_model_port() - where masters send their requests
 * @model: unit
 *
 * Return: its port; lives as long as @model.
 */
struct model_port *smmuv3_model_port(struct smmuv3_model *model)
{
	return &model->port;
}

/**
 * smmuv3_oas() - output address size
 * @model: unit
 *
 * Return: bits.
 */
unsigned int smmuv3_oas(const struct smmuv3_model *model)
{
	return smmuv3_ps(model, smmuv3_get(SMMUV3_IDR5_OAS, model->config.idr5));
}

/**
 * smmuv3_model_inject() - make an error
 * @model: unit
 * @what: kind
 * @nth: which one from now, from 1; what &enum smmuv3_model_inject says for those
 *	that last; 0 takes it back
 *
 * Any context.
 */
void smmuv3_model_inject(struct smmuv3_model *model, enum smmuv3_model_inject what,
			 unsigned long nth)
{
	unsigned long flags = smmuv3_lock(model);

	model->inject[what] = nth;
	if (what == SMMUV3_MODEL_INJECT_DELAY && !nth)
		smmuv3_irq_hurry(model);
	smmuv3_unlock(model, flags);
	if (what == SMMUV3_MODEL_INJECT_WITHHOLD && !nth)
		smmuv3_withheld_end(model, false);
	else if (what == SMMUV3_MODEL_INJECT_ATC_TIMEOUT && nth)
		smmuv3_withheld_end(model, true);
}

/**
 * smmuv3_injected() - is this the one that is to go wrong?
 * @model: locked
 * @what: an error that is made once
 *
 * Return: true, once, when it is the nth.
 */
bool smmuv3_injected(struct smmuv3_model *model, enum smmuv3_model_inject what)
{
	return model->inject[what] && !--model->inject[what];
}

/**
 * smmuv3_model_counts() - what the unit has done so far
 * @model: unit
 * @counts: result
 *
 * Any context.
 */
void smmuv3_model_counts(struct smmuv3_model *model,
			 struct smmuv3_model_counts *counts)
{
	unsigned long flags = smmuv3_lock(model);

	*counts = model->counts;
	smmuv3_unlock(model, flags);
}
