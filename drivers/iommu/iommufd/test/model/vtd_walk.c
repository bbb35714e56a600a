// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table walks of the VT-d model: from the root table to the PASID entry (3.4), and
 * what is then done by the kind of translation. Conditions and their codes are
 * those of 7.1.3.
 */
#include "vtd_internal.h"

/* Directory and table indices of a PASID (3.4.3) */
#define PASID_TABLE_BITS	6
#define PASID_DIR_MIN_BITS	MUT(PASID_DIR_BITS, 7, 6)

/* Root entry half and PASID directory entry (9.3, 9.5) */
#define ENTRY_P			MUT_BIT(ENTRY_P, 0, 1)
#define PASID_DIR_FPD		MUT_BIT(DIR_FPD, 1, 2)

static u8 check_mode(struct vtd_model *model, const struct vtd_request *req)
{
	switch (vtd_get(VTD_RTADDR_TTM, model->root)) {
	case VTD_TTM_SCALABLE:
		return 0;
	case VTD_TTM_ABORT:
		return 0x33;
	case VTD_TTM_LEGACY:
		if (req->at == VTD_AT_PAGE_REQUEST)
			return 0x32;
		if (req->pasid_valid)
			return 0x31;
		break;
	}
	/* Legacy mode is not modelled. */
	return 0x30;
}

static u64 context_reserved(const struct vtd_model *model, unsigned int word)
{
	u64 ecap = model->config.ecap, bits = 0;

	if (word >= 2)
		return MUT(CTX_RSVD_HIGH, ~0ULL, word == 2 ? 0 : ~0ULL);
	if (word == 1) {
		bits = GENMASK_ULL(63, 21);
		if (!(ecap & VTD_ECAP_RPS))
			bits |= VTD_CTX_RID_PASID;
		if (!(ecap & VTD_ECAP_RPRIVS))
			bits |= VTD_CTX_RID_PRIV;
		return bits;
	}
	bits = MUT_MASK(CTX_RSVD_LOW, 8, 5, 7, 5) | VTD_ADDR_RSVD_63;
	if (!(ecap & VTD_ECAP_DT))
		bits |= VTD_CTX_DTE;
	if (!(ecap & VTD_ECAP_PASID))
		bits |= VTD_CTX_PASIDE;
	if (!(ecap & VTD_ECAP_PRS))
		bits |= VTD_CTX_PRE;
	return bits;
}

static u8 read_context(struct vtd_model *model, u16 rid, u64 ctx[4])
{
	bool snoop = model->config.ecap & VTD_ECAP_C;
	u64 root[2], half, pa;

	if (!vtd_memory_read_pair(model, (model->root & GENMASK_ULL(63, 12)) +
				  (rid >> 8) * MUT(ROOT_INDEX, 16, 32),
				  snoop, root))
		return 0x38;
	half = root[!!(rid & MUT(ROOT_UPPER, 0x80, 0x40))];
	if (!(half & ENTRY_P))
		return 0x39;
	if (half & (MUT_MASK(ROOT_RSVD, 11, 1, 10, 1) | VTD_ADDR_RSVD_63))
		return 0x3a;
	pa = (half & VTD_ADDR) + (rid & MUT(CTX_INDEX, 0x7f, 0x3f)) * 32;
	if (!vtd_memory_read_pair(model, pa, snoop, ctx) ||
	    !vtd_memory_read_pair(model, pa + 16, snoop, ctx + 2))
		return 0x40;
	return 0;
}

static u8 check_entry(struct vtd_model *model, const u64 ctx[4])
{
	unsigned int i;

	if (!(ctx[0] & VTD_CTX_P))
		return 0x41;
	for (i = 0; i < 4; i++)
		if (ctx[i] & context_reserved(model, i))
			return 0x42;
	return 0;
}

/**
 * vtd_context() - the context entry of a request
 * @model: locked
 * @req: of it
 * @ctx: 4 words
 * @fpd: set if its faults are not to be recorded
 *
 * Return: 0 or a fault reason.
 */
