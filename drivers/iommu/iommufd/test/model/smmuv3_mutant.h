/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mistakes that the SMMUv3 model can be told to make, one at a time, to see that
 * its tests notice (smmuv3_mutants_kunit.c): iommufd.smmuv3_model_mutant=NAME at
 * boot, /sys/module/iommufd/parameters/smmuv3_model_mutant, or
 * smmuv3_mutant_set().
 *
 * They sit where the fact is defined that they get wrong: a named constant, or a
 * small function that decides one thing. None makes the unit write to an address
 * that its tables would not: what it writes to by mistake is somebody's memory.
 * The list is smmuv3_mutants.h.
 */
#ifndef __IOMMUFD_MODEL_SMMUV3_MUTANT_H
#define __IOMMUFD_MODEL_SMMUV3_MUTANT_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

enum smmuv3_mutant {
	SMMUV3_MUTANT_NONE,
#define SMMUV3_MUTANT(name, ...)	SMMUV3_MUTANT_##name,
#include "smmuv3_mutants.h"
#undef SMMUV3_MUTANT
	SMMUV3_NUM_MUTANTS,
};

extern enum smmuv3_mutant smmuv3_mutant_now;

void smmuv3_mutant_set(enum smmuv3_mutant mutant);
const char *smmuv3_mutant_name(enum smmuv3_mutant mutant);
const char *smmuv3_mutant_what(enum smmuv3_mutant mutant);

/* @right, but @wrong while the mistake is switched on */
#define MUT(name, right, wrong)						\
	(unlikely(READ_ONCE(smmuv3_mutant_now) == SMMUV3_MUTANT_##name) ? \
	 (wrong) : (right))

/* Bit @bit, or bit @wrong in its place */
#define MUT_BIT(name, bit, wrong)					\
	MUT(name, BIT_ULL(bit), BIT_ULL(wrong))

/* Bits @high to @low, or those from @wrong_high to @wrong_low */
#define MUT_MASK(name, high, low, wrong_high, wrong_low)		\
	MUT(name, GENMASK_ULL(high, low), GENMASK_ULL(wrong_high, wrong_low))

/* FIELD_GET() and FIELD_PREP() for masks that are known at run time only */
static inline u64 smmuv3_get(u64 mask, u64 reg)
{
	return (reg & mask) >> __builtin_ctzll(mask);
}

static inline u64 smmuv3_prep(u64 mask, u64 val)
{
	return val << __builtin_ctzll(mask) & mask;
}

#endif
