/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user ABI of /dev/iommufd_model, there with CONFIG_IOMMUFD_TEST only, for root
 * only: hardware models of IOMMUs, and PCI functions and platform devices behind
 * them that do DMA on command.
 *
 * Each structure begins with its size. A longer one with a zero tail is accepted,
 * a non-zero tail is E2BIG, a shorter one EINVAL. Unknown flags are EOPNOTSUPP,
 * reserved members that are not 0 are EOPNOTSUPP too. An operation that is not
 * known is ENOTTY. A function is named by its PCI domain and requester id (bus << 8
 * | device << 3 | function); one that is not there is ENODEV.
 */
#ifndef _UAPI_IOMMUFD_MODEL_H
#define _UAPI_IOMMUFD_MODEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMUFD_MODEL_TYPE	(';')
#define IOMMUFD_MODEL_IO(nr)	_IO(IOMMUFD_MODEL_TYPE, 0xe0 + (nr))

/* Bytes of a name with its NUL */
#define IOMMUFD_MODEL_NAME_LEN	32
/* Parameters of a machine */
#define IOMMUFD_MODEL_PARAMS	16
/* DMAs that an open file can have handles for */
#define IOMMUFD_MODEL_HANDLES	65536

/**
 * struct iommufd_model_machine_add - ioctl(IOMMUFD_MODEL_MACHINE_ADD)
 * @size: sizeof(struct iommufd_model_machine_add)
 * @flags: must be 0
 * @name: which kind; ENOENT if there is no such kind
 * @num_params: used of @params, at most IOMMUFD_MODEL_PARAMS
 * @out_machine_id: names it, from 1
 * @params: the kind defines them
 *
 * Make an IOMMU, with an empty PCI bus behind it.
 */
struct iommufd_model_machine_add {
	__u32 size;
	__u32 flags;
	char name[IOMMUFD_MODEL_NAME_LEN];
	__u32 num_params;
	__u32 out_machine_id;
	__aligned_u64 params[IOMMUFD_MODEL_PARAMS];
};

#define IOMMUFD_MODEL_MACHINE_ADD IOMMUFD_MODEL_IO(0)

/**
 * struct iommufd_model_machine - ioctl(IOMMUFD_MODEL_MACHINE_REMOVE),
 *				  ioctl(IOMMUFD_MODEL_MACHINE_INFO)
 * @size: sizeof(struct iommufd_model_machine)
 * @machine_id: which; ENOENT if there is none
 * @name: (INFO) its kind
 * @out_domain: (INFO) PCI domain of its bus
 * @out_next_id: (INFO) the machine after it, by id; 0: it is the last. With
 *		 @machine_id 0 that is the first one, and no more is told
 *
 * REMOVE takes its functions out first. EOPNOTSUPP: it was made at boot to stay.
 * EBUSY: there is a HWPT or a vIOMMU that was made for it.
 */
struct iommufd_model_machine {
	__u32 size;
	__u32 machine_id;
	char name[IOMMUFD_MODEL_NAME_LEN];
	__u32 out_domain;
	__u32 out_next_id;
};

#define IOMMUFD_MODEL_MACHINE_REMOVE IOMMUFD_MODEL_IO(1)
#define IOMMUFD_MODEL_MACHINE_INFO IOMMUFD_MODEL_IO(2)

/**
 * struct iommufd_model_counter - a counter of an IOMMU
 * @name: what it counts, with NULs behind it
 * @value: since the machine was made
 */
struct iommufd_model_counter {
	char name[IOMMUFD_MODEL_NAME_LEN];
	__aligned_u64 value;
};

/**
 * struct iommufd_model_counters - ioctl(IOMMUFD_MODEL_COUNTERS)
 * @size: sizeof(struct iommufd_model_counters)
 * @machine_id: which
 * @num: in: room at @counters, at most 256; out: how many there are
 * @__reserved: must be 0
 * @counters: pointer to struct iommufd_model_counter[]
 */
struct iommufd_model_counters {
	__u32 size;
	__u32 machine_id;
	__u32 num;
	__u32 __reserved;
	__aligned_u64 counters;
};

#define IOMMUFD_MODEL_COUNTERS IOMMUFD_MODEL_IO(3)

