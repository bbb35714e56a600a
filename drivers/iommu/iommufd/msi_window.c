// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the window for a group's doorbells is: what user space says, or else a place
 * that nobody has. All under iommufd_group::lock.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/pagemap.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "describe.h"
#include "device.h"
#include "msi.h"
#include "trace.h"

/* Nothing is chosen below: address 0 is mistaken for an error too easily */
#define CHOOSE_FROM	SZ_1M

/* Often enough for memory that is there, seldom enough for memory that never is */
#define ANSWER_TRIES	16

/**
 * struct window_limits - where a group's window may be
 * @group: its lock is held
 * @start: not below
 * @last: nothing above
 * @regions: struct iommu_resv_region, of all its devices; owned
 */
struct window_limits {
	struct iommufd_group *group;
	u64 start;
	u64 last;
	struct list_head regions;
};

static int limit_to_msi_width(struct device *dev, void *opaque)
{
	struct window_limits *limits = opaque;

	if (dev_is_pci(dev) && to_pci_dev(dev)->no_64bit_msi)
		limits->last = min_t(u64, limits->last, U32_MAX);
	return 0;
}

static void limits_end(struct window_limits *limits)
{
	struct iommu_resv_region *region, *tmp;

	list_for_each_entry_safe(region, tmp, &limits->regions, list)
		kfree(region);
}

/* By all devices of the group, attached or not. */
static int limits_begin(struct window_limits *limits,
			struct iommufd_group *group)
{
	int rc;

	*limits = (struct window_limits){
		.group = group,
		.start = PAGE_SIZE,
		.last = ULONG_MAX - PAGE_SIZE,
	};
	INIT_LIST_HEAD(&limits->regions);
	iommu_group_for_each_dev(group->group, limits, limit_to_msi_width);
	rc = iommu_get_group_resv_regions(group->group, &limits->regions);
	if (rc)
		limits_end(limits);
	return rc;
}

static void limit_to_table(struct window_limits *limits,
			   const struct iommu_domain *table)
{
	/* Some drivers know it once a device is attached */
	if (!table->geometry.aperture_end)
		return;
	limits->start = max_t(u64, limits->start,
			      table->geometry.aperture_start);
	limits->last = min_t(u64, limits->last, table->geometry.aperture_end);
}

/* A region that is in the way, or NULL. */
static const struct iommu_resv_region *
find_region(const struct window_limits *limits, u64 start, u64 last)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, &limits->regions, list) {
		if (region->type == IOMMU_RESV_SW_MSI ||
		    region->type == IOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		if (start <= region->start + region->length - 1 &&
		    region->start <= last)
			return region;
	}
	return NULL;
}

static bool allowed(const struct window_limits *limits, u64 start, u64 last)
{
	return start >= limits->start && last <= limits->last &&
	       !find_region(limits, start, last);
}

/* iova_space_want.taken: by a region, or by another group's window. */
static unsigned long window_taken(unsigned long start, unsigned long last,
				  void *opaque)
{
	const struct window_limits *limits = opaque;
	const struct iommu_resv_region *region;
	struct iommufd_msi_window *window;

	region = find_region(limits, start, last);
	/* Behind one that ends with the last address there is nothing */
	if (region)
		return region->start + region->length ?: ULONG_MAX;
	list_for_each_entry(window, &limits->group->ictx->msi_windows, item)
		if (start <= window->last && window->start <= last)
			return window->last + 1;
	return 0;
}

/* The group's from here on, in the place of what it had. */
static int take(struct iommufd_group *group, u64 start, u64 last)
{
	struct iommufd_msi_window *window;

	window = iommufd_msi_window_get(group->ictx, start, last,
					group->msi.window);
	if (IS_ERR(window))
		return PTR_ERR(window);
	if (group->msi.window)
		iommufd_msi_window_put(group->ictx, group->msi.window);
	group->msi.window = window;
	return 0;
}

static bool long_enough(const struct iommufd_msi_window *window, u64 length)
{
	return window->last - window->start >= length - 1;
}

/* One that other groups have: what their guest knows of is one region then. */
static int choose_shared(const struct window_limits *limits,
			 struct iova_space *space, u64 length,
			 const void *owner)
{
	struct iommufd_group *group = limits->group;
	struct iommufd_msi_window *window;
	int rc;

	list_for_each_entry(window, &group->ictx->msi_windows, item) {
		if (!long_enough(window, length) ||
		    !allowed(limits, window->start, window->last))
			continue;
		rc = iova_space_reserve(space, window->start, window->last,
					owner);
		if (rc == -EADDRINUSE)
			continue;
		return rc ?: take(group, window->start, window->last);
	}
	return -EADDRINUSE;
}

