// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of a real PCI driver stack on the SMMUv3 model: vfio-pci,
 * /dev/iommu, our driver, and a function whose DMA faults. The program is the VMM
 * and the guest: it reads the group from the fd, mends the stage 1 table in the
 * guest's memory (or the IOAS), sends the guest's invalidation commands, answers,
 * and the DMA comes to its end with the right bytes.
 */
#include "smmuv3_model_test.h"

#define VA		0x7e1234560000ULL
#define PASID		0x25
#define PASID_FAR	0x2345
#define LENGTH		(5 * PAGE)
#define ASID		0x1234

enum over {
	OVER_VIOMMU,
	OVER_PARENT,
};

FIXTURE(story) {
	struct smmu_guest s;
	struct s1 t;
	__u32 hwpt;
	__u32 ssid;
};

FIXTURE_VARIANT(story) {
	bool two_level;
	enum over over;
	unsigned int leaf;
	__u32 pasid;
};

FIXTURE_VARIANT_ADD(story, rid_linear_viommu_4k) {
	false, OVER_VIOMMU, 3, MODEL_NO_PASID
};
FIXTURE_VARIANT_ADD(story, rid_two_level_parent_2m) {
	true, OVER_PARENT, 2, MODEL_NO_PASID
};
FIXTURE_VARIANT_ADD(story, pasid_linear_parent_4k) {
	false, OVER_PARENT, 3, PASID
};
FIXTURE_VARIANT_ADD(story, pasid_two_level_viommu_4k) {
	true, OVER_VIOMMU, 3, PASID_FAR
};
FIXTURE_VARIANT_ADD(story, pasid_two_level_viommu_2m) {
	true, OVER_VIOMMU, 2, PASID_FAR
};

FIXTURE_SETUP(story)
{
	struct smmu_guest *s = &self->s;
	int rc;

	rc = smmu_start(s, NULL, variant->two_level);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no model of an SMMUv3");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(&s->g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	s1_init(&s->g, &self->t);
	self->ssid = variant->pasid == MODEL_NO_PASID ? 0 : variant->pasid;
	cd_set(s, self->ssid, &self->t, ASID, 0);
	ASSERT_EQ(0, smmu_nested(s, variant->over == OVER_VIOMMU ? s->viommu :
							s->g.parent,
				 true, &self->hwpt));
	/* The guest's table has all of its PASIDs */
	ASSERT_EQ(0, guest_attach(&s->g, MODEL_NO_PASID, self->hwpt));
}

FIXTURE_TEARDOWN(story)
{
	GUEST_CHECK(&self->s.g);
	smmu_stop(&self->s);
}

/* 4 KiB pages: data page n is page n of the range. */
static void mend(struct s1 *t, __u64 addr, unsigned int leaf, __u64 attributes)
{
	if (leaf == 2)
		s1_set(t, addr & -SIZE_2M, 2, GPA + SIZE_2M, attributes);
	else
		s1_set(t, addr, 3,
		       data_gpa((unsigned int)((addr - VA) / PAGE)),
		       attributes);
}

/* Where the bytes at @va are in the guest, once they are mapped. */
static char *backing(struct guest *g, __u64 va, unsigned int leaf)
{
	if (leaf == 2)
		return at_gpa(g, GPA + SIZE_2M) + (va & (SIZE_2M - 1));
	return data_page(g, 0) + (va - VA);
}

/*
 * After a leaf was changed: by the guest's commands, or as a VMM does it that has
 * no vIOMMU.
 */
static int flush_page(struct smmu_guest *s, enum over over, __u32 hwpt,
		      __u32 pasid, __u64 va)
{
	struct iommu_hwpt_invalidate_range range = {
		.iova = va & -PAGE,
		.length = PAGE,
	};
	__u32 num = 1;

	if (over == OVER_VIOMMU)
		return smmu_invalidate_page(s, pasid, ASID, va);
	return iommu_hwpt_invalidate(s->g.fd, hwpt,
				     IOMMU_HWPT_INVALIDATE_DATA_RANGE, &range,
				     sizeof(range), &num);
}

/* One group, answered @code; returns its number of records, or less. */
static int serve(struct smmu_guest *s, struct s1 *t, __u32 pasid,
		 unsigned int leaf, bool mended, __u32 code,
		 struct iommu_hwpt_pgfault *rec)
{
	int n, i, rc;

	n = guest_read(&s->g, rec, GROUP_MAX);
	if (n <= 0)
		return n ? n : -EIO;
	for (i = 0; mended && i < n; i++) {
		mend(t, rec[i].addr & -PAGE, leaf, S1_RW);
		rc = smmu_invalidate_page(s, pasid, ASID, rec[i].addr);
		if (rc)
			return rc;
	}
	rc = guest_answer(&s->g, rec[0].cookie, code);
	return rc ? rc : n;
}

