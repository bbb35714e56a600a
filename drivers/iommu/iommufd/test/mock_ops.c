// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_TEST_CMD: the ioctl that makes mock devices, commands them, and looks
 * behind the curtain. Here are the devices as objects of a context, and the
 * operations that inspect; accesses and DMA have files of their own.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "failpoint.h"
#include "map/pages.h"
#include "mock.h"

/* What the kselftest was written for, and what a sane buffer needs at most */
#define MOCK_MEMORY_LIMIT_MIN	12
#define MOCK_MEMORY_LIMIT_MAX	SZ_1M

DECLARE_FAULT_ATTR(iommufd_fail_attr);

static int __init fail_iommufd_init(void)
{
	/* Without debugfs there is still fail-nth. */
	fault_create_debugfs_attr("fail_iommufd", NULL, &iommufd_fail_attr);
	return 0;
}
late_initcall(fail_iommufd_init);

/* --- devices --- */

/**
 * struct mock_device_obj - a mock device bound to a context
 * @obj: the id that destroys it
 * @mdev: the device; owned
 * @idev: as bound; owned
 */
struct mock_device_obj {
	struct iommufd_object obj;
	struct mock_dev *mdev;
	struct iommufd_device *idev;
};

static void device_obj_destroy(struct iommufd_object *obj)
{
	struct mock_device_obj *sobj =
		container_of(obj, struct mock_device_obj, obj);

	if (READ_ONCE(sobj->idev->hwpt_id))
		iommufd_device_detach(sobj->idev);
	iommufd_device_unbind(sobj->idev);
	mock_dev_destroy(sobj->mdev);
}

static const struct iommufd_object_ops device_obj_ops = {
	.type = IOMMUFD_OBJ_SELFTEST,
	.name = "mock-device",
	.destroy = device_obj_destroy,
};

static int op_mock_domain(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_device_obj *sobj;
	u32 pt_id = cmd->id;
	u32 flags = 0;
	u32 idev_id;
	int rc = 0;

	if (cmd->op == IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS)
		flags = cmd->mock_domain_flags.dev_flags;

	sobj = iommufd_object_alloc(call->ictx, struct mock_device_obj, obj,
				    &device_obj_ops);
	if (IS_ERR(sobj))
		return PTR_ERR(sobj);

	sobj->mdev = mock_dev_create(flags);
	if (IS_ERR(sobj->mdev)) {
		rc = PTR_ERR(sobj->mdev);
		goto err_abort;
	}
	sobj->idev = iommufd_device_bind_owned(call->ictx, &sobj->mdev->dev,
					       &idev_id);
	if (IS_ERR(sobj->idev)) {
		rc = PTR_ERR(sobj->idev);
		goto err_device;
	}
	if (flags & MOCK_FLAGS_DEVICE_UNATTACHED)
		pt_id = 0;
	else
		rc = iommufd_device_attach(sobj->idev, &pt_id);
	if (rc)
		goto err_unbind;

	cmd->mock_domain.out_stdev_id = sobj->obj.id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	cmd->mock_domain.out_idev_id = idev_id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_detach;
	iommufd_object_finalize(&sobj->obj);
	return 0;

err_detach:
	if (pt_id)
		iommufd_device_detach(sobj->idev);
err_unbind:
	iommufd_device_unbind(sobj->idev);
err_device:
	mock_dev_destroy(sobj->mdev);
err_abort:
	iommufd_object_abort(&sobj->obj);
	return rc;
}

static int op_mock_domain_replace(struct iommufd_call *call,
				  struct iommu_test_cmd *cmd)
{
	u32 pt_id = cmd->mock_domain_replace.pt_id;
	struct mock_device_obj *sobj;
	struct iommufd_object *obj;
	int rc;

	/* As long as this is held, nobody detaches. */
	obj = iommufd_object_get(call->ictx, cmd->id, IOMMUFD_OBJ_SELFTEST);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->ops != &device_obj_ops) {
		rc = -ENOENT;
		goto out_put;
	}
	sobj = container_of(obj, struct mock_device_obj, obj);

	rc = iommufd_device_replace(sobj->idev, &pt_id);
	if (rc)
		goto out_put;
	cmd->mock_domain_replace.pt_id = pt_id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
