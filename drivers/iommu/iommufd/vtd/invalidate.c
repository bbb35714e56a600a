// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation descriptors.
 *
 * A range becomes one or two naturally aligned blocks, at most twice as large
 * together: a descriptor more costs more than flushing a little too much.
 *
 * The unit stops at a descriptor that it does not know or whose reserved bits are
 * set, with interrupts off in whoever waits for it. So nothing goes in that its
 * capabilities do not cover: a wider flush that they do cover goes in instead.
 *
 * After a time-out nothing is known: it may have been somebody else's. What is
 * safe to do twice is done again, first what cannot time out, then device by
 * device, so that the one that does not answer is known. Answers to page requests
 * are never sent twice, because the group index may be in use again; the queue
 * goes on behind a time-out (6.5.2.10), so they are on their way.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/pci.h>

#include "device.h"
#include "invalidate.h"
#include "owed.h"

/* Other people's time-outs that are put up with. */
#define BATCH_TRIES		8
/* A device's own, until it is not asked any more: each may take a minute. */
#define BATCH_DEVICE_TRIES	2

#define BATCH_TYPE		GENMASK_ULL(3, 0)
/* Bit 0 of the PASID-based device-TLB descriptor: all PASIDs (6.5.2.6) */
#define BATCH_DEVICE_GLOBAL	BIT_ULL(0)
#define BATCH_MAX_GROUP		511

static int batch_send(struct vtd_batch *batch, struct qi_desc *descs,
		      unsigned int num, bool drain)
{
	struct vtd_unit *unit = batch->unit;

	atomic64_inc(&unit->submits);
	return unit->door->submit(unit, descs, num, drain);
}

/* Try again while it is somebody else's time-out, as far as that can be told. */
static int batch_resend(struct vtd_batch *batch, struct qi_desc *descs,
			unsigned int num, bool drain, unsigned int tries)
{
	int rc;

	do {
		rc = batch_send(batch, descs, num, drain);
	} while (rc == -ETIMEDOUT && --tries);
	return rc;
}

/* A descriptor that does nothing but wait for those before it (6.5.2.8). */
static int batch_wait(struct vtd_batch *batch, bool drain, unsigned int tries)
{
	struct qi_desc desc = { .qw0 = QI_IWD_TYPE | QI_IWD_FENCE };

	return batch_resend(batch, &desc, 1, drain, tries);
}

/* A device that did not answer loses ATS; what the unit did not do, it owes. */
static void batch_fail(struct vtd_batch *batch, unsigned int index, int rc)
{
	if (rc == -EIO)
		vtd_unit_owes(batch->unit);
	if (batch->rc)
		return;
	batch->rc = rc;
	batch->failed = batch->done + index;
}

static bool batch_is_device(const struct qi_desc *desc)
{
	u64 type = desc->qw0 & BATCH_TYPE;

	return type == QI_DIOTLB_TYPE || type == QI_DEIOTLB_TYPE;
}

static bool batch_is_response(const struct qi_desc *desc)
{
	return (desc->qw0 & BATCH_TYPE) == QI_PGRP_RESP_TYPE;
}

/* The function that a device-TLB descriptor is for. */
static u16 batch_rid(const struct qi_desc *desc)
{
	if ((desc->qw0 & BATCH_TYPE) == QI_DIOTLB_TYPE)
		return desc->qw0 >> 32;
	return desc->qw0 >> 16;
}

/*
 * What it has cached may be stale: it loses ATS. Who flushes for others' memory
 * does that before it goes on (vtd_domain_distrust()), the work for the rest.
 */
static void batch_distrust(struct vtd_unit *unit, u16 rid)
{
	struct vtd_device *device;

	rcu_read_lock();
	device = xa_load(&unit->devices, rid);
	if (device) {
		WRITE_ONCE(device->suspect, true);
		schedule_work(&device->distrust_work);
	}
	rcu_read_unlock();
}

static bool batch_is_suspect(struct vtd_unit *unit, u16 rid)
{
	struct vtd_device *device;
	bool suspect;

	rcu_read_lock();
	device = xa_load(&unit->devices, rid);
	suspect = device && READ_ONCE(device->suspect);
	rcu_read_unlock();
	return suspect;
}

