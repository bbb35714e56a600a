// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of the sweep beside the transitions: tables are changed under devices
 * that use them; a function goes and comes.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <uapi/linux/iommufd.h>

#include "vtd_sweep.h"

/* Where steps map, and what guests map to there */
#define BASE		BIT_ULL(36)
#define GUEST_VA	BIT_ULL(30)

/* Bits of a second-stage entry (9.8) */
#define SS_RW		0x3ULL
#define SS_DIRTY	BIT_ULL(9)
#define SS_NEXT		GENMASK_ULL(51, 12)

/* Data pages: what is mapped, what takes its place, what nobody may see */
#define OLD		0
/* whose entry is in another cache line */
#define NEIGHBOUR	8
#define NEW		2
#define LEAVES		13
#define TABLE		14
#define NEVER		15

/* Who writes: each attachment, and PASID 0 */
#define WRITERS		(SWEEP_ATS + 1)

/*
 * A page for each by each way, one that nobody used before, and one more: what is written
 * to is then flushed by one descriptor. Of two, each would be for some of them.
 */
#define WRITER_PAGES	4
#define DIRTY_PAGES	(WRITER_PAGES * WRITERS)

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

static phys_addr_t page_phys(struct sweep *s, unsigned int page)
{
	return virt_to_phys(s->data[page]);
}

/* The address of a data page, when a span around it is mapped at BASE. */
static u64 page_iova(struct sweep *s, unsigned int page, size_t span)
{
	return BASE + (page_phys(s, page) & (span - 1));
}

static unsigned int attachments(struct sweep *s)
{
	return s->rig.device[0]->max_pasids > 1 ? SWEEP_ATS : 1;
}

/* The address at which attachment @at has the page that is at @iova. */
static u64 address(unsigned int at, u64 iova)
{
	return at == SWEEP_AT_NESTED ? GUEST_VA | (iova & (SZ_2M - 1)) : iova;
}

static void guest_sees(struct sweep *s, u64 iova)
{
	sweep_guest_set(s, &s->guest, address(SWEEP_AT_NESTED, iova), iova);
}

static bool expect(struct sweep *s, unsigned int at, u64 iova, u64 want,
		   const char *why)
{
	return sweep_expect(s, sweep_pasids[at], address(at, iova), want, why);
}

static int expect_all(struct sweep *s, u64 iova, u64 want, const char *why)
{
	unsigned int at;

	for (at = 0; at < attachments(s); at++)
		if (!expect(s, at, iova, want, why))
			return -EIO;
	return 0;
}

/* A domain, a child of it, all attachments; nothing is mapped but guest tables. */
static int begin(struct sweep *s, u32 flags)
{
	struct vtd_device *device = s->rig.device[0];
	unsigned int at;
	int rc;

	s->domain = vtd_paging_alloc(device->unit, NUMA_NO_NODE,
				     flags | IOMMU_HWPT_ALLOC_NEST_PARENT);
	if (IS_ERR(s->domain))
		return PTR_ERR(s->domain);
	rc = sweep_guest_map(s, s->domain, &s->guest);
	if (rc)
		return rc;
	s->child = vtd_rig_nested(&s->rig, s->domain, 0, s->guest.gpa);
	if (IS_ERR(s->child))
		return PTR_ERR(s->child);
	for (at = 0; !rc && at < attachments(s); at++)
		rc = vtd_attach(at == SWEEP_AT_NESTED ? s->child : s->domain,
				device, sweep_pasids[at]);
	return rc;
}

static void end(struct sweep *s, const struct sweep_step *step)
{
	vtd_rig_free(s->child);
	vtd_rig_free(s->domain);
	s->child = NULL;
	s->domain = NULL;
}

/* --- second stage: leaves and tables go --- */

static int map_span(struct sweep *s, const struct region *r, unsigned int page)
{
	return sweep_map(s->domain, BASE, page_phys(s, page) & ~(r->span - 1),
			 r->leaf, r->span / r->leaf);
}

