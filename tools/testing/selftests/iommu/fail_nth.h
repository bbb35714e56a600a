/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failures of the calling thread's own calls, by its fail-nth. Of the fuzzer and its
 * reproducers too: needs no harness.
 */
#ifndef SELFTESTS_IOMMU_FAIL_NTH_H
#define SELFTESTS_IOMMU_FAIL_NTH_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "settings.h"

/* Failures by fail-nth only, all kinds of allocation, no noise in the log */
static inline bool injectors_ready(void)
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

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		for (j = 0; j < sizeof(settings) / sizeof(settings[0]); j++) {
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

/* The calling thread's own, for arm() and fired(); negative if there is none. */
static inline int fail_nth_open(void)
{
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

/* The @nth step of what comes next that can fail will; 0: none. */
static inline bool arm(int fd, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fd, text, (size_t)n, 0) == n;
}

/* Disarms; true if the failure was injected. */
static inline bool fired(int fd)
{
	char text[16] = "";
	bool was = false;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		was = atoi(text) == 0;
	arm(fd, 0);
	return was;
}

#endif
