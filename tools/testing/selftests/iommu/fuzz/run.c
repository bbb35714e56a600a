// SPDX-License-Identifier: GPL-2.0
/*
 * Running a sequence, and looking at what came of it: what a command may return, that
 * it writes nothing behind its structure, and that one that fails changes nothing.
 */
#include "calls.h"
#include "fuzz.h"
#include "members.h"

/* What any command may return: the table at the top of the header */
static const int common_errnos[] = {
	E2BIG, EOPNOTSUPP, EINVAL, ENOENT, EFAULT, ENOMEM, EOVERFLOW, EBADF, EINTR, 0,
};

static bool is_in(const int *errnos, long error)
{
	for (; errnos && *errnos; errnos++)
		if (*errnos == error)
			return true;
	return false;
}

static __u64 value_of(const struct value *v)
{
	if (v->kind == R_NONE)
		return v->v;
	return fz_id(v->kind, v->v % FZ_SLOTS);
}

static void store(void *base, const struct member *m, __u64 v)
{
	/* Little-endian, as all machines that this is for */
	memcpy((char *)base + m->at, &v, m->bytes);
}

static __u64 fill_data(const struct call *c, unsigned int which)
{
	char bytes[ELEMENTS * 64] = {};
	const struct layout *l;
	unsigned int i, j;

	if (c->layout[which] <= L_NONE)
		return 0;
	l = &layouts[(int)c->layout[which]];
	for (i = 0; i < c->num[which]; i++)
		for (j = 0; l->m[j].kind != M_END; j++)
			store(bytes + i * l->size, &l->m[j], value_of(&c->e[which][i][j]));
	return fz_data_at(which, bytes, l->size * c->num[which]);
}

void call_fill(const struct call *c, void *cmd)
{
	const struct op *op = op_at(c->op);
	__u64 data[2] = { fill_data(c, 0), fill_data(c, 1) };
	unsigned int i;

	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		__u64 v = value_of(&c->m[i]);

		if (op->m[i].kind == M_DATA && c->layout[0] >= 0 && !v)
			v = data[0];
		if (op->m[i].kind == M_DATA2 && c->layout[1] >= 0 && !v)
			v = data[1];
		store(cmd, &op->m[i], v);
	}
}

static void say_bad(struct runner *r, const struct call *c, const char *what, long rc)
{
	char name[LINEAGE_MAX * 17 + 1];

	r->stats->bad++;
	sequence_name(r->s, name, sizeof(name));
	printf("# BAD: %s: %s returned %ld: %s\n# BAD: --replay %s, thread %u, call %u\n",
	       op_at(c->op)->name, op_at(c->op)->flags & OP_CALL ? "call" : "ioctl", rc, what,
	       name, r->thread, (unsigned int)(c - r->s->call));
	fflush(stdout);
}

static bool has_pointer(const struct op *op)
{
	unsigned int i;

	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++)
		if (op->m[i].kind == M_VA || op->m[i].kind == M_DATA)
			return true;
	/* A HWPT, and a mapping, may get its memory now. */
	return !strncmp(op->name, "IOMMU_DEVICE_PASID", 18) ||
	       !strcmp(op->name, "IOMMU_HWPT_ALLOC") ||
	       !strcmp(op->name, "IOMMU_IOAS_COPY") || !strcmp(op->name, "IOMMU_IOAS_MAP_FILE") ||
	       !strcmp(op->name, "IOMMU_OPTION");
}

/* A number that was /dev/iommu may be another file by now. */
static bool is_iommu(const struct call *c)
{
	char path[64], to[32] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 (int)value_of(&(struct value){ c->fd, R_CTX }));
	return readlink(path, to, sizeof(to) - 1) > 0 &&
	       (!strcmp(to, "/dev/iommu") || !strcmp(to, "/dev/vfio/vfio"));
}

/* Does @rc tell of a mistake of the kernel's? */
static void check_result(struct runner *r, const struct call *c, const void *cmd, long rc)
{
	const struct op *op = op_at(c->op);
	__u32 size;

	memcpy(&size, cmd, sizeof(size));
	if (fz_overrun)
		say_bad(r, c, "it wrote behind its structure", rc);
	if (rc >= 0)
		return;
	if (rc < -133)
		return say_bad(r, c, "no errno of user space", rc);
	/* The fd may be anything by now. */
	if (!r->alone || c->nth || op->flags & OP_TEST)
		return;
	if (rc == -ENOTTY && !(op->flags & OP_VFIO) && is_iommu(c))
		return say_bad(r, c, "the command is known", rc);
	if (rc != -ENOTTY && !is_in(common_errnos, -rc) && !is_in(op->errnos, -rc) &&
	    !(op->flags & OP_VFIO))
		return say_bad(r, c, "this error is not documented", rc);
	if (rc == -EFAULT && c->how <= HOW_EDGE && size == op->size && !has_pointer(op))
		say_bad(r, c, "nothing is missing", rc);
}

/* --- does what fails change nothing? --- */

