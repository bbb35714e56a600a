/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Building blocks of the stress cases on hardware models: a machine with PCI
 * functions under VFIO, memory that plays the guest's, tables that lead to it, and
 * DMAs whose every byte is known. Whose tables those are, and how they are
 * changed, is up to a struct ms_kind: vtd_stress.h and smmuv3_stress.h.
 *
 * PASIDs are numbered through all functions, so that a PASID names a table, and
 * an address in it names a DMA. A table has one leaf table, cut into regions of
 * equal size with one DMA each.
 */
#ifndef SELFTESTS_IOMMU_MODEL_STRESS_H
#define SELFTESTS_IOMMU_MODEL_STRESS_H

#include "iommu_test.h"

#include <linux/vfio.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "../../../iommu/lib/model_dev.h"

#define MS_FUNCS	8
#define MS_SPACES	64
#define MS_REGIONS	64
#define MS_MAX_PAGES	32
#define MS_ENTRIES	512
#define MS_GPA		0x10000000ULL
#define MS_GVA		0x7f0000000000ULL
#define MS_CAPACITY	2048
#define MS_PASID_BITS	16
#define MS_BATCH	256

struct ms_job {
	struct model_dev *f;
	struct ms_space *space;
	__u64 gva;
	__u32 length;
	__u32 offset;
	__u32 pages;
	__u32 seed;
	struct model_job dma;
	bool write;
	bool mapped;
	atomic_uint seen;
	unsigned char *data;
	unsigned char *page[MS_MAX_PAGES];
};

struct ms;
struct ms_queue;
struct ms_space;

/**
 * struct ms_kind - a vendor's IOMMU, and who keeps the tables of its PASIDs
 * @machine: add one; -ENODEV: this kernel has no model of it
 * @function: what spaces of a function need; it is bound
 * @space: an empty table for MS_GVA, the first time, and then ms_space::hwpt
 * @hwpt: one more HWPT of a space's table, with queue or NULL: whose faults nobody
 *	reads. NULL: a space is no HWPT of its own
 * @leaf: entry @at of the space's leaf table: a page, or NULL: none
 * @flush: forget what is cached of *@num (NULL: 1) ranges of @pages pages, one
 *	behind the other; returns the errno, and in *@num what was done
 * @delay: what model_inject() holds the interrupt of page requests back with
 */
struct ms_kind {
	int (*machine)(struct ms *s);
	int (*function)(struct ms *s, struct model_dev *f);
	int (*space)(struct ms *s, struct ms_space *sp,
		     const struct ms_queue *q);
	int (*hwpt)(struct ms *s, struct ms_space *sp,
		    const struct ms_queue *q, __u32 *hwpt);
	int (*leaf)(struct ms *s, struct ms_space *sp, __u64 at, void *page);
	int (*flush)(struct ms *s, struct ms_space *sp, __u64 gva,
		     __u64 pages, __u32 *num);
	__u32 delay;
};

/* @ioas, @root, @leaf: for the kind, which has either a table or an IOAS */
struct ms_space {
	struct model_dev *f;
	__u32 pasid;
	__u32 hwpt;
	__u32 ioas;
	__u64 root;
	atomic_ullong *leaf;
	__u32 stride;
	struct ms_job *job[MS_REGIONS];
};

/* Most queues that stay open until a case ends */
#define MS_LEFT		16

struct ms_queue {
	int fd;
	__u32 id;
};

/* @parent, @viommu, @cds: for the kind */
struct ms {
	const struct ms_kind *kind;
	struct model model;
	int fd;
	__u32 ioas;
	__u32 parent;
	__u32 viommu;
	__u64 cds[MS_FUNCS];
	unsigned char *memory;
	size_t size;
	atomic_size_t used;
	__u64 violations;
	unsigned int seed;
	unsigned int random;
	struct model_dev f[MS_FUNCS];
	struct ms_space space[MS_SPACES];
	/* Requests of no DMA: groups of these were delivered. */
	atomic_ullong strays;
	/* Groups that came without their beginning */
	atomic_ullong torn;
	atomic_ullong delivered;
	atomic_ullong answered;
	bool overflow_expected;
	/* Queues that stay open to the end: each keeps the context, and its HWPTs */
	int left[MS_LEFT];
	unsigned int num_left;
	char why[256];
};

