// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage page tables.
 *
 * A table of level n has 512 entries; one of level 1 stands for 4 KiB, and each
 * level up for 512 times as much. An entry is 0 or has at least one of the
 * permissions; tables are entered with both, so that the leaf decides.
 *
 * Callers of disjoint ranges meet in two places only: where a table is put in,
 * and where a leaf that reaches beyond the range is split. Both are one
 * compare-and-exchange, and who loses goes on with what the other put there.
 * With a unit that does not snoop, the one who put it there may not have written
 * it back yet: so whoever goes through an entry writes it back as well.
 */
#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "../../iommu-pages.h"
#include "../map/extents.h"
#include "second_stage.h"

#define SS_BITS		9
#define SS_ENTRIES	BIT(SS_BITS)
#define SS_TABLE	(VTD_SS_READ | VTD_SS_WRITE)

static unsigned int ss_shift(unsigned int level)
{
	return 12 + SS_BITS * (level - 1);
}

static unsigned int ss_index(u64 iova, unsigned int level)
{
	return (iova >> ss_shift(level)) & (SS_ENTRIES - 1);
}

/* @entry is not 0. */
static bool ss_is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (entry & VTD_SS_LARGE);
}

static u64 *ss_table(u64 entry)
{
	return phys_to_virt(entry & VTD_SS_ADDR);
}

static void ss_clean(const struct vtd_ss *ss, u64 *slot, unsigned int num)
{
	if (ss->config.clean)
		ss->config.clean(ss->config.clean_data, slot,
				 num * sizeof(*slot));
}

/* The table that @slot leads to. */
static u64 *ss_enter(const struct vtd_ss *ss, u64 *slot, u64 entry)
{
	ss_clean(ss, slot, 1);
	return ss_table(entry);
}

/* Is there no leaf in or below @table? */
static bool ss_is_empty(const u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < SS_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (entry && (ss_is_leaf(entry, level) ||
			      !ss_is_empty(ss_table(entry), level - 1)))
			return false;
	}
	return true;
}

/* Is there a leaf for every address below @table? */
static bool ss_is_full(const u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < SS_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (!entry || (!ss_is_leaf(entry, level) &&
			       !ss_is_full(ss_table(entry), level - 1)))
			return false;
	}
	return true;
}

/* @table is out of the unit's reach but for its caches. */
static void ss_collect(u64 *table, unsigned int level, struct list_head *list)
{
	unsigned int i;

	for (i = 0; level > 1 && i < SS_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (entry && !ss_is_leaf(entry, level))
			ss_collect(ss_table(entry), level - 1, list);
	}
	list_add_tail(&virt_to_page(table)->lru, list);
}

/**
 * vtd_ss_init() - an empty table
 * @ss: to be filled in
 * @config: copied
 *
 * May sleep. Return: 0; -EINVAL: levels not 3 to 5, or leaves of 1 GiB without
 * leaves of 2 MiB, which no unit has (11.4.2, SSLPS); -ENOMEM.
 */
int vtd_ss_init(struct vtd_ss *ss, const struct vtd_ss_config *config)
{
	if (config->levels < 3 || config->levels > 5 ||
	    (config->leaf_1g && !config->leaf_2m))
		return -EINVAL;

	ss->config = *config;
	ss->root = iommu_alloc_page_node(config->nid, GFP_KERNEL_ACCOUNT);
	if (!ss->root)
		return -ENOMEM;
	ss_clean(ss, ss->root, SS_ENTRIES);
	return 0;
}

/**
 * vtd_ss_collect() - take a table apart
 * @ss: a table; no unit reaches it. Of no use on return
 * @tables: its pages, linked by page::lru, are added
 */
void vtd_ss_collect(struct vtd_ss *ss, struct list_head *tables)
{
	ss_collect(ss->root, ss->config.levels, tables);
	ss->root = NULL;
}

/**
 * vtd_ss_free() - free a table with whatever is in it
 * @ss: a table; no unit reaches it, nor has anything of it cached
 */
void vtd_ss_free(struct vtd_ss *ss)
{
	LIST_HEAD(list);

	vtd_ss_collect(ss, &list);
	iommu_put_pages_list(&list);
}

/*
 * Put an empty table into @slot, which was 0. Returns what is there then: ours
 * or what somebody else was faster with; 0 without memory.
 */
