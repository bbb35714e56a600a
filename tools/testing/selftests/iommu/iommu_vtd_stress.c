// SPDX-License-Identifier: GPL-2.0
/*
 * The VT-d driver under load, on the hardware model: thousands of page request
 * groups in flight, a page request queue that runs over, and things that go away
 * or misbehave while others are served.
 *
 * What is compared at the end does not depend on who won: the bytes of every DMA,
 * how often each group was delivered, and the ledger, whose keepers do not know of
 * each other: the functions, the unit, the fault queue, this program. That the
 * model saw nothing it must not see, and that nothing was touched too late, makes
 * the kernel warn. IOMMU_TEST_SEED repeats a run, as far as threads let it.
 */
#include "vtd_stress.h"

#define MEMORY		(48UL << 20)
#define MAX_GROUPS	4096

/* A failure is told by test, with the seed. */
FIXTURE(stress) {
	struct vs s;
};

FIXTURE_SETUP(stress)
{
	int rc = vs_init(&self->s, MEMORY);

	if (rc == -ENODEV)
		SKIP(return, "there is no VT-d model");
	VS_OK(&self->s, rc);
}

FIXTURE_TEARDOWN(stress)
{
	if (self->s.model.fd >= 0 && self->s.memory)
		VS_OK(&self->s, vs_exit(&self->s));
}

/* Fisher and Yates */
static void shuffle(struct vs *s, void **p, unsigned int n)
{
	while (n > 1) {
		unsigned int k = vs_random(s, n--);
		void *t = p[k];

		p[k] = p[n];
		p[n] = t;
	}
}

static void shuffle_answers(struct vs *s, struct vs_answer *a, unsigned int n)
{
	while (n > 1) {
		unsigned int k = vs_random(s, n--);
		struct vs_answer t = a[k];

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
static int settled(struct vs *s, unsigned int funcs, struct sums *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < funcs; i++) {
		struct iommufd_model_state st;

		VS_MUST(s, model_state(&s->f[i], &st));
		VS_SAME(s, 0, st.outstanding);
		VS_SAME(s, 0, st.waiting);
		VS_SAME(s, 0, st.queued);
		VS_SAME(s, 0, st.running);
		VS_SAME(s, st.groups, st.success + st.invalid + st.failure);
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

static int queue_figure(struct vs *s, const struct vs_queue *q,
			const char *key, unsigned int nth, __u64 *value)
{
	static struct fdinfo info;

	VS_MUST(s, fdinfo_read(0, q->fd, &info));
	if (!fdinfo_nth(&info, key, nth, value))
		return vs_fail(s, __LINE__, "fdinfo has no %s", key);
	return 0;
}

/* Functions against unit against queues against this program */
static int ledger(struct vs *s, unsigned int funcs, const struct vs_queue *q,
		  unsigned int queues)
{
	__u64 sent, lost, responses[3], user = 0, user_success = 0, value;
	__u64 retried = 0;
	struct sums sum;
	unsigned int i;

	if (settled(s, funcs, &sum))
		return -1;
	VS_MUST(s, model_counter(&s->model, "page-requests", &sent));
	VS_MUST(s, model_counter(&s->model, "page-overflows", &lost));
	VS_MUST(s, model_counter(&s->model, "responses-success",
				 &responses[0]));
	VS_MUST(s, model_counter(&s->model, "responses-invalid",
				 &responses[1]));
	VS_MUST(s, model_counter(&s->model, "responses-failure",
				 &responses[2]));
	VS_SAME(s, sum.requests, sent + lost);
	VS_SAME(s, sum.overflows, lost);
	VS_SAME(s, sum.invalid, responses[1]);
	VS_SAME(s, sum.failure, responses[2]);
	for (i = 0; i < queues; i++) {
		if (queue_figure(s, &q[i], "answered-user", 1, &value))
			return -1;
		user_success += value;
		user += value;
		if (queue_figure(s, &q[i], "answered-user", 2, &value))
			return -1;
		user += value;
		if (queue_figure(s, &q[i], "lost", 1, &value))
			return -1;
		retried += value;
		if (queue_figure(s, &q[i], "pending", 1, &value))
			return -1;
		VS_SAME(s, 0, value);
	}
	VS_SAME(s, atomic_load(&s->answered), user);
	VS_SAME(s, atomic_load(&s->delivered), user);
	/* The unit itself answers what it drops. */
	VS_SAME(s, user_success + retried, responses[0]);
	if (sum.success < responses[0] || (!lost && sum.success > responses[0]))
		return vs_fail(s, __LINE__, "success: %llu, of these %llu from above, %llu lost",
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
	struct vs_queue q[4];
	struct vs_job *jobs[VS_SPACES * VS_REGIONS];
	unsigned int num;
	struct vs_answer answers[MAX_GROUPS];
};

static int flight_start(struct vs *s, struct flight *f)
{
	unsigned int i, k;

	for (i = 0; i < f->queues; i++)
		VS_MUST(s, vs_queue(s, &f->q[i], 16384));
	for (i = 0; i < f->funcs; i++)
		VS_MUST(s, vs_plug(s, i, VS_CAPACITY, 0));
	for (i = 0; i < f->pasids; i++)
		VS_MUST(s, vs_space(s, &s->f[i % f->funcs], i + 1,
				    &f->q[i % f->queues], 8));
	for (i = 0; i < f->pasids; i++)
		for (k = 0; k < f->groups; k++) {
			f->jobs[f->num] = vs_job(s, i + 1, k,
						 1 + vs_random(s, f->pages),
						 false);
			if (!f->jobs[f->num])
				return vs_fail(s, __LINE__, "no memory");
			f->num++;
		}
	shuffle(s, (void **)f->jobs, f->num);
	for (i = 0; i < f->num; i++)
		VS_MUST(s, vs_start(s, f->jobs[i]));
	for (i = 0; i < f->queues; i++)
		VS_MUST(s, vs_await(s, &f->q[i], f->num / f->queues));
	return 0;
}

/* In random order, in batches of random size, now and then with a flush */
static int flight_answer(struct vs *s, struct flight *f,
			 const struct vs_queue *q)
{
	struct vs_answer *a = f->answers;
	unsigned int n, k;
	int got;

	got = vs_read(s, q, a, MAX_GROUPS);
	if (got < 0)
		return -1;
	n = (unsigned int)got;
	VS_SAME(s, f->num / f->queues, n);
	shuffle_answers(s, a, n);
	for (; n; n -= k, a += k) {
		k = f->in_batches ? VS_BATCH : 1 + vs_random(s, 64);
		if (k > n)
			k = n;
		if (vs_answer(s, q, a, k, IOMMUFD_PAGE_RESP_SUCCESS))
			return -1;
		if (!f->in_batches && !vs_random(s, 4))
			VS_MUST(s, vs_flush(s, a->job->space->hwpt,
					    a->job->gva & ~(PAGE - 1),
					    a->job->pages, NULL));
	}
	return 0;
}

static int flight_end(struct vs *s, struct flight *f)
{
	unsigned int i;

	for (i = 0; i < f->num; i++) {
		if (vs_check(s, f->jobs[i]))
			return -1;
		VS_SAME(s, 1, atomic_load(&f->jobs[i]->seen));
		VS_SAME(s, f->jobs[i]->length, f->jobs[i]->dma.done);
		vs_job_free(f->jobs[i]);
	}
	if (ledger(s, f->funcs, f->q, f->queues))
		return -1;
	for (i = 0; i < f->queues; i++)
		close(f->q[i].fd);
	return 0;
}

static int fly(struct vs *s, struct flight *f)
{
	unsigned int i;

	if (flight_start(s, f))
		return -1;
	for (i = 0; i < f->queues; i++)
		if (flight_answer(s, f, &f->q[i]))
			return -1;
	return flight_end(s, f);
}

TEST_F_TIMEOUT(stress, pasids_64_groups_32_one_queue, 120)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 1,
	};

	VS_OK(&self->s, fly(&self->s, &f));
}

TEST_F_TIMEOUT(stress, pasids_64_groups_32_four_queues, 120)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 4,
		.queues = 4,
	};

	VS_OK(&self->s, fly(&self->s, &f));
}

