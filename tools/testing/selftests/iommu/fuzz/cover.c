// SPDX-License-Identifier: GPL-2.0
/*
 * What of the kernel was reached, by KCOV if it is there. The buffer is the program's,
 * and filled for whichever process or thread has called cover_start() last.
 */
#include "calls.h"
#include "fuzz.h"

#define WORDS		(64UL << 10)
#define TABLE		(1UL << 17)
#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

static int kcov = -1;
static unsigned long *trace;

/* Addresses, and steps from one to the next: what has been seen is in the table. */
static __u64 addresses[TABLE], steps[TABLE];
static unsigned int distinct, distinct_steps;

static bool is_new(__u64 *table, unsigned int *num, __u64 key)
{
	size_t at = mix(key, 1) % TABLE;

	if (*num > TABLE / 4 * 3)
		return false;
	for (; table[at]; at = (at + 1) % TABLE)
		if (table[at] == key)
			return false;
	table[at] = key;
	(*num)++;
	return true;
}

bool cover_open(void)
{
	/* To truncate this file would take pages out of the buffer. */
	kcov = fz_keep(open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC));
	if (kcov < 0)
		return false;
	if (!ioctl(kcov, KCOV_INIT_TRACE, WORDS))
		trace = mmap(NULL, WORDS * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED,
			     kcov, 0);
	if (!trace || trace == MAP_FAILED) {
		trace = NULL;
		close(kcov);
		return false;
	}
	return true;
}

void cover_start(void)
{
	if (!trace)
		return;
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
	ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC);
}

unsigned int cover_collect(void)
{
	unsigned long num, i;
	unsigned int found = 0;
	__u64 last = 0;

	if (!trace)
		return 0;
	num = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= num && i < WORDS; i++) {
		is_new(addresses, &distinct, trace[i]);
		found += is_new(steps, &distinct_steps, mix(last, trace[i]) | 1);
		last = trace[i];
	}
	return found;
}

void cover_touch(void)
{
	unsigned long i;

	for (i = 0; trace && i < WORDS; i++)
		(void)__atomic_load_n(&trace[i], __ATOMIC_RELAXED);
}

unsigned int cover_distinct(void)
{
	return distinct;
}
