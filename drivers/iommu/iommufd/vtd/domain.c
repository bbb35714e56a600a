// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: who is attached to one, and how it is changed and flushed under their
 * feet.
 *
 * Attach and flush meet without a lock. An attach puts itself into the lists,
 * and then tells hardware; a flush changes the table, and then looks at the
 * lists; each with a full barrier in between. So either the flush finds the
 * attachment, or hardware finds the changed table.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../fault/event.h"
#include "domain.h"
#include "events.h"
#include "invalidate.h"
#include "owed.h"

/* Between two looks whether a unit has paid, ms */
#define LATE_LOOK_MS		20
/* What devices that do not answer may take, and what it takes to find out then, ms */
#define LATE_PATIENCE_MS	(130 * MSEC_PER_SEC)

/**
 * vtd_domain_alloc() - a domain with nobody attached
 * @kind: what it is
 * @gfp: for the allocation
 *
 * Return: the domain, or NULL.
 */
struct vtd_domain *vtd_domain_alloc(enum vtd_domain_kind kind, gfp_t gfp)
{
	struct vtd_domain *domain = kzalloc(sizeof(*domain), gfp);

	if (!domain)
		return NULL;
	domain->kind = kind;
	spin_lock_init(&domain->lock);
	INIT_LIST_HEAD(&domain->tags);
	INIT_LIST_HEAD(&domain->attachments);
	attached_init(&domain->devices);
	INIT_LIST_HEAD(&domain->children);
	return domain;
}

/* --- domain ids; vtd_unit::lock is held --- */

static struct vtd_tag *tag_find(struct vtd_domain *domain,
				struct vtd_unit *unit)
{
	struct vtd_tag *tag, *found = NULL;

	/* Those of other units may go meanwhile; that of @unit may not */
	rcu_read_lock();
	list_for_each_entry_rcu(tag, &domain->tags, item)
		if (tag->unit == unit)
			found = tag;
	rcu_read_unlock();
	return found;
}

static struct vtd_tag *tag_get(struct vtd_domain *domain,
			       struct vtd_unit *unit, enum tag_ids_claim claim)
{
	struct vtd_tag *tag = tag_find(domain, unit);
	int did;

	if (tag) {
		tag->users++;
		return tag;
	}
	tag = kzalloc(sizeof(*tag), GFP_KERNEL_ACCOUNT);
	if (!tag)
		return ERR_PTR(-ENOMEM);
	did = tag_ids_alloc(&unit->dids, VTD_DID_FIRST, unit->caps.num_dids,
			    claim);
	if (did < 0) {
		kfree(tag);
		return ERR_PTR(did);
	}
	tag->unit = unit;
	tag->did = did;
	tag->users = 1;
	spin_lock_irq(&domain->lock);
	list_add_tail_rcu(&tag->item, &domain->tags);
	spin_unlock_irq(&domain->lock);
	return tag;
}

static void tag_free(struct vtd_tag *tag)
{
	tag_ids_free(&tag->unit->dids, tag->did);
	kfree_rcu(tag, rcu);
}

static bool tag_release(struct map_quarantine_item *item)
{
	struct vtd_tag *tag = container_of(item, struct vtd_tag, kept);
	struct vtd_unit *unit = tag->unit;

	mutex_lock(&unit->lock);
	tag_free(tag);
	mutex_unlock(&unit->lock);
	vtd_owed_left();
	return true;
}

/*
 * Hardware has nothing cached with it: the last entry that had it is gone. Unless a
 * unit owes invalidations: the number is nobody else's until it does not. True: it is
 * kept from now on.
 */
static bool tag_put(struct vtd_domain *domain, struct vtd_tag *tag)
{
	if (--tag->users)
		return false;
	spin_lock_irq(&domain->lock);
	list_del_rcu(&tag->item);
	spin_unlock_irq(&domain->lock);
	tag->kept.release = tag_release;
	if (vtd_owed_keep(&tag->kept))
		return true;
	tag_free(tag);
	return false;
}

/* --- flushing --- */

/* Descriptors for one unit after the other, submitted when the unit changes. */
static void batch_aim(struct vtd_batch *batch, struct vtd_unit *unit)
{
	if (batch->unit == unit)
		return;
	if (batch->unit)
		vtd_batch_submit(batch);
	batch->unit = unit;
}

static void flush_tags(struct vtd_batch *batch, struct vtd_domain *domain,
		       u64 start, u64 last, bool leaf)
{
	struct vtd_tag *tag;

	list_for_each_entry_rcu(tag, &domain->tags, item) {
		batch_aim(batch, tag->unit);
		vtd_batch_iotlb(batch, tag->did, start, last, leaf);
	}
}

