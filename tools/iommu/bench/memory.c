// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of every kind, and the proof that it is of that kind: /proc/self/pagemap says
 * where each page is. What a kernel gives without being told may be anything: a
 * benchmark of "4 KiB pages" that runs on huge ones says nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define HUGE		(2 * MIB)
#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define SPLIT		"/sys/kernel/debug/split_huge_pages"
#define HUGEPAGES	"/proc/sys/vm/nr_hugepages"

#define PFN(entry)	((entry) & ((1ULL << 55) - 1))
#define KPF_COMPOUND	(1ULL << 15 | 1ULL << 16)

static const char *const names[MEMORY_KINDS] = {
	"thp", "hugetlb", "memfd-huge", "memfd", "contig", "scatter",
};

const char *memory_name(enum memory_kind kind)
{
	return names[kind];
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

long long number_in(const char *path, const char *key)
{
	char line[512];
	long long value = -1;
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		value = strtoll(line + strlen(key), NULL, 0);
		break;
	}
	fclose(f);
	return value;
}

__u64 pinned_pages(void)
{
	long long in, out;

	/* What the CPUs have counted for themselves goes into the sums. */
	number_in("/proc/sys/vm/stat_refresh", "");
	in = number_in("/proc/vmstat", "nr_foll_pin_acquired ");
	out = number_in("/proc/vmstat", "nr_foll_pin_released ");
	check(in >= 0 && out >= 0, "the kernel does not count pins");
	return (__u64)(in - out);
}

/* --- what it is --- */

/**
 * struct layout - where pages are
 * @pages: how many
 * @follow: those that come right after the one before
 * @compound: those that are part of a huge page
 */
struct layout {
	size_t pages;
	size_t follow;
	size_t compound;
};

static int look(const struct memory *m, struct layout *l)
{
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	static __u64 entries[512];
	__u64 last = 0, flag;
	size_t at, i;
	int rc = 0;

	memset(l, 0, sizeof(*l));
	if (map < 0 || flags < 0)
		rc = -ENOTSUP;
	for (at = 0; !rc && at < m->length; at += sizeof(entries) / 8 * PAGE) {
		off_t where = (off_t)((uintptr_t)m->va + at) / (off_t)PAGE * 8;

		if (pread(map, entries, sizeof(entries), where) !=
		    (ssize_t)sizeof(entries))
			rc = -EIO;
		for (i = 0; !rc && i < sizeof(entries) / 8; i++) {
			__u64 pfn = PFN(entries[i]);

			l->pages++;
			l->follow += pfn == last + 1;
			last = pfn;
			/* One in eight says enough. */
			if (i % 8 == 3 &&
			    pread(flags, &flag, 8, (off_t)pfn * 8) == 8 &&
			    flag & KPF_COMPOUND)
				l->compound += 8;
		}
	}
	if (map >= 0)
		close(map);
	if (flags >= 0)
		close(flags);
	return rc;
}

static int is_of_its_kind(const struct memory *m)
{
	struct layout l;
	int rc = look(m, &l);
	bool ok = false;

	if (rc)
		return rc;
	switch (m->kind) {
	case MEMORY_THP:
	case MEMORY_HUGETLB:
	case MEMORY_MEMFD_HUGE:
		ok = l.compound == l.pages;
		break;
	case MEMORY_CONTIG:
		ok = !l.compound && l.follow > l.pages * 99 / 100;
		break;
	case MEMORY_MEMFD:
		ok = !l.compound;
		break;
	case MEMORY_SCATTER:
		ok = !l.compound && l.follow < l.pages / 100;
		break;
	default:
		break;
	}
	if (!ok)
		fprintf(stderr,
			"%s: of %zu pages %zu follow the one before, %zu are of huge pages\n",
			memory_name(m->kind), l.pages, l.follow, l.compound);
	return ok ? 0 : -ENOTSUP;
}

/* --- how to get it --- */

static void touch(char *va, size_t length)
{
	size_t i;

	for (i = 0; i < length; i += PAGE)
		*(volatile char *)(va + i) = 1;
}

