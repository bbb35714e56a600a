// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches come and go while faults are in every state: each group is answered
 * once, whoever is in the middle of what.
 */
#include <kunit/test.h>
#include <linux/uio.h>

#include "fault_kunit.h"
#include "poller_kunit.h"

static void detach_test_alloc(struct kunit *test)
{
	struct fault_queue_params params = {
		.depth = 4,
		.dev_id = 100,
		.dev_serial = 1000,
	};
	struct iommufd_fault_attach *attach, *second;
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_queue *any = ft->queue;
	struct device other = {};

	KUNIT_EXPECT_EQ(test,
			PTR_ERR(iommufd_fault_source_register(ft->dev[0], NULL, 0, NULL)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test,
			PTR_ERR(iommufd_fault_source_register(ft->dev[0], NULL, 4, NULL)),
			-EEXIST);
	KUNIT_EXPECT_TRUE(test, iommufd_fault_supported(ft->dev[0]));
	KUNIT_EXPECT_FALSE(test, iommufd_fault_supported(&other));

	/* A queue for one device takes no other's faults. */
	ft->queue = ft_queue_new(ft, &params);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ft_alloc(ft, 1, IOMMU_NO_PASID)), -EINVAL);
	attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	iommufd_fault_attach_remove(attach);
	ft_queue_free(ft, ft->queue);
	ft->queue = any;

	/* Page requests are on while anyone needs them, and only then. */
	ft->unit[0]->enable_rc = -EIO;
	attach = ft_alloc(ft, 0, 3);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(attach), -EIO);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_prepare_replace(NULL, attach),
			-EIO);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 3, 1, 0, true),
			IOMMUFD_FAULT_REFUSED);
	ft->unit[0]->enable_rc = 0;
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(attach), 0);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 1);
	second = ft_alloc(ft, 0, 3);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(second), -EBUSY);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_prepare_replace(attach, second),
			0);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 1);
	iommufd_fault_attach_cancel_replace(attach, second);
	iommufd_fault_attach_free(second);
	second = ft_attach(ft, 0, 4);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 1);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 1);
	iommufd_fault_attach_remove(second);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 0);
	ft_done(ft);
}

/* One group in each state, for PASID 1; a neighbour in PASID 2. */
static u32 detach_fill(struct ft *ft)
{
	u32 cookie;

	ft_report(ft, 0, 1, 10, 0, true);
	KUNIT_EXPECT_EQ(ft->test, ft_read(ft, 1), 40);
	cookie = ft->recs[0].cookie;
	ft_report(ft, 0, 1, 11, 0, false);
	ft_report(ft, 0, 1, 11, 0, true);
	ft_report(ft, 0, 2, 10, 0, true);
	ft_report(ft, 0, 1, 12, 0, false);
	return cookie;
}

/* What the unit still had when detach asked it. */
static void detach_late(struct iommufd_fault_source *source, ioasid_t pasid)
{
	struct iommufd_page_request req = {
		.pasid = pasid,
		.pasid_valid = true,
		.grpid = 13,
		.last = true,
	};

	iommufd_fault_report(source, &req);
}

