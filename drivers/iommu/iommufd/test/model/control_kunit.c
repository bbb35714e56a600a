// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/iommufd_model, with a machine whose IOMMU translates nothing and has 16
 * pages of memory; above them nothing is there.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../user_mmap.h"
#include "control.h"
#include "grant.h"

#define PLAIN_MEMORY	(16 * 4096)
#define PLAIN_NAME	"kunit-plain"
#define PLAIN_RID	0x18

/**
 * struct plain - the machine
 * @machine: for control.c
 * @port: for its functions
 * @params: it was made with
 * @nth: last injected
 * @memory: what DMA reaches
 */
struct plain {
	struct model_machine machine;
	struct model_port port;
	u64 params[2];
	u64 nth;
	u8 memory[PLAIN_MEMORY];
};

/* The one there is, or NULL. */
static struct plain *plain_now;

static enum model_status plain_access(struct model_port *port,
				      const struct model_tlp *tlp, void *buf,
				      size_t len)
{
	struct plain *plain = container_of(port, struct plain, port);

	if (tlp->addr > PLAIN_MEMORY - len)
		return MODEL_UNSUPPORTED;
	if (tlp->perm & MODEL_WRITE)
		memcpy(&plain->memory[tlp->addr], buf, len);
	else
		memcpy(buf, &plain->memory[tlp->addr], len);
	return MODEL_OK;
}

/* Nothing is present; a page request is taken, and never answered. */
static enum model_status plain_translate(struct model_port *port,
					 const struct model_tlp *tlp,
					 bool no_write,
					 struct model_translation *result)
{
	return MODEL_OK;
}

static enum model_status plain_page_request(struct model_port *port,
					    const struct model_tlp *tlp,
					    u16 grpid, bool last)
{
	return MODEL_OK;
}

static int plain_connect(struct model_port *port, u16 rid,
			 struct model_function *fn)
{
	return 0;
}

static const struct model_port_ops plain_port_ops = {
	.access = plain_access,
	.access_translated = plain_access,
	.translate = plain_translate,
	.page_request = plain_page_request,
	.connect = plain_connect,
};

static unsigned int plain_counters(struct model_machine *machine,
				   struct iommufd_model_counter *counters,
				   unsigned int max)
{
	unsigned int i;

	for (i = 0; i < min(max, 3U); i++) {
		snprintf(counters[i].name, sizeof(counters[i].name), "c%u", i);
		counters[i].value = 100 + i;
	}
	return 3;
}

static int plain_inject(struct model_machine *machine, u32 what, u64 nth)
{
	struct plain *plain = container_of(machine, struct plain, machine);

	if (what != 7)
		return -EOPNOTSUPP;
	plain->nth = nth;
	return 0;
}

static void plain_remove(struct model_machine *machine)
{
	struct plain *plain = container_of(machine, struct plain, machine);

	model_bridge_destroy(machine->bridge);
	plain_now = NULL;
	kvfree(plain);
}

static const struct model_machine_ops plain_ops = {
	.counters = plain_counters,
	.inject = plain_inject,
	.remove = plain_remove,
};

static struct model_machine *plain_create(const u64 *params, unsigned int num)
{
	struct plain *plain = kvzalloc(sizeof(*plain), GFP_KERNEL);

	if (!plain)
		return ERR_PTR(-ENOMEM);
	plain->port.ops = &plain_port_ops;
	plain->machine.name = PLAIN_NAME;
	plain->machine.ops = &plain_ops;
	plain->params[0] = params[0];
	plain->params[1] = params[1];
	plain->machine.bridge = model_bridge_create(&plain->port);
	if (IS_ERR(plain->machine.bridge)) {
		kvfree(plain);
		return ERR_PTR(-ENOMEM);
	}
	plain_now = plain;
	return &plain->machine;
}

static struct model_factory plain_factory = {
	.name = PLAIN_NAME,
	.create = plain_create,
};

