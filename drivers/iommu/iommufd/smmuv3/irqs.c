// SPDX-License-Identifier: GPL-2.0-only
/*
 * How interrupts of a unit are connected: a wire each, one wire for all, or MSIs
 * (IHI 0070 3.18).
 *
 * Handlers of a wire that several interrupts share come and go under
 * smmuv3_irqs::lock, and are read by its handler without.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/bitfield.h>
#include <linux/msi.h>

#include "irqs.h"
#include "regs.h"

static const char * const wire_names[SMMUV3_NUM_IRQS] = {
	[SMMUV3_IRQ_GERROR] = "gerror",
	[SMMUV3_IRQ_EVTQ] = "eventq",
	[SMMUV3_IRQ_PRIQ] = "priq",
};

/* IRQ_CFG0, 1 and 2 of each interrupt; CFG1 and CFG2 are after 8 and 12 bytes. */
static const unsigned int irqs_cfg[SMMUV3_NUM_IRQS] = {
	[SMMUV3_IRQ_GERROR] = SMMU_GERROR_IRQ_CFG0,
	[SMMUV3_IRQ_EVTQ] = SMMU_EVENTQ_IRQ_CFG0,
	[SMMUV3_IRQ_PRIQ] = SMMU_PRIQ_IRQ_CFG0,
};

/* 3.18.1: an address of 0 makes it a wire. IRQ_CTRL is off. */
static void irqs_write_msi(struct msi_desc *desc, struct msi_msg *msg)
{
	struct smmuv3_unit *unit = dev_get_drvdata(msi_desc_to_dev(desc));
	unsigned int cfg = irqs_cfg[desc->msi_index];
	u64 addr = (u64)msg->address_hi << 32 | msg->address_lo;

	unit->door->write64(unit, cfg, addr & SMMU_IRQ_CFG0_ADDR);
	unit->door->write32(unit, cfg + 8, msg->data);
	unit->door->write32(unit, cfg + 12,
			    FIELD_PREP(SMMU_IRQ_CFG2_MEMATTR,
				       SMMU_IRQ_CFG2_DEVICE));
}

/*
 * MSIs if the unit and firmware have them. Not before the unit's interrupts are off,
 * as an earlier kernel may have left them on.
 */
static void irqs_try_msi(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs)
{
	unsigned int i, num = unit->caps.pri ? SMMUV3_NUM_IRQS :
					       SMMUV3_IRQ_PRIQ;
	int rc;

	if (irqs->msi_tried)
		return;
	irqs->msi_tried = true;
	if (!unit->caps.msi)
		return;
	for (i = 0; i < num; i++)
		unit->door->write64(unit, irqs_cfg[i], 0);
	if (!unit->dev->msi.domain)
		return;
	rc = platform_device_msi_init_and_alloc_irqs(unit->dev, num,
						     irqs_write_msi);
	if (rc)
		dev_warn(unit->dev, "no MSIs, wires are used: %d\n", rc);
	else
		irqs->msi = true;
}

static irqreturn_t combined_hard(int irq, void *data)
{
	struct smmuv3_irqs *irqs = data;
	irqreturn_t ret = IRQ_NONE;
	unsigned int i;

	for (i = 0; i < SMMUV3_NUM_IRQS; i++) {
		struct smmuv3_handler *h = &irqs->handlers[i];
		irqreturn_t one = IRQ_WAKE_THREAD;

		/* Pairs with smp_store_release() of who requests */
		if (!smp_load_acquire(&h->used))
			continue;
		if (h->hard)
			one = h->hard(irq, h->data);
		if (one == IRQ_WAKE_THREAD || ret == IRQ_NONE)
			ret = one;
	}
	return ret;
}

static irqreturn_t combined_thread(int irq, void *data)
{
	struct smmuv3_irqs *irqs = data;
	irqreturn_t ret = IRQ_NONE;
	unsigned int i;

	for (i = 0; i < SMMUV3_NUM_IRQS; i++) {
		struct smmuv3_handler *h = &irqs->handlers[i];

		/* Pairs with smp_store_release() of who requests */
		if (!smp_load_acquire(&h->used) || !h->thread)
			continue;
		if (h->thread(irq, h->data) == IRQ_HANDLED)
			ret = IRQ_HANDLED;
	}
	return ret;
}

