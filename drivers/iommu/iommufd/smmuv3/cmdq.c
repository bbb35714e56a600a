// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command queue (IHI 0070 3.5, chapter 4, 7.1).
 *
 * Who has commands pushes a request to a list without a lock, and then spins until
 * it is done. Whoever of those gets the queue's lock serves everybody: puts what has
 * arrived into the ring, each request with a SYNC of its own behind it, rings once,
 * looks how far the unit is, deals with an error, and tells those whose SYNC is
 * through. The lock is held for one such turn and never waited for, but by who gives
 * up. So the number of register accesses does not grow with the number of waiters.
 *
 * All that is in struct smmuv3_cmdq is under its lock, but for the list of arrivals.
 * A request is on its owner's stack: it belongs to who has the lock from when it was
 * pushed until it is marked done, or until its owner took it out under the lock.
 *
 * Positions in the ring are counted in 64 bits, so that a position is never used
 * twice; registers have as many bits of it as the ring needs, and one more to tell
 * full from empty. The unit's position is looked up under the lock at least once in
 * each turn that puts something in, and nothing is put in beyond what it has freed,
 * so it never runs ahead of ours by more than the ring.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/dma-mapping.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "commands.h"
#include "regs.h"

#define CREATE_TRACE_POINTS
#include "cmdq_trace.h"

/* 64 KiB: more would only let others wait longer. */
#define CMDQ_LOG2_MAX		12
/*
 * For one command. It is far more than a unit needs, and less than what is taken for
 * a CPU that hangs: waiters may have interrupts off.
 */
#define CMDQ_TIMEOUT_MS		5000
/* The same once a unit has been found to do nothing. */
#define CMDQ_TIMEOUT_STUCK_MS	10

/**
 * struct cmdq_request - commands of one submitter
 * @arrival: in smmuv3_cmdq::arrivals until the lock's holder takes it out
 * @item: in smmuv3_cmdq::waiting, then in running; under the lock
 * @cmds: commands
 * @num: how many; 1 to the size of the ring, less one for the SYNC
 * @first: position of the first of them, that of the SYNC is @num after it; valid in
 *	running
 * @placed: it is, or was, in running
 * @done: nobody refers to the request any more; written last
 * @result: for the submitter
 */
struct cmdq_request {
	struct llist_node arrival;
	struct list_head item;
	const struct smmuv3_cmd *cmds;
	unsigned int num;
	u64 first;
	bool placed;
	bool done;
	struct smmuv3_cmdq_result *result;
};

/**
 * struct smmuv3_cmdq - the queue
 * @arrivals: &struct cmdq_request that nobody has looked at; no lock
 * @lock: guards the rest. Taken with interrupts off, outside that of GERRORN
 * @waiting: requests that found no room yet, oldest first
 * @running: requests in the ring, oldest first
 * @ring: commands, 16 bytes each
 * @ring_dma: their address
 * @log2: log2 of the number of entries; constant
 * @prod: position behind the last command put in
 * @cons: position of the first command that the unit is not known to have done
 * @progress: when @cons last moved, ns; read without the lock
 * @timeout: how long it may stay, ns
 * @stuck: it has stayed for longer than that, and has not moved since
 */
struct smmuv3_cmdq {
	struct llist_head arrivals;
	raw_spinlock_t lock;		/* see above */
	struct list_head waiting;
	struct list_head running;
	__le64 *ring;
	dma_addr_t ring_dma;
	unsigned int log2;
	u64 prod;
	u64 cons;
	u64 progress;
	u64 timeout;
	bool stuck;
};

static unsigned int cmdq_size(const struct smmuv3_cmdq *q)
{
	return 1U << q->log2;
}

/* Index and wrap bit of a position. */
static u32 cmdq_reg(const struct smmuv3_cmdq *q, u64 pos)
{
	return pos & (2 * cmdq_size(q) - 1);
}

static __le64 *cmdq_entry(const struct smmuv3_cmdq *q, u64 pos)
{
	return q->ring + 2 * (pos & (cmdq_size(q) - 1));
}

static void cmdq_put(struct smmuv3_cmdq *q, u64 qw0, u64 qw1)
{
	__le64 *entry = cmdq_entry(q, q->prod++);

	entry[0] = cpu_to_le64(qw0);
	entry[1] = cpu_to_le64(qw1);
}

