/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver under load, on a hardware model: thousands of page request groups in
 * flight, a page request queue that runs over, and things that go away or
 * misbehave while others are served. For every vendor: who includes this has
 * defined STRESS_KIND, the struct ms_kind that the cases run on, and STRESS_NAME.
 *
 * What is compared at the end does not depend on who won: the bytes of every DMA,
 * how often each group was delivered, and the ledger, whose keepers do not know of
 * each other: the functions, the unit, the fault queue, this program. That the
 * model saw nothing it must not see, and that nothing was touched too late, makes
 * the kernel warn. IOMMU_TEST_SEED repeats a run, as far as threads let it.
 */
#ifndef SELFTESTS_IOMMU_MODEL_STRESS_CASES_H
#define SELFTESTS_IOMMU_MODEL_STRESS_CASES_H

#include "model_stress.h"

#define MEMORY		(48UL << 20)
#define MAX_GROUPS	4096

/* A failure is told by test, with the seed. */
FIXTURE(stress) {
	struct ms s;
};

FIXTURE_SETUP(stress)
{
	int rc = ms_init(&self->s, &STRESS_KIND, MEMORY);

	if (rc == -ENODEV)
		SKIP(return, "there is no " STRESS_NAME " model");
	MS_OK(&self->s, rc);
}

FIXTURE_TEARDOWN(stress)
{
	if (self->s.model.fd >= 0 && self->s.memory)
		MS_OK(&self->s, ms_exit(&self->s));
}

/* Fisher and Yates */
static void shuffle(struct ms *s, void **p, unsigned int n)
{
	while (n > 1) {
		unsigned int k = ms_random(s, n--);
		void *t = p[k];

		p[k] = p[n];
		p[n] = t;
	}
}

static void shuffle_answers(struct ms *s, struct ms_answer *a, unsigned int n)
{
	while (n > 1) {
		unsigned int k = ms_random(s, n--);
		struct ms_answer t = a[k];

		a[k] = a[n];
		a[n] = t;
	}
}

/* The functions' part of the ledger, summed up */
struct sums {
	__u64 groups;
	__u64 requests;
	__u64 overflows;
	__u64 success;
	__u64 invalid;
	__u64 failure;
	__u64 stale;
};

/* Nothing is under way any more, and each group was answered once. */
static int settled(struct ms *s, unsigned int funcs, struct sums *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < funcs; i++) {
		struct iommufd_model_state st;

		MS_MUST(s, model_state(&s->f[i], &st));
		MS_SAME(s, 0, st.outstanding);
		MS_SAME(s, 0, st.waiting);
		MS_SAME(s, 0, st.queued);
		MS_SAME(s, 0, st.running);
		MS_SAME(s, st.groups, st.success + st.invalid + st.failure);
		sum->groups += st.groups;
		sum->requests += st.requests;
		sum->overflows += st.overflows;
		sum->success += st.success;
		sum->invalid += st.invalid;
		sum->failure += st.failure;
		sum->stale += st.stale;
	}
	return 0;
}

static int ms_figure(struct ms *s, const struct ms_queue *q,
		     const char *key, unsigned int nth, __u64 *value)
{
	static struct fdinfo info;

	MS_MUST(s, fdinfo_read(0, q->fd, &info));
	if (!fdinfo_nth(&info, key, nth, value))
		return ms_fail(s, __LINE__, "fdinfo has no %s", key);
	return 0;
}

/* Functions against unit against queues against this program */
static int ledger(struct ms *s, unsigned int funcs, const struct ms_queue *q,
		  unsigned int queues)
{
	__u64 sent, lost, responses[3], user = 0, user_success = 0, value;
	__u64 retried = 0;
	struct sums sum;
	unsigned int i;

	if (settled(s, funcs, &sum))
		return -1;
	MS_MUST(s, model_counter(&s->model, "page-requests", &sent));
	MS_MUST(s, model_counter(&s->model, "page-overflows", &lost));
	MS_MUST(s, model_counter(&s->model, "responses-success",
				 &responses[0]));
	MS_MUST(s, model_counter(&s->model, "responses-invalid",
				 &responses[1]));
	MS_MUST(s, model_counter(&s->model, "responses-failure",
				 &responses[2]));
	MS_SAME(s, sum.requests, sent + lost);
	MS_SAME(s, sum.overflows, lost);
	MS_SAME(s, sum.invalid, responses[1]);
	MS_SAME(s, sum.failure, responses[2]);
	for (i = 0; i < queues; i++) {
		if (ms_figure(s, &q[i], "answered-user", 1, &value))
			return -1;
		user_success += value;
		user += value;
		if (ms_figure(s, &q[i], "answered-user", 2, &value))
			return -1;
		user += value;
		if (ms_figure(s, &q[i], "lost", 1, &value))
			return -1;
		retried += value;
		if (ms_figure(s, &q[i], "pending", 1, &value))
			return -1;
		MS_SAME(s, 0, value);
	}
	MS_SAME(s, atomic_load(&s->answered), user);
	MS_SAME(s, atomic_load(&s->delivered), user);
	/* The unit itself answers what it drops. */
	MS_SAME(s, user_success + retried, responses[0]);
	if (sum.success < responses[0] || (!lost && sum.success > responses[0]))
		return ms_fail(s, __LINE__, "success: %llu, of these %llu from above, %llu lost",
			       sum.success, responses[0], lost);
	return 0;
}

/* --- many in flight --- */

struct flight {
	unsigned int funcs;
	unsigned int pasids;
	unsigned int groups;
	unsigned int pages;
	unsigned int queues;
	bool in_batches;
	struct ms_queue q[4];
	struct ms_job *jobs[MS_SPACES * MS_REGIONS];
	unsigned int num;
	struct ms_answer answers[MAX_GROUPS];
};

