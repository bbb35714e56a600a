// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to registers of the SMMUv3 model (6.3). What software must not do is a
 * violation: writing a register while the unit relies on it, setting a reserved bit, an
 * access of the wrong width.
 */
#include "smmuv3_regs.h"

#define GBPA_UPDATE		BIT(31)
#define GBPA_FIELDS		(GENMASK(4, 0) | GENMASK(13, 8) | GENMASK(20, 16))
#define CR2_FIELDS		GENMASK(3, 0)
#define IRQ_CTRL_FIELDS		GENMASK(2, 0)
#define GERROR_FIELDS		(BIT(0) | GENMASK(9, 2))
#define INDEX_FIELDS		GENMASK(19, 0)
#define CONS_ERR_FIELDS		GENMASK(30, 24)
#define OVERFLOW		BIT(31)
#define RA			BIT_ULL(62)
#define STRTAB_FIELDS		(RA | GENMASK_ULL(55, 6))
#define STRTAB_CFG_FIELDS	(GENMASK(17, 16) | GENMASK(10, 0))
#define QBASE_FIELDS		(RA | GENMASK_ULL(55, 0))
#define MSI_FIELDS		GENMASK_ULL(55, 2)

static void wrong(u32 offset, u64 val, const char *why)
{
	model_violation("smmuv3: register %#x written as %#llx: %s", offset, val, why);
}

static u32 max_bits(const struct smmuv3_model *model, enum smmuv3_queue_which which)
{
	u64 idr1 = model->config.idr1;

	switch (which) {
	case SMMUV3_CMDQ:
		return smmuv3_get(SMMUV3_IDR1_CMDQS, idr1);
	case SMMUV3_EVENTQ:
		return smmuv3_get(SMMUV3_IDR1_EVENTQS, idr1);
	default:
		return smmuv3_get(SMMUV3_IDR1_PRIQS, idr1);
	}
}

static u64 enable_of(enum smmuv3_queue_which which)
{
	switch (which) {
	case SMMUV3_CMDQ:
		return SMMUV3_CR0_CMDQEN;
	case SMMUV3_EVENTQ:
		return SMMUV3_CR0_EVENTQEN;
	default:
		return SMMUV3_CR0_PRIQEN;
	}
}

static unsigned int entry_bytes(enum smmuv3_queue_which which)
{
	return which == SMMUV3_EVENTQ ? 32 : 16;
}

static u32 cr0_fields(const struct smmuv3_model *model)
{
	u32 fields = SMMUV3_CR0_SMMUEN | SMMUV3_CR0_EVENTQEN | SMMUV3_CR0_CMDQEN;

	if (model->config.idr0 & SMMUV3_IDR0_PRI)
		fields |= SMMUV3_CR0_PRIQEN;
	if (model->config.idr0 & SMMUV3_IDR0_ATS)
		fields |= SMMUV3_CR0_ATSCHK;
	return fields;
}

static void set_cr0(struct smmuv3_model *model, u32 val, unsigned long *flags)
{
	u32 off = model->cr0 & ~val;

	if (val & ~cr0_fields(model)) {
		wrong(CR0, val, "reserved bits");
		return;
	}
	model->cr0 = val;
	/* 6.3.9.6: nothing stays stalled. */
	if (off & SMMUV3_CR0_SMMUEN)
		smmuv3_stall_terminate(model, 0, true);
	smmuv3_stall_retry_waiting(model);
	/* 6.3.9.3: commands that are in progress are done before it is off. */
	if (off & SMMUV3_CR0_CMDQEN) {
		smmuv3_unlock(model, *flags);
		smmuv3_consume_wait(model);
		*flags = smmuv3_lock(model);
	}
}

static void set_cr1(struct smmuv3_model *model, u32 val)
{
	const u32 queue_fields = GENMASK(5, 0), table_fields = GENMASK(11, 6);
	u64 queues = SMMUV3_CR0_CMDQEN | SMMUV3_CR0_EVENTQEN | SMMUV3_CR0_PRIQEN;
	u32 changed = model->cr1 ^ val;

	if (val & ~(queue_fields | table_fields))
		wrong(CR1, val, "reserved bits");
	else if ((changed & queue_fields && smmuv3_on(model, queues)) ||
		 (changed & table_fields && smmuv3_on(model, SMMUV3_CR0_SMMUEN)))
		wrong(CR1, val, "in use");
	else
		model->cr1 = val;
}

