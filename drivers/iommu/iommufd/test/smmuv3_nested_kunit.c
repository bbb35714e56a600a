// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest may say in its stream table entry, bit by bit, and in its commands:
 * against literal expectations from IHI 0070.
 */
#include <kunit/test.h>
#include <uapi/linux/iommufd.h>

#include "../smmuv3/domain.h"
#include "../smmuv3/viommu.h"

#define LAST_48		GENMASK_ULL(47, 0)

/* A unit that can do everything. */
static const struct smmuv3_caps all_caps = {
	.sid_bits = 16,
	.ssid_bits = 20,
	.asid_bits = 16,
	.vmid_bits = 16,
	.ias = 48,
	.oas = 48,
	.va_bits = 48,
	.granules = SZ_4K | SZ_16K | SZ_64K,
	.stage1 = true,
	.stage2 = true,
	.two_level_contexts = true,
	.ats = true,
	.stall = true,
	.range_inval = true,
};

/* V, Config stage 1, S1ContextPtr 0x40000, S1CDMax 4; S1DSS CD 0, write-back, inner */
#define BASE0		(1ULL | 5ULL << 1 | 0x40000ULL | 4ULL << 59)
#define BASE1		(2ULL | 1ULL << 2 | 1ULL << 4 | 3ULL << 6)

static int check(const struct smmuv3_caps *caps, u64 last, u64 word0, u64 word1,
		 struct smmuv3_user_ste *ste)
{
	struct iommu_hwpt_arm_smmuv3 user = {
		.ste = { cpu_to_le64(word0), cpu_to_le64(word1) },
	};

	return smmuv3_user_ste_check(caps, last, &user, ste);
}

static void test_base(struct kunit *test)
{
	struct smmuv3_user_ste ste;

	KUNIT_ASSERT_EQ(test, check(&all_caps, LAST_48, BASE0, BASE1, &ste), 0);
	KUNIT_EXPECT_EQ(test, ste.words[0], BASE0);
	KUNIT_EXPECT_EQ(test, ste.words[1], BASE1);
	KUNIT_EXPECT_FALSE(test, ste.ats);
	KUNIT_EXPECT_TRUE(test, ste.stall);
}

/* Which of the bits of word 0 can be flipped. */
static void test_word0(struct kunit *test)
{
	struct smmuv3_user_ste ste;
	unsigned int bit;
	int want;

	for (bit = 0; bit < 64; bit++) {
		want = 0;
		/* Config 0b111 and 0b001; beyond the parent's space; RES0 */
		if (bit == 2 || bit == 3 || (bit >= 48 && bit <= 58))
			want = -EIO;
		KUNIT_EXPECT_EQ_MSG(test,
				    check(&all_caps, LAST_48,
					  BASE0 ^ BIT_ULL(bit), BASE1, &ste),
				    want, "bit %u", bit);
	}
}

static void test_word1(struct kunit *test)
{
	struct smmuv3_user_ste ste;
	unsigned int bit;
	int want;

	for (bit = 0; bit < 64; bit++) {
		want = -EIO;
		/* S1DSS 0b00; S1CIR, S1COR, S1CSH; S1STALLD; EATS 0b01 */
		if ((bit >= 1 && bit <= 7) || bit == 27 || bit == 28)
			want = 0;
		KUNIT_EXPECT_EQ_MSG(test,
				    check(&all_caps, LAST_48, BASE0,
					  BASE1 ^ BIT_ULL(bit), &ste),
				    want, "bit %u", bit);
	}
}

static void test_not_valid(struct kunit *test)
{
	struct smmuv3_user_ste ste;

	/* Whatever else is in it, as hardware would not look */
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48, ~1ULL, ~0ULL, &ste), 0);
	KUNIT_EXPECT_EQ(test, ste.words[0], 1ULL);
	KUNIT_EXPECT_EQ(test, ste.words[1], 0ULL);
	KUNIT_EXPECT_FALSE(test, ste.ats);
	KUNIT_EXPECT_FALSE(test, ste.stall);
}

static void test_config(struct kunit *test)
{
	struct smmuv3_user_ste ste;
	unsigned int config;

	for (config = 0; config < 8; config++) {
		u64 word0 = (BASE0 & ~(7ULL << 1)) | (u64)config << 1;
		int want = config == 0 || config == 4 || config == 5 ? 0 : -EIO;

		KUNIT_EXPECT_EQ_MSG(test,
				    check(&all_caps, LAST_48, word0,
					  BASE1 | 1ULL << 28, &ste),
				    want, "config %u", config);
		if (want)
			continue;
		/* Nothing of stage 1 is kept where there is none */
		KUNIT_EXPECT_EQ(test, ste.words[0],
				config == 5 ? BASE0 : 1 | (u64)config << 1);
		KUNIT_EXPECT_EQ(test, ste.words[1], config == 5 ? BASE1 : 0);
		KUNIT_EXPECT_EQ(test, ste.ats, config == 5);
	}
}

