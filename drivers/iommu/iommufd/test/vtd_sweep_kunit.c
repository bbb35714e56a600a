// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: is every invalidation of the VT-d driver needed, and would we notice if
 * it were missing? (6.5.3.3)
 *
 * Each step of the driver is done on a model once as it is, and then once for each
 * of its descriptors with that one dropped; for each, with cached tables left
 * alone; on units that do not snoop, with each write-back of a cache line left
 * out. DMA must notice, or a table here says why it cannot.
 */
#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "user_mmap.h"
#include "vtd_sweep.h"
#include "vtd_sweep_redundant.h"

/* Capability bits (11.4.2, 11.4.3) */
#define CAP_RWBF	BIT_ULL(4)
#define CAP_CM		BIT_ULL(7)
#define CAP_PSI		BIT_ULL(39)
#define ECAP_C		BIT_ULL(0)
#define ECAP_SMPWCS	BIT_ULL(48)

static const struct sweep_unit units[] = {
	[UNIT_MODERN] = { "modern", .flags = MODEL_PCI_PASID | MODEL_PCI_ATS },
	[UNIT_NO_ATS] = { "no ATS", .flags = MODEL_PCI_PASID },
	[UNIT_PLAIN] = { "no PASID, no ATS" },
	[UNIT_CACHING] = { "caching mode", .set_cap = CAP_CM,
			   .flags = MODEL_PCI_PASID | MODEL_PCI_ATS },
	[UNIT_NO_PSI] = { "no page-selective", .clear_cap = CAP_PSI,
			  .flags = MODEL_PCI_PASID | MODEL_PCI_ATS,
			  .no_transitions = true },
	[UNIT_NO_SNOOP] = { "no snooping", .clear_ecap = ECAP_C | ECAP_SMPWCS,
			    .flags = MODEL_PCI_PASID | MODEL_PCI_ATS },
	[UNIT_BUFFER] = { "write buffer", .set_cap = CAP_RWBF,
			  .flags = MODEL_PCI_PASID, .no_errors = true },
};

/* What is left out, one at a time */
static const enum vtd_model_inject kinds[] = {
	VTD_MODEL_INJECT_DROP,
	VTD_MODEL_INJECT_KEEP_TABLES,
	VTD_MODEL_INJECT_DROP_CLEAN,
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

static struct sweep sweeps[ARRAY_SIZE(units)];
static struct score total;

static struct sweep *machine(struct kunit *test, unsigned int unit)
{
	struct sweep *s = &sweeps[unit];

	if (!s->unit)
		KUNIT_ASSERT_EQ(test, 0, sweep_create(s, &units[unit]));
	KUNIT_ASSERT_NOT_NULL(test, s->rig.device[0]);
	s->test = test;
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
			sweep_destroy(&sweeps[i]);
}

static bool next_step(unsigned int index, struct sweep_step *step)
{
	if (sweep_transition(index, step))
		return true;
	index -= 2 * SWEEP_TRANSITION_STATES * (SWEEP_TRANSITION_STATES - 1);
	if (index >= sweep_num_domain_steps)
		return false;
	*step = sweep_domain_steps[index];
	return true;
}

static unsigned int sum(const u64 *num)
{
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++)
		n += num[i];
	return n;
}

/*
 * A step, with an error or (@nth 0) without. What the unit did in it is returned in
 * @did. 0; the step cannot be done.
 */
static int run(struct sweep *s, const struct sweep_step *step,
	       enum vtd_model_inject what, unsigned long nth,
	       struct vtd_model_counts *did)
{
	struct vtd_model *model = s->rig.machine->model;
	unsigned long violations = model_violations();
	struct vtd_model_counts before;
	unsigned int i;
	int rc;

	s->why = NULL;
	s->num_hot = 0;
	rc = step->setup(s, step);
	if (!rc) {
		vtd_model_counts(model, &before);
		if (nth) {
			violations = model_violations_expect();
			vtd_model_inject(model, what, nth);
		}
		sweep_traffic(s, true);
		s->moving = !nth && step->from != step->to ? step : NULL;
		rc = step->act(s, step);
		s->moving = NULL;
		sweep_traffic(s, false);
		vtd_model_inject(model, what, 0);
		vtd_model_counts(model, did);
		step->check(s, step);
		if (nth) {
			if (model_violations_expected(violations))
				s->why = "the unit read what was not written back";
		}
		for (i = 0; i < ARRAY_SIZE(did->descs); i++) {
			did->descs[i] -= before.descs[i];
			did->dropped[i] -= before.dropped[i];
		}
		did->kept -= before.kept;
		did->cleans -= before.cleans;
	}
	sweep_settle(s);
	if (step->undo)
		step->undo(s, step);
	return rc;
}

/* The type of what was dropped; 0 for other errors. */
static unsigned int dropped_type(const struct vtd_model_counts *did)
{
	unsigned int type;

	for (type = 15; type; type--)
		if (did->dropped[type])
			break;
	return type;
}

