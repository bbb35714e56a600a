// SPDX-License-Identifier: GPL-2.0
/*
 * A fault's way up and its answer's way down. A round is: so many faults reported, one
 * after the other; taken out of the queue; answered. What the ioctl of the mock costs
 * that reports one, up to the door, is measured by another one that finds an object by
 * its id, looks at it and lets it go, and taken off, so that the count begins at the door.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mock_rig.h"
#include "rows_fault.h"

#define RECORD	sizeof(struct iommu_hwpt_pgfault)
#define ANSWER	sizeof(struct iommu_hwpt_page_response)

struct iommu_hwpt_pgfault fault_records[FAULT_MAX];
struct iommu_hwpt_page_response fault_answers[FAULT_MAX];

__u64 report_floor(struct rig *r)
{
	__u64 costs[101];
	unsigned int i;

	for (i = 0; i < 101; i++) {
		__u64 start = now();

		must(rig_look_up(r) ? -errno : 0, "a look-up");
		costs[i] = now() - start;
	}
	return median(costs, 101);
}

void read_all(int queue, unsigned int n)
{
	unsigned int got = 0;

	while (got < n) {
		ssize_t rc = read(queue, fault_records + got,
				  (FAULT_MAX - got) * RECORD);

		must(rc > 0 ? 0 : rc ? -errno : -EIO, "read of a queue");
		got += (unsigned int)rc / RECORD;
	}
}

void prepare_answers(const struct iommu_hwpt_pgfault *records, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		fault_answers[i].cookie = records[i].cookie;
		fault_answers[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
	}
}

void answer_all(int queue, unsigned int n)
{
	ssize_t rc = write(queue, fault_answers, n * ANSWER);

	must(rc == (ssize_t)(n * ANSWER) ? 0 : rc < 0 ? -errno : -EIO,
	     "write to a queue");
}

/**
 * struct rounds - rounds and what their calls took, in all
 * @r: where
 * @n: faults a round
 * @with_poll: poll() comes before the read
 * @num: rounds
 * @report: with the way to the door
 * @poll: 0 without one
 * @read: one read, as a rule
 * @answer: one write
 */
struct rounds {
	struct rig *r;
	unsigned int n;
	bool with_poll;
	unsigned int num;
	__u64 report;
	__u64 poll;
	__u64 read;
	__u64 answer;
};

static void one_round(void *arg)
{
	struct rounds *p = arg;
	struct rig *r = p->r;
	struct pollfd pfd = { .fd = r->queue[0], .events = POLLIN };
	unsigned int n = p->n, i;
	__u64 t[5];

	t[0] = now();
	for (i = 0; i < n; i++)
		must(rig_report(r, 0, r->grpid++), "report");
	t[1] = now();
	if (p->with_poll)
		must(poll(&pfd, 1, -1) == 1 ? 0 : -EIO, "poll");
	t[2] = now();
	read_all(r->queue[0], n);
	t[3] = now();
	prepare_answers(fault_records, n);
	answer_all(r->queue[0], n);
	t[4] = now();
	p->report += t[1] - t[0];
	p->poll += t[2] - t[1];
	p->read += t[3] - t[2];
	p->answer += t[4] - t[3];
	p->num++;
}

/* Rows "@name.@n" and, if @in_parts, what it consists of */
static void rounds(struct rig *r, const char *name, unsigned int n,
		   bool with_poll, bool in_parts)
{
	unsigned int loops = (bench.quick ? 1000 : 4000) / n + 4, i;
	struct rounds p = { .r = r, .n = n, .with_poll = with_poll };
	double floor, each;
	char text[64];

	snprintf(text, sizeof(text), "%s.%u", name, n);
	if (!wanted(text))
		return;
	floor = (double)report_floor(r);
	for (i = 0; i < 8; i++)
		one_round(&p);
	p = (struct rounds){ .r = r, .n = n, .with_poll = with_poll };
	row(text, count(one_round, &p, loops) / n - floor);
	if (!in_parts)
		return;
	each = (double)p.num * n;
	snprintf(text, sizeof(text), "%s.%u.report", name, n);
	row(text, (double)p.report / each - floor);
	snprintf(text, sizeof(text), "%s.%u.poll", name, n);
	row(text, (double)p.poll / each);
	snprintf(text, sizeof(text), "%s.%u.read", name, n);
	row(text, (double)p.read / each);
	snprintf(text, sizeof(text), "%s.%u.answer", name, n);
	row(text, (double)p.answer / each);
}

