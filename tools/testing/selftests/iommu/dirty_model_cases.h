/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty tracking of a hardware model, of whichever IOMMU: that what a device wrote is
 * reported and nothing else, at every page size; and that a memory which the device
 * keeps writing can be carried to another place while it does.
 *
 * The includer says what the machine is: dirty_machine() adds it to @g->m.
 */
#ifndef SELFTESTS_IOMMU_DIRTY_MODEL_CASES_H
#define SELFTESTS_IOMMU_DIRTY_MODEL_CASES_H

#include <stdatomic.h>

#include "model_guest.h"

/*
 * Small pages, huge pages, small pages, as a guest's memory may be. The middle begins at a
 * multiple of its page size.
 */
#define DM_IOVA		0x80000000ULL
#define DM_SMALL	(1ULL << 20)
#define DM_HUGE		(2 * SIZE_2M)
#define DM_BASE		(DM_IOVA + SIZE_2M - DM_SMALL)
#define DM_LENGTH	(DM_SMALL + DM_HUGE + DM_SMALL)
#define DM_PAGES	((unsigned int)(DM_LENGTH / PAGE))
#define DM_HUGE_PAGES	((unsigned int)(SIZE_2M / PAGE))
#define DM_FIRST_HUGE	((unsigned int)(DM_SMALL / PAGE))
#define DM_LAST_HUGE	((unsigned int)((DM_SMALL + DM_HUGE) / PAGE - 1))

#define NO_CLEAR	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR
#define DM_PASID	0x345

static int dirty_machine(struct guest *g);

FIXTURE(dirty) {
	struct guest g;
	__u32 hwpt;
	char *memory;
	unsigned char bits[DM_PAGES / 8];
};

FIXTURE_VARIANT(dirty) {
	__u32 pasid;
	__u32 dma;
};

/* With and without a TLB in the device (ATS) */
FIXTURE_VARIANT_ADD(dirty, rid_ats) { MODEL_NO_PASID, 0 };
FIXTURE_VARIANT_ADD(dirty, rid) {
	MODEL_NO_PASID, IOMMUFD_MODEL_DMA_UNTRANSLATED
};
FIXTURE_VARIANT_ADD(dirty, pasid_ats) { DM_PASID, 0 };
FIXTURE_VARIANT_ADD(dirty, pasid) { DM_PASID, IOMMUFD_MODEL_DMA_UNTRANSLATED };

