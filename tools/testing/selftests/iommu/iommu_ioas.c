// SPDX-License-Identifier: GPL-2.0
/*
 * I/O address spaces: mapping, copying and unmapping, the ranges that can be
 * used, options, and who pays for pinned memory. Every case that must fail is
 * followed by a look at the state: nothing may have changed.
 *
 * Nearly all of it needs a device that is attached, but no operation of the
 * mock, and is compiled for both kinds of device.
 */
#include "iommu_test.h"

#include <grp.h>

#define MAX_RANGES	32

FIXTURE(ioas) {
	int fd;
	__u32 ioas;
	struct test_device dev;
	char *buffer;
	size_t length;
};

FIXTURE_VARIANT(ioas) {
	bool attached;
};

FIXTURE_VARIANT_ADD(ioas, no_device) {
	.attached = false,
};

FIXTURE_VARIANT_ADD(ioas, device) {
	.attached = true,
};

FIXTURE_SETUP(ioas)
{
	int rc;

	self->dev.v.fd = -1;
	self->length = 64 * PAGE;
	self->buffer = mem_get(self->length);
	ASSERT_NE(NULL, self->buffer);
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	if (!variant->attached)
		return;
	rc = test_device_make(self->fd, 0, self->ioas, &self->dev);
	if (rc == -ENODEV)
		SKIP(return, "there is no device for this test");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(ioas)
{
	if (variant->attached)
		test_device_remove(self->fd, &self->dev);
	close(self->fd);
}

/* Without a device nothing is pinned before it is needed. */
static long pages_if_attached(const FIXTURE_VARIANT(ioas) *variant, long pages)
{
	return variant->attached ? pages : 0;
}

TEST_F(ioas, map_and_unmap)
{
	long before = pinned_pages();
	__u64 done = 0;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer,
			       16 * PAGE, IOVA_BASE));
	EXPECT_EQ(before + pages_if_attached(variant, 16), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 16 * PAGE,
				 &done));
	EXPECT_EQ(16 * PAGE, done);
	EXPECT_EQ(before, pinned_pages());
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas, IOVA_BASE,
				       16 * PAGE, NULL));
}

TEST_F(ioas, kernel_chooses_the_address)
{
	__u64 iovas[8], done;
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(iovas); i++) {
		iovas[i] = 0;
		ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas,
					     self->buffer, (i + 1) * PAGE,
					     IOMMU_MAP_RW, &iovas[i]));
		EXPECT_EQ(0, iovas[i] % PAGE);
		for (j = 0; j < i; j++)
			EXPECT_TRUE(iovas[i] + (i + 1) * PAGE <= iovas[j] ||
				    iovas[j] + (j + 1) * PAGE <= iovas[i]);
	}
	for (i = 0; i < ARRAY_LEN(iovas); i++) {
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, iovas[i],
					 (i + 1) * PAGE, &done));
		EXPECT_EQ((i + 1) * PAGE, done);
	}
}

