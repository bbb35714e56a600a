// SPDX-License-Identifier: GPL-2.0-only
/* Second-stage walks of the VT-d model (3.7, 9.8). */
#include "vtd_internal.h"

/* Second-stage paging entry (9.8) */
#define SS_R		MUT_BIT(SS_R, 0, 2)
#define SS_W		MUT_BIT(SS_W, 1, 2)
#define SS_PS		MUT_BIT(SS_PS, 7, 6)
#define SS_A		MUT_BIT(SS_A, 8, 10)
#define SS_D		MUT_BIT(SS_D, 9, 10)
#define SS_SNP		MUT_BIT(SS_SNP, 11, 10)
#define SS_BIT_62	MUT_BIT(SS_BIT_62, 62, 61)

/* Times an entry is read again when it changed under an accessed or dirty bit */
#define MAX_TRIES	1000

static unsigned int table_levels(const struct vtd_walk *walk)
{
	return vtd_get(VTD_PE_AW, walk->pe[0]) + MUT(SS_LEVELS, 2, 1);
}

static unsigned int level_shift(unsigned int level)
{
	return 12 + MUT(SS_SHIFT, 9, 8) * (level - 1);
}

static unsigned int input_width(const struct vtd_walk *walk)
{
	unsigned int width = level_shift(table_levels(walk) + 1);

	return MUT(SS_WIDTH, min(width, VTD_CAP_MGAW(walk->model->config.cap)), width);
}

static bool is_leaf(unsigned int level, u64 entry)
{
	return level == 1 || (level <= MUT(SS_LEAF, 3, 2) && entry & SS_PS);
}

static u64 reserved_bits(const struct vtd_model *model, unsigned int level,
			 bool leaf)
{
	u64 bits = VTD_ADDR_RSVD_51;

	if (!leaf || !(model->config.ecap & VTD_ECAP_SC))
		bits |= SS_SNP;
	if (!leaf || !(model->config.ecap & VTD_ECAP_DT))
		bits |= SS_BIT_62;
	if (level >= MUT(SS_RSVD_PS, 4, 5))
		bits |= SS_PS;
	if (level == 3 && !(model->config.cap & VTD_CAP_SSLPS_1G))
		bits |= SS_PS;
	if (level == 2 && !(model->config.cap & VTD_CAP_SSLPS_2M))
		bits |= SS_PS;
	if (leaf && level > 1)
		bits |= GENMASK_ULL(level_shift(level) - 1,
				    MUT(SS_RSVD_LARGE, 12, 13));
	return bits;
}

/* Accessed and dirty bits that using @entry would set (3.7.2) */
static u64 flags_to_set(const struct vtd_walk *walk, unsigned int level, u64 entry,
			bool write)
{
	u64 flags = SS_A;

	if (!(walk->pe[0] & VTD_PE_SSADE))
		return 0;
	if (MUT(SS_SET_D, write, true) &&
	    (is_leaf(level, entry) || MUT(SS_SET_D_TABLE, false, true)))
		flags |= SS_D;
	return flags & ~entry;
}

static u8 set_flags(const struct vtd_walk *walk, u64 pa, u64 *entry, u64 flags,
		    bool *again)
{
	*again = false;
	if (!flags)
		return 0;
	if (!(walk->pe[1] & VTD_PE1_PWSNP) && !MUT(SS_SNOOP, false, true))
		return 0x7c;
	*again = !vtd_memory_update(pa, *entry, *entry | flags);
	if (!*again)
		*entry |= flags;
	return 0;
}

/* One entry of the tables, checked, with its flags set. */
static u8 read_entry(struct vtd_walk *walk, unsigned int level, u64 table, u64 addr,
		     u32 *attr, bool write, u64 *entry)
{
	u64 pa = table + ((addr >> level_shift(level)) & MUT(SS_INDEX, 0x1ff, 0xff)) * 8;
	bool snoop = walk->pe[1] & VTD_PE1_PWSNP;
	unsigned int tries;
	bool again;
	u32 rights;
	u8 fault;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!vtd_memory_read(walk->model, pa, snoop, entry))
			return level == table_levels(walk) ? MUT(SS_ROOT_CODE, 0x7b, 0x78) : 0x78;
		if (!(*entry & (SS_R | SS_W)))
			return 0x79;
		if (*entry & reserved_bits(walk->model, level,
					   is_leaf(level, *entry)))
			return 0x7a;
		rights = MUT(SS_RIGHTS, *attr, VTD_LEAF_R | VTD_LEAF_W) & *entry &
			 (VTD_LEAF_R | VTD_LEAF_W);
		if (!rights)
			return 0x79;
		fault = set_flags(walk, pa, entry,
				  flags_to_set(walk, level, *entry,
					       write && rights & VTD_LEAF_W),
				  &again);
		if (fault)
			return fault;
		if (!again) {
			*attr = rights;
			return 0;
		}
	}
	return 0x7d;
}

