// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the SMMUv3 model but those for TLBs (4.2, 4.3, 4.5, 4.7). A bit that a
 * command does not define makes it illegal (4.1.5), and so does SSec, as this is the
 * Non-secure queue.
 */
#include "smmuv3_internal.h"

#define CMD0_OP			GENMASK_ULL(7, 0)
#define CMD0_SID		MUT_MASK(CMD0_SID, 63, 32, 39, 32)
#define CMD0_SSID		MUT_MASK(CMD0_SSID, 31, 12, 30, 12)
#define CMD0_SSV		MUT_BIT(CMD0_SSV, 11, 9)
#define CMD1_LEAF		MUT_BIT(CMD1_LEAF, 0, 1)
#define CMD1_RANGE		MUT_MASK(CMD1_RANGE, 4, 0, 3, 0)
/* CMD_ATC_INV */
#define ATC0_GLOBAL		MUT_BIT(ATC0_GLOBAL, 9, 11)
#define ATC1_SIZE		MUT_MASK(ATC1_SIZE, 5, 0, 4, 0)
#define ATC1_ADDR		GENMASK_ULL(63, 12)
#define ATC_SIZE_ALL		52
/* CMD_PRI_RESP */
#define PRI1_PRGI		MUT_MASK(RESP_PRGI, 8, 0, 7, 0)
#define PRI1_RESP		GENMASK_ULL(13, 12)
/* CMD_RESUME */
#define RESUME0_AC		MUT_BIT(RESUME_AC, 12, 13)
#define RESUME0_AB		MUT_BIT(RESUME_AB, 13, 12)
#define RESUME1_STAG		GENMASK_ULL(15, 0)
/* CMD_SYNC */
#define SYNC0_CS		MUT_MASK(SYNC_CS, 13, 12, 12, 12)
#define SYNC0_MSIDATA		MUT_MASK(SYNC_MSIDATA, 63, 32, 62, 32)
#define SYNC1_MSIADDR		GENMASK_ULL(55, 2)

/**
 * struct format - what a command may have set
 * @op: opcode
 * @word0: bits of the first word, without the opcode
 * @word1: of the second
 */
struct format {
	u8 op;
	u64 word0;
	u64 word1;
};

#define SID			GENMASK_ULL(63, 32)
#define SSID			GENMASK_ULL(31, 12)
#define SSV			BIT_ULL(11)

static const struct format formats[] = {
	{ 0x01, SID | SSID | SSV, GENMASK_ULL(4, 0) },
	{ 0x02, SID | SSID | SSV, GENMASK_ULL(63, 12) | GENMASK_ULL(9, 0) },
	{ 0x03, SID, BIT_ULL(0) },
	{ 0x04, SID, GENMASK_ULL(4, 0) },
	{ 0x05, SID | SSID, BIT_ULL(0) },
	{ 0x06, SID, 0 },
	{ 0x40, SID | SSID | SSV | BIT_ULL(9),
	  GENMASK_ULL(63, 12) | GENMASK_ULL(5, 0) },
	{ 0x41, SID | SSID | SSV, GENMASK_ULL(13, 12) | GENMASK_ULL(8, 0) },
	{ 0x44, SID | GENMASK_ULL(13, 12), GENMASK_ULL(15, 0) },
	{ 0x45, SID, 0 },
	{ 0x46, SID | GENMASK_ULL(27, 22) | GENMASK_ULL(13, 12), GENMASK_ULL(55, 2) },
};

static bool well_formed(const u64 cmd[2])
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].op == smmuv3_op(cmd))
			return MUT(CMD_RSVD, !(cmd[0] & ~(formats[i].word0 | CMD0_OP)) &&
				   !(cmd[1] & ~formats[i].word1), true);
	return false;
}

static u32 sid_of(const u64 cmd[2])
{
	return smmuv3_get(CMD0_SID, cmd[0]);
}

static u32 ssid_of(const u64 cmd[2])
{
	return smmuv3_get(CMD0_SSID, cmd[0]);
}

/* CDs that were found through STEs; CMD_CFGI_STE is for them, too (4.3.1). */
static void drop_cds(struct smmuv3_model *model, u32 first, u32 last)
{
	const struct smmuv3_scope scope = {
		.kinds = BIT(SMMUV3_CACHED_CD) | BIT(SMMUV3_CACHED_L1CD),
		.by_sid = true, .sid = first, .last_sid = last,
	};

	smmuv3_cache_drop(model, &scope);
}

