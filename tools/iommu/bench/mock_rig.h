/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mock devices whose faults come to queues, on any kernel that has the mock. A device
 * here does as little for a fault as the mock of the base tree does: what is
 * counted begins at the door of the kernel's fault path and ends there.
 */
#ifndef TOOLS_IOMMU_BENCH_MOCK_RIG_H
#define TOOLS_IOMMU_BENCH_MOCK_RIG_H

#include "../lib/mock.h"
#include "bench.h"

#define RIG_DEVICES	64
#define RIG_QUEUES	16

/**
 * struct rig - devices, nested HWPTs, queues
 * @fd: /dev/iommu
 * @native: it is ours: queues block, and have a depth
 * @ioas: an empty one
 * @parent: of the nested HWPTs
 * @devices: how many
 * @dev: each attached to a nested HWPT of its own
 * @nested: those
 * @queues: how many; device n sends to queue n modulo this
 * @queue: their fds
 * @queue_id: and ids
 * @grpid: of the next fault
 */
struct rig {
	int fd;
	bool native;
	__u32 ioas;
	__u32 parent;
	unsigned int devices;
	struct mock_device dev[RIG_DEVICES];
	__u32 nested[RIG_DEVICES];
	unsigned int queues;
	int queue[RIG_QUEUES];
	__u32 queue_id[RIG_QUEUES];
	__u32 grpid;
};

/* @depth: of a queue of ours, 0: what it has without being told */
void rig_open(struct rig *r, unsigned int devices, unsigned int queues,
	      __u32 depth, bool blocking);
void rig_close(struct rig *r);
/* Moves a device to @pt; returns 0 or a negative errno. */
int rig_attach(struct rig *r, __u32 stdev, __u32 pt);
/* A fault, of a group of one. Nothing is timed here. */
int rig_report(struct rig *r, unsigned int dev, __u32 grpid);
/* As far as a report is from its door: an object is found by its id, and let go. */
int rig_look_up(struct rig *r);

#endif
