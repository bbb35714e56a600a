// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VT-d unit does not carry out invalidations, or is not seen to: what was unmapped,
 * and the tables that it was in, are not given back before it has forgotten all.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>
#include <uapi/linux/iommufd.h>

#include "../map/iova_space.h"
#include "../map/quarantine.h"
#include "../map/table.h"
#include "../vtd/domain.h"
#include "../vtd/owed.h"
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

#define RID	0x0108
#define IOVA	SZ_1G
#define PAGES	4UL

/* Types of descriptors (6.5.2) */
#define CONTEXT		1
#define IOTLB		2
#define DEVICE		3
#define DEVICE_PASID	8
#define PASID_CACHE	7

/**
 * struct rig - a unit with a device on a domain
 * @test: for failures
 * @fake: the unit
 * @device: with ATS
 * @domain: in @space; NULL: gone
 * @space: maps @mem
 * @mem: user memory
 * @refuse: a type of descriptors that are refused, 0: none
 * @busy: others' devices time out all the time
 * @watch: whether @mem is pinned is looked at with each submission
 * @seen: how often it was
 * @gone: how often not
 * @work: has the unit do as told
 */
struct rig {
	struct kunit *test;
	struct vtd_fake *fake;
	struct vtd_device *device;
	struct vtd_domain *domain;
	struct iova_space space;
	struct user_memory *mem;
	unsigned int refuse;
	bool busy;
	bool watch;
	unsigned int seen;
	unsigned int gone;
	struct delayed_work work;
};

static bool all_pinned(struct rig *rig, bool pinned)
{
	unsigned long i;

	for (i = 0; i < rig->mem->npages; i++)
		if (pinned != (page_pins(rig->mem->pages[i]) > 0))
			return false;
	return true;
}

static int on_submit(struct vtd_fake *fake, const struct qi_desc *descs,
		     unsigned int num, bool drain)
{
	struct rig *rig = fake->priv;
	unsigned int i;

	if (rig->watch && all_pinned(rig, true))
		rig->seen++;
	else if (rig->watch)
		rig->gone++;
	for (i = 0; rig->refuse && i < num; i++)
		if ((descs[i].qw0 & 0xf) == rig->refuse)
			return -EINVAL;
	return rig->busy ? -ETIMEDOUT : 0;
}

static struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	struct vtd_unit *unit;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->mem = user_memory_new(test, PAGES);
	if (!rig->mem)
		return NULL;
	rig->fake = vtd_fake_new(test, CAP, ECAP);
	rig->fake->priv = rig;
	rig->fake->on_submit = on_submit;
	unit = &rig->fake->unit;
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(unit), 0);
	rig->device = vtd_fake_device(rig->fake, RID, BIT(20));
	rig->device->ats = true;
	KUNIT_ASSERT_EQ(test, vtd_pasid_dir_alloc(rig->device), 0);
	mutex_lock(&unit->lock);
	KUNIT_ASSERT_EQ(test, vtd_context_install(rig->device), 0);
	KUNIT_ASSERT_FALSE(test, xa_is_err(xa_store(&unit->devices, RID,
						    rig->device, GFP_KERNEL)));
	mutex_unlock(&unit->lock);
	rig->domain = vtd_paging_alloc(unit, NUMA_NO_NODE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(rig->domain));
	iova_space_init(&rig->space);
	KUNIT_ASSERT_EQ(test, iova_space_add_domain(&rig->space,
						    &rig->domain->domain), 0);
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, rig->device, 0), 0);
	vtd_fake_forget(rig->fake);
	return rig;
}

static void free_domain(struct rig *rig)
{
	iova_space_remove_domain(&rig->space, &rig->domain->domain);
	rig->domain->domain.ops->free(&rig->domain->domain);
	rig->domain = NULL;
}

static struct map_quarantine_stat kept(void)
{
	struct map_quarantine_stat stat;

	map_quarantine_get_stat(&stat);
	return stat;
}

