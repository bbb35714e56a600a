// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units: starting and stopping them, their global errors, and the list of them.
 *
 * A unit is started and stopped by one thread, that of whoever found it. Global
 * errors are acknowledged by several, under gerror_lock.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/iopoll.h>
#include <linux/ratelimit.h>

#include "cmdq.h"
#include "faults.h"
#include "owed.h"
#include "regs.h"
#include "tables.h"
#include "cmdq_trace.h"
#include "unit.h"

/* For the unit to do as it is told; it needs microseconds. */
#define UNIT_POLL_US		10
#define UNIT_TIMEOUT_US		1000000

LIST_HEAD(smmuv3_units);
static DEFINE_MUTEX(units_lock);
/* Guards GERRORN of all units, which is hardly ever written. Innermost. */
static DEFINE_RAW_SPINLOCK(gerror_lock);

/**
 * smmuv3_units_lock() - keep the list of units as it is
 *
 * May sleep. Taken before smmuv3_unit::lock.
 */
void smmuv3_units_lock(void)
{
	mutex_lock(&units_lock);
}

/** smmuv3_units_unlock() - undo smmuv3_units_lock() */
void smmuv3_units_unlock(void)
{
	mutex_unlock(&units_lock);
}

/* Why we cannot drive it, or NULL. */
static const char *unit_lacks(const struct smmuv3_caps *caps)
{
	if (!caps->stage1 && !caps->stage2)
		return "it translates nothing";
	if (!caps->aarch64)
		return "it has no tables in AArch64 format";
	if (caps->table_big_endian)
		return "it reads tables in big-endian order only";
	/* One granule at least has to make what the CPU calls a page */
	if (!(caps->granules & (PAGE_SIZE | (PAGE_SIZE - 1))))
		return "it has no granule that fits the kernel's page size";
	/* 6.3.2: queues or stream table are where hardware wants them */
	if (caps->preset)
		return "its queues or tables are in memory of its own";
	/* A command, and the SYNC behind it */
	if (caps->cmdq_log2 < 1)
		return "its command queue holds one command";
	return NULL;
}

static void unit_read(struct smmuv3_unit *unit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unit->idr); i++)
		unit->idr[i] = unit->door->read32(unit, SMMU_IDR(i));
	unit->iidr = unit->door->read32(unit, SMMU_IIDR);
	unit->aidr = unit->door->read32(unit, SMMU_AIDR);
	smmuv3_caps_decode(&unit->caps, unit->idr, unit->firmware);
	smmuv3_caps_errata(&unit->caps, unit->iidr);
}

static int unit_alloc(struct smmuv3_unit *unit)
{
	int rc;

	rc = smmuv3_strtab_alloc(unit);
	if (rc)
		return rc;
	rc = smmuv3_cmdq_alloc(unit);
	if (rc)
		goto err_strtab;
	rc = smmuv3_evtq_alloc(unit);
	if (rc)
		goto err_cmdq;
	if (unit->caps.pri) {
		rc = smmuv3_priq_alloc(unit);
		if (rc)
			goto err_evtq;
	}
	return 0;
err_evtq:
	smmuv3_evtq_free(unit);
err_cmdq:
	smmuv3_cmdq_free(unit);
err_strtab:
	smmuv3_strtab_free(unit);
	return rc;
}

/**
 * smmuv3_unit_init() - make a unit ready to be started
 * @unit: with door, door_data, dev, firmware and name; the rest is zero
 *
 * Only reads registers. May sleep.
 *
 * Return: 0; -ENODEV: it lacks what we need, and a line in the log says what;
 * -ENOMEM.
 */
int smmuv3_unit_init(struct smmuv3_unit *unit)
{
	const char *lacks;
	int rc;

	unit_read(unit);
	lacks = unit_lacks(&unit->caps);
	if (lacks) {
		pr_err("%s: cannot be driven: %s\n", unit->name, lacks);
		return -ENODEV;
	}

	mutex_init(&unit->lock);
	INIT_LIST_HEAD(&unit->item);
	xa_init(&unit->streams);
	tag_ids_init(&unit->asids);
	tag_ids_init(&unit->vmids);
	xa_init_flags(&unit->contexts, XA_FLAGS_ACCOUNT);
	smmuv3_owed_init(unit);
	unit->fault_unit.ops = &smmuv3_fault_unit_ops;

	rc = unit_alloc(unit);
	if (rc)
		mutex_destroy(&unit->lock);
	return rc;
}

