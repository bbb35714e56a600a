/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of the VT-d model, and by nothing else.
 *
 * Bit positions are those of the specification (Intel VT-d, revision 4), where
 * the chapter is named.
 */
#ifndef __IOMMUFD_MODEL_VTD_INTERNAL_H
#define __IOMMUFD_MODEL_VTD_INTERNAL_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "grant.h"
#include "vtd.h"
#include "vtd_mutant.h"

/*
 * Host address width, as ACPI would report it: address bits from here to 51 are
 * reserved in every table.
 */
#define VTD_HAW			48
#define VTD_ADDR		GENMASK_ULL(VTD_HAW - 1, 12)
/* Address bits above it in an entry whose bits 63:52 mean something else */
#define VTD_ADDR_RSVD_51	\
	MUT_MASK(RSVD_51, 51, VTD_HAW, 51, VTD_HAW + 1)
/* and in an entry whose address goes up to bit 63 */
#define VTD_ADDR_RSVD_63	\
	MUT_MASK(RSVD_63, 63, VTD_HAW, 62, VTD_HAW)

/* 3.14: writes here without a PASID are interrupts */
#define VTD_MSI_START		MUT(MSI_START, 0xfee00000ULL, 0xfee80000ULL)
#define VTD_MSI_END		MUT(MSI_END, 0xfeefffffULL, 0xfee7ffffULL)

/* Capability register (11.4.2) */
#define VTD_CAP_CM		MUT_BIT(CAP_CM, 7, 6)
#define VTD_CAP_SAGAW(aw)	BIT_ULL(MUT(CAP_SAGAW, 8, 7) + (aw))
#define VTD_CAP_MGAW(cap)	\
	((unsigned int)vtd_get(MUT_MASK(CAP_MGAW, 21, 16, 20, 16), cap) + 1)
#define VTD_CAP_FRO(cap)	((u32)vtd_get(GENMASK_ULL(33, 24), cap) * 16)
#define VTD_CAP_SSLPS_2M	MUT_BIT(CAP_SSLPS_2M, 34, 36)
#define VTD_CAP_SSLPS_1G	MUT_BIT(CAP_SSLPS_1G, 35, 36)
#define VTD_CAP_PSI		MUT_BIT(CAP_PSI, 39, 40)
#define VTD_CAP_NFR(cap)	\
	((unsigned int)vtd_get(MUT_MASK(CAP_NFR, 47, 40, 41, 40), cap) + 1)
#define VTD_CAP_MAMV(cap)	\
	((unsigned int)vtd_get(MUT_MASK(CAP_MAMV, 53, 48, 51, 48), cap))
#define VTD_CAP_FS1GP		MUT_BIT(CAP_FS1GP, 56, 57)
#define VTD_CAP_FS5LP		MUT_BIT(CAP_FS5LP, 60, 61)
#define VTD_CAP_ESRTPS		MUT_BIT(CAP_ESRTPS, 63, 62)

