// SPDX-License-Identifier: GPL-2.0
/*
 * The window for MSI doorbells, on the mock: where it is, what stands against it, and
 * that what a device was told once holds wherever it goes. The mock has devices whose
 * doorbells are mapped, and does what an interrupt controller's code does when an
 * interrupt is requested; a doorbell is an address that is no memory.
 *
 * iommu_msi.c has real interrupts, on the IOMMUs that QEMU has.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#include "map_trace.h"
#include "msi_test.h"

#define LENGTH		(1ULL << 20)
#define DOORBELL	(1ULL << 40)
/* Where nothing else is: in what the mock translates, and reserved by nobody */
#define ELSEWHERE	0x20000000ULL

FIXTURE(window) {
	int fd;
	__u32 ioas;
	struct mock_device d;
	char *mem;
};

FIXTURE_SETUP(window)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->mem = mem_get(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, 0,
				 MOCK_FLAGS_DEVICE_SW_MSI |
				 MOCK_FLAGS_DEVICE_RESERVED |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &self->d));
}

FIXTURE_TEARDOWN(window)
{
	if (self->fd >= 0)
		close(self->fd);
}

static int attach(int fd, const struct mock_device *d, __u32 pt)
{
	return mock_pasid(fd, IOMMU_TEST_OP_PASID_ATTACH, d->stdev, 0, &pt);
}

static int detach(int fd, const struct mock_device *d)
{
	return mock_pasid_detach(fd, d->stdev, 0);
}

static int another(int fd, __u32 flags, struct mock_device *d)
{
	return mock_device(fd, 0, flags | MOCK_FLAGS_DEVICE_SW_MSI |
			   MOCK_FLAGS_DEVICE_UNATTACHED, d);
}

/* The window is there, and so says the probe. */
#define EXPECT_WINDOW(dev, first, bytes, out_flags) do {		\
	struct iommu_probe_region _region;				\
	struct iommu_msi_window _w;					\
									\
	ASSERT_EQ(0, iommu_msi_window(self->fd, dev, &_w));		\
	EXPECT_EQ(first, _w.start);					\
	EXPECT_EQ(bytes, _w.length);					\
	EXPECT_EQ(out_flags, _w.flags);					\
	ASSERT_EQ(0, msi_region(self->fd, dev, &_region));		\
	EXPECT_EQ(first, _region.start);				\
	EXPECT_EQ((first) + (bytes) - 1, _region.last);			\
	EXPECT_EQ(IOMMU_PROBE_REGION_SW_MSI, _region.kind);		\
} while (0)

#define FIXED	(IOMMU_MSI_WINDOW_FIXED | IOMMU_MSI_WINDOW_STABLE)
#define OPEN	IOMMU_MSI_WINDOW_STABLE

/* A write of the device there reaches the doorbell. */
#define EXPECT_REACHES(dev, addr, doorbell) do {			\
	__u64 _reached = 0;						\
									\
	EXPECT_EQ(0, mock_msi_write(self->fd, dev, addr, &_reached));	\
	EXPECT_EQ(doorbell, _reached);					\
} while (0)

#define EXPECT_REACHES_NOTHING(dev, addr) do {				\
	__u64 _reached;							\
									\
	EXPECT_EQ(-ENOENT, mock_msi_write(self->fd, dev, addr, &_reached)); \
} while (0)

TEST_F(window, as_the_driver_says)
{
	__u64 addr;

	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, FIXED);
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL + 0x40, &addr));
	EXPECT_EQ(MOCK_MSI_START + 0x40, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL + 0x40);
	/* Nobody maps anything there */
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     MOCK_MSI_START));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     MOCK_MSI_LAST & -PAGE));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_LAST + 1));
}

TEST_F(window, where_user_space_says)
{
	__u64 addr;

	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, self->ioas,
					  ELSEWHERE, 4 * PAGE));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE, 4 * PAGE, FIXED);
	/* Until it is attached it may be said again: to overlap, and the same too */
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  ELSEWHERE + PAGE, 2 * PAGE));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE + PAGE, 2 * PAGE, FIXED);
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  ELSEWHERE + PAGE, 2 * PAGE));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE + PAGE, 2 * PAGE, FIXED);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     ELSEWHERE + PAGE));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr));
	EXPECT_EQ(ELSEWHERE + PAGE, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);

	/* There it stays */
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, self->d.dev, 0,
					       ELSEWHERE, PAGE));
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  ELSEWHERE + PAGE, 2 * PAGE));
	ASSERT_EQ(0, detach(self->fd, &self->d));
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, self->d.dev, 0,
					       ELSEWHERE, PAGE));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE + PAGE, 2 * PAGE, FIXED);
}

