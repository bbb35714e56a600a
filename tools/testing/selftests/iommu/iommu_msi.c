// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt really arrives: a PCI function of a VMM (QEMU's edu) sends an MSI, and
 * the eventfd that the VMM gave VFIO for it is signalled. On any IOMMU: where hardware
 * takes the write (x86), and where the kernel maps the interrupt controller's doorbell
 * into the device's address space (Arm).
 *
 * An MSI that goes nowhere is seen by its effect: the eventfd stays quiet.
 */
#include "msi_test.h"

/* Not where SMMUv3s have their doorbells by default, at 8 * IOVA_BASE */
#define IOVA_A		IOVA_BASE
#define IOVA_B		(10 * IOVA_BASE)

/* Functions are reset when they are opened and closed, on a busy host slowly */
#define TIMEOUT_S	120

FIXTURE(msi) {
	int fd;
	__u32 ioas;
	struct msi_dev dev;
	char *mem;
};

FIXTURE_SETUP(msi)
{
	int rc;

	self->dev.v.fd = -1;
	self->dev.eventfd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	rc = msi_dev_open(self->fd, 0, &self->dev);
	if (rc == -ENODEV)
		SKIP(return, "there is no such device here");
	ASSERT_EQ(0, rc);
	self->mem = mem_get(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(msi)
{
	msi_dev_close(&self->dev);
	if (self->fd >= 0)
		close(self->fd);
}

static bool within(const struct iommu_probe_region *region, __u64 addr)
{
	return addr >= region->start && addr <= region->last;
}

TEST_F_TIMEOUT(msi, each_arrives_once, TIMEOUT_S)
{
	struct msi_dev off = { .eventfd = -1 };
	__u32 pt = self->ioas;
	unsigned int i;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	for (i = 0; i < 100; i++)
		ASSERT_TRUE(msi_arrives(&self->dev));
	/* And not once it is let go of, or turned off, and again after that */
	off.eventfd = dup(self->dev.eventfd);
	ASSERT_LE(0, off.eventfd);
	ASSERT_EQ(0, vfio_dev_msi_let_go(&self->dev.v));
	EXPECT_TRUE(msi_is_lost(&self->dev));
	ASSERT_EQ(0, vfio_dev_msi(&self->dev.v, self->dev.eventfd));
	EXPECT_TRUE(msi_arrives(&self->dev));
	ASSERT_EQ(0, msi_disable(&self->dev));
	edu_interrupt(&self->dev.v);
	EXPECT_EQ(0, msi_count(&off, MSI_QUIET_MS));
	ASSERT_EQ(0, msi_enable(&self->dev));
	EXPECT_TRUE(msi_arrives(&self->dev));
	EXPECT_EQ(0, msi_count(&off, 0));
	close(off.eventfd);
}

/* Where the probe says that they go; and nobody maps anything there. */
TEST_F_TIMEOUT(msi, in_the_region_of_the_probe, TIMEOUT_S)
{
	struct iommu_probe_region before, region;
	struct pci_msi msi;
	__u32 pt = self->ioas;

	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &before));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &region));
	EXPECT_EQ(before.start, region.start);
	EXPECT_EQ(before.last, region.last);
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &msi));
	EXPECT_TRUE(msi.enabled);
	EXPECT_TRUE(within(&region, msi.addr));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     msi.addr & -PAGE));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     region.last & -PAGE));
	EXPECT_TRUE(msi_arrives(&self->dev));
}

/* Two devices of one address space, each with its own */
TEST_F_TIMEOUT(msi, each_its_own, TIMEOUT_S)
{
	struct msi_dev second;
	__u32 pt = self->ioas;
	int rc;

	rc = msi_dev_open(self->fd, 1, &second);
	if (rc == -ENODEV)
		SKIP(return, "there is one device only");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&second.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, msi_enable(&second));
	EXPECT_TRUE(msi_arrives(&self->dev));
	EXPECT_EQ(0, msi_count(&second, 0));
	EXPECT_TRUE(msi_arrives(&second));
	EXPECT_EQ(0, msi_count(&self->dev, 0));
	/* One leaves: its interrupts are not the other's */
	msi_dev_close(&self->dev);
	EXPECT_TRUE(msi_arrives(&second));
	msi_dev_close(&second);
}

