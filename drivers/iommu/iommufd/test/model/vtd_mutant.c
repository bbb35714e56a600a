// SPDX-License-Identifier: GPL-2.0-only
/* Which mistakes the VT-d model can make. */
#include <linux/array_size.h>

#include "vtd_mutant.h"

const struct model_mutant vtd_mutants[VTD_NUM_MUTANTS] = {
	{ "none", "as the specification has it" },
#define VTD_MUTANT(name, what)	{ #name, what },
#include "vtd_mutants.h"
#undef VTD_MUTANT
};

unsigned int vtd_mutant_now;

static struct model_mutants mutants = {
	.list = vtd_mutants,
	.num = ARRAY_SIZE(vtd_mutants),
	.now = &vtd_mutant_now,
};

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "iommufd."
module_param_cb(model_mutant, &model_mutant_ops, &mutants, 0644);
