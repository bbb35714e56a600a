// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request queue of a unit (VT-d specification 7.4 to 7.11, 11.4.11).
 *
 * The unit writes requests at the tail of a ring in memory; whoever makes a pass
 * takes them out at the head and hands them to the fault door. The interrupt's
 * thread makes passes until it finds the queue empty; a drain makes one of its
 * own, so that it depends neither on an interrupt nor on other devices falling
 * silent. Nothing in a pass waits for user space, so the ring has to hold only
 * what comes in while one pass runs.
 *
 * Locks: vtd_unit::lock, then vtd_prq::lock, then the door's. vtd_prq::respond_lock is
 * taken alone.
 */
#define pr_fmt(fmt) "iommufd-vtd: " fmt

#include <linux/bitfield.h>
#include <linux/slab.h>

#include "device.h"
#include "domain.h"
#include "invalidate.h"
#include "prq.h"
#include "trace.h"

/* Page request descriptor (7.4.1), first quadword. */
#define ENTRY_TYPE		GENMASK_ULL(7, 0)
#define  ENTRY_TYPE_PAGE	0x1
#define ENTRY_PASID_PRESENT	BIT_ULL(8)
#define ENTRY_RID		GENMASK_ULL(31, 16)
#define ENTRY_PASID		GENMASK_ULL(51, 32)
#define ENTRY_EXEC		BIT_ULL(52)
#define ENTRY_PRIV		BIT_ULL(53)
#define ENTRY_RESERVED		(GENMASK_ULL(63, 54) | GENMASK_ULL(15, 9))
/* Second; the third and fourth are reserved. */
#define ENTRY_READ		BIT_ULL(0)
#define ENTRY_WRITE		BIT_ULL(1)
#define ENTRY_LAST		BIT_ULL(2)
#define ENTRY_GRPID		GENMASK_ULL(11, 3)
#define ENTRY_ADDR		GENMASK_ULL(63, 12)

/* Head and tail registers are byte offsets (11.4.11.1, 11.4.11.2). */
#define PRQ_OFFSET_SHIFT	5
#define PRQ_SIZE		(VTD_PRQ_ENTRIES << PRQ_OFFSET_SHIFT)
#define PRQ_ORDER_4K		ilog2(PRQ_SIZE / SZ_4K)

/* Slots are given back in groups of so many, so that a long pass frees as it goes. */
#define PRQ_FREE_EVERY		32

/**
 * struct prq_entry - page request descriptor
 * @qw: 256 bits
 */
struct prq_entry {
	u64 qw[4];
};

/**
 * struct vtd_prq - the queue of a unit
 * @unit: the unit
 * @ring: written by the unit between head and tail
 * @lock: one pass at a time; guards what follows up to @respond_lock, and
 *	vtd_device::pri_open
 * @head: next entry to take; 0 to VTD_PRQ_ENTRIES - 1
 * @stats: counts
 * @descs: answers that passes give themselves
 * @respond_lock: guards @respond_descs
 * @respond_descs: answers that come from the door
 */
struct vtd_prq {
	struct vtd_unit *unit;
	struct prq_entry *ring;
	struct mutex lock;		/* one pass at a time */
	u32 head;
	struct vtd_prq_stats stats;
	struct qi_desc descs[VTD_SUBMIT_MAX];
	struct mutex respond_lock;	/* guards respond_descs */
	struct qi_desc respond_descs[IOMMUFD_FAULT_BATCH];
};

static void prq_submit(struct vtd_batch *batch)
{
	int rc;

	if (!batch->num && !batch->done)
		return;
	rc = vtd_batch_submit(batch);
	/* Somebody else's device that is silent keeps no response from its own. */
	if (rc && rc != -ETIMEDOUT)
		pr_err_ratelimited("%s: page responses were refused: %d\n",
				   batch->unit->name, rc);
}

/*
 * A function says whether responses to its requests with PASID are to have it
 * (PCIe 6.0, 10.5.2.3, PRG Response PASID Required); one that does not want it
 * may take such a response for another's.
 */
static void prq_answer(struct vtd_batch *batch, u16 rid,
		       const struct iommufd_page_request *req, u32 code,
		       bool wants_pasid)
{
	bool with_pasid = wants_pasid && req->pasid_valid;

	trace_vtd_page_response(batch->unit, rid, req->pasid_valid, req->pasid,
				req->grpid, code);
	vtd_batch_page_response(batch, rid, with_pasid, req->pasid, req->grpid,
				code);
}

