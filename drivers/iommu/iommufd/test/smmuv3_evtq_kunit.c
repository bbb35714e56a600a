// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: the event queue of an SMMUv3, and transactions that are stalled. */
#include <linux/prandom.h>
#include <linux/slab.h>

#include "../smmuv3/domain.h"
#include "smmuv3_faults_kunit.h"

#define SID0	ST_SID(0)
#define SID1	ST_SID(1)
#define NOPASID	FT_NO_PASID

#define SUCCESS	IOMMUFD_PAGE_RESP_SUCCESS
#define INVALID	IOMMUFD_PAGE_RESP_INVALID
#define FAILURE	IOMMUFD_PAGE_RESP_FAILURE

static u64 st_faults(struct st *st)
{
	return atomic64_read(&st->fake->unit.faults);
}

static void evtq_start_stop(struct kunit *test)
{
	struct smmuv3_fake *fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	struct smmuv3_unit *unit = &fake->unit;
	u64 base;

	smmuv3_fake_set32(fake, FAKE_EVTQ_PROD, 0x80000123);
	smmuv3_fake_set32(fake, FAKE_EVTQ_CONS, 0x80000123);
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_alloc(unit), 0);
	KUNIT_EXPECT_EQ(test, fake->num_writes, 0);
	smmuv3_evtq_setup(unit);
	base = smmuv3_fake_reg64(fake, FAKE_EVTQ_BASE);
	/* 2^10 slots of 32 bytes, aligned to all of them; write allocate */
	KUNIT_EXPECT_EQ(test, base & 0x7fff, 10);
	KUNIT_EXPECT_EQ(test, base >> 52, 0x400);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(fake, FAKE_EVTQ_PROD), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(fake, FAKE_EVTQ_CONS), 0);
	KUNIT_EXPECT_NULL(test, fake->thread[SMMUV3_IRQ_EVTQ]);
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_start(unit), 0);
	KUNIT_EXPECT_NOT_NULL(test, fake->thread[SMMUV3_IRQ_EVTQ]);
	smmuv3_evtq_stop(unit);
	KUNIT_EXPECT_NULL(test, fake->thread[SMMUV3_IRQ_EVTQ]);
	smmuv3_evtq_free(unit);
	KUNIT_EXPECT_NULL(test, unit->evtq);
	smmuv3_evtq_free(unit);

	/* A unit of 2^19 entries gets 2^12; one of 2^3 gets those. */
	unit->caps.evtq_log2 = 19;
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_alloc(unit), 0);
	smmuv3_evtq_setup(unit);
	base = smmuv3_fake_reg64(fake, FAKE_EVTQ_BASE);
	KUNIT_EXPECT_EQ(test, base & 0x1ffff, 12);
	smmuv3_evtq_free(unit);
	unit->caps.evtq_log2 = 3;
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_alloc(unit), 0);
	smmuv3_evtq_setup(unit);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg64(fake, FAKE_EVTQ_BASE) & 0x1f,
			3);
	smmuv3_evtq_free(unit);
}

/* What each type of record has (7.3), from words with every bit set. */
static void evtq_fields(struct kunit *test)
{
	static const struct {
		u8 type;
		bool addr, write, attrs, stage2, ipa, stall;
	} types[] = {
		{ 0x01, .addr = true, .write = true, .attrs = true },
		{ 0x02 }, { 0x03 }, { 0x04 },
		{ 0x05, .addr = true },
		{ 0x06 },
		{ 0x07, .addr = true, .write = true },
		{ 0x08 }, { 0x09 }, { 0x0a },
		{ 0x0b, .addr = true, .write = true, .attrs = true,
		  .stage2 = true },
		{ 0x10, true, true, true, true, true, true },
		{ 0x11, true, true, true, true, true, true },
		{ 0x12, true, true, true, true, true, true },
		{ 0x13, true, true, true, true, true, true },
		{ 0x20, .addr = true, .write = true, .attrs = true,
		  .stage2 = true, .ipa = true },
		{ 0x21 },
		{ 0x24, .addr = true },
		{ 0x25 },
		/* Not assigned, implementation defined, the last */
		{ 0x00 }, { 0x0c }, { 0x26 }, { 0xdf }, { 0xe0 }, { 0xff },
	};
	struct smmuv3_event event;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		/* All ones; RnW is 0 where a write is to be seen */
		u64 qw[4] = { ~0xffULL | types[i].type,
			      ~BIT_ULL(35), U64_MAX, U64_MAX };

		smmuv3_event_decode(qw, &event);
		KUNIT_EXPECT_EQ(test, event.type, types[i].type);
		KUNIT_EXPECT_EQ(test, event.sid, U32_MAX);
		KUNIT_EXPECT_TRUE(test, event.ssid_valid);
		KUNIT_EXPECT_EQ(test, event.ssid, 0xfffff);
		KUNIT_EXPECT_EQ_MSG(test, event.addr,
				    types[i].addr ? U64_MAX : 0, "type %x",
				    types[i].type);
		KUNIT_EXPECT_EQ(test, event.write, types[i].write);
		KUNIT_EXPECT_EQ(test, event.execute, types[i].attrs);
		KUNIT_EXPECT_EQ(test, event.privileged, types[i].attrs);
		KUNIT_EXPECT_EQ(test, event.stage2, types[i].stage2);
		KUNIT_EXPECT_EQ(test, event.ipa,
				types[i].ipa ? 0xffffffffff000ULL : 0);
		KUNIT_EXPECT_EQ(test, event.stall, types[i].stall);
		KUNIT_EXPECT_EQ(test, event.stag,
				types[i].stall ? 0xffff : 0);
		KUNIT_EXPECT_MEMEQ(test, event.qw, qw, sizeof(qw));
	}
}

