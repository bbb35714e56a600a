// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of the mock's devices. What the DMA engine sends passes through
 * a FIFO with a thread behind it, as in hardware; what the ioctl sends goes to
 * the door at once. The device remembers every group it has sent, so an answer
 * to a group it never sent, a second answer, or one that is missing at the end
 * does not pass unnoticed; and it keeps a ledger that owes nothing to the
 * counters of the code under test.
 *
 * Locking: mock_dev::lock for groups and ledger. The door is never called with
 * a lock held, so an answer may overtake the verdict: a group is done with when
 * both have been seen.
 */
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "failpoint.h"
#include "mock.h"

/* The hardware's request queue: groups whose requests nobody has fetched */
static struct {
	spinlock_t lock;
	struct list_head groups;
	struct work_struct work;
	struct workqueue_struct *wq;
} mock_fifo;

static u32 group_hash(u32 pasid, u32 grpid)
{
	return pasid ^ grpid;
}

static struct mock_group *find_group(struct mock_dev *mdev, bool pasid_valid,
				     u32 pasid, u32 grpid)
{
	struct mock_group *group, *oldest = NULL;

	/* The newest is in front: a bad device may use an index twice. */
	hash_for_each_possible(mdev->groups, group, node,
			       group_hash(pasid, grpid))
		if (group->grpid == grpid && group->pasid == pasid &&
		    group->pasid_valid == pasid_valid)
			oldest = group;
	return oldest;
}

static void group_wait_for(struct mock_group *group)
{
	struct mock_dev *mdev = group->mdev;

	lockdep_assert_held(&mdev->lock);
	group->judged = false;
	group->answered = false;
	hash_add(mdev->groups, &group->node,
		 group_hash(group->pasid, group->grpid));
}

/* Without a lock: the group belongs to nobody else any more. */
static void group_done(struct mock_group *group, enum mock_outcome outcome)
{
	if (group->dma)
		mock_dma_resume(group->dma, outcome);
	else
		kfree(group);
}

static enum mock_outcome outcome_of(u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		return MOCK_OUTCOME_SUCCESS;
	case IOMMUFD_PAGE_RESP_INVALID:
		return MOCK_OUTCOME_INVALID;
	default:
		return MOCK_OUTCOME_FAILURE;
	}
}

/**
 * mock_fault_free_grpid() - a group index the DMA engine may use
 * @mdev: the device; its lock is held
 * @pasid_valid: the requests have a PASID
 * @pasid: which
 *
 * Return: one that no group waits with.
 */
u32 mock_fault_free_grpid(struct mock_dev *mdev, bool pasid_valid, u32 pasid)
{
	lockdep_assert_held(&mdev->lock);
	do {
		mdev->last_grpid++;
	} while (find_group(mdev, pasid_valid, pasid, mdev->last_grpid));
	return mdev->last_grpid;
}

/* --- requests --- */

static unsigned int epoch_of(struct mock_dev *mdev)
{
	unsigned int epoch;

	spin_lock(&mdev->lock);
	epoch = mdev->epoch;
	spin_unlock(&mdev->lock);
	return epoch;
}

/*
 * One request up to the door, of a group begun in @epoch: a device whose page
 * requests were turned off or on since does not go on with it. One that may not send
 * is not heard.
 */
static enum iommufd_fault_verdict report(struct mock_dev *mdev,
					 const struct iommufd_page_request *req,
					 unsigned int epoch)
{
	enum iommufd_fault_verdict verdict;
	bool may_send;

	/* Whoever turns page requests off can wait until the door has it. */
	rcu_read_lock();
	spin_lock(&mdev->lock);
	may_send = mdev->requests_on && !mdev->halted && mdev->epoch == epoch;
	mdev->ledger.requests++;
	spin_unlock(&mdev->lock);

	if (may_send)
		verdict = iommufd_fault_report(mdev->source, req);
	else
		verdict = req->last ? IOMMUFD_FAULT_REFUSED :
				      IOMMUFD_FAULT_DROPPED;
	rcu_read_unlock();

	if (req->last) {
		WARN(verdict == IOMMUFD_FAULT_DROPPED,
		     "the last request of a group was dropped\n");
		return verdict;
	}

	WARN(verdict != IOMMUFD_FAULT_TAKEN && verdict != IOMMUFD_FAULT_DROPPED,
	     "verdict %u on a request that is not the last\n", verdict);
	if (verdict == IOMMUFD_FAULT_DROPPED) {
		spin_lock(&mdev->lock);
		mdev->ledger.dropped++;
		spin_unlock(&mdev->lock);
	}
	return verdict;
}

