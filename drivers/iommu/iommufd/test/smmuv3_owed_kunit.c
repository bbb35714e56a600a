// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device withholds the completions of its ATC invalidations, and the command queue
 * stands still behind them: what others unmap meanwhile is not given back before the
 * unit has forgotten it; others go on; and in the end all is given back.
 *
 * The unit is one that records commands (smmuv3_fake.h), user memory is pinned for
 * real, and a hook looks at its pins whenever a command is carried out.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <uapi/linux/iommufd.h>

#include "../map/iova_space.h"
#include "../map/quarantine.h"
#include "../smmuv3/domain.h"
#include "../smmuv3/owed.h"
#include "../smmuv3/tables_internal.h"
#include "map_kunit.h"
#include "smmuv3_fake.h"

#define GUILTY		0x42
#define OTHER		0x43
#define INNOCENT	0x50
/* Its entry is in another level 2 table */
#define FAR		0x150
/* Tables of 64 descriptors each */
#define PASIDS		256
#define IOVA		SZ_1G
#define PAGES		4UL
/* Long for a unit that does nothing else, short for who waits */
#define TIMEOUT_MS	20

enum { DEV_GUILTY, DEV_OTHER, DEV_INNOCENT, DEV_FAR, NUM_DEVS };

/**
 * struct rig - a unit, devices, and domains
 * @test: for failures
 * @fake: the unit
 * @device: each with ATS on
 * @bad: domain of DEV_GUILTY
 * @good: domain of DEV_INNOCENT, in @space
 * @space: maps @mem
 * @mem: user memory; NULL: there is none here
 * @watch: whoever carries out commands looks whether @mem is pinned, and
 * @seen: how often it was
 * @gone: and how often not
 * @fail_on: an opcode: when it is carried out something else fails, once
 * @work: the test's own
 */
struct rig {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct smmuv3_device *device[NUM_DEVS];
	struct smmuv3_domain *bad;
	struct smmuv3_domain *good;
	struct iova_space space;
	struct user_memory *mem;
	bool watch;
	unsigned int seen;
	unsigned int gone;
	u8 fail_on;
	struct delayed_work work;
};

static bool all_pinned(struct rig *rig, bool pinned)
{
	unsigned long i;

	for (i = 0; i < rig->mem->npages; i++)
		if (pinned != (page_pins(rig->mem->pages[i]) > 0))
			return false;
	return true;
}

/* The unit's lock is held, interrupts are off. */
static u8 on_cmd(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct rig *rig = fake->priv;

	if (rig->watch && all_pinned(rig, true))
		rig->seen++;
	else if (rig->watch)
		rig->gone++;
	if (rig->fail_on && smmuv3_fake_op(cmd) == rig->fail_on) {
		rig->fail_on = 0;
		smmuv3_unit_owes(&fake->unit);
	}
	return FAKE_CERROR_NONE;
}

static void shut_out_work(struct work_struct *work)
{
	smmuv3_attach_without_ats(container_of(work, struct smmuv3_device,
					       distrust_work));
}

static struct smmuv3_device *new_device(struct rig *rig, u32 sid)
{
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_device *device;

	device = smmuv3_fake_device(rig->fake, sid, 1, PASIDS);
	INIT_WORK(&device->distrust_work, shut_out_work);
	device->can_ats = true;
	device->keep_ats = true;
	device->ats = true;
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(rig->test, smmuv3_stream_prepare(device), 0);
	mutex_unlock(&unit->lock);
	return device;
}

static struct smmuv3_domain *new_paging(struct rig *rig, u32 flags)
{
	struct smmuv3_domain *domain =
		smmuv3_paging_alloc(&rig->fake->unit, flags);

	KUNIT_ASSERT_FALSE(rig->test, IS_ERR(domain));
	return domain;
}

static struct smmuv3_domain *new_domain(struct rig *rig)
{
	return new_paging(rig, 0);
}

static void free_domain(struct smmuv3_domain *domain)
{
	domain->domain.ops->free(&domain->domain);
}

static void free_strtab(void *data)
{
	struct rig *rig = data;

	smmuv3_strtab_free(&rig->fake->unit);
}

static struct rig *rig_new(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	static const u32 sids[NUM_DEVS] = { GUILTY, OTHER, INNOCENT,
					    FAR };
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->mem = user_memory_new(test, PAGES);
	if (!rig->mem)
		return NULL;
	rig->fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	rig->fake->priv = rig;
	rig->fake->on_cmd = on_cmd;
	smmuv3_fake_start_cmdq(rig->fake);
	smmuv3_cmdq_set_timeout(&rig->fake->unit, TIMEOUT_MS);
	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(&rig->fake->unit), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_strtab, rig),
			0);
	for (i = 0; i < NUM_DEVS; i++)
		rig->device[i] = new_device(rig, sids[i]);
	rig->bad = new_domain(rig);
	rig->good = new_domain(rig);
	iova_space_init(&rig->space);
	KUNIT_ASSERT_EQ(test, iova_space_add_domain(&rig->space,
						    &rig->good->domain), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->bad, rig->device[DEV_GUILTY],
					    0), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good,
					    rig->device[DEV_INNOCENT], 0), 0);
	return rig;
}

