// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB invalidation in the SMMUv3 model (4.4): exactly what a command asks for, so that
 * one that asks for too little shows.
 */
#include "smmuv3_internal.h"

/* Fields that several have (4.4.1) */
#define TLBI0_OP		GENMASK_ULL(7, 0)
#define TLBI0_NUM		MUT_MASK(TLBI_NUM, 16, 12, 15, 12)
#define TLBI0_SCALE		MUT_MASK(TLBI_SCALE, 24, 20, 21, 20)
#define TLBI0_VMID		MUT_MASK(TLBI_VMID, 47, 32, 39, 32)
#define TLBI0_ASID		MUT_MASK(TLBI_ASID, 63, 48, 55, 48)
#define TLBI1_LEAF		MUT_BIT(TLBI_LEAF, 0, 1)
#define TLBI1_TTL		MUT_MASK(TLBI_TTL, 9, 8, 8, 8)
#define TLBI1_TG		MUT_MASK(TLBI_TG, 11, 10, 10, 10)
#define TLBI1_VA		GENMASK_ULL(63, 12)
#define TLBI1_IPA		GENMASK_ULL(55, 12)

#define RANGE0			(GENMASK_ULL(16, 12) | GENMASK_ULL(24, 20))
#define RANGE1			(GENMASK_ULL(11, 8) | BIT_ULL(0))
#define VMID			GENMASK_ULL(47, 32)
#define ASID			GENMASK_ULL(63, 48)

#define LEAVES_S1		BIT(SMMUV3_CACHED_TLB_S1)
#define LEAVES_S2		BIT(SMMUV3_CACHED_TLB_S2)
#define ALL_S1			(LEAVES_S1 | BIT(SMMUV3_CACHED_WALK_S1))
#define ALL_S2			(LEAVES_S2 | BIT(SMMUV3_CACHED_WALK_S2))

/* What a command goes by */
#define BY_VMID			BIT(0)
#define BY_ASID			BIT(1)
#define BY_VA			BIT(2)
#define BY_IPA			BIT(3)
/* what it is for */
#define FOR_EL2			BIT(4)
#define FOR_S1			BIT(5)
#define FOR_S2			BIT(6)
/* of EL2, whatever E2H says */
#define FOR_EL2_ANY		BIT(7)

/**
 * struct tlbi - a command
 * @op: opcode
 * @flags: BY_*, FOR_*
 * @word0: bits it may have set, without the opcode
 * @word1: in the second word
 */
struct tlbi {
	u8 op;
	u8 flags;
	u64 word0;
	u64 word1;
};

static const struct tlbi tlbis[] = {
	{ 0x10, FOR_S1 | BY_VMID, VMID, 0 },
	{ 0x11, FOR_S1 | BY_VMID | BY_ASID, VMID | ASID, 0 },
	{ 0x12, FOR_S1 | BY_VMID | BY_ASID | BY_VA, VMID | ASID | RANGE0,
	  GENMASK_ULL(63, 12) | RANGE1 },
	{ 0x13, FOR_S1 | BY_VMID | BY_VA, VMID | RANGE0,
	  GENMASK_ULL(63, 12) | RANGE1 },
	{ 0x20, FOR_EL2 | FOR_EL2_ANY, 0, 0 },
	{ 0x21, FOR_EL2 | BY_ASID, ASID, 0 },
	{ 0x22, FOR_EL2 | BY_ASID | BY_VA, ASID | RANGE0,
	  GENMASK_ULL(63, 12) | RANGE1 },
	{ 0x23, FOR_EL2 | BY_VA, RANGE0, GENMASK_ULL(63, 12) | RANGE1 },
	{ 0x28, FOR_S1 | FOR_S2 | BY_VMID, VMID, 0 },
	{ 0x2a, FOR_S2 | BY_VMID | BY_IPA, VMID | RANGE0,
	  GENMASK_ULL(55, 12) | RANGE1 },
	{ 0x30, FOR_S1 | FOR_S2, 0, 0 },
};

static const struct tlbi *find(unsigned int op)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tlbis); i++)
		if (tlbis[i].op == op)
			return &tlbis[i];
	return NULL;
}

static bool supported(const struct smmuv3_model *model, const struct tlbi *tlbi)
{
	u64 idr0 = model->config.idr0;

	if (tlbi->flags & FOR_EL2)
		return idr0 & SMMUV3_IDR0_HYP;
	if (tlbi->flags & FOR_S2 && tlbi->op != 0x30)
		return idr0 & SMMUV3_IDR0_S2P;
	return tlbi->op == 0x30 || idr0 & SMMUV3_IDR0_S1P;
}

static bool well_formed(const struct smmuv3_model *model, const struct tlbi *tlbi,
			const u64 cmd[2])
{
	const u64 range1 = GENMASK_ULL(11, 8);
	bool range;

	if (cmd[0] & ~(tlbi->word0 | TLBI0_OP) || cmd[1] & ~tlbi->word1)
		return false;
	if (!(tlbi->flags & (BY_VA | BY_IPA)))
		return true;
	range = cmd[0] & RANGE0 || cmd[1] & range1;
	/* 4.4.1.1: without a granule there is neither range nor level. */
	return !range || (model->config.idr3 & SMMUV3_IDR3_RIL &&
			  MUT(TLBI_NO_TG, smmuv3_get(TLBI1_TG, cmd[1]), 1));
}

