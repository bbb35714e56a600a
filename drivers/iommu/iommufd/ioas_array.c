// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays of mappings: many made or taken away by one call, with one flush, and page
 * requests answered by the mappings they asked for.
 *
 * The array is copied in before anything is done, so that no lock, and no claim on a
 * range, is held while user memory is read. What is done is a beginning of the array:
 * the first entry that fails ends the call. Answers are given when all that was mapped
 * is in effect, and after the array has been written back; nothing of user space is
 * waited for between the claim of an answer and its way to hardware.
 */
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "fault/fault.h"
#include "ioas.h"
#include "ioas_array.h"
#include "trace.h"

/* Arrays of so many entries need no allocation */
#define ARRAY_FEW	4

#define ENTRY_FLAGS                                                            \
	(IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA | IOMMU_IOAS_MAP_ENTRY_WRITEABLE |    \
	 IOMMU_IOAS_MAP_ENTRY_READABLE | IOMMU_IOAS_MAP_ENTRY_ANSWER)

/* Bytes of an entry's first release: no caller can do without */
#define MAP_ENTRY_MIN	offsetofend(struct iommu_ioas_map_entry, iova)
#define UNMAP_ENTRY_MIN	offsetofend(struct iommu_ioas_unmap_entry, length)

static int check_array(u32 num, u32 len, size_t min)
{
	if (!num || num > IOMMU_IOAS_ARRAY_MAX || len < min || len > SZ_4K)
		return -EINVAL;
	return 0;
}

