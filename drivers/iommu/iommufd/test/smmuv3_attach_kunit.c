// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching and flushing on SMMUv3: which stream table entry every combination of
 * RID and PASIDs leads to, against a table written by hand; and what is sent to the
 * unit when, against a unit that records it.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <uapi/linux/iommufd.h>

#include "../map/quarantine.h"
#include "../map/table.h"
#include "../smmuv3/domain.h"
#include "../smmuv3/owed.h"
#include "../smmuv3/viommu.h"
#include "smmuv3_fake.h"

#define SID		0x42
#define NUM_PASIDS	32
#define PASID		5

/**
 * struct rig - a unit with a device, and a domain of each kind
 * @test: for failures
 * @fake: the unit
 * @device: with PASIDs
 * @stage1: for the RID
 * @other: a further stage 1
 * @stage2: for the RID
 * @parent: a nest parent
 * @nested: over @parent, with stage 1
 */
struct rig {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct smmuv3_device *device;
	struct smmuv3_domain *stage1;
	struct smmuv3_domain *other;
	struct smmuv3_domain *stage2;
	struct smmuv3_domain *parent;
	struct smmuv3_domain *nested;
};

static void free_domain(void *data)
{
	struct smmuv3_domain *domain = data;

	domain->domain.ops->free(&domain->domain);
}

static void keep_domain(struct kunit *test, struct smmuv3_domain *domain)
{
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, free_domain, domain),
			0);
}

static struct smmuv3_domain *new_paging(struct rig *rig, u32 flags)
{
	struct smmuv3_domain *domain =
		smmuv3_paging_alloc(&rig->fake->unit, flags);

	keep_domain(rig->test, domain);
	return domain;
}

static struct smmuv3_domain *new_nested(struct rig *rig)
{
	/* Stage 1, ATS */
	static const struct smmuv3_user_ste ste = {
		.words = { 1 | 5 << 1 | 0x40000 | 4ULL << 59, 2 },
		.ats = true,
		.stall = true,
	};
	struct smmuv3_domain *domain =
		smmuv3_nested_new(&rig->fake->unit, rig->parent, NULL, &ste);

	keep_domain(rig->test, domain);
	return domain;
}

static void free_tables(void *data)
{
	struct rig *rig = data;

	smmuv3_detach_all(rig->device);
	mutex_lock(&rig->fake->unit.lock);
	smmuv3_contexts_free(rig->device);
	mutex_unlock(&rig->fake->unit.lock);
	smmuv3_strtab_free(&rig->fake->unit);
}

static int rig_init(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	struct smmuv3_unit *unit;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	test->priv = rig;
	rig->test = test;
	rig->fake = smmuv3_fake_new(test, smmuv3_fake_idr, SMMUV3_FW_CANWBS);
	unit = &rig->fake->unit;
	smmuv3_fake_start_cmdq(rig->fake);
	rig->device = smmuv3_fake_device(rig->fake, SID, 1, NUM_PASIDS);
	rig->stage1 = new_paging(rig, 0);
	rig->other = new_paging(rig, 0);
	rig->parent = new_paging(rig, IOMMU_HWPT_ALLOC_NEST_PARENT);
	rig->stage2 = rig->parent;
	rig->nested = new_nested(rig);

	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(unit), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_tables, rig),
			0);
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(rig->device), 0);
	mutex_unlock(&unit->lock);
	smmuv3_fake_forget(rig->fake);
	return 0;
}

/* As if a PCI function had it on; it never goes to where it has to be off. */
static void have_ats(struct rig *rig)
{
	rig->device->can_ats = true;
	rig->device->keep_ats = true;
	rig->device->ats = true;
}

static struct smmuv3_stream_target stream_of(struct rig *rig)
{
	struct smmuv3_stream_target target;

	mutex_lock(&rig->fake->unit.lock);
	smmuv3_stream_get(rig->device, &target);
	mutex_unlock(&rig->fake->unit.lock);
	return target;
}

static bool has_context(struct rig *rig, ioasid_t pasid,
			struct smmuv3_context_target *target)
{
	bool valid = false;

	mutex_lock(&rig->fake->unit.lock);
	if (rig->device->contexts)
		valid = smmuv3_context_get(rig->device, pasid, target);
	mutex_unlock(&rig->fake->unit.lock);
	return valid;
}

static int attach(struct rig *rig, struct smmuv3_domain *domain, ioasid_t pasid)
{
	return smmuv3_attach(domain, rig->device, pasid);
}

/* --- the combinations --- */

/**
 * struct combo - one line of the table
 * @kind: what the RID is attached to
 * @type: the entry, without PASIDs
 * @dss: S1DSS
 * @with: with them, -1: excluded
 * @with_dss: S1DSS
 * @cd0: descriptor 0 is the RID's
 */
struct combo {
	enum smmuv3_domain_kind kind;
	int type;
	int dss;
	int with;
	int with_dss;
	bool cd0;
};

#define NOBODY		SMMUV3_NO_PASID_TERMINATE

static const struct combo combos[] = {
	{ SMMUV3_DOMAIN_BLOCKED, SMMUV3_STREAM_ABORT, NOBODY,
	  SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_TERMINATE },
	{ SMMUV3_DOMAIN_IDENTITY, SMMUV3_STREAM_BYPASS, NOBODY,
	  SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_BYPASS },
	{ SMMUV3_DOMAIN_STAGE1, SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_CD0,
	  SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_CD0, true },
	{ SMMUV3_DOMAIN_STAGE2, SMMUV3_STREAM_STAGE2, NOBODY, -1, -1 },
	{ SMMUV3_DOMAIN_NESTED, SMMUV3_STREAM_NESTED, NOBODY, -1, -1 },
};