TEST_F(window, errors)
{
	const struct {
		__u64 start;
		__u64 length;
		int error;
	} bad[] = {
		{ 0, LENGTH, -EINVAL },
		{ ELSEWHERE, 0, -EINVAL },
		{ 0, 0, -EINVAL },
		{ ELSEWHERE + 1, LENGTH, -EINVAL },
		{ ELSEWHERE + MOCK_PAGE, LENGTH, -EINVAL },
		{ ELSEWHERE, PAGE + 1, -EINVAL },
		{ ELSEWHERE, IOMMU_MSI_WINDOW_LENGTH_MAX + PAGE, -EINVAL },
		{ ELSEWHERE, ~0ULL, -EINVAL },
		{ -PAGE, 2 * PAGE, -EOVERFLOW },
		/* The mock's aperture */
		{ MOCK_APERTURE_START - PAGE, LENGTH, -ERANGE },
		{ MOCK_APERTURE_LAST + 1ULL - PAGE, 2 * PAGE, -ERANGE },
		{ 1ULL << 40, LENGTH, -ERANGE },
		{ -PAGE, PAGE, -ERANGE },
		/* The device's own region */
		{ MOCK_RESERVED_START, PAGE, -EADDRINUSE },
		{ MOCK_RESERVED_START - PAGE, 2 * PAGE, -EADDRINUSE },
		{ (MOCK_RESERVED_LAST & -PAGE), 2 * PAGE, -EADDRINUSE },
	};
	struct iommu_device_msi_window c = { .size = sizeof(c) };
	struct fdinfo before, after;
	struct mock_device plain;
	struct iommu_msi_window w;
	unsigned int i;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &plain));
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_EQ(bad[i].error,
			  iommu_msi_window_set(self->fd, self->d.dev, 0,
					       bad[i].start, bad[i].length))
			TH_LOG("%u: %#llx, %#llx", i, bad[i].start,
			       bad[i].length);
		EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	}
	/* Right up to the edges */
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  MOCK_APERTURE_START, PAGE));
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  (MOCK_APERTURE_LAST & -PAGE), PAGE));
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  MOCK_RESERVED_LAST + 1,
					  IOMMU_MSI_WINDOW_LENGTH_MAX));
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  MOCK_MSI_START, LENGTH));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, FIXED);
	/* An error leaves what was said */
	EXPECT_EQ(-ERANGE, iommu_msi_window_set(self->fd, self->d.dev, 0,
						1ULL << 40, LENGTH));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, FIXED);

	EXPECT_EQ(-ENOENT, iommu_msi_window(self->fd, 0, &w));
	EXPECT_EQ(-ENOENT, iommu_msi_window(self->fd, self->ioas, &w));
	EXPECT_EQ(-ENOENT, iommu_msi_window_set(self->fd, self->d.dev,
						self->d.dev, ELSEWHERE, PAGE));
	EXPECT_EQ(-ENOENT, iommu_msi_window_set(self->fd, self->d.dev, 100000,
						ELSEWHERE, PAGE));
	EXPECT_EQ(-EOPNOTSUPP, iommu_msi_window(self->fd, plain.dev, &w));
	EXPECT_EQ(-EOPNOTSUPP, iommu_msi_window_set(self->fd, plain.dev, 0,
						    ELSEWHERE, PAGE));
	c.dev_id = self->d.dev;
	c.flags = IOMMU_MSI_WINDOW_FIXED;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd, IOMMU_DEVICE_MSI_WINDOW,
					  &c));
	c.flags = 0;
	c.ioas_id = self->ioas;
	EXPECT_EQ(-EINVAL, iommu_call(self->fd, IOMMU_DEVICE_MSI_WINDOW, &c));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, FIXED);
	state_of(self->fd, &after);
	EXPECT_NE(0, strcmp(before.text, after.text));
	EXPECT_NE(NULL, strstr(after.text, " msi=0x8000000-0x80fffff"));
}

/* The answer cannot be stored: it is where it was. */
TEST_F(window, answer_into_read_only_memory)
{
	struct iommu_device_msi_window *c = mem_get(PAGE);

	ASSERT_NE(NULL, c);
	*c = (struct iommu_device_msi_window){
		.size = sizeof(*c),
		.flags = IOMMU_MSI_WINDOW_SET,
		.dev_id = self->d.dev,
		.start = ELSEWHERE,
		.length = LENGTH,
	};
	ASSERT_EQ(0, mprotect(c, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_DEVICE_MSI_WINDOW, c));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  PAGE));
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_DEVICE_MSI_WINDOW, c));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE, PAGE, FIXED);
}

/* What the IOAS has is looked at when it is named, and when the device comes. */
TEST_F(window, something_is_in_the_ioas)
{
	struct iommu_iova_range promised = {
		.start = ELSEWHERE + LENGTH,
		.last = ELSEWHERE + 2 * LENGTH - 1,
	};
	__u32 other;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE + LENGTH - PAGE));
	ASSERT_EQ(0, iommu_allow(self->fd, other, &promised, 1));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, self->d.dev,
						    self->ioas, ELSEWHERE,
						    LENGTH));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, self->d.dev, other,
						    ELSEWHERE, LENGTH + PAGE));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, self->ioas,
					  ELSEWHERE, LENGTH - PAGE));
	/* Looking leaves nothing behind */
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &self->d, self->ioas));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE, LENGTH - PAGE, FIXED);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, ELSEWHERE, PAGE, NULL));
	EXPECT_EQ(0, attach(self->fd, &self->d, self->ioas));
	EXPECT_EQ(-EADDRINUSE,
		  iommu_allow(self->fd, self->ioas,
			      &(struct iommu_iova_range){
				      ELSEWHERE, ELSEWHERE + LENGTH - PAGE - 1
			      }, 1));
}

/* Nobody said where: it is where nothing is mapped, promised or reserved. */
TEST_F(window, avoids_what_is_mapped)
{
	struct iommu_iova_range promised[2] = {
		/* All of the aperture but two holes, one of which is too small */
		{ MOCK_APERTURE_START, ELSEWHERE - 1 },
		{ ELSEWHERE + LENGTH - PAGE, MOCK_RESERVED_START - 1 },
	};
	struct iommu_msi_window w;
	struct mock_device d2;
	__u32 other, pt;
	__u64 addr;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START + LENGTH / 2));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->d.dev, &w));
	EXPECT_NE(MOCK_MSI_START, w.start);
	EXPECT_EQ(LENGTH, w.length);
	EXPECT_EQ(FIXED, w.flags);
	EXPECT_LE(MOCK_APERTURE_START, w.start);
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr));
	EXPECT_EQ(w.start, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     w.start));

	/* Another device, where that is promised: but one MiB above is free */
	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_RESERVED, &d2));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_allow(self->fd, other, promised, 2));
	pt = other;
	ASSERT_EQ(0, attach(self->fd, &d2, pt));
	EXPECT_WINDOW(d2.dev, MOCK_RESERVED_LAST + 1, LENGTH, FIXED);
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &addr));
	EXPECT_EQ(MOCK_RESERVED_LAST + 1, addr);
	EXPECT_REACHES(d2.dev, addr, DOORBELL);
}