/* The unit owes nothing any more. */
static void rig_end(struct rig *rig)
{
	struct vtd_unit *unit = &rig->fake->unit;

	vtd_detach_all(rig->device);
	iova_space_unmap_all(&rig->space, NULL);
	if (rig->domain)
		free_domain(rig);
	iova_space_destroy(&rig->space);
	mutex_lock(&unit->lock);
	vtd_context_remove(rig->device);
	xa_erase(&unit->devices, RID);
	mutex_unlock(&unit->lock);
	vtd_pasid_dir_free(rig->device);
	vtd_root_free(unit);
	map_quarantine_settle();
	KUNIT_EXPECT_FALSE(rig->test, vtd_units_owing());
	KUNIT_EXPECT_EQ(rig->test, kept().items, 0);
	KUNIT_EXPECT_EQ(rig->test, kept().tables, 0);
	KUNIT_EXPECT_TRUE(rig->test, all_pinned(rig, false));
	KUNIT_EXPECT_TRUE(rig->test, ida_is_empty(&unit->dids.ida));
	user_memory_free(rig->mem);
}

static int map_memory(struct rig *rig)
{
	unsigned long iova = IOVA;

	return iova_space_map_user(&rig->space, MAP_CHARGE_USER, &iova,
				   (void __user *)rig->mem->addr,
				   PAGES * PAGE_SIZE, IOMMU_READ | IOMMU_WRITE,
				   0);
}

static void unmap_memory(struct rig *rig)
{
	KUNIT_EXPECT_EQ(rig->test,
			iova_space_unmap(&rig->space, IOVA, PAGES * PAGE_SIZE,
					 NULL), 0);
}

static void owed_pages(struct rig *rig)
{
	struct kunit *test = rig->test;
	unsigned int i, type, step = 0;
	static const u8 order[] = { CONTEXT, PASID_CACHE, IOTLB, DEVICE,
				    DEVICE_PASID };

	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), -EAGAIN);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));

	rig->refuse = 0;
	rig->busy = false;
	rig->watch = true;
	rig->device->pasid_enabled = true;
	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	rig->watch = false;
	KUNIT_EXPECT_GE(test, rig->seen, 4);
	KUNIT_EXPECT_EQ(test, rig->gone, 0);
	for (i = 0; i < rig->fake->num_log && step < ARRAY_SIZE(order); i++) {
		type = rig->fake->log[i].desc.qw0 & 0xf;
		step += type == order[step];
	}
	KUNIT_EXPECT_EQ(test, step, ARRAY_SIZE(order));
	/* 6.5.2.6: all PASIDs, all addresses */
	KUNIT_EXPECT_EQ(test,
			rig->fake->log[rig->fake->num_log - 1].desc.qw1 & 1, 1);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	KUNIT_EXPECT_TRUE(test, rig->device->ats);

	KUNIT_EXPECT_EQ(test, map_memory(rig), 0);
	unmap_memory(rig);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	rig_end(rig);
}

static void owed_refused(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	rig->refuse = IOTLB;
	unmap_memory(rig);
	owed_pages(rig);
}

/* Others' devices time out, and hide what became of ours. */
static void owed_busy(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	/* With ATS it could not be told from a device of its own */
	rig->device->ats = false;
	rig->busy = true;
	unmap_memory(rig);
	rig->device->ats = true;
	owed_pages(rig);
}

/* The domain goes while it is owed: its tables and its number are kept. */
static void owed_tables(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	int got;
	u16 did;

	if (!rig)
		return;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	did = list_first_entry(&rig->domain->tags, struct vtd_tag, item)->did;
	rig->refuse = IOTLB;
	unmap_memory(rig);
	vtd_detach_all(rig->device);
	free_domain(rig);
	/* Four levels of tables; pages and the number */
	KUNIT_EXPECT_GE(test, kept().tables, 1);
	KUNIT_EXPECT_EQ(test, kept().items, 2);
	got = ida_alloc_range(&rig->fake->unit.dids.ida, did, did, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, got, -ENOSPC);
	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	rig_end(rig);
}

/*
 * Moving a device while something is owed leaves a domain id that is kept, each time:
 * that ends where others would have none to be attached with.
 */
