/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invalidation (VT-d specification 6.5): descriptors are collected, checked
 * against what the unit can do, and submitted together.
 *
 * A batch is filled by one thread. A full one submits itself and goes on, so
 * only the order matters to who fills it: descriptors of one submission may be
 * carried out in any order but behind a barrier (vtd_batch_barrier()). The one
 * exception: a device TLB's is carried out after what is ahead of it (6.5.2.11).
 */
#ifndef __IOMMUFD_VTD_INVALIDATE_H
#define __IOMMUFD_VTD_INVALIDATE_H

#include "unit.h"

struct vtd_device;

/**
 * struct vtd_batch - descriptors on their way to a unit
 * @unit: the unit
 * @descs: room for @max
 * @max: 1 to VTD_SUBMIT_MAX
 * @num: collected and not submitted
 * @rc: first error of a submission so far
 * @failed: serial number, from 0 in the order of collection, of the first
 *	descriptor that failed; valid if @rc
 * @done: descriptors submitted so far
 */
struct vtd_batch {
	struct vtd_unit *unit;
	struct qi_desc *descs;
	unsigned int max;
	unsigned int num;
	int rc;
	unsigned long failed;
	unsigned long done;
};

/* Fits a kernel stack: 16 descriptors are half a kilobyte. */
#define DEFINE_VTD_BATCH(_name, _unit)					\
	struct qi_desc _name##_descs[16] __uninitialized;		\
	struct vtd_batch _name = {					\
		.unit = (_unit),					\
		.descs = _name##_descs,					\
		.max = ARRAY_SIZE(_name##_descs),			\
	}

/*
 * Any context. Ranges are [start, last], bytes; what is flushed may be more than
 * asked, never less.
 */

/* 6.5.2.1: context-cache entries of one requester; its entry had @did. */
void vtd_batch_context(struct vtd_batch *batch, u16 did, u16 rid);
/* 6.5.2.1: the whole context cache, for a new root table. */
void vtd_batch_context_all(struct vtd_batch *batch);
/* 6.5.2.2: one PASID-cache entry; it had @did. */
void vtd_batch_pasid(struct vtd_batch *batch, u16 did, u32 pasid);
/* 6.5.2.2: the whole PASID cache. */
void vtd_batch_pasid_all(struct vtd_batch *batch);
/*
 * 6.5.2.3: second-stage and nested mappings of a domain id. @leaf: no table was
 * taken out or put in, only leaves changed.
 */
void vtd_batch_iotlb(struct vtd_batch *batch, u16 did, u64 start, u64 last,
		     bool leaf);
void vtd_batch_iotlb_all(struct vtd_batch *batch);
/* 6.5.2.4: first-stage and nested mappings of (did, pasid). */
void vtd_batch_piotlb(struct vtd_batch *batch, u16 did, u32 pasid, u64 start,
		      u64 last, bool leaf);
/*
 * 6.5.2.5, 6.5.2.6: what the device has cached. IOMMU_NO_PASID: requests without
 * PASID. Nothing if the device has no ATS on.
 */
void vtd_batch_devtlb(struct vtd_batch *batch, struct vtd_device *device,
		      ioasid_t pasid, u64 start, u64 last);
/* The same of every PASID, and of requests without one. */
void vtd_batch_devtlb_all(struct vtd_batch *batch, struct vtd_device *device);
/* 7.7.1: page group response; @code is QI_RESP_*. */
void vtd_batch_page_response(struct vtd_batch *batch, u16 rid, bool pasid_valid,
			     u32 pasid, u32 grpid, u32 code);
/* What follows is carried out after what went before: submits what there is. */
void vtd_batch_barrier(struct vtd_batch *batch);

/*
 * Submit what is left. 0; -ETIMEDOUT: a device did not answer, everything but
 * what else there was for that device was carried out; -EIO: the unit refused a
 * descriptor or does not carry it out, which is a bug of the driver or broken
 * hardware.
 */
int vtd_batch_submit(struct vtd_batch *batch);

/* As vtd_batch_submit(), and wait until page requests are in memory (7.10). */
int vtd_batch_submit_drain(struct vtd_batch *batch);

#endif
