// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invalidation queue of a VT-d model has errors: the unit stops at a descriptor (IQE),
 * or a device completes what it was not asked for (ICE). What was submitted has the
 * result it has to have, what the unit may still reach is kept, and the queue goes on.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "../map/iova_space.h"
#include "../map/quarantine.h"
#include "../vtd/owed.h"
#include "map_kunit.h"
#include "vtd_rig.h"

#define IOVA	SZ_1G
#define PAGES	4UL
#define WORD	0x0123456789abcdefULL
#define QUEUE_ERRORS	(DMA_FSTS_IQE | DMA_FSTS_ICE | DMA_FSTS_ITE)

/**
 * struct qt - a function on a domain
 * @test: for failures
 * @rig: with the function
 * @unit: of it
 * @model: what the unit is
 * @domain: in @space; a nest parent
 * @space: maps @mem at IOVA
 * @mem: user memory, WORD is the first one
 */
struct qt {
	struct kunit *test;
	struct vtd_rig rig;
	struct vtd_unit *unit;
	struct vtd_model *model;
	struct vtd_domain *domain;
	struct iova_space space;
	struct user_memory *mem;
};

static bool all_pinned(struct qt *qt, bool pinned)
{
	unsigned long i;

	for (i = 0; i < qt->mem->npages; i++)
		if (pinned != (page_pins(qt->mem->pages[i]) > 0))
			return false;
	return true;
}

static int map_memory(struct qt *qt)
{
	unsigned long iova = IOVA;

	return iova_space_map_user(&qt->space, MAP_CHARGE_USER, &iova,
				   (void __user *)qt->mem->addr,
				   PAGES * PAGE_SIZE, IOMMU_READ | IOMMU_WRITE,
				   0);
}

static void unmap_memory(struct qt *qt)
{
	KUNIT_EXPECT_EQ(qt->test,
			iova_space_unmap(&qt->space, IOVA, PAGES * PAGE_SIZE,
					 NULL), 0);
}

/* With ATS: by what the function has cached of translations, if it has. */
static bool reaches(struct qt *qt, u32 flags)
{
	u64 val = 0;

	return vtd_rig_dma(&qt->rig, 0, IOMMU_NO_PASID, flags, IOVA, &val,
			   sizeof(val)) == MODEL_DMA_OK && val == WORD;
}

static bool is_blocked(struct qt *qt, u32 flags)
{
	u64 val = 0;

	return vtd_rig_dma(&qt->rig, 0, IOMMU_NO_PASID, flags, IOVA, &val,
			   sizeof(val)) == MODEL_DMA_BLOCKED;
}

static u32 queue_errors(struct qt *qt)
{
	return vtd_model_read(qt->model, DMAR_FSTS_REG, sizeof(u32)) &
	       QUEUE_ERRORS;
}

static int stuck(struct qt *qt)
{
	return atomic_read(&qt->rig.machine->stuck);
}

static struct qt *qt_new(struct kunit *test, u32 flags)
{
	struct qt *qt = kunit_kzalloc(test, sizeof(*qt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, qt);
	qt->test = test;
	qt->mem = user_memory_new(test, PAGES);
	if (!qt->mem)
		return NULL;
	*(u64 *)page_address(qt->mem->pages[0]) = WORD;
	KUNIT_ASSERT_EQ(test, vtd_rig_create(&qt->rig, vtd_model_cap,
					     vtd_model_ecap, flags, 1), 0);
	qt->unit = &qt->rig.machine->unit;
	qt->model = qt->rig.machine->model;
	/* Tests say when somebody looks */
	qt->unit->owed.delay = 0;
	qt->domain = vtd_paging_alloc(qt->unit, NUMA_NO_NODE,
				      IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(test, IS_ERR(qt->domain));
	iova_space_init(&qt->space);
	KUNIT_ASSERT_EQ(test, iova_space_add_domain(&qt->space,
						    &qt->domain->domain), 0);
	KUNIT_ASSERT_EQ(test, vtd_attach(qt->domain, qt->rig.device[0],
					 IOMMU_NO_PASID), 0);
	KUNIT_ASSERT_EQ(test, map_memory(qt), 0);
	KUNIT_EXPECT_TRUE(test, reaches(qt, 0));
	return qt;
}

static struct map_quarantine_stat kept(void)
{
	struct map_quarantine_stat stat;

	map_quarantine_get_stat(&stat);
	return stat;
}

static void qt_end(struct qt *qt)
{
	struct kunit *test = qt->test;

	KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
	vtd_detach_all(qt->rig.device[0]);
	iova_space_unmap_all(&qt->space, NULL);
	iova_space_remove_domain(&qt->space, &qt->domain->domain);
	vtd_rig_free(qt->domain);
	iova_space_destroy(&qt->space);
	vtd_rig_destroy(&qt->rig);
	map_quarantine_settle();
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, kept().items, 0);
	KUNIT_EXPECT_EQ(test, kept().tables, 0);
	KUNIT_EXPECT_TRUE(test, all_pinned(qt, false));
	user_memory_free(qt->mem);
}

/* What was unmapped and not forgotten is there, until it has been forgotten. */
static void kept_until_forgotten(struct qt *qt)
{
	struct kunit *test = qt->test;

	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(qt, true));
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	KUNIT_EXPECT_TRUE(test, reaches(qt, 0));

	KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), 0);
	KUNIT_EXPECT_TRUE(test, is_blocked(qt, 0));
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(qt, false));

	/* And all is as ever */
	KUNIT_ASSERT_EQ(test, map_memory(qt), 0);
	KUNIT_EXPECT_TRUE(test, reaches(qt, 0));
	unmap_memory(qt);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	KUNIT_EXPECT_TRUE(test, all_pinned(qt, false));
	KUNIT_EXPECT_TRUE(test, is_blocked(qt, 0));
}

/* The unit stops at the invalidation of the IOTLB, from which it goes on translating. */
static void qi_refused_iotlb(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID);

	if (!qt)
		return;
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 1);
	unmap_memory(qt);
	KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
	KUNIT_EXPECT_EQ(test, stuck(qt), 0);
	kept_until_forgotten(qt);
	qt_end(qt);
}

/*
 * It stops behind that, at the one for the device, which goes on by what it has cached.
 * This the base tree's library would wait for without end, which the door of the model
 * does not.
 */
static void qi_refused_devtlb(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID | MODEL_PCI_ATS);

	if (!qt)
		return;
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 2);
	unmap_memory(qt);
	KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
	KUNIT_EXPECT_EQ(test, stuck(qt), 1);
	/* Of the unit's own caches nothing is left */
	KUNIT_EXPECT_TRUE(test, is_blocked(qt, MODEL_DMA_UNTRANSLATED));
	kept_until_forgotten(qt);
	KUNIT_EXPECT_TRUE(test, qt->rig.device[0]->ats);
	KUNIT_EXPECT_EQ(test, stuck(qt), 1);
	qt_end(qt);
}

/* It stops once more at each step of being made to forget. */
static void qi_refused_again(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID | MODEL_PCI_ATS);
	unsigned int nth;

	if (!qt)
		return;
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 1);
	unmap_memory(qt);
	/* Context cache, PASID cache, IOTLB, and the device without PASID */
	for (nth = 1; nth <= 4; nth++) {
		vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, nth);
		KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), -EAGAIN);
		KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
		KUNIT_EXPECT_TRUE(test, vtd_units_owing());
		map_quarantine_settle();
		KUNIT_EXPECT_TRUE(test, all_pinned(qt, true));
	}
	/* Nor does one wait for itself that is first in its submission */
	KUNIT_EXPECT_EQ(test, stuck(qt), 0);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), 0);
	KUNIT_EXPECT_TRUE(test, is_blocked(qt, 0));
	qt_end(qt);
}

/* A function that was detached comes to nobody while the unit may go by what it had. */
static void qi_refused_detach(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID);
	struct vtd_device *device;

	if (!qt)
		return;
	device = qt->rig.device[0];
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 1);
	vtd_detach(device, IOMMU_NO_PASID);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, vtd_attach(qt->domain, device, IOMMU_NO_PASID),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), 0);
	KUNIT_EXPECT_EQ(test, vtd_attach(qt->domain, device, IOMMU_NO_PASID), 0);
	KUNIT_EXPECT_TRUE(test, reaches(qt, 0));
	qt_end(qt);
}

