// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching: which stream table entry and which context descriptors it takes that
 * the requests of a device, and of its PASIDs, go where they should. Everything
 * runs under smmuv3_unit::lock; how it meets a flush is in domain.c.
 *
 *   requests without PASID    no PASID attached   PASIDs attached
 *   blocked                   abort               stage 1, S1DSS terminate
 *   identity                  bypass (*)          stage 1, S1DSS bypass
 *   stage 1                   stage 1, S1DSS CD0  stage 1, S1DSS CD0
 *   stage 2                   stage 2             -EBUSY
 *   nested                    the user's          -EBUSY
 *
 * Stage 2 knows no PASIDs, and a nested domain brings a table of them (5.2). (*) A
 * stream in bypass has no ATS (5.2, EATS): a device that has it and PASIDs gets
 * stage 1 with S1DSS bypass at once (13.6.4), any other has ATS off meanwhile.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pci-ats.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "cmdq.h"
#include "domain.h"
#include "faults.h"
#include "owed.h"
#include "viommu.h"

/* Between two looks whether a unit has paid, ms */
#define LATE_LOOK_MS		20
/* What it takes to find out, when a unit has had its patience, ms */
#define LATE_MORE_MS		(10 * MSEC_PER_SEC)

/**
 * smmuv3_combine() - which stream table entry a device needs
 * @rid: kind of domain that requests without PASID go through
 * @pasids: there are PASIDs with domains of their own
 * @keep_ats: have no bypass that takes ATS away
 * @combination: filled in
 *
 * Return: 0; -EBUSY: @rid and @pasids exclude each other.
 */
int smmuv3_combine(enum smmuv3_domain_kind rid, bool pasids, bool keep_ats,
		   struct smmuv3_combination *combination)
{
	bool excluded = false;

	*combination = (struct smmuv3_combination){
		.type = SMMUV3_STREAM_STAGE1,
		.no_pasid = SMMUV3_NO_PASID_TERMINATE,
	};
	switch (rid) {
	case SMMUV3_DOMAIN_BLOCKED:
		if (!pasids)
			combination->type = SMMUV3_STREAM_ABORT;
		break;
	case SMMUV3_DOMAIN_IDENTITY:
		if (pasids || keep_ats)
			combination->no_pasid = SMMUV3_NO_PASID_BYPASS;
		else
			combination->type = SMMUV3_STREAM_BYPASS;
		break;
	case SMMUV3_DOMAIN_STAGE1:
		combination->no_pasid = SMMUV3_NO_PASID_CD0;
		break;
	case SMMUV3_DOMAIN_STAGE2:
		combination->type = SMMUV3_STREAM_STAGE2;
		excluded = pasids;
		break;
	case SMMUV3_DOMAIN_NESTED:
		combination->type = SMMUV3_STREAM_NESTED;
		excluded = pasids;
		break;
	}
	return excluded ? -EBUSY : 0;
}

/* --- attachments --- */

static bool has_table(const struct smmuv3_domain *domain)
{
	return domain->kind != SMMUV3_DOMAIN_BLOCKED &&
	       domain->kind != SMMUV3_DOMAIN_IDENTITY;
}

static bool is_stage1(const struct smmuv3_attachment *att)
{
	return att && att->domain->kind == SMMUV3_DOMAIN_STAGE1;
}

static bool is_nested(const struct smmuv3_attachment *att)
{
	return att && att->domain->kind == SMMUV3_DOMAIN_NESTED;
}

static enum smmuv3_domain_kind kind_of(const struct smmuv3_attachment *att)
{
	return att ? att->domain->kind : SMMUV3_DOMAIN_BLOCKED;
}

/* Is there a PASID with a domain of its own, other than @except? */
static bool has_pasids(struct smmuv3_device *device, ioasid_t except)
{
	struct smmuv3_attachment *att;
	unsigned long pasid;

	xa_for_each_start(&device->attachments, pasid, att, IOMMU_NO_PASID + 1)
		if (pasid != except)
			return true;
	return false;
}

static void attachment_publish(struct smmuv3_attachment *att)
{
	struct smmuv3_domain *domain = att->domain;

	if (!has_table(domain))
		return;
	spin_lock_irq(&domain->lock);
	list_add_tail_rcu(&att->item, &domain->attachments);
	spin_unlock_irq(&domain->lock);
	/* Against smmuv3_domain_flush(): we are there before hardware is told */
	smp_mb();
}

