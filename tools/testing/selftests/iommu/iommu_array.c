// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays of mappings: many made or taken away by one call, one flush; what is done when
 * an entry fails; and page requests that are answered by what they asked for.
 */
#include "fault_test.h"

#define PAGES	32

FIXTURE(array) {
	struct fault_test t;
	char *memory;
	struct iommu_ioas_map_entry e[PAGES];
	struct iommu_ioas_unmap_entry u[PAGES];
};

/* One page each at @self->e, with a page in between. */
FIXTURE_SETUP(array)
{
	int rc = ft_init(&self->t, false, 64, 0);

	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	self->memory = mem_get(PAGES * PAGE);
	ASSERT_NE(NULL, self->memory);
	for (int i = 0; i < PAGES; i++) {
		self->e[i] = (struct iommu_ioas_map_entry){
			.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA,
			.user_va = (uintptr_t)self->memory + i * PAGE,
			.length = PAGE,
			.iova = IOVA_BASE + 2 * i * PAGE,
		};
		self->u[i] = (struct iommu_ioas_unmap_entry){
			.iova = self->e[i].iova,
			.length = PAGE,
		};
	}
}

FIXTURE_TEARDOWN(array)
{
	if (self->t.queue >= 0)
		close(self->t.queue);
	close(self->t.fd);
}

/* Does the device write to memory there? Without a queue's help. */
static bool device_writes(FIXTURE_DATA(array) *self, int i)
{
	char byte = (char)(i + 1);
	struct mock_dma dma = {
		.dev = self->t.dev[0].dev,
		.flags = MOCK_DMA_WRITE,
		.iova = self->e[i].iova,
		.data = &byte,
		.length = 1,
		.timeout_ms = FOREVER_MS,
	};

	self->memory[i * PAGE] = 0;
	return !mock_dma(self->t.fd, &dma) && dma.status == MOCK_DMA_OK &&
	       self->memory[i * PAGE] == byte;
}

static int map_entries(FIXTURE_DATA(array) *self, __u32 *num)
{
	return iommu_map_array(self->t.fd, self->t.ioas, 0, self->e, num, NULL);
}

static __u64 flushes(FIXTURE_DATA(array) *self)
{
	__u64 entries = 0, count = 0;

	mock_cached(self->t.fd, self->t.hwpt, &entries, &count);
	return count;
}

TEST_F(array, all_with_one_flush)
{
	long before = pinned_pages();
	__u32 num = PAGES;
	__u64 done, count;

	ASSERT_EQ(0, map_entries(self, &num));
	ASSERT_EQ(PAGES, num);
	EXPECT_EQ(before + PAGES, pinned_pages());
	/* Fills the IOTLB too */
	for (int i = 0; i < PAGES; i++)
		ASSERT_TRUE(device_writes(self, i));

	count = flushes(self);
	ASSERT_EQ(0, iommu_unmap_array(self->t.fd, self->t.ioas, self->u, &num,
				       &done));
	EXPECT_EQ(PAGES, num);
	EXPECT_EQ(PAGES * PAGE, done);
	EXPECT_EQ(count + 1, flushes(self));
	EXPECT_EQ(before, pinned_pages());
	/* Nothing is there, nothing stale either: the mock warns of that */
	ASSERT_EQ(0, mock_cached(self->t.fd, self->t.hwpt, &done, &count));
	EXPECT_EQ(0, done);
}

TEST_F(array, stops_at_the_first_that_fails)
{
	long before = pinned_pages();
	__u32 num;
	__u64 done;

	for (int i = 0; i < PAGES; i += 7) {
		num = 1;
		ASSERT_EQ(0, iommu_map_array(self->t.fd, self->t.ioas, 0,
					     &self->e[i], &num, NULL));
		num = PAGES;
		EXPECT_EQ(-EEXIST, map_entries(self, &num));
		EXPECT_EQ(i, num);
		EXPECT_EQ(before + i + 1, pinned_pages());

		/* A hole behind it: all before the hole, and nothing else */
		num = PAGES;
		EXPECT_EQ(-ENOENT, iommu_unmap_array(self->t.fd, self->t.ioas,
						     self->u, &num, &done));
		EXPECT_EQ(i + 1, num);
		EXPECT_EQ((i + 1) * PAGE, done);
		EXPECT_EQ(before, pinned_pages());
	}
}

