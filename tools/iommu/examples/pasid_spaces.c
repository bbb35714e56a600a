// SPDX-License-Identifier: GPL-2.0
/*
 * pasid_spaces - a device with an address space for each of its PASIDs
 *
 *	pasid_spaces
 *
 * Three "processes" each have memory of their own, all at one address, and a PASID. A
 * device of the mock IOMMU (CONFIG_IOMMUFD_TEST) writes a process's name there with
 * each PASID, once the page was asked for. The same is done with two mediated devices,
 * which share a requester id and call their PASIDs by the same numbers. Then a PASID
 * moves, and another one goes. Exit status 0 means that every byte arrived where it
 * belongs.
 *
 * The program is the example of Documentation/userspace-api/iommufd/pasid.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/iommufd.h>

#include "../../../drivers/iommu/iommufd/iommufd_test.h"

#define ADDRESS		0x1000000ULL
#define PROCESSES	3
#define DEVICES		3

static int iommufd;
static int queue;
static __u32 queue_id;
static __u64 page_size;

/* A process: memory that a device may reach, once it has asked for it */
struct process {
	const char *name;
	__u32 pasid;
	__u32 ioas_id;
	__u32 hwpt_id;
	char *memory;
};

struct device {
	const char *what;
	__u32 dev_id;
	struct process process[PROCESSES];
};

static void die(const char *what)
{
	fprintf(stderr, "pasid_spaces: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void command(unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(iommufd, cmd, arg))
		die(what);
}

/* --- PASIDs --- */

/* A page table over the process's address space, whose faults come to our queue. */
static void make_table(struct device *d, struct process *p)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_ALLOC_PASID | IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = d->dev_id,
		.fault_id = queue_id,
	};

	command(IOMMU_IOAS_ALLOC, &ioas, "an address space");
	p->ioas_id = ioas.out_ioas_id;
	hwpt.pt_id = p->ioas_id;
	command(IOMMU_HWPT_ALLOC, &hwpt, "a page table");
	p->hwpt_id = hwpt.out_hwpt_id;
}

/* The device's requests with the PASID are translated by the table from here on. */
static void attach(struct device *d, struct process *p)
{
	struct iommu_device_pasid cmd = {
		.size = sizeof(cmd),
		.dev_id = d->dev_id,
		.pasid = p->pasid,
		.pt_id = p->hwpt_id,
	};

	command(IOMMU_DEVICE_PASID_ATTACH, &cmd, "attaching a PASID");
	printf("%s: PASID %u of %s is %u on the wire\n", d->what, p->pasid,
	       p->name, cmd.out_pasid);
}

/* At no moment is the PASID attached to nothing. */
static void move(struct device *d, const struct process *p,
		 const struct process *to)
{
	struct iommu_device_pasid cmd = {
		.size = sizeof(cmd),
		.dev_id = d->dev_id,
		.pasid = p->pasid,
		.pt_id = to->hwpt_id,
	};

	command(IOMMU_DEVICE_PASID_REPLACE, &cmd, "moving a PASID");
}

static void detach(struct device *d, const struct process *p)
{
	struct iommu_device_pasid_detach cmd = {
		.size = sizeof(cmd),
		.dev_id = d->dev_id,
		.pasid = p->pasid,
	};

	command(IOMMU_DEVICE_PASID_DETACH, &cmd, "detaching a PASID");
}

/* --- faults --- */

/* A record names the device, and the PASID as it was named when it was attached. */
static struct process *who(struct device *devices,
			   const struct iommu_hwpt_pgfault *fault)
{
	int i, j;

	if (!(fault->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID))
		return NULL;
	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PROCESSES; j++)
			if (devices[i].dev_id == fault->dev_id &&
			    devices[i].process[j].pasid == fault->pasid)
				return &devices[i].process[j];
	return NULL;
}

/* The next fault: give the process its page, and let the device try again. */
static void serve(struct device *devices)
{
	struct iommu_hwpt_page_response answer = {
		.code = IOMMUFD_PAGE_RESP_INVALID,
	};
	struct iommu_hwpt_pgfault fault;
	struct process *p;

	if (read(queue, &fault, sizeof(fault)) != sizeof(fault))
		die("reading a fault");
	p = who(devices, &fault);
	if (p) {
		struct iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = IOMMU_IOAS_MAP_FIXED_IOVA |
				 IOMMU_IOAS_MAP_READABLE |
				 IOMMU_IOAS_MAP_WRITEABLE,
			.ioas_id = p->ioas_id,
			.user_va = (uintptr_t)p->memory,
			.length = page_size,
			.iova = fault.addr & ~(page_size - 1),
		};

		command(IOMMU_IOAS_MAP, &map, "mapping a page");
		answer.code = IOMMUFD_PAGE_RESP_SUCCESS;
	}
	answer.cookie = fault.cookie;
	if (write(queue, &answer, sizeof(answer)) != sizeof(answer))
		die("answering a fault");
}

/* --- devices of the mock, in the place of a device's own registers --- */

static void test_command(struct iommu_test_cmd *cmd, const char *what)
{
	cmd->size = sizeof(*cmd);
	command(IOMMU_TEST_CMD, cmd, what);
}

