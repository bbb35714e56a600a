/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands whose absence nobody can notice, and why. */
#ifndef __IOMMUFD_SMMUV3_SWEEP_REDUNDANT_H
#define __IOMMUFD_SMMUV3_SWEEP_REDUNDANT_H

#include "smmuv3_sweep.h"

/* Kinds of units that are swept */
enum {
	SMSW_UNIT_MODERN,
	SMSW_UNIT_NO_ATS,
	SMSW_UNIT_LINEAR,
	SMSW_UNIT_PLAIN,
	/* Only without anything left out */
	SMSW_UNIT_NOT_GLOBAL,
	SMSW_NUM_UNITS,
};

const char *smmuv3_sweep_redundant(unsigned int unit,
				   const struct smmuv3_sweep_step *step,
				   enum smmuv3_model_inject what,
				   unsigned int op, unsigned int nth);
void smmuv3_sweep_redundant_unused(struct kunit *test);

#endif
