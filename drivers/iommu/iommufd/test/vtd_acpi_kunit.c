// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the DMAR ACPI table, written down byte by byte as chapter 8 of the VT-d
 * specification has it, and functions that come and go.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <asm/pci.h>

#include "vtd/acpi.h"

#define RMRR		1
#define ATSR		2
#define SATC		5

/* Types of scope */
#define ENDPOINT	1
#define BRIDGE		2

#define HEADER_SIZE	48

/**
 * struct table - a table that is being written down
 * @bytes: little endian
 * @size: so far
 */
struct table {
	u8 bytes[256];
	size_t size;
};

static void put(struct table *t, u64 value, unsigned int size)
{
	for (; size; size--, value >>= 8)
		t->bytes[t->size++] = value;
}

/* 8.1: what stands ahead of the structures; the length comes later. */
static void put_header(struct table *t)
{
	t->size = 0;
	put(t, 0x52414d44, 4);
	put(t, 0, 4);
	/* Revision, checksum, who made it */
	put(t, 1, 2);
	put(t, 0x54534554, 6);
	put(t, 0x54534554, 8);
	put(t, 1, 4);
	put(t, 0x54534554, 4);
	put(t, 1, 4);
	/* Host address width, flags */
	put(t, 46, 1);
	put(t, 1, 1);
	put(t, 0, 5);
	put(t, 0, 5);
}

static void put_rmrr(struct table *t, u16 length, u16 segment, u64 start,
		     u64 last)
{
	put(t, RMRR, 2);
	put(t, length, 2);
	put(t, 0, 2);
	put(t, segment, 2);
	put(t, start, 8);
	put(t, last, 8);
}

/* ATSR and SATC */
static void put_ats(struct table *t, u8 type, u16 length, u8 flags, u16 segment)
{
	put(t, type, 2);
	put(t, length, 2);
	put(t, flags, 2);
	put(t, segment, 2);
}

/* 8.3.1: from bus 0; @path has a device and a function for each hop. */
static void put_scope(struct table *t, u8 type, u32 path, unsigned int hops)
{
	put(t, type, 1);
	put(t, 6 + 2 * hops, 1);
	put(t, 0, 4);
	put(t, path, 2 * hops);
}

static void put_good(struct table *t)
{
	put_header(t);
	/* A unit (8.3): none of this parser's business */
	put(t, 0, 2);
	put(t, 16, 2);
	put(t, 1, 4);
	put(t, 0xfed90000, 8);
	/* Memory of the graphics at 02.0 */
	put_rmrr(t, 32, 0, 0x8b000000, 0x8f7fffff);
	put_scope(t, ENDPOINT, 2, 1);
	/* Of what is at 1c.0/00.0 */
	put_rmrr(t, 34, 0, 0x1000, 0x1fff);
	put_scope(t, ENDPOINT, 0x1c, 2);
	/* Of all below 1d.0 */
	put_rmrr(t, 32, 0, 0x12345678000, 0x12345679fff);
	put_scope(t, BRIDGE, 0x1d, 1);
	/* Of nobody: another segment */
	put_rmrr(t, 32, 1, 0x2000, 0x2fff);
	put_scope(t, ENDPOINT, 2, 1);
	/* Of a type that is yet to come */
	put(t, 0x77, 2);
	put(t, 6, 2);
	put(t, 0xffff, 2);
	/* One port of segment 0, all of segment 1 */
	put_ats(t, ATSR, 16, 0, 0);
	put_scope(t, BRIDGE, 0x1c, 1);
	put_ats(t, ATSR, 8, 1, 1);
	put_ats(t, SATC, 16, 1, 0);
	put_scope(t, ENDPOINT, 5, 1);
	put_ats(t, SATC, 16, 0, 0);
	put_scope(t, ENDPOINT, 2, 1);
}

/* Where structures of put_good() end, but for the last. */
static const size_t ends[] = { 48, 64, 96, 130, 162, 194, 200, 216, 224, 240 };

