// SPDX-License-Identifier: GPL-2.0-only
/* Windows for doorbells, and what the iommu core has for their groups: see msi.h. */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "describe.h"
#include "device.h"
#include "failpoint.h"
#include "msi.h"
#include "trace.h"

/**
 * struct msi_doorbell - a page that devices write MSIs to
 * @item: in iommufd_msi_window::doorbells
 * @iova: its place
 * @paddr: where it is
 * @prot: for iommu_map()
 */
struct msi_doorbell {
	struct list_head item;
	unsigned long iova;
	phys_addr_t paddr;
	int prot;
};

/**
 * struct msi_table - a HWPT that all doorbells of a window are mapped in
 * @item: in iommufd_msi_window::tables
 * @paging: its attachments keep it
 * @users: groups of the window whose devices it translates in the end
 */
struct msi_table {
	struct list_head item;
	struct iommufd_hwpt_paging *paging;
	unsigned int users;
};

static struct iommufd_msi_window *to_window(struct iommu_domain *carrier)
{
	return container_of(carrier, struct iommufd_msi_window, carrier);
}

/* The places have gone with the carrier's cookie, just before. */
static void carrier_free(struct iommu_domain *carrier)
{
	struct iommufd_msi_window *window = to_window(carrier);
	struct msi_doorbell *doorbell, *tmp;

	WARN_ON(!list_empty(&window->tables));
	list_for_each_entry_safe(doorbell, tmp, &window->doorbells, item)
		kfree(doorbell);
	mutex_destroy(&window->lock);
	kfree(window);
}

static const struct iommu_domain_ops carrier_ops = {
	.free = carrier_free,
};

static struct iommufd_msi_window *window_new(u64 start, u64 last)
{
	struct iommufd_msi_window *window;
	int rc;

	window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	if (!window)
		return ERR_PTR(-ENOMEM);
	window->carrier.type = IOMMU_DOMAIN_UNMANAGED;
	window->carrier.ops = &carrier_ops;
	window->users = 1;
	window->start = start;
	window->last = last;
	mutex_init(&window->lock);
	INIT_LIST_HEAD(&window->doorbells);
	INIT_LIST_HEAD(&window->tables);
	rc = iommu_get_msi_cookie(&window->carrier, start);
	if (rc) {
		iommu_domain_free(&window->carrier);
		return ERR_PTR(rc);
	}
	return window;
}

/**
 * iommufd_msi_window_get() - find or make a window
 * @ictx: whose; its msi_lock is held
 * @start: first IOVA
 * @last: last IOVA
 * @leaving: one that the caller is going to put if this succeeds, or NULL
 *
 * Return: the window, for iommufd_msi_window_put(); ERR_PTR(-EADDRINUSE): another one
 * has some of it; -ENOMEM.
 */
struct iommufd_msi_window *
iommufd_msi_window_get(struct iommufd_ctx *ictx, u64 start, u64 last,
		       const struct iommufd_msi_window *leaving)
{
	struct iommufd_msi_window *window;

	lockdep_assert_held(&ictx->msi_lock);
	list_for_each_entry(window, &ictx->msi_windows, item) {
		if (window->start == start && window->last == last) {
			window->users++;
			return window;
		}
		/* It goes with its last user */
		if (window == leaving && window->users == 1)
			continue;
		if (start <= window->last && window->start <= last)
			return ERR_PTR(-EADDRINUSE);
	}
	window = window_new(start, last);
	if (!IS_ERR(window))
		list_add_tail(&window->item, &ictx->msi_windows);
	return window;
}

/**
 * iommufd_msi_window_put() - undo iommufd_msi_window_get()
 * @ictx: whose; its msi_lock is held
 * @window: may be gone when this returns
 */
void iommufd_msi_window_put(struct iommufd_ctx *ictx,
			    struct iommufd_msi_window *window)
{
	lockdep_assert_held(&ictx->msi_lock);
	if (--window->users)
		return;
	list_del(&window->item);
	iommu_domain_free(&window->carrier);
}

/* --- doorbells in tables --- */

static int map_doorbell(const struct msi_table *table,
			const struct msi_doorbell *doorbell)
{
	if (iommufd_should_fail())
		return -ENOMEM;
	return iommu_map(table->paging->hwpt.domain, doorbell->iova,
			 doorbell->paddr, PAGE_SIZE, doorbell->prot,
			 GFP_KERNEL_ACCOUNT);
}

static void unmap_doorbell(const struct msi_table *table,
			   const struct msi_doorbell *doorbell)
{
	WARN_ON(iommu_unmap(table->paging->hwpt.domain, doorbell->iova,
			    PAGE_SIZE) != PAGE_SIZE);
}

/* Those before @end, or all if it is NULL. */
static void unmap_doorbells(struct iommufd_msi_window *window,
			    const struct msi_table *table,
			    const struct msi_doorbell *end)
{
	struct msi_doorbell *doorbell;

	list_for_each_entry(doorbell, &window->doorbells, item) {
		if (doorbell == end)
			break;
		unmap_doorbell(table, doorbell);
	}
}

