// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: records of faults that an SMMUv3 could not write (IHI 0070 7.2.2, 8.2), and
 * interrupts that it could not send (3.18.1): nobody waits for ever for an answer to what
 * was lost, and CMD_STALL_TERM is given only while the stream aborts (4.7.2).
 */
#include <linux/ktime.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "smmuv3_faults_kunit.h"

#define SID0	ST_SID(0)
#define SID1	ST_SID(1)
#define NOPASID	FT_NO_PASID

#define SUCCESS	IOMMUFD_PAGE_RESP_SUCCESS
/* Code of CMD_PRI_RESP (4.5.2) */
#define RESP_INVALID	1

/* 6.3.18 */
#define EVENTQ_ABORT	BIT(2)
#define PRIQ_ABORT	BIT(3)
#define MSI_EVENTQ_ABORT	BIT(5)
#define MSI_PRIQ_ABORT	BIT(6)

static u32 lost_active(struct st *st)
{
	return smmuv3_gerror_active(&st->fake->unit);
}

/* The unit says so, and the driver does what there is to do. */
static void lost_raise(struct st *st, u32 error)
{
	u32 gerror = smmuv3_fake_reg32(st->fake, FAKE_GERROR);

	KUNIT_EXPECT_EQ(st->test, lost_active(st), 0);
	smmuv3_fake_set32(st->fake, FAKE_GERROR, gerror ^ error);
	smmuv3_lost_records(&st->fake->unit);
	smmuv3_lost_settle(&st->fake->unit);
	KUNIT_EXPECT_EQ(st->test, lost_active(st), 0);
}

/* The device goes somewhere, where faults may stall. */
static void lost_go_live(struct st *st, int fn)
{
	static const struct smmuv3_stream_target live = {
		.type = SMMUV3_STREAM_BYPASS,
	};
	struct mutex *lock = &st->fake->unit.lock;

	mutex_lock(lock);
	KUNIT_EXPECT_EQ(st->test,
			smmuv3_stream_set(st->fn[fn].device, &live, NULL), 0);
	mutex_unlock(lock);
	st_forget(st);
}

/* CMD_STALL_TERM of all streams of the first device, each behind abort and SYNC. */
static void lost_expect_terms(struct st *st, bool live)
{
	struct smmuv3_fake *fake = st->fake;
	unsigned int i, at, last, cfgi;

	KUNIT_EXPECT_EQ(st->test, st_count(st, FAKE_STALL_TERM), ST_STREAMS);
	for (i = 0; i < ST_STREAMS; i++) {
		struct smmuv3_cmd term = FAKE_CMD(FAKE_STALL_TERM |
						  (u64)(SID0 + i) << 32, 0);

		at = smmuv3_fake_find(fake, 0, &term);
		KUNIT_ASSERT_NE(st->test, at, UINT_MAX);
		cfgi = UINT_MAX;
		for (last = 0; last < at; last++)
			if ((fake->log[last].cmd.qw[0] & ~0xfffff000ULL) ==
			    (FAKE_CFGI_STE | (u64)(SID0 + i) << 32))
				cfgi = last;
		/* A SYNC in between has an own number */
		KUNIT_ASSERT_NE(st->test, cfgi, UINT_MAX);
		KUNIT_EXPECT_GT(st->test, fake->log[at].sync,
				fake->log[cfgi].sync);
		/* And it goes back to where it was, not before a SYNC either */
		cfgi = UINT_MAX;
		for (last = at + 1; last < fake->num_log; last++)
			if (fake->log[last].cmd.qw[0] ==
			    (FAKE_CFGI_STE | (u64)(SID0 + i) << 32))
				cfgi = last;
		KUNIT_EXPECT_EQ(st->test, cfgi != UINT_MAX, live);
		if (live && cfgi != UINT_MAX)
			KUNIT_EXPECT_GT(st->test, fake->log[cfgi].sync,
					fake->log[at].sync);
	}
}

/* Each STALL_TERM finds entries that abort. */
static void lost_term_step(struct st *st)
{
	const struct smmuv3_fake *fake = st->fake;

	if (fake->num_log &&
	    smmuv3_fake_op(&fake->log[fake->num_log - 1].cmd) ==
		    FAKE_STALL_TERM)
		KUNIT_EXPECT_EQ(st->test, st->fn[0].device->stream.type,
				SMMUV3_STREAM_ABORT);
}

/*
 * One stall that user space has, one whose record is in the queue, one whose record was
 * lost; and the device goes on afterwards.
 */
