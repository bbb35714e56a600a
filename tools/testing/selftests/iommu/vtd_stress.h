/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Building blocks of the stress cases on the VT-d model: a machine with PCI
 * functions under VFIO, guest memory behind a nest parent, first-stage tables in
 * it, and DMAs whose every byte is known.
 *
 * PASIDs are numbered through all functions, so that a PASID names a table, and
 * an address in it names a DMA. A table has one leaf table, cut into regions of
 * equal size with one DMA each.
 */
#ifndef SELFTESTS_IOMMU_VTD_STRESS_H
#define SELFTESTS_IOMMU_VTD_STRESS_H

#include "iommu_test.h"

#include <linux/vfio.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "../../../iommu/lib/model_dev.h"

#define VS_FUNCS	8
#define VS_SPACES	64
#define VS_REGIONS	64
#define VS_MAX_PAGES	32
#define VS_ENTRIES	512
#define VS_GPA		0x10000000ULL
#define VS_GVA		0x7f0000000000ULL
#define VS_CAPACITY	2048
#define VS_PASID_BITS	16
/* First-stage entries (VT-d 9.7): present, writable, user. */
#define VS_PTE		7ULL
#define VS_BATCH	256

struct vs_job {
	struct model_dev *f;
	struct vs_space *space;
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
	unsigned char *page[VS_MAX_PAGES];
};

struct vs_space {
	struct model_dev *f;
	__u32 pasid;
	__u32 hwpt;
	__u64 root;
	atomic_ullong *leaf;
	__u32 stride;
	struct vs_job *job[VS_REGIONS];
};

struct vs_queue {
	int fd;
	__u32 id;
};

struct vs {
	struct model model;
	int fd;
	__u32 ioas;
	__u32 parent;
	unsigned char *memory;
	size_t size;
	atomic_size_t used;
	__u64 violations;
	unsigned int seed;
	unsigned int random;
	struct model_dev f[VS_FUNCS];
	struct vs_space space[VS_SPACES];
	/* Requests of no DMA: groups of these were delivered. */
	atomic_ullong strays;
	/* Groups that came without their beginning */
	atomic_ullong torn;
	atomic_ullong delivered;
	atomic_ullong answered;
	bool overflow_expected;
	char why[256];
};

/* The first reason is kept. */
__attribute__((format(printf, 3, 4)))
static inline int vs_fail(struct vs *s, int line, const char *format, ...)
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

/* In helpers, which return 0 or -1 with the reason in vs.why */
#define VS_MUST(s, call) do {						\
	long long _rc = (long long)(call);				\
									\
	if (_rc)							\
		return vs_fail(s, __LINE__, "%s is %lld (%s)",	\
			       #call, _rc, model_error());	\
} while (0)
#define VS_SAME(s, want, have) do {					\
	unsigned long long _w = (want), _h = (have);			\
									\
	if (_w != _h)							\
		return vs_fail(s, __LINE__, "%s is %llu, not %llu",	\
			       #have, _h, _w);				\
} while (0)
/* In tests */
#define VS_OK(s, call) do {						\
	ASSERT_EQ(0, call)						\
		TH_LOG("%s", (s)->why);					\
} while (0)

static inline unsigned int vs_random(struct vs *s, unsigned int below)
{
	s->random = s->random * 1664525 + 1013904223;
	return (unsigned int)(((__u64)s->random * below) >> 32);
}

static inline unsigned char vs_byte(__u32 seed, __u32 at)
{
	__u32 x = (seed + at) * 2654435761U;

	return (unsigned char)(x >> 24);
}

/* --- functions --- */

/* Function @n under VFIO, and with the first one the nest parent */
static inline int vs_plug(struct vs *s, unsigned int n, __u32 capacity,
			  __u32 vfs)
{
	struct model_dev *f = &s->f[n];

	VS_MUST(s, model_plug_with(&s->model, (n + 1) << 3, MODEL_CAPS_ALL,
				   VS_PASID_BITS, capacity, vfs, f));
	VS_MUST(s, model_dev_open(f));
	VS_MUST(s, model_dev_bind(f, s->fd));
	if (!s->parent)
		VS_MUST(s, iommu_hwpt_paging(s->fd, f->v.id, s->ioas,
					     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					     &s->parent));
	return 0;
}

/* --- guest memory --- */

static inline void *vs_pages(struct vs *s, unsigned int pages)
{
	size_t at = atomic_fetch_add(&s->used, pages * PAGE);

	return at + pages * PAGE > s->size ? NULL : s->memory + at;
}

