/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A unit with tables made by hand, for the tests of the SMMUv3 model. Bits and codes
 * are written out from the specification: nothing of the model's own is used.
 */
#ifndef __IOMMUFD_MODEL_SMMUV3_KUNIT_H
#define __IOMMUFD_MODEL_SMMUV3_KUNIT_H

#include <kunit/test.h>

#include "smmuv3.h"
#include "smmuv3_mutant.h"

/*
 * Expectations of these tests. While the model makes a mistake on purpose
 * (smmuv3_mutant.h), one that is not met is what is wanted: it is counted, and fails
 * nothing.
 */
#define SM_EXPECT(met, kunit)					\
do {								\
	if (smmuv3_mutant_now == SMMUV3_MUTANT_NONE)		\
		kunit;						\
	else if (!(met))					\
		sm_unmet++;					\
} while (0)

#define SM_EXPECT_EQ(test, left, right)				\
	SM_EXPECT((left) == (right), KUNIT_EXPECT_EQ(test, left, right))
#define SM_EXPECT_EQ_MSG(test, left, right, fmt, ...)		\
	SM_EXPECT((left) == (right),				\
		  KUNIT_EXPECT_EQ_MSG(test, left, right, fmt, ##__VA_ARGS__))
#define SM_EXPECT_TRUE(test, condition)				\
	SM_EXPECT(condition, KUNIT_EXPECT_TRUE(test, condition))

/* Expectations that were not met, because of a mistake */
extern unsigned int sm_unmet;

#define SID		0x110
#define SID_OTHER	0x111
#define VMID		7
#define VMID_OTHER	0x107
#define SSID		5
#define NO_SSID		(~0U)
/* arm64 has something else of that name */
#undef ASID
#define ASID(ssid)	(0x10aU + (ssid))
#define VA		0x123456789000ULL
#define RW		(MODEL_READ | MODEL_WRITE)

/* What sm_dma() returns besides event numbers: done, refused in silence, stalled */
#define OK		0
#define QUIET		0xff
#define STALLED		0xfe

/* Registers */
#define R_CR0		0x20
#define R_CR0ACK	0x24
#define R_CR1		0x28
#define R_CR2		0x2c
#define R_GBPA		0x44
#define R_IRQ_CTRL	0x50
#define R_GERROR	0x60
#define R_GERRORN	0x64
#define R_GERROR_IRQ	0x68
#define R_STRTAB	0x80
#define R_STRTAB_CFG	0x88
#define R_CMDQ_BASE	0x90
#define R_CMDQ_PROD	0x98
#define R_CMDQ_CONS	0x9c
#define R_EVTQ_BASE	0xa0
#define R_EVTQ_PROD	0x100a8
#define R_EVTQ_CONS	0x100ac
#define R_EVTQ_IRQ	0xb0
#define R_PRIQ_BASE	0xc0
#define R_PRIQ_PROD	0x100c8
#define R_PRIQ_CONS	0x100cc
#define R_PRIQ_IRQ	0xd0

/* SMMU_CR0: SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK */
#define CR0_ALL		0x1f

/* Words of an STE */
#define STE0(config)	(1ULL | (u64)(config) << 1)
#define CFG_ABORT	0
#define CFG_BYPASS	4
#define CFG_S1		5
#define CFG_S2		6
#define CFG_NEST	7
/* S1DSS 2: without a substream, CD 0; SHCFG incoming */
#define STE1		(2ULL | 1ULL << 44)
#define STE1_EATS(n)	((u64)(n) << 28)
#define STE1_S1STALLD	BIT_ULL(27)
/* 48 bits, start at level 0, 4 KiB, 48-bit output, AA64, record */
#define STE2		(VMID | 16ULL << 32 | 2ULL << 38 | 1ULL << 40 | 1ULL << 42 | \
			 3ULL << 44 | 5ULL << 48 | 1ULL << 51 | 1ULL << 58)
#define STE2_S2S	BIT_ULL(57)

/* A CD: 48 bits, 4 KiB, no upper half, valid, 48-bit output, AA64, R, A */
#define CD0		(16ULL | 1ULL << 30 | 1ULL << 31 | 5ULL << 32 | 1ULL << 41 | \
			 1ULL << 45 | 1ULL << 46)
#define CD_S		BIT_ULL(44)

/* Pages: valid, AF; stage 1: unprivileged, inner shareable, not global */
#define S1_PAGE		(3ULL | 1ULL << 10 | 3ULL << 8 | 1ULL << 6 | 1ULL << 11)
#define S1_RO		BIT_ULL(7)
#define S1_DBM		BIT_ULL(51)
/* stage 2: write-back, read, write */
#define S2_PAGE		(3ULL | 1ULL << 10 | 3ULL << 8 | 3ULL << 6 | 0xfULL << 2)
#define AF		BIT_ULL(10)

#define SM_MAX_PAGES	512
#define SM_EVENTS	8
#define SM_CMDS		256

