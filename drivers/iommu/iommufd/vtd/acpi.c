// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserved memory and ATS, as the DMAR ACPI table has it.
 *
 * The base tree's lists of these are its own driver's and go with it, so the
 * table is read once more. Devices are looked for by path when they come, bus
 * numbers below bridges are not firmware's (8.3.1): the base tree's device scopes
 * do that, and a bus notifier tells them.
 *
 * Devices that are not PCI (ANDD, 8.7) are not looked for: none has a unit here.
 */
#define pr_fmt(fmt) "iommufd vtd: " fmt

#include <linux/acpi.h>
#include <linux/dmar.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "acpi.h"

/* Length of a scope with a path of one. */
#define SCOPE_MIN	(sizeof(struct acpi_dmar_device_scope) + \
			 sizeof(struct acpi_dmar_pci_path))

/* Constant after vtd_acpi_init(). */
static LIST_HEAD(vtd_acpi_records);

/* Bytes ahead of the device scopes, 0 for what we have no use for. */
static size_t fixed_size(u8 type)
{
	switch (type) {
	case ACPI_DMAR_TYPE_RESERVED_MEMORY:
		return sizeof(struct acpi_dmar_reserved_memory);
	case ACPI_DMAR_TYPE_ROOT_ATS:
		return sizeof(struct acpi_dmar_atsr);
	case ACPI_DMAR_TYPE_SATC:
		return sizeof(struct acpi_dmar_satc);
	default:
		return 0;
	}
}

/* Whoever walks them trusts their lengths. */
static bool scopes_valid(const void *scopes, size_t size)
{
	while (size) {
		const struct acpi_dmar_device_scope *scope = scopes;

		if (size < SCOPE_MIN || scope->length < SCOPE_MIN ||
		    scope->length > size || scope->length % 2)
			return false;
		scopes += scope->length;
		size -= scope->length;
	}
	return true;
}

static bool set_range(struct vtd_acpi_record *record, u64 start, u64 last)
{
	if (last < start) {
		pr_warn(FW_BUG "RMRR [%#llx-%#llx] ends before it begins, ignored\n",
			start, last);
		return false;
	}
	if (!IS_ALIGNED(start, PAGE_SIZE) || !IS_ALIGNED(last + 1, PAGE_SIZE))
		pr_warn(FW_BUG "RMRR [%#llx-%#llx] is not made of pages, widened\n",
			start, last);
	record->start = start & PAGE_MASK;
	record->last = last | ~PAGE_MASK;
	return true;
}

/* 1: not taken, but no reason to stop. */
static int parse_record(const struct acpi_dmar_header *header,
			struct list_head *records)
{
	size_t fixed = fixed_size(header->type), size = header->length;
	const void *raw = header;
	const struct acpi_dmar_reserved_memory *rmrr = raw;
	const struct acpi_dmar_atsr *atsr = raw;
	const struct acpi_dmar_satc *satc = raw;
	struct vtd_acpi_record *record;
	bool good = true;

	if (!fixed)
		return 1;
	if (size < fixed || !scopes_valid(raw + fixed, size - fixed))
		return -EINVAL;

	record = kzalloc(struct_size(record, scopes, size - fixed), GFP_KERNEL);
	if (!record)
		return -ENOMEM;
	record->scopes_size = size - fixed;
	record->type = header->type;
	memcpy(record->scopes, raw + fixed, size - fixed);

	switch (header->type) {
	case ACPI_DMAR_TYPE_RESERVED_MEMORY:
		record->segment = rmrr->segment;
		good = set_range(record, rmrr->base_address, rmrr->end_address);
		break;
	case ACPI_DMAR_TYPE_ROOT_ATS:
		record->segment = atsr->segment;
		record->all_ports = atsr->flags & ACPI_DMAR_ALL_PORTS;
		break;
	case ACPI_DMAR_TYPE_SATC:
		record->segment = satc->segment;
		/* ATC_REQUIRED */
		record->ats_required = satc->flags & BIT(0);
		break;
	}
	if (!good) {
		kfree(record);
		return 1;
	}

