// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: starting and stopping a unit from each state that it may be found in: in
 * which order registers are written (IHI 0070 6.3), and that no DMA gets through
 * untranslated on the way; global errors.
 */
#include <kunit/test.h>

#include "../smmuv3/faults.h"
#include "smmuv3_fake.h"

#define GBPA_ABORT	BIT(20)
#define GBPA_UPDATE	BIT(31)
/* What else there is in GBPA, and is to stay */
#define GBPA_OTHER	0x00003f1f

/* All features */
static const u32 all[6] = {
	0x0c4d76bb, 0x094a5510, 0, 0x00000500, 0, 0x01000476,
};

/* Stage 1 and 2, one level of tables, nothing else; does not snoop */
static const u32 plain[6] = {
	0x0140000b, 0x01490008, 0, 0, 0, 0x00000015,
};

/**
 * struct rig - a unit, and what is wrong with it
 * @fake: the unit
 * @door: its door, with our irq_request
 * @fake_door: what else it would be
 * @irq_rc: what irq_request returns for @irq_which; 0: as the fake does
 * @irq_which: of these
 * @deaf: register that is not acknowledged; 0: all are
 * @deaf_bits: (CR0ACK) only if CR0 has these set
 * @bypass: DMA was let through by a write
 * @armed: GBPA has said abort once: there is no bypass from then on
 */
struct rig {
	struct smmuv3_fake *fake;
	struct smmuv3_door_ops door;
	const struct smmuv3_door_ops *fake_door;
	int irq_rc;
	enum smmuv3_irq irq_which;
	unsigned int deaf;
	u32 deaf_bits;
	bool bypass;
	bool armed;
};

static int rig_irq_request(struct smmuv3_unit *unit, enum smmuv3_irq which,
			   irq_handler_t hard, irq_handler_t thread, void *data)
{
	struct rig *rig = container_of(unit->door, struct rig, door);

	if (rig->irq_rc && which == rig->irq_which)
		return rig->irq_rc;
	return rig->fake_door->irq_request(unit, which, hard, thread, data);
}

/* 6.3.9, 6.3.14: with SMMUEN off, DMA goes through unless GBPA says abort. */
static bool rig_on_write(struct smmuv3_fake *fake, unsigned int reg,
			 unsigned int size, u64 val)
{
	struct rig *rig = fake->priv;
	u32 cr0 = smmuv3_fake_reg32(fake, FAKE_CR0);
	u32 gbpa = smmuv3_fake_reg32(fake, FAKE_GBPA);

	if (reg == FAKE_GBPA) {
		/* Without UPDATE nothing happens */
		if (!(val & GBPA_UPDATE))
			return true;
		gbpa = val;
		rig->armed |= val & GBPA_ABORT;
	}
	if (reg == FAKE_CR0) {
		rig->armed |= cr0 & FAKE_CR0_SMMUEN;
		cr0 = val;
	}
	if (rig->armed && !(cr0 & FAKE_CR0_SMMUEN) && !(gbpa & GBPA_ABORT))
		rig->bypass = true;
	return false;
}

static bool rig_on_read(struct smmuv3_fake *fake, unsigned int reg,
			unsigned int size, u64 *val)
{
	struct rig *rig = fake->priv;

	if (!rig->deaf || reg != rig->deaf)
		return false;
	if (reg == FAKE_CR0ACK &&
	    (smmuv3_fake_reg32(fake, FAKE_CR0) & rig->deaf_bits) !=
		    rig->deaf_bits)
		return false;
	/* UPDATE of GBPA is among these */
	*val = 0x92340000;
	return true;
}

static void rig_free(void *data)
{
	struct rig *rig = data;

	smmuv3_unit_free(&rig->fake->unit);
}

static struct rig *rig_new_as(struct kunit *test, const u32 idr[6], u32 iidr)
{
	struct rig *rig;

	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->fake = smmuv3_fake_new(test, idr, 0);
	rig->fake_door = rig->fake->unit.door;
	rig->door = *rig->fake_door;
	rig->door.irq_request = rig_irq_request;
	rig->fake->unit.door = &rig->door;
	rig->fake->priv = rig;
	rig->fake->on_write = rig_on_write;
	rig->fake->on_read = rig_on_read;
	smmuv3_fake_set32(rig->fake, FAKE_GBPA, GBPA_OTHER);
	smmuv3_fake_set32(rig->fake, FAKE_IIDR, iidr);

