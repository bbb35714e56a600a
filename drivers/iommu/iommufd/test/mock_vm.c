// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for a hypervisor whose guest submits work with a PASID by an instruction
 * (ENQCMD): it looks vPASIDs up, keeps what it finds for the CPU to use, and drops it
 * when told. What it finds must never be what another one still has.
 *
 * All of them share one table, so that a pPASID that came to a second owner too early
 * is seen even across contexts.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "device.h"
#include "mock.h"

/**
 * struct mock_vm - one hypervisor's view of a context
 * @obj: its id
 * @nb: hears of what goes
 * @entries: in the table
 * @gone: how often it was told of one that it had
 * @stale: lookups that gave what another vPASID had. All guarded by vm_lock
 */
struct mock_vm {
	struct iommufd_object obj;
	struct notifier_block nb;
	u64 entries;
	u64 gone;
	u64 stale;
};

/**
 * struct vm_entry - what the CPU would use
 * @node: in vm_table
 * @vm: whose it is
 * @wire: whose PASIDs these are: the device; NULL: the global pool's
 * @binding: what was found
 */
struct vm_entry {
	struct hlist_node node;
	struct mock_vm *vm;
	struct device *wire;
	struct iommufd_pasid_binding binding;
};

static DEFINE_MUTEX(vm_lock);	/* the table */
static DEFINE_HASHTABLE(vm_table, 10);

static struct vm_entry *find_entry(struct mock_vm *vm,
				   const struct iommufd_pasid_binding *binding)
{
	struct vm_entry *entry;

	hash_for_each_possible(vm_table, entry, node, binding->ppasid)
		if (entry->vm == vm &&
		    entry->binding.dev_id == binding->dev_id &&
		    entry->binding.vpasid == binding->vpasid &&
		    entry->binding.ppasid == binding->ppasid)
			return entry;
	return NULL;
}

static void drop_entry(struct vm_entry *entry)
{
	hash_del(&entry->node);
	entry->vm->entries--;
	kfree(entry);
}

static int vm_notify(struct notifier_block *nb, unsigned long event,
		     void *data)
{
	struct mock_vm *vm = container_of(nb, struct mock_vm, nb);
	struct vm_entry *entry;

	if (event != IOMMUFD_PASID_GONE)
		return NOTIFY_DONE;
	mutex_lock(&vm_lock);
	entry = find_entry(vm, data);
	if (entry) {
		drop_entry(entry);
		vm->gone++;
	}
	mutex_unlock(&vm_lock);
	return NOTIFY_OK;
}

static void vm_destroy(struct iommufd_object *obj)
{
	struct mock_vm *vm = container_of(obj, struct mock_vm, obj);
	struct hlist_node *next;
	struct vm_entry *entry;
	int bucket;

	iommufd_pasid_notifier_unregister(obj->ictx, &vm->nb);
	mutex_lock(&vm_lock);
	hash_for_each_safe(vm_table, bucket, next, entry, node)
		if (entry->vm == vm)
			drop_entry(entry);
	mutex_unlock(&vm_lock);
}

static const struct iommufd_object_ops vm_ops = {
	.type = IOMMUFD_OBJ_SELFTEST,
	.name = "mock-vm",
	.destroy = vm_destroy,
};

/**
 * mock_op_vm() - IOMMU_TEST_OP_VM
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -ENOMEM; -EFAULT.
 */
int mock_op_vm(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_vm *vm;
	int rc;

	vm = iommufd_object_alloc(call->ictx, struct mock_vm, obj, &vm_ops);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	vm->nb.notifier_call = vm_notify;
	rc = iommufd_pasid_notifier_register(call->ictx, &vm->nb);
	if (rc)
		goto err_abort;
	cmd->vm.out_id = vm->obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc)
		goto err_unregister;
	iommufd_object_finalize(&vm->obj);
	return 0;

err_unregister:
	iommufd_pasid_notifier_unregister(call->ictx, &vm->nb);
err_abort:
	iommufd_object_abort(&vm->obj);
	return rc;
}

static bool is_taken(struct mock_vm *vm, struct device *wire,
		     const struct iommufd_pasid_binding *binding)
{
	struct vm_entry *entry;

	hash_for_each_possible(vm_table, entry, node, binding->ppasid)
		if (entry->binding.ppasid == binding->ppasid &&
		    entry->wire == wire &&
		    (entry->vm->obj.ictx != vm->obj.ictx ||
		     entry->binding.dev_id != binding->dev_id ||
		     entry->binding.vpasid != binding->vpasid))
			return true;
	return false;
}

static int lookup(struct mock_vm *vm, struct device *wire,
		  struct iommufd_pasid_binding *binding)
{
	struct vm_entry *entry;
	int rc = 0;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	/* Found and kept under the lock that vm_notify() takes */
	mutex_lock(&vm_lock);
	rc = iommufd_pasid_translate(vm->obj.ictx, binding->dev_id,
				     binding->vpasid, &binding->ppasid);
	if (rc)
		goto out_unlock;
	if (is_taken(vm, wire, binding))
		vm->stale++;
	if (find_entry(vm, binding))
		goto out_unlock;
	entry->vm = vm;
	entry->wire = wire;
	entry->binding = *binding;
	hash_add(vm_table, &entry->node, binding->ppasid);
	vm->entries++;
	entry = NULL;
out_unlock:
	mutex_unlock(&vm_lock);
	kfree(entry);
	return rc;
}

static struct mock_vm *vm_get(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_SELFTEST);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	if (obj->ops != &vm_ops) {
		iommufd_object_put(obj);
		return ERR_PTR(-ENOENT);
	}
	return container_of(obj, struct mock_vm, obj);
}

/**
 * mock_op_vm_lookup() - IOMMU_TEST_OP_VM_LOOKUP
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -ENOENT: no such stand-in or device, or the vPASID is not attached;
 * -ENOMEM; -EFAULT.
 */
int mock_op_vm_lookup(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_pasid_binding binding = {
		.dev_id = cmd->vm_lookup.dev_id,
		.vpasid = cmd->vm_lookup.vpasid,
	};
	struct iommufd_device *idev = NULL;
	struct mock_vm *vm;
	int rc;

	vm = vm_get(call->ictx, cmd->id);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	if (binding.dev_id) {
		idev = iommufd_device_get(call->ictx, binding.dev_id);
		if (IS_ERR(idev)) {
			rc = PTR_ERR(idev);
			goto out_put;
		}
	}
	rc = lookup(vm, idev ? idev->dev : NULL, &binding);
	if (idev)
		iommufd_object_put(&idev->obj);
	cmd->vm_lookup.out_ppasid = binding.ppasid;
out_put:
	iommufd_object_put(&vm->obj);
	return rc ?: iommufd_call_respond(call, sizeof(*cmd));
}

/**
 * mock_op_vm_state() - IOMMU_TEST_OP_VM_STATE
 * @call: the ioctl
 * @cmd: its argument
 *
 * Return: 0; -ENOENT; -EFAULT.
 */
int mock_op_vm_state(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mock_vm *vm = vm_get(call->ictx, cmd->id);

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	mutex_lock(&vm_lock);
	cmd->vm_state.out_entries = vm->entries;
	cmd->vm_state.out_gone = vm->gone;
	cmd->vm_state.out_stale = vm->stale;
	mutex_unlock(&vm_lock);
	iommufd_object_put(&vm->obj);
	return iommufd_call_respond(call, sizeof(*cmd));
}