/**
 * smmuv3_unit_free() - undo smmuv3_unit_init()
 * @unit: stopped or never started
 *
 * May sleep.
 */
void smmuv3_unit_free(struct smmuv3_unit *unit)
{
	smmuv3_owed_halt(unit);
	WARN_ON(!xa_empty(&unit->streams) || !xa_empty(&unit->contexts) ||
		!ida_is_empty(&unit->asids.ida) ||
		!ida_is_empty(&unit->vmids.ida));
	if (unit->priq)
		smmuv3_priq_free(unit);
	smmuv3_evtq_free(unit);
	smmuv3_cmdq_free(unit);
	smmuv3_strtab_free(unit);
	xa_destroy(&unit->streams);
	xa_destroy(&unit->contexts);
	tag_ids_destroy(&unit->asids);
	tag_ids_destroy(&unit->vmids);
	mutex_destroy(&unit->lock);
}

/* Wait until @reg has @val in the bits of @mask. */
static int unit_wait(struct smmuv3_unit *unit, unsigned int reg, u32 mask,
		     u32 val)
{
	u32 now;

	if (!read_poll_timeout(unit->door->read32, now, (now & mask) == val,
			       UNIT_POLL_US, UNIT_TIMEOUT_US, false, unit, reg))
		return 0;
	pr_err("%s: register %#x stays %#x, should be %#x\n", unit->name, reg,
	       now, val);
	return -ETIMEDOUT;
}

/* 6.3.9: the unit says in CR0ACK what it has taken. */
static int unit_enable(struct smmuv3_unit *unit, u32 enables)
{
	unit->enables = enables;
	unit->door->write32(unit, SMMU_CR0, enables);
	return unit_wait(unit, SMMU_CR0ACK, U32_MAX, enables);
}

static int unit_interrupts(struct smmuv3_unit *unit, u32 enables)
{
	unit->door->write32(unit, SMMU_IRQ_CTRL, enables);
	return unit_wait(unit, SMMU_IRQ_CTRLACK, U32_MAX, enables);
}

/* 6.3.14: DMA is aborted, not let through, while SMMUEN is off. */
static int unit_abort(struct smmuv3_unit *unit)
{
	u32 gbpa;
	int rc;

	rc = unit_wait(unit, SMMU_GBPA, SMMU_GBPA_UPDATE, 0);
	if (rc)
		return rc;
	gbpa = unit->door->read32(unit, SMMU_GBPA);
	if (gbpa & SMMU_GBPA_ABORT)
		return 0;
	unit->door->write32(unit, SMMU_GBPA,
			    gbpa | SMMU_GBPA_ABORT | SMMU_GBPA_UPDATE);
	return unit_wait(unit, SMMU_GBPA, SMMU_GBPA_UPDATE, 0);
}

/**
 * smmuv3_unit_block() - let no DMA through
 * @unit: in any state
 *
 * GBPA counts from when SMMUEN is off, so it comes first. May sleep.
 *
 * Return: 0; -ETIMEDOUT: the unit does not do as told, and a line says what.
 */
int smmuv3_unit_block(struct smmuv3_unit *unit)
{
	u32 enables = unit->door->read32(unit, SMMU_CR0);
	int rc;

	rc = unit_abort(unit);
	if (rc || !(enables & SMMU_CR0_SMMUEN))
		return rc;
	return unit_enable(unit, enables & ~SMMU_CR0_SMMUEN);
}

/**
 * smmuv3_unit_off() - turn everything off
 * @unit: in any state; an earlier kernel, or firmware, may have left it on
 *
 * GBPA counts from when SMMUEN is off, so it comes first; queues go last, as a unit
 * that is on needs them (6.3.9). A unit that does not acknowledge one step is told the
 * next all the same; but not to let go of its tables if DMA would get through. May
 * sleep.
 *
 * Return: 0; -ETIMEDOUT: the unit does not do as told, and a line says what.
 */
