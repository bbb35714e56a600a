// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: fault records of a VT-d unit. The registers behave as the specification
 * says (7.2, 11.4.7); records are put together bit by bit.
 */
#include <linux/slab.h>

#include "../vtd/events.h"
#include "../vtd/trace.h"
#include "vtd_fake.h"

/* Where the records are, and how many: the capability register says both. */
#define ET_BASE		0x400
#define ET_MAX		128
#define ET_CAP(num)	((u64)((num) - 1) << 40 | (u64)(ET_BASE / 16) << 24)

/* Status register (11.4.7.1). */
#define ET_PFO		BIT(0)
#define ET_PPF		BIT(1)
#define ET_IQE		BIT(4)
#define ET_ICE		BIT(5)
#define ET_ITE		BIT(6)
#define ET_QUEUE_BITS	(ET_IQE | ET_ICE | ET_ITE)

/**
 * struct et - a unit that records faults
 * @test: the case
 * @fake: the unit
 * @num: records it has
 * @next: the one to be filled next
 * @pending: an interrupt is to be raised
 * @interrupts: raised so far
 * @dropped: faults that found no room
 * @more: faults to come, one with each record that is given back
 * @serial: of the fault that comes next: its address is 4096 times that
 * @seen: faults as the tracepoints had them, DMA and interrupts
 * @num_seen: how many
 * @num_irq_seen: how many of those were of interrupts
 * @recover: looks at the status until an error of the queue is cleared; 0: it is not
 */
struct et {
	struct kunit *test;
	struct vtd_fake *fake;
	unsigned int num;
	unsigned int next;
	bool pending;
	unsigned int interrupts;
	unsigned int dropped;
	unsigned int more;
	u64 serial;
	struct vtd_fault seen[2 * ET_MAX];
	unsigned int num_seen;
	unsigned int num_irq_seen;
	unsigned int recover;
};

static unsigned int et_reg(unsigned int index)
{
	return ET_BASE + 16 * index;
}

static u32 et_bits(struct et *et)
{
	return vtd_fake_reg32(et->fake, DMAR_FSTS_REG) &
	       (ET_PFO | ET_PPF | ET_QUEUE_BITS);
}

static bool et_full(struct et *et, unsigned int index)
{
	return vtd_fake_reg64(et->fake, et_reg(index) + 8) & BIT_ULL(63);
}

/*
 * PPF is the or of all F; FRI stays what it was when PPF went up. The line is masked
 * while the handler runs: what is pending is forgotten with the status that it was
 * for (11.4.7.2, IP).
 */
static void et_update(struct et *et, unsigned int filled)
{
	u32 status = vtd_fake_reg32(et->fake, DMAR_FSTS_REG), old = status;
	unsigned int i;

	status &= ~ET_PPF;
	for (i = 0; i < et->num; i++)
		if (et_full(et, i))
			status |= ET_PPF;
	if (status & ET_PPF && !(old & ET_PPF)) {
		status &= ~0xff00;
		status |= filled << 8;
	}
	vtd_fake_set32(et->fake, DMAR_FSTS_REG, status);
	if (!et_bits(et))
		et->pending = false;
}

/* The unit meets a fault. */
static void et_fault(struct et *et, u64 lo, u64 hi)
{
	u32 old = et_bits(et);

	if (old & ET_PFO) {
		et->dropped++;
		return;
	}
	if (et_full(et, et->next)) {
		et->dropped++;
		vtd_fake_set32(et->fake, DMAR_FSTS_REG,
			       vtd_fake_reg32(et->fake, DMAR_FSTS_REG) | ET_PFO);
	} else {
		vtd_fake_set64(et->fake, et_reg(et->next), lo);
		vtd_fake_set64(et->fake, et_reg(et->next) + 8,
			       hi | BIT_ULL(63));
		et_update(et, et->next);
		et->next = (et->next + 1) % et->num;
	}
	if (!old)
		et->pending = true;
}

