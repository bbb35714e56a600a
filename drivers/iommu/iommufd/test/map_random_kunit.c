// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random sequences of everything a space can do, each step compared with a naive
 * model: an array that says for each half page of IOVA what it means. Page
 * tables, pin counts and charges have to be what the model says after each step.
 */
#include <linux/file.h>
#include <linux/iommufd.h>
#include <linux/prandom.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>

#include "map/iova_space.h"
#include "map/move.h"
#include "map/pages.h"
#include "map_kunit.h"

/* IOVAs and memory are counted in half pages: the granule of one page table */
#define UNIT (PAGE_SIZE / 2)
#define BASE 0x1000000UL
#define UNITS 48
#define PAGES 20
#define MAX_PINS 8
#define STEPS 700

enum { RO = IOMMU_READ | IOMMU_CACHE, RW = RO | IOMMU_WRITE };

/**
 * struct m_area - what the model knows of an area
 * @start: first unit of IOVA
 * @nr: units; 0: not in use
 * @mem: first unit of memory
 * @object: which map_user() made the memory known, 0 is none
 * @write: may be written
 */
struct m_area {
	int start;
	int nr;
	int mem;
	int object;
	bool write;
};

struct m_pin {
	int start;
	int nr;
};

/**
 * struct ctx - the space and its model
 * @test: where a difference is reported
 * @rnd: what is done next
 * @space: the real thing
 * @user: an in-kernel user; has what @pins says, and lets go when asked
 * @soft: page tables of two granules
 * @mem: all memory that is ever mapped
 * @file: whose memory that is, with @mem->addr the offset; NULL: the process's
 * @before: charges when the test began
 * @areas: in no order
 * @writable: by object: the memory was mapped for writing
 * @seen: by object: scratch
 * @objects: objects made so far
 * @pins: nr is 0 where not in use
 * @attached: by page table
 * @small: large pages are off
 * @mark: of the last count
 */
struct ctx {
	struct kunit *test;
	struct rnd_state rnd;
	struct iova_space space;
	struct iova_space_user user;
	struct soft_domain *soft[2];
	struct user_memory *mem;
	struct file *file;
	struct charges before;
	struct m_area areas[UNITS];
	bool writable[STEPS + 1];
	bool seen[STEPS + 1];
	int objects;
	struct m_pin pins[MAX_PINS];
	bool attached[2];
	bool small;
	u64 mark;
};

static int rand_to(struct ctx *ctx, int last)
{
	return prandom_u32_state(&ctx->rnd) % (last + 1);
}

static unsigned long iova_of(int unit)
{
	return BASE + unit * UNIT;
}

static bool touch(int start, int nr, int start2, int nr2)
{
	return nr && nr2 && start < start2 + nr2 && start2 < start + nr;
}

static struct m_area *m_find(struct ctx *ctx, int unit)
{
	int i;

	for (i = 0; i < UNITS; i++)
		if (touch(ctx->areas[i].start, ctx->areas[i].nr, unit, 1))
			return &ctx->areas[i];
	return NULL;
}

static bool m_used(struct ctx *ctx, int start, int nr)
{
	int i;

	for (i = 0; i < UNITS; i++)
		if (touch(ctx->areas[i].start, ctx->areas[i].nr, start, nr))
			return true;
	return false;
}

static unsigned int m_areas(struct ctx *ctx)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < UNITS; i++)
		nr += !!ctx->areas[i].nr;
	return nr;
}

static struct m_area *m_new(struct ctx *ctx)
{
	int i;

	for (i = 0; i < UNITS; i++)
		if (!ctx->areas[i].nr)
			return &ctx->areas[i];
	return NULL;
}

static bool m_pinned(struct ctx *ctx, const struct m_area *area)
{
	int i;

	for (i = 0; i < MAX_PINS; i++)
		if (touch(ctx->pins[i].start, ctx->pins[i].nr, area->start,
			  area->nr))
			return true;
	return false;
}

/* In units; half a page is as fine as we look */
static int m_alignment(struct ctx *ctx)
{
	return ctx->attached[1] || ctx->small ? 2 : 1;
}

static bool m_filled(struct ctx *ctx)
{
	return ctx->attached[0] || ctx->attached[1];
}

