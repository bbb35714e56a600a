/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of the SMMUv3 fault queues share: a unit that fills its event and
 * page request queues as the specification says (IHI 0070 chapters 7 and 8), PCI
 * functions with configuration space, platform devices that stall, and a queue that
 * their faults end up in.
 */
#ifndef __IOMMUFD_SMMUV3_FAULTS_KUNIT_H
#define __IOMMUFD_SMMUV3_FAULTS_KUNIT_H

#include <linux/pci.h>

#include "../smmuv3/faults_internal.h"
#include "fault_kunit.h"
#include "smmuv3_fake.h"

#define ST_DEVS		FT_DEVS
/* Where the PRI capability of a function is. */
#define ST_PRI		0x200
/* First StreamID of a device; a device that stalls has ST_STREAMS. */
#define ST_SID(i)	(0x0100 + 0x40 * (i))
#define ST_STREAMS	5
/* Slots of both queues: what smmuv3_fake_idr says. */
#define ST_SLOTS	1024

/* Bits of a page request (8.1), for st_request(). */
#define ST_P		BIT(0)
#define ST_X		BIT(1)
#define ST_R		BIT(2)
#define ST_W		BIT(3)
#define ST_LAST		BIT(4)

/**
 * struct st_queue - a queue that the unit writes
 * @base: its memory
 * @words: 64-bit words of a record
 * @prod_reg: registers
 * @cons_reg: and
 * @prod: index with its wrap bit
 * @overflow: OVFLG, in its place
 * @pri: nothing is written while an overflow is not acknowledged (8.2)
 * @irq: its interrupt
 * @pending: that interrupt is to be raised
 * @interrupts: raised so far
 * @dropped: records that were lost
 * @freed: CONS at its last write
 * @max_freed: most slots given back by one write
 * @held: stalled transactions whose records found no room, oldest first
 * @num_held: how many
 */
struct st_queue {
	__le64 *base;
	unsigned int words;
	u32 prod_reg;
	u32 cons_reg;
	u32 prod;
	u32 overflow;
	bool pri;
	enum smmuv3_irq irq;
	bool pending;
	unsigned int interrupts;
	unsigned int dropped;
	u32 freed;
	u32 max_freed;
	u64 held[64][4];
	unsigned int num_held;
};

/**
 * struct st_device - a PCI function with a PRI capability, or a device that stalls
 * @pdev: what the kernel knows, of a function
 * @bus: its bus
 * @dev: what the door knows it by
 * @device: what the driver knows
 * @config: configuration space
 * @on_control: called with each value written to the PRI control register
 * @on_status: called before the PRI status register is read
 * @on_vendor: called before the vendor id is read. Optional, all three
 */
struct st_device {
	struct pci_dev pdev;
	struct pci_bus bus;
	struct device *dev;
	struct smmuv3_device *device;
	u8 config[4096];
	void (*on_control)(struct st_device *fn, u16 control);
	void (*on_status)(struct st_device *fn);
	void (*on_vendor)(struct st_device *fn);
};

/**
 * struct st - a unit, devices, a queue
 * @test: the case
 * @fake: the unit; its lock guards what follows up to @priv
 * @ft: the queue, and the devices' sources
 * @fn: devices
 * @evtq: event queue
 * @priq: page request queue
 * @steps: accesses to registers of the queues, and commands, so far
 * @answers: answers to page requests and stalls so far; st_forget() keeps it
 * @on_step: called before each of them takes effect, under the fake's lock: for
 *	st_add(). Optional
 * @priv: the case's own
 */
struct st {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct ft ft;
	struct st_device fn[ST_DEVS];
	struct st_queue evtq;
	struct st_queue priq;
	unsigned int steps;
	unsigned int answers;
	void (*on_step)(struct st *st);
	void *priv;
};

/* What st_new() makes of its devices. */
enum st_kind {
	ST_PCI,
	ST_STALL,
};

struct st *st_new(struct kunit *test, enum st_kind kind, u32 depth,
		  u32 outstanding);
void st_done(struct st *st);

/* Under the fake's lock. False: it is lost, or waits. */
bool st_add(struct st *st, struct st_queue *q, const u64 *qw);
/* Without it. */
bool st_record(struct st *st, struct st_queue *q, const u64 *qw);

/* Records as the specification lays them out. @pasid: FT_NO_PASID for none. */
void st_make_request(u64 *qw, u32 sid, u32 pasid, u32 grpid, u64 addr,
		     u32 bits);
bool st_request(struct st *st, u32 sid, u32 pasid, u32 grpid, u64 addr,
		u32 bits);
void st_make_stall(u64 *qw, u32 sid, u32 pasid, u16 stag, u64 addr);
bool st_stall(struct st *st, u32 sid, u32 pasid, u16 stag, u64 addr);
/* C_BAD_STE: one that nobody can answer. */
void st_make_fault(u64 *qw, u32 sid);

/* Raise what is pending; afterwards nothing may be left behind. */
void st_interrupt(struct st *st);
bool st_take_interrupt(struct st *st, struct st_queue *q);

struct iommufd_fault_attach *st_attach(struct st *st, int fn, ioasid_t pasid);
/* How often such a command was given. */
unsigned int st_responses(struct st *st, u32 sid, u32 pasid, u32 grpid,
			  u32 code);
unsigned int st_resumes(struct st *st, u32 sid, u16 stag, bool retry);
unsigned int st_count(struct st *st, u8 op);
void st_forget(struct st *st);

struct smmuv3_fault_stats st_stats(struct st *st);
struct fault_queue_stats st_queue_stats(struct st *st);
u32 st_open(struct st *st);
ssize_t st_answer(struct st *st, struct iommu_hwpt_page_response *resp,
		  unsigned int num);

/*
 * Records of the first device that come at any three moments between one access of the
 * driver to the unit and the next: none is left behind without an interrupt. Each is
 * to be answered at once.
 */
void st_orders(struct st *st, struct st_queue *q);

/**
 * struct st_race - a queue in use by others
 * @st: the unit
 * @q: its queue
 * @thread: the interrupt's
 * @noise: the second device, which never falls silent
 * @stop: they are to end
 */
struct st_race {
	struct st *st;
	struct st_queue *q;
	struct ft_call thread;
	struct ft_call noise;
	bool stop;
};

void st_race_start(struct st *st, struct st_queue *q, struct st_race *race);
void st_race_end(struct st_race *race);

#endif
