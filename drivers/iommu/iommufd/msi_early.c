// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that were enabled before there was a window: their devices have been told
 * where the doorbell is, and not an IOVA, and would write into nothing, or into what is
 * mapped there. They are told anew. Built in only, for what it takes is not exported.
 */
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/msi.h>
#include <linux/pci.h>

#include "msi.h"

#ifdef CONFIG_IRQ_MSI_IOMMU
static bool knows_iova(const struct msi_desc *desc)
{
	return desc->iommu_msi_shift;
}
#else
static bool knows_iova(const struct msi_desc *desc)
{
	return true;
}
#endif

/*
 * With the lock that whoever enables, masks or moves the interrupt has: neither the
 * message nor the mask bit that is written with it is older than what they made of it.
 */
static void write_message(struct irq_data *data, struct msi_desc *desc)
{
	struct irq_desc *irq = irq_data_to_desc(data);
	struct msi_msg msg = {};
	unsigned long flags;

	raw_spin_lock_irqsave(&irq->lock, flags);
	/* What is enabled later is composed then */
	if (irqd_is_activated(data) && !irq_chip_compose_msi_msg(data, &msg))
		__pci_write_msi_msg(desc, &msg);
	raw_spin_unlock_irqrestore(&irq->lock, flags);
}

/* Enabled or not: an interrupt that has been let go of asks for no IOVA again. */
static void tell_again(struct pci_dev *pdev, struct msi_desc *desc)
{
	struct irq_data *data = irq_get_irq_data(desc->irq);
	struct msi_msg msg = {};
	u64 doorbell;
	int rc;

	/* As long as it knows none, this is where the controller has its doorbell */
	if (!data || knows_iova(desc) || irq_chip_compose_msi_msg(data, &msg))
		return;
	doorbell = (u64)msg.address_hi << 32 | msg.address_lo;
	rc = iommu_dma_prepare_msi(desc, doorbell & PAGE_MASK);
	if (rc)
		pci_warn(pdev, "interrupt %u gets lost: %d\n", desc->irq, rc);
	else
		write_message(data, desc);
}

static void tell_all(struct pci_dev *pdev)
{
	struct msi_desc *desc;

	msi_lock_descs(&pdev->dev);
	msi_for_each_desc(desc, &pdev->dev, MSI_DESC_ASSOCIATED)
		tell_again(pdev, desc);
	msi_unlock_descs(&pdev->dev);
}

/*
 * The table of MSI-X is in memory of the function, which the guest may have switched
 * off. As VFIO does it, it is on meanwhile; and VFIO writes for the guest only when it is
 * off again. What VFIO does with the table for itself, at the same time in another
 * thread, does not wait: it may still find the memory off.
 */
static void tell_all_msix(struct pci_dev *pdev)
{
	bool there = pdev->current_state == PCI_D0 &&
		     !pci_dev_is_disconnected(pdev);
	u16 cmd = PCI_COMMAND_MEMORY;

	/* Before the lock of the messages, as a reset has it */
	pci_cfg_access_lock(pdev);
	if (there)
		pci_read_config_word(pdev, PCI_COMMAND, &cmd);
	if (!(cmd & PCI_COMMAND_MEMORY))
		pci_write_config_word(pdev, PCI_COMMAND,
				      cmd | PCI_COMMAND_MEMORY);
	tell_all(pdev);
	if (!(cmd & PCI_COMMAND_MEMORY))
		pci_write_config_word(pdev, PCI_COMMAND, cmd);
	pci_cfg_access_unlock(pdev);
}

/**
 * iommufd_msi_tell_again() - tell a device where its doorbells are
 * @dev: in a group whose domain, for the iommu core, is a proxy for the first time
 * @unused: for iommu_group_for_each_dev()
 *
 * The interrupt code holds the same lock from asking for the IOVA until the interrupt is
 * enabled, so that one which is being enabled is either seen here or has asked the proxy.
 *
 * Return: 0.
 */
int iommufd_msi_tell_again(struct device *dev, void *unused)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev) || !dev->msi.data)
		return 0;
	pdev = to_pci_dev(dev);
	/* A port's interrupts are the kernel's, before and after: never this IOAS's. */
	if (pci_is_bridge(pdev))
		return 0;
	if (pdev->msix_enabled)
		tell_all_msix(pdev);
	else
		tell_all(pdev);
	return 0;
}
