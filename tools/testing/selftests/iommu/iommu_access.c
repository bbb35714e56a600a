// SPDX-License-Identifier: GPL-2.0
/*
 * In-kernel accesses: what a mediated device does instead of DMA. The mock makes
 * accesses on demand and pins, unpins and copies through them.
 */
#include "iommu_test.h"

#include "../../../iommu/lib/vfio_uapi.h"

#define LENGTH		(32 * PAGE)

static int test_op(int fd, struct iommu_test_cmd *c)
{
	c->size = sizeof(*c);
	return iommu_call(fd, IOMMU_TEST_CMD, c);
}

/* Returns the access's fd or a negative errno. */
static int access_make(int fd, __u32 ioas, bool pins)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.id = ioas,
		.create_access.flags =
			pins ? MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES : 0,
	};
	int rc = test_op(fd, &c);

	return rc ? rc : (int)c.create_access.out_access_fd;
}

/* 0: to none */
static int access_move(int fd, int access, __u32 ioas)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_ACCESS_REPLACE_IOAS,
		.id = access,
		.access_replace_ioas.ioas_id = ioas,
	};

	return test_op(fd, &c);
}

/* @va, if not NULL, is what must be found there. */
static int access_pin(int fd, int access, __u64 iova, __u64 length,
		      const void *va, bool write, __u32 *id)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.id = access,
		.access_pages = {
			.flags = write ? MOCK_FLAGS_ACCESS_WRITE : 0,
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)va,
		},
	};
	int rc = test_op(fd, &c);

	if (id)
		*id = c.access_pages.out_access_pages_id;
	return rc;
}

static int access_unpin(int fd, int access, __u32 id)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
		.id = access,
		.destroy_access_pages.access_pages_id = id,
	};

	return test_op(fd, &c);
}

static int access_copy(int fd, int access, __u64 iova, void *data,
		       __u64 length, __u32 flags)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_ACCESS_RW,
		.id = access,
		.access_rw = {
			.flags = flags,
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)data,
		},
	};

	return test_op(fd, &c);
}

/* 0 if each page of this memory is pinned @refs times, else -EIO */
static int check_refs(int fd, void *va, __u64 length, __u32 refs)
{
	struct iommu_test_cmd c = {
		.op = IOMMU_TEST_OP_MD_CHECK_REFS,
		.check_refs = {
			.length = length,
			.uptr = (uintptr_t)va,
			.refs = refs,
		},
	};

	return test_op(fd, &c);
}

/* Small pages each of its own: the pins of a huge one cannot be counted. */
static char *mem_small(size_t length)
{
	char *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, length, MADV_NOHUGEPAGE);
	for (i = 0; i < length; i++)
		p[i] = i * 7 + i / PAGE;
	return p;
}

FIXTURE(access) {
	int fd;
	int access;
	__u32 ioas;
	struct mock_device dev;
	char *buffer;
	/* How often a page is pinned before any access pins it */
	__u32 base;
};

FIXTURE_VARIANT(access) {
	bool device;
};

/* Nothing is pinned but by accesses. */
FIXTURE_VARIANT_ADD(access, alone) {
	.device = false,
};

/* A page table has everything pinned already. */
FIXTURE_VARIANT_ADD(access, with_device) {
	.device = true,
};

FIXTURE_SETUP(access)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->buffer = mem_small(LENGTH);
	ASSERT_NE(NULL, self->buffer);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	if (variant->device)
		ASSERT_EQ(0, mock_device(self->fd, self->ioas, 0, &self->dev));
	self->base = variant->device;
	self->access = access_make(self->fd, self->ioas, true);
	ASSERT_LE(0, self->access);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer, LENGTH,
			       IOVA_BASE));
}

FIXTURE_TEARDOWN(access)
{
	close(self->access);
	close(self->fd);
}

