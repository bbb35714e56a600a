/* SPDX-License-Identifier: GPL-2.0-only */
/* What evtq.c, priq.c, respond.c, stall.c, pri.c and lost.c share. */
#ifndef __IOMMUFD_SMMUV3_FAULTS_INTERNAL_H
#define __IOMMUFD_SMMUV3_FAULTS_INTERNAL_H

#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <uapi/linux/iommufd.h>

#include "cmdq.h"
#include "device.h"
#include "faults.h"
#include "ring.h"

/*
 * What the door knows a group by (iommufd_page_request::grpid): the stall tag or
 * the page request group index, and above it which of the device's streams it
 * came from. A tag alone does not name a stalled transaction: CMD_RESUME takes
 * tag and StreamID (4.7.1), and a device may have several streams.
 */
#define SMMUV3_GRPID_TAG	GENMASK(15, 0)
#define SMMUV3_GRPID_STREAM	GENMASK(22, 16)

static_assert(SMMUV3_STREAMS_MAX - 1 <=
	      SMMUV3_GRPID_STREAM / (SMMUV3_GRPID_TAG + 1));

/*
 * How often a drain is done at most. It is done again when its queue ran full, and that
 * is in the hands of every device behind the unit: one that never falls silent must not
 * keep others from being detached.
 */
#define SMMUV3_DRAIN_ROUNDS	16

/**
 * struct smmuv3_evtq - the event queue of a unit
 * @ring: the records
 * @lock: one pass at a time; guards what follows up to @respond_lock
 * @events: records taken
 * @stalls: of those, handed to the door
 * @unknown: of StreamIDs that are nobody's
 * @fulls: looks that found that the queue may have had no room; only grows
 * @cmds: answers that passes give themselves
 * @respond_lock: guards @respond_cmds
 * @respond_cmds: answers that come from the door, those to page requests too
 * @lost: deals with records and interrupts of either queue that were lost; lost.c's
 * @lost_last: when it was last done, in jiffies; lost.c's
 * @lost_irqs: the last look of @lost at a queue without interrupt found something; its own
 */
struct smmuv3_evtq {
	struct smmuv3_ring ring;
	struct mutex lock;		/* one pass at a time */
	u64 events;
	u64 stalls;
	u64 unknown;
	u64 fulls;
	struct smmuv3_cmd cmds[SMMUV3_SUBMIT_MAX];
	struct mutex respond_lock;	/* guards respond_cmds */
	struct smmuv3_cmd respond_cmds[IOMMUFD_FAULT_BATCH];
	struct delayed_work lost;
	unsigned long lost_last;
	bool lost_irqs;
};

/* A call of respond is one submission. */
static_assert(IOMMUFD_FAULT_BATCH <= SMMUV3_SUBMIT_MAX);

/**
 * struct smmuv3_priq - the page request queue of a unit
 * @ring: the records
 * @lock: one pass at a time; guards what follows, and
 *	smmuv3_device::pri_open for writing
 * @requests: handed to the door
 * @stop_markers: entries that ask for nothing
 * @malformed: entries that make no sense
 * @unknown: of StreamIDs that are nobody's, or send no page requests
 * @overflows: times there was no room
 * @cmds: answers that passes give themselves
 */
struct smmuv3_priq {
	struct smmuv3_ring ring;
	struct mutex lock;		/* one pass at a time */
	u64 requests;
	u64 stop_markers;
	u64 malformed;
	u64 unknown;
	u64 overflows;
	struct smmuv3_cmd cmds[SMMUV3_SUBMIT_MAX];
};

/**
 * struct smmuv3_page_request - a record of the page request queue (8.1), decoded
 * @sid: StreamID
 * @req: what the door is told
 */
struct smmuv3_page_request {
	u32 sid;
	struct iommufd_page_request req;
};

/*
 * (priq.c) Hand to the door what is in the page request queue, if there is one. One pass,
 * as smmuv3_events_drain(), and for the same use: where both queues have one thread, who
 * keeps one of them from falling silent must not keep the other from being looked at.
 */
bool smmuv3_priq_serve(struct smmuv3_unit *unit);

void smmuv3_evtq_drain(struct smmuv3_device *device, ioasid_t pasid);
void smmuv3_priq_drain(struct smmuv3_device *device, ioasid_t pasid);

/*
 * (lost.c) init   before anything can be lost
 *          look   has something been lost that no interrupt has told of?
 * and what it needs of the queues: emptied, unseen. They may sleep.
 */
void smmuv3_lost_init(struct smmuv3_evtq *evtq);
void smmuv3_lost_look(struct smmuv3_unit *unit);
void smmuv3_evtq_discard(struct smmuv3_unit *unit);
void smmuv3_priq_discard(struct smmuv3_unit *unit);

/* (stall.c) Stalls of a platform device. May sleep; take smmuv3_unit::lock. */
void smmuv3_stalls_enable(struct smmuv3_device *device);
void smmuv3_stalls_disable(struct smmuv3_device *device);
int smmuv3_stalls_stop(struct smmuv3_device *device);

/* An answer to a page request, and to a stalled transaction. */
void smmuv3_answer_page_request(struct smmuv3_batch *batch,
				const struct smmuv3_page_request *pr,
				enum smmuv3_pri_resp code, bool wants_pasid);
void smmuv3_answer_stall(struct smmuv3_batch *batch, u32 sid, u16 stag,
			 bool retry);
/* Submit answers, if there are any. */
void smmuv3_answers_submit(struct smmuv3_batch *batch);

/*
 * (pri.c) The page requests of a PCI function. May sleep; take
 * smmuv3_unit::lock, and smmuv3_priq::lock under it or alone.
 */
int smmuv3_pri_enable(struct smmuv3_device *device);
void smmuv3_pri_disable(struct smmuv3_device *device);
void smmuv3_pri_query(struct smmuv3_device *device,
		      struct iommufd_fault_pri_hw *hw);
int smmuv3_pri_stop(struct smmuv3_device *device);
u32 smmuv3_pri_allocation(struct smmuv3_device *device);

#endif
