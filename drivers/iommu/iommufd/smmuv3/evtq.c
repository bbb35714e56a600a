// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event queue of a unit (IHI 0070 7.2 to 7.4, 3.12).
 *
 * Whoever makes a pass takes the records that are in the queue. A transaction that
 * was stalled is handed to the fault door, as a page request that is a group of its
 * own; everything else is a fault that nobody can answer. The interrupt's thread
 * makes passes until it finds the queue empty; a drain makes one of its own, so
 * that it depends neither on an interrupt nor on other devices falling silent.
 * Nothing in a pass waits for user space.
 *
 * Equal faults may be merged (STE.MEV), but those of terminated transactions alone
 * (7.3.1): there is a record for each stall.
 *
 * Locks: smmuv3_evtq::lock, then the door's, or the command queue's.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/bitfield.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "domain.h"
#include "faults_internal.h"
#include "regs.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Slots: 32 bytes each, 128 KiB. Stalled transactions wait in the unit if there is
 * no room (7.2.1), so this has to hold no more than what comes in during a pass.
 */
#define EVTQ_LOG2_MAX		12
#define EVTQ_WORDS		4

static void event_log(struct smmuv3_unit *unit,
		      const struct smmuv3_event *event)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	char pasid[sizeof(" PASID 0xfffff")] = "";

	if (!__ratelimit(&limit))
		return;
	if (event->ssid_valid)
		snprintf(pasid, sizeof(pasid), " PASID %#x", event->ssid);
	pr_err("%s: %s by StreamID %#x%s at %#llx blocked: %s (%#x)\n",
	       unit->name, event->write ? "write" : "read", event->sid, pasid,
	       event->addr, smmuv3_event_name(event->type), event->type);
}

static void evtq_fault(struct smmuv3_unit *unit,
		       const struct smmuv3_event *event)
{
	atomic64_inc(&unit->faults);
	event_log(unit, event);
	trace_smmuv3_fault(unit, event);
	smmuv3_event_report(unit, event);
}

/*
 * A fault of the second stage under somebody's own first one is not his: the
 * address that would have to be mapped is not the one he knows. Under RCU.
 */
static bool stall_is_below(struct smmuv3_device *device,
			   const struct smmuv3_event *event)
{
	struct smmuv3_attachment *attachment;
	ioasid_t pasid = event->ssid_valid ? event->ssid : IOMMU_NO_PASID;

	if (!event->stage2)
		return false;
	attachment = xa_load(&device->attachments, pasid);
	/* A guest with a PASID table of its own has one attachment for all */
	if (!attachment)
		attachment = xa_load(&device->attachments, IOMMU_NO_PASID);
	return attachment && attachment->domain->kind == SMMUV3_DOMAIN_NESTED;
}

static void stall_to_request(const struct smmuv3_stream *stream,
			     const struct smmuv3_event *event,
			     struct iommufd_page_request *req)
{
	*req = (struct iommufd_page_request){
		.addr = event->addr,
		.pasid = event->ssid,
		.grpid = event->stag |
			 FIELD_PREP(SMMUV3_GRPID_STREAM,
				    stream - stream->device->streams),
		.perm = event->write ? IOMMU_PGFAULT_PERM_WRITE :
				       IOMMU_PGFAULT_PERM_READ,
		.pasid_valid = event->ssid_valid,
		.last = true,
	};
	if (event->execute)
		req->perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (event->privileged)
		req->perm |= IOMMU_PGFAULT_PERM_PRIV;
}

static enum iommufd_fault_verdict
stall_report(struct smmuv3_evtq *evtq, const struct smmuv3_event *event)
{
	enum iommufd_fault_verdict verdict = IOMMUFD_FAULT_REFUSED;
	struct iommufd_fault_source *source = NULL;
	struct iommufd_page_request req;
	struct smmuv3_stream *stream;

	/* The source is unregistered a grace period after the device let go. */
	rcu_read_lock();
	stream = xa_load(&evtq->ring.unit->streams, event->sid);
	if (!stream)
		evtq->unknown++;
	else if (stream->device->can_stall)
		source = READ_ONCE(stream->device->source);
	if (source && !stall_is_below(stream->device, event)) {
		stall_to_request(stream, event, &req);
		evtq->stalls++;
		verdict = iommufd_fault_report(source, &req);
	}
	rcu_read_unlock();
	return verdict;
}

/*
 * A stalled transaction waits in the unit, with whatever is behind it: it gets an
 * answer, whoever it is of.
 */