static void test_fields(struct kunit *test)
{
	struct smmuv3_user_ste ste;

	/* EATS and S1STALLD are taken out of the words */
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48, BASE0,
				    BASE1 | BIT_ULL(27) | BIT_ULL(28), &ste),
			0);
	KUNIT_EXPECT_EQ(test, ste.words[1], BASE1);
	KUNIT_EXPECT_TRUE(test, ste.ats);
	KUNIT_EXPECT_FALSE(test, ste.stall);
	/* EATS 0b11; S1Fmt 0b11, which counts with SubstreamIDs alone */
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48, BASE0,
				    BASE1 | 3ULL << 28, &ste), -EIO);
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48, BASE0 | 3ULL << 4,
				    BASE1, &ste), -EIO);
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48,
				    (BASE0 & ~(4ULL << 59)) | 3ULL << 4,
				    BASE1 | 3, &ste), 0);
	/* S1CDMax of more than the unit has */
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48,
				    (BASE0 & ~(4ULL << 59)) | 20ULL << 59,
				    BASE1, &ste), 0);
	KUNIT_EXPECT_EQ(test, check(&all_caps, LAST_48,
				    (BASE0 & ~(4ULL << 59)) | 21ULL << 59,
				    BASE1, &ste), -EIO);
}

static void test_pointer(struct kunit *test)
{
	u64 word0 = BASE0 & ~0x40000ULL;
	struct smmuv3_user_ste ste;

	KUNIT_EXPECT_EQ(test, check(&all_caps, 0xffff, word0 | 0xffc0, BASE1,
				    &ste), 0);
	KUNIT_EXPECT_EQ(test, check(&all_caps, 0xffff, word0 | 0x10000, BASE1,
				    &ste), -EIO);
	/* The descriptor is cut in two by the end of the space */
	KUNIT_EXPECT_EQ(test, check(&all_caps, 0xffdf, word0 | 0xffc0, BASE1,
				    &ste), -EIO);
	/* Without stage 1 it is not looked at */
	KUNIT_EXPECT_EQ(test, check(&all_caps, 0xffff,
				    1 | 4ULL << 1 | 0x10000, 0, &ste), 0);
}

static void test_small_unit(struct kunit *test)
{
	struct smmuv3_caps caps = all_caps;
	struct smmuv3_user_ste ste;

	caps.two_level_contexts = false;
	KUNIT_EXPECT_EQ(test, check(&caps, LAST_48, BASE0, BASE1, &ste), 0);
	KUNIT_EXPECT_EQ(test, check(&caps, LAST_48, BASE0 | 1ULL << 4, BASE1,
				    &ste), -EIO);
	caps.ssid_bits = 3;
	KUNIT_EXPECT_EQ(test, check(&caps, LAST_48, BASE0, BASE1, &ste), -EIO);
	/* S1STALLD where a unit has no choice is ILLEGAL (5.2) */
	caps = all_caps;
	caps.stall_always = true;
	KUNIT_EXPECT_EQ(test, check(&caps, LAST_48, BASE0, BASE1 | BIT_ULL(27),
				    &ste), -EIO);
	caps.stall = false;
	caps.stall_always = false;
	KUNIT_EXPECT_EQ(test, check(&caps, LAST_48, BASE0, BASE1 | BIT_ULL(27),
				    &ste), -EIO);
}

static void test_allowed(struct kunit *test)
{
	static struct smmuv3_unit unit;
	static struct smmuv3_domain parent;

	unit.caps = all_caps;
	unit.firmware = 0;
	parent.fwb = false;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), -EOPNOTSUPP);
	/* Coherent walks are not coherent accesses */
	unit.firmware = SMMUV3_FW_COHERENT;
	unit.caps.coherent = true;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), -EOPNOTSUPP);
	unit.firmware = SMMUV3_FW_CANWBS;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), 0);
	unit.firmware = 0;
	parent.fwb = true;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), 0);
	/* Errata count whatever else is well */
	unit.caps.no_nest = true;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), -EOPNOTSUPP);
	unit.caps.no_nest = false;
	unit.caps.stage1 = false;
	KUNIT_EXPECT_EQ(test, smmuv3_nest_allowed(&unit, &parent), -EOPNOTSUPP);
}

