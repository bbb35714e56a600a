// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many descriptors a flush takes when a device has very many PASIDs on the domain,
 * and that they cover what they have to.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "../map/iova_space.h"
#include "../vtd/domain.h"
#include "../vtd/tables.h"
#include "map_kunit.h"
#include "vtd_fake.h"

/* 48 bits, 4 levels, 2 MiB leaves, 2^16 domain ids, ranges */
#define CAP	(BIT_ULL(10) | 47ULL << 16 | 6 | BIT_ULL(39) | BIT_ULL(34) | \
		 9ULL << 48)
/* Scalable mode, all stages, 20-bit PASIDs, ATS; all snoops */
#define ECAP	(BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(26) | \
		 19ULL << 35 | BIT_ULL(40) | BIT_ULL(43) | BIT_ULL(46) | \
		 BIT_ULL(47) | BIT_ULL(48))

#define RID		0x0108
#define OTHER_RID	0x0110
#define IOVA		SZ_1G
#define RANGES		32U

/* Types of descriptors (6.5.2) */
enum { IOTLB = 2, DEVICE = 3, PASID_IOTLB = 6, DEVICE_PASID = 8 };

/**
 * struct rig - a unit with two devices, and an array of mappings on a domain
 * @test: for failures
 * @fake: the unit
 * @device: with ATS; the first one has PASIDs there, the second its RID
 * @domain: in @space
 * @child: over @domain, or NULL
 * @space: maps @mem at each second page from IOVA on
 * @mem: a page
 */
struct rig {
	struct kunit *test;
	struct vtd_fake *fake;
	struct vtd_device *device[2];
	struct vtd_domain *domain;
	struct vtd_domain *child;
	struct iova_space space;
	struct user_memory *mem;
};

static struct vtd_device *new_device(struct rig *rig, u16 rid)
{
	struct vtd_device *device = vtd_fake_device(rig->fake, rid, BIT(20));
	struct vtd_unit *unit = &rig->fake->unit;
	struct kunit *test = rig->test;

	device->ats = true;
	KUNIT_ASSERT_EQ(test, vtd_pasid_dir_alloc(device), 0);
	mutex_lock(&unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(device), 0);
	KUNIT_ASSERT_FALSE(test, xa_is_err(xa_store(&unit->devices, rid, device,
						    GFP_KERNEL)));
	mutex_unlock(&unit->lock);
	return device;
}

static void drop_device(struct rig *rig, struct vtd_device *device)
{
	struct vtd_unit *unit = &rig->fake->unit;

	vtd_detach_all(device);
	mutex_lock(&unit->lock);
	vtd_context_remove(device);
	xa_erase(&unit->devices, device->rids[0]);
	mutex_unlock(&unit->lock);
	vtd_pasid_dir_free(device);
}

static struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->mem = user_memory_new(test, 1);
	if (!rig->mem)
		return NULL;
	rig->fake = vtd_fake_new(test, CAP, ECAP);
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(&rig->fake->unit), 0);
	rig->device[0] = new_device(rig, RID);
	rig->device[1] = new_device(rig, OTHER_RID);
	rig->domain = vtd_paging_alloc(&rig->fake->unit, NUMA_NO_NODE,
				       IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(test, IS_ERR(rig->domain));
	iova_space_init(&rig->space);
	KUNIT_ASSERT_EQ(test, iova_space_add_domain(&rig->space,
						    &rig->domain->domain), 0);
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, rig->device[1],
					 IOMMU_NO_PASID), 0);
	return rig;
}

static void rig_end(struct rig *rig)
{
	vtd_fake_forget(rig->fake);
	drop_device(rig, rig->device[0]);
	vtd_fake_forget(rig->fake);
	drop_device(rig, rig->device[1]);
	KUNIT_EXPECT_TRUE(rig->test, list_empty(&rig->domain->devices.list));
	if (rig->child) {
		KUNIT_EXPECT_TRUE(rig->test,
				  list_empty(&rig->child->devices.list));
		rig->child->domain.ops->free(&rig->child->domain);
	}
	iova_space_unmap_all(&rig->space, NULL);
	iova_space_remove_domain(&rig->space, &rig->domain->domain);
	rig->domain->domain.ops->free(&rig->domain->domain);
	iova_space_destroy(&rig->space);
	vtd_root_free(&rig->fake->unit);
	user_memory_free(rig->mem);
}

static void attach(struct rig *rig, struct vtd_domain *domain, u32 first,
		   unsigned int num)
{
	u32 pasid;

	for (pasid = first; pasid < first + num; pasid++) {
		KUNIT_ASSERT_EQ(rig->test,
				vtd_attach(domain, rig->device[0], pasid), 0);
		if (pasid % 256 == 0)
			vtd_fake_forget(rig->fake);
	}
}

