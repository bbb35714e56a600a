// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-d model's registers and queues: fault records, page requests and their
 * responses, descriptors, device TLBs and ATS.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/sizes.h>

#include "vtd_model_kunit.h"

#define FAULT		VTD_MODEL_IRQ_FAULT
#define REQUEST		VTD_MODEL_IRQ_PAGE_REQUEST

static struct fixture *plain(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap, vtd_model_ecap);

	set_pasid(f, 0, DID, PGTT_SS);
	set_pasid(f, PASID, DID, PGTT_SS);
	map_ss(f, IOVA, virt_to_phys(f->data[0]) | 3);
	return f;
}

static u32 read4(struct fixture *f, u32 offset)
{
	return vtd_model_read(f->model, offset, 4);
}

static void write4(struct fixture *f, u32 offset, u32 val)
{
	vtd_model_write(f->model, offset, 4, val);
}

static void bad_access(struct fixture *f, u32 perm, u64 addr)
{
	struct model_tlp tlp = {
		.rid = RID, .pasid_valid = true, .pasid = PASID, .perm = perm,
		.addr = addr,
	};

	MODEL_EXPECT_EQ(f->test, MODEL_UNSUPPORTED,
			f->port->ops->access(f->port, &tlp, &f->byte, 1));
}

static void records(struct kunit *test)
{
	struct fixture *f = plain(test);
	u64 low, high;

	bad_access(f, MODEL_READ, 0x7123);
	MODEL_EXPECT_EQ(test, 0x79, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(test, 0x7000, low);
	/* F, T1 (a read), PASID, reason, PP, RID */
	MODEL_EXPECT_EQ(test, 1ULL << 63 | 1ULL << 62 | (u64)PASID << 40 |
			0x79ULL << 32 | 1ULL << 31 | RID, high);
	bad_access(f, MODEL_WRITE | MODEL_PRIV | MODEL_EXEC, 0x7123);
	MODEL_EXPECT_EQ(test, 0x79, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(test, 1ULL << 63 | (u64)PASID << 40 | 0x79ULL << 32 |
			7ULL << 29 | RID, high);
	MODEL_EXPECT_EQ(test, 0, read4(f, 0x34));
}

static void records_overflow(struct kunit *test)
{
	struct fixture *f = plain(test);
	struct vtd_model_counts counts;
	unsigned int i;
	u64 low, high;

	write4(f, 0x38, 0);
	bad_access(f, MODEL_READ, 0);
	last_record(f, &low, &high);
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
	for (i = 1; i <= 8; i++)
		bad_access(f, MODEL_READ, i << 12);
	/* Pending, from record 1 on */
	MODEL_EXPECT_EQ(test, 0x102, read4(f, 0x34));
	/* Only the first of them is news. */
	MODEL_EXPECT_EQ(test, 2, f->raised[FAULT]);
	bad_access(f, MODEL_READ, 9 << 12);
	MODEL_EXPECT_EQ(test, 0x103, read4(f, 0x34));
	/* Room does not help while the overflow is not cleared. */
	write4(f, 0x400 + 16 + 12, 1U << 31);
	bad_access(f, MODEL_READ, 10 << 12);
	MODEL_EXPECT_EQ(test, 0, read4(f, 0x400 + 16 + 12) >> 31);
	write4(f, 0x34, 1);
	MODEL_EXPECT_EQ(test, 0x102, read4(f, 0x34));
	bad_access(f, MODEL_READ, 11 << 12);
	MODEL_EXPECT_EQ(test, 11 << 12, vtd_model_read(f->model, 0x410, 8));
	vtd_model_counts(f->model, &counts);
	MODEL_EXPECT_EQ(test, 10, counts.faults);
	MODEL_EXPECT_EQ(test, 2, counts.fault_overflows);
	MODEL_EXPECT_EQ(test, 2, f->raised[FAULT]);
}

static void masked(struct kunit *test)
{
	struct fixture *f = plain(test);
	u64 low, high;

	MODEL_EXPECT_EQ(test, 1U << 31, read4(f, 0x38));
	bad_access(f, MODEL_READ, 0);
	MODEL_EXPECT_EQ(test, 3U << 30, read4(f, 0x38));
	MODEL_EXPECT_EQ(test, 0, f->raised[FAULT]);
	write4(f, 0x38, 0);
	MODEL_EXPECT_EQ(test, 0, read4(f, 0x38));
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
	last_record(f, &low, &high);
	write4(f, 0x38, 1U << 31);
	bad_access(f, MODEL_READ, 0);
	/* Serviced before it was raised: nothing is pending any more. */
	last_record(f, &low, &high);
	MODEL_EXPECT_EQ(test, 1U << 31, read4(f, 0x38));
	write4(f, 0x38, 0);
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
}

static void registers(struct kunit *test)
{
	struct fixture *f = plain(test);
	unsigned long before;
	static const u32 msi[] = { 0x3c, 0x40, 0x44, 0xe4, 0xe8, 0xec };
	unsigned int i;

	MODEL_EXPECT_EQ(test, vtd_model_cap, vtd_model_read(f->model, 8, 8));
	MODEL_EXPECT_EQ(test, vtd_model_ecap, vtd_model_read(f->model, 0x10, 8));
	MODEL_EXPECT_EQ(test, vtd_model_ecap >> 32, read4(f, 0x14));
	MODEL_EXPECT_EQ(test, 3U << 30, read4(f, 0x1c));
	for (i = 0; i < ARRAY_SIZE(msi); i++)
		write4(f, msi[i], 0x1000 + i);
	for (i = 0; i < ARRAY_SIZE(msi); i++)
		MODEL_EXPECT_EQ(test, 0x1000 + i, read4(f, msi[i]));
	write4(f, 0xd0, 0x12345007);
	write4(f, 0xd4, 1);
	MODEL_EXPECT_EQ(test, 0x112345007ULL, vtd_model_read(f->model, 0xd0, 8));

	before = violations_meant();
	vtd_model_read(f->model, 0x30, 4);
	vtd_model_read(f->model, 0x34, 8);
	vtd_model_read(f->model, 8, 2);
	vtd_model_read(f->model, 0x480, 8);
	vtd_model_write(f->model, 8, 8, 0);
	vtd_model_write(f->model, 0x1c, 4, 0);
	vtd_model_write(f->model, 0x88, 8, 0);
	vtd_model_write(f->model, 0xd0, 8, 8);
	vtd_model_write(f->model, 0xc0, 8, 0x10);
	vtd_model_write(f->model, 0x20, 8, 1);
	write4(f, 0x18, 3U << 30 | 1U << 26);
	MODEL_EXPECT_EQ(test, 11, violations_came(before));
}

/* A queue of one page: 128 entries, of which 127 are used. */
static u64 *queue(struct fixture *f)
{
	u64 *queue = page(f);

	vtd_model_write(f->model, 0xd0, 8, virt_to_phys(queue));
	write4(f, 0xe0, 0);
	return queue;
}

static enum model_status page_request(struct fixture *f, u32 pasid, u32 perm,
				      u64 addr, u16 grpid, bool last)
{
	struct model_tlp tlp = {
		.rid = RID, .pasid_valid = pasid != NO_PASID,
		.pasid = pasid == NO_PASID ? 0 : pasid, .perm = perm, .addr = addr,
	};

	return f->port->ops->page_request(f->port, &tlp, grpid, last);
}

static void requests(struct kunit *test)
{
	struct fixture *f = plain(test);
	u64 *q = queue(f);

	MODEL_EXPECT_EQ(test, MODEL_OK,
			page_request(f, PASID, RW | MODEL_PRIV | MODEL_EXEC,
				     0xabcde123, 0x1ff, true));
	MODEL_EXPECT_EQ(test, MODEL_OK,
			page_request(f, NO_PASID, MODEL_READ, 0x5000, 3, false));
	MODEL_EXPECT_EQ(test, 1ULL | 1 << 8 | RID << 16 | (u64)PASID << 32 | 3ULL << 52,
			q[0]);
	MODEL_EXPECT_EQ(test, 0xabcde000ULL | 0x1ff << 3 | 7, q[1]);
	MODEL_EXPECT_EQ(test, 0, q[2] | q[3]);
	MODEL_EXPECT_EQ(test, 1ULL | RID << 16, q[4]);
	MODEL_EXPECT_EQ(test, 0x5000ULL | 3 << 3 | 1, q[5]);
	MODEL_EXPECT_EQ(test, 0x40, vtd_model_read(f->model, 0xc8, 8));
	MODEL_EXPECT_EQ(test, 1, read4(f, 0xdc));
	MODEL_EXPECT_EQ(test, 1, f->raised[REQUEST]);
	write4(f, 0xdc, 1);
	MODEL_EXPECT_EQ(test, 0, read4(f, 0xdc));
	page_request(f, NO_PASID, MODEL_READ, 0x5000, 3, false);
	MODEL_EXPECT_EQ(test, 2, f->raised[REQUEST]);
	MODEL_EXPECT_EQ(test, 0, f->responses);
}

static void requests_overflow(struct kunit *test)
{
	struct fixture *f = plain(test);
	struct vtd_model_counts counts;
	unsigned int i;

	queue(f);
	for (i = 0; i < 127; i++)
		MODEL_EXPECT_EQ(test, MODEL_OK,
				page_request(f, PASID, MODEL_READ, i << 12, 1, false));
	MODEL_EXPECT_EQ(test, 1, read4(f, 0xdc));
	MODEL_EXPECT_EQ(test, MODEL_OVERFLOW,
			page_request(f, PASID, MODEL_READ, 0x5000, 1, false));
	MODEL_EXPECT_EQ(test, 0, f->responses);
	MODEL_EXPECT_EQ(test, 3, read4(f, 0xdc));
	MODEL_EXPECT_EQ(test, MODEL_OVERFLOW,
			page_request(f, PASID, MODEL_READ, 0x5000, 2, true));
	MODEL_EXPECT_EQ(test, 1, f->responses);
	MODEL_EXPECT_EQ(test, MODEL_PRG_SUCCESS, f->rsp_code);
	MODEL_EXPECT_EQ(test, 2, f->rsp_grpid);
	MODEL_EXPECT_TRUE(test, f->rsp_pasid_valid);
	MODEL_EXPECT_EQ(test, PASID, f->rsp_pasid);
	/* A stop marker is not answered. */
	page_request(f, PASID, 0, 0, 0, true);
	MODEL_EXPECT_EQ(test, 1, f->responses);
	/* Room does not help while the overflow is not cleared. */
	vtd_model_write(f->model, 0xc0, 8, 0x400);
	MODEL_EXPECT_EQ(test, MODEL_OVERFLOW,
			page_request(f, PASID, MODEL_READ, 0x5000, 1, false));
	write4(f, 0xdc, 2);
	MODEL_EXPECT_EQ(test, MODEL_OK,
			page_request(f, PASID, MODEL_READ, 0x5000, 1, false));
	MODEL_EXPECT_EQ(test, 0, vtd_model_read(f->model, 0xc8, 8));
	MODEL_EXPECT_EQ(test, 1, f->raised[REQUEST]);
	vtd_model_counts(f->model, &counts);
	MODEL_EXPECT_EQ(test, 128, counts.page_requests);
	MODEL_EXPECT_EQ(test, 4, counts.page_overflows);
}

static void requests_refused(struct kunit *test)
{
	struct fixture *f = plain(test);
	u64 low, high;

	queue(f);
	f->ctx[0] &= ~(1ULL << 4);
	flush(f);
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			page_request(f, PASID, MODEL_READ, 0x5000, 9, true));
	MODEL_EXPECT_EQ(test, MODEL_PRG_FAILURE, f->rsp_code);
	MODEL_EXPECT_EQ(test, 0x47, last_record(f, &low, &high));
	/* T2: a page request */
	MODEL_EXPECT_EQ(test, 1ULL << 63 | (u64)PASID << 40 | 0x47ULL << 32 |
			1ULL << 31 | 1 << 28 | RID, high);
	f->ctx[0] |= 1 << 4;
	f->ctx[0] &= ~(1ULL << 3);
	flush(f);
	page_request(f, PASID, MODEL_READ, 0x5000, 9, true);
	MODEL_EXPECT_EQ(test, MODEL_PRG_INVALID, f->rsp_code);
	MODEL_EXPECT_EQ(test, 0x45, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(test, MODEL_OK,
			page_request(f, NO_PASID, MODEL_READ, 0x5000, 9, true));
	MODEL_EXPECT_EQ(test, 2, f->responses);
}

static void request_interrupts(struct kunit *test)
{
	struct fixture *f = plain(test);

	queue(f);
	write4(f, 0xe0, 1U << 31);
	page_request(f, PASID, MODEL_READ, 0x5000, 1, true);
	MODEL_EXPECT_EQ(test, 0, f->raised[REQUEST]);
	MODEL_EXPECT_EQ(test, 3U << 30, read4(f, 0xe0));
	write4(f, 0xe0, 0);
	MODEL_EXPECT_EQ(test, 1, f->raised[REQUEST]);
	write4(f, 0xdc, 1);
	vtd_model_inject(f->model, VTD_MODEL_INJECT_DELAY, 20000);
	page_request(f, PASID, MODEL_READ, 0x5000, 1, true);
	MODEL_EXPECT_EQ(test, 1, READ_ONCE(f->raised[REQUEST]));
	msleep(100);
	MODEL_EXPECT_EQ(test, 2, READ_ONCE(f->raised[REQUEST]));
	/* An hour, and it is not waited for */
	write4(f, 0xdc, 1);
	vtd_model_inject(f->model, VTD_MODEL_INJECT_DELAY, 3600U * 1000 * 1000);
	page_request(f, PASID, MODEL_READ, 0x5000, 1, true);
	write4(f, 0xdc, 1);
	page_request(f, PASID, MODEL_READ, 0x5000, 1, true);
	MODEL_EXPECT_EQ(test, 2, READ_ONCE(f->raised[REQUEST]));
	vtd_model_inject(f->model, VTD_MODEL_INJECT_DELAY, 0);
	MODEL_EXPECT_EQ(test, 3, READ_ONCE(f->raised[REQUEST]));
	vtd_model_inject(f->model, VTD_MODEL_INJECT_DELAY, 0);
	MODEL_EXPECT_EQ(test, 3, READ_ONCE(f->raised[REQUEST]));
	write4(f, 0xdc, 1);
	page_request(f, PASID, MODEL_READ, 0x5000, 1, true);
	MODEL_EXPECT_EQ(test, 4, READ_ONCE(f->raised[REQUEST]));
}

static void responses(struct kunit *test)
{
	struct fixture *f = plain(test);
	static const u8 codes[] = { 0, 1, 0xf };
	unsigned long before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		MODEL_EXPECT_EQ(test, 0, submit(f, 0x9ULL | 1 << 4 | codes[i] << 12 |
						RID << 16 | (u64)PASID << 32,
						0x1a5 << 3));
		MODEL_EXPECT_EQ(test, i + 1, f->responses);
		MODEL_EXPECT_EQ(test, codes[i], f->rsp_code);
		MODEL_EXPECT_TRUE(test, f->rsp_pasid_valid);
		MODEL_EXPECT_EQ(test, PASID, f->rsp_pasid);
		MODEL_EXPECT_EQ(test, 0x1a5, f->rsp_grpid);
	}
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x9ULL | RID << 16, 0));
	MODEL_EXPECT_FALSE(test, f->rsp_pasid_valid);
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x9ULL | 2 << 12 | RID << 16, 0));
	f->waiting = false;
	before = violations_meant();
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x9ULL | RID << 16, 0));
	MODEL_EXPECT_EQ(test, 1, violations_came(before));
}

