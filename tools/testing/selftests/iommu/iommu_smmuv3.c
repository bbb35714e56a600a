// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's SMMUv3 as a VMM has it: context descriptors and stage 1 tables in the
 * guest's memory, nested over a stage 2 HWPT; the guest's commands; the events that
 * it should see; and DMA of a PCI function by the guest's virtual addresses, whose
 * bytes are compared. The function is QEMU's (edu), or the model's; what is not
 * there is skipped. Neither uses a PASID.
 *
 * A DMA that is blocked is seen by its effect: memory unchanged, or nothing read.
 * One of edu's that is blocked is tried piece by piece, and each piece is an event.
 */
#include "msi_test.h"
#include "smmuv3_model_test.h"

#include "../../../iommu/lib/dma_engine.h"

#define VA		0x7e1234560000ULL
#define ASID		0x1234
#define EVENTS		8192
/* Without a new event for as long, none comes */
#define QUIET_MS	300

/* IDR3 (6.3.4): stage 2 overrides what stage 1 says of caches */
#define IDR3_FWB	(1U << 8)

FIXTURE(smmuv3) {
	struct dma_host host;
	struct dma_engine dev;
	struct smmu_guest s;
	struct s1 t;
	struct iommu_hw_info_arm_smmuv3 info;
	__u32 nested;
	__u32 events_id;
	int events;
	bool may_nest;
};

FIXTURE_VARIANT(smmuv3) {
	enum dma_engine_kind kind;
};

FIXTURE_VARIANT_ADD(smmuv3, edu) { DMA_ENGINE_EDU };
FIXTURE_VARIANT_ADD(smmuv3, model) { DMA_ENGINE_MODEL_SMMUV3 };

/* -ENODEV: behind no SMMUv3. */
static int hw_info(FIXTURE_DATA(smmuv3) *self)
{
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = self->dev.v.id,
		.data_len = sizeof(self->info),
		.data_uptr = (uintptr_t)&self->info,
	};
	int rc = iommu_call(self->s.g.fd, IOMMU_GET_HW_INFO, &c);

	if (rc)
		return rc;
	return c.out_data_type == IOMMU_HW_INFO_TYPE_ARM_SMMUV3 ? 0 : -ENODEV;
}

/* The operator has taken the risk of a unit without S2FWB. */
static bool consented(void)
{
	FILE *f = fopen("/sys/module/iommufd/parameters/smmuv3_nest_noncoherent",
			"re");
	int c = 'N';

	if (f) {
		c = fgetc(f);
		fclose(f);
	}
	return c == 'Y';
}

/* No PASIDs: one descriptor */
static __u64 ste0(const FIXTURE_DATA(smmuv3) *self)
{
	return STE_VALID | STE_STAGE1 | self->s.cds;
}

static int nested_on(FIXTURE_DATA(smmuv3) *self, __u32 parent, __u32 *hwpt)
{
	return smmu_nested_words(&self->s, parent, ste0(self), STE_CD_CACHED,
				 false, hwpt);
}

/* From where nesting is allowed on */
static int start_guest(FIXTURE_DATA(smmuv3) *self)
{
	struct smmu_guest *s = &self->s;
	int rc;

	rc = smmu_viommu(s, false);
	if (rc)
		return rc;
	self->events = iommu_veventq(s->g.fd, s->viommu,
				     IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, EVENTS,
				     &self->events_id);
	if (self->events < 0)
		return self->events;
	if (fcntl(self->events, F_SETFL, O_NONBLOCK))
		return -errno;
	s1_init(&s->g, &self->t);
	cd_set(s, 0, &self->t, ASID, 0);
	rc = nested_on(self, s->viommu, &self->nested);
	return rc ? rc : guest_attach(&s->g, MODEL_NO_PASID, self->nested);
}

FIXTURE_SETUP(smmuv3)
{
	struct guest *g = &self->s.g;
	int rc;

	guest_init(g);
	self->events = -1;
	self->dev.v.fd = -1;
	self->host.m.fd = -1;
	if (g->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, g->fd);
	rc = dma_host_open(variant->kind, &self->host);
	if (rc == -ENODEV)
		SKIP(return, "there is no such device here");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, dma_engine_open(&self->host, 0, &self->dev));
	ASSERT_EQ(0, vfio_dev_bind(&self->dev.v, g->fd));
	rc = hw_info(self);
	if (rc == -ENODEV)
		SKIP(return, "the device is not behind an SMMUv3");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, dma_engine_start(&self->dev));
	g->d.v = self->dev.v;
	ASSERT_EQ(0, guest_memory(g, g->d.v.id, 0));
	self->may_nest = (self->info.idr[3] & IDR3_FWB) || consented();
	if (self->may_nest)
		ASSERT_EQ(0, start_guest(self));
}

