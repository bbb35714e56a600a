// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel is about to use without having set it: filled with one value, so
 * that a test sees where it comes to user space. Nothing of this needs a lock.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mock.h"

/* Of the stack: some frames, each small enough for the compiler's limit */
#define POISON_FRAME	1024
#define POISON_FRAMES		5
/* Allocations of each size, up to this one, and of pages */
#define POISON_OBJECTS		32
#define POISON_LARGEST		SZ_4K

/* How deep is any call for user space? The frames above this one are not reached. */
static noinline void poison_stack(unsigned int frames)
{
	u8 frame[POISON_FRAME] __uninitialized;

	memset(frame, MOCK_POISON, sizeof(frame));
	barrier_data(frame);
	if (frames > 1)
		poison_stack(frames - 1);
	/* Not a tail call, and @frame is not gone before it. */
	barrier_data(frame);
}

static void poison_size(size_t size, gfp_t gfp)
{
	void *object[POISON_OBJECTS];
	unsigned int i;

	for (i = 0; i < POISON_OBJECTS; i++) {
		object[i] = kmalloc(size, gfp);
		if (object[i])
			memset(object[i], MOCK_POISON, size);
	}
	for (i = 0; i < POISON_OBJECTS; i++)
		kfree(object[i]);
}

static void poison_pages(void)
{
	void *page[POISON_OBJECTS];
	unsigned int i;

	for (i = 0; i < POISON_OBJECTS; i++) {
		page[i] = (void *)__get_free_page(GFP_KERNEL);
		if (page[i])
			memset(page[i], MOCK_POISON, PAGE_SIZE);
	}
	for (i = 0; i < POISON_OBJECTS; i++)
		free_page((unsigned long)page[i]);
}

static void poison_heap(void)
{
	size_t size;

	for (size = 8; size <= POISON_LARGEST; size *= 2) {
		poison_size(size, GFP_KERNEL);
		poison_size(size, GFP_KERNEL_ACCOUNT);
		/* kmalloc-96, kmalloc-192 */
		if (size == 64 || size == 128) {
			poison_size(size + size / 2, GFP_KERNEL);
			poison_size(size + size / 2, GFP_KERNEL_ACCOUNT);
		}
	}
	poison_pages();
}

/* What must never be done: the bytes of a variable that was not set. */
static noinline int leak_stack(u8 __user *user)
{
	u8 area[MOCK_LEAK_SIZE] __uninitialized;

	barrier_data(area);
	return copy_to_user(user, area, sizeof(area)) ? -EFAULT : 0;
}

static int leak_heap(u8 __user *user)
{
	u8 *area = kmalloc(MOCK_LEAK_SIZE, GFP_KERNEL_ACCOUNT);
	int rc;

	if (!area)
		return -ENOMEM;
	rc = copy_to_user(user, area, MOCK_LEAK_SIZE) ? -EFAULT : 0;
	kfree(area);
	return rc;
}

/**
 * mock_op_poison() - IOMMU_TEST_OP_POISON
 * @call: with @cmd
 * @cmd: the operation
 *
 * Return: 0; -EFAULT; -ENOMEM.
 */
int mock_op_poison(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	u8 __user *stack = u64_to_user_ptr(cmd->poison.leak_stack);
	u8 __user *heap = u64_to_user_ptr(cmd->poison.leak_heap);
	int rc = 0;

	if (stack)
		rc = leak_stack(stack);
	if (!rc && heap)
		rc = leak_heap(heap);
	if (!rc && !stack && !heap) {
		poison_heap();
		poison_stack(POISON_FRAMES);
	}
	return rc;
}