/* Each of these must leave the address space as it is. */
TEST_F(ioas, map_refused)
{
	const __u32 fixed = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA;
	char *hole = mem_before_hole();
	char *read_only;
	struct {
		const char *what;
		int error;
		__u32 flags;
		__u64 va;
		__u64 length;
		__u64 iova;
		bool only_attached;
	} cases[] = {
		{ "length 0", -EINVAL, fixed, (uintptr_t)self->buffer, 0,
		  IOVA_BASE, false },
		{ "neither readable nor writeable", -EINVAL,
		  IOMMU_IOAS_MAP_FIXED_IOVA, (uintptr_t)self->buffer, PAGE,
		  IOVA_BASE, false },
		{ "unaligned IOVA", -EINVAL, fixed, (uintptr_t)self->buffer,
		  PAGE, IOVA_BASE + 1, true },
		{ "unaligned memory", -EINVAL, fixed,
		  (uintptr_t)self->buffer + 1, PAGE, IOVA_BASE, true },
		{ "unaligned length", -EINVAL, fixed, (uintptr_t)self->buffer,
		  PAGE + 1, IOVA_BASE, true },
		{ "IOVA overflows", -EOVERFLOW, fixed, (uintptr_t)self->buffer,
		  2 * PAGE, -PAGE, false },
		{ "length overflows", -EOVERFLOW, fixed,
		  (uintptr_t)self->buffer, -4 * PAGE, 8 * PAGE, false },
		{ "length of all pages", -EINVAL, fixed,
		  (uintptr_t)self->buffer, -PAGE, IOVA_BASE, false },
		{ "memory overflows", -EOVERFLOW, fixed, -PAGE, 2 * PAGE,
		  IOVA_BASE, false },
		{ "no memory there", -EFAULT, fixed, (uintptr_t)hole + PAGE,
		  PAGE, IOVA_BASE, true },
		{ "memory ends half way", -EFAULT, fixed, (uintptr_t)hole,
		  2 * PAGE, IOVA_BASE, true },
		{ "in use", -EEXIST, fixed, (uintptr_t)self->buffer, PAGE,
		  IOVA_BASE + 32 * PAGE, false },
		{ "in use at its end", -EEXIST, fixed, (uintptr_t)self->buffer,
		  2 * PAGE, IOVA_BASE + 31 * PAGE, false },
		{ "in use inside", -EEXIST, fixed, (uintptr_t)self->buffer,
		  8 * PAGE, IOVA_BASE + 30 * PAGE, false },
		{ "length and more", -EOVERFLOW, fixed,
		  (uintptr_t)self->buffer, ~0ULL, IOVA_BASE, false },
	};
	struct fdinfo before, after;
	unsigned int i;
	long pinned;

	ASSERT_NE(NULL, hole);
	read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	ASSERT_NE(MAP_FAILED, read_only);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, 2 * PAGE,
			       IOVA_BASE + 32 * PAGE));
	pinned = pinned_pages();
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct iommu_ioas_map c = {
			.size = sizeof(c),
			.flags = cases[i].flags,
			.ioas_id = self->ioas,
			.user_va = cases[i].va,
			.length = cases[i].length,
			.iova = cases[i].iova,
		};

		if (cases[i].only_attached && !variant->attached)
			continue;
		EXPECT_EQ(cases[i].error,
			  iommu_call(self->fd, IOMMU_IOAS_MAP, &c))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(pinned, pinned_pages())
			TH_LOG("%s", cases[i].what);
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text)
			TH_LOG("%s", cases[i].what);
	}
	if (variant->attached) {
		__u64 iova = IOVA_BASE;

		EXPECT_EQ(-EFAULT, iommu_map_flags(self->fd, self->ioas,
						   read_only, PAGE, fixed,
						   &iova));
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text);
	}
	/* What was there still is. */
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE + 32 * PAGE,
				 2 * PAGE, NULL));
}

/* A device's own memory that nobody but it may write: reading it is fine. */
TEST_F(ioas, read_only_memory_readable)
{
	void *memory = mmap(NULL, PAGE, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	__u64 iova = IOVA_BASE;

	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas, memory, PAGE,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, PAGE, NULL));
}

TEST_F(ioas, unmap_refused)
{
	struct fdinfo before, after;
	__u64 done;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, 4 * PAGE,
			       IOVA_BASE));
	state_of(self->fd, &before);
	EXPECT_EQ(-EINVAL, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 0,
				       NULL));
	/* A range that ends or starts within a mapping */
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas, IOVA_BASE, PAGE,
				       NULL));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas, IOVA_BASE + PAGE,
				       3 * PAGE, NULL));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas,
				       IOVA_BASE + PAGE, PAGE, NULL));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas,
				       IOVA_BASE + 4 * PAGE, PAGE, NULL));
	EXPECT_EQ(-EOVERFLOW, iommu_unmap(self->fd, self->ioas, -PAGE,
					  2 * PAGE, NULL));
	EXPECT_EQ(-EOVERFLOW, iommu_unmap(self->fd, self->ioas, PAGE, ~0ULL,
					  NULL));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);

	/* Everything, which succeeds also when there is nothing. */
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, &done));
	EXPECT_EQ(4 * PAGE, done);
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(-ENOENT, iommu_unmap(self->fd, self->ioas, IOVA_BASE,
				       4 * PAGE, NULL));
}

TEST_F(ioas, unmap_over_gaps)
{
	__u64 done;
	unsigned int i;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas,
				       self->buffer + i * PAGE, PAGE,
				       IOVA_BASE + 3 * i * PAGE));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 12 * PAGE,
				 &done));
	EXPECT_EQ(4 * PAGE, done);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 24 * PAGE,
				 &done));
	EXPECT_EQ(4 * PAGE, done);
}