	record->devices = dmar_alloc_dev_scope(record->scopes,
					       record->scopes +
						       record->scopes_size,
					       &record->num_devices);
	if (record->num_devices && !record->devices) {
		kfree(record);
		return -ENOMEM;
	}
	list_add_tail(&record->item, records);
	return 0;
}

/**
 * vtd_acpi_parse() - read a DMAR table
 * @table: the table, from its header on
 * @size: bytes of it that there are
 * @records: empty; filled with RMRRs, ATSRs and SATCs, copied. Everything else is
 *	skipped by its length, and RMRRs that end before they begin are
 *
 * May sleep.
 *
 * Return: 0; -EINVAL: @table is not a DMAR table, or lengths in it do not fit;
 * -ENOMEM. On error @records is empty.
 */
int vtd_acpi_parse(const void *table, size_t size, struct list_head *records)
{
	const struct acpi_table_dmar *dmar = table;
	const void *at = dmar + 1;
	int rc = 0;

	if (size < sizeof(*dmar) || dmar->header.length < sizeof(*dmar) ||
	    dmar->header.length > size || !dmar->header.revision ||
	    memcmp(dmar->header.signature, ACPI_SIG_DMAR, ACPI_NAMESEG_SIZE))
		return -EINVAL;

	size = dmar->header.length - sizeof(*dmar);
	while (size && rc >= 0) {
		const struct acpi_dmar_header *header = at;

		if (size < sizeof(*header) || header->length < sizeof(*header) ||
		    header->length > size) {
			rc = -EINVAL;
			break;
		}
		rc = parse_record(header, records);
		at += header->length;
		size -= header->length;
	}
	if (rc < 0)
		vtd_acpi_free(records);
	return min(rc, 0);
}

/**
 * vtd_acpi_free() - undo vtd_acpi_parse()
 * @records: of which nobody knows any more
 *
 * May sleep.
 */
void vtd_acpi_free(struct list_head *records)
{
	struct vtd_acpi_record *record, *next;

	down_write(&dmar_global_lock);
	list_for_each_entry_safe(record, next, records, item) {
		list_del(&record->item);
		dmar_free_dev_scope(&record->devices, &record->num_devices);
		kfree(record);
	}
	up_write(&dmar_global_lock);
}

/* Where @pdev is, as dmar_insert_dev_scope() wants it: a path from the root bus. */
static struct dmar_pci_notify_info *path_to(struct pci_dev *pdev,
					    unsigned long event)
{
	struct dmar_pci_notify_info *info;
	struct pci_dev *tmp;
	u16 level = 0;

	for (tmp = pdev; tmp; tmp = tmp->bus->self)
		level++;
	info = kzalloc(struct_size(info, path, level), GFP_KERNEL);
	if (!info)
		return NULL;
	info->dev = pdev;
	info->event = event;
	info->seg = pci_domain_nr(pdev->bus);
	info->level = level;
	for (tmp = pdev; tmp; tmp = tmp->bus->self) {
		level--;
		info->path[level].bus = tmp->bus->number;
		info->path[level].device = PCI_SLOT(tmp->devfn);
		info->path[level].function = PCI_FUNC(tmp->devfn);
		info->bus = tmp->bus->number;
	}
	return info;
}

static bool has_device(const struct vtd_acpi_record *record,
		       const struct device *dev)
{
	struct device *tmp;
	int i;

	for_each_active_dev_scope(record->devices, record->num_devices, i, tmp)
		if (tmp == dev)
			return true;
	return false;
}

/**
 * vtd_acpi_device_event() - a function came or went
 * @records: as parsed
 * @pdev: the function; virtual ones and segments that the table cannot name do
 *	not count
 * @event: BUS_NOTIFY_ADD_DEVICE, also for one that is known already, or
 *	BUS_NOTIFY_REMOVED_DEVICE
 *
 * A scope that does not fit its device is left out, with a message. May sleep.
 *
 * Return: 0; -ENOMEM.
 */