/* Without a function that could be told to turn ATS on and off. */
static void leave(struct rig *rig, unsigned int dev)
{
	rig->device[dev]->can_ats = false;
	rig->device[dev]->ats = false;
	smmuv3_detach_all(rig->device[dev]);
}

/* The unit owes nothing any more, or is given up. */
static void rig_end(struct rig *rig)
{
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct map_quarantine_stat stat;
	unsigned int i;

	smmuv3_devices_settle();
	rig->watch = false;
	for (i = 0; i < NUM_DEVS; i++) {
		leave(rig, i);
		mutex_lock(&unit->lock);
		smmuv3_contexts_free(rig->device[i]);
		mutex_unlock(&unit->lock);
	}
	if (rig->good) {
		iova_space_unmap_all(&rig->space, NULL);
		iova_space_remove_domain(&rig->space, &rig->good->domain);
		free_domain(rig->good);
	}
	iova_space_destroy(&rig->space);
	if (rig->bad)
		free_domain(rig->bad);
	map_quarantine_settle();
	map_quarantine_get_stat(&stat);
	KUNIT_EXPECT_EQ(rig->test, stat.items, 0);
	KUNIT_EXPECT_EQ(rig->test, stat.tables, 0);
	KUNIT_EXPECT_TRUE(rig->test, all_pinned(rig, false));
	KUNIT_EXPECT_EQ(rig->test, unit->asids.num, 0);
	KUNIT_EXPECT_TRUE(rig->test, ida_is_empty(&unit->asids.ida));
	user_memory_free(rig->mem);
}

static int map_memory(struct rig *rig)
{
	unsigned long iova = IOVA;

	return iova_space_map_user(&rig->space, MAP_CHARGE_USER, &iova,
				   (void __user *)rig->mem->addr,
				   PAGES * PAGE_SIZE, IOMMU_READ | IOMMU_WRITE,
				   0);
}

/* Completions for @sid stay away, and a flush of @domain finds out. */
static int withhold(struct rig *rig, u32 sid, struct smmuv3_domain *domain)
{
	rig->fake->dead = true;
	rig->fake->dead_sid = sid;
	rig->fake->withhold = true;
	return smmuv3_domain_flush(domain, 0, SZ_4K - 1, SZ_4K, true);
}

/*
 * What stood in the queue is carried out, however often the driver has to look for that:
 * an error is acknowledged by one look, and seen to be past by the next.
 */
static void answer(struct rig *rig, bool timeout)
{
	unsigned int looks = 0;

	smmuv3_fake_answer(rig->fake, timeout);
	while (smmuv3_cmdq_stuck_ms(&rig->fake->unit) && ++looks < 3)
		;
	KUNIT_EXPECT_LT(rig->test, looks, 3);
}

static struct map_quarantine_stat kept(void)
{
	struct map_quarantine_stat stat;

	map_quarantine_get_stat(&stat);
	return stat;
}

static bool has_ats(struct rig *rig, unsigned int dev)
{
	struct smmuv3_stream_target target;

	mutex_lock(&rig->fake->unit.lock);
	smmuv3_stream_get(rig->device[dev], &target);
	mutex_unlock(&rig->fake->unit.lock);
	return target.ats;
}

static bool is_taken(struct ida *ida, unsigned int id)
{
	int got = ida_alloc_range(ida, id, id, GFP_KERNEL);

	if (got < 0)
		return true;
	ida_free(ida, got);
	return false;
}

static u16 asid_of(struct smmuv3_domain *domain)
{
	return list_first_entry(&domain->tags, struct smmuv3_tag, item)->id;
}

/*
 * The story. Pins are looked at with each command, so that the last of those that make
 * the unit forget, and the SYNC behind it, are known to come before the memory goes.
 */
