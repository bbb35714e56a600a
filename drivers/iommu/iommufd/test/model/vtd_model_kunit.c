// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-d model's translations: stages, rights, fault reasons, accessed and dirty
 * bits, caches and what invalidates them.
 */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/sizes.h>

#include "vtd_model_kunit.h"

#define CM	BIT_ULL(7)
#define C	BIT_ULL(0)
#define SMPWCS	BIT_ULL(48)

/* Second-stage page, first-stage page (present, writable, user), of data @i */
static u64 ss_page(struct fixture *f, unsigned int i)
{
	return virt_to_phys(f->data[i]) | 3;
}

static u64 fs_page(struct fixture *f, unsigned int i)
{
	return virt_to_phys(f->data[i]) | 7;
}

static struct fixture *second(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);

	set_pasid(f, 0, DID, PGTT_SS);
	map_ss(f, IOVA, ss_page(f, 0));
	return f;
}

static struct fixture *first(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);

	set_pasid(f, PASID, DID, PGTT_FS);
	map_fs(f, IOVA, fs_page(f, 0));
	return f;
}

#define GUEST_PAGE	0x40000000ULL

/* Tables of the first stage lie at their own address in the guest. */
static void identity(struct fixture *f, const void *page, u64 rights)
{
	map_ss(f, virt_to_phys((void *)page), virt_to_phys((void *)page) | rights);
}

static void identity_tables(struct fixture *f, u64 rights)
{
	u64 *table = f->fs;
	int shift;

	for (shift = 39; shift >= 12; shift -= 9) {
		identity(f, table, rights);
		table = phys_to_virt(table[IOVA >> shift & 511] & 0x000ffffffffff000ULL);
	}
}

static struct fixture *both(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);

	set_pasid(f, PASID, DID, PGTT_NESTED);
	map_fs(f, IOVA, GUEST_PAGE | 7);
	identity_tables(f, 3);
	map_ss(f, GUEST_PAGE, ss_page(f, 0));
	return f;
}

static void second_stage(struct kunit *test)
{
	struct fixture *f = second(test);
	u64 pa = virt_to_phys(f->data[1]), *e;

	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA + 0xfff));
	MODEL_EXPECT_EQ(test, 0x5a, f->data[0][0xfff]);
	map(f, f->ss, 4, 2, 3, SZ_1G, (pa & ~(SZ_2M - 1ULL)) | 0x83);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ,
				     SZ_1G + (pa & (SZ_2M - 1))));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	map(f, f->ss, 4, 3, 3, 2ULL * SZ_1G, (pa & ~(SZ_1G - 1ULL)) | 0x83);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ,
				     2ULL * SZ_1G + (pa & (SZ_1G - 1))));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	e = map_ss(f, 0x5000, virt_to_phys(f->data[2]) | 1);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, NO_PASID, MODEL_WRITE, 0x5000));
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, 0x5000));
	*e = (*e & ~1ULL) | 2;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x86, dma(f, NO_PASID, MODEL_READ, 0x5000));
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, 0x5000));
	/* Rights of one that points to a table count as well. */
	f->ss[IOVA >> 39 & 511] &= ~2ULL;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, NO_PASID, MODEL_WRITE, IOVA));
}

static void second_stage_depth(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap | 1 << 9, vtd_model_ecap);
	u64 *pe = pasid_entry(f, 0);
	unsigned int aw;

	for (aw = 1; aw <= 3; aw++) {
		u64 iova = aw == 1 ? 0x7fffff000ULL : IOVA;

		set_pasid(f, 0, DID, PGTT_SS);
		memset(f->ss, 0, 4096);
		pe[0] = (pe[0] & ~(7ULL << 2)) | aw << 2;
		map(f, f->ss, aw + 2, 1, 3, iova, ss_page(f, aw));
		flush(f);
		MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, iova));
		MODEL_EXPECT_EQ(test, 0xa0 + aw, f->byte);
		/* Beyond the tables, or the unit's 48 bits */
		MODEL_EXPECT_EQ(test, 0x84,
				dma(f, NO_PASID, MODEL_READ,
				    1ULL << (aw == 1 ? 39 : 48)));
	}
}

static void first_stage(struct kunit *test)
{
	struct fixture *f = first(test);
	u64 pa = virt_to_phys(f->data[1]), *pe = pasid_entry(f, PASID);
	u64 high = 0xffff800000000000ULL;

	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE, IOVA + 8));
	MODEL_EXPECT_EQ(test, 0x5a, f->data[0][8]);
	map(f, f->fs, 4, 2, 7, SZ_1G, (pa & ~(SZ_2M - 1ULL)) | 0x87);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ,
				     SZ_1G + (pa & (SZ_2M - 1))));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	map(f, f->fs, 4, 3, 7, 2ULL * SZ_1G, (pa & ~(SZ_1G - 1ULL)) | 0x87);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ,
				     2ULL * SZ_1G + (pa & (SZ_1G - 1))));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	map_fs(f, high, fs_page(f, 2));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, high));
	MODEL_EXPECT_EQ(test, 0xa2, f->byte);
	MODEL_EXPECT_EQ(test, 0x80, dma(f, PASID, MODEL_READ, 0x0000800000000000ULL));
	MODEL_EXPECT_EQ(test, 0x80, dma(f, PASID, MODEL_READ, 0xfff0800000000000ULL));
	/* 5 levels */
	memset(f->fs, 0, 4096);
	pe[2] |= 1 << 2;
	map(f, f->fs, 5, 1, 7, 0x00ff800000000000ULL, fs_page(f, 3));
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, 0x00ff800000000000ULL));
	MODEL_EXPECT_EQ(test, 0xa3, f->byte);
}

