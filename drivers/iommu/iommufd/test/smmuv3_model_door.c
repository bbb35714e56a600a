// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's door to a model of an SMMUv3. Requests come up from the model as
 * they do from hardware, through queue memory and an interrupt; what the driver
 * has to say goes down as registers and queue memory. Nothing else crosses.
 *
 * It is the firmware as well: a function gets its fwspec before the iommu core
 * looks at it, as device tree and IORT would have it (StreamID: requester id), and
 * so does a platform device, with what else is said of it there.
 */
#include <linux/dma-map-ops.h>
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "smmuv3_model_door.h"
#include "../smmuv3/driver.h"
#include "../smmuv3/regs.h"
#include "model/stall_master.h"

/* Of platform devices: above what a requester id on one bus can be */
#define MASTER_SID_MIN	0x100

/* Machines whose functions are to be named; taken with no other lock held. */
static DEFINE_MUTEX(machines_lock);
static LIST_HEAD(machines);

static struct smmuv3_machine *to_machine(struct smmuv3_unit *unit)
{
	return container_of(unit, struct smmuv3_machine, unit);
}

static u32 door_read32(struct smmuv3_unit *unit, unsigned int reg)
{
	return smmuv3_model_read(to_machine(unit)->model, reg, sizeof(u32));
}

static u64 door_read64(struct smmuv3_unit *unit, unsigned int reg)
{
	return smmuv3_model_read(to_machine(unit)->model, reg, sizeof(u64));
}

static void door_write32(struct smmuv3_unit *unit, unsigned int reg, u32 val)
{
	struct smmuv3_machine *machine = to_machine(unit);
	bool commands = machine->traffic && reg == SMMU_CMDQ_PROD;

	if (commands)
		machine->traffic(machine->traffic_data);
	smmuv3_model_write(machine->model, reg, sizeof(u32), val);
	if (commands)
		machine->traffic(machine->traffic_data);
}

static void door_write64(struct smmuv3_unit *unit, unsigned int reg, u64 val)
{
	smmuv3_model_write(to_machine(unit)->model, reg, sizeof(u64), val);
}

static int door_irq_request(struct smmuv3_unit *unit, enum smmuv3_irq which,
			    irq_handler_t hard, irq_handler_t thread,
			    void *data)
{
	return smmuv3_irqs_request(unit, &to_machine(unit)->irqs, which, hard,
				   thread, data);
}

static void door_irq_free(struct smmuv3_unit *unit, enum smmuv3_irq which,
			  void *data)
{
	smmuv3_irqs_free(unit, &to_machine(unit)->irqs, which, data);
}

static const struct smmuv3_door_ops model_door = {
	.read32 = door_read32,
	.read64 = door_read64,
	.write32 = door_write32,
	.write64 = door_write64,
	.irq_request = door_irq_request,
	.irq_free = door_irq_free,
};

static void machine_raise_line(struct smmuv3_machine *machine,
			       enum smmuv3_irq which)
{
	switch (machine->how) {
	case SMMUV3_MACHINE_WIRES:
		machine_lines_raise(&machine->lines, which);
		break;
	case SMMUV3_MACHINE_COMBINED:
		machine_lines_raise(&machine->lines, 0);
		break;
	case SMMUV3_MACHINE_MSIS:
		/* Nothing is at the end of the wire */
		break;
	}
}

static void machine_raise(void *data, enum smmuv3_model_irq which)
{
	switch (which) {
	case SMMUV3_MODEL_IRQ_GERROR:
		machine_raise_line(data, SMMUV3_IRQ_GERROR);
		break;
	case SMMUV3_MODEL_IRQ_EVTQ:
		machine_raise_line(data, SMMUV3_IRQ_EVTQ);
		break;
	case SMMUV3_MODEL_IRQ_PRIQ:
		machine_raise_line(data, SMMUV3_IRQ_PRIQ);
		break;
	default:
		/* That of CMD_SYNC is not connected: the driver polls */
		break;
	}
}

static void machine_msi(void *data, u64 addr, u32 val)
{
	struct smmuv3_machine *machine = data;

	machine_msis_write(&machine->msis, addr, val);
}