static struct smmuv3_domain *domain_of(struct rig *rig,
				       enum smmuv3_domain_kind kind)
{
	switch (kind) {
	case SMMUV3_DOMAIN_BLOCKED:
		return &smmuv3_blocked_domain;
	case SMMUV3_DOMAIN_IDENTITY:
		return &smmuv3_identity_domain;
	case SMMUV3_DOMAIN_STAGE1:
		return rig->stage1;
	case SMMUV3_DOMAIN_STAGE2:
		return rig->stage2;
	case SMMUV3_DOMAIN_NESTED:
		return rig->nested;
	}
	return NULL;
}

static void expect_stream(struct rig *rig, const char *when, int kind, int type,
			  int dss)
{
	struct smmuv3_stream_target target = stream_of(rig);

	KUNIT_EXPECT_EQ_MSG(rig->test, target.type, type, "%s, kind %d", when,
			    kind);
	KUNIT_EXPECT_EQ_MSG(rig->test, target.no_pasid, dss, "%s, kind %d",
			    when, kind);
}

/* Nothing is left of anything. */
static void expect_clean(struct rig *rig)
{
	struct smmuv3_context_target target;

	expect_stream(rig, "at the end", -1, SMMUV3_STREAM_ABORT, NOBODY);
	KUNIT_EXPECT_FALSE(rig->test, has_context(rig, 0, &target));
	KUNIT_EXPECT_FALSE(rig->test, has_context(rig, PASID, &target));
	KUNIT_EXPECT_TRUE(rig->test, xa_empty(&rig->device->attachments));
	KUNIT_EXPECT_TRUE(rig->test, list_empty(&rig->stage1->tags));
	KUNIT_EXPECT_TRUE(rig->test, list_empty(&rig->other->tags));
	KUNIT_EXPECT_TRUE(rig->test, list_empty(&rig->parent->tags));
	KUNIT_EXPECT_TRUE(rig->test, ida_is_empty(&rig->fake->unit.asids.ida));
	KUNIT_EXPECT_TRUE(rig->test, ida_is_empty(&rig->fake->unit.vmids.ida));
}

static void test_rid_then_pasid(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_context_target target;
	const struct combo *c;
	int rc;

	for (c = combos; c < combos + ARRAY_SIZE(combos); c++) {
		KUNIT_EXPECT_EQ(test, attach(rig, domain_of(rig, c->kind), 0),
				0);
		expect_stream(rig, "RID", c->kind, c->type, c->dss);
		KUNIT_EXPECT_EQ(test, has_context(rig, 0, &target), c->cd0);

		smmuv3_fake_forget(rig->fake);
		rc = attach(rig, rig->other, PASID);
		KUNIT_EXPECT_EQ_MSG(test, rc, c->with < 0 ? -EBUSY : 0,
				    "kind %d", c->kind);
		if (rc) {
			expect_stream(rig, "refused", c->kind, c->type, c->dss);
			KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0U);
			KUNIT_EXPECT_TRUE(test, list_empty(&rig->other->tags));
			KUNIT_EXPECT_TRUE(test,
					  list_empty(&rig->other->attachments));
		} else {
			expect_stream(rig, "both", c->kind, c->with,
				      c->with_dss);
			KUNIT_EXPECT_TRUE(test,
					  has_context(rig, PASID, &target));
			/* And back */
			smmuv3_detach(rig->device, PASID);
			expect_stream(rig, "RID again", c->kind, c->type,
				      c->dss);
			KUNIT_EXPECT_FALSE(test,
					   has_context(rig, PASID, &target));
		}
		smmuv3_detach_all(rig->device);
		expect_clean(rig);
	}
}

static void test_pasid_then_rid(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_context_target target;
	const struct combo *c;
	int rc;

	for (c = combos; c < combos + ARRAY_SIZE(combos); c++) {
		KUNIT_EXPECT_EQ(test, attach(rig, rig->other, PASID), 0);
		expect_stream(rig, "PASID", c->kind, SMMUV3_STREAM_STAGE1,
			      SMMUV3_NO_PASID_TERMINATE);

		smmuv3_fake_forget(rig->fake);
		rc = attach(rig, domain_of(rig, c->kind), 0);
		KUNIT_EXPECT_EQ_MSG(test, rc, c->with < 0 ? -EBUSY : 0,
				    "kind %d", c->kind);
		if (rc) {
			expect_stream(rig, "refused", c->kind,
				      SMMUV3_STREAM_STAGE1,
				      SMMUV3_NO_PASID_TERMINATE);
			KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0U);
			KUNIT_EXPECT_TRUE(test, list_empty(&rig->parent->tags));
		} else {
			expect_stream(rig, "both", c->kind, c->with,
				      c->with_dss);
		}
		KUNIT_EXPECT_TRUE(test, has_context(rig, PASID, &target));
		/* The RID goes, the PASID stays */
		smmuv3_detach(rig->device, 0);
		expect_stream(rig, "PASID again", c->kind, SMMUV3_STREAM_STAGE1,
			      SMMUV3_NO_PASID_TERMINATE);
		KUNIT_EXPECT_TRUE(test, has_context(rig, PASID, &target));
		smmuv3_detach_all(rig->device);
		expect_clean(rig);
	}
}

