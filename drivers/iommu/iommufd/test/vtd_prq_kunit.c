// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: the page request queue of a VT-d unit. */
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "vtd_prq_kunit.h"

#define RID0	PT_RID(0)
#define RID1	PT_RID(1)
#define NOPASID	FT_NO_PASID

static struct fault_queue_stats pt_queue_stats(struct pt *pt)
{
	struct fault_queue_stats stats;

	fault_queue_get_stats(pt->ft.queue, &stats);
	return stats;
}

/* Requests that are held of groups that are not whole. */
static u32 pt_open(struct pt *pt)
{
	u32 held = fault_source_outstanding(pt->ft.source[0]) +
		   fault_source_outstanding(pt->ft.source[1]);

	return held - pt_queue_stats(pt).pending;
}

static ssize_t pt_answer(struct pt *pt, struct iommu_hwpt_page_response *resp,
			 unsigned int num)
{
	struct kvec vec = { .iov_base = resp, .iov_len = num * sizeof(*resp) };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
	return fault_queue_write(pt->ft.queue, &iter, false);
}

static void prq_start_stop(struct kunit *test)
{
	struct vtd_fake *fake = vtd_fake_new(test, PT_CAP, PT_ECAP);
	struct vtd_prq_stats stats;
	u64 address;

	vtd_fake_set64(fake, DMAR_PQH_REG, 0x40);
	vtd_fake_set64(fake, DMAR_PQT_REG, 0x80);
	KUNIT_ASSERT_EQ(test, vtd_prq_start(&fake->unit), 0);
	address = vtd_fake_reg64(fake, DMAR_PQA_REG);
	/* 2^4 pages, and the address aligned to all of them */
	KUNIT_EXPECT_EQ(test, address & 0xffff, 4);
	KUNIT_EXPECT_NE(test, address >> 16, 0);
	KUNIT_EXPECT_EQ(test, vtd_fake_reg64(fake, DMAR_PQH_REG), 0);
	KUNIT_EXPECT_EQ(test, vtd_fake_reg64(fake, DMAR_PQT_REG), 0);
	/* What was pending of the time before is cleared, by writing ones. */
	KUNIT_EXPECT_EQ(test, vtd_fake_reg32(fake, DMAR_PRS_REG), 3);
	KUNIT_EXPECT_NOT_NULL(test, fake->thread[VTD_IRQ_PAGE_REQUEST]);
	vtd_prq_stop(&fake->unit);
	KUNIT_EXPECT_EQ(test, vtd_fake_reg64(fake, DMAR_PQA_REG), 0);
	KUNIT_EXPECT_NULL(test, fake->thread[VTD_IRQ_PAGE_REQUEST]);
	KUNIT_EXPECT_NULL(test, fake->unit.prq);

	/* No PRS: no queue, and nothing goes wrong. */
	fake = vtd_fake_new(test, PT_CAP, PT_ECAP & ~BIT_ULL(29));
	KUNIT_ASSERT_EQ(test, vtd_prq_start(&fake->unit), 0);
	KUNIT_EXPECT_NULL(test, fake->unit.prq);
	KUNIT_EXPECT_EQ(test, vtd_fake_reg64(fake, DMAR_PQA_REG), 0);
	vtd_prq_get_stats(&fake->unit, &stats);
	KUNIT_EXPECT_EQ(test, stats.requests, 0);
	vtd_prq_stop(&fake->unit);
}

