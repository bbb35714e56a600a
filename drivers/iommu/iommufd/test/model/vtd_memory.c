// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as the VT-d model sees it.
 *
 * A walk that snoops reads memory itself. One that does not (ECAP.C for the tables
 * down to the PASID entry, PWSNP for paging structures) reads what was there when
 * it was last written back. In both cases memory is touched, so that KASAN sees a
 * table that was freed too early.
 */
#include <linux/hash.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "vtd_internal.h"

/* How often two halves are read again until they belong together */
#define MAX_TRIES	1000

/**
 * vtd_memory_create() - prepare for walks that do not snoop
 * @model: of its capabilities
 *
 * Return: 0 or -ENOMEM. May sleep.
 */
int vtd_memory_create(struct vtd_model *model)
{
	const u64 snoops = VTD_ECAP_C | VTD_ECAP_SMPWCS;

	/*
	 * Also a unit that can snoop does so only where the PASID entry says it,
	 * but nobody would do without.
	 */
	if ((model->config.ecap & snoops) == snoops)
		return 0;
	model->shadow = vcalloc(VTD_SHADOW_PAGES, sizeof(*model->shadow));
	return model->shadow ? 0 : -ENOMEM;
}

/**
 * vtd_memory_destroy() - undo vtd_memory_create()
 * @model: nobody uses it
 */
void vtd_memory_destroy(struct vtd_model *model)
{
	vfree(model->shadow);
}

/**
 * vtd_memory() - memory at a physical address
 * @pa: address
 *
 * Return: its kernel address; NULL if it is not memory that the kernel manages.
 */
void *vtd_memory(u64 pa)
{
	unsigned long pfn = PHYS_PFN(pa);

	if (pa >> VTD_HAW || !pfn_valid(pfn))
		return NULL;
	if (PageReserved(pfn_to_page(pfn)) && !is_zero_pfn(pfn))
		return NULL;
	return phys_to_virt(pa);
}

/**
 * vtd_memory_known() - may a DMA go there?
 * @pa: where; vtd_memory() has it
 *
 * While the unit makes a mistake, only to pages that a test has marked: what else
 * it comes to is not its own.
 *
 * Return: true if it may.
 */
bool vtd_memory_known(u64 pa)
{
	return READ_ONCE(vtd_mutant_now) == VTD_MUTANT_NONE ||
	       page_private(pfn_to_page(PHYS_PFN(pa))) == VTD_MODEL_PAGE;
}

static struct vtd_shadow *shadow_find(struct vtd_model *model, unsigned long pfn)
{
	struct vtd_shadow *shadow;

	hlist_for_each_entry(shadow,
			     &model->shadow_buckets[hash_long(pfn, VTD_SHADOW_BITS)],
			     hash)
		if (shadow->pfn == pfn)
			return shadow;
	return NULL;
}

static struct vtd_shadow *shadow_get(struct vtd_model *model, unsigned long pfn)
{
	struct vtd_shadow *shadow = shadow_find(model, pfn);

	if (shadow)
		return shadow;
	if (model->shadow_used == VTD_SHADOW_PAGES) {
		model_violation("vtd: more than %u pages of tables without snooping",
				VTD_SHADOW_PAGES);
		return NULL;
	}
	shadow = &model->shadow[model->shadow_used++];
	shadow->pfn = pfn;
	hlist_add_head(&shadow->hash,
		       &model->shadow_buckets[hash_long(pfn, VTD_SHADOW_BITS)]);
	return shadow;
}

static void shadow_line(struct vtd_shadow *shadow, const u64 *page, unsigned int line)
{
	unsigned int i;

	for (i = line * 8; i < line * 8 + MUT(CLEAN_LINE, 8, 4); i++)
		shadow->words[i] = READ_ONCE(page[i]);
	shadow->lines |= BIT_ULL(line);
}

/**
 * vtd_model_clean() - the CPU writes tables back to memory
 * @model: unit that may be going to read them
 * @addr: kernel address, of the linear mapping
 * @size: bytes; whole cache lines of 64 bytes are written back
 *
 * Any context.
 */