static u64 ss_install(const struct vtd_ss *ss, u64 *slot, gfp_t gfp)
{
	u64 *table = iommu_alloc_page_node(ss->config.nid, gfp);
	u64 entry, old = 0;

	if (!table)
		return 0;
	ss_clean(ss, table, SS_ENTRIES);
	entry = virt_to_phys(table) | SS_TABLE;
	if (try_cmpxchg64(slot, &old, entry))
		return entry;
	iommu_free_page(table);
	return old;
}

/* The table of @level that @iova goes through, made if it is not there. */
static u64 *ss_walk_make(const struct vtd_ss *ss, u64 iova, unsigned int level,
			 gfp_t gfp)
{
	unsigned int at = ss->config.levels;
	u64 *table = ss->root;

	for (; at > level; at--) {
		u64 *slot = table + ss_index(iova, at);
		u64 entry = READ_ONCE(*slot);

		if (!entry) {
			entry = ss_install(ss, slot, gfp);
			if (!entry)
				return ERR_PTR(-ENOMEM);
		}
		if (ss_is_leaf(entry, at))
			return ERR_PTR(-EEXIST);
		table = ss_enter(ss, slot, entry);
	}
	return table;
}

/* Is there something in @slot that a leaf must not take the place of? */
static bool ss_occupied(u64 entry, unsigned int level)
{
	return ss_is_leaf(entry, level) ||
	       !ss_is_empty(ss_table(entry), level - 1);
}

/*
 * Write leaves into @num slots of one table, without writing them back. Returns how
 * many it could.
 */
static unsigned int ss_write(u64 *slots, unsigned int level, unsigned int num,
			     u64 leaf, struct list_head *stale)
{
	u64 step = BIT_ULL(ss_shift(level));
	unsigned int i;

	for (i = 0; i < num; i++, leaf += step) {
		u64 old = READ_ONCE(slots[i]);

		if (unlikely(old) && ss_occupied(old, level))
			break;
		WRITE_ONCE(slots[i], leaf);
		if (unlikely(old))
			ss_collect(ss_table(old), level - 1, stale);
	}
	return i;
}

static unsigned int ss_fill(const struct vtd_ss *ss, u64 *slots,
			    unsigned int level, unsigned int num, u64 leaf,
			    struct list_head *stale)
{
	unsigned int done = ss_write(slots, level, num, leaf, stale);

	if (done)
		ss_clean(ss, slots, done);
	return done;
}

/* The same of a bottom table, which has nothing but leaves: a tight loop. */
static unsigned int ss_write_bottom(u64 *slots, unsigned int num, u64 leaf)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (unlikely(READ_ONCE(slots[i])))
			break;
		WRITE_ONCE(slots[i], leaf);
		leaf += BIT_ULL(12);
	}
	return i;
}

static u64 ss_leaf_bits(int prot)
{
	return (prot & IOMMU_READ ? VTD_SS_READ : 0) |
	       (prot & IOMMU_WRITE ? VTD_SS_WRITE : 0);
}

/* 0: no leaf has this size. */
static unsigned int ss_leaf_level(const struct vtd_ss *ss, size_t pgsize)
{
	if (pgsize == BIT_ULL(ss_shift(1)))
		return 1;
	if (pgsize == BIT_ULL(ss_shift(2)) && ss->config.leaf_2m)
		return 2;
	if (pgsize == BIT_ULL(ss_shift(3)) && ss->config.leaf_1g)
		return 3;
	return 0;
}

/* vtd_ss_map() of what has been checked. */
static int ss_map_leaves(const struct vtd_ss *ss, u64 iova, phys_addr_t paddr,
			 size_t pgsize, size_t pgcount, u64 leaf, gfp_t gfp,
			 size_t *mapped, struct list_head *stale)
{
	unsigned int level = ss_leaf_level(ss, pgsize);
	size_t left = pgcount;

	if (level > 1)
		leaf |= VTD_SS_LARGE;

	while (left) {
		unsigned int index = ss_index(iova, level), num, done;
		u64 *table = ss_walk_make(ss, iova, level, gfp);

		if (IS_ERR(table))
			return PTR_ERR(table);
		num = min_t(size_t, left, SS_ENTRIES - index);
		done = ss_fill(ss, table + index, level, num, leaf | paddr,
			       stale);
		*mapped += done * pgsize;
		if (done < num)
			return -EEXIST;
		iova += done * pgsize;
		paddr += done * pgsize;
		left -= done;
	}
	return 0;
}

