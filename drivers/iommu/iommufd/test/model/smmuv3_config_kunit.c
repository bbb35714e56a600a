// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SMMUv3 model's configuration: stream table, STE, CD table, CD, and the events of
 * what is wrong with them.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "smmuv3_model_kunit.h"

#define BAD_STREAMID	0x02
#define STE_FETCH	0x03
#define BAD_STE		0x04
#define DISABLED	0x06
#define BAD_SUBSTREAMID	0x08
#define CD_FETCH	0x09
#define BAD_CD		0x0a
#define TRANSLATION	0x10
#define ADDR_SIZE	0x11

/* No memory is there. */
#define NOWHERE		0x00007ffffff00000ULL

static struct sm *plain(struct kunit *test)
{
	struct sm *f = sm_unit(test);

	sm_stage1(f);
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	return f;
}

static u8 read_va(struct sm *f)
{
	return sm_dma(f, SSID, MODEL_READ, VA);
}

/* A change of the STE, which is invalidated. */
static u8 with_ste(struct sm *f, unsigned int word, u64 val)
{
	u64 old = f->ste[word];
	u8 what;

	f->ste[word] = val;
	sm_ok(f, 0x03 | (u64)SID << 32, 1);
	what = read_va(f);
	f->ste[word] = old;
	sm_ok(f, 0x03 | (u64)SID << 32, 1);
	return what;
}

static u8 with_cd(struct sm *f, unsigned int word, u64 val)
{
	u64 *cd = f->cds + SSID * 8, old = cd[word];
	u8 what;

	cd[word] = val;
	sm_flush(f);
	what = read_va(f);
	cd[word] = old;
	sm_flush(f);
	return what;
}

static void passes(struct kunit *test)
{
	struct sm *f = plain(test);

	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, VA));
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, MODEL_WRITE, VA + 7));
	SM_EXPECT_EQ(test, 0x5a, f->data[0][7]);
}

static void off(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 pa = virt_to_phys(f->data[1]);

	sm_wr(f, R_CR0, CR0_ALL & ~1);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, pa));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, OK, sm_dma(f, 9, MODEL_READ, pa));
	SM_EXPECT_EQ(test, QUIET, sm_dma(f, NO_SSID, MODEL_READ, 1ULL << 48));
	/* UPDATE does not stay, and without it nothing is written. */
	sm_wr(f, R_GBPA, 1U << 31 | 1 << 20);
	SM_EXPECT_EQ(test, 1 << 20, sm_rd(f, R_GBPA));
	SM_EXPECT_EQ(test, QUIET, sm_dma(f, NO_SSID, MODEL_READ, pa));
	sm_wr(f, R_GBPA, 1U << 31);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, pa));
}

static void stream_ids(struct kunit *test)
{
	struct sm *f = plain(test);

	SM_EXPECT_EQ(test, BAD_STREAMID, sm_dma_from(f, 512, 3, MODEL_READ, VA));
	/* StreamID, SubstreamID, SSV */
	SM_EXPECT_EQ(test, 512ULL << 32 | 3 << 12 | 1 << 11 | 2, f->ev[0]);
	SM_EXPECT_EQ(test, 0, f->ev[1] | f->ev[2] | f->ev[3]);
	sm_wr(f, R_CR0, 0);
	/* Not told unless RECINVSID */
	sm_wr(f, R_CR2, 4);
	sm_wr(f, R_CR0, CR0_ALL);
	SM_EXPECT_EQ(test, QUIET, sm_dma_from(f, 512, 3, MODEL_READ, VA));
	sm_wr(f, R_CR0, 0);
	sm_wr(f, R_CR2, 2);
	sm_wr64(f, R_STRTAB, NOWHERE);
	sm_wr(f, R_CR0, CR0_ALL);
	sm_flush(f);
	SM_EXPECT_EQ(test, STE_FETCH, sm_dma_from(f, 3, NO_SSID, MODEL_READ, VA));
	SM_EXPECT_EQ(test, 3ULL << 32 | 3, f->ev[0]);
	SM_EXPECT_EQ(test, NOWHERE + 3 * 64, f->ev[3]);
}