static void first_stage_rights(struct kunit *test)
{
	struct fixture *f = first(test);
	u64 *pe = pasid_entry(f, PASID), *e;

	e = map_fs(f, IOVA, virt_to_phys(f->data[0]) | 5);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0x5d, dma(f, PASID, MODEL_READ | MODEL_PRIV, IOVA));
	pe[2] |= 1;
	flush(f);
	/* The supervisor writes to what is read-only, unless WPE */
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE | MODEL_PRIV, IOVA));
	pe[2] |= 1 << 4;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, PASID, MODEL_WRITE | MODEL_PRIV, IOVA));
	*e = virt_to_phys(f->data[0]) | 3;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x81, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE | MODEL_PRIV, IOVA));
	/* Without execute requests XD says nothing. */
	*e = virt_to_phys(f->data[0]) | 7 | 1ULL << 63;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ | MODEL_EXEC, IOVA));
}

static void execute(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap | 1ULL << 30);
	u64 *pe = pasid_entry(f, PASID), *e;
	const u32 x = MODEL_READ | MODEL_EXEC;

	set_pasid(f, PASID, DID, PGTT_FS);
	e = map_fs(f, IOVA, fs_page(f, 0));
	MODEL_EXPECT_EQ(test, 0x5c, dma(f, PASID, x, IOVA));
	pe[2] |= 1 << 1 | 1;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, x, IOVA));
	*e |= 1ULL << 63;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x72, dma(f, PASID, x, IOVA));
	pe[2] |= 1 << 5;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x82, dma(f, PASID, x, IOVA));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	*e &= ~(1ULL << 63);
	pe[2] |= 1 << 6;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x82, dma(f, PASID, x | MODEL_PRIV, IOVA));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, x, IOVA));
}

static void flags_first(struct kunit *test)
{
	struct fixture *f = first(test);
	u64 *e = map_fs(f, IOVA, fs_page(f, 0));
	u64 *pe = pasid_entry(f, PASID);

	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, fs_page(f, 0) | 1 << 5, *e);
	MODEL_EXPECT_TRUE(test, f->fs[IOVA >> 39 & 511] & 1 << 5);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, fs_page(f, 0) | 3 << 5, *e);
	/* Dirty is known to be set: clearing it behind the caches is not seen. */
	*e = fs_page(f, 0);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, fs_page(f, 0), *e);
	pe[2] |= 1 << 7;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, fs_page(f, 0) | 1 << 5 | 1 << 10, *e);
	/* A request that is refused leaves the leaf as it is. */
	*e = virt_to_phys(f->data[0]) | 5;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, virt_to_phys(f->data[0]) | 5, *e);
}

static void flags_second(struct kunit *test)
{
	struct fixture *f = second(test);
	u64 *e = map_ss(f, IOVA, ss_page(f, 0));

	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, ss_page(f, 0), *e);
	pasid_entry(f, 0)[0] |= 1 << 9;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, ss_page(f, 0) | 1 << 8, *e);
	MODEL_EXPECT_TRUE(test, f->ss[IOVA >> 39 & 511] & 1 << 8);
	MODEL_EXPECT_FALSE(test, f->ss[IOVA >> 39 & 511] & 1 << 9);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, ss_page(f, 0) | 3 << 8, *e);
}

static void nested(struct kunit *test)
{
	struct fixture *f = both(test);
	u64 *pe = pasid_entry(f, PASID), *e;

	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, 0x5a, f->data[0][0]);
	/* A large page of the guest over small ones of the host */
	map(f, f->fs, 4, 2, 7, SZ_1G, GUEST_PAGE | 0x87);
	map_ss(f, GUEST_PAGE + 0x3000, ss_page(f, 1));
	identity_tables(f, 3);
	e = phys_to_virt(f->fs[0] & 0x000ffffffffff000ULL);
	identity(f, e, 3);
	identity(f, phys_to_virt(e[1] & 0x000ffffffffff000ULL), 3);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, SZ_1G + 0x3000));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, PASID, MODEL_READ, SZ_1G + 0x4000));
	/* The host's rights count, on top of the guest's. */
	e = map_ss(f, GUEST_PAGE, virt_to_phys(f->data[0]) | 1);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x85, dma(f, PASID, MODEL_WRITE, IOVA));
	*e = virt_to_phys(f->data[0]) | 2;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x86, dma(f, PASID, MODEL_READ, IOVA));
	*e = ss_page(f, 0);
	/* Dirty bits of both */
	pe[0] |= 1 << 9;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, ss_page(f, 0) | 1 << 8, *e);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, ss_page(f, 0) | 3 << 8, *e);
	/* An address of the guest beyond the second stage */
	map_fs(f, IOVA, 1ULL << 48 | 7);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x84, dma(f, PASID, MODEL_READ, IOVA));
}

