// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space of model functions: a root complex integrated endpoint with
 * one function and no BAR, MSI with one vector, and as asked for PASID, ATS, PRI
 * and virtual functions (PCIe 7.5, 7.8.8, 10.5, 9.3; PCI 3.0 6.8 for MSI).
 */
#include <linux/pci.h>
#include <linux/unaligned.h>

#include "pci_internal.h"

/* No driver has these. */
#define MODEL_VENDOR		0xfffd
#define MODEL_DEVICE		0x0001
#define MODEL_DEVICE_VF		0x0002
/* "Does not fit in any defined class" */
#define MODEL_CLASS		0xff0000

static void cfg16(struct model_pci_function *f, unsigned int where, u16 val,
		  u16 writable)
{
	put_unaligned_le16(val, &f->cfg[where]);
	put_unaligned_le16(writable, &f->writable[where]);
}

static void cfg32(struct model_pci_function *f, unsigned int where, u32 val,
		  u32 writable)
{
	put_unaligned_le32(val, &f->cfg[where]);
	put_unaligned_le32(writable, &f->writable[where]);
}

/**
 * model_cfg_get16() - a register as it is
 * @f: function
 * @where: offset
 */
u16 model_cfg_get16(struct model_pci_function *f, unsigned int where)
{
	return get_unaligned_le16(&f->cfg[where]);
}

/**
 * model_cfg_get32() - a register as it is
 * @f: function
 * @where: offset
 */
u32 model_cfg_get32(struct model_pci_function *f, unsigned int where)
{
	return get_unaligned_le32(&f->cfg[where]);
}

/**
 * model_cfg_set16() - the function changes a register
 * @f: function; with the PF's lock held
 * @where: offset
 * @val: new value
 */
void model_cfg_set16(struct model_pci_function *f, unsigned int where, u16 val)
{
	put_unaligned_le16(val, &f->cfg[where]);
}

/**
 * model_cfg_present() - does anything answer?
 * @f: function; with the PF's lock held
 *
 * A VF is there while the PF's VF Enable is set and its number within NumVFs.
 */
bool model_cfg_present(struct model_pci_function *f)
{
	if (f->gone || f->pf->gone)
		return false;
	if (!f->vf)
		return true;
	return (model_cfg_get16(f->pf, MODEL_CFG_SRIOV + PCI_SRIOV_CTRL) &
		PCI_SRIOV_CTRL_VFE) &&
	       f->vf <= model_cfg_get16(f->pf,
					MODEL_CFG_SRIOV + PCI_SRIOV_NUM_VF);
}

static void cfg_header(struct model_pci_function *f)
{
	u16 command = PCI_COMMAND_MASTER;

	/* A VF's ids read as all ones (PCIe 9.3.4.1.1). */
	cfg16(f, PCI_VENDOR_ID, f->vf ? 0xffff : MODEL_VENDOR, 0);
	cfg16(f, PCI_DEVICE_ID, f->vf ? 0xffff : MODEL_DEVICE, 0);
	if (!f->vf) {
		command |= PCI_COMMAND_MEMORY | PCI_COMMAND_PARITY |
			   PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;
		f->writable[PCI_CACHE_LINE_SIZE] = 0xff;
		f->writable[PCI_INTERRUPT_LINE] = 0xff;
	}
	if (f->pf->config.flags & MODEL_PCI_NO_ACS)
		f->cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_MFD;
	cfg16(f, PCI_COMMAND, 0, command);
	/* Ready at once, also after a reset (PCIe 6.0, 7.5.1.1.4) */
	cfg16(f, PCI_STATUS, PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY, 0);
	cfg32(f, PCI_CLASS_REVISION, (MODEL_CLASS << 8) | 1, 0);
	cfg16(f, PCI_SUBSYSTEM_VENDOR_ID, MODEL_VENDOR, 0);
	cfg16(f, PCI_SUBSYSTEM_ID, MODEL_DEVICE, 0);
	f->cfg[PCI_CAPABILITY_LIST] = MODEL_CFG_EXP;
}