/* A copy of its own for each, so that KASAN sees what is read behind it. */
static int parse_as(struct kunit *test, const u8 *bytes, size_t size,
		    u32 length, struct list_head *records)
{
	u8 *table = kmemdup(bytes, size, GFP_KERNEL);
	int rc;

	KUNIT_ASSERT_NOT_NULL(test, table);
	if (size >= 8)
		memcpy(table + 4, &length, sizeof(length));
	INIT_LIST_HEAD(records);
	rc = vtd_acpi_parse(table, size, records);
	if (rc)
		KUNIT_EXPECT_TRUE(test, list_empty(records));
	kfree(table);
	return rc;
}

static int parse(struct kunit *test, const struct table *t,
		 struct list_head *records)
{
	return parse_as(test, t->bytes, t->size, t->size, records);
}

static void test_good(struct kunit *test)
{
	static const struct {
		u8 type;
		u16 segment;
		u64 start;
		u64 last;
		bool flag;
		int devices;
	} expected[] = {
		{ RMRR, 0, 0x8b000000, 0x8f7fffff, false, 1 },
		{ RMRR, 0, 0x1000, 0x1fff, false, 1 },
		{ RMRR, 0, 0x12345678000, 0x12345679fff, false, 1 },
		{ RMRR, 1, 0x2000, 0x2fff, false, 1 },
		{ ATSR, 0, 0, 0, false, 1 },
		{ ATSR, 1, 0, 0, true, 0 },
		{ SATC, 0, 0, 0, true, 1 },
		{ SATC, 0, 0, 0, false, 1 },
	};
	struct vtd_acpi_record *record;
	struct table t;
	LIST_HEAD(records);
	unsigned int i = 0;

	put_good(&t);
	KUNIT_ASSERT_EQ(test, parse(test, &t, &records), 0);
	list_for_each_entry(record, &records, item) {
		KUNIT_ASSERT_LT(test, i, ARRAY_SIZE(expected));
		KUNIT_EXPECT_EQ(test, record->type, expected[i].type);
		KUNIT_EXPECT_EQ(test, record->segment, expected[i].segment);
		KUNIT_EXPECT_EQ(test, record->start, expected[i].start);
		KUNIT_EXPECT_EQ(test, record->last, expected[i].last);
		KUNIT_EXPECT_EQ(test, record->num_devices, expected[i].devices);
		KUNIT_EXPECT_EQ(test, record->all_ports,
				record->type == ATSR && expected[i].flag);
		KUNIT_EXPECT_EQ(test, record->ats_required,
				record->type == SATC && expected[i].flag);
		i++;
	}
	KUNIT_EXPECT_EQ(test, i, ARRAY_SIZE(expected));
	vtd_acpi_free(&records);
	KUNIT_EXPECT_TRUE(test, list_empty(&records));
}

/* Cut off anywhere: good where a structure ends, else refused. */
static void test_truncated(struct kunit *test)
{
	LIST_HEAD(records);
	struct table t;
	size_t size;
	unsigned int i;

	put_good(&t);
	for (size = 0; size < t.size; size++) {
		bool whole = false;

		for (i = 0; i < ARRAY_SIZE(ends); i++)
			whole |= ends[i] == size;
		KUNIT_EXPECT_EQ_MSG(test, parse_as(test, t.bytes, size, size,
						   &records),
				    whole ? 0 : -EINVAL, "%zu bytes", size);
		vtd_acpi_free(&records);
		/* The header promises more than there is */
		KUNIT_EXPECT_EQ(test, parse_as(test, t.bytes, size, t.size,
					       &records), -EINVAL);
	}
	for (i = 0; i < HEADER_SIZE; i++)
		KUNIT_EXPECT_EQ(test, parse_as(test, t.bytes, t.size, i,
					       &records), -EINVAL);
	/* What is behind its length does not count */
	KUNIT_EXPECT_EQ(test, parse_as(test, t.bytes, t.size, HEADER_SIZE,
				       &records), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&records));
}