TEST_F(ioas, copy_shares_the_pages)
{
	const __u32 fixed = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA;
	long before = pinned_pages();
	__u64 to = IOVA_BASE + 16 * PAGE, to2 = 0;
	struct fdinfo a, b;
	__u32 other;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, 8 * PAGE,
			       IOVA_BASE));
	/* A part, to the same space, and all of it to another one */
	ASSERT_EQ(0, iommu_copy(self->fd, self->ioas, self->ioas,
				IOVA_BASE + 2 * PAGE, 4 * PAGE, fixed, &to));
	ASSERT_EQ(0, iommu_copy(self->fd, other, self->ioas, IOVA_BASE,
				8 * PAGE, IOMMU_MAP_RW, &to2));
	EXPECT_EQ(before + pages_if_attached(variant, 8), pinned_pages());

	state_of(self->fd, &a);
	EXPECT_EQ(-EEXIST, iommu_copy(self->fd, self->ioas, self->ioas,
				      IOVA_BASE, PAGE, fixed, &to));
	EXPECT_EQ(-EINVAL, iommu_copy(self->fd, self->ioas, self->ioas,
				      IOVA_BASE, 0, fixed, &to));
	EXPECT_EQ(-ENOENT, iommu_copy(self->fd, other, self->ioas,
				      IOVA_BASE + 64 * PAGE, PAGE, fixed,
				      &to));
	EXPECT_EQ(-ENOENT, iommu_copy(self->fd, other, self->ioas,
				      IOVA_BASE + 7 * PAGE, 2 * PAGE, fixed,
				      &to));
	EXPECT_EQ(-EOVERFLOW, iommu_copy(self->fd, other, self->ioas, -PAGE,
					 2 * PAGE, fixed, &to));
	state_of(self->fd, &b);
	EXPECT_STREQ(a.text, b.text);

	/* The pages stay until the last of the three goes. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 8 * PAGE,
				 NULL));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, to, 4 * PAGE, NULL));
	ASSERT_EQ(0, iommu_unmap(self->fd, other, to2, 8 * PAGE, NULL));
	EXPECT_EQ(before, pinned_pages());
}

TEST_F(ioas, copy_cannot_make_memory_writeable)
{
	__u64 iova = IOVA_BASE, to = IOVA_BASE + PAGE;

	ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas, self->buffer, PAGE,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	EXPECT_EQ(-EPERM, iommu_copy(self->fd, self->ioas, self->ioas, iova,
				     PAGE,
				     IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
				     &to));
	EXPECT_EQ(0, iommu_copy(self->fd, self->ioas, self->ioas, iova, PAGE,
				IOMMU_IOAS_MAP_READABLE |
				IOMMU_IOAS_MAP_FIXED_IOVA, &to));
}

TEST_F(ioas, ranges)
{
	struct iommu_iova_range all[MAX_RANGES], some[MAX_RANGES];
	__u32 total = 0, num;
	__u64 alignment = 0;
	unsigned int i;

	EXPECT_EQ(-EMSGSIZE, iommu_ranges(self->fd, self->ioas, NULL, &total,
					  &alignment));
	ASSERT_LE(1, total);
	ASSERT_GE(MAX_RANGES, total);
	/* 0 is enough to ask for the number; the alignment is valid. */
	EXPECT_EQ(0, alignment & (alignment - 1));
	EXPECT_LE(1, alignment);
	EXPECT_GE(PAGE, alignment);

	num = MAX_RANGES;
	memset(all, 0xff, sizeof(all));
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, all, &num, &alignment));
	EXPECT_EQ(total, num);
	for (i = 0; i < num; i++) {
		EXPECT_LT(all[i].start, all[i].last);
		if (i)
			EXPECT_LT(all[i - 1].last, all[i].start);
	}
	/* Nothing is written behind the end. */
	EXPECT_EQ(~0ULL, all[num].start);

	/* Too little room: filled as far as it goes. */
	for (i = 0; i < total; i++) {
		num = i;
		memset(some, 0xff, sizeof(some));
		EXPECT_EQ(-EMSGSIZE, iommu_ranges(self->fd, self->ioas, some,
						  &num, &alignment));
		EXPECT_EQ(total, num);
		EXPECT_EQ(0, memcmp(all, some, i * sizeof(all[0])));
		EXPECT_EQ(~0ULL, some[i].start);
	}
	if (!variant->attached) {
		EXPECT_EQ(1, total);
		EXPECT_EQ(0, all[0].start);
		EXPECT_EQ(~0ULL, all[0].last);
		EXPECT_EQ(1, alignment);
	}
}

