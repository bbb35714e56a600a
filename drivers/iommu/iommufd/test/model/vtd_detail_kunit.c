// SPDX-License-Identifier: GPL-2.0-only
/*
 * Details of the VT-d model that show only with the right numbers: the widest ids,
 * the second half of a table, the last byte of a range. Each is here because a
 * mistake of the model (vtd_mutants.h) was not noticed without it.
 */
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "vtd_model_kunit.h"

/* Top bits and bottom bits set */
#define WIDE_DID	0xc007
#define WIDE_PASID	0x9abcd
/* A directory of 2^14 entries is 128 KiB. */
#define DIR_ORDER	5

#define TLB_DOMAIN(d)	(0x2ULL | 2 << 4 | (u64)(d) << 16)
#define TLB_PAGE(d)	(0x2ULL | 3 << 4 | (u64)(d) << 16)
#define PTLB_PASID(d, p) (0x6ULL | 2 << 4 | (u64)(d) << 16 | (u64)(p) << 32)

static u64 leaf(struct fixture *f, unsigned int i, u64 bits)
{
	return virt_to_phys(f->data[i]) | bits;
}

/* RID in a unit with @ecap, its PASID and requests without one on a first stage. */
static struct fixture *first(struct kunit *test, u64 ecap)
{
	struct fixture *f = unit(test, vtd_model_cap, ecap);

	set_pasid(f, 0, DID, PGTT_FS);
	set_pasid(f, PASID, DID, PGTT_FS);
	map_fs(f, IOVA, leaf(f, 0, 7));
	return f;
}

/* RID's second stage has page 0 at IOVA. */
static struct fixture *second(struct kunit *test, u64 cap, u64 ecap)
{
	struct fixture *f = unit(test, cap, ecap);

	set_pasid(f, 0, DID, PGTT_SS);
	map_ss(f, IOVA, leaf(f, 0, 3));
	return f;
}

/* What is at IOVA: page 0 as cached, page 1 as in memory. */
static void expect_page(struct fixture *f, u32 pasid, unsigned int page)
{
	MODEL_EXPECT_EQ(f->test, 0, dma(f, pasid, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(f->test, 0xa0 + page, f->byte);
}

static void wide_descriptors(struct fixture *f, u64 *entry)
{
	expect_page(f, WIDE_PASID, 0);
	*entry = leaf(f, 1, 7);
	submit(f, TLB_DOMAIN(WIDE_DID & 0x7fff), 0);
	submit(f, PTLB_PASID(WIDE_DID & 0x7fff, WIDE_PASID), 0);
	submit(f, PTLB_PASID(WIDE_DID, WIDE_PASID & 0x7ffff), 0);
	expect_page(f, WIDE_PASID, 0);
	submit(f, PTLB_PASID(WIDE_DID, WIDE_PASID), 0);
	expect_page(f, WIDE_PASID, 1);
}

static void wide_messages(struct fixture *f)
{
	struct model_tlp tlp = {
		.rid = RID, .pasid_valid = true, .pasid = WIDE_PASID,
		.perm = MODEL_READ, .addr = 0x7000,
	};
	u64 *queue = page(f), low, high;

	MODEL_EXPECT_EQ(f->test, MODEL_UNSUPPORTED,
			f->port->ops->access(f->port, &tlp, &f->byte, 1));
	MODEL_EXPECT_EQ(f->test, 0x71, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(f->test, WIDE_PASID, high >> 40 & 0xfffff);
	vtd_model_write(f->model, 0xd0, 8, virt_to_phys(queue));
	MODEL_EXPECT_EQ(f->test, MODEL_OK,
			f->port->ops->page_request(f->port, &tlp, 1, true));
	MODEL_EXPECT_EQ(f->test, WIDE_PASID, queue[0] >> 32 & 0xfffff);
	submit(f, 0x9ULL | 1 << 4 | RID << 16 | (u64)WIDE_PASID << 32, 1 << 3);
	MODEL_EXPECT_EQ(f->test, WIDE_PASID, f->rsp_pasid);
	submit(f, 0x8ULL | RID << 16 | (u64)WIDE_PASID << 32, 0x1000);
	MODEL_EXPECT_EQ(f->test, WIDE_PASID, f->inv_pasid);
}

/* Domain ids of 16 bits, PASIDs of 20. */
static void wide_ids(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);
	u64 *table = page(f), *dir, *entry;

	dir = (u64 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, DIR_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, dir);
	dir[0] = f->dir[0];
	dir[WIDE_PASID >> 6] = virt_to_phys(table) | 1;
	f->ctx[0] = virt_to_phys(dir) | (f->ctx[0] & 0xfff);
	memcpy(table + (WIDE_PASID & 0x3f) * 8, pasid_entry(f, PASID), 64);
	table[(WIDE_PASID & 0x3f) * 8 + 1] = WIDE_DID | 1 << 23;
	entry = map_fs(f, IOVA, leaf(f, 0, 7));
	flush(f);
	wide_descriptors(f, entry);
	wide_messages(f);
	/* Requests without PASID go there, too. */
	f->ctx[1] = WIDE_PASID;
	flush(f);
	expect_page(f, NO_PASID, 1);
	f->ctx[0] &= ~1ULL;
	flush(f);
	free_pages((unsigned long)dir, DIR_ORDER);
}

/* The second half of a context table, and of a PASID table. */
static void upper_halves(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);

	memcpy(f->ctx + (0x50 - 0x10) * 4, f->ctx, 32);
	MODEL_EXPECT_EQ(test, 0, dma_from(f, 0x150, PASID, MODEL_READ, IOVA));
	memcpy(pasid_entry(f, 0x25), pasid_entry(f, PASID), 64);
	memset(pasid_entry(f, PASID), 0, 64);
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, 0x25, MODEL_READ, IOVA));
	/* 256 and up of each level */
	map_fs(f, 0x00007fffffffe000ULL, leaf(f, 2, 7));
	MODEL_EXPECT_EQ(test, 0, dma(f, 0x25, MODEL_READ, 0x00007fffffffe000ULL));
	MODEL_EXPECT_EQ(test, 0xa2, f->byte);
}

