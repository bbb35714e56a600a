// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model function as a whole: what the IOMMU says to it, how it is stopped, what
 * it sends besides DMA.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "pci_internal.h"

/**
 * model_function_rid() - requester id
 * @f: function
 */
u16 model_function_rid(struct model_pci_function *f)
{
	return PCI_DEVID(0, f->devfn);
}

/**
 * model_function_stop() - end all DMAs of a function
 * @f: function; with both locks held
 * @status: how
 */
void model_function_stop(struct model_pci_function *f,
			 enum model_dma_status status)
{
	struct model_dma *dma, *tmp;

	list_for_each_entry_safe(dma, tmp, &f->dmas, item)
		model_dma_stop(dma, status);
}

/**
 * model_function_pull() - a function is gone
 * @f: function
 *
 * It answers nothing any more, and sends nothing after this has returned.
 */
void model_function_pull(struct model_pci_function *f)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	f->gone = true;
	f->msi_pending = false;
	model_tlb_flush(&f->tlb);
	model_function_stop(f, MODEL_DMA_GONE);
	model_pri_forget(f);
	raw_spin_unlock(&f->pf->lock);
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	irq_work_sync(&f->msi_work);
}

static bool function_invalidate(struct model_function *fn, bool pasid_valid,
				u32 pasid, bool global, u64 addr, u64 size)
{
	struct model_pci_function *f = to_pci_function(fn);
	unsigned long flags;
	bool answers;

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	answers = model_cfg_present(f) &&
		  !(f->misbehave & MODEL_MISBEHAVE_NO_INVALIDATE);
	raw_spin_unlock(&f->pf->lock);
	if (answers) {
		f->counts.invalidations++;
		/* PCIe 6.0, 10.5.1.2: it is ignored by who does not support it */
		if (!(model_cfg_get16(f, MODEL_CFG_ATS + PCI_ATS_CAP) &
		      MODEL_ATS_GLOBAL))
			global = false;
		if (!(f->misbehave & MODEL_MISBEHAVE_KEEP_TLB))
			model_tlb_drop(&f->tlb, pasid_valid, pasid, global,
				       addr, size);
	}
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	return answers;
}

static const struct model_function_ops function_ops = {
	.invalidate = function_invalidate,
	.prg_response = model_pri_response,
};

static void function_msi_work(struct irq_work *work)
{
	struct model_pci_function *f =
		container_of(work, struct model_pci_function, msi_work);

	model_bridge_handle_msi(f->bridge, READ_ONCE(f->msi_data));
}

/* With the PF's lock held: it goes out. Its address is checked by the sender. */
static void function_raise_msi(struct model_pci_function *f)
{
	f->counts.msis++;
	f->msi_pending = false;
	WRITE_ONCE(f->msi_data,
		   model_cfg_get16(f, MODEL_CFG_MSI + PCI_MSI_DATA_64));
	irq_work_queue(&f->msi_work);
}

static bool function_msi_masked(struct model_pci_function *f)
{
	return model_cfg_get32(f, MODEL_CFG_MSI + PCI_MSI_MASK_64) & BIT(0);
}

/**
 * model_function_msi_unmasked() - send what was held back by the mask bit
 * @f: function; with both locks held
 */
void model_function_msi_unmasked(struct model_pci_function *f)
{
	u32 pending = model_cfg_get32(f, MODEL_CFG_MSI + PCI_MSI_PENDING_64);

	if (!f->msi_pending || function_msi_masked(f))
		return;
	model_cfg_set16(f, MODEL_CFG_MSI + PCI_MSI_PENDING_64,
			pending & ~BIT(0));
	function_raise_msi(f);
}

/**
 * model_pci_send_msi() - the function interrupts
 * @f: function
 *
 * While it is masked it is pending. Two in short order may arrive as one.
 *
 * Return: 0; -ENXIO: MSI is off, or not programmed for this bridge, or the
 * function does not master the bus; -ENODEV: it is gone.
 */
int model_pci_send_msi(struct model_pci_function *f)
{
	unsigned int at = MODEL_CFG_MSI;
	unsigned long flags;
	int rc = 0;

	raw_spin_lock_irqsave(&f->pf->lock, flags);
	if (!model_cfg_present(f)) {
		rc = -ENODEV;
	} else if (!model_cfg_master(f) ||
		   !(model_cfg_get16(f, at + PCI_MSI_FLAGS) &
		     PCI_MSI_FLAGS_ENABLE) ||
		   model_cfg_get32(f, at + PCI_MSI_ADDRESS_LO) !=
			   MODEL_MSI_ADDRESS ||
		   model_cfg_get32(f, at + PCI_MSI_ADDRESS_HI)) {
		rc = -ENXIO;
	} else if (function_msi_masked(f)) {
		f->msi_pending = true;
		model_cfg_set16(f, at + PCI_MSI_PENDING_64, BIT(0));
	} else {
		function_raise_msi(f);
	}
	raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	return rc;
}