static int unmap_setup(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, 0);

	guest_sees(s, iova);
	guest_sees(s, page_iova(s, NEIGHBOUR, r->span));
	rc = rc ?: map_span(s, r, OLD);
	rc = rc ?: expect_all(s, iova, page_value(OLD), "before");
	if (!rc && r->cut < r->span)
		rc = expect_all(s, page_iova(s, NEIGHBOUR, r->span),
				page_value(NEIGHBOUR), "before, behind it");
	return rc;
}

static int unmap_act(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;

	sweep_unmap(s->domain, page_iova(s, OLD, r->span) & ~(r->cut - 1),
		    r->cut);
	return 0;
}

/* Tables that were freed are in use again, and look like tables still. */
static void reuse_pages(struct sweep *s, u64 *pages[8])
{
	u64 entry = page_phys(s, LEAVES) | SS_RW;
	unsigned int i;

	memset64(s->data[LEAVES], page_phys(s, NEVER) | SS_RW,
		 PAGE_SIZE / sizeof(u64));
	for (i = 0; i < 8; i++) {
		pages[i] = (u64 *)__get_free_page(GFP_KERNEL);
		if (pages[i])
			memset64(pages[i], entry, PAGE_SIZE / sizeof(u64));
	}
}

static void unmap_check(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;
	unsigned int i;
	u64 *pages[8];

	reuse_pages(s, pages);
	expect_all(s, page_iova(s, OLD, r->span), 0,
		   "what was unmapped is reachable");
	if (r->cut < r->span && r->cut == PAGE_SIZE)
		expect_all(s, page_iova(s, NEIGHBOUR, r->span),
			   page_value(NEIGHBOUR), "its neighbour is not");
	/* A line of the new table that nothing else wrote back; the value is nobody's */
	if (r->cut < r->span && r->cut > PAGE_SIZE)
		sweep_read(s, IOMMU_NO_PASID,
			   page_iova(s, OLD, r->span) ^ (8 * r->cut), false);
	for (i = 0; i < 8; i++)
		free_page((unsigned long)pages[i]);
}

static const struct region page_leaf = { SZ_4K, SZ_4K, SZ_4K };
static const struct region mid_leaf = { SZ_2M, SZ_2M, SZ_2M };
static const struct region big_leaf = { SZ_1G, SZ_1G, SZ_1G };
static const struct region page_table = { SZ_4K, SZ_2M, SZ_2M };
static const struct region mid_table = { SZ_2M, SZ_1G, SZ_1G };
static const struct region split_mid = { SZ_2M, SZ_2M, SZ_4K };
static const struct region split_big = { SZ_1G, SZ_1G, SZ_2M };
static const struct region split_both = { SZ_1G, SZ_1G, SZ_4K };

/* --- second stage: something comes where nothing was --- */

static int map_setup(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, 0);

	guest_sees(s, iova);
	return rc ?: expect_all(s, iova, 0, "before");
}

/* A table is left behind, with nothing in it, and is cached. */
static int emptied_setup(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	int rc = begin(s, 0);

	guest_sees(s, iova);
	rc = rc ?: sweep_map(s->domain, iova, page_phys(s, NEW), SZ_4K, 1);
	rc = rc ?: expect_all(s, iova, page_value(NEW), "before");
	if (!rc)
		sweep_unmap(s->domain, iova, SZ_4K);
	return rc ?: expect_all(s, iova, 0, "unmapped");
}

static int map_act(struct sweep *s, const struct sweep_step *step)
{
	return map_span(s, step->arg, OLD);
}

static void map_check(struct sweep *s, const struct sweep_step *step)
{
	const struct region *r = step->arg;
	u64 iova = page_iova(s, OLD, r->span);
	unsigned int i;
	u64 *pages[8];

	reuse_pages(s, pages);
	expect_all(s, iova, page_value(OLD), "what was mapped is not reachable");
	/* Other cache lines of the tables that are new */
	for (i = 15; i <= 33; i += 9)
		if (BIT_ULL(i) > r->span)
			sweep_expect(s, IOMMU_NO_PASID, iova ^ BIT_ULL(i), 0,
				     "something else is");
	for (i = 0; i < 8; i++)
		free_page((unsigned long)pages[i]);
}

