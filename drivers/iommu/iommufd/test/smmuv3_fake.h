/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An SMMUv3 for KUnit, whose door records what the driver does to it. Of what a
 * unit does it knows the command queue (IHI 0070 3.5, chapter 4, 7.1), and which
 * registers acknowledge others; it carries out no command. Tests put the rest in by
 * hooks. (The model under model/ is the opposite: it knows the specification and no
 * driver.)
 */
#ifndef __IOMMUFD_SMMUV3_FAKE_H
#define __IOMMUFD_SMMUV3_FAKE_H

#include <kunit/test.h>

#include "../smmuv3/cmdq.h"
#include "../smmuv3/device.h"
#include "../smmuv3/unit.h"

#define SMMUV3_FAKE_LOG_MAX	8192
#define SMMUV3_FAKE_WRITES_MAX	8192

/* Registers (6.3) that the fake or its users name. */
#define FAKE_IDR0		0x0
#define FAKE_IDR1		0x4
#define FAKE_IDR3		0xc
#define FAKE_IDR5		0x14
#define FAKE_IIDR		0x18
#define FAKE_CR0		0x20
#define FAKE_CR0ACK		0x24
#define FAKE_CR1		0x28
#define FAKE_CR2		0x2c
#define FAKE_GBPA		0x44
#define FAKE_IRQ_CTRL		0x50
#define FAKE_IRQ_CTRLACK	0x54
#define FAKE_GERROR		0x60
#define FAKE_GERRORN		0x64
#define FAKE_STRTAB_BASE	0x80
#define FAKE_STRTAB_BASE_CFG	0x88
#define FAKE_CMDQ_BASE		0x90
#define FAKE_CMDQ_PROD		0x98
#define FAKE_CMDQ_CONS		0x9c
#define FAKE_EVTQ_BASE		0xa0
#define FAKE_EVTQ_PROD		0x100a8
#define FAKE_EVTQ_CONS		0x100ac
#define FAKE_PRIQ_BASE		0xc0
#define FAKE_PRIQ_PROD		0x100c8
#define FAKE_PRIQ_CONS		0x100cc

#define FAKE_CR0_SMMUEN		BIT(0)
#define FAKE_CR0_PRIQEN		BIT(1)
#define FAKE_CR0_EVTQEN		BIT(2)
#define FAKE_CR0_CMDQEN		BIT(3)
#define FAKE_GERROR_CMDQ	BIT(0)

/* Opcodes (4.1.2). */
#define FAKE_PREFETCH_CONFIG	0x01
#define FAKE_CFGI_STE		0x03
#define FAKE_CFGI_ALL		0x04
#define FAKE_CFGI_CD		0x05
#define FAKE_CFGI_CD_ALL	0x06
#define FAKE_TLBI_NH_ALL	0x10
#define FAKE_TLBI_NH_ASID	0x11
#define FAKE_TLBI_NH_VA		0x12
#define FAKE_TLBI_NH_VAA	0x13
#define FAKE_TLBI_EL2_ALL	0x20
#define FAKE_TLBI_S12_VMALL	0x28
#define FAKE_TLBI_S2_IPA	0x2a
#define FAKE_TLBI_NSNH_ALL	0x30
#define FAKE_ATC_INV		0x40
#define FAKE_PRI_RESP		0x41
#define FAKE_RESUME		0x44
#define FAKE_STALL_TERM		0x45
#define FAKE_SYNC		0x46

/* Errors of commands (7.1). */
#define FAKE_CERROR_NONE	0
#define FAKE_CERROR_ILL		1
#define FAKE_CERROR_ABT		2
#define FAKE_CERROR_ATC_INV	3

/* IDR0 (6.3.1), IDR1, IDR3, IDR5 of smmuv3_fake_idr. */
#define FAKE_IDR0_S2P		BIT(0)
#define FAKE_IDR0_S1P		BIT(1)
#define FAKE_IDR0_COHACC	BIT(4)
#define FAKE_IDR0_HTTU		GENMASK(7, 6)
#define FAKE_IDR0_ATS		BIT(10)
#define FAKE_IDR0_ASID16	BIT(12)
#define FAKE_IDR0_MSI		BIT(13)
#define FAKE_IDR0_SEV		BIT(14)
#define FAKE_IDR0_PRI		BIT(16)
#define FAKE_IDR0_VMID16	BIT(18)
#define FAKE_IDR0_CD2L		BIT(19)
#define FAKE_IDR0_STALL_MODEL	GENMASK(25, 24)
#define FAKE_IDR0_STALL_NONE	BIT(24)
#define FAKE_IDR0_STALL_ALWAYS	BIT(25)
#define FAKE_IDR0_ST_LEVEL	GENMASK(28, 27)
#define FAKE_IDR1_SIDSIZE	GENMASK(5, 0)
#define FAKE_IDR1_SSIDSIZE	GENMASK(10, 6)
#define FAKE_IDR1_TYPES_OVR	BIT(27)
#define FAKE_IDR3_FWB		BIT(8)
#define FAKE_IDR3_RIL		BIT(10)

