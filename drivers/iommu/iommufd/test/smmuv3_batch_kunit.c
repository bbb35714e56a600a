// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: commands, word by word from the figures of IHI 0070 4.3 to 4.7; ranges
 * against a slow reader of them; in which order and how often batches are submitted,
 * and what is told when a submission fails.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "smmuv3_fake.h"

/* All features: 32 bits of StreamID, 20 of SubstreamID, all granules, RIL */
#define IDR0		0x0c4d76bb
#define IDR0_NO_STAGE1	0x0c4d76b9
#define IDR0_NO_STAGE2	0x0c4d76ba
#define IDR1		0x0a739d20
#define IDR3		0x00000500
#define IDR3_NO_RIL	0x00000100
#define IDR5		0x01000476
/* 48 bits, not 52 */
#define IDR5_48		0x01000475
/* Granule of 64K alone */
#define IDR5_64K	0x01000446

#define SID		0x89abcdef
#define OTHER_SID	0x12345678
#define SSID		0xfedcb
#define VMID		0x1234
/* arm64 has something else of that name */
#undef ASID
#define ASID		0xabcd

/**
 * struct rig - a unit and a batch
 * @fake: the unit
 * @batch: batch
 * @cmds: its commands
 * @refuse: qw1 of a command that is refused, if not 0
 */
struct rig {
	struct smmuv3_fake *fake;
	struct smmuv3_batch batch;
	struct smmuv3_cmd cmds[SMMUV3_SUBMIT_MAX];
	u64 refuse;
};

static struct rig *rig_new(struct kunit *test, u32 idr0, u32 idr3, u32 idr5)
{
	const u32 idr[6] = { idr0, IDR1, 0, idr3, 0, idr5 };
	struct rig *rig;

	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->fake = smmuv3_fake_new(test, idr, 0);
	rig->fake->priv = rig;
	smmuv3_fake_start_cmdq(rig->fake);
	rig->batch.unit = &rig->fake->unit;
	rig->batch.cmds = rig->cmds;
	rig->batch.max = SMMUV3_SUBMIT_MAX;
	return rig;
}

static struct rig *rig_all(struct kunit *test)
{
	return rig_new(test, IDR0, IDR3, IDR5);
}

/* What was asked for is, with its SYNC, exactly this. */
#define EXPECT(_call, ...)						\
	do {								\
		smmuv3_fake_forget(rig->fake);				\
		_call;							\
		KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(&rig->batch), 0); \
		smmuv3_fake_expect(rig->fake, __VA_ARGS__,		\
				   FAKE_CMD_SYNC);			\
	} while (0)
#define EXPECT_NOTHING(_call)						\
	do {								\
		smmuv3_fake_forget(rig->fake);				\
		_call;							\
		KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(&rig->batch), 0); \
		KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);		\
	} while (0)
#define CMD(_qw0, _qw1)		FAKE_CMD(_qw0 ## ULL, _qw1 ## ULL)

/* 4.3 */
static void batch_cfgi(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_cfgi_ste(b, SID, true),
	       CMD(0x89abcdef00000003, 0x1));
	EXPECT(smmuv3_batch_cfgi_ste(b, SID, false),
	       CMD(0x89abcdef00000003, 0x0));
	EXPECT(smmuv3_batch_cfgi_all(b), CMD(0x0000000000000004, 0x1f));
	EXPECT(smmuv3_batch_cfgi_cd(b, SID, SSID, true),
	       CMD(0x89abcdeffedcb005, 0x1));
	EXPECT(smmuv3_batch_cfgi_cd(b, SID, 0, false),
	       CMD(0x89abcdef00000005, 0x0));
	EXPECT(smmuv3_batch_cfgi_cd_all(b, SID),
	       CMD(0x89abcdef00000006, 0x0));
}

