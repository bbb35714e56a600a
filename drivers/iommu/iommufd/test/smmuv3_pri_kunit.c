// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: switching the page request interface of functions behind an SMMUv3 on and
 * off, and the drain.
 */
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../pci_pri.h"
#include "smmuv3_faults_kunit.h"

#define SID0	ST_SID(0)
#define SID1	ST_SID(1)
#define NOPASID	FT_NO_PASID

#define RESP_INVALID	1

/* ATC_INV of everything (4.5.1), and with a PASID. */
#define ATC_INV_ALL(sid)	FAKE_CMD(0x40 | (u64)(sid) << 32, 52)
#define ATC_INV_PASID(sid, pasid) \
	FAKE_CMD(0x840 | (pasid) << 12 | (u64)(sid) << 32, 52)

static bool pri_function_enabled(struct st_device *fn)
{
	return get_unaligned_le16(fn->config + ST_PRI + PCI_PRI_CTRL) & BIT(0);
}

static u32 pri_allocated(struct st_device *fn)
{
	return get_unaligned_le32(fn->config + ST_PRI + PCI_PRI_ALLOC_REQ);
}

static void pri_set_status(struct st_device *fn, u16 status)
{
	put_unaligned_le16(status, fn->config + ST_PRI + PCI_PRI_STATUS);
}

static struct st *pri_st;
static unsigned int pri_resets;

/* A function is on only while the unit's requests of one at least are taken. */
static void pri_control(struct st_device *fn, u16 control)
{
	struct kunit *test = pri_st->test;

	if (control & BIT(0))
		KUNIT_EXPECT_TRUE(test, pri_st->fn[0].device->pri_open ||
				  pri_st->fn[1].device->pri_open);
	if (!(control & BIT(1)))
		return;
	pri_resets++;
	KUNIT_EXPECT_FALSE(test, control & BIT(0));
	KUNIT_EXPECT_FALSE(test, pri_function_enabled(fn));
	/* A reset ends what it waited for, and so it has stopped; the rest stays */
	fn->config[ST_PRI + PCI_PRI_STATUS + 1] |= PCI_PRI_STATUS_STOPPED >> 8;
}

static struct st *pri_new(struct kunit *test)
{
	struct st *st = st_new(test, ST_PCI, 256, 256);

	pri_st = st;
	pri_resets = 0;
	st->fn[0].on_control = pri_control;
	return st;
}

static void pri_expect_off(struct st *st)
{
	KUNIT_EXPECT_FALSE(st->test, pri_function_enabled(&st->fn[0]));
	KUNIT_EXPECT_FALSE(st->test, st->fn[0].device->pri);
	KUNIT_EXPECT_FALSE(st->test, st->fn[0].device->pri_open);
}

/* Is the next command a SYNC after an invalidation of the first function? */
static bool pri_at_sync(struct st *st)
{
	const struct smmuv3_fake *fake = st->fake;

	return fake->num_log &&
	       smmuv3_fake_op(&fake->log[fake->num_log - 1].cmd) ==
		       FAKE_ATC_INV;
}

static void pri_add(struct st *st, u32 sid, u32 pasid, u32 grpid, u32 bits)
{
	u64 qw[2];

	st_make_request(qw, sid, pasid, grpid, 0x1000, bits);
	st_add(st, &st->priq, qw);
}

/* What a function still had on its way arrives with the drain. */
static void pri_late_step(struct st *st)
{
	if (!pri_at_sync(st))
		return;
	st->on_step = NULL;
	KUNIT_EXPECT_FALSE(st->test, pri_function_enabled(&st->fn[0]));
	pri_add(st, SID0, NOPASID, 9, ST_R | ST_LAST);
	pri_add(st, SID0, NOPASID, 10, ST_R);
}