static void test_kinds_of_pasids(struct kunit *test)
{
	struct rig *rig = test->priv;

	KUNIT_EXPECT_EQ(test, attach(rig, &smmuv3_identity_domain, PASID),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage2, PASID), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->nested, PASID), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(rig, &smmuv3_blocked_domain, PASID), 0);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, NUM_PASIDS), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, NUM_PASIDS - 1), 0);
	smmuv3_detach_all(rig->device);
	expect_clean(rig);
}

static void no_work(struct work_struct *work)
{
}

/* What did not answer gets no ATS any more, and its translated requests are refused. */
static void test_suspect(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig->device->can_ats = true;
	rig->device->keep_ats = true;
	rig->device->suspect = true;
	INIT_WORK(&rig->device->distrust_work, no_work);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, 0), 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).ats);
	KUNIT_EXPECT_FALSE(test, rig->device->ats);
	KUNIT_EXPECT_TRUE(test, rig->device->shut_out);
	/* Also when it is found so after that */
	rig->device->shut_out = false;
	smmuv3_detach(rig->device, 0);
	KUNIT_EXPECT_TRUE(test, rig->device->shut_out);
	flush_work(&rig->device->distrust_work);
	expect_clean(rig);
}

/* What a guest has in its entry was checked against what one unit can do. */
static void test_other_unit(struct kunit *test)
{
	struct smmuv3_fake *fake = smmuv3_fake_new(test, smmuv3_fake_idr,
						   SMMUV3_FW_CANWBS);
	struct smmuv3_device *device = smmuv3_fake_device(fake, SID, 1,
							  NUM_PASIDS);
	struct rig *rig = test->priv;

	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->nested, device, 0), -EINVAL);
	KUNIT_EXPECT_TRUE(test, xa_empty(&device->attachments));
	expect_clean(rig);
}

/* One PASID goes, another stays. */
static void test_two_pasids(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_context_target target;

	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, PASID), 0);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->other, PASID + 1), 0);
	smmuv3_detach(rig->device, PASID);
	expect_stream(rig, "one of two", SMMUV3_DOMAIN_BLOCKED,
		      SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_TERMINATE);
	KUNIT_EXPECT_FALSE(test, has_context(rig, PASID, &target));
	KUNIT_EXPECT_TRUE(test, has_context(rig, PASID + 1, &target));
	KUNIT_EXPECT_EQ(test, attach(rig, rig->nested, 0), -EBUSY);
	smmuv3_detach(rig->device, PASID + 1);
	expect_clean(rig);
}

/* With ATS on, identity is stage 1 skipped, so that ATS can stay. */
static void test_identity_with_ats(struct kunit *test)
{
	struct rig *rig = test->priv;

	have_ats(rig);
	KUNIT_EXPECT_EQ(test, attach(rig, &smmuv3_identity_domain, 0), 0);
	expect_stream(rig, "identity", SMMUV3_DOMAIN_IDENTITY,
		      SMMUV3_STREAM_STAGE1, SMMUV3_NO_PASID_BYPASS);
	KUNIT_EXPECT_TRUE(test, stream_of(rig).ats);
	smmuv3_detach(rig->device, 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).ats);
	KUNIT_EXPECT_TRUE(test, rig->device->ats);
}

/* A replaced domain leaves nothing behind, whatever comes after it. */
static void test_replace(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_context_target target;
	const struct combo *from, *to;

	for (from = combos; from < combos + ARRAY_SIZE(combos); from++) {
		for (to = combos; to < combos + ARRAY_SIZE(combos); to++) {
			attach(rig, domain_of(rig, from->kind), 0);
			KUNIT_EXPECT_EQ(test,
					attach(rig, domain_of(rig, to->kind),
					       0), 0);
			expect_stream(rig, "replaced", to->kind, to->type,
				      to->dss);
			KUNIT_EXPECT_EQ(test, has_context(rig, 0, &target),
					to->cd0);
			smmuv3_detach_all(rig->device);
			expect_clean(rig);
		}
	}
}

/* --- contents --- */

