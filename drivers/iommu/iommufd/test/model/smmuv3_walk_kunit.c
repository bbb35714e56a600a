// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SMMUv3 model's walks: both stages, granules, permissions, hardware updates, and
 * the events of translation.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "smmuv3_model_kunit.h"

#define WALK_EABT	0x0b
#define TRANSLATION	0x10
#define ADDR_SIZE	0x11
#define ACCESS		0x12
#define PERMISSION	0x13

#define READS		MODEL_READ
#define WRITES		MODEL_WRITE
#define EXEC		(MODEL_READ | MODEL_EXEC)
#define PRIV		MODEL_PRIV

/* Fields of an event's second word */
#define EV_PNU		BIT_ULL(33)
#define EV_IND		BIT_ULL(34)
#define EV_RNW		BIT_ULL(35)
#define EV_S2		BIT_ULL(39)
#define EV_TT		BIT_ULL(40)
#define EV_IN		(2ULL << 40)
#define EV_TTRNW	BIT_ULL(44)

#define NOWHERE		0x00007ffffff00000ULL

#define UXN		BIT_ULL(54)
#define PXN		BIT_ULL(53)
#define EL0		BIT_ULL(6)

static struct sm *plain(struct kunit *test)
{
	struct sm *f = sm_unit(test);

	sm_stage1(f);
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	return f;
}

/* As plain(), through a stage 2 that has everything at its place */
static struct sm *nested(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	unsigned int i;

	sm_nested(f);
	sm_map_s1(f, VA, virt_to_phys(f->data[0]) | S1_PAGE);
	for (i = 0; i < ARRAY_SIZE(f->data); i++)
		sm_identity(f, f->data[i]);
	sm_flush(f);
	return f;
}

static u64 pa(struct sm *f, unsigned int i)
{
	return virt_to_phys(f->data[i]);
}

/* After a change of tables that is invalidated */
static u8 go(struct sm *f, u32 perm, u64 addr)
{
	sm_flush(f);
	return sm_dma(f, SSID, perm, addr);
}

static void cd(struct sm *f, u64 set, u64 clear)
{
	f->cds[SSID * 8] = (f->cds[SSID * 8] & ~clear) | set;
}

static void faults(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 at = VA + SZ_1G + 0x123;

	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, at));
	SM_EXPECT_EQ(test, (u64)SID << 32 | SSID << 12 | 1 << 11 | 0x10, f->ev[0]);
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
	SM_EXPECT_EQ(test, at, f->ev[2]);
	SM_EXPECT_EQ(test, 0, f->ev[3]);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, WRITES, at));
	SM_EXPECT_EQ(test, EV_IN, f->ev[1]);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, EXEC | PRIV, at));
	SM_EXPECT_EQ(test, EV_RNW | EV_IND | EV_PNU | EV_IN, f->ev[1]);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, NO_SSID, READS, at));
	SM_EXPECT_EQ(test, (u64)SID << 32 | 0x10, f->ev[0]);
	/* R clear: not recorded. A clear: as if it had been done. */
	cd(f, 0, 1ULL << 45);
	SM_EXPECT_EQ(test, QUIET, go(f, READS, at));
	cd(f, 1ULL << 45, 1ULL << 46);
	SM_EXPECT_EQ(test, OK, go(f, READS, at));
	SM_EXPECT_EQ(test, 0, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_event(f));
	SM_EXPECT_EQ(test, OK, go(f, WRITES, at));
	SM_EXPECT_EQ(test, TRANSLATION, sm_event(f));
	cd(f, 0, 1ULL << 45);
	SM_EXPECT_EQ(test, OK, go(f, READS, at));
	SM_EXPECT_EQ(test, 0, sm_event(f));
}