/* Memory that is mapped and unmapped all the time is no matter. */
TEST_F_TIMEOUT(msi, beside_mappings, TIMEOUT_S)
{
	__u32 pt = self->ioas;
	unsigned int i;

	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				       IOVA_A));
		ASSERT_TRUE(msi_arrives(&self->dev));
		ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				       IOVA_B));
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_A, PAGE,
					 NULL));
		ASSERT_TRUE(msi_arrives(&self->dev));
		ASSERT_EQ(0, iommu_unmap(self->fd, self->ioas, IOVA_B, PAGE,
					 NULL));
	}
}

/* Detached, its DMA is blocked; attached again, its interrupts are as before. */
TEST_F_TIMEOUT(msi, attached_again, TIMEOUT_S)
{
	__u32 pt = self->ioas;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		pt = self->ioas;
		ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
		ASSERT_EQ(0, msi_enable(&self->dev));
		EXPECT_TRUE(msi_arrives(&self->dev));
		ASSERT_EQ(0, msi_disable(&self->dev));
		ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	}
}

/* Does what the device was told hold in every HWPT? */
static bool stable(FIXTURE_DATA(msi) *self)
{
	struct iommu_msi_window w;
	int rc = iommu_msi_window(self->fd, self->dev.v.id, &w);

	/* Where hardware takes MSIs nothing depends on the HWPT */
	return rc == -EOPNOTSUPP || (!rc && (w.flags & IOMMU_MSI_WINDOW_STABLE));
}

/* The device moves with its interrupts enabled; nobody touches them. */
TEST_F_TIMEOUT(msi, after_replace, TIMEOUT_S)
{
	__u32 pt = self->ioas, other, hwpt;
	struct pci_msi before, after;
	unsigned int i;

	if (!stable(self))
		SKIP(return, "this IOMMU driver has each HWPT's own doorbells");
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.v.id, self->ioas, 0,
				       0, &hwpt));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &before));
	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(msi_arrives(&self->dev));
		pt = other;
		ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
		EXPECT_TRUE(msi_arrives(&self->dev));
		pt = hwpt;
		ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
		EXPECT_TRUE(msi_arrives(&self->dev));
		pt = self->ioas;
		ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	}
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &after));
	EXPECT_EQ(before.addr, after.addr);
	EXPECT_EQ(before.data, after.data);
}

/* Detached with its interrupts enabled, or while it is: they are there again. */
TEST_F_TIMEOUT(msi, enabled_while_detached, TIMEOUT_S)
{
	__u32 pt = self->ioas;

	if (!stable(self))
		SKIP(return, "this IOMMU driver has each HWPT's own doorbells");
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	EXPECT_TRUE(msi_arrives(&self->dev));
	ASSERT_EQ(0, msi_disable(&self->dev));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	ASSERT_EQ(0, msi_enable(&self->dev));
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	EXPECT_TRUE(msi_arrives(&self->dev));
}

/* Enabled when the device was only bound: from the attach on it arrives. */
TEST_F_TIMEOUT(msi, enabled_before_the_first_attach, TIMEOUT_S)
{
	__u32 pt = self->ioas;

	if (!stable(self))
		SKIP(return, "this IOMMU driver has each HWPT's own doorbells");
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	msi_count(&self->dev, 0);
	EXPECT_TRUE(msi_arrives(&self->dev));
	ASSERT_EQ(0, vfio_dev_detach(&self->dev.v));
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	EXPECT_TRUE(msi_arrives(&self->dev));
}

/* Enabled, and let go of, before: the device is told when it is enabled again. */
TEST_F_TIMEOUT(msi, let_go_before_the_first_attach, TIMEOUT_S)
{
	__u32 pt = self->ioas;
	struct iommu_probe_region region;
	struct pci_msi msi;

	if (!stable(self))
		SKIP(return, "this IOMMU driver has each HWPT's own doorbells");
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, vfio_dev_msi_let_go(&self->dev.v));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	EXPECT_TRUE(msi_is_lost(&self->dev));
	ASSERT_EQ(0, vfio_dev_msi(&self->dev.v, self->dev.eventfd));
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &region));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &msi));
	EXPECT_TRUE(within(&region, msi.addr));
	EXPECT_TRUE(msi_arrives(&self->dev));
}

/* --- what is forged --- */

/*
 * How many faults the unit in front of a function has recorded; -1: it is one that does
 * not look at interrupts.
 */
static long long faults_of(const char *name)
{
	long long value = -1;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/iommu/vtd/faults", name);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%lld", &value) != 1)
			value = -1;
		fclose(f);
	}
	return value;
}

