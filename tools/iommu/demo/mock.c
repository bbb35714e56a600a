// SPDX-License-Identifier: GPL-2.0
/*
 * Second part: a program in the shape of a VMM. It has a guest's memory, a page
 * table in it that the device walks (nested translation), and a queue on which
 * the device's page faults arrive. The device and its IOMMU are the mock of test
 * kernels, because no unit that QEMU emulates has page requests. What is real is
 * everything between the device's request and the answer.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <liburing.h>

#include "../lib/fdinfo.h"
#include "../lib/mock.h"
#include "demo.h"

#define PAGE		4096ULL
#define GUEST_PAGES	256ULL
/* Where the guest's memory is in the parent's address space */
#define GUEST_AT	0x40000000ULL
#define TABLE_TOP	GUEST_AT
#define TABLE_LEAF	(GUEST_AT + PAGE)
/* The guest's page frame that is put behind a guest IOVA page */
#define FRAME(n)	(GUEST_AT + (16 + (n)) * PAGE)

#define DEPTH		256
#define WAIT_MS		20000

struct vmm {
	int fd;
	int queue;
	__u32 queue_id;
	__u32 ioas;
	__u32 parent;
	__u32 nested;
	struct mock_device dev;
	char *guest;
	__u64 *top;
	__u64 *leaf;
	unsigned long faults;
};

static char *frame(struct vmm *v, unsigned int n)
{
	return v->guest + (16 + n) * PAGE;
}

