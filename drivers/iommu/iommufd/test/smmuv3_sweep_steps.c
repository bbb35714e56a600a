// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of the sweep beside the transitions: tables are changed under devices
 * that use them; a function goes and comes.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <uapi/linux/iommufd.h>

#include "smmuv3_sweep.h"

/* Where steps map, and what guests map to there */
#define BASE		BIT_ULL(36)
#define GUEST_VA	BIT_ULL(30)

/* A leaf or a table of both stages, that can be read */
#define ANY_ENTRY	0x7dbULL

/* Data pages: what is mapped, what takes its place, what nobody may see */
#define OLD		0
#define NEW		2
#define NEIGHBOUR	8
#define LEAVES		13
#define TABLE		14
#define NEVER		15

#define REUSED		8

/**
 * struct region - what is mapped at BASE, and how much of it goes
 * @leaf: size of leaves
 * @span: of the region, a size that a leaf can have
 * @cut: unmapped, a size that a leaf can have
 */
struct region {
	size_t leaf;
	size_t span;
	size_t cut;
};

static u64 page_value(unsigned int page)
{
	return 0xd000 + page;
}

static phys_addr_t page_phys(struct smmuv3_sweep *s, unsigned int page)
{
	return virt_to_phys(s->data[page]);
}

/* The address of a data page, when a span around it is mapped at BASE. */
static u64 page_iova(struct smmuv3_sweep *s, unsigned int page, size_t span)
{
	return BASE + (page_phys(s, page) & (span - 1));
}

static bool has_pasids(struct smmuv3_sweep *s)
{
	return s->rig.device[0]->max_pasids > SMSW_PASID;
}

/* The address at which the device has what is at @iova of s->domain. */
static u64 address(struct smmuv3_sweep *s, u64 iova)
{
	return s->child ? GUEST_VA | (iova & (SZ_2M - 1)) : iova;
}

static void guest_sees(struct smmuv3_sweep *s, u64 iova)
{
	if (s->child)
		smmuv3_sweep_guest_set(&s->guest, address(s, iova), iova);
}

static int expect_all(struct smmuv3_sweep *s, u64 iova, u64 want,
		      const char *why)
{
	u64 addr = address(s, iova);

	if (!smmuv3_sweep_expect(s, IOMMU_NO_PASID, addr, want, why))
		return -EIO;
	if ((s->child || s->domain->kind == SMMUV3_DOMAIN_STAGE1) &&
	    has_pasids(s) &&
	    !smmuv3_sweep_expect(s, SMSW_PASID, addr, want, why))
		return -EIO;
	return 0;
}

/* A domain, and who is attached to it or nested over it; nothing is mapped. */
static int begin_flags(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step, u32 flags)
{
	struct smmuv3_device *device = s->rig.device[0];
	int rc = 0;

	if (step->on != SMMUV3_DOMAIN_STAGE1)
		flags |= IOMMU_HWPT_ALLOC_NEST_PARENT;
	s->domain = smmuv3_paging_alloc(device->unit, flags);
	if (IS_ERR(s->domain))
		return PTR_ERR(s->domain);
	if (step->on == SMMUV3_DOMAIN_NESTED) {
		rc = smmuv3_sweep_guest_map(s->domain, &s->guest);
		if (rc)
			return rc;
		s->child = smmuv3_sweep_nest(s, s->domain, &s->guest);
		if (IS_ERR(s->child))
			return PTR_ERR(s->child);
	}
	rc = smmuv3_attach(s->child ?: s->domain, device, IOMMU_NO_PASID);
	if (!rc && step->on == SMMUV3_DOMAIN_STAGE1 && has_pasids(s))
		rc = smmuv3_attach(s->domain, device, SMSW_PASID);
	return rc;
}

static int begin(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return begin_flags(s, step, 0);
}

static void end(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	smmuv3_rig_free(s->child);
	smmuv3_rig_free(s->domain);
	s->child = NULL;
	s->domain = NULL;
}

/* --- leaves and tables go --- */

