// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for pinned memory, and how that is changed.
 *
 * Memory of a file needs no process, so that the process that pays for it can be
 * another one than the one that mapped it. While that is being changed both pay:
 * the change can then be taken back, and cannot fail once all of it is charged.
 * Where both are one account (a user's other process) it pays once.
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>

#include "area.h"
#include "internal.h"
#include "move.h"
#include "pages.h"
#include "../failpoint.h"

/**
 * map_owner_set_current() - the calling process is to pay
 * @owner: filled in; map_owner_put() ends it
 */
void map_owner_set_current(struct map_owner *owner)
{
	owner->mm = current->mm;
	mmgrab(owner->mm);
	owner->task = get_task_struct(current->group_leader);
	owner->user = get_uid(current_user());
	owner->uncharged = capable(CAP_IPC_LOCK);
}

/**
 * map_owner_put() - drop the references of an owner
 * @owner: pays for nothing any more
 */
void map_owner_put(struct map_owner *owner)
{
	free_uid(owner->user);
	put_task_struct(owner->task);
	mmdrop(owner->mm);
}

static struct map_owner map_owner_copy(const struct map_owner *owner)
{
	mmgrab(owner->mm);
	get_task_struct(owner->task);
	get_uid(owner->user);
	return *owner;
}

static int charge_user(const struct map_owner *owner, unsigned long npages)
{
	unsigned long limit = task_rlimit(owner->task, RLIMIT_MEMLOCK) >>
			      PAGE_SHIFT;
	long locked = atomic_long_read(&owner->user->locked_vm);

	do {
		if (locked + npages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&owner->user->locked_vm, &locked,
					  locked + npages));
	return 0;
}

static int charge_mm(const struct map_owner *owner, unsigned long npages,
		     bool inc)
{
	bool remote = owner->mm != current->mm;
	int rc;

	if (remote && !mmget_not_zero(owner->mm))
		return -EFAULT;
	mmap_write_lock(owner->mm);
	rc = __account_locked_vm(owner->mm, npages, inc, owner->task, false);
	mmap_write_unlock(owner->mm);
	if (remote)
		mmput(owner->mm);
	return rc;
}

static int account_charge(const struct map_owner *owner, enum map_charge charge,
			  unsigned long npages)
{
	if (owner->uncharged)
		return 0;
	return charge == MAP_CHARGE_PROCESS ? charge_mm(owner, npages, true) :
					      charge_user(owner, npages);
}

static void account_uncharge(const struct map_owner *owner,
			     enum map_charge charge, unsigned long npages)
{
	if (owner->uncharged)
		return;
	/* The count of an mm that has ended does not matter any more */
	if (charge == MAP_CHARGE_PROCESS)
		charge_mm(owner, npages, false);
	else
		atomic_long_sub(npages, &owner->user->locked_vm);
}

/* Of two owners: is it one account that pays? */
static bool same_account(const struct map_owner *a, const struct map_owner *b,
			 enum map_charge charge)
{
	if (a->uncharged || b->uncharged)
		return false;
	return charge == MAP_CHARGE_PROCESS ? a->mm == b->mm :
					      a->user == b->user;
}

static int charge_next(struct map_pages *pages, unsigned long npages)
{
	const struct map_owner *next = pages->next_owner;
	int rc = 0;

	if (!same_account(&pages->owner, next, pages->charge))
		rc = account_charge(next, pages->charge, npages);
	if (!rc)
		atomic64_add(npages, &next->mm->pinned_vm);
	return rc;
}

static void uncharge_next(struct map_pages *pages, unsigned long npages)
{
	const struct map_owner *next = pages->next_owner;

	if (!same_account(&pages->owner, next, pages->charge))
		account_uncharge(next, pages->charge, npages);
	atomic64_sub(npages, &next->mm->pinned_vm);
}

/**
 * map_pages_charge() - charge for pages that are to be pinned
 * @pages: their memory; its lock is held
 * @npages: how many
 *
 * Return: 0; -ENOMEM if that is more than the limit; -EFAULT if there is no mm any
 * more. Nothing is charged on error.
 */
int map_pages_charge(struct map_pages *pages, unsigned long npages)
{
	int rc;

	if (iommufd_should_fail())
		return -ENOMEM;

	rc = account_charge(&pages->owner, pages->charge, npages);
	if (!rc && unlikely(pages->next_owner)) {
		rc = charge_next(pages, npages);
		if (rc)
			account_uncharge(&pages->owner, pages->charge, npages);
	}
	if (!rc)
		atomic64_add(npages, &pages->owner.mm->pinned_vm);
	return rc;
}

/**
 * map_pages_uncharge() - pages are not pinned any more
 * @pages: their memory; its lock is held
 * @npages: how many
 */
void map_pages_uncharge(struct map_pages *pages, unsigned long npages)
{
	account_uncharge(&pages->owner, pages->charge, npages);
	atomic64_sub(npages, &pages->owner.mm->pinned_vm);
	if (unlikely(pages->next_owner))
		uncharge_next(pages, npages);
}

/**
 * map_pages_try_uncharge() - the same, but without waiting for the process
 * @pages: their memory; its lock is held
 * @npages: how many
 *
 * Return: false if that would have to wait, and nothing is uncharged.
 */
bool map_pages_try_uncharge(struct map_pages *pages, unsigned long npages)
{
	const struct map_owner *owner = &pages->owner;
	bool locked;

	if (pages->next_owner)
		return false;
	if (owner->uncharged || pages->charge != MAP_CHARGE_PROCESS ||
	    !mmget_not_zero(owner->mm)) {
		map_pages_uncharge(pages, npages);
		return true;
	}
	/* There is no mmap_write_trylock() in 6.12 */
	locked = down_write_trylock(&owner->mm->mmap_lock);
	if (locked) {
		__account_locked_vm(owner->mm, npages, false, owner->task, false);
		mmap_write_unlock(owner->mm);
		atomic64_sub(npages, &owner->mm->pinned_vm);
	}
	/* Not the end of the address space, which takes long */
	mmput_async(owner->mm);
	return locked;
}

/* What the owner pays for, pinned or not any more */
static unsigned long charged(const struct map_pages *pages)
{
	return pages->extents.npages + pages->unpaid;
}

/**
 * map_move_begin() - prepare to make the calling process pay
 * @move: nothing is in it yet. Until map_move_end() no other move may be made of the
 *	same spaces, nor of others that share memory with them
 */
void map_move_begin(struct map_move *move)
{
	INIT_LIST_HEAD(&move->pages);
	map_owner_set_current(&move->owner);
}

/**
 * map_move_add() - include the memory of a space
 * @move: begun
 * @space: the space. What another call is just mapping may be left out, as if it had
 *	been mapped later
 *
 * Return: 0; -EINVAL if it has memory of a process: that stays where it is.
 */
int map_move_add(struct map_move *move, struct iova_space *space)
{
	unsigned int rounds = 0;
	struct iova_area *area;

	guard(rwsem_read)(&space->lock);
	iova_area_for_each(area, &space->areas, 0, ULONG_MAX) {
		iova_yield(&rounds);
		if (READ_ONCE(area->state) == IOVA_AREA_BUILDING)
			continue;
		if (!area->pages->file)
			return -EINVAL;
		/* Copies share it */
		if (!list_empty(&area->pages->moving))
			continue;
		map_pages_get(area->pages);
		list_add_tail(&area->pages->moving, &move->pages);
	}
	return 0;
}

static void move_back(struct map_pages *pages)
{
	guard(mutex)(&pages->lock);
	if (!pages->next_owner)
		return;
	uncharge_next(pages, charged(pages));
	pages->next_owner = NULL;
}

static void move_over(struct map_pages *pages)
{
	unsigned long npages;
	struct map_owner old;

	scoped_guard(mutex, &pages->lock) {
		old = pages->owner;
		npages = charged(pages);
		if (!same_account(&old, pages->next_owner, pages->charge))
			account_uncharge(&old, pages->charge, npages);
		atomic64_sub(npages, &old.mm->pinned_vm);
		pages->owner = map_owner_copy(pages->next_owner);
		pages->next_owner = NULL;
	}
	map_owner_put(&old);
}

/**
 * map_move_commit() - charge the calling process, and nobody else any more
 * @move: with all spaces
 *
 * What is pinned is pinned throughout.
 *
 * Return: 0; -ENOMEM if it may not have so much pinned, and nothing has changed.
 */
int map_move_commit(struct map_move *move)
{
	struct map_pages *pages;
	unsigned int rounds = 0;
	int rc = 0;

	list_for_each_entry(pages, &move->pages, moving) {
		iova_yield(&rounds);
		guard(mutex)(&pages->lock);
		pages->next_owner = &move->owner;
		rc = iommufd_should_fail() ? -ENOMEM :
			charge_next(pages, charged(pages));
		if (rc) {
			pages->next_owner = NULL;
			break;
		}
	}
	list_for_each_entry(pages, &move->pages, moving) {
		iova_yield(&rounds);
		if (rc)
			move_back(pages);
		else
			move_over(pages);
	}
	return rc;
}

/**
 * map_move_end() - undo map_move_begin()
 * @move: committed or not
 */
void map_move_end(struct map_move *move)
{
	struct map_pages *pages, *tmp;
	unsigned int rounds = 0;

	list_for_each_entry_safe(pages, tmp, &move->pages, moving) {
		iova_yield(&rounds);
		list_del_init(&pages->moving);
		map_pages_put(pages);
	}
	map_owner_put(&move->owner);
}