TEST_F(story, fault_mended_and_answered)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	unsigned char out[LENGTH], in[LENGTH];
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	bool with = variant->pasid != MODEL_NO_PASID;
	unsigned int seen = 0, records = 0;
	struct model_job job;
	__u64 va = VA + 100;
	int n, i, status;

	pattern(out, sizeof(out), 1);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, va, out, sizeof(out), 4,
				     &job));
	while ((status = model_job_wait(&job, 50)) ==
	       IOMMUFD_MODEL_DMA_PENDING && ++seen < 20) {
		n = serve(s, &self->t, variant->pasid, variant->leaf, true,
			  IOMMUFD_PAGE_RESP_SUCCESS, rec);
		ASSERT_LT(0, n);
		records += (unsigned int)n;
		for (i = 0; i < n; i++) {
			EXPECT_EQ(g->d.v.id, rec[i].dev_id);
			EXPECT_EQ(with ? variant->pasid : 0, rec[i].pasid);
			EXPECT_EQ(with, !!(rec[i].flags &
					   IOMMU_PGFAULT_FLAGS_PASID_VALID));
			EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, rec[i].perm);
			EXPECT_EQ(rec[0].cookie, rec[i].cookie);
			EXPECT_EQ(rec[0].grpid, rec[i].grpid);
			EXPECT_EQ(i == n - 1, !!(rec[i].flags &
						 IOMMU_PGFAULT_FLAGS_LAST_PAGE));
			EXPECT_LE(va & -PAGE, rec[i].addr);
			EXPECT_GT(va + LENGTH, rec[i].addr);
		}
	}
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, status);
	EXPECT_EQ(sizeof(out), job.done);
	EXPECT_EQ(records, job.requests);
	/* Six pages are touched, four to a group; one large page has them all. */
	EXPECT_EQ(variant->leaf == 3 ? 2 : 1, job.groups);
	EXPECT_EQ(0, memcmp(backing(g, va, variant->leaf), out, sizeof(out)));

	/* The other way, without a fault */
	memset(in, 0, sizeof(in));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, guest_load(g, variant->pasid, va, in,
						   sizeof(in)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

TEST_F(story, answered_invalid)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	struct model_job job;
	char data[2 * PAGE];

	pattern(data, sizeof(data), 2);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, sizeof(data), 0,
				     &job));
	ASSERT_LT(0, serve(s, &self->t, variant->pasid, variant->leaf, false,
			   IOMMUFD_PAGE_RESP_INVALID, rec));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_TRUE(all_bytes(backing(g, VA, variant->leaf), 0, sizeof(data)));
	/* Answered once: the cookie is nobody's. */
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec[0].cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
}

/* PCIe 6.0, 10.4.2.1: it asks no more, until the interface is started anew. */
TEST_F(story, answered_failure)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct iommu_device_pri pri = { 0 };
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	struct model_job job;
	char data[PAGE];

	pattern(data, sizeof(data), 3);
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, sizeof(data), 0,
				     &job));
	ASSERT_LT(0, serve(s, &self->t, variant->pasid, variant->leaf, false,
			   IOMMUFD_PAGE_RESP_FAILURE, rec));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_HALTED, model_job_wait(&job, FOREVER_MS));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_QUERY, &pri));
	EXPECT_TRUE(pri.out_state & IOMMU_DEVICE_PRI_FAILED);
	memset(&pri, 0, sizeof(pri));
	ASSERT_EQ(0, iommu_pri(g->fd, g->d.v.id, IOMMU_DEVICE_PRI_RESET, &pri));
	EXPECT_EQ(IOMMU_DEVICE_PRI_ENABLED, pri.out_state &
		  (IOMMU_DEVICE_PRI_ENABLED | IOMMU_DEVICE_PRI_FAILED));
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, sizeof(data), 0,
				     &job));
	ASSERT_LT(0, serve(s, &self->t, variant->pasid, variant->leaf, true,
			   IOMMUFD_PAGE_RESP_SUCCESS, rec));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data, backing(g, VA, variant->leaf), PAGE));
}

/* Taken away with a group outstanding: answered INVALID, and drained. */
TEST_F(story, detached_with_a_fault_outstanding)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	struct model_job job;
	char data[PAGE] = "";

	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, PAGE, 0, &job));
	ASSERT_EQ(1, guest_read(g, rec, ARRAY_LEN(rec)));
	ASSERT_EQ(0, guest_detach(g, MODEL_NO_PASID));
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(-EINVAL, iommu_fault_answer(g->queue, rec[0].cookie,
					      IOMMUFD_PAGE_RESP_SUCCESS));
	/* The table is no more used, and can go. */
	EXPECT_EQ(0, iommu_destroy(g->fd, self->hwpt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, guest_write(g, variant->pasid, VA,
							 data, PAGE));
}

