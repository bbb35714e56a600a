// SPDX-License-Identifier: GPL-2.0-only
/* Violations: what must never happen, said once. */