static void halves(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *cd5 = f->cds + SSID * 8, *top1 = sm_pages(f, 0);
	u64 high = 0xffff923456789000ULL;

	/* Disabled, and out of the range of either half */
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, high));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, VA | 1ULL << 48));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, VA | 1ULL << 56));
	cd(f, 16ULL << 16 | 2ULL << 22, 1ULL << 30 | 0x3fULL << 16);
	cd5[2] = virt_to_phys(top1);
	sm_map(f, top1, 12, 0, 3, high & 0xffffffffffffULL, pa(f, 1) | S1_PAGE);
	SM_EXPECT_EQ(test, OK, go(f, READS, high));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, high & ~(1ULL << 48)));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, high & ~(1ULL << 60)));
	/* Top byte ignored, in one half and in the other */
	cd(f, 1ULL << 38, 0);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA | 0xabULL << 56));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, VA | 1ULL << 55));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, high & ~(1ULL << 60)));
	cd(f, 1ULL << 39, 1ULL << 38);
	SM_EXPECT_EQ(test, OK, go(f, READS, high & ~(1ULL << 60)));
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, VA | 0xabULL << 56));
	/* a small one, of 31 bits */
	cd(f, 33ULL << 16, 0x3fULL << 16 | 1ULL << 39);
	sm_map(f, top1, 12, 1, 3, 0x7fff0000, pa(f, 2) | S1_PAGE);
	SM_EXPECT_EQ(test, OK, go(f, READS, 0xffffffffffff0000ULL));
	SM_EXPECT_EQ(test, 0xa2, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, 0xffffffff7fff0000ULL));
	cd(f, 16ULL << 16, 0x3fULL << 16);
	/* and the lower half disabled */
	cd(f, 1 << 14, 0);
	SM_EXPECT_EQ(test, TRANSLATION, go(f, READS, VA));
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, READS, high));
}

/* Of a smaller range, whose walk begins further down */
static void ranges(struct kunit *test)
{
	static const struct {
		unsigned int txsz, start;
	} tries[] = { { 16, 0 }, { 24, 0 }, { 25, 1 }, { 33, 1 }, { 34, 2 }, { 39, 2 } };
	struct sm *f = plain(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u64 last = (1ULL << (64 - tries[i].txsz)) - SZ_4K;
		u64 *top = sm_pages(f, 0);

		cd(f, tries[i].txsz, 0x3f);
		f->cds[SSID * 8 + 1] = virt_to_phys(top);
		sm_map(f, top, 12, tries[i].start, 3, last, pa(f, 1) | S1_PAGE);
		SM_EXPECT_EQ_MSG(test, OK, go(f, READS, last), "T0SZ %u", tries[i].txsz);
		SM_EXPECT_EQ(test, 0xa1, f->byte);
		SM_EXPECT_EQ(test, TRANSLATION, go(f, READS, last + SZ_4K));
	}
}

/* A block of each size, at an offset in it */
static void blocks(struct kunit *test)
{
	static const struct {
		unsigned int granule, tg, start, level;
	} tries[] = {
		{ 12, 0, 0, 1 }, { 12, 0, 0, 2 }, { 12, 0, 0, 3 },
		{ 14, 2, 0, 2 }, { 14, 2, 0, 3 }, { 16, 1, 1, 2 }, { 16, 1, 1, 3 },
	};
	struct sm *f = plain(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		unsigned int granule = tries[i].granule;
		unsigned int shift = granule + (3 - tries[i].level) * (granule - 3);
		u64 size = 1ULL << shift, *top = sm_pages(f, granule - 12);
		u64 desc = S1_PAGE & ~2ULL;

		if (tries[i].level == 3)
			desc |= 2;
		cd(f, tries[i].tg << 6, 3 << 6);
		f->cds[SSID * 8 + 1] = virt_to_phys(top);
		sm_map(f, top, granule, tries[i].start, tries[i].level, VA,
		       (pa(f, 2) & ~(size - 1)) | desc);
		SM_EXPECT_EQ_MSG(test, OK,
				 go(f, READS, (VA & ~(size - 1)) |
				    (pa(f, 2) & (size - 1))), "%u", i);
		SM_EXPECT_EQ_MSG(test, 0xa2, f->byte, "%u", i);
	}
}