static int map_span(struct smmuv3_sweep *s, const struct region *r,
		    unsigned int page)
{
	return smmuv3_sweep_map(s->domain, BASE,
				page_phys(s, page) & ~(r->span - 1), r->leaf,
				r->span / r->leaf);
}

static int unmap_setup(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, step);

	if (rc)
		return rc;
	guest_sees(s, iova);
	guest_sees(s, page_iova(s, NEIGHBOUR, r->span));
	rc = map_span(s, r, OLD);
	rc = rc ?: expect_all(s, iova, page_value(OLD), "before");
	if (!rc && r->cut < r->span)
		rc = expect_all(s, page_iova(s, NEIGHBOUR, r->span),
				page_value(NEIGHBOUR), "before, behind it");
	return rc;
}

static u64 cut_iova(struct smmuv3_sweep *s, const struct region *r)
{
	return page_iova(s, OLD, r->span) & ~(u64)(r->cut - 1);
}

static int unmap_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;

	smmuv3_sweep_unmap(s->domain, cut_iova(s, r), r->cut);
	return 0;
}

/* Tables that were freed are in use again, and look like tables still. */
static void reuse_pages(struct smmuv3_sweep *s, u64 *pages[REUSED])
{
	u64 entry = page_phys(s, LEAVES) | ANY_ENTRY;
	unsigned int i;

	memset64(s->data[LEAVES], page_phys(s, NEVER) | ANY_ENTRY,
		 PAGE_SIZE / sizeof(u64));
	for (i = 0; i < REUSED; i++) {
		pages[i] = (u64 *)__get_free_page(GFP_KERNEL);
		if (pages[i])
			memset64(pages[i], entry, PAGE_SIZE / sizeof(u64));
	}
}

static void free_pages_again(u64 *pages[REUSED])
{
	unsigned int i;

	for (i = 0; i < REUSED; i++)
		free_page((unsigned long)pages[i]);
}

static void unmap_check(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;
	u64 *pages[REUSED];

	reuse_pages(s, pages);
	expect_all(s, page_iova(s, OLD, r->span), 0,
		   "what was unmapped is reachable");
	if (r->cut < r->span && r->cut == PAGE_SIZE)
		expect_all(s, page_iova(s, NEIGHBOUR, r->span),
			   page_value(NEIGHBOUR), "its neighbour is not");
	free_pages_again(pages);
}

static const struct region page_leaf = { SZ_4K, SZ_4K, SZ_4K };
static const struct region mid_leaf = { SZ_2M, SZ_2M, SZ_2M };
static const struct region big_leaf = { SZ_1G, SZ_1G, SZ_1G };
static const struct region page_table = { SZ_4K, SZ_2M, SZ_2M };
static const struct region mid_table = { SZ_2M, SZ_1G, SZ_1G };
static const struct region split_mid = { SZ_2M, SZ_2M, SZ_4K };

/* --- ranges that user space has flushed --- */

static int invalidate(struct smmuv3_sweep *s, struct smmuv3_domain *domain,
		      u64 iova, u64 length)
{
	const struct iommu_hwpt_invalidate_range entry = {
		.flags = length ? 0 : IOMMU_INVALIDATE_RANGE_ALL,
		.iova = length ? iova : 0,
		.length = length,
	};
	struct iommu_user_data_array array = {
		.type = IOMMU_HWPT_INVALIDATE_DATA_RANGE,
		.uptr = s->array,
		.entry_len = sizeof(entry),
		.entry_num = 1,
	};
	struct iommu_domain *core = &domain->domain;

	if (copy_to_user(s->array, &entry, sizeof(entry)))
		return -EFAULT;
	return core->ops->cache_invalidate_user(core, &array);
}

/* The table changes, and nobody is told but by what user space asks for. */
static int range_change(struct smmuv3_sweep *s, const struct region *r)
{
	struct iommu_domain *core = &s->domain->domain;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	return core->ops->unmap_pages(core, cut_iova(s, r), r->cut, 1,
				      &gather) == r->cut ? 0 : -EIO;
}

static int range_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;

	return range_change(s, r) ?:
	       invalidate(s, s->domain, cut_iova(s, r), r->cut);
}

