/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains: what a device's requests go through, who is attached, and flushing
 * all of them.
 *
 * A domain's lists are written under smmuv3_domain::lock and read under RCU, so
 * that an unmap in any context finds everybody. An attachment is in the lists
 * before the hardware knows of it, and until the hardware has forgotten.
 */
#ifndef __IOMMUFD_SMMUV3_DOMAIN_H
#define __IOMMUFD_SMMUV3_DOMAIN_H

#include <linux/io-pgtable.h>
#include <linux/iommu.h>
#include <linux/spinlock.h>

#include "../attached.h"
#include "../map/quarantine.h"
#include "../map/iova_space.h"
#include "device.h"
#include "tables.h"
#include "unit.h"

struct iommu_hwpt_arm_smmuv3;
struct smmuv3_viommu;

/**
 * enum smmuv3_domain_kind - what a domain is
 * @SMMUV3_DOMAIN_BLOCKED: static; nothing gets through
 * @SMMUV3_DOMAIN_IDENTITY: static; addresses are physical
 * @SMMUV3_DOMAIN_STAGE1: a stage 1 table that the kernel fills
 * @SMMUV3_DOMAIN_STAGE2: a stage 2 table that the kernel fills
 * @SMMUV3_DOMAIN_NESTED: a user's STE over a stage 2
 */
enum smmuv3_domain_kind {
	SMMUV3_DOMAIN_BLOCKED,
	SMMUV3_DOMAIN_IDENTITY,
	SMMUV3_DOMAIN_STAGE1,
	SMMUV3_DOMAIN_STAGE2,
	SMMUV3_DOMAIN_NESTED,
};

/**
 * struct smmuv3_domain - a domain
 * @domain: what the iommu core knows
 * @rcu: for freeing: whoever finds an attachment may look at its domain
 * @kind: constant
 * @lock: guards the lists for writing
 * @tags: &struct smmuv3_tag: the ASIDs or VMIDs it has: one on each unit, and one
 *	more for each vIOMMU over it
 * @attachments: &struct smmuv3_attachment
 * @devices: those with @attachments, and of stage 2 those of @children too
 * @children: (stage 2) nested domains over this
 * @unit: (stage 1, stage 2) the unit it was made for, and units like it
 * @pgtbl: (stage 1, stage 2) the table
 * @pgtbl_cfg: (stage 1, stage 2) what the table was made as
 * @holds_unit: (stage 1, stage 2) user space made it: it holds @unit. Constant
 * @nest_parent: (stage 2) may have children; constant
 * @fwb: (stage 2) written for S2FWB; constant
 * @dirty_tracking: (stage 1) user space reads dirty pages
 * @keep_tables: (stage 1, stage 2) it goes while a unit owes invalidations of it
 * @parent: (nested) the stage 2; the holder of the nested domain keeps it
 * @child_item: (nested) in the parent's @children
 * @user_unit: (nested) whose devices can be attached; holds it. Constant
 * @viommu: (nested) that it was made through, or NULL; it goes after the domain.
 *	Constant
 * @user: (nested) STE words 0 and 1, checked, without S1STALLD and EATS. Constant
 * @user_ats: (nested) the user wants ATS (EATS). Constant
 * @user_pasids: (nested) the user's table has context descriptors for PASIDs. Constant
 * @user_stall: (nested) the user lets transactions stall (S1STALLD is 0). Constant
 */
struct smmuv3_domain {
	struct iommu_domain domain;
	struct rcu_head rcu;
	enum smmuv3_domain_kind kind;
	spinlock_t lock;		/* see above */
	struct list_head tags;
	struct list_head attachments;
	struct attached_devices devices;
	struct list_head children;
	union {
		struct {
			struct smmuv3_unit *unit;
			struct io_pgtable_ops *pgtbl;
			struct io_pgtable_cfg pgtbl_cfg;
			bool holds_unit;
			bool nest_parent;
			bool fwb;
			bool dirty_tracking;
			bool keep_tables;
		};
		struct {
			struct smmuv3_domain *parent;
			struct list_head child_item;
			struct smmuv3_unit *user_unit;
			struct smmuv3_viommu *viommu;
			u64 user[2];
			bool user_ats;
			bool user_pasids;
			bool user_stall;
		};
	};
};

/**
 * struct smmuv3_tag - the ASID or VMID a domain has on a unit
 * @item: in smmuv3_domain::tags, as long as the unit may have something cached with it
 * @rcu: for freeing
 * @kept: in the quarantine, if @is_kept: without users, as long as the unit owes
 *	invalidations
 * @is_kept: guarded by smmuv3_unit::lock
 * @domain: whose tag it is; NULL: the domain has gone before. Guarded by
 *	tag_owner_lock (domain.c)
 * @pool: where @id comes from. Constant
 * @unit: the unit
 * @viommu: the only one that uses it, with the domains nested through it; NULL: for
 *	all others of the unit. Constant as long as there are users
 * @id: ASID of a stage 1, VMID of a stage 2 domain
 * @users: attachments that use it, those of children too, and @viommu; guarded by
 *	smmuv3_unit::lock
 */
