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
 * @dmas: struct model_dma by handle; a
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

#endif
