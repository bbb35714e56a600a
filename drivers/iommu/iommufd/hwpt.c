// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware page tables (HWPTs): making, filling and freeing them.
 *
 * A HWPT does not change after it was made, but for what device.c notes in it.
 * A paging HWPT follows its IOAS because map/ knows its domain.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/seq_file.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "hwpt.h"

/*
 * Where faults stall, a driver has to know before it attaches whether somebody will
 * answer. Only what it is told here, never what it may use.
 */
static void note_fault_queue(struct iommu_domain *domain,
			     struct iommufd_fault_queue *fault)
{
	domain->fault_data = fault;
}

static void drop_fault_queue(struct iommufd_hwpt *hwpt)
{
	if (hwpt->fault)
		iommufd_fault_queue_drop(hwpt->fault);
}

static void hwpt_release(struct iommufd_hwpt *hwpt)
{
	iommu_domain_free(hwpt->domain);
	drop_fault_queue(hwpt);
}

static void paging_destroy(struct iommufd_object *obj)
{
	struct iommufd_hwpt_paging *paging =
		container_of(obj, struct iommufd_hwpt_paging, hwpt.obj);
	struct iommufd_ioas *ioas = paging->ioas;

	mutex_lock(&ioas->hwpt_lock);
	list_del(&paging->item);
	mutex_unlock(&ioas->hwpt_lock);

	if (paging->filled)
		iova_space_remove_domain(&ioas->space, paging->hwpt.domain);
	hwpt_release(&paging->hwpt);
	/* The doorbells have gone with the domain */
	iova_space_unreserve(&ioas->space, &paging->msi_start);
	iommufd_object_drop(&ioas->obj);
}

static void paging_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_hwpt_paging *paging =
		container_of(obj, struct iommufd_hwpt_paging, hwpt.obj);

	seq_printf(m, " ioas=%u", paging->ioas->obj.id);
	if (paging->hwpt.fault)
		seq_puts(m, " fault-queue");
	if (paging->is_auto)
		seq_puts(m, " auto");
	if (paging->nest_parent)
		seq_puts(m, " nest-parent");
	if (paging->hwpt.domain->dirty_ops)
		seq_puts(m, " dirty-tracking");
	if (!READ_ONCE(paging->stays_filled))
		seq_puts(m, " not-filled");
}

static const struct iommufd_object_ops paging_ops = {
	.type = IOMMUFD_OBJ_HWPT_PAGING,
	.name = "hwpt-paging",
	.destroy = paging_destroy,
	.show = paging_show,
};

static void nested_destroy(struct iommufd_object *obj)
{
	struct iommufd_hwpt_nested *nested =
		container_of(obj, struct iommufd_hwpt_nested, hwpt.obj);

	/* What is below has to be there until the driver forgot the child */
	hwpt_release(&nested->hwpt);
	if (nested->viommu)
		iommufd_object_drop(&nested->viommu->obj);
	iommufd_object_drop(&nested->parent->hwpt.obj);
}

static void nested_show(struct iommufd_object *obj, struct seq_file *m)
{
	struct iommufd_hwpt_nested *nested =
		container_of(obj, struct iommufd_hwpt_nested, hwpt.obj);

	seq_printf(m, " parent=%u", nested->parent->hwpt.obj.id);
	if (nested->viommu)
		seq_printf(m, " viommu=%u", nested->viommu->obj.id);
	if (nested->hwpt.fault)
		seq_puts(m, " fault-queue");
}

static const struct iommufd_object_ops nested_ops = {
	.type = IOMMUFD_OBJ_HWPT_NESTED,
	.name = "hwpt-nested",
	.destroy = nested_destroy,
	.show = nested_show,
};

/**
 * iommufd_hwpt_get() - find a HWPT of either kind
 * @ictx: where the id is valid
 * @id: from user space
 *
 * Return: the HWPT, with a call reference on its object; ERR_PTR(-ENOENT).
 */
struct iommufd_hwpt *iommufd_hwpt_get(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	if (obj->ops != &paging_ops && obj->ops != &nested_ops) {
		iommufd_object_put(obj);
		return ERR_PTR(-ENOENT);
	}
	return container_of(obj, struct iommufd_hwpt, obj);
}

