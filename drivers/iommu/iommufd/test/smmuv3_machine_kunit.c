// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the SMMUv3 driver on the model, what is neither tables nor flushing: each
 * interrupt, by each way that it can be connected (IHI 0070 3.18), and without it;
 * records that the unit could not write (7.2.2, 8.2); DMA aliases that functions share.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "../pci_pri.h"
#include "../smmuv3/faults_internal.h"
#include "smmuv3_rig.h"

#define IOVA		0x10000000
#define NOWHERE		0x20000000
/* 6.3.1 */
#define IDR0_MSI	BIT(13)
#define IDR0_PRI	BIT(16)
#define IDR0_STALL_MODEL	GENMASK(25, 24)
#define IDR0_STALL_ALWAYS	BIT(25)
/* Milliseconds for what another thread does; under load it takes long */
#define PATIENCE_MS	60000

/**
 * struct mt - a machine, and a page that its functions reach
 * @rig: the machine
 * @domain: of stage 1, with @page at IOVA
 * @page: of memory
 */
struct mt {
	struct smmuv3_rig rig;
	struct smmuv3_domain *domain;
	u8 *page;
};

static void mt_start(struct kunit *test, struct mt *mt,
		     const struct smmuv3_machine_config *config, u32 flags,
		     unsigned int num)
{
	struct iommu_domain *domain;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, smmuv3_rig_create(&mt->rig, config, flags, 0,
						num), 0);
	mt->page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mt->page);
	mt->domain = smmuv3_paging_alloc(&mt->rig.machine->unit, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mt->domain));
	/* As the core fills it in */
	domain = &mt->domain->domain;
	KUNIT_ASSERT_EQ(test, iommu_map(domain, IOVA, virt_to_phys(mt->page),
					PAGE_SIZE, IOMMU_READ | IOMMU_WRITE,
					GFP_KERNEL), 0);
	for (i = 0; i < num; i++)
		KUNIT_ASSERT_EQ(test, smmuv3_attach(mt->domain,
						    mt->rig.device[i],
						    IOMMU_NO_PASID), 0);
}

static void mt_stop(struct mt *mt)
{
	unsigned int i;

	for (i = 0; i < mt->rig.num; i++)
		smmuv3_detach(mt->rig.device[i], IOMMU_NO_PASID);
	smmuv3_rig_free(mt->domain);
	smmuv3_rig_destroy(&mt->rig);
}

static void mt_until(struct kunit *test, const atomic64_t *count, u64 want)
{
	unsigned int i;

	for (i = 0; i < PATIENCE_MS / 20; i++) {
		if (atomic64_read(count) >= want)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(count), want);
}

/* An access that is nobody's page: an event. */
static void mt_fault(struct kunit *test, struct mt *mt)
{
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, smmuv3_rig_dma(&mt->rig, 0, IOMMU_NO_PASID,
					     MODEL_DMA_UNTRANSLATED, NOWHERE,
					     &byte, 1), MODEL_DMA_BLOCKED);
}

/* A page request, the last of its group: refused, as nobody listens. 0 or -EIO. */
static int mt_try_request(struct mt *mt)
{
	struct model_pci_request request = {
		.tlp = { .addr = NOWHERE, .perm = MODEL_READ },
		.count = 1,
		.last = true,
	};

	return model_pci_request(mt->rig.fn[0], &request);
}

static void mt_request(struct kunit *test, struct mt *mt)
{
	KUNIT_EXPECT_EQ(test, mt_try_request(mt), 0);
}

static u64 mt_requests(struct mt *mt)
{
	struct smmuv3_fault_stats stats;

	smmuv3_faults_get_stats(&mt->rig.machine->unit, &stats);
	return stats.requests;
}

static void mt_until_requests(struct kunit *test, struct mt *mt, u64 want)
{
	unsigned int i;

	for (i = 0; i < PATIENCE_MS / 20 && mt_requests(mt) < want; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, mt_requests(mt), want);
}