static struct msi_table *find_table(struct iommufd_msi_window *window,
				    struct iommufd_hwpt_paging *paging)
{
	struct msi_table *table;

	lockdep_assert_held(&window->lock);
	list_for_each_entry(table, &window->tables, item)
		if (table->paging == paging)
			return table;
	return NULL;
}

/* @paging gets the doorbells there are, and those to come, for one more group. */
static int table_get(struct iommufd_msi_window *window,
		     struct iommufd_hwpt_paging *paging)
{
	struct msi_doorbell *doorbell;
	struct msi_table *table;
	int rc;

	guard(mutex)(&window->lock);
	table = find_table(window, paging);
	if (table) {
		table->users++;
		return 0;
	}
	table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	table->paging = paging;
	table->users = 1;
	list_for_each_entry(doorbell, &window->doorbells, item) {
		rc = map_doorbell(table, doorbell);
		if (rc) {
			unmap_doorbells(window, table, doorbell);
			kfree(table);
			return rc;
		}
	}
	list_add_tail(&table->item, &window->tables);
	return 0;
}

/* Its last group leaves @paging: these IOVAs may be another's from here on. */
static void table_put(struct iommufd_msi_window *window,
		      struct iommufd_hwpt_paging *paging)
{
	struct msi_table *table;

	guard(mutex)(&window->lock);
	table = find_table(window, paging);
	if (WARN_ON(!table) || --table->users)
		return;
	unmap_doorbells(window, table, NULL);
	list_del(&table->item);
	kfree(table);
}

/* In all tables, or in none. */
static int add_doorbell(struct iommufd_msi_window *window,
			struct msi_doorbell *doorbell)
{
	struct msi_table *table, *undo;
	int rc;

	lockdep_assert_held(&window->lock);
	list_for_each_entry(table, &window->tables, item) {
		rc = map_doorbell(table, doorbell);
		if (!rc)
			continue;
		list_for_each_entry(undo, &window->tables, item) {
			if (undo == table)
				break;
			unmap_doorbell(undo, doorbell);
		}
		return rc;
	}
	list_add_tail(&doorbell->item, &window->doorbells);
	WRITE_ONCE(window->num_doorbells, window->num_doorbells + 1);
	return 0;
}

/* --- proxies --- */

static struct iommufd_msi_proxy *to_proxy(struct iommu_domain *domain)
{
	return container_of(domain, struct iommufd_msi_proxy, domain);
}

static int proxy_attach(struct iommu_domain *domain, struct device *dev)
{
	struct iommu_domain *real = to_proxy(domain)->real ?:
				    dev_iommu_ops(dev)->blocked_domain;

	return real->ops->attach_dev(real, dev);
}

/*
 * The interrupt code has given a doorbell the next place, which is beyond the window if
 * there are too many. Whoever asked for the interrupt is told.
 */
static int proxy_map(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t paddr, size_t pgsize, size_t pgcount, int prot,
		     gfp_t gfp, size_t *mapped)
{
	struct iommufd_msi_window *window = to_proxy(domain)->window;
	struct msi_doorbell *doorbell;
	int rc;

	if (iova < window->start || iova > window->last - (PAGE_SIZE - 1)) {
		rc = -ENOSPC;
		goto out_trace;
	}
	doorbell = kzalloc(sizeof(*doorbell), GFP_KERNEL_ACCOUNT);
	if (!doorbell)
		return -ENOMEM;
	doorbell->iova = iova;
	doorbell->paddr = paddr;
	doorbell->prot = prot;
	scoped_guard(mutex, &window->lock)
		rc = add_doorbell(window, doorbell);
	if (rc)
		kfree(doorbell);
	else
		*mapped = pgsize;
out_trace:
	trace_msi_doorbell(window->start, window->last, iova, paddr, rc);
	return rc;
}

/* What proxy_map() has mapped stays: nobody is told that a place is free. */
static size_t proxy_unmap(struct iommu_domain *domain, unsigned long iova,
			  size_t pgsize, size_t pgcount,
			  struct iommu_iotlb_gather *gather)
{
	return 0;
}

static const struct iommu_domain_ops proxy_ops = {
	.attach_dev = proxy_attach,
	.map_pages = proxy_map,
	.unmap_pages = proxy_unmap,
};

/* What the interrupt code may be looking at does not change while it is installed. */
static void proxy_init(struct iommufd_msi_proxy *proxy, struct device *dev,
		       struct iommufd_msi_window *window)
{
	*proxy = (struct iommufd_msi_proxy){
		.domain = {
			.type = IOMMU_DOMAIN_UNMANAGED,
			.ops = &proxy_ops,
			.owner = dev_iommu_ops(dev),
			.pgsize_bitmap = PAGE_SIZE,
			.iova_cookie = window->carrier.iova_cookie,
		},
		.window = window,
	};
}