static void detach_test_states(struct kunit *test)
{
	struct ft *ft = ft_new(test, 16, 16);
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 1);
	struct iommufd_fault_attach *two = ft_attach(ft, 0, 2);
	u32 cookie = detach_fill(ft);

	ft_ledger(ft, 1);
	ft->unit[0]->on_drain = detach_late;
	iommufd_fault_attach_remove(one);
	ft->unit[0]->on_drain = NULL;
	ft_expect_answer(ft, 0, 1, 10, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 1, 11, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 1, 13, IOMMUFD_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 3);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, cookie, 0), -EINVAL);
	/* Its slots are free although nobody has read what was in them. */
	KUNIT_EXPECT_EQ(test, fault_ring_count(&ft->queue->free), 15);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 12, 0, true),
			IOMMUFD_FAULT_REFUSED);
	/* The neighbour's is as it was. */
	KUNIT_EXPECT_EQ(test, ft_read(ft, 16), 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].pasid, 2);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[0].cookie, 0), 8);
	ft_expect_answer(ft, 0, 2, 10, IOMMUFD_PAGE_RESP_SUCCESS);
	ft_ledger(ft, 0);
	iommufd_fault_attach_remove(two);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static void detach_test_replace(struct kunit *test)
{
	struct fault_queue_params params = { .depth = 16 };
	struct ft *ft = ft_new(test, 16, 16);
	struct iommufd_fault_queue *first = ft->queue, *second;
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 1);
	struct iommufd_fault_attach *two = ft_attach(ft, 0, 2);
	struct iommufd_fault_attach *new;
	struct fault_queue_stats stats;

	detach_fill(ft);
	second = ft_queue_new(ft, &params);
	ft->queue = second;
	new = ft_alloc(ft, 0, 1);
	KUNIT_ASSERT_EQ(test, iommufd_fault_attach_prepare_replace(one, new), 0);
	ft->unit[0]->on_drain = detach_late;
	iommufd_fault_attach_replace(one, new);
	ft->unit[0]->on_drain = NULL;
	ft_expect_answer(ft, 0, 1, 10, IOMMUFD_PAGE_RESP_SUCCESS);
	ft_expect_answer(ft, 0, 1, 11, IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 2);
	/* What comes from now on goes to the new one, by whole groups. */
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 12, 0, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 12, 0, true),
			IOMMUFD_FAULT_RETRY);
	/* That was not for lack of room */
	fault_queue_get_stats(second, &stats);
	KUNIT_EXPECT_EQ(test, stats.counts.lost, 0);
	KUNIT_EXPECT_EQ(test, stats.counts.lost_groups, 0);
	KUNIT_EXPECT_EQ(test, stats.counts.discarded, 2);
	KUNIT_EXPECT_EQ(test, stats.counts.discarded_groups, 1);
	ft_report(ft, 0, 1, 12, 0x12000, false);
	ft_report(ft, 0, 1, 12, 0x13000, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 16), 120);
	KUNIT_EXPECT_EQ(test, ft->recs[0].grpid, 13);
	KUNIT_EXPECT_EQ(test, ft->recs[1].addr, 0x12000);
	iommufd_fault_attach_remove(two);
	iommufd_fault_attach_replace(new, NULL);
	ft_expect_answer(ft, 0, 1, 12, IOMMUFD_PAGE_RESP_SUCCESS);
	ft_expect_answer(ft, 0, 1, 13, IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 0);

	/* From none to one, and not. */
	new = ft_alloc(ft, 0, 1);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_prepare_replace(NULL, new), 0);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 1);
	iommufd_fault_attach_cancel_replace(NULL, new);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 0);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_prepare_replace(NULL, new), 0);
	iommufd_fault_attach_replace(NULL, new);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 14, 0, true),
			IOMMUFD_FAULT_TAKEN);
	iommufd_fault_attach_remove(new);
	ft_queue_free(ft, second);
	ft->queue = first;
	ft_done(ft);
}

static void detach_test_close(struct kunit *test)
{
	struct ft *ft = ft_new(test, 16, 16);
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 1);
	struct iommufd_fault_attach *two = ft_attach(ft, 0, 2);
	struct iommufd_fault_attach *three = ft_attach(ft, 1, 1);

	detach_fill(ft);
	ft_report(ft, 1, 1, 10, 0, true);
	fault_queue_close(ft->queue);
	ft_expect_answer(ft, 0, 1, 10, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 1, 11, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 2, 10, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 1, 1, 10, IOMMUFD_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 12, 0, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 12, 0, true),
			IOMMUFD_FAULT_REFUSED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 1, 15, 0, true),
			IOMMUFD_FAULT_REFUSED);
	ft_ledger(ft, 0);
	/* Devices may come and go; nobody listens. */
	iommufd_fault_attach_remove(three);
	three = ft_attach(ft, 1, 1);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 1, 1, 1, 0, true),
			IOMMUFD_FAULT_REFUSED);
	iommufd_fault_attach_remove(one);
	iommufd_fault_attach_remove(two);
	iommufd_fault_attach_remove(three);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static void detach_test_unplug(struct kunit *test)
{
	struct ft *ft = ft_new(test, 16, 16);
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 1);
	struct iommufd_fault_attach *two = ft_attach(ft, 0, 2);
	struct iommufd_fault_attach *next = ft_alloc(ft, 0, 1);
	struct iommufd_fault_attach *late = ft_alloc(ft, 0, 5);
	unsigned int num;

	detach_fill(ft);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_prepare_replace(one, next), 0);
	iommufd_fault_source_unregister(ft->source[0]);
	ft->source[0] = NULL;
	ft_expect_answer(ft, 0, 1, 10, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 1, 11, IOMMUFD_PAGE_RESP_INVALID);
	ft_expect_answer(ft, 0, 2, 10, IOMMUFD_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->enabled, 0);
	num = ft->unit[0]->num;
	ft_ledger(ft, 0);
	/* The unit is not touched any more, whatever happens. */
	ft->unit[0]->unit.ops = NULL;
	KUNIT_EXPECT_FALSE(test, iommufd_fault_supported(ft->dev[0]));
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(late), -ENODEV);
	iommufd_fault_attach_replace(one, next);
	iommufd_fault_attach_remove(next);
	iommufd_fault_attach_remove(two);
	iommufd_fault_attach_free(late);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, num);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * A queue that is not read: what detach has answered leaves no trace in it,
 * however often.
 */
