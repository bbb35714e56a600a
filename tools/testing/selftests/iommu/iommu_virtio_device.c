// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio-iommu device of tools/iommu/virtio: what it answers a guest, and that the
 * kernel agrees. Two endpoints where there are two. The mock's second one has a region
 * reserved; what is different with edu functions is asked of the kernel.
 */
#include <endian.h>

#include "iommu_test.h"

#include "../../../iommu/virtio/virtio_iommu.h"

#define TAIL		sizeof(struct virtio_iommu_req_tail)
#define MAX_RANGES	32

/* The guest: memory, a second part right behind it, and an interrupt controller */
#define RAM		0x40000000ULL
#define RAM_PAGES	64
#define HIGH_RAM	(RAM + RAM_PAGES * PAGE)
#define HIGH_PAGES	16
#define DOORBELL	0x8080000ULL
#define DOORBELL_SIZE	0x10000ULL
/* Where the endpoints that say so have their interrupts; others may map it */
#define MSI_A		0x20000000ULL
#define MSI_B		0x28000000ULL
#define MSI_SIZE	0x100000ULL

#define RW		(VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE)
#define ACCESS_READ	VIRTIO_IOMMU_FAULT_F_READ
#define ACCESS_WRITE	VIRTIO_IOMMU_FAULT_F_WRITE

/* Names that the guest has for its endpoints */
#define EP_A		0x18
#define EP_B		0x20

/**
 * struct endpoint - a device and its place without a domain
 * @fd: /dev/iommu
 * @parking: an address space with nothing in it
 * @d: the device
 * @made: it is there
 */
struct endpoint {
	int fd;
	__u32 parking;
	struct test_device d;
	bool made;
};

static int endpoint_attach(void *device, __u32 ioas)
{
	struct endpoint *e = device;

	return test_device_replace(e->fd, &e->d, ioas);
}

static int endpoint_detach(void *device)
{
	struct endpoint *e = device;

#ifdef TEST_VTD
	return vfio_dev_detach(&e->d.v);
#else
	return test_device_replace(e->fd, &e->d, e->parking);
#endif
}

static const struct vio_device_ops endpoint_ops = {
	.attach = endpoint_attach,
	.detach = endpoint_detach,
};

static int endpoint_make(int fd, unsigned int nth, struct endpoint *e)
{
	int rc;

	e->fd = fd;
	rc = iommu_ioas_alloc(fd, &e->parking);
	if (rc)
		return rc;
#ifdef TEST_VTD
	rc = test_device_make(fd, nth, e->parking, &e->d);
	if (!rc)
		rc = edu_start(&e->d.v);
	if (!rc)
		rc = vfio_dev_detach(&e->d.v);
#else
	memset(&e->d, 0, sizeof(e->d));
	e->d.v.fd = -1;
	rc = mock_device(fd, e->parking, nth ? MOCK_FLAGS_DEVICE_RESERVED : 0,
			 &e->d.mock);
	e->d.id = e->d.mock.dev;
#endif
	e->made = !rc;
	return rc;
}

/* A page from @from into the device, and from there to @to; what is blocked is not done. */
static int copy_page(struct endpoint *e, __u64 from, __u64 to)
{
#ifdef TEST_VTD
	int rc = edu_dma_read(&e->d.v, from, 0, PAGE);

	return rc ? rc : edu_dma_write(&e->d.v, to, 0, PAGE);
#else
	static char buffer[PAGE];
	struct mock_dma dma = {
		.dev = e->d.id,
		.iova = from,
		.data = buffer,
		.length = PAGE,
	};
	int rc = mock_dma(e->fd, &dma);

	if (rc || dma.status != MOCK_DMA_OK)
		return rc;
	dma.flags = MOCK_DMA_WRITE;
	dma.iova = to;
	return mock_dma(e->fd, &dma);
#endif
}

FIXTURE(virtio) {
	int fd;
	struct vio v;
	struct endpoint a;
	struct endpoint b;
	unsigned char *ram;
	unsigned char *high;
};

FIXTURE_SETUP(virtio)
{
	int rc;

	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	rc = endpoint_make(self->fd, 0, &self->a);
	if (rc == -ENODEV || rc == -ENOTTY)
		SKIP(return, "there is no " TEST_DEVICE_KIND " device here");
	ASSERT_EQ(0, rc);
	rc = endpoint_make(self->fd, 1, &self->b);
	ASSERT_TRUE(!rc || rc == -ENODEV);
	vio_open(&self->v, self->fd, NULL);
	/* Neighbours for the guest, not here */
	self->high = mem_get(HIGH_PAGES * PAGE);
	self->ram = mem_get(RAM_PAGES * PAGE);
	ASSERT_NE(NULL, self->ram);
	ASSERT_NE(NULL, self->high);
	ASSERT_EQ(0, vio_memory_add(&self->v, RAM, RAM_PAGES * PAGE, self->ram));
	ASSERT_EQ(0, vio_memory_add(&self->v, HIGH_RAM, HIGH_PAGES * PAGE, self->high));
	ASSERT_EQ(0, vio_memory_add(&self->v, DOORBELL, DOORBELL_SIZE, NULL));
}

FIXTURE_TEARDOWN(virtio)
{
	vio_close(&self->v);
	if (self->a.made)
		test_device_remove(self->fd, &self->a.d);
	if (self->b.made)
		test_device_remove(self->fd, &self->b.d);
	close(self->fd);
}

/* --- requests, each with the status that came; NOTHING: the buffer was not used --- */

#define NOTHING		0x100

static int send(struct vio *v, const void *r, size_t size)
{
	struct virtio_iommu_req_tail tail = { .status = 0xff };
	size_t used = vio_request(v, r, size, &tail, sizeof(tail));

	if (!used)
		return NOTHING;
	return used == sizeof(tail) ? tail.status : -1;
}

#define SEND(v, r)	send(v, &(r), sizeof(r) - TAIL)

static int attach(struct vio *v, __u32 domain, __u32 endpoint)
{
	const struct virtio_iommu_req_attach r = {
		.head.type = VIRTIO_IOMMU_T_ATTACH,
		.domain = htole32(domain),
		.endpoint = htole32(endpoint),
	};

	return SEND(v, r);
}

static int detach(struct vio *v, __u32 domain, __u32 endpoint)
{
	const struct virtio_iommu_req_detach r = {
		.head.type = VIRTIO_IOMMU_T_DETACH,
		.domain = htole32(domain),
		.endpoint = htole32(endpoint),
		/* To be ignored */
		.reserved = { 1, 2, 3 },
	};

	return SEND(v, r);
}

static int map_range(struct vio *v, __u32 domain, __u64 start, __u64 last, __u64 phys,
		     __u32 flags)
{
	const struct virtio_iommu_req_map r = {
		.head.type = VIRTIO_IOMMU_T_MAP,
		.domain = htole32(domain),
		.virt_start = htole64(start),
		.virt_end = htole64(last),
		.phys_start = htole64(phys),
		.flags = htole32(flags),
	};

	return SEND(v, r);
}

static int map(struct vio *v, __u32 domain, __u64 iova, __u64 length, __u64 phys)
{
	return map_range(v, domain, iova, iova + length - 1, phys, RW);
}

