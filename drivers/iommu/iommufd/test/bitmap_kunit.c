// SPDX-License-Identifier: GPL-2.0-only
/*
 * iova_bitmap against a reference that is slow and obvious: an array with one
 * byte for each bit, which asks every report whether it touches the bit's page.
 *
 * User memory is real: a mapping in an mm that KUnit gives the test. It holds a
 * pattern first, so that a bit cleared, or a byte changed outside of the bitmap,
 * is seen as well.
 */
#include <kunit/test.h>
#include <linux/iova_bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "user_mmap.h"

MODULE_IMPORT_NS(IOMMUFD);

/* The smallest page that can be tracked, and what small() counts in */
#define UNIT		512UL

/* User memory of each test, and bits that fit with any alignment tried */
#define USER_BYTES	(16 * PAGE_SIZE)
#define BITS_MAX	(8 * PAGE_SIZE)

/* As in iova_bitmap.c: what is gathered before user memory is written */
#define WINDOW_BITS	8192UL

struct report {
	unsigned long iova;
	size_t length;
};

/**
 * struct fixture - a bitmap, and what it should become
 * @user: the mapping
 * @size: bytes of it that are looked at, up to USER_BYTES
 * @offset: of the bitmap in it
 * @iova: first of the range
 * @length: of the range
 * @page_size: of a bit
 * @bits: the reference, 0 or 1
 * @before: what user memory held
 * @after: what it holds
 * @reports: what the driver is going to set
 * @num: how many
 * @calls: how often the driver was called
 * @hole: page the driver unmaps before it reports, or 0
 * @result: what the driver returns
 */
struct fixture {
	u8 __user *user;
	size_t size;
	size_t offset;
	unsigned long iova;
	size_t length;
	unsigned long page_size;
	u8 *bits;
	u8 *before;
	u8 *after;
	const struct report *reports;
	unsigned int num;
	unsigned int calls;
	unsigned long hole;
	int result;
};

static int driver(struct iova_bitmap *bitmap, unsigned long iova, size_t length,
		  void *opaque)
{
	struct fixture *f = opaque;
	unsigned int i;

	f->calls++;
	if (iova != f->iova || length != f->length)
		return -ERANGE;
	if (f->hole && vm_munmap(f->hole, PAGE_SIZE))
		return -EIO;
	for (i = 0; i != f->num; i++)
		iova_bitmap_set(bitmap, f->reports[i].iova,
				f->reports[i].length);
	return f->result;
}

static int run(struct fixture *f)
{
	struct iova_bitmap *bitmap;
	int rc;

	f->calls = 0;
	bitmap = iova_bitmap_alloc(f->iova, f->length, f->page_size,
				   (u64 __user *)(f->user + f->offset));
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	rc = iova_bitmap_for_each(bitmap, f, driver);
	iova_bitmap_free(bitmap);
	return rc;
}

static size_t num_bits(const struct fixture *f)
{
	return (f->length - 1) / f->page_size + 1;
}

/* Does any report touch what bit @n stands for? In numbers that do not wrap. */
static u8 is_reported(const struct fixture *f, size_t n)
{
	__uint128_t stop = (__uint128_t)f->iova + f->length;
	__uint128_t from = (__uint128_t)f->iova + (__uint128_t)n * f->page_size;
	__uint128_t to = min(from + f->page_size, stop);
	const struct report *r;

	for (r = f->reports; r != f->reports + f->num; r++)
		if (r->length && r->iova < to &&
		    (__uint128_t)r->iova + r->length > from)
			return 1;
	return 0;
}

static void reference(struct fixture *f)
{
	size_t n;

	for (n = 0; n != num_bits(f); n++)
		f->bits[n] = is_reported(f, n);
}

