/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a crowd goes through (pasid_crowd.h), for each kind of tables: the variants of
 * the fixture, which the file that includes this has defined.
 */
#ifndef SELFTESTS_IOMMU_PASID_CROWD_CASES_H
#define SELFTESTS_IOMMU_PASID_CROWD_CASES_H

#include "pasid_crowd.h"

FIXTURE_SETUP(crowd)
{
	struct rlimit files = { 4096, 4096 };
	int rc;

	setrlimit(RLIMIT_NOFILE, &files);
	rc = pc_init(&self->c, variant->kind);
	if (rc == -ENOENT)
		SKIP(return, "this kernel has no such model");
	PC_OK(&self->c, rc);
}

FIXTURE_TEARDOWN(crowd)
{
	if (self->c.memory)
		PC_OK(&self->c, pc_exit(&self->c));
}

/* --- all fault at once --- */

/* Most groups that a function can tell apart: 9 bits of index (PCIe 6.0, 10.4.1.1) */
#define GROUPS_MAX	512U

/*
 * Wait until each function waits for an answer to as many groups as it can, of those
 * that are left: *@num of them.
 */
static int all_ask(struct pc *c, const unsigned int left[2], unsigned int *num)
{
	__u64 end = now_ms() + 10 * FOREVER_MS;
	struct iommufd_model_state s;
	unsigned int i, want;

	for (i = 0, *num = 0; i < 2; i++) {
		want = left[i] < GROUPS_MAX ? left[i] : GROUPS_MAX;
		do {
			PC_MUST(c, model_state(&c->f[i], &s));
			if (s.waiting == want)
				break;
			sleep_ms(10);
		} while (now_ms() < end);
		PC_MUST(c, s.waiting != want);
		*num += want;
	}
	return 0;
}

/* The records of @num groups, none answered, wherever they are read */
static int gather(struct pc *c, struct iommu_hwpt_pgfault *r, unsigned int num,
		  bool own)
{
	__u64 end = now_ms() + 10 * FOREVER_MS;
	unsigned int have = 0, before = 0, i = 0;
	int rc;

	while (have < num && now_ms() < end) {
		struct pc_proc *p = &c->proc[i++ % c->num];
		struct pollfd f = { .fd = p->queue, .events = POLLIN };

		/* Once round, and nothing has come: leave the processor to who brings it */
		if (own && i % c->num == 1) {
			if (i > 1 && have == before)
				sleep_ms(10);
			before = have;
		}
		if (poll(&f, 1, own ? 0 : 100) != 1)
			continue;
		rc = iommu_fault_read(f.fd, r + have, own ? 1 : num - have);
		if (rc <= 0)
			PC_MUST(c, rc ?: -EIO);
		/* A queue of one's own has nothing of anybody else */
		if (own && pc_find(c, &r[have]) != p)
			PC_MUST(c, -EXDEV);
		have += (unsigned int)rc;
	}
	PC_MUST(c, have != num);
	return 0;
}

static int serve(struct pc *c, const struct iommu_hwpt_pgfault *r,
		 unsigned int left[2])
{
	struct pc_proc *p = pc_find(c, r);

	if (!p || r->addr != PC_GVA || p->served)
		PC_MUST(c, -EXDEV);
	if (pc_give(c, p, 0, 0, false))
		return -1;
	p->served = true;
	left[p->f == &c->f[1]]--;
	PC_MUST(c, iommu_fault_answer(p->queue, r->cookie,
				      IOMMUFD_PAGE_RESP_SUCCESS));
	return 0;
}

static void shuffle(struct iommu_hwpt_pgfault *r, unsigned int num)
{
	static unsigned int seed = 1;
	struct iommu_hwpt_pgfault swap;
	unsigned int j;

	for (; num > 1; num--) {
		j = (unsigned int)rand_r(&seed) % num;
		swap = r[num - 1];
		r[num - 1] = r[j];
		r[j] = swap;
	}
}

static int start_all(struct pc *c)
{
	unsigned int i;

	for (i = 0; i < c->num; i++)
		if (pc_attach(c, &c->proc[i]))
			return -1;
	for (i = 0; i < c->num; i++) {
		struct pc_proc *p = &c->proc[i];

		PC_MUST(c, model_job_start(p->f, IOMMUFD_MODEL_DMA_WRITE,
					   atomic_load(&p->wire), PC_GVA,
					   p->data, PC_BYTES, 1, &p->job));
	}
	return 0;
}