static struct kunit_case nested_cases[] = {
	KUNIT_CASE(test_base),
	KUNIT_CASE(test_word0),
	KUNIT_CASE(test_word1),
	KUNIT_CASE(test_not_valid),
	KUNIT_CASE(test_config),
	KUNIT_CASE(test_fields),
	KUNIT_CASE(test_pointer),
	KUNIT_CASE(test_small_unit),
	KUNIT_CASE(test_allowed),
	{}
};

static struct kunit_suite nested_suite = {
	.name = "iommufd_smmuv3_nested",
	.test_cases = nested_cases,
};

/* --- commands; VMID 0x1234 throughout --- */

#define VMID		0x1234
#define OURS		((u64)VMID << 32)

/**
 * struct cmd_case - a guest's command and what becomes of it
 * @name: for messages
 * @in: as the guest wrote it
 * @out: as the unit gets it, but for the StreamID; if @rc is 0
 * @rc: 0 or -EIO
 * @has_sid: it is about the guest's StreamID 0xabcd
 * @atc: ATC_INV
 */
struct cmd_case {
	const char *name;
	u64 in[2];
	u64 out[2];
	int rc;
	bool has_sid;
	bool atc;
};

#define SID		(0xabcdULL << 32)

static const struct cmd_case cmd_cases[] = {
	{ "CFGI_CD", { 0x05 | SID | 7 << 12, 1 },
	  { 0x05 | SID | 7 << 12, 1 }, 0, true },
	{ "CFGI_CD, largest SSID", { 0x05 | SID | 0xfffffULL << 12, 0 },
	  { 0x05 | SID | 0xfffffULL << 12, 0 }, 0, true },
	{ "CFGI_CD, secure", { 0x05 | SID | 1 << 10, 1 }, {}, -EIO },
	{ "CFGI_CD, SSV", { 0x05 | SID | 1 << 11, 1 }, {}, -EIO },
	{ "CFGI_CD, word 1", { 0x05 | SID, 3 }, {}, -EIO },
	{ "CFGI_CD_ALL", { 0x06 | SID, 0 }, { 0x06 | SID, 0 }, 0, true },
	{ "CFGI_CD_ALL, SSID", { 0x06 | SID | 1 << 12, 0 }, {}, -EIO },
	{ "CFGI_CD_ALL, leaf", { 0x06 | SID, 1 }, {}, -EIO },
	{ "NH_ALL", { 0x10 | 5ULL << 32, 0 }, { 0x10 | OURS, 0 } },
	{ "NH_ALL, all of VMID", { 0x10 | 0xffffULL << 32, 0 },
	  { 0x10 | OURS, 0 } },
	{ "NH_ALL, ASID", { 0x10 | 1ULL << 48, 0 }, {}, -EIO },
	{ "NH_ALL, word 1", { 0x10, 1 }, {}, -EIO },
	{ "NH_ASID", { 0x11 | 5ULL << 32 | 0xbeefULL << 48, 0 },
	  { 0x11 | OURS | 0xbeefULL << 48, 0 } },
	{ "NH_ASID, address", { 0x11, 0x1000 }, {}, -EIO },
	{ "NH_VA", { 0x12 | 5ULL << 32 | 0xbeefULL << 48, 0x7fff0001 & ~0xffeULL },
	  { 0x12 | OURS | 0xbeefULL << 48, 0x7fff0001 } },
	{ "NH_VA, high", { 0x12, 0xfffffffffffff000 },
	  { 0x12 | OURS, 0xfffffffffffff000 } },
	{ "NH_VA, range", { 0x12 | 3 << 12 | 2 << 20, 0x1000 | 1 << 10 | 3 << 8 },
	  { 0x12 | OURS | 3 << 12 | 2 << 20, 0x1000 | 1 << 10 | 3 << 8 } },
	{ "NH_VA, range without granule", { 0x12 | 3 << 12, 0x1000 }, {}, -EIO },
	{ "NH_VA, scale without granule", { 0x12 | 1 << 20, 0x1000 }, {}, -EIO },
	{ "NH_VA, level without granule", { 0x12, 0x1000 | 3 << 8 }, {}, -EIO },
	{ "NH_VA, granule alone", { 0x12, 0x1000 | 1 << 10 }, {}, -EIO },
	{ "NH_VA, 16K and level 1", { 0x12 | 1 << 12, 2 << 10 | 1 << 8 }, {},
	  -EIO },
	{ "NH_VA, 16K", { 0x12 | 1 << 12, 2 << 10 | 2 << 8 },
	  { 0x12 | OURS | 1 << 12, 2 << 10 | 2 << 8 } },
	{ "NH_VA, 64K", { 0x12 | 1 << 12, 3 << 10 },
	  { 0x12 | OURS | 1 << 12, 3 << 10 } },
	{ "NH_VA, RES0 of word 0", { 0x12 | 1 << 17, 0x1000 }, {}, -EIO },
	{ "NH_VA, RES0 above SCALE", { 0x12 | 1 << 25, 0x1000 }, {}, -EIO },
	{ "NH_VA, RES0 of word 1", { 0x12, 0x1002 }, {}, -EIO },
	{ "NH_VA, TTL128", { 0x12, 0x1080 }, {}, -EIO },
	{ "NH_VAA", { 0x13 | 5ULL << 32, 0x1001 }, { 0x13 | OURS, 0x1001 } },
	{ "NH_VAA, ASID", { 0x13 | 1ULL << 48, 0x1000 }, {}, -EIO },
	{ "NSNH_ALL", { 0x30, 0 }, { 0x10 | OURS, 0 } },
	{ "NSNH_ALL, VMID", { 0x30 | 1ULL << 32, 0 }, {}, -EIO },
	{ "ATC_INV", { 0x40 | SID, 52 }, { 0x40 | SID, 52 }, 0, true, true },
	{ "ATC_INV, SSID", { 0x40 | SID | 1 << 11 | 7 << 12, 0x5000 | 2 },
	  { 0x40 | SID | 1 << 11 | 7 << 12, 0x5000 | 2 }, 0, true, true },
	{ "ATC_INV, global", { 0x40 | SID | 1 << 11 | 1 << 9, 52 },
	  { 0x40 | SID | 1 << 11 | 1 << 9, 52 }, 0, true, true },
	{ "ATC_INV, too large", { 0x40 | SID, 53 }, {}, -EIO },
	{ "ATC_INV, SSID without SSV", { 0x40 | SID | 7 << 12, 52 }, {}, -EIO },
	{ "ATC_INV, global without SSV", { 0x40 | SID | 1 << 9, 52 }, {}, -EIO },
	{ "ATC_INV, secure", { 0x40 | SID | 1 << 10, 52 }, {}, -EIO },
	{ "ATC_INV, RES0", { 0x40 | SID, 0x40 }, {}, -EIO },
};