static int unmap_range(struct vio *v, __u32 domain, __u64 start, __u64 last)
{
	const struct virtio_iommu_req_unmap r = {
		.head.type = VIRTIO_IOMMU_T_UNMAP,
		.domain = htole32(domain),
		.virt_start = htole64(start),
		.virt_end = htole64(last),
	};

	return SEND(v, r);
}

static int unmap(struct vio *v, __u32 domain, __u64 iova, __u64 length)
{
	return unmap_range(v, domain, iova, iova + length - 1);
}

/* What a driver makes of the answer; at most @room regions. -1: it is malformed. */
static int probe_regions(struct vio *v, __u32 endpoint, struct vio_region *regions,
			 unsigned int room)
{
	size_t size = le32toh(v->config.probe_size), at = 0;
	const struct virtio_iommu_req_probe r = {
		.head.type = VIRTIO_IOMMU_T_PROBE,
		.endpoint = htole32(endpoint),
	};
	unsigned char *in = malloc(size + TAIL);
	struct virtio_iommu_probe_resv_mem mem;
	int num = 0;

	memset(in, 0xaa, size + TAIL);
	if (vio_request(v, &r, sizeof(r), in, size + TAIL) != size + TAIL ||
	    in[size] != VIRTIO_IOMMU_S_OK)
		num = -1;
	while (num >= 0 && at + sizeof(mem.head) <= size) {
		memcpy(&mem.head, in + at, sizeof(mem.head));
		if (!mem.head.type)
			break;
		if (le16toh(mem.head.type) != VIRTIO_IOMMU_PROBE_T_RESV_MEM ||
		    le16toh(mem.head.length) != sizeof(mem) - sizeof(mem.head) ||
		    at + sizeof(mem) > size || num == (int)room) {
			num = -1;
			break;
		}
		memcpy(&mem, in + at, sizeof(mem));
		regions[num++] = (struct vio_region){
			.start = le64toh(mem.start),
			.last = le64toh(mem.end),
			.subtype = mem.subtype,
		};
		at += sizeof(mem);
	}
	/* Zero to its end */
	for (; num >= 0 && at < size; at++)
		if (in[at])
			num = -1;
	free(in);
	return num;
}

static int add(FIXTURE_DATA(virtio) *self, __u32 id, struct endpoint *e,
	       const struct iommu_iova_range *msi)
{
	return vio_endpoint_add(&self->v, id, e->d.id, &endpoint_ops, e, msi);
}

static const struct iommu_iova_range msi_a = { MSI_A, MSI_A + MSI_SIZE - 1 };
static const struct iommu_iova_range msi_b = { MSI_B, MSI_B + MSI_SIZE - 1 };

/* The usual case: one endpoint, whose interrupts are those of hardware */
#define START_A() do {								\
	ASSERT_EQ(0, add(self, EP_A, &self->a, NULL));				\
	ASSERT_EQ(0, vio_start(&self->v));					\
} while (0)

#define START_BOTH(of_a, of_b) do {						\
	if (!self->b.made)							\
		SKIP(return, "there is one device only");			\
	ASSERT_EQ(0, add(self, EP_A, &self->a, of_a));				\
	ASSERT_EQ(0, add(self, EP_B, &self->b, of_b));				\
	ASSERT_EQ(0, vio_start(&self->v));					\
} while (0)

static void fill(unsigned char *p, unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < PAGE; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(seed >> 24) | 1;
	}
}

/* --- what the guest is told --- */

TEST_F(virtio, configuration)
{
	struct iommu_iova_range r[MAX_RANGES];
	__u32 num = MAX_RANGES;
	__u64 alignment;

	EXPECT_EQ(-ENODEV, vio_start(&self->v));
	START_A();
	EXPECT_EQ(-EALREADY, vio_start(&self->v));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	/* The kernel's own words for the same */
	ASSERT_EQ(0, iommu_ranges(self->fd, vio_domain_find(&self->v, 1)->ioas, r, &num,
				  &alignment));
	EXPECT_EQ(-alignment, le64toh(self->v.config.page_size_mask));
	EXPECT_EQ(r[0].start, le64toh(self->v.config.input_range.start));
	EXPECT_EQ(r[num - 1].last, le64toh(self->v.config.input_range.end));
	EXPECT_EQ(0, self->v.config.domain_range.start);
	EXPECT_EQ(VIO_DOMAINS - 1, le32toh(self->v.config.domain_range.end));
	EXPECT_EQ(VIO_PROBE_SIZE, le32toh(self->v.config.probe_size));
	EXPECT_EQ(0, self->v.config.bypass);
}

/*
 * The regions that PROBE tells are the gaps of what the kernel says can be mapped, and
 * the kernel refuses what this device refuses, to the granule.
 */
TEST_F(virtio, kernel_agrees)
{
	__u64 granule, first, last, at;
	struct vio_region regions[MAX_RANGES];
	struct iommu_iova_range r[MAX_RANGES];
	__u32 ids[] = { EP_A, EP_B }, num, ioas;
	int found, i, k;

	START_BOTH(NULL, NULL);
	granule = self->v.granule;
	first = self->v.first;
	last = self->v.last;
	for (k = 0; k < 2; k++) {
		ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 7, ids[k]));
		ioas = vio_domain_find(&self->v, 7)->ioas;
		found = probe_regions(&self->v, ids[k], regions, MAX_RANGES);
		ASSERT_LE(0, found);
		num = MAX_RANGES;
		ASSERT_EQ(0, iommu_ranges(self->fd, ioas, r, &num, NULL));
		/* Every address is in a range of the kernel's or in a region. */
		for (i = 0, at = first; i < found; i++) {
			if (regions[i].start > at) {
				ASSERT_LT(0, num);
				EXPECT_EQ(at, r[0].start);
				EXPECT_EQ(regions[i].start - 1, r[0].last);
				memmove(r, r + 1, --num * sizeof(*r));
			}
			at = regions[i].last + 1;
		}
		if (at - 1 != last) {
			ASSERT_EQ(1, num);
			EXPECT_EQ(at, r[0].start);
			EXPECT_EQ(last, r[0].last);
		}
		for (i = 0; i < found; i++) {
			__u64 start = regions[i].start;

			EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
				  map(&self->v, 7, start, granule, RAM));
			EXPECT_EQ(-EINVAL, iommu_map(self->fd, ioas, self->ram,
						     granule, start));
			EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
				  map(&self->v, 7, regions[i].last + 1 - granule,
				      granule, RAM));
			if (start == first || (i && regions[i - 1].last + 1 == start))
				continue;
			/* Into it, and up to it */
			EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
				  map(&self->v, 7, start - granule, 2 * granule, RAM));
			EXPECT_EQ(VIRTIO_IOMMU_S_OK,
				  map(&self->v, 7, start - granule, granule, RAM));
		}
		EXPECT_EQ(VIRTIO_IOMMU_S_OK, unmap_range(&self->v, 7, 0, ~0ULL));
		ASSERT_EQ(VIRTIO_IOMMU_S_OK, detach(&self->v, 7, ids[k]));
		EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, ioas));
	}
}