static void pri_enable_disable(struct kunit *test)
{
	static const struct {
		u32 capacity;
		u32 allocation;
	} cases[] = { { 1, 1 }, { 32, 32 }, { 1024, 1024 }, { 65536, 1024 } };
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];
	struct smmuv3_device *device = fn->device;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put_unaligned_le32(cases[i].capacity,
				   fn->config + ST_PRI + PCI_PRI_MAX_REQ);
		KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device),
				cases[i].allocation);
		pri_resets = 0;
		KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(device), 0);
		KUNIT_EXPECT_TRUE(test, device->pri);
		KUNIT_EXPECT_TRUE(test, device->pri_open);
		KUNIT_EXPECT_FALSE(test, st->fn[1].device->pri_open);
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(fn));
		KUNIT_EXPECT_EQ(test, pri_allocated(fn), cases[i].allocation);
		KUNIT_EXPECT_EQ(test, pri_resets, 1);
		/* Again changes nothing. */
		KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), 0);
		KUNIT_EXPECT_EQ(test, pri_resets, 1);

		st_forget(st);
		st->on_step = pri_late_step;
		smmuv3_pri_disable(device);
		KUNIT_EXPECT_PTR_EQ(test, st->on_step, NULL);
		pri_expect_off(st);
		/* Refused, but not left without an answer: by the door. */
		KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 9,
						   RESP_INVALID), 1);
		KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2 * (i + 1));
		smmuv3_pri_disable(device);
	}
	/* What is over without an interrupt is over with it. */
	st_interrupt(st);
	st_done(st);
}

static void pri_capacity(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct smmuv3_device *device = st->fn[0].device;
	struct smmuv3_unit *unit = device->unit;
	struct smmuv3_priq *priq = unit->priq;

	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 256);
	device->can_ats = false;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	device->can_ats = true;
	unit->priq = NULL;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -EOPNOTSUPP);
	/* And there is nothing to drain. */
	smmuv3_faults_drain(device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, st->fake->num_log, 0);
	unit->priq = priq;
	device->pdev = NULL;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	device->pdev = &st->fn[0].pdev;
	st->fn[0].pdev.pri_cap = 0;
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(device), 0);
	st->fn[0].pdev.pri_cap = ST_PRI;
	st_done(st);
}

static void pri_refused(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];
	struct smmuv3_device *device = fn->device;
	struct iommufd_fault_attach *attach;

	device->can_ats = false;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -EOPNOTSUPP);
	attach = ft_alloc(&st->ft, 0, IOMMU_NO_PASID);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(attach),
			-EOPNOTSUPP);
	iommufd_fault_attach_free(attach);
	device->can_ats = true;
	device->suspect = true;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -EOPNOTSUPP);
	device->suspect = false;

	fn->pdev.pri_cap = 0;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -EOPNOTSUPP);
	fn->pdev.pri_cap = ST_PRI;

	/* It does not stop, and a reset is no help. */
	fn->on_control = NULL;
	pri_set_status(fn, 0);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -EBUSY);
	fn->on_control = pri_control;
	pri_set_status(fn, 0xffff);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), -ENODEV);
	KUNIT_EXPECT_EQ(test, pri_resets, 0);
	pri_expect_off(st);
	/* It waits for answers that will not come. */
	pri_set_status(fn, 0);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), 0);
	KUNIT_EXPECT_EQ(test, pri_resets, 2);
	smmuv3_pri_disable(device);
	pri_expect_off(st);
	st_done(st);
}

/* Page requests of the first function, by another thread */
static void pri_enable_call(struct ft_call *call)
{
	call->rc = smmuv3_pri_enable(pri_st->fn[0].device);
}

/* It has stopped some time after it was turned off. */
static void pri_stops_late(struct st_device *fn)
{
	static unsigned int looks;

	if (++looks % 50 == 0)
		pri_set_status(fn, PCI_PRI_STATUS_STOPPED);
}

/*
 * The interface was on when somebody looked, as another function had it on; that one
 * turned it off before the lock was to be had: it is waited for.
 */
static void pri_enable_after_other(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];
	struct ft_call call = { .fn = pri_enable_call };
	struct mutex *lock = &st->fake->unit.lock;

	/* Under a lock of the PCI core no hook can do what it does */
	if (!IS_ENABLED(CONFIG_PCI_LOCKLESS_CONFIG)) {
		st_done(st);
		return;
	}
	fn->pdev.pri_enabled = 1;
	mutex_lock(lock);
	ft_call_start(&call);
	KUNIT_EXPECT_FALSE(test, ft_call_finished(&call, 200));
	fn->pdev.pri_enabled = 0;
	/* A reset does not help */
	fn->on_control = NULL;
	fn->on_status = pri_stops_late;
	pri_set_status(fn, 0);
	mutex_unlock(lock);
	ft_call_wait(&call);
	KUNIT_EXPECT_EQ(test, call.rc, 0);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(fn));
	fn->on_status = NULL;
	smmuv3_pri_disable(fn->device);
	st_done(st);
}

