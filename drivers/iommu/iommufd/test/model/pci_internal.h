/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the PCI function model share.
 *
 * Locks, in this order, all raw, because configuration space is accessed under
 * one:
 * - model_pci_function::dma_lock: what this function sends, and its translation
 *   cache. Nothing is in flight when it is free: so an invalidation that took it
 *   waited for all DMA by the old translation, and so did a write to a control
 *   register that forbids DMA.
 * - model_pci_function::lock of the physical function: configuration space, page
 *   request groups and DMAs of it and its virtual functions.
 * The IOMMU calls a function without locks that its own operations take.
 */
#ifndef __IOMMUFD_MODEL_PCI_INTERNAL_H
#define __IOMMUFD_MODEL_PCI_INTERNAL_H

#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/irq.h>
#include <linux/list.h>
#include <linux/msi.h>
#include <linux/mutex.h>
#include <linux/pci-ecam.h>
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "pci.h"

/* Where the capabilities are in configuration space; 0x00 to 0x3f: header */
#define MODEL_CFG_EXP		0x40
#define MODEL_CFG_MSI		0x80
#define MODEL_CFG_ATS		0x100
#define MODEL_CFG_PASID		0x120
#define MODEL_CFG_PRI		0x140
#define MODEL_CFG_SRIOV		0x180

/* ATS capability: Global Invalidate Supported; the kernel has no name for it */
#define MODEL_ATS_GLOBAL	BIT(6)

#define MODEL_CFG_SIZE		4096
#define MODEL_NUM_PRGS		512
#define MODEL_TLB_SIZE		512

/* PCI domains of bridges; up to 0xffff are real, VMD takes those from 0x10000 */
#define MODEL_PCI_DOMAIN	0x20000

/**
 * struct model_bridge - private part of its struct pci_host_bridge
 * @host: that one
 * @port: the IOMMU
 * @functions: by devfn, RCU; VFs that are not enabled as well. Changed under
 *	@plug
 * @plug: plugging and unplugging
 * @domain: PCI domain
 * @busn: bus 0, and no other
 * @sysdata: for the architecture, which takes it for one of its own bridges'. arm64
 *	under ACPI looks for the bridge's ACPI device in its parent: none
 * @msi: MSI domain
 * @msi_info: its description
 * @msi_chip: its chip
 * @msi_fwnode: its name
 */
struct model_bridge {
	struct pci_host_bridge *host;
	struct model_port *port;
	struct model_pci_function __rcu *functions[MODEL_PCI_MAX_DEVFN + 1];
	struct mutex plug;	/* see above */
	int domain;
	struct resource busn;
#if defined(CONFIG_X86)
	struct pci_sysdata sysdata;
#elif defined(CONFIG_ARM64)
	struct pci_config_window sysdata;
#endif
	struct irq_domain *msi;
	struct msi_domain_info msi_info;
	struct irq_chip msi_chip;
	struct fwnode_handle *msi_fwnode;
};

/* Where an MSI is written to, and what carries it to its handler */
#define MODEL_MSI_ADDRESS	0xfeed0000U
void model_bridge_handle_msi(struct model_bridge *bridge, u32 data);

/**
 * struct model_tlb_entry - a cached translation
 * @size: bytes; 0: free
 * @iova: first address, aligned to @size
 * @addr: what it translates to
 * @perm: granted
 * @pasid: with @pasid_valid
 * @pasid_valid: got by a request with PASID
 * @priv: got by a privileged request, good for those alone
 * @global: good for each PASID
 */
struct model_tlb_entry {
	u64 size;
	u64 iova;
	u64 addr;
	u32 perm;
	u32 pasid;
	bool pasid_valid;
	bool priv;
	bool global;
};

/**
 * struct model_tlb - translations of a function, under its dma_lock
 * @next: replaced next if there is no room
 * @num: entries in use
 * @entries: in no order
 */
struct model_tlb {
	unsigned int next;
	unsigned int num;
	struct model_tlb_entry entries[MODEL_TLB_SIZE];
};

struct model_tlb_entry *model_tlb_find(struct model_tlb *tlb,
				       const struct model_tlp *tlp);
struct model_tlb_entry *model_tlb_add(struct model_tlb *tlb,
				      const struct model_tlp *tlp,
				      const struct model_translation *result);