/* Each size that the driver's buffer may have: the list is whole, or there is none. */
TEST_F(virtio, probe_every_size)
{
	const struct virtio_iommu_req_probe r = {
		.head = { VIRTIO_IOMMU_T_PROBE, { 1, 2, 3 } },
		.endpoint = htole32(EP_A),
		/* To be ignored */
		.reserved = { 0xff, 0xee },
	};
	size_t size, len, used, i;
	unsigned char *in;

	ASSERT_EQ(0, add(self, EP_A, &self->a, &msi_a));
	ASSERT_EQ(0, vio_start(&self->v));
	size = le32toh(self->v.config.probe_size);
	in = malloc(size + 2 * TAIL + 1);
	ASSERT_NE(NULL, in);
	for (len = 0; len <= size + 2 * TAIL; len++) {
		memset(in, 0xaa, size + 2 * TAIL + 1);
		used = vio_request(&self->v, &r, sizeof(r), in, len);
		if (len < TAIL) {
			/* There is nowhere to put a status. */
			ASSERT_EQ(0, used);
		} else if (len < size + TAIL) {
			ASSERT_EQ(len, used);
			ASSERT_EQ(VIRTIO_IOMMU_S_INVAL, in[len - TAIL]);
			for (i = 0; i < len; i++)
				ASSERT_TRUE(!in[i] || i == len - TAIL);
		} else {
			ASSERT_EQ(size + TAIL, used);
			ASSERT_EQ(VIRTIO_IOMMU_S_OK, in[size]);
			ASSERT_EQ(VIRTIO_IOMMU_PROBE_T_RESV_MEM, in[0]);
		}
		for (i = used; i < size + 2 * TAIL + 1; i++)
			ASSERT_EQ(0xaa, in[i]);
	}
	/* And each that its own part may have */
	for (len = 0; len < sizeof(r); len++) {
		used = vio_request(&self->v, &r, len, in, size + TAIL);
		ASSERT_EQ(len < sizeof(r.head) ? 0 : size + TAIL, used);
		if (used)
			ASSERT_EQ(VIRTIO_IOMMU_S_INVAL, in[size]);
		for (i = 0; i < used; i++)
			ASSERT_TRUE(!in[i] || i == size);
	}
	free(in);
}

TEST_F(virtio, probe_refused)
{
	struct virtio_iommu_req_probe r = {
		.head.type = VIRTIO_IOMMU_T_PROBE,
		.endpoint = htole32(EP_A + 1),
	};
	unsigned char in[VIO_PROBE_SIZE + TAIL];
	size_t i;

	/* Before the device is started there is none. */
	ASSERT_EQ(0, add(self, EP_A, &self->a, &msi_a));
	EXPECT_EQ(0, vio_request(&self->v, &r, sizeof(r), in, sizeof(in)));
	ASSERT_EQ(0, vio_start(&self->v));
	memset(in, 0xaa, sizeof(in));
	EXPECT_EQ(sizeof(in), vio_request(&self->v, &r, sizeof(r), in, sizeof(in)));
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, in[VIO_PROBE_SIZE]);
	for (i = 0; i < VIO_PROBE_SIZE; i++)
		ASSERT_EQ(0, in[i]);
	/* A driver that does not want it has no such request. */
	EXPECT_EQ(-EINVAL, vio_negotiate(&self->v, 1ULL << VIRTIO_IOMMU_F_PROBE));
	EXPECT_EQ(-EINVAL, vio_negotiate(&self->v, ~0ULL));
	ASSERT_EQ(0, vio_negotiate(&self->v, 1ULL << VIRTIO_IOMMU_F_MAP_UNMAP));
	r.endpoint = htole32(EP_A);
	memset(in, 0xaa, sizeof(in));
	EXPECT_EQ(0, vio_request(&self->v, &r, sizeof(r), in, sizeof(in)));
	for (i = 0; i < sizeof(in); i++)
		ASSERT_EQ(0xaa, in[i]);
	vio_reset(&self->v);
	EXPECT_EQ(sizeof(in), vio_request(&self->v, &r, sizeof(r), in, sizeof(in)));
}

/* A list that is longer than the usual probe_size, and one that comes too late for it */
TEST_F(virtio, probe_size_grows)
{
	const struct vio_limits one = { .probe_size = 1 };
	struct vio_region regions[MAX_RANGES];

	vio_open(&self->v, self->fd, &one);
	if (!self->b.made)
		SKIP(return, "there is one device only");
	ASSERT_EQ(0, add(self, EP_A, &self->a, NULL));
	ASSERT_EQ(0, vio_start(&self->v));
	EXPECT_LE(vio_regions_size(&self->v.endpoints[0]->regions),
		  le32toh(self->v.config.probe_size));
	/* One region more than was there to begin with */
	EXPECT_EQ(-ENOSPC, add(self, EP_B, &self->b, &msi_b));
	EXPECT_EQ(1, self->v.num_endpoints);
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, attach(&self->v, 1, EP_B));
	vio_close(&self->v);

	/* At the start there is room for the longest. */
	vio_open(&self->v, self->fd, &one);
	ASSERT_EQ(0, add(self, EP_A, &self->a, NULL));
	ASSERT_EQ(0, add(self, EP_B, &self->b, &msi_b));
	ASSERT_EQ(0, vio_start(&self->v));
	EXPECT_LE(0, probe_regions(&self->v, EP_A, regions, MAX_RANGES));
	EXPECT_LE(1, probe_regions(&self->v, EP_B, regions, MAX_RANGES));
}

/* Plugged while the guest runs: told what it may have by what the guest was told */
TEST_F(virtio, endpoint_comes_late)
{
	struct vio_region regions[MAX_RANGES];
	int num;

	if (!self->b.made)
		SKIP(return, "there is one device only");
	START_A();
	EXPECT_EQ(-EEXIST, add(self, EP_A, &self->b, NULL));
	ASSERT_EQ(0, add(self, EP_B, &self->b, &msi_b));
	num = probe_regions(&self->v, EP_B, regions, MAX_RANGES);
	ASSERT_LE(1, num);
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_B));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, IOVA_BASE, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, MSI_B, PAGE, RAM));
}