u8 vtd_context(struct vtd_model *model, const struct vtd_request *req, u64 ctx[4],
	       bool *fpd)
{
	struct vtd_cached *entry;
	u8 fault;

	fault = check_mode(model, req);
	if (fault)
		return fault;
	entry = vtd_cache_find(model, VTD_CACHED_CONTEXT, req->rid, 0, 0, 0, 0);
	if (entry) {
		memcpy(ctx, entry->data, 4 * sizeof(*ctx));
	} else {
		fault = read_context(model, req->rid, ctx);
		if (fault)
			return fault;
	}
	/* Looked at whether or not the entry is present. */
	*fpd = ctx[0] & VTD_CTX_FPD &&
	       MUT(CTX_FPD_ABSENT, true, ctx[0] & VTD_CTX_P);
	fault = check_entry(model, ctx);
	if (!entry && (!fault || model->config.cap & VTD_CAP_CM)) {
		entry = vtd_cache_add(model, VTD_CACHED_CONTEXT, req->rid, 0, 0, 0, 0);
		memcpy(entry->data, ctx, 4 * sizeof(*ctx));
	}
	return fault;
}

static u32 pasid_limit(const u64 ctx[4])
{
	return 1U << min_t(unsigned int, 20, PASID_TABLE_BITS + PASID_DIR_MIN_BITS +
			   vtd_get(VTD_CTX_PDTS, ctx[0]));
}

/**
 * vtd_check_context() - may a request of this kind pass, and with which PASID
 * @model: locked
 * @req: of it; gets its PASID and privilege if it has none of its own
 * @ctx: its context entry
 *
 * Return: 0 or a fault reason.
 */
u8 vtd_check_context(struct vtd_model *model, struct vtd_request *req,
		     const u64 ctx[4])
{
	u32 rid_pasid = vtd_get(VTD_CTX_RID_PASID, ctx[1]);

	if (rid_pasid >= pasid_limit(ctx) + MUT(RID_PASID_LIMIT, 0, 1))
		return 0x48;
	if (req->at == VTD_AT_PAGE_REQUEST && !(ctx[0] & VTD_CTX_PRE))
		return 0x47;
	if ((req->at == MUT(DTE_XLATION, VTD_AT_TRANSLATION, VTD_AT_TRANSLATED) ||
	     req->at == VTD_AT_TRANSLATED) &&
	    !(ctx[0] & VTD_CTX_DTE))
		return 0x44;
	if (!req->pasid_valid) {
		req->pasid = MUT(RID_PASID, rid_pasid, 0);
		req->priv = MUT(RID_PRIV, ctx[1] & VTD_CTX_RID_PRIV, 0);
		return 0;
	}
	req->priv = req->perm & MODEL_PRIV;
	if (!(ctx[0] & VTD_CTX_PASIDE))
		return 0x45;
	return req->pasid >= pasid_limit(ctx) + MUT(PASID_LIMIT, 0, 1) ? 0x46 : 0;
}

static u8 read_pasid(struct vtd_model *model, const struct vtd_request *req,
		     const u64 ctx[4], u64 pe[8], bool *fpd)
{
	bool snoop = model->config.ecap & VTD_ECAP_C;
	unsigned int i;
	u64 dir, pa;

	if (!vtd_memory_read(model, (ctx[0] & VTD_ADDR) +
			     (req->pasid >> PASID_TABLE_BITS) * 8, snoop, &dir))
		return 0x50;
	*fpd |= !!(dir & PASID_DIR_FPD);
	if (!(dir & ENTRY_P))
		return 0x51;
	if (dir & (MUT_MASK(DIR_RSVD, 11, 2, 11, 3) | VTD_ADDR_RSVD_63))
		return 0x52;
	pa = (dir & VTD_ADDR) + (req->pasid & MUT(PASID_INDEX, 0x3f, 0x1f)) * 64;
	for (i = 0; i < 8; i += 2)
		if (!vtd_memory_read_pair(model, pa + i * 8, snoop, pe + i))
			return 0x58;
	return 0;
}

static u64 pasid_reserved(const struct vtd_model *model, unsigned int word)
{
	u64 ecap = model->config.ecap, bits;

	switch (word) {
	case 0:
		bits = BIT_ULL(5) | MUT_MASK(PE0_RSVD, 11, 10, 10, 10) | VTD_ADDR_RSVD_63;
		return ecap & VTD_ECAP_SSADS ? bits : bits | VTD_PE_SSADE;
	case 1:
		bits = MUT_MASK(PE1_RSVD, 22, 16, 22, 17);
		if (!(ecap & VTD_ECAP_SMPWCS))
			bits |= VTD_PE1_PWSNP;
		if (!(ecap & VTD_ECAP_SC))
			bits |= VTD_PE1_PGSNP;
		return bits;
	case 2:
		bits = MUT_MASK(PE2_RSVD, 11, 8, 10, 8);
		if (!(ecap & VTD_ECAP_SRS))
			bits |= VTD_PE2_SRE;
		if (!(ecap & VTD_ECAP_ERS))
			bits |= VTD_PE2_ERE | VTD_PE2_NXE | VTD_PE2_SMEP;
		if (!(ecap & VTD_ECAP_EAFS))
			bits |= VTD_PE2_EAFE;
		return bits;
	}
	return ~0ULL;
}

