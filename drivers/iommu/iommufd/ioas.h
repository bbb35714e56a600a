/* SPDX-License-Identifier: GPL-2.0-only */
/* The IOAS object: an I/O address space with an id, and the HWPTs made of it. */
#ifndef __IOMMUFD_IOAS_H
#define __IOMMUFD_IOAS_H

#include <linux/mutex.h>

#include "map/iova_space.h"
#include "object.h"

/**
 * struct iommufd_ioas - an I/O address space user space can name
 * @obj: its id
 * @space: IOVA to memory
 * @hwpt_lock: guards @hwpts; held while an automatic HWPT is chosen or made.
 *	A group's lock and those of @space are taken inside it, never around it
 * @hwpts: struct iommufd_hwpt_paging, all that were made of this IOAS; the automatic
 *	ones first
 */
struct iommufd_ioas {
	struct iommufd_object obj;
	struct iova_space space;
	struct mutex hwpt_lock;	/* hwpts; outside of group locks */
	struct list_head hwpts;
};

struct iommufd_ioas *iommufd_ioas_new(struct iommufd_ctx *ictx);
void iommufd_ioas_abort(struct iommufd_ioas *ioas);

/* Returns with a call reference: iommufd_object_put(&ioas->obj). */
static inline struct iommufd_ioas *iommufd_ioas_get(struct iommufd_ctx *ictx,
						    u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_IOAS);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	return container_of(obj, struct iommufd_ioas, obj);
}

static inline enum map_charge iommufd_charge(struct iommufd_ctx *ictx)
{
	return ictx->account_process ? MAP_CHARGE_PROCESS : MAP_CHARGE_USER;
}

int iommufd_ioas_alloc_ioctl(struct iommufd_call *call);
int iommufd_ioas_allow_iovas_ioctl(struct iommufd_call *call);
int iommufd_ioas_iova_ranges_ioctl(struct iommufd_call *call);
int iommufd_ioas_map_ioctl(struct iommufd_call *call);
int iommufd_ioas_map_file_ioctl(struct iommufd_call *call);
int iommufd_ioas_change_process_ioctl(struct iommufd_call *call);
int iommufd_ioas_copy_ioctl(struct iommufd_call *call);
int iommufd_ioas_unmap_ioctl(struct iommufd_call *call);
int iommufd_option_ioctl(struct iommufd_call *call);

#endif
