// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as the SMMUv3 model sees it: coherently. Tables are read in place, so that
 * KASAN sees one that was freed too early.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "smmuv3_internal.h"

/**
 * smmuv3_memory() - memory at a physical address
 * @model: unit
 * @pa: address
 *
 * Return: its kernel address; NULL if it is not memory that the kernel manages.
 */
void *smmuv3_memory(const struct smmuv3_model *model, u64 pa)
{
	unsigned long pfn = PHYS_PFN(pa);

	if (pa >> smmuv3_oas(model) || !pfn_valid(pfn))
		return NULL;
	if (PageReserved(pfn_to_page(pfn)) && !is_zero_pfn(pfn))
		return NULL;
	return phys_to_virt(pa);
}

/**
 * smmuv3_memory_known() - may the unit write there?
 * @pa: where; smmuv3_memory() has it
 *
 * While the unit makes a mistake, only to pages that a test has marked: what else
 * it comes to is not its own.
 *
 * Return: true if it may.
 */
bool smmuv3_memory_known(u64 pa)
{
	return READ_ONCE(smmuv3_mutant_now) == SMMUV3_MUTANT_NONE ||
	       page_private(pfn_to_page(PHYS_PFN(pa))) == SMMUV3_MODEL_PAGE;
}

/**
 * smmuv3_memory_read() - words of a table, each of them atomically (3.21.1)
 * @model: unit
 * @pa: physical address, aligned to the whole
 * @words: what it reads
 * @num: of 64 bits
 *
 * Return: false if there is no memory.
 */
bool smmuv3_memory_read(const struct smmuv3_model *model, u64 pa, u64 *words,
			unsigned int num)
{
	u64 *from = smmuv3_memory(model, pa);
	unsigned int i;

	if (!from)
		return false;
	/* By mistake it reads tables that are gone; that is not the driver's. */
	for (i = 0; i < num; i++)
		words[i] = READ_ONCE(smmuv3_mutant_now) == SMMUV3_MUTANT_NONE ?
			   le64_to_cpu((__force __le64)READ_ONCE(from[i])) :
			   READ_ONCE_NOCHECK(from[i]);
	return true;
}

/**
 * smmuv3_memory_update() - set flags of a descriptor, atomically
 * @model: unit
 * @pa: physical address, aligned
 * @old: what was read there
 * @val: to become
 *
 * Return: false if it is no longer @old.
 */
bool smmuv3_memory_update(const struct smmuv3_model *model, u64 pa, u64 old,
			  u64 val)
{
	u64 *word = smmuv3_memory(model, pa);

	return word && smmuv3_memory_known(pa) && cmpxchg64(word, old, val) == old;
}

/**
 * smmuv3_memory_copy() - the DMA itself
 * @model: unit
 * @pa: where
 * @write: to memory; else from it
 * @buf: data
 * @len: bytes, at most to the end of the 4 KiB page
 *
 * Return: false if there is no memory.
 */
bool smmuv3_memory_copy(const struct smmuv3_model *model, u64 pa, bool write,
			void *buf, size_t len)
{
	void *mem = smmuv3_memory(model, pa);

	if (!mem || (pa & (SZ_4K - 1)) + len > SZ_4K || !smmuv3_memory_known(pa))
		return false;
	if (!model_granted(&model->port, pa, write, "DMA"))
		return false;
	if (write)
		memcpy(mem, buf, len);
	else
		memcpy(buf, mem, len);
	return true;
}
