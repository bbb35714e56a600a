// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel accesses driven by the ioctl: a mediated device with nothing behind
 * it. Each has an fd that names it and whose last close ends it; what it has
 * pinned is a list of spans with numbers.
 *
 * Locking: mock_access::lock guards the spans and is held while pages are
 * pinned, so that an unmap which comes right after finds the span listed.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioas.h"
#include "mock.h"

/* Keeps a caller that asks for the impossible out of the allocator's warnings */
#define MOCK_ACCESS_LENGTH_MAX	SZ_16M

static_assert((int)MOCK_ACCESS_RW_WRITE == (int)IOMMUFD_ACCESS_RW_WRITE);
static_assert((int)MOCK_ACCESS_RW_SLOW_PATH ==
	      (int)__IOMMUFD_ACCESS_RW_SLOW_PATH);

/**
 * struct mock_span - pages pinned by one ACCESS_PAGES
 * @item: in mock_access::spans
 * @iova: first address
 * @length: bytes
 * @id: number user space unpins it by
 */
struct mock_span {
	struct list_head item;
	unsigned long iova;
	size_t length;
	u32 id;
};

/**
 * struct mock_access - an access and its fd
 * @access: owned; set once, before the fd can be used
 * @ictx: its context, which @access keeps alive
 * @move: taken around moving it, outside @lock, which unmap() takes
 * @lock: guards what follows
 * @ioas_id: what it was attached to last; 0: it was detached
 * @spans: struct mock_span
 * @next_id: for the next span
 * @pins: it may pin pages; set once
 */
struct mock_access {
	struct iommufd_access *access;
	struct iommufd_ctx *ictx;
	struct mutex move;
	struct mutex lock;
	u32 ioas_id;
	struct list_head spans;
	u32 next_id;
	bool pins;
};

static void unpin_span(struct mock_access *macc, struct mock_span *span)
{
	lockdep_assert_held(&macc->lock);
	list_del(&span->item);
	iommufd_access_unpin_pages(macc->access, span->iova, span->length);
	kfree(span);
}

static void mock_access_unmap(void *data, unsigned long iova,
			      unsigned long length)
{
	unsigned long last = iova + (length - 1);
	struct mock_access *macc = data;
	struct mock_span *span, *next;

	mutex_lock(&macc->lock);
	list_for_each_entry_safe(span, next, &macc->spans, item)
		if (span->iova <= last &&
		    iova <= span->iova + (span->length - 1))
			unpin_span(macc, span);
	mutex_unlock(&macc->lock);
}

static const struct iommufd_access_ops pinning_ops = {
	.needs_pin_pages = 1,
	.unmap = mock_access_unmap,
};

static const struct iommufd_access_ops copying_ops = {
	.unmap = mock_access_unmap,
};

static int mock_access_release(struct inode *inode, struct file *file)
{
	struct mock_access *macc = file->private_data;

	if (macc->access) {
		mock_access_unmap(macc, 0, ULONG_MAX);
		iommufd_access_destroy(macc->access);
	}
	kfree(macc);
	return 0;
}

static const struct file_operations mock_access_fops = {
	.owner = THIS_MODULE,
	.release = mock_access_release,
};

/* With a reference on the file. */
static struct file *get_access(struct iommufd_call *call, u32 fd,
			       struct mock_access **macc)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADFD);
	*macc = file->private_data;
	if (file->f_op != &mock_access_fops || (*macc)->ictx != call->ictx) {
		fput(file);
		return ERR_PTR(-EBADFD);
	}
	return file;
}

static struct file *new_access(struct iommufd_ctx *ictx, bool pins,
			       struct mock_access **out)
{
	struct mock_access *macc;
	struct file *file;

	macc = kzalloc(sizeof(*macc), GFP_KERNEL_ACCOUNT);
	if (!macc)
		return ERR_PTR(-ENOMEM);
	macc->ictx = ictx;
	macc->pins = pins;
	mutex_init(&macc->move);
	mutex_init(&macc->lock);
	INIT_LIST_HEAD(&macc->spans);

	file = anon_inode_getfile("[iommufd_mock_access]", &mock_access_fops,
				  macc, O_RDWR);
	if (IS_ERR(file))
		kfree(macc);
	*out = macc;
	return file;
}

/**
 * mock_op_create_access() - IOMMU_TEST_OP_CREATE_ACCESS
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EOPNOTSUPP for a flag; -ENOMEM; what creating and attaching an
 * access returns.
 */