static int combined_request(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
			    enum smmuv3_irq which, irq_handler_t hard,
			    irq_handler_t thread, void *data)
{
	struct smmuv3_handler *h = &irqs->handlers[which];
	int rc = 0;

	mutex_lock(&irqs->lock);
	h->hard = hard;
	h->thread = thread;
	h->data = data;
	/* Pairs with smp_load_acquire() in the handlers of the wire */
	smp_store_release(&h->used, true);
	if (!irqs->num_handlers)
		rc = request_threaded_irq(irqs->combined, combined_hard,
					  combined_thread, IRQF_ONESHOT,
					  unit->name, irqs);
	if (rc)
		WRITE_ONCE(h->used, false);
	else
		irqs->num_handlers++;
	mutex_unlock(&irqs->lock);
	return rc;
}

static void combined_free(struct smmuv3_irqs *irqs, enum smmuv3_irq which)
{
	mutex_lock(&irqs->lock);
	WRITE_ONCE(irqs->handlers[which].used, false);
	if (--irqs->num_handlers)
		synchronize_irq(irqs->combined);
	else
		free_irq(irqs->combined, irqs);
	mutex_unlock(&irqs->lock);
}

/* -ENXIO: firmware knows none. */
static int irqs_number(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
		       enum smmuv3_irq which)
{
	int irq;

	if (irqs->msi) {
		irq = msi_get_virq(unit->dev, which);
		return irq ? irq : -ENXIO;
	}
	return irqs->wires[which] ? irqs->wires[which] : -ENXIO;
}

/**
 * smmuv3_irqs_request() - connect an interrupt
 * @unit: the unit; its interrupts are off (IRQ_CTRL)
 * @irqs: its interrupts
 * @which: this one
 * @hard: as &smmuv3_door_ops.irq_request
 * @thread: likewise
 * @data: likewise
 *
 * By MSI, if unit and firmware have them; else by the one wire for all, if firmware
 * knows one, of which smmuv3_unit::one_irq tells; else by a wire of its own. May sleep.
 *
 * Return: 0; -ENXIO: firmware knows none; what requesting it returns.
 */
int smmuv3_irqs_request(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
			enum smmuv3_irq which, irq_handler_t hard,
			irq_handler_t thread, void *data)
{
	char *name = irqs->names[which];
	int irq;

	irqs_try_msi(unit, irqs);
	if (!irqs->msi && irqs->combined) {
		unit->one_irq = true;
		return combined_request(unit, irqs, which, hard, thread, data);
	}
	irq = irqs_number(unit, irqs, which);
	if (irq < 0)
		return irq;
	snprintf(name, sizeof(irqs->names[which]), "%s-%s", unit->name,
		 wire_names[which]);
	return request_threaded_irq(irq, hard, thread, hard ? 0 : IRQF_ONESHOT,
				    name, data);
}

/**
 * smmuv3_irqs_free() - undo smmuv3_irqs_request()
 * @unit: the unit
 * @irqs: its interrupts
 * @which: this one
 * @data: as it was given
 *
 * May sleep.
 */
void smmuv3_irqs_free(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs,
		      enum smmuv3_irq which, void *data)
{
	if (!irqs->msi && irqs->combined)
		combined_free(irqs, which);
	else
		free_irq(irqs_number(unit, irqs, which), data);
}

/**
 * smmuv3_irqs_init() - before wires are filled in
 * @irqs: zero
 */
void smmuv3_irqs_init(struct smmuv3_irqs *irqs)
{
	mutex_init(&irqs->lock);
}

/**
 * smmuv3_irqs_exit() - undo smmuv3_irqs_init()
 * @unit: the unit; none of its interrupts is connected
 * @irqs: its interrupts
 *
 * May sleep.
 */
void smmuv3_irqs_exit(struct smmuv3_unit *unit, struct smmuv3_irqs *irqs)
{
	if (irqs->msi)
		platform_device_msi_free_irqs_all(unit->dev);
	irqs->msi = false;
	mutex_destroy(&irqs->lock);
}

/**
 * smmuv3_irq_name() - how firmware calls a wire
 * @which: the interrupt
 *
 * Return: the name.
 */
const char *smmuv3_irq_name(enum smmuv3_irq which)
{
	return wire_names[which];
}
