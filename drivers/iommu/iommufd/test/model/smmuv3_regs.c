// SPDX-License-Identifier: GPL-2.0-only
/* Registers of the SMMUv3 model as they read (6.3). */
#include "smmuv3_regs.h"

static u64 read_irq(const struct smmuv3_model *model, enum smmuv3_model_irq which,
		    u32 reg)
{
	switch (reg) {
	case 0:
		return model->irqs[which].addr;
	case 8:
		return model->irqs[which].data;
	default:
		return model->irqs[which].attr;
	}
}

static u64 read_id(const struct smmuv3_model *model, u32 offset)
{
	switch (offset) {
	case IDR0:
		return model->config.idr0;
	case IDR1:
		return model->config.idr1;
	case IDR3:
		return model->config.idr3;
	case IDR5:
		return model->config.idr5;
	case IIDR:
		return model->config.iidr;
	case AIDR:
		return model->config.aidr;
	}
	return 0;
}

static u64 read_reg(const struct smmuv3_model *model, u32 offset)
{
	const struct smmuv3_queue *queues = model->queues;

	switch (offset) {
	case CR0:
	case CR0ACK:
		return model->cr0;
	case CR1:
		return model->cr1;
	case CR2:
		return model->cr2;
	case GBPA:
		return model->gbpa;
	case IRQ_CTRL:
	case IRQ_CTRLACK:
		return model->irq_ctrl;
	case GERROR:
		return model->gerror;
	case GERRORN:
		return model->gerrorn;
	case STRTAB_BASE:
		return model->strtab;
	case STRTAB_BASE_CFG:
		return model->strtab_cfg;
	case CMDQ_BASE:
		return queues[SMMUV3_CMDQ].base;
	case CMDQ_PROD:
		return queues[SMMUV3_CMDQ].prod;
	case CMDQ_CONS:
		return queues[SMMUV3_CMDQ].cons;
	case EVENTQ_BASE:
		return queues[SMMUV3_EVENTQ].base;
	case EVENTQ_PROD:
		return queues[SMMUV3_EVENTQ].prod;
	case EVENTQ_CONS:
		return queues[SMMUV3_EVENTQ].cons;
	case PRIQ_BASE:
		return queues[SMMUV3_PRIQ].base;
	case PRIQ_PROD:
		return queues[SMMUV3_PRIQ].prod;
	case PRIQ_CONS:
		return queues[SMMUV3_PRIQ].cons;
	case GERROR_IRQ ... GERROR_IRQ + 12:
		return read_irq(model, SMMUV3_MODEL_IRQ_GERROR, offset - GERROR_IRQ);
	case EVENTQ_IRQ ... EVENTQ_IRQ + 12:
		return read_irq(model, SMMUV3_MODEL_IRQ_EVTQ, offset - EVENTQ_IRQ);
	case PRIQ_IRQ ... PRIQ_IRQ + 12:
		return read_irq(model, SMMUV3_MODEL_IRQ_PRIQ, offset - PRIQ_IRQ);
	}
	return read_id(model, offset);
}

/* Width of a register; 0: there is none. */
static unsigned int width(u32 offset)
{
	switch (offset) {
	case IDR0 ... AIDR:
	case CR0 ... CR2:
	case STATUSR:
	case GBPA:
	case IRQ_CTRL:
	case IRQ_CTRLACK:
	case GERROR:
	case GERRORN:
	case STRTAB_BASE_CFG:
	case CMDQ_PROD:
	case CMDQ_CONS:
	case EVENTQ_PROD:
	case EVENTQ_CONS:
	case PRIQ_PROD:
	case PRIQ_CONS:
	case GERROR_IRQ + 8:
	case GERROR_IRQ + 12:
	case EVENTQ_IRQ + 8:
	case EVENTQ_IRQ + 12:
	case PRIQ_IRQ + 8:
	case PRIQ_IRQ + 12:
		return 4;
	case STRTAB_BASE:
	case CMDQ_BASE:
	case EVENTQ_BASE:
	case PRIQ_BASE:
	case GERROR_IRQ:
	case EVENTQ_IRQ:
	case PRIQ_IRQ:
		return 8;
	}
	return 0;
}

/**
 * smmuv3_reg_access_ok() - is there a register?
 * @offset: from the base of page 0
 * @size: bytes
 *
 * Return: true if there is one as wide as that.
 */
bool smmuv3_reg_access_ok(u32 offset, unsigned int size)
{
	return !(offset & 3) && width(offset) == size;
}

/**
 * smmuv3_model_read() - read a register
 * @model: unit
 * @offset: from the base of page 0
 * @size: 4 or 8 bytes, as wide as the register
 *
 * Any context.
 *
 * Return: its value; 0 of one there is not, which is a violation.
 */
u64 smmuv3_model_read(struct smmuv3_model *model, u32 offset, unsigned int size)
{
	unsigned long flags;
	u64 val;

	if (!smmuv3_reg_access_ok(offset, size)) {
		model_violation("smmuv3: %u bytes read at %#x", size, offset);
		return 0;
	}
	flags = smmuv3_lock(model);
	val = read_reg(model, offset);
	smmuv3_unlock(model, flags);
	return val;
}
