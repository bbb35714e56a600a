// SPDX-License-Identifier: GPL-2.0
/*
 * Many mappings by one call, and a fault that is answered by the mapping it asked for.
 * A kernel without these calls does the same by one call each: that is what they
 * are compared with.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rows_fault.h"
#include "target.h"

#define IOVA		(4 * GIB)
/* Where the mock translates */
#define MOCK_IOVA	(256 * MIB)
/* No entry is next to another one. */
#define STRIDE		(2 * PAGE)
#define ARRAY_MOST	256U

static struct iommu_ioas_map_entry map_entries[ARRAY_MOST];
static struct iommu_ioas_unmap_entry unmap_entries[ARRAY_MOST];

static bool is_native(int fd)
{
	__u64 features;
	__u32 revision;

	return !iommu_features(fd, &revision, &features) &&
	       (features & IOMMU_FEATURE_IOAS_ARRAY);
}

static void fill_map_entry(unsigned int i, void *va, __u64 iova)
{
	map_entries[i] = (struct iommu_ioas_map_entry){
		.flags = IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA |
			 IOMMU_IOAS_MAP_ENTRY_WRITEABLE |
			 IOMMU_IOAS_MAP_ENTRY_READABLE,
		.user_va = (uintptr_t)va,
		.length = PAGE,
		.iova = iova,
	};
}

/**
 * struct array - pages that are mapped and unmapped again and again
 * @t: where
 * @va: memory
 * @n: pages
 * @native: by arrays
 * @maps: what the maps took so far
 */
struct array {
	struct target *t;
	char *va;
	unsigned int n;
	bool native;
	__u64 maps;
};

static __u64 map_array(struct array *a)
{
	__u64 start = now(), total = 0;
	__u32 num = a->n;
	unsigned int i;

	if (a->native) {
		must(iommu_map_array(a->t->fd, a->t->ioas, 0, map_entries, &num,
				     NULL), "IOAS_MAP_ARRAY");
		return now() - start;
	}
	for (i = 0; i < a->n; i++)
		total += target_map(a->t, a->va + i * PAGE, PAGE,
				    IOVA + i * STRIDE);
	return total;
}

static void unmap_array(struct array *a)
{
	__u32 num = a->n;
	unsigned int i;

	if (a->native)
		must(iommu_unmap_array(a->t->fd, a->t->ioas, unmap_entries,
				       &num, NULL), "IOAS_UNMAP_ARRAY");
	for (i = 0; !a->native && i < a->n; i++)
		target_unmap(a->t, unmap_entries[i].iova, PAGE);
}

/* As with single calls, what a call is given is made ready before. */
static void fill_entries(char *va)
{
	unsigned int i;

	for (i = 0; i < ARRAY_MOST; i++) {
		fill_map_entry(i, va + i * PAGE, IOVA + i * STRIDE);
		unmap_entries[i] = (struct iommu_ioas_unmap_entry){
			.iova = IOVA + i * STRIDE,
			.length = PAGE,
		};
	}
}

static void array_pair(void *arg)
{
	struct array *a = arg;

	a->maps += map_array(a);
	unmap_array(a);
}

void rows_arrays(void)
{
	static const unsigned int counts[] = { 1, 16, ARRAY_MOST };
	struct target t;
	struct memory m;
	unsigned int i;
	__u64 pinned;

	target_open(&t);
	must(memory_get(MEMORY_CONTIG, 2 * MIB, &m), "memory");
	pinned = pinned_pages();
	fill_entries(m.va);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct array a = {
			.t = &t,
			.va = m.va,
			.n = counts[i],
			.native = !bench.type1 && is_native(t.fd),
		};
		unsigned int loops = (bench.quick ? 512 : 2048) / a.n, j;
		char name[32];
		double pair, map;

		for (j = 0; j < loops / 8 + 2; j++)
			array_pair(&a);
		pair = count_part(array_pair, &a, loops, &a.maps, &map);
		snprintf(name, sizeof(name), "array.%u.map", a.n);
		row(name, map / a.n);
		snprintf(name, sizeof(name), "array.%u.unmap", a.n);
		row(name, (pair - map) / a.n);
		check(pinned_pages() == pinned, "%s: pages are still pinned",
		      name);
		target_check_blocked(&t, m.va, IOVA);
		target_check_blocked(&t, m.va + (a.n - 1) * PAGE,
				     IOVA + (a.n - 1) * STRIDE);
	}
	memory_put(&m);
	target_close(&t);
}