/* Each field by itself, in a record of a permission fault written out. */
static void evtq_literal(struct kunit *test)
{
	static const u64 none[4] = { 0x0000000000000013ULL, 0x0000000800000000ULL,
				     0, 0 };
	struct smmuv3_event event;
	u64 qw[4];

	smmuv3_event_decode(none, &event);
	KUNIT_EXPECT_EQ(test, event.type, 0x13);
	KUNIT_EXPECT_EQ(test, event.sid, 0);
	KUNIT_EXPECT_FALSE(test, event.ssid_valid || event.stall ||
			   event.write || event.execute || event.privileged ||
			   event.stage2);
#define EVTQ_WITH(_word, _bits, _field, _want) do {			\
	memcpy(qw, none, sizeof(qw));					\
	qw[_word] ^= (_bits);						\
	smmuv3_event_decode(qw, &event);				\
	KUNIT_EXPECT_EQ(test, event._field, _want);			\
} while (0)
	EVTQ_WITH(0, 0x1234567800000000ULL, sid, 0x12345678);
	/* Without SSV there is no SubstreamID, whatever stands there */
	EVTQ_WITH(0, 0x0000000012345000ULL, ssid, 0);
	EVTQ_WITH(0, 0x0000000012345800ULL, ssid, 0x12345);
	EVTQ_WITH(0, 0x0000000012345800ULL, ssid_valid, true);
	EVTQ_WITH(1, 0x000000008000abcdULL, stag, 0xabcd);
	EVTQ_WITH(1, 0x000000008000abcdULL, stall, true);
	/* Without Stall there is no tag */
	EVTQ_WITH(1, 0x000000000000abcdULL, stag, 0);
	EVTQ_WITH(1, 0x0000000200000000ULL, privileged, true);
	EVTQ_WITH(1, 0x0000000400000000ULL, execute, true);
	EVTQ_WITH(1, 0x0000000800000000ULL, write, true);
	EVTQ_WITH(1, 0x0000008000000000ULL, stage2, true);
	EVTQ_WITH(2, 0xfedcba9876543210ULL, addr, 0xfedcba9876543210ULL);
	/* The intermediate address is one of stage 2 alone */
	EVTQ_WITH(3, 0x0003456789abc000ULL, ipa, 0);
#undef EVTQ_WITH
	memcpy(qw, none, sizeof(qw));
	qw[1] |= BIT_ULL(39) | 0x80001234;
	qw[3] = 0xfff3456789abcfffULL;
	smmuv3_event_decode(qw, &event);
	KUNIT_EXPECT_EQ(test, event.ipa, 0x3456789abc000ULL);
	smmuv3_event_unstall(&event);
	KUNIT_EXPECT_FALSE(test, event.stall);
	KUNIT_EXPECT_EQ(test, event.stag, 0);
	KUNIT_EXPECT_EQ(test, event.qw[1], BIT_ULL(39) | BIT_ULL(35));
}

static void evtq_names(struct kunit *test)
{
	static const u8 named[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0x10,
				    0x11, 0x12, 0x13, 0x20, 0x21, 0x24, 0x25 };
	const char *nameless = smmuv3_event_name(0);
	unsigned int type, i, j, num = 0;

	for (i = 0; i < ARRAY_SIZE(named); i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, smmuv3_event_name(named[i]),
					    smmuv3_event_name(named[j]));
	for (type = 0; type < 256; type++) {
		KUNIT_ASSERT_NOT_NULL(test, smmuv3_event_name(type));
		num += !strcmp(smmuv3_event_name(type), nameless);
	}
	/* 16 more are the implementation's */
	KUNIT_EXPECT_EQ(test, num, 256 - ARRAY_SIZE(named) - 16);
	KUNIT_EXPECT_STRNEQ(test, smmuv3_event_name(0xe0), nameless);
	KUNIT_EXPECT_STREQ(test, smmuv3_event_name(0xef),
			   smmuv3_event_name(0xe0));
}

/* What nobody can answer: counted, and nothing is told to the unit. */
static void evtq_faults(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st;
	unsigned int type, num = 0;

	st = st_new(test, ST_STALL, 64, 64);
	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (type = 0; type < 256; type++) {
		/* All bits but Stall */
		u64 qw[4] = { ((u64)SID0 << 32) | type, ~BIT_ULL(31),
			      U64_MAX, U64_MAX };

		st_record(st, &st->evtq, qw);
		/* Stall means something in four types alone */
		qw[1] = U64_MAX;
		if (type < 0x10 || type > 0x13)
			st_record(st, &st->evtq, qw);
		num += type != 0x24;
		num += type != 0x24 && (type < 0x10 || type > 0x13);
	}
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 2 * 256 - 4);
	KUNIT_EXPECT_EQ(test, st_faults(st), num);
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 0);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
	KUNIT_EXPECT_EQ(test, ft_read(&st->ft, 8), 0);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* A stalled transaction, from the record's words to user space and back. */
