// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory without pages, as a BAR is to a process: mapped without a pin, taken back by
 * its driver at any time. The driver is here, and nobody touches the memory.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mmu_notifier.h>
#include <linux/sizes.h>

#include "map/iova_space.h"
#include "map_kunit.h"

#define BASE 0x1000000UL
#define RW (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define RO (IOMMU_READ | IOMMU_CACHE)

/* There is no memory there in any machine that this is run on. */
#define BAR_PADDR BIT_ULL(39)
#define NPAGES 4UL

/**
 * struct bar - a BAR, and its driver
 * @file: what a process maps
 * @addr: where the test has
 * @pfn: its first page
 * @on: it answers
 * @faults: faults of the process so far
 * @zap_at: in this one it is taken away, counted from 1; 0: in none
 */
struct bar {
	struct file *file;
	unsigned long addr;
	unsigned long pfn;
	bool on;
	unsigned int faults;
	unsigned int zap_at;
};

/* As before a reset. Returns when nobody reaches it any more. */
static void bar_zap(struct bar *bar)
{
	unmap_mapping_range(bar->file->f_mapping, 0, 0, true);
}

static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	struct bar *bar = vmf->vma->vm_private_data;

	if (!bar->on)
		return VM_FAULT_SIGBUS;
	if (++bar->faults == bar->zap_at)
		bar_zap(bar);
	return vmf_insert_pfn(vmf->vma, vmf->address, bar->pfn + vmf->pgoff);
}

static const struct vm_operations_struct bar_vm_ops = {
	.fault = bar_fault,
};

static int bar_mmap(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &bar_vm_ops;
	vma->vm_private_data = file->private_data;
	return 0;
}

static const struct file_operations bar_fops = {
	.mmap = bar_mmap,
};

static unsigned long bar_see(struct kunit *test, struct bar *bar,
			     unsigned long prot, unsigned long flags)
{
	unsigned long addr = kunit_vm_mmap(test, bar->file, 0,
					   NPAGES * PAGE_SIZE, prot, flags, 0);

	KUNIT_ASSERT_NE(test, 0, addr);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/* NULL if there is no user memory here; the test has been marked as skipped. */
static struct bar *bar_new(struct kunit *test)
{
	struct bar *bar = kunit_kzalloc(test, sizeof(*bar), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bar);
	/* An address space of the test's own, with all that belongs to it */
	if (!user_mmap_or_skip(test, 1))
		return NULL;
	bar->on = true;
	bar->pfn = PHYS_PFN(BAR_PADDR);
	bar->file = anon_inode_getfile("[bar]", &bar_fops, bar, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bar->file));
	bar->addr = bar_see(test, bar, PROT_READ | PROT_WRITE, MAP_SHARED);
	return bar;
}

static int map_at(struct iova_space *space, unsigned long addr,
		  unsigned long npages, unsigned long iova, int prot)
{
	return iova_space_map_user(space, MAP_CHARGE_USER, &iova,
				   (void __user *)addr, npages * PAGE_SIZE,
				   prot, 0);
}

static struct soft_domain *space_new(struct kunit *test,
				     struct iova_space *space)
{
	return iova_space_init_soft(space, test, PAGE_SIZE, SZ_1G - 1);
}

/* The same with a BAR mapped at BASE */
static struct soft_domain *space_of(struct kunit *test, struct bar *bar,
				    struct iova_space *space)
{
	struct soft_domain *soft = space_new(test, space);

	KUNIT_ASSERT_EQ(test, 0, map_at(space, bar->addr, NPAGES, BASE, RW));
	return soft;
}

static void bar_end(struct bar *bar, struct iova_space *space,
		    struct soft_domain *soft)
{
	iova_space_destroy_all(space, &soft->domain);
	fput(bar->file);
}

static void expect_there(struct kunit *test, struct soft_domain *soft,
			 unsigned long iova)
{
	unsigned long i;

	for (i = 0; i < NPAGES; i++)
		KUNIT_EXPECT_EQ(test, BAR_PADDR + i * PAGE_SIZE,
				soft_domain_lookup(soft, iova + i * PAGE_SIZE));
}

static unsigned long revoked(struct iova_space *space)
{
	struct iova_space_stat st;

	iova_space_get_stat(space, 1, &st);
	return st.revoked;
}

static int count_piece(unsigned long iova, unsigned long length, void *opaque)
{
	++*(unsigned int *)opaque;
	return 0;
}

