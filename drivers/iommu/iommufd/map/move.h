/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making another process pay for what is pinned: of files alone, whose memory does not
 * belong to the process that mapped it. All that was added, or nothing.
 */
#ifndef __IOMMUFD_MAP_MOVE_H
#define __IOMMUFD_MAP_MOVE_H

#include <linux/list.h>

#include "pages.h"

/**
 * struct map_move - a change of who pays
 * @pages: struct map_pages by @moving, with a reference each
 * @owner: who is to pay
 */
struct map_move {
	struct list_head pages;
	struct map_owner owner;
};

void map_move_begin(struct map_move *move);
int map_move_add(struct map_move *move, struct iova_space *space);
int map_move_commit(struct map_move *move);
void map_move_end(struct map_move *move);

#endif
