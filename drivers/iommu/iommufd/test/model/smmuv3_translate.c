// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a transaction's address to memory, in the SMMUv3 model: translations that are
 * cached, and how the two stages make one (3.3.4, chapter 15). A translation that is
 * cached does not change until it is invalidated: what it forbids stays forbidden.
 */
#include <linux/minmax.h>

#include "smmuv3_internal.h"

static const u64 sizes[] = {
	SZ_4K, SZ_16K, SZ_64K, SZ_2M, SZ_32M, SZ_512M, SZ_1G,
};

static struct smmuv3_tag tlb_tag(const struct smmuv3_context *ctx,
				 enum smmuv3_cached_kind kind, u64 addr, u64 size)
{
	bool s1 = kind == SMMUV3_CACHED_TLB_S1;

	return (struct smmuv3_tag){
		.kind = kind, .world = ctx->world, .vmid = ctx->vmid,
		.asid = s1 ? ctx->asid : 0, .addr = addr, .size = size,
	};
}

/**
 * smmuv3_tlb_find() - a cached translation, of whatever size
 * @ctx: of the transaction
 * @kind: SMMUV3_CACHED_TLB_S1 or SMMUV3_CACHED_TLB_S2
 * @addr: input address
 *
 * Return: the entry or NULL.
 */
struct smmuv3_cached *smmuv3_tlb_find(struct smmuv3_context *ctx,
				      enum smmuv3_cached_kind kind, u64 addr)
{
	struct smmuv3_cached *entry;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct smmuv3_tag tag = tlb_tag(ctx, kind, addr, sizes[i]);

		entry = smmuv3_cache_find(ctx->model, &tag);
		if (entry)
			return entry;
	}
	return NULL;
}

/**
 * smmuv3_tlb_add() - cache a translation
 * @ctx: of the transaction
 * @kind: as in smmuv3_tlb_find()
 * @leaf: translation
 */
void smmuv3_tlb_add(struct smmuv3_context *ctx, enum smmuv3_cached_kind kind,
		    const struct smmuv3_leaf *leaf)
{
	struct smmuv3_tag tag = tlb_tag(ctx, kind, leaf->in, leaf->size);
	struct smmuv3_cached *entry = smmuv3_cache_add(ctx->model, &tag);

	entry->global = kind == SMMUV3_CACHED_TLB_S1 &&
			leaf->attr & SMMUV3_ATTR_GLOBAL &&
			ctx->world != SMMUV3_EL2;
	entry->tg = leaf->tg;
	entry->level = leaf->level;
	entry->data[0] = leaf->out;
	entry->data[1] = leaf->attr;
	entry->data[2] = leaf->ipa;
}

/**
 * smmuv3_tlb_leaf() - the translation in a cached entry
 * @entry: of a TLB
 * @leaf: result
 */
void smmuv3_tlb_leaf(const struct smmuv3_cached *entry, struct smmuv3_leaf *leaf)
{
	*leaf = (struct smmuv3_leaf){
		.in = entry->tag.addr, .size = entry->tag.size,
		.out = entry->data[0], .attr = entry->data[1], .ipa = entry->data[2],
		.tg = entry->tg, .level = entry->level,
	};
}

/* What the transaction needs of a stage, or a translation request would like. */
static u32 wanted(const struct smmuv3_context *ctx)
{
	u32 want = smmuv3_wanted(ctx->req);

	if (ctx->req->ats)
		want = MODEL_READ | (ctx->req->no_dirty ? 0 : MODEL_WRITE);
	return want;
}

static u64 ipa_of(const struct smmuv3_context *ctx, const struct smmuv3_leaf *leaf)
{
	return leaf->ipa + (ctx->req->addr & (leaf->size - 1));
}

/* A translation through both stages, of stage 1's @leaf: the smaller of both */
static void combine(const struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		    const struct smmuv3_leaf *second)
{
	u64 size = MUT(COMBINE_SIZE, min(leaf->size, second->size), leaf->size);
	u64 ipa = ipa_of(ctx, leaf) & ~(size - 1);

	leaf->in = smmuv3_canonical(ctx, ctx->req->addr) & ~(size - 1);
	leaf->out = second->out + (ipa & (second->size - 1));
	leaf->ipa = ipa;
	leaf->size = size;
	leaf->attr |= second->attr;
}

