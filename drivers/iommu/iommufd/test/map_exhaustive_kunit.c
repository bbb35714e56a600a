// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces of six pages: everything that can be mapped, cut, unmapped,
 * allowed and reserved in them, against a look at each page.
 */
#include <linux/sizes.h>

#include "map/iova_space.h"
#include "map_kunit.h"

#define RW (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define BASE 0x1000000UL

/* A range of pages in a space of a few pages. */
struct span {
	unsigned long start;
	unsigned long nr;
};

/* Every span within @n pages, one after the other. */
static bool next_span(struct span *span, unsigned long n)
{
	if (!span->nr) {
		*span = (struct span){ 0, 1 };
		return true;
	}
	if (span->start + ++span->nr <= n)
		return true;
	span->nr = 1;
	return ++span->start < n;
}

static bool span_has(struct span span, unsigned long page)
{
	return page >= span.start && page < span.start + span.nr;
}

static bool overlap(struct span a, struct span b)
{
	return a.nr && b.nr && a.start < b.start + b.nr &&
	       b.start < a.start + a.nr;
}

static bool inside(struct span a, struct span b)
{
	return a.start >= b.start && a.start + a.nr <= b.start + b.nr;
}

enum { N = 6 };

/* Memory that is not there does no harm while nobody asks for it */
static const unsigned long addr = SZ_1M;

static unsigned long iova_of(unsigned long page)
{
	return BASE + page * PAGE_SIZE;
}

static int map_span(struct iova_space *space, struct span span)
{
	unsigned long iova = iova_of(span.start);

	return iova_space_map_user(space, MAP_CHARGE_USER, &iova,
				   (void __user *)addr, span.nr * PAGE_SIZE, RW,
				   0);
}

static int note_mapped(unsigned long iova, unsigned long length, void *opaque)
{
	bool *mapped = opaque;
	unsigned long i;

	for (i = 0; i < length / PAGE_SIZE; i++)
		mapped[(iova - BASE) / PAGE_SIZE + i] = true;
	return 0;
}

/* The areas there are, as spans; nr is 0 where there is none. */
struct map_model {
	struct span areas[3];
};

/* What the model makes of an unmap: an errno, or the number of pages. */
static long model_unmap(struct map_model *model, struct span u)
{
	long npages = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(model->areas); i++)
		if (overlap(model->areas[i], u) && !inside(model->areas[i], u))
			return -ENOENT;
	for (i = 0; i < ARRAY_SIZE(model->areas); i++) {
		if (!overlap(model->areas[i], u))
			continue;
		npages += model->areas[i].nr;
		model->areas[i].nr = 0;
	}
	return npages;
}

/* Split what has the page @cut and goes on after it. */
static void model_cut(struct map_model *model, int cut)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct span *area = &model->areas[i];
		unsigned long head = cut + 1 - area->start;

		if (cut < 0 || !span_has(*area, cut) || head == area->nr)
			continue;
		model->areas[2] = (struct span){ cut + 1, area->nr - head };
		area->nr = head;
	}
}

/* Map two areas, cut after a page, unmap a range, and see what is left. */
static bool map_case(struct span a, struct span b, struct span u, int cut)
{
	unsigned long cut_at = iova_of(cut + 1) - 1;
	struct map_model model = { .areas = { a, b } };
	struct iova_space space;
	unsigned long unmapped;
	bool seen[N] = {};
	long want;
	int rc, page;
	bool ok;

	iova_space_init(&space);
	ok = !map_span(&space, a);
	rc = map_span(&space, b);
	ok = ok && rc == (overlap(a, b) ? -EEXIST : 0);
	if (rc)
		model.areas[1].nr = 0;
	ok = ok && !iova_space_cut(&space, &cut_at, 1);
	model_cut(&model, cut);

	want = model_unmap(&model, u);
	rc = iova_space_unmap(&space, iova_of(u.start), u.nr * PAGE_SIZE,
			      &unmapped);
	ok = ok && rc == min(want, 0L) &&
	     unmapped == max(want, 0L) * PAGE_SIZE;

	iova_space_walk_all(&space, note_mapped, seen);
	for (page = 0; page < N; page++)
		ok = ok && seen[page] == (span_has(model.areas[0], page) ||
					  span_has(model.areas[1], page) ||
					  span_has(model.areas[2], page));
	iova_space_destroy(&space);
	return ok;
}

