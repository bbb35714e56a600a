// SPDX-License-Identifier: GPL-2.0-only
/* Table walks of the VT-d model. */
