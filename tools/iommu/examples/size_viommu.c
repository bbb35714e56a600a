// SPDX-License-Identifier: GPL-2.0
/*
 * size_viommu - the virtual IOMMU that a guest can be given with its devices
 *
 *	size_viommu [/dev/vfio/devices/vfioN...]
 *
 * Asks each device what it and its IOMMU can do, combines the answers, and says
 * how wide the guest's I/O addresses may be, which of them to keep the guest away
 * from, the granule, the PASIDs, and whether the hardware can walk the guest's own
 * tables. Then it attaches all devices to one address space and compares: exit
 * status 0 means that the kernel agrees with every range.
 *
 * Without a device it makes two of the mock IOMMU (CONFIG_IOMMUFD_TEST).
 *
 * The program is the example of Documentation/userspace-api/iommufd/probe.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/iommufd.h>

#include "../../../drivers/iommu/iommufd/iommufd_test.h"
#include "../lib/vfio_uapi.h"

#define MAX_RANGES	64
#define MAX_REGIONS	64
#define MAX_FORMATS	8

/* What all devices so far have in common */
static struct iommu_iova_range ranges[MAX_RANGES];
static unsigned int num_ranges;
static struct iommu_probe_region regions[MAX_REGIONS];
static unsigned int num_regions;
static struct { __u64 type, widths; } formats[MAX_FORMATS];
static unsigned int num_formats;
static __u64 alignment = 1, pasid_bits = 20, capabilities = ~0ULL;

static int iommufd;
static __u32 ioas_id;

static void die(const char *what)
{
	fprintf(stderr, "size_viommu: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void command(unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(iommufd, cmd, arg))
		die(what);
}

static void room(unsigned int num, unsigned int max)
{
	errno = ENOSPC;
	if (num >= max)
		die("more properties than this example has room for");
}

/* --- combining --- */

/* IOMMU_PROBE_COMBINE_INTERSECT */
static void intersect(const struct iommu_iova_range *with, unsigned int num)
{
	struct iommu_iova_range out[MAX_RANGES];
	unsigned int i = 0, k = 0, kept = 0;

	while (i < num_ranges && k < num) {
		__u64 start = ranges[i].start > with[k].start ?
				      ranges[i].start : with[k].start;
		__u64 last = ranges[i].last < with[k].last ? ranges[i].last :
							     with[k].last;

		if (start <= last) {
			room(kept, MAX_RANGES);
			out[kept].start = start;
			out[kept++].last = last;
		}
		if (ranges[i].last < with[k].last)
			i++;
		else
			k++;
	}
	memcpy(ranges, out, kept * sizeof(*out));
	num_ranges = kept;
}

/* IOMMU_PROBE_COMBINE_UNION */
static void add_regions(const struct iommu_probe_region *more, unsigned int num)
{
	unsigned int i, k;

	for (i = 0; i < num; i++) {
		for (k = 0; k < num_regions; k++)
			if (!memcmp(&regions[k], &more[i], sizeof(more[i])))
				break;
		if (k < num_regions)
			continue;
		room(num_regions, MAX_REGIONS);
		regions[num_regions++] = more[i];
	}
}

/* IOMMU_PROBE_COMBINE_COMMON; the first device brings the formats. */
static void common_formats(const __u64 *pairs, unsigned int num, int first)
{
	unsigned int i, k, kept = 0;

	if (first) {
		for (i = 0; i < num; i++) {
			room(i, MAX_FORMATS);
			formats[i].type = pairs[2 * i];
			formats[i].widths = pairs[2 * i + 1];
		}
		num_formats = num;
		return;
	}
	for (i = 0; i < num_formats; i++)
		for (k = 0; k < num; k++) {
			if (formats[i].type != pairs[2 * k])
				continue;
			formats[kept].type = formats[i].type;
			formats[kept++].widths =
				formats[i].widths & pairs[2 * k + 1];
		}
	num_formats = kept;
}

/* One property of one device. What is not known here is skipped. */
static void take(const struct iommu_probe_property *p)
{
	const __u64 *value = (const void *)(p + 1);

	/* Of the kinds of HWPT only the plain one is of interest */
	if (p->hwpt_flags)
		return;
	switch (p->type) {
	case IOMMU_PROBE_IOVA_RANGES:
		intersect((const void *)value,
			  p->length / sizeof(struct iommu_iova_range));
		break;
	case IOMMU_PROBE_RESV_REGIONS:
		add_regions((const void *)value,
			    p->length / sizeof(struct iommu_probe_region));
		break;
	case IOMMU_PROBE_ALIGNMENT:
		if (value[0] > alignment)
			alignment = value[0];
		break;
	case IOMMU_PROBE_PASIDS:
		if (value[0] < pasid_bits)
			pasid_bits = value[0];
		break;
	case IOMMU_PROBE_CAPABILITIES:
		capabilities &= value[0];
		break;
	}
}

/* --- asking --- */

/* The answer, for the caller to free */
static unsigned char *ask(__u32 dev_id, __u32 *len)
{
	struct iommu_device_probe c = { .size = sizeof(c), .dev_id = dev_id };
	unsigned char *data;

	/* Without room the answer is how much it takes */
	if (!ioctl(iommufd, IOMMU_DEVICE_PROBE, &c) || errno != EMSGSIZE)
		die("IOMMU_DEVICE_PROBE");
	data = calloc(1, c.data_len);
	if (!data)
		die("memory");
	c.data_uptr = (uintptr_t)data;
	command(IOMMU_DEVICE_PROBE, &c, "IOMMU_DEVICE_PROBE");
	*len = c.data_len;
	return data;
}

/* 0: its IOMMU driver knows what it can map only when the device is attached. */
static int probe(__u32 dev_id, int first)
{
	const struct iommu_probe_property *p, *nested = NULL;
	unsigned char *data, *at;
	int ranges_known = 0;
	__u32 len;

	data = ask(dev_id, &len);
	for (at = data; at < data + len; at += sizeof(*p) + p->length) {
		p = (const void *)at;
		take(p);
		if (p->type == IOMMU_PROBE_NESTED_FORMATS)
			nested = p;
		if (p->type == IOMMU_PROBE_IOVA_RANGES)
			ranges_known = 1;
	}
	/* A device without the property has no format in common with any */
	common_formats(nested ? (const void *)(nested + 1) : NULL,
		       nested ? nested->length / 16 : 0, first);
	free(data);
	return ranges_known;
}

/* --- telling --- */

static const char *why(__u32 kind)
{
	switch (kind) {
	case IOMMU_PROBE_REGION_DIRECT:
		return "identity-mapped for firmware";
	case IOMMU_PROBE_REGION_DIRECT_RELAXABLE:
		return "firmware's, free once a driver has the device";
	case IOMMU_PROBE_REGION_MSI:
		return "writes are interrupts";
	case IOMMU_PROBE_REGION_SW_MSI:
		return "the host's window for interrupts";
	default:
		return "taken by the device or its bus";
	}
}

static unsigned int bits_of(__u64 last)
{
	return last ? 64 - (unsigned int)__builtin_clzll(last) : 0;
}

static void tell(void)
{
	unsigned int i, b;

	if (!num_ranges) {
		printf("no address can be used by all devices\n");
		return;
	}
	printf("guest address width: %u bits\n",
	       bits_of(ranges[num_ranges - 1].last));
	printf("granule: %llu bytes\n", (unsigned long long)alignment);
	for (i = 0; i < num_ranges; i++)
		printf("usable: 0x%llx-0x%llx\n",
		       (unsigned long long)ranges[i].start,
		       (unsigned long long)ranges[i].last);
	for (i = 0; i < num_regions; i++)
		printf("reserved: 0x%llx-0x%llx, %s\n",
		       (unsigned long long)regions[i].start,
		       (unsigned long long)regions[i].last,
		       why(regions[i].kind));
	printf("PASIDs: %llu bits\n", (unsigned long long)pasid_bits);
	printf("page faults: %s\n",
	       capabilities & IOMMU_PROBE_CAP_FAULT_QUEUE ?
		       "the guest can be asked" : "none reach the guest");
	for (i = 0; i < num_formats; i++) {
		printf("nesting: format %#llx, widths",
		       (unsigned long long)formats[i].type);
		for (b = 0; b < 64; b++)
			if (formats[i].widths >> b & 1)
				printf(" %u", b + 1);
		printf("\n");
	}
	if (!num_formats)
		printf("nesting: none; the guest's mappings have to be shadowed\n");
}

/* --- devices --- */

static __u32 bind_vfio(const char *path, int *fd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0 || ioctl(*fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die(path);
	return bind.out_devid;
}

static void attach_vfio(const char *path, int fd)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = ioas_id,
	};

	if (ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		die(path);
}

/* It is attached from the start. */
static __u32 make_mock(__u32 flags)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = ioas_id,
		.mock_domain_flags = { .dev_flags = flags },
	};

	command(IOMMU_TEST_CMD, &cmd, "no device given, and no mock IOMMU");
	return cmd.mock_domain_flags.out_idev_id;
}

