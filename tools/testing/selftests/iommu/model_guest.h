/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMM in small, for tests on hardware models: memory of a "guest" behind a nest
 * parent, a function, a fault queue, and the ledger of what became of each fault.
 * Whose tables are nested over it is the business of vtd_model_test.h and
 * smmuv3_model_test.h.
 */
#ifndef SELFTESTS_IOMMU_MODEL_GUEST_H
#define SELFTESTS_IOMMU_MODEL_GUEST_H

#include "iommu_test.h"

#define SIZE_2M		(1ULL << 21)

/* Where the guest's memory is in its own, physical, addresses */
#define GPA		0x40000000ULL
/* Tables, then data: the second 2 MiB on */
#define GUEST_SIZE	(8 * SIZE_2M)
#define GUEST_DATA	SIZE_2M
#define GUEST_TABLES	(SIZE_2M / PAGE)

#define DEVFN		0x08
#define GROUP_MAX	32

/**
 * struct guest - the VMM's view
 * @fd: /dev/iommu
 * @ioas: guest physical to @mem
 * @parent: second stage over it
 * @mem: the guest's memory, GUEST_SIZE bytes
 * @tables: of its first pages, how many are tables
 * @m: the unit
 * @d: a function, bound
 * @queue: fault queue, -1: none
 * @queue_id: its id
 * @violations: of the model, at the start
 * @success: groups answered so by us
 * @invalid: likewise
 * @failure: likewise
 * @drained: answered INVALID by the kernel
 * @retried: answered SUCCESS by the kernel
 */
struct guest {
	int fd;
	__u32 ioas;
	__u32 parent;
	char *mem;
	unsigned int tables;
	struct model m;
	struct model_dev d;
	int queue;
	__u32 queue_id;
	__u64 violations;
	__u64 success;
	__u64 invalid;
	__u64 failure;
	__u64 drained;
	__u64 retried;
};

static inline char *at_gpa(struct guest *g, __u64 gpa)
{
	return g->mem + (gpa - GPA);
}

static inline __u64 data_gpa(unsigned int page)
{
	return GPA + GUEST_DATA + page * PAGE;
}

static inline char *data_page(struct guest *g, unsigned int page)
{
	return at_gpa(g, data_gpa(page));
}

static inline __u64 table_new(struct guest *g)
{
	/* A test that needs more is wrong. */
	if (g->tables == GUEST_TABLES)
		abort();
	return GPA + g->tables++ * PAGE;
}

#define GUEST_NONE	1

/* Before a model is added to @g->m */
static inline void guest_init(struct guest *g)
{
	memset(g, 0, sizeof(*g));
	g->queue = -1;
	g->d.v.fd = -1;
	g->fd = iommu_open();
}

/* Memory, and the second stage over it for the function @dev */
static inline int guest_memory(struct guest *g, __u32 dev, __u32 parent_flags)
{
	int rc;

	rc = iommu_ioas_alloc(g->fd, &g->ioas);
	if (rc)
		return rc;
	g->mem = mem_get(GUEST_SIZE);
	if (!g->mem)
		return -ENOMEM;
	rc = iommu_map(g->fd, g->ioas, g->mem, GUEST_SIZE, GPA);
	if (rc)
		return rc;
	return iommu_hwpt_paging(g->fd, dev, g->ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT | parent_flags,
				 0, &g->parent);
}

/* @rc: what plugging @g->d in said. Returns 0 or an error, in words too. */
static inline int guest_plugged(struct guest *g, int rc, __u32 parent_flags)
{
	if (!rc)
		rc = model_violations(&g->m, &g->violations);
	if (!rc)
		rc = model_dev_open(&g->d);
	if (!rc)
		rc = model_dev_bind(&g->d, g->fd);
	if (rc) {
		fprintf(stderr, "# %s\n", model_error());
		return rc;
	}
	return guest_memory(g, g->d.v.id, parent_flags);
}

/*
 * @rc: what adding the model said. GUEST_NONE: this kernel has no models; less: an
 * error, in words too.
 */
static inline int guest_go_on(struct guest *g, int rc, __u32 parent_flags)
{
	if (rc == -ENOENT || g->fd == -ENOENT)
		return GUEST_NONE;
	if (!rc)
		rc = model_plug(&g->m, DEVFN, &g->d);
	return guest_plugged(g, rc, parent_flags);
}

static inline int guest_queue(struct guest *g, __u32 depth, __u32 policy)
{
	g->queue = iommu_fault_queue(g->fd, depth, policy, 0, &g->queue_id);
	return g->queue < 0 ? g->queue : 0;
}

/* The function itself, or a PASID of it */
static inline int guest_attach(struct guest *g, __u32 pasid, __u32 hwpt)
{
	if (pasid == MODEL_NO_PASID)
		return vfio_dev_attach(&g->d.v, &hwpt);
	return iommu_pasid_attach(g->fd, g->d.v.id, pasid, &hwpt);
}