int smmuv3_unit_off(struct smmuv3_unit *unit)
{
	u32 enables = unit->door->read32(unit, SMMU_CR0);
	int rc, err;

	rc = unit_abort(unit);
	if (rc)
		return rc;
	if (enables & SMMU_CR0_SMMUEN)
		rc = unit_enable(unit, enables & ~SMMU_CR0_SMMUEN);
	err = unit_interrupts(unit, 0);
	rc = rc ?: err;
	err = unit_enable(unit, 0);
	return rc ?: err;
}

/*
 * How the unit reads and writes queues and tables (6.3.11), and what else never
 * changes (6.3.12): events of StreamIDs beyond the table, and no broadcast TLB
 * maintenance, as no ASID or VMID of ours is that of a CPU's table.
 */
static void unit_attributes(struct smmuv3_unit *unit)
{
	u32 cache = SMMU_CR1_NON_CACHEABLE, share = SMMU_CR1_OUTER_SHAREABLE;
	u32 cr2 = SMMU_CR2_RECINVSID | SMMU_CR2_PTM;

	if (unit->caps.coherent) {
		cache = SMMU_CR1_WRITE_BACK;
		share = SMMU_CR1_INNER_SHAREABLE;
	}
	unit->door->write32(unit, SMMU_CR1,
			    FIELD_PREP(SMMU_CR1_TABLE_SH, share) |
			    FIELD_PREP(SMMU_CR1_TABLE_OC, cache) |
			    FIELD_PREP(SMMU_CR1_TABLE_IC, cache) |
			    FIELD_PREP(SMMU_CR1_QUEUE_SH, share) |
			    FIELD_PREP(SMMU_CR1_QUEUE_OC, cache) |
			    FIELD_PREP(SMMU_CR1_QUEUE_IC, cache));
	/* Says what an EL2 stream would be; we make none */
	if (unit->caps.hyp)
		cr2 |= SMMU_CR2_E2H;
	unit->door->write32(unit, SMMU_CR2, cr2);
}

/* What an earlier owner left in caches: they are not defined after reset (3.21). */
static int unit_flush_everything(struct smmuv3_unit *unit)
{
	DEFINE_SMMUV3_BATCH(batch, unit);

	smmuv3_batch_cfgi_all(&batch);
	if (unit->caps.hyp)
		smmuv3_batch_tlbi_el2_all(&batch);
	smmuv3_batch_tlbi_all(&batch);
	return smmuv3_batch_submit(&batch);
}

/* Acknowledged by who brings the queues in order again, or looks at them (lost.c) */
#define UNIT_QUEUE_ABORTS	(SMMU_GERROR_EVENTQ_ABORT |		\
				 SMMU_GERROR_PRIQ_ABORT |		\
				 SMMU_GERROR_MSI_EVENTQ_ABORT |		\
				 SMMU_GERROR_MSI_PRIQ_ABORT)

static const struct {
	u32 error;
	const char *text;
} unit_errors[] = {
	{ SMMU_GERROR_EVENTQ_ABORT,
	  "could not write its event queue, events are lost" },
	{ SMMU_GERROR_PRIQ_ABORT,
	  "could not write its page request queue, requests are lost" },
	{ SMMU_GERROR_MSI_CMDQ_ABORT,
	  "could not send the interrupt of a SYNC" },
	{ SMMU_GERROR_MSI_EVENTQ_ABORT,
	  "could not send the interrupt of its event queue" },
	{ SMMU_GERROR_MSI_PRIQ_ABORT,
	  "could not send the interrupt of its page request queue" },
	{ SMMU_GERROR_MSI_GERROR_ABORT,
	  "could not send the interrupt of a global error" },
};

/**
 * smmuv3_gerror_active() - global errors that are not acknowledged
 * @unit: unit
 *
 * Any context.
 *
 * Return: SMMU_GERROR_*.
 */
