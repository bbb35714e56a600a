// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO's hot reset with /dev/iommu: what is reset together, who may reset it, and that an
 * address space stays. On two functions of one slot behind a port, which only their bus
 * resets (QEMU's edu).
 *
 * The kernel knows who may by the context that has a function, or its group: a VMM has no
 * fd of a group to show.
 */
#include "iommu_test.h"

#include <limits.h>

#include "../../../iommu/lib/vfio_uapi.h"

#define FUNCTIONS	2
#define IOVA_A		IOVA_BASE
/* Not where SMMUv3s have their doorbells, at 8 * IOVA_BASE */
#define IOVA_B		(10 * IOVA_BASE)

/**
 * struct hot_reset_info - as VFIO fills it in
 * @header: with @devices behind it
 * @devices: what a reset of the one that was asked resets
 */
struct hot_reset_info {
	struct vfio_pci_hot_reset_info header;
	struct vfio_pci_dependent_device devices[4];
};

FIXTURE(reset) {
	int fd;
	__u32 ioas;
	char name[FUNCTIONS][64];
	struct vfio_dev v[FUNCTIONS];
	unsigned char *a;
	unsigned char *b;
};

/* Two of one group */
static bool find_pair(char name[FUNCTIONS][64])
{
	char a[PATH_MAX], b[PATH_MAX];
	unsigned int i;

	for (i = 0;; i++) {
		if (pci_find(EDU_VENDOR, EDU_DEVICE, i, name[0], 64) ||
		    pci_find(EDU_VENDOR, EDU_DEVICE, i + 1, name[1], 64))
			return false;
		if (!pci_group(name[0], a, sizeof(a)) &&
		    !pci_group(name[1], b, sizeof(b)) && !strcmp(a, b))
			return true;
	}
}

static int reset_info(struct vfio_dev *v, struct hot_reset_info *info)
{
	memset(info, 0, sizeof(*info));
	info->header.argsz = sizeof(*info);
	return ioctl(v->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info) ? -errno :
									0;
}

/* What VFIO says of a function of the pair: an id, or one of VFIO_PCI_DEVID_* */
static int told_of(const struct hot_reset_info *info, const char *name)
{
	unsigned int domain, bus, slot, function, i;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return INT_MIN;
	for (i = 0; i < info->header.count && i < ARRAY_LEN(info->devices); i++)
		if (info->devices[i].segment == domain &&
		    info->devices[i].bus == bus &&
		    info->devices[i].devfn == (slot << 3 | function))
			/* devid in later headers, a union with this one */
			return (int)info->devices[i].group_id;
	return INT_MIN;
}

/* Others may be looking at a function meanwhile: then it is to be tried again. */
static int hot_reset(struct vfio_dev *v)
{
	struct vfio_pci_hot_reset c = { .argsz = sizeof(c) };
	__u64 end = now_ms() + FOREVER_MS;

	while (ioctl(v->fd, VFIO_DEVICE_PCI_HOT_RESET, &c)) {
		if (errno != EAGAIN || now_ms() > end)
			return -errno;
		sleep_ms(20);
	}
	return 0;
}

FIXTURE_SETUP(reset)
{
	struct vfio_dev probe;
	unsigned int i;
	int rc;

	for (i = 0; i < FUNCTIONS; i++)
		self->v[i].fd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	if (!find_pair(self->name))
		SKIP(return, "no two functions share a group");
	self->a = mem_get(2 * PAGE);
	ASSERT_NE(NULL, self->a);
	self->b = self->a + PAGE;
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	for (i = 0; i < FUNCTIONS; i++)
		ASSERT_EQ(0, pci_give_to_vfio(self->name[i]));

	ASSERT_EQ(0, vfio_dev_open(self->name[0], &probe));
	rc = vfio_dev_bind(&probe, self->fd);
	if (!rc) {
		struct hot_reset_info info;

		rc = reset_info(&probe, &info);
	}
	vfio_dev_close(&probe);
	if (rc == -ENODEV)
		SKIP(return, "their bus cannot be reset");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(reset)
{
	unsigned int i;

	for (i = 0; i < FUNCTIONS; i++)
		vfio_dev_close(&self->v[i]);
	close(self->fd);
}

static int take(FIXTURE_DATA(reset) *self, unsigned int i)
{
	int rc = vfio_dev_open(self->name[i], &self->v[i]);

	return rc ? rc : vfio_dev_bind(&self->v[i], self->fd);
}

/* An id of its own for what the context has, another number for what its groups do. */
TEST_F(reset, who_has_what)
{
	const __u32 ours = VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			   VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	struct hot_reset_info info;

	ASSERT_EQ(0, take(self, 0));
	ASSERT_EQ(0, reset_info(&self->v[0], &info));
	EXPECT_EQ(FUNCTIONS, info.header.count);
	EXPECT_EQ(ours, info.header.flags);
	EXPECT_EQ((int)self->v[0].id, told_of(&info, self->name[0]));
	EXPECT_EQ(VFIO_PCI_DEVID_OWNED, told_of(&info, self->name[1]));

	ASSERT_EQ(0, take(self, 1));
	ASSERT_EQ(0, reset_info(&self->v[0], &info));
	EXPECT_EQ(ours, info.header.flags);
	EXPECT_EQ((int)self->v[0].id, told_of(&info, self->name[0]));
	EXPECT_EQ((int)self->v[1].id, told_of(&info, self->name[1]));

	/* The other way round */
	vfio_dev_close(&self->v[0]);
	ASSERT_EQ(0, reset_info(&self->v[1], &info));
	EXPECT_EQ(ours, info.header.flags);
	EXPECT_EQ(VFIO_PCI_DEVID_OWNED, told_of(&info, self->name[0]));
	EXPECT_EQ((int)self->v[1].id, told_of(&info, self->name[1]));
}

static int bounce(struct vfio_dev *v)
{
	int rc = edu_dma_read(v, IOVA_A, 0, PAGE);

	return rc ? rc : edu_dma_write(v, IOVA_B, 0, PAGE);
}

/* The functions are as new, and translated as before. */
TEST_F(reset, address_space_stays)
{
	unsigned int i;

	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->a, PAGE, IOVA_A));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->b, PAGE, IOVA_B));
	for (i = 0; i < FUNCTIONS; i++) {
		__u32 pt = self->ioas;

		ASSERT_EQ(0, take(self, i));
		ASSERT_EQ(0, vfio_dev_attach(&self->v[i], &pt));
		ASSERT_EQ(0, edu_start(&self->v[i]));
	}
	for (i = 0; i < FUNCTIONS; i++) {
		memset(self->a, 0x30 + (int)i, PAGE);
		ASSERT_EQ(0, bounce(&self->v[i]));
		ASSERT_EQ(0, memcmp(self->a, self->b, PAGE));
	}
	ASSERT_EQ(0, hot_reset(&self->v[0]));
	for (i = 0; i < FUNCTIONS; i++) {
		ASSERT_EQ(0, vfio_dev_enable_dma(&self->v[i]));
		memset(self->a, 0x40 + (int)i, PAGE);
		ASSERT_EQ(0, bounce(&self->v[i]));
		EXPECT_EQ(0, memcmp(self->a, self->b, PAGE));
	}
	/* Unmapped is unmapped. */
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_B, PAGE, NULL));
	memset(self->b, 0x50, PAGE);
	ASSERT_EQ(0, hot_reset(&self->v[1]));
	ASSERT_EQ(0, vfio_dev_enable_dma(&self->v[1]));
	ASSERT_EQ(0, bounce(&self->v[1]));
	for (i = 0; i < PAGE; i++)
		ASSERT_EQ(0x50, self->b[i]);
}

/* Not before it is bound; then the group is the context's, with what nobody has opened. */
TEST_F(reset, owners_only)
{
	ASSERT_EQ(0, vfio_dev_open(self->name[0], &self->v[0]));
	EXPECT_GT(0, hot_reset(&self->v[0]));
	ASSERT_EQ(0, vfio_dev_bind(&self->v[0], self->fd));
	EXPECT_EQ(0, hot_reset(&self->v[0]));
}

TEST_HARNESS_MAIN