static void owed_story(struct kunit *test, bool timeout)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_unit *unit;
	struct charges before, during;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	before = charges_now();
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	during = charges_now();
	KUNIT_EXPECT_EQ(test, during.pinned, before.pinned + PAGES);

	KUNIT_EXPECT_EQ(test, withhold(rig, GUILTY, rig->bad), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, rig->device[DEV_GUILTY]->suspect);
	KUNIT_EXPECT_TRUE(test, smmuv3_unit_owing(unit));
	/* Others go on, and are not blamed; nor is their memory anybody else's */
	KUNIT_EXPECT_EQ(test, iova_space_unmap(&rig->space, IOVA,
					       PAGES * PAGE_SIZE, NULL), 0);
	KUNIT_EXPECT_FALSE(test, rig->device[DEV_INNOCENT]->suspect);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	KUNIT_EXPECT_EQ(test, charges_now().pinned, during.pinned);
	KUNIT_EXPECT_EQ(test, charges_now().user, during.user);
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	KUNIT_EXPECT_EQ(test, map_memory(rig), 0);
	KUNIT_EXPECT_EQ(test, iova_space_unmap(&rig->space, IOVA,
					       PAGES * PAGE_SIZE, NULL), 0);
	KUNIT_EXPECT_EQ(test, kept().items, 2);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), -EAGAIN);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));

	smmuv3_devices_settle();
	rig->watch = true;
	answer(rig, timeout);
	KUNIT_EXPECT_TRUE(test, smmuv3_unit_owing(unit));
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), 0);
	rig->watch = false;
	KUNIT_EXPECT_GT(test, rig->seen, 4);
	KUNIT_EXPECT_EQ(test, rig->gone, 0);
	KUNIT_EXPECT_FALSE(test, smmuv3_unit_owing(unit));
	KUNIT_EXPECT_EQ(test, rig->fake->atc_errors, timeout);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	KUNIT_EXPECT_EQ(test, charges_now().pinned, before.pinned);
	KUNIT_EXPECT_EQ(test, charges_now().user, before.user);
	/* Who is guilty is cut off, who is not is not */
	KUNIT_EXPECT_FALSE(test, has_ats(rig, DEV_GUILTY));
	KUNIT_EXPECT_TRUE(test, rig->device[DEV_GUILTY]->shut_out);
	KUNIT_EXPECT_TRUE(test, has_ats(rig, DEV_INNOCENT));

	/* And the next one is as ever */
	KUNIT_EXPECT_EQ(test, map_memory(rig), 0);
	KUNIT_EXPECT_EQ(test, iova_space_unmap(&rig->space, IOVA,
					       PAGES * PAGE_SIZE, NULL), 0);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	rig_end(rig);
}

/* CERROR_ATC_INV_SYNC comes in the end (3.9.1.4) */
static void owed_until_timeout(struct kunit *test)
{
	owed_story(test, true);
}

static void owed_until_answer(struct kunit *test)
{
	owed_story(test, false);
}

/* In this order, each behind the SYNC of the one before. */
static void owed_commands(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned int i, step = 0;
	static const u8 order[] = { FAKE_CFGI_STE, FAKE_SYNC, FAKE_CFGI_ALL,
				    FAKE_SYNC, FAKE_TLBI_NSNH_ALL, FAKE_SYNC,
				    FAKE_ATC_INV, FAKE_SYNC };

	if (!rig)
		return;
	withhold(rig, GUILTY, rig->bad);
	smmuv3_devices_settle();
	answer(rig, true);
	/* Once more, with a device to be shut out still */
	rig->device[DEV_GUILTY]->shut_out = false;
	mutex_lock(&rig->fake->unit.lock);
	rig->device[DEV_GUILTY]->stream.ats = true;
	KUNIT_EXPECT_EQ(test,
			smmuv3_stream_set(rig->device[DEV_GUILTY],
					  &rig->device[DEV_GUILTY]->stream,
					  NULL), 0);
	mutex_unlock(&rig->fake->unit.lock);
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	for (i = 0; i < rig->fake->num_log && step < ARRAY_SIZE(order); i++)
		step += smmuv3_fake_op(&rig->fake->log[i].cmd) == order[step];
	KUNIT_EXPECT_EQ(test, step, ARRAY_SIZE(order));
	for (i = 0; i < rig->fake->num_log; i++)
		if (smmuv3_fake_op(&rig->fake->log[i].cmd) == FAKE_ATC_INV)
			KUNIT_EXPECT_NE(test, GUILTY,
					smmuv3_fake_sid(&rig->fake->log[i].cmd));
	/* Nothing owed, nothing asked */
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0);
	rig_end(rig);
}

/*
 * A function may ignore that an invalidation is for all PASIDs: it is told of each, also
 * of one that was detached when the unit did not do as it was told.
 */