static void lost_events(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);
	u32 cookie;

	lost_go_live(st, 0);
	st_stall(st, SID0 + 1, NOPASID, 1, 0x1000);
	st_interrupt(st);
	KUNIT_ASSERT_GT(test, ft_read(&st->ft, 8), 0);
	cookie = st->ft.recs[0].cookie;
	st_stall(st, SID0 + 2, NOPASID, 2, 0x2000);
	st->on_step = lost_term_step;
	lost_raise(st, EVENTQ_ABORT);
	st->on_step = NULL;

	/* Empty, unseen: what is there may be no record at all. */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(st->fake, FAKE_EVTQ_CONS), 2);
	KUNIT_EXPECT_EQ(test, st_stats(st).stalls, 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).aborts, 1);
	/* What the door had is answered, once, before it is terminated. */
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 1, 1, false), 1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 1);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 0);
	lost_expect_terms(st, true);
	KUNIT_EXPECT_EQ(test, st->fn[0].device->stream.type,
			SMMUV3_STREAM_BYPASS);
	/* Too late */
	KUNIT_EXPECT_LT(test, ft_answer(&st->ft, cookie, SUCCESS), 0);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_RESUME), 1);
	st_forget(st);

	st_stall(st, SID0, NOPASID, 3, 0x3000);
	st_interrupt(st);
	KUNIT_ASSERT_GT(test, ft_read(&st->ft, 8), 0);
	ft_answer(&st->ft, st->ft.recs[0].cookie, SUCCESS);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0, 3, true), 1);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* A device that nobody has answered for is left alone; twice is twice. */
static void lost_events_others(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int i;

	lost_go_live(st, 0);
	lost_go_live(st, 1);
	for (i = 1; i <= 2; i++) {
		lost_raise(st, EVENTQ_ABORT);
		KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
		KUNIT_EXPECT_EQ(test, st_stats(st).aborts, i);
	}
	KUNIT_EXPECT_EQ(test, st->fn[1].device->stream.type,
			SMMUV3_STREAM_BYPASS);
	st_done(st);
}

/* An overflow at the same time is acknowledged with it. */
static void lost_events_overflow(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	unsigned int i;
	u64 qw[4];

	st_make_fault(qw, SID1);
	for (i = 0; i <= ST_SLOTS; i++)
		st_record(st, &st->evtq, qw);
	lost_raise(st, EVENTQ_ABORT);
	/* On the next lap */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(st->fake, FAKE_EVTQ_CONS),
			ST_SLOTS | BIT(31));
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 0);
	st_record(st, &st->evtq, qw);
	st_take_interrupt(st, &st->evtq);
	smmuv3_fake_interrupt(st->fake, SMMUV3_IRQ_EVTQ);
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).event_overflows, 0);
	st_done(st);
}

static bool (*lost_write)(struct smmuv3_fake *fake, unsigned int reg,
			  unsigned int size, u64 val);

/* As soon as the error is acknowledged the unit writes again, to both queues. */
static bool lost_ack_write(struct smmuv3_fake *fake, unsigned int reg,
			   unsigned int size, u64 val)
{
	struct st *st = fake->priv;
	u64 qw[4];

	if (reg == FAKE_GERRORN) {
		st_make_fault(qw, SID1);
		st_add(st, &st->evtq, qw);
		st_make_request(qw, SID1, NOPASID, 1, 0x1000, ST_R | ST_LAST);
		st_add(st, &st->priq, qw);
	}
	return lost_write(fake, reg, size, val);
}

/* What comes once it is acknowledged is a good record, and not thrown away. */
static void lost_before_acknowledged(struct kunit *test)
{
	static const u32 errors[] = { EVENTQ_ABORT, PRIQ_ABORT };
	struct st *st = st_new(test, ST_PCI, 64, 64);
	unsigned int i;

	lost_write = st->fake->on_write;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		st->fake->on_write = lost_ack_write;
		lost_raise(st, errors[i]);
		st->fake->on_write = lost_write;
		st_interrupt(st);
		KUNIT_EXPECT_EQ(test, st_stats(st).events, i + 1);
		KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 1,
						   RESP_INVALID), i + 1);
	}
	st_done(st);
}