/* What a VMM does when it starts: memory, parent, queue, nested table. */
static int vmm_memory(struct vmm *v)
{
	int rc;

	v->queue = -1;
	v->fd = iommu_open();
	if (v->fd < 0)
		return v->fd;
	v->guest = mmap(NULL, GUEST_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (v->guest == MAP_FAILED)
		return -ENOMEM;
	v->top = (__u64 *)v->guest;
	v->leaf = (__u64 *)(v->guest + PAGE);
	v->top[0] = TABLE_LEAF | MOCK_S1_PRESENT | MOCK_S1_WRITE;
	rc = iommu_ioas_alloc(v->fd, &v->ioas);
	if (!rc)
		rc = iommu_map(v->fd, v->ioas, v->guest, GUEST_PAGES * PAGE,
			       GUEST_AT);
	if (!rc)
		rc = mock_device(v->fd, v->ioas, 0, &v->dev);
	if (!rc)
		rc = iommu_hwpt_paging(v->fd, v->dev.dev, v->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &v->parent);
	return rc;
}

static int vmm_table(struct vmm *v)
{
	struct iommu_hwpt_selftest_s1 s1 = { .table = TABLE_TOP, .levels = 2 };
	int rc;

	v->queue = iommu_fault_queue(v->fd, DEPTH, IOMMU_FAULT_POLICY_BLOCKING,
				     0, &v->queue_id);
	if (v->queue < 0)
		return v->queue;
	rc = iommu_hwpt_nested(v->fd, v->dev.dev, v->parent,
			       IOMMU_HWPT_FAULT_ID_VALID, v->queue_id,
			       IOMMU_HWPT_DATA_SELFTEST_S1, &s1, sizeof(s1),
			       &v->nested);
	if (rc)
		return rc;
	return mock_replace(v->fd, v->dev.stdev, v->nested);
}

/* The device's side: one DMA, in a thread of its own */
struct device_dma {
	struct vmm *v;
	struct mock_dma dma;
	pthread_t thread;
	double begin;
	double end;
	int rc;
};

static void *device_thread(void *arg)
{
	struct device_dma *d = arg;

	d->rc = mock_dma(d->v->fd, &d->dma);
	d->end = seconds();
	return NULL;
}

static int device_start(struct vmm *v, struct device_dma *d, bool write,
			__u64 iova, void *data, size_t length)
{
	memset(d, 0, sizeof(*d));
	d->v = v;
	d->dma.dev = v->dev.dev;
	d->dma.flags = write ? MOCK_DMA_WRITE : 0;
	d->dma.timeout_ms = WAIT_MS;
	d->dma.iova = iova;
	d->dma.data = data;
	d->dma.length = length;
	d->begin = seconds();
	return -pthread_create(&d->thread, NULL, device_thread, d);
}

static const char *status_text(__u32 status)
{
	static const char *const text[] = {
		"complete", "failed by the answer", "blocked", "not finished",
		"halted",
	};

	return status < 5 ? text[status] : "?";
}

static void tell_fault(struct vmm *v, const struct iommu_hwpt_pgfault *r, int n)
{
	int i;

	for (i = 0; i < n; i++)
		tell("fault: device %u wants to %s at %#llx, group %u, cookie %#x%s",
		     r[i].dev_id,
		     r[i].perm & IOMMU_PGFAULT_PERM_WRITE ? "write" : "read",
		     r[i].addr, r[i].grpid, r[i].cookie,
		     r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE ?
			     ", the last of its group" : "");
	v->faults += (unsigned long)n;
}

/* The guest's part: put a frame behind a page of its IOVA space. */
static void guest_maps(struct vmm *v, __u64 iova, unsigned int n)
{
	__u64 entry = FRAME(n) | MOCK_S1_PRESENT | MOCK_S1_WRITE;

	__atomic_store_n(&v->leaf[iova / PAGE], entry, __ATOMIC_RELEASE);
}

static void blocking_read(struct vmm *v)
{
	const __u64 iova = 0x5f80;
	static char data[PAGE];
	struct iommu_hwpt_pgfault r[16];
	struct device_dma d;
	double start, woken;
	int n;

	step("A fault taken by a blocking read");
	pattern(data, sizeof(data), 3);
	start = seconds();
	if (!need(device_start(v, &d, true, iova, data, sizeof(data)),
		  "thread"))
		return;
	tell("the device writes %llu bytes at guest address %#llx, not in the guest's table",
	     PAGE, iova);
	n = iommu_fault_read(v->queue, r, 16);
	woken = seconds();
	if (!need(n, "read of the fault queue"))
		return;
	tell("read() slept for %.1f ms and returned %d records in one group",
	     (woken - start) * 1e3, n);
	tell_fault(v, r, n);
	check(n == 2 && r[0].cookie == r[1].cookie &&
	      r[0].addr == 0x5000 && r[1].addr == 0x6000,
	      "both pages that the access touches were asked for at once");
	check(!frame(v, 0)[0xf80] && !frame(v, 1)[0],
	      "no byte has moved while the device waits");

	step("The answer \"success\" without a page in the table");
	if (!need(iommu_fault_answer(v->queue, r[0].cookie,
				     IOMMUFD_PAGE_RESP_SUCCESS), "answer"))
		return;
	n = iommu_fault_read(v->queue, r, 16);
	if (!need(n, "read of the fault queue"))
		return;
	tell_fault(v, r, n);
	check(n == 2 && r[0].addr == 0x5000,
	      "the device looked again and asked again: success means \"try\", not \"done\"");

	step("The guest maps both pages, then the answer");
	guest_maps(v, 0x5000, 0);
	guest_maps(v, 0x6000, 1);
	if (!need(iommu_fault_answer(v->queue, r[0].cookie,
				     IOMMUFD_PAGE_RESP_SUCCESS), "answer"))
		return;
	pthread_join(d.thread, NULL);
	if (!need(d.rc, "the device's DMA"))
		return;
	check(d.dma.status == MOCK_DMA_OK && d.dma.done == PAGE,
	      "the device's access is %s: %llu of %llu bytes, %u page requests, %.1f ms in all",
	      status_text(d.dma.status), d.dma.done, PAGE, d.dma.faults,
	      (d.end - d.begin) * 1e3);
	check(same_bytes(frame(v, 0) + 0xf80, data, 0x80) &&
	      same_bytes(frame(v, 1), data + 0x80, PAGE - 0x80),
	      "all %llu bytes are in the guest's memory, across the two pages",
	      PAGE);
}

/* Threads that io_uring had to start to get work done */
static int uring_workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f))
			n += !strncmp(name, "iou-wrk", 7);
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void uring_read(struct vmm *v)
{
	struct __kernel_timespec limit = { .tv_sec = WAIT_MS / 1000 };
	static char data[PAGE];
	struct iommu_hwpt_pgfault r[16];
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct device_dma d;
	int n;

	step("The same by io_uring, with a read posted before there is a fault");
	if (!need(io_uring_queue_init(8, &ring, 0), "io_uring"))
		return;
	pattern(frame(v, 2), PAGE, 4);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, v->queue, r, sizeof(r), 0);
	if (!need(io_uring_submit(&ring), "io_uring submit"))
		goto out;
	check(io_uring_peek_cqe(&ring, &cqe) == -EAGAIN,
	      "the read waits in the ring, no thread waits with it");
	if (!need(device_start(v, &d, false, 0x9000, data, sizeof(data)),
		  "thread"))
		goto out;
	tell("the device reads %llu bytes at guest address 0x9000", PAGE);
	if (!need(io_uring_wait_cqe_timeout(&ring, &cqe, &limit),
		  "completion"))
		goto out;
	n = cqe->res < 0 ? cqe->res : cqe->res / (int)sizeof(r[0]);
	io_uring_cqe_seen(&ring, cqe);
	if (!need(n, "the posted read"))
		goto out;
	tell_fault(v, r, n);
	guest_maps(v, 0x9000, 2);
	if (!need(iommu_fault_answer(v->queue, r[0].cookie,
				     IOMMUFD_PAGE_RESP_SUCCESS), "answer"))
		goto out;
	pthread_join(d.thread, NULL);
	check(!d.rc && d.dma.status == MOCK_DMA_OK &&
	      same_bytes(data, frame(v, 2), PAGE),
	      "the device got all %llu bytes of the guest's page, equal",
	      d.dma.done);
	n = uring_workers();
	check(n == 0, "io_uring worker threads that were needed: %d", n);