	KUNIT_ASSERT_EQ(test, smmuv3_unit_init(&rig->fake->unit), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->num_writes, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, rig_free, rig),
			0);
	return rig;
}

static struct rig *rig_new(struct kunit *test, const u32 idr[6])
{
	return rig_new_as(test, idr, 0);
}

/* The next write of @reg from *@at on is @val; moves *@at behind it. */
static void expect_next(struct kunit *test, struct rig *rig, unsigned int *at,
			unsigned int reg, u32 val)
{
	unsigned int i = smmuv3_fake_find_write(rig->fake, *at, reg);

	if (i == UINT_MAX) {
		KUNIT_FAIL(test, "%#x is not written %#x", reg, val);
		return;
	}
	KUNIT_EXPECT_EQ_MSG(test, (u32)rig->fake->writes[i].val, val,
			    "register %#x, write %u", reg, i);
	*at = i + 1;
}

static void expect_off(struct kunit *test, struct rig *rig)
{
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CR0), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_IRQ_CTRL), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_GBPA),
			GBPA_ABORT | GBPA_OTHER);
	KUNIT_EXPECT_FALSE(test, rig->bypass);
	KUNIT_EXPECT_NULL(test, rig->fake->hard[SMMUV3_IRQ_GERROR]);
	KUNIT_EXPECT_NULL(test, rig->fake->thread[SMMUV3_IRQ_EVTQ]);
	KUNIT_EXPECT_NULL(test, rig->fake->thread[SMMUV3_IRQ_PRIQ]);
}

/* Step by step, of a unit that can do all. */
static void unit_start(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);
	unsigned int at = 0;

	rig->fake->ack_delay = 3;
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	expect_next(test, rig, &at, FAKE_GBPA,
		    GBPA_UPDATE | GBPA_ABORT | GBPA_OTHER);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0);
	expect_next(test, rig, &at, FAKE_CR0, 0);
	/* Write-back, inner shareable, queues and tables */
	expect_next(test, rig, &at, FAKE_CR1, 0xd75);
	/* PTM, RECINVSID, E2H */
	expect_next(test, rig, &at, FAKE_CR2, 0x7);
	/* CMDQEN; EVENTQEN and PRIQEN; ATSCHK; SMMUEN */
	expect_next(test, rig, &at, FAKE_CR0, 0x08);
	expect_next(test, rig, &at, FAKE_CR0, 0x0e);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0x7);
	expect_next(test, rig, &at, FAKE_CR0, 0x1e);
	expect_next(test, rig, &at, FAKE_CR0, 0x1f);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_find_write(rig->fake, at, FAKE_CR0),
			UINT_MAX);
	KUNIT_EXPECT_FALSE(test, rig->bypass);
	KUNIT_EXPECT_NOT_NULL(test, rig->fake->hard[SMMUV3_IRQ_GERROR]);

	at = 0;
	smmuv3_fake_forget(rig->fake);
	smmuv3_unit_stop(&rig->fake->unit);
	expect_next(test, rig, &at, FAKE_CR0, 0x1e);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0);
	expect_next(test, rig, &at, FAKE_CR0, 0);
	expect_off(test, rig);
}

/* Bases are written while everything is off, caches flushed before SMMUEN. */
static void unit_tables(struct kunit *test)
{
	static const unsigned int bases[] = {
		FAKE_STRTAB_BASE, FAKE_STRTAB_BASE_CFG, FAKE_CMDQ_BASE,
		FAKE_EVTQ_BASE, FAKE_PRIQ_BASE,
	};
	struct rig *rig = rig_new(test, all);
	unsigned int i, at, off = 0, on = 0;

	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	expect_next(test, rig, &off, FAKE_CR0, 0);
	on = off;
	expect_next(test, rig, &on, FAKE_CR0, 0x08);
	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		at = smmuv3_fake_find_write(rig->fake, 0, bases[i]);
		KUNIT_EXPECT_GE_MSG(test, at, off, "%#x", bases[i]);
		KUNIT_EXPECT_LT_MSG(test, at, on, "%#x", bases[i]);
	}
	smmuv3_fake_expect(rig->fake, FAKE_CMD_CFGI_ALL,
			   FAKE_CMD(FAKE_TLBI_EL2_ALL, 0),
			   FAKE_CMD_TLBI_NSNH_ALL, FAKE_CMD_SYNC);
	/* All of that before the other queues are on */
	expect_next(test, rig, &on, FAKE_CR0, 0x0e);
	KUNIT_EXPECT_EQ(test, rig->fake->writes[on - 1].log, 4);
	smmuv3_unit_stop(&rig->fake->unit);
}

