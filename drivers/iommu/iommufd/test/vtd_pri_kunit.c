// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: switching the page request interface of functions on and off, and the
 * drain.
 */
#include <linux/delay.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>

#include "../pci_pri.h"
#include "../vtd/domain.h"
#include "vtd_prq_kunit.h"

#define RID0	PT_RID(0)
#define RID1	PT_RID(1)
#define NOPASID	FT_NO_PASID

/*
 * Page Request Enable of a function's context entry (9.4), found as the unit
 * does: root entry of the bus, table of the lower or upper half, 32 bytes each.
 */
static bool pri_context_enabled(struct pt *pt, u16 rid)
{
	u64 *root = phys_to_virt(vtd_root_address(&pt->fake->unit) & ~0xfffULL);
	u64 half = root[2 * (rid >> 8) + !!(rid & 0x80)];
	u64 *table = phys_to_virt(half & ~0xfffULL);

	KUNIT_ASSERT_TRUE(pt->test, half & 1);
	return READ_ONCE(table[4 * (rid & 0x7f)]) & BIT(4);
}

static bool pri_function_enabled(struct pt_function *fn)
{
	return get_unaligned_le16(fn->config + PT_PRI + PCI_PRI_CTRL) & BIT(0);
}

static u32 pri_allocated(struct pt_function *fn)
{
	return get_unaligned_le32(fn->config + PT_PRI + PCI_PRI_ALLOC_REQ);
}

static struct pt *pri_pt;
static unsigned int pri_resets;

/* The function is on only while the unit takes its requests. */
static void pri_control(struct pt_function *fn, u16 control)
{
	u16 rid = vtd_device_rid(fn->device);

	KUNIT_EXPECT_TRUE(pri_pt->test, pri_context_enabled(pri_pt, rid));
	if (control & BIT(1)) {
		pri_resets++;
		KUNIT_EXPECT_FALSE(pri_pt->test, control & BIT(0));
		KUNIT_EXPECT_FALSE(pri_pt->test, pri_function_enabled(fn));
	}
}

/* What a function still had on its way arrives with the drain. */
static void pri_late_step(struct pt *pt)
{
	struct pt_function *fn = pt->priv;

	if (pri_function_enabled(fn) || pt->steps > 200)
		return;
	KUNIT_EXPECT_TRUE(pt->test, pri_context_enabled(pt, RID0));
	pt->on_step = NULL;
	pt_request(pt, RID0, NOPASID, 9, 0x1000, PT_R | PT_LAST);
}

static void pri_enable_disable(struct kunit *test)
{
	static const struct {
		u32 capacity;
		u32 allocation;
	} cases[] = { { 1, 1 }, { 32, 32 }, { 2048, 2048 }, { 65536, 2048 } };
	struct pt *pt = pt_new(test, 64, 64);
	struct pt_function *fn = &pt->fn[0];
	struct vtd_device *device = fn->device;
	unsigned int i;

	pri_pt = pt;
	fn->on_control = pri_control;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put_unaligned_le32(cases[i].capacity,
				   fn->config + PT_PRI + PCI_PRI_MAX_REQ);
		KUNIT_EXPECT_EQ(test, vtd_pri_allocation(&fn->pdev),
				cases[i].allocation);
		pri_resets = 0;
		KUNIT_ASSERT_EQ(test, vtd_pri_enable(device), 0);
		KUNIT_EXPECT_TRUE(test, device->pri);
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID1));
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(fn));
		KUNIT_EXPECT_EQ(test, pri_allocated(fn), cases[i].allocation);
		KUNIT_EXPECT_EQ(test, pri_resets, 1);
		/* Again changes nothing. */
		KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), 0);
		KUNIT_EXPECT_EQ(test, pri_resets, 1);

		vtd_fake_forget(pt->fake);
		pt->steps = 0;
		pt->priv = fn;
		pt->on_step = pri_late_step;
		vtd_pri_disable(device);
		KUNIT_EXPECT_PTR_EQ(test, pt->on_step, NULL);
		KUNIT_EXPECT_FALSE(test, device->pri);
		KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_FALSE(test, pri_function_enabled(fn));
		/* Refused, but not left without an answer. */
		KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 9, 1), 1);
		vtd_pri_disable(device);
	}
	/* What is over without an interrupt is over with it. */
	pt_interrupt(pt);
	pt_done(pt);
}

