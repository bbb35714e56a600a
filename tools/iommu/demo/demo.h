/* SPDX-License-Identifier: GPL-2.0 */
/* What the two parts of the demo share: how a step is told and judged. */
#ifndef TOOLS_IOMMU_DEMO_H
#define TOOLS_IOMMU_DEMO_H

#include <stdbool.h>
#include <stddef.h>

#define __printf(a, b)	__attribute__((__format__(printf, a, b)))

/* A heading over several steps */
void part(const char *title);
/* A numbered step, a line of explanation, a comparison and its outcome */
__printf(1, 2) void step(const char *format, ...);
__printf(1, 2) void tell(const char *format, ...);
__printf(2, 3) bool check(bool held, const char *format, ...);

/*
 * Something the demo needs and cannot do without: ends the part, which then
 * counts as failed. Use as: if (!need(rc, "...")) return;
 */
__printf(2, 3) bool need(int rc, const char *format, ...);

bool same_bytes(const void *a, const void *b, size_t length);
void pattern(void *to, size_t length, unsigned int seed);
double seconds(void);

void demo_vtd(void);
void demo_mock(void);

#endif
