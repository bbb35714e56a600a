/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BAR of any PCI function, as sysfs shows it to root: memory of a process that has
 * no pages. It is a driver's, so that nobody is to touch it.
 */
#ifndef SELFTESTS_IOMMU_BAR_TEST_H
#define SELFTESTS_IOMMU_BAR_TEST_H

#include "iommu_test.h"

#include <dirent.h>

#define BAR_LENGTH	(2 * PAGE)
/* Of the file "resource" of a function: memory, not ports (IORESOURCE_MEM) */
#define RESOURCE_MEM	0x200

static inline void *see_bar(int file)
{
	void *p = mmap(NULL, BAR_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED,
		       file, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The first memory BAR of a function that is large enough and can be mapped, or -ENODEV. */
static inline int open_bar_of(const char *name)
{
	unsigned long long start, end, flags;
	int file = -ENODEV, i;
	char path[512];
	FILE *f;
	void *p;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	for (i = 0; i < 6 && file < 0; i++) {
		if (fscanf(f, "%llx %llx %llx", &start, &end, &flags) != 3)
			break;
		if (!(flags & RESOURCE_MEM) || end - start + 1 < BAR_LENGTH)
			continue;
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/devices/%s/resource%d", name, i);
		file = open(path, O_RDWR | O_CLOEXEC);
		if (file < 0) {
			file = -ENODEV;
			continue;
		}
		p = see_bar(file);
		if (p) {
			munmap(p, BAR_LENGTH);
			continue;
		}
		close(file);
		file = -ENODEV;
	}
	fclose(f);
	return file;
}

static inline int open_any_bar(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	int file = -ENODEV;
	struct dirent *e;

	if (!dir)
		return -errno;
	while (file < 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			file = open_bar_of(e->d_name);
	closedir(dir);
	return file;
}

#endif