static bool matches(struct kunit *test, struct fixture *f)
{
	u8 *is = f->after + f->offset, *was = f->before + f->offset;
	size_t i, n = num_bits(f), bytes = DIV_ROUND_UP(n, 8);

	if (copy_from_user(f->after, f->user, f->size)) {
		kunit_err(test, "cannot read back\n");
		return false;
	}
	/* Here is where the order of a little-endian machine is assumed */
	for (i = 0; i != n; i++) {
		u8 want = f->bits[i] | (was[i / 8] >> (i % 8) & 1);

		if ((is[i / 8] >> (i % 8) & 1) == want)
			continue;
		kunit_err(test,
			  "bit %zu of %zu is not %u: iova %lx page size %lx offset %zx, %u reports, first %lx +%zx\n",
			  i, n, want, f->iova, f->page_size, f->offset, f->num,
			  f->reports[0].iova, f->reports[0].length);
		return false;
	}
	/* The unused bits of the last byte and all around it */
	if (n % 8 && (is[bytes - 1] ^ was[bytes - 1]) >> (n % 8)) {
		kunit_err(test, "bits after the last one changed\n");
		return false;
	}
	if (memcmp(f->after, f->before, f->offset) ||
	    memcmp(is + bytes, was + bytes, f->size - f->offset - bytes)) {
		kunit_err(test, "memory outside of the bitmap changed\n");
		return false;
	}
	return true;
}

static void expect_match(struct kunit *test, struct fixture *f)
{
	KUNIT_ASSERT_LE(test, num_bits(f), BITS_MAX);
	KUNIT_ASSERT_EQ(test, copy_to_user(f->user, f->before, f->size), 0);
	KUNIT_ASSERT_EQ(test, run(f), 0);
	KUNIT_ASSERT_EQ(test, f->calls, 1);
	reference(f);
	KUNIT_ASSERT_TRUE(test, matches(test, f));
}

/* Every range, report and page size of up to a few units. */
static void small(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long base, length, start, n, page;
	struct report report;

	f->size = 128;
	f->reports = &report;
	f->num = 1;
	for (page = 1; page <= 4; page *= 2)
		for (base = 4; base <= 7; base++)
			for (length = 1; length <= 9; length++)
				for (start = base - 2; start <= base + length;
				     start++)
					for (n = 1; n <= length + 4; n++) {
						f->page_size = page * UNIT;
						f->iova = base * UNIT;
						f->length = length * UNIT;
						f->offset = (start + n) % 9;
						report.iova = start * UNIT;
						report.length = n * UNIT;
						expect_match(test, f);
					}
}

/* Reports that start and end beside the edges of words and windows. */
static void edges(struct kunit *test)
{
	static const unsigned long at[] = {
		0, 1, 7, 8, 63, 64, 65, 127, 128,
		WINDOW_BITS - 65, WINDOW_BITS - 64, WINDOW_BITS - 1,
		WINDOW_BITS, WINDOW_BITS + 1, WINDOW_BITS + 63,
		2 * WINDOW_BITS - 1, 2 * WINDOW_BITS,
		3 * WINDOW_BITS - 1, 3 * WINDOW_BITS, 3 * WINDOW_BITS + 66,
	};
	static const size_t offsets[] = { 0, 1, 4, 4095, 4089 };
	struct fixture *f = test->priv;
	struct report report;
	unsigned int i, j;

	f->page_size = SZ_4K;
	f->iova = SZ_1G + SZ_4K;
	f->reports = &report;
	f->num = 1;
	for (i = 0; i != ARRAY_SIZE(at); i++)
		for (j = i; j != ARRAY_SIZE(at); j++) {
			f->offset = offsets[(i + j) % ARRAY_SIZE(offsets)];
			report.iova = f->iova + at[i] * SZ_4K;
			report.length = (at[j] - at[i] + 1) * SZ_4K;

			f->length = (3 * WINDOW_BITS + 67) * SZ_4K;
			expect_match(test, f);
			/* The report ends with the bitmap, and beyond it */
			f->length = (at[j] + 1) * SZ_4K;
			expect_match(test, f);
			report.length += SZ_1G;
			expect_match(test, f);
		}
}