/* Level 1 descriptors are found by the upper bits; SID is 0x110, so number 1 or 4. */
static void two_levels(struct kunit *test)
{
	static const unsigned int splits[] = { 6, 8, 10 };
	struct sm *f = plain(test);
	u64 *l1 = sm_pages(f, 0), pa = virt_to_phys(f->strtab), l2;
	unsigned int i, at;

	for (i = 0; i < ARRAY_SIZE(splits); i++) {
		at = SID >> splits[i];
		sm_wr(f, R_CR0, 0);
		sm_wr64(f, R_STRTAB, virt_to_phys(l1));
		sm_wr(f, R_STRTAB_CFG, 1 << 16 | splits[i] << 6 | 11);
		sm_wr(f, R_CR0, CR0_ALL);
		/* So that the STE is where it always was */
		l2 = pa + ((u64)at << splits[i]) * 64;
		memset(l1, 0, SZ_4K);
		sm_flush(f);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		/* The least span that has it */
		l1[at] = l2 | (splits[i] == 10 ? 10 : 6);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		sm_ok(f, 0x03 | (u64)SID << 32, 1);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		sm_ok(f, 0x03 | (u64)SID << 32, 0);
		SM_EXPECT_EQ(test, OK, read_va(f));
		/* One less, and one more than the split allows */
		l1[at] = l2 | (splits[i] == 10 ? 9 : 5);
		sm_flush(f);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		l1[at] = l2 | (splits[i] + 1);
		sm_flush(f);
		SM_EXPECT_EQ(test, OK, read_va(f));
		l1[at] = l2 | (splits[i] + 2);
		sm_flush(f);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		l1[at] = l2 | (splits[i] + 16);
		sm_flush(f);
		SM_EXPECT_EQ(test, BAD_STREAMID, read_va(f));
		l1[at] = NOWHERE | (splits[i] + 1);
		sm_flush(f);
		SM_EXPECT_EQ(test, STE_FETCH, read_va(f));
	}
}

static void ste_kinds(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 w0 = f->ste[0] & ~0xeULL;
	u64 pa = virt_to_phys(f->data[2]);

	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, f->ste[0] & ~1ULL));
	SM_EXPECT_EQ(test, (u64)SID << 32 | SSID << 12 | 1 << 11 | 4, f->ev[0]);
	/* Config 0b0xx: nothing passes, and nothing is said, whatever else is there. */
	SM_EXPECT_EQ(test, QUIET, with_ste(f, 0, w0));
	SM_EXPECT_EQ(test, QUIET, with_ste(f, 0, w0 | 3 << 1));
	/* Bypass has no substreams. */
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, with_ste(f, 0, w0 | CFG_BYPASS << 1));
	SM_EXPECT_EQ(test, (u64)SID << 32 | SSID << 12 | 8, f->ev[0]);
	f->ste[0] = w0 | CFG_BYPASS << 1;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, pa));
	SM_EXPECT_EQ(test, 0xa2, f->byte);
	/* 3.4: an address that is too large, which goes by no CD */
	SM_EXPECT_EQ(test, ADDR_SIZE, sm_dma(f, NO_SSID, MODEL_READ, 1ULL << 48));
	SM_EXPECT_EQ(test, 1ULL << 35 | 2ULL << 40, f->ev[1]);
	SM_EXPECT_EQ(test, 1ULL << 48, f->ev[2]);
}

static void ste_illegal(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 w0 = f->ste[0], w1 = f->ste[1];
	unsigned int i;

	/* S1CDMax beyond SSIDSIZE, S1ContextPtr beyond OAS */
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, (w0 & ~(31ULL << 59)) | 21ULL << 59));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, w0 | 1ULL << 48));
	/* STRW, EATS split stage without a stage 2 */
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, w1 | 1ULL << 30));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, w1 | 3ULL << 30));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, STE1 | STE1_EATS(2)));
	/* reserved: behaves as if ATS were off */
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, STE1 | STE1_EATS(3)));
	/* what software may use */
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, w1 | 0xfULL << 20));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, w0 | 1ULL << 56));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, w1 | 1ULL << 24));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, w1 | 1ULL << 41));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, 1ULL << 63));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 3, 1));
	for (i = 4; i < 8; i++)
		SM_EXPECT_EQ(test, BAD_STE, with_ste(f, i, 1));
	SM_EXPECT_EQ(test, OK, read_va(f));
}

