// SPDX-License-Identifier: GPL-2.0
/* A device with a buffer, of QEMU or of the model: see dma_engine.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dma_engine.h"

#define TIMEOUT_MS	10000

int dma_host_open(enum dma_engine_kind kind, struct dma_host *host)
{
	static const struct model_smmuv3 modern = { 0 };
	char name[64];
	int rc;

	memset(host, 0, sizeof(*host));
	host->kind = kind;
	host->m.fd = -1;
	if (kind == DMA_ENGINE_EDU)
		return pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name));
	if (kind == DMA_ENGINE_MODEL)
		rc = model_vtd_add(&host->m, 0, 0);
	else
		rc = model_smmuv3_add(&host->m, &modern);
	return rc == -ENOENT ? -ENODEV : rc;
}

void dma_host_close(struct dma_host *host)
{
	if (host->kind != DMA_ENGINE_EDU)
		model_remove(&host->m);
}

/* The model's are plugged when they are first asked for. */
static int model_nth(struct dma_host *host, unsigned int nth)
{
	int rc;

	if (nth >= DMA_ENGINE_MAX)
		return -ENODEV;
	for (; host->num <= nth; host->num++) {
		rc = model_plug(&host->m, (host->num + 1) << 3,
				&host->devs[host->num]);
		if (rc)
			return rc;
	}
	return 0;
}

int dma_engine_name(struct dma_host *host, unsigned int nth, char *name,
		    size_t size)
{
	int rc;

	if (host->kind == DMA_ENGINE_EDU)
		return pci_find(EDU_VENDOR, EDU_DEVICE, nth, name, size);
	rc = model_nth(host, nth);
	if (rc)
		return rc;
	snprintf(name, size, "%s", host->devs[nth].name);
	return 0;
}

int dma_engine_open(struct dma_host *host, unsigned int nth,
		    struct dma_engine *e)
{
	char name[64];
	int rc;

	memset(e, 0, sizeof(*e));
	e->v.fd = -1;
	e->host = host;
	e->nth = nth;
	if (host->kind == DMA_ENGINE_EDU)
		return edu_open(nth, &e->v);
	rc = dma_engine_name(host, nth, name, sizeof(name));
	if (!rc)
		rc = pci_give_to_vfio(name);
	return rc ? rc : vfio_dev_open(name, &e->v);
}

int dma_engine_start(struct dma_engine *e)
{
	if (e->host->kind == DMA_ENGINE_EDU)
		return edu_start(&e->v);
	return vfio_dev_enable_dma(&e->v);
}

void dma_engine_close(struct dma_engine *e)
{
	vfio_dev_close(&e->v);
}

static int model_move(struct dma_engine *e, __u32 flags, __u64 iova,
		      unsigned int offset, unsigned int length)
{
	int status;

	if (!length || offset >= DMA_ENGINE_BUFFER ||
	    length > DMA_ENGINE_BUFFER - offset)
		return -EINVAL;
	status = model_dma(&e->host->devs[e->nth], flags, MODEL_NO_PASID, iova,
			   e->buffer + offset, length, TIMEOUT_MS);
	switch (status) {
	case IOMMUFD_MODEL_DMA_OK:
	case IOMMUFD_MODEL_DMA_BLOCKED:
		return 0;
	case IOMMUFD_MODEL_DMA_PENDING:
		return -ETIMEDOUT;
	}
	return status < 0 ? status : -EIO;
}

int dma_engine_in(struct dma_engine *e, __u64 iova, unsigned int offset,
		  unsigned int length)
{
	if (e->host->kind == DMA_ENGINE_EDU)
		return edu_dma_read(&e->v, iova, offset, length);
	return model_move(e, 0, iova, offset, length);
}

int dma_engine_out(struct dma_engine *e, __u64 iova, unsigned int offset,
		   unsigned int length)
{
	if (e->host->kind == DMA_ENGINE_EDU)
		return edu_dma_write(&e->v, iova, offset, length);
	return model_move(e, IOMMUFD_MODEL_DMA_WRITE, iova, offset, length);
}