/* In the domain's own list, and in that of a stage 2 below it. */
static int devices_get(struct smmuv3_domain *domain,
		       struct smmuv3_device *device)
{
	int rc = attached_get(&domain->devices, device);

	if (rc || domain->kind != SMMUV3_DOMAIN_NESTED)
		return rc;
	rc = attached_get(&domain->parent->devices, device);
	if (rc)
		attached_put(&domain->devices, device);
	return rc;
}

static void devices_put(struct smmuv3_domain *domain,
			struct smmuv3_device *device)
{
	if (domain->kind == SMMUV3_DOMAIN_NESTED)
		attached_put(&domain->parent->devices, device);
	attached_put(&domain->devices, device);
}

static void attachment_free(struct smmuv3_attachment *att)
{
	struct smmuv3_domain *domain = att->domain;

	if (has_table(domain)) {
		devices_put(domain, att->device);
		spin_lock_irq(&domain->lock);
		list_del_rcu(&att->item);
		spin_unlock_irq(&domain->lock);
		if (smmuv3_tag_put(smmuv3_domain_bottom(domain), att->tag) &&
		    att->device->kept_tags < TAG_IDS_OWN_MAX)
			att->device->kept_tags++;
	}
	kfree_rcu(att, rcu);
}

/*
 * What is replaced by it does not count; unless that is going to be kept, as others were
 * before: a unit that owes something for long would run out of numbers.
 */
static enum tag_ids_claim claim_of(struct smmuv3_device *device,
				   ioasid_t pasid)
{
	struct smmuv3_attachment *att;
	unsigned long other;
	unsigned int num = 0;

	if (smmuv3_unit_owing(device->unit))
		num = device->kept_tags;
	if (num == TAG_IDS_OWN_MAX)
		return TAG_IDS_MORE;
	xa_for_each(&device->attachments, other, att) {
		num += other != pasid && att->tag;
		if (num == TAG_IDS_OWN_MAX)
			return TAG_IDS_MORE;
	}
	return TAG_IDS_OWN;
}

static struct smmuv3_attachment *
attachment_new(struct smmuv3_domain *domain, struct smmuv3_device *device,
	       ioasid_t pasid)
{
	struct smmuv3_viommu *viommu = NULL;
	struct smmuv3_attachment *att;

	att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	if (!att)
		return ERR_PTR(-ENOMEM);
	att->domain = domain;
	att->device = device;
	att->pasid = pasid;
	if (domain->kind == SMMUV3_DOMAIN_NESTED)
		viommu = domain->viommu;
	if (has_table(domain)) {
		int rc = devices_get(domain, device);

		if (rc) {
			kfree(att);
			return ERR_PTR(rc);
		}
		att->tag = smmuv3_tag_get(smmuv3_domain_bottom(domain),
					  device->unit, viommu,
					  claim_of(device, pasid));
		if (IS_ERR(att->tag)) {
			void *err = att->tag;

			devices_put(domain, device);
			kfree(att);
			return err;
		}
	}
	attachment_publish(att);
	return att;
}

/* --- telling the hardware --- */

/* May the device itself have ATS on, with requests that go this way? */
static bool function_may_ats(struct smmuv3_device *device,
			     const struct smmuv3_attachment *rid,
			     enum smmuv3_stream_type type)
{
	if (!device->can_ats || READ_ONCE(device->suspect))
		return false;
	/*
	 * A guest that does not want it sends no ATC invalidations either. And which of
	 * its PASIDs are in use only the guest knows: when stage 2 changes the function
	 * has to forget them all at once.
	 */
	if (type == SMMUV3_STREAM_NESTED)
		return rid->domain->user_ats &&
		       (!rid->domain->user_pasids ||
			smmuv3_device_forgets_all(device));
	return type != SMMUV3_STREAM_BYPASS;
}

/*
 * Faults stall where somebody answers: the device can, and the core has noted a
 * fault queue with the domain.
 */
static bool may_stall(const struct smmuv3_device *device,
		      const struct smmuv3_domain *domain)
{
	return device->can_stall && domain->domain.fault_data;
}

static void fill_target(struct smmuv3_device *device,
			const struct smmuv3_attachment *rid,
			const struct smmuv3_combination *combination,
			struct smmuv3_stream_target *target)
{
	struct smmuv3_domain *domain = rid ? rid->domain : NULL;

