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

static int flood(struct vs *s, struct vs_queue *q)
{
	static struct vs_job *jobs[4 * 60];
	unsigned int i, k, num = 0, round;
	struct server server;
	__u64 strays = 0, overflows, value;

	VS_MUST(s, vs_queue(s, q, IOMMU_FAULT_DEPTH_MAX));
	for (i = 0; i < 6; i++) {
		VS_MUST(s, vs_plug(s, i, VS_CAPACITY, 0));
		VS_MUST(s, vs_space(s, &s->f[i], 4 * i + 1, q, VS_MAX_PAGES));
		for (k = 1; i < 4 && k < 4; k++)
			VS_MUST(s, vs_space(s, &s->f[i], 4 * i + k + 1, q,
					    VS_MAX_PAGES));
	}
	VS_MUST(s, server_start(&server, s, q));
	VS_MUST(s, model_inject(&s->model, MODEL_VTD_DELAY, 200 * 1000));
	/* 4 functions x 4 PASIDs x 15 DMAs x 32 pages do not fit, by far. */
	for (i = 0; i < 16; i++)
		for (k = 0; k < 15; k++) {
			jobs[num] = vs_job(s, i + 1, k, VS_MAX_PAGES, true);
			if (!jobs[num])
				return vs_fail(s, __LINE__, "no memory");
			num++;
		}
	shuffle(s, (void **)jobs, num);
	for (i = 0; i < num; i++)
		VS_MUST(s, vs_start(s, jobs[i]));
	for (round = 0; round < 3; round++) {
		/* Each index once a round; it must be free in the next. */
		for (i = 0; i < 2 * 48; i++)
			if (stray(s, &s->f[4 + i % 2], 4 * (4 + i % 2) + 1,
				  i / 2 + 48 * round, &strays))
				return -1;
		sleep_ms(100);
	}
	VS_MUST(s, model_inject(&s->model, MODEL_VTD_DELAY, 0));
	for (i = 0; i < num; i++)
		if (vs_check(s, jobs[i]))
			return -1;
	/* Until the last stray one was answered too */
	for (i = 0; i < 1000; i++) {
		struct iommufd_model_state a, b;

		VS_MUST(s, model_state(&s->f[4], &a));
		VS_MUST(s, model_state(&s->f[5], &b));
		VS_MUST(s, vs_pending(s, q, &value));
		if (!a.outstanding && !b.outstanding && !value)
			break;
		sleep_ms(10);
	}
	VS_MUST(s, server_stop(&server));
	VS_MUST(s, model_counter(&s->model, "page-overflows", &overflows));
	ksft_print_msg("%llu requests found no room; %llu of %llu strays came through\n",
		       overflows, (unsigned long long)atomic_load(&s->strays),
		       strays);
	if (!overflows)
		return vs_fail(s, __LINE__, "the queue did not run over");
	for (i = 0; i < num; i++) {
		VS_SAME(s, 1, atomic_load(&jobs[i]->seen));
		vs_job_free(jobs[i]);
	}
	if (ledger(s, 6, q, 1))
		return -1;
	close(q->fd);
	return 0;
}

TEST_F_TIMEOUT(stress, queue_overflow, 120)
{
	struct vs_queue q;

	VS_OK(&self->s, flood(&self->s, &q));
}

TEST_HARNESS_MAIN