FIXTURE_TEARDOWN(smmuv3)
{
	struct guest *g = &self->s.g;

	dma_engine_close(&self->dev);
	if (self->events >= 0)
		close(self->events);
	if (g->fd >= 0)
		close(g->fd);
	if (g->mem)
		munmap(g->mem, GUEST_SIZE);
	dma_host_close(&self->host);
}

#define NEEDS_NESTING() do {						\
	if (!self->may_nest)						\
		SKIP(return, "iommufd.smmuv3_nest_noncoherent is off");	\
} while (0)

/* Memory at @from to the device and from there to @to */
static int bounce(FIXTURE_DATA(smmuv3) *self, __u64 from, __u64 to)
{
	int rc = dma_engine_in(&self->dev, from, 0, PAGE);

	return rc ? rc : dma_engine_out(&self->dev, to, 0, PAGE);
}

/* What a guest does after it changed a table, to be sure. */
static int flush(FIXTURE_DATA(smmuv3) *self, __u64 lo, __u64 hi)
{
	const struct iommu_viommu_arm_smmuv3_invalidate cmds[] = {
		{ .cmd = { lo, hi } },
		{ .cmd = { CMD_ATC_INV | CMD_SID(VSID), 52 } },
	};
	__u32 num = ARRAY_LEN(cmds);
	int rc = smmu_commands(&self->s, cmds, &num);

	return rc ?: num == ARRAY_LEN(cmds) ? 0 : -EIO;
}

static int flush_cd(FIXTURE_DATA(smmuv3) *self)
{
	int rc = flush(self, CMD_CFGI_CD | CMD_SID(VSID), CMD_LEAF);

	return rc ?: flush(self, CMD_TLBI_NH_ALL, 0);
}

static int event_read(FIXTURE_DATA(smmuv3) *self, int ms, __u64 evt[4])
{
	return smmu_event_read(self->events, ms, evt);
}

/* Until nothing more comes; returns how many there were. */
static int events_drain(FIXTURE_DATA(smmuv3) *self)
{
	__u64 evt[4] = {};
	int rc, num = 0;

	while ((rc = event_read(self, QUIET_MS, evt)) == 1)
		num++;
	return rc ? rc : num;
}

/*
 * The next event is of @type, of our function, which the guest knows as VSID; all
 * that follow are of the same kind.
 */
#define EXPECT_EVENTS(type, first) do {					\
	__u64 _more[4];							\
									\
	ASSERT_EQ(1, event_read(self, FOREVER_MS, first));		\
	EXPECT_EQ(type, EVENT_TYPE(first));				\
	EXPECT_EQ(VSID, EVENT_SID(first));				\
	EXPECT_EQ(0, (first)[0] & EVENT_SSV);				\
	while (event_read(self, QUIET_MS, _more) == 1)			\
		EXPECT_EQ(type, EVENT_TYPE(_more));			\
} while (0)

TEST_F(smmuv3, hw_info)
{
	/* IDR0 (6.3.1): both stages, and AArch64 tables */
	EXPECT_EQ(0xb, self->info.idr[0] & 0xb);
	EXPECT_EQ(0, self->info.flags);
	EXPECT_EQ(0, self->info.__reserved);
}

/*
 * Where a guest's tables can turn snooping off nothing is nested, unless the
 * operator says so.
 */
TEST_F(smmuv3, nesting_needs_consent)
{
	struct smmu_guest *s = &self->s;
	__u32 id;

	if (self->may_nest)
		SKIP(return, "it is allowed here");
	EXPECT_EQ(-EOPNOTSUPP,
		  iommu_viommu(s->g.fd, s->g.d.v.id, s->g.parent,
			       IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0, &id));
	s->cds = table_new(&s->g);
	EXPECT_EQ(-EOPNOTSUPP, nested_on(self, s->g.parent, &id));
	/* As a page table of its own the parent is as good as any. */
	pattern(data_page(&s->g, 0), PAGE, 1);
	ASSERT_EQ(0, guest_attach(&s->g, MODEL_NO_PASID, s->g.parent));
	ASSERT_EQ(0, bounce(self, data_gpa(0), data_gpa(1)));
	EXPECT_EQ(0, memcmp(data_page(&s->g, 0), data_page(&s->g, 1), PAGE));
}

