// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: one wire for all interrupts of an SMMUv3 (IHI 0070 3.18): who is called, and
 * who is not any more. The wire is a simulated one. That each interrupt of a unit
 * comes to its handler, by wires and MSIs too, is smmuv3_machine_kunit.c's.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "../smmuv3/irqs.h"
#include "machine_lines.h"

/* Milliseconds for what another thread does; under load it takes long */
#define PATIENCE_MS	60000

/**
 * struct irqs_who - who is connected
 * @hard: times called with interrupts off
 * @thread: times called in a thread
 * @idle: says that it was not for him
 */
struct irqs_who {
	atomic_t hard;
	atomic_t thread;
	bool idle;
};

/**
 * struct irqs_rig - a unit that has one wire
 * @unit: of which no more than the name is used
 * @irqs: of it
 * @lines: the wire is the first
 * @who: for each interrupt
 */
struct irqs_rig {
	struct smmuv3_unit unit;
	struct smmuv3_irqs irqs;
	struct machine_lines lines;
	struct irqs_who who[SMMUV3_NUM_IRQS];
};

static irqreturn_t irqs_hard(int irq, void *data)
{
	struct irqs_who *who = data;

	atomic_inc(&who->hard);
	return who->idle ? IRQ_NONE : IRQ_HANDLED;
}

static irqreturn_t irqs_thread(int irq, void *data)
{
	struct irqs_who *who = data;

	atomic_inc(&who->thread);
	return IRQ_HANDLED;
}

static void irqs_stop(void *data)
{
	struct irqs_rig *rig = data;

	smmuv3_irqs_exit(&rig->unit, &rig->irqs);
	machine_lines_free(&rig->lines);
}

static struct irqs_rig *irqs_start(struct kunit *test)
{
	struct irqs_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	strscpy(rig->unit.name, "smmuv3-wire");
	smmuv3_irqs_init(&rig->irqs);
	KUNIT_ASSERT_EQ(test, machine_lines_make(&rig->lines, 1), 0);
	rig->irqs.combined = rig->lines.line[0].irq;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, irqs_stop, rig),
			0);
	return rig;
}

/* As the driver does it: errors at once, queues in a thread */
static int irqs_connect(struct irqs_rig *rig, enum smmuv3_irq which)
{
	bool errors = which == SMMUV3_IRQ_GERROR;

	return smmuv3_irqs_request(&rig->unit, &rig->irqs, which,
				   errors ? irqs_hard : NULL,
				   errors ? NULL : irqs_thread,
				   &rig->who[which]);
}

static void irqs_disconnect(struct irqs_rig *rig, enum smmuv3_irq which)
{
	smmuv3_irqs_free(&rig->unit, &rig->irqs, which, &rig->who[which]);
}

/* An edge, and all that comes of it */
static void irqs_raise(struct irqs_rig *rig)
{
	machine_lines_raise(&rig->lines, 0);
	irq_work_sync(&rig->lines.line[0].raise);
	/* The simulated controller goes by an irq_work of its own */
	msleep(20);
	synchronize_irq(rig->irqs.combined);
}

/* How often each was called; the first may take its time. */
static void irqs_expect(struct kunit *test, struct irqs_rig *rig, int errors,
			int events, int requests)
{
	unsigned int i;

	for (i = 0; i < PATIENCE_MS / 20; i++) {
		if (atomic_read(&rig->who[SMMUV3_IRQ_GERROR].hard) >= errors)
			break;
		msleep(20);
	}
	synchronize_irq(rig->irqs.combined);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->who[SMMUV3_IRQ_GERROR].hard),
			errors);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->who[SMMUV3_IRQ_EVTQ].thread),
			events);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->who[SMMUV3_IRQ_PRIQ].thread),
			requests);
}

/*
 * Each is called as long as it is connected, whatever the others say of the interrupt;
 * the wire is let go with the last of them, and can be had again.
 */
static void irqs_come_and_go(struct kunit *test)
{
	struct irqs_rig *rig = irqs_start(test);
	unsigned int turn;

	for (turn = 0; turn < 2; turn++) {
		memset(rig->who, 0, sizeof(rig->who));
		rig->who[SMMUV3_IRQ_GERROR].idle = turn;
		KUNIT_ASSERT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_GERROR), 0);
		irqs_raise(rig);
		irqs_expect(test, rig, 1, 0, 0);
		KUNIT_ASSERT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_EVTQ), 0);
		KUNIT_ASSERT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_PRIQ), 0);
		irqs_raise(rig);
		irqs_expect(test, rig, 2, 1, 1);
		irqs_disconnect(rig, SMMUV3_IRQ_EVTQ);
		irqs_raise(rig);
		irqs_expect(test, rig, 3, 1, 2);
		irqs_disconnect(rig, SMMUV3_IRQ_PRIQ);
		irqs_raise(rig);
		irqs_expect(test, rig, 4, 1, 2);
		irqs_disconnect(rig, SMMUV3_IRQ_GERROR);
		irqs_raise(rig);
		irqs_expect(test, rig, 4, 1, 2);
	}
}

/* Somebody else has the wire: nothing is connected, and nothing left behind. */
static void irqs_refused(struct kunit *test)
{
	struct irqs_rig *rig = irqs_start(test);
	struct irqs_who other = {};

	KUNIT_ASSERT_EQ(test, request_irq(rig->irqs.combined, irqs_hard, 0,
					  "smmuv3-other", &other), 0);
	KUNIT_EXPECT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_EVTQ), -EBUSY);
	KUNIT_EXPECT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_GERROR), -EBUSY);
	free_irq(rig->irqs.combined, &other);

	KUNIT_ASSERT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_GERROR), 0);
	irqs_raise(rig);
	irqs_expect(test, rig, 1, 0, 0);
	irqs_disconnect(rig, SMMUV3_IRQ_GERROR);
	irqs_raise(rig);
	irqs_expect(test, rig, 1, 0, 0);
}

/* Firmware knows no wire of that kind. */
static void irqs_none(struct kunit *test)
{
	struct irqs_rig *rig = irqs_start(test);

	rig->irqs.combined = 0;
	rig->irqs.wires[SMMUV3_IRQ_EVTQ] = rig->lines.line[0].irq;
	KUNIT_EXPECT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_GERROR), -ENXIO);
	KUNIT_EXPECT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_PRIQ), -ENXIO);
	KUNIT_ASSERT_EQ(test, irqs_connect(rig, SMMUV3_IRQ_EVTQ), 0);
	irqs_disconnect(rig, SMMUV3_IRQ_EVTQ);
}

static struct kunit_case smmuv3_irqs_cases[] = {
	KUNIT_CASE(irqs_come_and_go),
	KUNIT_CASE(irqs_refused),
	KUNIT_CASE(irqs_none),
	{}
};

static struct kunit_suite smmuv3_irqs_suite = {
	.name = "iommufd_smmuv3_irqs",
	.test_cases = smmuv3_irqs_cases,
};

kunit_test_suite(smmuv3_irqs_suite);
