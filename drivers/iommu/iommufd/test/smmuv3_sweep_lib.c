// SPDX-License-Identifier: GPL-2.0-only
/* Machines, tables and probes of the sweep of dropped commands. */
#include <linux/iommu.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../smmuv3/cmdq.h"
#include "smmuv3_sweep.h"

#define RW		(IOMMU_READ | IOMMU_WRITE)
/* Where guests have their tables; above all memory of the test machine */
#define GUEST_BASE	BIT_ULL(40)
#define GUEST_STRIDE	(16 * PAGE_SIZE)

/*
 * 5.4: a context descriptor: 48 bits of 4 KiB pages by TTB0 alone, write-back and
 * inner shareable walks, AArch64, an ASID that all guests have
 */
#define GUEST_ASID	7ULL
#define GUEST_CD0	(16ULL | BIT_ULL(8) | BIT_ULL(10) | 3ULL << 12 |	\
			 BIT_ULL(30) | BIT_ULL(31) | 5ULL << 32 | BIT_ULL(41) | \
			 BIT_ULL(45) | BIT_ULL(46) | BIT_ULL(47) | GUEST_ASID << 48)
#define GUEST_MAIR	0xffULL

/* 5.2: V and Config; write-back, inner shareable fetches; EATS */
#define GUEST_STE_S1	(BIT_ULL(0) | 5ULL << 1)
#define GUEST_STE_BYPASS	(BIT_ULL(0) | 4ULL << 1)
/* Eight descriptors, the first of which is for requests without PASID */
#define GUEST_STE_S1CDMAX	(3ULL << 59)
#define GUEST_STE1_S1DSS	2ULL
#define GUEST_STE1	(BIT_ULL(2) | BIT_ULL(4) | 3ULL << 6)
#define GUEST_STE1_ATS	BIT_ULL(28)

static u64 *page_with(u64 value)
{
	u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL);

	if (page)
		memset64(page, value, PAGE_SIZE / sizeof(*page));
	return page;
}

/* --- guests --- */

static int guest_create(struct smmuv3_sweep_guest *guest, u64 gpa)
{
	unsigned int i;

	guest->gpa = gpa;
	for (i = 0; i < SMSW_GUEST_TABLES; i++) {
		guest->table[i] = page_with(0);
		if (!guest->table[i])
			return -ENOMEM;
	}
	/* One for requests without PASID, one with */
	for (i = 0; i <= SMSW_PASID; i += SMSW_PASID) {
		u64 *cd = &guest->table[0][8 * i];

		cd[0] = GUEST_CD0;
		cd[1] = gpa + PAGE_SIZE;
		cd[3] = GUEST_MAIR;
	}
	return 0;
}

static void guest_destroy(struct smmuv3_sweep_guest *guest)
{
	unsigned int i;

	for (i = 0; i < SMSW_GUEST_TABLES; i++)
		free_page((unsigned long)guest->table[i]);
}

/**
 * smmuv3_sweep_guest_set() - a guest maps a page
 * @guest: its tables. They hold one path: addresses share all but the lowest
 *	table
 * @gva: input address
 * @gpa: output address
 */
void smmuv3_sweep_guest_set(const struct smmuv3_sweep_guest *guest, u64 gva,
			    u64 gpa)
{
	unsigned int i, shift = 39;

	for (i = 1; i < SMSW_GUEST_TABLES; i++, shift -= 9) {
		u64 next = guest->gpa + (i + 1) * PAGE_SIZE;
		u64 entry = 3;

		if (i == SMSW_GUEST_TABLES - 1) {
			next = gpa & PAGE_MASK;
			entry = SMSW_GUEST_ENTRY | BIT_ULL(11);
		}
		WRITE_ONCE(guest->table[i][(gva >> shift) & 0x1ff],
			   next | entry);
	}
}

/**
 * smmuv3_sweep_guest_map() - put a guest's tables into its memory
 * @parent: the guest's address space
 * @guest: tables
 *
 * Return: 0 or an errno.
 */
int smmuv3_sweep_guest_map(struct smmuv3_domain *parent,
			   const struct smmuv3_sweep_guest *guest)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < SMSW_GUEST_TABLES; i++)
		rc = smmuv3_sweep_map(parent, guest->gpa + i * PAGE_SIZE,
				      virt_to_phys(guest->table[i]), PAGE_SIZE,
				      1);
	return rc;
}