/*
 * A time-out is told to whoever waits at that moment (6.5.2.10). It is this device's if
 * nobody else's follows: a descriptor that cannot time out by itself goes through then.
 */
static int batch_ask_device(struct vtd_batch *batch, struct qi_desc *desc)
{
	unsigned int tries, proofs = 0;
	int rc = -ETIMEDOUT;

	for (tries = 0; tries < BATCH_TRIES && proofs < BATCH_DEVICE_TRIES;
	     tries++) {
		/* Another has found so meanwhile */
		if (batch_is_suspect(batch->unit, batch_rid(desc)))
			break;
		rc = batch_send(batch, desc, 1, false);
		if (rc != -ETIMEDOUT)
			break;
		if (batch_wait(batch, false, 1) != -ETIMEDOUT)
			proofs++;
	}
	return rc;
}

/* A function that did not answer is not asked again: each costs a time-out. */
static void batch_redo_devices(struct vtd_batch *batch)
{
	DECLARE_BITMAP(dead, VTD_SUBMIT_MAX) = { };
	struct vtd_unit *unit = batch->unit;
	unsigned int i, k;
	int rc;

	for (i = 0; i < batch->num; i++) {
		struct qi_desc *desc = batch->descs + i;
		u16 rid = batch_rid(desc);

		if (!batch_is_device(desc))
			continue;
		for_each_set_bit(k, dead, i) {
			if (batch_rid(batch->descs + k) == rid)
				break;
		}
		if (k < i)
			continue;

		rc = batch_ask_device(batch, desc);
		if (rc == -ETIMEDOUT) {
			__set_bit(i, dead);
			atomic64_inc(&unit->timeouts);
			pr_warn_ratelimited("%s: device %02x:%02x.%u does not answer an invalidation of its translations\n",
					    unit->name, PCI_BUS_NUM(rid),
					    PCI_SLOT(rid & 0xff),
					    PCI_FUNC(rid & 0xff));
			batch_fail(batch, i, -ETIMEDOUT);
			batch_distrust(unit, rid);
		} else if (rc) {
			batch_fail(batch, i, -EIO);
		}
	}
}

static void batch_redo(struct vtd_batch *batch, bool drain)
{
	bool wait = drain;
	unsigned int i, end;

	for (i = 0; i < batch->num; i = end) {
		end = i + 1;
		if (batch_is_response(batch->descs + i))
			wait = true;
		if (batch_is_response(batch->descs + i) ||
		    batch_is_device(batch->descs + i))
			continue;
		while (end < batch->num &&
		       !batch_is_response(batch->descs + end) &&
		       !batch_is_device(batch->descs + end))
			end++;
		if (batch_resend(batch, batch->descs + i, end - i, false,
				 BATCH_TRIES))
			batch_fail(batch, i, -EIO);
	}
	batch_redo_devices(batch);
	if (wait && batch_wait(batch, drain, BATCH_TRIES))
		batch_fail(batch, 0, -EIO);
}

static void batch_flush(struct vtd_batch *batch, bool drain)
{
	int rc;

	drain = drain && batch->unit->caps.drain;
	if (batch->num) {
		rc = batch_send(batch, batch->descs, batch->num, drain);
		if (rc == -ETIMEDOUT)
			batch_redo(batch, drain);
		else if (rc)
			batch_fail(batch, 0, -EIO);
	} else if (drain) {
		if (batch_wait(batch, true, BATCH_TRIES))
			batch_fail(batch, 0, -EIO);
	}
	batch->done += batch->num;
	batch->num = 0;
}

static void batch_add(struct vtd_batch *batch, u64 qw0, u64 qw1)
{
	if (batch->num == batch->max)
		batch_flush(batch, false);
	batch->descs[batch->num++] = (struct qi_desc){
		.qw0 = qw0,
		.qw1 = qw1,
	};
}

/**
 * struct batch_block - a naturally aligned range
 * @addr: first address
 * @order: 2^n pages of 4 KiB, 0 to 52
 */
struct batch_block {
	u64 addr;
	unsigned int order;
};

/*
 * One or two blocks that cover [@start, @last]. Two, which meet where the range
 * crosses its most aligned address, if that is less than the one around both.
 */
