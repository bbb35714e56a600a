// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: their StreamIDs, what is switched on in them, and in which order.
 *
 * PASID is switched on before ATS, as PCI Express demands (PCIe 6.0, 10.5.1.3), and
 * stays on. ATS follows where the requests go (attach.c); page requests and stalls
 * come and go with who listens (pri.c).
 */
#include <linux/pci-ats.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "../attached.h"
#include "device.h"
#include "domain.h"
#include "faults.h"
#include "owed.h"

/* What firmware may say of a platform device at most: PASIDs have 20 bits */
#define PASID_BITS_MAX		20

/* For distrust_work, which DMA to memory that is free already waits for. */
static struct workqueue_struct *distrust_wq;

/**
 * smmuv3_device_told() - a unit was told something of a device
 * @device: which; its unit's lock is held
 * @rc: of smmuv3_batch_submit(), or what comes down to it
 *
 * If it did not do so, the device is late until the unit has forgotten everything. One
 * that does not answer has been distrusted already.
 */
void smmuv3_device_told(struct smmuv3_device *device, int rc)
{
	struct smmuv3_unit *unit = device->unit;

	lockdep_assert_held(&unit->lock);
	if (!rc || rc == -ETIMEDOUT)
		return;
	dev_err(device->dev, "%s refused an invalidation: %d\n", unit->name,
		rc);
	WRITE_ONCE(device->late, true);
}

/**
 * smmuv3_device_is_late() - may a unit go by what was said of a device before?
 * @device: which
 *
 * Any context.
 *
 * Return: whether it may.
 */
bool smmuv3_device_is_late(const struct smmuv3_device *device)
{
	return READ_ONCE(device->late) && smmuv3_unit_owing(device->unit);
}

static bool has_stream(const struct smmuv3_device *device, u32 sid)
{
	unsigned int i;

	for (i = 0; i < device->num_streams; i++)
		if (device->streams[i].sid == sid)
			return true;
	return false;
}

/* Firmware may name a StreamID twice: a PCI alias that is the function itself. */
static int find_streams(struct smmuv3_device *device)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(device->dev);
	unsigned int i;

	if (!fwspec || !fwspec->num_ids)
		return -ENODEV;
	if (fwspec->num_ids > SMMUV3_STREAMS_MAX)
		return -ENOSPC;
	device->streams = kcalloc(fwspec->num_ids, sizeof(*device->streams),
				  GFP_KERNEL);
	if (!device->streams)
		return -ENOMEM;
	for (i = 0; i < fwspec->num_ids; i++) {
		if (has_stream(device, fwspec->ids[i]))
			continue;
		device->streams[device->num_streams].device = device;
		device->streams[device->num_streams++].sid = fwspec->ids[i];
	}
	device->num_named = device->num_streams;
	return 0;
}

/*
 * Several functions behind a bridge may share an alias. They are in one group
 * and go where the group goes; the stream is that of the first, and when that
 * leaves another's. What a function has named and not got is behind what it has.
 */
static int enter_streams(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;
	unsigned int i, num = 0;
	int rc;

	for (i = 0; i < device->num_named; i++) {
		swap(device->streams[i].sid, device->streams[num].sid);
		rc = xa_insert(&unit->streams, device->streams[num].sid,
			       &device->streams[num], GFP_KERNEL);
		if (rc == -EBUSY && i)
			continue;
		if (rc)
			goto err_erase;
		num++;
	}
	device->num_streams = num;
	return 0;

err_erase:
	while (num--)
		xa_erase(&unit->streams, device->streams[num].sid);
	return rc;
}

/* Who else has named @sid, and where; or NULL. */
static struct smmuv3_device *find_heir(const struct smmuv3_device *device,
				       u32 sid, unsigned int *at)
{
	struct smmuv3_stream *stream;
	unsigned long index;
	unsigned int i;

	xa_for_each(&device->unit->streams, index, stream) {
		struct smmuv3_device *other = stream->device;

		if (other == device || smmuv3_device_sid(other) != index)
			continue;
		for (i = other->num_streams; i < other->num_named; i++) {
			if (other->streams[i].sid != sid)
				continue;
			*at = i;
			return other;
		}
	}
	return NULL;
}

