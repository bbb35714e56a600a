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

#include "device.h"
#include "tables.h"
#include "unit.h"

struct iommu_hwpt_arm_smmuv3;
struct iommufd_viommu;

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
 * @kind: constant
 * @lock: guards the lists for writing
 * @tags: &struct smmuv3_tag: the ASIDs or VMIDs it has, one on each unit
 * @attachments: &struct smmuv3_attachment
 * @children: (stage 2) nested domains over this
 * @unit: (stage 1, stage 2) the unit it was made for, and units like it
 * @pgtbl: (stage 1, stage 2) the table
 * @pgtbl_cfg: (stage 1, stage 2) what the table was made as
 * @nest_parent: (stage 2) may have children; constant
 * @fwb: (stage 2) written for S2FWB; constant
 * @parent: (nested) the stage 2; the holder of the nested domain keeps it
 * @child_item: (nested) in the parent's @children
 * @user: (nested) STE words 0 and 1, checked. Constant
 */
struct smmuv3_domain {
	struct iommu_domain domain;
	enum smmuv3_domain_kind kind;
	spinlock_t lock;		/* see above */
	struct list_head tags;
	struct list_head attachments;
	struct list_head children;
	union {
		struct {
			struct smmuv3_unit *unit;
			struct io_pgtable_ops *pgtbl;
			struct io_pgtable_cfg pgtbl_cfg;
			bool nest_parent;
			bool fwb;
		};
		struct {
			struct smmuv3_domain *parent;
			struct list_head child_item;
			u64 user[2];
		};
	};
};

/**
 * struct smmuv3_tag - the ASID or VMID a domain has on a unit
 * @item: in smmuv3_domain::tags
 * @rcu: for freeing
 * @unit: the unit
 * @id: ASID of a stage 1, VMID of a stage 2 domain
 * @users: attachments that use it, those of children too; guarded by
 *	smmuv3_unit::lock
 */
struct smmuv3_tag {
	struct list_head item;
	struct rcu_head rcu;
	struct smmuv3_unit *unit;
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

extern struct smmuv3_domain smmuv3_blocked_domain;
extern struct smmuv3_domain smmuv3_identity_domain;

struct smmuv3_domain *smmuv3_domain_alloc(enum smmuv3_domain_kind kind,
					  gfp_t gfp);
/* @flags: IOMMU_HWPT_ALLOC_*. ERR_PTR(-EOPNOTSUPP), ERR_PTR(-ENOMEM). */
struct smmuv3_domain *smmuv3_paging_alloc(struct smmuv3_unit *unit, u32 flags);
/* The parent of a nested domain, if it is fit to be one. */
struct smmuv3_domain *smmuv3_nest_parent(struct iommu_domain *domain);
struct smmuv3_domain *
smmuv3_nested_alloc(struct smmuv3_unit *unit, struct smmuv3_domain *parent,
		    const struct iommu_hwpt_arm_smmuv3 *user);

int smmuv3_attach(struct smmuv3_domain *domain, struct smmuv3_device *device,
		  ioasid_t pasid);
/* Cannot fail: every PASID of @device is blocked afterwards. */
void smmuv3_detach_all(struct smmuv3_device *device);
void smmuv3_detach(struct smmuv3_device *device, ioasid_t pasid);

/*
 * Flush [start, last] of a paging domain and everything nested over it, on all
 * units and devices. @granule: of the leaves; @leaf: only leaves changed. 0 or
 * -ETIMEDOUT. Any context.
 */
int smmuv3_domain_flush(struct smmuv3_domain *domain, u64 start, u64 last,
			size_t granule, bool leaf);

#endif
