// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd-demo - what /dev/iommu is for, on real input
 *
 *	iommufd-demo [--colour] [--part vtd|mock|all]
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
static bool colour;

/* The terminal's: bold, green, red, and back */
#define BOLD	"\033[1m"
#define GREEN	"\033[32m"
#define RED	"\033[31m"
#define PLAIN	"\033[0m"

static const char *in(const char *code)
{
	return colour ? code : "";
}

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void part(const char *title)
{
	size_t i, length = strlen(title);

	printf("\n%s%s%s\n", in(BOLD), title, in(PLAIN));
	for (i = 0; i < length; i++)
		putchar('=');
	printf("\n");
}

void step(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("\n%s%u. ", in(BOLD), ++steps);
	vprintf(format, args);
	printf("%s\n", in(PLAIN));
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
	printf("   %s[%s]%s ", in(ok ? GREEN : RED), ok ? "ok" : "FAILED", in(PLAIN));
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
	printf("   %s[FAILED]%s ", in(RED), in(PLAIN));
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
	bool vtd = true, mock = true, good;
	double start = seconds();
	int i = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (i < argc && !strcmp(argv[i], "--colour")) {
		colour = true;
		i++;
	}
	if (i + 2 == argc && !strcmp(argv[i], "--part")) {
		vtd = strcmp(argv[i + 1], "mock");
		mock = strcmp(argv[i + 1], "vtd");
		good = !vtd || !mock || !strcmp(argv[i + 1], "all");
	} else {
		good = i == argc;
	}
	if (!good) {
		fprintf(stderr, "usage: %s [--colour] [--part vtd|mock|all]\n", argv[0]);
		return 2;
	}
	if (vtd)
		demo_vtd();
	if (mock)
		demo_mock();
	printf("\n%s%u comparisons held, %u did not%s, %.1f s\n",
	       in(failed ? RED : GREEN), held, failed, in(PLAIN), seconds() - start);
	return failed || !held;
}