static int flight_start(struct ms *s, struct flight *f)
{
	unsigned int i, k;

	for (i = 0; i < f->queues; i++)
		MS_MUST(s, ms_queue(s, &f->q[i], 16384));
	for (i = 0; i < f->funcs; i++)
		MS_MUST(s, ms_plug(s, i, MS_CAPACITY, 0));
	for (i = 0; i < f->pasids; i++)
		MS_MUST(s, ms_space(s, &s->f[i % f->funcs], i + 1,
				    &f->q[i % f->queues], 8));
	for (i = 0; i < f->pasids; i++)
		for (k = 0; k < f->groups; k++) {
			f->jobs[f->num] = ms_job(s, i + 1, k,
						 1 + ms_random(s, f->pages),
						 false);
			if (!f->jobs[f->num])
				return ms_fail(s, __LINE__, "no memory");
			f->num++;
		}
	shuffle(s, (void **)f->jobs, f->num);
	for (i = 0; i < f->num; i++)
		MS_MUST(s, ms_start(s, f->jobs[i]));
	for (i = 0; i < f->queues; i++)
		MS_MUST(s, ms_await(s, &f->q[i], f->num / f->queues));
	return 0;
}

/* In random order, in batches of random size, now and then with a flush */
static int flight_answer(struct ms *s, struct flight *f,
			 const struct ms_queue *q)
{
	struct ms_answer *a = f->answers;
	unsigned int n, k;
	int got;

	got = ms_read(s, q, a, MAX_GROUPS);
	if (got < 0)
		return -1;
	n = (unsigned int)got;
	MS_SAME(s, f->num / f->queues, n);
	shuffle_answers(s, a, n);
	for (; n; n -= k, a += k) {
		k = f->in_batches ? MS_BATCH : 1 + ms_random(s, 64);
		if (k > n)
			k = n;
		if (ms_answer(s, q, a, k, IOMMUFD_PAGE_RESP_SUCCESS))
			return -1;
		if (!f->in_batches && !ms_random(s, 4))
			MS_MUST(s, ms_flush(s, a->job->space,
					    a->job->gva & ~(PAGE - 1),
					    a->job->pages, NULL));
	}
	return 0;
}

static int flight_end(struct ms *s, struct flight *f)
{
	unsigned int i;

	for (i = 0; i < f->num; i++) {
		if (ms_check(s, f->jobs[i]))
			return -1;
		MS_SAME(s, 1, atomic_load(&f->jobs[i]->seen));
		MS_SAME(s, f->jobs[i]->length, f->jobs[i]->dma.done);
		ms_job_free(f->jobs[i]);
	}
	if (ledger(s, f->funcs, f->q, f->queues))
		return -1;
	for (i = 0; i < f->queues; i++)
		close(f->q[i].fd);
	return 0;
}

static int fly(struct ms *s, struct flight *f)
{
	unsigned int i;

	if (flight_start(s, f))
		return -1;
	for (i = 0; i < f->queues; i++)
		if (flight_answer(s, f, &f->q[i]))
			return -1;
	return flight_end(s, f);
}

TEST_F_TIMEOUT(stress, pasids_64_groups_32_one_queue, 300)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 1,
	};

	MS_OK(&self->s, fly(&self->s, &f));
}

TEST_F_TIMEOUT(stress, pasids_64_groups_32_four_queues, 300)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 4,
	};

	MS_OK(&self->s, fly(&self->s, &f));
}

/* 2048 are outstanding; at most 2 submits for 100 answers. */
TEST_F_TIMEOUT(stress, answered_in_batches, 300)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 1,
		.queues = 1, .in_batches = true,
	};
	struct ms *s = &self->s;
	__u64 before, after, pending;

	MS_OK(s, flight_start(s, &f));
	MS_OK(s, ms_pending(s, &f.q[0], &pending));
	ASSERT_EQ(2048, pending);
	MS_OK(s, model_counter(&s->model, "submits", &before));
	MS_OK(s, flight_answer(s, &f, &f.q[0]));
	MS_OK(s, model_counter(&s->model, "submits", &after));
	ksft_print_msg("%llu submits for 2048 answers\n", after - before);
	EXPECT_LT(0, after - before);
	EXPECT_GE(2048 * 2 / 100, after - before);
	MS_OK(s, flight_end(s, &f));
}

/* --- the page request queue runs over --- */

struct server {
	struct ms *s;
	const struct ms_queue *q;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool broken;
};

static void *serve(void *arg)
{
	static __thread struct ms_answer a[1024];
	struct server *me = arg;

	while (!atomic_load(&me->stop)) {
		struct pollfd p = { .fd = me->q->fd, .events = POLLIN };
		int i, k, n;

		if (poll(&p, 1, 20) < 1)
			continue;
		n = ms_read(me->s, me->q, a, ARRAY_LEN(a));
		for (i = 0; i < n; i += k) {
			k = n - i < MS_BATCH ? n - i : MS_BATCH;
			if (ms_answer(me->s, me->q, a + i, (unsigned int)k,
				      IOMMUFD_PAGE_RESP_SUCCESS))
				n = -1;
		}
		if (n < 0) {
			atomic_store(&me->broken, true);
			break;
		}
	}
	return NULL;
}

static int server_start(struct server *me, struct ms *s,
			const struct ms_queue *q)
{
	memset(me, 0, sizeof(*me));
	me->s = s;
	me->q = q;
	return -pthread_create(&me->thread, NULL, serve, me);
}

static int server_stop(struct server *me)
{
	atomic_store(&me->stop, true);
	pthread_join(me->thread, NULL);
	return atomic_load(&me->broken) ? -1 : 0;
}

/* A group of no DMA, in pieces: its address says how long it is. */
static int stray(struct ms *s, struct model_dev *f, __u32 pasid, __u32 grpid,
		 __u64 *groups)
{
	unsigned int total = 1 + ms_random(s, 40), left = total;

	while (left) {
		unsigned int n = 1 + ms_random(s, left < 32 ? left : 32);
		__u32 used = grpid;
		int rc;

		left -= n;
		rc = model_request(f, left ? 0 : IOMMUFD_MODEL_REQUEST_LAST,
				   pasid, IOMMUFD_MODEL_READ,
				   ((__u64)total << 20) +
					   (total - left - n) * PAGE,
				   n, &used);
		/* The index still waits for its answer: not this time. */
		if (rc >= 0 && used != grpid)
			return ms_fail(s, __LINE__, "index %u is %u", grpid,
				       used);
		if (rc < 0)
			return ms_fail(s, __LINE__, "request: %d (%s)", rc,
				       model_error());
	}
	++*groups;
	return 0;
}