/* Mapped without a charge; gone from the table when it is taken away; mapped anew. */
static void revoked_and_mapped_again(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	unsigned long unmapped = 0;
	struct charges before, now;
	struct iova_space space;
	struct soft_domain *soft;
	unsigned int pieces = 0;

	if (!bar)
		return;
	soft = space_new(test, &space);
	/* Less than the BAR has */
	become_ordinary(test, PAGE_SIZE);
	before = charges_now();
	KUNIT_ASSERT_EQ(test, 0, map_at(&space, bar->addr, NPAGES, BASE, RW));
	now = charges_now();
	KUNIT_EXPECT_EQ(test, 0, memcmp(&before, &now, sizeof(now)));
	expect_there(test, soft, BASE);
	KUNIT_EXPECT_EQ(test, 0, revoked(&space));
	/* Who looks for what devices wrote does not look there. */
	KUNIT_EXPECT_EQ(test, 0, iova_space_walk(&space, BASE, PAGE_SIZE,
						 count_piece, &pieces));
	KUNIT_EXPECT_EQ(test, 0, iova_space_walk_all(&space, count_piece,
						     &pieces));
	KUNIT_EXPECT_EQ(test, 0, pieces);

	bar_zap(bar);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	KUNIT_EXPECT_EQ(test, 1, revoked(&space));
	/* Once more, of what is gone already */
	bar_zap(bar);
	KUNIT_EXPECT_EQ(test, -EEXIST, map_at(&space, bar->addr, 1, BASE, RW));

	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE,
						  NPAGES * PAGE_SIZE,
						  &unmapped));
	KUNIT_EXPECT_EQ(test, NPAGES * PAGE_SIZE, unmapped);
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, bar->addr, NPAGES, BASE, RW));
	expect_there(test, soft, BASE);
	KUNIT_EXPECT_EQ(test, 0, revoked(&space));
	bar_end(bar, &space, soft);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
}

/* A page table that comes later, before and after; a copy; all are found. */
static void revoked_everywhere(struct kunit *test)
{
	unsigned long at = BASE + SZ_1M;
	struct bar *bar = bar_new(test);
	struct soft_domain *soft[3];
	struct iova_space space;

	if (!bar)
		return;
	soft[0] = space_of(test, bar, &space);
	soft[1] = soft_domain_new(test, PAGE_SIZE, 0, SZ_1G - 1);
	soft[2] = soft_domain_new(test, PAGE_SIZE, 0, SZ_1G - 1);
	KUNIT_ASSERT_EQ(test, 0, iova_space_copy(&space, &space, BASE,
						 NPAGES * PAGE_SIZE, &at, RW, 0));
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_domain(&space, &soft[1]->domain));
	expect_there(test, soft[0], at);
	expect_there(test, soft[1], BASE);
	expect_there(test, soft[1], at);

	/* One of each goes before the memory does. */
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap(&space, BASE,
						  NPAGES * PAGE_SIZE, NULL));
	iova_space_remove_domain(&space, &soft[0]->domain);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[0]));
	bar_zap(bar);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[1]));

	/* To whoever comes now it is a hole; so is a copy. */
	KUNIT_EXPECT_EQ(test, 0, iova_space_add_domain(&space, &soft[2]->domain));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[2]));
	/* Also for a moment */
	KUNIT_EXPECT_EQ(test, 0, soft[2]->maps);
	at = BASE;
	KUNIT_EXPECT_EQ(test, 0, iova_space_copy(&space, &space, BASE + SZ_1M,
						 NPAGES * PAGE_SIZE, &at, RW, 0));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[2]));
	KUNIT_EXPECT_EQ(test, 2, revoked(&space));
	iova_space_remove_domain(&space, &soft[2]->domain);
	bar_end(bar, &space, soft[1]);
}

