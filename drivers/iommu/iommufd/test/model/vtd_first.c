// SPDX-License-Identifier: GPL-2.0-only
/*
 * First-stage walks of the VT-d model (3.6, 9.7), alone or nested over a second
 * stage (3.8): then every address that they hold is one of the guest.
 */
#include "vtd_internal.h"

/* First-stage paging entry (9.7) */
#define FS_P		MUT_BIT(FS_P, 0, 1)
#define FS_RW		MUT_BIT(FS_RW, 1, 2)
#define FS_US		MUT_BIT(FS_US, 2, 1)
#define FS_A		MUT_BIT(FS_A, 5, 4)
#define FS_D		MUT_BIT(FS_D, 6, 8)
#define FS_PS		MUT_BIT(FS_PS, 7, 8)
#define FS_EA		MUT_BIT(FS_EA, 10, 9)
#define FS_XD		MUT_BIT(FS_XD, 63, 62)

#define MAX_TRIES	1000

/**
 * struct place - where a walk has come to
 * @level: of the table
 * @table: its address as the entry above has it
 * @table_pa: and in memory
 * @attr: rights so far
 */
struct place {
	unsigned int level;
	u64 table;
	u64 table_pa;
	u32 attr;
};

static bool nested(const struct vtd_walk *walk)
{
	return walk->pgtt == VTD_PGTT_NESTED;
}

static unsigned int table_levels(const struct vtd_walk *walk)
{
	return 4 + vtd_get(VTD_PE2_FSPM, walk->pe[2]);
}

static unsigned int level_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static bool canonical(const struct vtd_walk *walk, u64 addr)
{
	unsigned int width = level_shift(table_levels(walk) + 1);
	u64 high = addr >> (width - 1);

	return !(high >> MUT(FS_CANONICAL, 0, 1)) ||
	       high == GENMASK_ULL(63 - (width - 1), 0);
}

static bool is_leaf(unsigned int level, u64 entry)
{
	return level == 1 || (level <= MUT(FS_LEAF, 3, 2) && entry & FS_PS);
}

static u64 entry_address(const struct vtd_walk *walk, u64 entry)
{
	return entry & (nested(walk) ? GENMASK_ULL(51, 12) : VTD_ADDR);
}

static u64 reserved_bits(const struct vtd_walk *walk, unsigned int level, u64 entry)
{
	const struct vtd_model *model = walk->model;
	u64 bits = nested(walk) ? 0 : VTD_ADDR_RSVD_51;

	if (level >= MUT(FS_RSVD_PS, 4, 5))
		bits |= FS_PS;
	if (level == 3 && !(model->config.cap & VTD_CAP_FS1GP))
		bits |= FS_PS;
	/* Bit 12 of a large leaf is its memory type's. */
	if (level > 1 && is_leaf(level, entry))
		bits |= GENMASK_ULL(level_shift(level) - 1,
				    MUT(FS_RSVD_LARGE, 13, 14));
	if (model->config.ecap & VTD_ECAP_ERS && !(walk->pe[2] & VTD_PE2_NXE))
		bits |= FS_XD;
	return bits;
}

/* Where in memory an entry is; @write: it is going to be changed. */
static u8 locate(struct vtd_walk *walk, u64 addr, bool top, bool write, u64 *pa)
{
	struct vtd_leaf leaf;
	u8 fault;

	*pa = addr;
	if (!nested(walk))
		return 0;
	fault = vtd_second_stage(walk, addr, write, &leaf);
	if (fault)
		return fault == 0x84 ? 0x74 : fault;
	if (!(leaf.attr & MUT(NEST_TABLE_R, VTD_LEAF_R, VTD_LEAF_R | VTD_LEAF_W)))
		return MUT(NEST_TOP, top, false) ? 0x75 : 0x76;
	if (write && !(leaf.attr & MUT(NEST_TABLE_W, VTD_LEAF_W, VTD_LEAF_R)))
		return 0x77;
	*pa = leaf.pa + (addr - leaf.iova);
	return 0;
}

/* A guest's table is where the guest's memory is. */
static bool granted(const struct vtd_walk *walk, u64 pa, bool write)
{
	return !nested(walk) ||
	       model_granted(&walk->model->port, pa, write, "first stage");
}

/* Set @flags in the entry at @addr. *again: it changed meanwhile. */
static u8 set_flags(struct vtd_walk *walk, u64 addr, u64 *entry, u64 flags,
		    bool *again)
{
	u64 pa;
	u8 fault;

	*again = false;
	flags &= ~*entry;
	if (!flags)
		return 0;
	if (!(walk->pe[1] & VTD_PE1_PWSNP) && !MUT(FS_SNOOP, false, true))
		return 0x90;
	fault = locate(walk, addr, false, true, &pa);
	if (fault)
		return fault;
	if (!granted(walk, pa, true))
		return 0x90;
	*again = !vtd_memory_update(pa, *entry, *entry | flags);
	if (!*again)
		*entry |= flags;
	return 0;
}

static u64 accessed(const struct vtd_walk *walk)
{
	return MUT(FS_SET_EA, walk->pe[2] & VTD_PE2_EAFE, true) ? FS_A | FS_EA : FS_A;
}

static u32 narrowed(u32 attr, u64 entry)
{
	if (!(entry & FS_RW))
		attr &= ~VTD_LEAF_FS_RW;
	if (!(entry & FS_US))
		attr &= ~VTD_LEAF_FS_US;
	if (entry & FS_XD)
		attr |= VTD_LEAF_FS_XD;
	return attr;
}

/* The final address of a leaf, through the second stage where there is one. */
static u8 finish(struct vtd_walk *walk, const struct place *place, u64 entry,
		 struct vtd_leaf *leaf)
{
	u64 addr = walk->req->addr, guest;
	struct vtd_leaf host;
	u8 fault;