static void pri_make_virtual(struct st *st)
{
	struct st_device *pf = &st->fn[0], *vf = &st->fn[1];

	vf->pdev.is_virtfn = 1;
	vf->pdev.physfn = &pf->pdev;
	vf->pdev.pri_cap = 0;
}

/* The interface is the physical function's: on while any of the two wants it. */
static void pri_virtual_function(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *pf = &st->fn[0], *vf = &st->fn[1];
	unsigned int order;

	pri_make_virtual(st);
	KUNIT_EXPECT_EQ(test, smmuv3_faults_capacity(vf->device), 256);
	for (order = 0; order < 4; order++) {
		struct st_device *first = order & 1 ? pf : vf;
		struct st_device *second = order & 1 ? vf : pf;
		struct st_device *leaves = order & 2 ? first : second;
		struct st_device *stays = order & 2 ? second : first;

		KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(first->device), 0);
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
		KUNIT_EXPECT_TRUE(test, first->device->pri_open);
		KUNIT_EXPECT_FALSE(test, second->device->pri_open);
		KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(second->device), 0);
		KUNIT_EXPECT_TRUE(test, first->device->pri_open);
		KUNIT_EXPECT_TRUE(test, second->device->pri_open);

		smmuv3_pri_disable(leaves->device);
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
		KUNIT_EXPECT_FALSE(test, leaves->device->pri_open);
		KUNIT_EXPECT_TRUE(test, stays->device->pri_open);
		smmuv3_pri_disable(stays->device);
		pri_expect_off(st);
		KUNIT_EXPECT_FALSE(test, vf->device->pri_open);
	}
	KUNIT_EXPECT_FALSE(test, pri_function_enabled(vf));
	st_done(st);
}

/*
 * A virtual function that has its page requests off while its physical one has them
 * on: its requests come to us, and are refused; a group that began before it was
 * switched off is forgotten.
 */
static void pri_virtual_function_off(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct iommufd_fault_attach *attach[2];

	pri_make_virtual(st);
	attach[0] = st_attach(st, 0, IOMMU_NO_PASID);
	st_request(st, SID1, NOPASID, 1, 0x1000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 1, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_stats(st).unknown, 1);

	attach[1] = st_attach(st, 1, IOMMU_NO_PASID);
	st_request(st, SID1, NOPASID, 2, 0x1000, ST_R);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_open(st), 1);
	/* Comes while it is being switched off, refused by the door */
	st_request(st, SID1, NOPASID, 3, 0x1000, ST_R);
	iommufd_fault_attach_remove(attach[1]);
	KUNIT_EXPECT_EQ(test, st_open(st), 0);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2);
	st_request(st, SID1, NOPASID, 2, 0x2000, ST_R | ST_LAST);
	st_request(st, SID1, NOPASID, 3, 0x2000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 2, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID1, NOPASID, 3, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2);

	/* New groups of the same indices are new, whole ones. */
	attach[1] = st_attach(st, 1, IOMMU_NO_PASID);
	st_request(st, SID1, NOPASID, 2, 0x5000, ST_R | ST_LAST);
	st_request(st, SID1, NOPASID, 3, 0x6000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_ASSERT_EQ(test, ft_read(&st->ft, 8), 2 * sizeof(st->ft.recs[0]));
	KUNIT_EXPECT_EQ(test, st->ft.recs[0].addr, 0x5000);
	KUNIT_EXPECT_EQ(test, st->ft.recs[1].addr, 0x6000);
	KUNIT_EXPECT_EQ(test, st_count(st, FAKE_PRI_RESP), 0);
	iommufd_fault_attach_remove(attach[1]);
	iommufd_fault_attach_remove(attach[0]);
	st_done(st);
}

static void pri_query(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];
	struct iommufd_fault_pri_hw hw = { .capacity = 7 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fn->device->prg_pasid = i;
		pri_set_status(fn, PCI_PRI_STATUS_STOPPED |
				   (i ? PCI_PRI_STATUS_RF : 0));
		smmuv3_pri_query(fn->device, &hw);
		KUNIT_EXPECT_EQ(test, hw.resp_pasid, i);
		KUNIT_EXPECT_EQ(test, hw.failed, i);
		KUNIT_EXPECT_EQ(test, hw.capacity, 7);
	}
	pri_set_status(fn, 0xffff);
	smmuv3_pri_query(fn->device, &hw);
	KUNIT_EXPECT_FALSE(test, hw.failed);
	pri_set_status(fn, PCI_PRI_STATUS_STOPPED);
	st_done(st);
}

