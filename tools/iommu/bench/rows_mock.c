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

struct mover {
	struct rig r;
	unsigned int last;
	__u32 hwpt;
};

/* From the IOAS to another HWPT and back */
static void there_and_back(void *arg)
{
	struct mover *m = arg;
	__u32 stdev = m->r.dev[m->last].stdev;

	must(rig_attach(&m->r, stdev, m->r.ioas), "attach to the IOAS");
	must(rig_attach(&m->r, stdev, m->hwpt), "attach to a HWPT");
}

/* What it costs to move the n-th device. */
void rows_devices(void)
{
	static const unsigned int counts[] = { 1, 8, 64 };
	static struct mover m;
	unsigned int i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char name[32];

		rig_open(&m.r, counts[i], 1, 0, false);
		m.last = counts[i] - 1;
		m.hwpt = m.r.parent;
		there_and_back(&m);
		snprintf(name, sizeof(name), "devices.%u", counts[i]);
		row(name, count(there_and_back, &m, bench.quick ? 8 : 32));
		/* The mock's devices can have 65536 faults outstanding. */
		m.hwpt = m.r.nested[m.last];
		there_and_back(&m);
		snprintf(name, sizeof(name), "devices.%u.queue", counts[i]);
		row(name, count(there_and_back, &m, bench.quick ? 4 : 8));
		rig_close(&m.r);
	}
}
