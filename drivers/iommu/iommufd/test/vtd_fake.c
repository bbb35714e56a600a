// SPDX-License-Identifier: GPL-2.0-only
/* A VT-d unit that records what the driver does to it. */
#include <linux/slab.h>

#include "../vtd/owed.h"
#include "vtd_fake.h"

static struct vtd_fake *to_fake(struct vtd_unit *unit)
{
	return container_of(unit, struct vtd_fake, unit);
}

u32 vtd_fake_reg32(struct vtd_fake *fake, unsigned int reg)
{
	u32 val;

	memcpy(&val, fake->regs + reg, sizeof(val));
	return val;
}

u64 vtd_fake_reg64(struct vtd_fake *fake, unsigned int reg)
{
	u64 val;

	memcpy(&val, fake->regs + reg, sizeof(val));
	return val;
}

void vtd_fake_set32(struct vtd_fake *fake, unsigned int reg, u32 val)
{
	memcpy(fake->regs + reg, &val, sizeof(val));
}

void vtd_fake_set64(struct vtd_fake *fake, unsigned int reg, u64 val)
{
	memcpy(fake->regs + reg, &val, sizeof(val));
}

static u32 fake_read32(struct vtd_unit *unit, unsigned int reg)
{
	struct vtd_fake *fake = to_fake(unit);

	if (fake->on_read)
		fake->on_read(fake, reg);
	return vtd_fake_reg32(fake, reg);
}

static u64 fake_read64(struct vtd_unit *unit, unsigned int reg)
{
	return vtd_fake_reg64(to_fake(unit), reg);
}

static void fake_write32(struct vtd_unit *unit, unsigned int reg, u32 val)
{
	struct vtd_fake *fake = to_fake(unit);

	if (!fake->on_write || !fake->on_write(fake, reg, sizeof(val), val))
		vtd_fake_set32(fake, reg, val);
}

static void fake_write64(struct vtd_unit *unit, unsigned int reg, u64 val)
{
	struct vtd_fake *fake = to_fake(unit);

	if (!fake->on_write || !fake->on_write(fake, reg, sizeof(val), val))
		vtd_fake_set64(fake, reg, val);
}

static int fake_command(struct vtd_unit *unit, u32 bit, bool on)
{
	struct vtd_fake *fake = to_fake(unit);
	u32 status = vtd_fake_reg32(fake, DMAR_GSTS_REG);

	vtd_fake_set32(fake, DMAR_GSTS_REG, on ? status | bit : status & ~bit);
	return 0;
}

static int fake_submit(struct vtd_unit *unit, struct qi_desc *descs,
		       unsigned int num, bool drain)
{
	struct vtd_fake *fake = to_fake(unit);
	unsigned long flags;
	unsigned int i;
	int rc = 0;

	KUNIT_EXPECT_GT(fake->test, num, 0);
	KUNIT_EXPECT_LE(fake->test, num, VTD_SUBMIT_MAX);
	if (fake->on_submit)
		rc = fake->on_submit(fake, descs, num, drain);

	spin_lock_irqsave(&fake->lock, flags);
	for (i = 0; i < num; i++) {
		if (fake->num_log == VTD_FAKE_LOG_MAX) {
			KUNIT_FAIL(fake->test, "more descriptors than the log holds");
			break;
		}
		fake->log[fake->num_log++] = (struct vtd_fake_entry){
			.desc = descs[i],
			.submit = fake->num_submits,
			.drain = drain,
		};
	}
	fake->num_submits++;
	spin_unlock_irqrestore(&fake->lock, flags);
	return rc;
}

static void fake_clean(struct vtd_unit *unit, void *addr, size_t size)
{
	struct vtd_fake *fake = to_fake(unit);

	fake->cleans++;
	if (fake->on_clean)
		fake->on_clean(fake, addr, size);
}

static int fake_irq_request(struct vtd_unit *unit, enum vtd_irq which,
			    irq_handler_t hard, irq_handler_t thread,
			    void *data)
{
	struct vtd_fake *fake = to_fake(unit);

	fake->hard[which] = hard;
	fake->thread[which] = thread;
	fake->irq_data[which] = data;
	return 0;
}

static void fake_irq_free(struct vtd_unit *unit, enum vtd_irq which, void *data)
{
	struct vtd_fake *fake = to_fake(unit);

	KUNIT_EXPECT_PTR_EQ(fake->test, fake->irq_data[which], data);
	fake->hard[which] = NULL;
	fake->thread[which] = NULL;
}

static bool fake_owns(struct vtd_unit *unit, struct pci_dev *pdev)
{
	return false;
}

static const struct vtd_door_ops fake_door = {
	.read32 = fake_read32,
	.read64 = fake_read64,
	.write32 = fake_write32,
	.write64 = fake_write64,
	.command = fake_command,
	.submit = fake_submit,
	.clean = fake_clean,
	.irq_request = fake_irq_request,
	.irq_free = fake_irq_free,
	.owns = fake_owns,
};

void vtd_fake_interrupt(struct vtd_fake *fake, enum vtd_irq which)
{
	irqreturn_t ret = IRQ_WAKE_THREAD;
	unsigned long flags;

	if (fake->hard[which]) {
		local_irq_save(flags);
		ret = fake->hard[which](0, fake->irq_data[which]);
		local_irq_restore(flags);
	}
	if (ret == IRQ_WAKE_THREAD && fake->thread[which])
		fake->thread[which](0, fake->irq_data[which]);
}

void vtd_fake_forget(struct vtd_fake *fake)
{
	fake->num_log = 0;
	fake->num_submits = 0;
	fake->cleans = 0;
}

/* As when a unit stops: what a test let it owe is no other test's. */
static void stop_owing(void *data)
{
	struct vtd_fake *fake = data;

	vtd_owed_exit(&fake->unit);
}

struct vtd_fake *vtd_fake_new(struct kunit *test, u64 cap, u64 ecap)
{
	struct vtd_fake *fake;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->log = kunit_kcalloc(test, VTD_FAKE_LOG_MAX, sizeof(*fake->log),
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->log);
	fake->test = test;
	spin_lock_init(&fake->lock);
	vtd_fake_set64(fake, DMAR_CAP_REG, cap);
	vtd_fake_set64(fake, DMAR_ECAP_REG, ecap);

	fake->unit.door = &fake_door;
	fake->unit.cap = cap;
	fake->unit.ecap = ecap;
	vtd_caps_decode(&fake->unit.caps, cap, ecap);
	mutex_init(&fake->unit.lock);
	mutex_init(&fake->unit.events_lock);
	spin_lock_init(&fake->unit.context_lock);
	tag_ids_init(&fake->unit.dids);
	xa_init(&fake->unit.devices);
	strscpy(fake->unit.name, "fake");
	vtd_owed_init(&fake->unit);
	/* Tests say when somebody looks */
	fake->unit.owed.delay = 0;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_owing, fake),
			0);
	return fake;
}

struct vtd_device *vtd_fake_device(struct vtd_fake *fake, u16 rid,
				   u32 max_pasids)
{
	struct vtd_device *device;

	device = kunit_kzalloc(fake->test, sizeof(*device), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(fake->test, device);
	device->unit = &fake->unit;
	device->rids[0] = rid;
	device->num_rids = 1;
	device->pfsid = rid;
	device->max_pasids = max_pasids;
	device->pasid_enabled = max_pasids > 1;
	device->prg_pasid = true;
	device->ats_qdep = 1;
	device->ats_global = true;
	xa_init(&device->attachments);
	return device;
}
