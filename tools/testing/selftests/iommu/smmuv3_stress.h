/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SMMUv3 as a struct ms_kind, of two sorts. smmuv3_kind: the kernel keeps context
 * descriptors and tables, and a PASID's space is an IOAS of its own. That its pages
 * come and go is said by IOAS_MAP and IOAS_UNMAP. smmuv3_guest_kind: a guest keeps
 * both, behind a vIOMMU, and sends the commands of a driver; a function has one
 * HWPT, and with it one fault queue, for all its PASIDs.
 */
#ifndef SELFTESTS_IOMMU_SMMUV3_STRESS_H
#define SELFTESTS_IOMMU_SMMUV3_STRESS_H

#include "model_stress.h"
#include "smmuv3_model_test.h"

static inline int smmuv3_machine(struct ms *s)
{
	static const struct model_smmuv3 modern = { 0 };

	return model_smmuv3_add(&s->model, &modern);
}

/* --- the kernel's tables --- */

static inline int smmuv3_function(struct ms *s, struct model_dev *f)
{
	(void)s;
	(void)f;
	return 0;
}

static inline int smmuv3_hwpt(struct ms *s, struct ms_space *sp,
			      const struct ms_queue *q, __u32 *hwpt)
{
	return iommu_hwpt_paging(s->fd, sp->f->v.id, sp->ioas,
				 q ? IOMMU_HWPT_FAULT_ID_VALID : 0,
				 q ? q->id : 0, hwpt);
}

static inline int smmuv3_space(struct ms *s, struct ms_space *sp,
			       const struct ms_queue *q)
{
	__u32 pt;

	if (!sp->leaf) {
		sp->leaf = calloc(MS_ENTRIES, sizeof(*sp->leaf));
		if (!sp->leaf)
			return -ENOMEM;
		MS_MUST(s, iommu_ioas_alloc(s->fd, &sp->ioas));
	}
	MS_MUST(s, smmuv3_hwpt(s, sp, q, &sp->hwpt));
	pt = sp->hwpt;
	MS_MUST(s, iommu_pasid_attach(s->fd, sp->f->v.id, sp->pasid, &pt));
	return 0;
}

/* ms_space::leaf: what is mapped there */
static inline int smmuv3_leaf(struct ms *s, struct ms_space *sp, __u64 at,
			      void *page)
{
	__u64 gva = MS_GVA + at * PAGE;

	if (atomic_exchange(&sp->leaf[at], page ? ms_gpa(s, page) : 0))
		MS_MUST(s, iommu_unmap(s->fd, sp->ioas, gva, PAGE, NULL));
	if (page)
		MS_MUST(s, iommu_map(s->fd, sp->ioas, page, PAGE, gva));
	return 0;
}

static inline int smmuv3_flush(struct ms *s, struct ms_space *sp, __u64 gva,
			       __u64 pages, __u32 *num)
{
	struct iommu_hwpt_invalidate_range range[3];
	__u32 i, n = num ? *num : 1;
	int rc;

	memset(range, 0, sizeof(range));
	for (i = 0; i < n; i++) {
		range[i].iova = gva + i * pages * PAGE;
		range[i].length = pages * PAGE;
	}
	rc = iommu_hwpt_invalidate(s->fd, sp->hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_RANGE, range,
				   sizeof(range[0]), &n);
	if (num)
		*num = n;
	return rc;
}

static const struct ms_kind smmuv3_kind = {
	.machine = smmuv3_machine,
	.function = smmuv3_function,
	.space = smmuv3_space,
	.hwpt = smmuv3_hwpt,
	.leaf = smmuv3_leaf,
	.flush = smmuv3_flush,
	.delay = MODEL_SMMUV3_DELAY,
};

/* --- a guest's tables --- */

/* Two pages of context descriptors: PASIDs up to MS_SPACES */
#define SMMUV3_CDS_LOG2		7

static inline unsigned int smmuv3_index(const struct ms *s,
					const struct model_dev *f)
{
	return (unsigned int)(f - s->f);
}

static inline int smmuv3_guest_function(struct ms *s, struct model_dev *f)
{
	unsigned int n = smmuv3_index(s, f);
	unsigned char *cds;
	__u32 vdevice;

	if (!s->parent) {
		MS_MUST(s, iommu_hwpt_paging(s->fd, f->v.id, s->ioas,
					     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					     &s->parent));
		MS_MUST(s, iommu_viommu(s->fd, f->v.id, s->parent,
					IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0,
					&s->viommu));
	}
	MS_MUST(s, iommu_vdevice(s->fd, s->viommu, f->v.id, VSID + n,
				 &vdevice));
	/* Aligned to its size */
	cds = ms_pages(s, 3);
	if (!cds)
		return -ENOMEM;
	memset(cds, 0, 3 * PAGE);
	s->cds[n] = (ms_gpa(s, cds) + PAGE) & -(2 * PAGE);
	return 0;
}

