// SPDX-License-Identifier: GPL-2.0-only
/* The model's judgment, for tests of the driver that have no model. */
#include <linux/slab.h>

#include "model/smmuv3_internal.h"
#include "smmuv3_legal.h"

/**
 * smmuv3_legal_ste() - would a unit take a stream table entry?
 * @idr: IDR0 to IDR5
 * @val: the eight words
 *
 * May sleep.
 *
 * Return: false: C_BAD_STE; also without memory.
 */
bool smmuv3_legal_ste(const u32 idr[6], const u64 *val)
{
	struct smmuv3_model *model = kvzalloc(sizeof(*model), GFP_KERNEL);
	bool legal;

	if (!model)
		return false;
	model->config.idr0 = idr[0];
	model->config.idr1 = idr[1];
	model->config.idr3 = idr[3];
	model->config.idr5 = idr[5];
	legal = smmuv3_ste_legal(model, val);
	kvfree(model);
	return legal;
}