/* A range of addresses with memory of both kinds in it; NULL: there are no huge pages */
static char *dm_memory(void)
{
	char *p = mmap(NULL, DM_LENGTH + 2 * SIZE_2M, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *huge;

	if (p == MAP_FAILED)
		return NULL;
	huge = (char *)(((uintptr_t)p + DM_SMALL + SIZE_2M - 1) & -SIZE_2M);
	p = huge - DM_SMALL;
	if (mmap(p, DM_LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    madvise(p, DM_LENGTH, MADV_NOHUGEPAGE))
		return NULL;
	if (mmap(huge, DM_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB | MAP_POPULATE, -1,
		 0) == MAP_FAILED)
		return NULL;
	memset(p, 0, DM_LENGTH);
	return p;
}

static int dm_table(struct guest *g, __u32 *hwpt)
{
	return iommu_hwpt_paging(g->fd, g->d.v.id, g->ioas,
				 IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
				 IOMMU_HWPT_ALLOC_PASID, 0, hwpt);
}

FIXTURE_SETUP(dirty)
{
	struct guest *g = &self->g;
	int rc;

	guest_init(g);
	rc = guest_go_on(g, dirty_machine(g), 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	self->memory = dm_memory();
	if (!self->memory)
		SKIP(return, "there are no huge pages");
	ASSERT_EQ(0, iommu_map(g->fd, g->ioas, self->memory, DM_LENGTH,
			       DM_BASE));
	ASSERT_EQ(0, dm_table(g, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
	ASSERT_EQ(0, iommu_dirty_track(g->fd, self->hwpt, true));
}

FIXTURE_TEARDOWN(dirty)
{
	if (self->memory)
		GUEST_CHECK(&self->g);
	guest_stop(&self->g);
	if (self->memory)
		munmap(self->memory, DM_LENGTH);
}

static int dm_write(FIXTURE_DATA(dirty) *self,
		    const FIXTURE_VARIANT(dirty) *variant, __u64 offset,
		    const void *data, __u64 length)
{
	return model_dma(&self->g.d, variant->dma | IOMMUFD_MODEL_DMA_WRITE,
			 variant->pasid, DM_BASE + offset, (void *)data, length,
			 FOREVER_MS);
}

static bool dm_bit(const unsigned char *bits, unsigned int page)
{
	return bits[page / 8] >> page % 8 & 1;
}

/* What the record has of [@page, @page + @num), into an empty bitmap */
static int dm_read(FIXTURE_DATA(dirty) *self, unsigned int page,
		   unsigned int num, __u32 flags)
{
	memset(self->bits, 0, sizeof(self->bits));
	return iommu_dirty_read(self->g.fd, self->hwpt, DM_BASE + page * PAGE,
				num * PAGE, PAGE, self->bits, flags);
}

/* One mark is for all of a huge page. */
static void dm_mark(bool *want, unsigned int page)
{
	unsigned int first = page, num = 1;

	if (page >= DM_FIRST_HUGE && page <= DM_LAST_HUGE) {
		num = DM_HUGE_PAGES;
		first = page - (page - DM_FIRST_HUGE) % num;
	}
	memset(want + first, true, num);
}

#define DM_EXPECT(self, want, first, num, ...) do {			\
	unsigned int _i;						\
									\
	for (_i = 0; _i < (num); _i++)					\
		ASSERT_EQ((want)[(first) + _i],				\
			  dm_bit((self)->bits, _i))			\
			TH_LOG(__VA_ARGS__);				\
} while (0)

/* Exactly what was written, no matter how often it is asked; then nothing. */
TEST_F(dirty, exact)
{
	static const struct {
		__u64 offset, length;
	} writes[] = {
		{ 0, 1 }, { 3 * PAGE - 1, 2 }, { 17 * PAGE, 5 * PAGE },
		{ DM_SMALL - 1, 1 }, { DM_SMALL, 1 },
		{ DM_SMALL + DM_HUGE - 1, 1 }, { DM_SMALL + DM_HUGE + 8, 1 },
		{ DM_LENGTH - 1, 1 },
	};
	bool want[DM_PAGES] = { false }, none[DM_PAGES] = { false };
	static char data[5 * PAGE];
	unsigned int i, round;
	__u64 a;

	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	DM_EXPECT(self, none, 0, DM_PAGES, "before");
	for (round = 0; round < 3; round++) {
		memset(data, (int)round + 1, sizeof(data));
		for (i = 0; i < ARRAY_LEN(writes); i++) {
			ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
				  dm_write(self, variant, writes[i].offset,
					   data, writes[i].length));
			for (a = writes[i].offset / PAGE;
			     a * PAGE < writes[i].offset + writes[i].length;
			     a++)
				dm_mark(want, (unsigned int)a);
		}
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, NO_CLEAR));
		DM_EXPECT(self, want, 0, DM_PAGES, "round %u looked at page %u",
			  round, _i);
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
		DM_EXPECT(self, want, 0, DM_PAGES, "round %u page %u", round,
			  _i);
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
		DM_EXPECT(self, none, 0, DM_PAGES, "round %u again page %u",
			  round, _i);
	}
}

/* What a device only reads stays clean. */
TEST_F(dirty, reads_leave_no_mark)
{
	bool none[DM_PAGES] = { false };
	static char data[4 * PAGE];
	unsigned int i;

	for (i = 0; i < DM_PAGES; i += 64)
		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_dma(&self->g.d, variant->dma, variant->pasid,
				    DM_BASE + i * PAGE, data, sizeof(data),
				    FOREVER_MS));
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	DM_EXPECT(self, none, 0, DM_PAGES, "page %u", _i);
}

/*
 * Ranges that are cut anywhere, inside of huge pages too: each is told what is in it,
 * and nobody's mark is lost by another's question.
 */
