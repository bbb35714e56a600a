/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSIs of a unit that is a platform device, as an interrupt controller would take
 * them: an MSI domain for the device, and an address that is no memory.
 */
#ifndef __IOMMUFD_MACHINE_MSI_H
#define __IOMMUFD_MACHINE_MSI_H

#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/types.h>

#define MACHINE_MSIS_MAX	4

/* Where they are written: beyond all memory */
#define MACHINE_MSI_ADDR	BIT_ULL(50)

/**
 * struct machine_msi - an MSI
 * @irq: as the kernel numbers it; 0: not allocated
 * @raise: raises it, outside of the models' locks
 */
struct machine_msi {
	unsigned int irq;
	struct irq_work raise;
};

/**
 * struct machine_msis - the controller
 * @fwnode: names the domain
 * @domain: for a device's &dev_msi_info.domain; NULL: not made
 * @chip: of the domain
 * @msi: each of them; what is written is its index
 */
struct machine_msis {
	struct fwnode_handle *fwnode;
	struct irq_domain *domain;
	struct irq_chip chip;
	struct machine_msi msi[MACHINE_MSIS_MAX];
};

/* free: also if it was not made; no device uses it. Both may sleep. 0 or -ENOMEM. */
int machine_msis_make(struct machine_msis *msis);
void machine_msis_free(struct machine_msis *msis);
/* @data was written to @addr. Any context, with any lock held. */
void machine_msis_write(struct machine_msis *msis, u64 addr, u32 data);

#endif
