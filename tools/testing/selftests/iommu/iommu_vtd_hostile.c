// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest on the VT-d model: hostile_cases.h with first-stage tables of VT-d,
 * what a VMM says of them, and invalidation requests.
 */
#include "vtd_model_test.h"
#include "hostile.h"

static struct guest vtd_guest;
static __u32 hostile_pasid;

static int vtd_start(struct hostile *h)
{
	h->g = &vtd_guest;
	h->pasid = hostile_pasid;
	return guest_start(h->g, 0, 0, 0);
}

static int vtd_hwpt(struct hostile *h, __u32 *hwpt)
{
	const struct table t = { .g = h->g, .levels = 4, .root = h->table[0] };

	return guest_nested(h->g, &t, 0, true, hwpt);
}

static void vtd_stop(struct hostile *h)
{
	guest_stop(h->g);
}

static __u64 vtd_table(__u64 gpa)
{
	return gpa | FS_USER;
}

static __u64 vtd_leaf(__u64 gpa)
{
	return gpa | FS_USER;
}

/* 9.7: bits that are reserved, or mean something at another level */
static __u64 vtd_entry(__u64 *rng, __u64 gpa)
{
	switch (hostile_random(rng, 30)) {
	case 0:
		return 0;
	case 1:
		return gpa | FS_USER | 1ULL << hostile_random(rng, 64);
	case 2:
		return gpa | FS_USER | FS_PS;
	case 3:
		return (gpa | FS_USER | FS_PS) & -(SIZE_2M << 9 * hostile_random(rng, 2));
	case 4:
		/* Without one right, or several */
		return gpa | FS_P | (hostile_bits(rng) & (FS_RW | FS_US));
	case 5:
		return hostile_bits(rng);
	}
	return gpa | FS_USER | (hostile_bits(rng) & (FS_A | FS_D | FS_EA));
}

/* IOMMU_HWPT_ALLOC in commands.rst */
static const int alloc_errnos[] = { -EINVAL, -EOPNOTSUPP, 0 };
/* IOMMU_HWPT_INVALIDATE */
static const int invalidate_errnos[] = {
	-EINVAL, -EOPNOTSUPP, -EOVERFLOW, -EFAULT, 0
};

static int vtd_give_table(struct hostile *h)
{
	__u64 *rng = &h->rng;
	struct iommu_hwpt_vtd_s1 s1 = {
		.flags = one_in(rng, 4) ? hostile_bits(rng) : hostile_random(rng, 8),
		.pgtbl_addr = one_in(rng, 4) ? hostile_bits(rng) :
					       hostile_address(h, rng),
		.addr_width = one_in(rng, 8) ? hostile_random(rng, 70) :
			      one_in(rng, 2) ? 57 : 48,
		.__reserved = one_in(rng, 16) ? hostile_random(rng, ~0U) : 0,
	};
	struct guest *g = h->g;
	__u32 hwpt;
	int rc;

	rc = iommu_hwpt_nested(g->fd, g->d.v.id, g->parent,
			       IOMMU_HWPT_FAULT_ID_VALID, g->queue_id,
			       IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), &hwpt);
	if (hostile_said(h, "a first stage", rc, alloc_errnos))
		return -1;
	return rc ? 0 : hostile_try(h, hwpt);
}

static __u64 hostile_pages(__u64 *rng)
{
	static const __u64 pages[] = {
		0, 1, 2, 511, 512, 513, 1ULL << 36, 1ULL << 51, 1ULL << 52,
		1ULL << 63, ~0ULL - 1, ~0ULL,
	};

	return one_in(rng, 4) ? hostile_bits(rng) :
				pages[hostile_random(rng, ARRAY_LEN(pages))];
}

static int vtd_give_requests(struct hostile *h)
{
	struct iommu_hwpt_vtd_s1_invalidate inv[8];
	__u32 i, num, all, len = sizeof(inv[0]), type;
	const void *data = inv;
	__u64 *rng = &h->rng;
	int rc;

	memset(inv, 0, sizeof(inv));
	all = 1 + hostile_random(rng, ARRAY_LEN(inv));
	for (i = 0; i < all; i++) {
		inv[i].addr = one_in(rng, 8) ? hostile_bits(rng) :
					       hostile_va(h, rng) & -PAGE;
		inv[i].npages = one_in(rng, 2) ? 1 : hostile_pages(rng);
		inv[i].flags = one_in(rng, 16) ? hostile_random(rng, ~0U) :
						 hostile_random(rng, 2);
		inv[i].__reserved = one_in(rng, 32);
	}
	type = one_in(rng, 16) ? hostile_random(rng, 80) :
				 IOMMU_HWPT_INVALIDATE_DATA_VTD_S1;
	if (one_in(rng, 16))
		len = one_in(rng, 2) ? len - 1 : 0;
	if (one_in(rng, 16))
		data = no_memory();
	num = all;
	rc = iommu_hwpt_invalidate(h->g->fd, h->hwpt, type, data, len, &num);
	if (hostile_said(h, "invalidation", rc, invalidate_errnos))
		return -1;
	if (num > all || (!rc && num != all))
		return hostile_fail(h, "%u of %u invalidated: %d", num, all, rc);
	return 0;
}

static int vtd_given(struct hostile *h)
{
	return one_in(&h->rng, 2) ? vtd_give_table(h) : vtd_give_requests(h);
}

static const struct hostile_kind vtd_hostile = {
	.start = vtd_start,
	.hwpt = vtd_hwpt,
	.stop = vtd_stop,
	.table = vtd_table,
	.leaf = vtd_leaf,
	.entry = vtd_entry,
	.given = vtd_given,
	.high = true,
};

#define HOSTILE_KIND	vtd_hostile
#include "hostile_cases.h"

TEST_HARNESS_MAIN
