// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request interface of a device as such: what it can do, a use of it that
 * is not an attach, and starting it anew. It is what a VMM needs to show a guest
 * a page request capability of the device (PCIe 6.0, 10.5.2).
 *
 * All under the mutex of the source.
 */
#include <linux/slab.h>

#include "internal.h"

/**
 * struct iommufd_fault_hold - page requests are wanted without an attach
 * @source: holds a reference
 */
struct iommufd_fault_hold {
	struct iommufd_fault_source *source;
};

static bool hw_state(struct iommufd_fault_source *source,
		     struct iommufd_fault_pri *pri)
{
	if (source->dead)
		return false;
	if (source->unit->ops->query)
		source->unit->ops->query(source, &pri->hw);
	return true;
}

/**
 * iommufd_fault_pri_query - the state of a device's page request interface
 * @dev: the device
 * @pri: out
 *
 * May sleep.
 *
 * Return: 0; -EOPNOTSUPP: no source for @dev; -ENODEV: it has gone.
 */
int iommufd_fault_pri_query(struct device *dev, struct iommufd_fault_pri *pri)
{
	struct iommufd_fault_source *source = fault_source_get(dev);
	int rc = -ENODEV;

	if (!source)
		return -EOPNOTSUPP;

	mutex_lock(&source->mutex);
	*pri = (struct iommufd_fault_pri){
		.hw.capacity = source->max_outstanding,
		.allocation = source->limit,
		.outstanding = fault_source_outstanding(source),
		.enabled = source->on,
		.held = source->held,
		.attaches = source->nr_installed,
	};
	if (hw_state(source, pri))
		rc = 0;
	mutex_unlock(&source->mutex);
	fault_source_put(source);
	return rc;
}

static void set_limit(struct iommufd_fault_source *source, unsigned int limit)
{
	spin_lock_bh(&source->lock);
	/* Read without the lock for fdinfo */
	WRITE_ONCE(source->limit, limit);
	spin_unlock_bh(&source->lock);
}

/**
 * iommufd_fault_hold_new - have page requests enabled besides any attach
 * @dev: the device
 * @allocation: page requests that may be outstanding from now on, for attaches
 *	too, up to what was registered; 0: as many as that. Beyond, requests are
 *	refused as in any overflow, but those of a group that comes while nothing
 *	else is outstanding
 *
 * Requests that no attach is there for are refused as ever. May sleep.
 *
 * Return: the hold, for iommufd_fault_hold_drop(), or ERR_PTR: -EOPNOTSUPP: no
 * source for @dev; -EINVAL: @allocation is too large; -EBUSY: it is held
 * already; -ENODEV: it has gone; -ENOMEM; what the backend says.
 */
struct iommufd_fault_hold *iommufd_fault_hold_new(struct device *dev,
						  unsigned int allocation)
{
	struct iommufd_fault_source *source;
	struct iommufd_fault_hold *hold;
	int rc;

	hold = kzalloc(sizeof(*hold), GFP_KERNEL_ACCOUNT);
	if (!hold)
		return ERR_PTR(-ENOMEM);
	/* With group structures: what is refused has to be remembered */
	source = fault_source_join(dev);
	if (IS_ERR(source)) {
		kfree(hold);
		return ERR_CAST(source);
	}
	hold->source = source;

	mutex_lock(&source->mutex);
	if (allocation > source->max_outstanding)
		rc = -EINVAL;
	else if (source->held)
		rc = -EBUSY;
	else
		rc = fault_source_enable(source);
	if (!rc) {
		source->held = true;
		set_limit(source, allocation ?: source->max_outstanding);
	}
	mutex_unlock(&source->mutex);
	if (rc) {
		fault_source_leave(source);
		kfree(hold);
		return ERR_PTR(rc);
	}
	return hold;
}

/**
 * iommufd_fault_hold_drop - undo iommufd_fault_hold_new()
 * @hold: gone afterwards. NULL is allowed
 *
 * Page requests stay enabled while there is an attach, and as many may be
 * outstanding again as were registered. May sleep.
 */
void iommufd_fault_hold_drop(struct iommufd_fault_hold *hold)
{
	struct iommufd_fault_source *source;

	if (!hold)
		return;
	source = hold->source;
	mutex_lock(&source->mutex);
	source->held = false;
	set_limit(source, source->max_outstanding);
	fault_source_disable(source);
	mutex_unlock(&source->mutex);
	fault_source_leave(source);
	kfree(hold);
}

