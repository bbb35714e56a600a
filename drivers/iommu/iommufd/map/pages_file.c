// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a file: of a memfd, with huge pages or without, and what else lives in
 * shmem or hugetlbfs.
 *
 * Pages come from the file, not from a process's page tables, and are made where the
 * file has none yet. They stay pinned, and the device's, whatever becomes of the file:
 * a hole that is punched, or a truncation, takes them out of the file, not out of the
 * hands of the device. What a later pin finds is what the file has then.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/signal.h>
#include <linux/spinlock.h>
#include <linux/thread_info.h>
#include <linux/vmstat.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/fcntl.h>

#include "pages.h"
#include "../failpoint.h"

static unsigned int file_seals(struct file *file)
{
	if (shmem_file(file))
		return SHMEM_I(file_inode(file))->seals;
#ifdef CONFIG_HUGETLBFS
	return HUGETLBFS_I(file_inode(file))->seals;
#else
	return 0;
#endif
}

/**
 * map_file_open() - make a file the source of memory
 * @pages: being made
 * @file: any file; a reference is taken
 * @writable: devices are going to write
 *
 * The rules are those of a shared mapping in a process. As with one, the file cannot be
 * sealed against writing (F_SEAL_WRITE) as long as @pages is there and writable.
 *
 * Return: 0; -EINVAL if the file has its memory neither in shmem nor in hugetlbfs;
 * -EACCES if it is not open for such an access; -EPERM if it is sealed against
 * writing.
 */
int map_file_open(struct map_pages *pages, struct file *file, bool writable)
{
	int rc;

	if (!shmem_file(file) && !is_file_hugepages(file))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ) ||
	    (writable && !(file->f_mode & FMODE_WRITE)))
		return -EACCES;
	if (writable) {
		if (file_seals(file) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
		rc = mapping_map_writable(file->f_mapping);
		if (rc)
			return rc;
	}
	pages->file = get_file(file);
	return 0;
}

/**
 * map_file_close() - undo map_file_open()
 * @pages: nothing of it is pinned
 */
void map_file_close(struct map_pages *pages)
{
	if (pages->writable)
		mapping_unmap_writable(pages->file->f_mapping);
	fput(pages->file);
}

/*
 * fallocate() gives a file pages that hold what they held before, and clears them when
 * they are first looked at, which a device is not known to do.
 */
static void make_uptodate(struct folio *folio)
{
	if (likely(folio_test_uptodate(folio)))
		return;
	folio_lock(folio);
	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}

static bool has_all(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct folio *folio;

	while (first <= last) {
		folio = filemap_get_folio(mapping, first);
		if (IS_ERR(folio))
			return false;
		first = folio_next_index(folio);
		folio_put(folio);
		cond_resched();
	}
	return true;
}

/* All but those that end the process: what is sent of these kills it at once. */
static void harmless_signals(sigset_t *set)
{
	/* Nobody changes it but the process itself */
	struct sighand_struct *sighand =
		rcu_dereference_protected(current->sighand, true);
	int sig;

	sigemptyset(set);
	spin_lock_irq(&sighand->siglock);
	for (sig = 1; sig <= _NSIG; sig++)
		if (sig_kernel_ignore(sig) || sig_kernel_stop(sig) ||
		    sighand->action[sig - 1].sa.sa_handler != SIG_DFL)
			sigaddset(set, sig);
	spin_unlock_irq(&sighand->siglock);
}

/*
 * hugetlbfs gives up for a signal of any kind; who pins gives up for one that kills. So the
 * others are kept off meanwhile, and what is to be done on the way back to user space
 * (io_uring's completions), which counts as one. 0 if some pages may be there now; -EINTR
 * if the task is killed, or to be stopped or frozen first.
 */