#ifndef TEST_VTD
/* A device plugged later that differs: in its reach, which it is told, or its granule */
TEST_F(virtio, unlike_endpoint_comes_late)
{
	struct endpoint narrow = { .fd = self->fd }, coarse = { .fd = self->fd };
	struct vio_region regions[MAX_RANGES];

	narrow.d.v.fd = -1;
	coarse.d.v.fd = -1;
	START_A();
	EXPECT_EQ(-MOCK_PAGE, le64toh(self->v.config.page_size_mask));
	narrow.parking = self->a.parking;
	ASSERT_EQ(0, mock_device(self->fd, narrow.parking, MOCK_FLAGS_DEVICE_NARROW,
				 &narrow.d.mock));
	narrow.d.id = narrow.d.mock.dev;
	ASSERT_EQ(0, add(self, EP_B, &narrow, NULL));
	ASSERT_EQ(1, probe_regions(&self->v, EP_B, regions, MAX_RANGES));
	EXPECT_EQ(MOCK_NARROW_LAST + 1, regions[0].start);
	EXPECT_EQ(self->v.last, regions[0].last);
	EXPECT_EQ(VIRTIO_IOMMU_RESV_MEM_T_RESERVED, regions[0].subtype);
	/* Alone A has more; with the other one in its domain it has not. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map(&self->v, 1, MOCK_NARROW_LAST + 1, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_UNSUPP, attach(&self->v, 1, EP_B));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  unmap(&self->v, 1, MOCK_NARROW_LAST + 1, PAGE));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_B));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  map(&self->v, 1, MOCK_NARROW_LAST + 1, PAGE, RAM));
	/* Half a page would be mapped for the guest, and cannot be for this one. */
	ASSERT_EQ(0, mock_device(self->fd, self->a.parking,
				 MOCK_FLAGS_DEVICE_WHOLE_PAGES, &coarse.d.mock));
	coarse.d.id = coarse.d.mock.dev;
	EXPECT_EQ(-EXDEV, add(self, EP_B + 1, &coarse, NULL));
	EXPECT_EQ(2, self->v.num_endpoints);
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, attach(&self->v, 1, EP_B + 1));
	vio_close(&self->v);
	/* Before the guest is told anything its granule is that of all. */
	vio_open(&self->v, self->fd, NULL);
	ASSERT_EQ(0, add(self, EP_A, &self->a, NULL));
	ASSERT_EQ(0, add(self, EP_B, &coarse, NULL));
	coarse.parking = self->a.parking;
	ASSERT_EQ(0, vio_start(&self->v));
	EXPECT_EQ(-PAGE, le64toh(self->v.config.page_size_mask));
}
#endif

/* --- what a guest may send --- */

TEST_F(virtio, unknown_requests)
{
	unsigned char out[sizeof(struct virtio_iommu_req_probe)] = { 0 };
	unsigned char in[VIO_PROBE_SIZE + TAIL];
	unsigned int type;
	size_t i;

	START_A();
	for (type = 0; type < 256; type++) {
		if (type >= VIRTIO_IOMMU_T_ATTACH && type <= VIRTIO_IOMMU_T_PROBE)
			continue;
		out[0] = (unsigned char)type;
		memset(in, 0xaa, sizeof(in));
		ASSERT_EQ(0, vio_request(&self->v, out, sizeof(out), in, sizeof(in)));
		for (i = 0; i < sizeof(in); i++)
			ASSERT_EQ(0xaa, in[i]);
	}
	EXPECT_EQ(0, self->v.endpoints[0]->domain);
}

/* Every size of each: nothing without its whole, or without room for a status. */
TEST_F(virtio, short_requests)
{
	static const struct {
		__u8 type;
		size_t size;
	} kinds[] = {
		{ VIRTIO_IOMMU_T_ATTACH, sizeof(struct virtio_iommu_req_attach) },
		{ VIRTIO_IOMMU_T_DETACH, sizeof(struct virtio_iommu_req_detach) },
		{ VIRTIO_IOMMU_T_MAP, sizeof(struct virtio_iommu_req_map) },
		{ VIRTIO_IOMMU_T_UNMAP, sizeof(struct virtio_iommu_req_unmap) },
	};
	unsigned char out[64] = { 0 }, in[8];
	size_t i, k, len, room;

	START_A();
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		out[0] = kinds[i].type;
		for (len = 0; len < kinds[i].size - TAIL; len++) {
			for (room = 0; room <= sizeof(in); room++) {
				size_t used;

				memset(in, 0xaa, sizeof(in));
				used = vio_request(&self->v, out, len, in, room);
				if (len < sizeof(struct virtio_iommu_req_head) ||
				    room < TAIL) {
					ASSERT_EQ(0, used);
				} else {
					ASSERT_EQ(TAIL, used);
					ASSERT_EQ(VIRTIO_IOMMU_S_INVAL, in[0]);
				}
				for (k = used; k < sizeof(in); k++)
					ASSERT_EQ(0xaa, in[k]);
			}
		}
	}
	/* A longer one, of a later driver, is carried out. */
	memset(out, 0, sizeof(out));
	out[0] = VIRTIO_IOMMU_T_ATTACH;
	out[4] = 9;
	out[8] = EP_A;
	memset(out + sizeof(struct virtio_iommu_req_attach) - TAIL, 0xff, 8);
	EXPECT_EQ(TAIL, vio_request(&self->v, out, 48, in, sizeof(in)));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, in[0]);
	EXPECT_NE(NULL, vio_domain_find(&self->v, 9));
}

TEST_F(virtio, attach_refused)
{
	struct virtio_iommu_req_attach r = {
		.head.type = VIRTIO_IOMMU_T_ATTACH,
		.domain = htole32(1),
		.endpoint = htole32(EP_A),
	};
	unsigned int i;

	START_A();
	for (i = 0; i < sizeof(r.reserved); i++) {
		r.reserved[i] = 1;
		EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, SEND(&self->v, r));
		r.reserved[i] = 0;
	}
	/* A bypass is not offered, other flags are not known. */
	for (i = 0; i < 32; i++) {
		r.flags = htole32(1U << i);
		EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, SEND(&self->v, r));
	}
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, attach(&self->v, 1, EP_A + 1));
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, attach(&self->v, 1, ~0U));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, attach(&self->v, VIO_DOMAINS, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, attach(&self->v, ~0U, EP_A));
	EXPECT_EQ(NULL, vio_domain_find(&self->v, 1));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, VIO_DOMAINS - 1, EP_A));
	/* Once more changes nothing. */
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, VIO_DOMAINS - 1, EP_A));
	EXPECT_EQ(1, vio_domain_find(&self->v, VIO_DOMAINS - 1)->endpoints);
}

TEST_F(virtio, detach_refused)
{
	START_A();
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, detach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, detach(&self->v, 2, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, detach(&self->v, 1, EP_B));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, detach(&self->v, VIO_DOMAINS, EP_A));
	EXPECT_NE(NULL, vio_domain_find(&self->v, 1));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, detach(&self->v, 1, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, detach(&self->v, 1, EP_A));
	EXPECT_EQ(NULL, vio_domain_find(&self->v, 1));
}

