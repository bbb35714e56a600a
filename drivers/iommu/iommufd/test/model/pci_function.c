// SPDX-License-Identifier: GPL-2.0-only
/* The DMA engine of a model function. */
