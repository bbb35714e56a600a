/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark of /dev/iommu. It counts instructions, not time: in a machine whose
 * clock advances by one nanosecond with each instruction (vm.sh --icount) the
 * difference of two readings of the clock is what was executed between them, by
 * whomever. Everything here runs on any kernel with /dev/iommu, ours or another, and,
 * where there is a type1 container instead, on that.
 *
 *   main.c         arguments, the list of sets
 *   clock.c        the count, idle time taken out of it, deferred work left in it
 *   memory.c       memory of every kind, checked to be of that kind; pins
 *   target.c       a device and its address space
 *   rows_*.c       what is measured; each function there is a set of rows
 *
 * Output: a line "row NAME VALUE" for each figure, "row NAME - WHY" for what this kernel
 * cannot do, "fact NAME VALUE" for what is checked or only said. The status is 0 only
 * if every check held.
 */
#ifndef TOOLS_IOMMU_BENCH_H
#define TOOLS_IOMMU_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <linux/types.h>

#define PAGE	4096UL
#define MIB	(1UL << 20)
#define GIB	(1UL << 30)

/**
 * struct bench - what the arguments said
 * @quick: fewer and shorter rows
 * @type1: use the type1 container, not /dev/iommu
 * @rate: of the set smp, how many a second
 * @failed: a check did not hold
 * @only: the one row to measure, of sets that ask wanted(); or NULL
 */
struct bench {
	bool quick;
	bool type1;
	bool rate;
	bool failed;
	const char *only;
};

extern struct bench bench;

/* What this process takes is charged to this, as it would be on any system */
#define BENCH_CGROUP	"/sys/fs/cgroup/iommu_bench"

bool wanted(const char *name);
void row(const char *name, double value);
void row_none(const char *name, const char *why);
void fact(const char *name, double value);
/* Does the program end here if @rc is an error? It does. */
void must(int rc, const char *what);
/* A check that did not hold is said, and makes the status of the program 1. */
void check(bool ok, const char *what, ...)
	__attribute__((format(printf, 2, 3)));

/* --- clock.c --- */

static inline __u64 now(void)
{
#ifdef __x86_64__
	__u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (__u64)high << 32 | low;
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000 + (__u64)t.tv_nsec;
#endif
}

/**
 * struct batch - a stretch whose whole cost is counted
 * @start: clock
 * @idle: nanoseconds that the CPU had been idle
 */
struct batch {
	__u64 start;
	__u64 idle;
};

void clock_init(void);
/*
 * Begin: nothing is left over from before. End: what the stretch deferred, to
 * whatever thread, timer or grace period, is done, and is in the count that is
 * returned; idle time is not, nor is the cost of finding this out.
 */
void batch_begin(struct batch *b);
__u64 batch_end(const struct batch *b);
/*
 * What one call of @work costs, of @loops in a stretch; the median of five stretches.
 * @work is called 5 * @loops times.
 */
double count(void (*work)(void *arg), void *arg, unsigned int loops);
/*
 * The same; and in *@part what @work added to *@sum, per call, in that stretch: of one
 * stretch, so that the part is never more than the whole.
 */
double count_part(void (*work)(void *arg), void *arg, unsigned int loops,
		  const __u64 *sum, double *part);
#define COUNT_STRETCHES	5
/* Sorts. */
__u64 median(__u64 *v, unsigned int n);

/* --- memory.c --- */

enum memory_kind {
	MEMORY_THP,
	MEMORY_HUGETLB,
	MEMORY_MEMFD_HUGE,
	MEMORY_MEMFD,
	MEMORY_CONTIG,
	MEMORY_SCATTER,
	MEMORY_KINDS,
};

/**
 * struct memory - memory of this process, all of it there
 * @kind: which
 * @va: 2 MiB aligned
 * @length: bytes
 * @fd: what it maps, or -1
 * @base: of the mapping that @va is a part of
 * @mapped: bytes of that
 */
struct memory {
	enum memory_kind kind;
	char *va;
	size_t length;
	int fd;
	void *base;
	size_t mapped;
};

const char *memory_name(enum memory_kind kind);
/* -ENOTSUP, or another error: the machine has none of the kind. */
int memory_get(enum memory_kind kind, size_t length, struct memory *m);
void memory_put(struct memory *m);

/* Pages pinned in the whole machine, exact. */
__u64 pinned_pages(void);
/* A number from a file, after the first @key in it; -1: none. */
long long number_in(const char *path, const char *key);
int write_file(const char *path, const char *text);

/* --- sets --- */

void rows_floor(void);
void rows_fault(void);
void rows_sleep(void);
void rows_uring(void);
void rows_queues(void);
void rows_smp(void);
void rows_invalidate(void);
void rows_devices(void);
void rows_pasids(void);
void rows_map4k(void);
void rows_bulk(void);
void rows_second(void);
void rows_viommu(void);
void rows_arrays(void);
void rows_demand(void);
void rows_memory(void);
void rows_areas(void);
void rows_hwpts(void);

#endif