int mock_op_create_access(struct iommufd_call *call,
			  struct iommu_test_cmd *cmd)
{
	bool pins = cmd->create_access.flags &
		    MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	struct iommufd_access *access;
	struct mock_access *macc;
	struct file *file;
	int fd, rc;
	u32 id;

	if (cmd->create_access.flags &
	    ~MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;

	file = new_access(call->ictx, pins, &macc);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto err_file;
	}

	access = iommufd_access_create(call->ictx,
				       pins ? &pinning_ops : &copying_ops, macc,
				       &id);
	if (IS_ERR(access)) {
		rc = PTR_ERR(access);
		goto err_fd;
	}
	/* The file owns it from here on, also if the rest fails. */
	macc->access = access;
	macc->ioas_id = cmd->id;
	rc = iommufd_access_attach(access, cmd->id);
	if (rc)
		goto err_fd;

	cmd->create_access.out_access_fd = fd;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_fd;
	fd_install(fd, file);
	return 0;

err_fd:
	put_unused_fd(fd);
err_file:
	fput(file);
	return rc;
}

/**
 * mock_op_access_replace_ioas() - IOMMU_TEST_OP_ACCESS_REPLACE_IOAS
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EBADFD; -ENOENT: it was to be detached, and is; what replacing returns.
 */
int mock_op_access_replace_ioas(struct iommufd_call *call,
				struct iommu_test_cmd *cmd)
{
	u32 ioas_id = cmd->access_replace_ioas.ioas_id;
	struct mock_access *macc;
	struct file *file;
	int rc;

	file = get_access(call, cmd->id, &macc);
	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&macc->move);
	if (ioas_id) {
		rc = iommufd_access_replace(macc->access, ioas_id);
	} else if (macc->ioas_id) {
		iommufd_access_detach(macc->access);
		rc = 0;
	} else {
		rc = -ENOENT;
	}
	if (!rc) {
		mutex_lock(&macc->lock);
		macc->ioas_id = ioas_id;
		mutex_unlock(&macc->lock);
	}
	mutex_unlock(&macc->move);
	fput(file);
	return rc;
}

/**
 * struct nth_area - look for the n-th mapping
 * @nth: how many to skip
 * @iova: out: where it starts
 */
struct nth_area {
	u32 nth;
	unsigned long iova;
};

static int find_nth(unsigned long iova, unsigned long length, void *opaque)
{
	struct nth_area *area = opaque;

	if (area->nth--)
		return 0;
	area->iova = iova;
	return 1;
}

/*
 * For fuzzers, which cannot guess what IOVA a mapping got: the low half of the
 * value counts mappings, the high half is an offset. 0 if there is no such one.
 */
static unsigned long syz_iova(struct mock_access *macc, u64 value)
{
	struct nth_area area = { .nth = lower_32_bits(value) };
	struct iommufd_ioas *ioas;
	int found;
	u32 id;

	mutex_lock(&macc->lock);
	id = macc->ioas_id;
	mutex_unlock(&macc->lock);
	ioas = iommufd_ioas_get(macc->ictx, id);
	if (IS_ERR(ioas))
		return 0;
	found = iova_space_walk_all(&ioas->space, find_nth, &area);
	iommufd_object_put(&ioas->obj);
	return found == 1 ? area.iova + upper_32_bits(value) : 0;
}

/* Are these the pages that user space sees at @uptr? */
static int compare_pages(unsigned long uptr, struct page **pages, size_t num)
{
	struct page *page;
	size_t i;
	int rc;

	for (i = 0; i < num; i++) {
		rc = get_user_pages_fast(uptr + i * PAGE_SIZE, 1, 0, &page);
		if (rc != 1)
			return rc < 0 ? rc : -EFAULT;
		put_page(page);
		if (page != pages[i])
			return -EBADE;
	}
	return 0;
}

static int pin_span(struct mock_access *macc, struct mock_span *span,
		    struct page **pages, struct iommufd_call *call,
		    struct iommu_test_cmd *cmd)
{
	size_t offset = offset_in_page(span->iova);
	size_t num = PFN_UP(offset + span->length);
	int rc;

	lockdep_assert_held(&macc->lock);

	rc = iommufd_access_pin_pages(macc->access, span->iova, span->length,
				      pages,
				      cmd->access_pages.flags &
						      MOCK_FLAGS_ACCESS_WRITE ?
					      IOMMUFD_ACCESS_RW_WRITE :
					      IOMMUFD_ACCESS_RW_READ);
	if (rc)
		return rc;

