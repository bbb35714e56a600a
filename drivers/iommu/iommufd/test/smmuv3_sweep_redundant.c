// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands whose absence nobody can notice, and why: each with the section of IHI
 * 0070 that says so. One that is noticed, or is not met, does not belong here, and
 * fails the test.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "smmuv3_sweep_redundant.h"

/**
 * struct redundant - what may be left out
 * @step: start of the step's name; NULL: a transition of @from and @to
 * @from: (transition) bit mask of &enum smmuv3_sweep_state; 0: any
 * @to: (transition) the same
 * @units: bit mask of SMSW_UNIT_*; 0: all
 * @what: bit mask of &enum smmuv3_model_inject
 * @op: opcode of the command; 0: any
 * @nth: bit mask, which of its opcode in the step; 0: any
 * @section: of the specification
 * @reason: why
 */
struct redundant {
	const char *step;
	u32 from;
	u32 to;
	u32 units;
	u32 what;
	unsigned int op;
	u32 nth;
	const char *section;
	const char *reason;
};

#define DROP		BIT(SMMUV3_MODEL_INJECT_DROP)
#define LEAF		BIT(SMMUV3_MODEL_INJECT_MISS_LEAF)

#define BLOCKED		BIT(SMSW_BLOCKED)
#define BYPASS		BIT(SMSW_BYPASS)
#define S1		(BIT(SMSW_S1_A) | BIT(SMSW_S1_B))
#define S2		BIT(SMSW_S2)
#define NB		BIT(SMSW_NESTED_BYPASS)
#define NESTED_HERE	(BIT(SMSW_NESTED_1) | BIT(SMSW_NESTED_2))
#define OTHER		BIT(SMSW_NESTED_OTHER)
#define NESTED		(NESTED_HERE | OTHER)

/* Units with ATS, with ranges, with PASIDs */
#define ATS		(BIT(SMSW_UNIT_MODERN) | BIT(SMSW_UNIT_LINEAR) | \
			 BIT(SMSW_UNIT_PLAIN))
#define RANGES		(BIT(SMSW_UNIT_MODERN) | BIT(SMSW_UNIT_NO_ATS) | \
			 BIT(SMSW_UNIT_PLAIN))
#define PASIDS		(BIT(SMSW_UNIT_MODERN) | BIT(SMSW_UNIT_NO_ATS) | \
			 BIT(SMSW_UNIT_LINEAR))

