// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream table of a unit (IHI 0070 3.3.1, 5.1): its memory, and the entries of
 * devices. Made before the unit is on and freed when it is off; in between under
 * smmuv3_unit::lock.
 *
 * With two levels a level 2 table is made when a device comes whose StreamIDs it
 * covers, and stays. StreamIDs without one are unknown to the unit (C_BAD_STREAMID),
 * those of nobody have an entry that is not valid (C_BAD_STE).
 *
 * A change of entries that no store in place makes hitless (entry.c), as between two
 * stage 2, is made in a copy of the level 2 table, to which the level 1 descriptor,
 * 64 bits, is turned then. Not while the unit owes an invalidation: it may be reading
 * what was replaced last, which would be the next copy.
 */
#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../iommu-pages.h"
#include "../failpoint.h"
#include "owed.h"
#include "regs.h"
#include "tables_internal.h"

/* Level 1 stream table descriptor (5.1). A span of n is 2^(n-1) entries. */
#define L1_SPAN			GENMASK_ULL(4, 0)
#define L1_L2PTR		GENMASK_ULL(51, 6)

/* A level 2 table has the 256 functions of a PCI bus: 16 KiB. */
#define SPLIT			8
/*
 * What is allocated up front is bounded: 1 MiB of level 1 descriptors, 4 MiB of a
 * linear table. StreamIDs beyond do not exist for us or the unit.
 */
#define TWO_LEVEL_BITS_MAX	(17 + SPLIT)
#define LINEAR_BITS_MAX		16

static_assert(sizeof(struct smmuv3_ste) == 64);

/*
 * Zeroed, and aligned to its size as tables must be (5.1, 5.2, 5.3). For a unit that
 * snoops these are ordinary pages, as its page tables are, so that @gfp has them
 * charged: dma_alloc_coherent() may take them from CMA, and then charges nobody. For
 * one that does not snoop that is so of tables larger than a page still: a linear one
 * or a level 1, of which a device has two at most.
 */
void *smmuv3_table_alloc(struct smmuv3_unit *unit, size_t size,
			 dma_addr_t *dma, gfp_t gfp)
{
	void *table;

	if (unit->caps.coherent) {
		table = iommu_alloc_pages_node(dev_to_node(unit->dev), gfp,
					       get_order(size));
		if (!table)
			return NULL;
		*dma = virt_to_phys(table);
		if (!((*dma + size - 1) >> unit->caps.oas))
			return table;
		/* More memory than it has addresses for */
		iommu_free_pages(table, get_order(size));
		return NULL;
	}
	table = dma_alloc_coherent(unit->dev, size, dma, gfp);
	/* So it is everywhere but where CMA's alignment is capped */
	if (table && !IS_ALIGNED(*dma, roundup_pow_of_two(size))) {
		dma_free_coherent(unit->dev, size, table, *dma);
		return NULL;
	}
	return table;
}

void smmuv3_table_free(struct smmuv3_unit *unit, size_t size, void *table,
		       dma_addr_t dma)
{
	if (!table)
		return;
	if (unit->caps.coherent)
		iommu_free_pages(table, get_order(size));
	else
		dma_free_coherent(unit->dev, size, table, dma);
}

/* A batch that has room for a step of any device; for one user at a time. */
void smmuv3_table_batch(struct smmuv3_unit *unit, struct smmuv3_batch *batch)
{
	lockdep_assert_held(&unit->lock);
	*batch = (struct smmuv3_batch){
		.unit = unit,
		.cmds = unit->strtab->cmds,
		.max = ARRAY_SIZE(unit->strtab->cmds),
	};
}

static size_t level2_size(const struct smmuv3_strtab *strtab)
{
	return sizeof(struct smmuv3_ste) << strtab->split;
}

static unsigned int level1_entries(const struct smmuv3_strtab *strtab)
{
	return 1U << (strtab->bits - strtab->split);
}

static unsigned int level2_index(const struct smmuv3_strtab *strtab, u32 sid)
{
	return sid & (BIT(strtab->split) - 1);
}