static int make_huge_pages(struct file *file, loff_t start, loff_t length)
{
	sigset_t harmless, before;
	int rc = -EINTR;
	bool notified;

	harmless_signals(&harmless);
	sigprocmask(SIG_BLOCK, &harmless, &before);
	notified = test_and_clear_thread_flag(TIF_NOTIFY_SIGNAL);
	if (!signal_pending(current)) {
		rc = file->f_op->fallocate(file, FALLOC_FL_KEEP_SIZE, start,
					   length);
		/* Something came meanwhile: the caller looks, and comes again */
		if (rc == -EINTR)
			rc = 0;
	}
	if (notified)
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/*
 * memfd_pin_folios() of 6.12 stops the machine where hugetlbfs has no page yet and none
 * is reserved for it. So pages are made before, and stay while it is called: who punches
 * a hole or truncates has the inode's lock.
 */
static long pin_hugetlb(struct file *file, loff_t start, loff_t last,
			struct folio **folios, unsigned int max, pgoff_t *offset)
{
	struct inode *inode = file_inode(file);
	long nr;
	int rc;

	for (;;) {
		nr = 0;
		inode_lock_shared(inode);
		if (last >= i_size_read(inode))
			nr = -EINVAL;
		else if (has_all(inode->i_mapping, start >> PAGE_SHIFT,
				 last >> PAGE_SHIFT))
			nr = memfd_pin_folios(file, start, last, folios, max,
					      offset) ?: -EINVAL;
		inode_unlock_shared(inode);
		if (nr)
			return nr;
		if (fatal_signal_pending(current))
			return -EINTR;
		rc = make_huge_pages(file, start, last + 1 - start);
		if (rc)
			return rc == -ENOSPC ? -ENOMEM : rc;
	}
}

/*
 * memfd_pin_folios() of 6.12 looks a few folios up at a time, and goes by folio_index(),
 * which of a folio on its way to swap is its place there. Such a one, that reclaim was at
 * before it was found, is left out, and so is what was found with it and comes behind; what
 * is looked up next is not. What comes behind a gap is let go of here: the caller asks for
 * it again, from the gap on.
 */
static long cut_at_gap(struct folio **folios, long nr)
{
	long i;

	/* Where it is in its file, wherever else it is */
	for (i = 1; i < nr; i++)
		if (folios[i]->index != folio_next_index(folios[i - 1]))
			break;
	if (i < nr)
		unpin_folios(folios + i, nr - i);
	return i;
}

/**
 * map_file_pin() - pin folios of a file
 * @pages: of a file; its lock is held, or it is for a moment only
 * @index: first page index
 * @npages: pages that are wanted, at least 1
 * @folios: filled with folios, in the order of the file; each has one pin
 * @max: room in it
 * @skip: pages of the first folio that are before @index
 *
 * Return: how many folios, at least 1, one behind the other; what they have is a part of
 * what is wanted or more than that. -EINVAL if the file ends before; -EHWPOISON if some of
 * the memory has failed; -ENOMEM; -EINTR; what the file system returns.
 */
long map_file_pin(struct map_pages *pages, unsigned long index,
		  unsigned long npages, struct folio **folios, unsigned int max,
		  unsigned long *skip)
{
	loff_t start = (loff_t)pages->uptr + (loff_t)index * PAGE_SIZE;
	pgoff_t offset;
	long i, nr;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (iommufd_should_fail())
		return -ENOMEM;

	if (is_file_hugepages(pages->file))
		nr = pin_hugetlb(pages->file, start,
				 start + (loff_t)npages * PAGE_SIZE - 1, folios,
				 max, &offset);
	else
		nr = memfd_pin_folios(pages->file, start,
				      start + (loff_t)npages * PAGE_SIZE - 1,
				      folios, max, &offset);
	if (nr <= 0)
		return nr ?: -EINVAL;
	nr = cut_at_gap(folios, nr);
	for (i = 0; i < nr; i++) {
		/* A file keeps what has failed; no CPU or device is to read it. */
		if (folio_contain_hwpoisoned_page(folios[i])) {
			unpin_folios(folios, nr);
			return -EHWPOISON;
		}
		make_uptodate(folios[i]);
	}
	/* In bytes, whatever its type says */
	*skip = offset >> PAGE_SHIFT;
	return nr;
}

/**
 * map_folio_pin_more() - pin a folio once more
 * @folio: pinned by the caller
 * @pins: how often; as many are given back by unpin_user_folio() and its like
 *
 * What the mm has for that (folio_add_pin()) adds one pin at a time, and is not there
 * for modules. A large folio counts its pins, a small one has them in its references.
 */
void map_folio_pin_more(struct folio *folio, unsigned long pins)
{
	if (!pins)
		return;
	if (folio_test_large(folio)) {
		folio_ref_add(folio, pins);
		atomic_add(pins, &folio->_pincount);
	} else {
		folio_ref_add(folio, pins * GUP_PIN_COUNTING_BIAS);
	}
	node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, pins);
}
