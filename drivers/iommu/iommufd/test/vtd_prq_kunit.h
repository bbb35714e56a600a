/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page request suites share: a unit that queues page requests as the
 * specification says, functions with PCI configuration space, and a queue that
 * their requests end up in.
 */
#ifndef __IOMMUFD_VTD_PRQ_KUNIT_H
#define __IOMMUFD_VTD_PRQ_KUNIT_H

#include <linux/pci.h>

#include "../vtd/invalidate.h"
#include "../vtd/prq.h"
#include "../vtd/tables.h"
#include "fault_kunit.h"
#include "vtd_fake.h"

#define PT_DEVS		FT_DEVS
/* Where the PRI capability of a function is. */
#define PT_PRI		0x200
#define PT_RID(i)	(0x0100 + 8 * (i))

/* Capabilities (11.4.2, 11.4.3): 48 bits, 4 levels, 2^16 domain ids, ranges. */
#define PT_CAP		(BIT_ULL(10) | 47ULL << 16 | 6 | BIT_ULL(39) | \
			 9ULL << 48)
/* Scalable mode, all stages, 20-bit PASIDs, ATS, PRS, drain; all snoops. */
#define PT_ECAP		(BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(26) | \
			 BIT_ULL(29) | BIT_ULL(30) | BIT_ULL(31) | \
			 19ULL << 35 | BIT_ULL(40) | BIT_ULL(42) | \
			 BIT_ULL(43) | BIT_ULL(46) | BIT_ULL(47) | BIT_ULL(48))

/* Bits of a page request (7.4.1), for pt_request(). */
#define PT_R		BIT(0)
#define PT_W		BIT(1)
#define PT_LAST		BIT(2)
#define PT_X		BIT(3)
#define PT_P		BIT(4)

/**
 * struct pt_function - a PCI function with a PRI capability
 * @pdev: what the kernel knows
 * @bus: its bus
 * @dev: what the door knows it by
 * @device: what the driver knows
 * @config: configuration space
 * @on_control: called with each value written to the PRI control register
 */
struct pt_function {
	struct pci_dev pdev;
	struct pci_bus bus;
	struct device *dev;
	struct vtd_device *device;
	u8 config[4096];
	void (*on_control)(struct pt_function *fn, u16 control);
};

/**
 * struct pt - a unit, functions, a queue
 * @test: the case
 * @fake: the unit
 * @ft: the queue, and the functions' sources
 * @fn: functions
 * @ring: the page request queue, as the unit was told
 * @lock: guards the unit's registers and what follows
 * @tail: where the unit writes next
 * @pending: an interrupt is to be raised
 * @interrupts: raised so far
 * @dropped: requests that found no room
 * @freed: the head register at its last write
 * @max_freed: most slots given back by one write
 * @steps: writes and submissions the driver has made so far
 * @submits: the step is a submission
 * @on_step: called before each of them takes effect. Optional
 * @priv: the case's own
 */
struct pt {
	struct kunit *test;
	struct vtd_fake *fake;
	struct ft ft;
	struct pt_function fn[PT_DEVS];
	u64 (*ring)[4];
	spinlock_t lock;		/* the unit */
	u32 tail;
	bool pending;
	unsigned int interrupts;
	unsigned int dropped;
	u32 freed;
	u32 max_freed;
	unsigned int steps;
	bool submits;
	void (*on_step)(struct pt *pt);
	void *priv;
};

struct pt *pt_new(struct kunit *test, u32 depth, u32 outstanding);
void pt_done(struct pt *pt);
bool pt_entry(struct pt *pt, const u64 *qw);
bool pt_request(struct pt *pt, u16 rid, u32 pasid, u32 grpid, u64 addr,
		u32 bits);
void pt_interrupt(struct pt *pt);
bool pt_take_interrupt(struct pt *pt);
struct iommufd_fault_attach *pt_attach(struct pt *pt, int fn, ioasid_t pasid);
unsigned int pt_responses(struct pt *pt, u16 rid, u32 pasid, u32 grpid,
			  u32 code);
unsigned int pt_all_responses(struct pt *pt);
struct vtd_prq_stats pt_stats(struct pt *pt);

#endif