static void nested_tables(struct kunit *test)
{
	struct fixture *f = both(test);
	u64 *pe = pasid_entry(f, PASID), pa = virt_to_phys(f->fs);

	/* Accessed bits cannot be set in tables that the host has read-only. */
	identity_tables(f, 1);
	MODEL_EXPECT_EQ(test, 0x77, dma(f, PASID, MODEL_READ, IOVA));
	identity_tables(f, 3);
	identity(f, f->fs, 2);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x75, dma(f, PASID, MODEL_READ, IOVA));
	identity(f, f->fs, 3);
	identity(f, phys_to_virt(f->fs[IOVA >> 39 & 511] & 0x000ffffffffff000ULL), 2);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x76, dma(f, PASID, MODEL_READ, IOVA));
	map_ss(f, pa, 0);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, PASID, MODEL_READ, IOVA));
	pe[2] = 1ULL << 48;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x74, dma(f, PASID, MODEL_READ, IOVA));
}

static void pass_through(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);
	u64 pa = virt_to_phys(f->data[1]);

	set_pasid(f, 0, DID, PGTT_PT);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, pa));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	MODEL_EXPECT_EQ(test, 0x83, dma(f, NO_PASID, MODEL_READ, 1ULL << 48));
	/* No memory there: nothing to record */
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_READ, 1ULL << 47));
	set_pasid(f, 0, DID, PGTT_SS);
	map_ss(f, IOVA, 0xfee00000 | 3);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x87, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_WRITE, 0xfee00000));
	set_te(f, false);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, pa));
}

/**
 * struct wrong - one bit or field of a table that is wrong
 * @word: which word
 * @clear: bits taken out
 * @set: bits put in
 * @code: fault reason that it gives; 0: it does not matter
 */
struct wrong {
	unsigned int word;
	u64 clear, set;
	u8 code;
};

#define NO_MEMORY	BIT_ULL(47)
#define ADDRESS		0xfffffffffffff000ULL

static void each_wrong(struct fixture *f, u64 *entry, const struct wrong *wrong,
		       unsigned int num, u32 pasid)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		u64 *word = &entry[wrong[i].word], was = *word;
		u8 code;

		*word = (was & ~wrong[i].clear) | wrong[i].set;
		flush(f);
		code = dma(f, pasid, MODEL_READ, IOVA);
		MODEL_EXPECT_EQ_MSG(f->test, wrong[i].code, code,
				    "word %u, -%#llx +%#llx", wrong[i].word,
				    wrong[i].clear, wrong[i].set);
		*word = was;
	}
	flush(f);
	MODEL_EXPECT_EQ(f->test, 0, dma(f, pasid, MODEL_READ, IOVA));
}

/* Each bit of [@low, @high] set gives @code. */
static void each_bit(struct fixture *f, u64 *word, unsigned int low,
		     unsigned int high, u8 code, u32 pasid)
{
	for (; low <= high; low++) {
		const struct wrong wrong = { 0, 0, 1ULL << low, code };

		each_wrong(f, word, &wrong, 1, pasid);
	}
}

static void faults_upper(struct kunit *test)
{
	static const struct wrong root[] = {
		{ 2, 1, 0, 0x39 }, { 2, ADDRESS, NO_MEMORY, 0x40 },
		/* the upper half is not looked at */
		{ 3, 0, ~0ULL, 0 },
	};
	static const struct wrong ctx[] = {
		{ 0, 1, 0, 0x41 }, { 0, ADDRESS, NO_MEMORY, 0x50 },
		{ 2, 0, 1, 0x42 }, { 3, 0, 1ULL << 63, 0x42 },
		{ 0, 7 << 9, 0, 0 },
	};
	static const struct wrong dir[] = {
		{ 0, 1, 0, 0x51 }, { 0, ADDRESS, NO_MEMORY, 0x58 }, { 0, 0, 2, 0 },
	};
	struct fixture *f = second(test);

	each_wrong(f, f->root, root, ARRAY_SIZE(root), NO_PASID);
	each_bit(f, &f->root[2], 1, 11, 0x3a, NO_PASID);
	each_bit(f, &f->root[2], 48, 63, 0x3a, NO_PASID);
	each_wrong(f, f->ctx, ctx, ARRAY_SIZE(ctx), NO_PASID);
	each_bit(f, &f->ctx[0], 5, 8, 0x42, NO_PASID);
	each_bit(f, &f->ctx[0], 48, 63, 0x42, NO_PASID);
	each_bit(f, &f->ctx[1], 20, 63, 0x42, NO_PASID);
	each_wrong(f, f->dir, dir, ARRAY_SIZE(dir), NO_PASID);
	each_bit(f, f->dir, 2, 11, 0x52, NO_PASID);
	each_bit(f, f->dir, 48, 63, 0x52, NO_PASID);
	/* RID_PASID beyond the directory: 2^(7 + 6) of them with PDTS 0 */
	f->ctx[0] &= ~(7ULL << 9);
	f->ctx[1] = 1 << 13;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x48, dma(f, NO_PASID, MODEL_READ, IOVA));
	f->ctx[1] = 0;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x46, dma(f, 1 << 13, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0x51, dma(f, (1 << 13) - 1, MODEL_READ, IOVA));
	f->ctx[0] &= ~(1ULL << 3);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x45, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0x39, dma_from(f, RID_UPPER, NO_PASID, MODEL_READ, IOVA));
	f->root[3] = f->root[2];
	MODEL_EXPECT_EQ(test, 0x41, dma_from(f, RID_UPPER, NO_PASID, MODEL_READ, IOVA));
	memcpy(f->ctx + (0x08 - 0x10) * 4, f->ctx, 32);
	MODEL_EXPECT_EQ(test, 0, dma_from(f, RID_UPPER, NO_PASID, MODEL_READ, IOVA));
}