static int all_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return range_change(s, step->arg) ?: invalidate(s, s->domain, 0, 0);
}

/* --- a block comes where a table was --- */

/* A table is left behind, with nothing in it, and is cached. */
static int emptied_setup(struct smmuv3_sweep *s,
			 const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, step);

	if (rc)
		return rc;
	guest_sees(s, iova);
	rc = smmuv3_sweep_map(s->domain, iova, page_phys(s, NEW), SZ_4K, 1);
	rc = rc ?: expect_all(s, iova, page_value(NEW), "before");
	if (!rc)
		smmuv3_sweep_unmap(s->domain, iova, SZ_4K);
	return rc ?: expect_all(s, iova, 0, "unmapped");
}

static int map_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return map_span(s, step->arg, OLD);
}

static void map_check(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;
	u64 *pages[REUSED];

	reuse_pages(s, pages);
	expect_all(s, page_iova(s, OLD, r->span), page_value(OLD),
		   "what was mapped is not reachable");
	free_pages_again(pages);
}

static int map_setup(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, step);

	if (rc)
		return rc;
	guest_sees(s, iova);
	return expect_all(s, iova, 0, "before");
}

/* --- dirty bits --- */

#define LEAF_READ_ONLY	BIT_ULL(7)
/* A power of two, so that one ATC invalidation is for all of them */
#define DIRTY_PAGES	4

/* The leaf of a 4 KiB page, of 4 levels (DDI 0487, D8.3). */
static u64 *leaf_entry(struct smmuv3_sweep *s, u64 iova)
{
	u64 at = s->domain->pgtbl_cfg.arm_lpae_s1_cfg.ttbr;
	unsigned int shift;
	u64 *entry = NULL;

	for (shift = 39; shift >= 12; shift -= 9) {
		u64 *table = phys_to_virt(at & GENMASK_ULL(47, 12));

		entry = &table[(iova >> shift) & 0x1ff];
		at = *entry;
	}
	return entry;
}

/* Untranslated twice, by what the function has cached, and that by PASID. */
static int write_all(struct smmuv3_sweep *s)
{
	struct model_port *port = smmuv3_model_port(s->rig.machine->model);
	struct model_tlp tlp = {
		.rid = s->sid,
		.perm = MODEL_WRITE,
		.addr = BASE,
	};
	u64 val = page_value(OLD);

	if (port->ops->access(port, &tlp, &val, sizeof(val)) != MODEL_OK)
		return -EIO;
	tlp.addr = BASE + 3 * SZ_4K;
	val = page_value(OLD + 3);
	if (port->ops->access(port, &tlp, &val, sizeof(val)) != MODEL_OK)
		return -EIO;
	val = page_value(OLD + 1);
	if (s->unit->flags & MODEL_PCI_ATS &&
	    smmuv3_rig_dma(&s->rig, 0, IOMMU_NO_PASID, MODEL_DMA_WRITE,
			   BASE + SZ_4K, &val, sizeof(val)) != MODEL_DMA_OK)
		return -EIO;
	val = page_value(OLD + 2);
	if (has_pasids(s) &&
	    smmuv3_rig_dma(&s->rig, 0, SMSW_PASID, MODEL_DMA_WRITE,
			   BASE + 2 * SZ_4K, &val, sizeof(val)) != MODEL_DMA_OK)
		return -EIO;
	return 0;
}

static int dirty_setup(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	int rc = begin_flags(s, step, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);

	rc = rc ?: smmuv3_sweep_map(s->domain, BASE, page_phys(s, OLD), SZ_4K,
				    DIRTY_PAGES);
	return rc ?: write_all(s);
}

/* As iommufd does it: read, note what is to be flushed, flush. */
static int dirty_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	struct iommu_domain *core = &s->domain->domain;
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;
	int rc;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	iommu_iotlb_gather_init(&gather);
	rc = core->dirty_ops->read_and_clear_dirty(core, BASE,
						   DIRTY_PAGES * SZ_4K, 0,
						   &dirty);
	iommu_iotlb_gather_add_range(&gather, BASE, DIRTY_PAGES * SZ_4K);
	core->ops->iotlb_sync(core, &gather);
	return rc;
}