static void through_stage2(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
			   struct smmuv3_fault *fault)
{
	u32 rights = smmuv3_rights_s1(ctx, leaf->attr), want = wanted(ctx);
	struct smmuv3_leaf second;

	if (ctx->req->ats) {
		want &= rights;
		/* 3.9.1.2: what grants nothing is not looked at any further. */
		if (!rights)
			return;
	}
	smmuv3_stage2(ctx, ipa_of(ctx, leaf), SMMUV3_CLASS_IN, want, &second, fault);
	if (!fault->type)
		combine(ctx, leaf, &second);
}

/* From the TLB. False: it has none, or one that is to become dirty. */
static bool from_tlb(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		     struct smmuv3_fault *fault)
{
	u64 addr = smmuv3_canonical(ctx, ctx->req->addr);
	struct smmuv3_cached *entry;
	u32 want = wanted(ctx);

	entry = smmuv3_tlb_find(ctx, SMMUV3_CACHED_TLB_S1, addr);
	if (!entry)
		return false;
	smmuv3_tlb_leaf(entry, leaf);
	if (MUT(TLB_DIRTY, smmuv3_dirty_s1(ctx, leaf->attr, want) != leaf->attr ||
		smmuv3_dirty_s2(ctx, leaf->attr, want) != leaf->attr, false))
		return false;
	ctx->model->counts.tlb_hits++;
	smmuv3_check_s1(ctx, leaf->attr, want, fault);
	if (!fault->type)
		smmuv3_check_s2(ctx, leaf->attr, SMMUV3_CLASS_IN, ipa_of(ctx, leaf),
				want, fault);
	return true;
}

static void both_stages(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
			struct smmuv3_fault *fault)
{
	if (from_tlb(ctx, leaf, fault))
		return;
	ctx->model->counts.walks++;
	smmuv3_stage1(ctx, leaf, fault);
	if (!fault->type && ctx->s2)
		through_stage2(ctx, leaf, fault);
	/* A request that granted nothing did not get as far as stage 2. */
	if (!fault->type && (!ctx->s2 || leaf->attr & SMMUV3_ATTR_S2))
		smmuv3_tlb_add(ctx, SMMUV3_CACHED_TLB_S1, leaf);
}

static void stage2_only(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
			struct smmuv3_fault *fault)
{
	if (smmuv3_tlb_find(ctx, SMMUV3_CACHED_TLB_S2, ctx->req->addr))
		ctx->model->counts.tlb_hits++;
	else
		ctx->model->counts.walks++;
	smmuv3_stage2(ctx, ctx->req->addr, SMMUV3_CLASS_IN, wanted(ctx), leaf, fault);
}

/**
 * smmuv3_translate() - translate a transaction
 * @ctx: of it, configured
 * @leaf: result
 * @fault: type is set if it does not pass
 */
void smmuv3_translate(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		      struct smmuv3_fault *fault)
{
	u64 addr = ctx->req->addr;

	if (ctx->s1) {
		both_stages(ctx, leaf, fault);
		return;
	}
	/* 3.4: stage 1 is bypassed, and lets nothing through that is too large. */
	if (addr >> smmuv3_oas(ctx->model)) {
		*fault = (struct smmuv3_fault){
			.type = SMMUV3_F_ADDR_SIZE, .class = SMMUV3_CLASS_IN,
			.config = true,
		};
		return;
	}
	if (ctx->s2) {
		stage2_only(ctx, leaf, fault);
		return;
	}
	*leaf = (struct smmuv3_leaf){
		.in = addr & ~(u64)(SZ_4K - 1), .out = addr & ~(u64)(SZ_4K - 1),
		.ipa = addr & ~(u64)(SZ_4K - 1), .size = SZ_4K,
	};
}
