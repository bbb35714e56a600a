/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of map/ share: a page table in software that is strict about
 * what it is asked to do, and some user memory.
 */
#ifndef __IOMMUFD_MAP_KUNIT_H
#define __IOMMUFD_MAP_KUNIT_H

#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/xarray.h>

#include "user_mmap.h"

/**
 * struct soft_domain - an iommu_domain that keeps books
 * @domain: base
 * @test: where a misuse is reported
 * @ptes: IOVA / granule to struct soft_pte as a value
 * @pending: PFN to IOVA, as a value: unmapped, and not yet flushed. A device may
 *	still reach these pages, so they must stay pinned
 * @granule: the one page size
 * @maps: calls of map_pages
 * @syncs: calls of iotlb_sync
 * @fail_at: this call of map_pages fails, counted from 1; 0: none
 * @kill_at: in this one the test is killed; likewise
 * @no_mmio: the errno that memory of devices is refused with, as by virtio-iommu without
 *	F_MMIO; 0: it is not
 * @hook: called by map_pages, with @hook_data, or NULL
 * @hook_data: for @hook
 */
struct soft_domain {
	struct iommu_domain domain;
	struct kunit *test;
	struct xarray ptes;
	struct xarray pending;
	unsigned long granule;
	unsigned int maps;
	unsigned int syncs;
	unsigned int fail_at;
	unsigned int kill_at;
	int no_mmio;
	void (*hook)(void *data);
	void *hook_data;
};

/* As by SIGKILL, which is pending from here to kill_undo(). */
void kill_test(void);
void kill_undo(void);

struct soft_domain *soft_domain_new(struct kunit *test, unsigned long granule,
				    unsigned long start, unsigned long last);
/*
 * From here on it, and all soft domains, can gather (struct map_table_ops); from the
 * second on they cannot any more. Not while a space has one.
 */
void soft_domain_gathers(struct soft_domain *soft);
void soft_domain_gathers_not(struct soft_domain *soft);
/* Physical address that @iova translates to, or 0. */
phys_addr_t soft_domain_lookup(struct soft_domain *soft, unsigned long iova);
bool soft_domain_is_empty(struct soft_domain *soft);

struct iova_space;
/* Begin a space that has one page table, which translates what is up to @last. */
struct soft_domain *iova_space_init_soft(struct iova_space *space,
					 struct kunit *test,
					 unsigned long granule,
					 unsigned long last);
/* End a space that has one page table, and nothing else. */
void iova_space_destroy_all(struct iova_space *space,
			    struct iommu_domain *domain);

/**
 * struct user_memory - pages of the test's own mm
 * @addr: where
 * @npages: how many
 * @pages: the pages, held so that they stay what they are
 */
struct user_memory {
	unsigned long addr;
	unsigned long npages;
	struct page **pages;
};

/* 0 if there is no user memory here; the test has been marked as skipped. */
unsigned long user_mmap_or_skip(struct kunit *test, unsigned long npages);
/* NULL likewise. */
struct user_memory *user_memory_new(struct kunit *test, unsigned long npages);
void user_memory_free(struct user_memory *mem);

/* What is no memory is not pinned. */
bool soft_page_held(unsigned long pfn);

/* Pages charged to the user and to the mm, and the mm's count of pins. */
struct charges {
	unsigned long user;
	unsigned long process;
	unsigned long pinned;
};

struct charges charges_now(void);
/* The test's thread may lock @bytes, like anybody. */
void become_ordinary(struct kunit *test, unsigned long bytes);

#endif