TEST_F(access, pins_add_up)
{
	__u32 all, some, again;

	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, true, &all));
	EXPECT_EQ(LENGTH / PAGE, pinned_pages());
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE + 3 * PAGE,
				5 * PAGE, self->buffer + 3 * PAGE, false,
				&some));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE + 3 * PAGE,
				5 * PAGE, self->buffer + 3 * PAGE, true,
				&again));
	/* However often: memory is pinned and paid for once. */
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, 1));
	EXPECT_EQ(LENGTH / PAGE, pinned_pages());

	ASSERT_EQ(0, access_unpin(self->fd, self->access, all));
	EXPECT_EQ(-ENOENT, access_unpin(self->fd, self->access, all));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, 3 * PAGE, self->base));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 3 * PAGE, 5 * PAGE,
				1));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 8 * PAGE,
				LENGTH - 8 * PAGE, self->base));
	ASSERT_EQ(0, access_unpin(self->fd, self->access, some));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 3 * PAGE, 5 * PAGE,
				1));
	ASSERT_EQ(0, access_unpin(self->fd, self->access, again));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
	EXPECT_EQ(self->base * LENGTH / PAGE, pinned_pages());
}

/* What is asked for need not start or end with a page; pages are given. */
TEST_F(access, pin_bytes)
{
	__u32 id;

	ASSERT_EQ(0, access_pin(self->fd, self->access,
				IOVA_BASE + 2 * PAGE, 1,
				self->buffer + 2 * PAGE, false, &id));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 2 * PAGE, PAGE, 1));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 3 * PAGE, PAGE,
				self->base));
	EXPECT_EQ(0, access_unpin(self->fd, self->access, id));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE + 2 * PAGE,
				PAGE + 1, self->buffer + 2 * PAGE, false, &id));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 2 * PAGE, 2 * PAGE,
				1));
	EXPECT_EQ(0, access_unpin(self->fd, self->access, id));
}

TEST_F(access, pin_over_mappings)
{
	__u64 iova = IOVA_BASE + LENGTH;
	char *other = mem_small(LENGTH);
	__u32 id;

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, other, LENGTH, iova));
	ASSERT_EQ(0, access_pin(self->fd, self->access, iova - 2 * PAGE,
				5 * PAGE, NULL, true, &id));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + LENGTH - 2 * PAGE,
				2 * PAGE, 1));
	EXPECT_EQ(0, check_refs(self->fd, other, 3 * PAGE, 1));
	/* Either mapping that goes takes all of it. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, iova, LENGTH, NULL));
	EXPECT_EQ(0, check_refs(self->fd, other, LENGTH, 0));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
	EXPECT_EQ(-ENOENT, access_unpin(self->fd, self->access, id));
}

/*
 * The buffer's first page where it can be read only, by a mapping and by a copy of one
 * that can be written, and where it can be written only
 */
static int map_with_rights(FIXTURE_DATA(access) *self, __u64 ro, __u64 ro_copy,
			   __u64 wo)
{
	const __u32 read = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_FIXED_IOVA;
	const __u32 write = IOMMU_IOAS_MAP_WRITEABLE |
			    IOMMU_IOAS_MAP_FIXED_IOVA;
	int rc;

	rc = iommu_map_flags(self->fd, self->ioas, self->buffer, PAGE, read,
			     &ro);
	if (!rc)
		rc = iommu_copy(self->fd, self->ioas, self->ioas, IOVA_BASE,
				PAGE, read, &ro_copy);
	return rc ? rc : iommu_map_flags(self->fd, self->ioas, self->buffer,
					 PAGE, write, &wo);
}

