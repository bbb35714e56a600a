// SPDX-License-Identifier: GPL-2.0
/*
 * Several devices report to one queue at a time, each from a CPU of its own; either
 * one thread reads and answers all the while, or it does that afterwards, and only the
 * reports count. In a machine of several CPUs with --icount
 * these take turns and every instruction of each is counted, also those of a CPU
 * that spins: so who waits for a lock is seen to. With --rate it is for a machine without
 * --icount, whose CPUs run as the host lets them, and faults a second are what is told.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rows_fault.h"

#define REPORTERS	8
/*
 * How often the reader sleeps and is woken, and so what a fault costs, is up to where the
 * turns of the CPUs meet: with eight reporters a run has 100 reads or 1000.
 */
#define RUNS		15

/* Reporters that are there, and whether they may begin */
static volatile unsigned int there;
static volatile bool begin;
/* How many CPUs take part. One that has no CPU of the host would only be waited for. */
static unsigned int cpus;

/* A CPU that waits so lets another one have its turn. */
static void pause_cpu(void)
{
#ifdef __x86_64__
	__asm__ volatile("pause");
#endif
}

/* Instructions, or nanoseconds */
static __u64 stamp(void)
{
	struct timespec t;

	if (!bench.rate)
		return now();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000 + (__u64)t.tv_nsec;
}

static void smp_row(const char *kind, unsigned int num, unsigned int faults,
		    __u64 all)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%s.%u", bench.rate ? "rate." : "", kind,
		 num);
	row(name, bench.rate ? (double)faults * 1e9 / (double)all :
			       (double)all / faults);
}

static void run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) ? -errno : 0,
	     "sched_setaffinity");
}

/**
 * struct reporter - a CPU that takes faults from a device
 * @r: where
 * @device: which, and the CPU too
 * @n: how many faults
 * @grpid: of the first
 * @end: when it was done
 */
struct reporter {
	struct rig *r;
	unsigned int device;
	unsigned int n;
	__u32 grpid;
	__u64 end;
};

static void *reporter_thread(void *arg)
{
	struct reporter *s = arg;
	unsigned int i;

	run_on(s->device);
	__atomic_add_fetch(&there, 1, __ATOMIC_SEQ_CST);
	while (!begin)
		pause_cpu();
	for (i = 0; i < s->n; i++)
		must(rig_report(s->r, s->device, s->grpid + i), "report");
	s->end = stamp();
	return NULL;
}

/* Returns how many reads that took. */
static unsigned int serve(struct rig *r, unsigned int n)
{
	struct pollfd pfd = { .fd = r->queue[0], .events = POLLIN };
	unsigned int reads = 0;

	while (n) {
		ssize_t got;

		must(poll(&pfd, 1, -1) == 1 ? 0 : -EIO, "poll");
		got = read(pfd.fd, fault_records, sizeof(fault_records));
		must(got < 0 ? -errno : 0, "read");
		reads++;
		got /= sizeof(fault_records[0]);
		if (!got)
			continue;
		prepare_answers(fault_records, (unsigned int)got);
		answer_all(pfd.fd, (unsigned int)got);
		n -= (unsigned int)got;
	}
	return reads;
}

/* @reads: NULL: all is reported before anything is read. */
static __u64 reporters(unsigned int num, unsigned int faults,
		       unsigned int *reads)
{
	struct reporter s[REPORTERS];
	pthread_t threads[REPORTERS];
	unsigned int i;
	struct rig r;
	__u64 start, all;

	rig_open(&r, num, 1, 2 * faults, false);
	there = 0;
	begin = false;
	for (i = 0; i < num; i++) {
		s[i] = (struct reporter){
			.r = &r,
			.device = i,
			.n = faults / num,
			.grpid = i * faults,
		};
		must(-pthread_create(&threads[i], NULL, reporter_thread,
				     &s[i]), "thread");
	}
	run_on(cpus - 1);
	while (there < num)
		sched_yield();
	start = stamp();
	begin = true;
	all = 0;
	if (reads) {
		*reads = serve(&r, faults);
		all = stamp() - start;
	}
	for (i = 0; i < num; i++) {
		pthread_join(threads[i], NULL);
		if (!reads && s[i].end - start > all)
			all = s[i].end - start;
	}
	if (!reads)
		serve(&r, faults);
	rig_close(&r);
	return all;
}

void rows_smp(void)
{
	unsigned int faults = bench.quick ? 4096 : 32768;
	unsigned int num, reads, all_reads, i;
	__u64 runs[RUNS];
	char name[32];

	cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus > REPORTERS)
		cpus = REPORTERS;
	if (cpus < (bench.rate ? 2 : REPORTERS)) {
		row_none("smp.1", "the machine has too few CPUs");
		return;
	}
	reporters(1, faults, &reads);
	for (num = 1; num <= cpus; num *= 2) {
		for (i = 0; i < RUNS; i++)
			runs[i] = reporters(num, faults, NULL);
		smp_row("smp.alone", num, faults, median(runs, RUNS));
		all_reads = 0;
		for (i = 0; i < RUNS; i++) {
			runs[i] = reporters(num, faults, &reads);
			all_reads += reads;
		}
		smp_row("smp", num, faults, median(runs, RUNS));
		/* Of a run, on average: the fewer, the more faults in each */
		snprintf(name, sizeof(name), "smp.%u.reads", num);
		fact(name, all_reads / RUNS);
	}
}