/* --- second stage: dirty bits --- */

/* The leaf of a 4 KiB page, read as 9.8 has it. */
static u64 *leaf_entry(struct sweep *s, u64 iova)
{
	u64 *table = s->domain->ss.root;
	unsigned int level;

	for (level = s->domain->ss.config.levels; level > 1; level--)
		table = phys_to_virt(table[(iova >> (3 + 9 * level)) & 0x1ff] &
				     SS_NEXT);
	return &table[(iova >> 12) & 0x1ff];
}

static u64 dirty_iova(unsigned int writer, unsigned int page)
{
	return BASE + (WRITER_PAGES * writer + page) * SZ_4K;
}

static int set_tracking(struct sweep *s, bool on)
{
	struct iommu_domain *core = &s->domain->domain;

	return core->dirty_ops->set_dirty_tracking(core, on);
}

static unsigned int writers(struct sweep *s)
{
	return s->rig.device[0]->max_pasids > 1 ? WRITERS : 1;
}

static ioasid_t writer_pasid(unsigned int at)
{
	return at < SWEEP_ATS ? sweep_pasids[at] : SWEEP_PREFIX_0;
}

/* Each writes to its own page, and to another by its device TLB. */
static int write_all(struct sweep *s)
{
	bool ats = s->unit->flags & MODEL_PCI_ATS;
	unsigned int at;

	for (at = 0; at < writers(s); at++) {
		u64 iova = dirty_iova(at, 0);

		if (!sweep_write(s, writer_pasid(at), address(at, iova), false))
			return -EIO;
		iova = dirty_iova(at, 1);
		if (ats && !sweep_write(s, writer_pasid(at), address(at, iova),
					true))
			return -EIO;
	}
	return 0;
}

