// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: the event queue of an SMMUv3, and a PASID that changes hands. */
#include <linux/slab.h>

#include "../smmuv3/faults_internal.h"
#include "pasid_events_kunit.h"
#include "smmuv3_rig.h"

#define NOWHERE		0x20000000
/* IHI 0070, 7.3.13 */
#define F_TRANSLATION	0x10

struct smmuv3_pe {
	struct pe pe;
	struct smmuv3_rig rig;
	struct smmuv3_domain *domain[2];
	struct smmuv3_domain *rid;
	bool blind;
	unsigned int faults;
};

static struct smmuv3_pe *to_smmuv3(struct pe *pe)
{
	return container_of(pe, struct smmuv3_pe, pe);
}

static int pe_attach_to(struct pe *pe, unsigned int owner)
{
	struct smmuv3_pe *s = to_smmuv3(pe);

	return smmuv3_attach(s->domain[owner], s->rig.device[0], PE_PASID);
}

static void pe_block(struct pe *pe)
{
	smmuv3_detach(to_smmuv3(pe)->rig.device[0], PE_PASID);
}

static bool pe_fault(struct pe *pe)
{
	u8 byte = 0;

	return smmuv3_rig_dma(&to_smmuv3(pe)->rig, 0, PE_PASID, 0, NOWHERE,
			      &byte, 1) == MODEL_DMA_BLOCKED;
}

static void pe_blind(struct pe *pe)
{
	struct smmuv3_pe *s = to_smmuv3(pe);

	smmuv3_evtq_stop(&s->rig.machine->unit);
	s->blind = true;
}

/* What the interrupt's thread would do */
static void pe_look(struct pe *pe)
{
	struct smmuv3_pe *s = to_smmuv3(pe);

	if (s->blind)
		KUNIT_ASSERT_EQ(pe->test, 0,
				smmuv3_evtq_start(&s->rig.machine->unit));
	s->blind = false;
	smmuv3_events_drain(&s->rig.machine->unit);
}

static struct smmuv3_pe *smmuv3_pe_new(struct kunit *test)
{
	static const struct smmuv3_machine_config config = {};
	struct smmuv3_pe *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct smmuv3_unit *unit;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->pe = (struct pe){
		.test = test,
		.attach = pe_attach_to,
		.detach = pe_block,
		.fault = pe_fault,
		.blind = pe_blind,
		.look = pe_look,
	};
	KUNIT_ASSERT_EQ(test, 0, smmuv3_rig_create(&s->rig, &config,
						   MODEL_PCI_PASID, 16, 1));
	unit = &s->rig.machine->unit;
	s->pe.dev = s->rig.device[0]->dev;
	for (i = 0; i < 2; i++) {
		s->domain[i] = smmuv3_paging_alloc(unit, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(s->domain[i]));
		s->pe.owner[i].domain = &s->domain[i]->domain;
	}
	/* A stream of which nothing is attached aborts, and records nothing */
	s->rid = smmuv3_paging_alloc(unit, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->rid));
	KUNIT_ASSERT_EQ(test, 0, smmuv3_attach(s->rid, s->rig.device[0],
					       IOMMU_NO_PASID));
	return s;
}

static void smmuv3_pe_end(struct smmuv3_pe *s)
{
	unsigned int i;

	smmuv3_detach(s->rig.device[0], IOMMU_NO_PASID);
	smmuv3_rig_free(s->rid);
	for (i = 0; i < 2; i++)
		smmuv3_rig_free(s->domain[i]);
	smmuv3_rig_destroy(&s->rig);
}

static void pasid_events_test(struct kunit *test)
{
	struct smmuv3_pe *s = smmuv3_pe_new(test);

	pe_run(&s->pe);
	smmuv3_pe_end(s);
}

/*
 * In the middle of an attach: who has it is told. Nothing may sleep there, so it is said
 * as the interrupt's thread would, which takes no lock of the attach either.
 */
static void fault_meanwhile(void *data)
{
	struct smmuv3_pe *s = data;
	const struct smmuv3_event event = {
		.type = F_TRANSLATION,
		.sid = smmuv3_device_sid(s->rig.device[0]),
		.ssid_valid = true,
		.ssid = PE_PASID,
		.addr = NOWHERE,
	};

	/* Once, with the first commands */
	if (!s->faults++)
		smmuv3_event_report(&s->rig.machine->unit, &event);
}

static void pasid_events_meanwhile_test(struct kunit *test)
{
	struct smmuv3_pe *s = smmuv3_pe_new(test);

	pe_begin(&s->pe);
	s->rig.machine->traffic_data = s;
	s->rig.machine->traffic = fault_meanwhile;
	pe_attach(&s->pe, 0);
	KUNIT_EXPECT_GT(test, s->faults, 0);
	pe_expect(&s->pe, 1, 0);

	/* From one to the other: the old one's, as its translations may be in use still */
	s->faults = 0;
	KUNIT_EXPECT_EQ(test, 0, pe_attach_to(&s->pe, 1));
	KUNIT_EXPECT_GT(test, s->faults, 0);
	s->rig.machine->traffic = NULL;
	pe_expect(&s->pe, 1, 0);
	pe_detach(&s->pe);
	pe_end(&s->pe);
	smmuv3_pe_end(s);
}

static struct kunit_case pasid_events_cases[] = {
	KUNIT_CASE(pasid_events_test),
	KUNIT_CASE(pasid_events_meanwhile_test),
	{}
};

static struct kunit_suite pasid_events_suite = {
	.name = "iommufd_smmuv3_pasid_events",
	.test_cases = pasid_events_cases,
};

kunit_test_suite(pasid_events_suite);
