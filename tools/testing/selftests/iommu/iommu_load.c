// SPDX-License-Identifier: GPL-2.0
/*
 * Load: many areas, many page faults, many devices with many PASIDs, made by several
 * processes at a time. How many goes by IOMMU_TEST_SCALE: with 1000 it is 10^6 areas and
 * 10^7 faults. What a call costs must not grow with what there is already, and afterwards
 * all memory is back where it was: what is pinned, and the kernel's small objects that the
 * processes were charged with. None of the calls that it is made of asks for more than
 * eight pages in one piece, as the page allocator's tracepoint tells; and if the kernel
 * looks for soft lock-ups, it has found none.
 */
#include "fault_test.h"

#include <sys/stat.h>

#define PROCESSES	8
/* Of each process: areas and faults times the scale */
#define AREAS		130UL
#define AREA_PAGES	64UL
#define FAULTS		1250UL
#define BATCH		125
#define DEVICES		TENTHS
#define PASIDS		64U
/* To warm up */
#define FEW_PASIDS	4U
#define TENTHS		10U
/* So much is done that the tenths of it can be compared. */
#define LONG_SCALE	80U

#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/iommu_load"
/*
 * What each processor keeps of the last page that it took objects of, and nothing to
 * speak of beside an object that is lost with each area or fault.
 */
#define SLACK		65536

/* A process that has this name does nothing but make the calls in question. */
#define HOT		"iommu_load_hot"
#define TRACE		"/sys/kernel/tracing/instances/iommufd-load"
#define PAGE_ALLOC	TRACE "/events/kmem/mm_page_alloc/"
/* So many allocations are shown, with who asked for them. */
#define SHOWN		3

/* A mapping of more pages than fit into a buffer of order 3 */
#define LARGE_PAGES	8192UL
/* The longest array of mappings whose copy is of order 3 */
#define LARGE_ARRAY	1024U

/* Documentation/admin-guide/tainted-kernels.rst */
#define TAINT_SOFTLOCKUP	(1UL << 14)

/* What came of a process */
struct part {
	int line;
	int rc;
	__u64 us[TENTHS];
};

#define MUST(p, call) do {						\
	int _rc = (call);						\
									\
	if (_rc) {							\
		(p)->line = __LINE__;					\
		(p)->rc = _rc;						\
		return -1;						\
	}								\
} while (0)

#define MUST_BE(p, want, call)	MUST(p, (call) == (want) ? 0 : -EIO)

static __u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000 + (__u64)t.tv_nsec / 1000;
}

/* --- what the kernel allocates meanwhile --- */

static void hot(void)
{
	prctl(PR_SET_NAME, HOT);
}

static void cold(void)
{
	prctl(PR_SET_NAME, "iommu_load");
}

