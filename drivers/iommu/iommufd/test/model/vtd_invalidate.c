// SPDX-License-Identifier: GPL-2.0-only
/* Invalidation descriptors of the VT-d model (6.5.2). */
#include <linux/errno.h>

#include "vtd_internal.h"

enum {
	DESC_CONTEXT = 1,
	DESC_IOTLB = 2,
	DESC_DEVICE_TLB = 3,
	DESC_INTERRUPT = 4,
	DESC_WAIT = 5,
	DESC_PASID_IOTLB = 6,
	DESC_PASID = 7,
	DESC_PASID_DEVICE_TLB = 8,
	DESC_PAGE_RESPONSE = 9,
};

/* Fields that several have */
#define DESC_TYPE_LOW		GENMASK_ULL(3, 0)
#define DESC_TYPE_HIGH		MUT_MASK(DESC_TYPE_HIGH, 11, 9, 10, 9)
#define DESC_G			MUT_MASK(DESC_G, 5, 4, 4, 4)
#define DESC_DID		MUT_MASK(DESC_DID, 31, 16, 30, 16)
#define DESC_PASID_FIELD	MUT_MASK(DESC_PASID, 51, 32, 50, 32)
#define DESC_RID		MUT_MASK(DESC_RID, 31, 16, 32, 17)
#define DESC_SID		MUT_MASK(DESC_SID, 47, 32, 46, 32)
#define DESC_FM			MUT_MASK(DESC_FM, 49, 48, 48, 48)
#define DESC_AM			MUT_MASK(DESC_AM, 5, 0, 4, 0)
#define DESC_IH			MUT_BIT(DESC_IH, 6, 5)
#define DESC_ADDR		GENMASK_ULL(63, 12)
#define DESC_TYPE		(DESC_TYPE_LOW | DESC_TYPE_HIGH)

/* Of a page group response (7.6) */
#define RESPONSE_PP		MUT_BIT(RESPONSE_PP, 4, 5)
#define RESPONSE_CODE		MUT_MASK(RESPONSE_CODE, 15, 12, 14, 12)
#define RESPONSE_LPIG		MUT_BIT(RESPONSE_LPIG, 2, 1)
#define RESPONSE_PRGI		MUT_MASK(RESPONSE_PRGI, 11, 3, 10, 3)

#define TLBS	(BIT(VTD_CACHED_TLB_FS) | \
		 MUT(INV_TLB_KINDS, BIT(VTD_CACHED_TLB_NESTED), 0) | \
		 BIT(VTD_CACHED_TLB_PT) | BIT(VTD_CACHED_TLB_SS))
#define TABLES	(BIT(VTD_CACHED_PSC_FS) | BIT(VTD_CACHED_PSC_NESTED) | \
		 BIT(VTD_CACHED_PSC_SS))

/**
 * struct effect - what a descriptor wants of the outside
 * @rid: of whom
 * @device_tlb: invalidate there
 * @response: give it a page group response
 * @pasid_valid: @pasid is meant
 * @pasid: of it
 * @global: of every PASID
 * @addr: first address
 * @size: bytes
 * @grpid: page request group
 * @code: MODEL_PRG_*
 */
struct effect {
	u16 rid;
	bool device_tlb;
	bool response;
	bool pasid_valid;
	u32 pasid;
	bool global;
	u64 addr;
	u64 size;
	u16 grpid;
	u8 code;
};

static unsigned int desc_type(const u64 *desc)
{
	return vtd_get(DESC_TYPE_LOW, desc[0]) |
	       (unsigned int)vtd_get(DESC_TYPE_HIGH, desc[0]) << 4;
}

static unsigned int desc_granularity(const u64 *desc)
{
	return vtd_get(DESC_G, desc[0]);
}

static u16 desc_did(const u64 *desc)
{
	return vtd_get(DESC_DID, desc[0]);
}

static u32 desc_pasid(const u64 *desc)
{
	return vtd_get(DESC_PASID_FIELD, desc[0]);
}

