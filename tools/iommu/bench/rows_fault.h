/* SPDX-License-Identifier: GPL-2.0 */
/* What the rows about faults share: one buffer, and the plain calls. */
#ifndef TOOLS_IOMMU_BENCH_ROWS_FAULT_H
#define TOOLS_IOMMU_BENCH_ROWS_FAULT_H

#include "mock_rig.h"

/* Most faults outstanding in a row */
#define FAULT_MAX	4096

extern struct iommu_hwpt_pgfault fault_records[FAULT_MAX];
extern struct iommu_hwpt_page_response fault_answers[FAULT_MAX];

/* Instructions of a report that goes to no device */
__u64 report_floor(struct rig *r);
/* Into fault_records, until @n are there */
void read_all(int queue, unsigned int n);
/* Into fault_answers: success for each */
void prepare_answers(const struct iommu_hwpt_pgfault *records, unsigned int n);
void answer_all(int queue, unsigned int n);

#endif