/* 2048 are outstanding; at most 2 submits for 100 answers. */
TEST_F_TIMEOUT(stress, answered_in_batches, 120)
{
	static struct flight f = {
		.funcs = 4, .pasids = 64, .groups = 32, .pages = 1,
		.queues = 1, .in_batches = true,
	};
	struct vs *s = &self->s;
	__u64 before, after, pending;

	VS_OK(s, flight_start(s, &f));
	VS_OK(s, vs_pending(s, &f.q[0], &pending));
	ASSERT_EQ(2048, pending);
	VS_OK(s, model_counter(&s->model, "submits", &before));
	VS_OK(s, flight_answer(s, &f, &f.q[0]));
	VS_OK(s, model_counter(&s->model, "submits", &after));
	ksft_print_msg("%llu submits for 2048 answers\n", after - before);
	EXPECT_LT(0, after - before);
	EXPECT_GE(2048 * 2 / 100, after - before);
	VS_OK(s, flight_end(s, &f));
}

/* --- the page request queue runs over --- */

struct server {
	struct vs *s;
	const struct vs_queue *q;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool broken;
};

static void *serve(void *arg)
{
	static __thread struct vs_answer a[1024];
	struct server *me = arg;

	while (!atomic_load(&me->stop)) {
		struct pollfd p = { .fd = me->q->fd, .events = POLLIN };
		int i, k, n;

		if (poll(&p, 1, 20) < 1)
			continue;
		n = vs_read(me->s, me->q, a, ARRAY_LEN(a));
		for (i = 0; i < n; i += k) {
			k = n - i < VS_BATCH ? n - i : VS_BATCH;
			if (vs_answer(me->s, me->q, a + i, (unsigned int)k,
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

static int server_start(struct server *me, struct vs *s,
			const struct vs_queue *q)
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
static int stray(struct vs *s, struct model_dev *f, __u32 pasid, __u32 grpid,
		 __u64 *groups)
{
	unsigned int total = 1 + vs_random(s, 40), left = total;

	while (left) {
		unsigned int n = 1 + vs_random(s, left < 32 ? left : 32);
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
			return vs_fail(s, __LINE__, "index %u is %u", grpid,
				       used);
		if (rc < 0)
			return vs_fail(s, __LINE__, "request: %d (%s)", rc,
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
	struct vs_queue q;
	struct server server;
	struct vs_job *jobs[4 * 60];
	unsigned int num;
	__u64 strays;
	__u64 overflows;
};

/* 4 functions x 4 PASIDs x 15 DMAs x 32 pages, and 2 functions for what is astray */
static int flood_init(struct vs *s, struct flood *f)
{
	unsigned int i, k;

	s->overflow_expected = true;
	VS_MUST(s, vs_queue(s, &f->q, IOMMU_FAULT_DEPTH_MAX));
	for (i = 0; i < 6; i++) {
		VS_MUST(s, vs_plug(s, i, VS_CAPACITY, 0));
		VS_MUST(s, vs_space(s, &s->f[i], 4 * i + 1, &f->q,
				    VS_MAX_PAGES));
		for (k = 1; i < 4 && k < 4; k++)
			VS_MUST(s, vs_space(s, &s->f[i], 4 * i + k + 1, &f->q,
					    VS_MAX_PAGES));
	}
	for (i = 0; i < 16; i++)
		for (k = 0; k < 15; k++) {
			f->jobs[f->num] = vs_job(s, i + 1, k, VS_MAX_PAGES,
						 true);
			if (!f->jobs[f->num])
				return vs_fail(s, __LINE__, "no memory");
			f->num++;
		}
	shuffle(s, (void **)f->jobs, f->num);
	return 0;
}

static int flood_stray(struct vs *s, struct flood *f, unsigned int n)
{
	unsigned int i = 4 + n % 2;

	if (n / 2 == FLOOD_INDICES)
		return vs_fail(s, __LINE__, "the queue does not run over");
	return stray(s, &s->f[i], 4 * i + 1, n / 2, &f->strays);
}

/*
 * As long as it takes: only if somebody forgot it does it take until the test is
 * ended, and then for nothing.
 */
static int flood_wait(struct vs *s, struct flood *f, struct vs_job *job)
{
	while (model_job_wait(&job->dma, 1000) == IOMMUFD_MODEL_DMA_PENDING)
		if (atomic_load(&f->server.broken))
			return -1;
	return vs_check(s, job);
}

/* Until the last stray one was answered too: then each index is free again. */
static int flood_ebb(struct vs *s, struct flood *f)
{
	struct iommufd_model_state a, b;
	__u64 pending;

	do {
		if (atomic_load(&f->server.broken))
			return -1;
		sleep_ms(10);
		VS_MUST(s, model_state(&s->f[4], &a));
		VS_MUST(s, model_state(&s->f[5], &b));
		VS_MUST(s, vs_pending(s, &f->q, &pending));
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
static int flood_round(struct vs *s, struct flood *f, unsigned int round)
{
	__u64 before = f->overflows;
	unsigned int i, n = 0;

	VS_MUST(s, model_inject(&s->model, MODEL_VTD_DELAY, FLOOD_HOLD_US));
	while (n < FLOOD_STRAYS)
		if (flood_stray(s, f, n++))
			return -1;
	for (i = round; i < f->num; i += FLOODS)
		VS_MUST(s, vs_start(s, f->jobs[i]));
	do {
		if (flood_stray(s, f, n++))
			return -1;
		VS_MUST(s, model_counter(&s->model, "page-overflows",
					 &f->overflows));
	} while (f->overflows < before + FLOOD_LOST);
	VS_MUST(s, model_inject(&s->model, MODEL_VTD_DELAY, 0));
	for (i = 0; i < 2 * FLOOD_STRAYS; i++)
		if (flood_stray(s, f, n++))
			return -1;
	for (i = round; i < f->num; i += FLOODS)
		if (flood_wait(s, f, f->jobs[i]))
			return -1;
	if (flood_ebb(s, f))
		return -1;
	VS_MUST(s, model_counter(&s->model, "page-overflows", &f->overflows));
	return 0;
}

static int flood(struct vs *s, struct flood *f)
{
	unsigned int i;

	if (flood_init(s, f))
		return -1;
	VS_MUST(s, server_start(&f->server, s, &f->q));
	for (i = 0; i < FLOODS; i++)
		if (flood_round(s, f, i))
			return -1;
	VS_MUST(s, server_stop(&f->server));
	ksft_print_msg("%llu requests found no room; %llu of %llu strays came through, %llu groups without their beginning\n",
		       f->overflows,
		       (unsigned long long)atomic_load(&s->strays), f->strays,
		       (unsigned long long)atomic_load(&s->torn));
	for (i = 0; i < f->num; i++) {
		VS_SAME(s, 1, atomic_load(&f->jobs[i]->seen));
		vs_job_free(f->jobs[i]);
	}
	if (ledger(s, 6, &f->q, 1))
		return -1;
	close(f->q.fd);
	return 0;
}

TEST_F_TIMEOUT(stress, queue_overflow, 600)
{
	static struct flood f;

	VS_OK(&self->s, flood(&self->s, &f));
}

/* --- things go away while others are served --- */

#define VICTIMS		4

/* DMAs of one page each in a table of which nothing is there */
struct victim {
	struct vs_job *job[VICTIMS];
	struct vs_queue q;
	__u32 pasid;
};

static int victim_make(struct vs *s, struct victim *v, struct model_dev *f,
		       __u32 pasid)
{
	unsigned int i;

	v->pasid = pasid;
	VS_MUST(s, vs_queue(s, &v->q, 64));
	VS_MUST(s, vs_space(s, f, pasid, &v->q, 8));
	for (i = 0; i < VICTIMS; i++) {
		v->job[i] = vs_job(s, pasid, i, 1, false);
		if (!v->job[i])
			return vs_fail(s, __LINE__, "no memory");
	}
	return 0;
}

static int victim_attach(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	__u32 pt = sp->hwpt;

	VS_MUST(s, iommu_pasid_attach(s->fd, sp->f->v.id, v->pasid, &pt));
	return 0;
}

/* All of them wait for an answer. */
static int victim_fault(struct vs *s, struct victim *v,
			const struct vs_queue *q)
{
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		vs_unmap(v->job[i]);
		atomic_store(&v->job[i]->seen, 0);
	}
	VS_MUST(s, vs_flush(s, s->space[v->pasid - 1].hwpt, VS_GVA,
			    8 * VICTIMS, NULL));
	for (i = 0; i < VICTIMS; i++)
		if (vs_start(s, v->job[i]))
			return -1;
	return vs_await(s, q, VICTIMS);
}

#define ENDED(status) (1U << IOMMUFD_MODEL_DMA_##status)

static int victim_ended(struct vs *s, struct victim *v, unsigned int how)
{
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		int rc = model_job_wait(&v->job[i]->dma, FOREVER_MS);

		if (rc < 0 || !(how & 1U << rc))
			return vs_fail(s, __LINE__, "PASID %u: %s, not %#x",
				       v->pasid, model_status_name(rc), how);
	}
	return 0;
}

/* Read, answered, and the bytes compared */
static int victim_serve(struct vs *s, struct victim *v,
			const struct vs_queue *q)
{
	struct vs_answer a[2 * VS_BATCH];
	unsigned int i;
	int n;

	n = vs_read(s, q, a, ARRAY_LEN(a));
	if (n < 0)
		return -1;
	VS_SAME(s, VICTIMS, (unsigned int)n);
	if (vs_answer(s, q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	for (i = 0; i < VICTIMS; i++)
		if (vs_check(s, v->job[i]))
			return -1;
	return 0;
}

/* A cookie that is not waiting any more is refused. */
static int victim_late(struct vs *s, const struct vs_queue *q, __u32 cookie)
{
	VS_SAME(s, (unsigned int)EINVAL,
		(unsigned int)-iommu_fault_answer(q->fd, cookie, 0));
	return 0;
}

static int detached(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	struct iommu_hwpt_pgfault r;

	if (victim_fault(s, v, &v->q))
		return -1;
	VS_SAME(s, 1, (unsigned int)iommu_fault_read(v->q.fd, &r, 1));
	VS_SAME(s, (unsigned int)EBUSY,
		(unsigned int)-iommu_destroy(s->fd, sp->hwpt));
	VS_MUST(s, iommu_pasid_detach(s->fd, sp->f->v.id, v->pasid));
	if (victim_ended(s, v, ENDED(FAULTED)) ||
	    victim_late(s, &v->q, r.cookie))
		return -1;
	VS_SAME(s, 0, (unsigned int)iommu_fault_read(v->q.fd, &r, 1));
	return victim_attach(s, v);
}

/* To a HWPT with another queue: the device asks again, there. And back. */
static int replaced(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt, old = sp->hwpt;
	struct vs_queue q;

	VS_MUST(s, vs_queue(s, &q, 64));
	VS_MUST(s, vs_nested(s, sp->f, sp->root, &q, &other));
	if (victim_fault(s, v, &v->q))
		return -1;
	pt = other;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (vs_await(s, &q, VICTIMS) || victim_serve(s, v, &q))
		return -1;
	pt = old;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	VS_MUST(s, iommu_destroy(s->fd, other));
	close(q.fd);
	VS_MUST(s, iommu_destroy(s->fd, q.id));
	return 0;
}

/* To one whose faults nobody reads, and back */
static int replaced_by_deaf(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt;

	VS_MUST(s, vs_nested(s, sp->f, sp->root, NULL, &other));
	if (victim_fault(s, v, &v->q))
		return -1;
	pt = other;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (victim_ended(s, v, ENDED(FAULTED) | ENDED(BLOCKED) |
			 ENDED(STOPPED)))
		return -1;
	pt = sp->hwpt;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	VS_MUST(s, iommu_destroy(s->fd, other));
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

/* The last copy of its fd is closed, then what hangs on it goes. */
static int closed(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	__u32 other, pt;
	struct vs_queue q;

	VS_MUST(s, vs_queue(s, &q, 64));
	VS_MUST(s, vs_nested(s, sp->f, sp->root, &q, &other));
	pt = other;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	if (victim_fault(s, v, &q))
		return -1;
	close(q.fd);
	if (victim_ended(s, v, ENDED(FAULTED)))
		return -1;
	VS_SAME(s, (unsigned int)EBUSY,
		(unsigned int)-iommu_destroy(s->fd, q.id));
	pt = sp->hwpt;
	VS_MUST(s, iommu_pasid_replace(s->fd, sp->f->v.id, v->pasid, &pt));
	VS_MUST(s, iommu_destroy(s->fd, other));
	VS_MUST(s, iommu_destroy(s->fd, q.id));
	return 0;
}

/* Faults without end, each answered and compared */
struct traffic {
	struct vs *s;
	struct vs_job *job[4];
	pthread_t thread;
	atomic_bool stop;
	atomic_bool broken;
	unsigned int dmas;
};

static void vs_again(struct vs_job *job)
{
	__u32 i;

	job->seed += 0x9e3779b9;
	for (i = 0; i < job->length; i++)
		job->data[i] = job->write ? vs_byte(job->seed, i) : 0;
	vs_unmap(job);
}

static void *drive(void *arg)
{
	struct traffic *t = arg;
	unsigned int i;

	while (!atomic_load(&t->stop)) {
		struct vs_job *job = t->job[t->dmas++ % ARRAY_LEN(t->job)];
		struct vs_space *sp = job->space;

		vs_again(job);
		if (vs_flush(t->s, sp->hwpt, VS_GVA, VS_ENTRIES, NULL) ||
		    vs_start(t->s, job) || vs_check(t->s, job)) {
			atomic_store(&t->broken, true);
			break;
		}
	}
	for (i = 0; i < ARRAY_LEN(t->job); i++)
		if (!atomic_load(&t->job[i]->seen))
			atomic_store(&t->broken, true);
	return NULL;
}

static int traffic_start(struct traffic *t, struct vs *s, __u32 pasid)
{
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->s = s;
	for (i = 0; i < ARRAY_LEN(t->job); i++) {
		t->job[i] = vs_job(s, pasid, i, 1 + vs_random(s, 4), false);
		if (!t->job[i])
			return vs_fail(s, __LINE__, "no memory");
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
	struct vs *s;
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
	struct vs_queue q;
	struct server server;
	struct traffic traffic[2];
};

static int bystander_start(struct vs *s, struct bystander *b)
{
	VS_MUST(s, vs_queue(s, &b->q, 1024));
	VS_MUST(s, vs_plug(s, 0, VS_CAPACITY, 0));
	VS_MUST(s, vs_space(s, &s->f[0], 1, &b->q, 8));
	VS_MUST(s, vs_space(s, &s->f[0], 2, &b->q, 8));
	VS_MUST(s, server_start(&b->server, s, &b->q));
	VS_MUST(s, traffic_start(&b->traffic[0], s, 1));
	VS_MUST(s, traffic_start(&b->traffic[1], s, 2));
	return 0;
}

static int bystander_stop(struct vs *s, struct bystander *b)
{
	struct sums sum;
	__u64 lost;

	if (traffic_stop(&b->traffic[0]) || traffic_stop(&b->traffic[1]) ||
	    server_stop(&b->server))
		return vs_fail(s, __LINE__, "the bystander was hit");
	ksft_print_msg("%u DMAs were served meanwhile\n",
		       b->traffic[0].dmas + b->traffic[1].dmas);
	if (settled(s, 1, &sum))
		return -1;
	if (queue_figure(s, &b->q, "lost", 0, &lost))
		return -1;
	VS_SAME(s, 0, lost);
	close(b->q.fd);
	return 0;
}

TEST_F_TIMEOUT(stress, detach_replace_close_among_faults, 120)
{
	static struct bystander b;
	static struct churn c[2];
	struct vs *s = &self->s;
	unsigned int i;

	VS_OK(s, bystander_start(s, &b));
	VS_OK(s, vs_plug(s, 1, 64, 0));
	for (i = 0; i < 2; i++) {
		c[i].s = s;
		c[i].rounds = 5 * test_scale();
		/* On the function with traffic, and alone on another */
		VS_OK(s, victim_make(s, &c[i].v, &s->f[i], 10 + i));
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, churn_pasid,
					    &c[i]));
	}
	for (i = 0; i < 2; i++) {
		pthread_join(c[i].thread, NULL);
		VS_OK(s, c[i].rc);
		VS_OK(s, victim_fault(s, &c[i].v, &c[i].v.q));
		VS_OK(s, victim_serve(s, &c[i].v, &c[i].v.q));
	}
	VS_OK(s, bystander_stop(s, &b));
}

/* --- functions go away --- */

/* Function @n again, with the victim on it; a HWPT of before goes. */
static int function_back(struct vs *s, struct victim *v, unsigned int n)
{
	struct vs_space *sp = &s->space[v->pasid - 1];

	VS_MUST(s, model_dev_open(&s->f[n]));
	VS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	VS_MUST(s, iommu_destroy(s->fd, sp->hwpt));
	VS_MUST(s, vs_space(s, &s->f[n], v->pasid, &v->q, 8));
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

static int function_idle(struct vs *s, struct model_dev *f)
{
	struct iommufd_model_state st;

	VS_MUST(s, model_state(f, &st));
	VS_SAME(s, 0, st.outstanding);
	VS_SAME(s, 0, st.running);
	return 0;
}

/* The function forgets what it asked; answers to that come to nothing. */
static int function_reset(struct vs *s, struct victim *v, struct model_dev *f)
{
	struct vs_answer a[2 * VS_BATCH];
	int n;

	if (victim_fault(s, v, &v->q))
		return -1;
	VS_MUST(s, ioctl(f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)))
		return -1;
	n = vs_read(s, &v->q, a, ARRAY_LEN(a));
	VS_SAME(s, VICTIMS, (unsigned int)n);
	if (vs_answer(s, &v->q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	if (victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

static int function_closed(struct vs *s, struct victim *v, unsigned int n)
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

static int function_unplugged(struct vs *s, struct victim *v, unsigned int n,
			      bool surprise)
{
	struct unplug u = { .d = &s->f[n], .surprise = surprise };
	struct vfio_dev dev = s->f[n].v;

	if (victim_fault(s, v, &v->q))
		return -1;
	VS_MUST(s, pthread_create(&u.thread, NULL, unplug, &u));
	/* Pulled, the DMAs end by themselves. */
	if (surprise && victim_ended(s, v, ENDED(GONE)))
		return -1;
	sleep_ms(vs_random(s, 20));
	vfio_dev_close(&dev);
	pthread_join(u.thread, NULL);
	VS_MUST(s, u.rc);
	if (victim_ended(s, v, ENDED(GONE) | ENDED(FAULTED) | ENDED(STOPPED) |
			 ENDED(DISABLED)))
		return -1;
	VS_MUST(s, model_plug_with(&s->model, (n + 1) << 3, MODEL_CAPS_ALL,
				   VS_PASID_BITS, 64, 0, &s->f[n]));
	return function_back(s, v, n);
}

TEST_F_TIMEOUT(stress, functions_go_and_come_among_faults, 120)
{
	static struct bystander b;
	static struct victim v;
	struct vs *s = &self->s;
	unsigned int i;

	VS_OK(s, bystander_start(s, &b));
	VS_OK(s, vs_plug(s, 1, 64, 0));
	VS_OK(s, victim_make(s, &v, &s->f[1], 20));
	for (i = 0; i < 3 * test_scale(); i++) {
		VS_OK(s, function_reset(s, &v, &s->f[1]));
		VS_OK(s, function_closed(s, &v, 1));
		VS_OK(s, function_unplugged(s, &v, 1, false));
		VS_OK(s, function_unplugged(s, &v, 1, true));
	}
	VS_OK(s, bystander_stop(s, &b));
}

/* All of it belongs to a process that is killed. */
static int child(struct vs *s, unsigned int n, int ready)
{
	static struct victim v;

	s->fd = iommu_open();
	s->parent = 0;
	VS_MUST(s, iommu_ioas_alloc(s->fd, &s->ioas));
	VS_MUST(s, iommu_map(s->fd, s->ioas, s->memory, s->size, VS_GPA));
	VS_MUST(s, model_dev_open(&s->f[n]));
	VS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	VS_MUST(s, iommu_hwpt_paging(s->fd, s->f[n].v.id, s->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				     &s->parent));
	if (victim_make(s, &v, &s->f[n], 30) || victim_fault(s, &v, &v.q))
		return -1;
	VS_SAME(s, 1, (unsigned long long)write(ready, "r", 1));
	pause();
	return -1;
}

TEST_F_TIMEOUT(stress, killed_among_faults, 120)
{
	static struct bystander b;
	static struct victim v;
	struct vs *s = &self->s;
	int i, p[2], status;
	char ok;

	VS_OK(s, bystander_start(s, &b));
	VS_OK(s, vs_plug(s, 1, 64, 0));
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
		VS_OK(s, function_idle(s, &s->f[1]));
	}
	VS_OK(s, model_dev_open(&s->f[1]));
	VS_OK(s, model_dev_bind(&s->f[1], s->fd));
	VS_OK(s, victim_make(s, &v, &s->f[1], 31));
	VS_OK(s, victim_fault(s, &v, &v.q));
	VS_OK(s, victim_serve(s, &v, &v.q));
	VS_OK(s, bystander_stop(s, &b));
}

/* --- virtual functions --- */

static int vf_bind(struct vs *s, unsigned int pf, unsigned int nth,
		   unsigned int n)
{
	model_vf(&s->f[pf], nth, &s->f[n]);
	VS_MUST(s, model_dev_open(&s->f[n]));
	VS_MUST(s, model_dev_bind(&s->f[n], s->fd));
	return 0;
}

/* Each to its own queue; a failure answered on one stays there. */
TEST_F_TIMEOUT(stress, two_vfs_and_their_pf, 60)
{
	static struct victim v[3];
	static struct vs_answer a[3][2 * VS_BATCH];
	struct iommufd_model_state st;
	struct vs *s = &self->s;
	unsigned int i, k;

	VS_OK(s, vs_plug(s, 0, 64, 2));
	VS_OK(s, model_set_vfs(&s->f[0], 2));
	VS_OK(s, vf_bind(s, 0, 0, 1));
	VS_OK(s, vf_bind(s, 0, 1, 2));
	for (i = 0; i < 3; i++)
		VS_OK(s, victim_make(s, &v[i], &s->f[i], 1 + i));
	for (i = 0; i < 3; i++)
		VS_OK(s, victim_fault(s, &v[i], &v[i].q));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(VICTIMS, vs_read(s, &v[i].q, a[i], ARRAY_LEN(a[i])))
			TH_LOG("%s", s->why);
	VS_OK(s, vs_answer(s, &v[1].q, a[1], VICTIMS,
			   IOMMUFD_PAGE_RESP_FAILURE));
	VS_OK(s, victim_ended(s, &v[1], ENDED(FAULTED)));
	for (i = 0; i < 3; i += 2) {
		VS_OK(s, vs_answer(s, &v[i].q, a[i], VICTIMS,
				   IOMMUFD_PAGE_RESP_SUCCESS));
		for (k = 0; k < VICTIMS; k++)
			VS_OK(s, vs_check(s, v[i].job[k]));
	}
	/* Nor is it the end of the one that was told. */
	VS_OK(s, victim_fault(s, &v[1], &v[1].q));
	VS_OK(s, victim_serve(s, &v[1], &v[1].q));
	VS_OK(s, model_state(&s->f[1], &st));
	EXPECT_EQ(0, st.failure);
	EXPECT_EQ(VICTIMS, st.invalid);
	EXPECT_EQ(0, st.outstanding);
}

TEST_F_TIMEOUT(stress, vfs_go_among_faults, 60)
{
	static struct victim v[2];
	struct vs *s = &self->s;
	unsigned int i, round;

	VS_OK(s, vs_plug(s, 0, 64, 2));
	VS_OK(s, victim_make(s, &v[0], &s->f[0], 1));
	for (round = 0; round < 3; round++) {
		struct unplug u = { .d = &s->f[0], .vfs = true };

		VS_OK(s, model_set_vfs(&s->f[0], 2));
		VS_OK(s, vf_bind(s, 0, 1, 1));
		if (!round) {
			VS_OK(s, victim_make(s, &v[1], &s->f[1], 2));
		} else {
			VS_OK(s, iommu_destroy(s->fd, s->space[1].hwpt));
			VS_OK(s, vs_space(s, &s->f[1], 2, &v[1].q, 8));
		}
		for (i = 0; i < 2; i++)
			VS_OK(s, victim_fault(s, &v[i], &v[i].q));
		ASSERT_EQ(0, pthread_create(&u.thread, NULL, unplug, &u));
		sleep_ms(vs_random(s, 20));
		model_dev_close(&s->f[1]);
		pthread_join(u.thread, NULL);
		VS_OK(s, u.rc);
		VS_OK(s, victim_ended(s, &v[1], ENDED(GONE) | ENDED(FAULTED) |
				      ENDED(STOPPED) | ENDED(DISABLED)));
		/* What the physical one asked is answered as ever. */
		VS_OK(s, victim_serve(s, &v[0], &v[0].q));
	}
}

/* --- functions that misbehave --- */

static int reads(struct vs *s, unsigned int n, __u32 pasid)
{
	unsigned char byte = 0;
	int rc = model_dma(&s->f[n], 0, pasid, VS_GVA, &byte, 1, FOREVER_MS);

	return rc ? -rc : byte;
}

/*
 * A function that answers no invalidation: who asked for it is told, the others'
 * translations are gone, and the function is not believed any more.
 */
TEST_F_TIMEOUT(stress, no_answer_to_invalidations, 60)
{
	struct vs *s = &self->s;
	unsigned char *page[2];
	struct vs_space *sp;
	struct vs_queue q;
	__u32 num, pt;
	int i;

	VS_OK(s, vs_queue(s, &q, 64));
	VS_OK(s, vs_plug(s, 0, 64, 0));
	VS_OK(s, vs_plug(s, 1, 64, 0));
	VS_OK(s, vs_space(s, &s->f[0], 1, &q, 8));
	sp = &s->space[0];
	pt = sp->hwpt;
	VS_OK(s, iommu_pasid_attach(s->fd, s->f[1].v.id, 1, &pt));
	for (i = 0; i < 2; i++) {
		page[i] = vs_pages(s, 1);
		ASSERT_NE(NULL, page[i]);
		memset(page[i], 0x11 * (i + 1), PAGE);
	}
	atomic_store(&sp->leaf[0], vs_gpa(s, page[0]) | VS_PTE);
	ASSERT_EQ(0x11, reads(s, 0, 1));
	ASSERT_EQ(0x11, reads(s, 1, 1));

	VS_OK(s, model_misbehave(&s->f[0], IOMMUFD_MODEL_NO_INVALIDATE));
	atomic_store(&sp->leaf[0], vs_gpa(s, page[1]) | VS_PTE);
	/* Both have it in their caches still. */
	ASSERT_EQ(0x11, reads(s, 1, 1));
	num = 3;
	EXPECT_EQ(-ETIMEDOUT, vs_flush(s, sp->hwpt, VS_GVA, 1, &num));
	EXPECT_EQ(0, num);
	EXPECT_EQ(0x22, reads(s, 1, 1));
	for (i = 0; i < 500 && reads(s, 0, 1) != -IOMMUFD_MODEL_DMA_BLOCKED;
	     i++)
		sleep_ms(10);
	EXPECT_EQ(-IOMMUFD_MODEL_DMA_BLOCKED, reads(s, 0, 1));
	/* From now on nothing depends on it. */
	num = 3;
	EXPECT_EQ(0, vs_flush(s, sp->hwpt, VS_GVA, 1, &num));
	EXPECT_EQ(3, num);
	EXPECT_EQ(0x22, reads(s, 1, 1));

	model_dev_close(&s->f[0]);
	VS_OK(s, model_unplug(&s->f[0], false));
	VS_OK(s, vs_plug(s, 0, 64, 0));
	pt = sp->hwpt;
	VS_OK(s, iommu_pasid_attach(s->fd, s->f[0].v.id, 1, &pt));
	EXPECT_EQ(0x22, reads(s, 0, 1));
}

/* It asks, but never says that this was all. */
static int never_last(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	__u64 pending;
	__u32 pt;
	unsigned int i;

	VS_MUST(s, model_misbehave(sp->f, IOMMUFD_MODEL_NO_LAST));
	for (i = 0; i < VICTIMS; i++)
		if (vs_start(s, v->job[i]))
			return -1;
	sleep_ms(50);
	VS_MUST(s, vs_pending(s, &v->q, &pending));
	VS_SAME(s, 0, pending);
	VS_MUST(s, iommu_pasid_detach(s->fd, sp->f->v.id, v->pasid));
	VS_MUST(s, model_misbehave(sp->f, 0));
	/* It still has the requests, and cannot be told to begin anew. */
	pt = sp->hwpt;
	VS_SAME(s, (unsigned int)EBUSY,
		(unsigned int)-iommu_pasid_attach(s->fd, sp->f->v.id, v->pasid,
						  &pt));
	VS_MUST(s, ioctl(sp->f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)) || victim_attach(s, v) ||
	    victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

/* It does not hear the answers. */
static int deaf(struct vs *s, struct victim *v)
{
	struct vs_space *sp = &s->space[v->pasid - 1];
	struct vs_answer a[2 * VS_BATCH];
	unsigned int i;
	int n;

	VS_MUST(s, model_misbehave(sp->f, IOMMUFD_MODEL_DEAF));
	if (victim_fault(s, v, &v->q))
		return -1;
	n = vs_read(s, &v->q, a, ARRAY_LEN(a));
	VS_SAME(s, VICTIMS, (unsigned int)n);
	if (vs_answer(s, &v->q, a, VICTIMS, IOMMUFD_PAGE_RESP_SUCCESS))
		return -1;
	for (i = 0; i < VICTIMS; i++) {
		if (victim_late(s, &v->q, a[i].cookie))
			return -1;
		VS_SAME(s, IOMMUFD_MODEL_DMA_PENDING,
			(unsigned int)model_job_wait(&v->job[i]->dma, 20));
	}
	VS_MUST(s, model_misbehave(sp->f, 0));
	VS_MUST(s, ioctl(sp->f->v.fd, VFIO_DEVICE_RESET));
	if (victim_ended(s, v, ENDED(STOPPED)) ||
	    victim_fault(s, v, &v->q))
		return -1;
	return victim_serve(s, v, &v->q);
}

TEST_F_TIMEOUT(stress, never_last_and_deaf_among_faults, 60)
{
	static struct bystander b;
	static struct victim v;
	struct vs *s = &self->s;

	VS_OK(s, bystander_start(s, &b));
	VS_OK(s, vs_plug(s, 1, 64, 0));
	VS_OK(s, victim_make(s, &v, &s->f[1], 20));
	VS_OK(s, never_last(s, &v));
	VS_OK(s, deaf(s, &v));
	VS_OK(s, bystander_stop(s, &b));
}

/* More requests than it was allowed: those beyond are not delivered. */
TEST_F_TIMEOUT(stress, overcommit_among_faults, 60)
{
	static struct vs_job *job[VS_REGIONS];
	static struct bystander b;
	struct vs *s = &self->s;
	struct server server;
	__u64 pending, lost;
	struct vs_queue q;
	unsigned int i;

	VS_OK(s, bystander_start(s, &b));
	VS_OK(s, vs_queue(s, &q, 1024));
	VS_OK(s, vs_plug(s, 1, 8, 0));
	VS_OK(s, vs_space(s, &s->f[1], 20, &q, 8));
	VS_OK(s, model_misbehave(&s->f[1], IOMMUFD_MODEL_OVERCOMMIT));
	for (i = 0; i < VS_REGIONS; i++) {
		job[i] = vs_job(s, 20, i, 1, true);
		ASSERT_NE(NULL, job[i]);
		VS_OK(s, vs_start(s, job[i]));
	}
	VS_OK(s, vs_await(s, &q, 8));
	sleep_ms(50);
	VS_OK(s, vs_pending(s, &q, &pending));
	EXPECT_EQ(8, pending);
	VS_OK(s, server_start(&server, s, &q));
	for (i = 0; i < VS_REGIONS; i++) {
		VS_OK(s, vs_check(s, job[i]));
		EXPECT_EQ(1, atomic_load(&job[i]->seen));
	}
	VS_OK(s, server_stop(&server));
	VS_OK(s, queue_figure(s, &q, "lost", 0, &lost));
	EXPECT_LT(0, lost);
	VS_OK(s, bystander_stop(s, &b));
}

/* --- every inner step made to fail --- */

/* What the operations work with */
struct failing {
	struct vs *s;
	struct vs_queue q;
	__u32 nested;
	__u32 other;
	__u32 paging;
	__u32 made;
	int made_fd;
	int fail_fd;
};

static bool put(const char *directory, const char *name, const char *text)
{
	char path[128];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", directory,
		 name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Failures by fail-nth only, all kinds of allocation, no noise in the log */
static bool injectors_ready(void)
{
	static const char *const dirs[] = {
		"failslab", "fail_page_alloc", "fail_usercopy", "fail_iommufd",
	};
	static const char *const settings[][2] = {
		{ "verbose", "0" },	      { "ignore-gfp-wait", "N" },
		{ "ignore-gfp-highmem", "N" }, { "min-order", "0" },
		{ "probability", "0" },       { "task-filter", "N" },
		{ "cache-filter", "N" },
	};
	bool some = false;
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(dirs); i++)
		for (j = 0; j < ARRAY_LEN(settings); j++)
			if (put(dirs[i], settings[j][0], settings[j][1]))
				some = true;
	return some;
}

static bool arm(int fd, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fd, text, (size_t)n, 0) == n;
}

/* Disarms; true if the failure was injected. */
static bool fired(int fd)
{
	char text[16] = "";
	bool was = false;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		was = atoi(text) == 0;
	arm(fd, 0);
	return was;
}

static int fail_none(struct failing *f)
{
	(void)f;
	return 0;
}

static int fail_destroy(struct failing *f)
{
	return iommu_destroy(f->s->fd, f->made);
}

static int fail_nested(struct failing *f)
{
	return vs_nested(f->s, &f->s->f[0], f->s->space[0].root, &f->q,
			 &f->made);
}

static int fail_attach_to(struct failing *f, __u32 pt, bool replace)
{
	__u32 dev = f->s->f[0].v.id;

	return replace ? iommu_pasid_replace(f->s->fd, dev, 7, &pt) :
			 iommu_pasid_attach(f->s->fd, dev, 7, &pt);
}

static int fail_attach(struct failing *f)
{
	return fail_attach_to(f, f->nested, false);
}

static int fail_attach_paging(struct failing *f)
{
	return fail_attach_to(f, f->paging, false);
}

static int fail_attach_ioas(struct failing *f)
{
	return fail_attach_to(f, f->s->ioas, false);
}

static int fail_replace(struct failing *f)
{
	return fail_attach_to(f, f->other, true);
}

static int fail_replace_paging(struct failing *f)
{
	return fail_attach_to(f, f->paging, true);
}

static int fail_replace_ioas(struct failing *f)
{
	return fail_attach_to(f, f->s->ioas, true);
}

static int fail_detach(struct failing *f)
{
	return iommu_pasid_detach(f->s->fd, f->s->f[0].v.id, 7);
}

static int fail_flush(struct failing *f)
{
	__u32 num = 3;

	return vs_flush(f->s, f->s->space[0].hwpt, VS_GVA, 1, &num);
}

static int fail_rid_attach(struct failing *f)
{
	__u32 pt = f->nested;

	return vfio_dev_attach(&f->s->f[0].v, &pt);
}

static int fail_rid_replace(struct failing *f)
{
	__u32 pt = f->other;

	return vfio_dev_attach(&f->s->f[0].v, &pt);
}

static int fail_rid_detach(struct failing *f)
{
	return vfio_dev_detach(&f->s->f[0].v);
}

static int fail_eventq(struct failing *f)
{
	struct iommu_hwpt_eventq_alloc cmd = {
		.size = sizeof(cmd),
		.hwpt_id = f->nested,
		.depth = 16,
	};
	int rc = iommu_call(f->s->fd, IOMMU_HWPT_EVENTQ_ALLOC, &cmd);

	if (!rc) {
		f->made = cmd.out_eventq_id;
		f->made_fd = (int)cmd.out_eventq_fd;
	}
	return rc;
}

static int fail_eventq_undo(struct failing *f)
{
	close(f->made_fd);
	return iommu_destroy(f->s->fd, f->made);
}

/**
 * struct fail_op - one operation
 * @name: of it
 * @prepare: before each try
 * @run: what failures are injected into
 * @undo: takes back what a successful @run did
 * @moves: an answer that cannot be stored is EFAULT, though it was carried out
 */
struct fail_op {
	const char *name;
	int (*prepare)(struct failing *f);
	int (*run)(struct failing *f);
	int (*undo)(struct failing *f);
	bool moves;
};

static const struct fail_op fail_ops[] = {
	{ "HWPT_ALLOC of a nested one", fail_none, fail_nested, fail_destroy,
	  false },
	{ "PASID_ATTACH to a nested one", fail_none, fail_attach, fail_detach,
	  false },
	{ "PASID_ATTACH to a paging one with a queue", fail_none,
	  fail_attach_paging, fail_detach, false },
	{ "PASID_ATTACH to an IOAS", fail_none, fail_attach_ioas, fail_detach,
	  false },
	{ "PASID_REPLACE, nested by nested", fail_attach, fail_replace,
	  fail_detach, true },
	{ "PASID_REPLACE, nested by paging", fail_attach, fail_replace_paging,
	  fail_detach, true },
	{ "PASID_REPLACE, nested by an IOAS", fail_attach, fail_replace_ioas,
	  fail_detach, true },
	{ "PASID_DETACH", fail_attach, fail_detach, fail_none, false },
	{ "HWPT_INVALIDATE", fail_none, fail_flush, fail_none, false },
	{ "HWPT_EVENTQ_ALLOC", fail_none, fail_eventq, fail_eventq_undo,
	  false },
	{ "ATTACH_IOMMUFD_PT, nested", fail_none, fail_rid_attach,
	  fail_rid_detach, true },
	{ "ATTACH_IOMMUFD_PT, nested by nested", fail_rid_attach,
	  fail_rid_replace, fail_rid_detach, true },
};

/* Returns how many failures there were, or -1. */
static int fail_sweep(struct failing *f, const struct fail_op *op)
{
	static struct fdinfo before, after;
	struct vs *s = f->s;
	unsigned int nth;

	for (nth = 1; nth < 400; nth++) {
		bool injected;
		int rc;

		if (op->prepare(f))
			return vs_fail(s, __LINE__, "%s: prepare", op->name);
		state_of(s->fd, &before);
		if (!arm(f->fail_fd, nth))
			return vs_fail(s, __LINE__, "%s: arm", op->name);
		rc = op->run(f);
		injected = fired(f->fail_fd);
		if (rc && !injected)
			return vs_fail(s, __LINE__, "%s: %d", op->name, rc);
		state_of(s->fd, &after);
		if (rc && !(op->moves && rc == -EFAULT &&
			    strcmp(before.text, after.text))) {
			if (strcmp(before.text, after.text))
				return vs_fail(s, __LINE__,
					       "%s: step %u: %d, and it left something",
					       op->name, nth, rc);
			rc = op->run(f);
			if (rc)
				return vs_fail(s, __LINE__,
					       "%s: again after step %u: %d",
					       op->name, nth, rc);
		}
		if (op->undo(f))
			return vs_fail(s, __LINE__, "%s: undo after step %u",
				       op->name, nth);
		if (!injected) {
			ksft_print_msg("%4u failures: %s\n", nth - 1, op->name);
			return (int)nth - 1;
		}
		/* Others are served as before. */
		VS_SAME(s, 0x5a, (unsigned int)reads(s, 0, 1));
	}
	return vs_fail(s, __LINE__, "%s: no end", op->name);
}

TEST_F_TIMEOUT(stress, every_step_fails, 120)
{
	static struct failing f;
	struct vs *s = &self->s;
	unsigned char *page;
	unsigned int i;
	char path[64];
	int n, all = 0;

	f.s = s;
	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth",
		 (int)syscall(SYS_gettid));
	f.fail_fd = open(path, O_RDWR | O_CLOEXEC);
	if (f.fail_fd < 0 || !injectors_ready())
		SKIP(return, "this kernel injects no failures");
	VS_OK(s, vs_queue(s, &f.q, 64));
	VS_OK(s, vs_plug(s, 0, 64, 0));
	VS_OK(s, vs_space(s, &s->f[0], 1, &f.q, 8));
	page = vs_pages(s, 1);
	ASSERT_NE(NULL, page);
	memset(page, 0x5a, PAGE);
	atomic_store(&s->space[0].leaf[0], vs_gpa(s, page) | VS_PTE);
	VS_OK(s, vs_nested(s, &s->f[0], s->space[0].root, &f.q, &f.nested));
	VS_OK(s, vs_nested(s, &s->f[0], s->space[0].root, NULL, &f.other));
	VS_OK(s, iommu_hwpt_paging(s->fd, s->f[0].v.id, s->ioas,
				   IOMMU_HWPT_FAULT_ID_VALID, f.q.id,
				   &f.paging));
	for (i = 0; i < ARRAY_LEN(fail_ops); i++) {
		n = fail_sweep(&f, &fail_ops[i]);
		ASSERT_LE(0, n) TH_LOG("%s", s->why);
		all += n;
	}
	ksft_print_msg("%4u failures in all\n", all);
	EXPECT_LT(0, all);
	close(f.fail_fd);
	close(f.q.fd);
}

TEST_HARNESS_MAIN
