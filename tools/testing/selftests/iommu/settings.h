/* SPDX-License-Identifier: GPL-2.0 */
/* Settings of the machine. Of the fuzzer and its reproducers too: needs no harness. */
#ifndef SELFTESTS_IOMMU_SETTINGS_H
#define SELFTESTS_IOMMU_SETTINGS_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* A setting in /proc, /sys or a cgroup; false if it is not there or not taken. */
static inline bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

#endif
