// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces: what happens at the edges (batches, failures half way, memory
 * that is not there, parts of pages), and in-kernel users against unmaps.
 */
#include <linux/file.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/user.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/swapops.h>

#include "map/iova_space.h"
#include "map/pages.h"
#include "map_kunit.h"

#define RW (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define BASE 0x1000000UL

static int map_for(struct iova_space *space, enum map_charge whom,
		   unsigned long iova, unsigned long addr, unsigned long length)
{
	return iova_space_map_user(space, whom, &iova, (void __user *)addr,
				   length, RW, 0);
}

static int map_at(struct iova_space *space, unsigned long iova,
		  unsigned long addr, unsigned long length)
{
	return map_for(space, MAP_CHARGE_USER, iova, addr, length);
}

static void map_errors(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct soft_domain *soft, *large;
	unsigned long iova = 0, done = 1;
	struct iova_space space;

	if (!mem)
		return;
	iova_space_init(&space);
	KUNIT_EXPECT_EQ(test, -EINVAL, map_at(&space, BASE, mem->addr, 0));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW,
			map_at(&space, BASE, -PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_at(&space, BASE, mem->addr, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW,
			map_at(&space, -PAGE_SIZE, mem->addr, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW,
			iova_space_map_user(&space, MAP_CHARGE_USER, &iova,
					    NULL, ULONG_MAX / 2, RW,
					    IOVA_SPACE_CHOOSE_IOVA));
	KUNIT_EXPECT_EQ(test, -EINVAL, iova_space_unmap(&space, BASE, 0, &done));
	KUNIT_EXPECT_EQ(test, 0, done);
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, iova_space_unmap(&space, BASE,
							   ULONG_MAX, &done));
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE, 1, &done));

	/* An odd place is fine until a page table cannot take it */
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, BASE + 1, mem->addr + 1, 2));
	soft = soft_domain_new(test, PAGE_SIZE / 2, BASE, BASE + SZ_1M - 1);
	KUNIT_EXPECT_EQ(test, -EADDRINUSE,
			iova_space_add_domain(&space, &soft->domain));
	KUNIT_EXPECT_EQ(test, 1, iova_space_alignment(&space));
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, &done));
	KUNIT_EXPECT_EQ(test, 2, done);

	large = soft_domain_new(test, 2 * PAGE_SIZE, 0, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iova_space_add_domain(&space, &large->domain));

	/* Outside of what the page table translates */
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, PAGE_SIZE, mem->addr,
					PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EADDRINUSE,
			iova_space_add_domain(&space, &soft->domain));
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));
	KUNIT_EXPECT_EQ(test, 0, iova_space_add_domain(&space, &soft->domain));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, iova_space_alignment(&space));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_at(&space, PAGE_SIZE, mem->addr,
					      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_at(&space, BASE + 1, mem->addr,
					      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_at(&space, BASE, mem->addr + 1,
					      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_at(&space, BASE, mem->addr,
					      PAGE_SIZE - 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, BASE, PAGE_SIZE,
					      PAGE_SIZE));

	/* What is mapped for reading is not copied for writing */
	iova = BASE;
	KUNIT_EXPECT_EQ(test, 0,
			iova_space_map_user(&space, MAP_CHARGE_USER, &iova,
					    (void __user *)mem->addr, PAGE_SIZE,
					    IOMMU_READ, 0));
	iova = BASE + PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -EPERM,
			iova_space_copy(&space, &space, BASE, PAGE_SIZE, &iova,
					RW, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iova_space_copy(&space, &space, BASE, 2 * PAGE_SIZE,
					&iova, IOMMU_READ, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, iova_space_disable_large_pages(&space));
	iova_space_remove_domain(&space, &soft->domain);
	iova_space_destroy(&space);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	user_memory_free(mem);
}

static void expect_pins(struct kunit *test, struct user_memory *mem,
			unsigned int pins)
{
	unsigned long i;

	for (i = 0; i < mem->npages; i++)
		KUNIT_EXPECT_EQ_MSG(test, pins, page_pins(mem->pages[i]),
				    "page %lu", i);
}

static void expect_charge(struct kunit *test, struct charges before,
			  enum map_charge whom, unsigned long npages)
{
	bool user = whom == MAP_CHARGE_USER;
	struct charges now = charges_now();

	KUNIT_EXPECT_EQ(test, now.user - before.user, user ? npages : 0);
	KUNIT_EXPECT_EQ(test, now.process - before.process, user ? 0 : npages);
	KUNIT_EXPECT_EQ(test, now.pinned - before.pinned, npages);
}

static void expect_translation(struct kunit *test, struct soft_domain *soft,
			       unsigned long iova, struct user_memory *mem,
			       unsigned long offset, unsigned long length)
{
	unsigned long i;

	for (i = 0; i < length; i += soft->granule) {
		phys_addr_t want = page_to_phys(mem->pages[(offset + i) /
							   PAGE_SIZE]) +
				   (offset + i) % PAGE_SIZE;

		KUNIT_EXPECT_EQ_MSG(test, soft_domain_lookup(soft, iova + i),
				    want, "at %lx", iova + i);
	}
}

/* A map, a copy of part of it, two page tables, and all of it undone. */
static void batch_case(struct kunit *test, struct user_memory *mem,
		       enum map_charge whom)
{
	struct charges before = charges_now();
	unsigned long copy = BASE + SZ_1M;
	struct soft_domain *one, *two;
	struct iova_space_stat st;
	struct iova_space space;

	one = soft_domain_new(test, PAGE_SIZE, 0, ULONG_MAX);
	two = soft_domain_new(test, PAGE_SIZE / 2, 0, ULONG_MAX);
	iova_space_init(&space);
	KUNIT_EXPECT_EQ(test, 0, map_for(&space, whom, BASE, mem->addr,
					 67 * PAGE_SIZE));
	/* Nothing is pinned before somebody needs it */
	expect_pins(test, mem, 0);
	KUNIT_EXPECT_EQ(test, 0, iova_space_add_domain(&space, &one->domain));
	expect_pins(test, mem, 1);
	expect_charge(test, before, whom, 67);
	KUNIT_EXPECT_EQ(test, 0, iova_space_copy(&space, &space, BASE,
						 40 * PAGE_SIZE, &copy, RW, 0));
	KUNIT_EXPECT_EQ(test, 0, iova_space_add_domain(&space, &two->domain));
	expect_pins(test, mem, 1);
	expect_charge(test, before, whom, 67);
	expect_translation(test, one, BASE, mem, 0, 67 * PAGE_SIZE);
	expect_translation(test, two, BASE, mem, 0, 67 * PAGE_SIZE);
	expect_translation(test, two, copy, mem, 0, 40 * PAGE_SIZE);
	iova_space_get_stat(&space, 1, &st);
	KUNIT_EXPECT_EQ(test, st.areas, 2);
	KUNIT_EXPECT_EQ(test, st.mapped_bytes, 107 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, st.pinned_pages, 67);
	KUNIT_EXPECT_EQ(test, st.domains, 2);

	/* The copy keeps what it needs, and no more */
	one->syncs = 0;
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE, 67 * PAGE_SIZE,
						  NULL));
	KUNIT_EXPECT_EQ(test, one->syncs, 1);
	expect_charge(test, before, whom, 40);
	KUNIT_EXPECT_EQ(test, 1, page_pins(mem->pages[39]));
	KUNIT_EXPECT_EQ(test, 0, page_pins(mem->pages[40]));
	iova_space_remove_domain(&space, &one->domain);
	expect_charge(test, before, whom, 40);
	iova_space_remove_domain(&space, &two->domain);
	expect_pins(test, mem, 0);
	expect_charge(test, before, whom, 0);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(one));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(two));
	iova_space_destroy(&space);
}