/* false: the page allocator cannot be traced here. */
static bool orders_begin(void)
{
	/* A page fault of a process' own is none of the calls, nor is of any size then. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	rmdir(TRACE);
	if (mkdir(TRACE, 0700))
		return false;
	write_text(TRACE "/options/stacktrace", "1");
	if (write_text(PAGE_ALLOC "filter", "order > 3 && comm == \"" HOT "\"") &&
	    write_text(PAGE_ALLOC "enable", "1"))
		return true;
	rmdir(TRACE);
	return false;
}

/* How often more than eight pages were asked for, in vain too; or a negative errno */
static int orders_end(bool show)
{
	FILE *f = fopen(TRACE "/trace", "re");
	char line[512];
	int n = f ? 0 : -errno;

	while (f && fgets(line, sizeof(line), f)) {
		n += !!strstr(line, " mm_page_alloc: ");
		if (show && n > 0 && n <= SHOWN)
			ksft_print_msg("load: %s", line);
	}
	if (f)
		fclose(f);
	write_text(PAGE_ALLOC "enable", "0");
	rmdir(TRACE);
	return n;
}

/* --- what a process does; with a scale of 0 what comes before --- */

static int map_areas(struct part *p, unsigned int scale)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char *memory = mem_get(AREA_PAGES * PAGE);
	unsigned long i, n = AREAS * (scale ?: 1);
	struct mock_device d;
	__u64 start, done;
	int fd = iommu_open();
	__u32 ioas;

	MUST(p, fd < 0 ? fd : 0);
	MUST(p, memory ? 0 : -ENOMEM);
	MUST(p, setrlimit(RLIMIT_MEMLOCK, &all));
	MUST(p, iommu_ioas_alloc(fd, &ioas));
	MUST(p, mock_device(fd, ioas, 0, &d));
	hot();
	for (i = 0; i < n; i++) {
		start = now_us();
		MUST(p, iommu_map(fd, ioas, memory + i % AREA_PAGES * PAGE, PAGE,
				  IOVA_BASE + i * PAGE));
		p->us[i * TENTHS / n] += now_us() - start;
	}
	cold();
	MUST(p, mock_maps(fd, d.hwpt, memory, PAGE, IOVA_BASE));
	MUST(p, mock_maps(fd, d.hwpt, memory + (n - 1) % AREA_PAGES * PAGE, PAGE,
			  IOVA_BASE + (n - 1) * PAGE));
	MUST(p, pinned_pages() > 0 ? 0 : -EIO);
	/* Half of them one by one, the others at once */
	hot();
	for (i = 0; i < n / 2; i++)
		MUST(p, iommu_unmap(fd, ioas, IOVA_BASE + i * PAGE, PAGE, NULL));
	MUST(p, iommu_unmap(fd, ioas, IOVA_BASE + i * PAGE, (n - i) * PAGE, &done));
	cold();
	MUST_BE(p, (n - i) * PAGE, done);
	MUST_BE(p, 0, pinned_pages());
	close(fd);
	return 0;
}

static int serve_faults(struct part *p, unsigned int scale)
{
	unsigned long i, n = FAULTS / BATCH * (scale ?: 1);
	static struct fault_test t;
	struct mock_ledger l;
	__u64 start;

	MUST(p, ft_init(&t, true, 4096, IOMMU_FAULT_POLICY_BLOCKING));
	hot();
	for (i = 0; i < n; i++) {
		start = now_us();
		MUST_BE(p, BATCH, ft_singles(&t, 0, BATCH));
		MUST_BE(p, BATCH, ft_serve(&t, IOMMUFD_PAGE_RESP_SUCCESS));
		p->us[i * TENTHS / n] += now_us() - start;
	}
	cold();
	MUST(p, ft_mock(&t, &l));
	MUST_BE(p, n * BATCH, l.reported);
	MUST_BE(p, n * BATCH, l.success);
	MUST_BE(p, 0, mock_unanswered(&l));
	close(t.queue);
	close(t.fd);
	return 0;
}

/* A byte that device @dev reads with @pasid, or a negative errno */
static int read_byte(int fd, __u32 dev, __u32 pasid)
{
	unsigned char byte = 0;
	struct mock_dma d = {
		.dev = dev,
		.pasid = pasid,
		.flags = MOCK_DMA_PASID_VALID,
		.timeout_ms = FOREVER_MS,
		.iova = IOVA_BASE,
		.data = &byte,
		.length = 1,
	};
	int rc = mock_dma(fd, &d);

	return rc ? rc : d.status == MOCK_DMA_OK ? byte : -EIO;
}

static int attach_pasids(struct part *p, unsigned int scale)
{
	unsigned int i, k, round, rounds = 1 + scale / 100, num = scale ? PASIDS : FEW_PASIDS;
	struct mock_device d[DEVICES];
	char *memory = mem_get(PAGE);
	int fd = iommu_open();
	__u32 ioas[2], pt;
	__u64 start;

	MUST(p, fd < 0 ? fd : 0);
	MUST(p, memory ? 0 : -ENOMEM);
	memory[0] = 0x5a;
	MUST(p, iommu_ioas_alloc(fd, &ioas[0]));
	MUST(p, iommu_ioas_alloc(fd, &ioas[1]));
	MUST(p, iommu_map(fd, ioas[1], memory, PAGE, IOVA_BASE));
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < DEVICES; i++) {
			MUST(p, mock_device(fd, ioas[0], MOCK_FLAGS_DEVICE_PASID, &d[i]));
			hot();
			start = now_us();
			for (k = 1; k <= num; k++) {
				pt = ioas[1];
				MUST(p, iommu_pasid_attach(fd, d[i].dev, k, &pt));
			}
			p->us[i] += now_us() - start;
			cold();
		}
		for (i = 0; i < DEVICES; i++) {
			MUST_BE(p, 0x5a, read_byte(fd, d[i].dev, 1 + i % FEW_PASIDS));
			/* The other half goes with the device. */
			hot();
			for (k = 2; k <= num; k += 2)
				MUST(p, iommu_pasid_detach(fd, d[i].dev, k));
			cold();
			MUST(p, iommu_destroy(fd, d[i].stdev));
		}
	}
	close(fd);
	return 0;
}

