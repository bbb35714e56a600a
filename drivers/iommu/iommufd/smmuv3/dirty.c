// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking of stage 1 tables, read exactly.
 *
 * A writable leaf has DBM set; hardware clears AP[2] (read only) when it lets a write
 * through (Arm IHI 0070, 3.13.3). io-pgtable makes the tables, but its own reader
 * takes each leaf to begin where the range does and clears all that it meets. That
 * is right only for ranges that are cut where blocks are: of a range that begins or
 * ends inside of a block, it loses what was written beside it. So the tables are read
 * here, as the architecture has them (VMSAv8-64, AArch64 stage 1).
 *
 * Nothing of the range is unmapped meanwhile: tables that lead to it stay.
 */
#include <linux/io-pgtable.h>
#include <linux/iommu.h>

#include "domain.h"

#define LAST_LEVEL	3

#define DESC_VALID	BIT_ULL(0)
/* A table; at the last level, a page */
#define DESC_TABLE	BIT_ULL(1)
#define DESC_READ_ONLY	BIT_ULL(7)
#define DESC_DBM	BIT_ULL(51)
#define DESC_ADDR	GENMASK_ULL(47, 12)
/* Pages of 64 KiB: bits 51 to 48 of the address */
#define DESC_ADDR_HIGH	GENMASK_ULL(15, 12)

/**
 * struct reader - one pass over a range
 * @bitmap: where it goes
 * @clear: what is read becomes clean
 * @page_shift: log2 of the granule
 * @start: of a run of dirty addresses not yet in @bitmap
 * @size: of it; 0 if there is none
 */
struct reader {
	struct iommu_dirty_bitmap *bitmap;
	bool clear;
	unsigned int page_shift;
	u64 start;
	u64 size;
};

static void record(struct reader *reader)
{
	if (reader->size)
		iommu_dirty_bitmap_record(reader->bitmap, reader->start,
					  reader->size);
	reader->size = 0;
}

static void add(struct reader *reader, u64 start, u64 size)
{
	if (reader->size && reader->start + reader->size == start) {
		reader->size += size;
		return;
	}
	record(reader);
	reader->start = start;
	reader->size = size;
}

static bool is_leaf(u64 desc, unsigned int level)
{
	return (desc & DESC_VALID) &&
	       !(desc & DESC_TABLE) == (level != LAST_LEVEL);
}

static bool is_dirty(u64 desc)
{
	return (desc & (DESC_DBM | DESC_READ_ONLY)) == DESC_DBM;
}

static u64 *table_of(const struct reader *reader, u64 desc)
{
	u64 paddr = desc & DESC_ADDR & ~(BIT_ULL(reader->page_shift) - 1);

	if (reader->page_shift == 16)
		paddr |= (desc & DESC_ADDR_HIGH) << 36;
	return phys_to_virt(paddr);
}

/* The unit may make it dirty again at any time. */
static void make_clean(u64 *slot, u64 desc)
{
	while (is_dirty(desc) &&
	       !try_cmpxchg64(slot, &desc, desc | DESC_READ_ONLY))
		;
}

/* [@iova, @last] is within @table; addresses of an entry are @shift bits. */
static void read_table(struct reader *reader, u64 *table, unsigned int level,
		       u64 iova, u64 last)
{
	unsigned int bits = reader->page_shift - 3;
	unsigned int shift = reader->page_shift + bits * (LAST_LEVEL - level);
	u64 size = BIT_ULL(shift);

	while (iova <= last) {
		u64 slot_last = iova | (size - 1);
		u64 part = min(slot_last, last);
		/* The topmost table may be a part of one */
		u64 *slot = table + ((iova >> shift) & (BIT(bits) - 1));
		u64 desc = READ_ONCE(*slot);

		if (is_leaf(desc, level)) {
			if (is_dirty(desc)) {
				/* Of one that is only partly asked for, no more */
				if (reader->clear && part == slot_last &&
				    IS_ALIGNED(iova, size))
					make_clean(slot, desc);
				add(reader, iova, part - iova + 1);
			}
		} else if (desc & DESC_VALID) {
			read_table(reader, table_of(reader, desc), level + 1,
				   iova, part);
		}
		iova = part + 1;
	}
}

/**
 * smmuv3_read_dirty() - which addresses were written to
 * @domain: of stage 1, made for dirty tracking
 * @iova: first address; within its bounds
 * @size: bytes, at least 1
 * @flags: IOMMU_DIRTY_NO_CLEAR or 0
 * @dirty: neighbours are recorded together
 *
 * May sleep if recording does. A leaf that reaches beyond the range is recorded as far
 * as it is in the range, and stays dirty: whoever asks for the rest must not miss it.
 */
void smmuv3_read_dirty(struct smmuv3_domain *domain, u64 iova, u64 size,
		       unsigned long flags, struct iommu_dirty_bitmap *dirty)
{
	const struct io_pgtable_cfg *cfg = &domain->pgtbl_cfg;
	unsigned int page_shift = __ffs(cfg->pgsize_bitmap);
	unsigned int levels = DIV_ROUND_UP(cfg->ias - page_shift,
					   page_shift - 3);
	struct reader reader = {
		.bitmap = dirty,
		.clear = !(flags & IOMMU_DIRTY_NO_CLEAR),
		.page_shift = page_shift,
	};

	read_table(&reader, phys_to_virt(cfg->arm_lpae_s1_cfg.ttbr),
		   LAST_LEVEL + 1 - levels, iova, iova + size - 1);
	record(&reader);
}
