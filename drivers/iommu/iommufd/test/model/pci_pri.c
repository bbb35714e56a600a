// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a model function: group indices, the allocation, and what a
 * response does (PCIe 10.4). A physical function and its virtual functions share
 * one interface: the switch, the allocation, and Response Failure. Indices are
 * each function's own.
 */
#include "pci_internal.h"

static void pri_status(struct model_pci_function *pf, u16 set, u16 clear)
{
	u16 val = model_cfg_get16(pf, MODEL_CFG_PRI + PCI_PRI_STATUS);

	model_cfg_set16(pf, MODEL_CFG_PRI + PCI_PRI_STATUS,
			(val & ~clear) | set);
}

static void pri_update_stopped(struct model_pci_function *pf)
{
	if (!pf->outstanding && !model_cfg_pri_on(pf))
		pri_status(pf, PCI_PRI_STATUS_STOPPED, 0);
}

static u32 pri_room(struct model_pci_function *f)
{
	struct model_pci_function *pf = f->pf;
	u32 alloc = model_cfg_get32(pf, MODEL_CFG_PRI + PCI_PRI_ALLOC_REQ);

	if (f->misbehave & MODEL_MISBEHAVE_OVERCOMMIT)
		return U32_MAX;
	alloc = min(alloc, pf->config.pri_capacity);
	return alloc > pf->outstanding ? alloc - pf->outstanding : 0;
}

/**
 * model_pri_wake() - there may be room within the allocation
 * @pf: a physical function
 *
 * As many DMAs go on as there is room for. Each either sends something or ends,
 * and calls this then, so none is forgotten.
 */
void model_pri_wake(struct model_pci_function *pf)
{
	struct model_dma *dma;
	u32 room;

	if (!model_cfg_pri_on(pf) || pf->halted)
		return;
	room = pri_room(pf);
	while (room-- && !list_empty(&pf->credit)) {
		dma = list_first_entry(&pf->credit, struct model_dma, credit);
		model_dma_resume(dma);
	}
}

static void prg_uncount(struct model_pci_function *f, struct model_prg *prg)
{
	f->pf->outstanding -= prg->num;
	prg->num = 0;
	pri_update_stopped(f->pf);
}

/**
 * model_prg_free() - a group is over
 * @f: the function that sent it
 * @grpid: its index
 */
void model_prg_free(struct model_pci_function *f, u16 grpid)
{
	struct model_prg *prg = &f->prgs[grpid];

	prg_uncount(f, prg);
	prg->state = MODEL_PRG_FREE;
	prg->dma = NULL;
	model_pri_wake(f->pf);
}

/**
 * model_prg_take() - begin a page request group
 * @f: who sends it
 * @dma: who waits for the response, or NULL
 * @pasid_valid: it goes with a PASID
 * @pasid: that one
 * @num: in: requests wanted, from 1; out: how many the allocation leaves
 *
 * Return: a random index that is free; -EACCES: page requests are off or halted;
 * -EBUSY: no room within the allocation, or no index.
 */
int model_prg_take(struct model_pci_function *f, struct model_dma *dma,
		   bool pasid_valid, u32 pasid, u32 *num)
{
	struct model_pci_function *pf = f->pf;
	u32 room = pri_room(f);
	unsigned int i, n;

	if (!model_cfg_pri_on(f) || pf->halted)
		return -EACCES;
	if (!room)
		return -EBUSY;

	i = prandom_u32_state(&f->random) % MODEL_NUM_PRGS;
	for (n = 0; f->prgs[i].state != MODEL_PRG_FREE; n++) {
		if (n == MODEL_NUM_PRGS)
			return -EBUSY;
		i = (i + 1) % MODEL_NUM_PRGS;
	}

	*num = min(*num, room);
	f->prgs[i] = (struct model_prg){
		.state = MODEL_PRG_WAITING,
		.pasid_valid = pasid_valid,
		.pasid = pasid,
		.num = *num,
		.dma = dma,
	};
	pf->outstanding += *num;
	model_pri_wake(pf);
	return i;
}

static void pri_end_list(struct list_head *list, enum model_dma_status status)
{
	struct model_dma *dma;

	while (!list_empty(list)) {
		dma = list_first_entry(list, struct model_dma, credit);
		model_dma_finish(dma, status);
	}
}

/* Those that have nothing out there, and will not be able to ask */
static void pri_end_credit(struct model_pci_function *pf,
			   enum model_dma_status status)
{
	pri_end_list(&pf->credit, status);
	pri_end_list(&pf->pausing, status);
}

/**
 * model_pri_enable() - the Enable bit went up
 * @pf: a physical function
 */
void model_pri_enable(struct model_pci_function *pf)
{
	u16 status = model_cfg_get16(pf, MODEL_CFG_PRI + PCI_PRI_STATUS);

	if (!(status & PCI_PRI_STATUS_STOPPED))
		model_violation("page requests enabled with %u outstanding",
				pf->outstanding);
	pri_status(pf, 0, PCI_PRI_STATUS_STOPPED | PCI_PRI_STATUS_RF |
		   PCI_PRI_STATUS_UPRGI);
	pf->halted = false;
}

/**
 * model_pri_disable() - the Enable bit went down
 * @pf: a physical function
 *
 * What has been sent is waited for; Stopped is set then.
 */
void model_pri_disable(struct model_pci_function *pf)
{
	pri_status(pf, 0, PCI_PRI_STATUS_STOPPED);
	pri_update_stopped(pf);
	pri_end_credit(pf, MODEL_DMA_STOPPED);
}