static void detach_test_unread(struct kunit *test)
{
	struct ft *ft = ft_new(test, 3, 3);
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 1);
	struct iommufd_fault_attach *two;
	u32 i;

	ft_report(ft, 0, 1, 1, 0x1000, true);
	for (i = 0; i < 100; i++) {
		two = ft_attach(ft, 1, 2);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 1, 2, i, 0, false),
				IOMMUFD_FAULT_TAKEN);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 1, 2, i, 0, true),
				IOMMUFD_FAULT_TAKEN);
		iommufd_fault_attach_remove(two);
		ft_expect_answer(ft, 1, 2, i, IOMMUFD_PAGE_RESP_INVALID);
	}
	KUNIT_EXPECT_EQ(test, ft_read(ft, 3), 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x1000);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 3), 0);
	iommufd_fault_attach_remove(one);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* --- who waits for whom --- */

static void call_read(struct ft_call *call)
{
	call->rc = ft_read(call->ft, call->ft->records);
}

static void call_write(struct ft_call *call)
{
	call->rc = ft_answer(call->ft, call->cookie, 0);
}

static void call_detach(struct ft_call *call)
{
	iommufd_fault_attach_remove(call->attach);
	call->attach = NULL;
}

static void call_replace(struct ft_call *call)
{
	struct iommufd_fault_attach *new = ft_alloc(call->ft, 0, 1);

	/* One by one, or the cleaning up finds what is not there. */
	call->rc = iommufd_fault_attach_prepare_replace(call->attach, new);
	iommufd_fault_attach_replace(call->attach, new);
	call->attach = new;
}

static void call_close(struct ft_call *call)
{
	fault_queue_close(call->ft->queue);
}

static void call_report(struct ft_call *call)
{
	call->rc = ft_report(call->ft, 0, 1, 20, 0, true);
}

enum { DO_READ, DO_WRITE, DO_DETACH, DO_REPLACE, DO_CLOSE, DO_REPORT };

static void (*const call_fns[])(struct ft_call *call) = {
	[DO_READ] = call_read,	[DO_WRITE] = call_write,
	[DO_DETACH] = call_detach, [DO_REPLACE] = call_replace,
	[DO_CLOSE] = call_close,	[DO_REPORT] = call_report,
};

static const char *const call_names[] = {
	[DO_READ] = "read",       [DO_WRITE] = "write", [DO_DETACH] = "detach",
	[DO_REPLACE] = "replace", [DO_CLOSE] = "close", [DO_REPORT] = "report",
};

/**
 * struct meeting - one thread is held at a point while another passes
 * @held: what the first does
 * @point: where it is held
 * @other: what the second does
 * @waits: the second has to wait for the first
 */
struct meeting {
	u8 held;
	enum fault_point point;
	u8 other;
	bool waits;
};