TEST_F(window, nowhere)
{
	struct iommu_iova_range promised = { MOCK_APERTURE_START,
					     MOCK_RESERVED_START - 1 };
	struct iommu_iova_range rest = { MOCK_RESERVED_LAST + 1,
					 MOCK_APERTURE_LAST };
	struct iommu_iova_range both[2] = { promised, rest };
	__u32 other;

	ASSERT_EQ(0, iommu_allow(self->fd, self->ioas, both, 2));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &self->d, self->ioas));
	/* The attempt has left nothing: another one is free to choose */
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, attach(self->fd, &self->d, other));
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, FIXED);
}

/* In whatever HWPT, at any time: the address it was told reaches the doorbell. */
TEST_F(window, stable_across_replace)
{
	__u32 other, hwpt, pt, i;
	__u64 addr[2], more;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mock_msi(self->fd, self->d.dev,
				      DOORBELL + i * LENGTH, &addr[i]));
	EXPECT_NE(addr[0], addr[1]);
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, other));
	for (i = 0; i < 2; i++)
		EXPECT_REACHES(self->d.dev, addr[i], DOORBELL + i * LENGTH);
	/* The IOAS it has left is free again */
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	EXPECT_EQ(-EADDRINUSE, mock_replace(self->fd, self->d.stdev,
					    self->ioas));
	EXPECT_REACHES(self->d.dev, addr[0], DOORBELL);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, MOCK_MSI_START, PAGE,
				 NULL));
	/* To a HWPT of its own; what comes later is the same everywhere */
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->d.dev, self->ioas, 0, 0,
				       &hwpt));
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, hwpt));
	for (i = 0; i < 2; i++)
		EXPECT_REACHES(self->d.dev, addr[i], DOORBELL + i * LENGTH);
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL + 2 * LENGTH,
			      &more));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr[1]));
	EXPECT_EQ(addr[0], addr[1]);
	pt = self->ioas;
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, pt));
	EXPECT_REACHES(self->d.dev, more, DOORBELL + 2 * LENGTH);
	EXPECT_REACHES(self->d.dev, addr[0], DOORBELL);
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
}

/*
 * Tables of one IOAS may differ in how far they reach, with doorbells or before there are
 * any: of those to come none could be mapped, for whoever shares the window.
 */
TEST_F(window, not_in_every_table_of_an_ioas)
{
	struct mock_device narrow;
	__u32 hwpt, wide, i;
	__u64 addr = 0;

	ASSERT_LT(MOCK_NARROW_LAST, ELSEWHERE);
	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_NARROW, &narrow));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  LENGTH));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, narrow.dev, self->ioas, 0, 0,
				       &hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->d.dev, self->ioas, 0, 0,
				       &wide));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EADDRINUSE, mock_replace(self->fd, self->d.stdev,
						    hwpt));
		ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL + i * PAGE,
				      &addr));
		EXPECT_REACHES(self->d.dev, addr, DOORBELL + i * PAGE);
	}
	EXPECT_EQ(0, mock_replace(self->fd, self->d.stdev, wide));
	EXPECT_REACHES(self->d.dev, addr, DOORBELL + PAGE);
	/* Nor if it comes from nowhere */
	ASSERT_EQ(0, detach(self->fd, &self->d));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &self->d, hwpt));
}

/* Doorbells are the group's: kept free for one, too, that has no such region of its own */
TEST_F(window, whoever_of_the_group_is_attached)
{
	struct mock_device other;
	__u64 addr;

	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_SHARED, &self->d));
	ASSERT_EQ(0, mock_device(self->fd, 0, MOCK_FLAGS_DEVICE_SHARED |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &other));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr));
	ASSERT_EQ(0, detach(self->fd, &self->d));
	ASSERT_EQ(0, attach(self->fd, &other, self->ioas));
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     addr & -PAGE));
	ASSERT_EQ(0, detach(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       addr & -PAGE));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &other, self->ioas));
}

/* Detached it reaches nothing; what it was told then, or before, holds after. */
TEST_F(window, requested_while_detached)
{
	__u64 before, then;
	__u32 i;

	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &before));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, detach(self->fd, &self->d));
		EXPECT_REACHES_NOTHING(self->d.dev, before);
		EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				       MOCK_MSI_START));
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, MOCK_MSI_START,
					 PAGE, NULL));
		ASSERT_EQ(0, mock_msi(self->fd, self->d.dev,
				      DOORBELL + (i + 1) * PAGE, &then));
		EXPECT_EQ(MOCK_MSI_START + (i + 1) * PAGE, then);
		EXPECT_REACHES_NOTHING(self->d.dev, then);
		ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
		EXPECT_REACHES(self->d.dev, before, DOORBELL);
		EXPECT_REACHES(self->d.dev, then, DOORBELL + (i + 1) * PAGE);
	}
}

/* The same place for the same doorbell, wherever it was asked for first */
TEST_F(window, shared_by_devices)
{
	__u64 first, second, addr;
	struct mock_device d2;
	__u32 other;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, attach(self->fd, &d2, other));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, FIXED);
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &first));
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL + LENGTH, &second));
	/* It has a place, and is mapped in the other's table */
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &addr));
	EXPECT_EQ(first, addr);
	EXPECT_REACHES(d2.dev, addr, DOORBELL);
	EXPECT_REACHES(d2.dev, second, DOORBELL + LENGTH);
	/* They change places */
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, other));
	ASSERT_EQ(0, mock_replace(self->fd, d2.stdev, self->ioas));
	EXPECT_REACHES(self->d.dev, first, DOORBELL);
	EXPECT_REACHES(d2.dev, second, DOORBELL + LENGTH);
	/* One goes, the other has what it had */
	ASSERT_EQ(0, mock_replace(self->fd, d2.stdev, other));
	ASSERT_EQ(0, iommu_destroy(self->fd, self->d.stdev));
	EXPECT_REACHES(d2.dev, second, DOORBELL + LENGTH);
	EXPECT_REACHES(d2.dev, first, DOORBELL);
}

