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

/* --- who may be where: the device itself, and two of its PASIDs --- */

/* What each may be attached to; the parents are HWPTs of the two IOAS */
enum combined {
	NOTHING,
	IOAS,
	PARENT,
	OTHER_PARENT,
	CHILD,
	OTHER_CHILD,
	COMBINED,
};

struct combination {
	struct pc *c;
	__u32 pt[COMBINED];
	__u64 at[COMBINED];
	char letter[COMBINED];
	enum combined now[3];
};

static const __u32 combination_pasid[] = { MODEL_NO_PASID, 5, 6 };

static int combine_make(struct combination *m)
{
	struct pc *c = m->c;
	unsigned char *mem;
	struct pc_space sp;
	__u32 ioas;
	int i;

	memset(&sp, 0, sizeof(sp));
	if (vtd_table(c, &sp))
		return -1;
	sp.page[0] = pc_pages(c, 1);
	if (vtd_map(c, NULL, &sp, 0))
		return -1;
	/* One table for both; only the memory behind it is another */
	for (i = 0; i < 2; i++) {
		mem = mem_get(c->used);
		if (!mem)
			PC_MUST(c, -ENOMEM);
		memcpy(mem, c->memory, c->used);
		mem[sp.page[0] - c->memory] = (unsigned char)('x' + i);
		PC_MUST(c, iommu_ioas_alloc(c->fd, &ioas));
		PC_MUST(c, iommu_map(c->fd, ioas, mem, c->used, PC_GPA));
		if (!i)
			m->pt[IOAS] = ioas;
		PC_MUST(c, iommu_hwpt_paging(c->fd, c->f[0].v.id, ioas,
					     IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
					     &m->pt[PARENT + i]));
		PC_MUST(c, vtd_nested(c, c->f[0].v.id, m->pt[PARENT + i],
				      sp.root, 0, 0, &m->pt[CHILD + i]));
		m->letter[PARENT + i] = (char)('x' + i);
		m->letter[CHILD + i] = (char)('x' + i);
		m->at[PARENT + i] = pc_gpa(c, sp.page[0]);
		m->at[CHILD + i] = PC_GVA;
	}
	m->letter[IOAS] = m->letter[PARENT];
	m->at[IOAS] = m->at[PARENT];
	return 0;
}

static int combine_set(struct combination *m, int who, enum combined to)
{
	struct model_dev *f = &m->c->f[0];
	enum combined from = m->now[who];
	__u32 pasid = combination_pasid[who], pt = m->pt[to];

	m->now[who] = to;
	if (from == to)
		return 0;
	if (!who)
		return to ? vfio_dev_attach(&f->v, &pt) : vfio_dev_detach(&f->v);
	if (!to)
		return iommu_pasid_detach(m->c->fd, f->v.id, pasid);
	return from ? iommu_pasid_replace(m->c->fd, f->v.id, pasid, &pt) :
		      iommu_pasid_attach(m->c->fd, f->v.id, pasid, &pt);
}

static int combine_check(struct combination *m)
{
	int who, status;

	for (who = 0; who < 3; who++) {
		enum combined now = m->now[who];
		char byte = 0;

		status = model_dma(&m->c->f[0], 0, combination_pasid[who],
				   now ? m->at[now] : PC_GVA, &byte, 1,
				   FOREVER_MS);
		if (now ? status || byte != m->letter[now] :
			  status != IOMMUFD_MODEL_DMA_BLOCKED) {
			fprintf(stderr, "# on %d %d %d: of these %d reads '%c' (%s)\n",
				m->now[0], m->now[1], m->now[2], who, byte,
				model_status_name(status));
			return -1;
		}
	}
	return 0;
}

/* Each beside each, by attach, replace and detach; nobody is touched by another. */
TEST_F_TIMEOUT(crowd, every_combination, 300)
{
	struct combination m = { .c = &self->c };
	int r, a, b;

	if (variant->kind != &vtd_nested_kind)
		SKIP(return, "of nested tables");
	PC_OK(m.c, pc_begin(m.c));
	PC_OK(m.c, combine_make(&m));
	for (r = 0; r < COMBINED; r++)
		for (a = 0; a < COMBINED; a++)
			for (b = 0; b < COMBINED; b++) {
				ASSERT_EQ(0, combine_set(&m, 0, r));
				ASSERT_EQ(0, combine_set(&m, 1, a));
				ASSERT_EQ(0, combine_set(&m, 2, b));
				ASSERT_EQ(0, combine_check(&m));
			}
}

TEST_HARNESS_MAIN