TEST_F(smmuv3, both_ways_by_guest_address)
{
	struct guest *g = &self->s.g;

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(5), S1_RO);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(2), S1_RW);
	pattern(data_page(g, 5), PAGE, 2);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 5), data_page(g, 2), PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 3), 0, PAGE));
	EXPECT_EQ(0, events_drain(self));
	/* A guest physical address is not one that its devices know */
	ASSERT_EQ(0, dma_engine_out(&self->dev, data_gpa(3), 0, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 3), 0, PAGE));
}

/* By a block of the guest's, which stage 2 has in pieces */
TEST_F(smmuv3, guest_block)
{
	struct guest *g = &self->s.g;
	__u64 block = VA & -SIZE_2M;

	NEEDS_NESTING();
	s1_set(&self->t, block, 2, GPA + 2 * SIZE_2M, S1_RW);
	pattern(at_gpa(g, GPA + 2 * SIZE_2M + 7 * PAGE), PAGE, 3);
	ASSERT_EQ(0, bounce(self, block + 7 * PAGE, block + 500 * PAGE));
	EXPECT_EQ(0, memcmp(at_gpa(g, GPA + 2 * SIZE_2M + 7 * PAGE),
			    at_gpa(g, GPA + 2 * SIZE_2M + 500 * PAGE), PAGE));
}

/* As a VMM does it that has no vIOMMU: invalidated by ranges */
TEST_F(smmuv3, over_the_parent)
{
	struct iommu_hwpt_invalidate_range range = {
		.iova = VA,
		.length = PAGE,
	};
	struct guest *g = &self->s.g;
	__u32 hwpt, num = 1;

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(1), S1_RW);
	ASSERT_EQ(0, nested_on(self, g->parent, &hwpt));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, hwpt));
	pattern(data_page(g, 0), PAGE, 4);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
	s1_set(&self->t, VA, 3, data_gpa(2), S1_RW);
	pattern(data_page(g, 2), PAGE, 5);
	ASSERT_EQ(0, iommu_hwpt_invalidate(g->fd, hwpt,
					   IOMMU_HWPT_INVALIDATE_DATA_RANGE,
					   &range, sizeof(range), &num));
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 2), data_page(g, 1), PAGE));
}

/* What is illegal in a descriptor (5.4): the guest hears of it, no byte moves. */
TEST_F(smmuv3, wrong_context_descriptor)
{
	static const __u64 wrong[] = { CD_VALID, CD_AA64 };
	struct smmu_guest *s = &self->s;
	struct guest *g = &s->g;
	__u64 evt[4] = {};
	unsigned int i;

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(1), S1_RW);
	pattern(data_page(g, 0), PAGE, 6);
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		memset(data_page(g, 1), 0x42, PAGE);
		cd_set(s, 0, &self->t, ASID, 0);
		*cd_at(s, 0) &= ~wrong[i];
		ASSERT_EQ(0, flush_cd(self));
		ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
		EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
		EXPECT_EVENTS(EVENT_BAD_CD, evt);

		cd_set(s, 0, &self->t, ASID, 0);
		ASSERT_EQ(0, flush_cd(self));
		ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
		EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
		EXPECT_EQ(0, events_drain(self));
	}
}