/* Whatever the size of a batch: the same pages, once each, and none is left. */
static void map_batches(struct kunit *test)
{
	static const size_t sizes[] = { 1, 8, 16, 24, 136, 1024, 65536 };
	struct user_memory *mem = user_memory_new(test, 67);
	size_t saved = map_batch_bytes;
	int i;

	if (!mem)
		return;
	become_ordinary(test, SZ_1M);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		map_batch_bytes = sizes[i];
		batch_case(test, mem, MAP_CHARGE_USER);
		batch_case(test, mem, MAP_CHARGE_PROCESS);
	}
	map_batch_bytes = saved;
	user_memory_free(mem);
}

/* One page more than the limit: refused, and nothing is left of it. */
static void map_limit(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 9);
	struct soft_domain *soft;
	struct iova_space space;
	struct charges before;
	enum map_charge whom;

	if (!mem)
		return;
	soft = soft_domain_new(test, PAGE_SIZE, 0, ULONG_MAX);
	before = charges_now();
	for (whom = MAP_CHARGE_USER; whom <= MAP_CHARGE_PROCESS; whom++) {
		become_ordinary(test, (before.user + 8) * PAGE_SIZE);
		iova_space_init(&space);
		iova_space_add_domain(&space, &soft->domain);
		KUNIT_EXPECT_EQ(test, -ENOMEM, map_for(&space, whom, BASE,
						       mem->addr,
						       9 * PAGE_SIZE));
		expect_pins(test, mem, 0);
		expect_charge(test, before, whom, 0);
		KUNIT_EXPECT_EQ(test, 0, map_for(&space, whom, BASE, mem->addr,
						 8 * PAGE_SIZE));
		expect_charge(test, before, whom, 8);
		iova_space_destroy_all(&space, &soft->domain);
		expect_charge(test, before, whom, 0);
	}
	user_memory_free(mem);
}