static void test_cmds(struct kunit *test)
{
	const struct cmd_case *c;

	for (c = cmd_cases; c < cmd_cases + ARRAY_SIZE(cmd_cases); c++) {
		struct smmuv3_guest_cmd cmd = {
			.cmd.qw = { c->in[0], c->in[1] },
		};
		int rc = smmuv3_guest_cmd_convert(&all_caps, VMID, &cmd);

		KUNIT_EXPECT_EQ_MSG(test, rc, c->rc, "%s", c->name);
		if (rc)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, cmd.cmd.qw[0], c->out[0], "%s",
				    c->name);
		KUNIT_EXPECT_EQ_MSG(test, cmd.cmd.qw[1], c->out[1], "%s",
				    c->name);
		KUNIT_EXPECT_EQ_MSG(test, cmd.has_sid, c->has_sid, "%s",
				    c->name);
		KUNIT_EXPECT_EQ_MSG(test, cmd.atc, c->atc, "%s", c->name);
		if (c->has_sid)
			KUNIT_EXPECT_EQ_MSG(test, cmd.sid, 0xabcdU, "%s",
					    c->name);
	}
}

/* All others reach what is not the guest's, or make no sense from it. */
static void test_opcodes(struct kunit *test)
{
	static const u8 taken[] = {
		0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x30, 0x40,
	};
	unsigned int op, i;

	for (op = 0; op < 256; op++) {
		struct smmuv3_guest_cmd cmd = { .cmd.qw[0] = op };
		int want = -EIO;

		for (i = 0; i < ARRAY_SIZE(taken); i++)
			if (taken[i] == op)
				want = 0;
		KUNIT_EXPECT_EQ_MSG(test,
				    smmuv3_guest_cmd_convert(&all_caps, VMID,
							     &cmd),
				    want, "opcode %02x", op);
	}
}

static int convert(const struct smmuv3_caps *caps, u64 word0, u64 word1)
{
	struct smmuv3_guest_cmd cmd = { .cmd.qw = { word0, word1 } };

	return smmuv3_guest_cmd_convert(caps, VMID, &cmd);
}