TEST_F(access, pin_refused)
{
	const __u64 end = IOVA_BASE + LENGTH, ro = end + PAGE;
	const __u64 ro_copy = end + 4 * PAGE, wo = end + 6 * PAGE;
	const struct {
		const char *what;
		int error;
		__u64 iova;
		__u64 length;
		bool write;
	} cases[] = {
		{ "length 0", -EINVAL, IOVA_BASE, 0, false },
		{ "overflow", -EOVERFLOW, -PAGE, 2 * PAGE, false },
		{ "not mapped", -ENOENT, end, PAGE, false },
		{ "not mapped at its end", -ENOENT, end - 2 * PAGE, 3 * PAGE,
		  false },
		{ "not mapped at its start", -ENOENT, end, 2 * PAGE, false },
		{ "from the middle of a page", -EINVAL, IOVA_BASE + 16, PAGE,
		  false },
		{ "read only", -EPERM, ro, PAGE, true },
		{ "a copy, read only", -EPERM, ro_copy, PAGE, true },
		{ "write only", -EPERM, wo, PAGE, false },
		{ "memory is gone", -EFAULT, ro + 2 * PAGE, PAGE, false },
		{ "memory is gone at its end", -EFAULT, ro + PAGE, 2 * PAGE,
		  false },
	};
	char *gone = mem_small(2 * PAGE);
	unsigned int i;
	__u32 id;

	ASSERT_NE(NULL, gone);
	ASSERT_EQ(0, map_with_rights(self, ro, ro_copy, wo));
	if (!variant->device) {
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, gone, 2 * PAGE,
				       ro + PAGE));
		munmap(gone + PAGE, PAGE);
	}
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		/* With a device the memory stays as long as the mapping */
		if (cases[i].error == -EFAULT && variant->device)
			continue;
		EXPECT_EQ(cases[i].error,
			  access_pin(self->fd, self->access, cases[i].iova,
				     cases[i].length, NULL, cases[i].write,
				     NULL))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(0, check_refs(self->fd, self->buffer + PAGE,
					LENGTH - PAGE, self->base))
			TH_LOG("%s", cases[i].what);
	}
	ASSERT_EQ(0, access_pin(self->fd, self->access, ro, PAGE, self->buffer,
				false, &id));
	EXPECT_EQ(0, access_unpin(self->fd, self->access, id));
}

/* The driver is told, and has let go when UNMAP returns. */
TEST_F(access, unmap_unpins)
{
	__u64 done;
	__u32 id;

	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, 4 * PAGE,
				self->buffer, true, &id));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, LENGTH,
				 &done));
	EXPECT_EQ(LENGTH, done);
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, 0));
	EXPECT_EQ(0, pinned_pages());
	EXPECT_EQ(-ENOENT, access_unpin(self->fd, self->access, id));
	EXPECT_EQ(-ENOENT, access_pin(self->fd, self->access, IOVA_BASE, PAGE,
				      NULL, false, NULL));
}

static int type1_unmap(int fd, __u64 iova, __u64 length)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c),
		.iova = iova,
		.size = length,
	};

	return ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c) ? -errno : 0;
}

/* VFIO's type1 unmaps parts of a mapping, but not of one that is pinned as a whole. */
TEST_F(access, pinned_is_not_cut)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c),
		.op = IOMMU_VFIO_IOAS_SET,
	};
	struct mock_device dev;
	__u32 id;

	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &c.ioas_id));
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_VFIO_IOAS, &c));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	if (variant->device)
		ASSERT_EQ(0, mock_device(self->fd, c.ioas_id, 0, &dev));
	ASSERT_EQ(0, iommu_map(self->fd, c.ioas_id, self->buffer, LENGTH,
			       IOVA_BASE));
	ASSERT_EQ(0, access_move(self->fd, self->access, c.ioas_id));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, PAGE,
				self->buffer, false, &id));
	EXPECT_EQ(-EINVAL, type1_unmap(self->fd, IOVA_BASE + 2 * PAGE, PAGE));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + PAGE, LENGTH - PAGE,
				self->base));
	ASSERT_EQ(0, access_unpin(self->fd, self->access, id));
	EXPECT_EQ(0, type1_unmap(self->fd, IOVA_BASE + 2 * PAGE, PAGE));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 2 * PAGE, PAGE, 0));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer + 3 * PAGE,
				LENGTH - 3 * PAGE, self->base));
}

