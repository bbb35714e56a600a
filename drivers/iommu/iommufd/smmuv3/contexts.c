// SPDX-License-Identifier: GPL-2.0-only
/*
 * Context descriptors that the kernel fills (IHI 0070 3.3.2, 5.3, 5.4), of one
 * device: all its streams share them. Everything is under smmuv3_unit::lock.
 *
 * A descriptor that changes to another address space differs in ASID and TTB0,
 * which are in two words, both always read: no store in place is hitless
 * (entry.c). But each table of descriptors is found by one 64-bit pointer, in the
 * stream table entry or, with two levels, in a level 1 descriptor. So such a change
 * is made in a copy of the table, and the pointer turned to the copy; what was the
 * table is the next copy. Not while the unit owes an invalidation, as it may be reading
 * that: then the descriptor is not valid for a while.
 */
#include <linux/bitfield.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "owed.h"
#include "tables_internal.h"

/* S1Fmt (5.2) */
#define S1FMT_LINEAR		0
#define S1FMT_4K_L2		1
#define S1FMT_64K_L2		2

/* Level 1 context descriptor (5.3) */
#define L1_V			BIT_ULL(0)
#define L1_L2PTR		GENMASK_ULL(51, 12)

#define CD0_V			BIT_ULL(31)
#define CD0_EPD0		BIT_ULL(14)
#define CD0_EPD1		BIT_ULL(30)
/* T0SZ, TG0, IR0, OR0, SH0; EPD1; IPS */
#define CD0_TCR			(GENMASK_ULL(13, 0) | CD0_EPD1 | \
				 GENMASK_ULL(34, 32))
#define CD0_AFFD		BIT_ULL(35)
#define CD0_AA64		BIT_ULL(41)
#define CD0_HD			BIT_ULL(42)
#define CD0_HA			BIT_ULL(43)
#define CD0_S			BIT_ULL(44)
#define CD0_R			BIT_ULL(45)
#define CD0_A			BIT_ULL(46)
#define CD0_ASET		BIT_ULL(47)
#define CD0_ASID		GENMASK_ULL(63, 48)
#define CD1_TTB0		GENMASK_ULL(51, 4)

/*
 * Level 2 tables are of 4 KiB, until there would be so many that the level 1 table
 * is larger than that; then of 64 KiB.
 */
#define SPLIT_4K		6
#define SPLIT_64K		10
#define BITS_4K_MAX		(SPLIT_4K + 9)
/* A linear table has no more than a level 2 table. */
#define LINEAR_BITS_MAX		SPLIT_64K
#define BITS_MAX		20

static_assert(sizeof(struct smmuv3_cd) == 64);

/**
 * struct contexts_table - a linear or level 2 table
 * @cds: descriptors; NULL: there is no table
 * @dma: its address
 */
struct contexts_table {
	struct smmuv3_cd *cds;
	dma_addr_t dma;
};

/**
 * struct smmuv3_contexts - the context descriptors of a device
 * @unit: that reads them
 * @kept: in the quarantine, when the device is gone
 * @bits: of a SubstreamID (S1CDMax)
 * @split: of those, bits that one of @tables takes; @bits if it is linear
 * @level1: level 1 descriptors, NULL if it is linear
 * @level1_dma: address of @level1
 * @spare: what a table is copied to; there is one as soon as there is a table
 * @tables: by bits @bits to @split of the SubstreamID
 */
struct smmuv3_contexts {
	struct smmuv3_unit *unit;
	struct map_quarantine_item kept;
	u8 bits;
	u8 split;
	__le64 *level1;
	dma_addr_t level1_dma;
	struct contexts_table spare;
	struct contexts_table tables[];
};

static unsigned int num_tables(const struct smmuv3_contexts *contexts)
{
	return 1U << (contexts->bits - contexts->split);
}

static size_t level1_size(const struct smmuv3_contexts *contexts)
{
	return sizeof(u64) * num_tables(contexts);
}

