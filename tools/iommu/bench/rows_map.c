// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping, copying, unmapping. A pair of map and unmap is counted as a whole, with
 * what it defers; the map's own part is what its calls take, the unmap's is the rest.
 * After the last unmap of each kind as many pages are pinned as before, and the device
 * cannot reach the memory.
 */
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

#define IOVA		(4 * GIB)

static void check_gone(struct target *t, struct memory *m, __u64 iova,
		       __u64 pinned)
{
	check(pinned_pages() == pinned,
	      "%s: %lld pages more are pinned than before the map",
	      memory_name(m->kind), (long long)(pinned_pages() - pinned));
	target_check_blocked(t, m->va, iova);
	target_check_blocked(t, m->va + m->length - PAGE,
			     iova + m->length - PAGE);
}

/* --- one page --- */

struct pair {
	double map;
	double unmap;
};

/**
 * struct mapping - what is mapped and unmapped again and again
 * @t: where
 * @va: memory
 * @length: bytes
 * @iova: address
 * @copy: address of a copy
 * @maps: what the maps took so far
 */
struct mapping {
	struct target *t;
	void *va;
	__u64 length;
	__u64 iova;
	__u64 copy;
	__u64 maps;
};

static void map_unmap(void *arg)
{
	struct mapping *m = arg;

	m->maps += target_map(m->t, m->va, m->length, m->iova);
	target_unmap(m->t, m->iova, m->length);
}

static struct pair count_pair(struct target *t, void *va, __u64 length,
			      __u64 iova, unsigned int loops)
{
	struct mapping m = {
		.t = t,
		.va = va,
		.length = length,
		.iova = iova,
	};
	struct pair p;
	unsigned int i;

	for (i = 0; i < (loops + 9) / 10; i++)
		map_unmap(&m);
	p.unmap = count_part(map_unmap, &m, loops, &m.maps, &p.map);
	p.unmap -= p.map;
	return p;
}

/* As map_unmap(), of a copy of what is mapped at @iova */
static void copy_unmap(void *arg)
{
	struct mapping *m = arg;
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
		.dst_ioas_id = m->t->ioas,
		.src_ioas_id = m->t->ioas,
		.length = m->length,
		.dst_iova = m->copy,
		.src_iova = m->iova,
	};
	__u64 start = now();

	must(iommu_call(m->t->fd, IOMMU_IOAS_COPY, &copy), "IOAS_COPY");
	m->maps += now() - start;
	target_unmap(m->t, m->copy, m->length);
}

static void copy4k(struct target *t, char *va)
{
	struct mapping m = {
		.t = t,
		.va = va,
		.length = PAGE,
		.iova = IOVA,
		.copy = IOVA + MIB,
	};
	unsigned int loops = bench.quick ? 200 : 1000, i;
	double pair, copy;

	target_map(t, va, PAGE, IOVA);
	for (i = 0; i < 100; i++)
		copy_unmap(&m);
	pair = count_part(copy_unmap, &m, loops, &m.maps, &copy);
	row("map4k.copy", copy);
	row("map4k.uncopy", pair - copy);
	target_unmap(t, IOVA, PAGE);
}

void rows_map4k(void)
{
	unsigned int loops = bench.quick ? 200 : 1000;
	struct target t;
	struct memory m;
	struct pair p;
	__u64 pinned;

	if (!wanted("map4k.pair"))
		return;
	target_open(&t);
	must(memory_get(MEMORY_CONTIG, 2 * MIB, &m), "memory");
	pinned = pinned_pages();
	p = count_pair(&t, m.va, PAGE, IOVA, loops);
	row("map4k.map", p.map);
	row("map4k.unmap", p.unmap);
	row("map4k.pair", p.map + p.unmap);
	m.length = PAGE;
	check_gone(&t, &m, IOVA, pinned);
	if (bench.type1)
		row_none("map4k.copy", "type1 has no such call");
	else if (!bench.only)
		copy4k(&t, m.va);
	check_gone(&t, &m, IOVA, pinned);
	check_gone(&t, &m, IOVA + MIB, pinned);
	memory_put(&m);
	target_close(&t);
}

/* --- much at once --- */

static void bulk_copy(struct target *t, const struct memory *m,
		      const char *size, unsigned int loops)
{
	struct mapping p = {
		.t = t,
		.va = m->va,
		.length = m->length,
		.iova = IOVA,
		.copy = IOVA + 2 * GIB,
	};
	double pages = (double)(m->length / PAGE), pair, copy;
	char name[64];

	target_map(t, m->va, m->length, IOVA);
	copy_unmap(&p);
	pair = count_part(copy_unmap, &p, loops, &p.maps, &copy);
	snprintf(name, sizeof(name), "bulk.%s.%s.copy", memory_name(m->kind),
		 size);
	row(name, copy / pages);
	snprintf(name, sizeof(name), "bulk.%s.%s.uncopy", memory_name(m->kind),
		 size);
	row(name, (pair - copy) / pages);
	target_unmap(t, IOVA, m->length);
}

