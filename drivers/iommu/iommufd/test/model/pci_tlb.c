// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations a model function has cached (PCIe 10.2). They stay until an
 * invalidation, the end of ATS or a reset drops them, or there is no room: what a
 * driver forgot to invalidate is used.
 */
#include "pci_internal.h"

static bool tlb_matches(const struct model_tlb_entry *e,
			const struct model_tlp *tlp)
{
	if (!e->size || tlp->addr < e->iova || tlp->addr - e->iova >= e->size)
		return false;
	if (e->pasid_valid != tlp->pasid_valid ||
	    e->priv != !!(tlp->perm & MODEL_PRIV))
		return false;
	return !e->pasid_valid || e->global || e->pasid == tlp->pasid;
}

/**
 * model_tlb_find() - a cached translation for a request
 * @tlb: the cache
 * @tlp: the request
 *
 * Permissions are not looked at, except that a translation got by a privileged
 * request is good for privileged requests alone and the other way round.
 *
 * Return: the entry, or NULL.
 */
struct model_tlb_entry *model_tlb_find(struct model_tlb *tlb,
				       const struct model_tlp *tlp)
{
	unsigned int i;

	for (i = 0; i < MODEL_TLB_SIZE; i++)
		if (tlb_matches(&tlb->entries[i], tlp))
			return &tlb->entries[i];
	return NULL;
}

static struct model_tlb_entry *tlb_room(struct model_tlb *tlb)
{
	unsigned int i;

	for (i = 0; i < MODEL_TLB_SIZE; i++)
		if (!tlb->entries[i].size) {
			tlb->num++;
			return &tlb->entries[i];
		}
	i = tlb->next;
	tlb->next = (i + 1) % MODEL_TLB_SIZE;
	return &tlb->entries[i];
}

/**
 * model_tlb_add() - keep a translation
 * @tlb: the cache
 * @tlp: the request
 * @result: the answer; grants something
 *
 * It takes the place of one that is there for the same request.
 *
 * Return: the entry.
 */
struct model_tlb_entry *model_tlb_add(struct model_tlb *tlb,
				      const struct model_tlp *tlp,
				      const struct model_translation *result)
{
	struct model_tlb_entry *e = model_tlb_find(tlb, tlp);

	if (!e)
		e = tlb_room(tlb);
	*e = (struct model_tlb_entry){
		.size = result->size,
		.iova = tlp->addr & ~(result->size - 1),
		.addr = result->addr,
		.perm = result->perm,
		.pasid = tlp->pasid,
		.pasid_valid = tlp->pasid_valid,
		.priv = tlp->perm & MODEL_PRIV,
		.global = tlp->pasid_valid && result->global,
	};
	return e;
}

/**
 * model_tlb_drop() - an invalidation request (PCIe 10.3)
 * @tlb: the cache
 * @pasid_valid: it has a PASID: translations got without one stay; without:
 *	those got with one stay
 * @pasid: that one
 * @global: for each PASID. Without it a global translation is gone for @pasid;
 *	that it is gone for the others as well cannot be relied on, so it stays
 *	for the one that got it
 * @addr: first address
 * @size: bytes; 0: up to the end of the address space
 */
void model_tlb_drop(struct model_tlb *tlb, bool pasid_valid, u32 pasid,
		    bool global, u64 addr, u64 size)
{
	u64 last = size ? addr + size - 1 : U64_MAX;
	unsigned int i;

	for (i = 0; i < MODEL_TLB_SIZE; i++) {
		struct model_tlb_entry *e = &tlb->entries[i];

		if (!e->size || e->pasid_valid != pasid_valid ||
		    e->iova > last || e->iova + e->size - 1 < addr)
			continue;
		if (!pasid_valid || global || e->pasid == pasid) {
			e->size = 0;
			tlb->num--;
		} else {
			e->global = false;
		}
	}
}

/**
 * model_tlb_flush() - drop everything
 * @tlb: the cache
 */
void model_tlb_flush(struct model_tlb *tlb)
{
	unsigned int i;

	for (i = 0; i < MODEL_TLB_SIZE; i++)
		tlb->entries[i].size = 0;
	tlb->num = 0;
}