static void test_contents(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct io_pgtable_cfg *cfg = &rig->stage1->pgtbl_cfg;
	struct smmuv3_context_target cd = {};
	struct smmuv3_stream_target ste;
	struct smmuv3_tag *tag;

	attach(rig, rig->stage1, 0);
	attach(rig, rig->other, PASID);
	KUNIT_ASSERT_TRUE(test, has_context(rig, 0, &cd));
	tag = list_first_entry(&rig->stage1->tags, struct smmuv3_tag, item);
	KUNIT_EXPECT_EQ(test, cd.asid, tag->id);
	KUNIT_EXPECT_NE(test, cd.asid, 0);
	KUNIT_EXPECT_EQ(test, cd.ttb, cfg->arm_lpae_s1_cfg.ttbr);
	/* 48 bits in, 4K, write-back, inner shareable, EPD1, 48 bits out */
	KUNIT_EXPECT_EQ(test, cd.tcr,
			16ULL | 0ULL << 6 | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 |
			BIT_ULL(30) | 5ULL << 32);
	KUNIT_EXPECT_FALSE(test, cd.stall || cd.hw_access || cd.hw_dirty);
	KUNIT_ASSERT_TRUE(test, has_context(rig, PASID, &cd));
	KUNIT_EXPECT_NE(test, cd.asid, tag->id);
	smmuv3_detach_all(rig->device);

	attach(rig, rig->nested, 0);
	tag = list_first_entry(&rig->parent->tags, struct smmuv3_tag, item);
	ste = stream_of(rig);
	KUNIT_EXPECT_EQ(test, ste.s2.vmid, tag->id);
	KUNIT_EXPECT_NE(test, ste.s2.vmid, 0);
	KUNIT_EXPECT_EQ(test, ste.s2.vttb,
			rig->parent->pgtbl_cfg.arm_lpae_s2_cfg.vttbr);
	KUNIT_EXPECT_EQ(test, ste.user[0], rig->nested->user[0]);
	KUNIT_EXPECT_EQ(test, ste.user[1], rig->nested->user[1]);
	/* The guest would let it stall, but the device cannot */
	KUNIT_EXPECT_FALSE(test, ste.stall);
	smmuv3_detach_all(rig->device);

	/* It can, but nobody would answer */
	rig->device->can_stall = true;
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).stall);
	smmuv3_detach_all(rig->device);
	rig->nested->domain.fault_data = rig;
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_TRUE(test, stream_of(rig).stall);
	rig->stage1->domain.fault_data = rig;
	attach(rig, rig->stage1, 0);
	KUNIT_ASSERT_TRUE(test, has_context(rig, 0, &cd));
	KUNIT_EXPECT_TRUE(test, cd.stall);
	/* Of a unit without stage 1 all are so */
	attach(rig, rig->stage2, 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).stall);
	smmuv3_detach_all(rig->device);
	rig->stage2->domain.fault_data = rig;
	attach(rig, rig->stage2, 0);
	KUNIT_EXPECT_TRUE(test, stream_of(rig).stall);
	smmuv3_detach_all(rig->device);
	/* Somebody would answer, but the device cannot */
	rig->device->can_stall = false;
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).stall);
	attach(rig, rig->stage1, 0);
	KUNIT_ASSERT_TRUE(test, has_context(rig, 0, &cd));
	KUNIT_EXPECT_FALSE(test, cd.stall);
	smmuv3_detach_all(rig->device);
	rig->device->can_stall = true;
	/* The guest does not want it */
	rig->nested->user_stall = false;
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_FALSE(test, stream_of(rig).stall);
}

static bool is_taken(struct ida *ida, unsigned int id)
{
	int got = ida_alloc_range(ida, id, id, GFP_KERNEL);

	if (got < 0)
		return true;
	ida_free(ida, got);
	return false;
}

/* What did not succeed has changed nothing. */
static void test_no_asid_left(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_unit *unit = &rig->fake->unit;
	unsigned int i;

	unit->caps.asid_bits = 8;
	for (i = 1; i < 256; i++)
		ida_alloc_range(&unit->asids.ida, 1, 255, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, attach(rig, &smmuv3_identity_domain, 0), 0);
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, 0), -ENOSPC);
	expect_stream(rig, "no ASID", SMMUV3_DOMAIN_IDENTITY,
		      SMMUV3_STREAM_BYPASS, NOBODY);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0U);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->stage1->attachments));
	ida_destroy(&unit->asids.ida);
	/* 0 is not an ASID that is given out */
	KUNIT_EXPECT_EQ(test, attach(rig, rig->stage1, 0), 0);
	KUNIT_EXPECT_TRUE(test, is_taken(&unit->asids.ida, 1));
	KUNIT_EXPECT_FALSE(test, is_taken(&unit->asids.ida, 0));
}

/*
 * One device has PASIDs without end, vIOMMUs are made without end: another device can
 * still be attached, RID and a PASID.
 */
static void test_ids_are_left(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_domain **domains;
	struct smmuv3_device *late;
	struct smmuv3_tag *tag;
	unsigned int num, i;
	int rc = 0;

	domains = kunit_kcalloc(test, 256, sizeof(*domains), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, domains);
	unit->caps.asid_bits = 8;
	rig->device->max_pasids = 512;
	for (num = 0; num < 256; num++) {
		domains[num] = new_paging(rig, 0);
		rc = attach(rig, domains[num], 1 + num);
		if (rc)
			break;
	}
	KUNIT_EXPECT_EQ(test, rc, -ENOSPC);
	KUNIT_EXPECT_EQ(test, num, 127);
	/* Who has one on the unit already needs none */
	KUNIT_EXPECT_EQ(test, attach(rig, domains[0], 300), 0);
	/* What goes makes room */
	smmuv3_detach(rig->device, 2);
	KUNIT_EXPECT_EQ(test, attach(rig, domains[num], 301), 0);

	late = smmuv3_fake_device(rig->fake, SID + 1, 1, NUM_PASIDS);
	mutex_lock(&unit->lock);
	KUNIT_EXPECT_EQ(test, smmuv3_stream_prepare(late), 0);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->stage1, late, 0), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(rig->other, late, 1), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domains[1], late, 2), -ENOSPC);
	/* To be moved is not to have one more */
	KUNIT_EXPECT_EQ(test, smmuv3_attach(domains[1], late, 1), 0);
	smmuv3_detach_all(late);
	smmuv3_detach_all(rig->device);
	mutex_lock(&unit->lock);
	smmuv3_contexts_free(late);

	/* Three quarters */
	unit->caps.vmid_bits = 8;
	for (num = 0;; num++) {
		tag = smmuv3_tag_get(rig->parent, unit,
				     (void *)(uintptr_t)(num + 1),
				     TAG_IDS_VIOMMU);
		if (IS_ERR(tag))
			break;
	}
	KUNIT_EXPECT_PTR_EQ(test, tag, ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, num, 191);
	mutex_unlock(&unit->lock);
	KUNIT_EXPECT_EQ(test, attach(rig, rig->nested, 0), 0);
	smmuv3_detach_all(rig->device);
	mutex_lock(&unit->lock);
	for (i = 0; i < num; i++)
		smmuv3_tag_put(rig->parent,
			       list_first_entry(&rig->parent->tags,
						struct smmuv3_tag, item));
	mutex_unlock(&unit->lock);
	expect_clean(rig);
}