/* While memory is given away two pay, or neither. */
static void map_two_pay(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 1);
	struct map_pages pages = { .charge = MAP_CHARGE_USER };
	struct user_struct *other;
	struct map_owner next;
	struct charges before;

	if (!mem)
		return;
	other = alloc_uid(make_kuid(&init_user_ns, 47130));
	KUNIT_ASSERT_NOT_NULL(test, other);
	before = charges_now();
	become_ordinary(test, (before.user + 8) * PAGE_SIZE);
	map_owner_set_current(&pages.owner);
	next = pages.owner;
	next.user = other;
	pages.next_owner = &next;

	/* Of the 8 that each may have the other one has used some. */
	atomic_long_set(&other->locked_vm, before.user + 5);
	KUNIT_EXPECT_EQ(test, -ENOMEM, map_pages_charge(&pages, 4));
	expect_charge(test, before, MAP_CHARGE_USER, 0);
	KUNIT_EXPECT_EQ(test, before.user + 5,
			atomic_long_read(&other->locked_vm));
	KUNIT_EXPECT_EQ(test, 0, map_pages_charge(&pages, 3));
	KUNIT_EXPECT_EQ(test, before.user + 3,
			atomic_long_read(&pages.owner.user->locked_vm));
	KUNIT_EXPECT_EQ(test, before.user + 8,
			atomic_long_read(&other->locked_vm));
	map_pages_uncharge(&pages, 3);
	expect_charge(test, before, MAP_CHARGE_USER, 0);
	KUNIT_EXPECT_EQ(test, before.user + 5,
			atomic_long_read(&other->locked_vm));

	map_owner_put(&pages.owner);
	atomic_long_set(&other->locked_vm, 0);
	free_uid(other);
	user_memory_free(mem);
}

/*
 * The page table refuses at its Nth call, for each N: as before, for a map, a
 * copy of several areas, and a second page table. Then a hole in the memory, at
 * each page.
 */
