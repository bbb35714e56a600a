// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI function model, in front of an IOMMU that this file plays: a few address
 * spaces of a few pages, and a log of page requests that a test answers itself.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/msi.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "pci.h"

#define FAKE_PAGES	64
#define FAKE_PAGE	4096ULL
/* Translated addresses: those of memory, plus this */
#define FAKE_BASE	BIT_ULL(40)
/* Address spaces: without PASID, and by the low bits of a PASID */
#define FAKE_SPACES	5
#define FAKE_LOG	4096

#define FAKE_RW		(MODEL_READ | MODEL_WRITE)
#define FAKE_DEVFN	0x08

/**
 * struct fake_page - a page of an address space
 * @perm: granted; 0: absent
 * @to: page of memory
 */
struct fake_page {
	u32 perm;
	u32 to;
};

/**
 * struct fake_request - a page request that came
 * @tlp: as sent
 * @grpid: group
 * @last: it was the last of it
 */
struct fake_request {
	struct model_tlp tlp;
	u16 grpid;
	bool last;
};

/**
 * struct fake - the IOMMU
 * @port: for the functions
 * @lock: all below
 * @spaces: address spaces
 * @global: translations are good for each PASID
 * @untranslated_only: say so
 * @unsupported: refuse page requests
 * @by_pasid: a page is there if its PASID is in @granted
 * @granted: PASIDs below 512
 * @room: page requests that find room from now on
 * @num: requests in @log
 * @log: all that were taken
 * @seen: permissions wanted by the last access or translation
 * @translated: the last access was translated
 * @no_write: of the last translation
 * @fn: by requester id
 * @memory: what DMA reaches
 * @bridge: bridge
 * @pdev: function at FAKE_DEVFN
 * @f: it
 */
struct fake {
	struct model_port port;
	raw_spinlock_t lock;
	struct fake_page spaces[FAKE_SPACES][FAKE_PAGES];
	bool global;
	bool untranslated_only;
	bool unsupported;
	bool by_pasid;
	DECLARE_BITMAP(granted, 512);
	u32 room;
	u32 num;
	struct fake_request log[FAKE_LOG];
	u32 seen;
	bool translated;
	bool no_write;
	struct model_function *fn[256];
	u8 memory[FAKE_PAGES * FAKE_PAGE];
	struct model_bridge *bridge;
	struct pci_dev *pdev;
	struct model_pci_function *f;
};

static struct fake *fake_of(struct model_port *port)
{
	return container_of(port, struct fake, port);
}

static struct fake_page *fake_page(struct fake *fake,
				   const struct model_tlp *tlp)
{
	u32 space = tlp->pasid_valid ? 1 + tlp->pasid % 4 : 0;

	if (tlp->addr >= sizeof(fake->memory))
		return NULL;
	return &fake->spaces[space][tlp->addr / FAKE_PAGE];
}

static enum model_status fake_move(struct fake *fake, u64 addr, void *buf,
				   size_t len, u32 perm)
{
	if (addr >= sizeof(fake->memory) ||
	    len > FAKE_PAGE - addr % FAKE_PAGE)
		return MODEL_UNSUPPORTED;
	if (perm & MODEL_WRITE)
		memcpy(&fake->memory[addr], buf, len);
	else
		memcpy(buf, &fake->memory[addr], len);
	return MODEL_OK;
}

static enum model_status fake_access(struct model_port *port,
				     const struct model_tlp *tlp, void *buf,
				     size_t len)
{
	enum model_status status = MODEL_UNSUPPORTED;
	struct fake *fake = fake_of(port);
	struct fake_page *page;
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->seen = tlp->perm;
	fake->translated = false;
	page = fake_page(fake, tlp);
	if (page && !(tlp->perm & FAKE_RW & ~page->perm))
		status = fake_move(fake, page->to * FAKE_PAGE +
					 tlp->addr % FAKE_PAGE,
				   buf, len, tlp->perm);
	raw_spin_unlock_irqrestore(&fake->lock, flags);
	return status;
}

static enum model_status fake_access_translated(struct model_port *port,
						const struct model_tlp *tlp,
						void *buf, size_t len)
{
	struct fake *fake = fake_of(port);
	enum model_status status;
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->seen = tlp->perm;
	fake->translated = true;
	status = fake_move(fake, tlp->addr - FAKE_BASE, buf, len, tlp->perm);
	raw_spin_unlock_irqrestore(&fake->lock, flags);
	return status;
}

static enum model_status fake_translate(struct model_port *port,
					const struct model_tlp *tlp,
					bool no_write,
					struct model_translation *result)
{
	enum model_status status = MODEL_UNSUPPORTED;
	struct fake *fake = fake_of(port);
	struct fake_page *page;
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fake->seen = tlp->perm;
	fake->no_write = no_write;
	page = fake_page(fake, tlp);
	if (page && IS_ALIGNED(tlp->addr, FAKE_PAGE)) {
		*result = (struct model_translation){
			.addr = FAKE_BASE + page->to * FAKE_PAGE,
			.size = FAKE_PAGE,
			.perm = page->perm,
			.global = fake->global,
			.untranslated_only = fake->untranslated_only,
		};
		if (fake->by_pasid)
			result->perm = test_bit(tlp->pasid, fake->granted) ?
					       FAKE_RW : 0;
		status = MODEL_OK;
	}
	raw_spin_unlock_irqrestore(&fake->lock, flags);
	return status;
}

static enum model_status fake_page_request(struct model_port *port,
					   const struct model_tlp *tlp,
					   u16 grpid, bool last)
{
	enum model_status status = MODEL_OK;
	struct fake *fake = fake_of(port);
	struct model_function *fn;
	unsigned long flags;

	raw_spin_lock_irqsave(&fake->lock, flags);
	fn = fake->fn[tlp->rid & 0xff];
	if (fake->unsupported) {
		status = MODEL_UNSUPPORTED;
	} else if (!fake->room || fake->num == FAKE_LOG) {
		status = MODEL_OVERFLOW;
	} else {
		fake->room--;
		fake->log[fake->num++] = (struct fake_request){
			.tlp = *tlp,
			.grpid = grpid,
			.last = last,
		};
	}
	raw_spin_unlock_irqrestore(&fake->lock, flags);

	if (status == MODEL_OVERFLOW && last)
		fn->ops->prg_response(fn, tlp->pasid_valid, tlp->pasid, grpid,
				      MODEL_PRG_SUCCESS);
	return status;
}

static int fake_connect(struct model_port *port, u16 rid,
			struct model_function *fn)
{
	struct fake *fake = fake_of(port);

	raw_spin_lock_irq(&fake->lock);
	fake->fn[rid & 0xff] = fn;
	raw_spin_unlock_irq(&fake->lock);
	return 0;
}

