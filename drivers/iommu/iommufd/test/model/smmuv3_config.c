// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration of the SMMUv3 model: from the stream table to the context descriptor
 * (3.3), each structure through a cache of its own (4.3). What was fetched is cached
 * in any state, valid or not (5.4.1).
 */
#include "smmuv3_internal.h"

/* SMMU_STRTAB_BASE (6.3.24), SMMU_STRTAB_BASE_CFG (6.3.25) */
#define STRTAB_ADDR		GENMASK_ULL(55, 6)
#define STRTAB_LOG2SIZE		MUT_MASK(STRTAB_LOG2SIZE, 5, 0, 2, 0)
#define STRTAB_SPLIT		MUT_MASK(STRTAB_SPLIT, 10, 6, 8, 6)
#define STRTAB_FMT		GENMASK_ULL(17, 16)

/* Level 1 stream table descriptor (5.1) */
#define L1STD_SPAN		MUT_MASK(L1STD_SPAN, 4, 0, 2, 0)
#define L1STD_L2PTR		GENMASK_ULL(55, 6)
#define L1STD_SPAN_MAX		11

/* Level 1 context descriptor (5.3) */
#define L1CD_V			MUT_BIT(L1CD_V, 0, 12)
#define L1CD_L2PTR		GENMASK_ULL(55, 12)

#define STE_BYTES		64
#define CD_BYTES		64

static void fail(struct smmuv3_fault *fault, u8 type)
{
	*fault = (struct smmuv3_fault){ .type = type, .config = true };
}

static void fail_fetch(struct smmuv3_fault *fault, u8 type, u64 pa)
{
	fail(fault, type);
	fault->fetch = pa;
}

static unsigned int strtab_split(const struct smmuv3_model *model)
{
	unsigned int split = smmuv3_get(STRTAB_SPLIT, model->strtab_cfg);

	return split == 8 || split == 10 ? split : 6;
}

static u64 aligned(u64 base, u64 size)
{
	return base & ~(max_t(u64, size, 64) - 1);
}

/* The level 1 descriptor of a two-level table */
static bool fetch_l1std(struct smmuv3_model *model, u32 sid, unsigned int log2size,
			u64 *l1, struct smmuv3_fault *fault)
{
	unsigned int split = strtab_split(model);
	struct smmuv3_tag tag = {
		.kind = SMMUV3_CACHED_L1STD, .addr = sid, .size = BIT_ULL(split),
	};
	struct smmuv3_cached *entry = smmuv3_cache_find(model, &tag);
	u64 size = 8ULL << (log2size > split ? log2size - split : 0);
	u64 pa = aligned(model->strtab & STRTAB_ADDR, size) + (sid >> split) * 8;

	if (!entry) {
		if (!smmuv3_memory_read(model, pa, l1, 1)) {
			fail_fetch(fault, SMMUV3_F_STE_FETCH, pa);
			return false;
		}
		entry = smmuv3_cache_add(model, &tag);
		entry->data[0] = *l1;
	}
	*l1 = entry->data[0];
	return true;
}

/* Where an STE is */
static bool locate_ste(struct smmuv3_model *model, u32 sid, u64 *pa,
		       struct smmuv3_fault *fault)
{
	unsigned int log2size = smmuv3_get(STRTAB_LOG2SIZE, model->strtab_cfg);
	unsigned int split = strtab_split(model), span;
	u64 l1;

	if ((u64)sid >> log2size) {
		fail(fault, SMMUV3_C_BAD_STREAMID);
		return false;
	}
	if (smmuv3_get(STRTAB_FMT, model->strtab_cfg) != 1) {
		*pa = aligned(model->strtab & STRTAB_ADDR,
			      (u64)STE_BYTES << log2size) + (u64)sid * STE_BYTES;
		return true;
	}
	if (!fetch_l1std(model, sid, log2size, &l1, fault))
		return false;
	span = smmuv3_get(L1STD_SPAN, l1);
	sid &= (1U << split) - 1;
	if (!span || span > L1STD_SPAN_MAX ||
	    span > split + 1 + MUT(SPAN_SPLIT, 0, 1) ||
	    sid >= MUT(SPAN_LIMIT, 1U, 2U) << (span - 1)) {
		fail(fault, SMMUV3_C_BAD_STREAMID);
		return false;
	}
	*pa = aligned(l1 & L1STD_L2PTR, (u64)STE_BYTES << (span - 1)) +
	      (u64)sid * STE_BYTES;
	return true;
}

/**
 * smmuv3_fetch_ste() - the stream table entry of a stream
 * @model: locked, and SMMUEN is on
 * @sid: StreamID
 * @ste: 8 words
 * @fault: type is set if there is none that can be used
 */
void smmuv3_fetch_ste(struct smmuv3_model *model, u32 sid, u64 ste[8],
		      struct smmuv3_fault *fault)
{
	struct smmuv3_tag tag = {
		.kind = SMMUV3_CACHED_STE, .sid = sid, .size = 1,
	};
	struct smmuv3_cached *entry;
	u64 pa;

