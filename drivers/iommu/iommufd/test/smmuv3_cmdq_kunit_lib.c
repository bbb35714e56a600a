// SPDX-License-Identifier: GPL-2.0-only
/* A unit for tests of the command queue, who consumes its queue, and what it saw. */
#include <linux/bitfield.h>

#include "smmuv3_cmdq_kunit.h"

/* All features; the size of the command queue is to be added */
#define IDR0		0x0c4d76bb
#define IDR1(log2)	(0x08139d20 | (log2) << 21)
#define IDR3		0x00000500
#define IDR5		0x01000476

/*
 * For a command. A machine that others use, too, may stand still for longer than a unit;
 * but who waits here does not sleep, and RCU's patience is 21 seconds.
 */
#define PATIENCE_MS	15000

static u8 rig_on_cmd(struct smmuv3_fake *fake, const struct smmuv3_cmd *cmd)
{
	struct smmuv3_rig *rig = fake->priv;

	if (smmuv3_fake_op(cmd) == FAKE_SYNC && rig->sync_error) {
		rig->sync_error = false;
		return FAKE_CERROR_ATC_INV;
	}
	if (smmuv3_fake_op(cmd) != FAKE_PREFETCH_CONFIG)
		return FAKE_CERROR_NONE;
	if (cmd->qw[1] & TAG_ILL)
		return FAKE_CERROR_ILL;
	return cmd->qw[1] & TAG_ABT ? FAKE_CERROR_ABT : FAKE_CERROR_NONE;
}

struct smmuv3_rig *smmuv3_rig_new(struct kunit *test, unsigned int log2)
{
	const u32 idr[6] = { IDR0, IDR1(log2), 0, IDR3, 0, IDR5 };
	struct smmuv3_rig *rig;

	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->fake = smmuv3_fake_new(test, idr, 0);
	rig->fake->priv = rig;
	rig->fake->on_cmd = rig_on_cmd;
	smmuv3_fake_start_cmdq(rig->fake);
	smmuv3_cmdq_set_timeout(&rig->fake->unit, PATIENCE_MS);
	return rig;
}

static enum hrtimer_restart rig_tick(struct hrtimer *timer)
{
	struct smmuv3_rig *rig = container_of(timer, struct smmuv3_rig, timer);
	unsigned int num;

	num = smmuv3_fake_consume(rig->fake, min(rig->step, rig->left));
	if (rig->left != UINT_MAX)
		rig->left -= num;
	hrtimer_forward_now(timer, rig->period);
	return HRTIMER_RESTART;
}

/* A unit that takes its time, and stops after @left commands. */
void smmuv3_rig_start(struct smmuv3_rig *rig, unsigned int us,
		      unsigned int step, unsigned int left)
{
	rig->fake->hold = true;
	rig->step = step;
	rig->left = left;
	rig->period = ns_to_ktime(us * NSEC_PER_USEC);
	hrtimer_init(&rig->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	rig->timer.function = rig_tick;
	hrtimer_start(&rig->timer, rig->period, HRTIMER_MODE_REL_HARD);
}

void smmuv3_rig_stop(struct smmuv3_rig *rig)
{
	hrtimer_cancel(&rig->timer);
	rig->fake->hold = false;
}

void smmuv3_rig_cmds(struct smmuv3_cmd *cmds, unsigned int num,
		     unsigned int owner, unsigned int batch)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		cmds[i].qw[0] = FAKE_PREFETCH_CONFIG;
		cmds[i].qw[1] = FIELD_PREP(TAG_INDEX, i) |
				FIELD_PREP(TAG_NUM, num) |
				FIELD_PREP(TAG_BATCH, batch) |
				FIELD_PREP(TAG_OWNER, owner);
	}
}

struct smmuv3_cmdq_result smmuv3_rig_run(struct smmuv3_rig *rig,
					 const struct smmuv3_cmd *cmds,
					 unsigned int num)
{
	struct smmuv3_cmdq_result result;

	memset(&result, 0xa5, sizeof(result));
	smmuv3_cmdq_run(&rig->fake->unit, cmds, num, &result);
	return result;
}

void smmuv3_rig_expect(struct kunit *test, struct smmuv3_rig *rig,
		       const struct smmuv3_cmd *cmds, unsigned int num, int rc,
		       unsigned int failed, bool unanswered)
{
	struct smmuv3_cmdq_result result = smmuv3_rig_run(rig, cmds, num);

	KUNIT_EXPECT_EQ(test, result.rc, rc);
	if (rc)
		KUNIT_EXPECT_EQ(test, result.failed, failed);
	KUNIT_EXPECT_EQ(test, result.unanswered, unanswered);
}

/* Number of writes of @reg. */
unsigned int smmuv3_rig_writes(struct smmuv3_rig *rig, unsigned int reg)
{
	unsigned int i, num = 0;

	for (i = 0; i < rig->fake->num_writes; i++)
		num += rig->fake->writes[i].reg == reg;
	return num;
}

/*
 * The log is whole batches, each once, and each followed by its SYNC; a refused
 * command is followed by the SYNC that has taken its place, a SYNC that failed by
 * itself. Returns how many batches.
 */
unsigned int smmuv3_rig_check_log(struct kunit *test, struct smmuv3_rig *rig)
{
	unsigned int i, at = 0, batches = 0, refused = 0;
	u64 first = 0;

	for (i = 0; i < rig->fake->num_log; i++) {
		const struct smmuv3_fake_entry *entry = &rig->fake->log[i];
		u64 tag = entry->cmd.qw[1];

		if (smmuv3_fake_op(&entry->cmd) == FAKE_SYNC) {
			KUNIT_EXPECT_EQ(test, entry->cmd.qw[0], 0x46);
			KUNIT_EXPECT_EQ(test, tag, 0);
			if (entry->cerror)
				continue;
			if (refused) {
				refused = 0;
				continue;
			}
			KUNIT_EXPECT_EQ(test, at, FIELD_GET(TAG_NUM, first));
			at = 0;
			batches++;
			continue;
		}
		KUNIT_EXPECT_FALSE(test, refused);
		if (!at)
			first = tag;
		KUNIT_EXPECT_EQ(test, FIELD_GET(TAG_INDEX, tag), at);
		KUNIT_EXPECT_EQ(test, FIELD_GET(TAG_OWNER, tag),
				FIELD_GET(TAG_OWNER, first));
		KUNIT_EXPECT_EQ(test, FIELD_GET(TAG_BATCH, tag),
				FIELD_GET(TAG_BATCH, first));
		refused = entry->cerror;
		at++;
	}
	KUNIT_EXPECT_EQ(test, at, 0);
	return batches;
}