/* As IOMMU_IOAS_UNMAP_ARRAY does; @num ranges that do not touch. */
static void unmap_array(struct rig *rig, unsigned int num)
{
	struct iova_range ranges[RANGES];
	unsigned long unmapped;
	unsigned int i, done;

	for (i = 0; i < num; i++) {
		unsigned long iova = IOVA + 2 * i * PAGE_SIZE;

		ranges[i].start = iova;
		ranges[i].last = iova + PAGE_SIZE - 1;
		KUNIT_ASSERT_EQ(rig->test,
				iova_space_map_user(&rig->space,
						    MAP_CHARGE_USER, &iova,
						    (void __user *)rig->mem->addr,
						    PAGE_SIZE,
						    IOMMU_READ | IOMMU_WRITE,
						    0), 0);
	}
	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(rig->test,
			iova_space_unmap_many(&rig->space, ranges, num, &done,
					      &unmapped), 0);
	KUNIT_EXPECT_EQ(rig->test, done, num);
}

static unsigned int type_of(const struct vtd_fake_entry *entry)
{
	return entry->desc.qw0 & 0xf;
}

/* Of all that was submitted: those for device TLBs, and those with a bit in qw1 too. */
static unsigned int device_descs(struct rig *rig, u16 rid, u64 with)
{
	unsigned int i, num = 0;

	for (i = 0; i < rig->fake->num_log; i++) {
		const struct vtd_fake_entry *entry = &rig->fake->log[i];
		u64 qw0 = entry->desc.qw0;
		bool is = (type_of(entry) == DEVICE && (u16)(qw0 >> 32) == rid) ||
			  (type_of(entry) == DEVICE_PASID &&
			   (u16)(qw0 >> 16) == rid);

		num += is && (entry->desc.qw1 & with) == with;
	}
	return num;
}

/* All that a device has: without PASID, and then with any (G, 6.5.2.6). */
static void expect_whole_device(struct rig *rig, u16 rid)
{
	KUNIT_EXPECT_EQ(rig->test, device_descs(rig, rid, 0), 2);
	/* All addresses */
	KUNIT_EXPECT_EQ(rig->test,
			device_descs(rig, rid, GENMASK_ULL(62, 12)), 2);
	KUNIT_EXPECT_EQ(rig->test,
			device_descs(rig, rid, GENMASK_ULL(62, 12) | BIT(0)), 2);
}

/* (Attachments, ranges) that may still be told one by one. */
static void flush_exact(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	/* 8 attachments with the other's */
	attach(rig, rig->domain, 1, 7);
	unmap_array(rig, RANGES);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 7 * RANGES);
	/* without PASID, and with PASID 0 */
	KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 2 * RANGES);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, GENMASK_ULL(62, 12)), 0);

	/* One more: each whole */
	attach(rig, rig->domain, 8, 1);
	unmap_array(rig, RANGES);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 8);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, GENMASK_ULL(62, 12)), 8);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, BIT(0)), 0);
	KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 2);
	unmap_array(rig, RANGES - 4);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 8 * (RANGES - 4));
	rig_end(rig);
}

static void flush_many_pasids(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	attach(rig, rig->domain, 1, 1000);
	unmap_array(rig, RANGES);
	expect_whole_device(rig, RID);
	expect_whole_device(rig, OTHER_RID);
	KUNIT_EXPECT_LE(test, rig->fake->num_log, 4 + 2 * RANGES);
	/* What is gone is not counted */
	for (unsigned int pasid = 1; pasid <= 999; pasid++) {
		vtd_detach(rig->device[0], pasid);
		vtd_fake_forget(rig->fake);
	}
	unmap_array(rig, 1);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 1);
	KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 2);
	rig_end(rig);
}

/* A function that ignores what is global is told of each PASID. */
static void flush_not_global(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	attach(rig, rig->domain, 1, 300);
	rig->device[0]->ats_global = false;
	unmap_array(rig, 2);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 300);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, BIT(0)), 0);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, GENMASK_ULL(62, 12)), 300);
	rig_end(rig);
}

/* Without ATS there is nothing to count, however many they are. */
static void flush_no_ats(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	attach(rig, rig->domain, 1, 300);
	rig->device[0]->ats = false;
	unmap_array(rig, 8);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 0);
	KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 2 * 8);
	rig_end(rig);
}

static void nest(struct rig *rig, unsigned int num)
{
	const struct iommu_hwpt_vtd_s1 s1 = {
		.pgtbl_addr = SZ_1M,
		.addr_width = 48,
	};

	rig->child = vtd_nested_alloc(&rig->fake->unit, rig->domain, &s1);
	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(rig->child));
	attach(rig, rig->child, 1, num);
}