/* The first reason is kept. */
__attribute__((format(printf, 3, 4)))
static inline int ms_fail(struct ms *s, int line, const char *format, ...)
{
	va_list args;
	int n;

	if (s->why[0])
		return -1;
	n = snprintf(s->why, sizeof(s->why), "seed %u, line %d: ", s->seed,
		     line);
	va_start(args, format);
	vsnprintf(s->why + n, sizeof(s->why) - (size_t)n, format, args);
	va_end(args);
	return -1;
}

/* In helpers, which return 0 or -1 with the reason in ms.why */
#define MS_MUST(s, call) do {						\
	long long _rc = (long long)(call);				\
									\
	if (_rc)							\
		return ms_fail(s, __LINE__, "%s is %lld (%s)",	\
			       #call, _rc, model_error());	\
} while (0)
#define MS_SAME(s, want, have) do {					\
	unsigned long long _w = (want), _h = (have);			\
									\
	if (_w != _h)							\
		return ms_fail(s, __LINE__, "%s is %llu, not %llu",	\
			       #have, _h, _w);				\
} while (0)
/* In tests */
#define MS_OK(s, call) do {						\
	ASSERT_EQ(0, call)						\
		TH_LOG("%s", (s)->why);					\
} while (0)

static inline unsigned int ms_random(struct ms *s, unsigned int below)
{
	s->random = s->random * 1664525 + 1013904223;
	return (unsigned int)(((__u64)s->random * below) >> 32);
}

static inline unsigned char ms_byte(__u32 seed, __u32 at)
{
	__u32 x = (seed + at) * 2654435761U;

	return (unsigned char)(x >> 24);
}

/* --- functions --- */

/* Function @n under VFIO, and what its spaces need */
static inline int ms_plug(struct ms *s, unsigned int n, __u32 capacity,
			  __u32 vfs)
{
	struct model_dev *f = &s->f[n];

	MS_MUST(s, model_plug_with(&s->model, (n + 1) << 3, MODEL_CAPS_ALL,
				   MS_PASID_BITS, capacity, vfs, f));
	MS_MUST(s, model_dev_open(f));
	MS_MUST(s, model_dev_bind(f, s->fd));
	return s->kind->function(s, f);
}

/* --- guest memory --- */

static inline void *ms_pages(struct ms *s, unsigned int pages)
{
	size_t at = atomic_fetch_add(&s->used, pages * PAGE);

	return at + pages * PAGE > s->size ? NULL : s->memory + at;
}

static inline __u64 ms_gpa(struct ms *s, const void *p)
{
	return MS_GPA + (__u64)((const unsigned char *)p - s->memory);
}

static inline int ms_init(struct ms *s, const struct ms_kind *kind, size_t size)
{
	const char *seed = getenv("IOMMU_TEST_SEED");
	unsigned int i;
	int rc;

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->seed = seed ? (unsigned int)atoi(seed) :
			 (unsigned int)(now_ms() ^ (__u64)getpid() << 16);
	s->random = s->seed;
	for (i = 0; i < MS_FUNCS; i++)
		s->f[i].v.fd = -1;
	s->fd = iommu_open();
	if (s->fd == -ENOENT)
		return -ENODEV;
	if (s->fd < 0)
		return ms_fail(s, __LINE__, "/dev/iommu: %s", strerror(-s->fd));
	rc = kind->machine(s);
	/* This kernel has none; one that cannot be made is no reason to skip. */
	if (rc == -ENOENT)
		return -ENODEV;
	MS_MUST(s, rc);
	s->size = size;
	s->memory = mem_get(size);
	if (!s->memory)
		return ms_fail(s, __LINE__, "no memory");
	MS_MUST(s, model_violations(&s->model, &s->violations));
	MS_MUST(s, iommu_ioas_alloc(s->fd, &s->ioas));
	MS_MUST(s, iommu_map(s->fd, s->ioas, s->memory, size, MS_GPA));
	return 0;
}

