// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: the VT-d page request queue. */
