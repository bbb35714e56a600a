/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/iommu share: memory, fixtures' building blocks, and
 * the ledger of page faults. Functions return 0 or a negative errno, as those of
 * tools/iommu/lib do, so that a test reads
 *
 *	ASSERT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, buf, 1, iova));
 *
 * A test that needs no operation of the mock is compiled twice: as it is for the
 * mock device, and with TEST_VTD for a PCI function under VFIO.
 */
#ifndef SELFTESTS_IOMMU_TEST_H
#define SELFTESTS_IOMMU_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

/*
 * The harness's thirty seconds are short for a debug kernel on a busy host. The limit ends
 * a case that hangs, and no other.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#include "../../../iommu/lib/fdinfo.h"
#include "../../../iommu/lib/iommu.h"
#include "../../../iommu/lib/mock.h"
#include "../../../iommu/lib/model_dev.h"
#include "../../../iommu/lib/vfio_dev.h"
#include "settings.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define FOREVER_MS	20000

/* 4 KiB: everything here runs on kernels with pages of that size. */
#define PAGE		4096UL
#define MOCK_PAGE	(PAGE / 2)
/* Translated by the mock, by edu's 28 bits, and by any VT-d unit. */
#define IOVA_BASE	0x1000000ULL

#define RECORD		sizeof(struct iommu_hwpt_pgfault)
#define PERM_RW		(IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE)

/* Anonymous memory that is there, NULL if it cannot be had. */
static inline void *mem_get(size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A page of memory right before one that is not there. */
static inline void *mem_before_hole(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED || munmap(p + PAGE, PAGE))
		return NULL;
	return p;
}

/* An address without memory; the compiler is not to know. */
static inline void *no_memory(void)
{
	void *volatile nowhere = (void *)8;

	return nowhere;
}

static inline __u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000 + (__u64)t.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* IOMMU_TEST_SCALE multiplies the length of what can be of any length. */
static inline unsigned int test_scale(void)
{
	const char *text = getenv("IOMMU_TEST_SCALE");
	int value = text ? atoi(text) : 1;

	return value > 0 ? (unsigned int)value : 1;
}

/* And what the cases may take as well: the harness' limit ends one that hangs. */
static inline int test_run(int argc, char **argv)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= (int)test_scale();
	return test_harness_run(argc, argv);
}

/* In TEST_HARNESS_MAIN */
#define test_harness_run test_run

/*
 * Threads are at it: for @ms, and on a busy machine until more than @enough has
 * come of it, which @count tells; but not for ever.
 */
#define LET_WORK(ms, count, enough) do {				\
	__u64 _end = now_ms() + FOREVER_MS;				\
									\
	sleep_ms(ms);							\
	while (atomic_load(count) <= (enough) && now_ms() < _end)	\
		sleep_ms(20);						\
} while (0)

/* A value from /proc/self/status in KiB, such as VmPin. */
static inline long status_kb(const char *key)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	long value = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) &&
		    line[strlen(key)] == ':')
			value = atol(line + strlen(key) + 1);
	fclose(f);
	return value;
}

/* A value of a cgroup's memory.stat, whose path that is; -1 if there is none. */
static inline long long memory_stat(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	long long value, found = -1;
	char name[64];

	if (!f)
		return -1;
	while (found < 0 && fscanf(f, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, key))
			found = value;
	fclose(f);
	return found;
}

static inline long pinned_pages(void)
{
	long kb = status_kb("VmPin");

	return kb < 0 ? kb : kb / (long)(PAGE / 1024);
}

/*
 * An fd's fdinfo, without what changes by itself: what must be unchanged after
 * a command that failed.
 */
static inline void state_of(int fd, struct fdinfo *info)
{
	char *line, *next;

	if (fdinfo_read(0, fd, info))
		info->text[0] = 0;
	line = strstr(info->text, "oldest-ms:");
	next = line ? strchr(line, '\n') : NULL;
	if (next)
		memmove(line, next, strlen(next) + 1);
}

/* Is QEMU's edu behind an IOMMU whose name in sysfs begins like that? */
static inline bool edu_behind(const char *unit)
{
	char name[64], path[160], link[PATH_MAX], with[64];

	if (pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name)) ||
	    pci_give_to_vfio(name))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu", name);
	snprintf(with, sizeof(with), "/%s", unit);
	return realpath(path, link) && strstr(link, with);
}

/**
 * struct test_device - a device of either kind, behind one interface
 * @v: VT-d: the function; fd is -1 for a mock device
 * @mock: mock: what MOCK_DOMAIN made
 * @id: its id for every command
 * @hwpt: what it is attached to, 0: nothing
 */
struct test_device {
	struct vfio_dev v;
	struct mock_device mock;
	__u32 id;
	__u32 hwpt;
};

#ifdef TEST_VTD
#define TEST_DEVICE_KIND "vtd"
/* -ENODEV: the machine has no (further) edu function: the test is skipped. */
static inline int test_device_make(int fd, unsigned int nth, __u32 pt,
				   struct test_device *d)
{
	int rc;

	memset(d, 0, sizeof(*d));
	rc = edu_open(nth, &d->v);
	if (rc)
		return rc;
	rc = vfio_dev_bind(&d->v, fd);
	if (rc)
		return rc;
	d->id = d->v.id;
	d->hwpt = pt;
	return vfio_dev_attach(&d->v, &d->hwpt);
}

static inline int test_device_replace(int fd, struct test_device *d, __u32 pt)
{
	int rc;

	(void)fd;
	rc = vfio_dev_attach(&d->v, &pt);
	if (!rc)
		d->hwpt = pt;
	return rc;
}

static inline int test_device_remove(int fd, struct test_device *d)
{
	(void)fd;
	vfio_dev_close(&d->v);
	return 0;
}
#else
#define TEST_DEVICE_KIND "mock"
static inline int test_device_make(int fd, unsigned int nth, __u32 pt,
				   struct test_device *d)
{
	int rc;

	(void)nth;
	memset(d, 0, sizeof(*d));
	d->v.fd = -1;
	rc = mock_device(fd, pt, 0, &d->mock);
	d->id = d->mock.dev;
	d->hwpt = d->mock.hwpt;
	return rc;
}

static inline int test_device_replace(int fd, struct test_device *d, __u32 pt)
{
	int rc = mock_replace(fd, d->mock.stdev, pt);

	if (!rc)
		d->hwpt = pt;
	return rc;
}

static inline int test_device_remove(int fd, struct test_device *d)
{
	return iommu_destroy(fd, d->mock.stdev);
}
#endif

#endif
