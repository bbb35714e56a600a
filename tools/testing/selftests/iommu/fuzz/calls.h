/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the fuzzer calls the kernel. A reproducer that it writes includes this file too,
 * so that both do the same:
 *
 *	gcc -static -pthread -isystem include/uapi -I tools/testing/selftests/iommu/fuzz \
 *		reproducer.c
 *
 * All memory is at addresses that never change. Functions return what the system call
 * does, or a negative errno.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "../../../../../drivers/iommu/iommufd/iommufd_test.h"
#include "../fail_nth.h"

#define FZ_PAGE		4096UL

/* Memory to map: private, of a memfd, not to be written, in huge pages if they come */
#define FZ_ANON		0x100000000000UL
#define FZ_SHARED	0x100000200000UL
#define FZ_READ_ONLY	0x100000400000UL
#define FZ_HUGE		0x100000600000UL
#define FZ_LENGTH	(64 * FZ_PAGE)
#define FZ_HUGE_LENGTH	(512 * FZ_PAGE)
/* Here is never anything */
#define FZ_HOLE		0x100000f00000UL

/* Each thread's: where commands are, what they point to, and what is behind it */
#define FZ_BUFFERS	0x110000000000UL
#define FZ_BUFFER_STEP	0x10000UL
#define FZ_BUFFER(thread) (FZ_BUFFERS + (thread) * FZ_BUFFER_STEP)
#define FZ_COMMAND_END	(2 * FZ_PAGE)
#define FZ_DATA_END	(5 * FZ_PAGE)
#define FZ_DATA2_END	(7 * FZ_PAGE)
#define FZ_CONST_PAGE	(8 * FZ_PAGE)
#define FZ_THREADS	16
/* Calls are for fds below this: what the program must not lose to them is above */
#define FZ_FDS		1024
#define FZ_CANARY	0xa5
#define FZ_CANARY_BYTES	64

/* Ids and fds that calls have returned, by kind */
enum fz_kind {
	R_NONE,
	R_IOAS,
	R_HWPT,
	R_STAGE2,		/* nest parents */
	R_DIRTY,		/* HWPTs with dirty tracking */
	R_NESTED,
	R_DEV,
	R_STDEV,
	R_FAULT,
	R_VIOMMU,
	R_VDEVICE,
	R_EVENTQ,
	R_VEVENTQ,
	R_PARENT,
	R_VM,
	R_PIN,
	R_DMA,
	R_COOKIE,
	R_ADDRESS,
	/* From here on file descriptors */
	R_CTX,
	R_FAULT_FD,
	R_EVENT_FD,
	R_VEVENT_FD,
	R_ACCESS_FD,
	R_MEM_FD,
	R_KINDS,
};

#define FZ_SLOTS	8
static __u64 id[R_KINDS][FZ_SLOTS];

/* How a command's structure is handed over */
enum fz_how {
	HOW_CANARY,		/* followed by bytes that have to stay */
	HOW_EDGE,		/* followed by nothing */
	HOW_TAIL,		/* longer than its command's, and not zero there */
	HOW_CUT,		/* its last bytes are not there */
	HOW_READ_ONLY,
	HOW_NOWHERE,
	HOW_KERNEL,
	HOWS,
};

/* What is in a slot, or else in the next one that has something */
static inline __u64 fz_id(unsigned int kind, unsigned int slot)
{
	__u64 none = kind >= R_CTX ? ~0ULL : 0, v;
	unsigned int i;

	for (i = 0; i < FZ_SLOTS; i++) {
		v = __atomic_load_n(&id[kind][(slot + i) % FZ_SLOTS], __ATOMIC_RELAXED);
		if (v != none)
			return v;
	}
	return none;
}

static inline void fz_set(unsigned int kind, unsigned int slot, __u64 v)
{
	__atomic_store_n(&id[kind][slot], v, __ATOMIC_RELAXED);
}

/* Something has gone: nobody means it any more. */
static inline void fz_gone(unsigned int from, unsigned int to, __u64 v)
{
	unsigned int kind, i;

	for (kind = from; kind < to; kind++)
		for (i = 0; i < FZ_SLOTS; i++)
			if (id[kind][i] == v)
				fz_set(kind, i, kind >= R_CTX ? ~0ULL : 0);
}

