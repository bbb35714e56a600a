// SPDX-License-Identifier: GPL-2.0-only
/* What the page request suites share. */
#include <kunit/device.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "vtd_prq_kunit.h"

/* Page request status (11.4.11.3). */
#define PT_PPR		BIT(0)
#define PT_PRO		BIT(1)

static u32 pt_status(struct pt *pt)
{
	return vtd_fake_reg32(pt->fake, DMAR_PRS_REG);
}

static u32 pt_head(struct pt *pt)
{
	return vtd_fake_reg64(pt->fake, DMAR_PQH_REG) >> 5;
}

/*
 * The unit gets a page request. False: it is lost, because the queue is full, or
 * was and software has not said that it knows (7.4.2).
 */
bool pt_entry(struct pt *pt, const u64 *qw)
{
	u32 next = (pt->tail + 1) % VTD_PRQ_ENTRIES;
	unsigned long flags;
	bool taken = false;
	u32 status;

	spin_lock_irqsave(&pt->lock, flags);
	status = pt_status(pt);
	next = (pt->tail + 1) % VTD_PRQ_ENTRIES;
	if (status & PT_PRO) {
		pt->dropped++;
	} else if (next == pt_head(pt)) {
		pt->dropped++;
		status |= PT_PRO;
	} else {
		memcpy(pt->ring[pt->tail], qw, sizeof(pt->ring[0]));
		pt->tail = next;
		/* The entry, then the tail; the driver reads them the other way. */
		smp_wmb();
		vtd_fake_set64(pt->fake, DMAR_PQT_REG, (u64)pt->tail << 5);
		if (!(status & PT_PPR))
			pt->pending = true;
		status |= PT_PPR;
		taken = true;
	}
	vtd_fake_set32(pt->fake, DMAR_PRS_REG, status);
	spin_unlock_irqrestore(&pt->lock, flags);
	return taken;
}

/* @pasid: FT_NO_PASID for none. */
bool pt_request(struct pt *pt, u16 rid, u32 pasid, u32 grpid, u64 addr,
		u32 bits)
{
	u64 qw[4] = {};

	qw[0] = 0x01 | (u64)rid << 16;
	if (pasid != FT_NO_PASID)
		qw[0] |= BIT_ULL(8) | (u64)pasid << 32;
	if (bits & PT_X)
		qw[0] |= BIT_ULL(52);
	if (bits & PT_P)
		qw[0] |= BIT_ULL(53);
	qw[1] = (addr & ~0xfffULL) | grpid << 3 | (bits & 7);
	return pt_entry(pt, qw);
}

static void pt_step(struct pt *pt)
{
	pt->steps++;
	if (pt->on_step)
		pt->on_step(pt);
}

static bool pt_write(struct vtd_fake *fake, unsigned int reg, unsigned int size,
		     u64 val)
{
	struct pt *pt = fake->priv;
	unsigned long flags;
	u32 head;

	if (reg != DMAR_PRS_REG && reg != DMAR_PQH_REG)
		return false;
	pt_step(pt);
	spin_lock_irqsave(&pt->lock, flags);
	if (reg == DMAR_PRS_REG) {
		vtd_fake_set32(fake, reg, pt_status(pt) & ~(u32)val);
		/*
		 * The line is masked while the handler runs: what is pending is
		 * forgotten with the status that it was for (11.4.11.4, IP).
		 */
		if (!pt_status(pt))
			pt->pending = false;
	} else {
		KUNIT_EXPECT_EQ(pt->test, val & ~0xffe0ULL, 0);
		head = val >> 5;
		pt->max_freed = max(pt->max_freed, (head - pt->freed) %
						   VTD_PRQ_ENTRIES);
		pt->freed = head;
		vtd_fake_set64(fake, reg, val);
	}
	spin_unlock_irqrestore(&pt->lock, flags);
	return true;
}

static int pt_submit(struct vtd_fake *fake, const struct qi_desc *descs,
		     unsigned int num, bool drain)
{
	struct pt *pt = fake->priv;

	pt->submits = true;
	pt_step(pt);
	pt->submits = false;
	return 0;
}

bool pt_take_interrupt(struct pt *pt)
{
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&pt->lock, flags);
	pending = pt->pending;
	pt->pending = false;
	pt->interrupts += pending;
	spin_unlock_irqrestore(&pt->lock, flags);
	return pending;
}

