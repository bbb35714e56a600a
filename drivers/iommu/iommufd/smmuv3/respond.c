// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fault door asks of a unit: answers, in batches, and switching on and off.
 * A PCI function has page requests (priq.c, pri.c), a platform device stalled
 * transactions (evtq.c, stall.c); no device has both.
 *
 * Locks: smmuv3_evtq::respond_lock, then the command queue's.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/bitfield.h>

#include "faults_internal.h"
#include "regs.h"
#include "trace.h"

/*
 * Stalled transactions of one device that the door keeps room for, whatever the
 * unit can stall. What is beyond is told to ask again, as in any overflow.
 */
#define STALLS_MAX		4096

/**
 * smmuv3_answers_submit() - submit answers, if there are any
 * @batch: the answers
 *
 * There is nothing that a caller could do about an error: a unit that refuses an
 * answer is broken, and a device that does not answer an invalidation keeps nobody
 * else's from its own.
 */
void smmuv3_answers_submit(struct smmuv3_batch *batch)
{
	int rc;

	if (!batch->num && !batch->done)
		return;
	rc = smmuv3_batch_submit(batch);
	if (rc && rc != -ETIMEDOUT)
		pr_err_ratelimited("%s: answers to faults were refused: %d\n",
				   batch->unit->name, rc);
}

/**
 * smmuv3_answer_page_request() - answer a page request group
 * @batch: takes the answer
 * @pr: its last request
 * @code: what to say
 * @wants_pasid: the function wants its PASID in responses (PCIe 6.0, 10.5.2.3, PRG
 *	Response PASID Required); one that does not may take such a response for
 *	another's
 */
void smmuv3_answer_page_request(struct smmuv3_batch *batch,
				const struct smmuv3_page_request *pr,
				enum smmuv3_pri_resp code, bool wants_pasid)
{
	bool with_pasid = wants_pasid && pr->req.pasid_valid;

	trace_smmuv3_page_response(batch->unit, pr, code);
	smmuv3_batch_pri_resp(batch, pr->sid, with_pasid,
			      with_pasid ? pr->req.pasid : 0, pr->req.grpid,
			      code);
}

/**
 * smmuv3_answer_stall() - let a stalled transaction go on
 * @batch: takes the answer
 * @sid: its StreamID
 * @stag: its tag
 * @retry: it is translated again; else it is aborted
 */
void smmuv3_answer_stall(struct smmuv3_batch *batch, u32 sid, u16 stag,
			 bool retry)
{
	trace_smmuv3_resume(batch->unit, sid, stag, retry);
	smmuv3_batch_resume(batch, sid, stag, retry);
}

static enum smmuv3_pri_resp pri_code(const struct smmuv3_device *device,
				     u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		return SMMUV3_PRI_SUCCESS;
	case IOMMUFD_PAGE_RESP_FAILURE:
		/*
		 * Failure switches the page request interface off (PCIe 6.0,
		 * 10.4.2), which belongs to the physical function: a virtual
		 * one must not take it from the others.
		 */
		if (!device->pdev->is_virtfn)
			return SMMUV3_PRI_FAILURE;
		break;
	}
	return SMMUV3_PRI_INVALID;
}

static void respond_page_request(struct smmuv3_batch *batch,
				 const struct smmuv3_device *device,
				 const struct iommufd_page_answer *answer)
{
	struct smmuv3_page_request pr = {
		.sid = smmuv3_device_sid(device),
		.req = {
			.pasid = answer->pasid,
			.grpid = answer->grpid,
			.pasid_valid = answer->pasid_valid,
		},
	};

	smmuv3_answer_page_request(batch, &pr, pri_code(device, answer->code),
				   device->prg_pasid);
}

static void respond_stall(struct smmuv3_batch *batch,
			  const struct smmuv3_device *device,
			  const struct iommufd_page_answer *answer)
{
	unsigned int stream = FIELD_GET(SMMUV3_GRPID_STREAM, answer->grpid);

	if (WARN_ON_ONCE(stream >= device->num_streams))
		return;
	smmuv3_answer_stall(batch, device->streams[stream].sid,
			    FIELD_GET(SMMUV3_GRPID_TAG, answer->grpid),
			    answer->code == IOMMUFD_PAGE_RESP_SUCCESS);
}

