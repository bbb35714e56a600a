// SPDX-License-Identifier: GPL-2.0-only
/* The VT-d model: making one, its lock, and its port for functions. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/processor.h>
#include <linux/slab.h>

#include "vtd_internal.h"

/*
 * Written out, and not in the names of vtd_internal.h, which can be wrong.
 *
 * 11.4.2: ND 16 bits, SAGAW 4 and 5 levels, MGAW 48, 8 records at 0x400, leaves of
 * 2 MiB and 1 GiB in both stages, PSI with masks up to 18, DRD and DWD, 5-level
 * first stages
 */
const u64 vtd_model_cap = 6 | BIT_ULL(10) | BIT_ULL(11) |
	FIELD_PREP_CONST(GENMASK_ULL(21, 16), 47) |
	FIELD_PREP_CONST(GENMASK_ULL(33, 24), 0x40) |
	BIT_ULL(34) | BIT_ULL(35) | BIT_ULL(39) |
	FIELD_PREP_CONST(GENMASK_ULL(47, 40), 7) |
	FIELD_PREP_CONST(GENMASK_ULL(53, 48), 18) |
	BIT_ULL(54) | BIT_ULL(55) | BIT_ULL(56) | BIT_ULL(60);

/*
 * 11.4.3: C, QI, DT, IR, PT, SC; IOTLB registers, which nobody has a use for, at
 * 0x500; NEST, PRS, SRS, NWFS, EAFS; 20-bit PASIDs; PASID, DIT, PDS, SMTS, SSADS,
 * SSTS, FSTS, SMPWCS, RPS, ADMS
 */
const u64 vtd_model_ecap = GENMASK_ULL(3, 0) | BIT_ULL(6) | BIT_ULL(7) |
	FIELD_PREP_CONST(GENMASK_ULL(17, 8), 0x50) |
	FIELD_PREP_CONST(GENMASK_ULL(23, 20), 0xf) |
	BIT_ULL(26) | BIT_ULL(29) | BIT_ULL(31) | BIT_ULL(33) | BIT_ULL(34) |
	FIELD_PREP_CONST(GENMASK_ULL(39, 35), 19) |
	GENMASK_ULL(43, 40) | GENMASK_ULL(49, 45) | BIT_ULL(52);

/**
 * vtd_lock() - enter the unit
 * @model: unit
 *
 * Interrupts are off until vtd_unlock().
 *
 * Return: for vtd_unlock().
 */
unsigned long vtd_lock(struct vtd_model *model)
	__acquires(&model->lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&model->lock, flags);
	return flags;
}

static void raise(struct vtd_model *model, unsigned long which)
{
	if (which & BIT(VTD_MODEL_IRQ_FAULT))
		model->config.raise(model->config.data, VTD_MODEL_IRQ_FAULT);
	if (which & BIT(VTD_MODEL_IRQ_PAGE_REQUEST))
		model->config.raise(model->config.data, VTD_MODEL_IRQ_PAGE_REQUEST);
}

