// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI functions: what is switched on in them, and in which order.
 *
 * PASID is switched on before ATS, as PCI Express demands (PCIe 10.5.1.3), and
 * both stay on: the function keeps what it has, whatever it is attached to. Page
 * requests come and go with who listens (prq.c).
 */
#include <linux/pci-ats.h>
#include <linux/slab.h>

#include "../attached.h"
#include "acpi.h"
#include "device.h"
#include "invalidate.h"
#include "prq.h"

static int note_rid(struct pci_dev *pdev, u16 rid, void *data)
{
	struct vtd_device *device = data;
	unsigned int i;

	for (i = 0; i < device->num_rids; i++)
		if (device->rids[i] == rid)
			return 0;
	if (device->num_rids == VTD_ALIASES_MAX)
		return -ENOSPC;
	device->rids[device->num_rids++] = rid;
	return 0;
}

static int find_rids(struct vtd_device *device)
{
	struct pci_dev *pdev = device->pdev;

	device->rids[device->num_rids++] = pci_dev_id(pdev);
	device->pfsid = pci_dev_id(pci_physfn(pdev));
	return pci_for_each_dma_alias(pdev, note_rid, device);
}

/*
 * Several functions behind a bridge may share an alias. They are in one group
 * and go through one table together; the context entry is that of the first.
 */
static int enter_rids(struct vtd_device *device)
{
	unsigned int i, kept = 0;
	int rc;

	for (i = 0; i < device->num_rids; i++) {
		rc = xa_insert(&device->unit->devices, device->rids[i], device,
			       GFP_KERNEL);
		if (rc == -EBUSY && i)
			continue;
		if (rc)
			goto err_erase;
		device->rids[kept++] = device->rids[i];
	}
	device->num_rids = kept;
	return 0;

err_erase:
	while (kept--)
		xa_erase(&device->unit->devices, device->rids[kept]);
	return rc;
}

static void leave_rids(struct vtd_device *device)
{
	unsigned int i;

	for (i = 0; i < device->num_rids; i++)
		xa_erase(&device->unit->devices, device->rids[i]);
}

static void enable_pasid(struct vtd_device *device)
{
	struct pci_dev *pdev = device->pdev;
	int features = pci_pasid_features(pdev);
	int num = pci_max_pasids(pdev);

	device->max_pasids = 1;
	if (!device->unit->caps.pasid_bits || num <= 1 || features < 0)
		return;
	/* Privileged and execute requests are of use to nobody else */
	if (!device->unit->caps.execute)
		features &= ~PCI_PASID_CAP_EXEC;
	if (!device->unit->caps.supervisor)
		features &= ~PCI_PASID_CAP_PRIV;
	if (pci_enable_pasid(pdev, features))
		return;
	device->pasid_enabled = true;
	device->max_pasids = min_t(u32, num,
				   BIT(device->unit->caps.pasid_bits));
}

static void disable_pasid(struct vtd_device *device)
{
	if (device->pasid_enabled)
		pci_disable_pasid(device->pdev);
}

/**
 * vtd_device_queue_depth() - how many invalidations a function can queue
 * @pdev: with ATS
 *
 * A virtual function has no queue of its own and says 0, which is not 32 there: it shares
 * that of the physical one (PCIe 6.0, 10.5.1.2), whose id the unit is given with it
 * (6.5.2.5). More would hold up all that is on the way to the device.
 *
 * Return: 1 to 32.
 */
u8 vtd_device_queue_depth(struct pci_dev *pdev)
{
	/* 1 to 32, and an error without ATS */
	return max(pci_ats_queue_depth(pci_physfn(pdev)), 1);
}

/**
 * vtd_device_is_hasty() - does a function complete invalidations too early?
 * @pdev: the function
 *
 * Intel's QAT of the fourth generation, and its virtual functions, may send the completion
 * ahead of writes to addresses that they have translated by what is invalidated (PCIe 6.0,
 * 10.3.3 has it the other way round). The kernel's driver sees to it that there are none;
 * a program or a guest that has the function does not.
 *
 * Return: whether it does.
 */
bool vtd_device_is_hasty(const struct pci_dev *pdev)
{
	return pdev->vendor == PCI_VENDOR_ID_INTEL &&
	       (pdev->device & ~3U) == 0x4940;
}

/*
 * The unit has to take translation requests before the function sends any, and
 * to have an end of translated ones only after the function has forgotten.
 */
static void enable_ats(struct vtd_device *device)
{
	struct pci_dev *pdev = device->pdev;
	u16 cap = 0;

	if (!device->unit->caps.device_tlb || !pci_ats_supported(pdev) ||
	    !vtd_acpi_ats_allowed(pdev))
		return;
	device->ats_qdep = vtd_device_queue_depth(pdev);
	pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CAP, &cap);
	device->ats_global = cap & IOMMUFD_ATS_CAP_GLOBAL;
	device->ats_twice = vtd_device_is_hasty(pdev);

	WRITE_ONCE(device->ats, true);
	if (vtd_context_update(device) ||
	    pci_enable_ats(pdev, VTD_PAGE_SHIFT)) {
		WRITE_ONCE(device->ats, false);
		vtd_context_update(device);
	}
}

