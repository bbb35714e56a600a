// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of a guest on the VT-d model: each field of what user space says about
 * them, invalidation and what comes of its absence, the second stage below them,
 * dirty tracking, and faults that nobody can answer.
 */
#include "vtd_model_test.h"

#define VA		0x7e1234560000ULL
#define PASID		0x2345
#define LEAF		IOMMU_VTD_INV_FLAGS_LEAF

static int hw_info(struct guest *g, struct iommu_hw_info_vtd *vtd,
		   struct iommu_hw_info *c)
{
	memset(vtd, 0xff, sizeof(*vtd));
	*c = (struct iommu_hw_info){
		.size = sizeof(*c),
		.dev_id = g->d.v.id,
		.data_len = sizeof(*vtd),
		.data_uptr = (uintptr_t)vtd,
	};
	return iommu_call(g->fd, IOMMU_GET_HW_INFO, c);
}

FIXTURE(tables) {
	struct guest g;
	struct table t;
	__u32 hwpt;
};

FIXTURE_VARIANT(tables) {
	__u32 pasid;
	__u32 dma;
};

FIXTURE_VARIANT_ADD(tables, rid_ats) { MODEL_NO_PASID, 0 };
FIXTURE_VARIANT_ADD(tables, rid_untranslated) {
	MODEL_NO_PASID, IOMMUFD_MODEL_DMA_UNTRANSLATED
};
FIXTURE_VARIANT_ADD(tables, pasid_ats) { PASID, 0 };
FIXTURE_VARIANT_ADD(tables, pasid_untranslated) {
	PASID, IOMMUFD_MODEL_DMA_UNTRANSLATED
};

FIXTURE_SETUP(tables)
{
	struct guest *g = &self->g;
	int rc;

	rc = guest_start(g, 0, 0, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	table_init(g, 4, &self->t);
	ASSERT_EQ(0, guest_nested(g, &self->t, 0, false, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
}

FIXTURE_TEARDOWN(tables)
{
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

/* A page of one value to @va; how it ended. */
static int put(struct guest *g, __u32 pasid, __u32 flags, __u64 va, char value)
{
	char data[PAGE];

	memset(data, value, sizeof(data));
	return model_dma(&g->d, flags | IOMMUFD_MODEL_DMA_WRITE, pasid, va,
			 data, sizeof(data), FOREVER_MS);
}

#define PUT(va, value)	put(&self->g, variant->pasid, variant->dma, va, value)

/*
 * Another page, with the invalidation and without. Without it hardware may use
 * either page; the model uses the old one, so that a test can tell that the
 * driver's invalidations are what makes the difference.
 */
TEST_F(tables, another_page)
{
	struct guest *g = &self->g;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	table_set(&self->t, VA, 1, data_gpa(1), FS_USER);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 2, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0, PAGE));

	/* That of another address is of no use. */
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, VA + PAGE, 1, LEAF));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 3));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 3, PAGE));

	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, VA, 1, LEAF));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 4));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 3, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 4, PAGE));
}

TEST_F(tables, another_page_all)
{
	struct guest *g = &self->g;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	table_set(&self->t, VA, 1, data_gpa(1), FS_USER);
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, 0, ~0ULL, 0));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 1, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 2, PAGE));
}

/* A table taken out: with LEAF the unit may still know its way through it. */
TEST_F(tables, another_table)
{
	struct guest *g = &self->g;
	__u64 *upper, table;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	/* Never used, so not cached itself */
	table_set(&self->t, VA + PAGE, 1, data_gpa(1), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	table = table_new(g);
	upper = table_entry(&self->t, VA, 2);
	__atomic_store_n(upper, table | FS_USER, __ATOMIC_RELEASE);
	table_set(&self->t, VA + PAGE, 1, data_gpa(2), FS_USER);
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, VA & -SIZE_2M, 512, LEAF));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA + PAGE, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 2, PAGE));
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, VA & -SIZE_2M, 512, 0));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA + PAGE, 3));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 2, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 2), 3, PAGE));
}

