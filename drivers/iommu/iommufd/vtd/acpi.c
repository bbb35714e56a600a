// SPDX-License-Identifier: GPL-2.0-only
/* RMRR, ATSR and SATC of the DMAR table. */
