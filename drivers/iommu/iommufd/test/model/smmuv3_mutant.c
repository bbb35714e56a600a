// SPDX-License-Identifier: GPL-2.0-only
/* Which mistake the SMMUv3 model makes. */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "smmuv3_mutant.h"

static const struct {
	const char *name;
	const char *what;
} mutants[] = {
	{ "none", "as the specification has it" },
#define SMMUV3_MUTANT(name, what)	{ #name, what },
#include "smmuv3_mutants.h"
#undef SMMUV3_MUTANT
};

enum smmuv3_mutant smmuv3_mutant_now;

/**
 * smmuv3_mutant_set() - make a mistake from now on
 * @mutant: which; SMMUV3_MUTANT_NONE for none
 *
 * Of every unit. Any context.
 */
void smmuv3_mutant_set(enum smmuv3_mutant mutant)
{
	WRITE_ONCE(smmuv3_mutant_now, mutant);
}

/**
 * smmuv3_mutant_name() - what a mistake is called
 * @mutant: which, below SMMUV3_NUM_MUTANTS
 *
 * Return: the name.
 */
const char *smmuv3_mutant_name(enum smmuv3_mutant mutant)
{
	return mutants[mutant].name;
}

/**
 * smmuv3_mutant_what() - what it gets wrong
 * @mutant: which, below SMMUV3_NUM_MUTANTS
 *
 * Return: one line, with the section of the specification.
 */
const char *smmuv3_mutant_what(enum smmuv3_mutant mutant)
{
	return mutants[mutant].what;
}

static int mutant_set(const char *val, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mutants); i++) {
		if (!sysfs_streq(val, mutants[i].name))
			continue;
		smmuv3_mutant_set(i);
		return 0;
	}
	return -EINVAL;
}

static int mutant_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", mutants[READ_ONCE(smmuv3_mutant_now)].name);
}

static const struct kernel_param_ops mutant_ops = {
	.set = mutant_set,
	.get = mutant_get,
};

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "iommufd."
module_param_cb(smmuv3_model_mutant, &mutant_ops, NULL, 0644);
