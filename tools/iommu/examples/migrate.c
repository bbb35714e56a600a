// SPDX-License-Identifier: GPL-2.0
/*
 * migrate - carry memory to another place while a device keeps writing to it
 *
 *	migrate
 *
 * The memory of a "guest" is a memfd that a device of the mock IOMMU
 * (CONFIG_IOMMUFD_TEST) writes to all the time. The program copies all of it, then again
 * and again what has been written meanwhile, until that is little; it stops the device,
 * copies the rest, and compares. Exit status 0 means that the copy equals the source.
 *
 * The program is the example of Documentation/userspace-api/iommufd/migration.rst.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/iommufd.h>

#include "../../../drivers/iommu/iommufd/iommufd_test.h"

/* Where the guest's memory is for its devices */
#define GUEST_BASE	0x1000000ULL
#define GUEST_SIZE	(8UL << 20)
#define PAGE		4096UL
#define PAGES		(GUEST_SIZE / PAGE)
/* Copying goes on until so few pages are left, or for so many rounds. */
#define FEW_PAGES	64
#define MOST_ROUNDS	20

static int iommufd;
static __u32 ioas_id;
static __u32 dev_id;
static __u32 hwpt_id;
static char *source;
static char *target;
static __u64 dirty[PAGES / 64];

static void die(const char *what)
{
	fprintf(stderr, "migrate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void command(unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(iommufd, cmd, arg))
		die(what);
}

/* --- what a VMM does before it migrates --- */

/* The guest's memory, for the VMM and for the devices. */
static void make_memory(void)
{
	int file = memfd_create("guest", MFD_CLOEXEC);
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.fd = file,
		.length = GUEST_SIZE,
		.iova = GUEST_BASE,
	};

	if (file < 0 || ftruncate(file, GUEST_SIZE))
		die("a memfd");
	source = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	target = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (source == MAP_FAILED || target == MAP_FAILED)
		die("memory");
	command(IOMMU_IOAS_MAP_FILE, &map, "mapping the memfd");
	close(file);
}

/*
 * Whether a device's writes can be tracked has to be asked for when its page table is
 * made. EOPNOTSUPP: they cannot, and the guest's memory has to be taken as written as
 * long as the device is there.
 */
static void make_table(void)
{
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = dev_id,
		.pt_id = ioas_id,
	};

	command(IOMMU_HWPT_ALLOC, &hwpt, "a page table with dirty tracking");
	hwpt_id = hwpt.out_hwpt_id;
}

/* --- migrating --- */

/* From here on, what devices write is recorded; what they wrote before is not. */
static void track(bool on)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt_id,
	};

	command(IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd, "dirty tracking");
}

/*
 * Add what was recorded to the bitmap, and start a new record. Bits are only ever set:
 * another HWPT's record, or that of the guest's CPUs, can go into the same bitmap.
 *
 * If it fails with EIO or EFAULT, marks may be lost: then every page is to be copied. So
 * they may with EINVAL if another thread unmaps something of the range: here none does.
 */
static void read_record(bool last)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt_id,
		/* Nobody is going to write any more: there is nothing to start */
		.flags = last ? IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0,
		.iova = GUEST_BASE,
		.length = GUEST_SIZE,
		.page_size = PAGE,
		.data = (uintptr_t)dirty,
	};

	if (!ioctl(iommufd, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd))
		return;
	if (errno != EIO && errno != EFAULT)
		die("reading the record");
	memset(dirty, 0xff, sizeof(dirty));
}

/*
 * Copy the pages of the bitmap, and empty it. This comes after the record was read: what
 * is written during the copy is in the next record.
 */
static unsigned long copy_pages(void)
{
	unsigned long page, copied = 0;

	for (page = 0; page < PAGES; page++) {
		if (!(dirty[page / 64] >> page % 64 & 1))
			continue;
		memcpy(target + page * PAGE, source + page * PAGE, PAGE);
		copied++;
	}
	memset(dirty, 0, sizeof(dirty));
	return copied;
}

static void stop_device(void);

static void migrate(void)
{
	unsigned long copied, round = 0;

	track(true);
	/* Everything, once */
	memset(dirty, 0xff, sizeof(dirty));
	do {
		copied = copy_pages();
		printf("round %2lu: %4lu pages\n", round, copied);
		read_record(false);
	} while (copied > FEW_PAGES && round++ < MOST_ROUNDS);

	/* Switch-over: first the device stands still, then comes the last look. */
	stop_device();
	read_record(true);
	printf("switch-over: %lu pages\n", copy_pages());
	track(false);
}

/* --- a device of the mock, in the place of a guest's --- */

static pthread_t device_thread;
static atomic_bool stop;
static atomic_ulong writes;

static void test_command(struct iommu_test_cmd *cmd, const char *what)
{
	cmd->size = sizeof(*cmd);
	command(IOMMU_TEST_CMD, cmd, what);
}

static void make_device(__u32 *stdev_id)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_MOCK_DOMAIN };

	command(IOMMU_IOAS_ALLOC, &ioas, "an address space");
	ioas_id = ioas.out_ioas_id;
	cmd.id = ioas_id;
	test_command(&cmd, "a mock device");
	*stdev_id = cmd.mock_domain.out_stdev_id;
	dev_id = cmd.mock_domain.out_idev_id;
}

static void attach(__u32 stdev_id)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = stdev_id,
		.mock_domain_replace.pt_id = hwpt_id,
	};

	test_command(&cmd, "attaching the device");
}

/* Mostly to a small part of the memory, which is another one from time to time */
static void *device_writes(void *arg)
{
	unsigned int seed = 1;
	__u64 hot = 0, n;

	(void)arg;
	for (n = 1; !stop; n++) {
		struct iommu_test_cmd cmd = {
			.op = IOMMU_TEST_OP_DMA,
			.dma = {
				.dev_id = dev_id,
				.flags = MOCK_DMA_WRITE,
				.uptr = (uintptr_t)&n,
				.length = sizeof(n),
			},
		};
		struct timespec pause = { .tv_nsec = 20000 };

		if (n % 512 == 1)
			hot = (__u64)rand_r(&seed) % (PAGES - 32);
		cmd.dma.iova = GUEST_BASE +
			       (hot + (__u64)rand_r(&seed) % 32) * PAGE +
			       (__u64)rand_r(&seed) % (PAGE / 8) * 8;
		test_command(&cmd, "DMA");
		if (cmd.dma.out_status != MOCK_DMA_OK)
			die("DMA did not succeed");
		writes++;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* No DMA is on its way any more when this returns. */
static void stop_device(void)
{
	stop = true;
	pthread_join(device_thread, NULL);
}

int main(void)
{
	__u32 stdev_id;

	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommufd < 0)
		die("/dev/iommu");
	make_device(&stdev_id);
	make_memory();
	make_table();
	attach(stdev_id);
	if (pthread_create(&device_thread, NULL, device_writes, NULL))
		die("a thread");
	while (writes < 100)
		usleep(1000);
	migrate();

	if (memcmp(source, target, GUEST_SIZE)) {
		fprintf(stderr, "migrate: the copy is not what the source is\n");
		return 1;
	}
	printf("%lu writes by the device, and the copy equals the source\n",
	       (unsigned long)writes);
	return 0;
}
