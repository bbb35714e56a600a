// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file: what a read returns and what it leaves, which answers are accepted.
 */
#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/uio.h>

#include "fault_kunit.h"
#include "user_mmap.h"

static void file_test_cookies(struct kunit *test)
{
	struct ft *ft = ft_new(test, 4, 4);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	u32 gen_mask = fault_gen_mask(ft->queue);
	u32 old[4], i, round;

	/* Start just before the generations run over. */
	for (i = 0; i < 4; i++)
		atomic_set(&ft->queue->slots[i].word,
			   fault_word(gen_mask - 1, FAULT_SLOT_FREE));
	memset(old, 0, sizeof(old));
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 4; i++)
			ft_report(ft, 0, FT_NO_PASID, i, i, true);
		/* Not read: not to be answered, even if guessed. */
		for (i = 0; i < 4; i++) {
			u32 word = atomic_read(&ft->queue->slots[i].word);
			u32 gen = word >> FAULT_SLOT_GEN_SHIFT;

			KUNIT_EXPECT_EQ(test,
					ft_answer(ft, gen << ft->queue->index_bits | i, 0),
					-EINVAL);
		}
		KUNIT_EXPECT_EQ(test, ft_read(ft, 4), 160);
		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_NE(test, ft->recs[i].cookie, 0);
			/* Of the round before: another group is there now. */
			KUNIT_EXPECT_EQ(test, ft_answer(ft, old[i], 0), -EINVAL);
			old[i] = ft->recs[i].cookie;
		}
		for (i = 0; i < 4; i++) {
			/* In another order each time. */
			u32 cookie = old[(i * 3 + round) % 4];

			KUNIT_EXPECT_EQ(test, ft_answer(ft, cookie, 0), 8);
			KUNIT_EXPECT_EQ(test, ft_answer(ft, cookie, 0), -EINVAL);
		}
	}
	KUNIT_EXPECT_EQ(test, ft_answer(ft, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft_answer(ft, U32_MAX, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 20);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static void file_test_codes(struct kunit *test)
{
	struct iommu_hwpt_page_response resp[5];
	struct kvec vec = { .iov_base = resp, .iov_len = sizeof(resp) };
	struct ft *ft = ft_new(test, 8, 8);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct fault_queue_stats stats;
	struct iov_iter iter;
	u32 i;

	for (i = 0; i < 5; i++)
		ft_report(ft, 0, FT_NO_PASID, i, i, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 8), 200);
	for (i = 0; i < 5; i++)
		resp[i].cookie = ft->recs[i].cookie;
	resp[0].code = IOMMUFD_PAGE_RESP_SUCCESS;
	resp[1].code = IOMMUFD_PAGE_RESP_INVALID;
	resp[2].code = IOMMUFD_PAGE_RESP_FAILURE;
	resp[3].code = 2;
	resp[4].code = IOMMUFD_PAGE_RESP_SUCCESS;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, 4);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), -ESPIPE);
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, 0);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), 0);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 0);
	/* Stops at the bad one, having done those before it. */
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, sizeof(resp));
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, true), 24);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 16);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 16);
	for (i = 0; i < 3; i++)
		ft_expect_answer(ft, 0, FT_NO_PASID, i, resp[i].code);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 3);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->calls, 1);
	fault_queue_get_stats(ft->queue, &stats);
	for (i = 0; i < FAULT_ANSWERED_CODES; i++)
		KUNIT_EXPECT_EQ(test, stats.answered_groups[i], 1);
	KUNIT_EXPECT_EQ(test, stats.pending, 2);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* One call for each unit and 128 answers. */
