/* SPDX-License-Identifier: GPL-2.0-only */
/* A recorder of context and PASID table entries, and what it checks. */
#ifndef __IOMMUFD_VTD_TABLES_KUNIT_H
#define __IOMMUFD_VTD_TABLES_KUNIT_H

#include "../vtd/tables.h"
#include "vtd_fake.h"

/* 11.4.2: 65536 domain ids, RWBF, CM, 39 to 57 bits, MGAW 57, PSI, MAMV 18 */
#define CAP_RWBF	BIT_ULL(4)
#define CAP_CM		BIT_ULL(7)
#define CAP_BASE	(6ULL | 0xeULL << 8 | 56ULL << 16 | 0x3ULL << 34 | \
			 BIT_ULL(39) | 18ULL << 48)
/*
 * 11.4.3: no C, so tables are cleaned; DT, PT, SC, NEST, PRS, SRS, EAFS, PSS of
 * 20 bits, PASID, SMTS, SSADS, SSTS, FSTS, SMPWC
 */
#define ECAP_BASE	(BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(6) | BIT_ULL(7) | \
			 BIT_ULL(26) | BIT_ULL(29) | BIT_ULL(31) | \
			 BIT_ULL(34) | 19ULL << 35 | BIT_ULL(40) | \
			 BIT_ULL(43) | BIT_ULL(45) | BIT_ULL(46) | \
			 BIT_ULL(47) | BIT_ULL(48))
#define GCMD_WBF	BIT(27)

#define RID		0x0108
#define ALIAS		0x02f9
#define ADDRESS		GENMASK_ULL(63, 12)

#define NOT_FOUND	UINT_MAX

#define MAX_STATES	32
#define MAX_CLEANED	4096
#define MAX_SEEN	12

/**
 * struct state - an entry as the unit can fetch it
 * @val: the entry
 * @at: where it is
 * @log: descriptors submitted before it appeared
 */
struct state {
	u64 val[8];
	u64 *at;
	unsigned int log;
};

/**
 * struct seen - a table as the unit sees it, which is what was cleaned
 * @table: the table
 * @val: what there is of it
 */
struct seen {
	u64 *table;
	u64 val[PAGE_SIZE / sizeof(u64)];
};

/* A unit with a device, and the recorder */
struct tables {
	struct kunit *test;
	struct vtd_fake *fake;
	struct vtd_unit *unit;
	struct vtd_device *device;
	/* PASID entry being recorded; or context entry of this requester */
	bool record_pasid;
	bool record_context;
	u32 pasid;
	u16 rid;
	struct state states[MAX_STATES];
	unsigned int num_states;
	/* What was ever cleaned */
	struct {
		void *addr;
		size_t size;
	} cleaned[MAX_CLEANED];
	unsigned int num_cleaned;
	/* Tables that were cleaned as a whole, and since */
	struct seen seen[MAX_SEEN];
	unsigned int num_seen;
	/* The PASID table that holds the entry */
	u64 *table;
	/* Fetches of somebody who reads the entry all the time; NULL: nobody does */
	unsigned long *fetches;
	/* Submissions with a device TLB's time out */
	bool dead;
	int rcs[256];
};

static inline bool present(const u64 *val)
{
	return val[0] & 1;
}

/* Directory and root table are there, no context entry; freed with the test. */
struct tables *rec_new(struct kunit *test, u64 cap, u64 ecap, u32 max_pasids);
/* Entries as they are in memory; NULL if there is no table for them. */
u64 *rec_context_entry(struct tables *t, u16 rid);
u64 *rec_pasid_entry(struct tables *t, u32 pasid);
bool rec_was_cleaned(struct tables *t, void *addr, size_t size);
/* Forget states and descriptors. */
void rec_forget(struct tables *t);
/* Take the entry as it is for a state. */
void rec_snapshot(struct tables *t);
/* The last state is what is in memory. */
void rec_check_clean(struct tables *t);
/* First good invalidation from descriptor @from on, or NOT_FOUND. */
unsigned int rec_find_context_cache(struct tables *t, unsigned int from,
				    u16 rid);
/* The entry in memory is that of @target. */
void rec_check_final(struct tables *t, const struct vtd_target *target);
/* States and descriptors since rec_forget() and rec_snapshot(). */
void rec_check_transition(struct tables *t);
/* Prepare the PASID and set it to @target, not recorded. */
void rec_set(struct tables *t, const struct vtd_target *target);
/* Set the PASID to @from, then record and check its way to @to. */
void rec_transition(struct tables *t, const struct vtd_target *from,
		    const struct vtd_target *to);

#endif
