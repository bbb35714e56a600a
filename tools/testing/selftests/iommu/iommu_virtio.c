// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's virtio-iommu, driven by the base tree: what /dev/iommu makes of a driver that
 * states no facts, decides on its tables when a device is attached first, and has
 * nothing but plain page tables. DMA is iommu_vtd.c's.
 *
 * VIRTIO_REGIONS: what the unit reserves, START:LAST:KIND... in hexadecimal with KIND 0
 * or 1 as in its property; "none". Without it: what the machine sets by itself. Its
 * granule is the kernel's page: with a larger one the driver attaches nothing, and warns
 * of that at boot.
 */
#include "iommu_test.h"

#include "../../../iommu/lib/probe.h"

#define MAX_RANGES	16
#define MAX_REGIONS	8
#define KINDS		4

#ifdef __aarch64__
/* The page of the ITS that devices write to */
#define MACHINE_REGIONS	"8090000:809ffff:1"
#else
#define MACHINE_REGIONS	"fee00000:feefffff:1"
#endif

/* The window that the driver asks for where no region is for interrupts */
#define SW_MSI_START	0x8000000ULL
#define SW_MSI_LAST	0x80fffffULL

FIXTURE(virtio) {
	int fd;
	__u32 ioas;
	struct vfio_dev v;
	unsigned char *a;
	unsigned char *b;
	struct iommu_probe_region want[MAX_REGIONS];
	unsigned int num;
	bool dma;
};

static int by_start(const void *a, const void *b)
{
	const struct iommu_probe_region *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* What the environment says, as the probe should */
static unsigned int expected(struct iommu_probe_region *want)
{
	const char *text = getenv("VIRTIO_REGIONS");
	unsigned long long start, last;
	unsigned int num = 0, kind;
	bool msi = false;
	int used;

	if (!text)
		text = MACHINE_REGIONS;
	while (num < MAX_REGIONS - 1 &&
	       sscanf(text, "%llx:%llx:%u%n", &start, &last, &kind, &used) == 3) {
		want[num++] = (struct iommu_probe_region){
			.start = start,
			.last = last,
			.kind = kind ? IOMMU_PROBE_REGION_MSI :
				       IOMMU_PROBE_REGION_RESERVED,
		};
		msi |= kind;
		text += used;
		text += *text == ',';
	}
	if (!msi)
		want[num++] = (struct iommu_probe_region){
			.start = SW_MSI_START,
			.last = SW_MSI_LAST,
			.kind = IOMMU_PROBE_REGION_SW_MSI,
		};
	qsort(want, num, sizeof(*want), by_start);
	return num;
}

/* A network card: where no interrupt controller takes MSIs QEMU has no edu function. */
#define NIC_VENDOR	0x8086
#define NIC_DEVICE	0x10d3

static int nic_open(struct vfio_dev *v)
{
	char name[64];
	int rc;

	rc = pci_find(NIC_VENDOR, NIC_DEVICE, 0, name, sizeof(name));
	if (!rc)
		rc = pci_give_to_vfio(name);
	return rc ? rc : vfio_dev_open(name, v);
}

FIXTURE_SETUP(virtio)
{
	self->v.fd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->dma = edu_behind("virtio");
	if (!self->dma && !getenv("VIRTIO_NIC"))
		SKIP(return, "there is no edu function behind a virtio-iommu");
	self->num = expected(self->want);
	self->a = mem_get(8 * PAGE);
	ASSERT_NE(NULL, self->a);
	self->b = self->a + 4 * PAGE;
	ASSERT_EQ(0, self->dma ? edu_open(0, &self->v) : nic_open(&self->v));
	ASSERT_EQ(0, vfio_dev_bind(&self->v, self->fd));
	ASSERT_EQ(0, self->dma ? edu_start(&self->v) : 0);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(virtio)
{
	vfio_dev_close(&self->v);
	close(self->fd);
}

static int attach(FIXTURE_DATA(virtio) *self, __u32 pt)
{
	return vfio_dev_attach(&self->v, &pt);
}

static void fill(unsigned char *p, unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < PAGE; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(seed >> 24) | 1;
	}
}

static int bounce(FIXTURE_DATA(virtio) *self, __u64 from, __u64 to)
{
	int rc = edu_dma_read(&self->v, from, 0, PAGE);

	return rc ? rc : edu_dma_write(&self->v, to, 0, PAGE);
}

/* The unit's own: told of a device whether it is attached or not */
TEST_F(virtio, regions_told)
{
	const struct iommu_probe_property *property;
	const struct iommu_probe_region *region;
	struct probe p;
	unsigned int i, round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, probe_read(self->fd, self->v.id, &p));
		property = probe_find(&p, IOMMU_PROBE_RESV_REGIONS, 0);
		ASSERT_NE(NULL, property);
		ASSERT_EQ(self->num * sizeof(*region), property->length);
		region = probe_value(property);
		for (i = 0; i < self->num; i++) {
			EXPECT_EQ(self->want[i].start, region[i].start);
			EXPECT_EQ(self->want[i].last, region[i].last);
			EXPECT_EQ(self->want[i].kind, region[i].kind);
			TH_LOG("%llx-%llx %s", region[i].start, region[i].last,
			       probe_region_name(region[i].kind));
		}
		probe_free(&p);
		ASSERT_EQ(0, attach(self, self->ioas));
	}
}