static u64 guest_ste1(const struct smmuv3_sweep *s)
{
	return GUEST_STE1 | GUEST_STE1_S1DSS |
	       (s->unit->flags & MODEL_PCI_ATS ? GUEST_STE1_ATS : 0);
}

/**
 * smmuv3_sweep_nest() - a nested domain of a guest
 * @s: sweep
 * @parent: the guest's address space, with its tables
 * @guest: tables
 *
 * Return: as smmuv3_rig_nested().
 */
struct smmuv3_domain *smmuv3_sweep_nest(struct smmuv3_sweep *s,
					struct smmuv3_domain *parent,
					const struct smmuv3_sweep_guest *guest)
{
	u64 ste0 = GUEST_STE_S1 | guest->gpa;

	if (s->rig.device[0]->max_pasids > SMSW_PASID)
		ste0 |= GUEST_STE_S1CDMAX;
	return smmuv3_rig_nested(&s->rig, parent, s->viommu, ste0,
				 guest_ste1(s));
}

/* --- changes --- */

/**
 * smmuv3_sweep_map() - map
 * @domain: paging domain
 * @iova: first address
 * @pa: what it maps to
 * @pgsize: of a leaf
 * @num: leaves
 *
 * Return: 0 or an errno.
 */
int smmuv3_sweep_map(struct smmuv3_domain *domain, u64 iova, phys_addr_t pa,
		     size_t pgsize, size_t num)
{
	const struct iommu_domain_ops *ops = domain->domain.ops;
	size_t mapped = 0, n;
	int rc = 0;

	while (!rc && num) {
		n = min_t(size_t, num, 512);
		rc = ops->map_pages(&domain->domain, iova, pa, pgsize, n, RW,
				    GFP_KERNEL, &mapped);
		num -= n;
		iova += n * pgsize;
		pa += n * pgsize;
	}
	return rc;
}

/**
 * smmuv3_sweep_unmap() - unmap, and flush
 * @domain: paging domain
 * @iova: first address
 * @pgsize: bytes, a size that a leaf can have
 */
void smmuv3_sweep_unmap(struct smmuv3_domain *domain, u64 iova, size_t pgsize)
{
	const struct iommu_domain_ops *ops = domain->domain.ops;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	ops->unmap_pages(&domain->domain, iova, pgsize, 1, &gather);
	ops->iotlb_sync(&domain->domain, &gather);
}

/* --- probes --- */

/*
 * By the thread that asks: what a dropped command left behind may lead the model to
 * tables that were freed, which is what the probe is to find, and no use after free
 * of the model's own. Untranslated requests go by the unit alone, as the function
 * may be unplugged.
 */
static u64 probe(struct smmuv3_sweep *s, ioasid_t pasid, u64 iova, bool ats)
{
	struct model_port *port = smmuv3_model_port(s->rig.machine->model);
	const struct model_tlp tlp = {
		.rid = s->sid,
		.pasid_valid = pasid != IOMMU_NO_PASID,
		.pasid = pasid == IOMMU_NO_PASID ? 0 : pasid,
		.perm = MODEL_READ,
		.addr = iova,
	};
	u64 val = 0;
	bool ok;

	kasan_disable_current();
	if (ats)
		ok = smmuv3_rig_dma(&s->rig, 0, pasid, 0, iova, &val,
				    sizeof(val)) == MODEL_DMA_OK;
	else
		ok = port->ops->access(port, &tlp, &val, sizeof(val)) ==
		     MODEL_OK;
	kasan_enable_current();
	return ok ? val : 0;
}

/**
 * smmuv3_sweep_read() - what a function's read finds
 * @s: sweep
 * @pasid: or IOMMU_NO_PASID
 * @iova: address
 * @ats: through the function's own cache
 *
 * Return: the value; 0: refused.
 */
u64 smmuv3_sweep_read(struct smmuv3_sweep *s, ioasid_t pasid, u64 iova, bool ats)
{
	if (s->num_hot < SMSW_HOT) {
		s->hot[s->num_hot].pasid = pasid;
		s->hot[s->num_hot].ats = ats;
		s->hot[s->num_hot++].iova = iova;
	}
	return probe(s, pasid, iova, ats);
}

static void traffic(void *data)
{
	struct smmuv3_sweep *s = data;
	unsigned int i;

	for (i = 0; i < s->num_hot; i++)
		if (!s->hot[i].ats || s->rig.num)
			probe(s, s->hot[i].pasid, s->hot[i].iova,
			      s->hot[i].ats);
}