	if (cmd->access_pages.uptr) {
		rc = compare_pages(cmd->access_pages.uptr - offset, pages, num);
		if (rc)
			goto err_unpin;
	}
	span->id = macc->next_id++;
	cmd->access_pages.out_access_pages_id = span->id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_unpin;
	list_add_tail(&span->item, &macc->spans);
	return 0;

err_unpin:
	iommufd_access_unpin_pages(macc->access, span->iova, span->length);
	return rc;
}

static int access_pages(struct mock_access *macc, struct iommufd_call *call,
			struct iommu_test_cmd *cmd)
{
	struct mock_span *span;
	struct page **pages;
	int rc;

	if (!macc->pins)
		return -EOPNOTSUPP;

	span = kzalloc(sizeof(*span), GFP_KERNEL_ACCOUNT);
	if (!span)
		return -ENOMEM;
	span->length = cmd->access_pages.length;
	span->iova = cmd->access_pages.iova;
	if (cmd->access_pages.flags & MOCK_FLAGS_ACCESS_SYZ)
		span->iova = syz_iova(macc, cmd->access_pages.iova);

	pages = kvcalloc(PFN_UP(offset_in_page(span->iova) + span->length) ?: 1,
			 sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages) {
		kfree(span);
		return -ENOMEM;
	}

	mutex_lock(&macc->lock);
	rc = pin_span(macc, span, pages, call, cmd);
	mutex_unlock(&macc->lock);
	kvfree(pages);
	if (rc)
		kfree(span);
	return rc;
}

/**
 * mock_op_access_pages() - IOMMU_TEST_OP_ACCESS_PAGES
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EBADFD; -EOPNOTSUPP for a flag, or an access that does not pin;
 * -EBADE if uptr is other memory; -ENOMEM, also for more than 16 MiB; what
 * pinning returns.
 */
int mock_op_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_access *macc;
	struct file *file;
	int rc;

	if (cmd->access_pages.length > MOCK_ACCESS_LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_pages.flags &
	    ~(MOCK_FLAGS_ACCESS_WRITE | MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;

	file = get_access(call, cmd->id, &macc);
	if (IS_ERR(file))
		return PTR_ERR(file);
	rc = access_pages(macc, call, cmd);
	fput(file);
	return rc;
}

/**
 * mock_op_destroy_access_pages() - IOMMU_TEST_OP_DESTROY_ACCESS_PAGES
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EBADFD; -ENOENT if the span is not, or no longer, pinned.
 */
int mock_op_destroy_access_pages(struct iommufd_call *call,
				 struct iommu_test_cmd *cmd)
{
	struct mock_access *macc;
	struct mock_span *span;
	int rc = -ENOENT;
	struct file *file;

	file = get_access(call, cmd->id, &macc);
	if (IS_ERR(file))
		return PTR_ERR(file);

	mutex_lock(&macc->lock);
	list_for_each_entry(span, &macc->spans, item) {
		if (span->id != cmd->destroy_access_pages.access_pages_id)
			continue;
		unpin_span(macc, span);
		rc = 0;
		break;
	}
	mutex_unlock(&macc->lock);
	fput(file);
	return rc;
}

static int access_rw(struct mock_access *macc, struct iommu_test_cmd *cmd)
{
	bool write = cmd->access_rw.flags & MOCK_ACCESS_RW_WRITE;
	void __user *uptr = u64_to_user_ptr(cmd->access_rw.uptr);
	unsigned long iova = cmd->access_rw.iova;
	size_t length = cmd->access_rw.length;
	void *buf;
	int rc;

	if (cmd->access_rw.flags & MOCK_FLAGS_ACCESS_SYZ)
		iova = syz_iova(macc, iova);

	buf = kvzalloc(length, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	if (write && copy_from_user(buf, uptr, length)) {
		rc = -EFAULT;
		goto out_free;
	}
	rc = iommufd_access_rw(macc->access, iova, buf, length,
			       cmd->access_rw.flags & ~MOCK_FLAGS_ACCESS_SYZ);
	if (!rc && !write && copy_to_user(uptr, buf, length))
		rc = -EFAULT;
out_free:
	kvfree(buf);
	return rc;
}

/**
 * mock_op_access_rw() - IOMMU_TEST_OP_ACCESS_RW
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -EBADFD; -EOPNOTSUPP for a flag; -ENOMEM, also for more than
 * 16 MiB; -EFAULT; what the access returns.
 */
int mock_op_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_access *macc;
	struct file *file;
	int rc;

	if (cmd->access_rw.length > MOCK_ACCESS_LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_rw.flags &
	    ~(MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH |
	      MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;

	file = get_access(call, cmd->id, &macc);
	if (IS_ERR(file))
		return PTR_ERR(file);
	rc = access_rw(macc, cmd);
	fput(file);
	return rc;
}
