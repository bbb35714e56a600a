// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidations whose absence nobody can notice, and why: each with the section
 * of the VT-d specification that says so. One that is noticed, or is not met, does
 * not belong here, and fails the test.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "vtd_sweep_redundant.h"

/**
 * struct redundant - what may be left out
 * @step: start of the step's name
 * @from: (transition) bit mask of enum sweep_state; 0: no transition
 * @to: (transition) the same
 * @units: bit mask of UNIT_*; 0: all
 * @what: bit mask of enum vtd_model_inject
 * @type: of the descriptor; 0: any
 * @nth: which of its type in the step; 0: any
 * @section: of the specification
 * @reason: why
 */
struct redundant {
	const char *step;
	u32 from;
	u32 to;
	u32 units;
	u32 what;
	unsigned int type;
	u32 nth;
	const char *section;
	const char *reason;
};

#define DROP		BIT(VTD_MODEL_INJECT_DROP)
#define TYPES		BIT(VTD_MODEL_INJECT_DROP_TYPES)
#define KEEP		BIT(VTD_MODEL_INJECT_KEEP_TABLES)
#define CLEAN		BIT(VTD_MODEL_INJECT_DROP_CLEAN)

#define BLOCKED		BIT(SWEEP_BLOCKED)
#define IDENTITY	BIT(SWEEP_IDENTITY)
#define SS		(BIT(SWEEP_SS_A) | BIT(SWEEP_SS_B))
#define NESTED		(BIT(SWEEP_NESTED_A1) | BIT(SWEEP_NESTED_A2) | \
			 BIT(SWEEP_NESTED_B1))
#define ALL		(BLOCKED | IDENTITY | SS | NESTED)

