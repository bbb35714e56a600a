/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invalidations that a unit was told and did not carry out. Until it is known to have
 * forgotten everything, nothing that it may still reach is given back.
 */
#ifndef __IOMMUFD_SMMUV3_OWED_H
#define __IOMMUFD_SMMUV3_OWED_H

#include "unit.h"

/* For unit.c; @safe: no DMA gets through @unit any more. May sleep. */
void smmuv3_owed_init(struct smmuv3_unit *unit);
void smmuv3_owed_halt(struct smmuv3_unit *unit);
void smmuv3_owed_exit(struct smmuv3_unit *unit, bool safe);

/*
 * owes    commands were not carried out, or not within the time. Any context
 * owing   does it owe anything? Any context
 * prove   have it forget everything. May sleep; takes smmuv3_unit::lock. 0: it owes
 *         nothing; -EAGAIN: the command queue stands still, a device that does not
 *         answer is not shut out yet, or another command has failed meanwhile
 */
void smmuv3_unit_owes(struct smmuv3_unit *unit);
int smmuv3_owed_prove(struct smmuv3_unit *unit);

/*
 * Keep something that refers to a unit, if the unit owes something; smmuv3_owed_left()
 * at the end of its release. The unit stays until then. Any context.
 */
bool smmuv3_owed_keep(struct smmuv3_unit *unit,
		      struct map_quarantine_item *item);
void smmuv3_owed_left(void);

static inline bool smmuv3_unit_owing(const struct smmuv3_unit *unit)
{
	return map_owing(&unit->owed);
}

#endif