/**
 * smmuv3_sweep_traffic() - devices go on with what they did, or cease
 * @s: sweep
 * @on: before and after each submission, whatever was read so far is read again.
 *	Else they forget
 *
 * So caches are warm again for each submission of a step.
 */
void smmuv3_sweep_traffic(struct smmuv3_sweep *s, bool on)
{
	s->rig.machine->traffic_data = s;
	s->rig.machine->traffic = on ? traffic : NULL;
	if (!on)
		s->num_hot = 0;
}

/**
 * smmuv3_sweep_expect() - is an address what it should be, in every cache?
 * @s: sweep
 * @pasid: or IOMMU_NO_PASID
 * @iova: address
 * @want: value; 0: not reachable
 * @why: noted if not
 *
 * The unit's own caches first: only if they are right is the function's asked,
 * which may ask the unit again.
 *
 * Return: true if it is.
 */
bool smmuv3_sweep_expect(struct smmuv3_sweep *s, ioasid_t pasid, u64 iova,
			 u64 want, const char *why)
{
	if (smmuv3_sweep_read(s, pasid, iova, false) == want &&
	    (!(s->unit->flags & MODEL_PCI_ATS) ||
	     smmuv3_sweep_read(s, pasid, iova, true) == want))
		return true;
	if (!s->why)
		s->why = why;
	return false;
}

/**
 * smmuv3_sweep_settle() - nothing is injected, attached, or cached any more
 * @s: sweep
 */
void smmuv3_sweep_settle(struct smmuv3_sweep *s)
{
	struct smmuv3_unit *unit = &s->rig.machine->unit;
	DEFINE_SMMUV3_BATCH(batch, unit);
	unsigned int i;

	for (i = 0; i < SMMUV3_MODEL_NUM_INJECTS; i++)
		smmuv3_model_inject(s->rig.machine->model, i, 0);
	if (s->rig.num) {
		smmuv3_detach_all(s->rig.device[0]);
		WRITE_ONCE(s->rig.device[0]->suspect, false);
		WRITE_ONCE(s->rig.device[0]->shut_out, false);
	}
	smmuv3_batch_cfgi_all(&batch);
	smmuv3_batch_barrier(&batch);
	smmuv3_batch_tlbi_all(&batch);
	smmuv3_batch_barrier(&batch);
	if (s->rig.num && smmuv3_device_has_atc(s->rig.device[0]))
		smmuv3_batch_atc_inv_all(&batch, s->sid);
	smmuv3_batch_submit(&batch);
}

/**
 * smmuv3_sweep_plug() - put a function into the place of one that went
 * @s: sweep
 *
 * The core attaches its default domain, which is detached again.
 *
 * Return: 0 or an errno.
 */
int smmuv3_sweep_plug(struct smmuv3_sweep *s)
{
	int rc = smmuv3_rig_plug(&s->rig, s->unit->flags, s->unit->pasid_bits);

	if (!rc)
		smmuv3_detach(s->rig.device[0], IOMMU_NO_PASID);
	return rc;
}

/* --- machines --- */

static int make_paging(struct smmuv3_sweep *s, enum smmuv3_sweep_state state,
		       u32 flags)
{
	s->state[state] = smmuv3_paging_alloc(&s->rig.machine->unit, flags);
	if (IS_ERR(s->state[state]))
		return PTR_ERR(s->state[state]);
	return smmuv3_sweep_map(s->state[state], s->probe,
				virt_to_phys(s->pages[state]), PAGE_SIZE, 1);
}

static int make_nested(struct smmuv3_sweep *s, enum smmuv3_sweep_state state,
		       enum smmuv3_sweep_state parent, unsigned int place)
{
	struct smmuv3_sweep_guest *guest = &s->guests[state];
	u64 gpa = GUEST_BASE + place * GUEST_STRIDE, data = gpa + 8 * PAGE_SIZE;
	int rc;

	rc = guest_create(guest, gpa);
	if (rc)
		return rc;
	smmuv3_sweep_guest_set(guest, s->probe, data);
	rc = smmuv3_sweep_guest_map(s->state[parent], guest);
	rc = rc ?: smmuv3_sweep_map(s->state[parent], data,
				    virt_to_phys(s->pages[state]), PAGE_SIZE, 1);
	if (rc)
		return rc;
	s->state[state] = smmuv3_sweep_nest(s, s->state[parent], guest);
	return PTR_ERR_OR_ZERO(s->state[state]);
}