/* --- flushing --- */

/* Number of the first @op from @from on, UINT_MAX: there is none. */
static unsigned int find_op(struct rig *rig, unsigned int from, u8 op)
{
	unsigned int i;

	for (i = from; i < rig->fake->num_log; i++)
		if (smmuv3_fake_op(&rig->fake->log[i].cmd) == op)
			return i;
	return UINT_MAX;
}

static u16 cmd_vmid(struct rig *rig, unsigned int i)
{
	return rig->fake->log[i].cmd.qw[0] >> 32;
}

static u16 cmd_asid(struct rig *rig, unsigned int i)
{
	return rig->fake->log[i].cmd.qw[0] >> 48;
}

static u16 tag_id(struct smmuv3_domain *domain)
{
	return list_first_entry(&domain->tags, struct smmuv3_tag, item)->id;
}

/* All of @first are complete before the first of @then is consumed. */
static void expect_order(struct rig *rig, u8 first, u8 then)
{
	unsigned int a = find_op(rig, 0, first), b = find_op(rig, 0, then);
	unsigned int i;

	KUNIT_ASSERT_NE_MSG(rig->test, a, UINT_MAX, "no %02x", first);
	KUNIT_ASSERT_NE_MSG(rig->test, b, UINT_MAX, "no %02x", then);
	for (i = a; i != UINT_MAX; i = find_op(rig, i + 1, first))
		KUNIT_EXPECT_LT_MSG(rig->test, rig->fake->log[i].sync,
				    rig->fake->log[b].sync,
				    "%02x at %u, %02x at %u", first, i, then,
				    b);
}

static void expect_ends_with_sync(struct rig *rig)
{
	unsigned int num = rig->fake->num_log;

	KUNIT_ASSERT_GT(rig->test, num, 0U);
	KUNIT_EXPECT_EQ(rig->test,
			smmuv3_fake_op(&rig->fake->log[num - 1].cmd), FAKE_SYNC);
}

static void test_flush_stage1(struct kunit *test)
{
	struct rig *rig = test->priv;
	unsigned int i;

	have_ats(rig);
	attach(rig, rig->stage1, 0);
	attach(rig, rig->stage1, PASID);
	smmuv3_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test,
			smmuv3_domain_flush(rig->stage1, 0x7000, 0x7fff, SZ_4K,
					    true), 0);
	expect_order(rig, FAKE_TLBI_NH_VA, FAKE_ATC_INV);
	expect_ends_with_sync(rig);
	i = find_op(rig, 0, FAKE_TLBI_NH_VA);
	KUNIT_EXPECT_EQ(test, cmd_vmid(rig, i), 0);
	KUNIT_EXPECT_EQ(test, cmd_asid(rig, i), tag_id(rig->stage1));
	/* One ASID, but the device caches by PASID */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_TLBI_NH_VA),
			1U);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 2U);
	KUNIT_EXPECT_NE(test, smmuv3_fake_find(rig->fake, 0,
					       &FAKE_CMD(0x40 | (u64)SID << 32,
							 0x7000)), UINT_MAX);
	KUNIT_EXPECT_NE(test, smmuv3_fake_find(rig->fake, 0,
					       &FAKE_CMD(0x40 | 1 << 11 |
							 PASID << 12 |
							 (u64)SID << 32,
							 0x7000)), UINT_MAX);

	/* Everything */
	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush(rig->stage1, 0, U64_MAX, SZ_4K, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_TLBI_NH_ASID),
			1U);
	expect_order(rig, FAKE_TLBI_NH_ASID, FAKE_ATC_INV);
	/* Nobody there */
	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush(rig->other, 0, U64_MAX, SZ_4K, false);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0U);
}

/*
 * A device has no smaller unit than it was told (PCIe 6.0, 10.5.1.3), and a request
 * for less of it is none: what user space asks for is rounded.
 */
static void test_flush_less_than_a_unit(struct kunit *test)
{
	struct rig *rig = test->priv;
	unsigned int i;

	have_ats(rig);
	rig->device->ats_stu = 16;
	attach(rig, rig->stage1, 0);
	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush(rig->stage1, 0x37010, 0x3701f, SZ_4K, false);
	i = find_op(rig, 0, FAKE_ATC_INV);
	KUNIT_ASSERT_NE(test, i, UINT_MAX);
	/* 2^4 pages of 4 KiB */
	KUNIT_EXPECT_EQ(test, rig->fake->log[i].cmd.qw[1], 0x30004ULL);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 1U);
	/* What there is in two of them is two of them */
	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush(rig->stage1, 0x3f000, 0x40fff, SZ_4K, false);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 2U);
	for (i = find_op(rig, 0, FAKE_ATC_INV); i != UINT_MAX;
	     i = find_op(rig, i + 1, FAKE_ATC_INV))
		KUNIT_EXPECT_EQ(test, rig->fake->log[i].cmd.qw[1] & 0xffff,
				4ULL);
}

static void test_flush_without_ats(struct kunit *test)
{
	struct rig *rig = test->priv;

	attach(rig, rig->stage1, 0);
	smmuv3_domain_flush(rig->stage1, 0x7000, 0x7fff, SZ_4K, true);
	attach(rig, rig->nested, 0);
	smmuv3_domain_flush(rig->parent, 0x7000, 0x7fff, SZ_4K, true);
	smmuv3_detach_all(rig->device);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake, FAKE_ATC_INV), 0U);
}

