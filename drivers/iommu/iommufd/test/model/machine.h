/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between /dev/iommufd_model and whoever puts an IOMMU model and a bridge together
 * to a machine. Knows no vendor and no driver.
 */
#ifndef __IOMMUFD_MODEL_MACHINE_H
#define __IOMMUFD_MODEL_MACHINE_H

#include <linux/list.h>
#include <linux/types.h>

#include "uapi.h"

struct model_bridge;
struct model_machine;
struct stall_master;

/**
 * struct model_master_config - a master that is no PCI function, to make
 * @sid: its StreamID, at which nobody is
 * @ssid_bits: width of its PASIDs, 0 to 20
 * @can_stall: its driver is told that its requests may be stalled
 */
struct model_master_config {
	u32 sid;
	u32 ssid_bits;
	bool can_stall;
};

/**
 * struct model_machine_ops - what a machine can do, besides its bridge; may sleep
 * @counters: fill at most @max counters of the IOMMU; returns how many there are
 * @inject: make an error: @what and @nth as the model defines them. 0 or -errno;
 *	-EOPNOTSUPP: no such error
 * @plug_master: make a master behind the IOMMU, which lives until
 *	stall_master_destroy(). ERR_PTR on failure: -EINVAL: no such StreamID; what
 *	stall_master_create() returns. NULL: there are PCI functions only
 * @retire: may the machine be taken apart? 0: nothing of user space's names its IOMMU,
 *	functions and masters aside, and nothing will; -EBUSY, and nothing has changed.
 *	NULL: always
 * @remove: take the machine apart, and free it. Nobody uses it any more. NULL: it
 *	cannot be removed by command
 */
struct model_machine_ops {
	unsigned int (*counters)(struct model_machine *machine,
				 struct iommufd_model_counter *counters,
				 unsigned int max);
	int (*inject)(struct model_machine *machine, u32 what, u64 nth);
	struct stall_master *(*plug_master)(struct model_machine *machine,
					    const struct model_master_config *config);
	int (*retire)(struct model_machine *machine);
	void (*remove)(struct model_machine *machine);
};

/**
 * struct model_machine - an IOMMU with a bridge behind it
 * @name: of its kind
 * @bridge: its functions
 * @ops: constant
 * @id: from 1, while it is registered; control.c's
 * @item: control.c's
 */
struct model_machine {
	const char *name;
	struct model_bridge *bridge;
	const struct model_machine_ops *ops;
	u32 id;
	struct list_head item;
};

/**
 * struct model_factory - makes machines by command
 * @name: for MACHINE_ADD, shorter than IOMMUFD_MODEL_NAME_LEN
 * @create: from @num parameters, which it defines; missing ones are 0. Not
 *	registered on return. ERR_PTR on failure
 * @item: control.c's
 */
struct model_factory {
	const char *name;
	struct model_machine *(*create)(const u64 *params, unsigned int num);
	struct list_head item;
};

int model_machine_register(struct model_machine *machine);
void model_machine_unregister(struct model_machine *machine);
int model_factory_register(struct model_factory *factory);
void model_factory_unregister(struct model_factory *factory);

#endif
