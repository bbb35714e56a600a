// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: the page request queue of an SMMUv3. */
#include <linux/prandom.h>
#include <linux/slab.h>

#include "smmuv3_faults_kunit.h"

#define SID0	ST_SID(0)
#define SID1	ST_SID(1)
#define NOPASID	FT_NO_PASID

/* Codes of CMD_PRI_RESP (4.5.2). */
#define RESP_FAILURE	0
#define RESP_INVALID	1
#define RESP_SUCCESS	2

static void priq_start_stop(struct kunit *test)
{
	struct smmuv3_fake *fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	struct smmuv3_unit *unit = &fake->unit;
	u64 base;

	smmuv3_fake_set32(fake, FAKE_PRIQ_PROD, 0x80000123);
	smmuv3_fake_set32(fake, FAKE_PRIQ_CONS, 0x80000123);
	KUNIT_ASSERT_EQ(test, smmuv3_priq_alloc(unit), 0);
	KUNIT_EXPECT_EQ(test, fake->num_writes, 0);
	smmuv3_priq_setup(unit);
	base = smmuv3_fake_reg64(fake, FAKE_PRIQ_BASE);
	/* 2^10 slots of 16 bytes, aligned to all of them; write allocate */
	KUNIT_EXPECT_EQ(test, base & 0x3fff, 10);
	KUNIT_EXPECT_EQ(test, base >> 52, 0x400);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(fake, FAKE_PRIQ_PROD), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(fake, FAKE_PRIQ_CONS), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_priq_start(unit), 0);
	KUNIT_EXPECT_NOT_NULL(test, fake->thread[SMMUV3_IRQ_PRIQ]);
	smmuv3_priq_stop(unit);
	KUNIT_EXPECT_NULL(test, fake->thread[SMMUV3_IRQ_PRIQ]);
	smmuv3_priq_free(unit);
	KUNIT_EXPECT_NULL(test, unit->priq);

	unit->caps.priq_log2 = 19;
	KUNIT_ASSERT_EQ(test, smmuv3_priq_alloc(unit), 0);
	smmuv3_priq_setup(unit);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg64(fake, FAKE_PRIQ_BASE) & 0xffff,
			12);
	smmuv3_priq_free(unit);

	/* Without PRI: no queue, and nothing goes wrong. */
	unit->caps.pri = false;
	smmuv3_fake_forget(fake);
	KUNIT_ASSERT_EQ(test, smmuv3_priq_alloc(unit), 0);
	KUNIT_EXPECT_NULL(test, unit->priq);
	smmuv3_priq_setup(unit);
	KUNIT_EXPECT_EQ(test, smmuv3_priq_start(unit), 0);
	KUNIT_EXPECT_NULL(test, fake->thread[SMMUV3_IRQ_PRIQ]);
	smmuv3_priq_stop(unit);
	smmuv3_priq_free(unit);
	KUNIT_EXPECT_EQ(test, fake->num_writes, 0);
}