/* Does a page table or a pin need this page of memory, through this object? */
static bool m_needs(struct ctx *ctx, int object, int page)
{
	int i, p;

	for (i = 0; i < UNITS; i++) {
		struct m_area *area = &ctx->areas[i];

		if (!area->nr || area->object != object)
			continue;
		if (m_filled(ctx) && touch(area->mem, area->nr, page * 2, 2))
			return true;
		for (p = 0; p < MAX_PINS; p++) {
			struct m_pin *pin = &ctx->pins[p];
			int start = max(pin->start, area->start);
			int end = min(pin->start + pin->nr,
				      area->start + area->nr);

			if (pin->nr && start < end &&
			    touch(start - area->start + area->mem, end - start,
				  page * 2, 2))
				return true;
		}
	}
	return false;
}

static bool check_tables(struct ctx *ctx)
{
	int d, unit;

	for (d = 0; d < 2; d++)
		for (unit = 0; unit < UNITS; unit++) {
			struct m_area *area = m_find(ctx, unit);
			phys_addr_t want = 0;
			int mem;

			if (area && ctx->attached[d]) {
				mem = area->mem + unit - area->start;
				want = page_to_phys(ctx->mem->pages[mem / 2]) +
				       mem % 2 * UNIT;
			}
			if (soft_domain_lookup(ctx->soft[d], iova_of(unit)) !=
			    want)
				return false;
		}
	return true;
}

static bool check_pins(struct ctx *ctx)
{
	struct charges now = charges_now();
	struct iova_space_stat st;
	unsigned long total = 0;
	unsigned long alignment = 1;
	int page, i, nr = 0;

	for (page = 0; page < PAGES; page++) {
		unsigned int want = 0;
		int o;

		memset(ctx->seen, 0, sizeof(ctx->seen));
		for (i = 0; i < UNITS; i++) {
			o = ctx->areas[i].object;
			if (!ctx->areas[i].nr || ctx->seen[o])
				continue;
			ctx->seen[o] = true;
			want += m_needs(ctx, o, page);
		}
		if (page_pins(ctx->mem->pages[page]) != want)
			return false;
		total += want;
	}
	for (i = 0; i < UNITS; i++)
		nr += !!ctx->areas[i].nr;
	if (m_alignment(ctx) == 2)
		alignment = PAGE_SIZE;
	else if (m_filled(ctx))
		alignment = UNIT;
	iova_space_get_stat(&ctx->space, ++ctx->mark, &st);
	return now.user - ctx->before.user == total &&
	       now.pinned - ctx->before.pinned == total &&
	       st.pinned_pages == total && st.areas == nr &&
	       iova_space_alignment(&ctx->space) == alignment;
}

/* What map and copy check of an IOVA range once the length is right. */
static int m_place(struct ctx *ctx, int start, int nr)
{
	int align = m_alignment(ctx);

	if (nr % align)
		return -EINVAL;
	if (start % align)
		return -EINVAL;
	return m_used(ctx, start, nr) ? -EEXIST : 0;
}

static int map_memory(struct ctx *ctx, unsigned long *iova, unsigned long addr,
		      unsigned long length, int prot, unsigned int flags)
{
	if (ctx->file)
		return iova_space_map_file(&ctx->space, MAP_CHARGE_USER, iova,
					   ctx->file, addr, length, prot,
					   flags);
	return iova_space_map_user(&ctx->space, MAP_CHARGE_USER, iova,
				   (void __user *)addr, length, prot, flags);
}

static int step_map(struct ctx *ctx)
{
	int nr = 1 + rand_to(ctx, 9);
	int start = rand_to(ctx, UNITS - nr);
	int mem = rand_to(ctx, PAGES * 2 - nr);
	bool write = rand_to(ctx, 3);
	unsigned long iova = iova_of(start);
	int rc, want;

	want = m_place(ctx, start, nr);
	if (!want && mem % m_alignment(ctx))
		want = -EINVAL;
	rc = map_memory(ctx, &iova, ctx->mem->addr + mem * UNIT, nr * UNIT,
			write ? RW : RO, 0);
	if (!rc && !want) {
		*m_new(ctx) = (struct m_area){ start, nr, mem, ++ctx->objects,
					       write };
		ctx->writable[ctx->objects] = write;
	}
	return rc == want;
}

