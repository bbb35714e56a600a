// SPDX-License-Identifier: GPL-2.0
/*
 * A crowd of PASIDs on the model of a VT-d unit: first-stage tables of a "guest", or
 * tables that the kernel keeps; a function as a whole, and mediated devices beside it.
 */
#include "pasid_crowd.h"

/* First-stage entries (VT-d 9.7): present, writable, user. */
#define VTD_PTE		7ULL

static int vtd_machine(struct model *m)
{
	return model_vtd_add(m, 0, 0);
}

static int vtd_parent(struct pc *c, __u32 *hwpt)
{
	PC_MUST(c, iommu_hwpt_paging(c->fd, c->f[0].v.id, c->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT, 0, hwpt));
	return 0;
}

static int vtd_begin(struct pc *c)
{
	return vtd_parent(c, &c->parent);
}

/* Four levels for PC_GVA; the leaf table is there. */
static int vtd_table(struct pc *c, struct pc_space *sp)
{
	atomic_ullong *t[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t[i] = (atomic_ullong *)pc_pages(c, 1);
		if (!t[i])
			PC_MUST(c, -ENOMEM);
	}
	for (i = 0; i < 3; i++)
		atomic_store(&t[i][PC_GVA >> (39 - 9 * i) & 511],
			     pc_gpa(c, (void *)t[i + 1]) | VTD_PTE);
	sp->root = pc_gpa(c, (void *)t[0]);
	sp->leaf = t[3];
	return 0;
}

static int vtd_nested(struct pc *c, __u32 dev, __u32 parent, __u64 root,
		      __u32 flags, __u32 queue_id, __u32 *hwpt)
{
	struct iommu_hwpt_vtd_s1 s1 = {
		.pgtbl_addr = root,
		.addr_width = 48,
	};

	return iommu_hwpt_nested(c->fd, dev, parent,
				 flags | IOMMU_HWPT_ALLOC_PASID, queue_id,
				 IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), hwpt);
}

static int vtd_space(struct pc *c, struct pc_proc *p, struct pc_space *sp)
{
	if (vtd_table(c, sp))
		return -1;
	PC_MUST(c, vtd_nested(c, p->dev, c->parent, sp->root,
			      IOMMU_HWPT_FAULT_ID_VALID, p->queue_id,
			      &sp->hwpt));
	return 0;
}

/* What was not present is not cached (VT-d 6.2.5): nothing to invalidate. */
static int vtd_map(struct pc *c, struct pc_proc *p, struct pc_space *sp,
		   unsigned int page)
{
	(void)p;
	atomic_store(&sp->leaf[page], pc_gpa(c, sp->page[page]) | VTD_PTE);
	return 0;
}

static const struct pc_kind vtd_nested_kind = {
	.machine = vtd_machine,
	.begin = vtd_begin,
	.space = vtd_space,
	.map = vtd_map,
};

static const struct pc_kind vtd_paging_kind = {
	.machine = vtd_machine,
	.space = pc_ioas_space,
	.map = pc_ioas_map,
};

FIXTURE_VARIANT_ADD(crowd, vtd_nested) {
	.kind = &vtd_nested_kind,
};

FIXTURE_VARIANT_ADD(crowd, vtd_paging) {
	.kind = &vtd_paging_kind,
};

#include "pasid_crowd_cases.h"

/*
 * Two PASIDs of one requester id have nested tables over parents that are not alike,
 * the device itself a third: each entry of the PASID table names its own second stage.
 */
TEST_F_TIMEOUT(crowd, unlike_parents, 60)
{
	static const __u32 pasid[] = { 5, 6 };
	__u32 parent[2], ioas[2], hwpt[2], pt, i;
	struct pc *c = &self->c;
	struct pc_space sp[2];
	unsigned char *mem[2];
	char byte;

	if (variant->kind != &vtd_nested_kind)
		SKIP(return, "of nested tables");
	PC_OK(c, pc_begin(c));
	memset(sp, 0, sizeof(sp));
	for (i = 0; i < 2; i++) {
		/* One table for both; only the memory behind it is another */
		if (!i) {
			PC_OK(c, vtd_table(c, &sp[0]));
			sp[0].page[0] = pc_pages(c, 1);
			PC_OK(c, vtd_map(c, NULL, &sp[0], 0));
		}
		mem[i] = mem_get(c->used);
		ASSERT_NE(NULL, mem[i]);
		memcpy(mem[i], c->memory, c->used);
		mem[i][sp[0].page[0] - c->memory] = (unsigned char)('x' + i);
		ASSERT_EQ(0, iommu_ioas_alloc(c->fd, &ioas[i]));
		ASSERT_EQ(0, iommu_map(c->fd, ioas[i], mem[i], c->used,
				       PC_GPA));
		ASSERT_EQ(0, iommu_hwpt_paging(c->fd, c->f[0].v.id, ioas[i],
					       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					       &parent[i]));
		ASSERT_EQ(0, vtd_nested(c, c->f[0].v.id, parent[i], sp[0].root,
					0, 0, &hwpt[i]));
		pt = hwpt[i];
		ASSERT_EQ(0, iommu_pasid_attach(c->fd, c->f[0].v.id, pasid[i],
						&pt));
	}
	pt = c->parent;
	ASSERT_EQ(0, vfio_dev_attach(&c->f[0].v, &pt));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, model_dma(&c->f[0], 0, pasid[i], PC_GVA, &byte, 1,
				       FOREVER_MS));
		EXPECT_EQ('x' + (int)i, byte);
	}
	/* A parent by itself is a table of a PASID too */
	pt = parent[1];
	ASSERT_EQ(0, iommu_pasid_replace(c->fd, c->f[0].v.id, pasid[0], &pt));
	ASSERT_EQ(0, model_dma(&c->f[0], 0, pasid[0],
			       pc_gpa(c, sp[0].page[0]), &byte, 1,
			       FOREVER_MS));
	EXPECT_EQ('y', byte);
	ASSERT_EQ(0, model_dma(&c->f[0], 0, MODEL_NO_PASID,
			       pc_gpa(c, sp[0].page[0]), &byte, 1,
			       FOREVER_MS));
	EXPECT_EQ(0, byte);
}

TEST_HARNESS_MAIN