/* 4.4, without addresses */
static void batch_tlbi(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_tlbi_all(b), CMD(0x30, 0));
	EXPECT(smmuv3_batch_tlbi_el2_all(b), CMD(0x20, 0));
	EXPECT(smmuv3_batch_tlbi_asid(b, VMID, ASID),
	       CMD(0xabcd123400000011, 0));
	EXPECT(smmuv3_batch_tlbi_asid(b, 0, 1), CMD(0x0001000000000011, 0));
	EXPECT(smmuv3_batch_tlbi_vmid(b, VMID), CMD(0x0000123400000028, 0));
	EXPECT(smmuv3_batch_tlbi_vmid_stage1(b, VMID),
	       CMD(0x0000123400000010, 0));
}

/* A command of a stage that is not there is not known to the unit. */
static void batch_stages(struct kunit *test)
{
	struct rig *rig = rig_new(test, IDR0_NO_STAGE2, IDR3, IDR5);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_tlbi_vmid(b, 0), CMD(0x30, 0));
	EXPECT(smmuv3_batch_tlbi_vmid_stage1(b, 0), CMD(0x10, 0));
	EXPECT(smmuv3_batch_tlbi_asid(b, 0, ASID), CMD(0xabcd000000000011, 0));

	rig = rig_new(test, IDR0_NO_STAGE1, IDR3, IDR5);
	b = &rig->batch;
	EXPECT_NOTHING(smmuv3_batch_tlbi_vmid_stage1(b, VMID));
	EXPECT(smmuv3_batch_tlbi_vmid(b, VMID), CMD(0x0000123400000028, 0));
}

/* 4.4.1.1: NUM, SCALE, TG, TTL */
static void batch_ranges(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	/* One page has a form of its own */
	EXPECT(smmuv3_batch_tlbi_va(b, VMID, ASID, 0x1000, 0x1fff, SZ_4K, true),
	       CMD(0xabcd123400000012, 0x1001));
	EXPECT(smmuv3_batch_tlbi_va(b, VMID, ASID, 0x1800, 0x1801, SZ_4K,
				    false),
	       CMD(0xabcd123400000012, 0x1000));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x1000, 0x2fff, SZ_4K, true),
	       CMD(0x0001000000001012, 0x1401));
	/* 32 pages are the most of scale 0; the 33rd makes 34 */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x100000, 0x11ffff, SZ_4K, true),
	       CMD(0x000100000001f012, 0x100401));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x100000, 0x120000, SZ_4K, true),
	       CMD(0x0001000000110012, 0x100401));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x3fffff, SZ_4K, false),
	       CMD(0x000100000041f012, 0x200400));
	/* Blocks of level 2 and 1 */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x3fffff, SZ_2M, true),
	       CMD(0x0001000000900012, 0x200601));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x7fffff, SZ_2M, true),
	       CMD(0x0001000000902012, 0x200601));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x40000000, 0x7fffffff, SZ_1G,
				    true),
	       CMD(0x0001000001200012, 0x40000501));
	/* Tables were taken out: every page, at no level */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x3fffff, SZ_2M, false),
	       CMD(0x000100000041f012, 0x200400));
	/* Other granules */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x4000, 0xbfff, SZ_16K, true),
	       CMD(0x0001000000001012, 0x4801));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x10000, 0x2ffff, SZ_64K, true),
	       CMD(0x0001000000001012, 0x10c01));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x2000000, 0x3ffffff, SZ_32M,
				    true),
	       CMD(0x0001000000b00012, 0x2000a01));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x20000000, 0x3fffffff, SZ_512M,
				    true),
	       CMD(0x0001000000d00012, 0x20000e01));
	/* A granule that is not told, or is not the unit's: page by page */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x1000, 0x2fff, 0, true),
	       CMD(0x0001000000000012, 0x1001),
	       CMD(0x0001000000000012, 0x2001));
	rig = rig_new(test, IDR0, IDR3, IDR5_64K);
	EXPECT(smmuv3_batch_tlbi_va(&rig->batch, 0, 1, 0, 0x1ffff, SZ_4K, true),
	       CMD(0x0001000000000012, 0x0001),
	       CMD(0x0001000000000012, 0x10001));
}