/* IRQ_CFG2 of events, page requests and errors: MEMATTR is Device-nGnRE (3.18). */
static const unsigned int msi_cfg2[] = { 0xbc, 0xdc, 0x74 };

static void machine_interrupts(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.irqs = (uintptr_t)test->param_value - 1,
	};
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct smmuv3_model_counts *counts;
	struct smmuv3_unit *unit;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	counts = kunit_kzalloc(test, sizeof(*counts), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, counts);
	mt_start(test, mt, &config, MODEL_PCI_ATS | MODEL_PCI_PRI, 1);
	unit = &mt->rig.machine->unit;
	KUNIT_EXPECT_EQ(test, mt->rig.machine->irqs.msi,
			config.irqs == SMMUV3_MACHINE_MSIS);
	KUNIT_EXPECT_EQ(test, mt->rig.machine->irqs.num_handlers,
			config.irqs == SMMUV3_MACHINE_COMBINED ? 3 : 0);
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(mt->rig.device[0]), 0);
	for (i = 1; i <= 3; i++) {
		mt_fault(test, mt);
		mt_until(test, &unit->faults, i);
		mt_request(test, mt);
		mt_until_requests(test, mt, i);
		smmuv3_model_inject(mt->rig.machine->model,
				    SMMUV3_MODEL_INJECT_EVENT_ABT, 1);
		mt_fault(test, mt);
		mt_until(test, &unit->gerrors, i);
		mt_until(test, &unit->queue_aborts, i);
		smmuv3_lost_settle(unit);
	}
	smmuv3_model_counts(mt->rig.machine->model, counts);
	/* Of events, page requests and errors */
	KUNIT_EXPECT_EQ(test, counts->msis,
			config.irqs == SMMUV3_MACHINE_MSIS ? 3 * 3 : 0);
	for (i = 0; counts->msis && i < ARRAY_SIZE(msi_cfg2); i++)
		KUNIT_EXPECT_EQ(test,
				smmuv3_model_read(mt->rig.machine->model,
						  msi_cfg2[i], sizeof(u32)), 1);
	smmuv3_pri_disable(mt->rig.device[0]);
	mt_stop(mt);
}

/*
 * None of them comes, however it is connected: a drain finds what is in both queues, and
 * the unit tells again; and it finds that a queue could not be written.
 */
static void machine_interrupts_lost(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.irqs = (uintptr_t)test->param_value - 1,
	};
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct smmuv3_model *model;
	struct smmuv3_unit *unit;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	mt_start(test, mt, &config, MODEL_PCI_ATS | MODEL_PCI_PRI, 1);
	model = mt->rig.machine->model;
	unit = &mt->rig.machine->unit;
	KUNIT_ASSERT_EQ(test, smmuv3_pri_enable(mt->rig.device[0]), 0);

	smmuv3_model_inject(model, SMMUV3_MODEL_INJECT_LOSE_IRQS, ~0UL);
	for (i = 0; i < 3; i++) {
		mt_fault(test, mt);
		mt_request(test, mt);
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->faults), 0);
	KUNIT_EXPECT_EQ(test, mt_requests(mt), 0);
	smmuv3_events_drain(unit);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->faults), 3);
	smmuv3_faults_drain(mt->rig.device[0], IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, mt_requests(mt), 3);

	smmuv3_model_inject(model, SMMUV3_MODEL_INJECT_EVENT_ABT, 1);
	mt_fault(test, mt);
	KUNIT_EXPECT_NE(test, smmuv3_gerror_active(unit), 0);
	smmuv3_faults_drain(mt->rig.device[0], IOMMU_NO_PASID);
	smmuv3_lost_settle(unit);
	KUNIT_EXPECT_EQ(test, smmuv3_gerror_active(unit), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->queue_aborts), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->gerrors), 0);

	smmuv3_model_inject(model, SMMUV3_MODEL_INJECT_LOSE_IRQS, 0);
	mt_fault(test, mt);
	mt_until(test, &unit->faults, 4);
	mt_request(test, mt);
	mt_until_requests(test, mt, 4);
	smmuv3_pri_disable(mt->rig.device[0]);
	mt_stop(mt);
}

