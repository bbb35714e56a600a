// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: every transition of VT-d table entries, recorded. */
