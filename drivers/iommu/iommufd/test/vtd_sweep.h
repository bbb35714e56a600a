/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sweep of dropped invalidations is made of: units, steps of the driver
 * on them, and probes that tell by DMA what is reachable.
 *
 * A step is set up with all caches warm, done, and checked. Nothing here fails a
 * test by itself: a check that is not met says so in vtd_sweep::why.
 */
#ifndef __IOMMUFD_VTD_SWEEP_H
#define __IOMMUFD_VTD_SWEEP_H

#include "vtd_rig.h"

struct kunit;
struct sweep_step;

/* Descriptor types (6.5.2) */
enum {
	SWEEP_CONTEXT = 1,
	SWEEP_IOTLB = 2,
	SWEEP_DEVICE_TLB = 3,
	SWEEP_PASID_IOTLB = 6,
	SWEEP_PASID = 7,
	SWEEP_PASID_DEVICE_TLB = 8,
};

/* Where requests of a RID or PASID go, before and after a transition */
enum sweep_state {
	SWEEP_BLOCKED,
	SWEEP_IDENTITY,
	SWEEP_SS_A,
	SWEEP_SS_B,
	SWEEP_NESTED_A1,
	SWEEP_NESTED_A2,
	/* the same first-stage address as A1, another second stage */
	SWEEP_NESTED_B1,
	/* of these, domains that come later and get the ids of others */
	SWEEP_SS_LATER,
	SWEEP_NESTED_LATER,
	SWEEP_STATES,
	/* those that there are transitions between */
	SWEEP_TRANSITION_STATES = SWEEP_SS_LATER,
};

/* Attachments of the other steps: a domain without and with PASID, a child */
enum {
	SWEEP_AT_RID,
	SWEEP_AT_PASID,
	SWEEP_AT_NESTED,
	SWEEP_ATS,
};

extern const ioasid_t sweep_pasids[SWEEP_ATS];

/*
 * PASID 0 in a prefix: it goes by the entry of requests without PASID, and what it has
 * translated is another's to the device TLB
 */
#define SWEEP_PREFIX_0	BIT(20)

/*
 * First-stage entry (9.7): present, writable, user; accessed and dirty, which a
 * unit that does not snoop cannot set
 */
#define SWEEP_FS_ENTRY		0x67ULL

/* 4-level first-stage table of a guest: a page each */
#define SWEEP_GUEST_LEVELS	4

/**
 * struct sweep_guest - first-stage tables in a guest's memory
 * @gpa: guest address of the topmost; the others follow
 * @table: from the top
 */
struct sweep_guest {
	u64 gpa;
	u64 *table[SWEEP_GUEST_LEVELS];
};

/* Addresses that are read all the time */
#define SWEEP_HOT	64

/* Pages of data that the steps use as they like */
#define SWEEP_DATA	16

/**
 * struct sweep_unit - a kind of unit, and of function behind it
 * @name: for rows
 * @clear_cap: capability bits taken from the modern unit's
 * @set_cap: added to it
 * @clear_ecap: extended capability bits taken away
 * @flags: MODEL_PCI_*
 * @no_transitions: they are as on the modern unit
 * @no_errors: nothing is left out: the model cannot tell
 */
struct sweep_unit {
	const char *name;
	u64 clear_cap;
	u64 set_cap;
	u64 clear_ecap;
	u32 flags;
	bool no_transitions;
	bool no_errors;
};

/**
 * struct sweep - a machine, and what is done on it
 * @test: that runs now
 * @rig: one function
 * @rid: its id
 * @dir_order: size of the directory of one that was unplugged, and
 * @dir: where it was, and
 * @table: where its first PASID table was
 * @unit: what kind
 * @state: domains of transitions
 * @value: what each state's probe address holds; 0: not reachable
 * @probe: that address; also the physical address of a page
 * @guests: of the nested states
 * @pages: data pages of the states
 * @data: data pages of the other steps, each with a value of its own
 * @domain: of the other steps: on SWEEP_AT_RID and SWEEP_AT_PASID
 * @child: over it: on SWEEP_AT_NESTED
 * @guest: its tables
 * @array: user memory for an invalidation
 * @hot: what was read while a step was set up: devices go on with it meanwhile
 * @num_hot: how many
 * @moving: the transition that goes on: what is read meanwhile is what there was
 *	before or is after; NULL: none, or something is left out in it
 * @why: what was not as it should be; NULL: nothing
 */
