/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers by which a unit tells apart what it has cached of domains: domain ids,
 * ASIDs, VMIDs. For the IOMMU drivers; the caller has a lock of the unit's.
 */
#ifndef __IOMMUFD_TAG_IDS_H
#define __IOMMUFD_TAG_IDS_H

#include <linux/idr.h>

/**
 * struct tag_ids - numbers of one kind, of a unit
 * @ida: those in use
 * @num: how many
 */
struct tag_ids {
	struct ida ida;
	unsigned int num;
};

/**
 * enum tag_ids_claim - what a number is wanted for
 * @TAG_IDS_OWN: one of the first TAG_IDS_OWN_MAX of a device
 * @TAG_IDS_VIOMMU: a vIOMMU's; a quarter of the numbers stays free
 * @TAG_IDS_MORE: more of them, for PASIDs; half of the numbers stays free
 */
enum tag_ids_claim {
	TAG_IDS_OWN,
	TAG_IDS_VIOMMU,
	TAG_IDS_MORE,
};

/* Each device can have so many, whatever others have. */
#define TAG_IDS_OWN_MAX		2

/*
 * alloc  one of @first to @total less 1. It, -ENOSPC or -ENOMEM. May sleep
 * free   undo. May sleep
 */
void tag_ids_init(struct tag_ids *ids);
void tag_ids_destroy(struct tag_ids *ids);
int tag_ids_alloc(struct tag_ids *ids, unsigned int first, unsigned int total,
		  enum tag_ids_claim claim);
void tag_ids_free(struct tag_ids *ids, unsigned int id);

#endif
