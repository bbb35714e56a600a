// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that the unit could not write: external aborts at the event queue and the
 * page request queue (IHI 0070 7.2.2, 8.2).
 *
 * Which records were lost nobody knows, nor whether those in the queue are good. The
 * unit writes no more until the error is acknowledged. So the queue is emptied, and
 * whoever may wait for an answer that cannot come is made to begin anew: a device that
 * stalls has all its stalled transactions ended, a function that sends page requests
 * has its interface reset. What user space holds of them is answered before.
 *
 * And interrupts of these queues that the unit could not send (3.18.1): there is no other
 * until a queue was empty, so somebody has to look.
 *
 * It waits for hardware, and for those who attach and detach, so a work does it.
 *
 * Locks: the door's, then smmuv3_unit::lock, then those of the queues.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/device.h>

#include "faults_internal.h"
#include "regs.h"
#include "trace.h"

#define LOST_RECORDS	(SMMU_GERROR_EVENTQ_ABORT | SMMU_GERROR_PRIQ_ABORT)
#define LOST_INTERRUPTS	(SMMU_GERROR_MSI_EVENTQ_ABORT |		\
			 SMMU_GERROR_MSI_PRIQ_ABORT)

/* Memory that stays bad must not keep a CPU busy. */
#define LOST_INTERVAL	(HZ / 10)

/*
 * The next device at or after *@sid that has faults of a kind, with a reference, and
 * its StreamID in *@sid.
 */
static struct device *lost_next(struct smmuv3_unit *unit, unsigned long *sid,
				bool stalls)
{
	struct smmuv3_stream *stream;
	struct device *dev = NULL;

	mutex_lock(&unit->lock);
	xa_for_each_start(&unit->streams, *sid, stream, *sid) {
		struct smmuv3_device *device = stream->device;

		if (smmuv3_device_sid(device) != *sid || !device->source ||
		    device->can_stall != stalls)
			continue;
		if (stalls && !device->stalls)
			continue;
		dev = get_device(device->dev);
		break;
	}
	mutex_unlock(&unit->lock);
	return dev;
}

static void lost_events(struct smmuv3_unit *unit)
{
	struct device *dev;
	unsigned long sid;
	int rc;

	smmuv3_evtq_discard(unit);
	smmuv3_gerror_ack(unit, SMMU_GERROR_EVENTQ_ABORT);
	for (sid = 0; (dev = lost_next(unit, &sid, true)); sid++) {
		rc = iommufd_fault_pri_reset(dev);
		/* It may have gone meanwhile, with all it had */
		if (rc && rc != -EOPNOTSUPP && rc != -ENODEV)
			dev_err(dev, "stalled transactions may be left: %d\n",
				rc);
		put_device(dev);
	}
}

/* Interfaces are shared: all are off before the first is on again. */
static void lost_requests(struct smmuv3_unit *unit)
{
	struct device *dev;
	unsigned long sid;
	int rc;

	smmuv3_priq_discard(unit);
	for (sid = 0; (dev = lost_next(unit, &sid, false)); sid++) {
		iommufd_fault_pause(dev);
		put_device(dev);
	}
	smmuv3_gerror_ack(unit, SMMU_GERROR_PRIQ_ABORT);
	for (sid = 0; (dev = lost_next(unit, &sid, false)); sid++) {
		rc = iommufd_fault_resume(dev);
		if (rc)
			dev_err(dev, "page requests are off: %d\n", rc);
		put_device(dev);
	}
}

/*
 * What the interrupts' threads would have done. Acknowledged first: of what comes behind
 * the passes the unit tells again. As many turns as it takes to find the queues empty;
 * other errors are not kept waiting by devices that never fall silent.
 */
static void lost_interrupts(struct smmuv3_unit *unit, u32 errors)
{
	struct smmuv3_evtq *evtq = unit->evtq;

	smmuv3_gerror_ack(unit, errors);
	evtq->lost_irqs = smmuv3_events_drain(unit);
	evtq->lost_irqs |= smmuv3_priq_serve(unit);
	if (evtq->lost_irqs)
		queue_delayed_work(system_unbound_wq, &evtq->lost, 0);
}

static void lost_work(struct work_struct *work)
{
	struct smmuv3_evtq *evtq = container_of(to_delayed_work(work),
						struct smmuv3_evtq, lost);
	struct smmuv3_unit *unit = evtq->ring.unit;
	u32 active = smmuv3_gerror_active(unit);

	if (active & LOST_RECORDS) {
		trace_smmuv3_queue_abort(unit,
					 active & SMMU_GERROR_EVENTQ_ABORT,
					 active & SMMU_GERROR_PRIQ_ABORT);
		atomic64_inc(&unit->queue_aborts);
	}
	if (active & SMMU_GERROR_EVENTQ_ABORT)
		lost_events(unit);
	if (active & SMMU_GERROR_PRIQ_ABORT)
		lost_requests(unit);
	if (active & LOST_INTERRUPTS || evtq->lost_irqs)
		lost_interrupts(unit, active & LOST_INTERRUPTS);
	WRITE_ONCE(evtq->lost_last, jiffies);
}

/**
 * smmuv3_lost_init() - prepare for lost records
 * @evtq: of a unit
 */
void smmuv3_lost_init(struct smmuv3_evtq *evtq)
{
	INIT_DELAYED_WORK(&evtq->lost, lost_work);
	evtq->lost_last = jiffies - LOST_INTERVAL;
}

/**
 * smmuv3_lost_records() - a queue could not be written, or its interrupt not be sent
 * @unit: says so in GERROR; it is acknowledged when that is dealt with
 *
 * Any context.
 */
void smmuv3_lost_records(struct smmuv3_unit *unit)
{
	unsigned long next = READ_ONCE(unit->evtq->lost_last) + LOST_INTERVAL;
	unsigned long delay = 0;

	if (time_before(jiffies, next))
		delay = next - jiffies;
	queue_delayed_work(system_unbound_wq, &unit->evtq->lost, delay);
}

/**
 * smmuv3_lost_look() - look after what no interrupt may have told of
 * @unit: the unit
 *
 * For a unit without an interrupt for global errors, and for a drain: that interrupt may
 * have been lost, and then nobody else would look. Any context.
 */
void smmuv3_lost_look(struct smmuv3_unit *unit)
{
	if (smmuv3_gerror_active(unit) & (LOST_RECORDS | LOST_INTERRUPTS))
		smmuv3_lost_records(unit);
}

/**
 * smmuv3_lost_settle() - wait until what was lost is dealt with
 * @unit: the unit
 *
 * May sleep; none of the locks above is held.
 */
void smmuv3_lost_settle(struct smmuv3_unit *unit)
{
	flush_delayed_work(&unit->evtq->lost);
}

/**
 * smmuv3_lost_stop() - nothing is looked after any more
 * @unit: tells of no error any more, and no device is left behind it
 *
 * May sleep.
 */
void smmuv3_lost_stop(struct smmuv3_unit *unit)
{
	cancel_delayed_work_sync(&unit->evtq->lost);
}
