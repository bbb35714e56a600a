// SPDX-License-Identifier: GPL-2.0-only
/* Remapping units: starting and stopping them. */
#include <linux/mm.h>
#include <linux/pci.h>

#include "../../iommu-pages.h"
#include "events.h"
#include "invalidate.h"
#include "owed.h"
#include "prq.h"
#include "tables.h"
#include "unit.h"

LIST_HEAD(vtd_units);
static DEFINE_MUTEX(units_lock);

/**
 * vtd_units_lock() - keep the list of units as it is
 *
 * May sleep. Taken before vtd_unit::lock.
 */
void vtd_units_lock(void)
{
	mutex_lock(&units_lock);
}

/** vtd_units_unlock() - undo vtd_units_lock() */
void vtd_units_unlock(void)
{
	mutex_unlock(&units_lock);
}

/**
 * vtd_unit_init() - make a unit ready to be started
 * @unit: with door, door_data and name; the rest is zero
 *
 * Only reads registers. May sleep.
 *
 * Return: 0; -ENODEV: the unit has no scalable mode, or no second stage in it;
 * -ENOMEM.
 */
int vtd_unit_init(struct vtd_unit *unit)
{
	int rc;

	unit->cap = unit->door->read64(unit, DMAR_CAP_REG);
	unit->ecap = unit->door->read64(unit, DMAR_ECAP_REG);
	vtd_caps_decode(&unit->caps, unit->cap, unit->ecap);
	if (!ecap_smts(unit->ecap) || !ecap_qis(unit->ecap) ||
	    !unit->caps.second_stage || !unit->caps.ss_levels)
		return -ENODEV;

	mutex_init(&unit->lock);
	mutex_init(&unit->events_lock);
	spin_lock_init(&unit->context_lock);
	INIT_LIST_HEAD(&unit->item);
	tag_ids_init(&unit->dids);
	xa_init(&unit->devices);
	vtd_owed_init(unit);
	unit->fault_unit.ops = &vtd_fault_unit_ops;

	rc = vtd_root_alloc(unit);
	if (rc) {
		mutex_destroy(&unit->events_lock);
		mutex_destroy(&unit->lock);
	}
	return rc;
}

/**
 * vtd_unit_free() - undo vtd_unit_init()
 * @unit: stopped or never started
 *
 * May sleep.
 */
void vtd_unit_free(struct vtd_unit *unit)
{
	vtd_owed_exit(unit);
	WARN_ON(!xa_empty(&unit->devices) || !ida_is_empty(&unit->dids.ida));
	vtd_root_free(unit);
	xa_destroy(&unit->devices);
	tag_ids_destroy(&unit->dids);
	mutex_destroy(&unit->events_lock);
	mutex_destroy(&unit->lock);
}

/* What an earlier owner of the unit left in its caches (11.4.4.1, 6.6). */
static int flush_everything(struct vtd_unit *unit)
{
	DEFINE_VTD_BATCH(batch, unit);

	vtd_batch_context_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_pasid_all(&batch);
	vtd_batch_barrier(&batch);
	vtd_batch_iotlb_all(&batch);
	return vtd_batch_submit(&batch);
}

/**
 * vtd_unit_start() - get ready to translate
 * @unit: initialised; no device has an entry
 *
 * Gives the unit its root table and takes over the fault interrupt. DMA goes
 * untranslated until vtd_unit_translate(). May sleep.
 *
 * Return: 0; -ETIMEDOUT or -EIO: the unit does not do as told; what requesting
 * interrupts returns; -ENOMEM. The unit is as before then.
 */
int vtd_unit_start(struct vtd_unit *unit)
{
	int rc;

	unit->door->write64(unit, DMAR_RTADDR_REG, vtd_root_address(unit));
	rc = unit->door->command(unit, DMA_GCMD_SRTP, true);
	if (rc)
		return rc;
	rc = flush_everything(unit);
	if (rc)
		return rc;

	rc = vtd_events_start(unit);
	if (rc)
		return rc;
	rc = vtd_prq_start(unit);
	if (rc)
		vtd_events_stop(unit);
	return rc;
}

/**
 * vtd_unit_translate() - translate from now on
 * @unit: started; the devices that are there have their domains
 *
 * At boot firmware may have left devices doing DMA (RMRR, 8.4): they must find
 * their mappings when translation begins, so it begins last. DMA of devices
 * without an entry is blocked. Any context.
 *
 * Return: 0; -ETIMEDOUT: the unit does not do as told.
 */
int vtd_unit_translate(struct vtd_unit *unit)
{
	int rc;

	rc = unit->door->command(unit, DMA_GCMD_TE, true);
	if (rc)
		return rc;
	/* Ranges that firmware protected from all DMA (11.4.8): tables do that now */
	if (cap_plmr(unit->cap) || cap_phmr(unit->cap))
		unit->door->write32(unit, DMAR_PMEN_REG, 0);
	return 0;
}

/**
 * vtd_unit_block() - let no DMA through
 * @unit: with door, door_data and name; not initialised
 *
 * For a unit that we cannot drive, if the user wants its devices kept out of
 * memory: an empty root table in whatever mode the unit has (9.1). It stays so.
 * May sleep.
 *
 * Return: 0; -ENOMEM; -ETIMEDOUT or -EIO: the unit does not do as told.
 */
int vtd_unit_block(struct vtd_unit *unit)
{
	void *root = iommu_alloc_page(GFP_KERNEL);
	int rc;

	if (!root)
		return -ENOMEM;
	unit->door->clean(unit, root, PAGE_SIZE);
	unit->door->write64(unit, DMAR_RTADDR_REG, virt_to_phys(root));
	rc = unit->door->command(unit, DMA_GCMD_SRTP, true);
	if (!rc) {
		DEFINE_VTD_BATCH(batch, unit);

		vtd_batch_context_all(&batch);
		vtd_batch_barrier(&batch);
		vtd_batch_iotlb_all(&batch);
		rc = vtd_batch_submit(&batch);
	}
	if (!rc)
		rc = unit->door->command(unit, DMA_GCMD_TE, true);
	/* Not freed: the unit may have taken it in any case */
	return rc;
}

/**
 * vtd_unit_stop() - stop translating
 * @unit: started; no device is left behind it
 *
 * DMA goes untranslated afterwards. May sleep.
 */
void vtd_unit_stop(struct vtd_unit *unit)
{
	unit->door->command(unit, DMA_GCMD_TE, false);
	vtd_prq_stop(unit);
	vtd_events_stop(unit);
}
