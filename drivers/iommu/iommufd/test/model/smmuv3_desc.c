// SPDX-License-Identifier: GPL-2.0-only
/* What descriptors of tables say, in the SMMUv3 model (DDI 0487, D8.3, D8.4). */
#include "smmuv3_walk.h"

/* Descriptors (DDI 0487, D8.3) */
#define DESC_VALID		BIT_ULL(0)
#define DESC_TABLE		BIT_ULL(1)
/* stage 1 */
#define DESC_AP_EL0		MUT_BIT(DESC_AP_EL0, 6, 7)
#define DESC_AP_RO		MUT_BIT(DESC_AP_RO, 7, 6)
#define DESC_NG			MUT_BIT(DESC_NG, 11, 10)
#define DESC_PXN		MUT_BIT(DESC_PXN, 53, 54)
#define DESC_UXN		MUT_BIT(DESC_UXN, 54, 53)
#define DESC_PXN_TABLE		MUT_BIT(DESC_PXN_TABLE, 59, 60)
#define DESC_UXN_TABLE		MUT_BIT(DESC_UXN_TABLE, 60, 59)
#define DESC_AP_TABLE_EL0	MUT_BIT(DESC_AP_TABLE_EL0, 61, 62)
#define DESC_AP_TABLE_RO	MUT_BIT(DESC_AP_TABLE_RO, 62, 61)
/* stage 2 */
#define DESC_S2_MEMATTR		GENMASK_ULL(5, 2)
#define DESC_S2AP_R		MUT_BIT(DESC_S2AP_R, 6, 7)
#define DESC_S2AP_W		MUT_BIT(DESC_S2AP_W, 7, 6)
#define DESC_S2_XN		MUT_BIT(DESC_S2_XN, 54, 52)
/* both */
#define DESC_AF			MUT_BIT(DESC_AF, 10, 11)
#define DESC_DBM		MUT_BIT(DESC_DBM, 51, 52)

/* In attributes of a table: what it takes away from everything below */
#define TABLE_NO_EL0		BIT(31)

/**
 * smmuv3_desc_leaf() - does the walk end here?
 * @walk: at a descriptor
 *
 * Return: true if it is a page or a block.
 */
bool smmuv3_desc_leaf(const struct smmuv3_walk *walk)
{
	return walk->level == 3 || !(walk->desc & DESC_TABLE);
}

/**
 * smmuv3_desc_valid() - is there something?
 * @walk: at a descriptor
 *
 * Return: false: F_TRANSLATION.
 */
bool smmuv3_desc_valid(const struct smmuv3_walk *walk)
{
	if (!(walk->desc & DESC_VALID))
		return false;
	if (walk->desc & DESC_TABLE)
		return true;
	/* Blocks: levels 1 and 2 of 4 KiB, 2 of the others; none at level 3 */
	return walk->level == 2 ||
	       (walk->level == 1 && walk->granule == 12) ||
	       (walk->level == 3 && MUT(BLOCK_L3, false, true));
}

/**
 * smmuv3_desc_table() - what a table says of all below (DDI 0487 D8.4.3)
 * @walk: at its descriptor
 *
 * Return: attributes, for &smmuv3_walk.attr.
 */
u32 smmuv3_desc_table(const struct smmuv3_walk *walk)
{
	u64 desc = walk->desc;
	u32 attr = 0;

	if (walk->s2 || (walk->ctx->model->config.idr3 & SMMUV3_IDR3_HAD &&
			 walk->ctx->cd[walk->in & BIT_ULL(55) ? 2 : 1] & SMMUV3_CD_HAD))
		return 0;
	if (desc & DESC_AP_TABLE_RO)
		attr |= SMMUV3_ATTR_RO | SMMUV3_ATTR_RO_TABLE;
	if (desc & DESC_AP_TABLE_EL0)
		attr |= TABLE_NO_EL0;
	if (desc & DESC_UXN_TABLE)
		attr |= SMMUV3_ATTR_UXN;
	if (desc & DESC_PXN_TABLE)
		attr |= SMMUV3_ATTR_PXN;
	return attr;
}

