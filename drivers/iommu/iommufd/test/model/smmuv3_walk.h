/* SPDX-License-Identifier: GPL-2.0-only */
/* A table walk of the SMMUv3 model, and what its descriptors say. */
#ifndef __IOMMUFD_MODEL_SMMUV3_WALK_H
#define __IOMMUFD_MODEL_SMMUV3_WALK_H

#include "smmuv3_internal.h"

/* Output address of a descriptor: 48 bits (DDI 0487, D8.3) */
#define SMMUV3_DESC_ADDR	GENMASK_ULL(47, 12)

/**
 * struct smmuv3_walk - a walk of one stage
 * @ctx: of the transaction
 * @s2: stage 2
 * @class: (s2) of what
 * @want: (s2) MODEL_*
 * @in: input address
 * @granule: log2
 * @bits: of input address that count
 * @ps: output address size
 * @start: first level
 * @level: now
 * @table: address of the table, of the stage's own output
 * @attr: of the tables on the way
 * @desc: descriptor
 * @desc_pa: where it is; @desc_ipa: (stage 1) in intermediate addresses
 * @fault: result
 */
struct smmuv3_walk {
	struct smmuv3_context *ctx;
	bool s2;
	u8 class;
	u32 want;
	u64 in;
	unsigned int granule;
	unsigned int bits;
	unsigned int ps;
	int start;
	int level;
	u64 table;
	u32 attr;
	u64 desc;
	u64 desc_pa;
	u64 desc_ipa;
	struct smmuv3_fault *fault;
};

/* smmuv3_desc.c */
bool smmuv3_desc_valid(const struct smmuv3_walk *walk);
bool smmuv3_desc_leaf(const struct smmuv3_walk *walk);
u32 smmuv3_desc_table(const struct smmuv3_walk *walk);
u32 smmuv3_desc_attr(const struct smmuv3_walk *walk);
bool smmuv3_desc_accessed(const struct smmuv3_walk *walk);
u64 smmuv3_desc_flags(const struct smmuv3_walk *walk, bool dirty);

#endif
