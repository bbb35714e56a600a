// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI function under VFIO's device file, behind a VT-d unit (QEMU's is also an
 * SMMUv3, on arm64, or a virtio-iommu): bind, attach, replace and detach as a VMM does
 * them, and DMA whose bytes are compared. Both are QEMU's (edu), or both the model's;
 * what is not there is skipped. Two functions are used where there are two. And edu in a
 * VFIO group, as programs have it that know of no /dev/iommu.
 *
 * A DMA of edu takes a tenth of a second, and a blocked one is seen by its
 * effect only: memory unchanged, or nothing read.
 */
#include "iommu_test.h"

#include <limits.h>

#include "../../../iommu/lib/dma_engine.h"
#include "../../../iommu/lib/vfio_uapi.h"

#define IOVA_A		IOVA_BASE
/* Not where SMMUv3s have their doorbells, at 8 * IOVA_BASE */
#define IOVA_B		(10 * IOVA_BASE)

FIXTURE(vtd) {
	int fd;
	__u32 ioas;
	struct dma_host host;
	struct dma_engine dev;
	unsigned char *a;
	unsigned char *b;
};

FIXTURE_VARIANT(vtd) {
	enum dma_engine_kind kind;
};

FIXTURE_VARIANT_ADD(vtd, edu) { DMA_ENGINE_EDU };
FIXTURE_VARIANT_ADD(vtd, model) { DMA_ENGINE_MODEL };

FIXTURE_SETUP(vtd)
{
	int rc;

	self->dev.v.fd = -1;
	self->host.m.fd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	rc = dma_host_open(variant->kind, &self->host);
	if (rc == -ENODEV)
		SKIP(return, "there is no such device here");
	ASSERT_EQ(0, rc);
	self->a = mem_get(8 * PAGE);
	ASSERT_NE(NULL, self->a);
	self->b = self->a + 4 * PAGE;
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &self->dev));
	ASSERT_EQ(0, vfio_dev_bind(&self->dev.v, self->fd));
	ASSERT_EQ(0, dma_engine_start(&self->dev));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(vtd)
{
	dma_engine_close(&self->dev);
	close(self->fd);
	dma_host_close(&self->host);
}

static void fill(unsigned char *p, unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < PAGE; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(seed >> 24) | 1;
	}
}

/* Memory at @from to the device and from there to @to */
static int bounce(struct dma_engine *e, __u64 from, __u64 to)
{
	int rc = dma_engine_in(e, from, 0, PAGE);

	return rc ? rc : dma_engine_out(e, to, 0, PAGE);
}

TEST_F(vtd, dma_both_ways)
{
	__u32 pt = self->ioas;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	/* The page table the kernel made for it */
	EXPECT_NE(self->ioas, pt);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, 4 * PAGE,
			       IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, 4 * PAGE,
			       IOVA_B));
	fill(self->a + PAGE, 1);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A + PAGE, IOVA_B + 2 * PAGE));
	EXPECT_EQ(0, memcmp(self->a + PAGE, self->b + 2 * PAGE, PAGE));
	EXPECT_EQ(0, self->b[2 * PAGE - 1]);
	EXPECT_EQ(0, self->b[3 * PAGE]);
}

TEST_F(vtd, blocked_after_unmap)
{
	__u32 pt = self->ioas;
	unsigned int i, same = 0;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	fill(self->a, 2);
	/* The unit has the translation in its cache. */
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_A, PAGE, NULL));
	memset(self->a, 0x42, PAGE);
	ASSERT_EQ(0, dma_engine_out(&self->dev, IOVA_A, 0, PAGE));
	for (i = 0; i < PAGE; i++)
		ASSERT_EQ(0x42, self->a[i]);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	for (i = 0; i < PAGE; i++)
		same += self->b[i] == 0x42;
	/* By chance a byte of the old contents may be the same. */
	EXPECT_GT(PAGE / 16, same);
}

/* Mapped without the right to write: reading works, writing does not. */
TEST_F(vtd, read_only)
{
	__u32 pt = self->ioas;
	__u64 iova = IOVA_A;
	unsigned int i;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, iommu_map_flags(self->fd, self->ioas, self->a, PAGE,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &iova));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	fill(self->a, 3);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	memset(self->a, 0x42, PAGE);
	ASSERT_EQ(0, dma_engine_out(&self->dev, IOVA_A, 0, PAGE));
	for (i = 0; i < PAGE; i++)
		ASSERT_EQ(0x42, self->a[i]);
}