static const void *machine_irqs_params(const void *prev, char *desc)
{
	static const char * const names[] = { "wires", "combined", "MSIs" };
	/* NULL is the end, so they count from 1 */
	uintptr_t next = prev ? (uintptr_t)prev + 1 : 1;

	if (next > ARRAY_SIZE(names))
		return NULL;
	strscpy(desc, names[next - 1], KUNIT_PARAM_DESC_SIZE);
	return (void *)next;
}

/* A unit without page requests has no MSI for them. */
static void machine_msis_without_pri(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.idr0 = smmuv3_model_idr0 & ~IDR0_PRI,
		.irqs = SMMUV3_MACHINE_MSIS,
	};
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct machine_msi *msi;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	mt_start(test, mt, &config, MODEL_PCI_ATS, 1);
	msi = mt->rig.machine->msis.msi;
	KUNIT_EXPECT_NE(test, msi[SMMUV3_IRQ_GERROR].irq, 0);
	KUNIT_EXPECT_NE(test, msi[SMMUV3_IRQ_EVTQ].irq, 0);
	KUNIT_EXPECT_EQ(test, msi[SMMUV3_IRQ_PRIQ].irq, 0);
	mt_fault(test, mt);
	mt_until(test, &mt->rig.machine->unit.faults, 1);
	mt_stop(mt);
}

/* Firmware would have MSIs, the unit has none: there is no interrupt at all. */
static void machine_no_msis(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.idr0 = smmuv3_model_idr0 & ~IDR0_MSI,
		.irqs = SMMUV3_MACHINE_MSIS,
	};
	struct smmuv3_machine *machine = smmuv3_machine_create(&config);

	KUNIT_EXPECT_PTR_EQ(test, machine, ERR_PTR(-ENXIO));
	if (!IS_ERR(machine))
		smmuv3_machine_destroy(machine);
}

/* A page request that was lost: the function waits, until its interface is reset. */
static void machine_request_lost(struct kunit *test)
{
	static const struct smmuv3_machine_config config;
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct smmuv3_device *device;
	struct smmuv3_unit *unit;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	mt_start(test, mt, &config, MODEL_PCI_ATS | MODEL_PCI_PRI, 1);
	unit = &mt->rig.machine->unit;
	device = mt->rig.device[0];
	for (i = 1; i <= 4; i++) {
		u64 requests = mt_requests(mt);

		/* By the door, as an attach does it */
		struct iommufd_fault_hold *hold =
			iommufd_fault_hold_new(device->dev, 0);

		KUNIT_ASSERT_FALSE(test, IS_ERR(hold));
		/* The unit answers (8.2), or nobody does */
		smmuv3_model_inject(mt->rig.machine->model,
				    i % 2 ? SMMUV3_MODEL_INJECT_PRI_ASYNC :
					    SMMUV3_MODEL_INJECT_PRI_ABT, 1);
		KUNIT_EXPECT_EQ(test, mt_try_request(mt), i % 2 ? 0 : -EIO);
		mt_until(test, &unit->queue_aborts, i);
		smmuv3_lost_settle(unit);
		KUNIT_EXPECT_TRUE(test, device->pri_open);
		KUNIT_EXPECT_FALSE(test,
				   iommufd_pci_pri_failed(device->pdev));
		mt_request(test, mt);
		mt_until_requests(test, mt, requests + 1);
		iommufd_fault_hold_drop(hold);
		KUNIT_EXPECT_FALSE(test, device->pri_open);
	}
	mt_stop(mt);
}

/* DMA with the alias, by a function that the driver has not got. */
static unsigned int mt_alias_dma(struct model_pci_function *fn, u8 *byte)
{
	const struct model_dma_params params = {
		.iova = IOVA, .length = 1, .group = 1,
	};

	return model_dma_now(fn, &params, byte);
}