/* The record is read when its interrupt has come. */
static bool faults_become(const char *name, long long value)
{
	__u64 end = now_ms() + FOREVER_MS;

	while (faults_of(name) < value && now_ms() < end)
		sleep_ms(10);
	return faults_of(name) == value;
}

/* VT-d 5.1.2.2: an interrupt request in remappable format */
static __u64 remappable(unsigned int index)
{
	return 0xfee00000ULL | (index & 0x7fff) << 5 | 1 << 4 |
	       (index >> 15) << 2;
}

/* Written by the device's DMA engine, @data to @addr */
static int write_by_dma(FIXTURE_DATA(msi) *self, __u64 addr, __u32 data)
{
	int rc;

	memcpy(self->mem, &data, sizeof(data));
	rc = edu_dma_read(&self->dev.v, IOVA_A, 0, sizeof(data));
	return rc ? rc : edu_dma_write(&self->dev.v, addr, 0, sizeof(data));
}

/*
 * DMA to where interrupts go. Remapped, one for which there is no entry of the table is
 * blocked and counted, each time; what is the device's own goes on.
 */
TEST_F_TIMEOUT(msi, forged_by_dma, TIMEOUT_S)
{
	static const unsigned int indices[] = { 0xfff0, 0x1234, 0x8000 };
	__u32 pt = self->ioas;
	long long faults;
	unsigned int i;

	faults = faults_of(self->dev.name);
	if (faults < 0)
		SKIP(return, "this unit does not look at interrupts");
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE, IOVA_A));
	ASSERT_EQ(0, msi_enable(&self->dev));
	for (i = 0; i < ARRAY_LEN(indices); i++) {
		ASSERT_EQ(0, write_by_dma(self, remappable(indices[i]), 0));
		EXPECT_TRUE(faults_become(self->dev.name, ++faults));
		EXPECT_EQ(0, msi_count(&self->dev, 0));
		EXPECT_TRUE(msi_arrives(&self->dev));
	}
}

/*
 * The 82576 network card (QEMU's igb): a function with MSI-X, whose table a VMM may map,
 * since it is the platform that has to see to it that nothing can be done with that.
 */
#define IGB_VENDOR	0x8086
#define IGB_DEVICE	0x10c9
#define IGB_MSIX_BAR	3
#define IGB_GPIE	0x1514
#define IGB_GPIE_MSIX	(1U << 4)
#define IGB_EICS	0x1520
#define IGB_EIMS	0x1524
#define IGB_EIAC	0x152c
#define IGB_EICR	0x1580

struct igb {
	struct vfio_dev v;
	volatile __u32 *table;
	size_t table_size;
	int eventfd;
};

static volatile __u32 *igb_reg(struct igb *igb, unsigned int reg)
{
	return (volatile __u32 *)((volatile char *)igb->v.bar0 + reg);
}

static int igb_open(int fd, struct igb *igb)
{
	char name[64];
	int rc;

	memset(igb, 0, sizeof(*igb));
	igb->v.fd = -1;
	igb->eventfd = -1;
	rc = pci_find(IGB_VENDOR, IGB_DEVICE, 0, name, sizeof(name));
	if (!rc)
		rc = pci_give_to_vfio(name);
	if (!rc)
		rc = vfio_dev_open(name, &igb->v);
	if (!rc)
		rc = vfio_dev_bind(&igb->v, fd);
	if (!rc)
		rc = vfio_dev_enable_dma(&igb->v);
	return rc ? rc : vfio_dev_map_bar0(&igb->v);
}

static int igb_enable(struct igb *igb)
{
	int rc;

	igb->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (igb->eventfd < 0)
		return -errno;
	rc = vfio_dev_msix(&igb->v, igb->eventfd);
	if (rc)
		return rc;
	igb->table = vfio_dev_map_bar(&igb->v, IGB_MSIX_BAR, &igb->table_size);
	if (!igb->table)
		return -EOPNOTSUPP;
	*igb_reg(igb, IGB_GPIE) = IGB_GPIE_MSIX;
	*igb_reg(igb, IGB_EIAC) = 1;
	*igb_reg(igb, IGB_EIMS) = 1;
	return 0;
}

/* It sends what stands in the first entry of its table. */
static void igb_interrupt(struct igb *igb)
{
	*igb_reg(igb, IGB_EICR) = 1;
	*igb_reg(igb, IGB_EIMS) = 1;
	*igb_reg(igb, IGB_EICS) = 1;
}

