// SPDX-License-Identifier: GPL-2.0-only
/* The door to real units, through the base tree's dmar.c. */