/* Everything of one PASID: with both locks held. */
static void function_end_pasid(struct model_pci_function *f, u32 pasid)
{
	struct model_dma *dma, *tmp;

	list_for_each_entry_safe(dma, tmp, &f->dmas, item)
		if ((dma->params.flags & MODEL_DMA_PASID) &&
		    dma->params.pasid == pasid)
			model_dma_stop(dma, MODEL_DMA_STOPPED);
}

/**
 * model_pci_stop_pasid() - stop using a PASID, with a stop marker
 * @f: function
 * @pasid: within its width
 *
 * Nothing of the PASID is sent after the marker, until a DMA with it is started
 * anew. Responses to what was sent before are dropped when they come.
 *
 * Return: 0; -EINVAL: no such PASID; -EACCES: page requests or PASIDs are off, so
 * that there can be no marker, but its DMAs are ended; -ENODEV: it is gone; -EIO:
 * the IOMMU did not take the marker.
 */
int model_pci_stop_pasid(struct model_pci_function *f, u32 pasid)
{
	struct model_tlp tlp = {
		.rid = model_function_rid(f),
		.pasid_valid = true,
		.pasid = pasid,
	};
	struct model_port *port;
	enum model_status status;
	unsigned long flags;
	int rc = 0;

	if (!(f->pf->config.flags & MODEL_PCI_PASID) ||
	    pasid >> f->pf->config.pasid_bits)
		return -EINVAL;

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	if (!model_cfg_present(f)) {
		rc = -ENODEV;
	} else {
		function_end_pasid(f, pasid);
		if (!model_cfg_pri_on(f) || f->pf->halted ||
		    !(model_cfg_get16(f->pf, MODEL_CFG_PASID + PCI_PASID_CTRL) &
		      PCI_PASID_CTRL_ENABLE))
			rc = -EACCES;
		else
			f->counts.markers++;
	}
	raw_spin_unlock(&f->pf->lock);
	if (!rc) {
		port = f->bridge->port;
		status = port->ops->page_request(port, &tlp, 0, true);
		rc = status == MODEL_OK ? 0 : -EIO;
	}
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	return rc;
}

/* An index for requests without a DMA. With the PF's lock held. */
static int function_open_group(struct model_pci_function *f,
			       struct model_pci_request *request)
{
	struct model_prg *prg;
	u32 num = request->count;
	int grpid;

	if (!model_cfg_present(f))
		return -ENODEV;
	if (!model_cfg_pri_on(f) || f->pf->halted || !model_cfg_master(f))
		return -EACCES;
	if (request->tlp.pasid_valid &&
	    !(model_cfg_get16(f->pf, MODEL_CFG_PASID + PCI_PASID_CTRL) &
	      PCI_PASID_CTRL_ENABLE))
		return -EACCES;

	prg = &f->prgs[request->grpid];
	if (prg->state == MODEL_PRG_OPEN &&
	    prg->pasid_valid == request->tlp.pasid_valid &&
	    prg->pasid == request->tlp.pasid) {
		prg->num += num;
		f->pf->outstanding += num;
	} else if (prg->state == MODEL_PRG_FREE) {
		*prg = (struct model_prg){
			.pasid_valid = request->tlp.pasid_valid,
			.pasid = request->tlp.pasid,
			.num = num,
		};
		f->pf->outstanding += num;
	} else {
		grpid = model_prg_take(f, NULL, request->tlp.pasid_valid,
				       request->tlp.pasid, &num);
		if (grpid < 0)
			return grpid;
		request->grpid = grpid;
		request->count = num;
		prg = &f->prgs[grpid];
	}
	prg->state = request->last ? MODEL_PRG_STALE : MODEL_PRG_OPEN;
	f->counts.requests += num;
	f->counts.groups += request->last;
	return 0;
}

/**
 * model_pci_request() - page requests without a DMA
 * @f: function
 * @request: what to send; grpid, count and sent are changed
 *
 * Several calls with the same index, PASID and last false build one group. An
 * answer is expected once the last one was sent, and dropped when it comes. The
 * allocation is not respected, so that a queue can be filled.
 *
 * Return: 0; -EINVAL: out of range; -ENODEV: gone; -EACCES: page requests, the
 * PASID or bus mastering are off; -EBUSY: the index is in use and no other is
 * free; -EIO: the IOMMU refused one, and the group is closed.
 */
int model_pci_request(struct model_pci_function *f,
		      struct model_pci_request *request)
{
	enum model_status status = MODEL_OK;
	struct model_tlp tlp = request->tlp;
	struct model_port *port;
	unsigned long flags;
	int rc;
	u32 i;