static void owed_not_global(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	DECLARE_BITMAP(pasids, PASIDS) = { };
	struct smmuv3_device *device;
	unsigned int i, no_pasid = 0;

	if (!rig)
		return;
	device = rig->device[DEV_INNOCENT];
	device->ats_global = false;
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good, device, 5), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good, device, 200), 0);
	withhold(rig, GUILTY, rig->bad);
	smmuv3_detach(device, 200);
	smmuv3_devices_settle();
	answer(rig, true);
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	for (i = 0; i < rig->fake->num_log; i++) {
		const struct smmuv3_cmd *cmd = &rig->fake->log[i].cmd;

		if (smmuv3_fake_op(cmd) != FAKE_ATC_INV ||
		    smmuv3_fake_sid(cmd) != INNOCENT)
			continue;
		/* 4.5.1: Global, all addresses, SSV */
		KUNIT_EXPECT_FALSE(test, cmd->qw[0] & BIT_ULL(9));
		KUNIT_EXPECT_EQ(test, cmd->qw[1] & 0x3f, 52);
		if (cmd->qw[0] & BIT_ULL(11))
			__set_bit(smmuv3_fake_ssid(cmd), pasids);
		else
			no_pasid++;
	}
	KUNIT_EXPECT_EQ(test, no_pasid, 1);
	/* Those that share a table with one that was in use */
	KUNIT_EXPECT_EQ(test, bitmap_weight(pasids, PASIDS), 63 + 64);
	KUNIT_EXPECT_TRUE(test, test_bit(5, pasids));
	KUNIT_EXPECT_TRUE(test, test_bit(200, pasids));
	KUNIT_EXPECT_FALSE(test, device->suspect);
	rig_end(rig);
}

/* Page tables are kept as well, those of an unmap and those of a domain that goes. */
static void owed_tables(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct iommu_iotlb_gather gather;
	struct iommu_domain *core;
	unsigned long tables;
	size_t mapped = 0;

	if (!rig)
		return;
	core = &rig->good->domain;
	KUNIT_ASSERT_EQ(test,
			core->ops->map_pages(core, SZ_2M, SZ_2M, SZ_4K, 512,
					     IOMMU_READ, GFP_KERNEL, &mapped),
			0);
	withhold(rig, GUILTY, rig->bad);
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test,
			core->ops->unmap_pages(core, SZ_2M, SZ_2M, 1, &gather),
			SZ_2M);
	KUNIT_EXPECT_EQ(test, kept().tables, 1);
	core->ops->iotlb_sync(core, &gather);
	KUNIT_EXPECT_EQ(test, kept().tables, 1);

	/* Root and the table below it, at least */
	leave(rig, DEV_INNOCENT);
	iova_space_remove_domain(&rig->space, core);
	tables = kept().tables;
	free_domain(rig->good);
	rig->good = NULL;
	KUNIT_EXPECT_GE(test, kept().tables, tables + 2);

	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, kept().tables, 0);
	rig_end(rig);
}

/*
 * A domain that left its unit while that owed an invalidation may be walked still: its
 * number is not given out, and what is unmapped from it afterwards is kept.
 */
static void owed_detached(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_unit *unit;
	u16 asid;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	asid = asid_of(rig->good);
	withhold(rig, GUILTY, rig->bad);
	leave(rig, DEV_INNOCENT);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->good->attachments));
	KUNIT_EXPECT_TRUE(test, is_taken(&unit->asids.ida, asid));
	KUNIT_EXPECT_EQ(test, iova_space_unmap(&rig->space, IOVA,
					       PAGES * PAGE_SIZE, NULL), 0);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	/* Whoever comes to it has the same number, and may leave again */
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->good, rig->device[DEV_OTHER],
					    0), 0);
	KUNIT_EXPECT_EQ(test, asid_of(rig->good), asid);
	leave(rig, DEV_OTHER);
	KUNIT_EXPECT_TRUE(test, is_taken(&unit->asids.ida, asid));

	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	KUNIT_EXPECT_FALSE(test, is_taken(&unit->asids.ida, asid));
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->good->tags));
	rig_end(rig);
}

/* Another one is attached, and stays, when the quarantine ends. */
static void owed_back_again(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_unit *unit;
	u16 asid;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	asid = asid_of(rig->good);
	withhold(rig, GUILTY, rig->bad);
	leave(rig, DEV_INNOCENT);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->good, rig->device[DEV_OTHER],
					    0), 0);
	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, is_taken(&unit->asids.ida, asid));
	KUNIT_EXPECT_EQ(test, asid_of(rig->good), asid);
	rig_end(rig);
	KUNIT_EXPECT_FALSE(test, is_taken(&unit->asids.ida, asid));
}

/*
 * The unit may go by what a device was on before: a new owner does not get it until that
 * is forgotten. Who has it may have it go elsewhere; and so may who has another one.
 */