static void faults_pasid(struct kunit *test)
{
	static const struct wrong entry[] = {
		{ 0, 1, 0, 0x59 }, { 0, 7 << 6, 0, 0x5b }, { 0, 7 << 6, 5 << 6, 0x5b },
		{ 0, 7 << 2, 0, 0x5b }, { 0, 7 << 2, 1 << 2, 0x5b },
		{ 0, 7 << 2, 4 << 2, 0x5b }, { 0, ADDRESS, NO_MEMORY, 0x7b },
		{ 3, 0, 1, 0x5a }, { 4, 0, 1, 0x5a }, { 5, 0, 1, 0x5a },
		{ 6, 0, 1, 0x5a }, { 7, 0, 1ULL << 63, 0x5a },
		/* no supervisor, no 5 levels, of what has no first stage */
		{ 2, 0, 1 | 1 << 4 | 3 << 2, 0 },
	};
	static const struct wrong first_entry[] = {
		{ 2, 3 << 2, 2 << 2, 0x5b }, { 2, ADDRESS, NO_MEMORY, 0x73 },
		{ 2, 0, 1ULL << 48, 0x5a },
	};
	struct fixture *f = second(test);

	each_wrong(f, pasid_entry(f, 0), entry, ARRAY_SIZE(entry), NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[0], 10, 11, 0x5a, NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[0], 5, 5, 0x5a, NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[0], 48, 63, 0x5a, NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[1], 16, 22, 0x5a, NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[2], 8, 11, 0x5a, NO_PASID);
	/* execute requests: the unit has none */
	each_bit(f, &pasid_entry(f, 0)[2], 1, 1, 0x5a, NO_PASID);
	each_bit(f, &pasid_entry(f, 0)[2], 5, 6, 0x5a, NO_PASID);
	set_pasid(f, PASID, DID_OTHER, PGTT_FS);
	map_fs(f, IOVA, fs_page(f, 1));
	each_wrong(f, pasid_entry(f, PASID), first_entry, ARRAY_SIZE(first_entry),
		   PASID);
}

static void faults_pages(struct kunit *test)
{
	static const struct wrong ss_table[] = {
		{ 0, 3, 0, 0x79 }, { 0, ADDRESS, NO_MEMORY, 0x78 }, { 0, 1, 0, 0x86 },
		{ 0, 0, 1 << 7, 0x7a }, { 0, 0, 1 << 11, 0x7a },
		{ 0, 0, 0x3ff0000000000000ULL, 0 }, { 0, 0, 1ULL << 62, 0x7a },
	};
	static const struct wrong ss_leaf[] = {
		{ 0, 3, 0, 0x79 }, { 0, 0, 1 << 11 | 1 << 7, 0 },
		{ 0, 3, 2, 0x86 },
	};
	static const struct wrong fs_table[] = {
		{ 0, 1, 0, 0x71 }, { 0, ADDRESS, NO_MEMORY, 0x70 },
		{ 0, 0, 1 << 7, 0x72 }, { 0, 4, 0, 0x81 },
		{ 0, 0, 0x7ff0000000000b18ULL, 0 },
	};
	static const struct wrong fs_leaf[] = {
		{ 0, 1, 0, 0x71 }, { 0, 4, 0, 0x81 }, { 0, 2, 0, 0 },
		{ 0, 0, 0x7ff0000000000b98ULL, 0 },
	};
	struct fixture *f = second(test);
	u64 *e;

	e = &f->ss[IOVA >> 39 & 511];
	each_wrong(f, e, ss_table, ARRAY_SIZE(ss_table), NO_PASID);
	each_bit(f, e, 48, 51, 0x7a, NO_PASID);
	e = map_ss(f, IOVA, ss_page(f, 0));
	each_wrong(f, e, ss_leaf, ARRAY_SIZE(ss_leaf), NO_PASID);
	each_bit(f, e, 48, 51, 0x7a, NO_PASID);
	set_pasid(f, PASID, DID_OTHER, PGTT_FS);
	e = map_fs(f, IOVA, fs_page(f, 1));
	each_wrong(f, e, fs_leaf, ARRAY_SIZE(fs_leaf), PASID);
	each_bit(f, e, 48, 51, 0x72, PASID);
	e = &f->fs[IOVA >> 39 & 511];
	each_wrong(f, e, fs_table, ARRAY_SIZE(fs_table), PASID);
	each_bit(f, e, 48, 51, 0x72, PASID);
}

