// SPDX-License-Identifier: GPL-2.0
/*
 * The two set-ups of Documentation/userspace-api/iommufd/vtd-tables.rst: a first-stage
 * table that the CPU and the device share, in the layout of a live process, and a
 * table for each. Which has to be right before the answer, and what is to be
 * invalidated.
 *
 * The CPU is a walker in this file: it obeys and sets the bits of an entry as the
 * guest's processor would.
 */
#include "vtd_model_test.h"

#define PASID		5
/* Where the process has its memory, and the device its window, if they differ */
#define VA		0x7f1234560000ULL
#define IOVA		0x200000000ULL
#define PAGES		8

FIXTURE(owners) {
	struct guest g;
	/* Of the CPU; of the device: the same, or another */
	struct table cpu;
	struct table io;
	struct table *of_device;
	__u64 base;
	__u32 hwpt;
	unsigned int next_page;
	unsigned int fixes;
};

FIXTURE_VARIANT(owners) {
	bool shared;
};

FIXTURE_VARIANT_ADD(owners, shared) { true };
FIXTURE_VARIANT_ADD(owners, separate) { false };

FIXTURE_SETUP(owners)
{
	struct guest *g = &self->g;
	int rc;

	rc = guest_start(g, 0, 0, 0);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no models");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, guest_queue(g, 64, IOMMU_FAULT_POLICY_BLOCKING));
	table_init(g, 4, &self->cpu);
	table_init(g, 4, &self->io);
	self->of_device = variant->shared ? &self->cpu : &self->io;
	self->base = variant->shared ? VA : IOVA;
	ASSERT_EQ(0, guest_nested(g, self->of_device, 0, true, &self->hwpt));
	ASSERT_EQ(0, guest_attach(g, PASID, self->hwpt));
}

FIXTURE_TEARDOWN(owners)
{
	GUEST_CHECK(&self->g);
	guest_stop(&self->g);
}

/* What the CPU reaches at @va, or NULL: it would fault. */
static char *cpu_at(FIXTURE_DATA(owners) *self, __u64 va, bool write)
{
	__u64 need = FS_P | FS_US | (write ? FS_RW : 0);
	__u64 *e = table_entry(&self->cpu, va, 1);

	if ((*e & need) != need)
		return NULL;
	__atomic_or_fetch(e, FS_A | (write ? FS_D : 0), __ATOMIC_ACQ_REL);
	return at_gpa(&self->g, *e & FS_ADDR) + va % PAGE;
}

/* The process's memory management: a page with its content, at @va. */
static __u64 mm_fault(FIXTURE_DATA(owners) *self, __u64 va, char content)
{
	__u64 gpa = data_gpa(self->next_page++);

	memset(at_gpa(&self->g, gpa), content, PAGE);
	table_set(&self->cpu, va & -PAGE, 1, gpa, FS_USER);
	self->fixes++;
	return gpa;
}

/* The device's fault at @addr, whose page is at @va of the process. */
static void fix(FIXTURE_DATA(owners) *self, __u64 addr, char content)
{
	__u64 va = addr - self->base + VA;
	__u64 gpa;

	/* First the CPU's: it has the page, or makes it */
	gpa = cpu_at(self, va, false) ?
		      *table_entry(&self->cpu, va, 1) & FS_ADDR :
		      mm_fault(self, va, content);
	/* Then the device's, unless that has been it */
	if (self->of_device == &self->cpu)
		return;
	table_set(&self->io, addr & -PAGE, 1, gpa, FS_USER);
	self->fixes++;
}

/* Start a DMA that faults once; the record of it. */
static int start(FIXTURE_DATA(owners) *self, __u32 flags, __u64 addr,
		 void *data, __u64 length, struct model_job *job,
		 struct iommu_hwpt_pgfault *rec)
{
	int rc = model_job_start(&self->g.d, flags, PASID, addr, data, length,
				 1, job);

	return rc ?: guest_read(&self->g, rec, 1);
}

#define FINISH(job, cookie, code, status) do {				\
	ASSERT_EQ(0, guest_answer(&self->g, cookie, code));		\
	EXPECT_EQ(status, model_job_wait(job, FOREVER_MS));		\
} while (0)

/* Not present to present: nothing is invalidated. Shared: one fix is enough. */
TEST_F(owners, page_that_nobody_had)
{
	struct iommu_hwpt_pgfault rec;
	struct model_job job;
	char byte = 0;

	ASSERT_EQ(1, start(self, 0, self->base + 5, &byte, 1, &job, &rec));
	EXPECT_EQ(self->base, rec.addr & -PAGE);
	fix(self, rec.addr, 'n');
	EXPECT_EQ(variant->shared ? 1 : 2, self->fixes);
	FINISH(&job, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS,
	       IOMMUFD_MODEL_DMA_OK);
	EXPECT_EQ('n', byte);

	/* The CPU sees what the device writes, and the other way */
	byte = 'd';
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  guest_write(&self->g, PASID, self->base + 6, &byte, 1));
	ASSERT_NE(NULL, cpu_at(self, VA + 6, false));
	EXPECT_EQ('d', *cpu_at(self, VA + 6, false));
	*cpu_at(self, VA + 7, true) = 'c';
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  guest_load(&self->g, PASID, self->base + 7, &byte, 1));
	EXPECT_EQ('c', byte);
}

/*
 * The process has used a page. Shared: the device may reach it without a fault, and
 * nobody is asked. Separate: it faults, and only its own table is short of it.
 */
