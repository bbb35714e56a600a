// SPDX-License-Identifier: GPL-2.0-only
/*
 * A platform device that does DMA and can be stalled. A DMA is a job that moves page
 * by page; while it waits for the end of a stall no thread does. What a request is
 * called at the IOMMU is its slot, which is free again only when the IOMMU has said
 * how it ended, also if the DMA has ended meanwhile.
 *
 * stall_master::lock is a leaf: neither the port nor anybody else is called with it.
 */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "stall_master.h"

#define DMA_PAGE	4096ULL
#define DMA_FLAGS	(MODEL_DMA_WRITE | MODEL_DMA_PASID | MODEL_DMA_EXEC | \
			 MODEL_DMA_PRIV)

/**
 * enum slot_state - a request
 * @SLOT_FREE: none
 * @SLOT_SENT: its fate is not known
 * @SLOT_STALLED: the IOMMU keeps it
 * @SLOT_ENDED: the IOMMU has said how it ended, before it said that it was stalled
 */
enum slot_state {
	SLOT_FREE,
	SLOT_SENT,
	SLOT_STALLED,
	SLOT_ENDED,
};

/**
 * struct slot - a request under way
 * @state: enum slot_state
 * @how: (ENDED)
 * @dma: whose; NULL: nobody waits for it any more
 */
struct slot {
	enum slot_state state;
	enum model_resume how;
	struct stall_dma *dma;
};

/**
 * enum dma_where - where a DMA is
 * @DMA_RUNS: its work is queued or runs
 * @DMA_STALLED: a request of it is stalled
 * @DMA_QUEUED: waits for a slot
 * @DMA_ENDED: it has a result
 */
enum dma_where {
	DMA_RUNS,
	DMA_STALLED,
	DMA_QUEUED,
	DMA_ENDED,
};

/**
 * struct stall_master - a master
 * @fn: what the IOMMU knows
 * @ref: its creator's, and each DMA's
 * @config: constant
 * @pdev: its device; owned by the creator's reference
 * @id: number in the device's name
 * @lock: all below
 * @gone: no DMA starts or goes on
 * @slots: requests under way
 * @dmas: that have not ended
 */
struct stall_master {
	struct model_function fn;
	struct kref ref;
	struct stall_master_config config;
	struct platform_device *pdev;
	int id;
	raw_spinlock_t lock;
	bool gone;
	struct slot slots[STALL_MASTER_REQUESTS];
	struct list_head dmas;
};

/**
 * struct stall_dma - a DMA
 * @ref: until it ended, one is held for it
 * @m: its master, with a reference
 * @params: as told
 * @buf: data
 * @work: runs it
 * @item: in stall_master::dmas until it ended
 * @where: enum dma_where; like all below but @done under the master's lock
 * @stop: end with this at the next step; MODEL_DMA_PENDING: go on
 * @busy: its work is running
 * @slot: while DMA_STALLED
 * @len: bytes of the request that is stalled
 * @result: so far
 * @done: completed at the end
 */
struct stall_dma {
	struct kref ref;
	struct stall_master *m;
	struct model_dma_params params;
	void *buf;
	struct work_struct work;
	struct list_head item;
	enum dma_where where;
	u32 stop;
	bool busy;
	u32 slot;
	u64 len;
	struct stall_dma_result result;
	struct completion done;
};

static DEFINE_IDA(ids);

static void master_release(struct kref *ref)
{
	kfree(container_of(ref, struct stall_master, ref));
}

static void dma_release(struct kref *ref)
{
	struct stall_dma *dma = container_of(ref, struct stall_dma, ref);

	kref_put(&dma->m->ref, master_release);
	kvfree(dma->buf);
	kfree(dma);
}

/**
 * stall_dma_put() - drop a reference
 * @dma: the DMA. May sleep
 */
void stall_dma_put(struct stall_dma *dma)
{
	kref_put(&dma->ref, dma_release);
}

static void kick(struct stall_dma *dma)
{
	/* If it is busy it looks again before it goes. */
	if (!dma->busy)
		queue_work(system_unbound_wq, &dma->work);
}

static void free_slot(struct stall_master *m, u32 i)
{
	struct stall_dma *dma;

	m->slots[i] = (struct slot){ .state = SLOT_FREE };
	list_for_each_entry(dma, &m->dmas, item) {
		if (dma->where != DMA_QUEUED)
			continue;
		dma->where = DMA_RUNS;
		kick(dma);
		return;
	}
}

