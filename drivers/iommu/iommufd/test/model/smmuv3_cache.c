// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches of the SMMUv3 model (16.2): one pool for configuration, tables and
 * translations, in which an entry lives until it is invalidated, or
 * SMMUV3_CACHE_ENTRIES younger ones came, so that an invalidation that was forgotten
 * shows.
 */
#include <linux/hash.h>
#include <linux/slab.h>

#include "smmuv3_internal.h"

/**
 * smmuv3_cache_create() - make the pool
 * @model: of it
 *
 * Return: 0 or -ENOMEM. May sleep.
 */
int smmuv3_cache_create(struct smmuv3_model *model)
{
	unsigned int i;

	INIT_LIST_HEAD(&model->ages);
	INIT_LIST_HEAD(&model->unused);
	model->cached = kvcalloc(SMMUV3_CACHE_ENTRIES, sizeof(*model->cached),
				 GFP_KERNEL);
	if (!model->cached)
		return -ENOMEM;
	for (i = 0; i < SMMUV3_CACHE_ENTRIES; i++)
		list_add_tail(&model->cached[i].age, &model->unused);
	return 0;
}

/**
 * smmuv3_cache_destroy() - undo smmuv3_cache_create()
 * @model: nobody uses it
 */
void smmuv3_cache_destroy(struct smmuv3_model *model)
{
	kvfree(model->cached);
}

/* By what an entry has in common with any tag that it may be found by */
static struct hlist_head *bucket(struct smmuv3_model *model,
				 const struct smmuv3_tag *tag)
{
	return &model->buckets[hash_64(tag->addr ^ (u64)tag->kind << 59,
				       SMMUV3_CACHE_BITS)];
}

static void drop(struct smmuv3_model *model, struct smmuv3_cached *entry)
{
	hlist_del(&entry->hash);
	entry->tag.kind = SMMUV3_CACHED_FREE;
	list_move_tail(&entry->age, &model->unused);
}

static bool matches(const struct smmuv3_cached *entry, const struct smmuv3_tag *tag)
{
	const struct smmuv3_tag *own = &entry->tag;

	return own->kind == tag->kind && own->addr == tag->addr &&
	       own->size == tag->size && own->extra == tag->extra &&
	       (own->sid == tag->sid || MUT(TAG_SID, false, true)) &&
	       (own->world == tag->world || MUT(TAG_WORLD, false, true)) &&
	       (own->vmid == tag->vmid || MUT(TAG_VMID, false, true)) &&
	       (own->asid == tag->asid || MUT(TAG_GLOBAL, entry->global, false) ||
		MUT(TAG_ASID, false, true));
}

static void align(struct smmuv3_tag *tag)
{
	tag->addr &= ~(tag->size - 1);
}

/**
 * smmuv3_cache_find() - look an entry up
 * @model: locked
 * @tag: of it; its address is any that the entry is for
 *
 * Return: the entry or NULL. Valid until the next change of the caches.
 */
struct smmuv3_cached *smmuv3_cache_find(struct smmuv3_model *model,
					const struct smmuv3_tag *tag)
{
	struct smmuv3_tag aligned = *tag;
	struct smmuv3_cached *entry;

	align(&aligned);
	hlist_for_each_entry(entry, bucket(model, &aligned), hash)
		if (matches(entry, &aligned))
			return entry;
	return NULL;
}

/**
 * smmuv3_cache_add() - an entry for new data
 * @model: locked
 * @tag: of it
 *
 * The oldest entry of all goes if there is no room; one with the same tag is taken
 * over.
 *
 * Return: the entry; its data is zero.
 */
struct smmuv3_cached *smmuv3_cache_add(struct smmuv3_model *model,
				       const struct smmuv3_tag *tag)
{
	struct smmuv3_cached *entry = smmuv3_cache_find(model, tag);

	if (entry)
		drop(model, entry);
	else if (list_empty(&model->unused))
		drop(model, list_first_entry(&model->ages, struct smmuv3_cached, age));
	entry = list_last_entry(&model->unused, struct smmuv3_cached, age);
	entry->tag = *tag;
	align(&entry->tag);
	entry->global = false;
	entry->tg = 0;
	entry->level = 0;
	memset(entry->data, 0, sizeof(entry->data));
	hlist_add_head(&entry->hash, bucket(model, &entry->tag));
	list_move_tail(&entry->age, &model->ages);
	return entry;
}

static bool is_leaf(const struct smmuv3_cached *entry)
{
	return entry->tag.kind == SMMUV3_CACHED_TLB_S1 ||
	       entry->tag.kind == SMMUV3_CACHED_TLB_S2;
}

static bool asid_in_scope(const struct smmuv3_cached *entry,
			  const struct smmuv3_scope *scope)
{
	if (entry->global)
		return scope->global;
	return entry->tag.asid == scope->asid;
}

static bool hints_match(const struct smmuv3_cached *entry,
			const struct smmuv3_scope *scope)
{
	if (scope->tg && MUT(SCOPE_TG, entry->tg != scope->tg, false))
		return false;
	return !scope->ttl || !is_leaf(entry) ||
	       entry->level == scope->ttl + MUT(SCOPE_TTL, 0, 1);
}

static bool in_scope(const struct smmuv3_cached *entry,
		     const struct smmuv3_scope *scope)
{
	const struct smmuv3_tag *tag = &entry->tag;

	if (!(scope->kinds & BIT(tag->kind)))
		return false;
	if (scope->by_world && tag->world != scope->world)
		return false;
	if (scope->by_sid && (tag->sid < scope->sid || tag->sid > scope->last_sid))
		return false;
	if (scope->by_vmid && tag->vmid != scope->vmid)
		return false;
	if (scope->by_asid && !asid_in_scope(entry, scope))
		return false;
	if (!hints_match(entry, scope))
		return false;
	return !scope->by_addr ||
	       (tag->addr <= scope->last - MUT(SCOPE_LAST, 0, SZ_4K) &&
		scope->addr <= tag->addr + MUT(SCOPE_LARGE, tag->size, SZ_4K) - 1);
}

/**
 * smmuv3_cache_drop() - invalidate
 * @model: locked
 * @scope: what
 */
void smmuv3_cache_drop(struct smmuv3_model *model, const struct smmuv3_scope *scope)
{
	struct smmuv3_cached *entry, *next;

	list_for_each_entry_safe(entry, next, &model->ages, age) {
		if (!in_scope(entry, scope))
			continue;
		if (scope->keep & BIT(entry->tag.kind))
			model->counts.kept[scope->op]++;
		else
			drop(model, entry);
	}
}
