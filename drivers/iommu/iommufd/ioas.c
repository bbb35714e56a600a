// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls on an I/O address space (IOAS): from the user ABI to map/ and back.
 *
 * No lock is held here while user memory is read or written; those of the space
 * are map/'s own. A call reference keeps the IOAS for the time of a call.
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "ioas.h"
#include "map/move.h"
#include "trace.h"

/* The most ranges that one ALLOW_IOVAS may name */
#define ALLOWED_IOVAS_MAX	65536

#define MAP_FLAGS                                                              \
	(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |                \
	 IOMMU_IOAS_MAP_READABLE)

static void ioas_destroy(struct iommufd_object *obj)
{
	struct iommufd_ioas *ioas = container_of(obj, struct iommufd_ioas, obj);

	WARN_ON(!list_empty(&ioas->hwpts));
	iova_space_destroy(&ioas->space);
	mutex_destroy(&ioas->hwpt_lock);
}

/* The context's lock alone: another one's count may take as long as it has areas. */
static bool get_stat(struct iommufd_ioas *ioas, struct iova_space_stat *st)
{
	struct iommufd_ctx *ictx = ioas->obj.ictx;
	bool counted;

	if (!mutex_trylock(&ictx->stat_lock))
		return false;
	counted = iova_space_get_stat(&ioas->space, ++ictx->stat_mark, st);
	mutex_unlock(&ictx->stat_lock);
	return counted;
}

static void ioas_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_ioas *ioas = container_of(obj, struct iommufd_ioas, obj);
	struct iova_space_stat st;

	if (!get_stat(ioas, &st)) {
		seq_puts(m, " busy");
		return;
	}
	seq_printf(m, " areas=%lu mapped=%lu pinned-pages=%lu domains=%u",
		   st.areas, st.mapped_bytes, st.pinned_pages, st.domains);
	if (st.revoked)
		seq_printf(m, " revoked=%lu", st.revoked);
}

static const struct iommufd_object_ops ioas_ops = {
	.type = IOMMUFD_OBJ_IOAS,
	.name = "ioas",
	.destroy = ioas_destroy,
	.show = ioas_show,
};

/**
 * iommufd_ioas_new() - make an empty IOAS
 * @ictx: context that gets it
 *
 * Return: the IOAS, for the caller to finalize, or to end by iommufd_ioas_abort()
 * if it will not; else an ERR_PTR() of iommufd_object_alloc().
 */
struct iommufd_ioas *iommufd_ioas_new(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;

	ioas = iommufd_object_alloc(ictx, struct iommufd_ioas, obj, &ioas_ops);
	if (IS_ERR(ioas))
		return ioas;

	iova_space_init(&ioas->space);
	mutex_init(&ioas->hwpt_lock);
	INIT_LIST_HEAD(&ioas->hwpts);
	return ioas;
}

/**
 * iommufd_ioas_abort() - undo iommufd_ioas_new()
 * @ioas: never finalized
 */
void iommufd_ioas_abort(struct iommufd_ioas *ioas)
{
	ioas_destroy(&ioas->obj);
	iommufd_object_abort(&ioas->obj);
}

/**
 * iommufd_ioas_alloc_ioctl() - IOMMU_IOAS_ALLOC
 * @call: with struct iommu_ioas_alloc
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_ioas_alloc_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_alloc *cmd = call->cmd;
	struct iommufd_ioas *ioas;
	int rc = -EOPNOTSUPP;

	if (!cmd->flags) {
		ioas = iommufd_ioas_new(call->ictx);
		rc = PTR_ERR_OR_ZERO(ioas);
	}
	if (rc)
		return rc;

	/* The id works only once the caller has it */
	cmd->out_ioas_id = ioas->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (!rc)
		iommufd_object_finalize(&ioas->obj);
	else
		iommufd_ioas_abort(ioas);
	return rc;
}

static int read_ranges(struct iova_range *out, u64 uptr, u32 num)
{
	const struct iommu_iova_range __user *in = u64_to_user_ptr(uptr);
	struct iommu_iova_range range;
	u32 i;

	for (i = 0; i != num; i++) {
		if (copy_from_user(&range, in + i, sizeof(range)))
			return -EFAULT;
		if (range.start >= range.last)
			return -EINVAL;
		if (range.last > ULONG_MAX)
			return -EOVERFLOW;
		out[i].start = range.start;
		out[i].last = range.last;
	}
	return 0;
}

/**
 * iommufd_ioas_allow_iovas_ioctl() - IOMMU_IOAS_ALLOW_IOVAS
 * @call: with struct iommu_ioas_allow_iovas
 *
 * Return: 0 or the errno of the user ABI; -EINVAL also for more than
 * ALLOWED_IOVAS_MAX ranges.
 */