/**
 * struct sm - a unit, its tables, and a master behind it
 * @test: running
 * @model: unit
 * @port: its port
 * @strtab: linear stream table, of which 512 STEs are in use
 * @ste: that of SID
 * @cds: 64 CDs
 * @s1: top table of stage 1; @s2: of stage 2
 * @cmdq: commands; @evtq: events; @priq: page requests
 * @data: pages that DMA goes to; the first byte of each is 0xa0 plus its number
 * @byte: last byte read by sm_dma()
 * @ev: last event taken by sm_event()
 * @raised: interrupts
 * @msi_addr: of the last MSI that went to no memory; @msi_data: likewise
 * @msis: how many
 * @fn: master, connected as SID
 * @answers: whether it answers invalidations
 * @waiting: whether it waits for a page response
 * @invs: invalidations it got
 * @inv_ssv: of the last; @inv_global, @inv_ssid, @inv_addr, @inv_size too
 * @responses: it got
 * @rsp_ssv: of the last; @rsp_ssid, @rsp_grpid, @rsp_code too
 * @resumes: stalls that ended
 * @resume_tag: of the last; @resume_how too
 * @prod: SMMU_CMDQ_PROD as it is to be written
 * @counts: see sm_counts()
 * @pages: to be freed; @orders: of each; @num_pages of them
 */
struct sm {
	struct kunit *test;
	struct smmuv3_model *model;
	struct model_port *port;
	u64 *strtab, *ste, *cds, *s1, *s2, *cmdq, *evtq, *priq;
	u8 *data[4];
	u8 byte;
	u64 ev[4];
	unsigned int raised[SMMUV3_MODEL_NUM_IRQS];
	u64 msi_addr;
	u32 msi_data;
	unsigned int msis;
	struct model_function fn;
	bool answers, waiting;
	unsigned int invs;
	bool inv_ssv, inv_global;
	u32 inv_ssid;
	u64 inv_addr, inv_size;
	unsigned int responses;
	bool rsp_ssv;
	u32 rsp_ssid;
	u16 rsp_grpid;
	u8 rsp_code;
	unsigned int resumes;
	u32 resume_tag;
	enum model_resume resume_how;
	u32 prod;
	struct smmuv3_model_counts counts;
	void *pages[SM_MAX_PAGES];
	unsigned int orders[SM_MAX_PAGES];
	unsigned int num_pages;
};

extern struct kunit_suite smmuv3_config_suite, smmuv3_walk_suite, smmuv3_cache_suite,
	smmuv3_queue_suite, smmuv3_ats_suite, smmuv3_stall_suite;

const char *sm_notices(struct kunit *test);
unsigned long sm_violations_meant(void);
unsigned long sm_violations_came(unsigned long before);

int sm_init(struct kunit *test);
void sm_exit(struct kunit *test);
void sm_config(struct smmuv3_model_config *config);
struct sm *sm_unit_config(struct kunit *test, const struct smmuv3_model_config *config);
struct sm *sm_unit(struct kunit *test);
void *sm_pages(struct sm *f, unsigned int order);
u32 sm_rd(struct sm *f, u32 offset);
void sm_wr(struct sm *f, u32 offset, u32 val);
u64 sm_rd64(struct sm *f, u32 offset);
void sm_wr64(struct sm *f, u32 offset, u64 val);
unsigned int sm_cmd(struct sm *f, u64 word0, u64 word1);
void sm_push(struct sm *f, u64 word0, u64 word1);
void sm_go(struct sm *f);
void sm_ok(struct sm *f, u64 word0, u64 word1);
unsigned int sm_illegal(struct sm *f, u64 word0, u64 word1);
void sm_flush(struct sm *f);
u8 sm_event(struct sm *f);
void sm_set_ste(struct sm *f, u32 sid, u64 word0, u64 word1, u64 word2, u64 word3);
void sm_set_cd(struct sm *f, u32 ssid, u64 word0, u64 ttb0);
void sm_stage1(struct sm *f);
void sm_stage2(struct sm *f);
void sm_nested(struct sm *f);
u64 *sm_map(struct sm *f, u64 *top, unsigned int granule, unsigned int start,
	    unsigned int leaf, u64 addr, u64 desc);
u64 *sm_map_s1(struct sm *f, u64 va, u64 desc);
u64 *sm_map_s2(struct sm *f, u64 ipa, u64 desc);
void sm_identity(struct sm *f, const void *page);
u8 sm_dma_from(struct sm *f, u16 sid, u32 ssid, u32 perm, u64 addr);
u8 sm_dma(struct sm *f, u32 ssid, u32 perm, u64 addr);
enum model_status sm_ats(struct sm *f, u32 ssid, u32 perm, bool no_write, u64 addr,
			 struct model_translation *result);
enum model_status sm_translated(struct sm *f, u32 perm, u64 addr);
const struct smmuv3_model_counts *sm_counts(struct sm *f);

#endif
