/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In front of the kernel's linux/module.h, for modules of a distribution's kernel:
 * modinfo(8) says by the version which one it is. DKMS compares it with that of the
 * kernel's own module, and replaces none of the same.
 */
#ifndef __IOMMUFD_STOCK_MODULE_H
#define __IOMMUFD_STOCK_MODULE_H

#include_next <linux/module.h>
#include <generated/utsrelease.h>

#undef MODULE_VERSION
#define MODULE_VERSION(version)

/* Each module has one */
#undef MODULE_DESCRIPTION
#define MODULE_DESCRIPTION(text) \
	MODULE_INFO(description, text); \
	MODULE_INFO(version, UTS_RELEASE "+iommufd")

#endif