/* Two functions with directories of their own: the same PASID is two things. */
static void two_directories(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap);
	u64 *dir = page(f), *table = page(f), *other = f->ctx + (0x50 - 0x10) * 4;

	dir[0] = virt_to_phys(table) | 1;
	memcpy(other, f->ctx, 32);
	other[0] = virt_to_phys(dir) | (f->ctx[0] & 0xfff);
	f->ss = page(f);
	memcpy(table, pasid_entry(f, 0), 64);
	table[0] = virt_to_phys(f->ss) | 0x89;
	table[1] = DID_OTHER | 1 << 23;
	map_ss(f, IOVA, leaf(f, 1, 3));
	expect_page(f, NO_PASID, 0);
	MODEL_EXPECT_EQ(test, 0, dma_from(f, 0x150, NO_PASID, MODEL_READ, IOVA));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	expect_page(f, NO_PASID, 0);
}

/* Two first stages in one domain: cached pages and tables go by the PASID. */
static void two_pasids(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);

	f->fs = page(f);
	set_pasid(f, PASID + 1, DID, PGTT_FS);
	map_fs(f, IOVA, leaf(f, 1, 7));
	expect_page(f, PASID, 0);
	expect_page(f, PASID + 1, 1);
	submit(f, PTLB_PASID(DID, PASID), 0);
	*map_fs(f, IOVA, 0) = leaf(f, 2, 7);
	expect_page(f, PASID + 1, 1);
}

/* A PASID entry that is flushed is of the domain that was named. */
static void pasid_domain(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap);
	u64 *pe = pasid_entry(f, 0);

	expect_page(f, NO_PASID, 0);
	f->ss = page(f);
	map_ss(f, IOVA, leaf(f, 1, 3));
	pe[0] = virt_to_phys(f->ss) | 0x89;
	pe[1] = DID_OTHER | 1 << 23;
	submit(f, 0x7ULL | 1 << 4 | (u64)DID_OTHER << 16, 0);
	expect_page(f, NO_PASID, 0);
	submit(f, 0x7ULL | 1 << 4 | (u64)DID << 16, 0);
	expect_page(f, NO_PASID, 1);
}

/* One domain has one second stage, whatever the PASID. */
static void shared_second(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap);
	u64 *e = map_ss(f, IOVA, leaf(f, 0, 3));

	set_pasid(f, PASID, DID, PGTT_SS);
	expect_page(f, PASID, 0);
	*e = leaf(f, 1, 3);
	expect_page(f, NO_PASID, 0);
	submit(f, TLB_PAGE(DID), IOVA);
	expect_page(f, PASID, 1);
}