static size_t state_of(int fd, char *text, size_t room)
{
	char path[64];
	size_t n = 0;
	ssize_t got;
	int f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = open(path, O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return 0;
	while (n < room && (got = read(f, text + n, room - n)) > 0)
		n += (size_t)got;
	close(f);
	return n;
}

static bool watched(const struct runner *r, const struct call *c, unsigned int index)
{
	return r->alone && !r->busy && (op_at(c->op)->flags & OP_KEEPS) && index % 4 == 3;
}

/* Page requests that a device of the mock has sent, as far as the command tells */
static unsigned long faults_of(const struct op *op, const void *cmd)
{
	const struct iommu_test_cmd *test = cmd;

	if (!(op->flags & OP_TEST))
		return 0;
	switch (test->op) {
	case IOMMU_TEST_OP_TRIGGER_IOPF:
		return 1;
	case IOMMU_TEST_OP_REPORT:
		return (unsigned long)test->report.out_taken + test->report.out_refused;
	case IOMMU_TEST_OP_DMA:
	case IOMMU_TEST_OP_DMA_WAIT:
		return test->dma.out_status == MOCK_DMA_PENDING ? 0 : test->dma.out_faults;
	}
	return 0;
}

static long run_ioctl(struct runner *r, const struct call *c)
{
	static char before[16384], after[16384];
	const struct op *op = op_at(c->op);
	unsigned int index = (unsigned int)(c - r->s->call), i;
	__u64 cmd[64] = {}, fd = value_of(&(struct value){ c->fd, R_CTX });
	size_t had = 0;
	long rc;

	call_fill(c, cmd);
	if (watched(r, c, index))
		had = state_of((int)fd, before, sizeof(before));
	rc = fz_ioctl(fd, op->nr, cmd, op->size, c->how, c->nth);
	check_result(r, c, cmd, rc);
	if (fz_injected)
		r->stats->injected++;
	if (had && rc < 0) {
		size_t has = state_of((int)fd, after, sizeof(after));

		if (had != has || memcmp(before, after, had)) {
			say_bad(r, c, "it failed, and has changed something", rc);
			printf("# before:\n%.*s# after:\n%.*s", (int)had, before, (int)has, after);
		}
	}
	if (rc < 0 || c->how == HOW_TAIL)
		return rc;
	r->stats->faults += faults_of(op, cmd);
	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		__u64 v = 0;

		if (op->m[i].kind != M_OUT || !op->m[i].arg)
			continue;
		memcpy(&v, (char *)cmd + op->m[i].at, op->m[i].bytes);
		fz_set((unsigned int)op->m[i].arg, c->out, v);
	}
	return rc;
}

bool call_fails(const struct call *c)
{
	const char *name = op_at(c->op)->name;

	return c->nth && (!strcmp(name, "read") || !strcmp(name, "write"));
}

static long run_call(const struct call *c)
{
	const struct op *op = op_at(c->op);
	__u64 a[4] = {};
	unsigned int i;
	long rc = 0;

	for (i = 0; i < 4 && op->m[i].kind != M_END; i++)
		a[i] = value_of(&c->m[i]);

	fz_cookie = 0;
	if (call_fails(c))
		fz_fail_nth(c->nth);
#define IS(function, ...) \
	(!strcmp(op->name, #function) && ((rc = fz_##function(__VA_ARGS__)), true))
	if (!(IS(open, a[0]) || IS(close, a[0]) || IS(dup, a[0]) || IS(pass, a[0], a[1]) ||
	      IS(fork, a[0], a[1], a[2]) || IS(munmap, a[0], a[1]) ||
	      IS(mmap, a[0], a[1], a[2]) || IS(mprotect, a[0], a[1], a[2]) ||
	      IS(madvise, a[0], a[1], a[2]) || IS(mremap, a[0], a[1], a[2]) ||
	      IS(memfd, a[0], a[1]) || IS(truncate, a[0], a[1]) ||
	      IS(punch, a[0], a[1], a[2]) || IS(seal, a[0], a[1]) || IS(nonblock, a[0], a[1]) ||
	      IS(read, a[0], a[1], a[2]) || IS(write, a[0], a[1], a[2], a[3]) ||
	      IS(poll, a[0]) || IS(fdinfo, a[0]) || IS(rlimit, a[0]) || IS(drop) ||
	      IS(raw, a[0], a[1], a[2])))
		abort();
#undef IS
	if (call_fails(c))
		fz_fail_end();
	if (op->out == R_COOKIE && fz_cookie)
		fz_set(R_COOKIE, c->out, fz_cookie);
	else if (op->out && op->out != R_COOKIE && rc >= 0)
		fz_set(op->out, c->out, (__u64)rc);
	return rc;
}

static unsigned long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)t.tv_sec * 1000000 + (unsigned long)t.tv_nsec / 1000;
}

int run_setup(unsigned int threads)
{
	return fz_setup(threads);
}

void run_sequence(struct runner *r)
{
	const struct call *c;
	unsigned long since;
	char comm[32];
	unsigned int i;
	long rc;

	fz_thread = r->thread;
	while (r->thread && !__atomic_load_n(r->ready, __ATOMIC_ACQUIRE))
		usleep(500);
	for (i = 0; i < r->s->num; i++) {
		c = &r->s->call[i];
		if (!r->thread && i >= r->s->begun)
			__atomic_store_n(r->ready, true, __ATOMIC_RELEASE);
		/* The kernel says it with whatever it has to report. */
		snprintf(comm, sizeof(comm), "%.11s:%u", r->label, i);
		prctl(PR_SET_NAME, comm);
		if (r->verbose) {
			printf("/* thread %u, call %u */\n", r->thread, i);
			print_call(stdout, c);
			fflush(stdout);
		}
		since = now_us();
		/* From here on things happen by themselves. */
		if (op_at(c->op)->flags & OP_BUSY)
			r->busy = true;
		rc = op_at(c->op)->flags & OP_CALL ? run_call(c) : run_ioctl(r, c);
		if (r->verbose)
			printf("/* %ld */\n", rc);
		r->stats->us_op[c->op] += now_us() - since;
		r->stats->calls++;
		r->stats->per_op[c->op]++;
		if (rc >= 0)
			r->stats->ok_op[c->op]++;
		else if (rc > -136)
			r->stats->errno_op[c->op][-rc]++;
		if (rc < 0)
			r->stats->failed++;
		else
			r->stats->ok++;
	}
	__atomic_store_n(r->ready, true, __ATOMIC_RELEASE);
}