static void set_cr2(struct smmuv3_model *model, u32 val)
{
	if (val & ~CR2_FIELDS)
		wrong(CR2, val, "reserved bits");
	else if (val != model->cr2 && smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		wrong(CR2, val, "in use");
	else
		model->cr2 = val;
}

static void write_gbpa(struct smmuv3_model *model, u32 val)
{
	if (val & ~(GBPA_FIELDS | GBPA_UPDATE))
		wrong(GBPA, val, "reserved bits");
	else if (!(val & GBPA_UPDATE))
		wrong(GBPA, val, "without UPDATE");
	else
		model->gbpa = val & MUT(GBPA_UPDATE, ~GBPA_UPDATE, ~0U);
}

/* Acknowledging more than was reported is CONSTRAINED UNPREDICTABLE (6.3.18). */
static void write_gerrorn(struct smmuv3_model *model, u32 val)
{
	u32 changed = model->gerrorn ^ val;

	if (val & ~GERROR_FIELDS)
		wrong(GERRORN, val, "reserved bits");
	else if (changed & ~(model->gerror ^ model->gerrorn))
		wrong(GERRORN, val, "an error that is not active");
	else
		model->gerrorn = val;
	smmuv3_stall_retry_waiting(model);
}

static void write_strtab_cfg(struct smmuv3_model *model, u32 val)
{
	unsigned int bits = smmuv3_get(SMMUV3_IDR1_SIDSIZE, model->config.idr1);
	unsigned int levels = smmuv3_get(SMMUV3_IDR0_ST_LEVEL, model->config.idr0);

	if (val & ~STRTAB_CFG_FIELDS || (val & GENMASK(5, 0)) > bits)
		wrong(STRTAB_BASE_CFG, val, "reserved bits or too large");
	else if ((val >> 16 & 3) > !!levels)
		wrong(STRTAB_BASE_CFG, val, "a format there is not");
	else if (smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		wrong(STRTAB_BASE_CFG, val, "in use");
	else
		model->strtab_cfg = val;
}

static void write_strtab(struct smmuv3_model *model, u64 val)
{
	if (val & ~STRTAB_FIELDS)
		wrong(STRTAB_BASE, val, "reserved bits");
	else if (smmuv3_on(model, SMMUV3_CR0_SMMUEN))
		wrong(STRTAB_BASE, val, "in use");
	else
		model->strtab = val;
}

static void write_base(struct smmuv3_model *model, enum smmuv3_queue_which which,
		       u32 offset, u64 val)
{
	struct smmuv3_queue queue = { .base = val };
	u64 size = (u64)entry_bytes(which) << smmuv3_queue_bits(&queue);

	if (val & ~QBASE_FIELDS || smmuv3_queue_bits(&queue) > max_bits(model, which))
		wrong(offset, val, "reserved bits or too large");
	else if (val & GENMASK_ULL(55, 5) & (size - 1))
		wrong(offset, val, "not aligned to the queue");
	else if (smmuv3_on(model, enable_of(which)))
		wrong(offset, val, "in use");
	else
		model->queues[which].base = val;
}

/* An index that is the unit's own, which is set while the queue is off */
static void write_own(struct smmuv3_model *model, enum smmuv3_queue_which which,
		      u32 offset, u32 *reg, u32 val, u32 fields)
{
	if (val & ~fields)
		wrong(offset, val, "reserved bits");
	else if (smmuv3_on(model, enable_of(which)))
		wrong(offset, val, "in use");
	else
		*reg = val;
}

/* While there is an error, what was not consumed may be taken back (7.1). */
static bool prod_ok(struct smmuv3_model *model, const struct smmuv3_queue *new)
{
	const struct smmuv3_queue *queue = &model->queues[SMMUV3_CMDQ];
	u32 used = smmuv3_queue_used(new);

	if (!smmuv3_on(model, SMMUV3_CR0_CMDQEN))
		return true;
	if (used > 1U << smmuv3_queue_bits(queue))
		return false;
	return used >= smmuv3_queue_used(queue) ||
	       smmuv3_model_gerror_active(model, SMMUV3_GERROR_CMDQ);
}

static void write_prod(struct smmuv3_model *model, u32 val)
{
	struct smmuv3_queue *queue = &model->queues[SMMUV3_CMDQ];
	struct smmuv3_queue new = *queue;

	new.prod = val;
	if (val & ~INDEX_FIELDS) {
		wrong(CMDQ_PROD, val, "reserved bits");
	} else if (!prod_ok(model, &new)) {
		wrong(CMDQ_PROD, val, "backwards, or beyond the end of the queue");
	} else {
		model->counts.submits += queue->prod != val;
		queue->prod = val;
	}
}

/* A consumer goes forward, and not beyond what there is. */
static void write_cons(struct smmuv3_model *model, enum smmuv3_queue_which which,
		       u32 offset, u32 val)
{
	struct smmuv3_queue *queue = &model->queues[which];
	struct smmuv3_queue new = *queue;

	new.cons = val;
	if (val & ~(INDEX_FIELDS | OVERFLOW)) {
		wrong(offset, val, "reserved bits");
		return;
	}
	if (smmuv3_on(model, enable_of(which)) &&
	    smmuv3_queue_used(&new) > smmuv3_queue_used(queue)) {
		wrong(offset, val, "not between consumer and producer");
		return;
	}
	queue->cons = val;
	if (which == SMMUV3_EVENTQ)
		smmuv3_stall_retry_waiting(model);
}

static u32 irq_enable(enum smmuv3_model_irq which)
{
	static const u32 bits[] = {
		[SMMUV3_MODEL_IRQ_GERROR] = BIT(0),
		[SMMUV3_MODEL_IRQ_PRIQ] = BIT(1),
		[SMMUV3_MODEL_IRQ_EVTQ] = BIT(2),
	};

	return bits[which];
}

static void write_irq(struct smmuv3_model *model, enum smmuv3_model_irq which,
		      u32 offset, u32 reg, u64 val)
{
	struct smmuv3_irq_cfg *cfg = &model->irqs[which];
	u32 attr = GENMASK(5, 0) | (which == SMMUV3_MODEL_IRQ_PRIQ ? BIT(31) : 0);

	if (model->irq_ctrl & irq_enable(which))
		wrong(offset, val, "in use");
	else if (!reg && val & ~MSI_FIELDS)
		wrong(offset, val, "reserved bits");
	else if (!reg)
		cfg->addr = val;
	else if (reg == 8)
		cfg->data = val;
	else if (val & ~(u64)attr)
		wrong(offset, val, "reserved bits");
	else
		cfg->attr = val;
}

static void write_irq_ctrl(struct smmuv3_model *model, u32 val)
{
	if (val & ~IRQ_CTRL_FIELDS)
		wrong(IRQ_CTRL, val, "reserved bits");
	else
		model->irq_ctrl = val;
}

static void write_queue(struct smmuv3_model *model, u32 offset, u64 val)
{
	struct smmuv3_queue *queues = model->queues;

	switch (offset) {
	case CMDQ_BASE:
		write_base(model, SMMUV3_CMDQ, offset, val);
		break;
	case EVENTQ_BASE:
		write_base(model, SMMUV3_EVENTQ, offset, val);
		break;
	case PRIQ_BASE:
		write_base(model, SMMUV3_PRIQ, offset, val);
		break;
	case CMDQ_PROD:
		write_prod(model, val);
		break;
	case CMDQ_CONS:
		write_own(model, SMMUV3_CMDQ, offset, &queues[SMMUV3_CMDQ].cons, val,
			  INDEX_FIELDS | CONS_ERR_FIELDS);
		break;
	case EVENTQ_PROD:
		write_own(model, SMMUV3_EVENTQ, offset, &queues[SMMUV3_EVENTQ].prod,
			  val, INDEX_FIELDS | OVERFLOW);
		break;
	case PRIQ_PROD:
		write_own(model, SMMUV3_PRIQ, offset, &queues[SMMUV3_PRIQ].prod, val,
			  INDEX_FIELDS | OVERFLOW);
		break;
	case EVENTQ_CONS:
		write_cons(model, SMMUV3_EVENTQ, offset, val);
		break;
	case PRIQ_CONS:
		write_cons(model, SMMUV3_PRIQ, offset, val);
		break;
	default:
		wrong(offset, val, "read only");
	}
}

static void write_reg(struct smmuv3_model *model, u32 offset, u64 val,
		      unsigned long *flags)
{
	switch (offset) {
	case CR0:
		set_cr0(model, val, flags);
		break;
	case CR1:
		set_cr1(model, val);
		break;
	case CR2:
		set_cr2(model, val);
		break;
	case GBPA:
		write_gbpa(model, val);
		break;
	case IRQ_CTRL:
		write_irq_ctrl(model, val);
		break;
	case GERRORN:
		write_gerrorn(model, val);
		break;
	case STRTAB_BASE:
		write_strtab(model, val);
		break;
	case STRTAB_BASE_CFG:
		write_strtab_cfg(model, val);
		break;
	case GERROR_IRQ ... GERROR_IRQ + 12:
		write_irq(model, SMMUV3_MODEL_IRQ_GERROR, offset, offset - GERROR_IRQ,
			  val);
		break;
	case EVENTQ_IRQ ... EVENTQ_IRQ + 12:
		write_irq(model, SMMUV3_MODEL_IRQ_EVTQ, offset, offset - EVENTQ_IRQ,
			  val);
		break;
	case PRIQ_IRQ ... PRIQ_IRQ + 12:
		write_irq(model, SMMUV3_MODEL_IRQ_PRIQ, offset, offset - PRIQ_IRQ, val);
		break;
	default:
		write_queue(model, offset, val);
	}
}

/**
 * smmuv3_model_write() - write a register
 * @model: unit
 * @offset: from the base of page 0
 * @size: 4 or 8 bytes, as wide as the register
 * @val: value
 *
 * What must not be written is a violation, and changes nothing. Commands that may go
 * on by it are carried out before it returns, unless another CPU is at it. Calls
 * masters. Any context that those allow.
 */
void smmuv3_model_write(struct smmuv3_model *model, u32 offset, unsigned int size,
			u64 val)
{
	unsigned long flags;

	if (!smmuv3_reg_access_ok(offset, size)) {
		model_violation("smmuv3: %u bytes written at %#x", size, offset);
		return;
	}
	flags = smmuv3_lock(model);
	write_reg(model, offset, val, &flags);
	smmuv3_unlock(model, flags);
	if (offset == CR0 || offset == GERRORN || offset == CMDQ_PROD)
		smmuv3_consume(model);
}
