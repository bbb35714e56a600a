// SPDX-License-Identifier: GPL-2.0-only
/* Machines, tables and probes of the sweep of dropped invalidations. */
#include <linux/iommu.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../vtd/invalidate.h"
#include "vtd_sweep.h"

#define RW		(IOMMU_READ | IOMMU_WRITE)
/* Where guests have their tables; above all memory of the test machine */
#define GUEST_BASE	BIT_ULL(40)
#define GUEST_STRIDE	(16 * PAGE_SIZE)

const ioasid_t sweep_pasids[SWEEP_ATS] = { IOMMU_NO_PASID, 5, 6 };

static u64 *page_with(u64 value)
{
	u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL);

	if (page)
		memset64(page, value, PAGE_SIZE / sizeof(*page));
	return page;
}

/**
 * sweep_guest_write() - a guest changes an entry of its table
 * @s: sweep
 * @entry: of a struct sweep_guest
 * @val: new
 */
void sweep_guest_write(struct sweep *s, u64 *entry, u64 val)
{
	WRITE_ONCE(*entry, val);
	vtd_model_clean(s->rig.machine->model, entry, sizeof(*entry));
}

static int guest_create(struct sweep *s, struct sweep_guest *guest, u64 gpa)
{
	unsigned int i;

	guest->gpa = gpa;
	for (i = 0; i < SWEEP_GUEST_LEVELS; i++) {
		guest->table[i] = page_with(0);
		if (!guest->table[i])
			return -ENOMEM;
		vtd_model_clean(s->rig.machine->model, guest->table[i], PAGE_SIZE);
	}
	return 0;
}

static void guest_destroy(struct sweep_guest *guest)
{
	unsigned int i;

	for (i = 0; i < SWEEP_GUEST_LEVELS; i++)
		free_page((unsigned long)guest->table[i]);
}

/**
 * sweep_guest_set() - a guest maps a page
 * @s: sweep
 * @guest: its tables. They hold one path: addresses share all but the lowest
 *	table
 * @gva: first-stage input address
 * @gpa: output address
 */
void sweep_guest_set(struct sweep *s, const struct sweep_guest *guest, u64 gva,
		     u64 gpa)
{
	unsigned int i, shift = 39;

	for (i = 0; i < SWEEP_GUEST_LEVELS; i++, shift -= 9) {
		u64 next = guest->gpa + (i + 1) * PAGE_SIZE;

		if (i == SWEEP_GUEST_LEVELS - 1)
			next = gpa & PAGE_MASK;
		sweep_guest_write(s, &guest->table[i][(gva >> shift) & 0x1ff],
				  next | SWEEP_FS_ENTRY);
	}
}

/**
 * sweep_guest_map() - put a guest's tables into its memory
 * @s: sweep
 * @parent: the guest's address space
 * @guest: tables
 *
 * Return: 0 or an errno.
 */
int sweep_guest_map(struct sweep *s, struct vtd_domain *parent,
		    const struct sweep_guest *guest)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < SWEEP_GUEST_LEVELS; i++)
		rc = sweep_map(parent, guest->gpa + i * PAGE_SIZE,
			       virt_to_phys(guest->table[i]), PAGE_SIZE, 1);
	return rc;
}

/**
 * sweep_map() - map, and tell units that want to know
 * @domain: paging domain
 * @iova: first address
 * @pa: what it maps to
 * @pgsize: of a leaf
 * @num: leaves
 *
 * Return: 0 or an errno.
 */
int sweep_map(struct vtd_domain *domain, u64 iova, phys_addr_t pa, size_t pgsize,
	      size_t num)
{
	const struct iommu_domain_ops *ops = domain->domain.ops;
	size_t mapped = 0;
	int rc;

	rc = ops->map_pages(&domain->domain, iova, pa, pgsize, num, RW,
			    GFP_KERNEL, &mapped);
	return rc ?: ops->iotlb_sync_map(&domain->domain, iova, mapped);
}

/**
 * sweep_unmap() - unmap, and flush
 * @domain: paging domain
 * @iova: first address
 * @size: bytes
 */
void sweep_unmap(struct vtd_domain *domain, u64 iova, size_t size)
{
	const struct iommu_domain_ops *ops = domain->domain.ops;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	ops->unmap_pages(&domain->domain, iova, PAGE_SIZE, size / PAGE_SIZE,
			 &gather);
	ops->iotlb_sync(&domain->domain, &gather);
}