int vtd_acpi_device_event(struct list_head *records, struct pci_dev *pdev,
			  unsigned long event)
{
	struct dmar_pci_notify_info *info;
	struct vtd_acpi_record *record;

	if (pdev->is_virtfn || pci_domain_nr(pdev->bus) > U16_MAX)
		return 0;
	info = path_to(pdev, event);
	if (!info)
		return -ENOMEM;

	down_write(&dmar_global_lock);
	list_for_each_entry(record, records, item) {
		if (event == BUS_NOTIFY_REMOVED_DEVICE)
			dmar_remove_dev_scope(info, record->segment,
					      record->devices,
					      record->num_devices);
		else if (!has_device(record, &pdev->dev))
			dmar_insert_dev_scope(info, record->scopes,
					      record->scopes +
						      record->scopes_size,
					      record->segment, record->devices,
					      record->num_devices);
	}
	up_write(&dmar_global_lock);
	kfree(info);
	return 0;
}

/* Is @pdev in a scope, or below a bridge that is (8.3.1)? */
static bool in_scope(const struct vtd_acpi_record *record, struct pci_dev *pdev)
{
	bool found = false;

	rcu_read_lock();
	for (; pdev && !found; pdev = pdev->bus->self)
		found = has_device(record, &pdev->dev);
	rcu_read_unlock();
	return found;
}

/**
 * vtd_acpi_find() - records that a function is in the scope of
 * @records: as parsed
 * @type: of record
 * @pdev: the function
 * @after: go on behind this one; NULL to begin
 *
 * Any context.
 *
 * Return: the next, or NULL.
 */
const struct vtd_acpi_record *
vtd_acpi_find(struct list_head *records, u8 type, struct pci_dev *pdev,
	      const struct vtd_acpi_record *after)
{
	const struct vtd_acpi_record *record;

	record = after ?: list_entry(records, struct vtd_acpi_record, item);
	list_for_each_entry_continue(record, records, item) {
		if (record->type != type ||
		    record->segment != pci_domain_nr(pdev->bus))
			continue;
		if (record->all_ports || in_scope(record, pdev))
			return record;
	}
	return NULL;
}

/**
 * vtd_acpi_ats_allowed_by() - may a function use ATS?
 * @records: as parsed
 * @pdev: the function
 *
 * One in the root complex may, whether SATC lists it or not: firmware older than
 * SATC lists none. One below a root port may if ATSR has the port, and there is
 * PCI Express all the way. A virtual function may what its physical one may.
 *
 * Return: true if it may.
 */
bool vtd_acpi_ats_allowed_by(struct list_head *records, struct pci_dev *pdev)
{
	struct pci_dev *bridge = pci_physfn(pdev)->bus->self;

	for (; bridge; bridge = bridge->bus->self) {
		if (!pci_is_pcie(bridge))
			return false;
		switch (pci_pcie_type(bridge)) {
		case PCI_EXP_TYPE_ROOT_PORT:
			return vtd_acpi_find(records, ACPI_DMAR_TYPE_ROOT_ATS,
					     bridge, NULL);
		case PCI_EXP_TYPE_PCI_BRIDGE:
		case PCI_EXP_TYPE_PCIE_BRIDGE:
			return false;
		}
	}
	return true;
}

/**
 * vtd_acpi_ats_required_by() - does a function not work without ATS?
 * @records: as parsed
 * @pdev: the function
 *
 * Return: true if an SATC that has it says so (8.8, ATC_REQUIRED).
 */
bool vtd_acpi_ats_required_by(struct list_head *records, struct pci_dev *pdev)
{
	const struct vtd_acpi_record *record = NULL;

	pdev = pci_physfn(pdev);
	while ((record = vtd_acpi_find(records, ACPI_DMAR_TYPE_SATC, pdev,
				       record)))
		if (record->ats_required)
			return true;
	return false;
}

/*
 * Display and USB controllers: firmware's use of the memory ends when their driver
 * takes over, so that a user may have them without it.
 */
static bool is_relaxable(struct pci_dev *pdev)
{
	return pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY ||
	       pdev->class >> 8 == PCI_CLASS_SERIAL_USB;
}

/**
 * vtd_acpi_regions_by() - memory that has to stay mapped for a function
 * @records: as parsed
 * @pdev: the function
 * @head: where &struct iommu_resv_region are added, direct ones
 *
 * A region for which there is no memory is left out, with a message. May sleep.
 */