static inline __u64 vs_gpa(struct vs *s, const void *p)
{
	return VS_GPA + (__u64)((const unsigned char *)p - s->memory);
}

static inline int vs_init(struct vs *s, size_t size)
{
	const char *seed = getenv("IOMMU_TEST_SEED");
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->seed = seed ? (unsigned int)atoi(seed) :
			 (unsigned int)(now_ms() ^ (__u64)getpid() << 16);
	s->random = s->seed;
	for (i = 0; i < VS_FUNCS; i++)
		s->f[i].v.fd = -1;
	s->fd = iommu_open();
	if (s->fd < 0)
		return -ENODEV;
	if (model_vtd_add(&s->model, 0, 0))
		return -ENODEV;
	s->size = size;
	s->memory = mem_get(size);
	if (!s->memory)
		return vs_fail(s, __LINE__, "no memory");
	VS_MUST(s, model_violations(&s->model, &s->violations));
	VS_MUST(s, iommu_ioas_alloc(s->fd, &s->ioas));
	VS_MUST(s, iommu_map(s->fd, s->ioas, s->memory, size, VS_GPA));
	return 0;
}

/* Everything away; nothing has gone wrong in the model, nothing is left of it. */
static inline int vs_exit(struct vs *s)
{
	__u64 violations;
	unsigned int i;

	for (i = 0; i < VS_FUNCS; i++)
		model_dev_close(&s->f[i]);
	close(s->fd);
	VS_MUST(s, model_violations(&s->model, &violations));
	VS_SAME(s, s->violations, violations);
	if (!s->overflow_expected)
		VS_SAME(s, 0, atomic_load(&s->torn));
	VS_MUST(s, model_remove(&s->model));
	munmap(s->memory, s->size);
	return 0;
}

/* --- first-stage tables --- */

static inline int vs_nested(struct vs *s, struct model_dev *f, __u64 root,
			    const struct vs_queue *q, __u32 *hwpt)
{
	struct iommu_hwpt_vtd_s1 s1 = {
		.pgtbl_addr = root,
		.addr_width = 48,
	};

	return iommu_hwpt_nested(s->fd, f->v.id, s->parent,
				 q ? IOMMU_HWPT_FAULT_ID_VALID : 0,
				 q ? q->id : 0, IOMMU_HWPT_DATA_VTD_S1, &s1,
				 sizeof(s1), hwpt);
}

/* An empty table of four levels for VS_GVA; the leaf table is there. */
static inline int vs_table(struct vs *s, struct vs_space *sp)
{
	atomic_ullong *t[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t[i] = vs_pages(s, 1);
		if (!t[i])
			return -ENOMEM;
		memset((void *)t[i], 0, PAGE);
	}
	for (i = 0; i < 3; i++)
		atomic_store(&t[i][VS_GVA >> (39 - 9 * i) & 511],
			     vs_gpa(s, (void *)t[i + 1]) | VS_PTE);
	sp->root = vs_gpa(s, (void *)t[0]);
	sp->leaf = t[3];
	return 0;
}

/* PASID @pasid of @f, from 1 to VS_SPACES, on a nested HWPT of its own */
static inline int vs_space(struct vs *s, struct model_dev *f, __u32 pasid,
			   const struct vs_queue *q, __u32 stride)
{
	struct vs_space *sp = &s->space[pasid - 1];
	__u32 pt;

	sp->f = f;
	sp->pasid = pasid;
	sp->stride = stride;
	if (!sp->leaf)
		VS_MUST(s, vs_table(s, sp));
	VS_MUST(s, vs_nested(s, f, sp->root, q, &sp->hwpt));
	pt = sp->hwpt;
	VS_MUST(s, iommu_pasid_attach(s->fd, f->v.id, pasid, &pt));
	return 0;
}

/* By a request array of @num pages' ranges; returns the errno. */
static inline int vs_flush(struct vs *s, __u32 hwpt, __u64 gva, __u64 pages,
			   __u32 *num)
{
	struct iommu_hwpt_vtd_s1_invalidate req[3];
	__u32 i, n = num ? *num : 1;
	int rc;

	memset(req, 0, sizeof(req));
	for (i = 0; i < n; i++) {
		req[i].addr = gva + i * pages * PAGE;
		req[i].npages = pages;
	}
	rc = iommu_hwpt_invalidate(s->fd, hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, req,
				   sizeof(req[0]), &n);
	if (num)
		*num = n;
	return rc;
}

/* --- DMA --- */

