/* SPDX-License-Identifier: GPL-2.0-only */
/* A device behind a unit: a PCI function, or a platform device. */
#ifndef __IOMMUFD_SMMUV3_DEVICE_H
#define __IOMMUFD_SMMUV3_DEVICE_H

#include <linux/pci.h>
#include <linux/workqueue.h>

#include "tables.h"
#include "unit.h"

struct smmuv3_contexts;

/* StreamIDs that a device can have. */
#define SMMUV3_STREAMS_MAX	128

/**
 * struct smmuv3_stream - a StreamID of a device, in smmuv3_unit::streams
 * @sid: the StreamID
 * @device: whose it is; constant
 */
struct smmuv3_stream {
	u32 sid;
	struct smmuv3_device *device;
};

/**
 * struct smmuv3_device - a device
 * @dev: the device; it holds us as its dev_iommu_priv
 * @pdev: the same if it is a PCI function, else NULL
 * @unit: in front of it; constant
 * @streams: its StreamIDs, that of its own requests first; then, from @num_streams on,
 *	aliases that others of its group have. Written under smmuv3_unit::lock; those
 *	up to @num_streams stay until it leaves
 * @num_streams: how many it has, 1 to SMMUV3_STREAMS_MAX. Grows, under
 *	smmuv3_unit::lock, when one that shares an alias goes
 * @num_named: how many firmware has named. Constant
 * @max_pasids: PASIDs 0 to this less 1 can be used; 1 without PASID
 * @can_stall: its transactions may be stalled (firmware says so; never PCI). Constant
 * @stalls: (@can_stall) some may be stalled: there was somebody to answer, and since
 *	then nothing has ended them all for sure; under smmuv3_unit::lock, stall.c's
 * @can_ats: it has ATS, and so have the way to the unit, and the unit. Constant
 *	after probe
 * @keep_ats: requests without PASID that are not translated can keep ATS on, as
 *	there are context descriptors to do it with. Constant after probe
 * @ats_stu: log2 of the smallest translation unit (PCIe 6.0, 10.5.1.3), if
 *	@can_ats
 * @suspect: it did not answer an ATC invalidation: it gets no ATS any more. Only ever
 *	set
 * @shut_out: after @suspect, the unit refuses translated requests of it: what it has
 *	cached does no harm. Only ever set, under smmuv3_unit::lock, read anywhere
 * @ats_global: the function obeys a global invalidation, of all PASIDs; constant
 * @ats: ATS is on, the device may have translations cached. Written under
 *	smmuv3_unit::lock, read anywhere
 * @ats_changing: it is being turned on or off in the function, which may not answer
 *	invalidations; see smmuv3_device_ats_begin(). As @ats
 * @ats_changed: when that came to its end, in jiffies. As @ats
 * @pri: page requests are on; never of a platform device. As @ats
 * @pri_open: page requests are handed to the fault door; else refused at once.
 *	Longer on than @pri: what came before that was switched off is handed over.
 *	Guarded by the lock of the page request queue (priq.c)
 * @prg_pasid: responses to its page requests with PASID have to carry it; constant
 * @pasid_enabled: the PASID capability is on; constant after probe
 * @late: the unit did not carry out what it was told of the device, and has not been
 *	made to forget everything since. Means nothing if the unit owes nothing. Written
 *	under smmuv3_unit::lock, read anywhere
 * @kept_tags: ASIDs and VMIDs that it left meanwhile, and that are kept, up to
 *	TAG_IDS_OWN_MAX. As @late, but read under the lock
 * @stream: what its stream table entries say; under smmuv3_unit::lock, tables.c's
 * @contexts: context descriptors that the kernel fills, NULL if there are none yet;
 *	under smmuv3_unit::lock, tables.c's
 * @attachments: &struct smmuv3_attachment by PASID, IOMMU_NO_PASID for requests
 *	without one. Written under smmuv3_unit::lock, read under RCU
 * @source: in the fault door, NULL if it can neither send page requests nor stall,
 *	or is about to go. Read under RCU by who does not keep the device
 * @distrust_work: for those who cannot sleep
 * @faults: unrecoverable faults seen
 */
