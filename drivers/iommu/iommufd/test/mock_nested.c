// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains of the mock: a table in guest memory, found and followed
 * through the paging domain below it. What the table once said is cached until
 * user space invalidates it; the second step, through the parent, is cached by
 * the parent.
 *
 * Locking: mock_nested::lock covers an access from its translation to its last
 * byte, with the parent's lock inside; an invalidation takes it too and so
 * waits.
 */
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "mock.h"

#define MOCK_S1_INDEX_BITS	9
#define MOCK_S1_PERMS \
	(MOCK_S1_PRESENT | MOCK_S1_WRITE | MOCK_S1_EXEC | MOCK_S1_PRIV)

static const struct iommu_domain_ops mock_nested_ops;

/**
 * mock_nested_from_domain() - the mock's view of a domain
 * @domain: any domain
 *
 * Return: NULL if it is not a nested domain of the mock.
 */
struct mock_nested *mock_nested_from_domain(struct iommu_domain *domain)
{
	if (domain->ops != &mock_nested_ops)
		return NULL;
	return container_of(domain, struct mock_nested, domain);
}

/**
 * mock_domain_users() - who may still use a domain
 * @domain: any domain of the mock
 *
 * Return: the count, or NULL for a domain that is never freed.
 */
atomic_t *mock_domain_users(struct iommu_domain *domain)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);

	if (paging)
		return &paging->users;
	if (domain->ops == &mock_nested_ops)
		return &mock_nested_from_domain(domain)->users;
	return NULL;
}

/* --- translation --- */

static unsigned int level_shift(unsigned int level)
{
	return MOCK_S1_PAGE_SHIFT + MOCK_S1_INDEX_BITS * (level - 1);
}

/* The entry is the guest's: any value at all. */
static enum mock_xlat walk_table(struct mock_nested *nested, u64 iova,
				 u64 *leaf)
{
	u64 perms = MOCK_S1_PERMS;
	u64 addr = nested->table;
	unsigned int level;

	for (level = nested->levels; level; level--) {
		u64 index = (iova >> level_shift(level)) &
			    (BIT(MOCK_S1_INDEX_BITS) - 1);
		__le64 raw;
		enum mock_xlat rc;
		u64 entry;

		rc = mock_paging_access(nested->parent,
					addr + index * sizeof(raw), &raw,
					sizeof(raw), false);
		if (rc != MOCK_XLAT_OK)
			return rc;
		entry = le64_to_cpu(raw);
		perms &= entry;
		addr = entry & ~(u64)(MOCK_S1_PAGE_SIZE - 1);
	}
	*leaf = addr | perms;
	return perms & MOCK_S1_PRESENT ? MOCK_XLAT_OK : MOCK_XLAT_MISS;
}

static enum mock_xlat nested_translate(struct mock_nested *nested, u64 iova,
				       bool write, u64 *addr)
{
	unsigned long index = iova >> MOCK_S1_PAGE_SHIFT;
	enum mock_xlat rc;
	void *cached;
	u64 leaf;

	lockdep_assert_held(&nested->lock);

	if (!nested->levels)
		return MOCK_XLAT_MISS;
	if (iova >> level_shift(nested->levels + 1))
		return MOCK_XLAT_RANGE;

	/* Page number and permissions, without the bits between them */
	cached = xa_load(&nested->tlb, index);
	if (cached) {
		unsigned long val = xa_to_value(cached);

		leaf = (u64)(val >> 4) << MOCK_S1_PAGE_SHIFT | (val & 0xf);
	}
	/* A permission that is missing is an absence, and that is not cached. */
	if (!cached || (write && !(leaf & MOCK_S1_WRITE))) {
		rc = walk_table(nested, iova, &leaf);
		if (rc != MOCK_XLAT_OK)
			return rc;
		if (write && !(leaf & MOCK_S1_WRITE))
			return MOCK_XLAT_MISS;
		/* No memory: not cached, as if evicted at once. */
		xa_store(&nested->tlb, index,
			 xa_mk_value((leaf >> MOCK_S1_PAGE_SHIFT) << 4 |
				     (leaf & MOCK_S1_PERMS)),
			 GFP_ATOMIC | __GFP_NOWARN);
	}
	*addr = (leaf & ~(u64)(MOCK_S1_PAGE_SIZE - 1)) |
		(iova & (MOCK_S1_PAGE_SIZE - 1));
	return MOCK_XLAT_OK;
}

