// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's door to a VT-d model. Requests come up from the model as they do
 * from hardware, through queue memory and an interrupt; what the driver has to
 * say goes down as registers and descriptors. Nothing else crosses.
 */
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "../vtd/driver.h"
#include "vtd_model_door.h"

static struct vtd_machine *to_machine(struct vtd_unit *unit)
{
	return container_of(unit, struct vtd_machine, unit);
}

static u32 door_read32(struct vtd_unit *unit, unsigned int reg)
{
	return vtd_model_read(to_machine(unit)->model, reg, sizeof(u32));
}

static u64 door_read64(struct vtd_unit *unit, unsigned int reg)
{
	return vtd_model_read(to_machine(unit)->model, reg, sizeof(u64));
}

static void door_write32(struct vtd_unit *unit, unsigned int reg, u32 val)
{
	vtd_model_write(to_machine(unit)->model, reg, sizeof(u32), val);
}

static void door_write64(struct vtd_unit *unit, unsigned int reg, u64 val)
{
	vtd_model_write(to_machine(unit)->model, reg, sizeof(u64), val);
}

/* The model is done when the write returns. */
static int door_command(struct vtd_unit *unit, u32 bit, bool on)
{
	struct vtd_machine *machine = to_machine(unit);
	bool lasts = bit == DMA_GCMD_TE, until = on;
	u32 val;

	if (lasts)
		machine->gcmd = on ? machine->gcmd | bit : machine->gcmd & ~bit;
	val = lasts ? machine->gcmd : machine->gcmd | bit;
	if (bit == DMA_GCMD_WBF)
		until = false;
	door_write32(unit, DMAR_GCMD_REG, val);
	return !!(door_read32(unit, DMAR_GSTS_REG) & bit) == until ?
		       0 : -ETIMEDOUT;
}

/* Whoever has come upon it, the queue goes on. */
static void clear_queue_error(struct vtd_unit *unit)
{
	door_write32(unit, DMAR_FSTS_REG, DMA_FSTS_IQE);
}

/*
 * As qi_submit_sync() has it, which sees to an error of a descriptor (IQE) at its first
 * one alone. Whether those behind it are carried out is open. It looks for errors only as
 * long as it waits, so that of a completion (ICE) stays where it is.
 */
static int submit_all(struct vtd_machine *machine, const struct qi_desc *descs,
		      unsigned int num, bool drain)
{
	unsigned int index, done = 0;
	int rc;

	for (;;) {
		rc = vtd_model_submit(machine->model,
				      (const u64 (*)[4])(descs + done),
				      num - done, drain, &index);
		if (rc != -EINVAL && rc != -EBUSY)
			return rc;
		done += index;
		clear_queue_error(&machine->unit);
		if (rc == -EBUSY)
			/* Somebody else's */
			continue;
		if (done)
			atomic_inc(&machine->stuck);
		return rc;
	}
}

static int door_submit(struct vtd_unit *unit, struct qi_desc *descs,
		       unsigned int num, bool drain)
{
	struct vtd_machine *machine = to_machine(unit);
	int rc;

	BUILD_BUG_ON(sizeof(*descs) != sizeof(u64[4]));
	if (machine->traffic)
		machine->traffic(machine->traffic_data);
	rc = submit_all(machine, descs, num, drain);
	if (machine->traffic)
		machine->traffic(machine->traffic_data);
	return rc;
}

static void door_clean(struct vtd_unit *unit, void *addr, size_t size)
{
	vtd_model_clean(to_machine(unit)->model, addr, size);
}

static int door_irq_request(struct vtd_unit *unit, enum vtd_irq which,
			    irq_handler_t hard, irq_handler_t thread,
			    void *data)
{
	static const u32 control[] = {
		[VTD_IRQ_FAULT] = DMAR_FECTL_REG,
		[VTD_IRQ_PAGE_REQUEST] = DMAR_PECTL_REG,
	};
	struct vtd_machine *machine = to_machine(unit);
	int rc;

	rc = request_threaded_irq(machine->lines.line[which].irq, hard, thread,
				  hard ? 0 : IRQF_ONESHOT, unit->name, data);
	if (!rc)
		door_write32(unit, control[which], 0);
	return rc;
}

static void door_irq_free(struct vtd_unit *unit, enum vtd_irq which, void *data)
{
	struct vtd_machine *machine = to_machine(unit);

	door_write32(unit, which == VTD_IRQ_FAULT ? DMAR_FECTL_REG :
						    DMAR_PECTL_REG,
		     DMA_FECTL_IM);
	free_irq(machine->lines.line[which].irq, data);
}

static bool door_owns(struct vtd_unit *unit, struct pci_dev *pdev)
{
	struct vtd_machine *machine = to_machine(unit);

	struct model_bridge *bridge = machine->machine.bridge;

	return pci_domain_nr(pdev->bus) ==
	       pci_domain_nr(model_bridge_bus(bridge));
}

static const struct vtd_door_ops model_door = {
	.read32 = door_read32,
	.read64 = door_read64,
	.write32 = door_write32,
	.write64 = door_write64,
	.command = door_command,
	.submit = door_submit,
	.clean = door_clean,
	.irq_request = door_irq_request,
	.irq_free = door_irq_free,
	.owns = door_owns,
};

static void machine_raise(void *data, enum vtd_model_irq which)
{
	static const enum vtd_irq line[] = {
		[VTD_MODEL_IRQ_FAULT] = VTD_IRQ_FAULT,
		[VTD_MODEL_IRQ_PAGE_REQUEST] = VTD_IRQ_PAGE_REQUEST,
	};
	struct vtd_machine *machine = data;

	machine_lines_raise(&machine->lines, line[which]);
}

