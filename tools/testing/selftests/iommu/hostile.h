/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hostile guest, on a hardware model: what it writes into its tables, and what its
 * VMM passes on for it, is made by a generator that prefers what should not be there:
 * tables that point to each other and to themselves, reserved bits, addresses beside
 * the guest's memory, of memory that is read only or comes and goes, of interrupts, of
 * nothing at all.
 *
 * The model knows what the guest was granted (IOMMUFD_MODEL_GRANT), page by page, and
 * objects to each access elsewhere. That is one judge. The other one is memory that
 * nothing may change, which is looked at by this program.
 *
 * IOMMU_TEST_SEED: another seed; the same one does the same again, but for threads.
 */
#ifndef SELFTESTS_IOMMU_HOSTILE_H
#define SELFTESTS_IOMMU_HOSTILE_H

#include <pthread.h>
#include <stdatomic.h>

#include "model_guest.h"

/* Tables that the generator fills, the first one is the root */
#define HOSTILE_TABLES	8
/* Memory that comes and goes, and some that is read only: beside the guest's */
#define HOSTILE_BLOCK	(16 * PAGE)
#define BALLOON_GPA	(GPA + GUEST_SIZE)
#define FIXED_GPA	(BALLOON_GPA + SIZE_2M)
/* Goes through tables that are in order, to whatever hostile_path() says */
#define VA_PATH		(3ULL << 39)
#define PATH_INDEX	3
/* The same in the upper half of the addresses, where hostile_kind::high */
#define VA_PATH_HIGH	(VA_PATH | ~0ULL << 47)

struct hostile;

/**
 * struct hostile_kind - whose tables they are
 * @start: model, function, memory, in @h->g; as guest_go_on(). @h->pasid is set
 * @hwpt: a HWPT with the first of @h->table for its root, and @h->g's queue
 * @stop: everything away, even what start() left half done
 * @table: an entry that points to a table
 * @leaf: one that points to a page
 * @entry: any entry, which may be one of those
 * @mutate: of what is above the tables, if the guest has that: something. Or NULL
 * @given: something for the kernel; -1 and @h->why if it does what it should not
 * @whole: the HWPT is for the device with all of its PASIDs
 * @high: addresses with their highest bit set are those of all bits above it set
 */
struct hostile_kind {
	int (*start)(struct hostile *h);
	int (*hwpt)(struct hostile *h, __u32 *hwpt);
	void (*stop)(struct hostile *h);
	__u64 (*table)(__u64 gpa);
	__u64 (*leaf)(__u64 gpa);
	__u64 (*entry)(__u64 *rng, __u64 gpa);
	void (*mutate)(struct hostile *h, __u64 *rng);
	int (*given)(struct hostile *h);
	bool whole;
	bool high;
};

/**
 * struct hostile - the guest, and what is around it
 * @kind: constant
 * @g: its memory, function and queue
 * @hwpt: that it is attached to, but for a moment
 * @pasid: it is attached with that one
 * @seed: of all that is random
 * @rng: of the main thread
 * @table: in guest physical addresses
 * @path: likewise, of the upper levels to VA_PATH
 * @balloon: mapped if @inflated is false
 * @inflated: the guest has given it back
 * @fixed: mapped read only
 * @beside: mapped too, but not for this guest
 * @ended: DMAs, by IOMMUFD_MODEL_DMA_*
 * @taken: calls that the kernel carried out
 * @refused: calls that it did not
 * @stop: the threads are to end
 * @answers: that they gave
 * @odd: answers that should not have been taken, or have failed in an odd way
 * @answerer: there is that thread
 * @thread: that answers
 * @why: what went wrong
 */
struct hostile {
	const struct hostile_kind *kind;
	struct guest *g;
	__u32 hwpt;
	__u32 pasid;
	__u64 seed;
	__u64 rng;
	__u64 table[HOSTILE_TABLES];
	__u64 path[3];
	char *balloon;
	bool inflated;
	char *fixed;
	char *beside;
	unsigned long ended[8];
	unsigned long taken;
	unsigned long refused;
	atomic_bool stop;
	atomic_ulong answers;
	atomic_ulong odd;
	bool answerer;
	pthread_t thread;
	char why[160];
};