out:
	io_uring_queue_exit(&ring);
}

static void answer_invalid(struct vmm *v)
{
	static char data[PAGE];
	struct iommu_hwpt_pgfault r[16];
	struct device_dma d;
	int n;

	step("A fault answered \"invalid\"");
	memset(data, 0x5a, sizeof(data));
	if (!need(device_start(v, &d, true, 0x20000, data, sizeof(data)),
		  "thread"))
		return;
	n = iommu_fault_read(v->queue, r, 16);
	if (!need(n, "read of the fault queue"))
		return;
	tell_fault(v, r, n);
	if (!need(iommu_fault_answer(v->queue, r[0].cookie,
				     IOMMUFD_PAGE_RESP_INVALID), "answer"))
		return;
	pthread_join(d.thread, NULL);
	check(!d.rc && d.dma.status == MOCK_DMA_FAULTED && !d.dma.done,
	      "the device's access %s, %llu bytes moved",
	      status_text(d.dma.status), d.dma.done);
	check(iommu_fault_answer(v->queue, r[0].cookie,
				 IOMMUFD_PAGE_RESP_SUCCESS) == -EINVAL,
	      "a second answer with the same cookie is refused");
}

static void ledger(struct vmm *v)
{
	struct fdinfo info;
	__u64 success = 0, inval = 0, pending = 1;
	struct mock_ledger l;

	step("Who counted what");
	if (!need(mock_ledger(v->fd, v->dev.dev, &l), "ledger") ||
	    !need(fdinfo_read(0, v->queue, &info), "fdinfo"))
		return;
	fdinfo_nth(&info, "answered-user", 1, &success);
	fdinfo_nth(&info, "answered-user", 2, &inval);
	fdinfo_nth(&info, "pending", 1, &pending);
	tell("device:  %llu groups sent, answers: %llu success, %llu invalid; %llu missing",
	     l.reported, l.success, l.invalid, mock_unanswered(&l));
	tell("kernel:  answers: %llu success, %llu invalid; %llu pending",
	     success, inval, pending);
	tell("program: 4 groups, %lu page requests, answers: 3 success, 1 invalid",
	     v->faults);
	check(l.reported == 4 && l.success == 3 && l.invalid == 1 &&
	      success == 3 && inval == 1 && !pending &&
	      l.requests == v->faults && !mock_unanswered(&l),
	      "device, kernel and program agree; nothing is lost, nothing is answered twice");
}

