// SPDX-License-Identifier: GPL-2.0-only
/* Registers of the VT-d model. */