static void disable_ats(struct vtd_device *device)
{
	if (device->pdev->ats_enabled)
		pci_disable_ats(device->pdev);
	WRITE_ONCE(device->ats, false);
	vtd_context_update(device);
}

static int add_source(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	struct iommufd_fault_source *source;
	u32 capacity;

	if (!device->ats || !unit->prq)
		return 0;
	capacity = vtd_pri_allocation(device->pdev);
	if (!capacity)
		return 0;
	device->prg_pasid = pci_prg_resp_pasid_required(device->pdev);
	source = iommufd_fault_source_register(device->dev, &unit->fault_unit,
					       capacity, device);
	if (IS_ERR(source))
		return PTR_ERR(source);
	WRITE_ONCE(device->source, source);
	return 0;
}

static void remove_source(struct vtd_device *device)
{
	struct iommufd_fault_source *source = device->source;

	if (!source)
		return;
	WRITE_ONCE(device->source, NULL);
	/* The thread of the queue looks it up under RCU */
	synchronize_rcu();
	iommufd_fault_source_unregister(source);
}

/**
 * vtd_device_distrust() - stop believing translated requests
 * @device: did not answer a device-TLB invalidation: what it has cached may be
 *	stale
 *
 * The unit blocks translated and translation requests from now on. The function
 * is not touched: it may be gone. Any context.
 */
void vtd_device_distrust(struct vtd_device *device)
{
	WRITE_ONCE(device->suspect, true);
	if (!READ_ONCE(device->ats))
		return;
	vtd_context_stop_ats(device);
	dev_err_ratelimited(device->dev,
			    "does not answer invalidations: ATS is off until it is probed again\n");
}

static void distrust_work(struct work_struct *work)
{
	struct vtd_device *device =
		container_of(work, struct vtd_device, distrust_work);

	vtd_device_distrust(device);
}

/**
 * vtd_device_add() - take a function on
 * @pdev: the function
 * @unit: in front of it
 *
 * All its DMA is blocked on return. May sleep; takes vtd_unit::lock.
 *
 * Return: the device; ERR_PTR(-ENOMEM); ERR_PTR(-ENOSPC): it has more aliases
 * than we keep; ERR_PTR(-EBUSY): its requester id is in use.
 */
struct vtd_device *vtd_device_add(struct pci_dev *pdev, struct vtd_unit *unit)
{
	struct vtd_device *device;
	int rc;

	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->dev = &pdev->dev;
	device->pdev = pdev;
	device->unit = unit;
	xa_init_flags(&device->attachments, XA_FLAGS_ACCOUNT);
	INIT_WORK(&device->distrust_work, distrust_work);
	rc = find_rids(device);
	if (rc)
		goto err_free;
	enable_pasid(device);
	rc = vtd_pasid_dir_alloc(device);
	if (rc)
		goto err_pasid;

	mutex_lock(&unit->lock);
	rc = enter_rids(device);
	if (rc)
		goto err_unlock;
	vtd_pri_join(device);
	rc = vtd_context_install(device);
	if (rc)
		goto err_rids;
	enable_ats(device);
	mutex_unlock(&unit->lock);

	rc = add_source(device);
	if (rc)
		goto err_ats;
	return device;

err_ats:
	mutex_lock(&unit->lock);
	disable_ats(device);
	vtd_context_remove(device);
err_rids:
	leave_rids(device);
err_unlock:
	mutex_unlock(&unit->lock);
	/* Who had the unit forget everything may have found us */
	synchronize_rcu();
	cancel_work_sync(&device->distrust_work);
	vtd_pasid_dir_free(device);
err_pasid:
	disable_pasid(device);
err_free:
	kfree(device);
	return ERR_PTR(rc);
}

/**
 * vtd_device_remove() - let go of a function
 * @device: freed; every PASID of it is blocked
 *
 * May sleep; takes vtd_unit::lock.
 */
void vtd_device_remove(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;

	WARN_ON(!xa_empty(&device->attachments));
	remove_source(device);

	mutex_lock(&unit->lock);
	disable_ats(device);
	vtd_context_remove(device);
	leave_rids(device);
	mutex_unlock(&unit->lock);

	disable_pasid(device);
	/* A fault may still be on its way to us, a flush may have found us */
	synchronize_rcu();
	cancel_work_sync(&device->distrust_work);
	vtd_pasid_dir_free(device);
	xa_destroy(&device->attachments);
	kfree(device);
}