/* What is too much to say is everything. */
static void batch_whole(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_tlbi_va(b, VMID, ASID, 0, U64_MAX, SZ_4K, false),
	       CMD(0xabcd123400000011, 0));
	/* 2^48 pages of 4K are more than SCALE can say; 2^36 it can */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0, BIT_ULL(60) - 1, SZ_4K, true),
	       CMD(0x0001000000000011, 0));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0, BIT_ULL(48) - 1, SZ_4K, true),
	       CMD(0x0001000001f1f012, 0x401));
	/* 34 pages end with the last address; 33 are said as 34, and would not */
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0xfffffffffffde000, U64_MAX, SZ_4K,
				    true),
	       CMD(0x0001000000110012, 0xfffffffffffde401));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0xfffffffffffdf000, U64_MAX, SZ_4K,
				    true),
	       CMD(0x0001000000000011, 0));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0, U64_MAX, SZ_4K, true),
	       CMD(0x0000123400000028, 0));
	/* The address has 52 bits */
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0xffffffffff000, BIT_ULL(52),
				     SZ_4K, true),
	       CMD(0x0000123400000028, 0));
}

static void batch_ipa(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0x1000, 0x1fff, SZ_4K, true),
	       CMD(0x000012340000002a, 0x1001));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0x1000, 0x2fff, SZ_4K, false),
	       CMD(0x000012340000102a, 0x1400));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0xffffffffff000, 0xfffffffffffff,
				     SZ_4K, true),
	       CMD(0x000012340000002a, 0xffffffffff001));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0x40000000, 0x7fffffff, SZ_1G,
				     true),
	       CMD(0x000012340120002a, 0x40000501));

	/* A user may ask for what the unit has no addresses for */
	rig = rig_new(test, IDR0, IDR3, IDR5_48);
	b = &rig->batch;
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0xfffffffff000, 0xffffffffffff,
				     SZ_4K, true),
	       CMD(0x000012340000002a, 0xfffffffff001));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0xfffffffff000, BIT_ULL(48),
				     SZ_4K, true),
	       CMD(0x0000123400000028, 0));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, BIT_ULL(50),
				     BIT_ULL(50) + SZ_4K - 1, SZ_4K, true),
	       CMD(0x0000123400000028, 0));
}

/* Without RIL: up to 64 steps of a page, or of a block. */
static void batch_steps(struct kunit *test)
{
	struct rig *rig = rig_new(test, IDR0, IDR3_NO_RIL, IDR5);
	struct smmuv3_batch *b = &rig->batch;
	unsigned int i;

	smmuv3_batch_tlbi_va(b, 0, 1, 0x7000, 0x7000 + 64 * SZ_4K - 1, SZ_4K,
			     true);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	KUNIT_ASSERT_EQ(test, rig->fake->num_log, 65);
	for (i = 0; i < 64; i++) {
		KUNIT_EXPECT_EQ(test, rig->fake->log[i].cmd.qw[0],
				0x0001000000000012ULL);
		KUNIT_EXPECT_EQ(test, rig->fake->log[i].cmd.qw[1],
				0x7001 + i * 0x1000);
	}
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x7000, 0x7000 + 64 * SZ_4K, SZ_4K,
				    true),
	       CMD(0x0001000000000011, 0));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x5fffff, SZ_2M, true),
	       CMD(0x0001000000000012, 0x200001),
	       CMD(0x0001000000000012, 0x400001));
	EXPECT(smmuv3_batch_tlbi_va(b, 0, 1, 0x200000, 0x3fffff, SZ_2M, false),
	       CMD(0x0001000000000011, 0));
	EXPECT(smmuv3_batch_tlbi_ipa(b, VMID, 0, 65 * SZ_4K - 1, SZ_4K, true),
	       CMD(0x0000123400000028, 0));

	/* The smallest granule that the unit has, if none is told */
	rig = rig_new(test, IDR0, IDR3_NO_RIL, IDR5_64K);
	EXPECT(smmuv3_batch_tlbi_va(&rig->batch, 0, 1, 0x1000, 0x10000, 0,
				    true),
	       CMD(0x0001000000000012, 0x0001),
	       CMD(0x0001000000000012, 0x10001));
}

/*
 * A command that invalidates by address, as the specification reads it: which bytes
 * go, or that it is not to be. What may be set at all: opcode, VMID, ASID; NUM and
 * SCALE with TG only; TTL, TG, leaf and the address. @entry: what is translated by
 * one entry, which goes as a whole.
 */
