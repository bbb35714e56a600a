// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: what identification registers say, from words that were put together by hand
 * from chapter 6.3 of IHI 0070 or read from a machine; and which units are refused.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "../smmuv3/unit.h"
#include "smmuv3_fake.h"

/* Both stages, AArch64, 4K: the least that can be driven */
#define LEAST0		0x0000000b
#define LEAST1		0x00200000
#define LEAST5		0x00000010

#define EXPECT_SAME(_member)						\
	KUNIT_EXPECT_EQ_MSG(test, (u64)got._member, (u64)want->_member,	\
			    "%s: " #_member, what)

static void expect_caps(struct kunit *test, const char *what, const u32 idr[6],
			u32 firmware, const struct smmuv3_caps *want)
{
	struct smmuv3_caps got;

	/* What is not written shows */
	memset(&got, 0xa5, sizeof(got));
	smmuv3_caps_decode(&got, idr, firmware);
	EXPECT_SAME(sid_bits);
	EXPECT_SAME(ssid_bits);
	EXPECT_SAME(asid_bits);
	EXPECT_SAME(vmid_bits);
	EXPECT_SAME(ias);
	EXPECT_SAME(oas);
	EXPECT_SAME(va_bits);
	EXPECT_SAME(cmdq_log2);
	EXPECT_SAME(evtq_log2);
	EXPECT_SAME(priq_log2);
	EXPECT_SAME(stall_max);
	EXPECT_SAME(granules);
	EXPECT_SAME(aarch64);
	EXPECT_SAME(preset);
	EXPECT_SAME(stage1);
	EXPECT_SAME(stage2);
	EXPECT_SAME(two_level_streams);
	EXPECT_SAME(two_level_contexts);
	EXPECT_SAME(coherent);
	EXPECT_SAME(hw_access);
	EXPECT_SAME(hw_dirty);
	EXPECT_SAME(ats);
	EXPECT_SAME(pri);
	EXPECT_SAME(stall);
	EXPECT_SAME(stall_always);
	EXPECT_SAME(range_inval);
	EXPECT_SAME(msi);
	EXPECT_SAME(sev);
	EXPECT_SAME(s2fwb);
	EXPECT_SAME(attr_override);
	EXPECT_SAME(hyp);
	EXPECT_SAME(table_big_endian);
	EXPECT_SAME(broadcast);
	EXPECT_SAME(term_abort);
	EXPECT_SAME(no_nest);
	EXPECT_SAME(one_kind);
}

/* As read from QEMU's "virt" machine with stage=nested. */
static void caps_qemu(struct kunit *test)
{
	static const u32 idr[6] = {
		0x0d44101b, 0x02730010, 0, 0x00001414, 0, 0x00000074,
	};
	static const struct smmuv3_caps want = {
		.sid_bits = 16, .asid_bits = 16, .vmid_bits = 16,
		.ias = 44, .oas = 44, .va_bits = 48,
		.cmdq_log2 = 19, .evtq_log2 = 19,
		.granules = SZ_4K | SZ_16K | SZ_64K,
		.aarch64 = true, .stage1 = true, .stage2 = true,
		.two_level_streams = true, .coherent = true,
		.range_inval = true, .term_abort = true,
	};

	expect_caps(test, "qemu", idr, 0, &want);
}

static const u32 full_idr[6] = {
	0x0c4d76bb, 0x0a739d20, 0, 0x00000500, 0, 0x01000476,
};

static const struct smmuv3_caps full_caps = {
	.sid_bits = 32, .ssid_bits = 20, .asid_bits = 16, .vmid_bits = 16,
	.ias = 52, .oas = 52, .va_bits = 52,
	.cmdq_log2 = 19, .evtq_log2 = 19, .priq_log2 = 19, .stall_max = 256,
	.granules = SZ_4K | SZ_16K | SZ_64K,
	.aarch64 = true, .stage1 = true, .stage2 = true,
	.two_level_streams = true, .two_level_contexts = true,
	.coherent = true, .hw_access = true, .hw_dirty = true, .ats = true,
	.pri = true, .stall = true, .range_inval = true, .msi = true,
	.sev = true, .s2fwb = true, .attr_override = true, .hyp = true,
	.broadcast = true, .term_abort = true,
};

static void caps_full(struct kunit *test)
{
	expect_caps(test, "full", full_idr, 0, &full_caps);
}

static const struct smmuv3_caps least_caps = {
	.asid_bits = 8, .vmid_bits = 8, .ias = 32, .oas = 32, .va_bits = 48,
	.cmdq_log2 = 1, .granules = SZ_4K, .aarch64 = true,
	.stage1 = true, .stage2 = true, .stall = true,
};

static void caps_least(struct kunit *test)
{
	static const u32 idr[6] = { LEAST0, LEAST1, 0, 0, 0, LEAST5 };

	expect_caps(test, "least", idr, 0, &least_caps);
}

/* One field more or less than the least: exactly what it stands for changes. */
#define EXPECT_FIELD(_idr, _flip, ...)					\
	do {								\
		u32 __idr[6] = { LEAST0, LEAST1, 0, 0, 0, LEAST5 };	\
		struct smmuv3_caps __want = least_caps;			\
									\
		__idr[_idr] ^= (_flip);					\
		__VA_ARGS__;						\
		expect_caps(test, #_flip, __idr, 0, &__want);		\
	} while (0)
#define W(_member, _value)	(__want._member = (_value))

static void caps_idr0(struct kunit *test)
{
	EXPECT_FIELD(0, BIT(0), W(stage2, false));
	EXPECT_FIELD(0, BIT(1), W(stage1, false));
	EXPECT_FIELD(0, BIT(2), W(ias, 40));
	EXPECT_FIELD(0, BIT(3), W(aarch64, false));
	EXPECT_FIELD(0, BIT(4), W(coherent, true));
	EXPECT_FIELD(0, BIT(5), W(broadcast, true));
	EXPECT_FIELD(0, 1 << 6, W(hw_access, true));
	EXPECT_FIELD(0, 2 << 6, W(hw_access, true), W(hw_dirty, true));
	/* Dormancy hint */
	EXPECT_FIELD(0, BIT(8), W(hyp, false));
	EXPECT_FIELD(0, BIT(9), W(hyp, true));
	EXPECT_FIELD(0, BIT(10), W(ats, true));
	EXPECT_FIELD(0, BIT(12), W(asid_bits, 16));
	EXPECT_FIELD(0, BIT(13), W(msi, true));
	EXPECT_FIELD(0, BIT(14), W(sev, true));
	/* Page requests without ATS are none */
	EXPECT_FIELD(0, BIT(16), W(pri, false));
	EXPECT_FIELD(0, BIT(16) | BIT(10), W(pri, true), W(ats, true));
	EXPECT_FIELD(0, BIT(18), W(vmid_bits, 16));
	EXPECT_FIELD(0, BIT(19), W(two_level_contexts, true));
	EXPECT_FIELD(0, 2 << 21, W(table_big_endian, false));
	EXPECT_FIELD(0, 3 << 21, W(table_big_endian, true));
	EXPECT_FIELD(0, 1 << 24, W(stall, false));
	EXPECT_FIELD(0, 2 << 24, W(stall_always, true));
	EXPECT_FIELD(0, BIT(26), W(term_abort, true));
	EXPECT_FIELD(0, 1 << 27, W(two_level_streams, true));
	EXPECT_FIELD(0, 2 << 27, W(two_level_streams, false));
}

static void caps_idr1_to_5(struct kunit *test)
{
	EXPECT_FIELD(1, 7, W(sid_bits, 7));
	EXPECT_FIELD(1, 33, W(sid_bits, 32));
	EXPECT_FIELD(1, 20 << 6, W(ssid_bits, 20));
	EXPECT_FIELD(1, 31 << 6, W(ssid_bits, 20));
	/* Of a page request queue that is not there */
	EXPECT_FIELD(1, 19 << 11, W(priq_log2, 0));
	EXPECT_FIELD(1, 18 << 16, W(evtq_log2, 18));
	EXPECT_FIELD(1, 1 << 21 ^ 17 << 21, W(cmdq_log2, 17));
	EXPECT_FIELD(1, BIT(26), W(attr_override, false));
	EXPECT_FIELD(1, BIT(27), W(attr_override, true));
	EXPECT_FIELD(1, BIT(28), W(preset, false));
	EXPECT_FIELD(1, BIT(29), W(preset, true));
	EXPECT_FIELD(1, BIT(30), W(preset, true));
	EXPECT_FIELD(3, BIT(8), W(s2fwb, true));
	EXPECT_FIELD(3, BIT(10), W(range_inval, true));
	EXPECT_FIELD(5, 1, W(oas, 36), W(ias, 36));
	EXPECT_FIELD(5, 2, W(oas, 40), W(ias, 40));
	EXPECT_FIELD(5, 3, W(oas, 42), W(ias, 42));
	EXPECT_FIELD(5, 4, W(oas, 44), W(ias, 44));
	EXPECT_FIELD(5, 5, W(oas, 48), W(ias, 48));
	EXPECT_FIELD(5, 6, W(oas, 52), W(ias, 52));
	EXPECT_FIELD(5, 7, W(oas, 52), W(ias, 52));
	EXPECT_FIELD(5, BIT(4), W(granules, 0));
	EXPECT_FIELD(5, BIT(5), W(granules, SZ_4K | SZ_16K));
	EXPECT_FIELD(5, BIT(6), W(granules, SZ_4K | SZ_64K));
	EXPECT_FIELD(5, BIT(10), W(va_bits, 52));
	EXPECT_FIELD(5, 0xffff0000, W(stall_max, 0xffff));
}

/* How many transactions can stall counts only if any can. */
static void caps_stall_max(struct kunit *test)
{
	u32 idr[6] = { LEAST0 | 1 << 24, LEAST1, 0, 0, 0, LEAST5 | 7 << 16 };
	struct smmuv3_caps want = least_caps;

	want.stall = false;
	expect_caps(test, "never", idr, 0, &want);
}

/* S2FWB is of stage 2. */
static void caps_s2fwb(struct kunit *test)
{
	u32 idr[6] = { LEAST0 ^ BIT(0), LEAST1, 0, BIT(8), 0, LEAST5 };
	struct smmuv3_caps want = least_caps;

	want.stage2 = false;
	expect_caps(test, "stage 1 alone", idr, 0, &want);
}

static void caps_firmware(struct kunit *test)
{
	static const u32 idr[6] = { LEAST0, LEAST1, 0, 0, 0, LEAST5 };
	struct smmuv3_caps want = least_caps;

	want.coherent = true;
	expect_caps(test, "coherent", idr, SMMUV3_FW_COHERENT, &want);
	want = full_caps;
	want.coherent = false;
	expect_caps(test, "not coherent", full_idr, SMMUV3_FW_NONCOHERENT,
		    &want);

	want = least_caps;
	want.hw_access = true;
	expect_caps(test, "access flags", idr,
		    SMMUV3_FW_HTTU | SMMUV3_FW_HTTU_ACCESS, &want);
	want.hw_dirty = true;
	expect_caps(test, "dirty state", idr,
		    SMMUV3_FW_HTTU | SMMUV3_FW_HTTU_ACCESS |
		    SMMUV3_FW_HTTU_DIRTY, &want);
	/* Without the first of the flags the others say nothing */
	expect_caps(test, "no say", idr, SMMUV3_FW_HTTU_ACCESS, &least_caps);
	want = full_caps;
	want.hw_access = false;
	want.hw_dirty = false;
	expect_caps(test, "no updates", full_idr, SMMUV3_FW_HTTU, &want);
	expect_caps(test, "canwbs", full_idr, SMMUV3_FW_CANWBS, &full_caps);
}

/* Nothing was written to a unit that is refused, and nothing was allocated. */
static void expect_refused(struct kunit *test, const char *what,
			   const u32 idr[6])
{
	struct smmuv3_fake *fake = smmuv3_fake_new(test, idr, 0);

	KUNIT_EXPECT_EQ_MSG(test, smmuv3_unit_init(&fake->unit), -ENODEV, "%s",
			    what);
	KUNIT_EXPECT_EQ(test, fake->num_writes, 0);
	KUNIT_EXPECT_NULL(test, fake->unit.cmdq);
	KUNIT_EXPECT_NULL(test, fake->unit.strtab);
}

#define EXPECT_REFUSED(_idr, _flip)					\
	do {								\
		u32 __idr[6] = { LEAST0, LEAST1, 0, 0, 0, LEAST5 };	\
									\
		__idr[_idr] ^= (_flip);					\
		expect_refused(test, #_idr " " #_flip, __idr);		\
	} while (0)

static void caps_refused(struct kunit *test)
{
	static const u32 gone[6] = { ~0U, ~0U, ~0U, ~0U, ~0U, ~0U };

	expect_refused(test, "all ones: nothing is there", gone);
	EXPECT_REFUSED(0, BIT(0) | BIT(1));
	/* AArch32 alone */
	EXPECT_REFUSED(0, BIT(2) | BIT(3));
	EXPECT_REFUSED(0, 3 << 21);
	EXPECT_REFUSED(1, BIT(29));
	EXPECT_REFUSED(1, BIT(30));
	/* One command, and no room for its SYNC */
	EXPECT_REFUSED(1, 1 << 21);
	EXPECT_REFUSED(5, BIT(4));
	/* Larger than a page of the kernel's is of no use */
	if (PAGE_SIZE < SZ_64K)
		EXPECT_REFUSED(5, BIT(4) | BIT(6));
	if (PAGE_SIZE < SZ_16K)
		EXPECT_REFUSED(5, BIT(4) | BIT(5) | BIT(6));
}

/* IIDR (6.3.7): product, variant, revision, implementer */
static void caps_errata(struct kunit *test)
{
	static const struct {
		u32 iidr;
		bool no_nest;
		bool one_kind;
	} units[] = {
		{ 0 },
		/* MMU-600, r0p0, r1p2 and r2p0 */
		{ 0x4830043b, true },
		{ 0x4831243b, true },
		{ 0x4832043b },
		/* MMU-700, r0p0 and r1p1 */
		{ 0x4870043b, true, true },
		{ 0x4871143b, true, true },
		/* Neighbours of theirs, and others' of the same number */
		{ 0x4820043b },
		{ 0x4880043b },
		{ 0x4870043a },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		struct smmuv3_caps caps = full_caps;

		smmuv3_caps_errata(&caps, units[i].iidr);
		KUNIT_EXPECT_EQ_MSG(test, (bool)caps.no_nest, units[i].no_nest,
				    "%#x", units[i].iidr);
		KUNIT_EXPECT_EQ_MSG(test, (bool)caps.one_kind,
				    units[i].one_kind, "%#x", units[i].iidr);
		KUNIT_EXPECT_EQ(test, smmuv3_can_nest(&caps), !units[i].no_nest);
		/* Each stage by itself stays */
		KUNIT_EXPECT_TRUE(test, caps.stage1 && caps.stage2);
	}
}

static struct kunit_case caps_cases[] = {
	KUNIT_CASE(caps_qemu),
	KUNIT_CASE(caps_full),
	KUNIT_CASE(caps_least),
	KUNIT_CASE(caps_idr0),
	KUNIT_CASE(caps_idr1_to_5),
	KUNIT_CASE(caps_stall_max),
	KUNIT_CASE(caps_s2fwb),
	KUNIT_CASE(caps_firmware),
	KUNIT_CASE(caps_errata),
	KUNIT_CASE(caps_refused),
	{}
};

static struct kunit_suite caps_suite = {
	.name = "iommufd_smmuv3_caps",
	.test_cases = caps_cases,
};

kunit_test_suite(caps_suite);
