/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that reads memory into a buffer of its own and writes it out again,
 * behind one interface: QEMU's "edu", or a function on a model of an IOMMU. What the
 * IOMMU blocks is not an error: nothing is read, or nothing written. All return 0
 * or a negative errno.
 */
#ifndef TOOLS_IOMMU_LIB_DMA_ENGINE_H
#define TOOLS_IOMMU_LIB_DMA_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "model_dev.h"
#include "vfio_dev.h"

/* Bytes of the buffer, and the most that one DMA moves */
#define DMA_ENGINE_BUFFER	EDU_BUFFER
/* Devices of a host */
#define DMA_ENGINE_MAX		4

/* Behind the machine's own IOMMU; the model of VT-d; that of an SMMUv3 */
enum dma_engine_kind {
	DMA_ENGINE_EDU,
	DMA_ENGINE_MODEL,
	DMA_ENGINE_MODEL_SMMUV3,
};

/**
 * struct dma_host - where the devices are
 * @kind: all of them
 * @m: the model's unit
 * @devs: functions plugged there, in order
 * @num: how many of them
 */
struct dma_host {
	enum dma_engine_kind kind;
	struct model m;
	struct model_dev devs[DMA_ENGINE_MAX];
	unsigned int num;
};

/**
 * struct dma_engine - an open device
 * @host: where it is
 * @v: its VFIO device
 * @nth: which
 * @buffer: the model's; edu has its own
 */
struct dma_engine {
	struct dma_host *host;
	struct vfio_dev v;
	unsigned int nth;
	char buffer[DMA_ENGINE_BUFFER];
};

/* -ENODEV: there are none here. */
int dma_host_open(enum dma_engine_kind kind, struct dma_host *host);
/* The engines are closed. */
void dma_host_close(struct dma_host *host);
/* Name of the @nth device, as sysfs has it. -ENODEV: there are not so many. */
int dma_engine_name(struct dma_host *host, unsigned int nth, char *name,
		    size_t size);

/* For vfio-pci, opened, not bound. -ENODEV: there are not so many. */
int dma_engine_open(struct dma_host *host, unsigned int nth,
		    struct dma_engine *e);
/* After the bind: ready to do DMA. */
int dma_engine_start(struct dma_engine *e);
void dma_engine_close(struct dma_engine *e);
/* Memory at @iova into the buffer, or out of it; within it. */
int dma_engine_in(struct dma_engine *e, __u64 iova, unsigned int offset,
		  unsigned int length);
int dma_engine_out(struct dma_engine *e, __u64 iova, unsigned int offset,
		   unsigned int length);

#endif