static void ranges(struct kunit *test)
{
	/* Pages IOVA - 0x1000 to IOVA + 0x2000 are four, aligned; IOVA is 2nd. */
	static const struct {
		u64 addr;
		bool fresh;
	} rows[] = {
		{ IOVA | 0, true }, { (IOVA - 0x1000) | 0, false },
		{ (IOVA - 0x1000) | 1, true }, { IOVA | 1, true },
		{ (IOVA + 0x1000) | 1, false }, { (IOVA + 0x2000) | 2, true },
		{ (IOVA - 0x5000) | 2, false },
	};
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap);
	u64 pa = virt_to_phys(f->data[1]), *e = map_ss(f, IOVA, leaf(f, 0, 3));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		*e = leaf(f, 0, 3);
		flush(f);
		expect_page(f, NO_PASID, 0);
		*e = leaf(f, 1, 3);
		submit(f, TLB_PAGE(DID), rows[i].addr);
		expect_page(f, NO_PASID, rows[i].fresh);
	}
	/* A page in the middle of a large translation takes all of it. */
	e = map(f, f->ss, 4, 2, 3, SZ_1G, (pa & ~(SZ_2M - 1ULL)) | 0x83);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ,
				     SZ_1G + (pa & (SZ_2M - 1))));
	*e = 0;
	submit(f, TLB_PAGE(DID), SZ_1G + SZ_1M);
	MODEL_EXPECT_EQ(test, 0x79, dma(f, NO_PASID, MODEL_READ,
					SZ_1G + (pa & (SZ_2M - 1))));
	/* Address masks are of 6 bits: 32 is not 0. */
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, TLB_PAGE(DID), 32));
}

static void interrupt_range(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);
	struct model_tlp tlp = {
		.rid = RID, .perm = MODEL_READ, .addr = 1ULL << 48,
	};
	struct model_translation result;
	u64 low, high;

	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_WRITE, 0xfee00000));
	MODEL_EXPECT_EQ(test, QUIET, dma(f, NO_PASID, MODEL_WRITE, 0xfeefffff));
	MODEL_EXPECT_EQ(test, 0x71, dma(f, NO_PASID, MODEL_WRITE, 0xfef00000));
	MODEL_EXPECT_EQ(test, 0x71, dma(f, NO_PASID, MODEL_WRITE, 0xfedfffff));
	/* With a PASID they are addresses as others. */
	map_fs(f, 0xfee00000, leaf(f, 0, 7));
	MODEL_EXPECT_EQ(test, 0, dma(f, PASID, MODEL_READ, 0xfee00000));
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			f->port->ops->access_translated(f->port, &tlp, &f->byte, 1));
	MODEL_EXPECT_EQ(test, 0x83, last_record(f, &low, &high));
	set_te(f, false);
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			ats(f, NO_PASID, RW, false, IOVA, &result));
}

/* What an ATS completion grants beside read and write. */
static void completions(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);
	struct model_translation result;

	ats(f, PASID, RW | MODEL_EXEC, false, IOVA, &result);
	MODEL_EXPECT_EQ(test, RW, result.perm);
	MODEL_EXPECT_EQ(test, 4096, result.size);
	pasid_entry(f, PASID)[2] |= 1;
	flush(f);
	ats(f, PASID, RW | MODEL_PRIV, false, IOVA, &result);
	MODEL_EXPECT_EQ(test, RW | MODEL_PRIV, result.perm);
}

/* RID_PRIV, in a unit that has it */
static void rid_privilege(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap | 1ULL << 53);

	pasid_entry(f, 0)[2] |= 1;
	map_fs(f, IOVA, leaf(f, 0, 3));
	MODEL_EXPECT_EQ(test, 0x81, dma(f, NO_PASID, MODEL_READ, IOVA));
	f->ctx[1] |= 1 << 20;
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ, IOVA));
}

/* User and writable of a table count for all below it. */
static void table_rights(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);
	u64 *top = &f->fs[IOVA >> 39 & 511];

	*top &= ~2ULL;
	MODEL_EXPECT_EQ(test, 0x85, dma(f, PASID, MODEL_WRITE, IOVA));
	*top ^= 6;
	flush(f);
	MODEL_EXPECT_EQ(test, 0x81, dma(f, PASID, MODEL_READ, IOVA));
}

static void more_registers(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);
	unsigned long before;

	MODEL_EXPECT_EQ(test, 6, vtd_model_read(f->model, 0, 4) >> 4 & 0xf);
	/* Interrupt remapping: on, off */
	vtd_model_write(f->model, 0x18, 4, 1U << 31 | 1 << 25);
	MODEL_EXPECT_EQ(test, 0xc2000000, vtd_model_read(f->model, 0x1c, 4));
	vtd_model_write(f->model, 0x18, 4, 1U << 31);
	vtd_model_write(f->model, 0xc0, 8, 0x20);
	MODEL_EXPECT_EQ(test, 0x20, vtd_model_read(f->model, 0xc0, 8));
	before = violations_meant();
	vtd_model_write(f->model, 0x20, 8, virt_to_phys(f->root) | 1 << 10 | 1 << 9);
	MODEL_EXPECT_EQ(test, 1, violations_came(before));
}