__attribute__((format(printf, 2, 3)))
static inline int hostile_fail(struct hostile *h, const char *format, ...)
{
	va_list args;
	int n;

	n = snprintf(h->why, sizeof(h->why), "seed %llu: ", h->seed);
	va_start(args, format);
	vsnprintf(h->why + n, sizeof(h->why) - (size_t)n, format, args);
	va_end(args);
	return -1;
}

#define HOSTILE_OK(h, call) do {					\
	ASSERT_EQ(0, call)						\
		TH_LOG("%s", (h)->why);					\
} while (0)

/* --- the generator --- */

static inline __u32 hostile_random(__u64 *rng, __u32 below)
{
	*rng = *rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (__u32)(((*rng >> 32) * below) >> 32);
}

static inline bool one_in(__u64 *rng, __u32 n)
{
	return !hostile_random(rng, n);
}

static inline __u64 hostile_bits(__u64 *rng)
{
	__u64 high = hostile_random(rng, ~0U);

	return high << 32 | hostile_random(rng, ~0U);
}

/* Where an entry may point to: 4 KiB aligned, in bits 51 to 0 */
static inline __u64 hostile_address(struct hostile *h, __u64 *rng)
{
	/* A walk of four levels is to come to its end now and then. */
	if (!one_in(rng, 4))
		return h->table[hostile_random(rng, HOSTILE_TABLES)];
	switch (hostile_random(rng, 7)) {
	case 0:
	case 1:
		return data_gpa(hostile_random(rng, 64));
	case 2:
		return BALLOON_GPA + hostile_random(rng, 16) * PAGE;
	case 3:
		return FIXED_GPA + hostile_random(rng, 16) * PAGE;
	case 4:
		/* Right behind it, and right before */
		return one_in(rng, 2) ? FIXED_GPA + HOSTILE_BLOCK : GPA - PAGE;
	case 5:
		/* Writes to the first are interrupts on x86 */
		return one_in(rng, 2) ? 0xfee00000ULL : 0;
	case 6:
		/* The last page of an address width */
		if (one_in(rng, 2))
			return (1ULL << (36 + hostile_random(rng, 17))) - PAGE;
	}
	return hostile_bits(rng) & 0x000ffffffffff000ULL;
}

/* Of each table few entries are ever used, so that walks come far. */
static inline __u32 hostile_index(__u64 *rng)
{
	static const __u32 used[] = { 0, 1, 2, 511 };

	return used[hostile_random(rng, ARRAY_LEN(used))];
}

static inline void hostile_set(struct guest *g, __u64 table, __u32 index,
			       __u64 entry)
{
	__atomic_store_n((__u64 *)at_gpa(g, table) + index, entry,
			 __ATOMIC_RELEASE);
}

static inline void hostile_fill(struct hostile *h, __u64 *rng, unsigned int num)
{
	while (num--)
		hostile_set(h->g, h->table[hostile_random(rng, HOSTILE_TABLES)],
			    hostile_index(rng),
			    h->kind->entry(rng, hostile_address(h, rng)));
}

static inline __u64 hostile_va(struct hostile *h, __u64 *rng)
{
	unsigned int shift;
	__u64 va = hostile_random(rng, (__u32)PAGE);

	for (shift = 12; shift < 48; shift += 9)
		va |= (__u64)hostile_index(rng) << shift;
	if (h->kind->high && va >> 47)
		va |= ~0ULL << 48;
	if (one_in(rng, 8))
		va ^= 1ULL << (48 + hostile_random(rng, 16));
	return va;
}

/* Up to 16 pages at VA_PATH are those from @gpa on; 0: none. */
static inline void hostile_path(struct hostile *h, __u64 gpa)
{
	const struct hostile_kind *kind = h->kind;
	unsigned int i;

	for (i = 0; i < HOSTILE_BLOCK / PAGE; i++)
		hostile_set(h->g, h->path[2], i,
			    gpa ? kind->leaf(gpa + i * PAGE) : 0);
	hostile_set(h->g, h->path[1], 0, kind->table(h->path[2]));
	hostile_set(h->g, h->path[0], 0, kind->table(h->path[1]));
	hostile_set(h->g, h->table[0], PATH_INDEX, kind->table(h->path[0]));
	if (kind->high)
		hostile_set(h->g, h->table[0], 256 + PATH_INDEX,
			    kind->table(h->path[0]));
}