/*
 * By the thread that asks: what a dropped invalidation left behind may lead the
 * model to tables that were freed, which is what the probe is to find, and no use
 * after free of the model's own. Untranslated requests go by the unit alone, as
 * the function may be unplugged.
 */
static bool access(struct sweep *s, ioasid_t pasid, bool write, u64 iova,
		   bool ats, u64 *val)
{
	struct model_port *port = vtd_model_port(s->rig.machine->model);
	const struct model_tlp tlp = {
		.rid = s->rid,
		.pasid_valid = pasid != IOMMU_NO_PASID,
		.pasid = pasid == SWEEP_PREFIX_0 ? 0 : pasid,
		.perm = write ? MODEL_WRITE : MODEL_READ,
		.addr = iova,
	};
	const struct model_dma_params params = {
		.flags = (write ? MODEL_DMA_WRITE : 0) |
			 (tlp.pasid_valid ? MODEL_DMA_PASID : 0),
		.pasid = tlp.pasid,
		.iova = iova,
		.length = sizeof(*val),
		.group = 1,
	};
	bool ok;

	kasan_disable_current();
	if (ats)
		ok = model_dma_now(s->rig.fn[0], &params, val) == MODEL_DMA_OK;
	else
		ok = port->ops->access(port, &tlp, val, sizeof(*val)) == MODEL_OK;
	kasan_enable_current();
	return ok;
}

static void note_hot(struct sweep *s, ioasid_t pasid, u64 iova, bool ats,
		     bool write)
{
	if (s->num_hot == SWEEP_HOT)
		return;
	s->hot[s->num_hot].pasid = pasid;
	s->hot[s->num_hot].ats = ats;
	s->hot[s->num_hot].write = write;
	s->hot[s->num_hot++].iova = iova;
}

/**
 * sweep_read() - what a function's read finds
 * @s: sweep
 * @pasid: or IOMMU_NO_PASID or SWEEP_PREFIX_0
 * @iova: address
 * @ats: through the function's device TLB
 *
 * Return: the value; 0: refused.
 */
u64 sweep_read(struct sweep *s, ioasid_t pasid, u64 iova, bool ats)
{
	u64 val = 0;

	note_hot(s, pasid, iova, ats, false);
	return access(s, pasid, false, iova, ats, &val) ? val : 0;
}

/**
 * sweep_write() - a function writes what is there already
 * @s: sweep
 * @pasid: or IOMMU_NO_PASID
 * @iova: address
 * @ats: through the function's device TLB
 *
 * Return: false if it was refused.
 */
bool sweep_write(struct sweep *s, ioasid_t pasid, u64 iova, bool ats)
{
	u64 val = sweep_read(s, pasid, iova, ats);

	note_hot(s, pasid, iova, ats, true);
	return access(s, pasid, true, iova, ats, &val);
}

/* A request on the way from one domain to another has met one of the two. */
static void check_moving(struct sweep *s, unsigned int hot, u64 val)
{
	const struct sweep_step *step = s->moving;
	ioasid_t pasid = s->hot[hot].pasid;

	if (pasid == SWEEP_PREFIX_0)
		pasid = IOMMU_NO_PASID;
	if (step && pasid == step->pasid &&
	    s->hot[hot].iova == s->probe && val != s->value[step->from] &&
	    val != s->value[step->to] && !s->why)
		s->why = "there was a moment between before and after";
}

static void traffic(void *data)
{
	struct sweep *s = data;
	unsigned int i;
	bool ok;
	u64 val;

	for (i = 0; i < s->num_hot; i++) {
		if (s->hot[i].ats && !s->rig.num)
			continue;
		ok = access(s, s->hot[i].pasid, false, s->hot[i].iova,
			    s->hot[i].ats, &val);
		check_moving(s, i, ok ? val : 0);
		if (ok && s->hot[i].write)
			access(s, s->hot[i].pasid, true, s->hot[i].iova,
			       s->hot[i].ats, &val);
	}
}

/**
 * sweep_traffic() - devices go on with what they did, or cease
 * @s: sweep
 * @on: before each submission, whatever was read so far is read again. Else they
 *	forget
 *
 * So caches are warm again for each submission of a step.
 */
void sweep_traffic(struct sweep *s, bool on)
{
	s->rig.machine->traffic_data = s;
	s->rig.machine->traffic = on ? traffic : NULL;
	if (!on)
		s->num_hot = 0;
}

