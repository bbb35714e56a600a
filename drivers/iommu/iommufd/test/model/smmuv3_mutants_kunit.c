// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every mistake that the SMMUv3 model can be told to make (smmuv3_mutants.h) is made,
 * and the model's own tests have to notice.
 */
#include "smmuv3_model_kunit.h"

/* Without a mistake all is well, or none of the rest means anything. */
static void no_mistake(struct kunit *test)
{
	const char *failed = sm_notices(test);

	KUNIT_EXPECT_TRUE_MSG(test, !failed, "%s", failed);
}

static const void *next_mistake(const void *prev, char *desc)
{
	static enum smmuv3_mutant now;

	now = prev ? now + 1 : SMMUV3_MUTANT_NONE + 1;
	if (now == SMMUV3_NUM_MUTANTS)
		return NULL;
	strscpy(desc, smmuv3_mutants[now].name, KUNIT_PARAM_DESC_SIZE);
	return &now;
}

static unsigned int num, noticed;

static void each_mistake(struct kunit *test)
{
	enum smmuv3_mutant i = *(const enum smmuv3_mutant *)test->param_value;
	const char *by;

	WRITE_ONCE(smmuv3_mutant_now, i);
	by = sm_notices(test);
	WRITE_ONCE(smmuv3_mutant_now, SMMUV3_MUTANT_NONE);
	num++;
	if (by) {
		noticed++;
		kunit_info(test, "%s: noticed by %s", smmuv3_mutants[i].name, by);
	}
	KUNIT_EXPECT_NOT_NULL_MSG(test, by, "not noticed: %s (%s)",
				  smmuv3_mutants[i].name, smmuv3_mutants[i].what);
}

static void enough(struct kunit *test)
{
	if (!num)
		kunit_skip(test, "no mistake was made");
	kunit_info(test, "mutants %u, noticed %u (%u %%)", num, noticed,
		   noticed * 100 / num);
	KUNIT_EXPECT_EQ(test, noticed, num);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(no_mistake),
	KUNIT_CASE_PARAM_ATTR(each_mistake, next_mistake,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(enough),
	{}
};

static struct kunit_suite suite = {
	.name = "iommufd_smmuv3_model_mutants",
	.test_cases = cases,
};

kunit_test_suite(suite);

MODULE_DESCRIPTION("KUnit: mistakes of the SMMUv3 model are noticed");
MODULE_LICENSE("GPL");
