/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A DMA master that is no PCI function: a platform device with a StreamID, that makes
 * untranslated requests, with a substream or without, and waits while the IOMMU
 * stalls one.
 *
 * Knows no vendor of IOMMUs, and no driver.
 */
#ifndef __IOMMUFD_MODEL_STALL_MASTER_H
#define __IOMMUFD_MODEL_STALL_MASTER_H

#include "pci.h"

struct device;
struct stall_master;
struct stall_dma;

/* Requests of a master that can be stalled at a time; further DMAs wait their turn */
#define STALL_MASTER_REQUESTS	256U

/**
 * struct stall_master_config - a master to make
 * @port: of the IOMMU in front of it
 * @sid: its StreamID, that of nobody else at @port
 * @ssid_bits: width of its SubstreamIDs, 0 to 20
 * @prepare: called before the device is added, to say who its IOMMU is; NULL: nobody
 *	needs to know. An error ends the creation
 * @data: for @prepare
 */
struct stall_master_config {
	struct model_port *port;
	u16 sid;
	u8 ssid_bits;
	int (*prepare)(struct device *dev, void *data);
	void *data;
};

/*
 * Its device is called "iommufd_stall" and a number, and is probed before this
 * returns. May sleep. ERR_PTR: -EINVAL, -ENOMEM, -ENOSPC (no room at the port), or
 * what adding the device or @prepare said.
 */
struct stall_master *stall_master_create(const struct stall_master_config *config);
/* Its DMAs end with MODEL_DMA_GONE, its device is removed. May sleep. */
void stall_master_destroy(struct stall_master *master);
struct device *stall_master_device(struct stall_master *master);

/**
 * struct stall_dma_result - what became of a DMA
 * @status: enum model_dma_status: OK; FAULTED: a stalled request was aborted; BLOCKED:
 *	one was refused at once; PENDING; STOPPED: cancelled; GONE
 * @stalls: requests that were stalled
 * @retries: of them, made again
 * @done: bytes moved, or made believe to be
 */
struct stall_dma_result {
	u32 status;
	u32 stalls;
	u32 retries;
	u64 done;
};

/*
 * As model_dma_start() and so on. Of &model_dma_params.flags MODEL_DMA_WRITE, PASID
 * (its substream is meant), EXEC and PRIV are known; group is not looked at.
 */
struct stall_dma *stall_dma_start(struct stall_master *master,
				  const struct model_dma_params *params, void *buf);
int stall_dma_wait(struct stall_dma *dma, unsigned long timeout, bool interruptible,
		   struct stall_dma_result *result);
void stall_dma_cancel(struct stall_dma *dma);
const void *stall_dma_data(struct stall_dma *dma);
bool stall_dma_writes(struct stall_dma *dma);
void stall_dma_put(struct stall_dma *dma);

#endif
