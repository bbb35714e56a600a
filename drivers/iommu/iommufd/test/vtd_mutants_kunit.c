// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every mistake that the VT-d model can be told to make (model/vtd_mutants.h) is
 * made, and somebody has to notice: the tests of the model, or the driver on it.
 */
#include "model/vtd_model_kunit.h"
#include "vtd_mutants_kunit.h"

/* Of the mistakes, at least so many percent are noticed. */
#define GOAL	95

/**
 * struct equivalent - a mistake that cannot be seen
 * @mutant: which
 * @why: no software can tell
 */
struct equivalent {
	enum vtd_mutant mutant;
	const char *why;
};

static const struct equivalent equivalents[] = {
	{ VTD_MUTANT_TAG_PASID,
	  "entries of two PASIDs never meet: the model's buckets go by the PASID, too" },
};

static const char *why_not(enum vtd_mutant mutant)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(equivalents); i++)
		if (equivalents[i].mutant == mutant)
			return equivalents[i].why;
	return NULL;
}

/* Without a mistake all is well, or none of the rest means anything. */
static void no_mistake(struct kunit *test)
{
	const char *failed = vtd_checks_notice();

	KUNIT_EXPECT_TRUE_MSG(test, !failed, "%s", failed);
}

static const void *next_mistake(const void *prev, char *desc)
{
	static enum vtd_mutant now;

	now = prev ? now + 1 : VTD_MUTANT_NONE + 1;
	if (now == VTD_NUM_MUTANTS)
		return NULL;
	strscpy(desc, vtd_mutants[now].name, KUNIT_PARAM_DESC_SIZE);
	return &now;
}

static unsigned int num, noticed, by_driver;

/* What is cheaper is asked first: the model alone, then the driver on it. */
static void each_mistake(struct kunit *test)
{
	enum vtd_mutant i = *(const enum vtd_mutant *)test->param_value;
	const char *by;

	WRITE_ONCE(vtd_mutant_now, i);
	by = vtd_model_notices(test);
	if (!by) {
		by = vtd_checks_notice();
		by_driver += !!by;
	}
	WRITE_ONCE(vtd_mutant_now, VTD_MUTANT_NONE);
	num++;
	if (by) {
		noticed++;
		kunit_info(test, "%s: noticed by %s", vtd_mutants[i].name, by);
		KUNIT_EXPECT_TRUE_MSG(test, !why_not(i),
				      "%s is listed as unseen, and was noticed",
				      vtd_mutants[i].name);
		return;
	}
	kunit_info(test, "not noticed: %s (%s): %s", vtd_mutants[i].name,
		   vtd_mutants[i].what, why_not(i) ?: "no reason is known");
	KUNIT_EXPECT_TRUE_MSG(test, !!why_not(i), "%s was not noticed",
			      vtd_mutants[i].name);
}

static void enough(struct kunit *test)
{
	if (!num)
		kunit_skip(test, "no mistake was made");
	kunit_info(test, "mutants %u, noticed %u (%u %%), %u of them by the driver's use alone",
		   num, noticed, noticed * 100 / num, by_driver);
	KUNIT_EXPECT_GE(test, noticed * 100, num * GOAL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(no_mistake),
	KUNIT_CASE_PARAM_ATTR(each_mistake, next_mistake,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(enough),
	{}
};

static struct kunit_suite suite = {
	.name = "iommufd_model_mutants",
	.test_cases = cases,
};

kunit_test_suite(suite);

MODULE_DESCRIPTION("KUnit: mistakes of the VT-d model are noticed");
MODULE_LICENSE("GPL");