static unsigned int batch_blocks(u64 start, u64 last,
				 struct batch_block blocks[2])
{
	u64 first = start >> VTD_PAGE_SHIFT, end = last >> VTD_PAGE_SHIFT, mid;
	unsigned int order, left, right;

	if (WARN_ON_ONCE(start > last)) {
		first = 0;
		end = U64_MAX >> VTD_PAGE_SHIFT;
	}

	order = fls64(first ^ end);
	if (order) {
		mid = (end >> (order - 1)) << (order - 1);
		left = fls64(first ^ (mid - 1));
		right = fls64(mid ^ end);
		if (BIT_ULL(left) + BIT_ULL(right) < BIT_ULL(order)) {
			blocks[0].addr = (mid - BIT_ULL(left)) << VTD_PAGE_SHIFT;
			blocks[0].order = left;
			blocks[1].addr = mid << VTD_PAGE_SHIFT;
			blocks[1].order = right;
			return 2;
		}
	}
	blocks[0].addr = ((first >> order) << order) << VTD_PAGE_SHIFT;
	blocks[0].order = order;
	return 1;
}

/*
 * The same within what a page-selective invalidation can say; 0 if it cannot. All there
 * is it cannot, however wide its mask: what is cached of pass-through has no pages
 * (6.5.2.4); and the hint that tables are as they were is about those of the second
 * stage, not about those of a guest, which are cached as the second stage had them.
 */
static unsigned int batch_masks(const struct vtd_unit *unit, u64 start,
				u64 last, struct batch_block blocks[2])
{
	unsigned int i, num = batch_blocks(start, last, blocks);

	if (!unit->caps.page_selective || (!start && last == U64_MAX))
		return 0;
	for (i = 0; i < num; i++) {
		if (blocks[i].order > unit->caps.max_mask)
			return 0;
	}
	return num;
}

static bool batch_bad_did(const struct vtd_unit *unit, u16 did)
{
	return WARN_ON_ONCE(did >= unit->caps.num_dids);
}

static bool batch_bad_pasid(const struct vtd_unit *unit, u32 pasid)
{
	return WARN_ON_ONCE(pasid >> unit->caps.pasid_bits);
}

/**
 * vtd_batch_context() - context-cache entries of one requester (6.5.2.1)
 * @batch: batch
 * @did: domain id that the entry had
 * @rid: requester id
 */
void vtd_batch_context(struct vtd_batch *batch, u16 did, u16 rid)
{
	if (batch_bad_did(batch->unit, did)) {
		vtd_batch_context_all(batch);
		return;
	}
	batch_add(batch,
		  QI_CC_SID(rid) | QI_CC_DID(did) |
		  QI_CC_GRAN(DMA_CCMD_DEVICE_INVL) | QI_CC_TYPE, 0);
}

/**
 * vtd_batch_context_all() - the whole context cache (6.5.2.1)
 * @batch: batch
 */
void vtd_batch_context_all(struct vtd_batch *batch)
{
	batch_add(batch, QI_CC_GRAN(DMA_CCMD_GLOBAL_INVL) | QI_CC_TYPE, 0);
}

/**
 * vtd_batch_pasid() - one PASID-cache entry (6.5.2.2)
 * @batch: batch
 * @did: domain id that the entry had
 * @pasid: PASID, 0 for RID
 */
void vtd_batch_pasid(struct vtd_batch *batch, u16 did, u32 pasid)
{
	if (batch_bad_did(batch->unit, did))
		vtd_batch_pasid_all(batch);
	else if (batch_bad_pasid(batch->unit, pasid))
		batch_add(batch,
			  QI_PC_DID(did) | QI_PC_GRAN(QI_PC_ALL_PASIDS) |
			  QI_PC_TYPE, 0);
	else
		batch_add(batch,
			  QI_PC_PASID(pasid) | QI_PC_DID(did) |
			  QI_PC_GRAN(QI_PC_PASID_SEL) | QI_PC_TYPE, 0);
}

/**
 * vtd_batch_pasid_all() - the whole PASID cache (6.5.2.2)
 * @batch: batch
 */