struct mt_alias {
	struct smmuv3_rig *rig;
	unsigned int done;
	unsigned int blocked;
};

/* Whenever the driver has told the unit something. */
static void mt_alias_traffic(void *data)
{
	struct mt_alias *alias = data;
	u8 byte;

	if (mt_alias_dma(alias->rig->fn[2], &byte) == MODEL_DMA_OK)
		alias->done++;
	else
		alias->blocked++;
}

/*
 * Two functions and what carries their alias. The alias goes on as long as one of them
 * is there, whoever was first; and it takes ATS from them.
 */
static void machine_alias(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.alias = SMMUV3_RIG_DEVFN(2),
	};
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct mt_alias alias = { };
	struct smmuv3_rig *rig;
	struct xarray *streams;
	unsigned int i;
	u8 byte;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	rig = &mt->rig;
	alias.rig = rig;
	mt_start(test, mt, &config, MODEL_PCI_ATS, 2);
	streams = &rig->machine->unit.streams;
	mt->page[0] = 0x5a;
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, rig->device[i]->num_named, 2);
		KUNIT_EXPECT_EQ(test, rig->device[i]->num_streams, 2 - i);
		KUNIT_EXPECT_FALSE(test, rig->device[i]->can_ats);
	}
	/* It has no StreamID of its own left */
	KUNIT_EXPECT_EQ(test, smmuv3_rig_plug(rig, 0, 0), -ENODEV);
	KUNIT_ASSERT_NOT_NULL(test, rig->fn[2]);
	pci_set_master(rig->pdev[2]);
	KUNIT_EXPECT_EQ(test, mt_alias_dma(rig->fn[2], &byte), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, byte, 0x5a);

	/* The first one goes: nothing is blocked for a moment */
	model_pci_put(rig->fn[0]);
	rig->machine->traffic_data = &alias;
	rig->machine->traffic = mt_alias_traffic;
	model_pci_unplug(rig->machine->machine.bridge, rig->pdev[0], false);
	rig->machine->traffic = NULL;
	KUNIT_EXPECT_GT(test, alias.done, 0);
	KUNIT_EXPECT_EQ(test, alias.blocked, 0);
	KUNIT_EXPECT_PTR_EQ(test, smmuv3_device_find(&rig->machine->unit,
						     config.alias),
			    rig->device[1]);
	KUNIT_EXPECT_EQ(test, rig->device[1]->num_streams, 2);
	byte = 0;
	KUNIT_EXPECT_EQ(test, mt_alias_dma(rig->fn[2], &byte), MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, byte, 0x5a);
	/* It goes where the heir goes */
	smmuv3_detach(rig->device[1], IOMMU_NO_PASID);
	KUNIT_EXPECT_EQ(test, mt_alias_dma(rig->fn[2], &byte),
			MODEL_DMA_BLOCKED);

	/* The rest as the rig has it: function 1 in the place of 0 */
	rig->fn[0] = rig->fn[1];
	rig->pdev[0] = rig->pdev[1];
	rig->device[0] = rig->device[1];
	smmuv3_rig_unplug(rig);
	rig->num = 1;
	KUNIT_EXPECT_NOT_NULL(test, xa_load(streams, config.alias));
	mt_stop(mt);
}

/*
 * The PASIDs of a guest's table are not known: a function that may ignore that it is to
 * forget all of them has no ATS with one.
 */
