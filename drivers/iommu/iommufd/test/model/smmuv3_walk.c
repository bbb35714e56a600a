// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table walks of the SMMUv3 model: VMSAv8-64, stage 1 and stage 2, granules of 4, 16
 * and 64 KiB, 48-bit addresses (DDI 0487, D8.2 and D8.3). The contiguous bit is
 * accepted, and no use is made of it.
 */
#include "smmuv3_walk.h"

static void fail(struct smmuv3_walk *walk, u8 type)
{
	*walk->fault = (struct smmuv3_fault){
		.type = type, .s2 = walk->s2,
		.class = walk->s2 ? walk->class : SMMUV3_CLASS_IN,
		.ipa = walk->s2 ? walk->in : 0,
		/* an access to a table of stage 1 that stage 2 does not let through */
		.write_tt = walk->want & MODEL_WRITE,
	};
}

static unsigned int stride(const struct smmuv3_walk *walk)
{
	return walk->granule - 3;
}

static unsigned int shift_of(const struct smmuv3_walk *walk, int level)
{
	return walk->granule + (3 - level) * stride(walk);
}

/* As CMD_TLBI encodes it (4.4.1.1) */
static u8 tg_of(const struct smmuv3_walk *walk)
{
	return (walk->granule - 12) / 2 + 1;
}

/* 7.3.12: stage 1 reports its own table, stage 2 what the translation is for. */
static void fail_fetch(struct smmuv3_walk *walk)
{
	fail(walk, SMMUV3_F_WALK_EABT);
	walk->fault->config = true;
	if (!walk->s2)
		walk->fault->class = SMMUV3_CLASS_TT;
	walk->fault->fetch = walk->desc_pa;
}

static bool locate_desc(struct smmuv3_walk *walk, u64 addr)
{
	struct smmuv3_leaf leaf;

	walk->desc_pa = addr;
	walk->desc_ipa = addr;
	if (walk->s2 || !walk->ctx->s2 || MUT(TT_STAGE2, false, true))
		return true;
	smmuv3_stage2(walk->ctx, addr, SMMUV3_CLASS_TT, MODEL_READ, &leaf,
		      walk->fault);
	if (walk->fault->type)
		return false;
	walk->desc_pa = leaf.out + (addr & (leaf.size - 1));
	return true;
}

/* A guest's table is where the guest's memory is. */
static bool granted(const struct smmuv3_walk *walk, bool write)
{
	return walk->s2 || !walk->ctx->s2 ||
	       model_granted(&walk->ctx->model->port, walk->desc_pa, write,
			     "stage 1");
}

static bool read_desc(struct smmuv3_walk *walk)
{
	unsigned int shift = shift_of(walk, walk->level);
	unsigned int width = stride(walk);
	u64 index;

	/* The first table may be smaller, or several of stage 2 in one. */
	if (walk->level == walk->start)
		width = walk->bits - shift;
	index = walk->in >> shift & (BIT_ULL(width) - 1);
	if (!locate_desc(walk, walk->table + index * 8))
		return false;
	if (granted(walk, false) &&
	    smmuv3_memory_read(walk->ctx->model, walk->desc_pa, &walk->desc, 1))
		return true;
	fail_fetch(walk);
	return false;
}

static bool output_fits(const struct smmuv3_walk *walk)
{
	return !((walk->desc & SMMUV3_DESC_ADDR) >> MUT(ADDR_SIZE, walk->ps, 48));
}

static struct smmuv3_tag table_tag(const struct smmuv3_walk *walk, int level)
{
	return (struct smmuv3_tag){
		.kind = walk->s2 ? SMMUV3_CACHED_WALK_S2 : SMMUV3_CACHED_WALK_S1,
		.world = walk->ctx->world, .vmid = walk->ctx->vmid,
		.asid = walk->s2 ? 0 : walk->ctx->asid, .addr = walk->in,
		.size = BIT_ULL(shift_of(walk, level)), .extra = level,
	};
}

static void descend(struct smmuv3_walk *walk)
{
	struct smmuv3_tag tag = table_tag(walk, walk->level);
	struct smmuv3_cached *entry;

	walk->table = walk->desc & SMMUV3_DESC_ADDR & ~(BIT_ULL(walk->granule) - 1);
	walk->attr |= smmuv3_desc_table(walk);
	entry = smmuv3_cache_add(walk->ctx->model, &tag);
	entry->tg = tg_of(walk);
	entry->data[0] = walk->table;
	entry->data[1] = walk->attr;
	walk->level++;
}

/* Begin at the lowest table that is cached. */
static void start(struct smmuv3_walk *walk)
{
	int level;

	walk->level = walk->start;
	for (level = 2; level >= walk->start; level--) {
		struct smmuv3_tag tag = table_tag(walk, level);
		struct smmuv3_cached *entry;

		entry = smmuv3_cache_find(walk->ctx->model, &tag);
		if (!entry || entry->tg != tg_of(walk))
			continue;
		walk->table = entry->data[0];
		walk->attr = entry->data[1];
		walk->level = level + 1;
		return;
	}
}

