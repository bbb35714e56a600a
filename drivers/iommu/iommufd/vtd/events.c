// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unrecoverable faults: the fault recording registers of a unit (VT-d
 * specification 7.2, 7.3, 11.4.7).
 *
 * The status register also has the bits of the invalidation queue's errors. As long as
 * one of them is set a fault raises no interrupt. That of a descriptor (IQE) and that of
 * a device that does not answer (ITE) belong to whoever waits for the queue, and are
 * never written here. A completion that nobody asked for (ICE) may come when nobody does.
 */
#define pr_fmt(fmt) "iommufd-vtd: " fmt

#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>

#include "events.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Fault recording register (11.4.7.6): 128 bits; the upper 64. */
#define RECORD_SIZE		16
#define RECORD_HIGH		8
#define RECORD_F_DWORD		12
#define RECORD_RID		GENMASK_ULL(15, 0)
#define RECORD_PRIV		BIT_ULL(29)
#define RECORD_EXEC		BIT_ULL(30)
#define RECORD_PASID_PRESENT	BIT_ULL(31)
#define RECORD_REASON		GENMASK_ULL(39, 32)
#define RECORD_PASID		GENMASK_ULL(59, 40)
/* Type bit 1: read or atomic; without it a write, or a page request. */
#define RECORD_READ		BIT_ULL(62)
#define RECORD_F		BIT_ULL(63)
/* The lower 64: a page address, or an interrupt index. */
#define RECORD_ADDR		GENMASK_ULL(63, 12)
#define RECORD_INDEX		GENMASK_ULL(63, 48)

/*
 * Looks, a millisecond apart, until an error of the queue has been cleared: whoever waits
 * for it does so with interrupts off.
 */
#define QUEUE_LOOKS		100

/* 7.1.3: reasons of interrupt remapping. */
#define REASON_IR_FIRST		0x20
#define REASON_IR_LAST		0x2f

static const char * const fault_reasons[256] = {
	/* Legacy mode */
	[0x01] = "the root entry is not present",
	[0x02] = "the context entry is not present",
	[0x03] = "the context entry is not valid for the unit",
	[0x04] = "the address is wider than the unit or the table takes",
	[0x05] = "a write, or an atomic, where writing is not allowed",
	[0x06] = "a read, or an atomic, where reading is not allowed",
	[0x07] = "a page table could not be read",
	[0x08] = "the root table could not be read",
	[0x09] = "the context table could not be read",
	[0x0a] = "reserved bits are set in the root entry",
	[0x0b] = "reserved bits are set in the context entry",
	[0x0c] = "reserved bits are set in a page table entry",
	[0x0d] = "the context entry does not allow translation requests",
	[0x0e] = "a translated or page request in the interrupt address range",
	/* Interrupt remapping */
	[0x20] = "reserved bits are set in an interrupt request",
	[0x21] = "the interrupt index is beyond the table",
	[0x22] = "the interrupt entry is not present",
	[0x23] = "the interrupt table could not be read",
	[0x24] = "reserved bits are set in the interrupt entry",
	[0x25] = "an interrupt in compatibility format, which is blocked",
	[0x26] = "the requester may not use the interrupt entry",
	[0x27] = "the posted-interrupt descriptor could not be read",
	[0x28] = "reserved bits are set in the posted-interrupt descriptor",
	/* Scalable mode: root table address */
	[0x30] = "the root table address register has a reserved mode",
	[0x31] = "a request with PASID, and the unit is not in scalable mode",
	[0x32] = "a page request, and the unit is not in scalable mode",
	/* Root entry */
	[0x38] = "the root entry could not be read",
	[0x39] = "the root entry is not present",
	[0x3a] = "reserved bits are set in the root entry",
	/* Context entry */
	[0x40] = "the context entry could not be read",
	[0x41] = "the context entry is not present",
	[0x42] = "reserved bits are set in the context entry",
	[0x43] = "the context entry is not valid for the unit",
	[0x44] = "the context entry does not let the device use ATS",
	[0x45] = "the context entry does not let the device use PASIDs",
	[0x46] = "the PASID is beyond the device's directory",
	[0x47] = "the context entry does not let the device send page requests",
	[0x48] = "the PASID that stands for none is beyond the directory",
	/* PASID directory entry */
	[0x50] = "the PASID directory entry could not be read",
	[0x51] = "the PASID directory entry is not present",
	[0x52] = "reserved bits are set in the PASID directory entry",
	/* PASID table entry */
	[0x58] = "the PASID table entry could not be read",
	[0x59] = "the PASID table entry is not present",
	[0x5a] = "reserved bits are set in the PASID table entry",
	[0x5b] = "the PASID table entry is not valid for the unit",
	[0x5c] = "the PASID does not allow execute requests",
	[0x5d] = "the PASID does not allow supervisor requests",
	/* First stage */
	[0x70] = "a first-stage entry could not be read",
	[0x71] = "a first-stage entry is not present",
	[0x72] = "reserved bits are set in a first-stage entry",
	[0x73] = "the first-stage table could not be read",
	[0x74] = "a first-stage entry points beyond the second stage",
	[0x75] = "the second stage does not let the first-stage table be read",
	[0x76] = "the second stage does not let a first-stage entry be read",
	[0x77] = "the second stage does not let a first-stage entry be updated",
	/* Second stage */
	[0x78] = "a second-stage entry could not be read",
	[0x79] = "no second-stage entry that allows the access",
	[0x7a] = "reserved bits are set in a second-stage entry",
	[0x7b] = "the second-stage table could not be read",
	[0x7c] = "a second-stage entry needs an update that would not be snooped",
	/* Either */
	[0x80] = "the address is not canonical",
	[0x81] = "a user request for a supervisor page",
	[0x82] = "an execute request for a page that is not executable",
	[0x83] = "the address is beyond what the unit translates to",
	[0x84] = "the address is wider than the second stage takes",
	[0x85] = "a write, or an atomic, to a page that is not writable",
	[0x86] = "a read, or an atomic, of a page that is not readable",
	[0x87] = "the address is one of interrupts",
	[0x90] = "a first-stage entry needs an update that would not be snooped",
};

