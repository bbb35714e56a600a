// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the VT-d model (chapter 11), fault recording (7.3) and interrupts
 * (7.4). Whatever software has no reason to touch here is a violation: with queued
 * invalidation the queue's registers belong to whoever submits.
 */
#include "vtd_internal.h"

#define REG_VER		0x00
#define REG_CAP		0x08
#define REG_ECAP	0x10
#define REG_GCMD	0x18
#define REG_GSTS	0x1c
#define REG_RTADDR	0x20
#define REG_CCMD	0x28
#define REG_FSTS	0x34
#define REG_FECTL	0x38
#define REG_FEDATA	0x3c
#define REG_FEUADDR	0x44
#define REG_PMEN	0x64
#define REG_IQER	0xb0
#define REG_PQH		0xc0
#define REG_PQT		0xc8
#define REG_PQA		0xd0
#define REG_PRS		0xdc
#define REG_PECTL	0xe0
#define REG_PEDATA	0xe4
#define REG_PEUADDR	0xec

/* Revision 4 of the specification reads as major version 6. */
#define VERSION		MUT(REG_VERSION, 0x60, 0x70)

/* Fault status (11.4.7.1) */
#define FSTS_PFO	MUT_BIT(FSTS_PFO, 0, 2)
#define FSTS_PPF	MUT_BIT(FSTS_PPF, 1, 2)
#define FSTS_FRI	MUT_MASK(FSTS_FRI, 15, 8, 16, 9)
/* That a device does not answer is told to the caller, so that ITE never goes up. */
#define FSTS_IQE_ICE_ITE GENMASK(6, 4)

/* Event control registers (11.4.7.2) */
#define ECTL_IM		MUT_BIT(ECTL_IM, 31, 29)
#define ECTL_IP		MUT_BIT(ECTL_IP, 30, 29)

/* Fault record, high half (11.4.7.6) */
#define FRR_F		MUT_BIT(FRR_F, 63, 62)
#define FRR_T1		MUT_BIT(FRR_T1, 62, 28)
#define FRR_AT		MUT_MASK(FRR_AT, 61, 60, 60, 60)
#define FRR_PASID	MUT_MASK(FRR_PASID, 59, 40, 58, 40)
#define FRR_REASON	MUT_MASK(FRR_REASON, 39, 32, 38, 32)
#define FRR_PP		MUT_BIT(FRR_PP, 31, 27)
#define FRR_EXE		MUT_BIT(FRR_EXE, 30, 27)
#define FRR_PRIV	MUT_BIT(FRR_PRIV, 29, 28)
#define FRR_RID		MUT_MASK(FRR_RID, 15, 0, 7, 0)
#define FRR_T2		MUT_BIT(FRR_T2, 28, 27)

/* Page request queue: offsets of 32-byte entries, address and size (11.4.11) */
#define PQ_OFFSET	MUT_MASK(PQ_OFFSET, 18, 5, 18, 6)
#define PQA_VALID	(GENMASK_ULL(63, 12) | MUT_MASK(PQA_MASK, 2, 0, 1, 0))
#define PRS_BITS	MUT_MASK(PRS_BITS, 1, 0, 0, 0)

/* Commands that change nothing of what stays set */
#define GCMD_ONE_SHOT	(BIT(30) | BIT(29) | BIT(27) | BIT(24))
#define GCMD_STICKY	(BIT(31) | BIT(26) | MUT(GCMD_STICKY, BIT(25), 0) | BIT(23))

/**
 * vtd_interrupt() - an event that software wants to hear of
 * @model: locked
 * @which: interrupt
 *
 * Raised when the lock is let go, or pending while it is masked.
 */
void vtd_interrupt(struct vtd_model *model, enum vtd_model_irq which)
{
	if (model->masked[which])
		model->pending[which] = true;
	else
		model->raise |= BIT(which);
}

static u32 event_control(const struct vtd_model *model, enum vtd_model_irq which)
{
	return (model->masked[which] ? ECTL_IM : 0) |
	       (model->pending[which] ? ECTL_IP : 0);
}

