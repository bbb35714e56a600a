// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which stream table entries (5.2.2) and context descriptors (5.4.2) are legal.
 * Reserved bits have to be zero: the specification leaves it to the unit.
 */
#include <linux/minmax.h>

#include "smmuv3_internal.h"

/* SMMU_IDR0.STALL_MODEL */
#define STALL_BOTH		0
#define STALL_NEVER		1
#define STALL_ALWAYS		2

#define TXSZ_MIN		MUT(TXSZ_MIN, 16, 17)
#define TXSZ_MAX		MUT(TXSZ_MAX, 39, 38)

/* Words of an STE with its defined fields; the rest is reserved */
#define STE0_FIELDS		(GENMASK_ULL(55, 0) | GENMASK_ULL(63, 59))
#define STE1_FIELDS		(GENMASK_ULL(23, 0) | BIT_ULL(25) | \
				 GENMASK_ULL(40, 27) | GENMASK_ULL(63, 44))
#define STE2_FIELDS		GENMASK_ULL(58, 0)
#define STE3_FIELDS		GENMASK_ULL(55, 4)

static bool idr0(const struct smmuv3_model *model, u64 bit)
{
	return model->config.idr0 & bit;
}

static unsigned int stall_model(const struct smmuv3_model *model)
{
	return smmuv3_get(SMMUV3_IDR0_STALL_MODEL, model->config.idr0);
}

static unsigned int config_of(const u64 ste[8])
{
	return smmuv3_get(SMMUV3_STE0_CONFIG, ste[0]);
}

/**
 * smmuv3_ps() - an address size as fields encode it (6.3.6)
 * @model: unit
 * @ps: IPS, S2PS or OAS
 *
 * Return: bits, at most what the unit has.
 */
unsigned int smmuv3_ps(const struct smmuv3_model *model, unsigned int ps)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };
	unsigned int oas = smmuv3_get(SMMUV3_IDR5_OAS, model->config.idr5);

	return min(bits[ps], MUT(PS_CAP, bits[oas], 48));
}

/**
 * smmuv3_granule() - size of a table's granule
 * @model: unit
 * @tg: CD.TG0, S2TG; or TG1
 * @upper: it is TG1, whose encoding is another one (5.4)
 *
 * Return: log2 of it; 0: the unit has none like that.
 */
unsigned int smmuv3_granule(const struct smmuv3_model *model, unsigned int tg,
			    bool upper)
{
	static const u8 lower_bits[] = { 12, 16, 14, 0 };
	static const u8 upper_bits[] = { 0, 14, 12, 16 };
	unsigned int bits = MUT(TG1, upper, false) ? upper_bits[tg] : lower_bits[tg];
	u64 idr5 = model->config.idr5;

	if ((bits == 12 && !(idr5 & SMMUV3_IDR5_GRAN4K)) ||
	    (bits == 14 && !(idr5 & SMMUV3_IDR5_GRAN16K)) ||
	    (bits == 16 && !(idr5 & SMMUV3_IDR5_GRAN64K)))
		return 0;
	return bits;
}

/**
 * smmuv3_s2_start() - where a stage-2 walk begins (VTCR_EL2.SL0)
 * @granule: log2
 * @sl0: STE.S2SL0
 *
 * Return: level; negative if reserved.
 */
int smmuv3_s2_start(unsigned int granule, unsigned int sl0)
{
	if (sl0 == 3)
		return -1;
	return granule == 12 ? MUT(SL0_4K, 2, 3) - (int)sl0 :
			       MUT(SL0_16K, 3, 2) - (int)sl0;
}

static bool stage2_start_fits(const u64 ste[8], unsigned int granule)
{
	int level = smmuv3_s2_start(granule, smmuv3_get(SMMUV3_STE2_S2SL0, ste[2]));
	unsigned int bits = 64 - smmuv3_get(SMMUV3_STE2_S2T0SZ, ste[2]);
	unsigned int stride = granule - 3, shift;

	if (level < 0)
		return false;
	shift = granule + (3 - level) * stride;
	/* Up to 16 tables may be concatenated. */
	return bits > shift && bits <= shift + stride + MUT(SL0_CONCAT, 4, 3);
}

