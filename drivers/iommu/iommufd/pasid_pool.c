// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of pPASIDs for mediated devices: who gets which, how many, and when one may
 * be used again.
 *
 * The devices that share a requester id are told apart by the PASID alone. So a
 * pPASID must not come to a second owner as long as anything of the first one can
 * still arrive: a grant ends in two steps, with the detach and its drain in between.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "object.h"
#include "pasid_map.h"
#include "pasid_pool.h"
#include "trace.h"

static unsigned int global_pasid_quota = 1024;
module_param(global_pasid_quota, uint, 0644);
MODULE_PARM_DESC(global_pasid_quota,
		 "PASIDs that one open /dev/iommu may have of the system's global pool");

/* Never freed: the reference is its own. */
static struct iommufd_pasid_pool global_pool = {
	.refs = REFCOUNT_INIT(1),
	.first = IOMMU_FIRST_GLOBAL_PASID,
	.last = BIT(IOMMUFD_PASID_BITS) - 1,
};

static bool is_global(const struct iommufd_pasid_pool *pool)
{
	return pool == &global_pool;
}

static const char *pool_name(const struct iommufd_pasid_pool *pool)
{
	return is_global(pool) ? "global" : dev_name(pool->parent);
}

static u32 pool_quota(const struct iommufd_pasid_pool *pool)
{
	return is_global(pool) ? READ_ONCE(global_pasid_quota) : pool->quota;
}

/**
 * iommufd_pasid_pool_create() - set PASIDs of a device aside for its mediated devices
 * @parent: the device; a reference is taken
 * @first: smallest PASID, from 1
 * @last: largest one, below what the device and its IOMMU have
 * @quota: most that one open /dev/iommu may have in use, from 1
 *
 * The caller is the driver of @parent and does not use PASIDs of the range itself,
 * nor lets others (SVA) do so. What it gets from the global pool is such a use: of
 * the two kinds a device has one.
 *
 * Return: the pool, for iommufd_pasid_pool_put(); ERR_PTR(-EINVAL): the range is
 * empty or not the device's, or @quota is 0; ERR_PTR(-EOPNOTSUPP): the device has no
 * PASIDs; ERR_PTR(-ENOMEM).
 */