static int step_choose(struct ctx *ctx)
{
	int nr = 1 + rand_to(ctx, 9);
	int mem = rand_to(ctx, PAGES * 2 - nr);
	unsigned long addr = ctx->mem->addr + mem * UNIT;
	unsigned long modulo[2] = { roundup_pow_of_two(nr * UNIT), PAGE_SIZE };
	unsigned long iova = 0, at = 0;
	int align = m_alignment(ctx);
	int rc, want = -ENOSPC, i, start;

	modulo[0] = max(modulo[0], PAGE_SIZE);
	if (nr % align || mem % align)
		want = -EINVAL;
	for (i = 0; want == -ENOSPC && i < 2; i++)
		for (start = 0; start + nr <= UNITS; start++)
			if ((iova_of(start) - addr) % modulo[i] == 0 &&
			    !m_used(ctx, start, nr)) {
				at = iova_of(start);
				want = 0;
				break;
			}
	rc = map_memory(ctx, &iova, addr, nr * UNIT, RW,
			IOVA_SPACE_CHOOSE_IOVA);
	if (rc || want)
		return rc == want;
	*m_new(ctx) = (struct m_area){ start, nr, mem, ++ctx->objects, true };
	ctx->writable[ctx->objects] = true;
	return iova == at;
}

static int step_copy(struct ctx *ctx)
{
	int nr = 1 + rand_to(ctx, 13);
	int src = rand_to(ctx, UNITS - nr);
	int dst = rand_to(ctx, UNITS - nr);
	bool write = rand_to(ctx, 1);
	int align = m_alignment(ctx);
	struct m_area pieces[UNITS];
	unsigned long iova = iova_of(dst);
	int rc, want = 0, at = src, n = 0, i, next;

	while (!want && at < src + nr) {
		struct m_area *area = m_find(ctx, at);

		if (!area) {
			want = -ENOENT;
			break;
		}
		pieces[n] = (struct m_area){
			.start = dst + at - src,
			.nr = min(src + nr, area->start + area->nr) - at,
			.mem = area->mem + at - area->start,
			.object = area->object,
			.write = write,
		};
		at += pieces[n++].nr;
	}
	if (!want)
		want = m_place(ctx, dst, nr);
	for (i = 0, next = dst; !want && i < n; next += pieces[i++].nr)
		if (write && !ctx->writable[pieces[i].object])
			want = -EPERM;
		else if (next % align || pieces[i].mem % align)
			want = -EINVAL;

	rc = iova_space_copy(&ctx->space, &ctx->space, iova_of(src), nr * UNIT,
			     &iova, write ? RW : RO, 0);
	for (i = 0; !rc && !want && i < n; i++)
		*m_new(ctx) = pieces[i];
	return rc == want;
}

static void m_drop_pins(struct ctx *ctx, int start, int nr)
{
	int i;

	for (i = 0; i < MAX_PINS; i++)
		if (touch(ctx->pins[i].start, ctx->pins[i].nr, start, nr))
			ctx->pins[i].nr = 0;
}

static bool user_get(struct iova_space_user *user)
{
	return true;
}

static void user_put(struct iova_space_user *user)
{
}

/* The in-kernel user lets go of all that overlaps. */
static void user_unmap(struct iova_space_user *user, unsigned long iova,
		       unsigned long length)
{
	struct ctx *ctx = container_of(user, struct ctx, user);
	int i;

	for (i = 0; i < MAX_PINS; i++) {
		struct m_pin *pin = &ctx->pins[i];

		if (!touch(pin->start, pin->nr, (iova - BASE) / UNIT,
			   length / UNIT))
			continue;
		iova_space_unpin(&ctx->space, iova_of(pin->start),
				 pin->nr * UNIT);
		pin->nr = 0;
	}
}