static void evtq_stall(struct kunit *test)
{
	static const struct {
		u64 qw[4];
		u32 pasid;
		u32 grpid;
		u64 addr;
		u32 perm;
		u32 code;
		u64 resume[2];
	} cases[] = {
		/* A read of SID 0x100, tag 0 */
		{ { 0x0000010000000010ULL, 0x0000000880000000ULL,
		    0x0000000000001234ULL, 0 },
		  NOPASID, 0, 0x1234, 1, SUCCESS,
		  { 0x0000010000001044ULL, 0 } },
		/* A write, tag 0xffff */
		{ { 0x0000010000000011ULL, 0x000000008000ffffULL,
		    0xfffffffffffff008ULL, 0 },
		  NOPASID, 0xffff, 0xfffffffffffff008ULL, 2, INVALID,
		  { 0x0000010000002044ULL, 0xffff } },
		/* PASID 1, privileged read */
		{ { 0x0000010000001812ULL, 0x0000000a80000007ULL,
		    0x0000ffff00002000ULL, 0 },
		  1, 7, 0x0000ffff00002000ULL, 9, FAILURE,
		  { 0x0000010000002044ULL, 7 } },
		/* PASID 0xfffff, instruction fetch */
		{ { 0x00000100fffff813ULL, 0x0000000c80000100ULL,
		    0x3000, 0 },
		  0xfffff, 0x100, 0x3000, 5, SUCCESS,
		  { 0x0000010000001044ULL, 0x100 } },
		/* PASID 0xfffff, privileged write of stage 2 */
		{ { 0x00000100fffff810ULL, 0x0000008280000101ULL,
		    0x4000, 0x5000 },
		  0xfffff, 0x101, 0x4000, 10, SUCCESS,
		  { 0x0000010000001044ULL, 0x101 } },
	};
	struct iommufd_fault_attach *attach[3];
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 0, 1);
	attach[2] = st_attach(st, 0, 0xfffff);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct iommu_hwpt_pgfault *rec = &st->ft.recs[0];
		bool valid = cases[i].pasid != NOPASID;
		struct smmuv3_cmd want[2] = {
			FAKE_CMD(cases[i].resume[0], cases[i].resume[1]),
			FAKE_CMD_SYNC,
		};
		u32 pasid = 0;

		if (valid)
			pasid = cases[i].pasid;
		st_record(st, &st->evtq, cases[i].qw);
		st_interrupt(st);
		KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 8), sizeof(*rec));
		/* A group of one */
		KUNIT_EXPECT_EQ(test, rec->flags, 2 | valid);
		KUNIT_EXPECT_EQ(test, rec->pasid, pasid);
		KUNIT_EXPECT_EQ(test, rec->grpid, cases[i].grpid);
		KUNIT_EXPECT_EQ(test, rec->perm, cases[i].perm);
		KUNIT_EXPECT_EQ(test, rec->addr, cases[i].addr);
		KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
		ft_answer(&st->ft, rec->cookie, cases[i].code);
		smmuv3_fake_expect_from(st->fake, 0, want, 2);
		st_forget(st);
	}
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, ARRAY_SIZE(cases));
	KUNIT_EXPECT_EQ(test, st_faults(st), 0);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	st_done(st);
}

/*
 * The same tag at each of a device's streams, and at another device's: the answers
 * come in another order, and each goes to its own StreamID.
 */
static void evtq_streams(struct kunit *test)
{
	struct iommufd_fault_attach *attach[2];
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommu_hwpt_pgfault recs[ST_STREAMS + 1];
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, IOMMU_NO_PASID);
	for (i = 0; i < ST_STREAMS; i++)
		st_stall(st, SID0 + i, NOPASID, 0xbeef, 0x1000 * i);
	st_stall(st, SID1, NOPASID, 0xbeef, 0x9000);
	st_interrupt(st);
	KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 64), sizeof(recs));
	memcpy(recs, st->ft.recs, sizeof(recs));
	for (i = 0; i < ST_STREAMS; i++) {
		KUNIT_EXPECT_EQ(test, recs[i].dev_id, 100);
		KUNIT_EXPECT_EQ(test, recs[i].addr, 0x1000 * i);
		KUNIT_EXPECT_EQ(test, recs[i].grpid, 0xbeef | i << 16);
	}
	KUNIT_EXPECT_EQ(test, recs[ST_STREAMS].dev_id, 101);
	for (i = ST_STREAMS + 1; i--;) {
		bool retry = i % 2;
		u32 sid = i == ST_STREAMS ? SID1 : SID0 + i;

		ft_answer(&st->ft, recs[i].cookie, retry ? SUCCESS : INVALID);
		KUNIT_EXPECT_EQ(test, st_resumes(st, sid, 0xbeef, retry), 1);
		KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 1);
		st_forget(st);
	}
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 0);
	st_done(st);
}

