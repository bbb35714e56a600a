// SPDX-License-Identifier: GPL-2.0
/*
 * Faults by io_uring. A read is posted before the fault comes, so that it is there
 * when the thread that reported it is back from the kernel; the answer goes with the
 * next read, linked, in one system call. No worker thread may ever take part.
 *
 * The base tree's queue cannot do this: its read does not wait, and it has no way to be
 * tried without waiting, so each read would be a worker's.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <liburing.h>

#include "rows_fault.h"

/* Since Linux 6.7; Debian 12's liburing does not know it. */
#define OP_READ_MULTISHOT	49
#define GROUP			1
/* More than faults outstanding: a read that finds none ends. */
#define BUFFERS			(2 * FAULT_MAX)
#define RECORD			sizeof(struct iommu_hwpt_pgfault)
#define ANSWER			sizeof(struct iommu_hwpt_page_response)

enum { TAG_READ = 1, TAG_ANSWER };

static unsigned int workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) &&
		    !strncmp(name, "iou-wrk", 7))
			n++;
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return n;
}

/**
 * struct uring - a ring with the queue as its file 0
 * @ring: of liburing
 * @r: rig
 * @n: faults a round
 * @buffers: for the multishot read
 * @at: the buffers' memory
 */
struct uring {
	struct io_uring ring;
	struct rig r;
	unsigned int n;
	struct io_uring_buf_ring *buffers;
	struct iommu_hwpt_pgfault at[BUFFERS];
};

static void uring_open(struct uring *u)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE,
		.cq_entries = 2 * FAULT_MAX,
	};

	must(io_uring_queue_init_params(64, &u->ring, &p), "io_uring");
	must(io_uring_register_files(&u->ring, &u->r.queue[0], 1),
	     "files of io_uring");
}

static struct io_uring_sqe *free_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	must(sqe ? 0 : -ENOSPC, "the ring is full");
	return sqe;
}