/* Those of which one may be large: a mapping, an array of mappings, answers at once */
static int call_large(struct part *p)
{
	static struct iommu_ioas_unmap_entry gone[LARGE_ARRAY];
	static struct iommu_ioas_map_entry maps[LARGE_ARRAY];
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char *memory = mem_get(LARGE_PAGES * PAGE);
	struct iommu_hwpt_page_response answers[BATCH];
	struct iommu_hwpt_pgfault rec[BATCH];
	__u32 i, num = LARGE_ARRAY;
	struct fault_test t;
	__u64 done;

	MUST(p, memory ? 0 : -ENOMEM);
	MUST(p, setrlimit(RLIMIT_MEMLOCK, &all));
	MUST(p, ft_init(&t, true, 4096, IOMMU_FAULT_POLICY_BLOCKING));
	for (i = 0; i < LARGE_ARRAY; i++) {
		gone[i].iova = IOVA_BASE + 2 * i * PAGE;
		gone[i].length = PAGE;
		maps[i].flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA;
		maps[i].user_va = (uintptr_t)memory + i * PAGE;
		maps[i].length = PAGE;
		maps[i].iova = gone[i].iova;
	}
	hot();
	MUST(p, iommu_map(t.fd, t.ioas, memory, LARGE_PAGES * PAGE, IOVA_BASE));
	MUST(p, iommu_unmap(t.fd, t.ioas, IOVA_BASE, LARGE_PAGES * PAGE, &done));
	MUST_BE(p, LARGE_PAGES * PAGE, done);
	MUST(p, iommu_map_array(t.fd, t.ioas, 0, maps, &num, NULL));
	MUST_BE(p, LARGE_ARRAY, num);
	MUST(p, iommu_unmap_array(t.fd, t.ioas, gone, &num, &done));
	MUST_BE(p, LARGE_ARRAY * PAGE, done);
	MUST_BE(p, BATCH, ft_singles(&t, 0, BATCH));
	MUST_BE(p, BATCH, ft_read_all(&t, rec, BATCH));
	for (i = 0; i < BATCH; i++) {
		answers[i].cookie = rec[i].cookie;
		answers[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
	}
	MUST_BE(p, (ssize_t)sizeof(answers), write(t.queue, answers, sizeof(answers)));
	cold();
	close(t.queue);
	close(t.fd);
	return 0;
}

/* --- all of them --- */

/* The kernel's detector, if it has one, has seen a processor that does not come back. */
static bool locked_up(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint = 0;

	if (f) {
		if (fscanf(f, "%lu", &taint) != 1)
			taint = 0;
		fclose(f);
	}
	return taint & TAINT_SOFTLOCKUP;
}

static void run_all(struct __test_metadata *_metadata, struct part *p,
		    int (*work)(struct part *p, unsigned int scale), unsigned int scale)
{
	pid_t pid[PROCESSES];
	int i, status;

	memset(p, 0, PROCESSES * sizeof(*p));
	for (i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(work(&p[i], scale) ? 1 : 0);
		}
	}
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status)
			TH_LOG("process %d, line %d: %d", i, p[i].line, p[i].rc);
	}
}

