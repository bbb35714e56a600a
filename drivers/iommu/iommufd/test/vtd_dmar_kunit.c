// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door to real units, with the base tree's own qi_submit_sync() behind it, over
 * registers that are memory: what of an error of the invalidation queue comes to the
 * driver, and where that library ends.
 *
 * The library waits with interrupts off, so that nobody else could be the unit on a
 * machine with one processor, or on one where the others wait for an interrupt of ours.
 * But it lets itself be seen: by the tracepoint of each descriptor, when it begins, and
 * by what it prints of an error each time that it looks. So there always is one; where
 * nothing is to go wrong it is a completion that nobody asked for (ICE).
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/printk.h>

#include "../../intel/trace.h"
#include "../../iommu-pages.h"
#include "../vtd/dmar.h"
#include "../vtd/invalidate.h"
#include "../vtd/owed.h"
#include "vtd_fake.h"

/* 2^16 domain ids */
#define CAP		6ULL
/* Queued invalidation, PASIDs, scalable mode */
#define ECAP		(BIT_ULL(1) | 19ULL << 35 | BIT_ULL(40) | BIT_ULL(43))
#define DID		0x1234
/*
 * In the fault status: the index of a record, which means nothing without one. What
 * software writes to clear a bit has not got it.
 */
#define UNTOUCHED	BIT(8)

/**
 * struct lib - a unit that is memory
 * @fake: of which the driver's side is used
 * @iommu: as dmar.c has it
 * @regs: its registers
 * @error: what the next submission meets, DMA_FSTS_*; 0: it is carried out
 * @at: descriptor of it that the unit stops at
 * @patience: looks at that until the unit goes on; 0: it does not by itself
 * @now: @error of the current one
 * @index: of its first descriptor
 * @submissions: so far
 * @looks: of the current one
 */
struct lib {
	struct vtd_fake *fake;
	struct intel_iommu *iommu;
	void *regs;
	u32 error;
	unsigned int at;
	unsigned int patience;
	u32 now;
	int index;
	unsigned int submissions;
	unsigned int looks;
};

static u32 *reg(struct lib *lib, unsigned int offset)
{
	return lib->regs + offset;
}

static void set_head(struct lib *lib, unsigned int index)
{
	*reg(lib, DMAR_IQH_REG) = index % QI_LENGTH << qi_shift(lib->iommu);
}

/* The wait descriptor, which is the last one, is done too. */
static void carry_out(struct lib *lib)
{
	struct q_inval *qi = lib->iommu->qi;

	set_head(lib, qi->free_head);
	WRITE_ONCE(qi->desc_status[(qi->free_head + QI_LENGTH - 1) % QI_LENGTH],
		   QI_DONE);
}

/* A descriptor is about to be written to the ring. */
static void see_submit(void *data, struct intel_iommu *iommu, u64 qw0, u64 qw1,
		       u64 qw2, u64 qw3)
{
	struct lib *lib = data;

	if (iommu != lib->iommu || lib->index == iommu->qi->free_head)
		return;
	/* The first of its submission */
	lib->index = iommu->qi->free_head;
	lib->submissions++;
	lib->looks = 0;
	lib->now = lib->error ?: DMA_FSTS_ICE;
	lib->error = 0;
	set_head(lib, lib->index + lib->at);
	*reg(lib, DMAR_FSTS_REG) = lib->now | UNTOUCHED;
}

/* The last line of what is printed when it looks */
static void see_look(void *data, const char *text, size_t len)
{
	struct lib *lib = data;

	if (!strnstr(text, "QI PRIOR", len))
		return;
	lib->looks++;
	if (lib->now == DMA_FSTS_ICE) {
		carry_out(lib);
	} else if (lib->looks == lib->patience) {
		*reg(lib, DMAR_FSTS_REG) = 0;
		carry_out(lib);
	}
}

static void lib_end(void *data)
{
	struct lib *lib = data;

	unregister_trace_qi_submit(see_submit, lib);
	unregister_trace_console(see_look, lib);
	tracepoint_synchronize_unregister();
	if (!lib->iommu->qi)
		return;
	iommu_free_pages(lib->iommu->qi->desc, 1);
	kfree(lib->iommu->qi->desc_status);
	kfree(lib->iommu->qi);
}

static struct lib *lib_new(struct kunit *test)
{
	struct lib *lib = kunit_kzalloc(test, sizeof(*lib), GFP_KERNEL);
	struct intel_iommu *iommu;