#define FLOODS		3
/* Stray groups before the DMAs begin, by two functions in turn */
#define FLOOD_STRAYS	48
#define FLOOD_INDICES	512
/* Requests that find no room, at least, each time */
#define FLOOD_LOST	500
/* An hour: until it is taken back */
#define FLOOD_HOLD_US	(3600ULL * 1000 * 1000)

struct flood {
	struct ms_queue q;
	struct server server;
	struct ms_job *jobs[4 * 60];
	unsigned int num;
	__u64 strays;
	__u64 overflows;
};

/* 4 functions x 4 PASIDs x 15 DMAs x 32 pages, and 2 functions for what is astray */
static int flood_init(struct ms *s, struct flood *f)
{
	unsigned int i, k;

	s->overflow_expected = true;
	MS_MUST(s, ms_queue(s, &f->q, IOMMU_FAULT_DEPTH_MAX));
	for (i = 0; i < 6; i++) {
		MS_MUST(s, ms_plug(s, i, MS_CAPACITY, 0));
		MS_MUST(s, ms_space(s, &s->f[i], 4 * i + 1, &f->q,
				    MS_MAX_PAGES));
		for (k = 1; i < 4 && k < 4; k++)
			MS_MUST(s, ms_space(s, &s->f[i], 4 * i + k + 1, &f->q,
					    MS_MAX_PAGES));
	}
	for (i = 0; i < 16; i++)
		for (k = 0; k < 15; k++) {
			f->jobs[f->num] = ms_job(s, i + 1, k, MS_MAX_PAGES,
						 true);
			if (!f->jobs[f->num])
				return ms_fail(s, __LINE__, "no memory");
			f->num++;
		}
	shuffle(s, (void **)f->jobs, f->num);
	return 0;
}

static int flood_stray(struct ms *s, struct flood *f, unsigned int n)
{
	unsigned int i = 4 + n % 2;

	if (n / 2 == FLOOD_INDICES)
		return ms_fail(s, __LINE__, "the queue does not run over");
	return stray(s, &s->f[i], 4 * i + 1, n / 2, &f->strays);
}

/*
 * As long as it takes: only if somebody forgot it does it take until the test is
 * ended, and then for nothing.
 */
static int flood_wait(struct ms *s, struct flood *f, struct ms_job *job)
{
	while (model_job_wait(&job->dma, 1000) == IOMMUFD_MODEL_DMA_PENDING)
		if (atomic_load(&f->server.broken))
			return -1;
	return ms_check(s, job);
}

/* Until the last stray one was answered too: then each index is free again. */
static int flood_ebb(struct ms *s, struct flood *f)
{
	struct iommufd_model_state a, b;
	__u64 pending;

	do {
		if (atomic_load(&f->server.broken))
			return -1;
		sleep_ms(10);
		MS_MUST(s, model_state(&s->f[4], &a));
		MS_MUST(s, model_state(&s->f[5], &b));
		MS_MUST(s, ms_pending(s, &f->q, &pending));
	} while (a.outstanding || b.outstanding || pending);
	return 0;
}

/*
 * While the interrupt is held back nobody takes anything out of the queue, however
 * long it takes to fill it: a third of the DMAs is 2560 requests, and there is room
 * for 2047. Should the driver be at it still because of the round before, there are
 * stray ones until it has seen that the queue was empty. Once it may hear of it,
 * more come while it cleans up.
 */
static int flood_round(struct ms *s, struct flood *f, unsigned int round)
{
	__u64 before = f->overflows;
	unsigned int i, n = 0;

	MS_MUST(s, model_inject(&s->model, s->kind->delay, FLOOD_HOLD_US));
	while (n < FLOOD_STRAYS)
		if (flood_stray(s, f, n++))
			return -1;
	for (i = round; i < f->num; i += FLOODS)
		MS_MUST(s, ms_start(s, f->jobs[i]));
	do {
		if (flood_stray(s, f, n++))
			return -1;
		MS_MUST(s, model_counter(&s->model, "page-overflows",
					 &f->overflows));
	} while (f->overflows < before + FLOOD_LOST);
	MS_MUST(s, model_inject(&s->model, s->kind->delay, 0));
	for (i = 0; i < 2 * FLOOD_STRAYS; i++)
		if (flood_stray(s, f, n++))
			return -1;
	for (i = round; i < f->num; i += FLOODS)
		if (flood_wait(s, f, f->jobs[i]))
			return -1;
	if (flood_ebb(s, f))
		return -1;
	MS_MUST(s, model_counter(&s->model, "page-overflows", &f->overflows));
	return 0;
}

static int flood(struct ms *s, struct flood *f)
{
	unsigned int i;

	if (flood_init(s, f))
		return -1;
	MS_MUST(s, server_start(&f->server, s, &f->q));
	for (i = 0; i < FLOODS; i++)
		if (flood_round(s, f, i))
			return -1;
	MS_MUST(s, server_stop(&f->server));
	ksft_print_msg("%llu requests found no room; %llu of %llu strays came through, %llu groups without their beginning\n",
		       f->overflows,
		       (unsigned long long)atomic_load(&s->strays), f->strays,
		       (unsigned long long)atomic_load(&s->torn));
	for (i = 0; i < f->num; i++) {
		MS_SAME(s, 1, atomic_load(&f->jobs[i]->seen));
		ms_job_free(f->jobs[i]);
	}
	if (ledger(s, 6, &f->q, 1))
		return -1;
	close(f->q.fd);
	return 0;
}

TEST_F_TIMEOUT(stress, queue_overflow, 600)
{
	static struct flood f;

	MS_OK(&self->s, flood(&self->s, &f));
}

/* --- things go away while others are served --- */

#define VICTIMS		4

/* DMAs of one page each in a table of which nothing is there */
struct victim {
	struct ms_job *job[VICTIMS];
	struct ms_queue q;
	__u32 pasid;
};