static u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* Any number of reports in any order, some of them beside the range. */
static void random(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct report reports[8];
	struct rnd_state rnd;
	unsigned int round, i;
	unsigned long at;
	size_t bits;

	f->reports = reports;
	for (round = 0; round != 400; round++) {
		prandom_seed_state(&rnd, round);
		bits = 1 + below(&rnd, round % 8 ? 2000 : BITS_MAX);
		f->page_size = 1UL << below(&rnd, 31);
		/* The last page need not be a whole one */
		f->length = bits * f->page_size - below(&rnd, f->page_size);
		/* Nor does VFIO ask for an aligned start */
		f->iova = (unsigned long)prandom_u32_state(&rnd) << 12;
		if (round % 4 == 1)
			f->iova += below(&rnd, SZ_4K);
		if (round % 4 == 2)
			f->iova = -f->length;
		f->offset = below(&rnd, PAGE_SIZE + 64);

		f->num = 1 + below(&rnd, ARRAY_SIZE(reports));
		for (i = 0; i != f->num; i++) {
			at = below(&rnd, bits) * f->page_size +
			     below(&rnd, f->page_size);
			reports[i].iova = f->iova + at;
			if (below(&rnd, 8) == 0)
				reports[i].iova -= 2 * at;
			reports[i].length = below(&rnd, 6) * f->page_size / 2;
			if (below(&rnd, 2))
				reports[i].length = below(&rnd, bits) *
						    f->page_size / 2;
		}
		expect_match(test, f);
	}
}

/* A report that passes the end of the address space ends there. */
static void wraps(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct report report = { .iova = -4 * SZ_4K, .length = 10 * SZ_4K };

	f->page_size = SZ_4K;
	f->iova = -100UL * SZ_4K;
	f->length = 100 * SZ_4K;
	f->reports = &report;
	f->num = 1;
	expect_match(test, f);

	/* And does not come back at the other end */
	f->iova = 0;
	expect_match(test, f);
}

/* All of what there can be, and nothing. */
static void extremes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct report report = { .iova = SZ_4K, .length = 0 };

	f->reports = &report;
	f->num = 1;
	f->page_size = SZ_4K;
	f->iova = 0;
	f->length = SZ_1M;
	expect_match(test, f);

	f->num = 0;
	expect_match(test, f);

	/* Half of the address space a bit */
	f->num = 1;
	f->page_size = 1UL << 63;
	f->length = ULONG_MAX;
	report.iova = ULONG_MAX - 1;
	report.length = 1;
	expect_match(test, f);
	KUNIT_EXPECT_EQ(test, f->bits[1], 1);
}

static void bad_arguments(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 __user *data = (u64 __user *)f->user;

#define EXPECT_ERR(err, iova, length, page_size, data)                         \
	KUNIT_EXPECT_EQ(test, -(err),                                          \
			PTR_ERR_OR_ZERO(iova_bitmap_alloc(iova, length,        \
							  page_size, data)))
	EXPECT_ERR(EINVAL, SZ_4K, 0, SZ_4K, data);
	EXPECT_ERR(EINVAL, SZ_4K, SZ_4K, 0, data);
	EXPECT_ERR(EINVAL, SZ_4K, SZ_4K, 3 * SZ_4K, data);
	EXPECT_ERR(EOVERFLOW, -SZ_4K, 2 * SZ_4K, SZ_4K, data);
	EXPECT_ERR(EFAULT, 0, SZ_4K, SZ_4K, (u64 __user *)-8UL);
	EXPECT_ERR(EFAULT, 0, ULONG_MAX, 1, data);
#undef EXPECT_ERR
}