/* Oldest first, behind those that wait already. */
static void cmdq_collect(struct smmuv3_cmdq *q)
{
	struct cmdq_request *req, *next;
	struct llist_node *list;

	if (llist_empty(&q->arrivals))
		return;
	list = llist_reverse_order(llist_del_all(&q->arrivals));
	llist_for_each_entry_safe(req, next, list, arrival)
		list_add_tail(&req->item, &q->waiting);
}

static void cmdq_place(struct smmuv3_cmdq *q, struct cmdq_request *req)
{
	unsigned int i;

	req->first = q->prod;
	req->placed = true;
	for (i = 0; i < req->num; i++)
		cmdq_put(q, req->cmds[i].qw[0], req->cmds[i].qw[1]);
	/* 4.7.3: it is seen in CONS, no signal is asked for */
	cmdq_put(q, CMD_SYNC, 0);
	list_move_tail(&req->item, &q->running);
}

/* Put in what there is room for, in order, and ring. */
static void cmdq_fill(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	struct cmdq_request *req, *next;
	unsigned int submitters = 0;
	u64 old = q->prod;

	list_for_each_entry_safe(req, next, &q->waiting, item) {
		if (q->prod + req->num + 1 > q->cons + cmdq_size(q))
			break;
		cmdq_place(q, req);
		submitters++;
	}
	if (!submitters)
		return;
	/* Somebody may have waited for nothing but room: the unit starts now */
	if (old == q->cons)
		WRITE_ONCE(q->progress, ktime_get_mono_fast_ns());
	/* Each request's memory is visible (smmuv3_cmdq_run()); the door adds ours */
	unit->door->write32(unit, SMMU_CMDQ_PROD, cmdq_reg(q, q->prod));
	atomic64_inc(&unit->submits);
	trace_smmuv3_submit(unit, submitters, q->prod - old - submitters,
			    cmdq_reg(q, q->prod));
}

/*
 * How far the unit is. What is no position between ours is left alone: the unit may
 * have been reset behind our back, and will time out. Returns the register.
 */
static u32 cmdq_poll(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	u32 reg = unit->door->read32(unit, SMMU_CMDQ_CONS);
	u64 moved = cmdq_reg(q, (reg & SMMU_QUEUE_POS) - q->cons);

	/* All ones, which bits 31 and 23:20 rule out, is a unit that is gone (6.3.27) */
	if (reg != U32_MAX && moved && moved <= q->prod - q->cons) {
		q->cons += moved;
		WRITE_ONCE(q->progress, ktime_get_mono_fast_ns());
		WRITE_ONCE(q->stuck, false);
	}
	return reg;
}

/* Everything ahead of the unit's position is done. */
static void cmdq_complete(struct smmuv3_cmdq *q)
{
	struct cmdq_request *req, *next;

	list_for_each_entry_safe(req, next, &q->running, item) {
		if (q->cons <= req->first + req->num)
			break;
		list_del(&req->item);
		/* Pairs with smp_load_acquire() of its owner; it is gone after that */
		smp_store_release(&req->done, true);
	}
}

static void cmdq_refuse(struct cmdq_request *req, unsigned int index)
{
	/* Those of one request come in order */
	if (req->result->rc)
		return;
	req->result->rc = -EIO;
	req->result->failed = min(index, req->num - 1);
}

/* The request that has put in what is at @pos, or NULL: its owner has given up. */
static struct cmdq_request *cmdq_owner(struct smmuv3_cmdq *q, u64 pos)
{
	struct cmdq_request *req;

	list_for_each_entry(req, &q->running, item)
		if (pos >= req->first && pos <= req->first + req->num)
			return req;
	return NULL;
}

/*
 * The unit stopped at a command (7.1). One that it does not understand, or could not
 * read, becomes a SYNC. A SYNC behind invalidations that a device did not answer
 * stays, and is tried again.
 */
static void cmdq_handle(struct smmuv3_unit *unit, u32 code)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	struct cmdq_request *req = cmdq_owner(q, q->cons);
	__le64 *entry = cmdq_entry(q, q->cons);
	u64 qw0 = le64_to_cpu(entry[0]), qw1 = le64_to_cpu(entry[1]);

	trace_smmuv3_cmd_error(unit, code, qw0, qw1);
	if (code == SMMU_CERROR_ATC_INV_SYNC) {
		if (req)
			req->result->unanswered = true;
		return;
	}
	pr_err_ratelimited("%s: command %016llx:%016llx %s (%u)\n", unit->name,
			   qw1, qw0, code == SMMU_CERROR_ABT ?
			   "cannot be read" : "is refused", code);
	if (req)
		cmdq_refuse(req, q->cons - req->first);
	entry[0] = cpu_to_le64(CMD_SYNC);
	entry[1] = 0;
}