void vtd_acpi_regions_by(struct list_head *records, struct pci_dev *pdev,
			 struct list_head *head)
{
	enum iommu_resv_type type = is_relaxable(pdev) ?
					    IOMMU_RESV_DIRECT_RELAXABLE :
					    IOMMU_RESV_DIRECT;
	const struct vtd_acpi_record *record = NULL;
	struct iommu_resv_region *region;

	while ((record = vtd_acpi_find(records, ACPI_DMAR_TYPE_RESERVED_MEMORY,
				       pdev, record))) {
		u64 size = record->last - record->start + 1;

		region = iommu_alloc_resv_region(record->start, size,
						 IOMMU_READ | IOMMU_WRITE, type,
						 GFP_KERNEL);
		if (!region) {
			pci_err(pdev, "no memory for a reserved region\n");
			return;
		}
		list_add_tail(&region->list, head);
	}
}

/**
 * vtd_acpi_ats_allowed() - may a function use ATS on this platform?
 * @pdev: the function
 *
 * Any context.
 *
 * Return: as vtd_acpi_ats_allowed_by().
 */
bool vtd_acpi_ats_allowed(struct pci_dev *pdev)
{
	return vtd_acpi_ats_allowed_by(&vtd_acpi_records, pdev);
}

/**
 * vtd_acpi_ats_required() - does a function not work without ATS?
 * @pdev: the function
 *
 * Any context.
 *
 * Return: as vtd_acpi_ats_required_by().
 */
bool vtd_acpi_ats_required(struct pci_dev *pdev)
{
	return vtd_acpi_ats_required_by(&vtd_acpi_records, pdev);
}

/**
 * vtd_acpi_reserved_regions() - memory that has to stay mapped for a device
 * @dev: the device; nothing is added if it is not a PCI function
 * @head: where &struct iommu_resv_region are added
 *
 * The table's part of iommu_ops.get_resv_regions(); interrupt addresses are the
 * caller's. May sleep.
 */
void vtd_acpi_reserved_regions(struct device *dev, struct list_head *head)
{
	if (dev_is_pci(dev))
		vtd_acpi_regions_by(&vtd_acpi_records, to_pci_dev(dev), head);
}

static int bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (event != BUS_NOTIFY_ADD_DEVICE && event != BUS_NOTIFY_REMOVED_DEVICE)
		return NOTIFY_DONE;
	if (vtd_acpi_device_event(&vtd_acpi_records, pdev, event))
		pci_err(pdev, "no memory to look it up in the DMAR table\n");
	return NOTIFY_OK;
}

/* Ahead of the iommu core, which asks for reserved regions. */
static struct notifier_block bus_notifier = {
	.notifier_call = bus_event,
	.priority = 1,
};

/**
 * vtd_acpi_init() - read the table, and follow the devices from here on
 *
 * Once, when PCI has been enumerated and before a unit is made known.
 *
 * Return: 0; -ENODEV: there is no DMAR table; -EINVAL: it is malformed; -ENOMEM;
 * what registering a notifier returns.
 */
int __init vtd_acpi_init(void)
{
	struct acpi_table_header *table;
	struct pci_dev *pdev = NULL;
	int rc;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_DMAR, 0, &table)))
		return -ENODEV;
	rc = vtd_acpi_parse(table, table->length, &vtd_acpi_records);
	acpi_put_table(table);
	if (rc)
		return rc;

	/* First, so that none is missed; the ones seen twice are known then. */
	rc = bus_register_notifier(&pci_bus_type, &bus_notifier);
	if (rc)
		goto err_free;
	for_each_pci_dev(pdev) {
		rc = vtd_acpi_device_event(&vtd_acpi_records, pdev,
					   BUS_NOTIFY_ADD_DEVICE);
		if (rc)
			goto err_notifier;
	}
	return 0;

err_notifier:
	pci_dev_put(pdev);
	bus_unregister_notifier(&pci_bus_type, &bus_notifier);
err_free:
	vtd_acpi_free(&vtd_acpi_records);
	return rc;
}
