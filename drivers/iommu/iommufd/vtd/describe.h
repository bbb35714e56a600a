/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about functions behind a VT-d unit. */
#ifndef __IOMMUFD_VTD_DESCRIBE_H
#define __IOMMUFD_VTD_DESCRIBE_H

#include "../describe.h"

struct vtd_caps;

/* Called once. */
void vtd_describer_register(const struct iommu_ops *ops);

/* Paging domains made with @flags, of a unit with @caps. */
void vtd_describe_paging(const struct vtd_caps *caps, u32 flags,
			 struct iommufd_paging_facts *facts);
/* Everything but @facts of paging domains, and of faults. */
void vtd_describe_unit(const struct vtd_caps *caps,
		       struct iommufd_description *description);
void vtd_caps_restrict(struct vtd_caps *caps, const struct vtd_caps *with);

#endif