/* The two change places, and the index knows. */
static void swap_streams(struct smmuv3_device *device, unsigned int i,
			 unsigned int j)
{
	struct xarray *streams = &device->unit->streams;

	swap(device->streams[i].sid, device->streams[j].sid);
	/* They are there: no memory is needed */
	xa_store(streams, device->streams[i].sid, &device->streams[i],
		 GFP_KERNEL);
	xa_store(streams, device->streams[j].sid, &device->streams[j],
		 GFP_KERNEL);
}

/* The last stream of @device goes where the others of @heir go, at once. */
static void give_stream(struct smmuv3_device *device,
			struct smmuv3_device *heir, unsigned int at)
{
	u32 sid = device->streams[device->num_streams - 1].sid;
	unsigned int num = heir->num_streams;
	struct smmuv3_stream_target target;

	swap(heir->streams[at].sid, heir->streams[num].sid);
	xa_store(&device->unit->streams, sid, &heir->streams[num], GFP_KERNEL);
	device->num_streams--;
	/* A flush of the heir's domain finds it before the unit does: domain.c */
	smp_store_mb(heir->num_streams, num + 1);
	smmuv3_stream_get(heir, &target);
	smmuv3_device_told(heir, smmuv3_stream_set(heir, &target, NULL));
}

static void bequeath_streams(struct smmuv3_device *device)
{
	unsigned int i, at;

	for (i = device->num_streams - 1; i; i--) {
		struct smmuv3_device *heir =
			find_heir(device, device->streams[i].sid, &at);

		if (!heir)
			continue;
		if (i != device->num_streams - 1)
			swap_streams(device, i, device->num_streams - 1);
		give_stream(device, heir, at);
	}
}

/**
 * smmuv3_device_bequeath() - what a device is about to leave and others use they keep
 * @device: attached still, so that nothing of that is blocked on the way
 *
 * May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_device_bequeath(struct smmuv3_device *device)
{
	mutex_lock(&device->unit->lock);
	bequeath_streams(device);
	mutex_unlock(&device->unit->lock);
}

static void leave_streams(struct smmuv3_device *device)
{
	unsigned int i;

	for (i = 0; i < device->num_streams; i++)
		xa_erase(&device->unit->streams, device->streams[i].sid);
}

static void enable_pci_pasid(struct smmuv3_device *device)
{
	struct pci_dev *pdev = device->pdev;
	int features = pci_pasid_features(pdev);
	int num = pci_max_pasids(pdev);

	if (num <= 1 || features < 0 || pci_enable_pasid(pdev, features))
		return;
	device->pasid_enabled = true;
	device->max_pasids = num;
}

static void enable_pasid(struct smmuv3_device *device)
{
	u32 bits = 0;

	device->max_pasids = 1;
	if (!device->unit->caps.ssid_bits)
		return;
	if (device->pdev) {
		enable_pci_pasid(device);
	} else {
		device_property_read_u32(device->dev, "pasid-num-bits", &bits);
		device->max_pasids = BIT(min_t(u32, bits, PASID_BITS_MAX));
	}
	device->max_pasids = min(device->max_pasids,
				 smmuv3_contexts_max(device->unit));
}

static void disable_pasid(struct smmuv3_device *device)
{
	if (device->pasid_enabled)
		pci_disable_pasid(device->pdev);
}

/*
 * Firmware has to say that the way through the root complex takes ATS. A function with
 * aliases gets none: what goes to an alias, as an invalidation does, does not reach it
 * or reaches another, so what it had cached under that name could not be taken back.
 * Nor does one behind a unit that cannot but stall, which PCI must not be (6.3.1,
 * STALL_MODEL): each stage 2 has S2S there, and EATS makes the entry ILLEGAL then (5.2).
 */