/**
 * struct smmuv3_fake_entry - one command that was consumed
 * @cmd: the command
 * @sync: how many SYNCs were consumed before it
 * @prod: how many writes of CMDQ_PROD there had been
 * @cerror: FAKE_CERROR_*: it was refused with this, and what stands in its place
 *	when the queue goes on is an entry of its own
 */
struct smmuv3_fake_entry {
	struct smmuv3_cmd cmd;
	unsigned int sync;
	unsigned int prod;
	u8 cerror;
};

/**
 * struct smmuv3_fake_write - one write of a register
 * @reg: byte offset
 * @size: 4 or 8
 * @val: value
 * @log: how many commands had been consumed
 */
struct smmuv3_fake_write {
	unsigned int reg;
	unsigned int size;
	u64 val;
	unsigned int log;
};

/**
 * struct smmuv3_fake - the unit
 * @unit: for the driver; decoded, no queues, no tables
 * @test: for failures
 * @pdev: what memory is allocated for
 * @lock: guards everything here; held while hooks run, interrupts off
 * @regs: first 4 KiB of page 0 and of page 1. A write stores and a read loads,
 *	but for those of the command queue, GERROR, and what acknowledges
 * @ack_delay: that many reads of CR0ACK and IRQ_CTRLACK after a write of what they
 *	acknowledge return the old value
 * @ack_left: of those, still to come: CR0ACK, IRQ_CTRLACK
 * @hold: do not consume commands but when smmuv3_fake_consume() says so
 * @reads: register reads so far
 * @writes: register writes in order
 * @num_writes: how many
 * @log: commands in the order they were consumed
 * @num_log: how many
 * @num_syncs: SYNCs carried out so far
 * @num_prods: writes of CMDQ_PROD so far
 * @stopped: a command was refused and GERROR not acknowledged yet
 * @dead: a device, @dead_sid, does not answer: a SYNC after an ATC_INV for it fails
 *	with CERROR_ATC_INV_SYNC, once
 * @dead_sid: which
 * @withhold: such a SYNC does not fail, but waits for smmuv3_fake_answer(), and all
 *	that is behind it too
 * @atc_pending: such an ATC_INV was consumed
 * @atc_errors: SYNCs that failed so
 * @on_cmd: for each command before it counts as consumed; returns FAKE_CERROR_*.
 *	Optional
 * @on_write: true: the write was dealt with. Optional
 * @on_read: true: *@val is what is read. Optional
 * @hard: interrupt handlers, and
 * @thread: their threads
 * @irq_data: and their argument
 * @priv: the test's
 */
struct smmuv3_fake {
	struct smmuv3_unit unit;
	struct kunit *test;
	struct platform_device *pdev;
	raw_spinlock_t lock;		/* see above */
	u8 regs[2][4096];
	unsigned int ack_delay;
	unsigned int ack_left[2];
	bool hold;
	unsigned int reads;
	struct smmuv3_fake_write *writes;
	unsigned int num_writes;
	struct smmuv3_fake_entry *log;
	unsigned int num_log;
	unsigned int num_syncs;
	unsigned int num_prods;
	bool stopped;
	bool dead;
	u32 dead_sid;
	bool withhold;
	bool atc_pending;
	unsigned int atc_errors;
	u8 (*on_cmd)(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd);
	bool (*on_write)(struct smmuv3_fake *fake, unsigned int reg,
			 unsigned int size, u64 val);
	bool (*on_read)(struct smmuv3_fake *fake, unsigned int reg,
			unsigned int size, u64 *val);
	irq_handler_t hard[SMMUV3_NUM_IRQS];
	irq_handler_t thread[SMMUV3_NUM_IRQS];
	void *irq_data[SMMUV3_NUM_IRQS];
	void *priv;
};

/* IDR0 to IDR5 of a unit that can do all that the driver asks for. */
extern const u32 smmuv3_fake_idr[6];

/*
 * All is freed with the test.
 * new          @idr: IDR0 to IDR5
 * start_cmdq   a command queue of the driver's, on, for units that are not
 *              started by smmuv3_unit_start()
 * device       without struct device behind it; StreamIDs @sid on, known to
 *              the unit
 */
struct smmuv3_fake *smmuv3_fake_new(struct kunit *test, const u32 idr[6],
				    u32 firmware);
void smmuv3_fake_start_cmdq(struct smmuv3_fake *fake);
struct smmuv3_device *smmuv3_fake_device(struct smmuv3_fake *fake, u32 sid,
					 unsigned int num_streams,
					 u32 max_pasids);

