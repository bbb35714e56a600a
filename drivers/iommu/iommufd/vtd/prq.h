/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests (VT-d specification 7.4 to 7.11): the queue of a unit, answers,
 * and the drain.
 */
#ifndef __IOMMUFD_VTD_PRQ_H
#define __IOMMUFD_VTD_PRQ_H

#include "unit.h"

struct vtd_device;

/*
 * How often a drain is done at most. It is done again when the queue ran over, and that
 * is in the hands of every device behind the unit: one that never falls silent must not
 * keep others from being detached.
 */
#define VTD_PRQ_DRAIN_ROUNDS	16

/* Entries of the queue: 32 bytes each, 64 KiB. */
#define VTD_PRQ_ENTRIES		2048

/**
 * struct vtd_prq_stats - what has come through a unit's queue; all only grow
 * @requests: page requests of devices that the door knows, also those refused
 * @stop_markers: entries that ask for nothing (PCIe 6.0, 10.4.1.2.1)
 * @malformed: entries that are no page request
 * @unknown: page requests of a requester that is no device of ours
 * @overflows: times the queue was full and requests were lost
 */
struct vtd_prq_stats {
	u64 requests;
	u64 stop_markers;
	u64 malformed;
	u64 unknown;
	u64 overflows;
};

extern const struct iommufd_fault_unit_ops vtd_fault_unit_ops;

/* A unit without page requests: start returns 0 and leaves unit->prq NULL. */
int vtd_prq_start(struct vtd_unit *unit);
void vtd_prq_stop(struct vtd_unit *unit);

/*
 * Hand to the door what the unit, and the way from @device to it, still hold of
 * the device's page requests of @pasid. May sleep; takes vtd_unit::lock.
 */
void vtd_prq_drain(struct vtd_device *device, ioasid_t pasid);

/*
 * Whether the device's requests are for the door from now on, or refused; no pass is
 * half through afterwards. May sleep.
 */
void vtd_prq_open(struct vtd_device *device, bool open);

/* May sleep. Zeroes if there is no queue. */
void vtd_prq_get_stats(struct vtd_unit *unit, struct vtd_prq_stats *stats);

/*
 * (pri.c) The function's page requests, in the function and in the context entry.
 * PRI belongs to the physical function and serves its virtual ones: it is on
 * while any of them wants it. May sleep; takes vtd_unit::lock.
 */
int vtd_pri_enable(struct vtd_device *device);
void vtd_pri_disable(struct vtd_device *device);
void vtd_pri_query(struct vtd_device *device, struct iommufd_fault_pri_hw *hw);
int vtd_pri_stop(struct vtd_device *device);
/* It may share an interface that is on: before its context entries are made. */
void vtd_pri_join(struct vtd_device *device);

/*
 * Page requests that the function may have outstanding, with its virtual ones:
 * what a source is registered with. 0: it cannot send any.
 */
u32 vtd_pri_allocation(struct pci_dev *pdev);

#endif