/**
 * iommufd_hwpt_paging_get() - find a paging HWPT
 * @ictx: where the id is valid
 * @id: from user space
 *
 * Return: the HWPT, with a call reference on its object; ERR_PTR(-ENOENT).
 */
struct iommufd_hwpt_paging *iommufd_hwpt_paging_get(struct iommufd_ctx *ictx,
						    u32 id)
{
	struct iommufd_object *obj;

	obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	return container_of(obj, struct iommufd_hwpt_paging, hwpt.obj);
}

/**
 * iommufd_hwpt_suits() - may a device be attached to a HWPT?
 * @hwpt: the HWPT
 * @dev: a bound device
 *
 * As far as that is not for the IOMMU driver to say. What is known of a device that can
 * have its no-snoop transactions snooped (IOMMU_PROBE_SNOOP, and what VFIO tells a
 * hypervisor) has to hold wherever it is attached, so it is not attached to a table that
 * was made for one that cannot.
 *
 * Return: whether it may.
 */
bool iommufd_hwpt_suits(struct iommufd_hwpt *hwpt, struct device *dev)
{
	if (hwpt->domain->owner != dev_iommu_ops(dev))
		return false;
	return iommufd_hwpt_bottom(hwpt)->enforce_cache_coherency ||
	       !device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
}

/**
 * iommufd_hwpt_drop() - an attachment's hold on a HWPT goes
 * @hwpt: may be gone when this returns, if it is an automatic one
 *
 * Takes iommufd_ioas::hwpt_lock and the locks of the space: the caller must hold
 * neither those nor a group's lock.
 */
void iommufd_hwpt_drop(struct iommufd_hwpt *hwpt)
{
	if (iommufd_hwpt_is_paging(hwpt) && iommufd_hwpt_bottom(hwpt)->is_auto)
		iommufd_object_drop_last_destroys(&hwpt->obj);
	else
		iommufd_object_drop(&hwpt->obj);
}

/* What domain_alloc_user returns has not been through any check of the core. */
static bool paging_domain_sane(const struct iommu_domain *domain)
{
	return (domain->type & __IOMMU_DOMAIN_PAGING) && domain->ops &&
	       domain->ops->map_pages && domain->ops->unmap_pages &&
	       domain->ops->iova_to_phys;
}

/*
 * Drivers of this kernel have never heard of it, but for those that were written
 * with PASIDs of user space in mind. With the others the domain that comes out shows
 * what it can (check_pasids()).
 */
static bool knows_pasid_flag(struct device *dev)
{
	return device_iommu_capable(dev,
				    (enum iommu_cap)IOMMUFD_CAP_PASID_REPLACE);
}

static struct iommu_domain *alloc_paging_domain(struct device *dev, u32 flags)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_domain *domain;

	/* Whose faults go where is our business alone, no driver knows the flag */
	flags &= ~IOMMU_HWPT_FAULT_ID_VALID;
	if (!knows_pasid_flag(dev))
		flags &= ~IOMMU_HWPT_ALLOC_PASID;

	if (!ops->domain_alloc_user) {
		if (flags)
			return ERR_PTR(-EOPNOTSUPP);
		return iommu_paging_domain_alloc(dev);
	}

	domain = ops->domain_alloc_user(dev, flags, NULL, NULL);
	if (IS_ERR(domain))
		return domain;
	domain->owner = ops;
	if (WARN_ON_ONCE(!paging_domain_sane(domain))) {
		iommu_domain_free(domain);
		return ERR_PTR(-EINVAL);
	}
	return domain;
}

/**
 * iommufd_dirty_capable() - can pages that a device has written to be known?
 * @dev: a device
 *
 * A kernel without CONFIG_IOMMUFD_DRIVER has IOMMU drivers that report what they read,
 * and clear, to an inline that does nothing (linux/iova_bitmap.h). Which a driver has was
 * decided when it was compiled, by the configuration that this file is compiled with
 * too, also if it is in a module for a kernel that is there already: it is that
 * kernel's. Then no device can do it, whatever its driver says.
 *
 * Return: whether they can.
 */
bool iommufd_dirty_capable(struct device *dev)
{
	return iommufd_dirty_reported() &&
	       device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
}