TEST_F(smmuv3, wrong_table)
{
	struct guest *g = &self->s.g;
	__u64 evt[4] = {};

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RO);
	pattern(data_page(g, 0), PAGE, 7);
	memcpy(data_page(g, 4), data_page(g, 0), PAGE);

	/* A write that the guest does not allow */
	ASSERT_EQ(0, dma_engine_out(&self->dev, VA, 0, PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 4), PAGE));
	EXPECT_EVENTS(EVENT_PERMISSION, evt);
	EXPECT_EQ(VA, evt[2]);
	EXPECT_EQ(0, evt[1] & (EVENT_READ | EVENT_S2));

	/* Not mapped: no leaf, and no table either */
	ASSERT_EQ(0, dma_engine_in(&self->dev, VA + PAGE, 0, PAGE));
	EXPECT_EVENTS(EVENT_TRANSLATION, evt);
	EXPECT_EQ(VA + PAGE, evt[2]);
	EXPECT_EQ(EVENT_READ, evt[1] & (EVENT_READ | EVENT_S2));
	ASSERT_EQ(0, dma_engine_out(&self->dev, PAGE, 0, PAGE));
	EXPECT_EVENTS(EVENT_TRANSLATION, evt);
	EXPECT_EQ(PAGE, evt[2]);

	/* And it still reads what it may. */
	s1_set(&self->t, VA + 2 * PAGE, 3, data_gpa(1), S1_RW);
	ASSERT_EQ(0, bounce(self, VA, VA + 2 * PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
}

/* How many events were lost, when no more are */
static __u64 events_lost(FIXTURE_DATA(smmuv3) *self)
{
	__u64 lost = 0, before;
	struct fdinfo info;

	do {
		before = lost;
		usleep(QUIET_MS * 1000);
		if (fdinfo_read(0, self->events, &info) ||
		    !fdinfo_nth(&info, "lost", 0, &lost))
			return 0;
	} while (!lost || lost != before);
	return lost;
}

/* Those that find no room are lost; the reader is told, and the next one comes. */
TEST_F(smmuv3, more_events_than_room)
{
	struct smmu_guest *s = &self->s;
	struct smmu_vevent e[3];
	__u64 lost, evt[4] = {};
	unsigned int i;

	NEEDS_NESTING();
	close(self->events);
	ASSERT_EQ(0, iommu_destroy(s->g.fd, self->events_id));
	self->events = iommu_veventq(s->g.fd, s->viommu,
				     IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, 2,
				     &self->events_id);
	ASSERT_LE(0, self->events);
	ASSERT_EQ(0, fcntl(self->events, F_SETFL, O_NONBLOCK));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, dma_engine_in(&self->dev, VA + PAGE, 0, PAGE));
	lost = events_lost(self);
	EXPECT_LE(3, lost);
	ASSERT_EQ(2 * sizeof(e[0]) + sizeof(e[0].header),
		  read(self->events, e, sizeof(e)));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, e[i].header.flags);
		EXPECT_EQ(i, e[i].header.sequence);
		EXPECT_EQ(EVENT_TRANSLATION, EVENT_TYPE(e[i].evt));
	}
	EXPECT_EQ(IOMMU_VEVENTQ_FLAG_LOST_EVENTS, e[2].header.flags);
	EXPECT_EQ(1 + lost, e[2].header.sequence);

	ASSERT_EQ(0, dma_engine_in(&self->dev, VA, 0, PAGE));
	ASSERT_EQ(1, smmu_event_read(self->events, FOREVER_MS, evt));
	EXPECT_EQ(EVENT_TRANSLATION, EVENT_TYPE(evt));
	EXPECT_EQ(VA, evt[2]);
}