static const struct model_port_ops fake_ops = {
	.access = fake_access,
	.access_translated = fake_access_translated,
	.translate = fake_translate,
	.page_request = fake_page_request,
	.connect = fake_connect,
};

static u32 fake_num(struct fake *fake)
{
	u32 num;

	raw_spin_lock_irq(&fake->lock);
	num = fake->num;
	raw_spin_unlock_irq(&fake->lock);
	return num;
}

/* Until @num requests have come, in all. */
static void fake_expect(struct kunit *test, struct fake *fake, u32 num)
{
	unsigned int i;

	for (i = 0; fake_num(fake) < num && i < 10000; i++)
		usleep_range(500, 1000);
	KUNIT_ASSERT_EQ(test, fake_num(fake), num);
}

static void fake_set(struct fake *fake, u32 space, u32 page, u32 perm, u32 to)
{
	raw_spin_lock_irq(&fake->lock);
	fake->spaces[space][page] = (struct fake_page){
		.perm = perm,
		.to = to,
	};
	raw_spin_unlock_irq(&fake->lock);
}

static bool fake_respond_as(struct fake *fake, u32 i, bool pasid_valid,
			    u32 pasid, u8 code)
{
	struct fake_request *r = &fake->log[i];
	struct model_function *fn = fake->fn[r->tlp.rid & 0xff];

	return fn->ops->prg_response(fn, pasid_valid, pasid, r->grpid, code);
}

/* Answer the group whose last request is entry @i of the log. */
static bool fake_respond(struct fake *fake, u32 i, u8 code)
{
	struct model_tlp *tlp = &fake->log[i].tlp;

	return fake_respond_as(fake, i, tlp->pasid_valid, tlp->pasid, code);
}

static bool fake_invalidate(struct fake *fake, bool pasid_valid, u32 pasid,
			    bool global, u64 addr, u64 size)
{
	struct model_function *fn = fake->fn[FAKE_DEVFN];

	return fn->ops->invalidate(fn, pasid_valid, pasid, global, addr, size);
}

static const struct model_pci_config fake_config = {
	.devfn = FAKE_DEVFN,
	.flags = MODEL_PCI_PASID | MODEL_PCI_ATS | MODEL_PCI_PRI |
		 MODEL_PCI_PASID_EXEC | MODEL_PCI_PASID_PRIV |
		 MODEL_PCI_PRG_PASID,
	.pasid_bits = 20,
	.pri_capacity = 512,
};

static void fake_plug(struct kunit *test, const struct model_pci_config *config)
{
	struct fake *fake = test->priv;

	fake->pdev = model_pci_plug(fake->bridge, config);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fake->pdev));
	pci_dev_get(fake->pdev);
	fake->f = model_pci_get(fake->bridge, config->devfn);
	KUNIT_ASSERT_NOT_NULL(test, fake->f);
}

static void fake_unplug(struct fake *fake, bool surprise)
{
	model_pci_unplug(fake->bridge, fake->pdev, surprise);
	pci_dev_put(fake->pdev);
	model_pci_put(fake->f);
	fake->pdev = NULL;
	fake->f = NULL;
}

/* In the order that PCIe asks for; @alloc 0: without page requests. */
static void fake_enable(struct kunit *test, u32 alloc)
{
	struct fake *fake = test->priv;

	pci_set_master(fake->pdev);
	KUNIT_ASSERT_EQ(test, pci_enable_pasid(fake->pdev, PCI_PASID_CAP_EXEC |
					       PCI_PASID_CAP_PRIV), 0);
	KUNIT_ASSERT_EQ(test, pci_enable_ats(fake->pdev, PAGE_SHIFT), 0);
	if (alloc)
		KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, alloc), 0);
}

static struct model_dma *fake_start_on(struct kunit *test,
				       struct model_pci_function *f, u32 flags,
				       u32 pasid, u64 iova, u64 len)
{
	struct model_dma_params params = {
		.flags = flags,
		.pasid = pasid,
		.iova = iova,
		.length = len,
		.group = MODEL_DMA_MAX_GROUP,
	};
	u8 *buf = kvzalloc(len, GFP_KERNEL);
	struct model_dma *dma;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	if (flags & MODEL_DMA_WRITE)
		memset(buf, 0x5a, len);
	dma = model_dma_start(f, &params, buf);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dma));
	return dma;
}

static struct model_dma *fake_start(struct kunit *test, u32 flags, u32 pasid,
				    u64 iova, u64 len)
{
	struct fake *fake = test->priv;

	return fake_start_on(test, fake->f, flags, pasid, iova, len);
}

static u32 fake_end(struct kunit *test, struct model_dma *dma)
{
	struct model_dma_result result;

	KUNIT_EXPECT_EQ(test, model_dma_wait(dma, 20 * HZ, false, &result), 0);
	model_dma_put(dma);
	return result.status;
}

static u32 fake_dma(struct kunit *test, u32 flags, u32 pasid, u64 iova, u64 len)
{
	return fake_end(test, fake_start(test, flags, pasid, iova, len));
}

/* What a one-byte read at @iova returns; all must be well. */
static u8 fake_peek(struct kunit *test, u32 flags, u32 pasid, u64 iova)
{
	struct model_dma *dma = fake_start(test, flags, pasid, iova, 1);
	struct model_dma_result result;
	u8 byte;

	KUNIT_EXPECT_EQ(test, model_dma_wait(dma, 20 * HZ, false, &result), 0);
	KUNIT_EXPECT_EQ(test, result.status, MODEL_DMA_OK);
	byte = *(const u8 *)model_dma_data(dma);
	model_dma_put(dma);
	return byte;
}

static struct model_pci_state fake_state(struct fake *fake)
{
	struct model_pci_state state;

	model_pci_state(fake->f, &state);
	return state;
}

/* --- configuration space --- */

