/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a VT-d unit with the driver behind it: what hardware and firmware
 * would be. The only place that knows both.
 */
#ifndef __IOMMUFD_VTD_MODEL_DOOR_H
#define __IOMMUFD_VTD_MODEL_DOOR_H

#include "machine_lines.h"
#include "model/machine.h"
#include "model/pci.h"
#include "model/vtd.h"
#include "../vtd/unit.h"

/**
 * struct vtd_machine - a unit, and a PCI bridge behind it
 * @machine: what /dev/iommufd_model knows; its bridge is what functions are plugged
 *	into
 * @unit: what the driver drives
 * @model: what it thinks is hardware
 * @lines: one for each &enum vtd_irq
 * @gcmd: global command bits that last
 * @stuck: submissions that the base tree's library would wait for without end: the unit
 *	refused a descriptor that was not the first
 * @traffic: called before and after each submission, as devices go on while the driver works;
 *	any context; NULL: they do not
 * @traffic_data: for @traffic
 */
struct vtd_machine {
	struct model_machine machine;
	struct vtd_unit unit;
	struct vtd_model *model;
	struct machine_lines lines;
	u32 gcmd;
	atomic_t stuck;
	void (*traffic)(void *traffic_data);
	void *traffic_data;
};

/*
 * create   make both, translate, and tell the iommu core. No function is there.
 *          May sleep. ERR_PTR on failure
 * destroy  unplug what is there, stop, free. May sleep
 */
struct vtd_machine *vtd_machine_create(u64 cap, u64 ecap);
void vtd_machine_destroy(struct vtd_machine *machine);

#endif
