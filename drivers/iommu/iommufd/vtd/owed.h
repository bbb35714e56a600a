/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invalidations that a unit was told and did not carry out. Until it is known to have
 * forgotten everything, nothing that it may still reach is given back.
 */
#ifndef __IOMMUFD_VTD_OWED_H
#define __IOMMUFD_VTD_OWED_H

#include "unit.h"

struct vtd_device;

/* For unit.c. May sleep. */
void vtd_owed_init(struct vtd_unit *unit);
void vtd_owed_exit(struct vtd_unit *unit);

/*
 * owes    a submission was refused, or could not be seen to be carried out. Any context
 * owing   does any unit owe something? Any context
 * prove   have it forget everything. May sleep; takes vtd_unit::lock. 0 or -EAGAIN
 */
void vtd_unit_owes(struct vtd_unit *unit);
bool vtd_units_owing(void);
int vtd_owed_prove(struct vtd_unit *unit);

/*
 * told   the result of invalidations that take a device from where it was
 * late   may its unit go by what was said of it before?
 * Any context.
 */
void vtd_device_told(struct vtd_device *device, int rc);
bool vtd_device_is_late(const struct vtd_device *device);

/*
 * Keep something that refers to a unit, if any owes something; vtd_owed_left() at the
 * end of its release. The unit stays until then. Any context.
 */
bool vtd_owed_keep(struct map_quarantine_item *item);
void vtd_owed_left(void);

/*
 * Free tables, as soon as no unit can read them: a list as of iommu_put_pages_list(),
 * of single pages; or 2^@order pages.
 */
void vtd_put_tables(struct list_head *tables);
void vtd_free_table(void *table, unsigned int order);

#endif