/* Extended capability register (11.4.3) */
#define VTD_ECAP_C		MUT_BIT(ECAP_C, 0, 1)
#define VTD_ECAP_QI		BIT_ULL(1)
#define VTD_ECAP_DT		MUT_BIT(ECAP_DT, 2, 1)
#define VTD_ECAP_IR		BIT_ULL(3)
#define VTD_ECAP_PT		MUT_BIT(ECAP_PT, 6, 5)
#define VTD_ECAP_SC		MUT_BIT(ECAP_SC, 7, 5)
#define VTD_ECAP_NEST		MUT_BIT(ECAP_NEST, 26, 25)
#define VTD_ECAP_PRS		MUT_BIT(ECAP_PRS, 29, 28)
#define VTD_ECAP_ERS		MUT_BIT(ECAP_ERS, 30, 28)
#define VTD_ECAP_SRS		MUT_BIT(ECAP_SRS, 31, 32)
#define VTD_ECAP_NWFS		BIT_ULL(33)
#define VTD_ECAP_EAFS		MUT_BIT(ECAP_EAFS, 34, 32)
#define VTD_ECAP_PASID		MUT_BIT(ECAP_PASID, 40, 44)
#define VTD_ECAP_DIT		BIT_ULL(41)
#define VTD_ECAP_PDS		MUT_BIT(ECAP_PDS, 42, 44)
#define VTD_ECAP_SMTS		BIT_ULL(43)
#define VTD_ECAP_SSADS		MUT_BIT(ECAP_SSADS, 45, 44)
#define VTD_ECAP_SSTS		MUT_BIT(ECAP_SSTS, 46, 44)
#define VTD_ECAP_FSTS		MUT_BIT(ECAP_FSTS, 47, 44)
#define VTD_ECAP_SMPWCS		MUT_BIT(ECAP_SMPWCS, 48, 44)
#define VTD_ECAP_RPS		MUT_BIT(ECAP_RPS, 49, 44)
#define VTD_ECAP_ADMS		BIT_ULL(52)
#define VTD_ECAP_RPRIVS		MUT_BIT(ECAP_RPRIVS, 53, 52)

/* Global command and status (11.4.4) */
#define VTD_GSTS_TES		MUT_BIT(GSTS_TES, 31, 29)
#define VTD_GSTS_RTPS		MUT_BIT(GSTS_RTPS, 30, 29)

/* Fault status (11.4.7.1): errors of the invalidation queue; and what is recorded of them */
#define VTD_FSTS_IQE		BIT(4)
#define VTD_FSTS_ICE		BIT(5)
#define VTD_IQER_IQEI		GENMASK_ULL(3, 0)
#define VTD_IQER_ICESID		GENMASK_ULL(63, 48)
/* IQEI: what was wrong with a descriptor */
#define VTD_IQEI_TYPE		3
#define VTD_IQEI_RESERVED	4

/* Root table address register (11.4.5): translation table mode */
#define VTD_RTADDR_TTM		MUT_MASK(RTADDR_TTM, 11, 10, 10, 10)
#define VTD_TTM_LEGACY		0
#define VTD_TTM_SCALABLE	1
#define VTD_TTM_ABORT		3

/* Scalable-mode context entry (9.4) */
#define VTD_CTX_P		MUT_BIT(CTX_P, 0, 1)
#define VTD_CTX_FPD		MUT_BIT(CTX_FPD, 1, 2)
#define VTD_CTX_DTE		MUT_BIT(CTX_DTE, 2, 3)
#define VTD_CTX_PASIDE		MUT_BIT(CTX_PASIDE, 3, 2)
#define VTD_CTX_PRE		MUT_BIT(CTX_PRE, 4, 3)
#define VTD_CTX_PDTS		MUT_MASK(CTX_PDTS, 11, 9, 10, 9)
#define VTD_CTX_RID_PASID	MUT_MASK(CTX_RID_PASID, 19, 0, 18, 0)
#define VTD_CTX_RID_PRIV	MUT_BIT(CTX_RID_PRIV, 20, 21)

/* Scalable-mode PASID table entry (9.6) */
#define VTD_PE_P		MUT_BIT(PE_P, 0, 1)
#define VTD_PE_FPD		MUT_BIT(PE_FPD, 1, 0)
#define VTD_PE_AW		MUT_MASK(PE_AW, 4, 2, 5, 3)
#define VTD_PE_PGTT		MUT_MASK(PE_PGTT, 8, 6, 7, 6)
#define VTD_PE_SSADE		MUT_BIT(PE_SSADE, 9, 10)
#define VTD_PE1_DID		MUT_MASK(PE_DID, 15, 0, 14, 0)
#define VTD_PE1_PWSNP		MUT_BIT(PE_PWSNP, 23, 22)
#define VTD_PE1_PGSNP		MUT_BIT(PE_PGSNP, 24, 25)
#define VTD_PE2_SRE		MUT_BIT(PE_SRE, 0, 1)
#define VTD_PE2_ERE		MUT_BIT(PE_ERE, 1, 0)
#define VTD_PE2_FSPM		MUT_MASK(PE_FSPM, 3, 2, 2, 2)
#define VTD_PE2_WPE		MUT_BIT(PE_WPE, 4, 5)
#define VTD_PE2_NXE		MUT_BIT(PE_NXE, 5, 4)
#define VTD_PE2_SMEP		MUT_BIT(PE_SMEP, 6, 7)
#define VTD_PE2_EAFE		MUT_BIT(PE_EAFE, 7, 6)