	if (!request->count || request->count > MODEL_DMA_MAX_GROUP ||
	    !(tlp.perm & (MODEL_READ | MODEL_WRITE)) ||
	    request->grpid >= MODEL_NUM_PRGS)
		return -EINVAL;
	if (tlp.pasid_valid ? tlp.pasid >> f->pf->config.pasid_bits : tlp.pasid)
		return -EINVAL;

	tlp.rid = model_function_rid(f);
	request->sent = 0;
	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	rc = function_open_group(f, request);
	raw_spin_unlock(&f->pf->lock);
	for (i = 0; !rc && i < request->count; i++, tlp.addr += 4096) {
		port = f->bridge->port;
		status = port->ops->page_request(port, &tlp, request->grpid,
						 request->last &&
						 i == request->count - 1);
		if (status == MODEL_OK)
			request->sent++;
		else if (status == MODEL_OVERFLOW)
			f->counts.overflows++;
		else
			rc = -EIO;
	}
	if (rc == -EIO) {
		raw_spin_lock(&f->pf->lock);
		model_prg_free(f, request->grpid);
		raw_spin_unlock(&f->pf->lock);
	}
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	return rc;
}

/**
 * model_pci_misbehave() - from now on
 * @f: function
 * @flags: MODEL_MISBEHAVE_*; 0: no more
 *
 * Return: 0; -EINVAL: unknown flags.
 */
int model_pci_misbehave(struct model_pci_function *f, u32 flags)
{
	unsigned long irq;

	if (flags & ~MODEL_MISBEHAVE_FLAGS)
		return -EINVAL;
	raw_spin_lock_irqsave(&f->dma_lock, irq);
	raw_spin_lock(&f->pf->lock);
	f->misbehave = flags;
	model_pri_wake(f->pf);
	raw_spin_unlock(&f->pf->lock);
	raw_spin_unlock_irqrestore(&f->dma_lock, irq);
	return 0;
}

/**
 * model_pci_state() - how a function stands
 * @f: function
 * @state: all of it, of one moment
 */
void model_pci_state(struct model_pci_function *f,
		     struct model_pci_state *state)
{
	struct model_pci_function *pf = f->pf;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&pf->lock);
	*state = (struct model_pci_state){
		.pasid_ctrl = model_cfg_get16(pf, MODEL_CFG_PASID + PCI_PASID_CTRL),
		.ats_ctrl = model_cfg_get16(f, MODEL_CFG_ATS + PCI_ATS_CTRL),
		.pri_ctrl = model_cfg_get16(pf, MODEL_CFG_PRI + PCI_PRI_CTRL),
		.pri_status = model_cfg_get16(pf, MODEL_CFG_PRI + PCI_PRI_STATUS),
		.pri_alloc = model_cfg_get32(pf, MODEL_CFG_PRI + PCI_PRI_ALLOC_REQ),
		.outstanding = pf->outstanding,
		.queued = list_count_nodes(&pf->credit),
		.running = f->num_dmas,
		.tlb = f->tlb.num,
		.counts = f->counts,
	};
	for (i = 0; i < MODEL_NUM_PRGS; i++)
		state->waiting += f->prgs[i].state == MODEL_PRG_WAITING;
	raw_spin_unlock(&pf->lock);
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
}

static void function_release(struct kref *ref)
{
	struct model_pci_function *f =
		container_of(ref, struct model_pci_function, ref);

	if (f->pf != f)
		model_pci_put(f->pf);
	kvfree(f);
}

/**
 * model_pci_put() - drop a reference
 * @f: function
 */
void model_pci_put(struct model_pci_function *f)
{
	kref_put(&f->ref, function_release);
}

/**
 * model_function_create() - make a function, connected to nothing
 * @bridge: where it will be
 * @config: what it is
 * @pf: its physical function; NULL: it is one
 * @vf: number of a VF, from 1
 *
 * Return: the function, with one reference; NULL: no memory.
 */
struct model_pci_function *
model_function_create(struct model_bridge *bridge,
		      const struct model_pci_config *config,
		      struct model_pci_function *pf, unsigned int vf)
{
	struct model_pci_function *f = kvzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return NULL;
	f->fn.ops = &function_ops;
	f->fn.no_prg_pasid = !(config->flags & MODEL_PCI_PRG_PASID);
	kref_init(&f->ref);
	f->bridge = bridge;
	f->config = *config;
	f->devfn = config->devfn + vf;
	f->vf = vf;
	f->pf = f;
	if (pf) {
		f->pf = pf;
		f->config.num_vfs = 0;
		kref_get(&pf->ref);
	}
	raw_spin_lock_init(&f->dma_lock);
	raw_spin_lock_init(&f->lock);
	INIT_LIST_HEAD(&f->dmas);
	INIT_LIST_HEAD(&f->credit);
	INIT_LIST_HEAD(&f->pausing);
	prandom_seed_state(&f->random, get_random_u64());
	f->msi_work = IRQ_WORK_INIT_HARD(function_msi_work);
	model_cfg_reset(f);
	return f;
}