/* Out of the guest's memory, with a leaf or with a table: stage 2 is in the way. */
TEST_F(smmuv3, beyond_guest_memory)
{
	struct guest *g = &self->s.g;
	__u64 far = VA + (1ULL << 30);

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	pattern(data_page(g, 0), PAGE, 8);
	memset(data_page(g, 1), 0x42, PAGE);
	s1_set(&self->t, VA + PAGE, 3, GPA + GUEST_SIZE, S1_RW);
	s1_set(&self->t, VA + 2 * PAGE, 3, data_gpa(1), S1_RW);
	__atomic_store_n(s1_entry(&self->t, far, 1),
			 (GPA + GUEST_SIZE) | S1_TABLE, __ATOMIC_RELEASE);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	ASSERT_EQ(0, bounce(self, VA, far));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
	ASSERT_EQ(0, bounce(self, VA, VA + 2 * PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
}

/* What is cached is used until the guest's command; then it is not. */
TEST_F(smmuv3, invalidated_by_commands)
{
	static const __u64 cmds[][2] = {
		{ CMD_TLBI_NH_VA | CMD_ASID(ASID), VA | CMD_LEAF },
		{ CMD_TLBI_NH_VAA, VA | CMD_LEAF },
		{ CMD_TLBI_NH_ASID | CMD_ASID(ASID), 0 },
		{ CMD_TLBI_NH_ALL, 0 },
	};
	struct guest *g = &self->s.g;
	unsigned int i;

	NEEDS_NESTING();
	s1_set(&self->t, VA + PAGE, 3, data_gpa(20), S1_RW);
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	pattern(data_page(g, 0), PAGE, 9);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	for (i = 0; i < ARRAY_LEN(cmds); i++) {
		char *old = data_page(g, i), *new = data_page(g, i + 1);

		s1_set(&self->t, VA, 3, data_gpa(i + 1), S1_RW);
		pattern(new, PAGE, 100 + i);
		ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
		/* Both units have a cache, and nothing has pushed it out */
		EXPECT_EQ(0, memcmp(old, data_page(g, 20), PAGE));

		ASSERT_EQ(0, flush(self, cmds[i][0], cmds[i][1]));
		ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
		EXPECT_EQ(0, memcmp(new, data_page(g, 20), PAGE));
	}
}

/* Another table under another ASID, by another descriptor */
TEST_F(smmuv3, another_context_descriptor)
{
	struct guest *g = &self->s.g;
	struct s1 other;

	NEEDS_NESTING();
	s1_init(g, &other);
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(1), S1_RW);
	s1_set(&other, VA, 3, data_gpa(2), S1_RW);
	s1_set(&other, VA + PAGE, 3, data_gpa(3), S1_RW);
	pattern(data_page(g, 0), PAGE, 10);
	pattern(data_page(g, 2), PAGE, 11);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
	cd_set(&self->s, 0, &other, ASID + 1, 0);
	ASSERT_EQ(0, flush(self, CMD_CFGI_CD | CMD_SID(VSID), CMD_LEAF));
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 2), data_page(g, 3), PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
}

/* The host takes memory away: what is cached of both stages goes with it. */
TEST_F(smmuv3, blocked_after_unmap_in_the_parent)
{
	struct guest *g = &self->s.g;

	NEEDS_NESTING();
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(1), S1_RW);
	pattern(data_page(g, 0), PAGE, 12);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
	ASSERT_EQ(0, iommu_unmap(g->fd, g->ioas, GPA, GUEST_SIZE, NULL));
	memset(data_page(g, 1), 0x42, PAGE);
	ASSERT_EQ(0, dma_engine_out(&self->dev, VA + PAGE, 0, PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
	/* And back, elsewhere: the page is another one now. */
	ASSERT_EQ(0, iommu_map(g->fd, g->ioas, g->mem, GUEST_SIZE, GPA));
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
}

/* The guest's stream table entry: bypass is stage 2 alone, abort is nothing. */
TEST_F(smmuv3, bypass_and_abort)
{
	struct guest *g = &self->s.g;
	__u32 bypass, abort, invalid;

	NEEDS_NESTING();
	ASSERT_EQ(0, smmu_nested_words(&self->s, self->s.viommu,
				       STE_VALID | STE_BYPASS, 0, false,
				       &bypass));
	ASSERT_EQ(0, smmu_nested_words(&self->s, self->s.viommu,
				       STE_VALID | STE_ABORT, 0, false,
				       &abort));
	ASSERT_EQ(0, smmu_nested_words(&self->s, self->s.viommu, 0, 0, false,
				       &invalid));
	pattern(data_page(g, 0), PAGE, 13);
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, bypass));
	ASSERT_EQ(0, bounce(self, data_gpa(0), data_gpa(1)));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
	memset(data_page(g, 1), 0x42, PAGE);
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, abort));
	ASSERT_EQ(0, bounce(self, data_gpa(0), data_gpa(1)));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, invalid));
	ASSERT_EQ(0, bounce(self, data_gpa(0), data_gpa(1)));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
	/* And back to stage 1 */
	s1_set(&self->t, VA, 3, data_gpa(0), S1_RW);
	s1_set(&self->t, VA + PAGE, 3, data_gpa(1), S1_RW);
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, self->nested));
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_EQ(0, memcmp(data_page(g, 0), data_page(g, 1), PAGE));
	ASSERT_EQ(0, guest_detach(g, MODEL_NO_PASID));
	memset(data_page(g, 1), 0x42, PAGE);
	ASSERT_EQ(0, bounce(self, VA, VA + PAGE));
	EXPECT_TRUE(all_bytes(data_page(g, 1), 0x42, PAGE));
	EXPECT_EQ(0, iommu_destroy(g->fd, self->nested));
}