/* Every field arrives as it was sent. */
static void prq_decode(struct kunit *test)
{
	static const struct {
		u32 pasid;
		u32 grpid;
		u64 addr;
		u32 bits;
		u32 perm;
	} cases[] = {
		{ NOPASID, 0, 0x1000, PT_R, 1 },
		{ NOPASID, 511, 0xfffffffffffff000ULL, PT_W, 2 },
		{ NOPASID, 256, 0, PT_R | PT_W, 3 },
		/* Execute and privilege come with a PASID only. */
		{ NOPASID, 1, 0x2000, PT_R | PT_X | PT_P, 1 },
		{ 1, 2, 0x3000, PT_R | PT_X, 5 },
		{ 1, 3, 0x4000, PT_R | PT_P, 9 },
		{ 1, 4, 0x5000, PT_R | PT_W | PT_X | PT_P, 15 },
		{ 0xfffff, 5, 0x800000000000ULL, PT_W | PT_P, 10 },
		{ 0xfffff, 6, 0x6000, PT_X | PT_W, 6 },
	};
	struct iommufd_fault_attach *attach[3];
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int i;

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	attach[1] = pt_attach(pt, 0, 1);
	attach[2] = pt_attach(pt, 0, 0xfffff);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct iommu_hwpt_pgfault *rec = &pt->ft.recs[0];
		bool valid = cases[i].pasid != NOPASID;
		u32 pasid = 0;

		if (valid)
			pasid = cases[i].pasid;
		pt_request(pt, RID0, cases[i].pasid, cases[i].grpid,
			   cases[i].addr, cases[i].bits | PT_LAST);
		pt_interrupt(pt);
		KUNIT_ASSERT_EQ(test, ft_read(&pt->ft, 8), sizeof(*rec));
		KUNIT_EXPECT_EQ(test, rec->flags, 2 | valid);
		KUNIT_EXPECT_EQ(test, rec->pasid, pasid);
		KUNIT_EXPECT_EQ(test, rec->grpid, cases[i].grpid);
		KUNIT_EXPECT_EQ(test, rec->perm, cases[i].perm);
		KUNIT_EXPECT_EQ(test, rec->addr, cases[i].addr);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
		ft_answer(&pt->ft, rec->cookie, IOMMUFD_PAGE_RESP_SUCCESS);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 1);
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, cases[i].pasid,
						   cases[i].grpid, 0), 1);
		vtd_fake_forget(pt->fake);
	}
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, ARRAY_SIZE(cases));
	KUNIT_EXPECT_EQ(test, pt_stats(pt).malformed, 0);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	pt_done(pt);
}

/* A group of three is delivered with its last request; another device's is not it. */
static void prq_groups(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct iommufd_fault_attach *attach[2];

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	attach[1] = pt_attach(pt, 1, IOMMU_NO_PASID);
	pt_request(pt, RID0, NOPASID, 7, 0x1000, PT_R);
	pt_request(pt, RID1, NOPASID, 7, 0x9000, PT_R);
	pt_request(pt, RID0, NOPASID, 7, 0x2000, PT_R);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, ft_read(&pt->ft, 8), 0);
	pt_request(pt, RID0, NOPASID, 7, 0x3000, PT_W | PT_LAST);
	pt_interrupt(pt);
	KUNIT_ASSERT_EQ(test, ft_read(&pt->ft, 8), 3 * sizeof(pt->ft.recs[0]));
	KUNIT_EXPECT_EQ(test, pt->ft.recs[0].addr, 0x1000);
	KUNIT_EXPECT_EQ(test, pt->ft.recs[1].addr, 0x2000);
	KUNIT_EXPECT_EQ(test, pt->ft.recs[2].addr, 0x3000);
	KUNIT_EXPECT_EQ(test, pt->ft.recs[0].dev_id, 100);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 1);
	iommufd_fault_attach_remove(attach[0]);
	/* Detach answers what user space did not. */
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 7, 1), 1);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 1);
	pt_done(pt);
}

/* Each of them alone makes an entry bad; the last of a group is answered. */
static void prq_malformed(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int bit, num = 0;

	attach = pt_attach(pt, 0, IOMMU_NO_PASID);
	for (bit = 0; bit < 256; bit++) {
		/* A read at 0x1000, group 5, of RID0, without PASID. */
		u64 qw[4] = { 0x01 | (u64)RID0 << 16, 0x1000 | 5 << 3 | 1 };
		bool reserved = bit < 8 || (bit >= 9 && bit < 16) ||
				(bit >= 54 && bit < 64) || bit >= 128;

		if (!reserved)
			continue;
		qw[bit / 64] ^= BIT_ULL(bit % 64);
		num++;
		pt_entry(pt, qw);
		pt_interrupt(pt);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
		KUNIT_EXPECT_EQ_MSG(test, pt_stats(pt).malformed, num,
				    "bit %u", bit);
		/* The last of its group */
		qw[1] |= BIT(2);
		num++;
		pt_entry(pt, qw);
		pt_interrupt(pt);
		KUNIT_EXPECT_EQ_MSG(test, pt_responses(pt, RID0, NOPASID, 5, 1),
				    1, "bit %u", bit);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 1);
		KUNIT_EXPECT_EQ(test, pt_stats(pt).malformed, num);
		vtd_fake_forget(pt->fake);
	}
	KUNIT_EXPECT_EQ(test, num, 2 * (8 + 7 + 10 + 128));
	/* Neither access nor last: it is nothing. */
	pt_request(pt, RID0, NOPASID, 5, 0, 0);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).malformed, num + 1);
	/* A PASID of 20 bits, on a unit of 10: there is no such answer either. */
	pt->fake->unit.caps.pasid_bits = 10;
	pt_request(pt, RID0, 1024, 5, 0, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).malformed, num + 2);
	pt->fake->unit.caps.pasid_bits = 20;

	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 0);
	KUNIT_EXPECT_EQ(test, ft_read(&pt->ft, 8), 0);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 0);
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

