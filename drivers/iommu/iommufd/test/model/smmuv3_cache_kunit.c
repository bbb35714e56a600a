// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SMMUv3 model's caches: what was changed is used as it was until exactly the
 * command came that is for it. 0xa0 is the page before the change, 0xa1 behind it.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "smmuv3_model_kunit.h"

#define READS		MODEL_READ
#define NG		BIT_ULL(11)

/* Command words */
#define FOR_SID(sid)	((u64)(sid) << 32)
#define FOR_SSID(ssid)	((u64)(ssid) << 12)
#define FOR_VMID(vmid)	((u64)(vmid) << 32)
#define FOR_ASID(asid)	((u64)(asid) << 48)
#define NUM(n)		((u64)(n) << 12)
#define SCALE(n)	((u64)(n) << 20)
#define TG(n)		((u64)(n) << 10)
#define TTL(n)		((u64)(n) << 8)
#define LEAF		1ULL

static u64 pa(struct sm *f, unsigned int i)
{
	return virt_to_phys(f->data[i]);
}

static struct sm *plain(struct kunit *test)
{
	struct sm *f = sm_unit(test);

	sm_stage1(f);
	return f;
}

/* What is at VA now? */
static u8 at(struct sm *f, u64 va)
{
	u8 what = sm_dma(f, SSID, READS, va);

	return what ?: f->byte;
}

/* Map to page 0, have it cached, and map to page 1. */
static void change(struct sm *f, u64 va, u64 desc)
{
	sm_map_s1(f, va, pa(f, 0) | desc);
	sm_flush(f);
	SM_EXPECT_EQ(f->test, 0xa0, at(f, va));
	sm_map_s1(f, va, pa(f, 1) | desc);
	SM_EXPECT_EQ(f->test, 0xa0, at(f, va));
}

static void stale(struct sm *f, u64 word0, u64 word1, u64 va)
{
	sm_ok(f, word0, word1);
	SM_EXPECT_EQ_MSG(f->test, 0xa0, at(f, va), "%#llx %#llx", word0, word1);
}

static void fresh(struct sm *f, u64 word0, u64 word1, u64 va)
{
	sm_ok(f, word0, word1);
	SM_EXPECT_EQ_MSG(f->test, 0xa1, at(f, va), "%#llx %#llx", word0, word1);
}

static void by_page(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 vmid = FOR_VMID(VMID), asid = FOR_ASID(ASID(SSID));

	change(f, VA, S1_PAGE);
	stale(f, 0x12 | vmid | asid, VA + SZ_4K, VA);
	stale(f, 0x12 | vmid | asid, VA - SZ_4K, VA);
	stale(f, 0x12 | FOR_VMID(VMID_OTHER) | asid, VA, VA);
	stale(f, 0x12 | vmid | FOR_ASID(ASID(SSID) - 0x100), VA, VA);
	stale(f, 0x13 | FOR_VMID(VMID_OTHER), VA, VA);
	stale(f, 0x13 | vmid, VA + SZ_4K, VA);
	stale(f, 0x22 | asid, VA, VA);
	stale(f, 0x23, VA, VA);
	stale(f, 0x2a | vmid, VA, VA);
	fresh(f, 0x12 | vmid | asid, VA | LEAF, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x12 | vmid | asid, VA, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x13 | vmid, VA | LEAF, VA);
	/* A global one goes by whatever ASID with the address. */
	change(f, VA, S1_PAGE & ~NG);
	stale(f, 0x11 | vmid | asid, 0, VA);
	fresh(f, 0x12 | vmid | FOR_ASID(3), VA, VA);
	/* and is found by the other address space that has it, too. */
	change(f, VA, S1_PAGE & ~NG);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
}

