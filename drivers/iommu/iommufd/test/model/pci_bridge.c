// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI host bridge in software: a PCI domain with one bus, configuration space
 * in memory, and an interrupt domain where each function's MSIs stay apart. There
 * are no memory windows, because no function has a BAR.
 */
#include <linux/idr.h>
#include <linux/irqdomain.h>
#include <linux/slab.h>

#include "pci_internal.h"

/* Bridges at a time */
#define MODEL_MAX_BRIDGES	256

static DEFINE_IDA(bridge_ids);

static struct model_bridge *bridge_of(struct pci_bus *bus)
{
	return pci_host_bridge_priv(to_pci_host_bridge(bus->bridge));
}

static bool bridge_access_ok(struct pci_bus *bus, int where, int size)
{
	return !bus->number && where >= 0 && where + size <= MODEL_CFG_SIZE;
}

static int bridge_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *val)
{
	struct model_pci_function *f;

	*val = ~0U;
	if (!bridge_access_ok(bus, where, size))
		return PCIBIOS_SUCCESSFUL;
	rcu_read_lock();
	f = rcu_dereference(bridge_of(bus)->functions[devfn]);
	if (f)
		*val = model_cfg_read(f, where, size);
	rcu_read_unlock();
	return PCIBIOS_SUCCESSFUL;
}

