// SPDX-License-Identifier: GPL-2.0-only
/* The page request queue. */