static void dirty_check(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	bool ats = s->unit->flags & MODEL_PCI_ATS;

	if (write_all(s))
		s->why = "not writable";
	else if (*leaf_entry(s, BASE) & LEAF_READ_ONLY ||
		 *leaf_entry(s, BASE + 3 * SZ_4K) & LEAF_READ_ONLY ||
		 (ats && *leaf_entry(s, BASE + SZ_4K) & LEAF_READ_ONLY) ||
		 (has_pasids(s) &&
		  *leaf_entry(s, BASE + 2 * SZ_4K) & LEAF_READ_ONLY))
		s->why = "a write left no dirty state";
}

/* --- stage 1 of a guest --- */

static u64 *guest_leaf(struct smmuv3_sweep *s)
{
	return &s->guest.table[4][(address(s, BASE) >> 12) & 0x1ff];
}

/* Another lowest table, in which the same address leads to NEW. */
static int other_table(struct smmuv3_sweep *s)
{
	unsigned int index = guest_leaf(s) - s->guest.table[4];

	memset64(s->data[TABLE], 0, PAGE_SIZE / sizeof(u64));
	s->data[TABLE][index] = (BASE + SZ_4K) | SMSW_GUEST_ENTRY | BIT_ULL(11);
	return smmuv3_sweep_map(s->domain, s->guest.gpa + 6 * PAGE_SIZE,
				page_phys(s, TABLE), SZ_4K, 1);
}

static int guest_setup(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	int rc = begin(s, step);

	if (rc)
		return rc;
	smmuv3_sweep_guest_set(&s->guest, GUEST_VA, BASE);
	rc = smmuv3_sweep_map(s->domain, BASE, page_phys(s, OLD), SZ_4K, 1);
	rc = rc ?: smmuv3_sweep_map(s->domain, BASE + SZ_4K, page_phys(s, NEW),
				    SZ_4K, 1);
	rc = rc ?: other_table(s);
	return rc ?: expect_all(s, BASE, page_value(OLD), "before");
}

static int guest_leaf_act(struct smmuv3_sweep *s,
			  const struct smmuv3_sweep_step *step)
{
	smmuv3_sweep_guest_set(&s->guest, GUEST_VA, BASE + SZ_4K);
	return invalidate(s, s->child, GUEST_VA, SZ_4K);
}

static void guest_change_table(struct smmuv3_sweep *s)
{
	u64 *entry = &s->guest.table[3][(GUEST_VA >> 21) & 0x1ff];

	WRITE_ONCE(*entry, (s->guest.gpa + 6 * PAGE_SIZE) | 3);
}

static int guest_table_act(struct smmuv3_sweep *s,
			   const struct smmuv3_sweep_step *step)
{
	guest_change_table(s);
	return invalidate(s, s->child, GUEST_VA, SZ_4K);
}

static int guest_all_act(struct smmuv3_sweep *s,
			 const struct smmuv3_sweep_step *step)
{
	guest_change_table(s);
	return invalidate(s, s->child, 0, 0);
}

static void guest_check(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	expect_all(s, BASE, page_value(NEW), "the guest's old table is used");
}

static void guest_undo(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	end(s, step);
	memset64(s->data[TABLE], page_value(TABLE), PAGE_SIZE / sizeof(u64));
}

/* A page that the guest has a table in is taken away. */
static int guest_unmap_act(struct smmuv3_sweep *s,
			   const struct smmuv3_sweep_step *step)
{
	smmuv3_sweep_unmap(s->domain, s->guest.gpa + 4 * PAGE_SIZE, SZ_4K);
	return 0;
}

static void guest_unmap_check(struct smmuv3_sweep *s,
			      const struct smmuv3_sweep_step *step)
{
	expect_all(s, BASE, 0, "the table is used");
}

/* --- a function goes and comes --- */