static bool device_caches(void *device)
{
	return READ_ONCE(((struct vtd_device *)device)->ats);
}

/**
 * vtd_device_forgets_all() - for attached_flush_plan()
 * @device: struct vtd_device
 *
 * Return: whether one request makes it forget all that it has cached.
 */
bool vtd_device_forgets_all(void *device)
{
	const struct vtd_device *d = device;

	return !READ_ONCE(d->ats) || d->max_pasids == 1 || d->ats_global;
}

static void flush_devices(struct vtd_batch *batch, struct vtd_domain *domain,
			  u64 start, u64 last)
{
	struct vtd_attachment *att;

	list_for_each_entry_rcu(att, &domain->attachments, item) {
		if (!READ_ONCE(att->device->ats))
			continue;
		batch_aim(batch, att->device->unit);
		vtd_batch_devtlb(batch, att->device, att->pasid, start, last);
	}
}

/* All that they have cached, of every PASID: as many requests as there are devices. */
static void flush_devices_all(struct vtd_batch *batch,
			      struct vtd_domain *domain)
{
	struct attached_device *entry;

	list_for_each_entry_rcu(entry, &domain->devices.list, item) {
		struct vtd_device *device = entry->device;

		if (!READ_ONCE(device->ats))
			continue;
		batch_aim(batch, device->unit);
		vtd_batch_devtlb_all(batch, device);
	}
}

/**
 * vtd_domain_distrust() - a flush has run into a time-out
 * @domain: whose devices it was for
 *
 * Those that did not answer have lost ATS on return: what they had translated
 * before cannot be used any more when the memory goes. Called under RCU; any
 * context.
 */
void vtd_domain_distrust(struct vtd_domain *domain)
{
	struct vtd_attachment *att;

	list_for_each_entry_rcu(att, &domain->attachments, item)
		if (READ_ONCE(att->device->suspect))
			vtd_device_distrust(att->device);
}

/**
 * vtd_domain_flush_ranges() - forget what was cached of several ranges
 * @domain: a paging domain
 * @ranges: the ranges, in bytes
 * @num: how many, at least 1
 * @leaf: only leaves changed, so that upper levels may stay cached
 *
 * What is nested over the domain is flushed whole: its caches are keyed by the
 * guest's addresses (6.2.5). Device TLBs come after the IOTLBs, or they could be
 * filled again with what these still held; the unit keeps that order (6.5.2.11).
 * They are asked for more than the ranges where that would be very many descriptors.
 * Any context; spins until hardware is done.
 *
 * Return: 0; -ETIMEDOUT: a device did not answer, and has its ATS taken away.
 */
int vtd_domain_flush_ranges(struct vtd_domain *domain,
			    const struct iova_range *ranges, unsigned int num,
			    bool leaf)
{
	static const struct iova_range whole = { .last = ULONG_MAX };
	enum attached_flush plan;
	struct vtd_domain *child;
	DEFINE_VTD_BATCH(batch, NULL);
	unsigned int i;
	int rc;

	/* Against vtd_attach(): the table was written before we look who is here */
	smp_mb();

	rcu_read_lock();
	for (i = 0; i < num; i++)
		flush_tags(&batch, domain, ranges[i].start, ranges[i].last,
			   leaf);
	list_for_each_entry_rcu(child, &domain->children, child_item)
		flush_tags(&batch, child, 0, U64_MAX, leaf);
	plan = attached_flush_plan(&domain->devices, device_caches,
				   vtd_device_forgets_all, num);
	if (plan == ATTACHED_FLUSH_DEVICES) {
		flush_devices_all(&batch, domain);
	} else {
		if (plan == ATTACHED_FLUSH_WHOLE) {
			ranges = &whole;
			num = 1;
		}
		for (i = 0; i < num; i++)
			flush_devices(&batch, domain, ranges[i].start,
				      ranges[i].last);
		list_for_each_entry_rcu(child, &domain->children, child_item)
			flush_devices(&batch, child, 0, U64_MAX);
	}
	rc = batch.unit ? vtd_batch_submit(&batch) : 0;
	/* Of the first unit that failed; others may have met silent devices too */
	if (rc) {
		vtd_domain_distrust(domain);
		list_for_each_entry_rcu(child, &domain->children, child_item)
			vtd_domain_distrust(child);
	}
	rcu_read_unlock();
	return rc;
}

/**
 * vtd_domain_flush() - forget what was cached of a range
 * @domain: a paging domain
 * @start: first byte
 * @last: last byte
 * @leaf: only leaves changed, so that upper levels may stay cached
 *
 * Return: as vtd_domain_flush_ranges().
 */