/**
 * iommufd_msi_can_proxy() - can a device's IOMMU driver do with a proxy?
 * @dev: a bound device
 *
 * Return: whether it can.
 */
bool iommufd_msi_can_proxy(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	return ops->blocked_domain && iommufd_describer_find(ops);
}

/*
 * The core says what it has, as nobody else remembers it right: it takes the group back
 * with the last device that is unbound, while another may be being bound.
 */
static const struct iommufd_msi_proxy *installed(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->ops == &proxy_ops ? to_proxy(domain) : NULL;
}

/**
 * iommufd_msi_has_proxy() - does the core have a proxy for a group?
 * @group: its lock is held
 * @dev: one of its devices
 *
 * Where there was no memory to list the reserved regions of a device, its group has been
 * attached without a window, and a proxy; it may have a window since.
 *
 * Return: whether it has, or is to have one when it is attached.
 */
bool iommufd_msi_has_proxy(const struct iommufd_group *group,
			   struct device *dev)
{
	return group->msi.window && iommufd_msi_can_proxy(dev) &&
	       (!group->hwpt || installed(dev));
}

/* The other proxy stands for @real, and is what the core has. */
static int install(struct iommufd_group *group, struct device *dev,
		   struct iommu_domain *real)
{
	struct iommufd_msi_proxy *proxies = group->msi.proxies;
	const struct iommufd_msi_proxy *now = installed(dev);
	struct iommufd_msi_proxy *next;

	if (!now) {
		proxy_init(&proxies[0], dev, group->msi.window);
		proxy_init(&proxies[1], dev, group->msi.window);
	}
	next = now == &proxies[0] ? &proxies[1] : &proxies[0];
	next->real = real;
	return iommu_group_replace_domain(group->group, &next->domain);
}

/**
 * iommufd_msi_attach() - attach a group of a window, or move it
 * @group: its lock is held; @group->hwpt is what it is attached to, or NULL. It has a
 *	proxy
 * @dev: one of its devices
 * @hwpt: to this
 *
 * Doorbells are mapped there before, and unmapped where it was after: there is no
 * moment without. Interrupts may be requested meanwhile.
 *
 * Return: 0; -ENOMEM; what the IOMMU driver returns. All is as it was then.
 */
int iommufd_msi_attach(struct iommufd_group *group, struct device *dev,
		       struct iommufd_hwpt *hwpt)
{
	struct iommufd_msi_window *window = group->msi.window;
	bool first = !installed(dev);
	int rc;

	lockdep_assert_held(&group->lock);
	rc = table_get(window, iommufd_hwpt_bottom(hwpt));
	if (rc)
		return rc;
	rc = install(group, dev, hwpt->domain);
	if (rc) {
		table_put(window, iommufd_hwpt_bottom(hwpt));
		return rc;
	}
	if (group->hwpt)
		table_put(window, iommufd_hwpt_bottom(group->hwpt));
	if (first) {
		/* The core keeps it now, and devices are told, whatever comes */
		iommufd_msi_note_used(group);
		iommu_group_for_each_dev(group->group, NULL,
					 iommufd_msi_tell_again);
	}
	return 0;
}

/**
 * iommufd_msi_detach() - undo iommufd_msi_attach()
 * @group: its lock is held; @group->hwpt is what it is attached to
 * @dev: one of its devices
 *
 * The core keeps a proxy, which stands for nothing, so that interrupts which are
 * requested now work when the group is attached again.
 */
void iommufd_msi_detach(struct iommufd_group *group, struct device *dev)
{
	lockdep_assert_held(&group->lock);
	/* The core knows how to block what the driver does not */
	if (WARN_ON(install(group, dev, NULL)))
		iommu_detach_group(group->hwpt->domain, group->group);
	table_put(group->msi.window, iommufd_hwpt_bottom(group->hwpt));
}

/**
 * iommufd_msi_release() - a group has no window any more
 * @group: none of its devices is bound, or none has been attached yet
 */
void iommufd_msi_release(struct iommufd_group *group)
{
	struct iommufd_ctx *ictx = group->ictx;

	if (!group->msi.window)
		return;
	mutex_lock(&ictx->msi_lock);
	iommufd_msi_window_put(ictx, group->msi.window);
	mutex_unlock(&ictx->msi_lock);
	group->msi.window = NULL;
}

/**
 * iommufd_msi_real_domain() - what a domain stands for
 * @domain: that the iommu core has for a group
 *
 * For a driver that asks the core what a device is attached to, as the mock does.
 *
 * Return: @domain, or what is behind it if it is a proxy; NULL: nothing.
 */
struct iommu_domain *iommufd_msi_real_domain(struct iommu_domain *domain)
{
	return domain && domain->ops == &proxy_ops ? to_proxy(domain)->real :
						     domain;
}