/* Each its own, in one HWPT: neither is in the other's way. */
TEST_F(window, two_windows)
{
	struct mock_device d2;
	__u64 a, b;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  2 * PAGE));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, d2.dev, 0,
						    ELSEWHERE + PAGE,
						    2 * PAGE));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, d2.dev, 0,
						    ELSEWHERE, PAGE));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d2.dev, 0,
					  ELSEWHERE + 2 * PAGE, PAGE));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	ASSERT_EQ(0, attach(self->fd, &d2, self->ioas));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &a));
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &b));
	EXPECT_EQ(ELSEWHERE, a);
	EXPECT_EQ(ELSEWHERE + 2 * PAGE, b);
	EXPECT_REACHES(self->d.dev, a, DOORBELL);
	EXPECT_REACHES(self->d.dev, b, DOORBELL);
	ASSERT_EQ(0, detach(self->fd, &d2));
	EXPECT_REACHES(self->d.dev, a, DOORBELL);
	EXPECT_REACHES_NOTHING(self->d.dev, b);
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE + 2 * PAGE));
}

/* More doorbells than it has pages: who asks is told, nothing else happens. */
TEST_F(window, full)
{
	struct iommu_msi_window w;
	__u64 addr, i;

	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  3 * PAGE));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE + 3 * PAGE));
	ASSERT_EQ(0, attach(self->fd, &self->d, self->ioas));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mock_msi(self->fd, self->d.dev,
				      DOORBELL + i * LENGTH, &addr));
		EXPECT_EQ(ELSEWHERE + i * PAGE, addr);
	}
	for (i = 3; i < 6; i++)
		EXPECT_EQ(-ENOMEM, mock_msi(self->fd, self->d.dev,
					    DOORBELL + i * LENGTH, &addr));
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->d.dev, &w));
	EXPECT_EQ(3, w.doorbells);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mock_msi(self->fd, self->d.dev,
				      DOORBELL + i * LENGTH, &addr));
		EXPECT_REACHES(self->d.dev, addr, DOORBELL + i * LENGTH);
	}
}

/* A group: one window, whoever is asked; the second to come has it too. */
TEST_F(window, group)
{
	struct mock_device a, b;
	__u64 addr;

	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_SHARED, &a));
	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_SHARED |
			     MOCK_FLAGS_DEVICE_RESERVED, &b));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, a.dev, 0,
						    MOCK_RESERVED_START, PAGE));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, a.dev, 0, ELSEWHERE, PAGE));
	EXPECT_WINDOW(b.dev, ELSEWHERE, PAGE, FIXED);
	ASSERT_EQ(0, attach(self->fd, &a, self->ioas));
	ASSERT_EQ(0, attach(self->fd, &b, self->ioas));
	ASSERT_EQ(0, mock_msi(self->fd, b.dev, DOORBELL, &addr));
	EXPECT_REACHES(a.dev, addr, DOORBELL);
	EXPECT_REACHES(b.dev, addr, DOORBELL);
	ASSERT_EQ(0, detach(self->fd, &a));
	EXPECT_REACHES(b.dev, addr, DOORBELL);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     ELSEWHERE));
	ASSERT_EQ(0, detach(self->fd, &b));
	EXPECT_REACHES_NOTHING(b.dev, addr);
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE));
}

/* A HWPT for a list: their window is settled, and kept free, when it is made. */
TEST_F(window, list)
{
	__u32 devs[2], hwpt, who, why, other;
	struct mock_device d2;
	__u64 addr;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	devs[0] = self->d.dev;
	devs[1] = d2.dev;
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	/* One that fails leaves nothing */
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->mem, PAGE,
			       MOCK_RESERVED_START));
	EXPECT_EQ(-EADDRINUSE, iommu_hwpt_for(self->fd, devs, 2, other, 0,
					      &hwpt, &who, &why));
	EXPECT_EQ(self->d.dev, who);
	EXPECT_WINDOW(self->d.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0, &hwpt,
				    &who, &why));
	/* The lowest place, for both */
	EXPECT_WINDOW(self->d.dev, MOCK_APERTURE_START, LENGTH, FIXED);
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START, LENGTH, FIXED);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     MOCK_APERTURE_START));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	ASSERT_EQ(0, attach(self->fd, &self->d, hwpt));
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &addr));
	EXPECT_EQ(MOCK_APERTURE_START, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
}

/**
 * struct held_call - a call by a thread that is held when it tells its result
 * @fd: of the call
 * @number: of the call: IOMMU_HWPT_ALLOC by default
 * @page: of its own, which the kernel can read; a write to it waits
 * @cmd: there, in a call of that number
 * @window: there, in an IOMMU_DEVICE_MSI_WINDOW
 * @uffd: tells of the write, and lets it go on
 * @thread: that makes the call
 * @rc: what it has returned, once joined
 */
struct held_call {
	int fd;
	unsigned long number;
	union {
		void *page;
		struct iommu_hwpt_alloc *cmd;
		struct iommu_device_msi_window *window;
	};
	int uffd;
	pthread_t thread;
	int rc;
};

static void *make_call(void *data)
{
	struct held_call *h = data;

	h->rc = iommu_call(h->fd, h->number, h->page);
	return NULL;
}