/* The reference held for it is dropped by its work. */
static void finish(struct stall_dma *dma, u32 status)
{
	enum dma_where where = dma->where;

	if (where == DMA_ENDED)
		return;
	if (where == DMA_STALLED)
		dma->m->slots[dma->slot].dma = NULL;
	dma->where = DMA_ENDED;
	dma->result.status = status;
	list_del_init(&dma->item);
	complete_all(&dma->done);
	if (where != DMA_RUNS)
		kick(dma);
}

/* One that is running ends before its next request. */
static void stop(struct stall_dma *dma, u32 status)
{
	if (dma->where == DMA_RUNS)
		dma->stop = status;
	else
		finish(dma, status);
}

static void advance(struct stall_dma *dma, u64 len)
{
	dma->result.done += len;
	if (dma->result.done == dma->params.length)
		finish(dma, MODEL_DMA_OK);
}

/* A stall is over. */
static void go_on(struct stall_dma *dma, enum model_resume how)
{
	if (dma->where == DMA_STALLED)
		dma->where = DMA_RUNS;
	switch (how) {
	case MODEL_RESUME_RETRY:
		dma->result.retries++;
		break;
	case MODEL_RESUME_ABORT:
		finish(dma, MODEL_DMA_FAULTED);
		break;
	case MODEL_RESUME_IGNORE:
		if (!(dma->params.flags & MODEL_DMA_WRITE))
			memset(dma->buf + dma->result.done, 0, dma->len);
		advance(dma, dma->len);
		break;
	}
}

static void on_resume(struct model_function *fn, u32 tag, enum model_resume how)
{
	struct stall_master *m = container_of(fn, struct stall_master, fn);
	struct stall_dma *dma = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&m->lock, flags);
	if (tag >= STALL_MASTER_REQUESTS || m->slots[tag].state == SLOT_FREE ||
	    m->slots[tag].state == SLOT_ENDED) {
		model_violation("stall master %#x: end of a stall %u there is not",
				m->config.sid, tag);
	} else if (m->slots[tag].state == SLOT_SENT) {
		m->slots[tag].state = SLOT_ENDED;
		m->slots[tag].how = how;
	} else {
		dma = m->slots[tag].dma;
		free_slot(m, tag);
	}
	if (dma) {
		go_on(dma, how);
		/* Its work has left; it is to go on, or to drop its reference. */
		kick(dma);
	}
	raw_spin_unlock_irqrestore(&m->lock, flags);
}

static const struct model_function_ops master_ops = {
	.resume = on_resume,
};

static u32 status_before(const struct stall_dma *dma)
{
	if (dma->where == DMA_ENDED)
		return dma->result.status;
	if (dma->stop != MODEL_DMA_PENDING)
		return dma->stop;
	return dma->m->gone ? MODEL_DMA_GONE : MODEL_DMA_PENDING;
}

/* Locked. False: it does not send anything now. */
static bool take_slot(struct stall_dma *dma)
{
	struct stall_master *m = dma->m;
	u32 status = status_before(dma);
	u32 i;

	if (status != MODEL_DMA_PENDING) {
		finish(dma, status);
		return false;
	}
	for (i = 0; i < STALL_MASTER_REQUESTS; i++)
		if (m->slots[i].state == SLOT_FREE)
			break;
	if (i == STALL_MASTER_REQUESTS) {
		dma->where = DMA_QUEUED;
		return false;
	}
	m->slots[i] = (struct slot){ .state = SLOT_SENT, .dma = dma };
	dma->slot = i;
	return true;
}

static enum model_status send(struct stall_dma *dma)
{
	u32 flags = dma->params.flags;
	u64 addr = dma->params.iova + dma->result.done;
	struct model_tlp tlp = {
		.rid = dma->m->config.sid,
		.pasid_valid = flags & MODEL_DMA_PASID, .pasid = dma->params.pasid,
		.perm = flags & MODEL_DMA_WRITE ? MODEL_WRITE : MODEL_READ,
		.addr = addr, .tag = dma->slot,
	};
	struct model_port *port = dma->m->config.port;