/* With the lock held, so that whoever ends the delay finds what it has held up. */
static void postpone(struct vtd_model *model)
{
	u64 delay = model->inject[VTD_MODEL_INJECT_DELAY];

	if (!delay || !(model->raise & BIT(VTD_MODEL_IRQ_PAGE_REQUEST)))
		return;
	model->raise &= ~BIT(VTD_MODEL_IRQ_PAGE_REQUEST);
	if (model->late)
		return;
	model->late = true;
	hrtimer_start(&model->delay, ns_to_ktime(delay * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_HARD);
}

/**
 * vtd_unlock() - leave the unit, and raise what became due meanwhile
 * @model: unit
 * @flags: of vtd_lock()
 */
void vtd_unlock(struct vtd_model *model, unsigned long flags)
	__releases(&model->lock)
{
	unsigned long which;

	postpone(model);
	which = model->raise;
	model->raise = 0;
	raw_spin_unlock(&model->lock);
	if (which)
		raise(model, which);
	local_irq_restore(flags);
}

static enum hrtimer_restart delayed(struct hrtimer *timer)
{
	struct vtd_model *model = container_of(timer, struct vtd_model, delay);
	unsigned long flags = vtd_lock(model);
	bool late = model->late;

	model->late = false;
	vtd_unlock(model, flags);
	if (late)
		raise(model, BIT(VTD_MODEL_IRQ_PAGE_REQUEST));
	return HRTIMER_NORESTART;
}

static struct vtd_connection *connection(struct vtd_model *model, u16 rid)
{
	unsigned int i;

	for (i = 0; i < VTD_FUNCTIONS; i++)
		if (model->functions[i].fn && model->functions[i].rid == rid)
			return &model->functions[i];
	return NULL;
}

/**
 * vtd_function_get() - the function behind a requester id, to call it
 * @model: not locked
 * @rid: id
 *
 * Return: its connection, which stays until vtd_function_put(); NULL if there is
 * none.
 */
struct vtd_connection *vtd_function_get(struct vtd_model *model, u16 rid)
{
	unsigned long flags = vtd_lock(model);
	struct vtd_connection *conn = connection(model, rid);

	if (conn)
		conn->busy++;
	vtd_unlock(model, flags);
	return conn;
}

/**
 * vtd_function_put() - the call is over
 * @model: not locked
 * @conn: of vtd_function_get()
 */
void vtd_function_put(struct vtd_model *model, struct vtd_connection *conn)
{
	unsigned long flags = vtd_lock(model);

	conn->busy--;
	vtd_unlock(model, flags);
}

/* Waits for calls into the old function, so that it may be freed. */
static void disconnect(struct vtd_model *model, u16 rid)
{
	unsigned long flags = vtd_lock(model);
	struct vtd_connection *conn;

	while ((conn = connection(model, rid)) && conn->busy) {
		vtd_unlock(model, flags);
		cpu_relax();
		flags = vtd_lock(model);
	}
	if (conn)
		conn->fn = NULL;
	vtd_unlock(model, flags);
}

static int connect(struct model_port *port, u16 rid, struct model_function *fn)
{
	struct vtd_model *model = container_of(port, struct vtd_model, port);
	unsigned long flags;
	unsigned int i;

	disconnect(model, rid);
	if (!fn)
		return 0;
	flags = vtd_lock(model);
	for (i = 0; i < VTD_FUNCTIONS; i++)
		if (!model->functions[i].fn && !model->functions[i].busy)
			break;
	if (i < VTD_FUNCTIONS) {
		model->functions[i].fn = fn;
		model->functions[i].rid = rid;
	}
	vtd_unlock(model, flags);
	return i < VTD_FUNCTIONS ? 0 : -ENOSPC;
}

static struct vtd_request request(const struct model_tlp *tlp, u8 at)
{
	return (struct vtd_request){
		.rid = tlp->rid, .pasid_valid = tlp->pasid_valid,
		.pasid = tlp->pasid_valid ? tlp->pasid : 0,
		.perm = tlp->perm, .addr = tlp->addr, .at = at,
	};
}

static bool is_interrupt(const struct model_tlp *tlp)
{
	return MUT(MSI_PASID, !tlp->pasid_valid, true) &&
	       tlp->addr >= VTD_MSI_START && tlp->addr <= VTD_MSI_END;
}

/* The DMA itself. False: there is no memory. */
static bool copy(struct vtd_model *model, u64 pa, const struct model_tlp *tlp,
		 void *buf, size_t len)
{
	void *mem = vtd_memory(pa);

	if (!mem || offset_in_page(pa) + len > SZ_4K || !vtd_memory_known(pa))
		return false;
	if (!model_granted(&model->port, pa, tlp->perm & MODEL_WRITE, "DMA"))
		return false;
	if (tlp->perm & MODEL_WRITE)
		memcpy(mem, buf, len);
	else
		memcpy(buf, mem, len);
	return true;
}

/* Under the lock, so that an invalidation that is done has no DMA behind it. */
static enum model_status dma(struct vtd_model *model, const struct model_tlp *tlp,
			     void *buf, size_t len)
{
	struct vtd_request req = request(tlp, VTD_AT_UNTRANSLATED);
	struct vtd_leaf leaf = { .iova = tlp->addr, .pa = tlp->addr };
	bool fpd;
	u8 fault = 0;

	if (model->gsts & VTD_GSTS_TES)
		fault = vtd_translate(model, &req, &leaf, &fpd);
	if (fault) {
		if (!fpd || MUT(FPD_DMA, false, true))
			vtd_fault(model, &req, fault);
		return MODEL_UNSUPPORTED;
	}
	return copy(model, leaf.pa + (tlp->addr - leaf.iova), tlp, buf, len) ?
	       MODEL_OK : MODEL_UNSUPPORTED;
}

static enum model_status access(struct model_port *port,
				const struct model_tlp *tlp, void *buf, size_t len)
{
	struct vtd_model *model = container_of(port, struct vtd_model, port);
	enum model_status status;
	unsigned long flags;

	/* Interrupts do not come this way, and nothing can be read there. */
	if (is_interrupt(tlp))
		return MODEL_UNSUPPORTED;
	flags = vtd_lock(model);
	status = dma(model, tlp, buf, len);
	vtd_unlock(model, flags);
	return status;
}

static u8 check_translated(struct vtd_model *model, struct vtd_request *req,
			   bool *fpd)
{
	u64 ctx[4];
	u8 fault;

	fault = vtd_context(model, req, ctx, fpd);
	if (!fault && !MUT(XLATED_CONTEXT, false, true))
		fault = vtd_check_context(model, req, ctx);
	if (!fault && req->addr >> MUT(XLATED_WIDTH, VTD_HAW, VTD_HAW + 1))
		fault = 0x83;
	if (!fault && req->addr >= VTD_MSI_START && req->addr <= VTD_MSI_END)
		fault = 0x87;
	return fault;
}

static enum model_status access_translated(struct model_port *port,
					   const struct model_tlp *tlp, void *buf,
					   size_t len)
{
	struct vtd_model *model = container_of(port, struct vtd_model, port);
	struct vtd_request req = request(tlp, MUT(XLATED_AT, VTD_AT_TRANSLATED,
						  VTD_AT_TRANSLATION));
	enum model_status status = MODEL_UNSUPPORTED;
	unsigned long flags;
	bool fpd = false;
	u8 fault = 0;

	flags = vtd_lock(model);
	if (model->gsts & VTD_GSTS_TES)
		fault = check_translated(model, &req, &fpd);
	if (fault && !fpd)
		vtd_fault(model, &req, fault);
	if (!fault && copy(model, tlp->addr, tlp, buf, len))
		status = MODEL_OK;
	vtd_unlock(model, flags);
	return status;
}

/*
 * Conditions that a translation request is told of by a completion without
 * permission, and which are not recorded (7.2.1).
 */
static bool recoverable(u8 fault)
{
	if (MUT(ATS_RECOVERABLE, false, fault == 0x79))
		return false;
	switch (fault) {
	case 0x59:
		return MUT(ATS_UNRECOVERABLE, false, true);
	case 0x71:
	case 0x74 ... 0x77:
	case 0x79:
	case 0x80 ... 0x82:
	case 0x84 ... 0x86:
		return true;
	}
	return false;
}

/* As much of what is asked for as there is: both, or one of them. */
static u8 translate_best(struct vtd_model *model, const struct model_tlp *tlp,
			 bool no_write, struct vtd_request *req,
			 struct vtd_leaf *leaf, bool *fpd)
{
	static const u32 tries[] = { MODEL_READ | MODEL_WRITE, MODEL_READ, MODEL_WRITE };
	unsigned int i;
	u8 fault = 0;

	no_write = MUT(ATS_NO_WRITE, no_write, false);
	for (i = no_write; i < ARRAY_SIZE(tries) - no_write; i++) {
		*req = request(tlp, VTD_AT_TRANSLATION);
		req->perm &= ~(MODEL_READ | MODEL_WRITE);
		req->perm |= tries[i];
		fault = vtd_translate(model, req, leaf, fpd);
		if (fault != 0x85 && fault != 0x86)
			break;
	}
	return fault;
}

static void complete_translation(const struct vtd_model *model,
				 const struct model_tlp *tlp,
				 const struct vtd_request *req,
				 const struct vtd_leaf *leaf,
				 struct model_translation *result)
{
	u32 perm = req->perm & (MODEL_READ | MODEL_WRITE);

	if (tlp->pasid_valid)
		perm |= MUT(ATS_PRIV, tlp->perm & MODEL_PRIV, MODEL_PRIV);
	/* Execute is granted only where requests for it are checked. */
	if (tlp->pasid_valid &&
	    MUT(ATS_EXEC, model->config.ecap & VTD_ECAP_ERS, true))
		perm |= tlp->perm & MODEL_EXEC;
	*result = (struct model_translation){
		.addr = leaf->pa, .perm = perm,
		.size = MUT(ATS_SIZE, leaf->size, leaf->size >> 1),
	};
}

static enum model_status translate_locked(struct vtd_model *model,
					  const struct model_tlp *tlp, bool no_write,
					  struct model_translation *result)
{
	struct vtd_request req;
	struct vtd_leaf leaf;
	bool fpd;
	u8 fault;

	if (!(model->gsts & VTD_GSTS_TES) && !MUT(ATS_TE, false, true))
		return MODEL_UNSUPPORTED;
	fault = translate_best(model, tlp, no_write, &req, &leaf, &fpd);
	if (!fault) {
		complete_translation(model, tlp, &req, &leaf, result);
		return MODEL_OK;
	}
	if (recoverable(fault))
		return MODEL_OK;
	if (!fpd)
		vtd_fault(model, &req, fault);
	return MODEL_UNSUPPORTED;
}

static enum model_status translate(struct model_port *port,
				   const struct model_tlp *tlp, bool no_write,
				   struct model_translation *result)
{
	struct vtd_model *model = container_of(port, struct vtd_model, port);
	enum model_status status;
	unsigned long flags;

	*result = (struct model_translation){
		.addr = tlp->addr & ~(u64)(SZ_4K - 1), .size = SZ_4K,
	};
	if (is_interrupt(tlp)) {
		/* 3.14: writes there are interrupts, and are not translated. */
		result->perm = MODEL_WRITE;
		result->untranslated_only = MUT(ATS_MSI, true, false);
		return MODEL_OK;
	}
	flags = vtd_lock(model);
	status = translate_locked(model, tlp, no_write, result);
	vtd_unlock(model, flags);
	return status;
}

static enum model_status page_request(struct model_port *port,
				      const struct model_tlp *tlp, u16 grpid,
				      bool last)
{
	return vtd_page_request(container_of(port, struct vtd_model, port), tlp,
				grpid, last);
}

static const struct model_port_ops port_ops = {
	.access = access,
	.access_translated = access_translated,
	.translate = translate,
	.page_request = page_request,
	.connect = connect,
};

/**
 * vtd_model_create() - make a unit
 * @config: what it can do
 *
 * It comes up as after a reset: nothing translated, interrupts masked. May sleep.
 *
 * Return: the unit, or ERR_PTR(-ENOMEM); -EINVAL if @config has no raise function.
 */
struct vtd_model *vtd_model_create(const struct vtd_model_config *config)
{
	struct vtd_model *model;
	int rc;

	if (!config->raise)
		return ERR_PTR(-EINVAL);
	model = kvzalloc(sizeof(*model), GFP_KERNEL);
	if (!model)
		return ERR_PTR(-ENOMEM);
	model->port.ops = &port_ops;
	model->config = *config;
	raw_spin_lock_init(&model->lock);
	hrtimer_init(&model->delay, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	model->delay.function = delayed;
	model->masked[VTD_MODEL_IRQ_FAULT] = true;
	model->masked[VTD_MODEL_IRQ_PAGE_REQUEST] = true;
	rc = vtd_cache_create(model);
	if (!rc)
		rc = vtd_memory_create(model);
	if (rc) {
		vtd_cache_destroy(model);
		kvfree(model);
		return ERR_PTR(rc);
	}
	return model;
}

/**
 * vtd_model_destroy() - take a unit away
 * @model: nobody uses it; that it translates, or that a function is connected, is
 *	a violation
 *
 * May sleep.
 */
void vtd_model_destroy(struct vtd_model *model)
{
	unsigned int i;

	hrtimer_cancel(&model->delay);
	if (model->gsts & VTD_GSTS_TES)
		model_violation("vtd: taken away while it translates");
	for (i = 0; i < VTD_FUNCTIONS; i++)
		if (model->functions[i].fn)
			model_violation("vtd: taken away with function %#x connected",
					model->functions[i].rid);
	vtd_memory_destroy(model);
	vtd_cache_destroy(model);
	kvfree(model);
}

/**
 * vtd_model_port() - where functions send their requests
 * @model: unit
 *
 * Return: its port; lives as long as @model.
 */
struct model_port *vtd_model_port(struct vtd_model *model)
{
	return &model->port;
}

/**
 * vtd_model_inject() - make an error
 * @model: unit
 * @what: kind
 * @nth: which one from now, from 1; what &enum vtd_model_inject says for those that
 *	last; 0 takes it back
 *
 * Any context.
 */
void vtd_model_inject(struct vtd_model *model, enum vtd_model_inject what,
		      unsigned long nth)
{
	unsigned long flags = vtd_lock(model);

	model->inject[what] = nth;
	if (what == VTD_MODEL_INJECT_DELAY && !nth && model->late) {
		/* If it is running already it finds nothing to do. */
		hrtimer_try_to_cancel(&model->delay);
		model->late = false;
		model->raise |= BIT(VTD_MODEL_IRQ_PAGE_REQUEST);
	}
	vtd_unlock(model, flags);
}

/**
 * vtd_injected() - is this the one that is to go wrong?
 * @model: locked
 * @what: an error that is made once
 *
 * Return: true, once, when it is the nth.
 */
bool vtd_injected(struct vtd_model *model, enum vtd_model_inject what)
{
	return model->inject[what] && !--model->inject[what];
}

/**
 * vtd_model_counts() - what the unit has done so far
 * @model: unit
 * @counts: result
 *
 * Any context.
 */
void vtd_model_counts(struct vtd_model *model, struct vtd_model_counts *counts)
{
	unsigned long flags = vtd_lock(model);

	*counts = model->counts;
	vtd_unlock(model, flags);
}