static void not_blocks(struct kunit *test)
{
	static const struct {
		unsigned int granule, tg, start, level;
	} tries[] = {
		{ 12, 0, 0, 0 }, { 12, 0, 0, 3 }, { 14, 2, 0, 1 }, { 16, 1, 1, 1 },
		{ 16, 1, 1, 3 },
	};
	struct sm *f = plain(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u64 *top = sm_pages(f, tries[i].granule - 12);

		cd(f, tries[i].tg << 6, 3 << 6);
		f->cds[SSID * 8 + 1] = virt_to_phys(top);
		sm_map(f, top, tries[i].granule, tries[i].start, tries[i].level, VA,
		       S1_PAGE & ~2ULL);
		SM_EXPECT_EQ_MSG(test, TRANSLATION, go(f, READS, VA), "%u", i);
	}
}

/* The range of outputs, and tables that are nowhere */
static void outputs(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *slot = sm_map_s1(f, VA, (NOWHERE & ~0xfffULL) | S1_PAGE);

	/* There is nothing, but it is the bus that says so. */
	SM_EXPECT_EQ(test, QUIET, go(f, READS, VA));
	cd(f, 4ULL << 32, 7ULL << 32);
	SM_EXPECT_EQ(test, ADDR_SIZE, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
	cd(f, 5ULL << 32, 7ULL << 32);
	*slot = pa(f, 0) | S1_PAGE;
	f->s1[VA >> 39 & 511] = NOWHERE | 3;
	SM_EXPECT_EQ(test, WALK_EABT, go(f, READS | PRIV, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_PNU | EV_TT, f->ev[1]);
	SM_EXPECT_EQ(test, VA, f->ev[2]);
	SM_EXPECT_EQ(test, NOWHERE + (VA >> 30 & 511) * 8, f->ev[3]);
}

struct right {
	u64 desc;
	u32 perm;
	u8 what;
};

static void check_rights(struct kunit *test, struct sm *f, const struct right *rights,
			 unsigned int num, const char *name)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~EL0) | rights[i].desc);
		SM_EXPECT_EQ_MSG(test, rights[i].what, go(f, rights[i].perm, VA),
				 "%s %u", name, i);
		/* The same from the TLB */
		SM_EXPECT_EQ_MSG(test, rights[i].what,
				 sm_dma(f, SSID, rights[i].perm, VA),
				 "%s %u cached", name, i);
	}
}

static void rights_el1(struct kunit *test)
{
	static const struct right rights[] = {
		{ EL0, READS, OK }, { EL0, WRITES, OK }, { EL0, EXEC, OK },
		{ EL0 | S1_RO, READS, OK }, { EL0 | S1_RO, WRITES, PERMISSION },
		{ 0, READS, PERMISSION }, { 0, WRITES, PERMISSION }, { 0, EXEC, OK },
		{ EL0 | UXN, EXEC, PERMISSION }, { EL0 | UXN, READS, OK },
		{ EL0 | PXN, EXEC, OK },
		{ 0, READS | PRIV, OK }, { 0, WRITES | PRIV, OK }, { 0, EXEC | PRIV, OK },
		{ S1_RO, READS | PRIV, OK }, { S1_RO, WRITES | PRIV, PERMISSION },
		{ PXN, EXEC | PRIV, PERMISSION }, { UXN, EXEC | PRIV, OK },
		{ EL0, EXEC | PRIV, PERMISSION }, { EL0 | S1_RO, EXEC | PRIV, OK },
		{ EL0, READS | PRIV, OK }, { EL0, WRITES | PRIV, OK },
	};
	static const struct right wxn[] = {
		{ EL0, EXEC, PERMISSION }, { EL0 | S1_RO, EXEC, OK },
		{ 0, EXEC | PRIV, PERMISSION }, { S1_RO, EXEC | PRIV, OK },
	};
	static const struct right pan[] = {
		{ EL0, READS | PRIV, PERMISSION }, { EL0, WRITES | PRIV, PERMISSION },
		{ 0, READS | PRIV, OK }, { EL0, READS, OK },
	};
	struct sm *f = plain(test);

	check_rights(test, f, rights, ARRAY_SIZE(rights), "EL1");
	cd(f, 1ULL << 36, 0);
	check_rights(test, f, wxn, ARRAY_SIZE(wxn), "WXN");
	cd(f, 1ULL << 40, 1ULL << 36);
	check_rights(test, f, pan, ARRAY_SIZE(pan), "PAN");
	/* UWXN adds nothing to what is always so. */
	cd(f, 1ULL << 37, 1ULL << 40);
	check_rights(test, f, rights, ARRAY_SIZE(rights), "UWXN");
}