/* Nothing is in its entries, no table of context descriptors is there. */
static int fresh_setup(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	int rc;

	smmuv3_rig_unplug(&s->rig);
	rc = smmuv3_sweep_plug(s);
	if (rc)
		return rc;
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, 0, "before");
	smmuv3_sweep_expect(s, SMSW_PASID, s->probe, 0, "before, PASID");
	return s->why ? -EIO : 0;
}

static u8 fresh_state(const struct smmuv3_sweep_step *step)
{
	return *(const u8 *)step->arg;
}

static int fresh_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return smmuv3_attach(s->state[fresh_state(step)], s->rig.device[0],
			     IOMMU_NO_PASID);
}

static void fresh_check(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe,
			    s->value[fresh_state(step)], "not attached");
}

/* In the same lowest table of descriptors as the RID's, and in another (5.4) */
static const u32 near_pasid = 6;
static const u32 far_pasid = 0x1234;

static int pasid_setup(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step)
{
	int rc;

	if (s->rig.device[0]->max_pasids <= *(const u32 *)step->arg)
		return -EOPNOTSUPP;
	rc = fresh_setup(s, step);
	rc = rc ?: smmuv3_attach(s->state[SMSW_S1_A], s->rig.device[0],
				 IOMMU_NO_PASID);
	if (rc)
		return rc;
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[SMSW_S1_A],
			    "before");
	smmuv3_sweep_expect(s, *(const u32 *)step->arg, s->probe, 0,
			    "before, PASID");
	return s->why ? -EIO : 0;
}

static int pasid_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return smmuv3_attach(s->state[SMSW_S1_B], s->rig.device[0],
			     *(const u32 *)step->arg);
}

static void pasid_check(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	smmuv3_sweep_expect(s, *(const u32 *)step->arg, s->probe,
			    s->value[SMSW_S1_B], "not attached");
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[SMSW_S1_A],
			    "the RID went");
}

static int states_setup(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step)
{
	bool nested = step->on == SMMUV3_DOMAIN_NESTED;
	u8 state = nested ? SMSW_NESTED_1 : SMSW_S1_A;
	int rc;

	rc = smmuv3_attach(s->state[state], s->rig.device[0], IOMMU_NO_PASID);
	if (!rc && !nested && has_pasids(s))
		rc = smmuv3_attach(s->state[SMSW_S1_B], s->rig.device[0],
				   SMSW_PASID);
	if (rc)
		return rc;
	if (!smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[state],
				 "before"))
		return -EIO;
	if (!nested && has_pasids(s) &&
	    !smmuv3_sweep_expect(s, SMSW_PASID, s->probe, s->value[SMSW_S1_B],
				 "before, PASID"))
		return -EIO;
	return 0;
}

static int unplug_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	smmuv3_rig_unplug(&s->rig);
	return 0;
}

/* Another function in its place, whose tables are elsewhere, has nothing of it. */
static void unplug_check(struct smmuv3_sweep *s,
			 const struct smmuv3_sweep_step *step)
{
	bool nested = step->on == SMMUV3_DOMAIN_NESTED;
	u8 later = nested ? SMSW_NESTED_LATER : SMSW_S1_LATER;
	unsigned long taken[12];
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = __get_free_pages(GFP_KERNEL | __GFP_ZERO, i % 6);
	rc = smmuv3_sweep_plug(s);
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		free_pages(taken[i], i % 6);
	if (rc) {
		s->why = "not plugged";
		return;
	}
	if (!smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, 0,
				 "its RID is alive") ||
	    !smmuv3_sweep_expect(s, SMSW_PASID, s->probe, 0,
				 "its PASID is alive"))
		return;
	if (smmuv3_attach(s->state[later], s->rig.device[0], IOMMU_NO_PASID))
		s->why = "no later attach";
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[later],
			    "its id is used");
	if (nested || !has_pasids(s))
		return;
	/* It gets the other ASID: of what was here by PASID */
	if (smmuv3_attach(s->state[SMSW_S1_A], s->rig.device[0], SMSW_PASID))
		s->why = "no later attach";
	smmuv3_sweep_expect(s, SMSW_PASID, s->probe, s->value[SMSW_S1_A],
			    "its PASID's id is used");
}

