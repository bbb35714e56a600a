// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request queue of a unit (IHI 0070 chapter 8).
 *
 * Whoever makes a pass takes the records that are in the queue and hands them to
 * the fault door. The interrupt's thread makes passes until it finds the queue
 * empty; a drain makes one of its own, so that it depends neither on an interrupt
 * nor on other devices falling silent. Nothing in a pass waits for user space, so
 * the queue has to hold only what comes in while one pass runs.
 *
 * Locks: smmuv3_priq::lock, then the door's, or the command queue's.
 */
#include <linux/bitfield.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "domain.h"
#include "faults_internal.h"
#include "regs.h"
#include "trace.h"

/* Record (8.1), first word. */
#define RECORD_SID		GENMASK_ULL(31, 0)
#define RECORD_SSID		GENMASK_ULL(51, 32)
#define RECORD_PRIV		BIT_ULL(58)
#define RECORD_EXEC		BIT_ULL(59)
#define RECORD_READ		BIT_ULL(60)
#define RECORD_WRITE		BIT_ULL(61)
#define RECORD_LAST		BIT_ULL(62)
#define RECORD_SSV		BIT_ULL(63)
/* Second. */
#define RECORD_GRPID		GENMASK_ULL(8, 0)
#define RECORD_ADDR		GENMASK_ULL(63, 12)

/* Slots: 16 bytes each, 64 KiB. */
#define PRIQ_LOG2_MAX		12
#define PRIQ_WORDS		2

static void priq_decode(const u64 *qw, struct smmuv3_page_request *pr)
{
	struct iommufd_page_request *req = &pr->req;

	*pr = (struct smmuv3_page_request){
		.sid = FIELD_GET(RECORD_SID, qw[0]),
		.req = {
			.addr = qw[1] & RECORD_ADDR,
			.grpid = FIELD_GET(RECORD_GRPID, qw[1]),
			.last = qw[0] & RECORD_LAST,
		},
	};
	if (qw[0] & RECORD_READ)
		req->perm |= IOMMU_PGFAULT_PERM_READ;
	if (qw[0] & RECORD_WRITE)
		req->perm |= IOMMU_PGFAULT_PERM_WRITE;
	/* They come in the PASID prefix, and mean nothing without. */
	if (!(qw[0] & RECORD_SSV))
		return;
	req->pasid_valid = true;
	req->pasid = FIELD_GET(RECORD_SSID, qw[0]);
	if (qw[0] & RECORD_EXEC)
		req->perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (qw[0] & RECORD_PRIV)
		req->perm |= IOMMU_PGFAULT_PERM_PRIV;
}

static bool asks_for_access(const struct iommufd_page_request *req)
{
	return req->perm & (IOMMU_PGFAULT_PERM_READ |
			    IOMMU_PGFAULT_PERM_WRITE);
}

/* The unit would refuse a command that answers such a PASID (4.5.2). */
static bool is_bad_pasid(const struct smmuv3_unit *unit,
			 const struct iommufd_page_request *req)
{
	return req->pasid_valid && req->pasid >> unit->caps.ssid_bits;
}

/*
 * Only a device's first stream: page requests come from functions with ATS, never
 * through a bridge that would alias them. Under RCU.
 */
static struct smmuv3_device *priq_find(struct smmuv3_unit *unit, u32 sid)
{
	struct smmuv3_device *device = smmuv3_device_find(unit, sid);

	return device && smmuv3_device_sid(device) == sid ? device : NULL;
}

/*
 * Who nobody knows gets the PASID back, as PCIe has it unless told otherwise. A
 * stream table entry has no switch for page requests alone: those of a virtual
 * function that has its own off while its physical one has them on come to us,
 * and are refused here.
 */
static enum iommufd_fault_verdict
priq_report(struct smmuv3_priq *priq, const struct smmuv3_page_request *pr,
	    bool *wants_pasid)
{
	enum iommufd_fault_verdict verdict = IOMMUFD_FAULT_REFUSED;
	struct iommufd_fault_source *source = NULL;
	struct smmuv3_device *device;

	*wants_pasid = true;
	/* The source is unregistered a grace period after the device let go. */
	rcu_read_lock();
	device = priq_find(priq->ring.unit, pr->sid);
	if (device) {
		*wants_pasid = device->prg_pasid;
		if (device->pri_open)
			source = READ_ONCE(device->source);
	}
	if (source) {
		priq->requests++;
		verdict = iommufd_fault_report(source, &pr->req);
	} else {
		priq->unknown++;
	}
	rcu_read_unlock();

	if (verdict == IOMMUFD_FAULT_REFUSED && !pr->req.last)
		verdict = IOMMUFD_FAULT_DROPPED;
	return verdict;
}