static bool stage2_legal(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int t0sz = smmuv3_get(SMMUV3_STE2_S2T0SZ, ste[2]);
	unsigned int granule = smmuv3_granule(model, smmuv3_get(SMMUV3_STE2_S2TG,
								ste[2]), false);
	unsigned int httu = smmuv3_get(SMMUV3_IDR0_HTTU, model->config.idr0);
	unsigned int ps = smmuv3_ps(model, smmuv3_get(SMMUV3_STE2_S2PS, ste[2]));
	unsigned int stall = stall_model(model);
	bool s2s = ste[2] & SMMUV3_STE2_S2S;

	if (!idr0(model, SMMUV3_IDR0_S2P) || !(ste[2] & SMMUV3_STE2_S2AA64) ||
	    ste[2] & SMMUV3_STE2_S2ENDI || !granule)
		return false;
	if ((s2s && stall == STALL_NEVER) || (!s2s && stall == STALL_ALWAYS))
		return false;
	if ((ste[2] & (SMMUV3_STE2_S2HA | SMMUV3_STE2_S2HD) && !httu) ||
	    (ste[2] & SMMUV3_STE2_S2HD && httu < 2))
		return false;
	if (t0sz > TXSZ_MAX || t0sz < max(TXSZ_MIN, 64 - smmuv3_oas(model)))
		return false;
	if ((ste[3] & SMMUV3_STE3_S2TTB) >> MUT(S2TTB_RANGE, ps, 56))
		return false;
	return stage2_start_fits(ste, granule);
}

static bool stage1_legal(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int cdmax = smmuv3_get(SMMUV3_STE0_S1CDMAX, ste[0]);
	unsigned int fmt = smmuv3_get(SMMUV3_STE0_S1FMT, ste[0]);
	unsigned int ssidsize = smmuv3_get(SMMUV3_IDR1_SSIDSIZE, model->config.idr1);

	if (!idr0(model, SMMUV3_IDR0_S1P))
		return false;
	if (ste[1] & SMMUV3_STE1_S1STALLD && stall_model(model) != STALL_BOTH)
		return false;
	if (ssidsize && cdmax > ssidsize + MUT(S1CDMAX_RANGE, 0, 1))
		return false;
	if (ssidsize && cdmax && !idr0(model, SMMUV3_IDR0_CD2L) &&
	    (fmt == 1 || fmt == 2))
		return false;
	return !((ste[0] & SMMUV3_STE0_S1CTXPTR) >> smmuv3_oas(model));
}

static bool ats_legal(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int eats = smmuv3_get(SMMUV3_STE1_EATS, ste[1]);
	unsigned int config = config_of(ste);
	bool s2s = ste[2] & SMMUV3_STE2_S2S;

	if (!idr0(model, SMMUV3_IDR0_ATS) || !(config & 3))
		return true;
	if (eats == SMMUV3_EATS_SPLIT)
		return (config & 3) == 3 && !s2s && !idr0(model, SMMUV3_IDR0_NS1ATS);
	if (eats == SMMUV3_EATS_FULL)
		return !(config & SMMUV3_CONFIG_S2 && MUT(EATS_S2S, s2s, false));
	return true;
}

static bool tags_legal(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int strw = smmuv3_get(SMMUV3_STE1_STRW, ste[1]);
	bool strw_used = config_of(ste) == (SMMUV3_CONFIG_PASS | SMMUV3_CONFIG_S1) &&
			 idr0(model, SMMUV3_IDR0_HYP);

	if (strw_used && strw & 1)
		return false;
	if (strw_used && strw)
		return true;
	return !(config_of(ste) & 3) || !idr0(model, SMMUV3_IDR0_S2P) ||
	       idr0(model, SMMUV3_IDR0_VMID16) ||
	       !(smmuv3_get(SMMUV3_STE2_S2VMID, ste[2]) >> 8);
}

static bool ste_reserved(const u64 ste[8])
{
	return ste[0] & ~STE0_FIELDS || ste[1] & ~STE1_FIELDS ||
	       ste[2] & ~STE2_FIELDS || ste[3] & ~STE3_FIELDS ||
	       ste[4] || ste[5] || ste[6] || ste[7];
}

