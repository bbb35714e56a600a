/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the KUnit suites of the command queue. */
#ifndef __IOMMUFD_SMMUV3_CMDQ_KUNIT_H
#define __IOMMUFD_SMMUV3_CMDQ_KUNIT_H

#include <linux/hrtimer.h>

#include "smmuv3_fake.h"

/* Commands of a batch, at most */
#define BATCH_MAX	9

/*
 * Commands that do nothing that we could see (4.2.1). Whose, which one of how many,
 * and what is to become of it stands in fields that are not looked at.
 */
#define TAG_INDEX	GENMASK_ULL(15, 0)
#define TAG_NUM		GENMASK_ULL(31, 16)
#define TAG_BATCH	GENMASK_ULL(47, 32)
#define TAG_OWNER	GENMASK_ULL(57, 48)
#define TAG_ABT		BIT_ULL(61)
#define TAG_ILL		BIT_ULL(62)

/**
 * struct smmuv3_rig - a unit and who consumes its queue
 * @fake: the unit
 * @timer: consumes @step commands each time, if started
 * @period: how often
 * @step: how many
 * @left: commands until it stops; UINT_MAX: it does not
 * @sync_error: the next SYNC that is not a replacement fails for want of an answer
 */
struct smmuv3_rig {
	struct smmuv3_fake *fake;
	struct hrtimer timer;
	ktime_t period;
	unsigned int step;
	unsigned int left;
	bool sync_error;
};

/* A unit with a command queue of 2^@log2 entries, on. Freed with the test. */
struct smmuv3_rig *smmuv3_rig_new(struct kunit *test, unsigned int log2);
/* From now on it takes its time: @step commands each @us, and stops after @left. */
void smmuv3_rig_start(struct smmuv3_rig *rig, unsigned int us,
		      unsigned int step, unsigned int left);
/* It is as it was before smmuv3_rig_start(): it does at once what it is told. */
void smmuv3_rig_stop(struct smmuv3_rig *rig);

/* The @num commands of batch @batch of @owner. */
void smmuv3_rig_cmds(struct smmuv3_cmd *cmds, unsigned int num,
		     unsigned int owner, unsigned int batch);
/* What smmuv3_cmdq_run() says of them. Any context. */
struct smmuv3_cmdq_result smmuv3_rig_run(struct smmuv3_rig *rig,
					 const struct smmuv3_cmd *cmds,
					 unsigned int num);
/* The same, and it has to be this; @failed counts if @rc. */
void smmuv3_rig_expect(struct kunit *test, struct smmuv3_rig *rig,
		       const struct smmuv3_cmd *cmds, unsigned int num, int rc,
		       unsigned int failed, bool unanswered);
/* Number of writes of @reg. */
unsigned int smmuv3_rig_writes(struct smmuv3_rig *rig, unsigned int reg);
/*
 * The log is whole batches, each once, and each followed by its SYNC; a refused
 * command is followed by the SYNC that has taken its place, a SYNC that failed by
 * itself. Returns how many batches.
 */
unsigned int smmuv3_rig_check_log(struct kunit *test, struct smmuv3_rig *rig);

#endif
