// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver on a VT-d model: does each thing that it arranges come about? Plain
 * functions that tell, and fail no test: a model that is wrong on purpose has to
 * make at least one of them say no.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../vtd/prq.h"
#include "vtd_mutants_kunit.h"
#include "vtd_rig.h"

#define IOVA		0x123456789000ULL
#define GUEST_IOVA	0x00007fff12345000ULL
#define PASID		5
#define WIDE_PASID	0x9abcd
#define RW		(IOMMU_READ | IOMMU_WRITE)
#define PAGES		4
/* Tables of a first stage: one of each level */
#define TABLES		4
#define DMA_TIMEOUT	msecs_to_jiffies(300)

/**
 * struct bench - what the checks work with
 * @rig: two functions with everything
 * @paging: domain that children can be nested over
 * @other: another one
 * @nested: over @paging
 * @data: pages for DMA; the first word of each is its number plus 0xd00d0000
 * @tables: for a first stage
 */
struct bench {
	struct vtd_rig rig;
	struct vtd_domain *paging, *other, *nested;
	u64 *data[PAGES];
	u64 *tables[TABLES];
};

static u64 word(unsigned int page)
{
	return 0xd00d0000 + page;
}

static bool reads(struct bench *b, unsigned int fn, ioasid_t pasid, u32 flags,
		  u64 iova, unsigned int page)
{
	u64 val = 0;

	return vtd_rig_dma(&b->rig, fn, pasid, flags, iova, &val, sizeof(val)) ==
	       MODEL_DMA_OK && val == word(page);
}

static bool writes(struct bench *b, unsigned int fn, ioasid_t pasid, u64 iova,
		   unsigned int page)
{
	u64 val = word(page) << 32;

	return vtd_rig_dma(&b->rig, fn, pasid, MODEL_DMA_WRITE, iova + 8, &val,
			   sizeof(val)) == MODEL_DMA_OK &&
	       b->data[page][1] == val;
}

static bool blocked(struct bench *b, unsigned int fn, ioasid_t pasid, u32 flags,
		    u64 iova)
{
	u64 val = 0;

	return vtd_rig_dma(&b->rig, fn, pasid, flags, iova, &val, sizeof(val)) ==
	       MODEL_DMA_BLOCKED;
}

static bool map(struct vtd_domain *domain, u64 iova, void *page, int prot)
{
	return !iommu_map(&domain->domain, iova, virt_to_phys(page), SZ_4K, prot,
			  GFP_KERNEL);
}

static bool unmap(struct vtd_domain *domain, u64 iova)
{
	return iommu_unmap(&domain->domain, iova, SZ_4K) == SZ_4K;
}

/* Requests without PASID, by themselves and by ATS, as mappings come and go */
static bool check_paging(struct bench *b)
{
	static const u32 ways[] = { 0, MODEL_DMA_UNTRANSLATED };
	struct vtd_device *device = b->rig.device[0];
	unsigned int i;
	bool ok = true;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		ok &= blocked(b, 0, IOMMU_NO_PASID, ways[i], IOVA);
		ok &= !vtd_attach(b->paging, device, IOMMU_NO_PASID);
		ok &= map(b->paging, IOVA, b->data[0], RW);
		ok &= map(b->paging, IOVA + SZ_4K, b->data[1], IOMMU_READ);
		ok &= reads(b, 0, IOMMU_NO_PASID, ways[i], IOVA, 0);
		ok &= writes(b, 0, IOMMU_NO_PASID, IOVA, 0);
		ok &= reads(b, 0, IOMMU_NO_PASID, ways[i], IOVA + SZ_4K, 1);
		ok &= blocked(b, 0, IOMMU_NO_PASID, ways[i] | MODEL_DMA_WRITE,
			      IOVA + SZ_4K);
		ok &= blocked(b, 0, IOMMU_NO_PASID, ways[i], IOVA + 2 * SZ_4K);
		ok &= blocked(b, 1, IOMMU_NO_PASID, ways[i], IOVA);
		ok &= unmap(b->paging, IOVA);
		ok &= blocked(b, 0, IOMMU_NO_PASID, ways[i], IOVA);
		ok &= map(b->paging, IOVA, b->data[2], RW);
		ok &= reads(b, 0, IOMMU_NO_PASID, ways[i], IOVA, 2);
		ok &= reads(b, 0, IOMMU_NO_PASID, ways[i], IOVA + SZ_4K, 1);
		vtd_detach(device, IOMMU_NO_PASID);
		ok &= blocked(b, 0, IOMMU_NO_PASID, ways[i], IOVA);
		ok &= unmap(b->paging, IOVA);
		ok &= unmap(b->paging, IOVA + SZ_4K);
	}
	return ok;
}