static int fz_mem_fd = -1;
static __thread unsigned int fz_thread;
/* The last ioctl wrote behind its structure, its failure was injected */
static __thread bool fz_overrun;
static __thread bool fz_injected;

static inline void *fz_map(unsigned long at, unsigned long length, int prot,
			   int flags, int fd)
{
	return mmap((void *)at, length, prot, flags | MAP_FIXED, fd, 0);
}

/*
 * @fd where no call gets at it, and its old number free; -1: there is no such place, or
 * @fd is none. Another thread may close any number below FZ_FDS, which once was an id.
 */
static inline int fz_keep(int fd)
{
	struct rlimit files;
	int kept = -1;

	if (fd < 0)
		return -1;
	if (!getrlimit(RLIMIT_NOFILE, &files) &&
	    files.rlim_max >= FZ_FDS + 2 * FZ_THREADS) {
		files.rlim_cur = files.rlim_max;
		if (!setrlimit(RLIMIT_NOFILE, &files))
			kept = fcntl(fd, F_DUPFD_CLOEXEC, FZ_FDS);
	}
	close(fd);
	return kept;
}

/* A signal only ends what blocks. */
static inline void fz_signal(int number)
{
	(void)number;
}

static inline int fz_setup(unsigned int threads)
{
	static const unsigned long holes[] = {
		FZ_COMMAND_END, FZ_DATA_END, FZ_DATA2_END,
	};
	struct sigaction act = { .sa_handler = fz_signal };
	unsigned int t, i;
	int kept;

	sigaction(SIGALRM, &act, NULL);
	/* A number that another thread closes may be a socket's by then */
	signal(SIGPIPE, SIG_IGN);
	/* Is there room above FZ_FDS? */
	kept = fz_keep(open("/dev/null", O_RDONLY | O_CLOEXEC));
	if (kept < 0)
		return -EMFILE;
	close(kept);
	fz_mem_fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fz_mem_fd < 0 || ftruncate(fz_mem_fd, FZ_LENGTH))
		return -errno;
	for (i = 0; i < FZ_SLOTS; i++)
		id[R_MEM_FD][i] = (__u64)fz_mem_fd;
	for (i = R_CTX; i < R_MEM_FD; i++)
		memset(id[i], 0xff, sizeof(id[i]));
	if (fz_map(FZ_ANON, FZ_LENGTH, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1) == MAP_FAILED ||
	    fz_map(FZ_SHARED, FZ_LENGTH, PROT_READ | PROT_WRITE,
		   MAP_SHARED, fz_mem_fd) == MAP_FAILED ||
	    fz_map(FZ_READ_ONLY, FZ_LENGTH, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1) == MAP_FAILED ||
	    fz_map(FZ_HUGE, FZ_HUGE_LENGTH, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1) == MAP_FAILED)
		return -errno;
	madvise((void *)FZ_HUGE, FZ_HUGE_LENGTH, MADV_HUGEPAGE);
	for (t = 0; t < threads; t++) {
		unsigned long at = FZ_BUFFER(t);

		if (fz_map(at, 9 * FZ_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1) == MAP_FAILED ||
		    mprotect((void *)(at + FZ_CONST_PAGE), FZ_PAGE, PROT_READ))
			return -errno;
		for (i = 0; i < sizeof(holes) / sizeof(holes[0]); i++)
			if (munmap((void *)(at + holes[i]), FZ_PAGE))
				return -errno;
	}
	return 0;
}

/* A step of the next call is going to fail */
static __thread bool fz_armed;

/*
 * The thread's fail-nth, negative if there is none. Who could not disarm is killed by the
 * next signal, whose frame is copied to the user.
 */
static inline int fz_fail_fd(void)
{
	static __thread int kept = -1;

	if (kept < 0)
		kept = fz_keep(fail_nth_open());
	return kept;
}

/* The @nth step of the next call that can fail will; 0: none. */
static inline void fz_fail_nth(unsigned int nth)
{
	int fd = fz_fail_fd();

	fz_armed = nth != 0;
	if (fd >= 0)
		arm(fd, nth);
}

static inline void fz_fail_end(void)
{
	int fd = fz_fail_fd();

	fz_armed = false;
	if (fd >= 0)
		fz_injected = fired(fd);
}

/*
 * An ioctl with the @known bytes of @cmd, whose first member says how many bytes it
 * claims to have. What the kernel wrote is in @cmd then.
 */
