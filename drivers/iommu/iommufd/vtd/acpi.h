/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the DMAR ACPI table (VT-d specification chapter 8) says besides where the
 * units are: memory that firmware has devices use (RMRR, 8.4), and which of them
 * may use ATS (ATSR, 8.5; SATC, 8.8).
 */
#ifndef __IOMMUFD_VTD_ACPI_H
#define __IOMMUFD_VTD_ACPI_H

#include <linux/dmar.h>
#include <linux/list.h>
#include <linux/pci.h>

/**
 * struct vtd_acpi_record - a reporting structure of the table
 * @item: in the list of all, in the order of the table
 * @type: ACPI_DMAR_TYPE_RESERVED_MEMORY, _ROOT_ATS or _SATC
 * @all_ports: (ATSR) every root port of the segment, @scopes do not count
 * @ats_required: (SATC) the devices do not work without ATS
 * @segment: PCI segment
 * @start: (RMRR) first address, aligned to a page
 * @last: (RMRR) last address, the last of a page
 * @devices: those of @scopes that are there; entries under RCU, written under
 *	dmar_global_lock
 * @num_devices: room in @devices
 * @scopes_size: bytes of
 * @scopes: device scopes as in the table (8.3.1), checked
 */
struct vtd_acpi_record {
	struct list_head item;
	u8 type;
	bool all_ports;
	bool ats_required;
	u16 segment;
	u64 start;
	u64 last;
	struct dmar_dev_scope *devices;
	int num_devices;
	size_t scopes_size;
	u8 scopes[] __counted_by(scopes_size);
};

int vtd_acpi_init(void);

void vtd_acpi_reserved_regions(struct device *dev, struct list_head *head);
bool vtd_acpi_ats_allowed(struct pci_dev *pdev);
bool vtd_acpi_ats_required(struct pci_dev *pdev);

/* For vtd_acpi_init() and KUnit: the same with any list of records. */
int vtd_acpi_parse(const void *table, size_t size, struct list_head *records);
void vtd_acpi_free(struct list_head *records);
int vtd_acpi_device_event(struct list_head *records, struct pci_dev *pdev,
			  unsigned long event);
const struct vtd_acpi_record *
vtd_acpi_find(struct list_head *records, u8 type, struct pci_dev *pdev,
	      const struct vtd_acpi_record *after);
bool vtd_acpi_ats_allowed_by(struct list_head *records, struct pci_dev *pdev);
bool vtd_acpi_ats_required_by(struct list_head *records, struct pci_dev *pdev);
void vtd_acpi_regions_by(struct list_head *records, struct pci_dev *pdev,
			 struct list_head *head);

#endif