void model_tlb_drop(struct model_tlb *tlb, bool pasid_valid, u32 pasid,
		    bool global, u64 addr, u64 size);
void model_tlb_flush(struct model_tlb *tlb);

/**
 * enum model_prg_state - a page request group index
 * @MODEL_PRG_FREE: not in use
 * @MODEL_PRG_WAITING: sent; an answer is to come
 * @MODEL_PRG_STALE: an answer is to come, and is dropped: the PASID was stopped,
 *	the DMA cancelled, or page requests halted by Response Failure
 * @MODEL_PRG_OPEN: sent without a DMA, and its last request has not been
 * @MODEL_PRG_FORGOTTEN: sent before a reset. An answer is unexpected to the
 *	function, but not the fault of whoever sends it
 */
enum model_prg_state {
	MODEL_PRG_FREE,
	MODEL_PRG_WAITING,
	MODEL_PRG_STALE,
	MODEL_PRG_OPEN,
	MODEL_PRG_FORGOTTEN,
};

/**
 * struct model_prg - a page request group
 * @state: enum model_prg_state
 * @pasid_valid: it was sent with a PASID
 * @pasid: that one
 * @num: requests, as counted against the allocation; 0: not counted any more
 * @dma: who waits, or NULL
 */
struct model_prg {
	enum model_prg_state state;
	bool pasid_valid;
	u32 pasid;
	u32 num;
	struct model_dma *dma;
};

/**
 * enum model_dma_where - where a DMA is
 * @MODEL_DMA_RUNS: its work is queued or runs
 * @MODEL_DMA_WAITS: for the response to its group
 * @MODEL_DMA_CREDIT: for room within the allocation
 * @MODEL_DMA_PAUSES: until it asks again; its work is queued for then
 * @MODEL_DMA_ENDED: it has a result
 */
enum model_dma_where {
	MODEL_DMA_RUNS,
	MODEL_DMA_WAITS,
	MODEL_DMA_CREDIT,
	MODEL_DMA_PAUSES,
	MODEL_DMA_ENDED,
};

/**
 * struct model_dma - a DMA
 * @ref: until it ended, one is held for it
 * @f: its function, with a reference
 * @params: as told
 * @buf: data
 * @work: runs it
 * @item: in model_pci_function::dmas until it ended
 * @credit: in model_pci_function::credit of the PF while MODEL_DMA_CREDIT, in
 *	model_pci_function::pausing while MODEL_DMA_PAUSES
 * @where: enum model_dma_where
 * @stop: end with this status at the next step; MODEL_DMA_PENDING: go on
 * @busy: its work is running
 * @backoff: there was no room for its requests: do not hurry
 * @tries: groups sent since it last moved anything; its work's alone, like @paused
 * @paused: it has paused since the last of them
 * @grpid: while MODEL_DMA_WAITS
 * @result: so far; each member but done under the PF's lock
 * @done: completed at the end
 */
struct model_dma {
	struct kref ref;
	struct model_pci_function *f;
	struct model_dma_params params;
	void *buf;
	struct delayed_work work;
	struct list_head item;
	struct list_head credit;
	enum model_dma_where where;
	enum model_dma_status stop;
	bool busy;
	bool backoff;
	unsigned int tries;
	bool paused;
	u16 grpid;
	struct model_dma_result result;
	struct completion done;
};

/**
 * struct model_pci_function - a function
 * @fn: what the IOMMU knows
 * @ref: plugged, looked up, or a DMA
 * @bridge: where it is
 * @pf: the physical function; itself if it is one. A VF holds a reference
 * @vfs: (PF) its VFs, enabled or not; emptied when it is unplugged
 * @config: as made
 * @devfn: where
 * @vf: 0: PF; else its number from 1
 * @gone: nothing answers any more; changed with both locks held
 * @dma_lock: see above
 * @tlb: under @dma_lock
 * @lock: see above; used in a PF
 * @cfg: configuration space, little endian; changed with both locks held where a
 *	DMA depends on it
 * @writable: bits that a write changes
 * @clear: bits that writing 1 clears
 * @prgs: page request groups
 * @dmas: that have not ended
 * @num_dmas: of them
 * @credit: (PF) DMAs that wait for room within the allocation
 * @pausing: (PF) DMAs that pause before they ask again
 * @outstanding: (PF) page requests not answered, VFs' included
 * @random: for group indices
 * @halted: (PF) Response Failure was received; until PRI is enabled again
 * @misbehave: MODEL_MISBEHAVE_*
 * @msi_pending: an MSI waits to be unmasked
 * @msi_data: of the MSI on its way
 * @msi_work: brings it there
 * @counts: @tlb_hits, @translations, @invalidations and @bytes under @dma_lock
 */