/* Setting the root table pointer flushes, if the unit says so. */
static void root_flushes(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap | 1ULL << 63, vtd_model_ecap);

	expect_page(f, NO_PASID, 0);
	map_ss(f, IOVA, leaf(f, 1, 3));
	expect_page(f, NO_PASID, 0);
	vtd_model_write(f->model, 0x18, 4, 3U << 30);
	expect_page(f, NO_PASID, 1);
}

/* A queue of 64 KiB takes more than one of 4 KiB. */
static void large_queue(struct kunit *test)
{
	struct fixture *f = first(test, vtd_model_ecap);
	unsigned long queue = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 4);
	struct model_tlp tlp = {
		.rid = RID, .pasid_valid = true, .pasid = PASID, .perm = MODEL_READ,
	};
	unsigned int i;

	KUNIT_ASSERT_NE(test, 0, queue);
	vtd_model_write(f->model, 0xd0, 8, virt_to_phys((void *)queue) | 4);
	for (i = 0; i < 300; i++)
		MODEL_EXPECT_EQ(test, MODEL_OK,
				f->port->ops->page_request(f->port, &tlp, 1, false));
	MODEL_EXPECT_EQ(test, 300 * 32, vtd_model_read(f->model, 0xc8, 8));
	vtd_model_write(f->model, 0xd0, 8, 0);
	free_pages(queue, 4);
}

/* Pass-through wants an address width (9.6), and has the host's. */
static void pass_through_width(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);

	set_pasid(f, 0, DID, PGTT_PT);
	pasid_entry(f, 0)[0] &= ~(7ULL << 2);
	MODEL_EXPECT_EQ(test, 0x5b, dma(f, NO_PASID, MODEL_READ,
					virt_to_phys(f->data[0])));
	set_pasid(f, 0, DID, PGTT_PT);
	flush(f);
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_READ,
				     virt_to_phys(f->data[0])));
}

/* Without C, tables down to the PASID entry are as they were written back. */
static void upper_tables(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap & ~1ULL);

	expect_page(f, NO_PASID, 0);
	pasid_entry(f, 0)[0] = 0;
	flush(f);
	expect_page(f, NO_PASID, 0);
}

/* In caching mode an absent PASID entry is kept as of domain 0, whatever it says. */
static void absent_pasid(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap | 1 << 7, vtd_model_ecap);

	pasid_entry(f, 0)[0] &= ~1ULL;
	MODEL_EXPECT_EQ(test, 0x59, dma(f, NO_PASID, MODEL_READ, IOVA));
	pasid_entry(f, 0)[0] |= 1;
	submit(f, 0x7ULL | 1 << 4 | (u64)DID << 16, 0);
	MODEL_EXPECT_EQ(test, 0x59, dma(f, NO_PASID, MODEL_READ, IOVA));
	submit(f, 0x7ULL | 1 << 4, 0);
	expect_page(f, NO_PASID, 0);
}

/* Dirty is of leaves (3.7.2), also when a write is the first to come by. */
static void dirty_tables(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap);

	pasid_entry(f, 0)[0] |= 1 << 9;
	MODEL_EXPECT_EQ(test, 0, dma(f, NO_PASID, MODEL_WRITE, IOVA));
	MODEL_EXPECT_EQ(test, 1 << 8, f->ss[IOVA >> 39 & 511] & 3 << 8);
	/* Source ids are of 16 bits. */
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x31 | 0x8110ULL << 32, 0));
}

/* Without snoop control, its bit of a PASID entry is reserved. */
static void snoop_control(struct kunit *test)
{
	struct fixture *f = second(test, vtd_model_cap, vtd_model_ecap & ~(1ULL << 7));

	pasid_entry(f, 0)[1] |= 1 << 24;
	MODEL_EXPECT_EQ(test, 0x5a, dma(f, NO_PASID, MODEL_READ, IOVA));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wide_ids),
	KUNIT_CASE(upper_halves),
	KUNIT_CASE(two_directories),
	KUNIT_CASE(two_pasids),
	KUNIT_CASE(pasid_domain),
	KUNIT_CASE(shared_second),
	KUNIT_CASE(ranges),
	KUNIT_CASE(interrupt_range),
	KUNIT_CASE(completions),
	KUNIT_CASE(rid_privilege),
	KUNIT_CASE(table_rights),
	KUNIT_CASE(more_registers),
	KUNIT_CASE(root_flushes),
	KUNIT_CASE(large_queue),
	KUNIT_CASE(pass_through_width),
	KUNIT_CASE(upper_tables),
	KUNIT_CASE(dirty_tables),
	KUNIT_CASE(absent_pasid),
	KUNIT_CASE(snoop_control),
	{}
};

struct kunit_suite vtd_detail_suite = {
	.name = "iommufd_model_vtd_details",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(vtd_detail_suite);

MODULE_DESCRIPTION("KUnit tests of details of the VT-d model");
MODULE_LICENSE("GPL");