/* --- the device --- */

/* One DMA to its end; @va: where, 0: anywhere. How it ended, or -1. */
static inline int hostile_dma(struct hostile *h, __u64 va, __u32 flags)
{
	static const __u64 lengths[] = { 1, 8, PAGE, 3 * PAGE };
	char data[3 * PAGE];
	__u64 *rng = &h->rng;
	__u64 length;
	int status;

	length = lengths[hostile_random(rng, ARRAY_LEN(lengths))];
	if (!va) {
		va = hostile_va(h, rng);
		if (one_in(rng, 2))
			flags |= IOMMUFD_MODEL_DMA_UNTRANSLATED;
		if (one_in(rng, 2))
			flags |= IOMMUFD_MODEL_DMA_WRITE;
		if (h->pasid != MODEL_NO_PASID && one_in(rng, 8))
			flags |= IOMMUFD_MODEL_DMA_PRIV;
	}
	if (va + length < va)
		length = 1;
	memset(data, 0xa5, sizeof(data));
	status = model_dma(&h->g->d, flags, h->pasid, va, data, length,
			   FOREVER_MS);
	switch (status) {
	case IOMMUFD_MODEL_DMA_OK:
	case IOMMUFD_MODEL_DMA_FAULTED:
	case IOMMUFD_MODEL_DMA_BLOCKED:
	case IOMMUFD_MODEL_DMA_DISABLED:
		h->ended[status]++;
		return status;
	}
	return hostile_fail(h, "DMA of %llu to %llx with %x: %s", length, va,
			    flags, model_status_name(status));
}

/* Page requests of no DMA, for anything. 0 or -1. */
static inline int hostile_ask(struct hostile *h)
{
	__u64 *rng = &h->rng;
	__u32 grpid = hostile_random(rng, 512);
	__u64 va = one_in(rng, 2) ? hostile_va(h, rng) : hostile_bits(rng);
	int rc;

	rc = model_request(&h->g->d, IOMMUFD_MODEL_REQUEST_LAST, h->pasid,
			   1 + hostile_random(rng, 3), va & -PAGE,
			   1 + hostile_random(rng, 32), &grpid);
	/* EACCES: a table without ATS has no page requests. */
	return rc >= 0 || rc == -EACCES || rc == -EBUSY ? 0 :
	       hostile_fail(h, "page requests for %llx: %d", va, rc);
}

/* --- who answers, for better or worse --- */

static inline void hostile_answer(struct hostile *h, __u64 *rng, __u32 cookie)
{
	__u32 code = 2 + hostile_random(rng, 13);
	int rc;

	if (one_in(rng, 4) &&
	    iommu_fault_answer(h->g->queue, cookie,
			       one_in(rng, 2) ? code : ~0U - code) != -EINVAL)
		atomic_fetch_add(&h->odd, 1);
	code = one_in(rng, 3) ? IOMMUFD_PAGE_RESP_SUCCESS :
				IOMMUFD_PAGE_RESP_INVALID;
	rc = iommu_fault_answer(h->g->queue, cookie, code);
	/* Or what it came from is attached there no more. */
	if (!rc)
		atomic_fetch_add(&h->answers, 1);
	else if (rc != -EINVAL)
		atomic_fetch_add(&h->odd, 1);
}