	KUNIT_ASSERT_NOT_NULL(test, lib);
	iommu = kunit_kzalloc(test, sizeof(*iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu);
	lib->regs = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, lib->regs);
	lib->iommu = iommu;
	lib->index = -1;
	raw_spin_lock_init(&iommu->register_lock);
	iommu->reg = (void __force __iomem *)lib->regs;
	iommu->cap = CAP;
	iommu->ecap = ECAP;
	iommu->node = NUMA_NO_NODE;
	strscpy(iommu->name, "memory");
	KUNIT_ASSERT_EQ(test, register_trace_qi_submit(see_submit, lib), 0);
	KUNIT_ASSERT_EQ(test, register_trace_console(see_look, lib), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lib_end, lib), 0);
	/* The queue is on when that is asked for */
	*reg(lib, DMAR_GSTS_REG) = DMA_GSTS_QIES;
	KUNIT_ASSERT_EQ(test, dmar_enable_qi(iommu), 0);
	lib->fake = vtd_fake_new(test, CAP, ECAP);
	lib->fake->unit.door = &vtd_dmar_door;
	lib->fake->unit.door_data = iommu;
	return lib;
}

static struct qi_desc *ring(struct lib *lib, unsigned int index)
{
	struct qi_desc *descs = lib->iommu->qi->desc;

	return descs + index;
}

/* Two descriptors in one submission */
static int submit_two(struct lib *lib)
{
	DEFINE_VTD_BATCH(batch, &lib->fake->unit);

	vtd_batch_pasid(&batch, DID, 1);
	vtd_batch_iotlb_all(&batch);
	return vtd_batch_submit(&batch);
}

/*
 * A completion that nobody asked for is cleared, and makes no difference. All others here
 * go by that.
 */
static void dmar_completion(struct kunit *test)
{
	struct lib *lib = lib_new(test);

	KUNIT_EXPECT_EQ(test, submit_two(lib), 0);
	KUNIT_EXPECT_EQ(test, lib->submissions, 1);
	KUNIT_EXPECT_EQ(test, lib->looks, 1);
	KUNIT_EXPECT_EQ(test, *reg(lib, DMAR_FSTS_REG), DMA_FSTS_ICE);
	KUNIT_EXPECT_EQ(test, lib->iommu->qi->free_cnt, QI_LENGTH);
	KUNIT_EXPECT_EQ(test, ring(lib, 0)->qw0, 0x0000000112340017ULL);
	KUNIT_EXPECT_EQ(test, ring(lib, 1)->qw0, 0x12);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
}

/*
 * The unit stops at the first descriptor: that is told, and cleared. Those behind it are
 * carried out with nobody who waits; in its own place there is one that only waits.
 */
static void dmar_refused(struct kunit *test)
{
	struct lib *lib = lib_new(test);
	struct vtd_unit *unit = &lib->fake->unit;

	lib->error = DMA_FSTS_IQE;
	KUNIT_EXPECT_EQ(test, submit_two(lib), -EIO);
	KUNIT_EXPECT_EQ(test, lib->submissions, 1);
	KUNIT_EXPECT_EQ(test, lib->looks, 1);
	KUNIT_EXPECT_EQ(test, *reg(lib, DMAR_FSTS_REG), DMA_FSTS_IQE);
	KUNIT_EXPECT_EQ(test, ring(lib, 0)->qw0 & 0xf, QI_IWD_TYPE);
	KUNIT_EXPECT_EQ(test, ring(lib, 0)->qw0, ring(lib, 2)->qw0);
	KUNIT_EXPECT_EQ(test, ring(lib, 1)->qw0, 0x12);
	KUNIT_EXPECT_EQ(test, lib->iommu->qi->free_cnt, QI_LENGTH);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());

	/* Nor is it done with when it is refused once more */
	lib->error = DMA_FSTS_IQE;
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, vtd_owed_prove(unit), 0);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, submit_two(lib), 0);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
	KUNIT_EXPECT_EQ(test, lib->iommu->qi->free_cnt, QI_LENGTH);
}

/*
 * It stops at another one: the library looks, as long as that is so, and clears nothing.
 * No unit goes on by itself, as this one does for the test to end; and if one did, nobody
 * would be told that it had stopped.
 */
static void dmar_refused_behind(struct kunit *test)
{
	struct lib *lib = lib_new(test);

	lib->error = DMA_FSTS_IQE;
	lib->at = 1;
	lib->patience = 8;
	KUNIT_EXPECT_EQ(test, submit_two(lib), 0);
	KUNIT_EXPECT_EQ(test, lib->submissions, 1);
	KUNIT_EXPECT_EQ(test, lib->looks, 8);
	KUNIT_EXPECT_EQ(test, *reg(lib, DMAR_FSTS_REG), 0);
	KUNIT_EXPECT_EQ(test, ring(lib, 1)->qw0, 0x12);
	KUNIT_EXPECT_FALSE(test, vtd_units_owing());
}

static struct kunit_case dmar_cases[] = {
	KUNIT_CASE(dmar_completion),
	KUNIT_CASE(dmar_refused),
	KUNIT_CASE(dmar_refused_behind),
	{}
};

static struct kunit_suite dmar_suite = {
	.name = "iommufd_vtd_dmar",
	.test_cases = dmar_cases,
};

kunit_test_suite(dmar_suite);