static const struct redundant table[] = {
	{ .step = "",
	  .what = DROP, .op = 0x46,
	  .section = "4.7.3",
	  .reason = "it makes complete what went before, which the model's commands are when they are consumed: that a submission ends in one, and is waited for, is shown by the tests of the queue" },
	{ .step = "fresh: to stage",
	  .units = BIT(SMSW_UNIT_MODERN) | BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "fresh: to nested",
	  .units = BIT(SMSW_UNIT_MODERN) | BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "fresh: a PASID",
	  .what = DROP, .op = 0x05, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "PASID: blocked to stage 1",
	  .what = DROP, .op = 0x05, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "PASID: blocked to stage 1 A, the other bypass",
	  .units = BIT(SMSW_UNIT_NO_ATS),
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "PASID: blocked to stage 1 B, the other bypass",
	  .units = BIT(SMSW_UNIT_NO_ATS),
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .step = "RID: blocked to stage 1",
	  .what = DROP, .op = 0x05, .nth = BIT(1),
	  .section = "5.2",
	  .reason = "descriptor 0 is not read while S1DSS terminates, or the entry aborts; the step that makes it valid invalidates it" },
	{ .from = BYPASS, .to = S1,
	  .units = PASIDS,
	  .what = DROP, .op = 0x05,
	  .section = "5.2",
	  .reason = "descriptor 0 is not read while S1DSS bypasses" },
	{ .from = S1, .to = BYPASS,
	  .what = DROP, .op = 0x05,
	  .section = "5.2",
	  .reason = "descriptor 0 is not read while S1DSS bypasses, and invalidated again before it is" },
	{ .from = BYPASS, .to = S2 | NB | NESTED,
	  .units = BIT(SMSW_UNIT_PLAIN) | BIT(SMSW_UNIT_NO_ATS),
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "fields that nothing reads yet are set ahead of their use; the step that makes use of them invalidates the same entry" },
	{ .from = S2, .to = NB,
	  .units = ATS,
	  .what = DROP, .op = 0x03,
	  .section = "PCIe 10.5.1.3",
	  .reason = "EATS alone changes, of a function whose ATS is off: it sends no translated requests" },
	{ .from = NB, .to = S2 | NESTED,
	  .what = DROP, .op = 0x40,
	  .section = "PCIe 10.5.1.3",
	  .reason = "ATS was off: there is nothing in the function's cache" },
	{ .from = NB, .to = BLOCKED | BYPASS | S1,
	  .units = ATS,
	  .what = DROP, .op = 0x40,
	  .section = "PCIe 10.5.1.3",
	  .reason = "ATS was off: there is nothing in the function's cache" },
	{ .from = BYPASS, .to = BLOCKED | S1 | S2 | NESTED,
	  .units = BIT(SMSW_UNIT_PLAIN),
	  .what = DROP, .op = 0x40,
	  .section = "PCIe 10.5.1.3",
	  .reason = "ATS was off: there is nothing in the function's cache" },
	{ .from = NB,
	  .what = DROP | LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "bypass at stage 1 leaves nothing of stage 1 in a cache" },
	{ .from = NESTED_HERE, .to = BLOCKED | BYPASS | S1 | OTHER,
	  .what = DROP | LEAF, .op = 0x10,
	  .section = "4.4.4.1",
	  .reason = "the VMID is flushed whole when its last user has gone, before anybody gets it" },
	{ .from = OTHER,
	  .what = DROP | LEAF, .op = 0x10,
	  .section = "4.4.4.1",
	  .reason = "the VMID is flushed whole when its last user has gone, before anybody gets it" },
	{ .from = NESTED_HERE, .to = NB,
	  .what = DROP | LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "nothing looks for stage 1 there, and to leave it flushes stage 1 of the VMID again" },
	{ .step = "RID: stage 1 A to blocked, the other stage 1 B",
	  .what = DROP, .op = 0x03,
	  .section = "5.2",
	  .reason = "S1DSS terminates, and descriptor 0 is not valid any more: either is enough" },
	{ .step = "RID: stage 1 B to blocked, the other stage 1 B",
	  .what = DROP, .op = 0x03,
	  .section = "5.2",
	  .reason = "S1DSS terminates, and descriptor 0 is not valid any more: either is enough" },
	{ .step = "RID: stage 1 A to blocked, the other stage 1 B",
	  .what = DROP, .op = 0x05,
	  .section = "5.2",
	  .reason = "S1DSS terminates, and descriptor 0 is not valid any more: either is enough" },
	{ .step = "RID: stage 1 B to blocked, the other stage 1 B",
	  .what = DROP, .op = 0x05,
	  .section = "5.2",
	  .reason = "S1DSS terminates, and descriptor 0 is not valid any more: either is enough" },
	{ .from = NESTED, .to = BYPASS | S1 | NB,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = NESTED_HERE, .to = OTHER,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = OTHER, .to = S2 | NESTED_HERE,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = NB, .to = BYPASS | S1 | NESTED,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = S1, .to = S2 | NB | NESTED,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = S2, .to = BYPASS | S1 | OTHER,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .from = BYPASS, .to = S2 | NB | NESTED,
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(2),
	  .section = "3.21.3",
	  .reason = "the entry is not valid between: the model keeps no such entry, so what comes next is read from memory, and invalidated once more" },
	{ .step = "unmap a table",
	  .units = RANGES,
	  .what = DROP, .op = 0x12, .nth = BIT(2),
	  .section = "4.4.1",
	  .reason = "the table was flushed with its leaves before it was freed; this is for the leaves once more" },
	{ .step = "unmap a table",
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x12, .nth = BIT(1),
	  .section = "4.4.1",
	  .reason = "all was flushed before the table was freed; this is for its leaves once more" },
	{ .step = "unmap a table",
	  .units = RANGES,
	  .what = DROP, .op = 0x2a, .nth = BIT(2),
	  .section = "4.4.1",
	  .reason = "the table was flushed with its leaves before it was freed; this is for the leaves once more" },
	{ .step = "unmap a table",
	  .units = BIT(SMSW_UNIT_LINEAR),
	  .what = DROP, .op = 0x2a, .nth = BIT(1),
	  .section = "4.4.1",
	  .reason = "all was flushed before the table was freed; this is for its leaves once more" },
	{ .step = "unmap a table",
	  .what = DROP, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "sent for the table, and for the leaves once more: either is enough" },
	{ .step = "unmap a leaf",
	  .what = LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "the guest's tables did not change, and what is cached of them holds intermediate addresses" },
	{ .step = "unmap a table",
	  .what = LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "the guest's tables did not change, and what is cached of them holds intermediate addresses" },
	{ .step = "flush a range, nested",
	  .what = LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "the guest's tables did not change, and what is cached of them holds intermediate addresses" },
	{ .step = "map a leaf of 2M over",
	  .what = LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "the guest's tables did not change, and what is cached of them holds intermediate addresses" },
	{ .step = "guest: its table",
	  .what = LEAF, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "the guest's tables did not change, and what is cached of them holds intermediate addresses" },
	{ .step = "map a leaf of 2M over",
	  .what = DROP, .op = 0x10,
	  .section = "4.4.2.1",
	  .reason = "nothing was mapped there that could be cached" },
	{ .step = "flush a range",
	  .what = LEAF, .op = 0x12,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed; who asks for a range is not asked what did" },
	{ .step = "flush a range",
	  .what = LEAF, .op = 0x2a,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed; who asks for a range is not asked what did" },
	{ .step = "flush all",
	  .what = LEAF, .op = 0x11,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed; who asks for a range is not asked what did" },
	{ .step = "flush all",
	  .what = LEAF, .op = 0x28,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed; who asks for a range is not asked what did" },
	{ .step = "guest: a leaf",
	  .what = LEAF, .op = 0x13,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed; who asks for a range is not asked what did" },
	{ .step = "commands: a leaf",
	  .what = LEAF,
	  .section = "4.4.1",
	  .reason = "leaves alone have changed, and the guest asked for more than that" },
	{ .step = "unplug",
	  .what = DROP, .op = 0x40,
	  .section = "PCIe 10.5.1.3",
	  .reason = "a function whose ATS is switched off forgets, and one that is plugged knows nothing" },
	{ .step = "unplug, stage 1",
	  .units = PASIDS,
	  .what = DROP, .op = 0x03, .nth = BIT(1) | BIT(3),
	  .section = "4.3.1",
	  .reason = "the RID is blocked before the PASID is, and the entry aborts before it becomes not valid: it is invalidated when the last one goes" },
	{ .step = "unplug, stage 1",
	  .units = BIT(SMSW_UNIT_PLAIN),
	  .what = DROP, .op = 0x03, .nth = BIT(2),
	  .section = "4.3.1",
	  .reason = "the entry aborts before it becomes not valid" },
	{ .step = "unplug, stage 1",
	  .what = DROP, .op = 0x05, .nth = BIT(1),
	  .section = "4.3.1",
	  .reason = "descriptors go with the entry they are found by" },
	{ .step = "unplug, nested",
	  .what = DROP, .op = 0x03, .nth = BIT(2),
	  .section = "5.2",
	  .reason = "the entry aborts before it becomes not valid" },
	{ .step = "unplug, nested",
	  .what = DROP | LEAF, .op = 0x10,
	  .section = "4.4.4.1",
	  .reason = "the VMID is flushed whole when its last user has gone" },
	{ .step = "plug",
	  .what = DROP, .op = 0x03, .nth = BIT(1),
	  .section = "3.21.3",
	  .reason = "nothing gets through before and after it aborts; what is attached next invalidates the same entry" },
};

static bool used[ARRAY_SIZE(table)];

static bool matches(const struct redundant *r, unsigned int unit,
		    const struct smmuv3_sweep_step *step,
		    enum smmuv3_model_inject what, unsigned int op,
		    unsigned int nth)
{
	bool transition = step->from != step->to;

	if (!(r->what & BIT(what)) || (r->units && !(r->units & BIT(unit))))
		return false;
	if ((r->op && r->op != op) || (r->nth && !(r->nth & BIT(nth))))
		return false;
	if (r->step)
		return strstarts(step->name, r->step);
	return transition && (!r->from || r->from & BIT(step->from)) &&
	       (!r->to || r->to & BIT(step->to));
}

/**
 * smmuv3_sweep_redundant() - may an error go unnoticed?
 * @unit: SMSW_UNIT_*
 * @step: in which it was made
 * @what: kind
 * @op: opcode of the command
 * @nth: which of its opcode in the step
 *
 * Return: the reason, or NULL.
 */
const char *smmuv3_sweep_redundant(unsigned int unit,
				   const struct smmuv3_sweep_step *step,
				   enum smmuv3_model_inject what,
				   unsigned int op, unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (matches(&table[i], unit, step, what, op, nth)) {
			used[i] = true;
			return table[i].reason;
		}
	return NULL;
}

/**
 * smmuv3_sweep_redundant_unused() - every line of the table was needed
 * @test: fails if not
 */
void smmuv3_sweep_redundant_unused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_TRUE_MSG(test, used[i], "not met: %u: %s: %s", i,
				      table[i].section, table[i].reason);
}