void rows_fault(void)
{
	static const unsigned int depths[] = { 1, 16, 256, 4096 };
	unsigned int num = bench.quick ? 3 : 4, i;
	struct rig r;

	rig_open(&r, 1, 1, 2 * FAULT_MAX, false);
	for (i = 0; i < num; i++) {
		bool in_parts = depths[i] == 1 || depths[i] == 256;

		rounds(&r, "fault", depths[i], true, in_parts);
	}
	rig_close(&r);

	rig_open(&r, 1, 1, 2 * FAULT_MAX, true);
	if (r.native) {
		for (i = 0; i < num; i++)
			rounds(&r, "read", depths[i], false, false);
	} else {
		row_none("read.1", "a read does not wait");
	}
	rig_close(&r);
}

/* --- with a reader that sleeps --- */

/**
 * struct reader - a thread that waits for faults and answers them
 * @r: where
 * @with_poll: it waits in poll(), not in read()
 * @left: faults to come
 * @served: faults answered
 */
struct reader {
	struct rig *r;
	bool with_poll;
	unsigned int left;
	volatile unsigned int served;
};

static void *reader_thread(void *arg)
{
	struct reader *s = arg;
	struct pollfd pfd = { .fd = s->r->queue[0], .events = POLLIN };

	for (; s->left; s->left--) {
		if (s->with_poll)
			must(poll(&pfd, 1, -1) == 1 ? 0 : -EIO, "poll");
		read_all(pfd.fd, 1);
		prepare_answers(fault_records, 1);
		answer_all(pfd.fd, 1);
		s->served++;
	}
	return NULL;
}

/* A fault, and the CPU to whoever wants it until it is answered */
static void report_and_yield(void *arg)
{
	struct reader *s = arg;
	unsigned int served = s->served;

	must(rig_report(s->r, 0, s->r->grpid++), "report");
	while (s->served == served)
		sched_yield();
}

static void with_a_sleeper(const char *name, bool blocking)
{
	unsigned int loops = bench.quick ? 400 : 2000, warm = 100, i;
	struct reader s = {
		.with_poll = !blocking,
		.left = COUNT_STRETCHES * loops + warm,
	};
	__u64 floor;
	pthread_t thread;
	struct rig r;

	rig_open(&r, 1, 1, 2 * FAULT_MAX, blocking);
	if (blocking && !r.native) {
		row_none(name, "a read does not wait");
		rig_close(&r);
		return;
	}
	floor = report_floor(&r);
	s.r = &r;
	must(-pthread_create(&thread, NULL, reader_thread, &s), "thread");
	for (i = 0; i < warm; i++)
		report_and_yield(&s);
	row(name, count(report_and_yield, &s, loops) - (double)floor);
	pthread_join(thread, NULL);
	rig_close(&r);
}

void rows_sleep(void)
{
	with_a_sleeper("sleep.poll", false);
	with_a_sleeper("sleep.read", true);
}

/* --- many queues, many devices --- */

struct many {
	struct rig r;
	int epoll;
};

static void round_of_queues(void *arg)
{
	struct many *m = arg;
	struct rig *r = &m->r;
	struct epoll_event ready[RIG_QUEUES];
	unsigned int i;
	int n;

	for (i = 0; i < r->devices; i++)
		must(rig_report(r, i, r->grpid++), "report");
	n = epoll_wait(m->epoll, ready, RIG_QUEUES, -1);
	must(n == (int)r->queues ? 0 : -EIO, "epoll_wait");
	for (i = 0; i < r->queues; i++) {
		unsigned int each = r->devices / r->queues;

		read_all(ready[i].data.fd, each);
		prepare_answers(fault_records, each);
		answer_all(ready[i].data.fd, each);
	}
}

static void some_queues(const char *name, unsigned int devices,
			unsigned int queues)
{
	unsigned int loops = (bench.quick ? 1000 : 4000) / devices, i;
	static struct many m;
	__u64 floor;

	m.epoll = epoll_create1(EPOLL_CLOEXEC);
	must(m.epoll < 0 ? -errno : 0, "epoll_create");
	rig_open(&m.r, devices, queues, 0, false);
	floor = report_floor(&m.r);
	for (i = 0; i < queues; i++) {
		struct epoll_event e = {
			.events = EPOLLIN,
			.data.fd = m.r.queue[i],
		};
		int rc = epoll_ctl(m.epoll, EPOLL_CTL_ADD, m.r.queue[i], &e);

		must(rc ? -errno : 0, "epoll_ctl");
	}
	for (i = 0; i < 4; i++)
		round_of_queues(&m);
	row(name, count(round_of_queues, &m, loops) / devices - (double)floor);
	rig_close(&m.r);
	close(m.epoll);
}

void rows_queues(void)
{
	some_queues("queues.1.devices.1", 1, 1);
	some_queues("queues.1.devices.16", 16, 1);
	some_queues("queues.16.devices.16", 16, 16);
	some_queues("queues.1.devices.64", 64, 1);
}
