// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fault suites share.
 */
#include <kunit/device.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "fault_kunit.h"

static void ft_respond(struct iommufd_fault_unit *unit,
		       const struct iommufd_page_answer *answers,
		       unsigned int num)
{
	struct ft_unit *u = container_of(unit, struct ft_unit, unit);
	unsigned int i;

	might_sleep();
	spin_lock(&u->lock);
	u->calls++;
	u->largest = max(u->largest, num);
	for (i = 0; i < num; i++, u->num++)
		if (u->num < FT_LOG)
			u->log[u->num] = answers[i];
	spin_unlock(&u->lock);
}

static struct ft_unit *ft_unit_of(struct iommufd_fault_source *source)
{
	return iommufd_fault_source_priv(source);
}

static int ft_enable(struct iommufd_fault_source *source)
{
	struct ft_unit *u = ft_unit_of(source);

	if (u->enable_rc)
		return u->enable_rc;
	u->enabled++;
	if (u->on_enable)
		u->on_enable(u);
	return 0;
}

static void ft_disable(struct iommufd_fault_source *source)
{
	ft_unit_of(source)->enabled--;
}

static void ft_drain(struct iommufd_fault_source *source, ioasid_t pasid)
{
	struct ft_unit *u = ft_unit_of(source);

	if (u->on_drain)
		u->on_drain(source, pasid);
}

static int ft_stop_unit(struct iommufd_fault_source *source)
{
	struct ft_unit *u = ft_unit_of(source);

	u->stops++;
	if (u->on_stop)
		u->on_stop(u);
	if (u->stop_rc != -EBUSY)
		u->enabled = 0;
	return u->stop_rc;
}

static const struct iommufd_fault_unit_ops ft_unit_ops = {
	.respond = ft_respond,
	.enable = ft_enable,
	.disable = ft_disable,
	.drain = ft_drain,
	.stop = ft_stop_unit,
};

struct iommufd_fault_queue *ft_queue_new(struct ft *ft,
					 const struct fault_queue_params *params)
{
	struct iommufd_fault_queue *queue;

	queue = kunit_kzalloc(ft->test, sizeof(*queue), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(ft->test, queue);
	refcount_set(&queue->obj.holders, 1);
	queue->obj.id = 7;
	KUNIT_ASSERT_EQ(ft->test, fault_queue_init(queue, params), 0);
	return queue;
}

void ft_queue_free(struct ft *ft, struct iommufd_fault_queue *queue)
{
	fault_queue_purge(queue);
	/* Every slot is back, and nobody depends on the queue. */
	KUNIT_EXPECT_EQ(ft->test, fault_ring_count(&queue->free),
			queue->params.depth);
	KUNIT_EXPECT_EQ(ft->test, refcount_read(&queue->obj.holders), 1);
	fault_queue_exit(queue);
	kunit_kfree(ft->test, queue);
}

void ft_queue(struct ft *ft, const struct fault_queue_params *params)
{
	ft->queue = ft_queue_new(ft, params);
}

struct ft *ft_new(struct kunit *test, u32 depth, u32 cap)
{
	struct ft *ft = kunit_kzalloc(test, sizeof(*ft), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ft);
	ft->test = test;
	ft->records = 512;
	ft->recs = kunit_kcalloc(test, ft->records, sizeof(*ft->recs),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ft->recs);
	for (i = 0; i < FT_DEVS; i++) {
		struct ft_unit *u = kunit_kzalloc(test, sizeof(*u), GFP_KERNEL);
		char name[] = "fault-test-0";

		KUNIT_ASSERT_NOT_NULL(test, u);
		name[sizeof(name) - 2] += i;
		u->unit.ops = &ft_unit_ops;
		spin_lock_init(&u->lock);
		ft->unit[i] = u;
		ft->dev[i] = kunit_device_register(test, name);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ft->dev[i]);
	}
	ft_start(ft, depth, cap);
	return ft;
}

