// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of a model function: a job that moves page by page, by untranslated
 * requests or through the function's own translation cache, and asks for pages
 * that are not present. While it waits for a response no thread does.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pci_internal.h"

#define DMA_PAGE	4096ULL

/* Between requests that find no room at the IOMMU */
#define DMA_BACKOFF_US	500

/* So often it asks for the same page at once; then after a pause that doubles so often */
#define DMA_AT_ONCE	3
#define DMA_PAUSE_MS	4U
#define DMA_DOUBLED	5U

/* Beyond enum model_dma_status: the next page is not present, ask for it. */
#define DMA_ABSENT	(MODEL_DMA_DISABLED + 1)

static void dma_release(struct kref *ref)
{
	struct model_dma *dma = container_of(ref, struct model_dma, ref);

	model_pci_put(dma->f);
	kvfree(dma->buf);
	kfree(dma);
}

/**
 * model_dma_put() - drop a reference
 * @dma: the DMA. May sleep
 */
void model_dma_put(struct model_dma *dma)
{
	kref_put(&dma->ref, dma_release);
}

static void dma_kick(struct model_dma *dma)
{
	/* If it is busy it looks again before it goes. */
	if (!dma->busy)
		queue_delayed_work(system_unbound_wq, &dma->work, 0);
}

/**
 * model_dma_resume() - go on with a DMA that waits
 * @dma: the DMA
 */
void model_dma_resume(struct model_dma *dma)
{
	if (dma->where != MODEL_DMA_WAITS && dma->where != MODEL_DMA_CREDIT)
		return;
	list_del_init(&dma->credit);
	dma->where = MODEL_DMA_RUNS;
	dma_kick(dma);
}

/**
 * model_dma_finish() - a DMA has ended
 * @dma: the DMA; nothing happens if it has ended already
 * @status: how
 *
 * The reference held for it is dropped by its work, which may sleep; after a pause,
 * when that is over.
 */
void model_dma_finish(struct model_dma *dma, enum model_dma_status status)
{
	enum model_dma_where where = dma->where;

	if (where == MODEL_DMA_ENDED)
		return;
	dma->where = MODEL_DMA_ENDED;
	dma->result.status = status;
	list_del_init(&dma->credit);
	list_del(&dma->item);
	dma->f->num_dmas--;
	complete_all(&dma->done);
	model_pri_wake(dma->f->pf);
	if (where != MODEL_DMA_RUNS && where != MODEL_DMA_PAUSES)
		dma_kick(dma);
}

/**
 * model_dma_stop() - end a DMA that has not ended
 * @dma: the DMA
 * @status: how
 *
 * One that is running ends before its next request. A response to its group is
 * still expected, and dropped.
 */
void model_dma_stop(struct model_dma *dma, enum model_dma_status status)
{
	struct model_prg *prg = &dma->f->prgs[dma->grpid];

	if (dma->where == MODEL_DMA_RUNS) {
		dma->stop = status;
		return;
	}
	if (dma->where == MODEL_DMA_WAITS && prg->dma == dma) {
		prg->state = MODEL_PRG_STALE;
		prg->dma = NULL;
	}
	model_dma_finish(dma, status);
}

/**
 * model_dma_cancel() - end a DMA
 * @dma: the DMA
 */
void model_dma_cancel(struct model_dma *dma)
{
	raw_spinlock_t *lock = &dma->f->pf->lock;
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	model_dma_stop(dma, MODEL_DMA_STOPPED);
	raw_spin_unlock_irqrestore(lock, flags);
}

/* Is it allowed to send a request now? With the PF's lock held. */
static unsigned int dma_allowed(struct model_dma *dma)
{
	struct model_pci_function *f = dma->f;
	u32 flags = dma->params.flags;
	u16 pasid = model_cfg_get16(f->pf, MODEL_CFG_PASID + PCI_PASID_CTRL);

	if (dma->where == MODEL_DMA_ENDED)
		return dma->result.status;
	if (dma->stop != MODEL_DMA_PENDING)
		return dma->stop;
	if (!model_cfg_present(f))
		return MODEL_DMA_GONE;
	if (!model_cfg_master(f))
		return MODEL_DMA_DISABLED;
	if ((flags & MODEL_DMA_PASID) && !(pasid & PCI_PASID_CTRL_ENABLE))
		return MODEL_DMA_DISABLED;
	if ((flags & MODEL_DMA_EXEC) && !(pasid & PCI_PASID_CTRL_EXEC))
		return MODEL_DMA_DISABLED;
	if ((flags & MODEL_DMA_PRIV) && !(pasid & PCI_PASID_CTRL_PRIV))
		return MODEL_DMA_DISABLED;
	return MODEL_DMA_PENDING;
}

