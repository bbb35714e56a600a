// SPDX-License-Identifier: GPL-2.0-only
/* ATS and page requests of the SMMUv3 model. */
#include <linux/io.h>
#include <linux/sizes.h>

#include "smmuv3_model_kunit.h"

#define BAD_TREQ	0x05
#define FORBIDDEN	0x07

#define READS		MODEL_READ
#define WRITES		MODEL_WRITE
#define EXEC		MODEL_EXEC
#define PRIV		MODEL_PRIV

#define S(n)		((u64)(n) << 32)
#define SS(n)		((u64)(n) << 12 | 1 << 11)

static u64 pa(struct sm *f, unsigned int i)
{
	return virt_to_phys(f->data[i]);
}

static struct sm *plain(struct kunit *test)
{
	struct sm *f = sm_unit(test);

	sm_stage1(f);
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE);
	return f;
}

static void grants(struct sm *f, u32 ssid, u32 want, bool no_write, u64 va, u32 perm)
{
	struct model_translation t;

	SM_EXPECT_EQ(f->test, MODEL_OK, sm_ats(f, ssid, want, no_write, va, &t));
	SM_EXPECT_EQ_MSG(f->test, perm, t.perm, "%#x", want);
	SM_EXPECT_TRUE(f->test, !t.untranslated_only && !t.global);
}

static void requests(struct kunit *test)
{
	struct sm *f = plain(test);
	struct model_translation t;
	u64 in = pa(f, 1) & ~(u64)(SZ_2M - 1), va = VA & ~(u64)(SZ_1G - 1);

	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, VA + 0x123, &t));
	SM_EXPECT_EQ(test, pa(f, 0), t.addr);
	SM_EXPECT_EQ(test, SZ_4K, t.size);
	SM_EXPECT_EQ(test, RW, t.perm);
	/* What is not there is no event. */
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, VA + SZ_4K, &t));
	SM_EXPECT_EQ(test, 0, t.perm);
	SM_EXPECT_EQ(test, SZ_4K, t.size);
	SM_EXPECT_EQ(test, 0, sm_event(f));
	sm_map(f, f->s1, 12, 0, 2, va, in | (S1_PAGE & ~2ULL));
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, va + 0x5000, &t));
	SM_EXPECT_EQ(test, in, t.addr);
	SM_EXPECT_EQ(test, SZ_2M, t.size);
	/* A page that there is, and that is not accessed */
	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~AF));
	sm_flush(f);
	grants(f, SSID, READS, true, VA, 0);
	SM_EXPECT_EQ(test, 0, sm_event(f));
}

static void permissions(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 el0 = 1ULL << 6, uxn = 1ULL << 54;
	u64 w1 = f->ste[1];

	grants(f, SSID, READS, true, VA, READS);
	grants(f, SSID, READS | EXEC, false, VA, RW | EXEC);
	/* Without a PASID there is neither execute nor privilege. */
	grants(f, NO_SSID, READS, false, VA, RW);
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE | S1_RO);
	sm_flush(f);
	grants(f, SSID, READS, false, VA, READS);
	grants(f, SSID, READS | PRIV, false, VA, READS | PRIV);
	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~el0));
	sm_flush(f);
	grants(f, SSID, READS, false, VA, 0);
	grants(f, SSID, READS | PRIV, false, VA, RW | PRIV);
	/* Execute only is nothing. */
	grants(f, SSID, READS | EXEC, false, VA, 0);
	sm_map_s1(f, VA, pa(f, 0) | S1_PAGE | uxn);
	sm_flush(f);
	grants(f, SSID, READS | EXEC, false, VA, RW);
	/* INSTCFG: data, so that reading is executing, or instruction */
	f->ste[1] = w1 | 2ULL << 50;
	sm_flush(f);
	grants(f, SSID, READS | EXEC, false, VA, RW | EXEC);
	f->ste[1] = w1 | 3ULL << 50;
	sm_flush(f);
	grants(f, SSID, READS | EXEC, false, VA, WRITES);
	/* PRIVCFG: checked by one privilege, answered by the other */
	sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~el0));
	f->ste[1] = w1 | 3ULL << 48;
	sm_flush(f);
	grants(f, SSID, READS, false, VA, RW);
	f->ste[1] = w1 | 2ULL << 48;
	sm_flush(f);
	grants(f, SSID, READS | PRIV, false, VA, 0);
}

