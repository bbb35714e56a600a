// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation caches of the VT-d model (chapter 6): one pool for all, in which an
 * entry lives until it is invalidated, or VTD_CACHE_ENTRIES younger ones came, so
 * that an invalidation that was forgotten shows.
 */
#include <linux/hash.h>
#include <linux/slab.h>

#include "vtd_internal.h"

/* Sizes a translation can have (3.6, 3.7) */
static const u64 tlb_sizes[] = { SZ_4K, SZ_2M, SZ_1G };

/**
 * vtd_cache_create() - make the pool
 * @model: of it
 *
 * Return: 0 or -ENOMEM. May sleep.
 */
int vtd_cache_create(struct vtd_model *model)
{
	unsigned int i;

	INIT_LIST_HEAD(&model->ages);
	INIT_LIST_HEAD(&model->unused);
	model->cached = kvcalloc(VTD_CACHE_ENTRIES, sizeof(*model->cached),
				 GFP_KERNEL);
	if (!model->cached)
		return -ENOMEM;
	for (i = 0; i < VTD_CACHE_ENTRIES; i++)
		list_add_tail(&model->cached[i].age, &model->unused);
	return 0;
}

/**
 * vtd_cache_destroy() - undo vtd_cache_create()
 * @model: nobody uses it
 */
void vtd_cache_destroy(struct vtd_model *model)
{
	kvfree(model->cached);
}

static struct hlist_head *bucket(struct vtd_model *model, u64 addr, u32 pasid)
{
	return &model->buckets[hash_64(addr ^ ((u64)pasid << 40), VTD_CACHE_BITS)];
}

static void drop(struct vtd_model *model, struct vtd_cached *entry)
{
	hlist_del(&entry->hash);
	entry->kind = VTD_CACHED_FREE;
	list_move_tail(&entry->age, &model->unused);
}

/**
 * vtd_cache_find() - look an entry up by all of its tags
 * @model: locked
 * @kind: which cache
 * @rid: 0 where it is no tag, as with the others
 * @did: domain id
 * @pasid: PASID
 * @addr: any address of it
 * @size: bytes of input address, a power of two; 0 where there is none
 *
 * Return: the entry or NULL. Valid until the next change of the caches.
 */
struct vtd_cached *vtd_cache_find(struct vtd_model *model,
				  enum vtd_cached_kind kind, u16 rid, u16 did,
				  u32 pasid, u64 addr, u64 size)
{
	struct vtd_cached *entry;

	addr = size ? addr & ~(size - 1) : addr;
	hlist_for_each_entry(entry, bucket(model, addr, pasid), hash)
		if (entry->kind == kind &&
		    (entry->rid == rid || MUT(TAG_RID, false, true)) &&
		    (entry->did == did || MUT(TAG_DID, false, true)) &&
		    (entry->pasid == pasid || MUT(TAG_PASID, false, true)) &&
		    entry->addr == addr && entry->size == size)
			return entry;
	return NULL;
}

/**
 * vtd_cache_add() - an entry for new data
 * @model: locked
 * @kind: which cache
 * @rid: as in vtd_cache_find()
 * @did: as in vtd_cache_find()
 * @pasid: as in vtd_cache_find()
 * @addr: as in vtd_cache_find()
 * @size: as in vtd_cache_find()
 *
 * The oldest entry of all goes if there is no room; one with the same tags is
 * taken over.
 *
 * Return: the entry; its data is zero.
 */
struct vtd_cached *vtd_cache_add(struct vtd_model *model,
				 enum vtd_cached_kind kind, u16 rid, u16 did,
				 u32 pasid, u64 addr, u64 size)
{
	struct vtd_cached *entry;

	entry = vtd_cache_find(model, kind, rid, did, pasid, addr, size);
	if (entry)
		drop(model, entry);
	else if (list_empty(&model->unused))
		drop(model, list_first_entry(&model->ages, struct vtd_cached, age));
	entry = list_last_entry(&model->unused, struct vtd_cached, age);
	entry->kind = kind;
	entry->rid = rid;
	entry->did = did;
	entry->pasid = pasid;
	entry->addr = size ? addr & ~(size - 1) : addr;
	entry->size = size;
	memset(entry->data, 0, sizeof(entry->data));
	hlist_add_head(&entry->hash, bucket(model, entry->addr, pasid));
	list_move_tail(&entry->age, &model->ages);
	return entry;
}

static bool in_scope(const struct vtd_cached *entry, const struct vtd_scope *scope)
{
	if (!(scope->kinds & BIT(entry->kind)))
		return false;
	if (scope->by_rid && (entry->rid ^ scope->rid) & ~scope->rid_mask)
		return false;
	if (scope->by_did && entry->did != scope->did)
		return false;
	if (scope->by_pasid && entry->pasid != scope->pasid)
		return false;
	return !scope->by_addr ||
	       (entry->addr <= scope->last - MUT(SCOPE_LAST, 0, SZ_4K) &&
		scope->addr + MUT(SCOPE_FIRST, 0, SZ_4K) <=
		entry->addr + MUT(SCOPE_LARGE, entry->size, SZ_4K) - 1);
}

/**
 * vtd_cache_drop() - invalidate
 * @model: locked
 * @scope: what
 */
void vtd_cache_drop(struct vtd_model *model, const struct vtd_scope *scope)
{
	struct vtd_cached *entry, *next;

	list_for_each_entry_safe(entry, next, &model->ages, age)
		if (in_scope(entry, scope))
			drop(model, entry);
}

/**
 * vtd_cache_drop_all() - invalidate everything
 * @model: locked
 */
void vtd_cache_drop_all(struct vtd_model *model)
{
	const struct vtd_scope scope = { .kinds = ~0UL };

	vtd_cache_drop(model, &scope);
}

/**
 * vtd_pasid_find() - a PASID entry, of whatever domain
 * @model: locked
 * @rid: source
 * @pasid: its PASID
 *
 * Return: the entry or NULL.
 */
struct vtd_cached *vtd_pasid_find(struct vtd_model *model, u16 rid, u32 pasid)
{
	struct vtd_cached *entry;

	hlist_for_each_entry(entry, bucket(model, 0, pasid), hash)
		if (entry->kind == VTD_CACHED_PASID &&
		    (entry->rid == rid || MUT(TAG_PASID_RID, false, true)) &&
		    entry->pasid == pasid)
			return entry;
	return NULL;
}

/**
 * vtd_tlb_find() - a translation of an address, of whatever size
 * @model: locked
 * @kinds: bit mask of TLB kinds that match
 * @did: domain id
 * @pasid: for the kinds that are tagged with one
 * @addr: input address
 *
 * Return: the entry or NULL.
 */
struct vtd_cached *vtd_tlb_find(struct vtd_model *model, u32 kinds, u16 did,
				u32 pasid, u64 addr)
{
	struct vtd_cached *entry;
	enum vtd_cached_kind kind;
	unsigned int i;

	for (kind = VTD_CACHED_TLB_FS; kind <= VTD_CACHED_TLB_SS; kind++) {
		if (!(kinds & BIT(kind)))
			continue;
		for (i = 0; i < ARRAY_SIZE(tlb_sizes); i++) {
			entry = vtd_cache_find(model, kind, 0, did,
					       kind == VTD_CACHED_TLB_SS ? 0 : pasid,
					       addr, tlb_sizes[i]);
			if (entry)
				return entry;
		}
	}
	return NULL;
}
