/* SPDX-License-Identifier: GPL-2.0-only */
/* Units as the iommu core knows them: for whoever makes one that no table lists. */
#ifndef __IOMMUFD_VTD_DRIVER_H
#define __IOMMUFD_VTD_DRIVER_H

struct list_head;
struct vtd_unit;

/*
 * add     make the unit known: the iommu core probes its devices
 * remove  undo; the devices have to be gone
 */
int vtd_unit_add(struct vtd_unit *unit);
void vtd_unit_remove(struct vtd_unit *unit);

/* Neither units that are @driven nor such that are @blocked outlast a suspend. */
bool vtd_may_suspend(const struct list_head *driven,
		     const struct list_head *blocked);

#endif