/* Everything away; nothing has gone wrong in the model, nothing is left of it. */
static inline int ms_exit(struct ms *s)
{
	__u64 violations;
	unsigned int i;

	for (i = 0; i < MS_FUNCS; i++)
		model_dev_close(&s->f[i]);
	for (i = 0; i < s->num_left; i++)
		close(s->left[i]);
	close(s->fd);
	MS_MUST(s, model_violations(&s->model, &violations));
	MS_SAME(s, s->violations, violations);
	if (!s->overflow_expected)
		MS_SAME(s, 0, atomic_load(&s->torn));
	MS_MUST(s, model_remove(&s->model));
	munmap(s->memory, s->size);
	return 0;
}

/* --- spaces --- */

/* PASID @pasid of @f, from 1 to MS_SPACES, on a table of its own */
static inline int ms_space(struct ms *s, struct model_dev *f, __u32 pasid,
			   const struct ms_queue *q, __u32 stride)
{
	struct ms_space *sp = &s->space[pasid - 1];

	sp->f = f;
	sp->pasid = pasid;
	sp->stride = stride;
	return s->kind->space(s, sp, q);
}

static inline int ms_flush(struct ms *s, struct ms_space *sp, __u64 gva,
			   __u64 pages, __u32 *num)
{
	return s->kind->flush(s, sp, gva, pages, num);
}

/* --- DMA --- */

/* A DMA in region @region, of up to @pages pages; not started yet. */
static inline struct ms_job *ms_job(struct ms *s, __u32 pasid,
				    unsigned int region, unsigned int pages,
				    bool whole)
{
	struct ms_space *sp = &s->space[pasid - 1];
	struct ms_job *job = calloc(1, sizeof(*job));
	unsigned int i;

	if (!job)
		return NULL;
	job->f = sp->f;
	job->space = sp;
	job->pages = pages;
	job->offset = whole ? 0 : ms_random(s, PAGE);
	job->length = (__u32)((pages - 1) * PAGE) + 1;
	/* The last byte in the last page */
	if (whole)
		job->length = (__u32)(pages * PAGE);
	else
		job->length += ms_random(s, (unsigned int)PAGE - job->offset);
	if (!whole && pages > 1)
		job->length -= ms_random(s, job->offset + 1) / 2;
	job->pages = (job->offset + job->length + (__u32)PAGE - 1) / (__u32)PAGE;
	job->gva = MS_GVA + region * sp->stride * PAGE + job->offset;
	job->write = ms_random(s, 2);
	job->seed = ms_random(s, ~0U);
	job->data = malloc(job->length);
	if (!job->data || job->pages > sp->stride)
		return NULL;
	for (i = 0; i < job->length; i++)
		job->data[i] = job->write ? ms_byte(job->seed, i) : 0;
	sp->job[region] = job;
	return job;
}

static inline void ms_job_free(struct ms_job *job)
{
	free(job->data);
	free(job);
}

static inline int ms_start(struct ms *s, struct ms_job *job)
{
	MS_MUST(s, model_job_start(job->f, job->write ?
					   IOMMUFD_MODEL_DMA_WRITE : 0,
				   job->space->pasid, job->gva, job->data,
				   job->length, 0, &job->dma));
	return 0;
}

static inline int ms_wait(struct ms *s, struct ms_job *job, int status)
{
	int rc = model_job_wait(&job->dma, FOREVER_MS);

	if (rc != status)
		return ms_fail(s, __LINE__, "PASID %u, %#llx, %u bytes: %s",
			       job->space->pasid, job->gva, job->length,
			       model_status_name(rc));
	return 0;
}

/* Each page its own, filled with what a read is to find */
static inline int ms_map(struct ms *s, struct ms_job *job)
{
	struct ms_space *sp = job->space;
	__u64 at = (job->gva - MS_GVA) / PAGE;
	__u32 i;

	for (i = 0; i < job->pages && !job->mapped; i++) {
		job->page[i] = ms_pages(s, 1);
		if (!job->page[i])
			return -ENOMEM;
		memset(job->page[i], 0xa5, PAGE);
	}
	for (i = 0; i < job->length && !job->write; i++) {
		__u32 byte = job->offset + i;

		job->page[byte / PAGE][byte % PAGE] = ms_byte(job->seed, i);
	}
	job->mapped = true;
	for (i = 0; i < job->pages; i++)
		MS_MUST(s, s->kind->leaf(s, sp, at + i, job->page[i]));
	return 0;
}

