// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SMMUv3 model's command queue (3.5, 4.1, 7.1): commands are consumed one after
 * the other by whoever writes PROD, or, if somebody is at it, by them. Interrupts are
 * off meanwhile, so that nobody who waits for it keeps it from going on.
 */
#include <linux/irqflags.h>
#include <linux/processor.h>
#include <linux/string.h>

#include "smmuv3_internal.h"

#define CMD_BYTES		16
#define CONS_ERR		MUT(CMDQ_CONS_ERR, GENMASK(30, 24), GENMASK(29, 23))

static struct smmuv3_queue *cmdq(struct smmuv3_model *model)
{
	return &model->queues[SMMUV3_CMDQ];
}

static void stop(struct smmuv3_model *model, unsigned int error)
{
	cmdq(model)->cons &= ~CONS_ERR;
	cmdq(model)->cons |= smmuv3_prep(CONS_ERR, error);
	model->counts.errors[error]++;
	smmuv3_gerror(model, SMMUV3_GERROR_CMDQ);
}

/* A command that a test made illegal stays so until there is another one. */
static bool made_illegal(struct smmuv3_model *model, const u64 cmd[2])
{
	if (smmuv3_injected(model, SMMUV3_MODEL_INJECT_CERROR_ILL)) {
		model->ill_at = cmdq(model)->cons & GENMASK(19, 0);
		memcpy(model->ill, cmd, sizeof(model->ill));
		return true;
	}
	if (model->ill_at == (cmdq(model)->cons & GENMASK(19, 0)) &&
	    !memcmp(model->ill, cmd, sizeof(model->ill)) && cmd[0] != 0x46)
		return true;
	model->ill_at = ~0U;
	return false;
}

static bool fetch(struct smmuv3_model *model, u64 cmd[2])
{
	u64 pa = smmuv3_queue_entry(cmdq(model), cmdq(model)->cons, CMD_BYTES);

	return !smmuv3_injected(model, SMMUV3_MODEL_INJECT_CERROR_ABT) &&
	       smmuv3_memory_read(model, pa, cmd, 2);
}

static bool is_dropped(struct smmuv3_model *model, const u64 cmd[2])
{
	bool nth = smmuv3_injected(model, SMMUV3_MODEL_INJECT_DROP);

	return nth || model->inject[SMMUV3_MODEL_INJECT_DROP_TYPES] &
		      smmuv3_command_family(cmd);
}

/* A page response is for somebody who waits for it. */
static void respond(struct model_function *fn, const struct smmuv3_effect *effect)
{
	if (fn->ops->prg_response &&
	    fn->ops->prg_response(fn, effect->ssv, effect->ssid, effect->grpid,
				  effect->code))
		return;
	model_violation("smmuv3: %#x did not wait for an answer to group %u, substream %#x",
			effect->sid, effect->grpid, effect->ssid);
}

/* What a command says to a function; not locked. False: no completion comes. */
static bool send(struct smmuv3_model *model, const struct smmuv3_effect *effect)
{
	struct smmuv3_master *master = smmuv3_master_get(model, effect->sid);
	bool answered = true;

	if (!master)
		/* An answer to nobody is lost; an invalidation is waited for. */
		return effect->response;
	if (effect->response)
		respond(master->fn, effect);
	else if (master->fn->ops->invalidate)
		answered = master->fn->ops->invalidate(master->fn, effect->ssv,
						       effect->ssid, effect->global,
						       effect->addr, effect->size);
	smmuv3_master_put(model, master);
	return answered;
}

/* Completion of CMD_SYNC, which is consumed by now (4.7.3); @flags: not locked */
static void signal_sync(struct smmuv3_model *model,
			const struct smmuv3_effect *effect)
{
	bool msi = effect->msi_addr && model->config.idr0 & SMMUV3_IDR0_MSI;
	unsigned long flags;
	bool aborted;

	if (effect->cs != 1)
		return;
	aborted = msi && !smmuv3_msi(model, effect->msi_addr, effect->msi_data);
	flags = smmuv3_lock(model);
	if (aborted)
		smmuv3_gerror(model, SMMUV3_GERROR_MSI_CMDQ);
	else
		model->counts.msis += msi;
	model->raise |= BIT(SMMUV3_MODEL_IRQ_CMD_SYNC);
	smmuv3_unlock(model, flags);
}

/* 3.9.1.4 */
static bool sync_fails(struct smmuv3_model *model, const u64 cmd[2])
{
	if (smmuv3_op(cmd) != 0x46 || !model->atc_failed)
		return false;
	model->atc_failed = false;
	stop(model, SMMUV3_CERROR_ATC);
	return true;
}

