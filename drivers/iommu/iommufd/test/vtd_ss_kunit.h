/* SPDX-License-Identifier: GPL-2.0-only */
/* A second-stage table with a reference beside it. */
#ifndef __IOMMUFD_VTD_SS_KUNIT_H
#define __IOMMUFD_VTD_SS_KUNIT_H

#include <kunit/test.h>
#include <linux/xarray.h>

#include "vtd/second_stage.h"

#define SS_PIECES	256
#define SS_WRITES	64

/**
 * enum ss_mode - how the unit walks
 * @SS_COHERENT: with snooping
 * @SS_SHADOW: it sees only what was written back
 * @SS_HOOK: with snooping, and the test does something at each write-back
 */
enum ss_mode { SS_COHERENT, SS_SHADOW, SS_HOOK };

/**
 * struct ss_param - a format
 * @levels: 3 to 5
 * @leaf: largest leaf: 1 4 KiB, 2 2 MiB, 3 1 GiB
 * @mode: how the unit walks
 */
struct ss_param {
	u8 levels;
	u8 leaf;
	enum ss_mode mode;
};

/**
 * struct ss_piece - what is mapped
 * @start: first address
 * @end: behind the last
 * @phys: of @start
 * @prot: IOMMU_READ, IOMMU_WRITE
 */
struct ss_piece {
	u64 start;
	u64 end;
	u64 phys;
	int prot;
};

/**
 * struct ss_write - a write by a device
 * @iova: where
 * @leaf: first address of the leaf that it went through
 * @size: of that leaf
 * @gone: @iova was unmapped since
 */
struct ss_write {
	u64 iova;
	u64 leaf;
	u64 size;
	bool gone;
};

/**
 * struct ss_ctx - a table with its reference
 * @test: for failures
 * @ss: the table
 * @mode: how the unit walks
 * @failed: something is wrong already
 * @pieces: the reference, in no order
 * @num: how many
 * @writes: of devices since the dirty bits were cleared
 * @num_writes: how many
 * @tables: by PFN: @gen of the walk that last came by
 * @shadow: by virtual page: what was written back of a table
 * @gen: number of the walk
 * @bytes: in leaves that the walk found
 * @leaves: how many
 * @on_clean: in SS_HOOK
 * @calls: the test's
 * @at: the test's
 * @iova: the test's
 */
struct ss_ctx {
	struct kunit *test;
	struct vtd_ss ss;
	enum ss_mode mode;
	bool failed;
	struct ss_piece pieces[SS_PIECES];
	unsigned int num;
	struct ss_write writes[SS_WRITES];
	unsigned int num_writes;
	struct xarray tables;
	struct xarray shadow;
	unsigned long gen;
	u64 bytes;
	unsigned int leaves;
	void (*on_clean)(struct ss_ctx *ctx);
	unsigned int calls;
	unsigned int at;
	u64 iova;
};

/* The first failure alone: those behind it are its echo. */
#define SS_FAIL(ctx, fmt, ...)						\
do {									\
	struct ss_ctx *_ctx = (ctx);					\
									\
	if (!_ctx->failed)						\
		KUNIT_FAIL(_ctx->test, fmt, ##__VA_ARGS__);		\
	_ctx->failed = true;						\
} while (0)

struct ss_ctx *ss_new(struct kunit *test, const struct ss_param *param);
void ss_end(struct ss_ctx *ctx);

/* Do it, and see that it did what it should and nothing else. */
void ss_map(struct ss_ctx *ctx, u64 iova, u64 phys, u64 pgsize, u64 pgcount,
	    int prot);
/* The same of runs; nothing if one of their pages is not free. */
void ss_map_runs(struct ss_ctx *ctx, u64 iova, const u64 *runs, unsigned int nr,
		 int prot);
void ss_unmap(struct ss_ctx *ctx, u64 iova, u64 pgsize, u64 pgcount);
void ss_check(struct ss_ctx *ctx);

bool ss_hw_write(struct ss_ctx *ctx, u64 iova);
bool ss_dirty(struct ss_ctx *ctx, u64 iova, u64 size, unsigned long flags);
/* Every write shows as dirty; then clear all. */
void ss_check_dirty(struct ss_ctx *ctx);

#endif