/* A DMA in region @region, of up to @pages pages; not started yet. */
static inline struct vs_job *vs_job(struct vs *s, __u32 pasid,
				    unsigned int region, unsigned int pages,
				    bool whole)
{
	struct vs_space *sp = &s->space[pasid - 1];
	struct vs_job *job = calloc(1, sizeof(*job));
	unsigned int i;

	if (!job)
		return NULL;
	job->f = sp->f;
	job->space = sp;
	job->pages = pages;
	job->offset = whole ? 0 : vs_random(s, PAGE);
	job->length = (__u32)((pages - 1) * PAGE) + 1;
	/* The last byte in the last page */
	if (whole)
		job->length = (__u32)(pages * PAGE);
	else
		job->length += vs_random(s, (unsigned int)PAGE - job->offset);
	if (!whole && pages > 1)
		job->length -= vs_random(s, job->offset + 1) / 2;
	job->pages = (job->offset + job->length + (__u32)PAGE - 1) / (__u32)PAGE;
	job->gva = VS_GVA + region * sp->stride * PAGE + job->offset;
	job->write = vs_random(s, 2);
	job->seed = vs_random(s, ~0U);
	job->data = malloc(job->length);
	if (!job->data || job->pages > sp->stride)
		return NULL;
	for (i = 0; i < job->length; i++)
		job->data[i] = job->write ? vs_byte(job->seed, i) : 0;
	sp->job[region] = job;
	return job;
}

static inline void vs_job_free(struct vs_job *job)
{
	free(job->data);
	free(job);
}

static inline int vs_start(struct vs *s, struct vs_job *job)
{
	VS_MUST(s, model_job_start(job->f, job->write ?
					   IOMMUFD_MODEL_DMA_WRITE : 0,
				   job->space->pasid, job->gva, job->data,
				   job->length, 0, &job->dma));
	return 0;
}

static inline int vs_wait(struct vs *s, struct vs_job *job, int status)
{
	int rc = model_job_wait(&job->dma, FOREVER_MS);

	if (rc != status)
		return vs_fail(s, __LINE__, "PASID %u, %#llx, %u bytes: %s",
			       job->space->pasid, job->gva, job->length,
			       model_status_name(rc));
	return 0;
}

/* Each page its own, filled with what a read is to find */
static inline int vs_map(struct vs *s, struct vs_job *job)
{
	struct vs_space *sp = job->space;
	__u64 at = (job->gva - VS_GVA) / PAGE;
	__u32 i;

	for (i = 0; i < job->pages && !job->mapped; i++) {
		job->page[i] = vs_pages(s, 1);
		if (!job->page[i])
			return -ENOMEM;
		memset(job->page[i], 0xa5, PAGE);
	}
	for (i = 0; i < job->length && !job->write; i++) {
		__u32 byte = job->offset + i;

		job->page[byte / PAGE][byte % PAGE] = vs_byte(job->seed, i);
	}
	job->mapped = true;
	for (i = 0; i < job->pages; i++)
		atomic_store(&sp->leaf[at + i],
			     vs_gpa(s, job->page[i]) | VS_PTE);
	return 0;
}

static inline void vs_unmap(struct vs_job *job)
{
	__u64 at = (job->gva - VS_GVA) / PAGE;
	__u32 i;

	for (i = 0; i < job->pages; i++)
		atomic_store(&job->space->leaf[at + i], 0);
}

/* All bytes where they should be, and none beside */
static inline int vs_check(struct vs *s, struct vs_job *job)
{
	__u32 i, end = job->offset + job->length;

	if (vs_wait(s, job, IOMMUFD_MODEL_DMA_OK))
		return -1;
	for (i = 0; i < job->length; i++) {
		__u32 byte = job->offset + i;
		unsigned char have = job->write ?
			job->page[byte / PAGE][byte % PAGE] : job->data[i];

		if (have != vs_byte(job->seed, i))
			return vs_fail(s, __LINE__,
				       "PASID %u, %#llx: byte %u of %u of a %s is %02x",
				       job->space->pasid, job->gva, i,
				       job->length,
				       job->write ? "write" : "read", have);
	}
	if (!job->write)
		return 0;
	if (job->offset)
		VS_SAME(s, 0xa5, job->page[0][job->offset - 1]);
	if (end % PAGE)
		VS_SAME(s, 0xa5, job->page[end / PAGE][end % PAGE]);
	return 0;
}

/* --- queues --- */

static inline int vs_queue(struct vs *s, struct vs_queue *q, __u32 depth)
{
	q->fd = iommu_fault_queue(s->fd, depth, 0, 0, &q->id);
	return q->fd < 0 ? q->fd : 0;
}

