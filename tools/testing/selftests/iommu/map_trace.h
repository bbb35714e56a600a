/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a call does any work: what is entered into tables is counted, by the iommu
 * core's tracepoints, in a trace instance of its own.
 */
#ifndef SELFTESTS_IOMMU_MAP_TRACE_H
#define SELFTESTS_IOMMU_MAP_TRACE_H

#include "iommu_test.h"

#include <sys/stat.h>

#define MAP_TRACE "/sys/kernel/tracing/instances/iommufd-map"

static inline bool map_trace_write(const char *file, const char *text)
{
	char path[256];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), MAP_TRACE "/events/iommu/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static inline bool map_trace_set(const char *text)
{
	return map_trace_write("map/enable", text) &&
	       map_trace_write("unmap/enable", text);
}

/* false: the iommu core cannot be traced here. */
static inline bool map_trace_begin(void)
{
	rmdir(MAP_TRACE);
	return !mkdir(MAP_TRACE, 0700) && map_trace_set("1");
}

/* What has been mapped or unmapped in any table since map_trace_begin(); or an errno */
static inline int map_traced(void)
{
	FILE *f = fopen(MAP_TRACE "/trace", "re");
	char line[512];
	int n = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, " map: ") || strstr(line, " unmap: ");
	fclose(f);
	return n;
}

static inline int map_trace_end(void)
{
	map_trace_set("0");
	return rmdir(MAP_TRACE) ? -errno : 0;
}

#endif
