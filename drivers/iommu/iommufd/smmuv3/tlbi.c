// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that invalidate TLBs (IHI 0070 4.4).
 *
 * A unit stops at a command that it does not know or whose reserved fields are set.
 * So nothing goes in that its capabilities do not cover: what covers more goes in
 * instead, with a warning if it is a bug of ours. No locking: a batch belongs to who
 * fills it.
 */
#include <linux/bitops.h>
#include <linux/sizes.h>

#include "commands.h"

/*
 * Without ranges each page is a command. A whole address space is flushed instead
 * of more than these: to look all up again costs the unit no more.
 */
#define BATCH_STEPS_MAX		64

/**
 * smmuv3_batch_tlbi_all() - both stages, every VMID and ASID (4.4)
 * @batch: batch
 */
void smmuv3_batch_tlbi_all(struct smmuv3_batch *batch)
{
	batch_put(batch, CMD_TLBI_NSNH_ALL, 0);
}

/**
 * smmuv3_batch_tlbi_el2_all() - everything of EL2 (4.4)
 * @batch: batch, of a unit that has EL2
 */
void smmuv3_batch_tlbi_el2_all(struct smmuv3_batch *batch)
{
	if (!WARN_ON_ONCE(!batch->unit->caps.hyp))
		batch_put(batch, CMD_TLBI_EL2_ALL, 0);
}

/**
 * smmuv3_batch_tlbi_asid() - stage 1 and nested entries of an ASID (4.4)
 * @batch: batch, of a unit with stage 1
 * @vmid: VMID of the ASID, 0 for the kernel's own
 * @asid: ASID
 */
void smmuv3_batch_tlbi_asid(struct smmuv3_batch *batch, u16 vmid, u16 asid)
{
	struct smmuv3_unit *unit = batch->unit;

	if (WARN_ON_ONCE(!unit->caps.stage1) || batch_bad_vmid(unit, vmid) ||
	    batch_bad_asid(unit, asid)) {
		smmuv3_batch_tlbi_all(batch);
		return;
	}
	batch_put(batch,
		  CMD_TLBI_NH_ASID | FIELD_PREP(CMD_VMID, vmid) |
		  FIELD_PREP(CMD_ASID, asid), 0);
}

/**
 * smmuv3_batch_tlbi_vmid() - both stages of a VMID (4.4)
 * @batch: batch
 * @vmid: VMID
 */
void smmuv3_batch_tlbi_vmid(struct smmuv3_batch *batch, u16 vmid)
{
	if (!batch->unit->caps.stage2 || batch_bad_vmid(batch->unit, vmid))
		smmuv3_batch_tlbi_all(batch);
	else
		batch_put(batch,
			  CMD_TLBI_S12_VMALL | FIELD_PREP(CMD_VMID, vmid), 0);
}

/**
 * smmuv3_batch_tlbi_vmid_stage1() - stage 1 of a VMID, every ASID (4.4)
 * @batch: batch
 * @vmid: VMID
 *
 * Nothing on a unit without stage 1.
 */
void smmuv3_batch_tlbi_vmid_stage1(struct smmuv3_batch *batch, u16 vmid)
{
	if (!batch->unit->caps.stage1)
		return;
	if (batch_bad_vmid(batch->unit, vmid))
		smmuv3_batch_tlbi_all(batch);
	else
		batch_put(batch,
			  CMD_TLBI_NH_ALL | FIELD_PREP(CMD_VMID, vmid), 0);
}

/**
 * struct batch_granule - what a page or block size says of its table
 * @page: log2 of the page size
 * @leaf: log2 of what is stepped over, the size of a leaf or of a page
 * @tg: code of the page size (4.4.1.1), 0 if ranges cannot be used
 * @ttl: level of the leaves (4.4.1.1), 0 if it is not to be told
 */
struct batch_granule {
	unsigned int page;
	unsigned int leaf;
	unsigned int tg;
	unsigned int ttl;
};

/*
 * No two page sizes have a block of one size, so a block says all. Of a page we
 * do not tell the level, as the leaves may be blocks all the same (a block that was
 * split); nor do we if tables were taken out.
 */
static struct batch_granule batch_granule(const struct smmuv3_unit *unit,
					  size_t granule, bool leaf)
{
	unsigned int size = granule ? __ffs64(granule) : 0, tg;

	for (tg = 1; tg <= 3; tg++) {
		/* 4K, 16K, 64K; a level has a bit less than fits a page of u64 */
		unsigned int page = 10 + 2 * tg, bits = page - 3, up;

		if (!(unit->caps.granules & BIT(page)))
			continue;
		for (up = 0; up <= 3; up++) {
			if (size != page + up * bits)
				continue;
			return (struct batch_granule){
				.page = page,
				.leaf = leaf ? size : page,
				.tg = tg,
				/* Level 0 has no code */
				.ttl = leaf && up ? 3 - up : 0,
			};
		}
	}
	/* Steps that suit the smallest page suit all */
	size = unit->caps.granules ? __ffs64(unit->caps.granules) : 12;
	return (struct batch_granule){ .page = size, .leaf = size };
}

/* A range for TLBI, encoded: the same words and an address for each step. */
struct batch_range {
	u64 qw0;
	u64 qw1;
	u64 addr;
	u64 step;
	unsigned int steps;
};

/*
 * (NUM + 1) * 2^SCALE pages (4.4.1.1), which is at most a sixteenth too much. False:
 * it cannot be said so, or reaches beyond the last address.
 */