	entry = smmuv3_cache_find(model, &tag);
	if (!entry) {
		if (!locate_ste(model, sid, &pa, fault))
			return;
		if (!smmuv3_memory_read(model, pa, ste, 8)) {
			fail_fetch(fault, SMMUV3_F_STE_FETCH, pa);
			return;
		}
		model->counts.ste_fetches++;
		entry = smmuv3_cache_add(model, &tag);
		memcpy(entry->data, ste, sizeof(entry->data));
	}
	memcpy(ste, entry->data, sizeof(entry->data));
	if (!smmuv3_ste_legal(model, ste))
		fail(fault, SMMUV3_C_BAD_STE);
}

/* Read from a table that is in intermediate addresses if there is a stage 2. */
static bool read_table(struct smmuv3_context *ctx, u64 addr, u64 *words,
		       unsigned int num, struct smmuv3_fault *fault)
{
	struct smmuv3_leaf leaf;
	u64 pa = addr;

	if (ctx->s2 && MUT(CD_STAGE2, true, false)) {
		smmuv3_stage2(ctx, addr, SMMUV3_CLASS_CD, MODEL_READ, &leaf, fault);
		if (fault->type)
			return false;
		pa = leaf.out + (addr & (leaf.size - 1));
	}
	if ((!ctx->s2 || model_granted(&ctx->model->port, pa, false,
				       "context descriptor")) &&
	    smmuv3_memory_read(ctx->model, pa, words, num))
		return true;
	fail_fetch(fault, SMMUV3_F_CD_FETCH, pa);
	return false;
}

static unsigned int cdmax(const struct smmuv3_context *ctx)
{
	if (!smmuv3_get(SMMUV3_IDR1_SSIDSIZE, ctx->model->config.idr1))
		return 0;
	return smmuv3_get(SMMUV3_STE0_S1CDMAX, ctx->ste[0]);
}

/**
 * smmuv3_has_substreams() - are substreams enabled for the stream?
 * @ctx: with its STE
 *
 * Return: true if so (5.2, S1CDMax).
 */
bool smmuv3_has_substreams(const struct smmuv3_context *ctx)
{
	return cdmax(ctx);
}

/* Log2 of the CDs a level 2 table has; 0: the table is linear (5.2, S1Fmt). */
static unsigned int cd_split(const struct smmuv3_context *ctx)
{
	unsigned int fmt = smmuv3_get(SMMUV3_STE0_S1FMT, ctx->ste[0]);

	if (!smmuv3_has_substreams(ctx))
		return 0;
	return fmt == 1 ? MUT(S1FMT_4K, 6, 10) : fmt == 2 ? 10 : 0;
}

/* The level 1 descriptor of a two-level table of CDs */
static bool fetch_l1cd(struct smmuv3_context *ctx, u32 ssid, unsigned int split,
		       u64 *l1, struct smmuv3_fault *fault)
{
	struct smmuv3_tag tag = {
		.kind = SMMUV3_CACHED_L1CD, .sid = ctx->req->sid, .addr = ssid,
		.size = BIT_ULL(split),
	};
	struct smmuv3_cached *entry = smmuv3_cache_find(ctx->model, &tag);
	u64 base = ctx->ste[0] & SMMUV3_STE0_S1CTXPTR;
	u64 size = 8ULL << (cdmax(ctx) > split ? cdmax(ctx) - split : 0);

	if (!entry) {
		if (!read_table(ctx, aligned(base, size) + (ssid >> split) * 8, l1, 1,
				fault))
			return false;
		entry = smmuv3_cache_add(ctx->model, &tag);
		entry->data[0] = *l1;
	}
	*l1 = entry->data[0];
	return true;
}

/* Where a CD is */
static bool locate_cd(struct smmuv3_context *ctx, u32 ssid, u64 *addr,
		      struct smmuv3_fault *fault)
{
	unsigned int split = cd_split(ctx);
	u64 l1;

	if (!split) {
		*addr = aligned(ctx->ste[0] & SMMUV3_STE0_S1CTXPTR,
				(u64)CD_BYTES << cdmax(ctx)) + ssid * CD_BYTES;
		return true;
	}
	if (!fetch_l1cd(ctx, ssid, split, &l1, fault))
		return false;
	if (!(l1 & L1CD_V) || (l1 & L1CD_L2PTR) >> smmuv3_oas(ctx->model)) {
		fail(fault, SMMUV3_C_BAD_SUBSTREAMID);
		fault->ssid = ssid;
		return false;
	}
	*addr = aligned(l1 & L1CD_L2PTR, (u64)CD_BYTES << split) +
		(ssid & ((1U << split) - 1)) * CD_BYTES;
	return true;
}