static bool read_range(const struct smmuv3_cmd *cmd, u64 entry, u64 *start,
		       u64 *last, unsigned int *ttl)
{
	static const unsigned int shifts[4] = { 12, 12, 14, 16 };
	u64 qw0 = cmd->qw[0], qw1 = cmd->qw[1];
	unsigned int tg = (qw1 >> 10) & 3, num = (qw0 >> 12) & 31;
	unsigned int scale = (qw0 >> 20) & 31, shift = shifts[tg];
	u64 addr = qw1 & ~0xfffULL, pages = (u64)(num + 1) << scale;

	*ttl = (qw1 >> 8) & 3;
	if (qw0 & 0xfe0e0f00 || qw1 & 0xfe || addr & (BIT_ULL(shift) - 1))
		return false;
	if (tg ? !num && !scale && !*ttl : num || scale || *ttl)
		return false;
	/* A leaf of that level begins there */
	if (*ttl && addr & (BIT_ULL(shift + (3 - *ttl) * (shift - 3)) - 1))
		return false;
	*start = addr;
	*last = addr + (tg ? pages << shift : entry) - 1;
	return *last >= addr;
}

/* What a single address invalidates: the leaf there, or a page of the table. */
static u64 entry_size(size_t granule, bool leaf)
{
	if (!granule)
		return SZ_4K;
	if (leaf)
		return granule;
	switch (granule) {
	case SZ_16K:
	case SZ_32M:
		return SZ_16K;
	case SZ_64K:
	case SZ_512M:
		return SZ_64K;
	default:
		return SZ_4K;
	}
}

static void check_random(struct rig *rig, struct rnd_state *rnd, bool ipa)
{
	static const size_t sizes[] = {
		SZ_4K, SZ_16K, SZ_64K, SZ_2M, SZ_32M, SZ_512M, SZ_1G, 0,
	};
	struct kunit *test = rig->fake->test;
	size_t granule = sizes[prandom_u32_state(rnd) % ARRAY_SIZE(sizes)];
	u64 start = ((u64)prandom_u32_state(rnd) << 32 |
		     prandom_u32_state(rnd)) >> (16 + prandom_u32_state(rnd) % 24);
	u64 len = 1 + (((u64)prandom_u32_state(rnd) << 16 |
			prandom_u32_state(rnd)) >> (prandom_u32_state(rnd) % 48));
	bool leaf = prandom_u32_state(rnd) & 1;
	u64 last = start + len - 1, next, from, to;
	unsigned int i, ttl;

	/* What is told is true: blocks are whole */
	if (granule) {
		start = start / granule * granule;
		last = last / granule * granule + granule - 1;
	}
	smmuv3_fake_forget(rig->fake);
	if (ipa)
		smmuv3_batch_tlbi_ipa(&rig->batch, VMID, start, last, granule,
				      leaf);
	else
		smmuv3_batch_tlbi_va(&rig->batch, VMID, ASID, start, last,
				     granule, leaf);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(&rig->batch), 0);

	next = start;
	for (i = 0; i < rig->fake->num_log - 1; i++) {
		const struct smmuv3_cmd *cmd = &rig->fake->log[i].cmd;
		u8 op = smmuv3_fake_op(cmd);

		if (op == FAKE_TLBI_NH_ASID || op == FAKE_TLBI_S12_VMALL)
			return;
		KUNIT_EXPECT_EQ(test, op,
				ipa ? FAKE_TLBI_S2_IPA : FAKE_TLBI_NH_VA);
		KUNIT_EXPECT_EQ(test, cmd->qw[1] & 1, leaf);
		if (!read_range(cmd, entry_size(granule, leaf), &from, &to,
				&ttl)) {
			KUNIT_FAIL(test, "reserved: %016llx %016llx",
				   cmd->qw[0], cmd->qw[1]);
			return;
		}
		KUNIT_EXPECT_TRUE(test, from <= next);
		/* A level only of blocks, and the right one */
		if (ttl)
			KUNIT_EXPECT_TRUE(test, leaf && granule > SZ_64K &&
					  ttl == (granule == SZ_1G ? 1 : 2));
		next = to + 1;
	}
	KUNIT_EXPECT_GT_MSG(test, next, last, "%llx to %llx by %zx", start,
			    last, granule);
	/* At most a sixteenth too much, and what alignment makes of it */
	KUNIT_EXPECT_LE_MSG(test, next - 1 - last,
			    (last - start) / 16 + SZ_128K,
			    "%llx to %llx by %zx", start, last, granule);
}