struct smmuv3_tag {
	struct list_head item;
	struct rcu_head rcu;
	struct map_quarantine_item kept;
	bool is_kept;
	struct smmuv3_domain *domain;
	struct tag_ids *pool;
	struct smmuv3_unit *unit;
	struct smmuv3_viommu *viommu;
	u16 id;
	unsigned int users;
};

/**
 * struct smmuv3_attachment - (device, PASID) on a domain
 * @item: in smmuv3_domain::attachments
 * @rcu: for freeing
 * @domain: the domain
 * @device: the device
 * @pasid: IOMMU_NO_PASID for requests without PASID
 * @tag: of the domain, or of the parent of a nested one, on the device's unit; NULL
 *	if blocked or identity
 */
struct smmuv3_attachment {
	struct list_head item;
	struct rcu_head rcu;
	struct smmuv3_domain *domain;
	struct smmuv3_device *device;
	ioasid_t pasid;
	struct smmuv3_tag *tag;
};

static inline struct smmuv3_domain *
to_smmuv3_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct smmuv3_domain, domain);
}

/* Where the tags are, and the table that translates to physical addresses. */
static inline struct smmuv3_domain *
smmuv3_domain_bottom(struct smmuv3_domain *domain)
{
	return domain->kind == SMMUV3_DOMAIN_NESTED ? domain->parent : domain;
}

/* Does @device have something cached that has to be flushed? Any context. */
static inline bool smmuv3_device_has_atc(const struct smmuv3_device *device)
{
	return READ_ONCE(device->ats) && !READ_ONCE(device->suspect);
}

/* --- domain.c --- */

extern struct smmuv3_domain smmuv3_blocked_domain;
extern struct smmuv3_domain smmuv3_identity_domain;

struct smmuv3_domain *smmuv3_domain_alloc(enum smmuv3_domain_kind kind,
					  gfp_t gfp);

/*
 * get   the tag that @domain, or what is nested over it through @viommu if that is
 *       not NULL, has on @unit: made if there is none. ERR_PTR(-ENOMEM), (-ENOSPC)
 * put   the last one flushes what is cached with it and gives the id back; true: not
 *       yet, it is kept from now on
 * Both with smmuv3_unit::lock held; @domain has a table of its own.
 */
struct smmuv3_tag *smmuv3_tag_get(struct smmuv3_domain *domain,
				  struct smmuv3_unit *unit,
				  struct smmuv3_viommu *viommu,
				  enum tag_ids_claim claim);
bool smmuv3_tag_put(struct smmuv3_domain *domain, struct smmuv3_tag *tag);
/* @domain goes: what is still kept of its tags does without it. */
void smmuv3_tags_abandon(struct smmuv3_domain *domain);
/* May a unit still reach what was unmapped from @domain? Any context. */
bool smmuv3_domain_owed(struct smmuv3_domain *domain);
/* Free pages of a table of @domain, as soon as no unit can read them. Any context. */
void smmuv3_domain_free_table(struct smmuv3_domain *domain, void *table,
			      unsigned int order);

/*
 * Flush [start, last] of a paging domain and everything nested over it, on all
 * units and devices. @granule: of the leaves; @leaf: only leaves changed. 0 or
 * -ETIMEDOUT. Any context.
 */
int smmuv3_domain_flush(struct smmuv3_domain *domain, u64 start, u64 last,
			size_t granule, bool leaf);
/* The same for @num ranges, at least one, in as few submissions as they take. */
int smmuv3_domain_flush_ranges(struct smmuv3_domain *domain,
			       const struct iova_range *ranges,
			       unsigned int num, size_t granule, bool leaf);
/*
 * The same for the unit's caches alone: tables of [start, last] go away, in which
 * no page was mapped that a device may still have cached. Any context.
 */
void smmuv3_domain_flush_walks(struct smmuv3_domain *domain, u64 start,
			       u64 last, size_t granule);
/* Everything that @device has cached of @pasid; of a RID that owns the PASIDs, all. */
void smmuv3_batch_atc(struct smmuv3_batch *batch,
		      const struct smmuv3_attachment *att, u64 start, u64 last);

/* --- attach.c --- */

/**
 * struct smmuv3_combination - what a device's stream table entry has to be
 * @type: type
 * @no_pasid: (stage 1)
 */
struct smmuv3_combination {
	enum smmuv3_stream_type type;
	enum smmuv3_no_pasid no_pasid;
};

/*
 * What it takes that requests without PASID go through a domain of kind @rid while
 * @pasids says whether PASIDs have domains of their own, and @keep_ats that a
 * bypass must not take translation requests away. -EBUSY: they exclude each other.
 */
