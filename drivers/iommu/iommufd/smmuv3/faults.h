/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults: the event queue and the page request queue of a unit (IHI 0070 chapters
 * 7 and 8), answers, drain.
 */
#ifndef __IOMMUFD_SMMUV3_FAULTS_H
#define __IOMMUFD_SMMUV3_FAULTS_H

#include "unit.h"

struct smmuv3_device;

/**
 * struct smmuv3_event - an event record (7.3), decoded as far as all have it
 * @qw: the record
 * @sid: StreamID
 * @ssid: SubstreamID, valid if @ssid_valid
 * @addr: input address, 0 if the record has none
 * @ipa: of a stage 2 fault
 * @stag: of a stalled transaction
 * @type: EVT_ID number
 * @ssid_valid: the transaction had a SubstreamID
 * @stall: it is stalled and waits for CMD_RESUME
 * @write: it was a write
 * @execute: it was an instruction fetch
 * @privileged: it was privileged
 * @stage2: the fault is of stage 2
 */
struct smmuv3_event {
	u64 qw[4];
	u32 sid;
	u32 ssid;
	u64 addr;
	u64 ipa;
	u16 stag;
	u8 type;
	bool ssid_valid;
	bool stall;
	bool write;
	bool execute;
	bool privileged;
	bool stage2;
};

/* A type that is no fault (7.3.19): the unit guesses that a page will be used. */
#define SMMUV3_EVENT_PAGE_REQUEST	0x24

void smmuv3_event_decode(const u64 *qw, struct smmuv3_event *event);
void smmuv3_event_unstall(struct smmuv3_event *event);
/* A sentence for the log; never NULL. */
const char *smmuv3_event_name(u8 type);

/**
 * struct smmuv3_fault_stats - what has come through a unit's queues; all only grow
 * @events: event records
 * @stalls: of those, stalled transactions handed to the door
 * @requests: page requests handed to the door
 * @stop_markers: entries of the page request queue that ask for nothing
 * @malformed: entries that make no sense
 * @unknown: of StreamIDs that are no device of ours
 * @event_overflows: times the event queue had no room
 * @pri_overflows: times the page request queue had none
 * @aborts: times that one of the two could not be written
 */
struct smmuv3_fault_stats {
	u64 events;
	u64 stalls;
	u64 requests;
	u64 stop_markers;
	u64 malformed;
	u64 unknown;
	u64 event_overflows;
	u64 pri_overflows;
	u64 aborts;
};

extern const struct iommufd_fault_unit_ops smmuv3_fault_unit_ops;

/*
 * alloc   memory of the queues (before start)
 * setup   registers of both; CR0.EVTQEN and PRIQEN are the caller's
 * start   interrupts, after that
 * The event queue is evtq.c, the page request queue priq.c; a unit without PRI has
 * unit->priq NULL. All may sleep.
 */
int smmuv3_evtq_alloc(struct smmuv3_unit *unit);
void smmuv3_evtq_free(struct smmuv3_unit *unit);
void smmuv3_evtq_setup(struct smmuv3_unit *unit);
int smmuv3_evtq_start(struct smmuv3_unit *unit);
void smmuv3_evtq_stop(struct smmuv3_unit *unit);
int smmuv3_priq_alloc(struct smmuv3_unit *unit);
void smmuv3_priq_free(struct smmuv3_unit *unit);
void smmuv3_priq_setup(struct smmuv3_unit *unit);
int smmuv3_priq_start(struct smmuv3_unit *unit);
void smmuv3_priq_stop(struct smmuv3_unit *unit);

/*
 * Records of either queue were lost, or an interrupt of it: GERROR says so, and is
 * acknowledged in the end.
 * records  begin to deal with it. Any context
 * settle   wait until it is done. May sleep, as
 * stop     nothing of it goes on: no device is left behind @unit
 */
void smmuv3_lost_records(struct smmuv3_unit *unit);
void smmuv3_lost_settle(struct smmuv3_unit *unit);
void smmuv3_lost_stop(struct smmuv3_unit *unit);

/* May sleep. */
void smmuv3_faults_get_stats(struct smmuv3_unit *unit,
			     struct smmuv3_fault_stats *stats);

/*
 * Hand to the door what the unit, and the way from @device to it, still hold of
 * the device's page requests and stalled transactions of @pasid. Its translations
 * are gone or replaced already. May sleep.
 */
void smmuv3_faults_drain(struct smmuv3_device *device, ioasid_t pasid);

/*
 * Report what the unit has recorded until now, before a StreamID or a PASID changes
 * hands. Returns whether there was anything. May sleep.
 */
bool smmuv3_events_drain(struct smmuv3_unit *unit);

/*
 * Page requests that a PCI function may have outstanding, or transactions that a
 * platform device may have stalled: what a source is registered with. 0: none.
 */
u32 smmuv3_faults_capacity(struct smmuv3_device *device);

/*
 * A fault that nobody can answer; domain.c finds whose it is, and who listens.
 * Called by the thread of the event queue; does not sleep.
 */
void smmuv3_event_report(struct smmuv3_unit *unit,
			 const struct smmuv3_event *event);

#endif