/* Every bit of each kind of descriptor that is reserved makes it invalid. */
static void descriptors(struct kunit *test)
{
	static const struct {
		u64 good[2], valid[2];
	} kinds[] = {
		/* context, by device */
		{ { 0x31 | (u64)RID << 32, 0 }, { 0x0003ffffffff003fULL, 0 } },
		/* IOTLB, by page */
		{ { 0x32, 0x1000 }, { 0x00000000ffff00ffULL, 0xfffffffffffff07fULL } },
		/* device TLB */
		{ { 0x3 | (u64)RID << 32, 0x1000 },
		  { 0xfff0ffff001ff00fULL, 0xfffffffffffff001ULL } },
		/* interrupt entry cache */
		{ { 0x4, 0 }, { 0x0000fffff800001fULL, 0 } },
		/* wait */
		{ { 0x5, 0 }, { 0xffffffff000000ffULL, 0xfffffffffffffffcULL } },
		/* PASID-based IOTLB, by page */
		{ { 0x36, 0x1000 }, { 0x000fffffffff003fULL, 0xfffffffffffff07fULL } },
		/* PASID cache, global */
		{ { 0x37, 0 }, { 0x000fffffffff003fULL, 0 } },
		/* PASID-based device TLB */
		{ { 0x8 | RID << 16, 0x1000 },
		  { 0xfffffffffffff1ffULL, 0xfffffffffffff801ULL } },
		/* page group response */
		{ { 0x9 | RID << 16, 0 }, { 0x000ffffffffff01fULL, 0xffcULL } },
	};
	struct fixture *f = plain(test);
	unsigned int i, w, bit, index;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		u64 desc[2][4] = { { kinds[i].good[0], kinds[i].good[1] },
				   { kinds[i].good[0], kinds[i].good[1] } };

		MODEL_EXPECT_EQ_MSG(test, 0, vtd_model_submit(f->model, desc, 2, false,
							      &index),
				    "kind %u", i);
		for (w = 0; w < 4; w++)
			for (bit = 0; bit < 64; bit++) {
				u64 mask = 1ULL << bit;

				if (w < 2 && kinds[i].valid[w] & mask)
					continue;
				desc[1][w] ^= mask;
				MODEL_EXPECT_EQ_MSG(test, -EINVAL,
						    vtd_model_submit(f->model, desc, 2,
								     false, &index),
						    "kind %u word %u bit %u", i, w, bit);
				MODEL_EXPECT_EQ(test, 1, index);
				queue_go_on(f);
				desc[1][w] ^= mask;
			}
	}
}