/* Where the IOMMU driver says: there all systems of the platform have it. */
static int choose_usual(const struct window_limits *limits,
			struct iova_space *space, u64 start, u64 last,
			const void *owner)
{
	struct iommufd_group *group = limits->group;
	int rc;

	if (!allowed(limits, start, last))
		return -EADDRINUSE;
	rc = take(group, start, last);
	return rc ?: iova_space_reserve(space, start, last, owner);
}

/* Anywhere, as low as possible: addresses are narrow in some tables. */
static int choose_free(struct window_limits *limits, struct iova_space *space,
		       u64 length, const void *owner)
{
	struct iova_space_want want = {
		.start = max_t(u64, limits->start, CHOOSE_FROM),
		.last = limits->last,
		.length = length,
		.align = roundup_pow_of_two(length),
		.taken = window_taken,
		.opaque = limits,
	};
	unsigned long start;
	int rc;

	rc = iova_space_reserve_free(space, &want, owner, &start);
	if (rc)
		return rc == -ENOSPC ? -EADDRINUSE : rc;
	return take(limits->group, start, start + length - 1);
}

static int choose(struct window_limits *limits, struct iova_space *space,
		  u64 start, u64 last, const void *owner)
{
	struct mutex *lock = &limits->group->ictx->msi_lock;
	u64 length = last - start + 1;
	int rc;

	mutex_lock(lock);
	rc = choose_shared(limits, space, length, owner);
	if (rc == -EADDRINUSE)
		rc = choose_usual(limits, space, start, last, owner);
	if (rc == -EADDRINUSE)
		rc = choose_free(limits, space, length, owner);
	mutex_unlock(lock);
	return rc;
}

/**
 * iommufd_msi_is_fixed() - is the window of a group where it is going to stay?
 * @group: its lock is held
 *
 * Return: whether it is.
 */
bool iommufd_msi_is_fixed(const struct iommufd_group *group)
{
	return group->msi.set || group->msi.used;
}

/* Nor may it move as long as somebody counts on it who is not done yet. */
static bool stays(const struct iommufd_group *group)
{
	return iommufd_msi_is_fixed(group) ||
	       (group->msi.lists && group->msi.window);
}

/*
 * What choose() takes in an IOAS with nothing in it, instead of what the IOMMU driver
 * says; which it stays if there is no room at all.
 */
static void foresee(struct window_limits *limits, u64 *start, u64 *last)
{
	u64 length = *last - *start + 1, align = roundup_pow_of_two(length);
	struct iommufd_ctx *ictx = limits->group->ictx;
	struct iommufd_msi_window *window;
	u64 at, next;

	guard(mutex)(&ictx->msi_lock);
	list_for_each_entry(window, &ictx->msi_windows, item) {
		if (long_enough(window, length) &&
		    allowed(limits, window->start, window->last)) {
			*start = window->start;
			*last = window->last;
			return;
		}
	}
	if (allowed(limits, *start, *last) &&
	    !window_taken(*start, *last, limits))
		return;
	next = max_t(u64, limits->start, CHOOSE_FROM);
	do {
		at = ALIGN(next, align);
		if (at < next || at > limits->last ||
		    limits->last - at < length - 1)
			return;
		next = window_taken(at, at + length - 1, limits);
	} while (next);
	*start = at;
	*last = at + length - 1;
}

static void tell(struct window_limits *limits, u64 *start, u64 *last)
{
	const struct iommufd_msi_window *window = limits->group->msi.window;

	if (!stays(limits->group)) {
		foresee(limits, start, last);
		return;
	}
	*start = window->start;
	*last = window->last;
}

static void limit_to_facts(struct window_limits *limits,
			   const struct iommufd_paging_facts *facts)
{
	if (!facts->offered)
		return;
	limits->start = max(limits->start, facts->start);
	limits->last = min(limits->last, facts->last);
}