/* From the record's words to user space, and the answer's words (8.1, 4.5.2). */
static void priq_literal(struct kunit *test)
{
	static const struct {
		u64 qw[2];
		bool pasid_valid;
		u32 pasid;
		u32 grpid;
		u64 addr;
		u32 perm;
		u32 code;
		u64 resp[2];
	} cases[] = {
		/* Last, read, SID 0x100, group 0 */
		{ { 0x5000000000000100ULL, 0x0000000000001000ULL },
		  false, 0, 0, 0x1000, 1, IOMMUFD_PAGE_RESP_SUCCESS,
		  { 0x0000010000000041ULL, 0x2000 } },
		/* Last, write, group 511 */
		{ { 0x6000000000000100ULL, 0xfffffffffffff1ffULL },
		  false, 0, 511, 0xfffffffffffff000ULL, 2,
		  IOMMUFD_PAGE_RESP_INVALID,
		  { 0x0000010000000041ULL, 0x11ff } },
		/* Read and write; execute and privilege need a PASID */
		{ { 0x7c12345600000100ULL & ~0x000fffff00000000ULL,
		    0x0000000000002001ULL },
		  false, 0, 1, 0x2000, 3, IOMMUFD_PAGE_RESP_FAILURE,
		  { 0x0000010000000041ULL, 0x0001 } },
		/* PASID 1, execute */
		{ { 0xd800000100000100ULL, 0x0000000000003002ULL },
		  true, 1, 2, 0x3000, 5, IOMMUFD_PAGE_RESP_SUCCESS,
		  { 0x0000010000001841ULL, 0x2002 } },
		/* PASID 1, privileged */
		{ { 0xd400000100000100ULL, 0x0000000000004003ULL },
		  true, 1, 3, 0x4000, 9, IOMMUFD_PAGE_RESP_INVALID,
		  { 0x0000010000001841ULL, 0x1003 } },
		/* PASID 0xfffff, everything */
		{ { 0xfc0fffff00000100ULL, 0x0000800000005004ULL },
		  true, 0xfffff, 4, 0x800000005000ULL, 15,
		  IOMMUFD_PAGE_RESP_FAILURE,
		  { 0x00000100fffff841ULL, 0x0004 } },
		/* What is reserved means nothing: bits 57:52, 11:9 */
		{ { 0x53f0000000000100ULL, 0x0000000000006e05ULL },
		  false, 0, 5, 0x6000, 1, IOMMUFD_PAGE_RESP_SUCCESS,
		  { 0x0000010000000041ULL, 0x2005 } },
	};
	struct iommufd_fault_attach *attach[3];
	struct st *st = st_new(test, ST_PCI, 64, 64);
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 0, 1);
	attach[2] = st_attach(st, 0, 0xfffff);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct iommu_hwpt_pgfault *rec = &st->ft.recs[0];
		struct smmuv3_cmd want[2] = {
			FAKE_CMD(cases[i].resp[0], cases[i].resp[1]),
			FAKE_CMD_SYNC,
		};

		st_record(st, &st->priq, cases[i].qw);
		st_interrupt(st);
		KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 8), sizeof(*rec));
		KUNIT_EXPECT_EQ(test, rec->flags, 2 | cases[i].pasid_valid);
		KUNIT_EXPECT_EQ(test, rec->pasid, cases[i].pasid);
		KUNIT_EXPECT_EQ(test, rec->grpid, cases[i].grpid);
		KUNIT_EXPECT_EQ(test, rec->perm, cases[i].perm);
		KUNIT_EXPECT_EQ(test, rec->addr, cases[i].addr);
		KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
		ft_answer(&st->ft, rec->cookie, cases[i].code);
		smmuv3_fake_expect_from(st->fake, 0, want, 2);
		st_forget(st);
	}
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, ARRAY_SIZE(cases));
	KUNIT_EXPECT_EQ(test, st_stats(st).malformed, 0);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	st_done(st);
}

/* A group of three is delivered with its last request; another device's is not it. */
static void priq_groups(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	struct iommufd_fault_attach *attach[2];

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, IOMMU_NO_PASID);
	st_request(st, SID0, NOPASID, 7, 0x1000, ST_R);
	st_request(st, SID1, NOPASID, 7, 0x9000, ST_R);
	st_request(st, SID0, NOPASID, 7, 0x2000, ST_R);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, ft_read(&st->ft, 8), 0);
	st_request(st, SID0, NOPASID, 7, 0x3000, ST_W | ST_LAST);
	st_interrupt(st);
	KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 8), 3 * sizeof(st->ft.recs[0]));
	KUNIT_EXPECT_EQ(test, st->ft.recs[0].addr, 0x1000);
	KUNIT_EXPECT_EQ(test, st->ft.recs[1].addr, 0x2000);
	KUNIT_EXPECT_EQ(test, st->ft.recs[2].addr, 0x3000);
	KUNIT_EXPECT_EQ(test, st->ft.recs[0].dev_id, 100);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	iommufd_fault_attach_remove(attach[0]);
	/* Detach answers what user space did not. */
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 7, RESP_INVALID),
			1);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 1);
	st_done(st);
}