static inline long fz_ioctl(__u64 fd, unsigned long nr, void *cmd, __u32 known,
			    enum fz_how how, unsigned int nth)
{
	unsigned long base = FZ_BUFFER(fz_thread);
	unsigned long at = base + FZ_COMMAND_END - 1024;
	__u32 size, room, i;
	long rc;

	memcpy(&size, cmd, sizeof(size));
	/* More than this is not claimed to be there, or less than the kernel knows */
	room = size < 512 ? size : 512;
	if (room < sizeof(size))
		room = sizeof(size);
	fz_overrun = false;
	fz_injected = false;
	switch (how) {
	case HOW_CUT:
		at = base + FZ_COMMAND_END - (size > 4 ? (size < 512 ? size : 512) / 2 : 2);
		break;
	case HOW_EDGE:
		at = base + FZ_COMMAND_END - room;
		break;
	case HOW_READ_ONLY:
		at = base + FZ_CONST_PAGE;
		mprotect((void *)at, FZ_PAGE, PROT_READ | PROT_WRITE);
		break;
	case HOW_NOWHERE:
		at = FZ_HOLE;
		break;
	case HOW_KERNEL:
		at = 0xffff888000000000UL;
		break;
	default:
		break;
	}
	if (how != HOW_NOWHERE && how != HOW_KERNEL) {
		__u32 fits = (__u32)(base + FZ_COMMAND_END - at);

		if (how == HOW_READ_ONLY || fits > known)
			fits = known;
		if ((how == HOW_CANARY || how == HOW_EDGE) && fits > room)
			fits = room;
		if (how == HOW_CANARY || how == HOW_TAIL)
			memset((void *)at, 0, 1024);
		else if (how == HOW_EDGE)
			memset((void *)at, 0, room);
		memcpy((void *)at, cmd, fits);
		if (how == HOW_TAIL && room > known)
			memset((void *)(at + known), 0xff, room - known);
		if (how == HOW_CANARY)
			memset((void *)(at + room), FZ_CANARY, FZ_CANARY_BYTES);
		if (how == HOW_READ_ONLY)
			mprotect((void *)at, FZ_PAGE, PROT_READ);
	}
	if (nth)
		fz_fail_nth(nth);
	rc = ioctl((int)fd, nr, (void *)at);
	if (rc < 0)
		rc = -errno;
	if (nth)
		fz_fail_end();
	if (!rc && nr == IOMMU_DESTROY)
		fz_gone(R_IOAS, R_DMA + 1, ((struct iommu_destroy *)cmd)->id);
	if (how == HOW_CANARY)
		for (i = 0; i < FZ_CANARY_BYTES; i++)
			if (((unsigned char *)at)[room + i] != FZ_CANARY)
				fz_overrun = true;
	if (how == HOW_CANARY || how == HOW_EDGE || how == HOW_READ_ONLY)
		memcpy(cmd, (void *)at, how == HOW_READ_ONLY || room > known ? known : room);
	return rc;
}

/* Where @bytes of data are, with nothing behind them; @which: 0 or 1 */
static inline void *fz_data(unsigned int which, unsigned long bytes)
{
	return (void *)(FZ_BUFFER(fz_thread) +
			(which ? FZ_DATA2_END : FZ_DATA_END) - ((bytes + 7) & ~7UL));
}

static inline __u64 fz_data_at(unsigned int which, const void *from, unsigned long bytes)
{
	void *to = fz_data(which, bytes);

	memcpy(to, from, bytes);
	return (__u64)(unsigned long)to;
}

/* --- what is no command: arguments a to d --- */

static inline long fz_rc(long rc)
{
	return rc < 0 ? -errno : rc;
}

static inline long fz_open(__u64 container)
{
	return fz_rc(open(container ? "/dev/vfio/vfio" : "/dev/iommu", O_RDWR | O_CLOEXEC));
}

/* Only what can be an id: never the program's own files */
static inline bool fz_id_of_file(__u64 fd)
{
	return fd > 2 && fd < FZ_FDS;
}

/* Nor the memory that all threads have */
static inline bool fz_ours(__u64 fd)
{
	return fz_id_of_file(fd) && (int)fd != fz_mem_fd;
}

