/* SPDX-License-Identifier: GPL-2.0-only */
/* What the model says of the driver's tables: the one knows nothing of the other. */
#ifndef __IOMMUFD_SMMUV3_LEGAL_H
#define __IOMMUFD_SMMUV3_LEGAL_H

#include <linux/types.h>

/* Does a unit with these registers take the entry (IHI 0070 5.2)? @val: 8 words. */
bool smmuv3_legal_ste(const u32 idr[6], const u64 *val);

#endif