static void find_ats(struct smmuv3_device *device)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(device->dev);
	struct pci_dev *pdev = device->pdev;
	u16 cap = 0;

	if (!pdev || !device->unit->caps.ats ||
	    device->unit->caps.stall_always || device->num_named > 1 ||
	    !(fwspec->flags & IOMMU_FWSPEC_PCI_RC_ATS) ||
	    !pci_ats_supported(pdev))
		return;
	device->ats_stu = __ffs(device->unit->caps.granules);
	/* Virtual functions take it from the physical one, on or off */
	if (pci_prepare_ats(pdev, device->ats_stu))
		return;
	pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CAP, &cap);
	device->ats_global = cap & IOMMUFD_ATS_CAP_GLOBAL;
	device->can_ats = true;
	device->keep_ats = device->max_pasids > 1;
}

/*
 * All is blocked, so nothing is asked for yet: but who turns page requests on, for
 * the first domain, finds ATS on (PCIe 6.0, 10.5.2.1).
 */
static void enable_ats(struct smmuv3_device *device)
{
	if (!device->can_ats)
		return;
	smmuv3_device_ats_begin(device);
	WRITE_ONCE(device->ats, true);
	if (pci_enable_ats(device->pdev, device->ats_stu)) {
		device->can_ats = false;
		device->keep_ats = false;
	}
	smmuv3_device_ats_end(device, device->can_ats);
}

static void disable_ats(struct smmuv3_device *device)
{
	smmuv3_device_ats_begin(device);
	if (device->pdev && device->pdev->ats_enabled)
		pci_disable_ats(device->pdev);
	smmuv3_device_ats_end(device, false);
}

static int add_source(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;
	struct iommufd_fault_source *source;
	u32 capacity;

	if (device->pdev ? !device->can_ats || !unit->priq : !device->can_stall)
		return 0;
	capacity = smmuv3_faults_capacity(device);
	if (!capacity)
		return 0;
	if (device->pdev)
		device->prg_pasid = pci_prg_resp_pasid_required(device->pdev);
	source = iommufd_fault_source_register(device->dev, &unit->fault_unit,
					       capacity, device);
	if (IS_ERR(source))
		return PTR_ERR(source);
	WRITE_ONCE(device->source, source);
	return 0;
}

static void remove_source(struct smmuv3_device *device)
{
	struct iommufd_fault_source *source = device->source;

	if (!source)
		return;
	WRITE_ONCE(device->source, NULL);
	/* The threads of the queues look it up under RCU */
	synchronize_rcu();
	iommufd_fault_source_unregister(source);
}

static void distrust_work(struct work_struct *work)
{
	struct smmuv3_device *device =
		container_of(work, struct smmuv3_device, distrust_work);

	smmuv3_attach_without_ats(device);
}

/**
 * smmuv3_device_distrust() - stop believing translated requests
 * @device: did not answer an ATC invalidation: what it has cached may be stale
 *
 * It is sent no invalidations any more, which would time out each, and gets no ATS
 * with what it is attached to next. That the unit refuses its translated requests
 * takes a mutex, so a work does it: who may sleep waits for that with
 * smmuv3_devices_settle(). The device is not touched: it may be gone. Called again
 * by whoever finds it at large still: who was first may not have queued the work yet.
 * Any context; under RCU, or smmuv3_unit::lock, or the device is kept.
 */
void smmuv3_device_distrust(struct smmuv3_device *device)
{
	if (!xchg(&device->suspect, true))
		dev_err(device->dev,
			"does not answer invalidations: ATS is off until it is probed again\n");
	if (smmuv3_device_is_loose(device))
		queue_work(distrust_wq, &device->distrust_work);
}

/**
 * smmuv3_devices_settle() - wait until devices that are distrusted can do no harm
 *
 * What smmuv3_device_distrust() was called for before is refused by its unit on
 * return. May sleep; no smmuv3_unit::lock is held.
 */
void smmuv3_devices_settle(void)
{
	flush_workqueue(distrust_wq);
}

static int __init distrust_init(void)
{
	distrust_wq = alloc_workqueue("iommufd_smmuv3",
				      WQ_UNBOUND | WQ_HIGHPRI, 0);
	return distrust_wq ? 0 : -ENOMEM;
}
core_initcall(distrust_init);