TEST_F(owners, page_that_the_process_has)
{
	struct iommu_hwpt_pgfault rec;
	struct model_job job;
	char byte = 0;

	mm_fault(self, VA, 'p');
	if (variant->shared) {
		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
			  guest_load(&self->g, PASID, VA, &byte, 1));
	} else {
		ASSERT_EQ(1, start(self, 0, IOVA, &byte, 1, &job, &rec));
		fix(self, rec.addr, '?');
		EXPECT_EQ(2, self->fixes);
		FINISH(&job, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS,
		       IOMMUFD_MODEL_DMA_OK);
	}
	EXPECT_EQ('p', byte);
}

/*
 * Copy on write: the old page is read-only for both, the device writes. Both have
 * the new page, and what was cached of the old one is gone, before the answer.
 */
TEST_F(owners, copy_on_write)
{
	struct iommu_hwpt_pgfault rec;
	struct model_job job;
	char byte = 0, *old;
	__u64 gpa, fresh;

	gpa = mm_fault(self, VA, 'o');
	table_set(&self->cpu, VA, 1, gpa, FS_P | FS_US);
	table_set(self->of_device, self->base, 1, gpa, FS_P | FS_US);
	old = at_gpa(&self->g, gpa);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  guest_load(&self->g, PASID, self->base, &byte, 1));
	EXPECT_EQ('o', byte);

	byte = 'w';
	ASSERT_EQ(1, start(self, IOMMUFD_MODEL_DMA_WRITE, self->base + 1,
			   &byte, 1, &job, &rec));
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, rec.perm);
	fresh = mm_fault(self, VA, '?');
	memcpy(at_gpa(&self->g, fresh), old, PAGE);
	table_set(self->of_device, self->base, 1, fresh, FS_USER);
	ASSERT_EQ(0, guest_invalidate(&self->g, self->hwpt, self->base, 1,
				      IOMMU_VTD_INV_FLAGS_LEAF));
	FINISH(&job, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS,
	       IOMMUFD_MODEL_DMA_OK);

	EXPECT_TRUE(all_bytes(old, 'o', PAGE));
	EXPECT_EQ('w', *cpu_at(self, VA + 1, false));
	EXPECT_EQ('o', *cpu_at(self, VA + 2, false));
	/* No translation of the old page is left with the device */
	*old = 'x';
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  guest_load(&self->g, PASID, self->base, &byte, 1));
	EXPECT_EQ('o', byte);
}

/*
 * The process gives a page back. It is free for another use only behind the
 * invalidation; the device's next access is answered INVALID.
 */
TEST_F(owners, page_given_back)
{
	struct iommu_hwpt_pgfault rec;
	struct model_job job;
	char byte = 0;
	__u64 gpa;

	gpa = mm_fault(self, VA, 'g');
	table_set(self->of_device, self->base, 1, gpa, FS_USER);
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
		  guest_load(&self->g, PASID, self->base, &byte, 1));

	__atomic_store_n(table_entry(&self->cpu, VA, 1), 0, __ATOMIC_RELEASE);
	__atomic_store_n(table_entry(self->of_device, self->base, 1), 0,
			 __ATOMIC_RELEASE);
	ASSERT_EQ(0, guest_invalidate(&self->g, self->hwpt, self->base, 1,
				      IOMMU_VTD_INV_FLAGS_LEAF));
	memset(at_gpa(&self->g, gpa), 'a', PAGE);

	byte = 'w';
	ASSERT_EQ(1, start(self, IOMMUFD_MODEL_DMA_WRITE, self->base, &byte, 1,
			   &job, &rec));
	FINISH(&job, rec.cookie, IOMMUFD_PAGE_RESP_INVALID,
	       IOMMUFD_MODEL_DMA_FAULTED);
	EXPECT_TRUE(all_bytes(at_gpa(&self->g, gpa), 'a', PAGE));
}

/* The whole of a buffer, page by page, while the process uses it too. */
TEST_F(owners, buffer)
{
	struct iommu_hwpt_pgfault rec[GROUP_MAX];
	unsigned char out[PAGES * PAGE];
	struct model_job job;
	unsigned int i;
	int n, status;

	for (i = 0; i < PAGES; i += 3)
		mm_fault(self, VA + i * PAGE, 0);
	pattern(out, sizeof(out), 7);
	ASSERT_EQ(0, model_job_start(&self->g.d, IOMMUFD_MODEL_DMA_WRITE,
				     PASID, self->base, out, sizeof(out), 4,
				     &job));
	while ((status = model_job_wait(&job, 50)) ==
	       IOMMUFD_MODEL_DMA_PENDING) {
		n = guest_read(&self->g, rec, ARRAY_LEN(rec));
		ASSERT_LT(0, n);
		for (i = 0; i < (unsigned int)n; i++)
			fix(self, rec[i].addr, 0);
		ASSERT_EQ(0, guest_answer(&self->g, rec[0].cookie,
					  IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, status);
	EXPECT_EQ(variant->shared ? PAGES : 2 * PAGES, self->fixes);
	for (i = 0; i < PAGES; i++) {
		char *page = cpu_at(self, VA + i * PAGE, false);

		ASSERT_NE(NULL, page);
		EXPECT_EQ(0, memcmp(page, out + i * PAGE, PAGE));
	}
}

TEST_HARNESS_MAIN