/**
 * struct iommufd_model_inject - ioctl(IOMMUFD_MODEL_INJECT)
 * @size: sizeof(struct iommufd_model_inject)
 * @machine_id: which
 * @what: error to make, as the kind of machine defines it
 * @__reserved: must be 0
 * @nth: when, or how long
 */
struct iommufd_model_inject {
	__u32 size;
	__u32 machine_id;
	__u32 what;
	__u32 __reserved;
	__aligned_u64 nth;
};

#define IOMMUFD_MODEL_INJECT IOMMUFD_MODEL_IO(4)

/* Capabilities of a function: iommufd_model_plug.caps */
enum {
	IOMMUFD_MODEL_CAP_PASID = 1 << 0,
	IOMMUFD_MODEL_CAP_ATS = 1 << 1,
	IOMMUFD_MODEL_CAP_PRI = 1 << 2,
	IOMMUFD_MODEL_CAP_EXEC = 1 << 3,
	IOMMUFD_MODEL_CAP_PRIV = 1 << 4,
	/* PRG Response PASID Required */
	IOMMUFD_MODEL_CAP_PRG_PASID = 1 << 5,
	/* It may have others beside it that it reaches without the IOMMU */
	IOMMUFD_MODEL_CAP_NO_ACS = 1 << 6,
	/* It takes no end-end prefixes, without which PASIDs cannot be turned on */
	IOMMUFD_MODEL_CAP_NO_PREFIX = 1 << 7,
	/* ATS: no Global Invalidate */
	IOMMUFD_MODEL_CAP_NO_GLOBAL = 1 << 8,
};

/**
 * struct iommufd_model_plug - ioctl(IOMMUFD_MODEL_PLUG)
 * @size: sizeof(struct iommufd_model_plug)
 * @flags: must be 0
 * @machine_id: where
 * @devfn: device << 3 | function, 0 to 255
 * @caps: IOMMUFD_MODEL_CAP_*
 * @pasid_bits: 1 to 20 with PASID
 * @pri_capacity: outstanding page requests, from 1 with PRI
 * @num_vfs: virtual functions it can have, 0 to 7, at the places behind it
 * @out_domain: PCI domain
 * @out_rid: requester id
 *
 * On return the kernel has probed it. EEXIST: something is there.
 */
struct iommufd_model_plug {
	__u32 size;
	__u32 flags;
	__u32 machine_id;
	__u32 devfn;
	__u32 caps;
	__u32 pasid_bits;
	__u32 pri_capacity;
	__u32 num_vfs;
	__u32 out_domain;
	__u32 out_rid;
};

#define IOMMUFD_MODEL_PLUG IOMMUFD_MODEL_IO(5)

/* iommufd_model_function.flags of UNPLUG: it stops answering first */
enum {
	IOMMUFD_MODEL_SURPRISE = 1 << 0,
};

/* iommufd_model_function.arg of MISBEHAVE */
enum {
	IOMMUFD_MODEL_NO_INVALIDATE = 1 << 0,
	IOMMUFD_MODEL_KEEP_TLB = 1 << 1,
	IOMMUFD_MODEL_DEAF = 1 << 2,
	IOMMUFD_MODEL_OVERCOMMIT = 1 << 3,
	IOMMUFD_MODEL_NO_LAST = 1 << 4,
	IOMMUFD_MODEL_HASTY = 1 << 5,
};

/**
 * struct iommufd_model_function - a command for a function
 * @size: sizeof(struct iommufd_model_function)
 * @flags: UNPLUG: IOMMUFD_MODEL_SURPRISE; else must be 0
 * @domain: PCI domain
 * @rid: requester id
 * @arg: SET_VFS: how many virtual functions to enable, 0: disable them;
 *	 MISBEHAVE: from now on, a mask; STOP_PASID: the PASID; else must be 0
 * @__reserved: must be 0
 *
 * UNPLUG: its driver has let go of it on return.
 * SET_VFS: for functions without a driver that does it.
 * SEND_MSI: ENXIO: MSI or bus mastering is off.
 * STOP_PASID: its DMAs with the PASID end, and a stop marker is sent. EACCES: page
 * requests are off, so none was sent.
 * MISBEHAVE: do not answer invalidations, answer but go on using the translations,
 * ignore responses, send more requests than allowed, never send the last of a
 * group, ask again without a pause however often nothing has come of it.
 */