/* Down to the leaf descriptor. False: fault. */
static bool descend_all(struct smmuv3_walk *walk)
{
	walk->attr = 0;
	for (start(walk);; descend(walk)) {
		if (!read_desc(walk))
			return false;
		if (!smmuv3_desc_valid(walk)) {
			fail(walk, SMMUV3_F_TRANSLATION);
			return false;
		}
		if (!output_fits(walk)) {
			fail(walk, SMMUV3_F_ADDR_SIZE);
			return false;
		}
		if (smmuv3_desc_leaf(walk))
			return true;
	}
}

/*
 * Hardware update of the leaf (3.13). 1: done; 0: somebody changed it, start again;
 * -1: fault: it is a table that stage 2 does not allow to be written.
 */
static int update_leaf(struct smmuv3_walk *walk, bool dirty)
{
	u64 desc = smmuv3_desc_flags(walk, dirty);
	struct smmuv3_leaf leaf;

	if (desc == walk->desc)
		return 1;
	if (!walk->s2 && walk->ctx->s2) {
		smmuv3_stage2(walk->ctx, walk->desc_ipa, SMMUV3_CLASS_TT,
			      MUT(TT_WRITE, MODEL_WRITE, MODEL_READ), &leaf,
			      walk->fault);
		if (walk->fault->type)
			return -1;
	}
	if (!granted(walk, true)) {
		fail_fetch(walk);
		return -1;
	}
	if (!smmuv3_memory_update(walk->ctx->model, walk->desc_pa, walk->desc, desc))
		return 0;
	walk->desc = desc;
	return 1;
}

static void make_leaf(const struct smmuv3_walk *walk, u32 attr, struct smmuv3_leaf *leaf)
{
	u64 size = BIT_ULL(shift_of(walk, walk->level));

	*leaf = (struct smmuv3_leaf){
		.in = walk->in & ~(size - 1),
		.out = walk->desc & SMMUV3_DESC_ADDR & ~(size - 1),
		.size = size, .attr = attr, .tg = tg_of(walk), .level = walk->level,
	};
	leaf->ipa = leaf->out;
}

/*
 * Once through. False: somebody else changed the leaf at the same time. What is
 * written at a stage that lets nothing pass stays clean.
 */
static bool try_walk(struct smmuv3_walk *walk, struct smmuv3_leaf *leaf)
{
	struct smmuv3_context *ctx = walk->ctx;
	u32 attr, dirty;
	int rc;

	if (!descend_all(walk))
		return true;
	if (!smmuv3_desc_accessed(walk)) {
		fail(walk, SMMUV3_F_ACCESS);
		return true;
	}
	attr = smmuv3_desc_attr(walk);
	if (walk->s2)
		smmuv3_check_s2(ctx, attr, walk->class, walk->in, walk->want,
				walk->fault);
	else
		smmuv3_check_s1(ctx, attr, walk->want, walk->fault);
	if (walk->fault->type)
		return true;
	dirty = walk->s2 ? smmuv3_dirty_s2(ctx, attr, walk->want) :
			   smmuv3_dirty_s1(ctx, attr, walk->want);
	/* What may not be written anyway does not become dirty. */
	if (!walk->s2 && !(smmuv3_rights_s1(ctx, dirty) & MODEL_WRITE))
		dirty = attr;
	rc = update_leaf(walk, dirty != attr);
	if (rc > 0)
		make_leaf(walk, dirty, leaf);
	return rc;
}

static void run(struct smmuv3_walk *walk, struct smmuv3_leaf *leaf)
{
	u64 table = walk->table;
	unsigned int i;

	for (i = 0; i < SMMUV3_WALK_TRIES; i++) {
		walk->table = table;
		if (try_walk(walk, leaf))
			return;
	}
	/* Nobody else changes a leaf so often: it cannot be written. */
	fail_fetch(walk);
}

static void walk_s2(struct smmuv3_context *ctx, u64 ipa, u8 class, u32 want,
		    struct smmuv3_leaf *leaf, struct smmuv3_fault *fault)
{
	const u64 *ste = ctx->ste;
	struct smmuv3_walk walk = {
		.ctx = ctx, .s2 = true, .class = class, .want = want, .in = ipa,
		.granule = smmuv3_granule(ctx->model,
					  smmuv3_get(SMMUV3_STE2_S2TG, ste[2]), false),
		.bits = 64 - smmuv3_get(SMMUV3_STE2_S2T0SZ, ste[2]),
		.ps = smmuv3_ps(ctx->model, smmuv3_get(SMMUV3_STE2_S2PS, ste[2])),
		.table = ste[3] & SMMUV3_STE3_S2TTB, .fault = fault,
	};
	unsigned int shift;