static void prq_stop_markers(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 64, 64);

	attach = pt_attach(pt, 0, 3);
	/* In the middle of a group of the same index */
	pt_request(pt, RID0, 3, 5, 0x1000, PT_R);
	pt_request(pt, RID0, 3, 5, 0, PT_LAST);
	pt_request(pt, RID0, NOPASID, 0, 0, PT_LAST);
	pt_request(pt, 0xdead, 3, 5, 0, PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).stop_markers, 3);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 1);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).unknown, 0);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
	KUNIT_EXPECT_EQ(test, ft_read(&pt->ft, 8), 0);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 1);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
	pt_done(pt);
}

/* Nobody there, an alias, a device without source, and one nobody listens to. */
static void prq_nobody(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct xarray *devices = &pt->fake->unit.devices;
	struct vtd_device *silent;
	unsigned int i;

	silent = vtd_fake_device(pt->fake, 0x4321, 1);
	xa_store(devices, 0x4321, silent, GFP_KERNEL);
	xa_store(devices, 0x1234, pt->fn[0].device, GFP_KERNEL);
	for (i = 0; i < 2; i++) {
		u32 last = i ? PT_LAST : 0;

		pt_request(pt, 0xdead, NOPASID, 1, 0x1000, PT_R | last);
		pt_request(pt, 0xdead, 9, 1, 0x1000, PT_R | last);
		pt_request(pt, 0x1234, NOPASID, 2, 0x1000, PT_R | last);
		pt_request(pt, 0x4321, NOPASID, 3, 0x1000, PT_R | last);
		pt_request(pt, RID0, NOPASID, 4, 0x1000, PT_R | last);
		pt_request(pt, RID1, 8, 5, 0x1000, PT_R | last);
		pt_interrupt(pt);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 6 * i);
		KUNIT_EXPECT_EQ(test, pt->fake->num_submits, i);
	}
	KUNIT_EXPECT_EQ(test, pt_responses(pt, 0xdead, NOPASID, 1, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, 0xdead, 9, 1, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, 0x1234, NOPASID, 2, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, 0x4321, NOPASID, 3, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 4, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, 8, 5, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).unknown, 8);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 4);
	xa_erase(devices, 0x1234);
	xa_erase(devices, 0x4321);
	pt_done(pt);
}

/*
 * A function that wants no PASID in answers (PCIe 6.0, 10.5.2.3) gets none: to what was
 * taken, what found no room, and what nobody listens to.
 */
static void prq_response_pasid(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 1, 64);
	unsigned int wants;

	attach = pt_attach(pt, 0, 8);
	for (wants = 0; wants < 2; wants++) {
		u32 taken = wants ? 8 : NOPASID, nobody = wants ? 9 : NOPASID;

		pt->fn[0].device->prg_pasid = wants;
		pt_request(pt, RID0, 8, 1, 0x1000, PT_R | PT_LAST);
		pt_request(pt, RID0, 8, 2, 0x1000, PT_R | PT_LAST);
		pt_request(pt, RID0, 9, 3, 0x1000, PT_R | PT_LAST);
		pt_interrupt(pt);
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, taken, 2, 0), 1);
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, nobody, 3, 1), 1);
		KUNIT_ASSERT_GT(test, ft_read(&pt->ft, 1), 0);
		ft_answer(&pt->ft, pt->ft.recs[0].cookie, 0);
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, taken, 1, 0), 1);
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 3);
		vtd_fake_forget(pt->fake);
	}
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

