/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sweep of dropped commands is made of: units, steps of the driver on them,
 * and probes that tell by DMA what is reachable.
 *
 * A step is set up with all caches warm, done, and checked. Nothing here fails a
 * test by itself: a check that is not met says so in smmuv3_sweep::why.
 */
#ifndef __IOMMUFD_SMMUV3_SWEEP_H
#define __IOMMUFD_SMMUV3_SWEEP_H

#include "../vdevice.h"
#include "smmuv3_rig.h"

struct kunit;

/* Where requests of a RID or PASID go, before and after a transition */
enum smmuv3_sweep_state {
	SMSW_BLOCKED,
	SMSW_BYPASS,
	SMSW_S1_A,
	SMSW_S1_B,
	SMSW_S2,
	/* over SMSW_S2 */
	SMSW_NESTED_BYPASS,
	SMSW_NESTED_1,
	SMSW_NESTED_2,
	/* the address of NESTED_1's descriptor, another parent */
	SMSW_NESTED_OTHER,
	/* domains that come later, and get the ids of others */
	SMSW_S1_LATER,
	SMSW_S2_LATER,
	SMSW_NESTED_LATER,
	/* the parent of SMSW_NESTED_OTHER */
	SMSW_S2_OTHER,
	SMSW_STATES,
	/* those that there are transitions between */
	SMSW_TRANSITION_STATES = SMSW_S1_LATER,
};

/* The PASID of the steps */
#define SMSW_PASID	5

/* Tables of a guest, a page each: a context descriptor, and stage 1 from the top */
#define SMSW_GUEST_TABLES	5

/* A stage 1 leaf, or table: valid, attributes that mean memory, user, access flag */
#define SMSW_GUEST_ENTRY	0x743ULL

/**
 * struct smmuv3_sweep_guest - a guest's tables, in its memory
 * @gpa: guest address of the context descriptor; the others follow
 * @table: pages
 */
struct smmuv3_sweep_guest {
	u64 gpa;
	u64 *table[SMSW_GUEST_TABLES];
};

/* Addresses that are read all the time */
#define SMSW_HOT	32
/* Pages of data that the steps use as they like */
#define SMSW_DATA	16

/**
 * struct smmuv3_sweep_unit - a kind of unit, and of function behind it
 * @name: for rows
 * @clear_idr0: bits taken from the modern unit's
 * @clear_idr1: likewise
 * @clear_idr3: likewise
 * @flags: MODEL_PCI_*
 * @pasid_bits: of the function
 * @no_transitions: they are as on other units
 */
struct smmuv3_sweep_unit {
	const char *name;
	u32 clear_idr0;
	u32 clear_idr1;
	u32 clear_idr3;
	u32 flags;
	u8 pasid_bits;
	bool no_transitions;
};

/**
 * struct smmuv3_sweep - a machine, and what is done on it
 * @rig: one function
 * @sid: its StreamID
 * @unit: what kind
 * @state: domains of transitions
 * @value: what each state's probe address holds; 0: not reachable
 * @probe: that address; also the physical address of a page
 * @guests: of the nested states
 * @pages: data pages of the states
 * @data: data pages of the other steps, each with a value of its own
 * @domain: of the other steps
 * @child: over it, if the step has it
 * @guest: its tables
 * @viommu: that @child is made through, NULL: none
 * @vdevice: what the guest of @viommu knows the function by
 * @array: user memory for an invalidation
 * @hot: what was read while a step was set up: devices go on with it meanwhile
 * @num_hot: how many
 * @why: what was not as it should be; NULL: nothing
 */
struct smmuv3_sweep {
	struct smmuv3_rig rig;
	u32 sid;
	const struct smmuv3_sweep_unit *unit;
	struct smmuv3_domain *state[SMSW_STATES];
	u64 value[SMSW_STATES];
	u64 probe;
	struct smmuv3_sweep_guest guests[SMSW_STATES];
	u64 *pages[SMSW_STATES];
	u64 *data[SMSW_DATA];
	struct smmuv3_domain *domain;
	struct smmuv3_domain *child;
	struct smmuv3_sweep_guest guest;
	struct smmuv3_viommu *viommu;
	struct iommufd_vdevice vdevice;
	void __user *array;
	struct {
		ioasid_t pasid;
		u64 iova;
		bool ats;
	} hot[SMSW_HOT];
	unsigned int num_hot;
	const char *why;
};

/**
 * struct smmuv3_sweep_step - something the driver does that invalidates
 * @name: for rows
 * @setup: prepare, fill caches. 0; -EOPNOTSUPP: not on this unit; an errno
 * @act: what is swept
 * @check: is everything as it should be after it? Sets smmuv3_sweep::why if not
 * @undo: after @check, and smmuv3_sweep_settle(); NULL: nothing
 * @from: (transition) &enum smmuv3_sweep_state
 * @to: (transition) the same
 * @other: (transition) where the RID is while a PASID goes, or the PASID while the
 *	RID does
 * @pasid: (transition) whose
 * @arg: (others) their own
 * @on: (others) the kind of domain it is about
 */
struct smmuv3_sweep_step {
	char name[64];
	int (*setup)(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step);
	int (*act)(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step);
	void (*check)(struct smmuv3_sweep *s,
		      const struct smmuv3_sweep_step *step);
	void (*undo)(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step);
	u8 from;
	u8 to;
	u8 other;
	ioasid_t pasid;
	const void *arg;
	enum smmuv3_domain_kind on;
};

/* Machines (smmuv3_sweep_lib.c) */
int smmuv3_sweep_create(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_unit *unit);
void smmuv3_sweep_destroy(struct smmuv3_sweep *s);
void smmuv3_sweep_settle(struct smmuv3_sweep *s);
int smmuv3_sweep_plug(struct smmuv3_sweep *s);

/* Guests' tables */
int smmuv3_sweep_guest_map(struct smmuv3_domain *parent,
			   const struct smmuv3_sweep_guest *guest);
void smmuv3_sweep_guest_set(const struct smmuv3_sweep_guest *guest, u64 gva,
			    u64 gpa);
struct smmuv3_domain *smmuv3_sweep_nest(struct smmuv3_sweep *s,
					struct smmuv3_domain *parent,
					const struct smmuv3_sweep_guest *guest);

/* Changes of a domain, as the iommu core makes them */
int smmuv3_sweep_map(struct smmuv3_domain *domain, u64 iova, phys_addr_t pa,
		     size_t pgsize, size_t num);
void smmuv3_sweep_unmap(struct smmuv3_domain *domain, u64 iova, size_t pgsize);

/* What is there? 0: the request was refused. */
u64 smmuv3_sweep_read(struct smmuv3_sweep *s, ioasid_t pasid, u64 iova, bool ats);
void smmuv3_sweep_traffic(struct smmuv3_sweep *s, bool on);
/* Fill every cache with (pasid, iova), and compare. */
bool smmuv3_sweep_expect(struct smmuv3_sweep *s, ioasid_t pasid, u64 iova,
			 u64 want, const char *why);

/* smmuv3_sweep_steps.c */
extern const struct smmuv3_sweep_step smmuv3_sweep_steps[];
extern const unsigned int smmuv3_sweep_num_steps;

/* smmuv3_sweep_guest.c */
extern const struct smmuv3_sweep_step smmuv3_sweep_guest_steps[];
extern const unsigned int smmuv3_sweep_num_guest_steps;

/* smmuv3_sweep_transitions.c; false: there is none with this number */
bool smmuv3_sweep_transition(unsigned int index, struct smmuv3_sweep_step *step);
extern const unsigned int smmuv3_sweep_num_transitions;

#endif
