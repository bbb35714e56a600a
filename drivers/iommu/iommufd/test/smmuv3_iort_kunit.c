// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: an IORT, written down byte by byte as Arm DEN 0049E has it. */
#include <kunit/test.h>

#include "../smmuv3/iort.h"
#include "../smmuv3/unit.h"

#define BASE		0x9050000ULL
#define OTHER_BASE	0x9090000ULL
#define HEADER_SIZE	48

/* Types of nodes */
#define NAMED		1
#define ROOT_COMPLEX	2
#define SMMU		4

/* Memory access properties: flags are the last 8 bits; CPM, DACS, CANWBS */
#define COHERENT	(0x03ULL << 56 | 1)
#define CANWBS		(0x07ULL << 56 | 1)

/* HTTU of the table counts in each case */
#define HTTU		SMMUV3_FW_HTTU

/**
 * struct table - a table that is being written down
 * @bytes: little endian
 * @size: so far
 */
struct table {
	u8 bytes[512];
	size_t size;
};

static void put(struct table *t, u64 value, unsigned int size)
{
	for (; size; size--, value >>= 8)
		t->bytes[t->size++] = value;
}

/* What stands ahead of the nodes. */
static void put_header(struct table *t)
{
	t->size = 0;
	put(t, 0x54524f49, 4);
	put(t, 0, 4);
	/* Revision, checksum, who made it */
	put(t, 6, 2);
	put(t, 0x54534554, 6);
	put(t, 0x54534554, 8);
	put(t, 1, 4);
	put(t, 0x54534554, 4);
	put(t, 1, 4);
	/* Nodes: how many, which nobody needs, and where */
	put(t, 9, 4);
	put(t, HEADER_SIZE, 4);
	put(t, 0, 4);
}

static void put_node(struct table *t, u8 type, u16 length, u32 mappings,
		     u32 mapping_offset)
{
	put(t, type, 1);
	put(t, length, 2);
	put(t, 4, 1);
	put(t, 0, 4);
	put(t, mappings, 4);
	put(t, mapping_offset, 4);
}

/* Returns its offset. */
static u32 put_smmu(struct table *t, u64 base, u32 flags)
{
	u32 at = t->size;

	put_node(t, SMMU, 68, 0, 0);
	put(t, base, 8);
	put(t, flags, 4);
	/* VATOS, model, four interrupts, proximity, mapping index */
	put(t, 0, 4);
	put(t, 0, 8);
	put(t, 0, 4);
	put(t, 74, 4);
	put(t, 75, 4);
	put(t, 77, 4);
	put(t, 76, 4);
	put(t, 0, 4);
	put(t, 0, 4);
	return at;
}

static void put_mapping(struct table *t, u32 to)
{
	put(t, 0, 4);
	put(t, 0xffff, 4);
	put(t, 0, 4);
	put(t, to, 4);
	put(t, 0, 4);
}

/* Two ranges of IDs, to two nodes. */
static void put_root(struct table *t, u64 properties, u32 to, u32 also_to)
{
	put_node(t, ROOT_COMPLEX, 36 + 40, 2, 36);
	put(t, properties, 8);
	put(t, 1, 4);
	put(t, 0, 4);
	put(t, 48, 1);
	put(t, 0, 3);
	put_mapping(t, to);
	put_mapping(t, also_to);
}

static void put_named(struct table *t, u64 properties, u32 to)
{
	put_node(t, NAMED, 36 + 20, 1, 36);
	put(t, 0, 4);
	put(t, properties, 8);
	put(t, 48, 1);
	/* "\DEV", and what makes it a multiple of four */
	put(t, 0x5645445c, 4);
	put(t, 0, 3);
	put_mapping(t, to);
}

static u32 parse(struct table *t, u64 base)
{
	return smmuv3_iort_parse(t->bytes, t->size, base);
}