static bool pgtt_supported(u64 ecap, unsigned int pgtt)
{
	switch (pgtt) {
	case VTD_PGTT_FS:
		return ecap & VTD_ECAP_FSTS;
	case VTD_PGTT_SS:
		return ecap & VTD_ECAP_SSTS;
	case VTD_PGTT_NESTED:
		return ecap & VTD_ECAP_NEST;
	case VTD_PGTT_PT:
		return ecap & VTD_ECAP_PT;
	}
	return false;
}

static bool has_first(unsigned int pgtt)
{
	return pgtt == VTD_PGTT_FS || pgtt == VTD_PGTT_NESTED;
}

static bool valid_programming(const struct vtd_model *model, const u64 pe[8])
{
	unsigned int pgtt = vtd_get(VTD_PE_PGTT, pe[0]);
	unsigned int aw = vtd_get(VTD_PE_AW, pe[0]);
	unsigned int fspm = vtd_get(VTD_PE2_FSPM, pe[2]);

	if (!pgtt_supported(model->config.ecap, pgtt))
		return false;
	/* Pass-through, too, wants an address width that the unit has. */
	if (pgtt != VTD_PGTT_FS && pgtt != MUT(PT_AW, VTD_PGTT_FS, VTD_PGTT_PT) &&
	    (aw < 1 || aw > 3 || !(model->config.cap & VTD_CAP_SAGAW(aw))))
		return false;
	if (has_first(pgtt) &&
	    (fspm > 1 || (fspm && !(model->config.cap & VTD_CAP_FS5LP))))
		return false;
	return true;
}

static u8 check_pasid(struct vtd_model *model, const u64 pe[8])
{
	unsigned int i;

	if (!(pe[0] & VTD_PE_P))
		return 0x59;
	for (i = 0; i < 8; i++)
		if (pe[i] & pasid_reserved(model, i))
			return 0x5a;
	/* The address of a first stage's table is the guest's where nested. */
	if (vtd_get(VTD_PE_PGTT, pe[0]) == MUT(PE2_FSPTPTR, VTD_PGTT_FS, VTD_PGTT_PT) &&
	    pe[2] & VTD_ADDR_RSVD_63)
		return 0x5a;
	return valid_programming(model, pe) ? 0 : 0x5b;
}

/* The PASID entry of a request, from the cache or from memory. */
static u8 pasid_entry(struct vtd_model *model, const struct vtd_request *req,
		      const u64 ctx[4], u64 pe[8], bool *fpd)
{
	struct vtd_cached *entry;
	u16 did;
	u8 fault;

	entry = vtd_pasid_find(model, req->rid, req->pasid);
	if (entry) {
		memcpy(pe, entry->data, 8 * sizeof(*pe));
		*fpd |= !!(pe[0] & VTD_PE_FPD);
		return check_pasid(model, pe);
	}
	fault = read_pasid(model, req, ctx, pe, fpd);
	if (fault)
		return fault;
	*fpd |= !!(pe[0] & VTD_PE_FPD);
	fault = check_pasid(model, pe);
	if (fault && !MUT(CM_PASID, model->config.cap & VTD_CAP_CM, 0))
		return fault;
	/* What is not present has no domain: it is cached as of domain 0 (6.1). */
	did = fault && !MUT(CM_DID, false, true) ? 0 : vtd_get(VTD_PE1_DID, pe[1]);
	entry = vtd_cache_add(model, VTD_CACHED_PASID, req->rid, did, req->pasid,
			      0, 0);
	memcpy(entry->data, pe, 8 * sizeof(*pe));
	return fault;
}

/**
 * vtd_rights() - does a translation allow the request
 * @walk: of the request
 * @attr: VTD_LEAF_*
 *
 * Return: 0 or a fault reason (3.6.1, 3.6.2, 3.7.1).
 */
