// SPDX-License-Identifier: GPL-2.0-only
/* Remapping units: what they can do, starting and stopping them. */