/**
 * iommufd_hwpt_trial_domain() - what the table of a paging HWPT would be
 * @dev: a bound device
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 *
 * Return: a domain to look at, and to free with iommu_domain_free();
 * ERR_PTR(-EOPNOTSUPP): the driver does not offer @flags; -ENOMEM; what the
 * driver returns.
 */
struct iommu_domain *iommufd_hwpt_trial_domain(struct device *dev, u32 flags)
{
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) &&
	    !iommufd_dirty_capable(dev))
		return ERR_PTR(-EOPNOTSUPP);
	return alloc_paging_domain(dev, flags);
}

/*
 * A device that can have no-snoop transactions turned into snooped ones gets
 * that always, so that a guest cannot bypass the CPU's caches. It has to be
 * decided before the first mapping, as some hardware keeps it in each entry. A
 * driver that has the capability must not fail on a new domain.
 */
static int enforce_coherency(struct iommufd_hwpt_paging *paging,
			     struct device *dev)
{
	struct iommu_domain *domain = paging->hwpt.domain;

	if (!device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return 0;
	if (WARN_ON_ONCE(!domain->ops->enforce_cache_coherency ||
			 !domain->ops->enforce_cache_coherency(domain)))
		return -EINVAL;
	paging->enforce_cache_coherency = true;
	return 0;
}

/* Not a capability of the core's: drivers that do not know it say no. */
static bool has_events(struct device *dev)
{
	return device_iommu_capable(dev, (enum iommu_cap)IOMMUFD_CAP_EVENTS);
}

/* IOMMU_HWPT_ALLOC_PASID: a promise that PASIDs of @dev can have the domain. */
static int check_pasids(struct iommu_domain *domain, struct device *dev,
			u32 flags)
{
	if (!(flags & IOMMU_HWPT_ALLOC_PASID))
		return 0;
	if (!dev->iommu->max_pasids || !dev_iommu_ops(dev)->remove_dev_pasid ||
	    !domain->ops->set_dev_pasid)
		return -EOPNOTSUPP;
	return 0;
}

/*
 * Around a domain, which is the HWPT's only on success, as is the caller's hold on
 * @fault.
 */
static struct iommufd_hwpt_paging *
paging_new_of(struct iommufd_ioas *ioas, struct device *dev, u32 flags,
	      struct iommufd_fault_queue *fault, struct iommu_domain *domain)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	paging = iommufd_object_alloc(ioas->obj.ictx,
				      struct iommufd_hwpt_paging, hwpt.obj,
				      &paging_ops);
	if (IS_ERR(paging))
		return paging;

	INIT_LIST_HEAD(&paging->item);
	paging->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	paging->hwpt.domain = domain;

	rc = check_pasids(domain, dev, flags);
	if (!rc)
		rc = enforce_coherency(paging, dev);
	if (rc) {
		iommufd_object_abort(&paging->hwpt.obj);
		return ERR_PTR(rc);
	}

	paging->hwpt.fault = fault;
	note_fault_queue(domain, fault);
	paging->hwpt.events = has_events(dev);
	paging->ioas = ioas;
	iommufd_object_hold(&ioas->obj);
	return paging;
}

/**
 * iommufd_hwpt_paging_new() - make an empty paging HWPT
 * @ioas: whose mappings it is going to have; its hwpt_lock is held
 * @dev: the device whose IOMMU driver makes the table
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
 *	IOMMU_HWPT_ALLOC_PASID
 * @fault: queue for page faults or NULL; the caller's hold on it becomes the
 *	HWPT's on success
 *
 * Some drivers know the table's format and reach only once a device is attached,
 * so filling is a step of its own.
 *
 * Return: the HWPT, with a hold on @ioas, for the caller to finalize or abort;
 * ERR_PTR(-EOPNOTSUPP): the driver does not offer @flags; -ENOMEM; what the
 * driver returns.
 */
struct iommufd_hwpt_paging *
iommufd_hwpt_paging_new(struct iommufd_ioas *ioas, struct device *dev,
			u32 flags, struct iommufd_fault_queue *fault)
{
	struct iommufd_hwpt_paging *paging;
	struct iommu_domain *domain;

	lockdep_assert_held(&ioas->hwpt_lock);

	domain = iommufd_hwpt_trial_domain(dev, flags);
	if (IS_ERR(domain))
		return ERR_CAST(domain);
	paging = paging_new_of(ioas, dev, flags, fault, domain);
	if (IS_ERR(paging))
		iommu_domain_free(domain);
	return paging;
}

