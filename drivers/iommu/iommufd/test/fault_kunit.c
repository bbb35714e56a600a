// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door: whole groups, and room for them. It is compared with a model that keeps
 * everything in one array and searches it, over every order in which small
 * groups can come, and over long random sequences.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/timer.h>

#include "fault_kunit.h"

/* --- the model --- */

#define MODEL_GROUPS	256
#define MODEL_SIZE	8

enum model_state {
	MODEL_NONE,
	MODEL_OPEN,
	MODEL_DOOMED,
	MODEL_UNREAD,
	MODEL_READ,
};

/**
 * struct model_group - one group
 * @state: enum model_state
 * @verdict: DOOMED: on the last request
 * @pasid: or FT_NO_PASID
 * @grpid: index
 * @num: requests held
 * @came: requests that came
 * @addr: of each
 * @order: UNREAD: when it was published
 * @cookie: READ: as read
 */
struct model_group {
	enum model_state state;
	enum iommufd_fault_verdict verdict;
	u32 pasid;
	u32 grpid;
	u32 num;
	u32 came;
	u64 addr[MODEL_SIZE];
	u32 order;
	u32 cookie;
};

/**
 * struct model - one queue and one source
 * @depth: of the queue
 * @cap: of the source
 * @routed: PASIDs that are attached; bit 31: no PASID
 * @lost: the next reader is to be told
 * @orders: groups published so far
 * @groups: all there is
 */
struct model {
	u32 depth;
	u32 cap;
	u32 routed;
	bool lost;
	u32 orders;
	struct model_group groups[MODEL_GROUPS];
};

static u32 model_bit(u32 pasid)
{
	return pasid == FT_NO_PASID ? BIT(31) : BIT(pasid);
}

static u32 model_held(struct model *m)
{
	u32 i, held = 0;

	for (i = 0; i < MODEL_GROUPS; i++)
		held += m->groups[i].num;
	return held;
}

static struct model_group *model_find(struct model *m, u32 pasid, u32 grpid)
{
	u32 i;

	for (i = 0; i < MODEL_GROUPS; i++) {
		struct model_group *g = &m->groups[i];

		if ((g->state == MODEL_OPEN || g->state == MODEL_DOOMED) &&
		    g->pasid == pasid && g->grpid == grpid)
			return g;
	}
	return NULL;
}

static struct model_group *model_new(struct model *m, u32 pasid, u32 grpid)
{
	u32 i;

	for (i = 0; m->groups[i].state != MODEL_NONE; i++)
		;
	m->groups[i] = (struct model_group){
		.state = MODEL_OPEN,
		.pasid = pasid,
		.grpid = grpid,
	};
	return &m->groups[i];
}

static enum iommufd_fault_verdict model_report(struct model *m, u32 pasid,
					       u32 grpid, u64 addr, bool last)
{
	struct model_group *g = model_find(m, pasid, grpid);
	enum iommufd_fault_verdict refusal = IOMMUFD_FAULT_TAKEN;

	if (!g)
		g = model_new(m, pasid, grpid);
	g->came++;
	if (g->state == MODEL_DOOMED)
		refusal = g->verdict;
	else if (!(m->routed & model_bit(pasid)))
		refusal = IOMMUFD_FAULT_REFUSED;
	else if (model_held(m) >= min(m->cap, m->depth))
		refusal = IOMMUFD_FAULT_RETRY;

	if (refusal != IOMMUFD_FAULT_TAKEN) {
		m->lost |= refusal == IOMMUFD_FAULT_RETRY &&
			   g->state == MODEL_OPEN;
		g->num = 0;
		g->state = last ? MODEL_NONE : MODEL_DOOMED;
		g->verdict = refusal;
		if (!last)
			return IOMMUFD_FAULT_DROPPED;
		/* Never, if not in an empty queue of a device with nothing outstanding */
		return g->came > min(m->cap, m->depth) ? IOMMUFD_FAULT_REFUSED :
							 refusal;
	}
	g->addr[g->num++] = addr;
	if (last) {
		g->state = MODEL_UNREAD;
		g->order = m->orders++;
	}
	return IOMMUFD_FAULT_TAKEN;
}

static struct model_group *model_oldest(struct model *m)
{
	struct model_group *oldest = NULL;
	u32 i;

	for (i = 0; i < MODEL_GROUPS; i++)
		if (m->groups[i].state == MODEL_UNREAD &&
		    (!oldest || m->groups[i].order < oldest->order))
			oldest = &m->groups[i];
	return oldest;
}

