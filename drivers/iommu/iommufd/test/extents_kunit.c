// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents and the tree of areas, each beside the slowest thing that could do the
 * same: an array with one entry for each page, and a search IOVA by IOVA.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "map/area.h"

static unsigned long range_rand(struct rnd_state *rnd, unsigned long from,
				unsigned long to)
{
	return from + prandom_u32_state(rnd) % (to - from + 1);
}

/* The slow one: pfn[index], 0 where nothing is stored. */
struct model {
	unsigned long nr;
	unsigned long pfn[];
};

static struct model *model_new(struct kunit *test, unsigned long nr)
{
	struct model *model;

	model = kunit_kzalloc(test, struct_size(model, pfn, nr), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	model->nr = nr;
	return model;
}

/* Each run has to be what the model has, and the longest possible. */
static bool same_in_range(const struct map_extents *ext,
			  const struct model *model, unsigned long first,
			  unsigned long last)
{
	unsigned long index = first;
	struct map_extent_iter iter;

	map_extents_for_each(&iter, ext, first, last) {
		unsigned long i;

		for (; index < iter.index; index++)
			if (model->pfn[index])
				return false;
		if (index != iter.index || !iter.npages)
			return false;
		for (i = 0; i < iter.npages; i++, index++)
			if (index > last || model->pfn[index] != iter.pfn + i)
				return false;
		if (index <= last && model->pfn[index] == iter.pfn + iter.npages)
			return false;
	}
	for (; index <= last; index++)
		if (model->pfn[index])
			return false;
	return true;
}

/* The same by map_extents_take(), @max runs at a time. */
static bool same_taken(const struct map_extents *ext, const struct model *model,
		       unsigned long first, unsigned long last,
		       unsigned int max)
{
	unsigned long index = first;
	struct map_extent_iter iter;
	unsigned int nr, i;
	u64 runs[4];

	map_extents_seek(&iter, ext, first, last);
	while ((nr = map_extents_take(&iter, runs, max))) {
		while (index <= last && !model->pfn[index])
			index++;
		for (i = 0; i < nr; i++) {
			unsigned long k, n = map_run_npages(runs[i]);

			for (k = 0; k < n; k++, index++)
				if (index > last ||
				    model->pfn[index] != map_run_pfn(runs[i]) + k)
					return false;
			/* The longest possible, but where there was no room */
			if (i + 1 < nr &&
			    map_run_pfn(runs[i + 1]) == map_run_pfn(runs[i]) + n)
				return false;
		}
	}
	for (; index <= last; index++)
		if (model->pfn[index])
			return false;
	return true;
}

static bool same(const struct map_extents *ext, const struct model *model)
{
	unsigned long npages = 0;
	unsigned long i;

	for (i = 1; i <= 4; i++)
		if (!same_taken(ext, model, 0, model->nr - 1, i) ||
		    !same_taken(ext, model, model->nr / 3, model->nr / 2, i))
			return false;

	for (i = 0; i < model->nr; i++)
		npages += !!model->pfn[i];
	return npages == ext->npages &&
	       same_in_range(ext, model, 0, model->nr - 1);
}

static void model_remove(struct model *model, unsigned long first,
			 unsigned long last)
{
	memset(&model->pfn[first], 0,
	       (last - first + 1) * sizeof(model->pfn[0]));
}

/*
 * Bit i of @pattern: page i + 1 follows page i in memory. @base makes the PFNs
 * need more than 32 bits or not.
 */
static unsigned int make_runs(unsigned long pattern, unsigned int nr,
			      unsigned long base, u64 *runs,
			      unsigned long *pfns)
{
	unsigned long pfn = base;
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		bool follows = i && (pattern & BIT(i - 1));

		if (!follows)
			pfn += 7;
		pfns[i] = pfn;
		if (follows)
			runs[n - 1] += 1;
		else
			runs[n++] = map_run_pack(pfn, 1);
		pfn++;
	}
	return n;
}