TEST_F(vtd, detach_and_attach_again)
{
	__u32 pt = self->ioas;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	fill(self->a, 4);
	/* Bound, not attached: it reaches nothing. */
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, self->b[0]);
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	/* The automatic page table went with its last user. */
	EXPECT_EQ(-ENOENT, iommu_destroy(self->fd, pt));
	memset(self->b, 0, PAGE);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, self->b[0]);
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
}

/* From one address space to another while both have mappings */
TEST_F(vtd, replace)
{
	__u32 pt = self->ioas, other, hwpt;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	/* The other one has different memory at the same address. */
	ASSERT_EQ(0, iommu_map(self->fd, other, self->a + PAGE, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->b, PAGE, IOVA_B));
	fill(self->a, 5);
	fill(self->a + PAGE, 6);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	pt = other;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a + PAGE, self->b, PAGE));
	/* To a page table by its own id */
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.v.id, self->ioas, 0,
				       0, &hwpt));
	pt = hwpt;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	EXPECT_EQ(hwpt, pt);
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, hwpt));
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_destroy(self->fd, other));
}

/* A replace that cannot be: the device goes on with what it had. */
TEST_F(vtd, replace_refused)
{
	struct iommu_iova_range r[16];
	__u32 pt = self->ioas, other, num = 16, i;
	__u64 outside = 0;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	/* A mapping in the window for interrupts, which no device can have */
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, r, &num, NULL));
	for (i = 0; i + 1 < num; i++)
		outside = r[i].last + 1;
	ASSERT_NE(0, outside);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_map(self->fd, other, self->a, PAGE, outside));
	pt = other;
	EXPECT_EQ(-EADDRINUSE, vfio_dev_attach(&self->dev.v, &pt));
	pt = 1000000;
	EXPECT_EQ(-ENOENT, vfio_dev_attach(&self->dev.v, &pt));
	pt = self->dev.v.id;
	EXPECT_EQ(-EINVAL, vfio_dev_attach(&self->dev.v, &pt));
	fill(self->a, 7);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
}

/* A page table filled before the device comes under it */
TEST_F(vtd, page_table_made_first)
{
	__u32 hwpt, pt;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.v.id, self->ioas, 0,
				       0, &hwpt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	pt = hwpt;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	fill(self->a, 8);
	ASSERT_EQ(0, bounce(&self->dev, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
}

/* One function has one owner; VFIO itself sees to that. */
TEST_F(vtd, opened_twice)
{
	struct dma_engine again;
	int other = iommu_open();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &again));
	EXPECT_EQ(-EINVAL, vfio_dev_bind(&again.v, other));
	dma_engine_close(&again);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &again));
	EXPECT_EQ(-EINVAL, vfio_dev_bind(&again.v, self->fd));
	dma_engine_close(&again);
	/* Free again once its owner has closed it */
	dma_engine_close(&self->dev);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &self->dev));
	EXPECT_EQ(0, vfio_dev_bind(&self->dev.v, other));
	dma_engine_close(&self->dev);
	close(other);
}

static bool group_of(struct dma_host *host, unsigned int nth, char *group,
		     size_t size)
{
	char name[64];

	return !dma_engine_name(host, nth, name, sizeof(name)) &&
	       !pci_group(name, group, size);
}

/* Two functions that the IOMMU cannot tell apart: i, and i + 1 */
static bool find_pair(struct dma_host *host, unsigned int *i)
{
	char a[128], b[128];

	for (*i = 0; group_of(host, *i, a, sizeof(a)); (*i)++)
		if (group_of(host, *i + 1, b, sizeof(b)) && !strcmp(a, b))
			return true;
	return false;
}

