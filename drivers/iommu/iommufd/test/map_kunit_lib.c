// SPDX-License-Identifier: GPL-2.0-only
/* The strict page table and the user memory that tests of map/ work with. */
#include <linux/cred.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "map/iova_space.h"
#include "map/table.h"
#include "map_kunit.h"
#include "user_mmap.h"

/*
 * A PTE is its physical address, a multiple of the granule, with these bits: it
 * is the first or the last of what one call of map_pages was given.
 */
enum { PTE_FIRST = 1, PTE_LAST = 2, PTE_BITS = 3 };

void kill_test(void)
{
	sigaddset(&current->pending.signal, SIGKILL);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
}

void kill_undo(void)
{
	sigdelset(&current->pending.signal, SIGKILL);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
}

static struct soft_domain *to_soft(struct iommu_domain *domain)
{
	return container_of(domain, struct soft_domain, domain);
}

bool soft_page_held(unsigned long pfn)
{
	return !pfn_valid(pfn) || page_pins(pfn_to_page(pfn)) > 0;
}

static unsigned long pte_load(struct soft_domain *soft, unsigned long iova)
{
	void *entry = xa_load(&soft->ptes, iova / soft->granule);

	return entry ? xa_to_value(entry) : 0;
}

static int soft_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t paddr, size_t pgsize, size_t pgcount, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct soft_domain *soft = to_soft(domain);
	size_t i;

	if (++soft->maps == soft->fail_at)
		return -ENOMEM;
	if (soft->no_mmio && (prot & IOMMU_MMIO))
		return soft->no_mmio;
	if (soft->maps == soft->kill_at)
		kill_test();
	if (soft->hook)
		soft->hook(soft->hook_data);

	KUNIT_EXPECT_EQ(soft->test, pgsize, soft->granule);
	for (i = 0; i < pgcount; i++) {
		unsigned long pte = paddr + i * pgsize;
		unsigned long at = iova + i * pgsize;

		KUNIT_EXPECT_EQ_MSG(soft->test, 0, pte_load(soft, at),
				    "mapped over %lx", at);
		KUNIT_EXPECT_TRUE(soft->test, soft_page_held(PHYS_PFN(pte)));
		if (i == 0)
			pte |= PTE_FIRST;
		if (i == pgcount - 1)
			pte |= PTE_LAST;
		if (xa_err(xa_store(&soft->ptes, at / pgsize, xa_mk_value(pte),
				    GFP_KERNEL)))
			return -ENOMEM;
		*mapped += pgsize;
	}
	return 0;
}

static size_t soft_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t pgsize, size_t pgcount,
			 struct iommu_iotlb_gather *gather)
{
	struct soft_domain *soft = to_soft(domain);
	size_t i;

	for (i = 0; i < pgcount; i++) {
		unsigned long at = iova + i * pgsize;
		unsigned long pte = pte_load(soft, at);
		unsigned long pfn = PHYS_PFN(pte);

		KUNIT_EXPECT_NE_MSG(soft->test, 0, pte, "nothing at %lx", at);
		if (!pte)
			continue;
		/* Large entries must not be cut by an unmap */
		if (i == 0)
			KUNIT_EXPECT_TRUE(soft->test, pte & PTE_FIRST);
		if (i == pgcount - 1)
			KUNIT_EXPECT_TRUE(soft->test, pte & PTE_LAST);
		KUNIT_EXPECT_TRUE(soft->test, soft_page_held(pfn));
		xa_erase(&soft->ptes, at / pgsize);
		xa_store(&soft->pending, pfn, xa_mk_value(at), GFP_KERNEL);
	}
	/* As VT-d's does: what is not flushed yet is there before this flushes */
	if (!iommu_iotlb_gather_queued(gather))
		iommu_iotlb_gather_add_page(domain, gather, iova,
					    pgsize * pgcount);
	return pgsize * pgcount;
}

static void soft_sync(struct iommu_domain *domain,
		      struct iommu_iotlb_gather *gather)
{
	struct soft_domain *soft = to_soft(domain);
	unsigned long pfn;
	void *entry;

	soft->syncs++;
	/* The core flushes nothing after a map that failed at once */
	if (!xa_empty(&soft->pending))
		KUNIT_EXPECT_LE(soft->test, gather->start, gather->end);
	xa_for_each(&soft->pending, pfn, entry) {
		unsigned long iova = xa_to_value(entry);

		KUNIT_EXPECT_TRUE_MSG(soft->test,
				      gather->start <= iova &&
					      iova <= gather->end,
				      "%#lx is not among what is flushed",
				      iova);
		KUNIT_EXPECT_TRUE_MSG(soft->test, soft_page_held(pfn),
				      "given back before the flush");
		xa_erase(&soft->pending, pfn);
	}
}