/* Raise what is pending; afterwards nothing may be left behind. */
void pt_interrupt(struct pt *pt)
{
	while (pt_take_interrupt(pt))
		vtd_fake_interrupt(pt->fake, VTD_IRQ_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(pt->test, pt_head(pt), pt->tail);
	KUNIT_EXPECT_EQ(pt->test, pt_status(pt) & PT_PRO, 0);
}

static int pt_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	struct pt_function *fn = container_of(bus, struct pt_function, bus);

	*val = 0;
	memcpy(val, fn->config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int pt_config_write(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 val)
{
	struct pt_function *fn = container_of(bus, struct pt_function, bus);

	if (where == PT_PRI + PCI_PRI_CTRL && fn->on_control)
		fn->on_control(fn, val);
	/* RF and UPRGI are RW1C, the rest is read-only (PCIe 6.0, 10.5.2.3) */
	if (where == PT_PRI + PCI_PRI_STATUS)
		val = get_unaligned_le16(fn->config + where) &
		      ~(val & (PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI));
	memcpy(fn->config + where, &val, size);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops pt_config_ops = {
	.read = pt_config_read,
	.write = pt_config_write,
};

static void pt_function_init(struct pt *pt, int i, u32 outstanding)
{
	struct pt_function *fn = &pt->fn[i];
	char name[] = "vtd-prq-test-0";
	struct vtd_device *device;

	name[sizeof(name) - 2] += i;
	fn->dev = kunit_device_register(pt->test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(pt->test, fn->dev);
	fn->bus.ops = &pt_config_ops;
	fn->pdev.bus = &fn->bus;
	fn->pdev.cfg_size = sizeof(fn->config);
	fn->pdev.error_state = pci_channel_io_normal;
	fn->pdev.pri_cap = PT_PRI;
	put_unaligned_le32(outstanding, fn->config + PT_PRI + PCI_PRI_MAX_REQ);
	put_unaligned_le16(PCI_PRI_STATUS_STOPPED,
			   fn->config + PT_PRI + PCI_PRI_STATUS);

	device = vtd_fake_device(pt->fake, PT_RID(i), BIT(20));
	device->dev = fn->dev;
	device->pdev = &fn->pdev;
	device->ats = true;
	fn->device = device;
	KUNIT_ASSERT_EQ(pt->test, vtd_pasid_dir_alloc(device), 0);
	mutex_lock(&pt->fake->unit.lock);
	KUNIT_ASSERT_EQ(pt->test, vtd_context_install(device), 0);
	KUNIT_ASSERT_FALSE(pt->test,
			   xa_is_err(xa_store(&pt->fake->unit.devices,
					      PT_RID(i), device, GFP_KERNEL)));
	mutex_unlock(&pt->fake->unit.lock);
	device->source =
		iommufd_fault_source_register(fn->dev, &pt->fake->unit.fault_unit,
					      vtd_pri_allocation(&fn->pdev),
					      device);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(pt->test, device->source);
	pt->ft.dev[i] = fn->dev;
	pt->ft.source[i] = device->source;
}

/*
 * @depth: of the queue. @outstanding: requests that each function says it can
 * have outstanding.
 */
struct pt *pt_new(struct kunit *test, u32 depth, u32 outstanding)
{
	struct fault_queue_params params = {
		.depth = depth,
		.extended = true,
	};
	struct pt *pt = kunit_kzalloc(test, sizeof(*pt), GFP_KERNEL);
	struct vtd_unit *unit;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, pt);
	pt->test = test;
	spin_lock_init(&pt->lock);
	pt->fake = vtd_fake_new(test, PT_CAP, PT_ECAP);
	pt->fake->priv = pt;
	unit = &pt->fake->unit;
	unit->fault_unit.ops = &vtd_fault_unit_ops;
	KUNIT_ASSERT_EQ(test, vtd_root_alloc(unit), 0);
	KUNIT_ASSERT_EQ(test, vtd_prq_start(unit), 0);
	KUNIT_ASSERT_NOT_NULL(test, unit->prq);
	pt->ring = phys_to_virt(vtd_fake_reg64(pt->fake, DMAR_PQA_REG) &
				~0xfffULL);

	pt->ft.test = test;
	pt->ft.records = 512;
	pt->ft.recs = kunit_kcalloc(test, pt->ft.records,
				    sizeof(*pt->ft.recs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pt->ft.recs);
	ft_queue(&pt->ft, &params);
	for (i = 0; i < PT_DEVS; i++)
		pt_function_init(pt, i, outstanding);
	vtd_fake_set32(pt->fake, DMAR_PRS_REG, 0);
	pt->fake->on_write = pt_write;
	pt->fake->on_submit = pt_submit;
	vtd_fake_forget(pt->fake);
	return pt;
}

/* Every attach is gone; so is then every request. */
void pt_done(struct pt *pt)
{
	struct vtd_unit *unit = &pt->fake->unit;
	int i;

	pt->on_step = NULL;
	for (i = 0; i < PT_DEVS; i++) {
		struct vtd_device *device = pt->fn[i].device;

		KUNIT_EXPECT_EQ(pt->test,
				fault_source_outstanding(device->source), 0);
		xa_erase(&unit->devices, PT_RID(i));
		synchronize_rcu();
		iommufd_fault_source_unregister(device->source);
		mutex_lock(&unit->lock);
		vtd_context_remove(device);
		mutex_unlock(&unit->lock);
		vtd_pasid_dir_free(device);
	}
	ft_queue_free(&pt->ft, pt->ft.queue);
	vtd_prq_stop(unit);
	vtd_root_free(unit);
}

struct iommufd_fault_attach *pt_attach(struct pt *pt, int fn, ioasid_t pasid)
{
	struct iommufd_fault_attach *attach = ft_attach(&pt->ft, fn, pasid);

	vtd_fake_forget(pt->fake);
	return attach;
}

/* How often a group was answered so (7.7.1, page group response descriptor). */
unsigned int pt_responses(struct pt *pt, u16 rid, u32 pasid, u32 grpid,
			  u32 code)
{
	u64 qw0 = 0x9 | (u64)code << 12 | (u64)rid << 16;
	unsigned int i, num = 0;

	if (pasid != FT_NO_PASID)
		qw0 |= BIT_ULL(4) | (u64)pasid << 32;
	for (i = 0; i < pt->fake->num_log; i++) {
		const struct qi_desc *desc = &pt->fake->log[i].desc;

		num += desc->qw0 == qw0 &&
		       (desc->qw1 & 0xff8) >> 3 == grpid;
	}
	return num;
}

unsigned int pt_all_responses(struct pt *pt)
{
	unsigned int i, num = 0;

	for (i = 0; i < pt->fake->num_log; i++)
		num += (pt->fake->log[i].desc.qw0 & 0xf) == 0x9;
	return num;
}

struct vtd_prq_stats pt_stats(struct pt *pt)
{
	struct vtd_prq_stats stats;

	vtd_prq_get_stats(&pt->fake->unit, &stats);
	return stats;
}