/* Copy @num entries in, of which user space has @len bytes and we know @size. */
static int read_array(void *to, size_t size, u64 from, u32 len, u32 num)
{
	void __user *user = u64_to_user_ptr(from);
	int rc;
	u32 i;

	if (len == size)
		return copy_from_user(to, user, size * num) ? -EFAULT : 0;
	for (i = 0; i < num; i++) {
		rc = copy_struct_from_user(to + i * size, size,
					   user + (size_t)i * len, len);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * struct map_call - one IOMMU_IOAS_MAP_ARRAY in progress
 * @ioas: where to
 * @queue: whose page requests are answered, or NULL
 * @cmd: the command
 * @entries: the array, copied
 * @maps: the same, as map/ takes it
 * @cookies: of the answers that the entries which are done ask for
 * @answers: how many
 */
struct map_call {
	struct iommufd_ioas *ioas;
	struct iommufd_fault_queue *queue;
	struct iommu_ioas_map_array *cmd;
	struct iommu_ioas_map_entry *entries;
	struct iova_map *maps;
	u32 *cookies;
	u32 answers;
};

static int check_entry(struct map_call *call,
		       const struct iommu_ioas_map_entry *entry,
		       struct iova_map *map)
{
	bool answer = entry->flags & IOMMU_IOAS_MAP_ENTRY_ANSWER;

	if ((entry->flags & ~ENTRY_FLAGS) || (entry->cookie && !answer))
		return -EOPNOTSUPP;
	if (entry->iova >= ULONG_MAX || entry->length >= ULONG_MAX)
		return -EOVERFLOW;
	if (!(entry->flags & (IOMMU_IOAS_MAP_ENTRY_WRITEABLE |
			      IOMMU_IOAS_MAP_ENTRY_READABLE)))
		return -EINVAL;
	if (answer && (!call->queue ||
		       !iommufd_fault_queue_awaits(call->queue, entry->cookie)))
		return -EINVAL;

	*map = (struct iova_map){
		.iova = entry->iova,
		.uptr = u64_to_user_ptr(entry->user_va),
		.length = entry->length,
		.prot = IOMMU_CACHE,
	};
	if (entry->flags & IOMMU_IOAS_MAP_ENTRY_WRITEABLE)
		map->prot |= IOMMU_WRITE;
	if (entry->flags & IOMMU_IOAS_MAP_ENTRY_READABLE)
		map->prot |= IOMMU_READ;
	if (!(entry->flags & IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA))
		map->flags = IOVA_SPACE_CHOOSE_IOVA;
	return 0;
}

/* Tell user space of an IOVA that we chose. */
static int write_iova(struct map_call *call, u32 i)
{
	void __user *user = u64_to_user_ptr(call->cmd->entries) +
			    (size_t)i * call->cmd->entry_len +
			    offsetof(struct iommu_ioas_map_entry, iova);
	u64 iova = call->maps[i].iova;

	return copy_to_user(user, &iova, sizeof(iova)) ? -EFAULT : 0;
}

/* Nobody could be told where these are: see iommufd_ioas_map_ioctl(). */
static void take_back(struct map_call *call, u32 first, u32 end)
{
	unsigned long unmapped;
	u32 i;
	int rc;

	for (i = first; i < end; i++) {
		rc = iova_space_unmap(&call->ioas->space, call->maps[i].iova,
				      call->maps[i].length, &unmapped);
		trace_ioas_unmap(call->ioas->obj.id, call->maps[i].iova,
				 call->maps[i].length, rc);
	}
}

/* After the map: what is done of @num entries? Less, if one cannot be written. */
static u32 conclude(struct map_call *call, u32 num, int *rc)
{
	u32 i;

	for (i = 0; i < num; i++) {
		const struct iommu_ioas_map_entry *entry = &call->entries[i];

		trace_ioas_map(call->ioas->obj.id, call->maps[i].iova,
			       call->maps[i].length, 0);
		if (!(entry->flags & IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA) &&
		    write_iova(call, i)) {
			*rc = -EFAULT;
			take_back(call, i, num);
			return i;
		}
		if (entry->flags & IOMMU_IOAS_MAP_ENTRY_ANSWER)
			call->cookies[call->answers++] = entry->cookie;
	}
	return num;
}

static int map_array(struct iommufd_call *ictl, struct map_call *call)
{
	struct iommu_ioas_map_array *cmd = call->cmd;
	unsigned int num, done;
	int rc, err = 0;

	rc = read_array(call->entries, sizeof(*call->entries), cmd->entries,
			cmd->entry_len, cmd->entry_num);
	if (rc)
		return rc;
	for (num = 0; num < cmd->entry_num && !err; num++)
		err = check_entry(call, &call->entries[num], &call->maps[num]);
	num -= !!err;

	rc = iova_space_map_many(&call->ioas->space, iommufd_charge(ictl->ictx),
				 call->maps, num, &done);
	if (rc)
		trace_ioas_map(call->ioas->obj.id, call->maps[done].iova,
			       call->maps[done].length, rc);
	rc = rc ?: err;
	cmd->out_done = conclude(call, done, &rc);
	/* What cannot be told is not kept, and so answers nothing */
	if (iommufd_call_respond(ictl, sizeof(*cmd))) {
		take_back(call, 0, cmd->out_done);
		return -EFAULT;
	}
	if (call->answers) {
		cmd->out_answered = iommufd_fault_queue_succeed(call->queue,
								call->cookies,
								call->answers);
		/* Too late to fail: without it none is said to be answered */
		iommufd_call_respond(ictl, sizeof(*cmd));
	}
	return rc;
}

static int with_room(struct iommufd_call *ictl, struct map_call *call)
{
	struct {
		struct iommu_ioas_map_entry entries[ARRAY_FEW];
		struct iova_map maps[ARRAY_FEW];
		u32 cookies[ARRAY_FEW];
	} few __uninitialized;
	u32 num = call->cmd->entry_num;
	int rc = -ENOMEM;

	if (num <= ARRAY_FEW) {
		call->entries = few.entries;
		call->maps = few.maps;
		call->cookies = few.cookies;
		return map_array(ictl, call);
	}
	call->entries = kvmalloc_array(num, sizeof(*call->entries),
				       GFP_KERNEL_ACCOUNT);
	call->maps = kvmalloc_array(num, sizeof(*call->maps),
				    GFP_KERNEL_ACCOUNT);
	call->cookies = kvmalloc_array(num, sizeof(*call->cookies),
				       GFP_KERNEL_ACCOUNT);
	if (call->entries && call->maps && call->cookies)
		rc = map_array(ictl, call);
	kvfree(call->cookies);
	kvfree(call->maps);
	kvfree(call->entries);
	return rc;
}

/**
 * iommufd_ioas_map_array_ioctl() - IOMMU_IOAS_MAP_ARRAY
 * @ictl: with struct iommu_ioas_map_array
 *
 * Return: 0 or the errno of the user ABI; what is done is told in either case.
 */
int iommufd_ioas_map_array_ioctl(struct iommufd_call *ictl)
{
	struct iommu_ioas_map_array *cmd = ictl->cmd;
	struct map_call call = { .cmd = cmd };
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	rc = check_array(cmd->entry_num, cmd->entry_len, MAP_ENTRY_MIN);
	if (rc)
		return rc;
	if (cmd->fault_id) {
		call.queue = iommufd_fault_queue_get(ictl->ictx, cmd->fault_id);
		if (IS_ERR(call.queue))
			return PTR_ERR(call.queue);
	}
	call.ioas = iommufd_ioas_get(ictl->ictx, cmd->ioas_id);
	if (IS_ERR(call.ioas)) {
		rc = PTR_ERR(call.ioas);
		goto out_queue;
	}

	cmd->out_done = 0;
	cmd->out_answered = 0;
	rc = iommufd_call_respond(ictl, sizeof(*cmd));
	if (rc)
		goto out_ioas;
	rc = with_room(ictl, &call);
out_ioas:
	iommufd_object_put(&call.ioas->obj);
out_queue:
	if (call.queue)
		iommufd_fault_queue_put(call.queue);
	return rc;
}

static int unmap_array(struct iommufd_ioas *ioas,
		       struct iommu_ioas_unmap_array *cmd,
		       struct iommu_ioas_unmap_entry *entries,
		       struct iova_range *ranges)
{
	unsigned long unmapped;
	unsigned int num, done, i;
	int rc, err = 0;

	rc = read_array(entries, sizeof(*entries), cmd->entries, cmd->entry_len,
			cmd->entry_num);
	if (rc)
		return rc;
	for (num = 0; num < cmd->entry_num; num++) {
		u64 iova = entries[num].iova, length = entries[num].length;

		if (iova >= ULONG_MAX || length >= ULONG_MAX)
			err = -EOVERFLOW;
		else if (!length)
			err = -EINVAL;
		else if (check_add_overflow((unsigned long)iova,
					    (unsigned long)length - 1,
					    &ranges[num].last))
			err = -EOVERFLOW;
		if (err)
			break;
		ranges[num].start = iova;
	}

	rc = iova_space_unmap_many(&ioas->space, ranges, num, &done, &unmapped);
	for (i = 0; i < done; i++)
		trace_ioas_unmap(ioas->obj.id, entries[i].iova,
				 entries[i].length, 0);
	rc = rc ?: err;
	if (rc)
		trace_ioas_unmap(ioas->obj.id, entries[done].iova,
				 entries[done].length, rc);
	cmd->out_done = done;
	cmd->out_unmapped = unmapped;
	return rc;
}

/**
 * iommufd_ioas_unmap_array_ioctl() - IOMMU_IOAS_UNMAP_ARRAY
 * @ictl: with struct iommu_ioas_unmap_array
 *
 * Return: 0 or the errno of the user ABI; what is done is told in either case.
 */
int iommufd_ioas_unmap_array_ioctl(struct iommufd_call *ictl)
{
	struct iommu_ioas_unmap_entry few_entries[ARRAY_FEW] __uninitialized;
	struct iova_range few_ranges[ARRAY_FEW] __uninitialized;
	struct iommu_ioas_unmap_array *cmd = ictl->cmd;
	struct iommu_ioas_unmap_entry *entries = few_entries;
	struct iova_range *ranges = few_ranges;
	struct iommufd_ioas *ioas;
	int rc, err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	rc = check_array(cmd->entry_num, cmd->entry_len, UNMAP_ENTRY_MIN);
	if (rc)
		return rc;
	ioas = iommufd_ioas_get(ictl->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	cmd->out_done = 0;
	cmd->out_unmapped = 0;
	rc = iommufd_call_respond(ictl, sizeof(*cmd));
	if (rc)
		goto out_put;

	if (cmd->entry_num > ARRAY_FEW) {
		entries = kvmalloc_array(cmd->entry_num, sizeof(*entries),
					 GFP_KERNEL_ACCOUNT);
		ranges = kvmalloc_array(cmd->entry_num, sizeof(*ranges),
					GFP_KERNEL_ACCOUNT);
	}
	rc = -ENOMEM;
	if (entries && ranges)
		rc = unmap_array(ioas, cmd, entries, ranges);
	err = iommufd_call_respond(ictl, sizeof(*cmd));
	rc = rc ?: err;
	if (entries != few_entries)
		kvfree(entries);
	if (ranges != few_ranges)
		kvfree(ranges);
out_put:
	iommufd_object_put(&ioas->obj);
	return rc;
}
