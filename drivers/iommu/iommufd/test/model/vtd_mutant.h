/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mistakes that the VT-d model can be told to make, one at a time, to see that
 * its tests notice (test/vtd_mutants_kunit.c): iommufd.model_mutant=NAME at boot,
 * /sys/module/iommufd/parameters/model_mutant, or vtd_mutant_set().
 *
 * They sit where the fact is defined that they get wrong: a named constant, or a
 * small function that decides one thing. None makes the unit write to an address
 * that its tables would not: what it writes to by mistake is somebody's memory.
 * The list is vtd_mutants.h.
 */
#ifndef __IOMMUFD_MODEL_VTD_MUTANT_H
#define __IOMMUFD_MODEL_VTD_MUTANT_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

enum vtd_mutant {
	VTD_MUTANT_NONE,
#define VTD_MUTANT(name, ...)	VTD_MUTANT_##name,
#include "vtd_mutants.h"
#undef VTD_MUTANT
	VTD_NUM_MUTANTS,
};

extern enum vtd_mutant vtd_mutant_now;

void vtd_mutant_set(enum vtd_mutant mutant);
const char *vtd_mutant_name(enum vtd_mutant mutant);
const char *vtd_mutant_what(enum vtd_mutant mutant);

/* @right, but @wrong while the mistake is switched on */
#define MUT(name, right, wrong)						\
	(unlikely(READ_ONCE(vtd_mutant_now) == VTD_MUTANT_##name) ?	\
	 (wrong) : (right))

/* Bit @bit, or bit @wrong in its place */
#define MUT_BIT(name, bit, wrong)					\
	MUT(name, BIT_ULL(bit), BIT_ULL(wrong))

/* Bits @high to @low, or those from @wrong_high to @wrong_low */
#define MUT_MASK(name, high, low, wrong_high, wrong_low)		\
	MUT(name, GENMASK_ULL(high, low), GENMASK_ULL(wrong_high, wrong_low))

/* FIELD_GET() and FIELD_PREP() for masks that are known at run time only */
static inline u64 vtd_get(u64 mask, u64 reg)
{
	return (reg & mask) >> __builtin_ctzll(mask);
}

static inline u64 vtd_prep(u64 mask, u64 val)
{
	return val << __builtin_ctzll(mask) & mask;
}

#endif