/**
 * vtd_ss_map() - put leaves in
 * @ss: table
 * @iova: input address of the first; a multiple of @pgsize
 * @paddr: what it maps to, and the others behind it; a multiple of @pgsize, all
 *	below 2^52
 * @pgsize: bytes of a leaf: 4 KiB, or what the configuration allows
 * @pgcount: leaves; 0 is nothing to do
 * @prot: IOMMU_READ, IOMMU_WRITE or both; the rest has no meaning here
 * @gfp: for tables
 * @mapped: bytes done, on error too
 * @stale: empty tables that were replaced, see the header
 *
 * Sleeps only if @gfp does. Runs of leaves of one table are written together,
 * after one walk. Not-present entries became present: a unit with caching mode
 * needs a flush (6.1).
 *
 * Return: 0; -EINVAL: bad size, alignment, width or @prot, nothing was done;
 * -EEXIST: there is a leaf in the range; -ENOMEM. The last two leave what is in
 * *@mapped in place.
 */
int vtd_ss_map(struct vtd_ss *ss, u64 iova, phys_addr_t paddr, size_t pgsize,
	       size_t pgcount, int prot, gfp_t gfp, size_t *mapped,
	       struct list_head *stale)
{
	size_t size;
	u64 end;

	*mapped = 0;
	if (!ss_leaf_level(ss, pgsize) ||
	    !(prot & (IOMMU_READ | IOMMU_WRITE)) ||
	    !IS_ALIGNED(iova | paddr, pgsize) ||
	    check_mul_overflow(pgsize, pgcount, &size) ||
	    check_add_overflow(iova, size, &end) ||
	    end > BIT_ULL(vtd_ss_bits(ss)) ||
	    check_add_overflow((u64)paddr, size, &end) || end > BIT_ULL(52))
		return -EINVAL;

	return ss_map_leaves(ss, iova, paddr, pgsize, pgcount,
			     ss_leaf_bits(prot), gfp, mapped, stale);
}

/**
 * struct ss_bottom - the bottom table that single pages are being written to
 * @table: NULL before the first
 * @base: first input address of it
 * @first: first slot that has not been written back
 * @end: slot behind the last one; @first if there is none
 */
struct ss_bottom {
	u64 *table;
	u64 base;
	unsigned int first;
	unsigned int end;
};

static void ss_bottom_clean(const struct vtd_ss *ss, struct ss_bottom *at)
{
	if (at->first < at->end)
		ss_clean(ss, at->table + at->first, at->end - at->first);
	at->first = at->end;
}

/*
 * The most common of scattered memory: one more page into the table at hand, which
 * no run behind it continues. False: it is not so, and nothing was done.
 */
static bool ss_bottom_add(struct ss_bottom *at, u64 iova, const u64 *run,
			  unsigned int left, u64 bits)
{
	unsigned int index = ss_index(iova, 1);
	u64 pfn = map_run_pfn(*run);

	if (!at->table || iova - at->base >= BIT_ULL(ss_shift(2)) ||
	    map_run_npages(*run) > 1 || pfn >= BIT_ULL(52 - PAGE_SHIFT) ||
	    (left > 1 && map_run_pfn(run[1]) == pfn + 1) ||
	    READ_ONCE(at->table[index]))
		return false;
	WRITE_ONCE(at->table[index], bits | pfn << PAGE_SHIFT);
	at->end = index + 1;
	return true;
}

/* Single pages: as many as there are, or as the table takes. */
static int ss_map_small(const struct vtd_ss *ss, struct ss_bottom *at, u64 iova,
			u64 leaf, unsigned long npages, gfp_t gfp,
			unsigned int *done)
{
	u64 base = iova & ~(BIT_ULL(ss_shift(2)) - 1);
	unsigned int index = ss_index(iova, 1), num;

	*done = 0;
	if (!at->table || at->base != base) {
		u64 *table = ss_walk_make(ss, iova, 1, gfp);

		ss_bottom_clean(ss, at);
		if (IS_ERR(table))
			return PTR_ERR(table);
		*at = (struct ss_bottom){
			.table = table,
			.base = base,
			.first = index,
			.end = index,
		};
	}
	num = min_t(unsigned long, npages, SS_ENTRIES - index);
	*done = ss_write_bottom(at->table + index, num, leaf);
	at->end = index + *done;
	return *done < num ? -EEXIST : 0;
}

