/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which devices a domain has, whatever number of their PASIDs: for the IOMMU drivers,
 * whose flushes must not take as long as there are PASIDs.
 */
#ifndef __IOMMUFD_ATTACHED_H
#define __IOMMUFD_ATTACHED_H

#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * What one flush asks of the caches in devices at most, where it need not: beyond it,
 * fewer and larger requests. Each may cross PCIe and come back, and is waited for with
 * interrupts, or at least the grace periods of RCU, held off. It is more where there are
 * more PASIDs than that, and a function that does not forget all of them at once: one
 * for each.
 */
#define ATTACHED_FLUSH_MAX	256

/* Of PCI_ATS_CAP: Global Invalidate Supported. The base tree has no name for it. */
#define IOMMUFD_ATS_CAP_GLOBAL	BIT(6)

/**
 * struct attached_devices - the devices of a domain
 * @lock: guards @list for writing
 * @list: &struct attached_device; read under RCU
 */
struct attached_devices {
	spinlock_t lock;		/* see above */
	struct list_head list;
};

/**
 * struct attached_device - one of them
 * @item: in attached_devices::list
 * @rcu: for freeing
 * @device: the driver's; stays as long as this
 * @num: attachments that it has there; written under attached_devices::lock
 */
struct attached_device {
	struct list_head item;
	struct rcu_head rcu;
	void *device;
	unsigned int num;
};

void attached_init(struct attached_devices *devices);
/*
 * One attachment more, before hardware is told of it: 0 or -ENOMEM. And one less, when
 * hardware has forgotten it.
 */
int attached_get(struct attached_devices *devices, void *device);
void attached_put(struct attached_devices *devices, void *device);

/*
 * The iommu core takes no for an answer where user space asks, not for its own: who
 * attaches these has to wait.
 */
static inline bool attached_is_default(const struct iommu_domain *domain)
{
	return domain->type == IOMMU_DOMAIN_IDENTITY ||
	       domain->type & __IOMMU_DOMAIN_DMA_API;
}

/**
 * enum attached_flush - what a flush asks of devices
 * @ATTACHED_FLUSH_RANGES: each range, of each attachment
 * @ATTACHED_FLUSH_WHOLE: each attachment, all addresses
 * @ATTACHED_FLUSH_DEVICES: each device, all that it has cached
 */
enum attached_flush {
	ATTACHED_FLUSH_RANGES,
	ATTACHED_FLUSH_WHOLE,
	ATTACHED_FLUSH_DEVICES,
};

enum attached_flush attached_flush_plan(struct attached_devices *devices,
					bool (*caches)(void *device),
					bool (*forgets_all)(void *device),
					unsigned int ranges);

#endif