/* Each of these must leave the domain as it is. */
TEST_F(virtio, map_refused)
{
	const __u64 top = ~0ULL;
	struct {
		const char *what;
		int status;
		__u32 domain;
		__u64 start, last, phys;
		__u32 flags;
	} cases[] = {
		{ "no such domain", VIRTIO_IOMMU_S_NOENT, 2, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM, RW },
		{ "domain out of range", VIRTIO_IOMMU_S_RANGE, VIO_DOMAINS, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM, RW },
		{ "ends before it starts", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE,
		  IOVA_BASE - 1, RAM, RW },
		{ "a single byte", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE, IOVA_BASE, RAM,
		  RW },
		{ "the other way round", VIRTIO_IOMMU_S_INVAL, 1, top, 0, RAM, RW },
		{ "unknown flag", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM, RW | 8 },
		{ "unknown flags", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM, ~0U },
		{ "no access", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM, 0 },
		{ "start not aligned", VIRTIO_IOMMU_S_RANGE, 1, IOVA_BASE + 8,
		  IOVA_BASE + PAGE - 1, RAM, RW },
		{ "end not aligned", VIRTIO_IOMMU_S_RANGE, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 2, RAM, RW },
		{ "physical not aligned", VIRTIO_IOMMU_S_RANGE, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM + 8, RW },
		{ "everything", VIRTIO_IOMMU_S_RANGE, 1, 0, top, 0, RW },
		{ "above the input range", VIRTIO_IOMMU_S_RANGE, 1, top - PAGE + 1, top,
		  RAM, RW },
		{ "mapped", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE + 16 * PAGE,
		  IOVA_BASE + 17 * PAGE - 1, RAM, RW },
		{ "mapped at its end", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE + 15 * PAGE,
		  IOVA_BASE + 17 * PAGE - 1, RAM, RW },
		{ "mapped inside", VIRTIO_IOMMU_S_INVAL, 1, IOVA_BASE + 15 * PAGE,
		  IOVA_BASE + 19 * PAGE - 1, RAM, RW },
		{ "no memory", VIRTIO_IOMMU_S_FAULT, 1, IOVA_BASE,
		  IOVA_BASE + PAGE - 1, RAM - PAGE, RW },
		{ "memory ends half way", VIRTIO_IOMMU_S_FAULT, 1, IOVA_BASE,
		  IOVA_BASE + 2 * PAGE - 1, HIGH_RAM + (HIGH_PAGES - 1) * PAGE, RW },
		{ "memory wraps", VIRTIO_IOMMU_S_FAULT, 1, IOVA_BASE,
		  IOVA_BASE + 2 * PAGE - 1, top - PAGE + 1, RW },
		{ "beyond the doorbell", VIRTIO_IOMMU_S_FAULT, 1, IOVA_BASE,
		  IOVA_BASE + 2 * PAGE - 1, DOORBELL + DOORBELL_SIZE - PAGE, RW },
	};
	struct fdinfo before, after;
	unsigned int i;

	START_A();
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map(&self->v, 1, IOVA_BASE + 16 * PAGE, 2 * PAGE, RAM));
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_EQ(cases[i].status,
			  map_range(&self->v, cases[i].domain, cases[i].start,
				    cases[i].last, cases[i].phys, cases[i].flags))
			TH_LOG("%s", cases[i].what);
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text)
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(1, self->v.mappings);
	}
	/* The type of memory is a feature: without it the flag is unknown. */
	EXPECT_EQ(VIRTIO_IOMMU_S_OK,
		  map_range(&self->v, 1, IOVA_BASE, IOVA_BASE + PAGE - 1, DOORBELL,
			    VIRTIO_IOMMU_MAP_F_WRITE | VIRTIO_IOMMU_MAP_F_MMIO));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 1, IOVA_BASE, PAGE));
	ASSERT_EQ(0, vio_negotiate(&self->v, 1ULL << VIRTIO_IOMMU_F_MAP_UNMAP));
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL,
		  map_range(&self->v, 1, IOVA_BASE, IOVA_BASE + PAGE - 1, DOORBELL,
			    VIRTIO_IOMMU_MAP_F_WRITE | VIRTIO_IOMMU_MAP_F_MMIO));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK,
		  map_range(&self->v, 1, IOVA_BASE, IOVA_BASE + PAGE - 1, DOORBELL,
			    VIRTIO_IOMMU_MAP_F_WRITE));
}

/* The seven examples of the specification (5.13.6.6), in pages */
TEST_F(virtio, unmap_as_specified)
{
	static const struct {
		struct { unsigned int first, last; } maps[2];
		unsigned int num_maps, first, last, left;
		int status;
	} examples[] = {
		{ { { 0, 0 } }, 0, 0, 4, 0, VIRTIO_IOMMU_S_OK },
		{ { { 0, 9 } }, 1, 0, 9, 0, VIRTIO_IOMMU_S_OK },
		{ { { 0, 4 }, { 5, 9 } }, 2, 0, 9, 0, VIRTIO_IOMMU_S_OK },
		{ { { 0, 9 } }, 1, 0, 4, 1, VIRTIO_IOMMU_S_RANGE },
		{ { { 0, 4 }, { 5, 9 } }, 2, 0, 4, 1, VIRTIO_IOMMU_S_OK },
		{ { { 0, 4 } }, 1, 0, 9, 0, VIRTIO_IOMMU_S_OK },
		{ { { 0, 4 }, { 10, 14 } }, 2, 0, 14, 0, VIRTIO_IOMMU_S_OK },
		/* And what cuts at the other end, or at one of two */
		{ { { 0, 9 } }, 1, 5, 9, 1, VIRTIO_IOMMU_S_RANGE },
		{ { { 0, 9 } }, 1, 3, 5, 1, VIRTIO_IOMMU_S_RANGE },
		{ { { 0, 4 }, { 5, 9 } }, 2, 0, 7, 2, VIRTIO_IOMMU_S_RANGE },
	};
	__u64 base = IOVA_BASE;
	unsigned int i, k;
	long pinned;

	START_A();
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	pinned = pinned_pages();
	for (i = 0; i < ARRAY_LEN(examples); i++) {
		for (k = 0; k < examples[i].num_maps; k++) {
			unsigned int at = examples[i].maps[k].first;

			ASSERT_EQ(VIRTIO_IOMMU_S_OK,
				  map(&self->v, 1, base + at * PAGE,
				      (examples[i].maps[k].last - at + 1) * PAGE,
				      RAM + at * PAGE));
		}
		EXPECT_EQ(examples[i].status,
			  unmap_range(&self->v, 1, base + examples[i].first * PAGE,
				      base + (examples[i].last + 1) * PAGE - 1))
			TH_LOG("example %u", i + 1);
		EXPECT_EQ(examples[i].left, self->v.mappings)
			TH_LOG("example %u", i + 1);
		if (!examples[i].left)
			EXPECT_EQ(pinned, pinned_pages());
		ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap_range(&self->v, 1, 0, ~0ULL));
		EXPECT_EQ(0, self->v.mappings);
		EXPECT_EQ(pinned, pinned_pages());
	}
}

TEST_F(virtio, unmap_refused)
{
	struct virtio_iommu_req_unmap r = {
		.head.type = VIRTIO_IOMMU_T_UNMAP,
		.domain = htole32(1),
		.virt_start = htole64(IOVA_BASE),
		.virt_end = htole64(IOVA_BASE + PAGE - 1),
	};
	unsigned int i;

	START_A();
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, unmap_range(&self->v, 1, 0, ~0ULL));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, IOVA_BASE, PAGE, RAM));
	for (i = 0; i < sizeof(r.reserved); i++) {
		r.reserved[i] = 1;
		EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, SEND(&self->v, r));
		r.reserved[i] = 0;
	}
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL,
		  unmap_range(&self->v, 1, IOVA_BASE + PAGE - 1, IOVA_BASE));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  unmap_range(&self->v, VIO_DOMAINS, IOVA_BASE, IOVA_BASE + PAGE - 1));
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT,
		  unmap_range(&self->v, 2, IOVA_BASE, IOVA_BASE + PAGE - 1));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  unmap_range(&self->v, 1, IOVA_BASE, IOVA_BASE + PAGE - 2));
	EXPECT_EQ(1, self->v.mappings);
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, SEND(&self->v, r));
	EXPECT_EQ(0, self->v.mappings);
}