/* 2 MiB, split into 4 KiB */
TEST_F(tables, large_page_split)
{
	struct guest *g = &self->g;
	__u64 base = VA & -SIZE_2M;
	__u64 *upper, table;

	table_set(&self->t, base, 2, GPA + SIZE_2M, FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(base + 7 * PAGE, 1));
	EXPECT_TRUE(all_bytes(data_page(g, 7), 1, PAGE));
	upper = table_entry(&self->t, base, 2);
	table = table_new(g);
	__atomic_store_n(upper, table | FS_USER, __ATOMIC_RELEASE);
	table_set(&self->t, base + 7 * PAGE, 1, data_gpa(600), FS_USER);
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, base, 512, 0));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(base + 7 * PAGE, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 7), 1, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 600), 2, PAGE));
	/* What is not there now is not there. */
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, PUT(base + 8 * PAGE, 3));
	EXPECT_TRUE(all_bytes(data_page(g, 8), 0, PAGE));
}

TEST_F(tables, write_protected)
{
	struct guest *g = &self->g;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	table_set(&self->t, VA, 1, data_gpa(0), FS_P | FS_US);
	ASSERT_EQ(0, guest_invalidate(g, self->hwpt, VA, 1, LEAF));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, PUT(VA, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 1, PAGE));
}

/* The vendor-neutral way, which is the same */
TEST_F(tables, range_invalidation)
{
	struct iommu_hwpt_invalidate_range r = { .iova = VA, .length = 1 };
	struct guest *g = &self->g;
	__u32 num = 1;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	table_set(&self->t, VA, 1, data_gpa(1), FS_USER);
	ASSERT_EQ(0, iommu_hwpt_invalidate(g->fd, self->hwpt,
					   IOMMU_HWPT_INVALIDATE_DATA_RANGE,
					   &r, sizeof(r), &num));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 2));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 2, PAGE));
}

/* 300 entries in one call, one changed page each: more than a batch holds. */
TEST_F(tables, many_entries)
{
	struct iommu_hwpt_vtd_s1_invalidate inv[300] = { 0 };
	struct guest *g = &self->g;
	__u32 num = ARRAY_LEN(inv), i;
	__u64 before, after;

	for (i = 0; i < num; i++) {
		table_set(&self->t, VA + i * PAGE, 1, data_gpa(i), FS_USER);
		inv[i].addr = VA + i * PAGE;
		inv[i].npages = 1;
		inv[i].flags = LEAF;
	}
	for (i = 0; i < num; i += 37)
		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA + i * PAGE, 1));
	for (i = 0; i < num; i++)
		table_set(&self->t, VA + i * PAGE, 1, data_gpa(1000 + i),
			  FS_USER);
	ASSERT_EQ(0, model_counter(&g->m, "submits", &before));
	ASSERT_EQ(0, iommu_hwpt_invalidate(g->fd, self->hwpt,
					   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
					   inv, sizeof(inv[0]), &num));
	ASSERT_EQ(0, model_counter(&g->m, "submits", &after));
	EXPECT_EQ(ARRAY_LEN(inv), num);
	/* Two descriptors an entry, at most 128 and at least one a submit */
	EXPECT_GE(8, after - before);
	for (i = 0; i < num; i += 37) {
		EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA + i * PAGE, 2));
		EXPECT_TRUE(all_bytes(data_page(g, i), 1, PAGE));
		EXPECT_TRUE(all_bytes(data_page(g, 1000 + i), 2, PAGE));
	}
}

/* The guest's memory is taken away below its table. */
TEST_F(tables, second_stage_unmap)
{
	__u64 gpa = GPA + 4 * GUEST_SIZE;
	struct guest *g = &self->g;
	char *more = mem_get(2 * PAGE);

	ASSERT_NE(NULL, more);
	ASSERT_EQ(0, iommu_map(g->fd, g->ioas, more, PAGE, gpa));
	table_set(&self->t, VA, 1, gpa, FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	EXPECT_TRUE(all_bytes(more, 1, PAGE));
	ASSERT_EQ(0, iommu_unmap(g->fd, g->ioas, gpa, PAGE, NULL));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, PUT(VA, 2));
	EXPECT_TRUE(all_bytes(more, 1, PAGE));
	/* Other memory, at once, at the same guest address */
	ASSERT_EQ(0, iommu_map(g->fd, g->ioas, more + PAGE, PAGE, gpa));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 3));
	EXPECT_TRUE(all_bytes(more, 1, PAGE));
	EXPECT_TRUE(all_bytes(more + PAGE, 3, PAGE));
}