struct sweep {
	struct kunit *test;
	struct vtd_rig rig;
	u16 rid;
	unsigned int dir_order;
	unsigned long dir;
	unsigned long table;
	const struct sweep_unit *unit;
	struct vtd_domain *state[SWEEP_STATES];
	u64 value[SWEEP_STATES];
	u64 probe;
	struct sweep_guest guests[SWEEP_STATES];
	u64 *pages[SWEEP_STATES];
	u64 *data[SWEEP_DATA];
	struct vtd_domain *domain;
	struct vtd_domain *child;
	struct sweep_guest guest;
	void __user *array;
	struct {
		ioasid_t pasid;
		u64 iova;
		bool ats;
		bool write;
	} hot[SWEEP_HOT];
	unsigned int num_hot;
	const struct sweep_step *moving;
	const char *why;
};

/**
 * struct sweep_step - something the driver does that invalidates
 * @name: for rows
 * @rows: bit mask of enum sweep_row: what changes in it
 * @setup: prepare, fill caches. 0; -EOPNOTSUPP: not on this unit; an errno
 * @act: what is swept
 * @check: is everything as it should be after it? Sets vtd_sweep::why if not
 * @undo: after @check, and vtd_sweep_settle(); NULL: nothing
 * @from: (transition) enum sweep_state
 * @to: (transition) the same
 * @pasid: (transition) whose
 * @arg: (others) their own
 * @no_cleans: write-backs are not swept: new tables are zeroes, and so may be what
 *	the unit saw last of pages that others had before
 */
struct sweep_step {
	char name[56];
	u32 rows;
	int (*setup)(struct sweep *s, const struct sweep_step *step);
	int (*act)(struct sweep *s, const struct sweep_step *step);
	void (*check)(struct sweep *s, const struct sweep_step *step);
	void (*undo)(struct sweep *s, const struct sweep_step *step);
	u8 from;
	u8 to;
	ioasid_t pasid;
	const void *arg;
	bool no_cleans;
};

/**
 * enum sweep_row - rows of the table of 6.5.3.3: what changes
 * @ROW_CONTEXT: a context entry, present before
 * @ROW_PASID_SS: a PASID entry with a second stage, nested or not
 * @ROW_PASID_PT: a pass-through PASID entry
 * @ROW_FS_LEAF: a leaf of a first stage
 * @ROW_FS_TABLE: an upper level of a first stage
 * @ROW_SS_LEAF: a leaf of a second stage
 * @ROW_SS_TABLE: an upper level of a second stage
 * @ROW_SS_NESTED: a second stage, under a nested translation
 * @ROW_CM_CONTEXT: (caching mode) a context entry, not present before
 * @ROW_CM_PASID: (caching mode) a PASID entry, not present before
 * @ROW_CM_PAGE: (caching mode) a leaf, not present before
 */
enum sweep_row {
	ROW_CONTEXT,
	ROW_PASID_SS,
	ROW_PASID_PT,
	ROW_FS_LEAF,
	ROW_FS_TABLE,
	ROW_SS_LEAF,
	ROW_SS_TABLE,
	ROW_SS_NESTED,
	ROW_CM_CONTEXT,
	ROW_CM_PASID,
	ROW_CM_PAGE,
	SWEEP_ROWS,
};

/* Machines (vtd_sweep_lib.c) */
int sweep_create(struct sweep *s, const struct sweep_unit *unit);
void sweep_destroy(struct sweep *s);
void sweep_settle(struct sweep *s);
void sweep_unplug(struct sweep *s);
int sweep_plug(struct sweep *s, u32 flags);

/* Guests' tables */
int sweep_guest_map(struct sweep *s, struct vtd_domain *parent,
		    const struct sweep_guest *guest);
void sweep_guest_set(struct sweep *s, const struct sweep_guest *guest,
		     u64 gva, u64 gpa);
void sweep_guest_write(struct sweep *s, u64 *entry, u64 val);

/* Changes of a domain, as the iommu core makes them */
int sweep_map(struct vtd_domain *domain, u64 iova, phys_addr_t pa, size_t pgsize,
	      size_t num);
void sweep_unmap(struct vtd_domain *domain, u64 iova, size_t size);

/* What is there? 0: the request was refused. */
u64 sweep_read(struct sweep *s, ioasid_t pasid, u64 iova, bool ats);
bool sweep_write(struct sweep *s, ioasid_t pasid, u64 iova, bool ats);
/* Fill every cache with (pasid, iova), and compare. */
void sweep_traffic(struct sweep *s, bool on);
bool sweep_expect(struct sweep *s, ioasid_t pasid, u64 iova, u64 want,
		  const char *why);

/* vtd_sweep_steps.c */
extern const struct sweep_step sweep_domain_steps[];
extern const unsigned int sweep_num_domain_steps;

/* vtd_sweep_transitions.c */
unsigned int sweep_transition(unsigned int index, struct sweep_step *step);

#endif