void vtd_batch_pasid_all(struct vtd_batch *batch)
{
	batch_add(batch, QI_PC_GRAN(QI_PC_GLOBAL) | QI_PC_TYPE, 0);
}

static u64 batch_iotlb(const struct vtd_unit *unit, u16 did, u64 gran)
{
	return QI_IOTLB_DID(did) | QI_IOTLB_DR(unit->caps.read_drain) |
	       QI_IOTLB_DW(unit->caps.write_drain) | QI_IOTLB_GRAN(gran) |
	       QI_IOTLB_TYPE;
}

/**
 * vtd_batch_iotlb() - second-stage and nested mappings of a range (6.5.2.3)
 * @batch: batch
 * @did: domain id
 * @start: first address
 * @last: last address; the whole domain id if the unit cannot say the range, or it is
 *	all there is
 * @leaf: only leaves changed, cached tables may stay
 */
void vtd_batch_iotlb(struct vtd_batch *batch, u16 did, u64 start, u64 last,
		     bool leaf)
{
	struct vtd_unit *unit = batch->unit;
	struct batch_block blocks[2];
	unsigned int i, num;

	if (batch_bad_did(unit, did)) {
		vtd_batch_iotlb_all(batch);
		return;
	}
	num = batch_masks(unit, start, last, blocks);
	if (!num)
		batch_add(batch, batch_iotlb(unit, did, DMA_TLB_DSI_FLUSH), 0);
	for (i = 0; i < num; i++)
		batch_add(batch, batch_iotlb(unit, did, DMA_TLB_PSI_FLUSH),
			  QI_IOTLB_ADDR(blocks[i].addr) | QI_IOTLB_IH(leaf) |
			  QI_IOTLB_AM(blocks[i].order));
}

/**
 * vtd_batch_iotlb_all() - the whole IOTLB (6.5.2.3)
 * @batch: batch
 */
void vtd_batch_iotlb_all(struct vtd_batch *batch)
{
	batch_add(batch, batch_iotlb(batch->unit, 0, DMA_TLB_GLOBAL_FLUSH), 0);
}

/**
 * vtd_batch_piotlb() - first-stage and nested mappings of a range (6.5.2.4)
 * @batch: batch
 * @did: domain id
 * @pasid: PASID, 0 for RID
 * @start: first address
 * @last: last address; the whole PASID if the unit cannot say the range, or it is all
 *	there is
 * @leaf: only leaves changed, cached tables may stay
 *
 * The unit drains reads and writes by itself.
 */
void vtd_batch_piotlb(struct vtd_batch *batch, u16 did, u32 pasid, u64 start,
		      u64 last, bool leaf)
{
	struct batch_block blocks[2];
	unsigned int i, num;
	u64 qw0;

	if (batch_bad_did(batch->unit, did) ||
	    batch_bad_pasid(batch->unit, pasid)) {
		vtd_batch_iotlb_all(batch);
		return;
	}
	qw0 = QI_EIOTLB_PASID(pasid) | QI_EIOTLB_DID(did) | QI_EIOTLB_TYPE;
	num = batch_masks(batch->unit, start, last, blocks);
	if (!num)
		batch_add(batch, qw0 | QI_EIOTLB_GRAN(QI_GRAN_NONG_PASID), 0);
	for (i = 0; i < num; i++)
		batch_add(batch, qw0 | QI_EIOTLB_GRAN(QI_GRAN_PSI_PASID),
			  QI_EIOTLB_ADDR(blocks[i].addr) | QI_EIOTLB_IH(leaf) |
			  QI_EIOTLB_AM(blocks[i].order));
}

/*
 * Address and size: the lowest bit of the address that is 0 says how large, with
 * @size_bit set; a single page has that clear.
 */
static u64 batch_device_range(const struct batch_block *block, u64 size_bit)
{
	if (!block->order)
		return block->addr;
	return block->addr | size_bit |
	       ((BIT_ULL(block->order - 1) - 1) << VTD_PAGE_SHIFT);
}

/* One that was pulled would only be waited for. */
static bool device_is_there(const struct vtd_device *device)
{
	return READ_ONCE(device->ats) &&
	       !(device->pdev && pci_dev_is_disconnected(device->pdev));
}

