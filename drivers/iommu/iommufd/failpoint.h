/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places where a test build may ask for a failure that allocation-failure
 * injection alone cannot reach (a pin, a copy, a table write), or for a defect
 * that tests have to notice. Always false elsewhere.
 */
#ifndef __IOMMUFD_FAILPOINT_H
#define __IOMMUFD_FAILPOINT_H

#include <linux/fault-inject.h>
#include <linux/sched.h>
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
extern struct fault_attr iommufd_fail_attr;

bool iommufd_mutant(enum iommufd_mutant which);

/*
 * Is this the time to fail? Set up by /sys/kernel/debug/fail_iommufd and
 * /proc/self/fail-nth. Neither is, as a rule, which should_fail() would find out just
 * so; but a page mapped and unmapped passes seven such places.
 */
static inline bool iommufd_should_fail(void)
{
	if (likely(!READ_ONCE(iommufd_fail_attr.probability) &&
		   !READ_ONCE(current->fail_nth)))
		return false;
	return should_fail(&iommufd_fail_attr, 1);
}
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