static int plug_setup(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	smmuv3_rig_unplug(&s->rig);
	return smmuv3_sweep_read(s, IOMMU_NO_PASID, s->probe, false) ? -EIO : 0;
}

static int plug_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return smmuv3_rig_plug(&s->rig, s->unit->flags, s->unit->pasid_bits);
}

/* What the core attached it to is what it goes through. */
static void plug_check(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	struct iommu_domain *core = iommu_get_domain_for_dev(&s->rig.pdev[0]->dev);
	struct smmuv3_domain *domain = to_smmuv3_domain(core);
	u64 want = s->value[SMSW_BYPASS];

	if (core->type & __IOMMU_DOMAIN_PAGING) {
		want = s->value[SMSW_S1_A];
		if (smmuv3_sweep_map(domain, s->probe,
				     virt_to_phys(s->pages[SMSW_S1_A]), SZ_4K, 1))
			s->why = "no map";
	}
	smmuv3_sweep_expect(s, IOMMU_NO_PASID, s->probe, want,
			    "what was before it is used");
	if (core->type & __IOMMU_DOMAIN_PAGING)
		smmuv3_sweep_unmap(domain, s->probe, SZ_4K);
}

static int ats_setup(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	struct smmuv3_device *device = s->rig.device[0];
	int rc = states_setup(s, step);

	/* It has none at all, or none over a guest's PASIDs */
	return rc ?: smmuv3_device_has_atc(device) ? 0 : -EOPNOTSUPP;
}

static int ats_act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	smmuv3_device_distrust(s->rig.device[0]);
	smmuv3_devices_settle();
	return 0;
}

static void ats_check(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	u8 state = step->on == SMMUV3_DOMAIN_NESTED ? SMSW_NESTED_1 : SMSW_S1_A;

	if (smmuv3_sweep_read(s, IOMMU_NO_PASID, s->probe, true))
		s->why = "a translated request is believed";
	if (smmuv3_sweep_read(s, IOMMU_NO_PASID, s->probe, false) !=
	    s->value[state])
		s->why = "an untranslated request is not";
}

#define FRESH(_name, _state) {						\
	.name = "fresh: to " _name, .arg = &(const u8){ _state },	\
	.setup = fresh_setup, .act = fresh_act, .check = fresh_check,	\
}

#define PASID(_name, _pasid) {						\
	.name = "fresh: a PASID " _name, .arg = &(_pasid),		\
	.setup = pasid_setup, .act = pasid_act, .check = pasid_check,	\
}

#define UNMAP(_name, _on, _region) {					\
	.name = (_name), .on = SMMUV3_DOMAIN_##_on,			\
	.setup = unmap_setup, .act = unmap_act, .check = unmap_check,	\
	.undo = end, .arg = &(_region),					\
}

#define RANGE(_name, _on, _region, _act) {				\
	.name = (_name), .on = SMMUV3_DOMAIN_##_on,			\
	.setup = unmap_setup, .act = (_act), .check = unmap_check,	\
	.undo = end, .arg = &(_region),					\
}

#define OVER(_name, _on, _region) {					\
	.name = (_name), .on = SMMUV3_DOMAIN_##_on,			\
	.setup = emptied_setup, .act = map_act, .check = map_check,	\
	.undo = end, .arg = &(_region),					\
}

#define MAP(_name, _on, _region) {					\
	.name = (_name), .on = SMMUV3_DOMAIN_##_on,			\
	.setup = map_setup, .act = map_act, .check = map_check,		\
	.undo = end, .arg = &(_region),					\
}

#define GUEST(_name, _act, _check) {					\
	.name = (_name), .on = SMMUV3_DOMAIN_NESTED,			\
	.setup = guest_setup, .act = (_act), .check = (_check),		\
	.undo = guest_undo,						\
}