static const struct meeting meetings[] = {
	/* Nobody but another reader waits for a reader: its memory may never come. */
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_READ, true },
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_WRITE },
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_DETACH },
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_REPLACE },
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_CLOSE },
	{ DO_READ, FAULT_POINT_READ_CLAIMED, DO_REPORT },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_READ, true },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_WRITE },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_DETACH },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_REPLACE },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_CLOSE },
	{ DO_READ, FAULT_POINT_READ_COPIED, DO_REPORT },
	/* Detach waits until hardware has the answers that are under way. */
	{ DO_WRITE, FAULT_POINT_WRITE_CLAIMED, DO_READ },
	{ DO_WRITE, FAULT_POINT_WRITE_CLAIMED, DO_WRITE },
	{ DO_WRITE, FAULT_POINT_WRITE_CLAIMED, DO_DETACH, true },
	{ DO_WRITE, FAULT_POINT_WRITE_CLAIMED, DO_REPLACE, true },
	{ DO_WRITE, FAULT_POINT_WRITE_CLAIMED, DO_REPORT },
	/* The file is in use while someone reads or writes: no close. */
	{ DO_DETACH, FAULT_POINT_DRAIN_ROUTED, DO_READ },
	{ DO_DETACH, FAULT_POINT_DRAIN_ROUTED, DO_WRITE },
	{ DO_DETACH, FAULT_POINT_DRAIN_ROUTED, DO_CLOSE, true },
	{ DO_DETACH, FAULT_POINT_DRAIN_ROUTED, DO_REPORT },
	{ DO_DETACH, FAULT_POINT_DRAIN_CLAIMED, DO_READ },
	{ DO_DETACH, FAULT_POINT_DRAIN_CLAIMED, DO_WRITE },
	{ DO_DETACH, FAULT_POINT_DRAIN_CLAIMED, DO_CLOSE, true },
	{ DO_DETACH, FAULT_POINT_DRAIN_CLAIMED, DO_REPORT },
	{ DO_REPLACE, FAULT_POINT_DRAIN_ROUTED, DO_READ },
	{ DO_REPLACE, FAULT_POINT_DRAIN_ROUTED, DO_WRITE },
	{ DO_REPLACE, FAULT_POINT_DRAIN_ROUTED, DO_CLOSE, true },
	{ DO_REPLACE, FAULT_POINT_DRAIN_ROUTED, DO_REPORT },
	{ DO_REPLACE, FAULT_POINT_DRAIN_CLAIMED, DO_READ },
	{ DO_REPLACE, FAULT_POINT_DRAIN_CLAIMED, DO_WRITE },
	{ DO_REPLACE, FAULT_POINT_DRAIN_CLAIMED, DO_CLOSE, true },
	{ DO_REPLACE, FAULT_POINT_DRAIN_CLAIMED, DO_REPORT },
	{ DO_CLOSE, FAULT_POINT_DRAIN_CLAIMED, DO_DETACH, true },
	{ DO_CLOSE, FAULT_POINT_DRAIN_CLAIMED, DO_REPLACE, true },
	{ DO_CLOSE, FAULT_POINT_DRAIN_CLAIMED, DO_REPORT },
};

static void meeting_name(const struct meeting *m, char *name)
{
	static const char *const points[] = {
		[FAULT_POINT_READ_CLAIMED] = "claimed",
		[FAULT_POINT_READ_COPIED] = "copied",
		[FAULT_POINT_WRITE_CLAIMED] = "claimed",
		[FAULT_POINT_DRAIN_ROUTED] = "routed",
		[FAULT_POINT_DRAIN_CLAIMED] = "claimed",
	};

	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s %s, %s", call_names[m->held],
		 points[m->point], call_names[m->other]);
}

KUNIT_ARRAY_PARAM(meeting, meetings, meeting_name);