static void pri_refused(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct pt_function *fn = &pt->fn[0];
	struct vtd_device *device = fn->device;
	struct vtd_prq *prq = pt->fake->unit.prq;
	struct iommufd_fault_attach *attach;

	device->ats = false;
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), -EOPNOTSUPP);
	attach = ft_alloc(&pt->ft, 0, IOMMU_NO_PASID);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_EQ(test, iommufd_fault_attach_install(attach),
			-EOPNOTSUPP);
	iommufd_fault_attach_free(attach);
	device->ats = true;

	pt->fake->unit.prq = NULL;
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), -EOPNOTSUPP);
	pt->fake->unit.prq = prq;

	fn->pdev.pri_cap = 0;
	KUNIT_EXPECT_EQ(test, vtd_pri_allocation(&fn->pdev), 0);
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), -EOPNOTSUPP);
	fn->pdev.pri_cap = PT_PRI;

	/* It still has requests of the time before. */
	put_unaligned_le16(0, fn->config + PT_PRI + PCI_PRI_STATUS);
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), -EBUSY);
	put_unaligned_le16(PCI_PRI_STATUS_STOPPED,
			   fn->config + PT_PRI + PCI_PRI_STATUS);

	KUNIT_EXPECT_FALSE(test, device->pri);
	KUNIT_EXPECT_FALSE(test, pri_function_enabled(fn));
	KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), 0);
	vtd_pri_disable(device);
	pt_done(pt);
}

/* Of the second function it makes a virtual one of the first. */
static struct pt_function *pri_make_virtual(struct pt *pt)
{
	struct pt_function *pf = &pt->fn[0], *vf = &pt->fn[1];

	vf->pdev.is_virtfn = 1;
	vf->pdev.physfn = &pf->pdev;
	vf->pdev.pri_cap = 0;
	vf->device->pfsid = RID0;
	return vf;
}

/*
 * The interface is the physical function's: on while any of the two wants it. The unit
 * takes requests of both then: it would answer those of the other one with a failure.
 */
static void pri_virtual_function(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct pt_function *pf = &pt->fn[0], *vf = pri_make_virtual(pt);
	unsigned int order;

	KUNIT_EXPECT_EQ(test, vtd_pri_allocation(&vf->pdev), 64);
	for (order = 0; order < 4; order++) {
		struct pt_function *first = order & 1 ? pf : vf;
		struct pt_function *second = order & 1 ? vf : pf;
		struct pt_function *leaves = order & 2 ? first : second;
		struct pt_function *stays = order & 2 ? second : first;

		KUNIT_ASSERT_EQ(test, vtd_pri_enable(first->device), 0);
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));
		KUNIT_EXPECT_TRUE(test, first->device->pri_open);
		KUNIT_EXPECT_FALSE(test, second->device->pri_open);
		KUNIT_ASSERT_EQ(test, vtd_pri_enable(second->device), 0);
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));
		KUNIT_EXPECT_TRUE(test, second->device->pri_open);

		vtd_pri_disable(leaves->device);
		KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));
		KUNIT_EXPECT_FALSE(test, leaves->device->pri_open);
		KUNIT_EXPECT_TRUE(test, stays->device->pri_open);
		vtd_pri_disable(stays->device);
		KUNIT_EXPECT_FALSE(test, pri_function_enabled(pf));
		KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID0));
		KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID1));
	}
	KUNIT_EXPECT_FALSE(test, pri_function_enabled(vf));
	pt_done(pt);
}

#define PT_ATS		0x300

/* Nor has a virtual function a queue of invalidations of its own. */
static void pri_virtual_function_queue(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct pt_function *pf = &pt->fn[0], *vf = pri_make_virtual(pt);

	pf->pdev.ats_cap = PT_ATS;
	vf->pdev.ats_cap = PT_ATS;
	put_unaligned_le16(5, pf->config + PT_ATS + PCI_ATS_CAP);
	put_unaligned_le16(0, vf->config + PT_ATS + PCI_ATS_CAP);
	KUNIT_EXPECT_EQ(test, vtd_device_queue_depth(&pf->pdev), 5);
	KUNIT_EXPECT_EQ(test, vtd_device_queue_depth(&vf->pdev), 5);
	/* Of the one that has it, 0 means 32 */
	put_unaligned_le16(0, pf->config + PT_ATS + PCI_ATS_CAP);
	KUNIT_EXPECT_EQ(test, vtd_device_queue_depth(&pf->pdev), 32);
	KUNIT_EXPECT_EQ(test, vtd_device_queue_depth(&vf->pdev), 32);
	pf->pdev.ats_cap = 0;
	KUNIT_EXPECT_EQ(test, vtd_device_queue_depth(&vf->pdev), 1);
	pt_done(pt);
}