/* --- starting anew --- */

static void pri_stop(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];
	struct smmuv3_device *device = fn->device;

	/* It is off already */
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(device), 0);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(st);

	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(device), 0);
	st_forget(st);
	pri_resets = 0;
	st->on_step = pri_late_step;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(device), 0);
	/* What it still had on its way was let in, and answered */
	KUNIT_EXPECT_PTR_EQ(test, st->on_step, NULL);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 9, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(st);
	/* Nothing reaches the door now. */
	st_request(st, SID0, NOPASID, 11, 0x1000, ST_R | ST_LAST);
	st_interrupt(st);
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, NOPASID, 11, RESP_INVALID),
			1);
	KUNIT_EXPECT_EQ(test, st_stats(st).requests, 2);

	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(device), 0);
	KUNIT_EXPECT_TRUE(test, device->pri_open);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(fn));
	smmuv3_pri_disable(device);
	st_interrupt(st);
	st_done(st);
}

/* After a failure response it may never say that it has stopped. */
static void pri_stop_does_not_stop(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];

	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(fn->device), 0);
	pri_resets = 0;
	pri_set_status(fn, PCI_PRI_STATUS_RF);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(fn->device), 0);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(st);
	/* Forgotten, though it is not turned on */
	KUNIT_EXPECT_FALSE(test, iommufd_pci_pri_failed(&fn->pdev));
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(fn->device), 0);
	smmuv3_pri_disable(fn->device);
	st_done(st);
}

static void pri_stop_gone(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *fn = &st->fn[0];

	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(fn->device), 0);
	pri_resets = 0;
	pri_set_status(fn, 0xffff);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(fn->device), -ENODEV);
	KUNIT_EXPECT_EQ(test, pri_resets, 0);
	KUNIT_EXPECT_FALSE(test, fn->device->pri);
	KUNIT_EXPECT_FALSE(test, fn->device->pri_open);
	pri_set_status(fn, PCI_PRI_STATUS_STOPPED);
	st_done(st);
}

/* While the physical function is waited for, the virtual one switches it on. */
static void pri_stop_sibling(struct st_device *fn)
{
	if (pri_function_enabled(fn))
		return;
	fn->on_status = NULL;
	KUNIT_EXPECT_EQ(pri_st->test, smmuv3_pri_enable(pri_st->fn[1].device),
			0);
}

static void pri_stop_shared(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct st_device *pf = &st->fn[0], *vf = &st->fn[1];

	pri_make_virtual(st);
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(pf->device), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(vf->device), 0);
	pri_resets = 0;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(pf->device), -EBUSY);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(vf->device), -EBUSY);
	KUNIT_EXPECT_EQ(test, pri_resets, 0);
	KUNIT_EXPECT_TRUE(test, pf->device->pri && vf->device->pri);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	KUNIT_EXPECT_TRUE(test, pf->device->pri_open && vf->device->pri_open);

	smmuv3_pri_disable(vf->device);
	/* Under a lock of the PCI core nothing like this can be done */
	if (!IS_ENABLED(CONFIG_PCI_LOCKLESS_CONFIG)) {
		smmuv3_pri_disable(pf->device);
		st_done(st);
		return;
	}
	pf->on_status = pri_stop_sibling;
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(pf->device), 0);
	KUNIT_EXPECT_PTR_EQ(test, pf->on_status, NULL);
	/* It was reset by the other one, which has it on; ours are kept out */
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	KUNIT_EXPECT_FALSE(test, pf->device->pri || pf->device->pri_open);
	KUNIT_EXPECT_TRUE(test, vf->device->pri_open);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_enable(pf->device), 0);
	KUNIT_EXPECT_TRUE(test, pf->device->pri_open);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	smmuv3_pri_disable(vf->device);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	smmuv3_pri_disable(pf->device);
	pri_expect_off(st);
	st_done(st);
}

/* A platform device behind the same unit that stalls is no function of ours. */
static void pri_stop_beside_stalls(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct smmuv3_device *device = st->fn[0].device, *other;

	other = smmuv3_fake_device(st->fake, 0x800, 1, 1);
	KUNIT_ASSERT_NULL(test, other->pdev);
	other->can_stall = true;
	other->pri = true;
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(device), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_pri_stop(device), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(device), 0);
	smmuv3_pri_disable(device);
	pri_expect_off(st);
	other->pri = false;
	st_done(st);
}

