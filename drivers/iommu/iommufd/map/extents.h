/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extents: which physical page stands behind which page index, kept as runs of
 * consecutive PFNs. Everything that has to know where pinned memory is (filling
 * one more page table, giving the pages back, access by the CPU) reads it here
 * and never from an I/O page table.
 *
 * No lock of its own: struct map_pages guards its extents with its mutex.
 */
#ifndef __IOMMUFD_MAP_EXTENTS_H
#define __IOMMUFD_MAP_EXTENTS_H

#include <linux/bits.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/*
 * A packed run: PFN in the upper 44 bits (the widest physical address of any
 * architecture is 56 bits), number of pages less one in the lower 20.
 */
#define MAP_RUN_COUNT_BITS	20
#define MAP_RUN_MAX_PAGES	BIT(MAP_RUN_COUNT_BITS)

static inline u64 map_run_pack(unsigned long pfn, unsigned long npages)
{
	return ((u64)pfn << MAP_RUN_COUNT_BITS) | (npages - 1);
}

static inline unsigned long map_run_pfn(u64 run)
{
	return run >> MAP_RUN_COUNT_BITS;
}

static inline unsigned long map_run_npages(u64 run)
{
	return (run & (MAP_RUN_MAX_PAGES - 1)) + 1;
}

/**
 * struct map_chunk - an unbroken range of indexes
 * @node: in map_extents::chunks, by @first
 * @first: index of its first page
 * @npages: how many pages it covers, never 0 while it is in the tree
 * @data: @nr packed runs (u64), or @nr PFNs (u32) if it is @dense. Follows the
 *	structure in memory, except for map_extents::single, and moves on as
 *	pages are dropped at the front
 * @nr: entries of @data
 * @dense: a PFN for each page: half as large where hardly two pages are
 *	consecutive. Needs PFNs below 2^32
 */
struct map_chunk {
	struct rb_node node;
	unsigned long first;
	unsigned long npages;
	void *data;
	u32 nr;
	bool dense;
};

/* What one allocation may take: a power of two, so that kmalloc wastes none */
#define MAP_CHUNK_BYTES		4096
#define MAP_CHUNK_MAX_RUNS                                                     \
	((MAP_CHUNK_BYTES - sizeof(struct map_chunk)) / sizeof(u64))
#define MAP_CHUNK_MAX_DENSE                                                    \
	((MAP_CHUNK_BYTES - sizeof(struct map_chunk)) / sizeof(u32))

/**
 * struct map_extents - a sparse array from page index to PFN
 * @chunks: struct map_chunk by index; they never overlap
 * @npages: pages in all chunks together. Who only counts reads it without a lock
 * @single: the chunk that needs no allocation; free while its npages is 0
 * @single_run: data of @single
 */
struct map_extents {
	struct rb_root chunks;
	unsigned long npages;
	struct map_chunk single;
	u64 single_run;
};

/**
 * struct map_extent_iter - one run after the other
 * @index: page index that the current run starts at
 * @pfn: its first page
 * @npages: its length: the longest there is within the range asked for
 * @chunk: private: where the next run starts
 * @slot: private: entry of @chunk
 * @slot_index: private: page index of the first page of @slot
 * @cur: private: smallest index not yet returned
 * @last: private: the last index asked for
 */
struct map_extent_iter {
	unsigned long index;
	unsigned long pfn;
	unsigned long npages;

	const struct map_chunk *chunk;
	u32 slot;
	unsigned long slot_index;
	unsigned long cur;
	unsigned long last;
};

static inline void map_extents_init(struct map_extents *ext)
{
	ext->chunks = RB_ROOT;
	ext->npages = 0;
	ext->single.npages = 0;
}

int map_extents_add(struct map_extents *ext, unsigned long index,
		    const u64 *runs, unsigned int nr);
void map_extents_remove(struct map_extents *ext, unsigned long first,
			unsigned long last);

void map_extents_seek(struct map_extent_iter *iter,
		      const struct map_extents *ext, unsigned long first,
		      unsigned long last);
bool map_extents_next(struct map_extent_iter *iter);
unsigned int map_extents_take(struct map_extent_iter *iter, u64 *runs,
			      unsigned int max);

/* Each run of what is stored in [first, last], ascending; holes are skipped. */
#define map_extents_for_each(iter, ext, first, last)                           \
	for (map_extents_seek(iter, ext, first, last); map_extents_next(iter);)

#endif