static const struct redundant table[] = {
	{ .from = IDENTITY, .to = ALL,
	  .what = DROP | TYPES, .type = SWEEP_PASID_IOTLB,
	  .section = "3.9",
	  .reason = "pass-through translates every address to itself, for ever, and nothing else has its domain id" },
	{ .from = IDENTITY | SS, .to = NESTED,
	  .what = DROP, .type = SWEEP_PASID,
	  .nth = BIT(1),
	  .section = "6.5.2.2",
	  .reason = "first-stage fields are set ahead of their use; the step that makes use of them flushes the same entry" },
	{ .from = NESTED, .to = IDENTITY | SS,
	  .what = DROP, .type = SWEEP_PASID,
	  .nth = BIT(2),
	  .section = "9.6",
	  .reason = "first-stage fields are cleared when the type of translation ignores them already" },
	{ .from = BLOCKED, .to = IDENTITY,
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_PASID_IOTLB,
	  .section = "6.1",
	  .reason = "without a PASID entry there is no domain id that an absence could be cached with" },
	{ .from = BLOCKED, .to = SS | NESTED,
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_IOTLB,
	  .section = "6.1",
	  .reason = "without a PASID entry there is no domain id that an absence could be cached with" },
	{ .from = BLOCKED, .to = ALL,
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_PASID,
	  .nth = BIT(2),
	  .section = "6.1",
	  .reason = "an absent PASID entry is cached with domain id 0; the flush of the new one's is for its mappings" },
	{ .step = "dirty tracking off",
	  .what = DROP, .type = SWEEP_IOTLB,
	  .section = "3.7.2",
	  .reason = "the translation is the same; a dirty bit that is known to be set is not looked for" },
	{ .step = "dirty tracking off",
	  .what = DROP, .type = SWEEP_DEVICE_TLB,
	  .section = "3.7.2",
	  .reason = "the translation is the same; a dirty bit that is known to be set is not looked for" },
	{ .step = "dirty tracking off",
	  .what = DROP, .type = SWEEP_PASID_DEVICE_TLB,
	  .section = "3.7.2",
	  .reason = "the translation is the same; a dirty bit that is known to be set is not looked for" },
	{ .step = "dirty tracking on",
	  .units = BIT(UNIT_NO_ATS),
	  .what = DROP, .type = SWEEP_IOTLB,
	  .nth = BIT(1),
	  .section = "6.5.2.3",
	  .reason = "the next attachment has the same domain id, and flushes it again" },
	{ .step = "map a leaf",
	  .what = DROP, .type = SWEEP_DEVICE_TLB,
	  .section = "PCIe 10.2.3",
	  .reason = "a function does not cache what is not present" },
	{ .step = "map a leaf",
	  .what = DROP, .type = SWEEP_PASID_DEVICE_TLB,
	  .section = "PCIe 10.2.3",
	  .reason = "a function does not cache what is not present" },
	{ .step = "map a leaf of 2M over",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_IOTLB,
	  .section = "6.1",
	  .reason = "flushed once for the table that went, and once for what came" },
	{ .step = "map a leaf of 1G over",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_IOTLB,
	  .section = "6.1",
	  .reason = "flushed once for the table that went, and once for what came" },
	{ .step = "map a leaf",
	  .units = BIT(UNIT_CACHING),
	  .what = KEEP,
	  .section = "6.1",
	  .reason = "absent leaves are cached, tables are not; a table that went is flushed by itself" },
	{ .step = "plug",
	  .what = DROP, .type = SWEEP_CONTEXT,
	  .nth = BIT(1),
	  .section = "6.5.3.3",
	  .reason = "the entry became present a moment ago, and the function is no bus master yet" },
	{ .step = "plug",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_PASID_IOTLB,
	  .section = "3.9",
	  .reason = "pass-through translates every address to itself, for ever" },
	{ .step = "plug",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_PASID,
	  .section = "6.1",
	  .reason = "what is attached next flushes the same entry" },
	{ .step = "unplug",
	  .units = BIT(UNIT_MODERN) | BIT(UNIT_CACHING) | BIT(UNIT_NO_PSI) |
		  BIT(UNIT_NO_SNOOP),
	  .what = DROP, .type = SWEEP_CONTEXT,
	  .nth = BIT(1),
	  .section = "6.5.2.1",
	  .reason = "the entry goes next, and is flushed again" },
	{ .step = "unplug",
	  .what = DROP, .type = SWEEP_DEVICE_TLB,
	  .section = "PCIe 10.5.1.3",
	  .reason = "a function whose ATS is switched off forgets" },
	{ .step = "unplug",
	  .what = DROP, .type = SWEEP_PASID_DEVICE_TLB,
	  .section = "PCIe 10.5.1.3",
	  .reason = "a function whose ATS is switched off forgets" },
	{ .step = "unplug",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_CONTEXT,
	  .nth = BIT(2),
	  .section = "6.1",
	  .reason = "whoever comes next flushes it before it is used" },
	{ .step = "unplug",
	  .units = BIT(UNIT_CACHING),
	  .what = DROP, .type = SWEEP_PASID,
	  .nth = BIT(3),
	  .section = "6.5.2.2",
	  .reason = "the whole cache is flushed behind the context entry, after each PASID by itself" },
	{ .from = BLOCKED | IDENTITY | SS, .to = NESTED,
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1),
	  .section = "9.6",
	  .reason = "both halves are in one cache line, which is written back with the second" },
	{ .from = NESTED, .to = BLOCKED | IDENTITY | SS,
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(2),
	  .section = "9.6",
	  .reason = "first-stage fields are cleared when the type of translation ignores them already" },
	{ .step = "unmap a leaf of 2M",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(2) | BIT(4) | BIT(5),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "unmap a leaf of 1G",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(3),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "unmap a table of 4K",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(2) | BIT(4) | BIT(5),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "unmap a table of 2M",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(3),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "map a leaf of 2M over",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(2),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "map a leaf of 1G over",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1),
	  .section = "3.10",
	  .reason = "entries on the way were written back when they were made, by this caller here" },
	{ .step = "first stage: a leaf",
	  .units = BIT(UNIT_NO_SNOOP),
	  .what = CLEAN,
	  .nth = BIT(1) | BIT(2) | BIT(3),
	  .section = "3.10",
	  .reason = "the guest's entries above the leaf are what they were" },
};

static bool used[ARRAY_SIZE(table)];

static bool matches(const struct redundant *r, unsigned int unit,
		    const struct sweep_step *step, enum vtd_model_inject what,
		    unsigned int type, unsigned int nth)
{
	bool transition = step->from != step->to;

	if (!r->reason || !(r->what & BIT(what)) ||
	    (r->units && !(r->units & BIT(unit))))
		return false;
	if ((r->type && r->type != type) || (r->nth && !(r->nth & BIT(nth))))
		return false;
	if (r->from)
		return transition && r->from & BIT(step->from) &&
		       r->to & BIT(step->to);
	return !transition && strstarts(step->name, r->step);
}

/**
 * sweep_redundant() - may an error go unnoticed?
 * @unit: UNIT_*
 * @step: in which it was made
 * @what: kind
 * @type: of the descriptor that was dropped
 * @nth: which of its type in the step; 0: all of them
 *
 * Return: the reason, or NULL.
 */
const char *sweep_redundant(unsigned int unit, const struct sweep_step *step,
			    enum vtd_model_inject what, unsigned int type,
			    unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (matches(&table[i], unit, step, what, type, nth)) {
			used[i] = true;
			return table[i].reason;
		}
	return NULL;
}

/**
 * sweep_redundant_unused() - every line of the table was needed
 * @test: fails if not
 */
void sweep_redundant_unused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].reason)
			KUNIT_EXPECT_TRUE_MSG(test, used[i],
					      "not met: %s: %s",
					      table[i].section,
					      table[i].reason);
}