/* A read by 01:02.3 of the next page; reason 0x71. */
static void et_next_fault(struct et *et)
{
	et_fault(et, et->serial++ << 12, BIT_ULL(62) | 0x71ULL << 32 | 0x0113);
}

static bool et_write(struct vtd_fake *fake, unsigned int reg, unsigned int size,
		     u64 val)
{
	struct et *et = fake->priv;
	unsigned int index = (reg - ET_BASE) / 16;

	if (reg == DMAR_FSTS_REG) {
		vtd_fake_set32(fake, reg, vtd_fake_reg32(fake, reg) &
			       ~((u32)val & (ET_PFO | ET_QUEUE_BITS)));
		et_update(et, 0);
		return true;
	}
	if (reg >= ET_BASE && reg < et_reg(et->num)) {
		KUNIT_EXPECT_EQ(et->test, reg % 16, 12);
		KUNIT_EXPECT_EQ(et->test, size, 4);
		KUNIT_EXPECT_EQ(et->test, val, BIT(31));
		vtd_fake_set32(fake, reg, vtd_fake_reg32(fake, reg) & ~BIT(31));
		et_update(et, index);
		if (et->more) {
			et->more--;
			et_next_fault(et);
		}
		return true;
	}
	return false;
}

static void et_see(struct et *et, struct vtd_unit *unit,
		   const struct vtd_fault *fault)
{
	if (unit == &et->fake->unit && et->num_seen < ARRAY_SIZE(et->seen))
		et->seen[et->num_seen++] = *fault;
}

static void et_see_dma(void *data, struct vtd_unit *unit,
		       const struct vtd_fault *fault)
{
	et_see(data, unit, fault);
}

static void et_see_irq(void *data, struct vtd_unit *unit,
		       const struct vtd_fault *fault)
{
	struct et *et = data;

	et_see(et, unit, fault);
	et->num_irq_seen++;
}

static void et_unregister(void *data)
{
	unregister_trace_vtd_fault(et_see_dma, data);
	unregister_trace_vtd_interrupt_fault(et_see_irq, data);
	tracepoint_synchronize_unregister();
}

static struct et *et_new(struct kunit *test, unsigned int num)
{
	struct et *et = kunit_kzalloc(test, sizeof(*et), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, et);
	et->test = test;
	et->num = num;
	et->fake = vtd_fake_new(test, ET_CAP(num), 0);
	et->fake->priv = et;
	et->fake->on_write = et_write;
	KUNIT_ASSERT_EQ(test, register_trace_vtd_fault(et_see_dma, et), 0);
	KUNIT_ASSERT_EQ(test,
			register_trace_vtd_interrupt_fault(et_see_irq, et), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, et_unregister, et),
			0);
	return et;
}

static struct et *et_start(struct kunit *test, unsigned int num)
{
	struct et *et = et_new(test, num);

	KUNIT_ASSERT_EQ(test, vtd_events_start(&et->fake->unit), 0);
	return et;
}

static void et_interrupt(struct et *et)
{
	while (et->pending) {
		et->pending = false;
		et->interrupts++;
		vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
	}
}

/* Faults @first to @last, in their order, and the unit is ready for more. */
static void et_expect(struct et *et, u64 first, u64 last)
{
	u64 i;

	KUNIT_ASSERT_EQ(et->test, et->num_seen, last - first + 1);
	for (i = first; i <= last; i++)
		KUNIT_EXPECT_EQ(et->test, et->seen[i - first].addr, i << 12);
	KUNIT_EXPECT_EQ(et->test, et_bits(et) & ~ET_QUEUE_BITS, 0);
	et->num_seen = 0;
}