static void priq_malformed(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 64, 64);
	static const u32 nothing[] = { 0, ST_X, ST_P, ST_X | ST_P };
	unsigned int i;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	/* Neither access nor last: it is nothing. */
	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		st_request(st, SID0, NOPASID, 5, 0, nothing[i]);
		st_request(st, SID0, 3, 5, 0, nothing[i]);
	}
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).malformed, 8);
	/* A PASID of 20 bits, on a unit of 10: the unit takes no such answer. */
	st->fake->unit.caps.ssid_bits = 10;
	st_request(st, SID0, 1024, 5, 0, ST_R | ST_LAST);
	st_request(st, SID0, 1024, 5, 0, ST_R);
	st_request(st, SID0, 1024, 5, 0, ST_LAST);
	/* The largest there is */
	st_request(st, SID1, 1023, 6, 0, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).malformed, 11);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, 1023, 6, RESP_INVALID), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 1);
	/* Without PASID what stands in its place is nothing. */
	st->fake->unit.caps.ssid_bits = 0;
	st_request(st, SID0, NOPASID, 7, 0, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).malformed, 11);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 1);
	st->fake->unit.caps.ssid_bits = 20;
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

static void priq_stop_markers(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 64, 64);

	attach = st_attach(st, 0, 3);
	/* In the middle of a group of the same index */
	st_request(st, SID0, 3, 5, 0x1000, ST_R);
	st_request(st, SID0, 3, 5, 0, ST_LAST);
	st_request(st, SID0, NOPASID, 0, 0, ST_LAST);
	st_request(st, 0xdead, 3, 5, 0, ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).stop_markers, 3);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).unknown, 0);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	KUNIT_EXPECT_EQ(test, ft_read(&st->ft, 8), 0);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	st_done(st);
}

/*
 * Nobody there, a further stream of a device, one without source, one whose page
 * requests are off, and one that nobody listens to for this PASID.
 */
static void priq_nobody(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	struct iommufd_fault_attach *attach;
	struct smmuv3_device *two;
	unsigned int i;

	two = smmuv3_fake_device(st->fake, 0x4321, 2, 1);
	two->pri_open = true;
	two->source = st->fn[0].device->source;
	attach = st_attach(st, 0, 8);
	for (i = 0; i < 2; i++) {
		u32 last = i ? ST_LAST : 0;

		st_request(st, 0xdead, NOPASID, 1, 0x1000, ST_R | last);
		st_request(st, 0xdead, 9, 1, 0x1000, ST_R | last);
		st_request(st, 0x4322, NOPASID, 2, 0x1000, ST_R | last);
		st_request(st, SID1, NOPASID, 4, 0x1000, ST_R | last);
		st_request(st, SID0, NOPASID, 5, 0x1000, ST_R | last);
		st_request(st, SID0, 7, 6, 0x1000, ST_R | last);
		st_interrupt(st);
		KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 6 * i);
		KUNIT_EXPECT_EQ(test, st->fake->num_syncs, i);
	}
	KUNIT_EXPECT_EQ(test, st_responses(st, 0xdead, NOPASID, 1, 1), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, 0xdead, 9, 1, 1), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, 0x4322, NOPASID, 2, 1), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 4, 1), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 5, 1), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, 7, 6, 1), 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).unknown, 8);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 4);
	two->source = NULL;
	st_request(st, 0x4321, NOPASID, 3, 0x1000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_responses(st, 0x4321, NOPASID, 3, 1), 1);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/*
 * A function that does not want its PASID in responses gets none (PCIe 6.0,
 * 10.5.2.3), whoever answers.
 */
static void priq_response_pasid(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 1, 64);
	unsigned int wants;

	attach = st_attach(st, 0, 8);
	for (wants = 0; wants < 2; wants++) {
		u32 pasid = wants ? 8 : NOPASID, other = wants ? 9 : NOPASID;

		st->fn[0].device->prg_pasid = wants;
		/* Taken, no room, nobody */
		st_request(st, SID0, 8, 1, 0x1000, ST_R | ST_LAST);
		st_request(st, SID0, 8, 2, 0x1000, ST_R | ST_LAST);
		st_request(st, SID0, 9, 3, 0x1000, ST_R | ST_LAST);
		st_interrupt(st);
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, pasid, 2,
						   RESP_SUCCESS), 1);
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, other, 3,
						   RESP_INVALID), 1);
		KUNIT_ASSERT_GT(test, ft_read(&st->ft, 1), 0);
		ft_answer(&st->ft, st->ft.recs[0].cookie, 0);
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, pasid, 1,
						   RESP_SUCCESS), 1);
		KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 3);
		st_forget(st);
	}
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* No room in the queue that user space reads: the device is to ask again. */
static void priq_retry(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 4, 512);
	unsigned int i;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (i = 0; i < 300; i++)
		st_request(st, SID0, NOPASID, i, 0x1000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 296);
	/* 128 fit in a submission */
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, 3);
	for (i = 0; i < 300; i++)
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, i,
						   RESP_SUCCESS), i >= 4);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 300);
	st_done(st);
}