static int dirty_setup(struct sweep *s, bool tracking)
{
	unsigned int i;
	int rc;

	if (!s->rig.machine->unit.caps.dirty)
		return -EOPNOTSUPP;
	rc = begin(s, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	rc = rc ?: sweep_map(s->domain, BASE, page_phys(s, 0), SZ_4K,
			     DIRTY_PAGES);
	for (i = 0; i < DIRTY_PAGES; i++)
		guest_sees(s, dirty_iova(0, i));
	if (!rc && tracking)
		rc = set_tracking(s, true);
	return rc ?: write_all(s);
}

static int dirty_on_setup(struct sweep *s, const struct sweep_step *step)
{
	return dirty_setup(s, false);
}

static int dirty_off_setup(struct sweep *s, const struct sweep_step *step)
{
	return dirty_setup(s, true);
}

static int dirty_on_act(struct sweep *s, const struct sweep_step *step)
{
	return set_tracking(s, true);
}

static int dirty_off_act(struct sweep *s, const struct sweep_step *step)
{
	return set_tracking(s, false);
}

/* As iommufd does it: read, note what is to be flushed, flush. */
static int dirty_read_act(struct sweep *s, const struct sweep_step *step)
{
	struct iommu_domain *core = &s->domain->domain;
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;
	int rc;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	rc = core->dirty_ops->read_and_clear_dirty(core, BASE,
						   DIRTY_PAGES * SZ_4K, 0,
						   &dirty);
	iommu_iotlb_sync(core, &gather);
	return rc;
}

static void dirty_check(struct sweep *s, const struct sweep_step *step)
{
	bool ats = s->unit->flags & MODEL_PCI_ATS;
	unsigned int at;

	if (write_all(s)) {
		s->why = "not writable";
		return;
	}
	for (at = 0; at < writers(s); at++)
		if (!(*leaf_entry(s, dirty_iova(at, 0)) & SS_DIRTY) ||
		    (ats && !(*leaf_entry(s, dirty_iova(at, 1)) & SS_DIRTY)))
			s->why = "a write left no dirty bit";
}

static void dirty_off_check(struct sweep *s, const struct sweep_step *step)
{
	unsigned int at;

	for (at = 0; at < writers(s); at++) {
		u64 iova = dirty_iova(at, 2);

		if (!sweep_write(s, writer_pasid(at), address(at, iova), false))
			s->why = "not writable";
		if (*leaf_entry(s, iova) & SS_DIRTY)
			s->why = "a write left a dirty bit";
	}
}

/* --- first stage, invalidated by its owner --- */

static u64 *guest_leaf(struct sweep *s)
{
	u64 va = address(SWEEP_AT_NESTED, page_iova(s, OLD, SZ_4K));

	return &s->guest.table[3][(va >> 12) & 0x1ff];
}

/* Another lowest table, in which the same address leads to NEW. */
static int other_table(struct sweep *s)
{
	struct vtd_model *model = s->rig.machine->model;
	unsigned int index = guest_leaf(s) - s->guest.table[3];

	memset64(s->data[TABLE], 0, PAGE_SIZE / sizeof(u64));
	s->data[TABLE][index] = (BASE + SZ_4K) | SWEEP_FS_ENTRY;
	vtd_model_clean(model, s->data[TABLE], PAGE_SIZE);
	return sweep_map(s->domain, s->guest.gpa + 6 * PAGE_SIZE,
			 page_phys(s, TABLE), SZ_4K, 1);
}

static int first_setup(struct sweep *s, const struct sweep_step *step)
{
	int rc;

	if (attachments(s) == 1)
		return -EOPNOTSUPP;
	rc = begin(s, 0);
	sweep_guest_set(s, &s->guest, GUEST_VA, BASE);
	rc = rc ?: sweep_map(s->domain, BASE, page_phys(s, OLD), SZ_4K, 1);
	rc = rc ?: sweep_map(s->domain, BASE + SZ_4K, page_phys(s, NEW), SZ_4K, 1);
	rc = rc ?: other_table(s);
	if (!rc && !expect(s, SWEEP_AT_NESTED, BASE, page_value(OLD), "before"))
		rc = -EIO;
	return rc;
}

static int invalidate(struct sweep *s, u64 addr, u64 npages, u32 flags)
{
	const struct iommu_hwpt_vtd_s1_invalidate entry = {
		.addr = addr, .npages = npages, .flags = flags,
	};
	struct iommu_user_data_array array = {
		.type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		.uptr = s->array,
		.entry_len = sizeof(entry),
		.entry_num = 1,
	};
	struct iommu_domain *core = &s->child->domain;

	if (copy_to_user(s->array, &entry, sizeof(entry)))
		return -EFAULT;
	return core->ops->cache_invalidate_user(core, &array);
}

static int first_leaf_act(struct sweep *s, const struct sweep_step *step)
{
	sweep_guest_set(s, &s->guest, GUEST_VA, BASE + SZ_4K);
	return invalidate(s, GUEST_VA, 1, IOMMU_VTD_INV_FLAGS_LEAF);
}

static void change_table(struct sweep *s)
{
	u64 *entry = &s->guest.table[2][(GUEST_VA >> 21) & 0x1ff];

	sweep_guest_write(s, entry, (s->guest.gpa + 6 * PAGE_SIZE) |
			  SWEEP_FS_ENTRY);
}

static int first_page_act(struct sweep *s, const struct sweep_step *step)
{
	change_table(s);
	return invalidate(s, GUEST_VA, 1, 0);
}

static int first_all_act(struct sweep *s, const struct sweep_step *step)
{
	change_table(s);
	return invalidate(s, 0, U64_MAX, 0);
}

/* A page that the guest has a table in is taken away; others have it mapped, too. */
static u64 table_gpa(struct sweep *s)
{
	return s->guest.gpa + 3 * PAGE_SIZE;
}

static int table_setup(struct sweep *s, const struct sweep_step *step)
{
	int rc = first_setup(s, step);

	if (rc)
		return rc;
	if (!sweep_expect(s, sweep_pasids[SWEEP_AT_RID], table_gpa(s),
			  s->guest.table[3][0], "before") ||
	    !sweep_expect(s, sweep_pasids[SWEEP_AT_PASID], table_gpa(s),
			  s->guest.table[3][0], "before"))
		return -EIO;
	return 0;
}

static int table_act(struct sweep *s, const struct sweep_step *step)
{
	sweep_unmap(s->domain, table_gpa(s), SZ_4K);
	return 0;
}

static void table_check(struct sweep *s, const struct sweep_step *step)
{
	sweep_expect(s, sweep_pasids[SWEEP_AT_RID], table_gpa(s), 0,
		     "the page is reachable");
	sweep_expect(s, sweep_pasids[SWEEP_AT_PASID], table_gpa(s), 0,
		     "the page is reachable by PASID");
	expect(s, SWEEP_AT_NESTED, BASE, 0, "the table is used");
}

static void first_check(struct sweep *s, const struct sweep_step *step)
{
	expect(s, SWEEP_AT_NESTED, BASE, page_value(NEW),
	       "the guest's old table is used");
}

static void first_undo(struct sweep *s, const struct sweep_step *step)
{
	end(s, step);
	memset64(s->data[TABLE], page_value(TABLE), PAGE_SIZE / sizeof(u64));
}

/* --- the context entry --- */

static int states_setup(struct sweep *s, const struct sweep_step *step)
{
	struct vtd_device *device = s->rig.device[0];
	int rc;

	rc = vtd_attach(s->state[SWEEP_SS_A], device, IOMMU_NO_PASID);
	if (!rc && attachments(s) > 1)
		rc = vtd_attach(s->state[SWEEP_NESTED_A1], device,
				sweep_pasids[SWEEP_AT_NESTED]);
	if (rc)
		return rc;
	if (!sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[SWEEP_SS_A],
			  "before"))
		return -EIO;
	if (attachments(s) > 1 &&
	    !sweep_expect(s, sweep_pasids[SWEEP_AT_NESTED], s->probe,
			  s->value[SWEEP_NESTED_A1], "before, nested"))
		return -EIO;
	return 0;
}