/* Stage 2's fields, by a read through both stages */
static void ste_stage2(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 s2 = virt_to_phys(f->s2), w2 = STE2;
	unsigned int i;
	static const u64 bad[] = {
		/* AA64, ENDI, TG 3, SL0 3; S2S with full ATS; T0SZ 15 */
		1ULL << 51, 1ULL << 52, 3ULL << 46, 1ULL << 38, 1ULL << 57,
		31ULL << 32,
	};

	sm_nested(f);
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	sm_identity(f, f->data[0]);
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, read_va(f));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		SM_EXPECT_EQ_MSG(test, BAD_STE, with_ste(f, 2, w2 ^ bad[i]), "%u", i);
	/* 40 and 24 bits; the latter is the least, and begins further down. */
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, w2 + (24ULL << 32)));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, (w2 & ~(0xffULL << 32)) |
					    40ULL << 32 | 0ULL << 38));
	SM_EXPECT_TRUE(test, with_ste(f, 2, (w2 & ~(0xffULL << 32)) | 39ULL << 32) !=
		       BAD_STE);
	/* a table beyond S2PS */
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 3, s2 | 1ULL << 48));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 3, s2 | 4));
	f->ste[2] = w2 & ~(7ULL << 48);
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 3, s2 | 1ULL << 33));
	f->ste[2] = w2;
	/* STRW does not count with a stage 2. */
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, STE1 | 3ULL << 30));
	/* Split-stage ATS is fine, but not where stage 2 stalls. */
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, STE1 | STE1_EATS(2)));
	f->ste[1] = STE1 | STE1_EATS(2);
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, w2 | STE2_S2S));
	f->ste[1] = STE1;
	SM_EXPECT_EQ(test, OK, with_ste(f, 2, w2 | STE2_S2S));
	/* Without a stage 2 its fields are ignored. */
	f->ste[0] = STE0(CFG_S1) | virt_to_phys(f->cds) | 6ULL << 59;
	f->ste[1] = STE1 | STE1_EATS(1);
	SM_EXPECT_EQ(test, OK, with_ste(f, 2, VMID | STE2_S2S | 3ULL << 46));
}

static void substreams(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 w0 = f->ste[0], w1 = f->ste[1];

	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 64, MODEL_READ, VA));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 64 << 12 | 8, f->ev[0]);
	/* S1DSS 2: CD 0 is for those without a substream. */
	SM_EXPECT_EQ(test, DISABLED, sm_dma(f, 0, MODEL_READ, VA));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 6, f->ev[0]);
	/* S1DSS 0 and 3: those are not wanted. */
	f->ste[1] = w1 & ~3ULL;
	sm_flush(f);
	SM_EXPECT_EQ(test, DISABLED, sm_dma(f, NO_SSID, MODEL_READ, VA));
	SM_EXPECT_EQ(test, OK, sm_dma(f, 0, MODEL_READ, VA));
	f->ste[1] = w1 | 3;
	sm_flush(f);
	SM_EXPECT_EQ(test, DISABLED, sm_dma(f, NO_SSID, MODEL_READ, VA));
	/* S1DSS 1: they bypass stage 1. */
	f->ste[1] = (w1 & ~3ULL) | 1;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, 0, MODEL_READ, VA));
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ,
				      virt_to_phys(f->data[3])));
	SM_EXPECT_EQ(test, 0xa3, f->byte);
	SM_EXPECT_EQ(test, ADDR_SIZE, sm_dma(f, NO_SSID, MODEL_READ, 1ULL << 50));
	/* One CD, and no substreams: S1DSS and S1Fmt do not count. */
	f->ste[0] = (w0 & ~(31ULL << 59)) | 1 << 4;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, VA));
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 0, MODEL_READ, VA));
	/* It may be anywhere, 64 bytes aligned. */
	f->cds[0] = 0;
	f->ste[0] = STE0(CFG_S1) | virt_to_phys(f->cds + SSID * 8);
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, VA));
}

