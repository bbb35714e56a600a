/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI host bridge in software, with a domain of its own above 0xffff, and
 * functions on it: configuration space in memory, with PASID, ATS and PRI, so
 * that the kernel's PCI code and vfio-pci take them for what they are. A function
 * does DMA when it is told to, through a struct model_port.
 *
 * Knows no vendor of IOMMUs, and no driver.
 */
#ifndef __IOMMUFD_MODEL_PCI_H
#define __IOMMUFD_MODEL_PCI_H

#include "port.h"

struct model_bridge;
struct model_pci_function;
struct pci_bus;
struct pci_dev;

/* Capabilities a function is made with */
#define MODEL_PCI_PASID		BIT(0)
#define MODEL_PCI_ATS		BIT(1)
#define MODEL_PCI_PRI		BIT(2)
/* PASID: execute and privileged mode are supported */
#define MODEL_PCI_PASID_EXEC	BIT(3)
#define MODEL_PCI_PASID_PRIV	BIT(4)
/* PRI: responses carry the PASID (PRG Response PASID Required) */
#define MODEL_PCI_PRG_PASID	BIT(5)
/*
 * It says that its device has other functions, and nothing of redirecting what it
 * sends to them (no ACS, PCIe 6.0, 6.12): what has a PASID may never get to the IOMMU.
 */
#define MODEL_PCI_NO_ACS	BIT(6)
/* It says that it takes no end-end prefixes: PASIDs cannot be turned on */
#define MODEL_PCI_NO_PREFIX	BIT(7)
/*
 * ATS with PASID: Global Invalidate is not supported (PCIe 6.0, 10.5.1.2), and a request
 * that has it set is for its own PASID alone.
 */
#define MODEL_PCI_NO_GLOBAL	BIT(8)
#define MODEL_PCI_FLAGS		GENMASK(8, 0)

/**
 * struct model_pci_config - a function to make
 * @devfn: where; 0 to 255
 * @flags: MODEL_PCI_*
 * @pasid_bits: width of its PASIDs, 1 to 20
 * @pri_capacity: outstanding page requests it can have
 * @num_vfs: virtual functions it can have, 0 to 7 (SR-IOV)
 */
struct model_pci_config {
	u8 devfn;
	u32 flags;
	u8 pasid_bits;
	u32 pri_capacity;
	u8 num_vfs;
};

/* The highest devfn there is, and the most virtual functions of one function */
#define MODEL_PCI_MAX_DEVFN	255
#define MODEL_PCI_MAX_VFS	7

/*
 * Make a bridge whose functions' requests go to @port. The root bus is there on
 * return, and empty. May sleep. ERR_PTR on failure.
 */
struct model_bridge *model_bridge_create(struct model_port *port);
struct model_port *model_bridge_port(struct model_bridge *bridge);
void model_bridge_destroy(struct model_bridge *bridge);
struct pci_bus *model_bridge_bus(struct model_bridge *bridge);

/* Plug in and out; the kernel probes or removes the device before they return. */
struct pci_dev *model_pci_plug(struct model_bridge *bridge,
			       const struct model_pci_config *config);
/* @surprise: it stops answering first, as if it were pulled. */
void model_pci_unplug(struct model_bridge *bridge, struct pci_dev *pdev,
		      bool surprise);
int model_pci_set_vfs(struct model_bridge *bridge, struct pci_dev *pdev,
		      unsigned int num);

/* A function by its place, with a reference; NULL: nothing is there. */
struct model_pci_function *model_pci_get(struct model_bridge *bridge, u8 devfn);
void model_pci_put(struct model_pci_function *f);

int model_pci_send_msi(struct model_pci_function *f);