static void map_failures(struct kunit *test)
{
	enum { NR = 12 };
	struct user_memory *mem = user_memory_new(test, NR);
	unsigned long length = NR * PAGE_SIZE;
	struct soft_domain *one, *two;
	struct iova_space space;
	struct charges before;
	unsigned long copy;
	size_t saved = map_batch_bytes;
	unsigned int n;
	int rc;

	if (!mem)
		return;
	become_ordinary(test, SZ_1M);
	before = charges_now();
	one = soft_domain_new(test, PAGE_SIZE, 0, ULONG_MAX);
	two = soft_domain_new(test, PAGE_SIZE, 0, ULONG_MAX);
	iova_space_init(&space);
	/* One call for each page, however memory lies */
	KUNIT_ASSERT_EQ(test, 0, iova_space_disable_large_pages(&space));
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_domain(&space, &one->domain));
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_domain(&space, &two->domain));

	for (n = 1, rc = -ENOMEM; rc; n++) {
		two->maps = 0;
		two->fail_at = n;
		rc = map_at(&space, BASE, mem->addr, length);
		KUNIT_ASSERT_EQ(test, rc, n <= NR ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, !rc, !soft_domain_is_empty(one));
		KUNIT_EXPECT_EQ(test, !rc, !soft_domain_is_empty(two));
		expect_pins(test, mem, rc ? 0 : 1);
		expect_charge(test, before, MAP_CHARGE_USER, rc ? 0 : NR);
	}

	/* Two areas, so that the first has to be taken out again */
	copy = BASE + 5 * PAGE_SIZE - 1;
	KUNIT_ASSERT_EQ(test, 0, iova_space_cut(&space, &copy, 1));
	copy = BASE + SZ_1M;
	for (n = 1, rc = -ENOMEM; rc; n++) {
		two->maps = 0;
		two->fail_at = n;
		rc = iova_space_copy(&space, &space, BASE, length, &copy, RW, 0);
		KUNIT_ASSERT_EQ(test, rc, n <= NR ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, !!rc, !soft_domain_lookup(one, copy));
		expect_pins(test, mem, 1);
	}
	KUNIT_ASSERT_EQ(test, 0, iova_space_unmap(&space, copy, length, NULL));

	/* The second page table alone, then the first one, which also pins */
	iova_space_remove_domain(&space, &two->domain);
	for (n = 1, rc = -ENOMEM; rc; n++) {
		two->maps = 0;
		two->fail_at = n;
		rc = iova_space_add_domain(&space, &two->domain);
		KUNIT_ASSERT_EQ(test, rc, n <= NR ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, !!rc, soft_domain_is_empty(two));
		expect_pins(test, mem, 1);
	}
	iova_space_remove_domain(&space, &two->domain);
	iova_space_remove_domain(&space, &one->domain);
	expect_pins(test, mem, 0);
	for (n = 1, rc = -ENOMEM; rc; n++) {
		one->maps = 0;
		one->fail_at = n;
		rc = iova_space_add_domain(&space, &one->domain);
		KUNIT_ASSERT_EQ(test, rc, n <= NR ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, !!rc, soft_domain_is_empty(one));
		expect_pins(test, mem, rc ? 0 : 1);
	}
	KUNIT_ASSERT_EQ(test, 0, iova_space_unmap_all(&space, NULL));

	one->fail_at = 0;
	map_batch_bytes = 3 * sizeof(void *);
	for (n = NR; n-- > 0;) {
		KUNIT_ASSERT_EQ(test, 0, vm_munmap(mem->addr + n * PAGE_SIZE,
						   PAGE_SIZE));
		rc = map_at(&space, BASE, mem->addr, length);
		KUNIT_ASSERT_EQ(test, rc, -EFAULT);
		KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(one));
		expect_pins(test, mem, 0);
		expect_charge(test, before, MAP_CHARGE_USER, 0);
	}
	map_batch_bytes = saved;
	iova_space_destroy_all(&space, &one->domain);
	user_memory_free(mem);
}

enum { HALF = PAGE_SIZE / 2 };

static void subpage_case(struct kunit *test, struct iova_space *space,
			 struct soft_domain *soft, struct user_memory *mem,
			 unsigned long start, unsigned long end)
{
	unsigned long length = (end - start) * HALF;
	unsigned long iova = BASE + HALF;
	unsigned long i;

	KUNIT_ASSERT_EQ(test, 0, map_at(space, iova, mem->addr + start * HALF,
					length));
	expect_translation(test, soft, iova, mem, start * HALF, length);
	KUNIT_EXPECT_EQ(test, 0, soft_domain_lookup(soft, iova - HALF));
	KUNIT_EXPECT_EQ(test, 0, soft_domain_lookup(soft, iova + length));
	for (i = 0; i < mem->npages; i++)
		KUNIT_EXPECT_EQ(test, page_pins(mem->pages[i]),
				i >= start / 2 && i <= (end - 1) / 2);
	KUNIT_ASSERT_EQ(test, 0, iova_space_unmap(space, iova, length, NULL));
	expect_pins(test, mem, 0);
}