static void evtq_stall(struct smmuv3_evtq *evtq, struct smmuv3_batch *batch,
		       struct smmuv3_event *event)
{
	trace_smmuv3_stall(evtq->ring.unit, event);
	switch (stall_report(evtq, event)) {
	case IOMMUFD_FAULT_RETRY:
		smmuv3_answer_stall(batch, event->sid, event->stag, true);
		break;
	case IOMMUFD_FAULT_REFUSED:
		smmuv3_answer_stall(batch, event->sid, event->stag, false);
		/* Now it is one that nobody can answer. */
		smmuv3_event_unstall(event);
		evtq_fault(evtq->ring.unit, event);
		break;
	case IOMMUFD_FAULT_TAKEN:
	case IOMMUFD_FAULT_DROPPED:
		break;
	}
}

static void evtq_handle(struct smmuv3_evtq *evtq, struct smmuv3_batch *batch,
			const u64 *qw)
{
	struct smmuv3_event event;

	smmuv3_event_decode(qw, &event);
	evtq->events++;
	if (event.stall)
		evtq_stall(evtq, batch, &event);
	else if (event.type != SMMUV3_EVENT_PAGE_REQUEST)
		evtq_fault(evtq->ring.unit, &event);
}

/*
 * Records were lost, but none of a stalled transaction: the unit keeps that until
 * there is room (7.2.1). It goes on writing whether we say that we know or not.
 */
static void evtq_overflow(struct smmuv3_evtq *evtq)
{
	struct smmuv3_unit *unit = evtq->ring.unit;
	u64 overflows = atomic64_inc_return(&unit->event_overflows);

	trace_smmuv3_evtq_overflow(unit, overflows);
	pr_warn_ratelimited("%s: events were lost\n", unit->name);
	smmuv3_ring_acknowledge(&evtq->ring);
}

/**
 * smmuv3_evtq_discard() - empty the queue, unseen
 * @unit: may have written records that are not good (7.2.2), and writes none now
 *
 * May sleep.
 */
void smmuv3_evtq_discard(struct smmuv3_unit *unit)
{
	struct smmuv3_evtq *evtq = unit->evtq;

	mutex_lock(&evtq->lock);
	/* Of what is held back the drains must hear */
	evtq->fulls++;
	smmuv3_ring_discard(&evtq->ring);
	mutex_unlock(&evtq->lock);
}

/*
 * Take out what is in the queue now. Returns whether there was anything; if not,
 * what comes later raises an interrupt: the unit raises one when it adds to a queue
 * that we have shown to be empty (3.18.1), and PROD is read after CONS was written.
 */
static bool evtq_pass(struct smmuv3_evtq *evtq)
{
	struct smmuv3_ring *ring = &evtq->ring;
	struct smmuv3_batch batch = {
		.unit = ring->unit,
		.cmds = evtq->cmds,
		.max = ARRAY_SIZE(evtq->cmds),
	};
	u64 qw[EVTQ_WORDS];
	bool any;

	lockdep_assert_held(&evtq->lock);
	if (!smmuv3_ring_look(ring))
		return false;
	evtq->fulls += ring->full;
	any = ring->overflow;
	while (smmuv3_ring_take(ring, qw)) {
		evtq_handle(evtq, &batch, qw);
		any = true;
	}
	smmuv3_ring_release(ring);
	smmuv3_answers_submit(&batch);
	if (ring->overflow)
		evtq_overflow(evtq);
	return any;
}

static irqreturn_t evtq_thread(int irq, void *data)
{
	struct smmuv3_evtq *evtq = data;
	struct smmuv3_unit *unit = evtq->ring.unit;
	bool more;

	do {
		mutex_lock(&evtq->lock);
		more = evtq_pass(evtq);
		mutex_unlock(&evtq->lock);
		/* Nobody else looks at it before this comes to an end */
		if (more && unit->one_irq)
			smmuv3_priq_serve(unit);
		cond_resched();
	} while (more);
	if (!unit->gerror_irq)
		smmuv3_lost_look(unit);
	return IRQ_HANDLED;
}

/**
 * smmuv3_events_drain() - report what has been recorded
 * @unit: the unit
 *
 * A record says which StreamID and PASID it was, not whose these were. So before they
 * change hands what is recorded is reported, and on return nothing that was recorded
 * before the call is still to be; stalled transactions are with the door. One pass is
 * enough for that, and a device that does nothing but fault holds nobody up. May
 * sleep; takes smmuv3_evtq::lock.
 *
 * Return: whether there was anything.
 */
bool smmuv3_events_drain(struct smmuv3_unit *unit)
{
	struct smmuv3_evtq *evtq = unit->evtq;
	bool any;

	/* In tests of what has nothing to do with faults */
	if (!evtq)
		return false;
	mutex_lock(&evtq->lock);
	any = evtq_pass(evtq);
	mutex_unlock(&evtq->lock);
	return any;
}

/*
 * A stalled transaction stays stalled when its translation goes (3.12.2), so its
 * record can be anywhere on the way. Once an invalidation of the configuration is
 * complete no transaction of before is being translated any more (3.21.2, 4.7.3):
 * each has gone through, or failed, or is stalled and its record visible, if there
 * was room for it.
 */
