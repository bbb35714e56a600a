// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: fault records of a VT-d unit, and a PASID that changes hands. */
#include <linux/slab.h>

#include "../vtd/events.h"
#include "pasid_events_kunit.h"
#include "vtd_rig.h"

#define NOWHERE		0x20000000
#define CAP_CM		BIT_ULL(7)

struct vtd_pe {
	struct pe pe;
	struct vtd_rig rig;
	struct vtd_domain *domain[2];
	bool blind;
};

static struct vtd_pe *to_vtd(struct pe *pe)
{
	return container_of(pe, struct vtd_pe, pe);
}

static int pe_attach_to(struct pe *pe, unsigned int owner)
{
	struct vtd_pe *v = to_vtd(pe);

	return vtd_attach(v->domain[owner], v->rig.device[0], PE_PASID);
}

static void pe_block(struct pe *pe)
{
	vtd_detach(to_vtd(pe)->rig.device[0], PE_PASID);
}

static bool pe_fault(struct pe *pe)
{
	u64 val = 0;

	return vtd_rig_dma(&to_vtd(pe)->rig, 0, PE_PASID, 0, NOWHERE, &val,
			   sizeof(val)) == MODEL_DMA_BLOCKED;
}

static void pe_blind(struct pe *pe)
{
	struct vtd_pe *v = to_vtd(pe);

	vtd_events_stop(&v->rig.machine->unit);
	v->blind = true;
}

/* Starting reads what is recorded. */
static void pe_look(struct pe *pe)
{
	struct vtd_pe *v = to_vtd(pe);

	if (!v->blind)
		vtd_events_stop(&v->rig.machine->unit);
	v->blind = false;
	KUNIT_ASSERT_EQ(pe->test, 0, vtd_events_start(&v->rig.machine->unit));
}

static struct vtd_pe *vtd_pe_new(struct kunit *test, u64 cap)
{
	struct vtd_pe *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->pe = (struct pe){
		.test = test,
		.attach = pe_attach_to,
		.detach = pe_block,
		.fault = pe_fault,
		.blind = pe_blind,
		.look = pe_look,
	};
	/* Without ATS: a function that is told no reports no fault */
	KUNIT_ASSERT_EQ(test, 0, vtd_rig_create(&v->rig, cap, vtd_model_ecap,
						MODEL_PCI_PASID, 1));
	v->pe.dev = v->rig.device[0]->dev;
	for (i = 0; i < 2; i++) {
		v->domain[i] = vtd_paging_alloc(&v->rig.machine->unit,
						NUMA_NO_NODE, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(v->domain[i]));
		v->pe.owner[i].domain = &v->domain[i]->domain;
	}
	return v;
}

static void vtd_pe_end(struct vtd_pe *v)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		vtd_rig_free(v->domain[i]);
	vtd_rig_destroy(&v->rig);
}

static void pasid_events_test(struct kunit *test)
{
	struct vtd_pe *v = vtd_pe_new(test, vtd_model_cap);

	pe_run(&v->pe);
	vtd_pe_end(v);
}

/* In the middle of an attach, when the function can reach the domain: who has it is told. */
static void fault_meanwhile(void *data)
{
	struct vtd_pe *v = data;
	struct vtd_machine *machine = v->rig.machine;

	/* Once: this submits nothing, but the rest of the attach does */
	machine->traffic = NULL;
	KUNIT_EXPECT_TRUE(v->pe.test, pe_fault(&v->pe));
	vtd_events_drain(&machine->unit);
}

/* In caching mode: else an entry that becomes present needs no invalidation (6.1) */
static void pasid_events_meanwhile_test(struct kunit *test)
{
	struct vtd_pe *v = vtd_pe_new(test, vtd_model_cap | CAP_CM);

	pe_begin(&v->pe);
	v->rig.machine->traffic_data = v;
	v->rig.machine->traffic = fault_meanwhile;
	pe_attach(&v->pe, 0);
	KUNIT_EXPECT_NULL(test, v->rig.machine->traffic);
	pe_expect(&v->pe, 1, 0);
	pe_detach(&v->pe);
	pe_end(&v->pe);
	vtd_pe_end(v);
}

static struct kunit_case pasid_events_cases[] = {
	KUNIT_CASE(pasid_events_test),
	KUNIT_CASE(pasid_events_meanwhile_test),
	{}
};

static struct kunit_suite pasid_events_suite = {
	.name = "iommufd_vtd_pasid_events",
	.test_cases = pasid_events_cases,
};

kunit_test_suite(pasid_events_suite);
