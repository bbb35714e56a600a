/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command queue (IHI 0070 chapter 4, 3.5): commands are collected in a batch
 * and submitted together, with one CMD_SYNC behind them.
 *
 * A batch is filled by one thread; any number of batches are submitted at once.
 * Commands of one batch are carried out in order as far as the architecture says
 * so: CFGI and TLBI are complete at the SYNC, and an ATC_INV must be submitted only
 * after the TLBI that it follows is complete (3.9.1): see smmuv3_batch_barrier().
 */
#ifndef __IOMMUFD_SMMUV3_CMDQ_H
#define __IOMMUFD_SMMUV3_CMDQ_H

#include "unit.h"

struct smmuv3_device;

/* Commands of one submission, without its SYNC. */
#define SMMUV3_SUBMIT_MAX	128

/**
 * struct smmuv3_cmd - a command
 * @qw: 128 bits
 */
struct smmuv3_cmd {
	u64 qw[2];
};

/**
 * struct smmuv3_batch - commands on their way to a unit
 * @unit: the unit
 * @cmds: room for @max
 * @max: 1 to SMMUV3_SUBMIT_MAX
 * @num: collected and not submitted
 * @rc: first error of a submission so far
 * @failed: serial number, from 0 in the order of collection, of the first command of
 *	the submission that failed; valid if @rc
 * @done: commands submitted so far
 */
struct smmuv3_batch {
	struct smmuv3_unit *unit;
	struct smmuv3_cmd *cmds;
	unsigned int max;
	unsigned int num;
	int rc;
	unsigned long failed;
	unsigned long done;
};