/*
 * @parted: of each of two parts. With no more than 150 of them each has room for all of its
 * page requests at once: 3/4 of the 512 are for parts that have some outstanding already, and
 * one of them may have twice what is left of that.
 */
static int all_at_once(struct pc *c, unsigned int whole, unsigned int parted,
		       bool own)
{
	struct iommu_hwpt_pgfault *r = calloc(PC_PROCS, sizeof(*r));
	unsigned int i, num, left[2];

	if (!r || pc_crowd(c, whole, parted, 1, own) || start_all(c))
		return -1;
	left[0] = whole;
	left[1] = c->num - whole;
	while (left[0] || left[1]) {
		if (all_ask(c, left, &num) || gather(c, r, num, own))
			return -1;
		shuffle(r, num);
		for (i = 0; i < num; i++)
			if (serve(c, &r[i], left))
				return -1;
	}
	for (i = 0; i < c->num; i++) {
		struct pc_proc *p = &c->proc[i];

		PC_MUST(c, model_job_wait(&p->job, FOREVER_MS));
		PC_MUST(c, memcmp(p->data, p->space[0].page[0], PC_BYTES));
	}
	free(r);
	return 0;
}

TEST_F_TIMEOUT(crowd, a_thousand_faults_one_queue, 600)
{
	PC_OK(&self->c, pc_begin(&self->c));
	PC_OK(&self->c, all_at_once(&self->c, 1000, 150, false));
}

TEST_F_TIMEOUT(crowd, a_thousand_faults_a_queue_each, 600)
{
	if (variant->kind->attach)
		SKIP(return, "a guest's table of PASIDs has one queue");
	PC_OK(&self->c, pc_begin(&self->c));
	PC_OK(&self->c, all_at_once(&self->c, 1000, 150, true));
}

/* --- a part that never answers --- */

/* More than there are groups, were they to be had */
#define HOG_PROCS	(GROUPS_MAX + 8)
#define HOG_OTHERS	40

static int start_one(struct pc *c, struct pc_proc *p)
{
	PC_MUST(c, model_job_start(p->f, IOMMUFD_MODEL_DMA_WRITE,
				   atomic_load(&p->wire), PC_GVA, p->data,
				   PC_BYTES, 1, &p->job));
	return 0;
}

/* Its fault is read, served, and its bytes are there. */
static int serve_one(struct pc *c, struct pc_proc *p)
{
	struct pollfd f = { .fd = p->queue, .events = POLLIN };
	struct iommu_hwpt_pgfault r;
	unsigned int left[2] = {};

	PC_MUST(c, poll(&f, 1, 10 * FOREVER_MS) != 1);
	PC_MUST(c, iommu_fault_read(p->queue, &r, 1) != 1);
	PC_MUST(c, pc_find(c, &r) != p);
	if (serve(c, &r, left))
		return -1;
	PC_MUST(c, model_job_wait(&p->job, 10 * FOREVER_MS));
	PC_MUST(c, memcmp(p->data, p->space[0].page[0], PC_BYTES));
	return 0;
}

static int outstanding_of(struct pc *c, unsigned int part)
{
	static struct fdinfo info;
	char name[40], *line;
	unsigned int n = 0;

	if (fdinfo_read(0, c->fd, &info))
		return -1;
	snprintf(name, sizeof(name), "iommu-object:\t%u device", c->part[part].dev);
	line = strstr(info.text, name);
	if (!line)
		return -1;
	line = strtok(line, "\n");
	line = strstr(line, " outstanding=");
	if (line)
		sscanf(line, " outstanding=%u", &n);
	return (int)n;
}