/* Large leaves: the low bits of their address, and capability. */
static void faults_large(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap & ~(3ULL << 34) & ~(1ULL << 56),
				 vtd_model_ecap);
	unsigned int bit;
	u64 *e;

	set_pasid(f, 0, DID, PGTT_SS);
	set_pasid(f, PASID, DID_OTHER, PGTT_FS);
	map(f, f->ss, 4, 2, 3, 0, SZ_1G | 0x83);
	map(f, f->ss, 4, 3, 3, SZ_1G, SZ_1G | 0x83);
	map(f, f->fs, 4, 3, 7, SZ_1G, SZ_1G | 0x87);
	MODEL_EXPECT_EQ(test, 0x7a, dma(f, NO_PASID, MODEL_READ, 0));
	MODEL_EXPECT_EQ(test, 0x7a, dma(f, NO_PASID, MODEL_READ, SZ_1G));
	MODEL_EXPECT_EQ(test, 0x72, dma(f, PASID, MODEL_READ, SZ_1G));
	e = map(f, f->fs, 4, 2, 7, 0, SZ_1G | 0x87);
	for (bit = 13; bit <= 20; bit++) {
		*e = (u64)SZ_1G | 0x87 | 1 << bit;
		MODEL_EXPECT_EQ(test, 0x72, dma(f, PASID, MODEL_READ, 0));
	}
}

static void large_low_bits(struct kunit *test)
{
	struct fixture *f = second(test);
	unsigned int bit;
	u64 *e;

	e = map(f, f->ss, 4, 2, 3, 0, SZ_1G | 0x83);
	for (bit = 12; bit <= 20; bit++) {
		*e = (u64)SZ_1G | 0x83 | 1 << bit;
		MODEL_EXPECT_EQ(test, 0x7a, dma(f, NO_PASID, MODEL_READ, 0));
	}
	e = map(f, f->ss, 4, 3, 3, SZ_1G, SZ_1G | 0x83);
	for (bit = 12; bit <= 29; bit++) {
		*e = (u64)SZ_1G | 0x83 | 1 << bit;
		MODEL_EXPECT_EQ(test, 0x7a, dma(f, NO_PASID, MODEL_READ, SZ_1G));
	}
}

static void fpd(struct kunit *test)
{
	struct fixture *f = second(test);

	map_ss(f, IOVA, 0);
	f->ctx[0] |= 2;
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_READ, IOVA));
	/* also of an entry that is not present */
	f->ctx[0] &= ~1ULL;
	flush(f);
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_READ, IOVA));
	f->ctx[0] ^= 3;
	f->dir[0] |= 2;
	flush(f);
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_READ, IOVA));
	f->dir[0] ^= 2;
	pasid_entry(f, 0)[0] |= 2;
	flush(f);
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_READ, IOVA));
	pasid_entry(f, 0)[0] ^= 2;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, NO_PASID, MODEL_READ, IOVA));
}

static void modes(struct kunit *test)
{
	static const struct wrong ttm[] = {
		{ 0, 0, 0, 0x30 }, { 0, 0, 2 << 10, 0x30 }, { 0, 0, 3 << 10, 0x33 },
	};
	struct fixture *f = second(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ttm); i++) {
		vtd_model_write(f->model, 0x20, 8,
				virt_to_phys(f->root) | ttm[i].set);
		/* The register counts when it is taken over. */
		MODEL_EXPECT_EQ(test, i ? ttm[i - 1].code : 0,
				dma(f, NO_PASID, MODEL_READ, IOVA));
		vtd_model_write(f->model, 0x18, 4,
				vtd_model_read(f->model, 0x1c, 4) | 1 << 30);
		MODEL_EXPECT_EQ(test, ttm[i].code, dma(f, NO_PASID, MODEL_READ, IOVA));
	}
	vtd_model_write(f->model, 0x20, 8, virt_to_phys(f->root));
	vtd_model_write(f->model, 0x18, 4, vtd_model_read(f->model, 0x1c, 4) | 1 << 30);
	MODEL_EXPECT_EQ(test, 0x31, dma(f, PASID, MODEL_READ, IOVA));
	vtd_model_write(f->model, 0x20, 8, NO_MEMORY | 1 << 10);
	vtd_model_write(f->model, 0x18, 4, vtd_model_read(f->model, 0x1c, 4) | 1 << 30);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x38, dma(f, NO_PASID, MODEL_READ, IOVA));
}

