// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: VT-d invalidation batches. */