/* Read with room for @records, and compare all that comes. */
static void model_read(struct ft *ft, struct model *m, u32 records)
{
	ssize_t rc = ft_read(ft, records);
	struct model_group *g = model_oldest(m);
	u32 pos = 0;

	if (g && records && g->num > records) {
		KUNIT_EXPECT_EQ(ft->test, rc, -EINVAL);
		return;
	}
	while (g && pos + g->num <= records) {
		u32 i;

		if (rc < (ssize_t)((pos + g->num) * sizeof(*ft->recs)))
			break;
		for (i = 0; i < g->num; i++) {
			struct iommu_hwpt_pgfault *rec = &ft->recs[pos + i];
			u32 flags = 0;

			if (i == g->num - 1)
				flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
			if (g->pasid != FT_NO_PASID)
				flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
			if (m->lost && !pos && !i)
				flags |= IOMMU_PGFAULT_FLAGS_LOST;
			KUNIT_EXPECT_EQ(ft->test, rec->addr, g->addr[i]);
			KUNIT_EXPECT_EQ(ft->test, rec->flags, flags);
			KUNIT_EXPECT_EQ(ft->test, rec->grpid, g->grpid);
			KUNIT_EXPECT_EQ(ft->test, rec->dev_id, 100);
			KUNIT_EXPECT_EQ(ft->test, rec->length, 0);
			KUNIT_EXPECT_EQ(ft->test, rec->__reserved, 0);
			KUNIT_EXPECT_EQ(ft->test, rec->cookie,
					ft->recs[pos].cookie);
			KUNIT_EXPECT_NE(ft->test, rec->cookie, 0);
		}
		g->cookie = ft->recs[pos].cookie;
		g->state = MODEL_READ;
		pos += g->num;
		g = model_oldest(m);
	}
	if (pos)
		m->lost = false;
	KUNIT_EXPECT_EQ(ft->test, rc, pos * sizeof(*ft->recs));
	/* Nothing that fitted was kept back. */
	KUNIT_EXPECT_TRUE(ft->test, !records || !g || pos + g->num > records);
}

static void model_answer(struct ft *ft, struct model_group *g)
{
	KUNIT_EXPECT_EQ(ft->test, ft_answer(ft, g->cookie, 0), 8);
	g->state = MODEL_NONE;
	g->num = 0;
}

/* --- every order of small groups, with every shortage of room --- */

/**
 * struct order - groups that come interleaved
 * @size: requests of each group
 * @sent: of them, how many came
 * @pasid: of each group
 * @grpid: of each group
 * @seq: which group each request was of
 * @len: requests that came
 * @total: requests in all
 * @tried: complete orders
 */
struct order {
	u32 size[3];
	u32 sent[3];
	u32 pasid[3];
	u32 grpid[3];
	u8 seq[16];
	u32 len;
	u32 total;
	u32 tried;
};

static void order_try(struct ft *ft, const struct order *order, u32 depth,
		      u32 cap)
{
	struct iommufd_fault_attach *attach[2];
	struct kunit *test = ft->test;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 sent[3] = {};
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->depth = depth;
	m->cap = cap;
	m->routed = model_bit(FT_NO_PASID) | model_bit(1);
	ft_start(ft, depth, cap);
	attach[0] = ft_attach(ft, 0, IOMMU_NO_PASID);
	attach[1] = ft_attach(ft, 0, 1);
	for (i = 0; i < order->len; i++) {
		u32 g = order->seq[i];
		bool last = ++sent[g] == order->size[g];
		u64 addr = 0x1000 * (i + 1);

		KUNIT_EXPECT_EQ_MSG(test,
				    ft_report(ft, 0, order->pasid[g],
					      order->grpid[g], addr, last),
				    model_report(m, order->pasid[g],
						 order->grpid[g], addr, last),
				    "depth %u cap %u request %u", depth, cap, i);
		/* Looks at each step, but reads at some only. */
		KUNIT_EXPECT_EQ(test, fault_queue_readable(ft->queue),
				!!model_oldest(m));
		if (i % 3 == 2)
			model_read(ft, m, order->total);
	}
	model_read(ft, m, order->total);
	for (i = 0; i < MODEL_GROUPS; i++)
		if (m->groups[i].state == MODEL_READ)
			model_answer(ft, &m->groups[i]);
	ft_ledger(ft, 0);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	ft_done(ft);
	kunit_kfree(test, m);
}