/* Does the kernel say the same, now that all are attached? */
static int compare(void)
{
	struct iommu_iova_range have[MAX_RANGES];
	struct iommu_ioas_iova_ranges c = {
		.size = sizeof(c),
		.ioas_id = ioas_id,
		.num_iovas = MAX_RANGES,
		.allowed_iovas = (uintptr_t)have,
	};

	command(IOMMU_IOAS_IOVA_RANGES, &c, "IOMMU_IOAS_IOVA_RANGES");
	if (c.num_iovas == num_ranges && c.out_iova_alignment == alignment &&
	    !memcmp(have, ranges, num_ranges * sizeof(*ranges))) {
		printf("the kernel's ranges, with all attached, are the same\n");
		return 0;
	}
	printf("the kernel's ranges, with all attached, are others\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	int fds[argc], i;

	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommufd < 0)
		die("/dev/iommu");
	command(IOMMU_IOAS_ALLOC, &ioas, "IOMMU_IOAS_ALLOC");
	ioas_id = ioas.out_ioas_id;

	ranges[0].last = ~0ULL;
	num_ranges = 1;
	if (argc == 1) {
		probe(make_mock(MOCK_FLAGS_DEVICE_PASID), 1);
		probe(make_mock(MOCK_FLAGS_DEVICE_RESERVED), 0);
	}
	for (i = 1; i < argc; i++) {
		__u32 dev_id = bind_vfio(argv[i], &fds[i]);

		if (probe(dev_id, i == 1))
			continue;
		/* What is said twice changes nothing in what is in common */
		attach_vfio(argv[i], fds[i]);
		errno = EOPNOTSUPP;
		if (!probe(dev_id, i == 1))
			die("IOVA_RANGES");
	}
	tell();
	for (i = 1; i < argc; i++)
		attach_vfio(argv[i], fds[i]);
	return compare();
}
