// SPDX-License-Identifier: GPL-2.0-only
/* The iommu driver: probing, groups, default domains. */