/* One that we have as a whole, two that are parts of another one */
static void make_devices(struct device *devices)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_test_cmd whole = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.mock_domain_flags.dev_flags = MOCK_FLAGS_DEVICE_PASID,
	};
	struct iommu_test_cmd parent = {
		.op = IOMMU_TEST_OP_PARENT,
		.parent = {
			.dev_flags = MOCK_FLAGS_DEVICE_PASID,
			.first = 500,
			.last = 599,
			.quota = 2 * PROCESSES,
		},
	};
	int i;

	command(IOMMU_IOAS_ALLOC, &ioas, "an address space");
	whole.id = ioas.out_ioas_id;
	test_command(&whole, "a mock device");
	devices[0].what = "whole device";
	devices[0].dev_id = whole.mock_domain_flags.out_idev_id;

	test_command(&parent, "a mock device with parts");
	for (i = 1; i < DEVICES; i++) {
		struct iommu_test_cmd part = {
			.op = IOMMU_TEST_OP_MEDIATED,
			.mediated.parent = parent.parent.out_parent,
		};

		test_command(&part, "a mediated device");
		devices[i].what = i == 1 ? "mediated device 1" :
					   "mediated device 2";
		devices[i].dev_id = part.mediated.out_idev_id;
	}
}

static __u32 start_dma(struct device *d, const struct process *p, bool write,
		       char *data, struct iommu_test_cmd *cmd)
{
	*cmd = (struct iommu_test_cmd){
		.op = IOMMU_TEST_OP_DMA,
		.dma = {
			.dev_id = d->dev_id,
			.pasid = p->pasid,
			.flags = MOCK_DMA_PASID_VALID | MOCK_DMA_ASYNC |
				 (write ? MOCK_DMA_WRITE : 0),
			.iova = ADDRESS,
			.uptr = (uintptr_t)data,
			.length = strlen(p->name) + 1,
		},
	};
	test_command(cmd, "DMA");
	return cmd->dma.out_status;
}

static __u32 end_dma(struct iommu_test_cmd *cmd)
{
	if (cmd->dma.out_status == MOCK_DMA_PENDING) {
		cmd->op = IOMMU_TEST_OP_DMA_WAIT;
		cmd->dma.flags = 0;
		test_command(cmd, "waiting for DMA");
	}
	return cmd->dma.out_status;
}

/* --- what the example shows --- */

static bool wrong(const char *what, const struct device *d,
		  const struct process *p)
{
	fprintf(stderr, "pasid_spaces: %s: %s of %s\n", what, p->name,
		d->what);
	return true;
}

/* All write at once, into memory that is not there yet. */
static bool write_names(struct device *devices)
{
	static struct iommu_test_cmd dma[DEVICES][PROCESSES];
	bool bad = false;
	int i, j;

	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PROCESSES; j++)
			start_dma(&devices[i], &devices[i].process[j], true,
				  (char *)devices[i].process[j].name,
				  &dma[i][j]);
	for (i = 0; i < DEVICES * PROCESSES; i++)
		serve(devices);
	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PROCESSES; j++) {
			struct process *p = &devices[i].process[j];

			if (end_dma(&dma[i][j]) != MOCK_DMA_OK)
				bad |= wrong("the DMA failed", &devices[i], p);
			else if (strcmp(p->memory, p->name))
				bad |= wrong("not arrived", &devices[i], p);
		}
	return bad;
}

static bool move_and_detach(struct device *d)
{
	struct process *a = &d->process[0], *b = &d->process[1];
	struct iommu_test_cmd dma;
	char seen[32] = "";
	bool bad = false;

	move(d, a, b);
	start_dma(d, a, false, seen, &dma);
	if (end_dma(&dma) != MOCK_DMA_OK ||
	    strncmp(seen, b->name, strlen(a->name) + 1 < strlen(b->name) ?
					   strlen(a->name) + 1 :
					   strlen(b->name)))
		bad |= wrong("not moved", d, a);
	detach(d, b);
	start_dma(d, b, false, seen, &dma);
	if (end_dma(&dma) != MOCK_DMA_BLOCKED)
		bad |= wrong("not detached", d, b);
	return bad;
}

int main(void)
{
	static const char *const names[] = { "alice", "bob", "carol" };
	struct iommu_fault_alloc fault = {
		.size = sizeof(fault),
		.policy = IOMMU_FAULT_POLICY_BLOCKING,
	};
	static struct device devices[DEVICES];
	bool bad;
	int i, j;

	page_size = (__u64)sysconf(_SC_PAGESIZE);
	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommufd < 0)
		die("/dev/iommu");
	command(IOMMU_FAULT_QUEUE_ALLOC, &fault, "a fault queue");
	queue = (int)fault.out_fault_fd;
	queue_id = fault.out_fault_id;
	make_devices(devices);

	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PROCESSES; j++) {
			struct process *p = &devices[i].process[j];

			p->name = names[j];
			p->pasid = 1 + (__u32)j;
			p->memory = mmap(NULL, page_size,
					 PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p->memory == MAP_FAILED)
				die("memory");
			make_table(&devices[i], p);
			attach(&devices[i], p);
		}

	bad = write_names(devices);
	for (i = 0; i < DEVICES; i++)
		bad |= move_and_detach(&devices[i]);
	if (!bad)
		printf("%d devices, %d address spaces: every byte where it belongs\n",
		       DEVICES, DEVICES * PROCESSES);
	return bad;
}