/* MMU-700: there is a SYNC between commands of different kinds, and no nesting. */
static void unit_errata(struct kunit *test)
{
	struct rig *rig = rig_new_as(test, all, 0x4871043b);

	KUNIT_EXPECT_FALSE(test, smmuv3_can_nest(&rig->fake->unit.caps));
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	smmuv3_fake_expect(rig->fake, FAKE_CMD_CFGI_ALL, FAKE_CMD_SYNC,
			   FAKE_CMD(FAKE_TLBI_EL2_ALL, 0), FAKE_CMD_SYNC,
			   FAKE_CMD_TLBI_NSNH_ALL, FAKE_CMD_SYNC);
	smmuv3_unit_stop(&rig->fake->unit);
}

/* Without ATS, PRI, EL2 and snooping there is less to write. */
static void unit_plain(struct kunit *test)
{
	struct rig *rig = rig_new(test, plain);
	unsigned int at = 0;

	KUNIT_EXPECT_NULL(test, rig->fake->unit.priq);
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	expect_next(test, rig, &at, FAKE_CR0, 0);
	/* Not cacheable, outer shareable */
	expect_next(test, rig, &at, FAKE_CR1, 0x820);
	expect_next(test, rig, &at, FAKE_CR2, 0x6);
	expect_next(test, rig, &at, FAKE_CR0, 0x08);
	expect_next(test, rig, &at, FAKE_CR0, 0x0c);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0x5);
	expect_next(test, rig, &at, FAKE_CR0, 0x0d);
	smmuv3_fake_expect(rig->fake, FAKE_CMD_CFGI_ALL,
			   FAKE_CMD_TLBI_NSNH_ALL, FAKE_CMD_SYNC);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_find_write(rig->fake, 0,
						     FAKE_PRIQ_BASE), UINT_MAX);
	smmuv3_unit_stop(&rig->fake->unit);
	expect_off(test, rig);
}

/* An earlier kernel has left it on, with interrupts and an old error. */
static void unit_found_on(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);
	unsigned int at = 0;

	smmuv3_fake_set32(rig->fake, FAKE_CR0, 0x1f);
	smmuv3_fake_set32(rig->fake, FAKE_IRQ_CTRL, 0x7);
	smmuv3_fake_set32(rig->fake, FAKE_GERROR, 0x15);
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	KUNIT_EXPECT_FALSE(test, rig->bypass);
	expect_next(test, rig, &at, FAKE_GBPA,
		    GBPA_UPDATE | GBPA_ABORT | GBPA_OTHER);
	expect_next(test, rig, &at, FAKE_CR0, 0x1e);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0);
	expect_next(test, rig, &at, FAKE_CR0, 0);
	expect_next(test, rig, &at, FAKE_GERRORN, 0x15);
	expect_next(test, rig, &at, FAKE_CR0, 0x08);
	smmuv3_unit_stop(&rig->fake->unit);
	expect_off(test, rig);
}

/* A machine that goes down: the same, with interrupts as they are. */
static void unit_off(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);

	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	smmuv3_fake_set32(rig->fake, FAKE_GBPA, GBPA_OTHER);
	KUNIT_EXPECT_EQ(test, smmuv3_unit_off(&rig->fake->unit), 0);
	KUNIT_EXPECT_FALSE(test, rig->bypass);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CR0), 0);
	KUNIT_EXPECT_NOT_NULL(test, rig->fake->hard[SMMUV3_IRQ_GERROR]);
	smmuv3_unit_stop(&rig->fake->unit);
}