/* What cannot be mapped is neither in the ranges nor can it be mapped. */
TEST_F(virtio, regions_cannot_be_mapped)
{
	struct iommu_iova_range r[MAX_RANGES];
	__u32 num = MAX_RANGES, i, k;
	struct fdinfo before, after;
	__u64 at = 0;

	ASSERT_EQ(0, attach(self, self->ioas));
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, NULL));
	for (i = 0, k = 0; i < self->num; i++) {
		if (self->want[i].start > at) {
			ASSERT_LT(k, num);
			EXPECT_EQ(at, r[k].start);
			EXPECT_EQ(self->want[i].start - 1, r[k].last);
			k++;
		}
		at = self->want[i].last + 1;
	}
	ASSERT_EQ(num, k + 1);
	EXPECT_EQ(at, r[k].start);
	state_of(self->fd, &before);
	for (i = 0; i < self->num; i++) {
		__u64 start = self->want[i].start, last = self->want[i].last;

		EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE, start));
		EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE,
					     last + 1 - PAGE));
		EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, 2 * PAGE,
					     start - PAGE));
		EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, 2 * PAGE,
					     last + 1 - PAGE));
	}
	/* And what is above the unit's addresses */
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE, r[k].last + 1));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	/* Right up to them there is room. */
	for (i = 0; i < self->num; i++) {
		EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE,
				       self->want[i].start - PAGE));
		EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE,
				       self->want[i].last + 1));
	}
}