/* Each PASID has its domain, and gets another one while it is used. */
static bool check_pasids(struct bench *b)
{
	struct vtd_device *device = b->rig.device[0];
	bool ok = true;

	ok &= map(b->paging, IOVA, b->data[0], RW);
	ok &= map(b->other, IOVA, b->data[1], RW);
	ok &= !vtd_attach(b->paging, device, PASID);
	ok &= !vtd_attach(b->other, device, WIDE_PASID);
	ok &= !vtd_attach(b->other, b->rig.device[1], PASID);
	ok &= reads(b, 0, PASID, 0, IOVA, 0);
	ok &= reads(b, 0, WIDE_PASID, 0, IOVA, 1);
	ok &= reads(b, 1, PASID, 0, IOVA, 1);
	ok &= blocked(b, 0, PASID + 1, 0, IOVA);
	ok &= blocked(b, 0, IOMMU_NO_PASID, 0, IOVA);
	ok &= !vtd_attach(b->other, device, PASID);
	ok &= reads(b, 0, PASID, 0, IOVA, 1);
	ok &= reads(b, 0, PASID, MODEL_DMA_UNTRANSLATED, IOVA, 1);
	vtd_detach(device, WIDE_PASID);
	ok &= blocked(b, 0, WIDE_PASID, 0, IOVA);
	ok &= reads(b, 0, PASID, 0, IOVA, 1);
	vtd_detach(device, PASID);
	vtd_detach(b->rig.device[1], PASID);
	ok &= unmap(b->paging, IOVA);
	ok &= unmap(b->other, IOVA);
	return ok;
}

static bool check_identity(struct bench *b)
{
	struct vtd_device *device = b->rig.device[0];
	u64 pa = virt_to_phys(b->data[0]);
	bool ok = !vtd_attach(&vtd_identity_domain, device, IOMMU_NO_PASID);

	ok &= reads(b, 0, IOMMU_NO_PASID, 0, pa, 0);
	ok &= writes(b, 0, IOMMU_NO_PASID, pa, 0);
	vtd_detach(device, IOMMU_NO_PASID);
	return ok & blocked(b, 0, IOMMU_NO_PASID, 0, pa);
}

/* A first stage whose tables are at their own address in the second. */
static bool nested_tables(struct bench *b, u64 leaf)
{
	static const unsigned int shifts[TABLES] = { 39, 30, 21, 12 };
	unsigned int i;
	bool ok = true;

	for (i = 0; i < TABLES; i++) {
		u64 next = i + 1 < TABLES ? virt_to_phys(b->tables[i + 1]) | 7 : leaf;

		b->tables[i][GUEST_IOVA >> shifts[i] & 511] = next;
		ok &= map(b->paging, virt_to_phys(b->tables[i]), b->tables[i], RW);
	}
	return ok;
}

static bool check_nested(struct bench *b)
{
	struct vtd_device *device = b->rig.device[0];
	u64 *leaf = &b->tables[TABLES - 1][GUEST_IOVA >> 12 & 511];
	unsigned int i;
	bool ok = true;

	ok &= nested_tables(b, IOVA | 7);
	ok &= map(b->paging, IOVA, b->data[3], RW);
	ok &= !vtd_attach(b->nested, device, PASID);
	ok &= reads(b, 0, PASID, 0, GUEST_IOVA, 3);
	ok &= writes(b, 0, PASID, GUEST_IOVA, 3);
	/* Accessed and dirty of the guest's entry */
	ok &= (*leaf & 0xfff) == (7 | 3 << 5);
	ok &= blocked(b, 0, PASID, 0, GUEST_IOVA + SZ_4K);
	*leaf = IOVA | 5;
	vtd_domain_flush(b->paging, 0, U64_MAX, false);
	ok &= reads(b, 0, PASID, 0, GUEST_IOVA, 3);
	ok &= blocked(b, 0, PASID, MODEL_DMA_WRITE, GUEST_IOVA);
	/* The host takes the page away. */
	ok &= unmap(b->paging, IOVA);
	ok &= blocked(b, 0, PASID, 0, GUEST_IOVA);
	vtd_detach(device, PASID);
	for (i = 0; i < TABLES; i++)
		ok &= unmap(b->paging, virt_to_phys(b->tables[i]));
	return ok;
}

static bool counts_up_to(atomic64_t *counter, u64 want)
{
	unsigned int tries;

	for (tries = 0; tries < 100; tries++) {
		if (atomic64_read(counter) >= want)
			break;
		usleep_range(1000, 2000);
	}
	return atomic64_read(counter) == want;
}