struct iommufd_pasid_pool *iommufd_pasid_pool_create(struct device *parent,
						     u32 first, u32 last,
						     u32 quota)
{
	struct iommufd_pasid_pool *pool;

	if (!device_iommu_mapped(parent) || !parent->iommu ||
	    !parent->iommu->max_pasids)
		return ERR_PTR(-EOPNOTSUPP);
	if (first == IOMMU_NO_PASID || first > last || !quota ||
	    last >= parent->iommu->max_pasids)
		return ERR_PTR(-EINVAL);

	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	refcount_set(&pool->refs, 1);
	pool->parent = get_device(parent);
	pool->first = first;
	pool->last = last;
	pool->quota = quota;
	pool->next = first;
	xa_init_flags(&pool->used, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	return pool;
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_pool_create, IOMMUFD);

/**
 * iommufd_pasid_pool_global() - the pool whose PASIDs mean the same on all devices
 *
 * For devices that take work by ENQCMD: the CPU translates a guest's vPASID once for
 * all of them. The PASIDs are those the kernel gives to processes too (SVA). Within
 * one open /dev/iommu a vPASID has the same pPASID on each device of this pool; how
 * many it may have is the module parameter global_pasid_quota.
 *
 * Return: the pool, for iommufd_pasid_pool_put().
 */
struct iommufd_pasid_pool *iommufd_pasid_pool_global(void)
{
	refcount_inc(&global_pool.refs);
	return &global_pool;
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_pool_global, IOMMUFD);

/**
 * iommufd_pasid_pool_put() - drop a reference on a pool
 * @pool: goes with the last one. Bound devices have references of their own
 */
void iommufd_pasid_pool_put(struct iommufd_pasid_pool *pool)
{
	if (!refcount_dec_and_test(&pool->refs))
		return;
	WARN_ON(is_global(pool) || !xa_empty(&pool->used));
	put_device(pool->parent);
	kfree(pool);
}
EXPORT_SYMBOL_NS_GPL(iommufd_pasid_pool_put, IOMMUFD);

static struct iommufd_pasid_account *
account_create(struct iommufd_ctx *ictx, struct iommufd_pasid_pool *pool)
{
	struct iommufd_pasid_account *account;

	account = kzalloc(sizeof(*account), GFP_KERNEL_ACCOUNT);
	if (!account)
		return ERR_PTR(-ENOMEM);
	if (is_global(pool)) {
		account->map = iommufd_pasid_map_create(ictx, 0);
		if (IS_ERR(account->map)) {
			kfree(account);
			return ERR_PTR(-ENOMEM);
		}
	}
	account->ictx = ictx;
	account->pool = pool;
	refcount_inc(&pool->refs);
	mutex_init(&account->lock);
	xa_init_flags(&account->shared, XA_FLAGS_ACCOUNT);
	list_add_tail(&account->item, &ictx->pasid_accounts);
	return account;
}

/**
 * iommufd_pasid_account_get() - find or make what a context has of a pool
 * @ictx: the context
 * @pool: the pool; a reference is taken
 *
 * Return: the account, for iommufd_pasid_account_put(); ERR_PTR(-ENOMEM).
 */
struct iommufd_pasid_account *
iommufd_pasid_account_get(struct iommufd_ctx *ictx,
			  struct iommufd_pasid_pool *pool)
{
	struct iommufd_pasid_account *account;

	mutex_lock(&ictx->pasid_accounts_lock);
	/* As many as parents that the context has parts of: few, and only at bind */
	list_for_each_entry(account, &ictx->pasid_accounts, item)
		if (account->pool == pool)
			goto found;
	account = account_create(ictx, pool);
	if (IS_ERR(account))
		goto out_unlock;
found:
	account->users++;
out_unlock:
	mutex_unlock(&ictx->pasid_accounts_lock);
	return account;
}

/**
 * iommufd_pasid_account_put() - undo iommufd_pasid_account_get()
 * @account: the caller's device has no grant of it. May be gone on return
 */
void iommufd_pasid_account_put(struct iommufd_pasid_account *account)
{
	struct iommufd_ctx *ictx = account->ictx;
	bool last;

	mutex_lock(&ictx->pasid_accounts_lock);
	last = !--account->users;
	if (last) {
		list_del(&account->item);
		iommufd_pasid_map_destroy(account->map);
	}
	mutex_unlock(&ictx->pasid_accounts_lock);
	if (!last)
		return;

	WARN_ON(account->num || !xa_empty(&account->shared));
	iommufd_pasid_pool_put(account->pool);
	mutex_destroy(&account->lock);
	kfree(account);
}

static int pool_take(struct iommufd_pasid_pool *pool, struct device *parent,
		     struct iommufd_pasid_grant *grant)
{
	int rc;

	if (is_global(pool)) {
		/* It says no more than that there is none */
		grant->ppasid = iommu_alloc_global_pasid(parent);
		return grant->ppasid == IOMMU_PASID_INVALID ? -ENOSPC : 0;
	}
	rc = xa_alloc_cyclic(&pool->used, &grant->ppasid, grant,
			     XA_LIMIT(pool->first, pool->last), &pool->next,
			     GFP_KERNEL_ACCOUNT);
	if (rc == -EBUSY)
		return -ENOSPC;
	/* 1: it has begun from the start again */
	return min(rc, 0);
}

static void pool_give_back(struct iommufd_pasid_pool *pool, u32 ppasid)
{
	if (is_global(pool))
		iommu_free_global_pasid(ppasid);
	else
		xa_erase(&pool->used, ppasid);
}

/* Of the global pool: a vPASID is the same for all devices of the context. */
static bool is_shared(const struct iommufd_pasid_account *account, u32 vpasid)
{
	return account->map && vpasid != IOMMU_NO_PASID;
}

/* Room first, so that all that follows cannot fail. */
static int share_reserve(struct iommufd_pasid_account *account, u32 vpasid)
{
	int rc;

	if (!is_shared(account, vpasid))
		return 0;
	rc = xa_reserve(&account->shared, vpasid, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	rc = iommufd_pasid_map_reserve(account->map, vpasid);
	if (rc)
		xa_release(&account->shared, vpasid);
	return rc;
}

static void share_unreserve(struct iommufd_pasid_account *account, u32 vpasid)
{
	if (!is_shared(account, vpasid))
		return;
	iommufd_pasid_map_unreserve(account->map, vpasid);
	xa_release(&account->shared, vpasid);
}

static struct iommufd_pasid_grant *
grant_create(struct iommufd_pasid_account *account, struct device *parent,
	     u32 vpasid)
{
	struct iommufd_pasid_grant *grant;
	int rc;

	if (account->num >= pool_quota(account->pool))
		return ERR_PTR(-EDQUOT);

	grant = kzalloc(sizeof(*grant), GFP_KERNEL_ACCOUNT);
	if (!grant)
		return ERR_PTR(-ENOMEM);
	grant->vpasid = vpasid;
	rc = share_reserve(account, vpasid);
	if (rc)
		goto err_free;
	rc = pool_take(account->pool, parent, grant);
	if (rc)
		goto err_unreserve;
	if (is_shared(account, vpasid))
		xa_store(&account->shared, vpasid, grant, GFP_KERNEL_ACCOUNT);
	account->num++;
	return grant;

err_unreserve:
	share_unreserve(account, vpasid);
err_free:
	kfree(grant);
	return ERR_PTR(rc);
}

static void trace_grant(struct iommufd_pasid_account *account,
			struct iommufd_pasid_grant *grant)
{
	trace_pasid_grant(pool_name(account->pool), grant->vpasid,
			  grant->ppasid, grant->live, !grant->refs);
}

/**
 * iommufd_pasid_grant_get() - a pPASID for a vPASID
 * @account: of the context
 * @parent: the device that is going to have it
 * @vpasid: of 20 bits; IOMMU_NO_PASID: for a mediated device itself
 *
 * Return: the grant, for iommufd_pasid_grant_retire() and then
 * iommufd_pasid_grant_put(); ERR_PTR(-EDQUOT): the context has all that it may have;
 * ERR_PTR(-ENOSPC): none is free; ERR_PTR(-ENOMEM).
 */
struct iommufd_pasid_grant *
iommufd_pasid_grant_get(struct iommufd_pasid_account *account,
			struct device *parent, u32 vpasid)
{
	struct iommufd_pasid_grant *grant = NULL;

	mutex_lock(&account->lock);
	if (is_shared(account, vpasid))
		grant = xa_load(&account->shared, vpasid);
	if (!grant)
		grant = grant_create(account, parent, vpasid);
	if (!IS_ERR(grant)) {
		grant->live++;
		grant->refs++;
		trace_grant(account, grant);
	}
	mutex_unlock(&account->lock);
	return grant;
}

/**
 * iommufd_pasid_grant_publish() - the vPASID is attached
 * @account: of the context
 * @grant: not retired
 */
void iommufd_pasid_grant_publish(struct iommufd_pasid_account *account,
				 struct iommufd_pasid_grant *grant)
{
	if (!is_shared(account, grant->vpasid))
		return;
	mutex_lock(&account->lock);
	iommufd_pasid_map_set(account->map, grant->vpasid, grant->ppasid);
	mutex_unlock(&account->lock);
}

/**
 * iommufd_pasid_grant_retire() - a vPASID is going to be detached
 * @account: of the context
 * @grant: once for each iommufd_pasid_grant_get()
 *
 * With the last device of a shared vPASID nobody finds it any more, and a device
 * that attaches the vPASID anew gets another pPASID. Tells those who found it. May
 * sleep.
 */
void iommufd_pasid_grant_retire(struct iommufd_pasid_account *account,
				struct iommufd_pasid_grant *grant)
{
	bool gone = false;

	mutex_lock(&account->lock);
	if (!--grant->live && is_shared(account, grant->vpasid)) {
		xa_erase(&account->shared, grant->vpasid);
		gone = iommufd_pasid_map_clear(account->map, grant->vpasid);
	}
	trace_grant(account, grant);
	mutex_unlock(&account->lock);
	if (gone)
		iommufd_pasid_map_gone(account->map, grant->vpasid,
				       grant->ppasid);
}

/**
 * iommufd_pasid_grant_put() - nothing has the pPASID any more
 * @account: of the context
 * @grant: retired; drained, as far as the caller's device goes. May be gone on return
 */
void iommufd_pasid_grant_put(struct iommufd_pasid_account *account,
			     struct iommufd_pasid_grant *grant)
{
	mutex_lock(&account->lock);
	if (!--grant->refs) {
		trace_grant(account, grant);
		account->num--;
		pool_give_back(account->pool, grant->ppasid);
		kfree(grant);
	}
	mutex_unlock(&account->lock);
}