static const struct {
	const char *what;
	u8 bytes[28];
	size_t size;
	int rc;
} bad[] = {
	{ "length 0", { RMRR, 0, 0, 0, 0, 0, 0, 0 }, 8, -EINVAL },
	{ "unknown of length 0", { 9, 0, 0, 0 }, 4, -EINVAL },
	{ "unknown of length 3", { 9, 0, 3, 0 }, 4, -EINVAL },
	{ "unknown beyond the end", { 9, 0, 5, 0 }, 4, -EINVAL },
	{ "unknown", { 9, 0, 4, 0 }, 4, 0 },
	{ "RMRR too short", { RMRR, 0, 16, 0 }, 16, -EINVAL },
	{ "ATSR too short", { ATSR, 0, 6, 0 }, 6, -EINVAL },
	{ "SATC too short", { SATC, 0, 7, 0 }, 7, -EINVAL },
	{ "scope of length 0",
	  { ATSR, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0 }, 16, -EINVAL },
	{ "scope without a path",
	  { ATSR, 0, 14, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0 }, 14, -EINVAL },
	{ "scope with half a path",
	  { ATSR, 0, 17, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 1, 0, 1 }, 17,
	  -EINVAL },
	{ "scope beyond its structure",
	  /* and what it runs into looks like one, up to the end of the table */
	  { ATSR, 0, 16, 0, 0, 0, 0, 0, 1, 12, 0, 0, 0, 0, 1, 0,
	    9, 0, 12, 0, 1, 8, 0, 0, 0, 0, 1, 0 }, 28, -EINVAL },
	{ "scope of half a header",
	  { ATSR, 0, 11, 0, 0, 0, 0, 0, 1, 8, 0 }, 11, -EINVAL },
	{ "RMRR without a scope",
	  { RMRR, 0, 24, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
	    0xff, 0x1f, 0, 0, 0, 0, 0, 0 }, 24, 0 },
};

static void test_bad(struct kunit *test)
{
	LIST_HEAD(records);
	struct table t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put_header(&t);
		memcpy(t.bytes + t.size, bad[i].bytes, bad[i].size);
		t.size += bad[i].size;
		KUNIT_EXPECT_EQ_MSG(test, parse(test, &t, &records), bad[i].rc,
				    "%s", bad[i].what);
		vtd_acpi_free(&records);
	}
	/* Signature, then revision */
	for (i = 0; i < 9; i += i == 3 ? 5 : 1) {
		put_header(&t);
		KUNIT_EXPECT_EQ(test, parse(test, &t, &records), 0);
		t.bytes[i] = 0;
		KUNIT_EXPECT_EQ(test, parse(test, &t, &records), -EINVAL);
	}
}

/* Ranges: the first ends before it begins, the second is not made of pages. */
static void test_ranges(struct kunit *test)
{
	struct vtd_acpi_record *record;
	LIST_HEAD(records);
	struct table t;

	put_header(&t);
	put_rmrr(&t, 32, 0, 0x3000, 0x2fff);
	put_scope(&t, ENDPOINT, 2, 1);
	put_rmrr(&t, 32, 0, 0x5800, 0x6000);
	put_scope(&t, ENDPOINT, 2, 1);
	KUNIT_ASSERT_EQ(test, parse(test, &t, &records), 0);
	KUNIT_ASSERT_TRUE(test, list_is_singular(&records));
	record = list_first_entry(&records, struct vtd_acpi_record, item);
	KUNIT_EXPECT_EQ(test, record->start, 0x5000);
	KUNIT_EXPECT_EQ(test, record->last, 0x6fff);
	vtd_acpi_free(&records);
}

enum {
	GFX, INTEGRATED, PORT_C, PORT_D, BELOW_C, BELOW_D, TO_PCI, CONVENTIONAL,
	NUM_FUNCTIONS,
};

/**
 * struct world - some functions
 * @sysdata: segment 0
 * @bus: the root bus, below each port, and a conventional one
 * @fn: by their names above
 * @records: of put_good()
 */
struct world {
	struct pci_sysdata sysdata;
	struct pci_bus bus[4];
	struct pci_dev fn[NUM_FUNCTIONS];
	struct list_head records;
};