static void bulk(struct target *t, enum memory_kind kind, size_t length,
		 unsigned int loops)
{
	const char *size = length == GIB ? "1g" : "64m";
	size_t pages = length / PAGE;
	char name[64], why[64];
	struct memory m;
	struct pair p;
	__u64 pinned;
	int rc;

	snprintf(name, sizeof(name), "bulk.%s.%s.map", memory_name(kind), size);
	if (!wanted(name))
		return;
	rc = memory_get(kind, length, &m);
	if (rc) {
		snprintf(why, sizeof(why), "no such memory: %s", strerror(-rc));
		row_none(name, why);
		bench.failed = true;
		return;
	}
	pinned = pinned_pages();
	p = count_pair(t, m.va, length, IOVA, loops);
	row(name, p.map / (double)pages);
	snprintf(name, sizeof(name), "bulk.%s.%s.unmap", memory_name(kind),
		 size);
	row(name, p.unmap / (double)pages);
	check_gone(t, &m, IOVA, pinned);
	/* type1 has no such call */
	if (!bench.type1 && !bench.only) {
		bulk_copy(t, &m, size, loops);
		check_gone(t, &m, IOVA, pinned);
		check_gone(t, &m, IOVA + 2 * GIB, pinned);
	}
	memory_put(&m);
}

void rows_bulk(void)
{
	enum memory_kind kind;
	struct target t;

	target_open(&t);
	for (kind = 0; kind < MEMORY_KINDS; kind++) {
		/*
		 * Of huge pages more rounds: there is so little to do. Of 1 GiB one is
		 * enough: what a stretch may be off by is nothing to so many pages.
		 */
		bool huge = kind <= MEMORY_MEMFD_HUGE;

		bulk(&t, kind, 64 * MIB, huge ? 8 : 1);
		if (!bench.quick)
			bulk(&t, kind, GIB, 1);
	}
	target_close(&t);
}

/* --- a second page table --- */

/* Its destruction is not part of the count: what it frees may be freed much later. */
static __u64 alloc_hwpt(struct target *t)
{
	__u64 start = now(), cost;
	__u32 hwpt;

	must(iommu_hwpt_paging(t->fd, t->edu.id, t->ioas, 0, 0, &hwpt),
	     "HWPT_ALLOC");
	cost = now() - start;
	must(iommu_destroy(t->fd, hwpt), "DESTROY");
	return cost;
}

void rows_second(void)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_CONTIG, MEMORY_SCATTER,
	};
	size_t length = bench.quick ? 64 * MIB : GIB;
	struct target t;
	unsigned int i;

	target_open(&t);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct memory m;
		char name[64];
		__u64 pinned;

		snprintf(name, sizeof(name), "second.%s", memory_name(kinds[i]));
		if (bench.type1) {
			row_none(name, "type1 has no such call");
			continue;
		}
		must(memory_get(kinds[i], length, &m), "memory");
		pinned = pinned_pages();
		target_map(&t, m.va, length, IOVA);
		alloc_hwpt(&t);
		row(name, (double)alloc_hwpt(&t) / (double)(length / PAGE));
		target_unmap(&t, IOVA, length);
		check_gone(&t, &m, IOVA, pinned);
		memory_put(&m);
	}
	target_close(&t);
}

/* --- what a guest's driver does --- */

#define RING	256

/**
 * struct slot - a buffer a guest's driver has given to its device
 * @iova: where
 * @length: bytes, 0: none
 */
struct slot {
	__u64 iova;
	__u64 length;
};

/**
 * struct guest - a guest's driver
 * @t: its device
 * @m: its memory
 * @ring: what is out
 * @turn: how often it has given one
 * @state: of the sequence of its whims
 */
struct guest {
	struct target *t;
	struct memory m;
	struct slot ring[RING];
	unsigned int turn;
	__u32 state;
};

static __u32 next_random(struct guest *g)
{
	g->state = g->state * 1103515245 + 12345;
	return g->state >> 16;
}

/*
 * A guest with a virtual IOMMU in strict mode: 256 buffers are out, of 1, 2, 4 or
 * 16 pages; the oldest comes back and a new one goes, somewhere else.
 */
static void next_buffer(void *arg)
{
	static const unsigned int pages[] = { 1, 1, 1, 2, 2, 4, 16, 1 };
	const __u64 most = 16 * PAGE;
	struct guest *g = arg;
	struct slot *s = &g->ring[g->turn % RING];
	__u64 at = next_random(g) % (g->m.length / most) * most;

	if (s->length)
		target_unmap(g->t, s->iova, s->length);
	s->length = pages[next_random(g) % 8] * PAGE;
	/* No other slot has this place now. */
	s->iova = IOVA + g->turn % (2 * RING) * 2 * most;
	target_map(g->t, g->m.va + at, s->length, s->iova);
	g->turn++;
}

void rows_viommu(void)
{
	static struct guest g;
	struct target t;
	__u64 pinned;
	unsigned int i;

	target_open(&t);
	memset(&g, 0, sizeof(g));
	g.t = &t;
	g.state = 1;
	must(memory_get(MEMORY_CONTIG, 64 * MIB, &g.m), "memory");
	pinned = pinned_pages();
	for (i = 0; i < RING; i++)
		next_buffer(&g);
	row("viommu.pair", count(next_buffer, &g, bench.quick ? 512 : 2048));
	for (i = 0; i < RING; i++)
		target_unmap(&t, g.ring[i].iova, g.ring[i].length);
	g.m.length = PAGE;
	check_gone(&t, &g.m, IOVA, pinned);
	memory_put(&g.m);
	target_close(&t);
}