void vtd_model_clean(struct vtd_model *model, void *addr, size_t size)
{
	unsigned long start = ((unsigned long)addr + MUT(CLEAN_ALIGN, 0, 63)) & ~63UL;
	unsigned long end = (unsigned long)addr + size;
	unsigned long flags;

	if (!model->shadow)
		return;
	flags = vtd_lock(model);
	model->counts.cleans++;
	if (vtd_injected(model, VTD_MODEL_INJECT_DROP_CLEAN))
		end = start;
	for (; start < end; start += 64) {
		struct vtd_shadow *shadow =
			shadow_get(model, PHYS_PFN(virt_to_phys((void *)start)));

		if (!shadow)
			break;
		shadow_line(shadow, (u64 *)(start & PAGE_MASK),
			    (start & ~PAGE_MASK) / 64);
	}
	vtd_unlock(model, flags);
}

/*
 * A table of ours must have been written back. One that a guest made has been
 * there since before we knew: as it was when it was first read.
 */
static bool shadow_read(struct vtd_model *model, u64 pa, bool guest, u64 *val)
{
	unsigned int line = (pa & ~PAGE_MASK) / 64;
	u64 *page = vtd_memory(pa & PAGE_MASK);
	struct vtd_shadow *shadow;

	if (!model->shadow) {
		model_violation("vtd: a walk does not snoop, and the unit can");
		return false;
	}
	shadow = shadow_get(model, PHYS_PFN(pa));
	if (!shadow)
		return false;
	if (!(shadow->lines & BIT_ULL(line))) {
		if (!guest && !MUT(SHADOW_GUEST, false, true)) {
			model_violation("vtd: table at %#llx read before it was written back",
					pa);
			return false;
		}
		shadow_line(shadow, page, line);
	}
	*val = shadow->words[((pa & ~PAGE_MASK) / 8) ^ MUT(SHADOW_WORD, 0, 1)];
	return true;
}

static bool read_as(struct vtd_model *model, u64 pa, bool snoop, bool guest,
		    u64 *val)
{
	u64 *word = vtd_memory(pa);

	if (!word)
		return false;
	/* By mistake it reads tables that are gone; that is not the driver's. */
	*val = READ_ONCE(vtd_mutant_now) == VTD_MUTANT_NONE ?
	       READ_ONCE(*word) : READ_ONCE_NOCHECK(*word);
	return snoop || shadow_read(model, pa, guest, val);
}

/**
 * vtd_memory_read() - 64 bits of a table, atomically
 * @model: locked
 * @pa: physical address, aligned
 * @snoop: the access snoops
 * @val: what it reads
 *
 * Return: false if there is no memory.
 */
bool vtd_memory_read(struct vtd_model *model, u64 pa, bool snoop, u64 *val)
{
	return read_as(model, pa, snoop, false, val);
}

/**
 * vtd_memory_read_guest() - as vtd_memory_read(), of a first-stage table
 * @model: locked
 * @pa: physical address, aligned
 * @snoop: the access snoops
 * @val: what it reads
 *
 * Nobody tells us when a guest, or the CPU's own memory management, writes back.
 *
 * Return: false if there is no memory.
 */
bool vtd_memory_read_guest(struct vtd_model *model, u64 pa, bool snoop, u64 *val)
{
	return read_as(model, pa, snoop, true, val);
}

/**
 * vtd_memory_read_pair() - 128 bits of a table, atomically
 * @model: locked
 * @pa: physical address, aligned to 16
 * @snoop: the access snoops
 * @val: what it reads
 *
 * Return: false if there is no memory, or it never holds still.
 */
bool vtd_memory_read_pair(struct vtd_model *model, u64 pa, bool snoop, u64 val[2])
{
	unsigned int tries;
	u64 again[2];

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!vtd_memory_read(model, pa, snoop, &val[0]) ||
		    !vtd_memory_read(model, pa + 8, snoop, &val[1]))
			return false;
		/* Nobody changed either between the two reads of the other. */
		smp_rmb();
		if (!vtd_memory_read(model, pa, snoop, &again[0]) ||
		    !vtd_memory_read(model, pa + 8, snoop, &again[1]))
			return false;
		if (val[0] == again[0] && val[1] == again[1])
			return true;
	}
	return false;
}

/**
 * vtd_memory_update() - set bits of an entry, atomically
 * @pa: physical address, aligned
 * @old: what was read there
 * @val: to become
 *
 * Return: false if it is no longer @old.
 */
bool vtd_memory_update(u64 pa, u64 old, u64 val)
{
	u64 *word = vtd_memory(pa);

	return word && cmpxchg64(word, old, val) == old;
}