struct iommufd_model_function {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 rid;
	__u32 arg;
	__u32 __reserved;
};

#define IOMMUFD_MODEL_UNPLUG IOMMUFD_MODEL_IO(6)
#define IOMMUFD_MODEL_SET_VFS IOMMUFD_MODEL_IO(7)
#define IOMMUFD_MODEL_SEND_MSI IOMMUFD_MODEL_IO(8)
#define IOMMUFD_MODEL_STOP_PASID IOMMUFD_MODEL_IO(9)
#define IOMMUFD_MODEL_MISBEHAVE IOMMUFD_MODEL_IO(10)

/* iommufd_model_dma.flags */
enum {
	/* The function writes to memory what is at data; without it, it reads */
	IOMMUFD_MODEL_DMA_WRITE = 1 << 0,
	IOMMUFD_MODEL_DMA_PASID = 1 << 1,
	/* Execute and privileged mode requested; with PASID, execute with reads only */
	IOMMUFD_MODEL_DMA_EXEC = 1 << 2,
	IOMMUFD_MODEL_DMA_PRIV = 1 << 3,
	/* By untranslated requests, even if ATS is on */
	IOMMUFD_MODEL_DMA_UNTRANSLATED = 1 << 4,
	/* Start, and return at once */
	IOMMUFD_MODEL_DMA_ASYNC = 1 << 16,
	/* Of a master: see struct iommufd_model_master */
	IOMMUFD_MODEL_DMA_MASTER = 1 << 17,
};

/* iommufd_model_dma.out_status */
enum {
	/* All bytes moved */
	IOMMUFD_MODEL_DMA_OK,
	/* A page request was answered Invalid, or a stalled request aborted */
	IOMMUFD_MODEL_DMA_FAULTED,
	/* The IOMMU refused, or no translation and nobody to ask */
	IOMMUFD_MODEL_DMA_BLOCKED,
	/* Not ended within timeout_ms */
	IOMMUFD_MODEL_DMA_PENDING,
	/* Response Failure stopped the function's page requests */
	IOMMUFD_MODEL_DMA_HALTED,
	/* Reset, page requests switched off, the PASID stopped, or cancelled */
	IOMMUFD_MODEL_DMA_STOPPED,
	/* Unplugged, or a virtual function that is not enabled */
	IOMMUFD_MODEL_DMA_GONE,
	/* Bus master, PASID, execute or privileged mode is not enabled */
	IOMMUFD_MODEL_DMA_DISABLED,
};

/**
 * struct iommufd_model_dma - ioctl(IOMMUFD_MODEL_DMA),
 *			      ioctl(IOMMUFD_MODEL_DMA_WAIT)
 * @size: sizeof(struct iommufd_model_dma)
 * @flags: IOMMUFD_MODEL_DMA_*
 * @domain: PCI domain; of a master: the id of its machine
 * @rid: requester id; of a master: its StreamID
 * @pasid: with IOMMUFD_MODEL_DMA_PASID, else 0
 * @group: most page requests in a group, 1 to 32; 0 is 32. Of a master: 0
 * @iova: first address; any
 * @length: bytes, 1 to 16 MiB
 * @data: pointer to them; what a read brought is stored there by the call that
 *	  returns the result
 * @timeout_ms: 0: for ever
 * @handle: of a DMA that is pending on return, from 1; else 0
 * @out_status: how it stands
 * @out_groups: page request groups it sent; of a master: requests that were stalled
 * @out_requests: page requests it sent; of a master: of the stalled ones, those made
 *		  again
 * @__reserved: must be 0
 * @out_done: bytes moved
 *
 * DMA_WAIT takes @handle, @timeout_ms (with IOMMUFD_MODEL_DMA_ASYNC: not at all)
 * and, for a read, @data; the rest must be 0. ENOENT: no such handle, or another
 * call is fetching it. A handle is gone once a result other than PENDING was
 * returned. EBUSY: there are IOMMUFD_MODEL_HANDLES. Closing the file ends its DMAs.
 * A wait that a signal ends is PENDING, with a handle, if the DMA has just been
 * started, else EINTR.
 */
struct iommufd_model_dma {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 rid;
	__u32 pasid;
	__u32 group;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 data;
	__u32 timeout_ms;
	__u32 handle;
	__u32 out_status;
	__u32 out_groups;
	__u32 out_requests;
	__u32 __reserved;
	__aligned_u64 out_done;
};

