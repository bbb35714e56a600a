// SPDX-License-Identifier: GPL-2.0
/*
 * A device's DMA into the BAR of another one: two functions of QEMU's edu behind a real
 * (emulated) IOMMU, one reads a register of the other. What VFIO takes from a process
 * it takes from devices, too: when memory decoding is turned off, and before a reset.
 *
 * A DMA of edu that is blocked is seen by its effect alone.
 */
#include "iommu_test.h"

#include <linux/vfio.h>

#define AT_BAR		IOVA_BASE
#define AT_MEMORY	(4 * IOVA_BASE)

/* What the other one has in its first register, and what it has not */
#define EDU_IDENTITY	0x010000edU
#define NOTHING		0x5a5a5a5aU

/* QEMU's igb can be reset by itself. */
#define IGB_VENDOR	0x8086
#define IGB_DEVICE	0x10c9

FIXTURE(peer) {
	int fd;
	__u32 ioas;
	struct vfio_dev dev;
	struct vfio_dev other;
	__u32 *memory;
};

FIXTURE_SETUP(peer)
{
	int rc;

	self->dev.fd = -1;
	self->other.fd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	rc = edu_open(0, &self->dev);
	if (!rc)
		rc = edu_open(1, &self->other);
	if (rc == -ENODEV)
		SKIP(return, "there are no two edu functions here");
	ASSERT_EQ(0, rc);
	self->memory = mem_get(PAGE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, vfio_dev_bind(&self->dev, self->fd));
	ASSERT_EQ(0, vfio_dev_bind(&self->other, self->fd));
	ASSERT_EQ(0, edu_start(&self->dev));
	ASSERT_EQ(0, edu_start(&self->other));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->memory, PAGE,
			       AT_MEMORY));
}

FIXTURE_TEARDOWN(peer)
{
	vfio_dev_close(&self->dev);
	vfio_dev_close(&self->other);
	close(self->fd);
}

static int attach(FIXTURE_DATA(peer) *self)
{
	__u32 pt = self->ioas;

	return vfio_dev_attach(&self->dev, &pt);
}

static int map_bar(FIXTURE_DATA(peer) *self, struct vfio_dev *v)
{
	return iommu_map(self->fd, self->ioas, (void *)(uintptr_t)v->bar0,
			 v->bar0_size, AT_BAR);
}

/* 1: the device finds the register there; 0: it does not; else a negative errno. */
static int device_finds(FIXTURE_DATA(peer) *self)
{
	int rc;

	*self->memory = NOTHING;
	rc = edu_dma_read(&self->dev, AT_MEMORY, 0, sizeof(__u32));
	if (!rc)
		rc = edu_dma_read(&self->dev, AT_BAR, 0, sizeof(__u32));
	*self->memory = 0;
	if (!rc)
		rc = edu_dma_write(&self->dev, AT_MEMORY, 0, sizeof(__u32));
	return rc ? rc : *(volatile __u32 *)self->memory == EDU_IDENTITY;
}

static bool says_revoked(int fd)
{
	struct fdinfo info;

	return !fdinfo_read(0, fd, &info) && strstr(info.text, " revoked=1\n");
}

TEST_F(peer, register_of_another_device)
{
	ASSERT_EQ(0, attach(self));
	EXPECT_EQ(0, device_finds(self));
	ASSERT_EQ(0, map_bar(self, &self->other));
	EXPECT_EQ(1, device_finds(self));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, AT_BAR,
				 self->other.bar0_size, NULL));
	EXPECT_EQ(0, device_finds(self));
}

/* Mapped before there was a page table */
TEST_F(peer, attached_later)
{
	ASSERT_EQ(0, map_bar(self, &self->other));
	ASSERT_EQ(0, attach(self));
	EXPECT_EQ(1, device_finds(self));
}

TEST_F(peer, decoding_is_turned_off)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, map_bar(self, &self->other));
	EXPECT_EQ(1, device_finds(self));
	ASSERT_EQ(0, vfio_dev_disable_memory(&self->other));
	EXPECT_TRUE(says_revoked(self->fd));
	/* What is not there cannot be mapped. */
	EXPECT_EQ(-EEXIST, map_bar(self, &self->other));
	ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, AT_BAR,
				 self->other.bar0_size, NULL));
	EXPECT_EQ(-EFAULT, map_bar(self, &self->other));

	ASSERT_EQ(0, vfio_dev_enable_dma(&self->other));
	ASSERT_EQ(0, map_bar(self, &self->other));
	EXPECT_EQ(1, device_finds(self));
	/* Off and on: it answers again, and is not reached by what was mapped before. */
	ASSERT_EQ(0, vfio_dev_disable_memory(&self->other));
	ASSERT_EQ(0, vfio_dev_enable_dma(&self->other));
	EXPECT_EQ(EDU_IDENTITY, *(volatile __u32 *)self->other.bar0);
	EXPECT_EQ(0, device_finds(self));
}

/* The file of the device is closed, by whoever had it; its BAR goes with the mapping. */
TEST_F(peer, device_is_closed)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, map_bar(self, &self->other));
	EXPECT_EQ(1, device_finds(self));
	vfio_dev_close(&self->other);
	EXPECT_TRUE(says_revoked(self->fd));
	EXPECT_EQ(0, device_finds(self));
}

TEST_F(peer, reset)
{
	struct vfio_dev igb = { .fd = -1 };
	char name[64];

	if (pci_find(IGB_VENDOR, IGB_DEVICE, 0, name, sizeof(name)) ||
	    pci_give_to_vfio(name))
		SKIP(return, "there is no igb here");
	ASSERT_EQ(0, vfio_dev_open(name, &igb));
	ASSERT_EQ(0, vfio_dev_bind(&igb, self->fd));
	ASSERT_EQ(0, vfio_dev_enable_dma(&igb));
	ASSERT_EQ(0, vfio_dev_map_bar0(&igb));
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, map_bar(self, &igb));
	EXPECT_FALSE(says_revoked(self->fd));
	if (ioctl(igb.fd, VFIO_DEVICE_RESET))
		SKIP(return, "it cannot be reset");
	EXPECT_TRUE(says_revoked(self->fd));
	vfio_dev_close(&igb);
}

TEST_HARNESS_MAIN