static void pci_model_config(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->pdev;
	u32 val;
	u16 word;

	KUNIT_EXPECT_GT(test, pci_domain_nr(pdev->bus), 0xffff);
	KUNIT_EXPECT_EQ(test, pci_pcie_type(pdev), PCI_EXP_TYPE_RC_END);
	KUNIT_EXPECT_EQ(test, pdev->cfg_size, 4096);
	KUNIT_EXPECT_TRUE(test, pdev->imm_ready);
	KUNIT_EXPECT_FALSE(test, pdev->multifunction);
	KUNIT_EXPECT_TRUE(test, pdev->pasid_cap && pdev->ats_cap &&
			  pdev->pri_cap);
	KUNIT_EXPECT_EQ(test, pci_max_pasids(pdev), 1 << 20);
	KUNIT_EXPECT_EQ(test, pci_pasid_features(pdev),
			PCI_PASID_CAP_EXEC | PCI_PASID_CAP_PRIV);
	KUNIT_EXPECT_EQ(test, pci_ats_queue_depth(pdev), 32);
	KUNIT_EXPECT_EQ(test, pci_ats_page_aligned(pdev), 1);
	KUNIT_EXPECT_EQ(test, pci_prg_resp_pasid_required(pdev), 1);

	/* Read-only bits stay, whatever the width of the access. */
	pci_write_config_word(pdev, PCI_VENDOR_ID, 0x1234);
	pci_read_config_word(pdev, PCI_VENDOR_ID, &word);
	KUNIT_EXPECT_EQ(test, word, pdev->vendor);
	pci_write_config_dword(pdev, PCI_COMMAND, ~0U);
	pci_read_config_dword(pdev, PCI_COMMAND, &val);
	KUNIT_EXPECT_EQ(test, val, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			PCI_COMMAND_INTX_DISABLE |
			((PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY) << 16));
	pci_write_config_dword(pdev, PCI_COMMAND, 0);
	pci_write_config_dword(pdev, PCI_BASE_ADDRESS_0, ~0U);
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &val);
	KUNIT_EXPECT_EQ(test, val, 0);

	fake_enable(test, 1000);
	pci_read_config_word(pdev, pdev->pasid_cap + PCI_PASID_CTRL, &word);
	KUNIT_EXPECT_EQ(test, word, 7);
	pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CTRL, &word);
	KUNIT_EXPECT_EQ(test, word, 0x8000);
	pci_read_config_word(pdev, pdev->pri_cap + PCI_PRI_CTRL, &word);
	KUNIT_EXPECT_EQ(test, word, 1);
	pci_read_config_word(pdev, pdev->pri_cap + PCI_PRI_STATUS, &word);
	KUNIT_EXPECT_EQ(test, word, 0x8000);
	pci_read_config_dword(pdev, pdev->pri_cap + PCI_PRI_ALLOC_REQ, &val);
	KUNIT_EXPECT_EQ(test, val, 512);
	pci_disable_pri(pdev);
	pci_read_config_word(pdev, pdev->pri_cap + PCI_PRI_STATUS, &word);
	KUNIT_EXPECT_EQ(test, word, 0x8100);
	pci_disable_ats(pdev);
	pci_disable_pasid(pdev);
}

static void pci_model_plug(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_pci_config config = fake_config;
	struct iommu_group *group[2];
	struct pci_dev *other;
	int i;

	KUNIT_EXPECT_EQ(test, PTR_ERR(model_pci_plug(fake->bridge, &config)),
			-EEXIST);
	config.devfn = FAKE_DEVFN + 1;
	config.pasid_bits = 21;
	KUNIT_EXPECT_EQ(test, PTR_ERR(model_pci_plug(fake->bridge, &config)),
			-EINVAL);
	config.pasid_bits = 1;
	config.flags = MODEL_PCI_PRI;
	KUNIT_EXPECT_EQ(test, PTR_ERR(model_pci_plug(fake->bridge, &config)),
			-EINVAL);
	config.flags = 0;
	other = model_pci_plug(fake->bridge, &config);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, other->pasid_cap, 0);
	KUNIT_EXPECT_EQ(test, other->ats_cap, 0);
	KUNIT_EXPECT_EQ(test, other->pri_cap, 0);
	KUNIT_EXPECT_EQ(test, other->cfg_size, 4096);

	/* Neighbours in one slot, and each alone in its group. */
	group[0] = pci_device_group(&fake->pdev->dev);
	group[1] = pci_device_group(&other->dev);
	KUNIT_EXPECT_PTR_NE(test, group[0], group[1]);
	for (i = 0; i < 2; i++)
		if (!IS_ERR_OR_NULL(group[i]))
			iommu_group_put(group[i]);
	model_pci_unplug(fake->bridge, other, false);
}

/* --- DMA --- */

static void pci_model_untranslated(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma_params params = { .length = 1, .group = 1 };
	struct model_dma *dma;

	KUNIT_EXPECT_EQ(test, fake_dma(test, 0, 0, 0, 1), MODEL_DMA_DISABLED);
	pci_set_master(fake->pdev);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 1, 0, 1),
			MODEL_DMA_DISABLED);

	/* Three pages from the middle of one to the middle of another. */
	fake_set(fake, 0, 1, FAKE_RW, 9);
	fake_set(fake, 0, 2, FAKE_RW, 7);
	fake_set(fake, 0, 3, FAKE_RW, 8);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_WRITE, 0, 0x1fff,
				       0x1002), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, fake->memory[9 * FAKE_PAGE + 0xffe], 0);
	KUNIT_EXPECT_EQ(test, fake->memory[9 * FAKE_PAGE + 0xfff], 0x5a);
	KUNIT_EXPECT_EQ(test, fake->memory[7 * FAKE_PAGE], 0x5a);
	KUNIT_EXPECT_EQ(test, fake->memory[7 * FAKE_PAGE + 0xfff], 0x5a);
	KUNIT_EXPECT_EQ(test, fake->memory[8 * FAKE_PAGE], 0x5a);
	KUNIT_EXPECT_EQ(test, fake->memory[8 * FAKE_PAGE + 1], 0);
	KUNIT_EXPECT_FALSE(test, fake->translated);
	KUNIT_EXPECT_EQ(test, fake->seen, MODEL_WRITE);

	fake->memory[8 * FAKE_PAGE] = 0x77;
	KUNIT_EXPECT_EQ(test, fake_peek(test, 0, 0, 0x3000), 0x77);
	KUNIT_EXPECT_EQ(test, fake->seen, MODEL_READ);

	/* Up to a page that is not there. */
	fake_set(fake, 0, 3, MODEL_READ, 8);
	fake->memory[7 * FAKE_PAGE] = 0;
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_WRITE, 0, 0x2000,
				       0x1001), MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_EQ(test, fake->memory[7 * FAKE_PAGE], 0x5a);
	KUNIT_EXPECT_EQ(test, fake->memory[8 * FAKE_PAGE], 0x77);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.bytes, 0x1002 + 1 + 0x1000);

	params.length = 0;
	dma = model_dma_start(fake->f, &params, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(dma), -EINVAL);
	params.length = 2;
	params.iova = U64_MAX;
	dma = model_dma_start(fake->f, &params, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(dma), -EINVAL);
	params.iova = 0;
	params.flags = MODEL_DMA_PRIV;
	dma = model_dma_start(fake->f, &params, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(dma), -EINVAL);
}