static void order_all(struct ft *ft, struct order *order)
{
	u32 g, room;

	if (order->len == order->total) {
		order->tried++;
		/* As much room as that, and any less. */
		for (room = 1; room <= order->total; room++) {
			order_try(ft, order, room, order->total);
			order_try(ft, order, order->total, room);
		}
		return;
	}
	for (g = 0; g < 3; g++) {
		if (order->sent[g] == order->size[g])
			continue;
		order->sent[g]++;
		order->seq[order->len++] = g;
		order_all(ft, order);
		order->len--;
		order->sent[g]--;
	}
}

static void fault_test_orders(struct kunit *test)
{
	struct order order = {
		.size = { 1, 2, 2 },
		/* The same index with and without PASID is not the same group. */
		.pasid = { FT_NO_PASID, FT_NO_PASID, 1 },
		.grpid = { 8, 5, 5 },
		.total = 5,
	};
	struct ft *ft = ft_new(test, 1, 1);

	ft_done(ft);
	order_all(ft, &order);
	KUNIT_EXPECT_EQ(test, order.tried, 30);
}

/* --- long random sequences --- */

static void fault_test_random(struct kunit *test)
{
	static const u32 pasids[] = { FT_NO_PASID, 1, 2 };
	struct iommufd_fault_attach *attach[3] = {};
	struct rnd_state rnd;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct ft *ft = ft_new(test, 24, 20);
	u32 step, i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&rnd, 20261121);
	m->depth = 24;
	m->cap = 20;
	for (step = 0; step < 20000; step++) {
		u32 r = prandom_u32_state(&rnd);
		u32 which = (r >> 8) % 3;
		u32 pasid = pasids[which];
		struct model_group *g;
		u32 grpid = (r >> 16) % 6;
		bool last;

		switch (r % 32) {
		case 0 ... 19:
			g = model_find(m, pasid, grpid);
			last = (r >> 24) % 2 || (g && g->num == MODEL_SIZE - 1);
			KUNIT_EXPECT_EQ_MSG(test,
					    ft_report(ft, 0, pasid, grpid, step, last),
					    model_report(m, pasid, grpid, step, last),
					    "step %u", step);
			break;
		case 20 ... 23:
			model_read(ft, m, (r >> 24) % 16);
			break;
		case 24 ... 28:
			for (i = 0; i < MODEL_GROUPS; i++) {
				g = &m->groups[(i + r) % MODEL_GROUPS];
				if (g->state == MODEL_READ) {
					model_answer(ft, g);
					break;
				}
			}
			break;
		case 29:
			if (attach[which])
				break;
			attach[which] = ft_attach(ft, 0, which);
			m->routed |= model_bit(pasid);
			break;
		case 30:
			/* Seldom, else there is nothing to do for most steps. */
			if (!attach[which] || (r >> 24) % 4)
				break;
			iommufd_fault_attach_remove(attach[which]);
			attach[which] = NULL;
			m->routed &= ~model_bit(pasid);
			/*
			 * All of a PASID go, and what nobody listened for too. The
			 * device as a whole may go on with what it has begun.
			 */
			for (i = 0; i < MODEL_GROUPS; i++) {
				g = &m->groups[i];
				if (g->pasid != pasid)
					continue;
				if (pasid != FT_NO_PASID ||
				    (g->state != MODEL_OPEN &&
				     g->state != MODEL_DOOMED)) {
					*g = (struct model_group){};
					continue;
				}
				g->state = MODEL_DOOMED;
				g->verdict = IOMMUFD_FAULT_REFUSED;
				g->num = 0;
			}
			if (!(m->routed)) {
				/* The memory for groups went with the last. */
				for (i = 0; i < MODEL_GROUPS; i++)
					m->groups[i] = (struct model_group){};
			}
			break;
		case 31:
			if ((r >> 24) % 4)
				break;
			iommufd_fault_source_discard_partial(ft->source[0]);
			for (i = 0; i < MODEL_GROUPS; i++) {
				g = &m->groups[i];
				if (g->state != MODEL_OPEN &&
				    g->state != MODEL_DOOMED)
					continue;
				if (g->state == MODEL_OPEN ||
				    g->verdict == IOMMUFD_FAULT_RETRY)
					m->lost = true;
				*g = (struct model_group){};
			}
			break;
		}
		if (!m->routed) {
			/* Without memory for groups nothing is remembered. */
			for (i = 0; i < MODEL_GROUPS; i++)
				if (m->groups[i].state == MODEL_DOOMED)
					m->groups[i] = (struct model_group){};
		}
		if (step % 64 == 0) {
			u32 open = 0;

			for (i = 0; i < MODEL_GROUPS; i++)
				if (m->groups[i].state == MODEL_OPEN)
					open += m->groups[i].num;
			ft_ledger(ft, open);
			cond_resched();
		}
	}
	for (i = 0; i < 3; i++)
		iommufd_fault_attach_remove(attach[i]);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* --- single points --- */