/* One after the other: what an entry has taken away is gone for the next one. */
TEST_F(array, entries_of_an_unmap_may_overlap)
{
	struct iommu_ioas_unmap_entry both[] = {
		self->u[0],
		{ .iova = self->u[0].iova, .length = 3 * PAGE },
		self->u[1],
	};
	long before = pinned_pages();
	__u32 num = 2;
	__u64 done;

	ASSERT_EQ(0, map_entries(self, &num));
	num = 2;
	EXPECT_EQ(0, iommu_unmap_array(self->t.fd, self->t.ioas, both, &num,
				       &done));
	EXPECT_EQ(2, num);
	EXPECT_EQ(2 * PAGE, done);
	EXPECT_EQ(before, pinned_pages());

	num = 2;
	ASSERT_EQ(0, map_entries(self, &num));
	num = 3;
	EXPECT_EQ(-ENOENT, iommu_unmap_array(self->t.fd, self->t.ioas, both,
					     &num, &done));
	EXPECT_EQ(2, num);
	EXPECT_EQ(before, pinned_pages());
}

TEST_F(array, chooses_iovas)
{
	__u32 num = 8;

	for (int i = 0; i < 8; i++) {
		self->e[i].iova = 0;
		if (i != 3)
			self->e[i].flags &= ~IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA;
	}
	self->e[3].iova = IOVA_BASE + 64 * PAGE;
	ASSERT_EQ(0, map_entries(self, &num));
	ASSERT_EQ(8, num);
	EXPECT_EQ(IOVA_BASE + 64 * PAGE, self->e[3].iova);
	for (int i = 0; i < 8; i++) {
		EXPECT_NE(0, self->e[i].iova);
		EXPECT_TRUE(device_writes(self, i));
	}
}