static void pci_model_permissions(struct kunit *test)
{
	struct fake *fake = test->priv;
	u32 all = MODEL_DMA_PASID | MODEL_DMA_EXEC | MODEL_DMA_PRIV;

	fake_enable(test, 0);
	fake_set(fake, 1, 1, MODEL_READ, 1);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 4, 0x1000, 1),
			MODEL_DMA_OK);
	KUNIT_EXPECT_TRUE(test, fake->no_write);
	KUNIT_EXPECT_TRUE(test, fake->translated);
	/* What was granted for reading is asked for anew for writing. */
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID | MODEL_DMA_WRITE,
				       4, 0x1000, 1), MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_FALSE(test, fake->no_write);
	fake_set(fake, 1, 1, FAKE_RW, 1);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID | MODEL_DMA_WRITE,
				       4, 0x1000, 1), MODEL_DMA_OK);

	KUNIT_EXPECT_EQ(test, fake_dma(test, all, 4, 0x1000, 1),
			MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_EQ(test, fake->seen, MODEL_READ | MODEL_EXEC | MODEL_PRIV);
	fake_set(fake, 1, 1, FAKE_RW | MODEL_EXEC, 1);
	KUNIT_EXPECT_EQ(test, fake_dma(test, all, 4, 0x1000, 1), MODEL_DMA_OK);
	/* The privileged translation is not for others. */
	fake_set(fake, 1, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, fake_dma(test, all, 4, 0x1000, 1), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID | MODEL_DMA_EXEC,
				       4, 0x1000, 1), MODEL_DMA_BLOCKED);

	fake->untranslated_only = true;
	fake_set(fake, 1, 2, FAKE_RW, 2);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 4, 0x2000, 1),
			MODEL_DMA_OK);
	KUNIT_EXPECT_FALSE(test, fake->translated);
}

static void pci_model_modes_off(struct kunit *test)
{
	struct fake *fake = test->priv;
	u32 i;

	pci_set_master(fake->pdev);
	KUNIT_ASSERT_EQ(test, pci_enable_pasid(fake->pdev, 0), 0);
	fake_set(fake, 1, 0, FAKE_RW | MODEL_EXEC, 0);
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 4, 0, 1),
			MODEL_DMA_OK);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID |
					       (i ? MODEL_DMA_EXEC : MODEL_DMA_PRIV),
					       4, 0, 1), MODEL_DMA_DISABLED);
	pci_disable_pasid(fake->pdev);
}

static void pci_model_tlb(struct kunit *test)
{
	struct fake *fake = test->priv;
	u64 page = 5 * FAKE_PAGE;

	fake_enable(test, 0);
	memset(&fake->memory[1 * FAKE_PAGE], 0x11, FAKE_PAGE);
	memset(&fake->memory[2 * FAKE_PAGE], 0x22, FAKE_PAGE);
	fake_set(fake, 0, 5, FAKE_RW, 1);
	fake_set(fake, 1, 5, FAKE_RW, 1);
	fake_set(fake, 2, 5, FAKE_RW, 1);
	KUNIT_EXPECT_EQ(test, fake_peek(test, 0, 0, page), 0x11);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 4, page), 0x11);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x11);
	fake_set(fake, 0, 5, FAKE_RW, 2);
	fake_set(fake, 1, 5, FAKE_RW, 2);
	fake_set(fake, 2, 5, FAKE_RW, 2);

	/* Each is used until it, and not another one, is invalidated. */
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 4, false, page + FAKE_PAGE, 0));
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 4, false, 0, page));
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 6, false, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 3);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 4, page), 0x11);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 4, false, page, FAKE_PAGE));
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 4, page), 0x22);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x11);
	KUNIT_EXPECT_EQ(test, fake_peek(test, 0, 0, page), 0x11);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_UNTRANSLATED, 0, page), 0x22);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, false, 0, false, page, FAKE_PAGE));
	KUNIT_EXPECT_EQ(test, fake_peek(test, 0, 0, page), 0x22);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x11);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 9, true, page, FAKE_PAGE));
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 1);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x22);

	/* Switching ATS off forgets everything. */
	fake_set(fake, 2, 5, FAKE_RW, 1);
	pci_disable_ats(fake->pdev);
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 0);
	KUNIT_ASSERT_EQ(test, pci_enable_ats(fake->pdev, PAGE_SHIFT), 0);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x11);

	/* Misbehaviour */
	fake_set(fake, 2, 5, FAKE_RW, 2);
	KUNIT_EXPECT_EQ(test, model_pci_misbehave(fake->f, BIT(31)), -EINVAL);
	model_pci_misbehave(fake->f, MODEL_MISBEHAVE_NO_INVALIDATE);
	KUNIT_EXPECT_FALSE(test, fake_invalidate(fake, true, 5, false, 0, 0));
	model_pci_misbehave(fake->f, MODEL_MISBEHAVE_KEEP_TLB);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 5, false, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x11);
	model_pci_misbehave(fake->f, 0);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 5, false, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 5, page), 0x22);
}

static void pci_model_global(struct kunit *test)
{
	struct fake *fake = test->priv;
	u64 hits;

	fake_enable(test, 0);
	fake->global = true;
	fake->memory[FAKE_PAGE] = 0x11;
	fake_set(fake, 1, 5, FAKE_RW, 1);
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 4, 5 * FAKE_PAGE), 0x11);
	hits = fake_state(fake).counts.tlb_hits;
	/* Another PASID uses it; no PASID does not. */
	KUNIT_EXPECT_EQ(test, fake_peek(test, MODEL_DMA_PASID, 7, 5 * FAKE_PAGE), 0x11);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.tlb_hits, hits + 1);
	KUNIT_EXPECT_EQ(test, fake_dma(test, 0, 0, 5 * FAKE_PAGE, 1),
			MODEL_DMA_BLOCKED);
	/* Invalidated for one PASID it is gone for that one. */
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 7, false, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 7, 5 * FAKE_PAGE, 1),
			MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 4, true, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 0);
}

/* Who does not support it forgets one PASID, not all (PCIe 6.0, 10.5.1.2). */
static void pci_model_not_global(struct kunit *test)
{
	struct model_pci_config config = fake_config;
	struct fake *fake = test->priv;
	u16 cap;

	pci_read_config_word(fake->pdev, fake->pdev->ats_cap + PCI_ATS_CAP,
			     &cap);
	KUNIT_EXPECT_TRUE(test, cap & BIT(6));
	fake_unplug(fake, false);
	config.flags |= MODEL_PCI_NO_GLOBAL;
	fake_plug(test, &config);
	pci_read_config_word(fake->pdev, fake->pdev->ats_cap + PCI_ATS_CAP,
			     &cap);
	KUNIT_EXPECT_FALSE(test, cap & BIT(6));

	fake_enable(test, 0);
	fake_set(fake, 2, 4, FAKE_RW, 1);
	fake_set(fake, 3, 5, FAKE_RW, 1);
	fake_peek(test, MODEL_DMA_PASID, 1, 4 * FAKE_PAGE);
	fake_peek(test, MODEL_DMA_PASID, 2, 5 * FAKE_PAGE);
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 2);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 1, true, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 1);
	KUNIT_EXPECT_TRUE(test, fake_invalidate(fake, true, 2, true, 0, 0));
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 0);
}