/* The size of the largest leaf that fits here; how many before a larger one does. */
static size_t ss_choose(const struct vtd_ss *ss, u64 iova, u64 paddr, u64 size,
			size_t *count)
{
	unsigned int level = ss->config.leaf_1g ? 3 : ss->config.leaf_2m ? 2 : 1;
	u64 reach = size;

	for (; level > 1; level--) {
		u64 page = BIT_ULL(ss_shift(level)), gap;

		if ((iova ^ paddr) & (page - 1))
			continue;
		gap = -iova & (page - 1);
		if (!gap && size >= page)
			break;
		if (gap + page <= size)
			reach = min(reach, gap);
	}
	*count = reach >> ss_shift(level);
	return BIT_ULL(ss_shift(level));
}

static int ss_map_run(struct vtd_ss *ss, struct ss_bottom *at, u64 iova,
		      u64 paddr, u64 size, u64 bits, gfp_t gfp, size_t *mapped,
		      struct list_head *stale)
{
	int rc = 0;

	while (size && !rc) {
		size_t count, page, done = 0;
		unsigned int num;

		page = ss_choose(ss, iova, paddr, size, &count);
		if (page == BIT_ULL(ss_shift(1))) {
			rc = ss_map_small(ss, at, iova, bits | paddr, count,
					  gfp, &num);
			done = (size_t)num << ss_shift(1);
		} else {
			rc = ss_map_leaves(ss, iova, paddr, page, count, bits,
					   gfp, &done, stale);
		}
		*mapped += done;
		iova += done;
		paddr += done;
		size -= done;
	}
	return rc;
}

/**
 * vtd_ss_map_runs() - put many leaves in
 * @ss: table
 * @iova: input address of the first page; a multiple of PAGE_SIZE
 * @runs: packed runs of pages, all below 2^52
 * @nr: how many, at least 1
 * @prot: IOMMU_READ, IOMMU_WRITE or both; the rest has no meaning here
 * @gfp: for tables
 * @mapped: bytes done, on error too
 * @stale: empty tables that were replaced, see the header
 *
 * The same as vtd_ss_map() for each run, cut into the largest leaves that fit; but
 * a bottom table is walked to once for all the pages that go into it, and they are
 * written back together. Sleeps only if @gfp does.
 *
 * Return: as vtd_ss_map().
 */
int vtd_ss_map_runs(struct vtd_ss *ss, u64 iova, const u64 *runs,
		    unsigned int nr, int prot, gfp_t gfp, size_t *mapped,
		    struct list_head *stale)
{
	u64 bits = ss_leaf_bits(prot);
	struct ss_bottom at = {};
	unsigned int i = 0;
	int rc = 0;

	*mapped = 0;
	if (!IS_ALIGNED(iova, PAGE_SIZE) ||
	    !(prot & (IOMMU_READ | IOMMU_WRITE)))
		return -EINVAL;

	while (i < nr && !rc) {
		u64 at_iova = iova + *mapped, pfn, npages, end;

		if (ss_bottom_add(&at, at_iova, runs + i, nr - i, bits)) {
			*mapped += PAGE_SIZE;
			i++;
			continue;
		}
		pfn = map_run_pfn(runs[i]);
		npages = map_run_npages(runs[i]);
		/* One leaf may cross the border of two runs */
		while (++i < nr && map_run_pfn(runs[i]) == pfn + npages)
			npages += map_run_npages(runs[i]);
		if (check_add_overflow(at_iova, npages << PAGE_SHIFT, &end) ||
		    end > BIT_ULL(vtd_ss_bits(ss)) ||
		    pfn + npages > BIT_ULL(52 - PAGE_SHIFT))
			rc = -EINVAL;
		else
			rc = ss_map_run(ss, &at, at_iova, pfn << PAGE_SHIFT,
					npages << PAGE_SHIFT, bits, gfp, mapped,
					stale);
	}
	ss_bottom_clean(ss, &at);
	return rc;
}

/*
 * Replace the leaf in @slot, of @level, by a table of smaller ones that say the
 * same. Until the exchange the unit uses the leaf and may mark it accessed or
 * dirty: then the copy is out of date and made again. Returns what is there in
 * the end, which may be somebody else's split; 0 without memory.
 */
static u64 ss_split(const struct vtd_ss *ss, u64 *slot, unsigned int level,
		    u64 old)
{
	u64 *table = iommu_alloc_page_node(ss->config.nid, GFP_ATOMIC);
	u64 step = BIT_ULL(ss_shift(level - 1));
	u64 entry;

	if (!table)
		return 0;
	entry = virt_to_phys(table) | SS_TABLE;
	while (ss_is_leaf(old, level)) {
		u64 leaf = level == 2 ? old & ~VTD_SS_LARGE : old;
		unsigned int i;

		for (i = 0; i < SS_ENTRIES; i++, leaf += step)
			table[i] = leaf;
		ss_clean(ss, table, SS_ENTRIES);
		if (try_cmpxchg64(slot, &old, entry))
			return entry;
	}
	iommu_free_page(table);
	return old;
}