/* What a unit does not have must not reach its queue. */
static void test_cmds_small_unit(struct kunit *test)
{
	struct smmuv3_caps caps = all_caps;

	caps.ssid_bits = 4;
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x05 | 0xf << 12, 0), 0);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x05 | 0x10 << 12, 0), -EIO);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x40 | 1 << 11 | 0xf << 12, 0), 0);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x40 | 1 << 11 | 0x10 << 12, 0),
			-EIO);
	caps.ssid_bits = 0;
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x05, 0), 0);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x40 | 1 << 11, 0), -EIO);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x40, 52), 0);
	caps.asid_bits = 8;
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x11 | 0xffULL << 48, 0), 0);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x11 | 0x100ULL << 48, 0), -EIO);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x12 | 0x100ULL << 48, 0), -EIO);
	caps.granules = SZ_4K;
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x12 | 1 << 12, 1 << 10), 0);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x12 | 1 << 12, 3 << 10), -EIO);
	caps.range_inval = false;
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x12 | 1 << 12, 1 << 10), -EIO);
	KUNIT_EXPECT_EQ(test, convert(&caps, 0x12, 0x1001), 0);
}

/* No device is sent what it would not answer, or could not make sense of. */
static void test_atc_reaches(struct kunit *test)
{
	struct smmuv3_guest_cmd plain = { .cmd.qw = { 0x40 | SID, 52 } };
	struct smmuv3_guest_cmd pasid = {
		.cmd.qw = { 0x40 | SID | 1 << 11 | 7 << 12, 52 },
	};
	struct smmuv3_guest_cmd global = {
		.cmd.qw = { 0x40 | SID | 1 << 11 | 1 << 9, 52 },
	};
	struct smmuv3_device *device;

	device = kunit_kzalloc(test, sizeof(*device), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, device);
	KUNIT_EXPECT_FALSE(test, smmuv3_guest_atc_reaches(&plain, device));
	device->ats = true;
	KUNIT_EXPECT_TRUE(test, smmuv3_guest_atc_reaches(&plain, device));
	KUNIT_EXPECT_FALSE(test, smmuv3_guest_atc_reaches(&pasid, device));
	KUNIT_EXPECT_FALSE(test, smmuv3_guest_atc_reaches(&global, device));
	device->pasid_enabled = true;
	KUNIT_EXPECT_TRUE(test, smmuv3_guest_atc_reaches(&pasid, device));
	KUNIT_EXPECT_TRUE(test, smmuv3_guest_atc_reaches(&global, device));
	device->suspect = true;
	KUNIT_EXPECT_FALSE(test, smmuv3_guest_atc_reaches(&plain, device));
	KUNIT_EXPECT_FALSE(test, smmuv3_guest_atc_reaches(&pasid, device));
}

/* A guest sees its own StreamID, and no SubstreamID that means nothing (7.3). */
static void test_guest_event(struct kunit *test)
{
	static const struct {
		u64 qw0;
		u64 want;
	} cases[] = {
		/* F_TRANSLATION, with SSV and without */
		{ 0x0000004212345810ULL, 0xabcdef0112345810ULL },
		{ 0x0000004212345010ULL, 0xabcdef0100000010ULL },
		{ 0xffffffff00000010ULL, 0xabcdef0100000010ULL },
		/* C_BAD_CD, and C_BAD_SUBSTREAMID, which has no SSV */
		{ 0x00000042fffff00aULL, 0xabcdef010000000aULL },
		{ 0x00000042fffff008ULL, 0xabcdef01fffff008ULL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const u64 qw[4] = { cases[i].qw0, 0x1122334455667788ULL,
				    0x99aabbccddeeff00ULL, U64_MAX };
		struct iommu_vevent_arm_smmuv3 out;
		struct smmuv3_event event;

		smmuv3_event_decode(qw, &event);
		smmuv3_guest_event(&event, 0xabcdef01, &out);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(out.evt[0]), cases[i].want);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(out.evt[1]), qw[1]);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(out.evt[2]), qw[2]);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(out.evt[3]), qw[3]);
	}
}

static struct kunit_case cmd_suite_cases[] = {
	KUNIT_CASE(test_cmds),
	KUNIT_CASE(test_opcodes),
	KUNIT_CASE(test_cmds_small_unit),
	KUNIT_CASE(test_atc_reaches),
	KUNIT_CASE(test_guest_event),
	{}
};

static struct kunit_suite cmd_suite = {
	.name = "iommufd_smmuv3_guest_cmd",
	.test_cases = cmd_suite_cases,
};

kunit_test_suites(&nested_suite, &cmd_suite);