static inline int smmuv3_guest_send(struct ms *s,
				    const struct iommu_viommu_arm_smmuv3_invalidate *cmds,
				    __u32 num)
{
	__u32 done = num;

	MS_MUST(s, iommu_hwpt_invalidate(s->fd, s->viommu,
					 IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
					 cmds, sizeof(*cmds), &done));
	MS_SAME(s, num, done);
	return 0;
}

/* The HWPT of a function is that of its first space, and has its queue. */
static inline int smmuv3_guest_stream(struct ms *s, struct ms_space *sp,
				      const struct ms_queue *q)
{
	struct iommu_hwpt_arm_smmuv3 data = {
		.ste = {
			STE_VALID | STE_STAGE1 | STE_CDMAX(SMMUV3_CDS_LOG2) |
				s->cds[smmuv3_index(s, sp->f)],
			STE_DSS_TERMINATE | STE_CD_CACHED | STE_EATS,
		},
	};
	unsigned int i;
	__u32 pt;

	for (i = 0; i < MS_SPACES; i++)
		if (s->space[i].f == sp->f && s->space[i].hwpt) {
			sp->hwpt = s->space[i].hwpt;
			return 0;
		}
	MS_MUST(s, iommu_hwpt_nested(s->fd, sp->f->v.id, s->viommu,
				     IOMMU_HWPT_FAULT_ID_VALID, q->id,
				     IOMMU_HWPT_DATA_ARM_SMMUV3, &data,
				     sizeof(data), &sp->hwpt));
	pt = sp->hwpt;
	MS_MUST(s, vfio_dev_attach(&sp->f->v, &pt));
	return 0;
}

/* Levels 0 to 3 for MS_GVA; the last one is there. */
static inline int smmuv3_guest_table(struct ms *s, struct ms_space *sp)
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
			     ms_gpa(s, (void *)t[i + 1]) | S1_TABLE);
	sp->root = ms_gpa(s, (void *)t[0]);
	sp->leaf = t[3];
	return 0;
}

/* A PASID's ASID has the same number. */
static inline int smmuv3_guest_space(struct ms *s, struct ms_space *sp,
				     const struct ms_queue *q)
{
	unsigned int n = smmuv3_index(s, sp->f);
	const struct iommu_viommu_arm_smmuv3_invalidate cmd = {
		.cmd = {
			CMD_CFGI_CD | CMD_SID(VSID + n) |
				(__u64)sp->pasid << 12,
			CMD_LEAF,
		},
	};
	__u64 *cd = (__u64 *)(s->memory + (s->cds[n] - MS_GPA) +
			      sp->pasid * CD_SIZE);

	if (smmuv3_guest_stream(s, sp, q))
		return -1;
	MS_MUST(s, smmuv3_guest_table(s, sp));
	cd[1] = sp->root;
	cd[2] = 0;
	cd[3] = CD_MAIR;
	__atomic_store_n(&cd[0], CD_USUAL | CD_ASID(sp->pasid),
			 __ATOMIC_RELEASE);
	return smmuv3_guest_send(s, &cmd, 1);
}

static inline int smmuv3_guest_leaf(struct ms *s, struct ms_space *sp, __u64 at,
				    void *page)
{
	atomic_store(&sp->leaf[at],
		     page ? ms_gpa(s, page) | S1_RW | S1_PAGE : 0);
	return 0;
}

/* Page by page; in the device, at once: the leaf table is for 2 MiB (4.5.1). */
static inline int smmuv3_guest_flush(struct ms *s, struct ms_space *sp,
				     __u64 gva, __u64 pages, __u32 *num)
{
	struct iommu_viommu_arm_smmuv3_invalidate cmds[MS_MAX_PAGES + 1];
	unsigned int n = smmuv3_index(s, sp->f), i;
	__u64 all = pages * (num ? *num : 1);

	if (all > MS_MAX_PAGES) {
		all = 1;
		cmds[0].cmd[0] = CMD_TLBI_NH_ASID | CMD_ASID(sp->pasid);
		cmds[0].cmd[1] = 0;
	} else {
		for (i = 0; i < all; i++) {
			cmds[i].cmd[0] = CMD_TLBI_NH_VA | CMD_ASID(sp->pasid);
			cmds[i].cmd[1] = (gva + i * PAGE) | CMD_LEAF;
		}
	}
	cmds[all].cmd[0] = CMD_ATC_INV | CMD_SID(VSID + n) |
			   CMD_SSID(sp->pasid);
	cmds[all].cmd[1] = MS_GVA | 9;
	return smmuv3_guest_send(s, cmds, (__u32)all + 1);
}

static const struct ms_kind smmuv3_guest_kind = {
	.machine = smmuv3_machine,
	.function = smmuv3_guest_function,
	.space = smmuv3_guest_space,
	.leaf = smmuv3_guest_leaf,
	.flush = smmuv3_guest_flush,
	.delay = MODEL_SMMUV3_DELAY,
};

#endif