static void test_flush_parent(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_fake *fake = rig->fake;
	unsigned int i;
	u16 vmid;

	have_ats(rig);
	attach(rig, rig->nested, 0);
	vmid = tag_id(rig->parent);
	smmuv3_fake_forget(fake);
	KUNIT_EXPECT_EQ(test,
			smmuv3_domain_flush(rig->parent, 0x7000, 0x7fff, SZ_4K,
					    true), 0);
	/* Both stages combined are found by the guest's address alone */
	i = find_op(rig, 0, FAKE_TLBI_S2_IPA);
	KUNIT_ASSERT_NE(test, i, UINT_MAX);
	KUNIT_EXPECT_EQ(test, cmd_vmid(rig, i), vmid);
	KUNIT_EXPECT_NE(test, smmuv3_fake_find(fake, 0,
					       &FAKE_CMD_TLBI_NH_ALL(vmid)),
			UINT_MAX);
	/* What is combined anew must not be of the old stage 2 */
	expect_order(rig, FAKE_TLBI_S2_IPA, FAKE_TLBI_NH_ALL);
	expect_order(rig, FAKE_TLBI_NH_ALL, FAKE_ATC_INV);
	/* The guest's PASIDs are not ours to know: all of them */
	i = find_op(rig, 0, FAKE_ATC_INV);
	KUNIT_EXPECT_EQ(test, fake->log[i].cmd.qw[1] & 0x3f, 52ULL);
	expect_ends_with_sync(rig);

	/* All of a VMID is of both stages, in one */
	smmuv3_fake_forget(fake);
	smmuv3_domain_flush(rig->parent, 0, U64_MAX, SZ_4K, false);
	KUNIT_EXPECT_NE(test, smmuv3_fake_find(fake, 0,
					       &FAKE_CMD_TLBI_S12_VMALL(vmid)),
			UINT_MAX);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(fake, FAKE_TLBI_NH_ALL), 0U);
	expect_order(rig, FAKE_TLBI_S12_VMALL, FAKE_ATC_INV);

	/* Without children stage 2 is all there is */
	attach(rig, &smmuv3_identity_domain, 0);
	list_del_init(&rig->nested->child_item);
	attach(rig, rig->stage2, 0);
	smmuv3_fake_forget(fake);
	smmuv3_domain_flush(rig->parent, 0x7000, 0x7fff, SZ_4K, true);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(fake, FAKE_TLBI_S2_IPA), 1U);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(fake, FAKE_TLBI_NH_ALL), 0U);
}

/* A vIOMMU's VMID is its own, and its parent's flushes reach it. */
static void test_viommu_vmid(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_viommu *viommu;
	struct smmuv3_tag *tag;

	viommu = kunit_kzalloc(test, sizeof(*viommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, viommu);
	mutex_lock(&unit->lock);
	tag = smmuv3_tag_get(rig->parent, unit, viommu, TAG_IDS_VIOMMU);
	mutex_unlock(&unit->lock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(tag));
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_NE(test, stream_of(rig).s2.vmid, tag->id);
	rig->nested->viommu = viommu;
	smmuv3_detach_all(rig->device);
	attach(rig, rig->nested, 0);
	KUNIT_EXPECT_EQ(test, stream_of(rig).s2.vmid, tag->id);

	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush(rig->parent, 0, 0xfff, SZ_4K, true);
	KUNIT_EXPECT_NE(test,
			smmuv3_fake_find(rig->fake, 0,
					 &FAKE_CMD_TLBI_NH_ALL(tag->id)),
			UINT_MAX);
	expect_order(rig, FAKE_TLBI_S2_IPA, FAKE_TLBI_NH_ALL);
	/* When tables go as well */
	smmuv3_fake_forget(rig->fake);
	smmuv3_domain_flush_walks(rig->parent, 0, SZ_2M - 1, SZ_4K);
	expect_order(rig, FAKE_TLBI_S2_IPA, FAKE_TLBI_NH_ALL);
	expect_ends_with_sync(rig);
	smmuv3_detach_all(rig->device);
	/* The vIOMMU still has it */
	KUNIT_EXPECT_TRUE(test, is_taken(&unit->vmids.ida, tag->id));
	mutex_lock(&unit->lock);
	smmuv3_tag_put(rig->parent, tag);
	mutex_unlock(&unit->lock);
	rig->nested->viommu = NULL;
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&unit->vmids.ida));
}

/* --- what leaving does --- */

static void test_leave_nested(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_fake *fake = rig->fake;
	unsigned int ste, tlbi, atc, last;
	u16 vmid;

	have_ats(rig);
	attach(rig, rig->nested, 0);
	vmid = tag_id(rig->parent);
	smmuv3_fake_forget(fake);
	smmuv3_detach(rig->device, 0);
	ste = find_op(rig, 0, FAKE_CFGI_STE);
	tlbi = smmuv3_fake_find(fake, 0, &FAKE_CMD_TLBI_NH_ALL(vmid));
	atc = find_op(rig, 0, FAKE_ATC_INV);
	last = smmuv3_fake_find(fake, 0, &FAKE_CMD_TLBI_S12_VMALL(vmid));
	KUNIT_ASSERT_NE(test, ste, UINT_MAX);
	KUNIT_ASSERT_NE(test, tlbi, UINT_MAX);
	KUNIT_ASSERT_NE(test, atc, UINT_MAX);
	KUNIT_ASSERT_NE(test, last, UINT_MAX);
	KUNIT_EXPECT_LT(test, fake->log[ste].sync, fake->log[tlbi].sync);
	KUNIT_EXPECT_LT(test, fake->log[tlbi].sync, fake->log[atc].sync);
	/* Before anybody else gets the VMID */
	KUNIT_EXPECT_LT(test, fake->log[atc].sync, fake->log[last].sync);
	expect_ends_with_sync(rig);
}