#define IOMMUFD_MODEL_DMA IOMMUFD_MODEL_IO(11)
#define IOMMUFD_MODEL_DMA_WAIT IOMMUFD_MODEL_IO(12)

/* iommufd_model_request.perm */
enum {
	IOMMUFD_MODEL_READ = 1 << 0,
	IOMMUFD_MODEL_WRITE = 1 << 1,
	IOMMUFD_MODEL_EXEC = 1 << 2,
	IOMMUFD_MODEL_PRIV = 1 << 3,
};

/* iommufd_model_request.flags */
enum {
	IOMMUFD_MODEL_REQUEST_PASID = 1 << 0,
	IOMMUFD_MODEL_REQUEST_LAST = 1 << 1,
};

/**
 * struct iommufd_model_request - ioctl(IOMMUFD_MODEL_REQUEST)
 * @size: sizeof(struct iommufd_model_request)
 * @flags: IOMMUFD_MODEL_REQUEST_PASID: with @pasid; IOMMUFD_MODEL_REQUEST_LAST:
 *	   the final one is the last of its group
 * @domain: PCI domain
 * @rid: requester id
 * @pasid: with its flag, else 0
 * @perm: IOMMUFD_MODEL_READ and so on; READ or WRITE or both
 * @addr: of the first; the others are for the pages behind it
 * @count: requests, 1 to 32
 * @grpid: in: group index, 0 to 511; out: the one that was used, which is another
 *	   if that one is in use
 * @out_sent: requests that found room
 * @__reserved: must be 0
 *
 * Page requests of no DMA. Calls with one index and without LAST build one group.
 * They may exceed what the function is allowed. EACCES: page requests are off.
 */
struct iommufd_model_request {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 rid;
	__u32 pasid;
	__u32 perm;
	__aligned_u64 addr;
	__u32 count;
	__u32 grpid;
	__u32 out_sent;
	__u32 __reserved;
};

#define IOMMUFD_MODEL_REQUEST IOMMUFD_MODEL_IO(13)

/**
 * struct iommufd_model_state - ioctl(IOMMUFD_MODEL_STATE)
 * @size: sizeof(struct iommufd_model_state)
 * @domain: PCI domain
 * @rid: requester id
 * @pasid_ctrl: PASID control register; that of the physical function, as PRI is
 * @ats_ctrl: ATS control register
 * @pri_ctrl: PRI control register
 * @pri_status: PRI status register
 * @pri_alloc: outstanding page requests it may have
 * @outstanding: that it has, with all functions it shares PRI with
 * @waiting: groups of its own that a DMA waits for
 * @queued: DMAs that wait for room within the allocation, of all these functions
 * @running: DMAs that have not ended
 * @tlb: translations it has cached
 * @__reserved: must be 0
 * @dmas: started, and so on since it was plugged
 * @bytes: moved
 * @tlb_hits: cached translations used
 * @translations: translation requests
 * @invalidations: answered
 * @groups: page request groups
 * @requests: page requests
 * @overflows: of these, without room at the IOMMU
 * @success: responses by code
 * @invalid: likewise
 * @failure: likewise
 * @stale: of these, to groups it did not wait for any more
 * @markers: stop markers
 * @resets: function level resets
 * @msis: sent
 */
struct iommufd_model_state {
	__u32 size;
	__u32 domain;
	__u32 rid;
	__u32 pasid_ctrl;
	__u32 ats_ctrl;
	__u32 pri_ctrl;
	__u32 pri_status;
	__u32 pri_alloc;
	__u32 outstanding;
	__u32 waiting;
	__u32 queued;
	__u32 running;
	__u32 tlb;
	__u32 __reserved;
	__aligned_u64 dmas;
	__aligned_u64 bytes;
	__aligned_u64 tlb_hits;
	__aligned_u64 translations;
	__aligned_u64 invalidations;
	__aligned_u64 groups;
	__aligned_u64 requests;
	__aligned_u64 overflows;
	__aligned_u64 success;
	__aligned_u64 invalid;
	__aligned_u64 failure;
	__aligned_u64 stale;
	__aligned_u64 markers;
	__aligned_u64 resets;
	__aligned_u64 msis;
};

