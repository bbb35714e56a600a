/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of struct iova_space say to each other. */
#ifndef __IOMMUFD_MAP_INTERNAL_H
#define __IOMMUFD_MAP_INTERNAL_H

#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/sched.h>

#include "iova_space.h"

struct iova_request;

/* Last IOVA of a range; length 0 is -EINVAL, past the end -EOVERFLOW. */
static inline int iova_range_last(unsigned long iova, unsigned long length,
				  unsigned long *last)
{
	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, last))
		return -EOVERFLOW;
	return 0;
}

/* Between two of what user space may have made many of. @rounds: 0 at the beginning */
static inline void iova_yield(unsigned int *rounds)
{
	if (!(++*rounds % 256))
		cond_resched();
}

/* ranges.c */
bool iova_space_is_reserved(struct iova_space *space, unsigned long start,
			    unsigned long last);
bool iova_space_find_usable(struct iova_space *space, struct iova_request *req,
			    unsigned long *iova);
int iova_space_reserve_locked(struct iova_space *space, unsigned long start,
			      unsigned long last, const void *owner);
void iova_space_unreserve_locked(struct iova_space *space, const void *owner);
void iova_space_free_ranges(struct iova_space *space);

/* domains.c */
int iova_space_add_alignment(struct iova_space *space, unsigned long alignment);
void iova_space_drop_alignment(struct iova_space *space,
			       unsigned long alignment);

/* unmap.c */
void iova_space_free_areas(struct iova_space *space, struct list_head *areas);
void iova_space_unfill_areas(struct iova_space *space, struct list_head *areas);

/* access.c */
void iova_space_notify_unmap(struct iova_space *space, unsigned long iova,
			     unsigned long length);

#endif
