/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI function behind a unit. */
#ifndef __IOMMUFD_VTD_DEVICE_H
#define __IOMMUFD_VTD_DEVICE_H

#include <linux/pci.h>
#include <linux/workqueue.h>

#include "tables.h"
#include "unit.h"

/* Requester ids that a function can appear under: its own, and aliases. */
#define VTD_ALIASES_MAX		4

/**
 * struct vtd_device - a PCI function
 * @dev: the device; it holds us as its dev_iommu_priv
 * @pdev: the same
 * @unit: in front of it; constant
 * @rids: requester ids, its own first; constant
 * @num_rids: how many
 * @pfsid: requester id of the physical function, for the throttling of device-TLB
 *	invalidations (6.5.2.5); its own if it is no virtual function
 * @max_pasids: PASIDs 0 to this less 1 can be used; 1 without PASID
 * @ats_qdep: invalidations the function can queue, 1 to 32; a virtual one's are in the
 *	queue of its physical one
 * @ats_twice: it may say that an invalidation is complete too early, but not of the second
 *	of two; constant
 * @suspect: it did not answer an invalidation: its context entries have no ATS
 *	any more. Only ever set
 * @ats_global: the function obeys a global invalidation, of all PASIDs; constant
 * @ats: ATS is on, the device may have translations cached. Written under
 *	vtd_unit::lock, read anywhere
 * @pri: page requests are on. As @ats
 * @pri_kin: they are on for a function of the interface that this one has, or shares, so
 *	that its context entries let them in. Under vtd_unit::lock
 * @pri_open: they are handed to the fault door; else refused at once. Longer on than
 *	@pri: what came before that was switched off is handed over. Guarded by the lock
 *	of the page request queue (prq.c)
 * @prg_pasid: responses to its page requests with PASID have to carry it; constant
 * @pasid_enabled: the PASID capability is on; constant after probe
 * @kept_tags: domain ids that it left while a unit owed something, and that are kept,
 *	up to TAG_IDS_OWN_MAX. Under vtd_unit::lock
 * @late: the unit did not carry out what it was told of the device, or owed something
 *	when that came, and has not been made to forget everything since. Means nothing
 *	if the unit owes nothing. Written under vtd_unit::context_lock, read anywhere
 * @pasid_dir: PASID directory (9.5), and
 * @pasid_dir_order: its size in pages, as an order; constant
 * @pasid_spare: what a PASID table is copied to, NULL until there is one. Under
 *	vtd_unit::lock
 * @attachments: &struct vtd_attachment by PASID, IOMMU_NO_PASID for requests
 *	without one. Written under vtd_unit::lock, read under RCU
 * @source: in the fault door, NULL if it cannot send page requests, or is about
 *	to go. Read under RCU by who does not keep the device
 * @distrust_work: calls vtd_device_distrust() for those who cannot sleep
 * @faults: unrecoverable faults seen
 */
struct vtd_device {
	struct device *dev;
	struct pci_dev *pdev;
	struct vtd_unit *unit;
	u16 rids[VTD_ALIASES_MAX];
	unsigned int num_rids;
	u16 pfsid;
	u32 max_pasids;
	u8 ats_qdep;
	bool ats_twice;
	bool ats_global;
	bool suspect;
	bool ats;
	bool pri;
	bool pri_kin;
	bool pri_open;
	bool prg_pasid;
	bool pasid_enabled;
	u8 kept_tags;
	bool late;
	u64 *pasid_dir;
	unsigned int pasid_dir_order;
	struct vtd_pasid_entry *pasid_spare;
	struct xarray attachments;
	struct iommufd_fault_source *source;
	struct work_struct distrust_work;
	atomic64_t faults;
};

static inline u16 vtd_device_rid(const struct vtd_device *device)
{
	return device->rids[0];
}

struct vtd_device *vtd_device_add(struct pci_dev *pdev, struct vtd_unit *unit);
void vtd_device_remove(struct vtd_device *device);
void vtd_device_distrust(struct vtd_device *device);
/* What vtd_device::ats_qdep and ats_twice are. */
u8 vtd_device_queue_depth(struct pci_dev *pdev);
bool vtd_device_is_hasty(const struct pci_dev *pdev);

#endif