#define VTD_PGTT_FS		1
#define VTD_PGTT_SS		2
#define VTD_PGTT_NESTED		3
#define VTD_PGTT_PT		4

/* AT of a request, as in a fault record */
#define VTD_AT_UNTRANSLATED	0
#define VTD_AT_TRANSLATION	1
#define VTD_AT_TRANSLATED	2
/* not an AT: a page request message */
#define VTD_AT_PAGE_REQUEST	4

/* Sizes of what the model holds */
#define VTD_CACHE_ENTRIES	8192
#define VTD_CACHE_BITS		12
#define VTD_FUNCTIONS		256
#define VTD_SHADOW_PAGES	4096
#define VTD_SHADOW_BITS		10
#define VTD_FAULT_RECORDS	256

/**
 * struct vtd_request - a request on its way through the unit
 * @rid: requester
 * @pasid_valid: it has a PASID of its own; else RID_PASID
 * @pasid: as it came (before vtd_translate()) and as it counts (after)
 * @perm: MODEL_*
 * @addr: byte address
 * @at: VTD_AT_*
 * @priv: supervisor privilege, by its own word or by RID_PRIV
 */
struct vtd_request {
	u16 rid;
	bool pasid_valid;
	u32 pasid;
	u32 perm;
	u64 addr;
	u8 at;
	bool priv;
};

/* Of a translation. R and W are the second stage's, both set without one. */
#define VTD_LEAF_R		BIT(0)
#define VTD_LEAF_W		BIT(1)
/* there is a first stage, and what it says */
#define VTD_LEAF_FS		BIT(2)
#define VTD_LEAF_FS_RW		BIT(3)
#define VTD_LEAF_FS_US		BIT(4)
#define VTD_LEAF_FS_XD		BIT(5)
/* dirty bits are set, or are not kept: a write needs no walk */
#define VTD_LEAF_FS_DIRTY	BIT(6)
#define VTD_LEAF_SS_DIRTY	BIT(7)

/**
 * struct vtd_leaf - a translation
 * @iova: input address, aligned to @size
 * @pa: output address, aligned to @size
 * @size: bytes
 * @attr: VTD_LEAF_*
 */
struct vtd_leaf {
	u64 iova;
	u64 pa;
	u64 size;
	u32 attr;
};

/**
 * struct vtd_walk - what stays the same during one walk
 * @model: of it
 * @req: request; perm says if dirty bits are to be set
 * @pe: PASID entry, 8 words
 * @did: domain id in @pe
 * @pgtt: VTD_PGTT_*
 */
struct vtd_walk {
	struct vtd_model *model;
	const struct vtd_request *req;
	u64 pe[8];
	u16 did;
	unsigned int pgtt;
};

/* What a cached entry is of. */
enum vtd_cached_kind {
	VTD_CACHED_FREE,
	VTD_CACHED_CONTEXT,
	VTD_CACHED_PASID,
	VTD_CACHED_TLB_FS,
	VTD_CACHED_TLB_NESTED,
	VTD_CACHED_TLB_PT,
	VTD_CACHED_TLB_SS,
	VTD_CACHED_PSC_FS,
	VTD_CACHED_PSC_NESTED,
	VTD_CACHED_PSC_SS,
	VTD_CACHED_KINDS,
};