/**
 * struct control_test - what a test has
 * @filp: the device, open
 * @user: a page of user memory for structures, and three for data behind it
 * @machine_id: a plain machine
 * @pdev: its function; for bus mastering
 */
struct control_test {
	struct file *filp;
	unsigned long user;
	u32 machine_id;
	struct pci_dev *pdev;
};

static long control_call(struct control_test *ct, unsigned int cmd, void *arg,
			 u32 size)
{
	void __user *user = (void __user *)ct->user;
	long rc;

	*(u32 *)arg = size;
	if (copy_to_user(user, arg, size))
		return -EIO;
	rc = ct->filp->f_op->unlocked_ioctl(ct->filp, cmd, ct->user);
	if (copy_from_user(arg, user, size))
		return -EIO;
	return rc;
}

#define CALL(ct, cmd, arg) ({						\
	typeof(arg) __arg = (arg);					\
									\
	control_call(ct, cmd, __arg, sizeof(*__arg));			\
})

static struct iommufd_model_dma control_dma(struct control_test *ct, u32 flags,
					    u64 iova, u64 length)
{
	struct iommufd_model_dma dma = {
		.flags = flags,
		.domain = pci_domain_nr(ct->pdev->bus),
		.rid = PLAIN_RID,
		.iova = iova,
		.length = length,
		.data = ct->user + PAGE_SIZE,
	};

	return dma;
}

static void control_conventions(struct kunit *test)
{
	struct control_test *ct = test->priv;
	u8 buf[sizeof(struct iommufd_model_machine) + 8] = {};
	struct iommufd_model_machine *info = (void *)buf;

	info->machine_id = ct->machine_id;
	KUNIT_EXPECT_EQ(test, control_call(ct, IOMMUFD_MODEL_MACHINE_INFO, buf,
					   sizeof(*info) - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, control_call(ct, IOMMUFD_MODEL_MACHINE_INFO, buf,
					   sizeof(buf)), 0);
	KUNIT_EXPECT_STREQ(test, info->name, PLAIN_NAME);
	KUNIT_EXPECT_EQ(test, info->out_domain, pci_domain_nr(ct->pdev->bus));
	buf[sizeof(*info) + 3] = 1;
	KUNIT_EXPECT_EQ(test, control_call(ct, IOMMUFD_MODEL_MACHINE_INFO, buf,
					   sizeof(buf)), -E2BIG);
	KUNIT_EXPECT_EQ(test, control_call(ct, IOMMUFD_MODEL_MACHINE_ADD - 1,
					   buf, sizeof(buf)), -ENOTTY);
	KUNIT_EXPECT_EQ(test, control_call(ct, IOMMUFD_MODEL_GRANT + 1,
					   buf, sizeof(buf)), -ENOTTY);
	info->machine_id = ct->machine_id + 1;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_INFO, info), -ENOENT);
}

static void control_machines(struct kunit *test)
{
	struct control_test *ct = test->priv;
	struct iommufd_model_machine_add add = { .name = "no-such-kind" };
	struct iommufd_model_inject inject = { .machine_id = ct->machine_id };
	struct iommufd_model_counter got[3];
	struct iommufd_model_counters counters = {
		.machine_id = ct->machine_id,
		.num = 2,
		.counters = ct->user + PAGE_SIZE,
	};

	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_ADD, &add), -ENOENT);
	memset(add.name, 'x', sizeof(add.name));
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_ADD, &add), -EINVAL);
	KUNIT_EXPECT_EQ(test, plain_now->params[0], 11);
	/* Behind num_params. */
	KUNIT_EXPECT_EQ(test, plain_now->params[1], 0);

	inject.what = 8;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_INJECT, &inject), -EOPNOTSUPP);
	inject.what = 7;
	inject.nth = 1234;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_INJECT, &inject), 0);
	KUNIT_EXPECT_EQ(test, plain_now->nth, 1234);

	KUNIT_ASSERT_EQ(test, clear_user((void __user *)counters.counters,
					 sizeof(got)), 0);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_COUNTERS, &counters), 0);
	KUNIT_EXPECT_EQ(test, counters.num, 3);
	KUNIT_ASSERT_EQ(test, copy_from_user(got, (void __user *)counters.counters,
					     sizeof(got)), 0);
	KUNIT_EXPECT_STREQ(test, got[1].name, "c1");
	KUNIT_EXPECT_EQ(test, got[1].value, 101);
	KUNIT_EXPECT_EQ(test, got[2].value, 0);
}

