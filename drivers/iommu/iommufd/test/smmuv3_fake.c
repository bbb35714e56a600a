// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SMMUv3 that records what the driver does to it, and consumes its command
 * queue. Everything is under smmuv3_fake::lock, which is taken with interrupts
 * off as the door is used in any context; handlers run without it.
 */
#include <linux/bitfield.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "../map/quarantine.h"
#include "../smmuv3/owed.h"
#include "smmuv3_fake.h"

/* 6.3.1: TTF AArch64, HTTU of access and dirty, TTENDIAN little, two levels */
#define IDR0_ALL	(FAKE_IDR0_S2P | FAKE_IDR0_S1P | 2 << 2 |	\
			 FAKE_IDR0_COHACC | 2 << 6 | FAKE_IDR0_ATS |	\
			 FAKE_IDR0_ASID16 | FAKE_IDR0_MSI |		\
			 FAKE_IDR0_SEV | FAKE_IDR0_PRI |		\
			 FAKE_IDR0_VMID16 | FAKE_IDR0_CD2L | 2 << 21 |	\
			 1 << 27)
/* 6.3.2: 16 bits of StreamID, 20 of SubstreamID; queues of up to 2^10 entries */
#define IDR1_ALL	(16 | 20 << 6 | 10 << 11 | 10 << 16 | 10 << 21 | \
			 FAKE_IDR1_TYPES_OVR)
/* 6.3.6: 48 bits of output, all granules, 256 stalled transactions */
#define IDR5_ALL	(5 | 7 << 4 | 256 << 16)

const u32 smmuv3_fake_idr[6] = {
	IDR0_ALL, IDR1_ALL, 0, FAKE_IDR3_FWB | FAKE_IDR3_RIL, 0, IDR5_ALL,
};

#define GBPA_UPDATE	BIT(31)
#define CONS_ERR	GENMASK(30, 24)
#define BASE_ADDR	GENMASK_ULL(51, 5)
#define BASE_LOG2SIZE	GENMASK_ULL(4, 0)
#define SYNC_CS		GENMASK_ULL(13, 12)
#define SYNC_CS_IRQ	1
#define SYNC_MSI_DATA	GENMASK_ULL(63, 32)
#define SYNC_MSI_ADDR	GENMASK_ULL(51, 2)

/* What execute() returns of a SYNC that waits for a device */
#define FAKE_WAITS	0xff

static struct smmuv3_fake *to_fake(struct smmuv3_unit *unit)
{
	return container_of(unit, struct smmuv3_fake, unit);
}

static void *reg_at(struct smmuv3_fake *fake, unsigned int reg)
{
	static u8 nowhere[8];
	unsigned int page = reg >> 16, at = reg & 0xffff;

	if (page > 1 || at > sizeof(fake->regs[0]) - 8) {
		KUNIT_FAIL(fake->test, "no such register: %x", reg);
		return nowhere;
	}
	return &fake->regs[page][at];
}

u32 smmuv3_fake_reg32(struct smmuv3_fake *fake, unsigned int reg)
{
	u32 val;

	memcpy(&val, reg_at(fake, reg), sizeof(val));
	return val;
}

u64 smmuv3_fake_reg64(struct smmuv3_fake *fake, unsigned int reg)
{
	u64 val;

	memcpy(&val, reg_at(fake, reg), sizeof(val));
	return val;
}

void smmuv3_fake_set32(struct smmuv3_fake *fake, unsigned int reg, u32 val)
{
	memcpy(reg_at(fake, reg), &val, sizeof(val));
}

void smmuv3_fake_set64(struct smmuv3_fake *fake, unsigned int reg, u64 val)
{
	memcpy(reg_at(fake, reg), &val, sizeof(val));
}

void *smmuv3_fake_mem(struct smmuv3_fake *fake, u64 addr)
{
	return phys_to_virt(dma_to_phys(&fake->pdev->dev, addr));
}

