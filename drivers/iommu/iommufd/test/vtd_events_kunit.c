// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: unrecoverable faults of VT-d. */