/**
 * iommufd_msi_tell() - where a group's window is, or is going to be
 * @group: any
 * @facts: of the paging HWPTs its devices are going to be attached to
 * @start: what the IOMMU driver says it is, first IOVA; set to what is told
 * @last: last IOVA; likewise
 *
 * What is told of a window that is not fixed comes true if nothing is mapped or promised
 * there when it is chosen, and no window of another group has come or gone until then.
 * Takes the group's lock.
 *
 * Return: 0 or -ENOMEM.
 */
int iommufd_msi_tell(struct iommufd_group *group,
		     const struct iommufd_paging_facts *facts, u64 *start,
		     u64 *last)
{
	struct window_limits limits;
	int rc;

	guard(mutex)(&group->lock);
	rc = limits_begin(&limits, group);
	if (rc)
		return rc;
	limit_to_facts(&limits, facts);
	tell(&limits, start, last);
	limits_end(&limits);
	return 0;
}

/**
 * iommufd_msi_reserve() - keep mappings out of a group's window
 * @group: its lock is held
 * @space: where
 * @table: that its devices are going to be attached to, where the window has to be
 *	chosen if it is not yet; NULL: none, only PASIDs are, and interrupts have none
 * @start: what the IOMMU driver says it is, first IOVA
 * @last: last IOVA
 * @owner: for iova_space_unreserve()
 *
 * Return: 0; -EADDRINUSE: something is mapped or promised there, or the table cannot
 * map there; or, if it was to be chosen, everywhere; -ENOMEM. Something may have been
 * reserved then.
 */
int iommufd_msi_reserve(struct iommufd_group *group, struct iova_space *space,
			const struct iommu_domain *table, u64 start, u64 last,
			const void *owner)
{
	struct iommufd_msi_window *window = group->msi.window;
	struct window_limits limits;
	int rc;

	if (!table)
		return 0;
	rc = limits_begin(&limits, group);
	if (rc)
		return rc;
	limit_to_table(&limits, table);
	if (!stays(group))
		rc = choose(&limits, space, start, last, owner);
	else if (!allowed(&limits, window->start, window->last))
		rc = -EADDRINUSE;
	else
		rc = iova_space_reserve(space, window->start, window->last,
					owner);
	limits_end(&limits);
	return rc;
}

/**
 * iommufd_msi_check_table() - can doorbells be mapped in another table of the same IOAS?
 * @group: its lock is held; attached to the IOAS, where its window is kept free
 * @table: that its devices are going to be attached to
 *
 * What the IOAS has is of no importance here: the table may not reach as far.
 *
 * Return: 0; -EADDRINUSE: it does not translate the group's window.
 */
int iommufd_msi_check_table(const struct iommufd_group *group,
			    const struct iommu_domain *table)
{
	const struct iommufd_msi_window *window = group->msi.window;
	struct window_limits limits = { .start = 0, .last = ULONG_MAX };

	if (!window)
		return 0;
	limit_to_table(&limits, table);
	return window->start >= limits.start && window->last <= limits.last ?
		       0 : -EADDRINUSE;
}

static void show(struct iommufd_group *group)
{
	WRITE_ONCE(group->msi.start, group->msi.window->start);
	WRITE_ONCE(group->msi.last, group->msi.window->last);
}

/**
 * iommufd_msi_note_used() - devices of a group have its window, or are promised it
 * @group: its lock is held
 *
 * From here on it stays.
 */
void iommufd_msi_note_used(struct iommufd_group *group)
{
	struct iommufd_msi_window *window = group->msi.window;

	if (!window || group->msi.used)
		return;
	trace_msi_window(iommu_group_id(group->group), window->start,
			 window->last, false, 0);
	group->msi.used = true;
	show(group);
}

/**
 * iommufd_msi_forget() - what was chosen for an attempt to attach, which has failed
 * @group: its lock is held
 */
void iommufd_msi_forget(struct iommufd_group *group)
{
	if (!stays(group))
		iommufd_msi_release(group);
}

/**
 * iommufd_msi_list_begin() - a HWPT for a list counts on a group's window
 * @group: its lock is held, and has been since iommufd_msi_reserve()
 *
 * Without the lock, from here on, the window is where it is until
 * iommufd_msi_list_end().
 */
void iommufd_msi_list_begin(struct iommufd_group *group)
{
	group->msi.lists++;
}

/**
 * iommufd_msi_list_end() - undo iommufd_msi_list_begin()
 * @group: its lock is held
 * @made: the HWPT is there: the window stays for good. Else it is forgotten, unless
 *	somebody else has it by now
 */