static enum mock_xlat nested_access(struct mock_nested *nested, u64 iova,
				    void *buf, size_t len, bool write)
{
	enum mock_xlat rc;
	u64 addr;

	spin_lock(&nested->lock);
	spin_lock(&nested->parent->lock);
	rc = nested_translate(nested, iova, write, &addr);
	if (rc == MOCK_XLAT_OK)
		rc = mock_paging_access(nested->parent, addr, buf, len, write);
	spin_unlock(&nested->parent->lock);
	spin_unlock(&nested->lock);
	return rc;
}

/**
 * mock_domain_access() - read or write memory as a device attached to a domain
 * @domain: any domain of the mock; something keeps it from being freed
 * @iova: where; [iova, iova + len) does not cross a MOCK_ACCESS_GRANULE
 * @buf: the bytes
 * @len: how many; 0: only look whether the access is possible
 * @write: to memory
 *
 * Return: one of enum mock_xlat; all bytes have moved, or none.
 */
enum mock_xlat mock_domain_access(struct iommu_domain *domain, u64 iova,
				  void *buf, size_t len, bool write)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	struct mock_nested *nested = mock_nested_from_domain(domain);
	enum mock_xlat rc;

	if (nested)
		return nested_access(nested, iova, buf, len, write);
	if (!paging)
		return MOCK_XLAT_NOWHERE;

	spin_lock(&paging->lock);
	rc = mock_paging_access(paging, iova, buf, len, write);
	spin_unlock(&paging->lock);
	return rc;
}

static enum mock_xlat nested_lookup(struct mock_nested *nested, u64 iova,
				    phys_addr_t *paddr)
{
	enum mock_xlat rc;
	u64 addr;

	spin_lock(&nested->lock);
	spin_lock(&nested->parent->lock);
	rc = nested_translate(nested, iova, true, &addr);
	if (rc == MOCK_XLAT_OK &&
	    !mock_paging_lookup(nested->parent, addr, paddr))
		rc = MOCK_XLAT_MISS;
	spin_unlock(&nested->parent->lock);
	spin_unlock(&nested->lock);
	return rc;
}

/**
 * mock_domain_lookup() - where a write of a device goes that is attached to a domain
 * @domain: any domain of the mock; something keeps it from being freed
 * @iova: to this address
 * @paddr: set to what it reaches, memory or not
 *
 * By the tables as they are: of the paging one nothing is cached.
 *
 * Return: one of enum mock_xlat.
 */
enum mock_xlat mock_domain_lookup(struct iommu_domain *domain, u64 iova,
				  phys_addr_t *paddr)
{
	struct mock_paging *paging = mock_paging_from_domain(domain);
	struct mock_nested *nested = mock_nested_from_domain(domain);

	if (nested)
		return nested_lookup(nested, iova, paddr);
	if (!paging)
		return MOCK_XLAT_NOWHERE;
	return mock_paging_lookup(paging, iova, paddr) ? MOCK_XLAT_OK :
							 MOCK_XLAT_MISS;
}

/* --- invalidation --- */