/* A mapping without the right to write, under a writable first stage */
TEST_F(tables, second_stage_read_only)
{
	__u64 gpa = GPA + 4 * GUEST_SIZE;
	struct guest *g = &self->g;
	char *more = mem_get(PAGE), in[PAGE];

	ASSERT_NE(NULL, more);
	pattern(more, PAGE, 9);
	ASSERT_EQ(0, iommu_map_flags(g->fd, g->ioas, more, PAGE,
				     IOMMU_IOAS_MAP_READABLE |
				     IOMMU_IOAS_MAP_FIXED_IOVA, &gpa));
	table_set(&self->t, VA, 1, gpa, FS_USER | FS_A | FS_D);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&g->d, variant->dma, variant->pasid, VA, in, PAGE,
			    FOREVER_MS));
	EXPECT_EQ(0, memcmp(in, more, PAGE));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, PUT(VA, 2));
	EXPECT_EQ(0, memcmp(in, more, PAGE));
}

#define BITS	(GUEST_SIZE / PAGE)

static int track(struct guest *g, bool on)
{
	return guest_track(g, g->parent, on);
}

static int dirty(struct guest *g, __u32 flags, __u64 *bits)
{
	return guest_dirty(g, g->parent, GPA, BITS, flags, bits);
}

static unsigned int weight(const __u64 *bits)
{
	return bits_set(bits, BITS);
}

/* Accessed bits everywhere on the way, so that no walk writes to a table. */
static void set_accessed(struct table *t, __u64 va)
{
	unsigned int l;

	for (l = 1; l <= t->levels; l++)
		*table_entry(t, va, l) |= FS_A | (l == 1 ? FS_D : 0);
}

/* By 4 KiB in the second stage: exactly the pages written to */
TEST_F(tables, dirty_4k)
{
	struct guest *g = &self->g;
	__u64 bits[BITS / 64], off = 0;
	__u64 page0 = GUEST_DATA / PAGE;
	char in[PAGE];
	__u32 pt;

	/* Mapped anew, a page on its own each */
	ASSERT_EQ(0, guest_detach(g, variant->pasid));
	ASSERT_EQ(0, iommu_destroy(g->fd, self->hwpt));
	ASSERT_EQ(0, iommu_destroy(g->fd, g->parent));
	ASSERT_EQ(0, iommu_option(g->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_SET, g->ioas, &off));
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, g->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT |
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &pt));
	g->parent = pt;
	ASSERT_EQ(0, guest_nested(g, &self->t, 0, false, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));

	table_set(&self->t, VA, 1, data_gpa(3), FS_USER);
	table_set(&self->t, VA + PAGE, 1, data_gpa(9), FS_USER);
	set_accessed(&self->t, VA);
	set_accessed(&self->t, VA + PAGE);
	EXPECT_EQ(-EINVAL, dirty(g, 0, bits));
	/* A cached translation that was got without tracking is no excuse. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 1));
	ASSERT_EQ(0, track(g, true));
	ASSERT_EQ(0, dirty(g, 0, bits));
	EXPECT_EQ(0, weight(bits));

	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 2));
	/* Reading leaves no mark. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&g->d, variant->dma, variant->pasid, VA + PAGE, in,
			    PAGE, FOREVER_MS));
	ASSERT_EQ(0, dirty(g, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bits));
	EXPECT_TRUE(bit_is_set(bits, page0 + 3));
	EXPECT_EQ(1, weight(bits));
	ASSERT_EQ(0, dirty(g, 0, bits));
	EXPECT_TRUE(bit_is_set(bits, page0 + 3));
	EXPECT_EQ(1, weight(bits));
	ASSERT_EQ(0, dirty(g, 0, bits));
	EXPECT_EQ(0, weight(bits));

	/* Again: the mark was cleared, and so were the caches. */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 3));
	ASSERT_EQ(0, dirty(g, 0, bits));
	EXPECT_TRUE(bit_is_set(bits, page0 + 3));
	EXPECT_EQ(1, weight(bits));

	/* The unit's own writes to the guest's tables are writes, too. */
	table_set(&self->t, VA + SIZE_2M, 1, data_gpa(20), FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA + SIZE_2M, 4));
	ASSERT_EQ(0, dirty(g, 0, bits));
	EXPECT_TRUE(bit_is_set(bits, page0 + 20));
	EXPECT_TRUE(bit_is_set(bits, ((char *)table_entry(&self->t, VA + SIZE_2M, 1) -
				  g->mem) / PAGE));

	ASSERT_EQ(0, track(g, false));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, PUT(VA, 5));
	EXPECT_EQ(-EINVAL, dirty(g, 0, bits));
}

