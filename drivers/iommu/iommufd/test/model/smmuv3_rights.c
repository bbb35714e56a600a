// SPDX-License-Identifier: GPL-2.0-only
/* What translations of the SMMUv3 model permit (13.4, DDI 0487 D8.4). */
#include "smmuv3_internal.h"

#define RWX	(MODEL_READ | MODEL_WRITE | MODEL_EXEC)

/**
 * smmuv3_wanted() - what a transaction needs
 * @req: it
 *
 * Return: one of MODEL_READ, MODEL_WRITE and MODEL_EXEC.
 */
u32 smmuv3_wanted(const struct smmuv3_request *req)
{
	if (req->write)
		return MODEL_WRITE;
	return req->inst ? MUT(WANT_EXEC, MODEL_EXEC, MODEL_READ) : MODEL_READ;
}

/* EL2 without E2H knows no unprivileged access: bit 54 is XN. */
static u32 rights_el2(const struct smmuv3_context *ctx, u32 attr)
{
	bool wxn = ctx->cd[0] & SMMUV3_CD0_WXN;
	u32 rights = RWX;

	if (attr & SMMUV3_ATTR_RO)
		rights &= ~MODEL_WRITE;
	if (attr & SMMUV3_ATTR_UXN || (wxn && rights & MODEL_WRITE))
		rights &= ~MODEL_EXEC;
	return rights;
}

static u32 rights_priv(const struct smmuv3_context *ctx, u32 attr)
{
	bool el0 = attr & SMMUV3_ATTR_EL0, ro = attr & SMMUV3_ATTR_RO;
	u32 rights = RWX;

	if (attr & MUT(RIGHT_PXN, SMMUV3_ATTR_PXN, SMMUV3_ATTR_UXN))
		rights &= ~MODEL_EXEC;
	/* Not if it is writable unprivileged, whatever UWXN says. */
	if (el0 && !ro && !MUT(RIGHT_EL0_W_PXN, false, true))
		rights &= ~MODEL_EXEC;
	if (ctx->cd[0] & SMMUV3_CD0_WXN && !ro)
		rights &= ~MODEL_EXEC;
	if (ro)
		rights &= ~MODEL_WRITE;
	if (el0 && ctx->cd[0] & SMMUV3_CD0_PAN)
		rights &= ~(MODEL_READ | MODEL_WRITE);
	return rights;
}

static u32 rights_unpriv(const struct smmuv3_context *ctx, u32 attr)
{
	u32 rights = RWX;

	if (!(attr & MUT(RIGHT_EL0, SMMUV3_ATTR_EL0, SMMUV3_ATTR_S1)))
		rights &= ~(MODEL_READ | MODEL_WRITE);
	if (attr & MUT(RIGHT_RO, SMMUV3_ATTR_RO, 0))
		rights &= ~MODEL_WRITE;
	if (attr & MUT(RIGHT_UXN, SMMUV3_ATTR_UXN, SMMUV3_ATTR_PXN))
		rights &= ~MODEL_EXEC;
	if (ctx->cd[0] & SMMUV3_CD0_WXN && rights & MODEL_WRITE)
		rights &= ~MODEL_EXEC;
	return rights;
}

/**
 * smmuv3_rights_s1() - what stage 1 permits a transaction
 * @ctx: of it
 * @attr: SMMUV3_ATTR_*
 *
 * Return: of MODEL_READ, MODEL_WRITE and MODEL_EXEC.
 */
u32 smmuv3_rights_s1(const struct smmuv3_context *ctx, u32 attr)
{
	if (!(attr & SMMUV3_ATTR_S1))
		return RWX;
	if (ctx->world == SMMUV3_EL2)
		return rights_el2(ctx, attr);
	return ctx->req->priv ? rights_priv(ctx, attr) : rights_unpriv(ctx, attr);
}

/**
 * smmuv3_rights_s2() - what stage 2 permits
 * @attr: SMMUV3_ATTR_*
 *
 * Return: of MODEL_READ, MODEL_WRITE and MODEL_EXEC.
 */