static int write_protect(struct held_call *h, __u64 mode)
{
	struct uffdio_writeprotect protect = {
		.range = { .start = (uintptr_t)h->page, .len = PAGE },
		.mode = mode,
	};

	return ioctl(h->uffd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

/* The call is made and not told yet. -EOPNOTSUPP: this kernel cannot hold a call. */
static int hold(struct held_call *h)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct pollfd p = { .events = POLLIN };
	struct uffd_msg msg;
	int rc;

	h->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (h->uffd < 0 || ioctl(h->uffd, UFFDIO_API, &api))
		return -EOPNOTSUPP;
	reg.range.start = (uintptr_t)h->page;
	reg.range.len = PAGE;
	if (ioctl(h->uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	rc = write_protect(h, UFFDIO_WRITEPROTECT_MODE_WP);
	if (rc)
		return rc;
	if (pthread_create(&h->thread, NULL, make_call, h))
		return -EAGAIN;
	p.fd = h->uffd;
	if (poll(&p, 1, FOREVER_MS) != 1 ||
	    read(h->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		return -EBADMSG;
	return 0;
}

/* The HWPT is made of @devs and not told yet. Return as hold(). */
static int hold_call(struct held_call *h, int fd, const __u32 *devs,
		     unsigned int num, __u32 ioas)
{
	h->fd = fd;
	h->number = IOMMU_HWPT_ALLOC;
	h->cmd = mem_get(PAGE);
	if (!h->cmd)
		return -ENOMEM;
	*h->cmd = (struct iommu_hwpt_alloc){
		.size = sizeof(*h->cmd),
		.dev_id = devs[0],
		.pt_id = ioas,
		.devs_uptr = (uintptr_t)devs,
		.num_devs = num,
	};
	return hold(h);
}

/* Returns what the call has. */
static int let_go(struct held_call *h)
{
	int rc = write_protect(h, 0);

	pthread_join(h->thread, NULL);
	close(h->uffd);
	return rc ? rc : h->rc;
}

/* While a HWPT is made for a list nobody moves what it counts on. */
TEST_F(window, list_while_others_try)
{
	__u32 devs[2], hwpt, who, why, other, third;
	struct iommu_msi_window w;
	struct held_call call;
	struct mock_device d2;
	__u64 addr;
	int rc;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	devs[0] = self->d.dev;
	devs[1] = d2.dev;
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &third));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->mem, PAGE,
			       MOCK_RESERVED_START));
	ASSERT_EQ(0, iommu_map(self->fd, third, self->mem, PAGE,
			       MOCK_APERTURE_START));
	rc = hold_call(&call, self->fd, devs, 2, self->ioas);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	ASSERT_EQ(0, rc);
	/* It may come to nothing yet */
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->d.dev, &w));
	EXPECT_EQ(OPEN, w.flags);
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, d2.dev, 0, ELSEWHERE,
					       LENGTH));
	/* What fails has nothing to give back */
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &self->d, other));
	EXPECT_EQ(-EADDRINUSE, iommu_hwpt_for(self->fd, devs, 2, other, 0,
					      &hwpt, &who, &why));
	EXPECT_EQ(self->d.dev, who);
	/* Nor does it choose another place, although there it could */
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, third));
	EXPECT_EQ(-EADDRINUSE, iommu_hwpt_for(self->fd, &devs[1], 1, third, 0,
					      &hwpt, &who, &why));
	EXPECT_EQ(d2.dev, who);
	EXPECT_EQ(IOMMU_PROBE_RESV_REGIONS, why);
	ASSERT_EQ(0, let_go(&call));
	hwpt = call.cmd->out_hwpt_id;
	EXPECT_WINDOW(self->d.dev, MOCK_APERTURE_START, LENGTH, FIXED);
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START, LENGTH, FIXED);
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, self->d.dev, 0,
					       ELSEWHERE, LENGTH));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     MOCK_APERTURE_START));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	ASSERT_EQ(0, attach(self->fd, &self->d, hwpt));
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &addr));
	EXPECT_EQ(MOCK_APERTURE_START, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
}

/* A SET that waits for its caller's memory holds up no other device. */
TEST_F(window, set_holds_up_nobody)
{
	struct held_call call = {
		.fd = self->fd,
		.number = IOMMU_DEVICE_MSI_WINDOW,
		.page = mem_get(PAGE),
	};
	struct iommu_msi_window w;
	struct mock_device d2, d3;
	int rc;

	ASSERT_NE(NULL, call.page);
	*call.window = (struct iommu_device_msi_window){
		.size = sizeof(*call.window),
		.flags = IOMMU_MSI_WINDOW_SET,
		.dev_id = self->d.dev,
		.start = ELSEWHERE,
		.length = LENGTH,
	};
	ASSERT_EQ(0, another(self->fd, 0, &d2));
	ASSERT_EQ(0, another(self->fd, 0, &d3));
	ASSERT_EQ(0, attach(self->fd, &d2, self->ioas));
	rc = hold(&call);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	ASSERT_EQ(0, rc);
	/* What follows is done before that is let go of, or never. */
	EXPECT_EQ(0, attach(self->fd, &d3, self->ioas));
	EXPECT_EQ(0, iommu_msi_window(self->fd, self->d.dev, &w));
	EXPECT_EQ(MOCK_MSI_START, w.start);
	EXPECT_EQ(0, iommu_destroy(self->fd, d2.stdev));
	EXPECT_EQ(0, iommu_destroy(self->fd, d3.stdev));
	EXPECT_EQ(0, let_go(&call));
	EXPECT_EQ(ELSEWHERE, call.window->start);
	EXPECT_EQ(FIXED, call.window->out_flags);
	EXPECT_WINDOW(self->d.dev, ELSEWHERE, LENGTH, FIXED);
}