static int invalidate_iotlb(struct mock_nested *nested,
			    const struct iommu_user_data_array *array, u32 i)
{
	struct iommu_hwpt_invalidate_selftest inv;
	int rc;

	rc = iommu_copy_struct_from_user_array(&inv, array,
					       IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
					       i, iotlb_id);
	if (rc)
		return rc;
	if (inv.flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv.iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;

	spin_lock(&nested->lock);
	if (inv.flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(nested->iotlb, 0, sizeof(nested->iotlb));
	else
		nested->iotlb[inv.iotlb_id] = 0;
	spin_unlock(&nested->lock);
	return 0;
}

static void nested_flush(struct mock_nested *nested, unsigned long first,
			 unsigned long last)
{
	unsigned long index;
	void *entry;

	spin_lock(&nested->lock);
	nested->flushes++;
	xa_for_each_range(&nested->tlb, index, entry, first, last)
		xa_erase(&nested->tlb, index);
	spin_unlock(&nested->lock);
}

static int invalidate_s1(struct mock_nested *nested,
			 const struct iommu_user_data_array *array, u32 i)
{
	struct iommu_hwpt_invalidate_selftest_s1 inv;
	unsigned long first = 0, last = ULONG_MAX;
	int rc;

	rc = iommu_copy_struct_from_user_array(&inv, array,
					       IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_S1,
					       i, npages);
	if (rc)
		return rc;
	if (!nested->levels || !inv.npages ||
	    !IS_ALIGNED(inv.addr, MOCK_S1_PAGE_SIZE))
		return -EINVAL;
	if (inv.npages != U64_MAX) {
		first = inv.addr >> MOCK_S1_PAGE_SHIFT;
		if (check_add_overflow(first, inv.npages - 1, &last))
			return -EINVAL;
	}

	nested_flush(nested, first, last);
	return 0;
}

static int invalidate_range(struct mock_nested *nested,
			    const struct iommu_user_data_array *array, u32 i)
{
	struct iommu_hwpt_invalidate_range inv;
	u64 last;
	int rc;

	rc = iommu_copy_struct_from_user_array(&inv, array,
					       IOMMU_HWPT_INVALIDATE_DATA_RANGE,
					       i, length);
	if (rc)
		return rc;
	if (inv.flags & ~IOMMU_INVALIDATE_RANGE_ALL || inv.__reserved)
		return -EOPNOTSUPP;
	if (inv.flags & IOMMU_INVALIDATE_RANGE_ALL) {
		if (inv.iova || inv.length)
			return -EINVAL;
		nested_flush(nested, 0, ULONG_MAX);
		return 0;
	}
	if (!inv.length)
		return -EINVAL;
	if (check_add_overflow(inv.iova, inv.length - 1, &last))
		return -EOVERFLOW;
	nested_flush(nested, inv.iova >> MOCK_S1_PAGE_SHIFT,
		     last >> MOCK_S1_PAGE_SHIFT);
	return 0;
}

static int nested_cache_invalidate_user(struct iommu_domain *domain,
					struct iommu_user_data_array *array)
{
	struct mock_nested *nested = mock_nested_from_domain(domain);
	u32 num = array->entry_num;
	int rc = 0;
	u32 i;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_SELFTEST &&
	    array->type != IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_S1 &&
	    array->type != IOMMU_HWPT_INVALIDATE_DATA_RANGE) {
		array->entry_num = 0;
		return -EINVAL;
	}

	for (i = 0; i < num; i++) {
		if (array->type == IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
			rc = invalidate_iotlb(nested, array, i);
		else if (array->type == IOMMU_HWPT_INVALIDATE_DATA_RANGE)
			rc = invalidate_range(nested, array, i);
		else
			rc = invalidate_s1(nested, array, i);
		if (rc)
			break;
	}
	/* Those in front of the bad one have been done. */
	array->entry_num = i;
	return rc;
}

/* --- life --- */

static void nested_free(struct iommu_domain *domain)
{
	struct mock_nested *nested = mock_nested_from_domain(domain);

	WARN(atomic_read(&nested->users), "nested table freed while in use\n");
	atomic_dec(&nested->parent->users);
	if (nested->viommu)
		mock_viommu_domain_gone(nested->viommu);
	xa_destroy(&nested->tlb);
	kfree(nested);
}

static const struct iommu_domain_ops mock_nested_ops = {
	.attach_dev = mock_dev_attach,
	.set_dev_pasid = mock_dev_attach_pasid,
	.cache_invalidate_user = nested_cache_invalidate_user,
	.free = nested_free,
};

static int nested_configure(struct mock_nested *nested,
			    const struct iommu_user_data *data)
{
	struct iommu_hwpt_selftest_s1 s1;
	struct iommu_hwpt_selftest plain;
	int rc;

	switch (data->type) {
	case IOMMU_HWPT_DATA_SELFTEST:
		rc = iommu_copy_struct_from_user(&plain, data,
						 IOMMU_HWPT_DATA_SELFTEST,
						 iotlb);
		if (rc)
			return rc;
		memset32(nested->iotlb, plain.iotlb, ARRAY_SIZE(nested->iotlb));
		return 0;
	case IOMMU_HWPT_DATA_SELFTEST_S1:
		rc = iommu_copy_struct_from_user(&s1, data,
						 IOMMU_HWPT_DATA_SELFTEST_S1,
						 __reserved);
		if (rc)
			return rc;
		if (s1.__reserved)
			return -EOPNOTSUPP;
		if (s1.levels < 1 || s1.levels > 2 ||
		    !IS_ALIGNED(s1.table, MOCK_S1_PAGE_SIZE))
			return -EINVAL;
		nested->table = s1.table;
		nested->levels = s1.levels;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * mock_nested_alloc() - a nested domain
 * @parent: what it is over
 * @flags: IOMMU_HWPT_ALLOC_PASID or 0
 * @data: the user's description
 *
 * Return: the domain; -EOPNOTSUPP for a flag or a type the mock does not have;
 * -EINVAL for a bad description or parent; -EFAULT; -ENOMEM.
 */
struct iommu_domain *mock_nested_alloc(struct iommu_domain *parent, u32 flags,
				       const struct iommu_user_data *data)
{
	struct mock_paging *paging = mock_paging_from_domain(parent);
	struct mock_nested *nested;
	int rc;

	if (flags & ~IOMMU_HWPT_ALLOC_PASID || !data)
		return ERR_PTR(-EOPNOTSUPP);
	if (!paging)
		return ERR_PTR(-EINVAL);

	nested = kzalloc(sizeof(*nested), GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	rc = nested_configure(nested, data);
	if (rc) {
		kfree(nested);
		return ERR_PTR(rc);
	}
	nested->domain.type = IOMMU_DOMAIN_NESTED;
	nested->domain.ops = &mock_nested_ops;
	nested->parent = paging;
	atomic_inc(&paging->users);
	spin_lock_init(&nested->lock);
	xa_init(&nested->tlb);
	return &nested->domain;
}

/**
 * mock_domain_alloc_user() - iommu_ops.domain_alloc_user
 * @dev: a mock device
 * @flags: IOMMU_HWPT_ALLOC_*
 * @parent: paging domain of a nested one, or NULL for a paging one
 * @data: the user's description of a nested one, or NULL
 *
 * Return: the domain; -EOPNOTSUPP for a flag, a type or a combination the mock
 * does not have; -EINVAL for a bad description or parent; -ENOMEM.
 */
struct iommu_domain *mock_domain_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data)
{
	struct mock_dev *mdev = to_mock_dev(dev);
	struct iommu_domain *domain;

	if (parent)
		return mock_nested_alloc(parent, flags, data);

	if (data || flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT |
			      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
			      IOMMU_HWPT_ALLOC_PASID))
		return ERR_PTR(-EOPNOTSUPP);
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
	    mdev->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return ERR_PTR(-EOPNOTSUPP);

	domain = mock_domain_alloc_paging(dev);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->dirty_ops = &mock_dirty_ops;
	return domain;
}