static void prq_decode(const struct prq_entry *entry,
		       struct iommufd_page_request *req)
{
	u64 lo = entry->qw[0], hi = entry->qw[1];

	*req = (struct iommufd_page_request){
		.addr = hi & ENTRY_ADDR,
		.grpid = FIELD_GET(ENTRY_GRPID, hi),
		.last = hi & ENTRY_LAST,
	};
	if (hi & ENTRY_READ)
		req->perm |= IOMMU_PGFAULT_PERM_READ;
	if (hi & ENTRY_WRITE)
		req->perm |= IOMMU_PGFAULT_PERM_WRITE;
	/* They come in the PASID prefix, and mean nothing without. */
	if (!(lo & ENTRY_PASID_PRESENT))
		return;
	req->pasid_valid = true;
	req->pasid = FIELD_GET(ENTRY_PASID, lo);
	if (lo & ENTRY_EXEC)
		req->perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (lo & ENTRY_PRIV)
		req->perm |= IOMMU_PGFAULT_PERM_PRIV;
}

static bool prq_is_stop_marker(const struct prq_entry *entry)
{
	return (entry->qw[1] & (ENTRY_READ | ENTRY_WRITE | ENTRY_LAST)) ==
	       ENTRY_LAST;
}

/* An answer to such a PASID could not be given. */
static bool prq_is_bad_pasid(const struct vtd_unit *unit,
			     const struct iommufd_page_request *req)
{
	return req->pasid_valid && req->pasid >> unit->caps.pasid_bits;
}

static bool prq_is_malformed(const struct prq_entry *entry)
{
	if (FIELD_GET(ENTRY_TYPE, entry->qw[0]) != ENTRY_TYPE_PAGE)
		return true;
	if (entry->qw[0] & ENTRY_RESERVED || entry->qw[2] || entry->qw[3])
		return true;
	/* What asks for nothing has to be a stop marker. */
	return !(entry->qw[1] & (ENTRY_READ | ENTRY_WRITE | ENTRY_LAST));
}

/*
 * Only a device's own requester id: page requests come from functions with ATS,
 * never through a bridge that would alias them, and answers go to that id.
 */
static struct vtd_device *prq_find(struct vtd_unit *unit, u16 rid)
{
	struct vtd_device *device = xa_load(&unit->devices, rid);

	return device && vtd_device_rid(device) == rid ? device : NULL;
}

/*
 * Who nobody knows gets the PASID back, as PCIe has it unless told otherwise. What a
 * function sends that has its own page requests off, by an interface that another one
 * has on, comes to us (pri.c) and is refused here.
 */
static enum iommufd_fault_verdict
prq_report(struct vtd_prq *prq, u16 rid, const struct iommufd_page_request *req,
	   bool *wants_pasid)
{
	enum iommufd_fault_verdict verdict = IOMMUFD_FAULT_REFUSED;
	struct iommufd_fault_source *source;
	struct vtd_device *device;

	*wants_pasid = true;
	/* The source is unregistered a grace period after the device let go. */
	rcu_read_lock();
	device = prq_find(prq->unit, rid);
	source = device ? READ_ONCE(device->source) : NULL;
	if (device)
		*wants_pasid = device->prg_pasid;
	if (source) {
		prq->stats.requests++;
		if (device->pri_open)
			verdict = iommufd_fault_report(source, req);
	} else {
		prq->stats.unknown++;
	}
	rcu_read_unlock();

	if (verdict == IOMMUFD_FAULT_REFUSED && !req->last)
		verdict = IOMMUFD_FAULT_DROPPED;
	return verdict;
}

static void prq_handle(struct vtd_prq *prq, struct vtd_batch *batch,
		       const struct prq_entry *entry)
{
	u16 rid = FIELD_GET(ENTRY_RID, entry->qw[0]);
	struct iommufd_page_request req;
	bool wants_pasid;

	prq_decode(entry, &req);
	trace_vtd_page_request(prq->unit, rid, &req);
	if (prq_is_malformed(entry) || prq_is_bad_pasid(prq->unit, &req)) {
		prq->stats.malformed++;
		if (req.last && !prq_is_bad_pasid(prq->unit, &req))
			prq_answer(batch, rid, &req, QI_RESP_INVALID, true);
		return;
	}
	/* It says that a PASID is no longer in use; nobody waits for an answer. */
	if (prq_is_stop_marker(entry)) {
		prq->stats.stop_markers++;
		return;
	}

	switch (prq_report(prq, rid, &req, &wants_pasid)) {
	case IOMMUFD_FAULT_RETRY:
		prq_answer(batch, rid, &req, QI_RESP_SUCCESS, wants_pasid);
		break;
	case IOMMUFD_FAULT_REFUSED:
		prq_answer(batch, rid, &req, QI_RESP_INVALID, wants_pasid);
		break;
	case IOMMUFD_FAULT_TAKEN:
	case IOMMUFD_FAULT_DROPPED:
		break;
	}
}