static void updates(struct kunit *test)
{
	struct sm *f = plain(test);
	u64 *slot = sm_map_s1(f, VA, pa(f, 0) | (S1_PAGE & ~AF) | S1_RO | S1_DBM);

	f->cds[SSID * 8] |= 3ULL << 42;
	sm_flush(f);
	grants(f, SSID, READS, true, VA, READS);
	SM_EXPECT_EQ(test, AF | S1_RO, *slot & (AF | S1_RO));
	grants(f, SSID, READS, false, VA, RW);
	SM_EXPECT_EQ(test, AF, *slot & (AF | S1_RO));
}

static void refused(struct kunit *test)
{
	struct sm *f = plain(test);
	struct model_translation t;
	u64 w0 = f->ste[0];

	f->ste[1] &= ~(3ULL << 28);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED,
		     sm_ats(f, SSID, READS | EXEC | PRIV, true, VA + 1, &t));
	SM_EXPECT_EQ(test, BAD_TREQ, sm_event(f));
	SM_EXPECT_EQ(test, S(SID) | SS(SSID) | BAD_TREQ, f->ev[0]);
	/* R, X, PRIV; the page */
	SM_EXPECT_EQ(test, 0xbULL << 32, f->ev[1]);
	SM_EXPECT_EQ(test, VA | 1, f->ev[2]);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, NO_SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, BAD_TREQ, sm_event(f));
	SM_EXPECT_EQ(test, S(SID) | BAD_TREQ, f->ev[0]);
	SM_EXPECT_EQ(test, 0xcULL << 32, f->ev[1]);
	/* No stage to translate by; nothing passes; no entry */
	f->ste[1] |= 1ULL << 28;
	f->ste[0] = STE0(CFG_BYPASS);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, NO_SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, BAD_TREQ, sm_event(f));
	f->ste[0] = STE0(0);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, NO_SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	f->ste[0] = 0;
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, NO_SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	/* A substream there is not, which REC_CFG_ATS wants to know */
	f->ste[0] = w0;
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, 64, READS, false, VA, &t));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, NO_SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, BAD_TREQ, sm_event(f));
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, pa(f, 0)));
	SM_EXPECT_EQ(test, FORBIDDEN, sm_event(f));
	sm_wr(f, R_CR2, 0xe);
	sm_wr(f, R_CR0, CR0_ALL);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, 64, READS, false, VA, &t));
	SM_EXPECT_EQ(test, 8, sm_event(f));
	f->ste[0] = 0;
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, pa(f, 0)));
	SM_EXPECT_EQ(test, 4, sm_event(f));
}

static void translated(struct kunit *test)
{
	struct sm *f = plain(test);

	SM_EXPECT_EQ(test, MODEL_OK, sm_translated(f, READS, pa(f, 1)));
	SM_EXPECT_EQ(test, 0xa1, f->byte);
	SM_EXPECT_EQ(test, MODEL_OK, sm_translated(f, WRITES, pa(f, 1) + 3));
	SM_EXPECT_EQ(test, 0x5a, f->data[1][3]);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, 1ULL << 48));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	f->ste[1] &= ~(3ULL << 28);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, pa(f, 1)));
	SM_EXPECT_EQ(test, FORBIDDEN, sm_event(f));
	SM_EXPECT_EQ(test, S(SID) | FORBIDDEN, f->ev[0]);
	SM_EXPECT_EQ(test, 1ULL << 35, f->ev[1]);
	SM_EXPECT_EQ(test, pa(f, 1), f->ev[2]);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, WRITES, pa(f, 1)));
	SM_EXPECT_EQ(test, FORBIDDEN, sm_event(f));
	SM_EXPECT_EQ(test, 0, f->ev[1]);
	/* Without ATSCHK nobody looks. */
	sm_wr(f, R_CR0, CR0_ALL & ~0x10);
	SM_EXPECT_EQ(test, MODEL_OK, sm_translated(f, READS, pa(f, 1)));
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, 1ULL << 48));
	sm_wr(f, R_CR0, CR0_ALL);
	f->ste[0] = STE0(0);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, pa(f, 1)));
	SM_EXPECT_EQ(test, 0, sm_event(f));
}