/**
 * vtd_fault_reason() - what a fault reason means
 * @reason: of a fault record (7.1.3)
 *
 * Return: a sentence without a full stop; for numbers without meaning one that
 * says so.
 */
const char *vtd_fault_reason(u8 reason)
{
	return fault_reasons[reason] ?: "a reason that has no name";
}

static bool fault_is_interrupt(const struct vtd_fault *fault)
{
	return fault->reason >= REASON_IR_FIRST &&
	       fault->reason <= REASON_IR_LAST;
}

static void fault_decode(u64 lo, u64 hi, struct vtd_fault *fault)
{
	*fault = (struct vtd_fault){
		.rid = FIELD_GET(RECORD_RID, hi),
		.reason = FIELD_GET(RECORD_REASON, hi),
	};
	if (fault_is_interrupt(fault)) {
		fault->addr = FIELD_GET(RECORD_INDEX, lo);
		return;
	}
	fault->addr = lo & RECORD_ADDR;
	fault->read = hi & RECORD_READ;
	if (!(hi & RECORD_PASID_PRESENT))
		return;
	fault->pasid_valid = true;
	fault->pasid = FIELD_GET(RECORD_PASID, hi);
	fault->execute = hi & RECORD_EXEC;
	fault->privileged = hi & RECORD_PRIV;
}

static void fault_log(struct vtd_unit *unit, const struct vtd_fault *fault)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	u8 bus = PCI_BUS_NUM(fault->rid), devfn = fault->rid & 0xff;
	char pasid[sizeof(" PASID 0xfffff")] = "";

	if (!__ratelimit(&limit))
		return;
	if (fault_is_interrupt(fault)) {
		pr_err("%s: interrupt %#llx of %02x:%02x.%x blocked: %s (%#x)\n",
		       unit->name, fault->addr, bus, PCI_SLOT(devfn),
		       PCI_FUNC(devfn), vtd_fault_reason(fault->reason),
		       fault->reason);
		return;
	}
	if (fault->pasid_valid)
		snprintf(pasid, sizeof(pasid), " PASID %#x", fault->pasid);
	pr_err("%s: %s by %02x:%02x.%x%s at %#llx blocked: %s (%#x)\n",
	       unit->name, fault->read ? "read" : "write", bus,
	       PCI_SLOT(devfn), PCI_FUNC(devfn), pasid, fault->addr,
	       vtd_fault_reason(fault->reason), fault->reason);
}

static void fault_handle(struct vtd_unit *unit, const struct vtd_fault *fault)
{
	atomic64_inc(&unit->faults);
	fault_log(unit, fault);
	/* Not DMA: no table of a domain is at fault, and no user is told. */
	if (fault_is_interrupt(fault)) {
		trace_vtd_interrupt_fault(unit, fault);
		return;
	}
	trace_vtd_fault(unit, fault);
	vtd_fault_report(unit, fault);
}

/*
 * Records from @index on, until one is empty. The unit fills them in a ring, and
 * does not touch one whose F bit is set (7.2.1). Returns how many there were.
 */