/* Function mask: the low bits of the function number do not count. */
static u16 function_mask(const u64 *desc)
{
	static const u16 masks[] = { 0, 4, 6, 7 }, wrong[] = { 0, 1, 3, 7 };
	unsigned int fm = vtd_get(DESC_FM, desc[0]);

	return MUT(INV_FM, masks[fm], wrong[fm]);
}

/* 6.5.2.1 */
static bool do_context(struct vtd_model *model, const u64 *desc)
{
	struct vtd_scope scope = { .kinds = BIT(VTD_CACHED_CONTEXT) };

	if (desc[0] & ~(DESC_TYPE | DESC_G | DESC_DID | DESC_SID | DESC_FM) || desc[1])
		return false;
	switch (desc_granularity(desc)) {
	case 1:
		break;
	case 2:
		/* Scalable-mode context entries have no domain: all of them. */
		break;
	case 3:
		scope.by_rid = MUT(INV_CC_DEVICE, true, false);
		scope.rid = vtd_get(DESC_SID, desc[0]);
		scope.rid_mask = function_mask(desc);
		break;
	default:
		return false;
	}
	vtd_cache_drop(model, &scope);
	return true;
}

/* 6.5.2.2 */
static bool do_pasid(struct vtd_model *model, const u64 *desc)
{
	struct vtd_scope scope = {
		.kinds = BIT(VTD_CACHED_PASID),
		.did = desc_did(desc), .pasid = desc_pasid(desc),
	};

	if (desc[0] & ~(DESC_TYPE | DESC_G | DESC_DID | DESC_PASID_FIELD) || desc[1])
		return false;
	switch (desc_granularity(desc)) {
	case 0:
		scope.by_did = MUT(INV_PC_DOMAIN, true, false);
		break;
	case 1:
		scope.by_did = MUT(INV_PC_PASID_DID, true, false);
		scope.by_pasid = MUT(INV_PC_PASID, true, false);
		break;
	case 3:
		break;
	default:
		return false;
	}
	vtd_cache_drop(model, &scope);
	return true;
}

/* Address range of a page-selective invalidation. */
static bool address_scope(struct vtd_model *model, const u64 *desc,
			  struct vtd_scope *scope)
{
	unsigned int am = vtd_get(DESC_AM, desc[1]);

	if (!(model->config.cap & VTD_CAP_PSI) ||
	    am > VTD_CAP_MAMV(model->config.cap) - MUT(INV_MAMV, 0, 1) ||
	    desc[1] & GENMASK_ULL(11, 7))
		return false;
	scope->by_addr = true;
	scope->addr = desc[1] & DESC_ADDR &
		      ~MUT(INV_AM_ALIGN, ((u64)SZ_4K << am) - 1, 0);
	scope->last = scope->addr + ((u64)MUT(INV_AM, SZ_4K, SZ_8K) << am) - 1;
	return true;
}

/*
 * 6.5.2.3. By page it is for second-stage addresses: what a nested translation
 * cached has those of the first stage, and stays.
 */
static bool do_iotlb(struct vtd_model *model, const u64 *desc)
{
	struct vtd_scope scope = { .kinds = TLBS | TABLES, .did = desc_did(desc) };

	/* DW and DR: reads and writes are done when the descriptor is. */
	if (desc[0] & ~(DESC_TYPE | DESC_G | GENMASK_ULL(7, 6) | DESC_DID))
		return false;
	switch (desc_granularity(desc)) {
	case 1:
		break;
	case 2:
		scope.by_did = MUT(INV_TLB_DOMAIN, true, false);
		break;
	case 3:
		scope.by_did = MUT(INV_TLB_PAGE_DID, true, false);
		if (!address_scope(model, desc, &scope))
			return false;
		scope.by_addr = MUT(INV_TLB_PAGE, true, false);
		scope.kinds = BIT(VTD_CACHED_TLB_SS);
		if (!(desc[1] & DESC_IH) && !MUT(INV_TLB_TABLES, false, true))
			scope.kinds |= BIT(VTD_CACHED_PSC_SS);
		scope.kinds |= MUT(INV_TLB_NESTED, 0, TLBS);
		break;
	default:
		return false;
	}
	vtd_cache_drop(model, &scope);
	return true;
}