static void rights_el2(struct kunit *test)
{
	static const struct right rights[] = {
		{ 0, READS, OK }, { 0, WRITES, OK }, { 0, EXEC, OK }, { 0, READS | PRIV, OK },
		{ S1_RO, READS, OK }, { S1_RO, WRITES, PERMISSION },
		{ UXN, EXEC, PERMISSION }, { PXN, EXEC, OK },
		{ EL0, EXEC | PRIV, OK },
	};
	static const struct right wxn[] = {
		{ 0, EXEC, PERMISSION }, { S1_RO, EXEC, OK },
	};
	static const struct right e2h[] = {
		{ 0, READS, PERMISSION }, { EL0, READS, OK }, { 0, READS | PRIV, OK },
	};
	struct sm *f = plain(test);

	f->ste[1] |= 2ULL << 30;
	/* There is no upper half: its fields do not count. */
	cd(f, 0, 1ULL << 30);
	check_rights(test, f, rights, ARRAY_SIZE(rights), "EL2");
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, ~0ULL));
	/* EPD0 does not, either. */
	cd(f, 1 << 14, 0);
	check_rights(test, f, rights, ARRAY_SIZE(rights), "EL2");
	cd(f, 1ULL << 36, 1 << 14);
	check_rights(test, f, wxn, ARRAY_SIZE(wxn), "EL2 WXN");
	cd(f, 1ULL << 30, 1ULL << 36);
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	sm_wr(f, R_CR2, 7);
	sm_wr(f, R_CR0, CR0_ALL);
	check_rights(test, f, e2h, ARRAY_SIZE(e2h), "E2H");
}

/* What a table takes away from all below it */
static void rights_tables(struct kunit *test)
{
	static const struct right rights[] = {
		{ 1ULL << 62, WRITES, PERMISSION }, { 1ULL << 62, READS, OK },
		{ 1ULL << 61, READS, PERMISSION }, { 1ULL << 61, READS | PRIV, OK },
		{ 1ULL << 60, EXEC, PERMISSION }, { 1ULL << 59, EXEC, OK },
	};
	struct sm *f = plain(test);
	u64 *slot = &f->s1[VA >> 39 & 511], table = *slot;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		*slot = table | rights[i].desc;
		SM_EXPECT_EQ_MSG(test, rights[i].what, go(f, rights[i].perm, VA), "%u", i);
		/* again, from the TLB */
		SM_EXPECT_EQ_MSG(test, rights[i].what,
				 sm_dma(f, SSID, rights[i].perm, VA), "%u", i);
	}
	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~EL0));
	*slot = table | 1ULL << 59;
	SM_EXPECT_EQ(test, PERMISSION, go(f, EXEC | PRIV, VA));
	*slot = table | 1ULL << 60;
	SM_EXPECT_EQ(test, OK, go(f, EXEC | PRIV, VA));
	/* HAD: they are not looked at. */
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE);
	f->cds[SSID * 8 + 1] |= 2;
	*slot = table | 0xfULL << 59;
	SM_EXPECT_EQ(test, OK, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, OK, go(f, EXEC, VA));
}

/* The STE's word against the transaction's */
static void overrides(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 w1 = f->ste[1];

	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~EL0) | UXN);
	/* privileged, unprivileged, reserved */
	f->ste[1] = w1 | 3ULL << 48;
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	f->ste[1] = w1 | 2ULL << 48;
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS | PRIV, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
	f->ste[1] = w1 | 1ULL << 48;
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	SM_EXPECT_EQ(test, OK, go(f, READS | PRIV, VA));
	/* instruction, data */
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE | UXN);
	f->ste[1] = w1 | 3ULL << 50;
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IND | EV_IN, f->ev[1]);
	SM_EXPECT_EQ(test, OK, go(f, WRITES, VA));
	f->ste[1] = w1 | 2ULL << 50;
	SM_EXPECT_EQ(test, OK, go(f, EXEC, VA));
	f->ste[1] = w1 | 1ULL << 50;
	SM_EXPECT_EQ(test, PERMISSION, go(f, EXEC, VA));
}