static inline int ms_unmap(struct ms *s, struct ms_job *job)
{
	__u64 at = (job->gva - MS_GVA) / PAGE;
	__u32 i;

	for (i = 0; i < job->pages; i++)
		MS_MUST(s, s->kind->leaf(s, job->space, at + i, NULL));
	return 0;
}

/* All bytes where they should be, and none beside */
static inline int ms_check(struct ms *s, struct ms_job *job)
{
	__u32 i, end = job->offset + job->length;

	if (ms_wait(s, job, IOMMUFD_MODEL_DMA_OK))
		return -1;
	for (i = 0; i < job->length; i++) {
		__u32 byte = job->offset + i;
		unsigned char have = job->write ?
			job->page[byte / PAGE][byte % PAGE] : job->data[i];

		if (have != ms_byte(job->seed, i))
			return ms_fail(s, __LINE__,
				       "PASID %u, %#llx: byte %u of %u of a %s is %02x",
				       job->space->pasid, job->gva, i,
				       job->length,
				       job->write ? "write" : "read", have);
	}
	if (!job->write)
		return 0;
	if (job->offset)
		MS_SAME(s, 0xa5, job->page[0][job->offset - 1]);
	if (end % PAGE)
		MS_SAME(s, 0xa5, job->page[end / PAGE][end % PAGE]);
	return 0;
}

/* --- queues --- */

static inline int ms_queue(struct ms *s, struct ms_queue *q, __u32 depth)
{
	q->fd = iommu_fault_queue(s->fd, depth, 0, 0, &q->id);
	return q->fd < 0 ? q->fd : 0;
}

/* One that ms_exit() closes */
static inline int ms_queue_to_end(struct ms *s, struct ms_queue *q, __u32 depth)
{
	MS_SAME(s, true, s->num_left < MS_LEFT);
	MS_MUST(s, ms_queue(s, q, depth));
	s->left[s->num_left++] = q->fd;
	return 0;
}

static inline int ms_pending(struct ms *s, const struct ms_queue *q,
			     __u64 *groups)
{
	struct fdinfo *info = malloc(sizeof(*info));
	int rc;

	if (!info)
		return -ENOMEM;
	rc = fdinfo_read(0, q->fd, info);
	if (!rc && !fdinfo_nth(info, "pending", 1, groups))
		rc = -ENOENT;
	free(info);
	(void)s;
	return rc;
}

/* Until @groups are waiting in the queue, or answers outstanding */
static inline int ms_await(struct ms *s, const struct ms_queue *q, __u64 groups)
{
	__u64 end = now_ms() + FOREVER_MS, have = 0;

	while (now_ms() < end) {
		MS_MUST(s, ms_pending(s, q, &have));
		if (have >= groups)
			return 0;
		sleep_ms(5);
	}
	return ms_fail(s, __LINE__, "%llu groups, not %llu", have, groups);
}

/* One record of a group: the DMA it is of, NULL: of none, and *rc is 0 or not */
static inline struct ms_job *ms_whose(struct ms *s,
				      const struct iommu_hwpt_pgfault *r,
				      int *rc)
{
	struct ms_space *sp;
	struct ms_job *job;
	__u64 region;

	*rc = 0;
	if (!(r->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID) || !r->pasid ||
	    r->pasid > MS_SPACES) {
		*rc = ms_fail(s, __LINE__, "a fault of PASID %u", r->pasid);
		return NULL;
	}
	sp = &s->space[r->pasid - 1];
	if (!sp->f || sp->f->v.id != r->dev_id) {
		*rc = ms_fail(s, __LINE__, "PASID %u of device %u", r->pasid,
			      r->dev_id);
		return NULL;
	}
	if (r->addr < MS_GVA)
		return NULL;
	region = (r->addr - MS_GVA) / PAGE / sp->stride;
	job = region < MS_REGIONS ? sp->job[region] : NULL;
	if (!job)
		*rc = ms_fail(s, __LINE__, "PASID %u: nobody touched %llx",
			      r->pasid, r->addr);
	return job;
}