static void events_decode(struct kunit *test)
{
	static const struct {
		u64 lo, hi;
		struct vtd_fault fault;
	} cases[] = {
		{ /* a write without PASID; what counts only with one is set */
			0xfedcba9876543fffULL,
			GENMASK_ULL(59, 40) | BIT_ULL(30) | BIT_ULL(29) |
				0x79ULL << 32 | 0xffff,
			{ .addr = 0xfedcba9876543000ULL, .rid = 0xffff,
			  .reason = 0x79 },
		}, { /* a read */
			0x1000, BIT_ULL(62) | 0x71ULL << 32 | 0x0100,
			{ .addr = 0x1000, .rid = 0x0100, .reason = 0x71,
			  .read = true },
		}, { /* with PASID */
			0x2000,
			0xabcdeULL << 40 | BIT_ULL(31) | 0x85ULL << 32 | 0x0208,
			{ .addr = 0x2000, .rid = 0x0208, .reason = 0x85,
			  .pasid_valid = true, .pasid = 0xabcde },
		}, { /* PASID 0, execute */
			0x3000,
			BIT_ULL(62) | BIT_ULL(31) | BIT_ULL(30) |
				0x82ULL << 32 | 0x0001,
			{ .addr = 0x3000, .rid = 0x0001, .reason = 0x82,
			  .pasid_valid = true, .read = true, .execute = true },
		}, { /* the largest PASID, privileged */
			0x4000,
			BIT_ULL(62) | 0xfffffULL << 40 | BIT_ULL(31) |
				BIT_ULL(29) | 0x5dULL << 32 | 0x8000,
			{ .addr = 0x4000, .rid = 0x8000, .reason = 0x5d,
			  .pasid_valid = true, .pasid = 0xfffff, .read = true,
			  .privileged = true },
		},
	};
	struct et *et = et_start(test, 8);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vtd_fault *want = &cases[i].fault, *got;

		et->num_seen = 0;
		et_fault(et, cases[i].lo, cases[i].hi);
		et_interrupt(et);
		KUNIT_ASSERT_EQ(test, et->num_seen, 1);
		got = &et->seen[0];
		KUNIT_EXPECT_EQ(test, got->addr, want->addr);
		KUNIT_EXPECT_EQ(test, got->pasid, want->pasid);
		KUNIT_EXPECT_EQ(test, got->rid, want->rid);
		KUNIT_EXPECT_EQ(test, got->reason, want->reason);
		KUNIT_EXPECT_EQ(test, got->pasid_valid, want->pasid_valid);
		KUNIT_EXPECT_EQ(test, got->read, want->read);
		KUNIT_EXPECT_EQ(test, got->execute, want->execute);
		KUNIT_EXPECT_EQ(test, got->privileged, want->privileged);
	}
	KUNIT_EXPECT_EQ(test, et->num_irq_seen, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&et->fake->unit.faults),
			ARRAY_SIZE(cases));
}

/* Every number of records, first record and number of faults. */
static void events_every_index(struct kunit *test)
{
	static const unsigned int nums[] = { 1, 2, 3, 8, ET_MAX };
	unsigned int i, start, count;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		unsigned int num = nums[i], step = num > 8 ? 13 : 1;
		struct et *et = et_start(test, num);

		for (start = 0; start < num; start += step) {
			for (count = 1; count <= num; count += step) {
				u64 first = et->serial;
				unsigned int j;

				et->next = start;
				for (j = 0; j < count; j++)
					et_next_fault(et);
				KUNIT_EXPECT_TRUE(test, et->pending);
				et_interrupt(et);
				et_expect(et, first, et->serial - 1);
			}
		}
		KUNIT_EXPECT_EQ(test, et->dropped, 0);
		kunit_release_action(test, et_unregister, et);
	}
}

/* Others come while they are read, each as soon as there is room, and go round. */
static void events_while_reading(struct kunit *test)
{
	static const unsigned int nums[] = { 1, 2, 4 };
	unsigned int i, start, more;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		struct et *et = et_start(test, nums[i]);

		for (start = 0; start < nums[i]; start++) {
			for (more = 0; more < 20; more++) {
				u64 first = et->serial;

				et->next = start;
				et->more = more;
				/* Two keep the pending bit up, if they fit. */
				et_next_fault(et);
				if (nums[i] > 1)
					et_next_fault(et);
				et_interrupt(et);
				et_expect(et, first, et->serial - 1);
				KUNIT_EXPECT_EQ(test, et->more, 0);
				KUNIT_EXPECT_EQ(test, et->dropped, 0);
			}
		}
		kunit_release_action(test, et_unregister, et);
	}
}