	walk.start = smmuv3_s2_start(walk.granule,
				     smmuv3_get(SMMUV3_STE2_S2SL0, ste[2]));
	if (ipa >> walk.bits) {
		fail(&walk, SMMUV3_F_TRANSLATION);
		return;
	}
	/* The table is aligned to its size. */
	shift = walk.bits - shift_of(&walk, walk.start) + 3;
	walk.table &= ~(BIT_ULL(shift) - 1);
	run(&walk, leaf);
}

/**
 * smmuv3_stage2() - translate an intermediate address
 * @ctx: of the transaction; it has a stage 2
 * @ipa: address
 * @class: what for: SMMUV3_CLASS_*
 * @want: MODEL_*
 * @leaf: result
 * @fault: type is set if there is none
 */
void smmuv3_stage2(struct smmuv3_context *ctx, u64 ipa, u8 class, u32 want,
		   struct smmuv3_leaf *leaf, struct smmuv3_fault *fault)
{
	struct smmuv3_cached *entry;

	entry = smmuv3_tlb_find(ctx, SMMUV3_CACHED_TLB_S2, ipa);
	if (entry) {
		smmuv3_tlb_leaf(entry, leaf);
		if (smmuv3_dirty_s2(ctx, leaf->attr, want) == leaf->attr) {
			smmuv3_check_s2(ctx, leaf->attr, class, ipa, want, fault);
			return;
		}
	}
	walk_s2(ctx, ipa, class, want, leaf, fault);
	if (!fault->type)
		smmuv3_tlb_add(ctx, SMMUV3_CACHED_TLB_S2, leaf);
}

static bool is_upper(const struct smmuv3_context *ctx, u64 addr)
{
	return addr & MUT_BIT(VA_HALF, 55, 47) && ctx->world != SMMUV3_EL2;
}

/**
 * smmuv3_canonical() - a virtual address without a tag in its top byte (3.4.1)
 * @ctx: with the CD that says if there may be one
 * @addr: as it came
 *
 * Return: address that is translated and cached.
 */
u64 smmuv3_canonical(const struct smmuv3_context *ctx, u64 addr)
{
	bool upper = is_upper(ctx, addr);

	if (!(ctx->cd[0] & (upper ? SMMUV3_CD0_TBI1 : SMMUV3_CD0_TBI0)))
		return addr;
	return upper ? addr | GENMASK_ULL(63, 56) : addr & GENMASK_ULL(55, 0);
}

static bool is_disabled(const struct smmuv3_walk *walk, bool upper)
{
	if (walk->ctx->world == SMMUV3_EL2)
		return false;
	return walk->ctx->cd[0] & (upper ? SMMUV3_CD0_EPD1 : SMMUV3_CD0_EPD0);
}

/* Which half of the addresses, and is it in there? (3.4.1) */
static bool select_half(struct smmuv3_walk *walk, bool *upper)
{
	const u64 *cd = walk->ctx->cd;

	*upper = is_upper(walk->ctx, walk->in);
	/* The size of a half that is disabled may be anything. */
	if (is_disabled(walk, *upper))
		return false;
	walk->bits = 64 - smmuv3_get(*upper ? SMMUV3_CD0_T1SZ : SMMUV3_CD0_T0SZ, cd[0]);
	if (*upper)
		return !(~walk->in >> MUT(T1SZ_RANGE, walk->bits, 55));
	return !(walk->in >> MUT(T0SZ_RANGE, walk->bits, 55));
}

/**
 * smmuv3_stage1() - translate a virtual address
 * @ctx: of the transaction; it has a stage 1
 * @leaf: result
 * @fault: type is set if there is none
 */
void smmuv3_stage1(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		   struct smmuv3_fault *fault)
{
	const u64 *cd = ctx->cd;
	struct smmuv3_walk walk = {
		.ctx = ctx, .in = smmuv3_canonical(ctx, ctx->req->addr),
		.fault = fault, .want = smmuv3_wanted(ctx->req),
	};
	unsigned int shift;
	bool upper;

	if (ctx->req->ats && !ctx->req->no_dirty)
		walk.want |= MODEL_WRITE;
	if (!select_half(&walk, &upper)) {
		fail(&walk, SMMUV3_F_TRANSLATION);
		return;
	}
	walk.granule = smmuv3_granule(ctx->model,
				      smmuv3_get(upper ? SMMUV3_CD0_TG1 :
						 SMMUV3_CD0_TG0, cd[0]), upper);
	walk.ps = smmuv3_ps(ctx->model, smmuv3_get(SMMUV3_CD0_IPS, cd[0]));
	walk.start = 4 - DIV_ROUND_UP(walk.bits - walk.granule, stride(&walk));
	walk.table = cd[1 + upper] & SMMUV3_CD_TTB;
	shift = walk.bits - shift_of(&walk, walk.start) + 3;
	walk.table &= ~(BIT_ULL(shift) - 1);
	run(&walk, leaf);
}