static struct model_tlp dma_tlp(struct model_dma *dma, u64 addr)
{
	u32 flags = dma->params.flags;
	struct model_tlp tlp = {
		.rid = model_function_rid(dma->f),
		.pasid_valid = flags & MODEL_DMA_PASID,
		.pasid = dma->params.pasid,
		.perm = flags & MODEL_DMA_WRITE ? MODEL_WRITE : MODEL_READ,
		.addr = addr,
	};

	if (flags & MODEL_DMA_EXEC)
		tlp.perm |= MODEL_EXEC;
	if (flags & MODEL_DMA_PRIV)
		tlp.perm |= MODEL_PRIV;
	return tlp;
}

/*
 * Find a translation of the page of @tlp that permits it, in the cache or by a
 * translation request; NULL: the IOMMU wants an untranslated request. Asking and
 * keeping the answer is one section of the lock: an invalidation comes before or
 * after both.
 */
static unsigned int dma_translate(struct model_dma *dma,
				  const struct model_tlp *tlp,
				  struct model_tlb_entry **found)
{
	struct model_pci_function *f = dma->f;
	struct model_port *port = f->bridge->port;
	u32 wanted = tlp->perm & ~MODEL_PRIV;
	struct model_translation result = {};
	struct model_tlp page = *tlp;

	*found = model_tlb_find(&f->tlb, tlp);
	if (*found && !(wanted & ~(*found)->perm)) {
		f->counts.tlb_hits++;
		return MODEL_DMA_OK;
	}

	page.addr &= ~(DMA_PAGE - 1);
	f->counts.translations++;
	if (port->ops->translate(port, &page, !(wanted & MODEL_WRITE),
				 &result) != MODEL_OK)
		return MODEL_DMA_BLOCKED;
	if (result.untranslated_only) {
		*found = NULL;
		return MODEL_DMA_OK;
	}
	if (!(result.perm & (MODEL_READ | MODEL_WRITE)))
		return DMA_ABSENT;
	*found = model_tlb_add(&f->tlb, tlp, &result);
	return wanted & ~result.perm ? DMA_ABSENT : MODEL_DMA_OK;
}

/* One piece, with the function's dma_lock held. MODEL_DMA_PENDING: go on. */
static unsigned int dma_move(struct model_dma *dma)
{
	struct model_pci_function *f = dma->f;
	u64 addr = dma->params.iova + dma->result.done;
	struct model_tlp tlp = dma_tlp(dma, addr);
	struct model_tlb_entry *found = NULL;
	enum model_status status;
	struct model_port *port;
	unsigned int rc;
	u64 len;
	bool ats;

	raw_spin_lock(&f->pf->lock);
	rc = dma_allowed(dma);
	ats = model_cfg_ats_on(f) &&
	      !(dma->params.flags & MODEL_DMA_UNTRANSLATED);
	raw_spin_unlock(&f->pf->lock);
	if (rc != MODEL_DMA_PENDING)
		return rc;

	if (ats) {
		rc = dma_translate(dma, &tlp, &found);
		if (rc != MODEL_DMA_OK)
			return rc;
	}

	port = f->bridge->port;
	len = min(dma->params.length - dma->result.done,
		  DMA_PAGE - (addr & (DMA_PAGE - 1)));
	if (found) {
		tlp.addr = found->addr + (addr - found->iova);
		status = port->ops->access_translated(port, &tlp,
						      dma->buf + dma->result.done,
						      len);
	} else {
		status = port->ops->access(port, &tlp,
					   dma->buf + dma->result.done, len);
	}
	if (status != MODEL_OK)
		return MODEL_DMA_BLOCKED;

	f->counts.bytes += len;
	dma->result.done += len;
	dma->tries = 0;
	return dma->result.done == dma->params.length ? MODEL_DMA_OK :
							MODEL_DMA_PENDING;
}

