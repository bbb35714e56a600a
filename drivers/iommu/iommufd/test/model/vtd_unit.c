// SPDX-License-Identifier: GPL-2.0-only
/* The VT-d model: making one, and its port. */
