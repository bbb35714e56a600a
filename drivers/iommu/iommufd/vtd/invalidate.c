// SPDX-License-Identifier: GPL-2.0-only
/* Invalidation descriptors. */