TEST_F(virtio, limits)
{
	const struct vio_limits few = { .domains = 3, .mappings = 8 };
	unsigned int i;

	vio_open(&self->v, self->fd, &few);
	ASSERT_EQ(0, vio_memory_add(&self->v, RAM, RAM_PAGES * PAGE, self->ram));
	EXPECT_EQ(-EEXIST, vio_memory_add(&self->v, RAM + PAGE, PAGE, self->high));
	EXPECT_EQ(-EINVAL, vio_memory_add(&self->v, 0, 0, self->high));
	EXPECT_EQ(-EINVAL, vio_memory_add(&self->v, -PAGE, 2 * PAGE, self->high));
	START_A();
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, attach(&self->v, 3, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 2, EP_A));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(VIRTIO_IOMMU_S_OK,
			  map(&self->v, 2, IOVA_BASE + i * PAGE, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_NOMEM,
		  map(&self->v, 2, IOVA_BASE + 8 * PAGE, PAGE, RAM));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 2, IOVA_BASE + 3 * PAGE, PAGE));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK,
		  map(&self->v, 2, IOVA_BASE + 8 * PAGE, PAGE, RAM));
	/* With a domain its mappings go. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, detach(&self->v, 2, EP_A));
	EXPECT_EQ(0, self->v.mappings);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 2, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 2, IOVA_BASE, PAGE, RAM));
}

/* --- interrupts --- */

static int to(struct vio *v, __u32 id, __u64 address, __u32 access, __u64 *phys,
	      __u8 *reason)
{
	struct virtio_iommu_fault fault = { .reason = 0xff };
	int meaning = vio_translate(v, id, address, access, phys, &fault);

	*reason = fault.reason;
	if (meaning == VIO_FAULT &&
	    (le64toh(fault.address) != address || le32toh(fault.endpoint) != id ||
	     le32toh(fault.flags) != (access | VIRTIO_IOMMU_FAULT_F_ADDRESS)))
		return -1;
	return meaning;
}

/* A window for interrupts: no map reaches into it, and a write leaves as it came. */
TEST_F(virtio, msi_region)
{
	const __u64 granule = 4 * PAGE;
	struct vio_region regions[MAX_RANGES];
	int num, i, windows = 0;
	__u64 phys, at;
	__u8 reason;

	ASSERT_EQ(0, add(self, EP_A, &self->a, &msi_a));
	ASSERT_EQ(0, vio_start(&self->v));
	num = probe_regions(&self->v, EP_A, regions, MAX_RANGES);
	ASSERT_LE(1, num);
	for (i = 0; i < num; i++) {
		if (i)
			EXPECT_LT(regions[i - 1].last, regions[i].start);
		if (regions[i].subtype != VIRTIO_IOMMU_RESV_MEM_T_MSI)
			continue;
		windows++;
		EXPECT_EQ(MSI_A, regions[i].start);
		EXPECT_EQ(MSI_A + MSI_SIZE - 1, regions[i].last);
	}
	EXPECT_EQ(1, windows);
	/* It is decoded before any table, so that a domain makes no difference. */
	EXPECT_EQ(VIO_UNTRANSLATED,
		  to(&self->v, EP_A, MSI_A + 0x40, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(MSI_A + 0x40, phys);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	for (at = MSI_A; at < MSI_A + MSI_SIZE; at += granule) {
		ASSERT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, at, granule, RAM));
		ASSERT_EQ(VIO_UNTRANSLATED,
			  to(&self->v, EP_A, at, ACCESS_WRITE, &phys, &reason));
		ASSERT_EQ(at, phys);
	}
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, MSI_A - PAGE, 2 * PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  map(&self->v, 1, MSI_A - PAGE, MSI_SIZE + 2 * PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  map(&self->v, 1, MSI_A, PAGE, DOORBELL));
	/* Up to it and from behind it there is room. */
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, MSI_A - PAGE, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK,
		  map(&self->v, 1, MSI_A + MSI_SIZE, PAGE, RAM + PAGE));
	EXPECT_EQ(VIO_MEMORY, to(&self->v, EP_A, MSI_A + MSI_SIZE + 4, ACCESS_WRITE,
				 &phys, &reason));
	EXPECT_EQ(RAM + PAGE + 4, phys);
	EXPECT_EQ(VIO_MEMORY,
		  to(&self->v, EP_A, MSI_A - 4, ACCESS_READ, &phys, &reason));
	/* There is nothing to read. */
	EXPECT_EQ(VIO_FAULT,
		  to(&self->v, EP_A, MSI_A + 0x40, ACCESS_READ, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_FAULT_R_MAPPING, reason);
}