/* The lowest table that is known without reading memory. */
static unsigned int walk_from(struct vtd_walk *walk, u64 addr, u64 *table, u32 *attr)
{
	unsigned int level;

	for (level = 1; level < table_levels(walk); level++) {
		struct vtd_cached *entry =
			vtd_cache_find(walk->model, VTD_CACHED_PSC_SS, 0,
				       walk->did, 0, addr,
				       1ULL << level_shift(level + 1));

		if (entry) {
			*table = entry->data[0];
			*attr = entry->data[1];
			return level;
		}
	}
	*table = walk->pe[0] & VTD_ADDR;
	*attr = VTD_LEAF_R | VTD_LEAF_W;
	return level;
}

static void keep_table(struct vtd_walk *walk, unsigned int level, u64 addr,
		       u64 table, u32 attr)
{
	struct vtd_cached *entry;

	entry = vtd_cache_add(walk->model, VTD_CACHED_PSC_SS, 0, walk->did, 0, addr,
			      1ULL << level_shift(level));
	entry->data[0] = table;
	entry->data[1] = attr;
}

static u8 walk_tables(struct vtd_walk *walk, u64 addr, bool write,
		      struct vtd_leaf *leaf)
{
	unsigned int level;
	u64 table, entry;
	u32 attr;
	u8 fault;

	for (level = walk_from(walk, addr, &table, &attr);; level--) {
		fault = read_entry(walk, level, table, addr, &attr, write, &entry);
		if (fault)
			return fault;
		if (is_leaf(level, entry))
			break;
		table = entry & VTD_ADDR;
		keep_table(walk, level, addr, table, attr);
	}
	leaf->size = 1ULL << level_shift(level);
	leaf->iova = addr & ~(leaf->size - 1);
	leaf->pa = entry & VTD_ADDR & ~(leaf->size - 1);
	leaf->attr = attr;
	if (!(walk->pe[0] & VTD_PE_SSADE) ||
	    MUT(SS_DIRTY_KNOWN, entry & SS_D, true))
		leaf->attr |= VTD_LEAF_SS_DIRTY;
	return 0;
}

/* What is known about @addr is not enough for what is asked: forget it. */
static void forget(struct vtd_walk *walk, u64 addr)
{
	const struct vtd_scope scope = {
		.kinds = BIT(VTD_CACHED_TLB_SS) | BIT(VTD_CACHED_PSC_SS),
		.by_did = true, .did = walk->did,
		.by_addr = true, .addr = addr, .last = addr,
	};

	vtd_cache_drop(walk->model, &scope);
}

static bool cached_leaf(struct vtd_walk *walk, u64 addr, bool write,
			struct vtd_leaf *leaf)
{
	struct vtd_cached *entry;

	entry = vtd_tlb_find(walk->model, BIT(VTD_CACHED_TLB_SS), walk->did, 0, addr);
	if (!entry || entry->data[2])
		return false;
	leaf->iova = entry->addr;
	leaf->pa = entry->data[0];
	leaf->size = entry->size;
	leaf->attr = entry->data[1];
	if (!(leaf->attr & (write ? VTD_LEAF_W : VTD_LEAF_R))) {
		forget(walk, addr);
		return false;
	}
	return !write || leaf->attr & VTD_LEAF_SS_DIRTY;
}

/**
 * vtd_second_stage() - the second stage's translation of an address
 * @walk: the walk it is part of; its model is locked
 * @addr: input address
 * @write: the access is a write: set the dirty bit, if it may write
 * @leaf: result, with R and W as the tables have them: the caller checks
 *
 * Return: 0 or a fault reason (7.1.3).
 */
u8 vtd_second_stage(struct vtd_walk *walk, u64 addr, bool write,
		    struct vtd_leaf *leaf)
{
	struct vtd_cached *entry;
	u8 fault;

	if (addr >> input_width(walk))
		return 0x84;
	if (cached_leaf(walk, addr, write, leaf))
		return 0;
	fault = walk_tables(walk, addr, write, leaf);
	if (fault)
		return fault;
	entry = vtd_cache_add(walk->model, VTD_CACHED_TLB_SS, 0, walk->did, 0, addr,
			      leaf->size);
	entry->data[0] = leaf->pa;
	entry->data[1] = leaf->attr;
	return 0;
}