static void detach_test_meeting(struct kunit *test)
{
	const struct meeting *m = test->param_value;
	struct iommu_hwpt_pgfault *recs;
	struct ft *ft = ft_new(test, 16, 16);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, 1);
	struct ft_call held = { .fn = call_fns[m->held], .ft = ft };
	struct ft_call other = { .fn = call_fns[m->other], .ft = ft };
	u32 i, num, taken = 3;

	/* Group 10 is read, 11 (of two requests) and 12 are not. */
	ft_report(ft, 0, 1, 10, 0, true);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 1), 40);
	held.cookie = ft->recs[0].cookie;
	other.cookie = ft->recs[0].cookie;
	held.attach = attach;
	other.attach = attach;
	ft_report(ft, 0, 1, 11, 0, false);
	ft_report(ft, 0, 1, 11, 0, true);
	ft_report(ft, 0, 1, 12, 0, true);
	/* ft_read() has one buffer only. */
	recs = kunit_kcalloc(test, ft->records, sizeof(*recs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, recs);

	ft_stop_at(m->point);
	ft_call_start(&held);
	KUNIT_EXPECT_TRUE(test, ft_stop_reached());
	ft_call_start(&other);
	KUNIT_EXPECT_EQ(test, ft_call_finished(&other, m->waits ? 50 : 10000),
			!m->waits);
	ft_stop_release();
	KUNIT_EXPECT_TRUE(test, ft_call_finished(&held, 10000));
	KUNIT_EXPECT_TRUE(test, ft_call_finished(&other, 10000));
	ft_call_wait(&held);
	ft_call_wait(&other);

	/* Whoever came second with the same cookie had nothing to answer. */
	if (m->held == DO_WRITE) {
		KUNIT_EXPECT_EQ(test, held.rc, 8);
		if (m->other == DO_WRITE)
			KUNIT_EXPECT_EQ(test, other.rc, -EINVAL);
	}
	if (m->held == DO_READ && m->other == DO_READ)
		KUNIT_EXPECT_EQ(test, held.rc + other.rc, 120);
	if (m->other == DO_REPORT)
		taken += other.rc == IOMMUFD_FAULT_TAKEN;

	/* What is left can be read, and answered once. */
	num = ft_read(ft, ft->records) / sizeof(*recs);
	memcpy(recs, ft->recs, num * sizeof(*recs));
	for (i = 0; i < num; i++) {
		if (!(recs[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
			continue;
		KUNIT_EXPECT_EQ(test, ft_answer(ft, recs[i].cookie, 0), 8);
	}
	if (m->held == DO_DETACH || m->held == DO_REPLACE)
		attach = held.attach;
	else if (m->other == DO_DETACH || m->other == DO_REPLACE)
		attach = other.attach;
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, ft_answers(ft, 0, 1, 10), 1);
	KUNIT_EXPECT_EQ(test, ft_answers(ft, 0, 1, 11), 1);
	KUNIT_EXPECT_EQ(test, ft_answers(ft, 0, 1, 12), 1);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, taken);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * While one detach clears out what nobody has read, another leaves more of that:
 * it does not wait, and what it leaves is cleared out too.
 */
static void detach_test_purge(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *neighbour = ft_attach(ft, 1, 2);
	struct ft_call first = { .fn = call_detach, .ft = ft };
	struct ft_call second = { .fn = call_detach, .ft = ft };

	first.attach = ft_attach(ft, 0, 1);
	second.attach = ft_attach(ft, 1, 1);
	ft_report(ft, 0, 1, 1, 0, true);
	ft_report(ft, 1, 2, 2, 0x2000, true);
	ft_stop_at(FAULT_POINT_PURGE);
	ft_call_start(&first);
	KUNIT_EXPECT_TRUE(test, ft_stop_reached());
	ft_report(ft, 1, 1, 3, 0, true);
	ft_call_start(&second);
	KUNIT_EXPECT_TRUE(test, ft_call_finished(&second, 10000));
	ft_expect_answer(ft, 1, 1, 3, IOMMUFD_PAGE_RESP_INVALID);
	ft_stop_release();
	ft_call_wait(&first);
	ft_call_wait(&second);
	KUNIT_EXPECT_EQ(test, fault_ring_count(&ft->queue->free), 7);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x2000);
	iommufd_fault_attach_remove(neighbour);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* Two threads with the same answers: of each, one is accepted. */
#define TWICE_GROUPS	32
#define TWICE_ROUNDS	100

static void call_answer_all(struct ft_call *call)
{
	u32 i;

	for (i = 0; i < TWICE_GROUPS; i++)
		call->rc += ft_answer(call->ft, call->ft->recs[i].cookie, 0) == 8;
}

static void detach_test_twice(struct kunit *test)
{
	struct ft *ft = ft_new(test, TWICE_GROUPS, TWICE_GROUPS);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, 1);
	u32 round, i;

	for (round = 0; round < TWICE_ROUNDS; round++) {
		struct ft_call calls[2] = {};

		ft_take(ft, 0, 1, 0, TWICE_GROUPS);
		KUNIT_ASSERT_EQ(test, ft_read(ft, TWICE_GROUPS),
				TWICE_GROUPS * sizeof(*ft->recs));
		for (i = 0; i < 2; i++) {
			calls[i].fn = call_answer_all;
			calls[i].ft = ft;
			ft_call_start(&calls[i]);
		}
		for (i = 0; i < 2; i++)
			ft_call_wait(&calls[i]);
		KUNIT_ASSERT_EQ(test, calls[0].rc + calls[1].rc, TWICE_GROUPS);
		KUNIT_ASSERT_EQ(test, ft->unit[0]->num,
				(round + 1) * TWICE_GROUPS);
	}
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* --- sleeping readers --- */

static void call_read_one(struct ft_call *call)
{
	call->rc = ft_read(call->ft, 1);
}

static void detach_test_blocking(struct kunit *test)
{
	struct fault_queue_params params = {
		.depth = 4,
		.policy = IOMMU_FAULT_POLICY_BLOCKING,
	};
	struct ft_call calls[2] = {};
	struct iommufd_fault_attach *attach;
	struct ft *ft = ft_new(test, 4, 4);
	struct iov_iter iter;
	struct kvec vec = { .iov_base = ft->recs, .iov_len = 40 };
	u32 i;

	ft_queue_free(ft, ft->queue);
	ft_queue(ft, &params);
	attach = ft_attach(ft, 0, 1);
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, 40);
	KUNIT_EXPECT_EQ(test, fault_queue_read(ft->queue, &iter, true), -EAGAIN);

	for (i = 0; i < 2; i++) {
		calls[i].fn = call_read_one;
		calls[i].ft = ft;
		ft_call_start(&calls[i]);
	}
	KUNIT_EXPECT_FALSE(test, ft_call_finished(&calls[0], 50));
	KUNIT_EXPECT_FALSE(test, ft_call_finished(&calls[1], 1));
	ft_report(ft, 0, 1, 1, 0, true);
	ft_report(ft, 0, 1, 2, 0, true);
	/* Both of them, though the second came to a queue that was not empty. */
	KUNIT_EXPECT_TRUE(test, ft_call_finished(&calls[0], 10000));
	KUNIT_EXPECT_TRUE(test, ft_call_finished(&calls[1], 10000));
	for (i = 0; i < 2; i++) {
		ft_call_wait(&calls[i]);
		KUNIT_EXPECT_EQ(test, calls[i].rc, 40);
	}
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* --- readers that do not wait --- */

static ssize_t read_nowait(struct ft *ft, struct iommu_hwpt_pgfault *rec)
{
	struct kvec vec = { .iov_base = rec, .iov_len = sizeof(*rec) };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, sizeof(*rec));
	return fault_queue_read(ft->queue, &iter, true);
}

/*
 * Who does not wait for the lock of the readers, and is not to ask again before it is
 * woken, as io_uring, is woken: by a detach that clears out, and by another reader.
 */
static void detach_test_nowait(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *neighbour = ft_attach(ft, 1, 2);
	struct ft_call detach = { .fn = call_detach, .ft = ft };
	struct ft_call read = { .fn = call_read_one, .ft = ft };
	struct iommu_hwpt_pgfault rec;
	struct poller poller;

	poller_add(&poller, &ft->queue->wait);
	detach.attach = ft_attach(ft, 0, 1);
	ft_report(ft, 0, 1, 1, 0x1000, true);
	ft_report(ft, 1, 2, 2, 0x2000, true);
	ft_stop_at(FAULT_POINT_PURGE);
	ft_call_start(&detach);
	KUNIT_EXPECT_TRUE(test, ft_stop_reached());
	atomic_set(&poller.wakes, 0);
	KUNIT_EXPECT_EQ(test, read_nowait(ft, &rec), -EAGAIN);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 0);
	ft_stop_release();
	ft_call_wait(&detach);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 1);

	/* The reader before it has room for one of two, and then takes the last. */
	ft_report(ft, 1, 2, 3, 0x3000, true);
	ft_stop_at(FAULT_POINT_READ_COPIED);
	ft_call_start(&read);
	KUNIT_EXPECT_TRUE(test, ft_stop_reached());
	atomic_set(&poller.wakes, 0);
	KUNIT_EXPECT_EQ(test, read_nowait(ft, &rec), -EAGAIN);
	ft_stop_release();
	ft_call_wait(&read);
	KUNIT_EXPECT_EQ(test, read.rc, 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x2000);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 1);

	ft_stop_at(FAULT_POINT_READ_COPIED);
	ft_call_start(&read);
	KUNIT_EXPECT_TRUE(test, ft_stop_reached());
	KUNIT_EXPECT_EQ(test, read_nowait(ft, &rec), -EAGAIN);
	ft_stop_release();
	ft_call_wait(&read);
	KUNIT_EXPECT_EQ(test, read.rc, 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x3000);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 1);

	/* Where nobody has been refused nobody is woken. */
	ft_report(ft, 1, 2, 4, 0x4000, true);
	ft_report(ft, 1, 2, 5, 0x5000, true);
	atomic_set(&poller.wakes, 0);
	KUNIT_EXPECT_EQ(test, read_nowait(ft, &rec), 40);
	KUNIT_EXPECT_EQ(test, rec.addr, 0x4000);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 0);

	remove_wait_queue(&ft->queue->wait, &poller.wait);
	iommufd_fault_attach_remove(neighbour);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* The device was reset in the middle of a group that nobody listened for. */