TEST_F(access, moves)
{
	char *other = mem_small(LENGTH);
	__u32 ioas, id;
	char byte;

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, other, LENGTH, IOVA_BASE));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, false, &id));

	/* Where it is, and where there is nothing: no change */
	EXPECT_EQ(0, access_move(self->fd, self->access, self->ioas));
	EXPECT_EQ(-ENOENT, access_move(self->fd, self->access, 12345));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, 1));
	ASSERT_EQ(0, access_unpin(self->fd, self->access, id));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, false, &id));

	ASSERT_EQ(0, access_move(self->fd, self->access, ioas));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
	EXPECT_EQ(-ENOENT, access_unpin(self->fd, self->access, id));
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				other, false, &id));
	EXPECT_EQ(0, check_refs(self->fd, other, LENGTH, 1));
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, ioas));

	/* To none: nothing works, and nothing is held */
	ASSERT_EQ(0, access_move(self->fd, self->access, 0));
	EXPECT_EQ(0, check_refs(self->fd, other, LENGTH, 0));
	EXPECT_EQ(-ENOENT, access_pin(self->fd, self->access, IOVA_BASE, PAGE,
				      NULL, false, NULL));
	EXPECT_EQ(-ENOENT, access_copy(self->fd, self->access, IOVA_BASE,
				       &byte, 1, 0));
	EXPECT_EQ(-ENOENT, access_move(self->fd, self->access, self->ioas));
	/* Nor can it be taken away once more */
	EXPECT_EQ(-ENOENT, access_move(self->fd, self->access, 0));
	EXPECT_EQ(0, iommu_destroy(self->fd, ioas));
}

/* What an access of whole pages asks of an IOAS, and one of bytes does not */
TEST_F(access, alignment)
{
	__u32 ioas;
	int bytes, pages;

	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->buffer,
				     PAGE + 16, IOVA_BASE + LENGTH));

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	bytes = access_make(self->fd, ioas, false);
	ASSERT_LE(0, bytes);
	EXPECT_EQ(-EOPNOTSUPP, access_pin(self->fd, bytes, IOVA_BASE, PAGE,
					  NULL, false, NULL));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, self->buffer + 3, PAGE + 16,
			       IOVA_BASE + 5));
	EXPECT_EQ(-EADDRINUSE, access_make(self->fd, ioas, true));
	EXPECT_EQ(-EADDRINUSE, access_move(self->fd, self->access, ioas));
	/* It stayed where it was */
	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, false, NULL));

	ASSERT_EQ(0, iommu_unmap(self->fd, ioas, 0, ~0ULL, NULL));
	pages = access_make(self->fd, ioas, true);
	ASSERT_LE(0, pages);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, ioas, self->buffer + 3,
				     PAGE + 16, IOVA_BASE + 5));
	/* The demand goes with who made it. */
	close(pages);
	EXPECT_EQ(0, iommu_map(self->fd, ioas, self->buffer + 3, PAGE + 16,
			       IOVA_BASE + 5));
	close(bytes);
}

/* Its owner is the driver: no id of it lets user space end it. */
TEST_F(access, belongs_to_its_driver)
{
	unsigned int busy = 0;
	__u32 id;

	for (id = 1; id < 32; id++) {
		int rc;

		if (id == self->ioas || id == self->dev.stdev)
			continue;
		rc = iommu_destroy(self->fd, id);
		busy += rc == -EBUSY;
		EXPECT_TRUE(rc == -EBUSY || rc == -ENOENT) TH_LOG("id %u", id);
	}
	EXPECT_LE(1, busy);
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->ioas));
	EXPECT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, true, NULL));
}

/* Ending with pages pinned; the context file may be closed before. */
TEST_F(access, ends_while_pinned)
{
	int second = access_make(self->fd, self->ioas, true);

	ASSERT_LE(0, second);
	ASSERT_EQ(0, access_pin(self->fd, second, IOVA_BASE, LENGTH,
				self->buffer, true, NULL));
	close(second);
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));

	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE, LENGTH,
				self->buffer, true, NULL));
	close(self->fd);
	EXPECT_EQ(LENGTH / PAGE, pinned_pages());
	close(self->access);
	EXPECT_EQ(0, pinned_pages());
	self->fd = -1;
	self->access = -1;
}