/* Several times round the queue, in pieces of every size up to a full one. */
static void priq_wrap(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 2048, 1024);
	struct iommu_hwpt_page_response resp[64];
	unsigned int size, i, total = 0;
	u64 want = 0, serial = 0;
	ssize_t got;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (size = 1; total < 4 * ST_SLOTS; size += 1 + size / 4) {
		size = min(size, ST_SLOTS);
		for (i = 0; i < size; i++, serial++)
			KUNIT_ASSERT_TRUE(test, st_request(st, SID0, NOPASID,
							   serial % 512,
							   serial << 12,
							   ST_R | ST_LAST));
		st_interrupt(st);
		total += size;
		KUNIT_EXPECT_EQ(test, st_stats(st).requests, total);
		while ((got = ft_read(&st->ft, 64)) > 0) {
			got /= sizeof(st->ft.recs[0]);
			for (i = 0; i < got; i++, want++) {
				KUNIT_EXPECT_EQ(test, st->ft.recs[i].addr,
						want << 12);
				resp[i].cookie = st->ft.recs[i].cookie;
				resp[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
			}
			KUNIT_EXPECT_GT(test, st_answer(st, resp, got), 0);
		}
		st_forget(st);
	}
	KUNIT_EXPECT_EQ(test, size > ST_SLOTS / 2, 1);
	KUNIT_EXPECT_EQ(test, want, serial);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, 0);
	KUNIT_EXPECT_LE(test, st->priq.max_freed, 32);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

static void priq_orders(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);

	/* Page requests are off, so each of them is answered at once. */
	st_orders(st, &st->priq);
	st_done(st);
}

/* Half a group, a full queue in which the other half is lost, and what follows. */
static void priq_overflow_groups(struct kunit *test)
{
	struct iommufd_fault_attach *attach[2];
	struct st *st = st_new(test, ST_PCI, 4096, 4096);
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, 5);
	st_request(st, SID0, NOPASID, 510, 0x1000, ST_R);
	st_request(st, SID1, 5, 510, 0x1000, ST_R);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_open(st), 2);
	for (i = 0; i < ST_SLOTS - 2; i++)
		st_request(st, SID0, NOPASID, i % 500, 0x1000, ST_R | ST_LAST);
	st_request(st, SID0, NOPASID, 511, 0x1000, ST_R);
	st_request(st, SID1, 5, 511, 0x1000, ST_R);
	KUNIT_EXPECT_EQ(test, st->priq.dropped, 0);
	KUNIT_EXPECT_FALSE(test, st_request(st, SID0, NOPASID, 510, 0x2000,
					    ST_R | ST_LAST));
	KUNIT_EXPECT_FALSE(test, st_request(st, SID1, 5, 510, 0x2000,
					    ST_R | ST_LAST));
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, 1);
	/* All that was in the queue came through; all halves are gone. */
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, ST_SLOTS - 2);
	KUNIT_EXPECT_EQ(test, st_open(st), 0);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).counts.discarded, 4);
	/* The unit has answered what it dropped: not we. */
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	/* And a new group of the same index is a new group. */
	st_request(st, SID1, 5, 510, 0x3000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, ST_SLOTS - 1);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), ST_SLOTS - 1);
	st_done(st);
}

/* At the given step the queue is filled beyond what it holds, half groups last. */
static void priq_flood_step(struct st *st)
{
	unsigned int *at = st->priv;
	unsigned int i;
	u64 qw[2];

	if (st->steps != *at)
		return;
	for (i = 0; !st->priq.dropped; i++) {
		st_make_request(qw, SID0, NOPASID, 100 + i % 300, 0x1000, ST_R);
		st_add(st, &st->priq, qw);
	}
}

/*
 * The queue runs over at each moment of a pass. Nothing but halves came, and the
 * last requests were lost with the overflow: no half is kept.
 */