static inline int guest_detach(struct guest *g, __u32 pasid)
{
	if (pasid == MODEL_NO_PASID)
		return vfio_dev_detach(&g->d.v);
	return iommu_pasid_detach(g->fd, g->d.v.id, pasid);
}

/* Waits for one; returns the number of records of all groups that are there. */
static inline int guest_read(struct guest *g, struct iommu_hwpt_pgfault *rec,
			     unsigned int max)
{
	struct pollfd p = { .fd = g->queue, .events = POLLIN };

	if (poll(&p, 1, FOREVER_MS) != 1)
		return -ETIMEDOUT;
	return iommu_fault_read(g->queue, rec, max);
}

static inline int guest_answer(struct guest *g, __u32 cookie, __u32 code)
{
	int rc = iommu_fault_answer(g->queue, cookie, code);

	if (rc)
		return rc;
	if (code == IOMMUFD_PAGE_RESP_SUCCESS)
		g->success++;
	else if (code == IOMMUFD_PAGE_RESP_INVALID)
		g->invalid++;
	else
		g->failure++;
	return 0;
}

static inline int guest_write(struct guest *g, __u32 pasid, __u64 va,
			      const void *data, __u64 length)
{
	return model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE, pasid, va,
			 (void *)data, length, FOREVER_MS);
}

static inline int guest_load(struct guest *g, __u32 pasid, __u64 va, void *data,
			     __u64 length)
{
	return model_dma(&g->d, 0, pasid, va, data, length, FOREVER_MS);
}

static inline void pattern(void *p, size_t length, unsigned int seed)
{
	unsigned char *b = p;
	size_t i;

	for (i = 0; i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		b[i] = (unsigned char)(seed >> 24) | 1;
	}
}

static inline bool all_bytes(const void *p, unsigned char value, size_t length)
{
	const unsigned char *b = p;
	size_t i;

	for (i = 0; i < length && b[i] == value; i++)
		;
	return i == length;
}

static inline int guest_track(struct guest *g, __u32 hwpt, bool on)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	return iommu_call(g->fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

/* @bits: of @pages, a multiple of 64, from @iova on */
static inline int guest_dirty(struct guest *g, __u32 hwpt, __u64 iova,
			      unsigned int pages, __u32 flags, __u64 *bits)
{
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = iova,
		.length = pages * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)bits,
	};

	memset(bits, 0, pages / 8);
	return iommu_call(g->fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

static inline bool bit_is_set(const __u64 *bits, __u64 nth)
{
	return bits[nth / 64] >> (nth % 64) & 1;
}

/* Of the first @num, a multiple of 64 */
static inline unsigned int bits_set(const __u64 *bits, unsigned int num)
{
	unsigned int i, n = 0;

	for (i = 0; i < num / 64; i++)
		n += (unsigned int)__builtin_popcountll(bits[i]);
	return n;
}

/* A figure that is not shown is never equal to a count. */
static inline __u64 queue_figure(const struct fdinfo *info, const char *key,
				 unsigned int nth)
{
	__u64 value;

	return fdinfo_nth(info, key, nth, &value) ? value : ~0ULL;
}

/*
 * The ledger: what the function saw, what we did, and what the queue's fdinfo
 * says, must agree; and the model has nothing to object to.
 */
#define GUEST_CHECK(g) do {						\
	struct guest *_g = (g);						\
	struct iommufd_model_state _s;					\
	__u64 _v;							\
									\
	ASSERT_EQ(0, model_state(&_g->d, &_s));				\
	EXPECT_EQ(0, _s.waiting);					\
	EXPECT_EQ(0, _s.outstanding);					\
	EXPECT_EQ(0, _s.running);					\
	EXPECT_EQ(_g->success + _g->retried, _s.success);		\
	EXPECT_EQ(_g->invalid + _g->drained, _s.invalid);		\
	EXPECT_EQ(_g->failure, _s.failure);				\
	EXPECT_EQ(_s.groups, _s.success + _s.invalid + _s.failure);	\
	if (_g->queue >= 0) {						\
		struct fdinfo _i;					\
									\
		ASSERT_EQ(0, fdinfo_read(0, _g->queue, &_i));		\
		EXPECT_EQ(_g->success,					\
			  queue_figure(&_i, "answered-user", 1));	\
		EXPECT_EQ(_g->invalid,					\
			  queue_figure(&_i, "answered-user", 2));	\
		EXPECT_EQ(_g->failure,					\
			  queue_figure(&_i, "answered-user", 3));	\
		EXPECT_EQ(0, queue_figure(&_i, "pending", 1));		\
		EXPECT_EQ(0, queue_figure(&_i, "pending", 0));		\
	}								\
	ASSERT_EQ(0, model_violations(&_g->m, &_v));			\
	EXPECT_EQ(_g->violations, _v);					\
} while (0)

static inline void guest_stop(struct guest *g)
{
	model_dev_close(&g->d);
	if (g->queue >= 0)
		close(g->queue);
	if (g->fd >= 0)
		close(g->fd);
	if (g->mem)
		munmap(g->mem, GUEST_SIZE);
	model_remove(&g->m);
}

#endif
