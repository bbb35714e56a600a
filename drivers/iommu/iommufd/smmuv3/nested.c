// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains: a guest's stream table entry over the stage 2 of its own address
 * space. The context descriptors it points to, and their tables, are the guest's.
 */
#include <linux/bitfield.h>
#include <linux/iommu.h>
#include <linux/moduleparam.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../invalidate.h"
#include "cmdq.h"
#include "domain.h"
#include "viommu.h"

static bool smmuv3_nest_noncoherent;
module_param(smmuv3_nest_noncoherent, bool, 0444);
MODULE_PARM_DESC(smmuv3_nest_noncoherent,
		 "Nest on SMMUv3 units that let a guest's tables turn snooping off: the guest can then read what memory held before it was cleared for it (for emulators)");

/* STE word 0 (5.2) */
#define STE0_V			BIT_ULL(0)
#define STE0_CONFIG		GENMASK_ULL(3, 1)
#define STE0_CONFIG_ABORT	0
#define STE0_CONFIG_BYPASS	4
#define STE0_CONFIG_STAGE1	5
#define STE0_S1FMT		GENMASK_ULL(5, 4)
#define STE0_S1FMT_LINEAR	0
#define STE0_S1FMT_RESERVED	3
#define STE0_S1CONTEXTPTR	GENMASK_ULL(51, 6)
#define STE0_S1CDMAX		GENMASK_ULL(63, 59)
#define STE0_USER		(STE0_V | STE0_CONFIG | STE0_S1FMT | \
				 STE0_S1CONTEXTPTR | STE0_S1CDMAX)
/* Word 1 */
#define STE1_S1DSS		GENMASK_ULL(1, 0)
#define STE1_S1DSS_RESERVED	3
#define STE1_S1CIR		GENMASK_ULL(3, 2)
#define STE1_S1COR		GENMASK_ULL(5, 4)
#define STE1_S1CSH		GENMASK_ULL(7, 6)
#define STE1_S1STALLD		BIT_ULL(27)
#define STE1_EATS		GENMASK_ULL(29, 28)
#define STE1_EATS_NONE		0
#define STE1_EATS_FULL		1
#define STE1_USER		(STE1_S1DSS | STE1_S1CIR | STE1_S1COR | \
				 STE1_S1CSH | STE1_S1STALLD | STE1_EATS)

/* Bytes of a context descriptor */
#define CD_SIZE			64
/* Commands that a range is flushed with, before all of the VMID is */
#define RANGE_PAGES_MAX		32

/* What of the guest's stage 1 counts when there is one. */
static int check_stage1(const struct smmuv3_caps *caps, u64 last, u64 ste0,
			u64 ste1)
{
	unsigned int cd_bits = FIELD_GET(STE0_S1CDMAX, ste0);
	unsigned int format = FIELD_GET(STE0_S1FMT, ste0);
	u64 table = ste0 & STE0_S1CONTEXTPTR;

	if (cd_bits > caps->ssid_bits)
		return -EIO;
	/* Without SubstreamIDs there is one descriptor, and no format (5.2) */
	if (cd_bits &&
	    (format == STE0_S1FMT_RESERVED ||
	     (format != STE0_S1FMT_LINEAR && !caps->two_level_contexts) ||
	     FIELD_GET(STE1_S1DSS, ste1) == STE1_S1DSS_RESERVED))
		return -EIO;
	/* What lies behind is fetched through stage 2 and faults there */
	if (table > last || last - table < CD_SIZE - 1)
		return -EIO;
	return 0;
}

/**
 * smmuv3_user_ste_check() - check a user's stream table entry
 * @caps: of the unit
 * @last: the last address that the parent translates
 * @user: words 0 and 1 as the guest wrote them
 * @ste: filled in
 *
 * Bits that nobody may set, and values that make no sense, are -EIO, as later
 * kernels have it. An entry that is not valid is one that aborts.
 *
 * EATS may ask for no ATS or for all of it. S1STALLD needs a unit that can be told
 * (STALL_MODEL 0b00), or the entry would be illegal. S1CIR, S1COR and S1CSH say how
 * the descriptors are read: whether the guest may choose is smmuv3_nest_allowed().
 *
 * Return: 0 or -EIO.
 */
int smmuv3_user_ste_check(const struct smmuv3_caps *caps, u64 last,
			  const struct iommu_hwpt_arm_smmuv3 *user,
			  struct smmuv3_user_ste *ste)
{
	u64 ste0 = le64_to_cpu(user->ste[0]);
	u64 ste1 = le64_to_cpu(user->ste[1]);
	u64 eats = FIELD_GET(STE1_EATS, ste1);
	int rc = 0;