u32 smmuv3_rights_s2(u32 attr)
{
	u32 rights = RWX;

	if (!(attr & SMMUV3_ATTR_S2))
		return rights;
	if (!(attr & MUT(RIGHT_S2_R, SMMUV3_ATTR_S2_R, SMMUV3_ATTR_S2)))
		rights &= ~MODEL_READ;
	if (!(attr & MUT(RIGHT_S2_W, SMMUV3_ATTR_S2_W, SMMUV3_ATTR_S2)))
		rights &= ~MODEL_WRITE;
	if (attr & MUT(RIGHT_S2_XN, SMMUV3_ATTR_S2_XN, 0))
		rights &= ~MODEL_EXEC;
	return rights;
}

/**
 * smmuv3_dirty_s1() - is a descriptor of stage 1 to become writable? (3.13.3)
 * @ctx: of the transaction
 * @attr: SMMUV3_ATTR_*
 * @want: MODEL_*
 *
 * Return: attributes it has then, or @attr.
 */
u32 smmuv3_dirty_s1(const struct smmuv3_context *ctx, u32 attr, u32 want)
{
	const u64 httu = SMMUV3_CD0_HA | SMMUV3_CD0_HD;

	if (!(want & MODEL_WRITE) || !(attr & SMMUV3_ATTR_RO) ||
	    !(attr & MUT(DIRTY_DBM, SMMUV3_ATTR_S1_DBM, SMMUV3_ATTR_S1)) ||
	    attr & SMMUV3_ATTR_RO_TABLE || (ctx->cd[0] & httu) != httu)
		return attr;
	return attr & ~SMMUV3_ATTR_RO;
}

/**
 * smmuv3_dirty_s2() - is a descriptor of stage 2 to become writable?
 * @ctx: of the transaction
 * @attr: SMMUV3_ATTR_*
 * @want: MODEL_*
 *
 * Return: attributes it has then, or @attr.
 */
u32 smmuv3_dirty_s2(const struct smmuv3_context *ctx, u32 attr, u32 want)
{
	const u64 httu = SMMUV3_STE2_S2HA | SMMUV3_STE2_S2HD;

	if (!(want & MODEL_WRITE) || attr & SMMUV3_ATTR_S2_W ||
	    !(attr & SMMUV3_ATTR_S2) ||
	    !(attr & MUT(DIRTY_S2_DBM, SMMUV3_ATTR_S2_DBM, SMMUV3_ATTR_S2)) ||
	    (ctx->ste[2] & httu) != httu)
		return attr;
	return attr | SMMUV3_ATTR_S2_W;
}

/**
 * smmuv3_check_s1() - may a transaction pass stage 1?
 * @ctx: of it
 * @attr: SMMUV3_ATTR_*
 * @want: MODEL_*
 * @fault: F_PERMISSION if not
 *
 * A translation request is told what it may do, and never faults.
 */
void smmuv3_check_s1(const struct smmuv3_context *ctx, u32 attr, u32 want,
		     struct smmuv3_fault *fault)
{
	u32 rights = smmuv3_rights_s1(ctx, smmuv3_dirty_s1(ctx, attr, want));

	if (!ctx->req->ats && want & ~rights)
		*fault = (struct smmuv3_fault){
			.type = SMMUV3_F_PERMISSION, .class = SMMUV3_CLASS_IN,
		};
}

/**
 * smmuv3_check_s2() - may an access pass stage 2?
 * @ctx: of the transaction
 * @attr: SMMUV3_ATTR_*
 * @class: SMMUV3_CLASS_*: what is accessed
 * @ipa: where
 * @want: MODEL_*
 * @fault: F_PERMISSION if not
 */
void smmuv3_check_s2(const struct smmuv3_context *ctx, u32 attr, u8 class,
		     u64 ipa, u32 want, struct smmuv3_fault *fault)
{
	u32 rights = smmuv3_rights_s2(smmuv3_dirty_s2(ctx, attr, want));
	bool table = class != SMMUV3_CLASS_IN;

	/* 5.2, S2PTW: no table of stage 1 in memory of a device */
	if (table && ctx->ste[2] & SMMUV3_STE2_S2PTW && attr & SMMUV3_ATTR_S2_DEVICE)
		rights = 0;
	if ((ctx->req->ats && !table) || !(want & ~rights))
		return;
	*fault = (struct smmuv3_fault){
		.type = SMMUV3_F_PERMISSION, .s2 = true, .class = class, .ipa = ipa,
		.write_tt = want & MODEL_WRITE,
	};
}