out_put:
	iommufd_object_put(obj);
	return rc;
}

/* The bound device behind @id, kept by a reference on the object that owns it. */
static struct iommufd_device *get_owned(struct iommufd_ctx *ictx, u32 id,
					struct iommufd_object **obj)
{
	struct iommufd_device *idev;

	*obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_SELFTEST);
	if (IS_ERR(*obj))
		return ERR_CAST(*obj);
	if ((*obj)->ops == &device_obj_ops)
		return container_of(*obj, struct mock_device_obj, obj)->idev;
	idev = mock_part_idev(*obj);
	if (idev)
		return idev;
	iommufd_object_put(*obj);
	return ERR_PTR(-ENOENT);
}

/*
 * A driver detaches what it has attached, and once: so have users of the operations.
 *
 * Return: 0, or -ENOENT: the device itself is not attached, or not any more.
 */
static int detach_attached(struct iommufd_device *idev, u32 pasid)
{
	static DEFINE_MUTEX(lock);
	int rc = 0;

	mutex_lock(&lock);
	if (pasid != IOMMU_NO_PASID || iommufd_device_is_mediated(idev) ||
	    READ_ONCE(idev->hwpt_id))
		iommufd_device_detach(idev, pasid);
	else
		rc = -ENOENT;
	mutex_unlock(&lock);
	return rc;
}

/* In the shape that later kernels' drivers use */
static int op_pasid_change(struct iommufd_call *call,
			   struct iommu_test_cmd *cmd)
{
	u32 pasid = cmd->pasid_attach.pasid;
	u32 pt_id = cmd->pasid_attach.pt_id;
	struct iommufd_device *idev;
	struct iommufd_object *obj;
	int rc;

	idev = get_owned(call->ictx, cmd->id, &obj);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	if (cmd->op == IOMMU_TEST_OP_PASID_ATTACH)
		rc = iommufd_device_attach(idev, pasid, &pt_id);
	else
		rc = iommufd_device_replace(idev, pasid, &pt_id);
	if (rc)
		goto out_put;
	cmd->pasid_attach.pt_id = pt_id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc && cmd->op == IOMMU_TEST_OP_PASID_ATTACH)
		detach_attached(idev, pasid);
out_put:
	iommufd_object_put(obj);
	return rc;
}

static int op_pasid_detach(struct iommufd_call *call,
			   struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct iommufd_object *obj;
	int rc;

	idev = get_owned(call->ictx, cmd->id, &obj);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = detach_attached(idev, cmd->pasid_detach.pasid);
	iommufd_object_put(obj);
	return rc;
}

static int op_pasid_check(struct iommufd_call *call,
			  struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct iommufd_pasid *entry;
	struct iommufd_object *obj;
	u32 hwpt_id = 0;

	idev = get_owned(call->ictx, cmd->id, &obj);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	mutex_lock(&idev->pasid_lock);
	entry = xa_load(&idev->pasids, cmd->pasid_check.pasid);
	if (entry)
		hwpt_id = entry->hwpt->obj.id;
	mutex_unlock(&idev->pasid_lock);
	iommufd_object_put(obj);
	return hwpt_id == cmd->pasid_check.hwpt_id ? 0 : -EINVAL;
}

/**
 * mock_get_device() - the mock device behind a device id
 * @ictx: the context
 * @dev_id: as bound
 * @mdev: out: the device, which is not released before the put
 *
 * Return: the bound device with a call reference, or -ENOENT, or -EINVAL if it
 * is not a mock device.
 */
struct iommufd_device *mock_get_device(struct iommufd_ctx *ictx, u32 dev_id,
				       struct mock_dev **mdev)
{
	struct iommufd_device *idev = iommufd_device_get(ictx, dev_id);