static void batch_random(struct kunit *test)
{
	struct rig *ril = rig_all(test);
	struct rig *steps = rig_new(test, IDR0, IDR3_NO_RIL, IDR5);
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 4000; i++) {
		check_random(ril, &rnd, i & 1);
		check_random(steps, &rnd, i & 1);
	}
}

/* 4.5.1 */
static void batch_atc(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_atc_inv(b, SID, IOMMU_NO_PASID, 0x1000, 0x1fff),
	       CMD(0x89abcdef00000040, 0x1000));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x1fff, 0x1fff),
	       CMD(0x89abcdeffedcb840, 0x1000));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x10000, 0x1ffff),
	       CMD(0x89abcdeffedcb840, 0x10004));
	/* Aligned to its size, around what was asked for */
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x10000, 0x12fff),
	       CMD(0x89abcdeffedcb840, 0x10001),
	       CMD(0x89abcdeffedcb840, 0x12000));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x11000, 0x13fff),
	       CMD(0x89abcdeffedcb840, 0x11000),
	       CMD(0x89abcdeffedcb840, 0x12001));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x10000, 0x1cfff),
	       CMD(0x89abcdeffedcb840, 0x10004));
	/* Two pages about a large boundary do not take all around it along */
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0x7fff000, 0x8000fff),
	       CMD(0x89abcdeffedcb840, 0x7fff000),
	       CMD(0x89abcdeffedcb840, 0x8000000));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0, U64_MAX),
	       CMD(0x89abcdeffedcb840, 0x34));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, BIT_ULL(63), U64_MAX),
	       CMD(0x89abcdeffedcb840, 0x8000000000000033));
	EXPECT(smmuv3_batch_atc_inv(b, SID, SSID, 0xfffffffffffff000, U64_MAX),
	       CMD(0x89abcdeffedcb840, 0xfffffffffffff000));
}

static void batch_atc_random(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct rnd_state rnd;
	unsigned int i, k;

	prandom_seed_state(&rnd, 4);
	for (i = 0; i < 4000; i++) {
		u64 start = (u64)prandom_u32_state(&rnd) << 32 |
			    prandom_u32_state(&rnd);
		u64 len = ((u64)prandom_u32_state(&rnd) << 32 |
			   prandom_u32_state(&rnd)) >>
			  (prandom_u32_state(&rnd) % 64);
		u64 last = start + min(len, U64_MAX - start), next = start;
		u64 sum = 0;

		smmuv3_fake_forget(rig->fake);
		smmuv3_batch_atc_inv(&rig->batch, SID, SSID, start, last);
		KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(&rig->batch), 0);
		for (k = 0; k < rig->fake->num_log - 1; k++) {
			u64 qw1 = rig->fake->log[k].cmd.qw[1];
			unsigned int size = qw1 & 0x3f;
			u64 addr = qw1 & ~0xfffULL;
			u64 bytes = size < 52 ? 0x1000ULL << size : 0;

			KUNIT_EXPECT_EQ(test, qw1 & 0xfc0, 0);
			KUNIT_EXPECT_EQ(test, addr & (bytes - 1), 0);
			KUNIT_EXPECT_TRUE(test, addr <= next);
			/* 0 once it went past the last address */
			next = addr + bytes;
			sum += bytes;
		}
		KUNIT_EXPECT_TRUE_MSG(test, !next || next > last,
				      "%llx to %llx", start, last);
		KUNIT_EXPECT_LE(test, rig->fake->num_log, 3);
		/* Not more than twice what was asked for, in pages */
		KUNIT_EXPECT_LE(test, sum / SZ_4K / 2,
				(last >> 12) - (start >> 12) + 1);
	}
}