/* Half of what the parts have together, and the other part is served. */
static int hog(struct pc *c)
{
	const int most = GROUPS_MAX / 2;
	__u64 end = now_ms() + 10 * FOREVER_MS;
	static bool served[HOG_PROCS];
	unsigned int i, left, before;

	if (pc_crowd(c, 0, HOG_PROCS, 1, true))
		return -1;
	for (i = 0; i < c->num; i += PC_PARTS)
		if (pc_attach(c, &c->proc[i]) || start_one(c, &c->proc[i]))
			return -1;
	while (outstanding_of(c, 0) != most && now_ms() < end)
		sleep_ms(10);
	PC_MUST(c, outstanding_of(c, 0) - most);
	for (i = 0; i < HOG_OTHERS; i++) {
		struct pc_proc *p = &c->proc[1 + PC_PARTS * i];

		if (pc_attach(c, p) || start_one(c, p) || serve_one(c, p))
			return -1;
	}
	PC_MUST(c, outstanding_of(c, 0) - most);
	PC_MUST(c, outstanding_of(c, 1));
	/*
	 * What it was refused was not lost. Who of them has room next is not said: to wait
	 * for one of them is to keep the room from it.
	 */
	end = now_ms() + 10 * FOREVER_MS;
	for (left = HOG_PROCS; left;) {
		before = left;
		for (i = 0; i < HOG_PROCS; i++) {
			struct pc_proc *p = &c->proc[PC_PARTS * i];
			struct pollfd f = { .fd = p->queue, .events = POLLIN };

			if (served[i] || poll(&f, 1, 0) != 1)
				continue;
			if (serve_one(c, p))
				return -1;
			served[i] = true;
			left--;
		}
		if (left != before) {
			end = now_ms() + 10 * FOREVER_MS;
			continue;
		}
		PC_MUST(c, now_ms() > end);
		sleep_ms(10);
	}
	PC_MUST(c, outstanding_of(c, 0));
	return 0;
}

TEST_F_TIMEOUT(crowd, a_part_that_never_answers, 600)
{
	if (variant->kind->whole_only)
		SKIP(return, "mediated devices cannot have such tables");
	PC_OK(&self->c, pc_begin(&self->c));
	PC_OK(&self->c, hog(&self->c));
}

/* --- attach, replace, detach while DMA runs --- */

#define CHURN_WHOLE	48
#define CHURN_PARTED	16

struct churn {
	struct pc *c;
	atomic_bool stop;
	atomic_bool stop_answering;
	atomic_uint seed;
	atomic_uint changes;
	atomic_uint moved;
	atomic_uint refused;
	atomic_uint broken;
};

/* One that is moved, but never detached */
static bool stays(const struct pc *c, const struct pc_proc *p)
{
	return (p - c->proc) % 2;
}

/* What its owner never gives */
static bool withheld(const struct pc *c, const struct pc_proc *p,
		     unsigned int page)
{
	return (p - c->proc) % 5 == 0 && page >= PC_PAGES / 2;
}

static void *churn_change(void *arg)
{
	struct churn *h = arg;
	struct pc *c = h->c;
	unsigned int seed = atomic_fetch_add(&h->seed, 1);

	while (!atomic_load(&h->stop)) {
		struct pc_proc *p = &c->proc[(unsigned int)rand_r(&seed) %
					     c->num];
		__u32 pt = p->space[rand_r(&seed) % 2].hwpt, wire = 0;
		int rc, other = -ENOENT;

		switch (rand_r(&seed) % 4 + 2 * stays(c, p)) {
		case 0:
			rc = iommu_pasid_detach(c->fd, p->dev, p->vpasid);
			break;
		case 1:
			rc = iommu_vpasid_attach(c->fd, p->dev, p->vpasid, &pt,
						 &wire);
			other = -EBUSY;
			break;
		default:
			rc = iommu_vpasid_replace(c->fd, p->dev, p->vpasid, &pt,
						  &wire);
			break;
		}
		if (!rc) {
			atomic_store(&p->wire, wire);
			atomic_fetch_add(&h->changes, 1);
		} else if (rc != other) {
			atomic_fetch_add(&h->broken, 1);
		}
	}
	return NULL;
}

static bool is_its(const struct pc *c, const struct pc_proc *p,
		   unsigned int page, const unsigned char *data)
{
	unsigned int space, i;

	for (space = 0; space < 2; space++) {
		for (i = 0; i < PC_BYTES; i++)
			if (data[i] != pc_byte(c, p, space, page, i))
				break;
		if (i == PC_BYTES)
			return true;
	}
	return false;
}

