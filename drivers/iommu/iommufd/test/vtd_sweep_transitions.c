// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions of the sweep: requests of a RID or PASID go from each kind of domain
 * to each other.
 */
#include <linux/iommu.h>
#include <linux/kernel.h>

#include "vtd_sweep.h"

static const char *const names[SWEEP_STATES] = {
	[SWEEP_BLOCKED] = "blocked",
	[SWEEP_IDENTITY] = "identity",
	[SWEEP_SS_A] = "second stage A",
	[SWEEP_SS_B] = "second stage B",
	[SWEEP_NESTED_A1] = "nested A1",
	[SWEEP_NESTED_A2] = "nested A2",
	[SWEEP_NESTED_B1] = "nested B1",
};

static int expect(struct sweep *s, const struct sweep_step *step,
		  enum sweep_state state, const char *why)
{
	return sweep_expect(s, step->pasid, s->probe, s->value[state], why) ?
		       0 : -EIO;
}

static int setup(struct sweep *s, const struct sweep_step *step)
{
	int rc;

	if (step->pasid >= s->rig.device[0]->max_pasids)
		return -EOPNOTSUPP;
	rc = vtd_attach(s->state[step->from], s->rig.device[0], step->pasid);
	return rc ?: expect(s, step, step->from, "before");
}

static int act(struct sweep *s, const struct sweep_step *step)
{
	return vtd_attach(s->state[step->to], s->rig.device[0], step->pasid);
}

/*
 * After it, somebody else gets the domain id that came free: translations with
 * that tag must be gone as well. They come from identity, which takes no flush of
 * what is new, in caching mode either.
 */
static void check(struct sweep *s, const struct sweep_step *step)
{
	enum sweep_state later = SWEEP_SS_LATER;

	if (expect(s, step, step->to, "what was before is used") ||
	    step->from <= SWEEP_IDENTITY)
		return;
	if (step->from >= SWEEP_NESTED_A1)
		later = SWEEP_NESTED_LATER;
	if (vtd_attach(&vtd_identity_domain, s->rig.device[0], step->pasid) ||
	    vtd_attach(s->state[later], s->rig.device[0], step->pasid))
		s->why = "no later attach";
	else
		expect(s, step, later, "the next user of the domain id finds it used");
}

static u32 rows(enum sweep_state from)
{
	if (from == SWEEP_BLOCKED)
		return BIT(ROW_CM_PASID);
	return from == SWEEP_IDENTITY ? BIT(ROW_PASID_PT) : BIT(ROW_PASID_SS);
}

/**
 * sweep_transition() - a transition by its number
 * @index: from 0
 * @step: what it is
 *
 * Return: 0: there is none with this number.
 */
unsigned int sweep_transition(unsigned int index, struct sweep_step *step)
{
	unsigned int pairs = SWEEP_TRANSITION_STATES *
			     (SWEEP_TRANSITION_STATES - 1);
	unsigned int from = index % pairs / (SWEEP_TRANSITION_STATES - 1);
	unsigned int to = index % (SWEEP_TRANSITION_STATES - 1);

	if (index >= 2 * pairs)
		return 0;
	to += to >= from;
	*step = (struct sweep_step){
		.rows = rows(from),
		.setup = setup, .act = act, .check = check,
		.from = from, .to = to,
		.pasid = sweep_pasids[index / pairs],
	};
	snprintf(step->name, sizeof(step->name), "%s: %s to %s",
		 index / pairs ? "PASID" : "RID", names[from], names[to]);
	return 1;
}