static __u64 igb_count(struct igb *igb, int ms)
{
	struct msi_dev d = { .eventfd = igb->eventfd };

	return msi_count(&d, ms);
}

static void igb_close(struct igb *igb)
{
	if (igb->table)
		munmap((void *)(uintptr_t)igb->table, igb->table_size);
	vfio_dev_close(&igb->v);
	if (igb->eventfd >= 0)
		close(igb->eventfd);
}

/*
 * Its table is memory of the function. Enabled before the first attach it is written
 * then, be it that the guest has switched this memory off meanwhile.
 */
static int igb_attached_late(FIXTURE_DATA(msi) *self, bool memory_off,
			     bool let_go, __u64 *arrived)
{
	__u32 pt = self->ioas;
	struct igb igb;
	int rc;

	*arrived = 0;
	rc = igb_open(self->fd, &igb);
	if (!rc)
		rc = igb_enable(&igb);
	if (!rc && let_go)
		rc = vfio_dev_msix_let_go(&igb.v);
	if (!rc && memory_off)
		rc = vfio_dev_disable_memory(&igb.v);
	if (!rc)
		rc = vfio_dev_attach(&igb.v, &pt);
	if (!rc && memory_off)
		rc = vfio_dev_enable_dma(&igb.v);
	if (!rc && let_go)
		rc = vfio_dev_msix(&igb.v, igb.eventfd);
	if (!rc) {
		igb_count(&igb, 0);
		igb_interrupt(&igb);
		*arrived = igb_count(&igb, FOREVER_MS);
	}
	igb_close(&igb);
	return rc;
}

TEST_F_TIMEOUT(msi, msix_enabled_before_the_first_attach, TIMEOUT_S)
{
	unsigned int how;
	__u64 arrived;
	int rc;

	if (!stable(self))
		SKIP(return, "this IOMMU driver has each HWPT's own doorbells");
	for (how = 0; how < 4; how++) {
		rc = igb_attached_late(self, how & 1, how & 2, &arrived);
		if (rc == -ENODEV)
			SKIP(return, "there is no function with MSI-X");
		ASSERT_EQ(0, rc);
		EXPECT_EQ(1, arrived)
			TH_LOG("memory %s, %s", how & 1 ? "off" : "on",
			       how & 2 ? "let go of" : "enabled");
	}
}

/*
 * A function sends what is another's, address and data: it does not arrive there. Where
 * interrupts are remapped that is counted; an Arm controller looks for the event among
 * those of who sends it.
 */
TEST_F_TIMEOUT(msi, forged_by_another_device, TIMEOUT_S)
{
	__u32 own[3], pt = self->ioas;
	long long faults;
	struct pci_msi msi;
	struct igb igb;
	unsigned int i;
	int rc;

	rc = igb_open(self->fd, &igb);
	if (rc == -ENODEV)
		SKIP(return, "there is no function whose MSI-X table can be forged");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	pt = self->ioas;
	ASSERT_EQ(0, vfio_dev_attach(&igb.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, igb_enable(&igb));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &msi));
	for (i = 0; i < 3; i++)
		own[i] = igb.table[i];
	igb_interrupt(&igb);
	EXPECT_EQ(1, igb_count(&igb, FOREVER_MS));

	faults = faults_of(self->dev.name);
	igb.table[0] = (__u32)msi.addr;
	igb.table[1] = (__u32)(msi.addr >> 32);
	igb.table[2] = msi.data;
	for (i = 1; i <= 3; i++) {
		igb_interrupt(&igb);
		EXPECT_EQ(0, msi_count(&self->dev, MSI_QUIET_MS));
		if (faults >= 0)
			EXPECT_TRUE(faults_become(self->dev.name, faults + i));
	}
	/* Both have what is theirs */
	EXPECT_TRUE(msi_arrives(&self->dev));
	for (i = 0; i < 3; i++)
		igb.table[i] = own[i];
	igb_count(&igb, 0);
	igb_interrupt(&igb);
	EXPECT_EQ(1, igb_count(&igb, FOREVER_MS));
	igb_close(&igb);
}

/* --- the window for doorbells, where the kernel maps them --- */

/* As long as the drivers' own: of those that are not ours none is shorter */
#define LENGTH	(1 << 20)

static bool has_window(FIXTURE_DATA(msi) *self)
{
	struct iommu_msi_window w;

	return iommu_msi_window(self->fd, self->dev.v.id, &w) != -EOPNOTSUPP;
}

