/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A unit with tables made by hand, for the tests of the VT-d model. Bits and codes
 * are written out from the specification: nothing of the model's own is used.
 */
#ifndef __IOMMUFD_MODEL_VTD_KUNIT_H
#define __IOMMUFD_MODEL_VTD_KUNIT_H

#include <kunit/test.h>

#include "vtd.h"
#include "vtd_mutant.h"

/*
 * Expectations of these tests. While the model makes a mistake on purpose
 * (vtd_mutant.h), one that is not met is what is wanted: it is counted, and fails
 * nothing.
 */
#define MODEL_EXPECT(met, kunit)				\
do {								\
	if (vtd_mutant_now == VTD_MUTANT_NONE)			\
		kunit;						\
	else if (!(met))					\
		vtd_model_unmet++;				\
} while (0)

#define MODEL_EXPECT_EQ(test, left, right)			\
	MODEL_EXPECT((left) == (right), KUNIT_EXPECT_EQ(test, left, right))
#define MODEL_EXPECT_EQ_MSG(test, left, right, fmt, ...)	\
	MODEL_EXPECT((left) == (right),				\
		     KUNIT_EXPECT_EQ_MSG(test, left, right, fmt, ##__VA_ARGS__))
#define MODEL_EXPECT_TRUE(test, condition)			\
	MODEL_EXPECT(condition, KUNIT_EXPECT_TRUE(test, condition))
#define MODEL_EXPECT_FALSE(test, condition)			\
	MODEL_EXPECT(!(condition), KUNIT_EXPECT_FALSE(test, condition))

/* Expectations that were not met, because of a mistake */
extern unsigned int vtd_model_unmet;

#define RID		0x0110
#define RID_UPPER	0x0188
#define DID		7
#define DID_OTHER	8
#define PASID		5
#define NO_PASID	(~0U)
#define IOVA		0x123456789000ULL
#define RW		(MODEL_READ | MODEL_WRITE)
/* What dma() returns for a request that failed without a record */
#define QUIET		0xff

#define PGTT_FS		1
#define PGTT_SS		2
#define PGTT_NESTED	3
#define PGTT_PT		4

#define MAX_PAGES	512

/**
 * struct fixture - a unit, its tables, and a function behind it
 * @test: running
 * @model: unit
 * @port: its port
 * @root: root table
 * @ctx: context entry of RID, 4 words
 * @dir: PASID directory
 * @pasids: first PASID table, 8 words each
 * @fs: first-stage top table
 * @ss: second-stage top table
 * @data: pages that DMA goes to; the first byte of each is 0xa0 plus its number
 * @byte: last byte read by dma()
 * @raised: interrupts
 * @fn: function, connected as RID
 * @answers: whether it answers invalidations
 * @waiting: whether it waits for a page group response
 * @invalidations: how many it got
 * @inv_pasid_valid: of the last; @inv_global, @inv_pasid, @inv_addr, @inv_size too
 * @responses: how many it got
 * @rsp_code: of the last; @rsp_pasid_valid, @rsp_pasid, @rsp_grpid too
 * @pages: to be freed; @num_pages of them
 */
struct fixture {
	struct kunit *test;
	struct vtd_model *model;
	struct model_port *port;
	u64 *root, *ctx, *dir, *pasids, *fs, *ss;
	u8 *data[4];
	u8 byte;
	unsigned int raised[VTD_MODEL_NUM_IRQS];
	struct model_function fn;
	bool answers, waiting;
	unsigned int invalidations;
	bool inv_pasid_valid, inv_global;
	u32 inv_pasid;
	u64 inv_addr, inv_size;
	unsigned int responses;
	bool rsp_pasid_valid;
	u32 rsp_pasid;
	u16 rsp_grpid;
	u8 rsp_code;
	void *pages[MAX_PAGES];
	unsigned int num_pages;
};

extern struct kunit_suite vtd_model_suite, vtd_queue_suite, vtd_detail_suite;

const char *vtd_model_notices(struct kunit *test);
unsigned long violations_meant(void);
unsigned long violations_came(unsigned long before);

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);
struct fixture *unit(struct kunit *test, u64 cap, u64 ecap);
void set_te(struct fixture *f, bool on);
void *page(struct fixture *f);
u64 *pasid_entry(struct fixture *f, u32 pasid);
void set_pasid(struct fixture *f, u32 pasid, u16 did, unsigned int pgtt);
u64 *map(struct fixture *f, u64 *top, unsigned int levels, unsigned int leaf_level,
	 u64 table_bits, u64 iova, u64 entry);
u64 *map_ss(struct fixture *f, u64 iova, u64 entry);
u64 *map_fs(struct fixture *f, u64 iova, u64 entry);
u8 dma_from(struct fixture *f, u16 rid, u32 pasid, u32 perm, u64 addr);
u8 dma(struct fixture *f, u32 pasid, u32 perm, u64 addr);
u8 last_record(struct fixture *f, u64 *low, u64 *high);
int submit(struct fixture *f, u64 word0, u64 word1);
void queue_go_on(struct fixture *f);
void flush(struct fixture *f);
enum model_status ats(struct fixture *f, u32 pasid, u32 perm, bool no_write,
		      u64 addr, struct model_translation *result);

#endif