static void by_space(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 vmid = FOR_VMID(VMID), asid = FOR_ASID(ASID(SSID));

	change(f, VA, S1_PAGE);
	stale(f, 0x11 | vmid | FOR_ASID(ASID(0)), 0, VA);
	stale(f, 0x11 | FOR_VMID(VMID_OTHER) | asid, 0, VA);
	stale(f, 0x10 | FOR_VMID(VMID_OTHER), 0, VA);
	stale(f, 0x28 | FOR_VMID(VMID_OTHER), 0, VA);
	stale(f, 0x20, 0, VA);
	stale(f, 0x21 | asid, 0, VA);
	stale(f, 0x04, 31, VA);
	fresh(f, 0x11 | vmid | asid, 0, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x10 | vmid, 0, VA);
	change(f, VA, S1_PAGE & ~NG);
	fresh(f, 0x10 | vmid, 0, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x28 | vmid, 0, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x30, 0, VA);
}

/* Two address spaces with the same table do not share what is not global. */
static void tags(struct kunit *test)
{
	struct sm *f = plain(test);

	change(f, VA, S1_PAGE);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
	/* The same ASID under another VMID, by another stream */
	sm_set_ste(f, SID_OTHER, f->ste[0], STE1, VMID_OTHER, 0);
	SM_EXPECT_EQ(test, OK, sm_dma_from(f, SID_OTHER, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	/* under the same one */
	sm_set_ste(f, SID_OTHER, f->ste[0], STE1, VMID, 0);
	sm_ok(f, 0x03 | FOR_SID(SID_OTHER), 1);
	SM_EXPECT_EQ(test, OK, sm_dma_from(f, SID_OTHER, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	/* in another world */
	sm_set_ste(f, SID_OTHER, f->ste[0], STE1 | 2ULL << 30, 0, 0);
	sm_ok(f, 0x03 | FOR_SID(SID_OTHER), 1);
	SM_EXPECT_EQ(test, OK, sm_dma_from(f, SID_OTHER, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
}

/* EL1 with VMID 0, and EL2 with E2H, which has ASIDs and no VMIDs */
static void worlds(struct kunit *test)
{
	struct sm *f = plain(test);

	sm_wr(f, R_CR0, CR0_ALL & ~1);
	sm_wr(f, R_CR2, 7);
	sm_wr(f, R_CR0, CR0_ALL);
	f->ste[2] = 0;
	change(f, VA, S1_PAGE);
	sm_set_ste(f, SID_OTHER, f->ste[0], STE1 | 2ULL << 30, 0, 0);
	SM_EXPECT_EQ(test, OK, sm_dma_from(f, SID_OTHER, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
}

/* A table is cached apart from its leaves, by what is above them. */
static void tables(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 vmid = FOR_VMID(VMID), asid = FOR_ASID(ASID(SSID));
	u64 *top = &f->s1[VA >> 39 & 511], old, other;

	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE);
	old = *top;
	*top = 0;
	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE);
	sm_map_s1(f, VA + SZ_4K, pa(f, 1) | S1_PAGE);
	other = *top;
	*top = old;
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
	*top = other;
	stale(f, 0x12 | vmid | asid, VA | LEAF, VA);
	stale(f, 0x13 | vmid, VA | LEAF, VA);
	/* for what is elsewhere */
	sm_ok(f, 0x12 | vmid | asid, VA + SZ_2M * 512ULL * 512);
	stale(f, 0x12 | vmid | FOR_ASID(ASID(0)), VA, VA);
	fresh(f, 0x12 | vmid | asid, VA, VA);
	*top = old;
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
	*top = other;
	/* another page below the same tables */
	fresh(f, 0x12 | vmid | asid, VA + SZ_4K, VA + SZ_4K);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
}

/* As tables(), but a mapping that was not there is not cached. */
static void not_cached(struct kunit *test)
{
	struct sm *f = plain(test);

	SM_EXPECT_EQ(test, 0x10, at(f, VA));
	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE);
	SM_EXPECT_EQ(test, 0xa1, at(f, VA));
	/* What is cached read-only stays so. */
	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE | S1_RO);
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa1, at(f, VA));
	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE);
	SM_EXPECT_EQ(test, 0x13, sm_dma(f, SSID, MODEL_WRITE, VA));
	sm_ok(f, 0x13 | FOR_VMID(VMID), VA | LEAF);
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, MODEL_WRITE, VA));
}