static void prq_free_slots(struct vtd_prq *prq)
{
	prq->unit->door->write64(prq->unit, DMAR_PQH_REG,
				 (u64)prq->head << PRQ_OFFSET_SHIFT);
}

/*
 * The ring was full: the unit dropped requests, and answered success for those
 * that were the last of their group (7.4.2). Those last requests will not come, so
 * nothing of a group that is not whole may be kept. Until the overflow bit is
 * cleared nothing comes in, so what is kept afterwards is of the time after.
 */
static void prq_overflow(struct vtd_prq *prq)
{
	struct vtd_unit *unit = prq->unit;
	struct vtd_device *device;
	unsigned long rid;

	prq->stats.overflows++;
	trace_vtd_prq_overflow(unit, prq->stats.overflows);

	rcu_read_lock();
	xa_for_each(&unit->devices, rid, device) {
		struct iommufd_fault_source *source =
			READ_ONCE(device->source);

		if (source && vtd_device_rid(device) == rid)
			iommufd_fault_source_discard_partial(source);
	}
	rcu_read_unlock();

	unit->door->write32(unit, DMAR_PRS_REG, DMA_PRS_PRO);
}

/*
 * Take out what is in the queue now. Returns whether there was anything; if not,
 * what comes later raises an interrupt.
 *
 * The order matters. An overflow seen before the tail is read: nothing was added
 * since, the pass comes to the end of what came in before it. The pending bit
 * cleared before the tail is read: what is added later sets it again, and only
 * then is there another interrupt (11.4.11.4).
 */
static bool prq_pass(struct vtd_prq *prq)
{
	struct vtd_unit *unit = prq->unit;
	struct vtd_batch batch = {
		.unit = unit,
		.descs = prq->descs,
		.max = ARRAY_SIZE(prq->descs),
	};
	unsigned int num = 0;
	u32 status, tail;

	lockdep_assert_held(&prq->lock);
	status = unit->door->read32(unit, DMAR_PRS_REG);
	/* The unit has gone; there would be no end. */
	if (status == U32_MAX)
		return false;
	unit->door->write32(unit, DMAR_PRS_REG, DMA_PRS_PPR);
	tail = (unit->door->read64(unit, DMAR_PQT_REG) >> PRQ_OFFSET_SHIFT) %
	       VTD_PRQ_ENTRIES;
	/* Entries after the tail. */
	dma_rmb();

	while (prq->head != tail) {
		struct prq_entry *slot = &prq->ring[prq->head];
		struct prq_entry entry = {
			.qw = { READ_ONCE(slot->qw[0]), READ_ONCE(slot->qw[1]),
				READ_ONCE(slot->qw[2]), READ_ONCE(slot->qw[3]) },
		};

		prq->head = (prq->head + 1) % VTD_PRQ_ENTRIES;
		if (!(++num % PRQ_FREE_EVERY))
			prq_free_slots(prq);
		prq_handle(prq, &batch, &entry);
	}
	if (num % PRQ_FREE_EVERY)
		prq_free_slots(prq);

	prq_submit(&batch);
	if (status & DMA_PRS_PRO)
		prq_overflow(prq);
	return num || status & DMA_PRS_PRO;
}

static irqreturn_t prq_thread(int irq, void *data)
{
	struct vtd_prq *prq = data;
	bool more;

	do {
		mutex_lock(&prq->lock);
		more = prq_pass(prq);
		mutex_unlock(&prq->lock);
		cond_resched();
	} while (more);
	return IRQ_HANDLED;
}

static u32 prq_response_code(const struct vtd_device *device, u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		return QI_RESP_SUCCESS;
	case IOMMUFD_PAGE_RESP_FAILURE:
		/*
		 * Failure switches the page request interface off (PCIe 6.0,
		 * 10.4.2), which belongs to the physical function: a virtual
		 * one must not take it from the others.
		 */
		if (device->pfsid == vtd_device_rid(device))
			return QI_RESP_FAILURE;
		break;
	}
	return QI_RESP_INVALID;
}