#define NEEDS_WINDOW() do {						\
	if (!has_window(self))						\
		SKIP(return, "hardware takes MSIs here");		\
} while (0)

/* x86: it is where it is. */
TEST_F_TIMEOUT(msi, no_window_of_hardware, TIMEOUT_S)
{
	struct iommu_probe_region region;

	if (has_window(self))
		SKIP(return, "the kernel maps doorbells here");
	EXPECT_EQ(-EOPNOTSUPP, iommu_msi_window_set(self->fd, self->dev.v.id, 0,
						    IOVA_A, LENGTH));
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &region));
	EXPECT_EQ(IOMMU_PROBE_REGION_MSI, region.kind);
}

/* As a VMM does it: before the first attach, so that it can announce it. */
TEST_F_TIMEOUT(msi, window_is_set, TIMEOUT_S)
{
	struct iommu_probe_region region;
	struct iommu_msi_window w;
	__u32 pt = self->ioas;
	struct pci_msi msi;

	NEEDS_WINDOW();
	ASSERT_EQ(0, iommu_msi_window_set(self->fd, self->dev.v.id, self->ioas,
					  IOVA_B, LENGTH));
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &region));
	EXPECT_EQ(IOMMU_PROBE_REGION_SW_MSI, region.kind);
	EXPECT_EQ(IOVA_B, region.start);
	EXPECT_EQ(IOVA_B + LENGTH - 1, region.last);
	/* What was there by default is the guest's memory now */
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       8 * IOVA_BASE));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &msi));
	EXPECT_TRUE(within(&region, msi.addr));
	EXPECT_TRUE(msi_arrives(&self->dev));
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->dev.v.id, &w));
	EXPECT_EQ(IOVA_B, w.start);
	EXPECT_EQ(LENGTH, w.length);
	EXPECT_TRUE(w.flags & IOMMU_MSI_WINDOW_FIXED);
	if (w.flags & IOMMU_MSI_WINDOW_STABLE)
		EXPECT_EQ(1, w.doorbells);
	EXPECT_EQ(-EBUSY, iommu_msi_window_set(self->fd, self->dev.v.id, 0,
					       IOVA_A, LENGTH));
	EXPECT_EQ(-EINVAL, iommu_map(self->fd, self->ioas, self->mem, PAGE,
				     IOVA_B));
}

/* What the user has mapped is in the way: it is elsewhere, and works. */
TEST_F_TIMEOUT(msi, window_avoids_what_is_mapped, TIMEOUT_S)
{
	struct iommu_probe_region before, region;
	__u32 pt = self->ioas;
	struct pci_msi msi;
	unsigned int i;

	NEEDS_WINDOW();
	memset(self->mem, 0xff, PAGE);
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &before));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE,
			       before.start));
	ASSERT_EQ(0, vfio_dev_attach(&self->dev.v, &pt));
	ASSERT_EQ(0, msi_region(self->fd, self->dev.v.id, &region));
	EXPECT_FALSE(within(&before, region.start));
	EXPECT_FALSE(within(&before, region.last));
	ASSERT_EQ(0, msi_enable(&self->dev));
	ASSERT_EQ(0, pci_msi_read(self->dev.name, &msi));
	EXPECT_TRUE(within(&region, msi.addr));
	EXPECT_TRUE(msi_arrives(&self->dev));
	/* And it does not reach the memory */
	for (i = 0; i < PAGE && (unsigned char)self->mem[i] == 0xff; i++)
		;
	EXPECT_EQ(PAGE, i);
}

TEST_F_TIMEOUT(msi, window_is_refused, TIMEOUT_S)
{
	struct iommu_msi_window w;

	NEEDS_WINDOW();
	EXPECT_EQ(-ERANGE, iommu_msi_window_set(self->fd, self->dev.v.id, 0,
						1ULL << 62, LENGTH));
	EXPECT_EQ(-EINVAL, iommu_msi_window_set(self->fd, self->dev.v.id, 0,
						IOVA_A + 1, LENGTH));
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, self->mem, PAGE, IOVA_A));
	EXPECT_EQ(-EADDRINUSE, iommu_msi_window_set(self->fd, self->dev.v.id,
						    self->ioas, IOVA_A,
						    LENGTH));
	ASSERT_EQ(0, iommu_msi_window(self->fd, self->dev.v.id, &w));
	EXPECT_FALSE(w.flags & IOMMU_MSI_WINDOW_FIXED);
}

TEST_HARNESS_MAIN