static void events_overflow(struct kunit *test)
{
	struct et *et = et_start(test, 4);
	unsigned int i;

	for (i = 0; i < 7; i++)
		et_next_fault(et);
	KUNIT_EXPECT_EQ(test, et->dropped, 3);
	et_interrupt(et);
	et_expect(et, 0, 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&et->fake->unit.fault_overflows), 1);

	/* The next one raises an interrupt again. */
	et_next_fault(et);
	KUNIT_EXPECT_TRUE(test, et->pending);
	et_interrupt(et);
	et_expect(et, 7, 7);
	KUNIT_EXPECT_EQ(test, atomic64_read(&et->fake->unit.fault_overflows), 1);
}

/* These bits of the invalidation queue's are somebody else's. */
static void events_queue_bits(struct kunit *test)
{
	const u32 theirs = ET_IQE | ET_ITE;
	struct et *et = et_start(test, 4);
	unsigned int i;

	vtd_fake_set32(et->fake, DMAR_FSTS_REG, theirs);
	for (i = 0; i < 6; i++)
		et_next_fault(et);
	/* A bit was set: no interrupt of its own; the one of the bit is there. */
	KUNIT_EXPECT_FALSE(test, et->pending);
	et->pending = true;
	/* Nobody clears them: that is not waited for without end */
	et_interrupt(et);
	et_expect(et, 0, 3);
	KUNIT_EXPECT_EQ(test, et_bits(et), theirs);
	/* With nothing of ours set, there is nothing to do. */
	vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
	KUNIT_EXPECT_EQ(test, et->num_seen, 0);
	KUNIT_EXPECT_EQ(test, et_bits(et), theirs);
}

/* A fault; and whoever waits for the queue clears its error, before the nth look. */
static void et_recover(struct vtd_fake *fake, unsigned int reg)
{
	struct et *et = fake->priv;

	if (reg != DMAR_FSTS_REG || !et->recover || --et->recover)
		return;
	et_next_fault(et);
	vtd_fake_set32(fake, reg, vtd_fake_reg32(fake, reg) & ~ET_QUEUE_BITS);
}

/* A fault while the queue has an error raises no interrupt, neither does it later on. */
static void events_queue_error(struct kunit *test)
{
	static const u32 errors[] = { ET_IQE, ET_ITE };
	struct et *et = et_start(test, 4);
	unsigned int i;

	et->fake->on_read = et_recover;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		vtd_fake_set32(et->fake, DMAR_FSTS_REG, errors[i]);
		et->recover = 2 + i;
		vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
		KUNIT_EXPECT_EQ(test, et->recover, 0);
		KUNIT_EXPECT_FALSE(test, et->pending);
		et_expect(et, i, i);
	}
}

/* A completion that nobody asked for is nobody's, and would keep faults from being told. */
static void events_queue_completion(struct kunit *test)
{
	struct et *et = et_start(test, 4);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		vtd_fake_set32(et->fake, DMAR_FSTS_REG, ET_ICE);
		vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
		KUNIT_EXPECT_EQ(test, et_bits(et), 0);
		et_next_fault(et);
		KUNIT_EXPECT_TRUE(test, et->pending);
		et_interrupt(et);
		et_expect(et, i, i);
	}
	/* One that comes before the handler has looked */
	vtd_fake_set32(et->fake, DMAR_FSTS_REG, ET_ICE);
	et_next_fault(et);
	vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
	et_expect(et, 2, 2);
	KUNIT_EXPECT_EQ(test, et_bits(et), 0);
}