/* One that comes while the interface is on is let in from the beginning. */
static void pri_virtual_function_comes(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct vtd_device *pf = pt->fn[0].device;
	struct vtd_device *vf = pri_make_virtual(pt)->device;
	struct mutex *lock = &pt->fake->unit.lock;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!i)
			KUNIT_ASSERT_EQ(test, vtd_pri_enable(pf), 0);
		else
			vtd_pri_disable(pf);
		mutex_lock(lock);
		vtd_context_remove(vf);
		vtd_pri_join(vf);
		KUNIT_EXPECT_EQ(test, vtd_context_install(vf), 0);
		mutex_unlock(lock);
		KUNIT_EXPECT_EQ(test, pri_context_enabled(pt, RID1), !i);
		KUNIT_EXPECT_FALSE(test, vf->pri_open);
	}
	pt_done(pt);
}

struct pri_waiter {
	struct work_struct work;
	struct vtd_device *device;
	int rc;
};

static void pri_wait(struct work_struct *work)
{
	struct pri_waiter *waiter = container_of(work, struct pri_waiter, work);

	waiter->rc = vtd_pri_enable(waiter->device);
}

/* Two wait for the function to stop. One sees that it has, and turns it on. */
static void pri_virtual_function_waits(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct pt_function *pf = &pt->fn[0];
	struct pri_waiter waiter = { .device = pri_make_virtual(pt)->device };
	struct mutex *lock = &pt->fake->unit.lock;

	put_unaligned_le16(0, pf->config + PT_PRI + PCI_PRI_STATUS);
	INIT_WORK_ONSTACK(&waiter.work, pri_wait);
	schedule_work(&waiter.work);
	msleep(20);
	/* As if it had been stopped while the other one did not look */
	mutex_lock(lock);
	KUNIT_EXPECT_FALSE(test, waiter.device->pri);
	pf->device->pri = true;
	pf->pdev.pri_enabled = 1;
	mutex_unlock(lock);
	flush_work(&waiter.work);
	destroy_work_on_stack(&waiter.work);
	KUNIT_EXPECT_EQ(test, waiter.rc, 0);
	KUNIT_EXPECT_TRUE(test, waiter.device->pri);

	vtd_pri_disable(waiter.device);
	KUNIT_EXPECT_TRUE(test, pf->pdev.pri_enabled);
	vtd_pri_disable(pf->device);
	KUNIT_EXPECT_FALSE(test, pf->pdev.pri_enabled);
	pt_interrupt(pt);
	pt_done(pt);
}

/*
 * What is sent by one that has them off, by an interface that is on, is refused without
 * a failure, which would end the other one's as well; also if somebody listens, as after
 * a reset that has failed.
 */
static void pri_virtual_function_is_off(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct vtd_device *vf = pri_make_virtual(pt)->device;
	struct iommufd_fault_attach *attach[2];
	u32 grpid;

	attach[0] = pt_attach(pt, 0, IOMMU_NO_PASID);
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));
	pt_request(pt, RID1, NOPASID, 5, 0x1000, PT_R);
	pt_request(pt, RID1, NOPASID, 5, 0x2000, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, NOPASID, 5, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 1);

	attach[1] = pt_attach(pt, 1, IOMMU_NO_PASID);
	pt_request(pt, RID1, NOPASID, 6, 0x1000, PT_R);
	pt_interrupt(pt);
	vtd_pri_disable(vf);
	for (grpid = 6; grpid <= 7; grpid++)
		pt_request(pt, RID1, NOPASID, grpid, 0x2000, PT_R | PT_LAST);
	pt_request(pt, RID0, NOPASID, 6, 0x3000, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, NOPASID, 6, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID1, NOPASID, 7, 1), 1);
	KUNIT_EXPECT_EQ(test, pt_all_responses(pt), 2);
	KUNIT_ASSERT_EQ(test, ft_read(&pt->ft, 16), sizeof(pt->ft.recs[0]));
	KUNIT_EXPECT_EQ(test, pt->ft.recs[0].addr, 0x3000);

	/* What it has begun is forgotten with that: an index may be used anew */
	KUNIT_ASSERT_EQ(test, vtd_pri_enable(vf), 0);
	pt_request(pt, RID1, NOPASID, 6, 0x4000, PT_R | PT_LAST);
	pt_interrupt(pt);
	KUNIT_ASSERT_EQ(test, ft_read(&pt->ft, 16), sizeof(pt->ft.recs[0]));
	KUNIT_EXPECT_EQ(test, pt->ft.recs[0].addr, 0x4000);
	iommufd_fault_attach_remove(attach[1]);
	iommufd_fault_attach_remove(attach[0]);
	pt_interrupt(pt);
	pt_done(pt);
}