/* What a device takes away cannot be mapped, and comes back when it leaves. */
TEST_F(ioas, outside_of_the_ranges)
{
	struct iommu_iova_range r[MAX_RANGES];
	__u32 num = MAX_RANGES, i;
	__u64 outside = 0;

	if (!variant->attached)
		SKIP(return, "there is no reserved range without a device");
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, NULL));
	for (i = 0; i < num; i++)
		if (r[i].last != ~0ULL)
			outside = r[i].last + 1;
	ASSERT_NE(0, outside);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
				     outside));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->buffer,
				     2 * PAGE, outside - PAGE));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
			       outside - PAGE));
	ASSERT_EQ(0, test_device_remove(self->fd, &self->dev));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
			       outside));
	num = MAX_RANGES;
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, NULL));
	EXPECT_EQ(1, num);
	/* Now there is a mapping where the device cannot go. */
	EXPECT_EQ(-EADDRINUSE, test_device_make(self->fd, 0, self->ioas,
						&self->dev));
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, outside, PAGE, NULL));
	test_device_remove(self->fd, &self->dev);
	EXPECT_EQ(0, test_device_make(self->fd, 0, self->ioas, &self->dev));
}

TEST_F(ioas, allowed_ranges)
{
	struct iommu_iova_range some[] = {
		{ IOVA_BASE, IOVA_BASE + 4 * PAGE - 1 },
		{ IOVA_BASE + 64 * PAGE, IOVA_BASE + 66 * PAGE - 1 },
	};
	struct iommu_iova_range bad[][2] = {
		{ { PAGE, 0 }, { 0, 0 } },
		{ { PAGE, PAGE }, { 0, 0 } },
		{ { 0, 2 * PAGE }, { PAGE, 3 * PAGE } },
		{ { 0, PAGE - 1 }, { 0, PAGE - 1 } },
	};
	__u64 iova[6];
	unsigned int i;
	__u64 more = 0;

	ASSERT_EQ(0, iommu_allow(self->fd, self->ioas, some, 2));
	/* A list that is refused leaves the earlier one in force. */
	EXPECT_EQ(-EINVAL, iommu_allow(self->fd, self->ioas, bad[0], 1));
	EXPECT_EQ(-EINVAL, iommu_allow(self->fd, self->ioas, bad[1], 1));
	EXPECT_EQ(-EINVAL, iommu_allow(self->fd, self->ioas, bad[2], 2));
	EXPECT_EQ(-EINVAL, iommu_allow(self->fd, self->ioas, bad[3], 2));
	EXPECT_EQ(-EFAULT, iommu_allow(self->fd, self->ioas, (void *)8, 1));

	for (i = 0; i < 6; i++) {
		iova[i] = 0;
		ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas,
					     self->buffer + i * PAGE, PAGE,
					     IOMMU_MAP_RW, &iova[i]));
		EXPECT_TRUE((iova[i] >= some[0].start &&
			     iova[i] + PAGE - 1 <= some[0].last) ||
			    (iova[i] >= some[1].start &&
			     iova[i] + PAGE - 1 <= some[1].last));
	}
	EXPECT_EQ(-ENOSPC, iommu_map_flags(self->fd, self->ioas, self->buffer,
					   PAGE, IOMMU_MAP_RW, &more));
	/* An address of one's own choice is not bound by the promise. */
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
			       IOVA_BASE + 128 * PAGE));
	/* Taken back */
	EXPECT_EQ(0, iommu_allow(self->fd, self->ioas, NULL, 0));
	EXPECT_EQ(0, iommu_map_flags(self->fd, self->ioas, self->buffer, PAGE,
				     IOMMU_MAP_RW, &more));
}

TEST_F(ioas, promise_that_a_device_breaks)
{
	struct iommu_iova_range everything = { 0, ~0ULL };

	if (variant->attached) {
		EXPECT_EQ(-EADDRINUSE, iommu_allow(self->fd, self->ioas,
						   &everything, 1));
		return;
	}
	ASSERT_EQ(0, iommu_allow(self->fd, self->ioas, &everything, 1));
#ifndef TEST_VTD
	/* The mock's devices cannot address everything. */
	EXPECT_EQ(-EADDRINUSE, test_device_make(self->fd, 0, self->ioas,
						&self->dev));
	EXPECT_EQ(0, iommu_allow(self->fd, self->ioas, NULL, 0));
	EXPECT_EQ(0, test_device_make(self->fd, 0, self->ioas, &self->dev));
#endif
}