u8 vtd_rights(const struct vtd_walk *walk, u32 attr)
{
	const struct vtd_request *req = walk->req;
	bool execute = req->perm & MODEL_EXEC && req->pasid_valid &&
		       walk->model->config.ecap & VTD_ECAP_ERS;
	bool write = req->perm & MODEL_WRITE;

	if (attr & VTD_LEAF_FS) {
		if (MUT(RIGHT_US, !req->priv, false) && !(attr & VTD_LEAF_FS_US))
			return 0x81;
		if (execute && attr & MUT(RIGHT_XD, VTD_LEAF_FS_XD, 0))
			return 0x82;
		if (execute && req->priv && attr & MUT(RIGHT_SMEP, VTD_LEAF_FS_US, 0) &&
		    walk->pe[2] & VTD_PE2_SMEP)
			return 0x82;
		if (write && !(attr & MUT(RIGHT_FS_RW, VTD_LEAF_FS_RW, VTD_LEAF_FS)) &&
		    (!req->priv || MUT(RIGHT_WPE, walk->pe[2] & VTD_PE2_WPE, true)))
			return 0x85;
	}
	if (write && !(attr & MUT(RIGHT_SS_W, VTD_LEAF_W, VTD_LEAF_R)))
		return 0x85;
	if ((!write || req->perm & MODEL_READ) &&
	    !(attr & MUT(RIGHT_SS_R, VTD_LEAF_R, VTD_LEAF_W)))
		return 0x86;
	return 0;
}

static u8 pass_through(const struct vtd_request *req, struct vtd_leaf *leaf)
{
	if (req->addr >> MUT(PT_WIDTH, VTD_HAW, VTD_HAW + 1))
		return 0x83;
	leaf->size = SZ_4K;
	leaf->iova = req->addr & ~(leaf->size - 1);
	leaf->pa = leaf->iova;
	leaf->attr = VTD_LEAF_R | VTD_LEAF_W | VTD_LEAF_SS_DIRTY;
	return 0;
}

/* Kinds of cached translations that one of this kind would be taken for. */
static u32 tlb_kinds(unsigned int pgtt)
{
	u32 kinds = BIT(VTD_CACHED_TLB_FS) | BIT(VTD_CACHED_TLB_PT);

	/* A domain id may have both nested translations and its second stage's. */
	return kinds | (pgtt == VTD_PGTT_NESTED ? BIT(VTD_CACHED_TLB_NESTED) :
			BIT(VTD_CACHED_TLB_SS));
}

static enum vtd_cached_kind tlb_kind(unsigned int pgtt)
{
	switch (pgtt) {
	case VTD_PGTT_FS:
		return VTD_CACHED_TLB_FS;
	case VTD_PGTT_SS:
		return VTD_CACHED_TLB_SS;
	case VTD_PGTT_NESTED:
		return VTD_CACHED_TLB_NESTED;
	}
	return VTD_CACHED_TLB_PT;
}

static bool dirty_known(const struct vtd_cached *entry)
{
	u32 want = VTD_LEAF_SS_DIRTY;

	if (entry->data[1] & VTD_LEAF_FS)
		want |= VTD_LEAF_FS_DIRTY;
	return (entry->data[1] & want) == want;
}

/*
 * A cached translation that does not allow the request is forgotten, with the
 * tables on its way, and the walk says what is true now (6.2.3).
 */
static void forget(struct vtd_walk *walk)
{
	const struct vtd_request *req = walk->req;
	struct vtd_scope scope = {
		.kinds = tlb_kinds(walk->pgtt) | BIT(VTD_CACHED_PSC_FS) |
			 BIT(VTD_CACHED_PSC_NESTED),
		.by_did = true, .did = walk->did,
		.by_pasid = true, .pasid = req->pasid,
		.by_addr = true, .addr = req->addr, .last = req->addr,
	};

	vtd_cache_drop(walk->model, &scope);
	/* What nested translations make of second-stage entries is theirs. */
	if (walk->pgtt == VTD_PGTT_NESTED)
		return;
	scope.kinds = BIT(VTD_CACHED_TLB_SS) | BIT(VTD_CACHED_PSC_SS);
	scope.by_pasid = false;
	vtd_cache_drop(walk->model, &scope);
}

