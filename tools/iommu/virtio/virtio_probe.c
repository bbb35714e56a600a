// SPDX-License-Identifier: GPL-2.0
/*
 * virtio_probe - what a guest's virtio-iommu would tell it of its devices
 *
 *	virtio_probe [--msi START-LAST] NAME...
 *
 * Each device gets an endpoint, which is asked by a PROBE request as a guest sends it.
 * They have to be in the hands of vfio-pci and in nobody else's. NAME "mock" is a device
 * of the mock IOMMU of test kernels, "mock-reserved" one with a region of its own.
 *
 * --msi: where the guest's machine has interrupts that no table translates; without it
 * where hardware has them, if it does.
 *
 * The program belongs to Documentation/userspace-api/iommufd/virtio-iommu.rst.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mock.h"
#include "../lib/vfio_dev.h"
#include "virtio_iommu.h"

/**
 * struct device - one of the command line
 * @fd: /dev/iommu
 * @parking: where a mock device is when it is nowhere
 * @v: of VFIO; fd is -1 for a mock device
 * @mock: of the mock
 */
struct device {
	int fd;
	__u32 parking;
	struct vfio_dev v;
	struct mock_device mock;
};

static int attach(void *device, __u32 ioas)
{
	struct device *d = device;

	if (d->v.fd < 0)
		return mock_replace(d->fd, d->mock.stdev, ioas);
	return vfio_dev_attach(&d->v, &ioas);
}

static int detach(void *device)
{
	struct device *d = device;

	if (d->v.fd < 0)
		return mock_replace(d->fd, d->mock.stdev, d->parking);
	return vfio_dev_detach(&d->v);
}

static const struct vio_device_ops ops = {
	.attach = attach,
	.detach = detach,
};

static int take(struct device *d, const char *name)
{
	__u32 flags = strcmp(name, "mock") ? MOCK_FLAGS_DEVICE_RESERVED : 0;
	int rc;

	d->v.fd = -1;
	if (!strcmp(name, "mock") || !strcmp(name, "mock-reserved")) {
		rc = iommu_ioas_alloc(d->fd, &d->parking);
		return rc ? rc : mock_device(d->fd, d->parking, flags, &d->mock);
	}
	rc = vfio_dev_open(name, &d->v);
	return rc ? rc : vfio_dev_bind(&d->v, d->fd);
}

static void show_config(const struct virtio_iommu_config *c)
{
	printf("page_size_mask 0x%llx\n", (unsigned long long)le64toh(c->page_size_mask));
	printf("input_range    0x%llx-0x%llx\n",
	       (unsigned long long)le64toh(c->input_range.start),
	       (unsigned long long)le64toh(c->input_range.end));
	printf("probe_size     %u\n", le32toh(c->probe_size));
}

/* As a driver reads it: by type and length, up to one that is empty */
static void show_properties(const unsigned char *at, const unsigned char *end)
{
	struct virtio_iommu_probe_resv_mem mem;

	for (; at + sizeof(mem.head) <= end; at += sizeof(mem.head) +
						   le16toh(mem.head.length)) {
		memcpy(&mem.head, at, sizeof(mem.head));
		if (!mem.head.type)
			return;
		if (le16toh(mem.head.type) != VIRTIO_IOMMU_PROBE_T_RESV_MEM ||
		    at + sizeof(mem) > end)
			continue;
		memcpy(&mem, at, sizeof(mem));
		printf("  RESV_MEM %s 0x%llx-0x%llx\n",
		       mem.subtype == VIRTIO_IOMMU_RESV_MEM_T_MSI ? "MSI" : "RESERVED",
		       (unsigned long long)le64toh(mem.start),
		       (unsigned long long)le64toh(mem.end));
	}
}

static int show_endpoint(struct vio *v, __u32 id, const char *name)
{
	const struct virtio_iommu_req_probe r = {
		.head.type = VIRTIO_IOMMU_T_PROBE,
		.endpoint = htole32(id),
	};
	size_t size = le32toh(v->config.probe_size), room, used;
	unsigned char *in;
	int rc;

	room = size + sizeof(struct virtio_iommu_req_tail);
	in = malloc(room);
	if (!in)
		return -ENOMEM;
	used = vio_request(v, &r, sizeof(r), in, room);
	rc = used == room && in[size] == VIRTIO_IOMMU_S_OK ? 0 : -EIO;
	printf("endpoint %u (%s)\n", id, name);
	if (!rc)
		show_properties(in, in + size);
	free(in);
	return rc;
}

static int run(struct vio *v, struct device *devices, char **names, int num,
	       const struct iommu_iova_range *msi)
{
	int i, rc = 0;

	for (i = 0; !rc && i < num; i++) {
		devices[i].fd = v->fd;
		rc = take(&devices[i], names[i]);
		if (!rc)
			rc = vio_endpoint_add(v, (__u32)i,
					      devices[i].v.fd < 0 ? devices[i].mock.dev :
								    devices[i].v.id,
					      &ops, &devices[i], msi);
		if (rc)
			fprintf(stderr, "virtio_probe: %s: %s\n", names[i],
				strerror(-rc));
	}
	if (rc)
		return rc;
	rc = vio_start(v);
	if (!rc)
		show_config(&v->config);
	for (i = 0; !rc && i < num; i++)
		rc = show_endpoint(v, (__u32)i, names[i]);
	if (rc)
		fprintf(stderr, "virtio_probe: %s\n", strerror(-rc));
	return rc;
}

int main(int argc, char **argv)
{
	unsigned long long start, last;
	struct iommu_iova_range msi;
	struct device *devices;
	bool has_msi = false;
	struct vio v;
	int fd, i, rc;

	if (argc > 2 && !strcmp(argv[1], "--msi") &&
	    sscanf(argv[2], "%llx-%llx", &start, &last) == 2) {
		msi = (struct iommu_iova_range){ .start = start, .last = last };
		has_msi = true;
		argc -= 2;
		argv += 2;
	}
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: virtio_probe [--msi START-LAST] NAME...\n");
		return 2;
	}
	fd = iommu_open();
	if (fd < 0) {
		fprintf(stderr, "virtio_probe: /dev/iommu: %s\n", strerror(-fd));
		return 1;
	}
	devices = calloc((size_t)argc, sizeof(*devices));
	if (!devices)
		return 1;
	for (i = 0; i < argc; i++)
		devices[i].v.fd = -1;
	vio_open(&v, fd, NULL);
	rc = run(&v, devices, argv + 1, argc - 1, has_msi ? &msi : NULL);
	vio_close(&v);
	for (i = 0; i < argc; i++)
		if (devices[i].v.fd >= 0)
			vfio_dev_close(&devices[i].v);
	free(devices);
	close(fd);
	return rc ? 1 : 0;
}