#define IOMMUFD_MODEL_STATE IOMMUFD_MODEL_IO(14)

/* iommufd_model_violations.flags: from here on they are part of the test */
enum {
	IOMMUFD_MODEL_EXPECT_BEGIN = 1 << 0,
	/* ... to here */
	IOMMUFD_MODEL_EXPECT_END = 1 << 1,
};

/**
 * struct iommufd_model_violations - ioctl(IOMMUFD_MODEL_VIOLATIONS)
 * @size: sizeof(struct iommufd_model_violations)
 * @flags: 0 or one of IOMMUFD_MODEL_EXPECT_*. EINVAL: END without BEGIN, or a
 *	   second BEGIN, by this open file. Closing it is an END
 * @out_count: since boot; with END those since BEGIN
 *
 * A violation is something that must never happen, like an answer to a page
 * request that nobody sent. It warns, unless it is expected.
 */
struct iommufd_model_violations {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_count;
};

#define IOMMUFD_MODEL_VIOLATIONS IOMMUFD_MODEL_IO(15)

/* iommufd_model_master.flags of MASTER_PLUG: firmware does not allow stalls */
enum {
	IOMMUFD_MODEL_MASTER_NO_STALL = 1 << 0,
};

/**
 * struct iommufd_model_master - ioctl(IOMMUFD_MODEL_MASTER_PLUG),
 *				 ioctl(IOMMUFD_MODEL_MASTER_UNPLUG)
 * @size: sizeof(struct iommufd_model_master)
 * @flags: PLUG: IOMMUFD_MODEL_MASTER_NO_STALL; else must be 0
 * @machine_id: where; ENOENT if there is none
 * @sid: StreamID, 256 to 65535: below are the PCI functions
 * @pasid_bits: PLUG: 0 to 20; else must be 0
 * @__reserved: must be 0
 * @out_name: PLUG: of its device, on the platform bus
 *
 * A platform device that does DMA and waits while the IOMMU stalls it. It has no
 * registers and no interrupt. It is on when it is there, and up to 256 requests of
 * it are under way at a time, one of each DMA; further DMAs wait.
 *
 * On return from PLUG the kernel has probed it, from UNPLUG its driver has let go of
 * it. EOPNOTSUPP: this kind of machine has PCI functions only. EEXIST: the StreamID
 * is in use. UNPLUG: ENODEV: there is none.
 */
struct iommufd_model_master {
	__u32 size;
	__u32 flags;
	__u32 machine_id;
	__u32 sid;
	__u32 pasid_bits;
	__u32 __reserved;
	char out_name[IOMMUFD_MODEL_NAME_LEN];
};

#define IOMMUFD_MODEL_MASTER_PLUG IOMMUFD_MODEL_IO(16)
#define IOMMUFD_MODEL_MASTER_UNPLUG IOMMUFD_MODEL_IO(17)

/* iommufd_model_grant.flags */
enum {
	/* To be read, not written */
	IOMMUFD_MODEL_GRANT_READ_ONLY = 1 << 0,
	/* No more; what was granted, whatever its flags were */
	IOMMUFD_MODEL_GRANT_REVOKE = 1 << 1,
};

/**
 * struct iommufd_model_grant - ioctl(IOMMUFD_MODEL_GRANT)
 * @size: sizeof(struct iommufd_model_grant)
 * @flags: 0 or one of IOMMUFD_MODEL_GRANT_*
 * @machine_id: where; ENOENT if there is none
 * @__reserved: must be 0
 * @addr: memory of the caller, writeable, page aligned
 * @length: bytes, page aligned, 1 page to 64 MiB
 *
 * Say which memory the functions of the machine may reach. From the first grant on
 * an access of a function to anything else, and an access to anything else for a table
 * that a guest has made, is not made, and is a violation. When REVOKE returns, none is
 * under way. The memory is pinned until then, or until the machine goes.
 *
 * EBUSY: a part was granted before. ENOENT: REVOKE: a part was not. EFAULT: a part is
 * not there.
 */
struct iommufd_model_grant {
	__u32 size;
	__u32 flags;
	__u32 machine_id;
	__u32 __reserved;
	__aligned_u64 addr;
	__aligned_u64 length;
};

#define IOMMUFD_MODEL_GRANT IOMMUFD_MODEL_IO(18)

#endif