static void control_dma_data(struct kunit *test)
{
	struct control_test *ct = test->priv;
	void __user *data = (void __user *)(ct->user + PAGE_SIZE);
	struct iommufd_model_dma dma;
	u8 bytes[8] = "engine!";

	pci_set_master(ct->pdev);
	KUNIT_ASSERT_EQ(test, copy_to_user(data, bytes, 8), 0);
	dma = control_dma(ct, IOMMUFD_MODEL_DMA_WRITE, 0x1ffc, 8);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), 0);
	KUNIT_EXPECT_EQ(test, dma.out_status, IOMMUFD_MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, dma.out_done, 8);
	KUNIT_EXPECT_EQ(test, dma.handle, 0);
	KUNIT_EXPECT_MEMEQ(test, &plain_now->memory[0x1ffc], bytes, 8);

	memset(&plain_now->memory[0x1ffc], 'q', 8);
	dma = control_dma(ct, 0, 0x1ffc, 8);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(bytes, data, 8), 0);
	KUNIT_EXPECT_MEMEQ(test, bytes, "qqqqqqqq", 8);

	/* Half of it is outside; what it read of the first half is stored. */
	dma = control_dma(ct, 0, PLAIN_MEMORY - 4, 8);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), 0);
	KUNIT_EXPECT_EQ(test, dma.out_status, IOMMUFD_MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_EQ(test, dma.out_done, 4);
	KUNIT_ASSERT_EQ(test, copy_from_user(bytes, data, 8), 0);
	KUNIT_EXPECT_MEMEQ(test, bytes, "\0\0\0\0qqqq", 8);

	dma = control_dma(ct, BIT(30), 0, 8);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), -EOPNOTSUPP);
	dma = control_dma(ct, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), -EINVAL);
	dma = control_dma(ct, 0, 0, 8);
	dma.rid++;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), -ENODEV);
	dma = control_dma(ct, IOMMUFD_MODEL_DMA_WRITE, 0, 8);
	dma.data = 0;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), -EFAULT);
}

/* The engine is a thread of its own, which a busy machine may run later than one waits */
static void control_when_it_waits(struct control_test *ct,
				  struct iommufd_model_state *state)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		if (CALL(ct, IOMMUFD_MODEL_STATE, state) || state->waiting)
			return;
		msleep(20);
	}
}