static void detach_test_next_owner(struct kunit *test)
{
	struct fault_queue_params params = { .depth = 8 };
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_queue *first = ft->queue;
	struct iommufd_fault_attach *rid = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_attach *one = ft_attach(ft, 0, 7);
	struct iommufd_fault_attach *eight;
	int round;

	ft_report(ft, 0, 7, 3, 0x1000, false);
	fault_queue_close(ft->queue);
	/* Another's, whose rest does come */
	ft_report(ft, 0, 8, 3, 0x1000, false);
	iommufd_fault_attach_remove(one);
	ft->queue = ft_queue_new(ft, &params);
	for (round = 0; round < 2; round++) {
		one = ft_attach(ft, 0, 7);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 7, 3, 0x2000, true),
				IOMMUFD_FAULT_TAKEN);
		KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 40);
		KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x2000);
		iommufd_fault_attach_remove(one);
		/* And one that went to nobody, before a PASID's last drain */
		ft_report(ft, 0, 7, 3, 0x1000, false);
		iommufd_fault_drain(ft->dev[0], 7);
	}
	eight = ft_attach(ft, 0, 8);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 8, 3, 0x2000, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 8, 3, 0x2000, true),
			IOMMUFD_FAULT_REFUSED);
	iommufd_fault_attach_remove(eight);
	ft_queue_free(ft, ft->queue);
	ft->queue = first;
	iommufd_fault_attach_remove(rid);
	ft_done(ft);
}