static void test_leave_stage1(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_fake *fake = rig->fake;
	u16 asid;

	have_ats(rig);
	attach(rig, rig->stage1, 0);
	attach(rig, rig->stage1, PASID);
	asid = tag_id(rig->stage1);
	smmuv3_fake_forget(fake);
	smmuv3_detach(rig->device, PASID);
	expect_order(rig, FAKE_CFGI_CD, FAKE_ATC_INV);
	/* The ASID is in use still */
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(fake, FAKE_TLBI_NH_ASID), 0U);
	smmuv3_fake_forget(fake);
	smmuv3_detach(rig->device, 0);
	KUNIT_EXPECT_NE(test,
			smmuv3_fake_find(fake, 0,
					 &FAKE_CMD_TLBI_NH_ASID(0, asid)),
			UINT_MAX);
	expect_order(rig, FAKE_CFGI_STE, FAKE_TLBI_NH_ASID);
	expect_clean(rig);
}

/* An id that may still be cached is not given to anybody. */
static u8 refuse_tlbi(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	return smmuv3_fake_op(cmd) == FAKE_TLBI_NH_ASID ? FAKE_CERROR_ILL : 0;
}

static u8 refuse_nothing(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	return 0;
}

static void test_flush_refused(struct kunit *test)
{
	struct rig *rig = test->priv;
	u16 asid;

	attach(rig, rig->stage1, 0);
	asid = tag_id(rig->stage1);
	rig->fake->on_cmd = refuse_tlbi;
	smmuv3_detach(rig->device, 0);
	rig->fake->on_cmd = refuse_nothing;
	KUNIT_EXPECT_TRUE(test, is_taken(&rig->fake->unit.asids.ida, asid));
	attach(rig, rig->other, 0);
	KUNIT_EXPECT_NE(test, tag_id(rig->other), asid);
	/* When all has been flushed it is */
	KUNIT_EXPECT_EQ(test, smmuv3_owed_prove(&rig->fake->unit), 0);
	map_quarantine_settle();
	KUNIT_EXPECT_FALSE(test, is_taken(&rig->fake->unit.asids.ida, asid));
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->stage1->tags));
}

/* --- tables --- */

static size_t unmap(struct smmuv3_domain *domain, unsigned long iova,
		    size_t pgsize, size_t num, struct iommu_iotlb_gather *gather)
{
	return domain->domain.ops->unmap_pages(&domain->domain, iova, pgsize,
					       num, gather);
}

static int map(struct smmuv3_domain *domain, unsigned long iova, u64 paddr,
	       size_t pgsize, size_t num)
{
	size_t mapped = 0;

	return domain->domain.ops->map_pages(&domain->domain, iova, paddr,
					     pgsize, num,
					     IOMMU_READ | IOMMU_WRITE |
					     IOMMU_CACHE, GFP_KERNEL, &mapped);
}

/* A table goes behind a flush of its range, wherever the gather is. */
static void test_table_freed(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_domain *domain = rig->stage1;
	struct iommu_iotlb_gather gather;

	attach(rig, domain, 0);
	iommu_iotlb_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, map(domain, SZ_2M, SZ_2M, SZ_4K, 512), 0);
	KUNIT_ASSERT_EQ(test, map(domain, SZ_1G, SZ_4M, SZ_4K, 1), 0);
	smmuv3_fake_forget(rig->fake);
	/* A page far away is gathered first */
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_1G, SZ_4K, 1, &gather),
			(size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, rig->fake->num_log, 0U);
	KUNIT_EXPECT_EQ(test, unmap(domain, SZ_2M, SZ_2M, 1, &gather),
			(size_t)SZ_2M);
	/* The walk of the table, not leaves alone; then the page far away */
	KUNIT_EXPECT_GE(test, smmuv3_fake_count(rig->fake, FAKE_TLBI_NH_VA),
			2U);
	KUNIT_EXPECT_EQ(test, rig->fake->log[0].cmd.qw[1] & 1, 0ULL);
	KUNIT_EXPECT_TRUE(test, list_empty(&gather.freelist));
	expect_ends_with_sync(rig);
	smmuv3_fake_forget(rig->fake);
	domain->domain.ops->iotlb_sync(&domain->domain, &gather);
	KUNIT_EXPECT_GE(test, smmuv3_fake_count(rig->fake, FAKE_TLBI_NH_VA),
			1U);
}

