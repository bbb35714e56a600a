// SPDX-License-Identifier: GPL-2.0-only
/* PCI functions: PASID, ATS. */
