// SPDX-License-Identifier: GPL-2.0
/* What it takes when there is much already, and the memory that is kept for it. */
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

#define IOVA		(4 * GIB)

/*
 * Memory of the kernel that is charged to this process, without page tables of CPU and
 * IOMMU. Bytes, of whole pages. The sums are brought up to date every two seconds.
 */
static long long kernel_memory(void)
{
	const char *stat = BENCH_CGROUP "/memory.stat";

	sleep(5);
	return number_in(stat, "kernel ") - number_in(stat, "pagetables ") -
	       number_in(stat, "sec_pagetables ") -
	       number_in(stat, "kernel_stack ");
}

void rows_memory(void)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_CONTIG, MEMORY_SCATTER,
	};
	size_t length = bench.quick ? 64 * MIB : GIB;
	struct target t;
	unsigned int i;

	target_open(&t);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		/* Little is kept: of several maps of it the count is finer. */
		unsigned int maps = kinds[i] == MEMORY_SCATTER ? 1 : 8, n;
		struct memory m;
		long long before;
		char name[64];

		must(memory_get(kinds[i], length, &m), "memory");
		/* Whatever is made once is made. */
		target_map(&t, m.va, length, IOVA);
		target_unmap(&t, IOVA, length);
		before = kernel_memory();
		for (n = 0; n < maps; n++)
			target_map(&t, m.va, length, IOVA + n * GIB);
		snprintf(name, sizeof(name), "memory.%s", memory_name(kinds[i]));
		/* Per GiB, in KiB */
		row(name, (double)(kernel_memory() - before) / 1024 / maps *
			  (double)(GIB / length));
		for (n = 0; n < maps; n++)
			target_unmap(&t, IOVA + n * GIB, length);
		memory_put(&m);
	}
	target_close(&t);
}

/* --- areas --- */

struct gap {
	struct target *t;
	char *va;
	__u64 iova;
};

/* A pair in the middle of what there is */
static void one_more(void *arg)
{
	struct gap *g = arg;

	target_map(g->t, g->va, PAGE, g->iova);
	target_unmap(g->t, g->iova, PAGE);
}

/* What a container of type1 allows for is 65535 mappings if it is not told otherwise. */
#define TYPE1_LIMIT	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

/* Every second page is mapped, each to one of 1024 pages of memory. */
void rows_areas(void)
{
	static const unsigned long steps[] = { 1, 1000, 100000, 1000000 };
	unsigned long have = 0, max = bench.quick ? 1000 : 1000000;
	struct target t;
	struct memory m;
	struct gap g = { .t = &t };
	unsigned int i, j;

	if (bench.type1)
		must(write_file(TYPE1_LIMIT, "2000000"), TYPE1_LIMIT);
	target_open(&t);
	must(memory_get(MEMORY_CONTIG, 4 * MIB, &m), "memory");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && steps[i] <= max;
	     i++) {
		char name[64];
		__u64 pinned;

		for (; have < steps[i]; have++)
			target_map(&t, m.va + have % 1024 * PAGE, PAGE,
				   IOVA + have * 2 * PAGE);
		snprintf(name, sizeof(name), "areas.%lu", steps[i]);
		g.va = m.va;
		g.iova = IOVA + have / 2 * 2 * PAGE + PAGE;
		pinned = pinned_pages();
		for (j = 0; j < 50; j++)
			one_more(&g);
		row(name, count(one_more, &g, bench.quick ? 100 : 500));
		check(pinned_pages() == pinned, "%s: a page is still pinned",
		      name);
		target_check_blocked(&t, g.va, g.iova);
	}
	target_close(&t);
	memory_put(&m);
}

/* --- page tables --- */

/* HWPTs on an IOAS in which one page is mapped; the last of so many */
void rows_hwpts(void)
{
	static const unsigned int steps[] = { 2, 100, 1000, 10000 };
	unsigned int have = 1, max = bench.quick ? 100 : 10000, i;
	struct target t;
	struct memory m;
	__u32 *ids;

	if (bench.type1) {
		row_none("hwpts.2", "type1 has no such call");
		return;
	}
	target_open(&t);
	must(memory_get(MEMORY_CONTIG, 2 * MIB, &m), "memory");
	target_map(&t, m.va, PAGE, IOVA);
	ids = calloc(max + 1, sizeof(*ids));
	must(ids ? 0 : -ENOMEM, "calloc");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && steps[i] <= max;
	     i++) {
		__u64 costs[16];
		unsigned int n = 0;
		char name[64];
		__u64 start;

		for (; have < steps[i]; have++) {
			start = now();
			must(iommu_hwpt_paging(t.fd, t.edu.id, t.ioas, 0, 0,
					       &ids[have]), "HWPT_ALLOC");
			costs[n++ % 16] = now() - start;
		}
		snprintf(name, sizeof(name), "hwpts.%u", steps[i]);
		row(name, (double)median(costs, n < 16 ? n : 16));
		snprintf(name, sizeof(name), "hwpts.%u.map", steps[i]);
		/* One page more, in each of them */
		start = target_map(&t, m.va, PAGE, IOVA + PAGE);
		row(name, (double)start / steps[i]);
		target_unmap(&t, IOVA + PAGE, PAGE);
	}
	while (--have)
		must(iommu_destroy(t.fd, ids[have]), "DESTROY");
	free(ids);
	target_close(&t);
	memory_put(&m);
}