static void owed_dids(struct kunit *test)
{
	struct vtd_domain *domains[33] = { };
	struct rig *rig = rig_new(test);
	struct vtd_device *other;
	struct vtd_unit *unit;
	unsigned int i;
	int rc = 0;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	/* 30 of them; one is in use */
	unit->caps.num_dids = 32;
	other = vtd_fake_device(rig->fake, RID + 1, 1);
	KUNIT_ASSERT_EQ(test, vtd_pasid_dir_alloc(other), 0);
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(test, vtd_context_install(other), 0);
	mutex_unlock(&unit->lock);
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	rig->refuse = IOTLB;
	unmap_memory(rig);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	for (i = 0; i < ARRAY_SIZE(domains) - 1 && !rc; i++) {
		domains[i] = vtd_paging_alloc(unit, NUMA_NO_NODE, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(domains[i]));
		rc = vtd_attach(domains[i], rig->device, 0);
	}
	KUNIT_EXPECT_EQ(test, rc, -ENOSPC);
	/* Its own two, with what it had before; and no more than the half */
	KUNIT_EXPECT_GE(test, unit->dids.num, 3);
	KUNIT_EXPECT_LE(test, unit->dids.num, 16);
	domains[i] = vtd_paging_alloc(unit, NUMA_NO_NODE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domains[i]));
	KUNIT_EXPECT_EQ(test, vtd_attach(domains[i], other, 0), 0);

	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, unit->dids.num, 2);
	KUNIT_EXPECT_EQ(test, vtd_attach(domains[i - 1], rig->device, 0), 0);
	KUNIT_EXPECT_EQ(test, rig->device->kept_tags, 0);
	vtd_detach_all(rig->device);
	vtd_detach_all(other);
	mutex_lock(&unit->lock);
	vtd_context_remove(other);
	mutex_unlock(&unit->lock);
	vtd_pasid_dir_free(other);
	for (i = 0; i < ARRAY_SIZE(domains); i++)
		if (domains[i])
			domains[i]->domain.ops->free(&domains[i]->domain);
	rig_end(rig);
}

/*
 * A PASID moves between two tables of a guest's, and the unit does not forget the PASID
 * table that it was in: nothing is written to that any more, until the unit has.
 */
static void owed_pasid_table(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct iommu_hwpt_vtd_s1 s1 = { .addr_width = 48 };
	struct vtd_domain *parent, *nested[2];
	struct vtd_pasid_entry *spare;
	struct vtd_unit *unit;
	unsigned int i;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	parent = vtd_paging_alloc(unit, NUMA_NO_NODE,
				  IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(test, IS_ERR(parent));
	for (i = 0; i < 2; i++) {
		s1.pgtbl_addr = SZ_1M << i;
		nested[i] = vtd_nested_alloc(unit, parent, &s1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(nested[i]));
	}
	KUNIT_EXPECT_EQ(test, vtd_attach(nested[0], rig->device, 5), 0);
	KUNIT_EXPECT_NULL(test, rig->device->pasid_spare);
	KUNIT_EXPECT_EQ(test, vtd_attach(nested[1], rig->device, 5), 0);
	spare = rig->device->pasid_spare;
	KUNIT_EXPECT_NOT_NULL(test, spare);
	KUNIT_EXPECT_EQ(test, kept().tables, 0);

	rig->refuse = PASID_CACHE;
	KUNIT_EXPECT_EQ(test, vtd_attach(nested[0], rig->device, 5), 0);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_NULL(test, rig->device->pasid_spare);
	KUNIT_EXPECT_EQ(test, kept().tables, 1);
	/* It is found where it was put */
	KUNIT_EXPECT_PTR_EQ(test,
			    phys_to_virt(rig->device->pasid_dir[0] & PAGE_MASK),
			    (void *)spare);
	KUNIT_EXPECT_EQ(test, vtd_attach(nested[1], rig->device, 5), 0);
	KUNIT_EXPECT_EQ(test, kept().tables, 2);

	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, kept().tables, 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(nested[0], rig->device, 5), 0);
	KUNIT_EXPECT_NOT_NULL(test, rig->device->pasid_spare);
	vtd_detach_all(rig->device);
	for (i = 0; i < 2; i++)
		nested[i]->domain.ops->free(&nested[i]->domain);
	parent->domain.ops->free(&parent->domain);
	rig_end(rig);
}

/* All that a device was told: how often of all PASIDs at once, and of which ones. */
static unsigned int told_pasids(struct rig *rig, unsigned long *pasids,
				unsigned int *no_pasid)
{
	unsigned int i, global = 0;

	bitmap_zero(pasids, 256);
	*no_pasid = 0;
	for (i = 0; i < rig->fake->num_log; i++) {
		const struct qi_desc *desc = &rig->fake->log[i].desc;
		u32 pasid = desc->qw0 >> 32 & 0xfffff;

		*no_pasid += (desc->qw0 & 0xf) == DEVICE;
		if ((desc->qw0 & 0xf) != DEVICE_PASID)
			continue;
		global += desc->qw1 & 1;
		if (pasid < 256)
			__set_bit(pasid, pasids);
	}
	return global;
}