static int machine_make_irqs(struct smmuv3_machine *machine,
			     const struct smmuv3_machine_config *config)
{
	unsigned int i;
	int rc;

	machine->how = config->irqs;
	smmuv3_irqs_init(&machine->irqs);
	rc = machine_lines_make(&machine->lines, SMMUV3_NUM_IRQS);
	if (rc)
		return rc;
	switch (machine->how) {
	case SMMUV3_MACHINE_WIRES:
		for (i = 0; i < SMMUV3_NUM_IRQS; i++)
			machine->irqs.wires[i] = machine->lines.line[i].irq;
		break;
	case SMMUV3_MACHINE_COMBINED:
		machine->irqs.combined = machine->lines.line[0].irq;
		break;
	case SMMUV3_MACHINE_MSIS:
		return machine_msis_make(&machine->msis);
	default:
		return -EINVAL;
	}
	return 0;
}

static void machine_free_irqs(struct smmuv3_machine *machine)
{
	machine_msis_free(&machine->msis);
	machine_lines_free(&machine->lines);
}

static unsigned int machine_counters(struct model_machine *base,
				     struct iommufd_model_counter *counters,
				     unsigned int max)
{
	struct smmuv3_machine *machine =
		container_of(base, struct smmuv3_machine, machine);
	struct machine_counters to = { .at = counters, .max = max };
	struct smmuv3_model_counts *counts;

	counts = kmalloc(sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return 0;
	smmuv3_model_counts(machine->model, counts);
	machine_counters_put(&to, "submits", counts->submits);
	/* Opcodes are below 0x50 (chapter 4), event types below 0x30 (7.3) */
	machine_counters_put_all(&to, "command", counts->commands, 0x50);
	machine_counters_put_all(&to, "event", counts->events, 0x30);
	machine_counters_put(&to, "tlb-hits", counts->tlb_hits);
	machine_counters_put(&to, "walks", counts->walks);
	machine_counters_put(&to, "event-overflows", counts->event_overflows);
	machine_counters_put(&to, "page-requests", counts->pri_records);
	machine_counters_put(&to, "page-overflows", counts->pri_overflows);
	machine_counters_put(&to, "page-automatic", counts->pri_auto);
	machine_counters_put(&to, "responses-failure", counts->responses[0]);
	machine_counters_put(&to, "responses-invalid", counts->responses[1]);
	machine_counters_put(&to, "responses-success", counts->responses[2]);
	machine_counters_put(&to, "stalls", counts->stalls);
	machine_counters_put(&to, "stalls-full", counts->stall_full);
	machine_counters_put(&to, "stalls-retried",
			     counts->resumes[MODEL_RESUME_RETRY]);
	machine_counters_put(&to, "stalls-aborted",
			     counts->resumes[MODEL_RESUME_ABORT]);
	machine_counters_put(&to, "stalls-terminated", counts->stall_terms);
	kfree(counts);
	return to.num;
}

static int machine_inject(struct model_machine *base, u32 what, u64 nth)
{
	struct smmuv3_machine *machine =
		container_of(base, struct smmuv3_machine, machine);

	if (what >= SMMUV3_MODEL_NUM_INJECTS)
		return -EOPNOTSUPP;
	smmuv3_model_inject(machine->model, what, nth);
	return 0;
}

static int machine_retire(struct model_machine *base)
{
	struct smmuv3_machine *machine =
		container_of(base, struct smmuv3_machine, machine);

	return smmuv3_unit_retire(&machine->unit) ? 0 : -EBUSY;
}

static void machine_remove(struct model_machine *base)
{
	smmuv3_machine_destroy(container_of(base, struct smmuv3_machine,
					    machine));
}

/**
 * struct master_firmware - what firmware says of a platform device
 * @machine: in front of it
 * @config: the rest
 */
struct master_firmware {
	struct smmuv3_machine *machine;
	const struct model_master_config *config;
};

static int name_device(struct device *dev, struct fwnode_handle *fwnode,
		       u32 sid, u32 alias, u32 flags)
{
	int rc;

	mutex_lock(&iommu_probe_device_lock);
	rc = iommu_fwspec_init(dev, fwnode);
	if (!rc)
		rc = iommu_fwspec_add_ids(dev, &sid, 1);
	if (!rc && alias)
		rc = iommu_fwspec_add_ids(dev, &alias, 1);
	if (!rc)
		dev_iommu_fwspec_get(dev)->flags |= flags;
	mutex_unlock(&iommu_probe_device_lock);
	return rc;
}

/*
 * A device without an interrupt: that those of this machine are isolated is the
 * MSI controller's to say all the same.
 */
static int prepare_master(struct device *dev, void *data)
{
	const struct master_firmware *firmware = data;
	struct model_bridge *bridge = firmware->machine->machine.bridge;
	struct property_entry properties[4] = {
		PROPERTY_ENTRY_STRING("compatible", "iommufd,stall-master"),
		PROPERTY_ENTRY_U32("pasid-num-bits", firmware->config->ssid_bits),
	};
	int rc;

	if (firmware->config->can_stall)
		properties[2] = PROPERTY_ENTRY_BOOL("dma-can-stall");
	dev_set_msi_domain(dev,
			   dev_get_msi_domain(&model_bridge_bus(bridge)->dev));
	rc = name_device(dev, firmware->machine->fwnode, firmware->config->sid,
			 0, 0);
	if (!rc)
		rc = device_create_managed_software_node(dev, properties, NULL);
	if (rc)
		iommu_fwspec_free(dev);
	return rc;
}

static struct stall_master *
machine_plug_master(struct model_machine *base,
		    const struct model_master_config *config)
{
	struct smmuv3_machine *machine =
		container_of(base, struct smmuv3_machine, machine);
	struct master_firmware firmware = {
		.machine = machine, .config = config,
	};
	const struct stall_master_config master = {
		.port = smmuv3_model_port(machine->model),
		.sid = config->sid,
		.ssid_bits = config->ssid_bits,
		.prepare = prepare_master,
		.data = &firmware,
	};

	if (config->sid < MASTER_SID_MIN || config->sid > U16_MAX)
		return ERR_PTR(-EINVAL);
	return stall_master_create(&master);
}

static const struct model_machine_ops machine_ops = {
	.counters = machine_counters,
	.inject = machine_inject,
	.plug_master = machine_plug_master,
	.retire = machine_retire,
	.remove = machine_remove,
};

/* --- firmware --- */

static struct smmuv3_machine *machine_of(struct pci_dev *pdev)
{
	struct smmuv3_machine *machine, *found = NULL;

	mutex_lock(&machines_lock);
	list_for_each_entry(machine, &machines, item)
		if (pci_domain_nr(model_bridge_bus(machine->machine.bridge)) ==
		    pci_domain_nr(pdev->bus))
			found = machine;
	mutex_unlock(&machines_lock);
	return found;
}

static int name_function(struct pci_dev *pdev)
{
	struct smmuv3_machine *machine = machine_of(pdev);

	return machine ? name_device(&pdev->dev, machine->fwnode,
				     pci_dev_id(pdev), machine->alias,
				     IOMMU_FWSPEC_PCI_RC_ATS) : 0;
}

static int bus_notify(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct device *dev = data;
	int rc;

	if (action != BUS_NOTIFY_ADD_DEVICE)
		return NOTIFY_DONE;
	rc = name_function(to_pci_dev(dev));
	if (rc)
		dev_err(dev, "no fwspec for a function of a model: %d\n", rc);
	return NOTIFY_OK;
}

/* Before the iommu core's, which probes */
static struct notifier_block bus_notifier = {
	.notifier_call = bus_notify,
	.priority = 1,
};

/* --- making one --- */

static int machine_make_device(struct smmuv3_machine *machine)
{
	struct platform_device_info info = {
		.name = "smmuv3-model",
		.id = PLATFORM_DEVID_AUTO,
		.dma_mask = DMA_BIT_MASK(64),
	};
	int rc;

	machine->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(machine->fwnode))
		return PTR_ERR(machine->fwnode);
	info.fwnode = machine->fwnode;
	machine->pdev = platform_device_register_full(&info);
	if (IS_ERR(machine->pdev)) {
		rc = PTR_ERR(machine->pdev);
		fwnode_remove_software_node(machine->fwnode);
		return rc;
	}
	/* The model reads memory as a CPU does */
	arch_setup_dma_ops(&machine->pdev->dev, true);
	platform_set_drvdata(machine->pdev, &machine->unit);
	if (machine->msis.domain)
		dev_set_msi_domain(&machine->pdev->dev, machine->msis.domain);
	return 0;
}