/* The last of the most streams a device can have. */
static void evtq_many_streams(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach;
	struct iommufd_fault_identity who = { .dev_id = 7 };
	struct smmuv3_device *device;
	u32 last = 0x8000 + SMMUV3_STREAMS_MAX - 1;

	device = smmuv3_fake_device(st->fake, 0x8000, SMMUV3_STREAMS_MAX, 1);
	device->can_stall = true;
	device->source =
		iommufd_fault_source_register(st->fake->unit.dev,
					      &st->fake->unit.fault_unit, 8,
					      device);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, device->source);
	attach = iommufd_fault_attach_alloc(st->fake->unit.dev, IOMMU_NO_PASID,
					    st->ft.queue, &who);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_ASSERT_EQ(test, iommufd_fault_attach_install(attach), 0);
	st_stall(st, last, NOPASID, 0xffff, 0x1000);
	st_interrupt(st);
	KUNIT_ASSERT_GT(test, ft_read(&st->ft, 8), 0);
	KUNIT_EXPECT_EQ(test, st->ft.recs[0].grpid, 0x7fffff);
	ft_answer(&st->ft, st->ft.recs[0].cookie, SUCCESS);
	KUNIT_EXPECT_EQ(test, st_resumes(st, last, 0xffff, true), 1);
	iommufd_fault_attach_remove(attach);
	iommufd_fault_source_unregister(device->source);
	st_done(st);
}

/*
 * Nobody there, a device that must not stall, one without source, and one that
 * nobody listens to: each transaction is aborted, and said to have failed.
 */
static void evtq_nobody(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct smmuv3_device *silent;

	silent = smmuv3_fake_device(st->fake, 0x4321, 1, 1);
	silent->can_stall = true;
	st->fn[1].device->can_stall = false;
	st_stall(st, 0xdead, NOPASID, 1, 0x1000);
	st_stall(st, 0xdead, 9, 2, 0x1000);
	st_stall(st, 0x4321, NOPASID, 3, 0x1000);
	st_stall(st, SID0 + 2, NOPASID, 4, 0x1000);
	st_stall(st, SID1, 8, 5, 0x1000);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_resumes(st, 0xdead, 1, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, 0xdead, 2, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, 0x4321, 3, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 2, 4, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID1, 5, false), 1);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, 6);
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).unknown, 2);
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 1);
	KUNIT_EXPECT_EQ(test, st_faults(st), 5);
	st->fn[1].device->can_stall = true;
	st_done(st);
}

/*
 * A fault of stage 2 under a user's stage 1 is none of his: aborted. Where the
 * stage 2 table is all there is, it is like any other.
 */
static void evtq_stage2(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct smmuv3_domain domain = { .kind = SMMUV3_DOMAIN_NESTED };
	struct smmuv3_attachment attachment = { .domain = &domain };
	struct iommufd_fault_attach *attach[2];
	struct xarray *attachments = &st->fn[0].device->attachments;
	unsigned int i;
	u64 qw[4];

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 0, 5);
	xa_store(attachments, IOMMU_NO_PASID, &attachment, GFP_KERNEL);
	for (i = 0; i < 2; i++) {
		/* A PASID of a guest's own table has no attachment */
		st_make_stall(qw, SID0, i ? 5 : NOPASID, 1, 0x1000);
		st_record(st, &st->evtq, qw);
		qw[1] |= BIT_ULL(39) | 1;
		qw[1]++;
		st_record(st, &st->evtq, qw);
		st_interrupt(st);
		KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 2, false), 1);
		KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 1);
		KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 1 + i);
		KUNIT_EXPECT_EQ(test, st_faults(st), 1 + i);
		st_forget(st);
	}
	domain.kind = SMMUV3_DOMAIN_STAGE2;
	qw[1]++;
	st_record(st, &st->evtq, qw);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 0);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 3);
	xa_erase(attachments, IOMMU_NO_PASID);
	synchronize_rcu();
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	st_done(st);
}

/* No room in the queue that user space reads: it is translated again. */
static void evtq_retry(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_STALL, 4, 512);
	unsigned int i;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (i = 0; i < 300; i++)
		st_stall(st, SID0, NOPASID, i, 0x1000);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 296);
	/* 128 fit in a submission */
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, 3);
	for (i = 0; i < 300; i++)
		KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, i, true), i >= 4);
	iommufd_fault_attach_remove(attach);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, i, false), 1);
	st_done(st);
}