/* --- every field, with its errno --- */

FIXTURE(fields) {
	struct guest g;
	struct table t;
	__u32 hwpt;
	__u64 cap;
	__u64 ecap;
};

FIXTURE_SETUP(fields)
{
	struct iommu_hw_info_vtd vtd;
	struct guest *g = &self->g;
	struct iommu_hw_info c;
	int rc;

	rc = guest_start(g, 0, 0, 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, hw_info(g, &vtd, &c));
	self->cap = vtd.cap_reg;
	self->ecap = vtd.ecap_reg;
	table_init(g, 4, &self->t);
}

FIXTURE_TEARDOWN(fields)
{
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

static int alloc_s1(struct guest *g, __u64 flags, __u64 addr, __u32 width,
		    __u32 reserved)
{
	struct iommu_hwpt_vtd_s1 s1 = {
		.flags = flags, .pgtbl_addr = addr, .addr_width = width,
		.__reserved = reserved,
	};
	__u32 hwpt;
	int rc;

	rc = iommu_hwpt_nested(g->fd, g->d.v.id, g->parent, 0, 0,
			       IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), &hwpt);
	return rc ? rc : iommu_destroy(g->fd, hwpt);
}

TEST_F(fields, first_stage)
{
	struct guest *g = &self->g;
	struct iommu_hwpt_vtd_s1 s1[2] = {
		{ .pgtbl_addr = self->t.root, .addr_width = 48 },
	};
	__u32 plain, hwpt, i;

	EXPECT_EQ(0, alloc_s1(g, 0, GPA, 48, 0));
	EXPECT_EQ(0, alloc_s1(g, 0, GPA, 57, 0));
	EXPECT_EQ(0, alloc_s1(g, IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_EAFE |
			      IOMMU_VTD_S1_WPE, GPA, 48, 0));
	for (i = 3; i < 64; i++)
		EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, 1ULL << i, GPA, 48, 0));
	for (i = 0; i < 70; i++)
		if (i != 48 && i != 57)
			EXPECT_EQ(-EINVAL, alloc_s1(g, 0, GPA, i, 0));
	EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, 0, GPA, 48, 1));
	EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, 0, GPA, 48, 1U << 31));
	for (i = 0; i < 12; i++)
		EXPECT_EQ(-EINVAL, alloc_s1(g, 0, GPA + (1 << i), 48, 0));
	/* MGAW is 48: the highest page, and the first one beyond */
	EXPECT_EQ(0, alloc_s1(g, 0, (1ULL << 48) - PAGE, 48, 0));
	EXPECT_EQ(-EINVAL, alloc_s1(g, 0, 1ULL << 48, 48, 0));
	EXPECT_EQ(-EINVAL, alloc_s1(g, 0, -PAGE, 48, 0));

	/* Around the structure */
	EXPECT_EQ(-EINVAL, iommu_hwpt_nested(g->fd, g->d.v.id, g->parent, 0, 0,
					     IOMMU_HWPT_DATA_VTD_S1, s1,
					     sizeof(s1[0]) - 1, &hwpt));
	EXPECT_EQ(0, iommu_hwpt_nested(g->fd, g->d.v.id, g->parent, 0, 0,
				       IOMMU_HWPT_DATA_VTD_S1, s1,
				       sizeof(s1[0]), &hwpt));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_nested(g->fd, g->d.v.id, g->parent, 0,
						 0, 77, s1, sizeof(s1[0]),
						 &hwpt));
	EXPECT_EQ(-EFAULT, iommu_hwpt_nested(g->fd, g->d.v.id, g->parent, 0, 0,
					     IOMMU_HWPT_DATA_VTD_S1,
					     no_memory(), sizeof(s1[0]), &hwpt));
	/* A parent that is none, or has a queue */
	ASSERT_EQ(0, iommu_hwpt_paging(g->fd, g->d.v.id, g->ioas, 0, 0, &plain));
	EXPECT_EQ(-EINVAL, iommu_hwpt_nested(g->fd, g->d.v.id, plain, 0, 0,
					     IOMMU_HWPT_DATA_VTD_S1, s1,
					     sizeof(s1[0]), &hwpt));
	EXPECT_EQ(-EINVAL, iommu_hwpt_nested(g->fd, g->d.v.id, hwpt, 0, 0,
					     IOMMU_HWPT_DATA_VTD_S1, s1,
					     sizeof(s1[0]), &hwpt));
	ASSERT_EQ(0, guest_queue(g, 8, 0));
	EXPECT_EQ(-EOPNOTSUPP, iommu_hwpt_paging(g->fd, g->d.v.id, g->ioas,
						 IOMMU_HWPT_ALLOC_NEST_PARENT |
						 IOMMU_HWPT_FAULT_ID_VALID,
						 g->queue_id, &hwpt));
}