/* Has the driver logged a fault at @addr since @log was opened? */
static bool fault_logged(int log, __u64 addr)
{
	char line[1024], want[64];
	ssize_t n;

	snprintf(want, sizeof(want), "at %#llx [", (unsigned long long)addr);
	/* A record each; EPIPE: some were lost meanwhile */
	while ((n = read(log, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		if (n <= 0)
			continue;
		line[n] = 0;
		if (strstr(line, " fault from EP ") && strstr(line, want))
			return true;
	}
	return false;
}

/*
 * Nor does DMA get through where a region is not for interrupts. The driver logs what
 * the unit says of that, but no more than some lines in a while.
 */
TEST_F_TIMEOUT(virtio, regions_are_blocked, 120)
{
	unsigned int i, tried = 0;
	__u64 addr, end;
	bool blocked;
	int log;

	ASSERT_EQ(0, attach(self, self->ioas));
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, log);
	for (i = 0; i < self->num; i++) {
		if (self->want[i].kind != IOMMU_PROBE_REGION_RESERVED)
			continue;
		/* No other test has asked for that */
		addr = self->want[i].start + 0x7c8;
		tried++;
		end = now_ms() + FOREVER_MS;
		do {
			lseek(log, 0, SEEK_END);
			ASSERT_EQ(0, edu_dma_read(&self->v, addr, 0, 8));
			sleep_ms(100);
			blocked = fault_logged(log, addr);
		} while (!blocked && now_ms() < end);
		EXPECT_TRUE(blocked);
	}
	close(log);
	if (!tried)
		SKIP(return, "the unit reserves nothing but for interrupts");
}

/* Mapped before: the device cannot be attached, or moved, there. */
TEST_F(virtio, regions_mapped_before)
{
	__u32 other, i;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->a, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->b, PAGE, IOVA_BASE + PAGE));
	for (i = 0; i < self->num; i++) {
		__u64 at = self->want[i].start;

		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, at));
		EXPECT_EQ(-EADDRINUSE, attach(self, self->ioas));
		ASSERT_EQ(0, attach(self, other));
		EXPECT_EQ(-EADDRINUSE, attach(self, self->ioas));
		/* It is where it was. */
		fill(self->a, 1 + i);
		if (self->dma) {
			ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
			EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
		}
		ASSERT_EQ(0, vfio_dev_detach(&self->v));
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, at, PAGE, NULL));
	}
	EXPECT_EQ(0, attach(self, self->ioas));
}

/*
 * Where its addresses end it says only when a device is attached, to a table that is
 * empty then. What does not fit is noticed after that, and everything undone.
 */
TEST_F(virtio, mapped_above_its_reach)
{
	struct iommu_iova_range r[MAX_RANGES];
	__u32 num = MAX_RANGES, other, hwpt;
	__u64 above;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, attach(self, other));
	ASSERT_EQ(0, iommu_ranges(self->fd, other, r, &num, NULL));
	above = r[num - 1].last + 1;
	ASSERT_NE(0, above);
	ASSERT_EQ(0, iommu_map(self->fd, other, self->a, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->b, PAGE, IOVA_BASE + PAGE));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, above));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_BASE + PAGE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->v.id, self->ioas, 0, 0, &hwpt));
	/* A replace, by the IOAS and by the HWPT: it goes back where it was. */
	EXPECT_EQ(-EADDRINUSE, attach(self, self->ioas));
	EXPECT_EQ(-EADDRINUSE, attach(self, hwpt));
	fill(self->a, 1);
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	/* An attach: it reaches nothing. */
	ASSERT_EQ(0, vfio_dev_detach(&self->v));
	EXPECT_EQ(-EADDRINUSE, attach(self, self->ioas));
	EXPECT_EQ(-EADDRINUSE, attach(self, hwpt));
	memset(self->b, 0, PAGE);
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, self->b[0]);
	/* Nobody is in the way now. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, above, PAGE, NULL));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_BASE));
	ASSERT_EQ(0, attach(self, hwpt));
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE, above));
	ASSERT_EQ(0, vfio_dev_detach(&self->v));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, above));
}

/*
 * A HWPT that no device was ever attached to: it is not filled, and nothing of it
 * reaches the driver, which could not take it.
 */