/* --- stop and start anew --- */

/* It is reset while it is off, and on only while the unit takes its requests. */
static void pri_stop_control(struct pt_function *fn, u16 control)
{
	struct kunit *test = pri_pt->test;
	bool taken = pri_context_enabled(pri_pt, RID0) ||
		     pri_context_enabled(pri_pt, RID1);

	if (control & BIT(0))
		KUNIT_EXPECT_TRUE(test, taken);
	if (!(control & BIT(1)))
		return;
	pri_resets++;
	KUNIT_EXPECT_FALSE(test, control & BIT(0));
	KUNIT_EXPECT_FALSE(test, pri_function_enabled(fn));
	/* A reset ends what it waited for, and so it has stopped; the rest stays */
	fn->config[PT_PRI + PCI_PRI_STATUS + 1] |= PCI_PRI_STATUS_STOPPED >> 8;
}

static struct pt *pri_stop_new(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);

	pri_pt = pt;
	pri_resets = 0;
	pt->fn[0].on_control = pri_stop_control;
	return pt;
}

static void pri_expect_off(struct pt *pt)
{
	KUNIT_EXPECT_FALSE(pt->test, pt->fn[0].device->pri);
	KUNIT_EXPECT_FALSE(pt->test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_FALSE(pt->test, pri_function_enabled(&pt->fn[0]));
}

static void pri_stop(struct kunit *test)
{
	struct pt *pt = pri_stop_new(test);
	struct pt_function *fn = &pt->fn[0];
	struct vtd_device *device = fn->device;

	/* It is off already */
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(device), 0);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(pt);

	KUNIT_ASSERT_EQ(test, vtd_pri_enable(device), 0);
	vtd_fake_forget(pt->fake);
	pri_resets = 0;
	pt->steps = 0;
	pt->priv = fn;
	pt->on_step = pri_late_step;
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(device), 0);
	/* What it still had on its way was let in, and answered */
	KUNIT_EXPECT_PTR_EQ(test, pt->on_step, NULL);
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, NOPASID, 9, 1), 1);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(pt);

	KUNIT_EXPECT_EQ(test, vtd_pri_enable(device), 0);
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(fn));
	vtd_pri_disable(device);
	pt_interrupt(pt);
	pt_done(pt);
}

/* A response failure keeps it from stopping: that is what the reset is for. */
static void pri_stop_does_not_stop(struct kunit *test)
{
	struct pt *pt = pri_stop_new(test);
	struct pt_function *fn = &pt->fn[0];

	KUNIT_ASSERT_EQ(test, vtd_pri_enable(fn->device), 0);
	pri_resets = 0;
	put_unaligned_le16(PCI_PRI_STATUS_RF,
			   fn->config + PT_PRI + PCI_PRI_STATUS);
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(fn->device), 0);
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	pri_expect_off(pt);
	/* Forgotten, though it is not turned on */
	KUNIT_EXPECT_FALSE(test, iommufd_pci_pri_failed(&fn->pdev));
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(fn->device), 0);
	vtd_pri_disable(fn->device);
	pt_interrupt(pt);
	pt_done(pt);
}

