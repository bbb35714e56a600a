/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of an SMMUv3 with the driver behind it: what hardware and firmware
 * would be. The only place that knows both.
 */
#ifndef __IOMMUFD_SMMUV3_MODEL_DOOR_H
#define __IOMMUFD_SMMUV3_MODEL_DOOR_H

#include "machine_lines.h"
#include "machine_msi.h"
#include "model/machine.h"
#include "model/pci.h"
#include "model/smmuv3.h"
#include "../smmuv3/irqs.h"
#include "../smmuv3/unit.h"

struct platform_device;

/**
 * enum smmuv3_machine_irqs - how the interrupts of a unit are connected
 * @SMMUV3_MACHINE_WIRES: a wire each
 * @SMMUV3_MACHINE_COMBINED: one wire for all
 * @SMMUV3_MACHINE_MSIS: MSIs, and no wire
 */
enum smmuv3_machine_irqs {
	SMMUV3_MACHINE_WIRES,
	SMMUV3_MACHINE_COMBINED,
	SMMUV3_MACHINE_MSIS,
};

/**
 * struct smmuv3_machine - a unit, and a PCI bridge behind it
 * @machine: what /dev/iommufd_model knows; its bridge is what functions are plugged
 *	into
 * @unit: what the driver drives
 * @model: what it thinks is hardware
 * @how: interrupts are connected
 * @lines: one for each &enum smmuv3_irq; the first is the combined one
 * @msis: for MSIs
 * @irqs: what the driver makes of them
 * @alias: a further StreamID of all functions, 0 for none
 * @fwnode: names the unit, in the fwspecs of the functions
 * @pdev: the unit's device, whose memory the model reads
 * @item: among all machines
 * @traffic: called before and after each write of the command queue's producer, as
 *	devices go on while the driver works; any context; NULL: they do not
 * @traffic_data: for @traffic
 */
struct smmuv3_machine {
	struct model_machine machine;
	struct smmuv3_unit unit;
	struct smmuv3_model *model;
	enum smmuv3_machine_irqs how;
	struct machine_lines lines;
	struct machine_msis msis;
	struct smmuv3_irqs irqs;
	u32 alias;
	struct fwnode_handle *fwnode;
	struct platform_device *pdev;
	struct list_head item;
	void (*traffic)(void *traffic_data);
	void *traffic_data;
};

/**
 * struct smmuv3_machine_config - a machine to make
 * @idr0: registers of the model as they are to read; 0: a modern unit's
 * @idr1: likewise
 * @idr3: likewise
 * @idr5: likewise
 * @firmware: SMMUV3_FW_*
 * @irqs: how interrupts are connected
 * @alias: requester id of which firmware says that it is a bridge's, and that requests
 *	of all functions may come with it; 0: none
 */
struct smmuv3_machine_config {
	u32 idr0;
	u32 idr1;
	u32 idr3;
	u32 idr5;
	u32 firmware;
	enum smmuv3_machine_irqs irqs;
	u32 alias;
};

/*
 * create   make both, translate, and tell the iommu core. No function is there.
 *          May sleep. ERR_PTR on failure
 * destroy  unplug what is there, stop, free. May sleep
 */
struct smmuv3_machine *
smmuv3_machine_create(const struct smmuv3_machine_config *config);
void smmuv3_machine_destroy(struct smmuv3_machine *machine);

#endif