/* Memory that stays bad: it is dealt with now and then, not all the time. */
static void lost_again_and_again(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct smmuv3_unit *unit = &st->fake->unit;
	struct smmuv3_evtq *evtq = unit->evtq;
	unsigned long before = jiffies;

	smmuv3_lost_records(unit);
	/* At once */
	KUNIT_EXPECT_FALSE(test, timer_pending(&evtq->lost.timer));
	smmuv3_lost_settle(unit);
	KUNIT_EXPECT_TRUE(test, time_after_eq(evtq->lost_last, before));
	/* However long the test was away */
	evtq->lost_last = jiffies + HZ;
	smmuv3_lost_records(unit);
	KUNIT_EXPECT_TRUE(test, timer_pending(&evtq->lost.timer));
	smmuv3_lost_settle(unit);
	st_done(st);
}

/*
 * Where no interrupt tells of errors, a pass finds out, and so does a drain. Where there
 * is one, a pass leaves it to that; if it was lost, the next drain finds out.
 */
static void lost_look(struct kunit *test, enum st_kind kind, u32 error)
{
	struct st *st = st_new(test, kind, 64, 64);
	struct smmuv3_unit *unit = &st->fake->unit;
	u32 gerror;
	u64 qw[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		unit->gerror_irq = i >= 2;
		gerror = smmuv3_fake_reg32(st->fake, FAKE_GERROR);
		/* That of the third turn is there still in the fourth */
		if (i < 3)
			smmuv3_fake_set32(st->fake, FAKE_GERROR,
					  gerror ^ error);
		if (i % 2) {
			smmuv3_faults_drain(st->fn[0].device, IOMMU_NO_PASID);
		} else if (kind == ST_STALL) {
			st_make_fault(qw, SID1);
			st_record(st, &st->evtq, qw);
			st_interrupt(st);
		} else {
			st_request(st, SID1, NOPASID, 1, 0x1000,
				   ST_R | ST_LAST);
			st_interrupt(st);
		}
		smmuv3_lost_settle(unit);
		KUNIT_EXPECT_EQ(test, lost_active(st), i == 2 ? error : 0);
	}
	unit->gerror_irq = false;
	st_done(st);
}

static void lost_without_interrupt(struct kunit *test)
{
	lost_look(test, ST_STALL, EVENTQ_ABORT);
}

static void lost_without_interrupt_unsent(struct kunit *test)
{
	lost_look(test, ST_STALL, MSI_EVENTQ_ABORT);
}

static void lost_without_interrupt_pri(struct kunit *test)
{
	lost_look(test, ST_PCI, PRIQ_ABORT);
}

static void lost_without_interrupt_pri_unsent(struct kunit *test)
{
	lost_look(test, ST_PCI, MSI_PRIQ_ABORT);
}

static void lost_unsent_record(const struct st_queue *q, u64 *qw)
{
	if (q->pri)
		st_make_request(qw, SID1, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	else
		st_make_fault(qw, SID1);
}

/*
 * One more while what was there is given back. The queue is not empty then, so nothing
 * tells of it; but the unit may tell again that it could not send an interrupt.
 */
static void lost_unsent_step(struct st *st)
{
	struct st_queue *q = st->priv;
	u64 qw[4];

	KUNIT_EXPECT_EQ(st->test, smmuv3_fake_reg32(st->fake, FAKE_GERROR),
			smmuv3_fake_reg32(st->fake, FAKE_GERRORN));
	/* The first reads PROD of the event queue, the second that of the other one */
	if (st->steps != (q->pri ? 3 : 2))
		return;
	lost_unsent_record(q, qw);
	st_add(st, q, qw);
}

/* The unit says that it could not send an interrupt: nothing waits for that to come. */
static void lost_unsent(struct st *st, struct st_queue *q, u32 error)
{
	u64 qw[4];

	lost_unsent_record(q, qw);
	st_record(st, q, qw);
	KUNIT_EXPECT_TRUE(st->test, st_take_interrupt(st, q));
	st->steps = 0;
	st->priv = q;
	st->on_step = lost_unsent_step;
	lost_raise(st, error);
	/* And as often as it takes: twice, and once more for nothing */
	smmuv3_lost_settle(&st->fake->unit);
	smmuv3_lost_settle(&st->fake->unit);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(st->test, smmuv3_fake_reg32(st->fake, q->cons_reg),
			q->prod);
	KUNIT_EXPECT_EQ(st->test, q->prod, 2);
	KUNIT_EXPECT_FALSE(st->test, st_take_interrupt(st, q));
	/* It was no record that was lost */
	KUNIT_EXPECT_EQ(st->test, st_stats(st).aborts, 0);
}

static void lost_unsent_interrupts(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);

	lost_unsent(st, &st->evtq, MSI_EVENTQ_ABORT);
	KUNIT_EXPECT_EQ(test, st_stats(st).events, 2);
	lost_unsent(st, &st->priq, MSI_PRIQ_ABORT);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 1, RESP_INVALID),
			2);
	st_done(st);
}

