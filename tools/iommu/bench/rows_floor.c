// SPDX-License-Identifier: GPL-2.0
/*
 * What nothing here can be less than: a system call, waking through an eventfd, and
 * for memory the pins, which the kernel's own test interface takes and drops without
 * anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

/* mm/gup_test.h is not exported. */
struct gup_test {
	__u64 get_delta_usec;
	__u64 put_delta_usec;
	__u64 addr;
	__u64 size;
	__u32 nr_pages_per_call;
	__u32 gup_flags;
	__u32 test_flags;
	__u32 which_pages[8];
};

#define PIN_FAST_BENCHMARK	_IOWR('g', 2, struct gup_test)
#define FOLL_WRITE		(1 << 0)
#define FOLL_LONGTERM		(1 << 8)
#define GUP_TEST		"/sys/kernel/debug/gup_test"

static void calls(void)
{
	unsigned int loops = 1000, i;
	int fd = eventfd(0, EFD_CLOEXEC);
	__u64 costs[1000], value = 1;

	must(fd < 0 ? -errno : 0, "eventfd");
	for (i = 0; i < loops; i++) {
		__u64 start = now();

		syscall(SYS_getppid);
		costs[i] = now() - start;
	}
	row("floor.syscall", (double)median(costs, loops));
	for (i = 0; i < loops; i++) {
		__u64 start = now();

		if (write(fd, &value, 8) != 8 || read(fd, &value, 8) != 8)
			must(-EIO, "eventfd");
		costs[i] = now() - start;
	}
	row("floor.eventfd", (double)median(costs, loops));
	close(fd);
}

/*
 * By batches of as many pages as the kernel has room for at once in iommufd. It tells
 * microseconds, each 1000 instructions: several rounds of the same memory are as exact
 * as one of more memory, which would take longer to make than to pin.
 */
static void pins(enum memory_kind kind)
{
	const size_t length = 128 * MIB;
	int rounds = bench.quick ? 1 : 4, fd, rc, i;
	double pages = (double)(length / PAGE) * rounds;
	__u64 get = 0, put = 0;
	char name[64];
	struct memory m;

	snprintf(name, sizeof(name), "floor.pin.%s", memory_name(kind));
	fd = open(GUP_TEST, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		row_none(name, "the kernel has no gup_test");
		return;
	}
	must(memory_get(kind, length, &m), "memory");
	/* The first one does not count. */
	for (i = 0; i <= rounds; i++) {
		struct gup_test test = {
			.addr = (uintptr_t)m.va,
			.size = length,
			.nr_pages_per_call = 8192,
			.gup_flags = FOLL_WRITE | FOLL_LONGTERM,
		};

		rc = ioctl(fd, PIN_FAST_BENCHMARK, &test);
		must(rc ? -errno : 0, "pins");
		get += i ? test.get_delta_usec : 0;
		put += i ? test.put_delta_usec : 0;
	}
	row(name, (double)get * 1000 / pages);
	snprintf(name, sizeof(name), "floor.unpin.%s", memory_name(kind));
	row(name, (double)put * 1000 / pages);
	memory_put(&m);
	close(fd);
}

void rows_floor(void)
{
	enum memory_kind kind;

	calls();
	for (kind = 0; kind < MEMORY_KINDS; kind++)
		pins(kind);
}