TEST_F(ioas, options)
{
	__u64 value = 7;

	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_GET, self->ioas, &value));
	EXPECT_EQ(1, value);
	value = 0;
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_SET, self->ioas, &value));
	value = 7;
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_GET, self->ioas, &value));
	EXPECT_EQ(0, value);
	value = 2;
	EXPECT_EQ(-EINVAL, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
					IOMMU_OPTION_OP_SET, self->ioas,
					&value));
	value = 1;
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_SET, self->ioas, &value));
	/* Too late once pages of a large size may be in use */
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
			       IOVA_BASE));
	value = 0;
	EXPECT_EQ(variant->attached ? -EINVAL : 0,
		  iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
			       IOMMU_OPTION_OP_SET, self->ioas, &value));

	EXPECT_EQ(-EOPNOTSUPP, iommu_option(self->fd, 2, IOMMU_OPTION_OP_GET,
					    self->ioas, &value));
	EXPECT_EQ(-EOPNOTSUPP, iommu_option(self->fd, IOMMU_OPTION_HUGE_PAGES,
					    2, self->ioas, &value));
	EXPECT_EQ(-EOPNOTSUPP, iommu_option(self->fd, IOMMU_OPTION_RLIMIT_MODE,
					    IOMMU_OPTION_OP_GET, self->ioas,
					    &value));
	/* There are objects already. */
	value = 1;
	EXPECT_EQ(-EBUSY, iommu_option(self->fd, IOMMU_OPTION_RLIMIT_MODE,
				       IOMMU_OPTION_OP_SET, 0, &value));
	ASSERT_EQ(0, iommu_option(self->fd, IOMMU_OPTION_RLIMIT_MODE,
				  IOMMU_OPTION_OP_GET, 0, &value));
	EXPECT_EQ(0, value);
}

TEST_F(ioas, destroy_while_in_use)
{
	if (!variant->attached) {
		EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer,
				       PAGE, IOVA_BASE));
		/* Mappings do not keep it. */
		EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas));
		EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, self->ioas));
		EXPECT_EQ(-ENOENT, iommu_map(self->fd, self->ioas,
					     self->buffer, PAGE, IOVA_BASE));
		return;
	}
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, test_device_remove(self->fd, &self->dev));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas));
}

TEST_F(ioas, many_mappings)
{
	const unsigned int n = 512;
	long before = pinned_pages();
	__u64 done;
	unsigned int i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas,
				       self->buffer + i % 64 * PAGE, PAGE,
				       IOVA_BASE + i * 7919 % n * PAGE));
	EXPECT_EQ(before + pages_if_attached(variant, n), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, n * PAGE,
				 &done));
	EXPECT_EQ(n * PAGE, done);
	EXPECT_EQ(before, pinned_pages());
}

TEST_F(ioas, huge_pages)
{
	const size_t huge = 2UL << 20;
	long before = pinned_pages();
	char *p, *memory;
	__u64 done;

	p = mmap(NULL, 4 * huge, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	memory = (char *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
	madvise(memory, 2 * huge, MADV_HUGEPAGE);
	memset(memory, 1, 2 * huge);
	/* Aligned, then cut at both ends within a huge page */
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory, 2 * huge,
			       2 * IOVA_BASE));
	EXPECT_EQ(before + pages_if_attached(variant, 1024), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 2 * IOVA_BASE, 2 * huge,
				 &done));
	EXPECT_EQ(2 * huge, done);
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory + 3 * PAGE,
			       huge, 2 * IOVA_BASE + PAGE));
	EXPECT_EQ(before + pages_if_attached(variant, 512), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
}

TEST_F(ioas, hugetlb)
{
	const size_t huge = 2UL << 20;
	long before = pinned_pages();
	void *p;

	p = mmap(NULL, huge, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1,
		 0);
	if (p == MAP_FAILED)
		SKIP(return, "no huge page is reserved (vm.nr_hugepages)");
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, p, huge, 2 * IOVA_BASE));
	EXPECT_EQ(before + pages_if_attached(variant, 512), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 2 * IOVA_BASE, huge,
				 NULL));
	EXPECT_EQ(before, pinned_pages());
}