static size_t table_size(const struct smmuv3_contexts *contexts)
{
	return sizeof(struct smmuv3_cd) << contexts->split;
}

static int make_table(struct smmuv3_device *device,
		      struct contexts_table *table)
{
	if (table->cds)
		return 0;
	table->cds = smmuv3_table_alloc(device->unit,
					table_size(device->contexts),
					&table->dma, GFP_KERNEL_ACCOUNT);
	return table->cds ? 0 : -ENOMEM;
}

/**
 * smmuv3_contexts_max() - how many PASIDs tables of a unit can have
 * @unit: decoded
 *
 * Return: the most that smmuv3_device::max_pasids may be; 1 without SubstreamIDs.
 */
u32 smmuv3_contexts_max(const struct smmuv3_unit *unit)
{
	unsigned int most = unit->caps.two_level_contexts ? BITS_MAX :
							    LINEAR_BITS_MAX;

	return 1U << min(unit->caps.ssid_bits, most);
}

/*
 * Tables are charged to whoever attaches (strtab.c). Those that are not coherent may
 * come from CMA, which charges nobody, unless they are no larger than a page.
 */
static unsigned int choose_split(const struct smmuv3_unit *unit,
				 unsigned int bits)
{
	if (!unit->caps.two_level_contexts || bits <= SPLIT_4K)
		return bits;
	if (!unit->caps.coherent &&
	    sizeof(struct smmuv3_cd) << SPLIT_64K > PAGE_SIZE)
		return SPLIT_4K;
	return bits <= BITS_4K_MAX ? SPLIT_4K : SPLIT_64K;
}

/**
 * smmuv3_contexts_alloc() - make context descriptors, none of which is valid
 * @device: without them; max_pasids is at most smmuv3_contexts_max(); its unit's lock
 *	is held
 *
 * With two levels the level 1 table is made, else the table. May sleep.
 *
 * Return: 0; -EINVAL: max_pasids is out of range; -ENOMEM.
 */
int smmuv3_contexts_alloc(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;
	struct smmuv3_contexts *contexts;
	unsigned int bits, split;
	int rc = -ENOMEM;

	lockdep_assert_held(&unit->lock);
	if (!device->max_pasids ||
	    device->max_pasids > smmuv3_contexts_max(unit))
		return -EINVAL;
	bits = order_base_2(device->max_pasids);
	split = choose_split(unit, bits);
	contexts = kvzalloc(struct_size(contexts, tables, 1U << (bits - split)),
			    GFP_KERNEL_ACCOUNT);
	if (!contexts)
		return -ENOMEM;
	contexts->unit = unit;
	contexts->bits = bits;
	contexts->split = split;
	device->contexts = contexts;
	if (bits > split) {
		contexts->level1 = smmuv3_table_alloc(unit,
						      level1_size(contexts),
						      &contexts->level1_dma,
						      GFP_KERNEL_ACCOUNT);
		if (contexts->level1)
			return 0;
	} else {
		rc = make_table(device, &contexts->tables[0]);
		if (!rc)
			return 0;
	}
	smmuv3_contexts_free(device);
	return rc;
}

static void free_contexts(struct smmuv3_contexts *contexts)
{
	struct smmuv3_unit *unit = contexts->unit;
	unsigned int i;

	for (i = 0; i < num_tables(contexts); i++)
		smmuv3_table_free(unit, table_size(contexts),
				  contexts->tables[i].cds,
				  contexts->tables[i].dma);
	smmuv3_table_free(unit, table_size(contexts), contexts->spare.cds,
			  contexts->spare.dma);
	smmuv3_table_free(unit, level1_size(contexts), contexts->level1,
			  contexts->level1_dma);
	kvfree(contexts);
}

static bool release_contexts(struct map_quarantine_item *item)
{
	free_contexts(container_of(item, struct smmuv3_contexts, kept));
	smmuv3_owed_left();
	return true;
}