static void machine_nested_not_global(struct kunit *test)
{
	static const struct smmuv3_machine_config config = {};
	/* V, stage 1, S1ContextPtr; S1DSS 2, EATS 1 */
	const u64 ste0 = 1 | 5 << 1 | 0x40000, ste1 = 2 | 1 << 28;
	struct smmuv3_rig *rig;
	struct smmuv3_domain *parent, *nested[2];
	unsigned int i;

	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	KUNIT_ASSERT_EQ(test, 0,
			smmuv3_rig_create(rig, &config,
					  MODEL_PCI_PASID | MODEL_PCI_ATS, 16,
					  1));
	parent = smmuv3_paging_alloc(&rig->machine->unit,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(test, IS_ERR(parent));
	/* One without PASIDs, and one with (S1CDMax) */
	for (i = 0; i < 2; i++) {
		nested[i] = smmuv3_rig_nested(rig, parent, NULL,
					      ste0 | (4ULL * i) << 59, ste1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(nested[i]));
	}
	for (i = 0; i < 4; i++) {
		struct smmuv3_device *device = rig->device[0];
		struct smmuv3_domain *domain = nested[i % 2];
		bool on;

		device->ats_global = i / 2;
		KUNIT_EXPECT_EQ(test, 0, smmuv3_attach(domain, device, 0));
		on = device->ats_global || domain == nested[0];
		KUNIT_EXPECT_EQ(test, device->stream.ats, on);
		KUNIT_EXPECT_EQ(test, !!rig->pdev[0]->ats_enabled, on);
		smmuv3_detach(device, 0);
	}
	for (i = 0; i < 2; i++)
		smmuv3_rig_free(nested[i]);
	smmuv3_rig_free(parent);
	smmuv3_rig_destroy(rig);
}

/*
 * A unit that cannot but stall (6.3.1, STALL_MODEL): S2S is set in each stage 2, which
 * with EATS is ILLEGAL (5.2).
 */
static void machine_stall_always(struct kunit *test)
{
	const struct smmuv3_machine_config config = {
		.idr0 = (smmuv3_model_idr0 & ~IDR0_STALL_MODEL) |
			IDR0_STALL_ALWAYS,
	};
	struct mt *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);
	struct smmuv3_domain *stage2;
	struct smmuv3_device *device;
	u8 byte = 0x33;

	KUNIT_ASSERT_NOT_NULL(test, mt);
	mt_start(test, mt, &config, MODEL_PCI_ATS, 1);
	device = mt->rig.device[0];
	KUNIT_EXPECT_FALSE(test, device->can_ats);
	KUNIT_EXPECT_EQ(test, smmuv3_rig_dma(&mt->rig, 0, IOMMU_NO_PASID,
					     MODEL_DMA_WRITE, IOVA, &byte, 1),
			MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, mt->page[0], 0x33);

	stage2 = smmuv3_paging_alloc(&mt->rig.machine->unit,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	KUNIT_ASSERT_FALSE(test, IS_ERR(stage2));
	KUNIT_EXPECT_EQ(test, iommu_map(&stage2->domain, IOVA,
					virt_to_phys(mt->page), PAGE_SIZE,
					IOMMU_READ | IOMMU_WRITE, GFP_KERNEL),
			0);
	KUNIT_EXPECT_EQ(test, smmuv3_attach(stage2, device, IOMMU_NO_PASID), 0);
	byte = 0x44;
	KUNIT_EXPECT_EQ(test, smmuv3_rig_dma(&mt->rig, 0, IOMMU_NO_PASID,
					     MODEL_DMA_WRITE, IOVA, &byte, 1),
			MODEL_DMA_OK);
	KUNIT_EXPECT_EQ(test, mt->page[0], 0x44);
	smmuv3_detach(device, IOMMU_NO_PASID);
	smmuv3_rig_free(stage2);
	mt_stop(mt);
}

static struct kunit_case smmuv3_machine_cases[] = {
	KUNIT_CASE_PARAM(machine_interrupts, machine_irqs_params),
	KUNIT_CASE_PARAM(machine_interrupts_lost, machine_irqs_params),
	KUNIT_CASE(machine_msis_without_pri),
	KUNIT_CASE(machine_no_msis),
	KUNIT_CASE_SLOW(machine_request_lost),
	KUNIT_CASE(machine_alias),
	KUNIT_CASE(machine_nested_not_global),
	KUNIT_CASE(machine_stall_always),
	{}
};

static struct kunit_suite smmuv3_machine_suite = {
	.name = "iommufd_smmuv3_machine",
	.test_cases = smmuv3_machine_cases,
};

kunit_test_suite(smmuv3_machine_suite);
