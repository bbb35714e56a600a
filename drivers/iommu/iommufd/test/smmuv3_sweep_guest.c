// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of the sweep that are a guest's: it changes its tables or its context
 * descriptors, and sends the commands that a driver would, through its vIOMMU. Each of
 * them has to arrive (IHI 0070 4.3, 4.4, 4.5).
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-priv.h"
#include "../vdevice.h"
#include "../smmuv3/viommu.h"
#include "smmuv3_sweep.h"

/* What the guest maps, and where that is in its memory */
#define BASE		BIT_ULL(36)
#define GUEST_VA	BIT_ULL(30)

/* Data pages */
#define OLD		0
#define NEW		2
#define TABLE		14

/* The guest's ASID (smmuv3_sweep_lib.c), and what it calls the function */
#define GUEST_ASID	7ULL
#define VSID		0x77ULL

#define CD_V		BIT_ULL(31)

/* Commands, word 0 (4.1.2) */
#define CFGI_CD		(0x05ULL | VSID << 32)
#define CFGI_CD_ALL	(0x06ULL | VSID << 32)
#define NH_ALL		0x10ULL
#define NH_ASID		(0x11ULL | GUEST_ASID << 48)
#define NH_VA		(0x12ULL | GUEST_ASID << 48)
#define NH_VAA		0x13ULL
#define NSNH_ALL	0x30ULL
#define ATC_INV		(0x40ULL | VSID << 32)
#define SSID		((u64)SMSW_PASID << 12)
#define SSV		BIT_ULL(11)
#define LEAF		BIT_ULL(0)

/**
 * struct change - what a guest does, and how it says so
 * @act: it changes something
 * @want: what is read afterwards: a data page, -1: nothing
 * @config: word 0 of a CFGI, without SSV; 0: none. Of CFGI_CD there is one for each
 *	descriptor
 * @tlbi: words of a TLBI; 0: none
 */
struct change {
	void (*act)(struct smmuv3_sweep *s);
	int want;
	u64 config;
	u64 tlbi[2];
};

/* Four commands and the two ATC_INV */
struct list {
	struct iommu_viommu_arm_smmuv3_invalidate cmds[6];
	unsigned int num;
};

static bool has_pasids(struct smmuv3_sweep *s)
{
	return s->rig.device[0]->max_pasids > SMSW_PASID;
}

static void put(struct list *list, u64 qw0, u64 qw1)
{
	list->cmds[list->num].cmd[0] = cpu_to_le64(qw0);
	list->cmds[list->num++].cmd[1] = cpu_to_le64(qw1);
}

static void make_list(struct smmuv3_sweep *s, const struct change *change,
		      struct list *list)
{
	*list = (struct list){};
	if (change->config)
		put(list, change->config, change->config == CFGI_CD ? LEAF : 0);
	if (change->config == CFGI_CD && has_pasids(s))
		put(list, change->config | SSID, LEAF);
	if (change->tlbi[0])
		put(list, change->tlbi[0], change->tlbi[1]);
	/* A page, of requests without PASID and with one */
	put(list, ATC_INV, GUEST_VA);
	if (has_pasids(s))
		put(list, ATC_INV | SSV | SSID, GUEST_VA);
}

/* --- the vIOMMU, as the core makes it --- */

static int make_viommu(struct smmuv3_sweep *s)
{
	struct device *dev = &s->rig.pdev[0]->dev;
	const struct iommufd_viommu_driver *driver =
		iommufd_viommu_find_driver(dev_iommu_ops(dev));
	struct iommufd_viommu *viommu;
	int rc;

	if (!driver)
		return -ENODEV;
	viommu = kzalloc(driver->size(dev, IOMMU_VIOMMU_TYPE_ARM_SMMUV3),
			 GFP_KERNEL);
	if (ZERO_OR_NULL_PTR(viommu))
		return -ENOMEM;
	iommufd_viommu_setup(viommu);
	viommu->parent = &s->domain->domain;
	viommu->iommu = dev->iommu->iommu_dev;
	viommu->type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3;
	rc = driver->init(viommu, dev, NULL);
	if (rc) {
		kfree(viommu);
		return rc;
	}
	s->vdevice.viommu = viommu;
	s->vdevice.virt_id = VSID;
	s->vdevice.dev = dev;
	s->viommu = container_of(viommu, struct smmuv3_viommu, core);
	return xa_err(xa_store(&viommu->vdevs, VSID, &s->vdevice, GFP_KERNEL));
}

static void free_viommu(struct smmuv3_sweep *s)
{
	struct iommufd_viommu *viommu;

	if (!s->viommu)
		return;
	viommu = &s->viommu->core;
	xa_destroy(&viommu->vdevs);
	viommu->ops->destroy(viommu);
	kfree(s->viommu);
	s->viommu = NULL;
}

static int send(struct smmuv3_sweep *s, const struct list *list)
{
	struct iommu_user_data_array array = {
		.type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.uptr = s->array,
		.entry_len = sizeof(list->cmds[0]),
		.entry_num = list->num,
	};
	struct iommufd_viommu *viommu = &s->viommu->core;
	int rc;

	if (copy_to_user(s->array, list->cmds,
			 list->num * sizeof(list->cmds[0])))
		return -EFAULT;
	rc = viommu->ops->cache_invalidate(viommu, &array);
	return rc ?: array.entry_num == list->num ? 0 : -EIO;
}

/* --- what the guest changes --- */