/* The process itself takes it away. */
static void process_unmaps(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct iova_space space;
	struct soft_domain *soft;

	if (!bar)
		return;
	soft = space_of(test, bar, &space);
	/* A part is enough. */
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(bar->addr + PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	KUNIT_EXPECT_EQ(test, 1, revoked(&space));
	bar_end(bar, &space, soft);
}

/* As mprotect() does, and who counts writes, for more than the BAR. */
static void announce(enum mmu_notifier_event event)
{
	struct mmu_notifier_range range;

	mmap_read_lock(current->mm);
	mmu_notifier_range_init(&range, event, 0, current->mm, 0, TASK_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(current->mm);
}

static void take_right(struct kunit *test, unsigned long addr, vm_flags_t right)
{
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		vm_flags_clear(vma, right);
	mmap_write_unlock(current->mm);
	KUNIT_ASSERT_NOT_NULL(test, vma);
}

/* It stays as long as the process may do there what devices do. */
static void rights_change(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct iova_space space;
	struct soft_domain *soft;

	if (!bar)
		return;
	soft = space_of(test, bar, &space);
	announce(MMU_NOTIFY_SOFT_DIRTY);
	announce(MMU_NOTIFY_PROTECTION_VMA);
	expect_there(test, soft, BASE);
	KUNIT_EXPECT_EQ(test, 0, revoked(&space));
	take_right(test, bar->addr, VM_WRITE);
	announce(MMU_NOTIFY_PROTECTION_VMA);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	KUNIT_EXPECT_EQ(test, 1, revoked(&space));

	/* To read it takes no right to write. */
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));
	KUNIT_ASSERT_EQ(test, 0, map_at(&space, bar->addr, NPAGES, BASE, RO));
	announce(MMU_NOTIFY_PROTECTION_VMA);
	expect_there(test, soft, BASE);
	take_right(test, bar->addr, VM_READ);
	announce(MMU_NOTIFY_PROTECTION_VMA);
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	KUNIT_EXPECT_EQ(test, 1, revoked(&space));
	bar_end(bar, &space, soft);
}

/* As the OOM reaper takes what is at @addr, which must not wait. */
static int reap(unsigned long addr)
{
	struct mmu_notifier_range range;
	int rc;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, current->mm, addr,
				addr + PAGE_SIZE);
	rc = mmu_notifier_invalidate_range_start_nonblock(&range);
	if (!rc)
		mmu_notifier_invalidate_range_end(&range);
	return rc;
}

/* Memory that has taken the place of what was revoked is not kept from it. */
static void reaped(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct iova_space space;
	struct soft_domain *soft;

	if (!bar)
		return;
	soft = space_of(test, bar, &space);
	KUNIT_EXPECT_EQ(test, -EAGAIN, reap(bar->addr));
	expect_there(test, soft, BASE);
	KUNIT_EXPECT_EQ(test, 0, revoked(&space));
	bar_zap(bar);
	KUNIT_EXPECT_EQ(test, 0, reap(bar->addr));
	bar_end(bar, &space, soft);
}

static void refused(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct iova_space space;
	struct soft_domain *soft;
	unsigned long addr;
	struct page *page;

	if (!bar)
		return;
	soft = space_new(test, &space);
	bar->on = false;
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, bar->addr, NPAGES, BASE, RW));
	bar->on = true;

	/* Beyond its end there is something else, or nothing. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(bar->addr + 3 * PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, bar->addr, NPAGES, BASE, RW));
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, bar->addr, 3, BASE, RW));
	KUNIT_EXPECT_EQ(test, -EFAULT, iova_space_pin(&space, BASE, PAGE_SIZE,
						      &page, 0));
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));

	addr = bar_see(test, bar, PROT_READ, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, addr, NPAGES, BASE, RW));
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, addr, NPAGES, BASE, RO));
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));
	addr = bar_see(test, bar, PROT_READ, MAP_PRIVATE);
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, addr, NPAGES, BASE, RO));

	/* RAM is somebody's, who need not know of notifiers. */
	page = alloc_pages(GFP_KERNEL, 2);
	KUNIT_ASSERT_NOT_NULL(test, page);
	bar->pfn = page_to_pfn(page);
	addr = bar_see(test, bar, PROT_READ | PROT_WRITE, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, -EFAULT, map_at(&space, addr, NPAGES, BASE, RW));
	bar_zap(bar);
	__free_pages(page, 2);

	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	bar_end(bar, &space, soft);
}

/* It is taken away while it is looked up: what was found before is not believed. */
static void zapped_while_looked_up(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct iova_space space;
	struct soft_domain *soft;

	if (!bar)
		return;
	soft = space_new(test, &space);
	bar->zap_at = 2;
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, bar->addr, NPAGES, BASE, RW));
	/* Two before, one of them gone again, and those that had not been there */
	KUNIT_EXPECT_EQ(test, NPAGES + 1, bar->faults);
	expect_there(test, soft, BASE);
	KUNIT_EXPECT_EQ(test, 0, revoked(&space));
	bar_end(bar, &space, soft);
}

