// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copying between user memory that is mapped somewhere and the kernel.
 *
 * Pages that are pinned are copied from where they are pinned, as a device
 * would see them, even if their process has ended. What is not pinned is looked
 * up in the process, or the file, for the time of the copy.
 */
#include <linux/highmem.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "pages.h"
#include "../failpoint.h"

/**
 * struct rw - a copy in progress
 * @pages: one side
 * @byte: next byte of it
 * @data: the other side, next byte
 * @length: bytes to go
 * @write: from @data to @pages
 */
struct rw {
	struct map_pages *pages;
	unsigned long byte;
	void *data;
	unsigned long length;
	bool write;
};

static void rw_page(struct rw *rw, struct page *page)
{
	unsigned long offset = offset_in_page(rw->byte);
	unsigned long n = min(rw->length, PAGE_SIZE - offset);

	if (rw->write) {
		memcpy_to_page(page, offset, rw->data, n);
		set_page_dirty_lock(page);
	} else {
		memcpy_from_page(rw->data, page, offset, n);
	}
	rw->byte += n;
	rw->data += n;
	rw->length -= n;
}

/*
 * Copy as far as memory is pinned. Returns how many pages from the next byte on
 * are not.
 */
static unsigned long rw_pinned(struct rw *rw)
{
	unsigned long last = (rw->byte + rw->length - 1) >> PAGE_SHIFT;
	unsigned long next = rw->byte >> PAGE_SHIFT;
	struct map_pages *pages = rw->pages;
	struct map_extent_iter iter;
	unsigned long i;

	mutex_lock(&pages->lock);
	map_extents_for_each(&iter, &pages->extents, next, last) {
		if (iter.index != next) {
			last = iter.index - 1;
			break;
		}
		for (i = 0; i < iter.npages; i++)
			rw_page(rw, pfn_to_page(iter.pfn + i));
		next += iter.npages;
		cond_resched();
	}
	mutex_unlock(&pages->lock);
	return last - next + 1;
}

/* Copy up to @npages pages of a file that are not pinned. */
static int rw_unpinned_file(struct rw *rw, unsigned long npages)
{
	unsigned long i, skip;
	struct folio *folio;
	long rc;

	rc = map_file_pin(rw->pages, rw->byte >> PAGE_SHIFT, 1, &folio, 1,
			  &skip);
	if (rc < 0)
		return rc == -EINVAL ? -EFAULT : rc;
	npages = min(npages, folio_nr_pages(folio) - skip);
	for (i = 0; i < npages; i++)
		rw_page(rw, folio_page(folio, skip + i));
	unpin_folio(folio);
	return 0;
}

/* Copy up to @npages pages that are not pinned. */
static int rw_unpinned(struct rw *rw, unsigned long npages)
{
	unsigned long addr = rw->pages->uptr + (rw->byte & PAGE_MASK);
	struct mm_struct *mm = rw->pages->owner.mm;
	struct page *batch[16];
	int locked = 1;
	long n, i;

	if (iommufd_should_fail())
		return -EFAULT;
	if (fatal_signal_pending(current))
		return -EINTR;
	if (!mmget_not_zero(mm))
		return -EFAULT;
	mmap_read_lock(mm);
	n = pin_user_pages_remote(mm, addr, min(npages, ARRAY_SIZE(batch)),
				  rw->write ? FOLL_WRITE : 0, batch, &locked);
	if (locked)
		mmap_read_unlock(mm);

	for (i = 0; i < n; i++)
		rw_page(rw, batch[i]);
	if (n > 0)
		unpin_user_pages(batch, n);
	mmput(mm);
	return n > 0 ? 0 : n ?: -EFAULT;
}

static int rw_by_page(struct rw *rw)
{
	while (rw->length) {
		unsigned long npages = rw_pinned(rw);

		if (npages) {
			int rc = rw->pages->file ?
					 rw_unpinned_file(rw, npages) :
					 rw_unpinned(rw, npages);

			if (rc)
				return rc;
		}
	}
	return 0;
}

static int rw_by_address(struct rw *rw)
{
	void __user *uptr = (void __user *)(rw->pages->uptr + rw->byte);

	if (rw->write) {
		if (copy_to_user(uptr, rw->data, rw->length))
			return -EFAULT;
	} else {
		if (copy_from_user(rw->data, uptr, rw->length))
			return -EFAULT;
	}
	return 0;
}

/**
 * map_pages_rw() - copy between the memory and a kernel buffer
 * @pages: the memory
 * @byte: offset of the first byte
 * @data: kernel buffer
 * @length: number of bytes, at least 1; the caller has checked the range
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * In a task of the same process, and in a kernel thread that says so, this is
 * an ordinary copy at the user address; else pages are looked up one by one.
 *
 * Return: 0; -EPERM to write what was mapped for reading; -EFAULT if the memory
 * is not there; -EINTR. On error some bytes may have been copied.
 */
int map_pages_rw(struct map_pages *pages, unsigned long byte, void *data,
		 unsigned long length, unsigned int flags)
{
	struct rw rw = {
		.pages = pages,
		.byte = byte,
		.data = data,
		.length = length,
		.write = flags & IOMMUFD_ACCESS_RW_WRITE,
	};
	struct mm_struct *mm;
	int rc;

	if (rw.write && !pages->writable)
		return -EPERM;

	if (pages->file || (flags & __IOMMUFD_ACCESS_RW_SLOW_PATH))
		return rw_by_page(&rw);
	mm = pages->owner.mm;
	if (current->mm == mm)
		return rw_by_address(&rw);
	if (!(flags & IOMMUFD_ACCESS_RW_KTHREAD) || current->mm ||
	    !mmget_not_zero(mm))
		return rw_by_page(&rw);

	kthread_use_mm(mm);
	rc = rw_by_address(&rw);
	kthread_unuse_mm(mm);
	mmput(mm);
	return rc;
}