static dma_addr_t level2_dma(const struct smmuv3_strtab *strtab, unsigned int i)
{
	const __le64 *level1 = strtab->base;

	return le64_to_cpu(level1[i]) & L1_L2PTR;
}

/**
 * smmuv3_strtab_alloc() - make a stream table without a valid entry
 * @unit: decoded, not started, without a stream table
 *
 * Two levels are used if the unit can and a level 2 table would not be all. May
 * sleep.
 *
 * Return: 0; -ENOMEM.
 */
int smmuv3_strtab_alloc(struct smmuv3_unit *unit)
{
	const struct smmuv3_caps *caps = &unit->caps;
	struct smmuv3_strtab *strtab;

	strtab = kvzalloc(sizeof(*strtab), GFP_KERNEL);
	if (!strtab)
		return -ENOMEM;
	if (caps->two_level_streams && caps->sid_bits > SPLIT) {
		strtab->split = SPLIT;
		strtab->bits = min(caps->sid_bits, TWO_LEVEL_BITS_MAX);
		strtab->base_size = sizeof(u64) * level1_entries(strtab);
		strtab->level2 = kvcalloc(level1_entries(strtab),
					  sizeof(*strtab->level2), GFP_KERNEL);
		if (!strtab->level2)
			goto err_free;
		strtab->spare = smmuv3_table_alloc(unit, level2_size(strtab),
						   &strtab->spare_dma,
						   GFP_KERNEL);
		if (!strtab->spare)
			goto err_free;
	} else {
		strtab->bits = min(caps->sid_bits, LINEAR_BITS_MAX);
		strtab->base_size = sizeof(struct smmuv3_ste) << strtab->bits;
	}
	strtab->base = smmuv3_table_alloc(unit, strtab->base_size,
					  &strtab->base_dma, GFP_KERNEL);
	if (!strtab->base)
		goto err_free;
	unit->strtab = strtab;
	return 0;

err_free:
	smmuv3_table_free(unit, level2_size(strtab), strtab->spare,
			  strtab->spare_dma);
	kvfree(strtab->level2);
	kvfree(strtab);
	return -ENOMEM;
}

/**
 * smmuv3_strtab_free() - free the stream table
 * @unit: stopped or never started
 *
 * Nothing happens without one. May sleep.
 */
void smmuv3_strtab_free(struct smmuv3_unit *unit)
{
	struct smmuv3_strtab *strtab = unit->strtab;
	unsigned int i;

	if (!strtab)
		return;
	for (i = 0; strtab->level2 && i < level1_entries(strtab); i++)
		smmuv3_table_free(unit, level2_size(strtab), strtab->level2[i],
				  level2_dma(strtab, i));
	smmuv3_table_free(unit, level2_size(strtab), strtab->spare,
			  strtab->spare_dma);
	smmuv3_table_free(unit, strtab->base_size, strtab->base,
			  strtab->base_dma);
	kvfree(strtab->level2);
	kvfree(strtab);
	unit->strtab = NULL;
}

/**
 * smmuv3_strtab_setup() - tell the unit where its stream table is
 * @unit: with a stream table; SMMUEN is off
 *
 * Writes STRTAB_BASE and STRTAB_BASE_CFG (6.3.23, 6.3.24). CR1 says how the unit
 * reads the table and is the caller's.
 */
void smmuv3_strtab_setup(struct smmuv3_unit *unit)
{
	const struct smmuv3_strtab *strtab = unit->strtab;
	u32 cfg = FIELD_PREP(SMMU_STRTAB_CFG_LOG2SIZE, strtab->bits);

	if (strtab->split)
		cfg |= FIELD_PREP(SMMU_STRTAB_CFG_FMT,
				  SMMU_STRTAB_CFG_FMT_TWO_LEVEL) |
		       FIELD_PREP(SMMU_STRTAB_CFG_SPLIT, strtab->split);
	else
		cfg |= FIELD_PREP(SMMU_STRTAB_CFG_FMT,
				  SMMU_STRTAB_CFG_FMT_LINEAR);
	unit->door->write64(unit, SMMU_STRTAB_BASE,
			    (strtab->base_dma & SMMU_STRTAB_BASE_ADDR) |
			    SMMU_STRTAB_BASE_RA);
	unit->door->write32(unit, SMMU_STRTAB_BASE_CFG, cfg);
}