static struct smmuv3_device *device_alloc(struct device *dev,
					  struct smmuv3_unit *unit)
{
	struct smmuv3_device *device;

	if (!distrust_wq)
		return NULL;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return NULL;
	device->dev = dev;
	device->pdev = dev_is_pci(dev) ? to_pci_dev(dev) : NULL;
	device->unit = unit;
	xa_init_flags(&device->attachments, XA_FLAGS_ACCOUNT);
	INIT_WORK(&device->distrust_work, distrust_work);
	device->can_stall = !device->pdev && unit->caps.stall &&
			    device_property_read_bool(dev, "dma-can-stall");
	return device;
}

static void device_free(struct smmuv3_device *device)
{
	xa_destroy(&device->attachments);
	kfree(device->streams);
	kfree(device);
}

static int enter(struct smmuv3_device *device)
{
	static const struct smmuv3_stream_target abort = {
		.type = SMMUV3_STREAM_ABORT,
	};
	struct smmuv3_unit *unit = device->unit;
	int rc;

	mutex_lock(&unit->lock);
	rc = enter_streams(device);
	if (rc)
		goto out;
	rc = smmuv3_stream_prepare(device);
	if (rc) {
		leave_streams(device);
		goto out;
	}
	/* If it is late the unit may go by who had the StreamID before */
	smmuv3_device_told(device, smmuv3_stream_set(device, &abort, NULL));
	enable_ats(device);
out:
	mutex_unlock(&unit->lock);
	return rc;
}

static void leave(struct smmuv3_device *device)
{
	struct smmuv3_unit *unit = device->unit;

	mutex_lock(&unit->lock);
	disable_ats(device);
	bequeath_streams(device);
	smmuv3_device_told(device, smmuv3_stream_clear(device));
	leave_streams(device);
	mutex_unlock(&unit->lock);
}

/**
 * smmuv3_device_add() - take a device on
 * @dev: the device, with its fwspec
 * @unit: in front of it
 *
 * All its DMA is blocked on return. May sleep; takes smmuv3_unit::lock.
 *
 * Return: the device; ERR_PTR(-ENODEV): it has no StreamID; ERR_PTR(-ENOSPC): it
 * has more than SMMUV3_STREAMS_MAX; ERR_PTR(-ERANGE): one that does not exist on
 * the unit; ERR_PTR(-EBUSY): its first one is in use; ERR_PTR(-ENOMEM).
 */
struct smmuv3_device *smmuv3_device_add(struct device *dev,
					struct smmuv3_unit *unit)
{
	struct smmuv3_device *device;
	int rc;

	device = device_alloc(dev, unit);
	if (!device)
		return ERR_PTR(-ENOMEM);
	rc = find_streams(device);
	if (rc)
		goto err_free;
	enable_pasid(device);
	find_ats(device);
	rc = enter(device);
	if (rc)
		goto err_pasid;
	rc = add_source(device);
	if (rc)
		goto err_leave;
	return device;

err_leave:
	leave(device);
	/* Who had the unit forget everything may have found us */
	synchronize_rcu();
	cancel_work_sync(&device->distrust_work);
err_pasid:
	disable_pasid(device);
err_free:
	device_free(device);
	return ERR_PTR(rc);
}

/**
 * smmuv3_device_remove() - let go of a device
 * @device: freed; every PASID of it is blocked, and so it stays
 *
 * May sleep; takes smmuv3_unit::lock.
 */
void smmuv3_device_remove(struct smmuv3_device *device)
{
	WARN_ON(!xa_empty(&device->attachments));
	remove_source(device);
	leave(device);
	disable_pasid(device);
	/* A fault may still be on its way to us, a flush may have found us */
	synchronize_rcu();
	cancel_work_sync(&device->distrust_work);
	mutex_lock(&device->unit->lock);
	if (device->contexts)
		smmuv3_contexts_free(device);
	mutex_unlock(&device->unit->lock);
	device_free(device);
}