static void post_read(struct uring *u)
{
	struct io_uring_sqe *sqe = free_sqe(u);

	io_uring_prep_read(sqe, 0, fault_records, u->n * RECORD, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = TAG_READ;
}

static void post_answer(struct uring *u, unsigned int n, bool linked)
{
	struct io_uring_sqe *sqe = free_sqe(u);

	io_uring_prep_write(sqe, 0, fault_answers, n * ANSWER, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS |
		      (linked ? IOSQE_IO_LINK : 0);
	sqe->user_data = TAG_ANSWER;
}

/* The next completion; there is one, or the ring was asked for in vain. */
static int reap(struct uring *u, __u64 tag, unsigned int *flags)
{
	struct io_uring_cqe *cqe;
	int res;

	must(io_uring_wait_cqe(&u->ring, &cqe), "completion");
	res = cqe->res;
	if (flags)
		*flags = cqe->flags;
	must(cqe->user_data == tag ? res : -EIO, "request of io_uring");
	io_uring_cqe_seen(&u->ring, cqe);
	return res;
}

/* A read is posted when it begins, and when it ends. */
static void linked_round(void *arg)
{
	struct uring *u = arg;
	unsigned int left = u->n, i;

	for (i = 0; i < u->n; i++)
		must(rig_report(&u->r, 0, u->r.grpid++), "report");
	while (left) {
		unsigned int n = (unsigned int)reap(u, TAG_READ, NULL) / RECORD;

		prepare_answers(fault_records, n);
		post_answer(u, n, true);
		post_read(u);
		must(io_uring_submit(&u->ring), "submit");
		left -= n;
	}
}

static void plain_round(void *arg)
{
	struct uring *u = arg;
	unsigned int left = u->n, i;

	for (i = 0; i < u->n; i++)
		must(rig_report(&u->r, 0, u->r.grpid++), "report");
	while (left) {
		unsigned int n = (unsigned int)reap(u, TAG_READ, NULL) / RECORD;

		prepare_answers(fault_records, n);
		answer_all(u->r.queue[0], n);
		post_read(u);
		must(io_uring_submit(&u->ring), "submit");
		left -= n;
	}
}

/* A completion a fault, or a few; the read is never posted again. */
static void multishot_round(void *arg)
{
	struct uring *u = arg;
	unsigned int got = 0, flags = 0, i;

	for (i = 0; i < u->n; i++)
		must(rig_report(&u->r, 0, u->r.grpid++), "report");
	while (got < u->n) {
		struct iommu_hwpt_pgfault *at;
		int res = reap(u, TAG_READ, &flags);

		must(flags & IORING_CQE_F_MORE ? 0 : -EIO, "multishot read");
		i = flags >> IORING_CQE_BUFFER_SHIFT;
		at = &u->at[i];
		must(res == RECORD ? 0 : -EIO, "multishot read");
		fault_answers[got].cookie = at->cookie;
		fault_answers[got].code = IOMMUFD_PAGE_RESP_SUCCESS;
		got++;
		io_uring_buf_ring_add(u->buffers, at, RECORD, (__u16)i,
				      io_uring_buf_ring_mask(BUFFERS), 0);
		io_uring_buf_ring_advance(u->buffers, 1);
	}
	answer_all(u->r.queue[0], got);
}

static void post_multishot(struct uring *u)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
	struct io_uring_sqe *sqe;
	unsigned int i;

	must(posix_memalign((void **)&u->buffers, PAGE,
			    BUFFERS * sizeof(struct io_uring_buf)) ?
		     -ENOMEM :
		     0,
	     "memory");
	memset(u->buffers, 0, BUFFERS * sizeof(struct io_uring_buf));
	reg.ring_addr = (unsigned long)u->buffers;
	reg.bgid = GROUP;
	must(io_uring_register_buf_ring(&u->ring, &reg, 0), "buffers");
	io_uring_buf_ring_init(u->buffers);
	for (i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(u->buffers, &u->at[i], RECORD, (__u16)i,
				      io_uring_buf_ring_mask(BUFFERS), (int)i);
	io_uring_buf_ring_advance(u->buffers, BUFFERS);

	sqe = free_sqe(u);
	io_uring_prep_rw(OP_READ_MULTISHOT, sqe, 0, NULL, 0, 0);
	sqe->buf_group = GROUP;
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->user_data = TAG_READ;
	must(io_uring_submit(&u->ring), "submit");
}

static void rounds(const char *name, void (*one)(void *u), unsigned int n,
		   unsigned int *punts)
{
	unsigned int loops = (bench.quick ? 1000 : 4000) / n + 4, i;
	static struct uring u;
	char text[64];
	__u64 floor;

	snprintf(text, sizeof(text), "uring.%s.%u", name, n);
	if (!wanted(text))
		return;
	memset(&u, 0, sizeof(u));
	u.n = n;
	rig_open(&u.r, 1, 1, 2 * FAULT_MAX, true);
	floor = report_floor(&u.r);
	uring_open(&u);
	if (one == multishot_round) {
		post_multishot(&u);
	} else {
		post_read(&u);
		must(io_uring_submit(&u.ring), "submit");
	}
	for (i = 0; i < 8; i++)
		one(&u);
	row(text, count(one, &u, loops) / n - (double)floor);
	*punts += workers();
	io_uring_queue_exit(&u.ring);
	free(u.buffers);
	rig_close(&u.r);
}

void rows_uring(void)
{
	static const unsigned int depths[] = { 1, 16, 256, 4096 };
	unsigned int num = bench.quick ? 3 : 4, punts = 0, i;
	struct rig r;

	rig_open(&r, 1, 1, 0, false);
	if (!r.native) {
		row_none("uring.linked.1", "each read would be a worker's");
		rig_close(&r);
		return;
	}
	rig_close(&r);
	for (i = 0; i < num; i++) {
		rounds("posted", plain_round, depths[i], &punts);
		rounds("linked", linked_round, depths[i], &punts);
		rounds("multishot", multishot_round, depths[i], &punts);
	}
	fact("io_uring-workers", punts);
	check(!punts, "io_uring had %u worker threads", punts);
}