/* The entry of @sid, which exists, or NULL if there is no table for it. */
static struct smmuv3_ste *find_ste(const struct smmuv3_strtab *strtab, u32 sid)
{
	struct smmuv3_ste *table = strtab->base;

	if (!strtab->split)
		return &table[sid];
	table = strtab->level2[sid >> strtab->split];
	return table ? &table[level2_index(strtab, sid)] : NULL;
}

/* Let the unit find a level 2 table. */
static void publish_level2(struct smmuv3_strtab *strtab, unsigned int i,
			   struct smmuv3_ste *table, dma_addr_t dma)
{
	__le64 *level1 = strtab->base;
	u64 desc;

	strtab->level2[i] = table;
	desc = FIELD_PREP(L1_SPAN, strtab->split + 1) | (dma & L1_L2PTR);
	/* Entries before the pointer to them */
	dma_wmb();
	WRITE_ONCE(level1[i], cpu_to_le64(desc));
}

/* Returns 1 if there was none. */
static int make_level2(struct smmuv3_unit *unit, u32 sid)
{
	struct smmuv3_strtab *strtab = unit->strtab;
	struct smmuv3_ste *table;
	dma_addr_t dma;

	if (find_ste(strtab, sid))
		return 0;
	table = smmuv3_table_alloc(unit, level2_size(strtab), &dma,
				   GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	publish_level2(strtab, sid >> strtab->split, table, dma);
	return 1;
}

/**
 * smmuv3_stream_prepare() - have the entries of all StreamIDs of a device
 * @device: whose; its unit's lock is held, and its queue is on
 *
 * The entries stay as they are: not valid, if no one had them. The tables are for
 * good, and no user can ask for more than devices need. May sleep.
 *
 * Return: 0; -ERANGE: the unit has no such StreamID, nothing was changed; -ENOMEM;
 * -EIO: the unit refused the invalidation.
 */
int smmuv3_stream_prepare(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;
	struct smmuv3_batch batch;
	bool made = false;
	unsigned int i;
	int rc;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < device->num_streams; i++)
		if ((u64)device->streams[i].sid >> unit->strtab->bits)
			return -ERANGE;
	/* A descriptor without table may be cached as well (3.21.3) */
	smmuv3_table_batch(unit, &batch);
	for (i = 0; i < device->num_streams; i++) {
		u32 sid = device->streams[i].sid;

		rc = make_level2(unit, sid);
		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		made = true;
		smmuv3_batch_cfgi_ste(&batch, sid, false);
	}
	return made ? smmuv3_batch_submit(&batch) : 0;
}

static __le64 *edit_at(const struct smmuv3_edit *edit, unsigned int i)
{
	struct smmuv3_device *device = edit->device;

	return find_ste(device->unit->strtab, device->streams[i].sid)->qw;
}

static void edit_invalidate(const struct smmuv3_edit *edit, unsigned int i,
			    struct smmuv3_batch *batch)
{
	/*
	 * Context descriptors found by the entry go with it (4.3.1). A unit that has not
	 * done all it was told may have kept the way to a table that was replaced, too.
	 */
	smmuv3_batch_cfgi_ste(batch, edit->device->streams[i].sid,
			      !smmuv3_unit_owing(edit->device->unit));
}

static bool in_one_table(const struct smmuv3_device *device)
{
	unsigned int i, split = device->unit->strtab->split;

	for (i = 1; i < device->num_streams; i++)
		if ((device->streams[i].sid ^ device->streams[0].sid) >> split)
			return false;
	return split;
}

static void store_ste(struct smmuv3_ste *ste, const u64 *val)
{
	unsigned int q;

	for (q = 0; q < SMMUV3_ENTRY_QWORDS; q++)
		ste->qw[q] = cpu_to_le64(val[q]);
}

