// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt lines and counters of machines, see machine_lines.h. */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_sim.h>
#include <linux/irqdomain.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "machine_lines.h"

static void line_raise(struct irq_work *work)
{
	struct machine_line *line =
		container_of(work, struct machine_line, raise);

	irq_set_irqchip_state(line->irq, IRQCHIP_STATE_PENDING, true);
}

/**
 * machine_lines_make() - make interrupt lines
 * @lines: zeroed
 * @num: how many, 1 to MACHINE_LINES_MAX
 *
 * May sleep.
 *
 * Return: 0; -ENOMEM; what making their domain returns.
 */
int machine_lines_make(struct machine_lines *lines, unsigned int num)
{
	unsigned int i;

	lines->irqs = irq_domain_create_sim(NULL, num);
	if (IS_ERR(lines->irqs))
		return PTR_ERR(lines->irqs);
	for (i = 0; i < num; i++) {
		init_irq_work(&lines->line[i].raise, line_raise);
		lines->line[i].irq = irq_create_mapping(lines->irqs, i);
		if (!lines->line[i].irq)
			return -ENOMEM;
		lines->num++;
	}
	return 0;
}

/**
 * machine_lines_free() - undo machine_lines_make(), also a failed one
 * @lines: nobody raises them, no handler is left
 *
 * May sleep.
 */
void machine_lines_free(struct machine_lines *lines)
{
	unsigned int i;

	for (i = 0; i < lines->num; i++) {
		irq_work_sync(&lines->line[i].raise);
		irq_dispose_mapping(lines->line[i].irq);
	}
	lines->num = 0;
	if (!IS_ERR_OR_NULL(lines->irqs))
		irq_domain_remove_sim(lines->irqs);
}

/**
 * machine_lines_raise() - an edge on a line
 * @lines: made
 * @which: below the number they were made with
 *
 * A function may be in the middle of a request, with its lock held; that of an
 * interrupt is held over writes to configuration space, the other way round. So
 * the interrupt comes from irq_work. Always on the same processor, as an edge to the
 * simulated controller is lost while another processor is still handling the one
 * before: what has been woken by that may already be asleep again. Any context.
 */
void machine_lines_raise(struct machine_lines *lines, unsigned int which)
{
	irq_work_queue_on(&lines->line[which].raise,
			  (int)cpumask_first(cpu_online_mask));
}

/**
 * machine_counters_put() - add a counter
 * @counters: where to; one that finds no room is only counted
 * @name: shorter than IOMMUFD_MODEL_NAME_LEN
 * @value: of it
 */
void machine_counters_put(struct machine_counters *counters, const char *name,
			  u64 value)
{
	if (counters->num < counters->max) {
		strscpy_pad(counters->at[counters->num].name, name);
		counters->at[counters->num].value = value;
	}
	counters->num++;
}

/**
 * machine_counters_put_all() - add counters of an array
 * @counters: as machine_counters_put()
 * @name: of all, with their index behind it
 * @values: of them
 * @num: how many
 */
void machine_counters_put_all(struct machine_counters *counters,
			      const char *name, const u64 *values,
			      unsigned int num)
{
	char indexed[IOMMUFD_MODEL_NAME_LEN];
	unsigned int i;

	for (i = 0; i < num; i++) {
		snprintf(indexed, sizeof(indexed), "%s-%u", name, i);
		machine_counters_put(counters, indexed, values[i]);
	}
}
