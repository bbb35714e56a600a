// SPDX-License-Identifier: GPL-2.0
/*
 * What functions behind VT-d units that differ say of themselves, and a HWPT for a list
 * of them: on models, whose registers are chosen here, with DMA through what was made.
 */
#include "map_trace.h"
#include "probe_list_test.h"

#define DEVFN		0x08
#define NUM_UNITS	4

/* Capability register (11.4.2): of a modern unit but SAGAW, MGAW, FS5LP, SSLPS */
#define CAP_REST	(6 | 0x40ULL << 24 | 1ULL << 39 | 7ULL << 40 | \
			 18ULL << 48 | 3ULL << 54 | 1ULL << 56)
#define CAP_LEVELS(l)	((__u64)(l) << 8)
#define LEVELS_3	(1U << 1)
#define LEVELS_4	(1U << 2)
#define LEVELS_5	(1U << 3)
#define CAP_MGAW(bits)	((__u64)((bits) - 1) << 16)
#define CAP_2M		(1ULL << 34)
#define CAP_1G		(1ULL << 35)
#define CAP_FS5LP	(1ULL << 60)
/* Extended capability register (11.4.3): of a modern unit; its NEST, SC and SSADS */
#define ECAP_ALL	(0xfULL | 1ULL << 6 | 1ULL << 7 | 0x50ULL << 8 | \
			 0xfULL << 20 | 1ULL << 26 | 1ULL << 29 | 1ULL << 31 | \
			 1ULL << 33 | 1ULL << 34 | 19ULL << 35 | 0xfULL << 40 | \
			 0x1fULL << 45 | 1ULL << 52)
#define ECAP_SC		(1ULL << 7)
#define ECAP_NEST	(1ULL << 26)
#define ECAP_SSADS	(1ULL << 45)