/*
 * Is the group as it was sent? A DMA asks for all its pages, as none is there
 * before its group is answered; a request of no DMA says in its address how many
 * there are. When the unit's queue ran over, what was sent at the time is missing,
 * and no mark is left of that: a group may then have lost its beginning, but
 * never anything from the middle or the end.
 */
static inline int ms_group(struct ms *s, const struct iommu_hwpt_pgfault *r,
			   unsigned int n, struct ms_job **whose)
{
	unsigned int i, pages;
	struct ms_job *job;
	__u64 base;
	int rc;

	job = ms_whose(s, r, &rc);
	*whose = job;
	if (rc)
		return rc;
	base = job ? job->gva & ~(PAGE - 1) : r->addr & ~((1ULL << 20) - 1);
	pages = job ? job->pages : (unsigned int)(r->addr >> 20);
	if (n > pages)
		return ms_fail(s, __LINE__, "PASID %u: %u requests, not %u",
			       r->pasid, n, pages);
	if (n < pages)
		atomic_fetch_add(&s->torn, 1);
	base += (pages - n) * PAGE;
	for (i = 0; i < n; i++) {
		bool last = r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE;

		MS_SAME(s, r->cookie, r[i].cookie);
		MS_SAME(s, r->pasid, r[i].pasid);
		MS_SAME(s, r->grpid, r[i].grpid);
		MS_SAME(s, i == n - 1, last);
		MS_SAME(s, base + i * PAGE, r[i].addr);
		if (job)
			MS_SAME(s, job->write ? IOMMU_PGFAULT_PERM_WRITE :
						IOMMU_PGFAULT_PERM_READ,
				r[i].perm);
	}
	if (job)
		atomic_fetch_add(&job->seen, 1);
	else
		atomic_fetch_add(&s->strays, 1);
	atomic_fetch_add(&s->delivered, 1);
	return 0;
}

struct ms_answer {
	__u32 cookie;
	struct ms_job *job;
};

/* What can be read now, at most @max groups; returns how many, or -1 */
static inline int ms_read(struct ms *s, const struct ms_queue *q,
			  struct ms_answer *out, unsigned int max)
{
	struct iommu_hwpt_pgfault r[MS_BATCH];
	unsigned int i, first = 0, groups = 0;
	int n;

	while (groups + MS_BATCH <= max) {
		n = iommu_fault_read(q->fd, r, ARRAY_LEN(r));
		if (n < 0)
			return ms_fail(s, __LINE__, "read: %d", n);
		if (!n)
			break;
		for (i = 0, first = 0; i < (unsigned int)n; i++) {
			if (!(r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
				continue;
			if (ms_group(s, r + first, i + 1 - first,
				     &out[groups].job))
				return -1;
			out[groups++].cookie = r[i].cookie;
			first = i + 1;
		}
		/* No read ends inside a group. */
		MS_SAME(s, (unsigned int)n, first);
	}
	return (int)groups;
}

/* All in one write; DMAs get what they asked for first. */
static inline int ms_answer(struct ms *s, const struct ms_queue *q,
			    const struct ms_answer *a, unsigned int n,
			    __u32 code)
{
	struct iommu_hwpt_page_response resp[MS_BATCH];
	unsigned int i;

	for (i = 0; i < n; i++) {
		resp[i].cookie = a[i].cookie;
		resp[i].code = code;
		if (a[i].job && code == IOMMUFD_PAGE_RESP_SUCCESS)
			MS_MUST(s, ms_map(s, a[i].job));
	}
	MS_SAME(s, n * sizeof(resp[0]),
		(unsigned long long)write(q->fd, resp, n * sizeof(resp[0])));
	atomic_fetch_add(&s->answered, n);
	return 0;
}

#endif