static void owed_new_owner(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_device *device;
	struct smmuv3_domain *domain;
	unsigned long begin;

	if (!rig)
		return;
	device = rig->device[DEV_INNOCENT];
	domain = new_domain(rig);
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good, rig->device[DEV_FAR],
					    0), 0);
	withhold(rig, GUILTY, rig->bad);
	KUNIT_EXPECT_FALSE(test, smmuv3_device_is_late(device));
	leave(rig, DEV_INNOCENT);
	KUNIT_EXPECT_TRUE(test, smmuv3_device_is_late(device));
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, 5), -EBUSY);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(&smmuv3_identity_domain, device, 0),
			-EBUSY);
	KUNIT_EXPECT_TRUE(test, xa_empty(&device->attachments));
	KUNIT_EXPECT_TRUE(test, list_empty(&domain->tags));
	/* To be blocked is nothing new */
	KUNIT_EXPECT_EQ(test, smmuv3_attach(&smmuv3_blocked_domain, device, 0),
			0);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, rig->device[DEV_OTHER], 0),
			0);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, rig->device[DEV_FAR], 0),
			0);
	KUNIT_EXPECT_TRUE(test, smmuv3_device_is_late(rig->device[DEV_FAR]));
	/* Nor is one that is attached waited for */
	begin = jiffies;
	smmuv3_attach_settle(rig->device[DEV_FAR]);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, begin + 5 * HZ));
	/* A PASID may have been another owner's, though the device goes on */
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, rig->device[DEV_FAR], 5),
			-EBUSY);

	smmuv3_devices_settle();
	answer(rig, true);
	/* That it goes on is not enough */
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	KUNIT_EXPECT_FALSE(test, smmuv3_device_is_late(device));
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, 0), 0);
	/* Once more is nothing to it that has gone before */
	leave(rig, DEV_INNOCENT);
	smmuv3_unit_owes(&rig->fake->unit);
	KUNIT_EXPECT_FALSE(test, smmuv3_device_is_late(device));
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, 0), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	leave(rig, DEV_INNOCENT);
	leave(rig, DEV_OTHER);
	leave(rig, DEV_FAR);
	free_domain(domain);
	rig_end(rig);
}

static void answer_work(struct work_struct *work)
{
	struct rig *rig = container_of(to_delayed_work(work), struct rig, work);

	answer(rig, true);
}

/* Who cannot be told to come again waits. */
static void owed_settle(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_device *device;
	unsigned long begin = jiffies;

	if (!rig)
		return;
	device = rig->device[DEV_INNOCENT];
	rig->fake->unit.owed.delay = 5;
	smmuv3_attach_settle(device);
	withhold(rig, GUILTY, rig->bad);
	/* Of this one the unit did what it was told */
	smmuv3_attach_settle(rig->device[DEV_OTHER]);
	KUNIT_EXPECT_TRUE(test, smmuv3_unit_owing(&rig->fake->unit));
	leave(rig, DEV_INNOCENT);
	INIT_DELAYED_WORK(&rig->work, answer_work);
	schedule_delayed_work(&rig->work, msecs_to_jiffies(200));
	smmuv3_attach_settle(device);
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, begin +
					      msecs_to_jiffies(200)));
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->good, device, 0), 0);
	flush_delayed_work(&rig->work);
	rig_end(rig);
}

/* As the iommu core knows it: no more of that than its driver looks at. */
static struct device *core_device(struct rig *rig, struct smmuv3_device *device)
{
	struct dev_iommu *iommu;
	struct device *dev;

	dev = kunit_kzalloc(rig->test, sizeof(*dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(rig->test, dev);
	iommu = kunit_kzalloc(rig->test, sizeof(*iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(rig->test, iommu);
	iommu->priv = device;
	dev->iommu = iommu;
	return dev;
}

/*
 * What the iommu core calls: it takes no for an answer where user space asks, at once,
 * and has its own domains attached.
 */
static void owed_attach(struct rig *rig, struct iommu_domain *core,
			unsigned int type)
{
	struct smmuv3_device *device = rig->device[DEV_INNOCENT];
	struct iommu_domain *user = &rig->good->domain;
	unsigned int was = core->type;
	struct kunit *test = rig->test;
	unsigned long begin;
	struct device *dev;

	rig->fake->unit.owed.delay = 5;
	dev = core_device(rig, device);
	withhold(rig, GUILTY, rig->bad);
	leave(rig, DEV_INNOCENT);
	begin = jiffies;
	KUNIT_EXPECT_EQ(test, user->ops->attach_dev(user, dev), -EBUSY);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, begin + 5 * HZ));

	INIT_DELAYED_WORK(&rig->work, answer_work);
	begin = jiffies;
	schedule_delayed_work(&rig->work, msecs_to_jiffies(200));
	core->type = type;
	KUNIT_EXPECT_EQ(test, core->ops->attach_dev(core, dev), 0);
	core->type = was;
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, begin +
					      msecs_to_jiffies(200)));
	flush_delayed_work(&rig->work);
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&device->attachments, 0));
	rig_end(rig);
}

static void owed_attach_dma(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (rig)
		owed_attach(rig, &rig->good->domain, IOMMU_DOMAIN_DMA);
}

static void owed_attach_identity(struct kunit *test)
{
	struct rig *rig = rig_new(test);

	if (rig)
		owed_attach(rig, &smmuv3_identity_domain.domain,
			    IOMMU_DOMAIN_IDENTITY);
}

static void shut_out_late(struct work_struct *work)
{
	msleep(200);
	shut_out_work(work);
}