static void soft_flush(struct iommu_domain *domain,
		       const struct iova_range *ranges, unsigned int num,
		       struct iommu_iotlb_gather *gather)
{
	struct soft_domain *soft = to_soft(domain);
	unsigned long pfn;
	unsigned int i;
	void *entry;

	KUNIT_EXPECT_TRUE(soft->test, gather->queued);
	KUNIT_EXPECT_GT(soft->test, num, 0);
	soft->syncs++;
	xa_for_each(&soft->pending, pfn, entry) {
		unsigned long iova = xa_to_value(entry);

		for (i = 0; i < num; i++)
			if (ranges[i].start <= iova && iova <= ranges[i].last)
				break;
		KUNIT_EXPECT_LT_MSG(soft->test, i, num,
				    "%#lx is not among what is flushed", iova);
		KUNIT_EXPECT_TRUE_MSG(soft->test, soft_page_held(pfn),
				      "given back before the flush");
		xa_erase(&soft->pending, pfn);
	}
}

static const struct iommu_domain_ops soft_ops = {
	.map_pages = soft_map,
	.unmap_pages = soft_unmap,
	.iotlb_sync = soft_sync,
};

static struct map_table_ops soft_table = {
	.domain_ops = &soft_ops,
	.flush = soft_flush,
};

void soft_domain_gathers(struct soft_domain *soft)
{
	map_table_register(&soft_table);
}

void soft_domain_gathers_not(struct soft_domain *soft)
{
	map_table_unregister(&soft_table);
}

struct soft_domain *soft_domain_new(struct kunit *test, unsigned long granule,
				    unsigned long start, unsigned long last)
{
	struct soft_domain *soft = kunit_kzalloc(test, sizeof(*soft),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, soft);
	soft->test = test;
	soft->granule = granule;
	xa_init(&soft->ptes);
	xa_init(&soft->pending);
	soft->domain.type = IOMMU_DOMAIN_UNMANAGED;
	soft->domain.ops = &soft_ops;
	soft->domain.pgsize_bitmap = granule;
	soft->domain.geometry.aperture_start = start;
	soft->domain.geometry.aperture_end = last;
	soft->domain.geometry.force_aperture = true;
	return soft;
}

phys_addr_t soft_domain_lookup(struct soft_domain *soft, unsigned long iova)
{
	unsigned long pte = pte_load(soft, iova) & ~(unsigned long)PTE_BITS;

	return pte ? pte + iova % soft->granule : 0;
}

bool soft_domain_is_empty(struct soft_domain *soft)
{
	return xa_empty(&soft->ptes) && xa_empty(&soft->pending);
}

struct soft_domain *iova_space_init_soft(struct iova_space *space,
					 struct kunit *test,
					 unsigned long granule,
					 unsigned long last)
{
	struct soft_domain *soft = soft_domain_new(test, granule, 0, last);

	iova_space_init(space);
	KUNIT_ASSERT_EQ(test, 0, iova_space_add_domain(space, &soft->domain));
	return soft;
}

void iova_space_destroy_all(struct iova_space *space,
			    struct iommu_domain *domain)
{
	iova_space_unmap_all(space, NULL);
	iova_space_remove_domain(space, domain);
	iova_space_destroy(space);
}

unsigned long user_mmap_or_skip(struct kunit *test, unsigned long npages)
{
	unsigned long addr = test_user_mmap(test, npages * PAGE_SIZE,
					    PROT_READ | PROT_WRITE);

	if (current->mm && addr && !IS_ERR_VALUE(addr))
		return addr;
	kunit_mark_skipped(test, "no user memory here");
	return 0;
}

struct user_memory *user_memory_new(struct kunit *test, unsigned long npages)
{
	struct user_memory *mem;
	long got;

	mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mem->npages = npages;
	mem->addr = user_mmap_or_skip(test, npages);
	if (!mem->addr)
		return NULL;
	mem->pages = kunit_kcalloc(test, npages, sizeof(*mem->pages),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem->pages);
	got = get_user_pages_unlocked(mem->addr, npages, mem->pages,
				      FOLL_WRITE);
	KUNIT_ASSERT_EQ(test, got, npages);
	return mem;
}

void user_memory_free(struct user_memory *mem)
{
	unsigned long i;

	for (i = 0; i < mem->npages; i++)
		put_page(mem->pages[i]);
}

struct charges charges_now(void)
{
	return (struct charges){
		.user = atomic_long_read(&current_user()->locked_vm),
		.process = current->mm->locked_vm,
		.pinned = atomic64_read(&current->mm->pinned_vm),
	};
}

void become_ordinary(struct kunit *test, unsigned long bytes)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	commit_creds(cred);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = bytes;
}
