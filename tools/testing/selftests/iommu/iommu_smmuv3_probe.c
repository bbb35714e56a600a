// SPDX-License-Identifier: GPL-2.0
/*
 * What functions behind SMMUv3s that differ say of themselves, and a HWPT for a list of
 * them: on models, whose registers are chosen here, with DMA through what was made.
 */
#include "map_trace.h"
#include "probe_list_test.h"

#define DEVFN		0x08
#define NUM_UNITS	4

/* IDR0 (6.3.1) of a modern unit; of that S2P, S1P, HTTU */
#define IDR0		(3U | 2 << 2 | 1 << 4 | 2 << 6 | 1 << 9 | 1 << 10 | \
			 1 << 12 | 1 << 13 | 1 << 14 | 1 << 16 | 1 << 18 | \
			 1 << 19 | 2 << 21 | 1 << 27)
#define IDR0_S2P	1U
#define IDR0_S1P	2U
#define IDR0_HTTU	(3U << 6)
/* IDR5 (6.3.6): OAS, granules, stalls */
#define OAS_40		2
#define OAS_48		5
#define GRAN_4K		(1U << 4)
#define GRAN_16K	(1U << 5)
#define GRAN_64K	(1U << 6)
#define STALLS		(64U << 16)

static const struct model_smmuv3 units[NUM_UNITS] = {
	/* Everything */
	{ .firmware = 3 },
	/* Small, without stage 2, and nothing that keeps dirty state */
	{ .idr0 = IDR0 & ~(IDR0_S2P | IDR0_HTTU),
	  .idr5 = OAS_40 | GRAN_4K | STALLS, .firmware = 1 },
	/* No stage 1, which is all that the small one has */
	{ .idr0 = IDR0 & ~(IDR0_S1P | IDR0_HTTU),
	  .idr5 = OAS_48 | GRAN_4K | GRAN_16K | STALLS, .firmware = 1 },
	/* A small second stage, which no parent is larger than */
	{ .idr0 = IDR0, .idr5 = OAS_40 | GRAN_4K | GRAN_64K | STALLS,
	  .firmware = 3 },
};

FIXTURE(unlike) {
	struct listed l;
	struct model m[NUM_UNITS];
	struct model_dev d[NUM_UNITS];
	unsigned int made;
	__u64 violations;
};

static int attach(struct listed *l, unsigned int nth, __u32 *pt)
{
	FIXTURE_DATA(unlike) *self = l->data;

	return vfio_dev_attach(&self->d[nth].v, pt);
}

static int detach(struct listed *l, unsigned int nth)
{
	FIXTURE_DATA(unlike) *self = l->data;

	return vfio_dev_detach(&self->d[nth].v);
}

FIXTURE_SETUP(unlike)
{
	struct listed *l = &self->l;
	unsigned int i;
	int rc;

	l->fd = iommu_open();
	if (l->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, l->fd);
	l->data = self;
	l->attach = attach;
	l->detach = detach;
	l->memory = mem_get(2 * PAGE);
	ASSERT_NE(NULL, l->memory);
	for (i = 0; i < NUM_UNITS; i++) {
		rc = model_smmuv3_add(&self->m[i], &units[i]);
		if (rc == -ENOENT)
			SKIP(return, "this kernel has no models");
		ASSERT_EQ(0, rc)
			TH_LOG("%s", model_error());
		self->made++;
		ASSERT_EQ(0, model_plug(&self->m[i], DEVFN, &self->d[i]));
		ASSERT_EQ(0, model_dev_open(&self->d[i]));
		ASSERT_EQ(0, model_dev_bind(&self->d[i], l->fd));
		l->dev[l->num++] = self->d[i].v.id;
	}
	ASSERT_EQ(0, model_violations(&self->m[0], &self->violations));
	ASSERT_EQ(0, listed_probe(l));
}

FIXTURE_TEARDOWN(unlike)
{
	__u64 violations = self->violations;
	unsigned int i;

	if (self->made)
		EXPECT_EQ(0, model_violations(&self->m[0], &violations));
	EXPECT_EQ(self->violations, violations);
	for (i = 0; i < self->l.num; i++)
		model_dev_close(&self->d[i]);
	listed_free(&self->l);
	close(self->l.fd);
	for (i = 0; i < self->made; i++)
		EXPECT_EQ(0, model_remove(&self->m[i]));
}