/* Free pages of a kind that are looked through for one */
#define UNPLUG_TAKEN	64

static int unplug_act(struct sweep *s, const struct sweep_step *step)
{
	struct vtd_device *device = s->rig.device[0];

	s->dir_order = device->pasid_dir_order;
	s->dir = (unsigned long)device->pasid_dir;
	s->table = (unsigned long)phys_to_virt(*device->pasid_dir & PAGE_MASK);
	sweep_unplug(s);
	return 0;
}

/* Nobody else gets the pages at @at, if they are free. */
static void take(unsigned long at, unsigned int order,
		 unsigned long taken[UNPLUG_TAKEN])
{
	unsigned int i;

	for (i = 0; i < UNPLUG_TAKEN; i++) {
		taken[i] = __get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
		if (taken[i] == at)
			break;
	}
}

static void give_back(unsigned int order, unsigned long taken[UNPLUG_TAKEN])
{
	unsigned int i;

	for (i = 0; i < UNPLUG_TAKEN; i++)
		free_pages(taken[i], order);
}

static void unplug_later(struct sweep *s)
{
	struct vtd_device *device = s->rig.device[0];
	ioasid_t pasid = sweep_pasids[SWEEP_AT_NESTED];

	if (!sweep_expect(s, IOMMU_NO_PASID, s->probe, 0, "its RID is alive") ||
	    (attachments(s) > 1 &&
	     !sweep_expect(s, pasid, s->probe, 0, "its PASID is alive")))
		return;
	/* From identity, so that it comes without a flush of its own */
	if (vtd_attach(&vtd_identity_domain, device, IOMMU_NO_PASID) ||
	    (attachments(s) > 1 &&
	     vtd_attach(&vtd_identity_domain, device, pasid)) ||
	    vtd_attach(s->state[SWEEP_SS_LATER], device, IOMMU_NO_PASID) ||
	    (attachments(s) > 1 &&
	     vtd_attach(s->state[SWEEP_NESTED_LATER], device, pasid)))
		s->why = "no later attach";
	sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[SWEEP_SS_LATER],
		     "its domain id is used");
	if (attachments(s) > 1)
		sweep_expect(s, pasid, s->probe, s->value[SWEEP_NESTED_LATER],
			     "its nested domain id is used");
}

