/* SPDX-License-Identifier: GPL-2.0-only */
/* What the driver's own use of a VT-d model shows of the model. */
#ifndef __IOMMUFD_VTD_MUTANTS_KUNIT_H
#define __IOMMUFD_VTD_MUTANTS_KUNIT_H

const char *vtd_checks_notice(void);

#endif