static void *churn_dma(void *arg)
{
	struct churn *h = arg;
	struct pc *c = h->c;
	unsigned int seed = atomic_fetch_add(&h->seed, 1);

	while (!atomic_load(&h->stop)) {
		struct pc_proc *p = &c->proc[(unsigned int)rand_r(&seed) %
					     c->num];
		unsigned int page = (unsigned int)rand_r(&seed) % PC_PAGES;
		__u32 wire = atomic_load(&p->wire);
		unsigned char data[PC_BYTES];
		int status;

		if (!wire)
			continue;
		status = model_dma(p->f, 0, wire, PC_GVA + page * PAGE, data,
				   PC_BYTES, 10 * FOREVER_MS);
		switch (status) {
		case IOMMUFD_MODEL_DMA_OK:
			if (withheld(c, p, page) || !is_its(c, p, page, data))
				atomic_fetch_add(&h->broken, 1);
			atomic_fetch_add(&h->moved, 1);
			break;
		case IOMMUFD_MODEL_DMA_BLOCKED:
			/* Not by a move */
			if (stays(c, p))
				atomic_fetch_add(&h->broken, 1);
			atomic_fetch_add(&h->refused, 1);
			break;
		case IOMMUFD_MODEL_DMA_FAULTED:
			if (stays(c, p) && !withheld(c, p, page))
				atomic_fetch_add(&h->broken, 1);
			atomic_fetch_add(&h->refused, 1);
			break;
		default:
			fprintf(stderr, "# a DMA is %s (%s)\n",
				model_status_name(status), model_error());
			atomic_fetch_add(&h->broken, 1);
		}
	}
	return NULL;
}

static void churn_answer(struct churn *h, const struct iommu_hwpt_pgfault *r)
{
	__u32 code = IOMMUFD_PAGE_RESP_SUCCESS;
	struct pc *c = h->c;
	struct pc_proc *p = pc_find(c, r);
	__u64 page = (r->addr - PC_GVA) / PAGE;
	unsigned int i;
	int rc;

	if (!p || page >= PC_PAGES) {
		atomic_fetch_add(&h->broken, 1);
		code = IOMMUFD_PAGE_RESP_INVALID;
	} else if (withheld(c, p, (unsigned int)page)) {
		code = IOMMUFD_PAGE_RESP_INVALID;
	} else {
		for (i = 0; i < 2; i++)
			if (pc_give(c, p, i, (unsigned int)page, true))
				atomic_fetch_add(&h->broken, 1);
	}
	/* EINVAL: answered by a detach or a replace meanwhile */
	rc = iommu_fault_answer(c->queue, r->cookie, code);
	if (rc && rc != -EINVAL)
		atomic_fetch_add(&h->broken, 1);
}

static void *churn_serve(void *arg)
{
	struct churn *h = arg;
	struct iommu_hwpt_pgfault r[32];
	int i, n;

	while (!atomic_load(&h->stop_answering)) {
		struct pollfd p = { .fd = h->c->queue, .events = POLLIN };

		if (poll(&p, 1, 20) < 1)
			continue;
		n = iommu_fault_read(h->c->queue, r, ARRAY_LEN(r));
		for (i = 0; i < n; i++)
			if (r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)
				churn_answer(h, &r[i]);
	}
	return NULL;
}

/* The stand-in for a hypervisor: what it finds is nobody else's. */
static void *churn_look(void *arg)
{
	struct churn *h = arg;
	struct pc *c = h->c;
	unsigned int seed = atomic_fetch_add(&h->seed, 1);
	__u32 wire;
	int rc;

	while (!atomic_load(&h->stop)) {
		struct pc_proc *p = &c->proc[(unsigned int)rand_r(&seed) %
					     c->num];

		rc = mock_vm_lookup(c->fd, c->vm, p->dev, p->vpasid, &wire);
		if (rc && rc != -ENOENT)
			atomic_fetch_add(&h->broken, 1);
	}
	return NULL;
}