u32 smmuv3_gerror_active(struct smmuv3_unit *unit)
{
	return unit->door->read32(unit, SMMU_GERROR) ^
	       unit->door->read32(unit, SMMU_GERRORN);
}

/**
 * smmuv3_gerror_ack() - acknowledge global errors (6.3.19)
 * @unit: unit
 * @errors: SMMU_GERROR_*; those that are not active any more are left alone
 *
 * Any context.
 */
void smmuv3_gerror_ack(struct smmuv3_unit *unit, u32 errors)
{
	unsigned long flags;
	u32 seen;

	raw_spin_lock_irqsave(&gerror_lock, flags);
	seen = unit->door->read32(unit, SMMU_GERRORN);
	errors &= unit->door->read32(unit, SMMU_GERROR) ^ seen;
	if (errors)
		unit->door->write32(unit, SMMU_GERRORN, seen ^ errors);
	raw_spin_unlock_irqrestore(&gerror_lock, flags);
}

/* 12.3: nothing but a reset brings it back. Said once. */
static void unit_give_up(struct smmuv3_unit *unit)
{
	if (READ_ONCE(unit->broken))
		return;
	WRITE_ONCE(unit->broken, true);
	pr_crit("%s: has given up (service failure mode): all DMA behind it is aborted\n",
		unit->name);
}

static irqreturn_t unit_gerror(int irq, void *data)
{
	struct smmuv3_unit *unit = data;
	u32 active = smmuv3_gerror_active(unit);
	unsigned int i;

	if (!active)
		return IRQ_NONE;
	trace_smmuv3_gerror(unit, active);
	atomic64_inc(&unit->gerrors);
	if (active & SMMU_GERROR_SFM)
		unit_give_up(unit);
	if (active & SMMU_GERROR_CMDQ)
		smmuv3_cmdq_error(unit);
	if (active & UNIT_QUEUE_ABORTS)
		smmuv3_lost_records(unit);
	smmuv3_gerror_ack(unit, active & ~(SMMU_GERROR_CMDQ |
					   UNIT_QUEUE_ABORTS));

	for (i = 0; i < ARRAY_SIZE(unit_errors); i++)
		if (active & unit_errors[i].error)
			pr_err_ratelimited("%s: %s\n", unit->name,
					   unit_errors[i].text);
	return IRQ_HANDLED;
}

/*
 * Nobody would look at its records: it is as if the unit had no page requests. No
 * function sends any, as none has a source.
 */
static int unit_drop_priq(struct smmuv3_unit *unit)
{
	int rc;

	pr_warn("%s: firmware knows no interrupt for page requests, there are none\n",
		unit->name);
	rc = unit_enable(unit, unit->enables & ~SMMU_CR0_PRIQEN);
	if (!rc)
		smmuv3_priq_free(unit);
	return rc;
}

/*
 * Interrupts, after the queues are on. Who waits for a command looks after errors of
 * the command queue by itself, so a unit without that interrupt does as well.
 */
static int unit_start_interrupts(struct smmuv3_unit *unit)
{
	u32 enables = SMMU_IRQ_CTRL_EVENTQ | SMMU_IRQ_CTRL_GERROR;
	int rc;

	rc = unit->door->irq_request(unit, SMMUV3_IRQ_GERROR, unit_gerror, NULL,
				     unit);
	if (rc == -ENXIO) {
		pr_warn("%s: firmware knows no interrupt for global errors\n",
			unit->name);
		enables &= ~SMMU_IRQ_CTRL_GERROR;
	} else if (rc) {
		return rc;
	}
	unit->gerror_irq = !rc;

	rc = smmuv3_evtq_start(unit);
	/* The driver core says nothing of -ENXIO, and DMA stays blocked */
	if (rc == -ENXIO)
		pr_err("%s: firmware knows no interrupt for events: DMA of all devices behind it is blocked\n",
		       unit->name);
	if (rc)
		goto err_gerror;
	rc = smmuv3_priq_start(unit);
	if (rc == -ENXIO)
		rc = unit_drop_priq(unit);
	if (rc)
		goto err_evtq;
	if (unit->priq)
		enables |= SMMU_IRQ_CTRL_PRIQ;
	rc = unit_interrupts(unit, enables);
	if (rc)
		goto err_priq;
	return 0;
err_priq:
	if (unit->priq)
		smmuv3_priq_stop(unit);
err_evtq:
	smmuv3_evtq_stop(unit);
err_gerror:
	if (unit->gerror_irq)
		unit->door->irq_free(unit, SMMUV3_IRQ_GERROR, unit);
	smmuv3_lost_stop(unit);
	return rc;
}