/* --- page requests --- */

static void pci_model_requests(struct kunit *test)
{
	struct fake *fake = test->priv;
	u32 flags = MODEL_DMA_PASID | MODEL_DMA_WRITE;
	struct model_dma_result result;
	struct model_dma *dma;
	u32 i;

	fake_enable(test, 512);
	/* Pages 1 to 40, and 3 is there: 32 in the first group without it. */
	fake_set(fake, 2, 3, FAKE_RW, 3);
	dma = fake_start(test, flags, 5, 0x1800, 39 * FAKE_PAGE);
	fake_expect(test, fake, 32);
	for (i = 0; i < 32; i++) {
		struct fake_request *r = &fake->log[i];

		KUNIT_EXPECT_EQ(test, r->tlp.addr, (i + 1 + (i >= 2)) * FAKE_PAGE);
		KUNIT_EXPECT_EQ(test, r->tlp.rid, FAKE_DEVFN);
		KUNIT_EXPECT_TRUE(test, r->tlp.pasid_valid);
		KUNIT_EXPECT_EQ(test, r->tlp.pasid, 5);
		KUNIT_EXPECT_EQ(test, r->tlp.perm, MODEL_WRITE);
		KUNIT_EXPECT_EQ(test, r->grpid, fake->log[0].grpid);
		KUNIT_EXPECT_EQ(test, r->last, i == 31);
		fake_set(fake, 2, i + 1 + (i >= 2), FAKE_RW, i);
	}
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 32);
	KUNIT_EXPECT_EQ(test, fake_state(fake).waiting, 1);
	KUNIT_EXPECT_EQ(test, model_dma_wait(dma, 0, false, &result), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, result.status, MODEL_DMA_PENDING);
	KUNIT_EXPECT_EQ(test, result.done, 0);

	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 31, MODEL_PRG_SUCCESS));
	/* 34 to 40 are left; the DMA ends at 40's middle. */
	fake_expect(test, fake, 32 + 7);
	KUNIT_EXPECT_EQ(test, fake->log[32].tlp.addr, 34 * FAKE_PAGE);
	for (i = 34; i <= 40; i++)
		fake_set(fake, 2, i, FAKE_RW, i);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 38, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, model_dma_wait(dma, 20 * HZ, false, &result), 0);
	KUNIT_EXPECT_EQ(test, result.status, MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, result.done, 39 * FAKE_PAGE);
	KUNIT_EXPECT_EQ(test, result.groups, 2);
	KUNIT_EXPECT_EQ(test, result.requests, 39);
	model_dma_put(dma);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).running, 0);

	/* Not fixed: asked for again. Then it is refused. */
	dma = fake_start(test, MODEL_DMA_PASID, 5, 50 * FAKE_PAGE, 1);
	fake_expect(test, fake, 40);
	KUNIT_EXPECT_EQ(test, fake->log[39].tlp.perm, MODEL_READ);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 39, MODEL_PRG_SUCCESS));
	fake_expect(test, fake, 41);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 40, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_FAULTED);

	/* Refused by the IOMMU itself. */
	fake->unsupported = true;
	KUNIT_EXPECT_EQ(test, fake_dma(test, MODEL_DMA_PASID, 5, 50 * FAKE_PAGE, 1),
			MODEL_DMA_BLOCKED);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
}

static void pci_model_failure(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma[3];
	u32 i;

	fake_enable(test, 2);
	for (i = 0; i < 3; i++)
		dma[i] = fake_start(test, 0, 0, i * FAKE_PAGE, 1);
	fake_expect(test, fake, 2);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 0, MODEL_PRG_FAILURE));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]), MODEL_DMA_HALTED);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x103, 0x001);
	KUNIT_EXPECT_EQ(test, fake_dma(test, 0, 0, 0, 1), MODEL_DMA_HALTED);
	/* One that comes late is dropped. */
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 1, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.stale, 1);
	KUNIT_EXPECT_EQ(test, fake_num(fake), 2);

	pci_disable_pri(fake->pdev);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x103, 0x101);
	KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, 2), 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x103, 0);
	dma[0] = fake_start(test, 0, 0, 0, 1);
	fake_expect(test, fake, 3);
	fake_set(fake, 0, 0, FAKE_RW, 0);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 2, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_OK);
}

/* 128 DMAs with 32 requests allowed, answered in no order. */
static void pci_model_allocation(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma **dma;
	u32 i, num = 128, answered;

	dma = kunit_kcalloc(test, num, sizeof(*dma), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dma);
	fake_enable(test, 32);
	fake->by_pasid = true;
	for (i = 0; i < num; i++)
		dma[i] = fake_start(test, MODEL_DMA_PASID, i,
				    (i % FAKE_PAGES) * FAKE_PAGE, 1);
	fake_expect(test, fake, 32);
	msleep(50);
	KUNIT_EXPECT_EQ(test, fake_num(fake), 32);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 32);
	KUNIT_EXPECT_EQ(test, fake_state(fake).waiting, 32);

	for (answered = 0; answered < num; answered += 32) {
		fake_expect(test, fake, answered + 32);
		for (i = 0; i < 32; i++) {
			/* 7 and 32 have no common divisor. */
			u32 which = answered + i * 7 % 32;

			KUNIT_EXPECT_TRUE(test, fake->log[which].last);
			set_bit(fake->log[which].tlp.pasid, fake->granted);
			KUNIT_EXPECT_TRUE(test, fake_respond(fake, which,
							     MODEL_PRG_SUCCESS));
		}
	}
	for (i = 0; i < num; i++)
		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.stale, 0);
}

static void pci_model_overflow(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma[8];
	u32 i;

	fake_enable(test, 512);
	raw_spin_lock_irq(&fake->lock);
	fake->room = 3;
	raw_spin_unlock_irq(&fake->lock);
	for (i = 0; i < 8; i++)
		dma[i] = fake_start(test, 0, 0, i * FAKE_PAGE, 1);
	fake_expect(test, fake, 3);
	while (!fake_state(fake).counts.overflows)
		usleep_range(500, 1000);
	for (i = 0; i < 8; i++)
		fake_set(fake, 0, i, FAKE_RW, i);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, fake_respond(fake, i, MODEL_PRG_SUCCESS));
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, fake_num(fake), 3);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
}

/*
 * How often a page is asked for, in entries of the log from @first on: all but the last
 * time it is answered, and is not there.
 */
#define PAUSE_ASKS	9U

