/* SPDX-License-Identifier: GPL-2.0-only */
/* Unrecoverable faults (VT-d specification 7.2, 7.3, 11.4.7.6). */
#ifndef __IOMMUFD_VTD_EVENTS_H
#define __IOMMUFD_VTD_EVENTS_H

#include "unit.h"

/**
 * struct vtd_fault - a fault record, decoded
 * @addr: of the page, or the interrupt index
 * @pasid: valid if @pasid_valid
 * @rid: requester
 * @reason: 7.1.3, table of fault reasons
 * @pasid_valid: the request carried a PASID
 * @read: it was a read or a read-and-write; else a write
 * @execute: it asked for execute permission
 * @privileged: it asked for supervisor privilege
 */
struct vtd_fault {
	u64 addr;
	u32 pasid;
	u16 rid;
	u8 reason;
	bool pasid_valid;
	bool read;
	bool execute;
	bool privileged;
};

int vtd_events_start(struct vtd_unit *unit);
void vtd_events_stop(struct vtd_unit *unit);
void vtd_events_drain(struct vtd_unit *unit);

/* A sentence for the log; never NULL. */
const char *vtd_fault_reason(u8 reason);

/*
 * A callback: what events.c needs of the floor above, which alone knows whose a
 * request is, and is declared here for it to define (domain.c). Called for each
 * fault of DMA, by the thread of the interrupt. Does not sleep.
 */
void vtd_fault_report(struct vtd_unit *unit, const struct vtd_fault *fault);

#endif
