// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: their ASIDs and VMIDs, flushing them under their users' feet, and whose
 * faults are whose.
 *
 * Attach and flush meet without a lock. An attach puts itself into the lists,
 * and then tells hardware; a flush changes the table, and then looks at the
 * lists; each with a full barrier in between. So either the flush finds the
 * attachment, or hardware finds the changed table.
 */
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../../iommu-pages.h"
#include "../fault/event.h"
#include "cmdq.h"
#include "domain.h"
#include "faults.h"
#include "owed.h"
#include "viommu.h"

/**
 * smmuv3_domain_alloc() - a domain with nobody attached
 * @kind: what it is
 * @gfp: for the allocation
 *
 * Return: the domain, or NULL.
 */
struct smmuv3_domain *smmuv3_domain_alloc(enum smmuv3_domain_kind kind,
					  gfp_t gfp)
{
	struct smmuv3_domain *domain = kzalloc(sizeof(*domain), gfp);

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

/* --- ASIDs and VMIDs; smmuv3_unit::lock is held --- */

/* Of the tag of a vIOMMU that is gone; none has this address */
#define SMMUV3_VIOMMU_GONE	((struct smmuv3_viommu *)ERR_PTR(-ENODEV))

/* Guards smmuv3_tag::domain, outside of smmuv3_domain::lock. */
static DEFINE_SPINLOCK(tag_owner_lock);

static struct smmuv3_tag *tag_find(struct smmuv3_domain *domain,
				   struct smmuv3_unit *unit,
				   struct smmuv3_viommu *viommu)
{
	struct smmuv3_tag *tag, *found = NULL;

	/* Those of other units may go meanwhile; that of @unit may not */
	rcu_read_lock();
	list_for_each_entry_rcu(tag, &domain->tags, item)
		if (tag->unit == unit && tag->viommu == viommu)
			found = tag;
	rcu_read_unlock();
	return found;
}

static struct tag_ids *tag_pool(struct smmuv3_domain *domain,
				struct smmuv3_unit *unit, unsigned int *bits)
{
	if (domain->kind == SMMUV3_DOMAIN_STAGE1) {
		*bits = unit->caps.asid_bits;
		return &unit->asids;
	}
	*bits = unit->caps.vmid_bits;
	return &unit->vmids;
}

static void tag_free(struct smmuv3_tag *tag)
{
	spin_lock_irq(&tag_owner_lock);
	if (tag->domain) {
		spin_lock(&tag->domain->lock);
		list_del_rcu(&tag->item);
		spin_unlock(&tag->domain->lock);
	}
	spin_unlock_irq(&tag_owner_lock);
	tag_ids_free(tag->pool, tag->id);
	kfree_rcu(tag, rcu);
}

/* Its unit has forgotten everything, unless it has got users again. */
static bool tag_release(struct map_quarantine_item *item)
{
	struct smmuv3_tag *tag = container_of(item, struct smmuv3_tag, kept);
	struct smmuv3_unit *unit = tag->unit;

	mutex_lock(&unit->lock);
	if (tag->users)
		tag->is_kept = false;
	else if (!smmuv3_owed_keep(unit, item))
		tag_free(tag);
	mutex_unlock(&unit->lock);
	smmuv3_owed_left();
	return true;
}

/**
 * smmuv3_tag_get() - have an ASID or VMID on a unit
 * @domain: of stage 1 or 2
 * @unit: the unit; its lock is held
 * @viommu: who is to have a VMID of its own, or NULL for the domain's
 * @claim: what for, if a new one is needed
 *
 * Return: the tag, with one user more; ERR_PTR(-ENOMEM); ERR_PTR(-ENOSPC): @unit
 * has none left for this.
 */
struct smmuv3_tag *smmuv3_tag_get(struct smmuv3_domain *domain,
				  struct smmuv3_unit *unit,
				  struct smmuv3_viommu *viommu,
				  enum tag_ids_claim claim)
{
	struct smmuv3_tag *tag = tag_find(domain, unit, viommu);
	struct tag_ids *pool;
	unsigned int bits;
	int id;

	lockdep_assert_held(&unit->lock);
	if (tag) {
		tag->users++;
		return tag;
	}
	tag = kzalloc(sizeof(*tag), GFP_KERNEL_ACCOUNT);
	if (!tag)
		return ERR_PTR(-ENOMEM);
	pool = tag_pool(domain, unit, &bits);
	/* 0 is never given out: as a VMID it is that of the kernel's stage 1 tables */
	id = tag_ids_alloc(pool, 1, BIT(bits), claim);
	if (id < 0) {
		kfree(tag);
		return ERR_PTR(id);
	}
	tag->domain = domain;
	tag->pool = pool;
	tag->kept.release = tag_release;
	tag->unit = unit;
	tag->viommu = viommu;
	tag->id = id;
	tag->users = 1;
	spin_lock_irq(&domain->lock);
	list_add_tail_rcu(&tag->item, &domain->tags);
	spin_unlock_irq(&domain->lock);
	return tag;
}

/**
 * smmuv3_tag_put() - one user less
 * @domain: as for smmuv3_tag_get()
 * @tag: no table entry with it is left of this user
 *
 * The last one flushes: who gets the id next must not hit what is cached of us. As
 * long as the unit owes an invalidation, this or an earlier one, it may even walk our
 * tables still: then the id is kept, and the domain remembers it.
 *
 * Return: true: the id is kept from now on.
 */
bool smmuv3_tag_put(struct smmuv3_domain *domain, struct smmuv3_tag *tag)
{
	DEFINE_SMMUV3_BATCH(batch, tag->unit);

	lockdep_assert_held(&tag->unit->lock);
	if (--tag->users)
		return false;
	if (domain->kind == SMMUV3_DOMAIN_STAGE1)
		smmuv3_batch_tlbi_asid(&batch, 0, tag->id);
	else
		smmuv3_batch_tlbi_vmid(&batch, tag->id);
	smmuv3_batch_submit(&batch);
	if (tag->is_kept)
		return false;
	tag->is_kept = smmuv3_owed_keep(tag->unit, &tag->kept);
	if (!tag->is_kept) {
		tag_free(tag);
		return false;
	}
	/* It is freed, and another one may come to be at the same place */
	if (tag->viommu)
		tag->viommu = SMMUV3_VIOMMU_GONE;
	return true;
}

/**
 * smmuv3_tags_abandon() - the domain goes before its tags do
 * @domain: nobody is attached, or nested over it
 *
 * May sleep.
 */
void smmuv3_tags_abandon(struct smmuv3_domain *domain)
{
	struct smmuv3_tag *tag, *next;

	spin_lock_irq(&tag_owner_lock);
	list_for_each_entry_safe(tag, next, &domain->tags, item) {
		WARN_ON(tag->users);
		list_del_rcu(&tag->item);
		tag->domain = NULL;
	}
	spin_unlock_irq(&tag_owner_lock);
}

/**
 * smmuv3_domain_owed() - may hardware still reach what was unmapped from a domain?
 * @domain: of stage 1 or 2
 *
 * To be asked behind the flush. Any context.
 *
 * Return: whether a unit that may have something of @domain cached owes an
 * invalidation, of whatever.
 */
bool smmuv3_domain_owed(struct smmuv3_domain *domain)
{
	struct smmuv3_tag *tag;
	bool owed = false;

	rcu_read_lock();
	list_for_each_entry_rcu(tag, &domain->tags, item)
		owed = owed || smmuv3_unit_owing(tag->unit);
	rcu_read_unlock();
	return owed;
}

/**
 * smmuv3_domain_free_table() - free pages of a table
 * @domain: whose; the range of the pages was flushed, or nobody is attached
 * @table: as from iommu_alloc_pages()
 * @order: log2 of the number of pages
 *
 * Not before no unit can walk them. Any context.
 */
void smmuv3_domain_free_table(struct smmuv3_domain *domain, void *table,
			      unsigned int order)
{
	if ((domain->keep_tables || smmuv3_domain_owed(domain)) &&
	    map_quarantine_pages(table, order))
		return;
	iommu_free_pages(table, order);
}

/* --- flushing --- */

/* Commands for one unit after the other, submitted when the unit changes. */
static void batch_aim(struct smmuv3_batch *batch, struct smmuv3_unit *unit)
{
	if (batch->unit == unit)
		return;
	if (batch->unit)
		smmuv3_batch_submit(batch);
	batch->unit = unit;
}

static void flush_tag(struct smmuv3_batch *batch, struct smmuv3_domain *domain,
		      const struct smmuv3_tag *tag, u64 start, u64 last,
		      size_t granule, bool leaf)
{
	bool all = !start && last == U64_MAX;

	if (domain->kind == SMMUV3_DOMAIN_STAGE1) {
		if (all)
			smmuv3_batch_tlbi_asid(batch, 0, tag->id);
		else
			smmuv3_batch_tlbi_va(batch, 0, tag->id, start, last,
					     granule, leaf);
		return;
	}
	if (all) {
		smmuv3_batch_tlbi_vmid(batch, tag->id);
		return;
	}
	smmuv3_batch_tlbi_ipa(batch, tag->id, start, last, granule, leaf);
}

/*
 * What is cached of both stages is found by the guest's address alone. It goes when
 * stage 2 has gone for sure (4.7.3): commands that no SYNC parts may be carried out
 * in any order, and a walk in between would combine the two again.
 */
static void flush_combined(struct smmuv3_batch *batch,
			   struct smmuv3_domain *domain)
{
	struct smmuv3_tag *tag;

	if (!domain->nest_parent || !batch->unit)
		return;
	smmuv3_batch_barrier(batch);
	list_for_each_entry_rcu(tag, &domain->tags, item) {
		/* Children: looked for behind the SYNC, so none was missed */
		if (!tag->viommu && list_empty(&domain->children))
			continue;
		batch_aim(batch, tag->unit);
		smmuv3_batch_tlbi_vmid_stage1(batch, tag->id);
	}
}

/*
 * CMD_TLBI_S12_VMALL is for all entries of stage 1, of stage 2 and of both combined
 * that are marked with the VMID (4.4.4.1), at once, so that a whole flush needs no
 * more.
 */
static void flush_tags(struct smmuv3_batch *batch, struct smmuv3_domain *domain,
		       u64 start, u64 last, size_t granule, bool leaf)
{
	struct smmuv3_tag *tag;

	list_for_each_entry_rcu(tag, &domain->tags, item) {
		batch_aim(batch, tag->unit);
		flush_tag(batch, domain, tag, start, last, granule, leaf);
	}
}

/*
 * Whether a device is to be told. That one which does not answer is not shut out yet is
 * an error of the batch.
 */
static bool batch_atc_device(struct smmuv3_batch *batch,
			     struct smmuv3_device *device)
{
	if (smmuv3_device_is_loose(device)) {
		smmuv3_device_distrust(device);
		batch->rc = batch->rc ?: -ETIMEDOUT;
	}
	return smmuv3_device_has_atc(device);
}

/**
 * smmuv3_batch_atc() - forget what a device has cached of an attachment
 * @batch: of the device's unit
 * @att: the attachment
 * @start: first byte
 * @last: last byte
 *
 * A guest's table on the RID decides for every PASID. Nothing without ATS. A request
 * for less than the device's smallest translation unit is none (PCIe 6.0, 10.5.1.3), so
 * ranges that user space chose are rounded to that. That a
 * device which does not answer is not shut out yet is an error of the batch too.
 */
void smmuv3_batch_atc(struct smmuv3_batch *batch,
		      const struct smmuv3_attachment *att, u64 start, u64 last)
{
	struct smmuv3_device *device = att->device;
	u64 stu = BIT_ULL(device->ats_stu) - 1;
	unsigned int i;

	if (!batch_atc_device(batch, device))
		return;
	for (i = 0; i < device->num_streams; i++) {
		if (att->domain->kind == SMMUV3_DOMAIN_NESTED)
			smmuv3_batch_atc_inv_all(batch, device->streams[i].sid);
		else
			smmuv3_batch_atc_inv(batch, device->streams[i].sid,
					     att->pasid, start & ~stu,
					     last | stu);
	}
}

static bool device_caches(void *device)
{
	return smmuv3_device_has_atc(device) || smmuv3_device_is_loose(device);
}

static bool device_forgets_all(void *device)
{
	return smmuv3_device_forgets_all(device);
}

static void flush_devices(struct smmuv3_batch *batch,
			  struct smmuv3_domain *domain, u64 start, u64 last)
{
	struct smmuv3_attachment *att;

	list_for_each_entry_rcu(att, &domain->attachments, item) {
		if (!device_caches(att->device))
			continue;
		batch_aim(batch, att->device->unit);
		smmuv3_batch_atc(batch, att, start, last);
	}
}

/* All that they have cached, of every PASID: as many commands as there are streams. */
static void flush_devices_all(struct smmuv3_batch *batch,
			      struct smmuv3_domain *domain)
{
	struct attached_device *entry;
	unsigned int i;

	list_for_each_entry_rcu(entry, &domain->devices.list, item) {
		struct smmuv3_device *device = entry->device;

		if (!device_caches(device))
			continue;
		batch_aim(batch, device->unit);
		if (!batch_atc_device(batch, device))
			continue;
		for (i = 0; i < device->num_streams; i++)
			smmuv3_batch_atc_inv_all(batch, device->streams[i].sid);
	}
}

/**
 * smmuv3_domain_flush_ranges() - forget what was cached of several ranges
 * @domain: a paging domain
 * @ranges: the ranges, in bytes
 * @num: how many, at least 1
 * @granule: size of the leaves that changed
 * @leaf: only leaves changed, so that upper levels may stay cached
 *
 * What is nested over the domain is flushed whole: its caches are keyed by the
 * guest's addresses. Devices come after the unit's own caches, or they could fill
 * up again from what these still held (3.9.1). They are asked for more than the ranges
 * where that would be very many commands. Any context; spins until hardware is done.
 *
 * Return: 0; -ETIMEDOUT: a device did not answer, now or before, and is still let in:
 * who may sleep calls smmuv3_devices_settle() before the memory is given away.
 * -EIO: a unit did not do it, and maybe a device did not answer either.
 */
int smmuv3_domain_flush_ranges(struct smmuv3_domain *domain,
			       const struct iova_range *ranges,
			       unsigned int num, size_t granule, bool leaf)
{
	static const struct iova_range whole = { .last = ULONG_MAX };
	enum attached_flush plan;
	struct smmuv3_domain *child;
	DEFINE_SMMUV3_BATCH(batch, NULL);
	unsigned int i;

	/* Against smmuv3_attach(): the table was written before we look */
	smp_mb();

	rcu_read_lock();
	for (i = 0; i < num; i++)
		flush_tags(&batch, domain, ranges[i].start, ranges[i].last,
			   granule, leaf);
	/* All of it, once, has gone with its VMID */
	if (num > 1 || ranges[0].start || ranges[0].last != U64_MAX)
		flush_combined(&batch, domain);
	if (batch.unit)
		smmuv3_batch_barrier(&batch);
	plan = attached_flush_plan(&domain->devices, device_caches,
				   device_forgets_all, num);
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
	if (batch.unit)
		smmuv3_batch_submit(&batch);
	rcu_read_unlock();
	/* Of all submissions, on any unit */
	return batch.rc;
}

/**
 * smmuv3_domain_flush() - forget what was cached of a range
 * @domain: a paging domain
 * @start: first byte
 * @last: last byte
 * @granule: size of the leaves that changed
 * @leaf: only leaves changed, so that upper levels may stay cached
 *
 * Return: as smmuv3_domain_flush_ranges().
 */
int smmuv3_domain_flush(struct smmuv3_domain *domain, u64 start, u64 last,
			size_t granule, bool leaf)
{
	struct iova_range range = { .start = start, .last = last };

	return smmuv3_domain_flush_ranges(domain, &range, 1, granule, leaf);
}

/**
 * smmuv3_domain_flush_walks() - forget tables that are going to be freed
 * @domain: a paging domain
 * @start: first byte that they were for
 * @last: last byte
 * @granule: page size of the table
 *
 * Devices cache no tables, and pages that were in these are flushed by who has
 * unmapped them. Any context; spins until hardware is done.
 */
void smmuv3_domain_flush_walks(struct smmuv3_domain *domain, u64 start,
			       u64 last, size_t granule)
{
	DEFINE_SMMUV3_BATCH(batch, NULL);

	/* As in smmuv3_domain_flush() */
	smp_mb();
	rcu_read_lock();
	flush_tags(&batch, domain, start, last, granule, false);
	flush_combined(&batch, domain);
	if (batch.unit)
		smmuv3_batch_submit(&batch);
	rcu_read_unlock();
}

/* --- faults --- */

/* Under RCU, or smmuv3_unit::lock. */
static struct smmuv3_attachment *find_attachment(struct smmuv3_device *device,
						 ioasid_t pasid)
{
	struct smmuv3_attachment *att = xa_load(&device->attachments, pasid);

	if (att || pasid == IOMMU_NO_PASID)
		return att;
	/* A guest's table decides for all PASIDs */
	att = xa_load(&device->attachments, IOMMU_NO_PASID);
	return att && att->domain->kind == SMMUV3_DOMAIN_NESTED ? att : NULL;
}

static struct iommufd_event decode_event(const struct smmuv3_event *event)
{
	struct iommufd_event out = {
		.addr = event->addr,
		.perm = event->write ? IOMMU_PGFAULT_PERM_WRITE :
				       IOMMU_PGFAULT_PERM_READ,
		.reason = event->type,
	};

	if (event->ssid_valid) {
		out.pasid = event->ssid;
		out.flags = IOMMU_HWPT_EVENT_PASID_VALID;
	}
	if (event->execute)
		out.perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (event->privileged)
		out.perm |= IOMMU_PGFAULT_PERM_PRIV;
	return out;
}

/**
 * smmuv3_event_report() - a fault that nobody can answer
 * @unit: who says so
 * @event: the record, not of a stalled transaction
 *
 * Counted with the device, and told to who listens to what it is attached to; and
 * to the guest, whose own record it becomes. Any context.
 */
void smmuv3_event_report(struct smmuv3_unit *unit,
			 const struct smmuv3_event *event)
{
	ioasid_t pasid = event->ssid_valid ? event->ssid : IOMMU_NO_PASID;
	struct iommufd_event generic = decode_event(event);
	struct smmuv3_attachment *att;
	struct smmuv3_domain *domain;
	struct smmuv3_device *device;

	rcu_read_lock();
	device = smmuv3_device_find(unit, event->sid);
	if (!device)
		goto out;
	atomic64_inc(&device->faults);
	att = find_attachment(device, pasid);
	if (!att)
		goto out;
	domain = att->domain;
	iommufd_event_report(&domain->domain, device->dev, &generic);
	if (domain->kind == SMMUV3_DOMAIN_NESTED && domain->viommu)
		smmuv3_viommu_event(domain->viommu, device, event);
out:
	rcu_read_unlock();
}

/* --- the static domains --- */

/* Nothing of them is cached that could change: no flush, no list. */
static const struct iommu_domain_ops static_ops = {
	.attach_dev = smmuv3_attach_dev,
	.set_dev_pasid = smmuv3_set_dev_pasid,
};

struct smmuv3_domain smmuv3_blocked_domain = {
	.kind = SMMUV3_DOMAIN_BLOCKED,
	.domain = {
		.type = IOMMU_DOMAIN_BLOCKED,
		.ops = &static_ops,
	},
};

struct smmuv3_domain smmuv3_identity_domain = {
	.kind = SMMUV3_DOMAIN_IDENTITY,
	.domain = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.ops = &static_ops,
	},
};