TEST_F_TIMEOUT(crowd, changed_at_random_while_dma_runs, 600)
{
	static void *(*const jobs[])(void *) = {
		churn_serve, churn_change, churn_dma, churn_dma, churn_dma,
		churn_change, churn_look,
	};
	struct churn h = { .c = &self->c };
	pthread_t thread[ARRAY_LEN(jobs)];
	struct pc *c = &self->c;
	struct mock_vm_state s;
	struct fdinfo info;
	unsigned int i;
	__u64 pending;

	if (variant->kind->attach)
		SKIP(return, "a guest changes its own table of PASIDs");
	PC_OK(c, pc_begin(c));
	PC_OK(c, pc_crowd(c, CHURN_WHOLE, CHURN_PARTED, 2, false));
	for (i = 0; i < c->num; i++)
		PC_OK(c, pc_attach(c, &c->proc[i]));
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &h));
	LET_WORK(3000L * (long)test_scale(), &h.moved, 200);
	LET_WORK(0L, &h.changes, 200);
	LET_WORK(0L, &h.refused, 10);
	atomic_store(&h.stop, true);
	for (i = 1; i < ARRAY_LEN(jobs); i++)
		pthread_join(thread[i], NULL);
	atomic_store(&h.stop_answering, true);
	pthread_join(thread[0], NULL);
	EXPECT_EQ(0, atomic_load(&h.broken));
	EXPECT_LT(200, atomic_load(&h.moved));
	EXPECT_LT(200, atomic_load(&h.changes));
	EXPECT_LT(10, atomic_load(&h.refused));
	for (i = 0; i < c->num; i++)
		iommu_pasid_detach(c->fd, c->proc[i].dev, c->proc[i].vpasid);
	PC_OK(c, pc_idle(c, &c->f[0]));
	PC_OK(c, pc_idle(c, &c->f[1]));
	ASSERT_EQ(0, fdinfo_read(0, c->queue, &info));
	ASSERT_TRUE(fdinfo_nth(&info, "pending", 1, &pending));
	EXPECT_EQ(0, pending);
	ASSERT_EQ(0, mock_vm_state(c->fd, c->vm, &s));
	EXPECT_EQ(0, s.entries);
	EXPECT_EQ(0, s.stale);
	for (i = 0; i < c->num; i++)
		EXPECT_EQ(0, iommu_destroy(c->fd, c->proc[i].space[1].hwpt));
}

/* --- replace alone: each DMA finds what was there before, or what is there after --- */

#define MOVE_WHOLE	8
#define MOVE_PARTED	4

static void *move_change(void *arg)
{
	struct churn *h = arg;
	struct pc *c = h->c;
	unsigned int seed = atomic_fetch_add(&h->seed, 1);
	__u32 wire, pt;

	while (!atomic_load(&h->stop)) {
		struct pc_proc *p = &c->proc[(unsigned int)rand_r(&seed) %
					     c->num];

		pt = p->space[rand_r(&seed) % 2].hwpt;
		if (iommu_vpasid_replace(c->fd, p->dev, p->vpasid, &pt, &wire) ||
		    wire != atomic_load(&p->wire))
			atomic_fetch_add(&h->broken, 1);
		atomic_fetch_add(&h->changes, 1);
	}
	return NULL;
}

/* By the device's own translations and the unit's in turn */
static void *move_dma(void *arg)
{
	struct churn *h = arg;
	struct pc *c = h->c;
	unsigned int seed = atomic_fetch_add(&h->seed, 1), page, n = 0;
	unsigned char data[PC_BYTES];
	int status;

	while (!atomic_load(&h->stop)) {
		struct pc_proc *p = &c->proc[(unsigned int)rand_r(&seed) %
					     c->num];

		page = (unsigned int)rand_r(&seed) % PC_PAGES;
		status = model_dma(p->f,
				   n++ % 4 ? IOMMUFD_MODEL_DMA_UNTRANSLATED : 0,
				   atomic_load(&p->wire), PC_GVA + page * PAGE,
				   data, PC_BYTES, 10 * FOREVER_MS);
		atomic_fetch_add(&h->moved, 1);
		if (!status && is_its(c, p, page, data))
			continue;
		fprintf(stderr, "# a DMA is %s (%s)\n",
			model_status_name(status), model_error());
		atomic_fetch_add(&h->broken, 1);
		break;
	}
	return NULL;
}

TEST_F_TIMEOUT(crowd, moved_while_dma_runs, 120)
{
	static void *(*const jobs[])(void *) = {
		move_change, move_dma, move_dma,
	};
	struct churn h = { .c = &self->c };
	pthread_t thread[ARRAY_LEN(jobs)];
	struct pc *c = &self->c;
	unsigned int i, j, page;

	if (variant->kind->attach)
		SKIP(return, "a guest changes its own table of PASIDs");
	PC_OK(c, pc_begin(c));
	PC_OK(c, pc_crowd(c, MOVE_WHOLE, MOVE_PARTED, 2, false));
	for (i = 0; i < c->num; i++) {
		for (page = 0; page < PC_PAGES; page++)
			for (j = 0; j < 2; j++)
				PC_OK(c, pc_give(c, &c->proc[i], j, page,
						 true));
		PC_OK(c, pc_attach(c, &c->proc[i]));
	}
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, jobs[i], &h));
	LET_WORK(2000L * (long)test_scale(), &h.moved, 100);
	LET_WORK(0L, &h.changes, 30);
	atomic_store(&h.stop, true);
	for (i = 0; i < ARRAY_LEN(jobs); i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, atomic_load(&h.broken));
	EXPECT_LT(100, atomic_load(&h.moved));
	EXPECT_LT(30, atomic_load(&h.changes));
}