/* The pages to ask for: the next one, and those behind it that are absent too. */
static u32 dma_absent(struct model_dma *dma, u64 *pages)
{
	struct model_pci_function *f = dma->f;
	u64 last = dma->params.iova + dma->params.length - 1;
	u64 page = (dma->params.iova + dma->result.done) & ~(DMA_PAGE - 1);
	struct model_tlb_entry *found;
	unsigned long flags;
	unsigned int rc;
	u32 num = 0;

	pages[num++] = page;
	while (num < dma->params.group && last - page >= DMA_PAGE) {
		struct model_tlp tlp;

		page += DMA_PAGE;
		tlp = dma_tlp(dma, page);
		raw_spin_lock_irqsave(&f->dma_lock, flags);
		raw_spin_lock(&f->pf->lock);
		rc = dma_allowed(dma);
		if (!model_cfg_ats_on(f))
			rc = MODEL_DMA_DISABLED;
		raw_spin_unlock(&f->pf->lock);
		if (rc == MODEL_DMA_PENDING)
			rc = dma_translate(dma, &tlp, &found);
		raw_spin_unlock_irqrestore(&f->dma_lock, flags);
		if (rc == DMA_ABSENT)
			pages[num++] = page;
		else if (rc != MODEL_DMA_OK)
			break;
	}
	return num;
}

/*
 * Take a group index for @num requests, or queue for room, or end. With the PF's
 * lock held. False: no group.
 */
static bool dma_take_group(struct model_dma *dma, u32 *num)
{
	struct model_pci_function *f = dma->f;
	int grpid;

	if (dma_allowed(dma) != MODEL_DMA_PENDING)
		return false;
	grpid = model_prg_take(f, dma, dma->params.flags & MODEL_DMA_PASID,
			       dma->params.pasid, num);
	if (grpid == -EACCES) {
		if (f->pf->halted)
			model_dma_finish(dma, MODEL_DMA_HALTED);
		else if (dma->result.groups)
			model_dma_finish(dma, MODEL_DMA_STOPPED);
		else
			model_dma_finish(dma, MODEL_DMA_BLOCKED);
		return false;
	}
	if (grpid < 0) {
		dma->where = MODEL_DMA_CREDIT;
		list_add_tail(&dma->credit, &f->pf->credit);
		return false;
	}
	dma->where = MODEL_DMA_WAITS;
	dma->grpid = grpid;
	dma->tries++;
	dma->paused = false;
	dma->result.groups++;
	dma->result.requests += *num;
	f->counts.groups++;
	f->counts.requests += *num;
	return true;
}

/* The requests of a group. It may be answered before this returns. */
static void dma_send_group(struct model_dma *dma, const u64 *pages, u32 num)
{
	struct model_pci_function *f = dma->f;
	struct model_port *port = f->bridge->port;
	enum model_status status = MODEL_OK;
	bool quiet = f->misbehave & MODEL_MISBEHAVE_NO_LAST;
	u16 grpid = dma->grpid;
	u32 i;

	dma->backoff = false;
	for (i = 0; i < num; i++) {
		struct model_tlp tlp = dma_tlp(dma, pages[i]);

		status = port->ops->page_request(port, &tlp, grpid,
						 i == num - 1 && !quiet);
		if (status == MODEL_OVERFLOW) {
			f->counts.overflows++;
			dma->backoff = true;
		} else if (status != MODEL_OK) {
			break;
		}
	}
	if (status == MODEL_OK || status == MODEL_OVERFLOW)
		return;

	raw_spin_lock(&f->pf->lock);
	if (f->prgs[grpid].dma == dma) {
		model_prg_free(f, grpid);
		model_dma_finish(dma, MODEL_DMA_BLOCKED);
	}
	raw_spin_unlock(&f->pf->lock);
}

static void dma_ask(struct model_dma *dma)
{
	struct model_pci_function *f = dma->f;
	u64 pages[MODEL_DMA_MAX_GROUP];
	unsigned long flags;
	bool taken;
	u32 num;

	num = dma_absent(dma, pages);
	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	taken = dma_take_group(dma, &num);
	raw_spin_unlock(&f->pf->lock);
	if (taken)
		dma_send_group(dma, pages, num);
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);
}