/**
 * struct vtd_cached - an entry of one of the caches (6.2)
 * @hash: in its bucket
 * @age: in the order they were filled
 * @kind: which cache
 * @rid: source, of context and PASID caches
 * @did: domain id tag; 0 of what has none
 * @pasid: tag of the PASID cache and of what a first stage or pass-through made
 * @addr: input address, aligned to @size
 * @size: bytes of input address it is good for
 * @data: context: 4 words. PASID: 8. TLB: address, VTD_LEAF_*, fault code or 0.
 *	Paging structures: address of the next table, VTD_LEAF_*, its guest address
 */
struct vtd_cached {
	struct hlist_node hash;
	struct list_head age;
	enum vtd_cached_kind kind;
	u16 rid;
	u16 did;
	u32 pasid;
	u64 addr;
	u64 size;
	u64 data[8];
};

/**
 * struct vtd_scope - which cached entries an invalidation is for
 * @kinds: bit mask of enum vtd_cached_kind
 * @by_rid: only where @rid matches, bits of @rid_mask left out
 * @by_did: only of @did
 * @by_pasid: only of @pasid
 * @by_addr: only what overlaps [@addr, @last]
 */
struct vtd_scope {
	unsigned long kinds;
	bool by_rid, by_did, by_pasid, by_addr;
	u16 rid, rid_mask, did;
	u32 pasid;
	u64 addr, last;
};

/**
 * struct vtd_shadow - a page of memory as a walk that does not snoop sees it
 * @hash: in its bucket
 * @pfn: of the page
 * @lines: cache lines (64 bytes) that were written back at least once
 * @words: what they held then
 */
struct vtd_shadow {
	struct hlist_node hash;
	unsigned long pfn;
	u64 lines;
	u64 words[512];
};

/**
 * struct vtd_connection - a function on the unit's port
 * @fn: it, or NULL
 * @rid: its id
 * @busy: calls into it under way
 */
struct vtd_connection {
	struct model_function *fn;
	u16 rid;
	unsigned int busy;
};

/**
 * struct vtd_model - a unit
 * @port: for functions
 * @config: constant
 * @lock: everything below; a leaf, never held when somebody else's code is called
 * @raise: interrupts to raise when @lock is let go
 * @delay: brings a late page request interrupt
 * @late: there is one
 * @gsts: global status
 * @rtaddr: root table address register
 * @root: as it was taken over by the last set-root-table-pointer
 * @msi: data, address, upper address of each interrupt
 * @masked: interrupt masks; @pending: that came meanwhile
 * @queue_errors: VTD_FSTS_* of the invalidation queue that software has not cleared
 * @iqer: what is known of them
 * @pfo: primary fault overflow
 * @fri: record that the pending faults start with
 * @next: where the next fault goes
 * @frr: fault records, low and high half
 * @prs: page request status
 * @pqh: page request queue head; @pqt: tail; @pqa: address
 * @functions: connected ones
 * @inject: per enum vtd_model_inject; 0 is off
 * @counts: what happened
 * @cached: pool of entries, VTD_CACHE_ENTRIES
 * @buckets: of those in use
 * @ages: those in use, oldest first; @unused: the others
 * @shadow: pool of pages, or NULL where every walk snoops
 * @shadow_used: how many of them
 * @shadow_buckets: by frame number
 */