static void ranges(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 c = 0x12 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID));
	u64 base = VA - 8 * SZ_4K;

	change(f, VA, S1_PAGE);
	/* 8 pages end below it, 9 do not. */
	stale(f, c | NUM(7), base | TG(1) | LEAF, VA);
	fresh(f, c | NUM(8), base | TG(1) | LEAF, VA);
	change(f, VA, S1_PAGE);
	stale(f, c | NUM(3) | SCALE(1), base | TG(1) | LEAF, VA);
	fresh(f, c | NUM(4) | SCALE(1), base | TG(1) | LEAF, VA);
	change(f, VA, S1_PAGE);
	/* all bits of both fields */
	stale(f, c | NUM(0) | SCALE(17), (VA + SZ_4K) | TG(1), VA);
	fresh(f, c | NUM(31) | SCALE(4), (VA - 500 * SZ_4K) | TG(1), VA);
	change(f, VA, S1_PAGE);
	fresh(f, c | NUM(0) | SCALE(20), (VA & ~(u64)(SZ_4K * 0x10000ULL - 1)) | TG(1),
	      VA);
	/* One that would wrap does not. */
	change(f, VA, S1_PAGE);
	stale(f, c | NUM(31) | SCALE(31), 0xfffffffffffff000ULL | TG(1), VA);
	/* Of another granule, or at another level */
	stale(f, c, (VA & ~0xffffULL) | TG(3), VA);
	stale(f, c, (VA & ~0x3fffULL) | TG(2), VA);
	stale(f, c | NUM(31) | SCALE(4), (VA & ~(u64)(SZ_2M - 1)) | TG(1) | TTL(2), VA);
	stale(f, c | NUM(31) | SCALE(13), (VA & ~(u64)(SZ_1G - 1)) | TG(1) | TTL(1), VA);
	/* Not aligned as the level has it: it cannot be relied on. */
	stale(f, c | NUM(31) | SCALE(10), VA | TG(1) | TTL(2), VA);
	fresh(f, c, VA | TG(1) | TTL(3), VA);
}

static void blocks(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 c = 0x12 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID));
	u64 base = VA & ~(u64)(SZ_2M - 1), bits = S1_PAGE & ~2ULL;
	u64 in = pa(f, 0) & ~(u64)(SZ_2M - 1), off = pa(f, 0) - in;
	u64 *slot;

	slot = sm_map(f, f->s1, 12, 0, 2, base, in | bits);
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa0, at(f, base + off));
	*slot = 0;
	SM_EXPECT_EQ(test, 0xa0, at(f, base + off));
	/* Any page of it will do, but at its level. */
	stale(f, c, (base + SZ_2M) | LEAF, base + off);
	stale(f, c | NUM(31), base | TG(1) | TTL(3), base + off);
	sm_ok(f, c, (base + SZ_2M - SZ_4K) | LEAF);
	SM_EXPECT_EQ(test, 0x10, at(f, base + off));
	*slot = in | bits;
	SM_EXPECT_EQ(test, 0xa0, at(f, base + off));
	*slot = 0;
	sm_ok(f, c, base | TG(1) | TTL(2) | LEAF);
	SM_EXPECT_EQ(test, 0x10, at(f, base + off));
}

/* Granules of 16 and 64 KiB */
static void granules(struct kunit *test)
{
	static const struct {
		unsigned int granule, cd_tg, tg, start;
	} tries[] = { { 14, 2, 2, 0 }, { 16, 1, 3, 1 } };
	struct sm *f = plain(test);
	u64 c = 0x12 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u64 mask = (1ULL << tries[i].granule) - 1, va = VA & ~mask;
		u64 *top = sm_pages(f, tries[i].granule - 12), *slot;
		u64 off = pa(f, 0) & mask;

		f->cds[SSID * 8] = (f->cds[SSID * 8] & ~0xc0ULL) | tries[i].cd_tg << 6;
		f->cds[SSID * 8 + 1] = virt_to_phys(top);
		slot = sm_map(f, top, tries[i].granule, tries[i].start, 3, va,
			      (pa(f, 0) & ~mask) | S1_PAGE);
		sm_flush(f);
		SM_EXPECT_EQ(test, 0xa0, at(f, va + off));
		*slot = 0;
		stale(f, c | NUM(31), va | TG(1), va + off);
		/* 3 granules that end there, and 4 */
		stale(f, c | NUM(2), (va - 3 * (mask + 1)) | TG(tries[i].tg), va + off);
		sm_ok(f, c | NUM(3), (va - 3 * (mask + 1)) | TG(tries[i].tg));
		SM_EXPECT_EQ(test, 0x10, at(f, va + off));
	}
}