/**
 * smmuv3_contexts_free() - free the context descriptors and all tables
 * @device: no stream table entry refers to them; its unit's lock is held
 *
 * Not before the unit is known not to read them. Nothing happens without them. May
 * sleep.
 */
void smmuv3_contexts_free(struct smmuv3_device *device)
{
	struct smmuv3_contexts *contexts = device->contexts;

	lockdep_assert_held(&device->unit->lock);
	if (!contexts)
		return;
	device->contexts = NULL;
	contexts->kept.release = release_contexts;
	if (!smmuv3_owed_keep(device->unit, &contexts->kept))
		free_contexts(contexts);
}

/* What a stream table entry says of them: S1Fmt, S1ContextPtr, S1CDMax. */
u64 smmuv3_contexts_base(const struct smmuv3_device *device)
{
	const struct smmuv3_contexts *contexts = device->contexts;
	unsigned int fmt = S1FMT_LINEAR;
	dma_addr_t dma;

	if (contexts->level1) {
		fmt = contexts->split == SPLIT_4K ? S1FMT_4K_L2 : S1FMT_64K_L2;
		dma = contexts->level1_dma;
	} else {
		dma = contexts->tables[0].dma;
	}
	return FIELD_PREP(SMMUV3_STE_S1FMT, fmt) |
	       FIELD_PREP(SMMUV3_STE_S1CDMAX, contexts->bits) |
	       (dma & SMMUV3_STE_S1CONTEXTPTR);
}

/* May the unit be reading the descriptors? */
static bool in_use(const struct smmuv3_device *device)
{
	return device->stream.type == SMMUV3_STREAM_STAGE1;
}

static unsigned int table_index(const struct smmuv3_contexts *contexts,
				ioasid_t pasid)
{
	return pasid >> contexts->split;
}

/* The descriptor of a PASID below max_pasids, or NULL if it has no table. */
static struct smmuv3_cd *find_cd(const struct smmuv3_contexts *contexts,
				 const struct contexts_table *table,
				 ioasid_t pasid)
{
	return table->cds ? &table->cds[pasid & (BIT(contexts->split) - 1)] :
			    NULL;
}

/*
 * Level 1 descriptors, and what was found by them, are forgotten; also those of no
 * table, which may be cached too (3.21.3).
 */
static int invalidate_level1(struct smmuv3_device *device)
{
	struct smmuv3_batch batch;
	unsigned int i;

	if (!in_use(device))
		return 0;
	smmuv3_table_batch(device->unit, &batch);
	for (i = 0; i < device->num_streams; i++)
		smmuv3_batch_cfgi_cd_all(&batch, device->streams[i].sid);
	return smmuv3_batch_submit(&batch);
}

/* Let the unit find what is in the table. */
static void publish_level1(struct smmuv3_contexts *contexts, unsigned int i)
{
	u64 desc = L1_V | (contexts->tables[i].dma & L1_L2PTR);

	/* Descriptors before the pointer to them */
	dma_wmb();
	WRITE_ONCE(contexts->level1[i], cpu_to_le64(desc));
}

/**
 * smmuv3_context_prepare() - have the memory of the descriptor of a PASID
 * @device: with context descriptors; its unit's lock is held
 * @pasid: below max_pasids, or IOMMU_NO_PASID for requests without one
 *
 * That is its table, and one to copy it to. May sleep.
 *
 * Return: 0; -EINVAL: @pasid is out of range; -ENOMEM; -EIO: the unit refused the
 * invalidation.
 */
int smmuv3_context_prepare(struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_contexts *contexts = device->contexts;
	struct contexts_table *table;
	unsigned int i;
	int rc;

	lockdep_assert_held(&device->unit->lock);
	if (pasid >= device->max_pasids)
		return -EINVAL;
	i = table_index(contexts, pasid);
	table = &contexts->tables[i];
	rc = make_table(device, &contexts->spare);
	if (rc || table->cds)
		return rc;
	rc = make_table(device, table);
	if (rc)
		return rc;
	publish_level1(contexts, i);
	return invalidate_level1(device);
}