/* Functions of one group reach each other's memory: one owner for all. */
TEST_F(vtd, one_group_two_contexts)
{
	struct dma_engine first, second;
	unsigned int i;
	__u32 pt, pt2, other_ioas;
	int other;

	if (!find_pair(&self->host, &i))
		SKIP(return, "no two functions share a group");
	dma_engine_close(&self->dev);
	other = iommu_open();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, dma_engine_open(&self->host, i, &first));
	ASSERT_EQ(0, dma_engine_open(&self->host, i + 1, &second));
	ASSERT_EQ(0, vfio_dev_bind(&first.v, self->fd));
	EXPECT_EQ(-EBUSY, vfio_dev_bind(&second.v, other));
	dma_engine_close(&second);
	ASSERT_EQ(0, dma_engine_open(&self->host, i + 1, &second));
	ASSERT_EQ(0, vfio_dev_bind(&second.v, self->fd));
	EXPECT_NE(first.v.id, second.v.id);
	/* One address space for both */
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&first.v, &pt));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other_ioas));
	pt2 = other_ioas;
	EXPECT_EQ(-EINVAL, vfio_dev_attach(&second.v, &pt2));
	pt2 = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&second.v, &pt2));
	EXPECT_EQ(pt, pt2);
	/* A replace moves the whole group. */
	ASSERT_EQ(0, dma_engine_start(&first));
	ASSERT_EQ(0, dma_engine_start(&second));
	ASSERT_EQ(0, iommu_map(self->fd, other_ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, other_ioas, self->b, PAGE, IOVA_B));
	pt = other_ioas;
	ASSERT_EQ(0, vfio_dev_attach(&first.v, &pt));
	fill(self->a, 11);
	ASSERT_EQ(0, bounce(&second, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	/* One leaves; the other one stays. */
	dma_engine_close(&first);
	fill(self->a, 12);
	ASSERT_EQ(0, bounce(&second, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	dma_engine_close(&second);
	/* Now the other context may have them. */
	ASSERT_EQ(0, dma_engine_open(&self->host, i, &first));
	EXPECT_EQ(0, vfio_dev_bind(&first.v, other));
	dma_engine_close(&first);
	close(other);
}

TEST_F(vtd, bind_to_something_else)
{
	struct dma_engine again;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, null);
	dma_engine_close(&self->dev);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &again));
	EXPECT_GT(0, vfio_dev_bind(&again.v, null));
	EXPECT_GT(0, vfio_dev_bind(&again.v, -1));
	dma_engine_close(&again);
	close(null);
}

TEST_F(vtd, device_id_cannot_be_destroyed)
{
	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, self->dev.v.id));
}

/*
 * The base tree's driver delivers no page faults to /dev/iommu. Ours does, of
 * devices that can send any: edu cannot.
 */
TEST_F(vtd, fault_queue)
{
	bool faults = variant->kind == DMA_ENGINE_MODEL;
	__u32 fault, hwpt, queue_dev;
	int queue;

	queue = iommu_fault_queue(self->fd, 0, 0, 0, &fault);
	ASSERT_LE(0, queue);
	EXPECT_EQ(faults ? 0 : -EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->dev.v.id, self->ioas,
				    IOMMU_HWPT_FAULT_ID_VALID, fault, &hwpt));
	if (faults) {
		__u32 pt = hwpt;

		EXPECT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
		EXPECT_EQ(0, vfio_dev_detach(&self->dev.v));
		EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	}
	close(queue);
	EXPECT_EQ(0, iommu_destroy(self->fd, fault));
	queue = iommu_fault_queue(self->fd, 8, 0, self->dev.v.id, &queue_dev);
	EXPECT_LE(0, queue);
	close(queue);
}

TEST_F(vtd, hw_info)
{
	struct iommu_hw_info_vtd vtd = { 0 };
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = self->dev.v.id,
		.data_len = sizeof(vtd),
		.data_uptr = (uintptr_t)&vtd,
	};

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	/* As iommu_virtio.c has it */
	if (variant->kind == DMA_ENGINE_EDU && edu_behind("virtio")) {
		EXPECT_EQ(IOMMU_HW_INFO_TYPE_NONE, c.out_data_type);
		return;
	}
#ifdef __aarch64__
	/* iommu_smmuv3.c looks at what it says. */
	if (variant->kind == DMA_ENGINE_EDU) {
		EXPECT_EQ(IOMMU_HW_INFO_TYPE_ARM_SMMUV3, c.out_data_type);
		return;
	}
#endif
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_INTEL_VTD, c.out_data_type);
	EXPECT_EQ(sizeof(vtd), c.data_len);
	EXPECT_NE(0, vtd.cap_reg);
	EXPECT_NE(0, vtd.ecap_reg);
	/* Said of all but models, as it cannot be told which units have it */
	EXPECT_EQ(variant->kind == DMA_ENGINE_EDU ?
			  IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 : 0, vtd.flags);
	EXPECT_EQ(0, vtd.__reserved);
}