/* What a DMA is: model_dma_params.flags */
/* It writes to memory; without it, it reads */
#define MODEL_DMA_WRITE		BIT(0)
/* model_dma_params.pasid goes with its requests */
#define MODEL_DMA_PASID		BIT(1)
/* Execute and privileged mode are requested; only with a PASID */
#define MODEL_DMA_EXEC		BIT(2)
#define MODEL_DMA_PRIV		BIT(3)
/* Untranslated requests, even if ATS is on */
#define MODEL_DMA_UNTRANSLATED	BIT(4)
#define MODEL_DMA_FLAGS		GENMASK(4, 0)

/**
 * enum model_dma_status - how a DMA ended
 * @MODEL_DMA_OK: all bytes moved
 * @MODEL_DMA_FAULTED: a page request was answered Invalid
 * @MODEL_DMA_BLOCKED: the IOMMU refused a request, or there is no translation
 *	and the function cannot ask for one
 * @MODEL_DMA_PENDING: it has not ended
 * @MODEL_DMA_HALTED: Response Failure stopped the function's page requests
 * @MODEL_DMA_STOPPED: reset, page requests switched off, its PASID stopped
 * @MODEL_DMA_GONE: unplugged
 * @MODEL_DMA_DISABLED: the function's control registers do not allow it: bus
 *	master, PASID, execute, privileged mode
 */
enum model_dma_status {
	MODEL_DMA_OK,
	MODEL_DMA_FAULTED,
	MODEL_DMA_BLOCKED,
	MODEL_DMA_PENDING,
	MODEL_DMA_HALTED,
	MODEL_DMA_STOPPED,
	MODEL_DMA_GONE,
	MODEL_DMA_DISABLED,
};

/* Most bytes of one DMA, and requests of one page request group */
#define MODEL_DMA_MAX_LENGTH	0x1000000U
#define MODEL_DMA_MAX_GROUP	32U

/**
 * struct model_dma_params - a DMA to do
 * @flags: MODEL_DMA_WRITE and so on
 * @pasid: with MODEL_DMA_PASID: within the function's width
 * @iova: any address; @iova + @length - 1 does not overflow
 * @length: bytes, 1 to MODEL_DMA_MAX_LENGTH
 * @group: most page requests in a group of it, 1 to MODEL_DMA_MAX_GROUP
 */
struct model_dma_params {
	u32 flags;
	u32 pasid;
	u64 iova;
	u64 length;
	u32 group;
};

/**
 * struct model_dma_result - what became of it
 * @status: enum model_dma_status
 * @groups: page request groups sent
 * @requests: page requests sent
 * @done: bytes moved
 */
struct model_dma_result {
	u32 status;
	u32 groups;
	u32 requests;
	u64 done;
};

struct model_dma;

/*
 * Start a DMA, and return at once. @buf, from kvmalloc(), has @params->length
 * bytes and is the DMA's from here on, also on error. ERR_PTR: -EINVAL. Returned
 * with a reference; without one it goes on just as well.
 */
struct model_dma *model_dma_start(struct model_pci_function *f,
				  const struct model_dma_params *params,
				  void *buf);
/*
 * Wait until it has ended, at most @timeout jiffies. 0; -ETIMEDOUT;
 * -ERESTARTSYS if @interruptible. @result is filled in each case.
 */
int model_dma_wait(struct model_dma *dma, unsigned long timeout,
		   bool interruptible, struct model_dma_result *result);
/* End it with MODEL_DMA_STOPPED; a group it has sent is not waited for. */
void model_dma_cancel(struct model_dma *dma);
/*
 * A short DMA of any context, without a thread and without page requests: what is
 * not present is MODEL_DMA_BLOCKED. @buf stays the caller's; it is written to and
 * read from in place. Returns enum model_dma_status, MODEL_DMA_DISABLED also if
 * @params are out of range.
 */
unsigned int model_dma_now(struct model_pci_function *f,
			   const struct model_dma_params *params, void *buf);
/* Its data, once it has ended. */
const void *model_dma_data(struct model_dma *dma);
/* It writes to memory, so there is nothing to fetch. */
bool model_dma_writes(struct model_dma *dma);
void model_dma_put(struct model_dma *dma);