static void cd_tables(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *l1 = sm_pages(f, 5), *l2 = sm_pages(f, 4);
	u64 w0 = STE0(CFG_S1) | virt_to_phys(l1);
	u64 cd = CD0 | (u64)ASID(9) << 48;

	/* 4 KiB leaves: 64 CDs each */
	f->ste[0] = w0 | 1 << 4 | 20ULL << 59;
	sm_flush(f);
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 64 + 9, MODEL_READ, VA));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 73 << 12 | 8, f->ev[0]);
	l1[1] = virt_to_phys(f->cds) | 1;
	f->cds[9 * 8] = cd;
	f->cds[9 * 8 + 1] = virt_to_phys(f->s1);
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 64 + 9, MODEL_READ, VA));
	sm_ok(f, 0x05 | (u64)SID << 32 | 73 << 12, 1);
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 64 + 9, MODEL_READ, VA));
	sm_ok(f, 0x05 | (u64)SID << 32 | 73 << 12, 0);
	SM_EXPECT_EQ(test, OK, sm_dma(f, 64 + 9, MODEL_READ, VA));
	/* and 64 KiB: 1024 */
	l1[1] = virt_to_phys(l2) | 1;
	memcpy(l2 + 200 * 8, f->cds + 9 * 8, 64);
	f->ste[0] = w0 | 2 << 4 | 20ULL << 59;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, 1024 + 200, MODEL_READ, VA));
	/* SubstreamIDs have 20 bits. */
	l1[1023] = virt_to_phys(l2) | 1;
	SM_EXPECT_EQ(test, OK, sm_dma(f, 0xffc00 + 200, MODEL_READ, VA));
	SM_EXPECT_EQ(test, BAD_CD, sm_dma(f, 0xffc00 + 201, MODEL_READ, VA));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 0xffcc9ULL << 12 | 1 << 11 | 0xa, f->ev[0]);
	/* An address that there cannot be, or is nothing at */
	l1[2] = 1ULL << 48 | 1;
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, sm_dma(f, 2048, MODEL_READ, VA));
	l1[3] = NOWHERE | 1;
	SM_EXPECT_EQ(test, CD_FETCH, sm_dma(f, 3 * 1024 + 1, MODEL_READ, VA));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 3073 << 12 | 1 << 11 | 9, f->ev[0]);
	SM_EXPECT_EQ(test, (NOWHERE & ~0xffffULL) + 64, f->ev[3]);
	/* Reserved formats are linear. */
	f->ste[0] = STE0(CFG_S1) | virt_to_phys(f->cds) | 3 << 4 | 6ULL << 59;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, 9, MODEL_READ, VA));
}

static void cd_illegal(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *cd = f->cds + SSID * 8, w0 = cd[0], ttb = cd[1];
	unsigned int i;

	SM_EXPECT_EQ(test, OK, read_va(f));
	/* V, AA64, ENDI; TG0 3; T0SZ 15 and 40, and 39, which is too small for VA */
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 & ~(1ULL << 31)));
	SM_EXPECT_EQ(test, (u64)SID << 32 | SSID << 12 | 1 << 11 | 0xa, f->ev[0]);
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 & ~(1ULL << 41)));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 | 1 << 15));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 | 3 << 6));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 - 1));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 + 24));
	SM_EXPECT_EQ(test, TRANSLATION, with_cd(f, 0, w0 + 23));
	/* TTB0 beyond IPS; IPS is capped to the OAS. */
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 1, ttb | 1ULL << 48));
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, w0 | 7ULL << 32));
	cd[0] = (w0 & ~(7ULL << 32)) | 1ULL << 32;
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 1, ttb | 1ULL << 36));
	cd[0] = w0;
	for (i = 5; i < 8; i++)
		SM_EXPECT_EQ(test, BAD_CD, with_cd(f, i, 1));
	/* 5.5: where stalls are disabled, a CD must not want them. */
	f->ste[1] |= STE1_S1STALLD;
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, w0));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, w0 | CD_S));
	f->ste[1] &= ~STE1_S1STALLD;
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, w0 | CD_S));
	/* What is disabled is not checked (5.4.1.1): here the upper half is. */
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, w0 | 63 << 16));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, (w0 & ~(1ULL << 30)) | 3 << 16));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, (w0 & ~(1ULL << 30)) | 25 << 16));
	/* TG1 of 4 KiB is 2, and 0 is reserved. */
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, (w0 & ~(1ULL << 30)) | 25 << 16 |
					  0 << 22));
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, (w0 & ~(1ULL << 30)) | 25 << 16 | 2 << 22));
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, (w0 & ~(1ULL << 30)) | 25 << 16 | 1 << 22));
	SM_EXPECT_EQ(test, TRANSLATION, with_cd(f, 0, w0 | 1 << 14 | 3 << 6 | 63));
}

/* A unit that lacks something */
static struct sm *lesser(struct kunit *test, u32 idr0_clear, u32 idr0_set, u32 idr1,
			 u32 idr5_clear)
{
	struct smmuv3_model_config config;
	struct sm *f;

	sm_config(&config);
	config.idr0 = (config.idr0 & ~idr0_clear) | idr0_set;
	config.idr1 = idr1 ?: config.idr1;
	config.idr5 &= ~idr5_clear;
	f = sm_unit_config(test, &config);
	sm_stage1(f);
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	return f;
}

static void again(struct kunit *test)
{
	sm_exit(test);
	KUNIT_ASSERT_EQ(test, 0, sm_init(test));
}