	*ste = (struct smmuv3_user_ste){ .words[0] = STE0_V };
	if (!(ste0 & STE0_V))
		return 0;
	if ((ste0 & ~STE0_USER) || (ste1 & ~STE1_USER))
		return -EIO;
	if (eats != STE1_EATS_NONE && eats != STE1_EATS_FULL)
		return -EIO;
	if ((ste1 & STE1_S1STALLD) && (!caps->stall || caps->stall_always))
		return -EIO;
	switch (FIELD_GET(STE0_CONFIG, ste0)) {
	case STE0_CONFIG_ABORT:
		return 0;
	case STE0_CONFIG_BYPASS:
		ste->words[0] |= FIELD_PREP(STE0_CONFIG, STE0_CONFIG_BYPASS);
		/* The guest's unit has no ATS in bypass either */
		return 0;
	case STE0_CONFIG_STAGE1:
		rc = check_stage1(caps, last, ste0, ste1);
		break;
	default:
		return -EIO;
	}
	if (rc)
		return rc;
	ste->words[0] = ste0;
	ste->words[1] = ste1 & ~(STE1_S1STALLD | STE1_EATS);
	ste->ats = eats == STE1_EATS_FULL;
	ste->stall = !(ste1 & STE1_S1STALLD);
	return 0;
}

/**
 * smmuv3_nest_allowed() - may a user's tables say how memory is accessed?
 * @unit: the unit
 * @parent: the stage 2
 *
 * The memory attributes of both stages are combined, and the weaker one counts. A
 * guest that maps its memory as Non-cacheable has the device read and write past
 * the caches: it sees what was there before the kernel cleared the memory for it,
 * and what it writes is lost when a line is written back. Three things stand
 * against it: stage 2 overrides stage 1 (S2FWB); firmware says that whatever the
 * attributes are, all accesses of all devices behind the unit end up as Write-Back
 * Shareable (CANWBS: this is what "the whole path is coherent" means here); or the
 * operator takes the risk. That devices are coherent for the DMA API is not enough:
 * it is said of accesses with the attributes that the kernel chooses.
 *
 * None of that helps where both stages cannot be used at once (smmuv3_caps_errata()).
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int smmuv3_nest_allowed(const struct smmuv3_unit *unit,
			const struct smmuv3_domain *parent)
{
	if (!smmuv3_can_nest(&unit->caps))
		return -EOPNOTSUPP;
	if (parent->fwb || (unit->firmware & SMMUV3_FW_CANWBS) ||
	    smmuv3_nest_noncoherent)
		return 0;
	return -EOPNOTSUPP;
}

/**
 * smmuv3_nest_possible() - can there be a parent that smmuv3_nest_allowed() allows?
 * @unit: the unit
 *
 * Return: whether nested domains can be made for the unit.
 */
bool smmuv3_nest_possible(const struct smmuv3_unit *unit)
{
	const struct smmuv3_domain parent = {
		.fwb = smmuv3_stage2_possible(&unit->caps),
	};

	return !smmuv3_nest_allowed(unit, &parent);
}

/* --- what the core calls --- */

static void nested_free(struct iommu_domain *core)
{
	struct smmuv3_domain *domain = to_smmuv3_domain(core);

	WARN_ON(!list_empty(&domain->attachments));
	spin_lock_irq(&domain->parent->lock);
	list_del_rcu(&domain->child_item);
	spin_unlock_irq(&domain->parent->lock);
	/* A flush of the parent may be at it, an event at the vIOMMU, which goes */
	synchronize_rcu();
	smmuv3_unit_drop(domain->user_unit);
	kfree(domain);
}

/*
 * A range of the guest's addresses, in whatever address space: by page, as a
 * command says nothing of the size of entries without range invalidation, and
 * every entry is found by any address in it.
 */
static void flush_range(struct smmuv3_batch *batch, u16 vmid, u64 first,
			u64 last)
{
	struct smmuv3_cmd cmd = {
		.qw[0] = SMMUV3_CMD_TLBI_NH_VAA | SMMUV3_CMD_VMID(vmid),
	};
	u64 page = first & ~(u64)(SZ_4K - 1);
	u64 i, num = (last - page) / SZ_4K + 1;

	if (num > RANGE_PAGES_MAX) {
		smmuv3_batch_tlbi_vmid_stage1(batch, vmid);
		return;
	}
	for (i = 0; i < num; i++) {
		cmd.qw[1] = page + i * SZ_4K;
		smmuv3_batch_add(batch, &cmd);
	}
}

static int flush_nested(struct smmuv3_domain *domain, u64 first, u64 last)
{
	struct smmuv3_attachment *att;
	DEFINE_SMMUV3_BATCH(batch, domain->user_unit);
	int rc;

	/*
	 * Against smmuv3_attach(), as in smmuv3_domain_flush(): the guest's tables were
	 * written before we look who is attached. To enter the kernel is no barrier, and
	 * the caller may have written them itself
	 */
	smp_mb();
	rcu_read_lock();
	/* All of them have the same VMID */
	att = list_first_or_null_rcu(&domain->attachments,
				     struct smmuv3_attachment, item);
	if (!att) {
		rcu_read_unlock();
		return 0;
	}
	flush_range(&batch, att->tag->id, first, last);
	smmuv3_batch_barrier(&batch);
	list_for_each_entry_rcu(att, &domain->attachments, item)
		smmuv3_batch_atc(&batch, att, 0, U64_MAX);
	rc = smmuv3_batch_submit(&batch);
	rcu_read_unlock();
	return rc;
}