u32 smmuv3_fake_reg32(struct smmuv3_fake *fake, unsigned int reg);
u64 smmuv3_fake_reg64(struct smmuv3_fake *fake, unsigned int reg);
void smmuv3_fake_set32(struct smmuv3_fake *fake, unsigned int reg, u32 val);
void smmuv3_fake_set64(struct smmuv3_fake *fake, unsigned int reg, u64 val);
/* Memory as the unit finds it, from an address that it was told. */
void *smmuv3_fake_mem(struct smmuv3_fake *fake, u64 addr);
/* Consume at most @max commands; returns how many. For @hold. */
unsigned int smmuv3_fake_consume(struct smmuv3_fake *fake, unsigned int max);
/* What a SYNC waits for comes, for good; or is not waited for any more. */
void smmuv3_fake_answer(struct smmuv3_fake *fake, bool timeout);
/* Run the handlers as the interrupt would. */
void smmuv3_fake_interrupt(struct smmuv3_fake *fake, enum smmuv3_irq which);
/* Empty @writes and @log; the counters are 0. */
void smmuv3_fake_forget(struct smmuv3_fake *fake);
/* Number of the first write of @reg from write @from on, or UINT_MAX. */
unsigned int smmuv3_fake_find_write(struct smmuv3_fake *fake, unsigned int from,
				    unsigned int reg);

/*
 * The log from entry @from on is, to its end, @want. Of a SYNC only the opcode is
 * compared, as it is free how its completion is signalled.
 */
void smmuv3_fake_expect_from(struct smmuv3_fake *fake, unsigned int from,
			     const struct smmuv3_cmd *want, unsigned int num);
#define smmuv3_fake_expect(fake, ...)					\
	do {								\
		const struct smmuv3_cmd __want[] = { __VA_ARGS__ };	\
									\
		smmuv3_fake_expect_from(fake, 0, __want,		\
					ARRAY_SIZE(__want));		\
	} while (0)
/* Number of the first entry from @from on that is @want, or UINT_MAX. */
unsigned int smmuv3_fake_find(struct smmuv3_fake *fake, unsigned int from,
			      const struct smmuv3_cmd *want);
/* How many with opcode @op. */
unsigned int smmuv3_fake_count(struct smmuv3_fake *fake, u8 op);

/* Fields of commands (chapter 4). */
static inline u8 smmuv3_fake_op(const struct smmuv3_cmd *cmd)
{
	return cmd->qw[0];
}

/* CFGI, ATC_INV, PRI_RESP, RESUME */
static inline u32 smmuv3_fake_sid(const struct smmuv3_cmd *cmd)
{
	return cmd->qw[0] >> 32;
}

/* CFGI_CD, ATC_INV, PRI_RESP */
static inline u32 smmuv3_fake_ssid(const struct smmuv3_cmd *cmd)
{
	return cmd->qw[0] >> 12 & 0xfffff;
}

/* What smmuv3_fake_expect() is given. */
#define FAKE_CMD(_qw0, _qw1)	((struct smmuv3_cmd){ { (_qw0), (_qw1) } })
#define FAKE_CMD_SYNC		FAKE_CMD(FAKE_SYNC, 0)
#define FAKE_CMD_CFGI_STE(sid, leaf)					\
	FAKE_CMD(FAKE_CFGI_STE | (u64)(sid) << 32, (leaf) ? 1 : 0)
/* Range 31: everything */
#define FAKE_CMD_CFGI_ALL	FAKE_CMD(FAKE_CFGI_ALL, 31)
#define FAKE_CMD_CFGI_CD(sid, ssid, leaf)				\
	FAKE_CMD(FAKE_CFGI_CD | (u64)(ssid) << 12 | (u64)(sid) << 32,	\
		 (leaf) ? 1 : 0)
#define FAKE_CMD_CFGI_CD_ALL(sid)					\
	FAKE_CMD(FAKE_CFGI_CD_ALL | (u64)(sid) << 32, 0)
#define FAKE_CMD_TLBI_NSNH_ALL	FAKE_CMD(FAKE_TLBI_NSNH_ALL, 0)
#define FAKE_CMD_TLBI_NH_ALL(vmid)					\
	FAKE_CMD(FAKE_TLBI_NH_ALL | (u64)(vmid) << 32, 0)
#define FAKE_CMD_TLBI_NH_ASID(vmid, asid)				\
	FAKE_CMD(FAKE_TLBI_NH_ASID | (u64)(vmid) << 32 |		\
		 (u64)(asid) << 48, 0)
#define FAKE_CMD_TLBI_S12_VMALL(vmid)					\
	FAKE_CMD(FAKE_TLBI_S12_VMALL | (u64)(vmid) << 32, 0)

#endif