/* The same, of a bottom table: a tight loop. */
static u64 ss_unmap_bottom(const struct vtd_ss *ss, u64 *table, u64 iova,
			   u64 last)
{
	u64 *slot = table + ss_index(iova, 1);
	unsigned int i, num = ((last - iova) >> ss_shift(1)) + 1;

	for (i = 0; i < num && READ_ONCE(slot[i]); i++)
		WRITE_ONCE(slot[i], 0);
	if (i)
		ss_clean(ss, slot, i);
	return (u64)i << ss_shift(1);
}

/*
 * Take [@iova, @last] out of @table, within which it lies. Returns bytes from
 * @iova on that have no leaf any more.
 */
static u64 ss_unmap_table(const struct vtd_ss *ss, u64 *table,
			  unsigned int level, u64 iova, u64 last,
			  struct list_head *freed)
{
	unsigned int first = ss_index(iova, level), index = first;
	u64 size = BIT_ULL(ss_shift(level)), at = iova;

	if (level == 1)
		return ss_unmap_bottom(ss, table, iova, last);

	for (; at <= last; index++) {
		u64 slot_last = at | (size - 1), part, done;
		u64 *slot = table + index;
		u64 entry = READ_ONCE(*slot);
		bool whole = IS_ALIGNED(at, size) && slot_last <= last;

		if (!entry)
			break;
		if (whole && (ss_is_leaf(entry, level) ||
			      ss_is_full(ss_table(entry), level - 1))) {
			WRITE_ONCE(*slot, 0);
			if (!ss_is_leaf(entry, level))
				ss_collect(ss_table(entry), level - 1, freed);
			at += size;
			continue;
		}
		if (ss_is_leaf(entry, level)) {
			entry = ss_split(ss, slot, level, entry);
			if (!entry)
				break;
		}
		part = min(slot_last, last);
		done = ss_unmap_table(ss, ss_enter(ss, slot, entry), level - 1,
				      at, part, freed);
		at += done;
		if (at <= part)
			break;
	}
	if (index > first)
		ss_clean(ss, table + first, index - first);
	return at - iova;
}

/*
 * The bottom table that all of [@iova, @last] is in, and not all there is in it;
 * NULL if it is not so. Nothing is written back on the way: who mapped here did that.
 */
static u64 *ss_walk_bottom(const struct vtd_ss *ss, u64 iova, u64 last)
{
	u64 size = BIT_ULL(ss_shift(2)), *table = ss->root;
	unsigned int at;

	if ((iova ^ last) >= size || last - iova == size - 1)
		return NULL;
	for (at = ss->config.levels; at > 1; at--) {
		u64 entry = READ_ONCE(table[ss_index(iova, at)]);

		if (!entry || ss_is_leaf(entry, at))
			return NULL;
		table = ss_table(entry);
	}
	return table;
}

/**
 * vtd_ss_unmap() - take leaves out
 * @ss: table
 * @iova: first input address; a multiple of 4 KiB
 * @pgsize: a multiple of 4 KiB; with
 * @pgcount: the size of the range. The leaves in it may be of any size
 * @freed: tables that were taken out, see the header
 *
 * Any context. Stops at the first address without a leaf: what is behind that
 * stays as it is. What the units set dirty in the range is lost.
 *
 * Return: bytes from @iova on that were taken out. 0 for a range that is not
 * aligned or goes beyond the width: nothing was done.
 */
size_t vtd_ss_unmap(struct vtd_ss *ss, u64 iova, size_t pgsize, size_t pgcount,
		    struct list_head *freed)
{
	u64 end, *bottom;
	size_t size;

	if (check_mul_overflow(pgsize, pgcount, &size) || !size ||
	    !IS_ALIGNED(iova | pgsize, BIT_ULL(ss_shift(1))) ||
	    check_add_overflow(iova, size, &end) ||
	    end > BIT_ULL(vtd_ss_bits(ss)))
		return 0;

	bottom = ss_walk_bottom(ss, iova, end - 1);
	if (bottom)
		return ss_unmap_bottom(ss, bottom, iova, end - 1);
	return ss_unmap_table(ss, ss->root, ss->config.levels, iova, end - 1,
			      freed);
}

