// SPDX-License-Identifier: GPL-2.0-only
/* Root, context and PASID tables. */
