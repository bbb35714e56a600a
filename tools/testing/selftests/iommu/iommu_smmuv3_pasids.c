// SPDX-License-Identifier: GPL-2.0
/*
 * A crowd of PASIDs on the model of an SMMUv3: tables that the kernel keeps, one for
 * each PASID; or a guest's table of context descriptors, which it owns as a whole.
 */
#include "pasid_crowd.h"
#include "smmuv3_model_test.h"

static int smmuv3_machine(struct model *m)
{
	static const struct model_smmuv3 modern = { 0 };

	return model_smmuv3_add(m, &modern);
}

static const struct pc_kind smmuv3_paging_kind = {
	.machine = smmuv3_machine,
	.space = pc_ioas_space,
	.map = pc_ioas_map,
};

/* --- a guest's context descriptors, in two levels --- */

static int guest_begin(struct pc *c)
{
	struct iommu_hwpt_arm_smmuv3 data;
	void *cds = pc_pages(c, 1);
	__u32 vdevice;

	if (!cds)
		PC_MUST(c, -ENOMEM);
	c->cds = pc_gpa(c, cds);
	PC_MUST(c, iommu_hwpt_paging(c->fd, c->f[0].v.id, c->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				     &c->parent));
	PC_MUST(c, iommu_viommu(c->fd, c->f[0].v.id, c->parent,
				IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0,
				&c->viommu));
	PC_MUST(c, iommu_vdevice(c->fd, c->viommu, c->f[0].v.id, VSID,
				 &vdevice));
	data.ste[0] = STE_VALID | STE_STAGE1 | c->cds | STE_FMT_4K |
		      STE_CDMAX(TWO_LEVEL_LOG2);
	data.ste[1] = STE_DSS_TERMINATE | STE_CD_CACHED | STE_EATS;
	PC_MUST(c, iommu_hwpt_nested(c->fd, c->f[0].v.id, c->viommu,
				     IOMMU_HWPT_FAULT_ID_VALID, c->queue_id,
				     IOMMU_HWPT_DATA_ARM_SMMUV3, &data,
				     sizeof(data), &c->stream));
	PC_MUST(c, vfio_dev_attach(&c->f[0].v, &c->stream));
	return 0;
}

/* Levels 0 to 3 for PC_GVA; the last one is there. */
static int guest_space(struct pc *c, struct pc_proc *p, struct pc_space *sp)
{
	atomic_ullong *t[4];
	unsigned int i;

	(void)p;
	for (i = 0; i < 4; i++) {
		t[i] = (atomic_ullong *)pc_pages(c, 1);
		if (!t[i])
			PC_MUST(c, -ENOMEM);
	}
	for (i = 0; i < 3; i++)
		atomic_store(&t[i][PC_GVA >> (39 - 9 * i) & 511],
			     pc_gpa(c, (void *)t[i + 1]) | S1_TABLE);
	sp->root = pc_gpa(c, (void *)t[0]);
	sp->leaf = t[3];
	return 0;
}

static int guest_map(struct pc *c, struct pc_proc *p, struct pc_space *sp,
		     unsigned int page)
{
	(void)p;
	atomic_store(&sp->leaf[page],
		     pc_gpa(c, sp->page[page]) | S1_RW | S1_PAGE);
	return 0;
}

/* The guest writes a descriptor, and sends the command that its driver would. */
static int guest_attach_pasid(struct pc *c, struct pc_proc *p)
{
	struct iommu_viommu_arm_smmuv3_invalidate cmd = {
		.cmd = {
			CMD_CFGI_CD | CMD_SID(VSID) | (__u64)p->vpasid << 12,
			CMD_LEAF,
		},
	};
	__u64 *l1 = (__u64 *)(c->memory + (c->cds - PC_GPA)) + (p->vpasid >> 6);
	__u32 num = 1;
	__u64 *cd;

	if (!(*l1 & S1_VALID)) {
		void *leaf = pc_pages(c, 1);

		if (!leaf)
			PC_MUST(c, -ENOMEM);
		__atomic_store_n(l1, pc_gpa(c, leaf) | S1_VALID,
				 __ATOMIC_RELEASE);
	}
	cd = (__u64 *)(c->memory + ((*l1 & S1_ADDR) - PC_GPA) +
		       (p->vpasid & 63) * CD_SIZE);
	cd[1] = p->space[0].root;
	cd[2] = 0;
	cd[3] = CD_MAIR;
	__atomic_store_n(&cd[0], CD_USUAL | CD_ASID(p->vpasid),
			 __ATOMIC_RELEASE);
	PC_MUST(c, iommu_hwpt_invalidate(c->fd, c->viommu,
					 IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
					 &cmd, sizeof(cmd), &num));
	return 0;
}