static void machine_free_device(struct smmuv3_machine *machine)
{
	smmuv3_irqs_exit(&machine->unit, &machine->irqs);
	platform_device_unregister(machine->pdev);
	fwnode_remove_software_node(machine->fwnode);
}

static int machine_make_model(struct smmuv3_machine *machine,
			      const struct smmuv3_machine_config *config)
{
	const struct smmuv3_model_config model = {
		.idr0 = config->idr0 ?: smmuv3_model_idr0,
		.idr1 = config->idr1 ?: smmuv3_model_idr1,
		.idr3 = config->idr3 ?: smmuv3_model_idr3,
		.idr5 = config->idr5 ?: smmuv3_model_idr5,
		.aidr = 3,
		.raise = machine_raise,
		.msi = machine_msi,
		.data = machine,
	};

	machine->model = smmuv3_model_create(&model);
	if (!machine->model)
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(machine->model);
}

static int machine_make_unit(struct smmuv3_machine *machine, u32 firmware)
{
	static atomic_t serial = ATOMIC_INIT(0);
	struct smmuv3_unit *unit = &machine->unit;
	int rc;

	unit->door = &model_door;
	unit->dev = &machine->pdev->dev;
	unit->firmware = firmware;
	snprintf(unit->name, sizeof(unit->name), "smmuv3-model%d",
		 atomic_fetch_inc(&serial));
	rc = smmuv3_unit_init(unit);
	if (rc)
		return rc;
	rc = smmuv3_unit_start(unit);
	if (rc)
		smmuv3_unit_free(unit);
	return rc;
}