/**
 * iommufd_hwpt_paging_fill() - enter the IOAS's mappings, now and from now on
 * @paging: from iommufd_hwpt_paging_new(); the IOAS's hwpt_lock is held. One that is
 *	filled is left as it is
 *
 * Return: 0 or what iova_space_add_domain() returns.
 */
int iommufd_hwpt_paging_fill(struct iommufd_hwpt_paging *paging)
{
	struct iommufd_ioas *ioas = paging->ioas;
	int rc;

	lockdep_assert_held(&ioas->hwpt_lock);

	if (paging->filled)
		return 0;
	rc = iova_space_add_domain(&ioas->space, paging->hwpt.domain);
	if (rc)
		return rc;
	/* Who attaches a device looks at the automatic ones alone, which are few. */
	if (paging->is_auto)
		list_add(&paging->item, &ioas->hwpts);
	else
		list_add_tail(&paging->item, &ioas->hwpts);
	WRITE_ONCE(paging->filled, true);
	return 0;
}

/**
 * iommufd_hwpt_paging_settle() - a table stays filled
 * @paging: filled; the IOAS's hwpt_lock is held
 *
 * Who attaches a device to it from here on needs no lock.
 */
void iommufd_hwpt_paging_settle(struct iommufd_hwpt_paging *paging)
{
	lockdep_assert_held(&paging->ioas->hwpt_lock);

	WRITE_ONCE(paging->stays_filled, true);
}

/**
 * iommufd_hwpt_paging_unfill() - the device that a table was filled for did not come
 * @paging: nothing is attached, unless it is settled; the IOAS's hwpt_lock is held
 *
 * Nothing is pinned for it then, as before. What its driver has decided it has decided.
 */
void iommufd_hwpt_paging_unfill(struct iommufd_hwpt_paging *paging)
{
	struct iommufd_ioas *ioas = paging->ioas;

	lockdep_assert_held(&ioas->hwpt_lock);

	if (!paging->filled || paging->stays_filled)
		return;
	WRITE_ONCE(paging->filled, false);
	list_del_init(&paging->item);
	iova_space_remove_domain(&ioas->space, paging->hwpt.domain);
}

/* Undo paging_new_of() and iommufd_hwpt_paging_fill(); the domain is left. */
static void paging_undo(struct iommufd_hwpt_paging *paging)
{
	struct iommufd_ioas *ioas = paging->ioas;

	lockdep_assert_held(&ioas->hwpt_lock);

	if (paging->filled) {
		list_del(&paging->item);
		iova_space_remove_domain(&ioas->space, paging->hwpt.domain);
	}
	drop_fault_queue(&paging->hwpt);
	iommufd_object_drop(&ioas->obj);
	iommufd_object_abort(&paging->hwpt.obj);
}

/**
 * iommufd_hwpt_paging_abort() - undo iommufd_hwpt_paging_new() and _fill()
 * @paging: not finalized, nothing attached; the IOAS's hwpt_lock is held
 *
 * A fault queue is dropped too.
 */
void iommufd_hwpt_paging_abort(struct iommufd_hwpt_paging *paging)
{
	struct iommu_domain *domain = paging->hwpt.domain;

	paging_undo(paging);
	iommu_domain_free(domain);
}

/* A domain over @parent, by way of @viommu unless that is NULL. */
static struct iommu_domain *
alloc_nested_domain(struct iommufd_hwpt_paging *parent,
		    struct iommufd_viommu *viommu, struct device *dev,
		    u32 flags, const struct iommu_user_data *data)
{
	flags &= knows_pasid_flag(dev) ? IOMMU_HWPT_ALLOC_PASID : 0;
	if (viommu)
		return viommu->ops->alloc_domain_nested(viommu, flags, data);
	return dev_iommu_ops(dev)->domain_alloc_user(dev, flags,
						     parent->hwpt.domain, data);
}

static int nested_possible(struct iommufd_hwpt_paging *parent,
			   struct iommufd_viommu *viommu, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);

	if (viommu) {
		if (!viommu->ops->alloc_domain_nested)
			return -EOPNOTSUPP;
		return dev->iommu->iommu_dev == viommu->iommu ? 0 : -EINVAL;
	}
	if (!ops->domain_alloc_user)
		return -EOPNOTSUPP;
	if (!parent->nest_parent || parent->hwpt.domain->owner != ops)
		return -EINVAL;
	return 0;
}