/* Carry out a command as far as the fake does; FAKE_CERROR_*. */
static u8 execute(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	u8 op = smmuv3_fake_op(cmd);
	u64 msi;

	if (fake->on_cmd) {
		u8 cerror = fake->on_cmd(fake, cmd);

		if (cerror)
			return cerror;
	}
	if (op == FAKE_ATC_INV && fake->dead &&
	    smmuv3_fake_sid(cmd) == fake->dead_sid)
		fake->atc_pending = true;
	if (op != FAKE_SYNC)
		return FAKE_CERROR_NONE;

	/* 4.7.3: the time out is the SYNC's */
	if (fake->atc_pending && fake->withhold)
		return FAKE_WAITS;
	if (fake->atc_pending) {
		fake->atc_pending = false;
		fake->atc_errors++;
		return FAKE_CERROR_ATC_INV;
	}
	msi = cmd->qw[1] & SYNC_MSI_ADDR;
	if (FIELD_GET(SYNC_CS, cmd->qw[0]) == SYNC_CS_IRQ && msi)
		/* 4.7.3.1: whoever sees it sees what was done before it */
		smp_store_release((u32 *)smmuv3_fake_mem(fake, msi),
				  (u32)FIELD_GET(SYNC_MSI_DATA, cmd->qw[0]));
	fake->num_syncs++;
	return FAKE_CERROR_NONE;
}

static void log_cmd(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd,
		    unsigned int sync, u8 cerror)
{
	if (fake->num_log == SMMUV3_FAKE_LOG_MAX) {
		KUNIT_FAIL(fake->test, "more commands than the log holds");
		return;
	}
	fake->log[fake->num_log++] = (struct smmuv3_fake_entry){
		.cmd = *cmd,
		.sync = sync,
		.prod = fake->num_prods,
		.cerror = cerror,
	};
}

/* 3.5: from CONS to PROD; their wrap bit is above the index. */
static unsigned int consume(struct smmuv3_fake *fake, unsigned int max)
{
	u64 base = smmuv3_fake_reg64(fake, FAKE_CMDQ_BASE);
	u32 wrapped = (2U << FIELD_GET(BASE_LOG2SIZE, base)) - 1;
	u32 prod = smmuv3_fake_reg32(fake, FAKE_CMDQ_PROD) & wrapped;
	u32 cons = smmuv3_fake_reg32(fake, FAKE_CMDQ_CONS) & wrapped;
	unsigned int num = 0, sync;
	__le64 *queue;

	lockdep_assert_held(&fake->lock);
	if (!(smmuv3_fake_reg32(fake, FAKE_CR0) & FAKE_CR0_CMDQEN))
		return 0;
	queue = smmuv3_fake_mem(fake, base & BASE_ADDR);
	while (!fake->stopped && cons != prod && num < max) {
		u32 at = (cons & (wrapped >> 1)) * 2;
		struct smmuv3_cmd cmd = { {
			le64_to_cpu(READ_ONCE(queue[at])),
			le64_to_cpu(READ_ONCE(queue[at + 1])),
		} };
		u8 cerror;

		sync = fake->num_syncs;
		cerror = execute(fake, &cmd);
		if (cerror == FAKE_WAITS)
			break;
		log_cmd(fake, &cmd, sync, cerror);
		if (cerror) {
			u32 gerror = smmuv3_fake_reg32(fake, FAKE_GERROR);

			/* 7.1: CONS stays at the command */
			fake->stopped = true;
			cons |= FIELD_PREP(CONS_ERR, cerror);
			smmuv3_fake_set32(fake, FAKE_CMDQ_CONS, cons);
			smmuv3_fake_set32(fake, FAKE_GERROR,
					  gerror ^ FAKE_GERROR_CMDQ);
			break;
		}
		cons = (cons + 1) & wrapped;
		smmuv3_fake_set32(fake, FAKE_CMDQ_CONS, cons);
		num++;
	}
	return num;
}

unsigned int smmuv3_fake_consume(struct smmuv3_fake *fake, unsigned int max)
{
	unsigned long flags;
	unsigned int num;

	raw_spin_lock_irqsave(&fake->lock, flags);
	num = consume(fake, max);
	raw_spin_unlock_irqrestore(&fake->lock, flags);
	return num;
}

static void consume_auto(struct smmuv3_fake *fake)
{
	if (!fake->hold)
		consume(fake, UINT_MAX);
}