static u32 attr_s1(const struct smmuv3_walk *walk)
{
	u32 attr = SMMUV3_ATTR_S1 | (walk->attr & ~TABLE_NO_EL0);
	u64 desc = walk->desc;

	if (desc & DESC_AP_RO)
		attr |= SMMUV3_ATTR_RO;
	if (desc & DESC_AP_EL0 && !(walk->attr & TABLE_NO_EL0))
		attr |= SMMUV3_ATTR_EL0;
	if (desc & DESC_UXN)
		attr |= SMMUV3_ATTR_UXN;
	if (desc & DESC_PXN)
		attr |= SMMUV3_ATTR_PXN;
	if (desc & DESC_DBM)
		attr |= SMMUV3_ATTR_S1_DBM;
	if (!(desc & DESC_NG))
		attr |= SMMUV3_ATTR_GLOBAL;
	return attr;
}

static bool is_device(const struct smmuv3_walk *walk)
{
	unsigned int memattr = smmuv3_get(DESC_S2_MEMATTR, walk->desc);

	if (walk->ctx->ste[1] & SMMUV3_STE1_S2FWB)
		return !(memattr & 4);
	return !(memattr & 0xc);
}

static u32 attr_s2(const struct smmuv3_walk *walk)
{
	u64 desc = walk->desc;
	u32 attr = SMMUV3_ATTR_S2;

	if (desc & DESC_S2AP_R)
		attr |= SMMUV3_ATTR_S2_R;
	if (desc & DESC_S2AP_W)
		attr |= SMMUV3_ATTR_S2_W;
	if (desc & DESC_S2_XN)
		attr |= SMMUV3_ATTR_S2_XN;
	if (desc & DESC_DBM)
		attr |= SMMUV3_ATTR_S2_DBM;
	if (is_device(walk))
		attr |= SMMUV3_ATTR_S2_DEVICE;
	return attr;
}

static bool sets_access(const struct smmuv3_walk *walk)
{
	const struct smmuv3_context *ctx = walk->ctx;

	return walk->s2 ? ctx->ste[2] & SMMUV3_STE2_S2HA : ctx->cd[0] & SMMUV3_CD0_HA;
}

/**
 * smmuv3_desc_attr() - attributes of a translation
 * @walk: at the leaf
 *
 * Return: SMMUV3_ATTR_*.
 */
u32 smmuv3_desc_attr(const struct smmuv3_walk *walk)
{
	return walk->s2 ? attr_s2(walk) : attr_s1(walk);
}

/**
 * smmuv3_desc_accessed() - access flag: is it set, or may it be? (3.13.2)
 * @walk: at the leaf
 *
 * Return: false: F_ACCESS.
 */
bool smmuv3_desc_accessed(const struct smmuv3_walk *walk)
{
	const struct smmuv3_context *ctx = walk->ctx;
	bool affd = walk->s2 ? ctx->ste[2] & SMMUV3_STE2_S2AFFD :
			       ctx->cd[0] & SMMUV3_CD0_AFFD;

	return walk->desc & DESC_AF || sets_access(walk) || affd;
}

/**
 * smmuv3_desc_flags() - a leaf after hardware update (3.13)
 * @walk: at the leaf
 * @dirty: it is to become writable
 *
 * Return: the descriptor.
 */
u64 smmuv3_desc_flags(const struct smmuv3_walk *walk, bool dirty)
{
	u64 desc = walk->desc;

	if (sets_access(walk) && !MUT(HTTU_AF, false, true))
		desc |= DESC_AF;
	if (dirty && walk->s2)
		desc |= MUT(HTTU_S2_DIRTY, DESC_S2AP_W, 0);
	else if (dirty)
		desc &= ~MUT(HTTU_DIRTY, DESC_AP_RO, 0ULL);
	return desc;
}