static void check_copies(struct __test_metadata *_metadata,
			 FIXTURE_DATA(access) *self, __u32 flags)
{
	static const unsigned int lengths[] = {
		1, 2, 3, 8, 50, 4095, 4096, 4097, 8192, 3 * 4096 + 1,
	};
	static const unsigned int offsets[] = {
		0, 1, 7, 4088, 4095, 4096, 4097, 5000,
	};
	char data[4 * PAGE], was[4 * PAGE], *at;
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_LEN(lengths); i++)
		for (j = 0; j < ARRAY_LEN(offsets); j++) {
			at = self->buffer + offsets[j];
			memcpy(was, at, lengths[i]);
			memset(data, 0, sizeof(data));
			ASSERT_EQ(0, access_copy(self->fd, self->access,
						 IOVA_BASE + offsets[j], data,
						 lengths[i], flags));
			ASSERT_EQ(0, memcmp(data, was, lengths[i]))
				TH_LOG("read %u at %u", lengths[i], offsets[j]);

			for (k = 0; k < lengths[i]; k++)
				data[k] ^= 0x55 + k;
			k = (unsigned char)at[lengths[i]];
			ASSERT_EQ(0, access_copy(self->fd, self->access,
						 IOVA_BASE + offsets[j], data,
						 lengths[i],
						 flags | MOCK_ACCESS_RW_WRITE));
			ASSERT_EQ(0, memcmp(at, data, lengths[i]))
				TH_LOG("write %u at %u", lengths[i],
				       offsets[j]);
			/* Not a byte more */
			ASSERT_EQ(k, (unsigned char)at[lengths[i]]);
		}
}

TEST_F(access, copies)
{
	check_copies(_metadata, self, 0);
}

TEST_F(access, copies_by_pages)
{
	check_copies(_metadata, self, MOCK_ACCESS_RW_SLOW_PATH);
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
}

TEST_F(access, copies_while_pinned)
{
	__u32 id;

	ASSERT_EQ(0, access_pin(self->fd, self->access, IOVA_BASE + PAGE, PAGE,
				self->buffer + PAGE, true, &id));
	check_copies(_metadata, self, 0);
	check_copies(_metadata, self, MOCK_ACCESS_RW_SLOW_PATH);
	EXPECT_EQ(0, access_unpin(self->fd, self->access, id));
}

/* Memory in another order than IOVA, at a seam that is not a page's */
TEST_F(access, copy_over_mappings)
{
	char data[3 * PAGE], want[3 * PAGE];
	char *p = self->buffer;
	__u32 ioas, flags;
	int access;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	access = access_make(self->fd, ioas, false);
	ASSERT_LE(0, access);
	ASSERT_EQ(0, iommu_map(self->fd, ioas, p + 3 * PAGE + 11, PAGE + 3,
			       IOVA_BASE + 17));
	ASSERT_EQ(0, iommu_map(self->fd, ioas, p + 100, PAGE,
			       IOVA_BASE + 17 + PAGE + 3));
	memcpy(want, p + 3 * PAGE + 11, PAGE + 3);
	memcpy(want + PAGE + 3, p + 100, PAGE);

	for (flags = 0;; flags = MOCK_ACCESS_RW_SLOW_PATH) {
		memset(data, 0, sizeof(data));
		ASSERT_EQ(0, access_copy(self->fd, access, IOVA_BASE + 17,
					 data, 2 * PAGE + 3, flags));
		EXPECT_EQ(0, memcmp(data, want, 2 * PAGE + 3));
		/* One byte before and one behind are not mapped. */
		EXPECT_EQ(-ENOENT, access_copy(self->fd, access, IOVA_BASE + 16,
					       data, 2, flags));
		EXPECT_EQ(-ENOENT, access_copy(self->fd, access, IOVA_BASE + 17,
					       data, 2 * PAGE + 4, flags));
		if (flags)
			break;
	}
	close(access);
}