/*
 * Stop using a PASID (PCIe 10.4.1.2): its DMAs end, its page requests are stale,
 * and a stop marker follows them.
 */
int model_pci_stop_pasid(struct model_pci_function *f, u32 pasid);

/**
 * struct model_pci_request - page requests sent without a DMA
 * @tlp: rid is filled in
 * @count: requests, for tlp.addr, the page behind it and so on
 * @last: the final one is the last of the group
 * @grpid: index of the group, taken by the function if it is not free any more
 * @sent: requests that reached the IOMMU's queue
 */
struct model_pci_request {
	struct model_tlp tlp;
	u32 count;
	bool last;
	u16 grpid;
	u32 sent;
};

/*
 * -EBUSY: no group index is free; -EACCES: page requests are off. A group that
 * is not complete is never answered.
 */
int model_pci_request(struct model_pci_function *f,
		      struct model_pci_request *request);

/* Ways to misbehave, for model_pci_misbehave() */
/* Does not answer invalidations */
#define MODEL_MISBEHAVE_NO_INVALIDATE	BIT(0)
/* Answers them and goes on using what it was to forget */
#define MODEL_MISBEHAVE_KEEP_TLB	BIT(1)
/* Does not act on responses: its DMAs wait until they are stopped */
#define MODEL_MISBEHAVE_DEAF		BIT(2)
/* Sends more page requests than it was given */
#define MODEL_MISBEHAVE_OVERCOMMIT	BIT(3)
/* Never says that a request is the last of its group */
#define MODEL_MISBEHAVE_NO_LAST		BIT(4)
/* Asks again at once, however often it has got nothing for it */
#define MODEL_MISBEHAVE_HASTY		BIT(5)
#define MODEL_MISBEHAVE_FLAGS		GENMASK(5, 0)

int model_pci_misbehave(struct model_pci_function *f, u32 flags);

/**
 * struct model_pci_counts - what a function has done since it was plugged
 * @dmas: DMAs started
 * @bytes: moved
 * @tlb_hits: pieces moved by a cached translation
 * @translations: translation requests sent
 * @invalidations: answered
 * @groups: page request groups sent
 * @requests: page requests sent
 * @overflows: of those, refused for want of room
 * @pauses: before a DMA asked for the same page once more
 * @success: responses, by code
 * @invalid: likewise
 * @failure: likewise
 * @stale: of all of them, those to a group it was no longer waiting for
 * @markers: stop markers sent
 * @resets: function level resets
 * @msis: MSIs sent
 */
struct model_pci_counts {
	u64 dmas;
	u64 bytes;
	u64 tlb_hits;
	u64 translations;
	u64 invalidations;
	u64 groups;
	u64 requests;
	u64 overflows;
	u64 pauses;
	u64 success;
	u64 invalid;
	u64 failure;
	u64 stale;
	u64 markers;
	u64 resets;
	u64 msis;
};

/**
 * struct model_pci_state - as a function is now
 * @pasid_ctrl: its PASID control register; a VF shows its PF's, also below
 * @ats_ctrl: its ATS control register
 * @pri_ctrl: PRI control register
 * @pri_status: PRI status register
 * @pri_alloc: outstanding page requests it may have
 * @outstanding: that it has, with its PF's and all VFs'
 * @waiting: groups of its own that it waits for
 * @queued: DMAs that wait for room within the allocation, VFs' included
 * @running: DMAs that have not ended
 * @tlb: translations in its cache
 * @counts: so far
 */
struct model_pci_state {
	u16 pasid_ctrl;
	u16 ats_ctrl;
	u16 pri_ctrl;
	u16 pri_status;
	u32 pri_alloc;
	u32 outstanding;
	u32 waiting;
	u32 queued;
	u32 running;
	u32 tlb;
	struct model_pci_counts counts;
};

void model_pci_state(struct model_pci_function *f,
		     struct model_pci_state *state);

#endif
