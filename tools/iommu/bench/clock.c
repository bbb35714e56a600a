// SPDX-License-Identifier: GPL-2.0
/*
 * The count. What a stretch of calls left to kernel threads, timers and grace periods
 * is part of its cost: the program sleeps until they are done with it. Then the machine
 * is idle, and its clock leaps from one timer to the next; how long it was idle, the
 * kernel itself says to the nanosecond, and this is taken off, as is what such a sleep
 * costs by itself, which is measured in empty stretches.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Longer than a grace period and the callbacks after it take: 25 ticks at 250 Hz */
#define SETTLE_NS	100000000
#define TIMER_LIST	"/proc/timer_list"

static __u64 cost_of_settling;

/* Of the first CPU */
static __u64 idle_ns(void)
{
	long long ns = number_in(TIMER_LIST, "  .idle_sleeptime :");

	must(ns < 0 ? -ENODATA : 0, TIMER_LIST);
	return (__u64)ns;
}

static void settle(void)
{
	struct timespec t = { .tv_nsec = SETTLE_NS };

	nanosleep(&t, NULL);
}

void batch_begin(struct batch *b)
{
	settle();
	b->idle = idle_ns();
	b->start = now();
}

static __u64 batch_raw(const struct batch *b)
{
	__u64 end;

	settle();
	end = now();
	return end - b->start - (idle_ns() - b->idle);
}

__u64 batch_end(const struct batch *b)
{
	__u64 raw = batch_raw(b);

	return raw > cost_of_settling ? raw - cost_of_settling : 0;
}

static int by_value(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

__u64 median(__u64 *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

double count_part(void (*work)(void *arg), void *arg, unsigned int loops,
		  const __u64 *sum, double *part)
{
	__u64 costs[COUNT_STRETCHES], sorted[COUNT_STRETCHES];
	__u64 parts[COUNT_STRETCHES], middle;
	unsigned int i, j;

	for (i = 0; i < COUNT_STRETCHES; i++) {
		__u64 before = *sum;
		struct batch b;

		batch_begin(&b);
		for (j = 0; j < loops; j++)
			work(arg);
		costs[i] = batch_end(&b);
		parts[i] = *sum - before;
	}
	memcpy(sorted, costs, sizeof(sorted));
	middle = median(sorted, COUNT_STRETCHES);
	for (i = 0; costs[i] != middle; i++)
		;
	*part = (double)parts[i] / loops;
	return (double)middle / loops;
}

double count(void (*work)(void *arg), void *arg, unsigned int loops)
{
	const __u64 none = 0;
	double part;

	return count_part(work, arg, loops, &none, &part);
}

void clock_init(void)
{
	__u64 costs[15];
	unsigned int i;

	for (i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		struct batch b;

		batch_begin(&b);
		costs[i] = batch_raw(&b);
	}
	cost_of_settling = median(costs, sizeof(costs) / sizeof(costs[0]));
	fact("settling", (double)cost_of_settling);
}