/* Two devices share what fits both, and one's detach is not the other's. */
TEST_F(vtd, two_devices_one_address_space)
{
	__u32 pt = self->ioas, pt2 = self->ioas;
	struct dma_engine second;
	int rc;

	rc = dma_engine_open(&self->host, 1, &second);
	if (rc == -ENODEV)
		SKIP(return, "there is one device only");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_dev_bind(&second.v, self->fd));
	ASSERT_EQ(0, dma_engine_start(&second));
	EXPECT_NE(self->dev.v.id, second.v.id);
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, vfio_dev_attach(&second.v, &pt2));
	EXPECT_EQ(pt, pt2);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	fill(self->a, 9);
	ASSERT_EQ(0, bounce(&second, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	fill(self->a, 10);
	ASSERT_EQ(0, bounce(&second, IOVA_A, IOVA_B));
	EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	dma_engine_close(&second);
}

/* The owner is killed in the middle of it: the function is free again. */
TEST_F(vtd, owner_killed)
{
	int p[2], other, status;
	__u32 pt;
	char ok = 0;
	pid_t child;

	dma_engine_close(&self->dev);
	ASSERT_EQ(0, pipe(p));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		int fd = iommu_open();
		__u32 ioas;

		if (fd < 0 || dma_engine_open(&self->host, 0, &self->dev) ||
		    vfio_dev_bind(&self->dev.v, fd) ||
		    iommu_ioas_alloc(fd, &ioas))
			_exit(1);
		pt = ioas;
		if (vfio_dev_attach(&self->dev.v, &pt) ||
		    iommu_map(fd, ioas, self->a, 4 * PAGE, IOVA_A))
			_exit(1);
		if (write(p[1], "k", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(p[1]);
	EXPECT_EQ(1, read(p[0], &ok, 1));
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	other = iommu_open();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &self->dev));
	EXPECT_EQ(0, vfio_dev_bind(&self->dev.v, other));
	dma_engine_close(&self->dev);
	close(other);
}

/* What later kernels' VFIO has for PASIDs: 6.12's refuses it, and does nothing. */
TEST_F(vtd, no_pasids_by_way_of_vfio)
{
	struct {
		__u32 argsz, flags, pt_id, pasid;
	} attach = { sizeof(attach), 1, self->ioas, 1 };
	struct {
		__u32 argsz, flags, pasid;
	} detach = { sizeof(detach), 1, 1 };

	EXPECT_EQ(-EINVAL,
		  iommu_call(self->dev.v.fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			     &attach));
	EXPECT_EQ(self->ioas, attach.pt_id);
	EXPECT_EQ(-EINVAL,
		  iommu_call(self->dev.v.fd, VFIO_DEVICE_DETACH_IOMMUFD_PT,
			     &detach));
	/* Nothing has come to need it. */
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas));
}

/*
 * A group in a container. Where /dev/vfio/vfio is VFIO's own it has to be the same.
 */

FIXTURE(group) {
	char name[64];
	char path[128];
	int container;
	int group;
	struct vfio_dev v;
	unsigned char *memory;
};