static void control_dma_handles(struct kunit *test)
{
	struct control_test *ct = test->priv;
	struct iommufd_model_dma dma, wait = { .timeout_ms = 10 };
	struct iommufd_model_state state = { .rid = PLAIN_RID };
	struct iommufd_model_function fn = { .rid = PLAIN_RID };

	state.domain = pci_domain_nr(ct->pdev->bus);
	fn.domain = state.domain;
	pci_set_master(ct->pdev);
	KUNIT_ASSERT_EQ(test, pci_enable_pasid(ct->pdev, 0), 0);
	KUNIT_ASSERT_EQ(test, pci_enable_ats(ct->pdev, PAGE_SHIFT), 0);
	KUNIT_ASSERT_EQ(test, pci_enable_pri(ct->pdev, 4), 0);

	/* Nobody answers its page request. */
	dma = control_dma(ct, IOMMUFD_MODEL_DMA_PASID, 0, 8);
	dma.pasid = 3;
	dma.timeout_ms = 10;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), 0);
	KUNIT_EXPECT_EQ(test, dma.out_status, IOMMUFD_MODEL_DMA_PENDING);
	KUNIT_EXPECT_NE(test, dma.handle, 0);
	control_when_it_waits(ct, &state);
	KUNIT_EXPECT_EQ(test, state.outstanding, 1);
	KUNIT_EXPECT_EQ(test, state.waiting, 1);
	KUNIT_EXPECT_EQ(test, state.pri_alloc, 4);
	KUNIT_EXPECT_EQ(test, state.requests, 1);

	wait.handle = dma.handle + 1;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA_WAIT, &wait), -ENOENT);
	wait.handle = dma.handle;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA_WAIT, &wait), 0);
	KUNIT_EXPECT_EQ(test, wait.out_status, IOMMUFD_MODEL_DMA_PENDING);
	KUNIT_EXPECT_EQ(test, wait.out_groups, 1);
	KUNIT_EXPECT_EQ(test, wait.handle, dma.handle);

	fn.arg = 3;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_STOP_PASID, &fn), 0);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA_WAIT, &wait), 0);
	KUNIT_EXPECT_EQ(test, wait.out_status, IOMMUFD_MODEL_DMA_STOPPED);
	KUNIT_EXPECT_EQ(test, wait.handle, 0);
	wait.handle = dma.handle;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA_WAIT, &wait), -ENOENT);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_STATE, &state), 0);
	KUNIT_EXPECT_EQ(test, state.running, 0);
	KUNIT_EXPECT_EQ(test, state.markers, 1);

	/* One is left for the closing of the file to end. */
	dma.flags |= IOMMUFD_MODEL_DMA_ASYNC;
	dma.handle = 0;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_DMA, &dma), 0);
	KUNIT_EXPECT_EQ(test, dma.out_status, IOMMUFD_MODEL_DMA_PENDING);
}

static void control_functions(struct kunit *test)
{
	struct control_test *ct = test->priv;
	struct iommufd_model_violations v = { .flags = IOMMUFD_MODEL_EXPECT_END };
	struct iommufd_model_machine machine = { .machine_id = ct->machine_id };
	struct iommufd_model_plug plug = {
		.machine_id = ct->machine_id,
		.devfn = PLAIN_RID,
	};
	struct iommufd_model_function fn = {
		.domain = pci_domain_nr(ct->pdev->bus),
		.rid = PLAIN_RID,
	};

	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_PLUG, &plug), -EEXIST);
	plug.devfn = 256;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_PLUG, &plug), -EINVAL);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_SEND_MSI, &fn), -ENXIO);
	fn.arg = BIT(20);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MISBEHAVE, &fn), -EOPNOTSUPP);
	fn.arg = 0;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_UNPLUG, &fn), 0);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_UNPLUG, &fn), -ENODEV);
	plug.devfn = PLAIN_RID;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_PLUG, &plug), 0);
	KUNIT_EXPECT_EQ(test, plug.out_rid, PLAIN_RID);
	KUNIT_EXPECT_EQ(test, plug.out_domain, fn.domain);
	fn.flags = IOMMUFD_MODEL_SURPRISE;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_UNPLUG, &fn), 0);

	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_VIOLATIONS, &v), -EINVAL);
	v.flags = IOMMUFD_MODEL_EXPECT_BEGIN;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_VIOLATIONS, &v), 0);
	model_violation("made by a test");
	v.flags = IOMMUFD_MODEL_EXPECT_END;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_VIOLATIONS, &v), 0);
	KUNIT_EXPECT_EQ(test, v.out_count, 1);

	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_REMOVE, &machine), 0);
	KUNIT_EXPECT_NULL(test, plain_now);
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_REMOVE, &machine),
			-ENOENT);
}

