// SPDX-License-Identifier: GPL-2.0
/*
 * fault_loop - memory that is mapped for a device when the device asks for it
 *
 *	fault_loop [--uring] [/dev/vfio/devices/vfioN]
 *
 * The device may touch WINDOW_BYTES from WINDOW_IOVA on. Nothing of it is mapped
 * at the start: each page is when the device's first access to it faults. An
 * access to any other address is told that it is invalid.
 *
 * With a VFIO device the program sets it up, answers its faults, and leaves it to
 * you to make it do something. Without one it makes a device of the mock IOMMU
 * (CONFIG_IOMMUFD_TEST), lets it write a pattern through the whole window, and
 * compares: exit status 0 means that every byte arrived.
 *
 * The program is the example of Documentation/userspace-api/iommufd/faults.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef WITH_URING
#include <liburing.h>
#endif
#include <linux/iommufd.h>

#include "../../../drivers/iommu/iommufd/iommufd_test.h"
#include "../lib/vfio_uapi.h"

#define WINDOW_IOVA	0x1000000ULL
#define WINDOW_BYTES	(64 * 4096ULL)
#define DEPTH		256

static int iommufd;
static __u32 ioas_id;
static unsigned char *window;
static __u64 page_size;
static unsigned long mapped, refused;

static void die(const char *what)
{
	fprintf(stderr, "fault_loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void command(unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(iommufd, cmd, arg))
		die(what);
}

/* --- the fault loop --- */

/* Make one page appear. EEXIST: the device asked for it twice. */
static bool fix(const struct iommu_hwpt_pgfault *fault)
{
	__u64 page = fault->addr & ~(page_size - 1);
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.length = page_size,
		.iova = page,
	};

	if (page < WINDOW_IOVA || page - WINDOW_IOVA >= WINDOW_BYTES)
		return false;
	map.user_va = (uintptr_t)window + (page - WINDOW_IOVA);
	if (!ioctl(iommufd, IOMMU_IOAS_MAP, &map)) {
		mapped++;
		return true;
	}
	return errno == EEXIST;
}

/* One answer for each group; a read never ends in the middle of one. */
static unsigned int handle(const struct iommu_hwpt_pgfault *faults,
			   unsigned int num,
			   struct iommu_hwpt_page_response *answers)
{
	unsigned int i, groups = 0;
	bool ok = true;

