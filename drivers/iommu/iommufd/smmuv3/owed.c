// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a unit owes: invalidations that were not carried out.
 *
 * A device may withhold the completions of its ATC invalidations. The CMD_SYNC behind
 * one then waits, and with it the queue and everybody else's invalidations, until the
 * unit's own time-out (3.9.1.4; PCIe lets a device take a minute and a half). Nobody
 * can spin for that, so whoever waits gives up sooner, and the unit owes: what it may
 * still have cached is not known any more.
 *
 * Every so often a work looks whether the queue goes on. When it does, all is done once
 * more: devices that do not answer are shut out, all configuration and all TLB entries
 * are invalidated, and all that the other devices have cached. What was taken out of a
 * table before that began cannot be reached when it is through. A unit whose queue
 * stands still for longer than any device may take is turned off: it lets no DMA
 * through then, which serves as well.
 *
 * The count of what is owed, and the work, are map/owed.c's.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/delay.h>

#include "cmdq.h"
#include "domain.h"
#include "owed.h"

/* PCIe 6.0, 10.3.1: one minute, and half as much again; the unit may add to that */
#define OWED_PATIENCE_MS	(120 * MSEC_PER_SEC)
/* What was under way when a unit was turned off has ended */
#define OWED_DRAIN_MS		100

/* What is kept that refers to a unit, of all units. */
static struct map_kept kept;

/**
 * smmuv3_owed_keep() - keep something until a unit has forgotten everything
 * @unit: that it refers to
 * @item: with its release
 *
 * Any context.
 *
 * Return: false: @unit owes nothing, @item is the caller's still.
 */
bool smmuv3_owed_keep(struct smmuv3_unit *unit,
		      struct map_quarantine_item *item)
{
	return smmuv3_unit_owing(unit) && map_kept_add(&kept, item);
}

/** smmuv3_owed_left() - something that was kept does not refer to its unit any more */
void smmuv3_owed_left(void)
{
	map_kept_left(&kept);
}

/**
 * smmuv3_unit_owes() - a unit did not carry out what it was told
 * @unit: which
 *
 * From here on smmuv3_unit_owing(), until smmuv3_owed_prove() has succeeded. Any
 * context.
 */
void smmuv3_unit_owes(struct smmuv3_unit *unit)
{
	/* Nothing gets through one that has given up, or was turned off */
	if (!READ_ONCE(unit->broken))
		map_owed_add(&unit->owed);
}

/* What a device has cached is of no use to it if translated requests are refused. */
static void shut_out_devices(struct smmuv3_unit *unit)
{
	struct smmuv3_stream *stream;
	unsigned long sid;

	xa_for_each(&unit->streams, sid, stream)
		if (smmuv3_device_is_loose(stream->device))
			smmuv3_shut_out_locked(stream->device);
}

/*
 * A function that may ignore that a request is global is told of each PASID, also of
 * those that were detached since: that may be what it was not told. With a guest's
 * table of PASIDs it has no ATS (attach.c).
 */
static void flush_device(struct smmuv3_batch *batch,
			 const struct smmuv3_stream *stream)
{
	struct smmuv3_device *device = stream->device;
	ioasid_t pasid = IOMMU_NO_PASID;

	if (smmuv3_device_forgets_all(device)) {
		smmuv3_batch_atc_inv_all(batch, stream->sid);
		return;
	}
	smmuv3_batch_atc_inv(batch, stream->sid, IOMMU_NO_PASID, 0, U64_MAX);
	for (;;) {
		pasid = smmuv3_context_next(device, pasid + 1);
		/* Each submission to one that does not answer would time out */
		if (pasid >= device->max_pasids || batch->rc)
			return;
		smmuv3_batch_atc_inv(batch, stream->sid, pasid, 0, U64_MAX);
		/* There may be a million of them */
		cond_resched();
	}
}

/*
 * One after the other, so that it is known who does not answer. Of one that did not,
 * smmuv3_device_is_loose() is true, and the next try begins with it.
 */
static int flush_devices(struct smmuv3_unit *unit)
{
	DEFINE_SMMUV3_BATCH(batch, unit);
	struct smmuv3_stream *stream;
	unsigned long sid;

	xa_for_each(&unit->streams, sid, stream) {
		if (!smmuv3_device_has_atc(stream->device))
			continue;
		flush_device(&batch, stream);
		if (smmuv3_batch_submit(&batch))
			return batch.rc;
		cond_resched();
	}
	return 0;
}