/* This process, and those it makes, are charged there. */
static bool enter_cgroup(void)
{
	write_text(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		return false;
	return write_text(CGROUP "/cgroup.procs", "0");
}

static void leave_cgroup(void)
{
	write_text(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUP);
}

static long long charged(void)
{
	return memory_stat(CGROUP "/memory.stat", "slab_unreclaimable");
}

/* @each: what a process makes of it at a scale of 1, @grows: and by the scale */
static void load(struct __test_metadata *_metadata, const char *what, unsigned long each,
		 bool grows, int (*work)(struct part *p, unsigned int scale))
{
	unsigned long calls = each * (grows ? test_scale() : 1 + test_scale() / 100);
	struct part *p = mmap(NULL, PROCESSES * sizeof(*p), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long before = -1, after = -1;
	bool traced = orders_begin();
	__u64 first = 0, last = 0, ns;
	int i, larger;

	ASSERT_NE(MAP_FAILED, p);
	/* What is made once is made. The statistics follow within a few seconds. */
	run_all(_metadata, p, work, 0);
	if (enter_cgroup()) {
		run_all(_metadata, p, work, 0);
		sleep_ms(4000);
		before = charged();
	}
	run_all(_metadata, p, work, test_scale());
	/* Some of it goes after a grace period. */
	for (i = 0; before >= 0 && i < FOREVER_MS / 100; i++) {
		after = charged();
		if (after <= before + SLACK)
			break;
		sleep_ms(100);
	}
	leave_cgroup();
	EXPECT_GE(before + SLACK, after);
	larger = traced ? orders_end(true) : 0;
	EXPECT_EQ(0, larger)
		TH_LOG("more than eight pages in one piece: %s", what);
	if (!traced)
		ksft_print_msg("load: %s: no tracing: not looked at what is allocated\n",
			       what);
	for (i = 0; i < PROCESSES; i++) {
		first += p[i].us[0];
		last += p[i].us[TENTHS - 1];
	}
	/* Nanoseconds of a call, with as many processes at it */
	ns = PROCESSES * calls / TENTHS;
	ksft_print_msg("load: %lu %s: %llu ns each at first, %llu at last\n",
		       PROCESSES * calls, what, first * 1000 / ns, last * 1000 / ns);
	if (before >= 0)
		ksft_print_msg("load: %s: not given back: %lld bytes\n", what,
			       after < before ? 0 : after - before);
	else
		ksft_print_msg("load: %s: no cgroups: not looked at what is lost\n",
			       what);
	if (test_scale() >= LONG_SCALE)
		EXPECT_GE(4 * first, last);
	munmap(p, PROCESSES * sizeof(*p));
}

FIXTURE(load) {
	bool locked_up;
};

FIXTURE_SETUP(load)
{
	if (access("/dev/iommu", F_OK))
		SKIP(return, "there is no /dev/iommu");
	self->locked_up = locked_up();
}

FIXTURE_TEARDOWN(load)
{
	EXPECT_EQ(self->locked_up, locked_up());
}

TEST_F_TIMEOUT(load, areas, 300)
{
	load(_metadata, "areas", AREAS, true, map_areas);
}

TEST_F_TIMEOUT(load, faults, 300)
{
	load(_metadata, "faults", FAULTS, true, serve_faults);
}

/* 80 devices with 5120 PASIDs at a time */
TEST_F_TIMEOUT(load, devices, 300)
{
	load(_metadata, "PASIDs of 80 devices", (unsigned long)DEVICES * PASIDS, false,
	     attach_pasids);
}

TEST_F(load, large_calls)
{
	struct part p = { 0 };

	if (!orders_begin())
		SKIP(return, "the page allocator cannot be traced");
	EXPECT_EQ(0, call_large(&p))
		TH_LOG("line %d: %d", p.line, p.rc);
	EXPECT_EQ(0, orders_end(true));
}

/* What all others rely on: a queue of the usual depth, which no call makes in passing */
TEST_F(load, larger_ones_would_be_seen)
{
	int fd = iommu_open(), queue;
	__u32 id;

	ASSERT_LE(0, fd);
	if (!orders_begin())
		SKIP(return, "the page allocator cannot be traced");
	hot();
	queue = iommu_fault_queue(fd, IOMMU_FAULT_DEPTH_DEFAULT, 0, 0, &id);
	cold();
	EXPECT_LE(0, queue);
	EXPECT_LT(0, orders_end(false));
}

TEST_HARNESS_MAIN