	*target = (struct smmuv3_stream_target){
		.type = combination->type,
		.no_pasid = combination->no_pasid,
	};
	switch (combination->type) {
	case SMMUV3_STREAM_ABORT:
	case SMMUV3_STREAM_BYPASS:
		break;
	case SMMUV3_STREAM_STAGE1:
		/* Each context descriptor says what its faults do */
		target->stall = device->can_stall;
		break;
	case SMMUV3_STREAM_STAGE2:
		smmuv3_paging_stage2(domain, &target->s2);
		target->s2.vmid = rid->tag->id;
		target->stall = may_stall(device, domain);
		break;
	case SMMUV3_STREAM_NESTED:
		smmuv3_paging_stage2(domain->parent, &target->s2);
		target->s2.vmid = rid->tag->id;
		target->user[0] = domain->user[0];
		target->user[1] = domain->user[1];
		/* Context descriptors are the guest's: nobody else can stop them */
		target->stall = may_stall(device, domain) && domain->user_stall;
		break;
	}
}

/*
 * The function uses nothing that it has cached from then on (PCIe 6.0, 10.5.1.3). What
 * it sent translated before arrives first: the completion of a read does not pass it
 * (2.4.1). Only then is the function told of no unmap any more. IHI 0070 (3.9.2) has an
 * invalidation in this place; that would be a time-out, and distrust, for a function
 * that answers none while its ATS is off.
 */
static void function_stop_ats(struct smmuv3_device *device)
{
	u16 vendor;

	smmuv3_device_ats_begin(device);
	pci_disable_ats(device->pdev);
	pci_read_config_word(device->pdev, PCI_VENDOR_ID, &vendor);
	smmuv3_device_ats_end(device, false);
}

/*
 * As in IHI 0070, 3.9.2: the function forgets what it has cached before the unit
 * refuses translated requests; and the unit takes translation requests before the
 * function sends any, and flushes reach it from before that.
 */
static void set_stream(struct smmuv3_device *device,
		       struct smmuv3_stream_target *target, bool function_ats)
{
	bool start = function_ats && !device->ats;

	if (!function_ats && device->ats)
		function_stop_ats(device);
	if (start) {
		smmuv3_device_ats_begin(device);
		WRITE_ONCE(device->ats, true);
	}
	target->ats = function_ats && target->type != SMMUV3_STREAM_ABORT;
	smmuv3_device_told(device, smmuv3_stream_set(device, target, NULL));

	if (!start)
		return;
	if (!pci_enable_ats(device->pdev, device->ats_stu)) {
		smmuv3_device_ats_end(device, true);
		return;
	}
	dev_warn(device->dev, "ATS cannot be turned on\n");
	smmuv3_device_ats_end(device, false);
	target->ats = false;
	smmuv3_device_told(device, smmuv3_stream_set(device, target, NULL));
}

static void set_context(struct smmuv3_device *device,
			const struct smmuv3_attachment *att)
{
	struct smmuv3_context_target target = {};

	smmuv3_paging_context(att->domain, &target);
	target.asid = att->tag->id;
	target.stall = may_stall(device, att->domain);
	smmuv3_device_told(device, smmuv3_context_set(device, att->pasid,
						      &target, NULL));
}

/*
 * What may be cached of where (device, PASID) went before. A guest's ASIDs mean
 * something else under the next table that is nested over the same parent.
 */
static void flush_old(struct smmuv3_device *device,
		      const struct smmuv3_attachment *old)
{
	DEFINE_SMMUV3_BATCH(batch, device->unit);

	if (!old)
		return;
	if (is_nested(old)) {
		smmuv3_batch_tlbi_vmid_stage1(&batch, old->tag->id);
		smmuv3_batch_barrier(&batch);
	}
	smmuv3_batch_atc(&batch, old, 0, U64_MAX);
	smmuv3_device_told(device, smmuv3_batch_submit(&batch));
}

/*
 * Descriptors that the stream is going to use are there before it does, and stay
 * until it does not. Has to succeed: the device is taken from where it was.
 */
static void switch_over(struct smmuv3_device *device, ioasid_t pasid,
			const struct smmuv3_attachment *old,
			const struct smmuv3_attachment *new)
{
	const struct smmuv3_attachment *rid = new;
	struct smmuv3_combination combination;
	struct smmuv3_stream_target target;
	bool pasids;

	pasids = has_pasids(device, pasid);
	if (pasid != IOMMU_NO_PASID) {
		rid = xa_load(&device->attachments, IOMMU_NO_PASID);
		pasids = pasids || new;
	}
	smmuv3_combine(kind_of(rid), pasids, device->keep_ats, &combination);
	fill_target(device, rid, &combination, &target);

	if (is_stage1(new))
		set_context(device, new);
	set_stream(device, &target,
		   function_may_ats(device, rid, combination.type));
	if (is_stage1(old) && !is_stage1(new))
		smmuv3_device_told(device,
				   smmuv3_context_set(device, pasid, NULL,
						      NULL));
	flush_old(device, old);
}

