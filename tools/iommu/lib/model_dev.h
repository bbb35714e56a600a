/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hardware models of IOMMUs in test kernels, and the PCI functions behind them,
 * which do DMA on command (CONFIG_IOMMUFD_TEST, /dev/iommufd_model). A function
 * is used as a real one is: given to vfio-pci, opened, bound to /dev/iommu. So is a
 * platform device, which waits while the IOMMU stalls it, by vfio-platform.
 *
 * All functions return 0 or what they say, or a negative errno; then
 * model_error() says what went wrong and, where it is known, what to do.
 */
#ifndef TOOLS_IOMMU_LIB_MODEL_DEV_H
#define TOOLS_IOMMU_LIB_MODEL_DEV_H

#include <stdbool.h>

#include <linux/types.h>

#include "vfio_dev.h"

#include "../../../drivers/iommu/iommufd/test/model/uapi.h"

/**
 * struct model - a modelled IOMMU with an empty PCI bus behind it
 * @fd: /dev/iommufd_model
 * @id: its number there
 */
struct model {
	int fd;
	__u32 id;
};

/**
 * struct model_dev - a PCI function behind it, or a platform device
 * @model: where it is plugged
 * @v: its VFIO device
 * @master: it is a platform device
 * @domain: PCI domain; the id of @model
 * @rid: requester id; StreamID
 * @name: as sysfs has it
 */
struct model_dev {
	struct model *model;
	struct vfio_dev v;
	bool master;
	__u32 domain;
	__u32 rid;
	char name[32];
};

/* All that a function can do */
#define MODEL_CAPS_ALL	(IOMMUFD_MODEL_CAP_PASID | IOMMUFD_MODEL_CAP_ATS | \
			 IOMMUFD_MODEL_CAP_PRI | IOMMUFD_MODEL_CAP_EXEC | \
			 IOMMUFD_MODEL_CAP_PRIV)
/* For the @pasid of DMAs and requests: none */
#define MODEL_NO_PASID	(~0U)

/* What model_inject() injects into a "vtd" machine: see model/vtd.h */
enum {
	MODEL_VTD_DROP = 0,
	MODEL_VTD_REFUSE = 1,
	MODEL_VTD_TIMEOUT = 2,
	MODEL_VTD_DELAY = 3,
};

/* And into an "smmuv3" machine: see model/smmuv3.h */
enum {
	MODEL_SMMUV3_DROP = 0,
	MODEL_SMMUV3_DROP_TYPES = 1,
	MODEL_SMMUV3_ILLEGAL = 2,
	MODEL_SMMUV3_ABORT = 3,
	MODEL_SMMUV3_TIMEOUT = 4,
	MODEL_SMMUV3_DELAY = 5,
	MODEL_SMMUV3_EVENT_ASYNC = 9,
	MODEL_SMMUV3_PRI_ASYNC = 10,
	MODEL_SMMUV3_WITHHOLD = 11,
	MODEL_SMMUV3_ATC_TIMEOUT = 12,
	/* 1: of errors, 2: of events, 4: of page requests, and sums of these */
	MODEL_SMMUV3_LOSE_IRQS = 13,
};

/* Of the last call of this thread that failed. */
const char *model_error(void);

/*
 * Add a VT-d unit. @cap and @ecap are its capability registers; 0: those of a
 * modern unit. -ENOENT: this kernel has no models.
 */
int model_vtd_add(struct model *m, __u64 cap, __u64 ecap);

/**
 * struct model_smmuv3 - an SMMUv3 to add
 * @idr0: identification registers (Arm IHI 0070, 6.3) as they are to read; 0: those
 *	of a modern unit
 * @idr1: likewise
 * @idr3: likewise
 * @idr5: likewise
 * @firmware: 1: table walks are coherent; 2: a guest's memory attributes do no harm
 */
struct model_smmuv3 {
	__u32 idr0;
	__u32 idr1;
	__u32 idr3;
	__u32 idr5;
	__u32 firmware;
};

/* Add an SMMUv3. As model_vtd_add(). */
int model_smmuv3_add(struct model *m, const struct model_smmuv3 *unit);
/* Remove it, its functions first. Nothing of them may be open. */
int model_remove(struct model *m);