struct smmuv3_device {
	struct device *dev;
	struct pci_dev *pdev;
	struct smmuv3_unit *unit;
	struct smmuv3_stream *streams;
	unsigned int num_streams;
	unsigned int num_named;
	u32 max_pasids;
	bool can_stall;
	bool stalls;
	bool can_ats;
	bool keep_ats;
	u8 ats_stu;
	bool ats_global;
	bool suspect;
	bool shut_out;
	bool ats;
	bool ats_changing;
	unsigned long ats_changed;
	bool pri;
	bool pri_open;
	bool prg_pasid;
	bool pasid_enabled;
	bool late;
	u8 kept_tags;
	struct smmuv3_stream_target stream;
	struct smmuv3_contexts *contexts;
	struct xarray attachments;
	struct iommufd_fault_source *source;
	struct work_struct distrust_work;
	atomic64_t faults;
};

static inline u32 smmuv3_device_sid(const struct smmuv3_device *device)
{
	return device->streams[0].sid;
}

/* The device of a StreamID, or NULL. Under RCU, or smmuv3_unit::lock. */
static inline struct smmuv3_device *
smmuv3_device_find(struct smmuv3_unit *unit, u32 sid)
{
	struct smmuv3_stream *stream = xa_load(&unit->streams, sid);

	return stream ? stream->device : NULL;
}

/*
 * told   the result of commands about @device; smmuv3_unit::lock is held
 * late   may the unit go by what was said of it before? Any context
 */
void smmuv3_device_told(struct smmuv3_device *device, int rc);
bool smmuv3_device_is_late(const struct smmuv3_device *device);

/* @dev has its fwspec. All DMA of it is blocked on return. May sleep. */
struct smmuv3_device *smmuv3_device_add(struct device *dev,
					struct smmuv3_unit *unit);
void smmuv3_device_bequeath(struct smmuv3_device *device);
void smmuv3_device_remove(struct smmuv3_device *device);
/* Does it have translations that it was told to forget, and still gets through? */
static inline bool smmuv3_device_is_loose(const struct smmuv3_device *device)
{
	return READ_ONCE(device->suspect) && !READ_ONCE(device->shut_out);
}

/*
 * begin  the function's ATS is about to be turned on or off; smmuv3_unit::lock is held
 * end    it is @on. What flushes go by, which find it on meanwhile
 */
static inline void smmuv3_device_ats_begin(struct smmuv3_device *device)
{
	WRITE_ONCE(device->ats_changing, true);
	/* Whoever waits for an answer that does not come has seen this */
	smp_mb();
}

static inline void smmuv3_device_ats_end(struct smmuv3_device *device, bool on)
{
	WRITE_ONCE(device->ats, on);
	WRITE_ONCE(device->ats_changed, jiffies);
	/* Pairs with smmuv3_device_ats_since(): whoever sees this sees when it was */
	smp_store_release(&device->ats_changing, false);
}

/* Has its ATS been on since before @since, so that it has to answer? */
static inline bool smmuv3_device_ats_since(const struct smmuv3_device *device,
					   unsigned long since)
{
	/* Pairs with smmuv3_device_ats_end() */
	return !smp_load_acquire(&device->ats_changing) &&
	       READ_ONCE(device->ats) &&
	       time_before(READ_ONCE(device->ats_changed), since);
}

/*
 * Does one request make it forget what it has cached, of whatever PASID? A function may
 * ignore that a request is global (PCIe 6.0, 10.5.1.2).
 */
static inline bool
smmuv3_device_forgets_all(const struct smmuv3_device *device)
{
	return device->max_pasids == 1 || device->ats_global;
}

/*
 * distrust  no translated request of it is let in any more, soon. Any context
 * settle    wait until that has come true for all. May sleep
 */
void smmuv3_device_distrust(struct smmuv3_device *device);
void smmuv3_devices_settle(void);

#endif