static void drop_stes(struct smmuv3_model *model, u32 first, u32 last, bool l1)
{
	const struct smmuv3_scope stes = {
		.kinds = BIT(SMMUV3_CACHED_STE),
		.by_sid = true, .sid = first, .last_sid = last,
	};
	const struct smmuv3_scope l1stds = {
		.kinds = BIT(SMMUV3_CACHED_L1STD),
		.by_addr = true, .addr = first, .last = last,
	};

	smmuv3_cache_drop(model, &stes);
	if (l1)
		smmuv3_cache_drop(model, &l1stds);
	if (!MUT(CFGI_STE_CDS, false, true))
		drop_cds(model, first, last);
}

static bool do_cfgi_ste(struct smmuv3_model *model, const u64 cmd[2])
{
	bool leaf = cmd[1] & CMD1_LEAF;

	drop_stes(model, sid_of(cmd), sid_of(cmd),
		  !leaf && !MUT(CFGI_L1STD, false, true));
	return true;
}

static bool do_cfgi_range(struct smmuv3_model *model, const u64 cmd[2])
{
	unsigned int range = smmuv3_get(CMD1_RANGE, cmd[1]);
	u64 size = MUT(CFGI_RANGE_SIZE, 2ULL, 1ULL) << range;
	u32 first = sid_of(cmd) & ~(u32)(size - 1);

	drop_stes(model, first, first + (u32)(size - 1), true);
	return true;
}

static bool do_cfgi_cd(struct smmuv3_model *model, const u64 cmd[2])
{
	struct smmuv3_scope scope = {
		.kinds = BIT(SMMUV3_CACHED_CD),
		.by_sid = MUT(CFGI_CD_SID, true, false),
		.sid = sid_of(cmd), .last_sid = sid_of(cmd),
		.by_addr = MUT(CFGI_CD_SSID, true, false),
		.addr = ssid_of(cmd), .last = ssid_of(cmd),
	};

	if (!(model->config.idr0 & SMMUV3_IDR0_S1P))
		return false;
	if (!(cmd[1] & CMD1_LEAF) && !MUT(CFGI_L1CD, false, true))
		scope.kinds |= BIT(SMMUV3_CACHED_L1CD);
	smmuv3_cache_drop(model, &scope);
	return true;
}

static bool do_cfgi_cd_all(struct smmuv3_model *model, const u64 cmd[2])
{
	if (!(model->config.idr0 & SMMUV3_IDR0_S1P))
		return false;
	drop_cds(model, sid_of(cmd), sid_of(cmd));
	return true;
}

static void stream(struct smmuv3_model *model, const u64 cmd[2],
		   struct smmuv3_effect *effect)
{
	effect->sid = sid_of(cmd);
	effect->ssv = cmd[0] & CMD0_SSV &&
		      smmuv3_get(SMMUV3_IDR1_SSIDSIZE, model->config.idr1);
	effect->ssid = effect->ssv ? ssid_of(cmd) : 0;
}

/* 4.5.1; without SMMUEN it is ignored. */
static bool do_atc_inv(struct smmuv3_model *model, const u64 cmd[2],
		       struct smmuv3_effect *effect)
{
	unsigned int size = smmuv3_get(ATC1_SIZE, cmd[1]);

	if (!(model->config.idr0 & SMMUV3_IDR0_ATS) || size > ATC_SIZE_ALL)
		return false;
	if (MUT(ATC_SMMUEN, !smmuv3_on(model, SMMUV3_CR0_SMMUEN), false))
		return true;
	stream(model, cmd, effect);
	effect->atc = true;
	effect->global = effect->ssv && cmd[0] & ATC0_GLOBAL;
	if (size == ATC_SIZE_ALL)
		return true;
	effect->size = MUT(ATC_SPAN, 4096ULL, 2048ULL) << size;
	effect->addr = cmd[1] & ATC1_ADDR &
		       ~MUT(ATC_ALIGN, effect->size - 1, 0ULL);
	return true;
}

/* 4.5.2, 8.3 */
static bool do_pri_resp(struct smmuv3_model *model, const u64 cmd[2],
			struct smmuv3_effect *effect)
{
	static const u8 codes[] = {
		MODEL_PRG_FAILURE, MODEL_PRG_INVALID, MODEL_PRG_SUCCESS,
	};
	unsigned int resp = smmuv3_get(PRI1_RESP, cmd[1]);