/* Descriptors: what each leaves stale, and what not. */
#define CC_GLOBAL	(0x1ULL | 1 << 4)
#define CC_DOMAIN	(0x1ULL | 2 << 4)
#define CC_DEVICE(r)	(0x1ULL | 3 << 4 | (u64)(r) << 32)
#define PC_DOMAIN(d)	(0x7ULL | (u64)(d) << 16)
#define PC_PASID(d, p)	(0x7ULL | 1 << 4 | (u64)(d) << 16 | (u64)(p) << 32)
#define PC_GLOBAL	(0x7ULL | 3 << 4)
#define TLB_GLOBAL	(0x2ULL | 1 << 4)
#define TLB_DOMAIN(d)	(0x2ULL | 2 << 4 | (u64)(d) << 16)
#define TLB_PAGE(d)	(0x2ULL | 3 << 4 | (u64)(d) << 16)
#define PTLB_PASID(d, p) (0x6ULL | 2 << 4 | (u64)(d) << 16 | (u64)(p) << 32)
#define PTLB_PAGE(d, p)	(0x6ULL | 3 << 4 | (u64)(d) << 16 | (u64)(p) << 32)
#define IH		BIT_ULL(6)

struct inval {
	u64 word[2];
	bool fresh;
};

/*
 * @entry, once used, is changed from @old to @new: stale until the right one. What
 * comes from the caches is data page 0, what comes from memory is data page 1.
 */
static void stale_until(struct fixture *f, u64 *entry, u64 old, u64 new,
			const struct inval *inval, unsigned int num, u32 pasid)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		*entry = old;
		flush(f);
		MODEL_EXPECT_EQ(f->test, 0, dma(f, pasid, MODEL_READ, IOVA));
		MODEL_EXPECT_EQ(f->test, 0xa0, f->byte);
		*entry = new;
		MODEL_EXPECT_EQ(f->test, 0, submit(f, inval[i].word[0],
						   inval[i].word[1]));
		MODEL_EXPECT_EQ(f->test, 0, dma(f, pasid, MODEL_READ, IOVA));
		MODEL_EXPECT_EQ_MSG(f->test, inval[i].fresh ? 0xa1 : 0xa0, f->byte,
				    "row %u", i);
	}
	*entry = old;
	flush(f);
}

static void stale_second(struct kunit *test)
{
	const struct inval leaf[] = {
		{ { TLB_GLOBAL }, true }, { { TLB_DOMAIN(DID) }, true },
		{ { TLB_PAGE(DID), IOVA }, true },
		{ { TLB_PAGE(DID), IOVA | IH }, true },
		{ { TLB_PAGE(DID), (IOVA & ~0x3fffULL) | 2 }, true },
		{ { TLB_PAGE(DID), (IOVA + 0x4000) | 2 }, false },
		{ { TLB_PAGE(DID), IOVA - 0x1000 }, false },
		{ { TLB_PAGE(DID), IOVA + 0x1000 }, false },
		{ { TLB_DOMAIN(DID_OTHER) }, false },
		{ { TLB_PAGE(DID_OTHER), IOVA }, false },
		{ { CC_GLOBAL }, false }, { { PC_GLOBAL }, false },
		{ { PTLB_PASID(DID, 0) }, false },
		{ { PTLB_PAGE(DID, 0), IOVA }, false },
	};
	const struct inval table[] = {
		{ { TLB_GLOBAL }, true }, { { TLB_DOMAIN(DID) }, true },
		{ { TLB_PAGE(DID), IOVA }, true },
		/* the hint: no table went */
		{ { TLB_PAGE(DID), IOVA | IH }, false },
	};
	struct fixture *f = second(test);
	u64 *e = map_ss(f, IOVA, ss_page(f, 0)), *top = &f->ss[IOVA >> 39 & 511];
	u64 old = *top, new;

	stale_until(f, e, ss_page(f, 0), ss_page(f, 1), leaf, ARRAY_SIZE(leaf),
		    NO_PASID);
	*top = 0;
	map_ss(f, IOVA, ss_page(f, 1));
	new = *top;
	stale_until(f, top, old, new, table, ARRAY_SIZE(table), NO_PASID);
}

static void stale_first(struct kunit *test)
{
	const struct inval leaf[] = {
		{ { TLB_GLOBAL }, true }, { { TLB_DOMAIN(DID) }, true },
		{ { PTLB_PASID(DID, PASID) }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA | IH }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA + 0x1000 }, false },
		{ { PTLB_PASID(DID, PASID + 1) }, false },
		{ { PTLB_PASID(DID_OTHER, PASID) }, false },
		{ { PTLB_PAGE(DID_OTHER, PASID), IOVA }, false },
		{ { TLB_PAGE(DID), IOVA }, false },
		{ { TLB_DOMAIN(DID_OTHER) }, false },
		{ { PC_GLOBAL }, false }, { { CC_GLOBAL }, false },
	};
	const struct inval table[] = {
		{ { PTLB_PASID(DID, PASID) }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA | IH }, false },
	};
	struct fixture *f = first(test);
	u64 *e = map_fs(f, IOVA, fs_page(f, 0)), *top = &f->fs[IOVA >> 39 & 511];
	u64 old = *top, new;

	stale_until(f, e, fs_page(f, 0), fs_page(f, 1), leaf, ARRAY_SIZE(leaf), PASID);
	*top = 0;
	map_fs(f, IOVA, fs_page(f, 1));
	new = *top;
	stale_until(f, top, old, new, table, ARRAY_SIZE(table), PASID);
}