/* The last request of @group has been reported with this result. */
static void group_judged(struct mock_group *group,
			 enum iommufd_fault_verdict verdict, bool dropped)
{
	struct mock_dev *mdev = group->mdev;
	struct mock_ledger *ledger = &mdev->ledger;
	enum mock_outcome outcome;

	spin_lock(&mdev->lock);
	ledger->reported++;
	group->judged = true;
	if (verdict == IOMMUFD_FAULT_TAKEN) {
		WARN(dropped, "a group was taken without one of its requests\n");
		ledger->taken++;
		outcome = group->answered ? outcome_of(group->code) :
					    MOCK_OUTCOME_NONE;
	} else {
		if (!WARN(group->answered, "answer to a group that was refused\n"))
			hash_del(&group->node);
		if (verdict == IOMMUFD_FAULT_RETRY) {
			ledger->refused_overflow++;
			outcome = MOCK_OUTCOME_OVERFLOW;
		} else {
			ledger->refused_other++;
			outcome = MOCK_OUTCOME_REFUSED;
		}
	}
	spin_unlock(&mdev->lock);

	/* Otherwise it is the answer's, which may have come and gone already. */
	if (outcome != MOCK_OUTCOME_NONE)
		group_done(group, outcome);
}

static void fifo_work(struct work_struct *work)
{
	struct mock_group *group, *next;
	LIST_HEAD(groups);

	spin_lock(&mock_fifo.lock);
	list_splice_init(&mock_fifo.groups, &groups);
	spin_unlock(&mock_fifo.lock);

	list_for_each_entry_safe(group, next, &groups, item) {
		enum iommufd_fault_verdict verdict = IOMMUFD_FAULT_REFUSED;
		bool dropped = false;
		unsigned int i;

		list_del(&group->item);
		for (i = 0; i < group->num; i++) {
			verdict = report(group->mdev, &group->requests[i],
					 group->epoch);
			dropped |= verdict == IOMMUFD_FAULT_DROPPED;
		}
		group_judged(group, verdict, dropped);
	}
}

/**
 * mock_fault_submit() - send a group by way of the request FIFO
 * @group: with at least one request, the last of them marked; its device's
 *	lock is held, so that who takes it afterwards and drains finds the group
 *	in the FIFO
 */
void mock_fault_submit(struct mock_group *group)
{
	group_wait_for(group);
	group->epoch = group->mdev->epoch;
	spin_lock(&mock_fifo.lock);
	list_add_tail(&group->item, &mock_fifo.groups);
	spin_unlock(&mock_fifo.lock);
	queue_work(mock_fifo.wq, &mock_fifo.work);
}

static struct mock_group *group_alloc(struct mock_dev *mdev,
				      const struct iommufd_page_request *req)
{
	struct mock_group *group;

	/* It does not go through the FIFO, and has no requests of its own */
	group = kzalloc(offsetof(struct mock_group, requests),
			GFP_KERNEL_ACCOUNT);
	if (!group)
		return NULL;
	group->mdev = mdev;
	group->pasid_valid = req->pasid_valid;
	group->pasid = req->pasid;
	group->grpid = req->grpid;
	return group;
}

static bool send_last(struct mock_group *group,
		      const struct iommufd_page_request *req, bool dropped,
		      unsigned int epoch)
{
	struct mock_dev *mdev = group->mdev;
	enum iommufd_fault_verdict verdict;

	spin_lock(&mdev->lock);
	group_wait_for(group);
	spin_unlock(&mdev->lock);

	verdict = report(mdev, req, epoch);
	group_judged(group, verdict, dropped);
	return verdict == IOMMUFD_FAULT_TAKEN;
}

/* What there is to count is the door's own work, and as little as can be of this. */
static void send_plain(struct mock_dev *mdev,
		       const struct iommufd_page_request *req)
{
	/* Whoever turns page requests off can wait until the door has it. */
	rcu_read_lock();
	if (READ_ONCE(mdev->requests_on))
		iommufd_fault_report(mdev->source, req);
	rcu_read_unlock();
}

/**
 * mock_fault_trigger() - send a group of one request
 * @mdev: the device; the caller keeps it from being released
 * @req: the request; its last flag is set
 *
 * Return: 0, also if it was refused; -ENOMEM.
 */
int mock_fault_trigger(struct mock_dev *mdev,
		       const struct iommufd_page_request *req)
{
	struct mock_group *group;

	if (mdev->flags & MOCK_FLAGS_DEVICE_PLAIN) {
		send_plain(mdev, req);
		return 0;
	}

	group = group_alloc(mdev, req);
	if (!group)
		return -ENOMEM;
	send_last(group, req, false, epoch_of(mdev));
	return 0;
}