static inline long fz_close(__u64 fd)
{
	if (!fz_ours(fd))
		return -EBADF;
	fz_gone(R_CTX, R_KINDS, fd);
	return fz_rc(close((int)fd));
}

static inline long fz_dup(__u64 fd)
{
	return fz_ours(fd) ? fz_rc(fcntl((int)fd, F_DUPFD_CLOEXEC, 3)) : -EBADF;
}

/* @fd by way of a socket, @shut: closed while it is on its way */
static inline long fz_pass(__u64 fd, __u64 shut)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int pair[2], got = (int)fd, rc = -EBADF;

	if (!fz_ours(fd))
		return -EBADF;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &got, sizeof(got));
	if (sendmsg(pair[0], &m, 0) == 1) {
		if (shut & 1)
			fz_close(fd);
		/* 2: it is never received */
		if (!(shut & 2) && recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) == 1)
			memcpy(&rc, CMSG_DATA(&control.head), sizeof(rc));
	}
	close(pair[0]);
	close(pair[1]);
	return rc;
}

/* What a child, or the program that it has become, does with an open /dev/iommu */
static inline void fz_child(int fd, __u32 ioas)
{
	struct iommu_ioas_change_process change = { .size = sizeof(change) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = FZ_ANON,
		.length = 4 * FZ_PAGE,
	};
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = ioas };

	fz_map(FZ_ANON, FZ_LENGTH, PROT_READ | PROT_WRITE,
	       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
	ioctl(fd, IOMMU_IOAS_CHANGE_PROCESS, &change);
	ioctl(fd, IOMMU_IOAS_MAP, &map);
	ioctl(fd, IOMMU_DESTROY, &destroy);
}

/*
 * In main(), first: is this what a child has become? And is there no rseq()? The kernel
 * would write to a page of the C library's whenever a thread goes on after others ran.
 * That page is copied first if another thread has called fork(), and if it is this that was
 * made to fail, the kernel kills the program.
 */
static inline void fz_main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--held")) {
		fz_child(atoi(argv[2]), (__u32)strtoul(argv[3], NULL, 0));
		_exit(0);
	}
	if (!getenv("GLIBC_TUNABLES") &&
	    !setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1))
		execv("/proc/self/exe", argv);
}

/* @what: 0 end at once, 1 use it, 2 become another program, 3 go on for a moment */
static inline long fz_fork(__u64 fd, __u64 ioas, __u64 what)
{
	char held[16], name[16];
	pid_t pid;

	snprintf(held, sizeof(held), "%d", (int)fd);
	snprintf(name, sizeof(name), "%u", (unsigned int)ioas);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		if (what != 3)
			waitpid(pid, NULL, 0);
		return 0;
	}
	if (what == 1)
		fz_child((int)fd, (__u32)ioas);
	if (what == 2) {
		fcntl((int)fd, F_SETFD, 0);
		execl("/proc/self/exe", "fuzz", "--held", held, name, NULL);
	}
	if (what == 3)
		usleep(3000);
	_exit(0);
}

/* Nothing but the memory to map is ever taken away. */
static inline bool fz_arena(__u64 va, __u64 length)
{
	return va >= FZ_ANON && va < FZ_HOLE && length <= FZ_HOLE - va;
}

static inline long fz_munmap(__u64 va, __u64 length)
{
	if (!fz_arena(va, length))
		return -EINVAL;
	return fz_rc(munmap((void *)(unsigned long)va, length));
}

/* @what: 0 private, 1 the memfd, 2 huge, 3 cannot be accessed */
static inline long fz_mmap(__u64 va, __u64 length, __u64 what)
{
	void *p;

	if (!fz_arena(va, length))
		return -EINVAL;
	p = fz_map((unsigned long)va, length,
		   what == 3 ? PROT_NONE : PROT_READ | PROT_WRITE,
		   what == 1 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
		   what == 1 ? fz_mem_fd : -1);
	if (p == MAP_FAILED)
		return -errno;
	if (what == 2)
		madvise(p, length, MADV_HUGEPAGE);
	return 0;
}

static inline long fz_mprotect(__u64 va, __u64 length, __u64 prot)
{
	if (!fz_arena(va, length))
		return -EINVAL;
	return fz_rc(mprotect((void *)(unsigned long)va, length, (int)prot));
}

static inline long fz_madvise(__u64 va, __u64 length, __u64 advice)
{
	if (!fz_arena(va, length))
		return -EINVAL;
	return fz_rc(madvise((void *)(unsigned long)va, length, (int)advice));
}

