/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O page faults: the door through which they come up, and what the floors
 * above need to open and close it.
 *
 *   unit    an IOMMU instance: takes answers, in batches
 *   source  a device behind a unit that may send page requests
 *   attach  (source, PASID) connected to a queue; what a pending fault holds
 *   queue   the object and file that user space reads and answers
 *
 * A backend knows struct iommufd_fault_unit, struct iommufd_fault_source and
 * iommufd_fault_report(); attaches are made by route.c; queues by queue.c.
 */
#ifndef __IOMMUFD_FAULT_H
#define __IOMMUFD_FAULT_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/types.h>

struct device;
struct iommufd_call;
struct iommufd_ctx;
struct iommufd_fault_attach;
struct iommufd_fault_queue;
struct iommufd_fault_source;
struct iommufd_fault_unit;
struct iommufd_object;

/* Answers handed to a unit in one call. */
#define IOMMUFD_FAULT_BATCH	128

/**
 * struct iommufd_page_request - one page request as the hardware gave it
 * @addr: faulting address; the low 12 bits may carry an offset and are passed on
 * @pasid: Process Address Space ID, valid if @pasid_valid
 * @grpid: Page Request Group Index (PCIe 10.4.1) or the stall tag
 * @perm: IOMMU_PGFAULT_PERM_*
 * @pasid_valid: the request carried a PASID
 * @last: last request of its group; nothing is delivered before it
 */
struct iommufd_page_request {
	u64 addr;
	u32 pasid;
	u32 grpid;
	u32 perm;
	bool pasid_valid;
	bool last;
};

/**
 * struct iommufd_page_answer - the answer to one whole group
 * @source: the device the group came from; valid during the call
 * @pasid: as in the group's requests
 * @grpid: as in the group's requests
 * @code: IOMMUFD_PAGE_RESP_*
 * @pasid_valid: as in the group's requests
 */
struct iommufd_page_answer {
	struct iommufd_fault_source *source;
	u32 pasid;
	u32 grpid;
	u32 code;
	bool pasid_valid;
};

/**
 * enum iommufd_fault_verdict - what the door did with a request
 * @IOMMUFD_FAULT_TAKEN: held; if it was the last of its group, the answer comes
 *	through &iommufd_fault_unit_ops.respond, exactly once
 * @IOMMUFD_FAULT_DROPPED: not the last of its group, and not held: the last one
 *	will be refused too. Nothing to answer.
 * @IOMMUFD_FAULT_RETRY: a last request that found no room: the backend answers
 *	as its hardware does on overflow, so that the device asks again (PRI:
 *	success, stall: retry)
 * @IOMMUFD_FAULT_REFUSED: a last request that nobody listens for, or that can never
 *	find room, as its group is too large: the backend answers invalid
 */
enum iommufd_fault_verdict {
	IOMMUFD_FAULT_TAKEN,
	IOMMUFD_FAULT_DROPPED,
	IOMMUFD_FAULT_RETRY,
	IOMMUFD_FAULT_REFUSED,
};

/**
 * struct iommufd_fault_pri_hw - what hardware says of a page request interface
 * @capacity: most page requests the device can have outstanding (PCIe 6.0,
 *	10.5.2.4: Outstanding Page Request Capacity)
 * @resp_pasid: responses to requests with a PASID need one (10.5.2.3: PRG Response
 *	PASID Required)
 * @failed: a response failure has stopped the device (10.5.2.3: Response Failure)
 */
struct iommufd_fault_pri_hw {
	u32 capacity;
	bool resp_pasid;
	bool failed;
};

