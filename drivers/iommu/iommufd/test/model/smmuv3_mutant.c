// SPDX-License-Identifier: GPL-2.0-only
/* Which mistakes the SMMUv3 model can make. */
#include <linux/array_size.h>

#include "smmuv3_mutant.h"

const struct model_mutant smmuv3_mutants[SMMUV3_NUM_MUTANTS] = {
	{ "none", "as the specification has it" },
#define SMMUV3_MUTANT(name, what)	{ #name, what },
#include "smmuv3_mutants.h"
#undef SMMUV3_MUTANT
};

unsigned int smmuv3_mutant_now;

static struct model_mutants mutants = {
	.list = smmuv3_mutants,
	.num = ARRAY_SIZE(smmuv3_mutants),
	.now = &smmuv3_mutant_now,
};

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "iommufd."
module_param_cb(smmuv3_model_mutant, &model_mutant_ops, &mutants, 0644);