/**
 * vtd_ss_iova_to_phys() - translate
 * @ss: table
 * @iova: any
 *
 * Any context. Return: the address, offset within the leaf included; 0 if there
 * is no leaf.
 */
phys_addr_t vtd_ss_iova_to_phys(struct vtd_ss *ss, u64 iova)
{
	unsigned int level = ss->config.levels;
	const u64 *table = ss->root;

	if (iova >> vtd_ss_bits(ss))
		return 0;
	for (;; level--) {
		u64 entry = READ_ONCE(table[ss_index(iova, level)]);
		u64 offset = iova & (BIT_ULL(ss_shift(level)) - 1);

		if (!entry)
			return 0;
		if (ss_is_leaf(entry, level))
			return (entry & VTD_SS_ADDR) | offset;
		table = ss_table(entry);
	}
}

/**
 * struct ss_dirty - reading of dirty bits
 * @bitmap: where it goes
 * @clear: bits are cleared
 * @start: of a run of dirty addresses not yet in @bitmap
 * @size: of it; 0 if there is none
 */
struct ss_dirty {
	struct iommu_dirty_bitmap *bitmap;
	bool clear;
	u64 start;
	u64 size;
};

static void ss_dirty_flush(struct ss_dirty *dirty)
{
	if (dirty->size)
		iommu_dirty_bitmap_record(dirty->bitmap, dirty->start,
					  dirty->size);
	dirty->size = 0;
}

static void ss_dirty_add(struct ss_dirty *dirty, u64 start, u64 size)
{
	if (dirty->size && dirty->start + dirty->size == start) {
		dirty->size += size;
		return;
	}
	ss_dirty_flush(dirty);
	dirty->start = start;
	dirty->size = size;
}

/* [@iova, @last] is within @table. */
static void ss_dirty_table(const struct vtd_ss *ss, u64 *table,
			   unsigned int level, u64 iova, u64 last,
			   struct ss_dirty *dirty)
{
	unsigned int first = SS_ENTRIES, end = 0;
	u64 size = BIT_ULL(ss_shift(level));

	while (iova <= last) {
		unsigned int index = ss_index(iova, level);
		u64 slot_last = iova | (size - 1);
		u64 part = min(slot_last, last);
		u64 *slot = table + index;
		u64 entry = READ_ONCE(*slot);
		bool whole = IS_ALIGNED(iova, size) && part == slot_last;

		/* The unit may set bits, another caller may split. */
		while (dirty->clear && whole && entry &&
		       ss_is_leaf(entry, level) && (entry & VTD_SS_DIRTY)) {
			if (!try_cmpxchg64(slot, &entry,
					   entry & ~VTD_SS_DIRTY))
				continue;
			first = min(first, index);
			end = index + 1;
			break;
		}
		if (entry && !ss_is_leaf(entry, level))
			ss_dirty_table(ss, ss_table(entry), level - 1, iova,
				       part, dirty);
		else if (entry & VTD_SS_DIRTY)
			ss_dirty_add(dirty, iova, part - iova + 1);
		iova = part + 1;
	}
	if (first < end)
		ss_clean(ss, table + first, end - first);
}

/**
 * vtd_ss_read_and_clear_dirty() - which addresses were written to
 * @ss: table
 * @iova: first address; a multiple of 4 KiB
 * @size: bytes, a multiple of 4 KiB; what is beyond the width is not looked at
 * @flags: IOMMU_DIRTY_NO_CLEAR or 0
 * @dirty: neighbours are recorded together
 *
 * May sleep if recording does. A leaf that reaches beyond the range is recorded
 * as far as it is in the range, and stays dirty: whoever asks for the rest of it
 * must not miss it. Accessed bits stay.
 *
 * Return: 0.
 */
int vtd_ss_read_and_clear_dirty(struct vtd_ss *ss, u64 iova, size_t size,
				unsigned long flags,
				struct iommu_dirty_bitmap *dirty)
{
	u64 last, max = BIT_ULL(vtd_ss_bits(ss)) - 1;
	struct ss_dirty state = {
		.bitmap = dirty,
		.clear = !(flags & IOMMU_DIRTY_NO_CLEAR),
	};

	if (!size || iova > max)
		return 0;
	if (check_add_overflow(iova, (u64)size - 1, &last))
		last = max;
	ss_dirty_table(ss, ss->root, ss->config.levels, iova, min(last, max),
		       &state);
	ss_dirty_flush(&state);
	return 0;
}
