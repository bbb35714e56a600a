// SPDX-License-Identifier: GPL-2.0-only
/* What the suites of the SMMUv3 fault queues share. */
#include <kunit/device.h>
#include <linux/delay.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/unaligned.h>

#include "smmuv3_faults_kunit.h"

#define OVERFLOW	BIT(31)
/* Index and wrap bit */
#define POS		(2 * ST_SLOTS - 1)
#define BASE_ADDR	GENMASK_ULL(51, 5)

static u32 st_cons(struct st *st, struct st_queue *q)
{
	return smmuv3_fake_reg32(st->fake, q->cons_reg);
}

static u32 st_used(struct st *st, struct st_queue *q)
{
	return (q->prod - st_cons(st, q)) & POS;
}

static bool st_overflown(struct st *st, struct st_queue *q)
{
	return (st_cons(st, q) & OVERFLOW) != q->overflow;
}

static void st_put(struct st *st, struct st_queue *q, const u64 *qw)
{
	__le64 *slot = &q->base[(q->prod & (ST_SLOTS - 1)) * q->words];
	unsigned int i;

	for (i = 0; i < q->words; i++)
		WRITE_ONCE(slot[i], cpu_to_le64(qw[i]));
	/* 3.18.1: when it is no longer empty */
	if (!st_used(st, q))
		q->pending = true;
	q->prod = (q->prod + 1) & POS;
	/* The record, then the index; the driver reads them the other way. */
	smp_wmb();
}

static bool st_is_stall(const struct st_queue *q, const u64 *qw)
{
	return q->words == 4 && (qw[0] & 0xff) >= 0x10 &&
	       (qw[0] & 0xff) <= 0x13 && qw[1] & BIT(31);
}

/*
 * 7.2, 7.4, 8.2: a record for which there is no room is lost, and said to be; but
 * that of a stalled transaction waits.
 */
bool st_add(struct st *st, struct st_queue *q, const u64 *qw)
{
	bool room = st_used(st, q) < ST_SLOTS && !q->num_held &&
		    !(q->pri && st_overflown(st, q));

	lockdep_assert_held(&st->fake->lock);
	if (room) {
		st_put(st, q, qw);
	} else if (st_is_stall(q, qw)) {
		KUNIT_ASSERT_LT(st->test, q->num_held, ARRAY_SIZE(q->held));
		memcpy(q->held[q->num_held++], qw, sizeof(q->held[0]));
	} else {
		q->dropped++;
		if (!st_overflown(st, q))
			q->overflow ^= OVERFLOW;
	}
	smmuv3_fake_set32(st->fake, q->prod_reg, q->prod | q->overflow);
	return room;
}

bool st_record(struct st *st, struct st_queue *q, const u64 *qw)
{
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&st->fake->lock, flags);
	taken = st_add(st, q, qw);
	raw_spin_unlock_irqrestore(&st->fake->lock, flags);
	return taken;
}

void st_make_request(u64 *qw, u32 sid, u32 pasid, u32 grpid, u64 addr,
		     u32 bits)
{
	qw[0] = sid | (u64)(bits & 0x1f) << 58;
	if (pasid != FT_NO_PASID)
		qw[0] |= BIT_ULL(63) | (u64)pasid << 32;
	qw[1] = (addr & ~0xfffULL) | grpid;
}

bool st_request(struct st *st, u32 sid, u32 pasid, u32 grpid, u64 addr,
		u32 bits)
{
	u64 qw[2];

	st_make_request(qw, sid, pasid, grpid, addr, bits);
	return st_record(st, &st->priq, qw);
}

/* F_TRANSLATION of a read, at stage 1, stalled. */
void st_make_stall(u64 *qw, u32 sid, u32 pasid, u16 stag, u64 addr)
{
	qw[0] = 0x10 | (u64)sid << 32;
	if (pasid != FT_NO_PASID)
		qw[0] |= BIT(11) | pasid << 12;
	qw[1] = stag | BIT(31) | BIT_ULL(35);
	qw[2] = addr;
	qw[3] = 0;
}

bool st_stall(struct st *st, u32 sid, u32 pasid, u16 stag, u64 addr)
{
	u64 qw[4];

	st_make_stall(qw, sid, pasid, stag, addr);
	return st_record(st, &st->evtq, qw);
}