/* The second of two page tables has no room: neither has anything. */
static void no_room(struct kunit *test)
{
	struct bar *bar = bar_new(test);
	struct soft_domain *soft[2];
	struct iova_space space;

	if (!bar)
		return;
	soft[0] = space_new(test, &space);
	soft[1] = soft_domain_new(test, PAGE_SIZE, 0, SZ_1G - 1);
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_domain(&space, &soft[1]->domain));
	soft[1]->fail_at = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, map_at(&space, bar->addr, NPAGES, BASE, RW));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[0]));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft[1]));
	/* Nothing is left that the notifier would trip over. */
	bar_zap(bar);
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, bar->addr, NPAGES, BASE, RW));
	expect_there(test, soft[1], BASE);
	KUNIT_EXPECT_EQ(test, 0, iova_space_unmap_all(&space, NULL));
	iova_space_remove_domain(&space, &soft[1]->domain);
	bar_end(bar, &space, soft[0]);
}

/* The driver of an IOMMU that does not lead to memory of devices, or not to this one */
static void iommu_refuses(struct kunit *test)
{
	static const int errnos[] = { -EINVAL, -ERANGE, -ENOMEM };
	struct bar *bar = bar_new(test);
	struct soft_domain *soft, *other;
	struct iova_space space;
	unsigned int i;

	if (!bar)
		return;
	soft = space_of(test, bar, &space);
	other = soft_domain_new(test, PAGE_SIZE, 0, SZ_1G - 1);
	other->no_mmio = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EFAULT, iova_space_add_domain(&space,
							     &other->domain));
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(other));
	expect_there(test, soft, BASE);
	for (i = 0; i < ARRAY_SIZE(errnos); i++) {
		soft->no_mmio = errnos[i];
		KUNIT_EXPECT_EQ(test, i < 2 ? -EFAULT : errnos[i],
				map_at(&space, bar->addr, NPAGES, BASE + SZ_1M,
				       RW));
	}
	expect_there(test, soft, BASE);
	bar_end(bar, &space, soft);
}

/**
 * struct zapper - a thread that takes the BAR away while a page table is filled
 * @test: the test
 * @bar: the BAR
 * @begun: it is about to
 * @done: nobody reaches it any more, it was told
 */
struct zapper {
	struct kunit *test;
	struct bar *bar;
	struct completion begun;
	struct completion done;
};

static int zap_thread(void *data)
{
	struct zapper *zapper = data;

	complete(&zapper->begun);
	bar_zap(zapper->bar);
	complete(&zapper->done);
	return 0;
}

/* With the leaves not yet written that it would have to take out */
static void zap_meanwhile(void *data)
{
	struct zapper *zapper = data;
	struct task_struct *task;

	task = kthread_run(zap_thread, zapper, "zapper");
	if (IS_ERR(task)) {
		KUNIT_FAIL(zapper->test, "there is no thread");
		return;
	}
	wait_for_completion(&zapper->begun);
	msleep(50);
	KUNIT_EXPECT_FALSE_MSG(zapper->test, completion_done(&zapper->done),
			       "it was told that nobody reaches it any more");
}

static void zapped_while_filled(struct kunit *test)
{
	struct zapper zapper = { .test = test, .bar = bar_new(test) };
	struct iova_space space;
	struct soft_domain *soft;

	if (!zapper.bar)
		return;
	init_completion(&zapper.begun);
	init_completion(&zapper.done);
	soft = space_new(test, &space);
	soft->hook = zap_meanwhile;
	soft->hook_data = &zapper;
	KUNIT_EXPECT_EQ(test, 0, map_at(&space, zapper.bar->addr, NPAGES, BASE,
					RW));
	soft->hook = NULL;
	/* It was mapped, and taken out before the thread got further. */
	KUNIT_EXPECT_TRUE(test, soft_domain_is_empty(soft));
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&zapper.done,
							    10 * HZ));
	KUNIT_EXPECT_EQ(test, 1, revoked(&space));
	bar_end(zapper.bar, &space, soft);
}

static struct kunit_case map_pfnmap_cases[] = {
	KUNIT_CASE(revoked_and_mapped_again),
	KUNIT_CASE(revoked_everywhere),
	KUNIT_CASE(process_unmaps),
	KUNIT_CASE(rights_change),
	KUNIT_CASE(reaped),
	KUNIT_CASE(refused),
	KUNIT_CASE(zapped_while_looked_up),
	KUNIT_CASE(no_room),
	KUNIT_CASE(iommu_refuses),
	KUNIT_CASE(zapped_while_filled),
	{}
};

static struct kunit_suite map_pfnmap_suite = {
	.name = "iommufd_map_pfnmap",
	.test_cases = map_pfnmap_cases,
};

kunit_test_suite(map_pfnmap_suite);