/**
 * model_pri_forget() - drop what a function knows of its page requests
 * @f: the function
 */
void model_pri_forget(struct model_pci_function *f)
{
	unsigned int i;

	for (i = 0; i < MODEL_NUM_PRGS; i++) {
		struct model_prg *prg = &f->prgs[i];
		struct model_dma *dma = prg->dma;

		switch (prg->state) {
		case MODEL_PRG_FREE:
			continue;
		case MODEL_PRG_OPEN:
			prg->state = MODEL_PRG_FREE;
			break;
		case MODEL_PRG_WAITING:
		case MODEL_PRG_STALE:
		case MODEL_PRG_FORGOTTEN:
			prg->state = MODEL_PRG_FORGOTTEN;
			break;
		}
		prg->dma = NULL;
		prg_uncount(f, prg);
		if (dma)
			model_dma_finish(dma, MODEL_DMA_STOPPED);
	}
}

/**
 * model_pri_reset() - the Reset bit was written with Enable clear
 * @pf: a physical function
 */
void model_pri_reset(struct model_pci_function *pf)
{
	unsigned int i;

	model_pri_forget(pf);
	for (i = 0; i < pf->config.num_vfs; i++)
		if (pf->vfs[i])
			model_pri_forget(pf->vfs[i]);
}

/* Nobody waits any more; responses may come, and are dropped. */
static void pri_halt_one(struct model_pci_function *f)
{
	unsigned int i;

	for (i = 0; i < MODEL_NUM_PRGS; i++) {
		struct model_prg *prg = &f->prgs[i];
		struct model_dma *dma = prg->dma;

		if (prg->state == MODEL_PRG_WAITING)
			prg->state = MODEL_PRG_STALE;
		prg->dma = NULL;
		prg_uncount(f, prg);
		if (dma)
			model_dma_finish(dma, MODEL_DMA_HALTED);
	}
}

static void pri_halt(struct model_pci_function *pf)
{
	unsigned int i;

	pf->halted = true;
	pri_status(pf, PCI_PRI_STATUS_RF, 0);
	pri_end_credit(pf, MODEL_DMA_HALTED);
	pri_halt_one(pf);
	for (i = 0; i < pf->config.num_vfs; i++)
		if (pf->vfs[i])
			pri_halt_one(pf->vfs[i]);
}

static void pri_count(struct model_pci_function *f, u8 code)
{
	if (code == MODEL_PRG_SUCCESS)
		f->counts.success++;
	else if (code == MODEL_PRG_INVALID)
		f->counts.invalid++;
	else
		f->counts.failure++;
}

/* Is it an answer to something, and addressed as that asks for it? */
static bool pri_expected(struct model_pci_function *f, bool pasid_valid,
			 u32 pasid, u16 grpid)
{
	bool wanted = f->pf->config.flags & MODEL_PCI_PRG_PASID;
	struct model_prg *prg;

	if (grpid >= MODEL_NUM_PRGS ||
	    f->prgs[grpid].state == MODEL_PRG_FREE ||
	    f->prgs[grpid].state == MODEL_PRG_OPEN) {
		pri_status(f->pf, PCI_PRI_STATUS_UPRGI, 0);
		model_violation("function %#x: response to group %u, which nobody asked for",
				model_function_rid(f), grpid);
		return false;
	}

	prg = &f->prgs[grpid];
	if (pasid_valid != (wanted && prg->pasid_valid) ||
	    (pasid_valid && pasid != prg->pasid)) {
		model_violation("function %#x: response to group %u with PASID %d:%#x, not %d:%#x",
				model_function_rid(f), grpid, pasid_valid,
				pasid, wanted && prg->pasid_valid, prg->pasid);
		return false;
	}
	return true;
}

static void pri_answer(struct model_pci_function *f, u16 grpid, u8 code)
{
	struct model_prg *prg = &f->prgs[grpid];
	enum model_prg_state state = prg->state;
	struct model_dma *dma = prg->dma;

	model_prg_free(f, grpid);
	if (state != MODEL_PRG_WAITING)
		f->counts.stale++;
	if (state == MODEL_PRG_FORGOTTEN) {
		pri_status(f->pf, PCI_PRI_STATUS_UPRGI, 0);
		return;
	}
	if (f->misbehave & MODEL_MISBEHAVE_DEAF)
		return;

	/* Codes that are not defined mean failure as well. */
	if (code != MODEL_PRG_SUCCESS && code != MODEL_PRG_INVALID) {
		if (dma)
			model_dma_finish(dma, MODEL_DMA_HALTED);
		if (!f->pf->halted)
			pri_halt(f->pf);
	} else if (dma && code == MODEL_PRG_SUCCESS) {
		model_dma_resume(dma);
	} else if (dma) {
		model_dma_finish(dma, MODEL_DMA_FAULTED);
	}
}

/**
 * model_pri_response() - &struct model_function_ops.prg_response
 * @fn: the function
 * @pasid_valid: the message has a PASID
 * @pasid: that one
 * @grpid: group index
 * @code: MODEL_PRG_*
 */
bool model_pri_response(struct model_function *fn, bool pasid_valid, u32 pasid,
			u16 grpid, u8 code)
{
	struct model_pci_function *f = to_pci_function(fn);
	bool expected = true;
	unsigned long flags;

	raw_spin_lock_irqsave(&f->pf->lock, flags);
	if (model_cfg_present(f)) {
		pri_count(f, code);
		expected = pri_expected(f, pasid_valid, pasid, grpid);
		if (expected)
			pri_answer(f, grpid, code);
	}
	raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	return expected;
}