static void priq_handle(struct smmuv3_priq *priq, struct smmuv3_batch *batch,
			const u64 *qw)
{
	struct smmuv3_page_request pr;
	bool wants_pasid;

	priq_decode(qw, &pr);
	trace_smmuv3_page_request(priq->ring.unit, &pr);
	if (is_bad_pasid(priq->ring.unit, &pr.req)) {
		priq->malformed++;
		return;
	}
	if (!asks_for_access(&pr.req)) {
		/*
		 * A stop marker says that a PASID is no longer in use, and nobody
		 * waits for an answer (PCIe 6.0, 10.4.1.2.1). A request that is
		 * not the last of its group and asks for nothing is none at all.
		 */
		if (pr.req.last)
			priq->stop_markers++;
		else
			priq->malformed++;
		return;
	}

	switch (priq_report(priq, &pr, &wants_pasid)) {
	case IOMMUFD_FAULT_RETRY:
		smmuv3_answer_page_request(batch, &pr, SMMUV3_PRI_SUCCESS,
					   wants_pasid);
		break;
	case IOMMUFD_FAULT_REFUSED:
		smmuv3_answer_page_request(batch, &pr, SMMUV3_PRI_INVALID,
					   wants_pasid);
		break;
	case IOMMUFD_FAULT_TAKEN:
	case IOMMUFD_FAULT_DROPPED:
		break;
	}
}

/* Nothing of a group that is not whole is kept, of whatever function. */
static void priq_discard_partial(struct smmuv3_unit *unit)
{
	struct smmuv3_stream *stream;
	unsigned long sid;

	rcu_read_lock();
	xa_for_each(&unit->streams, sid, stream) {
		struct smmuv3_device *device = stream->device;
		struct iommufd_fault_source *source =
			READ_ONCE(device->source);

		/* What is of a stall is whole, and no part of this. */
		if (source && !device->can_stall &&
		    smmuv3_device_sid(device) == sid)
			iommufd_fault_source_discard_partial(source);
	}
	rcu_read_unlock();
}

/*
 * The queue was full: the unit dropped requests, and answered success for those that
 * were the last of their group (8.2). Those last requests will not come, so nothing
 * of a group that is not whole may be kept. Until the overflow is acknowledged
 * nothing comes in, so what is kept afterwards is of the time after.
 */
static void priq_overflow(struct smmuv3_priq *priq)
{
	priq->overflows++;
	trace_smmuv3_priq_overflow(priq->ring.unit, priq->overflows);
	priq_discard_partial(priq->ring.unit);
	smmuv3_ring_acknowledge(&priq->ring);
}

/**
 * smmuv3_priq_discard() - empty the queue, unseen
 * @unit: may have written records that are not good (8.2), and writes none now
 *
 * Nor is anything kept of groups that are not whole: their last requests may be among
 * what was lost. A unit without queue has nothing. May sleep.
 */
void smmuv3_priq_discard(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *priq = unit->priq;

	if (!priq)
		return;
	mutex_lock(&priq->lock);
	smmuv3_ring_discard(&priq->ring);
	priq_discard_partial(unit);
	mutex_unlock(&priq->lock);
}

/*
 * Take out what is in the queue now. Returns whether there was anything; if not,
 * what comes later raises an interrupt: the unit raises one when it adds to a queue
 * that we have shown to be empty (3.18.1), and PROD is read after CONS was written.
 *
 * An overflow is seen together with the end of the queue: nothing was added since,
 * so the pass takes all that came in before it.
 */
static bool priq_pass(struct smmuv3_priq *priq)
{
	struct smmuv3_ring *ring = &priq->ring;
	struct smmuv3_batch batch = {
		.unit = ring->unit,
		.cmds = priq->cmds,
		.max = ARRAY_SIZE(priq->cmds),
	};
	u64 qw[PRIQ_WORDS];
	bool any;

	lockdep_assert_held(&priq->lock);
	if (!smmuv3_ring_look(ring))
		return false;
	any = ring->overflow;
	while (smmuv3_ring_take(ring, qw)) {
		priq_handle(priq, &batch, qw);
		any = true;
	}
	smmuv3_ring_release(ring);
	smmuv3_answers_submit(&batch);
	if (ring->overflow)
		priq_overflow(priq);
	return any;
}

static irqreturn_t priq_thread(int irq, void *data)
{
	struct smmuv3_priq *priq = data;
	struct smmuv3_unit *unit = priq->ring.unit;
	bool more;

	do {
		mutex_lock(&priq->lock);
		more = priq_pass(priq);
		mutex_unlock(&priq->lock);
		/* Nobody else looks at events before this comes to an end */
		if (more && unit->one_irq)
			smmuv3_events_drain(unit);
		cond_resched();
	} while (more);
	if (!unit->gerror_irq)
		smmuv3_lost_look(unit);
	return IRQ_HANDLED;
}

/**
 * smmuv3_priq_serve() - hand to the door what is in the queue
 * @unit: the unit; without a queue nothing happens
 *
 * One pass, so it comes to an end whatever is added meanwhile. May sleep; takes
 * smmuv3_priq::lock.
 *
 * Return: whether there was anything.
 */
bool smmuv3_priq_serve(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *priq = unit->priq;
	bool any;

	if (!priq)
		return false;
	mutex_lock(&priq->lock);
	any = priq_pass(priq);
	mutex_unlock(&priq->lock);
	return any;
}