/* Many times round the queue, in pieces of every size up to a full one. */
static void evtq_wrap(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_STALL, 256, 256);
	struct iommu_hwpt_page_response resp[64];
	unsigned int size, i, total = 0;
	u64 want = 0, serial = 0;
	ssize_t got;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (size = 1; size <= ST_SLOTS; size += 1 + size / 4) {
		/* Faults, and now and then a stall */
		for (i = 0; i < size; i++) {
			u64 qw[4];

			if (i % 16) {
				st_make_fault(qw, SID1);
			} else {
				st_make_stall(qw, SID0, NOPASID, serial,
					      serial << 12);
				serial++;
			}
			KUNIT_ASSERT_TRUE(test, st_record(st, &st->evtq, qw));
		}
		st_interrupt(st);
		total += size;
		KUNIT_EXPECT_EQ(test, st_stats(st).events, total);
		while ((got = ft_read(&st->ft, 64)) > 0) {
			got /= sizeof(st->ft.recs[0]);
			for (i = 0; i < got; i++, want++) {
				KUNIT_EXPECT_EQ(test, st->ft.recs[i].addr,
						want << 12);
				resp[i].cookie = st->ft.recs[i].cookie;
				resp[i].code = SUCCESS;
			}
			KUNIT_EXPECT_GT(test, st_answer(st, resp, got), 0);
		}
		st_forget(st);
	}
	/* A full one too, which is not an overflow */
	for (i = 0; i < ST_SLOTS; i++) {
		u64 qw[4];

		st_make_fault(qw, SID1);
		KUNIT_ASSERT_TRUE(test, st_record(st, &st->evtq, qw));
	}
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_stats(st).events, total + ST_SLOTS);
	KUNIT_EXPECT_EQ(test, st_stats(st).event_overflows, 0);
	KUNIT_EXPECT_EQ(test, want, serial);
	KUNIT_EXPECT_GT(test, total, 3 * ST_SLOTS);
	KUNIT_EXPECT_LE(test, st->evtq.max_freed, 32);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

static void evtq_orders(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);

	/* Nobody listens, so each of them is answered at once. */
	st_orders(st, &st->evtq);
	st_done(st);
}

static void evtq_fill(struct st *st, u32 sid)
{
	u64 qw[4];

	st_make_fault(qw, sid);
	while (st_add(st, &st->evtq, qw))
		;
}

/*
 * The queue runs over at each moment of a pass, with stalled transactions that
 * have to wait: faults are lost, and that is counted; no stalled one is.
 */
static void evtq_overflow_step(struct st *st)
{
	unsigned int *at = st->priv;
	u64 qw[4];

	if (st->steps != *at)
		return;
	evtq_fill(st, SID1);
	st_make_stall(qw, SID0, NOPASID, 1, 0x1000);
	st_add(st, &st->evtq, qw);
	st_make_stall(qw, SID0, NOPASID, 2, 0x2000);
	st_add(st, &st->evtq, qw);
}

static void evtq_overflow_orders(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int at, i, reached = 0;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	for (at = 1; at < 60; at++) {
		u64 overflows = st_stats(st).event_overflows;
		u64 stalls = st_stats(st).stalls;
		u64 events = st_stats(st).events;
		u64 qw[4];

		st->on_step = NULL;
		st->evtq.dropped = 0;
		st_make_fault(qw, SID1);
		for (i = 0; i < 40; i++)
			st_record(st, &st->evtq, qw);
		st->steps = 0;
		st->priv = &at;
		st->on_step = evtq_overflow_step;
		st_interrupt(st);
		if (!st->evtq.dropped)
			break;
		reached++;
		KUNIT_EXPECT_EQ(test, st->evtq.dropped, 1);
		KUNIT_EXPECT_EQ_MSG(test, st_stats(st).event_overflows,
				    overflows + 1, "step %u", at);
		KUNIT_EXPECT_EQ_MSG(test, st_stats(st).stalls, stalls + 2,
				    "step %u", at);
		KUNIT_EXPECT_GT(test, st_stats(st).events, events + ST_SLOTS);
		KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 8),
				2 * sizeof(st->ft.recs[0]));
		KUNIT_EXPECT_EQ(test, st->ft.recs[0].grpid, 1);
		KUNIT_EXPECT_EQ(test, st->ft.recs[1].grpid, 2);
		st->on_step = NULL;
		ft_answer(&st->ft, st->ft.recs[0].cookie, SUCCESS);
		ft_answer(&st->ft, st->ft.recs[1].cookie, SUCCESS);
		st_forget(st);
	}
	/* PROD, CONS twice, PROD again at least */
	KUNIT_EXPECT_GE(test, reached, 4);
	st->on_step = NULL;
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* Twice before the driver looks is one overflow; twice after is two. */
static void evtq_overflow_counts(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int i;
	u64 qw[4];

	for (i = 1; i <= 5; i++) {
		unsigned long flags;

		raw_spin_lock_irqsave(&st->fake->lock, flags);
		evtq_fill(st, SID1);
		st_make_fault(qw, SID1);
		KUNIT_EXPECT_FALSE(test, st_add(st, &st->evtq, qw));
		raw_spin_unlock_irqrestore(&st->fake->lock, flags);
		st_interrupt(st);
		KUNIT_EXPECT_EQ(test, st_stats(st).event_overflows, i);
		KUNIT_EXPECT_EQ(test, st->evtq.dropped, 2 * i);
		st_forget(st);
	}
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 5 * ST_SLOTS);
	st_done(st);
}