/* Areas that begin and end inside of pages, at both sides. */
static void map_subpage(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct soft_domain *soft;
	struct iova_space space;
	unsigned long start, end;

	if (!mem)
		return;
	soft = iova_space_init_soft(&space, test, HALF, ULONG_MAX);
	for (start = 0; start < 8; start++)
		for (end = start + 1; end <= 8; end++)
			subpage_case(test, &space, soft, mem, start, end);
	iova_space_destroy_all(&space, &soft->domain);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	user_memory_free(mem);
}

static int by_pfn(const void *a, const void *b)
{
	unsigned long pfn_a = page_to_pfn(*(struct page **)a);
	unsigned long pfn_b = page_to_pfn(*(struct page **)b);

	return pfn_a < pfn_b ? -1 : pfn_a > pfn_b;
}

/* Put four pages of a file at @addr, in another order than they have in memory. */
static void permute(struct kunit *test, struct file *file, unsigned long addr,
		    struct page **sorted, struct page **pages)
{
	static const int order[4] = { 0, 2, 1, 3 };
	int i;

	for (i = 0; i < 4; i++, addr += PAGE_SIZE) {
		pages[i] = sorted[order[i]];
		get_page(pages[i]);
		KUNIT_ASSERT_EQ(test, addr,
				vm_mmap(file, addr, PAGE_SIZE,
					PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_FIXED,
					page_offset(pages[i])));
	}
}

/*
 * Neighbours in memory that user space has put in another order: the first and
 * the last of four are where they belong, the two in between are not.
 */
