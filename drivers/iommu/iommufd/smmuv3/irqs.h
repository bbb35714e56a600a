/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How interrupts of a unit are connected: a wire each, one wire for all, or MSIs
 * (IHI 0070 3.18). What a door's irq_request and irq_free come down to.
 */
#ifndef __IOMMUFD_SMMUV3_IRQS_H
#define __IOMMUFD_SMMUV3_IRQS_H

#include "unit.h"

/**
 * struct smmuv3_handler - who is called for an interrupt
 * @hard: with interrupts off, or NULL
 * @thread: in a thread, or NULL
 * @data: for both; written before @used
 * @used: there is somebody
 */
struct smmuv3_handler {
	irq_handler_t hard;
	irq_handler_t thread;
	void *data;
	bool used;
};

/**
 * struct smmuv3_irqs - the interrupts of a unit
 * @wires: interrupts by wire, 0 if there is none
 * @combined: one wire for all, 0 if there is none
 * @lock: guards @handlers and @num_handlers for writing; may sleep
 * @handlers: who is called for @combined
 * @num_handlers: how many
 * @msi_tried: MSIs were asked for, or are not to be
 * @msi: interrupts are MSIs
 * @names: for /proc/interrupts
 */
struct smmuv3_irqs {
	int wires[SMMUV3_NUM_IRQS];
	int combined;
	struct mutex lock;		/* see above */
	struct smmuv3_handler handlers[SMMUV3_NUM_IRQS];
	unsigned int num_handlers;
	bool msi_tried;
	bool msi;
	char names[SMMUV3_NUM_IRQS][24];
};

/*
 * init  @irqs is zero; wires are then filled in
 * exit  nothing is connected. The unit's device stays until then
 * request, free  as those of struct smmuv3_door_ops. The unit's device has the unit as
 *       its driver data, and an MSI domain if there are to be MSIs
 */
void smmuv3_irqs_init(struct smmuv3_irqs *irqs);
void smmuv3_irqs_exit(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs);
int smmuv3_irqs_request(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
			enum smmuv3_irq which, irq_handler_t hard,
			irq_handler_t thread, void *data);
void smmuv3_irqs_free(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
		      enum smmuv3_irq which, void *data);
/* As firmware calls the wire of @which. */
const char *smmuv3_irq_name(enum smmuv3_irq which);

#endif