/* 256 outstanding over streams and PASIDs, answered in random order by hundreds. */
static void evtq_batches(struct kunit *test)
{
	static const u32 codes[] = { SUCCESS, INVALID, FAILURE };
	struct iommu_hwpt_page_response *resp;
	struct iommufd_fault_attach *attach[4];
	struct st *st = st_new(test, ST_STALL, 256, 256);
	unsigned int i, num = 0, calls = 0;
	struct rnd_state rnd;
	u8 *retried;
	ssize_t got;

	resp = kunit_kcalloc(test, 256, sizeof(*resp), GFP_KERNEL);
	retried = kunit_kzalloc(test, 256, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resp);
	KUNIT_ASSERT_NOT_NULL(test, retried);
	prandom_seed_state(&rnd, 3);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		attach[i] = st_attach(st, 0, 1 + i);
	for (i = 0; i < 256; i++)
		KUNIT_ASSERT_TRUE(test, st_stall(st, SID0 + i % ST_STREAMS,
						 1 + i % 4, i, 0x1000));
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
	while ((got = ft_read(&st->ft, 512)) > 0) {
		for (i = 0; i < got / sizeof(st->ft.recs[0]); i++, num++) {
			const struct iommu_hwpt_pgfault *rec = &st->ft.recs[i];
			u32 code = codes[prandom_u32_state(&rnd) % 3];

			resp[num].cookie = rec->cookie;
			resp[num].code = code;
			retried[rec->grpid & 0xffff] = code == SUCCESS;
		}
	}
	KUNIT_ASSERT_EQ(test, num, 256);
	for (i = num - 1; i; i--) {
		unsigned int other = prandom_u32_state(&rnd) % (i + 1);

		swap(resp[i], resp[other]);
	}
	for (i = 0; i < num; i += 128, calls++)
		KUNIT_EXPECT_EQ(test, st_answer(st, resp + i, 128),
				128 * sizeof(*resp));
	/* 128 answers are one submission, with one SYNC */
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, calls);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 256);
	for (i = 0; i < 256; i++)
		KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + i % ST_STREAMS, i,
						 retried[i]), 1);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	st_done(st);
}

/* The one interrupt that the unit raises for what is there does not come. */
static void evtq_lose_interrupt(struct st *st)
{
	KUNIT_EXPECT_TRUE(st->test, st_take_interrupt(st, &st->evtq));
}

/* Whatever interrupt is next, its thread hands over all, in order. */
static void evtq_withheld(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach[2];
	unsigned int i;

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, 5);
	for (i = 0; i < 8; i++) {
		st_stall(st, SID0 + i % ST_STREAMS, NOPASID, i, i << 12);
		if (!i)
			evtq_lose_interrupt(st);
	}
	st_stall(st, SID1, 5, 20, 0x1000);
	/* It is not empty, which the unit has told already (3.18.1) */
	KUNIT_EXPECT_FALSE(test, st_take_interrupt(st, &st->evtq));
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 0);

	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_EVTQ);
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 9);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 9);
	KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 16),
			9 * sizeof(st->ft.recs[0]));
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, st->ft.recs[i].addr, (u64)i << 12);

	/* From here on it tells again */
	st_stall(st, SID1, 5, 21, 0x2000);
	KUNIT_EXPECT_TRUE(test, st_take_interrupt(st, &st->evtq));
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_EVTQ);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 10);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 0);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 10);
	st_done(st);
}

/*
 * And if none ever comes: a drain hands over all that is there, whoever it is of, and
 * who is detached has an answer to all of his.
 */
static void evtq_withheld_drain(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach[2];

	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, 5);
	st_stall(st, SID0 + 1, NOPASID, 1, 0x1000);
	evtq_lose_interrupt(st);
	st_stall(st, SID0 + 2, NOPASID, 2, 0x1000);
	st_stall(st, SID1, 5, 3, 0x1000);
	smmuv3_evtq_drain(st->fn[1].device, 9);
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 3);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 3);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 0);

	/* The unit tells again, to nobody */
	st_stall(st, SID0, NOPASID, 4, 0x1000);
	evtq_lose_interrupt(st);
	st_stall(st, SID1 + 1, 5, 5, 0x1000);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 1, 1, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 2, 2, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 4, false), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 3);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 2);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID1, 3, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID1 + 1, 5, false), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 5);

	/* Nobody listens any more */
	st_stall(st, SID0, NOPASID, 6, 0x1000);
	evtq_lose_interrupt(st);
	smmuv3_evtq_drain(st->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 6, false), 1);
	st_done(st);
}

static void evtq_gone(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);

	smmuv3_fake_set32(st->fake, FAKE_EVTQ_PROD, U32_MAX);
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_EVTQ);
	smmuv3_evtq_drain(st->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 0);
	KUNIT_EXPECT_EQ(test, st_stats(st).event_overflows, 0);
	smmuv3_fake_set32(st->fake, FAKE_EVTQ_PROD, 0);
	st_done(st);
}