/* The doomed memory of a device that exceeds its credits wildly is bounded. */
static void fault_test_many_refused(struct kunit *test)
{
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	u32 i;

	ft_take(ft, 0, FT_NO_PASID, 0, 4);
	for (i = 0; i < 1000; i++)
		KUNIT_EXPECT_EQ(test,
				ft_report(ft, 0, FT_NO_PASID, 100 + i, 0, false),
				IOMMUFD_FAULT_DROPPED);
	/* The newest are remembered, even once there is room again. */
	KUNIT_EXPECT_EQ(test, ft_read(ft, 4), 160);
	ft_answer_each(ft, 4);
	for (i = 0; i < FAULT_SOURCE_SPARE; i++)
		KUNIT_EXPECT_EQ(test,
				ft_report(ft, 0, FT_NO_PASID, 1099 - i, 0, true),
				IOMMUFD_FAULT_RETRY);
	/* And are not in the way of those that find room. */
	ft_take(ft, 0, FT_NO_PASID, 0, 4);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* A device may use an index again while the earlier group is still unanswered
 * here; the two must not become one.
 */
static void fault_test_same_index(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);

	ft_report(ft, 0, FT_NO_PASID, 3, 0x1000, false);
	ft_report(ft, 0, FT_NO_PASID, 3, 0x2000, true);
	ft_report(ft, 0, FT_NO_PASID, 3, 0x3000, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 120);
	KUNIT_EXPECT_EQ(test, ft->recs[0].cookie, ft->recs[1].cookie);
	KUNIT_EXPECT_NE(test, ft->recs[0].cookie, ft->recs[2].cookie);
	KUNIT_EXPECT_EQ(test, ft->recs[2].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[2].cookie, 1), 8);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 1);
	iommufd_fault_attach_remove(attach);
	ft_done(ft);
}

/* PASID 0 is a PASID. Few buckets, so that the groups meet in one. */
static void fault_test_pasid_zero(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 3);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	u32 i;

	for (i = 0; i < 32; i++) {
		ft_report(ft, 0, FT_NO_PASID, i, 0x1000, false);
		ft_report(ft, 0, 0, i, 0x2000, true);
		KUNIT_ASSERT_EQ(test, ft_read(ft, 8), 40);
		KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x2000);
		KUNIT_EXPECT_EQ(test, ft->recs[0].flags,
				IOMMU_PGFAULT_FLAGS_LAST_PAGE |
					IOMMU_PGFAULT_FLAGS_PASID_VALID);
		ft_answer(ft, ft->recs[0].cookie, 0);
		ft_report(ft, 0, FT_NO_PASID, i, 0x3000, true);
		KUNIT_ASSERT_EQ(test, ft_read(ft, 8), 80);
		ft_answer(ft, ft->recs[0].cookie, 0);
	}
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static void fault_test_pasid_table(struct kunit *test)
{
	struct iommufd_fault_identity who = {
		.dev_id = 55,
		.owns_pasid_table = true,
	};
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *rid, *pasid;

	rid = ft_attach_as(ft, 0, IOMMU_NO_PASID, &who);
	pasid = ft_attach(ft, 0, 9);
	ft_report(ft, 0, 9, 1, 0, true);
	ft_report(ft, 0, 10, 1, 0, true);
	ft_report(ft, 0, FT_NO_PASID, 1, 0, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 120);
	KUNIT_EXPECT_EQ(test, ft->recs[0].dev_id, 100);
	KUNIT_EXPECT_EQ(test, ft->recs[1].dev_id, 55);
	KUNIT_EXPECT_EQ(test, ft->recs[1].pasid, 10);
	KUNIT_EXPECT_EQ(test, ft->recs[2].dev_id, 55);
	iommufd_fault_attach_remove(rid);
	ft_expect_answer(ft, 0, 10, 1, 1);
	ft_expect_answer(ft, 0, FT_NO_PASID, 1, 1);
	KUNIT_EXPECT_EQ(test, ft_answers(ft, 0, 9, 1), 0);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 10, 2, 0, true),
			IOMMUFD_FAULT_REFUSED);
	iommufd_fault_attach_remove(pasid);
	ft_done(ft);
}