/* 6.5.2.4 */
static bool do_pasid_iotlb(struct vtd_model *model, const u64 *desc)
{
	struct vtd_scope scope = {
		.kinds = BIT(VTD_CACHED_TLB_FS) |
			 MUT(INV_PTLB_NESTED, BIT(VTD_CACHED_TLB_NESTED), 0),
		.by_did = MUT(INV_PTLB_DID, true, false), .did = desc_did(desc),
		.by_pasid = MUT(INV_PTLB_PASID, true, false),
		.pasid = desc_pasid(desc),
	};
	const unsigned long tables = BIT(VTD_CACHED_PSC_FS) |
				     BIT(VTD_CACHED_PSC_NESTED);

	if (desc[0] & ~(DESC_TYPE | DESC_G | DESC_DID | DESC_PASID_FIELD))
		return false;
	switch (desc_granularity(desc)) {
	case 2:
		if (desc[1])
			return false;
		scope.kinds |= BIT(VTD_CACHED_TLB_PT) | tables;
		break;
	case 3:
		if (!address_scope(model, desc, &scope))
			return false;
		scope.by_addr = MUT(INV_PTLB_PAGE, true, false);
		if (!(desc[1] & DESC_IH) || MUT(INV_PTLB_TABLES, false, true))
			scope.kinds |= tables;
		break;
	default:
		return false;
	}
	vtd_cache_drop(model, &scope);
	return true;
}

/* Size is in the address: bits up to and with the lowest clear one (PCIe 10.3). */
static void device_range(const u64 *desc, bool sized, struct effect *effect)
{
	u64 addr = desc[1] & DESC_ADDR, ones = addr | GENMASK_ULL(11, 0);

	effect->addr = addr;
	effect->size = SZ_4K;
	if (!sized)
		return;
	/* The lowest clear bit is the highest of all, or there is none: everything. */
	if (!(~ones & GENMASK_ULL(62, 12))) {
		effect->addr = 0;
		effect->size = MUT(DEVTLB_ALL, 0, BIT_ULL(63));
		return;
	}
	effect->size = MUT(DEVTLB_SIZE, 2ULL, 1ULL) << __builtin_ctzll(~ones);
	effect->addr = addr & ~(effect->size - 1);
}

/* 6.5.2.5 */
static bool do_device_tlb(struct vtd_model *model, const u64 *desc,
			  struct effect *effect)
{
	if (!(model->config.ecap & VTD_ECAP_DT))
		return false;
	if (desc[0] & (GENMASK_ULL(8, 4) | GENMASK_ULL(31, 21) | GENMASK_ULL(51, 48)) ||
	    desc[1] & GENMASK_ULL(11, 1))
		return false;
	effect->device_tlb = true;
	effect->rid = vtd_get(DESC_SID, desc[0]);
	device_range(desc, desc[1] & MUT_BIT(DEVTLB_S, 0, 1), effect);
	return true;
}

/* 6.5.2.6 */
static bool do_pasid_device_tlb(struct vtd_model *model, const u64 *desc,
				struct effect *effect)
{
	u64 ecap = model->config.ecap;

	if (!(ecap & VTD_ECAP_DT) || !(ecap & VTD_ECAP_PASID))
		return false;
	if (desc[1] & GENMASK_ULL(10, 1))
		return false;
	effect->device_tlb = true;
	effect->rid = vtd_get(DESC_RID, desc[0]);
	effect->pasid_valid = true;
	effect->pasid = desc_pasid(desc);
	effect->global = desc[1] & MUT_BIT(PDEVTLB_G, 0, 1);
	device_range(desc, desc[1] & MUT_BIT(PDEVTLB_S, 11, 10), effect);
	return true;
}

static bool do_interrupt(const u64 *desc)
{
	const u64 reserved = GENMASK_ULL(8, 5) | GENMASK_ULL(26, 12) |
			     GENMASK_ULL(63, 48);

	return !(desc[0] & reserved) && !desc[1];
}