static void prq_respond(struct iommufd_fault_unit *fault_unit,
			const struct iommufd_page_answer *answers,
			unsigned int num)
{
	struct vtd_unit *unit = container_of(fault_unit, struct vtd_unit,
					     fault_unit);
	struct vtd_prq *prq = unit->prq;
	struct vtd_batch batch = {
		.unit = unit,
		.descs = prq->respond_descs,
		.max = ARRAY_SIZE(prq->respond_descs),
	};
	unsigned int i;

	mutex_lock(&prq->respond_lock);
	for (i = 0; i < num; i++) {
		struct vtd_device *device =
			iommufd_fault_source_priv(answers[i].source);
		struct iommufd_page_request req = {
			.pasid = answers[i].pasid,
			.grpid = answers[i].grpid,
			.pasid_valid = answers[i].pasid_valid,
		};

		prq_answer(&batch, vtd_device_rid(device), &req,
			   prq_response_code(device, answers[i].code),
			   device->prg_pasid);
	}
	prq_submit(&batch);
	mutex_unlock(&prq->respond_lock);
}

/*
 * The steps of 7.10 behind an empty queue: invalidations, because a device's
 * completions push its page requests ahead of them, and a wait for the unit to
 * have put those into the queue. Answers were waited for when they were given.
 */
static void prq_drain_unit(struct vtd_device *device, ioasid_t pasid)
{
	struct vtd_unit *unit = device->unit;
	struct vtd_attachment *attachment;
	DEFINE_VTD_BATCH(batch, unit);

	/* A blocked PASID has nothing cached: only what took its place counts. */
	mutex_lock(&unit->lock);
	attachment = xa_load(&device->attachments, pasid);
	if (attachment && attachment->tag) {
		u16 did = attachment->tag->did;

		if (attachment->domain->kind == VTD_DOMAIN_NESTED)
			vtd_batch_piotlb(&batch, did,
					 pasid == IOMMU_NO_PASID ? 0 : pasid,
					 0, U64_MAX, false);
		else
			vtd_batch_iotlb(&batch, did, 0, U64_MAX, false);
	}
	mutex_unlock(&unit->lock);
	vtd_batch_devtlb(&batch, device, pasid, 0, U64_MAX);
	/* A device that does not answer has nothing on its way either. */
	vtd_batch_submit_drain(&batch);
}

/**
 * vtd_prq_drain() - hand all page requests of a device and PASID to the door
 * @device: the device
 * @pasid: the PASID, or IOMMU_NO_PASID for requests without one; those of other
 *	PASIDs are handed over too
 *
 * Its translations are gone or replaced already: what comes of the old ones comes
 * to an end (7.10). Any number of callers at once. Takes as long as the
 * unit and the device take, and is done again if requests were lost meanwhile;
 * VTD_PRQ_DRAIN_ROUNDS times at most: what was lost the unit has answered, and the
 * device asks again (7.5). May sleep; takes vtd_unit::lock.
 */
void vtd_prq_drain(struct vtd_device *device, ioasid_t pasid)
{
	struct vtd_prq *prq = device->unit->prq;
	unsigned int rounds = 0;
	u64 overflows;
	bool again;

	if (!prq)
		return;
	do {
		mutex_lock(&prq->lock);
		prq_pass(prq);
		overflows = prq->stats.overflows;
		mutex_unlock(&prq->lock);

		prq_drain_unit(device, pasid);

		/* One pass is enough: it reads the tail afterwards. */
		mutex_lock(&prq->lock);
		prq_pass(prq);
		again = prq->stats.overflows != overflows;
		mutex_unlock(&prq->lock);
		rounds++;
		cond_resched();
	} while (again && rounds < VTD_PRQ_DRAIN_ROUNDS);
	trace_vtd_prq_drain(device->unit, vtd_device_rid(device), pasid, rounds);
}

/**
 * vtd_prq_open() - hand page requests of a device to the door, or refuse them
 * @device: the device
 * @open: whether to
 *
 * No pass is half through afterwards. What has begun is forgotten when nothing is handed
 * over any more: the ends of such groups would be refused here. May sleep.
 */
void vtd_prq_open(struct vtd_device *device, bool open)
{
	struct vtd_prq *prq = device->unit->prq;

	if (!prq)
		return;
	mutex_lock(&prq->lock);
	device->pri_open = open;
	if (!open && device->source)
		iommufd_fault_source_discard_partial(device->source);
	mutex_unlock(&prq->lock);
}