/* Requests without PASID of one group: what is said to the last, @num being all. */
static enum iommufd_fault_verdict fault_send(struct ft *ft, u32 grpid, u32 num)
{
	u32 i;

	for (i = 1; i < num; i++)
		KUNIT_EXPECT_NE(ft->test,
				ft_report(ft, 0, FT_NO_PASID, grpid,
					  0x1000 * i, false),
				IOMMUFD_FAULT_RETRY);
	return ft_report(ft, 0, FT_NO_PASID, grpid, 0x1000 * i, true);
}

/*
 * A group that can never find room: to ask again is of no use, whatever else there is at
 * the moment. @depth and @cap are what bounds it; they differ.
 */
static void fault_too_large(struct kunit *test, u32 depth, u32 cap)
{
	struct ft *ft = ft_new(test, depth, cap);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	const u32 most = min(depth, cap);
	struct fault_queue_stats stats;
	u32 others, grpid = 0, i;

	for (others = 0; others <= most; others++) {
		for (i = 0; i < others; i++)
			KUNIT_EXPECT_EQ(test, fault_send(ft, ++grpid, 1),
					IOMMUFD_FAULT_TAKEN);
		for (i = most + 1; i < most + 4; i++)
			KUNIT_EXPECT_EQ_MSG(test, fault_send(ft, ++grpid, i),
					    IOMMUFD_FAULT_REFUSED,
					    "%u beside %u", i, others);
		KUNIT_EXPECT_EQ_MSG(test, fault_send(ft, ++grpid, most),
				    others ? IOMMUFD_FAULT_RETRY :
					     IOMMUFD_FAULT_TAKEN,
				    "%u beside %u", most, others);
		KUNIT_EXPECT_GT(test, ft_read(ft, most), 0);
		KUNIT_EXPECT_NE(test,
				ft->recs[0].flags & IOMMU_PGFAULT_FLAGS_LOST, 0);
		if (others)
			ft_answer_each(ft, others);
		else
			ft_answer(ft, ft->recs[0].cookie, 0);
	}
	fault_queue_get_stats(ft->queue, &stats);
	/* Each time three that are too large, and but for the first one to ask again */
	KUNIT_EXPECT_EQ(test, stats.counts.lost,
			(most + 1) * (3 * most + 6) + most * most);
	KUNIT_EXPECT_EQ(test, stats.counts.lost_groups, most);
	ft_ledger(ft, 0);
	iommufd_fault_attach_remove(attach);
	ft_done(ft);
}

static void fault_test_larger_than_the_queue(struct kunit *test)
{
	fault_too_large(test, 4, 9);
}

static void fault_test_larger_than_the_device_has(struct kunit *test)
{
	fault_too_large(test, 9, 4);
}

/* A group that a device never ends: after 2^32 requests it is as much too large as before. */
static void fault_test_larger_than_a_counter(struct kunit *test)
{
	struct ft *ft = ft_new(test, 2, 2);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct fault_queue_stats stats;
	struct fault_group *group;
	u32 i;

	for (i = 0; i < 3; i++)
		ft_report(ft, 0, FT_NO_PASID, 1, 0x1000 * i, false);
	for (i = 0; i <= ft->source[0]->open_mask; i++)
		hlist_for_each_entry(group, &ft->source[0]->open[i], hash)
			group->count = U32_MAX;
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 1, 0, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 1, 0, true),
			IOMMUFD_FAULT_REFUSED);
	fault_queue_get_stats(ft->queue, &stats);
	KUNIT_EXPECT_EQ(test, stats.counts.lost, 5);
	KUNIT_EXPECT_EQ(test, stats.counts.discarded, 0);
	iommufd_fault_attach_remove(attach);
	ft_done(ft);
}