static void both_stages(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 ipa = 0x4000000000ULL;
	struct model_translation t;

	sm_nested(f);
	sm_map_s1(f, VA, ipa | S1_PAGE);
	sm_map_s2(f, ipa, pa(f, 2) | S2_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, pa(f, 2), t.addr);
	SM_EXPECT_EQ(test, RW, t.perm);
	sm_map_s2(f, ipa, pa(f, 2) | (S2_PAGE & ~(1ULL << 7)));
	sm_flush(f);
	grants(f, SSID, READS, false, VA, READS);
	sm_map_s2(f, ipa, 0);
	sm_flush(f);
	grants(f, SSID, READS, false, VA, 0);
	/* Where stage 1 grants nothing, stage 2 is not asked. */
	sm_map_s1(f, VA, ipa | (S1_PAGE & ~(1ULL << 6)));
	sm_flush(f);
	grants(f, SSID, READS, false, VA, 0);
	/* S1DSS 1: stage 1 is skipped. */
	f->ste[1] = (f->ste[1] & ~3ULL) | 1;
	sm_map_s2(f, ipa, pa(f, 3) | S2_PAGE);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, NO_SSID, READS, false, ipa, &t));
	SM_EXPECT_EQ(test, pa(f, 3), t.addr);
	sm_stage1(f);
	f->ste[1] = (f->ste[1] & ~3ULL) | 1;
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, NO_SSID, READS, false, pa(f, 3), &t));
	SM_EXPECT_EQ(test, pa(f, 3), t.addr);
	SM_EXPECT_EQ(test, RW, t.perm);
}

/* The function gets what stage 1 makes of it, and stage 2 is done each time. */
static void split_stage(struct kunit *test)
{
	struct sm *f = sm_unit(test);
	u64 ipa = 0x4000000000ULL;
	struct model_translation t;

	sm_nested(f);
	sm_map_s1(f, VA, ipa | S1_PAGE);
	sm_map_s2(f, ipa, pa(f, 2) | S2_PAGE);
	f->ste[1] = STE1 | STE1_EATS(2);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_OK, sm_ats(f, SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, ipa, t.addr);
	SM_EXPECT_EQ(test, MODEL_OK, sm_translated(f, READS, ipa));
	SM_EXPECT_EQ(test, 0xa2, f->byte);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, ipa + SZ_4K));
	SM_EXPECT_EQ(test, 0x10, sm_event(f));
	SM_EXPECT_EQ(test, 1ULL << 35 | 2ULL << 40 | 1ULL << 39, f->ev[1]);
	f->ste[2] &= ~(1ULL << 58);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_translated(f, READS, ipa + SZ_4K));
	SM_EXPECT_EQ(test, 0, sm_event(f));
	/* Only where translated requests are checked */
	sm_wr(f, R_CR0, CR0_ALL & ~0x10);
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, sm_ats(f, SSID, READS, false, VA, &t));
	SM_EXPECT_EQ(test, BAD_TREQ, sm_event(f));
}