static void end_rid(struct iommufd_fault_attach *rid, bool by_replace)
{
	if (by_replace)
		iommufd_fault_attach_replace(rid, NULL);
	else
		iommufd_fault_attach_remove(rid);
}

/*
 * Page requests stay on, for a PASID or since somebody holds them on, and the device goes
 * on with a group while its table is taken away or has no queue for a while.
 */
static void detach_test_goes_on(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *other, *rid;
	struct iommufd_fault_hold *hold;
	int round;

	for (round = 0; round < 4; round++) {
		other = NULL;
		hold = NULL;
		if (round % 2) {
			hold = iommufd_fault_hold_new(ft->dev[0], 0);
			KUNIT_ASSERT_FALSE(test, IS_ERR(hold));
		} else {
			other = ft_attach(ft, 0, 1);
		}
		rid = ft_attach(ft, 0, IOMMU_NO_PASID);
		/* Begun while somebody listened, and while nobody did */
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 3, 0x1000, false),
				IOMMUFD_FAULT_TAKEN);
		end_rid(rid, round / 2);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 4, 0x1000, false),
				IOMMUFD_FAULT_DROPPED);
		rid = ft_attach(ft, 0, IOMMU_NO_PASID);
		end_rid(rid, round / 2);
		rid = ft_attach(ft, 0, IOMMU_NO_PASID);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 3, 0x2000, true),
				IOMMUFD_FAULT_REFUSED);
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 4, 0x2000, true),
				IOMMUFD_FAULT_REFUSED);
		/* And from here on whole groups come. */
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 3, 0x1000, true),
				IOMMUFD_FAULT_TAKEN);
		KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 40);
		iommufd_fault_attach_remove(rid);
		iommufd_fault_attach_remove(other);
		iommufd_fault_hold_drop(hold);
	}
	ft_ledger(ft, 0);
	ft_done(ft);
}