static inline long fz_mremap(__u64 va, __u64 length, __u64 to)
{
	if (!fz_arena(va, length) || !fz_arena(to, length))
		return -EINVAL;
	return mremap((void *)(unsigned long)va, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		      (void *)(unsigned long)to) == MAP_FAILED ? -errno : 0;
}

static inline long fz_memfd(__u64 length, __u64 flags)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | (unsigned int)flags);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)length)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static inline long fz_truncate(__u64 fd, __u64 length)
{
	return fz_id_of_file(fd) ? fz_rc(ftruncate((int)fd, (off_t)length)) : -EBADF;
}

static inline long fz_punch(__u64 fd, __u64 at, __u64 length)
{
	if (!fz_id_of_file(fd))
		return -EBADF;
	return fz_rc(fallocate((int)fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
			       (off_t)length));
}

static inline long fz_seal(__u64 fd, __u64 seals)
{
	return fz_id_of_file(fd) ? fz_rc(fcntl((int)fd, F_ADD_SEALS, (int)seals)) : -EBADF;
}

static inline long fz_nonblock(__u64 fd, __u64 on)
{
	return fz_ours(fd) ? fz_rc(fcntl((int)fd, F_SETFL, on ? O_NONBLOCK : 0)) : -EBADF;
}

/* The first record's last words are its cookie, if it is a page request. */
static __thread __u64 fz_cookie;

/* Blocks for a moment at most. @at: 0 memory that is there */
static inline long fz_read(__u64 fd, __u64 bytes, __u64 at)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
	};
	struct itimerspec soon = {
		.it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000,
	};
	struct iommu_hwpt_pgfault record = {};
	void *buffer = at ? (void *)(unsigned long)at : fz_data(0, bytes);
	timer_t timer;
	long rc;
	int had;

	if (!fz_ours(fd) || bytes > 2 * FZ_PAGE)
		return -EBADF;
	if (fz_armed) {
		/* A signal's frame is copied to the user too: if that fails, it kills. */
		had = fcntl((int)fd, F_GETFL);
		fcntl((int)fd, F_SETFL, had | O_NONBLOCK);
		rc = fz_rc(read((int)fd, buffer, bytes));
		if (!(had & O_NONBLOCK))
			fcntl((int)fd, F_SETFL, had);
		return rc;
	}
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return -errno;
	timer_settime(timer, 0, &soon, NULL);
	rc = fz_rc(read((int)fd, buffer, bytes));
	timer_delete(timer);
	if (rc >= (long)sizeof(record) && !at) {
		memcpy(&record, buffer, sizeof(record));
		fz_cookie = record.cookie;
	}
	return rc;
}

static inline long fz_write(__u64 fd, __u64 cookie, __u64 code, __u64 bytes)
{
	struct iommu_hwpt_page_response r[8] = {};
	unsigned int i;

	if (!fz_ours(fd))
		return -EBADF;
	for (i = 0; i < 8; i++) {
		r[i].cookie = (__u32)cookie + i;
		r[i].code = (__u32)code;
	}
	return fz_rc(write((int)fd, r, bytes > sizeof(r) ? sizeof(r) : bytes));
}

static inline long fz_poll(__u64 fd)
{
	struct pollfd p = { .fd = (int)fd, .events = POLLIN | POLLOUT };

	return fz_rc(poll(&p, 1, 0));
}

static inline long fz_fdinfo(__u64 fd)
{
	char path[64], text[4096];
	int f;
	long rc;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)fd);
	f = open(path, O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return -errno;
	do {
		rc = fz_rc(read(f, text, sizeof(text)));
	} while (rc > 0);
	close(f);
	return rc;
}

static inline long fz_rlimit(__u64 kib)
{
	struct rlimit limit = { kib << 10, kib << 10 };

	return fz_rc(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* From now on pinned memory is limited. */
static inline long fz_drop(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	data[0].permitted &= ~(1U << CAP_IPC_LOCK);
	return fz_rc(syscall(SYS_capset, &head, data));
}

static inline long fz_raw(__u64 fd, __u64 nr, __u64 arg)
{
	return fz_ours(fd) ? fz_rc(ioctl((int)fd, nr, arg)) : -EBADF;
}

#endif