/* An IOVA that cannot be told is not kept; what is behind it is not either. */
TEST_F(array, entry_that_cannot_be_written)
{
	long before = pinned_pages();
	struct iommu_ioas_map_entry *e;
	__u32 num = 3;
	char *two;

	two = mem_get(2 * PAGE);
	ASSERT_NE(NULL, two);
	/* The second entry is the first of a page that is for reading alone */
	e = (void *)(two + PAGE - sizeof(*e));
	memcpy(e, self->e, 3 * sizeof(*e));
	e[1].flags &= ~IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA;
	ASSERT_EQ(0, mprotect(two + PAGE, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, iommu_map_array(self->t.fd, self->t.ioas, 0, e, &num,
					   NULL));
	EXPECT_EQ(1, num);
	EXPECT_EQ(before + 1, pinned_pages());
	munmap(two, 2 * PAGE);
}

TEST_F(array, bad_input_changes_nothing)
{
	struct iommu_ioas_map_array m = {
		.size = sizeof(m),
		.ioas_id = self->t.ioas,
		.entries = (uintptr_t)self->e,
		.entry_len = sizeof(self->e[0]),
		.entry_num = 2,
	};
	struct iommu_ioas_unmap_array u = {
		.size = sizeof(u),
		.ioas_id = self->t.ioas,
		.entries = (uintptr_t)self->u,
		.entry_len = sizeof(self->u[0]),
		.entry_num = 1,
	};
	long before = pinned_pages();
	struct { struct iommu_ioas_map_entry e; __u64 more; } longer[2] = {
		{ self->e[0], 0 }, { self->e[1], 1 },
	};

#define BAD(cmd, request, field, value, error)				\
do {									\
	__typeof__(cmd) c = cmd;					\
									\
	c.field = (value);						\
	EXPECT_EQ(error, iommu_call(self->t.fd, request, &c));		\
	EXPECT_EQ(0, c.out_done);					\
	EXPECT_EQ(before, pinned_pages());				\
} while (0)
#define BAD_MAP(field, value, error)	BAD(m, IOMMU_IOAS_MAP_ARRAY, field, value, error)
#define BAD_UNMAP(field, value, error)	BAD(u, IOMMU_IOAS_UNMAP_ARRAY, field, value, error)

	BAD_MAP(flags, 1, -EOPNOTSUPP);
	BAD_MAP(ioas_id, 0, -ENOENT);
	BAD_MAP(ioas_id, self->t.hwpt, -ENOENT);
	BAD_MAP(fault_id, self->t.ioas, -ENOENT);
	BAD_MAP(entry_num, 0, -EINVAL);
	BAD_MAP(entry_num, IOMMU_IOAS_ARRAY_MAX + 1, -EINVAL);
	BAD_MAP(entry_len, sizeof(self->e[0]) - 1, -EINVAL);
	BAD_MAP(entry_len, PAGE + 1, -EINVAL);
	BAD_MAP(entries, 0, -EFAULT);
	BAD_UNMAP(flags, 1, -EOPNOTSUPP);
	BAD_UNMAP(ioas_id, 0, -ENOENT);
	BAD_UNMAP(entry_num, 0, -EINVAL);
	BAD_UNMAP(entry_num, IOMMU_IOAS_ARRAY_MAX + 1, -EINVAL);
	BAD_UNMAP(entry_len, sizeof(self->u[0]) - 1, -EINVAL);
	BAD_UNMAP(entry_len, PAGE + 1, -EINVAL);
	BAD_UNMAP(entries, 0, -EFAULT);
	BAD_UNMAP(ioas_id, self->t.ioas, -ENOENT);

#define BAD_ENTRY(field, value, error)					\
do {									\
	struct iommu_ioas_map_entry good = self->e[0];			\
									\
	self->e[0].field = (value);					\
	BAD_MAP(flags, 0, error);					\
	self->e[0] = good;						\
} while (0)
	BAD_ENTRY(flags, IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA, -EINVAL);
	BAD_ENTRY(flags, self->e[0].flags | 16, -EOPNOTSUPP);
	BAD_ENTRY(cookie, 1, -EOPNOTSUPP);
	BAD_ENTRY(length, 0, -EINVAL);
	BAD_ENTRY(length, ~0ULL, -EOVERFLOW);
	BAD_ENTRY(iova, ~0ULL, -EOVERFLOW);
	BAD_ENTRY(iova, 1, -EINVAL);
	BAD_ENTRY(user_va, 0, -EFAULT);
	/* An answer without a queue */
	BAD_ENTRY(flags, self->e[0].flags | IOMMU_IOAS_MAP_ENTRY_ANSWER, -EINVAL);

	/* A longer entry with a tail of zeros is one; with another tail it is not */
	m.entries = (uintptr_t)longer;
	m.entry_len = sizeof(longer[0]);
	BAD_MAP(flags, 0, -E2BIG);
	longer[1].more = 0;
	ASSERT_EQ(0, iommu_call(self->t.fd, IOMMU_IOAS_MAP_ARRAY, &m));
	EXPECT_EQ(2, m.out_done);
}

/* An access to a page that is not there costs a read and this. */
TEST_F(array, map_and_answer)
{
	struct iommu_hwpt_pgfault r;
	char byte = 0x5a;
	struct mock_dma dma = {
		.dev = self->t.dev[0].dev,
		.flags = MOCK_DMA_WRITE | MOCK_DMA_ASYNC,
		.iova = self->e[0].iova,
		.data = &byte,
		.length = 1,
	};

	ASSERT_EQ(0, mock_dma(self->t.fd, &dma));
	while (iommu_fault_read(self->t.queue, &r, 1) != 1)
		usleep(1000);
	ASSERT_EQ(0, iommu_map_answer(self->t.fd, self->t.ioas,
				      self->t.queue_id, r.cookie, self->memory,
				      PAGE, r.addr & ~(PAGE - 1)));
	ASSERT_EQ(0, mock_dma_wait(self->t.fd, &dma, FOREVER_MS));
	EXPECT_EQ(MOCK_DMA_OK, dma.status);
	EXPECT_EQ(1, dma.faults);
	EXPECT_EQ(byte, self->memory[0]);

	/* An answer is good once, whoever gives it */
	EXPECT_EQ(-EINVAL, iommu_map_answer(self->t.fd, self->t.ioas,
					    self->t.queue_id, r.cookie,
					    self->memory + PAGE, PAGE,
					    self->e[1].iova));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(self->t.queue, r.cookie, 0));
	/* And that mapped nothing */
	EXPECT_EQ(-ENOENT, iommu_unmap(self->t.fd, self->t.ioas,
				       self->e[1].iova, PAGE, NULL));
}