/* All ones: it is off, whatever it would say. */
static void pri_stop_gone(struct kunit *test)
{
	struct pt *pt = pri_stop_new(test);
	struct pt_function *fn = &pt->fn[0];

	KUNIT_ASSERT_EQ(test, vtd_pri_enable(fn->device), 0);
	pri_resets = 0;
	put_unaligned_le16(0xffff, fn->config + PT_PRI + PCI_PRI_STATUS);
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(fn->device), -ENODEV);
	KUNIT_EXPECT_EQ(test, pri_resets, 0);
	KUNIT_EXPECT_FALSE(test, fn->device->pri);
	KUNIT_EXPECT_FALSE(test, pri_context_enabled(pt, RID0));
	pt_interrupt(pt);
	pt_done(pt);
}

/*
 * The other function turns the interface on in the middle of it: where a drain submits,
 * as a pass over the queue has that locked.
 */
static void pri_stop_sibling_step(struct pt *pt)
{
	struct vtd_unit *unit = &pt->fake->unit;

	if (pri_function_enabled(&pt->fn[0]) || mutex_is_locked(&unit->lock) ||
	    !pt->submits)
		return;
	pt->on_step = NULL;
	KUNIT_EXPECT_EQ(pt->test, vtd_pri_enable(pt->fn[1].device), 0);
}

static void pri_stop_shared(struct kunit *test)
{
	struct pt *pt = pri_stop_new(test);
	struct pt_function *pf = &pt->fn[0], *vf = pri_make_virtual(pt);

	KUNIT_ASSERT_EQ(test, vtd_pri_enable(pf->device), 0);
	KUNIT_ASSERT_EQ(test, vtd_pri_enable(vf->device), 0);
	pri_resets = 0;
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(pf->device), -EBUSY);
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(vf->device), -EBUSY);
	KUNIT_EXPECT_EQ(test, pri_resets, 0);
	KUNIT_EXPECT_TRUE(test, pf->device->pri && vf->device->pri);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));

	vtd_pri_disable(vf->device);
	pt->on_step = pri_stop_sibling_step;
	KUNIT_EXPECT_EQ(test, vtd_pri_stop(pf->device), 0);
	KUNIT_EXPECT_PTR_EQ(test, pt->on_step, NULL);
	/* It was reset by the other one, which has it on; ours are kept out */
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	KUNIT_EXPECT_FALSE(test, pf->device->pri || pf->device->pri_open);
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID1));
	KUNIT_EXPECT_EQ(test, vtd_pri_enable(pf->device), 0);
	KUNIT_EXPECT_TRUE(test, pri_context_enabled(pt, RID0));
	KUNIT_EXPECT_EQ(test, pri_resets, 1);
	vtd_pri_disable(vf->device);
	KUNIT_EXPECT_TRUE(test, pri_function_enabled(pf));
	vtd_pri_disable(pf->device);
	pri_expect_off(pt);
	pt_interrupt(pt);
	pt_done(pt);
}

/* --- drain --- */

/**
 * struct pri_drain - what happens while the unit drains
 * @submits: submissions with the drain bit so far
 * @overflows: that many of them make the ring run over
 * @next: group index of the next request
 */
struct pri_drain {
	unsigned int submits;
	unsigned int overflows;
	u32 next;
};

/* With the drain, the unit puts what was on its way into the queue. */
static int pri_drain_submit(struct vtd_fake *fake, const struct qi_desc *descs,
			    unsigned int num, bool drain)
{
	struct pt *pt = fake->priv;
	struct pri_drain *d = pt->priv;
	unsigned int i;

	if (!drain)
		return 0;
	d->submits++;
	if (d->overflows) {
		d->overflows--;
		pt->dropped = 0;
		for (i = 0; i <= VTD_PRQ_ENTRIES && !pt->dropped; i++)
			pt_request(pt, 0xdead, NOPASID, 0, 0, PT_R);
		KUNIT_EXPECT_EQ(pt->test, pt->dropped, 1);
		return 0;
	}
	pt_request(pt, RID0, 7, d->next++, 0x1000, PT_R | PT_LAST);
	return 0;
}