/*
 * Plug a function in. @devfn: device << 3 | function. @capacity: page requests it
 * can have outstanding. The kernel has probed it on return; no driver has it.
 */
int model_plug_with(struct model *m, __u32 devfn, __u32 caps, __u32 pasid_bits,
		    __u32 capacity, __u32 num_vfs, struct model_dev *d);
/* One with everything, 20 bits of PASID and a capacity of 512. */
int model_plug(struct model *m, __u32 devfn, struct model_dev *d);
int model_unplug(struct model_dev *d, bool surprise);
/*
 * Plug a platform device in, and out; an "smmuv3" machine has such. @sid: its
 * StreamID, 256 to 65535. @can_stall: its firmware says so. Of what follows, DMA
 * works with it: model_job.groups are stalls, .requests those made again.
 */
int model_plug_master(struct model *m, __u32 sid, __u32 pasid_bits,
		      bool can_stall, struct model_dev *d);
int model_unplug_master(struct model_dev *d);
/* Enable @num virtual functions of a function without a driver. */
int model_set_vfs(struct model_dev *pf, __u32 num);
/* The @nth (from 0) of them. */
void model_vf(const struct model_dev *pf, unsigned int nth,
	      struct model_dev *d);

/* vfio-pci or vfio-platform takes it, its VFIO device is opened, not bound yet. */
int model_dev_open(struct model_dev *d);
/* Bind to /dev/iommu and let a function be bus master. Its id is then d->v.id. */
int model_dev_bind(struct model_dev *d, int iommufd);
void model_dev_close(struct model_dev *d);

/*
 * One DMA to its end, or @timeout_ms: returns IOMMUFD_MODEL_DMA_OK and so on.
 * @flags: IOMMUFD_MODEL_DMA_WRITE, _EXEC, _PRIV, _UNTRANSLATED. PENDING: it
 * goes on until @d's model is closed.
 */
int model_dma(struct model_dev *d, __u32 flags, __u32 pasid, __u64 iova,
	      void *data, __u64 length, __u32 timeout_ms);

/**
 * struct model_job - a DMA that goes on by itself
 * @d: its function
 * @data: bytes it writes or room for those it reads
 * @handle: of the kernel, 0: it has ended
 * @status: IOMMUFD_MODEL_DMA_OK and so on, PENDING until it has ended
 * @groups: page request groups it has sent
 * @requests: page requests in them
 * @done: bytes moved
 */
struct model_job {
	struct model_dev *d;
	void *data;
	__u32 handle;
	__u32 status;
	__u32 groups;
	__u32 requests;
	__u64 done;
};

/* @group: most page requests in a group, 1 to 32, 0: 32. */
int model_job_start(struct model_dev *d, __u32 flags, __u32 pasid, __u64 iova,
		    void *data, __u64 length, __u32 group,
		    struct model_job *job);
/* Returns the status; PENDING after @timeout_ms (0: do not wait). */
int model_job_wait(struct model_job *job, __u32 timeout_ms);
const char *model_status_name(int status);

/*
 * Page requests of no DMA, one group: returns how many found room. *@grpid: in the
 * index wanted, out the one used.
 */
int model_request(struct model_dev *d, __u32 flags, __u32 pasid, __u32 perm,
		  __u64 addr, __u32 count, __u32 *grpid);
int model_stop_pasid(struct model_dev *d, __u32 pasid);
/* @mask: IOMMUFD_MODEL_NO_INVALIDATE and so on; 0: behave. */
int model_misbehave(struct model_dev *d, __u32 mask);

int model_state(struct model_dev *d, struct iommufd_model_state *state);
int model_inject(struct model *m, __u32 what, __u64 nth);
/* A counter by name ("walks", "desc-6", ...). -ENOENT: there is none. */
int model_counter(struct model *m, const char *name, __u64 *value);

/*
 * Which memory the functions of @m may reach: from the first call on, anything else is
 * a violation. @flags: IOMMUFD_MODEL_GRANT_*.
 */
int model_grant(struct model *m, void *memory, __u64 length, __u32 flags);

/* Those since boot. */
int model_violations(struct model *m, __u64 *count);
/* From here on they are part of the test ... */
int model_expect_begin(struct model *m);
/* ... to here: how many there were. */
int model_expect_end(struct model *m, __u64 *count);

#endif
