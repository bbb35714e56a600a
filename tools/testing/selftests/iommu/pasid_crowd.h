/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A crowd of processes on a hardware model: each has a vPASID and a table of its own,
 * all at the same address. Some are on a function that the test has as a whole, some
 * on mediated devices of another function, where different parts call their PASIDs by
 * the same names. Whose tables these are is up to a struct pc_kind.
 *
 * The test plays the hardware of a mediated device: a DMA of it has the PASID that the
 * kernel said goes on the wire.
 */
#ifndef SELFTESTS_IOMMU_PASID_CROWD_H
#define SELFTESTS_IOMMU_PASID_CROWD_H

#include "iommu_test.h"

#include <stdatomic.h>

#include "../../../iommu/lib/model_dev.h"

#define PC_GPA		0x10000000ULL
#define PC_GVA		0x7f0000000000ULL
#define PC_PASID_BITS	16
#define PC_CAPACITY	2048
#define PC_PARTS	2
#define PC_PROCS	1500
#define PC_PAGES	32
#define PC_BYTES	48
#define PC_POOL_FIRST	1000
#define PC_POOL_LAST	60000

/**
 * struct pc_space - an address space of a process
 * @hwpt: its HWPT
 * @ioas: for the kind
 * @leaf: for the kind
 * @root: for the kind
 * @page: what is at each page
 * @mapped: it can be reached
 */
struct pc_space {
	__u32 hwpt;
	__u32 ioas;
	atomic_ullong *leaf;
	__u64 root;
	unsigned char *page[PC_PAGES];
	atomic_bool mapped[PC_PAGES];
};

/**
 * struct pc_proc - a process of a "guest"
 * @f: function that sends its requests
 * @dev: id of the device, whole or mediated
 * @vpasid: as the process calls it
 * @wire: as the function is to call it; 0: not attached
 * @space: it may be in either
 * @spaces: how many of these there are
 * @queue: its fault queue
 * @queue_id: its id
 * @served: its fault was answered
 * @job: a DMA
 * @data: its bytes
 * @lock: of @space[].mapped and what it stands for
 */
struct pc_proc {
	struct model_dev *f;
	__u32 dev;
	__u32 vpasid;
	atomic_uint wire;
	struct pc_space space[2];
	unsigned int spaces;
	int queue;
	__u32 queue_id;
	bool served;
	struct model_job job;
	unsigned char data[PC_BYTES];
	pthread_mutex_t lock;
};

struct pc;

/**
 * struct pc_kind - whose tables
 * @machine: add it; -ENOENT: this kernel has no model of it
 * @begin: once the functions are there; may be NULL
 * @space: make a HWPT with the process's queue, and an empty table
 * @map: a page of the table
 * @attach: NULL: by IOMMU_DEVICE_PASID_ATTACH
 * @whole_only: mediated devices cannot have such tables
 */
struct pc_kind {
	int (*machine)(struct model *m);
	int (*begin)(struct pc *c);
	int (*space)(struct pc *c, struct pc_proc *p, struct pc_space *sp);
	int (*map)(struct pc *c, struct pc_proc *p, struct pc_space *sp,
		   unsigned int page);
	int (*attach)(struct pc *c, struct pc_proc *p);
	bool whole_only;
};

struct pc {
	const struct pc_kind *kind;
	struct model model;
	int fd;
	__u32 ioas;
	/* For the kind */
	__u32 parent;
	__u32 viommu;
	__u64 cds;
	__u32 stream;
	unsigned char *memory;
	size_t size;
	size_t used;
	__u64 violations;
	/* The second one has the parts */
	struct model_dev f[2];
	struct mock_pool pool;
	struct mock_device part[PC_PARTS];
	__u32 vm;
	int queue;
	__u32 queue_id;
	unsigned int num;
	struct pc_proc *proc;
	char why[200];
};

#define PC_MUST(c, call) do {						\
	long long _rc = (long long)(call);				\
									\
	if (_rc) {							\
		if (!(c)->why[0])					\
			snprintf((c)->why, sizeof((c)->why),		\
				 "line %d: %s is %lld (%s)", __LINE__,	\
				 #call, _rc, model_error());		\
		return -1;						\
	}								\
} while (0)
#define PC_OK(c, call) do {						\
	ASSERT_EQ(0, call)						\
		TH_LOG("%s", (c)->why);					\
} while (0)