/*
 * A function may ignore that an invalidation is for all PASIDs: it is told of each, also
 * of one that was detached when the unit did not do as it was told.
 */
static void owed_not_global(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	DECLARE_BITMAP(pasids, 256);
	unsigned int no_pasid;

	if (!rig)
		return;
	rig->device->ats_global = false;
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, rig->device, 5), 0);
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, rig->device, 200), 0);
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	rig->refuse = IOTLB;
	vtd_detach(rig->device, 200);
	unmap_memory(rig);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());

	rig->refuse = 0;
	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, told_pasids(rig, pasids, &no_pasid), 0);
	KUNIT_EXPECT_EQ(test, no_pasid, 1);
	/* Those that share a table with one that was in use, 0 too */
	KUNIT_EXPECT_EQ(test, bitmap_weight(pasids, 256), 64 + 64);
	KUNIT_EXPECT_TRUE(test, test_bit(0, pasids));
	KUNIT_EXPECT_TRUE(test, test_bit(5, pasids));
	KUNIT_EXPECT_TRUE(test, test_bit(200, pasids));
	KUNIT_EXPECT_TRUE(test, rig->device->ats);
	rig_end(rig);
}

/* Without ATS or PASIDs. */
static struct vtd_device *add_device(struct rig *rig, u16 rid)
{
	struct vtd_unit *unit = &rig->fake->unit;
	struct vtd_device *device = vtd_fake_device(rig->fake, rid, 1);

	KUNIT_ASSERT_EQ(rig->test, vtd_pasid_dir_alloc(device), 0);
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(rig->test, vtd_context_install(device), 0);
	KUNIT_EXPECT_FALSE(rig->test, xa_is_err(xa_store(&unit->devices, rid,
							 device, GFP_KERNEL)));
	mutex_unlock(&unit->lock);
	return device;
}

static void drop_device(struct rig *rig, struct vtd_device *device)
{
	struct vtd_unit *unit = &rig->fake->unit;

	vtd_detach_all(device);
	mutex_lock(&unit->lock);
	vtd_context_remove(device);
	xa_erase(&unit->devices, vtd_device_rid(device));
	mutex_unlock(&unit->lock);
	vtd_pasid_dir_free(device);
}

/*
 * The unit may go by what a device, or a PASID of it, was on before: a new owner does not
 * get it until that is forgotten. Who has it may have it go elsewhere; and so may who has
 * another one.
 */
static void owed_new_owner(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_device *device, *other;
	struct vtd_domain *domain;
	struct vtd_unit *unit;
	unsigned long begin;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	unit->caps.pass_through = true;
	device = rig->device;
	other = add_device(rig, RID + 1);
	domain = vtd_paging_alloc(unit, NUMA_NO_NODE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, device, 5), 0);
	KUNIT_ASSERT_EQ(test, vtd_attach(rig->domain, other, 0), 0);
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(device));

	rig->refuse = PASID_CACHE;
	vtd_detach(device, 5);
	KUNIT_EXPECT_TRUE(test, vtd_device_is_late(device));
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(other));
	/* It may have been a part's, and be another part's next */
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 5), -EBUSY);
	KUNIT_EXPECT_EQ(test, vtd_attach(&vtd_identity_domain, device, 5),
			-EBUSY);
	KUNIT_EXPECT_NULL(test, xa_load(&device->attachments, 5));
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->tags));
	/* To be blocked is nothing new */
	KUNIT_EXPECT_EQ(test, vtd_attach(&vtd_blocked_domain, device, 5), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, other, 0), 0);
	KUNIT_EXPECT_TRUE(test, vtd_device_is_late(other));
	/* Nor is one that is attached waited for */
	begin = jiffies;
	vtd_attach_settle(other);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, begin + 60 * HZ));
	vtd_detach(device, 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), -EAGAIN);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), -EBUSY);

	rig->refuse = 0;
	/* That it would do so is not enough */
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(device));
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(other));
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 5), 0);
	/* Once more is nothing to it that has gone before */
	vtd_detach_all(device);
	vtd_unit_owes(unit);
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(device));
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, device, 0), 0);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	vtd_detach_all(device);
	drop_device(rig, other);
	domain->domain.ops->free(&domain->domain);
	rig_end(rig);
}

