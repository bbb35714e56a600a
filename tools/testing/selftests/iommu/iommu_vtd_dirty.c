// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty tracking on the model of a VT-d unit: by the dirty bits of second-stage tables
 * (Intel VT-d specification, 3.7.2).
 */
#include "dirty_model_cases.h"

static int dirty_machine(struct guest *g)
{
	return model_vtd_add(&g->m, 0, 0);
}

TEST_HARNESS_MAIN
