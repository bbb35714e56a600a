/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VT-d as a struct ms_kind: a nest parent over the guest's memory, and a nested
 * HWPT for each PASID, whose first-stage table is in that memory.
 */
#ifndef SELFTESTS_IOMMU_VTD_STRESS_H
#define SELFTESTS_IOMMU_VTD_STRESS_H

#include "model_stress.h"

/* First-stage entries (VT-d 9.7): present, writable, user. */
#define VTD_PTE		7ULL

static inline int vtd_machine(struct ms *s)
{
	return model_vtd_add(&s->model, 0, 0);
}

/* With the first one the nest parent */
static inline int vtd_function(struct ms *s, struct model_dev *f)
{
	if (!s->parent)
		MS_MUST(s, iommu_hwpt_paging(s->fd, f->v.id, s->ioas,
					     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					     &s->parent));
	return 0;
}

static inline int vtd_nested(struct ms *s, struct model_dev *f, __u64 root,
			     const struct ms_queue *q, __u32 *hwpt)
{
	struct iommu_hwpt_vtd_s1 s1 = {
		.pgtbl_addr = root,
		.addr_width = 48,
	};

	return iommu_hwpt_nested(s->fd, f->v.id, s->parent,
				 q ? IOMMU_HWPT_FAULT_ID_VALID : 0,
				 q ? q->id : 0, IOMMU_HWPT_DATA_VTD_S1, &s1,
				 sizeof(s1), hwpt);
}

/* An empty table of four levels for MS_GVA; the leaf table is there. */
static inline int vtd_table(struct ms *s, struct ms_space *sp)
{
	atomic_ullong *t[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t[i] = ms_pages(s, 1);
		if (!t[i])
			return -ENOMEM;
		memset((void *)t[i], 0, PAGE);
	}
	for (i = 0; i < 3; i++)
		atomic_store(&t[i][MS_GVA >> (39 - 9 * i) & 511],
			     ms_gpa(s, (void *)t[i + 1]) | VTD_PTE);
	sp->root = ms_gpa(s, (void *)t[0]);
	sp->leaf = t[3];
	return 0;
}

static inline int vtd_space(struct ms *s, struct ms_space *sp,
			    const struct ms_queue *q)
{
	__u32 pt;

	if (!sp->leaf)
		MS_MUST(s, vtd_table(s, sp));
	MS_MUST(s, vtd_nested(s, sp->f, sp->root, q, &sp->hwpt));
	pt = sp->hwpt;
	MS_MUST(s, iommu_pasid_attach(s->fd, sp->f->v.id, sp->pasid, &pt));
	return 0;
}

static inline int vtd_hwpt(struct ms *s, struct ms_space *sp,
			   const struct ms_queue *q, __u32 *hwpt)
{
	return vtd_nested(s, sp->f, sp->root, q, hwpt);
}

static inline int vtd_leaf(struct ms *s, struct ms_space *sp, __u64 at,
			   void *page)
{
	atomic_store(&sp->leaf[at], page ? ms_gpa(s, page) | VTD_PTE : 0);
	return 0;
}

/* By a request array of @num pages' ranges; returns the errno. */
static inline int vtd_flush(struct ms *s, struct ms_space *sp, __u64 gva,
			    __u64 pages, __u32 *num)
{
	struct iommu_hwpt_vtd_s1_invalidate req[3];
	__u32 i, n = num ? *num : 1;
	int rc;

	memset(req, 0, sizeof(req));
	for (i = 0; i < n; i++) {
		req[i].addr = gva + i * pages * PAGE;
		req[i].npages = pages;
	}
	rc = iommu_hwpt_invalidate(s->fd, sp->hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, req,
				   sizeof(req[0]), &n);
	if (num)
		*num = n;
	return rc;
}

static const struct ms_kind vtd_kind = {
	.machine = vtd_machine,
	.function = vtd_function,
	.space = vtd_space,
	.hwpt = vtd_hwpt,
	.leaf = vtd_leaf,
	.flush = vtd_flush,
	.delay = MODEL_VTD_DELAY,
};

#endif