/* 16 KiB has no leaves at level 1: such a hint is none. */
static void no_hint(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 c = 0x12 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID));
	u64 mask = SZ_16K - 1, va = VA & ~mask, off = pa(f, 0) & mask;
	u64 *top = sm_pages(f, 2), *slot;

	f->cds[SSID * 8] |= 2 << 6;
	f->cds[SSID * 8 + 1] = virt_to_phys(top);
	slot = sm_map(f, top, 14, 0, 3, va, (pa(f, 0) & ~mask) | S1_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa0, at(f, va + off));
	*slot = 0;
	SM_EXPECT_EQ(test, 0xa0, at(f, va + off));
	sm_ok(f, c, va | TG(2) | TTL(1));
	SM_EXPECT_EQ(test, 0x10, at(f, va + off));
}

static void el2(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 asid = FOR_ASID(ASID(SSID));

	f->ste[1] |= 2ULL << 30;
	change(f, VA, S1_PAGE);
	/* It has no ASIDs, and is not the guest's. */
	stale(f, 0x30, 0, VA);
	stale(f, 0x21 | asid, 0, VA);
	stale(f, 0x12 | asid | FOR_VMID(VMID), VA, VA);
	stale(f, 0x22, VA + SZ_4K, VA);
	fresh(f, 0x22 | FOR_ASID(9), VA, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x23, VA, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x20, 0, VA);
	/* Another address space finds the same. */
	change(f, VA, S1_PAGE);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	/* With E2H it has ASIDs. */
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	sm_wr(f, R_CR2, 7);
	sm_wr(f, R_CR0, CR0_ALL);
	change(f, VA, S1_PAGE);
	stale(f, 0x21 | FOR_ASID(9), 0, VA);
	stale(f, 0x22 | FOR_ASID(9), VA, VA);
	stale(f, 0x11 | asid, 0, VA);
	fresh(f, 0x21 | asid, 0, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x22 | asid, VA, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x23, VA, VA);
	change(f, VA, S1_PAGE);
	fresh(f, 0x20, 0, VA);
}