/* One entry; and how many are said to be done */
static int invalidate(struct qt *qt, struct vtd_domain *nested, u32 *entry_num)
{
	const struct iommu_hwpt_vtd_s1_invalidate entry = {
		.addr = IOVA,
		.npages = 1,
	};
	struct iommu_user_data_array array = {
		.type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		.uptr = (void __user *)qt->mem->addr + PAGE_SIZE,
		.entry_len = sizeof(entry),
		.entry_num = 1,
	};
	int rc;

	if (copy_to_user(array.uptr, &entry, sizeof(entry)))
		return -EFAULT;
	rc = nested->domain.ops->cache_invalidate_user(&nested->domain, &array);
	*entry_num = array.entry_num;
	return rc;
}

/* A guest's invalidation that the unit stops at is not said to be done. */
static void qi_refused_guest(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID);
	struct vtd_domain *nested;
	u32 done;

	if (!qt)
		return;
	nested = vtd_rig_nested(&qt->rig, qt->domain, 0, IOVA);
	KUNIT_ASSERT_FALSE(test, IS_ERR(nested));
	KUNIT_EXPECT_EQ(test, vtd_attach(nested, qt->rig.device[0],
					 IOMMU_NO_PASID), 0);
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 1);
	KUNIT_EXPECT_EQ(test, invalidate(qt, nested, &done), -EIO);
	KUNIT_EXPECT_EQ(test, done, 0);
	KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
	KUNIT_EXPECT_EQ(test, invalidate(qt, nested, &done), 0);
	KUNIT_EXPECT_EQ(test, done, 1);
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), 0);
	vtd_detach_all(qt->rig.device[0]);
	vtd_rig_free(nested);
	qt_end(qt);
}

/* A fault, and how many the driver has been told of; for a while at most. */
static u64 fault(struct qt *qt)
{
	u64 before = atomic64_read(&qt->unit->faults);
	unsigned int i;

	KUNIT_EXPECT_TRUE(qt->test, is_blocked(qt, MODEL_DMA_UNTRANSLATED));
	for (i = 0; i < 2000 && atomic64_read(&qt->unit->faults) == before; i++)
		fsleep(1000);
	return atomic64_read(&qt->unit->faults) - before;
}

/*
 * A device completes an invalidation twice. Nothing has failed; and faults raise
 * interrupts as before, which they would not as long as nobody has cleared it.
 */
static void qi_completion(struct kunit *test)
{
	struct qt *qt = qt_new(test, MODEL_PCI_PASID | MODEL_PCI_ATS);
	unsigned int i;

	if (!qt)
		return;
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_COMPLETION, 1);
	unmap_memory(qt);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	KUNIT_EXPECT_TRUE(test, all_pinned(qt, false));
	KUNIT_EXPECT_TRUE(test, is_blocked(qt, 0));
	for (i = 0; i < 2000 && queue_errors(qt); i++)
		fsleep(1000);
	KUNIT_EXPECT_EQ(test, queue_errors(qt), 0);
	KUNIT_EXPECT_EQ(test, fault(qt), 1);

	/* As after an error of the queue */
	vtd_model_inject(qt->model, VTD_MODEL_INJECT_REFUSE, 1);
	KUNIT_ASSERT_EQ(test, map_memory(qt), 0);
	unmap_memory(qt);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(qt->unit), 0);
	KUNIT_EXPECT_EQ(test, fault(qt), 1);
	KUNIT_EXPECT_TRUE(test, qt->rig.device[0]->ats);
	qt_end(qt);
}

static struct kunit_case qi_cases[] = {
	KUNIT_CASE(qi_refused_iotlb),
	KUNIT_CASE(qi_refused_devtlb),
	KUNIT_CASE(qi_refused_again),
	KUNIT_CASE(qi_refused_detach),
	KUNIT_CASE(qi_refused_guest),
	KUNIT_CASE(qi_completion),
	{}
};

static struct kunit_suite qi_suite = {
	.name = "iommufd_vtd_qi",
	.test_cases = qi_cases,
};

kunit_test_suite(qi_suite);
