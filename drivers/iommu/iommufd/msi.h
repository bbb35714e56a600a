/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Software-managed MSIs: where the doorbell of an interrupt controller is an address
 * like any other (Arm), it has to be mapped for whoever writes to it, and the device
 * has to be told at which IOVA. The interrupt code asks for it when an interrupt is
 * requested (iommu_dma_prepare_msi()), and the device keeps what it was told.
 *
 * A window is a range of IOVAs for doorbells. Each doorbell has one place in it, and is
 * mapped there in every table that a device of the window is attached to, so that what
 * a device was told holds wherever it goes. A window belongs to a context, a group has
 * one as long as any of its devices is bound.
 *
 * The base tree keeps the places of doorbells with a domain, and looks for them in the
 * domain that the iommu core has for a group. That is why the core does not see the
 * domain of a HWPT there, but a proxy that stands for it: it shares the places of the
 * window, and mapping a doorbell through it maps it in all tables. The IOMMU driver
 * sees the proxy never. A driver that asks the core what a device is attached to could
 * not do with that; so only those that iommufd_describer_register() knows have it, and
 * with others a doorbell has its place in one HWPT only.
 *
 * Lock order: iommufd_group::lock -> iommufd_ctx::msi_lock -> iova_space::lock; and,
 * after the locks of the interrupt code or iommufd_group::lock,
 * iommufd_msi_window::lock.
 */
#ifndef __IOMMUFD_MSI_H
#define __IOMMUFD_MSI_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct iommufd_call;
struct iommufd_ctx;
struct iommufd_group;
struct iommufd_hwpt;
struct iommufd_hwpt_paging;
struct iommufd_paging_facts;
struct iova_space;

/**
 * struct iommufd_msi_window - IOVAs for doorbells
 * @carrier: owns the places of doorbells (iommu_domain::iova_cookie); attached to
 *	nothing. Freeing it frees the window
 * @item: in iommufd_ctx::msi_windows
 * @users: groups that have it; guarded by iommufd_ctx::msi_lock
 * @start: first IOVA. Never changes
 * @last: last IOVA. Never changes
 * @lock: guards what follows
 * @doorbells: struct msi_doorbell, all that have a place
 * @num_doorbells: how many; read without @lock to be told
 * @tables: struct msi_table, where all of them are mapped
 */
struct iommufd_msi_window {
	struct iommu_domain carrier;
	struct list_head item;
	unsigned int users;
	u64 start;
	u64 last;

	struct mutex lock;	/* doorbells, tables */
	struct list_head doorbells;
	unsigned int num_doorbells;
	struct list_head tables;
};

/**
 * struct iommufd_msi_proxy - what the iommu core takes for a group's domain
 * @domain: that
 * @real: what it stands for; NULL: nothing, DMA is blocked. Changes only while the
 *	core has another
 * @window: of the group
 */
struct iommufd_msi_proxy {
	struct iommu_domain domain;
	struct iommu_domain *real;
	struct iommufd_msi_window *window;
};

/**
 * struct iommufd_group_msi - the MSIs of a group
 * @window: chosen, or NULL. With neither @set nor @used nor @lists, for an attempt to
 *	attach that may have failed: it may be another next time
 * @set: user space has chosen it; fdinfo reads it without a lock
 * @used: devices have been told addresses in it, or a HWPT for a list of devices keeps
 *	it free for them: it stays
 * @lists: HWPTs for lists that are being made, and count on @window. It is not chosen
 *	anew, set elsewhere or forgotten meanwhile
 * @proxies: those the core has in turn, from the first attach until none of the group's
 *	devices is bound
 * @start: of @window once it is @set or @used, for fdinfo to read without a lock
 * @last: likewise; 0: not chosen
 *
 * All guarded by iommufd_group::lock. What the interrupt code may still be looking at
 * is there until the group is gone, when its devices have no interrupts.
 */
struct iommufd_group_msi {
	struct iommufd_msi_window *window;
	bool set;
	bool used;
	unsigned int lists;
	struct iommufd_msi_proxy proxies[2];
	u64 start;
	u64 last;
};

/* msi.c: windows, and what the iommu core has for a group */
struct iommufd_msi_window *
iommufd_msi_window_get(struct iommufd_ctx *ictx, u64 start, u64 last,
		       const struct iommufd_msi_window *leaving);
void iommufd_msi_window_put(struct iommufd_ctx *ictx,
			    struct iommufd_msi_window *window);
bool iommufd_msi_can_proxy(struct device *dev);
bool iommufd_msi_has_proxy(const struct iommufd_group *group,
			   struct device *dev);
int iommufd_msi_attach(struct iommufd_group *group, struct device *dev,
		       struct iommufd_hwpt *hwpt);
void iommufd_msi_detach(struct iommufd_group *group, struct device *dev);
void iommufd_msi_release(struct iommufd_group *group);
/* With CONFIG_IOMMUFD_TEST only */
struct iommu_domain *iommufd_msi_real_domain(struct iommu_domain *domain);

/* msi_early.c: interrupts that were enabled before */
#if IS_BUILTIN(CONFIG_IOMMUFD)
int iommufd_msi_tell_again(struct device *dev, void *unused);
#else
static inline int iommufd_msi_tell_again(struct device *dev, void *unused)
{
	return 0;
}
#endif

/* msi_window.c: where it is */
int iommufd_msi_reserve(struct iommufd_group *group, struct iova_space *space,
			const struct iommu_domain *table, u64 start, u64 last,
			const void *owner);
int iommufd_msi_check_table(const struct iommufd_group *group,
			    const struct iommu_domain *table);
int iommufd_msi_tell(struct iommufd_group *group,
		     const struct iommufd_paging_facts *facts, u64 *start,
		     u64 *last);
void iommufd_msi_note_used(struct iommufd_group *group);
void iommufd_msi_forget(struct iommufd_group *group);
void iommufd_msi_list_begin(struct iommufd_group *group);
void iommufd_msi_list_end(struct iommufd_group *group, bool made);
bool iommufd_msi_is_fixed(const struct iommufd_group *group);
int iommufd_device_msi_window_ioctl(struct iommufd_call *call);

#endif