const struct smmuv3_sweep_step smmuv3_sweep_steps[] = {
	UNMAP("unmap a leaf of 4K, stage 1", STAGE1, page_leaf),
	UNMAP("unmap a leaf of 4K, stage 2", STAGE2, page_leaf),
	UNMAP("unmap a leaf of 4K, nested", NESTED, page_leaf),
	UNMAP("unmap a leaf of 2M, stage 1", STAGE1, mid_leaf),
	UNMAP("unmap a leaf of 2M, stage 2", STAGE2, mid_leaf),
	UNMAP("unmap a leaf of 2M, nested", NESTED, mid_leaf),
	UNMAP("unmap a leaf of 1G, stage 1", STAGE1, big_leaf),
	UNMAP("unmap a leaf of 1G, stage 2", STAGE2, big_leaf),
	UNMAP("unmap a leaf of 1G, nested", NESTED, big_leaf),
	UNMAP("unmap a table of 4K, stage 1", STAGE1, page_table),
	UNMAP("unmap a table of 4K, stage 2", STAGE2, page_table),
	UNMAP("unmap a table of 4K, nested", NESTED, page_table),
	UNMAP("unmap a table of 2M, stage 1", STAGE1, mid_table),
	UNMAP("unmap a table of 2M, stage 2", STAGE2, mid_table),
	UNMAP("unmap a table of 2M, nested", NESTED, mid_table),
	/* io-pgtable's alone splits */
	UNMAP("unmap 4K of a leaf of 2M, stage 1", STAGE1, split_mid),
	RANGE("flush a range, stage 1", STAGE1, page_leaf, range_act),
	RANGE("flush a range, stage 2", STAGE2, page_leaf, range_act),
	RANGE("flush a range, nested", NESTED, page_leaf, range_act),
	RANGE("flush all, stage 1", STAGE1, page_leaf, all_act),
	RANGE("flush all, stage 2", STAGE2, page_leaf, all_act),
	RANGE("flush all, nested", NESTED, page_leaf, all_act),
	MAP("map a leaf of 4K, stage 1", STAGE1, page_leaf),
	MAP("map a leaf of 4K, stage 2", STAGE2, page_leaf),
	MAP("map a leaf of 4K, nested", NESTED, page_leaf),
	OVER("map a leaf of 2M over a table, stage 1", STAGE1, mid_leaf),
	OVER("map a leaf of 2M over a table, stage 2", STAGE2, mid_leaf),
	OVER("map a leaf of 2M over a table, nested", NESTED, mid_leaf),
	{ .name = "dirty state read and cleared", .on = SMMUV3_DOMAIN_STAGE1,
	  .setup = dirty_setup, .act = dirty_act, .check = dirty_check,
	  .undo = end },
	GUEST("guest: a leaf", guest_leaf_act, guest_check),
	GUEST("guest: a table, by page", guest_table_act, guest_check),
	GUEST("guest: a table, by all", guest_all_act, guest_check),
	GUEST("guest: its table is unmapped", guest_unmap_act,
	      guest_unmap_check),
	{ .name = "unplug, stage 1", .on = SMMUV3_DOMAIN_STAGE1,
	  .setup = states_setup, .act = unplug_act, .check = unplug_check },
	{ .name = "unplug, nested", .on = SMMUV3_DOMAIN_NESTED,
	  .setup = states_setup, .act = unplug_act, .check = unplug_check },
	FRESH("bypass", SMSW_BYPASS),
	FRESH("stage 1", SMSW_S1_A),
	FRESH("stage 2", SMSW_S2),
	FRESH("nested", SMSW_NESTED_1),
	PASID("near the RID's", near_pasid),
	PASID("far from it", far_pasid),
	{ .name = "plug",
	  .setup = plug_setup, .act = plug_act, .check = plug_check },
	{ .name = "ATS off, stage 1", .on = SMMUV3_DOMAIN_STAGE1,
	  .setup = ats_setup, .act = ats_act, .check = ats_check },
	{ .name = "ATS off, nested", .on = SMMUV3_DOMAIN_NESTED,
	  .setup = ats_setup, .act = ats_act, .check = ats_check },
};

const unsigned int smmuv3_sweep_num_steps = ARRAY_SIZE(smmuv3_sweep_steps);