static const struct {
	u8 bus;
	u8 device;
	u8 header;
	s8 pcie_type;
	u32 class;
} functions[] = {
	[GFX] = { 0, 2, 0, PCI_EXP_TYPE_RC_END, 0x030000 },
	[INTEGRATED] = { 0, 5, 0, PCI_EXP_TYPE_RC_END, 0x088000 },
	[PORT_C] = { 0, 0x1c, 1, PCI_EXP_TYPE_ROOT_PORT, 0x060400 },
	[PORT_D] = { 0, 0x1d, 1, PCI_EXP_TYPE_ROOT_PORT, 0x060400 },
	[BELOW_C] = { 1, 0, 0, PCI_EXP_TYPE_ENDPOINT, 0x020000 },
	[BELOW_D] = { 2, 0, 0, PCI_EXP_TYPE_ENDPOINT, 0x0c0330 },
	[TO_PCI] = { 1, 1, 1, PCI_EXP_TYPE_PCI_BRIDGE, 0x060400 },
	[CONVENTIONAL] = { 3, 4, 0, -1, 0x020000 },
};

static void event(struct kunit *test, struct world *w, unsigned int i,
		  unsigned long what)
{
	KUNIT_EXPECT_EQ(test, vtd_acpi_device_event(&w->records, &w->fn[i],
						    what), 0);
}

static struct world *world_new(struct kunit *test)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct table t;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	put_good(&t);
	KUNIT_ASSERT_EQ(test, parse(test, &t, &w->records), 0);
	for (i = 0; i < ARRAY_SIZE(w->bus); i++) {
		w->bus[i].number = i;
		w->bus[i].sysdata = &w->sysdata;
	}
	w->bus[1].self = &w->fn[PORT_C];
	w->bus[2].self = &w->fn[PORT_D];
	w->bus[3].self = &w->fn[TO_PCI];
	for (i = 0; i < NUM_FUNCTIONS; i++) {
		struct pci_dev *pdev = &w->fn[i];

		device_initialize(&pdev->dev);
		pdev->dev.init_name = "function";
		pdev->bus = &w->bus[functions[i].bus];
		if (functions[i].bus)
			pdev->bus->parent = pdev->bus->self->bus;
		pdev->devfn = PCI_DEVFN(functions[i].device, 0);
		pdev->hdr_type = functions[i].header;
		pdev->class = functions[i].class;
		if (functions[i].pcie_type >= 0) {
			pdev->pcie_cap = 0x40;
			pdev->pcie_flags_reg = functions[i].pcie_type << 4;
		}
	}
	for (i = 0; i < NUM_FUNCTIONS; i++)
		event(test, w, i, BUS_NOTIFY_ADD_DEVICE);
	return w;
}

/* Start of the region of a function if it has one, else 0. */
static u64 region(struct kunit *test, struct world *w, unsigned int i,
		  enum iommu_resv_type type)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(head);
	u64 start = 0;

	vtd_acpi_regions_by(&w->records, &w->fn[i], &head);
	list_for_each_entry_safe(region, next, &head, list) {
		KUNIT_EXPECT_EQ(test, start, 0);
		KUNIT_EXPECT_EQ(test, region->type, type);
		KUNIT_EXPECT_EQ(test, region->prot, IOMMU_READ | IOMMU_WRITE);
		start = region->start;
		kfree(region);
	}
	return start;
}

static void test_regions(struct kunit *test)
{
	struct world *w = world_new(test);

	KUNIT_EXPECT_EQ(test, region(test, w, GFX, IOMMU_RESV_DIRECT_RELAXABLE),
			0x8b000000);
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_C, IOMMU_RESV_DIRECT),
			0x1000);
	/* A USB controller below a bridge that is in a scope; the bridge too */
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_D,
				     IOMMU_RESV_DIRECT_RELAXABLE),
			0x12345678000);
	KUNIT_EXPECT_EQ(test, region(test, w, PORT_D, IOMMU_RESV_DIRECT),
			0x12345678000);
	KUNIT_EXPECT_EQ(test, region(test, w, INTEGRATED, IOMMU_RESV_DIRECT), 0);
	KUNIT_EXPECT_EQ(test, region(test, w, PORT_C, IOMMU_RESV_DIRECT), 0);
	KUNIT_EXPECT_EQ(test, region(test, w, CONVENTIONAL, IOMMU_RESV_DIRECT),
			0);
	vtd_acpi_free(&w->records);
}