static int step_unmap(struct ctx *ctx)
{
	int nr = 1 + rand_to(ctx, UNITS / 2);
	int start = rand_to(ctx, UNITS - nr);
	struct m_pin saved[MAX_PINS];
	unsigned long unmapped, bytes = 0;
	int rc, want = 0, i;

	if (rand_to(ctx, 1)) {
		struct m_area *area = m_find(ctx, start);

		if (area) {
			start = area->start;
			nr = area->nr;
		}
	}
	for (i = 0; i < UNITS; i++) {
		struct m_area *area = &ctx->areas[i];

		if (!touch(area->start, area->nr, start, nr))
			continue;
		if (area->start < start ||
		    area->start + area->nr > start + nr)
			want = -ENOENT;
		bytes += area->nr * UNIT;
	}
	memcpy(saved, ctx->pins, sizeof(saved));
	rc = iova_space_unmap(&ctx->space, iova_of(start), nr * UNIT,
			      &unmapped);
	if (rc != want || unmapped != (want ? 0 : bytes))
		return false;
	if (rc)
		return !memcmp(saved, ctx->pins, sizeof(saved));
	for (i = 0; i < UNITS; i++) {
		struct m_area *area = &ctx->areas[i];

		if (!touch(area->start, area->nr, start, nr))
			continue;
		if (m_pinned(ctx, area))
			return false;
		area->nr = 0;
	}
	return true;
}

static int step_cut(struct ctx *ctx)
{
	int unit = rand_to(ctx, UNITS - 1);
	unsigned long iova = iova_of(unit + 1) - 1;
	struct m_area *area = m_find(ctx, unit);
	int align = m_alignment(ctx);
	int head = area ? unit + 1 - area->start : 0;
	int rc, want = 0;

	rc = iova_space_cut(&ctx->space, &iova, 1);
	if (!area || head == area->nr)
		return rc == 0;
	if ((unit + 1) % align || (area->mem + head) % align ||
	    m_pinned(ctx, area) || (m_filled(ctx) && !ctx->small))
		want = -EINVAL;
	if (rc || want)
		return rc == want;
	*m_new(ctx) = (struct m_area){ unit + 1, area->nr - head,
				       area->mem + head, area->object,
				       area->write };
	area->nr = head;
	return true;
}

/* -EADDRINUSE where something has to be whole pages and is not. */
static int m_whole_pages(struct ctx *ctx)
{
	int i;

	for (i = 0; i < UNITS; i++)
		if (ctx->areas[i].nr &&
		    (ctx->areas[i].start | ctx->areas[i].nr |
		     ctx->areas[i].mem) % 2)
			return -EADDRINUSE;
	return 0;
}

static int step_domain(struct ctx *ctx)
{
	int d = rand_to(ctx, 1);
	unsigned int syncs = ctx->soft[d]->syncs;
	struct iommu_domain *domain = &ctx->soft[d]->domain;
	int rc, want = 0;

	if (ctx->attached[d]) {
		iova_space_remove_domain(&ctx->space, domain);
		ctx->attached[d] = false;
		/* A flush for each area, so that none can come too late */
		return ctx->soft[d]->syncs - syncs == m_areas(ctx);
	}
	if (d == 1 && m_alignment(ctx) == 1)
		want = m_whole_pages(ctx);
	rc = iova_space_add_domain(&ctx->space, domain);
	ctx->attached[d] = !rc;
	return rc == want;
}

static int step_small(struct ctx *ctx)
{
	int rc, want = 0, i;

	if (ctx->small) {
		/* What is mapped stays in small pages, but nobody notes that */
		for (i = 0; i < UNITS; i++)
			if (ctx->areas[i].nr)
				return true;
		iova_space_enable_large_pages(&ctx->space);
		ctx->small = false;
		return true;
	}
	for (i = 0; i < UNITS; i++)
		if (ctx->areas[i].nr && m_filled(ctx))
			want = -EINVAL;
	if (!want && m_alignment(ctx) == 1)
		want = m_whole_pages(ctx);
	rc = iova_space_disable_large_pages(&ctx->space);
	ctx->small = !rc;
	return rc == want;
}