static void fault_test_lost(struct kunit *test)
{
	struct fault_queue_params plain = { .depth = 2 };
	struct ft *ft = ft_new(test, 2, 8);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct fault_queue_stats stats;
	u32 i;

	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, i, 0, true),
				i < 2 ? IOMMUFD_FAULT_TAKEN : IOMMUFD_FAULT_RETRY);
	/* Said once, on the first record. */
	KUNIT_EXPECT_EQ(test, ft_read(ft, 2), 80);
	KUNIT_EXPECT_NE(test, ft->recs[0].flags & IOMMU_PGFAULT_FLAGS_LOST, 0);
	KUNIT_EXPECT_EQ(test, ft->recs[1].flags & IOMMU_PGFAULT_FLAGS_LOST, 0);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[0].cookie, 0), 8);
	ft_report(ft, 0, FT_NO_PASID, 5, 0, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 2), 40);
	KUNIT_EXPECT_EQ(test, ft->recs[0].flags & IOMMU_PGFAULT_FLAGS_LOST, 0);
	fault_queue_get_stats(ft->queue, &stats);
	KUNIT_EXPECT_EQ(test, stats.counts.lost, 2);
	KUNIT_EXPECT_EQ(test, stats.counts.lost_groups, 2);
	iommufd_fault_attach_remove(attach);
	ft_done(ft);

	/* Not to those who could not know the flag. */
	ft_start(ft, 2, 8);
	ft_queue_free(ft, ft->queue);
	ft_queue(ft, &plain);
	attach = ft_attach(ft, 1, IOMMU_NO_PASID);
	for (i = 0; i < 4; i++)
		ft_report(ft, 1, FT_NO_PASID, i, 0, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 2), 80);
	KUNIT_EXPECT_EQ(test, ft->recs[0].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	iommufd_fault_attach_remove(attach);
	ft_done(ft);
}

/* No source's credits come from another's. */
static void fault_test_two_sources(struct kunit *test)
{
	struct ft *ft = ft_new(test, 16, 4);
	struct iommufd_fault_attach *attach[2];
	u32 i, dev;

	attach[0] = ft_attach(ft, 0, IOMMU_NO_PASID);
	attach[1] = ft_attach(ft, 1, IOMMU_NO_PASID);
	for (dev = 0; dev < 2; dev++)
		for (i = 0; i < 6; i++)
			KUNIT_EXPECT_EQ(test,
					ft_report(ft, dev, FT_NO_PASID, i, 0, true),
					i < 4 ? IOMMUFD_FAULT_TAKEN :
						IOMMUFD_FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 16), 320);
	/* Given back before hardware is told: the device may ask at once. */
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[7].cookie, 0), 8);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->num, 1);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, FT_NO_PASID, 9, 0, true),
			IOMMUFD_FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 1, FT_NO_PASID, 9, 0, true),
			IOMMUFD_FAULT_TAKEN);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 4);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->num, 1);
	iommufd_fault_attach_remove(attach[1]);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * A group structure that was answered is used again for another attach while the list of
 * the first one still has others like it, and that one goes then.
 */
static void fault_test_structures_again(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *first = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_attach *other = ft_attach(ft, 0, 5);
	u32 i;

	ft_take(ft, 0, FT_NO_PASID, 0, 4);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4),
			(ssize_t)(4 * sizeof(*ft->recs)));
	ft_answer_each(ft, 4);

	/* Two of these four */
	ft_take(ft, 0, 5, 10, 2);
	iommufd_fault_attach_remove(first);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 4);
	ft_ledger(ft, 0);

	/* The other two, and new ones: none serves twice */
	ft_take(ft, 0, 5, 12, 6);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 8),
			(ssize_t)(8 * sizeof(*ft->recs)));
	ft_answer_each(ft, 7);
	iommufd_fault_attach_remove(other);
	for (i = 0; i < 4; i++)
		ft_expect_answer(ft, 0, FT_NO_PASID, i,
				 IOMMUFD_PAGE_RESP_SUCCESS);
	for (i = 10; i < 17; i++)
		ft_expect_answer(ft, 0, 5, i, IOMMUFD_PAGE_RESP_SUCCESS);
	ft_expect_answer(ft, 0, 5, 17, IOMMUFD_PAGE_RESP_INVALID);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* As above, where the next use is a group that is not whole, or that is refused. */