void st_make_fault(u64 *qw, u32 sid)
{
	qw[0] = 0x04 | (u64)sid << 32;
	qw[1] = 0;
	qw[2] = 0;
	qw[3] = 0;
}

static void st_step(struct st *st)
{
	st->steps++;
	if (st->on_step)
		st->on_step(st);
}

static bool st_is_mine(const struct st_queue *q, unsigned int reg)
{
	return q->base && (reg == q->prod_reg || reg == q->cons_reg);
}

static struct st_queue *st_queue_of(struct st *st, unsigned int reg)
{
	if (st_is_mine(&st->evtq, reg))
		return &st->evtq;
	return st_is_mine(&st->priq, reg) ? &st->priq : NULL;
}

static bool st_write(struct smmuv3_fake *fake, unsigned int reg,
		     unsigned int size, u64 val)
{
	struct st *st = fake->priv;
	struct st_queue *q = st_queue_of(st, reg);
	unsigned int i;
	u32 freed;

	if (!q)
		return false;
	KUNIT_EXPECT_EQ(st->test, reg, q->cons_reg);
	st_step(st);
	KUNIT_EXPECT_EQ(st->test, val & ~(u64)(POS | OVERFLOW), 0);
	freed = (val - q->freed) & POS;
	/* Never beyond what the unit has written */
	KUNIT_EXPECT_LE(st->test, freed, (q->prod - q->freed) & POS);
	/* An overflow is acknowledged, not foreseen or taken back */
	if ((val & OVERFLOW) != (st_cons(st, q) & OVERFLOW))
		KUNIT_EXPECT_EQ(st->test, val & OVERFLOW, q->overflow);
	q->max_freed = max(q->max_freed, freed);
	q->freed = val & POS;
	smmuv3_fake_set32(fake, reg, val);

	for (i = 0; i < q->num_held && st_used(st, q) < ST_SLOTS; i++)
		st_put(st, q, q->held[i]);
	q->num_held -= i;
	memmove(q->held, q->held[i], q->num_held * sizeof(q->held[0]));
	smmuv3_fake_set32(fake, q->prod_reg, q->prod | q->overflow);
	return true;
}

static bool st_read(struct smmuv3_fake *fake, unsigned int reg,
		    unsigned int size, u64 *val)
{
	struct st *st = fake->priv;

	if (st_queue_of(st, reg))
		st_step(st);
	return false;
}

static u8 st_cmd(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct st *st = fake->priv;
	u8 op = smmuv3_fake_op(cmd);

	st_step(st);
	st->answers += op == FAKE_RESUME || op == FAKE_PRI_RESP;
	return FAKE_CERROR_NONE;
}

bool st_take_interrupt(struct st *st, struct st_queue *q)
{
	unsigned long flags;
	bool pending;

	raw_spin_lock_irqsave(&st->fake->lock, flags);
	pending = q->pending;
	q->pending = false;
	q->interrupts += pending;
	raw_spin_unlock_irqrestore(&st->fake->lock, flags);
	return pending;
}

static void st_queue_interrupt(struct st *st, struct st_queue *q)
{
	if (!q->base)
		return;
	while (st_take_interrupt(st, q))
		smmuv3_fake_interrupt(st->fake, q->irq);
	KUNIT_EXPECT_EQ(st->test, st_used(st, q), 0);
	KUNIT_EXPECT_EQ(st->test, q->num_held, 0);
	KUNIT_EXPECT_FALSE(st->test, st_overflown(st, q));
}

void st_interrupt(struct st *st)
{
	st_queue_interrupt(st, &st->evtq);
	st_queue_interrupt(st, &st->priq);
}

/* --- devices --- */