enum { SMALL = 7 };

/* Store, remove a range, and store something else there. */
static bool remove_case(struct model *model, unsigned long pattern,
			unsigned long base, unsigned long first,
			unsigned long last)
{
	struct map_extents ext;
	u64 runs[SMALL];
	unsigned int nr;
	bool ok;

	map_extents_init(&ext);
	model_remove(model, 0, SMALL + 1);
	nr = make_runs(pattern, SMALL, base, runs, &model->pfn[1]);
	ok = !map_extents_add(&ext, 1, runs, nr) && same(&ext, model);

	map_extents_remove(&ext, first, last);
	model_remove(model, first, last);
	ok = ok && same(&ext, model);

	if (first && last <= SMALL) {
		nr = make_runs(~pattern, last - first + 1, 0x8000, runs,
			       &model->pfn[first]);
		ok = ok && !map_extents_add(&ext, first, runs, nr) &&
		     same(&ext, model);
	}
	map_extents_remove(&ext, 0, SMALL + 1);
	return ok && !ext.npages && RB_EMPTY_ROOT(&ext.chunks);
}

/* Every way seven pages can lie in memory, and every range removed from each. */
static void extents_exhaustive(struct kunit *test)
{
	struct model *model = model_new(test, SMALL + 2);
	unsigned long pattern, first, last;

	for (pattern = 0; pattern < BIT(SMALL - 1); pattern++) {
		for (first = 0; first < SMALL + 2; first++) {
			for (last = first; last < SMALL + 2; last++) {
				bool ok = remove_case(model, pattern, 0x100,
						      first, last) &&
					  remove_case(model, pattern,
						      0x1ffffffffUL, first,
						      last);

				KUNIT_ASSERT_TRUE_MSG(test, ok,
						      "pattern %lx remove %lu..%lu",
						      pattern, first, last);
			}
		}
	}
}

static unsigned long count_free(const struct model *model, unsigned long index)
{
	unsigned long nr = 0;

	while (index + nr < model->nr && !model->pfn[index + nr])
		nr++;
	return nr;
}

/* Fill part of a hole, with anything from single pages to long runs. */
static void random_add(struct kunit *test, struct rnd_state *rnd,
		       struct map_extents *ext, struct model *model, u64 *runs)
{
	static const unsigned long longest[] = { 1, 2, 3, 40, 2000 };
	unsigned long kind = longest[prandom_u32_state(rnd) % 5];
	unsigned long index = range_rand(rnd, 0, model->nr - 1);
	unsigned long room = count_free(model, index);
	unsigned long at = index;
	unsigned int nr = 0;

	if (!room)
		return;
	room = range_rand(rnd, 1, room);
	/* Sometimes go on where memory went on before */
	while (room) {
		unsigned long n = min(room, range_rand(rnd, 1, kind));
		unsigned long pfn = range_rand(rnd, 1, 1UL << 30);
		unsigned long i;

		if (at && model->pfn[at - 1] && !(prandom_u32_state(rnd) % 3))
			pfn = model->pfn[at - 1] + 1;
		if (!(prandom_u32_state(rnd) % 500))
			pfn += 1UL << 40;
		runs[nr++] = map_run_pack(pfn, n);
		for (i = 0; i < n; i++)
			model->pfn[at++] = pfn + i;
		room -= n;
	}
	KUNIT_ASSERT_EQ(test, 0, map_extents_add(ext, index, runs, nr));
}