static int prq_enable(struct iommufd_fault_source *source)
{
	return vtd_pri_enable(iommufd_fault_source_priv(source));
}

static void prq_disable(struct iommufd_fault_source *source)
{
	vtd_pri_disable(iommufd_fault_source_priv(source));
}

static void prq_drain(struct iommufd_fault_source *source, ioasid_t pasid)
{
	vtd_prq_drain(iommufd_fault_source_priv(source), pasid);
}

static void prq_query(struct iommufd_fault_source *source,
		      struct iommufd_fault_pri_hw *hw)
{
	vtd_pri_query(iommufd_fault_source_priv(source), hw);
}

static int prq_stop(struct iommufd_fault_source *source)
{
	return vtd_pri_stop(iommufd_fault_source_priv(source));
}

/* What the fault door calls; sources have their &struct vtd_device as priv. */
const struct iommufd_fault_unit_ops vtd_fault_unit_ops = {
	.respond = prq_respond,
	.enable = prq_enable,
	.disable = prq_disable,
	.drain = prq_drain,
	.query = prq_query,
	.stop = prq_stop,
};

/**
 * vtd_prq_get_stats() - what has come through the queue
 * @unit: the unit
 * @stats: receives it; zeroes if there is no queue
 *
 * May sleep.
 */
void vtd_prq_get_stats(struct vtd_unit *unit, struct vtd_prq_stats *stats)
{
	struct vtd_prq *prq = unit->prq;

	*stats = (struct vtd_prq_stats){};
	if (!prq)
		return;
	mutex_lock(&prq->lock);
	*stats = prq->stats;
	mutex_unlock(&prq->lock);
}

static void prq_point_unit_at(struct vtd_unit *unit, u64 address)
{
	unit->door->write64(unit, DMAR_PQH_REG, 0);
	unit->door->write64(unit, DMAR_PQT_REG, 0);
	unit->door->write64(unit, DMAR_PQA_REG, address);
}

/**
 * vtd_prq_start() - have page requests written to memory
 * @unit: does not translate yet
 *
 * May sleep.
 *
 * Return: 0, also for a unit that takes no page requests; -ENOMEM; what
 * requesting the interrupt returns. Nothing is left behind then.
 */
int vtd_prq_start(struct vtd_unit *unit)
{
	struct vtd_prq *prq;
	int rc;

	if (!unit->caps.page_requests)
		return 0;
	prq = kzalloc(sizeof(*prq), GFP_KERNEL);
	if (!prq)
		return -ENOMEM;
	/* The unit reads the address as that of so many pages: aligned as a whole. */
	prq->ring = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					     get_order(PRQ_SIZE));
	if (!prq->ring) {
		rc = -ENOMEM;
		goto err_free;
	}
	prq->unit = unit;
	mutex_init(&prq->lock);
	mutex_init(&prq->respond_lock);

	prq_point_unit_at(unit, virt_to_phys(prq->ring) | PRQ_ORDER_4K);
	unit->door->write32(unit, DMAR_PRS_REG, DMA_PRS_PPR | DMA_PRS_PRO);
	unit->prq = prq;
	rc = unit->door->irq_request(unit, VTD_IRQ_PAGE_REQUEST, NULL,
				     prq_thread, prq);
	if (rc)
		goto err_ring;
	return 0;

err_ring:
	unit->prq = NULL;
	prq_point_unit_at(unit, 0);
	mutex_destroy(&prq->respond_lock);
	mutex_destroy(&prq->lock);
	free_pages((unsigned long)prq->ring, get_order(PRQ_SIZE));
err_free:
	kfree(prq);
	return rc;
}

/**
 * vtd_prq_stop() - undo vtd_prq_start()
 * @unit: does not translate any more; no device is left behind it
 *
 * May sleep.
 */
void vtd_prq_stop(struct vtd_unit *unit)
{
	struct vtd_prq *prq = unit->prq;

	if (!prq)
		return;
	unit->door->irq_free(unit, VTD_IRQ_PAGE_REQUEST, prq);
	prq_point_unit_at(unit, 0);
	unit->prq = NULL;
	mutex_destroy(&prq->respond_lock);
	mutex_destroy(&prq->lock);
	free_pages((unsigned long)prq->ring, get_order(PRQ_SIZE));
	kfree(prq);
}