TEST_F(virtio, table_without_a_device)
{
	struct iommu_hwpt_invalidate_range all = { .length = ~0ULL };
	struct iommu_iova_range r[MAX_RANGES];
	__u32 hwpt, num = MAX_RANGES, done = 1;
	long pinned = pinned_pages();
	struct fdinfo info;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->v.id, self->ioas, 0, 0, &hwpt));
	state_of(self->fd, &info);
	EXPECT_NE(NULL, strstr(info.text, "not-filled"));
	EXPECT_EQ(pinned, pinned_pages());
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, NULL));
	EXPECT_EQ(1, num);
	EXPECT_EQ(~0ULL, r[0].last);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, iommu_hwpt_invalidate(self->fd, hwpt,
					   IOMMU_HWPT_INVALIDATE_DATA_RANGE, &all,
					   sizeof(all), &done));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE, PAGE, NULL));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_BASE));
	/* It goes without ever having had one. */
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->v.id, self->ioas, 0, 0, &hwpt));
	ASSERT_EQ(0, attach(self, hwpt));
	EXPECT_EQ(pinned + 2, pinned_pages());
	state_of(self->fd, &info);
	EXPECT_EQ(NULL, strstr(info.text, "not-filled"));
	fill(self->a, 1);
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	/* It stays filled, and follows, without the device too. */
	ASSERT_EQ(0, vfio_dev_detach(&self->v));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_BASE + PAGE, PAGE, NULL));
	EXPECT_EQ(pinned + 1, pinned_pages());
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b + PAGE, PAGE,
			       IOVA_BASE + PAGE));
	ASSERT_EQ(0, attach(self, hwpt));
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->a, self->b + PAGE, PAGE));
}

/* The granule: told, by all who tell it, and mappings have to keep to it. */
TEST_F(virtio, granule)
{
	struct iommu_iova_range r[MAX_RANGES];
	__u32 num = MAX_RANGES;
	__u64 alignment, sizes;
	struct probe p;

	/* Not known before: neither sizes nor ranges are told then. */
	ASSERT_EQ(0, probe_read(self->fd, self->v.id, &p));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_IOVA_RANGES, 0));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_PAGE_SIZES, 0));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_ALIGNMENT, 0));
	probe_free(&p);
	ASSERT_EQ(0, attach(self, self->ioas));
	ASSERT_EQ(0, probe_read(self->fd, self->v.id, &p));
	sizes = probe_u64(&p, IOMMU_PROBE_PAGE_SIZES, 0, 0, 0);
	/* QEMU's unit has all sizes from its granule on. */
	EXPECT_EQ(-PAGE, sizes);
	EXPECT_EQ(PAGE, probe_u64(&p, IOMMU_PROBE_ALIGNMENT, 0, 0, 0));
	probe_free(&p);
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, &alignment));
	EXPECT_EQ(PAGE, alignment);
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE / 2,
				     IOVA_BASE));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->a, PAGE,
				     IOVA_BASE + PAGE / 2));
	EXPECT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_BASE));
}

/* Two of the functions, one after the other to a table that had the first alone */
TEST_F(virtio, second_device_joins)
{
	struct vfio_dev second;
	__u32 hwpt, pt;
	int rc;

	rc = edu_open(1, &second);
	if (rc == -ENODEV)
		SKIP(return, "there is one device only");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_dev_bind(&second, self->fd));
	ASSERT_EQ(0, edu_start(&second));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_BASE + PAGE));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->v.id, self->ioas, 0, 0, &hwpt));
	pt = hwpt;
	ASSERT_EQ(0, vfio_dev_attach(&second, &pt));
	ASSERT_EQ(0, attach(self, hwpt));
	ASSERT_EQ(0, vfio_dev_detach(&second));
	fill(self->a, 1);
	ASSERT_EQ(0, bounce(self, IOVA_BASE, IOVA_BASE + PAGE));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	vfio_dev_close(&second);
}