/* The last one that listens goes: it is terminated where that is allowed alone. */
static void lost_disable(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach;
	struct smmuv3_device *device = st->fn[0].device;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	KUNIT_EXPECT_TRUE(test, device->stalls);
	lost_go_live(st, 0);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_STALL_TERM), 0);
	/* Something may be left, so it is ended when records are lost. */
	KUNIT_EXPECT_TRUE(test, device->stalls);
	st_forget(st);
	st->on_step = lost_term_step;
	lost_raise(st, EVENTQ_ABORT);
	lost_expect_terms(st, true);
	KUNIT_EXPECT_FALSE(test, device->stalls);
	st->on_step = NULL;
	st_done(st);
}

/*
 * What was marked to end may take a while, and the entries must not say anything but abort
 * before (4.7.2): who attaches next waits for the lock.
 */
static void lost_disable_blocked(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach;
	ktime_t begin;

	attach = st_attach(st, 0, IOMMU_NO_PASID);
	begin = ktime_get();
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_GE(test, ktime_us_delta(ktime_get(), begin), 5000);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_STALL_TERM), ST_STREAMS);
	KUNIT_EXPECT_FALSE(test, st->fn[0].device->stalls);
	st_done(st);
}

/* At the reset of a device that is live: nothing new can stall before the drain. */
static void lost_stop_step(struct st *st)
{
	unsigned int num = st->fake->num_log;
	u64 qw[4];

	lost_term_step(st);
	if (!num || st->fake->log[num - 1].cmd.qw[0] !=
		    (FAKE_CFGI_STE | (u64)SID0 << 32) ||
	    st->fn[0].device->stream.type != SMMUV3_STREAM_ABORT || !st->priv)
		return;
	/* What it was at when the entries changed is seen with the SYNC. */
	st->priv = NULL;
	st_make_stall(qw, SID0 + 3, NOPASID, 9, 0x9000);
	st_add(st, &st->evtq, qw);
}

static void lost_reset(struct kunit *test)
{
	struct st *st = st_new(test, ST_STALL, 64, 64);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);

	lost_go_live(st, 0);
	st->priv = st;
	st->on_step = lost_stop_step;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(st->fn[0].dev), 0);
	st->on_step = NULL;
	KUNIT_EXPECT_PTR_EQ(test, st->priv, NULL);
	KUNIT_EXPECT_EQ(test, st_resumes(st, SID0 + 3, 9, false), 1);
	lost_expect_terms(st, true);
	st_forget(st);
	/* One that aborts anyway is as it was */
	st->fn[0].device->stream.type = SMMUV3_STREAM_ABORT;
	KUNIT_EXPECT_EQ(test, iommufd_fault_pri_reset(st->fn[0].dev), 0);
	KUNIT_EXPECT_EQ(test, st->fn[0].device->stream.type,
			SMMUV3_STREAM_ABORT);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* --- page requests --- */

static struct st *lost_st;
static char lost_controls[64];
static unsigned int lost_num_controls;

/* What is written to an interface, in a letter each; a reset stops it. */
static void lost_control(struct st_device *fn, u16 control)
{
	char what = control & PCI_PRI_CTRL_RESET ? 'r' :
		    control & PCI_PRI_CTRL_ENABLE ? 'E' : 'd';

	if (lost_num_controls < sizeof(lost_controls) - 1)
		lost_controls[lost_num_controls++] = what;
	if (what == 'r')
		put_unaligned_le16(PCI_PRI_STATUS_STOPPED,
				   fn->config + ST_PRI + PCI_PRI_STATUS);
	if (what == 'E')
		put_unaligned_le16(0, fn->config + ST_PRI + PCI_PRI_STATUS);
	if (what == 'd')
		KUNIT_EXPECT_NE(lost_st->test, lost_active(lost_st), 0);
}

static struct st *lost_new_pci(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 64, 64);

	lost_st = st;
	memset(lost_controls, 0, sizeof(lost_controls));
	return st;
}

/* From here on what is written is noted. */
static void lost_watch(struct st_device *fn)
{
	lost_num_controls = 0;
	fn->on_control = lost_control;
	/* It waits for an answer to what was lost, and so does not stop by itself. */
	put_unaligned_le16(0, fn->config + ST_PRI + PCI_PRI_STATUS);
}