static int invalidate_one(struct guest *g, __u32 hwpt, __u64 addr, __u64 npages,
			  __u32 flags, __u32 reserved)
{
	struct iommu_hwpt_vtd_s1_invalidate inv = {
		.addr = addr, .npages = npages, .flags = flags,
		.__reserved = reserved,
	};
	__u32 num = 1;
	int rc;

	rc = iommu_hwpt_invalidate(g->fd, hwpt,
				   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, &inv,
				   sizeof(inv), &num);
	/* The one entry is done, or it is not. */
	return num == !rc ? rc : -EPROTO;
}

TEST_F(fields, invalidation)
{
	struct iommu_hwpt_vtd_s1_invalidate inv[200] = { 0 };
	struct guest *g = &self->g;
	unsigned int i, bad;
	__u32 hwpt, num;

	ASSERT_EQ(0, guest_nested(g, &self->t, 0, false, &hwpt));
	ASSERT_EQ(0, guest_attach(g, PASID, hwpt));
	EXPECT_EQ(0, invalidate_one(g, hwpt, VA, 1, 0, 0));
	EXPECT_EQ(0, invalidate_one(g, hwpt, VA, 1, LEAF, 0));
	EXPECT_EQ(0, invalidate_one(g, hwpt, 0, ~0ULL, 0, 0));
	EXPECT_EQ(0, invalidate_one(g, hwpt, 0, ~0ULL, LEAF, 0));
	EXPECT_EQ(0, invalidate_one(g, hwpt, 0, 1ULL << 51, 0, 0));
	EXPECT_EQ(0, invalidate_one(g, hwpt, -PAGE, 1, 0, 0));
	EXPECT_EQ(-EINVAL, invalidate_one(g, hwpt, -PAGE, 2, 0, 0));
	EXPECT_EQ(-EINVAL, invalidate_one(g, hwpt, VA, 0, 0, 0));
	EXPECT_EQ(-EINVAL, invalidate_one(g, hwpt, PAGE, ~0ULL, 0, 0));
	EXPECT_EQ(-EINVAL, invalidate_one(g, hwpt, 0, 1ULL << 52, 0, 0));
	for (i = 0; i < 12; i++)
		EXPECT_EQ(-EINVAL, invalidate_one(g, hwpt, VA + (1 << i), 1, 0,
						  0));
	for (i = 1; i < 32; i++)
		EXPECT_EQ(-EOPNOTSUPP, invalidate_one(g, hwpt, VA, 1, 1U << i,
						      0));
	EXPECT_EQ(-EOPNOTSUPP, invalidate_one(g, hwpt, VA, 1, 0, 1));
	EXPECT_EQ(-ENOENT, invalidate_one(g, 4711, VA, 1, 0, 0));
	EXPECT_EQ(-ENOENT, invalidate_one(g, g->parent, VA, 1, 0, 0));

	/* The entry at fault, wherever it stands */
	for (i = 0; i < ARRAY_LEN(inv); i++) {
		inv[i].addr = VA;
		inv[i].npages = 1;
	}
	for (bad = 0; bad < ARRAY_LEN(inv); bad += 7) {
		num = ARRAY_LEN(inv);
		inv[bad].npages = 0;
		EXPECT_EQ(-EINVAL,
			  iommu_hwpt_invalidate(g->fd, hwpt,
						IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
						inv, sizeof(inv[0]), &num));
		EXPECT_EQ(bad, num);
		inv[bad].npages = 1;
	}
	num = 0;
	EXPECT_EQ(0, iommu_hwpt_invalidate(g->fd, hwpt,
					   IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
					   NULL, 0, &num));
	num = 1;
	EXPECT_EQ(-EINVAL, iommu_hwpt_invalidate(g->fd, hwpt, 77, inv,
						 sizeof(inv[0]), &num));
	num = 1;
	EXPECT_EQ(-EINVAL,
		  iommu_hwpt_invalidate(g->fd, hwpt,
					IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, inv,
					sizeof(inv[0]) - 1, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EFAULT,
		  iommu_hwpt_invalidate(g->fd, hwpt,
					IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
					no_memory(), sizeof(inv[0]), &num));
}

/* What the hardware refuses is told by its entry, too. */
TEST_F(fields, invalidation_that_a_device_does_not_answer)
{
	struct iommu_hwpt_vtd_s1_invalidate inv[10] = { 0 };
	struct guest *g = &self->g;
	__u32 hwpt, num = ARRAY_LEN(inv), i;

	ASSERT_EQ(0, guest_nested(g, &self->t, 0, false, &hwpt));
	ASSERT_EQ(0, guest_attach(g, PASID, hwpt));
	for (i = 0; i < num; i++) {
		inv[i].addr = VA + i * PAGE;
		inv[i].npages = 1;
	}
	ASSERT_EQ(0, model_misbehave(&g->d, IOMMUFD_MODEL_NO_INVALIDATE));
	EXPECT_EQ(-ETIMEDOUT,
		  iommu_hwpt_invalidate(g->fd, hwpt,
					IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, inv,
					sizeof(inv[0]), &num));
	EXPECT_GT(ARRAY_LEN(inv), num);
	ASSERT_EQ(0, model_misbehave(&g->d, 0));
}

TEST_F(fields, hw_info)
{
	struct iommu_hw_info_vtd vtd;
	struct guest *g = &self->g;
	struct iommu_hw_info c;
	__u64 cap, ecap;

	ASSERT_EQ(0, hw_info(g, &vtd, &c));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_INTEL_VTD, c.out_data_type);
	EXPECT_EQ(sizeof(vtd), c.data_len);
	EXPECT_EQ(0, vtd.flags);
	EXPECT_EQ(0, vtd.__reserved);
	EXPECT_EQ(20, c.out_max_pasid_log2);
	/* The function can execute, the unit (ERS) cannot. */
	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_PASID_PRIV,
		  c.out_capabilities);

	/* As the registers are, bit for bit, of another unit too */
	model_dev_close(&g->d);
	close(g->fd);
	munmap(g->mem, GUEST_SIZE);
	ASSERT_EQ(0, model_remove(&g->m));
	cap = self->cap & ~CAP_FS5LP;
	ecap = (self->ecap & ~(ECAP_SRS | ECAP_EAFS)) | ECAP_ERS;
	ASSERT_EQ(0, guest_start(g, cap, ecap, 0));
	ASSERT_EQ(0, hw_info(g, &vtd, &c));
	EXPECT_EQ(cap, vtd.cap_reg);
	EXPECT_EQ(ecap, vtd.ecap_reg);
	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_PASID_EXEC,
		  c.out_capabilities);
	/* And what it does not offer is not to be had. */
	EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, 0, GPA, 57, 0));
	EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, IOMMU_VTD_S1_SRE, GPA, 48, 0));
	EXPECT_EQ(-EOPNOTSUPP, alloc_s1(g, IOMMU_VTD_S1_EAFE, GPA, 48, 0));
	EXPECT_EQ(0, alloc_s1(g, IOMMU_VTD_S1_WPE, GPA, 48, 0));
}