static void pri_drain(struct kunit *test)
{
	struct pt *pt = pt_new(test, 256, 256);
	struct iommufd_fault_attach *attach = pt_attach(pt, 0, 7);
	struct vtd_device *device = pt->fn[0].device;
	struct fault_queue_stats stats;
	unsigned int overflows, num = 0;

	pt->fake->on_submit = pri_drain_submit;
	for (overflows = 0; overflows < 4; overflows++) {
		struct pri_drain d = { .overflows = overflows };
		struct vtd_prq_stats before = pt_stats(pt);

		pt->priv = &d;
		/* One is in the queue, one comes with the drain. */
		pt_request(pt, RID0, 7, 400, 0x1000, PT_R | PT_LAST);
		vtd_prq_drain(device, 7);
		num += 2;
		fault_queue_get_stats(pt->ft.queue, &stats);
		KUNIT_EXPECT_EQ(test, stats.pending, num);
		KUNIT_EXPECT_EQ(test, d.submits, overflows + 1);
		KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows,
				before.overflows + overflows);
	}
	pt->fake->on_submit = NULL;
	iommufd_fault_attach_remove(attach);
	pt_interrupt(pt);
	pt_done(pt);
}

/* A device that never falls silent keeps nobody else's drain for ever. */
static void pri_drain_storm(struct kunit *test)
{
	struct pri_drain d = { .overflows = 2 * VTD_PRQ_DRAIN_ROUNDS };
	struct pt *pt = pt_new(test, 256, 256);

	pt->fake->on_submit = pri_drain_submit;
	pt->priv = &d;
	vtd_prq_drain(pt->fn[0].device, 7);
	KUNIT_EXPECT_EQ(test, d.submits, VTD_PRQ_DRAIN_ROUNDS);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows, VTD_PRQ_DRAIN_ROUNDS);
	pt->fake->on_submit = NULL;
	pt_interrupt(pt);
	pt_done(pt);
}

/* The ring was run over before: that alone is no reason to do it again. */
static void pri_drain_after_overflow(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct pri_drain d = {};
	unsigned int i;

	for (i = 0; i <= VTD_PRQ_ENTRIES; i++)
		pt_request(pt, 0xdead, NOPASID, 0, 0, PT_R);
	pt->fake->on_submit = pri_drain_submit;
	pt->priv = &d;
	vtd_prq_drain(pt->fn[0].device, IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, d.submits, 1);
	KUNIT_EXPECT_EQ(test, pt_stats(pt).overflows, 1);
	/* 7 is nobody's: refused, within the drain. */
	KUNIT_EXPECT_EQ(test, pt_responses(pt, RID0, 7, 0, 1), 1);
	pt->fake->on_submit = NULL;
	pt_interrupt(pt);
	pt_done(pt);
}

/*
 * 7.10: IOTLB, then device TLB, in one submission with the drain bit. Types are
 * those of 6.5.2: 2 IOTLB, 6 by PASID, 3 device TLB, 8 by PASID.
 */
static void pri_drain_descriptors(struct kunit *test)
{
	struct pt *pt = pt_new(test, 64, 64);
	struct vtd_device *device = pt->fn[0].device;
	struct vtd_domain domain = { .kind = VTD_DOMAIN_BLOCKED };
	struct vtd_tag tag = { .did = 0x55 };
	struct vtd_attachment attachment = {
		.domain = &domain,
		.device = device,
	};
	static const struct {
		ioasid_t pasid;
		bool tagged;
		enum vtd_domain_kind kind;
		u8 types[3];
	} cases[] = {
		{ IOMMU_NO_PASID, false, VTD_DOMAIN_BLOCKED, { 3, 8 } },
		{ 9, false, VTD_DOMAIN_BLOCKED, { 8 } },
		{ IOMMU_NO_PASID, true, VTD_DOMAIN_PAGING, { 2, 3, 8 } },
		{ 9, true, VTD_DOMAIN_PAGING, { 2, 8 } },
		{ IOMMU_NO_PASID, true, VTD_DOMAIN_NESTED, { 6, 3, 8 } },
		{ 9, true, VTD_DOMAIN_NESTED, { 6, 8 } },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int num = 1 + !!cases[i].types[1] + !!cases[i].types[2];

		domain.kind = cases[i].kind;
		attachment.pasid = cases[i].pasid;
		attachment.tag = NULL;
		if (cases[i].tagged)
			attachment.tag = &tag;
		xa_store(&device->attachments, cases[i].pasid, &attachment,
			 GFP_KERNEL);
		vtd_fake_forget(pt->fake);
		vtd_prq_drain(device, cases[i].pasid);
		KUNIT_EXPECT_EQ(test, pt->fake->num_submits, 1);
		KUNIT_ASSERT_EQ(test, pt->fake->num_log, num);
		for (j = 0; j < num; j++) {
			const struct vtd_fake_entry *entry = &pt->fake->log[j];
			u64 qw0 = entry->desc.qw0;
			u8 type = qw0 & 0xf;

			KUNIT_EXPECT_TRUE(test, entry->drain);
			KUNIT_EXPECT_EQ(test, type, cases[i].types[j]);
			if (type == 2 || type == 6)
				KUNIT_EXPECT_EQ(test, (qw0 >> 16) & 0xffff,
						0x55);
			if (type == 6)
				KUNIT_EXPECT_EQ(test, (qw0 >> 32) & 0xfffff,
						cases[i].pasid);
			if (type == 3)
				KUNIT_EXPECT_EQ(test, (qw0 >> 32) & 0xffff,
						RID0);
			if (type == 8) {
				KUNIT_EXPECT_EQ(test, (qw0 >> 16) & 0xffff,
						RID0);
				KUNIT_EXPECT_EQ(test, (qw0 >> 32) & 0xfffff,
						cases[i].pasid);
			}
		}
		xa_erase(&device->attachments, cases[i].pasid);
	}
	pt_done(pt);
}