static unsigned int machine_counters(struct model_machine *base,
				     struct iommufd_model_counter *counters,
				     unsigned int max)
{
	struct vtd_machine *machine =
		container_of(base, struct vtd_machine, machine);
	struct machine_counters to = { .at = counters, .max = max };
	struct vtd_model_counts counts;

	vtd_model_counts(machine->model, &counts);
	machine_counters_put(&to, "submits", counts.submits);
	machine_counters_put_all(&to, "desc", counts.descs,
				 ARRAY_SIZE(counts.descs));
	machine_counters_put(&to, "iotlb-hits", counts.iotlb_hits);
	machine_counters_put(&to, "walks", counts.walks);
	machine_counters_put(&to, "faults", counts.faults);
	machine_counters_put(&to, "fault-overflows", counts.fault_overflows);
	machine_counters_put(&to, "page-requests", counts.page_requests);
	machine_counters_put(&to, "page-overflows", counts.page_overflows);
	machine_counters_put(&to, "responses-success",
			     counts.responses[MODEL_PRG_SUCCESS]);
	machine_counters_put(&to, "responses-invalid",
			     counts.responses[MODEL_PRG_INVALID]);
	machine_counters_put(&to, "responses-failure",
			     counts.responses[MODEL_PRG_FAILURE]);
	return to.num;
}

static int machine_inject(struct model_machine *base, u32 what, u64 nth)
{
	struct vtd_machine *machine =
		container_of(base, struct vtd_machine, machine);

	if (what >= VTD_MODEL_NUM_INJECTS)
		return -EOPNOTSUPP;
	vtd_model_inject(machine->model, what, nth);
	return 0;
}

static int machine_retire(struct model_machine *base)
{
	struct vtd_machine *machine =
		container_of(base, struct vtd_machine, machine);

	return vtd_unit_retire(&machine->unit) ? 0 : -EBUSY;
}

static void machine_remove(struct model_machine *base)
{
	vtd_machine_destroy(container_of(base, struct vtd_machine, machine));
}

static const struct model_machine_ops machine_ops = {
	.counters = machine_counters,
	.inject = machine_inject,
	.retire = machine_retire,
	.remove = machine_remove,
};

/**
 * vtd_machine_create() - a model, driven
 * @cap: capability register of the model
 * @ecap: its extended capability register
 *
 * May sleep.
 *
 * Return: the machine or ERR_PTR().
 */
struct vtd_machine *vtd_machine_create(u64 cap, u64 ecap)
{
	static atomic_t serial = ATOMIC_INIT(0);
	struct vtd_machine *machine;
	struct vtd_model_config config = {
		.cap = cap,
		.ecap = ecap,
		.raise = machine_raise,
	};
	int rc;

	machine = kzalloc(sizeof(*machine), GFP_KERNEL);
	if (!machine)
		return ERR_PTR(-ENOMEM);
	config.data = machine;
	machine->machine.name = "vtd";
	machine->machine.ops = &machine_ops;
	rc = machine_lines_make(&machine->lines, 2);
	if (rc)
		goto err_irqs;
	machine->model = vtd_model_create(&config);
	if (IS_ERR_OR_NULL(machine->model)) {
		rc = -ENOMEM;
		goto err_irqs;
	}

	machine->unit.door = &model_door;
	snprintf(machine->unit.name, sizeof(machine->unit.name), "vtd-model%d",
		 atomic_fetch_inc(&serial));
	rc = vtd_unit_init(&machine->unit);
	if (rc)
		goto err_model;
	rc = vtd_unit_start(&machine->unit);
	if (rc)
		goto err_unit;
	machine->machine.bridge = model_bridge_create(vtd_model_port(machine->model));
	if (IS_ERR(machine->machine.bridge)) {
		rc = PTR_ERR(machine->machine.bridge);
		goto err_stop;
	}
	rc = vtd_unit_add(&machine->unit);
	if (rc)
		goto err_bridge;
	rc = vtd_unit_translate(&machine->unit);
	if (rc)
		goto err_remove;
	return machine;

err_remove:
	vtd_unit_remove(&machine->unit);
err_bridge:
	model_bridge_destroy(machine->machine.bridge);
err_stop:
	vtd_unit_stop(&machine->unit);
err_unit:
	vtd_unit_free(&machine->unit);
err_model:
	vtd_model_destroy(machine->model);
err_irqs:
	machine_lines_free(&machine->lines);
	kfree(machine);
	return ERR_PTR(rc);
}

/**
 * vtd_machine_destroy() - undo vtd_machine_create()
 * @machine: nobody uses its functions
 *
 * May sleep.
 */
void vtd_machine_destroy(struct vtd_machine *machine)
{
	model_bridge_destroy(machine->machine.bridge);
	vtd_unit_remove(&machine->unit);
	vtd_unit_stop(&machine->unit);
	vtd_unit_free(&machine->unit);
	vtd_model_destroy(machine->model);
	machine_lines_free(&machine->lines);
	kfree(machine);
}

/* Parameters: capability and extended capability register; 0: a modern unit's. */
static struct model_machine *factory_create(const u64 *params, unsigned int num)
{
	u64 cap = num > 0 && params[0] ? params[0] : vtd_model_cap;
	u64 ecap = num > 1 && params[1] ? params[1] : vtd_model_ecap;
	struct vtd_machine *machine = vtd_machine_create(cap, ecap);

	return IS_ERR(machine) ? ERR_CAST(machine) : &machine->machine;
}

static struct model_factory factory = {
	.name = "vtd",
	.create = factory_create,
};

static int __init vtd_model_init(void)
{
	return model_factory_register(&factory);
}
late_initcall(vtd_model_init);