static void cfg_express(struct model_pci_function *f)
{
	unsigned int at = MODEL_CFG_EXP;

	f->cfg[at] = PCI_CAP_ID_EXP;
	f->cfg[at + PCI_CAP_LIST_NEXT] = MODEL_CFG_MSI;
	cfg16(f, at + PCI_EXP_FLAGS, 2 | (PCI_EXP_TYPE_RC_END << 4), 0);
	cfg32(f, at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR,
	      0);
	/* Initiate FLR reads as 0. */
	cfg16(f, at + PCI_EXP_DEVCTL, 0,
	      f->vf ? PCI_EXP_DEVCTL_BCR_FLR : 0xffff);
	put_unaligned_le16(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
			   PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD,
			   &f->clear[at + PCI_EXP_DEVSTA]);
	/* At most one prefix: the PASID's. */
	if (f->pf->config.flags & MODEL_PCI_PASID &&
	    !(f->pf->config.flags & MODEL_PCI_NO_PREFIX))
		cfg32(f, at + PCI_EXP_DEVCAP2,
		      PCI_EXP_DEVCAP2_EE_PREFIX | BIT(22), 0);
}

static void cfg_msi(struct model_pci_function *f)
{
	unsigned int at = MODEL_CFG_MSI;

	f->cfg[at] = PCI_CAP_ID_MSI;
	cfg16(f, at + PCI_MSI_FLAGS,
	      PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT,
	      PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	cfg32(f, at + PCI_MSI_ADDRESS_LO, 0, ~3U);
	cfg32(f, at + PCI_MSI_ADDRESS_HI, 0, ~0U);
	cfg16(f, at + PCI_MSI_DATA_64, 0, 0xffff);
	cfg32(f, at + PCI_MSI_MASK_64, 0, BIT(0));
}

static void cfg_ats(struct model_pci_function *f)
{
	u16 cap = PCI_ATS_CAP_PAGE_ALIGNED;

	/* Queue depth 0 is 32, and reads as 0 in a VF anyway. */
	if (f->pf->config.flags & MODEL_PCI_PASID &&
	    !(f->pf->config.flags & MODEL_PCI_NO_GLOBAL))
		cap |= MODEL_ATS_GLOBAL;
	cfg16(f, MODEL_CFG_ATS + PCI_ATS_CAP, cap, 0);
	cfg16(f, MODEL_CFG_ATS + PCI_ATS_CTRL, 0,
	      PCI_ATS_CTRL_ENABLE | (f->vf ? 0 : PCI_ATS_CTRL_STU(0x1f)));
}

static void cfg_pasid(struct model_pci_function *f)
{
	u16 modes = 0;

	if (f->config.flags & MODEL_PCI_PASID_EXEC)
		modes |= PCI_PASID_CAP_EXEC;
	if (f->config.flags & MODEL_PCI_PASID_PRIV)
		modes |= PCI_PASID_CAP_PRIV;
	cfg16(f, MODEL_CFG_PASID + PCI_PASID_CAP,
	      modes | (f->config.pasid_bits << 8), 0);
	cfg16(f, MODEL_CFG_PASID + PCI_PASID_CTRL, 0,
	      PCI_PASID_CTRL_ENABLE | modes);
}

static void cfg_pri(struct model_pci_function *f)
{
	unsigned int at = MODEL_CFG_PRI;

	cfg16(f, at + PCI_PRI_CTRL, 0, PCI_PRI_CTRL_ENABLE | PCI_PRI_CTRL_RESET);
	cfg16(f, at + PCI_PRI_STATUS, PCI_PRI_STATUS_STOPPED |
	      (f->config.flags & MODEL_PCI_PRG_PASID ? PCI_PRI_STATUS_PASID : 0),
	      0);
	put_unaligned_le16(PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI,
			   &f->clear[at + PCI_PRI_STATUS]);
	cfg32(f, at + PCI_PRI_MAX_REQ, f->config.pri_capacity, 0);
	cfg32(f, at + PCI_PRI_ALLOC_REQ, 0, ~0U);
}

static void cfg_sriov(struct model_pci_function *f)
{
	unsigned int at = MODEL_CFG_SRIOV;

	cfg16(f, at + PCI_SRIOV_CTRL, 0, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	cfg16(f, at + PCI_SRIOV_INITIAL_VF, f->config.num_vfs, 0);
	cfg16(f, at + PCI_SRIOV_TOTAL_VF, f->config.num_vfs, 0);
	cfg16(f, at + PCI_SRIOV_NUM_VF, 0, 0xffff);
	f->cfg[at + PCI_SRIOV_FUNC_LINK] = PCI_FUNC(f->devfn);
	cfg16(f, at + PCI_SRIOV_VF_OFFSET, 1, 0);
	cfg16(f, at + PCI_SRIOV_VF_STRIDE, 1, 0);
	cfg16(f, at + PCI_SRIOV_VF_DID, MODEL_DEVICE_VF, 0);
	cfg32(f, at + PCI_SRIOV_SUP_PGSIZE, 0x553, 0);
	cfg32(f, at + PCI_SRIOV_SYS_PGSIZE, 1, ~0U);
}

/* @id 0 is the null capability: the list has to begin at 0x100. */
static void cfg_chain(struct model_pci_function *f, unsigned int *prev,
		      unsigned int at, u16 id)
{
	cfg32(f, at, id | (1 << 16), 0);
	if (*prev)
		cfg32(f, *prev, model_cfg_get32(f, *prev) | (at << 20), 0);
	*prev = at;
}

/**
 * model_cfg_reset() - configuration space as it is after reset
 * @f: function; not reachable yet, or with both locks held
 */
void model_cfg_reset(struct model_pci_function *f)
{
	unsigned int prev = 0;

	memset(f->cfg, 0, sizeof(f->cfg));
	memset(f->writable, 0, sizeof(f->writable));
	memset(f->clear, 0, sizeof(f->clear));

	cfg_header(f);
	cfg_express(f);
	cfg_msi(f);
	if (f->config.flags & MODEL_PCI_ATS) {
		cfg_ats(f);
		cfg_chain(f, &prev, MODEL_CFG_ATS, PCI_EXT_CAP_ID_ATS);
	} else {
		cfg_chain(f, &prev, MODEL_CFG_ATS, 0);
	}
	/* PASID and PRI are the PF's, for all of them. */
	if (f->vf)
		return;
	if (f->config.flags & MODEL_PCI_PASID) {
		cfg_pasid(f);
		cfg_chain(f, &prev, MODEL_CFG_PASID, PCI_EXT_CAP_ID_PASID);
	}
	if (f->config.flags & MODEL_PCI_PRI) {
		cfg_pri(f);
		cfg_chain(f, &prev, MODEL_CFG_PRI, PCI_EXT_CAP_ID_PRI);
	}
	if (f->config.num_vfs) {
		cfg_sriov(f);
		cfg_chain(f, &prev, MODEL_CFG_SRIOV, PCI_EXT_CAP_ID_SRIOV);
	}
}

/**
 * model_cfg_read() - a configuration read
 * @f: function
 * @where: offset; @where + @size is within 4096
 * @size: 1, 2 or 4
 *
 * Return: the value; all ones if nothing answers.
 */
u32 model_cfg_read(struct model_pci_function *f, unsigned int where,
		   unsigned int size)
{
	unsigned long flags;
	__le32 val = 0;
	u32 ret = ~0U;

	raw_spin_lock_irqsave(&f->pf->lock, flags);
	if (model_cfg_present(f)) {
		memcpy(&val, &f->cfg[where], size);
		ret = le32_to_cpu(val);
	}
	raw_spin_unlock_irqrestore(&f->pf->lock, flags);
	return ret;
}

/* Registers that do something when they change. */
struct cfg_watch {
	u16 exp;
	u16 ats;
	u16 pasid;
	u16 pri;
	u32 alloc;
	u16 sriov;
	u32 msi_mask;
};

static struct cfg_watch cfg_watch(struct model_pci_function *f)
{
	return (struct cfg_watch){
		.exp = model_cfg_get16(f, MODEL_CFG_EXP + PCI_EXP_DEVCTL),
		.ats = model_cfg_get16(f, MODEL_CFG_ATS + PCI_ATS_CTRL),
		.pasid = model_cfg_get16(f, MODEL_CFG_PASID + PCI_PASID_CTRL),
		.pri = model_cfg_get16(f, MODEL_CFG_PRI + PCI_PRI_CTRL),
		.alloc = model_cfg_get32(f, MODEL_CFG_PRI + PCI_PRI_ALLOC_REQ),
		.sriov = model_cfg_get16(f, MODEL_CFG_SRIOV + PCI_SRIOV_CTRL),
		.msi_mask = model_cfg_get32(f, MODEL_CFG_MSI + PCI_MSI_MASK_64),
	};
}

static void cfg_pri_changed(struct model_pci_function *f, u16 was, u16 now)
{
	bool reset = now & PCI_PRI_CTRL_RESET;

	now &= ~PCI_PRI_CTRL_RESET;
	model_cfg_set16(f, MODEL_CFG_PRI + PCI_PRI_CTRL, now);
	if ((was ^ now) & PCI_PRI_CTRL_ENABLE) {
		if (now & PCI_PRI_CTRL_ENABLE)
			model_pri_enable(f);
		else
			model_pri_disable(f);
	}
	if (reset && !(now & PCI_PRI_CTRL_ENABLE))
		model_pri_reset(f);
}

static void cfg_flr(struct model_pci_function *f)
{
	f->counts.resets++;
	f->msi_pending = false;
	f->halted = false;
	model_cfg_reset(f);
	model_tlb_flush(&f->tlb);
	model_function_stop(f, MODEL_DMA_STOPPED);
	model_pri_forget(f);
}

static void cfg_changed(struct model_pci_function *f,
			const struct cfg_watch *was)
{
	struct cfg_watch now = cfg_watch(f);

	if (now.exp & PCI_EXP_DEVCTL_BCR_FLR) {
		cfg_flr(f);
		return;
	}
	/* Undefined by PCIe 7.8.9.3 and 10.5.2.4: no driver may count on it. */
	if (now.pasid != was->pasid && (was->ats & PCI_ATS_CTRL_ENABLE))
		model_violation("function %#x: PASID control changed with ATS on",
				model_function_rid(f));
	if (now.alloc != was->alloc && (was->pri & PCI_PRI_CTRL_ENABLE))
		model_violation("function %#x: allocation changed with page requests on",
				model_function_rid(f));
	if ((was->ats & ~now.ats) & PCI_ATS_CTRL_ENABLE)
		model_tlb_flush(&f->tlb);
	if (f->config.flags & MODEL_PCI_PRI && !f->vf)
		cfg_pri_changed(f, was->pri, now.pri);
	if (was->msi_mask & ~now.msi_mask)
		model_function_msi_unmasked(f);
}

/* VFs whose PF was reset or has switched them off: nothing of them is left. */
static void cfg_reset_vfs(struct model_pci_function *pf)
{
	struct model_pci_function *f;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < pf->config.num_vfs; i++) {
		f = READ_ONCE(pf->vfs[i]);
		if (!f)
			continue;
		raw_spin_lock_irqsave(&f->dma_lock, flags);
		raw_spin_lock(&pf->lock);
		if (!model_cfg_present(f))
			cfg_flr(f);
		raw_spin_unlock(&pf->lock);
		raw_spin_unlock_irqrestore(&f->dma_lock, flags);
	}
}

static void cfg_store(struct model_pci_function *f, unsigned int where,
		      unsigned int size, u32 val)
{
	unsigned int i;

	for (i = where; i < where + size; i++, val >>= 8) {
		u8 byte = val;

		f->cfg[i] = (f->cfg[i] & ~f->writable[i]) |
			    (byte & f->writable[i]);
		f->cfg[i] &= ~(byte & f->clear[i]);
	}
}

/**
 * model_cfg_write() - a configuration write
 * @f: function
 * @where: offset; @where + @size is within 4096
 * @size: 1, 2 or 4
 * @val: the value
 *
 * When it returns, no request is in flight that the new values forbid.
 */
void model_cfg_write(struct model_pci_function *f, unsigned int where,
		     unsigned int size, u32 val)
{
	bool vfs_off = false;
	struct cfg_watch was;
	unsigned long flags;

	raw_spin_lock_irqsave(&f->dma_lock, flags);
	raw_spin_lock(&f->pf->lock);
	if (model_cfg_present(f)) {
		was = cfg_watch(f);
		cfg_store(f, where, size, val);
		cfg_changed(f, &was);
		vfs_off = was.sriov & ~cfg_watch(f).sriov & PCI_SRIOV_CTRL_VFE;
	}
	raw_spin_unlock(&f->pf->lock);
	raw_spin_unlock_irqrestore(&f->dma_lock, flags);

	if (vfs_off)
		cfg_reset_vfs(f);
}