static void expect_neighbours(struct ft *ft, struct iommufd_fault_queue *queue,
			      unsigned int num)
{
	struct iommufd_fault_source *done[FT_DEVS] = {}, *last = NULL;
	struct iommufd_fault_attach *attach;
	int i, runs = 0;

	list_for_each_entry(attach, &queue->attaches, queue_item) {
		num--;
		if (attach->source == last)
			continue;
		last = attach->source;
		for (i = 0; i < runs; i++)
			KUNIT_EXPECT_PTR_NE(ft->test, done[i], last);
		if (runs < FT_DEVS)
			done[runs++] = last;
	}
	KUNIT_EXPECT_EQ(ft->test, num, 0);
}

/* The attaches of a device are next to each other in a queue, whatever the order. */
static void detach_test_neighbours(struct kunit *test)
{
	struct fault_queue_params params = { .depth = 8 };
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_queue *queues[2] = { ft->queue, ft_queue_new(ft, &params) };
	struct iommufd_fault_attach *attach[FT_DEVS][8] = {};
	unsigned int step, num[2] = {};
	struct rnd_state rnd;
	int i, j;

	prandom_seed_state(&rnd, 20261130);
	for (step = 0; step < 2000; step++) {
		u32 r = prandom_u32_state(&rnd);
		struct iommufd_fault_attach **a =
			&attach[(r >> 8) % FT_DEVS][(r >> 16) % 8];

		if (*a) {
			num[(*a)->queue == queues[1]]--;
			iommufd_fault_attach_remove(*a);
			*a = NULL;
		} else {
			ft->queue = queues[r % 2];
			*a = ft_attach(ft, (r >> 8) % FT_DEVS, (r >> 16) % 8);
			num[r % 2]++;
		}
		expect_neighbours(ft, queues[0], num[0]);
		expect_neighbours(ft, queues[1], num[1]);
		/* From here on some are added to a queue that is closed. */
		if (step == 1000)
			fault_queue_close(queues[0]);
	}
	for (i = 0; i < FT_DEVS; i++)
		for (j = 0; j < 8; j++)
			iommufd_fault_attach_remove(attach[i][j]);
	ft_queue_free(ft, queues[1]);
	ft->queue = queues[0];
	ft_done(ft);
}

static struct kunit_case detach_cases[] = {
	KUNIT_CASE(detach_test_alloc),
	KUNIT_CASE(detach_test_states),
	KUNIT_CASE(detach_test_replace),
	KUNIT_CASE(detach_test_close),
	KUNIT_CASE(detach_test_unplug),
	KUNIT_CASE(detach_test_unread),
	KUNIT_CASE(detach_test_purge),
	KUNIT_CASE(detach_test_twice),
	KUNIT_CASE(detach_test_blocking),
	KUNIT_CASE(detach_test_nowait),
	KUNIT_CASE(detach_test_next_owner),
	KUNIT_CASE(detach_test_goes_on),
	KUNIT_CASE(detach_test_neighbours),
	KUNIT_CASE_PARAM(detach_test_meeting, meeting_gen_params),
	{}
};

static struct kunit_suite detach_suite = {
	.name = "iommufd_fault_detach",
	.test_cases = detach_cases,
};

kunit_test_suite(detach_suite);