static void granularities(struct kunit *test)
{
	/* bit n: granularity n is one */
	static const struct {
		u64 word;
		unsigned int valid;
	} kinds[] = { { 1, 0xe }, { 2, 0xe }, { 6, 0xc }, { 7, 0xb } };
	static const u8 types[] = { 0, 10, 11, 12, 13, 14, 15 };
	struct fixture *f = plain(test);
	unsigned int i, g, index;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		for (g = 0; g < 4; g++)
			MODEL_EXPECT_EQ_MSG(test, kinds[i].valid >> g & 1 ? 0 : -EINVAL,
					    submit(f, kinds[i].word | g << 4, 0),
					    "type %llu granularity %u",
					    kinds[i].word, g);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		MODEL_EXPECT_EQ(test, -EINVAL, submit(f, types[i], 0));
	/* Address masks up to MAMV, which is 18 */
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x32, 18));
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x32, 19));
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x36, 18));
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x36, 19));
	vtd_model_inject(f->model, VTD_MODEL_INJECT_REFUSE, 1);
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x32, 0));
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x32, 0));
	MODEL_EXPECT_EQ(test, 0, vtd_model_submit(f->model, NULL, 0, true, &index));
}

static void without_capability(struct kunit *test)
{
	struct fixture *f = unit(test, vtd_model_cap & ~(1ULL << 39),
				 vtd_model_ecap & ~(1ULL << 2 | 1ULL << 29 | 1ULL << 42));
	unsigned int index;

	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x32, 0));
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x3 | (u64)RID << 32, 0));
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x8 | RID << 16, 0));
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0x9 | RID << 16, 0));
	MODEL_EXPECT_EQ(test, -EINVAL, vtd_model_submit(f->model, NULL, 0, true, &index));
	MODEL_EXPECT_EQ(test, 0x10, read4(f, 0x34));
	queue_go_on(f);
	/* DTE and PRE are reserved then. */
	MODEL_EXPECT_EQ(test, 0x42, dma(f, NO_PASID, MODEL_READ, IOVA));
}

