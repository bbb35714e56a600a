// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door to real units.
 *
 * The base tree's dmar.c has found and mapped them, and set up their invalidation
 * queues for interrupt remapping, which goes on using them beside us: the global
 * command register and the queue are shared, by its locks and its functions.
 */
#include <linux/dmar.h>
#include <linux/iopoll.h>
#include <linux/slab.h>

#include "dmar.h"
#include "unit.h"

/* Microseconds a unit has to carry out a global command. */
#define COMMAND_TIMEOUT		(10 * USEC_PER_SEC)

static struct intel_iommu *to_intel(struct vtd_unit *unit)
{
	return unit->door_data;
}

static u32 dmar_door_read32(struct vtd_unit *unit, unsigned int reg)
{
	return readl(to_intel(unit)->reg + reg);
}

static u64 dmar_door_read64(struct vtd_unit *unit, unsigned int reg)
{
	return readq(to_intel(unit)->reg + reg);
}

static void dmar_door_write32(struct vtd_unit *unit, unsigned int reg, u32 val)
{
	writel(val, to_intel(unit)->reg + reg);
}

static void dmar_door_write64(struct vtd_unit *unit, unsigned int reg, u64 val)
{
	writeq(val, to_intel(unit)->reg + reg);
}

/*
 * Software writes the register whole and keeps what it wrote (11.4.4): gcmd has
 * the bits that last, ours and those of interrupt remapping.
 */
static int dmar_door_command(struct vtd_unit *unit, u32 bit, bool on)
{
	struct intel_iommu *iommu = to_intel(unit);
	unsigned long flags;
	u32 val, status;
	bool until = on;
	int rc;

	raw_spin_lock_irqsave(&iommu->register_lock, flags);
	val = iommu->gcmd;
	switch (bit) {
	case DMA_GCMD_TE:
		val = on ? val | bit : val & ~bit;
		iommu->gcmd = val;
		break;
	case DMA_GCMD_WBF:
		/* Its status is that of a flush that goes on */
		until = false;
		fallthrough;
	default:
		val |= bit;
		break;
	}
	writel(val, iommu->reg + DMAR_GCMD_REG);
	rc = readl_poll_timeout_atomic(iommu->reg + DMAR_GSTS_REG, status,
				       !!(status & bit) == until, 0,
				       COMMAND_TIMEOUT);
	raw_spin_unlock_irqrestore(&iommu->register_lock, flags);
	if (rc)
		pr_err("%s: command %#x is not carried out: status %#x\n",
		       unit->name, bit, status);
	return rc;
}

static int dmar_door_submit(struct vtd_unit *unit, struct qi_desc *descs,
			    unsigned int num, bool drain)
{
	int rc;

	rc = qi_submit_sync(to_intel(unit), descs, num,
			    drain ? QI_OPT_WAIT_DRAIN : 0);
	return rc == -EINVAL || rc == -ETIMEDOUT || !rc ? rc : -EINVAL;
}

static void dmar_door_clean(struct vtd_unit *unit, void *addr, size_t size)
{
	clflush_cache_range(addr, size);
}

/*
 * Interrupt remapping has the fault interrupt, for its own faults; our handler
 * sees to those as well.
 */
static int take_fault_irq(struct intel_iommu *iommu)
{
	int rc;

	rc = dmar_set_interrupt(iommu);
	if (rc)
		return rc;
	free_irq(iommu->irq, iommu);
	return 0;
}

static void return_fault_irq(struct intel_iommu *iommu)
{
	if (request_irq(iommu->irq, dmar_fault, IRQF_NO_THREAD, iommu->name,
			iommu))
		pr_err("%s: nobody looks at its faults\n", iommu->name);
}

/* The interrupt chip tells the two by pr_irq: it is set before first use. */
static int make_page_request_irq(struct intel_iommu *iommu)
{
	int irq;

	irq = dmar_alloc_hwirq(IOMMU_IRQ_ID_OFFSET_PRQ + iommu->seq_id,
			       iommu->node, iommu);
	if (irq <= 0)
		return -ENOSPC;
	iommu->pr_irq = irq;
	return 0;
}

static void free_page_request_irq(struct intel_iommu *iommu)
{
	dmar_free_hwirq(iommu->pr_irq);
	iommu->pr_irq = 0;
}

static int dmar_door_irq_request(struct vtd_unit *unit, enum vtd_irq which,
				 irq_handler_t hard, irq_handler_t thread,
				 void *data)
{
	struct intel_iommu *iommu = to_intel(unit);
	bool fault = which == VTD_IRQ_FAULT;
	int rc;

	rc = fault ? take_fault_irq(iommu) : make_page_request_irq(iommu);
	if (rc)
		return rc;
	rc = request_threaded_irq(fault ? iommu->irq : iommu->pr_irq, hard,
				  thread, hard ? IRQF_NO_THREAD : IRQF_ONESHOT,
				  unit->name, data);
	if (rc && fault)
		return_fault_irq(iommu);
	else if (rc)
		free_page_request_irq(iommu);
	return rc;
}

static void dmar_door_irq_free(struct vtd_unit *unit, enum vtd_irq which,
			       void *data)
{
	struct intel_iommu *iommu = to_intel(unit);

	if (which == VTD_IRQ_FAULT) {
		free_irq(iommu->irq, data);
		return_fault_irq(iommu);
	} else {
		free_irq(iommu->pr_irq, data);
		free_page_request_irq(iommu);
	}
}

static bool dmar_door_owns(struct vtd_unit *unit, struct pci_dev *pdev)
{
	struct dmar_drhd_unit *drhd = dmar_find_matched_drhd_unit(pdev);

	return drhd && drhd->iommu == to_intel(unit);
}

const struct vtd_door_ops vtd_dmar_door = {
	.read32 = dmar_door_read32,
	.read64 = dmar_door_read64,
	.write32 = dmar_door_write32,
	.write64 = dmar_door_write64,
	.command = dmar_door_command,
	.submit = dmar_door_submit,
	.clean = dmar_door_clean,
	.irq_request = dmar_door_irq_request,
	.irq_free = dmar_door_irq_free,
	.owns = dmar_door_owns,
};

/**
 * vtd_dmar_destroy_unit() - free a unit of vtd_dmar_create_units()
 * @unit: stopped, freed by vtd_unit_free() if it was initialised
 */
void vtd_dmar_destroy_unit(struct vtd_unit *unit)
{
	kfree(unit);
}

/**
 * vtd_dmar_create_units() - one for each unit that interrupt remapping uses
 * @units: to be appended to; nothing else of a unit is set up
 *
 * Units that come by hotplug later are not looked for. At boot; may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int __init vtd_dmar_create_units(struct list_head *units)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;
	struct vtd_unit *unit;
	int rc = 0;

	down_read(&dmar_global_lock);
	for_each_active_iommu(iommu, drhd) {
		/* Without the queue its door would say yes and do nothing */
		if (!iommu->qi) {
			pr_warn("%s: no invalidation queue: left alone\n",
				iommu->name);
			continue;
		}
		unit = kzalloc(sizeof(*unit), GFP_KERNEL);
		if (!unit) {
			rc = -ENOMEM;
			break;
		}
		unit->door = &vtd_dmar_door;
		unit->door_data = iommu;
		strscpy(unit->name, iommu->name);
		/* Which units are without it cannot be told */
		unit->rw_parents = true;
		list_add_tail(&unit->item, units);
	}
	up_read(&dmar_global_lock);
	return rc;
}