static void capabilities(struct kunit *test)
{
	struct sm *f = lesser(test, 1 << 1, 0, 0, 0);

	/* no stage 1 */
	SM_EXPECT_EQ(test, BAD_STE, read_va(f));
	again(test);
	/* no stage 2 */
	f = lesser(test, 1 << 0, 0, 0, 0);
	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, STE0(CFG_S2)));
	again(test);
	/* 8-bit ASIDs and VMIDs */
	f = lesser(test, 1 << 12, 0, 0, 0);
	SM_EXPECT_EQ(test, BAD_CD, read_va(f));
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, CD0 | 0xffULL << 48));
	again(test);
	f = lesser(test, 1 << 18, 0, 0, 0);
	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, VMID_OTHER));
	again(test);
	/* CDs in two levels */
	f = lesser(test, 1 << 19, 0, 0, 0);
	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, f->ste[0] | 1 << 4));
	again(test);
	/* no hardware updates; of the access flag only */
	f = lesser(test, 3 << 6, 0, 0, 0);
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, f->cds[SSID * 8] | 1ULL << 43));
	f->ste[0] = STE0(CFG_S2);
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, STE2 | 1ULL << 56));
	again(test);
	f = lesser(test, 3 << 6, 1 << 6, 0, 0);
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, f->cds[SSID * 8] | 1ULL << 43));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, f->cds[SSID * 8] | 3ULL << 42));
}

static void capabilities_more(struct kunit *test)
{
	struct sm *f = lesser(test, 3 << 24, 1 << 24, 0, 0);
	u64 cd = CD0 | (u64)ASID(SSID) << 48;

	/* stalls: never */
	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, cd | CD_S));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, f->ste[1] | STE1_S1STALLD));
	f->ste[0] = STE0(CFG_S2);
	f->ste[1] = STE1;
	f->ste[3] = virt_to_phys(f->s2);
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, with_ste(f, 2, STE2));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 2, STE2 | STE2_S2S));
	again(test);
	/* always */
	f = lesser(test, 3 << 24, 2 << 24, 0, 0);
	SM_EXPECT_EQ(test, BAD_CD, read_va(f));
	SM_EXPECT_EQ(test, OK, with_cd(f, 0, cd | CD_S));
	again(test);
	/* no RAZ/WI */
	f = lesser(test, 0, 1 << 26, 0, 0);
	SM_EXPECT_EQ(test, OK, read_va(f));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, cd & ~(1ULL << 46)));
	again(test);
	/* granules; OAS of 44 bits */
	f = lesser(test, 0, 0, 0, 1 << 4);
	SM_EXPECT_EQ(test, BAD_CD, read_va(f));
	again(test);
	f = lesser(test, 0, 0, 0, 3 << 5);
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, cd | 1 << 6));
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 0, cd | 2 << 6));
	again(test);
	f = lesser(test, 0, 0, 0, 1);
	SM_EXPECT_EQ(test, BAD_CD, with_cd(f, 1, f->cds[SSID * 8 + 1] | 1ULL << 44));
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 0, f->ste[0] | 1ULL << 44));
	again(test);
	/* no substreams: S1CDMax does not count. */
	f = lesser(test, 0, 0, 16 | 19 << 11 | 19 << 16 | 19 << 21, 0);
	SM_EXPECT_EQ(test, BAD_SUBSTREAMID, read_va(f));
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, MODEL_READ, VA));
	again(test);
	/* no EL2: STRW does not count. */
	f = lesser(test, 1 << 9, 0, 0, 0);
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, f->ste[1] | 3ULL << 30));
	again(test);
	/* no ATS, or no split-stage ATS */
	f = lesser(test, 1 << 10 | 1 << 16, 0, 0, 0);
	SM_EXPECT_EQ(test, OK, with_ste(f, 1, STE1 | STE1_EATS(2)));
	again(test);
	f = lesser(test, 0, 1 << 11, 0, 0);
	sm_nested(f);
	SM_EXPECT_EQ(test, BAD_STE, with_ste(f, 1, STE1 | STE1_EATS(2)));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(passes),
	KUNIT_CASE(off),
	KUNIT_CASE(stream_ids),
	KUNIT_CASE(two_levels),
	KUNIT_CASE(ste_kinds),
	KUNIT_CASE(ste_illegal),
	KUNIT_CASE(ste_stage2),
	KUNIT_CASE(substreams),
	KUNIT_CASE(cd_tables),
	KUNIT_CASE(cd_illegal),
	KUNIT_CASE(capabilities),
	KUNIT_CASE(capabilities_more),
	{}
};

struct kunit_suite smmuv3_config_suite = {
	.name = "iommufd_smmuv3_model_config",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = cases,
};

kunit_test_suite(smmuv3_config_suite);

MODULE_DESCRIPTION("KUnit: configuration of the SMMUv3 model");
MODULE_LICENSE("GPL");