TEST_F(fields, unit_without_nesting)
{
	struct guest *g = &self->g;

	model_dev_close(&g->d);
	close(g->fd);
	munmap(g->mem, GUEST_SIZE);
	ASSERT_EQ(0, model_remove(&g->m));
	EXPECT_EQ(-EOPNOTSUPP, guest_start(g, self->cap,
					   self->ecap & ~ECAP_NEST, 0));
}

/* --- faults that nobody can answer --- */

FIXTURE(events) {
	struct guest g;
	struct table t;
	__u32 hwpt;
	__u32 queue_id;
	int queue;
};

FIXTURE_VARIANT(events) {
	__u32 pasid;
};

FIXTURE_VARIANT_ADD(events, rid) { MODEL_NO_PASID };
FIXTURE_VARIANT_ADD(events, pasid) { PASID };

static int event_queue(struct guest *g, __u32 hwpt, __u32 depth, __u32 *id)
{
	struct iommu_hwpt_eventq_alloc c = {
		.size = sizeof(c), .hwpt_id = hwpt, .depth = depth,
	};
	int rc = iommu_call(g->fd, IOMMU_HWPT_EVENTQ_ALLOC, &c);

	*id = c.out_eventq_id;
	return rc ? rc : (int)c.out_eventq_fd;
}