static void file_test_batches(struct kunit *test)
{
	struct iommu_hwpt_page_response *resp;
	struct ft *ft = ft_new(test, 512, 512);
	struct iommufd_fault_attach *attach[2];
	struct iov_iter iter;
	struct kvec vec;
	u32 i;

	resp = kunit_kcalloc(test, 512, sizeof(*resp), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resp);
	attach[0] = ft_attach(ft, 0, IOMMU_NO_PASID);
	attach[1] = ft_attach(ft, 1, IOMMU_NO_PASID);
	for (i = 0; i < 300; i++)
		ft_report(ft, i % 3 == 0, FT_NO_PASID, i, i, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 512), 300 * 40);
	for (i = 0; i < 300; i++)
		resp[i].cookie = ft->recs[i].cookie;
	vec = (struct kvec){ .iov_base = resp, .iov_len = 300 * sizeof(*resp) };
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), 2400);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->calls, 3);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->calls, 3);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 200);
	KUNIT_EXPECT_EQ(test, ft->unit[1]->num, 100);
	for (i = 0; i < 300; i++)
		ft_expect_answer(ft, i % 3 == 0, FT_NO_PASID, i, 0);

	/* Detach works by batches as well. */
	for (i = 0; i < 300; i++)
		ft_report(ft, 0, FT_NO_PASID, 1000 + i, i, true);
	iommufd_fault_attach_remove(attach[0]);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->calls, 6);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->largest, IOMMUFD_FAULT_BATCH);
	for (i = 0; i < 300; i++)
		ft_expect_answer(ft, 0, FT_NO_PASID, 1000 + i, 1);
	iommufd_fault_attach_remove(attach[1]);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static ssize_t ft_read_bytes(struct ft *ft, size_t bytes)
{
	struct kvec vec = { .iov_base = ft->recs, .iov_len = bytes };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, bytes);
	return fault_queue_read(ft->queue, &iter, true);
}

static void file_test_read_sizes(struct kunit *test)
{
	struct ft *ft = ft_new(test, 512, 512);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	u32 i;

	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 40), 0);
	for (i = 0; i < 3; i++)
		ft_report(ft, 0, FT_NO_PASID, 1, i, i == 2);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 1), -ESPIPE);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 39), -ESPIPE);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 41), -ESPIPE);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 40), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 80), -EINVAL);
	/* A second one that does not fit stays for the next read. */
	ft_report(ft, 0, FT_NO_PASID, 2, 7, false);
	ft_report(ft, 0, FT_NO_PASID, 2, 8, true);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 160), 120);
	KUNIT_EXPECT_EQ(test, ft->recs[2].addr, 2);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 160), 80);
	KUNIT_EXPECT_EQ(test, ft->recs[1].addr, 8);

	/* More than is copied at once: between groups, and within one. */
	for (i = 0; i < 150; i++)
		ft_report(ft, 0, FT_NO_PASID, 3, i, i % 3 == 2);
	for (i = 0; i < 250; i++)
		ft_report(ft, 0, FT_NO_PASID, 4, 150 + i, i == 249);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 399 * 40), 150 * 40);
	for (i = 0; i < 150; i++)
		KUNIT_EXPECT_EQ(test, ft->recs[i].addr, i);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 249 * 40), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft_read_bytes(ft, 251 * 40), 250 * 40);
	for (i = 0; i < 250; i++)
		KUNIT_EXPECT_EQ(test, ft->recs[i].addr, 150 + i);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

/* Record @i of a read to user memory, in which the first one tells of a loss */
static void file_expect_record(struct kunit *test, unsigned long buf, u32 i)
{
	struct iommu_hwpt_pgfault rec;
	u32 flags = (i ? 0 : IOMMU_PGFAULT_FLAGS_LOST) |
		    (i % 40 == 39 ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0);

	KUNIT_ASSERT_EQ(test, 0, copy_from_user(&rec, (void __user *)buf +
						i * sizeof(rec), sizeof(rec)));
	KUNIT_EXPECT_EQ(test, rec.flags, flags);
	KUNIT_EXPECT_EQ(test, rec.grpid, i / 40);
	KUNIT_EXPECT_EQ(test, rec.addr, i);
	KUNIT_EXPECT_NE(test, rec.cookie, 0);
}

/*
 * User memory that ends in the buffer: whole groups before the end are read, the
 * one across it stays, nothing spins.
 */