static int victim_make(struct ms *s, struct victim *v, struct model_dev *f,
		       __u32 pasid)
{
	unsigned int i;

	v->pasid = pasid;
	MS_MUST(s, ms_queue_to_end(s, &v->q, 64));
	MS_MUST(s, ms_space(s, f, pasid, &v->q, 8));
	for (i = 0; i < VICTIMS; i++) {
		v->job[i] = ms_job(s, pasid, i, 1, false);
		if (!v->job[i])
			return ms_fail(s, __LINE__, "no memory");
	}
	return 0;
}

static int victim_attach(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	__u32 pt = sp->hwpt;

	MS_MUST(s, iommu_pasid_attach(s->fd, sp->f->v.id, v->pasid, &pt));
	return 0;
}

/* All of them wait for an answer. */
static int victim_fault(struct ms *s, struct victim *v,
			const struct ms_queue *q)
{
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		if (ms_unmap(s, v->job[i]))
			return -1;
		atomic_store(&v->job[i]->seen, 0);
	}
	MS_MUST(s, ms_flush(s, &s->space[v->pasid - 1], MS_GVA, 8 * VICTIMS,
			    NULL));
	for (i = 0; i < VICTIMS; i++)
		if (ms_start(s, v->job[i]))
			return -1;
	return ms_await(s, q, VICTIMS);
}

#define ENDED(status) (1U << IOMMUFD_MODEL_DMA_##status)

static int victim_ended(struct ms *s, struct victim *v, unsigned int how)
{
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		int rc = model_job_wait(&v->job[i]->dma, FOREVER_MS);

		if (rc < 0 || !(how & 1U << rc))
			return ms_fail(s, __LINE__, "PASID %u: %s, not %#x",
				       v->pasid, model_status_name(rc), how);
	}
	return 0;
}