/**
 * smmuv3_ste_legal() - can a stream table entry be used?
 * @model: unit
 * @ste: 8 words
 *
 * Return: false: C_BAD_STE.
 */
bool smmuv3_ste_legal(const struct smmuv3_model *model, const u64 ste[8])
{
	unsigned int config = config_of(ste);

	if (!(ste[0] & MUT(STE_V, SMMUV3_STE0_V, ~0ULL)))
		return false;
	if (!(config & SMMUV3_CONFIG_PASS))
		return true;
	if (MUT(STE_RSVD, ste_reserved(ste), false))
		return false;
	if (config & SMMUV3_CONFIG_S1 && !stage1_legal(model, ste))
		return false;
	if (config & SMMUV3_CONFIG_S2 && !stage2_legal(model, ste))
		return false;
	return ats_legal(model, ste) && tags_legal(model, ste);
}

static bool half_legal(const struct smmuv3_context *ctx, bool upper)
{
	const struct smmuv3_model *model = ctx->model;
	unsigned int ps = smmuv3_ps(model, smmuv3_get(SMMUV3_CD0_IPS, ctx->cd[0]));
	u64 txsz, tg, epd;

	txsz = smmuv3_get(upper ? SMMUV3_CD0_T1SZ : SMMUV3_CD0_T0SZ, ctx->cd[0]);
	tg = smmuv3_get(upper ? SMMUV3_CD0_TG1 : SMMUV3_CD0_TG0, ctx->cd[0]);
	epd = upper ? SMMUV3_CD0_EPD1 : SMMUV3_CD0_EPD0;
	/* 5.4.1.1: what is disabled is not checked. EL2 has the lower half only. */
	if (ctx->world == SMMUV3_EL2 ? upper : !!(ctx->cd[0] & epd))
		return true;
	if (txsz < TXSZ_MIN || txsz > TXSZ_MAX || !smmuv3_granule(model, tg, upper))
		return false;
	return !((ctx->cd[1 + upper] & SMMUV3_CD_TTB) >> MUT(TTB_RANGE, ps, 56));
}

static bool cd_stall_legal(const struct smmuv3_context *ctx)
{
	unsigned int model = stall_model(ctx->model);
	bool s = ctx->cd[0] & SMMUV3_CD0_S;

	if (s && (MUT(CD_S1STALLD, ctx->ste[1] & SMMUV3_STE1_S1STALLD, 0) ||
		  model == STALL_NEVER))
		return false;
	if (!s && model == STALL_ALWAYS)
		return false;
	return ctx->cd[0] & SMMUV3_CD0_A ||
	       !idr0(ctx->model, SMMUV3_IDR0_TERM_MODEL);
}

/**
 * smmuv3_cd_legal() - can a context descriptor be used?
 * @ctx: with it, its STE and StreamWorld
 *
 * Return: false: C_BAD_CD.
 */
bool smmuv3_cd_legal(const struct smmuv3_context *ctx)
{
	unsigned int httu = smmuv3_get(SMMUV3_IDR0_HTTU, ctx->model->config.idr0);
	const u64 *cd = ctx->cd;

	if (!(cd[0] & MUT(CD_V, SMMUV3_CD0_V, ~0ULL)) ||
	    !(cd[0] & SMMUV3_CD0_AA64) || cd[0] & SMMUV3_CD0_ENDI)
		return false;
	if (MUT(CD_RSVD, cd[5] || cd[6] || cd[7], false))
		return false;
	if (!cd_stall_legal(ctx))
		return false;
	if ((cd[0] & (SMMUV3_CD0_HA | SMMUV3_CD0_HD) && !httu) ||
	    (cd[0] & SMMUV3_CD0_HD && httu < 2))
		return false;
	if (ctx->world != SMMUV3_EL2 && !idr0(ctx->model, SMMUV3_IDR0_ASID16) &&
	    smmuv3_get(SMMUV3_CD0_ASID, cd[0]) >> 8)
		return false;
	return half_legal(ctx, false) && half_legal(ctx, true);
}
