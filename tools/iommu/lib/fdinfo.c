// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of an open file: see fdinfo.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fdinfo.h"

int fdinfo_read(pid_t pid, int fd, struct fdinfo *info)
{
	char path[64];
	ssize_t n;
	int in;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	else
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return -errno;
	info->length = 0;
	do {
		n = read(in, info->text + info->length,
			 sizeof(info->text) - 1 - info->length);
		if (n > 0)
			info->length += (size_t)n;
	} while (n > 0 && info->length < sizeof(info->text) - 1);
	info->text[info->length] = 0;
	close(in);
	return n < 0 ? -errno : 0;
}

const char *fdinfo_find(const struct fdinfo *info, const char *key)
{
	size_t length = strlen(key);
	const char *line = info->text;

	while (line && *line) {
		if (!strncmp(line, key, length) && line[length] == ':')
			return line + length + 1 +
			       strspn(line + length + 1, " \t");
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

bool fdinfo_nth(const struct fdinfo *info, const char *key, unsigned int nth,
		__u64 *value)
{
	const char *text = fdinfo_find(info, key);
	char *end;

	while (text && *text && *text != '\n') {
		if (*text < '0' || *text > '9') {
			text++;
			continue;
		}
		*value = strtoull(text, &end, 0);
		if (!nth--)
			return true;
		text = end;
	}
	return false;
}

bool fdinfo_number(const struct fdinfo *info, const char *key, __u64 *value)
{
	return fdinfo_nth(info, key, 0, value);
}