static void invalidations(struct kunit *test)
{
	struct sm *f = plain(test);

	sm_ok(f, 0x40 | S(SID) | SS(SSID), VA);
	SM_EXPECT_EQ(test, 1, f->invs);
	SM_EXPECT_TRUE(test, f->inv_ssv && !f->inv_global);
	SM_EXPECT_EQ(test, SSID, f->inv_ssid);
	SM_EXPECT_EQ(test, VA, f->inv_addr);
	SM_EXPECT_EQ(test, SZ_4K, f->inv_size);
	/* The address is aligned to the span. */
	sm_ok(f, 0x40 | S(SID) | SS(0xfedcb) | 1 << 9, VA | 9);
	SM_EXPECT_EQ(test, 0xfedcb, f->inv_ssid);
	SM_EXPECT_TRUE(test, f->inv_global);
	SM_EXPECT_EQ(test, VA & ~(u64)(SZ_2M - 1), f->inv_addr);
	SM_EXPECT_EQ(test, SZ_2M, f->inv_size);
	/* All of it; G does not count without a substream. */
	sm_ok(f, 0x40 | S(SID) | 1 << 9, 52);
	SM_EXPECT_TRUE(test, !f->inv_ssv && !f->inv_global);
	SM_EXPECT_EQ(test, 0, f->inv_addr);
	SM_EXPECT_EQ(test, 0, f->inv_size);
	sm_ok(f, 0x40 | S(SID), 51);
	SM_EXPECT_EQ(test, 1ULL << 63, f->inv_size);
	sm_ok(f, 0x46, 0);
	SM_EXPECT_EQ(test, 4, f->invs);
	/* Ignored without SMMUEN */
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	sm_ok(f, 0x40 | S(SID), VA);
	SM_EXPECT_EQ(test, 4, f->invs);
	sm_wr(f, R_CR0, CR0_ALL);
}

static void invalidations_lost(struct kunit *test)
{
	struct sm *f = plain(test);
	u32 at;

	f->answers = false;
	sm_ok(f, 0x40 | S(SID), VA);
	sm_ok(f, 0x30, 0);
	at = f->prod;
	SM_EXPECT_EQ(test, 3, sm_cmd(f, 0x46, 0));
	SM_EXPECT_EQ(test, 3 << 24 | at, sm_rd(f, R_CMDQ_CONS));
	SM_EXPECT_EQ(test, 1, sm_counts(f)->errors[3]);
	/* That was it; the next one succeeds. */
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
	SM_EXPECT_EQ(test, f->prod, sm_rd(f, R_CMDQ_CONS) & 0xfffff);
	f->answers = true;
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_CERROR_ATC_INV_SYNC, 2);
	sm_ok(f, 0x40 | S(SID), VA);
	sm_ok(f, 0x46, 0);
	sm_ok(f, 0x40 | S(SID), VA);
	SM_EXPECT_EQ(test, 3, sm_cmd(f, 0x46, 0));
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
	/* Nobody is there. */
	sm_ok(f, 0x40 | S(SID_OTHER), VA);
	SM_EXPECT_EQ(test, 3, sm_cmd(f, 0x46, 0));
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
}

static enum model_status ask(struct sm *f, u32 ssid, u32 perm, u64 addr, u16 grpid,
			     bool last)
{
	struct model_tlp tlp = {
		.rid = SID, .pasid_valid = ssid != NO_SSID,
		.pasid = ssid == NO_SSID ? 0 : ssid, .perm = perm, .addr = addr,
	};

	return f->port->ops->page_request(f->port, &tlp, grpid, last);
}

static void fill(struct sm *f)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		SM_EXPECT_EQ(f->test, MODEL_OK, ask(f, SSID, READS, VA, i, true));
}