static __u64 word(FIXTURE_DATA(unlike) *self, unsigned int nth, __u16 type,
		  unsigned int which)
{
	return probe_u64(&self->l.probe[nth], type, 0, which, 0);
}

/* Of each unit what its registers say. */
TEST_F(unlike, facts)
{
	const struct iommu_probe_property *p;
	const struct iommu_probe_region *r;
	unsigned int i;

	EXPECT_EQ(48, word(self, 0, IOMMU_PROBE_ADDRESS_WIDTHS, 0));
	EXPECT_EQ(48, word(self, 0, IOMMU_PROBE_ADDRESS_WIDTHS, 2));
	EXPECT_EQ(48, word(self, 0, IOMMU_PROBE_ADDRESS_WIDTHS, 3));
	EXPECT_EQ(40, word(self, 1, IOMMU_PROBE_ADDRESS_WIDTHS, 1));
	EXPECT_EQ(0, word(self, 1, IOMMU_PROBE_ADDRESS_WIDTHS, 2));
	EXPECT_EQ(40, word(self, 3, IOMMU_PROBE_ADDRESS_WIDTHS, 2));
	EXPECT_EQ((1ULL << 48) - 1, word(self, 0, IOMMU_PROBE_TABLE_WIDTHS, 0));
	EXPECT_EQ(0, word(self, 1, IOMMU_PROBE_TABLE_WIDTHS, 1));
	EXPECT_EQ(PAGE | 1ULL << 21 | 1ULL << 30,
		  word(self, 1, IOMMU_PROBE_PAGE_SIZES, 0));
	EXPECT_EQ(PAGE | 1ULL << 21 | 1ULL << 30 | 1ULL << 14 | 1ULL << 25,
		  word(self, 2, IOMMU_PROBE_PAGE_SIZES, 0));
	EXPECT_EQ(0, word(self, 2, IOMMU_PROBE_TABLE_WIDTHS, 0));
	EXPECT_EQ((1ULL << 48) - 1, word(self, 2, IOMMU_PROBE_TABLE_WIDTHS, 1));
	EXPECT_EQ(PAGE, word(self, 2, IOMMU_PROBE_ALIGNMENT, 0));
	EXPECT_EQ(PAGE, word(self, 2, IOMMU_PROBE_INVALIDATION, 0));
	EXPECT_EQ(1, word(self, 0, IOMMU_PROBE_PASID_TABLE, 0));
	EXPECT_EQ(IOMMU_HWPT_DATA_ARM_SMMUV3,
		  word(self, 0, IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(NULL, probe_find(&self->l.probe[1],
				   IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(NULL, probe_find(&self->l.probe[1], IOMMU_PROBE_IOVA_RANGES,
				   IOMMU_HWPT_ALLOC_NEST_PARENT));
	EXPECT_EQ(NULL, probe_find(&self->l.probe[1], IOMMU_PROBE_IOVA_RANGES,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING));
	for (i = 0; i < NUM_UNITS; i++) {
		p = probe_find(&self->l.probe[i], IOMMU_PROBE_RESV_REGIONS, 0);
		ASSERT_LE(sizeof(*r), p->length);
		r = probe_value(p);
		EXPECT_EQ(IOMMU_PROBE_REGION_SW_MSI, r->kind);
		EXPECT_EQ(0x8000000, r->start);
		EXPECT_EQ(0x80fffff, r->last);
	}
}

TEST_F_TIMEOUT(unlike, every_order, 600)
{
	unsigned int tried;
	__u32 flags;

	for (flags = 0; flags < 4; flags++)
		ASSERT_EQ(0, try_all_lists(&self->l, flags, &tried));
	self->l.spot_length = PAGE;
	self->l.spot = 1ULL << 40;
	ASSERT_EQ(0, try_all_lists(&self->l, 0, &tried));
	EXPECT_EQ(64, tried);
}

#define UNLIKE_SPOT	(1ULL << 48)
#define UNLIKE_OTHER	1
#include "unlike_cases.h"

TEST_HARNESS_MAIN
