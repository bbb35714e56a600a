// SPDX-License-Identifier: GPL-2.0-only
/*
 * The base tree's span iterator for a kernel that was built without it
 * (CONFIG_INTERVAL_TREE_SPAN_ITER is selected by iommufd alone).
 *
 * The base tree's file is compiled as it is. The kernel exports the rest of what is in
 * it, so here nothing is exported.
 */
#include <linux/export.h>

#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)
#define CONFIG_INTERVAL_TREE_SPAN_ITER 1

#include "../../../lib/interval_tree.c"