TEST_F(ioas, memfd)
{
	int file = memfd_create("iommu", MFD_CLOEXEC);
	long before = pinned_pages();
	char *shared;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, ftruncate(file, 8 * PAGE));
	shared = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file,
		      0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, shared, 8 * PAGE,
			       IOVA_BASE));
	/* The file's pages stay although nothing else refers to them. */
	close(file);
	munmap(shared, 8 * PAGE);
	EXPECT_EQ(before + pages_if_attached(variant, 8), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 8 * PAGE,
				 NULL));
	EXPECT_EQ(before, pinned_pages());
}

/* A user of its own, without the right to pin as much as it likes. */
static int become_user(uid_t uid, rlim_t pages)
{
	struct rlimit limit = { pages * PAGE, pages * PAGE };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	/* Else /proc/self would belong to root now. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

static void limit_exact(struct __test_metadata *_metadata, int fd, __u32 ioas,
			char *buffer)
{
	struct fdinfo before, after;
	long pinned = pinned_pages();

	state_of(fd, &before);
	/* 16 pages are allowed; 17 are one too many. */
	EXPECT_EQ(-ENOMEM, iommu_map(fd, ioas, buffer, 17 * PAGE, IOVA_BASE));
	EXPECT_EQ(pinned, pinned_pages());
	state_of(fd, &after);
	EXPECT_STREQ(before.text, after.text);
	ASSERT_EQ(0, iommu_map(fd, ioas, buffer, 16 * PAGE, IOVA_BASE));
	EXPECT_EQ(-ENOMEM, iommu_map(fd, ioas, buffer, PAGE,
				     IOVA_BASE + 32 * PAGE));
	ASSERT_EQ(0, iommu_unmap(fd, ioas, IOVA_BASE, 16 * PAGE, NULL));
	/* In pieces, and again: nothing of the allowance has been lost. */
	ASSERT_EQ(0, iommu_map(fd, ioas, buffer, 15 * PAGE, IOVA_BASE));
	EXPECT_EQ(-ENOMEM, iommu_map(fd, ioas, buffer, 2 * PAGE,
				     IOVA_BASE + 32 * PAGE));
	EXPECT_EQ(0, iommu_map(fd, ioas, buffer, PAGE, IOVA_BASE + 32 * PAGE));
	ASSERT_EQ(0, iommu_unmap(fd, ioas, 0, ~0ULL, NULL));
	ASSERT_EQ(0, iommu_map(fd, ioas, buffer, 16 * PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_unmap(fd, ioas, 0, ~0ULL, NULL));
}

TEST_F(ioas, memory_limit_of_a_user)
{
	if (!variant->attached)
		SKIP(return, "nothing is pinned without a device");
	ASSERT_EQ(0, become_user(47110, 16));
	limit_exact(_metadata, self->fd, self->ioas, self->buffer);
}

/* Charged to the process, as VFIO's type1 does it. */
TEST_F(ioas, memory_limit_of_a_process)
{
	struct test_device dev;
	__u64 value = 1;
	__u32 ioas;
	int fd, rc;

	if (!variant->attached)
		SKIP(return, "nothing is pinned without a device");
	test_device_remove(self->fd, &self->dev);
	fd = iommu_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, iommu_option(fd, IOMMU_OPTION_RLIMIT_MODE,
				  IOMMU_OPTION_OP_SET, 0, &value));
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	rc = test_device_make(fd, 0, ioas, &dev);
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, become_user(47111, 16));
	limit_exact(_metadata, fd, ioas, self->buffer);
	test_device_remove(fd, &dev);
	close(fd);
	/* For the teardown */
	test_device_make(self->fd, 0, self->ioas, &self->dev);
}

TEST_F(ioas, process_mode_needs_the_right)
{
	__u64 value = 1;
	int fd = iommu_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, become_user(47112, 16));
	EXPECT_EQ(-EPERM, iommu_option(fd, IOMMU_OPTION_RLIMIT_MODE,
				       IOMMU_OPTION_OP_SET, 0, &value));
	EXPECT_EQ(0, iommu_option(fd, IOMMU_OPTION_RLIMIT_MODE,
				  IOMMU_OPTION_OP_GET, 0, &value));
	EXPECT_EQ(0, value);
	close(fd);
}

