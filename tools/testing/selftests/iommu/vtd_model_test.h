/* SPDX-License-Identifier: GPL-2.0 */
/*
 * First-stage tables of Intel VT-d, built in the memory of a "guest", and nested
 * HWPTs of them.
 *
 * Formats are those of the Intel VT-d specification, 9.7, written down here and
 * not taken from the driver or the model.
 */
#ifndef SELFTESTS_IOMMU_VTD_MODEL_TEST_H
#define SELFTESTS_IOMMU_VTD_MODEL_TEST_H

#include "model_guest.h"

/* First-stage entry (9.7) */
#define FS_P		(1ULL << 0)
#define FS_RW		(1ULL << 1)
#define FS_US		(1ULL << 2)
#define FS_A		(1ULL << 5)
#define FS_D		(1ULL << 6)
#define FS_PS		(1ULL << 7)
#define FS_EA		(1ULL << 10)
#define FS_ADDR		0x000ffffffffff000ULL
#define FS_USER		(FS_P | FS_RW | FS_US)

/* Fault reasons (7.1.3) */
#define REASON_NO_EXECUTE	0x5c
#define REASON_NO_SUPERVISOR	0x5d
#define REASON_RESERVED		0x72
#define REASON_SECOND_STAGE	0x79

/* Capability register, 11.4.2 */
#define CAP_FS5LP	(1ULL << 60)
/* Extended capability register, 11.4.3 */
#define ECAP_NEST	(1ULL << 26)
#define ECAP_PRS	(1ULL << 29)
#define ECAP_ERS	(1ULL << 30)
#define ECAP_SRS	(1ULL << 31)
#define ECAP_EAFS	(1ULL << 34)

/**
 * struct table - a first stage
 * @g: where it is
 * @root: guest physical address of the topmost table
 * @levels: 4 or 5
 */
struct table {
	struct guest *g;
	__u64 root;
	unsigned int levels;
};

static inline void table_init(struct guest *g, unsigned int levels,
			      struct table *t)
{
	*t = (struct table){ .g = g, .levels = levels, .root = table_new(g) };
}

/* The entry of @va at @level (1: 4 KiB, 2: 2 MiB), with all tables to it. */
static inline __u64 *table_entry(struct table *t, __u64 va, unsigned int level)
{
	__u64 table = t->root;
	unsigned int l;

	for (l = t->levels;; l--) {
		__u64 *e = (__u64 *)at_gpa(t->g, table) +
			   ((va >> (12 + 9 * (l - 1))) & 0x1ff);

		if (l == level)
			return e;
		if (!(*e & FS_P))
			__atomic_store_n(e, table_new(t->g) | FS_USER,
					 __ATOMIC_RELEASE);
		table = *e & FS_ADDR;
	}
}

static inline void table_set(struct table *t, __u64 va, unsigned int level,
			     __u64 gpa, __u64 flags)
{
	if (level > 1)
		flags |= FS_PS;
	__atomic_store_n(table_entry(t, va, level), gpa | flags,
			 __ATOMIC_RELEASE);
}

/* @ecap, @cap: 0: of a modern unit. Returns what guest_go_on() does. */
static inline int guest_start(struct guest *g, __u64 cap, __u64 ecap,
			      __u32 parent_flags)
{
	guest_init(g);
	return guest_go_on(g, model_vtd_add(&g->m, cap, ecap), parent_flags);
}

/* @queue: with our fault queue */
static inline int guest_nested(struct guest *g, const struct table *t,
			       __u64 flags, bool queue, __u32 *hwpt)
{
	struct iommu_hwpt_vtd_s1 s1 = {
		.flags = flags,
		.pgtbl_addr = t->root,
		.addr_width = t->levels == 5 ? 57 : 48,
	};

	return iommu_hwpt_nested(g->fd, g->d.v.id, g->parent,
				 queue ? IOMMU_HWPT_FAULT_ID_VALID : 0,
				 queue ? g->queue_id : 0,
				 IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), hwpt);
}

static inline int guest_invalidate(struct guest *g, __u32 hwpt, __u64 addr,
				   __u64 npages, __u32 flags)
{
	struct iommu_hwpt_vtd_s1_invalidate inv = {
		.addr = addr,
		.npages = npages,
		.flags = flags,
	};
	__u32 num = 1;
	int rc;

	rc = iommu_hwpt_invalidate(g->fd, hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, &inv,
				   sizeof(inv), &num);
	return rc ?: num == 1 ? 0 : -EIO;
}

#endif