static void no_overrides(struct kunit *test)
{
	struct smmuv3_model_config config;
	struct sm *f;

	sm_config(&config);
	config.idr1 &= ~(1U << 26);
	f = sm_unit_config(test, &config);
	sm_stage1(f);
	f->ste[1] |= 3ULL << 48 | 3ULL << 50;
	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~EL0));
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
}

static void access_flag(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *slot = sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~AF));

	SM_EXPECT_EQ(test, ACCESS, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
	/* It is not cached. */
	*slot |= AF;
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, READS, VA));
	*slot &= ~AF;
	cd(f, 1ULL << 35, 0);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, 0, *slot & AF);
	cd(f, 1ULL << 43, 1ULL << 35);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, AF, *slot & AF);
	/* A fault of permission comes behind one of access. */
	cd(f, 0, 1ULL << 43);
	*slot = (*slot & ~AF) | S1_RO;
	SM_EXPECT_EQ(test, ACCESS, go(f, WRITES, VA));
}

static void dirty(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *slot = sm_map_s1(f, VA, pa(f, 0) | S1_PAGE | S1_RO | S1_DBM);

	/* HD without HA does nothing. */
	cd(f, 1ULL << 42, 0);
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	cd(f, 1ULL << 43, 1ULL << 42);
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	cd(f, 3ULL << 42, 0);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, S1_RO, *slot & S1_RO);
	/* It is in the TLB now, and clean. */
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, WRITES, VA));
	SM_EXPECT_EQ(test, S1_DBM, *slot & (S1_RO | S1_DBM));
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, WRITES, VA));
	/* Without DBM it is read-only. */
	*slot = pa(f, 0) | S1_PAGE | S1_RO;
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, S1_RO, *slot & S1_RO);
	/* What nobody unprivileged may touch does not become dirty by it. */
	*slot = pa(f, 0) | (S1_PAGE & ~(EL0 | AF)) | S1_RO | S1_DBM;
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, S1_RO, *slot & S1_RO);
	/* Nor what a table forbids to write. */
	*slot = pa(f, 0) | S1_PAGE | S1_RO | S1_DBM;
	f->s1[VA >> 39 & 511] |= 1ULL << 62;
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
}

static void stage2_only(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 *slot;

	sm_stage2(f);
	slot = sm_map_s2(f, VA, pa(f, 1) | S2_PAGE);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, NO_SSID, READS, VA + 0x5123));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, VA + 0x5123, f->ev[2]);
	SM_EXPECT_EQ(test, VA + 0x5000, f->ev[3]);
	/* Address sizes: a fault of stage 1, although there is none */
	SM_EXPECT_EQ(test, ADDR_SIZE, sm_dma(f, NO_SSID, READS, 1ULL << 48));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
	/* S2R: without it nothing is recorded; that fault is. */
	f->ste[2] = STE2 & ~(1ULL << 58);
	sm_flush(f);
	SM_EXPECT_EQ(test, QUIET, sm_dma(f, NO_SSID, READS, VA + 0x5000));
	SM_EXPECT_EQ(test, ADDR_SIZE, sm_dma(f, NO_SSID, READS, 1ULL << 48));
	f->ste[2] = STE2;
	/* Permissions */
	*slot &= ~(1ULL << 7);
	sm_flush(f);
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, NO_SSID, WRITES, VA));
	SM_EXPECT_EQ(test, EV_IN | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, VA, f->ev[3]);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	*slot = pa(f, 1) | (S2_PAGE & ~(1ULL << 6));
	sm_flush(f);
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, WRITES, VA));
	/* Output beyond S2PS */
	*slot = pa(f, 1) | S2_PAGE | 1ULL << 46;
	f->ste[2] = (STE2 & ~(7ULL << 48)) | 4ULL << 48;
	sm_flush(f);
	SM_EXPECT_EQ(test, ADDR_SIZE, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN | EV_S2, f->ev[1]);
}