/* A request that is refused is counted once, with the function that sent it. */
static bool check_faults(struct bench *b)
{
	struct vtd_device *device = b->rig.device[0];
	u64 before = atomic64_read(&device->faults);
	u64 other = atomic64_read(&b->rig.device[1]->faults);
	unsigned int i;
	bool ok = true;

	for (i = 1; i <= 20; i++) {
		ok &= blocked(b, 0, IOMMU_NO_PASID, MODEL_DMA_UNTRANSLATED,
			      i * SZ_4K);
		ok &= counts_up_to(&device->faults, before + i);
	}
	return ok && atomic64_read(&b->rig.device[1]->faults) == other;
}

/* Nobody listens: a page request is answered Invalid, and the function goes on. */
static bool check_requests(struct bench *b)
{
	struct vtd_device *device = b->rig.device[0];
	struct vtd_prq_stats stats;
	unsigned int i;
	u64 val = 0;
	bool ok = true;

	ok &= !vtd_attach(b->other, device, PASID);
	ok &= !vtd_pri_enable(device);
	for (i = 0; i < 20 && ok; i++)
		ok &= vtd_rig_dma(&b->rig, 0, PASID, 0, IOVA + i * SZ_4K, &val,
				  sizeof(val)) == MODEL_DMA_FAULTED;
	vtd_prq_get_stats(&b->rig.machine->unit, &stats);
	ok &= stats.requests == i && !stats.overflows;
	vtd_pri_disable(device);
	vtd_detach(device, PASID);
	return ok;
}

static const struct {
	const char *name;
	bool (*check)(struct bench *b);
} checks[] = {
	{ "driver: paging", check_paging },
	{ "driver: PASIDs", check_pasids },
	{ "driver: identity", check_identity },
	{ "driver: nested", check_nested },
	{ "driver: faults", check_faults },
	{ "driver: page requests", check_requests },
};

static void free_pages_of(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		free_page((unsigned long)b->data[i]);
	for (i = 0; i < TABLES; i++)
		free_page((unsigned long)b->tables[i]);
}

static bool get_pages_of(struct bench *b)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		b->data[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
		if (!b->data[i])
			return false;
		b->data[i][0] = word(i);
		set_page_private(virt_to_page(b->data[i]), VTD_MODEL_PAGE);
	}
	for (i = 0; i < TABLES; i++) {
		b->tables[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
		ok &= !!b->tables[i];
	}
	return ok;
}

static bool make_domains(struct bench *b)
{
	struct vtd_unit *unit = &b->rig.machine->unit;

	b->paging = vtd_paging_alloc(unit, NUMA_NO_NODE,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	b->other = vtd_paging_alloc(unit, NUMA_NO_NODE, 0);
	if (IS_ERR(b->paging) || IS_ERR(b->other))
		return false;
	b->nested = vtd_rig_nested(&b->rig, b->paging, 0,
				   virt_to_phys(b->tables[0]));
	return !IS_ERR(b->nested);
}

static void free_domains(struct bench *b)
{
	vtd_rig_free(b->nested);
	vtd_rig_free(b->paging);
	vtd_rig_free(b->other);
}

static const char *run(struct bench *b)
{
	const char *failed = NULL;
	unsigned int i;

	if (vtd_rig_create(&b->rig, vtd_model_cap, vtd_model_ecap,
			   MODEL_PCI_PASID | MODEL_PCI_ATS | MODEL_PCI_PRI |
			   MODEL_PCI_PRG_PASID, 2))
		return "driver: machine";
	b->rig.timeout = DMA_TIMEOUT;
	if (!make_domains(b))
		failed = "driver: domains";
	for (i = 0; i < ARRAY_SIZE(checks) && !failed; i++)
		if (!checks[i].check(b))
			failed = checks[i].name;
	for (i = 0; i < b->rig.num; i++)
		vtd_detach_all(b->rig.device[i]);
	free_domains(b);
	vtd_rig_destroy(&b->rig);
	return failed;
}

/**
 * vtd_checks_notice() - does something not work?
 *
 * May sleep.
 *
 * Return: name of the first check that says so; NULL: all is as it should be.
 */
const char *vtd_checks_notice(void)
{
	struct bench *b = kzalloc(sizeof(*b), GFP_KERNEL);
	const char *failed = "driver: memory";
	unsigned long violations;

	if (!b)
		return failed;
	violations = model_violations_expect();
	if (get_pages_of(b))
		failed = run(b);
	violations = model_violations_expected(violations);
	free_pages_of(b);
	kfree(b);
	return failed ?: violations ? "driver: violations" : NULL;
}