static void no_work(struct work_struct *work)
{
}

static struct smmuv3_device *rig_device(struct rig *rig, u32 sid,
					u32 max_pasids)
{
	struct smmuv3_device *device;

	device = smmuv3_fake_device(rig->fake, sid, 1, max_pasids);
	INIT_WORK(&device->distrust_work, no_work);
	device->ats = true;
	return device;
}

/* With a PASID only to a device that has them on. */
static void batch_atc_all(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_atc_inv_all(b, SID), CMD(0x89abcdef00000040, 0x34));
	rig_device(rig, SID, 1 << 20);
	EXPECT(smmuv3_batch_atc_inv_all(b, SID), CMD(0x89abcdef00000040, 0x34),
	       CMD(0x89abcdef00000a40, 0x34));
	rig_device(rig, OTHER_SID, 1);
	EXPECT(smmuv3_batch_atc_inv_all(b, OTHER_SID),
	       CMD(0x1234567800000040, 0x34));
}

/* 4.5.2, 4.7.1 */
static void batch_answers(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	EXPECT(smmuv3_batch_pri_resp(b, SID, true, SSID, 0x1a5,
				     SMMUV3_PRI_SUCCESS),
	       CMD(0x89abcdeffedcb841, 0x21a5));
	EXPECT(smmuv3_batch_pri_resp(b, SID, true, 0, 511, SMMUV3_PRI_INVALID),
	       CMD(0x89abcdef00000841, 0x11ff));
	/* Without PASID the field is zero, whatever was in the variable */
	EXPECT(smmuv3_batch_pri_resp(b, SID, false, SSID, 0,
				     SMMUV3_PRI_FAILURE),
	       CMD(0x89abcdef00000041, 0x0));
	EXPECT(smmuv3_batch_resume(b, SID, 0xbeef, true),
	       CMD(0x89abcdef00001044, 0xbeef));
	EXPECT(smmuv3_batch_resume(b, SID, 0xbeef, false),
	       CMD(0x89abcdef00002044, 0xbeef));
}

static void add(struct smmuv3_batch *batch, u64 tag)
{
	/* 4.2.1: a prefetch does nothing that we could see */
	smmuv3_batch_add(batch, &(struct smmuv3_cmd){ { 0x01, tag } });
}

static void batch_full(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;
	unsigned int i;

	/* Nothing is nothing */
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->num_writes, 0);

	for (i = 0; i < SMMUV3_SUBMIT_MAX; i++)
		add(b, i);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);
	add(b, i);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, SMMUV3_SUBMIT_MAX + 1);
	KUNIT_EXPECT_EQ(test, b->done, SMMUV3_SUBMIT_MAX);
	smmuv3_batch_barrier(b);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, SMMUV3_SUBMIT_MAX + 3);
	add(b, ++i);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	KUNIT_EXPECT_EQ(test, b->done, SMMUV3_SUBMIT_MAX + 2);
	KUNIT_EXPECT_EQ(test, rig->fake->num_prods, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.submits), 3);

	/* A SYNC asks for no signal (4.7.3) */
	KUNIT_EXPECT_EQ(test, rig->fake->log[SMMUV3_SUBMIT_MAX].cmd.qw[0],
			0x46);
	KUNIT_EXPECT_EQ(test, rig->fake->log[SMMUV3_SUBMIT_MAX].cmd.qw[1], 0);
}