TEST_F(dirty, cut_anywhere)
{
	static const unsigned int steps[] = { 1, 7, 51, 256, 300, 511, 513 };
	bool want[DM_PAGES], none[DM_PAGES] = { false };
	unsigned int i, first, num;

	for (i = 0; i < ARRAY_LEN(steps); i++) {
		memset(want, 0, sizeof(want));
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
		for (first = 5; first < DM_PAGES; first += 213) {
			ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
				  dm_write(self, variant, first * PAGE, "x",
					   1));
			dm_mark(want, first);
		}
		for (first = 0; first < DM_PAGES; first += num) {
			num = steps[i];
			if (num > DM_PAGES - first)
				num = DM_PAGES - first;
			ASSERT_EQ(0, dm_read(self, first, num, 0));
			DM_EXPECT(self, want, first, num,
				  "step %u from %u page %u", steps[i], first,
				  first + _i);
		}
		/* Huge pages of which only parts were asked for are dirty yet. */
		ASSERT_EQ(0, dm_read(self, 0, DM_FIRST_HUGE, 0));
		DM_EXPECT(self, none, 0, DM_FIRST_HUGE, "step %u page %u",
			  steps[i], _i);
		ASSERT_EQ(0, dm_read(self, DM_FIRST_HUGE, 2 * DM_HUGE_PAGES,
				     0));
		if (steps[i] < DM_HUGE_PAGES)
			DM_EXPECT(self, want, DM_FIRST_HUGE, 2 * DM_HUGE_PAGES,
				  "step %u page %u", steps[i], _i);
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
		DM_EXPECT(self, none, 0, DM_PAGES, "step %u page %u", steps[i],
			  _i);
	}
}

/* The device comes to the table, or to another one and back, while it is tracked. */
TEST_F(dirty, moved)
{
	bool want[DM_PAGES] = { false };
	struct guest *g = &self->g;
	__u32 other;

	ASSERT_EQ(0, dm_table(g, &other));
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, other));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, dm_write(self, variant, 9 * PAGE, "x",
						 1));
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, dm_write(self, variant, 4 * PAGE, "x",
						 1));
	dm_mark(want, 4);
	/* What has been written is known after the device has gone, too. */
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	DM_EXPECT(self, want, 0, DM_PAGES, "page %u", _i);
	ASSERT_EQ(0, iommu_destroy(g->fd, other));
}

/* The device itself and its PASIDs, in one table or each in its own */
TEST_F(dirty, device_and_pasids)
{
	bool want[DM_PAGES] = { false };
	struct guest *g = &self->g;
	unsigned char bits[DM_PAGES / 8] = { 0 };
	__u32 pt = self->hwpt, own;
	unsigned int i;

	if (variant->pasid == MODEL_NO_PASID) {
		ASSERT_EQ(0, iommu_pasid_attach(g->fd, g->d.v.id, 7, &pt));
	} else {
		ASSERT_EQ(0, vfio_dev_attach(&g->d.v, &pt));
		ASSERT_EQ(0, iommu_pasid_attach(g->fd, g->d.v.id, 7, &pt));
	}
	ASSERT_EQ(0, dm_table(g, &own));
	ASSERT_EQ(0, iommu_dirty_track(g->fd, own, true));
	pt = own;
	ASSERT_EQ(0, iommu_pasid_attach(g->fd, g->d.v.id, 8, &pt));

	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, dm_write(self, variant, 0, "x", 1));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&g->d, variant->dma | IOMMUFD_MODEL_DMA_WRITE, 7,
			    DM_BASE + 2 * PAGE, "x", 1, FOREVER_MS));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&g->d, variant->dma | IOMMUFD_MODEL_DMA_WRITE, 8,
			    DM_BASE + 4 * PAGE, "x", 1, FOREVER_MS));
	dm_mark(want, 0);
	dm_mark(want, 2);
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	DM_EXPECT(self, want, 0, DM_PAGES, "page %u", _i);
	ASSERT_EQ(0, iommu_dirty_read(g->fd, own, DM_BASE, DM_LENGTH, PAGE,
				      bits, 0));
	for (i = 0; i < DM_PAGES; i++)
		ASSERT_EQ(i == 4, dm_bit(bits, i)) TH_LOG("page %u", i);
	ASSERT_EQ(0, iommu_pasid_detach(g->fd, g->d.v.id, 7));
	ASSERT_EQ(0, iommu_pasid_detach(g->fd, g->d.v.id, 8));
}

/**
 * struct dm_writer - a device that keeps writing
 * @self: fixture
 * @variant: its variant
 * @stop: end
 * @writes: how many
 * @error: what went wrong, or 0
 */
struct dm_writer {
	FIXTURE_DATA(dirty) *self;
	const FIXTURE_VARIANT(dirty) *variant;
	atomic_int stop;
	atomic_int writes;
	int error;
};