/* It comes to nothing: who was attached meanwhile has the window, others are free. */
TEST_F(window, list_that_fails_late)
{
	struct iommu_msi_window w;
	struct held_call call;
	struct mock_device d2;
	__u32 devs[2], other;
	int rc;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	devs[0] = self->d.dev;
	devs[1] = d2.dev;
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	rc = hold_call(&call, self->fd, devs, 2, self->ioas);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	ASSERT_EQ(0, rc);
	EXPECT_EQ(0, attach(self->fd, &d2, other));
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, self->d.dev, 0,
					       ELSEWHERE, LENGTH));
	ASSERT_EQ(0, mprotect(call.cmd, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, let_go(&call));
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START, LENGTH, FIXED);
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->d.dev, &w));
	EXPECT_EQ(OPEN, w.flags);
	EXPECT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  LENGTH));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_APERTURE_START));
	EXPECT_EQ(0, attach(self->fd, &self->d, self->ioas));
	EXPECT_WINDOW(self->d.dev, ELSEWHERE, LENGTH, FIXED);
}

/* What is foretold of a list, by the combination of what is said of each */
#define EXPECT_FORETOLD(devs, num_devs, ioas) do {			\
	struct iommu_iova_range _have[16];				\
	__u32 _n = ARRAY_LEN(_have), _hwpt, _who, _why, _i;		\
	struct probe _all = { 0 }, _one, _next;				\
	struct probe_hwpt _want;					\
	__u16 _what;							\
									\
	for (_i = 0; _i < (num_devs); _i++) {				\
		ASSERT_EQ(0, probe_read(self->fd, (devs)[_i], &_one));	\
		ASSERT_EQ(0, probe_combine(_i ? &_all : &_one, &_one,	\
					   &_next, &_what));		\
		probe_free(&_all);					\
		probe_free(&_one);					\
		_all = _next;						\
	}								\
	ASSERT_EQ(0, probe_hwpt(&_all, 0, &_want, &_what));		\
	ASSERT_EQ(0, iommu_hwpt_for(self->fd, devs, num_devs, ioas, 0,	\
				    &_hwpt, &_who, &_why));		\
	ASSERT_EQ(0, iommu_ranges(self->fd, ioas, _have, &_n, NULL));	\
	ASSERT_EQ(_want.num, _n);					\
	EXPECT_EQ(0, memcmp(_have, _want.ranges, _n * sizeof(*_have)));	\
	EXPECT_EQ(0, iommu_destroy(self->fd, _hwpt));			\
	probe_hwpt_free(&_want);					\
	probe_free(&_all);						\
} while (0)

/* Another's window is taken over, and that is told before it is done. */
TEST_F(window, told_before)
{
	__u32 other, third, both[2];
	struct mock_device d2, d3, narrow;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	ASSERT_EQ(0, another(self->fd, 0, &d3));
	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_NARROW, &narrow));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &third));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  2 * LENGTH));
	EXPECT_WINDOW(d2.dev, ELSEWHERE, 2 * LENGTH, OPEN);
	/* Beyond what the tables of this one translate */
	EXPECT_WINDOW(narrow.dev, MOCK_MSI_START, LENGTH, OPEN);
	both[0] = d3.dev;
	both[1] = self->d.dev;
	EXPECT_FORETOLD(both, 2, third);
	EXPECT_WINDOW(d3.dev, ELSEWHERE, 2 * LENGTH, FIXED);
	ASSERT_EQ(0, attach(self->fd, &d2, other));
	EXPECT_WINDOW(d2.dev, ELSEWHERE, 2 * LENGTH, FIXED);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, other, self->mem, PAGE,
				     ELSEWHERE + LENGTH));
	EXPECT_EQ(0, iommu_map(self->fd, other, self->mem, PAGE,
			       MOCK_MSI_START));
	ASSERT_EQ(0, attach(self->fd, &narrow, self->ioas));
	EXPECT_WINDOW(narrow.dev, MOCK_MSI_START, LENGTH, FIXED);
}

/* Where it usually is another has a window that is too short to be taken over. */
TEST_F(window, told_before_although_in_the_way)
{
	struct mock_device d2, d3;
	__u32 other;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	ASSERT_EQ(0, another(self->fd, 0, &d3));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0,
					  MOCK_MSI_START + PAGE, PAGE));
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START, LENGTH, OPEN);
	/* And there too */
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d3.dev, 0,
					  MOCK_APERTURE_START + PAGE, PAGE));
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START + LENGTH, LENGTH, OPEN);
	ASSERT_EQ(0, attach(self->fd, &d2, self->ioas));
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START + LENGTH, LENGTH, FIXED);
	/* It is that of the next one */
	ASSERT_EQ(0, iommu_destroy(self->fd, d3.stdev));
	ASSERT_EQ(0, another(self->fd, 0, &d3));
	EXPECT_WINDOW(d3.dev, MOCK_APERTURE_START + LENGTH, LENGTH, OPEN);
	ASSERT_EQ(0, attach(self->fd, &d3, other));
	EXPECT_WINDOW(d3.dev, MOCK_APERTURE_START + LENGTH, LENGTH, FIXED);
}

#define FOREIGN	(MOCK_FLAGS_DEVICE_FOREIGN | MOCK_FLAGS_DEVICE_LATE | \
		 MOCK_FLAGS_DEVICE_NARROW)
#define NEARBY	0x10000000ULL

/*
 * A driver that says nothing of its tables, and has the doorbells of each in one place:
 * an attach that fails, late, does not choose it.
 */