static inline void *hostile_answers(void *arg)
{
	struct hostile *h = arg;
	struct pollfd p = { .fd = h->g->queue, .events = POLLIN };
	struct iommu_hwpt_pgfault rec[64];
	__u64 rng = h->seed ^ 0xa115;
	int i, n;

	while (!atomic_load(&h->stop)) {
		if (poll(&p, 1, 20) != 1)
			continue;
		n = iommu_fault_read(h->g->queue, rec, ARRAY_LEN(rec));
		for (i = 0; i < n; i++)
			if (rec[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE)
				hostile_answer(h, &rng, rec[i].cookie);
	}
	return NULL;
}

static inline int hostile_answerer(struct hostile *h)
{
	if (pthread_create(&h->thread, NULL, hostile_answers, h))
		return hostile_fail(h, "no thread");
	h->answerer = true;
	return 0;
}

/* --- HWPTs --- */

static inline int hostile_attach(struct hostile *h, __u32 hwpt)
{
	struct guest *g = h->g;
	__u32 pt = hwpt;

	if (h->kind->whole || h->pasid == MODEL_NO_PASID)
		return guest_attach(g, MODEL_NO_PASID, hwpt);
	if (!h->hwpt)
		return iommu_pasid_attach(g->fd, g->d.v.id, h->pasid, &pt);
	return iommu_pasid_replace(g->fd, g->d.v.id, h->pasid, &pt);
}

/*
 * On a HWPT that the kernel made of whatever it was given: a few DMAs, and back. 0 or
 * -1; the HWPT has gone.
 */
static inline int hostile_try(struct hostile *h, __u32 hwpt)
{
	int rc, i;

	rc = hostile_attach(h, hwpt);
	if (rc && rc != -EINVAL && rc != -EOPNOTSUPP)
		return hostile_fail(h, "attaching: %d", rc);
	for (i = 0; !rc && i < 3; i++)
		if (hostile_dma(h, 0, 0) < 0)
			return -1;
	rc = hostile_attach(h, h->hwpt);
	if (rc)
		return hostile_fail(h, "attaching what was attached: %d", rc);
	rc = iommu_destroy(h->g->fd, hwpt);
	return rc ? hostile_fail(h, "destroying: %d", rc) : 0;
}

/* What the kernel said of a call; 0, or -1 if that is no errno of it. */
static inline int hostile_said(struct hostile *h, const char *what, int rc,
			       const int *documented)
{
	if (!rc) {
		h->taken++;
		return 0;
	}
	h->refused++;
	for (; *documented; documented++)
		if (rc == *documented)
			return 0;
	return hostile_fail(h, "%s: %d is not documented", what, rc);
}

/* So that what was changed is walked, and not what was there before. 0 or -1. */
static inline int hostile_forget(struct hostile *h)
{
	struct iommu_hwpt_invalidate_range all = {
		.flags = IOMMU_INVALIDATE_RANGE_ALL,
	};
	__u32 num = 1;
	int rc;

	rc = iommu_hwpt_invalidate(h->g->fd, h->hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_RANGE, &all,
				   sizeof(all), &num);
	return rc ? hostile_fail(h, "forgetting: %d", rc) : 0;
}

/* --- memory --- */

/* Take back what was given, or give it back. 0 or -1. */
static inline int hostile_balloon(struct hostile *h)
{
	struct guest *g = h->g;
	int rc;

	if (h->inflated) {
		if (!all_bytes(h->balloon, 0x5a, HOSTILE_BLOCK))
			return hostile_fail(h, "written after it was unmapped");
		rc = model_grant(&g->m, h->balloon, HOSTILE_BLOCK, 0);
		if (!rc)
			rc = iommu_map(g->fd, g->ioas, h->balloon,
				       HOSTILE_BLOCK, BALLOON_GPA);
	} else {
		rc = iommu_unmap(g->fd, g->ioas, BALLOON_GPA, HOSTILE_BLOCK,
				 NULL);
		/* From here on nobody may reach it. */
		if (!rc)
			rc = model_grant(&g->m, h->balloon, HOSTILE_BLOCK,
					 IOMMUFD_MODEL_GRANT_REVOKE);
		memset(h->balloon, 0x5a, HOSTILE_BLOCK);
	}
	h->inflated = !h->inflated;
	return rc ? hostile_fail(h, "balloon: %d (%s)", rc, model_error()) : 0;
}

static inline int hostile_memory(struct hostile *h)
{
	__u64 iova = FIXED_GPA;
	struct guest *g = h->g;
	__u32 ioas;
	int rc;

	h->balloon = mem_get(HOSTILE_BLOCK);
	h->fixed = mem_get(HOSTILE_BLOCK);
	h->beside = mem_get(HOSTILE_BLOCK);
	if (!h->balloon || !h->fixed || !h->beside)
		return -ENOMEM;
	pattern(h->fixed, HOSTILE_BLOCK, 1);
	pattern(h->beside, HOSTILE_BLOCK, 2);
	rc = model_grant(&g->m, g->mem, GUEST_SIZE, 0);
	if (!rc)
		rc = model_grant(&g->m, h->balloon, HOSTILE_BLOCK, 0);
	if (!rc)
		rc = model_grant(&g->m, h->fixed, HOSTILE_BLOCK,
				 IOMMUFD_MODEL_GRANT_READ_ONLY);
	if (!rc)
		rc = iommu_map(g->fd, g->ioas, h->balloon, HOSTILE_BLOCK,
			       BALLOON_GPA);
	if (!rc)
		rc = iommu_map_flags(g->fd, g->ioas, h->fixed, HOSTILE_BLOCK,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova);
	if (!rc)
		rc = iommu_ioas_alloc(g->fd, &ioas);
	if (!rc)
		rc = iommu_map(g->fd, ioas, h->beside, HOSTILE_BLOCK, GPA);
	return rc;
}

static inline bool is_pattern(const void *p, size_t length, unsigned int seed)
{
	static char want[HOSTILE_BLOCK];

	pattern(want, length, seed);
	return !memcmp(want, p, length);
}

/* As guest_go_on(). */
static inline int hostile_start(struct hostile *h, const struct hostile_kind *kind)
{
	const char *seed = getenv("IOMMU_TEST_SEED");
	unsigned int i;
	int rc;

	memset(h, 0, sizeof(*h));
	h->kind = kind;
	h->seed = seed ? strtoull(seed, NULL, 0) : 1;
	h->rng = h->seed;
	/* The first values of two seeds are much the same. */
	for (i = 0; i < 8; i++)
		hostile_bits(&h->rng);
	rc = kind->start(h);
	if (rc)
		return rc;
	for (i = 0; i < HOSTILE_TABLES; i++)
		h->table[i] = table_new(h->g);
	for (i = 0; i < ARRAY_LEN(h->path); i++)
		h->path[i] = table_new(h->g);
	rc = hostile_memory(h);
	if (!rc)
		rc = guest_queue(h->g, 256, IOMMU_FAULT_POLICY_BLOCKING);
	if (!rc)
		rc = kind->hwpt(h, &i);
	if (!rc)
		rc = hostile_attach(h, i);
	if (!rc)
		h->hwpt = i;
	return rc;
}

/* Until all that the function has asked for was answered, but not for ever */
#define HOSTILE_IDLE(h, s) do {						\
	__u64 _end = now_ms() + FOREVER_MS;				\
									\
	for (;;) {							\
		ASSERT_EQ(0, model_state(&(h)->g->d, s));		\
		if (!((s)->outstanding || (s)->running) ||		\
		    now_ms() >= _end)					\
			break;						\
		sleep_ms(10);						\
	}								\
} while (0)