static int step_pin(struct ctx *ctx)
{
	struct m_pin *pin = &ctx->pins[rand_to(ctx, MAX_PINS - 1)];
	int nr = 1 + rand_to(ctx, 9);
	int start = rand_to(ctx, UNITS - nr);
	bool write = rand_to(ctx, 1);
	struct page *pages[UNITS] = {};
	struct page *expect[UNITS] = {};
	int rc, want = 0, at = start, n = 0, i, mem, end;

	if (pin->nr) {
		iova_space_unpin(&ctx->space, iova_of(pin->start),
				 pin->nr * UNIT);
		pin->nr = 0;
		return true;
	}
	while (!want && at < start + nr) {
		struct m_area *area = m_find(ctx, at);

		if (!area) {
			want = -ENOENT;
			break;
		}
		end = min(start + nr, area->start + area->nr);
		mem = area->mem + at - area->start;
		if (mem % 2 ||
		    (end < start + nr && (area->mem + area->nr) % 2))
			want = -EINVAL;
		else if (write && !area->write)
			want = -EPERM;
		for (i = mem / 2; i <= (mem + end - at - 1) / 2; i++)
			expect[n++] = ctx->mem->pages[i];
		at = end;
	}
	rc = iova_space_pin(&ctx->space, iova_of(start), nr * UNIT, pages,
			    write ? IOMMUFD_ACCESS_RW_WRITE : 0);
	if (rc || want)
		return rc == want;
	*pin = (struct m_pin){ start, nr };
	return !memcmp(pages, expect, n * sizeof(pages[0])) && !pages[n];
}

/* Writes through one way are seen through the other. */
static int step_rw(struct ctx *ctx)
{
	static const unsigned int how[] = { 0, __IOMMUFD_ACCESS_RW_SLOW_PATH,
					    IOMMUFD_ACCESS_RW_KTHREAD };
	int nr = 1 + rand_to(ctx, 5);
	int start = rand_to(ctx, UNITS - nr);
	unsigned int flags = how[rand_to(ctx, 2)];
	u8 fill = rand_to(ctx, 255);
	int rc, want = 0, unit, want_write = 0;
	static u8 data[6 * UNIT];
	unsigned long i;

	for (unit = start; unit < start + nr && !want; unit++) {
		struct m_area *area = m_find(ctx, unit);

		if (!area)
			want = -ENOENT;
		else if (!area->write && !want_write)
			want_write = -EPERM;
		if (want == -ENOENT && !want_write)
			want_write = -ENOENT;
	}
	memset(data, fill, sizeof(data));
	/* From the middle of a unit on, so that pages are crossed anywhere */
	rc = iova_space_rw(&ctx->space, iova_of(start) + 5, data,
			   nr * UNIT - 9, flags | IOMMUFD_ACCESS_RW_WRITE);
	if (rc != want_write)
		return false;
	memset(data, ~fill, sizeof(data));
	rc = iova_space_rw(&ctx->space, iova_of(start) + 5, data,
			   nr * UNIT - 9,
			   flags ^ __IOMMUFD_ACCESS_RW_SLOW_PATH);
	if (rc != want)
		return false;
	if (want_write || want)
		return true;
	/* The same memory may be mapped at both places of a copy */
	for (i = 0; i < nr * UNIT - 9; i++)
		if (data[i] != fill)
			return false;
	return true;
}

/* To ourselves, so that nothing changes; memory of a process stays where it is. */
static int step_move(struct ctx *ctx)
{
	struct map_move move;
	int rc, want = 0;

	if (!ctx->file && m_areas(ctx))
		want = -EINVAL;
	map_move_begin(&move);
	rc = map_move_add(&move, &ctx->space);
	if (!rc)
		rc = map_move_commit(&move);
	map_move_end(&move);
	return rc == want;
}

static int (* const steps[])(struct ctx *ctx) = {
	step_map, step_map, step_choose, step_copy, step_copy, step_unmap,
	step_unmap, step_cut, step_domain, step_small, step_pin, step_pin,
	step_rw, step_move,
};

