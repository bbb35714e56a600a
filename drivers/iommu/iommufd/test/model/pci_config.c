// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space of model functions. */