static const struct pc_kind smmuv3_guest_kind = {
	.machine = smmuv3_machine,
	.begin = guest_begin,
	.space = guest_space,
	.map = guest_map,
	.attach = guest_attach_pasid,
	.whole_only = true,
};

FIXTURE_VARIANT_ADD(crowd, smmuv3_paging) {
	.kind = &smmuv3_paging_kind,
};

FIXTURE_VARIANT_ADD(crowd, smmuv3_guest) {
	.kind = &smmuv3_guest_kind,
};

#include "pasid_crowd_cases.h"

/*
 * A stream has one stage 2, which all its PASIDs go through, and a context descriptor
 * only a table of stage 1: nothing that a user nests over a parent of its own can be a
 * PASID's, nor can a parent. The two ways to have PASIDs exclude each other, and a
 * switch that fails leaves the way there was.
 */
TEST_F_TIMEOUT(crowd, one_parent_for_all, 60)
{
	struct iommu_hwpt_arm_smmuv3 data;
	struct pc *c = &self->c;
	__u32 pt, hwpt, ioas, plain;
	char byte = 0;
	void *page;

	if (variant->kind != &smmuv3_guest_kind)
		SKIP(return, "of a guest's tables");
	PC_OK(c, pc_begin(c));
	page = pc_pages(c, 1);
	memset(page, 'p', 1);
	ASSERT_EQ(0, iommu_ioas_alloc(c->fd, &ioas));
	ASSERT_EQ(0, iommu_map(c->fd, ioas, page, PAGE, PC_GVA));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_paging(c->fd, c->f[0].v.id, c->ioas,
						 IOMMU_HWPT_ALLOC_NEST_PARENT |
						 IOMMU_HWPT_ALLOC_PASID, 0,
						 &hwpt));
	data.ste[0] = STE_VALID | STE_STAGE1 | c->cds | STE_FMT_4K |
		      STE_CDMAX(TWO_LEVEL_LOG2);
	data.ste[1] = STE_DSS_TERMINATE | STE_CD_CACHED | STE_EATS;
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_nested(c->fd, c->f[0].v.id, c->parent,
						 IOMMU_HWPT_ALLOC_PASID, 0,
						 IOMMU_HWPT_DATA_ARM_SMMUV3,
						 &data, sizeof(data), &hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(c->fd, c->f[0].v.id, ioas,
				       IOMMU_HWPT_ALLOC_PASID, 0, &plain));

	/* The guest has the table */
	pt = plain;
	EXPECT_EQ(-EBUSY, iommu_pasid_attach(c->fd, c->f[0].v.id, 9, &pt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  model_dma(&c->f[0], 0, 9, PC_GVA, &byte, 1, FOREVER_MS));

	/* The kernel has it */
	ASSERT_EQ(0, vfio_dev_detach(&c->f[0].v));
	pt = plain;
	ASSERT_EQ(0, iommu_pasid_attach(c->fd, c->f[0].v.id, 9, &pt));
	pt = c->stream;
	EXPECT_EQ(-EBUSY, vfio_dev_attach(&c->f[0].v, &pt));
	pt = c->parent;
	EXPECT_EQ(-EBUSY, vfio_dev_attach(&c->f[0].v, &pt));
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(c->fd, c->f[0].v.id, 10, &pt));
	pt = c->stream;
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(c->fd, c->f[0].v.id, 10, &pt));
	EXPECT_EQ(-EINVAL, iommu_pasid_replace(c->fd, c->f[0].v.id, 9, &pt));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&c->f[0], 0, 9, PC_GVA, &byte, 1, FOREVER_MS));
	EXPECT_EQ('p', byte);

	/* And the device itself as a stage 1 beside them, or as nothing */
	pt = plain;
	ASSERT_EQ(0, vfio_dev_attach(&c->f[0].v, &pt));
	pt = c->stream;
	EXPECT_EQ(-EBUSY, vfio_dev_attach(&c->f[0].v, &pt));
	byte = 0;
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&c->f[0], 0, MODEL_NO_PASID, PC_GVA, &byte, 1,
			    FOREVER_MS));
	EXPECT_EQ('p', byte);
	ASSERT_EQ(0, iommu_pasid_detach(c->fd, c->f[0].v.id, 9));
	pt = c->stream;
	EXPECT_EQ(0, vfio_dev_attach(&c->f[0].v, &pt));
}