/* --- what the number of them costs --- */

#define GROWTH_WINDOW	64U

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000 + (__u64)t.tv_nsec;
}

/*
 * The clock counts instructions where IOMMU_TEST_ICOUNT is set: 64 attaches from the
 * 100th and from the 10,000th on, in which as many nodes of tables begin. Detaching too.
 */
static int growth(struct pc *c, struct pc_proc *p, __u64 cost[2][2])
{
	static const __u32 from[] = { 128, 9984 };
	__u32 pasid, wire, pt;
	__u64 since;
	int i;

	for (i = 0, pasid = 1; i < 2; i++) {
		for (; pasid < from[i]; pasid++) {
			pt = p->space[0].hwpt;
			PC_MUST(c, iommu_vpasid_attach(c->fd, p->dev, pasid,
						       &pt, &wire));
		}
		since = now_ns();
		for (; pasid < from[i] + GROWTH_WINDOW; pasid++) {
			pt = p->space[0].hwpt;
			PC_MUST(c, iommu_vpasid_attach(c->fd, p->dev, pasid,
						       &pt, &wire));
		}
		cost[0][i] = (now_ns() - since) / GROWTH_WINDOW;
	}
	for (i = 1; i >= 0; i--) {
		for (; pasid > from[i] + GROWTH_WINDOW; pasid--)
			PC_MUST(c, iommu_pasid_detach(c->fd, p->dev,
						      pasid - 1));
		since = now_ns();
		for (; pasid > from[i]; pasid--)
			PC_MUST(c, iommu_pasid_detach(c->fd, p->dev,
						      pasid - 1));
		cost[1][i] = (now_ns() - since) / GROWTH_WINDOW;
	}
	return 0;
}

TEST_F_TIMEOUT(crowd, the_10000th_costs_what_the_100th_does, 900)
{
	static const char *const what[] = { "attach", "detach" };
	struct pc *c = &self->c;
	__u64 cost[2][2];
	unsigned int i, j;

	if (!getenv("IOMMU_TEST_ICOUNT"))
		SKIP(return, "the clock does not count instructions");
	if (variant->kind->attach)
		SKIP(return, "a guest changes its own table of PASIDs");
	PC_OK(c, pc_begin(c));
	PC_OK(c, pc_crowd(c, 1, 1, 1, false));
	/* A whole device, and a mediated one */
	for (j = 0; j < 2; j++) {
		PC_OK(c, growth(c, &c->proc[j], cost));
		for (i = 0; i < 2; i++) {
			ksft_print_msg("%s, %s: %llu instructions at the 100th, %llu at the 10,000th\n",
				       j ? "mediated" : "whole", what[i],
				       cost[i][0], cost[i][1]);
			EXPECT_LE(cost[i][1] * 10, cost[i][0] * 12);
		}
	}
}

/* --- killed --- */

static int killed(struct pc *c, int ready)
{
	struct iommu_hwpt_pgfault *r = calloc(PC_PROCS, sizeof(*r));

	c->fd = iommu_open();
	if (!r || pc_begin(c) || pc_crowd(c, 64, 16, 1, false))
		return -1;
	if (start_all(c) || gather(c, r, c->num, false))
		return -1;
	PC_MUST(c, write(ready, "r", 1) != 1);
	pause();
	return -1;
}

TEST_F_TIMEOUT(crowd, killed_with_all_faults_pending, 300)
{
	struct pc *c = &self->c;
	int p[2], status, i;
	char ok;

	for (i = 0; i < 2; i++) {
		pid_t pid;

		ASSERT_EQ(0, pipe(p));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			close(c->fd);
			killed(c, p[1]);
			fprintf(stderr, "# %s\n", c->why);
			_exit(1);
		}
		close(p[1]);
		ASSERT_EQ(1, read(p[0], &ok, 1));
		close(p[0]);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		PC_OK(c, pc_idle(c, &c->f[0]));
		PC_OK(c, pc_idle(c, &c->f[1]));
	}
	/* All is free for the next one */
	PC_OK(c, pc_begin(c));
	PC_OK(c, all_at_once(c, 16, 4, false));
}

#endif