int vtd_domain_flush(struct vtd_domain *domain, u64 start, u64 last, bool leaf)
{
	struct iova_range range = { .start = start, .last = last };

	return vtd_domain_flush_ranges(domain, &range, 1, leaf);
}

/* --- attaching --- */

/* Can the table be used by @unit? */
static bool paging_suits(struct vtd_domain *domain, struct vtd_unit *unit)
{
	const struct vtd_ss_config *config = &domain->ss.config;
	const struct vtd_caps *caps = &unit->caps;

	return (caps->ss_levels & BIT(config->levels)) &&
	       (caps->ss_2m || !config->leaf_2m) &&
	       (caps->ss_1g || !config->leaf_1g) &&
	       domain->domain.geometry.aperture_end <=
		       DMA_BIT_MASK(caps->mgaw) &&
	       (caps->snoop_control || !domain->snoop) &&
	       (caps->dirty || !domain->domain.dirty_ops) &&
	       (caps->coherent_walks ||
		(config->clean && unit->door == domain->unit->door));
}

static bool nested_suits(struct vtd_domain *domain, struct vtd_unit *unit)
{
	const struct vtd_target *first = &domain->first;
	const struct vtd_caps *caps = &unit->caps;

	return caps->nested && paging_suits(domain->parent, unit) &&
	       (domain->parent->rw_only || !unit->rw_parents) &&
	       (caps->fs_5level || first->fs_levels < 5) &&
	       (caps->supervisor || !first->supervisor) &&
	       (caps->extended_access || !first->extended_access);
}

static bool domain_suits(struct vtd_domain *domain, struct vtd_unit *unit)
{
	switch (domain->kind) {
	case VTD_DOMAIN_BLOCKED:
		return true;
	case VTD_DOMAIN_IDENTITY:
		return unit->caps.pass_through;
	case VTD_DOMAIN_PAGING:
		return paging_suits(domain, unit);
	case VTD_DOMAIN_NESTED:
		return nested_suits(domain, unit);
	}
	return false;
}

static void second_stage_target(struct vtd_domain *paging,
				struct vtd_target *target)
{
	target->ss_levels = paging->ss.config.levels;
	target->ss_root = vtd_ss_root(&paging->ss);
	target->snoop = paging->snoop;
	target->dirty = READ_ONCE(paging->dirty_tracking);
}

static struct vtd_target domain_target(struct vtd_domain *domain,
				       const struct vtd_tag *tag)
{
	struct vtd_target target = {};

	switch (domain->kind) {
	case VTD_DOMAIN_BLOCKED:
		target.type = VTD_TARGET_BLOCKED;
		break;
	case VTD_DOMAIN_IDENTITY:
		target.type = VTD_TARGET_IDENTITY;
		target.did = VTD_DID_PASS_THROUGH;
		break;
	case VTD_DOMAIN_PAGING:
		target.type = VTD_TARGET_SECOND_STAGE;
		target.did = tag->did;
		second_stage_target(domain, &target);
		break;
	case VTD_DOMAIN_NESTED:
		target = domain->first;
		target.type = VTD_TARGET_NESTED;
		target.did = tag->did;
		second_stage_target(domain->parent, &target);
		break;
	}
	return target;
}

static bool domain_has_table(const struct vtd_domain *domain)
{
	return domain->kind == VTD_DOMAIN_PAGING ||
	       domain->kind == VTD_DOMAIN_NESTED;
}

static struct vtd_domain *domain_bottom(struct vtd_domain *domain)
{
	return domain->kind == VTD_DOMAIN_NESTED ? domain->parent : domain;
}

static void attachment_publish(struct vtd_attachment *att)
{
	struct vtd_domain *domain = att->domain;
	const struct vtd_caps *caps = &att->device->unit->caps;

	if (!domain_has_table(domain))
		return;
	if (caps->caching_mode || caps->write_buffer)
		WRITE_ONCE(domain_bottom(domain)->needs_sync_map, true);
	spin_lock_irq(&domain->lock);
	list_add_tail_rcu(&att->item, &domain->attachments);
	spin_unlock_irq(&domain->lock);
	/* Against vtd_domain_flush(): we are there before hardware is told */
	smp_mb();
}

/* In the domain's own list, and in that of a paging domain below it. */
static int devices_get(struct vtd_domain *domain, struct vtd_device *device)
{
	int rc = attached_get(&domain->devices, device);

	if (rc || domain->kind != VTD_DOMAIN_NESTED)
		return rc;
	rc = attached_get(&domain->parent->devices, device);
	if (rc)
		attached_put(&domain->devices, device);
	return rc;
}