static int bridge_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 val)
{
	struct model_pci_function *f;

	if (!bridge_access_ok(bus, where, size))
		return PCIBIOS_SUCCESSFUL;
	rcu_read_lock();
	f = rcu_dereference(bridge_of(bus)->functions[devfn]);
	if (f)
		model_cfg_write(f, where, size, val);
	rcu_read_unlock();
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops bridge_ops = {
	.read = bridge_read,
	.write = bridge_write,
};

static void bridge_compose_msi(struct irq_data *data, struct msi_msg *msg)
{
	msg->address_lo = MODEL_MSI_ADDRESS;
	msg->address_hi = 0;
	/* A bridge has no table: an interrupt number is what arrives. */
	msg->data = data->irq;
}

static void bridge_ack_msi(struct irq_data *data)
{
}

/**
 * model_bridge_handle_msi() - an MSI has arrived
 * @bridge: bridge
 * @data: what was written
 *
 * In hard interrupt context. One that means no interrupt of this bridge is
 * dropped, as it was freed in between.
 */
void model_bridge_handle_msi(struct model_bridge *bridge, u32 data)
{
	struct irq_data *irq = irq_get_irq_data(data);

	if (irq && irq->domain == bridge->msi)
		generic_handle_irq(data);
}

static int bridge_create_msi(struct model_bridge *bridge)
{
	bridge->msi_fwnode = irq_domain_alloc_named_id_fwnode("iommufd-model",
							      bridge->domain);
	if (!bridge->msi_fwnode)
		return -ENOMEM;
	bridge->msi_chip = (struct irq_chip){
		.name = "model-MSI",
		.irq_compose_msi_msg = bridge_compose_msi,
		.irq_ack = bridge_ack_msi,
		.irq_mask = pci_msi_mask_irq,
		.irq_unmask = pci_msi_unmask_irq,
	};
	bridge->msi_info = (struct msi_domain_info){
		.flags = MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS |
			 MSI_FLAG_NO_AFFINITY,
		.chip = &bridge->msi_chip,
		.handler = handle_edge_irq,
		.handler_name = "edge",
	};
	bridge->msi = pci_msi_create_irq_domain(bridge->msi_fwnode,
						&bridge->msi_info, NULL);
	if (!bridge->msi) {
		irq_domain_free_fwnode(bridge->msi_fwnode);
		return -ENOMEM;
	}
	/* A function can raise what is its own, and nothing else. */
	bridge->msi->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	return 0;
}

static void bridge_destroy_msi(struct model_bridge *bridge)
{
	irq_domain_remove(bridge->msi);
	irq_domain_free_fwnode(bridge->msi_fwnode);
}

static void bridge_fill(struct model_bridge *bridge, int id)
{
	struct pci_host_bridge *host = bridge->host;

	bridge->domain = MODEL_PCI_DOMAIN + id;
	bridge->busn = (struct resource){
		.name = "iommufd model",
		.flags = IORESOURCE_BUS,
	};
	pci_add_resource(&host->windows, &bridge->busn);
	host->ops = &bridge_ops;
	host->domain_nr = bridge->domain;
#ifdef CONFIG_X86
	bridge->sysdata.domain = bridge->domain;
	bridge->sysdata.node = NUMA_NO_NODE;
#endif
#if defined(CONFIG_X86) || defined(CONFIG_ARM64)
	host->sysdata = &bridge->sysdata;
#endif
	dev_set_msi_domain(&host->dev, bridge->msi);
}

/**
 * model_bridge_port() - the IOMMU in front of a bridge
 * @bridge: the bridge
 *
 * Return: what model_bridge_create() was given.
 */
struct model_port *model_bridge_port(struct model_bridge *bridge)
{
	return bridge->port;
}

/**
 * model_bridge_create() - make a host bridge with an empty bus
 * @port: the IOMMU in front of it; outlives it
 *
 * Return: the bridge; ERR_PTR: -ENOSPC: there are 256; -ENOMEM; what the PCI core
 * says.
 */
struct model_bridge *model_bridge_create(struct model_port *port)
{
	struct pci_host_bridge *host;
	struct model_bridge *bridge;
	int id, rc;

	id = ida_alloc_max(&bridge_ids, MODEL_MAX_BRIDGES - 1, GFP_KERNEL);
	if (id < 0)
		return ERR_PTR(id);
	host = pci_alloc_host_bridge(sizeof(*bridge));
	if (!host) {
		rc = -ENOMEM;
		goto err_id;
	}
	bridge = pci_host_bridge_priv(host);
	bridge->host = host;
	bridge->port = port;
	bridge->domain = MODEL_PCI_DOMAIN + id;
	mutex_init(&bridge->plug);
	rc = bridge_create_msi(bridge);
	if (rc)
		goto err_host;
	bridge_fill(bridge, id);

	pci_lock_rescan_remove();
	rc = pci_scan_root_bus_bridge(host);
	if (!rc)
		pci_bus_add_devices(host->bus);
	pci_unlock_rescan_remove();
	if (rc)
		goto err_msi;
	return bridge;

err_msi:
	bridge_destroy_msi(bridge);
err_host:
	pci_free_host_bridge(host);
err_id:
	ida_free(&bridge_ids, id);
	return ERR_PTR(rc);
}

/**
 * model_bridge_bus() - the root bus
 * @bridge: bridge
 */
struct pci_bus *model_bridge_bus(struct model_bridge *bridge)
{
	return bridge->host->bus;
}

/* Out of reach of configuration accesses, of the IOMMU, and then of everything. */
static void bridge_drop(struct model_bridge *bridge,
			struct model_pci_function *f)
{
	struct model_port *port = bridge->port;

	model_function_pull(f);
	port->ops->connect(port, model_function_rid(f), NULL);
	rcu_assign_pointer(bridge->functions[f->devfn], NULL);
}

static void bridge_drop_all(struct model_bridge *bridge,
			    struct model_pci_function *pf)
{
	struct model_pci_function *vfs[MODEL_PCI_MAX_VFS] = {};
	unsigned int i;

	for (i = 0; i < pf->config.num_vfs; i++) {
		vfs[i] = pf->vfs[i];
		if (vfs[i])
			bridge_drop(bridge, vfs[i]);
	}
	bridge_drop(bridge, pf);
	raw_spin_lock_irq(&pf->lock);
	memset(pf->vfs, 0, sizeof(pf->vfs));
	raw_spin_unlock_irq(&pf->lock);
	synchronize_rcu();
	for (i = 0; i < MODEL_PCI_MAX_VFS; i++)
		if (vfs[i])
			model_pci_put(vfs[i]);
	model_pci_put(pf);
}

static int bridge_insert(struct model_bridge *bridge,
			 struct model_pci_function *f)
{
	struct model_port *port = bridge->port;
	int rc;

	rc = port->ops->connect(port, model_function_rid(f), &f->fn);
	if (rc)
		return rc;
	rcu_assign_pointer(bridge->functions[f->devfn], f);
	return 0;
}

/* The function and all its VFs, or nothing. */
static struct model_pci_function *
bridge_insert_all(struct model_bridge *bridge,
		  const struct model_pci_config *config)
{
	struct model_pci_function *pf, *f;
	unsigned int i;
	int rc;

	pf = model_function_create(bridge, config, NULL, 0);
	if (!pf)
		return ERR_PTR(-ENOMEM);
	rc = bridge_insert(bridge, pf);
	if (rc) {
		model_pci_put(pf);
		return ERR_PTR(rc);
	}
	for (i = 0; i < config->num_vfs; i++) {
		f = model_function_create(bridge, config, pf, i + 1);
		rc = f ? bridge_insert(bridge, f) : -ENOMEM;
		if (rc) {
			if (f)
				model_pci_put(f);
			bridge_drop_all(bridge, pf);
			return ERR_PTR(rc);
		}
		pf->vfs[i] = f;
	}
	return pf;
}

static int bridge_check(struct model_bridge *bridge,
			const struct model_pci_config *config)
{
	unsigned int i;

	if (config->flags & ~MODEL_PCI_FLAGS)
		return -EINVAL;
	if (config->num_vfs > MODEL_PCI_MAX_VFS ||
	    config->devfn + config->num_vfs > MODEL_PCI_MAX_DEVFN)
		return -EINVAL;
	if (config->flags & MODEL_PCI_PASID ?
		    !config->pasid_bits || config->pasid_bits > 20 :
		    config->flags & (MODEL_PCI_PASID_EXEC |
				     MODEL_PCI_PASID_PRIV |
				     MODEL_PCI_PRG_PASID))
		return -EINVAL;
	/* Page requests make sense to who asks for translations (PCIe 10.4). */
	if (config->flags & MODEL_PCI_PRI ?
		    !(config->flags & MODEL_PCI_ATS) || !config->pri_capacity :
		    config->flags & MODEL_PCI_PRG_PASID)
		return -EINVAL;

	for (i = 0; i <= config->num_vfs; i++)
		if (rcu_access_pointer(bridge->functions[config->devfn + i]))
			return -EEXIST;
	return 0;
}

/**
 * model_pci_plug() - plug in a function
 * @bridge: bridge
 * @config: what it is, and where
 *
 * Return: the kernel's device, without a reference; ERR_PTR: -EINVAL; -EEXIST: it
 * or one of its VFs would be where something is; -ENOMEM; what the port says;
 * -ENODEV: the kernel does not see it.
 */
struct pci_dev *model_pci_plug(struct model_bridge *bridge,
			       const struct model_pci_config *config)
{
	struct model_pci_function *pf;
	struct pci_dev *pdev;
	int rc;

	mutex_lock(&bridge->plug);
	rc = bridge_check(bridge, config);
	if (rc) {
		mutex_unlock(&bridge->plug);
		return ERR_PTR(rc);
	}
	pf = bridge_insert_all(bridge, config);
	if (IS_ERR(pf)) {
		mutex_unlock(&bridge->plug);
		return ERR_CAST(pf);
	}

	pci_lock_rescan_remove();
	pdev = pci_scan_single_device(bridge->host->bus, config->devfn);
	if (pdev) {
		/* The kernel looks for it only where there is power management */
		pdev->imm_ready = 1;
		pci_bus_add_device(pdev);
	}
	pci_unlock_rescan_remove();
	if (!pdev) {
		bridge_drop_all(bridge, pf);
		pdev = ERR_PTR(-ENODEV);
	}
	mutex_unlock(&bridge->plug);
	return pdev;
}

static struct model_pci_function *
bridge_physical(struct model_bridge *bridge, struct pci_dev *pdev)
{
	struct model_pci_function *f;

	f = rcu_dereference_protected(bridge->functions[pdev->devfn],
				      lockdep_is_held(&bridge->plug));
	return f && !f->vf ? f : NULL;
}

static void bridge_pull_all(struct model_pci_function *pf)
{
	unsigned int i;

	for (i = 0; i < pf->config.num_vfs; i++)
		model_function_pull(pf->vfs[i]);
	model_function_pull(pf);
}

/**
 * model_pci_unplug() - take a function out
 * @bridge: bridge
 * @pdev: the function, not a VF; the caller's reference keeps the struct alive
 * @surprise: it stops answering first, as if it were pulled
 *
 * Its VFs go with it. When this returns, its driver is gone, its DMAs have ended,
 * and nobody reaches it.
 */
void model_pci_unplug(struct model_bridge *bridge, struct pci_dev *pdev,
		      bool surprise)
{
	struct model_pci_function *pf;

	mutex_lock(&bridge->plug);
	pf = bridge_physical(bridge, pdev);
	if (pf) {
		if (surprise) {
			bridge_pull_all(pf);
			pdev->error_state = pci_channel_io_perm_failure;
		}
		/* A driver without SR-IOV does not do it. */
		pci_lock_rescan_remove();
		pci_disable_sriov(pdev);
		pci_stop_and_remove_bus_device(pdev);
		pci_unlock_rescan_remove();
		bridge_drop_all(bridge, pf);
	}
	mutex_unlock(&bridge->plug);
}

/**
 * model_pci_set_vfs() - enable virtual functions
 * @bridge: bridge
 * @pdev: physical function
 * @num: how many; 0: none
 *
 * For functions without a driver that does it.
 *
 * Return: 0; -ENODEV: not a physical function of @bridge; what the PCI core says.
 */
int model_pci_set_vfs(struct model_bridge *bridge, struct pci_dev *pdev,
		      unsigned int num)
{
	int rc = -ENODEV;

	mutex_lock(&bridge->plug);
	if (bridge_physical(bridge, pdev)) {
		pci_lock_rescan_remove();
		rc = 0;
		if (num)
			rc = pci_enable_sriov(pdev, num);
		else
			pci_disable_sriov(pdev);
		pci_unlock_rescan_remove();
	}
	mutex_unlock(&bridge->plug);
	return rc;
}

/**
 * model_pci_get() - a function by its place
 * @bridge: bridge
 * @devfn: where; a VF that is not enabled is there as well, and does nothing
 *
 * Return: the function, with a reference; NULL: there is none.
 */
struct model_pci_function *model_pci_get(struct model_bridge *bridge, u8 devfn)
{
	struct model_pci_function *f;

	rcu_read_lock();
	f = rcu_dereference(bridge->functions[devfn]);
	if (f && !kref_get_unless_zero(&f->ref))
		f = NULL;
	rcu_read_unlock();
	return f;
}

/**
 * model_bridge_destroy() - take everything out, and the bridge
 * @bridge: bridge
 */
void model_bridge_destroy(struct model_bridge *bridge)
{
	struct pci_host_bridge *host = bridge->host;
	int id = bridge->domain - MODEL_PCI_DOMAIN;
	struct irq_domain *msi = bridge->msi;
	struct fwnode_handle *fwnode = bridge->msi_fwnode;
	struct pci_dev *pdev;
	unsigned int devfn;

	for (devfn = 0; devfn <= MODEL_PCI_MAX_DEVFN; devfn++) {
		pdev = pci_get_slot(host->bus, devfn);
		if (pdev && !pdev->is_virtfn)
			model_pci_unplug(bridge, pdev, false);
		pci_dev_put(pdev);
	}

	pci_lock_rescan_remove();
	pci_stop_root_bus(host->bus);
	pci_remove_root_bus(host->bus);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(host);
	irq_domain_remove(msi);
	irq_domain_free_fwnode(fwnode);
	ida_free(&bridge_ids, id);
}