/* Map an intermediate address to page 0, have it cached, and map it to page 1. */
static void change_s2(struct sm *f, u64 ipa, u64 va)
{
	sm_map_s2(f, ipa, pa(f, 0) | S2_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(f->test, 0xa0, at(f, va));
	sm_map_s2(f, ipa, pa(f, 1) | S2_PAGE);
	SM_EXPECT_EQ(f->test, 0xa0, at(f, va));
}

static void stage2_only(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 vmid = FOR_VMID(VMID), *top = &f->s2[VA >> 39 & 511], old;
	unsigned int i;

	static const struct {
		u64 word0, word1;
		u8 what;
	} tries[] = {
		{ 0x2a | FOR_VMID(VMID), VA + SZ_4K, 0xa0 },
		{ 0x2a | FOR_VMID(VMID_OTHER), VA, 0xa0 },
		{ 0x10 | FOR_VMID(VMID), 0, 0xa0 },
		{ 0x13 | FOR_VMID(VMID), VA, 0xa0 },
		{ 0x28 | FOR_VMID(VMID_OTHER), 0, 0xa0 },
		{ 0x2a | FOR_VMID(VMID), VA | LEAF, 0xa1 },
		{ 0x2a | FOR_VMID(VMID) | NUM(8), (VA - 8 * SZ_4K) | TG(1), 0xa1 },
		{ 0x2a | FOR_VMID(VMID) | NUM(7), (VA - 8 * SZ_4K) | TG(1), 0xa0 },
		{ 0x28 | FOR_VMID(VMID), 0, 0xa1 },
		{ 0x30, 0, 0xa1 },
	};

	sm_stage2(f);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		sm_map_s2(f, VA, pa(f, 0) | S2_PAGE);
		sm_flush(f);
		SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
		sm_map_s2(f, VA, pa(f, 1) | S2_PAGE);
		SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
		SM_EXPECT_EQ(test, 0xa0, f->byte);
		sm_ok(f, tries[i].word0, tries[i].word1);
		SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
		SM_EXPECT_EQ_MSG(test, tries[i].what, f->byte, "%u", i);
	}
	/* Tables: by an address below them, and not by its leaf alone */
	sm_map_s2(f, VA, pa(f, 0) | S2_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	old = *top;
	*top = 0;
	sm_map_s2(f, VA, pa(f, 1) | S2_PAGE);
	sm_ok(f, 0x2a | vmid, VA | LEAF);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	sm_ok(f, 0x2a | vmid, VA);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	*top = old;
}

/* What holds both stages is for stage 1's commands. */
static void both_stages(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 ipa = 0x4000000000ULL, vmid = FOR_VMID(VMID);

	sm_nested(f);
	sm_map_s1(f, VA, ipa | S1_PAGE);
	change_s2(f, ipa, VA);
	stale(f, 0x2a | vmid, ipa, VA);
	fresh(f, 0x10 | vmid, 0, VA);
	/* The other way round it finds stage 2's own. */
	change_s2(f, ipa, VA);
	stale(f, 0x10 | vmid, 0, VA);
	sm_ok(f, 0x2a | vmid, ipa);
	fresh(f, 0x13 | vmid, VA, VA);
	change_s2(f, ipa, VA);
	fresh(f, 0x28 | vmid, 0, VA);
	change_s2(f, ipa, VA);
	fresh(f, 0x30, 0, VA);
}

static void configuration(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *other = sm_pages(f, 0), old = f->ste[0];
	static const struct {
		u64 word0, word1;
		bool fresh;
	} tries[] = {
		{ 0x03 | FOR_SID(SID_OTHER), 1, false },
		{ 0x05 | FOR_SID(SID) | FOR_SSID(SSID), 1, false },
		{ 0x06 | FOR_SID(SID), 0, false },
		{ 0x04 | FOR_SID(SID + 2), 0, false },
		{ 0x04 | FOR_SID(SID ^ 0x80), 6, false },
		{ 0x30, 0, false },
		{ 0x03 | FOR_SID(SID), 1, true },
		{ 0x03 | FOR_SID(SID), 0, true },
		{ 0x04 | FOR_SID(SID + 1), 0, true },
		{ 0x04 | FOR_SID(SID ^ 0x80), 7, true },
		{ 0x04 | FOR_SID(0x8000), 16, true },
		{ 0x04, 31, true },
	};
	unsigned int i;

	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		f->ste[0] = old & ~0xeULL;
		sm_flush(f);
		SM_EXPECT_EQ(test, QUIET, at(f, VA));
		f->ste[0] = old;
		SM_EXPECT_EQ(test, QUIET, at(f, VA));
		sm_ok(f, tries[i].word0, tries[i].word1);
		SM_EXPECT_EQ_MSG(test, tries[i].fresh ? 0xa1 : QUIET, at(f, VA), "%u", i);
	}
	/* An STE that is not valid is cached as well. */
	f->ste[0] = 0;
	sm_flush(f);
	SM_EXPECT_EQ(test, 4, at(f, VA));
	f->ste[0] = old;
	SM_EXPECT_EQ(test, 4, at(f, VA));
	/* CDs that were found through an STE go with it. */
	sm_flush(f);
	SM_EXPECT_EQ(test, 0xa1, at(f, VA));
	memcpy(other, f->cds, SZ_4K);
	other[SSID * 8] = 0;
	f->ste[0] = STE0(CFG_S1) | virt_to_phys(other) | 6ULL << 59;
	sm_ok(f, 0x03 | FOR_SID(SID), 1);
	SM_EXPECT_EQ(test, 0xa, at(f, VA));
}