static int alloc_groups(struct mock_dev *mdev, struct list_head *groups,
			const struct iommufd_page_request *req, u32 num,
			u32 step)
{
	struct mock_group *group, *next;
	u32 i;

	for (i = 0; i < num; i++) {
		group = group_alloc(mdev, req);
		if (!group)
			goto err_free;
		group->grpid += i * step;
		list_add_tail(&group->item, groups);
		cond_resched();
	}
	return 0;

err_free:
	list_for_each_entry_safe(group, next, groups, item)
		kfree(group);
	return -ENOMEM;
}

/**
 * mock_fault_send() - send many requests at once
 * @mdev: the device; the caller keeps it from being released
 * @req: the first of them; the others follow at a page's distance. Changed.
 * @count: how many
 * @last: the final one is the last of its group
 * @each_last: each is a group, and the group index goes up by one
 * @taken: out: how many the door kept
 * @refused: out: all others
 *
 * Return: 0, or -ENOMEM before any was sent.
 */
int mock_fault_send(struct mock_dev *mdev, struct iommufd_page_request *req,
		    u32 count, bool last, bool each_last, u32 *taken,
		    u32 *refused)
{
	struct mock_group *group;
	LIST_HEAD(groups);
	unsigned int epoch;
	bool dropped = false;
	u32 i;
	int rc;

	rc = alloc_groups(mdev, &groups, req,
			  each_last ? count : last ? 1 : 0, each_last);
	if (rc)
		return rc;

	*taken = 0;
	for (i = 0; i < count; i++) {
		if (!i || each_last)
			epoch = epoch_of(mdev);
		req->last = each_last || (last && i == count - 1);
		if (req->last) {
			group = list_first_entry(&groups, struct mock_group,
						 item);
			list_del(&group->item);
			*taken += send_last(group, req, dropped, epoch);
		} else if (report(mdev, req, epoch) == IOMMUFD_FAULT_TAKEN) {
			++*taken;
		} else {
			dropped = true;
		}
		req->addr += MOCK_S1_PAGE_SIZE;
		req->grpid += each_last;
		cond_resched();
	}
	*refused = count - *taken;
	return 0;
}

/* --- answers --- */

static bool count_answer(struct mock_dev *mdev, u32 code)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		mdev->ledger.answered_success++;
		return true;
	case IOMMUFD_PAGE_RESP_INVALID:
		mdev->ledger.answered_invalid++;
		return true;
	case IOMMUFD_PAGE_RESP_FAILURE:
		mdev->ledger.answered_failure++;
		mdev->halted = true;
		return true;
	}
	return false;
}

static void take_answer(struct mock_dev *mdev,
			const struct iommufd_page_answer *answer)
{
	struct mock_group *group;
	bool done = false;

	spin_lock(&mdev->lock);
	group = find_group(mdev, answer->pasid_valid, answer->pasid,
			   answer->grpid);
	if (WARN(!group,
		 "%s: answer %u to group %u, PASID %u: not asked, or answered before\n",
		 dev_name(&mdev->dev), answer->code, answer->grpid,
		 answer->pasid_valid ? answer->pasid : 0))
		goto out;
	if (WARN(!count_answer(mdev, answer->code), "%s: no such answer: %u\n",
		 dev_name(&mdev->dev), answer->code))
		goto out;

	hash_del(&group->node);
	group->answered = true;
	group->code = answer->code;
	done = group->judged;
out:
	spin_unlock(&mdev->lock);
	if (done)
		group_done(group, outcome_of(answer->code));
}

static void mock_respond(struct iommufd_fault_unit *unit,
			 const struct iommufd_page_answer *answers,
			 unsigned int num)
{
	unsigned int i;

	WARN(!num || num > IOMMUFD_FAULT_BATCH, "%u answers at once\n", num);
	for (i = 0; i < num; i++) {
		struct mock_dev *mdev =
			iommufd_fault_source_priv(answers[i].source);

		if (mdev->flags & MOCK_FLAGS_DEVICE_PLAIN)
			continue;
		might_sleep();
		take_answer(mdev, &answers[i]);
		/* A halted device does not finish the groups it has begun. */
		if (answers[i].code == IOMMUFD_PAGE_RESP_FAILURE)
			iommufd_fault_source_discard_partial(answers[i].source);
	}
}

/* --- on, off, drain --- */