	if (flags & MODEL_DMA_EXEC)
		tlp.perm |= MODEL_EXEC;
	if (flags & MODEL_DMA_PRIV)
		tlp.perm |= MODEL_PRIV;
	dma->len = min(dma->params.length - dma->result.done,
		       DMA_PAGE - (addr & (DMA_PAGE - 1)));
	return port->ops->access(port, &tlp, dma->buf + dma->result.done, dma->len);
}

/* Locked. What became of a request. */
static void after(struct stall_dma *dma, enum model_status status)
{
	struct slot *slot = &dma->m->slots[dma->slot];

	if (status == MODEL_STALLED) {
		dma->result.stalls++;
		if (slot->state == SLOT_SENT) {
			slot->state = SLOT_STALLED;
			dma->where = DMA_STALLED;
			if (dma->stop != MODEL_DMA_PENDING)
				finish(dma, dma->stop);
			return;
		}
		status = MODEL_STALLED;
	} else if (slot->state == SLOT_ENDED) {
		model_violation("stall master %#x: end of a request that was not stalled",
				dma->m->config.sid);
	}
	if (status == MODEL_STALLED)
		go_on(dma, slot->how);
	else if (status == MODEL_OK)
		advance(dma, dma->len);
	else
		finish(dma, MODEL_DMA_BLOCKED);
	free_slot(dma->m, dma->slot);
}

static void dma_work(struct work_struct *work)
{
	struct stall_dma *dma = container_of(work, struct stall_dma, work);
	raw_spinlock_t *lock = &dma->m->lock;
	enum model_status status;
	bool ended;

	raw_spin_lock_irq(lock);
	dma->busy = true;
	while (dma->where == DMA_RUNS && take_slot(dma)) {
		raw_spin_unlock_irq(lock);
		status = send(dma);
		cond_resched();
		raw_spin_lock_irq(lock);
		after(dma, status);
	}
	dma->busy = false;
	ended = dma->where == DMA_ENDED;
	raw_spin_unlock_irq(lock);
	if (ended)
		stall_dma_put(dma);
}

static bool valid(const struct stall_master *m, const struct model_dma_params *p)
{
	if (p->flags & ~DMA_FLAGS)
		return false;
	if (p->flags & MODEL_DMA_PASID ? p->pasid >> m->config.ssid_bits : p->pasid)
		return false;
	if (p->flags & MODEL_DMA_PASID && !m->config.ssid_bits)
		return false;
	if (p->flags & MODEL_DMA_EXEC && p->flags & MODEL_DMA_WRITE)
		return false;
	return p->length && p->length <= MODEL_DMA_MAX_LENGTH &&
	       p->iova <= U64_MAX - (p->length - 1);
}

/**
 * stall_dma_start() - start a DMA
 * @master: who does it
 * @params: what to do
 * @buf: data, from kvmalloc(); the DMA's from here on, also on error
 *
 * Return: the DMA, with a reference; ERR_PTR(-EINVAL): @params are out of range;
 * -ENOMEM.
 */
struct stall_dma *stall_dma_start(struct stall_master *master,
				  const struct model_dma_params *params, void *buf)
{
	struct stall_dma *dma;
	unsigned long flags;

	dma = valid(master, params) ? kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT) :
				      ERR_PTR(-EINVAL);
	if (IS_ERR_OR_NULL(dma)) {
		kvfree(buf);
		return dma ?: ERR_PTR(-ENOMEM);
	}
	kref_init(&dma->ref);
	kref_get(&dma->ref);
	kref_get(&master->ref);
	dma->m = master;
	dma->params = *params;
	dma->buf = buf;
	dma->stop = MODEL_DMA_PENDING;
	dma->result.status = MODEL_DMA_PENDING;
	dma->where = DMA_RUNS;
	INIT_WORK(&dma->work, dma_work);
	init_completion(&dma->done);
	raw_spin_lock_irqsave(&master->lock, flags);
	list_add_tail(&dma->item, &master->dmas);
	kick(dma);
	raw_spin_unlock_irqrestore(&master->lock, flags);
	return dma;
}

/**
 * stall_dma_wait() - wait for a DMA
 * @dma: the DMA
 * @timeout: jiffies, at most; MAX_SCHEDULE_TIMEOUT: for ever; 0: look
 * @interruptible: by a signal
 * @result: how it stands
 *
 * Return: 0: it has ended; -ETIMEDOUT; -ERESTARTSYS.
 */
int stall_dma_wait(struct stall_dma *dma, unsigned long timeout, bool interruptible,
		   struct stall_dma_result *result)
{
	unsigned long flags;
	long left;

