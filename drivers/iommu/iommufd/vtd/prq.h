/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests (VT-d specification 7.4 to 7.11): the queue of a unit, answers,
 * and the drain.
 */
#ifndef __IOMMUFD_VTD_PRQ_H
#define __IOMMUFD_VTD_PRQ_H

#include "unit.h"

struct vtd_device;

/* Entries of the queue: 32 bytes each, 64 KiB. */
#define VTD_PRQ_ENTRIES		2048

extern const struct iommufd_fault_unit_ops vtd_fault_unit_ops;

/* A unit without page requests: start returns 0 and leaves unit->prq NULL. */
int vtd_prq_start(struct vtd_unit *unit);
void vtd_prq_stop(struct vtd_unit *unit);

/*
 * The function's page requests, in the function and in the context entry. PRI
 * belongs to the physical function and serves its virtual ones: it is on while
 * any of them wants it. May sleep; takes vtd_unit::lock.
 */
int vtd_pri_enable(struct vtd_device *device);
void vtd_pri_disable(struct vtd_device *device);

#endif
