/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of /dev/iommufd_model share.
 */
#ifndef __IOMMUFD_MODEL_CONTROL_H
#define __IOMMUFD_MODEL_CONTROL_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "machine.h"
#include "pci.h"
#include "uapi.h"

/**
 * struct control_file - an open file
 * @lock: @expecting and @expected
 * @expecting: violations are part of the test
 * @expected: how many there were before
 * @dmas: struct control_dma by handle; a
 *	reserved entry while somebody waits for it
 */
struct control_file {
	struct mutex lock;	/* see above */
	bool expecting;
	unsigned long expected;
	struct xarray dmas;
};

/* For a test that has no /dev yet. */
extern const struct file_operations model_control_fops;

struct model_pci_function *model_control_function(u32 domain, u32 rid);

/* control_dma.c */
int model_control_dma(struct control_file *file, void *arg);
int model_control_dma_wait(struct control_file *file, void *arg);
void model_control_dma_end(struct control_file *file);

/* control_master.c; but for the DMA, the machine is kept by the caller. */
struct stall_dma;

int model_control_plug_master(struct model_machine *machine,
			      struct iommufd_model_master *cmd);
int model_control_unplug_master(struct model_machine *machine, u32 sid);
void model_control_unplug_masters(struct model_machine *machine);
struct stall_dma *
model_control_master_dma(u32 machine_id, u32 sid,
			 const struct model_dma_params *params, void *buf);

#endif