static bool reads(struct sweep *s, ioasid_t pasid, u64 iova, u64 want)
{
	return sweep_read(s, pasid, iova, false) == want &&
	       (!(s->unit->flags & MODEL_PCI_ATS) ||
		sweep_read(s, pasid, iova, true) == want);
}

/**
 * sweep_expect() - is an address what it should be, in every cache?
 * @s: sweep
 * @pasid: or IOMMU_NO_PASID
 * @iova: address
 * @want: value; 0: not reachable
 * @why: noted if not
 *
 * The unit's own caches first: only if they are right is the function's asked,
 * which may ask the unit again. What is there without PASID is there with PASID 0 too.
 *
 * Return: true if it is.
 */
bool sweep_expect(struct sweep *s, ioasid_t pasid, u64 iova, u64 want,
		  const char *why)
{
	const struct vtd_device *device = s->rig.device[0];

	if (reads(s, pasid, iova, want) &&
	    (pasid != IOMMU_NO_PASID || !device || !device->pasid_enabled ||
	     reads(s, SWEEP_PREFIX_0, iova, want)))
		return true;
	if (!s->why)
		s->why = why;
	return false;
}

/*
 * A pointer in the directory, or a table that took another one's place, is not written
 * back by what comes next. The PASIDs of the sweep are in one table.
 */
static void write_back(struct sweep *s)
{
	struct vtd_model *model = s->rig.machine->model;
	u64 *dir = s->rig.device[0]->pasid_dir;

	vtd_model_clean(model, dir, sizeof(*dir));
	if (*dir & 1)
		vtd_model_clean(model, phys_to_virt(*dir & PAGE_MASK),
				PAGE_SIZE);
}

/**
 * sweep_settle() - nothing is injected, attached, or cached any more
 * @s: sweep
 */
void sweep_settle(struct sweep *s)
{
	struct vtd_unit *unit = &s->rig.machine->unit;
	DEFINE_VTD_BATCH(batch, unit);
	unsigned int i;

	for (i = 0; i < VTD_MODEL_NUM_INJECTS; i++)
		vtd_model_inject(s->rig.machine->model, i, 0);
	write_back(s);
	vtd_detach_all(s->rig.device[0]);
	mutex_lock(&unit->lock);
	vtd_batch_context_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_pasid_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_iotlb_all(&batch);
	vtd_batch_barrier(&batch);
	for (i = 0; i < SWEEP_ATS; i++)
		vtd_batch_devtlb(&batch, s->rig.device[0], sweep_pasids[i], 0,
				 U64_MAX);
	vtd_batch_submit(&batch);
	mutex_unlock(&unit->lock);
}

/**
 * sweep_unplug() - take the function out
 * @s: sweep; sweep_plug() is next
 */
void sweep_unplug(struct sweep *s)
{
	s->rig.num = 0;
	s->rig.device[0] = NULL;
	model_pci_put(s->rig.fn[0]);
	model_pci_unplug(s->rig.machine->machine.bridge, s->rig.pdev[0], false);
}

/**
 * sweep_plug() - put one like it into its place
 * @s: sweep
 * @flags: MODEL_PCI_*
 *
 * The core attaches its default domain, which is detached again.
 *
 * Return: 0 or an errno.
 */
int sweep_plug(struct sweep *s, u32 flags)
{
	int rc = vtd_rig_plug(&s->rig, flags);

	if (!rc)
		vtd_detach(s->rig.device[0], IOMMU_NO_PASID);
	return rc;
}

static struct vtd_domain *new_parent(struct sweep *s)
{
	return vtd_paging_alloc(&s->rig.machine->unit, NUMA_NO_NODE,
				IOMMU_HWPT_ALLOC_NEST_PARENT);
}

/* A second stage with the probe address; @state says whose. */
static int make_paging(struct sweep *s, enum sweep_state state)
{
	s->state[state] = new_parent(s);
	if (IS_ERR(s->state[state]))
		return PTR_ERR(s->state[state]);
	return sweep_map(s->state[state], s->probe, virt_to_phys(s->pages[state]),
			 PAGE_SIZE, 1);
}