/* Registers that do something when written. */
static void effect(struct smmuv3_fake *fake, unsigned int reg, u64 val)
{
	u32 active;

	switch (reg) {
	case FAKE_CR0:
		fake->ack_left[0] = fake->ack_delay;
		smmuv3_fake_set32(fake, reg, val);
		consume_auto(fake);
		return;
	case FAKE_IRQ_CTRL:
		fake->ack_left[1] = fake->ack_delay;
		break;
	case FAKE_GBPA:
		val &= ~GBPA_UPDATE;
		break;
	case FAKE_CMDQ_PROD:
		fake->num_prods++;
		smmuv3_fake_set32(fake, reg, val);
		consume_auto(fake);
		return;
	case FAKE_GERRORN:
		smmuv3_fake_set32(fake, reg, val);
		active = smmuv3_fake_reg32(fake, FAKE_GERROR) ^ val;
		if (!fake->stopped || active & FAKE_GERROR_CMDQ)
			return;
		fake->stopped = false;
		val = smmuv3_fake_reg32(fake, FAKE_CMDQ_CONS);
		smmuv3_fake_set32(fake, FAKE_CMDQ_CONS, val & ~CONS_ERR);
		consume_auto(fake);
		return;
	/* Read only: what was written is in the record alone */
	case FAKE_CR0ACK:
	case FAKE_IRQ_CTRLACK:
	case FAKE_GERROR:
		return;
	}
	smmuv3_fake_set32(fake, reg, val);
}

static void fake_write(struct smmuv3_unit *unit, unsigned int reg,
		       unsigned int size, u64 val)
{
	struct smmuv3_fake *fake = to_fake(unit);
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	if (fake->num_writes == SMMUV3_FAKE_WRITES_MAX)
		KUNIT_FAIL(fake->test, "more writes than the record holds");
	else
		fake->writes[fake->num_writes++] = (struct smmuv3_fake_write){
			.reg = reg,
			.size = size,
			.val = val,
			.log = fake->num_log,
		};
	if (fake->on_write && fake->on_write(fake, reg, size, val))
		goto out;
	if (size == 8)
		smmuv3_fake_set64(fake, reg, val);
	else
		effect(fake, reg, val);
out:
	raw_spin_unlock_irqrestore(&fake->lock, flags);
}

static u64 fake_read(struct smmuv3_unit *unit, unsigned int reg,
		     unsigned int size)
{
	struct smmuv3_fake *fake = to_fake(unit);
	unsigned long flags;
	unsigned int which;
	u64 val;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->reads++;
	if (reg == FAKE_CR0ACK || reg == FAKE_IRQ_CTRLACK) {
		which = reg == FAKE_IRQ_CTRLACK;
		if (fake->ack_left[which])
			fake->ack_left[which]--;
		else
			smmuv3_fake_set32(fake, reg,
					  smmuv3_fake_reg32(fake, reg - 4));
	}
	if (!fake->on_read || !fake->on_read(fake, reg, size, &val))
		val = size == 8 ? smmuv3_fake_reg64(fake, reg) :
				  smmuv3_fake_reg32(fake, reg);
	raw_spin_unlock_irqrestore(&fake->lock, flags);
	return val;
}

static u32 fake_read32(struct smmuv3_unit *unit, unsigned int reg)
{
	return fake_read(unit, reg, 4);
}

static u64 fake_read64(struct smmuv3_unit *unit, unsigned int reg)
{
	return fake_read(unit, reg, 8);
}

static void fake_write32(struct smmuv3_unit *unit, unsigned int reg, u32 val)
{
	fake_write(unit, reg, 4, val);
}

static void fake_write64(struct smmuv3_unit *unit, unsigned int reg, u64 val)
{
	fake_write(unit, reg, 8, val);
}

static int fake_irq_request(struct smmuv3_unit *unit, enum smmuv3_irq which,
			    irq_handler_t hard, irq_handler_t thread,
			    void *data)
{
	struct smmuv3_fake *fake = to_fake(unit);

	KUNIT_EXPECT_TRUE(fake->test, hard || thread);
	KUNIT_EXPECT_TRUE(fake->test,
			  !fake->hard[which] && !fake->thread[which]);
	fake->hard[which] = hard;
	fake->thread[which] = thread;
	fake->irq_data[which] = data;
	return 0;
}