static void priq_overflow_orders(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 4096, 1024);
	unsigned int at, i, reached = 0;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (at = 1; at < 80; at++) {
		u64 overflows = st_stats(st).pri_overflows;

		st->on_step = NULL;
		st->priq.dropped = 0;
		st_request(st, SID0, NOPASID, 1, 0x1000, ST_R);
		for (i = 0; i < 40; i++)
			st_request(st, 0xdead, NOPASID, 1, 0x1000,
				   ST_R | ST_LAST);
		st->steps = 0;
		st->priv = &at;
		st->on_step = priq_flood_step;
		st_interrupt(st);
		if (!st->priq.dropped) {
			/* No such step; what is held goes with the next. */
			KUNIT_EXPECT_EQ(test, st_open(st), 1);
			break;
		}
		reached++;
		KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows,
				overflows + 1);
		KUNIT_EXPECT_EQ_MSG(test, st_open(st), 0, "step %u", at);
		st_forget(st);
	}
	/* PROD, CONS twice, 40 answers and a SYNC, PROD */
	KUNIT_EXPECT_GE(test, reached, 45);
	st->on_step = NULL;
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* While the overflow is dealt with, nothing that comes afterwards is lost. */
static void priq_rearm_step(struct st *st)
{
	unsigned int *at = st->priv;
	u64 qw[2];

	if (st->steps != *at)
		return;
	st_make_request(qw, SID1, NOPASID, 3, 0x1000, ST_R | ST_LAST);
	st_add(st, &st->priq, qw);
}

static void priq_overflow_rearm(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	unsigned int at, i, came = 0, steps = 0;

	/* A full queue is 32 writes of CONS. */
	for (at = 1; at < 50; at++) {
		st->on_step = NULL;
		st->priq.dropped = 0;
		for (i = 0; i <= ST_SLOTS; i++)
			st_request(st, SID0, NOPASID, i % 512, 0x1000, ST_R);
		KUNIT_EXPECT_EQ(test, st->priq.dropped, 1);
		st->steps = 0;
		st->priv = &at;
		st->on_step = priq_rearm_step;
		st_forget(st);
		st_interrupt(st);
		steps = max(steps, st->steps);
		/* Dropped because the overflow stood, or answered. */
		KUNIT_EXPECT_EQ_MSG(test, st->priq.dropped - 1 +
				    st_responses(st, SID1, NOPASID, 3,
						 RESP_INVALID),
				    at <= st->steps, "step %u", at);
		came += st_responses(st, SID1, NOPASID, 3, RESP_INVALID);
	}
	KUNIT_EXPECT_GE(test, steps, 34);
	KUNIT_EXPECT_GE(test, came, 1);
	st_done(st);
}

/* An overflow is the page request queue's: what is stalled is not discarded. */
static void priq_overflow_others(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 64, 64);
	struct smmuv3_device *device = st->fn[1].device;
	unsigned int i;

	attach = st_attach(st, 1, IOMMU_NO_PASID);
	st_request(st, SID1, NOPASID, 1, 0x1000, ST_R);
	st_interrupt(st);
	device->can_stall = true;
	for (i = 0; i <= ST_SLOTS; i++)
		st_request(st, 0xdead, NOPASID, 1, 0x1000, ST_R);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, 1);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	device->can_stall = false;
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* 1024 groups outstanding, answered in random order by 128 at a time. */
static void priq_batches(struct kunit *test)
{
	static const u32 codes[] = { IOMMUFD_PAGE_RESP_SUCCESS,
				     IOMMUFD_PAGE_RESP_INVALID,
				     IOMMUFD_PAGE_RESP_FAILURE };
	static const u8 resps[] = { RESP_SUCCESS, RESP_INVALID, RESP_FAILURE };
	struct iommu_hwpt_page_response *resp;
	struct iommufd_fault_attach *attach[32];
	struct st *st = st_new(test, ST_PCI, 1024, 1024);
	unsigned int i, num = 0, calls = 0;
	struct rnd_state rnd;
	u8 *resp_of;
	ssize_t got;

	resp = kunit_kcalloc(test, 1024, sizeof(*resp), GFP_KERNEL);
	resp_of = kunit_kzalloc(test, 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resp);
	KUNIT_ASSERT_NOT_NULL(test, resp_of);
	prandom_seed_state(&rnd, 3);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		attach[i] = st_attach(st, 0, 1 + i);
	for (i = 0; i < 1024; i++) {
		KUNIT_ASSERT_TRUE(test, st_request(st, SID0, 1 + i / 32, i % 32,
						   0x1000, ST_R | ST_LAST));
		if (i % 300 == 299)
			st_interrupt(st);
	}
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
	while ((got = ft_read(&st->ft, 512)) > 0) {
		for (i = 0; i < got / sizeof(st->ft.recs[0]); i++, num++) {
			const struct iommu_hwpt_pgfault *rec = &st->ft.recs[i];
			u32 which = prandom_u32_state(&rnd) % 3;

			resp[num].cookie = rec->cookie;
			resp[num].code = codes[which];
			resp_of[(rec->pasid - 1) * 32 + rec->grpid] =
				resps[which];
		}
	}
	KUNIT_ASSERT_EQ(test, num, 1024);
	for (i = num - 1; i; i--) {
		unsigned int other = prandom_u32_state(&rnd) % (i + 1);

		swap(resp[i], resp[other]);
	}
	for (i = 0; i < num; i += 128, calls++)
		KUNIT_EXPECT_EQ(test, st_answer(st, resp + i, 128),
				128 * sizeof(*resp));
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, calls);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 1024);
	for (i = 0; i < 1024; i++)
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, 1 + i / 32, i % 32,
						   resp_of[i]), 1);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	st_done(st);
}

