// SPDX-License-Identifier: GPL-2.0-only
/* A VT-d model, the driver on it, and functions whose DMA a test commands. */
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/iommufd.h>

#include "vtd_rig.h"

/* Longer than anything takes that does not hang */
#define DMA_TIMEOUT	msecs_to_jiffies(2000)

/**
 * vtd_rig_plug() - plug one more function
 * @rig: with fewer than VTD_RIG_FUNCTIONS
 * @flags: MODEL_PCI_*
 *
 * It is attached to what the iommu core chooses. May sleep.
 *
 * Return: as vtd_rig_create(); vtd_rig_destroy() takes away what is there.
 */
int vtd_rig_plug(struct vtd_rig *rig, u32 flags)
{
	struct model_bridge *bridge = rig->machine->machine.bridge;
	unsigned int i = rig->num;
	const struct model_pci_config config = {
		.devfn = VTD_RIG_DEVFN(i),
		.flags = flags,
		.pasid_bits = 20,
		.pri_capacity = 64,
	};

	rig->pdev[i] = model_pci_plug(bridge, &config);
	if (IS_ERR(rig->pdev[i]))
		return PTR_ERR(rig->pdev[i]);
	rig->num++;
	rig->fn[i] = model_pci_get(bridge, config.devfn);
	rig->device[i] = dev_iommu_priv_get(&rig->pdev[i]->dev);
	if (!rig->fn[i] || !rig->device[i])
		return -ENODEV;
	pci_set_master(rig->pdev[i]);
	return 0;
}

/**
 * vtd_rig_create() - a machine with functions, all of their DMA blocked
 * @rig: what is made, zeroed first
 * @cap: capability register
 * @ecap: extended capability register
 * @flags: MODEL_PCI_* of each function
 * @num: functions, 1 to VTD_RIG_FUNCTIONS
 *
 * Attach with vtd_attach(), which is what the iommu core comes down to. May sleep.
 *
 * Return: 0; -ENODEV: the driver does not take a function; what making the machine
 * or plugging returns. Nothing is left behind then.
 */
int vtd_rig_create(struct vtd_rig *rig, u64 cap, u64 ecap, u32 flags,
		   unsigned int num)
{
	int rc = 0;

	*rig = (struct vtd_rig){ .timeout = DMA_TIMEOUT };
	rig->machine = vtd_machine_create(cap, ecap);
	if (IS_ERR(rig->machine))
		return PTR_ERR(rig->machine);
	while (!rc && rig->num < num)
		rc = vtd_rig_plug(rig, flags);
	if (rc) {
		vtd_rig_destroy(rig);
		return rc;
	}
	for (num = 0; num < rig->num; num++)
		vtd_detach(rig->device[num], IOMMU_NO_PASID);
	return 0;
}

/**
 * vtd_rig_destroy() - unplug everything, and take the machine apart
 * @rig: made; whatever is attached is detached. Domains are still to be freed
 *
 * May sleep.
 */
void vtd_rig_destroy(struct vtd_rig *rig)
{
	struct model_bridge *bridge = rig->machine->machine.bridge;
	unsigned int i;

	for (i = 0; i < rig->num; i++) {
		if (rig->device[i])
			vtd_detach_all(rig->device[i]);
		if (rig->fn[i])
			model_pci_put(rig->fn[i]);
		model_pci_unplug(bridge, rig->pdev[i], false);
	}
	vtd_machine_destroy(rig->machine);
}

/**
 * vtd_rig_nested() - a first stage over a second
 * @rig: rig
 * @parent: of vtd_paging_alloc() with IOMMU_HWPT_ALLOC_NEST_PARENT; outlives it
 * @flags: IOMMU_VTD_S1_*
 * @table: topmost of 4 levels, in @parent's space
 *
 * May sleep.
 *
 * Return: as vtd_nested_alloc().
 */
struct vtd_domain *vtd_rig_nested(struct vtd_rig *rig, struct vtd_domain *parent,
				  u64 flags, phys_addr_t table)
{
	const struct iommu_hwpt_vtd_s1 s1 = {
		.flags = flags,
		.pgtbl_addr = table,
		.addr_width = 48,
	};

	return vtd_nested_alloc(&rig->machine->unit, parent, &s1);
}

/**
 * vtd_rig_free() - free a domain
 * @domain: nobody is attached, nothing is nested over it; NULL and errors are
 *	nothing
 *
 * May sleep.
 */
void vtd_rig_free(struct vtd_domain *domain)
{
	if (!IS_ERR_OR_NULL(domain))
		iommu_domain_free(&domain->domain);
}

/**
 * vtd_rig_dma() - a DMA, from start to end
 * @rig: rig
 * @which: function
 * @pasid: IOMMU_NO_PASID for requests without one
 * @flags: MODEL_DMA_*, but MODEL_DMA_PASID
 * @iova: address
 * @buf: to be written there, or read from there
 * @len: bytes, as struct model_dma_params has it
 *
 * May sleep; ends a DMA that takes longer than @rig->timeout.
 *
 * Return: how it ended; MODEL_DMA_PENDING if it did not, or could not start.
 */
enum model_dma_status vtd_rig_dma(struct vtd_rig *rig, unsigned int which,
				  ioasid_t pasid, u32 flags, u64 iova, void *buf,
				  size_t len)
{
	const struct model_dma_params params = {
		.flags = flags | (pasid == IOMMU_NO_PASID ? 0 : MODEL_DMA_PASID),
		.pasid = pasid,
		.iova = iova,
		.length = len,
		.group = 1,
	};
	struct model_dma_result result = { .status = MODEL_DMA_PENDING };
	void *data = kvmemdup(buf, len, GFP_KERNEL);
	struct model_dma *dma;

	if (!data)
		return MODEL_DMA_PENDING;
	dma = model_dma_start(rig->fn[which], &params, data);
	if (IS_ERR(dma))
		return MODEL_DMA_PENDING;
	if (model_dma_wait(dma, rig->timeout, false, &result)) {
		model_dma_cancel(dma);
		result.status = MODEL_DMA_PENDING;
	} else if (result.status == MODEL_DMA_OK && !(flags & MODEL_DMA_WRITE)) {
		memcpy(buf, model_dma_data(dma), len);
	}
	model_dma_put(dma);
	return result.status;
}