static void fault_test_structures_unfinished(struct kunit *test)
{
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_attach *first = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommufd_fault_attach *other = ft_attach(ft, 0, 5);

	ft_take(ft, 0, FT_NO_PASID, 0, 2);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4), 80);
	ft_answer_each(ft, 2);

	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 5, 10, 0, false),
			IOMMUFD_FAULT_TAKEN);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 6, 11, 0, false),
			IOMMUFD_FAULT_DROPPED);
	iommufd_fault_attach_remove(first);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 6, 11, 0, true),
			IOMMUFD_FAULT_REFUSED);
	KUNIT_EXPECT_EQ(test, ft_report(ft, 0, 5, 10, 0, true),
			IOMMUFD_FAULT_TAKEN);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4), 80);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[0].cookie, 0), 8);
	iommufd_fault_attach_remove(other);
	ft_expect_answer(ft, 0, 5, 10, IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 3);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* What was answered has no age, wherever its structure waits to be used again. */
static void fault_test_answered_have_no_age(struct kunit *test)
{
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct fault_queue_stats stats;

	ft_take(ft, 0, FT_NO_PASID, 0, 3);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4), 120);
	ft_answer_each(ft, 3);
	/* Takes out all three, uses one, and gives it back: the others wait elsewhere */
	ft_take(ft, 0, FT_NO_PASID, 3, 1);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4), 40);
	ft_answer_each(ft, 1);

	msleep(30);
	fault_queue_get_stats(ft->queue, &stats);
	KUNIT_EXPECT_EQ(test, stats.pending_groups, 0);
	KUNIT_EXPECT_EQ(test, stats.oldest_ms, 0);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* The age that is told is that of the oldest group, whatever came after it. */
static void fault_test_age_of_the_oldest(struct kunit *test)
{
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct fault_queue_stats stats;

	ft_take(ft, 0, FT_NO_PASID, 0, 1);
	msleep(100);
	ft_take(ft, 0, FT_NO_PASID, 1, 2);
	fault_queue_get_stats(ft->queue, &stats);
	KUNIT_EXPECT_EQ(test, stats.pending_groups, 3);
	KUNIT_EXPECT_GE(test, stats.oldest_ms, 90);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 4), 120);
	ft_answer_each(ft, 3);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/**
 * struct soft_reporter - reports from a soft interrupt
 * @timer: does it
 * @ft: where to
 * @left: times still to go
 * @taken: requests taken
 */
struct soft_reporter {
	struct timer_list timer;
	struct ft *ft;
	u32 left;
	u32 taken;
};

static void soft_report(struct timer_list *timer)
{
	struct soft_reporter *soft = from_timer(soft, timer, timer);

	if (ft_report(soft->ft, 0, 1, soft->left, 0, true) == IOMMUFD_FAULT_TAKEN)
		soft->taken++;
	WRITE_ONCE(soft->left, soft->left - 1);
	if (soft->left)
		mod_timer(timer, jiffies + 1);
}

/* For lockdep: no lock that the door takes is taken with soft interrupts on. */
static void fault_test_softirq(struct kunit *test)
{
	struct ft *ft = ft_new(test, 64, 64);
	struct iommufd_fault_attach *attach, *other;
	struct soft_reporter soft = { .ft = ft, .left = 20 };
	struct fault_queue_stats stats;
	u32 i, answers = 0;

	attach = ft_attach(ft, 0, 1);
	timer_setup_on_stack(&soft.timer, soft_report, 0);
	mod_timer(&soft.timer, jiffies + 1);
	while (READ_ONCE(soft.left)) {
		ssize_t rc = ft_read(ft, 64);

		for (i = 0; rc > 0 && i < rc / sizeof(*ft->recs); i++, answers++)
			KUNIT_EXPECT_EQ(test, ft_answer(ft, ft->recs[i].cookie, 0),
					8);
		other = ft_attach(ft, 0, 100 + answers);
		fault_queue_get_stats(ft->queue, &stats);
		iommufd_fault_attach_remove(other);
		usleep_range(1000, 2000);
	}
	timer_delete_sync(&soft.timer);
	destroy_timer_on_stack(&soft.timer);
	KUNIT_EXPECT_EQ(test, soft.taken + soft.left, 20);
	KUNIT_EXPECT_GT(test, soft.taken, 0);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, soft.taken);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * Two PASIDs with the same index, each in the midst of its group. Whether they fall into
 * the same bucket is by chance; of so many some do.
 */