/* What could not be mapped is not answered, nor is what is behind it. */
TEST_F(array, failed_map_answers_nothing)
{
	struct iommu_hwpt_pgfault r[PAGES];
	struct mock_ledger l;
	__u32 num, answered;

	ASSERT_EQ(8, ft_singles(&self->t, 0, 8));
	/* Nobody has read them: the cookies are of no use yet, and guessed */
	ASSERT_EQ(8, iommu_fault_read(self->t.queue, r, PAGES));
	for (int i = 0; i < 8; i++) {
		self->e[i].flags |= IOMMU_IOAS_MAP_ENTRY_ANSWER;
		self->e[i].cookie = r[i].cookie;
	}
	self->e[5].user_va = 0;
	num = 8;
	EXPECT_EQ(-EFAULT, iommu_map_array(self->t.fd, self->t.ioas,
					   self->t.queue_id, self->e, &num,
					   &answered));
	EXPECT_EQ(5, num);
	EXPECT_EQ(5, answered);
	ASSERT_EQ(0, mock_ledger(self->t.fd, self->t.dev[0].dev, &l));
	EXPECT_EQ(5, l.success);
	EXPECT_EQ(3, mock_unanswered(&l));

	/* The three wait as before; a number that is nobody's, and an unread one */
	self->e[5].user_va = (uintptr_t)self->memory + 5 * PAGE;
	self->e[5].cookie ^= 0x40000000;
	num = 3;
	EXPECT_EQ(-EINVAL, iommu_map_array(self->t.fd, self->t.ioas,
					   self->t.queue_id, self->e + 5, &num,
					   &answered));
	EXPECT_EQ(0, num);
	self->e[5].cookie = r[5].cookie;
	num = 3;
	EXPECT_EQ(0, iommu_map_array(self->t.fd, self->t.ioas, self->t.queue_id,
				     self->e + 5, &num, &answered));
	EXPECT_EQ(3, answered);
	ASSERT_EQ(0, mock_ledger(self->t.fd, self->t.dev[0].dev, &l));
	EXPECT_EQ(8, l.success);
	EXPECT_EQ(0, mock_unanswered(&l));
}

/* More answers than one batch; each group twice in the array, and answered once. */
TEST_F(array, many_answers)
{
	struct iommu_hwpt_pgfault r[PAGES];
	struct mock_ledger l;
	__u32 num = PAGES, answered;

	ASSERT_EQ(PAGES / 2, ft_singles(&self->t, 0, PAGES / 2));
	ASSERT_EQ(PAGES / 2, iommu_fault_read(self->t.queue, r, PAGES));
	for (int i = 0; i < PAGES; i++) {
		self->e[i].flags |= IOMMU_IOAS_MAP_ENTRY_ANSWER;
		self->e[i].cookie = r[i / 2].cookie;
	}
	EXPECT_EQ(0, iommu_map_array(self->t.fd, self->t.ioas, self->t.queue_id,
				     self->e, &num, &answered));
	EXPECT_EQ(PAGES, num);
	EXPECT_EQ(PAGES / 2, answered);
	ASSERT_EQ(0, mock_ledger(self->t.fd, self->t.dev[0].dev, &l));
	EXPECT_EQ(PAGES / 2, l.success);
	EXPECT_EQ(0, mock_unanswered(&l));
}

struct answerer {
	struct fault_test *t;
	char *memory;
	__u64 iova;
	__u32 cookie;
	int rc;
};

static void *answer_once(void *arg)
{
	struct answerer *a = arg;

	a->rc = iommu_map_answer(a->t->fd, a->t->ioas, a->t->queue_id,
				 a->cookie, a->memory, PAGE, a->iova);
	return NULL;
}

/* Two threads, one group: the device hears one answer. */
TEST_F(array, answered_once_by_two)
{
	struct iommu_hwpt_pgfault r;
	struct mock_ledger l;

	for (int round = 0; round < 50; round++) {
		struct answerer a[2];
		pthread_t threads[2];
		int good = 0;

		ASSERT_EQ(0, ft_group(&self->t, 1));
		ASSERT_EQ(1, iommu_fault_read(self->t.queue, &r, 1));
		for (int i = 0; i < 2; i++) {
			a[i] = (struct answerer){
				.t = &self->t,
				.memory = self->memory + i * PAGE,
				.iova = self->e[i].iova,
				.cookie = r.cookie,
			};
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    answer_once, &a[i]));
		}
		for (int i = 0; i < 2; i++) {
			pthread_join(threads[i], NULL);
			good += !a[i].rc;
			EXPECT_TRUE(!a[i].rc || a[i].rc == -EINVAL ||
				    a[i].rc == -ESTALE);
			/* Refused: not mapped; late, or in time: mapped */
			EXPECT_EQ(a[i].rc == -EINVAL ? -ENOENT : 0,
				  iommu_unmap(self->t.fd, self->t.ioas,
					      a[i].iova, PAGE, NULL));
		}
		EXPECT_EQ(1, good);
		ASSERT_EQ(0, mock_ledger(self->t.fd, self->t.dev[0].dev, &l));
		ASSERT_EQ(round + 1, l.success);
		ASSERT_EQ(0, mock_unanswered(&l));
	}
}

TEST_HARNESS_MAIN