/* Locked. False: it stops the queue. */
static bool carry_out(struct smmuv3_model *model, const u64 cmd[2],
		      struct smmuv3_effect *effect)
{
	bool injected = made_illegal(model, cmd);

	if (!injected && is_dropped(model, cmd)) {
		model->counts.dropped[smmuv3_op(cmd)]++;
		return true;
	}
	if (!injected && sync_fails(model, cmd))
		return false;
	if (injected || !smmuv3_command(model, cmd, effect)) {
		if (!injected)
			model_violation("smmuv3: illegal command %#llx %#llx", cmd[0],
					cmd[1]);
		stop(model, SMMUV3_CERROR_ILL);
		return false;
	}
	model->counts.commands[smmuv3_op(cmd)]++;
	return true;
}

static bool atc_lost(struct smmuv3_model *model, const struct smmuv3_effect *effect)
{
	return effect->atc &&
	       smmuv3_injected(model, SMMUV3_MODEL_INJECT_CERROR_ATC_INV_SYNC);
}

/* Its completion will come, or the unit will not wait for it any longer. */
static bool is_withheld(struct smmuv3_model *model,
			const struct smmuv3_effect *effect)
{
	if (!effect->atc ||
	    model->inject[SMMUV3_MODEL_INJECT_WITHHOLD] != effect->sid + 1UL)
		return false;
	if (model->num_withheld < SMMUV3_WITHHELD_MAX)
		model->withheld[model->num_withheld++] = *effect;
	else
		model->atc_failed = true;
	return true;
}

/**
 * smmuv3_withheld_end() - what was withheld comes, or is waited for no longer
 * @model: not locked
 * @timeout: the latter
 *
 * Any context.
 */
void smmuv3_withheld_end(struct smmuv3_model *model, bool timeout)
{
	struct smmuv3_effect effect;
	unsigned long flags = smmuv3_lock(model);

	model->atc_failed |= timeout && model->num_withheld;
	while (!timeout && model->num_withheld) {
		effect = model->withheld[--model->num_withheld];
		smmuv3_unlock(model, flags);
		send(model, &effect);
		flags = smmuv3_lock(model);
	}
	model->num_withheld = 0;
	smmuv3_unlock(model, flags);
	smmuv3_consume(model);
}

static bool can_consume(struct smmuv3_model *model)
{
	return smmuv3_on(model, SMMUV3_CR0_CMDQEN) &&
	       !smmuv3_model_gerror_active(model, SMMUV3_GERROR_CMDQ) &&
	       smmuv3_queue_used(cmdq(model));
}

/* One command. Locked, and unlocked while a function is called. False: stop. */
static bool step(struct smmuv3_model *model, unsigned long *flags)
{
	struct smmuv3_effect effect = {};
	bool lost;
	u64 cmd[2];

	if (!can_consume(model))
		return false;
	if (!fetch(model, cmd)) {
		stop(model, SMMUV3_CERROR_ABT);
		return false;
	}
	if (smmuv3_op(cmd) == 0x46 && model->num_withheld)
		return false;
	if (!carry_out(model, cmd, &effect))
		return false;
	if (is_withheld(model, &effect)) {
		cmdq(model)->cons = smmuv3_queue_next(cmdq(model),
						      cmdq(model)->cons);
		return true;
	}
	lost = atc_lost(model, &effect);
	if ((effect.atc && !lost) || effect.response) {
		smmuv3_unlock(model, *flags);
		lost = !send(model, &effect);
		*flags = smmuv3_lock(model);
	}
	model->atc_failed |= effect.atc && lost && !MUT(ATC_FAILED, false, true);
	cmdq(model)->cons = smmuv3_queue_next(cmdq(model), cmdq(model)->cons);
	if (effect.sync) {
		smmuv3_unlock(model, *flags);
		signal_sync(model, &effect);
		*flags = smmuv3_lock(model);
	}
	return true;
}

/**
 * smmuv3_consume() - there may be commands
 * @model: not locked
 *
 * Any context.
 */
void smmuv3_consume(struct smmuv3_model *model)
{
	unsigned long off, flags;

	local_irq_save(off);
	flags = smmuv3_lock(model);
	if (!model->consuming) {
		model->consuming = true;
		while (step(model, &flags))
			;
		model->consuming = false;
	}
	smmuv3_unlock(model, flags);
	local_irq_restore(off);
}

/**
 * smmuv3_consume_wait() - wait until nobody consumes commands
 * @model: not locked; CMDQEN is off
 *
 * Whoever does is on another CPU, and looks at CMDQEN before the next command.
 */
void smmuv3_consume_wait(struct smmuv3_model *model)
{
	while (READ_ONCE(model->consuming))
		cpu_relax();
}