TEST_F(access, copy_refused)
{
	const __u64 end = IOVA_BASE + LENGTH, ro = end + PAGE;
	const __u64 ro_copy = end + 4 * PAGE, wo = end + 6 * PAGE;
	const struct {
		const char *what;
		int error;
		__u64 iova;
		__u64 length;
		__u32 flags;
	} cases[] = {
		{ "length 0", -EINVAL, IOVA_BASE, 0, 0 },
		{ "overflow", -EOVERFLOW, -1ULL, 2, 0 },
		{ "not mapped", -ENOENT, end, 1, 0 },
		{ "not mapped at its end", -ENOENT, end - 1, 2, 0 },
		{ "read only", -EPERM, ro, 1, MOCK_ACCESS_RW_WRITE },
		{ "a copy, read only", -EPERM, ro_copy, 1,
		  MOCK_ACCESS_RW_WRITE },
		{ "write only", -EPERM, wo, 1, 0 },
		{ "memory is gone", -EFAULT, ro + 2 * PAGE, 1, 0 },
		{ "memory is gone at its end", -EFAULT, ro + 2 * PAGE - 1, 2,
		  MOCK_ACCESS_RW_WRITE },
	};
	char *gone = mem_small(2 * PAGE);
	char data[16];
	unsigned int i;

	ASSERT_NE(NULL, gone);
	ASSERT_EQ(0, map_with_rights(self, ro, ro_copy, wo));
	if (!variant->device) {
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, gone, 2 * PAGE,
				       ro + PAGE));
		munmap(gone + PAGE, PAGE);
	}
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].error == -EFAULT && variant->device)
			continue;
		EXPECT_EQ(cases[i].error,
			  access_copy(self->fd, self->access, cases[i].iova,
				      data, cases[i].length, cases[i].flags))
			TH_LOG("%s", cases[i].what);
		if (!cases[i].length)
			continue;
		EXPECT_EQ(cases[i].error,
			  access_copy(self->fd, self->access, cases[i].iova,
				      data, cases[i].length, cases[i].flags |
				      MOCK_ACCESS_RW_SLOW_PATH))
			TH_LOG("%s, by pages", cases[i].what);
	}
	EXPECT_EQ(0, access_copy(self->fd, self->access, ro, data, 16, 0));
	EXPECT_EQ(0, access_copy(self->fd, self->access, ro_copy, data, 16, 0));
	EXPECT_EQ(0, access_copy(self->fd, self->access, wo, data, 16,
				 MOCK_ACCESS_RW_WRITE));
}

/* Another process copies through the mapping: memory is the mapper's. */
TEST_F(access, copy_from_a_child)
{
	char data[PAGE + 1];
	int status = 0;
	pid_t child;

	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The child's own copy of the buffer must not be found. */
		memset(self->buffer, 0xee, 2 * PAGE);
		if (access_copy(self->fd, self->access, IOVA_BASE, data,
				sizeof(data), 0))
			_exit(1);
		if ((unsigned char)data[5] == 0xee)
			_exit(2);
		memset(data, 0x33, sizeof(data));
		if (access_copy(self->fd, self->access, IOVA_BASE, data,
				sizeof(data), MOCK_ACCESS_RW_WRITE))
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	memset(data, 0x33, sizeof(data));
	EXPECT_EQ(0, memcmp(self->buffer, data, sizeof(data)));
}

/*
 * The process that mapped is gone. What a device has pinned is still there;
 * without one there is nobody's memory to be found.
 */