struct vtd_model {
	struct model_port port;
	struct vtd_model_config config;
	raw_spinlock_t lock;
	unsigned long raise;
	struct hrtimer delay;
	bool late;
	u32 gsts;
	u64 rtaddr;
	u64 root;
	u32 msi[VTD_MODEL_NUM_IRQS][3];
	bool masked[VTD_MODEL_NUM_IRQS];
	bool pending[VTD_MODEL_NUM_IRQS];
	u32 queue_errors;
	u64 iqer;
	bool pfo;
	unsigned int fri;
	unsigned int next;
	u64 frr[VTD_FAULT_RECORDS][2];
	u32 prs;
	u64 pqh;
	u64 pqt;
	u64 pqa;
	struct vtd_connection functions[VTD_FUNCTIONS];
	unsigned long inject[VTD_MODEL_NUM_INJECTS];
	struct vtd_model_counts counts;
	struct vtd_cached *cached;
	struct hlist_head buckets[1 << VTD_CACHE_BITS];
	struct list_head ages;
	struct list_head unused;
	struct vtd_shadow *shadow;
	unsigned int shadow_used;
	struct hlist_head shadow_buckets[1 << VTD_SHADOW_BITS];
};

/* vtd_unit.c */
unsigned long vtd_lock(struct vtd_model *model) __acquires(&model->lock);
void vtd_unlock(struct vtd_model *model, unsigned long flags)
	__releases(&model->lock);
bool vtd_injected(struct vtd_model *model, enum vtd_model_inject what);
struct vtd_connection *vtd_function_get(struct vtd_model *model, u16 rid);
void vtd_function_put(struct vtd_model *model, struct vtd_connection *conn);

/* vtd_regs.c */
void vtd_interrupt(struct vtd_model *model, enum vtd_model_irq which);
void vtd_fault(struct vtd_model *model, const struct vtd_request *req, u8 reason);
void vtd_queue_error(struct vtd_model *model, u32 error, u64 mask, u16 info);

/* vtd_memory.c */
int vtd_memory_create(struct vtd_model *model);
void vtd_memory_destroy(struct vtd_model *model);
void *vtd_memory(u64 pa);
bool vtd_memory_known(u64 pa);
bool vtd_memory_read(struct vtd_model *model, u64 pa, bool snoop, u64 *val);
bool vtd_memory_read_guest(struct vtd_model *model, u64 pa, bool snoop, u64 *val);
bool vtd_memory_read_pair(struct vtd_model *model, u64 pa, bool snoop, u64 val[2]);
bool vtd_memory_update(u64 pa, u64 old, u64 val);

/* vtd_cache.c */
int vtd_cache_create(struct vtd_model *model);
void vtd_cache_destroy(struct vtd_model *model);
struct vtd_cached *vtd_cache_find(struct vtd_model *model,
				  enum vtd_cached_kind kind, u16 rid, u16 did,
				  u32 pasid, u64 addr, u64 size);
struct vtd_cached *vtd_cache_add(struct vtd_model *model,
				 enum vtd_cached_kind kind, u16 rid, u16 did,
				 u32 pasid, u64 addr, u64 size);
void vtd_cache_drop(struct vtd_model *model, const struct vtd_scope *scope);
void vtd_cache_drop_all(struct vtd_model *model);
struct vtd_cached *vtd_pasid_find(struct vtd_model *model, u16 rid, u32 pasid);
struct vtd_cached *vtd_tlb_find(struct vtd_model *model, u32 kinds, u16 did,
				u32 pasid, u64 addr);

/* vtd_walk.c */
u8 vtd_context(struct vtd_model *model, const struct vtd_request *req, u64 ctx[4],
	       bool *fpd);
u8 vtd_check_context(struct vtd_model *model, struct vtd_request *req,
		     const u64 ctx[4]);
u8 vtd_translate(struct vtd_model *model, struct vtd_request *req,
		 struct vtd_leaf *leaf, bool *fpd);

/* vtd_first.c, vtd_second.c */
u8 vtd_first_stage(struct vtd_walk *walk, struct vtd_leaf *leaf);
u8 vtd_second_stage(struct vtd_walk *walk, u64 addr, bool write,
		    struct vtd_leaf *leaf);
u8 vtd_rights(const struct vtd_walk *walk, u32 attr);

/* vtd_queue.c */
enum model_status vtd_page_request(struct vtd_model *model,
				   const struct model_tlp *tlp, u16 grpid,
				   bool last);

#endif
