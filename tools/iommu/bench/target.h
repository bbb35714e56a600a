/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device and its address space, on /dev/iommu or in a type1 container. What
 * is timed is the system call alone: its structure is made ready before.
 */
#ifndef TOOLS_IOMMU_BENCH_TARGET_H
#define TOOLS_IOMMU_BENCH_TARGET_H

#include "../lib/iommu.h"
#include "../lib/vfio_dev.h"
#include "bench.h"

/**
 * struct target - a device and its address space
 * @fd: /dev/iommu, or the container
 * @group: the device's VFIO group, with a container
 * @ioas: its IOAS, with /dev/iommu
 * @edu: the device, attached
 */
struct target {
	int fd;
	int group;
	__u32 ioas;
	struct vfio_dev edu;
};

void target_open(struct target *t);
void target_close(struct target *t);
/* Instructions of one call. */
__u64 target_map(struct target *t, void *va, __u64 length, __u64 iova);
__u64 target_unmap(struct target *t, __u64 iova, __u64 length);
/*
 * The memory that was mapped at @iova is out of reach: the device writes there, and the
 * byte at @va is as it was. That the device does write where it may is seen as well.
 */
void target_check_blocked(struct target *t, volatile char *va, __u64 iova);

#endif