static int make_nested(struct sweep *s, enum sweep_state state,
		       enum sweep_state parent, unsigned int place)
{
	struct sweep_guest *guest = &s->guests[state];
	u64 gpa = GUEST_BASE + place * GUEST_STRIDE, data = gpa + 8 * PAGE_SIZE;
	int rc;

	rc = guest_create(s, guest, gpa);
	if (rc)
		return rc;
	sweep_guest_set(s, guest, s->probe, data);
	rc = sweep_guest_map(s, s->state[parent], guest);
	if (rc)
		return rc;
	rc = sweep_map(s->state[parent], data, virt_to_phys(s->pages[state]),
		       PAGE_SIZE, 1);
	if (rc)
		return rc;
	s->state[state] = vtd_rig_nested(&s->rig, s->state[parent], 0, gpa);
	return PTR_ERR_OR_ZERO(s->state[state]);
}

static int make_states(struct sweep *s)
{
	unsigned int i;
	int rc;

	for (i = SWEEP_IDENTITY; i < SWEEP_STATES; i++) {
		s->value[i] = 0xa000 + i;
		s->pages[i] = page_with(s->value[i]);
		if (!s->pages[i])
			return -ENOMEM;
	}
	/* The page of identity is where everybody else's is */
	s->probe = virt_to_phys(s->pages[SWEEP_IDENTITY]);
	s->state[SWEEP_BLOCKED] = &vtd_blocked_domain;
	s->state[SWEEP_IDENTITY] = &vtd_identity_domain;
	rc = make_paging(s, SWEEP_SS_A);
	rc = rc ?: make_paging(s, SWEEP_SS_B);
	rc = rc ?: make_paging(s, SWEEP_SS_LATER);
	rc = rc ?: make_nested(s, SWEEP_NESTED_A1, SWEEP_SS_A, 1);
	rc = rc ?: make_nested(s, SWEEP_NESTED_A2, SWEEP_SS_A, 2);
	rc = rc ?: make_nested(s, SWEEP_NESTED_B1, SWEEP_SS_B, 1);
	return rc ?: make_nested(s, SWEEP_NESTED_LATER, SWEEP_SS_LATER, 3);
}

/**
 * sweep_create() - a machine with everything that does not change
 * @s: what is made
 * @unit: what kind
 *
 * May sleep.
 *
 * Return: 0 or an errno; sweep_destroy() in both cases if s->unit is set.
 */
int sweep_create(struct sweep *s, const struct sweep_unit *unit)
{
	u64 cap = (vtd_model_cap & ~unit->clear_cap) | unit->set_cap;
	u64 ecap = vtd_model_ecap & ~unit->clear_ecap;
	unsigned int i;
	int rc;

	*s = (struct sweep){};
	rc = vtd_rig_create(&s->rig, cap, ecap, unit->flags, 1);
	if (rc)
		return rc;
	s->unit = unit;
	s->rid = vtd_device_rid(s->rig.device[0]);
	/* Neighbours, so that a large leaf has several of them */
	s->data[0] = (u64 *)__get_free_pages(GFP_KERNEL, get_order(SWEEP_DATA * PAGE_SIZE));
	if (!s->data[0])
		return -ENOMEM;
	for (i = 0; i < SWEEP_DATA; i++) {
		s->data[i] = s->data[0] + i * (PAGE_SIZE / sizeof(u64));
		memset64(s->data[i], 0xd000 + i, PAGE_SIZE / sizeof(u64));
	}
	rc = guest_create(s, &s->guest, GUEST_BASE);
	return rc ?: make_states(s);
}

/**
 * sweep_destroy() - undo sweep_create()
 * @s: settled
 */
void sweep_destroy(struct sweep *s)
{
	unsigned int i;

	for (i = SWEEP_STATES; i-- > SWEEP_NESTED_A1;)
		if (i != SWEEP_SS_LATER)
			vtd_rig_free(s->state[i]);
	vtd_rig_free(s->state[SWEEP_SS_LATER]);
	vtd_rig_free(s->state[SWEEP_SS_A]);
	vtd_rig_free(s->state[SWEEP_SS_B]);
	vtd_rig_destroy(&s->rig);
	guest_destroy(&s->guest);
	for (i = 0; i < SWEEP_STATES; i++) {
		guest_destroy(&s->guests[i]);
		free_page((unsigned long)s->pages[i]);
	}
	free_pages((unsigned long)s->data[0], get_order(SWEEP_DATA * PAGE_SIZE));
	s->unit = NULL;
}