/*
 * Has a device to be asked once more? Then what it was asked for is submitted: the second
 * request is sent when the first has been completed, if that has not made it suspect.
 */
static bool batch_device_again(struct vtd_batch *batch,
			       const struct vtd_device *device)
{
	if (!device->ats_twice || !device_is_there(device))
		return false;
	vtd_batch_barrier(batch);
	return true;
}

/* 0 means 32. */
static u8 device_queue_depth(const struct vtd_device *device)
{
	return device->ats_qdep % QI_DEV_IOTLB_MAX_INVS;
}

/* Without throttling the id of the physical function is reserved. */
static u16 device_pfsid(const struct vtd_device *device)
{
	return device->unit->caps.throttle ? device->pfsid : 0;
}

/* What was translated without PASID (6.5.2.5). */
static void batch_device_blocks(struct vtd_batch *batch,
				const struct vtd_device *device,
				const struct batch_block *blocks,
				unsigned int num)
{
	u64 qw0 = QI_DEV_IOTLB_SID(vtd_device_rid(device)) |
		  QI_DEV_IOTLB_QDEP(device_queue_depth(device)) |
		  QI_DEV_IOTLB_PFSID(device_pfsid(device)) | QI_DIOTLB_TYPE;
	unsigned int i;

	for (i = 0; i < num; i++)
		batch_add(batch, qw0,
			  batch_device_range(blocks + i, QI_DEV_IOTLB_SIZE));
}

/* With one (6.5.2.6); @global is 0 or BATCH_DEVICE_GLOBAL. */
static void batch_device_pasid_blocks(struct vtd_batch *batch,
				      const struct vtd_device *device,
				      u32 pasid, u64 global,
				      const struct batch_block *blocks,
				      unsigned int num)
{
	u64 qw0 = QI_DEV_EIOTLB_PASID(pasid) |
		  QI_DEV_EIOTLB_SID(vtd_device_rid(device)) |
		  QI_DEV_EIOTLB_QDEP(device_queue_depth(device)) |
		  QI_DEV_EIOTLB_PFSID(device_pfsid(device)) | QI_DEIOTLB_TYPE;
	unsigned int i;

	for (i = 0; i < num; i++)
		batch_add(batch, qw0,
			  global | batch_device_range(blocks + i,
						      QI_DEV_EIOTLB_SIZE));
}

/*
 * Of one that did not answer before, and has not lost ATS yet, the caller is told the same
 * at once: to ask it again would be a time-out for all who wait for the unit.
 */
static bool device_wants_flush(struct vtd_batch *batch,
			       const struct vtd_device *device)
{
	if (!device_is_there(device) ||
	    WARN_ON_ONCE(!batch->unit->caps.device_tlb))
		return false;
	if (!READ_ONCE(device->suspect))
		return true;
	batch_fail(batch, batch->num, -ETIMEDOUT);
	return false;
}

/*
 * Requests with PASID 0 in a prefix are served as those without PASID are, for RID_PASID
 * is 0. But what the device has cached by them no request without PASID invalidates.
 */
static void batch_devtlb(struct vtd_batch *batch, struct vtd_device *device,
			 ioasid_t pasid, u64 start, u64 last)
{
	const struct vtd_caps *caps = &batch->unit->caps;
	struct batch_block blocks[2];
	unsigned int num;
	u64 global = 0;

	if (!device_wants_flush(batch, device))
		return;

	if (pasid != IOMMU_NO_PASID && batch_bad_pasid(batch->unit, pasid)) {
		pasid = IOMMU_NO_PASID;
		start = 0;
		last = U64_MAX;
		if (caps->pasid_bits)
			global = BATCH_DEVICE_GLOBAL;
	}
	num = batch_blocks(start, last, blocks);

	if (pasid == IOMMU_NO_PASID && !global)
		batch_device_blocks(batch, device, blocks, num);
	if (pasid != IOMMU_NO_PASID || global || device->pasid_enabled)
		batch_device_pasid_blocks(batch, device, pasid, global, blocks,
					  num);
}