TEST_F(access, mapper_is_gone)
{
	__u64 iova = IOVA_BASE + LENGTH;
	int status = 0;
	char data[64];
	pid_t child;

	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		char *mine = mem_small(4 * PAGE);

		memset(mine, 0x77, 4 * PAGE);
		_exit(iommu_map(self->fd, self->ioas, mine, 4 * PAGE, iova) ?
		      1 : 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_EQ(0, WEXITSTATUS(status));

	memset(data, 0, sizeof(data));
	EXPECT_EQ(variant->device ? 0 : -EFAULT,
		  access_copy(self->fd, self->access, iova + PAGE - 8, data,
			      sizeof(data), 0));
	EXPECT_EQ(variant->device ? 0x77 : 0, data[63]);
	EXPECT_EQ(variant->device ? 0 : -EFAULT,
		  access_pin(self->fd, self->access, iova, 4 * PAGE, NULL,
			     false, NULL));
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, iova, 4 * PAGE, NULL));
}

/*
 * Threads
 */

struct worker {
	int fd;
	int access;
	bool stop;
	unsigned long done;
	int error;
};

static void *pin_and_unpin(void *arg)
{
	struct worker *w = arg;
	__u32 id;
	int rc;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		rc = access_pin(w->fd, w->access, IOVA_BASE + PAGE, 4 * PAGE,
				NULL, true, &id);
		if (!rc) {
			w->done++;
			rc = access_unpin(w->fd, w->access, id);
		}
		/* Gone, not there yet, or on its way out */
		if (rc && rc != -ENOENT && rc != -EINVAL)
			w->error = rc;
	}
	return NULL;
}

static void *copy_both_ways(void *arg)
{
	struct worker *w = arg;
	char data[64];
	int rc;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		rc = access_copy(w->fd, w->access, IOVA_BASE + PAGE - 30, data,
				 sizeof(data), MOCK_ACCESS_RW_SLOW_PATH);
		if (!rc)
			rc = access_copy(w->fd, w->access, IOVA_BASE + PAGE,
					 data, sizeof(data),
					 MOCK_ACCESS_RW_WRITE);
		w->done += !rc;
		if (rc && rc != -ENOENT && rc != -EINVAL)
			w->error = rc;
	}
	return NULL;
}

TEST_F(access, against_unmap)
{
	struct worker w[3];
	pthread_t thread[3];
	unsigned int i, round;
	__u64 until = now_ms() + 1000 * test_scale();

	for (i = 0; i < 3; i++) {
		w[i] = (struct worker){
			.fd = self->fd,
			.access = self->access,
		};
		ASSERT_EQ(0, pthread_create(&thread[i], NULL,
					    i < 2 ? pin_and_unpin :
						    copy_both_ways, &w[i]));
	}
	for (round = 0; now_ms() < until; round++) {
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE,
					 LENGTH, NULL));
		ASSERT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, 0));
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->buffer,
				       LENGTH, IOVA_BASE));
		sched_yield();
	}
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&w[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, w[i].error);
	}
	EXPECT_LT(0, w[0].done + w[1].done);
	EXPECT_LT(0, round);
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, 0));
	EXPECT_EQ(0, pinned_pages());
}

TEST_F(access, against_move)
{
	struct worker w[2];
	pthread_t thread[2];
	__u64 until = now_ms() + 1000 * test_scale();
	unsigned int i, round;
	__u32 other;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->buffer, LENGTH,
			       IOVA_BASE));
	for (i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.fd = self->fd,
			.access = self->access,
		};
		ASSERT_EQ(0, pthread_create(&thread[i], NULL,
					    i ? copy_both_ways : pin_and_unpin,
					    &w[i]));
	}
	for (round = 0; now_ms() < until; round++)
		ASSERT_EQ(0, access_move(self->fd, self->access,
					 round % 2 ? self->ioas : other));
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&w[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, w[i].error);
		EXPECT_LT(0, w[i].done);
	}
	ASSERT_EQ(0, access_move(self->fd, self->access, 0));
	EXPECT_EQ(0, iommu_destroy(self->fd, other));
	EXPECT_EQ(0, check_refs(self->fd, self->buffer, LENGTH, self->base));
}

TEST_HARNESS_MAIN