/* The level of leaves is told if all are of one: of others nothing would go (4.4.1.1). */
static void expect_no_level(struct rig *rig, unsigned int level)
{
	const struct map_table_ops *ops;
	struct iommu_iotlb_gather gather;
	struct iova_range range = { .start = SZ_1G, .last = 2UL * SZ_1G - 1 };
	unsigned int i, seen = 0;

	ops = map_table_find(&rig->stage1->domain);
	KUNIT_ASSERT_NOT_NULL(rig->test, ops);
	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	KUNIT_ASSERT_EQ(rig->test, map(rig->stage1, SZ_1G, SZ_1G, SZ_1G, 1), 0);
	KUNIT_EXPECT_EQ(rig->test, unmap(rig->stage1, SZ_1G, SZ_1G, 1, &gather),
			(size_t)SZ_1G);
	if (level != 1) {
		KUNIT_ASSERT_EQ(rig->test, map(rig->stage1, 2UL * SZ_1G, SZ_1G,
					       SZ_2M, 1), 0);
		KUNIT_EXPECT_EQ(rig->test, unmap(rig->stage1, 2UL * SZ_1G,
						 SZ_2M, 1, &gather),
				(size_t)SZ_2M);
		range.last += SZ_2M;
	}
	smmuv3_fake_forget(rig->fake);
	ops->flush(&rig->stage1->domain, &range, 1, &gather);
	for (i = 0; i < rig->fake->num_log; i++) {
		const struct smmuv3_cmd *cmd = &rig->fake->log[i].cmd;

		if ((u8)cmd->qw[0] != FAKE_TLBI_NH_VA)
			continue;
		seen++;
		KUNIT_EXPECT_EQ(rig->test, cmd->qw[1] >> 8 & 3,
				(u64)(level == 1));
	}
	KUNIT_EXPECT_GE(rig->test, seen, 1U);
	expect_ends_with_sync(rig);
}

static void test_leaf_sizes(struct kunit *test)
{
	struct rig *rig = test->priv;

	attach(rig, rig->stage1, 0);
	expect_no_level(rig, 1);
	expect_no_level(rig, 0);
}

/* What io-pgtable would take for our bug is an error. */
static void test_bounds(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_domain *domain = rig->stage1;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, map(domain, BIT_ULL(48), 0, SZ_4K, 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, map(domain, BIT_ULL(48) - SZ_4K, 0, SZ_4K, 2),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, map(domain, 0, BIT_ULL(48), SZ_4K, 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, unmap(domain, BIT_ULL(48), SZ_4K, 1, &gather),
			(size_t)0);
	KUNIT_EXPECT_EQ(test, map(domain, BIT_ULL(48) - SZ_4K,
				  BIT_ULL(48) - SZ_4K, SZ_4K, 1), 0);
	KUNIT_EXPECT_EQ(test,
			domain->domain.ops->iova_to_phys(&domain->domain,
							 BIT_ULL(48) - 1),
			BIT_ULL(48) - 1);
	KUNIT_EXPECT_EQ(test,
			domain->domain.ops->iova_to_phys(&domain->domain,
							 BIT_ULL(48)), 0ULL);
}

static void test_flags(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_context_target cd = {};
	struct smmuv3_domain *domain;
	u32 both = IOMMU_HWPT_ALLOC_NEST_PARENT |
		   IOMMU_HWPT_ALLOC_DIRTY_TRACKING;

	KUNIT_EXPECT_PTR_EQ(test, smmuv3_paging_alloc(unit, both),
			    ERR_PTR(-EOPNOTSUPP));
	KUNIT_EXPECT_PTR_EQ(test, smmuv3_paging_alloc(unit, 1U << 31),
			    ERR_PTR(-EOPNOTSUPP));
	domain = new_paging(rig, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	KUNIT_EXPECT_EQ(test, attach(rig, domain, 0), 0);
	KUNIT_ASSERT_TRUE(test, has_context(rig, 0, &cd));
	KUNIT_EXPECT_TRUE(test, cd.hw_access && cd.hw_dirty);
	smmuv3_detach_all(rig->device);

	unit->caps.hw_dirty = false;
	KUNIT_EXPECT_EQ(test, attach(rig, domain, 0), -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test,
			    smmuv3_paging_alloc(unit,
						IOMMU_HWPT_ALLOC_DIRTY_TRACKING),
			    ERR_PTR(-EOPNOTSUPP));
	unit->caps.stage1 = false;
	KUNIT_EXPECT_PTR_EQ(test,
			    smmuv3_paging_alloc(unit,
						IOMMU_HWPT_ALLOC_NEST_PARENT),
			    ERR_PTR(-EOPNOTSUPP));
	domain = new_paging(rig, 0);
	KUNIT_EXPECT_EQ(test, domain->kind, SMMUV3_DOMAIN_STAGE2);
	KUNIT_EXPECT_PTR_EQ(test, smmuv3_nest_parent(&domain->domain), NULL);
	KUNIT_EXPECT_PTR_EQ(test, smmuv3_nest_parent(&rig->parent->domain),
			    rig->parent);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(test_rid_then_pasid),
	KUNIT_CASE(test_pasid_then_rid),
	KUNIT_CASE(test_kinds_of_pasids),
	KUNIT_CASE(test_suspect),
	KUNIT_CASE(test_other_unit),
	KUNIT_CASE(test_two_pasids),
	KUNIT_CASE(test_identity_with_ats),
	KUNIT_CASE(test_replace),
	KUNIT_CASE(test_contents),
	KUNIT_CASE(test_no_asid_left),
	KUNIT_CASE(test_ids_are_left),
	KUNIT_CASE(test_flush_stage1),
	KUNIT_CASE(test_flush_less_than_a_unit),
	KUNIT_CASE(test_flush_without_ats),
	KUNIT_CASE(test_flush_parent),
	KUNIT_CASE(test_viommu_vmid),
	KUNIT_CASE(test_leave_nested),
	KUNIT_CASE(test_leave_stage1),
	KUNIT_CASE(test_flush_refused),
	KUNIT_CASE(test_table_freed),
	KUNIT_CASE(test_leaf_sizes),
	KUNIT_CASE(test_bounds),
	KUNIT_CASE(test_flags),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "iommufd_smmuv3_attach",
	.init = rig_init,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