static void iort_flags(struct kunit *test)
{
	static const struct {
		u32 flags;
		u32 want;
	} cases[] = {
		{ 0x0, HTTU },
		{ 0x1, HTTU | SMMUV3_FW_COHERENT },
		{ 0x2, HTTU | SMMUV3_FW_HTTU_ACCESS },
		{ 0x4, HTTU | SMMUV3_FW_HTTU_ACCESS | SMMUV3_FW_HTTU_DIRTY },
		/* Reserved; proximity and device id */
		{ 0x6, HTTU },
		{ 0x18, HTTU },
	};
	struct table t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put_header(&t);
		put_smmu(&t, OTHER_BASE, 0x7);
		put_smmu(&t, BASE, cases[i].flags);
		KUNIT_EXPECT_EQ_MSG(test, parse(&t, BASE), cases[i].want,
				    "flags %#x", cases[i].flags);
	}
	KUNIT_EXPECT_EQ(test, parse(&t, BASE + 0x1000), 0);
	put_header(&t);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), 0);
}

/* Everything in front of the unit has to have it, and only that counts. */
static void iort_canwbs(struct kunit *test)
{
	struct table t;
	u32 smmu, other;

	put_header(&t);
	other = put_smmu(&t, OTHER_BASE, 0);
	smmu = put_smmu(&t, BASE, 0);
	put_root(&t, CANWBS, 0, smmu);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), HTTU | SMMUV3_FW_CANWBS);
	KUNIT_EXPECT_EQ(test, parse(&t, OTHER_BASE), HTTU);
	put_root(&t, COHERENT, 0, other);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), HTTU | SMMUV3_FW_CANWBS);
	put_named(&t, CANWBS, smmu);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), HTTU | SMMUV3_FW_CANWBS);
	put_named(&t, COHERENT, smmu);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), HTTU);

	put_header(&t);
	smmu = put_smmu(&t, BASE, 0);
	put_root(&t, CANWBS, smmu, 0);
	put_root(&t, COHERENT, smmu, 0);
	KUNIT_EXPECT_EQ(test, parse(&t, BASE), HTTU);
}

/* Cut off at each byte, and with each length: nothing is read beyond the end. */
static void iort_broken(struct kunit *test)
{
	struct table t;
	size_t size;
	u32 smmu, length;
	u8 *copy;

	put_header(&t);
	smmu = put_smmu(&t, BASE, 1);
	put_root(&t, CANWBS, smmu, smmu);
	for (size = 0; size <= t.size; size++) {
		/* Of just that size, so that KASAN sees what is beyond */
		copy = kmemdup(t.bytes, size ? size : 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		KUNIT_EXPECT_EQ(test, smmuv3_iort_parse(copy, size, BASE),
				size < HEADER_SIZE + 68 ? 0 :
				size < t.size ? HTTU | SMMUV3_FW_COHERENT :
				HTTU | SMMUV3_FW_COHERENT | SMMUV3_FW_CANWBS);
		kfree(copy);
	}
	for (length = 0; length < 256; length++) {
		copy = kmemdup(t.bytes, t.size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		copy[smmu + 1] = length;
		/* Too short to be one, or longer than the table */
		if (length < 68 || length > t.size - smmu)
			KUNIT_EXPECT_EQ(test, 0,
					smmuv3_iort_parse(copy, t.size, BASE));
		else
			KUNIT_EXPECT_NE(test, 0,
					smmuv3_iort_parse(copy, t.size, BASE));
		/* Mappings that are not all in the node */
		copy[smmu + 1] = 68;
		copy[smmu + 68 + 12] = length;
		smmuv3_iort_parse(copy, t.size, BASE);
		kfree(copy);
	}
}

static struct kunit_case iort_cases[] = {
	KUNIT_CASE(iort_flags),
	KUNIT_CASE(iort_canwbs),
	KUNIT_CASE(iort_broken),
	{}
};

static struct kunit_suite iort_suite = {
	.name = "iommufd_smmuv3_iort",
	.test_cases = iort_cases,
};

kunit_test_suite(iort_suite);