/* --- a process that is killed --- */

/* Pages held for devices anywhere in the system */
static long long pinned(void)
{
	long long acquired = 0, released = 0, value;
	char key[64];
	FILE *f;
	int fd;

	/* Else what each CPU still has to itself is missing. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		perror("/proc/sys/vm/stat_refresh");
	if (fd >= 0)
		close(fd);
	f = fopen("/proc/vmstat", "re");
	if (!f)
		return -1;
	while (fscanf(f, "%63s %lld", key, &value) == 2) {
		if (!strcmp(key, "nr_foll_pin_acquired"))
			acquired = value;
		else if (!strcmp(key, "nr_foll_pin_released"))
			released = value;
	}
	fclose(f);
	return acquired - released;
}

static int mock_devices(void)
{
	DIR *dir = opendir("/sys/bus/iommufd_mock/devices");
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

struct victim {
	struct mock_dma dma[2];
	int queue;
	int rc;
};

/*
 * Two DMAs, two faults: one read and not answered, one not even read. Then
 * waits to be killed.
 */
static void victim(struct vmm *v, int tell_fd)
{
	static char data[2][PAGE];
	struct iommu_hwpt_pgfault r;
	struct victim out = { 0 };
	int i;

	out.rc = vmm_table(v);
	out.queue = v->queue;
	for (i = 0; i < 2 && !out.rc; i++) {
		struct pollfd p = { .fd = v->queue, .events = POLLIN };

		out.dma[i].dev = v->dev.dev;
		out.dma[i].flags = MOCK_DMA_ASYNC | MOCK_DMA_WRITE;
		out.dma[i].iova = 0x30000 + (unsigned int)i * PAGE;
		out.dma[i].data = data[i];
		out.dma[i].length = PAGE;
		out.rc = mock_dma(v->fd, &out.dma[i]);
		if (!out.rc && poll(&p, 1, WAIT_MS) != 1)
			out.rc = -ETIMEDOUT;
		if (!out.rc && i == 0 && iommu_fault_read(v->queue, &r, 1) != 1)
			out.rc = -EIO;
	}
	if (write(tell_fd, &out, sizeof(out)) != sizeof(out))
		_exit(1);
	for (;;)
		pause();
}

/* Starts the victim and waits until its faults are there. */
static pid_t start_victim(struct vmm *v, bool all, struct victim *out)
{
	int p[2];
	pid_t pid;

	if (pipe(p))
		return -errno;
	pid = fork();
	if (!pid) {
		close(p[0]);
		if (all && vmm_memory(v))
			_exit(1);
		victim(v, p[1]);
	}
	close(p[1]);
	if (pid > 0 && read(p[0], out, sizeof(*out)) != sizeof(*out))
		out->rc = -EPIPE;
	close(p[0]);
	return pid;
}

static void killed_holding_the_queue(struct vmm *v)
{
	__u64 pending = 0;
	struct victim out;
	struct fdinfo info;
	struct mock_ledger l;
	double start;
	pid_t pid;
	int i;

	step("The process that holds the fault queue is killed");
	pid = start_victim(v, false, &out);
	if (!need(pid < 0 ? pid : out.rc, "the second process"))
		return;
	if (!need(fdinfo_read(pid, out.queue, &info), "fdinfo"))
		return;
	fdinfo_nth(&info, "pending", 1, &pending);
	check(pending == 2,
	      "process %d has a fault it read and did not answer, and one it did not read: %llu pending",
	      pid, pending);
	start = seconds();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < 2; i++) {
		if (!need(mock_dma_wait(v->fd, &out.dma[i], WAIT_MS),
			  "the device's DMA"))
			return;
		check(out.dma[i].status == MOCK_DMA_FAULTED,
		      "kill -9; the device's access %d %s after %.1f ms, %llu bytes moved",
		      i + 1, status_text(out.dma[i].status),
		      (seconds() - start) * 1e3, out.dma[i].done);
	}
	if (!need(mock_ledger(v->fd, v->dev.dev, &l), "ledger"))
		return;
	check(!mock_unanswered(&l) && l.invalid == 3,
	      "the device waits for %llu answers; %llu were \"invalid\"",
	      mock_unanswered(&l), l.invalid);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

#define TRACING "/sys/kernel/tracing/instances/iommufd-demo"

/* Drain events in the trace; -1: it cannot be read. */
static int drain_events(void)
{
	FILE *f = fopen(TRACING "/trace", "re");
	char line[512];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, " iopf_drain: ") && strstr(line, "invalid");
	fclose(f);
	return n;
}

