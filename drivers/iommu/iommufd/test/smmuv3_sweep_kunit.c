// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: is every command of the SMMUv3 driver that invalidates needed, and would we
 * notice if it were missing? (IHI 0070 3.21, 4.3 to 4.5)
 *
 * Each step of the driver is done on a model once as it is, and then once for each
 * of its commands with that one dropped; and for each TLB invalidation with cached
 * tables left alone. DMA must notice, or a table here says why it cannot.
 */
#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/slab.h>

#include "smmuv3_sweep.h"
#include "smmuv3_sweep_redundant.h"
#include "user_mmap.h"

/* Identification registers (6.3.1, 6.3.4) */
#define IDR0_ASID16	BIT(12)
#define IDR0_VMID16	BIT(18)
#define IDR0_CD2L	BIT(19)
#define IDR0_ST_LEVEL	GENMASK(28, 27)
#define IDR1_SSIDSIZE	GENMASK(10, 6)
#define IDR3_RIL	BIT(10)

static const struct smmuv3_sweep_unit units[SMSW_NUM_UNITS] = {
	[SMSW_UNIT_MODERN] = { "modern", .pasid_bits = 20,
			       .flags = MODEL_PCI_PASID | MODEL_PCI_ATS },
	[SMSW_UNIT_NO_ATS] = { "no ATS", .pasid_bits = 20,
			       .flags = MODEL_PCI_PASID },
	[SMSW_UNIT_LINEAR] = { "linear tables, 8-bit ids, no ranges",
			       .clear_idr0 = IDR0_ASID16 | IDR0_VMID16 |
					     IDR0_CD2L | IDR0_ST_LEVEL,
			       .clear_idr3 = IDR3_RIL, .pasid_bits = 4,
			       .flags = MODEL_PCI_PASID | MODEL_PCI_ATS },
	[SMSW_UNIT_PLAIN] = { "no PASID", .clear_idr1 = IDR1_SSIDSIZE,
			      .flags = MODEL_PCI_ATS },
	[SMSW_UNIT_NOT_GLOBAL] = { "no global invalidation", .pasid_bits = 20,
				   .flags = MODEL_PCI_PASID | MODEL_PCI_ATS |
					    MODEL_PCI_NO_GLOBAL },
};

/* What is left out, one at a time */
static const enum smmuv3_model_inject kinds[] = {
	SMMUV3_MODEL_INJECT_DROP,
	SMMUV3_MODEL_INJECT_MISS_LEAF,
};

/**
 * struct score - what became of the mutants
 * @swept: runs with something left out
 * @caught: that were noticed
 * @redundant: that were not, and are in the table
 */
struct score {
	unsigned int swept;
	unsigned int caught;
	unsigned int redundant;
};

/**
 * struct counts - what the unit did in a step
 * @before: its counters before it
 * @after: and after it
 */
struct counts {
	struct smmuv3_model_counts before;
	struct smmuv3_model_counts after;
};

static struct smmuv3_sweep sweeps[SMSW_NUM_UNITS];
static struct score total;

static struct smmuv3_sweep *machine(struct kunit *test, unsigned int unit)
{
	struct smmuv3_sweep *s = &sweeps[unit];

	if (!s->unit)
		KUNIT_ASSERT_EQ(test, 0, smmuv3_sweep_create(s, &units[unit]));
	KUNIT_ASSERT_NE(test, 0, s->rig.num);
	s->array = (void __user *)test_user_mmap(test, PAGE_SIZE,
						 PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_NOT_NULL(test, (void __force *)s->array);
	return s;
}

static void sweep_suite_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sweeps); i++)
		if (sweeps[i].unit)
			smmuv3_sweep_destroy(&sweeps[i]);
}

static bool next_step(unsigned int index, struct smmuv3_sweep_step *step)
{
	if (index < smmuv3_sweep_num_transitions)
		return smmuv3_sweep_transition(index, step);
	index -= smmuv3_sweep_num_transitions;
	if (index < smmuv3_sweep_num_steps) {
		*step = smmuv3_sweep_steps[index];
		return true;
	}
	index -= smmuv3_sweep_num_steps;
	if (index >= smmuv3_sweep_num_guest_steps)
		return false;
	*step = smmuv3_sweep_guest_steps[index];
	return true;
}

