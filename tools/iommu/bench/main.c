// SPDX-License-Identifier: GPL-2.0
/* Arguments and the list of what can be measured: see bench.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "bench.h"

struct bench bench;

static const struct set {
	const char *name;
	void (*run)(void);
	const char *text;
} sets[] = {
	{ "floor", rows_floor, "what cannot be less: a system call, a bare pin" },
	{ "fault", rows_fault, "report, poll, read, answer (mock)" },
	{ "sleep", rows_sleep, "the same with a reader asleep (mock)" },
	{ "uring", rows_uring, "the same by io_uring (mock)" },
	{ "demand", rows_demand, "faults answered by mappings (mock)" },
	{ "queues", rows_queues, "many queues, many devices (mock)" },
	{ "smp", rows_smp, "1 to 8 reporters at a time (mock, 8 CPUs)" },
	{ "invalidate", rows_invalidate, "invalidations of a nested table (mock)" },
	{ "devices", rows_devices, "the 64th device on an IOAS (mock)" },
	{ "pasids", rows_pasids, "the 10,000th PASID of a device (mock)" },
	{ "map4k", rows_map4k, "map, copy, unmap one page (edu)" },
	{ "bulk", rows_bulk, "64 MiB and 1 GiB of every kind (edu)" },
	{ "second", rows_second, "a second HWPT on 1 GiB (edu)" },
	{ "arrays", rows_arrays, "many pages mapped and unmapped by a call (edu)" },
	{ "viommu", rows_viommu, "what a guest's driver does (edu)" },
	{ "memory", rows_memory, "memory kept for mapped memory (edu)" },
	{ "areas", rows_areas, "one more mapping beside 10^6 (edu)" },
	{ "hwpts", rows_hwpts, "one more HWPT beside 10^4 (edu)" },
};

#define NUM_SETS	(sizeof(sets) / sizeof(sets[0]))

bool wanted(const char *name)
{
	return !bench.only || !strcmp(name, bench.only);
}

void row(const char *name, double value)
{
	/* A few instructions a page are the rule where pages are huge. */
	printf("row %s %.*f\n", name, value < 10 ? 3 : 1, value);
}

void row_none(const char *name, const char *why)
{
	printf("row %s - %s\n", name, why);
}

void fact(const char *name, double value)
{
	printf("fact %s %.0f\n", name, value);
}

void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "iommu_bench: %s: %s\n", what, strerror(-rc));
	exit(1);
}

void check(bool ok, const char *what, ...)
{
	va_list args;

	if (ok)
		return;
	bench.failed = true;
	fprintf(stderr, "iommu_bench: check failed: ");
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, "\n");
}

static void usage(void)
{
	size_t i;

	printf("iommu_bench [--quick] [--type1] [--rate] [--row ROW] SET...\n\n"
	       "Counts guest instructions: run it with vm.sh --icount.\n"
	       "--type1: by VFIO's container, where the kernel has that.\n"
	       "--rate: of the set smp faults a second, by the clock on the wall.\n"
	       "--row: of the sets fault, uring, bulk and map4k, this row alone.\n\n");
	for (i = 0; i < NUM_SETS; i++)
		printf("  %-11s %s\n", sets[i].name, sets[i].text);
	exit(0);
}

static const struct set *find_set(const char *name)
{
	size_t i;

	for (i = 0; i < NUM_SETS; i++)
		if (!strcmp(name, sets[i].name))
			return &sets[i];
	fprintf(stderr, "iommu_bench: there is no set %s (--help)\n", name);
	exit(2);
}

static int enter_cgroup(void)
{
	char pid[32];
	int rc;

	rc = write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (rc)
		return rc;
	if (mkdir(BENCH_CGROUP, 0755) && errno != EEXIST)
		return -errno;
	snprintf(pid, sizeof(pid), "%d", getpid());
	return write_file(BENCH_CGROUP "/cgroup.procs", pid);
}

/*
 * Pinned memory is charged to a process without this capability, as a VMM is one, and
 * not to others; the limit is raised, as it is for a VMM.
 */
static int pay_for_pins(void)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (setrlimit(RLIMIT_MEMLOCK, &none) ||
	    syscall(SYS_capget, &head, data))
		return -errno;
	data[CAP_IPC_LOCK / 32].effective &= ~(1U << CAP_IPC_LOCK % 32);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

int main(int argc, char **argv)
{
	int i, first;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			usage();
		else if (!strcmp(argv[i], "--quick"))
			bench.quick = true;
		else if (!strcmp(argv[i], "--type1"))
			bench.type1 = true;
		else if (!strcmp(argv[i], "--rate"))
			bench.rate = true;
		else if (!strcmp(argv[i], "--row") && i + 1 < argc)
			bench.only = argv[++i];
		else
			break;
	}
	first = i;
	if (first >= argc)
		usage();
	for (i = first; i < argc; i++)
		find_set(argv[i]);
	must(pay_for_pins(), "the right to lock memory");
	/* Outside all cgroups the kernel would charge nothing, and be faster. */
	must(enter_cgroup(), BENCH_CGROUP);
	/* A page of the program that comes late would be part of some count. */
	must(mlockall(MCL_CURRENT) ? -errno : 0, "mlockall");
	/* And so would what the host takes to write a line. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	clock_init();
	for (i = first; i < argc; i++) {
		find_set(argv[i])->run();
		fflush(stdout);
	}
	return bench.failed;
}