int iommufd_ioas_allow_iovas_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_allow_iovas *cmd = call->cmd;
	struct iova_range *ranges = NULL;
	struct iommufd_ioas *ioas;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	if (cmd->num_iovas > ALLOWED_IOVAS_MAX) {
		rc = -EINVAL;
		goto out_put;
	}
	if (cmd->num_iovas) {
		ranges = kvmalloc_array(cmd->num_iovas, sizeof(*ranges),
					GFP_KERNEL_ACCOUNT);
		if (!ranges) {
			rc = -ENOMEM;
			goto out_put;
		}
		rc = read_ranges(ranges, cmd->allowed_iovas, cmd->num_iovas);
	}
	if (!rc)
		rc = iova_space_set_allowed(&ioas->space, ranges,
					    cmd->num_iovas);
	kvfree(ranges);
out_put:
	iommufd_object_put(&ioas->obj);
	return rc;
}

/* Usable ranges of a space: as many as there is room for, counting them all */
struct range_list {
	struct iommu_iova_range *ranges;
	u32 room;
	u32 num;
};

static int note_usable(unsigned long start, unsigned long last, void *opaque)
{
	struct range_list *list = opaque;

	if (list->num < list->room) {
		list->ranges[list->num].start = start;
		list->ranges[list->num].last = last;
	}
	list->num++;
	return 0;
}

/* Fill @list with up to @max ranges; kvfree(list->ranges) afterwards. */
static int collect_ranges(struct iova_space *space, struct range_list *list,
			  u32 max)
{
	int rc;

	list->room = 0;
	list->ranges = NULL;
	for (;;) {
		list->num = 0;
		rc = iova_space_for_each_usable(space, note_usable, list);
		if (rc || min(list->num, max) <= list->room)
			return rc;

		/* Once more with room for as many as there were a moment ago */
		kvfree(list->ranges);
		list->room = min(list->num, max);
		list->ranges = kvmalloc_array(list->room, sizeof(*list->ranges),
					      GFP_KERNEL_ACCOUNT);
		if (!list->ranges)
			return -ENOMEM;
	}
}

/**
 * iommufd_ioas_iova_ranges_ioctl() - IOMMU_IOAS_IOVA_RANGES
 * @call: with struct iommu_ioas_iova_ranges
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_ioas_iova_ranges_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_iova_ranges *cmd = call->cmd;
	u32 max = cmd->num_iovas;
	struct iommufd_ioas *ioas;
	struct range_list list;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = collect_ranges(&ioas->space, &list, max);
	if (rc)
		goto out_free;
	if (copy_to_user(u64_to_user_ptr(cmd->allowed_iovas), list.ranges,
			 array_size(min(list.num, max),
				    sizeof(*list.ranges)))) {
		rc = -EFAULT;
		goto out_free;
	}

	cmd->num_iovas = list.num;
	cmd->out_iova_alignment = iova_space_alignment(&ioas->space);
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (!rc && list.num > max)
		rc = -EMSGSIZE;
out_free:
	kvfree(list.ranges);
	iommufd_object_put(&ioas->obj);
	return rc;
}

/*
 * Flags of a map or copy to what map/ takes. Mappings are always coherent with
 * the CPU's caches: user space has no means to make them so afterwards, and
 * binding a device that cannot is refused.
 */
static int map_flags(u32 uflags, int *prot, unsigned int *flags)
{
	if (!(uflags & (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)))
		return -EINVAL;

	*prot = IOMMU_CACHE;
	if (uflags & IOMMU_IOAS_MAP_WRITEABLE)
		*prot |= IOMMU_WRITE;
	if (uflags & IOMMU_IOAS_MAP_READABLE)
		*prot |= IOMMU_READ;
	*flags = uflags & IOMMU_IOAS_MAP_FIXED_IOVA ? 0 : IOVA_SPACE_CHOOSE_IOVA;
	return 0;
}

/*
 * The caller could be told before, but not now, where the mapping is. Nobody
 * else knows of the IOVA, which we chose, but by guessing or unmapping all.
 */
static void unmap_unseen(struct iommufd_ioas *ioas, unsigned long iova,
			 unsigned long length)
{
	unsigned long unmapped;
	int rc;

	rc = iova_space_unmap(&ioas->space, iova, length, &unmapped);
	trace_ioas_unmap(ioas->obj.id, iova, length, rc);
}

/**
 * iommufd_ioas_map_ioctl() - IOMMU_IOAS_MAP
 * @call: with struct iommu_ioas_map
 *
 * A structure that cannot be written is found out before anything is mapped. A
 * mapping at a fixed IOVA is never taken back: the caller has the answer by
 * then, and other threads may count on the IOVA or have changed what is there.
 *
 * Return: 0 or the errno of the user ABI; nothing is mapped unless 0.
 */