TEST_F(window, of_another_driver)
{
	__u32 other, hwpt, second;
	struct mock_device d2;

	ASSERT_EQ(0, another(self->fd, FOREIGN, &d2));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, 0);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_NARROW_LAST + 1));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d2.dev, self->ioas, 0, 0,
				       &hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d2.dev, self->ioas, 0, 0,
				       &second));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, hwpt));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, 0);
	/* Nobody watches where such a window ends, so it is a long one. */
	EXPECT_EQ(-EINVAL, iommu_msi_window_set(self->fd, d2.dev, 0, NEARBY,
						LENGTH - PAGE));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d2.dev, 0, NEARBY, LENGTH));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, hwpt));
	/* Nor does a replace */
	ASSERT_EQ(0, attach(self->fd, &d2, other));
	EXPECT_EQ(-EADDRINUSE, mock_replace(self->fd, d2.stdev, second));
	ASSERT_EQ(0, iommu_destroy(self->fd, d2.stdev));

	ASSERT_EQ(0, another(self->fd, FOREIGN, &d2));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d2.dev, 0, NEARBY + LENGTH,
					  LENGTH));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, MOCK_NARROW_LAST + 1,
				 PAGE, NULL));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	EXPECT_WINDOW(d2.dev, NEARBY + LENGTH, LENGTH, IOMMU_MSI_WINDOW_FIXED);
	ASSERT_EQ(0, mock_replace(self->fd, d2.stdev, second));
	ASSERT_EQ(0, iommu_destroy(self->fd, d2.stdev));

	/* One that does not fail does, for all who come later */
	ASSERT_EQ(0, another(self->fd, FOREIGN, &d2));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d2.dev, 0, NEARBY, LENGTH));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, hwpt));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, second));
	ASSERT_EQ(0, attach(self->fd, &d2, self->ioas));
}

/* Something is mapped where it would have been, had the first attach not failed. */
TEST_F(window, of_another_driver_moves)
{
	struct mock_device d2;
	__u32 hwpt;

	ASSERT_EQ(0, another(self->fd, FOREIGN, &d2));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_NARROW_LAST + 1));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d2.dev, self->ioas, 0, 0,
				       &hwpt));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d2, hwpt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, MOCK_NARROW_LAST + 1,
				 PAGE, NULL));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	EXPECT_WINDOW(d2.dev, MOCK_APERTURE_START, LENGTH,
		      IOMMU_MSI_WINDOW_FIXED);
}

/* Its doorbells stay in a HWPT, so nothing else comes there until that goes. */
TEST_F(window, of_another_driver_stays)
{
	struct mock_device d2, d3;
	__u32 other, hwpt;
	__u64 addr, more;

	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_FOREIGN, &d2));
	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_FOREIGN, &d3));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d2.dev, self->ioas, 0, 0,
				       &hwpt));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d2.dev, 0, NEARBY, LENGTH));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d3.dev, 0, NEARBY, LENGTH));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	ASSERT_EQ(0, mock_msi(self->fd, d2.dev, DOORBELL, &addr));
	EXPECT_EQ(NEARBY, addr);
	EXPECT_REACHES(d2.dev, addr, DOORBELL);
	ASSERT_EQ(0, detach(self->fd, &d2));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     addr));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     NEARBY + LENGTH - PAGE));
	/* By a replace too; and the next device has it all */
	ASSERT_EQ(0, attach(self->fd, &d3, hwpt));
	EXPECT_REACHES(d3.dev, addr, DOORBELL);
	ASSERT_EQ(0, mock_msi(self->fd, d3.dev, DOORBELL + PAGE, &more));
	ASSERT_EQ(0, mock_replace(self->fd, d3.stdev, other));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     more));
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	EXPECT_REACHES(d2.dev, more, DOORBELL + PAGE);
	ASSERT_EQ(0, detach(self->fd, &d2));
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE, addr));

	/* An automatic one goes with its last device. */
	ASSERT_EQ(0, detach(self->fd, &d3));
	EXPECT_EQ(0, iommu_map(self->fd, other, self->mem, PAGE, addr));
}

/* In a HWPT for a list they have their place before anything is attached to it. */
TEST_F(window, of_another_driver_in_a_list)
{
	__u32 devs[2], hwpt, who, why;
	struct mock_device d[3];
	unsigned int i;
	__u64 addr;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_FOREIGN,
				     &d[i]));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, iommu_msi_window_set(self->fd, d[i].dev, 0, NEARBY,
						  LENGTH));
		devs[i] = d[i].dev;
	}
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, d[2].dev, 0,
					  NEARBY + LENGTH, LENGTH));
	ASSERT_EQ(0, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0, &hwpt,
				    &who, &why));
	EXPECT_EQ(-EADDRINUSE, attach(self->fd, &d[2], hwpt));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, attach(self->fd, &d[i], hwpt));
	ASSERT_EQ(0, mock_msi(self->fd, d[0].dev, DOORBELL, &addr));
	EXPECT_EQ(NEARBY, addr);
	for (i = 0; i < 2; i++) {
		EXPECT_REACHES(d[i].dev, addr, DOORBELL);
		ASSERT_EQ(0, detach(self->fd, &d[i]));
	}
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     addr));
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE, addr));
	/* The list could not be made: nothing of it is left. */
	devs[1] = d[2].dev;
	EXPECT_EQ(-EADDRINUSE, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0,
					      &hwpt, &who, &why));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, addr, PAGE, NULL));
	EXPECT_EQ(-EADDRINUSE, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0,
					      &hwpt, &who, &why));
	EXPECT_EQ(d[2].dev, who);
	EXPECT_EQ(IOMMU_PROBE_RESV_REGIONS, why);
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE, addr));
}