static bool batch_encode_range(const struct batch_granule *g, u64 steps,
			       struct batch_range *range)
{
	unsigned int scale, up = 0;
	u64 num, last;

	if (fls64(steps - 1) > CMD_TLBI_NUM_BITS)
		up = fls64(steps - 1) - CMD_TLBI_NUM_BITS;
	num = (steps - 1) >> up;
	scale = up + g->leaf - g->page;
	if (scale > CMD_TLBI_SCALE_MAX)
		return false;
	last = ((num + 1) << (up + g->leaf)) - 1;
	if (range->addr + last < range->addr)
		return false;

	range->qw0 = FIELD_PREP(CMD_TLBI_NUM, num) |
		     FIELD_PREP(CMD_TLBI_SCALE, scale);
	range->qw1 |= FIELD_PREP(CMD_TLBI_TG, g->tg) |
		      FIELD_PREP(CMD_TLBI_TTL, g->ttl);
	range->steps = 1;
	return true;
}

/* False: it is too much, or cannot be said; everything has to go. */
static bool batch_encode(const struct smmuv3_unit *unit, u64 start, u64 last,
			 size_t granule, bool leaf, struct batch_range *range)
{
	struct batch_granule g = batch_granule(unit, granule, leaf);
	u64 steps;

	if (WARN_ON_ONCE(start > last))
		return false;
	steps = (last >> g.leaf) - (start >> g.leaf) + 1;
	*range = (struct batch_range){
		.addr = start >> g.leaf << g.leaf,
		.step = BIT_ULL(g.leaf),
		.steps = steps,
		.qw1 = FIELD_PREP(CMD_LEAF, leaf),
	};
	/* Without a level, a range of one page is reserved: it has its own form */
	if (unit->caps.range_inval && g.tg && (steps > 1 || g.leaf > g.page))
		return batch_encode_range(&g, steps, range);
	return steps <= BATCH_STEPS_MAX;
}

static void batch_put_range(struct smmuv3_batch *batch, u64 qw0, u64 addr_mask,
			    const struct batch_range *range)
{
	unsigned int i;

	for (i = 0; i < range->steps; i++)
		batch_put(batch, qw0 | range->qw0,
			  range->qw1 |
			  ((range->addr + i * range->step) & addr_mask));
}

/**
 * smmuv3_batch_tlbi_va() - stage 1 and nested entries of a range (4.4)
 * @batch: batch, of a unit with stage 1
 * @vmid: VMID of the ASID, 0 for the kernel's own
 * @asid: ASID
 * @start: first address
 * @last: last address
 * @granule: page size of the table; the size of the leaves if @leaf and all are
 *	blocks of one size; 0 if not known
 * @leaf: only leaves changed, cached tables may stay
 *
 * The whole ASID if the range is too large for single pages, or cannot be encoded.
 */
void smmuv3_batch_tlbi_va(struct smmuv3_batch *batch, u16 vmid, u16 asid,
			  u64 start, u64 last, size_t granule, bool leaf)
{
	struct smmuv3_unit *unit = batch->unit;
	struct batch_range range;

	if (WARN_ON_ONCE(!unit->caps.stage1) || batch_bad_vmid(unit, vmid) ||
	    batch_bad_asid(unit, asid)) {
		smmuv3_batch_tlbi_all(batch);
		return;
	}
	if (!batch_encode(unit, start, last, granule, leaf, &range)) {
		smmuv3_batch_tlbi_asid(batch, vmid, asid);
		return;
	}
	batch_put_range(batch,
			CMD_TLBI_NH_VA | FIELD_PREP(CMD_VMID, vmid) |
			FIELD_PREP(CMD_ASID, asid), CMD_TLBI_VA, &range);
}

/**
 * smmuv3_batch_tlbi_ipa() - stage 2 entries of a range (4.4)
 * @batch: batch, of a unit with stage 2
 * @vmid: VMID
 * @start: first intermediate physical address
 * @last: last one
 * @granule: as of smmuv3_batch_tlbi_va()
 * @leaf: only leaves changed, cached tables may stay
 *
 * The whole VMID, both stages, if the range is too large for single pages, cannot be
 * encoded, or goes beyond the addresses that the unit has. What was cached of both
 * stages combined stays otherwise, and needs smmuv3_batch_barrier() and
 * smmuv3_batch_tlbi_vmid_stage1() behind this.
 */
void smmuv3_batch_tlbi_ipa(struct smmuv3_batch *batch, u16 vmid, u64 start,
			   u64 last, size_t granule, bool leaf)
{
	struct smmuv3_unit *unit = batch->unit;
	struct batch_range range;

	if (WARN_ON_ONCE(!unit->caps.stage2) || batch_bad_vmid(unit, vmid)) {
		smmuv3_batch_tlbi_all(batch);
		return;
	}
	/*
	 * The address has 52 bits, of which [51:48] are reserved in older units (4.1.6). One
	 * beyond the unit's own it may ignore (4.4.3.1) or refuse, and users say any.
	 */
	if (last >> unit->caps.ias ||
	    !batch_encode(unit, start, last, granule, leaf, &range)) {
		smmuv3_batch_tlbi_vmid(batch, vmid);
		return;
	}
	batch_put_range(batch, CMD_TLBI_S2_IPA | FIELD_PREP(CMD_VMID, vmid),
			CMD_TLBI_IPA, &range);
}