/*
 * A function that was told to ask again, and finds the page absent again, leaves the IOMMU
 * to others for a while: where many of them wait for room, nobody would get anywhere.
 * False: it asks now, or would be told that it may not.
 */
static bool dma_pause(struct model_dma *dma)
{
	struct model_pci_function *f = dma->f;
	unsigned long flags;
	bool pause = false;

	if (dma->tries < DMA_AT_ONCE || dma->paused)
		return false;
	raw_spin_lock_irqsave(&f->pf->lock, flags);
	if (dma_allowed(dma) == MODEL_DMA_PENDING && model_cfg_pri_on(f) &&
	    !f->pf->halted && !(f->misbehave & MODEL_MISBEHAVE_HASTY)) {
		dma->where = MODEL_DMA_PAUSES;
		list_add_tail(&dma->credit, &f->pf->pausing);
		f->counts.pauses++;
		dma->paused = true;
		pause = true;
	}
	raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	return pause;
}

static void dma_step(struct model_dma *dma)
{
	struct model_pci_function *f = dma->f;
	unsigned long flags;
	unsigned int rc;

	if (dma->backoff)
		usleep_range(DMA_BACKOFF_US, 2 * DMA_BACKOFF_US);

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	rc = dma_move(dma);
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);

	if (rc == DMA_ABSENT) {
		if (!dma_pause(dma))
			dma_ask(dma);
	} else if (rc != MODEL_DMA_PENDING) {
		raw_spin_lock_irqsave(&f->pf->lock, flags);
		model_dma_finish(dma, rc);
		raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	}
}

/* The work comes again when the pause is over, also if the DMA has ended by then. */
static void dma_begin_pause(struct model_dma *dma)
{
	unsigned int doubled = min(dma->tries - DMA_AT_ONCE, DMA_DOUBLED);

	queue_delayed_work(system_unbound_wq, &dma->work,
			   msecs_to_jiffies(DMA_PAUSE_MS << doubled));
}

static void dma_end_pause(struct model_dma *dma)
{
	if (dma->where != MODEL_DMA_PAUSES)
		return;
	list_del_init(&dma->credit);
	dma->where = MODEL_DMA_RUNS;
}

/* False: not running any more. With @busy false, and the PF's lock held. */
static bool dma_runs(struct model_dma *dma, bool *ended)
{
	*ended = dma->where == MODEL_DMA_ENDED;
	dma->busy = dma->where == MODEL_DMA_RUNS;
	if (dma->where == MODEL_DMA_PAUSES)
		dma_begin_pause(dma);
	return dma->busy;
}

static void dma_work(struct work_struct *work)
{
	struct model_dma *dma = container_of(to_delayed_work(work),
					     struct model_dma, work);
	raw_spinlock_t *lock = &dma->f->pf->lock;
	bool runs, ended;

	raw_spin_lock_irq(lock);
	dma_end_pause(dma);
	raw_spin_unlock_irq(lock);
	for (;;) {
		raw_spin_lock_irq(lock);
		runs = dma_runs(dma, &ended);
		raw_spin_unlock_irq(lock);
		if (!runs)
			break;
		dma_step(dma);
		cond_resched();
	}
	if (ended)
		model_dma_put(dma);
}

static bool dma_valid(struct model_pci_function *f,
		      const struct model_dma_params *p)
{
	u32 modes = MODEL_DMA_EXEC | MODEL_DMA_PRIV;

	if (p->flags & ~MODEL_DMA_FLAGS)
		return false;
	if (p->flags & MODEL_DMA_PASID) {
		if (!(f->pf->config.flags & MODEL_PCI_PASID) ||
		    p->pasid >> f->pf->config.pasid_bits)
			return false;
	} else if (p->pasid || (p->flags & modes)) {
		return false;
	}
	/* Only reads execute. */
	if ((p->flags & MODEL_DMA_EXEC) && (p->flags & MODEL_DMA_WRITE))
		return false;
	if (!p->length || p->length > MODEL_DMA_MAX_LENGTH ||
	    p->iova > U64_MAX - (p->length - 1))
		return false;
	return p->group && p->group <= MODEL_DMA_MAX_GROUP;
}