/* The queue stops in front of what it does not take (11.4.7.1), and faults are quiet. */
static void queue_stops(struct kunit *test)
{
	struct fixture *f = plain(test);
	const u64 descs[3][4] = { { 0x37 }, { 0x12 }, { 0x37 } };
	struct vtd_model_counts before, counts;
	unsigned int index;

	write4(f, 0x38, 0);
	vtd_model_counts(f->model, &before);
	vtd_model_inject(f->model, VTD_MODEL_INJECT_REFUSE, 2);
	MODEL_EXPECT_EQ(test, -EINVAL, vtd_model_submit(f->model, descs, 3, false, &index));
	MODEL_EXPECT_EQ(test, 1, index);
	MODEL_EXPECT_EQ(test, 0x10, read4(f, 0x34));
	MODEL_EXPECT_EQ(test, 4, vtd_model_read(f->model, 0xb0, 8) & 0xf);
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
	MODEL_EXPECT_EQ(test, -EBUSY, vtd_model_submit(f->model, descs, 3, false, &index));
	MODEL_EXPECT_EQ(test, 0, index);
	vtd_model_counts(f->model, &counts);
	MODEL_EXPECT_EQ(test, before.descs[7] + 1, counts.descs[7]);
	MODEL_EXPECT_EQ(test, before.descs[2], counts.descs[2]);

	bad_access(f, MODEL_READ, 0x7000);
	MODEL_EXPECT_EQ(test, 0x12, read4(f, 0x34) & 0xff);
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
	queue_go_on(f);
	MODEL_EXPECT_EQ(test, 0x2, read4(f, 0x34) & 0xff);
	MODEL_EXPECT_EQ(test, 1, f->raised[FAULT]);
	MODEL_EXPECT_EQ(test, 0, vtd_model_submit(f->model, descs, 3, false, &index));

	/* A type that there is not */
	MODEL_EXPECT_EQ(test, -EINVAL, submit(f, 0xf, 0));
	MODEL_EXPECT_EQ(test, 3, vtd_model_read(f->model, 0xb0, 8) & 0xf);
}

