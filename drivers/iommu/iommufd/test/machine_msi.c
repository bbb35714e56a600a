// SPDX-License-Identifier: GPL-2.0-only
/* MSIs of a unit, see machine_msi.h. */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>

#include "machine_msi.h"

static void msi_raise(struct irq_work *work)
{
	struct machine_msi *msi =
		container_of(work, struct machine_msi, raise);
	unsigned int irq = READ_ONCE(msi->irq);

	if (irq)
		generic_handle_irq(irq);
}

static void msi_nothing(struct irq_data *data)
{
}

static void msi_compose(struct irq_data *data, struct msi_msg *msg)
{
	msg->address_lo = lower_32_bits(MACHINE_MSI_ADDR);
	msg->address_hi = upper_32_bits(MACHINE_MSI_ADDR);
	msg->data = data->hwirq;
}

static int msi_alloc(struct irq_domain *domain, unsigned int irq,
		     unsigned int num, void *arg)
{
	struct machine_msis *msis = domain->host_data;
	msi_alloc_info_t *info = arg;
	unsigned int i;

	if (info->hwirq + num > MACHINE_MSIS_MAX)
		return -ENOSPC;
	for (i = 0; i < num; i++) {
		irq_domain_set_info(domain, irq + i, info->hwirq + i,
				    &msis->chip, msis, handle_edge_irq, NULL,
				    "edge");
		WRITE_ONCE(msis->msi[info->hwirq + i].irq, irq + i);
	}
	return 0;
}

static void msi_free(struct irq_domain *domain, unsigned int irq,
		     unsigned int num)
{
	struct machine_msis *msis = domain->host_data;
	unsigned int i;

	for (i = 0; i < num; i++) {
		struct irq_data *data = irq_domain_get_irq_data(domain, irq + i);
		struct machine_msi *msi = &msis->msi[data->hwirq];

		WRITE_ONCE(msi->irq, 0);
		irq_work_sync(&msi->raise);
		irq_domain_reset_irq_data(data);
	}
}

static const struct irq_domain_ops msi_ops = {
	.alloc = msi_alloc,
	.free = msi_free,
};

/* The device's own domain, over ours */
static bool msi_init_info(struct device *dev, struct irq_domain *domain,
			  struct irq_domain *parent,
			  struct msi_domain_info *info)
{
	info->flags |= MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS |
		       MSI_FLAG_ALLOC_SIMPLE_MSI_DESCS |
		       MSI_FLAG_FREE_MSI_DESCS | MSI_FLAG_NO_AFFINITY;
	info->chip->irq_ack = irq_chip_ack_parent;
	return true;
}

static const struct msi_parent_ops msi_parent_ops = {
	.supported_flags = MSI_GENERIC_FLAGS_MASK,
	.init_dev_msi_info = msi_init_info,
};

/**
 * machine_msis_make() - make the controller
 * @msis: zeroed
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int machine_msis_make(struct machine_msis *msis)
{
	unsigned int i;

	msis->chip = (struct irq_chip){
		.name = "machine-MSI",
		.irq_ack = msi_nothing,
		.irq_mask = msi_nothing,
		.irq_unmask = msi_nothing,
		.irq_compose_msi_msg = msi_compose,
	};
	for (i = 0; i < MACHINE_MSIS_MAX; i++)
		init_irq_work(&msis->msi[i].raise, msi_raise);
	msis->fwnode = irq_domain_alloc_named_fwnode("machine-MSI");
	if (!msis->fwnode)
		return -ENOMEM;
	msis->domain = irq_domain_create_linear(msis->fwnode, MACHINE_MSIS_MAX,
						&msi_ops, msis);
	if (!msis->domain) {
		irq_domain_free_fwnode(msis->fwnode);
		return -ENOMEM;
	}
	msis->domain->flags |= IRQ_DOMAIN_FLAG_MSI_PARENT;
	msis->domain->msi_parent_ops = &msi_parent_ops;
	return 0;
}

/**
 * machine_msis_free() - undo machine_msis_make()
 * @msis: no device has MSIs of it
 *
 * May sleep.
 */
void machine_msis_free(struct machine_msis *msis)
{
	if (!msis->domain)
		return;
	irq_domain_remove(msis->domain);
	irq_domain_free_fwnode(msis->fwnode);
	msis->domain = NULL;
}

/**
 * machine_msis_write() - something was written that is no memory
 * @msis: the controller
 * @addr: where
 * @data: what
 *
 * What is no MSI does nothing. It comes from irq_work, as machine_lines_raise() has it.
 * Any context.
 */
void machine_msis_write(struct machine_msis *msis, u64 addr, u32 data)
{
	if (addr == MACHINE_MSI_ADDR && data < MACHINE_MSIS_MAX)
		irq_work_queue_on(&msis->msi[data].raise,
				  (int)cpumask_first(cpu_online_mask));
}
