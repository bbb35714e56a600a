/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mistakes that the SMMUv3 model can be told to make (mutant.h), by
 * iommufd.smmuv3_model_mutant=NAME at boot,
 * /sys/module/iommufd/parameters/smmuv3_model_mutant, or smmuv3_mutant_now
 * (smmuv3_mutants_kunit.c). The list is smmuv3_mutants.h.
 */
#ifndef __IOMMUFD_MODEL_SMMUV3_MUTANT_H
#define __IOMMUFD_MODEL_SMMUV3_MUTANT_H

#include "mutant.h"

enum smmuv3_mutant {
	SMMUV3_MUTANT_NONE,
#define SMMUV3_MUTANT(name, ...)	SMMUV3_MUTANT_##name,
#include "smmuv3_mutants.h"
#undef SMMUV3_MUTANT
	SMMUV3_NUM_MUTANTS,
};

/* By enum smmuv3_mutant */
extern const struct model_mutant smmuv3_mutants[SMMUV3_NUM_MUTANTS];
/* Which the model makes, of every unit */
extern unsigned int smmuv3_mutant_now;

/* @right, but @wrong while the mistake is switched on */
#define MUT(name, right, wrong)						\
	(unlikely(READ_ONCE(smmuv3_mutant_now) == SMMUV3_MUTANT_##name) ? \
	 (wrong) : (right))

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