/* A completion that nobody waits for stops nothing, and is told once (11.4.7.1). */
static void queue_completion(struct kunit *test)
{
	struct fixture *f = plain(test);
	const u64 desc = 0x3 | (u64)RID << 32;
	unsigned int i;

	write4(f, 0x38, 0);
	for (i = 0; i < 2; i++) {
		vtd_model_inject(f->model, VTD_MODEL_INJECT_COMPLETION, 1);
		MODEL_EXPECT_EQ(test, 0, submit(f, 0x32, 0));
		MODEL_EXPECT_EQ(test, 2 * i, f->invalidations);
		MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0));
		MODEL_EXPECT_EQ(test, 0x20, read4(f, 0x34));
		MODEL_EXPECT_EQ(test, RID, vtd_model_read(f->model, 0xb0, 8) >> 48);
		MODEL_EXPECT_EQ(test, i + 1, f->raised[FAULT]);
		MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0));
		MODEL_EXPECT_EQ(test, 2 * i + 2, f->invalidations);
		write4(f, 0x34, 1 << 5);
		MODEL_EXPECT_EQ(test, 0, read4(f, 0x34));
	}
}

static void device_tlb(struct kunit *test)
{
	struct fixture *f = plain(test);
	const u64 desc = 0x3 | (u64)RID << 32, pdesc = 0x8 | RID << 16 | (u64)PASID << 32;

	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0x5000));
	MODEL_EXPECT_FALSE(test, f->inv_pasid_valid);
	MODEL_EXPECT_EQ(test, 0x5000, f->inv_addr);
	MODEL_EXPECT_EQ(test, 0x1000, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0x4000 | 1));
	MODEL_EXPECT_EQ(test, 0x4000, f->inv_addr);
	MODEL_EXPECT_EQ(test, 0x2000, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0x13000 | 1));
	MODEL_EXPECT_EQ(test, 0x10000, f->inv_addr);
	MODEL_EXPECT_EQ(test, 0x8000, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0x7ffffffffffff001ULL));
	MODEL_EXPECT_EQ(test, 0, f->inv_addr);
	MODEL_EXPECT_EQ(test, 0, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0x3ffffffffffff001ULL));
	MODEL_EXPECT_EQ(test, 0, f->inv_addr);
	MODEL_EXPECT_EQ(test, 1ULL << 63, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, pdesc, 0x11000 | 1 << 11));
	MODEL_EXPECT_TRUE(test, f->inv_pasid_valid);
	MODEL_EXPECT_FALSE(test, f->inv_global);
	MODEL_EXPECT_EQ(test, PASID, f->inv_pasid);
	MODEL_EXPECT_EQ(test, 0x10000, f->inv_addr);
	MODEL_EXPECT_EQ(test, 0x4000, f->inv_size);
	MODEL_EXPECT_EQ(test, 0, submit(f, pdesc, 1));
	MODEL_EXPECT_TRUE(test, f->inv_global);
	MODEL_EXPECT_EQ(test, 7, f->invalidations);
	MODEL_EXPECT_EQ(test, -ETIMEDOUT, submit(f, 0x3 | (u64)RID_UPPER << 32, 0));
	vtd_model_inject(f->model, VTD_MODEL_INJECT_TIMEOUT, 2);
	MODEL_EXPECT_EQ(test, 0, submit(f, desc, 0));
	MODEL_EXPECT_EQ(test, 0, submit(f, 0x32, 0));
	MODEL_EXPECT_EQ(test, -ETIMEDOUT, submit(f, desc, 0));
	MODEL_EXPECT_EQ(test, 8, f->invalidations);
	f->answers = false;
	MODEL_EXPECT_EQ(test, -ETIMEDOUT, submit(f, desc, 0));
	f->port->ops->connect(f->port, RID, NULL);
	MODEL_EXPECT_EQ(test, -ETIMEDOUT, submit(f, desc, 0));
	MODEL_EXPECT_EQ(test, 9, f->invalidations);
}