/* A unit that does not acknowledge: nothing is left on that can be off. */
static void unit_deaf(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);

	rig->deaf = FAKE_CR0ACK;
	KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit), -ETIMEDOUT);
	expect_off(test, rig);
	rig->deaf = FAKE_IRQ_CTRLACK;
	KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CR0), 0);
	/* Found on, and deaf: it is told all there is */
	rig->deaf = FAKE_CR0ACK;
	smmuv3_fake_set32(rig->fake, FAKE_CR0, 0x1f);
	smmuv3_fake_set32(rig->fake, FAKE_IRQ_CTRL, 0x7);
	KUNIT_EXPECT_EQ(test, smmuv3_unit_off(&rig->fake->unit), -ETIMEDOUT);
	expect_off(test, rig);
	/* Unless it does not abort what is not translated */
	rig->deaf = FAKE_GBPA;
	smmuv3_fake_set32(rig->fake, FAKE_CR0, 0x1f);
	KUNIT_EXPECT_EQ(test, smmuv3_unit_off(&rig->fake->unit), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_reg32(rig->fake, FAKE_CR0), 0x1f);
	smmuv3_fake_set32(rig->fake, FAKE_CR0, 0);
	/* At the last step */
	rig->deaf = FAKE_CR0ACK;
	rig->deaf_bits = FAKE_CR0_SMMUEN;
	KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit), -ETIMEDOUT);
	expect_off(test, rig);
	rig->deaf = 0;
	KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	smmuv3_unit_stop(&rig->fake->unit);
}

static void unit_irqs(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);
	unsigned int at = 0;

	rig->irq_rc = -EBUSY;
	for (rig->irq_which = 0; rig->irq_which < SMMUV3_NUM_IRQS;
	     rig->irq_which++) {
		KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit),
				-EBUSY);
		expect_off(test, rig);
	}
	/* One for global errors is not needed */
	rig->irq_rc = -ENXIO;
	rig->irq_which = SMMUV3_IRQ_GERROR;
	smmuv3_fake_forget(rig->fake);
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0x6);
	smmuv3_unit_stop(&rig->fake->unit);
	expect_off(test, rig);

	/* Without one for page requests there are none */
	rig->irq_which = SMMUV3_IRQ_PRIQ;
	smmuv3_fake_forget(rig->fake);
	at = 0;
	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
	KUNIT_EXPECT_NULL(test, rig->fake->unit.priq);
	expect_next(test, rig, &at, FAKE_CR0, 0);
	expect_next(test, rig, &at, FAKE_CR0, 0x08);
	expect_next(test, rig, &at, FAKE_CR0, 0x0e);
	expect_next(test, rig, &at, FAKE_CR0, 0x0c);
	expect_next(test, rig, &at, FAKE_IRQ_CTRL, 0x5);
	expect_next(test, rig, &at, FAKE_CR0, 0x1c);
	smmuv3_unit_stop(&rig->fake->unit);
	expect_off(test, rig);
	/* The event queue is another matter */
	rig->irq_which = SMMUV3_IRQ_EVTQ;
	KUNIT_EXPECT_EQ(test, smmuv3_unit_start(&rig->fake->unit), -ENXIO);
	expect_off(test, rig);
}

/* Any order of starting and stopping. */
static void unit_again(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		smmuv3_fake_forget(rig->fake);
		KUNIT_ASSERT_EQ(test, smmuv3_unit_start(&rig->fake->unit), 0);
		KUNIT_EXPECT_EQ(test, rig->fake->num_log, 4);
		smmuv3_unit_stop(&rig->fake->unit);
		expect_off(test, rig);
	}
}

static void raise(struct rig *rig, u32 errors)
{
	u32 gerror = smmuv3_fake_reg32(rig->fake, FAKE_GERROR);

	smmuv3_fake_set32(rig->fake, FAKE_GERROR, gerror ^ errors);
	smmuv3_fake_interrupt(rig->fake, SMMUV3_IRQ_GERROR);
}

