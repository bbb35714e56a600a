/* SPDX-License-Identifier: GPL-2.0 */
/* What the two parts of the demo share: how a step is told and judged. */
#ifndef TOOLS_IOMMU_DEMO_H
#define TOOLS_IOMMU_DEMO_H

#include <stdbool.h>
#include <stddef.h>

/* A numbered step, a line of explanation, a comparison and its outcome */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool check(bool held, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Something the demo needs and cannot do without: ends the part, which then
 * counts as failed. Use as: if (!need(rc, "...")) return;
 */
bool need(int rc, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool same_bytes(const void *a, const void *b, size_t length);
void pattern(void *to, size_t length, unsigned int seed);
double seconds(void);

void demo_vtd(void);
void demo_mock(void);

#endif