/*
 * Who must not wait for memory, as an mm's notifier, does not wait for who shuts a device
 * out: that takes the unit's lock, with which others allocate.
 */
static void owed_noreclaim(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_device *device;
	unsigned int flags;

	if (!rig)
		return;
	device = rig->device[DEV_GUILTY];
	INIT_WORK(&device->distrust_work, shut_out_late);
	KUNIT_ASSERT_EQ(test, iommu_map(&rig->bad->domain, IOVA, SZ_1G, SZ_4K,
					IOMMU_READ, GFP_KERNEL), 0);
	rig->fake->dead = true;
	rig->fake->dead_sid = GUILTY;
	rig->fake->withhold = true;
	flags = memalloc_noreclaim_save();
	KUNIT_EXPECT_EQ(test, iommu_unmap(&rig->bad->domain, IOVA, SZ_4K), SZ_4K);
	memalloc_noreclaim_restore(flags);
	KUNIT_EXPECT_TRUE(test, device->suspect);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(device->shut_out));
	smmuv3_devices_settle();
	KUNIT_EXPECT_TRUE(test, device->shut_out);
	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	rig_end(rig);
}

/*
 * Replacing what a device is on leaves a number that is kept, each time: that ends where
 * others would have none to be attached with.
 */
static void owed_numbers(struct kunit *test)
{
	struct smmuv3_domain *domains[32] = { };
	struct rig *rig = rig_new(test);
	unsigned int i;
	int rc = 0;

	if (!rig)
		return;
	/* 31 of them; two are in use */
	rig->fake->unit.caps.asid_bits = 5;
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good, rig->device[DEV_OTHER],
					    0), 0);
	withhold(rig, GUILTY, rig->bad);
	for (i = 0; i < ARRAY_SIZE(domains) - 1 && !rc; i++) {
		domains[i] = new_domain(rig);
		rc = smmuv3_attach(domains[i], rig->device[DEV_OTHER], 0);
	}
	KUNIT_EXPECT_EQ(test, rc, -ENOSPC);
	KUNIT_EXPECT_LE(test, rig->fake->unit.asids.num, 16);
	/* The own tags of others */
	domains[i] = new_domain(rig);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domains[i], rig->device[DEV_FAR],
					    0), 0);

	smmuv3_devices_settle();
	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domains[i - 1],
					    rig->device[DEV_OTHER], 0), 0);
	leave(rig, DEV_OTHER);
	leave(rig, DEV_FAR);
	for (i = 0; i < ARRAY_SIZE(domains); i++)
		if (domains[i])
			free_domain(domains[i]);
	rig_end(rig);
}

/* A device's descriptors are read until its entry is known to be forgotten. */
static void owed_contexts(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_unit *unit;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	withhold(rig, GUILTY, rig->bad);
	leave(rig, DEV_INNOCENT);
	KUNIT_EXPECT_EQ(test, kept().items, 1);
	mutex_lock(&unit->lock);
	smmuv3_contexts_free(rig->device[DEV_INNOCENT]);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_EQ(test, kept().items, 2);
	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), 0);
	rig_end(rig);
}

/* The unit carries nothing out any more, and nobody knows yet; and goes on. */
static void hold(struct rig *rig, bool on)
{
	unsigned int looks = 0;

	rig->fake->hold = on;
	if (on)
		return;
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	while (smmuv3_cmdq_stuck_ms(&rig->fake->unit) && ++looks < 3)
		;
	KUNIT_EXPECT_LT(rig->test, looks, 3);
}