static int make_nested_bypass(struct smmuv3_sweep *s)
{
	s->value[SMSW_NESTED_BYPASS] = s->value[SMSW_S2];
	s->state[SMSW_NESTED_BYPASS] =
		smmuv3_rig_nested(&s->rig, s->state[SMSW_S2], NULL,
				  GUEST_STE_BYPASS, 0);
	return PTR_ERR_OR_ZERO(s->state[SMSW_NESTED_BYPASS]);
}

static int make_states(struct smmuv3_sweep *s)
{
	const u32 parent = IOMMU_HWPT_ALLOC_NEST_PARENT;
	unsigned int i;
	int rc;

	for (i = SMSW_BYPASS; i < SMSW_STATES; i++) {
		s->value[i] = 0xa000 + i;
		s->pages[i] = page_with(s->value[i]);
		if (!s->pages[i])
			return -ENOMEM;
	}
	/* The page of bypass is where everybody else's is */
	s->probe = virt_to_phys(s->pages[SMSW_BYPASS]);
	s->state[SMSW_BLOCKED] = &smmuv3_blocked_domain;
	s->state[SMSW_BYPASS] = &smmuv3_identity_domain;
	rc = make_paging(s, SMSW_S1_A, 0);
	rc = rc ?: make_paging(s, SMSW_S1_B, 0);
	rc = rc ?: make_paging(s, SMSW_S1_LATER, 0);
	rc = rc ?: make_paging(s, SMSW_S2, parent);
	rc = rc ?: make_paging(s, SMSW_S2_OTHER, parent);
	rc = rc ?: make_paging(s, SMSW_S2_LATER, parent);
	rc = rc ?: make_nested_bypass(s);
	rc = rc ?: make_nested(s, SMSW_NESTED_1, SMSW_S2, 1);
	rc = rc ?: make_nested(s, SMSW_NESTED_2, SMSW_S2, 2);
	rc = rc ?: make_nested(s, SMSW_NESTED_OTHER, SMSW_S2_OTHER, 1);
	return rc ?: make_nested(s, SMSW_NESTED_LATER, SMSW_S2_LATER, 3);
}

/**
 * smmuv3_sweep_create() - a machine with everything that does not change
 * @s: what is made
 * @unit: what kind
 *
 * May sleep.
 *
 * Return: 0 or an errno; smmuv3_sweep_destroy() in both cases if s->unit is set.
 */
int smmuv3_sweep_create(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_unit *unit)
{
	const struct smmuv3_machine_config config = {
		.idr0 = smmuv3_model_idr0 & ~unit->clear_idr0,
		.idr1 = smmuv3_model_idr1 & ~unit->clear_idr1,
		.idr3 = smmuv3_model_idr3 & ~unit->clear_idr3,
	};
	unsigned int i;
	int rc;

	*s = (struct smmuv3_sweep){};
	rc = smmuv3_rig_create(&s->rig, &config, unit->flags, unit->pasid_bits,
			       1);
	if (rc)
		return rc;
	s->unit = unit;
	s->sid = smmuv3_device_sid(s->rig.device[0]);
	/* Neighbours, so that a large leaf has several of them */
	s->data[0] = (u64 *)__get_free_pages(GFP_KERNEL,
					     get_order(SMSW_DATA * PAGE_SIZE));
	if (!s->data[0])
		return -ENOMEM;
	for (i = 0; i < SMSW_DATA; i++) {
		s->data[i] = s->data[0] + i * (PAGE_SIZE / sizeof(u64));
		memset64(s->data[i], 0xd000 + i, PAGE_SIZE / sizeof(u64));
	}
	rc = guest_create(&s->guest, GUEST_BASE);
	return rc ?: make_states(s);
}

/**
 * smmuv3_sweep_destroy() - undo smmuv3_sweep_create()
 * @s: settled
 */
void smmuv3_sweep_destroy(struct smmuv3_sweep *s)
{
	unsigned int i, pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = SMSW_S1_A; i < SMSW_STATES; i++) {
			struct smmuv3_domain *domain = s->state[i];

			if (IS_ERR_OR_NULL(domain) ||
			    (domain->kind != SMMUV3_DOMAIN_NESTED && !pass))
				continue;
			smmuv3_rig_free(domain);
			s->state[i] = NULL;
		}
	}
	smmuv3_rig_destroy(&s->rig);
	guest_destroy(&s->guest);
	for (i = 0; i < SMSW_STATES; i++) {
		guest_destroy(&s->guests[i]);
		free_page((unsigned long)s->pages[i]);
	}
	free_pages((unsigned long)s->data[0],
		   get_order(SMSW_DATA * PAGE_SIZE));
	s->unit = NULL;
}