/*
 * Each beside each, the device itself or one of its PASIDs first: what is said of it, and
 * that what was there first stays as it is.
 */
TEST_F_TIMEOUT(crowd, every_combination, 120)
{
	enum { NOTHING, STAGE1, PARENT, GUEST, KINDS };
	struct pc *c = &self->c;
	__u32 hwpt[KINDS], pt, ioas;
	struct model_dev *f = &c->f[0];
	int rid, pasid, want;
	char byte;
	void *page;

	if (variant->kind != &smmuv3_guest_kind)
		SKIP(return, "of a guest's tables");
	PC_OK(c, pc_begin(c));
	ASSERT_EQ(0, vfio_dev_detach(&f->v));
	page = pc_pages(c, 1);
	memset(page, 'p', 1);
	ASSERT_EQ(0, iommu_ioas_alloc(c->fd, &ioas));
	ASSERT_EQ(0, iommu_map(c->fd, ioas, page, PAGE, PC_GVA));
	ASSERT_EQ(0, iommu_hwpt_paging(c->fd, f->v.id, ioas,
				       IOMMU_HWPT_ALLOC_PASID, 0,
				       &hwpt[STAGE1]));
	hwpt[PARENT] = c->parent;
	hwpt[GUEST] = c->stream;
	for (rid = 0; rid < KINDS; rid++)
		for (pasid = 1; pasid < KINDS; pasid++) {
			/* A PASID has a stage 1 of the kernel's or nothing */
			want = pasid != STAGE1 ? -EINVAL :
			       rid > STAGE1 ? -EBUSY : 0;
			pt = hwpt[rid];
			if (rid)
				ASSERT_EQ(0, vfio_dev_attach(&f->v, &pt));
			pt = hwpt[pasid];
			/* Where the guest has the table, that is said first */
			if (rid == GUEST)
				want = -EBUSY;
			EXPECT_EQ(want, iommu_pasid_attach(c->fd, f->v.id, 9,
							   &pt))
				TH_LOG("device on %d, PASID on %d", rid, pasid);
			if (rid == STAGE1) {
				byte = 0;
				EXPECT_EQ(0, model_dma(f, 0, MODEL_NO_PASID,
						       PC_GVA, &byte, 1,
						       FOREVER_MS));
				EXPECT_EQ('p', byte);
			}
			if (!want) {
				byte = 0;
				EXPECT_EQ(0, model_dma(f, 0, 9, PC_GVA, &byte,
						       1, FOREVER_MS));
				EXPECT_EQ('p', byte);
				EXPECT_EQ(0, iommu_pasid_detach(c->fd, f->v.id,
								9));
			}
			if (rid)
				ASSERT_EQ(0, vfio_dev_detach(&f->v));
		}
	/* The PASID first */
	pt = hwpt[STAGE1];
	ASSERT_EQ(0, iommu_pasid_attach(c->fd, f->v.id, 9, &pt));
	for (rid = 1; rid < KINDS; rid++) {
		pt = hwpt[rid];
		EXPECT_EQ(rid == STAGE1 ? 0 : -EBUSY,
			  vfio_dev_attach(&f->v, &pt));
		byte = 0;
		EXPECT_EQ(0, model_dma(f, 0, 9, PC_GVA, &byte, 1, FOREVER_MS));
		EXPECT_EQ('p', byte);
		if (rid == STAGE1)
			ASSERT_EQ(0, vfio_dev_detach(&f->v));
	}
}

TEST_HARNESS_MAIN