/*
 * A step, with an error or (@nth 0) without. 0; the step cannot be done.
 */
static int run(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step,
	       enum smmuv3_model_inject what, unsigned long nth,
	       struct counts *did)
{
	struct smmuv3_model *model = s->rig.machine->model;
	unsigned long violations = 0;
	int rc;

	s->why = NULL;
	s->num_hot = 0;
	rc = step->setup(s, step);
	if (!rc) {
		smmuv3_model_counts(model, &did->before);
		if (nth) {
			violations = model_violations_expect();
			smmuv3_model_inject(model, what, nth);
		}
		smmuv3_sweep_traffic(s, true);
		rc = step->act(s, step);
		smmuv3_sweep_traffic(s, false);
		smmuv3_model_inject(model, what, 0);
		smmuv3_model_counts(model, &did->after);
		step->check(s, step);
		if (nth && model_violations_expected(violations) && !s->why)
			s->why = "the model complains";
	}
	smmuv3_sweep_settle(s);
	if (step->undo)
		step->undo(s, step);
	return rc;
}

static bool is_tlbi(unsigned int op)
{
	return op >= 0x10 && op <= 0x30;
}

/* How many errors of a kind there are in a step. */
static unsigned int chances(enum smmuv3_model_inject what,
			    const struct counts *did)
{
	unsigned int op, n = 0;

	for (op = 0; op < ARRAY_SIZE(did->after.commands); op++)
		if (what == SMMUV3_MODEL_INJECT_DROP || is_tlbi(op))
			n += did->after.commands[op] - did->before.commands[op];
	return n;
}

/*
 * The opcode of what was dropped, or kept tables; 0 if nothing was: a table that a
 * step had made is there already, or the command had no table to forget.
 */
static unsigned int hit_op(enum smmuv3_model_inject what,
			   const struct counts *did)
{
	bool drop = what == SMMUV3_MODEL_INJECT_DROP;
	const u64 *before = drop ? did->before.dropped : did->before.kept;
	const u64 *after = drop ? did->after.dropped : did->after.kept;
	unsigned int op;

	for (op = ARRAY_SIZE(did->after.dropped) - 1; op; op--)
		if (after[op] != before[op])
			break;
	return op;
}

static void judge(struct kunit *test, struct smmuv3_sweep *s, unsigned int unit,
		  const struct smmuv3_sweep_step *step,
		  enum smmuv3_model_inject what, unsigned int op,
		  unsigned int nth, struct score *score)
{
	const char *reason = smmuv3_sweep_redundant(unit, step, what, op, nth);

	score->swept++;
	if (s->why && !reason)
		score->caught++;
	else if (!s->why && reason)
		score->redundant++;
	else if (s->why)
		KUNIT_FAIL(test, "%s: %s: error %u, command %#x, %u: noticed (%s), but said to be redundant (%s)",
			   s->unit->name, step->name, what, op, nth, s->why,
			   reason);
	else
		KUNIT_FAIL(test, "%s: %s: error %u, command %#x, %u: not noticed",
			   s->unit->name, step->name, what, op, nth);
}

static void sweep_step(struct kunit *test, struct smmuv3_sweep *s,
		       unsigned int unit, const struct smmuv3_sweep_step *step,
		       enum smmuv3_model_inject what, unsigned int num,
		       struct counts *did, struct score *score)
{
	u8 of_op[256] = {};
	unsigned int n, op;

	for (n = 1; n <= num; n++) {
		KUNIT_ASSERT_EQ_MSG(test, 0, run(s, step, what, n, did),
				    "%s: %s, %u, %u: %s", s->unit->name,
				    step->name, what, n, s->why);
		KUNIT_ASSERT_NE(test, 0, s->rig.num);
		op = hit_op(what, did);
		if (!op)
			continue;
		judge(test, s, unit, step, what, op, ++of_op[op], score);
	}
}

static void add_score(struct score *sum, const struct score *score)
{
	sum->swept += score->swept;
	sum->caught += score->caught;
	sum->redundant += score->redundant;
}

/* A step, as it is and with each error. False: not on this unit. */
static bool test_step(struct kunit *test, struct smmuv3_sweep *s,
		      unsigned int unit, const struct smmuv3_sweep_step *step,
		      struct counts *did, struct score *all)
{
	unsigned int k, num[ARRAY_SIZE(kinds)];
	struct score score = {};
	int rc;