static void map_permuted(struct kunit *test)
{
	enum { FILE_PAGES = 512, NR = 16 };
	struct user_memory *mem = user_memory_new(test, NR);
	struct soft_domain *soft;
	struct iova_space space;
	struct page **sorted;
	struct file *file;
	int i, found = 0;

	if (!mem)
		return;
	user_memory_free(mem);
	sorted = kunit_kcalloc(test, FILE_PAGES, sizeof(*sorted), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sorted);
	file = shmem_kernel_file_setup("map_kunit", FILE_PAGES * PAGE_SIZE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	for (i = 0; i < FILE_PAGES; i++) {
		sorted[i] = shmem_read_mapping_page(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(sorted[i]));
	}
	sort(sorted, FILE_PAGES, sizeof(*sorted), by_pfn, NULL);
	for (i = 0; i + 4 <= FILE_PAGES && found < NR; i++) {
		if (page_to_pfn(sorted[i + 3]) != page_to_pfn(sorted[i]) + 3)
			continue;
		permute(test, file, mem->addr + found * PAGE_SIZE, &sorted[i],
			&mem->pages[found]);
		found += 4;
		i += 3;
	}
	for (i = 0; i < FILE_PAGES; i++)
		put_page(sorted[i]);
	mem->npages = found;

	soft = iova_space_init_soft(&space, test, PAGE_SIZE, ULONG_MAX);
	if (!found) {
		kunit_mark_skipped(test, "no neighbours in %d pages",
				   FILE_PAGES);
	} else {
		KUNIT_ASSERT_EQ(test, 0, map_at(&space, BASE, mem->addr,
						found * PAGE_SIZE));
		expect_translation(test, soft, BASE, mem, 0,
				   found * PAGE_SIZE);
		expect_pins(test, mem, 1);
	}
	iova_space_destroy_all(&space, &soft->domain);
	expect_pins(test, mem, 0);
	user_memory_free(mem);
	fput(file);
}

/**
 * struct racer - an in-kernel user with a thread that pins and copies
 * @user: base
 * @space: the space
 * @lock: guards @pinned, and is held from a pin to it being noted
 * @pinned: one page at BASE is pinned
 * @wrong: an errno that nothing of this should give
 * @pins: how often it could pin
 */
struct racer {
	struct iova_space_user user;
	struct iova_space *space;
	struct mutex lock;
	bool pinned;
	int wrong;
	int pins;
};

static bool racer_get(struct iova_space_user *user)
{
	return true;
}

static void racer_put(struct iova_space_user *user)
{
}

static void racer_unpin(struct racer *racer)
{
	if (racer->pinned)
		iova_space_unpin(racer->space, BASE, PAGE_SIZE);
	racer->pinned = false;
}

static void racer_unmap(struct iova_space_user *user, unsigned long iova,
			unsigned long length)
{
	struct racer *racer = container_of(user, struct racer, user);

	mutex_lock(&racer->lock);
	racer_unpin(racer);
	mutex_unlock(&racer->lock);
}

/* An unmap may come before, in between, or after: these say so. */
static void racer_note(struct racer *racer, int rc)
{
	if (rc && rc != -ENOENT && rc != -EINVAL)
		racer->wrong = rc;
}

static int racer_thread(void *arg)
{
	struct racer *racer = arg;
	struct page *page;
	u8 data[64];
	int rc;

	while (!kthread_should_stop()) {
		mutex_lock(&racer->lock);
		rc = iova_space_pin(racer->space, BASE, PAGE_SIZE, &page,
				    IOMMUFD_ACCESS_RW_WRITE);
		racer->pinned = !rc;
		racer->pins += !rc;
		mutex_unlock(&racer->lock);
		racer_note(racer, rc);

		racer_note(racer, iova_space_rw(racer->space, BASE + 40, data,
						sizeof(data), 0));
		racer_note(racer, iova_space_rw(racer->space, BASE + 4090, data,
						sizeof(data),
						IOMMUFD_ACCESS_RW_KTHREAD |
						IOMMUFD_ACCESS_RW_WRITE));
		mutex_lock(&racer->lock);
		racer_unpin(racer);
		mutex_unlock(&racer->lock);
		cond_resched();
	}
	return 0;
}

/* Pins and copies by another thread, against unmaps and page tables. */
static void map_race(struct kunit *test)
{
	struct user_memory *mem = user_memory_new(test, 4);
	struct racer racer = {
		.user = { .alignment = PAGE_SIZE, .get = racer_get,
			  .put = racer_put, .unmap = racer_unmap },
	};
	struct soft_domain *soft;
	struct task_struct *task;
	struct iova_space space;
	int i;

	if (!mem)
		return;
	soft = soft_domain_new(test, PAGE_SIZE, 0, ULONG_MAX);
	iova_space_init(&space);
	racer.space = &space;
	mutex_init(&racer.lock);
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_user(&space, &racer.user));
	task = kthread_run(racer_thread, &racer, "map_race");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 400 || (i < 100000 && !racer.pins); i++) {
		KUNIT_EXPECT_EQ(test, 0, map_at(&space, BASE, mem->addr,
						4 * PAGE_SIZE));
		if (i % 3 == 1)
			KUNIT_EXPECT_EQ(test, 0,
					iova_space_add_domain(&space,
							      &soft->domain));
		if (i % 5 == 0)
			schedule_timeout_uninterruptible(1);
		if (i % 3 == 2)
			iova_space_remove_domain(&space, &soft->domain);
		KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE,
							  4 * PAGE_SIZE, NULL));
		/* Whoever waits for an unmap may rely on this */
		expect_pins(test, mem, 0);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, 0, racer.wrong);
	KUNIT_EXPECT_GT(test, racer.pins, 0);
	if (!list_empty(&space.domains))
		iova_space_remove_domain(&space, &soft->domain);
	iova_space_remove_user(&space, &racer.user);
	iova_space_destroy(&space);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	user_memory_free(mem);
}