static void file_test_read_efault(struct kunit *test)
{
	struct ft *ft = ft_new(test, 512, 512);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	unsigned long addr;
	u32 i, at;

	addr = test_user_mmap(test, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (!addr || IS_ERR_VALUE(addr))
		kunit_skip(test, "no user memory");
	KUNIT_ASSERT_EQ(test, vm_munmap(addr + 2 * PAGE_SIZE, PAGE_SIZE), 0);

	/* Five groups of 40 records; the memory ends after @at. */
	for (at = 0; at <= 201; at += at % 40 == 39 || at % 40 < 2 ? 1 : 13) {
		unsigned long buf = addr + 2 * PAGE_SIZE - at * 40 - (at & 1) * 8;
		ssize_t whole = min(at / 40, 5U);
		struct iov_iter iter;

		/* Something lost, to see that it is told with the first group. */
		ft->queue->lost = true;
		for (i = 0; i < 200; i++)
			KUNIT_EXPECT_EQ(test,
					ft_report(ft, 0, FT_NO_PASID, i / 40, i,
						  i % 40 == 39),
					IOMMUFD_FAULT_TAKEN);
		iov_iter_ubuf(&iter, ITER_DEST, (void __user *)buf, 200 * 40);
		KUNIT_EXPECT_EQ_MSG(test,
				    fault_queue_read(ft->queue, &iter, false),
				    whole ? whole * 1600 : -EFAULT,
				    "at %u", at);
		KUNIT_EXPECT_EQ(test, iov_iter_count(&iter),
				200 * 40 - whole * 1600);
		KUNIT_EXPECT_EQ(test, ft->queue->lost, !whole);
		for (i = 0; i < whole * 40; i++)
			file_expect_record(test, buf, i);
		KUNIT_EXPECT_EQ(test, ft_read(ft, 200), (5 - whole) * 1600);
		for (i = 0; i < (5 - whole) * 40; i++)
			KUNIT_EXPECT_EQ(test, ft->recs[i].addr, whole * 40 + i);
		/* All, once, and they can be answered. */
		iommufd_fault_attach_remove(attach);
		ft_ledger(ft, 0);
		attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	}
	iommufd_fault_attach_remove(attach);
	ft_done(ft);
}

static void file_test_write_efault(struct kunit *test)
{
	struct ft *ft = ft_new(test, 64, 64);
	struct iommufd_fault_attach *attach = ft_attach(ft, 0, IOMMU_NO_PASID);
	struct iommu_hwpt_page_response resp[20] = {};
	struct iov_iter iter;
	unsigned long addr, buf;
	u32 i;

	addr = test_user_mmap(test, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (!addr || IS_ERR_VALUE(addr))
		kunit_skip(test, "no user memory");
	KUNIT_ASSERT_EQ(test, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE), 0);
	for (i = 0; i < 20; i++)
		ft_report(ft, 0, FT_NO_PASID, i, i, true);
	KUNIT_EXPECT_EQ(test, ft_read(ft, 64), 800);
	for (i = 0; i < 20; i++)
		resp[i].cookie = ft->recs[i].cookie;
	/* Ends in the middle of the sixth. */
	buf = addr + PAGE_SIZE - 5 * 8 - 4;
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)buf, resp, 44), 0);
	iov_iter_ubuf(&iter, ITER_SOURCE, (void __user *)buf, 160);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), 40);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 120);
	KUNIT_EXPECT_EQ(test, fault_queue_write(ft->queue, &iter, false), -EFAULT);
	KUNIT_EXPECT_EQ(test, ft->unit[0]->num, 5);
	iommufd_fault_attach_remove(attach);
	ft_ledger(ft, 0);
	ft_done(ft);
}

static struct kunit_case file_cases[] = {
	KUNIT_CASE(file_test_cookies),
	KUNIT_CASE(file_test_codes),
	KUNIT_CASE(file_test_batches),
	KUNIT_CASE(file_test_read_sizes),
	KUNIT_CASE(file_test_read_efault),
	KUNIT_CASE(file_test_write_efault),
	{}
};

static struct kunit_suite file_suite = {
	.name = "iommufd_fault_file",
	.test_cases = file_cases,
};

kunit_test_suite(file_suite);