static void fake_irq_free(struct smmuv3_unit *unit, enum smmuv3_irq which,
			  void *data)
{
	struct smmuv3_fake *fake = to_fake(unit);

	KUNIT_EXPECT_TRUE(fake->test, fake->hard[which] || fake->thread[which]);
	KUNIT_EXPECT_PTR_EQ(fake->test, fake->irq_data[which], data);
	fake->hard[which] = NULL;
	fake->thread[which] = NULL;
}

static const struct smmuv3_door_ops fake_door = {
	.read32 = fake_read32,
	.read64 = fake_read64,
	.write32 = fake_write32,
	.write64 = fake_write64,
	.irq_request = fake_irq_request,
	.irq_free = fake_irq_free,
};

void smmuv3_fake_interrupt(struct smmuv3_fake *fake, enum smmuv3_irq which)
{
	irqreturn_t ret = IRQ_WAKE_THREAD;
	unsigned long flags;

	if (fake->hard[which]) {
		local_irq_save(flags);
		ret = fake->hard[which](0, fake->irq_data[which]);
		local_irq_restore(flags);
	}
	if (ret == IRQ_WAKE_THREAD && fake->thread[which])
		fake->thread[which](0, fake->irq_data[which]);
}

void smmuv3_fake_answer(struct smmuv3_fake *fake, bool timeout)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->withhold = false;
	if (!timeout) {
		fake->atc_pending = false;
		fake->dead = false;
	}
	consume(fake, UINT_MAX);
	raw_spin_unlock_irqrestore(&fake->lock, flags);
}

void smmuv3_fake_forget(struct smmuv3_fake *fake)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->reads = 0;
	fake->num_writes = 0;
	fake->num_log = 0;
	fake->num_syncs = 0;
	fake->num_prods = 0;
	fake->atc_errors = 0;
	raw_spin_unlock_irqrestore(&fake->lock, flags);
}

unsigned int smmuv3_fake_find_write(struct smmuv3_fake *fake, unsigned int from,
				    unsigned int reg)
{
	unsigned int i;

	for (i = from; i < fake->num_writes; i++)
		if (fake->writes[i].reg == reg)
			return i;
	return UINT_MAX;
}

static bool same_cmd(const struct smmuv3_cmd *a, const struct smmuv3_cmd *b)
{
	if (smmuv3_fake_op(a) == FAKE_SYNC)
		return smmuv3_fake_op(b) == FAKE_SYNC;
	return a->qw[0] == b->qw[0] && a->qw[1] == b->qw[1];
}

void smmuv3_fake_expect_from(struct smmuv3_fake *fake, unsigned int from,
			     const struct smmuv3_cmd *want, unsigned int num)
{
	unsigned int i, got = fake->num_log - min(from, fake->num_log);

	KUNIT_EXPECT_EQ_MSG(fake->test, got, num, "number of commands");
	for (i = 0; i < min(got, num); i++) {
		const struct smmuv3_cmd *cmd = &fake->log[from + i].cmd;

		KUNIT_EXPECT_TRUE_MSG(fake->test, same_cmd(cmd, &want[i]),
				      "command %u is %016llx %016llx, not %016llx %016llx",
				      from + i, cmd->qw[0], cmd->qw[1],
				      want[i].qw[0], want[i].qw[1]);
	}
}

unsigned int smmuv3_fake_find(struct smmuv3_fake *fake, unsigned int from,
			      const struct smmuv3_cmd *want)
{
	unsigned int i;

	for (i = from; i < fake->num_log; i++)
		if (same_cmd(&fake->log[i].cmd, want))
			return i;
	return UINT_MAX;
}

unsigned int smmuv3_fake_count(struct smmuv3_fake *fake, u8 op)
{
	unsigned int i, num = 0;

	for (i = 0; i < fake->num_log; i++)
		num += smmuv3_fake_op(&fake->log[i].cmd) == op;
	return num;
}

static void unregister(void *pdev)
{
	platform_device_unregister(pdev);
}

