/* SPDX-License-Identifier: GPL-2.0-only */
/* Invalidations whose absence nobody can notice, and why. */
#ifndef __IOMMUFD_VTD_SWEEP_REDUNDANT_H
#define __IOMMUFD_VTD_SWEEP_REDUNDANT_H

#include "vtd_sweep.h"

/* Kinds of units that are swept */
enum {
	UNIT_MODERN,
	UNIT_NO_ATS,
	UNIT_PLAIN,
	UNIT_CACHING,
	UNIT_NO_PSI,
	UNIT_NO_SNOOP,
	UNIT_BUFFER,
};

const char *sweep_redundant(unsigned int unit, const struct sweep_step *step,
			    enum vtd_model_inject what, unsigned int type,
			    unsigned int nth);
void sweep_redundant_unused(struct kunit *test);

#endif