static void translations(struct kunit *test)
{
	struct fixture *f = plain(test);
	struct model_translation result;
	u64 *e = map_ss(f, IOVA, virt_to_phys(f->data[0]) | 1), low, high;

	MODEL_EXPECT_EQ(test, MODEL_OK, ats(f, NO_PASID, RW, false, IOVA, &result));
	MODEL_EXPECT_EQ(test, virt_to_phys(f->data[0]), result.addr);
	MODEL_EXPECT_EQ(test, 4096, result.size);
	MODEL_EXPECT_EQ(test, MODEL_READ, result.perm);
	*e = virt_to_phys(f->data[0]) | 2;
	flush(f);
	ats(f, NO_PASID, RW, false, IOVA, &result);
	MODEL_EXPECT_EQ(test, MODEL_WRITE, result.perm);
	*e = virt_to_phys(f->data[0]) | 3;
	pasid_entry(f, 0)[0] |= 1 << 9;
	flush(f);
	ats(f, NO_PASID, RW, true, IOVA, &result);
	MODEL_EXPECT_EQ(test, MODEL_READ, result.perm);
	MODEL_EXPECT_EQ(test, 0, *e & 1 << 9);
	/* Write permission that is granted makes the page dirty. */
	ats(f, NO_PASID, RW, false, IOVA, &result);
	MODEL_EXPECT_EQ(test, RW, result.perm);
	MODEL_EXPECT_EQ(test, 1 << 9, *e & 1 << 9);
	/* Not present: no permission, and nothing recorded */
	MODEL_EXPECT_EQ(test, MODEL_OK, ats(f, PASID, RW, false, 0x5000, &result));
	MODEL_EXPECT_EQ(test, 0, result.perm & RW);
	MODEL_EXPECT_EQ(test, 0, last_record(f, &low, &high));
	map(f, f->ss, 4, 2, 3, SZ_1G, 0x83 | SZ_2M);
	ats(f, NO_PASID, RW, false, SZ_1G + 0x5000, &result);
	MODEL_EXPECT_EQ(test, SZ_2M, result.addr);
	MODEL_EXPECT_EQ(test, SZ_2M, result.size);
	/* Interrupts are not translated. */
	ats(f, NO_PASID, RW, false, 0xfee00000, &result);
	MODEL_EXPECT_TRUE(test, result.untranslated_only);
	/* Tables above the pages: an unsupported request, recorded */
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			ats(f, PASID + 1, RW, false, IOVA, &result));
	MODEL_EXPECT_EQ(test, 0x59, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(test, 1, high >> 60 & 3);
	f->ctx[0] &= ~(1ULL << 2);
	flush(f);
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			ats(f, NO_PASID, RW, false, IOVA, &result));
	MODEL_EXPECT_EQ(test, 0x44, last_record(f, &low, &high));
}