static void ctx_run(struct ctx *ctx, u64 seed)
{
	static const size_t batches[] = { 1, 24, 65536 };
	const struct iova_range window = { BASE, BASE + UNITS * UNIT - 1 };
	struct kunit *test = ctx->test;
	int i, which;

	prandom_seed_state(&ctx->rnd, seed);
	map_batch_bytes = batches[seed % ARRAY_SIZE(batches)];
	iova_space_init(&ctx->space);
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_set_allowed(&ctx->space, &window, 1));
	ctx->user = (struct iova_space_user){ .alignment = 1, .get = user_get,
					      .put = user_put,
					      .unmap = user_unmap };
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_user(&ctx->space, &ctx->user));
	for (i = 0; i < STEPS; i++) {
		which = rand_to(ctx, ARRAY_SIZE(steps) - 1);
		KUNIT_ASSERT_TRUE_MSG(test, steps[which](ctx),
				      "seed %llu, step %d: %ps is wrong", seed,
				      i, steps[which]);
		KUNIT_ASSERT_TRUE_MSG(test, check_tables(ctx),
				      "seed %llu, step %d: tables after %ps",
				      seed, i, steps[which]);
		KUNIT_ASSERT_TRUE_MSG(test, check_pins(ctx),
				      "seed %llu, step %d: pins after %ps",
				      seed, i, steps[which]);
	}

	/* However it ends, nothing is left */
	KUNIT_ASSERT_EQ(test, 0, iova_space_unmap_all(&ctx->space, NULL));
	memset(ctx->areas, 0, sizeof(ctx->areas));
	for (i = 0; i < MAX_PINS; i++)
		KUNIT_EXPECT_EQ(test, 0, ctx->pins[i].nr);
	m_drop_pins(ctx, 0, UNITS);
	KUNIT_EXPECT_TRUE(test, check_tables(ctx) && check_pins(ctx));
	for (i = 0; i < 2; i++) {
		if (ctx->attached[i])
			iova_space_remove_domain(&ctx->space,
						 &ctx->soft[i]->domain);
		ctx->attached[i] = false;
		KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(ctx->soft[i]));
	}
	ctx->small = false;
	ctx->objects = 0;
	iova_space_remove_user(&ctx->space, &ctx->user);
	iova_space_destroy(&ctx->space);
}

static void map_random(struct kunit *test)
{
	size_t saved = map_batch_bytes;
	struct ctx *ctx;
	u64 seed;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->mem = user_memory_new(test, PAGES);
	if (!ctx->mem)
		return;
	become_ordinary(test, SZ_16M);
	ctx->before = charges_now();
	ctx->soft[0] = soft_domain_new(test, UNIT, BASE, ULONG_MAX);
	ctx->soft[1] = soft_domain_new(test, PAGE_SIZE, 0,
				       BASE + UNITS * UNIT - 1);
	for (seed = 1; seed <= 6; seed++)
		ctx_run(ctx, seed);
	map_batch_bytes = saved;
	user_memory_free(ctx->mem);
}

/* Pages of a file, held so that they stay what they are */
static struct user_memory *file_memory_new(struct kunit *test,
					   struct file *file)
{
	struct user_memory *mem;
	struct folio *folio;
	unsigned long i;

	mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mem->pages = kunit_kcalloc(test, PAGES, sizeof(*mem->pages),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem->pages);
	for (i = 0; i < PAGES; i++) {
		folio = shmem_read_folio(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		mem->pages[i] = folio_file_page(folio, i);
		mem->npages++;
	}
	return mem;
}

static void map_random_file(struct kunit *test)
{
	size_t saved = map_batch_bytes;
	struct user_memory *user;
	struct ctx *ctx;
	unsigned long i;
	u64 seed;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	/* For a process to charge */
	user = user_memory_new(test, 1);
	if (!user)
		return;
	ctx->file = shmem_file_setup("iommufd-kunit", PAGES * PAGE_SIZE,
				     VM_NORESERVE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx->file));
	ctx->mem = file_memory_new(test, ctx->file);
	become_ordinary(test, SZ_16M);
	ctx->before = charges_now();
	ctx->soft[0] = soft_domain_new(test, UNIT, BASE, ULONG_MAX);
	ctx->soft[1] = soft_domain_new(test, PAGE_SIZE, 0,
				       BASE + UNITS * UNIT - 1);
	for (seed = 1; seed <= 6; seed++)
		ctx_run(ctx, seed);
	map_batch_bytes = saved;
	for (i = 0; i < PAGES; i++)
		put_page(ctx->mem->pages[i]);
	fput(ctx->file);
	user_memory_free(user);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE_SLOW(map_random),
	KUNIT_CASE_SLOW(map_random_file),
	{}
};

static struct kunit_suite random_suite = {
	.name = "iommufd_map_random",
	.test_cases = random_cases,
};

kunit_test_suite(random_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's address spaces, at random");
MODULE_LICENSE("GPL");
