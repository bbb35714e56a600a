// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of a unit. Who has PASIDs, or makes vIOMMUs, can use up what others need to be
 * attached at all; and what the kernel itself needs when a device is given back, which
 * must not fail. So they leave some to devices that have hardly any.
 */
#include "tag_ids.h"

/**
 * tag_ids_init() - no number is in use
 * @ids: numbers
 */
void tag_ids_init(struct tag_ids *ids)
{
	ida_init(&ids->ida);
	ids->num = 0;
}

/**
 * tag_ids_destroy() - undo tag_ids_init()
 * @ids: none in use, or it does not matter
 */
void tag_ids_destroy(struct tag_ids *ids)
{
	ida_destroy(&ids->ida);
	ids->num = 0;
}

/**
 * tag_ids_alloc() - have a number
 * @ids: numbers; the caller has the lock
 * @first: the lowest that is given out
 * @total: one more than the highest
 * @claim: what for
 *
 * May sleep.
 *
 * Return: the number; -ENOSPC: none is left for @claim; -ENOMEM.
 */
int tag_ids_alloc(struct tag_ids *ids, unsigned int first, unsigned int total,
		  enum tag_ids_claim claim)
{
	unsigned int spare = 0;
	int id;

	if (claim == TAG_IDS_VIOMMU)
		spare = total / 4;
	else if (claim == TAG_IDS_MORE)
		spare = total / 2;
	if (first + ids->num + spare >= total)
		return -ENOSPC;
	id = ida_alloc_range(&ids->ida, first, total - 1, GFP_KERNEL);
	if (id >= 0)
		ids->num++;
	return id;
}

/**
 * tag_ids_free() - give a number back
 * @ids: numbers; the caller has the lock
 * @id: of tag_ids_alloc()
 */
void tag_ids_free(struct tag_ids *ids, unsigned int id)
{
	ida_free(&ids->ida, id);
	ids->num--;
}