/* Read, answered, and the bytes compared */
static int victim_serve(struct ms *s, struct victim *v,
			const struct ms_queue *q)
{
	struct ms_answer a[2 * MS_BATCH];
	unsigned int i;
	int n;

	n = ms_read(s, q, a, ARRAY_LEN(a));
	if (n < 0)
		return -1;
	MS_SAME(s, VICTIMS, (unsigned int)n);
	if (ms_answer(s, q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	for (i = 0; i < VICTIMS; i++)
		if (ms_check(s, v->job[i]))
			return -1;
	return 0;
}

/* A cookie that is not waiting any more is refused. */
static int victim_late(struct ms *s, const struct ms_queue *q, __u32 cookie)
{
	MS_SAME(s, (unsigned int)EINVAL,
		(unsigned int)-iommu_fault_answer(q->fd, cookie, 0));
	return 0;
}

static int detached(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	struct iommu_hwpt_pgfault r;

	if (victim_fault(s, v, &v->q))
		return -1;
	MS_SAME(s, 1, (unsigned int)iommu_fault_read(v->q.fd, &r, 1));
	MS_SAME(s, (unsigned int)EBUSY,
		(unsigned int)-iommu_destroy(s->fd, sp->hwpt));
	MS_MUST(s, iommu_pasid_detach(s->fd, sp->f->v.id, v->pasid));
	if (victim_ended(s, v, ENDED(FAULTED)) ||
	    victim_late(s, &v->q, r.cookie))
		return -1;
	MS_SAME(s, 0, (unsigned int)iommu_fault_read(v->q.fd, &r, 1));
	return victim_attach(s, v);
}

/* To a HWPT with another queue: the device asks again, there. And back. */
static int replaced(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt, old = sp->hwpt;
	struct ms_queue q;

	MS_MUST(s, ms_queue(s, &q, 64));
	MS_MUST(s, s->kind->hwpt(s, sp, &q, &other));
	if (victim_fault(s, v, &v->q))
		return -1;
	pt = other;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (ms_await(s, &q, VICTIMS) || victim_serve(s, v, &q))
		return -1;
	pt = old;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	MS_MUST(s, iommu_destroy(s->fd, other));
	close(q.fd);
	MS_MUST(s, iommu_destroy(s->fd, q.id));
	return 0;
}

/* To one whose faults nobody reads, and back */
static int replaced_by_deaf(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt;

	MS_MUST(s, s->kind->hwpt(s, sp, NULL, &other));
	if (victim_fault(s, v, &v->q))
		return -1;
	pt = other;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (victim_ended(s, v, ENDED(FAULTED) | ENDED(BLOCKED) |
			 ENDED(STOPPED)))
		return -1;
	pt = sp->hwpt;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	MS_MUST(s, iommu_destroy(s->fd, other));
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

/* The last copy of its fd is closed, then what hangs on it goes. */
static int closed(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt;
	struct ms_queue q;

	MS_MUST(s, ms_queue(s, &q, 64));
	MS_MUST(s, s->kind->hwpt(s, sp, &q, &other));
	pt = other;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (victim_fault(s, v, &q))
		return -1;
	close(q.fd);
	if (victim_ended(s, v, ENDED(FAULTED)))
		return -1;
	MS_SAME(s, (unsigned int)EBUSY,
		(unsigned int)-iommu_destroy(s->fd, q.id));
	pt = sp->hwpt;
	MS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	MS_MUST(s, iommu_destroy(s->fd, other));
	MS_MUST(s, iommu_destroy(s->fd, q.id));
	return 0;
}

/* Faults without end, each answered and compared */
struct traffic {
	struct ms *s;
	struct ms_job *job[4];
	pthread_t thread;
	atomic_bool stop;
	atomic_bool broken;
	unsigned int dmas;
};

static int ms_again(struct ms *s, struct ms_job *job)
{
	__u32 i;

	job->seed += 0x9e3779b9;
	for (i = 0; i < job->length; i++)
		job->data[i] = job->write ? ms_byte(job->seed, i) : 0;
	return ms_unmap(s, job);
}

static void *drive(void *arg)
{
	struct traffic *t = arg;
	unsigned int i;

	while (!atomic_load(&t->stop)) {
		struct ms_job *job = t->job[t->dmas++ % ARRAY_LEN(t->job)];
		struct ms_space *sp = job->space;

		if (ms_again(t->s, job) ||
		    ms_flush(t->s, sp, MS_GVA, MS_ENTRIES, NULL) ||
		    ms_start(t->s, job) || ms_check(t->s, job)) {
			atomic_store(&t->broken, true);
			break;
		}
	}
	for (i = 0; i < ARRAY_LEN(t->job); i++)
		if (!atomic_load(&t->job[i]->seen))
			atomic_store(&t->broken, true);
	return NULL;
}

static int traffic_start(struct traffic *t, struct ms *s, __u32 pasid)
{
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->s = s;
	for (i = 0; i < ARRAY_LEN(t->job); i++) {
		t->job[i] = ms_job(s, pasid, i, 1 + ms_random(s, 4), false);
		if (!t->job[i])
			return ms_fail(s, __LINE__, "no memory");
	}
	return -pthread_create(&t->thread, NULL, drive, t);
}

static int traffic_stop(struct traffic *t)
{
	atomic_store(&t->stop, true);
	pthread_join(t->thread, NULL);
	return atomic_load(&t->broken) ? -1 : 0;
}

struct churn {
	struct ms *s;
	struct victim v;
	pthread_t thread;
	unsigned int rounds;
	int rc;
};

static void *churn_pasid(void *arg)
{
	struct churn *c = arg;
	unsigned int i;

	for (i = 0; i < c->rounds && !c->rc; i++)
		c->rc = detached(c->s, &c->v) || replaced(c->s, &c->v) ||
			replaced_by_deaf(c->s, &c->v) || closed(c->s, &c->v);
	return NULL;
}

/* Traffic on PASIDs 1 and 2 of function 0, for the others to disturb */
struct bystander {
	struct ms_queue q;
	struct server server;
	struct traffic traffic[2];
};

static int bystander_start(struct ms *s, struct bystander *b)
{
	MS_MUST(s, ms_queue(s, &b->q, 1024));
	MS_MUST(s, ms_plug(s, 0, MS_CAPACITY, 0));
	MS_MUST(s, ms_space(s, &s->f[0], 1, &b->q, 8));
	MS_MUST(s, ms_space(s, &s->f[0], 2, &b->q, 8));
	MS_MUST(s, server_start(&b->server, s, &b->q));
	MS_MUST(s, traffic_start(&b->traffic[0], s, 1));
	MS_MUST(s, traffic_start(&b->traffic[1], s, 2));
	return 0;
}

static int bystander_stop(struct ms *s, struct bystander *b)
{
	struct sums sum;
	__u64 lost;

	if (traffic_stop(&b->traffic[0]) || traffic_stop(&b->traffic[1]) ||
	    server_stop(&b->server))
		return ms_fail(s, __LINE__, "the bystander was hit");
	ksft_print_msg("%u DMAs were served meanwhile\n",
		       b->traffic[0].dmas + b->traffic[1].dmas);
	if (settled(s, 1, &sum))
		return -1;
	if (ms_figure(s, &b->q, "lost", 0, &lost))
		return -1;
	MS_SAME(s, 0, lost);
	close(b->q.fd);
	return 0;
}

TEST_F_TIMEOUT(stress, detach_replace_close_among_faults, 120)
{
	static struct bystander b;
	static struct churn c[2];
	struct ms *s = &self->s;
	unsigned int i;

	MS_OK(s, bystander_start(s, &b));
	MS_OK(s, ms_plug(s, 1, 64, 0));
	for (i = 0; i < 2; i++) {
		c[i].s = s;
		c[i].rounds = 5 * test_scale();
		/* On the function with traffic, and alone on another */
		MS_OK(s, victim_make(s, &c[i].v, &s->f[i], 10 + i));
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, churn_pasid,
					    &c[i]));
	}
	for (i = 0; i < 2; i++) {
		pthread_join(c[i].thread, NULL);
		MS_OK(s, c[i].rc);
		MS_OK(s, victim_fault(s, &c[i].v, &c[i].v.q));
		MS_OK(s, victim_serve(s, &c[i].v, &c[i].v.q));
	}
	MS_OK(s, bystander_stop(s, &b));
}

/* --- functions go away --- */

/* Function @n again, with the victim on it; a HWPT of before goes. */
static int function_back(struct ms *s, struct victim *v, unsigned int n)
{
	struct ms_space *sp = &s->space[v->pasid - 1];

	MS_MUST(s, model_dev_open(&s->f[n]));
	MS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	MS_MUST(s, iommu_destroy(s->fd, sp->hwpt));
	MS_MUST(s, ms_space(s, &s->f[n], v->pasid, &v->q, 8));
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

static int function_idle(struct ms *s, struct model_dev *f)
{
	struct iommufd_model_state st;

	MS_MUST(s, model_state(f, &st));
	MS_SAME(s, 0, st.outstanding);
	MS_SAME(s, 0, st.running);
	return 0;
}

/* The function forgets what it asked; answers to that come to nothing. */
static int function_reset(struct ms *s, struct victim *v, struct model_dev *f)
{
	struct ms_answer a[2 * MS_BATCH];
	int n;

	if (victim_fault(s, v, &v->q))
		return -1;
	MS_MUST(s, ioctl(f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)))
		return -1;
	n = ms_read(s, &v->q, a, ARRAY_LEN(a));
	MS_SAME(s, VICTIMS, (unsigned int)n);
	if (ms_answer(s, &v->q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

static int function_closed(struct ms *s, struct victim *v, unsigned int n)
{
	if (victim_fault(s, v, &v->q))
		return -1;
	model_dev_close(&s->f[n]);
	if (victim_ended(s, v, ENDED(FAULTED) | ENDED(STOPPED) |
			 ENDED(DISABLED)) ||
	    function_idle(s, &s->f[n]))
		return -1;
	return function_back(s, v, n);
}

struct unplug {
	struct model_dev *d;
	pthread_t thread;
	bool surprise;
	bool vfs;
	int rc;
};

/* Waits until the VFIO device is closed. */
static void *unplug(void *arg)
{
	struct unplug *u = arg;

	u->rc = u->vfs ? model_set_vfs(u->d, 0) : model_unplug(u->d,
							      u->surprise);
	return NULL;
}

static int function_unplugged(struct ms *s, struct victim *v, unsigned int n,
			      bool surprise)
{
	struct unplug u = { .d = &s->f[n], .surprise = surprise };
	struct vfio_dev dev = s->f[n].v;

	if (victim_fault(s, v, &v->q))
		return -1;
	MS_MUST(s, pthread_create(&u.thread, NULL, unplug, &u));
	/* Pulled, the DMAs end by themselves. */
	if (surprise && victim_ended(s, v, ENDED(GONE)))
		return -1;
	sleep_ms(ms_random(s, 20));
	vfio_dev_close(&dev);
	pthread_join(u.thread, NULL);
	MS_MUST(s, u.rc);
	if (victim_ended(s, v, ENDED(GONE) | ENDED(FAULTED) | ENDED(STOPPED) |
			 ENDED(DISABLED)))
		return -1;
	MS_MUST(s, model_plug_with(&s->model, (n + 1) << 3, MODEL_CAPS_ALL,
				   MS_PASID_BITS, 64, 0, &s->f[n]));
	return function_back(s, v, n);
}

TEST_F_TIMEOUT(stress, functions_go_and_come_among_faults, 120)
{
	static struct bystander b;
	static struct victim v;
	struct ms *s = &self->s;
	unsigned int i;

	MS_OK(s, bystander_start(s, &b));
	MS_OK(s, ms_plug(s, 1, 64, 0));
	MS_OK(s, victim_make(s, &v, &s->f[1], 20));
	for (i = 0; i < 3 * test_scale(); i++) {
		MS_OK(s, function_reset(s, &v, &s->f[1]));
		MS_OK(s, function_closed(s, &v, 1));
		MS_OK(s, function_unplugged(s, &v, 1, false));
		MS_OK(s, function_unplugged(s, &v, 1, true));
	}
	MS_OK(s, bystander_stop(s, &b));
}

/* All of it belongs to a process that is killed. */
static int child(struct ms *s, unsigned int n, int ready)
{
	static struct victim v;

	s->fd = iommu_open();
	s->parent = 0;
	MS_MUST(s, iommu_ioas_alloc(s->fd, &s->ioas));
	MS_MUST(s, iommu_map(s->fd, s->ioas, s->memory, s->size, MS_GPA));
	MS_MUST(s, model_dev_open(&s->f[n]));
	MS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	if (s->kind->function(s, &s->f[n]) ||
	    victim_make(s, &v, &s->f[n], 30) || victim_fault(s, &v, &v.q))
		return -1;
	MS_SAME(s, 1, (unsigned long long)write(ready, "r", 1));
	pause();
	return -1;
}

TEST_F_TIMEOUT(stress, killed_among_faults, 120)
{
	static struct bystander b;
	static struct victim v;
	struct ms *s = &self->s;
	int i, p[2], status;
	char ok;

	MS_OK(s, bystander_start(s, &b));
	MS_OK(s, ms_plug(s, 1, 64, 0));
	model_dev_close(&s->f[1]);
	for (i = 0; i < 4; i++) {
		pid_t pid;

		ASSERT_EQ(0, pipe(p));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			/* What it inherited is not its own to keep alive. */
			child(s, 1, p[1]);
			fprintf(stderr, "%s\n", s->why);
			_exit(1);
		}
		close(p[1]);
		ASSERT_EQ(1, read(p[0], &ok, 1));
		close(p[0]);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		MS_OK(s, function_idle(s, &s->f[1]));
	}
	MS_OK(s, model_dev_open(&s->f[1]));
	MS_OK(s, model_dev_bind(&s->f[1], s->fd));
	MS_OK(s, victim_make(s, &v, &s->f[1], 31));
	MS_OK(s, victim_fault(s, &v, &v.q));
	MS_OK(s, victim_serve(s, &v, &v.q));
	MS_OK(s, bystander_stop(s, &b));
}

/* --- virtual functions --- */

static int vf_bind(struct ms *s, unsigned int pf, unsigned int nth,
		   unsigned int n)
{
	model_vf(&s->f[pf], nth, &s->f[n]);
	MS_MUST(s, model_dev_open(&s->f[n]));
	MS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	return 0;
}

/* Each to its own queue; a failure answered on one stays there. */
TEST_F_TIMEOUT(stress, two_vfs_and_their_pf, 60)
{
	static struct victim v[3];
	static struct ms_answer a[3][2 * MS_BATCH];
	struct iommufd_model_state st;
	struct ms *s = &self->s;
	unsigned int i, k;

	MS_OK(s, ms_plug(s, 0, 64, 2));
	MS_OK(s, model_set_vfs(&s->f[0], 2));
	MS_OK(s, vf_bind(s, 0, 0, 1));
	MS_OK(s, vf_bind(s, 0, 1, 2));
	for (i = 0; i < 3; i++)
		MS_OK(s, victim_make(s, &v[i], &s->f[i], 1 + i));
	for (i = 0; i < 3; i++)
		MS_OK(s, victim_fault(s, &v[i], &v[i].q));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(VICTIMS, ms_read(s, &v[i].q, a[i], ARRAY_LEN(a[i])))
			TH_LOG("%s", s->why);
	MS_OK(s, ms_answer(s, &v[1].q, a[1], VICTIMS,
			   IOMMUFD_PAGE_RESP_FAILURE));
	MS_OK(s, victim_ended(s, &v[1], ENDED(FAULTED)));
	for (i = 0; i < 3; i += 2) {
		MS_OK(s, ms_answer(s, &v[i].q, a[i], VICTIMS,
				   IOMMUFD_PAGE_RESP_SUCCESS));
		for (k = 0; k < VICTIMS; k++)
			MS_OK(s, ms_check(s, v[i].job[k]));
	}
	/* Nor is it the end of the one that was told. */
	MS_OK(s, victim_fault(s, &v[1], &v[1].q));
	MS_OK(s, victim_serve(s, &v[1], &v[1].q));
	MS_OK(s, model_state(&s->f[1], &st));
	EXPECT_EQ(0, st.failure);
	EXPECT_EQ(VICTIMS, st.invalid);
	EXPECT_EQ(0, st.outstanding);
}

TEST_F_TIMEOUT(stress, vfs_go_among_faults, 60)
{
	static struct victim v[2];
	struct ms *s = &self->s;
	unsigned int i, round;

	MS_OK(s, ms_plug(s, 0, 64, 2));
	MS_OK(s, victim_make(s, &v[0], &s->f[0], 1));
	for (round = 0; round < 3; round++) {
		struct unplug u = { .d = &s->f[0], .vfs = true };

		MS_OK(s, model_set_vfs(&s->f[0], 2));
		MS_OK(s, vf_bind(s, 0, 1, 1));
		if (!round) {
			MS_OK(s, victim_make(s, &v[1], &s->f[1], 2));
		} else {
			MS_OK(s, iommu_destroy(s->fd, s->space[1].hwpt));
			MS_OK(s, ms_space(s, &s->f[1], 2, &v[1].q, 8));
		}
		for (i = 0; i < 2; i++)
			MS_OK(s, victim_fault(s, &v[i], &v[i].q));
		ASSERT_EQ(0, pthread_create(&u.thread, NULL, unplug, &u));
		sleep_ms(ms_random(s, 20));
		model_dev_close(&s->f[1]);
		pthread_join(u.thread, NULL);
		MS_OK(s, u.rc);
		MS_OK(s, victim_ended(s, &v[1], ENDED(GONE) | ENDED(FAULTED) |
				      ENDED(STOPPED) | ENDED(DISABLED)));
		/* What the physical one asked is answered as ever. */
		MS_OK(s, victim_serve(s, &v[0], &v[0].q));
	}
}

/* --- functions that misbehave --- */

static int reads(struct ms *s, unsigned int n, __u32 pasid)
{
	unsigned char byte = 0;
	int rc = model_dma(&s->f[n], 0, pasid, MS_GVA, &byte, 1, FOREVER_MS);

	return rc ? -rc : byte;
}

/* It asks, but never says that this was all. */
static int never_last(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	__u64 pending;
	__u32 pt;
	unsigned int i;

	MS_MUST(s, model_misbehave(sp->f, IOMMUFD_MODEL_NO_LAST));
	for (i = 0; i < VICTIMS; i++)
		if (ms_start(s, v->job[i]))
			return -1;
	sleep_ms(50);
	MS_MUST(s, ms_pending(s, &v->q, &pending));
	MS_SAME(s, 0, pending);
	MS_MUST(s, iommu_pasid_detach(s->fd, sp->f->v.id, v->pasid));
	MS_MUST(s, model_misbehave(sp->f, 0));
	/* It still has the requests: its page request interface begins anew. */
	pt = sp->hwpt;
	MS_MUST(s, iommu_pasid_attach(s->fd, sp->f->v.id, v->pasid, &pt));
	MS_MUST(s, ioctl(sp->f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)) || victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

/* It does not hear the answers. */
static int deaf(struct ms *s, struct victim *v)
{
	struct ms_space *sp = &s->space[v->pasid - 1];
	struct ms_answer a[2 * MS_BATCH];
	unsigned int i;
	int n;

	MS_MUST(s, model_misbehave(sp->f, IOMMUFD_MODEL_DEAF));
	if (victim_fault(s, v, &v->q))
		return -1;
	n = ms_read(s, &v->q, a, ARRAY_LEN(a));
	MS_SAME(s, VICTIMS, (unsigned int)n);
	if (ms_answer(s, &v->q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	for (i = 0; i < VICTIMS; i++) {
		if (victim_late(s, &v->q, a[i].cookie))
			return -1;
		MS_SAME(s, IOMMUFD_MODEL_DMA_PENDING,
			(unsigned int)model_job_wait(&v->job[i]->dma, 20));
	}
	MS_MUST(s, model_misbehave(sp->f, 0));
	MS_MUST(s, ioctl(sp->f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)) ||
	    victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

TEST_F_TIMEOUT(stress, never_last_and_deaf_among_faults, 60)
{
	static struct bystander b;
	static struct victim v;
	struct ms *s = &self->s;

	MS_OK(s, bystander_start(s, &b));
	MS_OK(s, ms_plug(s, 1, 64, 0));
	MS_OK(s, victim_make(s, &v, &s->f[1], 20));
	MS_OK(s, never_last(s, &v));
	MS_OK(s, deaf(s, &v));
	MS_OK(s, bystander_stop(s, &b));
}

/* More requests than it was allowed: those beyond are not delivered. */
TEST_F_TIMEOUT(stress, overcommit_among_faults, 60)
{
	static struct ms_job *job[MS_REGIONS];
	static struct bystander b;
	struct ms *s = &self->s;
	struct server server;
	__u64 pending, lost;
	struct ms_queue q;
	unsigned int i;

	MS_OK(s, bystander_start(s, &b));
	MS_OK(s, ms_queue_to_end(s, &q, 1024));
	MS_OK(s, ms_plug(s, 1, 8, 0));
	MS_OK(s, ms_space(s, &s->f[1], 20, &q, 8));
	MS_OK(s, model_misbehave(&s->f[1], IOMMUFD_MODEL_OVERCOMMIT));
	for (i = 0; i < MS_REGIONS; i++) {
		job[i] = ms_job(s, 20, i, 1, true);
		ASSERT_NE(NULL, job[i]);
		MS_OK(s, ms_start(s, job[i]));
	}
	MS_OK(s, ms_await(s, &q, 8));
	sleep_ms(50);
	MS_OK(s, ms_pending(s, &q, &pending));
	EXPECT_EQ(8, pending);
	MS_OK(s, server_start(&server, s, &q));
	for (i = 0; i < MS_REGIONS; i++) {
		MS_OK(s, ms_check(s, job[i]));
		EXPECT_EQ(1, atomic_load(&job[i]->seen));
	}
	MS_OK(s, server_stop(&server));
	MS_OK(s, ms_figure(s, &q, "lost", 0, &lost));
	EXPECT_LT(0, lost);
	MS_OK(s, bystander_stop(s, &b));
}

/* --- one that floods --- */

/* Others than the one that floods, and what each function may have outstanding */
#define FAIR_OTHERS	3
#define FAIR_CAPACITY	16
/* DMAs that never get what they ask for, and in haste ask again as soon as they are answered */
#define FAIR_FLOOD	48
#define FAIR_ROUNDS	(MS_REGIONS / 2)
/* What is outstanding already when the last of the others asks */
#define FAIR_BOUND	(FAIR_CAPACITY + FAIR_OTHERS - 1)

struct fair {
	struct ms_queue q;
	struct ms_job *flood[FAIR_FLOOD];
	unsigned int worst;
};

/* How many can be read now; waits for one. */
static int fair_read(struct ms *s, struct fair *f, struct ms_answer *a)
{
	struct pollfd p = { .fd = f->q.fd, .events = POLLIN };

	if (poll(&p, 1, FOREVER_MS) != 1)
		return ms_fail(s, __LINE__, "nothing to read");
	return ms_read(s, &f->q, a, MS_BATCH);
}

/*
 * Each of the others faults once, while all is outstanding that the one that floods can
 * have. How many faults are read before theirs?
 */
static int fair_round(struct ms *s, struct fair *f, unsigned int round)
{
	static struct ms_answer a[MS_BATCH];
	unsigned int i, left = FAIR_OTHERS, faults = 0;
	struct ms_job *job[FAIR_OTHERS];
	int k, n;

	for (i = 0; i < FAIR_OTHERS; i++) {
		job[i] = ms_job(s, i + 2, round, 1, false);
		if (!job[i])
			return ms_fail(s, __LINE__, "no memory");
		if (ms_start(s, job[i]))
			return -1;
	}
	if (ms_await(s, &f->q, FAIR_CAPACITY + FAIR_OTHERS))
		return -1;
	while (left) {
		n = fair_read(s, f, a);
		if (n < 0)
			return -1;
		for (k = 0; k < n; k++, faults++) {
			if (a[k].job && a[k].job->space->pasid != 1) {
				left--;
				if (f->worst < faults)
					f->worst = faults;
			} else {
				/* It gets nothing for it. */
				a[k].job = NULL;
			}
			if (ms_answer(s, &f->q, &a[k], 1, IOMMUFD_PAGE_RESP_SUCCESS))
				return -1;
		}
		if (faults > 100 * FAIR_BOUND)
			return ms_fail(s, __LINE__, "after %u faults %u are not served",
				       faults, left);
	}
	for (i = 0; i < FAIR_OTHERS; i++) {
		if (ms_check(s, job[i]))
			return -1;
		MS_SAME(s, 1, atomic_load(&job[i]->seen));
		ms_job_free(job[i]);
	}
	return 0;
}

/* The flood is over when each was told that there is nothing to be had. */
static int fair_end(struct ms *s, struct fair *f)
{
	static struct ms_answer a[MS_BATCH];
	struct pollfd p = { .fd = f->q.fd, .events = POLLIN };
	__u64 end = now_ms() + FOREVER_MS;
	unsigned int i;
	int n;

	for (i = 0; i < FAIR_FLOOD; i++) {
		while (model_job_wait(&f->flood[i]->dma, 0) ==
		       IOMMUFD_MODEL_DMA_PENDING) {
			if (now_ms() > end)
				return ms_fail(s, __LINE__, "the flood does not end");
			if (poll(&p, 1, 10) != 1)
				continue;
			n = ms_read(s, &f->q, a, MS_BATCH);
			if (n < 0 || ms_answer(s, &f->q, a, (unsigned int)n,
					       IOMMUFD_PAGE_RESP_INVALID))
				return -1;
		}
		if (ms_wait(s, f->flood[i], IOMMUFD_MODEL_DMA_FAULTED))
			return -1;
		ms_job_free(f->flood[i]);
	}
	return 0;
}

/* @beyond: by more requests than it was allowed, too */
static int fair(struct ms *s, struct fair *f, bool beyond)
{
	__u32 how = IOMMUFD_MODEL_HASTY | (beyond ? IOMMUFD_MODEL_OVERCOMMIT : 0);
	struct sums sum;
	unsigned int i;

	MS_MUST(s, ms_queue_to_end(s, &f->q, 1024));
	for (i = 0; i <= FAIR_OTHERS; i++) {
		MS_MUST(s, ms_plug(s, i, FAIR_CAPACITY, 0));
		MS_MUST(s, ms_space(s, &s->f[i], i + 1, &f->q, 8));
	}
	MS_MUST(s, model_misbehave(&s->f[0], how));
	for (i = 0; i < FAIR_FLOOD; i++) {
		f->flood[i] = ms_job(s, 1, i, 1, false);
		if (!f->flood[i])
			return ms_fail(s, __LINE__, "no memory");
		if (ms_start(s, f->flood[i]))
			return -1;
	}
	for (i = 0; i < FAIR_ROUNDS; i++)
		if (fair_round(s, f, i))
			return -1;
	MS_MUST(s, model_misbehave(&s->f[0], IOMMUFD_MODEL_HASTY));
	if (fair_end(s, f))
		return -1;
	return settled(s, FAIR_OTHERS + 1, &sum);
}

TEST_F_TIMEOUT(stress, others_are_served_in_a_flood, 120)
{
	struct ms *s = &self->s;
	struct fair f = { 0 };

	MS_OK(s, fair(s, &f, false));
	ksft_print_msg("a flood of %u page requests: the others wait for %u faults at worst\n",
		       FAIR_CAPACITY, f.worst);
	EXPECT_GE(FAIR_BOUND, f.worst);
}

/* What is beyond its allowance takes nobody's place. */
TEST_F_TIMEOUT(stress, others_are_served_in_a_flood_beyond_limits, 120)
{
	struct ms *s = &self->s;
	struct fair f = { 0 };

	s->overflow_expected = true;
	MS_OK(s, fair(s, &f, true));
	ksft_print_msg("a flood of %u page requests and more: the others wait for %u faults at worst\n",
		       FAIR_CAPACITY, f.worst);
	EXPECT_GE(FAIR_BOUND, f.worst);
}

#endif