FIXTURE_SETUP(events)
{
	struct guest *g = &self->g;
	int rc;

	self->queue = -1;
	rc = guest_start(g, 0, 0, 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	table_init(g, 4, &self->t);
	ASSERT_EQ(0, guest_nested(g, &self->t, 0, false, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, variant->pasid, self->hwpt));
	self->queue = event_queue(g, self->hwpt, 4, &self->queue_id);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, fcntl(self->queue, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(events)
{
	GUEST_CHECK(&self->g);
	if (self->queue >= 0)
		close(self->queue);
	guest_stop(&self->g);
}

/* The driver reads fault records in its own time. */
static bool counted(int queue, __u64 events)
{
	struct fdinfo info;
	__u64 value = 0;
	int i;

	for (i = 0; i < 500 && value < events; i++) {
		if (i)
			sleep_ms(10);
		if (fdinfo_read(0, queue, &info) ||
		    !fdinfo_number(&info, "events", &value))
			return false;
	}
	return value == events;
}

static int events_read(int queue, struct iommu_hwpt_event *e, unsigned int max)
{
	ssize_t n = read(queue, e, max * sizeof(*e));

	return n < 0 ? -errno : (int)(n / (ssize_t)sizeof(*e));
}

static void expect_event(struct __test_metadata *_metadata, struct guest *g,
			 const struct iommu_hwpt_event *e, __u32 pasid,
			 __u64 addr, __u32 perm, __u32 reason)
{
	bool with = pasid != MODEL_NO_PASID;

	EXPECT_EQ(with ? IOMMU_HWPT_EVENT_PASID_VALID : 0, e->flags);
	EXPECT_EQ(with ? pasid : 0, e->pasid);
	EXPECT_EQ(g->d.v.id, e->dev_id);
	EXPECT_EQ(addr, e->addr);
	EXPECT_EQ(perm, e->perm);
	EXPECT_EQ(reason, e->reason);
}

/* Reserved in 9.7: bit 7 of the two upper levels; a translation request says so too. */
TEST_F(events, reserved_bits)
{
	struct pollfd p = { .fd = self->queue, .events = POLLIN };
	struct iommu_hwpt_event e[8];
	struct guest *g = &self->g;
	__u64 *top;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	top = table_entry(&self->t, VA, 4);
	*top |= FS_PS;
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(-EAGAIN, events_read(self->queue, e, 1));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  put(g, variant->pasid, IOMMUFD_MODEL_DMA_UNTRANSLATED,
		      VA, 1));
	ASSERT_TRUE(counted(self->queue, 1));
	EXPECT_EQ(1, poll(&p, 1, 0));
	ASSERT_EQ(1, events_read(self->queue, e, 8));
	EXPECT_EQ(1, e[0].sequence);
	expect_event(_metadata, g, &e[0], variant->pasid, VA,
		     IOMMU_PGFAULT_PERM_WRITE, REASON_RESERVED);
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, put(g, variant->pasid, 0, VA, 1));
	ASSERT_TRUE(counted(self->queue, 2));
	ASSERT_EQ(1, events_read(self->queue, e, 8));
	EXPECT_EQ(REASON_RESERVED, e[0].reason);
	/* Mended, it works: that a fault was seen is remembered nowhere. */
	*top &= ~FS_PS;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, put(g, variant->pasid, 0, VA, 1));
	EXPECT_TRUE(all_bytes(data_page(g, 0), 1, PAGE));
}