/* Nothing is left, nothing has been where it must not, all were answered once. */
#define HOSTILE_CHECK(h) do {						\
	struct hostile *_h = (h);					\
	struct iommufd_model_state _s;					\
	__u64 _v;							\
									\
	if (_h->answerer) {						\
		HOSTILE_IDLE(_h, &_s);					\
	}								\
	atomic_store(&_h->stop, true);					\
	if (_h->answerer)						\
		pthread_join(_h->thread, NULL);				\
	ASSERT_EQ(0, model_state(&_h->g->d, &_s));			\
	EXPECT_EQ(0, _s.waiting);					\
	EXPECT_EQ(0, _s.outstanding);					\
	EXPECT_EQ(0, _s.running);					\
	EXPECT_EQ(_s.groups, _s.success + _s.invalid + _s.failure);	\
	EXPECT_EQ(0, _s.failure);					\
	EXPECT_EQ(0, atomic_load(&_h->odd));				\
	EXPECT_TRUE(is_pattern(_h->fixed, HOSTILE_BLOCK, 1));		\
	EXPECT_TRUE(is_pattern(_h->beside, HOSTILE_BLOCK, 2));		\
	if (_h->inflated) {						\
		EXPECT_TRUE(all_bytes(_h->balloon, 0x5a,		\
				      HOSTILE_BLOCK));			\
	}								\
	ASSERT_EQ(0, model_violations(&_h->g->m, &_v));			\
	EXPECT_EQ(_h->g->violations, _v)				\
		TH_LOG("seed %llu: see the kernel's log", _h->seed);	\
} while (0)

#endif