static bool do_wait(const u64 *desc)
{
	const u64 reserved = BIT_ULL(8) | GENMASK_ULL(31, 12);

	return !(desc[0] & reserved) && !(desc[1] & GENMASK_ULL(1, 0));
}

/* 7.6.1 */
static bool do_response(struct vtd_model *model, const u64 *desc,
			struct effect *effect)
{
	u8 code = vtd_get(RESPONSE_CODE, desc[0]);

	if (!(model->config.ecap & VTD_ECAP_PRS))
		return false;
	if (desc[0] & (GENMASK_ULL(8, 5) | GENMASK_ULL(63, 52)) ||
	    desc[1] & ~(RESPONSE_LPIG | RESPONSE_PRGI))
		return false;
	if (code != MODEL_PRG_SUCCESS && code != MODEL_PRG_INVALID &&
	    code != MODEL_PRG_FAILURE)
		return false;
	effect->response = true;
	effect->rid = vtd_get(DESC_RID, desc[0]);
	effect->pasid_valid = desc[0] & RESPONSE_PP;
	effect->pasid = effect->pasid_valid ? desc_pasid(desc) : 0;
	effect->grpid = vtd_get(RESPONSE_PRGI, desc[1]);
	effect->code = code;
	model->counts.responses[code]++;
	return true;
}

/* Check one, and do what the unit does itself. False: it is invalid. */
static bool carry_out(struct vtd_model *model, const u64 *desc, struct effect *effect)
{
	if (desc[2] || desc[3])
		return false;
	switch (desc_type(desc)) {
	case DESC_CONTEXT:
		return do_context(model, desc);
	case DESC_IOTLB:
		return do_iotlb(model, desc);
	case DESC_DEVICE_TLB:
		return do_device_tlb(model, desc, effect);
	case DESC_INTERRUPT:
		return do_interrupt(desc);
	case DESC_WAIT:
		return do_wait(desc);
	case DESC_PASID_IOTLB:
		return do_pasid_iotlb(model, desc);
	case DESC_PASID:
		return do_pasid(model, desc);
	case DESC_PASID_DEVICE_TLB:
		return do_pasid_device_tlb(model, desc, effect);
	case DESC_PAGE_RESPONSE:
		return do_response(model, desc, effect);
	}
	return false;
}

/* A descriptor is not to be carried out. */
static bool is_dropped(struct vtd_model *model, unsigned int type)
{
	bool nth = vtd_injected(model, VTD_MODEL_INJECT_DROP);

	return nth || (type < 16 &&
		       model->inject[VTD_MODEL_INJECT_DROP_TYPES] & BIT(type));
}

/* Is one that is about cached tables too, and was to leave them alone. */
static bool keeps_tables(struct vtd_model *model, const u64 *desc, u64 leaf[4])
{
	unsigned int type = desc_type(desc);

	if (!vtd_injected(model, VTD_MODEL_INJECT_KEEP_TABLES) ||
	    (type != DESC_IOTLB && type != DESC_PASID_IOTLB) ||
	    desc_granularity(desc) != 3 || desc[1] & DESC_IH)
		return false;
	model->counts.kept++;
	memcpy(leaf, desc, 4 * sizeof(*leaf));
	leaf[1] |= DESC_IH;
	return true;
}

static void respond(struct model_function *fn, const struct effect *effect)
{
	if (fn->ops->prg_response(fn, effect->pasid_valid, effect->pasid,
				  effect->grpid, effect->code))
		return;
	model_violation("vtd: %#x did not wait for an answer to group %u, PASID %#x",
			effect->rid, effect->grpid, effect->pasid);
}