static void judge(struct kunit *test, struct sweep *s, unsigned int unit,
		  const struct sweep_step *step, enum vtd_model_inject what,
		  unsigned int type, unsigned int nth, struct score *score)
{
	const char *reason = sweep_redundant(unit, step, what, type, nth);

	score->swept++;
	if (s->why && !reason)
		score->caught++;
	else if (!s->why && reason)
		score->redundant++;
	else if (s->why)
		KUNIT_FAIL(test, "%s: %s: error %u, type %u, %u: noticed (%s), but said to be redundant (%s)",
			   s->unit->name, step->name, what, type, nth, s->why,
			   reason);
	else
		KUNIT_FAIL(test, "%s: %s: error %u, type %u, %u: not noticed",
			   s->unit->name, step->name, what, type, nth);
}

/* How many errors of a kind there are in a step that did @did. */
static unsigned int chances(const struct sweep_step *step,
			    enum vtd_model_inject what,
			    const struct vtd_model_counts *did)
{
	if (what == VTD_MODEL_INJECT_DROP_CLEAN)
		return step->no_cleans ? 0 : did->cleans;
	return sum(did->descs);
}

static void sweep_step(struct kunit *test, struct sweep *s, unsigned int unit,
		       const struct sweep_step *step,
		       enum vtd_model_inject what, unsigned int num,
		       struct score *score)
{
	unsigned int n, type, of_type[16] = {};
	struct vtd_model_counts did;

	for (n = 1; n <= num; n++) {
		KUNIT_ASSERT_EQ(test, 0, run(s, step, what, n, &did));
		KUNIT_ASSERT_NOT_NULL(test, s->rig.device[0]);
		if (what == VTD_MODEL_INJECT_KEEP_TABLES && !did.kept)
			continue;
		type = what == VTD_MODEL_INJECT_DROP ? dropped_type(&did) : 0;
		judge(test, s, unit, step, what, type, ++of_type[type], score);
	}
}

static void test_unit(struct kunit *test, unsigned int unit)
{
	struct sweep *s = machine(test, unit);
	struct vtd_model_counts did;
	struct sweep_step step;
	unsigned int i, k, steps = 0;
	struct score all = {};
	int rc;

	for (i = 0; next_step(i, &step); i++) {
		struct score score = {};

		if (s->unit->no_transitions && step.from != step.to)
			continue;
		rc = run(s, &step, VTD_MODEL_INJECT_DROP, 0, &did);
		if (rc == -EOPNOTSUPP)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, 0, rc, "%s: %s: %s", s->unit->name,
				    step.name, s->why ?: "setup");
		KUNIT_EXPECT_NULL_MSG(test, s->why,
				      "%s: %s, with nothing dropped: %s",
				      s->unit->name, step.name, s->why);
		if (rc || s->why)
			continue;
		for (k = 0; !s->unit->no_errors && k < ARRAY_SIZE(kinds);
		     k++)
			sweep_step(test, s, unit, &step, kinds[k],
				   chances(&step, kinds[k], &did), &score);
		kunit_info(test, "%s: %s: swept %u, caught %u, redundant %u",
			   s->unit->name, step.name, score.swept, score.caught,
			   score.redundant);
		all.swept += score.swept;
		all.caught += score.caught;
		all.redundant += score.redundant;
		steps++;
	}
	kunit_info(test, "%s: %u steps, swept %u, caught %u, redundant %u",
		   s->unit->name, steps, all.swept, all.caught, all.redundant);
	total.swept += all.swept;
	total.caught += all.caught;
	total.redundant += all.redundant;
}

#define UNIT_TEST(_name, _unit)						\
static void _name(struct kunit *test)					\
{									\
	test_unit(test, _unit);						\
}

UNIT_TEST(test_modern, UNIT_MODERN)
UNIT_TEST(test_no_ats, UNIT_NO_ATS)
UNIT_TEST(test_plain, UNIT_PLAIN)
UNIT_TEST(test_caching, UNIT_CACHING)
UNIT_TEST(test_no_psi, UNIT_NO_PSI)
UNIT_TEST(test_no_snoop, UNIT_NO_SNOOP)
UNIT_TEST(test_buffer, UNIT_BUFFER)

/**
 * struct row - a row of the table of 6.5.3.3
 * @row: what changes
 * @text: the same in words
 * @type: what has to be invalidated
 * @unit: one on which it has to be
 */
struct row {
	enum sweep_row row;
	const char *text;
	unsigned int type;
	unsigned int unit;
};