static void descriptors(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *cd = f->cds + SSID * 8, old = cd[0];
	static const struct {
		u64 word0, word1;
		bool fresh;
	} tries[] = {
		{ 0x05 | FOR_SID(SID) | FOR_SSID(SSID + 1), 1, false },
		{ 0x05 | FOR_SID(SID_OTHER) | FOR_SSID(SSID), 1, false },
		{ 0x06 | FOR_SID(SID_OTHER), 0, false },
		{ 0x03 | FOR_SID(SID_OTHER), 0, false },
		{ 0x10 | FOR_VMID(VMID), 0, false },
		{ 0x05 | FOR_SID(SID) | FOR_SSID(SSID), 1, true },
		{ 0x05 | FOR_SID(SID) | FOR_SSID(SSID), 0, true },
		{ 0x06 | FOR_SID(SID), 0, true },
		{ 0x03 | FOR_SID(SID), 1, true },
		{ 0x04 | FOR_SID(SID), 0, true },
		{ 0x04, 31, true },
	};
	unsigned int i;

	sm_map_s1(f, VA, pa(f, 1) | S1_PAGE);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		cd[0] = 0;
		sm_flush(f);
		SM_EXPECT_EQ(test, 0xa, at(f, VA));
		cd[0] = old;
		SM_EXPECT_EQ(test, 0xa, at(f, VA));
		sm_ok(f, tries[i].word0, tries[i].word1);
		SM_EXPECT_EQ_MSG(test, tries[i].fresh ? 0xa1 : 0xa, at(f, VA), "%u", i);
	}
	/* It is the stream's own. */
	sm_set_ste(f, SID_OTHER, f->ste[0], f->ste[1], VMID, 0);
	cd[0] = 0;
	SM_EXPECT_EQ(test, 0xa, sm_dma_from(f, SID_OTHER, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, at(f, VA));
}

/* Commands that a test wants to get lost */
static void dropped(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 c = 0x12 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID));
	const struct smmuv3_model_counts *counts;
	u64 *top = &f->s1[VA >> 39 & 511], old;

	change(f, VA, S1_PAGE);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_DROP, 2);
	sm_ok(f, 0x46, 0);
	stale(f, c, VA, VA);
	fresh(f, c, VA, VA);
	change(f, VA, S1_PAGE);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_DROP_TYPES,
			    SMMUV3_MODEL_DROP_TLBI_S1);
	stale(f, c, VA, VA);
	stale(f, 0x11 | FOR_VMID(VMID) | FOR_ASID(ASID(SSID)), 0, VA);
	fresh(f, 0x10 | FOR_VMID(VMID), 0, VA);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_DROP_TYPES, 0);
	counts = sm_counts(f);
	SM_EXPECT_EQ(test, 2, counts->dropped[0x12]);
	SM_EXPECT_EQ(test, 1, counts->dropped[0x11]);
	SM_EXPECT_EQ(test, 1, counts->commands[0x12]);
	/* Only leaves, though all was asked for */
	old = *top;
	*top = 0;
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_MISS_LEAF, 1);
	fresh(f, c, VA, VA);
	sm_ok(f, c, VA);
	SM_EXPECT_EQ(test, 0xa0, at(f, VA));
	*top = old;
	SM_EXPECT_TRUE(test, sm_counts(f)->tlb_hits > 0);
	SM_EXPECT_TRUE(test, sm_counts(f)->walks > 0);
	SM_EXPECT_TRUE(test, sm_counts(f)->ste_fetches > 0);
	SM_EXPECT_TRUE(test, sm_counts(f)->cd_fetches > 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(by_page),
	KUNIT_CASE(by_space),
	KUNIT_CASE(tags),
	KUNIT_CASE(worlds),
	KUNIT_CASE(tables),
	KUNIT_CASE(not_cached),
	KUNIT_CASE(ranges),
	KUNIT_CASE(blocks),
	KUNIT_CASE(granules),
	KUNIT_CASE(no_hint),
	KUNIT_CASE(el2),
	KUNIT_CASE(stage2_only),
	KUNIT_CASE(both_stages),
	KUNIT_CASE(configuration),
	KUNIT_CASE(descriptors),
	KUNIT_CASE(dropped),
	{}
};

struct kunit_suite smmuv3_cache_suite = {
	.name = "iommufd_smmuv3_model_cache",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = cases,
};

kunit_test_suite(smmuv3_cache_suite);

MODULE_DESCRIPTION("KUnit: caches of the SMMUv3 model");
MODULE_LICENSE("GPL");