static unsigned int fault_read_records(struct vtd_unit *unit, u32 index)
{
	unsigned int records = cap_num_fault_regs(unit->cap);
	unsigned int base = cap_fault_reg_offset(unit->cap);
	unsigned int num;

	index %= records;
	for (num = 0; num < records; num++) {
		unsigned int reg = base + index * RECORD_SIZE;
		u64 hi = unit->door->read64(unit, reg + RECORD_HIGH);
		struct vtd_fault fault;

		/* All ones: the unit has gone, there would be no end */
		if (!(hi & RECORD_F) || hi == U64_MAX)
			break;
		fault_decode(unit->door->read64(unit, reg), hi, &fault);
		/* It can be filled again from here on. */
		unit->door->write32(unit, reg + RECORD_F_DWORD, DMA_FRCD_F);
		fault_handle(unit, &fault);
		index = (index + 1) % records;
	}
	return num;
}

/*
 * A device sends completions as it likes. The tree clears this while it waits for the
 * queue, and does no more about it either.
 */
static void fault_queue_completion(struct vtd_unit *unit)
{
	u64 info = unit->door->read64(unit, DMAR_IQER_REG);
	u16 rid = DMAR_IQER_REG_ICESID(info);

	pr_warn_ratelimited("%s: device %02x:%02x.%x completes an invalidation that it was not asked for\n",
			    unit->name, PCI_BUS_NUM(rid), PCI_SLOT(rid & 0xff),
			    PCI_FUNC(rid & 0xff));
	unit->door->write32(unit, DMAR_FSTS_REG, DMA_FSTS_ICE);
}

/* Is there more to look at? */
enum fault_more {
	FAULT_NO_MORE,
	FAULT_MORE,
	FAULT_MORE_LATER,
};

/*
 * One look at the status. Returns whether to look again: a fault raises an
 * interrupt only if no bit of the status was set before it (11.4.7.2), so there
 * must be none left.
 *
 * The overflow bit goes after the records, without which the unit would set it
 * again.
 */
static enum fault_more fault_pass(struct vtd_unit *unit)
{
	unsigned int num = 0;
	bool more = false;
	u32 status;

	lockdep_assert_held(&unit->events_lock);
	status = unit->door->read32(unit, DMAR_FSTS_REG);

	/* The unit has gone. */
	if (status == U32_MAX)
		return FAULT_NO_MORE;
	if (status & DMA_FSTS_ICE) {
		fault_queue_completion(unit);
		more = true;
	}
	if (status & DMA_FSTS_PPF)
		num = fault_read_records(unit,
					 dma_fsts_fault_record_index(status));
	if (status & DMA_FSTS_PFO) {
		u64 overflows = atomic64_inc_return(&unit->fault_overflows);

		trace_vtd_fault_overflow(unit, overflows);
		unit->door->write32(unit, DMAR_FSTS_REG, DMA_FSTS_PFO);
	}
	if (more || num || status & DMA_FSTS_PFO)
		return FAULT_MORE;
	return status & (DMA_FSTS_IQE | DMA_FSTS_ITE) ? FAULT_MORE_LATER :
							FAULT_NO_MORE;
}

/* In a thread: a device that does nothing but fault must not stop a CPU. */
static irqreturn_t fault_thread(int irq, void *data)
{
	struct vtd_unit *unit = data;
	unsigned int looks = QUEUE_LOOKS;
	enum fault_more more;

	do {
		mutex_lock(&unit->events_lock);
		more = fault_pass(unit);
		mutex_unlock(&unit->events_lock);
		cond_resched();
		if (more == FAULT_MORE_LATER && --looks)
			usleep_range(1000, 2000);
	} while (more && looks);
	return IRQ_HANDLED;
}

/**
 * vtd_events_drain() - report what has been recorded
 * @unit: the unit
 *
 * A record says which requester and PASID it was, not whose these were. So before
 * they change hands what is recorded is reported, and on return nothing that was
 * recorded before the call is still to be. One look is enough for that, and a device
 * that does nothing but fault holds nobody up. May sleep.
 */
void vtd_events_drain(struct vtd_unit *unit)
{
	mutex_lock(&unit->events_lock);
	fault_pass(unit);
	mutex_unlock(&unit->events_lock);
}

/**
 * vtd_events_start() - read the unit's fault records from now on
 * @unit: does not translate yet
 *
 * Reads what is recorded already, since only the first record raises an
 * interrupt. May sleep.
 *
 * Return: 0, or what requesting the interrupt returns.
 */
int vtd_events_start(struct vtd_unit *unit)
{
	fault_thread(0, unit);
	return unit->door->irq_request(unit, VTD_IRQ_FAULT, NULL, fault_thread,
				       unit);
}

/**
 * vtd_events_stop() - undo vtd_events_start()
 * @unit: does not translate any more
 *
 * May sleep.
 */
void vtd_events_stop(struct vtd_unit *unit)
{
	unit->door->irq_free(unit, VTD_IRQ_FAULT, unit);
}