/* What the driver does not have, by the errors that compatibility.rst lists */
TEST_F(virtio, what_it_lacks)
{
	struct iommu_hw_info info = { .size = sizeof(info), .dev_id = self->v.id };
	struct iommu_hwpt_set_dirty_tracking dirty = {
		.size = sizeof(dirty),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	};
	__u32 types[] = { IOMMU_HWPT_DATA_VTD_S1, IOMMU_HWPT_DATA_ARM_SMMUV3 };
	const struct iommu_probe_faults *faults;
	__u32 hwpt, fault, id, pt, flags, i, who, why;
	struct iommu_device_pri pri = { 0 };
	__u64 data[16] = { 0 };
	struct probe p;
	int queue;

	ASSERT_EQ(0, attach(self, self->ioas));
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &info));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_NONE, info.out_data_type);
	EXPECT_EQ(0, info.data_len);
	EXPECT_EQ(IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED, info.out_capabilities);
	EXPECT_EQ(0, info.out_max_pasid_log2);
	ASSERT_EQ(0, probe_read(self->fd, self->v.id, &p));
	EXPECT_EQ(IOMMU_PROBE_CAP_COHERENT,
		  probe_u64(&p, IOMMU_PROBE_CAPABILITIES, 0, 0, 0));
	EXPECT_EQ(0, probe_u64(&p, IOMMU_PROBE_SNOOP, 0, 0, 9));
	EXPECT_EQ(0, probe_u64(&p, IOMMU_PROBE_PASIDS, 0, 0, 9));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_TABLE_WIDTHS, 0));
	EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_HW_INFO, 0));
	faults = probe_value(probe_find(&p, IOMMU_PROBE_FAULTS, 0));
	EXPECT_EQ(0, faults->flags);
	for (flags = 1; flags < KINDS; flags++)
		EXPECT_EQ(NULL, probe_find(&p, IOMMU_PROBE_IOVA_RANGES, flags));
	probe_free(&p);

	for (flags = 1; flags < KINDS; flags++)
		EXPECT_EQ(-EOPNOTSUPP,
			  iommu_hwpt_paging(self->fd, self->v.id, self->ioas, flags, 0,
					    &hwpt));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->v.id, self->ioas,
				    IOMMU_HWPT_ALLOC_PASID, 0, &hwpt));
	queue = iommu_fault_queue(self->fd, 16, 0, 0, &fault);
	ASSERT_LE(0, queue);
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->v.id, self->ioas,
				    IOMMU_HWPT_FAULT_ID_VALID, fault, &hwpt));
	close(queue);

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->v.id, self->ioas, 0, 0, &hwpt));
	dirty.hwpt_id = hwpt;
	EXPECT_EQ(-EOPNOTSUPP, iommu_call(self->fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &dirty));
	EXPECT_EQ(-EOPNOTSUPP, iommu_eventq(self->fd, hwpt, 16, &id));
	for (i = 0; i < ARRAY_LEN(types); i++)
		EXPECT_EQ(-EOPNOTSUPP,
			  iommu_hwpt_nested(self->fd, self->v.id, hwpt, 0, 0, types[i],
					    data, sizeof(data), &id));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_viommu(self->fd, self->v.id, hwpt, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
			       NULL, 0, &id));
	pt = self->ioas;
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, self->v.id, 1, &pt));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_pri(self->fd, self->v.id, IOMMU_DEVICE_PRI_QUERY, &pri));
	/* A list's table is filled when it is made: this driver's cannot be. */
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_for(self->fd, &self->v.id, 1, self->ioas, 0, &id,
					      &who, &why));
	EXPECT_EQ(self->v.id, who);
	EXPECT_EQ(IOMMU_PROBE_IOVA_RANGES, why);
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
}

/* On x86-64 nothing remaps its interrupts: a device can forge any, and is not given. */
TEST(interrupts_not_isolated)
{
	static const char path[] = "/sys/module/iommufd/parameters/allow_unsafe_interrupts";
	struct vfio_dev v;
	int fd, file;

#ifdef __aarch64__
	SKIP(return, "the ITS isolates them");
#endif
	if (!edu_behind("virtio"))
		SKIP(return, "there is no edu function behind a virtio-iommu");
	file = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, file);
	fd = iommu_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(file, "N", 1, 0));
	ASSERT_EQ(0, edu_open(0, &v));
	EXPECT_EQ(-EPERM, vfio_dev_bind(&v, fd));
	vfio_dev_close(&v);
	ASSERT_EQ(1, pwrite(file, "Y", 1, 0));
	ASSERT_EQ(0, edu_open(0, &v));
	EXPECT_EQ(0, vfio_dev_bind(&v, fd));
	vfio_dev_close(&v);
	close(file);
	close(fd);
}

TEST_HARNESS_MAIN