static void evtq_capacity(struct kunit *test)
{
	static const struct {
		u32 max, want;
	} cases[] = { { 0, 1 }, { 1, 1 }, { 256, 256 }, { 4096, 4096 },
		      { 0xffff, 4096 } };
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct smmuv3_device *device = st->fn[0].device;
	struct smmuv3_unit *unit = &st->fake->unit;
	struct smmuv3_caps caps = unit->caps;
	u32 idr5 = unit->idr[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit->idr[5] = (idr5 & 0xffff) | cases[i].max << 16;
		KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device),
				cases[i].want);
	}
	unit->caps.stall = false;
	unit->caps.stall_always = true;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 4096);
	unit->caps.stall_always = false;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	unit->caps = caps;
	/* A platform device that does not stall has nothing */
	device->can_stall = false;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	device->can_stall = true;
	unit->idr[5] = idr5;
	st_done(st);
}

/* --- drain --- */

/**
 * struct evtq_drain - what happens while the driver drains
 * @rounds: invalidations of the first stream so far
 * @fills: that many of them come with a full queue
 * @stag: tag of the stall that comes with each
 */
struct evtq_drain {
	unsigned int rounds;
	unsigned int fills;
	u16 stag;
};

/* Before the invalidation is complete, the unit records what it was at. */
static void evtq_drain_step(struct st *st)
{
	struct evtq_drain *d = st->priv;
	unsigned int num = st->fake->num_log;
	u64 qw[4];

	/* The command before this step */
	if (!num || st->fake->log[num - 1].cmd.qw[0] !=
		    (FAKE_CFGI_STE | (u64)SID0 << 32))
		return;
	st->on_step = NULL;
	d->rounds++;
	if (d->fills) {
		d->fills--;
		evtq_fill(st, SID1);
	}
	st_make_stall(qw, SID0, 7, d->stag++, 0x1000);
	st_add(st, &st->evtq, qw);
}

static void evtq_drain(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 256, 256);
	struct iommufd_fault_attach *attach = st_attach(st, 0, 7);
	struct smmuv3_device *device = st->fn[0].device;
	unsigned int i;

	/* One CFGI_STE a stream, and a SYNC; nothing of another device. */
	smmuv3_faults_drain(device, 7);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, ST_STREAMS + 1);
	KUNIT_EXPECT_EQ(test, st->fake->num_syncs, 1);
	for (i = 0; i < ST_STREAMS; i++)
		KUNIT_EXPECT_EQ(test, st->fake->log[i].cmd.qw[0],
				0x03 | (u64)(SID0 + i) << 32);
	st_forget(st);

	for (i = 0; i < 2; i++) {
		struct evtq_drain d = { .fills = i, .stag = 0x10 * (i + 1) };

		/* One is in the queue, one comes with the invalidation. */
		st_stall(st, SID0, 7, 0x100 + i, 0x1000);
		st->priv = &d;
		st->on_step = evtq_drain_step;
		smmuv3_faults_drain(device, 7);
		st->on_step = NULL;
		KUNIT_EXPECT_EQ(test, d.rounds, 1);
		/* With a full queue it waited, so once more. */
		KUNIT_EXPECT_EQ(test, st->fake->num_syncs, 1 + i);
		KUNIT_EXPECT_EQ(test, st->evtq.num_held, 0);
		KUNIT_EXPECT_EQ_MSG(test, st_queue_stats(st).pending,
				    2 * (i + 1), "fills %u", i);
		st_forget(st);
	}
	iommufd_fault_attach_remove(attach);
	st_interrupt(st);
	st_done(st);
}

/* Each invalidation finds the queue full of another device's faults. */
static void evtq_storm_step(struct st *st)
{
	unsigned int num = st->fake->num_log, *rounds = st->priv;

	if (!num || st->fake->log[num - 1].cmd.qw[0] !=
		    (FAKE_CFGI_STE | (u64)SID0 << 32))
		return;
	if (++*rounds == 2 * SMMUV3_DRAIN_ROUNDS)
		st->on_step = NULL;
	evtq_fill(st, SID1);
}

/* A device that never falls silent keeps nobody else's drain for ever. */
static void evtq_drain_storm(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int rounds = 0;

	st->priv = &rounds;
	st->on_step = evtq_storm_step;
	smmuv3_faults_drain(st->fn[0].device, 7);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(test, rounds, SMMUV3_DRAIN_ROUNDS);
	st_interrupt(st);
	st_done(st);
}

/*
 * What was replaced is tried again; what comes out of the queue by then is the new
 * one's. What was taken away is aborted.
 */
static void evtq_detach(struct kunit *test)
{
	struct smmuv3_cmd abort = FAKE_CMD(0x2044 | (u64)(SID0 + 3) << 32, 3);
	struct smmuv3_cmd term = FAKE_CMD(0x45 | (u64)SID0 << 32, 0);
	struct st *st = st_new(test, ST_STALL, 256, 256);
	struct iommufd_fault_attach *attach = st_attach(st, 0, 7), *new;

	st_stall(st, SID0 + 1, 7, 1, 0x1000);
	st_interrupt(st);
	st_stall(st, SID0 + 2, 7, 2, 0x1000);
	new = ft_alloc(&st->ft, 0, 7);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, new);
	KUNIT_ASSERT_EQ(test, iommufd_fault_attach_prepare_replace(attach, new),
			0);
	iommufd_fault_attach_replace(attach, new);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 1, 1, true), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 1);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_STALL_TERM), 0);
	st_forget(st);

	st_stall(st, SID0 + 3, 7, 3, 0x1000);
	iommufd_fault_attach_remove(new);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 2, 2, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 3, 3, false), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 2);
	/* Nobody listens any more: every stream is cleared, after the answers. */
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_STALL_TERM), ST_STREAMS);
	KUNIT_EXPECT_LT(test, smmuv3_fake_find(st->fake, 0, &abort),
			smmuv3_fake_find(st->fake, 0, &term));
	st_interrupt(st);
	st_done(st);
}