/* No room in the queue that user space reads: the device is to ask again. */
static void prq_retry(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 4, 512);
	unsigned int i;

	attach = pt_attach(pt, 0, IOMMU_NO_PASID);
	for (i = 0; i < 300; i++)
		pt_request(pt, RID0, NOPASID, i, 0x1000, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 296);
	/* 128 fit in a submission */
	KUNIT_EXPECT_EQ(test, pt->fake->num_submits, 3);
	for (i = 0; i < 300; i++)
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, i, 0),
				i >= 4);
	iommufd_fault_attach_remove(attach);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 300);
	pt_done(pt);
}

/* Several times round the ring, in pieces of every size up to a full one. */
static void prq_wrap(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 4096, 4096);
	struct iommu_hwpt_page_response resp[64];
	unsigned int size, i, total = 0;
	u64 want = 0, serial = 0;
	ssize_t got;

	attach = pt_attach(pt, 0, IOMMU_NO_PASID);
	for (size = 1; size < VTD_PRQ_ENTRIES; size += 1 + size / 4) {
		for (i = 0; i < size; i++, serial++)
			KUNIT_ASSERT_TRUE(test, pt_request(pt, RID0, NOPASID,
							   serial % 512,
							   serial << 12,
							   PT_R | PT_LAST));
		pt_interrupt(pt);
		total += size;
		KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, total);
		while ((got = ft_read(&pt->ft, 64)) > 0) {
			got /= sizeof(pt->ft.recs[0]);
			for (i = 0; i < got; i++, want++) {
				KUNIT_EXPECT_EQ(test, pt->ft.recs[i].addr,
						want << 12);
				resp[i].cookie = pt->ft.recs[i].cookie;
				resp[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
			}
			KUNIT_EXPECT_GT(test, pt_answer(pt, resp, got), 0);
		}
		vtd_fake_forget(pt->fake);
	}
	KUNIT_EXPECT_EQ(test, want, serial);
	KUNIT_EXPECT_GT(test, serial, 3 * VTD_PRQ_ENTRIES);
	KUNIT_EXPECT_LE(test, pt->max_freed, 32);
	KUNIT_EXPECT_EQ(test, pt->dropped, 0);
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

/**
 * struct prq_script - requests that come at certain steps of the driver
 * @at: the step
 * @num: how many requests
 * @next: group index of the next request
 */
struct prq_script {
	unsigned int at[3];
	unsigned int num[3];
	u32 next;
};

static void prq_script_step(struct pt *pt)
{
	struct prq_script *script = pt->priv;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(script->at); i++)
		if (script->at[i] == pt->steps)
			for (j = 0; j < script->num[i]; j++)
				pt_request(pt, RID0, NOPASID,
					   script->next++ % 512, 0x1000,
					   PT_R | PT_LAST);
}

/*
 * Requests that come at any three moments between one access of the driver to
 * the unit and the next: none is left behind without an interrupt.
 */
static void prq_order(struct pt *pt, unsigned int a, unsigned int b,
		      unsigned int c, unsigned int many)
{
	struct prq_script script = {
		.at = { a, b, c },
		.num = { 1, many, 1 },
		.next = 1,
	};
	u64 before = pt_stats(pt).requests;

	/* Nobody listens, so each of them is answered at once. */
	pt_request(pt, RID0, NOPASID, 0, 0x1000, PT_R | PT_LAST);
	pt->steps = 0;
	pt->priv = &script;
	pt->on_step = prq_script_step;
	pt_interrupt(pt);
	pt->on_step = NULL;
	/* A pass with an entry and one without are four steps. */
	KUNIT_EXPECT_GE(pt->test, script.next, 2);
	KUNIT_EXPECT_EQ_MSG(pt->test, pt_all_responses(pt), script.next,
			    "at %u %u %u", a, b, c);
	KUNIT_EXPECT_EQ(pt->test, pt_stats(pt).requests, before + script.next);
	vtd_fake_forget(pt->fake);
}

static void prq_orders(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int a, b, c;

	for (a = 1; a <= 4; a++)
		for (b = a; b <= 9; b++)
			for (c = b; c <= 13; c++) {
				prq_order(pt, a, b, c, 1);
				prq_order(pt, a, b, c, 33);
			}
	pt_done(pt);
}