static inline unsigned char *pc_pages(struct pc *c, unsigned int num)
{
	unsigned char *p = c->memory + c->used;

	if (c->used + num * PAGE > c->size)
		return NULL;
	c->used += num * PAGE;
	memset(p, 0, num * PAGE);
	return p;
}

static inline __u64 pc_gpa(struct pc *c, const void *p)
{
	return PC_GPA + (__u64)((const unsigned char *)p - c->memory);
}

/* What is in @page of a space of a process: nobody else's byte is the same twice. */
static inline unsigned char pc_byte(const struct pc *c,
				    const struct pc_proc *p,
				    unsigned int space, unsigned int page,
				    unsigned int at)
{
	__u32 x = (__u32)(p - c->proc) * 2 + space;

	x = (x * PC_PAGES + page) * PC_BYTES + at;
	return (unsigned char)((x * 2654435761U) >> 24);
}

/* --- the kernel's tables: an IOAS for each --- */

static inline int pc_ioas_space(struct pc *c, struct pc_proc *p,
				struct pc_space *sp)
{
	PC_MUST(c, iommu_ioas_alloc(c->fd, &sp->ioas));
	PC_MUST(c, iommu_hwpt_paging(c->fd, p->dev, sp->ioas,
				     IOMMU_HWPT_FAULT_ID_VALID |
				     IOMMU_HWPT_ALLOC_PASID, p->queue_id,
				     &sp->hwpt));
	return 0;
}

static inline int pc_ioas_map(struct pc *c, struct pc_proc *p,
			      struct pc_space *sp, unsigned int page)
{
	(void)p;
	PC_MUST(c, iommu_map(c->fd, sp->ioas, sp->page[page], PAGE,
			     PC_GVA + page * PAGE));
	return 0;
}

/* --- the machine and the crowd --- */

static inline int pc_init(struct pc *c, const struct pc_kind *kind)
{
	unsigned int i;
	int rc;

	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->queue = -1;
	for (i = 0; i < 2; i++)
		c->f[i].v.fd = -1;
	c->fd = iommu_open();
	if (c->fd < 0)
		return c->fd;
	/* ENOENT: this kernel has none. Nothing else is a reason to skip. */
	rc = kind->machine(&c->model);
	if (rc)
		return rc;
	c->size = 16384 * PAGE;
	c->memory = mem_get(c->size);
	if (!c->memory)
		return -ENOMEM;
	c->proc = calloc(PC_PROCS, sizeof(*c->proc));
	if (!c->proc)
		return -ENOMEM;
	PC_MUST(c, model_violations(&c->model, &c->violations));
	for (i = 0; i < 2; i++)
		PC_MUST(c, model_plug_with(&c->model, (i + 1) << 3,
					   MODEL_CAPS_ALL, PC_PASID_BITS,
					   PC_CAPACITY, 0, &c->f[i]));
	return 0;
}

/* What a VMM does; all of it goes with the file. */
static inline int pc_begin(struct pc *c)
{
	unsigned int i;

	PC_MUST(c, iommu_ioas_alloc(c->fd, &c->ioas));
	PC_MUST(c, iommu_map(c->fd, c->ioas, c->memory, c->size, PC_GPA));
	PC_MUST(c, model_dev_open(&c->f[0]));
	PC_MUST(c, model_dev_bind(&c->f[0], c->fd));
	c->pool = (struct mock_pool){
		.parent = c->f[1].name,
		.first = PC_POOL_FIRST,
		.last = PC_POOL_LAST,
		.quota = PC_POOL_LAST - PC_POOL_FIRST + 1,
	};
	PC_MUST(c, mock_parent(c->fd, &c->pool));
	for (i = 0; i < PC_PARTS; i++)
		PC_MUST(c, mock_mediated(c->fd, c->pool.id, 0, &c->part[i]));
	PC_MUST(c, mock_vm(c->fd, &c->vm));
	c->queue = iommu_fault_queue(c->fd, 2 * PC_PROCS,
				     IOMMU_FAULT_POLICY_BLOCKING, 0,
				     &c->queue_id);
	if (c->queue < 0)
		PC_MUST(c, c->queue);
	return c->kind->begin ? c->kind->begin(c) : 0;
}

/*
 * @whole on the function, and @parted on each part, unless they cannot be. @own: a
 * fault queue for each.
 */