static int st_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	struct st_device *fn = container_of(bus, struct st_device, bus);

	if (where == ST_PRI + PCI_PRI_STATUS && fn->on_status)
		fn->on_status(fn);
	if (where == PCI_VENDOR_ID && fn->on_vendor)
		fn->on_vendor(fn);
	*val = 0;
	memcpy(val, fn->config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int st_config_write(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 val)
{
	struct st_device *fn = container_of(bus, struct st_device, bus);

	if (where == ST_PRI + PCI_PRI_CTRL && fn->on_control)
		fn->on_control(fn, val);
	/* RF and UPRGI are RW1C, the rest is read-only (PCIe 6.0, 10.5.2.3) */
	if (where == ST_PRI + PCI_PRI_STATUS)
		val = get_unaligned_le16(fn->config + where) &
		      ~(val & (PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI));
	memcpy(fn->config + where, &val, size);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops st_config_ops = {
	.read = st_config_read,
	.write = st_config_write,
};

static void st_function_init(struct st_device *fn, u32 outstanding)
{
	fn->bus.ops = &st_config_ops;
	fn->pdev.bus = &fn->bus;
	fn->pdev.cfg_size = sizeof(fn->config);
	fn->pdev.error_state = pci_channel_io_normal;
	fn->pdev.pri_cap = ST_PRI;
	put_unaligned_le32(outstanding, fn->config + ST_PRI + PCI_PRI_MAX_REQ);
	put_unaligned_le16(PCI_PRI_STATUS_STOPPED,
			   fn->config + ST_PRI + PCI_PRI_STATUS);
	fn->device->pdev = &fn->pdev;
	fn->device->can_ats = true;
	fn->device->ats = true;
}

static void st_device_init(struct st *st, int i, enum st_kind kind,
			   u32 outstanding)
{
	struct st_device *fn = &st->fn[i];
	char name[] = "smmuv3-faults-test-0";
	struct smmuv3_device *device;
	u32 capacity;

	name[sizeof(name) - 2] += i;
	fn->dev = kunit_device_register(st->test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(st->test, fn->dev);
	device = smmuv3_fake_device(st->fake, ST_SID(i),
				    kind == ST_STALL ? ST_STREAMS : 1, BIT(20));
	device->dev = fn->dev;
	fn->device = device;
	if (kind == ST_PCI)
		st_function_init(fn, outstanding);
	else
		device->can_stall = true;
	mutex_lock(&st->fake->unit.lock);
	KUNIT_ASSERT_EQ(st->test, smmuv3_stream_prepare(device), 0);
	mutex_unlock(&st->fake->unit.lock);
	capacity = smmuv3_faults_capacity(device);
	KUNIT_ASSERT_GT(st->test, capacity, 0);
	device->source =
		iommufd_fault_source_register(fn->dev,
					      &st->fake->unit.fault_unit,
					      capacity, device);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(st->test, device->source);
	st->ft.dev[i] = fn->dev;
	st->ft.source[i] = device->source;
}

/* --- all together --- */

static void st_queue_init(struct st *st, struct st_queue *q, u32 base_reg,
			  unsigned int words)
{
	u64 base = smmuv3_fake_reg64(st->fake, base_reg);

	/* 2^10 slots, and the address aligned to all of them */
	KUNIT_ASSERT_EQ(st->test, base & 0x1f, 10);
	KUNIT_ASSERT_EQ(st->test, (base & BASE_ADDR) % (ST_SLOTS * words * 8),
			0);
	q->base = smmuv3_fake_mem(st->fake, base & BASE_ADDR);
	q->words = words;
}

static void st_start(struct st *st)
{
	struct smmuv3_unit *unit = &st->fake->unit;
	struct kunit *test = st->test;

	unit->fault_unit.ops = &smmuv3_fault_unit_ops;
	KUNIT_ASSERT_EQ(test, smmuv3_strtab_alloc(unit), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_alloc(unit), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_priq_alloc(unit), 0);
	KUNIT_ASSERT_NOT_NULL(test, unit->priq);
	smmuv3_evtq_setup(unit);
	smmuv3_priq_setup(unit);
	KUNIT_ASSERT_EQ(test, smmuv3_evtq_start(unit), 0);
	KUNIT_ASSERT_EQ(test, smmuv3_priq_start(unit), 0);

	st->evtq.prod_reg = FAKE_EVTQ_PROD;
	st->evtq.cons_reg = FAKE_EVTQ_CONS;
	st->evtq.irq = SMMUV3_IRQ_EVTQ;
	st_queue_init(st, &st->evtq, FAKE_EVTQ_BASE, 4);
	st->priq.prod_reg = FAKE_PRIQ_PROD;
	st->priq.cons_reg = FAKE_PRIQ_CONS;
	st->priq.irq = SMMUV3_IRQ_PRIQ;
	st->priq.pri = true;
	st_queue_init(st, &st->priq, FAKE_PRIQ_BASE, 2);
}

/*
 * @depth: of the queue. @outstanding: requests that each function says it can
 * have outstanding.
 */
struct st *st_new(struct kunit *test, enum st_kind kind, u32 depth,
		  u32 outstanding)
{
	struct fault_queue_params params = {
		.depth = depth,
		.extended = true,
	};
	struct st *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, st);
	st->test = test;
	st->fake = smmuv3_fake_new(test, smmuv3_fake_idr, 0);
	st->fake->priv = st;
	smmuv3_fake_start_cmdq(st->fake);
	st_start(st);

	st->ft.test = test;
	st->ft.records = 512;
	st->ft.recs = kunit_kcalloc(test, st->ft.records,
				    sizeof(*st->ft.recs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, st->ft.recs);
	ft_queue(&st->ft, &params);
	for (i = 0; i < ST_DEVS; i++)
		st_device_init(st, i, kind, outstanding);
	st->fake->on_write = st_write;
	st->fake->on_read = st_read;
	st->fake->on_cmd = st_cmd;
	st_forget(st);
	return st;
}

static void st_remove_device(struct st *st, int i)
{
	struct smmuv3_device *device = st->fn[i].device;
	unsigned int j;

	for (j = 0; j < device->num_streams; j++)
		xa_erase(&st->fake->unit.streams, device->streams[j].sid);
	synchronize_rcu();
	if (!device->source)
		return;
	KUNIT_EXPECT_EQ(st->test, fault_source_outstanding(device->source), 0);
	iommufd_fault_source_unregister(device->source);
	device->source = NULL;
}

/* Every attach is gone; so is then every request. */
void st_done(struct st *st)
{
	struct smmuv3_unit *unit = &st->fake->unit;
	int i;

	st->on_step = NULL;
	for (i = 0; i < ST_DEVS; i++)
		st_remove_device(st, i);
	ft_queue_free(&st->ft, st->ft.queue);
	smmuv3_priq_stop(unit);
	smmuv3_evtq_stop(unit);
	smmuv3_lost_stop(unit);
	smmuv3_priq_free(unit);
	smmuv3_evtq_free(unit);
	smmuv3_strtab_free(unit);
}

struct iommufd_fault_attach *st_attach(struct st *st, int fn, ioasid_t pasid)
{
	struct iommufd_fault_attach *attach = ft_attach(&st->ft, fn, pasid);

	st_forget(st);
	return attach;
}

static unsigned int st_count_cmd(struct st *st, const struct smmuv3_cmd *want)
{
	unsigned int i, num = 0;

	for (i = 0; i < st->fake->num_log; i++)
		num += st->fake->log[i].cmd.qw[0] == want->qw[0] &&
		       st->fake->log[i].cmd.qw[1] == want->qw[1];
	return num;
}

/* CMD_PRI_RESP (4.5.2). @code: 0 failure, 1 invalid, 2 success. */
unsigned int st_responses(struct st *st, u32 sid, u32 pasid, u32 grpid,
			  u32 code)
{
	struct smmuv3_cmd want = FAKE_CMD(0x41 | (u64)sid << 32,
					  grpid | code << 12);

	if (pasid != FT_NO_PASID)
		want.qw[0] |= BIT(11) | pasid << 12;
	return st_count_cmd(st, &want);
}

/* CMD_RESUME (4.7.1): Ac is bit 12, Ab bit 13. */
unsigned int st_resumes(struct st *st, u32 sid, u16 stag, bool retry)
{
	struct smmuv3_cmd want = FAKE_CMD((retry ? 0x1044 : 0x2044) |
					  (u64)sid << 32, stag);

	return st_count_cmd(st, &want);
}

unsigned int st_count(struct st *st, u8 op)
{
	return smmuv3_fake_count(st->fake, op);
}

void st_forget(struct st *st)
{
	smmuv3_fake_forget(st->fake);
}

struct smmuv3_fault_stats st_stats(struct st *st)
{
	struct smmuv3_fault_stats stats;

	smmuv3_faults_get_stats(&st->fake->unit, &stats);
	return stats;
}

struct fault_queue_stats st_queue_stats(struct st *st)
{
	struct fault_queue_stats stats;

	fault_queue_get_stats(st->ft.queue, &stats);
	return stats;
}

/* Requests that are held of groups that are not whole. */
u32 st_open(struct st *st)
{
	u32 held = fault_source_outstanding(st->ft.source[0]) +
		   fault_source_outstanding(st->ft.source[1]);

	return held - st_queue_stats(st).pending;
}

ssize_t st_answer(struct st *st, struct iommu_hwpt_page_response *resp,
		  unsigned int num)
{
	struct kvec vec = { .iov_base = resp, .iov_len = num * sizeof(*resp) };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
	return fault_queue_write(st->ft.queue, &iter, false);
}

/* --- anything at any time --- */

/**
 * struct st_script - records that come at some of the driver's steps
 * @q: where to
 * @at: the step
 * @num: how many records
 * @next: tag or group index of the next
 */
struct st_script {
	struct st_queue *q;
	unsigned int at[3];
	unsigned int num[3];
	u32 next;
};

static void st_script_make(struct st_script *script, u64 *qw)
{
	u32 nth = script->next++;

	if (script->q->pri)
		st_make_request(qw, ST_SID(0), FT_NO_PASID, nth % 512, 0x1000,
				ST_R | ST_LAST);
	else
		st_make_stall(qw, ST_SID(0), FT_NO_PASID, nth, 0);
}

static void st_script_step(struct st *st)
{
	struct st_script *script = st->priv;
	unsigned int i, j;
	u64 qw[4];

	for (i = 0; i < ARRAY_SIZE(script->at); i++) {
		if (script->at[i] != st->steps)
			continue;
		for (j = 0; j < script->num[i]; j++) {
			st_script_make(script, qw);
			st_add(st, script->q, qw);
		}
	}
}

static u64 st_taken(struct st *st, const struct st_queue *q)
{
	return q->pri ? st_stats(st).unknown : st_stats(st).stalls;
}

static void st_order(struct st *st, struct st_queue *q, unsigned int a,
		     unsigned int b, unsigned int c, unsigned int many)
{
	struct st_script script = {
		.q = q,
		.at = { a, b, c },
		.num = { 1, many, 1 },
	};
	u64 before = st_taken(st, q);
	u64 qw[4];

	st_script_make(&script, qw);
	st_record(st, q, qw);
	st->steps = 0;
	st->priv = &script;
	st->on_step = st_script_step;
	st_interrupt(st);
	st->on_step = NULL;
	KUNIT_EXPECT_GE(st->test, script.next, 2);
	KUNIT_EXPECT_EQ_MSG(st->test,
			    st_count(st, q->pri ? FAKE_PRI_RESP : FAKE_RESUME),
			    script.next, "at %u %u %u", a, b, c);
	KUNIT_EXPECT_EQ(st->test, st_taken(st, q), before + script.next);
	st_forget(st);
}

void st_orders(struct st *st, struct st_queue *q)
{
	unsigned int a, b, c;

	/* A pass with a record is six steps: PROD, CONS, commands, PROD */
	for (a = 1; a <= 5; a++)
		for (b = a; b <= 10; b++)
			for (c = b; c <= 14; c++) {
				st_order(st, q, a, b, c, 1);
				st_order(st, q, a, b, c, 33);
			}
}

static void st_race_thread(struct ft_call *call)
{
	struct st_race *race = container_of(call, struct st_race, thread);

	while (!READ_ONCE(race->stop)) {
		if (st_take_interrupt(race->st, race->q))
			smmuv3_fake_interrupt(race->st->fake, race->q->irq);
		cond_resched();
	}
}

static void st_race_noise(struct ft_call *call)
{
	struct st_race *race = container_of(call, struct st_race, noise);
	u64 qw[4];

	if (race->q->pri)
		st_make_request(qw, ST_SID(1), FT_NO_PASID, 1, 0x1000, ST_R);
	else
		st_make_fault(qw, ST_SID(1));
	while (!READ_ONCE(race->stop)) {
		st_record(race->st, race->q, qw);
		st_forget(race->st);
		usleep_range(10, 40);
	}
}

void st_race_start(struct st *st, struct st_queue *q, struct st_race *race)
{
	*race = (struct st_race){
		.st = st,
		.q = q,
		.thread.fn = st_race_thread,
		.noise.fn = st_race_noise,
	};
	ft_call_start(&race->thread);
	ft_call_start(&race->noise);
}

void st_race_end(struct st_race *race)
{
	WRITE_ONCE(race->stop, true);
	ft_call_wait(&race->thread);
	ft_call_wait(&race->noise);
}