/*
 * A function's messages stay in order: its page requests are at the unit before
 * the completion of an invalidation that it sends after them (PCIe 6.0, 2.4.1,
 * 10.3.3). The SYNC behind the invalidation waits for that completion (4.5.1,
 * 4.7.3), and the unit has written by then what it got before. One invalidation of
 * any PASID pushes the requests of all. Answers were waited for when they were
 * given.
 *
 * While ATS is off a function answers no invalidation, nor does one that is
 * distrusted: each would cost a time-out. The first sends no new requests either. A
 * read of the configuration pushes what is on the way as well.
 */
static void priq_push(struct smmuv3_device *device, ioasid_t pasid)
{
	DEFINE_SMMUV3_BATCH(batch, device->unit);
	u32 sid = smmuv3_device_sid(device);
	u16 vendor;

	if (smmuv3_device_has_atc(device)) {
		smmuv3_batch_atc_inv(&batch, sid, pasid, 0, U64_MAX);
	} else {
		pci_read_config_word(device->pdev, PCI_VENDOR_ID, &vendor);
		smmuv3_batch_cfgi_ste(&batch, sid, true);
	}
	/* A device that does not answer has nothing on its way either. */
	smmuv3_answers_submit(&batch);
}

/**
 * smmuv3_priq_drain() - hand all page requests of a device to the door
 * @device: the device; its translations are gone or replaced
 * @pasid: whose; those of others are handed over too
 *
 * Any number of callers at once. Takes as long as the unit and the device take, and
 * is done again if requests were lost meanwhile; SMMUV3_DRAIN_ROUNDS times at most:
 * what was lost the unit has answered, and the device asks again (8.2). May sleep.
 */
void smmuv3_priq_drain(struct smmuv3_device *device, ioasid_t pasid)
{
	struct smmuv3_priq *priq = device->unit->priq;
	unsigned int rounds = 0;
	u64 overflows;
	bool again;

	do {
		mutex_lock(&priq->lock);
		priq_pass(priq);
		overflows = priq->overflows;
		mutex_unlock(&priq->lock);

		priq_push(device, pasid);

		/* One pass is enough: it reads the index afterwards. */
		mutex_lock(&priq->lock);
		priq_pass(priq);
		again = priq->overflows != overflows;
		mutex_unlock(&priq->lock);
		rounds++;
		cond_resched();
	} while (again && rounds < SMMUV3_DRAIN_ROUNDS);
	smmuv3_lost_look(device->unit);
	trace_smmuv3_faults_drain(device->unit, smmuv3_device_sid(device), pasid,
				  rounds);
}

/**
 * smmuv3_priq_alloc() - the memory of the page request queue
 * @unit: its capabilities are decoded
 *
 * A unit without page requests is left without a queue. May sleep.
 *
 * Return: 0 or -ENOMEM; then nothing is left behind.
 */
int smmuv3_priq_alloc(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *priq;
	int rc;

	if (!unit->caps.pri)
		return 0;
	priq = kzalloc(sizeof(*priq), GFP_KERNEL);
	if (!priq)
		return -ENOMEM;
	priq->ring.unit = unit;
	priq->ring.log2 = min(unit->caps.priq_log2, PRIQ_LOG2_MAX);
	priq->ring.words = PRIQ_WORDS;
	priq->ring.base_reg = SMMU_PRIQ_BASE;
	priq->ring.prod_reg = SMMU_PRIQ_PROD;
	priq->ring.cons_reg = SMMU_PRIQ_CONS;
	rc = smmuv3_ring_alloc(&priq->ring);
	if (rc) {
		kfree(priq);
		return rc;
	}
	mutex_init(&priq->lock);
	unit->priq = priq;
	return 0;
}

/**
 * smmuv3_priq_free() - undo smmuv3_priq_alloc()
 * @unit: is off; no device is left behind it
 */
void smmuv3_priq_free(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *priq = unit->priq;

	if (!priq)
		return;
	unit->priq = NULL;
	mutex_destroy(&priq->lock);
	smmuv3_ring_free(&priq->ring);
	kfree(priq);
}

/**
 * smmuv3_priq_setup() - tell the unit where the page request queue is
 * @unit: CR0.PRIQEN is 0
 */
void smmuv3_priq_setup(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *priq = unit->priq;

	if (!priq)
		return;
	mutex_lock(&priq->lock);
	smmuv3_ring_setup(&priq->ring);
	mutex_unlock(&priq->lock);
}

/**
 * smmuv3_priq_start() - connect the interrupt
 * @unit: IRQ_CTRL.PRIQ_IRQEN is set before any request can come
 *
 * May sleep.
 *
 * Return: 0, or what requesting the interrupt returns.
 */
int smmuv3_priq_start(struct smmuv3_unit *unit)
{
	if (!unit->priq)
		return 0;
	return unit->door->irq_request(unit, SMMUV3_IRQ_PRIQ, NULL, priq_thread,
				       unit->priq);
}

/**
 * smmuv3_priq_stop() - undo smmuv3_priq_start()
 * @unit: no device is left behind it
 *
 * May sleep.
 */
void smmuv3_priq_stop(struct smmuv3_unit *unit)
{
	if (unit->priq)
		unit->door->irq_free(unit, SMMUV3_IRQ_PRIQ, unit->priq);
}