int smmuv3_combine(enum smmuv3_domain_kind rid, bool pasids, bool keep_ats,
		   struct smmuv3_combination *combination);

int smmuv3_attach(struct smmuv3_domain *domain, struct smmuv3_device *device,
		  ioasid_t pasid);
/* Cannot fail: every PASID of @device is blocked afterwards. */
void smmuv3_detach_all(struct smmuv3_device *device);
void smmuv3_detach(struct smmuv3_device *device, ioasid_t pasid);
/* Wait until a new owner of @device can attach it. May sleep. */
void smmuv3_attach_settle(struct smmuv3_device *device);
/* smmuv3_device::suspect was set: translated requests end. May sleep. */
void smmuv3_attach_without_ats(struct smmuv3_device *device);
/* The same with smmuv3_unit::lock held. */
void smmuv3_shut_out_locked(struct smmuv3_device *device);
/* &iommu_domain_ops.attach_dev and set_dev_pasid of every domain. */
int smmuv3_attach_dev(struct iommu_domain *domain, struct device *dev);
int smmuv3_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			 ioasid_t pasid, struct iommu_domain *old);

/* --- paging.c --- */

/* @flags: IOMMU_HWPT_ALLOC_*. ERR_PTR(-EOPNOTSUPP), ERR_PTR(-ENOMEM). */
struct smmuv3_domain *smmuv3_paging_alloc(struct smmuv3_unit *unit, u32 flags);
struct smmuv3_domain *smmuv3_paging_alloc_caps(struct smmuv3_unit *unit,
					       const struct smmuv3_caps *caps,
					       u32 flags);
/* What it makes for a unit. */
bool smmuv3_paging_offered(const struct smmuv3_caps *caps, u32 flags);
unsigned long smmuv3_paging_page_sizes(const struct smmuv3_caps *caps);
/* Can domains with dirty tracking be made? */
bool smmuv3_can_track_dirty(const struct smmuv3_caps *caps);
/* Can the table be used by a unit? */
bool smmuv3_paging_suits(struct smmuv3_domain *domain,
			 const struct smmuv3_caps *caps);
void smmuv3_paging_context(struct smmuv3_domain *domain,
			   struct smmuv3_context_target *target);
void smmuv3_paging_stage2(struct smmuv3_domain *domain,
			  struct smmuv3_stage2 *target);
/* The parent of a nested domain, if it is fit to be one. */
struct smmuv3_domain *smmuv3_nest_parent(struct iommu_domain *domain);

/* --- dirty.c --- */

void smmuv3_read_dirty(struct smmuv3_domain *domain, u64 iova, u64 size,
		       unsigned long flags, struct iommu_dirty_bitmap *dirty);

/* --- stage2.c --- */

/**
 * struct smmuv3_stage2_shape - how a table is walked
 * @start: first level
 * @root_bits: address bits that its tables, side by side, take
 */
struct smmuv3_stage2_shape {
	unsigned int start;
	unsigned int root_bits;
};

void smmuv3_stage2_shape(unsigned int page_shift, unsigned int ias,
			 struct smmuv3_stage2_shape *shape);
bool smmuv3_stage2_possible(const struct smmuv3_caps *caps);
struct io_pgtable_ops *smmuv3_stage2_alloc(struct smmuv3_domain *domain,
					   struct io_pgtable_cfg *cfg);
void smmuv3_stage2_free(struct io_pgtable_ops *ops);

/* --- nested.c --- */

/**
 * struct smmuv3_user_ste - a user's STE, checked
 * @words: words 0 and 1, without what the other members say
 * @ats: EATS
 * @stall: S1STALLD is 0
 */
struct smmuv3_user_ste {
	u64 words[2];
	bool ats;
	bool stall;
};

/* @last: of the parent's addresses. 0 or -EIO. */
int smmuv3_user_ste_check(const struct smmuv3_caps *caps, u64 last,
			  const struct iommu_hwpt_arm_smmuv3 *user,
			  struct smmuv3_user_ste *ste);
/* May a user's tables say how memory is accessed? 0 or -EOPNOTSUPP. */
bool smmuv3_nest_possible(const struct smmuv3_unit *unit);
int smmuv3_nest_allowed(const struct smmuv3_unit *unit,
			const struct smmuv3_domain *parent);
struct smmuv3_domain *smmuv3_nested_new(struct smmuv3_unit *unit,
					struct smmuv3_domain *parent,
					struct smmuv3_viommu *viommu,
					const struct smmuv3_user_ste *ste);
struct smmuv3_domain *
smmuv3_nested_alloc(struct smmuv3_unit *unit, struct smmuv3_domain *parent,
		    struct smmuv3_viommu *viommu,
		    const struct iommu_user_data *data);

#endif