/* In this order, or one could fill up again from another. */
static int flush_everything(struct smmuv3_unit *unit)
{
	DEFINE_SMMUV3_BATCH(batch, unit);

	smmuv3_batch_cfgi_all(&batch);
	smmuv3_batch_barrier(&batch);
	smmuv3_batch_tlbi_all(&batch);
	return smmuv3_batch_submit(&batch) ?: flush_devices(unit);
}

/*
 * Of no device the unit has anything that is not so any more. Whoever is told of another
 * failure holds the lock.
 */
static bool paid(struct smmuv3_unit *unit, u64 until)
{
	struct smmuv3_stream *stream;
	unsigned long sid;

	lockdep_assert_held(&unit->lock);
	if (!map_owed_paid(&unit->owed, until))
		return false;
	xa_for_each(&unit->streams, sid, stream) {
		WRITE_ONCE(stream->device->late, false);
		stream->device->kept_tags = 0;
	}
	return true;
}

/**
 * smmuv3_owed_prove() - have a unit forget everything
 * @unit: started
 *
 * May sleep; takes smmuv3_unit::lock.
 *
 * Return: 0: it owes nothing; -EAGAIN: not yet.
 */
int smmuv3_owed_prove(struct smmuv3_unit *unit)
{
	u64 before = map_owed_count(&unit->owed);
	int rc;

	if (!smmuv3_unit_owing(unit))
		return 0;
	/* More commands would only stand in the queue of one that stands still */
	if (smmuv3_cmdq_stuck_ms(unit) && !READ_ONCE(unit->broken))
		return -EAGAIN;
	mutex_lock(&unit->lock);
	shut_out_devices(unit);
	rc = READ_ONCE(unit->broken) ? 0 : flush_everything(unit);
	if (rc || !paid(unit, before))
		rc = -EAGAIN;
	mutex_unlock(&unit->lock);
	return rc;
}

/* The queue has stood still for longer than any device can be the reason. */
static bool turn_off(struct smmuv3_unit *unit)
{
	int rc = smmuv3_unit_block(unit);

	if (rc) {
		pr_crit_ratelimited("%s: does nothing, and cannot be turned off: memory that it may reach is kept\n",
				    unit->name);
		return false;
	}
	WRITE_ONCE(unit->broken, true);
	pr_crit("%s: does not carry out commands: turned off, all DMA behind it is aborted\n",
		unit->name);
	msleep(OWED_DRAIN_MS);
	map_owed_paid(&unit->owed, map_owed_count(&unit->owed));
	return true;
}

static bool owed_pay(struct map_owed *owed)
{
	struct smmuv3_unit *unit = container_of(owed, struct smmuv3_unit, owed);

	if (!smmuv3_owed_prove(unit))
		return true;
	return smmuv3_cmdq_stuck_ms(unit) > unit->owed_patience &&
	       turn_off(unit);
}

/**
 * smmuv3_owed_init() - a unit that owes nothing
 * @unit: not started
 */
void smmuv3_owed_init(struct smmuv3_unit *unit)
{
	map_owed_init(&unit->owed, unit->name, owed_pay);
	unit->owed_patience = OWED_PATIENCE_MS;
}

/**
 * smmuv3_owed_halt() - have a unit prove nothing by itself any more
 * @unit: about to stop, or stopped. It may owe something still
 *
 * May sleep.
 */
void smmuv3_owed_halt(struct smmuv3_unit *unit)
{
	map_owed_halt(&unit->owed);
}

/**
 * smmuv3_owed_exit() - a unit is stopped
 * @unit: nobody submits
 * @safe: no DMA gets through it any more. If not, and it owes something, what is kept
 *	is kept for ever
 *
 * Else waits until nothing that is kept refers to @unit, for which other units may
 * have to have paid as well. May sleep.
 */
void smmuv3_owed_exit(struct smmuv3_unit *unit, bool safe)
{
	smmuv3_owed_halt(unit);
	if (safe)
		map_owed_paid(&unit->owed, map_owed_count(&unit->owed));
	/* If it owes, then for ever, and nothing leaves the quarantine */
	if (!smmuv3_unit_owing(unit))
		map_kept_wait(&kept);
}