static inline int vs_pending(struct vs *s, const struct vs_queue *q,
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
static inline int vs_await(struct vs *s, const struct vs_queue *q, __u64 groups)
{
	__u64 end = now_ms() + FOREVER_MS, have = 0;

	while (now_ms() < end) {
		VS_MUST(s, vs_pending(s, q, &have));
		if (have >= groups)
			return 0;
		sleep_ms(5);
	}
	return vs_fail(s, __LINE__, "%llu groups, not %llu", have, groups);
}

/* One record of a group: the DMA it is of, NULL: of none, and *rc is 0 or not */
static inline struct vs_job *vs_whose(struct vs *s,
				      const struct iommu_hwpt_pgfault *r,
				      int *rc)
{
	struct vs_space *sp;
	struct vs_job *job;
	__u64 region;

	*rc = 0;
	if (!(r->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID) || !r->pasid ||
	    r->pasid > VS_SPACES) {
		*rc = vs_fail(s, __LINE__, "a fault of PASID %u", r->pasid);
		return NULL;
	}
	sp = &s->space[r->pasid - 1];
	if (!sp->f || sp->f->v.id != r->dev_id) {
		*rc = vs_fail(s, __LINE__, "PASID %u of device %u", r->pasid,
			      r->dev_id);
		return NULL;
	}
	if (r->addr < VS_GVA)
		return NULL;
	region = (r->addr - VS_GVA) / PAGE / sp->stride;
	job = region < VS_REGIONS ? sp->job[region] : NULL;
	if (!job)
		*rc = vs_fail(s, __LINE__, "PASID %u: nobody touched %llx",
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
static inline int vs_group(struct vs *s, const struct iommu_hwpt_pgfault *r,
			   unsigned int n, struct vs_job **whose)
{
	unsigned int i, pages;
	struct vs_job *job;
	__u64 base;
	int rc;

	job = vs_whose(s, r, &rc);
	*whose = job;
	if (rc)
		return rc;
	base = job ? job->gva & ~(PAGE - 1) : r->addr & ~((1ULL << 20) - 1);
	pages = job ? job->pages : (unsigned int)(r->addr >> 20);
	if (n > pages)
		return vs_fail(s, __LINE__, "PASID %u: %u requests, not %u",
			       r->pasid, n, pages);
	if (n < pages)
		atomic_fetch_add(&s->torn, 1);
	base += (pages - n) * PAGE;
	for (i = 0; i < n; i++) {
		bool last = r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE;

		VS_SAME(s, r->cookie, r[i].cookie);
		VS_SAME(s, r->pasid, r[i].pasid);
		VS_SAME(s, r->grpid, r[i].grpid);
		VS_SAME(s, i == n - 1, last);
		VS_SAME(s, base + i * PAGE, r[i].addr);
		if (job)
			VS_SAME(s, job->write ? IOMMU_PGFAULT_PERM_WRITE :
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

struct vs_answer {
	__u32 cookie;
	struct vs_job *job;
};

/* What can be read now, at most @max groups; returns how many, or -1 */
static inline int vs_read(struct vs *s, const struct vs_queue *q,
			  struct vs_answer *out, unsigned int max)
{
	struct iommu_hwpt_pgfault r[VS_BATCH];
	unsigned int i, first = 0, groups = 0;
	int n;

	while (groups + VS_BATCH <= max) {
		n = iommu_fault_read(q->fd, r, ARRAY_LEN(r));
		if (n < 0)
			return vs_fail(s, __LINE__, "read: %d", n);
		if (!n)
			break;
		for (i = 0, first = 0; i < (unsigned int)n; i++) {
			if (!(r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
				continue;
			if (vs_group(s, r + first, i + 1 - first,
				     &out[groups].job))
				return -1;
			out[groups++].cookie = r[i].cookie;
			first = i + 1;
		}
		/* No read ends inside a group. */
		VS_SAME(s, (unsigned int)n, first);
	}
	return (int)groups;
}

/* All in one write; DMAs get what they asked for first. */
static inline int vs_answer(struct vs *s, const struct vs_queue *q,
			    const struct vs_answer *a, unsigned int n,
			    __u32 code)
{
	struct iommu_hwpt_page_response resp[VS_BATCH];
	unsigned int i;

	for (i = 0; i < n; i++) {
		resp[i].cookie = a[i].cookie;
		resp[i].code = code;
		if (a[i].job && code == IOMMUFD_PAGE_RESP_SUCCESS)
			VS_MUST(s, vs_map(s, a[i].job));
	}
	VS_SAME(s, n * sizeof(resp[0]),
		(unsigned long long)write(q->fd, resp, n * sizeof(resp[0])));
	atomic_fetch_add(&s->answered, n);
	return 0;
}

#endif