static struct model_dma *fake_ask(struct kunit *test, u32 first)
{
	struct fake *fake = test->priv;
	struct model_dma *dma;
	u32 i;

	dma = fake_start(test, 0, 0, 9 * FAKE_PAGE, 1);
	for (i = first; i < first + PAUSE_ASKS - 1; i++) {
		fake_expect(test, fake, i + 1);
		KUNIT_EXPECT_TRUE(test, fake_respond(fake, i, MODEL_PRG_SUCCESS));
	}
	fake_expect(test, fake, first + PAUSE_ASKS);
	return dma;
}

/* The last answer is of no use either: the longest pause begins. */
static void fake_pause(struct kunit *test, u32 first)
{
	struct fake *fake = test->priv;
	u64 pauses = fake_state(fake).counts.pauses;
	u32 i;

	KUNIT_EXPECT_TRUE(test, fake_respond(fake, first + PAUSE_ASKS - 1, MODEL_PRG_SUCCESS));
	for (i = 0; fake_state(fake).counts.pauses == pauses && i < 10000; i++)
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.pauses, pauses + 1);
}

/*
 * It was to end in its pause. On a busy machine it may have asked by then, and is answered;
 * no more than that. Returns how many requests there have been.
 */
static u32 fake_pause_ends(struct kunit *test, u32 first)
{
	struct fake *fake = test->priv;
	u32 num = fake_num(fake);

	KUNIT_EXPECT_LE(test, num, first + PAUSE_ASKS + 1);
	if (num > first + PAUSE_ASKS)
		KUNIT_EXPECT_TRUE(test, fake_respond(fake, first + PAUSE_ASKS,
						     MODEL_PRG_SUCCESS));
	else
		KUNIT_EXPECT_EQ(test, fake_state(fake).running, 0);
	return num;
}

/*
 * A page that never comes is asked for three times at once, and then after 4, 8, 16, 32,
 * 64 and 128 ms, as ticks have it. A pause does not outlast what ends the DMA.
 */
static void pci_model_pauses(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma;
	ktime_t start;
	u32 i, num;

	fake_enable(test, 2);
	start = ktime_get();
	dma = fake_ask(test, 0);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), start), 126);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.pauses, PAUSE_ASKS - 3);
	fake_pause(test, 0);
	pci_disable_pri(fake->pdev);
	num = fake_pause_ends(test, 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_STOPPED);
	KUNIT_EXPECT_EQ(test, fake_num(fake), num);

	/* Unless it is told not to */
	KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, 2), 0);
	KUNIT_ASSERT_EQ(test, model_pci_misbehave(fake->f, MODEL_MISBEHAVE_HASTY), 0);
	i = fake_state(fake).counts.pauses;
	dma = fake_ask(test, num);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.pauses, i);
	fake_set(fake, 0, 9, FAKE_RW, 0);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, num + PAUSE_ASKS - 1, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_OK);
}

/* Nor does it outlast the wish to have it, or the function. */
static void pci_model_pause_cut(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma;
	u32 num;

	fake_enable(test, 2);
	dma = fake_ask(test, 0);
	fake_pause(test, 0);
	model_dma_cancel(dma);
	num = fake_pause_ends(test, 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_STOPPED);

	dma = fake_ask(test, num);
	fake_pause(test, num);
	fake_unplug(fake, true);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_GONE);
	/* Its work comes when all else is gone, and has nothing but the lock to look at. */
	KUNIT_EXPECT_NULL(test, fake->fn[FAKE_DEVFN]);
}

static void pci_model_unasked(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma;
	unsigned long before;

	fake_enable(test, 512);
	dma = fake_start(test, MODEL_DMA_PASID, 5, 0, 1);
	fake_expect(test, fake, 1);

	before = model_violations_expect();
	/* The wrong PASID, none, then the right answer twice. */
	KUNIT_EXPECT_FALSE(test, fake_respond_as(fake, 0, true, 4, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_FALSE(test, fake_respond_as(fake, 0, false, 0, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x2, 0);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 0, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_FAULTED);
	KUNIT_EXPECT_FALSE(test, fake_respond(fake, 0, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x2, 0x2);
	KUNIT_EXPECT_EQ(test, model_violations_expected(before), 3);

	/* Cleared by writing 1. */
	pci_write_config_word(fake->pdev, fake->pdev->pri_cap + PCI_PRI_STATUS,
			      PCI_PRI_STATUS_UPRGI);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x2, 0);
}

static void pci_model_pri_off(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma[3];
	unsigned long before;
	u32 i;

	fake_enable(test, 2);
	for (i = 0; i < 3; i++)
		dma[i] = fake_start(test, 0, 0, i * FAKE_PAGE, 1);
	fake_expect(test, fake, 2);
	for (i = 0; fake_state(fake).queued != 1 && i < 10000; i++)
		usleep_range(500, 1000);
	/* What is sent is waited for; what is not ends. */
	pci_disable_pri(fake->pdev);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x100, 0);
	KUNIT_EXPECT_EQ(test, pci_enable_pri(fake->pdev, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_state(fake).running, 2);
	fake_set(fake, 0, fake->log[0].tlp.addr / FAKE_PAGE, FAKE_RW, 0);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 0, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x100, 0);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 1, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x100, 0x100);
	for (i = 0; i < 3; i++) {
		u32 page = fake->log[0].tlp.addr / FAKE_PAGE;

		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]),
				i == page ? MODEL_DMA_OK : MODEL_DMA_STOPPED);
	}
	KUNIT_EXPECT_EQ(test, fake_dma(test, 0, 0, 9 * FAKE_PAGE, 1),
			MODEL_DMA_BLOCKED);

	/* Reset drops what is out there, and an answer to it is no violation. */
	KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, 2), 0);
	dma[0] = fake_start(test, 0, 0, 9 * FAKE_PAGE, 1);
	fake_expect(test, fake, 3);
	pci_disable_pri(fake->pdev);
	KUNIT_EXPECT_EQ(test, pci_reset_pri(fake->pdev), 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x100, 0x100);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_STOPPED);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 2, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status & 0x102, 0x102);

	/* Enabling what has not stopped is a mistake of the driver's. */
	KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, 2), 0);
	dma[0] = fake_start(test, 0, 0, 9 * FAKE_PAGE, 1);
	fake_expect(test, fake, 4);
	before = model_violations_expect();
	pci_disable_pri(fake->pdev);
	pci_write_config_word(fake->pdev, fake->pdev->pri_cap + PCI_PRI_CTRL,
			      PCI_PRI_CTRL_ENABLE);
	KUNIT_EXPECT_EQ(test, model_violations_expected(before), 1);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 3, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_FAULTED);
}

