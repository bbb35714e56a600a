// SPDX-License-Identifier: GPL-2.0-only
/* Second-stage page tables. */