/* Of however many page tables, in whichever order they come and go: the largest */
static void map_alignments(struct kunit *test)
{
	struct soft_domain *soft[24];
	struct iova_space space;
	unsigned int round, i;
	u32 random = 1;
	u32 there = 0;

	iova_space_init(&space);
	for (i = 0; i < ARRAY_SIZE(soft); i++)
		soft[i] = soft_domain_new(test, PAGE_SIZE >> (i % 6), 0,
					  ULONG_MAX);
	for (round = 0; round < 1000; round++) {
		unsigned long want = 1;

		random = random * 1103515245 + 12345;
		i = (random >> 16) % ARRAY_SIZE(soft);
		if (there & BIT(i))
			iova_space_remove_domain(&space, &soft[i]->domain);
		else
			KUNIT_EXPECT_EQ(test, 0,
					iova_space_add_domain(&space,
							      &soft[i]->domain));
		there ^= BIT(i);
		for (i = 0; i < ARRAY_SIZE(soft); i++)
			if (there & BIT(i))
				want = max(want, PAGE_SIZE >> (i % 6));
		KUNIT_EXPECT_EQ(test, want, iova_space_alignment(&space));
	}
	for (i = 0; i < ARRAY_SIZE(soft); i++)
		if (there & BIT(i))
			iova_space_remove_domain(&space, &soft[i]->domain);
	KUNIT_EXPECT_EQ(test, 1, iova_space_alignment(&space));
	iova_space_destroy(&space);
}

/* More than are found in one lookup of the file */
#define FILE_PAGES	40

/* Pages of the file, held so that they stay what they are */
static struct user_memory *file_memory_new(struct kunit *test, struct file *file)
{
	struct user_memory *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	struct folio *folio;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	mem->pages = kunit_kcalloc(test, FILE_PAGES, sizeof(*mem->pages),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem->pages);
	for (; mem->npages < FILE_PAGES; mem->npages++) {
		folio = shmem_read_folio(file->f_mapping, mem->npages);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		mem->pages[mem->npages] = folio_file_page(folio, mem->npages);
	}
	return mem;
}

/*
 * Reclaim moves a page of a file to swap while the file is pinned: from some time before the
 * file lets go of it on, folio_index() is that of swap. Every page is mapped in its place.
 */
static void map_file_to_swap(struct kunit *test)
{
	struct user_memory *user, *mem;
	unsigned long iova = BASE, i;
	struct soft_domain *soft;
	struct iova_space space;
	struct folio *folio;
	struct file *file;

	if (!IS_ENABLED(CONFIG_SWAP))
		kunit_skip(test, "nothing goes to swap here");
	/* For a process to charge */
	user = user_memory_new(test, 1);
	if (!user)
		return;
	file = shmem_file_setup("iommufd-kunit", FILE_PAGES * PAGE_SIZE,
				VM_NORESERVE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	mem = file_memory_new(test, file);
	soft = iova_space_init_soft(&space, test, PAGE_SIZE, ULONG_MAX);

	for (i = 0; i < FILE_PAGES; i += 3) {
		folio = page_folio(mem->pages[i]);
		/* As add_to_swap_cache() leaves it */
		folio->swap = swp_entry(0, 1000);
		folio_set_swapcache(folio);
		KUNIT_EXPECT_EQ(test, 0,
				iova_space_map_file(&space, MAP_CHARGE_USER,
						    &iova, file, 0,
						    FILE_PAGES * PAGE_SIZE, RW,
						    0));
		folio_clear_swapcache(folio);
		folio->swap.val = 0;
		expect_pins(test, mem, 1);
		expect_translation(test, soft, BASE, mem, 0,
				   FILE_PAGES * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));
		expect_pins(test, mem, 0);
	}
	iova_space_destroy_all(&space, &soft->domain);
	for (i = 0; i < FILE_PAGES; i++)
		put_page(mem->pages[i]);
	fput(file);
	user_memory_free(user);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(map_errors),
	KUNIT_CASE(map_batches),
	KUNIT_CASE(map_limit),
	KUNIT_CASE(map_two_pay),
	KUNIT_CASE(map_failures),
	KUNIT_CASE(map_subpage),
	KUNIT_CASE(map_permuted),
	KUNIT_CASE(map_alignments),
	KUNIT_CASE(map_file_to_swap),
	KUNIT_CASE_SLOW(map_race),
	{}
};

static struct kunit_suite map_suite = {
	.name = "iommufd_map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of iommufd's address spaces");
MODULE_LICENSE("GPL");