static void faults_respond(struct iommufd_fault_unit *fault_unit,
			   const struct iommufd_page_answer *answers,
			   unsigned int num)
{
	struct smmuv3_unit *unit = container_of(fault_unit, struct smmuv3_unit,
						fault_unit);
	struct smmuv3_evtq *evtq = unit->evtq;
	struct smmuv3_batch batch = {
		.unit = unit,
		.cmds = evtq->respond_cmds,
		.max = ARRAY_SIZE(evtq->respond_cmds),
	};
	unsigned int i;

	mutex_lock(&evtq->respond_lock);
	for (i = 0; i < num; i++) {
		const struct smmuv3_device *device =
			iommufd_fault_source_priv(answers[i].source);

		if (device->can_stall)
			respond_stall(&batch, device, &answers[i]);
		else
			respond_page_request(&batch, device, &answers[i]);
	}
	smmuv3_answers_submit(&batch);
	mutex_unlock(&evtq->respond_lock);
}

/* Whether faults stall is said of each table as it is attached (attach.c). */
static int faults_enable(struct iommufd_fault_source *source)
{
	struct smmuv3_device *device = iommufd_fault_source_priv(source);

	if (!device->can_stall)
		return smmuv3_pri_enable(device);
	smmuv3_stalls_enable(device);
	return 0;
}

static void faults_disable(struct iommufd_fault_source *source)
{
	struct smmuv3_device *device = iommufd_fault_source_priv(source);

	if (device->can_stall)
		smmuv3_stalls_disable(device);
	else
		smmuv3_pri_disable(device);
}

static void faults_drain(struct iommufd_fault_source *source, ioasid_t pasid)
{
	smmuv3_faults_drain(iommufd_fault_source_priv(source), pasid);
}

static void faults_query(struct iommufd_fault_source *source,
			 struct iommufd_fault_pri_hw *hw)
{
	struct smmuv3_device *device = iommufd_fault_source_priv(source);

	/* A stalled transaction carries its PASID, and failing one stops none. */
	if (!device->can_stall)
		smmuv3_pri_query(device, hw);
}

static int faults_stop(struct iommufd_fault_source *source)
{
	struct smmuv3_device *device = iommufd_fault_source_priv(source);

	if (!device->can_stall)
		return smmuv3_pri_stop(device);
	return smmuv3_stalls_stop(device);
}

/* What the fault door calls; sources have their &struct smmuv3_device as priv. */
const struct iommufd_fault_unit_ops smmuv3_fault_unit_ops = {
	.respond = faults_respond,
	.enable = faults_enable,
	.disable = faults_disable,
	.drain = faults_drain,
	.query = faults_query,
	.stop = faults_stop,
};

/**
 * smmuv3_faults_drain() - hand all faults of a device to the door
 * @device: the device
 * @pasid: the PASID, or IOMMU_NO_PASID for requests without one; those of other
 *	PASIDs are handed over too
 *
 * Its translations are gone or replaced already. May sleep.
 */
void smmuv3_faults_drain(struct smmuv3_device *device, ioasid_t pasid)
{
	if (device->can_stall)
		smmuv3_evtq_drain(device, pasid);
	else if (device->unit->priq)
		smmuv3_priq_drain(device, pasid);
}

/**
 * smmuv3_faults_capacity() - faults that a device may have outstanding
 * @device: the device
 *
 * Page requests are as many as the function can have, up to the slots of the
 * largest queue we make. Stalled transactions are as many as the unit can stall of
 * all its devices (IDR5.STALL_MAX), up to 4096.
 *
 * Return: what to register a source with; 0: it needs none.
 */
u32 smmuv3_faults_capacity(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;

	if (device->can_stall) {
		if (!unit->caps.stall && !unit->caps.stall_always)
			return 0;
		return clamp_t(u32, FIELD_GET(SMMU_IDR5_STALL_MAX, unit->idr[5]), 1,
			       STALLS_MAX);
	}
	if (!unit->priq || !device->pdev || !device->can_ats)
		return 0;
	return smmuv3_pri_allocation(device);
}

/**
 * smmuv3_faults_get_stats() - what has come through the queues of a unit
 * @unit: the unit
 * @stats: receives it
 *
 * May sleep.
 */
void smmuv3_faults_get_stats(struct smmuv3_unit *unit,
			     struct smmuv3_fault_stats *stats)
{
	struct smmuv3_evtq *evtq = unit->evtq;
	struct smmuv3_priq *priq = unit->priq;

	*stats = (struct smmuv3_fault_stats){
		.event_overflows = atomic64_read(&unit->event_overflows),
		.aborts = atomic64_read(&unit->queue_aborts),
	};
	if (evtq) {
		mutex_lock(&evtq->lock);
		stats->events = evtq->events;
		stats->stalls = evtq->stalls;
		stats->unknown = evtq->unknown;
		mutex_unlock(&evtq->lock);
	}
	if (priq) {
		mutex_lock(&priq->lock);
		stats->requests = priq->requests;
		stats->stop_markers = priq->stop_markers;
		stats->malformed = priq->malformed;
		stats->unknown += priq->unknown;
		stats->pri_overflows = priq->overflows;
		mutex_unlock(&priq->lock);
	}
}