/* What user memory is not there, the driver is not asked for. */
static void holes(struct kunit *test)
{
	const struct report report = { .iova = 0, .length = SZ_1G };
	struct fixture *f = test->priv;
	unsigned long user = (unsigned long)f->user;

	f->page_size = SZ_4K;
	f->iova = 0;
	f->length = BITS_MAX * SZ_4K;
	f->reports = &report;
	f->num = 1;

	/* Seen beforehand */
	f->offset = PAGE_SIZE - 1;
	KUNIT_ASSERT_EQ(test, vm_munmap(user + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, run(f), -EFAULT);
	KUNIT_EXPECT_EQ(test, f->calls, 0);

	/* Not part of the bitmap */
	f->offset = 2 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, run(f), 0);
	f->length = 8 * (PAGE_SIZE / 2) * SZ_4K;
	f->offset = PAGE_SIZE / 2;
	KUNIT_EXPECT_EQ(test, run(f), 0);
	KUNIT_EXPECT_EQ(test, f->calls, 1);
	f->length += 1;
	KUNIT_EXPECT_EQ(test, run(f), -EFAULT);

	/* Five bytes before it, which are less than a word */
	f->length = 40 * SZ_4K;
	f->offset = PAGE_SIZE - 5;
	KUNIT_EXPECT_EQ(test, run(f), 0);
	KUNIT_EXPECT_EQ(test, copy_from_user(f->after, f->user + f->offset, 5),
			0);
	KUNIT_EXPECT_NULL(test, memchr_inv(f->after, 0xff, 5));

	/* It went away meanwhile; the one before is written nonetheless */
	f->length = BITS_MAX * SZ_4K;
	f->offset = 3 * PAGE_SIZE + 5;
	f->hole = user + 4 * PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, clear_user(f->user + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, run(f), -EFAULT);
	KUNIT_EXPECT_EQ(test, f->calls, 1);
	f->hole = 0;

	/* There is no bitmap at 0 either */
	f->user = NULL;
	f->offset = 0;
	KUNIT_EXPECT_EQ(test, run(f), -EFAULT);
	KUNIT_EXPECT_EQ(test, f->calls, 0);
}

static void read_only(struct kunit *test)
{
	const struct report report = { .iova = 0, .length = SZ_4K };
	struct fixture *f = test->priv;
	unsigned long user;

	user = test_user_mmap(test, PAGE_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	f->user = (u8 __user *)user;
	f->page_size = SZ_4K;
	f->length = SZ_1M;
	f->reports = &report;
	f->num = 1;
	KUNIT_EXPECT_EQ(test, run(f), -EFAULT);
	KUNIT_EXPECT_EQ(test, f->calls, 0);
}

/* A driver that fails has cleared what it reported before. */
static void driver_fails(struct kunit *test)
{
	const struct report report = { .iova = SZ_4K, .length = 3 * SZ_4K };
	struct fixture *f = test->priv;

	f->page_size = SZ_4K;
	f->length = SZ_1M;
	f->reports = &report;
	f->num = 1;
	f->result = -EILSEQ;
	KUNIT_ASSERT_EQ(test, copy_to_user(f->user, f->before, f->size), 0);
	KUNIT_EXPECT_EQ(test, run(f), -EILSEQ);
	reference(f);
	KUNIT_EXPECT_TRUE(test, matches(test, f));
}

static int bitmap_init(struct kunit *test)
{
	struct rnd_state rnd;
	struct fixture *f;
	unsigned long user;

	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		kunit_skip(test, "the reference is little-endian");

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->bits = kunit_kzalloc(test, BITS_MAX, GFP_KERNEL);
	f->before = kunit_kzalloc(test, USER_BYTES, GFP_KERNEL);
	f->after = kunit_kzalloc(test, USER_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->bits);
	KUNIT_ASSERT_NOT_NULL(test, f->before);
	KUNIT_ASSERT_NOT_NULL(test, f->after);

	/* Sparse, so that most bits that are set make a difference */
	prandom_seed_state(&rnd, 1);
	prandom_bytes_state(&rnd, f->before, USER_BYTES);
	prandom_bytes_state(&rnd, f->after, USER_BYTES);
	for (size_t i = 0; i != USER_BYTES; i++)
		f->before[i] &= f->after[i];

	user = test_user_mmap(test, USER_BYTES, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	f->user = (u8 __user *)user;
	f->size = USER_BYTES;
	test->priv = f;
	return 0;
}

static struct kunit_case bitmap_cases[] = {
	KUNIT_CASE_SLOW(small),
	KUNIT_CASE_SLOW(edges),
	KUNIT_CASE_SLOW(random),
	KUNIT_CASE(wraps),
	KUNIT_CASE(extremes),
	KUNIT_CASE(bad_arguments),
	KUNIT_CASE(holes),
	KUNIT_CASE(read_only),
	KUNIT_CASE(driver_fails),
	{}
};

static struct kunit_suite bitmap_suite = {
	.name = "iommufd_bitmap",
	.init = bitmap_init,
	.test_cases = bitmap_cases,
};

kunit_test_suite(bitmap_suite);

MODULE_DESCRIPTION("KUnit tests of iova_bitmap");
MODULE_LICENSE("GPL");
