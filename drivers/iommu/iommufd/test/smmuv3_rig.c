// SPDX-License-Identifier: GPL-2.0-only
/* An SMMUv3 model, the driver on it, and functions whose DMA a test commands. */
#include <linux/iommu.h>
#include <uapi/linux/iommufd.h>

#include "smmuv3_rig.h"

/**
 * smmuv3_rig_plug() - plug one more function
 * @rig: with fewer than SMMUV3_RIG_FUNCTIONS
 * @flags: MODEL_PCI_*
 * @pasid_bits: PASIDs it has, if @flags say so
 *
 * It is attached to what the iommu core chooses. May sleep.
 *
 * Return: as smmuv3_rig_create(); smmuv3_rig_destroy() takes away what is there.
 */
int smmuv3_rig_plug(struct smmuv3_rig *rig, u32 flags, u8 pasid_bits)
{
	struct model_bridge *bridge = rig->machine->machine.bridge;
	unsigned int i = rig->num;
	const struct model_pci_config config = {
		.devfn = SMMUV3_RIG_DEVFN(i),
		.flags = flags,
		.pasid_bits = pasid_bits,
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
 * smmuv3_rig_unplug() - take the last function out
 * @rig: has one; whatever it is attached to, it is no more
 *
 * May sleep.
 */
void smmuv3_rig_unplug(struct smmuv3_rig *rig)
{
	unsigned int i = --rig->num;

	rig->device[i] = NULL;
	if (rig->fn[i])
		model_pci_put(rig->fn[i]);
	rig->fn[i] = NULL;
	model_pci_unplug(rig->machine->machine.bridge, rig->pdev[i], false);
}

/**
 * smmuv3_rig_create() - a machine with functions, all of their DMA blocked
 * @rig: what is made, zeroed first
 * @config: of the machine
 * @flags: MODEL_PCI_* of each function
 * @pasid_bits: PASIDs of each, if @flags say so
 * @num: functions, 1 to SMMUV3_RIG_FUNCTIONS
 *
 * Attach with smmuv3_attach(), which is what the iommu core comes down to. May
 * sleep.
 *
 * Return: 0; -ENODEV: the driver does not take a function; what making the machine
 * or plugging returns. Nothing is left behind then.
 */
int smmuv3_rig_create(struct smmuv3_rig *rig,
		      const struct smmuv3_machine_config *config, u32 flags,
		      u8 pasid_bits, unsigned int num)
{
	int rc = 0;

	*rig = (struct smmuv3_rig){};
	rig->machine = smmuv3_machine_create(config);
	if (IS_ERR(rig->machine))
		return PTR_ERR(rig->machine);
	while (!rc && rig->num < num)
		rc = smmuv3_rig_plug(rig, flags, pasid_bits);
	if (rc) {
		smmuv3_rig_destroy(rig);
		return rc;
	}
	for (num = 0; num < rig->num; num++)
		smmuv3_detach(rig->device[num], IOMMU_NO_PASID);
	return 0;
}

/**
 * smmuv3_rig_destroy() - unplug everything, and take the machine apart
 * @rig: made. Domains are freed, or nothing of them is attached
 *
 * May sleep.
 */
void smmuv3_rig_destroy(struct smmuv3_rig *rig)
{
	while (rig->num) {
		if (rig->device[rig->num - 1])
			smmuv3_detach_all(rig->device[rig->num - 1]);
		smmuv3_rig_unplug(rig);
	}
	smmuv3_machine_destroy(rig->machine);
}

/**
 * smmuv3_rig_nested() - a guest's stream table entry over a stage 2
 * @rig: rig
 * @parent: of smmuv3_paging_alloc() with IOMMU_HWPT_ALLOC_NEST_PARENT; outlives it
 * @viommu: that it is made through, or NULL
 * @ste0: word 0
 * @ste1: word 1
 *
 * May sleep.
 *
 * Return: the domain, or an error: smmuv3_user_ste_check(), smmuv3_nested_new().
 */
struct smmuv3_domain *smmuv3_rig_nested(struct smmuv3_rig *rig,
					struct smmuv3_domain *parent,
					struct smmuv3_viommu *viommu,
					u64 ste0, u64 ste1)
{
	const struct iommu_hwpt_arm_smmuv3 user = {
		.ste = { cpu_to_le64(ste0), cpu_to_le64(ste1) },
	};
	struct smmuv3_unit *unit = &rig->machine->unit;
	struct smmuv3_user_ste ste;
	int rc;

	rc = smmuv3_user_ste_check(&unit->caps,
				   parent->domain.geometry.aperture_end, &user,
				   &ste);
	return rc ? ERR_PTR(rc) : smmuv3_nested_new(unit, parent, viommu, &ste);
}

/**
 * smmuv3_rig_free() - free a domain
 * @domain: nobody is attached, nothing is nested over it; NULL and errors are
 *	nothing
 *
 * May sleep.
 */
void smmuv3_rig_free(struct smmuv3_domain *domain)
{
	if (!IS_ERR_OR_NULL(domain))
		iommu_domain_free(&domain->domain);
}

/**
 * smmuv3_rig_dma() - a short DMA, here and now
 * @rig: rig
 * @which: function
 * @pasid: IOMMU_NO_PASID for requests without one
 * @flags: MODEL_DMA_*, but MODEL_DMA_PASID
 * @iova: address
 * @buf: to be written there, or read from there
 * @len: bytes
 *
 * Any context.
 *
 * Return: enum model_dma_status; nothing waits for a page request.
 */
unsigned int smmuv3_rig_dma(struct smmuv3_rig *rig, unsigned int which,
			    ioasid_t pasid, u32 flags, u64 iova, void *buf,
			    size_t len)
{
	const struct model_dma_params params = {
		.flags = flags | (pasid == IOMMU_NO_PASID ? 0 : MODEL_DMA_PASID),
		.pasid = pasid == IOMMU_NO_PASID ? 0 : pasid,
		.iova = iova,
		.length = len,
		.group = 1,
	};

	return model_dma_now(rig->fn[which], &params, buf);
}
