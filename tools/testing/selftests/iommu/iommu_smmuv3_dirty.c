// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty tracking on the model of an SMMUv3: by hardware that makes descriptors of stage
 * 1 writable (Arm IHI 0070, 3.13.3: HTTU).
 */
#include "dirty_model_cases.h"

static int dirty_machine(struct guest *g)
{
	static const struct model_smmuv3 modern = { 0 };

	return model_smmuv3_add(&g->m, &modern);
}

TEST_HARNESS_MAIN