/*
 * As iommufd_hwpt_paging_new(), for a table of the user over @parent, which is
 * that of @viommu unless it is NULL.
 */
static struct iommufd_hwpt_nested *
nested_new(struct iommufd_hwpt_paging *parent, struct iommufd_viommu *viommu,
	   struct device *dev, u32 flags, const struct iommu_user_data *data,
	   struct iommufd_fault_queue *fault)
{
	struct iommufd_hwpt_nested *nested;
	struct iommu_domain *domain;
	int rc;

	rc = nested_possible(parent, viommu, dev);
	if (rc)
		return ERR_PTR(rc);

	nested = iommufd_object_alloc(parent->hwpt.obj.ictx,
				      struct iommufd_hwpt_nested, hwpt.obj,
				      &nested_ops);
	if (IS_ERR(nested))
		return nested;

	domain = alloc_nested_domain(parent, viommu, dev, flags, data);
	if (IS_ERR(domain)) {
		rc = PTR_ERR(domain);
		goto err_abort;
	}
	domain->owner = dev_iommu_ops(dev);
	if (WARN_ON_ONCE(domain->type != IOMMU_DOMAIN_NESTED ||
			 !domain->ops)) {
		rc = -EINVAL;
		goto err_domain;
	}

	rc = check_pasids(domain, dev, flags);
	if (rc)
		goto err_domain;

	nested->hwpt.domain = domain;
	nested->hwpt.fault = fault;
	note_fault_queue(domain, fault);
	nested->hwpt.events = has_events(dev);
	nested->parent = parent;
	iommufd_object_hold(&parent->hwpt.obj);
	nested->viommu = viommu;
	if (viommu)
		iommufd_object_hold(&viommu->obj);
	return nested;

err_domain:
	iommu_domain_free(domain);
err_abort:
	iommufd_object_abort(&nested->hwpt.obj);
	return ERR_PTR(rc);
}

/* A hold on the queue that @cmd names, if it may serve the device; else NULL */
static struct iommufd_fault_queue *hold_fault_queue(struct iommufd_ctx *ictx,
						    struct iommu_hwpt_alloc *cmd,
						    struct device *dev,
						    u64 dev_serial)
{
	struct iommufd_fault_queue *fault;

	if (!(cmd->flags & IOMMU_HWPT_FAULT_ID_VALID))
		return NULL;

	fault = iommufd_fault_queue_hold(ictx, cmd->fault_id);
	if (IS_ERR(fault))
		return fault;
	/* Another driver would answer the device's faults itself */
	if (!iommufd_fault_supported(dev)) {
		iommufd_fault_queue_drop(fault);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (!iommufd_fault_queue_accepts(fault, dev_serial)) {
		iommufd_fault_queue_drop(fault);
		return ERR_PTR(-EINVAL);
	}
	return fault;
}

static int alloc_paging(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd,
			struct iommufd_ioas *ioas, struct device *dev,
			u64 dev_serial,
			const struct iommufd_domain_made *made)
{
	const u32 known = IOMMU_HWPT_ALLOC_NEST_PARENT |
			  IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
			  IOMMU_HWPT_FAULT_ID_VALID |
			  IOMMU_HWPT_ALLOC_PASID;
	struct iommufd_fault_queue *fault;
	struct iommufd_hwpt_paging *paging;
	int rc = 0;

	if (cmd->flags & ~known)
		return -EOPNOTSUPP;
	/* Faults come from the table on top, which a parent is not */
	if ((cmd->flags & IOMMU_HWPT_FAULT_ID_VALID) &&
	    (cmd->flags & IOMMU_HWPT_ALLOC_NEST_PARENT))
		return -EOPNOTSUPP;
	/* No driver takes data for a table that the kernel fills */
	if (cmd->data_len)
		return -EOPNOTSUPP;

	fault = hold_fault_queue(call->ictx, cmd, dev, dev_serial);
	if (IS_ERR(fault))
		return PTR_ERR(fault);

	mutex_lock(&ioas->hwpt_lock);
	if (made)
		paging = paging_new_of(ioas, dev, cmd->flags, fault,
				       made->domain);
	else
		paging = iommufd_hwpt_paging_new(ioas, dev, cmd->flags, fault);
	if (IS_ERR(paging)) {
		mutex_unlock(&ioas->hwpt_lock);
		if (fault)
			iommufd_fault_queue_drop(fault);
		return PTR_ERR(paging);
	}
	if (made)
		paging->msi_start = made->msi_start;
	/* Else it is filled when the first device is attached */
	if (!iommufd_domain_undecided(paging->hwpt.domain)) {
		rc = iommufd_hwpt_paging_fill(paging);
		if (rc)
			goto err_abort;
		iommufd_hwpt_paging_settle(paging);
	}
	/* It is not automatic: nobody takes it from the list before it is ready */
	mutex_unlock(&ioas->hwpt_lock);

	cmd->out_hwpt_id = paging->hwpt.obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		mutex_lock(&ioas->hwpt_lock);
		goto err_abort;
	}
	iommufd_object_finalize(&paging->hwpt.obj);
	return 0;

err_abort:
	if (made)
		paging_undo(paging);
	else
		iommufd_hwpt_paging_abort(paging);
	mutex_unlock(&ioas->hwpt_lock);
	return rc;
}