/* A failure on a virtual function is not to take PRI from the others. */
static void priq_failure_of_vf(struct kunit *test)
{
	static const u32 codes[] = { IOMMUFD_PAGE_RESP_SUCCESS,
				     IOMMUFD_PAGE_RESP_INVALID,
				     IOMMUFD_PAGE_RESP_FAILURE };
	static const u8 resps[2][3] = {
		{ RESP_SUCCESS, RESP_INVALID, RESP_FAILURE },
		{ RESP_SUCCESS, RESP_INVALID, RESP_INVALID },
	};
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_PCI, 64, 64);
	unsigned int vf, i;

	st->fn[0].pdev.physfn = &st->fn[1].pdev;
	for (vf = 0; vf < 2; vf++) {
		st->fn[0].pdev.is_virtfn = vf;
		attach = st_attach(st, 0, IOMMU_NO_PASID);
		for (i = 0; i < ARRAY_SIZE(codes); i++) {
			st_request(st, SID0, NOPASID, i, 0, ST_R | ST_LAST);
			st_interrupt(st);
			KUNIT_ASSERT_GT(test, ft_read(&st->ft, 1), 0);
			ft_answer(&st->ft, st->ft.recs[0].cookie, codes[i]);
			KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, i,
							   resps[vf][i]), 1);
		}
		KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 3);
		iommufd_fault_attach_remove(attach);
	}
	st->fn[0].pdev.is_virtfn = 0;
	st_done(st);
}

/*
 * Records of nobody's come to one queue, as fast as they are taken, until something is
 * done about what is in the other one; or for long.
 */
static void priq_one_irq_events(struct st *st)
{
	u64 qw[4];

	if (st->answers || st->steps > 2000)
		return;
	st_make_fault(qw, 0xdead);
	st_add(st, &st->evtq, qw);
}

static void priq_one_irq_requests(struct st *st)
{
	u64 qw[2];

	if (atomic64_read(&st->fake->unit.faults) || st->steps > 2000)
		return;
	st_make_request(qw, 0xdead, NOPASID, 1, 0x1000, ST_R);
	st_add(st, &st->priq, qw);
}

/* Both queues have one thread: the one does not wait until the other falls silent. */
static void priq_one_irq(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	u64 qw[4];

	st->fake->unit.one_irq = true;
	st_make_fault(qw, 0xdead);
	st_record(st, &st->evtq, qw);
	st_request(st, SID0, NOPASID, 5, 0x1000, ST_R | ST_LAST);
	st->steps = 0;
	st->on_step = priq_one_irq_events;
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_EVTQ);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 5, RESP_INVALID),
			1);
	KUNIT_EXPECT_LT(test, st->steps, 2000);
	st_interrupt(st);
	st_forget(st);

	atomic64_set(&st->fake->unit.faults, 0);
	st_request(st, 0xdead, NOPASID, 1, 0x1000, ST_R);
	st_record(st, &st->evtq, qw);
	st->steps = 0;
	st->on_step = priq_one_irq_requests;
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_PRIQ);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(test, atomic64_read(&st->fake->unit.faults), 1);
	KUNIT_EXPECT_LT(test, st->steps, 2000);
	st_interrupt(st);
	st_done(st);
}