static bool from_tlb(struct vtd_walk *walk, struct vtd_leaf *leaf, u8 *fault)
{
	const struct vtd_request *req = walk->req;
	struct vtd_cached *entry;

	entry = vtd_tlb_find(walk->model, tlb_kinds(walk->pgtt), walk->did,
			     req->pasid, req->addr);
	if (!entry)
		return false;
	*fault = entry->data[2];
	if (!*fault) {
		if (vtd_rights(walk, entry->data[1])) {
			forget(walk);
			*fault = MUT(TLB_RIGHTS, 0, vtd_rights(walk, entry->data[1]));
			return *fault;
		}
		if (req->perm & MODEL_WRITE && !dirty_known(entry) &&
		    !MUT(TLB_DIRTY, false, true))
			return false;
	}
	leaf->iova = entry->addr;
	leaf->pa = entry->data[0];
	leaf->size = entry->size;
	leaf->attr = entry->data[1];
	walk->model->counts.iotlb_hits++;
	return true;
}

static void to_tlb(struct vtd_walk *walk, const struct vtd_leaf *leaf, u8 fault)
{
	const struct vtd_request *req = walk->req;
	struct vtd_cached *entry;

	if (fault && !(walk->model->config.cap & VTD_CAP_CM))
		return;
	entry = vtd_cache_add(walk->model, tlb_kind(walk->pgtt), 0, walk->did,
			      walk->pgtt == MUT(TLB_SS_PASID, VTD_PGTT_SS, VTD_PGTT_FS) ?
			      0 : req->pasid,
			      req->addr, fault ? SZ_4K : leaf->size);
	entry->data[0] = leaf->pa;
	entry->data[1] = leaf->attr;
	entry->data[2] = fault;
}

static u8 walk_stages(struct vtd_walk *walk, struct vtd_leaf *leaf)
{
	const struct vtd_request *req = walk->req;
	u8 fault;

	walk->model->counts.walks++;
	switch (walk->pgtt) {
	case VTD_PGTT_PT:
		return pass_through(req, leaf);
	case VTD_PGTT_SS:
		fault = vtd_second_stage(walk, req->addr, req->perm & MODEL_WRITE,
					 leaf);
		return fault ?: vtd_rights(walk, leaf->attr);
	}
	return vtd_first_stage(walk, leaf);
}

static u8 check_request(const struct vtd_walk *walk)
{
	const struct vtd_request *req = walk->req;

	if (!has_first(walk->pgtt))
		return 0;
	if (req->perm & MODEL_EXEC && req->pasid_valid &&
	    walk->model->config.ecap & VTD_ECAP_ERS &&
	    !(walk->pe[2] & VTD_PE2_ERE) && !MUT(ERE, false, true))
		return 0x5c;
	return req->priv && !(walk->pe[2] & VTD_PE2_SRE) &&
	       !MUT(SRE, false, true) ? 0x5d : 0;
}

/**
 * vtd_translate() - translate a request
 * @model: locked
 * @req: untranslated or translation request; perm is what it needs
 * @leaf: result
 * @fpd: set if a fault of it is not to be recorded
 *
 * Uses and fills the caches, sets accessed and dirty bits.
 *
 * Return: 0 or a fault reason (7.1.3).
 */
u8 vtd_translate(struct vtd_model *model, struct vtd_request *req,
		 struct vtd_leaf *leaf, bool *fpd)
{
	struct vtd_walk walk = { .model = model, .req = req };
	u64 ctx[4], pa;
	u8 fault;

	*leaf = (struct vtd_leaf){};
	*fpd = false;
	fault = vtd_context(model, req, ctx, fpd);
	if (!fault)
		fault = vtd_check_context(model, req, ctx);
	if (!fault)
		fault = pasid_entry(model, req, ctx, walk.pe, fpd);
	if (fault)
		return fault;
	walk.did = vtd_get(VTD_PE1_DID, walk.pe[1]);
	walk.pgtt = vtd_get(VTD_PE_PGTT, walk.pe[0]);
	fault = check_request(&walk);
	if (fault)
		return fault;
	if (!from_tlb(&walk, leaf, &fault)) {
		fault = walk_stages(&walk, leaf);
		to_tlb(&walk, leaf, fault);
	}
	pa = leaf->pa + (req->addr & (leaf->size - 1));
	if (!fault && pa >= VTD_MSI_START && pa <= VTD_MSI_END)
		return 0x87;
	return fault;
}