/* The interrupt for a page request is lost: a detach finds it, and the next is told of. */
TEST_F(story, interrupt_lost)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	struct pollfd p = { .fd = g->queue, .events = POLLIN };
	__u64 requests = 0;
	struct model_job job;
	char data[PAGE];

	pattern(data, PAGE, 12);
	ASSERT_EQ(0, model_inject(&g->m, MODEL_SMMUV3_LOSE_IRQS, 4));
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, PAGE, 0, &job));
	while (!requests) {
		usleep(1000);
		ASSERT_EQ(0, model_counter(&g->m, "page-requests", &requests));
	}
	EXPECT_EQ(0, poll(&p, 1, 50));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_PENDING, model_job_wait(&job, 0));
	ASSERT_EQ(0, guest_detach(g, MODEL_NO_PASID));
	g->drained++;
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));

	ASSERT_EQ(0, model_inject(&g->m, MODEL_SMMUV3_LOSE_IRQS, 0));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, self->hwpt));
	ASSERT_EQ(0, model_job_start(&g->d, IOMMUFD_MODEL_DMA_WRITE,
				     variant->pasid, VA, data, PAGE, 0, &job));
	ASSERT_LT(0, serve(s, &self->t, variant->pasid, variant->leaf, true,
			   IOMMUFD_PAGE_RESP_SUCCESS, rec));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK, model_job_wait(&job, FOREVER_MS));
	EXPECT_EQ(0, memcmp(data, backing(g, VA, variant->leaf), PAGE));
}

/* What a guest must do after a change of a leaf, and that it suffices */
TEST_F(story, invalidated_by_commands)
{
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	char one[PAGE], two[PAGE];

	pattern(one, PAGE, 4);
	pattern(two, PAGE, 5);
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA, one,
						    PAGE));
	EXPECT_EQ(0, memcmp(one, data_page(g, 0), PAGE));

	s1_set(&self->t, VA, 3, data_gpa(1), S1_RW);
	/* Still cached, by the device and by the unit: that is no error */
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA, two,
						    PAGE));
	EXPECT_EQ(0, memcmp(two, data_page(g, 0), PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0, PAGE));

	ASSERT_EQ(0, flush_page(s, variant->over, self->hwpt, variant->pasid,
				VA));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA, one,
						    PAGE));
	EXPECT_EQ(0, memcmp(one, data_page(g, 1), PAGE));
	EXPECT_EQ(0, memcmp(two, data_page(g, 0), PAGE));
}

/* The same by whole address spaces, and of untranslated requests alone */
TEST_F(story, invalidated_by_asid)
{
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	char one[PAGE], two[PAGE];
	const struct {
		__u64 lo;
		__u64 hi;
	} cmds[] = {
		{ CMD_TLBI_NH_ASID | CMD_ASID(ASID), 0 },
		{ CMD_TLBI_NH_ALL, 0 },
		{ CMD_TLBI_NH_VAA, VA },
		{ CMD_TLBI_NH_VA | CMD_ASID(ASID), VA },
	};
	unsigned int i;

	/* A vIOMMU's commands are for what is nested through it */
	if (variant->over == OVER_PARENT)
		SKIP(return, "there is no vIOMMU over this table");
	pattern(one, PAGE, 6);
	pattern(two, PAGE, 7);
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	for (i = 0; i < ARRAY_LEN(cmds); i++) {
		__u64 to = data_gpa(i + 1);

		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
				    IOMMUFD_MODEL_DMA_UNTRANSLATED,
				    variant->pasid, VA, two, PAGE,
				    FOREVER_MS));
		s1_set(&self->t, VA, 3, to, S1_RW);
		ASSERT_EQ(0, smmu_command(s, cmds[i].lo, cmds[i].hi));
		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_dma(&g->d, IOMMUFD_MODEL_DMA_WRITE |
				    IOMMUFD_MODEL_DMA_UNTRANSLATED,
				    variant->pasid, VA, one, PAGE,
				    FOREVER_MS));
		EXPECT_EQ(0, memcmp(one, at_gpa(g, to), PAGE));
	}
}

/* A context descriptor that is changed, and CFGI_CD */
TEST_F(story, another_context_descriptor)
{
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	struct s1 other;
	char data[PAGE];

	pattern(data, PAGE, 8);
	s1_init(g, &other);
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&other, VA, 3, data_gpa(1), S1_RW);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA,
						    data, PAGE));
	cd_set(s, self->ssid, &other, ASID + 1, 0);
	ASSERT_EQ(0, smmu_command(s, CMD_CFGI_CD | CMD_SID(VSID) |
				     (__u64)self->ssid << 12, CMD_LEAF));
	ASSERT_EQ(0, smmu_invalidate_page(s, variant->pasid, ASID + 1, VA));
	pattern(data, PAGE, 9);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, guest_write(g, variant->pasid, VA,
						    data, PAGE));
	EXPECT_EQ(0, memcmp(data, data_page(g, 1), PAGE));
	EXPECT_NE(0, memcmp(data, data_page(g, 0), PAGE));
}