	if (interruptible)
		left = wait_for_completion_interruptible_timeout(&dma->done, timeout);
	else
		left = wait_for_completion_timeout(&dma->done, timeout);
	raw_spin_lock_irqsave(&dma->m->lock, flags);
	*result = dma->result;
	raw_spin_unlock_irqrestore(&dma->m->lock, flags);
	if (result->status != MODEL_DMA_PENDING)
		return 0;
	return left < 0 ? left : -ETIMEDOUT;
}

/**
 * stall_dma_cancel() - end a DMA with MODEL_DMA_STOPPED
 * @dma: the DMA; a request of it that is stalled stays so until the IOMMU ends it
 */
void stall_dma_cancel(struct stall_dma *dma)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&dma->m->lock, flags);
	stop(dma, MODEL_DMA_STOPPED);
	raw_spin_unlock_irqrestore(&dma->m->lock, flags);
}

/**
 * stall_dma_data() - what a DMA read
 * @dma: the DMA, ended
 *
 * Return: its buffer.
 */
const void *stall_dma_data(struct stall_dma *dma)
{
	return dma->buf;
}

/**
 * stall_dma_writes() - which way it goes
 * @dma: the DMA
 *
 * Return: true: it writes to memory.
 */
bool stall_dma_writes(struct stall_dma *dma)
{
	return dma->params.flags & MODEL_DMA_WRITE;
}

static int add_device(struct stall_master *m)
{
	int rc;

	m->pdev = platform_device_alloc("iommufd_stall", m->id);
	if (!m->pdev)
		return -ENOMEM;
	m->pdev->dev.dma_mask = &m->pdev->platform_dma_mask;
	m->pdev->platform_dma_mask = DMA_BIT_MASK(64);
	m->pdev->dev.coherent_dma_mask = DMA_BIT_MASK(64);
	rc = m->config.prepare ? m->config.prepare(&m->pdev->dev, m->config.data) : 0;
	if (!rc)
		rc = platform_device_add(m->pdev);
	if (rc)
		platform_device_put(m->pdev);
	return rc;
}

/* The creator's reference goes, in the order that creation took. */
static void release(struct stall_master *m)
{
	m->config.port->ops->connect(m->config.port, m->config.sid, NULL);
	ida_free(&ids, m->id);
	kref_put(&m->ref, master_release);
}

/**
 * stall_master_create() - make a master
 * @config: what it is like
 *
 * Return: the master; ERR_PTR, see stall_master.h.
 */
struct stall_master *stall_master_create(const struct stall_master_config *config)
{
	struct stall_master *m;
	int rc;

	if (config->ssid_bits > 20)
		return ERR_PTR(-EINVAL);
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	kref_init(&m->ref);
	m->config = *config;
	m->fn.ops = &master_ops;
	raw_spin_lock_init(&m->lock);
	INIT_LIST_HEAD(&m->dmas);
	m->id = ida_alloc(&ids, GFP_KERNEL);
	if (m->id < 0) {
		rc = m->id;
		kref_put(&m->ref, master_release);
		return ERR_PTR(rc);
	}
	rc = config->port->ops->connect(config->port, config->sid, &m->fn);
	if (!rc)
		rc = add_device(m);
	if (rc) {
		release(m);
		return ERR_PTR(rc);
	}
	return m;
}

/**
 * stall_master_destroy() - take a master away
 * @master: nobody starts a DMA any more
 */
void stall_master_destroy(struct stall_master *master)
{
	struct stall_dma *dma;

	platform_device_unregister(master->pdev);
	raw_spin_lock_irq(&master->lock);
	master->gone = true;
	while (!list_empty(&master->dmas)) {
		dma = list_first_entry(&master->dmas, struct stall_dma, item);
		kref_get(&dma->ref);
		stop(dma, MODEL_DMA_GONE);
		raw_spin_unlock_irq(&master->lock);
		/* One that runs makes no other request: none is under way then. */
		wait_for_completion(&dma->done);
		stall_dma_put(dma);
		raw_spin_lock_irq(&master->lock);
	}
	raw_spin_unlock_irq(&master->lock);
	release(master);
}

/**
 * stall_master_device() - its device
 * @master: a master
 *
 * Return: device, which lives as long as @master.
 */
struct device *stall_master_device(struct stall_master *master)
{
	return &master->pdev->dev;
}
