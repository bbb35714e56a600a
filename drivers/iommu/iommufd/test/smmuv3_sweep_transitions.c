// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions of the sweep: requests of a RID or PASID go from each kind of domain
 * to each other.
 */
#include <linux/iommu.h>
#include <linux/kernel.h>

#include "smmuv3_sweep.h"

static const char *const names[SMSW_STATES] = {
	[SMSW_BLOCKED] = "blocked",
	[SMSW_BYPASS] = "bypass",
	[SMSW_S1_A] = "stage 1 A",
	[SMSW_S1_B] = "stage 1 B",
	[SMSW_S2] = "stage 2",
	[SMSW_NESTED_BYPASS] = "nested bypass",
	[SMSW_NESTED_1] = "nested 1",
	[SMSW_NESTED_2] = "nested 2",
	[SMSW_NESTED_OTHER] = "nested, other parent",
};

/**
 * struct group - transitions between some states
 * @pasid: whose
 * @from: the states, from the first
 * @num: how many
 * @others: where the other is meanwhile; SMSW_BLOCKED: nowhere
 * @num_others: how many
 */
struct group {
	ioasid_t pasid;
	const u8 *from;
	unsigned int num;
	const u8 *others;
	unsigned int num_others;
};

static const u8 all_states[] = {
	SMSW_BLOCKED, SMSW_BYPASS, SMSW_S1_A, SMSW_S1_B, SMSW_S2,
	SMSW_NESTED_BYPASS, SMSW_NESTED_1, SMSW_NESTED_2, SMSW_NESTED_OTHER,
};

static const u8 with_pasids[] = {
	SMSW_BLOCKED, SMSW_BYPASS, SMSW_S1_A, SMSW_S1_B,
};

static const u8 of_pasids[] = { SMSW_BLOCKED, SMSW_S1_A, SMSW_S1_B };
static const u8 rids[] = { SMSW_BLOCKED, SMSW_BYPASS, SMSW_S1_B };
static const u8 nowhere[] = { SMSW_BLOCKED };
static const u8 somewhere[] = { SMSW_S1_B };

static const struct group groups[] = {
	{ IOMMU_NO_PASID, all_states, ARRAY_SIZE(all_states), nowhere, 1 },
	{ IOMMU_NO_PASID, with_pasids, ARRAY_SIZE(with_pasids), somewhere, 1 },
	{ SMSW_PASID, of_pasids, ARRAY_SIZE(of_pasids), rids,
	  ARRAY_SIZE(rids) },
};

const unsigned int smmuv3_sweep_num_transitions = 9 * 8 + 4 * 3 + 3 * 2 * 3;

static ioasid_t other_pasid(const struct smmuv3_sweep_step *step)
{
	return step->pasid == IOMMU_NO_PASID ? SMSW_PASID : IOMMU_NO_PASID;
}

static int attach(struct smmuv3_sweep *s, u8 state, ioasid_t pasid)
{
	return smmuv3_attach(s->state[state], s->rig.device[0], pasid);
}

static bool is_nested(u8 state)
{
	return (state >= SMSW_NESTED_1 && state <= SMSW_NESTED_OTHER) ||
	       state == SMSW_NESTED_LATER;
}

static int expect(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step,
		  u8 state, const char *why)
{
	bool nested = is_nested(step->from) || is_nested(state);

	if (!smmuv3_sweep_expect(s, step->pasid, s->probe, s->value[state],
				 why))
		return -EIO;
	/* A guest's table decides for all PASIDs */
	if (!nested || s->rig.device[0]->max_pasids <= SMSW_PASID)
		return 0;
	return smmuv3_sweep_expect(s, SMSW_PASID, s->probe,
				   is_nested(state) ? s->value[state] : 0,
				   why) ? 0 : -EIO;
}

static int expect_other(struct smmuv3_sweep *s,
			const struct smmuv3_sweep_step *step, const char *why)
{
	if (step->other == SMSW_BLOCKED)
		return 0;
	return smmuv3_sweep_expect(s, other_pasid(step), s->probe,
				   s->value[step->other], why) ? 0 : -EIO;
}

static int setup(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	bool pasids = step->pasid != IOMMU_NO_PASID ||
		      step->other != SMSW_BLOCKED;
	int rc = 0;

	if (pasids && s->rig.device[0]->max_pasids <= SMSW_PASID)
		return -EOPNOTSUPP;
	if (step->other != SMSW_BLOCKED)
		rc = attach(s, step->other, other_pasid(step));
	rc = rc ?: attach(s, step->from, step->pasid);
	rc = rc ?: expect(s, step, step->from, "before");
	return rc ?: expect_other(s, step, "before, the other");
}

static int act(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	return attach(s, step->to, step->pasid);
}

static bool same_vmid(u8 a, u8 b)
{
	return a >= SMSW_S2 && a <= SMSW_NESTED_2 && b >= SMSW_S2 &&
	       b <= SMSW_NESTED_2;
}

static u8 later_than(u8 from)
{
	if (from >= SMSW_NESTED_1)
		return SMSW_NESTED_LATER;
	return from >= SMSW_S2 ? SMSW_S2_LATER : SMSW_S1_LATER;
}

static void check_next(struct smmuv3_sweep *s,
		       const struct smmuv3_sweep_step *step, u8 state,
		       const char *why)
{
	if (attach(s, state, step->pasid))
		s->why = "no later attach";
	else
		expect(s, step, state, why);
}

/*
 * After it, somebody else gets the ASID or VMID that came free; or, while that of the
 * parent is still in use, another of its guest's tables comes: nothing that has the
 * same tags must be left.
 */
static void check(struct smmuv3_sweep *s, const struct smmuv3_sweep_step *step)
{
	bool nested = step->from >= SMSW_NESTED_1;

	if (expect(s, step, step->to, "what was before is used") ||
	    expect_other(s, step, "the other went too") ||
	    step->from == SMSW_BLOCKED)
		return;
	if (!same_vmid(step->from, step->to))
		check_next(s, step, later_than(step->from),
			   "the next user of the id finds it used");
	else if (nested && step->to < SMSW_NESTED_1)
		check_next(s, step, step->from == SMSW_NESTED_1 ?
			   SMSW_NESTED_2 : SMSW_NESTED_1,
			   "the next table of the guest finds its ASID used");
}

static unsigned int group_size(const struct group *g)
{
	return g->num * (g->num - 1) * g->num_others;
}

/**
 * smmuv3_sweep_transition() - a transition by its number
 * @index: from 0
 * @step: what it is
 *
 * Return: false: there is none with this number.
 */
bool smmuv3_sweep_transition(unsigned int index, struct smmuv3_sweep_step *step)
{
	const struct group *g = groups;
	unsigned int other, from, to;

	for (; index >= group_size(g); g++) {
		index -= group_size(g);
		if (g == &groups[ARRAY_SIZE(groups) - 1])
			return false;
	}
	other = index / (g->num * (g->num - 1));
	index %= g->num * (g->num - 1);
	from = index / (g->num - 1);
	to = index % (g->num - 1);
	to += to >= from;
	*step = (struct smmuv3_sweep_step){
		.setup = setup, .act = act, .check = check,
		.from = g->from[from], .to = g->from[to],
		.other = g->others[other], .pasid = g->pasid,
	};
	snprintf(step->name, sizeof(step->name), "%s: %s to %s, the other %s",
		 g->pasid == IOMMU_NO_PASID ? "RID" : "PASID",
		 names[step->from], names[step->to], names[step->other]);
	return true;
}