/* Large enough that chunks of both kinds get full, split and shortened. */
static void extents_random(struct kunit *test)
{
	enum { NR = 6000, STEPS = 400 };
	struct model *model = model_new(test, NR);
	struct map_extents ext;
	struct rnd_state rnd;
	u64 seed;
	u64 *runs;
	int step;

	runs = kunit_kmalloc_array(test, NR, sizeof(*runs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, runs);
	for (seed = 1; seed <= 4; seed++) {
		prandom_seed_state(&rnd, seed);
		map_extents_init(&ext);
		model_remove(model, 0, NR - 1);
		for (step = 0; step < STEPS; step++) {
			unsigned long first = range_rand(&rnd, 0, NR - 1);
			unsigned long last = range_rand(&rnd, first, NR - 1);

			if (prandom_u32_state(&rnd) % 2) {
				random_add(test, &rnd, &ext, model, runs);
			} else {
				last = min(last, first + 700);
				map_extents_remove(&ext, first, last);
				model_remove(model, first, last);
			}
			KUNIT_ASSERT_TRUE_MSG(test,
					      same(&ext, model) &&
					      same_in_range(&ext, model, first,
							    last),
					      "seed %llu step %d", seed, step);
		}
		map_extents_remove(&ext, 0, NR - 1);
		KUNIT_ASSERT_EQ(test, 0, ext.npages);
	}
}

static size_t extents_bytes(const struct map_extents *ext)
{
	struct rb_node *node;
	size_t bytes = 0;

	for (node = rb_first(&ext->chunks); node; node = rb_next(node)) {
		struct map_chunk *chunk = rb_entry(node, struct map_chunk,
						   node);

		if (chunk != &ext->single)
			bytes += kmalloc_size_roundup(sizeof(*chunk) +
				chunk->nr * (chunk->dense ? 4 : 8));
	}
	return bytes;
}

/* Pages that are pinned in one step */
enum { BATCH = 8192 };

/* Fill 1 GiB with runs of @npages pages; how many bytes does it take? */
static size_t bytes_per_gib(struct kunit *test, unsigned long npages)
{
	const unsigned long total = SZ_1G / SZ_4K;
	const unsigned int max = MAP_CHUNK_MAX_DENSE;
	unsigned long index = 0, pfn = 0x100000;
	struct map_extents ext;
	size_t bytes;
	u64 *runs;

	runs = kunit_kmalloc_array(test, max, sizeof(*runs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, runs);
	map_extents_init(&ext);
	while (index < total) {
		unsigned int nr = min(total / npages - index / npages, max);
		unsigned int i;

		/* Pinning folds what is consecutive: a batch is one run */
		if (npages == BATCH)
			nr = 1;

		for (i = 0; i < nr; i++) {
			runs[i] = map_run_pack(pfn, npages);
			/* Always a hole, unless it is all one run */
			pfn += npages + (npages != BATCH);
		}
		KUNIT_ASSERT_EQ(test, 0, map_extents_add(&ext, index, runs,
							 nr));
		index += nr * npages;
	}
	bytes = extents_bytes(&ext);
	map_extents_remove(&ext, 0, total - 1);
	KUNIT_EXPECT_EQ(test, 0, ext.npages);
	kunit_kfree(test, runs);
	return bytes;
}

/* What may be kept for each mapped GiB is a promise. */
static void extents_memory(struct kunit *test)
{
	size_t scattered = bytes_per_gib(test, 1);
	size_t contiguous = bytes_per_gib(test, BATCH);

	kunit_info(test, "bytes per GiB: %zu scattered, %zu in pairs, %zu in runs of 2 MiB, %zu contiguous\n",
		   scattered, bytes_per_gib(test, 2), bytes_per_gib(test, 512),
		   contiguous);
	KUNIT_EXPECT_LE(test, scattered, (size_t)SZ_2M);
	KUNIT_EXPECT_LE(test, contiguous, (size_t)SZ_4K);
	/* One run costs nothing: a one-page mapping has no extra allocation */
	KUNIT_EXPECT_EQ(test, 0, contiguous);
}

enum { TREE_IOVAS = 96 };

static bool tree_search(const bool *used, const struct iova_request *req,
			unsigned long *iova)
{
	unsigned long start, i;

	for (start = req->start; start <= req->last; start++) {
		if ((start & (req->align - 1)) != req->phase)
			continue;
		if (req->last - start < req->length - 1)
			return false;
		for (i = 0; i < req->length; i++)
			if (start + i < TREE_IOVAS && used[start + i])
				break;
		if (i == req->length) {
			*iova = start;
			return true;
		}
	}
	return false;
}

static bool tree_is_sound(struct rb_node *node)
{
	struct iova_area *area = rb_entry_safe(node, struct iova_area, node);
	struct rb_node *prev;
	unsigned long below, max_gap;

	if (!area)
		return true;
	prev = rb_prev(node);
	below = prev ? rb_entry(prev, struct iova_area, node)->last + 1 : 0;
	max_gap = area->gap;
	if (node->rb_left)
		max_gap = max(max_gap, rb_entry(node->rb_left, struct iova_area,
						node)->max_gap);
	if (node->rb_right)
		max_gap = max(max_gap, rb_entry(node->rb_right,
						struct iova_area,
						node)->max_gap);
	return area->gap == area->iova - below && area->max_gap == max_gap &&
	       tree_is_sound(node->rb_left) && tree_is_sound(node->rb_right);
}

/* Areas come and go; after each step all kinds of gaps are asked for. */
static void area_tree(struct kunit *test)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct iova_area *at[TREE_IOVAS] = {};
	bool used[TREE_IOVAS] = {};
	struct rnd_state rnd;
	int step, ask;

	prandom_seed_state(&rnd, 7);
	for (step = 0; step < 3000; step++) {
		unsigned long iova = range_rand(&rnd, 0, TREE_IOVAS - 1);
		unsigned long n = range_rand(&rnd, 1, 6);
		unsigned long last = min(iova + n - 1, TREE_IOVAS - 1UL);
		struct iova_area *area = iova_area_first(&root, iova, last);
		unsigned long i;

		for (i = iova; i <= last && !used[i]; i++)
			;
		KUNIT_ASSERT_PTR_EQ(test, area, i <= last ? at[i] : NULL);
		if (area) {
			iova_area_erase(&root, area);
			for (i = area->iova; i <= area->last; i++) {
				at[i] = NULL;
				used[i] = false;
			}
			kfree(area);
		} else {
			area = kzalloc(sizeof(*area), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, area);
			iova_area_place(area, iova, last - iova + 1);
			iova_area_insert(&root, area);
			for (i = iova; i <= last; i++) {
				at[i] = area;
				used[i] = true;
			}
		}
		KUNIT_ASSERT_TRUE_MSG(test, tree_is_sound(root.rb_root.rb_node),
				      "step %d", step);

		for (ask = 0; ask < 20; ask++) {
			struct iova_request req;
			unsigned long got = 0, want = 0;
			bool found;

			req.start = range_rand(&rnd, 0, TREE_IOVAS + 3);
			req.last = range_rand(&rnd, req.start, TREE_IOVAS + 8);
			req.length = range_rand(&rnd, 1, 9);
			req.align = 1UL << range_rand(&rnd, 0, 3);
			req.phase = range_rand(&rnd, 0, req.align - 1);
			found = iova_area_find_gap(&root, &req, &got);
			KUNIT_ASSERT_EQ_MSG(test, found,
					    tree_search(used, &req, &want),
					    "step %d", step);
			KUNIT_ASSERT_EQ_MSG(test, got, want, "step %d", step);
		}
	}
	while (root.rb_root.rb_node) {
		struct iova_area *area = rb_entry(root.rb_root.rb_node,
						  struct iova_area, node);

		iova_area_erase(&root, area);
		kfree(area);
	}
}

static struct kunit_case extents_cases[] = {
	KUNIT_CASE_SLOW(extents_exhaustive),
	KUNIT_CASE_SLOW(extents_random),
	KUNIT_CASE(extents_memory),
	KUNIT_CASE_SLOW(area_tree),
	{}
};

static struct kunit_suite extents_suite = {
	.name = "iommufd_map_extents",
	.test_cases = extents_cases,
};

kunit_test_suite(extents_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's extents");
MODULE_LICENSE("GPL");