/**
 * struct iommufd_fault_unit_ops - what a backend provides
 * @respond: send @num answers (1 to IOMMUFD_FAULT_BATCH) to hardware in one
 *	submission. All sources are of this unit. May sleep, cannot fail: an
 *	error of the hardware is the backend's to handle. Called without
 *	spinlocks, by any number of callers at once. Must not wait for user
 *	space, nor for an attach, a detach or a close: those wait for it.
 * @enable: the first fault-capable attach of @source, or the first use of another
 *	kind (struct iommufd_fault_hold), or after @stop: turn page requests on.
 *	Returns 0 or the error attach returns; they are off then. May sleep.
 *	Optional.
 * @disable: after the last use has gone; only if they are on. When it returns, what
 *	hardware and the backend's own queues held of @source has been handed to the
 *	door, and no more comes. Optional.
 * @drain: hand every request of (@source, @pasid) that hardware and the
 *	backend's own queues still hold to the door, then return. With
 *	IOMMU_NO_PASID also those of every PASID that has no attach of its own.
 *	The device's translations are gone or replaced; but not before @stop, or
 *	where the source is paused: it may go on sending. May sleep. Optional.
 * @query: describe the page request interface of @source. @hw comes filled with
 *	what the door knows: the capacity as registered. May sleep. Optional.
 * @stop: the first half of starting the page request interface anew; @enable is
 *	the second, if it is to be on again. Turn page requests off if they are
 *	on, wait until the device has stopped, hand what hardware and the
 *	backend's own queues hold of it to the door, and reset the interface: the
 *	device forgets what it had outstanding, its credits and any failure
 *	(10.5.2.2: Reset). From the return on, but for -EBUSY, nothing of @source
 *	reaches the door before @enable: the door forgets the groups that this
 *	cut in two. When it is called all that the door ever took is answered,
 *	and until it returns the door refuses what comes. Returns 0; -EBUSY: other
 *	functions share the interface and use it, and nothing was changed; another
 *	error: page requests are off, as after @disable, and @enable begins anew.
 *	May sleep. Without it a reset is -EOPNOTSUPP. Optional.
 *
 * @enable, @disable, @drain, @query and @stop of one source are called one at a
 * time. All may take locks of the backend, under which it must not call register, unregister
 * or the functions for route.c and pri.c.
 */
struct iommufd_fault_unit_ops {
	void (*respond)(struct iommufd_fault_unit *unit,
			const struct iommufd_page_answer *answers,
			unsigned int num);
	int (*enable)(struct iommufd_fault_source *source);
	void (*disable)(struct iommufd_fault_source *source);
	void (*drain)(struct iommufd_fault_source *source, ioasid_t pasid);
	void (*query)(struct iommufd_fault_source *source,
		      struct iommufd_fault_pri_hw *hw);
	int (*stop)(struct iommufd_fault_source *source);
};

/**
 * struct iommufd_fault_unit - embedded by a backend in its unit
 * @ops: constant
 */
struct iommufd_fault_unit {
	const struct iommufd_fault_unit_ops *ops;
};

struct iommufd_fault_source *
iommufd_fault_source_register(struct device *dev,
			      struct iommufd_fault_unit *unit,
			      unsigned int max_outstanding, void *priv);
void iommufd_fault_source_unregister(struct iommufd_fault_source *source);
void *iommufd_fault_source_priv(struct iommufd_fault_source *source);
struct device *iommufd_fault_source_dev(struct iommufd_fault_source *source);
void iommufd_fault_source_discard_partial(struct iommufd_fault_source *source);

/*
 * For a backend whose hardware has lost requests that devices wait to see answered:
 * iommufd_fault_pri_reset() below for one device, these two for several that share an
 * interface. With no lock of the backend held.
 */
void iommufd_fault_pause(struct device *dev);
int iommufd_fault_resume(struct device *dev);

/* The door: the only way up. Never sleeps; interrupts must be on. */
enum iommufd_fault_verdict
iommufd_fault_report(struct iommufd_fault_source *source,
		     const struct iommufd_page_request *req);

/* --- for route.c and hwpt.c --- */

bool iommufd_fault_supported(struct device *dev);

/**
 * struct iommufd_fault_part - the page requests of one mediated device
 * @taken: requests taken so far; wraps. Written under the lock of the source
 * @returned: requests answered so far; wraps. @taken - @returned is outstanding
 * @attaches: its installed ones; guarded by the mutex of the source
 *
 * All parts of a device have its room for outstanding requests together. Zeroed by
 * who owns it, and there as long as there is an attach with it.
 */
struct iommufd_fault_part {
	u32 taken;
	atomic_t returned;
	struct hlist_head attaches;
};

static inline u32
iommufd_fault_part_outstanding(const struct iommufd_fault_part *part)
{
	/* In this order: what is answered was taken before */
	u32 returned = (u32)atomic_read_acquire(&part->returned);

	return READ_ONCE(part->taken) - returned;
}

