/* SPDX-License-Identifier: GPL-2.0-only */
/* Between strtab.c, ste.c, contexts.c and entry.c. All under smmuv3_unit::lock. */
#ifndef __IOMMUFD_SMMUV3_TABLES_INTERNAL_H
#define __IOMMUFD_SMMUV3_TABLES_INTERNAL_H

#include "cmdq.h"
#include "device.h"
#include "tables.h"

#define SMMUV3_ENTRY_QWORDS	8

/* Of word 0 of an STE */
#define SMMUV3_STE_S1FMT	GENMASK_ULL(5, 4)
#define SMMUV3_STE_S1CONTEXTPTR	GENMASK_ULL(51, 6)
#define SMMUV3_STE_S1CDMAX	GENMASK_ULL(63, 59)

/**
 * struct smmuv3_strtab - stream table of a unit
 * @bits: of a StreamID that the table covers; others do not exist
 * @split: of those, bits that a level 2 table takes; 0: the table is linear
 * @base: linear table, or level 1 table
 * @base_dma: its address
 * @base_size: its size in bytes
 * @level2: (two levels) level 2 tables by index of their descriptor, NULL where
 *	there is none
 * @spare: (two levels) what a level 2 table is copied to
 * @spare_dma: its address
 * @cmds: invalidations of one step, for whoever holds smmuv3_unit::lock: of a
 *	device with the most StreamIDs they do not fit the stack
 */
struct smmuv3_strtab {
	u8 bits;
	u8 split;
	void *base;
	dma_addr_t base_dma;
	size_t base_size;
	struct smmuv3_ste **level2;
	struct smmuv3_ste *spare;
	dma_addr_t spare_dma;
	struct smmuv3_cmd cmds[SMMUV3_SUBMIT_MAX];
};

/**
 * struct smmuv3_edit - a change of an entry, or of equal ones of several streams
 * @device: whose
 * @num: how many entries
 * @at: the entry with this number, 0 to @num less 1
 * @read: which bits of an entry a unit reads that finds @val there. A bit that
 *	decides which others are read is read itself
 * @invalidate: add what makes a unit forget the entry with this number
 * @ssid: (context descriptor) which
 */
struct smmuv3_edit {
	struct smmuv3_device *device;
	unsigned int num;
	__le64 *(*at)(const struct smmuv3_edit *edit, unsigned int i);
	void (*read)(const u64 *val, u64 *mask);
	void (*invalidate)(const struct smmuv3_edit *edit, unsigned int i,
			   struct smmuv3_batch *batch);
	u32 ssid;
};

/* V, in word 0, is all that is read of an entry of zeroes. */
bool smmuv3_entry_hitless(const struct smmuv3_edit *edit, const u64 *want);
int smmuv3_entry_write(const struct smmuv3_edit *edit, const u64 *want,
		       bool *hitless);

/* Zeroed, aligned to its size as 5.2 to 5.4 ask of tables; or NULL. May sleep. */
void *smmuv3_table_alloc(struct smmuv3_unit *unit, size_t size,
			 dma_addr_t *dma, gfp_t gfp);
void smmuv3_table_free(struct smmuv3_unit *unit, size_t size, void *table,
		       dma_addr_t dma);
void smmuv3_table_batch(struct smmuv3_unit *unit, struct smmuv3_batch *batch);

/* ste.c */
void smmuv3_ste_encode(const struct smmuv3_device *device,
		       const struct smmuv3_stream_target *target, u64 *val);
void smmuv3_ste_read(const u64 *val, u64 *mask);

/* contexts.c: S1Fmt, S1ContextPtr, S1CDMax */
u64 smmuv3_contexts_base(const struct smmuv3_device *device);

#endif