/* The one interrupt that the unit raises for what is there does not come. */
static void priq_lose_interrupt(struct st *st)
{
	KUNIT_EXPECT_TRUE(st->test, st_take_interrupt(st, &st->priq));
}

/* Whatever interrupt is next, its thread hands over all, in order, and half groups too. */
static void priq_withheld(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	struct iommufd_fault_attach *attach[2];
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, 5);
	for (i = 0; i < 8; i++) {
		st_request(st, SID0, NOPASID, i, i << 12, ST_R | ST_LAST);
		if (!i)
			priq_lose_interrupt(st);
	}
	st_request(st, SID1, 5, 20, 0x1000, ST_R);
	/* It is not empty, which the unit has told already (3.18.1) */
	KUNIT_EXPECT_FALSE(test, st_take_interrupt(st, &st->priq));
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 0);

	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_PRIQ);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 9);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 8);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 16),
			8 * sizeof(st->ft.recs[0]));
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, st->ft.recs[i].addr, (u64)i << 12);

	/* From here on it tells again */
	st_request(st, SID1, 5, 20, 0x2000, ST_R | ST_LAST);
	KUNIT_EXPECT_TRUE(test, st_take_interrupt(st, &st->priq));
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_PRIQ);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 10);
	KUNIT_EXPECT_EQ(test, st_open(st), 0);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 9);
	st_done(st);
}

/*
 * And if none ever comes: a drain hands over all that is there, whoever it is of, and
 * who is detached has an answer to all of his.
 */
static void priq_withheld_drain(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);
	struct iommufd_fault_attach *attach[2];

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, 5);
	st_request(st, SID0, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	priq_lose_interrupt(st);
	st_request(st, SID0, NOPASID, 2, 0x1000, ST_R | ST_LAST);
	st_request(st, SID1, 5, 3, 0x1000, ST_R | ST_LAST);
	smmuv3_priq_drain(st->fn[1].device, 9);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 3);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 3);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);

	/* The unit tells again, to nobody */
	st_request(st, SID0, NOPASID, 4, 0x1000, ST_R | ST_LAST);
	priq_lose_interrupt(st);
	st_request(st, SID1, 5, 5, 0x1000, ST_R | ST_LAST);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 1, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 2, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 4, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 3);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 2);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, 5, 3, RESP_INVALID), 1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, 5, 5, RESP_INVALID), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 5);

	/* Nobody listens any more */
	st_request(st, SID0, NOPASID, 6, 0x1000, ST_R | ST_LAST);
	priq_lose_interrupt(st);
	smmuv3_priq_drain(st->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 6, RESP_INVALID),
			1);
	st_done(st);
}

static void priq_gone(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);

	smmuv3_fake_set32(st->fake, FAKE_PRIQ_PROD, U32_MAX);
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_PRIQ);
	smmuv3_priq_drain(st->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, 0);
	smmuv3_fake_set32(st->fake, FAKE_PRIQ_PROD, 0);
	st_done(st);
}

static struct kunit_case smmuv3_priq_cases[] = {
	KUNIT_CASE(priq_start_stop),
	KUNIT_CASE(priq_literal),
	KUNIT_CASE(priq_groups),
	KUNIT_CASE(priq_malformed),
	KUNIT_CASE(priq_stop_markers),
	KUNIT_CASE(priq_nobody),
	KUNIT_CASE(priq_response_pasid),
	KUNIT_CASE(priq_retry),
	KUNIT_CASE(priq_wrap),
	KUNIT_CASE(priq_orders),
	KUNIT_CASE(priq_overflow_groups),
	KUNIT_CASE(priq_overflow_orders),
	KUNIT_CASE(priq_overflow_rearm),
	KUNIT_CASE(priq_overflow_others),
	KUNIT_CASE_SLOW(priq_batches),
	KUNIT_CASE(priq_failure_of_vf),
	KUNIT_CASE(priq_one_irq),
	KUNIT_CASE(priq_withheld),
	KUNIT_CASE(priq_withheld_drain),
	KUNIT_CASE(priq_gone),
	{}
};

static struct kunit_suite smmuv3_priq_suite = {
	.name = "iommufd_smmuv3_priq",
	.test_cases = smmuv3_priq_cases,
};

kunit_test_suite(smmuv3_priq_suite);