static void *remember(struct rig *rig, const void *table, size_t size)
{
	void *copy = kunit_kmalloc(rig->test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(rig->test, copy);
	memcpy(copy, table, size);
	return copy;
}

/* CFGI_STE commands for a StreamID (4.3.1), with Leaf or without */
static unsigned int cfgi_stes(struct rig *rig, u32 sid, bool leaf)
{
	unsigned int i, num = 0;

	for (i = 0; i < rig->fake->num_log; i++) {
		const struct smmuv3_cmd *cmd = &rig->fake->log[i].cmd;

		num += smmuv3_fake_op(cmd) == 0x03 && cmd->qw[0] >> 32 == sid &&
		       (cmd->qw[1] & 1) == leaf;
	}
	return num;
}

/*
 * A level 2 stream table that was replaced may be read still: it is not what entries of
 * other StreamIDs are copied to.
 */
static void owed_stream_tables(struct kunit *test)
{
	const size_t size = 256 * sizeof(struct smmuv3_ste);
	struct smmuv3_domain *stage2[2];
	struct smmuv3_ste **tables, *old;
	struct rig *rig = rig_new(test);
	unsigned int i;
	void *was;

	if (!rig)
		return;
	tables = rig->fake->unit.strtab->level2;
	for (i = 0; i < 2; i++)
		stage2[i] = new_paging(rig, IOMMU_HWPT_ALLOC_NEST_PARENT);
	for (i = DEV_OTHER; i <= DEV_FAR; i += DEV_FAR - DEV_OTHER)
		KUNIT_ASSERT_EQ(test, smmuv3_attach(stage2[0], rig->device[i],
						    0), 0);
	old = tables[FAR >> 8];
	smmuv3_fake_forget(rig->fake);
	hold(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(stage2[1], rig->device[DEV_FAR], 0),
			0);
	KUNIT_EXPECT_TRUE(test, smmuv3_unit_owing(&rig->fake->unit));
	KUNIT_EXPECT_PTR_NE(test, tables[FAR >> 8], old);
	was = remember(rig, old, size);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(stage2[1], rig->device[DEV_OTHER],
					    0), 0);
	KUNIT_EXPECT_MEMEQ(test, old, was, size);
	/* It is what it should be all the same */
	KUNIT_EXPECT_MEMEQ(test, &tables[0][OTHER].qw[2],
			   &tables[FAR >> 8][FAR & 0xff].qw[2],
			   2 * sizeof(__le64));

	hold(rig, false);
	/* And the way to the table that was replaced is not believed either */
	KUNIT_EXPECT_GT(test, cfgi_stes(rig, OTHER, false), 0);
	KUNIT_EXPECT_EQ(test, cfgi_stes(rig, OTHER, true), 0);
	smmuv3_devices_settle();
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	/* And a copy again */
	old = tables[0];
	KUNIT_EXPECT_EQ(test, smmuv3_attach(stage2[0], rig->device[DEV_OTHER],
					    0), 0);
	KUNIT_EXPECT_PTR_NE(test, tables[0], old);
	leave(rig, DEV_OTHER);
	leave(rig, DEV_FAR);
	for (i = 0; i < 2; i++)
		free_domain(stage2[i]);
	rig_end(rig);
}

/* The level 2 table of a PASID's context descriptor, as the unit finds it. */
static void *cd_table(struct rig *rig, struct smmuv3_device *device,
		      ioasid_t pasid)
{
	u64 base = smmuv3_contexts_base(device) & SMMUV3_STE_S1CONTEXTPTR;
	__le64 *level1 = smmuv3_fake_mem(rig->fake, base);

	return smmuv3_fake_mem(rig->fake, le64_to_cpu(level1[pasid / 64]) &
					  GENMASK_ULL(51, 12));
}

/* The same of context descriptors, where the copy would be of other PASIDs. */
static void owed_context_tables(struct kunit *test)
{
	const size_t size = 64 * sizeof(struct smmuv3_cd);
	static const ioasid_t pasids[] = { 5, 200 };
	struct rig *rig = rig_new(test);
	struct smmuv3_context_target target;
	struct smmuv3_domain *domain;
	struct smmuv3_device *device;
	void *old, *was;
	unsigned int i;

	if (!rig)
		return;
	device = rig->device[DEV_INNOCENT];
	domain = new_domain(rig);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->good, device,
						    pasids[i]), 0);
	old = cd_table(rig, device, pasids[0]);
	hold(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, pasids[0]), 0);
	KUNIT_EXPECT_TRUE(test, smmuv3_unit_owing(&rig->fake->unit));
	KUNIT_EXPECT_PTR_NE(test, cd_table(rig, device, pasids[0]), old);
	was = remember(rig, old, size);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domain, device, pasids[1]), 0);
	KUNIT_EXPECT_MEMEQ(test, old, was, size);
	mutex_lock(&rig->fake->unit.lock);
	KUNIT_EXPECT_TRUE(test, smmuv3_context_get(device, pasids[1], &target));
	mutex_unlock(&rig->fake->unit.lock);
	KUNIT_EXPECT_EQ(test, target.asid, asid_of(domain));

	hold(rig, false);
	smmuv3_devices_settle();
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	old = cd_table(rig, device, pasids[1]);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->good, device, pasids[1]), 0);
	KUNIT_EXPECT_PTR_NE(test, cd_table(rig, device, pasids[1]), old);
	leave(rig, DEV_INNOCENT);
	free_domain(domain);
	rig_end(rig);
}

/* What fails while all is invalidated is not paid by it. */
static void owed_again(struct kunit *test)
{
	static const u8 ops[] = { FAKE_CFGI_ALL, FAKE_TLBI_NSNH_ALL,
				  FAKE_ATC_INV };
	struct rig *rig = rig_new(test);
	unsigned int i;

	if (!rig)
		return;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	withhold(rig, GUILTY, rig->bad);
	iova_space_unmap(&rig->space, IOVA, PAGES * PAGE_SIZE, NULL);
	smmuv3_devices_settle();
	answer(rig, true);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		rig->fail_on = ops[i];
		KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit),
				-EAGAIN);
		KUNIT_EXPECT_EQ(test, rig->fail_on, 0);
		map_quarantine_settle();
		KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	}
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	rig_end(rig);
}

