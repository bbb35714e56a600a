// SPDX-License-Identifier: GPL-2.0-only
/* A PCI host bridge in software. */