static inline int pc_crowd(struct pc *c, unsigned int whole,
			   unsigned int parted, unsigned int spaces, bool own)
{
	unsigned int i, j, k;

	if (c->kind->whole_only)
		parted = 0;
	c->num = whole + PC_PARTS * parted;
	for (i = 0; i < c->num; i++) {
		struct pc_proc *p = &c->proc[i];
		unsigned int part = (i - whole) % PC_PARTS;

		p->f = &c->f[i >= whole];
		p->dev = i < whole ? c->f[0].v.id : c->part[part].dev;
		/* Each part has the same names, and the first of the function */
		j = i < whole ? i : (i - whole) / PC_PARTS;
		p->vpasid = 1 + j * 31;
		p->spaces = spaces;
		p->queue = c->queue;
		p->queue_id = c->queue_id;
		pthread_mutex_init(&p->lock, NULL);
		if (own) {
			p->queue = iommu_fault_queue(c->fd, 8,
						     IOMMU_FAULT_POLICY_BLOCKING,
						     0, &p->queue_id);
			if (p->queue < 0)
				PC_MUST(c, p->queue);
		}
		for (j = 0; j < spaces; j++)
			if (c->kind->space(c, p, &p->space[j]))
				return -1;
		for (k = 0; k < PC_BYTES; k++)
			p->data[k] = pc_byte(c, p, 0, 0, k);
	}
	return 0;
}

static inline int pc_attach(struct pc *c, struct pc_proc *p)
{
	bool whole = p->f == &c->f[0], same;
	__u32 pt = p->space[0].hwpt, wire;

	if (c->kind->attach) {
		if (c->kind->attach(c, p))
			return -1;
		atomic_store(&p->wire, p->vpasid);
		return 0;
	}
	PC_MUST(c, iommu_vpasid_attach(c->fd, p->dev, p->vpasid, &pt, &wire));
	same = wire == p->vpasid;
	PC_MUST(c, whole != same);
	atomic_store(&p->wire, wire);
	return 0;
}

/* The process that a record is about, or NULL */
static inline struct pc_proc *pc_find(struct pc *c,
				      const struct iommu_hwpt_pgfault *r)
{
	unsigned int i;

	if (!(r->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID))
		return NULL;
	for (i = 0; i < c->num; i++)
		if (c->proc[i].dev == r->dev_id &&
		    c->proc[i].vpasid == r->pasid)
			return &c->proc[i];
	return NULL;
}

/* Give a page of a space memory, the first time */
static inline int pc_give(struct pc *c, struct pc_proc *p, unsigned int space,
			  unsigned int page, bool fill)
{
	static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
	struct pc_space *sp = &p->space[space];
	unsigned int i;
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	if (!atomic_load(&sp->mapped[page])) {
		pthread_mutex_lock(&all);
		sp->page[page] = pc_pages(c, 1);
		pthread_mutex_unlock(&all);
		if (!sp->page[page])
			rc = -1;
		for (i = 0; !rc && fill && i < PC_BYTES; i++)
			sp->page[page][i] = pc_byte(c, p, space, page, i);
		if (!rc)
			rc = c->kind->map(c, p, sp, page);
		atomic_store(&sp->mapped[page], !rc);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* The function has no DMA and nothing outstanding. */
static inline int pc_idle(struct pc *c, struct model_dev *f)
{
	struct iommufd_model_state s;
	__u64 end = now_ms() + FOREVER_MS;

	do {
		PC_MUST(c, model_state(f, &s));
		if (!s.running && !s.outstanding && !s.waiting)
			return 0;
		sleep_ms(10);
	} while (now_ms() < end);
	PC_MUST(c, -EBUSY);
	return 0;
}

static inline int pc_exit(struct pc *c)
{
	__u64 violations;
	unsigned int i;

	for (i = 0; i < c->num; i++)
		if (c->proc[i].queue != c->queue)
			close(c->proc[i].queue);
	model_dev_close(&c->f[0]);
	if (c->queue >= 0)
		close(c->queue);
	close(c->fd);
	for (i = 0; i < 2; i++)
		if (pc_idle(c, &c->f[i]))
			return -1;
	PC_MUST(c, model_violations(&c->model, &violations));
	PC_MUST(c, violations != c->violations);
	PC_MUST(c, model_remove(&c->model));
	munmap(c->memory, c->size);
	free(c->proc);
	return 0;
}

FIXTURE(crowd) {
	struct pc c;
};

FIXTURE_VARIANT(crowd) {
	const struct pc_kind *kind;
};

#endif
