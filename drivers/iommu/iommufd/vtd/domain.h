/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains: what a device's requests go through, who is attached, and flushing
 * all of them.
 *
 * A domain's lists are written under vtd_domain::lock and read under RCU, so
 * that an unmap in any context finds everybody. An attachment is in the lists
 * before the hardware knows of it, and until the hardware has forgotten.
 */
#ifndef __IOMMUFD_VTD_DOMAIN_H
#define __IOMMUFD_VTD_DOMAIN_H

#include <linux/iommu.h>
#include <linux/spinlock.h>

#include "../attached.h"
#include "../map/quarantine.h"
#include "../map/iova_space.h"
#include "device.h"
#include "second_stage.h"
#include "tables.h"
#include "unit.h"

struct iommu_hwpt_vtd_s1;

/**
 * enum vtd_domain_kind - what a domain is
 * @VTD_DOMAIN_BLOCKED: static; nothing gets through
 * @VTD_DOMAIN_IDENTITY: static; addresses are physical
 * @VTD_DOMAIN_PAGING: a second stage that the kernel fills
 * @VTD_DOMAIN_NESTED: a user's first stage over a paging domain
 */
enum vtd_domain_kind {
	VTD_DOMAIN_BLOCKED,
	VTD_DOMAIN_IDENTITY,
	VTD_DOMAIN_PAGING,
	VTD_DOMAIN_NESTED,
};

/**
 * struct vtd_domain - a domain
 * @domain: what the iommu core knows
 * @kind: constant
 * @lock: guards the lists for writing
 * @tags: &struct vtd_tag: the domain ids it has, one on each unit
 * @attachments: &struct vtd_attachment
 * @devices: those with @attachments, and of a paging domain those of @children too
 * @children: (paging) nested domains over this
 * @ss: (paging) the table
 * @unit: (paging) the unit it was made for; a unit that walks without snooping
 *	is the only one that can use it
 * @holds_unit: (paging) user space made it: it holds @unit. Constant
 * @needs_sync_map: (paging) new mappings have to be flushed: an attached unit has
 *	caching mode or a write buffer. Only ever set
 * @snoop: (paging) DMA is forced to snoop. Only ever set, before it is attached
 * @nest_parent: (paging) may have children; constant
 * @rw_only: (paging) takes no read-only mappings, for vtd_unit::rw_parents; constant
 * @dirty_tracking: (paging) attachments have dirty bits on. Written under
 *	vtd_units_lock(), read under vtd_unit::lock by who attaches, else anywhere
 * @parent: (nested) the second stage; the holder of the nested domain keeps it
 * @child_item: (nested) in the parent's @children
 * @rcu: (nested) for freeing
 * @first: (nested) the first stage; did and the second stage are filled in for
 *	each attachment. Constant
 */
struct vtd_domain {
	struct iommu_domain domain;
	enum vtd_domain_kind kind;
	spinlock_t lock;
	struct list_head tags;
	struct list_head attachments;
	struct attached_devices devices;
	struct list_head children;
	union {
		struct {
			struct vtd_ss ss;
			struct vtd_unit *unit;
			bool holds_unit;
			bool needs_sync_map;
			bool snoop;
			bool nest_parent;
			bool rw_only;
			bool dirty_tracking;
		};
		struct {
			struct vtd_domain *parent;
			struct list_head child_item;
			struct rcu_head rcu;
			struct vtd_target first;
		};
	};
};

/**
 * struct vtd_tag - the domain id a domain has on a unit
 * @item: in vtd_domain::tags
 * @rcu: for freeing
 * @unit: the unit
 * @did: the domain id
 * @users: attachments that use it; guarded by vtd_unit::lock
 * @kept: in the quarantine, when it has no user and no domain any more
 */
struct vtd_tag {
	struct list_head item;
	struct rcu_head rcu;
	struct vtd_unit *unit;
	u16 did;
	unsigned int users;
	struct map_quarantine_item kept;
};

/**
 * struct vtd_attachment - (device, PASID) on a domain
 * @item: in vtd_domain::attachments
 * @rcu: for freeing
 * @domain: the domain
 * @device: the device
 * @pasid: IOMMU_NO_PASID for requests without PASID
 * @tag: of the domain on the device's unit; NULL if blocked or identity
 */
struct vtd_attachment {
	struct list_head item;
	struct rcu_head rcu;
	struct vtd_domain *domain;
	struct vtd_device *device;
	ioasid_t pasid;
	struct vtd_tag *tag;
};

static inline struct vtd_domain *to_vtd_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct vtd_domain, domain);
}

extern struct vtd_domain vtd_blocked_domain;
extern struct vtd_domain vtd_identity_domain;

struct vtd_domain *vtd_domain_alloc(enum vtd_domain_kind kind, gfp_t gfp);
/* @flags: IOMMU_HWPT_ALLOC_*. ERR_PTR(-EOPNOTSUPP), ERR_PTR(-ENOMEM). */
struct vtd_domain *vtd_paging_alloc(struct vtd_unit *unit, int nid, u32 flags);
struct vtd_domain *vtd_paging_alloc_caps(struct vtd_unit *unit,
					 const struct vtd_caps *caps, int nid,
					 u32 flags);
bool vtd_paging_alike(const struct vtd_domain *domain,
		      const struct vtd_unit *unit);
/* What it makes for a unit. */
bool vtd_paging_offered(const struct vtd_caps *caps, u32 flags);
u8 vtd_paging_levels(const struct vtd_caps *caps);
u64 vtd_paging_page_sizes(const struct vtd_caps *caps);
/* The parent of a nested domain, if it is fit to be one. */
struct vtd_domain *vtd_nest_parent(struct iommu_domain *domain);
struct vtd_domain *vtd_nested_alloc(struct vtd_unit *unit,
				    struct vtd_domain *parent,
				    const struct iommu_hwpt_vtd_s1 *s1);

int vtd_attach(struct vtd_domain *domain, struct vtd_device *device,
	       ioasid_t pasid);
/* Cannot fail: every PASID of @device is blocked afterwards. */
void vtd_detach_all(struct vtd_device *device);
void vtd_detach(struct vtd_device *device, ioasid_t pasid);
/* Wait, though not for ever, until nothing of @device could be -EBUSY. May sleep. */
void vtd_attach_settle(struct vtd_device *device);
int vtd_attach_dev(struct iommu_domain *domain, struct device *dev);

/*
 * Flush [start, last] of a paging domain and everything nested over it, on all
 * units and devices. @leaf: only leaves changed. 0 or -ETIMEDOUT.
 */
int vtd_domain_flush(struct vtd_domain *domain, u64 start, u64 last, bool leaf);
/* The same for @num ranges, at least one, in as few submissions as they take. */
int vtd_domain_flush_ranges(struct vtd_domain *domain,
			    const struct iova_range *ranges, unsigned int num,
			    bool leaf);
void vtd_domain_distrust(struct vtd_domain *domain);

bool vtd_device_forgets_all(void *device);

#endif