static int nested_invalidate(struct iommu_domain *core,
			     struct iommu_user_data_array *array)
{
	u64 first, last;
	int rc, err = 0;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_RANGE) {
		array->entry_num = 0;
		return -EINVAL;
	}
	rc = iommufd_invalidate_union(array, &first, &last);
	if (array->entry_num)
		err = flush_nested(to_smmuv3_domain(core), first, last);
	if (err) {
		smmuv3_devices_settle();
		array->entry_num = 0;
	}
	return err ?: rc;
}

static const struct iommu_domain_ops nested_ops = {
	.attach_dev = smmuv3_attach_dev,
	.set_dev_pasid = smmuv3_set_dev_pasid,
	.cache_invalidate_user = nested_invalidate,
	.free = nested_free,
};

static int load_ste(struct smmuv3_unit *unit, struct smmuv3_domain *parent,
		    const struct iommu_user_data *data,
		    struct smmuv3_user_ste *ste)
{
	struct iommu_hwpt_arm_smmuv3 user;
	int rc;

	if (data->type != IOMMU_HWPT_DATA_ARM_SMMUV3)
		return -EOPNOTSUPP;
	rc = smmuv3_nest_allowed(unit, parent);
	if (rc)
		return rc;
	rc = iommu_copy_struct_from_user(&user, data,
					 IOMMU_HWPT_DATA_ARM_SMMUV3, ste);
	if (rc)
		return rc;
	return smmuv3_user_ste_check(&unit->caps,
				     parent->domain.geometry.aperture_end,
				     &user, ste);
}

/**
 * smmuv3_nested_new() - a domain for a stream table entry that was checked
 * @unit: of the devices it is made for
 * @parent: the stage 2; the caller keeps it until the domain is freed
 * @viommu: as for smmuv3_nested_alloc()
 * @ste: the entry
 *
 * May sleep.
 *
 * Return: the domain; ERR_PTR(-ENOMEM); ERR_PTR(-ENODEV): the unit is about to go.
 */
struct smmuv3_domain *smmuv3_nested_new(struct smmuv3_unit *unit,
					struct smmuv3_domain *parent,
					struct smmuv3_viommu *viommu,
					const struct smmuv3_user_ste *ste)
{
	struct smmuv3_domain *domain;

	domain = smmuv3_domain_alloc(SMMUV3_DOMAIN_NESTED, GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (!smmuv3_unit_hold(unit)) {
		kfree(domain);
		return ERR_PTR(-ENODEV);
	}
	domain->domain.type = IOMMU_DOMAIN_NESTED;
	domain->domain.ops = &nested_ops;
	domain->parent = parent;
	domain->user_unit = unit;
	domain->viommu = viommu;
	domain->user[0] = ste->words[0];
	domain->user[1] = ste->words[1];
	domain->user_ats = ste->ats;
	domain->user_pasids = FIELD_GET(STE0_S1CDMAX, ste->words[0]);
	domain->user_stall = ste->stall;
	spin_lock_irq(&parent->lock);
	list_add_tail_rcu(&domain->child_item, &parent->children);
	spin_unlock_irq(&parent->lock);
	return domain;
}

/**
 * smmuv3_nested_alloc() - a domain for a user's stream table entry
 * @unit: of the devices it is made for
 * @parent: the stage 2; the caller keeps it until the domain is freed
 * @viommu: that it is made through, kept likewise; or NULL. Domains over @parent that
 *	are made without one share their guest's ASIDs
 * @data: the user's struct iommu_hwpt_arm_smmuv3
 *
 * May sleep.
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP): another type of data, @unit cannot nest,
 * or must not (smmuv3_nest_allowed()); ERR_PTR(-EIO): smmuv3_user_ste_check();
 * ERR_PTR(-EINVAL): the length of the data; ERR_PTR(-EFAULT); ERR_PTR(-ENOMEM).
 */
struct smmuv3_domain *
smmuv3_nested_alloc(struct smmuv3_unit *unit, struct smmuv3_domain *parent,
		    struct smmuv3_viommu *viommu,
		    const struct iommu_user_data *data)
{
	struct smmuv3_user_ste ste;
	int rc;

	rc = load_ste(unit, parent, data, &ste);
	if (rc)
		return ERR_PTR(rc);
	return smmuv3_nested_new(unit, parent, viommu, &ste);
}