/**
 * vtd_batch_devtlb() - what a device has cached of a range (6.5.2.5, 6.5.2.6)
 * @batch: batch, of the device's unit
 * @device: device; nothing is done if its ATS is off
 * @pasid: IOMMU_NO_PASID for requests without PASID, and with PASID 0
 * @start: first address
 * @last: last address
 *
 * Queue it behind the invalidation of the IOTLB from which the device would get
 * the same again; the unit keeps that order within a submission (6.5.2.11).
 */
void vtd_batch_devtlb(struct vtd_batch *batch, struct vtd_device *device,
		      ioasid_t pasid, u64 start, u64 last)
{
	batch_devtlb(batch, device, pasid, start, last);
	if (batch_device_again(batch, device))
		batch_devtlb(batch, device, pasid, start, last);
}

static void batch_devtlb_all(struct vtd_batch *batch, struct vtd_device *device)
{
	static const struct batch_block all = { .order = 52 };

	if (!device_wants_flush(batch, device))
		return;
	batch_device_blocks(batch, device, &all, 1);
	if (device->pasid_enabled)
		batch_device_pasid_blocks(batch, device, 0, BATCH_DEVICE_GLOBAL,
					  &all, 1);
}

/**
 * vtd_batch_devtlb_all() - all that a device has cached, of every PASID
 * @batch: batch, of the device's unit
 * @device: device; nothing is done if its ATS is off
 */
void vtd_batch_devtlb_all(struct vtd_batch *batch, struct vtd_device *device)
{
	batch_devtlb_all(batch, device);
	if (batch_device_again(batch, device))
		batch_devtlb_all(batch, device);
}

/**
 * vtd_batch_page_response() - answer a group of page requests (7.7.1)
 * @batch: batch
 * @rid: requester id of the group
 * @pasid_valid: its requests carried a PASID
 * @pasid: which, if so
 * @grpid: group index, 0 to 511
 * @code: QI_RESP_SUCCESS, QI_RESP_INVALID or QI_RESP_FAILURE
 *
 * Of a whole group, its last request included. An answer that cannot be encoded
 * is one to nobody, and is dropped with a warning.
 */
void vtd_batch_page_response(struct vtd_batch *batch, u16 rid, bool pasid_valid,
			     u32 pasid, u32 grpid, u32 code)
{
	if (WARN_ON_ONCE(!batch->unit->caps.page_requests ||
			 grpid > BATCH_MAX_GROUP) ||
	    (pasid_valid && batch_bad_pasid(batch->unit, pasid)))
		return;
	if (WARN_ON_ONCE(code != QI_RESP_SUCCESS && code != QI_RESP_INVALID &&
			 code != QI_RESP_FAILURE))
		code = QI_RESP_INVALID;

	batch_add(batch,
		  QI_PGRP_PASID(pasid_valid ? pasid : 0) | QI_PGRP_DID(rid) |
		  QI_PGRP_RESP_CODE(code) | QI_PGRP_PASID_P(pasid_valid) |
		  QI_PGRP_RESP_TYPE,
		  QI_PGRP_IDX(grpid) | QI_PGRP_LPIG(1));
}

/**
 * vtd_batch_barrier() - what follows is carried out after what went before
 * @batch: batch; its descriptors are submitted
 */
void vtd_batch_barrier(struct vtd_batch *batch)
{
	batch_flush(batch, false);
}

/**
 * vtd_batch_submit() - submit what is left
 * @batch: batch; may be used further, but keeps its first error
 *
 * Any context; spins till the unit is done.
 *
 * Return: 0; -ETIMEDOUT: a device did not answer, and batch->failed says which
 * descriptor. What else there was for that device in the same submission was not
 * sent again; everything else was carried out. -EIO: the unit refused a
 * descriptor, or would not say in several tries that it is done.
 */
int vtd_batch_submit(struct vtd_batch *batch)
{
	batch_flush(batch, false);
	return batch->rc;
}

/**
 * vtd_batch_submit_drain() - submit, and wait for page requests (7.10)
 * @batch: batch, may be empty
 *
 * Without the drain bit (ECAP.PDS) as vtd_batch_submit().
 *
 * Return: as vtd_batch_submit().
 */
int vtd_batch_submit_drain(struct vtd_batch *batch)
{
	batch_flush(batch, true);
	return batch->rc;
}
