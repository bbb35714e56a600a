// SPDX-License-Identifier: GPL-2.0-only
/*
 * Defects that a test switches on, to see that it notices:
 * iommufd.mutant=NAME at boot, or /sys/module/iommufd/parameters/mutant.
 */
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "../failpoint.h"

static const char *const names[] = {
	[IOMMUFD_MUTANT_NONE] = "none",
	[IOMMUFD_MUTANT_VTD_NO_INSTALL] = "vtd-no-install",
	[IOMMUFD_MUTANT_SMMUV3_NO_INSTALL] = "smmuv3-no-install",
	[IOMMUFD_MUTANT_NO_DRIVER] = "no-iommufd-driver",
};

static unsigned int current_mutant;

/**
 * iommufd_mutant() - is a defect switched on?
 * @which: the defect
 *
 * Any context.
 *
 * Return: true if the code is to misbehave.
 */
bool iommufd_mutant(enum iommufd_mutant which)
{
	return READ_ONCE(current_mutant) == which;
}

static int mutant_set(const char *val, const struct kernel_param *kp)
{
	int which = sysfs_match_string(names, val);

	if (which < 0)
		return which;
	WRITE_ONCE(current_mutant, which);
	return 0;
}

static int mutant_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", names[READ_ONCE(current_mutant)]);
}

static const struct kernel_param_ops mutant_ops = {
	.set = mutant_set,
	.get = mutant_get,
};

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "iommufd."
module_param_cb(mutant, &mutant_ops, NULL, 0644);