/*
 * Once for each error, as only we acknowledge this one, and under the lock: the
 * interrupt and all who wait may see it. The unit goes on when it is acknowledged.
 */
static void cmdq_check_error(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	u32 reg;

	if (!(smmuv3_gerror_active(unit) & SMMU_GERROR_CMDQ))
		return;
	/* Where it is now that it has stopped */
	reg = cmdq_poll(unit);
	if (q->cons != q->prod)
		cmdq_handle(unit, FIELD_GET(SMMU_CMDQ_CONS_ERR, reg));
	smmuv3_gerror_ack(unit, SMMU_GERROR_CMDQ);
}

/*
 * One turn. The reason of an error is in CONS before the error is active; it stays
 * there afterwards, so only GERROR tells whether there is one.
 */
static void cmdq_serve(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;

	cmdq_collect(q);
	cmdq_fill(unit);
	/* Nobody may wait for what is in the ring any more, but for room */
	if (q->cons == q->prod)
		return;
	if (FIELD_GET(SMMU_CMDQ_CONS_ERR, cmdq_poll(unit)))
		cmdq_check_error(unit);
	cmdq_complete(q);
}

static bool cmdq_expired(struct smmuv3_unit *unit, u64 start)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	u64 timeout = q->timeout;

	if (READ_ONCE(q->stuck) || READ_ONCE(unit->broken))
		timeout = min(timeout,
			      (u64)CMDQ_TIMEOUT_STUCK_MS * NSEC_PER_MSEC);
	start = max(start, READ_ONCE(q->progress));
	return (s64)(ktime_get_mono_fast_ns() - start) > (s64)timeout;
}

static bool cmdq_has_atc_inv(const struct cmdq_request *req)
{
	unsigned int i;

	for (i = 0; i < req->num; i++)
		if ((req->cmds[i].qw[0] & CMD_OPCODE) == CMD_ATC_INV)
			return true;
	return false;
}

/*
 * The first command that is not done is at fault; if that is the SYNC behind
 * invalidations of devices, it is a device that does not answer: a unit may wait for
 * that for longer than anybody can spin (PCIe gives a device a minute).
 */
static void cmdq_blame(struct smmuv3_cmdq *q, struct cmdq_request *req)
{
	u64 index = 0;

	if (req->placed && q->cons > req->first)
		index = q->cons - req->first;
	if (index == req->num && cmdq_has_atc_inv(req))
		req->result->unanswered = true;
	else
		cmdq_refuse(req, index);
}

/*
 * Take a request out that the unit does not carry out, unless it has after all. Its
 * commands stay in the ring.
 */
static void cmdq_give_up(struct smmuv3_unit *unit, struct cmdq_request *req)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	cmdq_serve(unit);
	if (!req->done) {
		list_del(&req->item);
		cmdq_blame(q, req);
		req->result->late = true;
		WRITE_ONCE(q->stuck, true);
		trace_smmuv3_cmd_timeout(unit, cmdq_reg(q, q->prod),
					 cmdq_reg(q, q->cons));
		pr_err_ratelimited("%s: does not carry out its commands\n",
				   unit->name);
	}
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static void cmdq_wait(struct smmuv3_unit *unit, struct cmdq_request *req)
{
	u64 start = ktime_get_mono_fast_ns();
	struct smmuv3_cmdq *q = unit->cmdq;
	unsigned long flags;

	for (;;) {
		/* Interrupts off: who interrupts the holder would wait for ever */
		if (!raw_spin_is_locked(&q->lock) &&
		    raw_spin_trylock_irqsave(&q->lock, flags)) {
			cmdq_serve(unit);
			raw_spin_unlock_irqrestore(&q->lock, flags);
		}
		/* Pairs with smp_store_release() in cmdq_complete() */
		if (smp_load_acquire(&req->done))
			return;
		if (cmdq_expired(unit, start)) {
			cmdq_give_up(unit, req);
			return;
		}
		cpu_relax();
	}
}

/**
 * smmuv3_cmdq_run() - carry out commands
 * @unit: started, or its command queue is on at least
 * @cmds: commands
 * @num: 1 or more; in parts one after the other if the ring is too small
 * @result: what became of them
 *
 * On return the unit has done them, but for what @result says. Any context.
 */