/**
 * model_dma_start() - start a DMA
 * @f: function
 * @params: what to do
 * @buf: data, from kvmalloc(); the DMA's from here on, also on error
 *
 * Return: the DMA, with a reference; ERR_PTR(-EINVAL): @params are out of range
 * or ask for what the function cannot do; -ENOMEM.
 */
struct model_dma *model_dma_start(struct model_pci_function *f,
				  const struct model_dma_params *params,
				  void *buf)
{
	struct model_dma *dma;
	unsigned long flags;

	if (!dma_valid(f, params)) {
		kvfree(buf);
		return ERR_PTR(-EINVAL);
	}
	dma = kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT);
	if (!dma) {
		kvfree(buf);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&dma->ref);
	kref_get(&dma->ref);
	kref_get(&f->ref);
	dma->f = f;
	dma->params = *params;
	dma->buf = buf;
	dma->stop = MODEL_DMA_PENDING;
	dma->result.status = MODEL_DMA_PENDING;
	dma->where = MODEL_DMA_RUNS;
	INIT_DELAYED_WORK(&dma->work, dma_work);
	INIT_LIST_HEAD(&dma->credit);
	init_completion(&dma->done);

	raw_spin_lock_irqsave(&f->pf->lock, flags);
	list_add_tail(&dma->item, &f->dmas);
	f->num_dmas++;
	f->counts.dmas++;
	dma_kick(dma);
	raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	return dma;
}

/**
 * model_dma_now() - a DMA in the caller's context
 * @f: function
 * @params: what to do
 * @buf: data, the caller's
 *
 * It is not among the function's DMAs: nobody counts or stops it. Any context.
 *
 * Return: enum model_dma_status; MODEL_DMA_BLOCKED also for what is not present.
 */
unsigned int model_dma_now(struct model_pci_function *f,
			   const struct model_dma_params *params, void *buf)
{
	struct model_dma dma = {
		.f = f, .params = *params, .buf = buf,
		.stop = MODEL_DMA_PENDING, .where = MODEL_DMA_RUNS,
	};
	unsigned long flags;
	unsigned int rc;

	if (!dma_valid(f, params))
		return MODEL_DMA_DISABLED;
	do {
		raw_spin_lock_irqsave(&f->dma_lock, flags);
		rc = dma_move(&dma);
		raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	} while (rc == MODEL_DMA_PENDING);
	return rc == DMA_ABSENT ? MODEL_DMA_BLOCKED : rc;
}

/**
 * model_dma_wait() - wait for a DMA
 * @dma: the DMA
 * @timeout: jiffies, at most; MAX_SCHEDULE_TIMEOUT: for ever; 0: look
 * @interruptible: by a signal
 * @result: how it stands
 *
 * Return: 0: it has ended; -ETIMEDOUT; -ERESTARTSYS.
 */
int model_dma_wait(struct model_dma *dma, unsigned long timeout,
		   bool interruptible, struct model_dma_result *result)
{
	raw_spinlock_t *lock = &dma->f->pf->lock;
	unsigned long flags;
	long left;

	if (interruptible)
		left = wait_for_completion_interruptible_timeout(&dma->done,
								 timeout);
	else
		left = wait_for_completion_timeout(&dma->done, timeout);

	raw_spin_lock_irqsave(lock, flags);
	*result = dma->result;
	raw_spin_unlock_irqrestore(lock, flags);
	if (result->status != MODEL_DMA_PENDING)
		return 0;
	return left < 0 ? left : -ETIMEDOUT;
}

/**
 * model_dma_data() - what a DMA read
 * @dma: the DMA, ended
 *
 * Return: its buffer; what lies behind &struct model_dma_result.done is as it
 * was at the start.
 */
const void *model_dma_data(struct model_dma *dma)
{
	return dma->buf;
}

/**
 * model_dma_writes() - which way it goes
 * @dma: the DMA
 *
 * Return: true: it writes to memory.
 */
bool model_dma_writes(struct model_dma *dma)
{
	return dma->params.flags & MODEL_DMA_WRITE;
}