/* What is owed when a device comes may be of who had its requester id before. */
static void owed_new_device(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_device *other;

	if (!rig)
		return;
	other = add_device(rig, RID + 1);
	KUNIT_EXPECT_FALSE(test, vtd_device_is_late(other));
	rig->refuse = CONTEXT;
	drop_device(rig, other);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	other = add_device(rig, RID + 1);
	KUNIT_EXPECT_TRUE(test, vtd_device_is_late(other));
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domain, other, 0), -EBUSY);
	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domain, other, 0), 0);
	drop_device(rig, other);
	rig_end(rig);
}

/* The unit does not stop taking what a device that does not answer has translated. */
static void owed_stop_ats(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (!rig)
		return;
	vtd_detach_all(rig->device);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	rig->refuse = CONTEXT;
	vtd_device_distrust(rig->device);
	KUNIT_EXPECT_FALSE(test, rig->device->ats);
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domain, rig->device, 0), -EBUSY);
	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domain, rig->device, 0), 0);
	rig_end(rig);
}

static void obey_work(struct work_struct *work)
{
	struct rig *rig = container_of(to_delayed_work(work), struct rig, work);

	WRITE_ONCE(rig->refuse, 0);
}

/* Who cannot be told to come again waits. */
static void owed_settle(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct vtd_device *other;
	unsigned long begin;

	if (!rig)
		return;
	other = add_device(rig, RID + 1);
	rig->fake->unit.owed.delay = 5;
	vtd_attach_settle(rig->device);
	rig->refuse = PASID_CACHE;
	vtd_detach(rig->device, 0);
	/* Of this one the unit did what it was told */
	vtd_attach_settle(other);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	INIT_DELAYED_WORK(&rig->work, obey_work);
	begin = jiffies;
	schedule_delayed_work(&rig->work, msecs_to_jiffies(200));
	vtd_attach_settle(rig->device);
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, begin +
					      msecs_to_jiffies(200)));
	KUNIT_EXPECT_EQ(test, vtd_attach(rig->domain, rig->device, 0), 0);
	flush_delayed_work(&rig->work);
	drop_device(rig, other);
	rig_end(rig);
}

/* As the iommu core knows it: no more of that than its driver looks at. */
static struct device *core_device(struct rig *rig, struct vtd_device *device)
{
	struct dev_iommu *iommu;
	struct device *dev;

	dev = kunit_kzalloc(rig->test, sizeof(*dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(rig->test, dev);
	iommu = kunit_kzalloc(rig->test, sizeof(*iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(rig->test, iommu);
	iommu->priv = device;
	dev->iommu = iommu;
	return dev;
}

/*
 * What the iommu core calls: it takes no for an answer where user space asks, at once,
 * and has its own domains attached.
 */
static void owed_attach(struct rig *rig, struct iommu_domain *core,
			unsigned int type)
{
	struct iommu_domain *user = &rig->domain->domain;
	unsigned int was = core->type;
	struct kunit *test = rig->test;
	unsigned long begin;
	struct device *dev;

	rig->fake->unit.caps.pass_through = true;
	rig->fake->unit.owed.delay = 5;
	dev = core_device(rig, rig->device);
	rig->refuse = PASID_CACHE;
	vtd_detach(rig->device, 0);
	begin = jiffies;
	KUNIT_EXPECT_EQ(test, user->ops->attach_dev(user, dev), -EBUSY);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, begin + 60 * HZ));

	INIT_DELAYED_WORK(&rig->work, obey_work);
	begin = jiffies;
	schedule_delayed_work(&rig->work, msecs_to_jiffies(200));
	core->type = type;
	KUNIT_EXPECT_EQ(test, core->ops->attach_dev(core, dev), 0);
	core->type = was;
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, begin +
					      msecs_to_jiffies(200)));
	flush_delayed_work(&rig->work);
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&rig->device->attachments, 0));
	rig_end(rig);
}

static void owed_attach_dma(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (rig)
		owed_attach(rig, &rig->domain->domain, IOMMU_DOMAIN_DMA);
}

static void owed_attach_identity(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (rig)
		owed_attach(rig, &vtd_identity_domain.domain,
			    IOMMU_DOMAIN_IDENTITY);
}