static int alloc_nested(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd,
			struct iommufd_hwpt_paging *parent,
			struct iommufd_viommu *viommu, struct device *dev,
			u64 dev_serial)
{
	const struct iommu_user_data data = {
		.type = cmd->data_type,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
		.len = cmd->data_len,
	};
	struct iommufd_fault_queue *fault;
	struct iommufd_hwpt_nested *nested;
	int rc;

	if ((cmd->flags & ~(IOMMU_HWPT_FAULT_ID_VALID |
			    IOMMU_HWPT_ALLOC_PASID)) || !cmd->data_len)
		return -EOPNOTSUPP;

	fault = hold_fault_queue(call->ictx, cmd, dev, dev_serial);
	if (IS_ERR(fault))
		return PTR_ERR(fault);

	nested = nested_new(parent, viommu, dev, cmd->flags, &data, fault);
	if (IS_ERR(nested)) {
		if (fault)
			iommufd_fault_queue_drop(fault);
		return PTR_ERR(nested);
	}

	cmd->out_hwpt_id = nested->hwpt.obj.id;
	rc = iommufd_call_respond(call, sizeof(*cmd));
	if (rc) {
		nested_destroy(&nested->hwpt.obj);
		iommufd_object_abort(&nested->hwpt.obj);
		return rc;
	}
	iommufd_object_finalize(&nested->hwpt.obj);
	return 0;
}

/**
 * iommufd_hwpt_alloc() - IOMMU_HWPT_ALLOC, once the device is known
 * @call: with @cmd
 * @cmd: the caller's parameters
 * @dev: the bound device, kept by a call reference of the caller
 * @dev_serial: serial of its object
 * @made: what a paging HWPT is to be made of; NULL: what @dev's driver makes for @dev
 *
 * Takes iommufd_ioas::hwpt_lock for a paging HWPT.
 *
 * Return: 0 or the errno of the user ABI; nothing was made unless 0.
 */
int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd,
		       struct device *dev, u64 dev_serial,
		       const struct iommufd_domain_made *made)
{
	struct iommufd_viommu *viommu;
	struct iommufd_object *pt;
	int rc;

	pt = iommufd_object_get(call->ictx, cmd->pt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(pt))
		return -EINVAL;

	switch (pt->ops->type) {
	case IOMMUFD_OBJ_IOAS:
		rc = alloc_paging(call, cmd,
				  container_of(pt, struct iommufd_ioas, obj),
				  dev, dev_serial, made);
		break;
	case IOMMUFD_OBJ_HWPT_PAGING:
		rc = alloc_nested(call, cmd,
				  container_of(pt, struct iommufd_hwpt_paging,
					       hwpt.obj),
				  NULL, dev, dev_serial);
		break;
	case IOMMUFD_OBJ_VIOMMU:
		viommu = container_of(pt, struct iommufd_viommu, obj);
		rc = alloc_nested(call, cmd, viommu->hwpt, viommu, dev,
				  dev_serial);
		break;
	default:
		rc = -EINVAL;
	}
	iommufd_object_put(pt);
	return rc;
}