/* --- drain --- */

/**
 * struct pri_drain - what happens while the driver drains
 * @pushes: invalidations so far
 * @overflows: that many of them make the queue run over
 * @next: group index of the next request
 */
struct pri_drain {
	unsigned int pushes;
	unsigned int overflows;
	u32 next;
};

/* Before the invalidation is complete, the unit records what was on its way. */
static void pri_drain_step(struct st *st)
{
	struct pri_drain *d = st->priv;

	if (!pri_at_sync(st))
		return;
	d->pushes++;
	if (d->overflows) {
		d->overflows--;
		st->priq.dropped = 0;
		while (!st->priq.dropped)
			pri_add(st, 0xdead, NOPASID, 0, ST_R);
		return;
	}
	pri_add(st, SID0, 7, d->next++, ST_R | ST_LAST);
}

static void pri_drain(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct iommufd_fault_attach *attach = st_attach(st, 0, 7);
	struct smmuv3_device *device = st->fn[0].device;
	unsigned int overflows, num = 0;

	for (overflows = 0; overflows < 4; overflows++) {
		struct pri_drain d = { .overflows = overflows };
		struct smmuv3_fault_stats before = st_stats(st);

		st->priv = &d;
		/* One is in the queue, one comes with the drain. */
		st_request(st, SID0, 7, 400, 0x1000, ST_R | ST_LAST);
		st->on_step = pri_drain_step;
		smmuv3_faults_drain(device, 7);
		st->on_step = NULL;
		num += 2;
		KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, num);
		KUNIT_EXPECT_EQ(test, d.pushes, overflows + 1);
		KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows,
				before.pri_overflows + overflows);
		st_forget(st);
	}
	iommufd_fault_attach_remove(attach);
	st_interrupt(st);
	st_done(st);
}

/* A device that never falls silent keeps nobody else's drain for ever. */
static void pri_drain_storm(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct pri_drain d = { .overflows = 2 * SMMUV3_DRAIN_ROUNDS };

	st->priv = &d;
	st->on_step = pri_drain_step;
	smmuv3_faults_drain(st->fn[0].device, 7);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(test, d.pushes, SMMUV3_DRAIN_ROUNDS);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, SMMUV3_DRAIN_ROUNDS);
	st_interrupt(st);
	st_done(st);
}

/* The queue was run over before: that alone is no reason to do it again. */
static void pri_drain_after_overflow(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct pri_drain d = {};
	unsigned int i;

	for (i = 0; i <= ST_SLOTS; i++)
		st_request(st, 0xdead, NOPASID, 0, 0, ST_R);
	st->priv = &d;
	st->on_step = pri_drain_step;
	smmuv3_faults_drain(st->fn[0].device, IOMMU_NO_PASID);
	st->on_step = NULL;
	KUNIT_EXPECT_EQ(test, d.pushes, 1);
	KUNIT_EXPECT_EQ(test, st_stats(st).pri_overflows, 1);
	/* 7 is nobody's: refused, within the drain. */
	KUNIT_EXPECT_EQ(test, st_responses(st, SID0, 7, 0, RESP_INVALID), 1);
	st_interrupt(st);
	st_done(st);
}

/* What was on its way comes before the answer to a read. */
static void pri_late_vendor(struct st_device *fn)
{
	fn->on_vendor = NULL;
	st_request(pri_st, SID0, NOPASID, 1, 0x1000, ST_R | ST_LAST);
}

/* One invalidation of everything, with the PASID if there is one, and a SYNC. */
static void pri_drain_commands(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct smmuv3_device *device = st->fn[0].device;

	smmuv3_faults_drain(device, IOMMU_NO_PASID);
	smmuv3_fake_expect(st->fake, ATC_INV_ALL(SID0), FAKE_CMD_SYNC);
	st_forget(st);
	smmuv3_faults_drain(device, 9);
	smmuv3_fake_expect(st->fake, ATC_INV_PASID(SID0, 9), FAKE_CMD_SYNC);
	st_forget(st);
	/* With ATS off its configuration is read, and then there is a SYNC. */
	device->ats = false;
	st->fn[0].on_vendor = pri_late_vendor;
	smmuv3_faults_drain(device, IOMMU_NO_PASID);
	KUNIT_EXPECT_PTR_EQ(test, st->fn[0].on_vendor, NULL);
	smmuv3_fake_expect(st->fake, FAKE_CMD_CFGI_STE(SID0, true),
			   FAKE_CMD_SYNC,
			   FAKE_CMD(0x41 | (u64)SID0 << 32, 0x1001),
			   FAKE_CMD_SYNC);
	device->ats = true;
	st_forget(st);
	/* So it is for one that has not answered before. */
	device->suspect = true;
	smmuv3_faults_drain(device, 9);
	smmuv3_fake_expect(st->fake, FAKE_CMD_CFGI_STE(SID0, true),
			   FAKE_CMD_SYNC);
	device->suspect = false;
	st_interrupt(st);
	st_done(st);
}

