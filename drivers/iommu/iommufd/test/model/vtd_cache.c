// SPDX-License-Identifier: GPL-2.0-only
/* Translation caches of the VT-d model. */
