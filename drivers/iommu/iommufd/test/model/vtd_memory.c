// SPDX-License-Identifier: GPL-2.0-only
/* Memory as the VT-d model sees it. */