/* Errata (smmuv3_caps_errata()): one kind of command goes together, another waits. */
static void batch_kinds(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;

	rig->fake->unit.caps.one_kind = true;
	smmuv3_batch_tlbi_asid(b, VMID, 1);
	smmuv3_batch_tlbi_asid(b, VMID, 2);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);
	smmuv3_batch_tlbi_vmid(b, VMID);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 3);
	KUNIT_EXPECT_EQ(test, b->done, 2);
	smmuv3_batch_tlbi_asid(b, VMID, 3);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	KUNIT_EXPECT_EQ(test, b->done, 4);
	smmuv3_fake_expect(rig->fake, FAKE_CMD_TLBI_NH_ASID(VMID, 1),
			   FAKE_CMD_TLBI_NH_ASID(VMID, 2), FAKE_CMD_SYNC,
			   FAKE_CMD_TLBI_S12_VMALL(VMID), FAKE_CMD_SYNC,
			   FAKE_CMD_TLBI_NH_ASID(VMID, 3), FAKE_CMD_SYNC);

	/* Others have one SYNC behind all of them */
	rig->fake->unit.caps.one_kind = false;
	smmuv3_fake_forget(rig->fake);
	smmuv3_batch_tlbi_asid(b, VMID, 1);
	smmuv3_batch_tlbi_vmid(b, VMID);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	smmuv3_fake_expect(rig->fake, FAKE_CMD_TLBI_NH_ASID(VMID, 1),
			   FAKE_CMD_TLBI_S12_VMALL(VMID), FAKE_CMD_SYNC);
}

static u8 refuse(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct rig *rig = fake->priv;

	return rig->refuse && smmuv3_fake_op(cmd) == 0x01 &&
	       cmd->qw[1] == rig->refuse ? FAKE_CERROR_ILL : FAKE_CERROR_NONE;
}

/* The first error is kept, by its number in the order of collection. */
static void batch_refused(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_batch *b = &rig->batch;
	unsigned int i;

	rig->fake->on_cmd = refuse;
	rig->refuse = 7;
	b->max = 4;
	for (i = 1; i <= 10; i++)
		add(b, i);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), -EIO);
	KUNIT_EXPECT_EQ(test, b->failed, 6);
	KUNIT_EXPECT_EQ(test, b->done, 10);
	rig->refuse = 11;
	add(b, 11);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), -EIO);
	KUNIT_EXPECT_EQ(test, b->failed, 6);
	/* All others were carried out */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, 0x01), 11);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.timeouts), 0);
}

/* One device, and it is dead: no more is asked. */
static void batch_dead(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_device *device = rig_device(rig, SID, 1 << 20);
	struct smmuv3_batch *b = &rig->batch;

	rig->fake->dead = true;
	rig->fake->dead_sid = SID;
	add(b, 1);
	smmuv3_batch_atc_inv(b, SID, SSID, 0x1000, 0x1fff);
	smmuv3_batch_atc_inv(b, SID, SSID, 0x5000, 0x5fff);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, b->failed, 1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(device->suspect));
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.timeouts), 1);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 2);
	flush_work(&device->distrust_work);
}

/* Several: the one that is dead is found, and the others are not blamed. */
static void batch_dead_among(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_device *good = rig_device(rig, SID, 1 << 20);
	struct smmuv3_device *bad = rig_device(rig, OTHER_SID, 1 << 20);
	struct smmuv3_batch *b = &rig->batch;

	rig->fake->dead = true;
	rig->fake->dead_sid = OTHER_SID;
	smmuv3_batch_atc_inv(b, SID, SSID, 0x1000, 0x1fff);
	smmuv3_batch_atc_inv(b, OTHER_SID, SSID, 0x1000, 0x1fff);
	smmuv3_batch_atc_inv(b, OTHER_SID, SSID, 0x5000, 0x5fff);
	smmuv3_batch_atc_inv(b, SID, SSID, 0x9000, 0x9fff);
	add(b, 1);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, b->failed, 1);
	KUNIT_EXPECT_EQ(test, b->done, 5);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(good->suspect));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(bad->suspect));
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->fake->unit.timeouts), 1);
	/* Each of the good one's again, and one of the bad one's */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 7);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, 0x01), 1);
	flush_work(&bad->distrust_work);
}

/* Both answer the second time: nothing has failed. */
static u8 dead_once(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	if (smmuv3_fake_op(cmd) != FAKE_SYNC || fake->atc_errors)
		return FAKE_CERROR_NONE;
	fake->atc_errors++;
	return FAKE_CERROR_ATC_INV;
}