/* Those of what is nested over the domain count for it. */
static void flush_children(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	nest(rig, 300);
	unmap_array(rig, 1);
	expect_whole_device(rig, RID);
	expect_whole_device(rig, OTHER_RID);
	rig_end(rig);
}

static int invalidate(struct rig *rig, unsigned int num)
{
	struct iommu_user_data_array array = {
		.type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		.uptr = (void __user *)rig->mem->addr,
		.entry_len = sizeof(struct iommu_hwpt_vtd_s1_invalidate),
		.entry_num = num,
	};
	struct iommu_hwpt_vtd_s1_invalidate entry = { .npages = 1 };
	unsigned int i;
	int rc;

	for (i = 0; i < num; i++) {
		entry.addr = IOVA + 2 * i * PAGE_SIZE;
		if (copy_to_user(array.uptr + i * sizeof(entry), &entry,
				 sizeof(entry)))
			return -EFAULT;
	}
	vtd_fake_forget(rig->fake);
	rc = rig->child->domain.ops->cache_invalidate_user(&rig->child->domain,
							   &array);
	KUNIT_EXPECT_EQ(rig->test, array.entry_num, num);
	return rc;
}

static unsigned int descs_of_type(struct rig *rig, unsigned int type)
{
	unsigned int i, num = 0;

	for (i = 0; i < rig->fake->num_log; i++)
		num += type_of(&rig->fake->log[i]) == type;
	return num;
}

/* A domain of which there are devices behind two units: each unit is told all of it. */
static void flush_two_units(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_fake *fakes[2];
	struct vtd_device *third;
	unsigned int i;

	if (!rig)
		return;
	fakes[0] = rig->fake;
	fakes[1] = vtd_fake_new(test, CAP, ECAP);
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(&fakes[1]->unit), 0);
	rig->fake = fakes[1];
	third = new_device(rig, OTHER_RID);
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, third, IOMMU_NO_PASID), 0);

	vtd_fake_forget(fakes[0]);
	unmap_array(rig, 1);
	for (i = 0; i < 2; i++) {
		rig->fake = fakes[i];
		KUNIT_EXPECT_EQ(test, descs_of_type(rig, IOTLB), 1);
		/* without PASID, and with PASID 0 */
		KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 2);
	}
	drop_device(rig, third);
	vtd_root_free(&fakes[1]->unit);
	rig->fake = fakes[0];
	rig_end(rig);
}

/* What a guest asks for. */
static void flush_guest(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned int i;

	if (!rig)
		return;
	nest(rig, 8);
	KUNIT_EXPECT_EQ(test, invalidate(rig, RANGES), 0);
	KUNIT_EXPECT_EQ(test, descs_of_type(rig, PASID_IOTLB), 8 * RANGES);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 8 * RANGES);
	KUNIT_EXPECT_EQ(test, device_descs(rig, OTHER_RID, 0), 0);

	attach(rig, rig->child, 9, 1);
	KUNIT_EXPECT_EQ(test, invalidate(rig, RANGES), 0);
	KUNIT_EXPECT_EQ(test, descs_of_type(rig, PASID_IOTLB), 9);
	/* By PASID, without addresses (6.5.2.4) */
	for (i = 0; i < 9; i++)
		KUNIT_EXPECT_EQ(test, rig->fake->log[i].desc.qw0 >> 4 & 3, 2);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, GENMASK_ULL(62, 12)), 9);
	KUNIT_EXPECT_EQ(test, device_descs(rig, RID, 0), 9);

	attach(rig, rig->child, 10, 300);
	KUNIT_EXPECT_EQ(test, invalidate(rig, RANGES), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 3);
	/* By domain id (6.5.2.3), and before the devices */
	KUNIT_EXPECT_EQ(test, type_of(&rig->fake->log[0]), IOTLB);
	KUNIT_EXPECT_EQ(test, rig->fake->log[0].desc.qw0 >> 4 & 3, 2);
	expect_whole_device(rig, RID);
	rig_end(rig);
}

static struct kunit_case flush_cases[] = {
	KUNIT_CASE(flush_exact),
	KUNIT_CASE(flush_many_pasids),
	KUNIT_CASE(flush_not_global),
	KUNIT_CASE(flush_no_ats),
	KUNIT_CASE(flush_children),
	KUNIT_CASE(flush_two_units),
	KUNIT_CASE(flush_guest),
	{}
};

static struct kunit_suite flush_suite = {
	.name = "iommufd_vtd_flush",
	.test_cases = flush_cases,
};

kunit_test_suite(flush_suite);