static void killed_holding_everything(void)
{
	long long pins = pinned();
	int devices = mock_devices();
	struct vmm v = { 0 };
	struct victim out;
	bool tracing;
	double start;
	pid_t pid;
	int i;

	step("A process that holds all of it, device and memory too, is killed");
	rmdir(TRACING);
	tracing = !mkdir(TRACING, 0700) &&
		  write_file(TRACING "/events/iommufd/iopf_drain/enable", "1");
	pid = start_victim(&v, true, &out);
	if (!need(pid < 0 ? pid : out.rc, "the second process"))
		return;
	tell("process %d: %d device, %lld pinned pages, 2 faults without an answer",
	     pid, mock_devices() - devices, pinned() - pins);
	start = seconds();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The last reference may go a moment after the process. */
	for (i = 0; i < 500 && mock_devices() != devices; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	check(mock_devices() == devices && pinned() == pins,
	      "kill -9; %.1f ms later %d of its devices and %lld of its pinned pages are left",
	      (seconds() - start) * 1e3, mock_devices() - devices,
	      pinned() - pins);
	if (tracing) {
		i = drain_events();
		check(i == 2,
		      "the kernel's trace shows %d answers \"invalid\" given on its behalf",
		      i);
		write_file(TRACING "/events/iommufd/iopf_drain/enable", "0");
	} else {
		check(false, "the tracepoint iopf_drain cannot be read");
	}
	rmdir(TRACING);
}

void demo_mock(void)
{
	struct vmm v = { 0 };
	int rc;

	part("Part 2: a device's page faults, answered by a program");
	tell("The IOMMU and the device are now a mock in the kernel, for QEMU's units have no");
	tell("page requests. The VT-d and SMMUv3 drivers deliver theirs by the same way;");
	tell("make check has them do it, on models of the hardware.");
	step("A program in the shape of a virtual machine monitor");
	rc = vmm_memory(&v);
	if (rc == -ENOTTY) {
		need(rc, "this kernel has no mock IOMMU");
		return;
	}
	if (!need(rc, "guest memory") ||
	    !need(vmm_table(&v), "nested table with a fault queue"))
		return;
	tell("guest memory: %llu pages at %#llx of nest parent %u", GUEST_PAGES,
	     GUEST_AT, v.parent);
	tell("nested table %u, two levels at %#llx, of this program; fault queue %u of depth %u",
	     v.nested, TABLE_TOP, v.queue_id, DEPTH);
	blocking_read(&v);
	uring_read(&v);
	answer_invalid(&v);
	ledger(&v);
	close(v.queue);
	killed_holding_the_queue(&v);
	close(v.fd);
	munmap(v.guest, GUEST_PAGES * PAGE);
	killed_holding_everything();
}