FIXTURE_SETUP(group)
{
	char path[128], link[PATH_MAX];
	ssize_t n;

	self->group = -1;
	self->v.fd = -1;
	self->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (self->container < 0)
		SKIP(return, "there is no /dev/vfio/vfio");
	if (pci_find(EDU_VENDOR, EDU_DEVICE, 0, self->name, sizeof(self->name)))
		SKIP(return, "there is no such device here");
	ASSERT_EQ(0, pci_give_to_vfio(self->name));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 self->name);
	n = readlink(path, link, sizeof(link) - 1);
	ASSERT_LT(0, n);
	link[n] = 0;
	snprintf(self->path, sizeof(self->path), "/dev/vfio/%.64s",
		 strrchr(link, '/') + 1);
	if (!ioctl(self->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU))
		SKIP(return, "VFIO has no type1");
	self->memory = mem_get(3 * PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(group)
{
	vfio_dev_close(&self->v);
	if (self->group >= 0)
		close(self->group);
	close(self->container);
}

static int group_enter(FIXTURE_DATA(group) *self)
{
	self->group = open(self->path, O_RDWR | O_CLOEXEC);
	if (self->group < 0 ||
	    ioctl(self->group, VFIO_GROUP_SET_CONTAINER, &self->container) ||
	    ioctl(self->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	return 0;
}

static int group_device(FIXTURE_DATA(group) *self)
{
	self->v.fd = ioctl(self->group, VFIO_GROUP_GET_DEVICE_FD, self->name);
	return self->v.fd < 0 ? -errno : edu_start(&self->v);
}

static int group_map(FIXTURE_DATA(group) *self, void *va, __u64 iova)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = PAGE,
	};

	return ioctl(self->container, VFIO_IOMMU_MAP_DMA, &c) ? -errno : 0;
}

/* A program that has given its memory back meanwhile does not find it mapped still. */
TEST_F(group, last_one_leaves)
{
	unsigned char *to = self->memory + 2 * PAGE;
	long pinned = pinned_pages();
	unsigned int i;

	for (i = 0; i < 2; i++) {
		unsigned char *from = self->memory + i * PAGE;

		ASSERT_EQ(0, group_enter(self));
		ASSERT_EQ(0, group_map(self, from, IOVA_A));
		ASSERT_EQ(0, group_map(self, to, IOVA_B));
		ASSERT_EQ(0, group_device(self));
		fill(from, i + 1);
		ASSERT_EQ(0, edu_dma_read(&self->v, IOVA_A, 0, EDU_BUFFER));
		ASSERT_EQ(0, edu_dma_write(&self->v, IOVA_B, 0, EDU_BUFFER));
		EXPECT_EQ(0, memcmp(from, to, EDU_BUFFER));

		/* The device is closed, the group is there: all stays as it is. */
		vfio_dev_close(&self->v);
		EXPECT_EQ(-EEXIST, group_map(self, from, IOVA_A));
		ASSERT_EQ(0, close(self->group));
		self->group = -1;
		EXPECT_GT(0, group_map(self, from, IOVA_A));
		EXPECT_EQ(pinned, pinned_pages());
	}
}

static int group_leave(FIXTURE_DATA(group) *self)
{
	return ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0;
}

/*
 * A device that is open keeps the container, or here, where its group may leave before it,
 * what is mapped.
 */
TEST_F(group, leaves_before_its_device)
{
	struct iommu_features features = { .size = sizeof(features) };
	unsigned char *from = self->memory, *to = self->memory + PAGE;
	bool ours = !iommu_call(self->container, IOMMU_GET_FEATURES, &features);
	long pinned = pinned_pages();

	ASSERT_EQ(0, group_enter(self));
	ASSERT_EQ(0, group_map(self, from, IOVA_A));
	ASSERT_EQ(0, group_map(self, to, IOVA_B));
	ASSERT_EQ(0, group_device(self));
	ASSERT_EQ(ours ? 0 : -EBUSY, group_leave(self));

	fill(from, 3);
	ASSERT_EQ(0, edu_dma_read(&self->v, IOVA_A, 0, EDU_BUFFER));
	ASSERT_EQ(0, edu_dma_write(&self->v, IOVA_B, 0, EDU_BUFFER));
	EXPECT_EQ(0, memcmp(from, to, EDU_BUFFER));
	EXPECT_EQ(-EEXIST, group_map(self, from, IOVA_A));

	/* With the last of the two nothing is mapped. */
	vfio_dev_close(&self->v);
	EXPECT_EQ(ours ? -EINVAL : 0, group_leave(self));
	EXPECT_GT(0, group_map(self, from, IOVA_A));
	EXPECT_EQ(pinned, pinned_pages());
}

/* As upstream has it: who may use it by its id has it for good. */
TEST_F(group, ioas_that_is_known_stays)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c),
		.op = IOMMU_VFIO_IOAS_GET,
	};

	ASSERT_EQ(0, group_enter(self));
	if (iommu_call(self->container, IOMMU_VFIO_IOAS, &c))
		SKIP(return, "the container is VFIO's own");
	ASSERT_EQ(0, group_map(self, self->memory, IOVA_A));
	ASSERT_EQ(0, close(self->group));
	self->group = -1;
	EXPECT_EQ(-EEXIST, group_map(self, self->memory, IOVA_A));
	ASSERT_EQ(0, group_enter(self));
	EXPECT_EQ(-EEXIST, group_map(self, self->memory, IOVA_A));
	EXPECT_EQ(0, iommu_destroy(self->container, c.ioas_id));
}

TEST_HARNESS_MAIN