static int map_aligned(struct memory *m, int flags, int fd)
{
	uintptr_t at;

	m->mapped = m->length + HUGE;
	m->base = mmap(NULL, m->mapped, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->base == MAP_FAILED)
		return -errno;
	at = ((uintptr_t)m->base + HUGE - 1) & ~(HUGE - 1);
	m->va = mmap((void *)at, m->length, PROT_READ | PROT_WRITE,
		     MAP_FIXED | flags, fd, 0);
	return m->va == MAP_FAILED ? -errno : 0;
}

static int get_thp(struct memory *m)
{
	int rc = map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!rc && madvise(m->va, m->length, MADV_HUGEPAGE))
		rc = -errno;
	if (!rc)
		touch(m->va, m->length);
	return rc;
}

/* Huge pages cut up: their parts stay where they were. */
static int get_contig(struct memory *m)
{
	char text[100];
	int rc = get_thp(m);

	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx", getpid(),
		 (unsigned long)m->va, (unsigned long)m->va + m->length);
	rc = write_file(SPLIT, text);
	if (!rc && madvise(m->va, m->length, MADV_NOHUGEPAGE))
		rc = -errno;
	return rc;
}

/* Each page with another one in between, which is not kept. */
static int get_scatter(struct memory *m)
{
	char *other;
	size_t i;
	int rc = map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (rc)
		return rc;
	other = mmap(NULL, m->length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (other == MAP_FAILED)
		return -errno;
	if (madvise(m->va, m->length, MADV_NOHUGEPAGE) ||
	    madvise(other, m->length, MADV_NOHUGEPAGE))
		return -errno;
	for (i = 0; i < m->length; i += PAGE) {
		*(volatile char *)(m->va + i) = 1;
		*(volatile char *)(other + i) = 1;
	}
	munmap(other, m->length);
	return 0;
}

static int get_hugetlb(struct memory *m)
{
	char text[32];
	int rc;

	snprintf(text, sizeof(text), "%zu", m->length / HUGE);
	rc = write_file(HUGEPAGES, text);
	if (rc || number_in(HUGEPAGES, "") < (long long)(m->length / HUGE))
		return rc ? rc : -ENOMEM;
	rc = map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (!rc)
		touch(m->va, m->length);
	return rc;
}

static int get_memfd(struct memory *m, bool huge)
{
	int rc;

	rc = write_file(THP "shmem_enabled", huge ? "advise" : "never");
	if (rc && huge)
		return rc;
	m->fd = memfd_create("bench", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, (off_t)m->length))
		return -errno;
	rc = map_aligned(m, MAP_SHARED, m->fd);
	if (!rc && huge && madvise(m->va, m->length, MADV_HUGEPAGE))
		rc = -errno;
	if (!rc)
		touch(m->va, m->length);
	return rc;
}

int memory_get(enum memory_kind kind, size_t length, struct memory *m)
{
	int rc = -EINVAL;

	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->length = length;
	m->fd = -1;
	m->base = MAP_FAILED;
	switch (kind) {
	case MEMORY_THP:
		rc = get_thp(m);
		break;
	case MEMORY_HUGETLB:
		rc = get_hugetlb(m);
		break;
	case MEMORY_MEMFD_HUGE:
	case MEMORY_MEMFD:
		rc = get_memfd(m, kind == MEMORY_MEMFD_HUGE);
		break;
	case MEMORY_CONTIG:
		rc = get_contig(m);
		break;
	case MEMORY_SCATTER:
		rc = get_scatter(m);
		break;
	default:
		break;
	}
	if (!rc)
		rc = is_of_its_kind(m);
	if (rc)
		memory_put(m);
	return rc;
}

void memory_put(struct memory *m)
{
	if (m->base != MAP_FAILED)
		munmap(m->base, m->mapped);
	if (m->fd >= 0)
		close(m->fd);
	if (m->kind == MEMORY_HUGETLB)
		write_file(HUGEPAGES, "0");
	m->base = MAP_FAILED;
	m->fd = -1;
}