/* Without one the guest maps the doorbell of its interrupt controller itself. */
TEST_F(virtio, doorbell_mapped_by_the_guest)
{
	const __u32 mmio = VIRTIO_IOMMU_MAP_F_WRITE | VIRTIO_IOMMU_MAP_F_MMIO;
	struct fdinfo before, after;
	__u64 phys, at = IOVA_BASE;
	__u8 reason;

	START_A();
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, at + 0x40, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_FAULT_R_DOMAIN, reason);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	/* Neither the physical address nor one that is going to be mapped */
	EXPECT_EQ(VIO_FAULT,
		  to(&self->v, EP_A, DOORBELL + 0x40, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_FAULT_R_MAPPING, reason);
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, at + 0x40, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_FAULT_R_MAPPING, reason);
	/* The device itself never writes there, so the kernel hears nothing of it. */
	state_of(self->fd, &before);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map_range(&self->v, 1, at, at + PAGE - 1, DOORBELL, mmio));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(VIO_DOORBELL,
		  to(&self->v, EP_A, at + 0x40, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(DOORBELL + 0x40, phys);
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, at + 0x40, ACCESS_READ, &phys, &reason));
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, at + PAGE, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_S_INVAL, map(&self->v, 1, at, PAGE, RAM));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 1, at, PAGE));
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, at + 0x40, ACCESS_WRITE, &phys, &reason));
	/* Now the address is memory. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, at, PAGE, RAM));
	EXPECT_EQ(VIO_MEMORY, to(&self->v, EP_A, at, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(-ENOENT, to(&self->v, EP_B, at, ACCESS_WRITE, &phys, &reason));
}

/* Two in one domain: each has its own window, and neither may have its own mapped. */
TEST_F(virtio, regions_are_the_endpoints)
{
	__u64 phys;
	__u8 reason;

	START_BOTH(&msi_a, &msi_b);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	/* With A alone the other window is like any other address. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, MSI_B, PAGE, RAM));
	EXPECT_EQ(VIO_MEMORY, to(&self->v, EP_A, MSI_B, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_S_UNSUPP, attach(&self->v, 1, EP_B));
	EXPECT_EQ(1, vio_domain_find(&self->v, 1)->endpoints);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 1, MSI_B, PAGE));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_B));
	EXPECT_EQ(2, vio_domain_find(&self->v, 1)->endpoints);
	/* The domain is the same; interrupts are not. */
	EXPECT_EQ(VIO_UNTRANSLATED,
		  to(&self->v, EP_A, MSI_A, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIO_UNTRANSLATED,
		  to(&self->v, EP_B, MSI_B, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_A, MSI_B, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_FAULT_R_MAPPING, reason);
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_B, MSI_A, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, MSI_A, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, MSI_B, PAGE, RAM));
	/* Once A has left, its window is free again in what was its domain. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, detach(&self->v, 1, EP_A));
	EXPECT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, MSI_A, PAGE, RAM));
	EXPECT_EQ(VIO_MEMORY, to(&self->v, EP_B, MSI_A, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE, map(&self->v, 1, MSI_B, PAGE, RAM));
	EXPECT_EQ(VIRTIO_IOMMU_S_UNSUPP, attach(&self->v, 1, EP_A));
	EXPECT_EQ(VIO_UNTRANSLATED,
		  to(&self->v, EP_A, MSI_A, ACCESS_WRITE, &phys, &reason));
}

/* An endpoint with a window and one without: the latter's doorbell has to be mapped. */
TEST_F(virtio, one_with_a_window_one_without)
{
	const __u32 mmio = VIRTIO_IOMMU_MAP_F_WRITE | VIRTIO_IOMMU_MAP_F_MMIO;
	__u64 phys;
	__u8 reason;

	START_BOTH(&msi_a, NULL);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_B));
	EXPECT_EQ(VIO_FAULT, to(&self->v, EP_B, MSI_A, ACCESS_WRITE, &phys, &reason));
	/* Not there, for A is in the same domain; elsewhere for both */
	EXPECT_EQ(VIRTIO_IOMMU_S_RANGE,
		  map_range(&self->v, 1, MSI_A, MSI_A + PAGE - 1, DOORBELL, mmio));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map_range(&self->v, 1, MSI_B, MSI_B + PAGE - 1, DOORBELL, mmio));
	EXPECT_EQ(VIO_DOORBELL, to(&self->v, EP_B, MSI_B, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(VIO_DOORBELL, to(&self->v, EP_A, MSI_B, ACCESS_WRITE, &phys, &reason));
	EXPECT_EQ(DOORBELL, phys);
}

/* --- DMA --- */

TEST_F(virtio, dma)
{
	START_A();
	fill(self->ram, 1);
	/* Not attached */
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, IOVA_BASE, PAGE, RAM));
	/* The last page of one part and the first one of the next */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map(&self->v, 1, IOVA_BASE + PAGE, 2 * PAGE, HIGH_RAM - PAGE));
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + 2 * PAGE));
	EXPECT_EQ(0, memcmp(self->ram, self->high, PAGE));
	EXPECT_EQ(0, self->ram[(RAM_PAGES - 1) * PAGE]);
	EXPECT_EQ(0, self->high[PAGE]);
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->ram, self->ram + (RAM_PAGES - 1) * PAGE, PAGE));
	/* Without a mapping, without the right, and without a domain */
	memset(self->high, 0, PAGE);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 1, IOVA_BASE + PAGE, 2 * PAGE));
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + 2 * PAGE));
	EXPECT_EQ(0, self->high[0]);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK,
		  map_range(&self->v, 1, IOVA_BASE + PAGE, IOVA_BASE + 2 * PAGE - 1,
			    HIGH_RAM, VIRTIO_IOMMU_MAP_F_READ));
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, self->high[0]);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, unmap(&self->v, 1, IOVA_BASE + PAGE, PAGE));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, map(&self->v, 1, IOVA_BASE + PAGE, PAGE, HIGH_RAM));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, detach(&self->v, 1, EP_A));
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, self->high[0]);
	/* A domain of that name is a new one. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, self->high[0]);
}

/* From one domain to another while both have the address; and a reset */
TEST_F(virtio, dma_of_domains)
{
	unsigned int i;

	START_BOTH(NULL, NULL);
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 1, EP_A));
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 2, EP_B));
	for (i = 1; i <= 2; i++) {
		fill(self->ram + i * PAGE, i);
		ASSERT_EQ(VIRTIO_IOMMU_S_OK,
			  map(&self->v, i, IOVA_BASE, PAGE, RAM + i * PAGE));
		ASSERT_EQ(VIRTIO_IOMMU_S_OK,
			  map(&self->v, i, IOVA_BASE + PAGE, PAGE, HIGH_RAM + i * PAGE));
	}
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->ram + PAGE, self->high + PAGE, PAGE));
	EXPECT_EQ(0, self->high[2 * PAGE]);
	ASSERT_EQ(0, copy_page(&self->b, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->ram + 2 * PAGE, self->high + 2 * PAGE, PAGE));
	/* Without a detach in between; the domain that was left goes. */
	ASSERT_EQ(VIRTIO_IOMMU_S_OK, attach(&self->v, 2, EP_A));
	EXPECT_EQ(NULL, vio_domain_find(&self->v, 1));
	EXPECT_EQ(2, self->v.mappings);
	memset(self->high, 0, 4 * PAGE);
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->ram + 2 * PAGE, self->high + 2 * PAGE, PAGE));
	EXPECT_EQ(0, self->high[PAGE]);
	vio_reset(&self->v);
	EXPECT_EQ(0, self->v.mappings);
	memset(self->high, 0, 4 * PAGE);
	ASSERT_EQ(0, copy_page(&self->a, IOVA_BASE, IOVA_BASE + PAGE));
	ASSERT_EQ(0, copy_page(&self->b, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, self->high[PAGE]);
	EXPECT_EQ(0, self->high[2 * PAGE]);
	EXPECT_EQ(VIRTIO_IOMMU_S_NOENT, map(&self->v, 2, IOVA_BASE, PAGE, RAM));
}

/* --- at random --- */