static void unit_stop_interrupts(struct smmuv3_unit *unit)
{
	unit_interrupts(unit, 0);
	if (unit->priq)
		smmuv3_priq_stop(unit);
	smmuv3_evtq_stop(unit);
	if (unit->gerror_irq)
		unit->door->irq_free(unit, SMMUV3_IRQ_GERROR, unit);
	smmuv3_lost_stop(unit);
}

/* Queues on, caches empty. */
static int unit_start_queues(struct smmuv3_unit *unit)
{
	u32 enables = SMMU_CR0_CMDQEN;
	int rc;

	smmuv3_strtab_setup(unit);
	smmuv3_cmdq_setup(unit);
	smmuv3_evtq_setup(unit);
	if (unit->priq)
		smmuv3_priq_setup(unit);

	rc = unit_enable(unit, enables);
	if (rc)
		return rc;
	rc = unit_flush_everything(unit);
	if (rc)
		return rc;
	enables |= SMMU_CR0_EVENTQEN;
	if (unit->priq)
		enables |= SMMU_CR0_PRIQEN;
	return unit_enable(unit, enables);
}

/* ATSCHK, that translated requests are checked, only changes before SMMUEN. */
static int unit_translate(struct smmuv3_unit *unit)
{
	int rc;

	if (unit->caps.ats) {
		rc = unit_enable(unit, unit->enables | SMMU_CR0_ATSCHK);
		if (rc)
			return rc;
	}
	return unit_enable(unit, unit->enables | SMMU_CR0_SMMUEN);
}

/**
 * smmuv3_unit_start() - translate
 * @unit: initialised; every stream of its table aborts or is not there
 *
 * From an unknown state of the unit: no DMA goes through it untranslated on the way.
 * May sleep.
 *
 * Return: 0; -ETIMEDOUT or -EIO: the unit does not do as told; what requesting
 * interrupts returns; -ENOMEM. Everything is off, and DMA aborted, then.
 */
int smmuv3_unit_start(struct smmuv3_unit *unit)
{
	int rc;

	if (unit->door->read32(unit, SMMU_CR0) & SMMU_CR0_SMMUEN)
		pr_info("%s: was left on; turned off, DMA is aborted\n",
			unit->name);
	rc = smmuv3_unit_off(unit);
	if (rc)
		return rc;
	smmuv3_gerror_ack(unit, U32_MAX);
	unit_attributes(unit);

	rc = unit_start_queues(unit);
	if (rc)
		goto err_off;
	rc = unit_start_interrupts(unit);
	if (rc)
		goto err_off;
	rc = unit_translate(unit);
	if (rc)
		goto err_interrupts;
	return 0;
err_interrupts:
	unit_stop_interrupts(unit);
err_off:
	smmuv3_unit_off(unit);
	/* Nothing was attached that it could reach */
	smmuv3_owed_exit(unit, true);
	return rc;
}

/**
 * smmuv3_unit_stop() - undo smmuv3_unit_start()
 * @unit: started; no device is left behind it
 *
 * DMA is aborted afterwards. May sleep.
 */
void smmuv3_unit_stop(struct smmuv3_unit *unit)
{
	int rc;

	/* Nobody else turns it off meanwhile */
	smmuv3_owed_halt(unit);
	if (!unit_abort(unit))
		unit_enable(unit, unit->enables & ~SMMU_CR0_SMMUEN);
	unit_stop_interrupts(unit);
	rc = smmuv3_unit_off(unit);
	/* Tags that are kept for another unit are flushed here too: it has no queue */
	if (!rc)
		WRITE_ONCE(unit->broken, true);
	synchronize_rcu();
	smmuv3_owed_exit(unit, !rc);
}
