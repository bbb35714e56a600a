// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of mock devices: what the interrupt code does when one is requested, and
 * where the device's write goes.
 */
#include <linux/iommu.h>
#include <linux/msi.h>

#include "device.h"
#include "mock.h"

/**
 * mock_op_msi() - IOMMU_TEST_OP_MSI
 * @call: with @cmd
 * @cmd: the operation
 *
 * As an MSI controller does it whose doorbell is an address like any other.
 *
 * Return: 0; -ENOENT, -EINVAL: no such device; -EINVAL: a doorbell beyond 52 bits; what
 * iommu_dma_prepare_msi() returns.
 */
int mock_op_msi(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	u64 doorbell = cmd->msi.doorbell;
	struct msi_desc desc = {};
	struct msi_msg msg = {
		.address_lo = lower_32_bits(doorbell),
		.address_hi = upper_32_bits(doorbell),
	};
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	int rc;

	if (doorbell >> 52)
		return -EINVAL;
	idev = mock_get_device(call->ictx, cmd->id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	desc.dev = &mdev->dev;
	rc = iommu_dma_prepare_msi(&desc, doorbell);
	if (!rc) {
		iommu_dma_compose_msi_msg(&desc, &msg);
		cmd->msi.out_addr = (u64)msg.address_hi << 32 | msg.address_lo;
		rc = iommufd_call_respond(call, sizeof(*cmd));
	}
	iommufd_object_put(&idev->obj);
	return rc;
}

/**
 * mock_op_msi_write() - IOMMU_TEST_OP_MSI_WRITE
 * @call: with @cmd
 * @cmd: the operation
 *
 * Return: 0; -ENOENT: the write reaches nothing, or no such device; -EINVAL: not a mock
 * device.
 */
int mock_op_msi_write(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	enum mock_xlat xlat;
	phys_addr_t paddr;
	int rc = -ENOENT;

	idev = mock_get_device(call->ictx, cmd->id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	spin_lock(&mdev->lock);
	xlat = mock_domain_lookup(mdev->domain, cmd->msi_write.addr, &paddr);
	spin_unlock(&mdev->lock);
	if (xlat == MOCK_XLAT_OK) {
		cmd->msi_write.out_paddr = paddr;
		rc = iommufd_call_respond(call, sizeof(*cmd));
	}
	iommufd_object_put(&idev->obj);
	return rc;
}