/* What a guest may not send: nothing of it reaches the unit. */
TEST_F(story, commands_that_are_refused)
{
	static const struct iommu_viommu_arm_smmuv3_invalidate bad[] = {
		/* The host's business */
		{ .cmd = { CMD_CFGI_STE | CMD_SID(VSID), CMD_LEAF } },
		{ .cmd = { CMD_SYNC } },
		/* A StreamID that the guest has not */
		{ .cmd = { CMD_CFGI_CD_ALL | CMD_SID(VSID + 1) } },
		{ .cmd = { CMD_ATC_INV | CMD_SID(VSID + 1), 52 } },
		{ .cmd = { 0xff } },
	};
	const struct iommu_viommu_arm_smmuv3_invalidate good = {
		.cmd = { CMD_TLBI_NH_ALL },
	};
	struct iommu_viommu_arm_smmuv3_invalidate two[2];
	struct smmu_guest *s = &self->s;
	__u64 before, after;
	unsigned int i;
	__u32 num;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		num = 1;
		ASSERT_EQ(0, model_counter(&s->g.m, "submits", &before));
		EXPECT_EQ(-EIO, smmu_commands(s, &bad[i], &num));
		EXPECT_EQ(0, num);
		ASSERT_EQ(0, model_counter(&s->g.m, "submits", &after));
		EXPECT_EQ(before, after);
		/* Behind a good one: that is carried out, and counted */
		two[0] = good;
		two[1] = bad[i];
		num = 2;
		EXPECT_EQ(-EIO, smmu_commands(s, two, &num));
		EXPECT_EQ(1, num);
	}
}

/* --- a table that the kernel fills --- */

static int paging_start(struct guest *g)
{
	static const struct model_smmuv3 modern = { 0 };

	guest_init(g);
	return guest_go_on(g, model_smmuv3_add(&g->m, &modern), 0);
}

#define PAGING_START	paging_start
#define PAGING_PASID	PASID_FAR
#define PAGING_NAME	"SMMUv3"
#include "model_paging_cases.h"

/*
 * IDR0 (6.3.1): both stages, AArch64 tables, coherent, HTTU, ATS, 16-bit ASIDs, MSI,
 * PRI, two levels of both tables; VMIDs of 8 bits
 */
#define IDR0_VMID8	(1U << 0 | 1U << 1 | 2U << 2 | 1U << 4 | 2U << 6 | \
			 1U << 10 | 1U << 12 | 1U << 13 | 1U << 16 | \
			 1U << 19 | 2U << 21 | 1U << 27)

/*
 * A unit with 256 VMIDs: one guest has sixteen vIOMMUs at most, so that another has
 * some too.
 */
TEST(viommus_leave_room)
{
	const struct model_smmuv3 unit = { .idr0 = IDR0_VMID8 };
	__u32 viommu[17], hwpt, other_hwpt, ioas, id;
	struct model_dev d = { .v.fd = -1 };
	struct smmu_guest s;
	unsigned int i;
	int rc, fd;

	rc = smmu_start(&s, &unit, false);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no model of an SMMUv3");
	ASSERT_EQ(0, rc);
	/* One there is */
	for (i = 1; i < 16; i++)
		ASSERT_EQ(0, iommu_viommu(s.g.fd, s.g.d.v.id, s.g.parent,
					  IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL,
					  0, &viommu[i]));
	EXPECT_EQ(-ENOSPC, iommu_viommu(s.g.fd, s.g.d.v.id, s.g.parent,
					IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0,
					&viommu[16]));
	/* It can be attached all the same */
	ASSERT_EQ(0, smmu_nested(&s, s.g.parent, false, &hwpt));
	EXPECT_EQ(0, guest_attach(&s.g, MODEL_NO_PASID, hwpt));

	ASSERT_EQ(0, model_plug(&s.g.m, DEVFN + 8, &d));
	ASSERT_EQ(0, model_dev_open(&d));
	fd = iommu_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, model_dev_bind(&d, fd));
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, iommu_hwpt_paging(fd, d.v.id, ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &other_hwpt));
	EXPECT_EQ(0, iommu_viommu(fd, d.v.id, other_hwpt,
				  IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0, &id));
	model_dev_close(&d);
	close(fd);

	ASSERT_EQ(0, iommu_destroy(s.g.fd, viommu[1]));
	EXPECT_EQ(0, iommu_viommu(s.g.fd, s.g.d.v.id, s.g.parent,
				  IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0,
				  &viommu[1]));
	smmu_stop(&s);
}

TEST_HARNESS_MAIN
