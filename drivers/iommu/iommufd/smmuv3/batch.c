// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches: submitting what was collected, and what is told when it fails.
 *
 * A batch belongs to who fills it. Nothing here has a lock.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/bitmap.h>
#include <linux/ratelimit.h>

#include "commands.h"
#include "device.h"
#include "owed.h"

/* Of one whose ATS is turned on and off meanwhile: each may take a minute. */
#define BATCH_DEVICE_TRIES	3

static void batch_fail(struct smmuv3_batch *batch, unsigned int index, int rc)
{
	if (batch->rc)
		return;
	batch->rc = rc;
	batch->failed = batch->done + index;
}

static bool batch_is_atc(const struct smmuv3_cmd *cmd)
{
	return (cmd->qw[0] & CMD_OPCODE) == CMD_ATC_INV;
}

static u32 batch_sid(const struct smmuv3_cmd *cmd)
{
	return FIELD_GET(CMD_SID, cmd->qw[0]);
}

/* What it has cached may be stale: nothing that it translated is believed. */
static void batch_distrust(struct smmuv3_batch *batch, unsigned int index)
{
	u32 sid = batch_sid(&batch->cmds[index]);
	struct smmuv3_device *device;

	batch_fail(batch, index, -ETIMEDOUT);
	atomic64_inc(&batch->unit->timeouts);
	pr_warn_ratelimited("%s: StreamID %#x does not answer an invalidation of its translations\n",
			    batch->unit->name, sid);
	rcu_read_lock();
	device = smmuv3_device_find(batch->unit, sid);
	if (device)
		smmuv3_device_distrust(device);
	rcu_read_unlock();
}

/* What the unit did not do, or is not known to have done, it owes. */
static void batch_run(struct smmuv3_batch *batch, const struct smmuv3_cmd *cmds,
		      unsigned int num, struct smmuv3_cmdq_result *result)
{
	smmuv3_cmdq_run(batch->unit, cmds, num, result);
	if (result->rc || result->late)
		smmuv3_unit_owes(batch->unit);
}

/* One that is gone, or has ATS off, has nothing cached. */
static bool batch_is_off(const struct smmuv3_batch *batch, unsigned int index)
{
	struct smmuv3_device *device;
	bool off;

	rcu_read_lock();
	device = smmuv3_device_find(batch->unit,
				    batch_sid(&batch->cmds[index]));
	off = !device || !READ_ONCE(device->ats);
	rcu_read_unlock();
	return off;
}

/*
 * Is it the function's fault that it has not answered what it was asked at @since? While
 * its ATS is turned on or off it may do so (PCIe 6.0, 10.5.1.3).
 */
static bool batch_is_guilty(const struct smmuv3_batch *batch,
			    unsigned int index, unsigned long since)
{
	struct smmuv3_device *device;
	bool guilty;

	rcu_read_lock();
	device = smmuv3_device_find(batch->unit,
				    batch_sid(&batch->cmds[index]));
	guilty = device && smmuv3_device_ats_since(device, since);
	rcu_read_unlock();
	return guilty;
}

/* By itself; false if it does not answer. */
static bool batch_ask_device(struct smmuv3_batch *batch, unsigned int index)
{
	struct smmuv3_cmdq_result result;
	unsigned long since;
	unsigned int tries;

	for (tries = 0; tries < BATCH_DEVICE_TRIES; tries++) {
		if (batch_is_off(batch, index))
			return true;
		since = jiffies;
		batch_run(batch, &batch->cmds[index], 1, &result);
		if (result.rc)
			batch_fail(batch, index, result.rc);
		if (!result.unanswered)
			return true;
		if (batch_is_guilty(batch, index, since))
			break;
	}
	return false;
}

/* Not to be asked again: each time costs a time-out. */
static bool batch_is_dead(const struct smmuv3_batch *batch,
			  const unsigned long *dead, unsigned int index)
{
	unsigned int i;

	for_each_set_bit(i, dead, index)
		if (batch_sid(&batch->cmds[i]) == batch_sid(&batch->cmds[index]))
			return true;
	return false;
}