static void write_event_control(struct vtd_model *model, enum vtd_model_irq which,
				u32 val)
{
	if (val & ~(ECTL_IM | ECTL_IP))
		model_violation("vtd: reserved bits in event control: %#x", val);
	model->masked[which] = val & ECTL_IM;
	if (!model->masked[which] && model->pending[which]) {
		model->pending[which] = false;
		model->raise |= MUT(EVENT_UNMASK, BIT(which), 0);
	}
}

static u32 fault_status(const struct vtd_model *model)
{
	u32 status = model->queue_errors | (model->pfo ? FSTS_PFO : 0);
	unsigned int i;

	for (i = 0; i < VTD_CAP_NFR(model->config.cap); i++)
		if (model->frr[i][1] & FRR_F)
			status |= FSTS_PPF;
	if (status & FSTS_PPF)
		status |= vtd_prep(FSTS_FRI, model->fri);
	return status;
}

static u64 record_high(const struct vtd_request *req, u8 reason)
{
	u64 high = FRR_F | vtd_prep(FRR_REASON, reason) |
		   vtd_prep(FRR_RID, req->rid);

	if (req->at == VTD_AT_PAGE_REQUEST)
		high |= FRR_T2;
	else
		high |= vtd_prep(FRR_AT, req->at) |
			(req->perm & MODEL_WRITE ? 0 : FRR_T1);
	if (!req->pasid_valid)
		return high;
	high |= FRR_PP | vtd_prep(FRR_PASID, req->pasid);
	if (req->perm & MODEL_EXEC)
		high |= FRR_EXE;
	if (req->perm & MODEL_PRIV)
		high |= FRR_PRIV;
	return high;
}

/**
 * vtd_fault() - record a fault
 * @model: locked
 * @req: request it came of
 * @reason: code (7.1.3)
 *
 * Lost, and the overflow said so, if the record it would go to is not free.
 */
void vtd_fault(struct vtd_model *model, const struct vtd_request *req, u8 reason)
{
	u32 before = fault_status(model);
	u64 *record = model->frr[model->next];

	if (MUT(FRR_STICKY, model->pfo, false) || record[1] & FRR_F) {
		model->pfo = true;
		model->counts.fault_overflows++;
		return;
	}
	if (!(before & FSTS_PPF))
		model->fri = model->next;
	record[0] = req->addr & MUT_MASK(FRR_ADDR, 63, 12, 63, 13);
	record[1] = record_high(req, reason);
	model->next = (model->next + MUT(FRR_NEXT, 1, 2)) % VTD_CAP_NFR(model->config.cap);
	model->counts.faults++;
	if (MUT(FAULT_EVENT, !before, true))
		vtd_interrupt(model, VTD_MODEL_IRQ_FAULT);
}

/**
 * vtd_queue_error() - something is wrong with the invalidation queue
 * @model: locked
 * @error: VTD_FSTS_*; another one before the first was cleared is not told
 * @mask: field of the error record that says more
 * @info: what
 */
void vtd_queue_error(struct vtd_model *model, u32 error, u64 mask, u16 info)
{
	u32 before = fault_status(model);

	if (before & error)
		return;
	model->queue_errors |= error;
	model->iqer = (model->iqer & ~mask) | vtd_prep(mask, info);
	if (!before)
		vtd_interrupt(model, VTD_MODEL_IRQ_FAULT);
}

/* Nothing left to tell: then nothing is pending either. */
static void faults_cleared(struct vtd_model *model)
{
	if (!fault_status(model) && !MUT(FAULT_PENDING, false, true))
		model->pending[VTD_MODEL_IRQ_FAULT] = false;
}

static void write_fault_status(struct vtd_model *model, u32 val)
{
	if (val & ~(FSTS_PFO | FSTS_PPF | FSTS_FRI | FSTS_IQE_ICE_ITE))
		model_violation("vtd: reserved bits in fault status: %#x", val);
	if (val & FSTS_PFO)
		model->pfo = false;
	model->queue_errors &= ~val;
	faults_cleared(model);
}

static void write_page_request_status(struct vtd_model *model, u32 val)
{
	if (val & ~PRS_BITS)
		model_violation("vtd: reserved bits in page request status: %#x", val);
	model->prs &= ~val;
	if (!model->prs)
		model->pending[VTD_MODEL_IRQ_PAGE_REQUEST] = false;
}

