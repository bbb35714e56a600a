// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts and global errors of the SMMUv3 model (3.18, 7.5). An interrupt is an
 * edge: wired, and an MSI as well if one is set up.
 */
#include <linux/mm.h>

#include "smmuv3_internal.h"

#define MSI_ADDR		GENMASK_ULL(55, 2)

static u32 enable_bit(enum smmuv3_model_irq which)
{
	switch (which) {
	case SMMUV3_MODEL_IRQ_GERROR:
		return MUT(IRQ_GERROR, BIT(0), BIT(1));
	case SMMUV3_MODEL_IRQ_PRIQ:
		return MUT(IRQ_PRIQ, BIT(1), BIT(2));
	case SMMUV3_MODEL_IRQ_EVTQ:
		return MUT(IRQ_EVTQ, BIT(2), BIT(0));
	default:
		return ~0U;
	}
}

/**
 * smmuv3_interrupt() - something to interrupt for
 * @model: locked; it is raised when the lock is let go
 * @which: source
 */
void smmuv3_interrupt(struct smmuv3_model *model, enum smmuv3_model_irq which)
{
	if (model->irq_ctrl & enable_bit(which))
		model->raise |= BIT(which);
}

/**
 * smmuv3_model_gerror_active() - was an error reported and not acknowledged?
 * @model: locked
 * @bit: SMMUV3_GERROR_*
 *
 * Return: true if so.
 */
bool smmuv3_model_gerror_active(const struct smmuv3_model *model, u32 bit)
{
	return (model->gerror ^ model->gerrorn) & bit;
}

/**
 * smmuv3_gerror() - report a global error
 * @model: locked
 * @bit: SMMUV3_GERROR_*; nothing happens if it is active already
 */
void smmuv3_gerror(struct smmuv3_model *model, u32 bit)
{
	if (smmuv3_model_gerror_active(model, bit))
		return;
	model->gerror ^= bit;
	smmuv3_interrupt(model, SMMUV3_MODEL_IRQ_GERROR);
}

/**
 * smmuv3_msi() - a write that is an MSI
 * @model: not locked, interrupts off
 * @addr: where
 * @data: 32 bits
 *
 * To memory too: software may poll there.
 *
 * Return: false if nothing answers.
 */
bool smmuv3_msi(struct smmuv3_model *model, u64 addr, u32 data)
{
	u32 *mem;

	mem = smmuv3_memory(model, addr);
	if (mem && smmuv3_memory_known(addr)) {
		/* What it tells of is there before. */
		smp_wmb();
		WRITE_ONCE(*mem, data);
		return true;
	}
	if (mem || !model->config.msi)
		return false;
	model->config.msi(model->config.data, addr, data);
	return true;
}

static u32 msi_error(enum smmuv3_model_irq which)
{
	switch (which) {
	case SMMUV3_MODEL_IRQ_GERROR:
		return SMMUV3_GERROR_MSI_GERROR;
	case SMMUV3_MODEL_IRQ_EVTQ:
		return SMMUV3_GERROR_MSI_EVENTQ;
	default:
		return SMMUV3_GERROR_MSI_PRIQ;
	}
}

static void send(struct smmuv3_model *model, enum smmuv3_model_irq which)
{
	bool has_msi = model->config.idr0 & SMMUV3_IDR0_MSI;
	struct smmuv3_irq_cfg cfg = {};

	model->config.raise(model->config.data, which);
	if (which == SMMUV3_MODEL_IRQ_CMD_SYNC || !has_msi)
		return;
	raw_spin_lock(&model->lock);
	cfg = model->irqs[which];
	raw_spin_unlock(&model->lock);
	if (!(cfg.addr & MSI_ADDR))
		return;
	if (smmuv3_msi(model, cfg.addr & MSI_ADDR, cfg.data)) {
		raw_spin_lock(&model->lock);
		model->counts.msis++;
		raw_spin_unlock(&model->lock);
		return;
	}
	raw_spin_lock(&model->lock);
	smmuv3_gerror(model, msi_error(which));
	raw_spin_unlock(&model->lock);
}

/* With the lock held, so that whoever ends the delay finds what it has held up. */
static void delay(struct smmuv3_model *model, unsigned long which)
{
	unsigned long usecs;

	raw_spin_lock(&model->lock);
	usecs = model->inject[SMMUV3_MODEL_INJECT_DELAY];
	model->late |= which;
	if (!usecs || !hrtimer_active(&model->delay))
		hrtimer_start(&model->delay,
			      ns_to_ktime((u64)usecs * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_HARD);
	raw_spin_unlock(&model->lock);
}

/**
 * smmuv3_irq_hurry() - what is late comes now
 * @model: locked; nothing is held back any more
 */
void smmuv3_irq_hurry(struct smmuv3_model *model)
{
	if (model->late)
		hrtimer_start(&model->delay, 0, HRTIMER_MODE_REL_HARD);
}

/**
 * smmuv3_raise() - raise interrupts
 * @model: not locked, interrupts off
 * @which: bit mask of enum smmuv3_model_irq
 */
void smmuv3_raise(struct smmuv3_model *model, unsigned long which)
{
	const unsigned long queues = BIT(SMMUV3_MODEL_IRQ_EVTQ) |
				     BIT(SMMUV3_MODEL_IRQ_PRIQ);
	unsigned long usecs = READ_ONCE(model->inject[SMMUV3_MODEL_INJECT_DELAY]);
	enum smmuv3_model_irq i;

	which &= ~READ_ONCE(model->inject[SMMUV3_MODEL_INJECT_LOSE_IRQS]);
	if (usecs && which & queues) {
		delay(model, which & queues);
		which &= ~queues;
	}
	for (i = 0; i < SMMUV3_MODEL_NUM_IRQS; i++)
		if (which & BIT(i))
			send(model, i);
}

static enum hrtimer_restart delayed(struct hrtimer *timer)
{
	struct smmuv3_model *model = container_of(timer, struct smmuv3_model, delay);
	enum smmuv3_model_irq i;
	unsigned long which;

	raw_spin_lock(&model->lock);
	which = model->late;
	model->late = 0;
	raw_spin_unlock(&model->lock);
	for (i = 0; i < SMMUV3_MODEL_NUM_IRQS; i++)
		if (which & BIT(i))
			send(model, i);
	/* An MSI that aborted is an interrupt of its own. */
	smmuv3_unlock(model, smmuv3_lock(model));
	return HRTIMER_NORESTART;
}

/**
 * smmuv3_irq_create() - prepare interrupts
 * @model: new
 *
 * Return: 0, or -EINVAL if there is nobody to raise them to.
 */
int smmuv3_irq_create(struct smmuv3_model *model)
{
	if (!model->config.raise)
		return -EINVAL;
	hrtimer_init(&model->delay, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	model->delay.function = delayed;
	return 0;
}

/**
 * smmuv3_irq_destroy() - no late interrupt comes any more
 * @model: nobody uses it
 */
void smmuv3_irq_destroy(struct smmuv3_model *model)
{
	hrtimer_cancel(&model->delay);
}