static void set_refusing(struct iommufd_fault_source *source, bool refusing)
{
	spin_lock_bh(&source->lock);
	source->refusing = refusing;
	spin_unlock_bh(&source->lock);
}

static void flush_all(struct iommufd_fault_source *source)
{
	struct iommufd_fault_attach *attach;

	list_for_each_entry(attach, &source->attaches, source_item) {
		fault_attach_flush(attach);
		cond_resched();
	}
}

/*
 * The refused groups are forgotten while nothing comes in: not before, as the
 * rest of one may be on its way, nor later, as the device uses the indices anew.
 */
static int reset(struct iommufd_fault_source *source)
{
	int rc;

	set_refusing(source, true);
	flush_all(source);
	rc = source->unit->ops->stop(source);
	/* Off, if not as it should be: what turns it on resets it first */
	if (rc != -EBUSY) {
		fault_source_forget_doomed(source);
		source->on = false;
	}
	set_refusing(source, false);
	if (rc || !source->users)
		return rc;

	rc = fault_source_turn_on(source);
	/* Those would say that nothing was changed */
	return rc == -EBUSY || rc == -EOPNOTSUPP ? -EIO : rc;
}

/**
 * iommufd_fault_pri_reset - start a device's page request interface anew
 * @dev: the device
 *
 * What hardware and queues hold is drained and answered invalid, and hardware
 * has all answers before the backend resets. Requests that come meanwhile are
 * refused. A device that a failure had stopped asks again afterwards. Attaches
 * stay. May sleep, for hardware, never for user space.
 *
 * Return: 0; -EOPNOTSUPP: no source for @dev, or the backend cannot; -ENODEV: it
 * has gone; -EBUSY: others use the interface too, and it was not changed; another
 * error of the backend: page requests are off until they are turned on by another
 * reset, an attach or a hold. But for -EOPNOTSUPP and -ENODEV what was outstanding
 * is answered in any case.
 */
int iommufd_fault_pri_reset(struct device *dev)
{
	struct iommufd_fault_source *source = fault_source_get(dev);
	int rc;

	if (!source)
		return -EOPNOTSUPP;

	mutex_lock(&source->mutex);
	if (source->dead)
		rc = -ENODEV;
	else if (!source->unit->ops->stop)
		rc = -EOPNOTSUPP;
	else
		rc = reset(source);
	mutex_unlock(&source->mutex);
	fault_source_put(source);
	return rc;
}

/**
 * iommufd_fault_pause - a backend has lost requests: keep page requests off
 * @dev: the device
 *
 * What hardware and queues hold is drained and answered invalid, and page requests are
 * turned off until iommufd_fault_resume(), whoever wants them on: a backend pauses all
 * devices that share an interface before it resumes the first. Nothing happens without
 * a source for @dev. Called by a backend with none of its locks held. May sleep, for
 * hardware, never for user space.
 */
void iommufd_fault_pause(struct device *dev)
{
	struct iommufd_fault_source *source = fault_source_get(dev);

	if (!source)
		return;
	mutex_lock(&source->mutex);
	if (!source->dead && !source->paused) {
		source->paused = true;
		set_refusing(source, true);
		flush_all(source);
		fault_source_turn_off(source);
		fault_source_forget_doomed(source);
		set_refusing(source, false);
	}
	mutex_unlock(&source->mutex);
	fault_source_put(source);
}

/**
 * iommufd_fault_resume - undo iommufd_fault_pause()
 * @dev: the device; nothing happens if it is not paused
 *
 * Page requests come on again if anybody wants them. May sleep.
 *
 * Return: 0, or what the backend says: they are off until a reset, an attach or a hold
 * turns them on.
 */
int iommufd_fault_resume(struct device *dev)
{
	struct iommufd_fault_source *source = fault_source_get(dev);
	int rc = 0;

	if (!source)
		return 0;
	mutex_lock(&source->mutex);
	if (source->paused) {
		source->paused = false;
		if (!source->dead && source->users)
			rc = fault_source_turn_on(source);
	}
	mutex_unlock(&source->mutex);
	fault_source_put(source);
	return rc;
}