	if (!(model->config.idr0 & SMMUV3_IDR0_PRI) || resp >= ARRAY_SIZE(codes))
		return false;
	if (!smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		return true;
	stream(model, cmd, effect);
	effect->response = true;
	effect->grpid = smmuv3_get(PRI1_PRGI, cmd[1]);
	effect->code = MUT(RESP_CODE, codes[resp], codes[2 - resp]);
	model->counts.responses[resp]++;
	return true;
}

static bool can_stall(const struct smmuv3_model *model)
{
	return smmuv3_get(SMMUV3_IDR0_STALL_MODEL, model->config.idr0) != 1;
}

/* 4.7.1 */
static bool do_resume(struct smmuv3_model *model, const u64 cmd[2])
{
	enum model_resume how = MODEL_RESUME_IGNORE;

	if (!can_stall(model))
		return false;
	if (cmd[0] & RESUME0_AC)
		how = MODEL_RESUME_RETRY;
	else if (cmd[0] & RESUME0_AB ||
		 model->config.idr0 & SMMUV3_IDR0_TERM_MODEL)
		how = MODEL_RESUME_ABORT;
	smmuv3_stall_resume(model, sid_of(cmd), smmuv3_get(RESUME1_STAG, cmd[1]), how);
	return true;
}

/* Does the unit, as it is now, abort all that comes from a stream, without a word? */
static bool aborts(struct smmuv3_model *model, u32 sid)
{
	struct smmuv3_fault fault = {};
	u64 ste[8];

	if (!smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		return true;
	smmuv3_fetch_ste(model, sid, ste, &fault);
	return !fault.type && !smmuv3_get(SMMUV3_STE0_CONFIG, ste[0]);
}

/*
 * 4.7.2: while the stream does not abort it is unpredictable what is terminated, so
 * software must not ask for it; this unit terminates nothing then.
 */
static bool do_stall_term(struct smmuv3_model *model, const u64 cmd[2])
{
	if (!can_stall(model))
		return false;
	if (MUT(STALL_TERM_LIVE, !aborts(model, sid_of(cmd)), false)) {
		model_violation("smmuv3: CMD_STALL_TERM of %#x, which may still stall",
				sid_of(cmd));
		return true;
	}
	smmuv3_stall_terminate(model, sid_of(cmd), false);
	return true;
}

/* 4.7.3 */
static bool do_sync(struct smmuv3_model *model, const u64 cmd[2],
		    struct smmuv3_effect *effect)
{
	unsigned int cs = smmuv3_get(SYNC0_CS, cmd[0]);

	if (cs == 3)
		return false;
	effect->sync = true;
	effect->cs = cs;
	effect->msi_addr = cmd[1] & SYNC1_MSIADDR;
	effect->msi_data = smmuv3_get(SYNC0_MSIDATA, cmd[0]);
	if (cs == 2 && model->config.idr0 & SMMUV3_IDR0_SEV)
		model->counts.sevs++;
	return true;
}

/**
 * smmuv3_command() - carry out a command
 * @model: locked
 * @cmd: two words
 * @effect: zeroed; what it wants of the outside
 *
 * Return: false: CERROR_ILL.
 */
bool smmuv3_command(struct smmuv3_model *model, const u64 cmd[2],
		    struct smmuv3_effect *effect)
{
	unsigned int op = smmuv3_op(cmd);

	if (op >= 0x10 && op <= 0x30)
		return smmuv3_tlbi(model, cmd,
				   smmuv3_injected(model,
						   SMMUV3_MODEL_INJECT_MISS_LEAF));
	if (!well_formed(cmd))
		return false;
	switch (op) {
	case 0x03:
		return do_cfgi_ste(model, cmd);
	case 0x04:
		return do_cfgi_range(model, cmd);
	case 0x05:
		return do_cfgi_cd(model, cmd);
	case 0x06:
		return do_cfgi_cd_all(model, cmd);
	case 0x40:
		return do_atc_inv(model, cmd, effect);
	case 0x41:
		return do_pri_resp(model, cmd, effect);
	case 0x44:
		return do_resume(model, cmd);
	case 0x45:
		return do_stall_term(model, cmd);
	case 0x46:
		return do_sync(model, cmd, effect);
	}
	/* 4.2: a prefetch is a hint. */
	return true;
}

/**
 * smmuv3_command_family() - which family a command is of
 * @cmd: two words
 *
 * Return: SMMUV3_MODEL_DROP_*, or 0.
 */
u32 smmuv3_command_family(const u64 cmd[2])
{
	switch (smmuv3_op(cmd)) {
	case 0x03 ... 0x04:
		return SMMUV3_MODEL_DROP_CFGI_STE;
	case 0x05 ... 0x06:
		return SMMUV3_MODEL_DROP_CFGI_CD;
	case 0x11 ... 0x13:
	case 0x21 ... 0x23:
		return SMMUV3_MODEL_DROP_TLBI_S1;
	case 0x2a:
		return SMMUV3_MODEL_DROP_TLBI_S2;
	case 0x10:
	case 0x20:
	case 0x28:
	case 0x30:
		return SMMUV3_MODEL_DROP_TLBI_ALL;
	case 0x40:
		return SMMUV3_MODEL_DROP_ATC_INV;
	case 0x41:
		return SMMUV3_MODEL_DROP_PRI_RESP;
	case 0x44 ... 0x45:
		return SMMUV3_MODEL_DROP_RESUME;
	}
	return 0;
}