	rc = run(s, step, SMMUV3_MODEL_INJECT_DROP, 0, did);
	if (rc == -EOPNOTSUPP)
		return false;
	KUNIT_EXPECT_EQ_MSG(test, 0, rc, "%s: %s: %s", s->unit->name,
			    step->name, s->why ?: "setup");
	KUNIT_EXPECT_NULL_MSG(test, s->why, "%s: %s, with nothing dropped: %s",
			      s->unit->name, step->name, s->why);
	if (rc || s->why)
		return false;
	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		num[k] = chances(kinds[k], did);
	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		sweep_step(test, s, unit, step, kinds[k], num[k], did, &score);
	kunit_info(test, "%s: %s: swept %u, caught %u, redundant %u",
		   s->unit->name, step->name, score.swept, score.caught,
		   score.redundant);
	add_score(all, &score);
	return true;
}

static void test_unit(struct kunit *test, unsigned int unit)
{
	struct smmuv3_sweep *s = machine(test, unit);
	struct smmuv3_sweep_step step;
	unsigned int i, steps = 0;
	struct score all = {};
	struct counts *did;

	did = kunit_kzalloc(test, sizeof(*did), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, did);
	for (i = 0; next_step(i, &step); i++) {
		if (s->unit->no_transitions && step.from != step.to)
			continue;
		steps += test_step(test, s, unit, &step, did, &all);
	}
	kunit_info(test, "%s: %u steps, swept %u, caught %u, redundant %u",
		   s->unit->name, steps, all.swept, all.caught, all.redundant);
	KUNIT_EXPECT_NE(test, 0, all.caught);
	add_score(&total, &all);
}

#define UNIT_TEST(_name, _unit)						\
static void _name(struct kunit *test)					\
{									\
	test_unit(test, _unit);						\
}

UNIT_TEST(test_modern, SMSW_UNIT_MODERN)
UNIT_TEST(test_no_ats, SMSW_UNIT_NO_ATS)
UNIT_TEST(test_linear, SMSW_UNIT_LINEAR)
UNIT_TEST(test_plain, SMSW_UNIT_PLAIN)

/*
 * A function that ignores that an invalidation is for all PASIDs (PCIe 6.0, 10.5.1.2):
 * each step, with nothing left out, is as on any other.
 */
static void test_not_global(struct kunit *test)
{
	struct smmuv3_sweep_step step;
	struct smmuv3_sweep *s;
	struct counts *did;
	unsigned int i;
	int rc;

	did = kunit_kzalloc(test, sizeof(*did), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, did);
	s = machine(test, SMSW_UNIT_NOT_GLOBAL);
	KUNIT_EXPECT_FALSE(test, s->rig.device[0]->ats_global);
	for (i = 0; next_step(i, &step); i++) {
		rc = run(s, &step, SMMUV3_MODEL_INJECT_DROP, 0, did);
		if (rc == -EOPNOTSUPP)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, 0, rc, "%s: %s", step.name,
				    s->why ?: "setup");
		KUNIT_EXPECT_NULL_MSG(test, s->why, "%s: %s", step.name,
				      s->why);
	}
}

static void test_total(struct kunit *test)
{
	kunit_info(test, "swept %u, caught %u, redundant %u", total.swept,
		   total.caught, total.redundant);
	KUNIT_EXPECT_EQ(test, total.swept, total.caught + total.redundant);
	KUNIT_EXPECT_NE(test, 0, total.caught);
	smmuv3_sweep_redundant_unused(test);
}

static struct kunit_case sweep_cases[] = {
	KUNIT_CASE_SLOW(test_modern),
	KUNIT_CASE_SLOW(test_no_ats),
	KUNIT_CASE_SLOW(test_linear),
	KUNIT_CASE_SLOW(test_plain),
	KUNIT_CASE_SLOW(test_not_global),
	KUNIT_CASE_SLOW(test_total),
	{}
};

static struct kunit_suite sweep_suite = {
	.name = "iommufd_smmuv3_sweep",
	.suite_exit = sweep_suite_exit,
	.test_cases = sweep_cases,
};

kunit_test_suite(sweep_suite);