int iommufd_ioas_map_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_map __user *ucmd = call->ubuffer;
	struct iommu_ioas_map *cmd = call->cmd;
	struct iommufd_ioas *ioas;
	unsigned int flags;
	unsigned long iova;
	int prot;
	int rc;

	if ((cmd->flags & ~MAP_FLAGS) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX)
		return -EOVERFLOW;
	rc = map_flags(cmd->flags, &prot, &flags);
	if (rc)
		return rc;

	ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	/* Before anything is done that a caller who cannot be answered does not know of */
	rc = put_user(cmd->iova, &ucmd->iova);
	if (rc)
		goto out_put;

	iova = cmd->iova;
	rc = iova_space_map_user(&ioas->space, iommufd_charge(call->ictx),
				 &iova, u64_to_user_ptr(cmd->user_va),
				 cmd->length, prot, flags);
	trace_ioas_map(ioas->obj.id, iova, cmd->length, rc);
	if (rc || !(flags & IOVA_SPACE_CHOOSE_IOVA))
		goto out_put;

	rc = put_user((u64)iova, &ucmd->iova);
	if (rc)
		unmap_unseen(ioas, iova, cmd->length);
out_put:
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int map_file(struct iommufd_call *call, struct iommufd_ioas *ioas,
		    struct file *file, int prot, unsigned int flags)
{
	struct iommu_ioas_map_file *cmd = call->cmd;
	unsigned long iova = cmd->iova;
	int rc;

	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		return rc;
	rc = iova_space_map_file(&ioas->space, iommufd_charge(call->ictx),
				 &iova, file, cmd->start, cmd->length, prot,
				 flags);
	trace_ioas_map(ioas->obj.id, iova, cmd->length, rc);
	if (rc || !(flags & IOVA_SPACE_CHOOSE_IOVA))
		return rc;

	cmd->iova = iova;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		unmap_unseen(ioas, iova, cmd->length);
	return rc;
}

/**
 * iommufd_ioas_map_file_ioctl() - IOMMU_IOAS_MAP_FILE
 * @call: with struct iommu_ioas_map_file
 *
 * Answers the caller as iommufd_ioas_map_ioctl() does.
 *
 * Return: 0 or the errno of the user ABI; nothing is mapped unless 0.
 */
int iommufd_ioas_map_file_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_map_file *cmd = call->cmd;
	struct iommufd_ioas *ioas;
	unsigned int flags;
	struct file *file;
	int prot;
	int rc;

	if (cmd->flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX ||
	    cmd->start >= ULONG_MAX)
		return -EOVERFLOW;
	rc = map_flags(cmd->flags, &prot, &flags);
	if (rc)
		return rc;

	ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	file = fget(cmd->fd);
	if (file) {
		rc = map_file(call, ioas, file, prot, flags);
		fput(file);
	} else {
		rc = -EBADF;
	}
	iommufd_object_put(&ioas->obj);
	return rc;
}

/**
 * iommufd_ioas_change_process_ioctl() - IOMMU_IOAS_CHANGE_PROCESS
 * @call: with struct iommu_ioas_change_process
 *
 * Return: 0 or the errno of the user ABI; nothing has changed unless 0.
 */
int iommufd_ioas_change_process_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_change_process *cmd = call->cmd;
	struct iommufd_object *obj;
	struct iommufd_ioas *ioas;
	unsigned long id = 0;
	struct map_move move;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	guard(mutex)(&call->ictx->move_lock);
	map_move_begin(&move);
	while (!rc && (obj = iommufd_object_get_next(call->ictx, &id))) {
		if (obj->ops->type == IOMMUFD_OBJ_IOAS) {
			ioas = container_of(obj, struct iommufd_ioas, obj);
			rc = map_move_add(&move, &ioas->space);
		}
		iommufd_object_put(obj);
	}
	if (!rc)
		rc = map_move_commit(&move);
	map_move_end(&move);
	return rc;
}

/**
 * iommufd_ioas_copy_ioctl() - IOMMU_IOAS_COPY
 * @call: with struct iommu_ioas_copy
 *
 * Answers the caller as iommufd_ioas_map_ioctl() does.
 *
 * Return: 0 or the errno of the user ABI; nothing is mapped unless 0.
 */
