/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a VT-d remapping unit in scalable mode: registers, invalidation
 * descriptors, table walks, caches, fault records, page request queue. Written
 * from the specification alone; it includes no header of the driver, nor of
 * drivers/iommu/intel.
 */
#ifndef __IOMMUFD_MODEL_VTD_H
#define __IOMMUFD_MODEL_VTD_H

#include "port.h"

struct vtd_model;

/*
 * page_private() of a page that DMA may go to while the unit is made to make a
 * mistake (vtd_mutant.h). Not needed otherwise.
 */
#define VTD_MODEL_PAGE		0x7d

/* Interrupts of the unit. */
enum vtd_model_irq {
	VTD_MODEL_IRQ_FAULT,
	VTD_MODEL_IRQ_PAGE_REQUEST,
	VTD_MODEL_NUM_IRQS,
};

/**
 * struct vtd_model_config - a unit to make
 * @cap: the capability register (11.4.2) as it is to read
 * @ecap: the extended capability register (11.4.3)
 * @raise: an interrupt is signalled: not masked, and its pending bit went up.
 *	Called with interrupts off
 * @data: for @raise
 */
struct vtd_model_config {
	u64 cap;
	u64 ecap;
	void (*raise)(void *data, enum vtd_model_irq which);
	void *data;
};

/*
 * Capabilities of a modern unit: 48-bit guest addresses, second stage of 4 and 5
 * levels with 2 MiB and 1 GiB leaves, dirty bits, first stage, nested, 20-bit
 * PASIDs, ATS, PRS with drain, snoop control, coherent walks, 65536 domain ids,
 * 8 fault records.
 */
extern const u64 vtd_model_cap;
extern const u64 vtd_model_ecap;

struct vtd_model *vtd_model_create(const struct vtd_model_config *config);
/* Complains of anything that is still switched on. */
void vtd_model_destroy(struct vtd_model *model);
struct model_port *vtd_model_port(struct vtd_model *model);

/* @size: 4 or 8 bytes; registers wider than that as the specification allows. */
u64 vtd_model_read(struct vtd_model *model, u32 offset, unsigned int size);
void vtd_model_write(struct vtd_model *model, u32 offset, unsigned int size,
		     u64 val);

/*
 * Carry out @num 256-bit descriptors, as if the unit had fetched them from the
 * invalidation queue and come to a wait descriptor behind them; @drain: with its
 * page-request drain bit. 0; -EINVAL: invalid descriptor, *index says which, at which
 * the head stays; those before it are done, and IQE is set in the fault status; -EBUSY:
 * nothing is done, as software has not cleared that; -ETIMEDOUT: a function did not
 * answer, *index says of which descriptor; whether others are done is open.
 */
int vtd_model_submit(struct vtd_model *model, const u64 (*descs)[4],
		     unsigned int num, bool drain, unsigned int *index);

/*
 * A unit without snooped walks sees of the memory that tables are in what was
 * there when it was last written back: this is the CPU doing so.
 */
void vtd_model_clean(struct vtd_model *model, void *addr, size_t size);

/**
 * enum vtd_model_inject - errors to make
 * @VTD_MODEL_INJECT_DROP: carry out the nth descriptor from now as if it were
 *	not there, and report success
 * @VTD_MODEL_INJECT_REFUSE: the nth descriptor from now is invalid: the queue stops
 * @VTD_MODEL_INJECT_TIMEOUT: the nth device-TLB invalidation from now times out
 * @VTD_MODEL_INJECT_DELAY: nth counts microseconds by which each page request
 *	interrupt comes late; 0 to stop: one that is late comes at once
 * @VTD_MODEL_INJECT_DROP_TYPES: nth is a bit mask of descriptor types (6.5.2): those
 *	are dropped; 0 to stop
 * @VTD_MODEL_INJECT_KEEP_TABLES: the nth descriptor from now leaves cached tables
 *	alone, as if only leaves had changed (IH)
 * @VTD_MODEL_INJECT_DROP_CLEAN: the nth vtd_model_clean() from now does nothing
 * @VTD_MODEL_INJECT_COMPLETION: the nth device-TLB invalidation from now is completed,
 *	and then once more, which nobody waits for (ICE)
 */
enum vtd_model_inject {
	VTD_MODEL_INJECT_DROP,
	VTD_MODEL_INJECT_REFUSE,
	VTD_MODEL_INJECT_TIMEOUT,
	VTD_MODEL_INJECT_DELAY,
	VTD_MODEL_INJECT_DROP_TYPES,
	VTD_MODEL_INJECT_KEEP_TABLES,
	VTD_MODEL_INJECT_DROP_CLEAN,
	VTD_MODEL_INJECT_COMPLETION,
	VTD_MODEL_NUM_INJECTS,
};

void vtd_model_inject(struct vtd_model *model, enum vtd_model_inject what,
		      unsigned long nth);

/**
 * struct vtd_model_counts - what the unit has done
 * @submits: calls of vtd_model_submit()
 * @descs: descriptors carried out, by type (0 to 15)
 * @dropped: those that were not, because a test wanted it, by type
 * @kept: those that left tables alone, because a test wanted it
 * @cleans: calls of vtd_model_clean(), dropped ones too; 0 where every walk snoops
 * @iotlb_hits: translations answered from the IOTLB
 * @walks: translations that read tables
 * @faults: fault records written
 * @fault_overflows: that found no room
 * @page_requests: entries written to the queue
 * @page_overflows: that found no room
 * @responses: page group responses sent on to functions, by code (0, 1, 0xf)
 */
struct vtd_model_counts {
	u64 submits;
	u64 descs[16];
	u64 dropped[16];
	u64 kept;
	u64 cleans;
	u64 iotlb_hits;
	u64 walks;
	u64 faults;
	u64 fault_overflows;
	u64 page_requests;
	u64 page_overflows;
	u64 responses[16];
};

void vtd_model_counts(struct vtd_model *model, struct vtd_model_counts *counts);

#endif