/* The one interrupt that the unit raises for what is pending does not come. */
static void prq_lose_interrupt(struct pt *pt)
{
	KUNIT_EXPECT_TRUE(pt->test, pt_take_interrupt(pt));
}

/* Whatever interrupt is next, its thread hands over all, in order, and half groups too. */
static void prq_withheld(struct kunit *test)
{
	struct iommufd_fault_attach *attach[2];
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int i;

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	attach[1] = pt_attach(pt, 1, 5);
	for (i = 0; i < 8; i++) {
		pt_request(pt, RID0, NOPASID, i, i << 12, PT_R | PT_LAST);
		if (!i)
			prq_lose_interrupt(pt);
	}
	pt_request(pt, RID1, 5, 20, 0x1000, PT_R);
	/* Some are pending, which it has told already (11.4.11.4) */
	KUNIT_EXPECT_FALSE(test, pt_take_interrupt(pt));
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 0);

	vtd_fake_interrupt(pt->fake, VTD_IRQ_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 9);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 8);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 1);
	KUNIT_ASSERT_EQ(test, ft_read(&pt->ft, 16),
			8 * sizeof(pt->ft.recs[0]));
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, pt->ft.recs[i].addr, (u64)i << 12);

	/* From here on it tells again */
	pt_request(pt, RID1, 5, 20, 0x2000, PT_R | PT_LAST);
	KUNIT_EXPECT_TRUE(test, pt_take_interrupt(pt));
	vtd_fake_interrupt(pt->fake, VTD_IRQ_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 10);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 0);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 9);
	pt_done(pt);
}

/*
 * And if none ever comes: a drain hands over all that is there, whoever it is for, and
 * who is detached has an answer to all of his.
 */
static void prq_withheld_drain(struct kunit *test)
{
	struct iommufd_fault_attach *attach[2];
	struct pt *pt = pt_new(test, 64, 64);

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	attach[1] = pt_attach(pt, 1, 5);
	pt_request(pt, RID0, NOPASID, 1, 0x1000, PT_R | PT_LAST);
	prq_lose_interrupt(pt);
	pt_request(pt, RID0, NOPASID, 2, 0x1000, PT_R | PT_LAST);
	pt_request(pt, RID1, 5, 3, 0x1000, PT_R | PT_LAST);
	vtd_prq_drain(pt->fn[1].device, 9);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).requests, 3);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 3);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);

	/* The unit tells again, to nobody */
	pt_request(pt, RID0, NOPASID, 4, 0x1000, PT_R | PT_LAST);
	prq_lose_interrupt(pt);
	pt_request(pt, RID1, 5, 5, 0x1000, PT_R | PT_LAST);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 1, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 2, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 4, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 3);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 2);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, 5, 3, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, 5, 5, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 5);

	/* Nobody listens any more */
	pt_request(pt, RID0, NOPASID, 6, 0x1000, PT_R | PT_LAST);
	prq_lose_interrupt(pt);
	vtd_prq_drain(pt->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 6, 1), 1);
	pt_done(pt);
}

/* Half a group, a full ring in which the other half is lost, and what follows. */
static void prq_overflow_groups(struct kunit *test)
{
	struct iommufd_fault_attach *attach[2];
	struct pt *pt = pt_new(test, 4096, 4096);
	unsigned int i;

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	attach[1] = pt_attach(pt, 1, 5);
	pt_request(pt, RID0, NOPASID, 510, 0x1000, PT_R);
	pt_request(pt, RID1, 5, 510, 0x1000, PT_R);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 2);
	for (i = 0; i < 2046; i++)
		pt_request(pt, RID0, NOPASID, i % 500, 0x1000, PT_R | PT_LAST);
	pt_request(pt, RID0, NOPASID, 511, 0x1000, PT_R);
	KUNIT_EXPECT_EQ(test, pt->dropped, 0);
	KUNIT_EXPECT_FALSE(test, pt_request(pt, RID0, NOPASID, 510, 0x2000,
					    PT_R | PT_LAST));
	KUNIT_EXPECT_FALSE(test, pt_request(pt, RID1, 5, 510, 0x2000,
					    PT_R | PT_LAST));
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows, 1);
	/* All that was in the ring came through; all halves are gone. */
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 2046);
	KUNIT_EXPECT_EQ(test, pt_open(pt), 0);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).counts.discarded, 3);
	/* The unit has answered what it dropped: not we. */
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 0);
	/* And a new group of the same index is a new group. */
	pt_request(pt, RID1, 5, 510, 0x3000, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_queue_stats(pt).pending, 2047);
	iommufd_fault_attach_remove(attach[0]);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 2047);
	pt_done(pt);
}