/* What attaching to a list's HWPT maps: the doorbells there are, and nothing else */
TEST_F(window, list_maps_doorbells_alone)
{
	__u32 devs[2], hwpt, who, why;
	struct mock_device d2;
	__u64 addr;
	int n;

	ASSERT_EQ(0, another(self->fd, 0, &d2));
	devs[0] = self->d.dev;
	devs[1] = d2.dev;
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       ELSEWHERE));
	ASSERT_EQ(0, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0, &hwpt,
				    &who, &why));
	if (!map_trace_begin())
		SKIP(return, "the IOMMU core cannot be traced");
	ASSERT_EQ(0, attach(self->fd, &self->d, hwpt));
	EXPECT_EQ(0, map_traced());
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL + PAGE, &addr));
	n = map_traced();
	/* They are there already */
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	EXPECT_EQ(n, map_traced());
	/* With the last device they go, and are there before the next one is */
	ASSERT_EQ(0, detach(self->fd, &self->d));
	ASSERT_EQ(0, detach(self->fd, &d2));
	EXPECT_EQ(n + 2, map_traced());
	ASSERT_EQ(0, attach(self->fd, &d2, hwpt));
	EXPECT_EQ(n + 4, map_traced());
	EXPECT_EQ(0, map_trace_end());
}

/* A part of a device has no interrupts: not in a list either, and it is told of none. */
TEST_F(window, not_for_parts)
{
	struct mock_pool pool = {
		.dev_flags = MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_SW_MSI,
		.first = 100,
		.last = 107,
		.quota = 8,
	};
	struct iommu_probe_region region;
	struct mock_device part;
	__u32 hwpt, who, why;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	ASSERT_EQ(0, mock_mediated(self->fd, pool.id, 0, &part));
	EXPECT_EQ(-ENOENT, msi_region(self->fd, part.dev, &region));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_START));
	EXPECT_FORETOLD(&part.dev, 1, self->ioas);
	ASSERT_EQ(0, iommu_hwpt_for(self->fd, &part.dev, 1, self->ioas, 0,
				    &hwpt, &who, &why));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_APERTURE_START));
	ASSERT_EQ(0, attach(self->fd, &part, hwpt));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       MOCK_MSI_LAST + 1 - PAGE));
}

/* PASIDs do not interrupt: an IOAS that they have may map there. */
TEST_F(window, not_for_pasids)
{
	struct mock_device d2;
	__u32 other, pt;

	ASSERT_EQ(0, another(self->fd, MOCK_FLAGS_DEVICE_PASID, &d2));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->mem, PAGE,
			       MOCK_MSI_START));
	pt = other;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, d2.dev, 1, &pt));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, OPEN);
	ASSERT_EQ(0, attach(self->fd, &d2, self->ioas));
	EXPECT_WINDOW(d2.dev, MOCK_MSI_START, LENGTH, FIXED);
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, d2.dev, 1));
}

/* Another open file has windows of its own. */
TEST_F(window, of_a_context)
{
	struct iommu_msi_window w;
	struct mock_device d2;
	int fd = iommu_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, 0, ELSEWHERE,
					  2 * PAGE));
	ASSERT_EQ(0, another(fd, 0, &d2));
	EXPECT_EQ(-ENOENT, iommu_msi_window(fd, 100000, &w));
	EXPECT_EQ(0, iommu_msi_window_set(fd, d2.dev, 0, ELSEWHERE + PAGE,
					  2 * PAGE));
	close(fd);
}

/* A guest's table at IOVA_BASE, of two pages that are @mem: one level below the other */
static void guest_maps(char *mem, __u64 va, __u64 gpa)
{
	const __u64 all = MOCK_S1_PRESENT | MOCK_S1_WRITE | MOCK_S1_EXEC |
			  MOCK_S1_PRIV;
	__u64 *top = (__u64 *)mem, *leaves = (__u64 *)(mem + PAGE);

	leaves[va >> 12 & 511] = gpa | all;
	top[va >> 21 & 511] = (IOVA_BASE + PAGE) | all;
}

static int guest_hwpt(int fd, __u32 dev, __u32 parent, __u32 *hwpt)
{
	struct iommu_hwpt_selftest_s1 s1 = { .table = IOVA_BASE, .levels = 2 };

	return iommu_hwpt_nested(fd, dev, parent, 0, 0,
				 IOMMU_HWPT_DATA_SELFTEST_S1, &s1, sizeof(s1),
				 hwpt);
}

/* A guest's table on top: what the guest maps to the window reaches the doorbell. */
TEST_F(window, nested)
{
	__u32 parent, nested, plain;
	__u64 addr, more;
	char *mem;

	mem = mem_get(16 * PAGE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, mem, 16 * PAGE,
			       IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->d.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->d.dev, self->ioas,
					  IOVA_BASE + 16 * PAGE, 4 * PAGE));
	ASSERT_EQ(0, guest_hwpt(self->fd, self->d.dev, parent, &nested));
	/* Attached there first: nothing was attached to the parent ever */
	ASSERT_EQ(0, attach(self->fd, &self->d, nested));
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL, &addr));
	EXPECT_EQ(IOVA_BASE + 16 * PAGE, addr);
	EXPECT_REACHES_NOTHING(self->d.dev, addr);
	/* As the VMM announced: the guest maps it to itself */
	guest_maps(mem, addr, addr);
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	/* Not nested, nested again, and one more interrupt */
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, parent));
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	ASSERT_EQ(0, guest_hwpt(self->fd, self->d.dev, parent, &plain));
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, plain));
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	ASSERT_EQ(0, mock_replace(self->fd, self->d.stdev, nested));
	EXPECT_EQ(0, iommu_destroy(self->fd, plain));
	EXPECT_REACHES(self->d.dev, addr, DOORBELL);
	ASSERT_EQ(0, mock_msi(self->fd, self->d.dev, DOORBELL + LENGTH, &more));
	guest_maps(mem, more, more);
	EXPECT_REACHES(self->d.dev, more, DOORBELL + LENGTH);
	/* Nobody maps memory there under the guest's feet */
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     addr));
	ASSERT_EQ(0, detach(self->fd, &self->d));
	EXPECT_EQ(0, iommu_destroy(self->fd, nested));
	EXPECT_EQ(0, iommu_destroy(self->fd, parent));
}

TEST_HARNESS_MAIN