/**
 * struct iommufd_fault_identity - who a fault is said to come from
 * @dev_id: the device's id in the queue's context, as user space reads it
 * @dev_serial: its serial, for queues made for one device alone
 * @owns_pasid_table: the attached table covers every PASID of the device that
 *	has no attach of its own (a guest-owned PASID table on RID)
 * @translated: user space reads @vpasid in the place of the requests' PASID
 * @vpasid: see @translated; IOMMU_NO_PASID: it reads that there was none
 * @part: of a mediated device: counts its requests; NULL: a device as a whole
 */
struct iommufd_fault_identity {
	u32 dev_id;
	u64 dev_serial;
	bool owns_pasid_table;
	bool translated;
	u32 vpasid;
	struct iommufd_fault_part *part;
};

/*
 * alloc    no effect anybody sees; -EOPNOTSUPP: no source for @dev (a foreign
 *          base driver); -EINVAL: the queue is for another device
 * install  enables page requests and routes (dev, pasid) here; call it before
 *          the hardware is told of the table
 * replace  routes (dev, pasid) to @new instead of @old. Either may be NULL.
 *          Call after the hardware switched. What @old had outstanding is
 *          drained and answered success, so that the device asks again and
 *          the new table decides. Frees @old. Cannot fail if @new was
 *          prepared.
 * remove   after the hardware dropped the table: drain, answer everything
 *          outstanding invalid, wait for answers in flight, free
 */
struct iommufd_fault_attach *
iommufd_fault_attach_alloc(struct device *dev, ioasid_t pasid,
			   struct iommufd_fault_queue *queue,
			   const struct iommufd_fault_identity *who);
void iommufd_fault_attach_free(struct iommufd_fault_attach *attach);
int iommufd_fault_attach_install(struct iommufd_fault_attach *attach);
int iommufd_fault_attach_prepare_replace(struct iommufd_fault_attach *old,
					 struct iommufd_fault_attach *new);
void iommufd_fault_attach_cancel_replace(struct iommufd_fault_attach *old,
					 struct iommufd_fault_attach *new);
void iommufd_fault_attach_replace(struct iommufd_fault_attach *old,
				  struct iommufd_fault_attach *new);
void iommufd_fault_attach_remove(struct iommufd_fault_attach *attach);
void iommufd_fault_drain(struct device *dev, ioasid_t pasid);

/* --- for pri.c --- */

/**
 * struct iommufd_fault_pri - the page request interface of a device
 * @hw: what hardware says
 * @allocation: page requests that may be outstanding at the moment
 * @outstanding: page requests taken and not answered
 * @attaches: fault-capable attaches of the device and its PASIDs
 * @enabled: page requests are on; a reset that failed leaves them off until another
 *	one, an attach or a hold turns them on
 * @held: there is a struct iommufd_fault_hold
 */
struct iommufd_fault_pri {
	struct iommufd_fault_pri_hw hw;
	u32 allocation;
	u32 outstanding;
	u32 attaches;
	bool enabled;
	bool held;
};

struct iommufd_fault_hold;

int iommufd_fault_pri_query(struct device *dev, struct iommufd_fault_pri *pri);
int iommufd_fault_pri_reset(struct device *dev);
struct iommufd_fault_hold *iommufd_fault_hold_new(struct device *dev,
						  unsigned int allocation);
void iommufd_fault_hold_drop(struct iommufd_fault_hold *hold);

/*
 * Queues. hold takes a holder reference on the queue object, which drop returns; get
 * takes one for a call, which put returns.
 */
int iommufd_fault_queue_alloc_ioctl(struct iommufd_call *call);
struct iommufd_fault_queue *iommufd_fault_queue_hold(struct iommufd_ctx *ictx,
						     u32 id);
void iommufd_fault_queue_drop(struct iommufd_fault_queue *queue);
struct iommufd_fault_queue *iommufd_fault_queue_get(struct iommufd_ctx *ictx,
						    u32 id);
void iommufd_fault_queue_put(struct iommufd_fault_queue *queue);
bool iommufd_fault_queue_awaits(struct iommufd_fault_queue *queue, u32 cookie);
unsigned int iommufd_fault_queue_succeed(struct iommufd_fault_queue *queue,
					 const u32 *cookies, unsigned int num);
bool iommufd_fault_queue_accepts(struct iommufd_fault_queue *queue,
				 u64 dev_serial);

#endif
