// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents: page index to PFN, as runs, in chunks of at most 4 KiB.
 *
 * A chunk covers indexes without a gap and is found by its first one, so a look
 * up is a tree walk and then a walk over at most MAP_CHUNK_MAX_RUNS entries. A
 * chunk is as large as what it was made for and is never grown; only its last
 * run may get longer. Locking is the caller's.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "extents.h"
#include "../failpoint.h"

static u64 *chunk_runs(const struct map_chunk *chunk)
{
	return chunk->data;
}

static u32 *chunk_pfns(const struct map_chunk *chunk)
{
	return chunk->data;
}

static unsigned long chunk_last(const struct map_chunk *chunk)
{
	return chunk->first + chunk->npages - 1;
}

static unsigned long slot_pfn(const struct map_chunk *chunk, u32 slot)
{
	return chunk->dense ? chunk_pfns(chunk)[slot] :
			      map_run_pfn(chunk_runs(chunk)[slot]);
}

static unsigned long slot_npages(const struct map_chunk *chunk, u32 slot)
{
	return chunk->dense ? 1 : map_run_npages(chunk_runs(chunk)[slot]);
}

static struct map_chunk *chunk_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct map_chunk, node);
}

/* The chunk that has @index, else the first one after it. */
static struct map_chunk *chunk_find(const struct map_extents *ext,
				    unsigned long index)
{
	struct rb_node *node = ext->chunks.rb_node;
	struct map_chunk *found = NULL;

	while (node) {
		struct map_chunk *chunk = chunk_of(node);

		if (chunk_last(chunk) >= index) {
			found = chunk;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static void chunk_insert(struct map_extents *ext, struct map_chunk *new)
{
	struct rb_node **link = &ext->chunks.rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		if (new->first < chunk_of(parent)->first)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &ext->chunks);
	WRITE_ONCE(ext->npages, ext->npages + new->npages);
}

static void chunk_free(struct map_extents *ext, struct map_chunk *chunk)
{
	if (chunk == &ext->single)
		chunk->npages = 0;
	else
		kfree(chunk);
}

static struct map_chunk *chunk_alloc(u32 nr, bool dense, gfp_t gfp)
{
	struct map_chunk *chunk;

	chunk = kmalloc(sizeof(*chunk) +
			nr * (dense ? sizeof(u32) : sizeof(u64)), gfp);
	if (!chunk)
		return NULL;
	chunk->data = chunk + 1;
	chunk->nr = nr;
	chunk->dense = dense;
	return chunk;
}

/**
 * struct run_source - the runs that are still to be stored
 * @runs: the next one first
 * @nr: how many
 * @skip: pages of the first one that have been stored already
 */
struct run_source {
	const u64 *runs;
	unsigned int nr;
	unsigned long skip;
};

static void source_advance(struct run_source *src, unsigned long npages)
{
	src->skip += npages;
	if (src->skip == map_run_npages(*src->runs)) {
		src->runs++;
		src->nr--;
		src->skip = 0;
	}
}

/*
 * How many of the next pages are worth a dense chunk; 0 if runs are smaller.
 * The comparison is made over as many runs as one chunk of runs would take.
 */
static u32 source_dense_pages(const struct run_source *src)
{
	unsigned int nr = min_t(unsigned int, src->nr, MAP_CHUNK_MAX_RUNS);
	unsigned long npages = 0;
	unsigned int i;

	/* One page each is the least they can be, and one run is always less */
	if (nr < 2)
		return 0;
	for (i = 0; i < nr; i++) {
		u64 run = src->runs[i];

		npages += map_run_npages(run) - (i ? 0 : src->skip);
		if (npages * sizeof(u32) > nr * sizeof(u64))
			return 0;
		if (map_run_pfn(run) + map_run_npages(run) - 1 > U32_MAX)
			return 0;
	}
	/* All of these fit; take more single pages as long as there is room */
	for (; i < src->nr && npages < MAP_CHUNK_MAX_DENSE; i++) {
		u64 run = src->runs[i];

		if (map_run_npages(run) > 1 || map_run_pfn(run) > U32_MAX)
			break;
		npages++;
	}
	return npages;
}

static struct map_chunk *chunk_build_dense(struct run_source *src, u32 npages)
{
	struct map_chunk *chunk;
	u32 i;

	chunk = chunk_alloc(npages, true, GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	for (i = 0; i < npages; i++) {
		chunk_pfns(chunk)[i] = map_run_pfn(*src->runs) + src->skip;
		source_advance(src, 1);
	}
	chunk->npages = npages;
	return chunk;
}

static struct map_chunk *chunk_build_runs(struct map_extents *ext,
					  struct run_source *src)
{
	u32 nr = min_t(unsigned int, src->nr, MAP_CHUNK_MAX_RUNS);
	struct map_chunk *chunk;
	u32 i;

	if (nr == 1 && !ext->single.npages) {
		chunk = &ext->single;
		chunk->data = &ext->single_run;
		chunk->nr = 1;
		chunk->dense = false;
	} else {
		chunk = chunk_alloc(nr, false, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return NULL;
	}

	chunk->npages = 0;
	for (i = 0; i < nr; i++) {
		unsigned long npages = map_run_npages(*src->runs) - src->skip;

		chunk_runs(chunk)[i] =
			map_run_pack(map_run_pfn(*src->runs) + src->skip,
				     npages);
		chunk->npages += npages;
		source_advance(src, npages);
	}
	return chunk;
}

/* Let the last run before @index grow by what follows it in memory. */
static unsigned long extend_last_run(struct map_extents *ext,
				     unsigned long index,
				     struct run_source *src)
{
	unsigned long pfn, npages, more;
	struct map_chunk *chunk;
	u64 *run;

	if (!index)
		return 0;
	chunk = chunk_find(ext, index - 1);
	if (!chunk || chunk->first >= index || chunk->dense)
		return 0;

	run = &chunk_runs(chunk)[chunk->nr - 1];
	pfn = map_run_pfn(*run);
	npages = map_run_npages(*run);
	more = min(map_run_npages(*src->runs), MAP_RUN_MAX_PAGES - npages);
	if (!more || pfn + npages != map_run_pfn(*src->runs))
		return 0;

	*run = map_run_pack(pfn, npages + more);
	chunk->npages += more;
	WRITE_ONCE(ext->npages, ext->npages + more);
	source_advance(src, more);
	return more;
}

/* All there is, in one run: no look at what is there, no allocation. */
static void add_single(struct map_extents *ext, unsigned long index, u64 run)
{
	struct map_chunk *chunk = &ext->single;

	ext->single_run = run;
	chunk->data = &ext->single_run;
	chunk->nr = 1;
	chunk->dense = false;
	chunk->first = index;
	chunk->npages = map_run_npages(run);
	rb_link_node(&chunk->node, NULL, &ext->chunks.rb_node);
	rb_insert_color(&chunk->node, &ext->chunks);
	WRITE_ONCE(ext->npages, ext->npages + chunk->npages);
}

/**
 * map_extents_add() - store runs from an index on
 * @ext: where to
 * @index: of the first page of the first run; nothing may be stored yet for any
 *	of the indexes that the runs cover
 * @runs: packed runs, at least one
 * @nr: their number
 *
 * Return: 0, or -ENOMEM and nothing has been stored.
 */
int map_extents_add(struct map_extents *ext, unsigned long index,
		    const u64 *runs, unsigned int nr)
{
	struct run_source src = { .runs = runs, .nr = nr };
	unsigned long next = index;

	if (iommufd_should_fail())
		return -ENOMEM;

	if (nr == 1 && RB_EMPTY_ROOT(&ext->chunks)) {
		add_single(ext, index, *runs);
		return 0;
	}
	next += extend_last_run(ext, index, &src);
	while (src.nr) {
		u32 dense = source_dense_pages(&src);
		struct map_chunk *chunk;

		if (dense)
			chunk = chunk_build_dense(&src, dense);
		else
			chunk = chunk_build_runs(ext, &src);
		if (!chunk) {
			if (next != index)
				map_extents_remove(ext, index, next - 1);
			return -ENOMEM;
		}
		chunk->first = next;
		chunk_insert(ext, chunk);
		next += chunk->npages;
	}
	return 0;
}

/* Find the entry that has the page @skip pages into the chunk. */
static u32 chunk_slot(const struct map_chunk *chunk, unsigned long *skip)
{
	u32 slot = 0;

	if (chunk->dense) {
		slot = *skip;
		*skip = 0;
		return slot;
	}
	while (*skip >= map_run_npages(chunk_runs(chunk)[slot]))
		*skip -= map_run_npages(chunk_runs(chunk)[slot++]);
	return slot;
}

/* The order of the tree is kept: there is no other chunk in what goes. */
static void chunk_drop_head(struct map_chunk *chunk, unsigned long npages)
{
	unsigned long skip = npages;
	u32 slot = chunk_slot(chunk, &skip);

	chunk->nr -= slot;
	chunk->first += npages;
	chunk->npages -= npages;
	if (chunk->dense) {
		chunk->data = chunk_pfns(chunk) + slot;
	} else {
		u64 *run = &chunk_runs(chunk)[slot];

		*run = map_run_pack(map_run_pfn(*run) + skip,
				    map_run_npages(*run) - skip);
		chunk->data = run;
	}
}

static void chunk_keep_head(struct map_chunk *chunk, unsigned long npages)
{
	unsigned long skip = npages - 1;
	u32 slot = chunk_slot(chunk, &skip);

	chunk->nr = slot + 1;
	chunk->npages = npages;
	if (!chunk->dense) {
		u64 *run = &chunk_runs(chunk)[slot];

		*run = map_run_pack(map_run_pfn(*run), skip + 1);
	}
}

/* A chunk of its own for what @chunk has from the page @npages into it. */
static struct map_chunk *chunk_copy_tail(const struct map_chunk *chunk,
					 unsigned long npages)
{
	unsigned long skip = npages;
	u32 slot = chunk_slot(chunk, &skip);
	struct map_chunk *tail;

	/*
	 * Giving memory back has to work, and this is the only allocation on
	 * that way: at most a page, and only for a hole in the middle of what
	 * several areas share.
	 */
	tail = chunk_alloc(chunk->nr - slot, chunk->dense,
			   GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	tail->first = chunk->first + npages;
	tail->npages = chunk->npages - npages;
	if (chunk->dense) {
		memcpy(tail->data, chunk_pfns(chunk) + slot,
		       tail->nr * sizeof(u32));
	} else {
		u64 *run = tail->data;

		memcpy(run, chunk_runs(chunk) + slot, tail->nr * sizeof(u64));
		*run = map_run_pack(map_run_pfn(*run) + skip,
				    map_run_npages(*run) - skip);
	}
	return tail;
}

/**
 * map_extents_remove() - forget a range of indexes
 * @ext: where from
 * @first: first index
 * @last: last index; what is not stored in between is left out
 *
 * Cannot fail, but may sleep.
 */
void map_extents_remove(struct map_extents *ext, unsigned long first,
			unsigned long last)
{
	struct map_chunk *chunk = chunk_find(ext, first);

	while (chunk && chunk->first <= last) {
		unsigned long start = max(first, chunk->first);
		unsigned long end = min(last, chunk_last(chunk));
		struct map_chunk *next = NULL;
		unsigned long head = start - chunk->first;
		unsigned long tail = chunk_last(chunk) - end;

		if (end < last)
			next = chunk_of(rb_next(&chunk->node));
		WRITE_ONCE(ext->npages, ext->npages - (end - start + 1));
		if (!head && !tail) {
			rb_erase(&chunk->node, &ext->chunks);
			chunk_free(ext, chunk);
		} else if (!head) {
			chunk_drop_head(chunk, end - start + 1);
		} else {
			struct map_chunk *new = NULL;

			if (tail)
				new = chunk_copy_tail(chunk, end + 1 -
							     chunk->first);
			chunk_keep_head(chunk, head);
			if (new) {
				WRITE_ONCE(ext->npages,
					   ext->npages - new->npages);
				chunk_insert(ext, new);
			}
		}
		chunk = next;
	}
}

/**
 * map_extents_seek() - prepare to iterate
 * @iter: to be filled in; map_extents_next() gives the first run
 * @ext: where from; must not change until the iteration is over
 * @first: first index of interest
 * @last: last index of interest
 */
void map_extents_seek(struct map_extent_iter *iter,
		      const struct map_extents *ext, unsigned long first,
		      unsigned long last)
{
	iter->chunk = chunk_find(ext, first);
	iter->last = last;
	if (!iter->chunk)
		return;
	iter->cur = max(first, iter->chunk->first);
	if (iter->cur == iter->chunk->first) {
		iter->slot = 0;
		iter->slot_index = iter->cur;
	} else {
		unsigned long skip = iter->cur - iter->chunk->first;

		iter->slot = chunk_slot(iter->chunk, &skip);
		iter->slot_index = iter->cur - skip;
	}
}

/* Past the current entry, to the next one or to the next chunk. */
static void iter_step(struct map_extent_iter *iter)
{
	iter->slot_index += slot_npages(iter->chunk, iter->slot);
	iter->cur = iter->slot_index;
	if (++iter->slot < iter->chunk->nr)
		return;
	iter->chunk = chunk_of(rb_next(&iter->chunk->node));
	iter->slot = 0;
	if (iter->chunk) {
		iter->slot_index = iter->chunk->first;
		iter->cur = iter->slot_index;
	}
}

/**
 * map_extents_next() - the next run
 * @iter: position
 *
 * Return: false if there is none; else @index, @pfn and @npages are filled in.
 */
bool map_extents_next(struct map_extent_iter *iter)
{
	unsigned long next;

	if (!iter->chunk || iter->cur > iter->last)
		return false;

	iter->index = iter->cur;
	iter->pfn = slot_pfn(iter->chunk, iter->slot) +
		    (iter->cur - iter->slot_index);
	next = iter->slot_index + slot_npages(iter->chunk, iter->slot);
	iter_step(iter);

	/* Runs are cut by the format and by chunks, not only by memory */
	while (iter->chunk && next <= iter->last && iter->cur == next &&
	       slot_pfn(iter->chunk, iter->slot) ==
		       iter->pfn + (next - iter->index)) {
		next += slot_npages(iter->chunk, iter->slot);
		iter_step(iter);
	}
	iter->npages = min(next - 1, iter->last) - iter->index + 1;
	return true;
}

/* Single pages: one more entry, or one more page of the run before. */
static unsigned int take_dense(struct map_extent_iter *iter, u64 *runs,
			       unsigned int nr, unsigned int max)
{
	const u32 *pfns = chunk_pfns(iter->chunk) + iter->slot;
	unsigned long left = min(iter->last - iter->cur + 1,
				 (unsigned long)iter->chunk->nr - iter->slot);
	unsigned long i, pages = nr ? map_run_npages(runs[nr - 1]) : 0;
	unsigned long next = nr ? map_run_pfn(runs[nr - 1]) + pages : 0;

	for (i = 0; i < left; i++) {
		unsigned long pfn = pfns[i];

		if (pages && pfn == next && pages < MAP_RUN_MAX_PAGES) {
			/* The count is in the low bits */
			runs[nr - 1]++;
			pages++;
		} else {
			if (nr == max)
				break;
			runs[nr++] = map_run_pack(pfn, 1);
			pages = 1;
		}
		next = pfn + 1;
	}
	iter->slot += i;
	iter->slot_index += i;
	iter->cur += i;
	return nr;
}

static unsigned int take_runs(struct map_extent_iter *iter, u64 *runs,
			      unsigned int nr, unsigned int max)
{
	while (iter->slot < iter->chunk->nr && iter->cur <= iter->last) {
		u64 run = chunk_runs(iter->chunk)[iter->slot];
		unsigned long skip = iter->cur - iter->slot_index;
		unsigned long whole = map_run_npages(run);
		unsigned long pfn = map_run_pfn(run) + skip;
		unsigned long npages = min(whole - skip,
					   iter->last - iter->cur + 1);
		unsigned long have = nr ? map_run_npages(runs[nr - 1]) : 0;

		if (have && map_run_pfn(runs[nr - 1]) + have == pfn &&
		    have + npages <= MAP_RUN_MAX_PAGES) {
			runs[nr - 1] += npages;
		} else {
			if (nr == max)
				break;
			runs[nr++] = map_run_pack(pfn, npages);
		}
		iter->cur += npages;
		if (skip + npages == whole) {
			iter->slot++;
			iter->slot_index = iter->cur;
		}
	}
	return nr;
}

/**
 * map_extents_take() - the next runs, many at once
 * @iter: position; not to be mixed with map_extents_next()
 * @runs: filled with packed runs, each directly behind the one before: the range
 *	asked for has no holes
 * @max: room in @runs, at least 1
 *
 * What map_extents_next() would return, but that a run has at most
 * MAP_RUN_MAX_PAGES: what is longer is several.
 *
 * Return: how many; 0 at the end.
 */
unsigned int map_extents_take(struct map_extent_iter *iter, u64 *runs,
			      unsigned int max)
{
	unsigned int nr = 0;

	/* Most mappings that are made one by one are one page */
	if (iter->chunk && iter->chunk->npages == 1 && iter->cur == iter->last) {
		runs[0] = map_run_pack(slot_pfn(iter->chunk, 0), 1);
		iter->chunk = NULL;
		return 1;
	}
	while (iter->chunk && iter->cur <= iter->last) {
		if (iter->chunk->dense)
			nr = take_dense(iter, runs, nr, max);
		else
			nr = take_runs(iter, runs, nr, max);
		/* Full, or at the end of the range */
		if (iter->slot < iter->chunk->nr)
			break;
		iter->chunk = iter->cur <= iter->last ?
				      chunk_of(rb_next(&iter->chunk->node)) :
				      NULL;
		if (!iter->chunk)
			break;
		iter->slot = 0;
		iter->slot_index = iter->chunk->first;
		if (iter->slot_index != iter->cur) {
			/* A hole: runs from here on are the next call's */
			iter->cur = iter->slot_index;
			if (nr)
				break;
		}
	}
	return nr;
}