static void test_ats(struct kunit *test)
{
	static const bool allowed[NUM_FUNCTIONS] = {
		[GFX] = true, [INTEGRATED] = true, [BELOW_C] = true,
		[PORT_C] = true, [PORT_D] = true, [TO_PCI] = true,
	};
	struct world *w = world_new(test);
	struct pci_dev *vf = &w->fn[CONVENTIONAL];
	unsigned int i;

	for (i = 0; i < NUM_FUNCTIONS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, vtd_acpi_ats_allowed_by(&w->records,
								  &w->fn[i]),
				    allowed[i], "function %u", i);
		KUNIT_EXPECT_EQ(test, vtd_acpi_ats_required_by(&w->records,
							       &w->fn[i]),
				i == INTEGRATED);
	}
	/* A virtual function of the integrated one */
	vf->is_virtfn = 1;
	vf->physfn = &w->fn[INTEGRATED];
	KUNIT_EXPECT_TRUE(test, vtd_acpi_ats_allowed_by(&w->records, vf));
	KUNIT_EXPECT_TRUE(test, vtd_acpi_ats_required_by(&w->records, vf));
	/* All ports of segment 1, and its integrated device is another's */
	w->sysdata.domain = 1;
	KUNIT_EXPECT_TRUE(test, vtd_acpi_ats_allowed_by(&w->records,
							&w->fn[BELOW_D]));
	KUNIT_EXPECT_FALSE(test, vtd_acpi_ats_required_by(&w->records,
							  &w->fn[INTEGRATED]));
	w->sysdata.domain = 0;
	vtd_acpi_free(&w->records);
}

static void test_hotplug(struct kunit *test)
{
	struct world *w = world_new(test);

	event(test, w, BELOW_C, BUS_NOTIFY_REMOVED_DEVICE);
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_C, IOMMU_RESV_DIRECT), 0);
	event(test, w, BELOW_C, BUS_NOTIFY_REMOVED_DEVICE);
	/* The path counts, not the number of the bus */
	w->bus[1].number = 9;
	event(test, w, BELOW_C, BUS_NOTIFY_ADD_DEVICE);
	event(test, w, BELOW_C, BUS_NOTIFY_ADD_DEVICE);
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_C, IOMMU_RESV_DIRECT),
			0x1000);
	event(test, w, BELOW_C, BUS_NOTIFY_REMOVED_DEVICE);
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_C, IOMMU_RESV_DIRECT), 0);

	event(test, w, PORT_D, BUS_NOTIFY_REMOVED_DEVICE);
	KUNIT_EXPECT_EQ(test, region(test, w, BELOW_D, IOMMU_RESV_DIRECT), 0);

	/* Where the table has no name for the segment, and a virtual function */
	event(test, w, GFX, BUS_NOTIFY_REMOVED_DEVICE);
	w->sysdata.domain = 0x10000;
	event(test, w, GFX, BUS_NOTIFY_ADD_DEVICE);
	w->sysdata.domain = 0;
	w->fn[GFX].is_virtfn = 1;
	event(test, w, GFX, BUS_NOTIFY_ADD_DEVICE);
	w->fn[GFX].is_virtfn = 0;
	KUNIT_EXPECT_EQ(test, region(test, w, GFX, IOMMU_RESV_DIRECT), 0);

	/* References are given back: ours is the last */
	vtd_acpi_free(&w->records);
	KUNIT_EXPECT_EQ(test, kref_read(&w->fn[BELOW_C].dev.kobj.kref), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&w->fn[INTEGRATED].dev.kobj.kref), 1);
}

static struct kunit_case vtd_acpi_cases[] = {
	KUNIT_CASE(test_good),
	KUNIT_CASE(test_truncated),
	KUNIT_CASE(test_bad),
	KUNIT_CASE(test_ranges),
	KUNIT_CASE(test_regions),
	KUNIT_CASE(test_ats),
	KUNIT_CASE(test_hotplug),
	{}
};

static struct kunit_suite vtd_acpi_suite = {
	.name = "iommufd_vtd_acpi",
	.test_cases = vtd_acpi_cases,
};

kunit_test_suite(vtd_acpi_suite);
