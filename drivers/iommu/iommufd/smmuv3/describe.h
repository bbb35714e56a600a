/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about devices behind an SMMUv3. */
#ifndef __IOMMUFD_SMMUV3_DESCRIBE_H
#define __IOMMUFD_SMMUV3_DESCRIBE_H

#include "../describe.h"

struct smmuv3_caps;
struct smmuv3_domain;

/* Called once. */
void smmuv3_describer_register(const struct iommu_ops *ops);

/* Paging domains made with @flags, of a unit with @caps. */
void smmuv3_describe_paging(const struct smmuv3_caps *caps, u32 flags,
			    struct iommufd_paging_facts *facts);
/* Widths of addresses, invalidations. */
void smmuv3_describe_unit(const struct smmuv3_caps *caps,
			  struct iommufd_description *description);
void smmuv3_caps_restrict(struct smmuv3_caps *caps,
			  const struct smmuv3_caps *with);
bool smmuv3_paging_alike(const struct smmuv3_domain *domain,
			 const struct smmuv3_caps *caps);

#endif
