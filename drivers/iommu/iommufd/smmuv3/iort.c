// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the IORT ACPI table (Arm DEN 0049E) says of a unit beside its resources.
 *
 * The base tree's own reader of the table makes the platform device, and gives other
 * devices their StreamIDs. It does not tell of what stands here, so the table is read
 * again. Nothing is kept. A structure that reaches out of the table ends the reading.
 */
#include <linux/acpi.h>
#include <linux/bitfield.h>
#include <linux/overflow.h>

#include "iort.h"
#include "unit.h"

/* SMMUv3 node, flags */
#define IORT_COHACC		BIT(0)
#define IORT_HTTU		GENMASK(2, 1)
#define IORT_HTTU_ACCESS	1
#define IORT_HTTU_DIRTY		2
/* Memory access properties, the last of their 64 bits: E.f, memory access flags */
#define IORT_CANWBS		BIT_ULL(58)

/**
 * struct iort_view - the table, while it is read
 * @table: all of it
 * @size: bytes
 * @unit: offset of the unit's node, 0 if it has none
 */
struct iort_view {
	const void *table;
	size_t size;
	size_t unit;
};

/* @len bytes at offset @at, or NULL if they are not all in the table. */
static const void *iort_at(const struct iort_view *view, size_t at, size_t len)
{
	size_t end;

	if (check_add_overflow(at, len, &end) || end > view->size)
		return NULL;
	return view->table + at;
}

/* The node at offset @at, whole; NULL at the end. */
static const struct acpi_iort_node *iort_node(const struct iort_view *view,
					      size_t at)
{
	const struct acpi_iort_node *node;

	node = iort_at(view, at, sizeof(*node));
	if (!node || node->length < sizeof(*node))
		return NULL;
	return iort_at(view, at, node->length);
}

#define iort_for_each_node(view, node, at, first)			\
	for (at = (first); (node = iort_node(view, at)); at += node->length)

static const void *iort_data(const struct acpi_iort_node *node, size_t len)
{
	return node->length >= sizeof(*node) + len ? node->node_data : NULL;
}

static const struct acpi_iort_smmu_v3 *
iort_smmu(const struct acpi_iort_node *node, u64 base)
{
	const struct acpi_iort_smmu_v3 *smmu;

	if (node->type != ACPI_IORT_NODE_SMMU_V3)
		return NULL;
	smmu = iort_data(node, sizeof(*smmu));
	return smmu && smmu->base_address == base ? smmu : NULL;
}

/* IDs of @node go to the unit. */
static bool iort_maps_to_unit(const struct iort_view *view,
			      const struct acpi_iort_node *node)
{
	size_t i, len = sizeof(struct acpi_iort_id_mapping);

	for (i = 0; i < node->mapping_count; i++) {
		const struct acpi_iort_id_mapping *map;
		size_t at = node->mapping_offset + i * len;

		if (at + len > node->length)
			break;
		map = (const void *)node + at;
		if (map->output_reference == view->unit)
			return true;
	}
	return false;
}

/* Memory access properties of what sends requests; false if it is no such node. */
static bool iort_properties(const struct acpi_iort_node *node, u64 *properties)
{
	const struct acpi_iort_named_component *component;
	const struct acpi_iort_root_complex *rc;

	switch (node->type) {
	case ACPI_IORT_NODE_PCI_ROOT_COMPLEX:
		rc = iort_data(node, sizeof(*rc));
		*properties = rc ? rc->memory_properties : 0;
		return true;
	case ACPI_IORT_NODE_NAMED_COMPONENT:
		component = iort_data(node, sizeof(*component));
		*properties = component ? component->memory_properties : 0;
		return true;
	default:
		return false;
	}
}

/* All that sends requests to the unit has CANWBS, and something does. */
static bool iort_canwbs(const struct iort_view *view, size_t first)
{
	const struct acpi_iort_node *node;
	bool found = false;
	u64 properties;
	size_t at;

	iort_for_each_node(view, node, at, first) {
		if (!iort_properties(node, &properties) ||
		    !iort_maps_to_unit(view, node))
			continue;
		if (!(properties & IORT_CANWBS))
			return false;
		found = true;
	}
	return found;
}

/* HTTU in the table replaces that of IDR0. */
static u32 iort_flags(u32 flags)
{
	u32 firmware = SMMUV3_FW_HTTU;

	if (flags & IORT_COHACC)
		firmware |= SMMUV3_FW_COHERENT;
	switch (FIELD_GET(IORT_HTTU, flags)) {
	case IORT_HTTU_DIRTY:
		firmware |= SMMUV3_FW_HTTU_DIRTY;
		fallthrough;
	case IORT_HTTU_ACCESS:
		firmware |= SMMUV3_FW_HTTU_ACCESS;
	}
	return firmware;
}

/**
 * smmuv3_iort_parse() - what an IORT says of a unit
 * @table: the table, from its header
 * @size: bytes of it that are there
 * @base: address of the unit's registers
 *
 * CANWBS is a property of what is in front of the unit: it counts if all has it.
 *
 * Return: SMMUV3_FW_*; 0 if the unit is not in the table.
 */
u32 smmuv3_iort_parse(const void *table, size_t size, u64 base)
{
	struct iort_view view = { .table = table, .size = size };
	const struct acpi_iort_smmu_v3 *smmu = NULL;
	const struct acpi_table_iort *iort;
	const struct acpi_iort_node *node;
	u32 firmware;
	size_t at;

	iort = iort_at(&view, 0, sizeof(*iort));
	if (!iort)
		return 0;
	iort_for_each_node(&view, node, at, iort->node_offset) {
		smmu = iort_smmu(node, base);
		if (smmu)
			break;
	}
	if (!smmu)
		return 0;
	view.unit = at;
	firmware = iort_flags(smmu->flags);
	if (iort_canwbs(&view, iort->node_offset))
		firmware |= SMMUV3_FW_CANWBS;
	return firmware;
}

/**
 * smmuv3_iort_firmware() - what the machine's IORT says of a unit
 * @base: address of the unit's registers
 *
 * May sleep.
 *
 * Return: SMMUV3_FW_*; 0 without a table, or if the unit is not in it.
 */
u32 smmuv3_iort_firmware(u64 base)
{
	struct acpi_table_header *table;
	u32 firmware;

	if (acpi_disabled ||
	    ACPI_FAILURE(acpi_get_table(ACPI_SIG_IORT, 0, &table)))
		return 0;
	firmware = smmuv3_iort_parse(table, table->length, base);
	acpi_put_table(table);
	return firmware;
}
