/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory for a KUnit test, which runs in a kernel thread. No locks. */
#ifndef __IOMMUFD_TEST_USER_MMAP_H
#define __IOMMUFD_TEST_USER_MMAP_H

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

/**
 * test_user_mmap() - map anonymous memory, in an address space of the test's own
 * @test: test that runs in the caller
 * @size: bytes
 * @prot: PROT_READ and PROT_WRITE
 *
 * kunit_vm_mmap() attaches an address space to the thread with a reference that
 * only kthread_unuse_mm() would drop, and the thread exits without it: dropped
 * here, for else each such test would lose an mm_struct.
 *
 * Return: the address; 0, or an error as an address: there is no memory.
 */
static inline unsigned long test_user_mmap(struct kunit *test,
					   unsigned long size,
					   unsigned long prot)
{
	bool attached = current->mm;
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, size, prot,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	/* mm_users keeps it until the thread has exited. */
	if (!attached && current->mm)
		mmdrop(current->mm);
	return addr;
}

/* How often a page that is no part of a larger one is pinned */
static inline unsigned int page_pins(struct page *page)
{
	return page_ref_count(page) / GUP_PIN_COUNTING_BIAS;
}

#endif
