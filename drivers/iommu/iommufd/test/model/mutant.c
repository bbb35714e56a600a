// SPDX-License-Identifier: GPL-2.0-only
/* Which mistake a model makes: the parameter that says so. */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "mutant.h"

static int mutant_set(const char *val, const struct kernel_param *kp)
{
	const struct model_mutants *mutants = kp->arg;
	unsigned int i;

	for (i = 0; i < mutants->num; i++) {
		if (!sysfs_streq(val, mutants->list[i].name))
			continue;
		WRITE_ONCE(*mutants->now, i);
		return 0;
	}
	return -EINVAL;
}

static int mutant_get(char *buf, const struct kernel_param *kp)
{
	const struct model_mutants *mutants = kp->arg;

	return sysfs_emit(buf, "%s\n",
			  mutants->list[READ_ONCE(*mutants->now)].name);
}

const struct kernel_param_ops model_mutant_ops = {
	.set = mutant_set,
	.get = mutant_get,
};