/* --- drain beside the interrupt's thread --- */

static struct pt *pri_race_pt;
static bool pri_race_stop;

static void pri_race_thread(struct ft_call *call)
{
	struct pt *pt = pri_race_pt;

	while (!READ_ONCE(pri_race_stop)) {
		if (pt_take_interrupt(pt))
			vtd_fake_interrupt(pt->fake, VTD_IRQ_PAGE_REQUEST);
		cond_resched();
	}
}

/* Another device that never falls silent. */
static void pri_race_noise(struct ft_call *call)
{
	struct pt *pt = pri_race_pt;

	while (!READ_ONCE(pri_race_stop)) {
		pt_request(pt, RID1, NOPASID, 1, 0x1000, PT_R);
		cond_resched();
	}
}

static void pri_drain_race(struct kunit *test)
{
	struct pt *pt = pt_new(test, 4096, 4096);
	struct iommufd_fault_attach *attach = pt_attach(pt, 0, 7);
	struct ft_call thread = { .fn = pri_race_thread };
	struct ft_call noise = { .fn = pri_race_noise };
	struct vtd_device *device = pt->fn[0].device;
	struct fault_queue_stats stats;
	unsigned int i, j, num = 0;

	pri_race_pt = pt;
	WRITE_ONCE(pri_race_stop, false);
	ft_call_start(&thread);
	ft_call_start(&noise);
	for (i = 0; i < 80; i++) {
		/* Until they fit: the noise may fill the ring. */
		for (j = 0; j < i % 9; j++)
			num += pt_request(pt, RID0, 7, (num + j) % 512, 0x1000,
					  PT_R | PT_LAST);
		vtd_prq_drain(device, 7);
		fault_queue_get_stats(pt->ft.queue, &stats);
		KUNIT_EXPECT_EQ(test, stats.pending, num);
		vtd_fake_forget(pt->fake);
	}
	WRITE_ONCE(pri_race_stop, true);
	ft_call_wait(&thread);
	ft_call_wait(&noise);
	pt_interrupt(pt);
	KUNIT_EXPECT_GT(test, num, 100);
	iommufd_fault_attach_remove(attach);
	pt_done(pt);
}

static struct kunit_case vtd_pri_cases[] = {
	KUNIT_CASE(pri_enable_disable),
	KUNIT_CASE(pri_refused),
	KUNIT_CASE(pri_virtual_function),
	KUNIT_CASE(pri_virtual_function_queue),
	KUNIT_CASE(pri_virtual_function_comes),
	KUNIT_CASE(pri_virtual_function_is_off),
	KUNIT_CASE(pri_virtual_function_waits),
	KUNIT_CASE(pri_stop),
	KUNIT_CASE(pri_stop_does_not_stop),
	KUNIT_CASE(pri_stop_gone),
	KUNIT_CASE(pri_stop_shared),
	KUNIT_CASE(pri_drain),
	KUNIT_CASE(pri_drain_storm),
	KUNIT_CASE(pri_drain_after_overflow),
	KUNIT_CASE(pri_drain_descriptors),
	KUNIT_CASE_SLOW(pri_drain_race),
	{}
};

static struct kunit_suite vtd_pri_suite = {
	.name = "iommufd_vtd_pri",
	.test_cases = vtd_pri_cases,
};

kunit_test_suite(vtd_pri_suite);