/* Starting anew: what is stalled is aborted, and what comes later is as ever. */
static void evtq_reset(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 256, 256);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);
	struct iommufd_fault_pri pri;

	KUNIT_ASSERT_EQ(test, iommufd_fault_pri_query(st->fn[0].dev, &pri), 0);
	KUNIT_EXPECT_EQ(test, pri.hw.capacity, 256);
	KUNIT_EXPECT_FALSE(test, pri.hw.failed);
	KUNIT_EXPECT_FALSE(test, pri.hw.resp_pasid);
	st_stall(st, SID0, NOPASID, 1, 0x1000);
	st_interrupt(st);
	st_stall(st, SID0, NOPASID, 2, 0x1000);
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(st->fn[0].dev), 0);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 1, false), 1);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 2, false), 1);
	st_stall(st, SID0, NOPASID, 3, 0x1000);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 1);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* --- threads --- */

static void evtq_drain_race(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 4096, 4096);
	struct iommufd_fault_attach *attach;
	struct smmuv3_device *device = st->fn[0].device;
	struct st_race race;
	unsigned int i, j, num = 0;

	attach = st_attach(st, 0, 7);
	st_race_start(st, &st->evtq, &race);
	for (i = 0; i < 80; i++) {
		for (j = 0; j < i % 9 && num < 250; j++)
			num += st_stall(st, SID0, 7, num, 0x1000);
		smmuv3_evtq_drain(device, 7);
		KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, num);
		st_forget(st);
	}
	st_race_end(&race);
	st_interrupt(st);
	KUNIT_EXPECT_GT(test, num, 100);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/*
 * The device goes while its transactions stall: all are answered, those of before
 * by the door, those of after because nobody knows the StreamID.
 */
static void evtq_unplug(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 256, 256);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);
	struct smmuv3_device *device = st->fn[0].device;
	struct iommufd_fault_source *source = device->source;
	struct st_race race;
	unsigned int i, num = 0;
	u64 unknown;

	st_race_start(st, &st->evtq, &race);
	for (i = 0; i < 100; i++) {
		num += st_stall(st, SID0, NOPASID, i, 0x1000);
		if (i == 50) {
			WRITE_ONCE(device->source, NULL);
			synchronize_rcu();
			iommufd_fault_source_unregister(source);
		}
		if (i == 70)
			xa_erase(&st->fake->unit.streams, SID0);
	}
	KUNIT_EXPECT_EQ(test, num, 100);
	synchronize_rcu();
	st_race_end(&race);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st->answers, 100);
	unknown = st_stats(st).unknown;
	KUNIT_EXPECT_LE(test, unknown, 100);
	KUNIT_EXPECT_LE(test, st_stats(st).stalls, 100 - unknown);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 0);
	st_forget(st);
	st_stall(st, SID0, NOPASID, 0x77, 0x1000);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 0x77, false), 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).unknown, unknown + 1);
	/* The attach was cut off, and can go at any time. */
	iommufd_fault_attach_remove(attach);
	st->ft.source[0] = NULL;
	st_done(st);
}

static struct kunit_case smmuv3_evtq_cases[] = {
	KUNIT_CASE(evtq_start_stop),
	KUNIT_CASE(evtq_fields),
	KUNIT_CASE(evtq_literal),
	KUNIT_CASE(evtq_names),
	KUNIT_CASE(evtq_faults),
	KUNIT_CASE(evtq_stall),
	KUNIT_CASE(evtq_streams),
	KUNIT_CASE(evtq_many_streams),
	KUNIT_CASE(evtq_nobody),
	KUNIT_CASE(evtq_stage2),
	KUNIT_CASE(evtq_retry),
	KUNIT_CASE(evtq_wrap),
	KUNIT_CASE(evtq_orders),
	KUNIT_CASE(evtq_overflow_orders),
	KUNIT_CASE(evtq_overflow_counts),
	KUNIT_CASE(evtq_batches),
	KUNIT_CASE(evtq_withheld),
	KUNIT_CASE(evtq_withheld_drain),
	KUNIT_CASE(evtq_gone),
	KUNIT_CASE(evtq_capacity),
	KUNIT_CASE(evtq_drain),
	KUNIT_CASE(evtq_drain_storm),
	KUNIT_CASE(evtq_detach),
	KUNIT_CASE(evtq_reset),
	KUNIT_CASE_SLOW(evtq_drain_race),
	KUNIT_CASE_SLOW(evtq_unplug),
	{}
};

static struct kunit_suite smmuv3_evtq_suite = {
	.name = "iommufd_smmuv3_evtq",
	.test_cases = smmuv3_evtq_cases,
};

kunit_test_suite(smmuv3_evtq_suite);