	leaf->size = 1ULL << level_shift(place->level);
	leaf->attr = narrowed(place->attr, entry);
	guest = (entry_address(walk, entry) & ~(leaf->size - 1)) |
		(addr & (leaf->size - 1));
	if (nested(walk)) {
		fault = vtd_rights(walk, leaf->attr);
		if (fault)
			return fault;
		fault = vtd_second_stage(walk, guest, walk->req->perm & MODEL_WRITE,
					 &host);
		if (fault)
			return fault;
		leaf->attr &= ~MUT(NEST_RIGHTS, VTD_LEAF_R | VTD_LEAF_W, 0);
		leaf->attr |= host.attr;
		leaf->size = MUT(NEST_SIZE, min(leaf->size, host.size), leaf->size);
		guest = host.pa + (guest - host.iova);
	} else {
		leaf->attr |= VTD_LEAF_SS_DIRTY;
	}
	leaf->iova = addr & ~(leaf->size - 1);
	leaf->pa = guest & ~(leaf->size - 1);
	return vtd_rights(walk, leaf->attr);
}

/* A leaf was found at @addr: its rights, its accessed and dirty bits. */
static u8 use_leaf(struct vtd_walk *walk, const struct place *place, u64 addr,
		   u64 entry, struct vtd_leaf *leaf, bool *again)
{
	u64 flags = accessed(walk);
	u8 fault;

	fault = finish(walk, place, entry, leaf);
	if (fault)
		return fault;
	if (walk->req->perm & MUT(FS_SET_D, MODEL_WRITE, MODEL_READ | MODEL_WRITE))
		flags |= FS_D;
	fault = set_flags(walk, addr, &entry, flags, again);
	if (entry & FS_D)
		leaf->attr |= VTD_LEAF_FS_DIRTY;
	return fault;
}

static enum vtd_cached_kind table_kind(const struct vtd_walk *walk)
{
	return nested(walk) ? VTD_CACHED_PSC_NESTED : VTD_CACHED_PSC_FS;
}

/* An entry that points to a table: go there, and keep that in mind. */
static u8 descend(struct vtd_walk *walk, struct place *place, u64 entry)
{
	struct vtd_cached *cached;
	u64 size = 1ULL << level_shift(place->level);
	u8 fault;

	place->attr = narrowed(place->attr, entry | MUT(FS_TABLE_RW, 0, FS_RW) |
			       MUT(FS_TABLE_US, 0, FS_US));
	place->table = entry_address(walk, entry);
	place->level--;
	fault = locate(walk, place->table, false, false, &place->table_pa);
	if (fault)
		return fault;
	cached = vtd_cache_add(walk->model, table_kind(walk), 0, walk->did,
			       walk->req->pasid, walk->req->addr, size);
	cached->data[0] = place->table_pa;
	cached->data[1] = place->attr;
	cached->data[2] = place->table;
	return 0;
}

/* One level. *done: @leaf is the translation. */
static u8 step(struct vtd_walk *walk, struct place *place, struct vtd_leaf *leaf,
	       bool *done)
{
	unsigned int index = (walk->req->addr >> level_shift(place->level)) &
			     MUT(FS_INDEX, 0x1ff, 0xff);
	bool snoop = walk->pe[1] & VTD_PE1_PWSNP;
	unsigned int tries;
	bool again;
	u64 entry;
	u8 fault;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!granted(walk, place->table_pa + index * 8, false) ||
		    !vtd_memory_read_guest(walk->model, place->table_pa + index * 8,
					   snoop, &entry))
			return place->level == table_levels(walk) ? 0x73 : 0x70;
		if (!(entry & FS_P))
			return 0x71;
		if (entry & reserved_bits(walk, place->level, entry))
			return 0x72;
		*done = is_leaf(place->level, entry);
		if (*done)
			fault = use_leaf(walk, place, place->table + index * 8,
					 entry, leaf, &again);
		else
			fault = set_flags(walk, place->table + index * 8, &entry,
					  accessed(walk), &again);
		if (fault)
			return fault;
		if (!again)
			return *done ? 0 : descend(walk, place, entry);
	}
	return 0x91;
}

static u8 walk_from(struct vtd_walk *walk, struct place *place)
{
	unsigned int level;

	for (level = 1; level < table_levels(walk); level++) {
		struct vtd_cached *entry =
			vtd_cache_find(walk->model, table_kind(walk), 0, walk->did,
				       walk->req->pasid, walk->req->addr,
				       1ULL << level_shift(level + 1));

		if (entry) {
			place->level = level;
			place->table_pa = entry->data[0];
			place->attr = entry->data[1];
			place->table = entry->data[2];
			return 0;
		}
	}
	place->level = level;
	place->table = entry_address(walk, walk->pe[2]);
	place->attr = VTD_LEAF_FS | VTD_LEAF_FS_RW | VTD_LEAF_FS_US |
		      VTD_LEAF_R | VTD_LEAF_W;
	return locate(walk, place->table, true, false, &place->table_pa);
}

/**
 * vtd_first_stage() - the translation of a request by a first stage
 * @walk: of the request; its model is locked
 * @leaf: result; the rights in it suffice for the request
 *
 * Sets accessed bits, and dirty bits for a write.
 *
 * Return: 0 or a fault reason (7.1.3).
 */
u8 vtd_first_stage(struct vtd_walk *walk, struct vtd_leaf *leaf)
{
	struct place place;
	bool done = false;
	u8 fault;

	if (!canonical(walk, walk->req->addr))
		return 0x80;
	fault = walk_from(walk, &place);
	while (!fault && !done)
		fault = step(walk, &place, leaf, &done);
	return fault;
}