/* Fits a kernel stack. */
#define DEFINE_SMMUV3_BATCH(_name, _unit)				\
	struct smmuv3_cmd _name##_cmds[32];				\
	struct smmuv3_batch _name = {					\
		.unit = (_unit),					\
		.cmds = _name##_cmds,					\
		.max = ARRAY_SIZE(_name##_cmds),			\
	}

/*
 * Any context. A full batch submits itself and goes on. Ranges are [start, last],
 * bytes; what is flushed may be more than asked, never less.
 */

/* As it is, for commands that came from a user and were checked and rewritten. */
void smmuv3_batch_add(struct smmuv3_batch *batch, const struct smmuv3_cmd *cmd);
/* 4.3.1: one stream table entry; @leaf: the level 1 descriptor did not change. */
void smmuv3_batch_cfgi_ste(struct smmuv3_batch *batch, u32 sid, bool leaf);
/* 4.3.2: every stream table entry and context descriptor. */
void smmuv3_batch_cfgi_all(struct smmuv3_batch *batch);
/* 4.3.3: one context descriptor. */
void smmuv3_batch_cfgi_cd(struct smmuv3_batch *batch, u32 sid, u32 ssid,
			  bool leaf);
/* 4.3.4: all context descriptors of a stream. */
void smmuv3_batch_cfgi_cd_all(struct smmuv3_batch *batch, u32 sid);
/* 4.4: everything of non-secure EL1, both stages. */
void smmuv3_batch_tlbi_all(struct smmuv3_batch *batch);
/* 4.4: everything of EL2, that an earlier owner of the unit may have left. */
void smmuv3_batch_tlbi_el2_all(struct smmuv3_batch *batch);
/* Stage 1 (and nested) entries of (vmid, asid). */
void smmuv3_batch_tlbi_asid(struct smmuv3_batch *batch, u16 vmid, u16 asid);
/*
 * Of [start, last] of (vmid, asid). @leaf: no table was taken out, only leaves.
 * @granule: the page size of the table (4K, 16K, 64K); or, if @leaf and all leaves of
 * the range are blocks of one size, that size; 0: not known
 */
void smmuv3_batch_tlbi_va(struct smmuv3_batch *batch, u16 vmid, u16 asid,
			  u64 start, u64 last, size_t granule, bool leaf);
/* Both stages of a VMID. */
void smmuv3_batch_tlbi_vmid(struct smmuv3_batch *batch, u16 vmid);
/* Stage 1 of a VMID, every ASID. */
void smmuv3_batch_tlbi_vmid_stage1(struct smmuv3_batch *batch, u16 vmid);
/*
 * Stage 2 entries of [start, last] of intermediate physical addresses. What was
 * cached of both stages combined needs smmuv3_batch_tlbi_vmid_stage1() besides, behind
 * a smmuv3_batch_barrier(): TLBIs without a SYNC between them have no order, and a walk
 * could combine what is still there of stage 2 once more.
 */
void smmuv3_batch_tlbi_ipa(struct smmuv3_batch *batch, u16 vmid, u64 start,
			   u64 last, size_t granule, bool leaf);
/*
 * 4.5.1: what a device has cached of [start, last]. IOMMU_NO_PASID: of requests
 * without PASID. Only for a device with ATS on; the power-of-two rule is minded.
 */
void smmuv3_batch_atc_inv(struct smmuv3_batch *batch, u32 sid, ioasid_t pasid,
			  u64 start, u64 last);
/* Everything it has cached, of every PASID. */
void smmuv3_batch_atc_inv_all(struct smmuv3_batch *batch, u32 sid);

/**
 * enum smmuv3_pri_resp - codes of CMD_PRI_RESP (4.5.2)
 * @SMMUV3_PRI_FAILURE: Response Failure: the device stops asking
 * @SMMUV3_PRI_INVALID: Invalid Request
 * @SMMUV3_PRI_SUCCESS: Success
 */
enum smmuv3_pri_resp {
	SMMUV3_PRI_FAILURE = 0,
	SMMUV3_PRI_INVALID = 1,
	SMMUV3_PRI_SUCCESS = 2,
};

/* 4.5.2: PRG response. */
void smmuv3_batch_pri_resp(struct smmuv3_batch *batch, u32 sid,
			   bool pasid_valid, u32 pasid, u32 grpid,
			   enum smmuv3_pri_resp code);
/* 4.7.1: @retry: translate again; else abort. */
void smmuv3_batch_resume(struct smmuv3_batch *batch, u32 sid, u16 stag,
			 bool retry);
/* What follows is carried out after what went before: submits what there is. */
void smmuv3_batch_barrier(struct smmuv3_batch *batch);

/*
 * Submit what is left, and wait until all is done. 0; -ETIMEDOUT: a device did not
 * answer an ATC invalidation of this batch (CERROR_ATC_INV_SYNC), and was distrusted
 * (smmuv3_device_distrust()); -EIO: the unit refused a command (CERROR_ILL,
 * CERROR_ABT) or does not carry it out: a bug of the driver or broken hardware; it
 * was replaced by a SYNC and the queue goes on. Any context; spins.
 */
int smmuv3_batch_submit(struct smmuv3_batch *batch);

/**
 * struct smmuv3_cmdq_result - what became of commands
 * @rc: 0, or -EIO: one was refused, or not carried out in time
 * @failed: the first of those, index; valid if @rc
 * @unanswered: a device did not answer an ATC_INV among them; which is not known
 * @late: waiting for them was given up: none of them is known to have been done, and
 *	all of them may be done later
 */
struct smmuv3_cmdq_result {
	int rc;
	unsigned int failed;
	bool unanswered;
	bool late;
};

/* Carry out 1 or more commands and wait, for batch.c. Any context; spins. */
void smmuv3_cmdq_run(struct smmuv3_unit *unit, const struct smmuv3_cmd *cmds,
		     unsigned int num, struct smmuv3_cmdq_result *result);

/*
 * The queue of a unit, for unit.c. Its size is the most that the unit can and we
 * want. @timeout: how long the unit may take for one command (ms), for tests.
 */
int smmuv3_cmdq_alloc(struct smmuv3_unit *unit);
void smmuv3_cmdq_free(struct smmuv3_unit *unit);
/* Registers; CR0.CMDQEN is the caller's. */
void smmuv3_cmdq_setup(struct smmuv3_unit *unit);
void smmuv3_cmdq_set_timeout(struct smmuv3_unit *unit, unsigned int timeout);
/* GERROR.CMDQ_ERR is active: replace the command, acknowledge. Any context. */
void smmuv3_cmdq_error(struct smmuv3_unit *unit);
/* How long it has stood still, if waiting was given up since; else 0. Any context. */
unsigned int smmuv3_cmdq_stuck_ms(struct smmuv3_unit *unit);

#endif