static void fetch_cd(struct smmuv3_context *ctx, u32 ssid, struct smmuv3_fault *fault)
{
	struct smmuv3_tag tag = {
		.kind = SMMUV3_CACHED_CD, .sid = ctx->req->sid, .addr = ssid, .size = 1,
	};
	struct smmuv3_cached *entry = smmuv3_cache_find(ctx->model, &tag);
	u64 addr, cd[8];

	if (!entry) {
		if (!locate_cd(ctx, ssid, &addr, fault) ||
		    !read_table(ctx, addr, cd, 8, fault))
			return;
		ctx->model->counts.cd_fetches++;
		entry = smmuv3_cache_add(ctx->model, &tag);
		memcpy(entry->data, cd, sizeof(cd));
	}
	memcpy(ctx->cd, entry->data, sizeof(ctx->cd));
	if (!smmuv3_cd_legal(ctx))
		fail(fault, SMMUV3_C_BAD_CD);
}

static void set_world(struct smmuv3_context *ctx)
{
	const struct smmuv3_model *model = ctx->model;
	unsigned int strw = smmuv3_get(SMMUV3_STE1_STRW, ctx->ste[1]);

	ctx->world = SMMUV3_EL1;
	if (!ctx->s2 && ctx->s1 && strw == 2 && model->config.idr0 & SMMUV3_IDR0_HYP)
		ctx->world = model->cr2 & SMMUV3_CR2_E2H ? SMMUV3_EL2_E2H : SMMUV3_EL2;
	ctx->vmid = 0;
	if (ctx->world == SMMUV3_EL1 && model->config.idr0 & SMMUV3_IDR0_S2P)
		ctx->vmid = smmuv3_get(SMMUV3_STE2_S2VMID, ctx->ste[2]);
}

/* 13.1: what the STE says instead of the transaction */
static void override(struct smmuv3_context *ctx)
{
	struct smmuv3_request *req = ctx->req;
	unsigned int priv = smmuv3_get(SMMUV3_STE1_PRIVCFG, ctx->ste[1]);
	unsigned int inst = smmuv3_get(SMMUV3_STE1_INSTCFG, ctx->ste[1]);

	if (ctx->model->config.idr1 & SMMUV3_IDR1_PERMS_OVR) {
		if (priv >= 2)
			req->priv = priv == 3;
		if (inst >= 2)
			req->inst = inst == 3;
	}
	if (req->write)
		req->inst = false;
}

static void bad_substream(const struct smmuv3_context *ctx, struct smmuv3_fault *fault)
{
	fail(fault, SMMUV3_C_BAD_SUBSTREAMID);
	fault->ssid = ctx->req->ssid;
}

/*
 * Which CD (5.2, S1DSS). False: none, because of @fault or because stage 1 is
 * bypassed.
 */
static bool select_cd(struct smmuv3_context *ctx, u32 *ssid,
		      struct smmuv3_fault *fault)
{
	unsigned int s1dss = smmuv3_get(SMMUV3_STE1_S1DSS, ctx->ste[1]);
	const struct smmuv3_request *req = ctx->req;

	*ssid = 0;
	if (req->ssv) {
		*ssid = req->ssid;
		if (!smmuv3_has_substreams(ctx) ||
		    req->ssid >> (cdmax(ctx) + MUT(SSID_LIMIT, 0, 1)))
			bad_substream(ctx, fault);
		else if (s1dss == 2 && !req->ssid && !MUT(S1DSS_ZERO, false, true))
			fail(fault, SMMUV3_F_STREAM_DISABLED);
		return !fault->type;
	}
	if (!smmuv3_has_substreams(ctx) || s1dss == MUT(S1DSS_SSID0, 2, 1))
		return true;
	if (s1dss == MUT(S1DSS_BYPASS, 1, 2))
		ctx->s1 = false;
	else
		fail(fault, SMMUV3_F_STREAM_DISABLED);
	return false;
}

/**
 * smmuv3_configure() - find out what a transaction is translated by
 * @ctx: with unit and transaction; the rest is filled in
 * @fault: type is set if it does not pass
 */
void smmuv3_configure(struct smmuv3_context *ctx, struct smmuv3_fault *fault)
{
	unsigned int config;
	u32 ssid;

	smmuv3_fetch_ste(ctx->model, ctx->req->sid, ctx->ste, fault);
	if (fault->type == SMMUV3_C_BAD_STREAMID &&
	    !(ctx->model->cr2 & SMMUV3_CR2_RECINVSID))
		fault->type = SMMUV3_SILENT;
	if (fault->type)
		return;
	config = smmuv3_get(SMMUV3_STE0_CONFIG, ctx->ste[0]);
	if (!(config & SMMUV3_CONFIG_PASS)) {
		fail(fault, SMMUV3_SILENT);
		return;
	}
	ctx->s1 = config & SMMUV3_CONFIG_S1;
	ctx->s2 = config & SMMUV3_CONFIG_S2;
	set_world(ctx);
	override(ctx);
	if (!ctx->s1) {
		if (ctx->req->ssv && !MUT(SSID_BYPASS, false, true))
			bad_substream(ctx, fault);
		return;
	}
	if (!select_cd(ctx, &ssid, fault))
		return;
	fetch_cd(ctx, ssid, fault);
	if (ctx->world != SMMUV3_EL2)
		ctx->asid = smmuv3_get(SMMUV3_CD0_ASID, ctx->cd[0]);
}