static void fault_test_two_pasids(struct kunit *test)
{
	struct ft *ft = ft_new(test, 8, 3);
	struct iommufd_fault_attach *attach[2];
	u32 i;

	attach[0] = ft_attach(ft, 0, 1);
	attach[1] = ft_attach(ft, 0, 2);
	for (i = 0; i < 32; i++) {
		ft_report(ft, 0, 1, i, 0x1000, false);
		ft_report(ft, 0, 2, i, 0x2000, true);
		KUNIT_ASSERT_EQ(test, ft_read(ft, 8), 40);
		KUNIT_EXPECT_EQ(test, ft->recs[0].addr, 0x2000);
		KUNIT_EXPECT_EQ(test, ft->recs[0].pasid, 2);
		ft_answer(ft, ft->recs[0].cookie, 0);
		ft_report(ft, 0, 1, i, 0x3000, true);
		KUNIT_ASSERT_EQ(test, ft_read(ft, 8), 80);
		KUNIT_EXPECT_EQ(test, ft->recs[0].pasid, 1);
		ft_answer(ft, ft->recs[0].cookie, 0);
	}
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* One write answers devices behind two units in turns: each unit is called once. */
static void fault_test_mixed_answers(struct kunit *test)
{
	struct ft *ft = ft_new(test, 16, 4);
	struct iommufd_fault_attach *attach[2];
	u32 i;

	attach[0] = ft_attach(ft, 0, IOMMU_NO_PASID);
	attach[1] = ft_attach(ft, 1, IOMMU_NO_PASID);
	for (i = 0; i < 6; i++)
		ft_take(ft, i % 2, FT_NO_PASID, i, 1);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 16), 240);
	KUNIT_EXPECT_EQ(test, ft_answer_at_once(ft, 6), 48);
	for (i = 0; i < 6; i++)
		ft_expect_answer(ft, i % 2, FT_NO_PASID, i,
				 IOMMUFD_PAGE_RESP_SUCCESS);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, ft->unit[i]->num, 3);
		KUNIT_EXPECT_EQ(test, ft->unit[i]->calls, 1);
		iommufd_fault_attach_remove(attach[i]);
	}
	ft_ledger(ft, 0);
	ft_done(ft);
}

/*
 * One write answers two of an attach, then others of it, of another one behind the same
 * unit, and behind another unit: each unit is called once, each reference goes back to
 * where it came from.
 */
static void fault_test_answers_of_attaches(struct kunit *test)
{
	static const struct {
		int dev;
		u32 pasid;
	} from[] = {
		{ 0, 1 }, { 0, 1 }, { 1, 1 }, { 0, 2 }, { 0, 1 }, { 1, 1 },
	};
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *attach[3];
	u32 i;

	attach[0] = ft_attach(ft, 0, 1);
	attach[1] = ft_attach(ft, 0, 2);
	attach[2] = ft_attach(ft, 1, 1);
	for (i = 0; i < ARRAY_SIZE(from); i++)
		ft_take(ft, from[i].dev, from[i].pasid, i, 1);
	KUNIT_ASSERT_EQ(test, ft_read(ft, 8), 240);
	KUNIT_EXPECT_EQ(test, ft_answer_at_once(ft, ARRAY_SIZE(from)), 48);
	for (i = 0; i < ARRAY_SIZE(from); i++)
		ft_expect_answer(ft, from[i].dev, from[i].pasid, i,
				 IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 4);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->calls, 1);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->num, 2);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->calls, 1);
	/* Or who removes it waits for ever */
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		KUNIT_ASSERT_EQ(test, refcount_read(&attach[i]->refs), 1);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_test_orders),
	KUNIT_CASE(fault_test_random),
	KUNIT_CASE(fault_test_many_refused),
	KUNIT_CASE(fault_test_same_index),
	KUNIT_CASE(fault_test_pasid_zero),
	KUNIT_CASE(fault_test_pasid_table),
	KUNIT_CASE(fault_test_larger_than_the_queue),
	KUNIT_CASE(fault_test_larger_than_the_device_has),
	KUNIT_CASE(fault_test_larger_than_a_counter),
	KUNIT_CASE(fault_test_lost),
	KUNIT_CASE(fault_test_two_sources),
	KUNIT_CASE(fault_test_two_pasids),
	KUNIT_CASE(fault_test_mixed_answers),
	KUNIT_CASE(fault_test_answers_of_attaches),
	KUNIT_CASE(fault_test_structures_again),
	KUNIT_CASE(fault_test_structures_unfinished),
	KUNIT_CASE(fault_test_answered_have_no_age),
	KUNIT_CASE(fault_test_age_of_the_oldest),
	KUNIT_CASE(fault_test_softirq),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "iommufd_fault",
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