static void lost_requests(struct kunit *test)
{
	struct st *st = lost_new_pci(test);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);

	lost_watch(&st->fn[0]);
	st_request(st, SID0, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	st_request(st, SID0, NOPASID, 2, 0x1000, ST_R);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	/* In the queue, and whatever it is */
	st_request(st, SID0, NOPASID, 3, 0x1000, ST_R | ST_LAST);
	lost_raise(st, PRIQ_ABORT);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(st->fake, FAKE_PRIQ_CONS), 3);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2);
	/* Off, reset as it does not stop, reset and on */
	KUNIT_EXPECT_STREQ(test, lost_controls, "drrE");
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 1, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 1);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 0);
	KUNIT_EXPECT_EQ(test, st_open(st), 0);
	KUNIT_EXPECT_TRUE(test, st->fn[0].device->pri_open);
	/* A group of an index that was lost is a new one. */
	st_request(st, SID0, NOPASID, 2, 0x2000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 1);
	st->fn[0].on_control = NULL;
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/* Two functions on one interface: it is off before it is reset, once. */
static void lost_requests_shared(struct kunit *test)
{
	struct st *st = lost_new_pci(test);
	struct iommufd_fault_attach *attach[2];

	st->fn[1].pdev.is_virtfn = 1;
	st->fn[1].pdev.physfn = &st->fn[0].pdev;
	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	attach[1] = st_attach(st, 1, IOMMU_NO_PASID);
	lost_watch(&st->fn[0]);
	st_request(st, SID0, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	st_request(st, SID1, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	st_request(st, SID1, NOPASID, 2, 0x1000, ST_R);
	st_interrupt(st);
	lost_raise(st, PRIQ_ABORT);
	KUNIT_EXPECT_STREQ(test, lost_controls, "drrE");
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 1, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 1, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_open(st), 0);
	KUNIT_EXPECT_TRUE(test, st->fn[0].device->pri_open &&
			  st->fn[1].device->pri_open);
	st->fn[0].on_control = NULL;
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	st->fn[1].pdev.is_virtfn = 0;
	st_done(st);
}

/* Who attaches while requests are kept off gets them when they come on again. */
static void lost_attach_while_off(struct kunit *test)
{
	struct st *st = lost_new_pci(test);
	struct iommufd_fault_attach *attach[2];

	attach[0] = st_attach(st, 0, 5);
	iommufd_fault_pause(st->fn[0].dev);
	KUNIT_EXPECT_FALSE(test, st->fn[0].device->pri_open);
	iommufd_fault_pause(st->fn[0].dev);
	attach[1] = st_attach(st, 0, 6);
	KUNIT_EXPECT_FALSE(test, st->fn[0].device->pri_open);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, iommufd_fault_resume(st->fn[0].dev), 0);
	KUNIT_EXPECT_TRUE(test, st->fn[0].device->pri_open);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_FALSE(test, st->fn[0].device->pri_open);
	/* Nobody wants them, and nobody has kept them off */
	iommufd_fault_pause(st->fn[0].dev);
	KUNIT_EXPECT_EQ(test, iommufd_fault_resume(st->fn[0].dev), 0);
	KUNIT_EXPECT_EQ(test, iommufd_fault_resume(st->fn[0].dev), 0);
	KUNIT_EXPECT_FALSE(test, st->fn[0].device->pri_open);
	st_done(st);
}

static struct kunit_case smmuv3_lost_cases[] = {
	KUNIT_CASE(lost_events),
	KUNIT_CASE(lost_events_others),
	KUNIT_CASE(lost_events_overflow),
	KUNIT_CASE(lost_before_acknowledged),
	KUNIT_CASE(lost_again_and_again),
	KUNIT_CASE(lost_without_interrupt),
	KUNIT_CASE(lost_without_interrupt_unsent),
	KUNIT_CASE(lost_without_interrupt_pri),
	KUNIT_CASE(lost_without_interrupt_pri_unsent),
	KUNIT_CASE(lost_unsent_interrupts),
	KUNIT_CASE(lost_disable),
	KUNIT_CASE(lost_disable_blocked),
	KUNIT_CASE(lost_reset),
	KUNIT_CASE_SLOW(lost_requests),
	KUNIT_CASE_SLOW(lost_requests_shared),
	KUNIT_CASE(lost_attach_while_off),
	{}
};

static struct kunit_suite smmuv3_lost_suite = {
	.name = "iommufd_smmuv3_lost",
	.test_cases = smmuv3_lost_cases,
};

kunit_test_suite(smmuv3_lost_suite);
