// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: VT-d second-stage tables against a naive reference. */
