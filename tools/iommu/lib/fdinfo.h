/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says of an open file in /proc/PID/fdinfo/FD: lines of
 * "key: value", read and looked up by key.
 */
#ifndef TOOLS_IOMMU_LIB_FDINFO_H
#define TOOLS_IOMMU_LIB_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

#define FDINFO_MAX	65536

struct fdinfo {
	size_t length;
	char text[FDINFO_MAX];
};

/* @pid 0: this process. Returns 0 or a negative errno. */
int fdinfo_read(pid_t pid, int fd, struct fdinfo *info);
/* The value of @key as text, up to the end of its line; NULL: no such line. */
const char *fdinfo_find(const struct fdinfo *info, const char *key);
/* The same as a number; false: no such line, or not a number. */
bool fdinfo_number(const struct fdinfo *info, const char *key, __u64 *value);
/* The @nth number (from 0) in that line, whatever stands between them. */
bool fdinfo_nth(const struct fdinfo *info, const char *key, unsigned int nth,
		__u64 *value);

#endif