static void encode(const struct smmuv3_device *device,
		   const struct smmuv3_context_target *target, u64 *val)
{
	const struct smmuv3_caps *caps = &device->unit->caps;

	memset(val, 0, SMMUV3_ENTRY_QWORDS * sizeof(*val));
	if (!target)
		return;
	/* ASET: no CPU's broadcast means our ASIDs */
	val[0] = CD0_V | (target->tcr & CD0_TCR) | CD0_EPD1 | CD0_AA64 | CD0_R |
		 CD0_A | CD0_ASET | FIELD_PREP(CD0_ASID, target->asid);
	/* STALL_MODEL 0b10: a descriptor without S is ILLEGAL (5.5) */
	if (caps->stall && (target->stall || caps->stall_always))
		val[0] |= CD0_S;
	/* Tables have AF set unless hardware is to do so */
	if (target->hw_access)
		val[0] |= CD0_HA;
	else
		val[0] |= CD0_AFFD;
	if (target->hw_dirty)
		val[0] |= CD0_HD;
	val[1] = target->ttb & CD1_TTB0;
	val[3] = target->mair;
}

/* Which bits a unit reads of a context descriptor. */
static void read_bits(const u64 *val, u64 *mask)
{
	memset(mask, 0, SMMUV3_ENTRY_QWORDS * sizeof(*mask));
	mask[0] = CD0_V;
	if (!(val[0] & CD0_V))
		return;
	mask[0] = ~0ULL;
	if (!(val[0] & CD0_EPD0))
		mask[1] = ~0ULL;
	if (!(val[0] & CD0_EPD1))
		mask[2] = ~0ULL;
	/* MAIR, AMAIR */
	mask[3] = ~0ULL;
	mask[4] = ~0ULL;
}

static __le64 *edit_at(const struct smmuv3_edit *edit, unsigned int i)
{
	const struct smmuv3_contexts *contexts = edit->device->contexts;
	const struct contexts_table *table;

	table = &contexts->tables[table_index(contexts, edit->ssid)];
	return find_cd(contexts, table, edit->ssid)->qw;
}

static void edit_invalidate(const struct smmuv3_edit *edit, unsigned int i,
			    struct smmuv3_batch *batch)
{
	const struct smmuv3_device *device = edit->device;
	unsigned int s;

	for (s = 0; s < device->num_streams; s++)
		smmuv3_batch_cfgi_cd(batch, device->streams[s].sid, edit->ssid,
				     true);
}

static void store_cd(struct smmuv3_cd *cd, const u64 *val)
{
	unsigned int q;

	for (q = 0; q < SMMUV3_ENTRY_QWORDS; q++)
		cd->qw[q] = cpu_to_le64(val[q]);
}

/* Change a copy of the table, and let the unit find that instead. */
static int write_copy(struct smmuv3_device *device, ioasid_t pasid,
		      const u64 *want, bool *hitless)
{
	struct smmuv3_contexts *contexts = device->contexts;
	unsigned int i = table_index(contexts, pasid);

	memcpy(contexts->spare.cds, contexts->tables[i].cds,
	       table_size(contexts));
	store_cd(find_cd(contexts, &contexts->spare, pasid), want);
	swap(contexts->spare, contexts->tables[i]);
	if (contexts->level1) {
		publish_level1(contexts, i);
		return invalidate_level1(device);
	}
	/* S1ContextPtr, with what else word 0 says, is written by one store */
	dma_wmb();
	return smmuv3_stream_set(device, &device->stream, hitless);
}