static void stage2_flags(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 *slot, w = 1ULL << 7;

	sm_stage2(f);
	slot = sm_map_s2(f, VA, pa(f, 1) | (S2_PAGE & ~AF));
	SM_EXPECT_EQ(test, ACCESS, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN | EV_S2, f->ev[1]);
	f->ste[2] = STE2 | 1ULL << 53;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0, *slot & AF);
	f->ste[2] = STE2 | 1ULL << 56;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, AF, *slot & AF);
	*slot = pa(f, 1) | (S2_PAGE & ~w) | 1ULL << 51;
	sm_flush(f);
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, NO_SSID, WRITES, VA));
	/* HD alone */
	f->ste[2] = STE2 | 1ULL << 55;
	sm_flush(f);
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, NO_SSID, WRITES, VA));
	f->ste[2] = STE2 | 3ULL << 55;
	sm_flush(f);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, READS, VA));
	SM_EXPECT_EQ(test, 0, *slot & w);
	SM_EXPECT_EQ(test, OK, sm_dma(f, NO_SSID, WRITES, VA));
	SM_EXPECT_EQ(test, w, *slot & w);
	*slot = pa(f, 1) | (S2_PAGE & ~w);
	sm_flush(f);
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, NO_SSID, WRITES, VA));
}

/* Where a stage-2 walk begins, with several tables in one */
static void stage2_starts(struct kunit *test)
{
	static const struct {
		unsigned int granule, tg, sl0, t0sz, start;
		bool ok;
	} tries[] = {
		{ 12, 0, 2, 16, 0, true }, { 12, 0, 2, 24, 0, true },
		{ 12, 0, 2, 25, 0, false },
		{ 12, 0, 1, 25, 1, true }, { 12, 0, 1, 21, 1, true },
		{ 12, 0, 1, 22, 1, true },
		{ 12, 0, 1, 20, 1, false }, { 12, 0, 0, 34, 2, true },
		{ 12, 0, 0, 30, 2, true }, { 12, 0, 0, 29, 2, false },
		{ 14, 2, 2, 17, 1, true }, { 14, 2, 2, 16, 1, true },
		{ 14, 2, 1, 28, 2, true },
		{ 16, 1, 2, 16, 1, true }, { 16, 1, 1, 22, 2, true },
	};
	struct sm *f = sm_unit(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u64 last = (1ULL << (64 - tries[i].t0sz)) - (1ULL << tries[i].granule);
		u64 *top = sm_pages(f, 4), off;

		off = pa(f, 1) & ((1ULL << tries[i].granule) - 1);
		sm_set_ste(f, SID, STE0(CFG_S2), STE1,
			   (STE2 & ~(0xffULL << 32 | 3ULL << 46)) |
			   (u64)tries[i].t0sz << 32 | (u64)tries[i].sl0 << 38 |
			   (u64)tries[i].tg << 46, virt_to_phys(top));
		sm_flush(f);
		if (!tries[i].ok) {
			SM_EXPECT_EQ_MSG(test, 4, sm_dma(f, NO_SSID, READS, 0), "%u", i);
			continue;
		}
		sm_map(f, top, tries[i].granule, tries[i].start, 3, last,
		       (pa(f, 1) & ~((1ULL << tries[i].granule) - 1)) | S2_PAGE);
		SM_EXPECT_EQ_MSG(test, OK, sm_dma(f, NO_SSID, READS, last + off), "%u", i);
		SM_EXPECT_EQ_MSG(test, 0xa1, f->byte, "%u", i);
		if (tries[i].t0sz > 16)
			SM_EXPECT_EQ(test, TRANSLATION,
				     sm_dma(f, NO_SSID, READS,
					    1ULL << (64 - tries[i].t0sz)));
	}
}