/* --- drain beside the interrupt's thread --- */

static void pri_drain_race(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct iommufd_fault_attach *attach;
	struct smmuv3_device *device = st->fn[0].device;
	struct st_race race;
	unsigned int i, j, num = 0;

	attach = st_attach(st, 0, 7);
	st_race_start(st, &st->priq, &race);
	for (i = 0; i < 80; i++) {
		/* Until they fit: the noise may fill the queue. */
		for (j = 0; j < i % 9 && num < 250; j++)
			num += st_request(st, SID0, 7, num % 512, 0x1000,
					  ST_R | ST_LAST);
		smmuv3_priq_drain(device, 7);
		KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, num);
		st_forget(st);
	}
	st_race_end(&race);
	st_interrupt(st);
	KUNIT_EXPECT_GT(test, num, 100);
	iommufd_fault_attach_remove(attach);
	st_done(st);
}

/*
 * The function goes while it asks: all groups are answered, those of before by the
 * door, those of after because nobody knows the StreamID.
 */
static void pri_unplug(struct kunit *test)
{
	struct st *st = pri_new(test);
	struct iommufd_fault_attach *attach = st_attach(st, 0, IOMMU_NO_PASID);
	struct smmuv3_device *device = st->fn[0].device;
	struct iommufd_fault_source *source = device->source;
	struct st_race race;
	unsigned int i, num = 0;

	st_race_start(st, &st->priq, &race);
	for (i = 0; i < 200; i++) {
		num += st_request(st, SID0, NOPASID, i, 0x1000,
				  ST_R | ST_LAST);
		if (i == 100) {
			WRITE_ONCE(device->source, NULL);
			synchronize_rcu();
			iommufd_fault_source_unregister(source);
			KUNIT_EXPECT_FALSE(test,
					   pri_function_enabled(&st->fn[0]));
		}
		if (i == 150)
			xa_erase(&st->fake->unit.streams, SID0);
	}
	synchronize_rcu();
	st_race_end(&race);
	st_interrupt(st);
	/* But for those that the unit had to answer itself */
	KUNIT_EXPECT_EQ(test, st->answers, num);
	KUNIT_EXPECT_GT(test, num, 100);
	KUNIT_EXPECT_EQ(test, st_queue_stats(st).pending, 0);
	iommufd_fault_attach_remove(attach);
	st->ft.source[0] = NULL;
	st_done(st);
}

static struct kunit_case smmuv3_pri_cases[] = {
	KUNIT_CASE(pri_enable_disable),
	KUNIT_CASE(pri_capacity),
	KUNIT_CASE_SLOW(pri_refused),
	KUNIT_CASE(pri_enable_after_other),
	KUNIT_CASE(pri_virtual_function),
	KUNIT_CASE(pri_virtual_function_off),
	KUNIT_CASE(pri_query),
	KUNIT_CASE(pri_stop),
	KUNIT_CASE(pri_stop_does_not_stop),
	KUNIT_CASE(pri_stop_gone),
	KUNIT_CASE(pri_stop_shared),
	KUNIT_CASE(pri_stop_beside_stalls),
	KUNIT_CASE(pri_drain),
	KUNIT_CASE(pri_drain_storm),
	KUNIT_CASE(pri_drain_after_overflow),
	KUNIT_CASE(pri_drain_commands),
	KUNIT_CASE_SLOW(pri_drain_race),
	KUNIT_CASE_SLOW(pri_unplug),
	{}
};

static struct kunit_suite smmuv3_pri_suite = {
	.name = "iommufd_smmuv3_pri",
	.test_cases = smmuv3_pri_cases,
};

kunit_test_suite(smmuv3_pri_suite);