/* --- attach and detach --- */

/**
 * smmuv3_shut_out_locked() - refuse translated requests of a device
 * @device: did not answer; its unit's lock is held
 *
 * Where the stream goes stays, without ATS. It may be on its way out, and its
 * StreamIDs be another's. If the unit does not do as told, it owes that. May sleep.
 */
void smmuv3_shut_out_locked(struct smmuv3_device *device)
{
	struct smmuv3_stream_target target;

	lockdep_assert_held(&device->unit->lock);
	if (smmuv3_device_find(device->unit, smmuv3_device_sid(device)) ==
	    device) {
		smmuv3_stream_get(device, &target);
		target.ats = false;
		smmuv3_device_told(device,
				   smmuv3_stream_set(device, &target, NULL));
	}
	WRITE_ONCE(device->shut_out, true);
}

/*
 * What it went through before has forgotten it: if it did not answer, no flush of
 * that finds it any more.
 */
static void switched_over(struct smmuv3_device *device)
{
	if (smmuv3_device_is_loose(device))
		smmuv3_shut_out_locked(device);
}

static void detach_locked(struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_attachment *old = xa_load(&device->attachments, pasid);

	lockdep_assert_held(&device->unit->lock);
	if (!old)
		return;
	switch_over(device, pasid, old, NULL);
	switched_over(device);
	/* What went wrong until now is told to who had it */
	smmuv3_events_drain(device->unit);
	xa_erase(&device->attachments, pasid);
	attachment_free(old);
}

static bool domain_suits(struct smmuv3_domain *domain,
			 struct smmuv3_device *device, ioasid_t pasid)
{
	const struct smmuv3_caps *caps = &device->unit->caps;

	/* A context descriptor knows nothing but a stage 1 table */
	if (pasid != IOMMU_NO_PASID && domain->kind != SMMUV3_DOMAIN_STAGE1)
		return false;
	switch (domain->kind) {
	case SMMUV3_DOMAIN_BLOCKED:
	case SMMUV3_DOMAIN_IDENTITY:
		return true;
	case SMMUV3_DOMAIN_STAGE1:
	case SMMUV3_DOMAIN_STAGE2:
		return smmuv3_paging_suits(domain, caps);
	case SMMUV3_DOMAIN_NESTED:
		return domain->user_unit == device->unit &&
		       smmuv3_paging_suits(domain->parent, caps);
	}
	return false;
}

/* All that may fail of what the hardware needs. */
static int prepare(struct smmuv3_domain *domain, struct smmuv3_device *device,
		   ioasid_t pasid)
{
	struct smmuv3_combination combination;
	bool pasids = has_pasids(device, pasid);
	enum smmuv3_domain_kind rid = domain->kind;
	int rc;

	if (pasid != IOMMU_NO_PASID) {
		rid = kind_of(xa_load(&device->attachments, IOMMU_NO_PASID));
		pasids = true;
	}
	rc = smmuv3_combine(rid, pasids, device->keep_ats, &combination);
	if (rc || combination.type != SMMUV3_STREAM_STAGE1)
		return rc;
	if (!device->contexts) {
		rc = smmuv3_contexts_alloc(device);
		if (rc)
			return rc;
	}
	return domain->kind == SMMUV3_DOMAIN_STAGE1 ?
		       smmuv3_context_prepare(device, pasid) : 0;
}