/*
 * The first invalidation of a device; SMMUV3_SUBMIT_MAX if they are for several
 * devices, or there is none.
 */
static unsigned int batch_only_device(const struct smmuv3_batch *batch)
{
	unsigned int i, first = SMMUV3_SUBMIT_MAX;

	for (i = 0; i < batch->num; i++) {
		if (!batch_is_atc(&batch->cmds[i]))
			continue;
		if (first == SMMUV3_SUBMIT_MAX)
			first = i;
		else if (batch_sid(&batch->cmds[i]) !=
			 batch_sid(&batch->cmds[first]))
			return SMMUV3_SUBMIT_MAX;
	}
	return first;
}

/*
 * A device has not answered, and the unit does not say which (7.1). If there are
 * several, or it need not have answered, each invalidation is done again by itself:
 * those that are carried out then are as good as if they had been the first time. While
 * the queue still stands at the SYNC behind them (@late) nothing can be found out that
 * way, and nobody is blamed who may have answered: smmuv3_owed_prove() asks them when it
 * goes on.
 */
static void batch_redo_devices(struct smmuv3_batch *batch, unsigned long since,
			       bool late)
{
	DECLARE_BITMAP(dead, SMMUV3_SUBMIT_MAX) = { };
	unsigned int i = batch_only_device(batch);

	if (i < batch->num && batch_is_guilty(batch, i, since)) {
		batch_distrust(batch, i);
		return;
	}
	if (late) {
		batch_fail(batch, 0, -EIO);
		return;
	}
	for (i = 0; i < batch->num; i++) {
		if (!batch_is_atc(&batch->cmds[i]) ||
		    batch_is_dead(batch, dead, i) || batch_ask_device(batch, i))
			continue;
		__set_bit(i, dead);
		batch_distrust(batch, i);
	}
}

static void batch_flush(struct smmuv3_batch *batch)
{
	unsigned long since = jiffies;
	struct smmuv3_cmdq_result result;

	if (!batch->num)
		return;
	batch_run(batch, batch->cmds, batch->num, &result);
	if (result.rc)
		batch_fail(batch, result.failed, result.rc);
	if (result.unanswered)
		batch_redo_devices(batch, since, result.late);
	batch->done += batch->num;
	batch->num = 0;
}

/* Does a SYNC have to come before @cmd? (smmuv3_caps_errata()) */
static bool batch_is_other_kind(const struct smmuv3_batch *batch,
				const struct smmuv3_cmd *cmd)
{
	if (!batch->unit->caps.one_kind || !batch->num)
		return false;
	return (batch->cmds[batch->num - 1].qw[0] ^ cmd->qw[0]) & CMD_OPCODE;
}

/**
 * smmuv3_batch_add() - add a command as it is
 * @batch: batch
 * @cmd: a command that the unit understands; no SYNC
 */
void smmuv3_batch_add(struct smmuv3_batch *batch, const struct smmuv3_cmd *cmd)
{
	if (batch->num == batch->max || batch_is_other_kind(batch, cmd))
		batch_flush(batch);
	batch->cmds[batch->num++] = *cmd;
}

/**
 * smmuv3_batch_barrier() - what follows is carried out after what went before
 * @batch: batch; its commands are submitted
 */
void smmuv3_batch_barrier(struct smmuv3_batch *batch)
{
	batch_flush(batch);
}

/**
 * smmuv3_batch_submit() - submit what is left, and wait until all is done
 * @batch: batch; may be used further, but keeps its first error
 *
 * Any context; spins.
 *
 * Return: 0; -ETIMEDOUT: a device did not answer, and is distrusted: batch->failed
 * says which command. What else there was for that device in the same submission was
 * not repeated. -EIO: the unit refused a command, or does not carry it out.
 */
int smmuv3_batch_submit(struct smmuv3_batch *batch)
{
	batch_flush(batch);
	return batch->rc;
}