/*
 * Another function in its place must have nothing of it. It has no ATS, which to
 * enable would flush the context cache once more, and its directory and PASID table
 * are elsewhere.
 */
static void unplug_check(struct sweep *s, const struct sweep_step *step)
{
	unsigned long dirs[UNPLUG_TAKEN] = {}, tables[UNPLUG_TAKEN] = {};
	int rc;

	take(s->dir, s->dir_order, dirs);
	take(s->table, 0, tables);
	rc = sweep_plug(s, s->unit->flags & ~MODEL_PCI_ATS);
	if (rc)
		s->why = "not plugged";
	else
		unplug_later(s);
	give_back(s->dir_order, dirs);
	give_back(0, tables);
}

static void unplug_undo(struct sweep *s, const struct sweep_step *step)
{
	sweep_unplug(s);
	WARN_ON(sweep_plug(s, s->unit->flags));
}

/* While nothing is there, the unit is asked and finds nothing. */
static int plug_setup(struct sweep *s, const struct sweep_step *step)
{
	sweep_unplug(s);
	return sweep_read(s, IOMMU_NO_PASID, s->probe, false) ? -EIO : 0;
}

static int plug_act(struct sweep *s, const struct sweep_step *step)
{
	return vtd_rig_plug(&s->rig, s->unit->flags);
}

static void plug_check(struct sweep *s, const struct sweep_step *step)
{
	if (!s->rig.device[0]) {
		s->why = "not plugged";
		return;
	}
	vtd_detach(s->rig.device[0], IOMMU_NO_PASID);
	if (vtd_attach(s->state[SWEEP_SS_A], s->rig.device[0], IOMMU_NO_PASID))
		s->why = "no attach";
	sweep_expect(s, IOMMU_NO_PASID, s->probe, s->value[SWEEP_SS_A],
		     "its absence is remembered");
	/* Other cache lines of the PASID directory and table */
	if (attachments(s) > 1) {
		sweep_expect(s, 1, s->probe, 0, "PASID 1 is alive");
		sweep_expect(s, 0x1000, s->probe, 0, "PASID 0x1000 is alive");
	}
}

static int ats_off_setup(struct sweep *s, const struct sweep_step *step)
{
	if (!s->rig.device[0]->ats)
		return -EOPNOTSUPP;
	return states_setup(s, step);
}

static void set_ats(struct sweep *s, bool on)
{
	struct vtd_device *device = s->rig.device[0];

	mutex_lock(&device->unit->lock);
	if (on) {
		WRITE_ONCE(device->suspect, false);
		WRITE_ONCE(device->ats, true);
		vtd_context_update(device);
	} else {
		vtd_device_distrust(device);
	}
	mutex_unlock(&device->unit->lock);
}

static int ats_off_act(struct sweep *s, const struct sweep_step *step)
{
	set_ats(s, false);
	return 0;
}

static void ats_off_check(struct sweep *s, const struct sweep_step *step)
{
	if (sweep_read(s, IOMMU_NO_PASID, s->probe, true))
		s->why = "a translated request is believed";
	if (sweep_read(s, IOMMU_NO_PASID, s->probe, false) !=
	    s->value[SWEEP_SS_A])
		s->why = "an untranslated request is not";
	set_ats(s, true);
}

#define UNMAP(_name, _region, _rows) {					\
	.name = (_name), .rows = (_rows) | BIT(ROW_SS_NESTED),		\
	.setup = unmap_setup, .act = unmap_act, .check = unmap_check,	\
	.undo = end, .arg = &(_region),					\
	.no_cleans = &(_region) == &split_mid ||			\
		     &(_region) == &split_big ||			\
		     &(_region) == &split_both,				\
}