static int attach_locked(struct smmuv3_domain *domain,
			 struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_attachment *old, *new;
	int rc;

	old = xa_load(&device->attachments, pasid);
	if (old && old->domain == domain)
		return 0;
	if (!domain_suits(domain, device, pasid))
		return -EINVAL;
	/*
	 * Whose it is now is not to go by what somebody else had it go through. A PASID
	 * alone may have a new owner, whoever has the device.
	 */
	if (!old && smmuv3_device_is_late(device))
		return -EBUSY;
	rc = prepare(domain, device, pasid);
	if (rc)
		return rc;
	rc = xa_reserve(&device->attachments, pasid, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	new = attachment_new(domain, device, pasid);
	if (IS_ERR(new)) {
		if (!old)
			xa_release(&device->attachments, pasid);
		return PTR_ERR(new);
	}

	/*
	 * What was recorded while nobody had it is nobody's. From the moment the unit is
	 * told, a fault is the new one's; between two who have it, the old one's until
	 * the unit has nothing of the old left.
	 */
	if (!old) {
		smmuv3_events_drain(device->unit);
		xa_store(&device->attachments, pasid, new, GFP_KERNEL);
	}
	switch_over(device, pasid, old, new);
	switched_over(device);
	if (old) {
		smmuv3_events_drain(device->unit);
		xa_store(&device->attachments, pasid, new, GFP_KERNEL);
		attachment_free(old);
	}
	return 0;
}

/**
 * smmuv3_attach() - send (device, PASID) through a domain
 * @domain: any; a blocked one is a detach
 * @device: the device
 * @pasid: below device->max_pasids; IOMMU_NO_PASID for requests without one
 *
 * Whatever was there before is replaced, hitlessly where hardware can do that.
 * May sleep; takes smmuv3_unit::lock.
 *
 * Return: 0; -EINVAL: the unit cannot do what @domain needs, or has no such PASID,
 * or @domain cannot be a PASID's; -EBUSY: @domain is stage 2 or nested and there are
 * PASIDs with domains of their own, or the device is on such a domain and @pasid is
 * a PASID; or @pasid is blocked and the unit has not been seen to forget what the
 * device was on, see smmuv3_attach_settle(); -ENOSPC: the unit has no ASID or VMID
 * left for the device; -ENOMEM. Nothing has changed then.
 */
int smmuv3_attach(struct smmuv3_domain *domain, struct smmuv3_device *device,
		  ioasid_t pasid)
{
	int rc = 0;

	if (pasid >= device->max_pasids)
		return -EINVAL;
	mutex_lock(&device->unit->lock);
	if (domain->kind == SMMUV3_DOMAIN_BLOCKED)
		detach_locked(device, pasid);
	else
		rc = attach_locked(domain, device, pasid);
	mutex_unlock(&device->unit->lock);
	return rc;
}

/**
 * smmuv3_detach() - block (device, PASID)
 * @device: the device
 * @pasid: may be blocked already
 *
 * May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_detach(struct smmuv3_device *device, ioasid_t pasid)
{
	mutex_lock(&device->unit->lock);
	detach_locked(device, pasid);
	mutex_unlock(&device->unit->lock);
}

/**
 * smmuv3_detach_all() - block all requests of a device
 * @device: the device
 *
 * May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_detach_all(struct smmuv3_device *device)
{
	struct smmuv3_attachment *att;
	unsigned long pasid;

	mutex_lock(&device->unit->lock);
	xa_for_each(&device->attachments, pasid, att)
		detach_locked(device, pasid);
	mutex_unlock(&device->unit->lock);
}

/**
 * smmuv3_attach_without_ats() - the same streams, but no ATS
 * @device: did not answer; it is not touched, as it may be gone
 *
 * Translated requests are refused on return. May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_attach_without_ats(struct smmuv3_device *device)
{
	mutex_lock(&device->unit->lock);
	smmuv3_shut_out_locked(device);
	mutex_unlock(&device->unit->lock);
}

/**
 * smmuv3_attach_settle() - wait until the unit has forgotten what a device was on
 * @device: which; if it is attached there is nothing to wait for
 *
 * For who cannot be told to come again. Not for longer than it takes to have the unit
 * forget everything, or to turn it off; one that does not do either is not waited for.
 * May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_attach_settle(struct smmuv3_device *device)
{
	unsigned long end = jiffies +
		msecs_to_jiffies(device->unit->owed_patience + LATE_MORE_MS);

	/* What is moved is not refused */
	while (!xa_load(&device->attachments, IOMMU_NO_PASID) &&
	       smmuv3_device_is_late(device) && time_before(jiffies, end))
		msleep(LATE_LOOK_MS);
}

int smmuv3_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	if (attached_is_default(domain))
		smmuv3_attach_settle(dev_iommu_priv_get(dev));
	return smmuv3_attach(to_smmuv3_domain(domain), dev_iommu_priv_get(dev),
			     IOMMU_NO_PASID);
}

int smmuv3_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			 ioasid_t pasid, struct iommu_domain *old)
{
	return smmuv3_attach(to_smmuv3_domain(domain), dev_iommu_priv_get(dev),
			     pasid);
}