static void pci_model_stop_marker(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct fake_request *marker = &fake->log[2];
	struct model_dma *dma[2];

	fake_enable(test, 2);
	dma[0] = fake_start(test, MODEL_DMA_PASID, 5, 0, 1);
	fake_expect(test, fake, 1);
	dma[1] = fake_start(test, MODEL_DMA_PASID, 6, 0, 1);
	fake_expect(test, fake, 2);
	KUNIT_EXPECT_EQ(test, model_pci_stop_pasid(fake->f, 1 << 20), -EINVAL);
	KUNIT_EXPECT_EQ(test, model_pci_stop_pasid(fake->f, 5), 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_STOPPED);
	fake_expect(test, fake, 3);
	KUNIT_EXPECT_EQ(test, marker->tlp.perm, 0);
	KUNIT_EXPECT_EQ(test, marker->tlp.pasid, 5);
	KUNIT_EXPECT_TRUE(test, marker->tlp.pasid_valid);
	KUNIT_EXPECT_TRUE(test, marker->last);
	/* Its request is outstanding until it is answered. */
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 2);
	KUNIT_EXPECT_EQ(test, fake_state(fake).waiting, 1);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 0, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 1);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.stale, 1);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 1, MODEL_PRG_INVALID));
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[1]), MODEL_DMA_FAULTED);

	/* A DMA that is cancelled leaves its request behind too. */
	dma[0] = fake_start(test, MODEL_DMA_PASID, 5, 0, 1);
	fake_expect(test, fake, 4);
	model_dma_cancel(dma[0]);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_STOPPED);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 1);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 3, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
}

static void pci_model_bare_requests(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_pci_request request = {
		.tlp = { .perm = MODEL_READ, .addr = 0x7000 },
		.count = 2,
		.grpid = 17,
	};

	KUNIT_EXPECT_EQ(test, model_pci_request(fake->f, &request), -EACCES);
	fake_enable(test, 1);
	KUNIT_EXPECT_EQ(test, model_pci_request(fake->f, &request), 0);
	request.last = true;
	KUNIT_EXPECT_EQ(test, model_pci_request(fake->f, &request), 0);
	KUNIT_EXPECT_EQ(test, request.grpid, 17);
	KUNIT_EXPECT_EQ(test, request.sent, 2);
	fake_expect(test, fake, 4);
	KUNIT_EXPECT_EQ(test, fake->log[3].grpid, 17);
	KUNIT_EXPECT_EQ(test, fake->log[3].tlp.addr, 0x8000);
	KUNIT_EXPECT_TRUE(test, fake->log[3].last);
	KUNIT_EXPECT_FALSE(test, fake->log[1].last);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 4);
	KUNIT_EXPECT_EQ(test, model_pci_request(fake->f, &request), -EBUSY);
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 3, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
	request.tlp.perm = 0;
	KUNIT_EXPECT_EQ(test, model_pci_request(fake->f, &request), -EINVAL);
}

/* --- reset, unplug --- */

static void pci_model_flr(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_dma *dma;
	u32 val;

	fake_enable(test, 2);
	fake_set(fake, 0, 0, FAKE_RW, 0);
	KUNIT_EXPECT_EQ(test, fake_dma(test, 0, 0, 0, 1), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 1);
	dma = fake_start(test, 0, 0, 9 * FAKE_PAGE, 1);
	fake_expect(test, fake, 1);

	KUNIT_EXPECT_EQ(test, pcie_reset_flr(fake->pdev, PCI_RESET_DO_RESET), 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma), MODEL_DMA_STOPPED);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.resets, 1);
	KUNIT_EXPECT_EQ(test, fake_state(fake).tlb, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pasid_ctrl, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).ats_ctrl, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_ctrl, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_alloc, 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).pri_status, 0x8100);
	pci_read_config_dword(fake->pdev, PCI_COMMAND, &val);
	KUNIT_EXPECT_EQ(test, val & 0xffff, 0);
	/* The answer to the old one comes after all. */
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, 0, MODEL_PRG_SUCCESS));
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.stale, 1);
}

static void pci_model_unplug_now(struct kunit *test, bool surprise)
{
	struct fake *fake = test->priv;
	struct model_dma *dma[4];
	u32 val, i;

	fake_enable(test, 2);
	for (i = 0; i < 4; i++)
		dma[i] = fake_start(test, 0, 0, i * FAKE_PAGE, 1);
	fake_expect(test, fake, 2);
	fake_unplug(fake, surprise);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]), MODEL_DMA_GONE);
	KUNIT_EXPECT_NULL(test, fake->fn[FAKE_DEVFN]);
	pci_bus_read_config_dword(model_bridge_bus(fake->bridge), FAKE_DEVFN,
				  PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, val, ~0U);
	KUNIT_EXPECT_EQ(test, fake_num(fake), 2);
	/* And in again. */
	fake_plug(test, &fake_config);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.dmas, 0);
}

static void pci_model_unplug_orderly(struct kunit *test)
{
	pci_model_unplug_now(test, false);
}

static void pci_model_unplug_surprise(struct kunit *test)
{
	pci_model_unplug_now(test, true);
}

/* --- interrupts --- */

static irqreturn_t fake_irq(int irq, void *data)
{
	complete(data);
	return IRQ_HANDLED;
}

static void pci_model_msi(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct pci_dev *pdev = fake->pdev;
	struct completion came;
	int irq;

	init_completion(&came);
	KUNIT_EXPECT_TRUE(test, msi_device_has_isolated_msi(&pdev->dev));
	KUNIT_EXPECT_EQ(test, model_pci_send_msi(fake->f), -ENXIO);
	KUNIT_ASSERT_EQ(test, pci_enable_device(pdev), 0);
	pci_set_master(pdev);
	KUNIT_ASSERT_EQ(test, pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI), 1);
	irq = pci_irq_vector(pdev, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, fake_irq, 0, "model", &came), 0);
	KUNIT_EXPECT_EQ(test, model_pci_send_msi(fake->f), 0);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&came, 5 * HZ), 0);

	/* Masked in the function itself: pending until it is unmasked. */
	disable_irq(irq);
	pci_msi_mask_irq(irq_get_irq_data(irq));
	KUNIT_EXPECT_EQ(test, model_pci_send_msi(fake->f), 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.msis, 1);
	enable_irq(irq);
	pci_msi_unmask_irq(irq_get_irq_data(irq));
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&came, 5 * HZ), 0);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.msis, 2);

	free_irq(irq, &came);
	pci_free_irq_vectors(pdev);
	pci_disable_device(pdev);
	KUNIT_EXPECT_EQ(test, model_pci_send_msi(fake->f), -ENXIO);
	KUNIT_EXPECT_EQ(test, fake_state(fake).counts.msis, 2);
}

/* --- virtual functions --- */