static int control_test_init(struct kunit *test)
{
	struct control_test *ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);
	struct iommufd_model_machine_add add = {
		.name = PLAIN_NAME,
		.num_params = 1,
		.params = { 11, 22 },
	};
	struct iommufd_model_plug plug = {
		.devfn = PLAIN_RID,
		.caps = IOMMUFD_MODEL_CAP_PASID | IOMMUFD_MODEL_CAP_ATS |
			IOMMUFD_MODEL_CAP_PRI,
		.pasid_bits = 8,
		.pri_capacity = 8,
	};

	KUNIT_ASSERT_NOT_NULL(test, ct);
	test->priv = ct;
	ct->user = test_user_mmap(test, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (!ct->user || IS_ERR_VALUE(ct->user))
		kunit_skip(test, "no user memory");
	ct->filp = anon_inode_getfile("model", &model_control_fops, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ct->filp));
	KUNIT_ASSERT_EQ(test, model_control_fops.open(NULL, ct->filp), 0);
	KUNIT_ASSERT_EQ(test, model_factory_register(&plain_factory), 0);
	KUNIT_EXPECT_EQ(test, model_factory_register(&plain_factory), -EEXIST);
	KUNIT_ASSERT_EQ(test, CALL(ct, IOMMUFD_MODEL_MACHINE_ADD, &add), 0);
	ct->machine_id = add.out_machine_id;
	plug.machine_id = ct->machine_id;
	KUNIT_ASSERT_EQ(test, CALL(ct, IOMMUFD_MODEL_PLUG, &plug), 0);
	ct->pdev = pci_get_domain_bus_and_slot(plug.out_domain, 0, plug.out_rid);
	KUNIT_ASSERT_NOT_NULL(test, ct->pdev);
	return 0;
}

static void control_test_exit(struct kunit *test)
{
	struct control_test *ct = test->priv;

	if (!ct || IS_ERR_OR_NULL(ct->filp))
		return;
	/* User memory is out of reach here: no commands. */
	pci_dev_put(ct->pdev);
	if (plain_now) {
		model_machine_unregister(&plain_now->machine);
		plain_remove(&plain_now->machine);
	}
	model_factory_unregister(&plain_factory);
	fput(ct->filp);
}

static long control_grant(struct control_test *ct, u32 flags, unsigned int page,
			  unsigned int num)
{
	struct iommufd_model_grant grant = {
		.flags = flags,
		.machine_id = ct->machine_id,
		.addr = ct->user + page * PAGE_SIZE,
		.length = num * PAGE_SIZE,
	};

	return CALL(ct, IOMMUFD_MODEL_GRANT, &grant);
}

/* Is an access to the middle of a user page one that may be made, and if not, told? */
static bool granted(struct kunit *test, unsigned int nth, bool write)
{
	struct control_test *ct = test->priv;
	unsigned long before;
	struct page *page;
	bool is;

	KUNIT_ASSERT_EQ(test, get_user_pages_fast(ct->user + nth * PAGE_SIZE, 1,
						  FOLL_WRITE, &page), 1);
	before = model_violations_expect();
	is = model_granted(&plain_now->port, page_to_phys(page) + 8, write, "KUnit");
	KUNIT_EXPECT_EQ(test, model_violations_expected(before), !is);
	put_page(page);
	return is;
}