static void evtq_settle(struct smmuv3_device *device)
{
	DEFINE_SMMUV3_BATCH(batch, device->unit);
	unsigned int i;

	for (i = 0; i < device->num_streams; i++)
		smmuv3_batch_cfgi_ste(&batch, device->streams[i].sid, true);
	smmuv3_answers_submit(&batch);
}

/**
 * smmuv3_evtq_drain() - hand all stalled transactions of a device to the door
 * @device: the device; its translations are gone or replaced
 * @pasid: whose; those of others are handed over too
 *
 * As the unit holds back records of stalled transactions while the queue has no
 * room (7.2.1), it is done again if that may have been so after the invalidation
 * was complete; SMMUV3_DRAIN_ROUNDS times at most. What is held back for longer is
 * tried again under what the device's translations are now (4.7.3), so its record is
 * one of the new translations, or is aborted. Any number of callers at once. May sleep.
 */
void smmuv3_evtq_drain(struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_evtq *evtq = device->unit->evtq;
	unsigned int rounds = 0;
	bool again;
	u64 fulls;

	do {
		mutex_lock(&evtq->lock);
		evtq_pass(evtq);
		fulls = evtq->fulls;
		mutex_unlock(&evtq->lock);

		evtq_settle(device);

		/* One pass is enough: it reads the index afterwards. */
		mutex_lock(&evtq->lock);
		evtq_pass(evtq);
		again = evtq->fulls != fulls;
		mutex_unlock(&evtq->lock);
		rounds++;
		cond_resched();
	} while (again && rounds < SMMUV3_DRAIN_ROUNDS);
	smmuv3_lost_look(device->unit);
	trace_smmuv3_faults_drain(device->unit, smmuv3_device_sid(device), pasid,
				  rounds);
}

/**
 * smmuv3_evtq_alloc() - the memory of the event queue
 * @unit: its capabilities are decoded
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM; then nothing is left behind.
 */
int smmuv3_evtq_alloc(struct smmuv3_unit *unit)
{
	struct smmuv3_evtq *evtq;
	int rc;

	evtq = kzalloc(sizeof(*evtq), GFP_KERNEL);
	if (!evtq)
		return -ENOMEM;
	evtq->ring.unit = unit;
	evtq->ring.log2 = min(unit->caps.evtq_log2, EVTQ_LOG2_MAX);
	evtq->ring.words = EVTQ_WORDS;
	evtq->ring.base_reg = SMMU_EVENTQ_BASE;
	evtq->ring.prod_reg = SMMU_EVENTQ_PROD;
	evtq->ring.cons_reg = SMMU_EVENTQ_CONS;
	rc = smmuv3_ring_alloc(&evtq->ring);
	if (rc) {
		kfree(evtq);
		return rc;
	}
	mutex_init(&evtq->lock);
	mutex_init(&evtq->respond_lock);
	smmuv3_lost_init(evtq);
	unit->evtq = evtq;
	return 0;
}

/**
 * smmuv3_evtq_free() - undo smmuv3_evtq_alloc()
 * @unit: is off; no device is left behind it
 */
void smmuv3_evtq_free(struct smmuv3_unit *unit)
{
	struct smmuv3_evtq *evtq = unit->evtq;

	if (!evtq)
		return;
	unit->evtq = NULL;
	mutex_destroy(&evtq->respond_lock);
	mutex_destroy(&evtq->lock);
	smmuv3_ring_free(&evtq->ring);
	kfree(evtq);
}

/**
 * smmuv3_evtq_setup() - tell the unit where the event queue is
 * @unit: CR0.EVENTQEN is 0
 */
void smmuv3_evtq_setup(struct smmuv3_unit *unit)
{
	struct smmuv3_evtq *evtq = unit->evtq;

	mutex_lock(&evtq->lock);
	smmuv3_ring_setup(&evtq->ring);
	mutex_unlock(&evtq->lock);
}

/**
 * smmuv3_evtq_start() - connect the interrupt
 * @unit: IRQ_CTRL.EVENTQ_IRQEN is set before anything can be recorded
 *
 * May sleep.
 *
 * Return: 0, or what requesting the interrupt returns.
 */
int smmuv3_evtq_start(struct smmuv3_unit *unit)
{
	return unit->door->irq_request(unit, SMMUV3_IRQ_EVTQ, NULL, evtq_thread,
				       unit->evtq);
}

/**
 * smmuv3_evtq_stop() - undo smmuv3_evtq_start()
 * @unit: no device is left behind it
 *
 * May sleep.
 */
void smmuv3_evtq_stop(struct smmuv3_unit *unit)
{
	unit->door->irq_free(unit, SMMUV3_IRQ_EVTQ, unit->evtq);
}