/**
 * smmuv3_context_set() - make a PASID go where a target says
 * @device: with context descriptors; its unit's lock is held
 * @pasid: prepared
 * @target: where; NULL: nowhere, the descriptor is not valid
 * @hitless: if not NULL, returns whether no request met a descriptor that is neither
 *	the old nor the new one. It always is, unless the unit owes an invalidation
 *
 * On return the unit has nothing cached of the old descriptor; ATC invalidation, and
 * TLBs of an ASID that nobody uses any more, are the caller's. A table that changes
 * under the same ASID is hitless too, but its translations stay in the TLB until
 * they are invalidated. May sleep.
 *
 * Return: 0; -EINVAL: @pasid is not prepared; -EIO: the unit refused an invalidation,
 * the descriptor is @target anyway.
 */
int smmuv3_context_set(struct smmuv3_device *device, ioasid_t pasid,
		       const struct smmuv3_context_target *target,
		       bool *hitless)
{
	struct smmuv3_contexts *contexts = device->contexts;
	const struct smmuv3_edit edit = {
		.device = device,
		.num = 1,
		.at = edit_at,
		.read = read_bits,
		.invalidate = edit_invalidate,
		.ssid = pasid,
	};
	u64 want[SMMUV3_ENTRY_QWORDS];
	struct smmuv3_cd *cd;
	bool was, owing;

	lockdep_assert_held(&device->unit->lock);
	if (pasid >= device->max_pasids)
		return -EINVAL;
	cd = find_cd(contexts, &contexts->tables[table_index(contexts, pasid)],
		     pasid);
	if (!cd || !contexts->spare.cds)
		return -EINVAL;

	encode(device, target, want);
	hitless = hitless ?: &was;
	*hitless = true;
	/* Who owes may go by an entry of before, that has the descriptors in use */
	owing = smmuv3_unit_owing(device->unit);
	if (!in_use(device) && !owing) {
		store_cd(cd, want);
		return 0;
	}
	if (!owing && !smmuv3_entry_hitless(&edit, want))
		return write_copy(device, pasid, want, hitless);
	return smmuv3_entry_write(&edit, want, hitless);
}

/**
 * smmuv3_context_get() - where a PASID goes
 * @device: its unit's lock is held
 * @pasid: any
 * @target: that
 *
 * Return: false: nowhere, *@target is not written.
 */
bool smmuv3_context_get(struct smmuv3_device *device, ioasid_t pasid,
			struct smmuv3_context_target *target)
{
	struct smmuv3_contexts *contexts = device->contexts;
	const struct smmuv3_cd *cd;
	u64 low;

	lockdep_assert_held(&device->unit->lock);
	if (!contexts || pasid >= device->max_pasids)
		return false;
	cd = find_cd(contexts, &contexts->tables[table_index(contexts, pasid)],
		     pasid);
	if (!cd || !(le64_to_cpu(cd->qw[0]) & CD0_V))
		return false;
	low = le64_to_cpu(cd->qw[0]);
	*target = (struct smmuv3_context_target){
		.asid = FIELD_GET(CD0_ASID, low),
		.ttb = le64_to_cpu(cd->qw[1]) & CD1_TTB0,
		.mair = le64_to_cpu(cd->qw[3]),
		.tcr = low & CD0_TCR,
		.stall = low & CD0_S,
		.hw_access = low & CD0_HA,
		.hw_dirty = low & CD0_HD,
	};
	return true;
}

/**
 * smmuv3_context_next() - which PASIDs may ever have gone somewhere
 * @device: its unit's lock is held
 * @pasid: any
 *
 * Tables stay as long as the device does: so do PASIDs that were detached.
 *
 * Return: the first one from @pasid on whose descriptor has memory; max_pasids if
 * there is none.
 */
ioasid_t smmuv3_context_next(struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_contexts *contexts = device->contexts;

	lockdep_assert_held(&device->unit->lock);
	while (contexts && pasid < device->max_pasids) {
		unsigned int i = table_index(contexts, pasid);

		if (contexts->tables[i].cds)
			return pasid;
		pasid = (i + 1) << contexts->split;
	}
	return device->max_pasids;
}