static void change_leaf(struct smmuv3_sweep *s)
{
	smmuv3_sweep_guest_set(&s->guest, GUEST_VA, BASE + SZ_4K);
}

static void change_table(struct smmuv3_sweep *s)
{
	u64 *entry = &s->guest.table[3][(GUEST_VA >> 21) & 0x1ff];

	WRITE_ONCE(*entry, (s->guest.gpa + 6 * PAGE_SIZE) | 3);
}

static void set_descriptors(struct smmuv3_sweep *s, bool valid)
{
	unsigned int i;

	for (i = 0; i <= SMSW_PASID; i += SMSW_PASID) {
		u64 *cd = &s->guest.table[0][8 * i];

		WRITE_ONCE(*cd, valid ? *cd | CD_V : *cd & ~CD_V);
	}
}

static void clear_descriptors(struct smmuv3_sweep *s)
{
	set_descriptors(s, false);
}

/* --- steps --- */

static int expect_both(struct smmuv3_sweep *s, u64 want, const char *why)
{
	if (!smmuv3_sweep_expect(s, IOMMU_NO_PASID, GUEST_VA, want, why))
		return -EIO;
	if (has_pasids(s) &&
	    !smmuv3_sweep_expect(s, SMSW_PASID, GUEST_VA, want, why))
		return -EIO;
	return 0;
}

/* Another lowest table, in which the same address leads to NEW. */
static int make_table(struct smmuv3_sweep *s)
{
	memset64(s->data[TABLE], 0, PAGE_SIZE / sizeof(u64));
	s->data[TABLE][(GUEST_VA >> 12) & 0x1ff] =
		(BASE + SZ_4K) | SMSW_GUEST_ENTRY | BIT_ULL(11);
	return smmuv3_sweep_map(s->domain, s->guest.gpa + 6 * PAGE_SIZE,
				virt_to_phys(s->data[TABLE]), SZ_4K, 1);
}

static int setup(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	struct smmuv3_device *device = s->rig.device[0];
	int rc;

	s->domain = smmuv3_paging_alloc(device->unit,
					IOMMU_HWPT_ALLOC_NEST_PARENT);
	if (IS_ERR(s->domain))
		return PTR_ERR(s->domain);
	set_descriptors(s, true);
	smmuv3_sweep_guest_set(&s->guest, GUEST_VA, BASE);
	rc = smmuv3_sweep_guest_map(s->domain, &s->guest);
	rc = rc ?: make_table(s);
	rc = rc ?: smmuv3_sweep_map(s->domain, BASE, virt_to_phys(s->data[OLD]),
				    SZ_4K, 1);
	rc = rc ?: smmuv3_sweep_map(s->domain, BASE + SZ_4K,
				    virt_to_phys(s->data[NEW]), SZ_4K, 1);
	rc = rc ?: make_viommu(s);
	if (rc)
		return rc;
	s->child = smmuv3_sweep_nest(s, s->domain, &s->guest);
	if (IS_ERR(s->child))
		return PTR_ERR(s->child);
	rc = smmuv3_attach(s->child, device, IOMMU_NO_PASID);
	return rc ?: expect_both(s, 0xd000 + OLD, "before");
}

static int act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct change *change = step->arg;
	struct list list;

	make_list(s, change, &list);
	change->act(s);
	return send(s, &list);
}

static void check(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	const struct change *change = step->arg;

	expect_both(s, change->want < 0 ? 0 : 0xd000 + change->want,
		    "what the guest had before is used");
}

static void undo(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	smmuv3_rig_free(s->child);
	free_viommu(s);
	smmuv3_rig_free(s->domain);
	s->child = NULL;
	s->domain = NULL;
	set_descriptors(s, true);
	memset64(s->data[TABLE], 0xd000 + TABLE, PAGE_SIZE / sizeof(u64));
}

#define STEP(_name, ...) {						\
	.name = "commands: " _name, .on = SMMUV3_DOMAIN_NESTED,		\
	.setup = setup, .act = act, .check = check, .undo = undo,	\
	.arg = &(const struct change){ __VA_ARGS__ },			\
}

const struct smmuv3_sweep_step smmuv3_sweep_guest_steps[] = {
	STEP("a leaf, by address", change_leaf, NEW,
	     .tlbi = { NH_VA, GUEST_VA | LEAF }),
	STEP("a leaf, by address of all ASIDs", change_leaf, NEW,
	     .tlbi = { NH_VAA, GUEST_VA | LEAF }),
	STEP("a leaf, by ASID", change_leaf, NEW, .tlbi = { NH_ASID }),
	STEP("a leaf, by all", change_leaf, NEW, .tlbi = { NH_ALL }),
	STEP("a leaf, by all of the unit", change_leaf, NEW,
	     .tlbi = { NSNH_ALL }),
	STEP("a table, by address", change_table, NEW,
	     .tlbi = { NH_VA, GUEST_VA }),
	STEP("a table, by address of all ASIDs", change_table, NEW,
	     .tlbi = { NH_VAA, GUEST_VA }),
	STEP("a table, by ASID", change_table, NEW, .tlbi = { NH_ASID }),
	STEP("a table, by all", change_table, NEW, .tlbi = { NH_ALL }),
	STEP("descriptors, one by one", clear_descriptors, -1,
	     .config = CFGI_CD),
	STEP("descriptors, all", clear_descriptors, -1, .config = CFGI_CD_ALL),
};

const unsigned int smmuv3_sweep_num_guest_steps =
	ARRAY_SIZE(smmuv3_sweep_guest_steps);