/* All ways to do that, in either order. */
static void map_exhaustive(struct kunit *test)
{
	struct span a = {}, b, u;

	if (!user_memory_new(test, 1))
		return;

	while (next_span(&a, N)) {
		for (b = (struct span){}; next_span(&b, N);) {
			for (u = (struct span){}; next_span(&u, N);) {
				bool ok = map_case(a, b, u, -1);

				if (span_has(a, 2) || span_has(b, 2))
					ok = ok && map_case(a, b, u, 2);
				KUNIT_ASSERT_TRUE_MSG(test, ok,
						      "map %lu+%lu %lu+%lu unmap %lu+%lu",
						      a.start, a.nr, b.start,
						      b.nr, u.start, u.nr);
			}
		}
	}
}

/* The lowest place for @nr pages in @al beside @ma: aligned if possible. */
static unsigned long model_choose(struct span al, struct span ma,
				  unsigned long nr)
{
	unsigned long align = roundup_pow_of_two(nr);
	unsigned long page;

	for (; align; align = align > 1) {
		for (page = 0; page + nr <= N; page += align) {
			struct span s = { page, nr };

			if (inside(s, al) && !overlap(s, ma))
				return iova_of(page);
		}
	}
	return 0;
}

/* Reserve a range, allow one, map one, and let IOVAs be chosen. */
static bool choose_case(struct span al, struct span re, struct span ma)
{
	struct iova_range allowed = { iova_of(al.start),
				      iova_of(al.start + al.nr) - 1 };
	struct iova_space space;
	unsigned long nr;
	bool ok;
	int rc;

	iova_space_init(&space);
	ok = !iova_space_reserve(&space, iova_of(re.start),
				 iova_of(re.start + re.nr) - 1, &space);
	rc = iova_space_set_allowed(&space, &allowed, 1);
	ok = ok && rc == (overlap(al, re) ? -EADDRINUSE : 0);
	if (rc) {
		iova_space_unreserve(&space, &space);
		re.nr = 0;
		ok = ok && !iova_space_set_allowed(&space, &allowed, 1);
		ok = ok && iova_space_reserve(&space, allowed.last, ULONG_MAX,
					      &space) == -EADDRINUSE;
	}
	rc = map_span(&space, ma);
	ok = ok && rc == (overlap(ma, re) ? -EINVAL : 0);
	if (rc)
		ma.nr = 0;

	for (nr = 1; nr <= 3; nr++) {
		unsigned long want = model_choose(al, ma, nr);
		unsigned long got = 0;

		rc = iova_space_map_user(&space, MAP_CHARGE_USER, &got,
					 (void __user *)addr, nr * PAGE_SIZE,
					 RW, IOVA_SPACE_CHOOSE_IOVA);
		ok = ok && rc == (want ? 0 : -ENOSPC) && got == want;
		if (!rc)
			iova_space_unmap(&space, got, nr * PAGE_SIZE, NULL);
	}
	iova_space_unreserve(&space, &space);
	iova_space_destroy(&space);
	return ok;
}

static void choose_exhaustive(struct kunit *test)
{
	struct span al = {}, re, ma;

	if (!user_memory_new(test, 1))
		return;

	while (next_span(&al, N)) {
		for (re = (struct span){}; next_span(&re, N);) {
			/* Refused: one of these is like the other */
			if (overlap(al, re) && (re.start != al.start ||
						re.nr > 1))
				continue;
			for (ma = (struct span){}; next_span(&ma, N);)
				KUNIT_ASSERT_TRUE_MSG(test,
						      choose_case(al, re, ma),
						      "allowed %lu+%lu reserved %lu+%lu mapped %lu+%lu",
						      al.start, al.nr, re.start,
						      re.nr, ma.start, ma.nr);
		}
	}
}

