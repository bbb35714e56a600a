/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places where a test build may ask for a failure that allocation-failure
 * injection alone cannot reach (a pin, a copy, a table write), or for a defect
 * that tests have to notice. Always false elsewhere.
 */
#ifndef __IOMMUFD_FAILPOINT_H
#define __IOMMUFD_FAILPOINT_H

#include <linux/types.h>

/**
 * enum iommufd_mutant - defects (test/mutant.c)
 * @IOMMUFD_MUTANT_NONE: none
 * @IOMMUFD_MUTANT_VTD_NO_INSTALL: VT-d: nothing is attached to any table
 * @IOMMUFD_MUTANT_SMMUV3_NO_INSTALL: SMMUv3: likewise, what was blocked stays so
 * @IOMMUFD_MUTANT_NO_DRIVER: no defect: as if the IOMMU drivers had been built without
 *	CONFIG_IOMMUFD_DRIVER
 */
enum iommufd_mutant {
	IOMMUFD_MUTANT_NONE,
	IOMMUFD_MUTANT_VTD_NO_INSTALL,
	IOMMUFD_MUTANT_SMMUV3_NO_INSTALL,
	IOMMUFD_MUTANT_NO_DRIVER,
};

#ifdef CONFIG_IOMMUFD_TEST
bool iommufd_should_fail(void);
bool iommufd_mutant(enum iommufd_mutant which);
#else
static inline bool iommufd_mutant(enum iommufd_mutant which)
{
	return false;
}

static inline bool iommufd_should_fail(void)
{
	return false;
}
#endif

#endif