static void batch_dead_once(struct kunit *test)
{
	struct rig *rig = rig_all(test);
	struct smmuv3_device *one = rig_device(rig, SID, 1 << 20);
	struct smmuv3_device *two = rig_device(rig, OTHER_SID, 1 << 20);
	struct smmuv3_batch *b = &rig->batch;

	rig->fake->on_cmd = dead_once;
	smmuv3_batch_atc_inv(b, SID, SSID, 0x1000, 0x1fff);
	smmuv3_batch_atc_inv(b, OTHER_SID, SSID, 0x1000, 0x1fff);
	KUNIT_EXPECT_EQ(test, smmuv3_batch_submit(b), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->atc_errors, 1);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(one->suspect));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(two->suspect));
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 4);
}

/*
 * ATS goes off, or on, while a function does not answer. Whose fault that is not nobody is
 * blamed for.
 */
static u8 off_meanwhile(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct smmuv3_device *device = smmuv3_device_find(&fake->unit, SID);

	if (smmuv3_fake_op(cmd) != FAKE_ATC_INV)
		return FAKE_CERROR_NONE;
	smmuv3_device_ats_begin(device);
	smmuv3_device_ats_end(device, false);
	return FAKE_CERROR_NONE;
}

/* The second time it is on, but has not been all the while. */
static u8 on_meanwhile(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct smmuv3_device *device = smmuv3_device_find(&fake->unit, SID);

	if (smmuv3_fake_op(cmd) != FAKE_ATC_INV)
		return FAKE_CERROR_NONE;
	/* Those before this one */
	switch (smmuv3_fake_count(fake, FAKE_ATC_INV)) {
	case 1:
		smmuv3_device_ats_end(device, true);
		break;
	case 2:
		fake->dead = false;
		break;
	}
	return FAKE_CERROR_NONE;
}

static void batch_dead_while_changing(struct kunit *test)
{
	static const struct {
		u8 (*on_cmd)(struct smmuv3_fake *fake,
			     const struct smmuv3_cmd *cmd);
		bool changing;
		int rc;
		unsigned int asked;
	} rows[] = {
		{ off_meanwhile, false, 0, 1 },
		{ on_meanwhile, true, 0, 3 },
		/* It is turned on for ever, and does not answer for ever */
		{ NULL, true, -ETIMEDOUT, 4 },
		{ NULL, false, -ETIMEDOUT, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *rig = rig_all(test);
		struct smmuv3_device *device = rig_device(rig, SID, 1 << 20);
		struct smmuv3_batch *b = &rig->batch;

		if (rows[i].changing)
			smmuv3_device_ats_begin(device);
		rig->fake->on_cmd = rows[i].on_cmd;
		rig->fake->dead = true;
		rig->fake->dead_sid = SID;
		smmuv3_batch_atc_inv(b, SID, SSID, 0x1000, 0x1fff);
		KUNIT_EXPECT_EQ_MSG(test, smmuv3_batch_submit(b), rows[i].rc,
				    "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(device->suspect),
				    rows[i].rc == -ETIMEDOUT, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test,
				    smmuv3_fake_count(rig->fake, FAKE_ATC_INV),
				    rows[i].asked, "row %u", i);
		flush_work(&device->distrust_work);
	}
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(batch_cfgi),
	KUNIT_CASE(batch_tlbi),
	KUNIT_CASE(batch_stages),
	KUNIT_CASE(batch_ranges),
	KUNIT_CASE(batch_whole),
	KUNIT_CASE(batch_ipa),
	KUNIT_CASE(batch_steps),
	KUNIT_CASE(batch_random),
	KUNIT_CASE(batch_atc),
	KUNIT_CASE(batch_atc_random),
	KUNIT_CASE(batch_atc_all),
	KUNIT_CASE(batch_answers),
	KUNIT_CASE(batch_full),
	KUNIT_CASE(batch_kinds),
	KUNIT_CASE(batch_refused),
	KUNIT_CASE(batch_dead),
	KUNIT_CASE(batch_dead_among),
	KUNIT_CASE(batch_dead_once),
	KUNIT_CASE(batch_dead_while_changing),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "iommufd_smmuv3_batch",
	.test_cases = batch_cases,
};

kunit_test_suite(batch_suite);