static void page_requests(struct kunit *test)
{
	struct sm *f = plain(test);
	const unsigned int irq = SMMUV3_MODEL_IRQ_PRIQ;

	SM_EXPECT_EQ(test, MODEL_OK, ask(f, 0xfedcb, READS | EXEC, VA, 0x1ff, false));
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, WRITES | PRIV, VA + SZ_4K, 3, true));
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, NO_SSID, RW, ~0xfffULL, 0, true));
	/* a stop marker */
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, 0, 0, 0, true));
	SM_EXPECT_EQ(test, 4, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, 1, f->raised[irq]);
	SM_EXPECT_EQ(test, SID | S(0xfedcb) | 1ULL << 63 | 1ULL << 60 | 1ULL << 59,
		     f->priq[0]);
	SM_EXPECT_EQ(test, VA | 0x1ff, f->priq[1]);
	SM_EXPECT_EQ(test, SID | S(SSID) | 1ULL << 63 | 1ULL << 62 | 1ULL << 61 |
		     1ULL << 58, f->priq[2]);
	SM_EXPECT_EQ(test, (VA + SZ_4K) | 3, f->priq[3]);
	SM_EXPECT_EQ(test, SID | 7ULL << 60, f->priq[4]);
	SM_EXPECT_EQ(test, ~0xfffULL, f->priq[5]);
	SM_EXPECT_EQ(test, SID | S(SSID) | 3ULL << 62, f->priq[6]);
	sm_wr(f, R_PRIQ_CONS, 4);
	/* LO: the last of each group interrupts, and nothing else. */
	sm_wr(f, R_IRQ_CTRL, 5);
	sm_wr(f, R_PRIQ_IRQ + 12, 1U << 31);
	sm_wr(f, R_IRQ_CTRL, 7);
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, READS, VA, 1, false));
	SM_EXPECT_EQ(test, 1, f->raised[irq]);
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, READS, VA, 1, true));
	SM_EXPECT_EQ(test, 2, f->raised[irq]);
	SM_EXPECT_EQ(test, 0, f->responses);
	SM_EXPECT_EQ(test, 6, sm_counts(f)->pri_records);
	/* also if there was no room for it */
	sm_wr(f, R_PRIQ_CONS, 6);
	fill(f);
	SM_EXPECT_EQ(test, 10, f->raised[irq]);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 1, false));
	SM_EXPECT_EQ(test, 10, f->raised[irq]);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 1, true));
	SM_EXPECT_EQ(test, 11, f->raised[irq]);
}

static void responses(struct kunit *test)
{
	static const u8 codes[] = { 0xf, 1, 0 };
	struct sm *f = plain(test);
	unsigned long before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		sm_ok(f, 0x41 | S(SID) | SS(SSID + i), i << 12 | (0x1fe + (i & 1)));
		SM_EXPECT_EQ(test, i + 1, f->responses);
		SM_EXPECT_EQ(test, codes[i], f->rsp_code);
		SM_EXPECT_TRUE(test, f->rsp_ssv);
		SM_EXPECT_EQ(test, SSID + i, f->rsp_ssid);
		SM_EXPECT_EQ(test, 0x1fe + (i & 1), f->rsp_grpid);
		SM_EXPECT_EQ(test, 1, sm_counts(f)->responses[i]);
	}
	sm_ok(f, 0x41 | S(SID), 2 << 12);
	SM_EXPECT_TRUE(test, !f->rsp_ssv);
	/* to nobody; to somebody who does not wait */
	sm_ok(f, 0x41 | S(SID_OTHER), 2 << 12);
	f->waiting = false;
	before = sm_violations_meant();
	sm_ok(f, 0x41 | S(SID), 2 << 12);
	SM_EXPECT_EQ(test, 1, sm_violations_came(before));
	SM_EXPECT_EQ(test, 5, f->responses);
	sm_wr(f, R_CR0, CR0_ALL & ~1);
	sm_ok(f, 0x41 | S(SID), 2 << 12);
	SM_EXPECT_EQ(test, 5, f->responses);
	sm_wr(f, R_CR0, CR0_ALL);
}

static void overflow(struct kunit *test)
{
	struct sm *f = plain(test);

	f->ste[1] |= 1 << 18;
	sm_flush(f);
	fill(f);
	SM_EXPECT_EQ(test, 8, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 9, false));
	SM_EXPECT_EQ(test, 1U << 31 | 8, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, 0, f->responses);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_EQ(test, 1U << 31 | 8, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, 1, f->responses);
	SM_EXPECT_EQ(test, 0, f->rsp_code);
	SM_EXPECT_EQ(test, 9, f->rsp_grpid);
	SM_EXPECT_TRUE(test, f->rsp_ssv);
	SM_EXPECT_EQ(test, SSID, f->rsp_ssid);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, NO_SSID, READS, VA, 10, true));
	SM_EXPECT_TRUE(test, !f->rsp_ssv);
	/* A stop marker is not answered. */
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, 0, 0, 0, true));
	SM_EXPECT_EQ(test, 2, f->responses);
	/* Room alone does not help. */
	sm_wr(f, R_PRIQ_CONS, 8);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 11, true));
	sm_wr(f, R_PRIQ_CONS, 1U << 31 | 8);
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, READS, VA, 12, true));
	SM_EXPECT_EQ(test, 1U << 31 | 9, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, 3, f->responses);
	SM_EXPECT_EQ(test, 5, sm_counts(f)->pri_overflows);
	SM_EXPECT_EQ(test, 3, sm_counts(f)->pri_auto);
}