/*
 * The submission that waits is for two devices: neither is blamed before it is known
 * which, and that is found out when the queue goes on.
 */
static void owed_which(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	struct smmuv3_unit *unit;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	KUNIT_ASSERT_EQ(test, smmuv3_attach(rig->bad, rig->device[DEV_OTHER],
					    0), 0);
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	KUNIT_EXPECT_EQ(test, withhold(rig, GUILTY, rig->bad), -EIO);
	KUNIT_EXPECT_FALSE(test, rig->device[DEV_GUILTY]->suspect);
	KUNIT_EXPECT_FALSE(test, rig->device[DEV_OTHER]->suspect);
	iova_space_unmap(&rig->space, IOVA, PAGES * PAGE_SIZE, NULL);
	/* From now on the unit gives up by itself */
	answer(rig, true);
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, rig->device[DEV_GUILTY]->suspect);
	KUNIT_EXPECT_FALSE(test, rig->device[DEV_OTHER]->suspect);
	KUNIT_EXPECT_FALSE(test, rig->device[DEV_INNOCENT]->suspect);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(unit), 0);
	KUNIT_EXPECT_FALSE(test, has_ats(rig, DEV_GUILTY));
	KUNIT_EXPECT_TRUE(test, has_ats(rig, DEV_OTHER));
	rig_end(rig);
}

/* By the work alone: it goes on when the unit does. */
static void owed_by_itself(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned long end = jiffies + 60 * HZ;

	if (!rig)
		return;
	rig->fake->unit.owed.delay = 5;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	withhold(rig, GUILTY, rig->bad);
	iova_space_unmap(&rig->space, IOVA, PAGES * PAGE_SIZE, NULL);
	schedule_timeout_uninterruptible(msecs_to_jiffies(100));
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	answer(rig, true);
	while (smmuv3_unit_owing(&rig->fake->unit) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_FALSE(test, smmuv3_unit_owing(&rig->fake->unit));
	rig_end(rig);
}

/* The unit never goes on: it is turned off, and what it could reach is let go then. */
static void owed_turned_off(struct kunit *test)
{
	struct rig *rig = rig_new(test);
	unsigned long end = jiffies + 60 * HZ;
	struct smmuv3_unit *unit;

	if (!rig)
		return;
	unit = &rig->fake->unit;
	smmuv3_fake_set32(rig->fake, FAKE_CR0,
			  FAKE_CR0_SMMUEN | FAKE_CR0_CMDQEN);
	unit->owed.delay = 5;
	unit->owed_patience = 100;
	KUNIT_ASSERT_EQ(test, map_memory(rig), 0);
	withhold(rig, GUILTY, rig->bad);
	iova_space_unmap(&rig->space, IOVA, PAGES * PAGE_SIZE, NULL);
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, true));
	while (smmuv3_unit_owing(unit) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_FALSE(test, smmuv3_unit_owing(unit));
	KUNIT_EXPECT_TRUE(test, unit->broken);
	KUNIT_EXPECT_FALSE(test, smmuv3_fake_reg32(rig->fake, FAKE_CR0) &
				 FAKE_CR0_SMMUEN);
	/* 6.3.14: ABORT */
	KUNIT_EXPECT_TRUE(test, smmuv3_fake_reg32(rig->fake, FAKE_GBPA) &
				BIT(20));
	map_quarantine_settle();
	KUNIT_EXPECT_TRUE(test, all_pinned(rig, false));
	rig_end(rig);
}

static struct kunit_case owed_cases[] = {
	KUNIT_CASE(owed_until_timeout),
	KUNIT_CASE(owed_until_answer),
	KUNIT_CASE(owed_commands),
	KUNIT_CASE(owed_not_global),
	KUNIT_CASE(owed_tables),
	KUNIT_CASE(owed_detached),
	KUNIT_CASE(owed_back_again),
	KUNIT_CASE(owed_new_owner),
	KUNIT_CASE(owed_settle),
	KUNIT_CASE(owed_attach_dma),
	KUNIT_CASE(owed_attach_identity),
	KUNIT_CASE(owed_noreclaim),
	KUNIT_CASE(owed_numbers),
	KUNIT_CASE(owed_contexts),
	KUNIT_CASE(owed_stream_tables),
	KUNIT_CASE(owed_context_tables),
	KUNIT_CASE(owed_again),
	KUNIT_CASE(owed_which),
	KUNIT_CASE(owed_by_itself),
	KUNIT_CASE(owed_turned_off),
	{}
};

static struct kunit_suite owed_suite = {
	.name = "iommufd_smmuv3_owed",
	.test_cases = owed_cases,
};

kunit_test_suite(owed_suite);