static void both_stages(struct kunit *test)
{
	struct sm *f = nested(test);
	u64 ipa = 0x4000000000ULL;

	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, READS, VA));
	SM_EXPECT_EQ(test, 0xa0, f->byte);
	/* Elsewhere in between */
	sm_map_s1(f, VA, ipa | S1_PAGE);
	SM_EXPECT_EQ(test, TRANSLATION, go(f, WRITES, VA + 5));
	SM_EXPECT_EQ(test, EV_IN | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, VA + 5, f->ev[2]);
	SM_EXPECT_EQ(test, ipa, f->ev[3]);
	sm_map_s2(f, ipa, pa(f, 2) | S2_PAGE);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, 0xa2, f->byte);
	/* Both have to allow it, first and second time. */
	sm_map_s2(f, ipa, pa(f, 2) | (S2_PAGE & ~(1ULL << 7)));
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, EV_IN | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, PERMISSION, sm_dma(f, SSID, WRITES, VA + 1));
	SM_EXPECT_EQ(test, EV_IN | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, ipa, f->ev[3]);
	sm_map_s2(f, ipa, pa(f, 2) | S2_PAGE | 1ULL << 54);
	SM_EXPECT_EQ(test, PERMISSION, go(f, EXEC, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_IND | EV_IN | EV_S2, f->ev[1]);
	sm_map_s2(f, ipa, pa(f, 2) | S2_PAGE);
	sm_map_s1(f, VA, ipa | S1_PAGE | S1_RO);
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, EV_IN, f->ev[1]);
	/* A fault of stage 1 goes by the CD, one of stage 2 by the STE. */
	cd(f, 0, 3ULL << 45);
	SM_EXPECT_EQ(test, OK, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	sm_map_s1(f, VA, (ipa + SZ_1G) | S1_PAGE);
	SM_EXPECT_EQ(test, TRANSLATION, go(f, WRITES, VA));
}

/* A block of stage 1 over pages of stage 2, and the other way round */
static void both_sizes(struct kunit *test)
{
	struct sm *f = nested(test);
	u64 ipa = 0x4000000000ULL, va = VA & ~(u64)(SZ_2M - 1);
	u64 *slot;

	slot = sm_map(f, f->s1, 12, 0, 2, va, ipa | (S1_PAGE & ~2ULL));
	sm_map_s2(f, ipa, pa(f, 1) | S2_PAGE);
	sm_map_s2(f, ipa + 0x7000, pa(f, 2) | S2_PAGE);
	SM_EXPECT_EQ(test, OK, go(f, READS, va));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, READS, va + 0x7000));
	SM_EXPECT_EQ(test, 0xa2, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, va + 0x8000));
	SM_EXPECT_EQ(test, ipa + 0x8000, f->ev[3]);
	/* pages over a block */
	*slot = 0;
	sm_map_s1(f, va, (ipa + SZ_2M + (pa(f, 3) & (SZ_2M - 1))) | S1_PAGE);
	sm_map(f, f->s2, 12, 0, 2, ipa + SZ_2M,
	       (pa(f, 3) & ~(u64)(SZ_2M - 1)) | (S2_PAGE & ~2ULL));
	SM_EXPECT_EQ(test, OK, go(f, READS, va));
	SM_EXPECT_EQ(test, 0xa3, f->byte);
	SM_EXPECT_EQ(test, TRANSLATION, sm_dma(f, SSID, READS, va + SZ_4K));
	SM_EXPECT_EQ(test, EV_RNW | EV_IN, f->ev[1]);
}

/* Where stage 2 does not let the unit read what it needs itself */
static void both_tables(struct kunit *test)
{
	struct sm *f = nested(test);
	u64 s1 = virt_to_phys(f->s1), cds = virt_to_phys(f->cds);
	u64 desc = s1 + (VA >> 39 & 511) * 8;

	sm_map_s2(f, s1, 0);
	SM_EXPECT_EQ(test, TRANSLATION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, EV_TT | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, VA, f->ev[2]);
	SM_EXPECT_EQ(test, desc & ~0xfffULL, f->ev[3]);
	sm_map_s2(f, s1, s1 | (S2_PAGE & ~(1ULL << 6)));
	SM_EXPECT_EQ(test, PERMISSION, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, EV_TT | EV_S2 | EV_TTRNW, f->ev[1]);
	sm_map_s2(f, s1, s1 | (S2_PAGE & ~AF));
	SM_EXPECT_EQ(test, ACCESS, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_TT | EV_S2, f->ev[1]);
	sm_identity(f, f->s1);
	sm_map_s2(f, cds, 0);
	SM_EXPECT_EQ(test, TRANSLATION, go(f, READS, VA));
	/* CLASS CD is 0. */
	SM_EXPECT_EQ(test, EV_RNW | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, cds, f->ev[3]);
	/* In a table of stage 2 that is nowhere */
	sm_identity(f, f->cds);
	f->s2[cds >> 39 & 511] = NOWHERE | 3;
	SM_EXPECT_EQ(test, WALK_EABT, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, NOWHERE + (cds >> 30 & 511) * 8, f->ev[3]);
}

