// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands for configuration caches, for devices, and answers (IHI 0070 4.3, 4.5,
 * 4.7). As tlbi.c, which has the rest: what a unit would stop at does not go in. No
 * locking: a batch belongs to who fills it.
 */
#include <linux/bitops.h>
#include <linux/pci.h>

#include "commands.h"
#include "device.h"

/* 4.5.1: unit of an ATC invalidation, whatever the granule */
#define BATCH_ATC_SHIFT		12

/**
 * smmuv3_batch_cfgi_ste() - one stream table entry (4.3.1)
 * @batch: batch
 * @sid: StreamID
 * @leaf: the level 1 descriptor did not change
 */
void smmuv3_batch_cfgi_ste(struct smmuv3_batch *batch, u32 sid, bool leaf)
{
	if (batch_bad_sid(batch->unit, sid)) {
		smmuv3_batch_cfgi_all(batch);
		return;
	}
	batch_put(batch, CMD_CFGI_STE | batch_stream(sid),
		  FIELD_PREP(CMD_LEAF, leaf));
}

/**
 * smmuv3_batch_cfgi_all() - every stream table entry and context descriptor (4.3.2)
 * @batch: batch
 */
void smmuv3_batch_cfgi_all(struct smmuv3_batch *batch)
{
	batch_put(batch, CMD_CFGI_STE_RANGE,
		  FIELD_PREP(CMD_CFGI_RANGE, CMD_CFGI_RANGE_ALL));
}

/**
 * smmuv3_batch_cfgi_cd() - one context descriptor (4.3.3)
 * @batch: batch
 * @sid: StreamID
 * @ssid: SubstreamID, 0 for requests without
 * @leaf: the level 1 descriptor did not change
 *
 * Nothing on a unit without stage 1, which has none.
 */
void smmuv3_batch_cfgi_cd(struct smmuv3_batch *batch, u32 sid, u32 ssid,
			  bool leaf)
{
	if (WARN_ON_ONCE(!batch->unit->caps.stage1))
		return;
	if (batch_bad_sid(batch->unit, sid)) {
		smmuv3_batch_cfgi_all(batch);
		return;
	}
	if (batch_bad_ssid(batch->unit, ssid)) {
		smmuv3_batch_cfgi_cd_all(batch, sid);
		return;
	}
	batch_put(batch,
		  CMD_CFGI_CD | FIELD_PREP(CMD_SSID, ssid) | batch_stream(sid),
		  FIELD_PREP(CMD_LEAF, leaf));
}

/**
 * smmuv3_batch_cfgi_cd_all() - all context descriptors of a stream (4.3.4)
 * @batch: batch
 * @sid: StreamID
 *
 * Nothing on a unit without stage 1, which has none.
 */
void smmuv3_batch_cfgi_cd_all(struct smmuv3_batch *batch, u32 sid)
{
	if (WARN_ON_ONCE(!batch->unit->caps.stage1))
		return;
	if (batch_bad_sid(batch->unit, sid))
		smmuv3_batch_cfgi_all(batch);
	else
		batch_put(batch, CMD_CFGI_CD_ALL | batch_stream(sid), 0);
}

/*
 * A naturally aligned block of 2^size pages (4.5.1), around [first, last], pages.
 * Everything is 2^52 pages, at 0.
 */
static void batch_put_atc(struct smmuv3_batch *batch, u64 qw0, u64 first,
			  u64 last)
{
	unsigned int size = fls64(first ^ last);

	batch_put(batch, qw0,
		  FIELD_PREP(CMD_ATC_SIZE, size) |
		  ((first >> size << size) << BATCH_ATC_SHIFT));
}

/*
 * Two blocks that meet where the addresses first differ, if they are less together
 * than the one around both: a small range over a large boundary would take all that
 * the device has with it.
 */
static void batch_put_atc_range(struct smmuv3_batch *batch, u64 qw0, u64 start,
				u64 last)
{
	u64 first = start >> BATCH_ATC_SHIFT, end = last >> BATCH_ATC_SHIFT;
	unsigned int size = fls64(first ^ end);
	u64 middle;

	if (size) {
		middle = end >> (size - 1) << (size - 1);
		if (BIT_ULL(fls64(first ^ (middle - 1))) +
		    BIT_ULL(fls64(middle ^ end)) < BIT_ULL(size)) {
			batch_put_atc(batch, qw0, first, middle - 1);
			batch_put_atc(batch, qw0, middle, end);
			return;
		}
	}
	batch_put_atc(batch, qw0, first, end);
}

/* One that was pulled out would only be waited for. */
static bool batch_is_gone(struct smmuv3_unit *unit, u32 sid)
{
	struct smmuv3_device *device;
	bool gone;

	rcu_read_lock();
	device = smmuv3_device_find(unit, sid);
	gone = device && device->pdev &&
	       pci_dev_is_disconnected(device->pdev);
	rcu_read_unlock();
	return gone;
}