static void events_interrupt_remapping(struct kunit *test)
{
	struct et *et = et_start(test, 8);
	unsigned int reason;

	for (reason = 0; reason < 0x100; reason++) {
		bool irq = (reason & 0xf0) == 0x20;

		et->num_seen = 0;
		et->num_irq_seen = 0;
		et_fault(et, 0xbeef123456789000ULL, (u64)reason << 32 | 0x10);
		et_interrupt(et);
		KUNIT_ASSERT_EQ(test, et->num_seen, 1);
		KUNIT_EXPECT_EQ_MSG(test, et->num_irq_seen, irq, "reason %#x",
				    reason);
		KUNIT_EXPECT_EQ(test, et->seen[0].addr,
				irq ? 0xbeef : 0xbeef123456789000ULL);
	}
}

/* What was recorded before we came would keep the interrupt away for good. */
static void events_at_start(struct kunit *test)
{
	struct et *et = et_new(test, 4);
	unsigned int i;

	et->next = 3;
	for (i = 0; i < 5; i++)
		et_next_fault(et);
	et->pending = false;
	KUNIT_ASSERT_EQ(test, vtd_events_start(&et->fake->unit), 0);
	et_expect(et, 0, 3);

	et_next_fault(et);
	KUNIT_EXPECT_TRUE(test, et->pending);
	et_interrupt(et);
	et_expect(et, 5, 5);

	vtd_events_stop(&et->fake->unit);
	KUNIT_EXPECT_NULL(test, et->fake->thread[VTD_IRQ_FAULT]);
}

/* A unit that has been pulled reads as ones, for ever. */
static void events_gone(struct kunit *test)
{
	struct et *et = et_start(test, 4);

	memset(et->fake->regs, 0xff, sizeof(et->fake->regs));
	vtd_fake_interrupt(et->fake, VTD_IRQ_FAULT);
	KUNIT_EXPECT_EQ(test, et->num_seen, 0);
	memset(et->fake->regs, 0, sizeof(et->fake->regs));
}

/* The table of reasons in 7.1.3: first and last of each block. */
static void events_reasons(struct kunit *test)
{
	static const u8 blocks[][2] = {
		{ 0x01, 0x0e }, { 0x20, 0x28 }, { 0x30, 0x32 }, { 0x38, 0x3a },
		{ 0x40, 0x48 }, { 0x50, 0x52 }, { 0x58, 0x5d }, { 0x70, 0x7c },
		{ 0x80, 0x87 }, { 0x90, 0x90 },
	};
	const char *none = vtd_fault_reason(0xff);
	unsigned int reason, i;

	KUNIT_ASSERT_NOT_NULL(test, none);
	for (reason = 0; reason < 0x100; reason++) {
		const char *text = vtd_fault_reason(reason);
		bool known = false;

		for (i = 0; i < ARRAY_SIZE(blocks); i++)
			known |= reason >= blocks[i][0] &&
				 reason <= blocks[i][1];
		KUNIT_ASSERT_NOT_NULL(test, text);
		KUNIT_EXPECT_EQ_MSG(test, text != none, known, "reason %#x",
				    reason);
		KUNIT_EXPECT_GT(test, strlen(text), 15);
	}
}

static struct kunit_case vtd_events_cases[] = {
	KUNIT_CASE(events_decode),
	KUNIT_CASE(events_every_index),
	KUNIT_CASE(events_while_reading),
	KUNIT_CASE(events_overflow),
	KUNIT_CASE(events_queue_bits),
	KUNIT_CASE(events_queue_error),
	KUNIT_CASE(events_queue_completion),
	KUNIT_CASE(events_interrupt_remapping),
	KUNIT_CASE(events_at_start),
	KUNIT_CASE(events_gone),
	KUNIT_CASE(events_reasons),
	{}
};

static struct kunit_suite vtd_events_suite = {
	.name = "iommufd_vtd_events",
	.test_cases = vtd_events_cases,
};

kunit_test_suite(vtd_events_suite);