static unsigned long span_taken(unsigned long start, unsigned long last,
				void *opaque)
{
	const struct span *taken = opaque;

	if (!taken->nr || last < iova_of(taken->start) ||
	    start >= iova_of(taken->start + taken->nr))
		return 0;
	return iova_of(taken->start + taken->nr);
}

/* Allow a range, map one, have two taken, and reserve what nobody has. */
static bool reserve_case(struct span al, struct span ma, struct span re,
			 struct span ta)
{
	struct iova_range allowed = { iova_of(al.start),
				      iova_of(al.start + al.nr) - 1 };
	struct iova_space_want want = {
		.start = iova_of(0),
		.last = iova_of(N) - 1,
		.taken = span_taken,
		.opaque = &ta,
	};
	unsigned long start, page, nr;
	struct iova_space space;
	bool ok = true;
	int rc, owner;

	iova_space_init(&space);
	if (iova_space_reserve(&space, iova_of(re.start),
			       iova_of(re.start + re.nr) - 1, &space) ||
	    map_span(&space, ma))
		ma.nr = 0;
	if (iova_space_set_allowed(&space, &allowed, 1))
		al.nr = 0;
	for (nr = 1; nr <= 3; nr++) {
		struct span s = { 0, nr };

		want.length = nr * PAGE_SIZE;
		want.align = roundup_pow_of_two(want.length);
		for (page = 0; page + nr <= N;
		     page += roundup_pow_of_two(nr)) {
			s.start = page;
			if (!overlap(s, al) && !overlap(s, ma) &&
			    !overlap(s, re) && !overlap(s, ta))
				break;
		}
		start = 0;
		rc = iova_space_reserve_free(&space, &want, &owner, &start);
		ok = ok && rc == (page + nr <= N ? 0 : -ENOSPC);
		if (rc)
			continue;
		ok = ok && start == iova_of(page);
		/* It is, and all of it */
		rc = iova_space_set_allowed(&space, &(struct iova_range){
				start + want.length - 2,
				start + want.length - 1 }, 1);
		ok = ok && rc == -EADDRINUSE;
		iova_space_unreserve(&space, &owner);
	}
	iova_space_unreserve(&space, &space);
	iova_space_destroy(&space);
	return ok;
}

static void reserve_exhaustive(struct kunit *test)
{
	static const struct span taken[] = { {}, { 1, 1 }, { 0, 3 } };
	struct span al = {}, ma, re;
	unsigned int i;

	if (!user_memory_new(test, 1))
		return;

	while (next_span(&al, N)) {
		for (ma = (struct span){}; next_span(&ma, N);) {
			for (re = (struct span){}; next_span(&re, N);) {
				for (i = 0; i < ARRAY_SIZE(taken); i++)
					KUNIT_ASSERT_TRUE_MSG(test,
							      reserve_case(al, ma, re, taken[i]),
							      "allowed %lu+%lu mapped %lu+%lu reserved %lu+%lu taken %lu+%lu",
							      al.start, al.nr,
							      ma.start, ma.nr,
							      re.start, re.nr,
							      taken[i].start,
							      taken[i].nr);
			}
		}
	}
}

static struct kunit_case exhaustive_cases[] = {
	KUNIT_CASE_SLOW(map_exhaustive),
	KUNIT_CASE_SLOW(choose_exhaustive),
	KUNIT_CASE_SLOW(reserve_exhaustive),
	{}
};

static struct kunit_suite exhaustive_suite = {
	.name = "iommufd_map_exhaustive",
	.test_cases = exhaustive_cases,
};

kunit_test_suite(exhaustive_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's address spaces, small cases");
MODULE_LICENSE("GPL");