/*
 * Each write is a number of its own, so that any that is lost shows. Most go to a
 * few pages, as a guest's would; where those are changes, so that for many a page the
 * last write was a while ago.
 */
static void *dm_keep_writing(void *arg)
{
	struct dm_writer *w = arg;
	unsigned int seed = 1, hot = 0, n = 0;

	while (!atomic_load(&w->stop) && !w->error) {
		__u64 stamp[32], offset;
		unsigned int i;
		int rc;

		if (n % 64 == 0)
			hot = (unsigned int)rand_r(&seed) % DM_PAGES;
		offset = (n % 8 ? (hot + (unsigned int)rand_r(&seed) % 16) %
				  DM_PAGES :
				  (unsigned int)rand_r(&seed) % DM_PAGES);
		offset = offset * PAGE + (unsigned int)rand_r(&seed) %
						(PAGE / 8) * 8;
		for (i = 0; i < ARRAY_LEN(stamp); i++)
			stamp[i] = ++n;
		/* It may cross into the next page. */
		if (offset > DM_LENGTH - sizeof(stamp))
			offset = DM_LENGTH - sizeof(stamp);
		rc = dm_write(w->self, w->variant, offset, stamp,
			      sizeof(stamp));
		if (rc != IOMMUFD_MODEL_DMA_OK)
			w->error = rc ?: -EIO;
		n -= ARRAY_LEN(stamp) - 1;
		atomic_fetch_add(&w->writes, 1);
	}
	return NULL;
}

static unsigned int dm_copy(FIXTURE_DATA(dirty) *self, char *copy)
{
	unsigned int page, num = 0;

	for (page = 0; page < DM_PAGES; page++) {
		if (!dm_bit(self->bits, page))
			continue;
		memcpy(copy + page * PAGE, self->memory + page * PAGE, PAGE);
		num++;
	}
	return num;
}

/*
 * Pre-copy and switch-over. After each reading of the record at least some writes are let
 * come in, so that what the IOMMU and the device have cached is used.
 */
TEST_F_TIMEOUT(dirty, migrate, 240)
{
	struct dm_writer w = { .self = self, .variant = variant };
	unsigned int round, copied, rounds = 6 * test_scale();
	char *copy = mem_get(DM_LENGTH);
	pthread_t thread;

	ASSERT_NE(NULL, copy);
	ASSERT_EQ(0, pthread_create(&thread, NULL, dm_keep_writing, &w));
	LET_WORK(20, &w.writes, 64);
	/* All of it once; tracking is on from before */
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	memset(self->bits, 0xff, sizeof(self->bits));
	EXPECT_EQ(DM_PAGES, dm_copy(self, copy));
	for (round = 0; round < rounds; round++) {
		int before = atomic_load(&w.writes);

		LET_WORK(20, &w.writes, before + 32);
		ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
		copied = dm_copy(self, copy);
		/* The device was at it, but not everywhere. */
		EXPECT_LT(0, copied);
		EXPECT_GT(DM_PAGES, copied);
	}
	atomic_store(&w.stop, 1);
	pthread_join(thread, NULL);
	ASSERT_EQ(0, w.error);
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, NO_CLEAR));
	copied = dm_copy(self, copy);
	EXPECT_EQ(0, memcmp(copy, self->memory, DM_LENGTH));
	ksft_print_msg("%d writes, %u rounds, %u pages at switch-over\n",
		       atomic_load(&w.writes), rounds, copied);
	munmap(copy, DM_LENGTH);
}

/* The control: without the last look, the copy is not what the source is. */
TEST_F_TIMEOUT(dirty, migrate_without_switch_over, 240)
{
	char *copy = mem_get(DM_LENGTH);
	static char page[PAGE];

	ASSERT_NE(NULL, copy);
	memset(page, 7, sizeof(page));
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, 0));
	memcpy(copy, self->memory, DM_LENGTH);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  dm_write(self, variant, DM_SMALL + 3 * PAGE, page, PAGE));
	EXPECT_NE(0, memcmp(copy, self->memory, DM_LENGTH));
	ASSERT_EQ(0, dm_read(self, 0, DM_PAGES, NO_CLEAR));
	EXPECT_EQ(DM_HUGE_PAGES, dm_copy(self, copy));
	EXPECT_EQ(0, memcmp(copy, self->memory, DM_LENGTH));
	munmap(copy, DM_LENGTH);
}