static __u32 next_random(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/*
 * Requests of a guest that has lost its mind: some make sense, some bytes of some do
 * not. What holds whatever comes: the list ascends, the kernel has no page pinned when
 * it is empty, and what is used is within the buffer.
 */
TEST_F(virtio, at_random)
{
	unsigned int n, i, rounds = 20000 * test_scale();
	unsigned char out[80], in[VIO_PROBE_SIZE + TAIL];
	__u32 state = 20260, ok = 0;
	long pinned = pinned_pages();

#ifdef TEST_VTD
	/* Each attach of a real device takes its time. */
	rounds /= 20;
#endif
	START_BOTH(&msi_a, NULL);
	for (n = 0; n < rounds; n++) {
		size_t out_len = sizeof(out), in_len = sizeof(in), used;
		__u64 start = IOVA_BASE + next_random(&state) % 24 * PAGE;
		__u64 last = start + (next_random(&state) % 4 + 1) * PAGE - 1;
		__u64 phys = RAM + next_random(&state) % (RAM_PAGES + HIGH_PAGES) * PAGE;
		__u8 type = next_random(&state) % 16;

		/* Mappings more often than moves */
		if (type > VIRTIO_IOMMU_T_PROBE)
			type = type & 1 ? VIRTIO_IOMMU_T_MAP : VIRTIO_IOMMU_T_UNMAP;
		memset(out, 0, sizeof(out));
		out[0] = type;
		out[4] = next_random(&state) % 4;
		if (type == VIRTIO_IOMMU_T_MAP || type == VIRTIO_IOMMU_T_UNMAP) {
			start = htole64(start);
			last = htole64(last);
			phys = htole64(phys);
			memcpy(out + 8, &start, 8);
			memcpy(out + 16, &last, 8);
			if (type == VIRTIO_IOMMU_T_MAP) {
				memcpy(out + 24, &phys, 8);
				out[32] = next_random(&state) % 8;
			}
		} else {
			out[type == VIRTIO_IOMMU_T_PROBE ? 4 : 8] =
				next_random(&state) & 1 ? EP_A : EP_B;
		}
		if (!(next_random(&state) % 8))
			out[next_random(&state) % 40] ^= 1U << next_random(&state) % 8;
		if (!(next_random(&state) % 8))
			out_len = next_random(&state) % (sizeof(out) + 1);
		if (!(next_random(&state) % 8))
			in_len = next_random(&state) % (sizeof(in) + 1);
		memset(in, 0xaa, sizeof(in));
		used = vio_request(&self->v, out, out_len, in, in_len);
		ASSERT_GE(in_len, used);
		ok += used == TAIL && !in[0];
		for (i = 0; i <= VIO_ENDPOINTS_MAX; i++) {
			const struct vio_domain *d = &self->v.domains[i];
			size_t k;

			if (!d->ioas)
				continue;
			ASSERT_NE(0, d->endpoints);
			for (k = 0; k < d->num; k++) {
				ASSERT_LT(d->mappings[k].start, d->mappings[k].last);
				if (k)
					ASSERT_LT(d->mappings[k - 1].last,
						  d->mappings[k].start);
			}
		}
	}
	EXPECT_LT(rounds / 10, ok);
	for (i = 0; i < 256; i++)
		unmap_range(&self->v, i, 0, ~0ULL);
	EXPECT_EQ(0, self->v.mappings);
	EXPECT_EQ(pinned, pinned_pages());
	TH_LOG("%u requests, %u carried out", rounds, ok);
}

/* --- regions, from made-up answers; no device is needed --- */

#ifndef TEST_VTD
#define HEAD		sizeof(struct iommu_probe_property)

/* An answer with these usable ranges and these regions of hardware */
static struct probe made_up(const struct iommu_iova_range *ranges, unsigned int num,
			    const struct iommu_probe_region *regions,
			    unsigned int num_regions)
{
	struct iommu_probe_property property = {
		.type = IOMMU_PROBE_IOVA_RANGES,
		.length = num * sizeof(*ranges),
	};
	struct probe p = {
		.len = 2 * HEAD + num * sizeof(*ranges) + num_regions * sizeof(*regions),
	};
	unsigned char *at = p.data = calloc(1, p.len);

	memcpy(at, &property, HEAD);
	memcpy(at + HEAD, ranges, property.length);
	at += HEAD + property.length;
	property.type = IOMMU_PROBE_RESV_REGIONS;
	property.length = num_regions * sizeof(*regions);
	memcpy(at, &property, HEAD);
	memcpy(at + HEAD, regions, property.length);
	return p;
}

TEST(regions_of_made_up_devices)
{
	static const struct iommu_iova_range x86[] = {
		{ 0, 0xfedfffff }, { 0xfef00000, 0xffffffffff },
	};
	static const struct iommu_probe_region x86_msi = {
		.start = 0xfee00000, .last = 0xfeefffff, .kind = IOMMU_PROBE_REGION_MSI,
	};
	static const struct iommu_iova_range arm[] = {
		{ 0, 0x7ffffff }, { 0x8100000, 0xffffffffff },
	};
	static const struct iommu_probe_region arm_msi = {
		.start = 0x8000000, .last = 0x80fffff, .kind = IOMMU_PROBE_REGION_SW_MSI,
	};
	/* The page of an ITS that devices write to, within the host's window */
	static const struct iommu_iova_range its = { 0x8090000, 0x809ffff };
	static const struct iommu_iova_range far = { 0x100000000000, 0x1000000fffff };
	static const struct iommu_iova_range wide = { 0x7f00000, 0x82fffff };
	static const struct iommu_iova_range bad = { 2, 1 };
	static const struct {
		const struct iommu_iova_range *ranges;
		unsigned int num_ranges;
		const struct iommu_probe_region *region;
		const struct iommu_iova_range *msi;
		__u64 first, last;
		unsigned int num;
		struct vio_region want[4];
	} cases[] = {
		/* The window of hardware is the guest's. */
		{ x86, 2, &x86_msi, NULL, 0, 0xffffffffff, 1, {
			{ 0xfee00000, 0xfeefffff, 1 } } },
		/* The host's window for its own doorbells: nothing to the guest */
		{ arm, 2, &arm_msi, NULL, 0, 0xffffffffff, 1, {
			{ 0x8000000, 0x80fffff, 0 } } },
		{ arm, 2, &arm_msi, &its, 0, 0xffffffffff, 3, {
			{ 0x8000000, 0x808ffff, 0 }, { 0x8090000, 0x809ffff, 1 },
			{ 0x80a0000, 0x80fffff, 0 } } },
		/* Larger than the gap; elsewhere */
		{ arm, 2, &arm_msi, &wide, 0, 0xffffffffff, 1, {
			{ 0x7f00000, 0x82fffff, 1 } } },
		{ arm, 2, &arm_msi, &far, 0, 0xffffffffff, 2, {
			{ 0x8000000, 0x80fffff, 0 },
			{ 0x100000000000, 0x1000000fffff, 1 } } },
		/* The guest was told of more than this one reaches, at both ends. */
		{ x86, 2, &x86_msi, NULL, 0, ~0ULL, 2, {
			{ 0xfee00000, 0xfeefffff, 1 },
			{ 0x10000000000, ~0ULL, 0 } } },
		{ x86 + 1, 1, NULL, NULL, 0x1000, 0x1ffffffffff, 2, {
			{ 0x1000, 0xfeefffff, 0 },
			{ 0x10000000000, 0x1ffffffffff, 0 } } },
		/* Or of less */
		{ arm, 2, NULL, NULL, 0x8080000, 0x80bffff, 1, {
			{ 0x8080000, 0x80bffff, 0 } } },
		{ arm, 2, NULL, NULL, 0x1000, 0x1fff, 0, { { 0 } } },
	};
	struct vio_regions regions;
	struct probe p = { 0 };
	unsigned int i, k;

	EXPECT_EQ(-EOPNOTSUPP, vio_regions_of(&p, 0, ~0ULL, NULL, &regions));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		p = made_up(cases[i].ranges, cases[i].num_ranges, cases[i].region,
			    !!cases[i].region);
		EXPECT_EQ(-EINVAL, vio_regions_of(&p, 1, 0, NULL, &regions));
		EXPECT_EQ(-EINVAL, vio_regions_of(&p, 0, 1, &bad, &regions));
		ASSERT_EQ(0, vio_regions_of(&p, cases[i].first, cases[i].last,
					    cases[i].msi, &regions));
		EXPECT_EQ(cases[i].num, regions.num)
			TH_LOG("case %u", i);
		for (k = 0; k < regions.num && k < cases[i].num; k++) {
			EXPECT_EQ(cases[i].want[k].start, regions.list[k].start)
				TH_LOG("case %u", i);
			EXPECT_EQ(cases[i].want[k].last, regions.list[k].last)
				TH_LOG("case %u", i);
			EXPECT_EQ(cases[i].want[k].subtype, regions.list[k].subtype)
				TH_LOG("case %u", i);
		}
		vio_regions_free(&regions);
		probe_free(&p);
	}
}
#endif

TEST_HARNESS_MAIN