/* What the unit says to a function, with the lock not held. */
static int send(struct vtd_model *model, const struct effect *effect)
{
	struct vtd_connection *conn;
	bool answered = true;

	if (!effect->device_tlb && !effect->response)
		return 0;
	conn = vtd_function_get(model, effect->rid);
	if (!conn)
		/* An answer to nobody is lost; an invalidation is waited for. */
		return effect->device_tlb ? -ETIMEDOUT : 0;
	if (effect->response)
		respond(conn->fn, effect);
	else
		answered = conn->fn->ops->invalidate(conn->fn, effect->pasid_valid,
						     effect->pasid, effect->global,
						     effect->addr, effect->size);
	vtd_function_put(model, conn);
	return answered ? 0 : -ETIMEDOUT;
}

/*
 * The queue stops in front of what is refused, and goes on when software has cleared
 * the error (11.4.7.1).
 */
static int refuse(struct vtd_model *model, u8 iqei)
{
	vtd_queue_error(model, VTD_FSTS_IQE, VTD_IQER_IQEI, iqei);
	return -EINVAL;
}

static u8 what_is_wrong(const u64 *desc)
{
	unsigned int type = desc_type(desc);

	return type < DESC_CONTEXT || type > DESC_PAGE_RESPONSE ? VTD_IQEI_TYPE :
								  VTD_IQEI_RESERVED;
}

static int submit_one(struct vtd_model *model, const u64 *desc)
{
	unsigned int type = desc_type(desc);
	struct effect effect = {};
	unsigned long flags;
	bool valid = true, dropped, timeout = false;
	u64 leaf[4];
	int rc;

	flags = vtd_lock(model);
	if (model->queue_errors & VTD_FSTS_IQE) {
		vtd_unlock(model, flags);
		return -EBUSY;
	}
	dropped = is_dropped(model, type);
	if (keeps_tables(model, desc, leaf))
		desc = leaf;
	if (vtd_injected(model, VTD_MODEL_INJECT_REFUSE))
		valid = false;
	else if (!dropped)
		valid = carry_out(model, desc, &effect);
	if (effect.device_tlb) {
		timeout = vtd_injected(model, VTD_MODEL_INJECT_TIMEOUT);
		if (vtd_injected(model, VTD_MODEL_INJECT_COMPLETION))
			vtd_queue_error(model, VTD_FSTS_ICE, VTD_IQER_ICESID,
					effect.rid);
	}
	if (dropped && type < ARRAY_SIZE(model->counts.dropped))
		model->counts.dropped[type]++;
	else if (!dropped && valid)
		model->counts.descs[type]++;
	rc = valid ? 0 : refuse(model, what_is_wrong(desc));
	vtd_unlock(model, flags);
	if (rc)
		return rc;
	return timeout ? -ETIMEDOUT : send(model, &effect);
}

/**
 * vtd_model_submit() - carry out invalidation descriptors
 * @model: unit
 * @descs: 256-bit descriptors
 * @num: of them
 * @drain: the wait descriptor behind them has its page request drain bit
 * @index: which one failed
 *
 * Descriptors are done in their order, and are done when this returns: page
 * requests enter the queue as they are made, so that nothing is left to drain.
 * Calls functions. Any context that those allow.
 *
 * Return: 0; -EINVAL for a descriptor with a reserved bit, an unknown type or
 * granularity, or that the unit has no capability for, also for a drain without
 * one (*index is @num then); -EBUSY, and nothing is done, until the error of such a
 * one has been cleared; -ETIMEDOUT if a function did not answer.
 */
int vtd_model_submit(struct vtd_model *model, const u64 (*descs)[4],
		     unsigned int num, bool drain, unsigned int *index)
{
	unsigned long flags;
	unsigned int i;
	int rc;

	flags = vtd_lock(model);
	model->counts.submits++;
	vtd_unlock(model, flags);
	for (i = 0; i < num; i++) {
		*index = i;
		rc = submit_one(model, descs[i]);
		if (rc)
			return rc;
	}
	if (drain && !MUT(WAIT_DRAIN, model->config.ecap & VTD_ECAP_PDS, true)) {
		*index = num;
		flags = vtd_lock(model);
		rc = refuse(model, VTD_IQEI_RESERVED);
		vtd_unlock(model, flags);
		return rc;
	}
	return 0;
}