void smmuv3_cmdq_run(struct smmuv3_unit *unit, const struct smmuv3_cmd *cmds,
		     unsigned int num, struct smmuv3_cmdq_result *result)
{
	unsigned int done, max = cmdq_size(unit->cmdq) - 1;

	*result = (struct smmuv3_cmdq_result){ };
	for (done = 0; done < num; done += max) {
		struct smmuv3_cmdq_result part = { };
		struct cmdq_request req = {
			.cmds = cmds + done,
			.num = min(num - done, max),
			.result = &part,
		};

		/*
		 * What the commands are about, tables for instance, was written by us,
		 * and another CPU may ring: the unit has to see it by then
		 */
		dma_wmb();
		llist_add(&req.arrival, &unit->cmdq->arrivals);
		cmdq_wait(unit, &req);

		if (part.rc && !result->rc) {
			result->rc = part.rc;
			result->failed = done + part.failed;
		}
		result->unanswered |= part.unanswered;
		result->late |= part.late;
	}
}

/**
 * smmuv3_cmdq_error() - GERROR.CMDQ_ERR is, or was, active
 * @unit: started
 *
 * Any context.
 */
void smmuv3_cmdq_error(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	cmdq_check_error(unit);
	cmdq_serve(unit);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

/**
 * smmuv3_cmdq_stuck_ms() - how long the queue has stood still
 * @unit: started
 *
 * Any context.
 *
 * Return: 0: it goes on, or has nothing to do; else milliseconds, 1 at least. Only
 * once waiting for it has been given up.
 */
unsigned int smmuv3_cmdq_stuck_ms(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;
	unsigned int ms = 0;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	cmdq_serve(unit);
	if (q->stuck && q->cons != q->prod)
		ms = 1 + div_u64(ktime_get_mono_fast_ns() - q->progress,
				 NSEC_PER_MSEC);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return ms;
}

/**
 * smmuv3_cmdq_set_timeout() - how long the unit may take for one command
 * @unit: initialised, nobody submits
 * @timeout: ms
 */
void smmuv3_cmdq_set_timeout(struct smmuv3_unit *unit, unsigned int timeout)
{
	unit->cmdq->timeout = (u64)timeout * NSEC_PER_MSEC;
}

/**
 * smmuv3_cmdq_alloc() - memory of the queue
 * @unit: with caps and dev
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int smmuv3_cmdq_alloc(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q;

	q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	init_llist_head(&q->arrivals);
	raw_spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->waiting);
	INIT_LIST_HEAD(&q->running);
	q->log2 = min_t(unsigned int, unit->caps.cmdq_log2, CMDQ_LOG2_MAX);
	q->timeout = (u64)CMDQ_TIMEOUT_MS * NSEC_PER_MSEC;
	/* 6.3.25: aligned to its size, which memory of whole pages is */
	q->ring = dma_alloc_coherent(unit->dev,
				     sizeof(struct smmuv3_cmd) * cmdq_size(q),
				     &q->ring_dma, GFP_KERNEL);
	if (!q->ring) {
		kfree(q);
		return -ENOMEM;
	}
	unit->cmdq = q;
	return 0;
}

/**
 * smmuv3_cmdq_free() - undo smmuv3_cmdq_alloc()
 * @unit: its command queue is off, and nobody submits
 */
void smmuv3_cmdq_free(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;

	WARN_ON(!llist_empty(&q->arrivals) || !list_empty(&q->waiting) ||
		!list_empty(&q->running));
	dma_free_coherent(unit->dev, sizeof(struct smmuv3_cmd) * cmdq_size(q),
			  q->ring, q->ring_dma);
	unit->cmdq = NULL;
	kfree(q);
}

/**
 * smmuv3_cmdq_setup() - tell the unit where the queue is, empty
 * @unit: CR0.CMDQEN is off, and nobody submits
 */
void smmuv3_cmdq_setup(struct smmuv3_unit *unit)
{
	struct smmuv3_cmdq *q = unit->cmdq;

	q->prod = 0;
	q->cons = 0;
	q->stuck = false;
	unit->door->write64(unit, SMMU_CMDQ_BASE,
			    SMMU_QUEUE_BASE_RA |
			    (q->ring_dma & SMMU_QUEUE_BASE_ADDR) |
			    FIELD_PREP(SMMU_QUEUE_BASE_LOG2SIZE, q->log2));
	unit->door->write32(unit, SMMU_CMDQ_PROD, 0);
	unit->door->write32(unit, SMMU_CMDQ_CONS, 0);
}