static void make_device(struct smmuv3_fake *fake)
{
	struct kunit *test = fake->test;
	struct device *dev;

	fake->pdev = platform_device_register_simple("smmuv3-fake",
						     PLATFORM_DEVID_AUTO, NULL,
						     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fake->pdev));
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, unregister, fake->pdev),
			0);
	dev = &fake->pdev->dev;
#ifdef CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE
	/* Firmware says so of a unit with COHACC */
	dev->dma_coherent = true;
#endif
	KUNIT_ASSERT_EQ(test, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(52)),
			0);
	fake->unit.dev = dev;
}

/* As when a unit stops: what a test let it owe is no other test's. */
static void stop_owing(void *data)
{
	struct smmuv3_fake *fake = data;

	smmuv3_owed_exit(&fake->unit, true);
	map_quarantine_settle();
}

struct smmuv3_fake *smmuv3_fake_new(struct kunit *test, const u32 idr[6],
				    u32 firmware)
{
	struct smmuv3_fake *fake;
	unsigned int i;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->log = kunit_kcalloc(test, SMMUV3_FAKE_LOG_MAX, sizeof(*fake->log),
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->log);
	fake->writes = kunit_kcalloc(test, SMMUV3_FAKE_WRITES_MAX,
				     sizeof(*fake->writes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->writes);
	fake->test = test;
	raw_spin_lock_init(&fake->lock);
	make_device(fake);

	fake->unit.door = &fake_door;
	fake->unit.firmware = firmware;
	for (i = 0; i < 6; i++) {
		fake->unit.idr[i] = idr[i];
		smmuv3_fake_set32(fake, FAKE_IDR0 + 4 * i, idr[i]);
	}
	smmuv3_caps_decode(&fake->unit.caps, fake->unit.idr, firmware);
	mutex_init(&fake->unit.lock);
	xa_init(&fake->unit.streams);
	tag_ids_init(&fake->unit.asids);
	tag_ids_init(&fake->unit.vmids);
	xa_init(&fake->unit.contexts);
	INIT_LIST_HEAD(&fake->unit.item);
	strscpy(fake->unit.name, "fake");
	smmuv3_owed_init(&fake->unit);
	/* Tests say when somebody looks */
	fake->unit.owed.delay = 0;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_owing, fake),
			0);
	return fake;
}

static void stop_cmdq(void *data)
{
	struct smmuv3_fake *fake = data;

	smmuv3_cmdq_free(&fake->unit);
}

void smmuv3_fake_start_cmdq(struct smmuv3_fake *fake)
{
	struct kunit *test = fake->test;

	KUNIT_ASSERT_EQ(test, smmuv3_cmdq_alloc(&fake->unit), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_cmdq, fake),
			0);
	smmuv3_cmdq_setup(&fake->unit);
	fake_write32(&fake->unit, FAKE_CR0, FAKE_CR0_CMDQEN);
	smmuv3_fake_forget(fake);
}

static void forget_streams(void *data)
{
	struct smmuv3_device *device = data;
	unsigned int i;

	for (i = 0; i < device->num_streams; i++)
		xa_erase(&device->unit->streams, device->streams[i].sid);
	xa_destroy(&device->attachments);
}

struct smmuv3_device *smmuv3_fake_device(struct smmuv3_fake *fake, u32 sid,
					 unsigned int num_streams,
					 u32 max_pasids)
{
	struct kunit *test = fake->test;
	struct smmuv3_device *device;
	unsigned int i;

	device = kunit_kzalloc(test, sizeof(*device), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, device);
	device->streams = kunit_kcalloc(test, num_streams,
					sizeof(*device->streams), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, device->streams);
	device->unit = &fake->unit;
	device->num_streams = num_streams;
	device->max_pasids = max_pasids;
	device->pasid_enabled = max_pasids > 1;
	device->prg_pasid = true;
	device->ats_global = true;
	xa_init(&device->attachments);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, forget_streams,
							device), 0);
	for (i = 0; i < num_streams; i++) {
		device->streams[i].sid = sid + i;
		device->streams[i].device = device;
		KUNIT_ASSERT_EQ(test,
				xa_insert(&fake->unit.streams, sid + i,
					  &device->streams[i], GFP_KERNEL), 0);
	}
	return device;
}
