// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd-demo - what /dev/iommu is for, on real input
 *
 *	iommufd-demo [--part vtd|mock|all]
 *
 * vtd   a PCI device (QEMU's edu) does DMA through an emulated Intel VT-d unit, or
 *       on arm64 an Arm SMMUv3
 * mock  a VMM answers a device's page faults, on the mock IOMMU
 *
 * Every step says what it did and compares. Exit status 0 only if all
 * comparisons held.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

static unsigned int steps, held, failed;

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void step(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("\n%u. ", ++steps);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("   ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

bool check(bool ok, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("   %s ", ok ? "[ok]" : "[FAILED]");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	if (ok)
		held++;
	else
		failed++;
	return ok;
}

bool need(int rc, const char *format, ...)
{
	va_list args;

	if (rc >= 0)
		return true;
	va_start(args, format);
	printf("   [FAILED] ");
	vprintf(format, args);
	printf(": %s\n", strerror(-rc));
	va_end(args);
	failed++;
	return false;
}

bool same_bytes(const void *a, const void *b, size_t length)
{
	return !memcmp(a, b, length);
}

/* No two pages alike, no byte that was there before */
void pattern(void *to, size_t length, unsigned int seed)
{
	unsigned char *p = to;
	size_t i;

	for (i = 0; i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(seed >> 24 | 1);
	}
}

int main(int argc, char **argv)
{
	bool vtd = true, mock = true;
	double start = seconds();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "--part")) {
		vtd = !strcmp(argv[2], "vtd") || !strcmp(argv[2], "all");
		mock = !strcmp(argv[2], "mock") || !strcmp(argv[2], "all");
	} else if (argc != 1) {
		vtd = false;
		mock = false;
	}
	if (!vtd && !mock) {
		fprintf(stderr, "usage: %s [--part vtd|mock|all]\n", argv[0]);
		return 2;
	}
	if (vtd)
		demo_vtd();
	if (mock)
		demo_mock();
	printf("\n%u comparisons held, %u did not, %.1f s\n", held, failed,
	       seconds() - start);
	return failed || !held;
}