static void stale_nested(struct kunit *test)
{
	/* the guest's entry changes */
	const struct inval guest[] = {
		{ { PTLB_PASID(DID, PASID) }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA }, true },
		{ { PTLB_PAGE(DID, PASID), IOVA + 0x1000 }, false },
		{ { TLB_PAGE(DID), IOVA }, false },
	};
	/* the host's does: neither is enough alone */
	const struct inval host[] = {
		{ { TLB_DOMAIN(DID) }, true }, { { TLB_GLOBAL }, true },
		{ { TLB_PAGE(DID), GUEST_PAGE }, false },
		{ { PTLB_PASID(DID, PASID) }, false },
	};
	struct fixture *f = both(test);
	u64 *e = map_fs(f, IOVA, GUEST_PAGE | 7);

	map_ss(f, GUEST_PAGE + 0x1000, ss_page(f, 1));
	stale_until(f, e, GUEST_PAGE | 7, (GUEST_PAGE + 0x1000) | 7, guest,
		    ARRAY_SIZE(guest), PASID);
	e = map_ss(f, GUEST_PAGE, ss_page(f, 0));
	stale_until(f, e, ss_page(f, 0), ss_page(f, 1), host, ARRAY_SIZE(host), PASID);
	/* Both together are. */
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	*e = ss_page(f, 1);
	submit(f, TLB_PAGE(DID), GUEST_PAGE);
	submit(f, PTLB_PASID(DID, PASID), 0);
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
}

/* Tables above the pages. A second domain has data page 1 at IOVA. */
static void stale_upper(struct kunit *test)
{
	const struct inval context[] = {
		{ { CC_GLOBAL }, true }, { { CC_DEVICE(RID) }, true },
		{ { CC_DEVICE(RID + 1) }, false },
		{ { CC_DEVICE(RID + 1) | 1ULL << 48 }, false },
		{ { CC_DEVICE(RID + 4) | 1ULL << 48 }, true },
		{ { CC_DEVICE(RID + 7) | 3ULL << 48 }, true },
		{ { CC_DEVICE(RID + 8) | 3ULL << 48 }, false },
		{ { CC_DOMAIN }, true },
		{ { PC_GLOBAL }, false }, { { TLB_GLOBAL }, false },
	};
	struct fixture *f = second(test);

	f->ss = page(f);
	map_ss(f, IOVA, ss_page(f, 1));
	set_pasid(f, PASID, DID_OTHER, PGTT_SS);
	stale_until(f, &f->ctx[1], 0, PASID, context, ARRAY_SIZE(context), NO_PASID);
}

static void stale_pasid(struct kunit *test)
{
	const struct inval pasid[] = {
		{ { PC_GLOBAL }, true }, { { PC_DOMAIN(DID) }, true },
		{ { PC_PASID(DID, 0) }, true },
		{ { PC_PASID(DID, 1) }, false }, { { PC_PASID(DID_OTHER, 0) }, false },
		{ { PC_DOMAIN(DID_OTHER) }, false },
		{ { CC_GLOBAL }, false }, { { TLB_GLOBAL }, false },
	};
	struct fixture *f = second(test);
	u64 *pe = pasid_entry(f, 0), *old = f->ss;
	unsigned int i;

	f->ss = page(f);
	map_ss(f, IOVA, ss_page(f, 1));
	for (i = 0; i < ARRAY_SIZE(pasid); i++) {
		pe[0] = virt_to_phys(old) | 0x89;
		pe[1] = 1 << 23 | DID;
		flush(f);
		MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
		MODEL_EXPECT_EQ(test, 0xa0, f->byte);
		pe[0] = virt_to_phys(f->ss) | 0x89;
		pe[1] = 1 << 23 | DID_OTHER;
		submit(f, pasid[i].word[0], pasid[i].word[1]);
		MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
		MODEL_EXPECT_EQ_MSG(test, pasid[i].fresh ? 0xa1 : 0xa0, f->byte,
				    "row %u", i);
	}
}

/* More rights are seen at once, fewer are not; the same with not present. */
static void rights_change(struct kunit *test)
{
	struct fixture *f = second(test);
	u64 *e = map_ss(f, IOVA, virt_to_phys(f->data[0]) | 1);

	MODEL_EXPECT_EQ(test, 0x85, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	*e |= 2;
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	*e = 0;
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	flush(f);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	*e = ss_page(f, 0);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
}

static void caching_mode(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap | CM, vtd_model_ecap);
	u64 *e;

	MODEL_EXPECT_EQ(test, 0x59, dma(f, NO_PASID, MODEL_READ, IOVA));
	set_pasid(f, 0, DID, PGTT_SS);
	MODEL_EXPECT_EQ(test, 0x59, dma(f, NO_PASID, MODEL_READ, IOVA));
	/* What was not present is of domain 0. */
	submit(f, PC_PASID(DID, 0), 0);
	MODEL_EXPECT_EQ(test, 0x59, dma(f, NO_PASID, MODEL_READ, IOVA));
	submit(f, PC_PASID(0, 0), 0);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, NO_PASID, MODEL_READ, IOVA));
	e = map_ss(f, IOVA, ss_page(f, 0));
	MODEL_EXPECT_EQ(test, 0x79, dma(f, NO_PASID, MODEL_READ, IOVA));
	submit(f, TLB_PAGE(DID), IOVA);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	*e = 0;
	f->ctx[0] &= ~1ULL;
	submit(f, CC_DEVICE(RID), 0);
	MODEL_EXPECT_EQ(test, 0x41, dma(f, NO_PASID, MODEL_READ, IOVA));
	f->ctx[0] |= 1;
	MODEL_EXPECT_EQ(test, 0x41, dma(f, NO_PASID, MODEL_READ, IOVA));
	submit(f, CC_DEVICE(RID), 0);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
}

