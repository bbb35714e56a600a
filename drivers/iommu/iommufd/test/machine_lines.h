/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt lines between the model of an IOMMU and its driver, and counters by
 * name: what every machine needs, whatever its vendor.
 */
#ifndef __IOMMUFD_MACHINE_LINES_H
#define __IOMMUFD_MACHINE_LINES_H

#include <linux/irq_work.h>
#include <linux/irqreturn.h>
#include <linux/types.h>

#include "model/uapi.h"

#define MACHINE_LINES_MAX	4

/**
 * struct machine_line - an interrupt line
 * @irq: as the kernel numbers it; 0: not made
 * @raise: raises it, outside of the models' locks
 */
struct machine_line {
	unsigned int irq;
	struct irq_work raise;
};

/**
 * struct machine_lines - the lines of a machine
 * @irqs: where they come from
 * @num: how many
 * @line: each of them
 */
struct machine_lines {
	struct irq_domain *irqs;
	unsigned int num;
	struct machine_line line[MACHINE_LINES_MAX];
};

/* free: also after a failure. Both may sleep. 0 or -errno. */
int machine_lines_make(struct machine_lines *lines, unsigned int num);
void machine_lines_free(struct machine_lines *lines);
/* An edge. Any context, with any lock held. */
void machine_lines_raise(struct machine_lines *lines, unsigned int which);

/**
 * struct machine_counters - room for a machine's counters
 * @at: counters, or NULL if @max is 0
 * @max: how many fit
 * @num: how many there are
 */
struct machine_counters {
	struct iommufd_model_counter *at;
	unsigned int max;
	unsigned int num;
};

void machine_counters_put(struct machine_counters *counters, const char *name,
			  u64 value);
/* NAME-0 to NAME-(@num - 1); those that are 0 too. */
void machine_counters_put_all(struct machine_counters *counters,
			      const char *name, const u64 *values,
			      unsigned int num);

#endif