/* By the work alone. */
static void owed_by_itself(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned long end = jiffies + 60 * HZ;

	if (!rig)
		return;
	rig->fake->unit.owed.delay = 5;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	rig->refuse = IOTLB;
	unmap_memory(rig);
	schedule_timeout_uninterruptible(msecs_to_jiffies(100));
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	WRITE_ONCE(rig->refuse, 0);
	while (vtd_units_owing() && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	rig_end(rig);
}

/*
 * Dirty tracking that could not be turned on is off: nobody takes what is not marked for
 * what was not written. To turn it on again is to have it invalidated again.
 */
static void owed_dirty(struct kunit *test)
{
	const struct iommu_dirty_ops *ops;
	struct vtd_target target;
	struct vtd_domain *domain;
	struct vtd_unit *unit;
	struct rig *rig;

	rig = rig_new(test);
	if (!rig)
		return;
	unit = &rig->fake->unit;
	unit->caps.dirty = true;
	domain = vtd_paging_alloc(unit, NUMA_NO_NODE,
				  IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	ops = domain->domain.dirty_ops;
	KUNIT_EXPECT_EQ(test, vtd_attach(domain, rig->device, 1), 0);
	vtd_units_lock();
	list_add_tail(&unit->item, &vtd_units);
	vtd_units_unlock();

	rig->refuse = PASID_CACHE;
	KUNIT_EXPECT_EQ(test, ops->set_dirty_tracking(&domain->domain, true),
			-EIO);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_FALSE(test, domain->dirty_tracking);
	mutex_lock(&unit->lock);
	vtd_pasid_get(rig->device, 1, &target);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_FALSE(test, target.dirty);
	/* Nor is a second try taken for a success */
	KUNIT_EXPECT_EQ(test, ops->set_dirty_tracking(&domain->domain, true),
			-EIO);

	rig->refuse = 0;
	vtd_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, ops->set_dirty_tracking(&domain->domain, true), 0);
	KUNIT_EXPECT_TRUE(test, domain->dirty_tracking);
	KUNIT_EXPECT_GT(test, rig->fake->num_log, 0);
	mutex_lock(&unit->lock);
	vtd_pasid_get(rig->device, 1, &target);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_TRUE(test, target.dirty);
	KUNIT_EXPECT_EQ(test, ops->set_dirty_tracking(&domain->domain, false),
			0);
	KUNIT_EXPECT_FALSE(test, domain->dirty_tracking);

	vtd_units_lock();
	list_del_init(&unit->item);
	vtd_units_unlock();
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	vtd_detach(rig->device, 1);
	domain->domain.ops->free(&domain->domain);
	rig_end(rig);
}

/*
 * With nothing to flush it is asked all the same: what an earlier call was to have
 * forgotten is not for sure.
 */
static void owed_sync(struct kunit *test)
{
	struct iommu_iotlb_gather gather;
	struct rig *rig = rig_new(test);
	struct iommu_domain *core;

	if (!rig)
		return;
	core = &rig->domain->domain;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	iommu_iotlb_gather_init(&gather);
	iommu_iotlb_gather_add_range(&gather, IOVA, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, map_domain_sync(core, &gather), 0);

	rig->refuse = IOTLB;
	iommu_iotlb_gather_add_range(&gather, IOVA, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, map_domain_sync(core, &gather), -EIO);
	vtd_fake_forget(rig->fake);
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, map_domain_sync(core, &gather), -EIO);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);

	rig->refuse = 0;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, map_domain_sync(core, &gather), 0);
	unmap_memory(rig);
	rig_end(rig);
}

static struct kunit_case owed_cases[] = {
	KUNIT_CASE(owed_refused),
	KUNIT_CASE(owed_busy),
	KUNIT_CASE(owed_tables),
	KUNIT_CASE(owed_dids),
	KUNIT_CASE(owed_pasid_table),
	KUNIT_CASE(owed_not_global),
	KUNIT_CASE(owed_new_owner),
	KUNIT_CASE(owed_new_device),
	KUNIT_CASE(owed_stop_ats),
	KUNIT_CASE(owed_settle),
	KUNIT_CASE(owed_attach_dma),
	KUNIT_CASE(owed_attach_identity),
	KUNIT_CASE(owed_dirty),
	KUNIT_CASE(owed_sync),
	KUNIT_CASE(owed_by_itself),
	{}
};

static struct kunit_suite owed_suite = {
	.name = "iommufd_vtd_owed",
	.test_cases = owed_cases,
};

kunit_test_suite(owed_suite);