/* 9.6, SRE; and what the address of a leaf means to the second stage */
TEST_F(events, supervisor_and_second_stage)
{
	struct iommu_hwpt_event e[8];
	struct guest *g = &self->g;
	__u32 n = 0;

	table_set(&self->t, VA, 1, data_gpa(0), FS_USER);
	if (variant->pasid != MODEL_NO_PASID) {
		EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
			  put(g, variant->pasid, IOMMUFD_MODEL_DMA_PRIV |
			      IOMMUFD_MODEL_DMA_UNTRANSLATED, VA, 1));
		ASSERT_TRUE(counted(self->queue, ++n));
		ASSERT_EQ(1, events_read(self->queue, e, 8));
		expect_event(_metadata, g, &e[0], variant->pasid, VA,
			     IOMMU_PGFAULT_PERM_WRITE | IOMMU_PGFAULT_PERM_PRIV,
			     REASON_NO_SUPERVISOR);
	}
	table_set(&self->t, VA, 1, GPA + 16 * GUEST_SIZE, FS_USER);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  model_dma(&g->d, IOMMUFD_MODEL_DMA_UNTRANSLATED,
			    variant->pasid, VA, e, 32, FOREVER_MS));
	ASSERT_TRUE(counted(self->queue, ++n));
	ASSERT_EQ(1, events_read(self->queue, e, 8));
	expect_event(_metadata, g, &e[0], variant->pasid, VA,
		     IOMMU_PGFAULT_PERM_READ, REASON_SECOND_STAGE);
	EXPECT_EQ(n, e[0].sequence);
}

TEST_F(events, depth_and_loss)
{
	struct iommu_hwpt_event e[8];
	struct guest *g = &self->g;
	__u32 i, other;

	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
			  put(g, variant->pasid, IOMMUFD_MODEL_DMA_UNTRANSLATED,
			      VA + i * PAGE, 1));
		ASSERT_TRUE(counted(self->queue, i));
	}
	ASSERT_EQ(5, events_read(self->queue, e, 8));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i + 1, e[i].sequence);
		EXPECT_EQ(VA + (i + 1) * PAGE, e[i].addr);
		EXPECT_EQ(0, e[i].flags & IOMMU_HWPT_EVENT_LOST);
	}
	EXPECT_EQ(IOMMU_HWPT_EVENT_LOST | IOMMU_HWPT_EVENT_EMPTY, e[4].flags);
	EXPECT_EQ(10, e[4].sequence);
	EXPECT_EQ(-EAGAIN, events_read(self->queue, e, 8));

	/* A loss with an event behind it is told by that one. */
	for (i = 11; i <= 16; i++) {
		ASSERT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
			  put(g, variant->pasid, IOMMUFD_MODEL_DMA_UNTRANSLATED,
			      VA + i * PAGE, 1));
		ASSERT_TRUE(counted(self->queue, i));
	}
	ASSERT_EQ(2, events_read(self->queue, e, 2));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  put(g, variant->pasid, IOMMUFD_MODEL_DMA_UNTRANSLATED,
		      VA + i * PAGE, 1));
	ASSERT_TRUE(counted(self->queue, 17));
	ASSERT_EQ(3, events_read(self->queue, e, 8));
	EXPECT_EQ(14, e[1].sequence);
	EXPECT_EQ(17, e[2].sequence);
	EXPECT_TRUE(e[2].flags & IOMMU_HWPT_EVENT_LOST);
	EXPECT_EQ(VA + 17 * PAGE, e[2].addr);

	EXPECT_EQ(-EBUSY, event_queue(g, self->hwpt, 4, &other));
	EXPECT_EQ(-EBUSY, iommu_destroy(g->fd, self->queue_id));
	EXPECT_EQ(-1, read(self->queue, e, sizeof(e[0]) - 1));
	EXPECT_EQ(ESPIPE, errno);
}

TEST_HARNESS_MAIN