static bool batch_no_atc(struct smmuv3_unit *unit, u32 sid)
{
	return WARN_ON_ONCE(!unit->caps.ats) || batch_bad_sid(unit, sid) ||
	       batch_is_gone(unit, sid);
}

/**
 * smmuv3_batch_atc_inv() - what a device has cached of a range (4.5.1)
 * @batch: batch
 * @sid: StreamID of a device that has ATS on; nothing is done if it is unplugged
 * @pasid: IOMMU_NO_PASID for requests without PASID
 * @start: first address
 * @last: last address
 *
 * The TLB, from which the device would get the same again, has to be flushed before
 * (3.9.1): smmuv3_batch_barrier().
 */
void smmuv3_batch_atc_inv(struct smmuv3_batch *batch, u32 sid, ioasid_t pasid,
			  u64 start, u64 last)
{
	struct smmuv3_unit *unit = batch->unit;
	u64 qw0 = CMD_ATC_INV | batch_stream(sid);

	if (batch_no_atc(unit, sid))
		return;
	if (WARN_ON_ONCE(start > last)) {
		start = 0;
		last = U64_MAX;
	}
	if (pasid != IOMMU_NO_PASID) {
		if (batch_bad_ssid(unit, pasid)) {
			smmuv3_batch_atc_inv_all(batch, sid);
			return;
		}
		qw0 |= CMD_SSV | FIELD_PREP(CMD_SSID, pasid);
	}
	batch_put_atc_range(batch, qw0, start, last);
}

static bool batch_has_pasids(struct smmuv3_unit *unit, u32 sid)
{
	struct smmuv3_device *device;
	bool has;

	rcu_read_lock();
	device = smmuv3_device_find(unit, sid);
	has = device && device->pasid_enabled;
	rcu_read_unlock();
	return has && unit->caps.ssid_bits;
}

/**
 * smmuv3_batch_atc_inv_all() - everything a device has cached (4.5.1)
 * @batch: batch
 * @sid: StreamID of a device that has ATS on; nothing is done if it is unplugged
 *
 * With and without PASID; a device whose PASIDs are off is sent no message with one.
 */
void smmuv3_batch_atc_inv_all(struct smmuv3_batch *batch, u32 sid)
{
	u64 qw0 = CMD_ATC_INV | batch_stream(sid);
	u64 qw1 = FIELD_PREP(CMD_ATC_SIZE, CMD_ATC_SIZE_ALL);

	if (batch_no_atc(batch->unit, sid))
		return;
	batch_put(batch, qw0, qw1);
	if (batch_has_pasids(batch->unit, sid))
		batch_put(batch, qw0 | CMD_SSV | CMD_GLOBAL, qw1);
}

/**
 * smmuv3_batch_pri_resp() - answer a group of page requests (4.5.2)
 * @batch: batch
 * @sid: StreamID of the group
 * @pasid_valid: the answer carries a PASID
 * @pasid: which, if so
 * @grpid: group index, 0 to 511
 * @code: answer
 *
 * An answer that cannot be encoded is one to nobody, and is dropped with a warning.
 */
void smmuv3_batch_pri_resp(struct smmuv3_batch *batch, u32 sid,
			   bool pasid_valid, u32 pasid, u32 grpid,
			   enum smmuv3_pri_resp code)
{
	struct smmuv3_unit *unit = batch->unit;
	u64 qw0 = CMD_PRI_RESP | batch_stream(sid);

	if (WARN_ON_ONCE(!unit->caps.pri || grpid > CMD_PRI_GROUP) ||
	    batch_bad_sid(unit, sid) ||
	    (pasid_valid && batch_bad_ssid(unit, pasid)))
		return;
	if (WARN_ON_ONCE(code > SMMUV3_PRI_SUCCESS))
		code = SMMUV3_PRI_INVALID;
	if (pasid_valid)
		qw0 |= CMD_SSV | FIELD_PREP(CMD_SSID, pasid);
	batch_put(batch, qw0,
		  FIELD_PREP(CMD_PRI_GROUP, grpid) |
		  FIELD_PREP(CMD_PRI_CODE, code));
}

/**
 * smmuv3_batch_resume() - let a stalled transaction go on (4.7.1)
 * @batch: batch, of a unit that stalls
 * @sid: StreamID of the transaction
 * @stag: its tag
 * @retry: translate it again; else it is aborted
 */
void smmuv3_batch_resume(struct smmuv3_batch *batch, u32 sid, u16 stag,
			 bool retry)
{
	if (WARN_ON_ONCE(!batch->unit->caps.stall) ||
	    batch_bad_sid(batch->unit, sid))
		return;
	batch_put(batch,
		  CMD_RESUME | batch_stream(sid) |
		  (retry ? CMD_RESUME_RETRY : CMD_RESUME_ABORT),
		  FIELD_PREP(CMD_RESUME_STAG, stag));
}