/* Also again, after ft_done(). */
void ft_start(struct ft *ft, u32 depth, u32 cap)
{
	struct fault_queue_params params = {
		.depth = depth,
		.extended = true,
	};
	int i;

	ft_queue(ft, &params);
	for (i = 0; i < FT_DEVS; i++) {
		ft->unit[i]->num = 0;
		ft->source[i] = iommufd_fault_source_register(ft->dev[i],
							      &ft->unit[i]->unit,
							      cap, ft->unit[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(ft->test, ft->source[i]);
	}
}

void ft_done(struct ft *ft)
{
	int i;

	for (i = 0; i < FT_DEVS; i++) {
		if (!ft->source[i])
			continue;
		KUNIT_EXPECT_EQ(ft->test,
				fault_source_outstanding(ft->source[i]), 0);
		KUNIT_EXPECT_EQ(ft->test, ft->unit[i]->enabled, 0);
		iommufd_fault_source_unregister(ft->source[i]);
	}
	ft_queue_free(ft, ft->queue);
}

static struct iommufd_fault_identity ft_identity(int dev)
{
	return (struct iommufd_fault_identity){
		.dev_id = 100 + dev,
		.dev_serial = 1000 + dev,
	};
}

struct iommufd_fault_attach *ft_alloc(struct ft *ft, int dev, ioasid_t pasid)
{
	struct iommufd_fault_identity who = ft_identity(dev);

	return iommufd_fault_attach_alloc(ft->dev[dev], pasid, ft->queue, &who);
}

struct iommufd_fault_attach *ft_attach_as(struct ft *ft, int dev, ioasid_t pasid,
					  const struct iommufd_fault_identity *who)
{
	struct iommufd_fault_attach *attach;

	attach = iommufd_fault_attach_alloc(ft->dev[dev], pasid, ft->queue, who);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(ft->test, attach);
	KUNIT_ASSERT_EQ(ft->test, iommufd_fault_attach_install(attach), 0);
	return attach;
}

struct iommufd_fault_attach *ft_attach(struct ft *ft, int dev, ioasid_t pasid)
{
	struct iommufd_fault_identity who = ft_identity(dev);

	return ft_attach_as(ft, dev, pasid, &who);
}

enum iommufd_fault_verdict ft_report(struct ft *ft, int dev, u32 pasid,
				     u32 grpid, u64 addr, bool last)
{
	struct iommufd_page_request req = {
		.addr = addr,
		.pasid = pasid == FT_NO_PASID ? 0 : pasid,
		.grpid = grpid,
		.perm = IOMMU_PGFAULT_PERM_READ,
		.pasid_valid = pasid != FT_NO_PASID,
		.last = last,
	};

	return iommufd_fault_report(ft->source[dev], &req);
}

/* Groups of one request each, with the indices from @first on. All are taken. */
void ft_take(struct ft *ft, int dev, u32 pasid, u32 first, u32 num)
{
	u32 i;

	for (i = 0; i < num; i++)
		KUNIT_ASSERT_EQ_MSG(ft->test,
				    ft_report(ft, dev, pasid, first + i, 0, true),
				    IOMMUFD_FAULT_TAKEN, "group %u", first + i);
}

ssize_t ft_read(struct ft *ft, size_t records)
{
	struct kvec vec = {
		.iov_base = ft->recs,
		.iov_len = records * sizeof(*ft->recs),
	};
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
	return fault_queue_read(ft->queue, &iter, false);
}

ssize_t ft_answer(struct ft *ft, u32 cookie, u32 code)
{
	struct iommu_hwpt_page_response resp = {
		.cookie = cookie,
		.code = code,
	};
	struct kvec vec = { .iov_base = &resp, .iov_len = sizeof(resp) };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, sizeof(resp));
	return fault_queue_write(ft->queue, &iter, false);
}

/* Success to the first @num records that were read last, groups of one, one by one */
void ft_answer_each(struct ft *ft, u32 num)
{
	u32 i;

	for (i = 0; i < num; i++)
		KUNIT_ASSERT_EQ_MSG(ft->test,
				    ft_answer(ft, ft->recs[i].cookie, 0), 8,
				    "record %u", i);
}

/* The same in one write. */
ssize_t ft_answer_at_once(struct ft *ft, u32 num)
{
	struct iommu_hwpt_page_response resp[8] = {};
	struct kvec vec = {
		.iov_base = resp,
		.iov_len = num * sizeof(resp[0]),
	};
	struct iov_iter iter;
	u32 i;

	KUNIT_ASSERT_LE(ft->test, num, ARRAY_SIZE(resp));
	for (i = 0; i < num; i++)
		resp[i].cookie = ft->recs[i].cookie;
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
	return fault_queue_write(ft->queue, &iter, false);
}

static bool ft_is_answer(const struct iommufd_page_answer *answer, u32 pasid,
			 u32 grpid)
{
	return answer->grpid == grpid &&
	       answer->pasid_valid == (pasid != FT_NO_PASID) &&
	       (!answer->pasid_valid || answer->pasid == pasid);
}

/* How often hardware was given an answer to the group. */
unsigned int ft_answers(struct ft *ft, int dev, u32 pasid, u32 grpid)
{
	struct ft_unit *u = ft->unit[dev];
	unsigned int i, num = 0;

	for (i = 0; i < min(u->num, FT_LOG); i++)
		num += ft_is_answer(&u->log[i], pasid, grpid);
	return num;
}

/* One answer, and that one. */
void ft_expect_answer(struct ft *ft, int dev, u32 pasid, u32 grpid, u32 code)
{
	struct ft_unit *u = ft->unit[dev];
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(ft->test, ft_answers(ft, dev, pasid, grpid), 1,
			    "dev %d pasid %d grpid %u", dev, (int)pasid, grpid);
	for (i = 0; i < min(u->num, FT_LOG); i++)
		if (ft_is_answer(&u->log[i], pasid, grpid))
			KUNIT_EXPECT_EQ_MSG(ft->test, u->log[i].code, code,
					    "dev %d pasid %d grpid %u", dev,
					    (int)pasid, grpid);
}

/* Nothing moves: whatever was reported is in one place. */
void ft_ledger(struct ft *ft, u32 open)
{
	struct fault_queue_stats s;
	u64 answered_groups = 0;
	u64 answers = 0;
	int i;

	fault_queue_get_stats(ft->queue, &s);
	for (i = 0; i < FAULT_ANSWERED_CODES; i++)
		answered_groups += s.answered_groups[i];
	for (i = 0; i < FT_DEVS; i++)
		answers += ft->unit[i]->num;
	KUNIT_EXPECT_EQ(ft->test, s.counts.reported,
			s.answered + s.drained + s.pending + s.counts.lost +
				s.counts.discarded + open);
	KUNIT_EXPECT_EQ(ft->test, s.counts.published_groups,
			answered_groups + s.drained_groups + s.pending_groups);
	KUNIT_EXPECT_EQ(ft->test, answers, answered_groups + s.drained_groups);
	KUNIT_EXPECT_EQ(ft->test, s.pending + open + fault_ring_count(&ft->queue->free),
			ft->queue->params.depth);
}

/* --- holding a thread --- */

static struct {
	atomic_t point;
	struct completion reached;
	struct completion go;
} ft_stop;

static void ft_stop_hook(enum fault_point point)
{
	if (atomic_cmpxchg(&ft_stop.point, point, -1) != point)
		return;
	complete(&ft_stop.reached);
	wait_for_completion(&ft_stop.go);
}

void ft_stop_at(enum fault_point point)
{
	init_completion(&ft_stop.reached);
	init_completion(&ft_stop.go);
	atomic_set(&ft_stop.point, point);
	fault_point_set(ft_stop_hook);
}

bool ft_stop_reached(void)
{
	return wait_for_completion_timeout(&ft_stop.reached, 20 * HZ);
}

void ft_stop_release(void)
{
	atomic_set(&ft_stop.point, -1);
	fault_point_set(NULL);
	complete_all(&ft_stop.go);
}

/* --- another thread --- */

static void ft_call_work(struct work_struct *work)
{
	struct ft_call *call = container_of(work, struct ft_call, work);

	call->fn(call);
	complete_all(&call->done);
}

void ft_call_start(struct ft_call *call)
{
	init_completion(&call->done);
	INIT_WORK_ONSTACK(&call->work, ft_call_work);
	queue_work(system_unbound_wq, &call->work);
}

bool ft_call_finished(struct ft_call *call, unsigned int ms)
{
	return wait_for_completion_timeout(&call->done, msecs_to_jiffies(ms));
}

void ft_call_wait(struct ft_call *call)
{
	flush_work(&call->work);
	destroy_work_on_stack(&call->work);
}