/* Two devices of a domain share what either of them brought into the caches. */
static void shared_domain(struct kunit *test)
{
	struct fixture *f = second(test);
	u64 *e = map_ss(f, IOVA, ss_page(f, 0));

	f->root[3] = f->root[2];
	memcpy(f->ctx + (0x08 - 0x10) * 4, f->ctx, 32);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	*e = ss_page(f, 1);
	MODEL_EXPECT_EQ(test, 0, dma_from(f, RID_UPPER, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
}

static void not_coherent(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap & ~(C | SMPWCS));
	unsigned long before;
	u64 *e, *fresh;

	set_pasid(f, 0, DID, PGTT_SS);
	e = map_ss(f, IOVA, ss_page(f, 0));
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	*e = ss_page(f, 1);
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	vtd_model_clean(f->model, e, 8);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	/* A table that was never written back */
	fresh = (u64 *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, fresh);
	f->pages[f->num_pages++] = fresh;
	f->ss[0] = virt_to_phys(fresh) | 3;
	vtd_model_clean(f->model, f->ss, 8);
	before = violations_meant();
	MODEL_EXPECT_EQ(test, 0x78, dma(f, NO_PASID, MODEL_READ, 0));
	MODEL_EXPECT_EQ(test, 1, violations_came(before));
	/* Accessed bits cannot be set without snooping. */
	pasid_entry(f, 0)[0] |= 1 << 9;
	vtd_model_clean(f->model, pasid_entry(f, 0), 64);
	flush(f);
	MODEL_EXPECT_EQ(test, 0x7c, dma(f, NO_PASID, MODEL_READ, IOVA));
	set_pasid(f, 0, DID, PGTT_FS);
	map_fs(f, IOVA, fs_page(f, 2));
	flush(f);
	MODEL_EXPECT_EQ(test, 0x90, dma(f, NO_PASID, MODEL_READ, IOVA));
}

static void dropped(struct kunit *test)
{
	struct fixture *f = second(test);
	struct vtd_model_counts counts;
	u64 *e = map_ss(f, IOVA, ss_page(f, 0));

	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	*e = ss_page(f, 1);
	vtd_model_inject(f->model, VTD_MODEL_INJECT_DROP, 2);
	MODEL_EXPECT_EQ(test, 0, submit(f, PC_GLOBAL, 0));
	MODEL_EXPECT_EQ(test, 0, submit(f, TLB_GLOBAL, 0));
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa0, f->byte);
	MODEL_EXPECT_EQ(test, 0, submit(f, TLB_GLOBAL, 0));
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	vtd_model_counts(f->model, &counts);
	MODEL_EXPECT_EQ(test, 3, counts.submits);
	MODEL_EXPECT_EQ(test, 1, counts.descs[2]);
	MODEL_EXPECT_EQ(test, 1, counts.descs[7]);
	MODEL_EXPECT_EQ(test, 2, counts.walks);
	MODEL_EXPECT_EQ(test, 1, counts.iotlb_hits);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(second_stage),
	KUNIT_CASE(second_stage_depth),
	KUNIT_CASE(first_stage),
	KUNIT_CASE(first_stage_rights),
	KUNIT_CASE(execute),
	KUNIT_CASE(flags_first),
	KUNIT_CASE(flags_second),
	KUNIT_CASE(nested),
	KUNIT_CASE(nested_tables),
	KUNIT_CASE(pass_through),
	KUNIT_CASE(faults_upper),
	KUNIT_CASE(faults_pasid),
	KUNIT_CASE(faults_pages),
	KUNIT_CASE(faults_large),
	KUNIT_CASE(large_low_bits),
	KUNIT_CASE(fpd),
	KUNIT_CASE(modes),
	KUNIT_CASE(stale_second),
	KUNIT_CASE(stale_first),
	KUNIT_CASE(stale_nested),
	KUNIT_CASE(stale_upper),
	KUNIT_CASE(stale_pasid),
	KUNIT_CASE(rights_change),
	KUNIT_CASE(caching_mode),
	KUNIT_CASE(shared_domain),
	KUNIT_CASE(not_coherent),
	KUNIT_CASE(dropped),
	{}
};

struct kunit_suite vtd_model_suite = {
	.name = "iommufd_model_vtd",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(vtd_model_suite);

MODULE_DESCRIPTION("KUnit tests of the VT-d model's translations");
MODULE_LICENSE("GPL");
