/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places where a test build may ask for a failure that allocation-failure
 * injection alone cannot reach (a pin, a copy, a table write). Always false
 * elsewhere.
 */
#ifndef __IOMMUFD_FAILPOINT_H
#define __IOMMUFD_FAILPOINT_H

#include <linux/types.h>

#ifdef CONFIG_IOMMUFD_TEST
bool iommufd_should_fail(void);
#else
static inline bool iommufd_should_fail(void)
{
	return false;
}
#endif

#endif