/*
 * One open file in two processes: the same address in each is different memory,
 * and each pays for its own.
 */
TEST_F(ioas, one_fd_in_two_processes)
{
	long before = pinned_pages();
	int up[2], down[2];
	char token = 0;
	pid_t child;
	int status;

	memset(self->buffer, 'p', 4 * PAGE);
	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(down));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		long mine = pinned_pages();
		int bad = 0;

		memset(self->buffer, 'c', 4 * PAGE);
		bad |= !!iommu_map(self->fd, self->ioas, self->buffer,
				   4 * PAGE, IOVA_BASE + 64 * PAGE);
		if (pinned_pages() != mine + pages_if_attached(variant, 4))
			bad |= 2;
		/* The parent's mapping is not this process's to pay for. */
		if (write(up[1], "m", 1) != 1 || read(down[0], &token, 1) != 1)
			bad |= 4;
		if (pinned_pages() != mine + pages_if_attached(variant, 4))
			bad |= 8;
		_exit(bad);
	}
	ASSERT_EQ(1, read(up[0], &token, 1));
	EXPECT_EQ(before, pinned_pages());
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, 2 * PAGE,
			       IOVA_BASE));
	EXPECT_EQ(before + pages_if_attached(variant, 2), pinned_pages());
#ifndef TEST_VTD
	if (variant->attached) {
		/* What the device reads is each process's own memory. */
		char data[2] = "";
		struct mock_dma dma = {
			.dev = self->dev.id,
			.iova = IOVA_BASE + PAGE,
			.data = &data[0],
			.length = 1,
			.timeout_ms = FOREVER_MS,
		};

		ASSERT_EQ(0, mock_dma(self->fd, &dma));
		EXPECT_EQ(MOCK_DMA_OK, dma.status);
		EXPECT_EQ('p', data[0]);
		dma.iova = IOVA_BASE + 65 * PAGE;
		ASSERT_EQ(0, mock_dma(self->fd, &dma));
		EXPECT_EQ(MOCK_DMA_OK, dma.status);
		EXPECT_EQ('c', data[0]);
	}
#endif
	ASSERT_EQ(1, write(down[1], "x", 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	/* The child has gone; its mapping and its charge are taken back here. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE + 64 * PAGE,
				 4 * PAGE, NULL));
	EXPECT_EQ(before + pages_if_attached(variant, 2), pinned_pages());
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, 2 * PAGE,
				 NULL));
	EXPECT_EQ(before, pinned_pages());
}

/* Memory of a process that is gone cannot be pinned any more. */
TEST_F(ioas, process_gone_before_the_device_comes)
{
	struct test_device dev;
	__u32 ioas;
	pid_t child;
	int status;

	if (variant->attached)
		SKIP(return, "the other variant makes the device later");
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(iommu_map(self->fd, ioas, self->buffer, 4 * PAGE,
				IOVA_BASE) ? 1 : 0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	memset(&dev, 0, sizeof(dev));
	status = test_device_make(self->fd, 0, ioas, &dev);
	if (status == -ENODEV)
		SKIP(return, "there is no device for this test");
	EXPECT_EQ(-EFAULT, status);
	test_device_remove(self->fd, &dev);
	ASSERT_EQ(0, iommu_unmap(self->fd, ioas, 0, ~0ULL, NULL));
}

#ifdef TEST_VTD
/* Memory of a device is mapped by its address, and nothing is pinned; not by its file. */
TEST_F(ioas, device_memory)
{
	struct fdinfo before, after;
	__u64 iova = IOVA_BASE;
	long pinned;

	if (!variant->attached)
		SKIP(return, "nothing is pinned without a device");
	ASSERT_EQ(0, vfio_dev_map_bar0(&self->dev.v));
	pinned = pinned_pages();
	state_of(self->fd, &before);
	EXPECT_EQ(-EINVAL, iommu_map_file(self->fd, self->ioas,
					  self->dev.v.fd, 0, PAGE,
					  IOMMU_MAP_RW |
					  IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas,
			       (void *)self->dev.v.bar0, PAGE, IOVA_BASE));
	EXPECT_EQ(pinned, pinned_pages());
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, PAGE, NULL));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(pinned, pinned_pages());
}
#endif

TEST_HARNESS_MAIN
