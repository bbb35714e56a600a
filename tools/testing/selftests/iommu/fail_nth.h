/* SPDX-License-Identifier: GPL-2.0 */
/* Failures of the calling thread's own calls, by its fail-nth. */
#ifndef SELFTESTS_IOMMU_FAIL_NTH_H
#define SELFTESTS_IOMMU_FAIL_NTH_H

#include "iommu_test.h"

/* Failures by fail-nth only, all kinds of allocation, no noise in the log */
static bool injectors_ready(void)
{
	static const char *const dirs[] = {
		"failslab", "fail_page_alloc", "fail_usercopy", "fail_iommufd",
	};
	static const char *const settings[][2] = {
		{ "verbose", "0" },	      { "ignore-gfp-wait", "N" },
		{ "ignore-gfp-highmem", "N" }, { "min-order", "0" },
		{ "probability", "0" },       { "task-filter", "N" },
		{ "cache-filter", "N" },
	};
	bool some = false;
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(dirs); i++)
		for (j = 0; j < ARRAY_LEN(settings); j++) {
			char path[128];

			snprintf(path, sizeof(path),
				 "/sys/kernel/debug/%s/%s", dirs[i],
				 settings[j][0]);
			/* Not every injector has every setting. */
			if (write_text(path, settings[j][1]))
				some = true;
		}
	return some;
}

static bool arm(int fd, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fd, text, (size_t)n, 0) == n;
}

/* Disarms; true if the failure was injected. */
static bool fired(int fd)
{
	char text[16] = "";
	bool was = false;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		was = atoi(text) == 0;
	arm(fd, 0);
	return was;
}

#endif