	if (IS_ERR(idev))
		return idev;
	if (!mock_dev_is(idev->dev)) {
		iommufd_object_put(&idev->obj);
		return ERR_PTR(-EINVAL);
	}
	*mdev = to_mock_dev(idev->dev);
	return idev;
}

/* --- page requests --- */

static int op_trigger_iopf(struct iommufd_call *call,
			   struct iommu_test_cmd *cmd)
{
	struct iommufd_page_request req = {
		.addr = cmd->trigger_iopf.addr,
		.pasid = cmd->trigger_iopf.pasid,
		.grpid = cmd->trigger_iopf.grpid,
		.perm = cmd->trigger_iopf.perm,
		.pasid_valid = cmd->trigger_iopf.pasid != IOMMU_NO_PASID,
		.last = true,
	};
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	int rc;

	idev = mock_get_device(call->ictx, cmd->trigger_iopf.dev_id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = mock_part_translate(idev, &req.pasid_valid, &req.pasid);
	if (!rc)
		rc = mock_fault_trigger(mdev, &req);
	iommufd_object_put(&idev->obj);
	return rc;
}

static int op_trigger_vevent(struct iommufd_call *call,
			     struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	int rc;

	idev = mock_get_device(call->ictx, cmd->trigger_vevent.dev_id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = mock_viommu_event(mdev, cmd->trigger_vevent.other ?
				     IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER :
				     IOMMU_VEVENTQ_TYPE_SELFTEST);
	iommufd_object_put(&idev->obj);
	return rc;
}

static int op_report(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	bool each_last = cmd->report.flags & MOCK_REPORT_EACH_LAST;
	bool last = cmd->report.flags & MOCK_REPORT_LAST;
	struct iommufd_page_request req = {
		.addr = cmd->report.addr,
		.grpid = cmd->report.grpid,
		.perm = cmd->report.perm,
		.pasid_valid = cmd->report.flags & MOCK_REPORT_PASID_VALID,
	};
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	int rc;

	if (cmd->report.flags & ~(MOCK_REPORT_PASID_VALID | MOCK_REPORT_LAST |
				  MOCK_REPORT_EACH_LAST))
		return -EOPNOTSUPP;
	if (req.pasid_valid)
		req.pasid = cmd->report.pasid;
	if (!cmd->report.count || cmd->report.count > MOCK_REPORT_COUNT_MAX ||
	    req.pasid >= BIT(MOCK_PASID_WIDTH) || (last && each_last))
		return -EINVAL;

	idev = mock_get_device(call->ictx, cmd->report.dev_id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = mdev->flags & MOCK_FLAGS_DEVICE_PLAIN ? -EINVAL : 0;
	if (!rc)
		rc = mock_part_translate(idev, &req.pasid_valid, &req.pasid);
	if (!rc)
		rc = mock_fault_send(mdev, &req, cmd->report.count, last,
				     each_last, &cmd->report.out_taken,
				     &cmd->report.out_refused);
	iommufd_object_put(&idev->obj);
	return rc ?: iommufd_call_respond(call, sizeof(*cmd));
}

static int op_ledger(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_device *idev;
	struct mock_ledger ledger;
	struct mock_dev *mdev;

	if (cmd->ledger.__reserved)
		return -EOPNOTSUPP;
	idev = mock_get_device(call->ictx, cmd->ledger.dev_id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	spin_lock(&mdev->lock);
	ledger = mdev->ledger;
	spin_unlock(&mdev->lock);
	iommufd_object_put(&idev->obj);

	cmd->ledger.out_requests = ledger.requests;
	cmd->ledger.out_dropped = ledger.dropped;
	cmd->ledger.out_reported = ledger.reported;
	cmd->ledger.out_taken = ledger.taken;
	cmd->ledger.out_refused_overflow = ledger.refused_overflow;
	cmd->ledger.out_refused_other = ledger.refused_other;
	cmd->ledger.out_answered_success = ledger.answered_success;
	cmd->ledger.out_answered_invalid = ledger.answered_invalid;
	cmd->ledger.out_answered_failure = ledger.answered_failure;
	return iommufd_call_respond(call, sizeof(*cmd));
}

/* --- inspection --- */

/* A paging HWPT on the mock, with a call reference. */
static struct iommufd_hwpt_paging *get_paging(struct iommufd_ctx *ictx, u32 id,
					      struct mock_paging **paging)
{
	struct iommufd_hwpt_paging *hwpt = iommufd_hwpt_paging_get(ictx, id);

	if (IS_ERR(hwpt))
		return hwpt;
	*paging = mock_paging_from_domain(hwpt->hwpt.domain);
	if (!*paging) {
		iommufd_object_put(&hwpt->hwpt.obj);
		return ERR_PTR(-EINVAL);
	}
	return hwpt;
}

static int check_map(struct mock_paging *paging, unsigned long iova,
		     unsigned long length, unsigned long uptr)
{
	unsigned long done;

	for (done = 0; done < length; done += MOCK_IO_PAGE_SIZE) {
		phys_addr_t want, have;
		struct page *page;
		int rc;

		rc = get_user_pages_fast((uptr + done) & PAGE_MASK, 1, 0,
					 &page);
		if (rc != 1)
			return rc < 0 ? rc : -EFAULT;
		want = page_to_phys(page) + offset_in_page(uptr + done);
		put_page(page);

		if (!mock_paging_lookup(paging, iova + done, &have) ||
		    have != want)
			return -EINVAL;
	}
	return 0;
}

static int op_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long length = cmd->check_map.length;
	unsigned long iova = cmd->check_map.iova;
	unsigned long uptr = cmd->check_map.uptr;
	struct iommufd_hwpt_paging *hwpt;
	struct mock_paging *paging;
	unsigned long end;
	int rc;

	if (!IS_ALIGNED(iova | length | uptr, MOCK_IO_PAGE_SIZE) ||
	    check_add_overflow(uptr, length, &end) ||
	    check_add_overflow(iova, length, &end))
		return -EINVAL;

	hwpt = get_paging(call->ictx, cmd->id, &paging);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = check_map(paging, iova, length, uptr);
	iommufd_object_put(&hwpt->hwpt.obj);
	return rc;
}

static int op_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long length = cmd->check_refs.length;
	unsigned long uptr = cmd->check_refs.uptr;
	unsigned long end;

	if (!PAGE_ALIGNED(length | uptr) ||
	    check_add_overflow(uptr, length, &end))
		return -EINVAL;

	for (; uptr < end; uptr += PAGE_SIZE) {
		unsigned int pins;
		struct page *page;
		bool counted;
		int rc;

		rc = get_user_pages_fast(uptr, 1, 0, &page);
		if (rc != 1)
			return rc < 0 ? rc : -EFAULT;
		/* A compound page may be pinned in fewer steps than pages. */
		counted = !PageCompound(page);
		pins = page_ref_count(page) / GUP_PIN_COUNTING_BIAS;
		put_page(page);
		if (counted && pins != cmd->check_refs.refs)
			return -EIO;
	}
	return 0;
}

static int op_check_iotlb(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_nested *nested;
	struct iommufd_hwpt *hwpt;
	int rc = 0;

	hwpt = iommufd_hwpt_get(call->ictx, cmd->id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	nested = mock_nested_from_domain(hwpt->domain);
	if (!nested)
		rc = iommufd_hwpt_is_paging(hwpt) ? -ENOENT : -EINVAL;
	else if (cmd->check_iotlb.id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ||
		 READ_ONCE(nested->iotlb[cmd->check_iotlb.id]) !=
			 cmd->check_iotlb.iotlb)
		rc = -EINVAL;
	iommufd_object_put(&hwpt->obj);
	return rc;
}

static int op_dev_check_cache(struct iommufd_call *call,
			      struct iommu_test_cmd *cmd)
{
	u32 id = cmd->check_dev_cache.id;
	struct iommufd_device *idev;
	struct mock_dev *mdev;
	int rc = 0;

	idev = mock_get_device(call->ictx, cmd->id, &mdev);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	if (id > MOCK_DEV_CACHE_ID_MAX ||
	    READ_ONCE(mdev->cache[id]) != cmd->check_dev_cache.cache)
		rc = -EINVAL;
	iommufd_object_put(&idev->obj);
	return rc;
}

static u64 count_entries(struct xarray *xa)
{
	unsigned long index;
	void *entry;
	u64 num = 0;

	xa_for_each(xa, index, entry)
		num++;
	return num;
}

static int op_cached(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_nested *nested;
	struct mock_paging *paging;
	struct iommufd_hwpt *hwpt;
	int rc = -EINVAL;

	hwpt = iommufd_hwpt_get(call->ictx, cmd->id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	paging = mock_paging_from_domain(hwpt->domain);
	nested = mock_nested_from_domain(hwpt->domain);
	if (paging || nested) {
		cmd->cached.out_entries = count_entries(paging ? &paging->tlb :
								 &nested->tlb);
		cmd->cached.out_flushes = READ_ONCE(*(paging ?
						      &paging->flushes :
						      &nested->flushes));
		rc = iommufd_call_respond(call, sizeof(*cmd));
	}
	iommufd_object_put(&hwpt->obj);
	return rc;
}

static int op_dirty(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	unsigned long page_size = cmd->dirty.page_size;
	unsigned long length = cmd->dirty.length;
	unsigned long iova = cmd->dirty.iova;
	struct iommufd_hwpt_paging *hwpt;
	struct mock_paging *paging;
	unsigned long num, bit;
	unsigned long *bitmap;
	u64 dirty = 0;
	int rc;

	if (!page_size || !length || iova % page_size || length % page_size ||
	    !cmd->dirty.uptr)
		return -EINVAL;
	num = length / page_size;
	if (num > SZ_16M * BITS_PER_BYTE)
		return -EOVERFLOW;

	hwpt = get_paging(call->ictx, cmd->id, &paging);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (!READ_ONCE(paging->track_dirty)) {
		rc = -EINVAL;
		goto out_put;
	}

	bitmap = kvcalloc(BITS_TO_LONGS(num), sizeof(*bitmap),
			  GFP_KERNEL_ACCOUNT);
	if (!bitmap) {
		rc = -ENOMEM;
		goto out_put;
	}
	if (copy_from_user(bitmap, u64_to_user_ptr(cmd->dirty.uptr),
			   BITS_TO_BYTES(num))) {
		rc = -EFAULT;
		goto out_free;
	}
	for_each_set_bit(bit, bitmap, num)
		dirty += mock_paging_set_dirty(paging, iova + bit * page_size);
	cmd->dirty.out_nr_dirty = dirty;
	rc = iommufd_call_respond(call, sizeof(*cmd));
out_free:
	kvfree(bitmap);
out_put:
	iommufd_object_put(&hwpt->hwpt.obj);
	return rc;
}

/* --- what is not about one object --- */

static int op_add_reserved(struct iommufd_call *call,
			   struct iommu_test_cmd *cmd)
{
	unsigned long start = cmd->add_reserved.start;
	unsigned long length = cmd->add_reserved.length;
	struct iommufd_ioas *ioas;
	unsigned long last;
	int rc;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(start, length - 1, &last))
		return -EOVERFLOW;

	ioas = iommufd_ioas_get(call->ictx, cmd->id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	/* No owner: nobody takes it back, it goes with the space. */
	rc = iova_space_reserve(&ioas->space, start, last, NULL);
	iommufd_object_put(&ioas->obj);
	return rc;
}

static int op_memory_limit(struct iommufd_call *call,
			   struct iommu_test_cmd *cmd)
{
	u32 limit = cmd->memory_limit.limit;

	if (limit < MOCK_MEMORY_LIMIT_MIN || limit > MOCK_MEMORY_LIMIT_MAX)
		return -EINVAL;
	WRITE_ONCE(map_batch_bytes, limit);
	return 0;
}

static int dispatch(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	switch (cmd->op) {
	case IOMMU_TEST_OP_ADD_RESERVED:
		return op_add_reserved(call, cmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN:
	case IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS:
		return op_mock_domain(call, cmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE:
		return op_mock_domain_replace(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_MAP:
		return op_check_map(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_REFS:
		return op_check_refs(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_IOTLB:
		return op_check_iotlb(call, cmd);
	case IOMMU_TEST_OP_CREATE_ACCESS:
		return mock_op_create_access(call, cmd);
	case IOMMU_TEST_OP_ACCESS_REPLACE_IOAS:
		return mock_op_access_replace_ioas(call, cmd);
	case IOMMU_TEST_OP_ACCESS_PAGES:
		return mock_op_access_pages(call, cmd);
	case IOMMU_TEST_OP_DESTROY_ACCESS_PAGES:
		return mock_op_destroy_access_pages(call, cmd);
	case IOMMU_TEST_OP_ACCESS_RW:
		return mock_op_access_rw(call, cmd);
	case IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT:
		return op_memory_limit(call, cmd);
	case IOMMU_TEST_OP_DIRTY:
		return op_dirty(call, cmd);
	case IOMMU_TEST_OP_TRIGGER_IOPF:
		return op_trigger_iopf(call, cmd);
	case IOMMU_TEST_OP_DEV_CHECK_CACHE:
		return op_dev_check_cache(call, cmd);
	case IOMMU_TEST_OP_TRIGGER_VEVENT:
		return op_trigger_vevent(call, cmd);
	case IOMMU_TEST_OP_PASID_ATTACH:
	case IOMMU_TEST_OP_PASID_REPLACE:
		return op_pasid_change(call, cmd);
	case IOMMU_TEST_OP_PASID_DETACH:
		return op_pasid_detach(call, cmd);
	case IOMMU_TEST_OP_PASID_CHECK_HWPT:
		return op_pasid_check(call, cmd);
	case IOMMU_TEST_OP_PARENT:
		return mock_op_parent(call, cmd);
	case IOMMU_TEST_OP_MEDIATED:
		return mock_op_mediated(call, cmd);
	case IOMMU_TEST_OP_VM:
		return mock_op_vm(call, cmd);
	case IOMMU_TEST_OP_VM_LOOKUP:
		return mock_op_vm_lookup(call, cmd);
	case IOMMU_TEST_OP_VM_STATE:
		return mock_op_vm_state(call, cmd);
	case IOMMU_TEST_OP_DMA:
		return mock_op_dma(call, cmd);
	case IOMMU_TEST_OP_DMA_WAIT:
		return mock_op_dma_wait(call, cmd);
	case IOMMU_TEST_OP_REPORT:
		return op_report(call, cmd);
	case IOMMU_TEST_OP_LEDGER:
		return op_ledger(call, cmd);
	case IOMMU_TEST_OP_CACHED:
		return op_cached(call, cmd);
	case IOMMU_TEST_OP_MSI:
		return mock_op_msi(call, cmd);
	case IOMMU_TEST_OP_MSI_WRITE:
		return mock_op_msi_write(call, cmd);
	case IOMMU_TEST_OP_POISON:
		return mock_op_poison(call, cmd);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * iommufd_test_ioctl() - IOMMU_TEST_CMD
 * @ictx: the context
 * @ubuffer: a struct iommu_test_cmd
 * @user_size: its size, as its first member says
 *
 * Return: as the operation; -EOPNOTSUPP if there is none of that number.
 */
long iommufd_test_ioctl(struct iommufd_ctx *ictx, void __user *ubuffer,
			u32 user_size)
{
	struct iommu_test_cmd cmd;
	struct iommufd_call call = {
		.ictx = ictx,
		.ubuffer = ubuffer,
		.user_size = user_size,
		.cmd = &cmd,
	};
	int rc;

	if (user_size < offsetofend(struct iommu_test_cmd, last))
		return -EINVAL;
	rc = copy_struct_from_user(&cmd, sizeof(cmd), ubuffer, user_size);
	if (rc)
		return rc;
	if (cmd.__reserved)
		return -EOPNOTSUPP;
	return dispatch(&call, &cmd);
}