/* At the given step the ring is filled beyond what it holds, half groups last. */
static void prq_flood_step(struct pt *pt)
{
	unsigned int *at = pt->priv;
	unsigned int i;

	if (pt->steps != *at)
		return;
	for (i = 0; i < 2 * VTD_PRQ_ENTRIES && !pt->dropped; i++)
		pt_request(pt, RID0, NOPASID, 100 + i % 300, 0x1000, PT_R);
}

/*
 * The ring runs over at each moment of a pass. Nothing but halves came, and the
 * last requests were lost with the overflow: no half is kept.
 */
static void prq_overflow_orders(struct kunit *test)
{
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 4096, 4096);
	unsigned int at, reached = 0;

	attach = pt_attach(pt, 0, IOMMU_NO_PASID);
	for (at = 1; at < 80; at++) {
		u64 overflows = pt_stats(pt).overflows;

		pt->on_step = NULL;
		pt->dropped = 0;
		pt_request(pt, RID0, NOPASID, 1, 0x1000, PT_R);
		pt_request(pt, 0xdead, NOPASID, 1, 0x1000, PT_R | PT_LAST);
		pt->steps = 0;
		pt->priv = &at;
		pt->on_step = prq_flood_step;
		pt_interrupt(pt);
		if (!pt->dropped) {
			/* No such step; what is held goes with the next. */
			KUNIT_EXPECT_EQ(test, pt_open(pt), 1);
			break;
		}
		reached++;
		KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows, overflows + 1);
		KUNIT_EXPECT_EQ_MSG(test, pt_open(pt), 0, "step %u", at);
	}
	KUNIT_EXPECT_GE(test, reached, 4);
	pt->on_step = NULL;
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

/* While the overflow is dealt with, nothing that comes afterwards is lost. */
static void prq_rearm_step(struct pt *pt)
{
	unsigned int *at = pt->priv;

	if (pt->steps == *at)
		pt_request(pt, RID1, NOPASID, 3, 0x1000, PT_R | PT_LAST);
}

static void prq_overflow_rearm(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int at, i, came = 0;

	/* A full ring is 64 writes of the head; before and after it is closest. */
	for (at = 1; at < 75; at++) {
		if (at == 3)
			at = 62;
		pt->on_step = NULL;
		pt->dropped = 0;
		for (i = 0; i <= VTD_PRQ_ENTRIES; i++)
			pt_request(pt, RID0, NOPASID, i % 512, 0x1000, PT_R);
		KUNIT_EXPECT_EQ(test, pt->dropped, 2);
		pt->steps = 0;
		pt->priv = &at;
		pt->on_step = prq_rearm_step;
		vtd_fake_forget(pt->fake);
		pt_interrupt(pt);
		/* Dropped because the overflow stood, or answered. */
		KUNIT_EXPECT_EQ(test, pt->dropped - 2 +
				      pt_responses(pt, RID1, NOPASID, 3, 1),
				at <= pt->steps);
		came += pt_responses(pt, RID1, NOPASID, 3, 1);
	}
	KUNIT_EXPECT_GE(test, came, 1);
	pt_done(pt);
}

