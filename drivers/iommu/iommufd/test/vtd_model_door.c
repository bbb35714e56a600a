// SPDX-License-Identifier: GPL-2.0-only
/* The driver's door to a VT-d model. */
