// SPDX-License-Identifier: GPL-2.0
/*
 * A device behind an IOMMU driver that is not one of iommufd's own, as on a
 * distribution's kernel with iommufd as a module: what such a driver cannot do is
 * refused with the documented errno, and leaves nothing behind. What it can do is
 * for the other tests.
 *
 * Needs an edu function under VFIO; skipped where iommufd's own driver has the unit.
 */
#include "iommu_test.h"

#include <limits.h>
#include <linux/vfio.h>

FIXTURE(foreign) {
	int fd;
	__u32 ioas;
	struct vfio_dev dev;
};

static bool driver_is_ours(void)
{
	static const char * const ours[] = { "vtd", "smmuv3" };
	char name[64], path[PATH_MAX];
	size_t i;

	if (pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name)))
		return false;
	for (i = 0; i < ARRAY_SIZE(ours); i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu/%s",
			 name, ours[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

FIXTURE_SETUP(foreign)
{
	int rc;

	self->dev.fd = -1;
	self->fd = iommu_open();
	ASSERT_LE(0, self->fd);
	if (driver_is_ours())
		SKIP(return, "iommufd's own driver has the unit");
	rc = edu_open(0, &self->dev);
	if (rc == -ENODEV)
		SKIP(return, "there is no edu function");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_dev_bind(&self->dev, self->fd));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(foreign)
{
	vfio_dev_close(&self->dev);
	close(self->fd);
}

/* The queue itself is software; nobody would ever put a fault into it. */
TEST_F(foreign, no_fault_queue)
{
	__u32 queue, hwpt;
	int file;

	file = iommu_fault_queue(self->fd, 0, 0, 0, &queue);
	ASSERT_LE(0, file);
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->dev.id, self->ioas,
				    IOMMU_HWPT_FAULT_ID_VALID, queue, &hwpt));
	/* The same without it works, and nothing holds the queue */
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas, 0, 0,
				       &hwpt));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, close(file));
	EXPECT_EQ(0, iommu_destroy(self->fd, queue));
}

/* A clean bitmap from a driver that reports nothing would lose a guest's memory. */
TEST_F(foreign, no_dirty_tracking)
{
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->dev.id,
	};
	__u64 bitmap = ~0ULL;
	struct iommu_hwpt_get_dirty_bitmap get = {
		.size = sizeof(get),
		.iova = IOVA_BASE,
		.length = PAGE,
		.page_size = PAGE,
		.data = (__u64)(unsigned long)&bitmap,
	};
	struct iommu_hwpt_set_dirty_tracking set = {
		.size = sizeof(set),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	};
	void *memory = mem_get(PAGE);
	__u32 hwpt;

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &info));
	if (info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING)
		SKIP(return, "this driver, built with CONFIG_IOMMUFD_DRIVER, has it");
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->dev.id, self->ioas,
				    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas, 0, 0,
				       &hwpt));
	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory, PAGE, IOVA_BASE));
	set.hwpt_id = hwpt;
	get.hwpt_id = hwpt;
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_call(self->fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &set));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_call(self->fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &get));
	EXPECT_EQ(~0ULL, bitmap);
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
}

/* A module of a distribution's kernel, which was built without CONFIG_IOMMUFD_DRIVER */
static bool is_out_of_tree(void)
{
	FILE *f = fopen("/sys/module/iommufd/taint", "re");
	char taint[32] = "";

	if (!f)
		return false;
	if (!fgets(taint, sizeof(taint), f))
		taint[0] = 0;
	fclose(f);
	return strchr(taint, 'O');
}

/* Nor do VFIO's calls say of any page that it is clean. */
TEST_F(foreign, no_dirty_pages)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};
	struct iommu_vfio_ioas choose = {
		.size = sizeof(choose),
		.ioas_id = self->ioas,
		.op = IOMMU_VFIO_IOAS_SET,
	};
	union {
		struct vfio_iommu_type1_info info;
		char room[4096];
	} u = { .info.argsz = sizeof(u) };
	__u64 bitmap = 0;
	struct {
		__u32 argsz, flags;
		__u64 iova, size;
		struct vfio_bitmap bitmap;
	} unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = IOVA_BASE,
		.size = PAGE,
		.bitmap = { .pgsize = PAGE, .size = 8, .data = &bitmap },
	};
	const struct vfio_info_cap_header *cap;
	void *memory = mem_get(PAGE);
	__u32 at;

	if (!is_out_of_tree())
		SKIP(return, "this kernel has CONFIG_IOMMUFD_DRIVER");
	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, memory, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_VFIO_IOAS, &choose));
	EXPECT_EQ(-ENOTTY,
		  iommu_call(self->fd, VFIO_IOMMU_DIRTY_PAGES, &dirty));
	EXPECT_EQ(-EINVAL, iommu_call(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	EXPECT_EQ(-EEXIST,
		  iommu_map(self->fd, self->ioas, memory, PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_call(self->fd, VFIO_IOMMU_GET_INFO, &u));
	ASSERT_NE(0, u.info.cap_offset);
	for (at = u.info.cap_offset; at; at = cap->next) {
		ASSERT_GT(sizeof(u) - sizeof(*cap), at);
		cap = (const void *)(u.room + at);
		EXPECT_NE(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, cap->id);
	}
}

/* The function has no PASIDs, and the driver knows no vIOMMUs of ours. */
TEST_F(foreign, no_pasids_no_viommus)
{
	__u32 hwpt, viommu, pt = self->ioas;

	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_hwpt_paging(self->fd, self->dev.id, self->ioas,
				    IOMMU_HWPT_ALLOC_PASID, 0, &hwpt));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_pasid_attach(self->fd, self->dev.id, 1, &pt));
	EXPECT_EQ(self->ioas, pt);
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas, 0, 0,
				       &hwpt));
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_viommu(self->fd, self->dev.id, hwpt,
			       IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0, &viommu));
	EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	EXPECT_EQ(0, iommu_destroy(self->fd, self->ioas));
}

TEST_HARNESS_MAIN