static void devices_put(struct vtd_domain *domain, struct vtd_device *device)
{
	if (domain->kind == VTD_DOMAIN_NESTED)
		attached_put(&domain->parent->devices, device);
	attached_put(&domain->devices, device);
}

static void attachment_free(struct vtd_attachment *att)
{
	if (domain_has_table(att->domain)) {
		devices_put(att->domain, att->device);
		spin_lock_irq(&att->domain->lock);
		list_del_rcu(&att->item);
		spin_unlock_irq(&att->domain->lock);
		if (tag_put(att->domain, att->tag) &&
		    att->device->kept_tags < TAG_IDS_OWN_MAX)
			att->device->kept_tags++;
	}
	kfree_rcu(att, rcu);
}

/*
 * What is replaced by it does not count. What was left while a unit owed something does,
 * for it is kept until nothing is owed: a device that is moved again and again would have
 * all domain ids.
 */
static enum tag_ids_claim claim_of(struct vtd_device *device, ioasid_t pasid)
{
	struct vtd_attachment *att;
	unsigned long other;
	unsigned int num;

	if (!vtd_units_owing())
		device->kept_tags = 0;
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

static struct vtd_attachment *attachment_new(struct vtd_domain *domain,
					     struct vtd_device *device,
					     ioasid_t pasid)
{
	struct vtd_attachment *att;

	att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	if (!att)
		return ERR_PTR(-ENOMEM);
	att->domain = domain;
	att->device = device;
	att->pasid = pasid;
	if (domain_has_table(domain)) {
		int rc = devices_get(domain, device);

		if (rc) {
			kfree(att);
			return ERR_PTR(rc);
		}
		att->tag = tag_get(domain, device->unit,
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

/* Has to succeed: the device is taken from where it was. */
static void set_entry(struct vtd_device *device, ioasid_t pasid,
		      const struct vtd_target *target)
{
	int rc = vtd_pasid_set(device, pasid, target);

	if (rc == -ETIMEDOUT)
		vtd_device_distrust(device);
	else
		vtd_device_told(device, rc);
}

static void detach_locked(struct vtd_device *device, ioasid_t pasid)
{
	static const struct vtd_target blocked = {
		.type = VTD_TARGET_BLOCKED,
	};
	struct vtd_attachment *old = xa_load(&device->attachments, pasid);

	lockdep_assert_held(&device->unit->lock);
	if (!old)
		return;
	set_entry(device, pasid, &blocked);
	/* What went wrong until now is told to who had it */
	vtd_events_drain(device->unit);
	xa_erase(&device->attachments, pasid);
	attachment_free(old);
}

static int attach_locked(struct vtd_domain *domain, struct vtd_device *device,
			 ioasid_t pasid)
{
	struct vtd_attachment *old, *new;
	struct vtd_target target;
	int rc;

	old = xa_load(&device->attachments, pasid);
	if (old && old->domain == domain)
		return 0;
	if (!domain_suits(domain, device->unit))
		return -EINVAL;
	/*
	 * Whose it is now is not to go by what somebody else had it go through. A PASID
	 * alone may have a new owner, whoever has the device.
	 */
	if (!old && vtd_device_is_late(device))
		return -EBUSY;

	rc = vtd_pasid_prepare(device, pasid);
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
	 * What was recorded while nobody had it is nobody's. From the moment the entry is
	 * set a fault is the new one's; between two who have it, the old one's until it is
	 * seen that nothing of the old is left.
	 */
	if (!old) {
		vtd_events_drain(device->unit);
		xa_store(&device->attachments, pasid, new, GFP_KERNEL);
	}
	target = domain_target(domain, new->tag);
	set_entry(device, pasid, &target);
	if (old) {
		vtd_events_drain(device->unit);
		xa_store(&device->attachments, pasid, new, GFP_KERNEL);
		attachment_free(old);
	}
	return 0;
}

/**
 * vtd_attach() - send (device, PASID) through a domain
 * @domain: any; a blocked one is a detach
 * @device: the device
 * @pasid: below device->max_pasids; IOMMU_NO_PASID for requests without one
 *
 * Whatever was there before is replaced at once: no request finds neither.
 * May sleep; takes vtd_unit::lock.
 *
 * Return: 0; -EINVAL: the unit cannot do what @domain needs, or has no such
 * PASID; -EBUSY: @pasid is blocked, and the unit has not been seen to forget what the
 * device was on, see vtd_attach_settle(); -ENOSPC: it has no domain id left for the
 * device; -ENOMEM. Nothing has changed then.
 */
int vtd_attach(struct vtd_domain *domain, struct vtd_device *device,
	       ioasid_t pasid)
{
	int rc = 0;

	if (pasid >= device->max_pasids)
		return -EINVAL;
	mutex_lock(&device->unit->lock);
	if (domain->kind == VTD_DOMAIN_BLOCKED)
		detach_locked(device, pasid);
	else
		rc = attach_locked(domain, device, pasid);
	mutex_unlock(&device->unit->lock);
	return rc;
}

/**
 * vtd_detach() - block (device, PASID)
 * @device: the device
 * @pasid: may be blocked already
 *
 * May sleep; takes vtd_unit::lock.
 */
void vtd_detach(struct vtd_device *device, ioasid_t pasid)
{
	mutex_lock(&device->unit->lock);
	detach_locked(device, pasid);
	mutex_unlock(&device->unit->lock);
}

/**
 * vtd_detach_all() - block all requests of a device
 * @device: the device
 *
 * May sleep; takes vtd_unit::lock.
 */
void vtd_detach_all(struct vtd_device *device)
{
	struct vtd_attachment *att;
	unsigned long pasid;

	mutex_lock(&device->unit->lock);
	xa_for_each(&device->attachments, pasid, att)
		detach_locked(device, pasid);
	mutex_unlock(&device->unit->lock);
}

/**
 * vtd_attach_settle() - wait until the unit has forgotten what a device was on
 * @device: which; if it is attached there is nothing to wait for
 *
 * For who cannot be told to come again. Not longer than LATE_PATIENCE_MS: a unit may never
 * do as told. May sleep, without vtd_unit::lock.
 */
void vtd_attach_settle(struct vtd_device *device)
{
	unsigned long end = jiffies + msecs_to_jiffies(LATE_PATIENCE_MS);

	/* What is moved is not refused */
	while (!xa_load(&device->attachments, IOMMU_NO_PASID) &&
	       vtd_device_is_late(device) && time_before(jiffies, end))
		msleep(LATE_LOOK_MS);
}

/* For iommu_domain_ops, of all domains. */
int vtd_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	if (attached_is_default(domain))
		vtd_attach_settle(dev_iommu_priv_get(dev));
	return vtd_attach(to_vtd_domain(domain), dev_iommu_priv_get(dev),
			  IOMMU_NO_PASID);
}

/* --- faults --- */

/**
 * vtd_fault_report() - a device's request was refused
 * @unit: who says so
 * @fault: what
 *
 * Counted with the device, and told to who listens to what it is attached to. Any
 * context.
 */
void vtd_fault_report(struct vtd_unit *unit, const struct vtd_fault *fault)
{
	struct iommufd_event event = {
		.addr = fault->addr,
		.perm = fault->read ? IOMMU_PGFAULT_PERM_READ :
				      IOMMU_PGFAULT_PERM_WRITE,
		.reason = fault->reason,
	};
	ioasid_t pasid = IOMMU_NO_PASID;
	struct vtd_attachment *att;
	struct vtd_device *device;

	/* Requests without PASID may be told as those of RID_PASID, which is 0 */
	if (fault->pasid_valid && fault->pasid) {
		pasid = fault->pasid;
		event.pasid = pasid;
		event.flags = IOMMU_HWPT_EVENT_PASID_VALID;
	}
	if (fault->execute)
		event.perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (fault->privileged)
		event.perm |= IOMMU_PGFAULT_PERM_PRIV;

	rcu_read_lock();
	device = xa_load(&unit->devices, fault->rid);
	if (device) {
		atomic64_inc(&device->faults);
		att = xa_load(&device->attachments, pasid);
		if (att)
			iommufd_event_report(&att->domain->domain, device->dev,
					     &event);
	}
	rcu_read_unlock();
}

/* --- the static domains --- */

static int set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			 ioasid_t pasid, struct iommu_domain *old)
{
	return vtd_attach(to_vtd_domain(domain), dev_iommu_priv_get(dev),
			  pasid);
}

/* Nothing of them is cached that could change: no flush, no list. */
static const struct iommu_domain_ops static_ops = {
	.attach_dev = vtd_attach_dev,
	.set_dev_pasid = set_dev_pasid,
};

struct vtd_domain vtd_blocked_domain = {
	.kind = VTD_DOMAIN_BLOCKED,
	.domain = {
		.type = IOMMU_DOMAIN_BLOCKED,
		.ops = &static_ops,
	},
};

struct vtd_domain vtd_identity_domain = {
	.kind = VTD_DOMAIN_IDENTITY,
	.domain = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.ops = &static_ops,
	},
};
