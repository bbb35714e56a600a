// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/iommufd_model: machines, that is IOMMU models with a PCI bridge, and
 * commands for the functions behind them. DMA is in control_dma.c, masters that are
 * no functions in control_master.c.
 */
#define pr_fmt(fmt) "iommufd model: " fmt
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "grant.h"

#define CONTROL_MAX_COUNTERS	256
#define CONTROL_MAX_GRANT	SZ_64M

/*
 * Registration, against use: a machine that is found stays until the lock is
 * dropped. Not held while a DMA is waited for. Plugging and unplugging probes
 * drivers under it, so a driver must not register machines.
 */
static DECLARE_RWSEM(machines_lock);
static LIST_HEAD(machines);
static LIST_HEAD(factories);
static u32 machines_next = 1;

static struct model_machine *machine_find(u32 id)
{
	struct model_machine *machine;

	list_for_each_entry(machine, &machines, item)
		if (machine->id == id)
			return machine;
	return NULL;
}

static struct model_machine *machine_of_domain(u32 domain)
{
	struct model_machine *machine;

	list_for_each_entry(machine, &machines, item)
		if (pci_domain_nr(model_bridge_bus(machine->bridge)) == domain)
			return machine;
	return NULL;
}

static struct model_factory *factory_find(const char *name)
{
	struct model_factory *factory;

	list_for_each_entry(factory, &factories, item)
		if (!strcmp(factory->name, name))
			return factory;
	return NULL;
}

static void machine_add(struct model_machine *machine)
{
	machine->id = machines_next++;
	list_add_tail(&machine->item, &machines);
}

/**
 * model_machine_register() - let programs use a machine
 * @machine: with everything but id and item filled in
 *
 * Return: 0.
 */
int model_machine_register(struct model_machine *machine)
{
	down_write(&machines_lock);
	machine_add(machine);
	up_write(&machines_lock);
	return 0;
}

/**
 * model_machine_unregister() - no more
 * @machine: machine; no program uses it when this returns
 */
void model_machine_unregister(struct model_machine *machine)
{
	down_write(&machines_lock);
	model_control_unplug_masters(machine);
	list_del(&machine->item);
	model_grants_end(model_bridge_port(machine->bridge));
	up_write(&machines_lock);
}

/**
 * model_factory_register() - let programs make machines of a kind
 * @factory: the kind
 *
 * Return: 0; -EEXIST: its name is taken; -EINVAL: its name is too long.
 */
int model_factory_register(struct model_factory *factory)
{
	int rc = 0;

	if (strlen(factory->name) >= IOMMUFD_MODEL_NAME_LEN)
		return -EINVAL;
	down_write(&machines_lock);
	if (factory_find(factory->name))
		rc = -EEXIST;
	else
		list_add_tail(&factory->item, &factories);
	up_write(&machines_lock);
	return rc;
}

/**
 * model_factory_unregister() - no more
 * @factory: the kind
 */
void model_factory_unregister(struct model_factory *factory)
{
	down_write(&machines_lock);
	list_del(&factory->item);
	up_write(&machines_lock);
}

/**
 * model_control_function() - a function by its name
 * @domain: PCI domain
 * @rid: requester id
 *
 * Return: the function, with a reference; NULL: nothing is there.
 */
struct model_pci_function *model_control_function(u32 domain, u32 rid)
{
	struct model_pci_function *f = NULL;
	struct model_machine *machine;

	if (rid > MODEL_PCI_MAX_DEVFN)
		return NULL;
	down_read(&machines_lock);
	machine = machine_of_domain(domain);
	if (machine)
		f = model_pci_get(machine->bridge, rid);
	up_read(&machines_lock);
	return f;
}

