/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mistakes that the VT-d model can be told to make (mutant.h), by
 * iommufd.model_mutant=NAME at boot, /sys/module/iommufd/parameters/model_mutant, or
 * vtd_mutant_now (test/vtd_mutants_kunit.c). The list is vtd_mutants.h.
 */
#ifndef __IOMMUFD_MODEL_VTD_MUTANT_H
#define __IOMMUFD_MODEL_VTD_MUTANT_H

#include "mutant.h"

enum vtd_mutant {
	VTD_MUTANT_NONE,
#define VTD_MUTANT(name, ...)	VTD_MUTANT_##name,
#include "vtd_mutants.h"
#undef VTD_MUTANT
	VTD_NUM_MUTANTS,
};

/* By enum vtd_mutant */
extern const struct model_mutant vtd_mutants[VTD_NUM_MUTANTS];
/* Which the model makes, of every unit */
extern unsigned int vtd_mutant_now;

/* @right, but @wrong while the mistake is switched on */
#define MUT(name, right, wrong)						\
	(unlikely(READ_ONCE(vtd_mutant_now) == VTD_MUTANT_##name) ?	\
	 (wrong) : (right))

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