/* 2,048 groups outstanding, answered in random order by a hundred at a time. */
static void prq_batches(struct kunit *test)
{
	static const u32 codes[] = { 0, 1, 0xf };
	struct iommu_hwpt_page_response *resp;
	struct iommufd_fault_attach *attach[64];
	struct pt *pt = pt_new(test, 2048, 2048);
	unsigned int i, num = 0, calls = 0;
	struct rnd_state rnd;
	u8 *code_of;
	ssize_t got;

	resp = kunit_kcalloc(test, 2048, sizeof(*resp), GFP_KERNEL);
	code_of = kunit_kzalloc(test, 2048, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resp);
	KUNIT_ASSERT_NOT_NULL(test, code_of);
	prandom_seed_state(&rnd, 3);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		attach[i] = pt_attach(pt, 0, 1 + i);
	for (i = 0; i < 2048; i++) {
		KUNIT_ASSERT_TRUE(test, pt_request(pt, RID0, 1 + i / 32, i % 32,
						   0x1000, PT_R | PT_LAST));
		if (i % 300 == 299)
			pt_interrupt(pt);
	}
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt->fake->num_submits, 0);
	while ((got = ft_read(&pt->ft, 512)) > 0) {
		for (i = 0; i < got / sizeof(pt->ft.recs[0]); i++, num++) {
			const struct iommu_hwpt_pgfault *rec = &pt->ft.recs[i];
			u32 code = codes[prandom_u32_state(&rnd) % 3];

			resp[num].cookie = rec->cookie;
			resp[num].code = code;
			code_of[(rec->pasid - 1) * 32 + rec->grpid] = code;
		}
	}
	KUNIT_ASSERT_EQ(test, num, 2048);
	for (i = num - 1; i; i--) {
		unsigned int other = prandom_u32_state(&rnd) % (i + 1);

		swap(resp[i], resp[other]);
	}
	for (i = 0; i < num; i += 100, calls++) {
		unsigned int n = min(100U, num - i);

		KUNIT_EXPECT_EQ(test, pt_answer(pt, resp + i, n),
				n * sizeof(*resp));
	}
	KUNIT_EXPECT_LE(test, pt->fake->num_submits, 2 * calls);
	kunit_info(test, "%u answers in %u submissions", num,
		   pt->fake->num_submits);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 2048);
	for (i = 0; i < 2048; i++)
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, 1 + i / 32, i % 32,
						   code_of[i]), 1);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		iommufd_fault_attach_remove(attach[i]);
	pt_done(pt);
}

/* A failure on a virtual function is not to take PRI from the others. */
static void prq_failure_of_vf(struct kunit *test)
{
	static const u32 codes[] = { 0, 1, 0xf };
	struct iommufd_fault_attach *attach;
	struct pt *pt = pt_new(test, 64, 64);
	unsigned int vf, i;

	attach = pt_attach(pt, 0, IOMMU_NO_PASID);
	for (vf = 0; vf < 2; vf++) {
		pt->fn[0].device->pfsid = vf ? 0x0080 : RID0;
		vtd_fake_forget(pt->fake);
		for (i = 0; i < ARRAY_SIZE(codes); i++) {
			u32 want = vf && codes[i] == 0xf ? 1 : codes[i];

			pt_request(pt, RID0, NOPASID, i, 0, PT_R | PT_LAST);
			pt_interrupt(pt);
			KUNIT_ASSERT_GT(test, ft_read(&pt->ft, 1), 0);
			ft_answer(&pt->ft, pt->ft.recs[0].cookie, codes[i]);
			KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID,
							   i, want), 1);
		}
		KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 3);
	}
	pt->fn[0].device->pfsid = RID0;
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

static void prq_gone(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);

	memset(pt->fake->regs + DMAR_PQH_REG, 0xff, 0x40);
	vtd_fake_interrupt(pt->fake, VTD_IRQ_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, pt->fake->num_submits, 0);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows, 0);
	memset(pt->fake->regs + DMAR_PQH_REG, 0, 0x40);
	pt_done(pt);
}

static struct kunit_case vtd_prq_cases[] = {
	KUNIT_CASE(prq_start_stop),
	KUNIT_CASE(prq_decode),
	KUNIT_CASE(prq_groups),
	KUNIT_CASE(prq_malformed),
	KUNIT_CASE(prq_stop_markers),
	KUNIT_CASE(prq_nobody),
	KUNIT_CASE(prq_response_pasid),
	KUNIT_CASE(prq_retry),
	KUNIT_CASE(prq_wrap),
	KUNIT_CASE(prq_orders),
	KUNIT_CASE(prq_withheld),
	KUNIT_CASE(prq_withheld_drain),
	KUNIT_CASE(prq_overflow_groups),
	KUNIT_CASE(prq_overflow_orders),
	KUNIT_CASE(prq_overflow_rearm),
	KUNIT_CASE_SLOW(prq_batches),
	KUNIT_CASE(prq_failure_of_vf),
	KUNIT_CASE(prq_gone),
	{}
};

static struct kunit_suite vtd_prq_suite = {
	.name = "iommufd_vtd_prq",
	.test_cases = vtd_prq_cases,
};

kunit_test_suite(vtd_prq_suite);