/*
 * Change a copy of the level 2 table, and let the unit find that instead. What it
 * replaces may be cached as the table of any StreamID it covers.
 */
static int write_copy(struct smmuv3_device *device, const u64 *want,
		      bool *hitless)
{
	struct smmuv3_unit *unit = device->unit;
	struct smmuv3_strtab *strtab = unit->strtab;
	u32 sid = device->streams[0].sid;
	struct smmuv3_ste *old = strtab->level2[sid >> strtab->split];
	dma_addr_t old_dma = level2_dma(strtab, sid >> strtab->split);
	struct smmuv3_batch batch;
	unsigned int i;

	memcpy(strtab->spare, old, level2_size(strtab));
	for (i = 0; i < device->num_streams; i++)
		store_ste(&strtab->spare[level2_index(strtab,
						      device->streams[i].sid)],
			  want);
	publish_level2(strtab, sid >> strtab->split, strtab->spare,
		       strtab->spare_dma);
	strtab->spare = old;
	strtab->spare_dma = old_dma;
	*hitless = true;
	smmuv3_table_batch(unit, &batch);
	smmuv3_batch_cfgi_all(&batch);
	return smmuv3_batch_submit(&batch);
}

static int write_stes(struct smmuv3_device *device, const u64 *want,
		      bool *hitless)
{
	const struct smmuv3_edit edit = {
		.device = device,
		.num = device->num_streams,
		.at = edit_at,
		.read = smmuv3_ste_read,
		.invalidate = edit_invalidate,
	};

	if (in_one_table(device) && !smmuv3_unit_owing(device->unit) &&
	    !smmuv3_entry_hitless(&edit, want))
		return write_copy(device, want, hitless);
	return smmuv3_entry_write(&edit, want, hitless);
}

/**
 * smmuv3_stream_set() - make all streams of a device go where a target says
 * @device: prepared; its unit's lock is held
 * @target: where; STAGE1 needs device->contexts
 * @hitless: if not NULL, returns whether no request of the device has met an entry
 *	that was not valid. It always is with a table of two levels, if one level 2
 *	table has all its entries, and the unit owes no invalidation; and from and to
 *	ABORT and BYPASS
 *
 * On return the unit has nothing cached of what the entries were; ATC invalidation,
 * and TLBs of a VMID or ASID that nobody uses any more, are the caller's. May sleep.
 *
 * Return: 0; -EIO: the unit refused an invalidation. The entries are @target anyway.
 */
int smmuv3_stream_set(struct smmuv3_device *device,
		      const struct smmuv3_stream_target *target, bool *hitless)
{
	u64 want[SMMUV3_ENTRY_QWORDS];
	bool was;
	int rc;

	if (iommufd_mutant(IOMMUFD_MUTANT_SMMUV3_NO_INSTALL) &&
	    target->type != SMMUV3_STREAM_ABORT) {
		if (hitless)
			*hitless = true;
		return 0;
	}
	smmuv3_ste_encode(device, target, want);
	rc = write_stes(device, want, hitless ?: &was);
	device->stream = *target;
	return rc;
}

/**
 * smmuv3_stream_clear() - let the streams of a device be nobody's
 * @device: prepared; its unit's lock is held
 *
 * The entries are not valid afterwards, and the unit refers to nothing of @device's.
 * May sleep.
 *
 * Return: 0; -EIO: the unit refused the invalidation.
 */
int smmuv3_stream_clear(struct smmuv3_device *device)
{
	static const u64 zeroes[SMMUV3_ENTRY_QWORDS];
	bool hitless;
	int rc;

	rc = write_stes(device, zeroes, &hitless);
	device->stream = (struct smmuv3_stream_target){
		.type = SMMUV3_STREAM_ABORT,
	};
	return rc;
}

/**
 * smmuv3_stream_get() - where the streams of a device go
 * @device: whose; its unit's lock is held
 * @target: what smmuv3_stream_set() was last given; ABORT before
 */
void smmuv3_stream_get(struct smmuv3_device *device,
		       struct smmuv3_stream_target *target)
{
	lockdep_assert_held(&device->unit->lock);
	*target = device->stream;
}