	for (i = 0; i < num; i++) {
		ok &= fix(&faults[i]);
		if (!(faults[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
			continue;
		answers[groups].cookie = faults[i].cookie;
		answers[groups].code = ok ? IOMMUFD_PAGE_RESP_SUCCESS :
					    IOMMUFD_PAGE_RESP_INVALID;
		refused += !ok;
		groups++;
		ok = true;
	}
	return groups;
}

/* A group whose device went away meanwhile was answered by the kernel: EINVAL. */
static void answer(int fd, const struct iommu_hwpt_page_response *answers,
		   unsigned int num)
{
	while (num) {
		ssize_t done = write(fd, answers, num * sizeof(*answers));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno != EINVAL)
			die("answering");
		done = done < 0 ? 1 : done / (ssize_t)sizeof(*answers);
		answers += done;
		num -= done;
	}
}

static void serve(int fd)
{
	static struct iommu_hwpt_pgfault faults[DEPTH];
	static struct iommu_hwpt_page_response answers[DEPTH];

	for (;;) {
		ssize_t got = read(fd, faults, sizeof(faults));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			die("reading faults");
		answer(fd, answers,
		       handle(faults, got / sizeof(faults[0]), answers));
	}
}

/* --- the same with io_uring: one system call for answers and the next read --- */

#ifdef WITH_URING
/* A signal (a stop, a debugger) ends a wait, and not what is waited for. */
static struct io_uring_cqe *completion(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	do {
		errno = -io_uring_wait_cqe(ring, &cqe);
	} while (errno == EINTR);
	if (errno)
		die("io_uring");
	return cqe;
}

static void serve_uring(int fd)
{
	static struct iommu_hwpt_pgfault faults[DEPTH];
	static struct iommu_hwpt_page_response answers[DEPTH];
	unsigned int num = 0;
	struct io_uring ring;

	errno = -io_uring_queue_init(4, &ring, 0);
	if (errno)
		die("io_uring");

	for (;;) {
		unsigned int left = num ? 2 : 1;
		struct io_uring_cqe *cqe;
		struct io_uring_sqe *sqe;
		int got = 0, put = num * sizeof(answers[0]);

		if (num) {
			sqe = io_uring_get_sqe(&ring);
			io_uring_prep_write(sqe, fd, answers, put, 0);
			io_uring_sqe_set_data64(sqe, 1);
			sqe->flags |= IOSQE_IO_LINK;
		}
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, fd, faults, sizeof(faults), 0);
		io_uring_sqe_set_data64(sqe, 0);
		/* Fails only with nothing submitted; a signal is no failure. */
		errno = -io_uring_submit_and_wait(&ring, left);
		if (errno > 0)
			die("io_uring");

		for (; left; left--) {
			cqe = completion(&ring);
			if (cqe->user_data)
				put = cqe->res;
			else
				got = cqe->res;
			io_uring_cqe_seen(&ring, cqe);
		}
		/* A write that stopped early cancels the read linked to it. */
		if (got == -ECANCELED) {
			put = put < 0 ? 0 : put / (int)sizeof(answers[0]);
			answer(fd, answers + put, num - put);
			num = 0;
			continue;
		}
		errno = -got;
		if (got <= 0)
			die("reading faults");
		num = handle(faults, got / sizeof(faults[0]), answers);
	}
}
#endif

static void *server(void *arg)
{
	int *fd = arg;

#ifdef WITH_URING
	if (fd[1])
		serve_uring(fd[0]);
#endif
	serve(fd[0]);
	return NULL;
}

/* --- setting up --- */

/* A fault queue, and an I/O page table whose faults go there. */
static __u32 make_table(__u32 dev_id, int *fault_fd)
{
	struct iommu_fault_alloc queue = {
		.size = sizeof(queue),
		.depth = DEPTH,
		.policy = IOMMU_FAULT_POLICY_BLOCKING,
	};
	struct iommu_hwpt_alloc table = {
		.size = sizeof(table),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev_id,
		.pt_id = ioas_id,
	};

	command(IOMMU_FAULT_QUEUE_ALLOC, &queue, "making a fault queue");
	table.fault_id = queue.out_fault_id;
	command(IOMMU_HWPT_ALLOC, &table, "making a page table");
	*fault_fd = queue.out_fault_fd;
	return table.out_hwpt_id;
}

static void setup_vfio(const char *path, int *fault_fd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	int device = open(path, O_RDWR);

	if (device < 0 || ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die(path);
	attach.pt_id = make_table(bind.out_devid, fault_fd);
	if (ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		die("attaching");
}

static __u32 setup_mock(int *fault_fd)
{
	struct iommu_test_cmd make = {
		.size = sizeof(make),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN,
		.id = ioas_id,
	};
	struct iommu_test_cmd attach = {
		.size = sizeof(attach),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
	};

	command(IOMMU_TEST_CMD, &make, "making a mock device");
	attach.id = make.mock_domain.out_stdev_id;
	attach.mock_domain_replace.pt_id =
		make_table(make.mock_domain.out_idev_id, fault_fd);
	command(IOMMU_TEST_CMD, &attach, "attaching");
	return make.mock_domain.out_idev_id;
}

/* The device fills the window, and then tries one address behind it. */
static bool drive_mock(__u32 dev_id)
{
	struct iommu_test_cmd dma = {
		.size = sizeof(dma),
		.op = IOMMU_TEST_OP_DMA,
		.dma = {
			.dev_id = dev_id,
			.flags = MOCK_DMA_WRITE,
			.iova = WINDOW_IOVA,
			.length = WINDOW_BYTES,
		},
	};
	unsigned char *pattern = malloc(WINDOW_BYTES);
	bool same;
	size_t i;

	if (!pattern)
		die("memory");
	for (i = 0; i < WINDOW_BYTES; i++)
		pattern[i] = i * 7 + i / 4096;
	dma.dma.uptr = (uintptr_t)pattern;
	command(IOMMU_TEST_CMD, &dma, "DMA");
	same = dma.dma.out_status == MOCK_DMA_OK &&
	       !memcmp(pattern, window, WINDOW_BYTES);
	printf("DMA of %llu bytes: %llu moved, %u page requests, memory %s\n",
	       WINDOW_BYTES, (unsigned long long)dma.dma.out_done,
	       dma.dma.out_faults, same ? "as expected" : "WRONG");

	dma.dma.iova = WINDOW_IOVA + WINDOW_BYTES;
	dma.dma.length = 1;
	command(IOMMU_TEST_CMD, &dma, "DMA");
	printf("DMA behind the window: %s\n",
	       dma.dma.out_status == MOCK_DMA_FAULTED ? "refused" : "NOT refused");
	free(pattern);
	return same && dma.dma.out_status == MOCK_DMA_FAULTED;
}

int main(int argc, char **argv)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	const char *path = NULL;
	__u32 dev_id = 0;
	int fd[2] = { -1, 0 };
	pthread_t thread;
	bool good;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--uring"))
			fd[1] = 1;
		else
			path = argv[i];
	}
#ifndef WITH_URING
	if (fd[1]) {
		fprintf(stderr, "fault_loop: built without io_uring\n");
		return 1;
	}
#endif

	page_size = sysconf(_SC_PAGESIZE);
	window = mmap(NULL, WINDOW_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (window == MAP_FAILED)
		die("memory");

	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommufd < 0)
		die("/dev/iommu");
	command(IOMMU_IOAS_ALLOC, &ioas, "making an IOAS");
	ioas_id = ioas.out_ioas_id;

	if (path)
		setup_vfio(path, &fd[0]);
	else
		dev_id = setup_mock(&fd[0]);

	errno = pthread_create(&thread, NULL, server, fd);
	if (errno)
		die("thread");
	if (path) {
		printf("%s: answering page faults; make the device do DMA\n", path);
		pthread_join(thread, NULL);
	}
	good = drive_mock(dev_id);
	printf("%lu pages mapped on demand, %lu groups refused\n", mapped, refused);
	return good ? 0 : 1;
}