static void translated(struct kunit *test)
{
	struct fixture *f = plain(test);
	struct model_tlp tlp = {
		.rid = RID, .perm = MODEL_READ, .addr = virt_to_phys(f->data[1]),
	};
	u64 low, high;

	MODEL_EXPECT_EQ(test, MODEL_OK,
			f->port->ops->access_translated(f->port, &tlp, &f->byte, 1));
	MODEL_EXPECT_EQ(test, 0xa1, f->byte);
	tlp.addr = 0xfee00000;
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			f->port->ops->access_translated(f->port, &tlp, &f->byte, 1));
	MODEL_EXPECT_EQ(test, 0x87, last_record(f, &low, &high));
	f->ctx[0] &= ~(1ULL << 2);
	flush(f);
	MODEL_EXPECT_EQ(test, MODEL_UNSUPPORTED,
			f->port->ops->access_translated(f->port, &tlp, &f->byte, 1));
	MODEL_EXPECT_EQ(test, 0x44, last_record(f, &low, &high));
	MODEL_EXPECT_EQ(test, 2, high >> 60 & 3);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(records),
	KUNIT_CASE(records_overflow),
	KUNIT_CASE(masked),
	KUNIT_CASE(registers),
	KUNIT_CASE(requests),
	KUNIT_CASE(requests_overflow),
	KUNIT_CASE(requests_refused),
	KUNIT_CASE(request_interrupts),
	KUNIT_CASE(responses),
	KUNIT_CASE(descriptors),
	KUNIT_CASE(granularities),
	KUNIT_CASE(without_capability),
	KUNIT_CASE(queue_stops),
	KUNIT_CASE(queue_completion),
	KUNIT_CASE(device_tlb),
	KUNIT_CASE(translations),
	KUNIT_CASE(translated),
	{}
};

struct kunit_suite vtd_queue_suite = {
	.name = "iommufd_model_vtd_queues",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(vtd_queue_suite);

MODULE_DESCRIPTION("KUnit tests of the VT-d model's registers and queues");
MODULE_LICENSE("GPL");