/* S2PTW: not in memory of a device, as the attributes say, with and without FWB */
static void both_ptw(struct kunit *test)
{
	struct sm *f = nested(test);
	u64 s1 = virt_to_phys(f->s1), other = S2_PAGE & ~(0xfULL << 2);

	sm_map_s2(f, s1, s1 | other | 1 << 2);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	f->ste[2] |= 1ULL << 54;
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_TT | EV_S2 | EV_TTRNW, f->ev[1]);
	sm_map_s2(f, s1, s1 | other | 5 << 2);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	/* With FWB bit 3 of the attributes is reserved, and bit 2 tells. */
	f->ste[1] |= 1ULL << 25;
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	sm_map_s2(f, s1, s1 | other | 8 << 2);
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	f->ste[1] &= ~(1ULL << 25);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
}

/* An update of stage 1's descriptor is a write that stage 2 has to allow. */
static void both_updates(struct kunit *test)
{
	struct sm *f = nested(test);
	u64 *slot = sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~AF) | S1_RO | S1_DBM);
	u64 page = virt_to_phys(slot) & ~0xfffULL;

	cd(f, 3ULL << 42, 0);
	SM_EXPECT_EQ(test, OK, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, AF, *slot & (AF | S1_RO));
	*slot = pa(f, 0) | (S1_PAGE & ~AF) | S1_RO | S1_DBM;
	sm_map_s2(f, page, page | (S2_PAGE & ~(1ULL << 7)));
	SM_EXPECT_EQ(test, PERMISSION, go(f, READS, VA));
	SM_EXPECT_EQ(test, EV_RNW | EV_TT | EV_S2, f->ev[1]);
	SM_EXPECT_EQ(test, page, f->ev[3]);
	SM_EXPECT_EQ(test, 0, *slot & AF);
	/* and makes stage 2's page dirty. */
	f->ste[2] |= 3ULL << 55;
	sm_map_s2(f, page, page | (S2_PAGE & ~(1ULL << 7)) | 1ULL << 51);
	SM_EXPECT_EQ(test, OK, go(f, WRITES, VA));
	SM_EXPECT_EQ(test, AF, *slot & (AF | S1_RO));
	slot = sm_map_s2(f, pa(f, 0), pa(f, 0) | (S2_PAGE & ~(1ULL << 7)) | 1ULL << 51);
	SM_EXPECT_EQ(test, OK, go(f, READS, VA));
	SM_EXPECT_EQ(test, 0, *slot & 1ULL << 7);
	SM_EXPECT_EQ(test, OK, sm_dma(f, SSID, WRITES, VA));
	SM_EXPECT_EQ(test, 1ULL << 7, *slot & 1ULL << 7);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(faults),
	KUNIT_CASE(halves),
	KUNIT_CASE(ranges),
	KUNIT_CASE(blocks),
	KUNIT_CASE(not_blocks),
	KUNIT_CASE(outputs),
	KUNIT_CASE(rights_el1),
	KUNIT_CASE(rights_el2),
	KUNIT_CASE(rights_tables),
	KUNIT_CASE(overrides),
	KUNIT_CASE(no_overrides),
	KUNIT_CASE(access_flag),
	KUNIT_CASE(dirty),
	KUNIT_CASE(stage2_only),
	KUNIT_CASE(stage2_flags),
	KUNIT_CASE(stage2_starts),
	KUNIT_CASE(both_stages),
	KUNIT_CASE(both_sizes),
	KUNIT_CASE(both_tables),
	KUNIT_CASE(both_ptw),
	KUNIT_CASE(both_updates),
	{}
};

struct kunit_suite smmuv3_walk_suite = {
	.name = "iommufd_smmuv3_model_walk",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = cases,
};

kunit_test_suite(smmuv3_walk_suite);

MODULE_DESCRIPTION("KUnit: walks of the SMMUv3 model");
MODULE_LICENSE("GPL");
