// SPDX-License-Identifier: GPL-2.0-only
/* Invalidation descriptors and page requests of the VT-d model. */