/* 6.3.18: each bit, and all; twice, as an error is a change of its bit. */
static void unit_gerror(struct kunit *test)
{
	static const u32 errors[] = {
		BIT(2), BIT(3), BIT(4), BIT(5), BIT(6), BIT(7), 0xfc, BIT(8),
	};
	struct rig *rig = rig_new(test, all);
	struct smmuv3_unit *unit = &rig->fake->unit;
	unsigned int i;
	u32 first;

	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(unit), 0);
	for (i = 0; i < 2 * ARRAY_SIZE(errors); i++) {
		u32 seen = smmuv3_fake_reg32(rig->fake, FAKE_GERRORN);
		unsigned int at = 0;

		KUNIT_EXPECT_EQ(test, unit->broken,
				i >= ARRAY_SIZE(errors));
		smmuv3_fake_forget(rig->fake);
		raise(rig, errors[i % ARRAY_SIZE(errors)]);
		/* Those of the queues by who empties these, or looks at them */
		first = errors[i % ARRAY_SIZE(errors)] & ~GENMASK(3, 2) &
			~GENMASK(6, 5);
		if (first) {
			expect_next(test, rig, &at, FAKE_GERRORN, seen ^ first);
			KUNIT_EXPECT_EQ(test, at, 1);
		}
		smmuv3_lost_settle(unit);
		KUNIT_EXPECT_EQ(test,
				smmuv3_fake_reg32(rig->fake, FAKE_GERRORN),
				seen ^ errors[i % ARRAY_SIZE(errors)]);
		if (first == errors[i % ARRAY_SIZE(errors)])
			KUNIT_EXPECT_EQ(test, rig->fake->num_writes, 1);
		KUNIT_EXPECT_EQ(test, smmuv3_gerror_active(unit), 0);
		KUNIT_EXPECT_EQ(test, atomic64_read(&unit->gerrors), i + 1);
	}
	/* Nothing active: not ours */
	smmuv3_fake_forget(rig->fake);
	raise(rig, 0);
	KUNIT_EXPECT_EQ(test, rig->fake->num_writes, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->gerrors), i);
	smmuv3_unit_stop(unit);
}

static u8 refuse(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	return smmuv3_fake_op(cmd) == FAKE_PREFETCH_CONFIG ? FAKE_CERROR_ILL :
							     FAKE_CERROR_NONE;
}

/*
 * Errors of the command queue and another beside them: each is dealt with once, as
 * the next comes with the acknowledgment of the last.
 */
static void unit_gerror_cmdq(struct kunit *test)
{
	struct rig *rig = rig_new(test, all);
	struct smmuv3_unit *unit = &rig->fake->unit;
	struct smmuv3_cmdq_result result;
	struct smmuv3_cmd cmds[6];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, smmuv3_unit_start(unit), 0);
	smmuv3_cmdq_set_timeout(unit, 20);
	rig->fake->on_cmd = refuse;
	rig->fake->hold = true;
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		cmds[i] = FAKE_CMD(FAKE_PREFETCH_CONFIG, i);
	smmuv3_cmdq_run(unit, cmds, ARRAY_SIZE(cmds), &result);
	KUNIT_EXPECT_EQ(test, result.rc, -EIO);
	smmuv3_fake_consume(rig->fake, UINT_MAX);
	KUNIT_EXPECT_TRUE(test, rig->fake->stopped);
	rig->fake->hold = false;
	raise(rig, BIT(4));
	for (i = 0; i < ARRAY_SIZE(cmds) && rig->fake->stopped; i++)
		smmuv3_fake_interrupt(rig->fake, SMMUV3_IRQ_GERROR);
	KUNIT_EXPECT_FALSE(test, rig->fake->stopped);
	KUNIT_EXPECT_EQ(test, smmuv3_gerror_active(unit), 0);
	KUNIT_EXPECT_EQ(test, smmuv3_fake_count(rig->fake,
						FAKE_PREFETCH_CONFIG),
			ARRAY_SIZE(cmds));
	smmuv3_unit_stop(unit);
}

static struct kunit_case unit_cases[] = {
	KUNIT_CASE(unit_start),
	KUNIT_CASE(unit_tables),
	KUNIT_CASE(unit_errata),
	KUNIT_CASE(unit_plain),
	KUNIT_CASE(unit_found_on),
	KUNIT_CASE(unit_off),
	KUNIT_CASE(unit_deaf),
	KUNIT_CASE(unit_irqs),
	KUNIT_CASE(unit_again),
	KUNIT_CASE(unit_gerror),
	KUNIT_CASE(unit_gerror_cmdq),
	{}
};

static struct kunit_suite unit_suite = {
	.name = "iommufd_smmuv3_unit",
	.test_cases = unit_cases,
};

kunit_test_suite(unit_suite);