static void pci_model_vfs(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct model_pci_config config = fake_config;
	struct model_pci_function *f[2];
	struct iommu_group *group[2];
	struct model_dma *dma[3];
	struct pci_dev *vf[2];
	u32 i;

	fake_unplug(fake, false);
	config.num_vfs = 3;
	fake_plug(test, &config);
	fake_enable(test, 64);
	KUNIT_EXPECT_EQ(test, pci_sriov_get_totalvfs(fake->pdev), 3);
	KUNIT_ASSERT_EQ(test, model_pci_set_vfs(fake->bridge, fake->pdev, 2), 0);
	for (i = 0; i < 2; i++) {
		vf[i] = pci_get_slot(model_bridge_bus(fake->bridge),
				     FAKE_DEVFN + 1 + i);
		KUNIT_ASSERT_NOT_NULL(test, vf[i]);
		f[i] = model_pci_get(fake->bridge, FAKE_DEVFN + 1 + i);
		KUNIT_ASSERT_NOT_NULL(test, f[i]);
		KUNIT_EXPECT_TRUE(test, vf[i]->is_virtfn);
		KUNIT_EXPECT_TRUE(test, pci_device_is_present(vf[i]));
		KUNIT_EXPECT_EQ(test, vf[i]->pasid_cap, 0);
		KUNIT_EXPECT_EQ(test, vf[i]->pri_cap, 0);
		KUNIT_EXPECT_EQ(test, pci_enable_pasid(vf[i], 0), 0);
		KUNIT_EXPECT_EQ(test, pci_enable_pri(vf[i], 1), 0);
		group[i] = pci_device_group(&vf[i]->dev);
	}
	KUNIT_EXPECT_PTR_NE(test, group[0], group[1]);
	for (i = 0; i < 2; i++)
		iommu_group_put(group[i]);

	/* ATS and bus mastering are each one's own. */
	for (i = 0; i < 2; i++)
		fake_set(fake, 0, i, FAKE_RW, i);
	KUNIT_EXPECT_EQ(test, fake_end(test, fake_start_on(test, f[0], 0, 0, 0, 1)),
			MODEL_DMA_DISABLED);
	pci_set_master(vf[0]);
	pci_set_master(vf[1]);
	KUNIT_ASSERT_EQ(test, pci_enable_ats(vf[0], PAGE_SHIFT), 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, fake_start_on(test, f[0], 0, 0, 0, 1)),
			MODEL_DMA_OK);
	KUNIT_EXPECT_TRUE(test, fake->translated);
	KUNIT_EXPECT_EQ(test, fake_end(test, fake_start_on(test, f[1], 0, 0, 0, 1)),
			MODEL_DMA_OK);
	KUNIT_EXPECT_FALSE(test, fake->translated);
	KUNIT_ASSERT_EQ(test, pci_enable_ats(vf[1], PAGE_SHIFT), 0);

	/* Page requests are shared: failure on one halts all. */
	for (i = 0; i < 3; i++)
		dma[i] = fake_start_on(test, i ? f[i - 1] : fake->f,
				       MODEL_DMA_PASID, 5, 9 * FAKE_PAGE, 1);
	fake_expect(test, fake, 3);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 3);
	KUNIT_EXPECT_EQ(test, fake_state(fake).waiting, 1);
	for (i = 0; fake->log[i].tlp.rid != FAKE_DEVFN + 2; i++)
		;
	KUNIT_EXPECT_TRUE(test, fake_respond(fake, i, MODEL_PRG_FAILURE));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fake_end(test, dma[i]), MODEL_DMA_HALTED);

	/* Switched off, a VF is gone; its DMAs end. */
	pci_disable_pri(fake->pdev);
	KUNIT_ASSERT_EQ(test, pci_enable_pri(fake->pdev, 64), 0);
	dma[0] = fake_start_on(test, f[0], MODEL_DMA_PASID, 5, 9 * FAKE_PAGE, 1);
	fake_expect(test, fake, 4);
	KUNIT_EXPECT_EQ(test, model_pci_set_vfs(fake->bridge, fake->pdev, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, dma[0]), MODEL_DMA_STOPPED);
	KUNIT_EXPECT_EQ(test, fake_state(fake).outstanding, 0);
	KUNIT_EXPECT_EQ(test, fake_end(test, fake_start_on(test, f[0], 0, 0, 0, 1)),
			MODEL_DMA_GONE);
	for (i = 0; i < 2; i++) {
		pci_dev_put(vf[i]);
		model_pci_put(f[i]);
	}
}

static int pci_model_init(struct kunit *test)
{
	struct fake *fake = kvzalloc(sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	raw_spin_lock_init(&fake->lock);
	fake->port.ops = &fake_ops;
	fake->room = U32_MAX;
	test->priv = fake;
	fake->bridge = model_bridge_create(&fake->port);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fake->bridge));
	fake_plug(test, &fake_config);
	return 0;
}

static void pci_model_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	if (!fake)
		return;
	if (!IS_ERR_OR_NULL(fake->bridge)) {
		if (fake->f)
			fake_unplug(fake, false);
		model_bridge_destroy(fake->bridge);
	}
	for (i = 0; i < ARRAY_SIZE(fake->fn); i++)
		KUNIT_EXPECT_NULL(test, fake->fn[i]);
	kvfree(fake);
}

static struct kunit_case pci_model_cases[] = {
	KUNIT_CASE(pci_model_config),
	KUNIT_CASE(pci_model_plug),
	KUNIT_CASE(pci_model_untranslated),
	KUNIT_CASE(pci_model_permissions),
	KUNIT_CASE(pci_model_modes_off),
	KUNIT_CASE(pci_model_tlb),
	KUNIT_CASE(pci_model_global),
	KUNIT_CASE(pci_model_not_global),
	KUNIT_CASE(pci_model_requests),
	KUNIT_CASE(pci_model_failure),
	KUNIT_CASE(pci_model_allocation),
	KUNIT_CASE(pci_model_overflow),
	KUNIT_CASE(pci_model_pauses),
	KUNIT_CASE(pci_model_pause_cut),
	KUNIT_CASE(pci_model_unasked),
	KUNIT_CASE(pci_model_pri_off),
	KUNIT_CASE(pci_model_stop_marker),
	KUNIT_CASE(pci_model_bare_requests),
	KUNIT_CASE(pci_model_flr),
	KUNIT_CASE(pci_model_unplug_orderly),
	KUNIT_CASE(pci_model_unplug_surprise),
	KUNIT_CASE(pci_model_msi),
	KUNIT_CASE_SLOW(pci_model_vfs),
	{}
};

static struct kunit_suite pci_model_suite = {
	.name = "iommufd_model_pci",
	.init = pci_model_init,
	.exit = pci_model_exit,
	.test_cases = pci_model_cases,
};

kunit_test_suite(pci_model_suite);