/*
 * An interrupt of a device whose addresses are the guest's: it writes to the window,
 * which the guest maps as its firmware tells it, to itself; stage 2 has the doorbell.
 */
TEST_F(smmuv3, msi_through_both_stages)
{
	struct guest *g = &self->s.g;
	struct iommu_msi_window w;
	struct msi_dev d = { 0 };
	struct pci_msi msi;
	__u64 evt[4];
	__u32 other;

	NEEDS_NESTING();
	if (variant->kind != DMA_ENGINE_EDU)
		SKIP(return, "only edu raises its MSI when a VMM says so");
	d.v = self->dev.v;
	ASSERT_EQ(0, dma_engine_name(&self->host, 0, d.name, sizeof(d.name)));
	/* Attached to a nested HWPT, and to nothing else before */
	ASSERT_EQ(0, msi_enable(&d));
	ASSERT_EQ(0, pci_msi_read(d.name, &msi));
	ASSERT_EQ(0, iommu_msi_window(g->fd, self->dev.v.id, &w));
	EXPECT_EQ(IOMMU_MSI_WINDOW_FIXED | IOMMU_MSI_WINDOW_STABLE, w.flags);
	EXPECT_LE(w.start, msi.addr);
	EXPECT_GT(w.start + w.length, msi.addr);

	/* The guest has not mapped it: it does not arrive, and the guest hears of it */
	EXPECT_TRUE(msi_is_lost(&d));
	EXPECT_EVENTS(EVENT_TRANSLATION, evt);
	EXPECT_EQ(msi.addr & -PAGE, evt[2] & -PAGE);

	s1_set(&self->t, msi.addr & -PAGE, 3, msi.addr & -PAGE, S1_RW);
	EXPECT_TRUE(msi_arrives(&d));
	EXPECT_TRUE(msi_arrives(&d));
	/* The guest's tables leave, come back, others come: it stays as it is */
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, g->parent));
	EXPECT_TRUE(msi_arrives(&d));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, self->nested));
	EXPECT_TRUE(msi_arrives(&d));
	ASSERT_EQ(0, nested_on(self, self->s.viommu, &other));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, other));
	EXPECT_TRUE(msi_arrives(&d));
	ASSERT_EQ(0, guest_detach(g, MODEL_NO_PASID));
	ASSERT_EQ(0, guest_attach(g, MODEL_NO_PASID, self->nested));
	EXPECT_TRUE(msi_arrives(&d));
	/* Enabled anew, it is the same */
	ASSERT_EQ(0, msi_disable(&d));
	ASSERT_EQ(0, msi_enable(&d));
	EXPECT_TRUE(msi_arrives(&d));
	EXPECT_EQ(0, events_drain(self));
	/* What is memory of the guest by stage 2 is not the doorbell */
	s1_set(&self->t, msi.addr & -PAGE, 3, data_gpa(0), S1_RW);
	ASSERT_EQ(0, flush(self, CMD_TLBI_NH_ALL, 0));
	EXPECT_TRUE(msi_is_lost(&d));
	ASSERT_EQ(0, msi_disable(&d));
}

/* What this unit has not: PASIDs, two-level tables of descriptors */
TEST_F(smmuv3, words_that_are_refused)
{
	static const __u64 bad[][2] = {
		{ 1ULL << 52, 0 },
		{ 0, 1ULL << 32 },
		{ 0, 2 * STE_EATS },
		{ STE_ABORT | 2 << 1, 0 },
	};
	unsigned int i;
	__u32 hwpt;

	NEEDS_NESTING();
	for (i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_EQ(-EIO, smmu_nested_words(&self->s, self->s.viommu,
						  ste0(self) | bad[i][0],
						  bad[i][1], false, &hwpt));
	/* IDR1.SSIDSIZE (6.3.2) */
	if (!(self->info.idr[1] >> 6 & 0x1f))
		EXPECT_EQ(-EIO, smmu_nested_words(&self->s, self->s.viommu,
						  ste0(self) | STE_CDMAX(1), 0,
						  false, &hwpt));
}

TEST_HARNESS_MAIN