int iommufd_ioas_copy_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_copy *cmd = call->cmd;
	struct iommufd_ioas *src, *dst;
	unsigned int flags;
	unsigned long iova;
	int prot;
	int rc;

	if (cmd->flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->length >= ULONG_MAX || cmd->src_iova >= ULONG_MAX ||
	    cmd->dst_iova >= ULONG_MAX)
		return -EOVERFLOW;
	rc = map_flags(cmd->flags, &prot, &flags);
	if (rc)
		return rc;

	src = iommufd_ioas_get(call->ictx, cmd->src_ioas_id);
	if (IS_ERR(src))
		return PTR_ERR(src);
	dst = iommufd_ioas_get(call->ictx, cmd->dst_ioas_id);
	if (IS_ERR(dst)) {
		rc = PTR_ERR(dst);
		goto out_put_src;
	}
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto out_put_dst;

	iova = cmd->dst_iova;
	rc = iova_space_copy(&dst->space, &src->space, cmd->src_iova,
			     cmd->length, &iova, prot, flags);
	trace_ioas_map(dst->obj.id, iova, cmd->length, rc);
	if (rc || !(flags & IOVA_SPACE_CHOOSE_IOVA))
		goto out_put_dst;

	cmd->dst_iova = iova;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		unmap_unseen(dst, iova, cmd->length);
out_put_dst:
	iommufd_object_put(&dst->obj);
out_put_src:
	iommufd_object_put(&src->obj);
	return rc;
}

/**
 * iommufd_ioas_unmap_ioctl() - IOMMU_IOAS_UNMAP
 * @call: with struct iommu_ioas_unmap
 *
 * Return: 0 or the errno of the user ABI. -EFAULT means that the mappings are
 * gone but their size could not be told.
 */
int iommufd_ioas_unmap_ioctl(struct iommufd_call *call)
{
	struct iommu_ioas_unmap __user *ucmd = call->ubuffer;
	struct iommu_ioas_unmap *cmd = call->cmd;
	unsigned long unmapped = 0;
	struct iommufd_ioas *ioas;
	int rc;

	ioas = iommufd_ioas_get(call->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	if (cmd->iova == 0 && cmd->length == U64_MAX) {
		rc = iova_space_unmap_all(&ioas->space, &unmapped);
	} else if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX) {
		rc = -EOVERFLOW;
	} else {
		rc = iova_space_unmap(&ioas->space, cmd->iova, cmd->length,
				      &unmapped);
		if (!rc && !unmapped)
			rc = -ENOENT;
	}
	trace_ioas_unmap(ioas->obj.id, cmd->iova, rc ? cmd->length : unmapped,
			 rc);
	if (rc)
		goto out_put;

	rc = put_user((u64)unmapped, &ucmd->length);
out_put:
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int option_rlimit_mode(struct iommufd_call *call,
			      struct iommu_option *cmd)
{
	struct iommufd_ctx *ictx = call->ictx;
	int rc = 0;

	if (cmd->object_id)
		return -EOPNOTSUPP;

	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET:
		cmd->val64 = READ_ONCE(ictx->account_process);
		return 0;
	case IOMMU_OPTION_OP_SET:
		if (!capable(CAP_SYS_RESOURCE))
			return -EPERM;

		/* Ids are given out under this lock: none can come meanwhile */
		xa_lock(&ictx->objects);
		if (!xa_empty(&ictx->objects))
			rc = -EBUSY;
		else if (cmd->val64 > 1)
			rc = -EINVAL;
		else
			WRITE_ONCE(ictx->account_process, cmd->val64);
		xa_unlock(&ictx->objects);
		return rc;
	default:
		return -EOPNOTSUPP;
	}
}

static int option_huge_pages(struct iommufd_call *call,
			     struct iommu_option *cmd)
{
	struct iommufd_ioas *ioas;
	int rc = 0;

	ioas = iommufd_ioas_get(call->ictx, cmd->object_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET:
		cmd->val64 = !READ_ONCE(ioas->space.no_large_pages);
		break;
	case IOMMU_OPTION_OP_SET:
		if (cmd->val64 == 0)
			rc = iova_space_disable_large_pages(&ioas->space);
		else if (cmd->val64 == 1)
			iova_space_enable_large_pages(&ioas->space);
		else
			rc = -EINVAL;
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	iommufd_object_put(&ioas->obj);
	return rc;
}

/**
 * iommufd_option_ioctl() - IOMMU_OPTION
 * @call: with struct iommu_option
 *
 * Return: 0 or the errno of the user ABI.
 */
int iommufd_option_ioctl(struct iommufd_call *call)
{
	struct iommu_option *cmd = call->cmd;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	switch (cmd->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = option_rlimit_mode(call, cmd);
		break;
	case IOMMU_OPTION_HUGE_PAGES:
		rc = option_huge_pages(call, cmd);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (rc)
		return rc;
	return iommufd_call_respond(call, sizeof(*cmd));
}