/* --- pages on demand --- */

/**
 * struct demand - faults that are answered by mappings
 * @r: where
 * @va: memory
 * @n: faults a round
 * @native: the mapping is the answer
 * @total: what rounds took so far, without the unmap
 */
struct demand {
	struct rig r;
	char *va;
	unsigned int n;
	bool native;
	__u64 total;
};

/* A blocking read, and one call that maps and answers. */
static void serve_natively(struct demand *d)
{
	__u32 num = d->n, answered = 0;
	unsigned int i;

	read_all(d->r.queue[0], d->n);
	for (i = 0; i < d->n; i++) {
		fill_map_entry(i, d->va + i * PAGE, MOCK_IOVA + i * STRIDE);
		map_entries[i].flags |= IOMMU_IOAS_MAP_ENTRY_ANSWER;
		map_entries[i].cookie = fault_records[i].cookie;
	}
	must(iommu_map_array(d->r.fd, d->r.ioas, d->r.queue_id[0], map_entries,
			     &num, &answered), "IOAS_MAP_ARRAY");
	check(num == d->n && answered == d->n, "%u of %u faults were answered",
	      answered, d->n);
}

/* Poll, read, a map for each, one write of all answers */
static void serve_by_calls(struct demand *d)
{
	struct pollfd pfd = { .fd = d->r.queue[0], .events = POLLIN };
	unsigned int i;

	must(poll(&pfd, 1, -1) == 1 ? 0 : -EIO, "poll");
	read_all(d->r.queue[0], d->n);
	for (i = 0; i < d->n; i++)
		must(iommu_map(d->r.fd, d->r.ioas, d->va + i * PAGE, PAGE,
			       MOCK_IOVA + i * STRIDE), "IOAS_MAP");
	prepare_answers(fault_records, d->n);
	answer_all(d->r.queue[0], d->n);
}

static void demand_round(struct demand *d)
{
	__u64 start = now();
	unsigned int i;

	for (i = 0; i < d->n; i++)
		must(rig_report(&d->r, 0, d->r.grpid++), "report");
	if (d->native)
		serve_natively(d);
	else
		serve_by_calls(d);
	d->total += now() - start;
	must(iommu_unmap(d->r.fd, d->r.ioas, MOCK_IOVA, d->n * STRIDE, NULL),
	     "IOAS_UNMAP");
}

void rows_demand(void)
{
	static const unsigned int counts[] = { 1, 16, ARRAY_MOST };
	static struct demand d;
	struct memory m;
	unsigned int i;
	__u64 pinned;

	must(memory_get(MEMORY_CONTIG, 2 * MIB, &m), "memory");
	/* A ring of io_uring, in another set, drops its pins some time after its end. */
	sleep(1);
	pinned = pinned_pages();
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned int loops = (bench.quick ? 512 : 4096) / counts[i], j;
		char name[32];
		__u64 floor;

		rig_open(&d.r, 1, 1, 0, true);
		d.va = m.va;
		d.n = counts[i];
		d.native = is_native(d.r.fd);
		floor = report_floor(&d.r);
		for (j = 0; j < loops / 8 + 2; j++)
			demand_round(&d);
		d.total = 0;
		for (j = 0; j < loops; j++)
			demand_round(&d);
		snprintf(name, sizeof(name), "demand.%u", d.n);
		row(name, (double)d.total / loops / d.n - (double)floor);
		check(pinned_pages() == pinned, "%s: pages are still pinned",
		      name);
		rig_close(&d.r);
	}
	memory_put(&m);
}
