// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ending what a platform device may have stalled.
 *
 * Each stalled transaction that is known of is answered by itself (respond.c). For
 * what nobody knows of there is CMD_STALL_TERM (IHI 0070 4.7.2), which is allowed only
 * while the stream table entries abort: before that it is not said what becomes of
 * transactions and of their records. So whoever uses it holds smmuv3_unit::lock from
 * the look at the entries to the end.
 *
 * Locks: smmuv3_unit::lock, then smmuv3_evtq::lock.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>

#include "faults_internal.h"
#include "tables.h"

/* CMD_STALL_TERM (4.7.2). */
#define CMD_STALL_TERM		0x45
#define CMD_STALL_TERM_SID	GENMASK_ULL(63, 32)

/*
 * Microseconds for what was marked to end to have ended (4.7.2.1, step 4). The
 * architecture leaves it to the implementation how that is known, and no
 * implementation tells; it promises an end without unbounded delay.
 */
#define STALL_END_US		5000

/*
 * The entries abort, and no older one is cached. They must not say anything else before
 * what was marked has ended (4.7.2), and on return it has.
 */
static void stalls_terminate(struct smmuv3_device *device)
{
	DEFINE_SMMUV3_BATCH(batch, device->unit);
	unsigned int i;

	lockdep_assert_held(&device->unit->lock);
	for (i = 0; i < device->num_streams; i++) {
		struct smmuv3_cmd cmd = {
			.qw[0] = CMD_STALL_TERM |
				 FIELD_PREP(CMD_STALL_TERM_SID,
					    device->streams[i].sid),
		};

		smmuv3_batch_add(&batch, &cmd);
	}
	smmuv3_answers_submit(&batch);
	usleep_range(STALL_END_US, 2 * STALL_END_US);
	device->stalls = false;
}

/**
 * smmuv3_stalls_enable() - somebody answers from now on
 * @device: can stall
 *
 * Whether faults stall is said of each table as it is attached (attach.c). May sleep;
 * takes smmuv3_unit::lock.
 */
void smmuv3_stalls_enable(struct smmuv3_device *device)
{
	mutex_lock(&device->unit->lock);
	device->stalls = true;
	mutex_unlock(&device->unit->lock);
}

/**
 * smmuv3_stalls_disable() - nobody answers any more
 * @device: can stall; what the door knew of is answered
 *
 * If the device's entries abort, whatever should be left is terminated. Else it went
 * on to a table without stalls, and its DMA is not to be aborted for that: a record
 * that still comes is refused by the pass that finds it. May sleep; takes
 * smmuv3_unit::lock.
 */
void smmuv3_stalls_disable(struct smmuv3_device *device)
{
	struct smmuv3_stream_target now;

	mutex_lock(&device->unit->lock);
	smmuv3_stream_get(device, &now);
	if (now.type == SMMUV3_STREAM_ABORT)
		stalls_terminate(device);
	mutex_unlock(&device->unit->lock);
	smmuv3_evtq_drain(device, IOMMU_NO_PASID);
}

/**
 * smmuv3_stalls_stop() - begin anew
 * @device: can stall; the door refuses what comes
 *
 * First the entries abort, so that nothing new can stall; then all records of what
 * was stalled before are handed over, and aborted as the door refuses them; then what
 * is left without a record is terminated (4.7.2.1). DMA of the device is aborted
 * meanwhile. May sleep; takes smmuv3_unit::lock.
 *
 * Return: 0; -EIO: the unit refused an invalidation.
 */
int smmuv3_stalls_stop(struct smmuv3_device *device)
{
	static const struct smmuv3_stream_target abort = {
		.type = SMMUV3_STREAM_ABORT,
	};
	struct smmuv3_stream_target was;
	int rc, err = 0;

	mutex_lock(&device->unit->lock);
	smmuv3_stream_get(device, &was);
	rc = smmuv3_stream_set(device, &abort, NULL);
	smmuv3_evtq_drain(device, IOMMU_NO_PASID);
	stalls_terminate(device);
	if (was.type != SMMUV3_STREAM_ABORT)
		err = smmuv3_stream_set(device, &was, NULL);
	mutex_unlock(&device->unit->lock);
	return rc ?: err;
}