static const struct row rows[] = {
	{ ROW_CONTEXT, "context entry", SWEEP_CONTEXT, UNIT_MODERN },
	{ ROW_PASID_SS, "PASID entry, second stage or nested", SWEEP_PASID,
	  UNIT_MODERN },
	{ ROW_PASID_SS, "PASID entry, second stage or nested", SWEEP_IOTLB,
	  UNIT_MODERN },
	{ ROW_PASID_SS, "PASID entry, of RID, second stage or nested",
	  SWEEP_DEVICE_TLB, UNIT_MODERN },
	{ ROW_PASID_SS, "PASID entry, second stage or nested",
	  SWEEP_PASID_DEVICE_TLB, UNIT_MODERN },
	{ ROW_PASID_PT, "PASID entry, pass-through", SWEEP_PASID, UNIT_MODERN },
	{ ROW_PASID_PT, "PASID entry, pass-through", SWEEP_PASID_IOTLB,
	  UNIT_MODERN },
	{ ROW_PASID_PT, "PASID entry of RID, pass-through", SWEEP_DEVICE_TLB,
	  UNIT_MODERN },
	{ ROW_PASID_PT, "PASID entry, pass-through", SWEEP_PASID_DEVICE_TLB,
	  UNIT_MODERN },
	{ ROW_FS_LEAF, "first-stage leaf", SWEEP_PASID_IOTLB, UNIT_MODERN },
	{ ROW_FS_LEAF, "first-stage leaf", SWEEP_PASID_DEVICE_TLB, UNIT_MODERN },
	{ ROW_FS_TABLE, "first-stage table", SWEEP_PASID_IOTLB, UNIT_MODERN },
	{ ROW_FS_TABLE, "first-stage table", SWEEP_PASID_DEVICE_TLB,
	  UNIT_MODERN },
	{ ROW_SS_LEAF, "second-stage leaf", SWEEP_IOTLB, UNIT_MODERN },
	{ ROW_SS_LEAF, "second-stage leaf", SWEEP_DEVICE_TLB, UNIT_MODERN },
	{ ROW_SS_LEAF, "second-stage leaf", SWEEP_PASID_DEVICE_TLB, UNIT_MODERN },
	{ ROW_SS_TABLE, "second-stage table", SWEEP_IOTLB, UNIT_MODERN },
	{ ROW_SS_TABLE, "second-stage table", SWEEP_DEVICE_TLB, UNIT_MODERN },
	{ ROW_SS_TABLE, "second-stage table", SWEEP_PASID_DEVICE_TLB,
	  UNIT_MODERN },
	{ ROW_SS_NESTED, "second stage under a first", SWEEP_IOTLB, UNIT_NO_ATS },
	{ ROW_SS_NESTED, "second stage under a first", SWEEP_PASID_DEVICE_TLB,
	  UNIT_MODERN },
	{ ROW_CM_CONTEXT, "absent context entry, caching mode", SWEEP_CONTEXT,
	  UNIT_CACHING },
	{ ROW_CM_PASID, "absent PASID entry, caching mode", SWEEP_PASID,
	  UNIT_CACHING },
	{ ROW_CM_PAGE, "absent leaf, caching mode", SWEEP_IOTLB, UNIT_CACHING },
};

/* A driver that leaves out what a row wants, in every step that the row is for. */
static void test_row(struct kunit *test, const struct row *row)
{
	struct sweep *s = machine(test, row->unit);
	struct vtd_model_counts did;
	struct score score = {};
	struct sweep_step step;
	unsigned int i;
	int rc;

	for (i = 0; next_step(i, &step); i++) {
		if (!(step.rows & BIT(row->row)))
			continue;
		rc = run(s, &step, VTD_MODEL_INJECT_DROP_TYPES, BIT(row->type),
			 &did);
		KUNIT_ASSERT_NOT_NULL(test, s->rig.device[0]);
		if (rc == -EOPNOTSUPP || !did.dropped[row->type])
			continue;
		KUNIT_EXPECT_EQ(test, 0, rc);
		judge(test, s, row->unit, &step, VTD_MODEL_INJECT_DROP_TYPES,
		      row->type, 0, &score);
	}
	kunit_info(test, "6.5.3.3, %s, without type %u: swept %u, caught %u, redundant %u",
		   row->text, row->type, score.swept, score.caught,
		   score.redundant);
	KUNIT_EXPECT_NE_MSG(test, 0, score.caught + (row->row == ROW_PASID_PT),
			    "nothing shows that it is needed");
	total.swept += score.swept;
	total.caught += score.caught;
	total.redundant += score.redundant;
}

static void test_rows(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(test, &rows[i]);
}

static void test_total(struct kunit *test)
{
	kunit_info(test, "swept %u, caught %u, redundant %u", total.swept,
		   total.caught, total.redundant);
	KUNIT_EXPECT_EQ(test, total.swept, total.caught + total.redundant);
	KUNIT_EXPECT_NE(test, 0, total.caught);
	sweep_redundant_unused(test);
}

static struct kunit_case sweep_cases[] = {
	KUNIT_CASE_SLOW(test_modern),
	KUNIT_CASE_SLOW(test_no_ats),
	KUNIT_CASE_SLOW(test_plain),
	KUNIT_CASE_SLOW(test_caching),
	KUNIT_CASE_SLOW(test_no_psi),
	KUNIT_CASE_SLOW(test_no_snoop),
	KUNIT_CASE_SLOW(test_buffer),
	KUNIT_CASE_SLOW(test_rows),
	KUNIT_CASE_SLOW(test_total),
	{}
};

static struct kunit_suite sweep_suite = {
	.name = "iommufd_vtd_sweep",
	.suite_exit = sweep_suite_exit,
	.test_cases = sweep_cases,
};

kunit_test_suite(sweep_suite);