void iommufd_msi_list_end(struct iommufd_group *group, bool made)
{
	group->msi.lists--;
	if (made)
		iommufd_msi_note_used(group);
	else
		iommufd_msi_forget(group);
}

/* --- IOMMU_DEVICE_MSI_WINDOW --- */

/* Where the IOMMU driver has it, or NULL: it has none. */
static const struct iommu_resv_region *
usual_region(const struct window_limits *limits)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, &limits->regions, list)
		if (region->type == IOMMU_RESV_SW_MSI)
			return region;
	return NULL;
}

/* In what every kind of HWPT translates that is offered. */
static int limit_to_tables(struct window_limits *limits,
			   struct iommufd_device *idev)
{
	struct iommufd_description *description;
	unsigned int i;
	int rc;

	description = kmalloc(sizeof(*description), GFP_KERNEL_ACCOUNT);
	if (!description)
		return -ENOMEM;
	rc = iommufd_describe(idev, description);
	for (i = 0; !rc && i < IOMMUFD_PAGING_KINDS; i++)
		limit_to_facts(limits, &description->paging[i]);
	kfree(description);
	return rc;
}

static int check_ioas(struct iommufd_ctx *ictx,
		      const struct iommu_device_msi_window *cmd, u64 last)
{
	struct iommufd_ioas *ioas;
	int rc;

	if (!cmd->ioas_id)
		return 0;
	ioas = iommufd_ioas_get(ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = iova_space_reserve(&ioas->space, cmd->start, last, cmd);
	if (!rc)
		iova_space_unreserve(&ioas->space, cmd);
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int check_range(const struct iommu_device_msi_window *cmd, u64 *last)
{
	if (!cmd->start || !cmd->length ||
	    cmd->length > IOMMU_MSI_WINDOW_LENGTH_MAX ||
	    !PAGE_ALIGNED(cmd->start) || !PAGE_ALIGNED(cmd->length))
		return -EINVAL;
	if (check_add_overflow(cmd->start, cmd->length - 1, last))
		return -EOVERFLOW;
	return 0;
}

static void respond(struct iommufd_device *idev,
		    struct iommu_device_msi_window *cmd, u64 start, u64 last,
		    const struct iommufd_msi_window *window)
{
	struct iommufd_group *group = idev->group;

	cmd->start = start;
	cmd->length = last - start + 1;
	cmd->out_flags = 0;
	if (iommufd_msi_can_proxy(idev->dev))
		cmd->out_flags |= IOMMU_MSI_WINDOW_STABLE;
	if (iommufd_msi_is_fixed(group))
		cmd->out_flags |= IOMMU_MSI_WINDOW_FIXED;
	cmd->out_doorbells = window ? READ_ONCE(window->num_doorbells) : 0;
}

static int get_window(struct iommufd_call *call, struct iommufd_device *idev,
		      struct window_limits *limits,
		      const struct iommu_resv_region *usual)
{
	u64 start = usual->start, last = usual->start + usual->length - 1;
	struct iommufd_description *description;
	struct iommufd_group *group = idev->group;
	int rc;

	description = kmalloc(sizeof(*description), GFP_KERNEL_ACCOUNT);
	if (!description)
		return -ENOMEM;
	rc = iommufd_describe(idev, description);
	if (!rc)
		limit_to_facts(limits, &description->paging[0]);
	kfree(description);
	if (rc)
		return rc;
	scoped_guard(mutex, &group->lock) {
		tell(limits, &start, &last);
		respond(idev, call->cmd, start, last,
			iommufd_msi_is_fixed(group) ? group->msi.window : NULL);
	}
	return iommufd_call_respond(call, sizeof(struct iommu_device_msi_window));
}

/*
 * Other devices need the locks that are held, who must not wait for this caller's memory.
 * Return: 0; -EAGAIN: it is not there.
 */
static int respond_at_once(struct iommufd_call *call)
{
	int rc;

	pagefault_disable();
	rc = iommufd_call_respond(call, sizeof(struct iommu_device_msi_window));
	pagefault_enable();
	return rc ? -EAGAIN : 0;
}

/*
 * Told to user space before it is done, as that cannot fail any more. -EAGAIN: its memory
 * has to be there, and nothing has been done.
 */
static int change_window(struct iommufd_call *call, struct iommufd_device *idev,
			 u64 last)
{
	struct iommu_device_msi_window *cmd = call->cmd;
	struct iommufd_group *group = idev->group;
	struct iommufd_ctx *ictx = call->ictx;
	struct iommufd_msi_window *window;
	bool same;
	int rc;

	lockdep_assert_held(&group->lock);
	mutex_lock(&ictx->msi_lock);
	window = group->msi.window;
	same = window && window->start == cmd->start && window->last == last;
	if ((group->msi.used || group->msi.lists) && !same) {
		rc = -EBUSY;
		goto out_unlock;
	}
	window = iommufd_msi_window_get(ictx, cmd->start, last, window);
	if (IS_ERR(window)) {
		rc = PTR_ERR(window);
		goto out_unlock;
	}
	respond(idev, cmd, window->start, window->last, window);
	cmd->out_flags |= IOMMU_MSI_WINDOW_FIXED;
	rc = respond_at_once(call);
	if (!rc)
		swap(window, group->msi.window);
	if (window)
		iommufd_msi_window_put(ictx, window);
out_unlock:
	mutex_unlock(&ictx->msi_lock);
	if (rc)
		return rc;
	WRITE_ONCE(group->msi.set, true);
	show(group);
	return 0;
}

static int change_or_wait(struct iommufd_call *call, struct iommufd_device *idev,
			  u64 last)
{
	const struct iommu_device_msi_window *cmd = call->cmd;
	struct iommufd_group *group = idev->group;
	unsigned int tries;
	int rc;

	for (tries = 0; tries < ANSWER_TRIES; tries++) {
		mutex_lock(&group->lock);
		rc = change_window(call, idev, last);
		mutex_unlock(&group->lock);
		if (rc != -EAGAIN)
			return rc;
		if (fault_in_writeable(call->ubuffer, min_t(size_t, call->user_size,
							    sizeof(*cmd))))
			break;
	}
	return -EFAULT;
}

static int set_window(struct iommufd_call *call, struct iommufd_device *idev,
		      struct window_limits *limits,
		      const struct iommu_resv_region *usual)
{
	struct iommu_device_msi_window *cmd = call->cmd;
	u64 last;
	int rc;

	rc = check_range(cmd, &last);
	if (rc)
		return rc;
	/*
	 * Without a proxy the base tree places the doorbells (dma-iommu.c), one behind the
	 * other from the window's start, and is not told where it ends.
	 */
	if (!iommufd_msi_can_proxy(idev->dev) && cmd->length < usual->length)
		return -EINVAL;
	rc = limit_to_tables(limits, idev);
	if (rc)
		return rc;
	if (cmd->start < limits->start || last > limits->last)
		return -ERANGE;
	if (find_region(limits, cmd->start, last))
		return -EADDRINUSE;
	rc = check_ioas(call->ictx, cmd, last);
	if (rc)
		return rc;
	rc = change_or_wait(call, idev, last);
	trace_msi_window(iommu_group_id(idev->group->group), cmd->start, last,
			 true, rc);
	return rc;
}

static int get_or_set(struct iommufd_call *call, struct iommufd_device *idev)
{
	struct iommu_device_msi_window *cmd = call->cmd;
	const struct iommu_resv_region *usual;
	struct window_limits limits;
	int rc;

	/* A part of a device has no interrupts of its own */
	if (iommufd_device_is_mediated(idev))
		return -EOPNOTSUPP;
	rc = limits_begin(&limits, idev->group);
	if (rc)
		return rc;
	usual = usual_region(&limits);
	if (!usual)
		rc = -EOPNOTSUPP;
	else if (cmd->flags & IOMMU_MSI_WINDOW_SET)
		rc = set_window(call, idev, &limits, usual);
	else
		rc = get_window(call, idev, &limits, usual);
	limits_end(&limits);
	return rc;
}

/**
 * iommufd_device_msi_window_ioctl() - IOMMU_DEVICE_MSI_WINDOW
 * @call: with struct iommu_device_msi_window
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_device_msi_window_ioctl(struct iommufd_call *call)
{
	struct iommu_device_msi_window *cmd = call->cmd;
	struct iommufd_device *idev;
	int rc;

	if (cmd->flags & ~IOMMU_MSI_WINDOW_SET)
		return -EOPNOTSUPP;
	if (!(cmd->flags & IOMMU_MSI_WINDOW_SET) && cmd->ioas_id)
		return -EINVAL;
	idev = iommufd_device_get(call->ictx, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = get_or_set(call, idev);
	iommufd_object_put(&idev->obj);
	return rc;
}