static void set_root(struct vtd_model *model)
{
	model->root = model->rtaddr;
	model->gsts |= VTD_GSTS_RTPS;
	if (model->config.cap & VTD_CAP_ESRTPS)
		vtd_cache_drop_all(model);
}

/* 11.4.4: one command at a time, the rest of the register as the status has it. */
static void write_command(struct vtd_model *model, u32 val)
{
	u32 changed = (val ^ model->gsts) & GCMD_STICKY;
	u32 commands = changed | (val & GCMD_ONE_SHOT);

	if (val & ~(GCMD_ONE_SHOT | GCMD_STICKY))
		model_violation("vtd: reserved bits in global command: %#x", val);
	if (hweight32(commands) > 1)
		model_violation("vtd: several global commands at once: %#x", commands);
	if (commands & VTD_GSTS_TES && val & VTD_GSTS_TES &&
	    !(model->gsts & VTD_GSTS_RTPS))
		model_violation("vtd: translation enabled without a root table");
	if (val & VTD_GSTS_RTPS)
		set_root(model);
	model->gsts ^= changed;
	/* Setting the interrupt remapping table is accepted, and flushing ends. */
	model->gsts |= val & BIT(24);
}

static void write_root(struct vtd_model *model, u64 val)
{
	if (val & (MUT_MASK(RTADDR_RSVD, 9, 0, 8, 0) | VTD_ADDR_RSVD_63))
		model_violation("vtd: reserved bits in root table address: %#llx", val);
	model->rtaddr = val;
}

static u64 write_queue_offset(u64 val)
{
	if (val & ~PQ_OFFSET)
		model_violation("vtd: reserved bits in page request queue offset: %#llx",
				val);
	return val & PQ_OFFSET;
}

static bool is_record(const struct vtd_model *model, u32 offset)
{
	u32 first = VTD_CAP_FRO(model->config.cap);

	return offset >= first &&
	       offset < first + 16 * VTD_CAP_NFR(model->config.cap);
}

static u64 *record_word(struct vtd_model *model, u32 offset)
{
	offset -= VTD_CAP_FRO(model->config.cap);
	return &model->frr[offset / 16][(offset / 8 % 2) ^ MUT(RECORD_HALF, 0, 1)];
}

/* 64-bit registers. False: there is none here. */
static bool read_wide(struct vtd_model *model, u32 offset, u64 *val)
{
	switch (offset) {
	case REG_CAP:
		*val = model->config.cap;
		return true;
	case REG_ECAP:
		*val = model->config.ecap;
		return true;
	case REG_RTADDR:
		*val = model->rtaddr;
		return true;
	case REG_CCMD:
		*val = 0;
		return true;
	case REG_IQER:
		*val = model->iqer;
		return true;
	case REG_PQH:
		*val = model->pqh;
		return true;
	case REG_PQT:
		*val = model->pqt;
		return true;
	case REG_PQA:
		*val = model->pqa;
		return true;
	}
	if (!is_record(model, offset) || offset % 8)
		return false;
	*val = *record_word(model, offset);
	return true;
}

static bool write_wide(struct vtd_model *model, u32 offset, u64 val, u64 mask)
{
	u64 old;

	if (!read_wide(model, offset, &old))
		return false;
	if (is_record(model, offset)) {
		if (offset / 8 % 2 && val & mask & FRR_F)
			*record_word(model, offset) &= ~FRR_F;
		faults_cleared(model);
		return true;
	}
	val = (old & ~mask) | (val & mask);
	switch (offset) {
	case REG_RTADDR:
		write_root(model, val);
		return true;
	case REG_PQH:
		model->pqh = write_queue_offset(val);
		return true;
	case REG_PQT:
		model->pqt = write_queue_offset(val);
		return true;
	case REG_PQA:
		if (val & ~PQA_VALID)
			model_violation("vtd: reserved bits in page request queue address: %#llx",
					val);
		model->pqa = val & PQA_VALID;
		return true;
	}
	return false;
}