static const struct {
	__u64 cap;
	__u64 ecap;
} units[NUM_UNITS] = {
	/* Everything */
	{ CAP_REST | CAP_LEVELS(LEVELS_3 | LEVELS_4 | LEVELS_5) |
	  CAP_MGAW(57) | CAP_2M | CAP_1G | CAP_FS5LP, ECAP_ALL },
	/* Old */
	{ CAP_REST | CAP_LEVELS(LEVELS_3) | CAP_MGAW(39),
	  ECAP_ALL & ~(ECAP_NEST | ECAP_SSADS) },
	/* A wide one, with tables that the old one does not have */
	{ CAP_REST | CAP_LEVELS(LEVELS_4) | CAP_MGAW(48) | CAP_2M, ECAP_ALL },
	/* Nothing that makes DMA snoop */
	{ CAP_REST | CAP_LEVELS(LEVELS_3 | LEVELS_4) | CAP_MGAW(48) | CAP_2M |
	  CAP_1G, ECAP_ALL & ~ECAP_SC },
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
		rc = model_vtd_add(&self->m[i], units[i].cap, units[i].ecap);
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
	const struct iommu_probe_faults *f;
	const struct probe *old = &self->l.probe[1];

	EXPECT_EQ(57, word(self, 0, IOMMU_PROBE_ADDRESS_WIDTHS, 0));
	EXPECT_EQ(57, word(self, 0, IOMMU_PROBE_ADDRESS_WIDTHS, 2));
	EXPECT_EQ(48, word(self, 1, IOMMU_PROBE_ADDRESS_WIDTHS, 0));
	EXPECT_EQ(39, word(self, 1, IOMMU_PROBE_ADDRESS_WIDTHS, 2));
	EXPECT_EQ(1ULL << 38 | 1ULL << 47 | 1ULL << 56,
		  word(self, 0, IOMMU_PROBE_TABLE_WIDTHS, 1));
	EXPECT_EQ(1ULL << 38, word(self, 1, IOMMU_PROBE_TABLE_WIDTHS, 1));
	EXPECT_EQ(PAGE | 1ULL << 21 | 1ULL << 30,
		  word(self, 0, IOMMU_PROBE_PAGE_SIZES, 0));
	EXPECT_EQ(PAGE, word(self, 1, IOMMU_PROBE_PAGE_SIZES, 0));
	EXPECT_EQ(1, word(self, 0, IOMMU_PROBE_SNOOP, 0));
	EXPECT_EQ(0, word(self, 3, IOMMU_PROBE_SNOOP, 0));
	EXPECT_EQ(20, word(self, 0, IOMMU_PROBE_PASIDS, 0));
	EXPECT_EQ(0, probe_u64(&self->l.probe[0], IOMMU_PROBE_PASID_TABLE, 0, 0,
			       9));
	EXPECT_EQ(IOMMU_HWPT_DATA_VTD_S1,
		  word(self, 0, IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(1ULL << 47 | 1ULL << 56,
		  word(self, 0, IOMMU_PROBE_NESTED_FORMATS, 1));
	EXPECT_EQ(1ULL << 47, word(self, 2, IOMMU_PROBE_NESTED_FORMATS, 1));
	EXPECT_EQ(NULL, probe_find(old, IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(NULL, probe_find(old, IOMMU_PROBE_IOVA_RANGES,
				   IOMMU_HWPT_ALLOC_NEST_PARENT));
	EXPECT_EQ(NULL, probe_find(old, IOMMU_PROBE_IOVA_RANGES,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING));
	EXPECT_EQ(PAGE, word(self, 0, IOMMU_PROBE_INVALIDATION, 0));
	EXPECT_EQ(PAGE, word(self, 0, IOMMU_PROBE_INVALIDATION, 1));
	f = probe_value(probe_find(&self->l.probe[0], IOMMU_PROBE_FAULTS, 0));
	EXPECT_EQ(IOMMU_PROBE_FAULTS_ATS | IOMMU_PROBE_FAULTS_PRI,
		  f->flags & (IOMMU_PROBE_FAULTS_ATS | IOMMU_PROBE_FAULTS_PRI |
			      IOMMU_PROBE_FAULTS_STALL));
	EXPECT_LT(0, f->ats_depth);
	EXPECT_EQ(512, f->pri_capacity);
}

TEST_F_TIMEOUT(unlike, every_order, 600)
{
	unsigned int tried;
	__u32 flags;

	for (flags = 0; flags < 4; flags++)
		ASSERT_EQ(0, try_all_lists(&self->l, flags, &tried));
	self->l.spot_length = PAGE;
	self->l.spot = 0xfee00000;
	ASSERT_EQ(0, try_all_lists(&self->l, 0, &tried));
	self->l.spot = 1ULL << 39;
	ASSERT_EQ(0, try_all_lists(&self->l, 0, &tried));
	EXPECT_EQ(64, tried);
}

/* One that another driver has: no table is both, whichever of them is named first. */
TEST_F(unlike, another_driver)
{
	__u32 devs[3] = { self->l.dev[0], self->l.dev[2] };
	struct probe mock_says, both;
	__u32 ioas, hwpt, who, why;
	struct mock_device mock;
	__u16 property;
	int rc;

	ASSERT_EQ(0, iommu_ioas_alloc(self->l.fd, &ioas));
	rc = mock_device(self->l.fd, ioas, 0, &mock);
	if (rc == -ENOTTY)
		SKIP(return, "this kernel has no mock");
	ASSERT_EQ(0, rc);
	devs[2] = mock.dev;
	ASSERT_EQ(0, probe_read(self->l.fd, mock.dev, &mock_says));
	EXPECT_EQ(-EXDEV, probe_combine(&self->l.probe[0], &mock_says, &both,
					&property));
	EXPECT_EQ(IOMMU_PROBE_DRIVER, property);
	EXPECT_EQ(-EXDEV, iommu_hwpt_for(self->l.fd, devs, 3, ioas, 0, &hwpt,
					 &who, &why));
	EXPECT_EQ(mock.dev, who);
	EXPECT_EQ(IOMMU_PROBE_DRIVER, why);
	devs[0] = mock.dev;
	devs[2] = self->l.dev[0];
	EXPECT_EQ(-EXDEV, iommu_hwpt_for(self->l.fd, devs, 3, ioas, 0, &hwpt,
					 &who, &why));
	EXPECT_EQ(self->l.dev[2], who);
	EXPECT_EQ(IOMMU_PROBE_DRIVER, why);
	probe_free(&mock_says);
}

#define UNLIKE_SPOT	(1ULL << 39)
#define UNLIKE_OTHER	2
#include "unlike_cases.h"

TEST_HARNESS_MAIN