static int mock_enable(struct iommufd_fault_source *source)
{
	struct mock_dev *mdev = iommufd_fault_source_priv(source);

	might_sleep();
	if (iommufd_should_fail())
		return -ENOMEM;

	spin_lock(&mdev->lock);
	WARN(mdev->enabled++, "%s: page requests turned on twice\n",
	     dev_name(&mdev->dev));
	WRITE_ONCE(mdev->requests_on, true);
	mdev->halted = false;
	/* A group whose beginning it could not send does not get an end */
	mdev->epoch++;
	spin_unlock(&mdev->lock);
	return 0;
}

/* Groups the door has taken and not answered. Others are on their way to it. */
static bool waits_for_answers(struct mock_dev *mdev)
{
	struct mock_group *group;
	unsigned int bucket;

	hash_for_each(mdev->groups, bucket, group, node)
		if (group->judged)
			return true;
	return false;
}

static void mock_disable(struct iommufd_fault_source *source)
{
	struct mock_dev *mdev = iommufd_fault_source_priv(source);

	might_sleep();
	spin_lock(&mdev->lock);
	WARN(--mdev->enabled, "%s: page requests turned off twice\n",
	     dev_name(&mdev->dev));
	WRITE_ONCE(mdev->requests_on, false);
	mdev->epoch++;
	WARN(waits_for_answers(mdev),
	     "%s: page requests turned off with groups not answered\n",
	     dev_name(&mdev->dev));
	spin_unlock(&mdev->lock);
	/* What is being sent gets there; what is in the FIFO still does not. */
	synchronize_rcu_expedited();
	flush_work(&mock_fifo.work);
}

/*
 * Flushes for everybody, which is more than asked for. The requests of the
 * ioctl have no queue of their own to be drained from.
 */
static void mock_drain(struct iommufd_fault_source *source, ioasid_t pasid)
{
	might_sleep();
	flush_work(&mock_fifo.work);
}

static void mock_query(struct iommufd_fault_source *source,
		       struct iommufd_fault_pri_hw *hw)
{
	struct mock_dev *mdev = iommufd_fault_source_priv(source);

	might_sleep();
	WARN_ON(hw->capacity != MOCK_MAX_OUTSTANDING);
	hw->resp_pasid = mdev->flags & MOCK_FLAGS_DEVICE_PASID;
	hw->failed = READ_ONCE(mdev->halted);
}

/* Fails, if it does, when page requests are off already. */
static int mock_stop(struct iommufd_fault_source *source)
{
	struct mock_dev *mdev = iommufd_fault_source_priv(source);

	might_sleep();
	spin_lock(&mdev->lock);
	WARN(waits_for_answers(mdev), "%s: reset with groups not answered\n",
	     dev_name(&mdev->dev));
	WRITE_ONCE(mdev->requests_on, false);
	mdev->enabled = 0;
	mdev->epoch++;
	spin_unlock(&mdev->lock);
	/* What is being sent gets there; what is in the FIFO still does not. */
	synchronize_rcu_expedited();
	flush_work(&mock_fifo.work);

	if (iommufd_should_fail())
		return -EIO;
	spin_lock(&mdev->lock);
	mdev->halted = false;
	spin_unlock(&mdev->lock);
	return 0;
}

const struct iommufd_fault_unit_ops mock_fault_ops = {
	.respond = mock_respond,
	.enable = mock_enable,
	.disable = mock_disable,
	.drain = mock_drain,
	.query = mock_query,
	.stop = mock_stop,
};

/**
 * mock_fault_check_idle() - nothing may be left when a device goes
 * @mdev: the device
 */
void mock_fault_check_idle(struct mock_dev *mdev)
{
	spin_lock(&mdev->lock);
	WARN(!hash_empty(mdev->groups), "%s: gone with groups not answered\n",
	     dev_name(&mdev->dev));
	WARN(mdev->enabled, "%s: gone with page requests on\n",
	     dev_name(&mdev->dev));
	spin_unlock(&mdev->lock);
}

/**
 * mock_fault_init() - set up the request FIFO
 *
 * Return: 0 or -ENOMEM.
 */
int __init mock_fault_init(void)
{
	spin_lock_init(&mock_fifo.lock);
	INIT_LIST_HEAD(&mock_fifo.groups);
	INIT_WORK(&mock_fifo.work, fifo_work);
	mock_fifo.wq = alloc_ordered_workqueue("iommufd_mock_prq", 0);
	return mock_fifo.wq ? 0 : -ENOMEM;
}

/**
 * mock_fault_exit() - undo mock_fault_init()
 */
void __init mock_fault_exit(void)
{
	destroy_workqueue(mock_fifo.wq);
}