const struct sweep_step sweep_domain_steps[] = {
	UNMAP("unmap a leaf of 4K", page_leaf, BIT(ROW_SS_LEAF)),
	UNMAP("unmap a leaf of 2M", mid_leaf, BIT(ROW_SS_LEAF)),
	UNMAP("unmap a leaf of 1G", big_leaf, BIT(ROW_SS_LEAF)),
	UNMAP("unmap a table of 4K", page_table, BIT(ROW_SS_TABLE)),
	UNMAP("unmap a table of 2M", mid_table, BIT(ROW_SS_TABLE)),
	UNMAP("unmap 4K of a leaf of 2M", split_mid, BIT(ROW_SS_LEAF)),
	UNMAP("unmap 2M of a leaf of 1G", split_big, BIT(ROW_SS_LEAF)),
	UNMAP("unmap 4K of a leaf of 1G", split_both, BIT(ROW_SS_LEAF)),
	{ .name = "map a leaf of 4K", .rows = BIT(ROW_CM_PAGE),
	  .setup = map_setup, .act = map_act, .check = map_check, .undo = end,
	  .arg = &page_leaf, .no_cleans = true },
	{ .name = "map a leaf of 2M", .rows = BIT(ROW_CM_PAGE),
	  .setup = map_setup, .act = map_act, .check = map_check, .undo = end,
	  .arg = &mid_leaf, .no_cleans = true },
	{ .name = "map a leaf of 2M over a table",
	  .setup = emptied_setup, .act = map_act, .check = map_check,
	  .undo = end, .arg = &mid_leaf },
	{ .name = "map a leaf of 1G over tables",
	  .setup = emptied_setup, .act = map_act, .check = map_check,
	  .undo = end, .arg = &big_leaf },
	{ .name = "dirty tracking on", .rows = BIT(ROW_PASID_SS),
	  .setup = dirty_on_setup, .act = dirty_on_act, .check = dirty_check,
	  .undo = end },
	{ .name = "dirty tracking off",
	  .setup = dirty_off_setup, .act = dirty_off_act,
	  .check = dirty_off_check, .undo = end },
	{ .name = "dirty bits read and cleared", .rows = BIT(ROW_SS_LEAF),
	  .setup = dirty_off_setup, .act = dirty_read_act, .check = dirty_check,
	  .undo = end },
	{ .name = "first stage: a leaf", .rows = BIT(ROW_FS_LEAF),
	  .setup = first_setup, .act = first_leaf_act, .check = first_check,
	  .undo = first_undo },
	{ .name = "first stage: a table, by page", .rows = BIT(ROW_FS_TABLE),
	  .setup = first_setup, .act = first_page_act, .check = first_check,
	  .undo = first_undo },
	{ .name = "first stage: a table, by all", .rows = BIT(ROW_FS_TABLE),
	  .setup = first_setup, .act = first_all_act, .check = first_check,
	  .undo = first_undo },
	{ .name = "unmap a table of the guest", .rows = BIT(ROW_SS_NESTED),
	  .setup = table_setup, .act = table_act, .check = table_check,
	  .undo = first_undo },
	{ .name = "unplug", .rows = BIT(ROW_CONTEXT),
	  .setup = states_setup, .act = unplug_act, .check = unplug_check,
	  .undo = unplug_undo, .no_cleans = true },
	{ .name = "plug", .rows = BIT(ROW_CM_CONTEXT),
	  .setup = plug_setup, .act = plug_act, .check = plug_check,
	  .no_cleans = true },
	{ .name = "ATS off", .rows = BIT(ROW_CONTEXT),
	  .setup = ats_off_setup, .act = ats_off_act, .check = ats_off_check },
};

const unsigned int sweep_num_domain_steps = ARRAY_SIZE(sweep_domain_steps);
