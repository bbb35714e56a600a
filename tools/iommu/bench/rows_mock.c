// SPDX-License-Identifier: GPL-2.0
/* Invalidations of a nested table, and many devices, on the mock. */
#include <stdio.h>
#include <string.h>

#include "mock_rig.h"

#define MAX_ENTRIES	256

struct invalidation {
	int fd;
	__u32 num;
	struct iommu_hwpt_invalidate cmd;
};

static void invalidate(void *arg)
{
	struct invalidation *v = arg;

	v->cmd.entry_num = v->num;
	must(iommu_call(v->fd, IOMMU_HWPT_INVALIDATE, &v->cmd),
	     "HWPT_INVALIDATE");
}

void rows_invalidate(void)
{
	static const unsigned int counts[] = { 1, 16, 256 };
	static struct iommu_hwpt_invalidate_selftest reqs[MAX_ENTRIES];
	struct rig r;
	unsigned int i;

	rig_open(&r, 1, 1, 0, false);
	for (i = 0; i < MAX_ENTRIES; i++)
		reqs[i].iotlb_id = i % MOCK_NESTED_DOMAIN_IOTLB_NUM;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned int loops = (bench.quick ? 1000 : 8000) / counts[i];
		struct invalidation v = {
			.fd = r.fd,
			.num = counts[i],
			.cmd = {
				.size = sizeof(v.cmd),
				.hwpt_id = r.nested[0],
				.data_uptr = (__u64)(unsigned long)reqs,
				.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
				.entry_len = sizeof(reqs[0]),
			},
		};
		char name[32];

		snprintf(name, sizeof(name), "invalidate.%u", counts[i]);
		row(name, count(invalidate, &v, loops + 8) / counts[i]);
	}
	rig_close(&r);
}

/* What the n-th device costs to attach, and a fault of it. */
void rows_devices(void)
{
	static const unsigned int counts[] = { 1, 8, 64 };
	unsigned int i, j;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned int last = counts[i] - 1, loops = 64;
		__u64 costs[64], back[64];
		char name[32];
		struct rig r;

		rig_open(&r, counts[i], 1, 0, false);
		for (j = 0; j < loops; j++) {
			__u64 start = now();

			must(rig_attach(&r, r.dev[last].stdev, r.ioas),
			     "attach to the IOAS");
			back[j] = now() - start;
			start = now();
			must(rig_attach(&r, r.dev[last].stdev, r.nested[last]),
			     "attach to the nested HWPT");
			costs[j] = now() - start;
		}
		snprintf(name, sizeof(name), "devices.%u.ioas", counts[i]);
		row(name, (double)median(back, loops));
		snprintf(name, sizeof(name), "devices.%u.nested", counts[i]);
		row(name, (double)median(costs, loops));
		rig_close(&r);
	}
}