static int machine_make_bridge(struct smmuv3_machine *machine)
{
	struct model_bridge *bridge;
	int rc;

	bridge = model_bridge_create(smmuv3_model_port(machine->model));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	machine->machine.bridge = bridge;
	rc = smmuv3_unit_add(&machine->unit);
	if (rc) {
		model_bridge_destroy(bridge);
		return rc;
	}
	mutex_lock(&machines_lock);
	list_add_tail(&machine->item, &machines);
	mutex_unlock(&machines_lock);
	return 0;
}

/**
 * smmuv3_machine_create() - a model, driven
 * @config: of what
 *
 * May sleep.
 *
 * Return: the machine or ERR_PTR().
 */
struct smmuv3_machine *
smmuv3_machine_create(const struct smmuv3_machine_config *config)
{
	struct smmuv3_machine *machine;
	int rc;

	machine = kzalloc(sizeof(*machine), GFP_KERNEL);
	if (!machine)
		return ERR_PTR(-ENOMEM);
	machine->machine.name = "smmuv3";
	machine->machine.ops = &machine_ops;
	machine->alias = config->alias;
	rc = machine_make_irqs(machine, config);
	if (rc)
		goto err_lines;
	rc = machine_make_device(machine);
	if (rc)
		goto err_lines;
	rc = machine_make_model(machine, config);
	if (rc)
		goto err_device;
	rc = machine_make_unit(machine, config->firmware);
	if (rc)
		goto err_model;
	rc = machine_make_bridge(machine);
	if (rc)
		goto err_unit;
	return machine;

err_unit:
	smmuv3_unit_stop(&machine->unit);
	smmuv3_unit_free(&machine->unit);
err_model:
	smmuv3_model_destroy(machine->model);
err_device:
	machine_free_device(machine);
err_lines:
	machine_free_irqs(machine);
	kfree(machine);
	return ERR_PTR(rc);
}

/**
 * smmuv3_machine_destroy() - undo smmuv3_machine_create()
 * @machine: nobody uses its functions
 *
 * May sleep.
 */
void smmuv3_machine_destroy(struct smmuv3_machine *machine)
{
	model_bridge_destroy(machine->machine.bridge);
	mutex_lock(&machines_lock);
	list_del(&machine->item);
	mutex_unlock(&machines_lock);
	smmuv3_unit_remove(&machine->unit);
	smmuv3_unit_stop(&machine->unit);
	smmuv3_unit_free(&machine->unit);
	smmuv3_model_destroy(machine->model);
	machine_free_device(machine);
	machine_free_irqs(machine);
	kfree(machine);
}

/*
 * Parameters: IDR0, IDR1, IDR3, IDR5, firmware flags, how interrupts are connected; a
 * register of 0: a modern unit's.
 */
static struct model_machine *factory_create(const u64 *params, unsigned int num)
{
	const struct smmuv3_machine_config config = {
		.idr0 = num > 0 ? params[0] : 0,
		.idr1 = num > 1 ? params[1] : 0,
		.idr3 = num > 2 ? params[2] : 0,
		.idr5 = num > 3 ? params[3] : 0,
		.firmware = num > 4 ? params[4] : 0,
		.irqs = num > 5 ? params[5] : SMMUV3_MACHINE_WIRES,
	};
	struct smmuv3_machine *machine = smmuv3_machine_create(&config);

	return IS_ERR(machine) ? ERR_CAST(machine) : &machine->machine;
}

static struct model_factory factory = {
	.name = "smmuv3",
	.create = factory_create,
};

static int __init smmuv3_model_init(void)
{
	int rc;

	rc = bus_register_notifier(&pci_bus_type, &bus_notifier);
	if (rc)
		return rc;
	return model_factory_register(&factory);
}
late_initcall(smmuv3_model_init);