struct model_pci_function {
	struct model_function fn;
	struct kref ref;
	struct model_bridge *bridge;
	struct model_pci_function *pf;
	struct model_pci_function *vfs[MODEL_PCI_MAX_VFS];
	struct model_pci_config config;
	u8 devfn;
	u8 vf;
	bool gone;

	raw_spinlock_t dma_lock;
	struct model_tlb tlb;

	raw_spinlock_t lock;
	u8 cfg[MODEL_CFG_SIZE];
	u8 writable[MODEL_CFG_SIZE];
	u8 clear[MODEL_CFG_SIZE];
	struct model_prg prgs[MODEL_NUM_PRGS];
	struct list_head dmas;
	unsigned int num_dmas;
	struct list_head credit;
	struct list_head pausing;
	u32 outstanding;
	struct rnd_state random;
	bool halted;
	u32 misbehave;
	bool msi_pending;
	u32 msi_data;
	struct irq_work msi_work;
	struct model_pci_counts counts;
};

/* pci_config.c */
void model_cfg_reset(struct model_pci_function *f);
u32 model_cfg_read(struct model_pci_function *f, unsigned int where,
		   unsigned int size);
void model_cfg_write(struct model_pci_function *f, unsigned int where,
		     unsigned int size, u32 val);
u16 model_cfg_get16(struct model_pci_function *f, unsigned int where);
u32 model_cfg_get32(struct model_pci_function *f, unsigned int where);
void model_cfg_set16(struct model_pci_function *f, unsigned int where, u16 val);
bool model_cfg_present(struct model_pci_function *f);

static inline bool model_cfg_master(struct model_pci_function *f)
{
	return model_cfg_get16(f, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static inline bool model_cfg_ats_on(struct model_pci_function *f)
{
	return (f->config.flags & MODEL_PCI_ATS) &&
	       (model_cfg_get16(f, MODEL_CFG_ATS + PCI_ATS_CTRL) &
		PCI_ATS_CTRL_ENABLE);
}

static inline bool model_cfg_pri_on(struct model_pci_function *f)
{
	return (f->config.flags & MODEL_PCI_PRI) &&
	       (model_cfg_get16(f->pf, MODEL_CFG_PRI + PCI_PRI_CTRL) &
		PCI_PRI_CTRL_ENABLE);
}

/* pci_pri.c; all but the response with the PF's lock held */
int model_prg_take(struct model_pci_function *f, struct model_dma *dma,
		   bool pasid_valid, u32 pasid, u32 *num);
void model_prg_free(struct model_pci_function *f, u16 grpid);
void model_pri_enable(struct model_pci_function *pf);
void model_pri_disable(struct model_pci_function *pf);
void model_pri_reset(struct model_pci_function *pf);
void model_pri_forget(struct model_pci_function *f);
void model_pri_wake(struct model_pci_function *pf);
bool model_pri_response(struct model_function *fn, bool pasid_valid, u32 pasid,
			u16 grpid, u8 code);

/* pci_dma.c; all with the PF's lock held */
void model_dma_resume(struct model_dma *dma);
void model_dma_finish(struct model_dma *dma, enum model_dma_status status);
void model_dma_stop(struct model_dma *dma, enum model_dma_status status);

/* pci_function.c */
struct model_pci_function *
model_function_create(struct model_bridge *bridge,
		      const struct model_pci_config *config,
		      struct model_pci_function *pf, unsigned int vf);
void model_function_stop(struct model_pci_function *f,
			 enum model_dma_status status);
void model_function_pull(struct model_pci_function *f);
void model_function_msi_unmasked(struct model_pci_function *f);
u16 model_function_rid(struct model_pci_function *f);

static inline struct model_pci_function *to_pci_function(struct model_function *fn)
{
	return container_of(fn, struct model_pci_function, fn);
}

#endif
