// SPDX-License-Identifier: GPL-2.0-only
/* Domains, and who is attached to them. */