/*
 * What reading the record costs, in instructions where the clock counts those. One GiB of
 * IOVAs over 64 MiB of memory, mapped sixteen times.
 */
#define DM_MEMORY	(64ULL << 20)
#define DM_GIB		(1ULL << 30)

static int dm_gib(struct guest *g, char *memory)
{
	__u64 iova = DM_IOVA, offset;
	int rc;

	rc = iommu_map(g->fd, g->ioas, memory, DM_MEMORY, DM_IOVA);
	for (offset = DM_MEMORY; !rc && offset < DM_GIB; offset += DM_MEMORY) {
		iova = DM_IOVA + offset;
		rc = iommu_copy(g->fd, g->ioas, g->ioas, DM_IOVA, DM_MEMORY,
				IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
				&iova);
	}
	return rc;
}

static __u64 dm_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000 + (__u64)t.tv_nsec;
}

/* Writes of @length bytes, @step apart, over the GiB; then the cost of reading */
static int dm_cost(struct guest *g, __u32 hwpt, __u64 step, __u64 length,
		   __u32 flags, void *bits, __u64 *cost)
{
	static char data[1 << 20];
	__u64 a, start;
	int rc = 0;

	for (a = 0; step && a < DM_GIB; a += step) {
		rc = model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
			       IOMMUFD_MODEL_DMA_UNTRANSLATED, MODEL_NO_PASID,
			       DM_IOVA + a, data, length, FOREVER_MS);
		if (rc != IOMMUFD_MODEL_DMA_OK)
			return rc ?: -EIO;
	}
	memset(bits, 0, DM_GIB / PAGE / 8);
	start = dm_now();
	rc = iommu_dirty_read(g->fd, hwpt, DM_IOVA, DM_GIB, PAGE, bits, flags);
	*cost = dm_now() - start;
	return rc;
}

TEST(cost)
{
	static const struct {
		const char *what;
		bool huge;
		__u64 step, length, pages;
		__u32 flags;
	} rows[] = {
		{ "4 KiB pages, clean", false, 0, 0, 0, 0 },
		{ "4 KiB pages, 1 of 64 written, NO_CLEAR", false, 64 * PAGE,
		  1, 4096, NO_CLEAR },
		{ "4 KiB pages, 1 of 64 written", false, 64 * PAGE, 1, 4096,
		  0 },
		{ "4 KiB pages, all written", false, 1 << 20, 1 << 20, 262144,
		  0 },
		{ "2 MiB pages, clean", true, 0, 0, 0, 0 },
		{ "2 MiB pages, all written", true, SIZE_2M, 1, 262144, 0 },
	};
	bool counted = getenv("IOMMU_TEST_ICOUNT");
	unsigned char *bits = mem_get(DM_GIB / PAGE / 8);
	unsigned int i, j;
	struct guest g;
	__u32 hwpt, pt;
	char *memory;

	if (!counted)
		SKIP(return, "the clock does not count instructions");
	ASSERT_NE(NULL, bits);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		__u64 cost, pages = 0;
		int rc;

		guest_init(&g);
		rc = guest_go_on(&g, dirty_machine(&g), 0);
		if (rc == GUEST_NONE)
			SKIP(return, "this kernel has no models");
		ASSERT_EQ(0, rc);
		memory = mmap(NULL, DM_MEMORY, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS |
			      (rows[i].huge ? MAP_HUGETLB : 0), -1, 0);
		ASSERT_NE(MAP_FAILED, memory);
		if (!rows[i].huge)
			madvise(memory, DM_MEMORY, MADV_NOHUGEPAGE);
		memset(memory, 0, DM_MEMORY);
		ASSERT_EQ(0, dm_gib(&g, memory));
		ASSERT_EQ(0, dm_table(&g, &hwpt));
		pt = hwpt;
		ASSERT_EQ(0, vfio_dev_attach(&g.d.v, &pt));
		ASSERT_EQ(0, iommu_dirty_track(g.fd, hwpt, true));
		ASSERT_EQ(0, dm_cost(&g, hwpt, rows[i].step, rows[i].length,
				     rows[i].flags, bits, &cost));
		for (j = 0; j < DM_GIB / PAGE; j++)
			pages += dm_bit(bits, j);
		EXPECT_EQ(rows[i].pages, pages);
		ksft_print_msg("%-40s %10llu\n", rows[i].what, cost);
		guest_stop(&g);
		munmap(memory, DM_MEMORY);
	}
}

#endif