/* Whether an answer has the PASID is the STE's word. */
static void overflow_ppar(struct kunit *test)
{
	struct sm *f = plain(test);

	fill(f);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_TRUE(test, !f->rsp_ssv);
	SM_EXPECT_EQ(test, 0, f->rsp_code);
	/* If there is none it is a failure. */
	f->ste[0] = 0;
	f->ste[1] |= 1 << 18;
	sm_flush(f);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_TRUE(test, !f->rsp_ssv);
	SM_EXPECT_EQ(test, 0xf, f->rsp_code);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, NO_SSID, READS, VA, 9, true));
	SM_EXPECT_EQ(test, 0, f->rsp_code);
}

static void overflow_pps(struct kunit *test)
{
	struct smmuv3_model_config config;
	struct sm *f;

	sm_config(&config);
	config.idr3 |= 1 << 5;
	f = sm_unit_config(test, &config);
	fill(f);
	SM_EXPECT_EQ(test, MODEL_OVERFLOW, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_TRUE(test, f->rsp_ssv);
	SM_EXPECT_EQ(test, 0, f->rsp_code);
}

static void page_requests_off(struct kunit *test)
{
	struct sm *f = plain(test);
	static const u32 cr0s[] = { CR0_ALL & ~2, CR0_ALL & ~1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr0s); i++) {
		sm_wr(f, R_CR0, cr0s[i]);
		SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, ask(f, SSID, READS, VA, 9, false));
		SM_EXPECT_EQ(test, i, f->responses);
		SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, ask(f, SSID, READS, VA, 9, true));
		SM_EXPECT_EQ(test, i + 1, f->responses);
		SM_EXPECT_EQ(test, 0xf, f->rsp_code);
		SM_EXPECT_TRUE(test, !f->rsp_ssv);
	}
	sm_wr(f, R_CR0, CR0_ALL);
	smmuv3_model_inject(f->model, SMMUV3_MODEL_INJECT_PRI_ABT, 1);
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_EQ(test, 1 << 3, sm_rd(f, R_GERROR) ^ sm_rd(f, R_GERRORN));
	SM_EXPECT_EQ(test, MODEL_UNSUPPORTED, ask(f, SSID, READS, VA, 9, true));
	SM_EXPECT_EQ(test, 0, sm_rd(f, R_PRIQ_PROD));
	SM_EXPECT_EQ(test, 4, f->responses);
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERROR));
	SM_EXPECT_EQ(test, MODEL_OK, ask(f, SSID, READS, VA, 9, true));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(requests),
	KUNIT_CASE(permissions),
	KUNIT_CASE(updates),
	KUNIT_CASE(refused),
	KUNIT_CASE(translated),
	KUNIT_CASE(both_stages),
	KUNIT_CASE(split_stage),
	KUNIT_CASE(invalidations),
	KUNIT_CASE(invalidations_lost),
	KUNIT_CASE(page_requests),
	KUNIT_CASE(responses),
	KUNIT_CASE(overflow),
	KUNIT_CASE(overflow_ppar),
	KUNIT_CASE(overflow_pps),
	KUNIT_CASE(page_requests_off),
	{}
};

struct kunit_suite smmuv3_ats_suite = {
	.name = "iommufd_smmuv3_model_ats",
	.init = sm_init,
	.exit = sm_exit,
	.test_cases = cases,
};

kunit_test_suite(smmuv3_ats_suite);

MODULE_DESCRIPTION("KUnit: ATS and PRI of the SMMUv3 model");
MODULE_LICENSE("GPL");