static void control_grants(struct kunit *test)
{
	struct control_test *ct = test->priv;
	struct iommufd_model_grant grant = {
		.machine_id = ct->machine_id,
		.addr = ct->user + PAGE_SIZE,
		.length = PAGE_SIZE,
	}, bad;

	/* Nobody has said it: anything goes. */
	KUNIT_EXPECT_TRUE(test, granted(test, 1, true));
	KUNIT_EXPECT_EQ(test, control_grant(ct, IOMMUFD_MODEL_GRANT_REVOKE, 1, 1),
			-ENOENT);

	bad = grant;
	bad.flags = 4;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EOPNOTSUPP);
	bad.flags = 3;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EINVAL);
	bad = grant;
	bad.__reserved = 1;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EOPNOTSUPP);
	bad = grant;
	bad.addr++;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EINVAL);
	bad = grant;
	bad.length = 0;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EINVAL);
	bad = grant;
	bad.machine_id++;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -ENOENT);
	bad = grant;
	bad.addr = 0;
	KUNIT_EXPECT_EQ(test, CALL(ct, IOMMUFD_MODEL_GRANT, &bad), -EFAULT);

	KUNIT_EXPECT_EQ(test, control_grant(ct, 0, 2, 1), 0);
	KUNIT_EXPECT_TRUE(test, granted(test, 2, true));
	KUNIT_EXPECT_FALSE(test, granted(test, 1, false));
	KUNIT_EXPECT_FALSE(test, granted(test, 3, true));
	/* What fails in its midst has done nothing. */
	KUNIT_EXPECT_EQ(test, control_grant(ct, 0, 1, 3), -EBUSY);
	KUNIT_EXPECT_FALSE(test, granted(test, 1, false));
	KUNIT_EXPECT_EQ(test, control_grant(ct, IOMMUFD_MODEL_GRANT_REVOKE, 2, 2),
			-ENOENT);
	KUNIT_EXPECT_TRUE(test, granted(test, 2, true));

	KUNIT_EXPECT_EQ(test, control_grant(ct, IOMMUFD_MODEL_GRANT_READ_ONLY, 3, 1), 0);
	KUNIT_EXPECT_TRUE(test, granted(test, 3, false));
	KUNIT_EXPECT_FALSE(test, granted(test, 3, true));
	KUNIT_EXPECT_EQ(test, control_grant(ct, IOMMUFD_MODEL_GRANT_REVOKE, 2, 2), 0);
	/* Nothing is left, which is not the same as nobody having said it. */
	KUNIT_EXPECT_FALSE(test, granted(test, 2, false));
	KUNIT_EXPECT_FALSE(test, granted(test, 3, false));
	/* Given back with the machine. */
	KUNIT_EXPECT_EQ(test, control_grant(ct, 0, 1, 3), 0);
}

/* The grant's own pin of a page is dropped once, however often the range has the page. */
static void control_grants_page_twice(struct kunit *test)
{
	struct control_test *ct = test->priv;
	struct page *pages[2];
	struct file *file;
	unsigned long i;

	file = shmem_file_setup("twice", PAGE_SIZE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	for (i = 1; i <= 2; i++) {
		unsigned long addr = ct->user + i * PAGE_SIZE;

		KUNIT_EXPECT_EQ(test, addr,
				kunit_vm_mmap(test, file, addr, PAGE_SIZE,
					      PROT_READ | PROT_WRITE,
					      MAP_SHARED | MAP_FIXED, 0));
	}
	fput(file);
	/* Held, so that a pin too few is one of these. */
	KUNIT_ASSERT_EQ(test, pin_user_pages_fast(ct->user + PAGE_SIZE, 2,
						  FOLL_WRITE | FOLL_LONGTERM,
						  pages), 2);
	KUNIT_EXPECT_PTR_EQ(test, pages[0], pages[1]);

	KUNIT_EXPECT_EQ(test, control_grant(ct, 0, 1, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, page_pins(pages[0]), 2);
	KUNIT_EXPECT_EQ(test, control_grant(ct, 0, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, page_pins(pages[0]), 3);
	KUNIT_EXPECT_EQ(test, control_grant(ct, IOMMUFD_MODEL_GRANT_REVOKE, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, page_pins(pages[0]), 2);
	KUNIT_EXPECT_FALSE(test, granted(test, 2, false));
	unpin_user_pages(pages, min(page_pins(pages[0]), 2U));
}

static struct kunit_case control_cases[] = {
	KUNIT_CASE(control_conventions),
	KUNIT_CASE(control_machines),
	KUNIT_CASE(control_dma_data),
	KUNIT_CASE(control_dma_handles),
	KUNIT_CASE(control_functions),
	KUNIT_CASE(control_grants),
	KUNIT_CASE(control_grants_page_twice),
	{}
};

static struct kunit_suite control_suite = {
	.name = "iommufd_model_control",
	.init = control_test_init,
	.exit = control_test_exit,
	.test_cases = control_cases,
};

kunit_test_suite(control_suite);