static int control_machine_add(struct control_file *file, void *arg)
{
	struct iommufd_model_machine_add *cmd = arg;
	struct model_factory *factory;
	struct model_machine *machine;
	int rc = 0;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->num_params > IOMMUFD_MODEL_PARAMS ||
	    strnlen(cmd->name, sizeof(cmd->name)) == sizeof(cmd->name))
		return -EINVAL;

	down_write(&machines_lock);
	factory = factory_find(cmd->name);
	if (!factory) {
		rc = -ENOENT;
	} else {
		memset(&cmd->params[cmd->num_params], 0,
		       (IOMMUFD_MODEL_PARAMS - cmd->num_params) *
			       sizeof(cmd->params[0]));
		machine = factory->create(cmd->params, cmd->num_params);
		rc = PTR_ERR_OR_ZERO(machine);
	}
	if (!rc) {
		machine_add(machine);
		cmd->out_machine_id = machine->id;
	}
	up_write(&machines_lock);
	return rc;
}

static int control_machine_remove(struct control_file *file, void *arg)
{
	struct iommufd_model_machine *cmd = arg;
	struct model_machine *machine;
	int rc = 0;

	down_write(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (!machine)
		rc = -ENOENT;
	else if (!machine->ops->remove)
		rc = -EOPNOTSUPP;
	else if (machine->ops->retire)
		rc = machine->ops->retire(machine);
	if (!rc) {
		model_control_unplug_masters(machine);
		list_del(&machine->item);
		model_grants_end(model_bridge_port(machine->bridge));
		machine->ops->remove(machine);
	}
	up_write(&machines_lock);
	return rc;
}

static int control_machine_info(struct control_file *file, void *arg)
{
	struct iommufd_model_machine *cmd = arg;
	struct model_machine *machine;
	int rc = 0;

	down_read(&machines_lock);
	cmd->out_next_id = 0;
	/* In the order of their ids. */
	list_for_each_entry(machine, &machines, item) {
		if (machine->id > cmd->machine_id) {
			cmd->out_next_id = machine->id;
			break;
		}
	}
	machine = machine_find(cmd->machine_id);
	if (machine) {
		strscpy_pad(cmd->name, machine->name);
		cmd->out_domain =
			pci_domain_nr(model_bridge_bus(machine->bridge));
	} else if (cmd->machine_id) {
		rc = -ENOENT;
	}
	up_read(&machines_lock);
	return rc;
}

static int control_counters(struct control_file *file, void *arg)
{
	struct iommufd_model_counters *cmd = arg;
	struct iommufd_model_counter *counters;
	struct model_machine *machine;
	unsigned int num = 0;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->num > CONTROL_MAX_COUNTERS)
		return -EINVAL;
	counters = kcalloc(CONTROL_MAX_COUNTERS, sizeof(*counters),
			   GFP_KERNEL_ACCOUNT);
	if (!counters)
		return -ENOMEM;

	down_read(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (!machine)
		rc = -ENOENT;
	else if (machine->ops->counters)
		num = machine->ops->counters(machine, counters, cmd->num);
	up_read(&machines_lock);

	if (!rc && copy_to_user(u64_to_user_ptr(cmd->counters), counters,
				min(num, cmd->num) * sizeof(*counters)))
		rc = -EFAULT;
	cmd->num = num;
	kfree(counters);
	return rc;
}

static int control_inject(struct control_file *file, void *arg)
{
	struct iommufd_model_inject *cmd = arg;
	struct model_machine *machine;
	int rc = -EOPNOTSUPP;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	down_read(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (!machine)
		rc = -ENOENT;
	else if (machine->ops->inject)
		rc = machine->ops->inject(machine, cmd->what, cmd->nth);
	up_read(&machines_lock);
	return rc;
}

static int control_plug(struct control_file *file, void *arg)
{
	struct iommufd_model_plug *cmd = arg;
	struct model_pci_config config = {
		.devfn = cmd->devfn,
		.flags = cmd->caps,
		.pasid_bits = cmd->pasid_bits,
		.pri_capacity = cmd->pri_capacity,
		.num_vfs = cmd->num_vfs,
	};
	struct model_machine *machine;
	struct pci_dev *pdev;
	int rc = -ENOENT;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->devfn > MODEL_PCI_MAX_DEVFN || cmd->pasid_bits > 20 ||
	    cmd->num_vfs > MODEL_PCI_MAX_VFS)
		return -EINVAL;
	BUILD_BUG_ON(IOMMUFD_MODEL_CAP_PRG_PASID ^ MODEL_PCI_PRG_PASID);
	BUILD_BUG_ON(IOMMUFD_MODEL_CAP_NO_ACS ^ MODEL_PCI_NO_ACS);
	BUILD_BUG_ON(IOMMUFD_MODEL_CAP_NO_PREFIX ^ MODEL_PCI_NO_PREFIX);
	BUILD_BUG_ON(IOMMUFD_MODEL_CAP_NO_GLOBAL ^ MODEL_PCI_NO_GLOBAL);
	BUILD_BUG_ON(IOMMUFD_MODEL_CAP_EXEC ^ MODEL_PCI_PASID_EXEC);

	down_read(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (machine) {
		pdev = model_pci_plug(machine->bridge, &config);
		rc = PTR_ERR_OR_ZERO(pdev);
		cmd->out_domain =
			pci_domain_nr(model_bridge_bus(machine->bridge));
		cmd->out_rid = cmd->devfn;
	}
	up_read(&machines_lock);
	return rc;
}

static int control_device_op(struct iommufd_model_function *cmd,
			     int (*op)(struct model_bridge *bridge,
				       struct pci_dev *pdev,
				       struct iommufd_model_function *cmd))
{
	struct model_machine *machine;
	struct pci_dev *pdev = NULL;
	int rc = -ENODEV;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	down_read(&machines_lock);
	machine = machine_of_domain(cmd->domain);
	if (machine && cmd->rid <= MODEL_PCI_MAX_DEVFN)
		pdev = pci_get_slot(model_bridge_bus(machine->bridge),
				    cmd->rid);
	if (pdev && !pdev->is_virtfn)
		rc = op(machine->bridge, pdev, cmd);
	pci_dev_put(pdev);
	up_read(&machines_lock);
	return rc;
}

static int device_unplug(struct model_bridge *bridge, struct pci_dev *pdev,
			 struct iommufd_model_function *cmd)
{
	model_pci_unplug(bridge, pdev, cmd->flags & IOMMUFD_MODEL_SURPRISE);
	return 0;
}

static int control_unplug(struct control_file *file, void *arg)
{
	struct iommufd_model_function *cmd = arg;

	if ((cmd->flags & ~IOMMUFD_MODEL_SURPRISE) || cmd->arg)
		return -EOPNOTSUPP;
	return control_device_op(cmd, device_unplug);
}

static int device_set_vfs(struct model_bridge *bridge, struct pci_dev *pdev,
			  struct iommufd_model_function *cmd)
{
	return model_pci_set_vfs(bridge, pdev, cmd->arg);
}

static int control_set_vfs(struct control_file *file, void *arg)
{
	struct iommufd_model_function *cmd = arg;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->arg > MODEL_PCI_MAX_VFS)
		return -EINVAL;
	return control_device_op(cmd, device_set_vfs);
}

static int control_function_op(struct iommufd_model_function *cmd,
			       int (*op)(struct model_pci_function *f, u32 arg))
{
	struct model_pci_function *f;
	int rc;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	f = model_control_function(cmd->domain, cmd->rid);
	if (!f)
		return -ENODEV;
	rc = op(f, cmd->arg);
	model_pci_put(f);
	return rc;
}

static int function_send_msi(struct model_pci_function *f, u32 arg)
{
	return arg ? -EOPNOTSUPP : model_pci_send_msi(f);
}

static int control_send_msi(struct control_file *file, void *arg)
{
	return control_function_op(arg, function_send_msi);
}

static int control_stop_pasid(struct control_file *file, void *arg)
{
	return control_function_op(arg, model_pci_stop_pasid);
}

static int function_misbehave(struct model_pci_function *f, u32 arg)
{
	BUILD_BUG_ON(IOMMUFD_MODEL_HASTY ^ MODEL_MISBEHAVE_HASTY);
	BUILD_BUG_ON(IOMMUFD_MODEL_NO_LAST ^ MODEL_MISBEHAVE_NO_LAST);
	BUILD_BUG_ON(IOMMUFD_MODEL_DEAF ^ MODEL_MISBEHAVE_DEAF);
	return model_pci_misbehave(f, arg) ? -EOPNOTSUPP : 0;
}

static int control_misbehave(struct control_file *file, void *arg)
{
	return control_function_op(arg, function_misbehave);
}

static int control_request(struct control_file *file, void *arg)
{
	struct iommufd_model_request *cmd = arg;
	struct model_pci_request request = {
		.tlp.pasid_valid = cmd->flags & IOMMUFD_MODEL_REQUEST_PASID,
		.tlp.pasid = cmd->pasid,
		.tlp.perm = cmd->perm,
		.tlp.addr = cmd->addr,
		.count = cmd->count,
		.last = cmd->flags & IOMMUFD_MODEL_REQUEST_LAST,
		.grpid = cmd->grpid,
	};
	struct model_pci_function *f;
	int rc;

	if ((cmd->flags & ~(IOMMUFD_MODEL_REQUEST_PASID |
			    IOMMUFD_MODEL_REQUEST_LAST)) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->grpid > U16_MAX || cmd->perm > 0xf)
		return -EINVAL;
	f = model_control_function(cmd->domain, cmd->rid);
	if (!f)
		return -ENODEV;
	rc = model_pci_request(f, &request);
	model_pci_put(f);
	cmd->grpid = request.grpid;
	cmd->out_sent = request.sent;
	return rc;
}

static int control_state(struct control_file *file, void *arg)
{
	struct iommufd_model_state *cmd = arg;
	struct model_pci_function *f;
	struct model_pci_state s;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	f = model_control_function(cmd->domain, cmd->rid);
	if (!f)
		return -ENODEV;
	model_pci_state(f, &s);
	model_pci_put(f);
	*cmd = (struct iommufd_model_state){
		.size = cmd->size,
		.domain = cmd->domain,
		.rid = cmd->rid,
		.pasid_ctrl = s.pasid_ctrl,
		.ats_ctrl = s.ats_ctrl,
		.pri_ctrl = s.pri_ctrl,
		.pri_status = s.pri_status,
		.pri_alloc = s.pri_alloc,
		.outstanding = s.outstanding,
		.waiting = s.waiting,
		.queued = s.queued,
		.running = s.running,
		.tlb = s.tlb,
		.dmas = s.counts.dmas,
		.bytes = s.counts.bytes,
		.tlb_hits = s.counts.tlb_hits,
		.translations = s.counts.translations,
		.invalidations = s.counts.invalidations,
		.groups = s.counts.groups,
		.requests = s.counts.requests,
		.overflows = s.counts.overflows,
		.success = s.counts.success,
		.invalid = s.counts.invalid,
		.failure = s.counts.failure,
		.stale = s.counts.stale,
		.markers = s.counts.markers,
		.resets = s.counts.resets,
		.msis = s.counts.msis,
	};
	return 0;
}

static int control_master_plug(struct control_file *file, void *arg)
{
	struct iommufd_model_master *cmd = arg;
	struct model_machine *machine;
	int rc = -ENOENT;

	if ((cmd->flags & ~IOMMUFD_MODEL_MASTER_NO_STALL) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->pasid_bits > 20)
		return -EINVAL;
	down_read(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (machine)
		rc = model_control_plug_master(machine, cmd);
	up_read(&machines_lock);
	return rc;
}

static int control_master_unplug(struct control_file *file, void *arg)
{
	struct iommufd_model_master *cmd = arg;
	struct model_machine *machine;
	int rc = -ENOENT;

	if (cmd->flags || cmd->pasid_bits || cmd->__reserved)
		return -EOPNOTSUPP;
	down_read(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (machine)
		rc = model_control_unplug_master(machine, cmd->sid);
	up_read(&machines_lock);
	return rc;
}

static int control_violations(struct control_file *file, void *arg)
{
	struct iommufd_model_violations *cmd = arg;
	int rc = 0;

	mutex_lock(&file->lock);
	switch (cmd->flags) {
	case 0:
		cmd->out_count = model_violations();
		break;
	case IOMMUFD_MODEL_EXPECT_BEGIN:
		if (file->expecting) {
			rc = -EINVAL;
			break;
		}
		file->expecting = true;
		file->expected = model_violations_expect();
		cmd->out_count = file->expected;
		break;
	case IOMMUFD_MODEL_EXPECT_END:
		if (!file->expecting) {
			rc = -EINVAL;
			break;
		}
		file->expecting = false;
		cmd->out_count = model_violations_expected(file->expected);
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	mutex_unlock(&file->lock);
	return rc;
}

/* What of them is there is pinned. Returns how many are. */
static unsigned long grant_pin(u64 addr, struct page **pages, unsigned long num)
{
	unsigned long done = 0;
	int n = 1;

	while (n > 0 && done < num) {
		n = pin_user_pages_fast(addr + done * PAGE_SIZE, num - done,
					FOLL_WRITE | FOLL_LONGTERM, pages + done);
		if (n > 0)
			done += n;
	}
	return done;
}

static int grant_change(const struct iommufd_model_grant *cmd, struct page **pages,
			unsigned long num)
{
	struct model_machine *machine;
	struct model_port *port;
	int rc = -ENOENT;

	down_write(&machines_lock);
	machine = machine_find(cmd->machine_id);
	if (machine) {
		port = model_bridge_port(machine->bridge);
		if (cmd->flags & IOMMUFD_MODEL_GRANT_REVOKE)
			rc = model_revoke(port, pages, num);
		else
			rc = model_grant(port, pages, num,
					 !(cmd->flags & IOMMUFD_MODEL_GRANT_READ_ONLY));
	}
	up_write(&machines_lock);
	return rc;
}

static int control_grant(struct control_file *file, void *arg)
{
	struct iommufd_model_grant *cmd = arg;
	unsigned long num = cmd->length >> PAGE_SHIFT, pinned;
	struct page **pages;
	int rc = -EFAULT;

	if ((cmd->flags & ~(IOMMUFD_MODEL_GRANT_READ_ONLY | IOMMUFD_MODEL_GRANT_REVOKE)) ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	if (hweight32(cmd->flags) > 1 || !cmd->length || cmd->length > CONTROL_MAX_GRANT ||
	    (cmd->addr | cmd->length) & ~PAGE_MASK)
		return -EINVAL;
	pages = kvmalloc_array(num, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	pinned = grant_pin(cmd->addr, pages, num);
	if (pinned == num)
		rc = grant_change(cmd, pages, num);
	/* What was granted stays pinned by the grant. */
	if (rc || cmd->flags & IOMMUFD_MODEL_GRANT_REVOKE)
		unpin_user_pages(pages, pinned);
	kvfree(pages);
	return rc;
}

/**
 * struct control_op - an operation
 * @size: of its structure
 * @run: with the structure, which goes back to the program on success
 */
struct control_op {
	size_t size;
	int (*run)(struct control_file *file, void *arg);
};

#define CONTROL_OP(cmd, type, fn) \
	[_IOC_NR(cmd) - _IOC_NR(IOMMUFD_MODEL_MACHINE_ADD)] = { \
		.size = sizeof(type), \
		.run = fn, \
	}

static const struct control_op control_ops[] = {
	CONTROL_OP(IOMMUFD_MODEL_MACHINE_ADD, struct iommufd_model_machine_add,
		   control_machine_add),
	CONTROL_OP(IOMMUFD_MODEL_MACHINE_REMOVE, struct iommufd_model_machine,
		   control_machine_remove),
	CONTROL_OP(IOMMUFD_MODEL_MACHINE_INFO, struct iommufd_model_machine,
		   control_machine_info),
	CONTROL_OP(IOMMUFD_MODEL_COUNTERS, struct iommufd_model_counters,
		   control_counters),
	CONTROL_OP(IOMMUFD_MODEL_INJECT, struct iommufd_model_inject,
		   control_inject),
	CONTROL_OP(IOMMUFD_MODEL_PLUG, struct iommufd_model_plug, control_plug),
	CONTROL_OP(IOMMUFD_MODEL_UNPLUG, struct iommufd_model_function,
		   control_unplug),
	CONTROL_OP(IOMMUFD_MODEL_SET_VFS, struct iommufd_model_function,
		   control_set_vfs),
	CONTROL_OP(IOMMUFD_MODEL_SEND_MSI, struct iommufd_model_function,
		   control_send_msi),
	CONTROL_OP(IOMMUFD_MODEL_STOP_PASID, struct iommufd_model_function,
		   control_stop_pasid),
	CONTROL_OP(IOMMUFD_MODEL_MISBEHAVE, struct iommufd_model_function,
		   control_misbehave),
	CONTROL_OP(IOMMUFD_MODEL_DMA, struct iommufd_model_dma,
		   model_control_dma),
	CONTROL_OP(IOMMUFD_MODEL_DMA_WAIT, struct iommufd_model_dma,
		   model_control_dma_wait),
	CONTROL_OP(IOMMUFD_MODEL_REQUEST, struct iommufd_model_request,
		   control_request),
	CONTROL_OP(IOMMUFD_MODEL_STATE, struct iommufd_model_state,
		   control_state),
	CONTROL_OP(IOMMUFD_MODEL_VIOLATIONS, struct iommufd_model_violations,
		   control_violations),
	CONTROL_OP(IOMMUFD_MODEL_MASTER_PLUG, struct iommufd_model_master,
		   control_master_plug),
	CONTROL_OP(IOMMUFD_MODEL_MASTER_UNPLUG, struct iommufd_model_master,
		   control_master_unplug),
	CONTROL_OP(IOMMUFD_MODEL_GRANT, struct iommufd_model_grant,
		   control_grant),
};

static long control_ioctl(struct file *filp, unsigned int cmd,
			  unsigned long ptr)
{
	unsigned int nr = cmd - IOMMUFD_MODEL_MACHINE_ADD;
	union {
		struct iommufd_model_machine_add machine_add;
		struct iommufd_model_machine machine;
		struct iommufd_model_counters counters;
		struct iommufd_model_inject inject;
		struct iommufd_model_plug plug;
		struct iommufd_model_function function;
		struct iommufd_model_dma dma;
		struct iommufd_model_request request;
		struct iommufd_model_state state;
		struct iommufd_model_violations violations;
		struct iommufd_model_master master;
		struct iommufd_model_grant grant;
	} arg;
	const struct control_op *op;
	u32 size;
	int rc;

	if (nr >= ARRAY_SIZE(control_ops))
		return -ENOTTY;
	op = &control_ops[nr];
	if (get_user(size, (u32 __user *)ptr))
		return -EFAULT;
	if (size < op->size)
		return -EINVAL;
	rc = copy_struct_from_user(&arg, op->size, (void __user *)ptr, size);
	if (rc)
		return rc;
	rc = op->run(filp->private_data, &arg);
	if (!rc && copy_to_user((void __user *)ptr, &arg, op->size))
		rc = -EFAULT;
	return rc;
}

static int control_open(struct inode *inode, struct file *filp)
{
	struct control_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	xa_init_flags(&file->dmas, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int control_release(struct inode *inode, struct file *filp)
{
	struct control_file *file = filp->private_data;

	model_control_dma_end(file);
	if (file->expecting)
		model_violations_expected(file->expected);
	kfree(file);
	return 0;
}

const struct file_operations model_control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice control_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommufd_model",
	.fops = &model_control_fops,
	.mode = 0600,
};

static int __init control_init(void)
{
	return misc_register(&control_misc);
}
device_initcall(control_init);