/* A level that the granule has no leaves at is no hint. */
static u8 ttl_of(unsigned int tg, const u64 cmd[2])
{
	u8 ttl = smmuv3_get(TLBI1_TTL, cmd[1]);

	return tg == 2 && ttl == 1 ? 0 : ttl;
}

/* Which bits of the address have to be clear for a range to be what it says */
static u64 misaligned(unsigned int tg, unsigned int ttl, u64 addr)
{
	unsigned int granule = 10 + 2 * tg;
	unsigned int level = ttl ?: 3;

	return addr & (BIT_ULL(granule + (3 - level) * (granule - 3)) - 1);
}

/* False: what it invalidates cannot be relied on; nothing, here. */
static bool address_scope(const struct tlbi *tlbi, const u64 cmd[2],
			  struct smmuv3_scope *scope)
{
	unsigned int tg = smmuv3_get(TLBI1_TG, cmd[1]);
	u64 addr = cmd[1] & (tlbi->flags & BY_IPA ? TLBI1_IPA : TLBI1_VA);
	u64 size;

	scope->by_addr = true;
	scope->addr = addr;
	scope->last = addr + SZ_4K - 1;
	if (!tg)
		return true;
	scope->tg = tg;
	scope->ttl = ttl_of(tg, cmd);
	size = (smmuv3_get(TLBI0_NUM, cmd[0]) + MUT(RANGE_NUM, 1, 0)) <<
	       smmuv3_get(TLBI0_SCALE, cmd[0]);
	size <<= 10 + 2 * tg;
	if (misaligned(tg, scope->ttl, addr))
		return false;
	/* It does not wrap. */
	scope->last = size - 1 > U64_MAX - addr ? U64_MAX : addr + size - 1;
	return size;
}

static unsigned long kinds_of(const struct tlbi *tlbi, bool leaf)
{
	unsigned long kinds = 0;

	if (tlbi->flags & (FOR_S1 | FOR_EL2))
		kinds |= leaf ? LEAVES_S1 : ALL_S1;
	if (tlbi->flags & FOR_S2)
		kinds |= leaf ? LEAVES_S2 : ALL_S2;
	/* 4.4.3.1: what holds both stages stays. */
	if (tlbi->op == 0x2a)
		kinds |= MUT(S2_IPA_COMBINED, 0, LEAVES_S1);
	return kinds;
}

static void drop_world(struct smmuv3_model *model, struct smmuv3_scope *scope,
		       enum smmuv3_world world)
{
	scope->by_world = true;
	scope->world = world;
	smmuv3_cache_drop(model, scope);
}

static void drop(struct smmuv3_model *model, const struct tlbi *tlbi,
		 struct smmuv3_scope *scope)
{
	bool e2h = model->cr2 & SMMUV3_CR2_E2H;

	if (!(tlbi->flags & FOR_EL2)) {
		drop_world(model, scope, SMMUV3_EL1);
		return;
	}
	if (tlbi->flags & FOR_EL2_ANY) {
		drop_world(model, scope, SMMUV3_EL2);
		drop_world(model, scope, SMMUV3_EL2_E2H);
		return;
	}
	/* EL2 has no ASIDs, and CMD_TLBI_EL2_ASID nothing to do there. */
	if (!e2h && scope->by_asid && !scope->by_addr)
		return;
	if (!e2h)
		scope->by_asid = false;
	drop_world(model, scope, e2h ? SMMUV3_EL2_E2H : SMMUV3_EL2);
}

/**
 * smmuv3_tlbi() - carry out a TLB invalidation
 * @model: locked
 * @cmd: two words
 * @keep_tables: leave cached tables alone, because a test wants it
 *
 * Return: false: CERROR_ILL.
 */
bool smmuv3_tlbi(struct smmuv3_model *model, const u64 cmd[2], bool keep_tables)
{
	const struct tlbi *tlbi = find(smmuv3_op(cmd));
	struct smmuv3_scope scope = {};
	bool leaf_only;

	if (!tlbi || !supported(model, tlbi) || !well_formed(model, tlbi, cmd))
		return false;
	if (tlbi->flags & (BY_VA | BY_IPA) && !address_scope(tlbi, cmd, &scope))
		return true;
	leaf_only = tlbi->flags & (BY_VA | BY_IPA) && cmd[1] & TLBI1_LEAF;
	scope.kinds = kinds_of(tlbi, leaf_only);
	if (keep_tables)
		scope.keep = scope.kinds & ~kinds_of(tlbi, true);
	scope.op = smmuv3_op(cmd);
	if (tlbi->flags & BY_VMID && model->config.idr0 & SMMUV3_IDR0_S2P) {
		scope.by_vmid = true;
		scope.vmid = smmuv3_get(TLBI0_VMID, cmd[0]);
	}
	if (tlbi->flags & BY_ASID) {
		scope.by_asid = true;
		scope.asid = smmuv3_get(TLBI0_ASID, cmd[0]);
		/* Global ones go by address, but not with an address space. */
		scope.global = MUT(TLBI_GLOBAL, tlbi->flags & BY_VA, true);
	}
	drop(model, tlbi, &scope);
	return true;
}