static bool read_narrow(struct vtd_model *model, u32 offset, u32 *val)
{
	switch (offset) {
	case REG_VER:
		*val = VERSION;
		return true;
	case REG_GCMD:
	case REG_PMEN:
		*val = 0;
		return true;
	case REG_GSTS:
		*val = model->gsts;
		return true;
	case REG_FSTS:
		*val = fault_status(model);
		return true;
	case REG_FECTL:
		*val = event_control(model, VTD_MODEL_IRQ_FAULT);
		return true;
	case REG_FEDATA ... REG_FEUADDR:
		*val = model->msi[VTD_MODEL_IRQ_FAULT][(offset - REG_FEDATA) / 4];
		return true;
	case REG_PRS:
		*val = model->prs;
		return true;
	case REG_PECTL:
		*val = event_control(model, VTD_MODEL_IRQ_PAGE_REQUEST);
		return true;
	case REG_PEDATA ... REG_PEUADDR:
		*val = model->msi[VTD_MODEL_IRQ_PAGE_REQUEST][(offset - REG_PEDATA) / 4];
		return true;
	}
	return false;
}

static bool write_narrow(struct vtd_model *model, u32 offset, u32 val)
{
	switch (offset) {
	case REG_GCMD:
		write_command(model, val);
		return true;
	case REG_FSTS:
		write_fault_status(model, val);
		return true;
	case REG_FECTL:
		write_event_control(model, VTD_MODEL_IRQ_FAULT, val);
		return true;
	case REG_FEDATA ... REG_FEUADDR:
		model->msi[VTD_MODEL_IRQ_FAULT][(offset - REG_FEDATA) / 4] = val;
		return true;
	case REG_PRS:
		write_page_request_status(model, val);
		return true;
	case REG_PECTL:
		write_event_control(model, VTD_MODEL_IRQ_PAGE_REQUEST, val);
		return true;
	case REG_PEDATA ... REG_PEUADDR:
		model->msi[VTD_MODEL_IRQ_PAGE_REQUEST][(offset - REG_PEDATA) / 4] = val;
		return true;
	}
	return false;
}

static bool is_access(u32 offset, unsigned int size)
{
	return (size == 4 || size == 8) && !(offset % size);
}

static bool read_register(struct vtd_model *model, u32 offset, unsigned int size,
			  u64 *val)
{
	u32 narrow;

	if (!is_access(offset, size))
		return false;
	if (size == 8)
		return read_wide(model, offset, val);
	if (read_narrow(model, offset, &narrow)) {
		*val = narrow;
		return true;
	}
	if (!read_wide(model, offset & ~7U, val))
		return false;
	*val = MUT(REG_UPPER, offset & 4, 0) ? upper_32_bits(*val) : lower_32_bits(*val);
	return true;
}

static bool write_register(struct vtd_model *model, u32 offset, unsigned int size,
			   u64 val)
{
	unsigned int shift = (offset & 4) * 8;

	if (!is_access(offset, size))
		return false;
	if (size == 8)
		return write_wide(model, offset, val, ~0ULL);
	if (write_narrow(model, offset, val))
		return true;
	return write_wide(model, offset & ~7U, val << shift,
			  GENMASK_ULL(31, 0) << shift);
}

/**
 * vtd_model_read() - read a register
 * @model: unit
 * @offset: from the unit's base
 * @size: 4 or 8 bytes
 *
 * Any context. A register that is not there is a violation.
 *
 * Return: its value; all ones if it is not there.
 */
u64 vtd_model_read(struct vtd_model *model, u32 offset, unsigned int size)
{
	unsigned long flags = vtd_lock(model);
	u64 val = ~0ULL;

	if (!read_register(model, offset, size, &val))
		model_violation("vtd: read of %u bytes at %#x", size, offset);
	vtd_unlock(model, flags);
	return val;
}

/**
 * vtd_model_write() - write a register
 * @model: unit
 * @offset: from the unit's base
 * @size: 4 or 8 bytes
 * @val: to write
 *
 * Any context. A register that is not there, or cannot be written, is a violation.
 */
void vtd_model_write(struct vtd_model *model, u32 offset, unsigned int size,
		     u64 val)
{
	unsigned long flags = vtd_lock(model);

	if (!write_register(model, offset, size, val))
		model_violation("vtd: write of %u bytes, %#llx, at %#x", size, val,
				offset);
	vtd_unlock(model, flags);
}
